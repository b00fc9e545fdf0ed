"""Write what a unit on each shelf is worth. Others decide that; sourcing reads it with the level."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.db import Database

AT_ONCE = 5_000
"""Levels changed in one transaction, so that nobody waits long for one of them."""

_SET = """
WITH due AS (
    SELECT l.location_id, l.sku_id, w.minor
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS w(location_id, sku_id, minor)
    JOIN levels l ON l.location_id = w.location_id AND l.sku_id = w.sku_id
    WHERE l.shadow_minor IS DISTINCT FROM w.minor
    ORDER BY l.location_id, l.sku_id FOR UPDATE OF l
)
UPDATE levels l SET shadow_minor = d.minor FROM due d WHERE l.location_id = d.location_id AND l.sku_id = d.sku_id
"""


async def set_shadow_prices(db: Database, minor: Mapping[tuple[UUID, UUID], int]) -> int:
    """Let shelves have these prices, in minor units, and all others none; returns how many have another than before."""
    old = await db.fetch("SELECT location_id, sku_id FROM levels WHERE shadow_minor IS NOT NULL")
    gone = {(row["location_id"], row["sku_id"]) for row in old} - minor.keys()
    rows = sorted([(*shelf, price) for shelf, price in minor.items()] + [(*shelf, None) for shelf in gone], key=_shelf)
    changed = 0
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        async with db.begin() as tx:
            done = await tx.execute(_SET, [row[0] for row in part], [row[1] for row in part], [row[2] for row in part])
        changed += int(done.split()[-1])
    return changed


def _shelf(row: tuple[UUID, UUID, int | None]) -> tuple[UUID, UUID]:
    return row[0], row[1]
