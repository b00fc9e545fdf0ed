"""Money that a provider reports and that does not fit our books: kept for a person, never guessed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.payments.intents import Intent


class NoSuchResolution(Refusal):
    """A way to settle a case that is not one for its kind."""

    code = "payments.no-such-resolution"
    status = 422
    zh = "这种款项问题不能这样处理。"
    en = "A case of this kind is not settled in this way."


async def open_exception(tx: Tx, intent: Intent, *, got_minor: int, got_currency: str) -> bool:
    """Keep a payment of another amount or currency than was asked for. False when this very one is known already."""
    fresh: bool | None = await tx.fetchval(
        """INSERT INTO payment_exceptions (member_id, id, order_id, intent_id, provider, expected_minor, currency,
                                           got_minor, got_currency, state, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10)
           ON CONFLICT (member_id, intent_id, got_minor, got_currency) DO NOTHING RETURNING true""",
        intent.member_id,
        new_id(),
        intent.order_id,
        intent.id,
        intent.provider,
        intent.amount_minor,
        intent.currency,
        got_minor,
        got_currency,
        clock.now(),
    )
    return fresh is True


async def resolve_exception(tx: Tx, *, member_id: UUID, exception_id: UUID, reason: str, actor: Actor) -> None:
    """A person has settled it with the provider; `reason` says how. Repeating it changes nothing.

    Refuses `kernel.not-found`.
    """
    row = await tx.fetchrow(
        """SELECT state, order_id, got_minor, got_currency FROM payment_exceptions
           WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        exception_id,
    )
    if row is None:
        raise NotFound
    if row["state"] == "resolved":
        return
    await tx.execute(
        """UPDATE payment_exceptions SET state = 'resolved', resolved_at = $3, note = $4, actor = $5
           WHERE member_id = $1 AND id = $2""",
        member_id,
        exception_id,
        clock.now(),
        reason,
        actor.label,
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.payment-resolved",
        subject_kind="order",
        subject=str(row["order_id"]),
        reason=reason,
        before={"state": "open", "got_minor": row["got_minor"], "currency": row["got_currency"]},
        after={"state": "resolved"},
    )
