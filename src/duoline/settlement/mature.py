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
SHARES = 5_000
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
        while await mature_of(db, payee_id) == SHARES:
            pass

    return await RIPE.run([(row["payee_id"], row["payee_id"]) for row in rows], one)


# So many at a time that no statement takes long, whoever has millions.
_RIPE = """
WITH due AS (
    SELECT order_id, line_id, book, role, location_id FROM accruals
    WHERE payee_id = $1 AND state = 'pending' AND matures_at <= $2 ORDER BY matures_at LIMIT $4
), ripe AS (
    UPDATE accruals a SET state = 'matured', month = $3, updated_at = $2 FROM due s
    WHERE a.payee_id = $1 AND a.order_id = s.order_id AND a.line_id = s.line_id AND a.book = s.book
      AND a.role = s.role AND a.location_id = s.location_id
    RETURNING a.book, a.earned_minor)
SELECT book, sum(earned_minor)::bigint AS minor, count(*)::integer AS shares FROM ripe GROUP BY book ORDER BY book
"""


async def mature_of(db: Database, payee_id: UUID) -> int:
    """Make due what is ripe of a payee, so many shares at a time; returns how many. Locks the payee, with the other
    accounts of the same person.

    What of a person's commission is above the cap of the month is not owed to anybody.
    """
    now = clock.now()
    month = month_of(now)
    async with db.begin() as tx:
        have = await accounts.lock_person(tx, payee_id)
        if have is None:
            return 0
        rows = await tx.fetch(_RIPE, payee_id, now, month, SHARES)
        for row in rows:
            book, minor = row["book"], row["minor"]
            ensure(book != "commission" or minor <= have.pending_minor, "STL-2", f"{payee_id}: {minor} of {have}")
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
    return sum(row["shares"] for row in rows)
