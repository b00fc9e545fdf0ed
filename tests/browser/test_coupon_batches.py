"""Headquarters hands out a promotion by coupons on paper: made, told once, followed, and made void when it was a mistake."""

from __future__ import annotations

import csv
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, Playwright, expect

from tests.browser import stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
OFFER = {
    "name": {"zh": "开业立减券", "en": "Opening coupon"},
    "effect": {"type": "amount_off", "off_minor": 500},
    "when": {"coupon": True, "channels": ["open_api"]},
}


def codes_in(path: Path) -> list[str]:
    """The codes of a file for the printer, below its head."""
    return [row[0] for row in csv.reader(path.read_text("utf-8-sig").splitlines())][1:]


async def test_codes_on_paper_from_the_promotion_to_the_printer(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    head = await stage.staff(playwright, site, "hq")
    made = await head.send("POST", "console/promotions", {"promotion": OFFER, "reason": "开业"})
    page = await visit(width="desk", storage_state=await head.cookies())

    # Until an order has used it, the promotion says so; its coupons begin here.
    await page.goto(f"{site}/console/promotions/{made['promotion']['id']}")
    await expect(page.get_by_text("还没有订单用过")).to_be_visible()
    await expect(page.get_by_label("一句话说明")).to_contain_text("凭券享受")
    await page.get_by_role("link", name="发券").click()
    await expect(page.get_by_label("促销", exact=True)).to_have_value("开业立减券")
    await expect(page.get_by_text("减 ¥5")).to_be_visible()

    # What is missing says so where it is; a coupon on paper asks for no word and no place.
    await page.get_by_text("纸质券码").click()
    await page.get_by_label("最多发几张").fill("many")
    await page.get_by_role("button", name="发这批券").click()
    await expect(page.get_by_text("填 1 到 10000000 的整数")).to_be_visible()
    await expect(page.get_by_text("必填")).to_be_visible()
    await page.get_by_label("最多发几张").fill("20")
    await page.get_by_label("原因").fill("开业")
    await page.get_by_role("button", name="发这批券").click()
    await expect(page).to_have_url(re.compile("/coupons/[0-9a-f-]{36}$"))
    await expect(page.locator(".page-head")).to_contain_text("发放中")

    # Codes: no more than may be issued; shown once, taken away as a file.
    await page.get_by_role("button", name="生成券码").click()
    asked = page.locator("dialog[open]")
    await asked.get_by_label("生成几个").fill("21")
    await expect(asked.get_by_text("填 1 到 20 的整数")).to_be_visible()
    await asked.get_by_label("生成几个").fill("12")
    await asked.get_by_role("button", name="生成", exact=True).click()
    await expect(asked.get_by_text("请写明原因")).to_be_visible()
    await asked.get_by_label("原因").fill("印刷")
    await asked.get_by_role("button", name="生成", exact=True).click()
    told = page.get_by_label("新券码")
    await expect(told.locator("code")).to_have_count(12)
    await told.get_by_role("button", name="已经存好").click()
    await expect(asked).to_contain_text("这 12 个券码再也看不到")
    await asked.get_by_role("button", name="取消").click()
    async with page.expect_download() as saving:
        await told.get_by_role("button", name="下载 CSV").click()
    assert codes_in(await (await saving.value).path()) == await told.locator("code").all_text_contents()
    await told.get_by_role("button", name="已经存好").click()
    await expect(told).to_have_count(0)

    # How far it has got, here and in the list.
    await expect(page.get_by_text("0 / 12", exact=True)).to_be_visible()
    await expect(page.get_by_text("还能发 8 张")).to_be_visible()
    await page.goto(f"{site}/console/coupons?q=开业立减券")
    row = page.get_by_role("row").filter(has_text="开业立减券")
    await expect(row).to_contain_text("12 / 20")
    await expect(row.get_by_role("img", name="已用 0,已发 12,最多发 20")).to_be_visible()

    # A mistake: what is lost is named, and why it was done is kept.
    await row.get_by_role("link").click()
    await page.get_by_role("button", name="作废").click()
    await expect(asked).to_contain_text("12 张还没用的券马上失效")
    await asked.get_by_label("原因").fill("印错了")
    await asked.get_by_role("button", name="作废").click()
    await expect(page.locator(".page-head")).to_contain_text("已停止")
    await expect(page.locator(".page-head").get_by_role("button")).to_have_count(0)
