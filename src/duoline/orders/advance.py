"""The only writers of an order's state, its lines' progress and its money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock, outbox
from duoline.kernel.errors import Fault, ensure
from duoline.orders.states import ORDERS, OrderState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.orders.locks import Order


async def advance(tx: Tx, order: Order, new: OrderState) -> None:
    """Take a locked order one step further, and tell the shop that sold it. Refuses `kernel.wrong-state`."""
    ORDERS.check(OrderState(order.state), new)
    done = await tx.execute(
        "UPDATE orders SET state = $3, closed_at = $4 WHERE member_id = $1 AND id = $2 AND state = $5",
        order.member_id,
        order.id,
        new.value,
        clock.now() if ORDERS.final(new) else None,
        order.state,
    )
    ensure(done == "UPDATE 1", "ORD-2", f"{order.order_no} is not {order.state} any more")
    if order.sold_store_id is not None:
        await outbox.emit(
            tx,
            topic="orders.home-sale",
            key=str(order.id),
            payload={"order_id": str(order.id), "order_no": order.order_no, "state": new.value},
            family="member",
            owner_id=order.member_id,
            store_ids=[order.sold_store_id],
        )


# What a customer has had for the order, in money: the units handed over at their price, less the order's discount,
# and the delivery once something was sent. `l` are the lines of one order `o`.
_EARNED = """greatest(sum(l.handed * l.unit_price_minor) - o.discount_minor, 0)
             + CASE WHEN bool_or(l.method = 'delivery' AND l.handed > 0) THEN o.delivery_fee_minor ELSE 0 END"""


async def add_paid(tx: Tx, order: Order, amount_minor: int) -> None:
    """Money came in for a locked order, and its capture is written. The constraint refuses more than the total."""
    row = await tx.fetchrow(
        """UPDATE orders SET paid_minor = paid_minor + $3 WHERE member_id = $1 AND id = $2
           RETURNING paid_minor, (SELECT sum(c.amount_minor) FROM captures c
                                  WHERE c.member_id = $1 AND c.order_id = $2) AS captured_minor""",
        order.member_id,
        order.id,
        amount_minor,
    )
    ensure(row is not None and row["paid_minor"] == row["captured_minor"], "PAY-2", f"{order.order_no} paid: {row}")


async def add_refunded(tx: Tx, member_id: UUID, order_id: UUID, amount_minor: int) -> None:
    """Money of a locked order is promised back, and its refunds are written. What they may be is asked here for all.

    The refunds are those of its captures (PAY-2). They leave what was handed over paid (PAY-5), and nothing of an order
    that was cancelled or that expired (PAY-4).
    """
    row = await tx.fetchrow(
        f"""UPDATE orders o SET refunded_minor = o.refunded_minor + $3 WHERE o.member_id = $1 AND o.id = $2
            RETURNING o.order_no, o.state, o.paid_minor, o.refunded_minor,
                      (SELECT sum(c.refunded_minor) FROM captures c
                       WHERE c.member_id = $1 AND c.order_id = $2) AS returned_minor,
                      (SELECT {_EARNED} FROM order_lines l
                       WHERE l.member_id = $1 AND l.order_id = $2) AS earned_minor""",  # noqa: S608 - a constant
        member_id,
        order_id,
        amount_minor,
    )
    if row is None:
        raise Fault("PAY-2", "money goes back for an order that is not there")
    left = row["paid_minor"] - row["refunded_minor"]
    ensure(row["refunded_minor"] == row["returned_minor"], "PAY-2", f"{row['order_no']} refunded: {row}")
    ensure(left >= row["earned_minor"], "PAY-5", f"{row['order_no']} would keep {left} for {row['earned_minor']}")
    ensure(left == 0 or row["state"] not in _UNDONE, "PAY-4", f"{row['order_no']} is {row['state']} and keeps {left}")


_UNDONE = (OrderState.CANCELLED.value, OrderState.EXPIRED.value)


def ensure_settled(order: Order, now: OrderState, *, refund_minor: int) -> None:
    """PAY-4 for those who close an order: of one that is undone, all that was paid goes back with `refund_minor`."""
    left = order.paid_minor - order.refunded_minor - refund_minor
    ensure(left == 0 or now.value not in _UNDONE, "PAY-4", f"{order.order_no} is {now.value} and keeps {left}")


async def progress(
    tx: Tx,
    order: Order,
    *,
    handed: Mapping[UUID, int] | None = None,
    cancelled: Mapping[UUID, int] | None = None,
    empty_as: OrderState = OrderState.CANCELLED,
) -> OrderState:
    """Add handed-over and cancelled units to lines of a locked order, and close the order when nothing is due.

    ORD-2 (ordered = handed over + cancelled + due) is a constraint on each line; here the order is held to it.
    `empty_as` is what an order becomes of which nothing was handed over. Returns the state afterwards.
    """
    handed, cancelled = handed or {}, cancelled or {}
    line_ids = sorted(set(handed) | set(cancelled))
    updated = await tx.fetch(
        """UPDATE order_lines l SET handed = l.handed + u.handed, cancelled = l.cancelled + u.cancelled
           FROM unnest($3::uuid[], $4::int[], $5::int[]) AS u(id, handed, cancelled)
           WHERE l.member_id = $1 AND l.order_id = $2 AND l.id = u.id RETURNING l.id""",
        order.member_id,
        order.id,
        line_ids,
        [handed.get(line, 0) for line in line_ids],
        [cancelled.get(line, 0) for line in line_ids],
    )
    ensure(len(updated) == len(line_ids), "ORD-2", "a line of another order")
    row = await tx.fetchrow(
        f"""SELECT sum(l.quantity - l.handed - l.cancelled) AS due, sum(l.handed) AS handed, {_EARNED} AS earned_minor,
                   o.paid_minor - o.refunded_minor AS kept_minor
            FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
            WHERE o.member_id = $1 AND o.id = $2 GROUP BY o.member_id, o.id""",  # noqa: S608 - a constant
        order.member_id,
        order.id,
    )
    if row is None or row["due"] < 0:
        raise Fault("ORD-2", order.order_no)
    # Goods leave against money that is there: the deposit of the order is never overdrawn.
    ensure(not handed or row["earned_minor"] <= row["kept_minor"], "LED-2", f"{order.order_no}: {row}")
    state = OrderState(order.state)
    if ORDERS.final(state):
        ensure(row["due"] == 0, "ORD-2", f"{order.order_no} is {state.value} and {row['due']} units are due")
        return state
    if row["due"] > 0:
        return state
    new = OrderState.COMPLETED if row["handed"] else empty_as
    await advance(tx, order, new)
    return new


async def note_location(tx: Tx, order: Order, location_id: UUID) -> None:
    """A location has to do with this order from now on."""
    await tx.execute(
        """UPDATE orders SET location_ids = array_append(location_ids, $3)
           WHERE member_id = $1 AND id = $2 AND NOT $3 = ANY (location_ids)""",
        order.member_id,
        order.id,
        location_id,
    )
