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
    asked_at: datetime | None

    @property
    def known_there(self) -> bool:
        """Whether the provider may know of it: somebody could pay it, or has."""
        return self.provider_ref is not None or self.asked_at is not None


_COLUMNS = (
    "member_id, id, order_id, provider, ref, amount_minor, currency, state, provider_ref, pay_url, expires_at, asked_at"
)


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
    found = await owner_of_ref(db, ref)
    return None if found is None else await load_intent(db, *found)


async def owner_of_ref(db: Database, ref: str) -> tuple[UUID, UUID] | None:
    """Whose a reference is, and what of theirs it names: an intent, or what `name_ref` named. None when not ours."""
    found = await db.fetchrow("SELECT member_id, intent_id FROM payment_refs WHERE ref = $1", ref)
    return None if found is None else (found["member_id"], found["intent_id"])


async def name_ref(tx: Tx, ref: str, *, member_id: UUID, owner_id: UUID) -> None:
    """Let a provider's notices under a reference be found: of what is paid and is no order's intent."""
    await tx.execute(
        "INSERT INTO payment_refs (ref, member_id, intent_id) VALUES ($1, $2, $3)", ref, member_id, owner_id
    )


async def load_intent(db: Database, member_id: UUID, intent_id: UUID) -> Intent | None:
    """An intent as it stands, or None."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM payment_intents WHERE member_id = $1 AND id = $2",  # noqa: S608
        member_id,
        intent_id,
    )
    return None if row is None else Intent(*row)


async def remember_opened(tx: Tx, intent: Intent, *, provider_ref: str, pay_url: str | None) -> bool:
    """Store what the provider calls it, and where the buyer pays if that is a page. Repeating it changes nothing.

    False when it is not asked for any more.
    """
    done = await tx.execute(
        """UPDATE payment_intents SET provider_ref = $3, pay_url = $4, asked_at = NULL
           WHERE member_id = $1 AND id = $2 AND state = 'open'""",
        intent.member_id,
        intent.id,
        provider_ref,
        pay_url,
    )
    return bool(done == "UPDATE 1")


async def note_asked(tx: Tx, intent: Intent) -> Intent:
    """The provider is about to be asked for a locked intent by a code."""
    now = clock.now()
    await tx.execute(
        "UPDATE payment_intents SET asked_at = $3 WHERE member_id = $1 AND id = $2", intent.member_id, intent.id, now
    )
    return intent._replace(asked_at=now)


async def note_declined(tx: Tx, intent: Intent) -> None:
    """Nothing came of what was asked at the instant of `intent`. What was asked since stays asked."""
    await tx.execute(
        "UPDATE payment_intents SET asked_at = NULL WHERE member_id = $1 AND id = $2 AND asked_at = $3",
        intent.member_id,
        intent.id,
        intent.asked_at,
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


async def postpone_intent(tx: Tx, intent: Intent, expires_at: datetime) -> None:
    """Let an open intent, of which no provider knows yet, be paid until then."""
    await tx.execute(
        """UPDATE payment_intents SET expires_at = $3
           WHERE member_id = $1 AND id = $2 AND state = 'open' AND provider_ref IS NULL AND asked_at IS NULL""",
        intent.member_id,
        intent.id,
        expires_at,
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


async def open_code_intent(
    tx: Tx,
    *,
    provider: str,
    member_id: UUID,
    order_id: UUID,
    intent_id: UUID,
    amount_minor: int,
    currency: str,
    expires_at: datetime,
) -> None:
    """Ask for an amount by a code on the payer's phone; the provider will know it by the intent's id."""
    await tx.execute(
        """WITH known AS (INSERT INTO payment_refs (ref, member_id, intent_id) VALUES ($5, $1, $2))
           INSERT INTO payment_intents (member_id, id, order_id, provider, ref, amount_minor, currency, state,
                                        expires_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9)""",
        member_id,
        intent_id,
        order_id,
        provider,
        str(intent_id),
        amount_minor,
        currency,
        expires_at,
        clock.now(),
    )
