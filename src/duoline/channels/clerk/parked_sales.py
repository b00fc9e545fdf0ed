"""Baskets that a till puts aside, for any clerk of the shop to take up at any till."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import catalog, orders
from duoline.catalog.types import SkuFacts
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.order_view import Image, image_of
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.stores import hours

COUPONS_MAX = 20
OPT = doors.staff("sell", parked_id="parked_sale")


class ParkedLine(Input, frozen=True):
    """Units of an article."""

    sku_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]


class NewParked(Input, frozen=True):
    """A basket to put aside. Of coupons on paper only their number is kept: they have to be shown again."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    lines: Annotated[list[ParkedLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=60)] = ""
    coupons: Annotated[int, msgspec.Meta(ge=0, le=COUPONS_MAX)] = 0


class ParkedArticle(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an article in a parked basket."""

    sku_id: UUID
    quantity: int
    name: Text
    image: Image | None


class ParkedView(msgspec.Struct, frozen=True, kw_only=True):
    """A basket that was put aside, by whom and when; it ends at `ends_at`. `coupons` were shown on paper."""

    id: UUID
    lines: list[ParkedArticle]
    units: int
    coupons: int
    phone: str
    note: str
    parked_at: datetime
    parked_by: str
    ends_at: datetime


class Nothing(Input, frozen=True):
    """A body without fields."""


@get("/api/clerk/parked-sales", opt=doors.staff("sell", store="store"))
async def list_parked(db: Database, staff: Staff, store: StoreCode) -> Page[ParkedView]:
    """What is put aside at the shop, the oldest first."""
    found = await orders.parked_at(db, staff.store(store, "sell").id)
    facts = await catalog.sku_facts(db, {sku_id for one in found for sku_id, _ in one.lines})
    return Page([_view(one, facts) for one in found], total=len(found))


@post("/api/clerk/parked-sales", opt=doors.staff("sell", store="store", sku_id=doors.SHARED, phone=doors.SHARED))
async def park(write: Write, staff: Staff, data: NewParked) -> Answer[ParkedView]:
    """Put a basket aside until the shop closes tomorrow. Nothing is held and no price is kept.

    Refuses `kernel.not-found` for an article that is none, `orders.too-many-parked`.
    """
    shop = staff.store(data.store, "sell")
    phone = phones.normalise(data.phone) if data.phone else ""
    units: dict[UUID, int] = {}
    for line in data.lines:
        units[line.sku_id] = units.get(line.sku_id, 0) + line.quantity

    async def work(tx: Tx) -> ParkedView:
        facts = await catalog.sku_facts(tx, units.keys())
        if len(facts) != len(units):
            raise NotFound
        now = clock.now()
        ends_at = hours.closing_next_day(shop.hours, now)
        note = data.note.strip()
        parked_id = await orders.park(
            tx,
            shop.id,
            lines=list(units.items()),
            coupons=data.coupons,
            phone=phone,
            note=note,
            ends_at=ends_at,
            actor=staff.actor,
        )
        parked = orders.Parked(
            parked_id, list(units.items()), data.coupons, phone, note, now, staff.actor.name, ends_at
        )
        return _view(parked, facts)

    return await write.run(work, status=201)


@post("/api/clerk/parked-sales/{parked_id:uuid}/resumption", opt=OPT, status_code=200)
async def resume(write: Write, db: Database, staff: Staff, parked_id: UUID, data: Nothing | None) -> Answer[ParkedView]:
    """Take a basket up again, exactly once; it is rung up at today's prices. Refuses `orders.parked-taken`."""
    location = await _locate(db, staff, parked_id)

    async def work(tx: Tx) -> ParkedView:
        parked = await orders.take_parked(tx, location, parked_id, how="resumed", actor=staff.actor)
        return _view(parked, await catalog.sku_facts(tx, {sku_id for sku_id, _ in parked.lines}))

    return await write.run(work)


@post("/api/clerk/parked-sales/{parked_id:uuid}/discarding", opt=OPT, status_code=204)
async def discard(write: Write, db: Database, staff: Staff, parked_id: UUID, data: Nothing | None) -> Answer[None]:
    """Nobody wants it any more. Refuses `orders.parked-taken`."""
    location = await _locate(db, staff, parked_id)

    async def work(tx: Tx) -> None:
        await orders.take_parked(tx, location, parked_id, how="discarded", actor=staff.actor)

    return await write.run(work, status=204)


async def _locate(db: Database, staff: Staff, parked_id: UUID) -> UUID:
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM parked_sales WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        parked_id,
        *staff.scope("sell").sql,
    )
    if location is None:
        raise NotFound
    return location


def _view(one: orders.Parked, facts: Mapping[UUID, SkuFacts]) -> ParkedView:
    return ParkedView(
        id=one.id,
        lines=[
            ParkedArticle(
                sku_id=sku_id,
                quantity=quantity,
                name=Text(facts[sku_id].name.zh, facts[sku_id].name.en),
                image=image_of(facts[sku_id].image_sha),
            )
            for sku_id, quantity in one.lines
        ],
        units=sum(quantity for _, quantity in one.lines),
        coupons=one.coupons,
        phone=phones.national(one.phone),
        note=one.note,
        parked_at=one.parked_at,
        parked_by=one.parked_name,
        ends_at=one.ends_at,
    )


ROUTES = [list_parked, park, resume, discard]
