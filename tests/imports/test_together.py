"""Imports beside each other and beside the shop's own work: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from duoline import inventory
from duoline.channels.imports import load_stock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import RETRYABLE
from tests.imports.conftest import PRODUCTS, assert_sound, take_in

if TYPE_CHECKING:
    from duoline.kernel.db import Database

COUNT = 120


@pytest.fixture
async def shelves(chain: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Two shops with many articles, imported in small chunks so that others come in between."""
    monkeypatch.setattr(load_stock, "CHUNK", 20)
    goods = [{**PRODUCTS[2], "product_code": f"X{n}", "sku_code": f"X{n}"} for n in range(COUNT)]
    await take_in(chain, "products", goods)
    await take_in(chain, "stock", rows(10))
    return chain


def rows(on_hand: int) -> list[dict[str, Any]]:
    return [
        {"store_code": store, "sku_code": f"X{n}", "on_hand": str(on_hand + n % 7)}
        for n in range(COUNT)
        for store in ("S2", "S1")
    ]


async def test_two_imports_at_once(shelves: Database) -> None:
    first, second = await asyncio.gather(take_in(shelves, "stock", rows(20)), take_in(shelves, "stock", rows(20)))
    assert first.result.changed + second.result.changed == 2 * COUNT
    assert {code for done in (first, second) for _, _, code in done.told} <= {"stock-moved"}
    await assert_sound(shelves)
    assert (await take_in(shelves, "stock", rows(20))).counts == (0, 2 * COUNT, 0)


async def test_a_count_while_units_are_sold(shelves: Database) -> None:
    places = await shelves.fetch("SELECT location_id, sku_id FROM levels ORDER BY random()")

    async def sell() -> int:
        sold = 0
        for place in places:
            try:
                async with shelves.begin() as tx:
                    await inventory.adjust(
                        tx,
                        location_id=place["location_id"],
                        sku_id=place["sku_id"],
                        delta=-1,
                        reason="damage",
                        actor=SYSTEM,
                    )
                sold += 1
            except RETRYABLE:
                continue
        return sold

    done, sold = await asyncio.gather(take_in(shelves, "stock", rows(30)), sell())
    assert sold > COUNT
    assert {code for _, _, code in done.told} <= {"stock-moved"}
    await assert_sound(shelves)


async def test_two_imports_of_one_new_member(chain: Database) -> None:
    people = [{"code": f"M{n}", "phone": f"{19900000000 + n}", "name": "林"} for n in range(200)]
    results = await asyncio.gather(*(take_in(chain, "members", people) for _ in range(3)))
    assert sum(done.result.changed for done in results) == 200
    assert [done.told for done in results] == [[], [], []]
    for table in ("members", "phone_index", "member_codes"):
        assert await chain.fetchval(f"SELECT count(*) FROM {table}") == 200


async def test_two_imports_of_the_same_orders_and_prices(chain: Database) -> None:
    orders = [
        {
            "order_code": f"T{n}",
            "placed_at": "2026-11-01",
            "store_code": "S1",
            "sku_code": "P2",
            "quantity": "1",
            "amount": "1",
        }
        for n in range(50)
    ]
    prices = [{"sku_code": "P2", "price": str(n + 1), "valid_from": f"2026-01-{n + 1:02d}"} for n in range(20)]
    await asyncio.gather(*(take_in(chain, kind, data) for kind, data in (("orders", orders), ("prices", prices)) * 2))
    assert await chain.fetchval("SELECT count(*) FROM orders") == 50
    assert await chain.fetchval("SELECT count(*) FROM prices") == 20
    await assert_sound(chain)
