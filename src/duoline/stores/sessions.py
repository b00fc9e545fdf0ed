"""Sessions of staff: twelve hours, kept as a digest of the token, ended at once when somebody leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from duoline.kernel import clock, jobs
from duoline.kernel.auth import token_hash
from duoline.stores.types import Grant, Role, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duoline.kernel.db import Database, Tx

LASTS = timedelta(hours=12)


@dataclass(frozen=True)
class StaffRecord:
    """Somebody on the staff, with their grants."""

    id: UUID
    login: str
    name: str
    state: str
    grants: tuple[Grant, ...]


async def start(tx: Tx, *, staff_id: UUID, token: str) -> None:
    """Open a session under a token that the caller has made. Safe to repeat with the same token."""
    now = clock.now()
    await tx.execute(
        "INSERT INTO staff_sessions (token_hash, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (token_hash) DO NOTHING",
        token_hash(token),
        staff_id,
        now,
        now + LASTS,
    )


async def find(db: Database | Tx, token: str) -> StaffRecord | None:
    """Whose session it is, or None when it has ended, never was, or its owner has left."""
    row = await db.fetchrow(
        "SELECT s.id, s.login, s.name, s.state, COALESCE((SELECT jsonb_agg(jsonb_build_array(g.role, g.unit_kind,"
        " g.unit_id) ORDER BY g.role, g.unit_id) FROM staff_grants g WHERE g.staff_id = s.id), '[]') AS grants"
        " FROM staff_sessions t JOIN staff s ON s.id = t.staff_id"
        " WHERE t.token_hash = $1 AND t.expires_at > $2 AND s.state = 'active'",
        token_hash(token),
        clock.now(),
    )
    if row is None:
        return None
    return StaffRecord(row["id"], row["login"], row["name"], row["state"], grants_of(row["grants"]))


async def alive(db: Database, hashes: Iterable[bytes]) -> list[bytes]:
    """The digests among these whose sessions live."""
    rows = await db.fetch(
        "SELECT t.token_hash FROM staff_sessions t JOIN staff s ON s.id = t.staff_id"
        " WHERE t.token_hash = ANY ($1) AND t.expires_at > $2 AND s.state = 'active'",
        list(hashes),
        clock.now(),
    )
    return [row["token_hash"] for row in rows]


def grants_of(rows: list[list[str]]) -> tuple[Grant, ...]:
    """Grants from `[[role, unit_kind, unit_id]]`."""
    return tuple(Grant(Role(role), UnitKind(kind), UUID(unit_id)) for role, kind, unit_id in rows)


async def end(tx: Tx, token: str) -> None:
    """End one session."""
    await tx.execute("DELETE FROM staff_sessions WHERE token_hash = $1", token_hash(token))


async def end_all(tx: Tx, staff_id: UUID) -> None:
    """End every session of somebody: at a new password, and when they leave."""
    await tx.execute("DELETE FROM staff_sessions WHERE staff_id = $1", staff_id)


@jobs.cron("forget ended staff sessions", "7 4 * * *")
async def forget_ended(db: Database) -> None:
    """Delete sessions that have run out."""
    await db.execute("DELETE FROM staff_sessions WHERE expires_at < $1", clock.now())
