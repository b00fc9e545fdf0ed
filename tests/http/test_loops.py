"""The closed loop over the wire: what was met, where it was bought, how people went between; it adds up to the orders."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.mall import count_scan
from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import ADDRESS, NOON, bought, line, order, stocked
from tests.http.test_shares import shared
from tests.http.test_touchpoints import log_in, made, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import World


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article in S1 and D1; the check is clean at the end."""
    count_scan.NEW_DEVICES_BY_ADDRESS.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9, "S2": 9, "D1": 9})
    assert await broken(world.db) == []


def sums(rows: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(row["orders"] for row in rows), sum(row["sales"]["minor"] for row in rows)


async def test_from_a_shared_link_to_the_shop_and_back(world: World, milk: str) -> None:
    poster = await made(world)
    friend, sharer = world.anonymous(), await world.member("+8613900000001")
    link = await shared(sharer)
    steps = [
        (0, lambda: opened(friend.client, link["code"])),  # online
        (1, lambda: bought(world, friend, line(milk))),  # in the shop
        (2, lambda: log_in(world, friend, "+8613900000002")),
        (3, lambda: opened(friend.client, poster["code"])),  # in the shop
        (4, lambda: bought(world, friend, line(milk, store=None), address=ADDRESS)),  # online
    ]
    for hour, act in steps:
        with clock.frozen(NOON + timedelta(hours=hour)):
            await act()
    # Somebody who met nothing, an order that was called off, and one that nobody paid.
    other = await world.member("+8613900000003")
    with clock.frozen(NOON + timedelta(hours=5)):
        await bought(world, other, line(milk, store="S2"))
        unpaid = order(line(milk, store="S2"), pay_mode="online")
        assert (await other.post("/api/mall/orders", unpaid)).status_code == 201
        gone = await bought(world, other, line(milk, store="S2"))
        path = f"/api/mall/orders/{gone['id']}/cancellation"
        assert (await other.post(path, {"reason": ""})).status_code == 200
        found = (await world.staff("hq").get("/api/console/loops")).json()
    assert (found["totals"]["people"], found["totals"]["orders"]) == (2, 3)
    assert sums(found["flows"]) == sums(found["paths"]) == (3, 3 * 19900) == (3, found["totals"]["sales"]["minor"])
    assert sorted((row["kind"] or "", row["met"] or "", row["side"], row["orders"]) for row in found["flows"]) == [
        ("", "", "shop", 1), ("poster", "shop", "online", 1), ("share", "online", "shop", 1),
    ]  # fmt: skip
    assert sorted(("-".join(row["steps"]), row["people"]) for row in found["paths"]) == [
        ("online-shop-online", 1), ("shop", 1),
    ]  # fmt: skip
    assert sorted((row["kind"], row["store_code"] or "", row["orders"]) for row in found["ways"]) == [
        ("poster", "", 1), ("share", "S1", 1),
    ]  # fmt: skip
    # A shop sees the orders that it had a part in.
    with clock.frozen(NOON + timedelta(hours=6)):
        for who, orders in (("manager1", 1), ("manager2", 1), ("franchisee_a", 0)):
            seen = (await world.staff(who).get("/api/console/loops")).json()
            assert seen["totals"]["orders"] == orders, who
            assert sums(seen["flows"])[0] == sums(seen["paths"])[0] == orders
        assert (await world.staff("manager1").get("/api/console/loops?store=S2")).status_code == 404
        assert (await world.staff("hq").get("/api/console/loops?since=2020-01-01")).status_code == 422
        before = (await world.staff("hq").get("/api/console/loops?since=2026-10-01&until=2026-11-17")).json()
        assert (before["totals"]["orders"], before["flows"], before["paths"]) == (0, [], [])
