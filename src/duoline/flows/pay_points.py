"""Pay a part of an order in points: what is left is asked for online, in one amount as before.

The provider is told first that nobody may pay the old amount any more, with no transaction open. Then points, their
capture and the new amount are one transaction. An order that comes to nothing gives the points back as it gives money
back; nothing of it waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger, loyalty, orders
from duoline.flows import own_tender, pay
from duoline.flows.refund import POINTS
from duoline.kernel import audit, faults
from duoline.kernel.errors import NotFound
from duoline.loyalty.reckon import most_points, points_needed, worth_of
from duoline.members.group import group_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Order

faults.register("points.before_commit")


class Usable(NamedTuple):
    """How many points an order would take now, what they pay, and the fewest it takes; 0 for none."""

    most: int
    worth_minor: int
    least: int
    spendable: int


async def usable(db: Database | Tx, *, member_id: UUID, order_id: UUID) -> Usable:
    """What a member may pay of their waiting order in points. Refuses `kernel.not-found`."""
    row = await db.fetchrow(
        """SELECT o.total_minor, o.paid_minor,
                  o.state = 'awaiting_payment' AND o.pay_mode = 'online' AND o.presale_id IS NULL AS waits,
                  EXISTS (SELECT FROM point_uses u WHERE u.member_id = o.member_id AND u.order_id = o.id) AS used
           FROM orders o WHERE o.member_id = $1 AND o.id = $2""",
        member_id,
        order_id,
    )
    if row is None:
        raise NotFound(kind="order")
    takes = row["waits"] and not row["used"]
    open_minor = row["total_minor"] - row["paid_minor"] if takes else 0
    return await usable_of(db, member_id, total_minor=row["total_minor"], open_minor=open_minor)


async def usable_of(db: Database | Tx, member_id: UUID, *, total_minor: int, open_minor: int) -> Usable:
    """What a member may pay in points of something that costs `total_minor`, of which `open_minor` is to be paid."""
    have = await loyalty.balance_of_group(db, await group_of(db, member_id))
    rules = loyalty.POINTS.current().body
    most = most_points(rules, total_minor=total_minor, open_minor=open_minor, spendable=have.spendable)
    return Usable(most, worth_of(rules, most), rules.least, have.spendable)


async def pay_points(tx: Tx, *, member_id: UUID, order_id: UUID, points: int, actor: Actor) -> int:
    """Pay with points; returns what is left to pay, in minor units. At nothing the order is confirmed.

    After `own_tender.close_open`. Locks the order, its intents, its fulfilments at nothing left, the member's points.
    Refuses `kernel.not-found`, `orders.already-paid` when the order does not wait to be paid online,
    `orders.pay-time-over`, `loyalty.points-not-taken`, `payments.being-charged` when its page was opened meanwhile.
    """
    order = await own_tender.lock_waiting(tx, member_id, order_id)
    can = await usable(tx, member_id=member_id, order_id=order_id)
    if not can.least <= points <= can.most:
        raise loyalty.PointsNotTaken(most=can.most, least=can.least)
    rules = loyalty.POINTS.current().body
    worth = worth_of(rules, points)
    intent_id, left = await own_tender.pay_online(
        tx, order, tender=POINTS, account=ledger.accounts.BY_POINTS, amount_minor=worth, actor=actor
    )
    await _tell(tx, order, worth_minor=worth, points=points, actor=actor)
    if not left:
        await pay.confirm(tx, order._replace(paid_minor=order.total_minor))
    await loyalty.use(
        tx, member_id=member_id, use_id=intent_id, order_id=order_id, points=points, worth_minor=worth, actor=actor
    )
    faults.point("points.before_commit")
    return left


class Used(NamedTuple):
    """Points that pay a part of an order and are still to be taken from the member (`take`)."""

    intent_id: UUID
    points: int
    worth_minor: int


async def pay_at_till(tx: Tx, order: Order, *, amount_minor: int, actor: Actor) -> Used:
    """Pay a part of a locked order of a till in points: the fewest that are worth it.

    Refuses `loyalty.points-not-taken` when the order takes fewer, has taken some before, or is a pre-order. The
    member's points are locked by `take`, which the caller calls last.
    """
    used = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM point_uses WHERE member_id = $1 AND order_id = $2)", order.member_id, order.id
    )
    takes = order.pay_mode == "till" and order.presale_id is None and not used
    open_minor = order.total_minor - order.paid_minor if takes else 0
    can = await usable_of(tx, order.member_id, total_minor=order.total_minor, open_minor=open_minor)
    rules = loyalty.POINTS.current().body
    points = points_needed(rules, amount_minor) if rules.spendable else 0
    if not (can.least <= points <= can.most and amount_minor <= can.worth_minor):
        raise loyalty.PointsNotTaken(most=can.most, least=can.least)
    intent_id = await own_tender.capture(
        tx, order, tender=POINTS, account=ledger.accounts.BY_POINTS, amount_minor=amount_minor, actor=actor
    )
    await _tell(tx, order, worth_minor=amount_minor, points=points, actor=actor)
    return Used(intent_id, points, amount_minor)


async def take(tx: Tx, order: Order, used: Used, *, actor: Actor) -> None:
    """Take the points from the member, and lock them. Refuses `loyalty.not-enough-points` when others were quicker."""
    await loyalty.use(
        tx,
        member_id=order.member_id,
        use_id=used.intent_id,
        order_id=order.id,
        points=used.points,
        worth_minor=used.worth_minor,
        actor=actor,
    )


async def _tell(tx: Tx, order: Order, *, worth_minor: int, points: int, actor: Actor) -> None:
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="points_used",
        actor=actor,
        amount_minor=worth_minor,
        points=points,
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.points",
        subject_kind="order",
        subject=order.order_no,
        store_id=order.store_id,
        before={"paid_minor": order.paid_minor},
        after={"paid_minor": order.paid_minor + worth_minor, "points": points},
    )
