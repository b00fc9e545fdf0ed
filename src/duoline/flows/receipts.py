"""Receipts of what was sold over the counter: found again by the shop, and opened by whoever has the link.

A receipt names nobody: whose sale it was stands on it as a masked number, or not at all. What was given and the change
are between the customer and the clerk, and stand on paper only.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline import orders
from duoline.flows import order_view
from duoline.flows.order_view import OfferShare
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import phones

if TYPE_CHECKING:
    from duoline.kernel.db import Database
    from duoline.stores.rights import Scope


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """An article: its units, what they cost before (`amount`) and after offers (`net`), and which offers those were."""

    name: Text
    options: list[dict[str, Any]]
    quantity: int
    unit_price: Money
    amount: Money
    net: Money
    offers: list[OfferShare]


class Tender(msgspec.Struct, frozen=True):
    """How much was paid in which way."""

    tender: str
    amount: Money


class SaleReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold, when, where, for how much, and how it was paid. `refunded` has gone back since."""

    order_no: str
    store_name: Text
    store_address: Text
    store_phone: str
    timezone: str
    sold_at: datetime
    lines: list[ReceiptLine]
    subtotal: Money
    discount: Money
    total: Money
    refunded: Money
    paid: list[Tender]
    phone_masked: str


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A sale in a shop's list."""

    id: UUID
    order_no: str
    sold_at: datetime
    units: int
    total: Money
    refunded: Money
    first: Text
    phone_masked: str
    seller: str


# A sale has one member of its own, so whoever has its ids has its receipt.
_SALE = "o.channel = 'till' AND o.store_id IS NOT NULL AND o.state = 'completed'"

# Who sold it stands in its story alone; where it waited for its money, who rang it up.
_SELLER = """
coalesce((SELECT s.name FROM order_events v JOIN staff s ON v.actor = 'staff:' || s.id
          WHERE v.member_id = o.member_id AND v.order_id = o.id AND v.kind IN ('rung_up', 'sold') LIMIT 1), '')
"""


async def linked(db: Database, link: str, *, secret: bytes) -> tuple[UUID, UUID]:
    """The member and the sale that a receipt's link is for, as long as it lasts. Refuses with `NotFound`."""
    order_no = orders.receipt_no_of(link, secret=secret)
    row = None
    if order_no is not None:
        row = await db.fetchrow(
            f"""SELECT o.member_id, o.id FROM order_numbers n
                JOIN orders o ON o.member_id = n.member_id AND o.id = n.order_id
                WHERE n.order_no = $1 AND {_SALE} AND o.placed_at > $2""",  # noqa: S608 - our own words
            order_no,
            clock.now() - orders.RECEIPT_LASTS,
        )
    if row is None:
        raise NotFound
    return row["member_id"], row["id"]


async def find(db: Database, order_id: UUID, scope: Scope) -> tuple[UUID, UUID, str]:
    """The member, the sale and who sold it, when a shop in scope did. Refuses with `NotFound`."""
    row = await db.fetchrow(
        f"""SELECT o.member_id, o.id, {_SELLER} AS seller FROM orders o
            WHERE o.id = $1 AND {_SALE} AND ($2 OR o.store_id = ANY ($3))""",  # noqa: S608 - our own words
        order_id,
        *scope.sql,
    )
    if row is None:
        raise NotFound
    return row["member_id"], row["id"], row["seller"]


async def sold_at(
    db: Database, store_id: UUID, *, q: str, before: tuple[datetime, UUID] | None, limit: int
) -> list[Sold]:
    """What a shop sold over the counter, the newest first; `q` is the beginning or the end of a number."""
    rows = await db.fetch_filtered(
        f"""SELECT o.id, o.order_no, o.placed_at, o.total_minor, o.refunded_minor, o.currency, o.contact_phone,
                   l.units, l.first, {_SELLER} AS seller
            FROM orders o, LATERAL (
                SELECT sum(quantity)::integer AS units, (array_agg(name ORDER BY n))[1] AS first
                FROM order_lines WHERE member_id = o.member_id AND order_id = o.id) l
            WHERE {_SALE} AND o.store_id = $1 AND ($2 = '' OR upper(o.order_no) LIKE ANY (ARRAY[$2 || '%', '%' || $2]))
              AND ($3::timestamptz IS NULL OR (o.placed_at, o.id) < ($3, $4::uuid))
            ORDER BY o.placed_at DESC, o.id DESC LIMIT $5""",  # noqa: S608 - our own words
        store_id,
        "".join(letter for letter in q.upper() if letter.isalnum() or letter == "-"),
        *(before or (None, None)),
        limit,
    )
    return [
        Sold(
            id=row["id"],
            order_no=row["order_no"],
            sold_at=row["placed_at"],
            units=row["units"],
            total=Money(row["total_minor"], row["currency"]),
            refunded=Money(row["refunded_minor"], row["currency"]),
            first=Text(**row["first"]),
            phone_masked=phones.masked(row["contact_phone"]) or "",
            seller=row["seller"],
        )
        for row in rows
    ]


async def receipt_of(db: Database, member_id: UUID, order_id: UUID) -> SaleReceipt:
    """The receipt of a sale. Refuses with `NotFound`."""
    view = await order_view.view(db, member_id, order_id)
    row = await db.fetchrow(
        """SELECT t.name_zh, t.name_en, t.address_zh, t.address_en, t.phone, t.timezone, o.currency,
                  (SELECT coalesce(jsonb_agg(jsonb_build_array(c.tender, c.amount_minor) ORDER BY c.at, c.id), '[]')
                   FROM captures c WHERE c.member_id = o.member_id AND c.order_id = o.id) AS paid
           FROM orders o JOIN stores t ON t.id = o.store_id WHERE o.member_id = $1 AND o.id = $2""",
        member_id,
        order_id,
    )
    if row is None:
        raise NotFound
    return SaleReceipt(
        order_no=view.order_no,
        store_name=Text(row["name_zh"], row["name_en"]),
        store_address=Text(row["address_zh"], row["address_en"]),
        store_phone=row["phone"],
        timezone=row["timezone"],
        sold_at=view.placed_at,
        lines=[
            ReceiptLine(
                name=line.name,
                options=line.options,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount=line.amount,
                net=line.net,
                offers=line.offers,
            )
            for line in view.lines
        ],
        subtotal=view.subtotal,
        discount=view.discount,
        total=view.total,
        refunded=view.refunded,
        paid=[Tender(tender, Money(amount, row["currency"])) for tender, amount in row["paid"]],
        phone_masked=phones.masked(view.contact.phone) or "",
    )
