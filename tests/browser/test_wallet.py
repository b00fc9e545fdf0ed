"""A member fills the wallet on the phone, pays an order from it, and pays at the till by the card. In both languages."""

from __future__ import annotations

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
    "zh": {"phone": "19900000611", "wallet": "储值", "go": "付 .*送", "use": "用储值付", "pay": "收款", "own": "用储值", "done": "确认收款", "sold": "收款完成",
           "top": "充值", "till": "19900000613"},
    "en": {"phone": "19900000612", "wallet": "Wallet", "go": "get .* on top", "use": "from the wallet", "pay": "Take payment", "own": "From the wallet", "done": "Take payment", "sold": "Sold",
           "top": "Top up", "till": "19900000614"},
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_wallet_is_filled_and_pays_at_both_lines(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, says["phone"])
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    (article,) = await stage.in_stock(buyer, at=SHOP, limit=1)
    receipt = {"store": SHOP, "sku_id": article["sku_id"], "reason": "receipt", "delta": 30, "note": stage.RECEIPT}
    await head.send("POST", "console/stock/adjustments", receipt)

    phone = await visit(language=language, storage_state=await buyer.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}/me")
    await phone.locator("a[href='/wallet']").click()
    # What the back end would refuse is said while one types, and the button says what is possible.
    field, hint, go = phone.locator("#other-amount"), phone.locator("#other-say"), phone.locator("form .btn-shop")
    await expect(hint).to_contain_text("¥5,000.00")
    await field.fill("6000")
    await expect(hint).to_have_class("field-error")
    await expect(hint).to_contain_text("24")
    await expect(go).to_be_disabled()
    await expect(go).to_contain_text("¥4,880.00")  # with its bonus of 120.00 the wallet is full then
    await field.fill("4880")
    await expect(go).to_be_enabled()
    await expect(hint).to_contain_text("¥120.00")
    await field.fill("")
    await phone.locator("button.offer").nth(1).click()
    await phone.get_by_role("button", name=re.compile(says["go"])).click()
    await phone.wait_for_url("**/sandbox/pay/**")
    await phone.locator("button.primary").click()
    await phone.wait_for_url("**/wallet**")
    await expect(phone.locator(".t-40")).to_contain_text("550")
    have = await buyer.get("mall/wallet")
    assert (have["principal"]["minor"], have["bonus"]["minor"]) == (50_000, 5_000)
    await expect(phone.locator(".lines li")).to_have_count(1)

    # An order on the phone, from the wallet as far as it goes.
    lines = [{"sku_id": article["sku_id"], "quantity": 1, "method": "pickup", "store_code": SHOP}]
    quote = await buyer.send("POST", "mall/quotes", {"lines": lines})
    order = {
        "pay_mode": "online", "contact": {"name": "王芳", "phone": says["phone"]}, "lines": lines,
        "expected_total": quote["total"],
    }  # fmt: skip
    placed = await buyer.send("POST", "mall/orders", order)
    await phone.goto(f"{site}/pay/{placed['id']}?go=1")
    await phone.get_by_role("button", name=re.compile(says["use"])).click()
    await phone.wait_for_url(re.compile(r"/orders/|/sandbox/pay/"))
    paid = min(placed["total"]["minor"], 55_000)
    assert (await buyer.get(f"mall/orders/{placed['id']}"))["paid"]["minor"] == paid
    assert (await buyer.get("mall/wallet"))["balance"]["minor"] == 55_000 - paid
    if paid == 55_000:
        return

    # And at the till, by the card on the phone.
    left = (await buyer.get("mall/wallet"))["balance"]["minor"]
    await phone.goto(f"{site}/me/card")
    await expect(phone.locator(".code img")).to_be_visible()
    text = await phone.evaluate(
        """() => { const c = JSON.parse(localStorage.getItem('duoline.card'));
                   return c.prefix + '.' + c.codes[Math.floor((Date.now() - Date.parse(c.starts_at) - c.ahead) / 1000 / c.step_seconds)] }"""
    )
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/till")
    await counter.locator("input[type=search]").fill(article["sku"])
    await counter.locator(".rows button.row").first.click()
    await expect(counter.locator("main li.line")).to_have_count(1)
    await counter.evaluate(
        "(text) => [...text, 'Enter'].forEach((key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))",
        text,
    )
    await expect(counter.locator(".member")).to_be_visible()
    await counter.locator("footer.dock .pay").click()
    await counter.get_by_role("button", name=re.compile(says["own"])).click()
    await counter.locator(".sheet footer button, .sheet .foot button").last.click()
    now = (await buyer.get("mall/wallet"))["balance"]["minor"]
    for _ in range(50):
        if now < left:
            break
        await counter.wait_for_timeout(200)
        now = (await buyer.get("mall/wallet"))["balance"]["minor"]
    assert now < left


@in_languages
async def test_the_clerk_is_told_the_limits_before_a_top_up(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, says["till"])
    clerk = await stage.clerk_at(playwright, site, SHOP)
    phone = await visit(language=language, storage_state=await buyer.cookies(**{"duoline.known": True}))
    await phone.goto(f"{site}/me/card")
    await expect(phone.locator(".code img")).to_be_visible()
    text = await phone.evaluate(
        """() => { const c = JSON.parse(localStorage.getItem('duoline.card'));
                   return c.prefix + '.' + c.codes[Math.floor((Date.now() - Date.parse(c.starts_at) - c.ahead) / 1000 / c.step_seconds)] }"""
    )
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/till")
    await expect(counter.get_by_role("searchbox")).to_be_visible()
    await hand_scanner(counter, text)
    await counter.locator(".strip").get_by_role("button", name=says["top"], exact=True).click()
    sheet = counter.locator("dialog[open]")
    field, said, done = sheet.locator("#top-up-amount"), sheet.locator("#top-up-say"), sheet.locator("footer .btn-shop")
    # Before anything is typed: from the least to what fits into the wallet with its bonus, and both limits.
    for amount in ("¥50.00", "¥4,880.00", "¥5,000.00"):
        await expect(said).to_contain_text(amount)
    await expect(said).not_to_have_class("field-error")
    for wrong, why in (("49", "¥50.00"), ("4881", "¥5,000.00"), ("6000", "24"), ("abc", "150")):
        await field.fill(wrong)
        await expect(said).to_have_class("field-error")
        await expect(said).to_contain_text(why)
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(done).to_be_disabled()
    await field.fill("4880")
    await expect(said).not_to_have_class("field-error")
    await sheet.locator("button.choice.num").first.click()
    await done.click()
    await expect(sheet.locator(".done")).to_be_visible()
    assert (await buyer.get("mall/wallet"))["balance"]["minor"] == 500_000
    # The next one finds the wallet full, and says so at once.
    await sheet.locator(".btn-shop").click()
    await counter.locator(".strip").get_by_role("button", name=says["top"], exact=True).click()
    await expect(said).to_contain_text("¥0.00")
    await field.fill("100")
    await expect(said).to_have_class("field-error")
