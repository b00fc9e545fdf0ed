"""Record money that came in: once an intent, exactly the intent's amount, balanced in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import Refusal, ensure
from duoline.kernel.ids import new_id
from duoline.payments.states import INTENTS, IntentState

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.payments.intents import Intent


class AmountMismatch(Refusal):
    """The notice speaks of another amount or currency than the intent."""

    code = "payments.amount-mismatch"
    status = 409
    zh = "支付金额与订单不符。"
    en = "The amount paid is not the amount of the order."


async def capture(
    tx: Tx,
    intent: Intent,
    *,
    tender: str,
    account: str,
    amount_minor: int,
    currency: str,
    actor: Actor,
    provider_event: str | None = None,
    payer_key: bytes | None = None,
) -> UUID | None:
    """Record the capture of a locked intent and post it to customers' deposits.

    `account` is the ledger account the money stands in now, `payer_key` the digest of whose account paid it, which is
    not kept of a buyer who has been forgotten. Returns the capture's id, or None when this intent was captured before
    (a repeated notice). Refuses `payments.amount-mismatch`.
    """
    if (amount_minor, currency) != (intent.amount_minor, intent.currency):
        raise AmountMismatch(expected=intent.amount_minor, got=amount_minor)
    if intent.state == IntentState.CAPTURED.value:
        return None
    INTENTS.check(IntentState(intent.state), IntentState.CAPTURED)
    now = clock.now()
    capture_id = new_id()
    await tx.execute(
        """INSERT INTO captures (member_id, id, intent_id, order_id, tender, amount_minor, currency, provider_event,
                                 payer_key, at, actor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
                   CASE WHEN NOT EXISTS (SELECT FROM members WHERE member_id = $1 AND erased_at IS NOT NULL)
                        THEN $9::bytea END,
                   $10, $11)""",
        intent.member_id,
        capture_id,
        intent.id,
        intent.order_id,
        tender,
        amount_minor,
        currency,
        provider_event,
        payer_key,
        now,
        actor.label,
    )
    done = await tx.execute(
        "UPDATE payment_intents SET state = 'captured', resolved_at = $3 WHERE member_id = $1 AND id = $2"
        " AND amount_minor = $4 AND state <> 'captured'",
        intent.member_id,
        intent.id,
        now,
        amount_minor,
    )
    ensure(done == "UPDATE 1", "PAY-3", "an intent is captured once, with its own amount")
    posted = await ledger.post(
        tx,
        member_id=intent.member_id,
        kind="capture",
        ref_kind="capture",
        ref_id=capture_id,
        order_id=intent.order_id,
        entries=[ledger.Entry(account, ledger.accounts.DEPOSITS, amount_minor)],
        currency=currency,
        actor=actor,
    )
    ensure(posted is not None, "LED-1", "a capture is posted once")
    return capture_id
