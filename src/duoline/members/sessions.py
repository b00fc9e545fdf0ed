"""Sessions of members and guests, kept as a digest of the token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock, jobs
from duoline.kernel.auth import token_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

# A guest's cart is worth keeping longer than a log-in.
MEMBER_LASTS = timedelta(days=30)
GUEST_LASTS = timedelta(days=90)


@dataclass(frozen=True)
class MemberRecord:
    """The owner of a session."""

    id: UUID
    kind: str  # guest | member
    display_name: str
    locale: str
    tier: str = ""  # of a guest: none
    adopted: tuple[UUID, ...] = ()  # guests they were before they logged in, and members merged into them


async def start(tx: Tx, *, member_id: UUID, token: str, lasts: timedelta) -> None:
    """Open a session under a token that the caller has made. Safe to repeat with the same token."""
    now = clock.now()
    await tx.execute(
        "INSERT INTO member_sessions (token_hash, member_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (token_hash) DO NOTHING",
        token_hash(token),
        member_id,
        now,
        now + lasts,
    )


async def find(db: Database | Tx, token: str) -> MemberRecord | None:
    """Whose session it is, or None when it has ended or never was. Of a member who was merged: who they are now."""
    row = await db.fetchrow(
        """SELECT m.member_id, m.kind, m.display_name, m.locale, m.tier,
                  ARRAY(SELECT g.guest_id FROM adopted_guests g WHERE g.member_id = m.member_id) AS adopted
           FROM member_sessions t JOIN members o ON o.member_id = t.member_id
           JOIN members m ON m.member_id = coalesce(o.merged_into, o.member_id)
           WHERE t.token_hash = $1 AND t.expires_at > $2""",
        token_hash(token),
        clock.now(),
    )
    if row is None:
        return None
    return MemberRecord(
        row["member_id"], row["kind"], row["display_name"], row["locale"], row["tier"], tuple(row["adopted"])
    )


async def alive(db: Database, hashes: Iterable[bytes]) -> list[bytes]:
    """The digests among these whose sessions live."""
    rows = await db.fetch(
        "SELECT token_hash FROM member_sessions WHERE token_hash = ANY ($1) AND expires_at > $2",
        list(hashes),
        clock.now(),
    )
    return [row["token_hash"] for row in rows]


async def end(tx: Tx, token: str) -> None:
    """End one session."""
    await tx.execute("DELETE FROM member_sessions WHERE token_hash = $1", token_hash(token))


@jobs.cron("forget ended member sessions", "9 4 * * *")
async def forget_ended(db: Database) -> None:
    """Delete sessions that have run out."""
    await db.execute("DELETE FROM member_sessions WHERE expires_at < $1", clock.now())
