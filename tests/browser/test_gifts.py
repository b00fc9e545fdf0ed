"""A gift that adds itself: chosen, declined and taken again in the mall, on the order, at the till and in a trial."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.faces import staff_log_in
from tests.browser.test_story import SHOP, clerk_of, in_stock, pay, put_in_cart

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
NAME = {"zh": "买一件送小礼", "en": "A little gift with one"}
PHONE = "19900000201"


async def articles(page: Page, base: str, *, without: str) -> list[dict[str, Any]]:
    """Two articles that the shop has some of."""
    found = []
    for item in (await (await page.request.get(f"{base}/api/mall/search?store={SHOP}&limit=50")).json())["items"]:
        if item["code"] == without or (item["store_available"] or 0) < 3:
            continue
        product = await (await page.request.get(f"{base}/api/mall/products/{item['code']}?store={SHOP}")).json()
        sku = next((one for one in product["product"]["skus"]), None)
        live = {one["sku_id"]: one["store_available"] for one in product["live"]}
        if sku and live.get(sku["id"], 0) > 2:
            found.append({"code": sku["code"], "name": item["name"]})
    return found[:2]


async def test_a_gift_comes_with_what_is_bought_and_the_buyer_has_a_say(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    member = await visit()
    await member.goto(f"{site}/s/{SHOP}")
    await member.get_by_role("button", name="设为我的门店").click()
    await expect(member.get_by_text("已切换到").first).to_be_visible()
    article = await in_stock(member, site)
    gifts = await articles(member, site, without=article["code"])
    head = await stage.staff(playwright, site, "hq")
    effect = {
        "type": "buy_get", "buy_units": 1, "get": {"skus": [gift["code"] for gift in gifts]}, "gift": True,
    }  # fmt: skip
    promotion = {"name": NAME, "effect": effect, "of": {"products": [article["code"]]}, "clawback": True}
    made = await head.send("POST", "console/promotions", {"promotion": promotion, "reason": "拉新"})
    try:
        await _story(site, visit, member, article, gifts, made["promotion"]["id"])
    finally:
        end = {"version": 1, "reason": "over"}
        await head.send("POST", f"console/promotions/{made['promotion']['id']}/end", end)


async def _story(
    site: str, visit: Visit, member: Page, article: dict[str, Any], gifts: list[dict[str, Any]], promotion: str
) -> None:
    await member.goto(f"{site}/p/{article['code']}")
    await put_in_cart(member, "到店取")
    await member.goto(f"{site}/cart")
    card = member.locator(".gift", has_text=NAME["zh"])
    await expect(card).to_contain_text("赠品")
    await card.get_by_role("button", name="不要赠品").click()
    await expect(card).to_contain_text("这次不要赠品")
    await card.get_by_role("button", name="还是要赠品").click()
    other = gifts[-1]["name"]["zh"]
    await card.get_by_role("button", name=re.compile(re.escape(other))).click()
    await member.locator("a[href='/checkout']:visible").click()
    await expect(card.locator(".row-between")).to_contain_text(other)
    await member.locator("#c-name").fill("王芳")
    await member.locator("#c-phone").fill(PHONE)
    await member.locator(".bottom-bar button:visible").last.click()
    await pay(member)
    row = member.locator(".order-line", has_text=other).first
    await expect(row.locator(".tag")).to_have_text("赠品")

    clerk = await clerk_of(visit, site, SHOP)
    await clerk.goto(f"{site}/clerk/till")
    await clerk.locator("input[type=search]").fill(article["name"]["zh"])
    await clerk.locator(".rows button.row").first.click()
    lying = clerk.locator("li.gift", has_text=NAME["zh"])
    await expect(lying).to_contain_text("赠品")
    await lying.get_by_role("button", name="顾客不要").click()
    await expect(lying).to_contain_text("顾客不要赠品")
    await lying.get_by_role("button", name="给赠品").click()
    await expect(lying.get_by_role("button", name="顾客不要")).to_be_visible()
    await clerk.get_by_role("button", name="收款", exact=True).click()
    await clerk.locator(".quick button").first.click()
    await clerk.get_by_role("button", name="已收款").click()
    await expect(clerk.get_by_text("收款完成")).to_be_visible()

    office = await visit(width="desk")
    await staff_log_in(office, site, "console", "hq")
    await office.goto(f"{site}/console/promotions/{promotion}")
    await expect(office.get_by_label(re.compile("^自动加赠"))).to_be_checked()
    await expect(office.locator("main")).to_contain_text("自动加赠 1 件")
