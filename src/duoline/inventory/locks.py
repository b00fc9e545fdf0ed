"""The only place in inventory's Python with FOR UPDATE over several levels: in order of (location, SKU), always."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.kernel.db import Tx


class Level(NamedTuple):
    """A locked level."""

    on_hand: int
    held: int
    safety: int


async def lock_levels(tx: Tx, pairs: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Level]:
    """Lock these (location, SKU) levels until the transaction ends. A pair without a level is absent."""
    wanted = sorted(set(pairs))
    rows = await tx.fetch(
        """SELECT l.location_id, l.sku_id, l.on_hand, l.held, l.safety
           FROM levels l JOIN unnest($1::uuid[], $2::uuid[]) AS w(location_id, sku_id)
             ON w.location_id = l.location_id AND w.sku_id = l.sku_id
           ORDER BY l.location_id, l.sku_id FOR UPDATE OF l""",
        [location for location, _ in wanted],
        [sku for _, sku in wanted],
    )
    return {(row["location_id"], row["sku_id"]): Level(row["on_hand"], row["held"], row["safety"]) for row in rows}
