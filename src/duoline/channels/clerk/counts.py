"""Counting, goods-in and breakage on the clerk's phone, and the tasks that missing units leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import catalog, inventory
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import count, count_view
from duoline.flows.count_view import CountLineView, CountView, ShortageView
from duoline.inventory import rules
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.stores.directory import Chain

SCANS_MAX = 200
LINES_MAX = 300
AGE_MAX = timedelta(days=2)

Units = Annotated[int, msgspec.Meta(ge=1, le=rules.QUANTITY_MAX)]
Store = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Gtin = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8,14}$")]


class NewCount(Input, frozen=True):
    """What to count: everything ("full"), or a shelf or some articles ("cycle"); with the book hidden or shown."""

    store: Store
    kind: Literal["cycle", "full"]
    blind: bool = True
    title: Annotated[str, msgspec.Meta(max_length=80)] = ""
    shelf: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    sku_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=LINES_MAX)] = ()


class ScanInput(Input, frozen=True):
    """One scan, under the phone's own name for it: so many more or fewer, or so many in all; one of the two.

    `age_ms` is how long ago that was, for what could not be sent at once.
    """

    id: UUID
    sku_id: UUID
    delta: Annotated[int, msgspec.Meta(ge=-rules.QUANTITY_MAX, le=rules.QUANTITY_MAX)] | None = None
    counted: Annotated[int, msgspec.Meta(ge=0, le=rules.QUANTITY_MAX)] | None = None
    age_ms: Annotated[int, msgspec.Meta(ge=0, le=int(AGE_MAX.total_seconds() * 1000))] = 0


class Scans(Input, frozen=True):
    """Scans in the order in which they were made."""

    scans: Annotated[list[ScanInput], msgspec.Meta(min_length=1, max_length=SCANS_MAX)]


class ScansView(msgspec.Struct, frozen=True):
    """The articles that were scanned as they stand now."""

    count: CountView
    lines: list[CountLineView]


class Submission(Input, frozen=True):
    """What is to be said of articles on the list that nobody counted."""

    rest: Literal["absent", "leave"] | None = None


class Shelf(msgspec.Struct, frozen=True):
    """A shelf and how many articles the book has on it."""

    shelf: str
    articles: int


class GoodsLine(Input, frozen=True):
    """Units of an article that came in or broke."""

    sku_id: UUID
    quantity: Units


class Goods(Input, frozen=True):
    """Units that came in or broke, with the supplier's paper or the reason."""

    store: Store
    lines: Annotated[list[GoodsLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class GoodsView(msgspec.Struct, frozen=True):
    """What was booked: units in all, and on hand now by SKU.

    `short` of them, by SKU, broke while they were held: they stay on hand until their customers are served elsewhere.
    """

    id: UUID
    units: int
    on_hand: dict[str, int]
    short: dict[str, int] = {}


class GiveUp(Input, frozen=True):
    """Which units kept by hand are the missing ones."""

    hold_id: UUID


class Nothing(Input, frozen=True):
    """A body without fields."""


class DeltaOrCounted(inventory.BadQuantity):
    """Neither or both were given."""

    code = "inventory.delta-or-counted"
    zh = "每次扫描填写增减数或总数,二者选一。"
    en = "A scan says either how many more or how many in all, one of the two."


@get("/api/clerk/shelves", opt=doors.staff("stock.count", store="store"))
async def list_shelves(db: Database, staff: Staff, store: StoreCode) -> Page[Shelf]:
    """The shelves of the shop, to choose one to count."""
    rows = await db.fetch(
        """SELECT shelf, count(*) AS articles FROM levels WHERE location_id = $1 AND shelf IS NOT NULL
           GROUP BY shelf ORDER BY shelf LIMIT 500""",
        staff.store(store, "stock.count").id,
    )
    return Page([Shelf(row["shelf"], row["articles"]) for row in rows])


@get("/api/clerk/counts", opt=doors.staff("stock.count", store="store"))
async def list_counts(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: StoreCode,
    which: Annotated[Literal["current", "past"], Parameter(description="Under way, or decided.")] = "current",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CountView]:
    """Counts of the shop, the newest first."""
    shop = staff.store(store, "stock.count")
    found = await count_view.counts(
        db,
        scope=(False, [shop.id]),
        location_id=shop.id,
        statuses=("open", "submitted") if which == "current" else ("approved", "cancelled"),
        codes=_codes(chain),
        before=_before(cursor),
        limit=limit + 1,
        hide=True,
    )
    shown = found[:limit]
    return Page(shown, cursors.pack(shown[-1].opened_at, shown[-1].id) if len(found) > limit else None)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, count_id = cursors.unpack(cursor, datetime, UUID)
    return at, count_id


def _codes(chain: Chain) -> dict[UUID, str]:
    return {store_id: store.code for store_id, store in chain.stores.items()}


@post("/api/clerk/counts", opt=doors.staff("stock.count", store="store", sku_ids=doors.SHARED))
async def open_count(write: Write, staff: Staff, chain: Chain, data: NewCount) -> Answer[CountView]:
    """Begin a count."""
    location = staff.store(data.store, "stock.count").id

    async def work(tx: Tx) -> CountView:
        await _known(tx, data.sku_ids)
        count_id = new_id()
        await inventory.open_count(
            tx,
            location_id=location,
            count_id=count_id,
            kind=data.kind,
            blind=data.blind,
            title=data.title.strip(),
            shelf=data.shelf if data.kind == "cycle" else None,
            sku_ids=data.sku_ids if data.kind == "cycle" else (),
            actor=staff.actor,
        )
        return await _count(tx, location, count_id, chain)

    return await write.run(work, status=201)


async def _known(tx: Tx, sku_ids: Sequence[UUID]) -> None:
    wanted = set(sku_ids)
    if len(await catalog.sku_facts(tx, wanted)) != len(wanted):
        raise NotFound


async def _count(db: Database | Tx, location_id: UUID, count_id: UUID, chain: Chain) -> CountView:
    return await count_view.count_of(db, location_id=location_id, count_id=count_id, codes=_codes(chain), hide=True)


async def _locate(db: Database, staff: Staff, count_id: UUID) -> UUID:
    """The location of a count that this clerk may work on. Refuses with `NotFound` when it is elsewhere."""
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM counts WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        count_id,
        *staff.scope("stock.count").sql,
    )
    if location is None:
        raise NotFound
    return location


@get("/api/clerk/counts/{count_id:uuid}", opt=doors.staff("stock.count", count_id="count"))
async def read_count(db: Database, staff: Staff, chain: Chain, count_id: UUID) -> CountView:
    """One count, how far it has come, and what it found as far as that may be seen."""
    return await _count(db, await _locate(db, staff, count_id), count_id, chain)


@get("/api/clerk/counts/{count_id:uuid}/lines", opt=doors.staff("stock.count", count_id="count"))
async def list_count_lines(
    db: Database,
    staff: Staff,
    chain: Chain,
    count_id: UUID,
    only: Literal["all", "counted", "uncounted", "different"] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CountLineView]:
    """Articles of a count by SKU code. While a blind count is open the book is not told."""
    location = await _locate(db, staff, count_id)
    shown = await _count(db, location, count_id, chain)
    found = await count_view.lines(
        db,
        location_id=location,
        count_id=count_id,
        only=only,
        after=cursors.unpack(cursor, str)[0] if cursor else "",
        limit=limit + 1,
        hide=shown.differences is None,
    )
    return Page(found[:limit], cursors.pack(found[limit - 1].sku_code) if len(found) > limit else None)


@post("/api/clerk/counts/{count_id:uuid}/scans", opt=doors.staff("stock.count", count_id="count", sku_id=doors.SHARED))
async def scan_count(
    write: Write, db: Database, staff: Staff, chain: Chain, count_id: UUID, data: Scans
) -> Answer[ScansView]:
    """Count units. Each scan counts once, however often and under whatever key it is sent."""
    location = await _locate(db, staff, count_id)
    if any((one.delta is None) == (one.counted is None) for one in data.scans):
        raise DeltaOrCounted

    async def work(tx: Tx) -> ScansView:
        skus = {one.sku_id for one in data.scans}
        await _known(tx, list(skus))
        now = clock.now()
        scans = [
            inventory.Scanned(one.id, one.sku_id, one.delta, one.counted, now - timedelta(milliseconds=one.age_ms))
            for one in data.scans
        ]
        await inventory.scan(tx, location_id=location, count_id=count_id, scans=scans, actor=staff.actor)
        view = await _count(tx, location, count_id, chain)
        found = await count_view.lines(
            tx,
            location_id=location,
            count_id=count_id,
            sku_ids=list(skus),
            limit=SCANS_MAX,
            hide=view.differences is None,
        )
        return ScansView(view, found)

    return await write.run(work)


@post("/api/clerk/counts/{count_id:uuid}/submission", opt=doors.staff("stock.count", count_id="count"), status_code=200)
async def submit_count(
    write: Write, db: Database, staff: Staff, chain: Chain, count_id: UUID, data: Submission
) -> Answer[CountView]:
    """End counting. Small differences are booked at once; others wait for somebody who may approve them."""
    location = await _locate(db, staff, count_id)

    async def work(tx: Tx) -> CountView:
        await count.submit(tx, location_id=location, count_id=count_id, rest=data.rest, actor=staff.actor)
        return await _count(tx, location, count_id, chain)

    return await write.run(work)


@post(
    "/api/clerk/counts/{count_id:uuid}/cancellation", opt=doors.staff("stock.count", count_id="count"), status_code=200
)
async def cancel_count(
    write: Write, db: Database, staff: Staff, chain: Chain, count_id: UUID, data: Nothing | None
) -> Answer[CountView]:
    """Give a count up; nothing is corrected."""
    location = await _locate(db, staff, count_id)

    async def work(tx: Tx) -> CountView:
        await inventory.cancel_count(tx, location_id=location, count_id=count_id, actor=staff.actor)
        return await _count(tx, location, count_id, chain)

    return await write.run(work)


# --- goods-in and breakage ----------------------------------------------------------------------------


def _units(data: Goods) -> dict[UUID, int]:
    units: dict[UUID, int] = {}
    for line in data.lines:
        units[line.sku_id] = units.get(line.sku_id, 0) + line.quantity
    return units


@post("/api/clerk/receipts", opt=doors.staff("stock.count", store="store", sku_id=doors.SHARED))
async def receive_goods(write: Write, staff: Staff, data: Goods) -> Answer[GoodsView]:
    """Goods-in: units from the supplier, all or none."""
    location, units = staff.store(data.store, "stock.count").id, _units(data)

    async def work(tx: Tx) -> GoodsView:
        await _known(tx, list(units))
        ref_id = new_id()
        done = await inventory.adjust_many(
            tx,
            location_id=location,
            deltas=units,
            reason="receipt",
            ref_id=ref_id,
            actor=staff.actor,
            note=data.note.strip(),
        )
        return GoodsView(ref_id, sum(units.values()), {str(sku): one.after for sku, one in done.items()})

    return await write.run(work, status=201)


@post("/api/clerk/breakages", opt=doors.staff("stock.count", store="store", sku_id=doors.SHARED))
async def write_off_goods(write: Write, staff: Staff, data: Goods) -> Answer[GoodsView]:
    """Breakage: units that cannot be sold, all or none. Those that are held are found elsewhere for their customers."""
    location, units = staff.store(data.store, "stock.count").id, _units(data)

    async def work(tx: Tx) -> GoodsView:
        await _known(tx, list(units))
        ref_id = new_id()
        done = await inventory.set_aside(
            tx, location_id=location, units=units, ref_id=ref_id, actor=staff.actor, note=data.note.strip()
        )
        return GoodsView(
            ref_id,
            sum(units.values()),
            {str(sku): one.after for sku, one in done.items()},
            {str(sku): one.short for sku, one in done.items() if one.short},
        )

    return await write.run(work, status=201)


# --- missing units ------------------------------------------------------------------------------------


@get("/api/clerk/shortages", opt=doors.staff("stock.count", store="store"))
async def list_shortages(db: Database, staff: Staff, chain: Chain, store: StoreCode) -> Page[ShortageView]:
    """Units that are held and were counted as missing, or broke, with whoever they are held for."""
    shop = staff.store(store, "stock.count")
    found = await count_view.shortages(db, scope=(False, [shop.id]), location_id=shop.id, codes=_codes(chain))
    return Page(found, total=len(found))


async def _locate_shortage(db: Database, staff: Staff, shortage_id: UUID) -> UUID:
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM shortages WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        shortage_id,
        *staff.scope("stock.count").sql,
    )
    if location is None:
        raise NotFound
    return location


async def _shortage(tx: Tx, location_id: UUID, shortage_id: UUID, chain: Chain) -> ShortageView:
    found = await count_view.shortages(
        tx, scope=(False, [location_id]), location_id=location_id, shortage_id=shortage_id, codes=_codes(chain)
    )
    if not found:
        raise NotFound
    return found[0]


@post(
    "/api/clerk/shortages/{shortage_id:uuid}/release",
    opt=doors.staff("stock.count", shortage_id="shortage", hold_id="hold"),
    status_code=200,
)
async def release_for_shortage(
    write: Write, db: Database, staff: Staff, chain: Chain, shortage_id: UUID, data: GiveUp
) -> Answer[ShortageView]:
    """Give up units kept by hand: they are the missing ones."""
    location = await _locate_shortage(db, staff, shortage_id)

    async def work(tx: Tx) -> ShortageView:
        await inventory.give_up_for(
            tx, location_id=location, shortage_id=shortage_id, hold_id=data.hold_id, actor=staff.actor
        )
        return await _shortage(tx, location, shortage_id, chain)

    return await write.run(work)


@post(
    "/api/clerk/shortages/{shortage_id:uuid}/found",
    opt=doors.staff("stock.count", shortage_id="shortage"),
    status_code=200,
)
async def found_shortage(
    write: Write, db: Database, staff: Staff, chain: Chain, shortage_id: UUID, data: Nothing | None
) -> Answer[ShortageView]:
    """The units turned up: the task is over and nobody loses anything more."""
    location = await _locate_shortage(db, staff, shortage_id)

    async def work(tx: Tx) -> ShortageView:
        await inventory.found_after_all(tx, location_id=location, shortage_id=shortage_id, actor=staff.actor)
        return await _shortage(tx, location, shortage_id, chain)

    return await write.run(work)


ROUTES = [
    list_shelves,
    list_counts,
    open_count,
    read_count,
    list_count_lines,
    scan_count,
    submit_count,
    cancel_count,
    receive_goods,
    write_off_goods,
    list_shortages,
    release_for_shortage,
    found_shortage,
]
