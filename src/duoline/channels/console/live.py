"""Live updates of headquarters: what happens to orders, stock and prices of the shops one may see."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.live import Feed, Frame, Hub
from duoline.channels.http.sessions import Staff
from duoline.kernel.outbox import Event


def _show(event: Event) -> Frame | None:
    if event.topic.startswith(("orders.", "fulfilment.", "stock.", "price.", "transfer.")):
        # An order's amounts are its whole; a shop that serves a part of it is sent the same frame as headquarters.
        told = {name: value for name, value in event.payload.items() if name != "total_minor"}
        return Frame(event.topic.partition(".")[0], {"topic": event.topic, "at": event.at, **told})
    return None


FEED = Feed("console", _show)


@get("/api/console/events", opt=doors.staff("orders.read"))
async def events(staff: Staff, hub: Hub, request: Request[Any, Any, Any]) -> Answer[None]:
    """Live updates of the shops one may see (server-sent events)."""
    scope = staff.scope("orders.read")
    return hub.stream(
        request,
        FEED,
        owner=staff,
        everything=scope.everything,
        store_ids=scope.store_ids,
        still=lambda: staff.scope("orders.read") == scope,
    )


ROUTES = [events]
