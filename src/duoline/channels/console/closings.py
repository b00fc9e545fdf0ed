"""Closing a month: asked for once, done by the worker, and how far it is, for whoever comes back to the page."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import settlement
from duoline.channels.console.statements import MonthInput
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.settlement import closing_runs

PATH = "/api/console/settlement-closings"


class ClosingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A month that is being closed, or was. How many payees and shares there are is known once it runs; `payees_failed`
    could not be closed, and `problem` says what to do then."""

    id: UUID
    month: str
    state: Literal["queued", "running", "done", "failed"]
    payees_total: int | None
    payees_done: int
    payees_failed: int
    shares_total: int | None
    shares_done: int
    by: str
    at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    problem: str | None


def _facts(found: settlement.ClosingRun, language: str) -> ClosingFacts:
    return ClosingFacts(
        id=found.id,
        month=found.month,
        state=found.state,  # type: ignore[arg-type]  # what `closing_runs` writes
        payees_total=found.payees_total,
        payees_done=found.payees_done,
        payees_failed=found.payees_failed,
        shares_total=found.shares_total,
        shares_done=found.shares_done,
        by=found.actor.name,
        at=found.at,
        started_at=found.started_at,
        finished_at=found.finished_at,
        problem=found.problem[language] if found.problem else None,
    )


@post("/api/console/settlement-months", opt=doors.staff("settlement.close"), status_code=202)
async def close_month(write: Write, staff: Staff, data: MonthInput) -> Answer[ClosingFacts]:
    """Make the statements of a month that is over; the worker makes them, and those that are there stay.

    While one closing of the month is under way, asking again is that one.
    """
    settlement.check_over(data.month)

    async def work(tx: Tx) -> ClosingFacts:
        return _facts(await settlement.begin_closing(tx, data.month, actor=staff.actor), write.language)

    return await write.run(work, status=202)


@get(PATH, opt=doors.staff("settlement.close"))
async def list_closings(db: Database, language: str, limit: Limit = 20, cursor: Cursor = None) -> Page[ClosingFacts]:
    """Closings of months, the latest first."""
    before = None
    if cursor:
        at, run_id = cursors.unpack(cursor, datetime, UUID)
        before = at, run_id
    found = await closing_runs.latest(db, before=before, limit=limit + 1)
    following = cursors.pack(found[limit - 1].at, found[limit - 1].id) if len(found) > limit else None
    return Page([_facts(one, language) for one in found[:limit]], next=following)


@get(f"{PATH}/{{closing_id:uuid}}", opt=doors.staff("settlement.close", closing_id=doors.SHARED))
async def show_closing(db: Database, language: str, closing_id: UUID) -> ClosingFacts:
    """One closing: how far it is, and how it ended."""
    return _facts(await closing_runs.get(db, closing_id), language)


ROUTES = [close_month, list_closings, show_closing]
