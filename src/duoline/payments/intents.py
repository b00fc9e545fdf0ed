"""Intents: the wish to be paid, stored before anybody is asked for money."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


class Intent(NamedTuple):
    """An intent as stored; `ref` is what the provider knows it by."""

    member_id: UUID
    id: UUID
    order_id: UUID
    provider: str
    ref: str
    amount_minor: int
    currency: str
    state: str
    provider_ref: str | None
    pay_url: str | None
    expires_at: datetime | None


_COLUMNS = "member_id, id, order_id, provider, ref, amount_minor, currency, state, provider_ref, pay_url, expires_at"


async def lock_intent(tx: Tx, member_id: UUID, intent_id: UUID) -> Intent:
    """The intent, locked until the transaction ends. The order is locked before it."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM payment_intents WHERE member_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        member_id,
        intent_id,
    )
    if row is None:
        raise NotFound
    return Intent(*row)


async def intents_of(db: Database | Tx, member_id: UUID, order_id: UUID) -> list[Intent]:
    """Every intent of an order, oldest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM payment_intents WHERE member_id = $1 AND order_id = $2 ORDER BY id",  # noqa: S608
        member_id,
        order_id,
    )
    return [Intent(*row) for row in rows]


async def find_by_ref(db: Database, ref: str) -> Intent | None:
    """The intent that a provider names in a notice, if it is ours."""
    found = await db.fetchrow("SELECT member_id, intent_id FROM payment_refs WHERE ref = $1", ref)
    return None if found is None else await load_intent(db, found["member_id"], found["intent_id"])


async def load_intent(db: Database, member_id: UUID, intent_id: UUID) -> Intent | None:
    """An intent as it stands, or None."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM payment_intents WHERE member_id = $1 AND id = $2",  # noqa: S608
        member_id,
        intent_id,
    )
    return None if row is None else Intent(*row)


async def remember_opened(tx: Tx, intent: Intent, *, provider_ref: str, pay_url: str) -> None:
    """Store where the buyer pays. Repeating it changes nothing."""
    await tx.execute(
        """UPDATE payment_intents SET provider_ref = $3, pay_url = $4
           WHERE member_id = $1 AND id = $2 AND state = 'open'""",
        intent.member_id,
        intent.id,
        provider_ref,
        pay_url,
    )


async def close_intent(tx: Tx, member_id: UUID, intent_id: UUID) -> None:
    """Nobody shall be asked for this any more. A captured intent stays as it is."""
    await tx.execute(
        """UPDATE payment_intents SET state = 'closed', resolved_at = $3
           WHERE member_id = $1 AND id = $2 AND state = 'open'""",
        member_id,
        intent_id,
        clock.now(),
    )


async def reprice_intent(tx: Tx, member_id: UUID, intent_id: UUID, amount_minor: int) -> None:
    """Ask for less, because part was cancelled before payment; nothing left closes the intent."""
    if amount_minor <= 0:
        await close_intent(tx, member_id, intent_id)
        return
    await tx.execute(
        "UPDATE payment_intents SET amount_minor = $3 WHERE member_id = $1 AND id = $2 AND state = 'open'",
        member_id,
        intent_id,
        amount_minor,
    )


async def open_store_intent(
    tx: Tx, *, member_id: UUID, order_id: UUID, intent_id: UUID, amount_minor: int, currency: str
) -> None:
    """Ask for an amount at a shop's counter, under the fulfilment's own id. Nothing to pay makes no intent."""
    if amount_minor > 0:
        await tx.execute(
            """INSERT INTO payment_intents (member_id, id, order_id, provider, ref, amount_minor, currency, state,
                                            created_at)
               VALUES ($1, $2, $3, 'store', $4, $5, $6, 'open', $7)""",
            member_id,
            intent_id,
            order_id,
            str(intent_id),
            amount_minor,
            currency,
            clock.now(),
        )
