"""Guests: a visitor who has put something into a cart, as a member of their own."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline.kernel import clock, outbox
from duoline.kernel.auth import token_hash
from duoline.kernel.ids import derived_id
from duoline.members import sessions

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

_encoder = msgspec.json.Encoder()


class Guest(NamedTuple):
    """A guest to be made, as `duo_welcome_guests` takes them: with a session (the digest is in hex), or without."""

    member_id: UUID
    locale: str
    token_hash: str | None
    expires_at: datetime | None

    @classmethod
    def newcomer(cls, guest_id: UUID, *, token: str, locale: str) -> Guest:
        """Somebody who comes for the first time, with a session that lasts as a guest's does."""
        return cls(guest_id, locale, token_hash(token).hex(), clock.now() + sessions.GUEST_LASTS)

    @classmethod
    def known(cls, guest_id: UUID) -> Guest:
        """Somebody of whom a shop knows the number alone: one guest for each number, without a session."""
        return cls(guest_id, "zh", None, None)


async def guest_of_phone(db: Database | Tx, phone: str, *, secret: str) -> UUID:
    """The id of the guest that stands for a number (E.164) which no member has. Only who has the secret can tell.

    A guest who was forgotten stands for nobody: whoever comes with the number then is another one.
    """
    time = 0
    while True:
        suffix = b"" if time == 0 else b"\0%d" % time
        guest_id = derived_id(hmac.digest(secret.encode(), b"guest of phone\0" + phone.encode() + suffix, "sha256"))
        if not await db.fetchval("SELECT erased_at IS NOT NULL FROM members WHERE member_id = $1", guest_id):
            return guest_id
        time += 1


async def member_of_phone(db: Database | Tx, phone: str) -> UUID | None:
    """Who the member is now who has a number (E.164), if anybody has."""
    member_id: UUID | None = await db.fetchval(
        """SELECT coalesce(m.merged_into, m.member_id) FROM phone_index p JOIN members m ON m.member_id = p.member_id
           WHERE p.phone = $1""",
        phone,
    )
    return member_id


async def welcome(db: Database | Tx, guest: Guest) -> None:
    """Make the guest with its session, in one statement. Safe to repeat: both come from the request's own key."""
    row = _encoder.encode([guest._asdict()]).decode()
    await db.execute("SELECT duo_welcome_guests($1, $2)", row, clock.now())


async def adopt(tx: Tx, *, guest_id: UUID, member_id: UUID) -> None:
    """The guest is this member: what they ordered is the member's from now on. Repeating it changes nothing.

    A member who was merged keeps the guest for themselves, and who they are now has them as long as the merge lasts.
    """
    if guest_id == member_id:
        return
    await tx.execute(
        "SELECT 1 FROM members WHERE member_id = ANY (duo_group($1) || $1) ORDER BY member_id FOR KEY SHARE", member_id
    )
    fresh = await tx.fetchval(
        """INSERT INTO adopted_guests (member_id, guest_id, adopted_at) VALUES ($1, $2, $3)
           ON CONFLICT (member_id, guest_id) DO NOTHING RETURNING true""",
        member_id,
        guest_id,
        clock.now(),
    )
    # The row above refers to the member's, which a merge locks alone: it comes before this, and is seen, or waits for
    # us, and finds the guest.
    await tx.execute(
        """INSERT INTO adopted_guests (member_id, guest_id, adopted_at, merge_id)
           SELECT g.member_id, $2, $3, g.id FROM member_merges g JOIN members m ON m.merged_into = g.member_id
           WHERE m.member_id = $1 AND g.other_id = $1 AND g.undone_at IS NULL AND g.member_id <> $2
           ON CONFLICT (member_id, guest_id) DO NOTHING""",
        member_id,
        guest_id,
        clock.now(),
    )
    if fresh:
        await outbox.emit(
            tx,
            topic="members.adopted",
            key=str(guest_id),
            payload={"member": str(member_id), "guest": str(guest_id)},
            family="member",
            owner_id=member_id,
            member_id=member_id,
        )


async def adopt_of_phone(tx: Tx, *, phone: str, member_id: UUID, secret: str) -> None:
    """The member has proved that the number is theirs: what shops sold to it before is the member's from now on."""
    guest_id = await guest_of_phone(tx, phone, secret=secret)
    if await exists(tx, guest_id):
        await adopt(tx, guest_id=guest_id, member_id=member_id)


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
