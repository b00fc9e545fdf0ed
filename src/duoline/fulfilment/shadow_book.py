"""The book of nights in which shelves were priced: asked for, begun, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Run(NamedTuple):
    """One pricing of all shelves. Its figures are there once it is done."""

    id: UUID
    state: str
    asked_at: datetime
    finished_at: datetime | None
    actor_name: str
    shelves: int | None
    programs: int | None
    by_scarcity: int | None


_COLUMNS = "id, state, asked_at, finished_at, actor_name, shelves, programs, by_scarcity"


async def ask(tx: Tx, *, actor: Actor) -> Run:
    """Enter a run. One that waits already is the answer to whoever asks again."""
    row = await tx.fetchrow(
        f"""INSERT INTO shadow_runs (id, state, asked_at, actor_name) VALUES ($1, 'queued', $2, $3)
            ON CONFLICT (state) WHERE state = 'queued' DO NOTHING RETURNING {_COLUMNS}""",  # noqa: S608
        new_id(),
        clock.now(),
        actor.name,
    )
    if row is None:
        waiting = await tx.fetchrow(f"SELECT {_COLUMNS} FROM shadow_runs WHERE state = 'queued'")  # noqa: S608
        if waiting is None:  # it has begun this very moment
            raise Unavailable("the shelves are being priced", retry_after_s=1)
        return Run(*waiting)
    run = Run(*row)
    await audit.record(
        tx,
        actor=actor,
        action="policy.shadow-run",
        subject_kind="policy",
        subject="sourcing",
        after={"id": str(run.id)},
    )
    return run


async def begin(db: Database, run_id: UUID) -> bool:
    """The run begins, or begins anew after its worker died. False when it has ended."""
    done = await db.execute(
        "UPDATE shadow_runs SET state = 'running' WHERE id = $1 AND state IN ('queued', 'running')", run_id
    )
    return done == "UPDATE 1"


async def end(db: Database, run_id: UUID, *, shelves: int, programs: int, by_scarcity: int) -> None:
    """The run is done."""
    await db.execute(
        """UPDATE shadow_runs SET state = 'done', finished_at = $2, shelves = $3, programs = $4, by_scarcity = $5
           WHERE id = $1""",
        run_id,
        clock.now(),
        shelves,
        programs,
        by_scarcity,
    )


async def fail(db: Database, run_id: UUID) -> None:
    """The run ended without prices; those of the night before stay."""
    await db.execute("UPDATE shadow_runs SET state = 'failed', finished_at = $2 WHERE id = $1", run_id, clock.now())


async def latest(db: Database, *, before: tuple[datetime, UUID] | None, limit: int) -> list[Run]:
    """Runs, the latest first."""
    rows = await db.fetch(
        f"""SELECT {_COLUMNS} FROM shadow_runs WHERE $1::timestamptz IS NULL OR (asked_at, id) < ($1, $2)
            ORDER BY asked_at DESC, id DESC LIMIT $3""",  # noqa: S608
        *(before or (None, None)),
        limit,
    )
    return [Run(*row) for row in rows]
