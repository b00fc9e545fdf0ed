"""Reads of stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.rules import transit_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


class Stocked(NamedTuple):
    """What a location can promise of a SKU, and how much of that its owner lets others have."""

    location_id: UUID
    sku_id: UUID
    available: int
    sendable: int


async def available_at(
    db: Database | Tx, sku_ids: Sequence[UUID], location_ids: Sequence[UUID] | None = None
) -> list[Stocked]:
    """Every location that can promise at least one unit of one of the SKUs (of `location_ids`, if given)."""
    rows = await db.fetch(
        """SELECT location_id, sku_id, duo_available(on_hand, held, safety) AS available,
                  duo_shared(on_hand, held, safety, outward_reserve, outward_cap, outward) AS sendable
           FROM levels
           WHERE sku_id = ANY ($1) AND ($2::uuid[] IS NULL OR location_id = ANY ($2)) AND on_hand > held""",
        list(sku_ids),
        None if location_ids is None else list(location_ids),
    )
    return [Stocked(*row) for row in rows if row["available"] > 0]


class OnTheWay(NamedTuple):
    """Units of a SKU that are on the way to a store: sent, and not there yet."""

    store_id: UUID
    sku_id: UUID
    units: int


async def on_the_way(
    db: Database | Tx, sku_ids: Sequence[UUID], store_ids: Sequence[UUID] | None = None
) -> list[OnTheWay]:
    """What is on the way to stores (to `store_ids`, if given), where anything is.

    None of it is in `available_at`: it is not there to be sold.
    """
    rows = await db.fetch(
        """SELECT p.store_id, l.sku_id, l.on_hand FROM levels l JOIN locations p ON p.id = l.location_id
           WHERE p.kind = 'transit' AND l.sku_id = ANY ($1) AND l.on_hand > 0
             AND ($2::uuid[] IS NULL OR l.location_id = ANY ($2))""",
        list(sku_ids),
        None if store_ids is None else [transit_of(store_id) for store_id in store_ids],
    )
    return [OnTheWay(*row) for row in rows]
