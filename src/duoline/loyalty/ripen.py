"""What time does to points: those that waited can be spent, and those that were not spent in time are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline import ledger
from duoline.kernel import clock, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.sweep import Sweep
from duoline.loyalty.account import EXPIRED, OPEN, OWED, PENDING, lock, move

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

BATCH = 500
RIPE = Sweep("ripen points")
OVER = Sweep("expire points")


@jobs.cron("ripen points", "* * * * *")
async def ripen(db: Database) -> int:
    """Let points be spent whose time to wait is over; returns how many lots were looked at and done."""

    async def due() -> list[tuple[UUID, Any]]:
        rows = await db.fetch(
            """SELECT member_id, id FROM point_lots WHERE state = 'pending' AND ripens_at <= $1 AND NOT id = ANY ($3)
               ORDER BY ripens_at LIMIT $2""",
            clock.now(),
            BATCH,
            RIPE.resting(),
        )
        return [(row["id"], row) for row in rows]

    async def one(row: Any) -> None:
        await ripen_lot(db, row["member_id"], row["id"])

    return await RIPE.drain(due, one, batch=BATCH)


async def ripen_lot(db: Database, member_id: UUID, lot_id: UUID) -> bool:
    """Let the points of a lot be spent; what is owed is paid from them first. False when it is not its time."""
    async with db.begin() as tx:
        have = await lock(tx, member_id)
        left = await tx.fetchval(
            """SELECT left_points FROM point_lots
               WHERE member_id = $1 AND id = $2 AND state = 'pending' AND ripens_at <= $3""",
            member_id,
            lot_id,
            clock.now(),
        )
        if left is None:
            return False
        paid = min(have.owed, left)
        await tx.execute(
            "UPDATE point_lots SET state = 'open', left_points = left_points - $3 WHERE member_id = $1 AND id = $2",
            member_id,
            lot_id,
            paid,
        )
        entries = [ledger.Entry(PENDING, OPEN, left - paid), ledger.Entry(PENDING, OWED, paid)]
        await move(tx, member_id, "points-ripe", entries, order_id=None, actor=SYSTEM)
    return True


@jobs.cron("expire points", "* * * * *")
async def expire(db: Database) -> int:
    """Take away points that were not spent in time; returns how many lots were looked at and done."""

    async def due() -> list[tuple[UUID, Any]]:
        rows = await db.fetch(
            """SELECT member_id, id FROM point_lots
               WHERE left_points > 0 AND state = 'open' AND expires_at <= $1 AND NOT id = ANY ($3)
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
    """Take away what is left of a lot whose time is over. Returns how many points. Locks the account."""
    async with db.begin() as tx:
        await lock(tx, member_id)
        left: int | None = await tx.fetchval(
            """SELECT left_points FROM point_lots
               WHERE member_id = $1 AND id = $2 AND state = 'open' AND left_points > 0 AND expires_at <= $3""",
            member_id,
            lot_id,
            clock.now(),
        )
        if left is None:
            return 0
        await tx.execute(
            "UPDATE point_lots SET left_points = 0, expired_points = expired_points + left_points"
            " WHERE member_id = $1 AND id = $2",
            member_id,
            lot_id,
        )
        await move(tx, member_id, "points-expired", [ledger.Entry(OPEN, EXPIRED, left)], order_id=None, actor=SYSTEM)
    return left
