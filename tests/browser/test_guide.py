"""A guide's code on a screen, scanned, confirmed after a log-in, seen by the guide, disputed, decided; and a shared link."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"log_in": "登录后确认", "phone": "手机号", "send": "获取验证码", "enter": "登录", "confirm": "确认,让", "mine": "我的导购",
           "link": "链接邀请", "share": "分享 ", "note": "想说的话", "make": "生成分享链接", "bad": "请删掉后再分享", "orders": "订单",
           "leave": "解除导购", "left": "已解除", "change": "解除并更换"},
    "en": {"log_in": "Log in and confirm", "phone": "Phone|number", "send": "code", "enter": "Log in", "confirm": "Yes, let",
           "mine": "My guide", "link": "invited", "share": "Share ", "note": "A few words", "make": "Make a link",
           "bad": "cannot hold a link", "orders": "Orders", "leave": "End it", "left": "Ended",
           "change": "End it and change"},
}  # fmt: skip


@in_languages
async def test_from_the_guide_s_screen_to_my_guide_and_back(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    clerk = await stage.clerk_at(playwright, site, SHOP)
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/my-code")
    await expect(counter.locator(".qr img")).to_be_visible()
    code = (await clerk.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"]

    phone = await visit(language=language)
    await phone.goto(f"{site}/t/{code}")
    await expect(phone).to_have_url(re.compile(f"/guide/{code}$"))
    await phone.get_by_role("link", name=says["log_in"]).click()
    number = "19900000311" if language == "zh" else "19900000312"
    await phone.locator("#l-phone").fill(number)
    await phone.locator("form button[type=submit]").click()
    await phone.locator(".hint button").click()  # the code, as the inbox of a development installation shows it
    await phone.locator("form button[type=submit]").click()
    await expect(phone).to_have_url(re.compile(f"/guide/{code}$"))
    await phone.get_by_role("button", name=re.compile(says["confirm"])).click()
    await expect(phone).to_have_url(re.compile("/me/guide$"))
    await expect(phone.locator(".now .name")).to_be_visible()

    await counter.goto(f"{site}/clerk/members")
    await counter.get_by_role("searchbox").fill(number[-4:])
    row = counter.locator("a.row")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text(re.compile(says["link"]))

    # Undone as easily as done; the guide sees nobody any more.
    await phone.get_by_role("button", name=says["leave"]).click()
    await phone.locator("dialog[open]").get_by_role("button", name=says["leave"]).click()
    await expect(phone.locator(".now")).to_have_count(0)
    await counter.reload()
    await counter.get_by_role("searchbox").fill(number[-4:])
    await expect(row).to_have_count(0)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_protected_guide_is_ended_and_changed_in_one_go(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    """By the code of another guide, and by what another guide asks at the counter: one button, one question, and the
    other one is the member's guide."""
    says = WORDS[language]
    number = "19900000341" if language == "zh" else "19900000342"
    member = await stage.member(playwright, site, number)
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    first, other = [(await one.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"] for one in (clerk, head)]
    await member.send("POST", "mall/guide", {"code": first})
    before = (await member.get("mall/guide"))["binding"]["guide"]["name"]

    phone = await visit(language=language, storage_state=await member.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}/guide/{other}")
    await phone.get_by_role("button", name=says["change"], exact=True).click()
    asked = phone.locator("dialog[open]")
    await expect(asked).to_contain_text(before)
    await asked.get_by_role("button", name=says["change"], exact=True).click()
    await expect(phone).to_have_url(re.compile("/me/guide$"))
    now = phone.locator(".now .name")
    await expect(now).to_be_visible()
    after = (await member.get("mall/guide"))["binding"]["guide"]["name"]
    assert after != before
    await expect(now).to_have_text(after)

    # The one before asks at the counter: the page has the same button beside "no", on one line each.
    await clerk.send("POST", "clerk/guide-asks", {"store": SHOP, "phone": number})
    await phone.reload()
    button = phone.locator(".ask").get_by_role("button", name=says["change"], exact=True)
    assert await button.evaluate("(one) => getComputedStyle(one).whiteSpace") == "nowrap"
    await button.click()
    await asked.get_by_role("button", name=says["change"], exact=True).click()
    await expect(phone.locator(".ask")).to_have_count(0)
    await expect(now).to_have_text(before)
    assert (await member.get("mall/guide"))["binding"]["guide"]["name"] == before


@in_languages
async def test_a_shared_article_from_one_phone_to_another(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    sharer = await stage.member(playwright, site, "19900000321" if language == "zh" else "19900000322")
    (article,) = await stage.in_stock(sharer, at=SHOP, limit=1)
    page = await visit(language=language, storage_state=await sharer.cookies(**{"duoline.known": True}))
    await page.goto(f"{site}/p/{article['product']}")
    await page.get_by_role("button", name=re.compile(f"^{says['share']}")).locator("visible=true").first.click()
    asked = page.locator("dialog[open]")
    await asked.get_by_label(says["note"]).fill("www.example.com")
    await asked.get_by_role("button", name=re.compile(says["make"])).click()
    await expect(asked.get_by_text(re.compile(says["bad"]))).to_be_visible()
    await asked.get_by_label(says["note"]).fill("我家一直用")
    await asked.get_by_role("button", name=re.compile(says["make"])).click()
    url = await asked.locator(".url").inner_text()

    friend = await visit(language=language)
    await friend.goto(url)
    await expect(friend).to_have_url(re.compile(rf"/p/{article['product']}\?t=[0-9A-Z]{{8}}$"))
    await expect(friend.locator(".shared q")).to_have_text("我家一直用")
    await page.goto(f"{site}/me/shares")
    first = page.locator("dl.figures").first
    await expect(first.locator("dd").first).to_have_text("1")


async def test_headquarters_decides_a_dispute(site: str, visit: Visit, playwright: Playwright) -> None:
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    code = (await clerk.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"]
    number = "19900000331"
    member = await stage.member(playwright, site, number)
    await member.send("PATCH", "mall/me", {"display_name": "苏晴"})
    await member.send("POST", "mall/guide", {"code": code})
    # The manager asks for the member: who asks does not decide.
    manager = await stage.clerk_at(playwright, site, SHOP, role="store")
    counter = await visit(storage_state=await manager.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/members")
    await counter.get_by_role("button", name="会员归属申诉").click()
    asked = counter.locator("dialog[open]")
    await asked.get_by_role("button", name="提交申诉").click()
    await expect(asked.get_by_text("请写明理由")).to_be_visible()
    await asked.get_by_label("顾客手机号").fill(number)
    await asked.get_by_label("理由").fill("一直由我接待")
    await asked.get_by_role("button", name="提交申诉").click()
    await expect(asked.get_by_text("申诉已提交")).to_be_visible()

    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/bindings/disputes")
    await desk.get_by_role("button", name=re.compile("苏晴")).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_text("移交", exact=True).click()
    await sheet.get_by_role("button", name="裁定", exact=True).click()
    await expect(sheet.get_by_text("请写明原因")).to_be_visible()
    await sheet.get_by_label("原因").fill("聊天记录属实")
    await sheet.get_by_role("button", name="裁定", exact=True).click()
    await expect(sheet).to_have_count(0)
    await desk.goto(f"{site}/console/bindings?q=苏晴")
    await desk.get_by_role("link", name=re.compile("苏晴")).first.click()
    await expect(desk.locator("ol.line li").first).to_contain_text("裁定")
    await expect(desk.get_by_text("聊天记录属实")).to_be_visible()
