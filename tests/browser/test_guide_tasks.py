"""A guide's tasks, from the suggestion to what came of it, and their performance; what a member earned by sharing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import in_languages
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"phones": ("19910004041", "19910004051", "19910004052"), "welcome": "新会员", "send": "发给 TA", "call": "打电话", "wrote": "发了消息",
           "noted": "已记录", "skip": "不需要", "liked": "TA 的收藏", "note": "给自己记一句", "undo": "撤销", "type": "取货码、条码、订单号或会员卡号", "sell": "开始收银", "ever": "全部", "referrer": "您的分享",
           "gone": "已收回", "went": "订单取消了,收回 ¥", "due": "归您"},
    "en": {"phones": ("19910004042", "19910004053", "19910004054"), "welcome": "New: say hello", "send": "Send these", "call": "Call", "wrote": "I wrote",
           "noted": "Noted", "skip": "Not needed", "liked": "A favourite of theirs", "note": "A word for yourself", "undo": "Undo", "type": "Pickup code, barcode, order number or card number", "sell": "Start a sale", "ever": "Altogether", "referrer": "By your sharing",
           "gone": "Taken back", "went": "the order was cancelled: ¥", "due": "yours"},
}  # fmt: skip


@in_languages
async def test_a_task_is_done_with_a_look_and_a_call_and_the_order_after_it_counts(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    number = says["phones"][0]
    assert isinstance(number, str)
    clerk = await stage.clerk_at(playwright, site, SHOP)
    member = await stage.member(playwright, site, number)
    name = stage.PEOPLE[4]
    await member.send("PATCH", "mall/me", {"display_name": name})
    await member.send("PUT", "mall/privacy/profiling", {"granted": True, "text_version": 1})
    code = (await clerk.send("POST", "clerk/guide-codes", {"store": SHOP}))["code"]
    await member.send("POST", "mall/guide", {"code": code})
    (article,) = await stage.in_stock(member, at=SHOP, limit=1)
    await member.send("PUT", "mall/favourites", {"product_code": article["product"]})
    before = (await clerk.get("clerk/performance", store=SHOP))["ever"]

    state = await clerk.cookies(**{"duoline.clerk.store": SHOP})
    counter = await visit(language=language, storage_state=state)
    await counter.goto(f"{site}/clerk/me")
    await counter.locator("a[href='/clerk/tasks']").click()
    theirs = counter.locator("main ul > li.panel").filter(has_text=f"{number[:3]}****{number[-4:]}")
    row = theirs.locator("button.row").filter(has_text=re.compile(str(says["welcome"])))
    await row.click()
    asked = counter.locator("dialog[open]")
    # What they like comes first, with the reason beside it; one tap makes the link.
    await expect(asked.locator(".piece").first).to_contain_text(str(says["liked"]))
    await asked.get_by_role("button", name=str(says["send"]), exact=True).click()
    url = await asked.locator(".url").inner_text()
    # The number is masked until it is asked for.
    await expect(asked.get_by_text(f"{number[:3]}****{number[-4:]}")).to_be_visible()
    assert number not in await asked.inner_text()
    await counter.route("tel:**", lambda route: route.abort())
    await asked.get_by_role("button", name=str(says["call"]), exact=True).click()
    await expect(asked.locator(f"a[href='tel:+86{number}']")).to_be_visible()
    await asked.get_by_label(str(says["note"])).fill("80")
    await asked.get_by_role("button", name=str(says["wrote"]), exact=True).click()
    await expect(counter.get_by_text(str(says["noted"]))).to_be_visible()
    await expect(row).to_have_count(0)
    # A slip is taken back, and done again.
    await counter.get_by_role("button", name=str(says["undo"]), exact=True).click()
    await row.click()
    await asked.get_by_label(str(says["note"])).fill("size 80")
    await asked.get_by_role("button", name=str(says["wrote"]), exact=True).click()
    await expect(row).to_have_count(0)

    # Their card, read on the page for scanning, leads to them: what waits, what was noted, and a sale for them.
    card = await member.get("mall/card")
    await counter.goto(f"{site}/clerk/scan")
    await counter.get_by_label(str(says["type"])).fill(card["number"].lower())
    await counter.keyboard.press("Enter")
    await expect(counter).to_have_url(re.compile("/clerk/member-card$"))
    await expect(counter.get_by_text("size 80")).to_be_visible()
    await counter.get_by_role("button", name=str(says["sell"]), exact=True).click()
    await expect(counter).to_have_url(re.compile("/clerk/till$"))
    await expect(counter.locator(".member")).to_contain_text(name)
    await counter.locator("nav a[href='/clerk/me']").click()
    await counter.locator("a[href='/clerk/tasks']").click()

    # The member opens the link and buys: it counts for the task and for the guide.
    phone = await visit(language=language, storage_state=await member.cookies(**{"duoline.known": True}))
    await phone.goto(re.sub(r"^https?://[^/]+", site, url))
    await expect(phone.locator("li.piece").first).to_be_visible()
    bought = await stage.order(member, [stage.line(article)], name=name)
    await counter.reload()
    results = (await clerk.get("clerk/guide-task-results", store=SHOP))["items"]
    welcome = next(one for one in results if one["kind"] == "welcome")
    assert welcome["orders"] >= 1
    assert welcome["sales"]["minor"] >= bought["total"]["minor"]
    await expect(counter.locator("section li.row").filter(has_text=re.compile(str(says["welcome"])))).to_be_visible()

    after = (await clerk.get("clerk/performance", store=SHOP))["ever"]
    assert (after["orders"], after["member_orders"], after["clicks"]) == (
        before["orders"] + 1, before["member_orders"] + 1, before["clicks"] + 1,
    )  # fmt: skip
    await counter.goto(f"{site}/clerk/performance")
    await counter.get_by_role("radio", name=str(says["ever"])).click()
    figures = counter.locator("dl.figures").first.locator("dd")
    await expect(figures.nth(0)).to_have_text(f"{after['clicks']:,}")
    await expect(figures.nth(2)).to_have_text(f"{after['orders']:,}")


@in_languages
async def test_a_member_who_shared_sees_what_a_friend_s_order_earned_them(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    _, sharer_no, friend_no = says["phones"]
    sharer = await stage.member(playwright, site, sharer_no)
    (article,) = await stage.in_stock(sharer, at=SHOP, limit=1)
    shared = await sharer.send("POST", "mall/shares", {"kind": "product", "name": article["product"], "note": ""})
    assert (await sharer.get("mall/earnings"))["pending"]["minor"] == 0

    friend_phone = await visit(language=language)
    await friend_phone.goto(re.sub(r"^https?://[^/]+", site, shared["url"]))
    await expect(friend_phone).to_have_url(re.compile(rf"/p/{article['product']}\?t="))
    friend = stage.Person(friend_phone.context.request, site)
    await stage.sign_in(friend, friend_no)
    bought = await stage.order(friend, [stage.line(article)], name=stage.PEOPLE[5])
    commission = next(one for one in await policies(playwright, site) if one["kind"] == "commission")
    rate: int = commission["current"]["body"]["referrer_bp"]
    earned = (bought["total"]["minor"] * rate + 5_000) // 10_000  # to the nearest cent
    assert earned > 0
    page = await visit(language=language, storage_state=await sharer.cookies(**{"duoline.known": True}))
    for _ in range(stage.TRIES):
        if (await sharer.get("mall/earnings"))["pending"]["minor"]:
            break
        await page.wait_for_timeout(1000 * stage.PAUSE_S)
    assert (await sharer.get("mall/earnings"))["pending"]["minor"] == earned
    (share,) = (await sharer.get("mall/earnings/shares"))["items"]
    assert (share["role"], share["earned"]["minor"], share["rate_bp"]) == ("referrer", earned, rate)

    await page.goto(f"{site}/me/shares")
    await page.locator("a[href='/me/earnings']").click()
    await expect(page.get_by_text(f"¥{earned // 100:,}.{earned % 100:02d}").first).to_be_visible()
    await expect(page.locator("li .share").first).to_contain_text(re.compile(str(says["referrer"])))

    # The friend calls it off: it is no money to come, and the page says what became of it.
    await friend.send("POST", f"mall/orders/{bought['id']}/cancellation", {"reason": "changed_mind"})
    for _ in range(stage.TRIES):
        if (await sharer.get("mall/earnings"))["reversed"]["minor"]:
            break
        await page.wait_for_timeout(1000 * stage.PAUSE_S)
    await page.reload()
    gone = page.locator("li .share").first
    await expect(gone).to_contain_text(str(says["gone"]))
    await expect(gone).to_contain_text(re.compile(str(says["went"])))
    await expect(gone).not_to_contain_text(re.compile(str(says["due"])))
    await expect(page.locator(".tile").nth(4)).to_contain_text(f"{earned // 100:,}.{earned % 100:02d}")


async def policies(playwright: Playwright, site: str) -> list[dict[str, Any]]:
    """The rules in force."""
    head = await stage.staff(playwright, site, "hq")
    found: list[dict[str, Any]] = (await head.get("console/policies"))["items"]
    return found
