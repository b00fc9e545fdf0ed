"""Whether the process lives, whether it is ready, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, get

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, answer, text_answer
from duoline.kernel import metrics
from duoline.kernel.db import Database
from duoline.stores import directory

CHECK_S = 2.0

# A check gives None when all is well, or what is wrong in a short sentence.
Check = Callable[[], Awaitable[str | None]]


class Readiness(msgspec.Struct):
    """`problems` is empty when the process can take requests."""

    ready: bool
    problems: list[str]


@get("/healthz", opt=doors.public(), include_in_schema=False)
async def healthz() -> Answer[Any]:
    """The process answers."""
    return text_answer("ok\n", media="text/plain")


@get("/readyz", opt=doors.public(), include_in_schema=False)
async def readyz(request: Request[Any, Any, Any], db: Database) -> Answer[Readiness]:
    """200 when requests can be served, else 503 with the reasons."""
    checks: list[Check] = [lambda: _database(db), _stores, *request.app.state.ready_checks]
    found = await asyncio.gather(*(_within(check) for check in checks))
    problems = [problem for problem in found if problem is not None]
    return answer(Readiness(not problems, problems), status=503 if problems else 200)


@get("/metrics", opt=doors.public(), include_in_schema=False)
async def prometheus() -> Answer[Any]:
    """Counts for Prometheus."""
    return Answer(metrics.render(), media=metrics.CONTENT_TYPE.encode())


async def _within(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), CHECK_S)
    except TimeoutError:
        return "a check did not answer in time"


async def _database(db: Database) -> str | None:
    try:
        await db.fetchval("SELECT 1")
    except Exception as error:
        return f"the database does not answer: {type(error).__name__}"
    return None


async def _stores() -> str | None:
    return None if directory.current().fingerprint else "the directory of stores is not loaded"


ROUTES = [healthz, readyz, prometheus]
