"""A clerk counts a shelf through the real page, part of it without a network, and headquarters approves."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import stage
from tests.browser.faces import hand_scanner, window
from tests.browser.stage import SHOP, Stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]


async def test_a_shelf_is_counted_and_nothing_is_lost_without_a_network(
    browser: Browser, visit: Visit, on_stage: Stage
) -> None:
    # Not through `visit`: a browser rightly complains of requests that get no answer.
    context = await window(browser, width="phone", language="zh", storage_state=on_stage.people["clerk"])
    page = await context.new_page()
    clerk = stage.Person(page.context.request, on_stage.base)
    (shelf, *_) = (await clerk.get("clerk/shelves", store=SHOP))["items"]
    await page.goto(f"{on_stage.base}/clerk/counts")
    await page.get_by_role("button", name="开始盘点").click()
    await page.get_by_label("货架", exact=True).select_option(shelf["shelf"])
    await page.get_by_role("button", name="开始", exact=True).click()
    await expect(page.get_by_text("扫第一件商品")).to_be_visible()
    count = page.url.rpartition("/")[2]
    (line, *_) = (await clerk.get(f"clerk/counts/{count}/lines"))["items"]

    # Typed by hand it is no reading.
    await page.keyboard.type(line["sku_code"][:6], delay=100)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("扫第一件商品")).to_be_visible()
    await hand_scanner(page, line["sku_code"])
    units = page.get_by_role("textbox", name="数量").first
    await expect(units).to_have_value("1")

    # The network goes; the buttons count on.
    lost = re.compile(r"/api/clerk/counts/.*/scans$")
    await page.route(lost, lambda route: route.abort())
    more = page.get_by_role("button", name="加一件").first
    for _ in range(3):
        await more.click()
    await expect(units).to_have_value("4")
    assert (await clerk.get(f"clerk/counts/{count}/lines"))["items"][0]["counted"] == 1
    await page.unroute(lost)
    await page.reload()
    await expect(units).to_have_value("4")
    await expect(page.get_by_role("img", name="还没有发出")).to_have_count(0)
    assert (await clerk.get(f"clerk/counts/{count}/lines"))["items"][0]["counted"] == 4

    # Undo, type a number, and end.
    await more.click()
    await page.get_by_role("button", name="撤销").click()
    await expect(units).to_have_value("4")
    await units.fill("999")
    await units.press("Enter")
    await expect(page.get_by_role("img", name="还没有发出")).to_have_count(0)
    await page.get_by_role("button", name="结束盘点").click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("提交")).last.click()
    await expect(page.get_by_text("等待批准", exact=True)).to_be_visible()
    now = await clerk.get(f"clerk/counts/{count}")
    assert (now["status"], now["units"]) == ("submitted", 999)

    desk = await visit(width="desk", storage_state=on_stage.people["hq"])
    await desk.goto(f"{on_stage.base}/console/stock/counts/{count}")
    await desk.get_by_role("button", name="批准").click()
    await desk.get_by_role("dialog").get_by_role("button", name="批准").click()
    await expect(desk.get_by_text("差异已入账")).to_be_visible()
    (level,) = (await clerk.get("clerk/stock", store=SHOP, sku=line["sku_id"]))["items"]
    assert level["here"]["on_hand"] == 999
    await context.close()
