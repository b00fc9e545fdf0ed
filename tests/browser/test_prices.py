"""A price that headquarters changes is on every open page before anybody reloads it, and nobody pays another in silence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import AHEAD_S
from tests.browser.stage import SHOP
from tests.browser.test_story import put_in_cart

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]


LINE_MS = 3000
"""A page opens its line when it has come to rest."""


def yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


async def test_a_price_changes_on_every_open_page_and_on_the_till(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    head, person = await stage.staff(playwright, site, "hq"), await stage.clerk_at(playwright, site, SHOP)
    found = await stage.in_stock(person, at=SHOP, limit=30)
    goods = [one for one in found if one["kinds"] == 1][-1]
    sku = goods["sku_id"]
    page = await person.get(f"mall/products/{goods['product']}", store=SHOP)
    before = page["live"][0]["price"]["minor"]

    shop = await visit()
    await shop.goto(f"{site}/s/{SHOP}")
    await shop.get_by_role("button", name="设为我的门店").click()
    await expect(shop.get_by_text("已切换到").first).to_be_visible()
    await shop.goto(f"{site}/p/{goods['product']}")
    await put_in_cart(shop, "到店取")
    cart = await shop.context.new_page()
    await cart.goto(f"{site}/cart")
    till = await visit(storage_state=await person.cookies())
    await till.goto(f"{site}/clerk/till")
    await till.get_by_role("searchbox").fill(goods["sku"])
    await till.locator("button.row").first.click()
    places = {"product": shop.locator("main"), "cart": cart.locator("main"), "till": till.locator(".line .sums b")}
    for place in places.values():
        await expect(place).to_contain_text(yuan(before))
    await shop.bring_to_front()
    await shop.wait_for_timeout(LINE_MS)

    async def say(minor: int, **more: str) -> None:
        price = {"minor": minor, "currency": "CNY"}
        body = {"sku_id": sku, "scope": "store", "scope_code": SHOP, "price": price, "reason": "本店特价"} | more
        await head.send("POST", "console/prices", body)

    await say(before + 111)
    for place in places.values():
        await expect(place).to_contain_text(yuan(before + 111))

    # By itself, at the second: nobody touches anything.
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=AHEAD_S + 5)
    await say(before + 222, valid_from=begins.isoformat(), valid_until=(begins + timedelta(hours=1)).isoformat())
    for place in places.values():
        await expect(place).to_contain_text(yuan(before + 222))

    # The clerk has begun to take the cash when the price changes: the till asks, and sells for what it shows then.
    await till.locator(".dock .pay").click()
    await till.get_by_role("button", name="正好").click()
    await say(before + 50, channel="till")
    await till.wait_for_timeout(LINE_MS)
    await till.get_by_role("button", name="已收款").click()
    await expect(places["till"]).to_contain_text(yuan(before + 50))
    await expect(till.get_by_text("有价格变动").first).to_be_visible()
    await till.locator(".dock .pay").click()
    await till.get_by_role("button", name="正好").click()
    await till.get_by_role("button", name="已收款").click()
    await expect(till.get_by_text("已售出").or_(till.get_by_text("下一单")).first).to_be_visible()
    await expect(places["cart"]).to_contain_text(yuan(before + 222))  # the mall's price is as it was
