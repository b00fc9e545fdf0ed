"""The application on a database of the test's own, spoken to through HTTP in the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, stocked
from tests.http.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel.db import Database


@pytest.fixture
async def world(db: Database, tmp_path: Path) -> AsyncIterator[World]:
    """A small chain, staff of every role, and clients to call as each of them."""
    async with open_world(db, tmp_path) as opened:
        yield opened


@pytest.fixture
async def shelf(world: World) -> Any:
    """One article at 199.00 with five units in S1 and D1; the check is clean at the end."""
    sku = await stocked(world, "MILK", 19900, {"S1": 5, "D1": 5})
    with clock.frozen(NOON):
        yield sku
    assert await broken(world.db) == []
