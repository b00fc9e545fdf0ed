"""Scan-and-go: a member scans in the shop, pays on the phone, the shop's queue rings, the bag is handed over by code."""

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
    "zh": {"code": "商品条码", "go": "查", "at": "您在", "unknown": "这不是本店商品的条码", "pay": "去付款", "place": "提交订单",
           "provider": "支付", "packing": "正在装袋", "waiting": "顾客在店等候", "ready": "备好了", "collect": "收银台取"},
    "en": {"code": "Barcode", "go": "Go", "at": "You are in", "unknown": "no article of ours", "pay": "Pay",
           "place": "Place|Pay", "provider": "Pay", "packing": "Your bag is being packed", "waiting": "Waiting in the shop",
           "ready": "Ready", "collect": "Collect at the counter"},
}  # fmt: skip


@in_languages
async def test_scanned_paid_packed_and_collected(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    buyer = await stage.member(playwright, site, "19900000061" if language == "zh" else "19900000062")
    first, second = await stage.in_stock(buyer, at=SHOP, limit=2)
    clerk = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    for one in (first, second):
        receipt = {"store": SHOP, "sku_id": one["sku_id"], "reason": "receipt", "delta": 5, "note": stage.RECEIPT}
        await head.send("POST", "console/stock/adjustments", receipt)
    label, bars = [
        (await clerk.get("clerk/stock", store=SHOP, sku=one["sku_id"]))["items"][0]["gtin"] for one in (first, second)
    ]
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/")
    await expect(counter.locator(".work, .empty, .d-empty").first).to_be_visible()

    phone = await visit(language=language, storage_state=await buyer.cookies())
    await phone.goto(f"{site}/scan")
    field = phone.get_by_label(says["code"])

    async def scan(text: str) -> None:
        await field.fill(text)
        await phone.get_by_role("button", name=says["go"], exact=True).click()

    await scan("6900000000000")
    await expect(phone.get_by_text(re.compile(says["unknown"]))).to_be_visible()
    await scan(f"{site}/01/{label.zfill(14)}?store={SHOP}")
    await expect(phone.get_by_text(re.compile(says["at"])).first).to_be_visible()
    await expect(phone.locator(".lines .line")).to_have_count(1)
    await scan(bars)
    await expect(phone.locator(".lines .line")).to_have_count(2)
    await scan(bars)
    await expect(phone.locator(".lines .line").first.get_by_role("textbox")).to_have_value("2")
    pay = phone.get_by_role("button", name=says["pay"])
    await expect(pay).to_be_enabled()
    await phone.reload()
    await expect(phone.locator(".lines .line").first.get_by_role("textbox")).to_have_value("2")
    await expect(pay).to_be_enabled()
    await pay.click()
    await phone.wait_for_url("**/checkout?bag=1")
    await phone.locator("#c-name").fill("王芳")
    await phone.locator("#c-phone").fill("13900000061")
    await phone.locator(".bottom-bar button").click()
    await phone.wait_for_url("**/sandbox/pay/**")
    await phone.get_by_role("button", name=says["provider"]).first.click()
    await phone.wait_for_url("**/orders/*")
    await expect(phone.get_by_role("heading", name=says["packing"])).to_be_visible()

    # The queue knew at once, and says that somebody waits.
    card = counter.locator(".work").filter(has_text=says["waiting"]).first
    pill = counter.locator("button.pill")
    await expect(card.or_(pill).first).to_be_visible()
    if await pill.is_visible():
        await pill.click()
    await expect(card).to_be_visible()
    order_id = phone.url.rpartition("/")[2].partition("?")[0]
    (job,) = (await buyer.get(f"mall/orders/{order_id}"))["fulfilments"]
    assert job["in_shop"] is True
    await stage.ready(clerk, job["id"])
    await expect(phone.get_by_role("heading", name=re.compile(says["collect"]))).to_be_visible()
    await phone.goto(f"{site}/scan")
    await expect(phone.locator(".lines .line")).to_have_count(0)

    report = await head.get("console/in-shop", store=SHOP)
    assert report["ready"] >= 1
    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/promises/in-shop?store={SHOP}")
    await expect(desk.locator(".tiles .value").first).to_have_text(str(report["ready"]))
