"""A bonus that was not spent in time is gone. What members paid in never is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline import ledger
from duoline.kernel import clock, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.sweep import Sweep
from duoline.wallet.account import BONUS, lock, move

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

BATCH = 500
OVER = Sweep("expire bonus")


@jobs.cron("expire bonus", "* * * * *")
async def expire(db: Database) -> int:
    """Take away bonus that was not spent in time; returns how many lots were looked at and done."""

    async def due() -> list[tuple[UUID, Any]]:
        rows = await db.fetch(
            """SELECT member_id, id FROM wallet_lots WHERE left_minor > 0 AND expires_at <= $1 AND NOT id = ANY ($3)
               ORDER BY expires_at LIMIT $2""",
            clock.now(),
            BATCH,
            OVER.resting(),
        )
        return [(row["id"], row) for row in rows]

    async def one(row: Any) -> None:
        await expire_lot(db, row["member_id"], row["id"])

    return await OVER.drain(due, one, batch=BATCH)


async def expire_lot(db: Database, member_id: UUID, lot_id: UUID) -> int:
    """Take away what is left of a lot whose time is over; returns how much. Locks the wallet."""
    async with db.begin() as tx:
        await lock(tx, member_id)
        left: int | None = await tx.fetchval(
            """SELECT left_minor FROM wallet_lots
               WHERE member_id = $1 AND id = $2 AND left_minor > 0 AND expires_at <= $3""",
            member_id,
            lot_id,
            clock.now(),
        )
        if left is None:
            return 0
        await tx.execute(
            """UPDATE wallet_lots SET left_minor = 0, gone_minor = gone_minor + left_minor
               WHERE member_id = $1 AND id = $2""",
            member_id,
            lot_id,
        )
        entries = [ledger.Entry(BONUS, ledger.accounts.BONUS_COST, left)]
        await move(tx, member_id, "bonus-expired", entries, ref_id=lot_id, actor=SYSTEM)
    return left
