"""A pre-sale from its plan to the goods: booked in the mall for a deposit, the rest paid online or by the code at a till.
In both languages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser.faces import in_languages, staff_log_in
from tests.browser.stage import arrived, book, in_stock, member, presold, staff
from tests.browser.test_story import NEXT_SHOP, clerk_of
from tests.browser.test_till import phone_of

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
PHONES = {"zh": "19900000101", "en": "19900000102"}
# Articles that no other test of a language has on pre-sale at the time.
ARTICLES = {"zh": (0, 1), "en": (2, 3)}
DEPOSITS_S = 20
WORDS = {
    "zh": {
        "book": "定金预订", "choose": "选择门店", "deposit": "付定金", "booked": "已预订", "rest": "网上付尾款", "do": "付尾款", "take": "收尾款",
        "open": "打开预订单", "received": "已收款", "done": "已付清", "law": "20%", "cancel": "取消订单", "back": "会退回", "pay": "支付",
    },
    "en": {
        "book": "Book for", "choose": "Choose a shop", "deposit": "deposit", "booked": "Booked", "rest": "online", "do": "Pay",
        "take": "Take", "open": "Open the pre-order", "received": "Money received", "done": "Paid in full", "law": "20 %",
        "cancel": "Cancel order", "back": "goes back", "pay": "支付",
    },
}  # fmt: skip


@in_languages
async def test_booked_paid_and_taken(site: str, playwright: Playwright, visit: Visit, language: str) -> None:
    words = WORDS[language]
    head = await staff(playwright, site, "hq")
    buyer = await member(playwright, site, PHONES[language])
    goods = [(await in_stock(buyer, at=NEXT_SHOP, limit=4))[n] for n in ARTICLES[language]]
    await arrived(head, goods[0]["sku_id"], at=NEXT_SHOP)
    quick = await presold(head, goods[0]["sku"], deposits_s=DEPOSITS_S)
    online, at_till = [await book(buyer, quick, at=NEXT_SHOP, name="王芳") for _ in range(2)]

    # The editor says what the law allows while one types.
    office = await visit(width="desk", language=language)
    await staff_log_in(office, site, "console", "hq")
    await office.goto(f"{site}/console/presales/new")
    await office.get_by_label(re.compile("^预售价|^Price of a unit")).fill("199")
    await office.get_by_label(re.compile("^定金\\(元|^Deposit for")).fill("50")
    await expect(office.locator(".field-error")).to_contain_text(words["law"])

    # Booked by hand: from the product's page to the provider and back.
    slow = await presold(head, goods[1]["sku"], deposits_s=7 * 86400)
    state = await buyer.cookies(**{"duoline.known": True})
    mall = await visit(language=language, storage_state=state)
    await mall.goto(f"{site}/p/{goods[1]['product']}?sku={goods[1]['sku']}")
    await mall.locator(".presale a.btn-shop").click()
    await mall.get_by_role("button", name=re.compile(words["choose"])).click()
    await mall.locator("dialog[open] .list button").first.click()
    await mall.locator("#c-name").fill("王芳")
    await mall.locator("#c-phone").fill("13900000001")
    await mall.locator(".bottom-bar .btn-shop").click()
    await mall.wait_for_url("**/sandbox/pay/**")
    await mall.locator("form button").first.click()
    await mall.wait_for_url("**/orders/**")
    await expect(mall.locator(".now").get_by_text(words["booked"], exact=True)).to_be_visible()
    await expect(mall.locator(".digits").first).to_contain_text(re.compile(r"\d{4} \d{4} \d{4}"))
    await mall.get_by_role("button", name=words["cancel"]).click()
    await expect(mall.locator("dialog[open] .lost")).to_contain_text(words["back"])

    # The balance can be paid: online, and at a till by the code.
    while not (await buyer.get(f"mall/orders/{online}"))["preorder"]["balance_open"]:
        await asyncio.sleep(1)
    await mall.goto(f"{site}/orders/{online}")
    await mall.locator(".booked .btn-shop").click()
    await mall.locator(".bottom-bar .btn-shop").click()
    await mall.wait_for_url("**/sandbox/pay/**")
    await mall.locator("form button").first.click()
    await mall.wait_for_url("**/orders/**")
    for _ in range(100):
        now = await buyer.get(f"mall/orders/{online}")
        if now["state"] == "preparing":
            break
        await asyncio.sleep(0.2)
    assert (now["state"], now["paid"]["minor"], now["preorder"]["step"]) == ("preparing", 19900, "paid")

    code = (await buyer.get(f"mall/orders/{at_till}/preorder-code"))["digits"]
    clerk = await phone_of(visit, await clerk_of(visit, site, NEXT_SHOP), language)
    await clerk.goto(f"{site}/clerk/preorder")
    await clerk.locator("#preorder-code").press_sequentially(code.replace(" ", ""))
    await clerk.get_by_role("button", name=words["open"]).click()
    await clerk.locator(".dock .btn-shop").click()
    await clerk.locator("dialog[open] .quick button").first.click()
    await clerk.get_by_role("button", name=words["received"]).click()
    await expect(clerk.get_by_role("heading", name=re.compile(words["done"]))).to_be_visible()
    now = await buyer.get(f"mall/orders/{at_till}")
    assert (now["state"], now["preorder"]["step"]) == ("completed", "paid")

    # Withdrawn: what was booked and not paid gives its deposit back.
    await office.goto(f"{site}/console/presales/{slow['id']}")
    await office.get_by_role("button", name=re.compile("^撤回预售$|^Withdraw$")).first.click()
    await office.locator("dialog[open] input").fill("-")
    await office.locator("dialog[open] button[type=submit]").click()
    await expect(office.get_by_text(re.compile("^已撤回$|^Withdrawn$")).first).to_be_visible()
    for _ in range(100):
        [gone] = [
            one for one in (await buyer.get("mall/orders"))["items"] if one["preorder"]["presale_id"] == slow["id"]
        ]
        if gone["state"] == "cancelled":
            break
        await asyncio.sleep(0.2)
    assert (gone["state"], gone["forfeited"]["minor"]) == ("cancelled", 0)
