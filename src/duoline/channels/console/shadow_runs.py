"""Pricing what lies on the shelves: when it was done, and having it done now."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import price_shelves
from duoline.fulfilment import shadow_book
from duoline.kernel.db import Database, Tx


class ShadowRun(msgspec.Struct, frozen=True, kw_only=True):
    """One pricing of all shelves: how many have a price, by how many programs, and how many articles by scarcity."""

    id: UUID
    state: Literal["queued", "running", "done", "failed"]
    asked_at: datetime
    finished_at: datetime | None
    by: str
    shelves: int | None
    programs: int | None
    by_scarcity: int | None


@get("/api/console/shadow-runs", opt=doors.staff("policies.read"))
async def list_runs(db: Database, limit: Limit = 5, cursor: Cursor = None) -> Page[ShadowRun]:
    """When the shelves were priced, the latest first."""
    before = None
    if cursor:
        at, run_id = cursors.unpack(cursor, datetime, UUID)
        before = at, run_id
    found = await shadow_book.latest(db, before=before, limit=limit + 1)
    following = cursors.pack(found[limit - 1].asked_at, found[limit - 1].id) if len(found) > limit else None
    return Page([_view(run) for run in found[:limit]], following)


@post("/api/console/shadow-runs", opt=doors.staff("policies.edit"), status_code=202)
async def start_run(write: Write, staff: Staff) -> Answer[ShadowRun]:
    """Have the shelves priced now, in the background. While one waits, it is the answer to whoever asks again."""

    async def work(tx: Tx) -> ShadowRun:
        return _view(await price_shelves.ask(tx, actor=staff.actor))

    return await write.run(work, status=202)


def _view(run: shadow_book.Run) -> ShadowRun:
    return ShadowRun(
        id=run.id,
        state=run.state,  # type: ignore[arg-type]  # what the book's constraint allows
        asked_at=run.asked_at,
        finished_at=run.finished_at,
        by=run.actor_name,
        shelves=run.shelves,
        programs=run.programs,
        by_scarcity=run.by_scarcity,
    )


ROUTES = [list_runs, start_run]
