"""A new place that holds stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.inventory.rules import VIRTUAL, transit_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.kernel.db import Tx


async def open_location(tx: Tx, *, store_id: UUID, kind: Literal["store", "dc"]) -> None:
    """Let a store or distribution centre hold stock; the location has the store's id. Safe to repeat.

    The places outside the chain (supplier, customer, …) are there from the first location on. Each store has one
    more place of its own: what is on the way to it.
    """
    await tx.executemany(
        "INSERT INTO locations (id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(VIRTUAL.items())
    )
    await tx.execute(
        "INSERT INTO locations (id, kind, store_id) VALUES ($1, $2, $1) ON CONFLICT DO NOTHING", store_id, kind
    )
    await open_transit(tx, [store_id])


async def open_transit(tx: Tx, store_ids: Iterable[UUID]) -> None:
    """Give stores the place where units on the way to them are. Safe to repeat."""
    await tx.executemany(
        "INSERT INTO locations (id, kind, store_id) VALUES ($1, 'transit', $2) ON CONFLICT DO NOTHING",
        [(transit_of(store_id), store_id) for store_id in store_ids],
    )
