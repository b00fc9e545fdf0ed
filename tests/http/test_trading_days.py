"""A sale belongs to the trading day of its shop: lists, the day's figures and the export go by the shop's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.kernel import clock
from duoline.stores import directory
from tests.http.shelf import ADDRESS, line, order, stocked

if TYPE_CHECKING:
    from tests.http.world import Caller, World

# Half past seven in the evening in Shanghai, half past six in the morning of the same Wednesday in New York.
EVENING = datetime(2026, 11, 18, 11, 30, tzinfo=UTC)
NIGHT = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)  # half past one on Thursday in Shanghai, half past noon in New York


@pytest.fixture
async def shelf(world: World) -> str:
    """S1 keeps Shanghai time, S2 is on the other side of the earth; both are open day and night."""
    week = [[["00:00", "24:00"]]] * 7
    await world.db.execute("UPDATE stores SET hours = $1, version = version + 1", week)
    await world.db.execute("UPDATE stores SET timezone = 'America/New_York' WHERE code = 'S2'")
    await directory.refresh(world.db)
    return await stocked(world, "MILK", 10000, {"S1": 50, "S2": 50, "D1": 50})


async def sell(world: World, shop: str, clerk: str, sku: str, at: datetime, units: int = 1) -> None:
    body = {
        "store": shop, "lines": [{"sku_id": sku, "quantity": units}], "tender": "cash",
        "tendered": {"minor": 10**6, "currency": "CNY"},
    }  # fmt: skip
    with clock.frozen(at):
        sold = await world.staff(clerk).post("/api/clerk/sales", body)
    assert sold.status_code == 201, sold.text


async def today(caller: Caller, at: datetime) -> dict[str, Any]:
    with clock.frozen(at):
        answer = await caller.get("/api/console/today")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def hours(answer: dict[str, Any], line: str = "shop", series: str = "series") -> dict[int, int]:
    found = next(one for one in answer["by_channel"] if one["line"] == line)
    return {hour["hour"]: hour["sales_minor"] // 10000 for hour in found[series] if hour["sales_minor"]}


def stores(answer: dict[str, Any]) -> dict[str, int]:
    return {one["store"]["code"]: one["sales"]["minor"] // 10000 for one in answer["by_store"] if one["sales"]["minor"]}


async def test_each_shop_counts_its_own_day_and_hours(world: World, shelf: str) -> None:
    await sell(world, "S1", "clerk1", shelf, EVENING, 2)  # Wednesday 19:30 in S1
    await sell(world, "S2", "clerk2", shelf, EVENING, 3)  # Wednesday 06:30 in S2
    await sell(world, "S2", "clerk2", shelf, EVENING - timedelta(days=7), 4)
    hq = world.staff("hq")
    before = await today(hq, EVENING + timedelta(hours=1))
    assert (before["totals"]["orders"], before["totals"]["units"], before["totals"]["sales"]["minor"]) == (2, 5, 50000)
    assert (hours(before), stores(before)) == ({19: 2, 6: 3}, {"S1": 2, "S2": 3})
    assert hours(before, series="last_week") == {6: 4}
    # After midnight in Shanghai a new day has begun for S1, and the old one goes on for S2.
    after = await today(hq, NIGHT)
    assert (after["totals"]["orders"], after["totals"]["sales"]["minor"], after["on"]) == (1, 30000, "2026-11-19")
    assert (hours(after), stores(after)) == ({6: 3}, {"S2": 3})
    south = await today(world.staff("manager2"), NIGHT)
    assert (south["on"], hours(south)) == ("2026-11-18", {6: 3})


async def test_lists_and_export_go_by_the_shops_day(world: World, shelf: str) -> None:
    await sell(world, "S1", "clerk1", shelf, NIGHT)
    await sell(world, "S2", "clerk2", shelf, NIGHT)
    hq = world.staff("hq")

    async def placed_on(day: str) -> list[list[str]]:
        listed = (await hq.get("/api/console/orders", params={"from": day, "to": day})).json()["items"]
        return sorted(one["store_codes"] for one in listed)

    assert await placed_on("2026-11-17") == []
    assert await placed_on("2026-11-18") == [["S2"]]
    assert await placed_on("2026-11-19") == [["S1"]]
    both = (await hq.get("/api/console/orders", params={"from": "2026-11-18"})).json()["items"]
    assert len(both) == 2
    assert len((await hq.get("/api/console/orders", params={"to": "2026-11-18"})).json()["items"]) == 1
    sheet = (await hq.get("/api/console/orders.csv")).text
    assert "2026-11-19T01:30:00+08:00" in sheet
    assert "2026-11-18T12:30:00-05:00" in sheet


async def test_of_an_order_over_two_shops_each_counts_its_part_on_its_own_day(world: World, shelf: str) -> None:
    buyer = await world.member("+8613912345678")
    with clock.frozen(NIGHT):
        placed = await buyer.post("/api/mall/orders", order(line(shelf, 2), line(shelf, 5, store="S2")))
        assert placed.status_code == 201, placed.text
    for who, seen in (("manager1", {1: 2}), ("manager2", {12: 5}), ("hq", {1: 2, 12: 5})):
        answer = await today(world.staff(who), NIGHT + timedelta(minutes=1))
        assert hours(answer, "online") == seen, who
        assert (answer["totals"]["orders"], answer["totals"]["sales"]["minor"]) == (1, sum(seen.values()) * 10000)


async def test_what_nobody_serves_is_a_matter_of_the_shop_it_was_ordered_at(world: World, shelf: str) -> None:
    buyer = await world.member("+8613912345678")
    with clock.frozen(NIGHT):
        placed = (await buyer.post("/api/mall/orders", order(line(shelf, 2), line(shelf, 5, store="S2")))).json()
    job = next(one["id"] for one in placed["fulfilments"] if one["store_code"] == "S1")
    lines = await world.db.fetch("SELECT line_id FROM fulfilment_lines WHERE fulfilment_id = $1", UUID(job))
    rejected = {"lines": [{"line_id": str(lines[0]["line_id"]), "quantity": 2, "reason": "display"}]}
    with clock.frozen(NIGHT):
        done = await world.staff("clerk1").post(f"/api/clerk/fulfilments/{job}/rejection", rejected)
    assert done.status_code == 200, done.text
    for who, kinds in (
        ("manager1", {"asks_member", "rejected"}),
        ("manager2", set()),
        ("hq", {"asks_member", "rejected"}),
    ):
        answer = await today(world.staff(who), NIGHT)
        assert {one["kind"] for one in answer["attention"]} == kinds, who


async def test_the_delivery_fee_is_headquarters_business(world: World, shelf: str) -> None:
    buyer = await world.member("+8613912345678")
    await world.db.execute("UPDATE prices SET price_minor = 5000")
    with clock.frozen(EVENING):
        basket = order(line(shelf, store=None), pay_mode="online", address=ADDRESS)
        placed = (await buyer.post("/api/mall/orders", basket)).json()
        assert placed["delivery_fee"]["minor"] == 800
    await world.db.execute("UPDATE orders SET state = 'confirmed'")
    place = placed["fulfilments"][0]["store_code"]
    whole = await today(world.staff("hq"), EVENING)
    assert (whole["totals"]["orders"], whole["totals"]["sales"]["minor"]) == (1, 5800)
    assert {one["store"]["code"]: one["sales"]["minor"] for one in whole["by_store"] if one["orders"]} == {place: 5000}
    part = await today(world.staff("north"), EVENING)
    assert (place in ("S1", "S3", "D1"), part["totals"]["sales"]["minor"]) == (True, 5000)
