"""The privacy centre: agreed and taken back with one touch, asked again by a wider text, taken along, and deleted."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.test_coupons import log_in

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
PHONE = "19900000720"


async def test_from_the_first_consent_to_the_deleted_account(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    member = await visit()
    await member.goto(f"{site}/login?next=/me/privacy")
    await log_in(member, PHONE)
    await member.wait_for_url(re.compile("/me/privacy$"))

    # Off until the member says so; on and off again by the same touch.
    switch = member.get_by_role("switch", name="优惠和活动信息")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await member.locator("section").filter(has_text="授权记录").get_by_role("button", name="查看", exact=True).click()
    await expect(member.locator(".said li")).to_have_count(4)  # with the first log-in

    # Headquarters asks for more: the old yes counts no more.
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/members/consents")
    panel = desk.locator("section.panel", has_text="优惠和活动信息")
    await panel.get_by_role("button", name="发布新版本").click()
    sheet = desk.locator("dialog[open]")
    await sheet.locator("textarea").first.fill("我们还会打电话告诉您新品。")
    await sheet.get_by_text("比以前多了用途").click()
    await sheet.get_by_role("button", name="发布", exact=True).click()
    await expect(sheet.get_by_text("请写明原因")).to_be_visible()
    await sheet.get_by_label("原因").fill("新增电话通知")
    await sheet.get_by_role("button", name="发布", exact=True).click()
    await expect(panel.get_by_text("0 人现在同意")).to_be_visible()
    await member.reload()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await expect(member.get_by_text("请重新开启")).to_be_visible()
    await expect(member.get_by_text("我们还会打电话告诉您新品。")).to_be_visible()

    # Everything in one file.
    async with member.expect_download() as coming:
        await member.get_by_role("link", name="下载我的数据").click()
    names = await asyncio.to_thread(_names, str(await (await coming.value).path()))
    assert names == ["data.json", "index.html"]

    # Leaving says what is lost. (A code was sent a moment ago, so another has to wait; tests/http/test_erasure.py goes on.)
    await member.get_by_role("button", name="注销账号").click()
    leaving = member.locator("dialog[open]")
    await expect(leaving.get_by_text("积分和优惠券")).to_be_visible()
    await leaving.get_by_role("button", name="发送验证码确认").click()
    await expect(leaving.get_by_text("验证码请求太频繁").or_(leaving.locator("#e-code")).first).to_be_visible()

    # They call headquarters instead, which does it with a reason; their session is over.
    found = (await head.get("console/members", q=PHONE[-4:]))["items"]
    who = next(one["id"] for one in found if one["phone_masked"] == f"{PHONE[:3]}****{PHONE[-4:]}")
    await desk.goto(f"{site}/console/members/{who}")
    await desk.get_by_role("button", name="授权记录").click()
    await expect(sheet.get_by_text("撤回:优惠和活动信息").first).to_be_visible()
    await desk.keyboard.press("Escape")
    await desk.get_by_role("button", name="注销账号").click()
    await sheet.get_by_role("button", name="确认注销").click()
    await expect(sheet.get_by_text("请写明原因")).to_be_visible()
    await sheet.get_by_label("原因").fill("会员来电,已核对验证码")
    await sheet.get_by_role("button", name="确认注销").click()
    await desk.wait_for_url(re.compile("/console/members$"))
    await desk.goto(f"{site}/console/members/{who}")
    await expect(desk.get_by_text("没有这位会员").first).to_be_visible()
    await member.goto(f"{site}/me")
    await expect(member.get_by_role("link", name="登录", exact=True).first).to_be_visible()


def _names(path: str) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())
