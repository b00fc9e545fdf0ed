"""For how long a unit is kept: what history taught of the article at the shop, else of the shop, else the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Collection

    from duoline.favourites.policy import FavouriteHoldPolicy
    from duoline.kernel.db import Database, Tx

WHOLE_SHOP = UUID(int=0)
"""Stands for a shop's every SKU in `favourite_minutes`."""


class Taught(NamedTuple):
    """What history taught, by shop and SKU."""

    by: dict[tuple[UUID, UUID], int]

    def minutes(self, policy: FavouriteHoldPolicy, location_id: UUID, sku_id: UUID) -> int:
        """How long a unit is kept now: within the policy's bounds, whatever they were when history was looked at."""
        shop = self.by.get((location_id, WHOLE_SHOP), policy.minutes)
        return policy.clipped(self.by.get((location_id, sku_id), shop))


async def taught_minutes(db: Database | Tx, location_ids: Collection[UUID], sku_ids: Collection[UUID] = ()) -> Taught:
    """What history taught of these shops; of these SKUs there, of all when none is named."""
    rows = await db.fetch(
        """SELECT location_id, sku_id, minutes FROM favourite_minutes
           WHERE location_id = ANY ($1) AND ($2::uuid[] = '{}' OR sku_id = ANY ($2))""",
        list(location_ids),
        [*sku_ids, WHOLE_SHOP] if sku_ids else [],
    )
    return Taught({(row["location_id"], row["sku_id"]): row["minutes"] for row in rows})


async def minutes_for(db: Database | Tx, policy: FavouriteHoldPolicy, *, location_id: UUID, sku_id: UUID) -> int:
    """How long a unit of the SKU is kept at the shop now."""
    taught = await taught_minutes(db, [location_id], [sku_id])
    return taught.minutes(policy, location_id, sku_id)
