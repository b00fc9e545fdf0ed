"""Stock at headquarters: levels by shop and SKU, their movements and holds, corrections, safety stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import Parameter

from duoline import catalog, inventory
from duoline.catalog.tree import read_tree
from duoline.catalog.types import SkuFacts
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.order_view import Image, image_of
from duoline.inventory import rules
from duoline.kernel import outbox
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text, plain
from duoline.stores.directory import Chain

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Units = Annotated[int, msgspec.Meta(ge=0, le=rules.QUANTITY_MAX)]
Channel = Literal["mall", "open_api"]
"""Who promises units of a shop besides the shop itself."""


class SkuLine(msgspec.Struct, frozen=True, kw_only=True):
    """An article in words."""

    sku_id: UUID
    sku_code: str
    product_code: str
    gtin: str | None
    name: Text
    options: list[dict[str, Any]]
    image: Image | None


class StockRow(SkuLine, frozen=True, kw_only=True):
    """A level in the list."""

    store_code: str
    store_name: Text
    on_hand: int
    held: int
    safety: int
    available: int
    on_the_way: int
    shelf: str | None


class LevelView(msgspec.Struct, frozen=True, kw_only=True):
    """A level of one SKU. `buffers` are units that channels have to leave; `sendable` may leave the shop now."""

    store_code: str
    store_name: Text
    kind: str
    on_hand: int
    held: int
    safety: int
    available: int
    on_the_way: int
    buffers: dict[str, int]
    sendable: int
    shelf: str | None


class MovementView(msgspec.Struct, frozen=True, kw_only=True):
    """Units that moved, with both ends. `quantity` is signed from the store."""

    at: datetime
    store_code: str
    other: str
    quantity: int
    on_hand_after: int | None
    reason: str
    ref_kind: str
    ref_id: UUID
    actor: str
    note: str


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """Units kept for a reference."""

    id: UUID
    store_code: str
    quantity: int
    state: str
    ref_kind: str
    ref_id: UUID
    expires_at: datetime | None
    created_at: datetime
    note: str


class SkuStock(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU everywhere."""

    sku: SkuLine
    levels: list[LevelView]
    movements: list[MovementView]
    holds: list[HoldView]


class Adjustment(Input, frozen=True):
    """A correction: what was counted, or how many more or fewer; one of the two."""

    store: Code
    sku_id: UUID
    reason: Literal["receipt", "count", "damage", "missing", "return"]
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""
    counted: Units | None = None
    delta: Annotated[int, msgspec.Meta(ge=-rules.QUANTITY_MAX, le=rules.QUANTITY_MAX)] | None = None


class SafetyChange(Input, frozen=True):
    """Units to keep for walk-in customers, and why."""

    store: Code
    sku_id: UUID
    safety: Units
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class BuffersChange(Input, frozen=True):
    """Units that each channel has to leave at a shop, besides the safety stock, and why."""

    store: Code
    sku_id: UUID
    buffers: Annotated[dict[Channel, Units], msgspec.Meta(max_length=8)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


# What a status means of a level.
_STATUS = {
    "all": "true",
    "held": "l.held > 0",
    "low": "duo_available(l.on_hand, l.held, l.safety) = 0",
    "negative": "l.on_hand < l.held",
}


@get("/api/console/stock", opt=doors.staff("stock.read", store="store", category=doors.SHARED))
async def list_stock(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    category: Annotated[str | None, Parameter(max_length=40)] = None,
    status: Literal["all", "held", "low", "negative"] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StockRow]:
    """Levels of the shops one may see, by SKU code. `q` looks into names and codes.

    `category` includes the categories below it.
    """
    everything, locations = staff.scope("stock.read").sql
    after = cursors.unpack(cursor, str, UUID) if cursor else ["", UUID(int=0)]
    rows = await db.fetch_filtered(
        f"""SELECT l.location_id, l.sku_id, s.code, l.on_hand, l.held, l.safety, l.shelf,
                   duo_available(l.on_hand, l.held, l.safety) AS available
            FROM skus s JOIN products d ON d.id = s.product_id JOIN levels l ON l.sku_id = s.id
            JOIN stores p ON p.id = l.location_id  -- not what is in transit: that is told beside its store
            WHERE ($1 OR l.location_id = ANY ($2)) AND ($3::uuid IS NULL OR l.location_id = $3)
              AND ($4 = '' OR s.code ILIKE $4 || '%' OR d.code ILIKE $4 || '%' OR d.name_zh ILIKE '%' || $4 || '%'
                   OR d.name_en ILIKE '%' || $4 || '%')
              AND ($8::uuid[] IS NULL OR d.category_id = ANY ($8))
              AND {_STATUS[status]} AND s.code >= $5 AND (s.code, l.location_id) > ($5, $6)
            ORDER BY s.code, l.location_id LIMIT $7""",  # noqa: S608 - only the constants above are put in
        everything,
        locations,
        staff.store(store, "stock.read").id if store else None,
        plain(q),
        after[0],
        after[1],
        limit + 1,
        await _below(db, category),
    )
    shown = rows[:limit]
    facts = await catalog.sku_facts(db, {row["sku_id"] for row in shown})
    coming = await _coming(db, shown)
    items = [
        StockRow(
            store_code=chain.store(row["location_id"]).code,
            store_name=chain.store(row["location_id"]).name,
            on_hand=row["on_hand"],
            held=row["held"],
            safety=row["safety"],
            available=row["available"],
            on_the_way=coming.get((row["location_id"], row["sku_id"]), 0),
            shelf=row["shelf"],
            **sku_fields(facts[row["sku_id"]]),
        )
        for row in shown
    ]
    following = cursors.pack(shown[-1]["code"], shown[-1]["location_id"]) if len(rows) > limit else None
    return Page(items, following)


async def _below(db: Database, code: str | None) -> list[UUID] | None:
    """A category and all below it; None for every category. Refuses with `NotFound`."""
    if code is None:
        return None
    tree = await read_tree(db)
    if code not in tree.by_code:
        raise NotFound(kind="category", code=code)
    return sorted(tree.below(tree.by_code[code].id))


async def _coming(db: Database | Tx, levels: Sequence[Any]) -> dict[tuple[UUID, UUID], int]:
    """Units on the way to the shops of these levels, by shop and SKU."""
    skus, stores = {row["sku_id"] for row in levels}, {row["location_id"] for row in levels}
    found = await inventory.on_the_way(db, list(skus), list(stores))
    return {(one.store_id, one.sku_id): one.units for one in found}


def sku_fields(facts: SkuFacts) -> dict[str, Any]:
    """The fields of a `SkuLine`."""
    return {
        "sku_id": facts.sku_id,
        "sku_code": facts.sku_code,
        "product_code": facts.product_code,
        "gtin": facts.gtin,
        "name": Text(facts.name.zh, facts.name.en),
        "options": [msgspec.to_builtins(choice) for choice in facts.options],
        "image": image_of(facts.image_sha),
    }


@get("/api/console/stock/{sku_id:uuid}", opt=doors.staff("stock.read", sku_id=doors.SHARED))
async def read_stock(db: Database, staff: Staff, chain: Chain, sku_id: UUID) -> SkuStock:
    """One SKU in the shops one may see: levels, the latest hundred movements and holds."""
    return await _sku_stock(db, staff, chain, sku_id)


async def _sku_stock(db: Database | Tx, staff: Staff, chain: Chain, sku_id: UUID) -> SkuStock:
    facts = (await catalog.sku_facts(db, [sku_id])).get(sku_id)
    if facts is None:
        raise NotFound
    everything, locations = staff.scope("stock.read").sql
    arguments = (sku_id, everything, locations)
    levels = await db.fetch(
        """SELECT l.location_id, l.sku_id, l.on_hand, l.held, l.safety, l.shelf, l.buffers,
                  duo_available(l.on_hand, l.held, l.safety) AS available,
                  duo_shared(l.on_hand, l.held, l.safety, l.outward_reserve, l.outward_cap, l.outward) AS sendable
           FROM levels l JOIN stores p ON p.id = l.location_id
           WHERE l.sku_id = $1 AND ($2 OR l.location_id = ANY ($3))""",
        *arguments,
    )
    coming = await _coming(db, levels)
    places = [row["location_id"] for row in levels]
    movements = await db.fetch(
        """SELECT m.* FROM unnest($1::uuid[]) AS p(location_id), LATERAL (
               SELECT * FROM movements v WHERE v.location_id = p.location_id AND v.sku_id = $2
               ORDER BY v.at DESC LIMIT 100) m
           ORDER BY m.at DESC, m.id DESC LIMIT 100""",
        places,
        sku_id,
    )
    holds = await db.fetch(
        """SELECT * FROM holds WHERE location_id = ANY ($1) AND sku_id = $2 AND state = 'open'
           ORDER BY created_at DESC LIMIT 100""",
        places,
        sku_id,
    )

    transit = {inventory.transit_of(store_id) for store_id in chain.stores}

    def code(location_id: UUID) -> str:
        known = chain.stores.get(location_id)
        if location_id in transit:
            return rules.VIRTUAL[rules.TRANSIT]
        return known.code if known else rules.VIRTUAL.get(location_id, str(location_id))

    return SkuStock(
        sku=SkuLine(**sku_fields(facts)),
        levels=sorted(
            (
                LevelView(
                    store_code=chain.store(row["location_id"]).code,
                    store_name=chain.store(row["location_id"]).name,
                    kind=chain.store(row["location_id"]).kind,
                    on_hand=row["on_hand"],
                    held=row["held"],
                    safety=row["safety"],
                    available=row["available"],
                    on_the_way=coming.get((row["location_id"], sku_id), 0),
                    buffers=row["buffers"],
                    sendable=row["sendable"],
                    shelf=row["shelf"],
                )
                for row in levels
            ),
            key=lambda level: level.store_code,
        ),
        movements=[
            MovementView(
                at=row["at"],
                store_code=code(row["location_id"]),
                other=code(row["other_location_id"]),
                quantity=row["quantity"],
                on_hand_after=row["on_hand_after"],
                reason=row["reason"],
                ref_kind=row["ref_kind"],
                ref_id=row["ref_id"],
                actor=row["actor"],
                note=row["note"],
            )
            for row in movements
        ],
        holds=[
            HoldView(
                id=row["id"],
                store_code=code(row["location_id"]),
                quantity=row["quantity"],
                state=row["state"],
                ref_kind=row["ref_kind"],
                ref_id=row["ref_id"],
                expires_at=row["expires_at"],
                created_at=row["created_at"],
                note=row["note"],
            )
            for row in holds
        ],
    )


class CountOrDelta(inventory.BadQuantity):
    """Neither or both were given."""

    code = "inventory.count-or-delta"
    zh = "请填写盘点数或增减数,二者选一。"
    en = "Give either what was counted or how many more or fewer, one of the two."


@post("/api/console/stock/adjustments", opt=doors.staff("stock.adjust", store="store", sku_id=doors.SHARED))
async def adjust(write: Write, staff: Staff, chain: Chain, data: Adjustment) -> Answer[SkuStock]:
    """Correct what is on hand, with a reason. Refuses to take away what is held for customers.

    Units that broke are set aside all the same: those that are held are found elsewhere for their customers.
    """
    location = staff.store(data.store, "stock.adjust").id
    if (data.counted is None) == (data.delta is None):
        raise CountOrDelta

    async def work(tx: Tx) -> SkuStock:
        if not await tx.fetchval("SELECT true FROM skus WHERE id = $1", data.sku_id):
            raise NotFound
        if data.counted is not None:
            await inventory.correct_to(
                tx,
                location_id=location,
                sku_id=data.sku_id,
                counted=data.counted,
                actor=staff.actor,
                note=data.note,
            )
        elif data.reason == "damage" and (data.delta or 0) < 0:
            await inventory.set_aside(
                tx,
                location_id=location,
                units={data.sku_id: -(data.delta or 0)},
                ref_id=new_id(),
                actor=staff.actor,
                note=data.note,
            )
        else:
            await inventory.adjust(
                tx,
                location_id=location,
                sku_id=data.sku_id,
                delta=data.delta or 0,
                reason=data.reason,
                actor=staff.actor,
                note=data.note,
            )
        await outbox.emit(
            tx,
            topic="stock.changed",
            key=str(data.sku_id),
            payload={"sku_id": str(data.sku_id), "store_code": data.store},
            family="stock",
            owner_id=location,
            store_ids=[location],
        )
        return await _sku_stock(tx, staff, chain, data.sku_id)

    return await write.run(work, status=201)


@put("/api/console/stock/safety", opt=doors.staff("stock.safety", store="store", sku_id=doors.SHARED))
async def set_safety(write: Write, staff: Staff, chain: Chain, data: SafetyChange) -> Answer[SkuStock]:
    """Keep units for walk-in customers, with a reason: other channels are not promised them."""
    location = staff.store(data.store, "stock.safety").id

    async def work(tx: Tx) -> SkuStock:
        if not await tx.fetchval("SELECT true FROM skus WHERE id = $1", data.sku_id):
            raise NotFound
        await inventory.set_safety(
            tx,
            location_id=location,
            sku_id=data.sku_id,
            safety=data.safety,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await _sku_stock(tx, staff, chain, data.sku_id)

    return await write.run(work)


@put("/api/console/stock/buffers", opt=doors.staff("stock.safety", store="store", sku_id=doors.SHARED))
async def set_buffers(write: Write, staff: Staff, chain: Chain, data: BuffersChange) -> Answer[SkuStock]:
    """Say how many units each channel has to leave at a shop, with a reason."""
    location = staff.store(data.store, "stock.safety").id

    async def work(tx: Tx) -> SkuStock:
        if not await tx.fetchval("SELECT true FROM skus WHERE id = $1", data.sku_id):
            raise NotFound
        await inventory.set_buffers(
            tx,
            location_id=location,
            sku_id=data.sku_id,
            buffers=dict(data.buffers.items()),
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await _sku_stock(tx, staff, chain, data.sku_id)

    return await write.run(work)


ROUTES = [list_stock, read_stock, adjust, set_safety, set_buffers]
