"""The only place in orders with FOR UPDATE. The order is locked before its intents, fulfilments and levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.errors import NotFound
from duoline.orders.value import value_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


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
    clawback_minor: int
    contact_name: str
    contact_phone: str
    address: dict[str, object] | None
    note: str
    placed_at: datetime
    pay_by_at: datetime | None
    location_ids: list[UUID]
    sold_store_id: UUID | None
    store_id: UUID | None = None
    presale_id: UUID | None = None
    forfeited_minor: int = 0

    @property
    def kept_minor(self) -> int:
        """What we have of its money, in minor units."""
        return self.paid_minor - self.refunded_minor


class Line(NamedTuple):
    """A line of an order; `due` is what is neither handed over nor cancelled, `kept` what the customer has of it."""

    id: UUID
    n: int
    sku_id: UUID
    method: str
    store_id: UUID | None
    quantity: int
    unit_price_minor: int
    net_minor: int
    handed: int
    cancelled: int
    returned: int = 0

    @property
    def due(self) -> int:
        """Units still to be handed over."""
        return self.quantity - self.handed - self.cancelled

    @property
    def kept(self) -> int:
        """Units handed over and not brought back: as many are behind whoever is served next."""
        return self.handed - self.returned

    @property
    def stays(self) -> int:
        """Units that the customer has or is to get."""
        return self.quantity - self.cancelled - self.returned

    def value(self, units: int, *, after: int = 0) -> int:
        """What `units` cost that come after so many others, in minor units."""
        first = value_of(self.net_minor, self.quantity, after)
        return value_of(self.net_minor, self.quantity, after + units) - first


_ORDER = """
SELECT member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor, delivery_fee_minor, discount_minor,
       total_minor, paid_minor, refunded_minor, clawback_minor, contact_name, contact_phone, address, note, placed_at,
       pay_by_at, location_ids, sold_store_id, store_id, presale_id, forfeited_minor
FROM orders WHERE member_id = $1 AND id = $2
"""
_LOCKED = f"{_ORDER} FOR UPDATE"


async def lock_order(tx: Tx, member_id: UUID, order_id: UUID) -> tuple[Order, list[Line]]:
    """The order and its lines, locked until the transaction ends. Every verb that changes an order starts here."""
    return await _read(tx, _LOCKED, member_id, order_id)


async def read_order(db: Database | Tx, member_id: UUID, order_id: UUID) -> tuple[Order, list[Line]]:
    """The same for whoever only looks: nothing is locked. Refuses `kernel.not-found`."""
    return await _read(db, _ORDER, member_id, order_id)


async def _read(db: Database | Tx, sql: str, member_id: UUID, order_id: UUID) -> tuple[Order, list[Line]]:
    row = await db.fetchrow(sql, member_id, order_id)
    if row is None:
        raise NotFound
    lines = await db.fetch(
        """SELECT id, n, sku_id, method, store_id, quantity, unit_price_minor, net_minor, handed, cancelled, returned
           FROM order_lines WHERE member_id = $1 AND order_id = $2 ORDER BY n""",
        member_id,
        order_id,
    )
    return Order(*row), [Line(*line) for line in lines]
