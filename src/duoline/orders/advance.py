"""The only writers of an order's state, its lines' progress and its money."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.kernel import clock, jobs, outbox
from duoline.kernel.errors import Fault, ensure
from duoline.kernel.ids import new_id
from duoline.orders.states import ORDERS, OrderState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duoline.kernel.db import Tx
    from duoline.orders.locks import Order


UNDONE_JOB = "order.undone"
_UNDONE = (OrderState.CANCELLED.value, OrderState.EXPIRED.value)


class Undone(msgspec.Struct, frozen=True):
    """An order that came to nothing, or of which units were cancelled or brought back."""

    order_id: UUID


async def _undone_in_part(tx: Tx, order: Order) -> None:
    """Units of an order will not stay with the buyer: what they had of offers is given back, if they had any."""
    if order.discount_minor or order.address is not None:  # offers take something off, or pay the delivery
        await jobs.enqueue(tx, UNDONE_JOB, Undone(order.id), key=f"{UNDONE_JOB}:{order.id}:{new_id()}")


async def advance(tx: Tx, order: Order, new: OrderState) -> None:
    """Take a locked order one step further, and tell the shop that sold it. Refuses `kernel.wrong-state`."""
    ORDERS.check(OrderState(order.state), new)
    unpaid_before = order.state == OrderState.AWAITING_PAYMENT.value
    at_once = unpaid_before and new is OrderState.COMPLETED
    ensure(
        not at_once or order.pay_mode == "till", "ORD-5", f"{order.order_no} is {order.pay_mode} and was not confirmed"
    )
    ensure(
        not (unpaid_before and order.pay_mode == "till" and new is OrderState.CONFIRMED),
        "ORD-5",
        f"{order.order_no} waits at a till and would be confirmed",
    )
    ensure(
        new is not OrderState.BOOKED or order.presale_id is not None,
        "PRE-2",
        f"{order.order_no} is no pre-order and would be booked",
    )
    done = await tx.execute(
        "UPDATE orders SET state = $3, closed_at = $4 WHERE member_id = $1 AND id = $2 AND state = $5",
        order.member_id,
        order.id,
        new.value,
        clock.now() if ORDERS.final(new) else None,
        order.state,
    )
    ensure(done == "UPDATE 1", "ORD-2", f"{order.order_no} is not {order.state} any more")
    if new.value in _UNDONE:
        # What it used up of offers is given back apart: their counters are locked before everything an order locks.
        await jobs.enqueue(tx, UNDONE_JOB, Undone(order.id), key=f"{UNDONE_JOB}:{order.id}")
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


# What is ours of the order's money: what the units handed over and not brought back cost after offers, what is kept for
# lost thresholds or of a deposit, and the delivery once something was sent. `l` are the lines of one order `o`.
_EARNED = """sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned))::bigint
             + o.clawback_minor + o.forfeited_minor
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


async def set_clawback(tx: Tx, order: Order, amount_minor: int) -> None:
    """What is kept of a locked order for thresholds it has lost. Booked by the caller in the same transaction."""
    await tx.execute(
        "UPDATE orders SET clawback_minor = $3 WHERE member_id = $1 AND id = $2",
        order.member_id,
        order.id,
        amount_minor,
    )


async def forfeit(tx: Tx, order: Order, amount_minor: int) -> None:
    """A deposit of a locked order that came to nothing is kept by its terms. Booked by the caller at once (PRE-4)."""
    done = await tx.execute(
        """UPDATE orders o SET forfeited_minor = p.deposit_minor FROM preorders p
           WHERE o.member_id = $1 AND o.id = $2 AND o.forfeited_minor = 0 AND p.member_id = o.member_id
             AND p.order_id = o.id AND p.deposit_minor = $3 AND p.unpaid_terms = 'kept'""",
        order.member_id,
        order.id,
        amount_minor,
    )
    ensure(done == "UPDATE 1", "PRE-4", f"{order.order_no}: {amount_minor} is not the deposit that its terms keep")


async def add_refunded(tx: Tx, member_id: UUID, order_id: UUID, amount_minor: int, *, late_minor: int = 0) -> None:
    """Money of a locked order is promised back, and its refunds are written. What they may be is asked here for all.

    The refunds are those of its captures (PAY-2). They leave what was handed over paid (PAY-5), and of an order that
    was cancelled or that expired nothing but a deposit that its terms keep (PAY-4). `late_minor` of it came
    in this moment and too late: at no moment is it kept.
    """
    row = await tx.fetchrow(
        f"""UPDATE orders o SET refunded_minor = o.refunded_minor + $3,
                                paid_minor = o.paid_minor + $4
            WHERE o.member_id = $1 AND o.id = $2
            RETURNING o.order_no, o.state, o.paid_minor, o.refunded_minor, o.forfeited_minor,
                      (SELECT sum(c.amount_minor) FROM captures c
                       WHERE c.member_id = $1 AND c.order_id = $2) AS captured_minor,
                      (SELECT sum(c.refunded_minor) FROM captures c
                       WHERE c.member_id = $1 AND c.order_id = $2) AS returned_minor,
                      (SELECT {_EARNED} FROM order_lines l
                       WHERE l.member_id = $1 AND l.order_id = $2) AS earned_minor""",  # noqa: S608 - a constant
        member_id,
        order_id,
        amount_minor,
        late_minor,
    )
    if row is None:
        raise Fault("PAY-2", "money goes back for an order that is not there")
    left = row["paid_minor"] - row["refunded_minor"]
    ensure(row["refunded_minor"] == row["returned_minor"], "PAY-2", f"{row['order_no']} refunded: {row}")
    ensure(not late_minor or row["paid_minor"] == row["captured_minor"], "PAY-2", f"{row['order_no']} got late: {row}")
    ensure(left >= row["earned_minor"], "PAY-5", f"{row['order_no']} would keep {left} for {row['earned_minor']}")
    ensure(
        left == row["forfeited_minor"] or row["state"] not in _UNDONE,
        "PAY-4",
        f"{row['order_no']} is {row['state']} and keeps {left}",
    )


def ensure_settled(order: Order, now: OrderState, *, refund_minor: int, forfeited_minor: int = 0) -> None:
    """PAY-4 for those who close an order: of one that is undone, all that was paid goes back with `refund_minor`, but a
    deposit that its terms keep."""
    left = order.kept_minor - refund_minor - forfeited_minor
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
    new = state
    if row["due"] == 0:
        new = OrderState.COMPLETED if row["handed"] else empty_as
        await advance(tx, order, new)
    if cancelled and new.value not in _UNDONE:
        await _undone_in_part(tx, order)
    return new


async def add_returned(tx: Tx, order: Order, returned: Mapping[UUID, int]) -> None:
    """Units of a locked order were brought back, and their return is written. The order stays what it is.

    The constraint refuses more than was handed over; here the lines are held to what their returns say (RET-1).
    """
    line_ids = sorted(returned)
    rows = await tx.fetch(
        """UPDATE order_lines l SET returned = l.returned + u.returned
           FROM unnest($3::uuid[], $4::int[]) AS u(id, returned)
           WHERE l.member_id = $1 AND l.order_id = $2 AND l.id = u.id
           RETURNING l.returned, (SELECT sum(r.quantity) FROM return_lines r
                                  WHERE r.member_id = $1 AND r.order_id = $2 AND r.line_id = l.id) AS came""",
        order.member_id,
        order.id,
        line_ids,
        [returned[line] for line in line_ids],
    )
    said = len(rows) == len(line_ids) and all(row["returned"] == row["came"] for row in rows)
    ensure(said, "RET-1", f"{order.order_no}: {returned} came back, its lines say {[tuple(row) for row in rows]}")
    await _undone_in_part(tx, order)


async def note_location(tx: Tx, order: Order, location_id: UUID) -> None:
    """A location has to do with this order from now on."""
    await tx.execute(
        """UPDATE orders SET location_ids = array_append(location_ids, $3)
           WHERE member_id = $1 AND id = $2 AND NOT $3 = ANY (location_ids)""",
        order.member_id,
        order.id,
        location_id,
    )
