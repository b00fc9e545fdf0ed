"""Paid by the code on the customer's phone, and in parts: the sandbox's wallet is that phone. In both languages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.faces import in_languages
from tests.browser.test_story import NEXT_SHOP, clerk_of
from tests.browser.test_till import articles, phone_of, ring_up

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]

WORDS = {
    "zh": {
        "code": "扫码", "split": "组合支付", "go": "去扫码", "charge": "收款", "sold": "收款完成", "next": "下一单", "used": "已经用过",
        "received": "已收款", "cancel": "取消这一单", "back": "原路退回", "by_code": "扫码付款", "cash": "现金", "waiting": "等待顾客付",
    },
    "en": {
        "code": "Code", "split": "Split", "go": "Go on to scan", "charge": "Charge", "sold": "Sold", "next": "Next sale",
        "used": "has been used", "received": "Money received", "cancel": "Cancel the sale", "back": "on its way back",
        "by_code": "Code", "cash": "Cash", "waiting": "Waiting for",
    },
}  # fmt: skip


async def code_of(wallet: Page) -> str:
    await wallet.reload()
    return str(await wallet.locator("[data-code]").get_attribute("data-code"))


async def balance_of(wallet: Page) -> int:
    await wallet.reload()
    return int(await wallet.locator("[data-balance]").get_attribute("data-balance") or 0)


async def type_code(clerk: Page, code: str, words: dict[str, str]) -> None:
    await clerk.locator("#pay-code").fill(code)
    await clerk.get_by_role("dialog").get_by_role("button", name=words["charge"], exact=True).click()


async def rung(clerk: Page, article: dict[str, Any], way: str, words: dict[str, str]) -> None:
    await ring_up(clerk, article)
    await clerk.locator(".dock .pay").click()
    await clerk.get_by_role("dialog").get_by_role("button", name=words[way], exact=True).click()


async def dear_article(page: Page, site: str, *, other: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Another article of which the shop has a thousand yuan's worth, and how many that is."""
    answer = await (await page.request.get(f"{site}/api/clerk/stock?store={NEXT_SHOP}&limit=100")).json()
    for one in answer["items"]:
        units = 100_000 // one["price"]["minor"] + 1 if one["price"] else 0
        if (
            one["sku_id"] != other["sku_id"]
            and 0 < units <= one["here"]["available"]
            and units * one["price"]["minor"] < 200_000
        ):
            return one, units
    raise AssertionError("nothing is dear enough")


@in_languages
async def test_by_code_and_in_parts(site: str, visit: Visit, language: str) -> None:
    words = WORDS[language]
    first = await clerk_of(visit, site, NEXT_SHOP)
    clerk = await phone_of(visit, first, language)
    article, _ = await articles(first, site, NEXT_SHOP)
    price = article["price"]["minor"]
    wallet = await visit(language=language)
    await wallet.goto(f"{site}/sandbox/wallet?w={uuid.uuid4().hex[:12]}")
    before = await balance_of(wallet)

    # All of it by code. Nobody waits for a provider that answers.
    await clerk.goto(f"{site}/clerk/till")
    await rung(clerk, article, "code", words)
    await clerk.get_by_role("button", name=words["go"]).click()
    used = await code_of(wallet)
    await type_code(clerk, used, words)
    await expect(clerk.get_by_text(words["sold"], exact=True)).to_be_visible()
    await expect(clerk.locator(".receipt")).to_contain_text(words["by_code"])
    await clerk.get_by_role("button", name=words["next"]).click()
    assert await balance_of(wallet) == before - price

    # In parts: one yuan in cash. The phone is put away and taken out again: the sale still waits.
    await rung(clerk, article, "split", words)
    await clerk.locator("#split-cash").fill("1")
    await clerk.get_by_role("button", name=words["go"]).click()
    await expect(clerk.locator("#pay-code")).to_be_visible()
    await clerk.reload()
    await clerk.locator(".unpaid .row").first.click()
    # The old code is declined in words; a new one is taken; the rest is cash.
    await type_code(clerk, used, words)
    await expect(clerk.get_by_role("dialog").get_by_text(re.compile(words["used"]))).to_be_visible()
    await type_code(clerk, await code_of(wallet), words)
    await clerk.locator(".quick button").first.click()
    await clerk.get_by_role("button", name=words["received"]).click()
    await expect(clerk.get_by_text(words["sold"], exact=True)).to_be_visible()
    for tender in ("by_code", "cash"):
        await expect(clerk.locator(".receipt")).to_contain_text(words[tender])
    await clerk.get_by_role("button", name=words["next"]).click()
    assert await balance_of(wallet) == before - 2 * price + 100

    # Above a thousand the phone asks first: the till waits, and goes on by itself when the customer has said yes.
    dear, units = await dear_article(first, site, other=article)
    await ring_up(clerk, dear)
    await clerk.locator("main li.line input").fill(str(units))
    await clerk.locator("main li.line input").press("Enter")
    await clerk.locator(".dock .pay").click()
    await clerk.get_by_role("dialog").get_by_role("button", name=words["code"], exact=True).click()
    await clerk.get_by_role("button", name=words["go"]).click()
    await type_code(clerk, await code_of(wallet), words)
    await expect(clerk.get_by_role("status").get_by_text(re.compile(words["waiting"]))).to_be_visible()
    await wallet.reload()
    await wallet.locator("button[value=yes]").click()
    await expect(clerk.get_by_text(words["sold"], exact=True)).to_be_visible()
    await clerk.get_by_role("button", name=words["next"]).click()
    left = before - 2 * price + 100 - units * dear["price"]["minor"]
    assert await balance_of(wallet) == left

    # Paid in part and not taken after all: what was paid by code goes back.
    await rung(clerk, article, "split", words)
    await clerk.locator("#split-cash").fill("1")
    await clerk.get_by_role("button", name=words["go"]).click()
    await type_code(clerk, await code_of(wallet), words)
    await expect(clerk.locator(".parts .paid")).to_have_count(1)
    await clerk.get_by_role("button", name=words["cancel"]).click()
    await clerk.locator("dialog .btn-bad").click()
    await expect(clerk.get_by_text(re.compile(words["back"])).first).to_be_visible()
    await expect(clerk.locator(".unpaid")).to_have_count(0)
    for _ in range(60):
        if await balance_of(wallet) == left:
            break
        await wallet.wait_for_timeout(500)
    assert await balance_of(wallet) == left
