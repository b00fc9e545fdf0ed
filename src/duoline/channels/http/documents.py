"""Documents drawn by a process of their own, so that none that serves requests carries the libraries that draw."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from duoline.channels.http.answers import Answer, Header, Streamed
from duoline.channels.http.table import csv_head, csv_rows
from duoline.kernel.errors import Unavailable, ensure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from typing import Literal

    from duoline.channels.http.table import Column, Table

    Row = Callable[[Any], list[str | int]]

DRAW_S = 60.0
_one_at_a_time = asyncio.Semaphore(1)

MEDIA = {
    "pdf": b"application/pdf",
    "xlsx": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": b"text/csv; charset=utf-8",
    "zip": b"application/zip",
}


async def drawn(program: str, job: Any, *options: str) -> bytes:
    """What `python -m duoline.channels.http.<program>` makes of a job. One is drawn at a time."""
    async with _one_at_a_time:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"duoline.channels.http.{program}",
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(DRAW_S):
                body, problem = await process.communicate(msgspec.json.encode(job))
        except TimeoutError as late:
            raise Unavailable("the document takes too long to draw") from late
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    ensure(process.returncode == 0, "DOCUMENTS", problem.decode(errors="replace")[-500:])
    return body


def download(
    body: bytes, *, name: str, kind: Literal["pdf", "xlsx", "csv", "zip"], inline: bool = False
) -> Answer[Any]:
    """A document as an answer, under a file name, kept by no cache."""
    return Answer(body, media=MEDIA[kind], headers=_headers(name, kind, "inline" if inline else "attachment"))


def _headers(name: str, kind: str, how: str) -> list[Header]:
    file = f"{name}.{kind}"
    plain = re.sub("-{2,}", "-", file.encode("ascii", "ignore").decode())
    disposition = f'{how}; filename="{plain}"'.encode()
    if not file.isascii():
        disposition += f"; filename*=UTF-8''{quote(file)}".encode()
    return [(b"content-disposition", disposition), (b"cache-control", b"private, no-store")]


def csv_file(columns: Sequence[Column], pages: AsyncIterator[Sequence[Any]], *, name: str, row: Row) -> Answer[Any]:
    """A table of any length as CSV: every row of every page, as cells by `row`. Only a page is held at a time."""

    async def parts() -> AsyncIterator[bytes]:
        yield csv_head(columns)
        async for page in pages:
            yield csv_rows([row(one) for one in page])

    return Streamed(parts(), media=MEDIA["csv"], headers=_headers(name, "csv", "attachment"))


async def table_file(table: Table, *, name: str, kind: Literal["pdf", "xlsx", "csv"]) -> Answer[Any]:
    """A table as a file: CSV at once, a workbook or PDF by a process of its own."""
    body = table.as_csv() if kind == "csv" else await drawn("draw_table", table, kind)
    return download(body, name=name, kind=kind)
