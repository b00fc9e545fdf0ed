"""Headquarters says that two members are one person, by keyboard, and that they are not after all; the mall follows."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.test_coupons import log_in
from tests.browser.test_pages import AXE, AXE_RUN

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
ONE, TWO = "19900000863", "19900000864"
NAME = "何如意"


async def test_two_members_become_one_and_two_again(site: str, visit: Visit, playwright: Playwright) -> None:
    head = await stage.staff(playwright, site, "hq")
    await stage.file(head, "signups", "signups.csv", f"channel,phone,name\nmall,{ONE},{NAME}\ntill,{TWO},{NAME}\n")
    for phone, points in ((ONE, 120), (TWO, 80)):
        [who] = (await head.get("console/members", q=phone))["items"]
        await head.send("POST", f"console/members/{who['id']}/points", {"points": points, "reason": "test"})

    # The pair stands side by side with its reasons; S says that it is one person.
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/members/pairs")
    pair = desk.locator("li.pair", has_text="0863")
    await expect(pair).to_contain_text("手机号只差一位")
    await expect(pair).to_contain_text("199****0864")
    while "on" not in (await pair.get_attribute("class") or "").split():
        await desk.keyboard.press("j")
    await desk.keyboard.press("s")
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_role("button", name="合并").click()
    await expect(sheet.get_by_text("请写明原因")).to_be_visible()
    await sheet.get_by_role("group", name="合并后保留").get_by_text("199****0863").click()
    await sheet.get_by_label("原因").fill("本人到店核对")
    await sheet.get_by_role("button", name="合并").click()
    await expect(desk.get_by_text("已合并为一位会员").first).to_be_visible()
    # The sheet stays and says what they have together.
    await expect(sheet.get_by_role("row", name=re.compile("可用积分")).locator("td")).to_have_text(["120", "80", "200"])
    await sheet.locator(".foot").get_by_role("button", name="关闭").click()
    await expect(pair).to_have_count(0)

    # Whoever logs in with the second number is the first member, with the points of both.
    phone = await visit()
    await phone.goto(f"{site}/login")
    await log_in(phone, TWO)
    await phone.wait_for_url(lambda url: "/login" not in url)
    points = "() => fetch('/api/mall/membership').then((one) => one.json()).then((one) => one.points.spendable)"
    assert await phone.evaluate(points) == 200
    await phone.goto(f"{site}/me")
    await expect(phone.get_by_text(NAME).first).to_be_visible()

    # On the member's page the merge is undone, with a reason.
    await desk.goto(f"{site}/console/members?q=0863")
    await desk.get_by_role("link", name=re.compile(NAME)).first.click()
    panel = desk.locator("#identity")
    await expect(panel).to_contain_text("本人到店核对")
    await expect(desk.locator("#points .main")).to_contain_text("200")
    await panel.get_by_role("button", name="撤销合并").click()
    await sheet.get_by_label("原因").fill("是父子两人")
    await sheet.get_by_role("button", name="撤销合并").click()
    await expect(panel).to_contain_text("已撤销")
    await expect(desk.locator("#points .main")).to_contain_text("120")
    await expect(desk.locator("#story")).to_be_visible()
    await desk.goto(f"{site}/console/members/pairs?which=different")
    await expect(desk.locator("li.pair", has_text="0863")).to_contain_text("是父子两人")


@in_languages
async def test_an_identity_is_added_taken_queued_and_ended(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    zh = language == "zh"
    one, two = ("19910000861", "19910000862") if zh else ("19910000863", "19910000864")
    name, card = ("乔一帆", "6208001") if zh else ("Fan Qiao", "6208002")
    head = await stage.staff(playwright, site, "hq")
    rows = f"channel,phone,name,card_no\nmall,{one},{name},\ntill,{two},{name}二,{card}\n"
    await stage.file(head, "signups", "signups.csv", rows)
    [who] = (await head.get("console/members", q=one))["items"]
    desk = await visit(width="desk", language=language, storage_state=await head.cookies(), reduced_motion="reduce")
    await desk.add_init_script(path=AXE)
    await desk.goto(f"{site}/console/members/{who['id']}")
    panel, sheet = desk.locator("#identity"), desk.locator("dialog[open]")
    await panel.get_by_role("button", name="添加标识" if zh else "Add identity").click()
    await sheet.get_by_label("标识类型" if zh else "Kind").select_option("card_no")
    value, reason = sheet.get_by_label("标识内容" if zh else "Value"), sheet.get_by_label("原因" if zh else "Reason")
    await reason.fill("当面出示")
    add = sheet.get_by_role("button", name="添加" if zh else "Add", exact=True)
    await value.fill(card)
    await add.click()
    await sheet.get_by_role("button", name="送去" if zh else "Queue both").wait_for()
    assert await desk.evaluate(AXE_RUN) == []
    # A card of nobody's is theirs from now on.
    await value.fill(f"{card}9")
    await add.click()
    await expect(panel).to_contain_text("总部添加" if zh else "Added by headquarters")
    # What is somebody else's makes a pair to be looked at.
    await panel.get_by_role("button", name="添加标识" if zh else "Add identity").click()
    await sheet.get_by_label("标识类型" if zh else "Kind").select_option("card_no")
    await reason.fill("当面出示")
    await value.fill(card)
    await add.click()
    await sheet.get_by_role("button", name="送去" if zh else "Queue both").click()
    await expect(panel).to_contain_text("有待确认的相似会员" if zh else "in doubt")
    shown = f"62***{card[-2:]}9"
    await panel.get_by_role("button", name=f"停用 会员卡号 {shown}" if zh else f"End Card {shown}").click()
    await reason.fill("卡已挂失")
    await sheet.get_by_role("button", name="停用" if zh else "End", exact=True).click()
    await expect(panel.get_by_text(shown)).to_have_count(0)
