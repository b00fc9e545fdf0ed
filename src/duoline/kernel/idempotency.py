"""One effect a key (IDE-1): the answer to a write is stored in the transaction of the write.

Call `begin` first in the transaction. The row it inserts makes a second request with the same key wait until
the first has committed or rolled back; then it finds the stored answer, or does the work itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock, jobs
from duoline.kernel.errors import IdempotencyMismatch, ensure

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

# A row that is begun and not finished. No committed row has it: begin and finish share a transaction.
_OPEN = 0


@dataclass(frozen=True)
class StoredAnswer:
    """What was answered the first time: the HTTP status and the body as text ('' for none)."""

    status: int
    body: str


async def begin(tx: Tx, *, actor_id: UUID, key: str, request_hash: bytes) -> StoredAnswer | None:
    """Claim the key, or give the answer stored under it.

    Refusals: `IdempotencyMismatch` when the key was used for a request with another hash. Waits for another
    transaction that holds the key, no longer than the lock time-out.
    """
    claimed = await tx.fetchval(
        "INSERT INTO idempotency (actor_id, key, request_hash, status, response, created_at)"
        " VALUES ($1, $2, $3, 0, '', $4) ON CONFLICT (actor_id, key) DO NOTHING RETURNING true",
        actor_id,
        key,
        request_hash,
        clock.now(),
    )
    if claimed:
        return None
    return await find(tx, actor_id=actor_id, key=key, request_hash=request_hash)


async def find(db: Database | Tx, *, actor_id: UUID, key: str, request_hash: bytes) -> StoredAnswer | None:
    """The answer stored under the key, if any. Refuses with `IdempotencyMismatch` like `begin`."""
    row = await db.fetchrow(
        "SELECT request_hash, status, response FROM idempotency WHERE actor_id = $1 AND key = $2", actor_id, key
    )
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        raise IdempotencyMismatch
    ensure(row["status"] != _OPEN, "IDE-1", "a key was committed without its answer")
    return StoredAnswer(row["status"], row["response"])


async def finish(tx: Tx, *, actor_id: UUID, key: str, status: int, body: str) -> None:
    """Store the answer under a key that `begin` claimed in this same transaction."""
    done = await tx.execute(
        "UPDATE idempotency SET status = $3, response = $4 WHERE actor_id = $1 AND key = $2 AND status = 0",
        actor_id,
        key,
        status,
        body,
    )
    ensure(done == "UPDATE 1", "IDE-1", "finish without begin")


@jobs.cron("forget old answers", "37 3 * * *")
async def forget(db: Database, older_than: timedelta = timedelta(days=7)) -> int:
    """Delete answers nobody will ask for again; returns how many. A repeat after that counts as a new request."""
    done = await db.execute("DELETE FROM idempotency WHERE created_at < $1", clock.now() - older_than)
    return int(done.split()[-1])
