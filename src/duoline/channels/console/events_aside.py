"""Events that a part of the program failed on for good: seen, and told to it again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import aside
from duoline.kernel.db import Database, Tx


class AsideOrder(msgspec.Struct, frozen=True):
    """The order that an event tells of."""

    id: UUID
    order_no: str


class EventAside(msgspec.Struct, frozen=True, kw_only=True):
    """An event that `consumer` could not digest in so many `tries`, and what was wrong the last time. `about` is the
    key of what it tells of; `order` and `member_id` lead to what has a page. `asked` while it waits to be told again.
    """

    id: UUID
    consumer: str
    topic: str
    about: str
    problem: str
    asked: bool
    at: datetime
    tries: int
    order: AsideOrder | None
    member_id: UUID | None


CHOSEN_MAX = 50
Chosen = Annotated[list[UUID] | None, Parameter(max_items=CHOSEN_MAX, description="Only these, by id.")]


class TellAgain(Input, frozen=True):
    """Why it will go well now."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


@get("/api/console/events-aside", opt=doors.staff("money.settle", event=doors.SHARED))
async def list_events_aside(
    db: Database, event: Chosen = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[EventAside]:
    """What is put aside, the newest first. What was told again and went well is not in it any more."""
    at, event_id = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    before = (at, event_id) if at and event_id else None
    found = await aside.list_aside(db, limit=limit + 1, before=before, among=event)
    shown = found[:limit]
    orders = await _orders(db, {one.id: order_id for one in shown if (order_id := _order_of(one)) is not None})
    members = await _members(db, {one.member_id for one in shown if one.member_id is not None})
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
                tries=one.tries,
                order=orders.get(one.id),
                member_id=one.member_id if one.member_id in members else None,
            )
            for one in shown
        ],
        cursors.pack(shown[-1].at, shown[-1].id) if len(found) > limit else None,
        await aside.count(db) if event is None else None,
    )


def _order_of(one: aside.PutAside) -> UUID | None:
    """The order that an event names, or whose own event it is."""
    named = one.payload.get("order_id") or (one.about if one.topic.startswith("orders.") else None)
    try:
        return UUID(str(named))
    except ValueError:
        return None


async def _orders(db: Database, wanted: Mapping[UUID, UUID]) -> dict[UUID, AsideOrder]:
    """By event, the orders that there are."""
    rows = await db.fetch("SELECT id, order_no FROM orders WHERE id = ANY ($1)", list(set(wanted.values())))
    found = {row["id"]: AsideOrder(row["id"], row["order_no"]) for row in rows}
    return {event_id: found[order_id] for event_id, order_id in wanted.items() if order_id in found}


async def _members(db: Database, ids: Collection[UUID]) -> set[UUID]:
    """Those who have a page: guests have none."""
    rows = await db.fetch("SELECT member_id FROM members WHERE member_id = ANY ($1) AND kind = 'member'", list(ids))
    return {row["member_id"] for row in rows}


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
