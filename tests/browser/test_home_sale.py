"""The clerk sells what the shop has not: the customer pays on their own phone, and whoever sends it gets the work."""

from __future__ import annotations

import json
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
    "zh": {"send": "送货到家", "place": "下单,出示付款码", "scan": "请顾客用自己的手机扫码付款", "paid": "已付款", "pay": "去付款",
           "cancel": "取消这一单", "over": "已取消", "provider": "支付", "bad": "请填写 11 位手机号"},
    "en": {"send": "Send home", "place": "Order, show code", "scan": "The customer scans this with their own phone",
           "paid": "Paid", "pay": "Pay", "cancel": "Cancel this order", "over": "Cancelled", "provider": "Pay",
           "bad": "11-digit mobile number"},
}  # fmt: skip


async def begin(clerk: Page, base: str, sku_id: str, says: dict[str, str], *, phone: str) -> str:
    """From the article's page to the code; the id of the order."""
    await clerk.goto(f"{base}/clerk/stock/{sku_id}")
    await clerk.locator(".dock").get_by_role("button", name=says["send"]).click()
    place = clerk.get_by_role("button", name=says["place"])
    await expect(place).to_be_enabled()
    await place.click()
    await expect(clerk.get_by_text(re.compile(says["bad"])).first).to_be_visible()
    await clerk.locator("#h-phone").fill(phone)
    await clerk.locator("#h-name").fill("李敏")
    await clerk.locator(".area select").nth(2).select_option(index=1)
    await clerk.locator("#h-line").fill("人民路 8 号 3 栋 502")
    await expect(clerk.locator(".quote .when b")).not_to_be_empty()
    await expect(place).to_be_enabled()
    await place.dblclick()
    await clerk.wait_for_url("**/clerk/home-sales/*-*")
    await expect(clerk.get_by_text(re.compile(says["scan"]))).to_be_visible()
    await expect(clerk.locator("img.code")).to_be_visible()
    return clerk.url.rpartition("/")[2]


@in_languages
async def test_the_customer_pays_on_their_own_phone_and_the_sender_gets_the_work(
    site: str, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    person = await stage.clerk_at(playwright, site, SHOP)
    sku = await stage.lacking(person, at=SHOP)
    clerk = await visit(language=language, storage_state=await person.cookies())
    before = (await person.get("clerk/home-sales", store=SHOP))["items"]
    sale_id = await begin(clerk, site, sku["sku_id"], says, phone="13900000021" if language == "zh" else "13900000022")
    sale = await person.get(f"clerk/home-sales/{sale_id}")
    assert (
        len((await person.get("clerk/home-sales", store=SHOP))["items"]) == len(before) + 1
    )  # the second tap made none

    customer = await visit(language=language)
    await customer.goto(sale["code"]["url"])
    await customer.get_by_role("button", name=says["pay"], exact=True).click()
    await customer.wait_for_url("**/sandbox/pay/**")
    await customer.get_by_role("button", name=says["provider"]).first.click()
    await customer.wait_for_url("**/o/**")
    await expect(customer.get_by_role("heading", name=says["paid"])).to_be_visible()

    # Nobody reloaded the clerk's page.
    await expect(clerk.get_by_role("heading", name=says["paid"])).to_be_visible()
    await expect(clerk.locator("img.code")).to_have_count(0)

    sale = await person.get(f"clerk/home-sales/{sale_id}")
    head = await stage.staff(playwright, site, "hq")
    case = await head.get(f"console/orders/{sale_id}")
    assert case["sold"]["store_code"] == SHOP
    sends = sale["sent_from"][0]["code"]
    sender = await visit(language=language, storage_state=await head.cookies(**{"duoline.clerk.store": sends}))
    job = case["order"]["fulfilments"][0]["id"]
    await sender.goto(f"{site}/clerk/queue/{job}")
    await expect(sender.get_by_role("checkbox").first).to_be_visible()
    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/orders/{sale_id}")
    await expect(desk.get_by_text(re.compile("店员为顾客下单|A clerk at .+ ordered")).first).to_be_visible()


async def test_the_clerk_lets_go_of_what_is_not_paid(site: str, visit: Visit, playwright: Playwright) -> None:
    person = await stage.clerk_at(playwright, site, SHOP)
    sku = await stage.lacking(person, at=SHOP)
    clerk = await visit(storage_state=await person.cookies())
    sale_id = await begin(clerk, site, sku["sku_id"], WORDS["zh"], phone="13900000023")
    link = (await person.get(f"clerk/home-sales/{sale_id}"))["code"]["url"]
    await clerk.get_by_role("button", name="取消这一单").click()
    await clerk.get_by_role("dialog").get_by_role("button", name="取消这一单").click()
    await expect(clerk.get_by_role("heading", name="已取消")).to_be_visible()
    customer = await visit()
    await customer.goto(link)
    await expect(customer.get_by_text("这一单已取消")).to_be_visible()
    await expect(customer.get_by_role("button", name="去付款")).to_have_count(0)


async def test_the_page_says_what_happens_to_what_was_promised_when_it_breaks(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    person = await stage.clerk_at(playwright, site, SHOP)
    buyer = await stage.member(playwright, site, "19900000031")
    (sku,) = await stage.in_stock(buyer, at=SHOP, limit=1)
    await stage.order(buyer, [stage.line(sku, at=SHOP)], name="李敏")
    found: dict[str, Any] = (await person.get("clerk/stock", store=SHOP, sku=sku["sku_id"]))["items"][0]
    here = found["here"]
    broken = {name: found[name] for name in ("sku_id", "sku_code", "name", "options", "image")}
    kept = {"lines": [{**broken, "shelf": here["shelf"], "units": here["on_hand"] + 1}], "note": "shelf 3 fell"}
    clerk = await visit(storage_state=await person.cookies(**{f"duoline.clerk.goods.breakages.{SHOP}": kept}))
    await clerk.goto(f"{site}/clerk/breakage")
    await clerk.get_by_role("button", name=re.compile("报损 .+ 件|^报损")).last.click()
    await expect(clerk.get_by_text(f"账上只剩 {here['on_hand']} 件")).to_be_visible()
    await clerk.evaluate(
        "([place, value]) => localStorage.setItem(place, value)",
        [f"duoline.clerk.goods.breakages.{SHOP}", json.dumps({**kept, "lines": [{**kept["lines"][0], "units": here["on_hand"]}]})],
    )  # fmt: skip
    await clerk.reload()
    await clerk.get_by_role("button", name=re.compile("报损 .+ 件|^报损")).last.click()
    finished = clerk.locator("dialog.finished")
    await expect(finished).to_contain_text(f"其中 {here['held']} 件已许给顾客")
    await finished.get_by_role("link", name="看处理进度").click()
    await clerk.wait_for_url("**/clerk/missing")
