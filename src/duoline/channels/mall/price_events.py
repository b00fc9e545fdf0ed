"""Prices as they change, for every open page of the mall, whoever looks at it."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from duoline import pricing
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.live import Feed, Frame, Hub
from duoline.kernel.outbox import Event


def _show(event: Event) -> Frame | None:
    return Frame("price", event.payload) if event.topic == pricing.announce.TOPIC else None


FEED = Feed("prices", _show, for_all=frozenset({pricing.announce.TOPIC}))


@get("/api/mall/prices/events", opt=doors.public())
async def price_events(request: Request[Any, Any, Any], hub: Hub) -> Answer[None]:
    """Server-sent events `price` with the SKU whose price has changed, or null for many: ask anew for what is shown."""
    return hub.stream(request, FEED, owner=None)


ROUTES = [price_events]
