"""Stores as members see them: the list, the nearest, one with its week."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.params import QueryParameter

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Latitude, Limit, Longitude, Page, Search, answer
from duoline.fulfilment import PICKUP
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.hours import Span, today
from duoline.stores.types import Store, StoreCard

Service = Annotated[
    Literal["pickup", "ship", "returns"] | None, QueryParameter(description="Only stores that offer it.")
]


class DifferentDay(msgspec.Struct):
    """A date with hours of its own; no spans means closed."""

    on: date
    spans: list[Span]
    reason: Text


class PickupPolicy(msgspec.Struct):
    """How long a ready order is kept."""

    keep_hours: int


class StorePage(StoreCard, frozen=True):
    """A store with its week (Monday first), the dates that differ, and how it keeps orders."""

    week: list[list[Span]]
    exceptions: list[DifferentDay]
    pickup_policy: PickupPolicy


@get("/api/mall/stores", opt=doors.public())
async def list_stores(
    chain: Chain,
    q: Search = "",
    service: Service = None,
    lat: Latitude = None,
    lon: Longitude = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[StoreCard]:
    """Open stores, the nearest first when a position is given, else by code."""
    wanted = [store for store in chain.shops(service=service) if _fits(store, q)]
    if lat is not None and lon is not None:
        found: list[tuple[int | None, Store]] = list(chain.nearest(lat, lon, among=wanted))
    else:
        found = [(None, store) for store in wanted]
    start = cursors.unpack(cursor, int)[0] if cursor else 0
    page = found[max(start, 0) : max(start, 0) + limit]
    now = clock.now()
    more = start + limit < len(found)
    return Page(
        [chain.card(store, at=now, distance=distance) for distance, store in page],
        cursors.pack(start + limit) if more else None,
        len(found),
    )


@get("/api/mall/stores/{code:str}", opt=doors.public(code=doors.SHARED))
async def get_store(chain: Chain, code: str, lat: Latitude = None, lon: Longitude = None) -> Answer[StorePage]:
    """One store. Distribution centres and stores that are not open to the public are not found."""
    return answer(store_page(chain, code, lat=lat, lon=lon))


def store_page(chain: Chain, code: str, *, lat: float | None = None, lon: float | None = None) -> StorePage:
    """What the page of a store says, also read by its server-rendered head. Refuses with `NotFound`."""
    store = chain.coded(code)
    if store.kind != "store" or store.state == "draft":
        raise NotFound(kind="store", code=code)
    distance = None if lat is None or lon is None else chain.nearest(lat, lon, among=[store])[0][0]
    card = chain.card(store, distance=distance)
    first = today(store.hours, clock.now())
    return StorePage(
        **{name: getattr(card, name) for name in StoreCard.__struct_fields__},
        week=[list(day) for day in store.hours.week],
        exceptions=[
            DifferentDay(each.on, list(each.spans), each.reason)
            for each in chain.exceptions.get(store.id, ())
            if each.on >= first
        ],
        pickup_policy=PickupPolicy(PICKUP.current().body.keep_hours),
    )


def _fits(store: Store, q: str) -> bool:
    """Every word is somewhere in the code, a name, an address or the city."""
    words = q.lower().split()
    if not words:
        return True
    parts = (store.code, store.name.zh, store.name.en, store.address.zh, store.address.en, store.city, store.province)
    text = " ".join(parts).lower()
    return all(word in text for word in words)


ROUTES = [list_stores, get_store]
