"""Run one import: read, check, stage, put in order, write in chunks. The same for files, jobs and the demo chain."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import asyncpg

from duoline.channels.imports import (
    load_members,
    load_orders,
    load_prices,
    load_products,
    load_signups,
    load_stock,
    load_stores,
)
from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.problems import Problem
from duoline.channels.imports.stage import (
    CREATABLE,
    Session,
    Tally,
    drop_tables,
    fill,
    group_end,
    index_arranged,
    open_tables,
)
from duoline.channels.imports.validate import Checker
from duoline.kernel import audit, clock, faults, policies
from duoline.kernel.db import RETRYABLE, Tx
from duoline.kernel.ids import new_id
from duoline.stores import directory
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
    from types import ModuleType
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database

LOADERS: dict[str, ModuleType] = {
    "stores": load_stores,
    "products": load_products,
    "prices": load_prices,
    "stock": load_stock,
    "members": load_members,
    "orders": load_orders,
    "signups": load_signups,
}

faults.register("imports.after_chunk")

BATCH = 10_000

# Somebody else wrote the same rows at the same moment; the chunk was rolled back whole and is tried again.
AGAIN = (*RETRYABLE, asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)
TRIES_MAX = 6


@dataclass(frozen=True)
class Progress:
    """How far an import is. `total` is None while the file is being read; nothing is done while rows are sorted."""

    read: int
    done: int
    total: int | None
    changed: int
    same: int
    bad: int


@dataclass(frozen=True)
class Result:
    """What an import did. Every row is one of changed, same, bad."""

    rows: int
    changed: int
    same: int
    bad: int


class Source(Protocol):
    """Rows of a file: line number, then our columns by name, or the problem that kept a row from being read."""

    @property
    def present(self) -> Collection[str]:
        """Our columns that the file has."""
        ...

    def rows(self) -> Iterable[tuple[int, Mapping[str, Any]] | Problem]:
        """The rows, once."""
        ...


@dataclass(frozen=True)
class Generated:
    """Rows made by a program, such as the demo chain."""

    present: Collection[str]
    made: Iterable[Mapping[str, Any]]

    def rows(self) -> Iterable[tuple[int, Mapping[str, Any]]]:
        """The rows, numbered from 1."""
        return enumerate(self.made, start=1)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an import behaves beyond its file."""

    create: frozenset[str] = CREATABLE
    zone: str = CHAIN_ZONE
    move_stock: bool = False
    dry_run: bool = False
    decorate: Callable[[Tx, Mapping[str, UUID]], Awaitable[None]] | None = None


async def run(
    db: Database,
    kind_name: str,
    source: Source,
    *,
    actor: Actor,
    import_id: UUID | None = None,
    options: Options = Options(),
    progress: Callable[[Progress], None] = lambda _: None,
    on_problems: Callable[[AsyncIterator[Problem]], Awaitable[None]] | None = None,
) -> Result:
    """Import every good row and report every bad one. Holds one connection for its whole length.

    `on_problems` gets the problems in order of line at the end, before they are forgotten. Writes one line to
    the audit log when anything has changed, besides those of each price and level. A dry run finds every problem but
    those that only writing would show, such as a count below what is held.
    """
    kind = KINDS[kind_name]
    # Contracts say whose the prices of a shop are, and a command has not heard of them yet.
    await policies.refresh(db)
    await directory.refresh(db)
    async with db.acquire() as connection:
        session = Session(
            connection=connection,
            kind=kind,
            import_id=import_id or new_id(),
            actor=actor,
            at=clock.now(),
            present=frozenset(source.present),
            create=options.create,
            move_stock=options.move_stock,
            decorate=options.decorate,
        )
        try:
            await open_tables(connection, kind)
            return await _run(session, source, options, progress, on_problems)
        finally:
            # The tables go with the connection when that is what has failed.
            with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                await drop_tables(connection)


async def _run(
    session: Session,
    source: Source,
    options: Options,
    progress: Callable[[Progress], None],
    on_problems: Callable[[AsyncIterator[Problem]], Awaitable[None]] | None,
) -> Result:
    read = await _stage(session, source, options, progress)
    if options.dry_run:
        return await _look_only(session, read, on_problems)
    connection, loader = session.connection, LOADERS[session.kind.name]
    progress(Progress(read, 0, read, 0, 0, 0))
    await loader.arrange(session)
    total = await index_arranged(connection)
    tally, done = Tally(), 0
    while done < total:
        last = min(done + loader.CHUNK, total)
        if loader.GROUPED:
            last = await group_end(connection, last, total)
        tally += await _chunk(session, loader, done + 1, last)
        done = last
        faults.point("imports.after_chunk")
        handled = read - total + done
        progress(Progress(read, handled, read, tally.changed, tally.same, handled - tally.changed - tally.same))
        await asyncio.sleep(0)
    result = Result(read, tally.changed, tally.same, read - tally.changed - tally.same)
    if tally.changed:
        await _record(session, result)
    if on_problems is not None and result.bad:
        await on_problems(_problems(connection))
    return result


async def _look_only(
    session: Session, read: int, on_problems: Callable[[AsyncIterator[Problem]], Awaitable[None]] | None
) -> Result:
    """Find the problems, and undo what was created for finding them."""
    connection = session.connection
    transaction = connection.transaction()
    await transaction.start()
    try:
        await LOADERS[session.kind.name].arrange(session)
        bad = await connection.fetchval("SELECT count(DISTINCT line) FROM import_problems")
        if on_problems is not None and bad:
            await on_problems(_problems(connection))
    finally:
        await transaction.rollback()
    return Result(read, 0, 0, bad)


async def _stage(session: Session, source: Source, options: Options, progress: Callable[[Progress], None]) -> int:
    """Read, check and stage every row, a batch at a time; the answer is how many there were."""
    checker = Checker(session.kind, session.present, zone=options.zone)
    read = 0
    for batch in _batches(source.rows()):
        staged: list[tuple[Any, ...]] = []
        problems: list[Problem] = []
        for item in batch:
            if isinstance(item, Problem):
                problems.append(item)
                continue
            found = checker.check(*item)
            if not isinstance(found, list):
                staged.append(found)
                continue
            problems += found
            if (remainder := checker.remainder(*item)) is not None:
                staged.append(remainder)
        read += len(batch)
        await fill(session.connection, session.kind, staged)
        await session.report(problems)
        progress(Progress(read, 0, None, 0, 0, 0))
        await asyncio.sleep(0)
    await session.connection.execute("ANALYZE import_rows; ANALYZE import_problems")
    return read


Item = TypeVar("Item")


def _batches(rows: Iterable[Item]) -> Iterator[list[Item]]:
    """The rows in lists of `BATCH`. The only rows of a file that are in memory are those of one list."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


async def _chunk(session: Session, loader: ModuleType, first: int, last: int) -> Tally:
    """One chunk in one transaction, tried again when somebody else was in the way."""
    for attempt in range(1, TRIES_MAX + 1):
        try:
            async with session.connection.transaction():
                done: Tally = await loader.load(session, Tx(session.connection), first, last)
                return done
        except AGAIN:
            if attempt == TRIES_MAX:
                raise
            await asyncio.sleep(0.05 * 2**attempt * random.random())  # noqa: S311 - only spreads the attempts
    raise AssertionError


async def _problems(connection: asyncpg.Connection[Any]) -> AsyncIterator[Problem]:
    async with connection.transaction():
        async for row in connection.cursor('SELECT * FROM import_problems ORDER BY line, "column"'):
            yield Problem(*row)


async def _record(session: Session, result: Result) -> None:
    async with session.connection.transaction():
        await audit.record(
            Tx(session.connection),
            actor=session.actor,
            action="import.run",
            subject_kind="import",
            subject=str(session.import_id),
            reason=session.kind.name,
            before=None,
            after={"rows": result.rows, "changed": result.changed, "same": result.same, "bad": result.bad},
        )
