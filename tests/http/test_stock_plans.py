"""With 150,000 movements, a shop is summed up from its arrivals and alerts from what was lost: nobody reads what was sold."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from duoline import insight, inventory
from duoline.insight.summarise import BANDS, STATEMENT
from tests.http.test_order_plans import plan, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from duoline.kernel.db import Database

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
SHOPS, SKUS, SALES = 100, 50, 28

# Each shelf has two arrivals and many sales; one in a hundred was counted short. One hold in a hundred is open.
FILL = f"""
INSERT INTO categories (id, code, name_zh, name_en) VALUES (md5('c')::uuid, 'C', 'x', 'x');
INSERT INTO products (id, code, name_zh, name_en, category_id, state, updated_at)
SELECT md5('sku' || n)::uuid, 'P' || n, 'x', 'x', md5('c')::uuid, 'draft', '{NOW}' FROM generate_series(0, {SKUS - 1}) n;
INSERT INTO skus (id, product_id, code) SELECT id, id, code FROM products;
INSERT INTO locations (id, kind) SELECT md5('store' || n)::uuid, 'store' FROM generate_series(0, {SHOPS - 1}) n;
INSERT INTO levels (location_id, sku_id, on_hand, held)
SELECT md5('store' || n)::uuid, md5('sku' || k)::uuid, 40, 1
FROM generate_series(0, {SHOPS - 1}) n, generate_series(0, {SKUS - 1}) k;
INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at, actor)
SELECT md5('store' || n)::uuid, md5('m' || n || '/' || k || '/' || i)::uuid, md5('sku' || k)::uuid, md5('x')::uuid,
       CASE WHEN i < 2 THEN 60 ELSE -1 END, CASE WHEN i < 2 THEN 'receipt' ELSE 'sale' END, 'x', md5('x')::uuid,
       '{NOW}'::timestamptz - i * interval '9 days', ''
FROM generate_series(0, {SHOPS - 1}) n, generate_series(0, {SKUS - 1}) k, generate_series(0, {SALES + 1}) i;
INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at, actor)
SELECT md5('store' || n)::uuid, md5('l' || n || '/' || k)::uuid, md5('sku' || k)::uuid, md5('x')::uuid,
       -2, 'count', 'count', md5('x')::uuid, '{NOW}'::timestamptz - (n + k) * interval '1 day', ''
FROM generate_series(0, {SHOPS - 1}) n, generate_series(0, {SKUS - 1}) k;
INSERT INTO holds (location_id, id, sku_id, quantity, state, ref_kind, ref_id, created_at, resolved_at, actor)
SELECT md5('store' || n)::uuid, md5('h' || n || '/' || i)::uuid, md5('sku' || i % {SKUS})::uuid, 1,
       CASE WHEN i < 10 THEN 'open' ELSE 'taken' END, 'clerk', md5('x')::uuid, '{NOW}'::timestamptz - i * interval '1 day',
       CASE WHEN i < 10 THEN NULL ELSE '{NOW}'::timestamptz END, ''
FROM generate_series(0, {SHOPS - 1}) n, generate_series(0, 999) i;
"""


@pytest.fixture(scope="module")
async def filled(shared_db: Database, shared_access: Any) -> Database:
    owner = await asyncpg.connect(shared_access.owner_dsn)
    await owner.execute(FILL)
    await owner.execute("VACUUM ANALYZE movements, holds, levels, locations")
    await owner.close()
    return shared_db


async def said(db: Database, monkeypatch: pytest.MonkeyPatch, ask: Callable[[], Any]) -> tuple[set[str], set[str]]:
    """The plan of what a function asks, made by the function's own code."""
    heard: list[tuple[str, tuple[Any, ...]]] = []

    async def remember(sql: str, *values: Any) -> list[Any]:
        heard.append((sql, values))
        return []

    with monkeypatch.context() as patch:
        patch.setattr(db, "fetch_filtered", remember)
        with suppress(IndexError):  # a count of nothing
            await ask()
    ((sql, values),) = heard
    return await plan(db, sql, *values)


async def test_a_shop_is_summed_up_from_its_own_arrivals(filled: Database) -> None:
    shop = store(7)
    values = (shop, inventory.transit_of(shop), NOW, *(NOW - band for band in BANDS))
    scanned, used = await plan(filled, STATEMENT, *values)
    assert scanned & {"movements", "holds", "levels"} == set()
    assert "movements_came_ix" in used


async def test_what_is_missing_is_found_without_what_was_sold(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = insight.StockAlertsPolicy()
    for places in ([store(7)], [store(n) for n in range(SHOPS)]):
        scanned, used = await said(
            filled, monkeypatch, lambda places=places: insight.missing(filled, places, policy, at=NOW)
        )  # type: ignore[misc]
        assert (scanned, used & {"movements_sku_ix", "movements_lost_ix"}) == (set(), {"movements_lost_ix"})
    found = await insight.missing(filled, [store(n) for n in range(SHOPS)], policy, at=NOW)
    # Of the first shops the articles that were counted in the last seven days: eight of the first one.
    assert [one.units for one in found] == [16, 14, 12]


async def test_stale_holds_are_looked_for_among_open_ones(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, places = insight.StockAlertsPolicy(hold_days=5), [store(n) for n in range(SHOPS)]
    count = sys.modules["duoline.insight.stale_holds"].count_stale_holds
    scanned, used = await said(filled, monkeypatch, lambda: count(filled, places, policy, at=NOW))
    assert scanned == set()
    assert used <= {"holds_open_ix", "holds_due_ix"}
    assert await count(filled, places, policy, at=NOW) == 4 * SHOPS  # six to nine days old
    assert await count(filled, places, policy, at=NOW + timedelta(days=1)) == 5 * SHOPS
