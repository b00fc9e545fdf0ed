"""Pay a part of an order in points: what is left is asked for online, in one amount as before.

The provider is told first that nobody may pay the old amount any more, with no transaction open. Then points, their
capture and the new amount are one transaction. An order that comes to nothing gives the points back as it gives money
back; nothing of it waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger, loyalty, orders, payments
from duoline.flows import pay
from duoline.flows.refund import POINTS
from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.loyalty.reckon import most_points, worth_of
from duoline.members.group import group_of
from duoline.payments import providers
from duoline.payments.provider import AlreadyPaid

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.payments import Intent

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
    have = await loyalty.balance_of_group(db, await group_of(db, member_id))
    rules = loyalty.POINTS.current().body
    most = 0
    if row["waits"] and not row["used"]:
        most = most_points(
            rules,
            total_minor=row["total_minor"],
            open_minor=row["total_minor"] - row["paid_minor"],
            spendable=have.spendable,
        )
    return Usable(most, worth_of(rules, most), rules.least, have.spendable)


async def close_open(db: Database, *, member_id: UUID, order_id: UUID) -> None:
    """See to it at the provider that nobody pays the amount asked for until now, with no transaction open.

    Refuses `orders.already-paid` when somebody was quicker: that is recorded. `Unavailable` when the provider does not
    answer: nothing has changed then.
    """
    for intent in await payments.intents_of(db, member_id, order_id):
        if intent.state == "open" and intent.known_there:
            try:
                await providers.named(intent.provider).close_payment(intent.ref)
            except AlreadyPaid:
                await pay.check(db, intent)
                raise orders.AlreadyPaid from None
            async with db.begin() as tx:
                await _ask_anew(tx, intent)


async def _ask_anew(tx: Tx, intent: Intent) -> None:
    """The same amount under a new reference that no provider knows yet, while the order waits."""
    order, _ = await orders.lock_order(tx, intent.member_id, intent.order_id)
    locked = await payments.lock_intent(tx, intent.member_id, intent.id)
    if locked.state == "open" and order.state == orders.OrderState.AWAITING_PAYMENT.value:
        await payments.close_intent(tx, intent.member_id, intent.id)
        await pay.ask_for(tx, order, locked.amount_minor, provider=providers.online())


async def pay_points(tx: Tx, *, member_id: UUID, order_id: UUID, points: int, actor: Actor) -> int:
    """Pay with points; returns what is left to pay, in minor units. At nothing the order is confirmed.

    After `close_open`. Locks the order, its intents, its fulfilments at nothing left, the member's points. Refuses
    `kernel.not-found`, `orders.already-paid` when the order does not wait to be paid online, `orders.pay-time-over`,
    `loyalty.points-not-taken`, `payments.being-charged` when its page was opened meanwhile.
    """
    order, _ = await orders.lock_order(tx, member_id, order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value or order.pay_mode != "online":
        raise orders.AlreadyPaid
    if order.pay_by_at is not None and order.pay_by_at <= clock.now():
        raise pay.PayTimeOver
    can = await usable(tx, member_id=member_id, order_id=order_id)
    if not can.least <= points <= can.most:
        raise loyalty.PointsNotTaken(most=can.most, least=can.least)
    rules = loyalty.POINTS.current().body
    worth = worth_of(rules, points)
    for intent in await payments.intents_of(tx, member_id, order_id):
        if intent.state == "open":
            locked = await payments.lock_intent(tx, member_id, intent.id)
            if locked.known_there:
                raise pay.BeingCharged
            await payments.close_intent(tx, member_id, intent.id)
    intent_id = new_id()
    await payments.open_code_intent(
        tx,
        provider=POINTS,
        member_id=member_id,
        order_id=order_id,
        intent_id=intent_id,
        amount_minor=worth,
        currency=order.currency,
        expires_at=order.pay_by_at or clock.now(),
    )
    captured = await payments.capture(
        tx,
        await payments.lock_intent(tx, member_id, intent_id),
        tender=POINTS,
        account=ledger.accounts.BY_POINTS,
        amount_minor=worth,
        currency=order.currency,
        actor=actor,
    )
    ensure(captured is not None, "PAY-3", f"{order.order_no}: points paid before they were asked for")
    await orders.add_paid(tx, order, worth)
    left = order.total_minor - order.paid_minor - worth
    if left:
        await pay.ask_for(tx, order, left, provider=providers.online())
    await orders.timeline.write(
        tx, member_id=member_id, order_id=order_id, kind="points_used", actor=actor, amount_minor=worth, points=points
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.points",
        subject_kind="order",
        subject=order.order_no,
        before={"paid_minor": order.paid_minor},
        after={"paid_minor": order.paid_minor + worth, "points": points},
    )
    if not left:
        await pay.confirm(tx, order._replace(paid_minor=order.total_minor))
    await loyalty.use(
        tx, member_id=member_id, use_id=intent_id, order_id=order_id, points=points, worth_minor=worth, actor=actor
    )
    faults.point("points.before_commit")
    return left
