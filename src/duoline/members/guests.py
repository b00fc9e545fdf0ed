"""Guests: a visitor who has put something into a cart, as a member of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline.kernel import clock
from duoline.kernel.auth import token_hash
from duoline.members import sessions

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

_encoder = msgspec.json.Encoder()


class Guest(NamedTuple):
    """A guest to be made with their session, as `duo_welcome_guests` takes them. The digest is in hex."""

    member_id: UUID
    locale: str
    token_hash: str
    expires_at: datetime

    @classmethod
    def newcomer(cls, guest_id: UUID, *, token: str, locale: str) -> Guest:
        """Somebody who comes for the first time, with a session that lasts as a guest's does."""
        return cls(guest_id, locale, token_hash(token).hex(), clock.now() + sessions.GUEST_LASTS)


async def welcome(db: Database | Tx, guest: Guest) -> None:
    """Make the guest with its session, in one statement. Safe to repeat: both come from the request's own key."""
    row = _encoder.encode([guest._asdict()]).decode()
    await db.execute("SELECT duo_welcome_guests($1, $2)", row, clock.now())


async def adopt(tx: Tx, *, guest_id: UUID, member_id: UUID) -> None:
    """The guest is this member: what they ordered is the member's from now on. Repeating it changes nothing."""
    if guest_id != member_id:
        await tx.execute(
            """INSERT INTO adopted_guests (member_id, guest_id, adopted_at) VALUES ($1, $2, $3)
               ON CONFLICT (member_id, guest_id) DO NOTHING""",
            member_id,
            guest_id,
            clock.now(),
        )


async def record(tx: Tx, *, guest_id: UUID) -> None:
    """Make a guest without a session: the unknown buyer at a till."""
    await tx.execute(
        "INSERT INTO members (member_id, kind, created_at) VALUES ($1, 'guest', $2)", guest_id, clock.now()
    )


async def exists(db: Database | Tx, guest_id: UUID) -> bool:
    """Whether that guest was made."""
    found: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM members WHERE member_id = $1 AND kind = 'guest')", guest_id
    )
    return found
