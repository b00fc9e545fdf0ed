"""The book of imports: rows of `import_jobs`, from the wish to the result."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from duoline.channels.imports.errors import NoSuchImport
from duoline.kernel import clock
from duoline.kernel.auth import Actor

if TYPE_CHECKING:
    from pathlib import Path

    from duoline.channels.imports.run import Progress, Result
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.errors import Refusal


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """An import as stored. `problem` says, in both languages, why the file as a whole was refused."""

    id: UUID
    kind: str
    filename: str
    mapping: Any
    dry_run: bool
    move_stock: bool
    state: str
    rows_total: int | None
    rows_done: int
    rows_changed: int
    rows_same: int
    rows_bad: int
    problem: dict[str, str] | None
    actor: Actor
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


COLUMNS = (
    "id, kind, filename, mapping, dry_run, move_stock, state, rows_total, rows_done, rows_changed, rows_same, rows_bad,"
    " problem, actor_kind, actor_id, actor_name, created_at, started_at, finished_at"
)


def of_row(row: Any) -> Job:
    """From a row of `COLUMNS`."""
    values = dict(row)
    actor = Actor(values.pop("actor_kind"), values.pop("actor_id"), values.pop("actor_name"))
    return Job(**values, actor=actor)


def upload_path(imports_dir: Path, import_id: UUID) -> Path:
    """Where the uploaded file lies until its import has ended."""
    return imports_dir / f"{import_id}.upload"


def errors_path(imports_dir: Path, import_id: UUID) -> Path:
    """Where the error file lies, if any row was bad."""
    return imports_dir / f"{import_id}-errors.csv"


async def enter(
    tx: Tx,
    *,
    import_id: UUID,
    kind: str,
    filename: str,
    mapping: Any,
    actor: Actor,
    dry_run: bool,
    move_stock: bool,
) -> Job:
    """Write down an import that is wanted."""
    row = await tx.fetchrow(
        f"""INSERT INTO import_jobs (id, kind, filename, mapping, dry_run, move_stock, actor_kind, actor_id, actor_name,
                                     created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {COLUMNS}""",  # noqa: S608 - our own columns
        import_id,
        kind,
        filename[:200],
        mapping,
        dry_run,
        move_stock,
        actor.kind,
        actor.id,
        actor.name,
        clock.now(),
    )
    return of_row(row)


async def get(db: Database | Tx, import_id: UUID) -> Job:
    """One import. Refuses with `NoSuchImport`."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM import_jobs WHERE id = $1", import_id)  # noqa: S608
    if row is None:
        raise NoSuchImport
    return of_row(row)


async def begin(db: Database, import_id: UUID) -> None:
    """It runs now, or runs again after a crash: the numbers begin anew."""
    await db.execute(
        """UPDATE import_jobs SET state = 'running', started_at = coalesce(started_at, $2), finished_at = NULL,
                  rows_total = NULL, rows_done = 0, rows_changed = 0, rows_same = 0, rows_bad = 0, problem = NULL
           WHERE id = $1""",
        import_id,
        clock.now(),
    )


async def note(db: Database, import_id: UUID, progress: Progress) -> None:
    """How far it is. While the file is being read, the total is what has been read so far."""
    await db.execute(
        """UPDATE import_jobs SET rows_total = $2, rows_done = $3, rows_changed = $4, rows_same = $5, rows_bad = $6
           WHERE id = $1 AND state = 'running'""",
        import_id,
        progress.read if progress.total is None else progress.total,
        progress.done,
        progress.changed,
        progress.same,
        progress.bad,
    )


async def end(db: Database, import_id: UUID, result: Result) -> None:
    """It has come to its end; bad rows are no failure."""
    await db.execute(
        """UPDATE import_jobs SET state = 'done', finished_at = $2, rows_total = $3, rows_done = $3, rows_changed = $4,
                  rows_same = $5, rows_bad = $6
           WHERE id = $1""",
        import_id,
        clock.now(),
        result.rows,
        result.changed,
        result.same,
        result.bad,
    )


async def fail(db: Database, import_id: UUID, *, zh: str, en: str) -> None:
    """The file as a whole could not be imported."""
    await db.execute(
        "UPDATE import_jobs SET state = 'failed', finished_at = $2, problem = $3 WHERE id = $1",
        import_id,
        clock.now(),
        {"zh": zh, "en": en},
    )


async def fail_with(db: Database, import_id: UUID, refusal: Refusal) -> None:
    """The file was refused."""
    await fail(db, import_id, zh=refusal.sentence("zh"), en=refusal.sentence("en"))
