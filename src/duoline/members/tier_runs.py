"""The book of runs that judge everybody by new rules of tiers: rows of `tier_runs`, from the day the rules are decided
to the last member, and how far each is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

SILENT = timedelta(minutes=2)
"""A run that says nothing for so long, though its rules hold, has lost its worker."""


class TierRun(msgspec.Struct, frozen=True, kw_only=True):
    """One judging of everybody by a version of the rules. How many there are is known once it runs.

    `moved` had a tier that is none any more; `kept` have one above what they spent, by its time or its grace; `failed`
    could not be judged and are looked at again by night.
    """

    id: UUID
    version: int
    state: str  # queued | running | done | stopped
    active_from: datetime
    last_id: UUID | None
    members_total: int | None
    judged: int
    went_up: int
    went_down: int
    moved: int
    kept: int
    failed: int
    at: datetime
    started_at: datetime | None
    finished_at: datetime | None


COLUMNS = ", ".join(TierRun.__struct_fields__)


async def ask(tx: Tx, version: int, active_from: datetime) -> UUID | None:
    """Write down that everybody is to be judged by a version from an instant on. None: that is written already."""
    run_id: UUID | None = await tx.fetchval(
        """INSERT INTO tier_runs (id, version, active_from, at, noted_at) VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT (version) DO NOTHING RETURNING id""",
        new_id(),
        version,
        active_from,
        clock.now(),
    )
    return run_id


async def get(db: Database | Tx, run_id: UUID) -> TierRun | None:
    """One run."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM tier_runs WHERE id = $1", run_id)  # noqa: S608 - our own columns
    return None if row is None else TierRun(**dict(row))


async def latest(db: Database, *, limit: int) -> list[TierRun]:
    """The runs of the newest versions, the newest first."""
    rows = await db.fetch(f"SELECT {COLUMNS} FROM tier_runs ORDER BY version DESC LIMIT $1", limit)  # noqa: S608 - as above
    return [TierRun(**dict(row)) for row in rows]


async def begin(tx: Tx, run_id: UUID) -> bool:
    """It runs now, or again after its worker died, and what older versions have not ended is stopped. False when it is
    over."""
    now = clock.now()
    await tx.execute(
        """UPDATE tier_runs SET state = 'stopped', finished_at = $2, noted_at = $2
           WHERE state IN ('queued', 'running') AND version < (SELECT version FROM tier_runs WHERE id = $1)""",
        run_id,
        now,
    )
    done = await tx.execute(
        """UPDATE tier_runs r SET state = 'running', started_at = coalesce(started_at, $2), noted_at = $2,
                  members_total = r.judged + (SELECT count(*) FROM members m WHERE m.kind = 'member'
                                              AND (r.last_id IS NULL OR m.member_id > r.last_id))
           WHERE id = $1 AND state IN ('queued', 'running')""",
        run_id,
        now,
    )
    return done == "UPDATE 1"


async def lock_running(tx: Tx, run_id: UUID) -> TierRun | None:
    """The run while it runs, which nobody else goes on with until the transaction ends."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM tier_runs WHERE id = $1 AND state = 'running' FOR UPDATE",  # noqa: S608 - as above
        run_id,
    )
    return None if row is None else TierRun(**dict(row))


async def note(
    tx: Tx, run_id: UUID, *, last_id: UUID, judged: int, up: int, down: int, moved: int, kept: int, failed: int
) -> None:
    """How much more was done, in the transaction that did it: the place and the counts are never ahead or behind."""
    done = await tx.execute(
        """UPDATE tier_runs SET last_id = $2, judged = judged + $3, went_up = went_up + $4, went_down = went_down + $5,
                  moved = moved + $6, kept = kept + $7, failed = failed + $8, noted_at = $9,
                  members_total = greatest(members_total, judged + $3)
           WHERE id = $1 AND state = 'running' AND (last_id IS NULL OR last_id < $2)""",
        run_id,
        last_id,
        judged,
        up,
        down,
        moved,
        kept,
        failed,
        clock.now(),
    )
    ensure(done == "UPDATE 1", "TIERS", f"the run {run_id} does not go on to {last_id}")


async def end(tx: Tx, run_id: UUID, *, state: str) -> None:
    """It is over: `done`, or `stopped` for newer rules."""
    await tx.execute(
        """UPDATE tier_runs SET state = $2, finished_at = $3, noted_at = $3,
                  members_total = CASE WHEN $2 = 'done' THEN judged ELSE members_total END
           WHERE id = $1 AND state IN ('queued', 'running')""",
        run_id,
        state,
        clock.now(),
    )


async def silent(db: Database) -> list[UUID]:
    """Runs whose rules hold, that are not over and have said nothing for too long."""
    rows = await db.fetch(
        """SELECT id FROM tier_runs WHERE state IN ('queued', 'running') AND greatest(noted_at, active_from) < $1
           ORDER BY version""",
        clock.now() - SILENT,
    )
    return [row["id"] for row in rows]
