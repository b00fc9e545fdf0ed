"""The book of closings: rows of `closing_runs`, from the wish to close a month to its end, and how far each is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline.kernel import clock
from duoline.kernel.auth import Actor
from duoline.kernel.errors import Fault, NotFound, ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

SILENT = timedelta(minutes=2)
"""A run that says nothing for so long has lost its worker."""


class ClosingRun(msgspec.Struct, frozen=True, kw_only=True):
    """One closing of a month. How many payees and shares there are is known once it runs; `payees_failed` could not be
    closed and are tried again by the next."""

    id: UUID
    month: str
    state: str  # queued | running | done | failed
    payees_total: int | None
    payees_done: int
    payees_failed: int
    shares_total: int | None
    shares_done: int
    problem: dict[str, str] | None
    actor: Actor
    at: datetime
    started_at: datetime | None
    finished_at: datetime | None


COLUMNS = (
    "id, month, state, payees_total, payees_done, payees_failed, shares_total, shares_done, problem, actor_kind,"
    " actor_id, actor_name, at, started_at, finished_at"
)


def of_row(row: Any) -> ClosingRun:
    """From a row of `COLUMNS`."""
    values = dict(row)
    actor = Actor(values.pop("actor_kind"), values.pop("actor_id"), values.pop("actor_name"))
    return ClosingRun(**values, actor=actor)


async def ask(tx: Tx, month: str, *, actor: Actor) -> tuple[ClosingRun, bool]:
    """Write down that a month is to be closed, and say that it was. One that waits or runs already is that one."""
    for _ in range(3):
        row = await tx.fetchrow(
            f"""INSERT INTO closing_runs (id, month, state, actor_kind, actor_id, actor_name, at, noted_at)
                VALUES ($1, $2, 'queued', $3, $4, $5, $6, $6)
                ON CONFLICT (month) WHERE state IN ('queued', 'running') DO NOTHING RETURNING {COLUMNS}""",  # noqa: S608 - our own columns
            new_id(),
            month,
            actor.kind,
            actor.id,
            actor.name,
            clock.now(),
        )
        if row is not None:
            return of_row(row), True
        row = await tx.fetchrow(
            f"SELECT {COLUMNS} FROM closing_runs WHERE month = $1 AND state IN ('queued', 'running')",  # noqa: S608
            month,
        )
        if row is not None:  # else it has just ended
            return of_row(row), False
    raise Fault("STL-6", f"closing runs of {month} end as fast as they begin")


async def get(db: Database | Tx, run_id: UUID) -> ClosingRun:
    """One run. Refuses `kernel.not-found`."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM closing_runs WHERE id = $1", run_id)  # noqa: S608 - our own columns
    if row is None:
        raise NotFound(kind="closing_run")
    return of_row(row)


async def latest(db: Database, *, before: tuple[datetime, UUID] | None, limit: int) -> list[ClosingRun]:
    """The runs, the latest first, from before a place in that list."""
    rows = await db.fetch(
        f"""SELECT {COLUMNS} FROM closing_runs WHERE $1::timestamptz IS NULL OR (at, id) < ($1, $2::uuid)
            ORDER BY at DESC, id DESC LIMIT $3""",  # noqa: S608 - our own columns
        *(before or (None, None)),
        limit,
    )
    return [of_row(row) for row in rows]


async def begin(db: Database, run_id: UUID, *, payees: int, shares: int) -> bool:
    """It runs now, or again after its worker died: so many payees and shares are still to be done. False when it has
    ended."""
    done = await db.execute(
        """UPDATE closing_runs SET state = 'running', started_at = coalesce(started_at, $2), noted_at = $2,
                  payees_failed = 0, payees_total = payees_done + $3, shares_total = shares_done + $4
           WHERE id = $1 AND state IN ('queued', 'running')""",
        run_id,
        clock.now(),
        payees,
        shares,
    )
    return done == "UPDATE 1"


async def note(tx: Tx, run_id: UUID, *, shares: int = 0, payees: int = 0, failed: int = 0) -> None:
    """How much more was done, in the transaction that did it: the counts are never ahead or behind."""
    done = await tx.execute(
        """UPDATE closing_runs SET shares_done = shares_done + $2, payees_done = payees_done + $3,
                  payees_failed = payees_failed + $4, noted_at = $5 WHERE id = $1""",
        run_id,
        shares,
        payees,
        failed,
        clock.now(),
    )
    ensure(done == "UPDATE 1", "STL-6", f"there is no closing run {run_id}")


async def end(db: Database, run_id: UUID, *, problem: dict[str, str] | None = None) -> None:
    """It is over: done, or with what stands in its way."""
    await db.execute(
        """UPDATE closing_runs SET state = $2, problem = $3, finished_at = $4, noted_at = $4,
                  payees_total = CASE WHEN $2 = 'done' THEN payees_done ELSE payees_total END,
                  shares_total = CASE WHEN $2 = 'done' THEN shares_done ELSE shares_total END
           WHERE id = $1 AND state IN ('queued', 'running')""",
        run_id,
        "failed" if problem else "done",
        problem,
        clock.now(),
    )


async def silent(db: Database) -> list[UUID]:
    """Runs that are not over and have said nothing for too long."""
    rows = await db.fetch(
        "SELECT id FROM closing_runs WHERE state IN ('queued', 'running') AND noted_at < $1", clock.now() - SILENT
    )
    return [row["id"] for row in rows]
