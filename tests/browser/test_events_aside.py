"""Headquarters sees which events could not be digested and why, and has them told again: what goes well is gone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Playwright, expect

from duoline.kernel import aside, clock, outbox, postgres
from duoline.kernel.db import Database
from tests.browser import stage
from tests.browser.faces import in_languages

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
WORDS = {
    "zh": {"today": "有事件未处理", "none": "没有搁置的事件,全部已处理", "all": "全选", "again": "重新处理", "reason": "原因",
           "well": "2 个已处理", "failed": "1 个仍失败", "close": "好", "shape": "内容缺了什么", "said": "程序的原话"},
    "en": {"today": "Events not digested", "none": "Nothing is put aside: all events were heard", "all": "Choose all",
           "again": "Tell", "reason": "Reason", "well": "2 were heard", "failed": "1 failed again", "close": "Done",
           "shape": "cannot be read", "said": "In the program's words"},
}  # fmt: skip


async def put(home: Path, *events: tuple[str, str, str, dict[str, Any]]) -> None:
    """Puts events aside as the worker would. A colleague's change with a key that is none fails each time it is told."""
    access = postgres.running(home)
    assert access is not None
    db = await Database.connect(access.dsn, size_max=1)
    try:
        async with db.begin() as tx:
            for n, (consumer, topic, key, payload) in enumerate(events):
                event = outbox.Event(10**9 + n, topic, key, payload, None, (), clock.now())
                await aside.put_aside(tx, consumer, event, attempts=5, problem="KeyError: 'order_id'")
    finally:
        await db.close()


@in_languages
async def test_what_was_put_aside_is_read_and_told_again(
    site: str, home: Path, visit: Visit, playwright: Playwright, language: str
) -> None:
    says = WORDS[language]
    head = await stage.staff(playwright, site, "hq")
    order = (await head.get("console/orders", limit=1))["items"][0]
    desk = await visit(width="desk", language=language, storage_state=await head.cookies())
    await desk.goto(f"{site}/console/audit/events")
    await expect(desk.get_by_text(says["none"])).to_be_visible()
    await put(
        home,
        ("points", "orders.sold", order["id"], {"order_id": order["id"]}),
        ("points", "orders.returned", "R1", {}),
        ("attribution.staff", "stores.staff-changed", "nobody", {}),
    )

    # From Today, and on to the order that one of them tells of.
    await desk.goto(f"{site}/console/")
    await desk.get_by_role("link", name=re.compile(says["today"])).click()
    await desk.wait_for_url(re.compile(r"/console/audit/events$"))
    rows = desk.locator("tbody tr")
    await expect(rows).to_have_count(3)
    await rows.get_by_role("link", name=order["order_no"]).click()
    await desk.wait_for_url(re.compile(order["id"]))
    await desk.go_back()

    # All of them, with a reason: two are heard, one fails as before.
    await desk.get_by_role("button", name=says["all"]).click()
    await desk.locator(".many").get_by_role("button", name=says["again"]).click()
    dialog = desk.get_by_role("dialog")
    await dialog.locator("[type=submit]").click()
    await expect(dialog.locator(".field-error")).to_be_visible()
    await dialog.get_by_label(says["reason"]).fill("mended")
    await dialog.locator("[type=submit]").click()
    await expect(dialog.get_by_text(says["well"])).to_be_visible()
    await expect(dialog.get_by_text(says["failed"])).to_be_visible()
    await dialog.get_by_role("button", name=says["close"], exact=True).last.click()
    await expect(rows).to_have_count(1)

    # The one that is left says why, in plain words and in the program's own; it is told again alone.
    await rows.locator("button.row-link").click()
    await expect(dialog.get_by_text(re.compile(says["shape"]))).to_be_visible()
    await expect(dialog.locator(".said")).to_contain_text("ValueError")
    await dialog.get_by_role("button", name=says["again"]).last.click()
    await dialog.get_by_label(says["reason"]).fill("mended")
    await dialog.locator("[type=submit]").click()
    await expect(dialog.get_by_text(says["failed"])).to_be_visible()
    await dialog.get_by_role("button", name=says["close"], exact=True).last.click()
    await expect(desk.locator("tbody tr")).to_contain_text("7")

    left = (await head.get("console/events-aside"))["items"]
    assert [(one["consumer"], one["tries"]) for one in left] == [("attribution.staff", 7)]
    access = postgres.running(home)
    assert access is not None
    db = await Database.connect(access.dsn, size_max=1)
    await db.execute("DELETE FROM flow_records WHERE name LIKE 'event:%'")
    await db.close()
