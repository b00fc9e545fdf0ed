"""Sell in a shop what is sent home: a clerk makes the order, and the customer pays it on their own phone.

It is an order like any other of the mall's: the same prices, the same plan for where it comes from, the same promise,
the same placing (`flows.place`). What is different is who makes it, which the order says (`orders.Sold`), and for whom:
the member who has the phone number, or one guest for each number that nobody has. That guest's orders are the
member's once the number logs in (`members.guests.adopt_of_phone`). The clerk never reads anything of the member: what
they see of an order is what they typed themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import attribution, orders
from duoline.flows.cancel import cancel
from duoline.flows.draft import Request
from duoline.flows.order_view import Image
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import guests
from duoline.members.group import person_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.flows.order_view import OrderView
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.stores.rights import Scope
    from duoline.stores.types import Store


class Customer(NamedTuple):
    """Whom something is sent to, as they say it at the counter. The phone is in E.164 form."""

    name: str
    phone: str
    address: orders.Address


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """An article of such an order, as the clerk and whoever has the link see it."""

    sku_id: UUID
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int
    amount: Money
    net: Money


class HomeSale(NamedTuple):
    """An order that a shop sold, found again."""

    member_id: UUID
    order_id: UUID
    sold_store_id: UUID
    seller: str


def wishes_of(lines: Sequence[tuple[UUID, int]]) -> list[orders.Wanted]:
    """Units by SKU, to be delivered; the same article twice adds up."""
    units: dict[UUID, int] = {}
    for sku_id, quantity in lines:
        units[sku_id] = units.get(sku_id, 0) + quantity
    return [orders.Wanted(sku_id=sku_id, quantity=quantity, method="delivery") for sku_id, quantity in units.items()]


async def request_of(
    db: Database,
    *,
    shop: Store,
    actor: Actor,
    key: str,
    request_hash: bytes,
    lines: Sequence[tuple[UUID, int]],
    customer: Customer,
    expected_minor: int,
    note: str,
    secret: str,
    limited: bool,
) -> Request:
    """What is to be placed for a customer. A guest orders within the limits of the policy `guest_orders`, counted by
    the number; not by the network address, which everybody in the shop shares."""
    member_id = await guests.member_of_phone(db, customer.phone)
    guest = None
    if member_id is None:
        guest = guests.Guest.known(await guests.guest_of_phone(db, customer.phone, secret=secret))
    buyer_id = member_id if guest is None else guest.member_id
    if buyer_id is None:
        raise NotFound
    return Request(
        member_id=buyer_id,
        actor=actor,
        key=key,
        request_hash=request_hash,
        wishes=wishes_of(lines),
        pay_mode="online",
        contact=orders.Contact(customer.name, customer.phone),
        address=customer.address,
        expected_minor=expected_minor,
        note=note,
        channel="mall",
        guest=guest,
        limits=orders.limits_of_guest(guest.member_id, None, secret=secret) if guest is not None and limited else (),
        sold=orders.Sold(shop.id, shop.code, actor.id),
        touch=await attribution.touch_before(db, await person_of(db, buyer_id), at=clock.now()),
    )


async def find(db: Database, order_id: UUID, scope: Scope) -> HomeSale:
    """An order that a shop in scope sold. Refuses with `NotFound`."""
    row = await db.fetchrow(
        """SELECT o.member_id, o.id, o.sold_store_id, coalesce(s.name, '') AS seller
           FROM orders o LEFT JOIN staff s ON s.id = o.sold_by
           WHERE o.id = $1 AND o.sold_store_id IS NOT NULL AND ($2 OR o.sold_store_id = ANY ($3))""",
        order_id,
        *scope.sql,
    )
    if row is None:
        raise NotFound
    return HomeSale(*row)


async def sold_at(
    db: Database, store_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[HomeSale, datetime]]:
    """What a shop sold, the newest first, with when."""
    rows = await db.fetch(
        """SELECT o.member_id, o.id, o.sold_store_id, coalesce(s.name, '') AS seller, o.placed_at
           FROM orders o LEFT JOIN staff s ON s.id = o.sold_by
           WHERE o.sold_store_id = $1 AND ($2::timestamptz IS NULL OR (o.placed_at, o.id) < ($2, $3::uuid))
           ORDER BY o.placed_at DESC, o.id DESC LIMIT $4""",
        store_id,
        *(before or (None, None)),
        limit,
    )
    return [(HomeSale(*tuple(row)[:4]), row["placed_at"]) for row in rows]


async def let_go(tx: Tx, sale: HomeSale, *, actor: Actor) -> None:
    """The customer does not pay after all: the whole order is cancelled. Locks as `cancel`.

    Refuses `orders.no-longer-unpaid`: money that has come in is given back by whoever may cancel orders.
    """
    order, _ = await orders.lock_order(tx, sale.member_id, sale.order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value:
        raise orders.NoLongerUnpaid
    await cancel(
        tx,
        member_id=sale.member_id,
        order_id=sale.order_id,
        quantities=None,
        reason="not paid in the shop",
        actor=actor,
    )


def lines_of(order: OrderView) -> list[SoldLine]:
    """What was sold, without how far it has got."""
    return [
        SoldLine(
            sku_id=line.sku_id,
            name=line.name,
            options=line.options,
            image=line.image,
            quantity=line.quantity,
            amount=line.amount,
            net=line.net,
        )
        for line in order.lines
    ]


async def linked(db: Database, link: str, *, secret: bytes) -> tuple[UUID, UUID]:
    """The member and the order that a link is for, as long as it lasts. Refuses with `NotFound`."""
    order_no = orders.order_no_of(link, secret=secret)
    row = None
    if order_no is not None:
        row = await db.fetchrow(
            """SELECT o.member_id, o.id FROM order_numbers n
               JOIN orders o ON o.member_id = n.member_id AND o.id = n.order_id
               WHERE n.order_no = $1 AND o.sold_store_id IS NOT NULL AND o.placed_at > $2""",
            order_no,
            clock.now() - orders.LINK_LASTS,
        )
    if row is None:
        raise NotFound
    return row["member_id"], row["id"]
