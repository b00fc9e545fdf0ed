"""Leases: one process at a time does a job, and one that slept through its term cannot write any more.

A lease has a `fence`, which grows with every new holder. The holder renews as the first statement of each
transaction of the job: the row lock keeps others out until the commit, and a stale fence ends the transaction.
Times are the database's own, so clocks of two machines that disagree hand the lease to nobody early.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

TERM = timedelta(seconds=6)


class Lost(Exception):
    """Another process holds the lease, or nobody does: stop, and ask for it anew."""


@dataclass(frozen=True)
class Lease:
    """A held lease."""

    name: str
    holder_id: UUID
    fence: int


async def take(db: Database, name: str, *, holder_id: UUID, term: timedelta = TERM) -> Lease | None:
    """Take a free or expired lease, or give None while another holds it. A holder that asks again gets a new fence."""
    async with db.begin() as tx:
        await tx.execute(
            "INSERT INTO leases (name, holder_id, until_at, fence) VALUES ($1, $2, '-infinity', 0)"
            " ON CONFLICT DO NOTHING",
            name,
            holder_id,
        )
        fence = await tx.fetchval(
            "UPDATE leases SET holder_id = $2, fence = fence + 1, until_at = clock_timestamp() + $3"
            " WHERE name = $1 AND (until_at <= clock_timestamp() OR holder_id = $2) RETURNING fence",
            name,
            holder_id,
            term,
        )
    return None if fence is None else Lease(name, holder_id, fence)


async def renew(tx: Tx, lease: Lease, *, term: timedelta = TERM) -> None:
    """Extend the lease and lock it until the transaction ends. Raises `Lost` when the fence is no longer ours."""
    kept = await tx.fetchval(
        "UPDATE leases SET until_at = clock_timestamp() + $4 WHERE name = $1 AND holder_id = $2 AND fence = $3"
        " RETURNING true",
        lease.name,
        lease.holder_id,
        lease.fence,
        term,
    )
    if not kept:
        raise Lost(lease.name)


async def give_back(db: Database, lease: Lease) -> None:
    """End the lease early, so that the next process need not wait for its term."""
    await db.execute(
        "UPDATE leases SET until_at = '-infinity' WHERE name = $1 AND holder_id = $2 AND fence = $3",
        lease.name,
        lease.holder_id,
        lease.fence,
    )
