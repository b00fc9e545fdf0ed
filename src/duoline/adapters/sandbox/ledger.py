"""A provider's own durable ledger: one SQLite file, one thread that may touch it.

Every call runs as one transaction in that thread, so the event loop never waits for a disk. Commits are
on the disk before they are answered (`synchronous=FULL`). Several processes may open the same file: a
writer takes SQLite's lock at its first statement and the others queue for it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from duoline.adapters.sandbox.schema import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")
LOCK_WAIT_S = 10.0


class Ledger:
    """The file and its thread; `steps` are the statements of each version of it.

    Opened at the first use, closed by `close`, usable again afterwards.
    """

    def __init__(self, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
        self.path = path
        self._steps = steps
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a write transaction; commit when it returns, roll back when it raises."""
        return await self._run("BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on one consistent state of the books."""
        return await self._run("BEGIN", work)

    async def close(self) -> None:
        """Finish what runs and close the file."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        await asyncio.get_running_loop().run_in_executor(thread, self._close)
        thread.shutdown()

    async def _run(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-ledger")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, begin, work)

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._db = self._db or _open(self.path, self._steps)
        db.execute(begin)
        try:
            result = work(db)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
        return result

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _open(path: Path, steps: Sequence[Sequence[str]]) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    # Two processes may start together: the second finds the tables made when it gets the lock.
    db.execute("BEGIN IMMEDIATE")
    known = db.execute("PRAGMA user_version").fetchone()[0]
    if known < len(steps):
        for step in steps[known:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={len(steps)}")
    db.execute("COMMIT")
    return db
