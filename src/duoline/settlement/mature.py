"""What time does to shares: when the goods cannot come back any more, they are their payee's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.kernel.sweep import Sweep
from duoline.settlement import accounts
from duoline.settlement.months import add_to_month, month_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

PAYEES = 500
RIPE = Sweep("mature shares")


@jobs.cron("mature shares", "*/5 * * * *")
async def mature(db: Database) -> int:
    """Make due what is ripe, payee by payee; returns how many were looked at and done."""
    rows = await db.fetch(
        """SELECT payee_id FROM accruals WHERE state = 'pending' AND matures_at <= $1 AND NOT payee_id = ANY ($3)
           GROUP BY payee_id ORDER BY min(matures_at) LIMIT $2""",
        clock.now(),
        PAYEES,
        RIPE.resting(),
    )

    async def one(payee_id: UUID) -> None:
        await mature_of(db, payee_id)

    return await RIPE.run([(row["payee_id"], row["payee_id"]) for row in rows], one)


async def mature_of(db: Database, payee_id: UUID) -> int:
    """Make due all that is ripe of a payee; returns how much, in minor units. Locks the payee.

    What of a person's commission is above the cap of the month is not owed to anybody.
    """
    now = clock.now()
    month = month_of(now)
    async with db.begin() as tx:
        if await accounts.lock_one(tx, payee_id) is None:
            return 0
        rows = await tx.fetch(
            """WITH ripe AS (
                   UPDATE accruals SET state = 'matured', month = $3, updated_at = $2
                   WHERE payee_id = $1 AND state = 'pending' AND matures_at <= $2
                   RETURNING book, earned_minor)
               SELECT book, sum(earned_minor)::bigint AS minor FROM ripe GROUP BY book ORDER BY book""",
            payee_id,
            now,
            month,
        )
        total = 0
        booked = await tx.fetchval(
            "SELECT coalesce(sum(earned_minor), 0) FROM accruals WHERE payee_id = $1 AND state = 'pending'", payee_id
        )
        have = await accounts.lock_one(tx, payee_id)
        waits = have.pending_minor - sum(row["minor"] for row in rows) if have else 0
        ensure(booked == waits, "STL-2", f"{payee_id} waits for {waits}, its shares for {booked}")
        for row in rows:
            book, minor = row["book"], row["minor"]
            paid = await add_to_month(tx, payee_id, month, minor) if book == "commission" else minor
            await accounts.change(tx, payee_id, pending_minor=-minor, due_minor=paid)
            await accounts.book(
                tx,
                under=payee_id,
                kind="settlement-due",
                entries=[
                    accounts.entry(accounts.pending(payee_id), accounts.due(payee_id), paid),
                    accounts.entry(accounts.pending(payee_id), accounts.BOOKS[book], minor - paid),
                ],
                actor=SYSTEM,
            )
            total += paid
    return total
