"""Give money back: request it in our books first, ask the provider next, record what came of it last.

The request lowers what may still be refunded under the capture's lock, so no two requests together exceed
what was paid. The key the provider sees is the refund's own reference, stored before the first call and the
same on every retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, Refusal, ensure
from duoline.kernel.ids import new_id
from duoline.payments.share import Left, shared
from duoline.payments.states import REFUNDS, RefundStep

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class NothingToRefund(Refusal):
    """More would be given back than came in."""

    code = "payments.nothing-to-refund"
    status = 409
    zh = "可退金额不足。"
    en = "More would be refunded than was paid."


class Refund(NamedTuple):
    """A refund with what the provider needs to know."""

    member_id: UUID
    id: UUID
    order_id: UUID
    ref: str
    amount_minor: int
    currency: str
    state: str
    reason: str
    tender: str
    intent_ref: str


async def request_refund(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    actor: Actor,
    total_minor: int,
    of: Collection[UUID] | None = None,
) -> list[UUID]:
    """Request that `amount_minor` go back of an order that costs `total_minor`, shared over its captures (`share`);
    from those `of` some intents only, when they are named.

    Locks the captures. Refuses `payments.nothing-to-refund`. Returns the refunds to carry out.
    """
    ensure(amount_minor > 0, "PAY-1", "a refund of nothing")
    captures = await tx.fetch(
        """SELECT id, tender, amount_minor, refunded_minor, amount_minor - refunded_minor AS left_minor FROM captures
           WHERE member_id = $1 AND order_id = $2 AND ($3::uuid[] IS NULL OR intent_id = ANY ($3))
           ORDER BY id FOR UPDATE""",
        member_id,
        order_id,
        None if of is None else list(of),
    )
    if sum(row["left_minor"] for row in captures) < amount_minor:
        raise NothingToRefund(amount_minor=amount_minor)
    parts = shared(
        [Left(row["tender"], row["amount_minor"], row["left_minor"]) for row in captures],
        amount_minor,
        total_minor=total_minor if of is None else None,
    )
    wanted, made = amount_minor, []
    for row, part in zip(captures, parts, strict=True):
        if part == 0:
            continue
        refund_id = new_id()
        await tx.execute(
            "UPDATE captures SET refunded_minor = refunded_minor + $3 WHERE member_id = $1 AND id = $2",
            member_id,
            row["id"],
            part,
        )
        await tx.execute(
            """INSERT INTO refunds (member_id, id, order_id, capture_id, ref, amount_minor, currency, state, reason,
                                    actor, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'requested', $8, $9, $10)""",
            member_id,
            refund_id,
            order_id,
            row["id"],
            str(refund_id),
            part,
            currency,
            reason,
            actor.label,
            clock.now(),
        )
        await _trace(
            tx,
            "request",
            refund_id,
            actor=actor,
            reason=reason,
            before={"refunded_minor": row["refunded_minor"]},
            after={
                "refunded_minor": row["refunded_minor"] + part,
                "amount_minor": part,
                "currency": currency,
                "tender": row["tender"],
                "order_id": str(order_id),
            },
        )
        made.append(refund_id)
        wanted -= part
    ensure(wanted == 0, "PAY-1", f"{wanted} of {amount_minor} found no capture to go back to")
    return made


class Way(NamedTuple):
    """An amount that goes back as it came."""

    tender: str
    amount_minor: int


async def ways_back(tx: Tx, *, member_id: UUID, order_id: UUID, amount_minor: int, total_minor: int) -> list[Way]:
    """How `request_refund` would share an amount over the order's captures. Locks nothing and refuses nothing."""
    captures = await tx.fetch(
        """SELECT tender, amount_minor, amount_minor - refunded_minor AS left_minor FROM captures
           WHERE member_id = $1 AND order_id = $2 ORDER BY id""",
        member_id,
        order_id,
    )
    parts = shared([Left(*row) for row in captures], amount_minor, total_minor=total_minor)
    return [Way(row["tender"], part) for row, part in zip(captures, parts, strict=True) if part]


async def given_back_whole(db: Database | Tx, *, member_id: UUID, order_id: UUID) -> set[UUID]:
    """The intents of an order whose money is wholly on its way back, or back."""
    rows = await db.fetch(
        """SELECT intent_id FROM captures
           WHERE member_id = $1 AND order_id = $2 AND refunded_minor = amount_minor""",
        member_id,
        order_id,
    )
    return {row["intent_id"] for row in rows}


async def _trace(
    tx: Tx,
    what: str,
    refund_id: UUID,
    *,
    actor: Actor,
    reason: str,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    """Money that goes back is audited where it is written, so that no caller can forget it."""
    await audit.record(
        tx,
        actor=actor,
        action=f"refund.{what}",
        subject_kind="refund",
        subject=str(refund_id),
        reason=reason,
        before=before,
        after=after,
    )


_REFUND = """
SELECT r.member_id, r.id, r.order_id, r.ref, r.amount_minor, r.currency, r.state, r.reason, c.tender,
       i.ref AS intent_ref
FROM refunds r
JOIN captures c ON c.member_id = r.member_id AND c.id = r.capture_id
JOIN payment_intents i ON i.member_id = c.member_id AND i.id = c.intent_id
WHERE r.member_id = $1 AND r.id = $2
"""
_LOCKED = f"{_REFUND} FOR UPDATE OF r"


async def load_refund(db: Database | Tx, member_id: UUID, refund_id: UUID, *, lock: bool = False) -> Refund:
    """A refund with its capture's tender and the reference of its payment."""
    row = await db.fetchrow(_LOCKED if lock else _REFUND, member_id, refund_id)
    if row is None:
        raise NotFound
    return Refund(*row)


async def finish_refund(tx: Tx, refund: Refund, *, account: str, actor: Actor) -> bool:
    """The money has gone back: record it and post it. False when this was known already. Locks the refund."""
    locked = await load_refund(tx, refund.member_id, refund.id, lock=True)
    if locked.state == RefundStep.DONE.value:
        return False
    if locked.state == RefundStep.FAILED.value:
        REFUNDS.check(RefundStep.FAILED, RefundStep.REQUESTED)
    await tx.execute(
        "UPDATE refunds SET state = 'done', resolved_at = $3, problem = NULL WHERE member_id = $1 AND id = $2",
        refund.member_id,
        refund.id,
        clock.now(),
    )
    await ledger.post(
        tx,
        member_id=refund.member_id,
        kind="refund",
        ref_kind="refund",
        ref_id=refund.id,
        order_id=refund.order_id,
        entries=[ledger.Entry(ledger.accounts.DEPOSITS, account, refund.amount_minor)],
        currency=refund.currency,
        actor=actor,
        reason=refund.reason,
    )
    await _trace(
        tx,
        "done",
        refund.id,
        actor=actor,
        reason=refund.reason,
        before={"state": locked.state},
        after={"state": "done", "amount_minor": refund.amount_minor, "account": account},
    )
    return True


async def note_refund_problem(tx: Tx, refund: Refund, *, problem: str, final: bool) -> None:
    """The provider did not give the money back (yet). A final failure waits for a person; it is not forgotten."""
    noted = await tx.fetchval(
        """UPDATE refunds SET attempts = attempts + 1, problem = $3, state = CASE WHEN $4 THEN 'failed' ELSE state END
           WHERE member_id = $1 AND id = $2 AND state = 'requested' RETURNING true""",
        refund.member_id,
        refund.id,
        problem,
        final,
    )
    if noted and final:
        await _trace(
            tx,
            "failed",
            refund.id,
            actor=SYSTEM,
            reason=problem,
            before={"state": "requested"},
            after={"state": "failed", "amount_minor": refund.amount_minor},
        )


async def reopen_refund(tx: Tx, *, member_id: UUID, refund_id: UUID) -> Refund:
    """Take a failed refund up again, under its lock. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    refund = await load_refund(tx, member_id, refund_id, lock=True)
    REFUNDS.check(RefundStep(refund.state), RefundStep.REQUESTED)
    await tx.execute("UPDATE refunds SET state = 'requested' WHERE member_id = $1 AND id = $2", member_id, refund_id)
    return refund._replace(state=RefundStep.REQUESTED.value)
