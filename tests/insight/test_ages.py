"""Ages: the statement against a queue of units that are taken from its front, whatever came and left."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duoline import insight, inventory
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from duoline.kernel.db import Database
    from duoline.kernel.postgres import Access

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
SHOP = UUID(int=1)
SKUS = [UUID(int=10 + n) for n in range(4)]
DAY = timedelta(days=1)
BANDS = ("age_30", "age_90", "age_180", "age_older")

# How many came (or left, when negative), hours before now. Several at one instant are one after the other.
steps = st.lists(
    st.tuples(st.sampled_from([0, 1, 24 * 31 - 1, 24 * 31, 24 * 91, 24 * 181, 5000]) | st.integers(0, 9000), st.integers(-9, 9).filter(bool)),
    max_size=12,
)  # fmt: skip
History = list[tuple[int, int]]


def allowed(history: History) -> History:
    """In order of time, and what leaves is there."""
    there, kept = 0, []
    for hours, units in sorted(history, key=lambda step: -step[0]):
        units = max(units, -there)
        if units:
            there += units
            kept.append((hours, units))
    return kept


def naive(histories: list[History]) -> dict[str, int]:
    """Units one by one: the first that came is the first that leaves."""
    found = dict.fromkeys(BANDS, 0)
    for history in histories:
        queue: deque[int] = deque()
        for hours, units in history:
            if units > 0:
                queue.extend([hours] * units)
            else:
                for _ in range(-units):
                    queue.popleft()
        for hours in queue:
            days = hours // 24
            found[BANDS[(days > 30) + (days > 90) + (days > 180)]] += 1
    return found


@pytest.fixture(scope="module")
async def owner(shared_access: Access) -> AsyncIterator[asyncpg.Connection]:
    """Who may take movements away again: the application cannot."""
    connection = await asyncpg.connect(shared_access.owner_dsn)
    await connection.execute("INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, 'C', 'x', 'x')", SHOP)
    for sku in SKUS:
        await connection.execute(
            """INSERT INTO products (id, code, name_zh, name_en, category_id, state, updated_at)
               VALUES ($1::uuid, $1::uuid::text, 'x', 'x', $2, 'draft', $3)""",
            sku, SHOP, NOW,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO skus (id, product_id, code) VALUES ($1::uuid, $1::uuid, $1::uuid::text)", sku
        )
    await connection.execute("INSERT INTO locations (id, kind) VALUES ($1, 'store')", SHOP)
    yield connection
    await connection.close()


@given(st.lists(steps, min_size=len(SKUS), max_size=len(SKUS)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_units_left_are_the_newest(
    owner: asyncpg.Connection, shared_db: Database, drawn: list[History]
) -> None:
    histories = [allowed(history) for history in drawn]
    await owner.execute("DELETE FROM movements; DELETE FROM levels; DELETE FROM stock_summaries")
    for sku, history in zip(SKUS, histories, strict=True):
        await owner.execute(
            "INSERT INTO levels (location_id, sku_id, on_hand) VALUES ($1, $2, $3)",
            SHOP, sku, sum(units for _, units in history),
        )  # fmt: skip
        await owner.executemany(
            """INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at, actor)
               VALUES ($1, $2, $3, $4, $5, $6, '', $2, $7, '')""",
            [
                (SHOP, new_id(), sku, inventory.LOSS, units, "receipt" if units > 0 else "sale", NOW - timedelta(hours=hours))
                for hours, units in history
            ],
        )  # fmt: skip
    await insight.summarise(shared_db, SHOP, at=NOW)
    found = await insight.by_category(shared_db, [SHOP], None)
    expected = naive(histories)
    figures = found.get(SHOP, insight.Figures())
    assert {name: getattr(figures, name) for name in BANDS} == expected
    assert (figures.age_unknown, figures.on_hand) == (0, sum(expected.values()))


async def test_units_that_no_movement_tells_of_are_of_unknown_age(
    owner: asyncpg.Connection, shared_db: Database
) -> None:
    """Such a level breaks INV-1; the sums say what they do not know instead of making it up."""
    await owner.execute("DELETE FROM movements; DELETE FROM levels; DELETE FROM stock_summaries")
    await owner.execute("INSERT INTO levels (location_id, sku_id, on_hand) VALUES ($1, $2, 7)", SHOP, SKUS[0])
    await owner.execute(
        """INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at, actor)
           VALUES ($1, $2, $3, $4, 3, 'receipt', '', $2, $5, '')""",
        SHOP, new_id(), SKUS[0], inventory.LOSS, NOW,
    )  # fmt: skip
    await insight.summarise(shared_db, SHOP, at=NOW)
    figures = (await insight.by_category(shared_db, [SHOP], None))[SHOP]
    assert (figures.age_30, figures.age_unknown) == (3, 4)
