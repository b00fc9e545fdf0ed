"""Runs imports in the background, each in a process of its own that ends with it.

Reading XLSX and Parquet takes libraries of a hundred megabytes; the worker, which lives as long as the shop is open,
never loads them.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.channels.imports import book
from duoline.kernel import jobs

if TYPE_CHECKING:
    from duoline.kernel.db import Database

log = logging.getLogger(__name__)

RUN_JOB = "imports.run"

REFUSED = 2
"""The exit code of `duoline import --job` when the file as a whole was refused; the book says why."""


class Wanted(msgspec.Struct, frozen=True):
    """Payload of `RUN_JOB`."""

    import_id: UUID


TRIES_MAX = 3


@jobs.handler(RUN_JOB, payload=Wanted, at_once=1)
async def run_import(db: Database, wanted: Wanted) -> None:
    """Run one import to its end. A process that dies half-way is started again and finds what the first one wrote."""
    for _ in range(TRIES_MAX):
        if (await book.get(db, wanted.import_id)).state in ("done", "failed"):
            return
        code = await _run(wanted.import_id)
        log.info("import %s ended with exit code %d", wanted.import_id, code)
    if (await book.get(db, wanted.import_id)).state not in ("done", "failed"):
        await book.fail(
            db,
            wanted.import_id,
            zh="导入多次中断,请查看服务器日志后重新上传;已导入的行保持不变。",
            en="The import was interrupted several times. See the server's log, then upload it again; it goes on.",
        )


async def _run(import_id: UUID) -> int:
    program = await asyncio.create_subprocess_exec(sys.executable, "-m", "duoline", "import", "--job", str(import_id))
    try:
        return await program.wait()
    except asyncio.CancelledError:
        program.terminate()
        await program.wait()
        raise
