"""Headquarters says what a shop may not sell: its members, its till and its clerk see it, until it is ended."""

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
    "zh": {"goods": "哪些商品", "places": "门店", "begin": "开始生效", "reason": "理由|原因", "barred": "不能卖的门店", "gone": "不卖这件商品",
           "till": "本店不卖", "end": "结束", "over": "已结束", "name": "中文"},
    "en": {"goods": "Which goods", "places": "Regions|Shops", "begin": "Begin", "reason": "Reason|Why", "barred": "Shops that may not sell them",
           "gone": "does not sell this", "till": "not sold here", "end": "End", "over": "has ended", "name": "Chinese"},
}  # fmt: skip


@in_languages
async def test_a_shop_stops_selling_an_article_and_sells_it_again(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    head = await stage.staff(playwright, site, "hq")
    buyer = await stage.member(playwright, site, "19900000063" if language == "zh" else "19900000064")
    # The last ones: nothing else is told of them.
    sku = (await stage.in_stock(buyer, at=SHOP, limit=40))[-1 if language == "zh" else -2]
    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/goods/assortments/new")

    async def choose(panel: int, words: str) -> None:
        box = desk.get_by_role("combobox").nth(panel)
        await box.fill(words)
        await desk.get_by_role("option").filter(has_text=words).first.click()

    await choose(0, sku["product"])
    await choose(1, SHOP)
    await desk.locator("input[maxlength='60']").first.fill("Pilot")
    await expect(desk.locator(".words").first).not_to_have_class(re.compile("empty"))
    await expect(desk.locator("dl.facts dd").nth(2)).to_have_text("1")
    await desk.locator(".save-bar").get_by_role("button", name=says["begin"]).click()
    dialog = desk.get_by_role("dialog")
    await dialog.locator("input").fill("licence")
    await dialog.get_by_role("button", name=says["begin"]).click()
    await desk.wait_for_url(re.compile(r"/goods/assortments/[0-9a-f-]{36}$"))

    phone = await visit(language=language, storage_state=await buyer.cookies())
    await phone.goto(f"{site}/p/{sku['product']}?store={SHOP}&scan=1")
    await expect(phone.get_by_text(re.compile(says["gone"]))).to_be_visible()
    clerk = await stage.clerk_at(playwright, site, SHOP)
    counter = await visit(language=language, storage_state=await clerk.cookies(**{"duoline.clerk.store": SHOP}))
    await counter.goto(f"{site}/clerk/till")
    await counter.get_by_role("searchbox").fill(sku["sku"])
    await counter.locator("button.row").first.click()
    await expect(
        counter.locator(".d-toasts, .toast, [role=status]").filter(has_text=re.compile(says["till"])).first
    ).to_be_visible()

    await desk.get_by_role("button", name=says["end"], exact=True).click()
    await dialog.locator("input").fill("over")
    await dialog.get_by_role("button", name=says["end"], exact=True).click()
    await expect(desk.get_by_text(re.compile(says["over"])).first).to_be_visible()
    await phone.reload()
    await expect(phone.get_by_text(re.compile(says["gone"]))).to_have_count(0)
    await expect(phone.locator(".lines")).to_be_visible()
