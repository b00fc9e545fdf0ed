"""At the counter: what a scan means, what is in stock here and elsewhere, units kept for a customer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import Parameter

from duoline import catalog, favourites, fulfilment, inventory, pricing
from duoline.catalog.scanned import sku_of
from duoline.catalog.types import SkuFacts
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.live import Feed, Frame, Hub
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import keep
from duoline.flows.order_view import Image, image_of
from duoline.flows.places import region_path
from duoline.flows.refused import note_refusal
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.money import Money
from duoline.kernel.outbox import Event
from duoline.kernel.text import Text, plain
from duoline.stores.directory import Chain
from duoline.stores.types import Store, StoreCard


class Scan(Input, frozen=True):
    """What a camera or a keyboard gave, and at which shop."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What it means: a pickup (its fulfilment), a product (its SKU), an order, or nothing known."""

    kind: Literal["pickup", "product", "order", "unknown"]
    fulfilment_id: UUID | None = None
    sku_id: UUID | None = None
    order_no: str | None = None


class Here(msgspec.Struct, frozen=True):
    """The level at this shop; `on_the_way` comes on top of it when it is received."""

    on_hand: int
    held: int
    safety: int
    available: int
    shelf: str | None
    on_the_way: int


class Elsewhere(msgspec.Struct, frozen=True):
    """Units another location can promise, those it may send to others, and those on the way to it."""

    store: StoreCard
    available: int
    sendable: int
    on_the_way: int


class KeptForMember(msgspec.Struct, frozen=True):
    """A unit that is kept here for a member who scanned it; who that is stays theirs."""

    hold_id: UUID
    since: datetime
    until: datetime


class StockItem(msgspec.Struct, frozen=True, kw_only=True):
    """An article here and elsewhere. `kept` are units kept for members, the soonest to end first. What this shop may
    not sell (`sold_here`) can be sent home to a customer."""

    sku_id: UUID
    sku_code: str
    product_code: str
    gtin: str | None
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    price: Money | None
    sold_here: bool
    here: Here
    elsewhere: list[Elsewhere]
    kept: list[KeptForMember]


class Release(Input, frozen=True):
    """At which shop a unit kept for a member is let go, and why."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class HoldRequest(Input, frozen=True):
    """Units to keep for a customer."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    sku_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=20)]
    minutes: Annotated[int, msgspec.Meta(ge=5, le=2880)]
    note: Annotated[str, msgspec.Meta(max_length=100)] = ""


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """Units kept for a customer."""

    id: UUID
    sku_id: UUID
    sku_code: str
    name: Text
    image: Image | None
    quantity: int
    expires_at: datetime
    created_at: datetime
    note: str


@post(
    "/api/clerk/scans",
    opt=doors.staff("fulfil", store="store"),
    status_code=200,
)
async def scan(write: Write, staff: Staff, data: Scan) -> Answer[Meaning]:
    """What a code means at this shop. Wrong pickup codes are counted against the limit."""
    location = staff.store(data.store, "fulfil").id

    async def work(tx: Tx) -> Meaning | Refusal:
        text = data.text.strip()
        if fulfilment.looks_like_code(text):
            sku_id = await sku_of(tx, text)
            if sku_id is not None:  # an eight-digit label is a product before it is a code
                return Meaning(kind="product", sku_id=sku_id)
            found = await fulfilment.find_by_code(tx, location_id=location, text=text, actor=staff.actor)
            return found if isinstance(found, Refusal) else Meaning(kind="pickup", fulfilment_id=found)
        sku_id = await sku_of(tx, text)
        if sku_id is not None:
            return Meaning(kind="product", sku_id=sku_id)
        row = await tx.fetchrow(
            """SELECT id, order_no FROM fulfilments
               WHERE location_id = $1 AND order_no = $2 AND kind <> 'till' ORDER BY id DESC LIMIT 1""",
            location,
            text.upper(),
        )
        if row is None:
            return Meaning(kind="unknown")
        return Meaning(kind="order", fulfilment_id=row["id"], order_no=row["order_no"])

    return await write.run(work)


@get("/api/clerk/stock", opt=doors.staff("stock.read", store="store", sku=doors.SHARED))
async def read_stock(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: StoreCode,
    q: Search = "",
    gtin: Annotated[str | None, Parameter(max_length=14)] = None,
    sku: UUID | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[StockItem]:
    """Articles by name, code or label: what is here, and which shops nearby have them."""
    shop = staff.store(store, "stock.read")
    after = cursors.unpack(cursor, str)[0] if cursor else ""
    chosen = sku or (await sku_of(db, gtin) if gtin else None)
    if gtin and chosen is None:
        return Page([])
    rows = await db.fetch_filtered(
        """SELECT s.id, s.code, coalesce(l.on_hand, 0) AS on_hand, coalesce(l.held, 0) AS held,
                  coalesce(l.safety, 0) AS safety, l.shelf,
                  duo_available(coalesce(l.on_hand, 0), coalesce(l.held, 0), coalesce(l.safety, 0)) AS available,
                  p.price_minor, p.currency, duo_listed(d.id, $1) AS sold_here
           FROM skus s
           JOIN products d ON d.id = s.product_id
           LEFT JOIN levels l ON l.location_id = $1 AND l.sku_id = s.id
           LEFT JOIN LATERAL duo_price(s.id, $1, $2, 'till', $3) p ON true
           WHERE s.state = 'active' AND s.code > $4 AND ($5::uuid IS NULL OR s.id = $5)
             AND ($6 = '' OR d.name_zh ILIKE '%' || $6 || '%' OR d.name_en ILIKE '%' || $6 || '%'
                  OR s.code ILIKE $6 || '%' OR d.code ILIKE $6 || '%')
           ORDER BY s.code LIMIT $7""",
        shop.id,
        region_path(chain, shop),
        clock.now(),
        after,
        chosen,
        plain(q),
        limit + 1,
    )
    shown = rows[:limit]
    ids = [row["id"] for row in shown]
    facts = await catalog.sku_facts(db, ids)
    others = await inventory.available_at(db, ids)
    kept = await db.fetch(
        """SELECT sku_id, id, created_at, expires_at FROM holds
           WHERE location_id = $1 AND sku_id = ANY ($2) AND state = 'open' AND ref_kind = $3 AND expires_at > $4
           ORDER BY expires_at, id""",
        shop.id,
        ids,
        favourites.REF_KIND,
        clock.now(),
    )
    coming = await inventory.on_the_way(db, ids)
    items = [
        _item(
            row,
            facts[row["id"]],
            _elsewhere(row["id"], others, coming, chain, shop),
            kept,
            sum(one.units for one in coming if (one.sku_id, one.store_id) == (row["id"], shop.id)),
        )
        for row in shown
    ]
    return Page(items, cursors.pack(shown[-1]["code"]) if len(rows) > limit else None)


def _elsewhere(
    sku_id: UUID,
    others: Sequence[inventory.Stocked],
    coming: Sequence[inventory.OnTheWay],
    chain: Chain,
    shop: Store,
) -> list[Elsewhere]:
    """The twelve nearest other locations that have it or get it."""
    units = {one.location_id: one for one in others if one.sku_id == sku_id and one.location_id != shop.id}
    way = {one.store_id: one.units for one in coming if one.sku_id == sku_id and one.store_id != shop.id}
    places = [chain.stores[location] for location in units.keys() | way.keys() if location in chain.stores]
    near = chain.nearest(shop.lat, shop.lon, among=places, limit=12) if places else []
    nothing = inventory.Stocked(shop.id, sku_id, 0, 0)
    return [
        Elsewhere(chain.card(place, distance=distance), has.available, has.sendable, way.get(place.id, 0))
        for distance, place in near
        for has in [units.get(place.id, nothing)]
    ]


def _item(row: Any, facts: SkuFacts, elsewhere: list[Elsewhere], kept: Sequence[Any], on_the_way: int) -> StockItem:
    return StockItem(
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        product_code=facts.product_code,
        gtin=facts.gtin,
        name=Text(facts.name.zh, facts.name.en),
        options=[msgspec.to_builtins(choice) for choice in facts.options],
        image=image_of(facts.image_sha),
        price=None if row["price_minor"] is None else Money(row["price_minor"], row["currency"]),
        sold_here=row["sold_here"],
        here=Here(row["on_hand"], row["held"], row["safety"], row["available"], row["shelf"], on_the_way),
        elsewhere=elsewhere,
        kept=[
            KeptForMember(one["id"], one["created_at"], one["expires_at"])
            for one in kept
            if one["sku_id"] == facts.sku_id
        ],
    )


@post(
    "/api/clerk/favourite-holds/{hold_id:uuid}/release",
    opt=doors.staff("stock.adjust", hold_id="hold", store="store"),
    status_code=204,
)
async def release_favourite(write: Write, staff: Staff, hold_id: UUID, data: Release) -> Answer[None]:
    """Let go of a unit that is kept for a member, with a reason for the audit log. For whoever may correct stock.

    One that has ended already is no error.
    """
    location = staff.store(data.store, "stock.adjust").id

    async def work(tx: Tx) -> None:
        row = await tx.fetchrow(
            "SELECT location_id, id, sku_id, expires_at FROM favourite_holds WHERE location_id = $1 AND id = $2",
            location,
            hold_id,
        )
        if row is None:
            raise NotFound
        await keep.give_up(
            tx,
            units=[favourites.KeptUnit(*row)],
            actor=staff.actor,
            reason=data.reason.strip(),
            action="favourite.release",
        )

    return await write.run(work, status=204)


@post("/api/clerk/holds", opt=doors.staff("hold", store="store", sku_id=doors.SHARED))
async def make_hold(write: Write, staff: Staff, trade: Trade, data: HoldRequest) -> Answer[HoldView]:
    """Keep units for a customer until a given time; then they go back by themselves."""
    shop = staff.store(data.store, "hold")
    stored: Answer[HoldView] | None = await write.replay()
    if stored is not None:
        return stored
    # The hold is made in a transaction shared with others, before the answer is stored: its id comes from the key, so
    # that a repeat finds it.
    hold_id = UUID(bytes=hashlib.sha256(staff.id.bytes + write.key.encode()).digest()[:16])
    try:
        await trade.holds.hold(
            hold_id=hold_id,
            location_id=shop.id,
            sku_id=data.sku_id,
            quantity=data.quantity,
            ref_kind="clerk",
            ref_id=hold_id,
            expires_at=clock.now() + timedelta(minutes=data.minutes),
            actor=staff.actor,
            note=data.note,
        )
    except inventory.InsufficientStock as refused:
        await note_refusal(trade.look, refused, channel="counter")
        raise

    async def work(tx: Tx) -> HoldView:
        found = await _holds(tx, shop.id, hold_id)
        if not found:
            raise inventory.HoldGone(holds=[str(hold_id)])
        return found[0]

    return await write.run(work, status=201)


@get("/api/clerk/holds", opt=doors.staff("hold", store="store"))
async def list_holds(db: Database, staff: Staff, store: StoreCode) -> Page[HoldView]:
    """Units kept for customers at this shop, the soonest to expire first."""
    return Page(await _holds(db, staff.store(store, "hold").id, None))


async def _holds(db: Database | Tx, location_id: UUID, hold_id: UUID | None) -> list[HoldView]:
    rows = await db.fetch(
        """SELECT id, sku_id, quantity, expires_at, created_at, note FROM holds
           WHERE location_id = $1 AND state = 'open' AND ref_kind = 'clerk' AND ($2::uuid IS NULL OR id = $2)
           ORDER BY expires_at, id LIMIT 200""",
        location_id,
        hold_id,
    )
    facts = await catalog.sku_facts(db, {row["sku_id"] for row in rows})
    return [
        HoldView(
            id=row["id"],
            sku_id=row["sku_id"],
            sku_code=facts[row["sku_id"]].sku_code,
            name=Text(facts[row["sku_id"]].name.zh, facts[row["sku_id"]].name.en),
            image=image_of(facts[row["sku_id"]].image_sha),
            quantity=row["quantity"],
            expires_at=row["expires_at"],
            created_at=row["created_at"],
            note=row["note"],
        )
        for row in rows
    ]


@delete("/api/clerk/holds/{hold_id:uuid}", opt=doors.staff("hold", hold_id="hold", store="store"), status_code=204)
async def end_hold(write: Write, staff: Staff, store: StoreCode, hold_id: UUID) -> Answer[None]:
    """Give the units back before their time. A hold that has ended already is no error."""
    location = staff.store(store, "hold").id

    async def work(tx: Tx) -> None:
        mine = await tx.fetchval(
            "SELECT true FROM holds WHERE location_id = $1 AND id = $2 AND ref_kind = 'clerk'", location, hold_id
        )
        if not mine:
            raise NotFound
        await inventory.give_up(tx, location_id=location, hold_id=hold_id, actor=staff.actor)

    return await write.run(work, status=204)


def _show(event: Event) -> Frame | None:
    if event.topic.startswith("fulfilment."):
        return Frame("fulfilment", event.payload)
    if event.topic == "orders.placed":
        return Frame("fulfilment", {"order_id": event.payload["order_id"], "state": event.payload["state"]})
    if event.topic == "stock.kept":
        return Frame("stock", event.payload)
    if event.topic == "stock.shortage":
        return Frame("shortage", event.payload)
    if event.topic.startswith("transfer."):
        return Frame("transfer", event.payload)
    if event.topic == "orders.home-sale":
        return Frame("sale", event.payload)
    if event.topic == "till.changed":
        return Frame("till", event.payload)
    if event.topic == pricing.announce.TOPIC:
        return Frame("price", event.payload)
    if event.topic in ("orders.sold", "orders.returned"):
        return Frame("stock", {"order_id": event.payload["order_id"]})
    return None


FEED = Feed("clerk", _show, for_all=frozenset({pricing.announce.TOPIC}))


@get("/api/clerk/events", opt=doors.staff("fulfil", store="store"))
async def events(staff: Staff, hub: Hub, request: Request[Any, Any, Any], store: StoreCode) -> Answer[None]:
    """The shop's live updates (server-sent events)."""
    shop = staff.store(store, "fulfil").id
    return hub.stream(request, FEED, owner=staff, store_ids={shop}, still=lambda: shop in staff.scope("fulfil"))


ROUTES = [scan, read_stock, release_favourite, make_hold, list_holds, end_hold, events]
