"""A day at the till: open the drawer, sell, put a basket aside, take it up, close the drawer short, and the receipt on the
customer's own phone. In both languages; what one clerk parks another phone takes up."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.faces import in_languages
from tests.browser.test_story import NEXT_SHOP, clerk_of

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]

WORDS = {
    "zh": {
        "open": "打开钱箱", "is_open": "使用中", "park": "挂单", "parked": "已挂单", "cash": "收款", "received": "已收款", "sold": "收款完成",
        "next": "下一单", "close": "盘点并关闭", "why": "写明原因", "short": "少了", "swap": "挂起现在的,取这单", "receipt": "电子小票",
        "total": "合计 2 件",
    },
    "en": {
        "open": "Open the drawer", "is_open": "Open", "park": "Park this sale", "parked": "Parked", "cash": "Take payment",
        "received": "Money received", "sold": "Sold", "next": "Next sale", "close": "Count and close", "why": "Say why it differs",
        "short": "Missing", "swap": "Park this one, take that one", "receipt": "Receipt",
        "total": "Total, 2 pieces",
    },
}  # fmt: skip


async def articles(page: Page, site: str, shop: str) -> list[dict[str, Any]]:
    """Two articles that the shop has a few of."""
    answer = await (await page.request.get(f"{site}/api/clerk/stock?store={shop}&limit=100")).json()
    return [one for one in answer["items"] if one["here"]["available"] > 3 and one["price"]][:2]


async def ring_up(page: Page, article: dict[str, Any]) -> None:
    before = await page.locator("main li.line").count()
    await page.locator("input[type=search]").fill(article["sku_code"])
    await page.locator(".rows button.row").first.click()
    await expect(page.locator("main li.line")).to_have_count(before + 1)


async def phone_of(visit: Visit, like: Page, language: str) -> Page:
    """Another phone of the same shop, in this language."""
    state = await like.context.storage_state()
    return await visit(language=language, storage_state=state)


@in_languages
async def test_a_day_at_the_till(site: str, visit: Visit, language: str) -> None:
    words = WORDS[language]
    first = await clerk_of(visit, site, NEXT_SHOP)
    clerk = await phone_of(visit, first, language)
    one, two = await articles(first, site, NEXT_SHOP)
    # What other tests took here has opened a drawer by itself.
    for drawer in (await (await first.request.get(f"{site}/api/clerk/drawers?store={NEXT_SHOP}")).json())["items"]:
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Origin": site}
        counted = {"counted": {"minor": 0, "currency": "CNY"}, "note": "before"}
        done = await first.request.post(
            f"{site}/api/clerk/drawer-sessions/{drawer['id']}/closing", headers=headers, data=counted
        )
        assert done.ok, await done.text()

    # The till says that no drawer is open; it is opened with two hundreds, counted by the piece.
    await clerk.goto(f"{site}/clerk/till")
    await clerk.locator(".tools .none").click()
    await clerk.get_by_role("button", name=words["open"]).click()
    await clerk.locator(".sheet [aria-expanded]").click()
    await clerk.locator("#drawer-sum-10000").fill("2")
    await expect(clerk.locator("#drawer-sum")).to_have_value("200")
    await clerk.get_by_role("dialog").get_by_role("button", name=words["open"]).click()
    await expect(clerk.locator(".drawer").get_by_text(words["is_open"], exact=True)).to_be_visible()

    # Two articles are rung up, put aside with a note, and something else is sold.
    await clerk.goto(f"{site}/clerk/till")
    await ring_up(clerk, one)
    await ring_up(clerk, two)
    await clerk.get_by_role("button", name=words["park"], exact=True).first.click()
    await clerk.locator("#park-note").fill("蓝外套")
    await clerk.get_by_role("dialog").get_by_role("button", name=words["park"], exact=True).click()
    await expect(clerk.get_by_text(words["parked"], exact=True).first).to_be_visible()
    await expect(clerk.locator("main li.line")).to_have_count(0)
    await expect(clerk.locator(".tools .badge")).to_have_text("1")

    # Another phone of the shop, which has a basket of its own, takes it up: its own is parked in turn.
    await first.goto(f"{site}/clerk/till")
    await ring_up(first, one)
    await first.locator(".tools button").click()
    await clerk.locator(".tools button").click()
    await expect(clerk.locator(".take", has_text="蓝外套")).to_be_visible()
    await first.locator(".take", has_text="蓝外套").click()
    await first.get_by_role("button", name=WORDS["zh"]["swap"]).click()
    await expect(first.locator("main li.line")).to_have_count(2)
    await first.locator(".sheet").wait_for(state="detached")
    # The first phone's list has changed by itself: what is gone is gone, what was parked in turn is there.
    await expect(clerk.locator(".take", has_text="蓝外套")).to_have_count(0)
    await expect(clerk.locator(".take")).to_have_count(1)
    await clerk.locator("li .icon-btn").click()
    await clerk.locator("dialog .btn-bad").click()
    await expect(clerk.locator(".take")).to_have_count(0)

    # It is paid; the receipt's code opens on the customer's own phone.
    await first.get_by_role("button", name=WORDS["zh"]["cash"], exact=True).click()
    await first.locator(".quick button").first.click()
    await first.get_by_role("button", name=WORDS["zh"]["received"]).click()
    await expect(first.get_by_text(WORDS["zh"]["sold"])).to_be_visible()
    await expect(first.locator(".code img").first).to_be_visible()
    sale = (await (await first.request.get(f"{site}/api/clerk/sales?store={NEXT_SHOP}&limit=1")).json())["items"][0]
    case = await (await first.request.get(f"{site}/api/clerk/sales/{sale['id']}")).json()
    await first.get_by_role("button", name=WORDS["zh"]["next"]).click()
    customer = await visit(language=language)
    await customer.goto(f"{site}/r/{case['code']['url'].rpartition('/r/')[2]}")
    slip = customer.locator(".slip")
    await expect(slip).to_contain_text(sale["order_no"])
    await expect(slip).to_contain_text(words["total"])
    await expect(slip).to_contain_text(f"{sale['total']['minor'] / 100:.2f}")
    await expect(customer.get_by_role("heading", name=words["receipt"])).to_be_visible()

    # It is found again by the end of its number.
    await clerk.goto(f"{site}/clerk/sales")
    await clerk.locator("input[type=search]").fill(sale["order_no"][-4:])
    await clerk.locator("a.row", has_text=sale["order_no"]).click()
    await expect(clerk.locator(".receipt").first).to_contain_text(sale["order_no"])
    await expect(clerk.locator(".code img").first).to_be_visible()

    # Counted: a hundred is missing. That needs a word; then it says how much.
    await clerk.goto(f"{site}/clerk/drawer")
    await clerk.get_by_role("button", name=words["close"]).click()
    counted = 20000 + sale["total"]["minor"] - 10000
    await clerk.locator("#drawer-sum").fill(f"{counted / 100:.2f}")
    await clerk.get_by_role("dialog").get_by_role("button", name=words["close"]).click()
    await expect(clerk.get_by_text(words["why"]).first).to_be_visible()
    await expect(clerk.get_by_role("dialog")).not_to_contain_text("100.00")
    await clerk.locator("#drawer-words").fill("找错了钱")
    await clerk.get_by_role("dialog").get_by_role("button", name=words["close"]).click()
    await clerk.wait_for_url(re.compile("/drawer/"))
    head = clerk.locator(".head")
    await expect(head).to_contain_text(words["short"])
    await expect(head).to_contain_text("100.00")
    await expect(clerk.locator(".receipt")).to_contain_text("找错了钱")
