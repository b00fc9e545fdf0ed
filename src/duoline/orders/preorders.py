"""Pre-orders: what stands beside an order whose price is paid in two steps, and the writers of it.

A pre-order is an order like any other, with one line. Its deposit makes it `booked`; from then on it waits for its
balance, which makes it what every paid order is. Everything here changes under the order's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import Fault, ensure
from duoline.orders.preorder_codes import keep_code
from duoline.orders.timeline import write as tell

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders.locks import Order
    from duoline.orders.types import Address, Contact, Method

CancelTerms = Literal["until_balance", "never"]
"""Until when the deposit is given back to whoever cancels: until the balance can be paid, or never."""

UnpaidTerms = Literal["kept", "given_back"]
"""What becomes of the deposit when the balance is not paid in time, or is cancelled once it can be paid."""


class Preorder(NamedTuple):
    """The terms of a pre-order, and how far its code and its reminder are. Minor units, of the whole order."""

    member_id: UUID
    order_id: UUID
    presale_id: UUID
    version: int
    deposit_intent_id: UUID
    deposit_minor: int
    balance_minor: int
    balance_from: datetime
    balance_until: datetime
    expected_on: date
    cancel_terms: CancelTerms
    unpaid_terms: UnpaidTerms
    way: Method
    store_id: UUID | None
    redeemed_at: datetime | None
    reminded_at: datetime | None

    def keeps_when_cancelled(self, at: datetime) -> bool:
        """Whether the deposit is kept when the buyer cancels at this instant."""
        return keeps_when_cancelled(self.cancel_terms, self.unpaid_terms, balance_from=self.balance_from, at=at)

    @property
    def keeps_when_unpaid(self) -> bool:
        """Whether the deposit is kept when the balance is not paid in time."""
        return self.unpaid_terms == "kept"


def keeps_when_cancelled(cancel: str, unpaid: str, *, balance_from: datetime, at: datetime) -> bool:
    """Whether a deposit is kept of whoever cancels at an instant. Pure.

    Once the balance can be paid, cancelling is as not paying it: nobody is better off for saying nothing.
    """
    return cancel == "never" or (at >= balance_from and unpaid == "kept")


_PREORDER = """
SELECT member_id, order_id, presale_id, version, deposit_intent_id, deposit_minor, balance_minor, balance_from,
       balance_until, expected_on, cancel_terms, unpaid_terms, way, store_id, redeemed_at, reminded_at
FROM preorders WHERE member_id = $1 AND order_id = $2
"""


async def preorder_of(db: Database | Tx, order: Order) -> Preorder:
    """The terms of a pre-order. `PRE-3` when the order is none."""
    row = await db.fetchrow(_PREORDER, order.member_id, order.id)
    if row is None:
        raise Fault("PRE-3", f"{order.order_no} is a pre-order without terms")
    return Preorder(*row)


async def deposit_intent(db: Database | Tx, member_id: UUID, order_id: UUID) -> UUID | None:
    """The intent of a pre-order's deposit; None when the order is none."""
    found: UUID | None = await db.fetchval(
        "SELECT deposit_intent_id FROM preorders WHERE member_id = $1 AND order_id = $2", member_id, order_id
    )
    return found


async def write_booking(
    tx: Tx,
    preorder: Preorder,
    *,
    order_no: str,
    channel: str,
    contact: Contact,
    address: Address | None,
    note: str,
    currency: str,
    pay_by_at: datetime,
    line: dict[str, Any],
    secret: bytes,
    actor: Actor,
) -> None:
    """Write a pre-order that waits for its deposit: the order, its one line, its terms, its code, its first event.

    Nothing is held for it and no location has to do with it. The intents are the caller's.
    """
    member_id, order_id, now = preorder.member_id, preorder.order_id, clock.now()
    total = preorder.deposit_minor + preorder.balance_minor
    ensure(line["amount_minor"] == total, "PRE-3", f"{order_no}: {line['amount_minor']} is not deposit and balance")
    await tx.execute(
        "INSERT INTO order_numbers (order_no, member_id, order_id) VALUES ($1, $2, $3)", order_no, member_id, order_id
    )
    await tx.execute(
        """INSERT INTO orders (member_id, id, order_no, channel, state, pay_mode, currency, subtotal_minor,
                               delivery_fee_minor, discount_minor, total_minor, contact_name, contact_phone, address,
                               note, priced_at, placed_at, pay_by_at, presale_id)
           VALUES ($1, $2, $3, $4, 'awaiting_payment', 'online', $5, $6, 0, 0, $6, $7, $8, $9, $10, $11, $11, $12,
                   $13)""",
        member_id,
        order_id,
        order_no,
        channel,
        currency,
        total,
        contact.name,
        contact.phone,
        address,
        note,
        now,
        pay_by_at,
        preorder.presale_id,
    )
    await tx.execute(
        """INSERT INTO order_lines (member_id, order_id, id, n, sku_id, sku_code, product_code, name, options,
                                    image_sha, method, store_id, quantity, unit_price_minor, amount_minor,
                                    net_minor, price_scope)
           SELECT $1, $2, l.id, 1, l.sku_id, l.sku_code, l.product_code, l.name, l.options, l.image_sha, $4, $5,
                  l.quantity, l.unit_price_minor, l.amount_minor, l.amount_minor, 'presale'
           FROM jsonb_to_record($3) AS l(
               id uuid, sku_id uuid, sku_code text, product_code text, name jsonb, options jsonb, image_sha text,
               quantity integer, unit_price_minor bigint, amount_minor bigint)""",
        member_id,
        order_id,
        line,
        preorder.way,
        preorder.store_id,
    )
    await tx.execute(
        """INSERT INTO preorders (member_id, order_id, presale_id, version, deposit_intent_id, deposit_minor,
                                  balance_minor, balance_from, balance_until, expected_on, cancel_terms, unpaid_terms,
                                  way, store_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)""",
        *preorder[:14],
        now,
    )
    await keep_code(tx, member_id=member_id, order_id=order_id, secret=secret)
    await tell(
        tx,
        member_id=member_id,
        order_id=order_id,
        kind="placed",
        actor=actor,
        total_minor=total,
        deposit_minor=preorder.deposit_minor,
        pay_mode="online",
        channel=channel,
    )


async def await_balance(
    tx: Tx,
    order: Order,
    *,
    pay_mode: Literal["online", "till"],
    method: Literal["pickup", "delivery", "till"],
    store_id: UUID | None,
    contact: Contact,
    address: Address | dict[str, Any] | None,
    pay_by_at: datetime,
) -> Order:
    """How a booked order is to be had, now that its balance is being paid: at a till, collected at a shop, or sent.

    The head and the line; the state is `advance`'s. Returns the order as it is written.
    """
    await tx.execute(
        """UPDATE orders SET pay_mode = $3, store_id = CASE WHEN $3 = 'till' THEN $4::uuid END, contact_name = $5,
                             contact_phone = $6, address = $7, pay_by_at = $8
           WHERE member_id = $1 AND id = $2""",
        order.member_id,
        order.id,
        pay_mode,
        store_id,
        contact.name,
        contact.phone,
        address,
        pay_by_at,
    )
    await _set_way(tx, order, method, store_id)
    return order._replace(
        pay_mode=pay_mode,
        store_id=store_id if pay_mode == "till" else None,
        contact_name=contact.name,
        contact_phone=contact.phone,
        pay_by_at=pay_by_at,
    )


async def change_way(tx: Tx, order: Order, *, way: Method, store_id: UUID | None) -> None:
    """Keep how the buyer wants the goods, when they say so anew."""
    await tx.execute(
        "UPDATE preorders SET way = $3, store_id = $4 WHERE member_id = $1 AND order_id = $2",
        order.member_id,
        order.id,
        way,
        store_id,
    )


async def wait_again(tx: Tx, order: Order, preorder: Preorder) -> Order:
    """A pre-order waits for its balance, until the time for it is over: after its deposit, and after each try to pay
    that came to nothing. The head and the line; the state is `advance`'s. Returns the order as it is written."""
    await tx.execute(
        """UPDATE orders SET pay_mode = 'online', store_id = NULL, pay_by_at = $3 WHERE member_id = $1 AND id = $2""",
        order.member_id,
        order.id,
        preorder.balance_until,
    )
    await _set_way(tx, order, preorder.way, preorder.store_id)
    return order._replace(pay_mode="online", store_id=None, pay_by_at=preorder.balance_until)


async def _set_way(tx: Tx, order: Order, method: str, store_id: UUID | None) -> None:
    done = await tx.execute(
        "UPDATE order_lines SET method = $3, store_id = $4 WHERE member_id = $1 AND order_id = $2",
        order.member_id,
        order.id,
        method,
        store_id,
    )
    ensure(done == "UPDATE 1", "PRE-3", f"{order.order_no} is a pre-order with another number of lines than one")


async def redeem(tx: Tx, order: Order, store_id: UUID) -> None:
    """The code of a pre-order was taken at a till and all of it is paid there: it opens nothing any more."""
    done = await tx.execute(
        """UPDATE preorders SET redeemed_at = $3, redeemed_store_id = $4
           WHERE member_id = $1 AND order_id = $2 AND redeemed_at IS NULL""",
        order.member_id,
        order.id,
        clock.now(),
        store_id,
    )
    ensure(done == "UPDATE 1", "PRE-3", f"the code of {order.order_no} was redeemed before")
