"""Tenders of our own, points and stored value: nobody outside is asked, so what is asked for is paid in the same step.

Online the provider is told first that nobody may pay the old amount any more, with no transaction open. Then the part,
its capture and the new amount are one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import orders, payments
from duoline.flows import pay
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.payments import providers
from duoline.payments.provider import AlreadyPaid

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Order
    from duoline.payments import Intent


async def capture(tx: Tx, order: Order, *, tender: str, account: str, amount_minor: int, actor: Actor) -> UUID:
    """Ask for a part of a locked order in a tender of our own, which is also its provider, and record it as paid from
    `account`. Returns the intent; what it takes from the member the caller takes, after all other locks."""
    intent_id = new_id()
    await payments.open_code_intent(
        tx,
        provider=tender,
        member_id=order.member_id,
        order_id=order.id,
        intent_id=intent_id,
        amount_minor=amount_minor,
        currency=order.currency,
        expires_at=order.pay_by_at or clock.now(),
    )
    captured = await payments.capture(
        tx,
        await payments.lock_intent(tx, order.member_id, intent_id),
        tender=tender,
        account=account,
        amount_minor=amount_minor,
        currency=order.currency,
        actor=actor,
    )
    ensure(captured is not None, "PAY-3", f"{order.order_no}: {tender} paid before it was asked for")
    await orders.add_paid(tx, order, amount_minor)
    return intent_id


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


async def lock_waiting(tx: Tx, member_id: UUID, order_id: UUID) -> Order:
    """An order that waits to be paid online, locked. Refuses `kernel.not-found`, `orders.already-paid`,
    `orders.pay-time-over`."""
    order, _ = await orders.lock_order(tx, member_id, order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value or order.pay_mode != "online":
        raise orders.AlreadyPaid
    if order.pay_by_at is not None and order.pay_by_at <= clock.now():
        raise pay.PayTimeOver
    return order


async def pay_online(
    tx: Tx, order: Order, *, tender: str, account: str, amount_minor: int, actor: Actor
) -> tuple[UUID, int]:
    """Pay a part of a locked order that waits, and ask for the rest online. After `close_open`.

    Returns the intent and what is left to pay. Locks the intents. Refuses `payments.being-charged` when its page was
    opened meanwhile.
    """
    for intent in await payments.intents_of(tx, order.member_id, order.id):
        if intent.state == "open":
            locked = await payments.lock_intent(tx, order.member_id, intent.id)
            if locked.known_there:
                raise pay.BeingCharged
            await payments.close_intent(tx, order.member_id, intent.id)
    intent_id = await capture(tx, order, tender=tender, account=account, amount_minor=amount_minor, actor=actor)
    left = order.total_minor - order.paid_minor - amount_minor
    if left:
        await pay.ask_for(tx, order, left, provider=providers.online())
    return intent_id, left
