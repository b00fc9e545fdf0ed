"""Give money back: the request in the caller's transaction, the provider afterwards, by a job that survives crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline import ledger, loyalty, orders, payments, wallet
from duoline.kernel import audit, clock, faults, jobs
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Refusal, Unavailable, ensure
from duoline.payments import providers
from duoline.payments.provider import RefundStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from duoline.kernel.db import Database, Tx
    from duoline.orders import Order

faults.register("refund.before_send", "refund.after_send")

CASH = "cash"
POINTS = "points"
WALLET = "wallet"
OWN = (POINTS, WALLET)
"""The tenders of points and of stored value, which are also the providers of their intents: nobody outside is asked.
In the order in which what members have of them is locked."""


class SendRefund(msgspec.Struct):
    """Which refund to carry out."""

    member_id: UUID
    refund_id: UUID


async def give_back_money(
    tx: Tx,
    order: Order,
    amount_minor: int,
    *,
    reason: str,
    actor: Actor,
    at_counter: bool = False,
    of: Collection[UUID] | None = None,
    late_minor: int = 0,
) -> list[payments.Refund]:
    """Promise `amount_minor` of a locked order back, and have it sent once this transaction has committed. Points and
    money go back in the share in which they paid (`payments.share`).

    What had come in tenders of our own comes back now, under locks that follow the levels. With `at_counter`, because
    the customer stands there and the levels are still to be locked, the caller does it (`give_own`), and gives what had
    come in cash (`give_cash`).
    `of` some intents only, when they are named. `late_minor` of it was captured this moment, too late, and the order
    does not know of it yet. Returns the refunds.
    """
    if amount_minor <= 0:
        return []
    made = await payments.request_refund(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        amount_minor=amount_minor,
        currency=order.currency,
        reason=reason,
        actor=actor,
        total_minor=order.total_minor,
        of=of,
    )
    await orders.add_refunded(tx, order.member_id, order.id, amount_minor, late_minor=late_minor)
    refunds = [await payments.load_refund(tx, order.member_id, refund_id) for refund_id in made]
    if not at_counter:
        await give_own(tx, refunds, actor=actor)
    sent = [refund for refund in refunds if refund.tender not in OWN and not (at_counter and refund.tender == CASH)]
    if sent:
        await orders.timeline.write(
            tx,
            member_id=order.member_id,
            order_id=order.id,
            kind="refund_requested",
            actor=actor,
            amount_minor=sum(refund.amount_minor for refund in sent),
            reason=reason,
        )
    for refund in sent:
        await jobs.enqueue(tx, "refund.send", SendRefund(order.member_id, refund.id), key=f"refund.send:{refund.id}")
    return refunds


async def give_own(tx: Tx, refunds: Collection[payments.Refund], *, actor: Actor) -> None:
    """Of some refunds, points and stored value come back at once: nobody outside has to be asked. Locks the member's
    points, then the wallet, after the levels."""
    for refund in sorted((one for one in refunds if one.tender in OWN), key=lambda one: OWN.index(one.tender)):
        await (_give_points if refund.tender == POINTS else _give_stored)(tx, refund, actor=actor)


async def _give_points(tx: Tx, refund: payments.Refund, *, actor: Actor) -> None:
    points = await loyalty.give_back(
        tx,
        member_id=refund.member_id,
        use_id=UUID(refund.intent_ref),
        amount_minor=refund.amount_minor,
        actor=actor,
    )
    await payments.finish_refund(tx, refund, account=ledger.accounts.BY_POINTS, actor=actor)
    await orders.timeline.write(
        tx,
        member_id=refund.member_id,
        order_id=refund.order_id,
        kind="points_back",
        actor=actor,
        amount_minor=refund.amount_minor,
        points=points,
    )


async def _give_stored(tx: Tx, refund: payments.Refund, *, actor: Actor) -> None:
    """In the shares in which it was taken."""
    back = await wallet.give_back(
        tx,
        member_id=refund.member_id,
        use_id=UUID(refund.intent_ref),
        refund_id=refund.id,
        amount_minor=refund.amount_minor,
        actor=actor,
    )
    ensure(back.total == refund.amount_minor, "WAL-4", f"{refund.id}: {refund.amount_minor} is back as {back}")
    await payments.finish_refund(tx, refund, account=ledger.accounts.BY_WALLET, actor=actor)
    await orders.timeline.write(
        tx,
        member_id=refund.member_id,
        order_id=refund.order_id,
        kind="wallet_back",
        actor=actor,
        amount_minor=refund.amount_minor,
        bonus_minor=back.bonus,
    )


async def give_cash(tx: Tx, refund: payments.Refund, *, location_id: UUID, actor: Actor) -> None:
    """Cash leaves a shop's drawer for a refund, now. Locks the drawer's session, after everything else."""
    await payments.finish_refund(tx, refund, account=ledger.accounts.cash(location_id), actor=actor)
    await orders.timeline.write(
        tx,
        member_id=refund.member_id,
        order_id=refund.order_id,
        kind="refunded",
        actor=actor,
        amount_minor=refund.amount_minor,
    )
    await payments.note_cash(
        tx, location_id, kind="refund", amount_minor=refund.amount_minor, ref_id=refund.id, actor=actor
    )


@jobs.handler("refund.send", attempts_max=12, first_pause_s=2, payload=SendRefund)
async def send(db: Database, what: SendRefund) -> None:
    """Ask the provider to give a refund back and record the outcome. Safe to run again at any point.

    A provider that does not answer raises, so that the job is tried again with the same reference; one that refuses
    for good leaves the refund `failed` for a person.
    """
    refund = await payments.load_refund(db, what.member_id, what.refund_id)
    if refund.state == "done":
        return
    faults.point("refund.before_send")
    try:
        state = await providers.named(refund.tender).refund(
            refund.intent_ref,
            refund_ref=refund.ref,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            reason=refund.reason,
        )
    except Refusal as refusal:
        async with db.begin() as tx:
            await payments.note_refund_problem(tx, refund, problem=refusal.code, final=True)
        return
    faults.point("refund.after_send")
    if state.status is RefundStatus.DONE:
        async with db.begin() as tx:
            if await payments.finish_refund(tx, refund, account=ledger.accounts.clearing(refund.tender), actor=SYSTEM):
                await orders.timeline.write(
                    tx,
                    member_id=refund.member_id,
                    order_id=refund.order_id,
                    kind="refunded",
                    actor=SYSTEM,
                    amount_minor=refund.amount_minor,
                )
        return
    async with db.begin() as tx:
        failed = state.status is RefundStatus.FAILED
        await payments.note_refund_problem(tx, refund, problem=f"provider: {state.status.value}", final=failed)
    if state.status is RefundStatus.PROCESSING:
        raise Unavailable("the refund is under way at the provider")


async def send_again(tx: Tx, *, member_id: UUID, refund_id: UUID, reason: str, actor: Actor) -> None:
    """Ask the provider once more for a refund that failed. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    refund = await payments.reopen_refund(tx, member_id=member_id, refund_id=refund_id)
    await jobs.enqueue(tx, "refund.send", SendRefund(member_id, refund_id), key=f"refund.send:{refund_id}")
    await _audit(tx, refund, "refund.sent-again", reason, actor)


async def given_by_hand(tx: Tx, *, member_id: UUID, refund_id: UUID, reason: str, actor: Actor) -> None:
    """A refund that the provider does not take was given in another way: `reason` says how.

    Refuses `kernel.not-found`, `kernel.wrong-state`.
    """
    refund = await payments.reopen_refund(tx, member_id=member_id, refund_id=refund_id)
    await payments.finish_refund(tx, refund, account=ledger.accounts.BY_HAND, actor=actor)
    await orders.timeline.write(
        tx,
        member_id=member_id,
        order_id=refund.order_id,
        kind="refunded",
        actor=actor,
        amount_minor=refund.amount_minor,
    )
    await _audit(tx, refund, "refund.given-by-hand", reason, actor)


async def _audit(tx: Tx, refund: payments.Refund, action: str, reason: str, actor: Actor) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="refund",
        subject=refund.ref,
        reason=reason,
        before={"state": "failed", "amount_minor": refund.amount_minor, "currency": refund.currency},
        after={"order_id": refund.order_id},
    )


@jobs.cron("send refunds that were left behind", "*/2 * * * *")
async def sweep(db: Database) -> int:
    """Queue refunds again that nobody works on: none is ever forgotten."""
    rows = await db.fetch(
        "SELECT member_id, id FROM refunds WHERE state = 'requested' AND created_at < $1 ORDER BY created_at LIMIT 200",
        clock.now(),
    )
    async with db.begin() as tx:
        for row in rows:
            await jobs.enqueue(
                tx, "refund.send", SendRefund(row["member_id"], row["id"]), key=f"refund.send:{row['id']}"
            )
    return len(rows)
