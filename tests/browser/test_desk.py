"""What hands rely on: keys, addresses that keep a list as it was, files to take away, and a way back from a slip."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as TooLate

from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]


TRIES, WITHIN_MS = 5, 3_000


async def arrives(page: Page, path: str) -> bool:
    """Whether the page comes to this address soon."""
    try:
        await page.wait_for_url(f"**{path}", timeout=WITHIN_MS)
    except TooLate:
        return False
    return True


async def test_the_console_is_worked_by_keys_and_its_lists_live_in_the_address(
    site: str, visit: Visit, on_stage: Stage, tmp_path: Path
) -> None:
    head = await visit(width="desk", storage_state=on_stage.people["hq"], accept_downloads=True)
    await head.goto(f"{site}/console/")
    await expect(head.get_by_role("heading", name="今天", level=1)).to_be_visible()
    await head.keyboard.press("/")
    command = head.locator("dialog[open] input")
    await expect(command).to_be_focused()
    await head.keyboard.press("Escape")
    await expect(head.locator("dialog[open]")).to_have_count(0)
    for _ in range(TRIES):  # two strokes count as one within 1.2 s, which a busy machine may miss
        await head.keyboard.press("g")
        await head.keyboard.press("o")
        if await arrives(head, "/console/orders"):
            break
    assert head.url.endswith("/console/orders")
    rows = head.locator("tbody tr .row-link")
    await expect(rows.first).to_be_visible()

    # A filter stands in the address, and survives a reload and the way back.
    await head.keyboard.press("f")
    await head.keyboard.type("王芳")
    await head.wait_for_url(re.compile("q="))
    await expect(head.locator("tbody tr").first).to_contain_text("王芳")
    await head.reload()
    await expect(head.get_by_placeholder("订单号、姓名、手机尾号")).to_have_value("王芳")
    await expect(rows.first).to_be_visible()
    await head.keyboard.press("j")
    await expect(rows.first).to_be_focused()
    await head.keyboard.press("Enter")
    await head.wait_for_url(re.compile("/console/orders/.+"))
    await head.keyboard.press("Escape")
    await head.wait_for_url(re.compile("/console/orders\\?.*q="))

    await head.get_by_role("button", name="导出").click()
    async with head.expect_download() as coming:
        await head.get_by_role("menuitem", name=re.compile("XLSX")).click()
    download = await coming.value
    await download.save_as(tmp_path / "orders.xlsx")
    book = openpyxl.load_workbook(tmp_path / "orders.xlsx", read_only=True)
    values = list(book.active.values)
    book.close()
    assert values[0][:2] == ("订单号", "下单时间")
    assert {row[4] for row in values[1:]} == {"王芳"}

    await head.goto(f"{site}/console/goods/brands?q=heyu")
    await expect(head.locator("tbody tr")).to_have_count(1)


async def test_an_editor_asks_before_work_is_lost(site: str, visit: Visit, on_stage: Stage) -> None:
    head = await visit(width="desk", storage_state=on_stage.people["hq"])
    await head.goto(f"{site}/console/goods/{on_stage.ids['product']}")
    name = head.locator("input[lang=en]").first
    await name.fill("Something else")
    await head.get_by_role("link", name="订单", exact=True).click()
    await head.get_by_role("dialog").get_by_role("button", name="继续编辑").click()
    await expect(name).to_have_value("Something else")
    await head.get_by_role("link", name="订单", exact=True).click()
    await head.get_by_role("dialog").get_by_role("button", name="放弃修改").click()
    await head.wait_for_url("**/console/orders")


async def test_terms_are_tried_on_past_orders_before_they_are_decided(site: str, visit: Visit, on_stage: Stage) -> None:
    """What stands in the editor goes along, is compared, and comes back into the editor; nothing is decided."""
    head = await visit(width="desk", storage_state=on_stage.people["hq"])
    await head.goto(f"{site}/console/policies/sourcing")
    field = head.get_by_label("仓库拣一行(元)")
    await field.fill("31.00")
    await head.wait_for_timeout(3000)  # the period ends a moment ago, and by then the stage's deliveries are past
    await head.get_by_role("button", name="用历史订单试一试").click()
    sheet = head.get_by_role("dialog")
    await expect(sheet.get_by_role("checkbox", name="编辑框里的草稿")).to_be_checked()
    await expect(sheet).to_contain_text("改动:仓库拣一行")
    await sheet.get_by_role("button", name="最近 7 天").click()
    await sheet.get_by_role("button", name="开始回放").click()
    await head.wait_for_url(re.compile("/console/policies/sourcing/replays/.+"))
    await expect(head.get_by_text("已完成", exact=True)).to_be_visible(timeout=30_000)
    cost = head.locator("table.compared tbody tr").first
    await expect(cost).to_contain_text("每单成本")
    await expect(cost.locator("td")).to_have_count(2)
    await head.get_by_role("link", name="放进编辑框").click()
    await head.wait_for_url(re.compile("/console/policies/sourcing\\?replay="))
    await expect(head.get_by_label("仓库拣一行(元)")).to_have_value("31.00")
    policies = await (await head.request.get(f"{site}/api/console/policies")).json()
    assert next(one for one in policies["items"] if one["kind"] == "sourcing")["current"]["version"] == 0


async def test_a_clerk_takes_a_step_back(site: str, visit: Visit, on_stage: Stage) -> None:
    clerk = await visit(storage_state=on_stage.people["clerk"])
    await clerk.goto(f"{site}/clerk/queue")
    card = clerk.locator("article.work", has=clerk.get_by_role("button", name="备好了")).first
    job = await card.get_attribute("data-id")
    await card.get_by_role("button", name="备好了").click()
    await clerk.get_by_role("button", name="撤销").click()
    await expect(clerk.locator(f"article.work[data-id='{job}']").get_by_role("button", name="备好了")).to_be_visible()
    state = await (await clerk.request.get(f"{site}/api/clerk/fulfilments/{job}")).json()
    assert state["state"] == "to_pick"
