"""Log-in of staff: five wrong passwords lock the log-in for a quarter of an hour."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.stores import passwords, sessions
from duoline.stores.errors import Locked, WrongCredentials

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from duoline.kernel.db import Database, Tx

WRONG_MAX = 5
LOCKED_FOR = timedelta(minutes=15)


async def verify(db: Database, *, login: str, password: str) -> str | None:
    """Compare the password, before any transaction: argon2 takes tens of milliseconds and must not hold a lock.

    Gives the stored hash that was matched, or None. `count` then decides under the lock whether it still matters.
    An unknown log-in costs the same time.
    """
    stored = await db.fetchval("SELECT password_hash FROM staff WHERE login = $1 AND state = 'active'", normal(login))
    return stored if await passwords.fits(password, stored) else None


async def log_in(tx: Tx, *, login: str, matched: str | None, token: str) -> UUID | WrongCredentials | Locked:
    """Count the try under the lock of the staff row and, if the password matched, open a session under `token`.

    Refusals are *returned*, so that the count is committed. Order of precedence: locked, wrong. While a log-in is
    locked even the right password is refused. Tries sent at the same time are counted one after the other, so no
    number of parallel requests gets more than five guesses.
    """
    row = await tx.fetchrow(f"{_SELECT} WHERE login = $1 AND state = 'active' FOR NO KEY UPDATE", normal(login))
    if row is None:
        return WrongCredentials()
    refused = await _count(tx, row, matched)
    if refused is not None:
        return refused
    staff_id: UUID = row["id"]
    await sessions.start(tx, staff_id=staff_id, token=token)
    return staff_id


async def recheck(tx: Tx, *, staff_id: UUID, matched: str | None) -> WrongCredentials | Locked | None:
    """The same counting for somebody who has a session and must give the password again. Refusals are returned."""
    row = await tx.fetchrow(f"{_SELECT} WHERE id = $1 FOR NO KEY UPDATE", staff_id)
    return WrongCredentials() if row is None else await _count(tx, row, matched)


_SELECT = "SELECT id, password_hash, failed_count, locked_until FROM staff"


async def _count(tx: Tx, row: asyncpg.Record, matched: str | None) -> WrongCredentials | Locked | None:
    now = clock.now()
    if row["locked_until"] is not None and row["locked_until"] > now:
        return Locked(until_at=row["locked_until"])
    # The hash may have been replaced since it was compared: the old password does not open a new session.
    if matched is not None and hmac.compare_digest(matched, row["password_hash"]):
        if row["failed_count"] or row["locked_until"] is not None:
            await tx.execute("UPDATE staff SET failed_count = 0, locked_until = NULL WHERE id = $1", row["id"])
        return None
    failed = row["failed_count"] + 1
    locked_until = now + LOCKED_FOR if failed >= WRONG_MAX else None
    await tx.execute(
        "UPDATE staff SET failed_count = $2, locked_until = $3 WHERE id = $1",
        row["id"],
        0 if locked_until else failed,
        locked_until,
    )
    return WrongCredentials() if locked_until is None else Locked(until_at=locked_until)


def normal(login: str) -> str:
    """Log-ins are compared without regard to case and outer blanks."""
    return login.strip().lower()
