"""A member shows the card at the till, earns points by what they take away, and pays a part of the next order with them.
In both languages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import hand_scanner, in_languages
from tests.browser.stage import SHOP

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]

WORDS = {
    "zh": {"phone": "19900000501", "card": "会员码", "pay": "收款", "received": "已收款", "sold": "收款完成", "use": "用 .* 积分"},
    "en": {
        "phone": "19900000502", "card": "Member card", "pay": "Take payment", "received": "Money received", "sold": "Sold",
        "use": "Use .* points",
    },
}  # fmt: skip


@in_languages
async def test_the_card_is_scanned_points_come_and_pay(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, says["phone"])
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    (article,) = await stage.in_stock(buyer, at=SHOP, limit=1)
    receipt = {"store": SHOP, "sku_id": article["sku_id"], "reason": "receipt", "delta": 90, "note": stage.RECEIPT}
    await head.send("POST", "console/stock/adjustments", receipt)

    # The member opens the card: a picture, which the phone keeps for when there is no network.
    phone = await visit(language=language, storage_state=await buyer.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}/me")
    await phone.get_by_role("link", name=re.compile(says["card"])).click()
    await expect(phone.locator(".code img")).to_be_visible()
    kept = json.loads(await phone.evaluate("localStorage.getItem('duoline.card')"))

    # The till reads it as a hand scanner types it, and sells to its owner.
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/till")
    text = await phone.evaluate(
        """() => { const c = JSON.parse(localStorage.getItem('duoline.card'));
                   return c.prefix + '.' + c.codes[Math.floor((Date.now() - Date.parse(c.starts_at) - c.ahead) / 1000 / c.step_seconds)] }"""
    )
    assert text.startswith(kept["prefix"])
    await expect(counter.get_by_role("searchbox")).to_be_visible()
    await hand_scanner(counter, text)
    # Whose card it is stands there before anything is rung up, and is forgotten with the page.
    await expect(counter.locator(".member")).to_be_visible()
    await counter.locator("nav a[href='/clerk/stock']").click()
    await counter.locator("nav a[href='/clerk/till']").click()
    await expect(counter.get_by_role("searchbox")).to_be_visible()
    await expect(counter.locator(".member")).to_have_count(0)
    await counter.locator("input[type=search]").fill(article["sku"])
    await counter.locator(".rows button.row").first.click()
    await expect(counter.locator("main li.line")).to_have_count(1)
    await hand_scanner(counter, text)
    await expect(counter.locator(".member")).to_be_visible()
    await counter.get_by_role("button", name=says["pay"], exact=True).click()
    await counter.locator(".sheet button.choice.num").first.click()
    await counter.get_by_role("button", name=says["received"], exact=True).click()
    await expect(counter.get_by_text(says["sold"], exact=True).first).to_be_visible()
    await expect(counter.locator(".finished .name")).to_have_text(f"{says['phone'][:3]}****{says['phone'][-4:]}")
    await expect(counter.locator(".member")).to_have_count(0)

    # Seconds later the points are there.
    for _ in range(60):
        points = (await buyer.get("mall/membership"))["points"]["spendable"]
        if points:
            break
        await asyncio.sleep(0.2)
    assert points > 0
    await phone.reload()
    await expect(phone.locator(".t-40")).to_have_text(f"{points:,}")

    # Enough of them pay a part of an order, and the provider is asked for the rest.
    while points < 100:
        line = {"sku_id": article["sku_id"], "quantity": 5}
        card = await clerk.send("POST", "clerk/cards", {"store": SHOP, "text": text})
        sale = {
            "store": SHOP, "lines": [line], "tender": "cash", "tendered": {"minor": 10_000_000, "currency": "CNY"},
            "card": card["card"],
        }  # fmt: skip
        await clerk.send("POST", "clerk/sales", sale)
        await asyncio.sleep(0.5)
        points = (await buyer.get("mall/membership"))["points"]["spendable"]
    lines = [{"sku_id": article["sku_id"], "quantity": 3, "method": "pickup", "store_code": SHOP}]
    quote = await buyer.send("POST", "mall/quotes", {"lines": lines})
    order = {
        "pay_mode": "online", "contact": {"name": "王芳", "phone": says["phone"]}, "lines": lines,
        "expected_total": quote["total"],
    }  # fmt: skip
    placed = await buyer.send("POST", "mall/orders", order)
    await phone.goto(f"{site}/pay/{placed['id']}?go=1")
    await phone.get_by_role("button", name=re.compile(says["use"])).click()
    await phone.wait_for_url("**/sandbox/pay/**")
    left = (await buyer.get(f"mall/orders/{placed['id']}"))["paid"]["minor"]
    assert 0 < left < placed["total"]["minor"]


WIDER = "() => [document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('main *')].map((one) => one.getBoundingClientRect().right - innerWidth)].reduce((a, b) => Math.max(a, b))"


async def test_a_name_of_any_length_stays_on_the_screen_and_me_says_what_one_has(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    buyer = await stage.member(playwright, site, "19900000511")
    page = await visit(storage_state=await buyer.cookies(**{"duoline.known": True}))
    for name in ("W" * 40, "龘" * 40, "Maximiliana Bartholomew-Featherstonehaugh"[:40]):
        await buyer.send("PATCH", "mall/me", {"display_name": name})
        for path in ("/me", "/me/card"):
            await page.goto(f"{site}{path}")
            await expect(page.locator("main").get_by_text(name)).to_be_visible()
            await expect(page.get_by_text("积分", exact=True).first).to_be_visible()
            assert await page.evaluate(WIDER) <= 0, (name, path)
    await page.goto(f"{site}/me")
    figures = page.locator("nav.has a b")
    await expect(figures).to_have_text(["0", "会员", "¥0.00", re.compile("^[0-9]+$")])
    await page.locator("nav.has a").nth(1).click()
    await expect(page.locator("#tier .tiers li").first).to_contain_text("积分 1 倍")
