"""Coupons: a member takes one, buys with it and finds it among the past; a clerk takes one on paper at the till."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage
from tests.browser.test_story import SHOP, clerk_of, in_stock, pay, put_in_cart

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
NAME = {"zh": "见面礼立减 2 元", "en": "2 off, nice to meet you"}
PHONE = "19900000041"


async def opened(head: stage.Person, of: str, way: str) -> dict[str, Any]:
    body = {"promotion_id": of, "way": way, "from_at": datetime.now(UTC).isoformat(), "reason": "拉新"}
    made: dict[str, Any] = await head.send("POST", "console/coupon-batches", body)
    return made


async def log_in(page: Page, phone: str) -> None:
    """From the log-in page to where it leads."""
    await page.locator("#l-phone").fill(phone)
    await page.locator("button[type=submit]").click()
    await page.locator(".hint button").click()
    await page.locator("button[type=submit]").click()


async def test_a_coupon_is_taken_used_and_past_and_one_on_paper_counts_at_the_till(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    head = await stage.staff(playwright, site, "hq")
    promotion = {"name": NAME, "effect": {"type": "amount_off", "off_minor": 200}, "when": {"coupon": True}}
    made = await head.send("POST", "console/promotions", {"promotion": promotion, "reason": "拉新"})
    of = made["promotion"]["id"]
    await opened(head, of, "claim")
    paper = (await opened(head, of, "print"))["batch"]["batch_id"]
    printed = await head.send("POST", f"console/coupon-batches/{paper}/codes", {"count": 1, "reason": "开业"})
    code = printed["codes"][0]

    # A visitor sees what can be had; taking it asks who they are, and comes back with it, by the link they came by.
    member = await visit()
    await member.goto(f"{site}/coupons?t=SHARED")
    ticket = member.locator(".ticket", has_text=NAME["zh"])
    await ticket.get_by_role("button", name=re.compile("^领取")).click()
    await member.wait_for_url(re.compile("/login"))
    await log_in(member, PHONE)
    await member.wait_for_url(re.compile(r"/coupons\?t=SHARED&tab=centre&batch=[0-9a-f-]{36}$"))
    await expect(ticket.get_by_text("已领取")).to_be_visible()

    # It counts in the cart, and the order says so.
    await member.goto(f"{site}/s/{SHOP}")
    await member.get_by_role("button", name="设为我的门店").click()
    await expect(member.get_by_text("已切换到").first).to_be_visible()
    article = await in_stock(member, site)
    await member.goto(f"{site}/p/{article['code']}")
    await put_in_cart(member, "到店取")
    await member.goto(f"{site}/cart")
    await expect(member.get_by_text("1 张券正用在这笔里")).to_be_visible()
    await expect(member.locator("dl", has_text=NAME["zh"]).first).to_contain_text("2.00")
    await member.locator("a[href='/checkout']:visible").click()
    await member.locator("#c-name").fill("王芳")
    await member.locator("#c-phone").fill("13900000001")
    await member.locator(".bottom-bar button:visible").last.click()
    await pay(member)
    await expect(member.locator("dl .offer", has_text=NAME["zh"])).to_contain_text("2.00")
    await member.goto(f"{site}/coupons?tab=past")
    await expect(member.locator(".ticket.past", has_text=NAME["zh"])).to_contain_text("已使用")

    # On paper at the till: refused when it is none, shown by its promotion's name, and sold with.
    clerk = await clerk_of(visit, site, SHOP)
    await clerk.goto(f"{site}/clerk/till")
    await clerk.locator("input[type=search]").fill(article["name"]["zh"])
    await clerk.locator(".rows button.row").first.click()
    coupon = clerk.locator("#paper-coupon")
    await coupon.fill("0000-0000-0000")
    await clerk.keyboard.press("Enter")
    await expect(clerk.locator(".field-error")).to_contain_text("没有这个券码")
    bare = code.replace("-", "")
    await coupon.fill("-".join(bare[n : n + 4] for n in (0, 4, 8)).lower())
    await clerk.keyboard.press("Enter")
    await expect(clerk.locator("li.counts")).to_contain_text(NAME["zh"])
    await clerk.get_by_role("button", name="收款", exact=True).click()
    await clerk.locator(".quick button").first.click()
    await clerk.get_by_role("button", name="已收款").click()
    await expect(clerk.get_by_text("收款完成")).to_be_visible()
    await expect(clerk.locator(".receipt")).to_contain_text("2.00")
    await clerk.get_by_role("button", name="下一单").click()

    # Nobody has it twice: the member who types it is told so.
    await member.locator("#coupon-code").fill(code)
    await member.keyboard.press("Enter")
    await expect(member.locator(".field-error")).to_contain_text("已经被使用")
