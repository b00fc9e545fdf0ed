"""The only place in fulfilment with FOR UPDATE. A fulfilment is locked after its order and before its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


class FulfilmentLine(NamedTuple):
    """Units of an order line that this location serves, and the hold that keeps them."""

    line_id: UUID
    sku_id: UUID
    quantity: int
    hold_id: UUID


class Fulfilment(NamedTuple):
    """A fulfilment as stored."""

    location_id: UUID
    id: UUID
    member_id: UUID
    order_id: UUID
    order_no: str
    kind: str
    state: str
    pay_mode: str
    paid: bool
    contact_name: str
    contact_phone: str
    address: dict[str, Any] | None
    note: str
    promise_at: datetime
    ready_at: datetime | None
    keep_until: datetime | None
    to_location_id: UUID | None
    to_pick_at: datetime | None
    begun_at: datetime | None
    in_shop: bool


_COLUMNS = (
    "location_id, id, member_id, order_id, order_no, kind, state, pay_mode, paid, contact_name, contact_phone, "
    "address, note, promise_at, ready_at, keep_until, to_location_id, to_pick_at, begun_at, in_shop"
)


async def lock_fulfilment(tx: Tx, location_id: UUID, fulfilment_id: UUID) -> tuple[Fulfilment, list[FulfilmentLine]]:
    """A fulfilment and its lines with units, locked. The order has been locked before."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM fulfilments WHERE location_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        location_id,
        fulfilment_id,
    )
    if row is None:
        raise NotFound
    return Fulfilment(*row), await lines_of(tx, location_id, fulfilment_id)


async def lock_live(tx: Tx, order_id: UUID, location_ids: list[UUID]) -> list[tuple[Fulfilment, list[FulfilmentLine]]]:
    """Every fulfilment of an order at these locations that still holds units, locked in order of location."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM fulfilments
            WHERE location_id = ANY ($1) AND order_id = $2 AND state IN ('waiting', 'to_pick', 'ready')
            ORDER BY location_id, id FOR UPDATE""",  # noqa: S608
        location_ids,
        order_id,
    )
    return [(Fulfilment(*row), await lines_of(tx, row["location_id"], row["id"])) for row in rows]


async def lock_serving(
    tx: Tx, order_id: UUID, location_ids: list[UUID]
) -> list[tuple[Fulfilment, list[FulfilmentLine]]]:
    """As `lock_live`, and those whose units are on the way to the shop where they are collected (see `serves`)."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM fulfilments
            WHERE location_id = ANY ($1) AND order_id = $2
              AND (state IN ('waiting', 'to_pick', 'ready') OR (kind = 'transfer' AND state = 'shipped'))
            ORDER BY location_id, id FOR UPDATE""",  # noqa: S608
        location_ids,
        order_id,
    )
    return [(Fulfilment(*row), await lines_of(tx, row["location_id"], row["id"])) for row in rows]


async def lines_of(db: Database | Tx, location_id: UUID, fulfilment_id: UUID) -> list[FulfilmentLine]:
    """The lines of a fulfilment that still have units, in order of SKU."""
    rows = await db.fetch(
        """SELECT line_id, sku_id, quantity, hold_id FROM fulfilment_lines
           WHERE location_id = $1 AND fulfilment_id = $2 AND quantity > 0 ORDER BY sku_id, line_id""",
        location_id,
        fulfilment_id,
    )
    return [FulfilmentLine(*row) for row in rows]


async def peek(db: Database | Tx, location_id: UUID, fulfilment_id: UUID) -> Fulfilment:
    """A fulfilment without a lock: to learn which order to lock first."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM fulfilments WHERE location_id = $1 AND id = $2",  # noqa: S608
        location_id,
        fulfilment_id,
    )
    if row is None:
        raise NotFound
    return Fulfilment(*row)
