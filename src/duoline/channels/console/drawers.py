"""Drawers of the shops one may see: who opened and counted each, what it should have held, what was missing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import Parameter, QueryParameter

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.flows import drawer_view
from duoline.flows.drawer_view import DrawerView, Which
from duoline.kernel.db import Database
from duoline.stores.directory import Chain

Since = Annotated[date | None, QueryParameter(name="from", description="First day, of each shop.")]
Until = Annotated[date | None, QueryParameter(name="to", description="Last day, of each shop.")]


@get("/api/console/drawer-sessions", opt=doors.staff("drawers.read", store="store"))
async def list_sessions(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    which: Which = "all",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DrawerView]:
    """Drawers of the shops one may see, the newest first: all, those open or closed, those whose count differed."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    found = await drawer_view.sessions(
        db,
        chain,
        staff.scope("drawers.read"),
        which=which,
        location_id=staff.store(store, "drawers.read").id if store else None,
        since=since,
        until=until,
        before=(before[0], before[1]) if before else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    return Page(shown, cursors.pack(shown[-1].opened_at, shown[-1].id) if len(found) > limit else None)


@get("/api/console/drawer-sessions/{session_id:uuid}", opt=doors.staff("drawers.read", session_id="drawer"))
async def read_session(db: Database, staff: Staff, chain: Chain, session_id: UUID) -> DrawerView:
    """One drawer from its float to its count."""
    location = await drawer_view.locate(db, session_id, staff.scope("drawers.read"))
    return await drawer_view.session_of(db, chain, location, session_id)


ROUTES = [list_sessions, read_session]
