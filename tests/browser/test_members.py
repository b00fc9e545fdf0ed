"""Headquarters gives a tier a price and a member the tier: the mall shows that member the price, and nobody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Playwright, Route, expect

from tests.browser import stage
from tests.browser.test_coupons import log_in
from tests.browser.test_story import SHOP, in_stock

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
PHONE = "19900000401"


async def test_a_gold_price_and_a_gold_member(site: str, visit: Visit, playwright: Playwright) -> None:
    # Somebody becomes a member and looks at an article.
    member = await visit()
    await member.goto(f"{site}/login")
    await log_in(member, PHONE)
    await member.wait_for_url(lambda url: "/login" not in url)
    await member.goto(f"{site}/s/{SHOP}")
    await member.get_by_role("button", name="设为我的门店").click()
    await expect(member.get_by_text("已切换到").first).to_be_visible()
    article = await in_stock(member, site)

    # A price for gold members, by the chain.
    head = await stage.staff(playwright, site, "hq")
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/prices/{article['code']}")
    await desk.get_by_role("button", name="设定价格").first.click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_label("给谁").select_option("gold")
    await sheet.get_by_label("价格(元)").fill("99999")
    await expect(sheet.get_by_text("会员价不会生效")).to_be_visible()
    await sheet.get_by_label("价格(元)").fill("1.23")
    every = sheet.get_by_text(re.compile("同时用于这件商品的全部"))
    if await every.count():
        await every.first.click()
    await sheet.get_by_role("button", name="设定", exact=True).click()
    await expect(desk.get_by_role("rowheader", name=re.compile("全国.*金卡会员|金卡会员")).first).to_be_visible()
    await desk.goto(f"{site}/console/prices/exceptions?kind=tier")
    await expect(desk.get_by_text("金卡会员").first).to_be_visible()

    # Not theirs yet; and their page's line to the shop takes its time to stand.
    afterwards = asyncio.Event()

    async def hold(route: Route) -> None:
        await afterwards.wait()
        await route.continue_()

    await member.route("**/api/mall/prices/events*", hold)
    await member.goto(f"{site}/p/{article['code']}")
    await expect(member.locator("h1")).to_be_visible()
    await expect(member.get_by_text("1.23")).to_have_count(0)

    # Found by the end of the phone, made gold, and given points; the points are taken back at once.
    await desk.goto(f"{site}/console/members")
    await desk.get_by_placeholder("姓名、会员号或手机尾号").fill("0401")
    await desk.wait_for_url(re.compile(r"q=0401"))
    await expect(desk.get_by_text("共 1 位")).to_be_visible()
    await desk.get_by_role("link", name=re.compile(r"199\*\*\*\*0401")).first.click()
    await desk.get_by_role("button", name="设等级").click()
    await sheet.get_by_text("金卡会员").click()
    await expect(sheet.get_by_text("宽限期一过就会降级")).to_be_visible()
    await sheet.get_by_label("原因").fill("周年答谢")
    await sheet.get_by_role("button", name="设为此等级").click()
    await expect(desk.get_by_text("已设为金卡会员").first).to_be_visible()
    await expect(desk.locator("#story")).to_contain_text("手工设为金卡会员")
    await desk.get_by_role("button", name="加减积分").click()
    await sheet.get_by_label("积分", exact=True).fill("200")
    await sheet.get_by_label("原因").fill("生日")
    await sheet.get_by_role("button", name="加积分").last.click()
    await expect(desk.locator("#points .main")).to_contain_text("200")
    await desk.get_by_role("button", name="撤销").last.click()
    await expect(desk.locator("#points .main dd").first).to_have_text("0")
    await desk.get_by_role("button", name="积分明细").click()
    await expect(sheet.locator("ol.rows li")).to_have_count(2)

    afterwards.set()
    # The page that they have open all the while shows them the price of gold, although it heard of nothing.
    await expect(member.get_by_text("1.23").first).to_be_visible()
    stranger = await visit()
    await stranger.goto(f"{site}/p/{article['code']}")
    await expect(stranger.locator("h1")).to_be_visible()
    await expect(stranger.get_by_text("1.23")).to_have_count(0)


async def test_the_rules_of_tiers_and_points_are_decided_in_their_own_editors(
    site: str, visit: Visit, playwright: Playwright
) -> None:
    head = await stage.staff(playwright, site, "hq")
    desk = await visit(width="desk", storage_state=await head.cookies())
    await desk.goto(f"{site}/console/policies")
    await desk.get_by_role("link", name=re.compile("会员等级")).click()
    await expect(desk).to_have_url(re.compile("/members/tiers$"))
    await expect(desk.locator(".counts tbody tr")).to_have_count(4)
    silver = desk.get_by_role("group", name="第 2 级")
    await silver.get_by_label("消费满(元)").fill("6000")
    await expect(desk.get_by_text("要高于前一级")).to_be_visible()
    await silver.get_by_label("消费满(元)").fill("800")
    await expect(desk.get_by_text("要高于前一级")).to_have_count(0)
    await desk.get_by_role("button", name=re.compile("^发布新版本")).click()
    sheet = desk.locator("dialog[open]")
    await sheet.get_by_label("原因").fill("春季会员日")
    await sheet.get_by_role("button", name="立即生效").click()
    await expect(desk.locator(".page-head")).to_contain_text("第 1 版")
    assert (await head.get("console/tiers"))["items"][1]["from_amount"]["minor"] == 80_000
    # Everybody is judged by it at once, as the page tells while it goes on.
    judged = desk.get_by_role("region", name="按第 1 版评定会员")
    await expect(judged).to_contain_text(re.compile(r"评定完毕,共 [\d,]+ 位会员"))
    (run,) = (await head.get("console/tier-runs"))["items"]
    assert (run["state"], run["judged"]) == ("done", run["members"])

    await desk.get_by_role("link", name="积分").click()
    earns = desk.locator(".result .t-28")
    await expect(earns).to_have_text("100")
    await desk.get_by_label("谁来买").select_option("gold")
    await expect(earns).to_have_text("130")
    await desk.get_by_label("每 1 元得积分").fill("2")
    await expect(earns).to_have_text("260")
    await desk.get_by_label("每 1 元得积分").fill("101")
    await expect(desk.get_by_text("0 到 100,最多两位小数").first).to_be_visible()
    await desk.get_by_role("button", name="放弃修改").click()
    await expect(earns).to_have_text("130")
