"""A customer brings something back: the clerk finds the receipt, is told what goes back, and gives it; once."""

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
WORDS: dict[str, dict[str, Any]] = {
    "zh": {"open": "退货", "find": "查找", "mind": "不想要了", "faulty": "商品有问题", "damaged": "已损坏", "take": r"退货 \d+ 件",
           "yes": "确认退货", "give": "付给顾客现金", "goes": "退回原支付", "next": "下一笔退货", "gone": "已全部退过",
           "none": "没有找到", "returned": "退货", "cash": "现金退"},
    "en": {"open": "Take a return", "find": "Find", "mind": "Changed their mind", "faulty": "Faulty", "damaged": "Damaged",
           "take": r"Take back \d+", "yes": "Take back", "give": "Give in cash", "goes": "Back to the payment",
           "next": "Next return", "gone": "All brought back before", "none": "No receipt", "returned": "Returned",
           "cash": "in cash"},
}  # fmt: skip


async def find(clerk: Page, says: dict[str, Any], number: str) -> None:
    """Types the number on the receipt, as people do."""
    await clerk.get_by_role("textbox").first.fill(number.lower())
    await clerk.get_by_role("button", name=says["find"], exact=True).click()


async def take(clerk: Page, says: dict[str, Any]) -> None:
    """Once the amount is there: take it back, and say yes."""
    button = clerk.locator(".dock").get_by_role("button", name=re.compile(says["take"]))
    await expect(button).to_be_enabled()
    await button.click()
    await clerk.get_by_role("dialog").get_by_role("button", name=says["yes"], exact=True).click()


@in_languages
async def test_a_clerk_takes_back_what_was_bought(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    person = await stage.clerk_at(playwright, site, SHOP)
    head = await stage.staff(playwright, site, "hq")
    phone = "19900000065" if language == "zh" else "19900000066"
    buyer = await stage.member(playwright, site, phone)
    sku, other = await stage.in_stock(buyer, at=SHOP, limit=2)
    for one in (sku, other):
        receipt = {"store": SHOP, "sku_id": one["sku_id"], "reason": "receipt", "delta": 9, "note": "x"}
        await head.send("POST", "console/stock/adjustments", receipt)
    quote = await person.send(
        "POST", "clerk/till-quotes", {"store": SHOP, "lines": [{"sku_id": sku["sku_id"], "quantity": 2}]}
    )
    sale = await person.send(
        "POST", "clerk/sales",
        {"store": SHOP, "lines": [{"sku_id": sku["sku_id"], "quantity": 2}], "tender": "cash",
         "tendered": quote["total"], "phone": phone},
    )  # fmt: skip
    number, each = sale["order"]["order_no"], quote["total"]["minor"] // 2

    clerk = await visit(language=language, storage_state=await person.cookies())
    await clerk.goto(f"{site}/clerk/till")
    await clerk.get_by_role("link", name=says["open"]).click()
    await clerk.wait_for_url("**/clerk/return")
    await find(clerk, says, number)
    await expect(clerk.get_by_text(number)).to_be_visible()
    await clerk.get_by_role("radio", name=says["faulty"]).click()
    await clerk.locator(".d-stepper button").last.click()
    await clerk.get_by_role("radio", name=says["damaged"]).click()
    await expect(clerk.locator(".dock .total")).to_contain_text(f"{each / 100:.2f}")
    await take(clerk, says)
    finished = clerk.locator("dialog.finished")
    await expect(finished.get_by_text(says["give"])).to_be_visible()
    await expect(finished).to_contain_text(f"{each / 100:.2f}")
    case = await head.get(f"console/orders/{sale['order']['id']}")
    assert [(one["reason"], one["refund"]["minor"]) for one in case["order"]["returns"]] == [("faulty", each)]

    # The rest of it, and then there is nothing left to bring.
    await finished.get_by_role("button", name=says["next"]).click()
    await find(clerk, says, number)
    await clerk.get_by_role("radio", name=says["mind"]).click()
    await clerk.locator(".d-stepper button").last.click()
    await take(clerk, says)
    await finished.get_by_role("button").last.click()
    await expect(clerk.get_by_text(says["gone"])).to_be_visible()
    await expect(clerk.locator(".d-stepper")).to_have_count(0)

    # What was paid online goes back there, and the member reads it.
    placed = await stage.collected(buyer, person, [stage.line(other)], name="李敏")
    await clerk.goto(f"{site}/clerk/return?no={placed['order_no']}")
    await clerk.get_by_role("radio", name=says["mind"]).click()
    await clerk.locator(".d-stepper button").last.click()
    await take(clerk, says)
    await expect(finished.get_by_text(says["goes"]).first).to_be_visible()
    mine = await visit(language=language, storage_state=await buyer.cookies())
    await mine.goto(f"{site}/orders/{placed['id']}")
    await expect(mine.get_by_role("heading", name=says["returned"], exact=True)).to_be_visible()
    await mine.goto(f"{site}/orders/{sale['order']['id']}")
    await expect(mine.get_by_text(says["cash"]).first).to_be_visible()


async def test_a_receipt_that_is_not_there_says_what_to_do(site: str, visit: Visit, playwright: Playwright) -> None:
    person = await stage.clerk_at(playwright, site, SHOP)
    clerk = await visit(storage_state=await person.cookies())
    await clerk.goto(f"{site}/clerk/me")
    await clerk.get_by_role("link", name=re.compile("退货")).click()
    await find(clerk, WORDS["zh"], "261118-0000-0000")
    await expect(clerk.get_by_text("没有找到 261118-0000-0000")).to_be_visible()


async def test_the_code_on_a_receipt_leads_to_its_return(site: str, visit: Visit, playwright: Playwright) -> None:
    """Wherever it is scanned: a sale over the till is nobody's work, so there is nothing else to open."""
    person = await stage.clerk_at(playwright, site, SHOP)
    (sku,) = await stage.in_stock(await stage.member(playwright, site, "19900000067"), at=SHOP, limit=1)
    sale = await person.send(
        "POST", "clerk/sales",
        {"store": SHOP, "lines": [{"sku_id": sku["sku_id"], "quantity": 1}], "tender": "cash",
         "tendered": {"minor": 10**7, "currency": "CNY"}},
    )  # fmt: skip
    clerk = await visit(storage_state=await person.cookies())
    await clerk.goto(f"{site}/clerk/scan")
    await clerk.get_by_label("取货码、条码、订单号或会员卡号").fill(sale["order"]["order_no"])
    await clerk.keyboard.press("Enter")
    await clerk.wait_for_url("**/clerk/return?no=*")
    await expect(clerk.get_by_text(sale["order"]["order_no"])).to_be_visible()
    await expect(clerk.locator(".d-stepper")).to_be_visible()
