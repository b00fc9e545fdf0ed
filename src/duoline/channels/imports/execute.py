"""Carry out an import of the book: open its file, run it, keep the book up to date, write the error file."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from duoline.catalog.changes import WORDS_JOB
from duoline.channels.imports import book
from duoline.channels.imports.run import Options, Progress, Result, run
from duoline.channels.imports.source import open_source, write_errors
from duoline.kernel import jobs, outbox
from duoline.kernel.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from duoline.channels.imports.book import Job
    from duoline.channels.imports.problems import Problem
    from duoline.kernel.db import Database

NOTE_EVERY_S = 1.0


async def execute(
    db: Database, job: Job, path: Path, errors: Path, *, progress: Callable[[Progress], None] = lambda _: None
) -> Result:
    """Import the file at `path`; problems go to `errors`. Raises the `Refusal` it has written into the book.

    May be repeated after a crash: rows that arrived the first time are found as they should be.
    """
    latest: list[Progress] = []

    def remember(now: Progress) -> None:
        latest[:] = [now]
        progress(now)

    await book.begin(db, job.id)
    noting = asyncio.create_task(_note(db, job, latest))
    try:
        source = open_source(job.kind, path, job.mapping)

        async def keep(problems: AsyncIterator[Problem]) -> None:
            await write_errors(errors, source, problems)

        result = await run(
            db,
            job.kind,
            source,
            actor=job.actor,
            import_id=job.id,
            options=Options(
                create=source.columns.create,
                zone=source.columns.zone,
                move_stock=job.move_stock,
                dry_run=job.dry_run,
            ),
            progress=remember,
            on_problems=keep,
        )
    except Refusal as refusal:
        await book.fail_with(db, job.id, refusal)
        raise
    finally:
        noting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await noting
    if not result.bad:
        errors.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody else in this process
    await book.end(db, job.id, result)
    if result.changed:
        await _tell(db, job, result)
    return result


async def _note(db: Database, job: Job, latest: list[Progress]) -> None:
    """Write how far it is into the book, about once a second."""
    while True:
        await asyncio.sleep(NOTE_EVERY_S)
        if latest:
            await book.note(db, job.id, replace(latest[0]))


async def _tell(db: Database, job: Job, result: Result) -> None:
    """One event an import, whatever its size: processes that keep master data in memory look at it anew."""
    topic = "stores.imported" if job.kind == "stores" else "imports.finished"
    async with db.begin() as tx:
        await outbox.emit(
            tx,
            topic=topic,
            key=str(job.id),
            payload={"import_id": str(job.id), "kind": job.kind, "changed": result.changed},
        )
        if job.kind == "products":
            await jobs.enqueue(tx, WORDS_JOB, key=WORDS_JOB)
