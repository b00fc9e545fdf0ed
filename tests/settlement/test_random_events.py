"""A year of settlement drawn from a seed: every invariant holds, every share is what the model says, twice the same.

`make prove` runs a million events of it (`python -m bench.settlement --only events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.settlement_events import KINDS, random_events
from duoline.kernel import policies
from duoline.kernel.db import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVENTS = 4_000


@pytest.fixture(autouse=True)
async def no_plans(db: Database) -> AsyncIterator[None]:
    """Plans that were drawn end with the test."""
    yield
    await db.execute("DELETE FROM policies")
    await policies.refresh(db)


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_events_leave_nothing_wrong(db: Database, seed: int) -> None:
    found = await random_events(db, EVENTS, seed, aloud=False)
    assert found["violations"] == 0
    kinds = found["kinds"]
    assert found["events"] == EVENTS == sum(kinds[kind] for kind in KINDS)
    # It happened all: also what is refused, fails and is taken back after it was paid.
    assert min(kinds[kind] for kind in (*KINDS, "circle", "payout", "payout failed", "statement", "mature")) > 0
    assert await db.fetchval("SELECT count(*) FROM accruals WHERE level = 2 AND earned_minor > 0") > 0
    assert await db.fetchval("SELECT count(*) FROM statement_lines WHERE amount_minor < 0") > 0
