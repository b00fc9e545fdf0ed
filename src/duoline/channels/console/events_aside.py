"""Events that a part of the program failed on for good: seen, and told to it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import aside
from duoline.kernel.db import Database, Tx


class EventAside(msgspec.Struct, frozen=True, kw_only=True):
    """An event that `consumer` could not digest, and why. `about` is the key of what it tells of; `asked` while it
    waits to be told again."""

    id: UUID
    consumer: str
    topic: str
    about: str
    problem: str
    asked: bool
    at: datetime


class TellAgain(Input, frozen=True):
    """Why it will go well now."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


@get("/api/console/events-aside", opt=doors.staff("money.settle"))
async def list_events_aside(db: Database, limit: Limit = 20, cursor: Cursor = None) -> Page[EventAside]:
    """What is put aside, the newest first."""
    at, event_id = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    found = await aside.list_aside(db, limit=limit + 1, before=(at, event_id) if at and event_id else None)
    shown = found[:limit]
    return Page(
        [
            EventAside(
                id=one.id,
                consumer=one.consumer,
                topic=one.topic,
                about=one.about,
                problem=one.problem,
                asked=one.asked,
                at=one.at,
            )
            for one in shown
        ],
        cursors.pack(shown[-1].at, shown[-1].id) if len(found) > limit else None,
    )


@post(
    "/api/console/events-aside/{event_id:uuid}/telling",
    opt=doors.staff("money.settle", event_id=doors.SHARED),
    status_code=204,
)
async def tell_event_again(write: Write, staff: Staff, event_id: UUID, data: TellAgain) -> Answer[None]:
    """Have one told again: the worker does it within seconds. Asked for twice it is told once; the audit log has it.

    Refuses `kernel.not-found` when nothing is put aside by this id.
    """

    async def work(tx: Tx) -> None:
        await aside.ask_again(tx, event_id, reason=data.reason.strip(), actor=staff.actor)

    return await write.run(work, status=204)


ROUTES = [list_events_aside, tell_event_again]
