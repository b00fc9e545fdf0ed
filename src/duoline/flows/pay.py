"""Get an order paid: open the provider's page, and record what the provider reports, exactly once.

The provider is always asked with no transaction open. What it reports is believed only for an intent of ours with the
same amount and currency. Money for an order that is gone by then is recorded and sent back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment, ledger, orders, payments
from duoline.flows import complete as completing
from duoline.flows.preorders import booked
from duoline.flows.refund import give_back_money
from duoline.kernel import clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id
from duoline.payments import payers, providers
from duoline.payments.provider import AlreadyPaid as AlreadyPaidThere
from duoline.payments.provider import EventKind, PaymentStatus

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database, Tx
    from duoline.payments import Intent
    from duoline.payments.provider import PaymentEvent

faults.register("pay.before_open", "pay.after_open", "pay.before_capture", "pay.after_capture")


class UnknownPayment(Refusal):
    """A notice about a payment that is not ours."""

    code = "payments.unknown-reference"
    status = 404
    zh = "没有这笔支付。"
    en = "There is no such payment."


class PayTimeOver(Refusal):
    """The units are on their way back already."""

    code = "orders.pay-time-over"
    status = 410
    zh = "付款时间已过,这一单正在取消。请重新下单。"
    en = "The time to pay is over and the order is being let go of; make it again."


class BeingCharged(Refusal):
    """Somebody is paying this order at this moment: a code is being charged, or the provider's page was opened."""

    code = "payments.being-charged"
    status = 409
    zh = "这一单正在付款,请等结果。"
    en = "A payment of this order is under way; wait for its answer."


class Opened(NamedTuple):
    """Where the buyer pays, and until when."""

    intent_id: UUID
    pay_url: str
    expires_at: datetime | None


async def open_payment(
    db: Database, *, member_id: UUID, order_id: UUID, subject: str, notify_url: str, return_url: str
) -> Opened:
    """Open the order's payment at its provider. Repeating it gives the same page.

    Refuses `kernel.not-found`, then `orders.already-paid` when the order does not wait for payment, or
    does at a till, or did no longer when the provider had been asked. A provider that
    does not answer is `Unavailable`: the order waits, and the same call may be made again.
    """
    waiting = await db.fetchval(
        "SELECT state = 'awaiting_payment' AND pay_mode <> 'till' FROM orders WHERE member_id = $1 AND id = $2",
        member_id,
        order_id,
    )
    if waiting is None:
        raise NotFound
    intent = next((i for i in await payments.intents_of(db, member_id, order_id) if i.state == "open"), None)
    if not waiting or intent is None:
        raise orders.AlreadyPaid
    if intent.pay_url:
        return Opened(intent.id, intent.pay_url, intent.expires_at)
    faults.point("pay.before_open")
    opened = await providers.named(intent.provider).open_payment(
        intent.ref,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        subject=subject,
        notify_url=notify_url,
        return_url=return_url,
        expires_at=intent.expires_at or clock.now(),
    )
    faults.point("pay.after_open")
    async with db.begin() as tx:
        kept = await payments.remember_opened(tx, intent, provider_ref=opened.provider_ref, pay_url=opened.pay_url)
    if opened.status is PaymentStatus.PAID:
        await check(db, intent)
    elif not kept:
        # It was let go of, or another amount is asked for, while the provider was being asked: nobody shall pay this.
        await close_there(db, intent)
        raise orders.AlreadyPaid
    return Opened(intent.id, opened.pay_url, intent.expires_at)


async def ask_for(tx: Tx, order: orders.Order, amount_minor: int, *, provider: str | None) -> None:
    """Ask for a part of a locked order through a provider: by its page, or by a code. Refuses
    `orders.no-online-payment`."""
    if provider is None:
        raise orders.NoOnlinePayment
    await payments.open_code_intent(
        tx,
        provider=provider,
        member_id=order.member_id,
        order_id=order.id,
        intent_id=new_id(),
        amount_minor=amount_minor,
        currency=order.currency,
        expires_at=order.pay_by_at or clock.now(),
    )


async def close_there(db: Database, intent: Intent) -> None:
    """Tell the provider that nobody shall pay an intent any more. What was paid all the same is recorded."""
    try:
        await providers.named(intent.provider).close_payment(intent.ref)
    except AlreadyPaidThere:
        await check(db, intent)


async def check(db: Database, intent: Intent) -> bool:
    """Ask the provider how a payment stands and record it: for when its notice is late or lost. Whether it is paid."""
    if intent.provider == "store" or intent.state == "captured":
        return intent.state == "captured"
    state = await providers.named(intent.provider).query_payment(intent.ref)
    if state.status is PaymentStatus.PAID:
        async with db.begin() as tx:
            return await settle(
                tx,
                intent.member_id,
                intent.order_id,
                intent.id,
                amount_minor=state.amount_minor,
                currency=state.currency,
                payer=state.payer,
            )
    return False


async def check_order(db: Database, *, member_id: UUID, order_id: UUID) -> None:
    """Ask the provider about every open payment of an order."""
    for intent in await payments.intents_of(db, member_id, order_id):
        if intent.state != "captured" and intent.known_there:
            await check(db, intent)


async def receive(db: Database, provider: str, event: PaymentEvent) -> None:
    """Record a verified notice of a provider. A repeated one changes nothing.

    Refuses `payments.unknown-reference`, `payments.amount-mismatch`: nothing is kept of it, not even its id, because
    the true notice may come under the same one. What the payment really was the provider is asked by a job.
    """
    intent = await payments.find_by_ref(db, event.ref)
    if intent is None or intent.provider != provider:
        raise UnknownPayment(ref=event.ref)
    faults.point("pay.before_capture")
    try:
        await _record(db, provider, event, intent)
    except payments.AmountMismatch:
        async with db.begin() as tx:
            what = CheckPayment(intent.member_id, intent.id)
            await jobs.enqueue(tx, "payment.check", what, key=f"payment.check:{intent.id}")
        raise
    faults.point("pay.after_capture")


async def _record(db: Database, provider: str, event: PaymentEvent, intent: Intent) -> None:
    async with db.begin() as tx:
        fresh = await tx.fetchval(
            """INSERT INTO provider_events (event_id, provider, kind, ref, body, outcome, received_at)
               VALUES ($1, $2, $3, $4, $5, 'used', $6) ON CONFLICT (event_id) DO NOTHING RETURNING true""",
            f"{provider}:{event.event_id}",
            provider,
            event.kind.value,
            event.ref,
            payers.unnamed(event),
            clock.now(),
        )
        if not fresh:
            return
        if event.kind is EventKind.PAYMENT_PAID:
            if (event.amount_minor, event.currency) != (intent.amount_minor, intent.currency):
                raise payments.AmountMismatch(expected=intent.amount_minor, got=event.amount_minor)
            await settle(
                tx,
                intent.member_id,
                intent.order_id,
                intent.id,
                amount_minor=event.amount_minor,
                currency=event.currency,
                event_id=event.event_id,
                payer=event.payer,
            )
        elif event.refund_ref:
            await _refund_reported(tx, intent, event)


class CheckPayment(msgspec.Struct):
    """The intent whose payment is to be asked for."""

    member_id: UUID
    intent_id: UUID


@jobs.handler("payment.check", attempts_max=12, first_pause_s=2, payload=CheckPayment)
async def check_payment(db: Database, what: CheckPayment) -> None:
    """Ask the provider what a payment really was, after a notice that does not fit. Safe to repeat."""
    intent = await payments.load_intent(db, what.member_id, what.intent_id)
    if intent is not None:
        await check(db, intent)


async def _refund_reported(tx: Tx, intent: Intent, event: PaymentEvent) -> None:
    """A refund was given back, or will never be under its reference: then a person has to look."""
    row = await tx.fetchrow(
        "SELECT id FROM refunds WHERE member_id = $1 AND ref = $2", intent.member_id, event.refund_ref
    )
    if row is None:
        raise UnknownPayment(ref=event.refund_ref)
    refund = await payments.load_refund(tx, intent.member_id, row["id"])
    if (refund.amount_minor, refund.currency) != (event.amount_minor, event.currency):
        raise payments.AmountMismatch(expected=refund.amount_minor, got=event.amount_minor)
    if event.kind is EventKind.REFUND_FAILED:
        await payments.note_refund_problem(tx, refund, problem="provider: failed", final=True)
        return
    if await payments.finish_refund(tx, refund, account=ledger.accounts.clearing(refund.tender), actor=SYSTEM):
        await orders.timeline.write(
            tx,
            member_id=refund.member_id,
            order_id=refund.order_id,
            kind="refunded",
            actor=SYSTEM,
            amount_minor=refund.amount_minor,
        )


async def settle(
    tx: Tx,
    member_id: UUID,
    order_id: UUID,
    intent_id: UUID,
    *,
    amount_minor: int,
    currency: str,
    event_id: str | None = None,
    payer: str | None = None,
) -> bool:
    """Record that an intent was paid, and by which account of its provider, and let its order go on. False when it was
    paid with something else.

    Locks the order, the intent, the fulfilments. What is less than the total is a pre-order's deposit, which books it.
    An order that expired or was cancelled meanwhile gets its money back
    in full: nothing is held for it any more. Another amount or currency than was asked for pays nothing: it becomes an
    exception that a person settles with the provider, and the order goes its way as if it had not been paid.
    """
    order, lines = await orders.lock_order(tx, member_id, order_id)
    intent = await payments.lock_intent(tx, member_id, intent_id)
    late = order.state != orders.OrderState.AWAITING_PAYMENT.value or _given_up(order, intent)
    if (amount_minor, currency) != (intent.amount_minor, intent.currency) or _nobody_asks(order, intent):
        await _misfit(tx, order, intent, amount_minor, currency)
        return False
    captured = await payments.capture(
        tx,
        intent,
        tender=intent.provider,
        account=ledger.accounts.clearing(intent.provider),
        amount_minor=amount_minor,
        currency=currency,
        actor=SYSTEM,
        provider_event=event_id,
        payer_key=payers.key_of(intent.provider, payer),
    )
    if captured is None:
        return True
    if late:
        await orders.timeline.write(
            tx, member_id=member_id, order_id=order_id, kind="paid_late", actor=SYSTEM, amount_minor=amount_minor
        )
        await give_back_money(
            tx, order, amount_minor, reason="paid too late", actor=SYSTEM, of=[intent_id], late_minor=amount_minor
        )
        return True
    await orders.add_paid(tx, order, amount_minor)
    if order.pay_mode == "till":
        await orders.timeline.write(
            tx, member_id=member_id, order_id=order_id, kind="paid", actor=SYSTEM, amount_minor=amount_minor
        )
        await completing.tell(tx, order)
        await completing.complete_if_paid(tx, order, lines, actor=SYSTEM)
        return True
    if order.kept_minor + amount_minor < order.total_minor:
        await booked(tx, order, actor=SYSTEM)
        return True
    await orders.timeline.write(
        tx, member_id=member_id, order_id=order_id, kind="paid", actor=SYSTEM, amount_minor=amount_minor
    )
    await confirm(tx, order)
    return True


async def confirm(tx: Tx, order: orders.Order) -> None:
    """All of a locked order is paid: its shops begin. Locks the fulfilments."""
    await orders.advance(tx, order, orders.OrderState.CONFIRMED)
    minutes = timedelta(minutes=fulfilment.PICKUP.current().body.in_shop_minutes)
    for job, _ in await fulfilment.lock_live(tx, order.id, order.location_ids):
        # Whoever stands in the shop waits from now on.
        promise_at = clock.now() + minutes if job.in_shop else None
        await fulfilment.advance(tx, job, fulfilment.FulfilmentState.TO_PICK, paid=True, promise_at=promise_at)


def _given_up(order: orders.Order, intent: Intent) -> bool:
    """Whether a pre-order's balance was asked for by this intent and is not any more: another way to pay it was begun
    since, or may be. Its goods were given back then, so the money goes back too."""
    return order.presale_id is not None and intent.state == "closed"


def _nobody_asks(order: orders.Order, intent: Intent) -> bool:
    """Whether this part was closed, at the provider too, and other parts are asked for in its stead (at a till, or
    because points pay a part): then the whole would be paid more than once. A provider that takes it all the same has
    to settle that with a person."""
    replaced = intent.state == "closed" and order.presale_id is None
    waits = order.state == orders.OrderState.AWAITING_PAYMENT.value
    return replaced and (waits or order.paid_minor + intent.amount_minor > order.total_minor)


async def _misfit(tx: Tx, order: orders.Order, intent: Intent, got_minor: int, got_currency: str) -> None:
    if await payments.open_exception(tx, intent, got_minor=got_minor, got_currency=got_currency):
        await orders.timeline.write(
            tx,
            member_id=order.member_id,
            order_id=order.id,
            kind="payment_misfit",
            actor=SYSTEM,
            amount_minor=got_minor,
            currency=got_currency,
            expected_minor=intent.amount_minor,
        )
