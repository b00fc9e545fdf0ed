"""Prices as they change, for every open page of the mall: for whoever looks at it, or for one member by their tier."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from duoline import pricing
from duoline.channels.http import doors, sessions
from duoline.channels.http.answers import Answer
from duoline.channels.http.live import Feed, Frame, Hub
from duoline.channels.http.sessions import Visitor
from duoline.kernel.outbox import Event
from duoline.members import stand


def _show(event: Event) -> Frame | None:
    if event.topic == stand.TOPIC:
        return Frame("price", {"sku_id": None, "again_s": sessions.REMEMBER_S})
    return Frame("price", event.payload) if event.topic == pricing.announce.TOPIC else None


FEED = Feed("prices", _show, for_all=frozenset({pricing.announce.TOPIC}))


@get("/api/mall/prices/events", opt=doors.public())
async def price_events(request: Request[Any, Any, Any], visitor: Visitor, hub: Hub) -> Answer[None]:
    """Server-sent events `price` with the SKU whose price has changed, or null for many: ask anew for what is shown.

    A member hears besides that their tier has changed, and with it any price. Then `again_s` says after how many
    seconds to ask once more: the process that answers first may not have heard of it yet.
    """
    member = visitor.member
    # A guest has no tier: they pass by, and leave room.
    if member is None or member.kind != "member":
        return hub.stream(request, FEED, owner=None)
    return hub.stream(request, FEED, owner=member, member_ids={member.id})


ROUTES = [price_events]
