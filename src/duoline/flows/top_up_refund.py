"""Give back what came for the wallet of a member who is forgotten, the way it came, by a job that survives crashes.

`flows/top_up.py` writes it down with the payment, in one transaction, and queues the job with it. The provider is asked
with no transaction open, under a reference that is the same on every try; what it says is booked once, whether the job
hears it or a notice does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline import payments
from duoline.flows.pay import UnknownPayment
from duoline.kernel import clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, Refusal, Unavailable
from duoline.kernel.money import CURRENCY
from duoline.payments import providers
from duoline.payments.provider import EventKind, RefundStatus
from duoline.wallet import top_up_refunds

if TYPE_CHECKING:
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.payments.provider import PaymentEvent, RefundState
    from duoline.wallet import TopUp, TopUpRefund

faults.register("top_up_refund.before_commit", "top_up_refund.before_send", "top_up_refund.after_send")
faults.register("top_up_refund.before_done", "top_up_refund.after_done")

SEND = "top-up.send-back"
REASON = "wallet closed"
"""What the provider, and through it who paid, is told."""
LEFT = timedelta(minutes=1)
"""After which one may have been left behind: its job is queued with it."""
BATCH = 200


class SendBack(msgspec.Struct):
    """Which one to carry out."""

    member_id: UUID
    refund_id: UUID


async def ask(tx: Tx, refund: TopUpRefund) -> None:
    """Have it sent once this transaction has committed."""
    await _queue(tx, refund.member_id, refund.id)
    faults.point("top_up_refund.before_commit")


async def _queue(tx: Tx, member_id: UUID, refund_id: UUID) -> None:
    await jobs.enqueue(tx, SEND, SendBack(member_id, refund_id), key=f"{SEND}:{refund_id}")


@jobs.handler(SEND, attempts_max=12, first_pause_s=2, payload=SendBack)
async def send(db: Database, what: SendBack) -> None:
    """Ask the provider to give it back and record the outcome. Safe to run again at any point, and beside itself.

    A provider that does not answer, or has it under way, raises, so that the job is tried again with the same
    reference; one that refuses for good leaves it `failed` for a person.
    """
    refund = await top_up_refunds.load(db, what.member_id, what.refund_id)
    if refund.state != "requested":
        return
    faults.point("top_up_refund.before_send")
    try:
        state = await providers.named(refund.tender).refund(
            str(refund.top_up_id),
            refund_ref=str(refund.id),
            amount_minor=refund.amount_minor,
            currency=CURRENCY,
            reason=REASON,
        )
    except Refusal as refusal:
        async with db.begin() as tx:
            await top_up_refunds.note_problem(tx, refund, problem=refusal.code, final=True)
        return
    faults.point("top_up_refund.after_send")
    await _record(db, refund, state)


async def _record(db: Database, refund: TopUpRefund, state: RefundState) -> None:
    if state.status is RefundStatus.DONE:
        async with db.begin() as tx:
            await _done(tx, refund, state.provider_ref)
        faults.point("top_up_refund.after_done")
        return
    async with db.begin() as tx:
        failed = state.status is RefundStatus.FAILED
        await top_up_refunds.note_problem(tx, refund, problem=f"provider: {state.status.value}", final=failed)
    if not failed:
        raise Unavailable("the money of a top-up is on its way back at the provider")


async def _done(tx: Tx, refund: TopUpRefund, provider_ref: str) -> None:
    if await top_up_refunds.finish(tx, refund, provider_ref=provider_ref, actor=SYSTEM):
        faults.point("top_up_refund.before_done")


async def reported(tx: Tx, top_up: TopUp, event: PaymentEvent) -> None:
    """A provider's notice about one: it is back, or never will be under this reference.

    Refuses `payments.unknown-reference`, `payments.amount-mismatch`.
    """
    try:
        refund = await top_up_refunds.load(tx, top_up.member_id, UUID(event.refund_ref or ""))
    except (NotFound, ValueError):
        raise UnknownPayment(ref=event.refund_ref) from None
    if refund.top_up_id != top_up.id:
        raise UnknownPayment(ref=event.refund_ref)
    if (event.amount_minor, event.currency) != (refund.amount_minor, CURRENCY):
        raise payments.AmountMismatch(expected=refund.amount_minor, got=event.amount_minor)
    if event.kind is EventKind.REFUND_DONE:
        await _done(tx, refund, event.provider_ref)
    else:
        await top_up_refunds.note_problem(tx, refund, problem="provider: failed", final=True)


async def send_again(tx: Tx, *, member_id: UUID, refund_id: UUID, reason: str, actor: Actor) -> None:
    """Ask the provider once more for one that failed. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    await top_up_refunds.ask_again(tx, member_id=member_id, refund_id=refund_id, reason=reason, actor=actor)
    await _queue(tx, member_id, refund_id)


@jobs.cron("send top-ups back that were left behind", "*/2 * * * *")
async def sweep(db: Database) -> int:
    """Queue again what nobody works on: none is ever forgotten."""
    rows = await db.fetch(
        """SELECT member_id, id FROM wallet_top_up_refunds WHERE state = 'requested' AND created_at < $1
           ORDER BY created_at LIMIT $2""",
        clock.now() - LEFT,
        BATCH,
    )
    async with db.begin() as tx:
        for row in rows:
            await _queue(tx, row["member_id"], row["id"])
    return len(rows)
