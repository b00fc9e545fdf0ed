"""The only place in orders with FOR UPDATE. The order is locked before its intents, fulfilments and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Tx


class Order(NamedTuple):
    """The head of an order. Amounts in minor units of `currency`."""

    member_id: UUID
    id: UUID
    order_no: str
    channel: str
    state: str
    pay_mode: str
    currency: str
    subtotal_minor: int
    delivery_fee_minor: int
    discount_minor: int
    total_minor: int
    paid_minor: int
    refunded_minor: int
    contact_name: str
    contact_phone: str
    address: dict[str, object] | None
    note: str
    placed_at: datetime
    pay_by_at: datetime | None
    location_ids: list[UUID]
    sold_store_id: UUID | None


class Line(NamedTuple):
    """A line of an order; `due` is what is neither handed over nor cancelled."""

    id: UUID
    n: int
    sku_id: UUID
    method: str
    store_id: UUID | None
    quantity: int
    unit_price_minor: int
    handed: int
    cancelled: int

    @property
    def due(self) -> int:
        """Units still to be handed over."""
        return self.quantity - self.handed - self.cancelled


async def lock_order(tx: Tx, member_id: UUID, order_id: UUID) -> tuple[Order, list[Line]]:
    """The order and its lines, locked until the transaction ends. Every verb that changes an order starts here."""
    row = await tx.fetchrow(
        """SELECT member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor, delivery_fee_minor,
                  discount_minor, total_minor, paid_minor, refunded_minor, contact_name, contact_phone, address, note,
                  placed_at, pay_by_at, location_ids, sold_store_id
           FROM orders WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        order_id,
    )
    if row is None:
        raise NotFound
    lines = await tx.fetch(
        """SELECT id, n, sku_id, method, store_id, quantity, unit_price_minor, handed, cancelled
           FROM order_lines WHERE member_id = $1 AND order_id = $2 ORDER BY n""",
        member_id,
        order_id,
    )
    return Order(*row), [Line(*line) for line in lines]
