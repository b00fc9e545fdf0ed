"""Assortments: listed, looked at, added, changed, ended, tried before; and what a shop may not sell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import Parameter

from duoline.catalog import assortments
from duoline.catalog.assortments import Assortment, from_row
from duoline.catalog.tree import Tree, read_tree
from duoline.channels.console.promotion_codes import state_of
from duoline.channels.console.promotion_shapes import Codes, Instant, Named, PromotionName, Reason, State, Version
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text, plain
from duoline.stores.directory import Chain

PATH = "/api/console/assortments"
READ = doors.staff("policies.read")
READ_ONE = doors.staff("policies.read", assortment_id=doors.SHARED)
ADD = doors.staff("catalogue.edit", stores=doors.SHARED)
CHANGE = doors.staff("catalogue.edit", assortment_id=doors.SHARED, stores=doors.SHARED)
END = doors.staff("catalogue.edit", assortment_id=doors.SHARED)


class AssortmentInput(Input, frozen=True):
    """Goods, by code: products, all of categories with those below, all of brands; and places: shops, and all of
    regions. `only`: sold there and nowhere else; `never`: not sold there. It begins now when `from_at` is left out."""

    name: PromotionName
    kind: assortments.Kind
    products: Codes = msgspec.field(default_factory=list)
    categories: Codes = msgspec.field(default_factory=list)
    brands: Codes = msgspec.field(default_factory=list)
    stores: Codes = msgspec.field(default_factory=list)
    regions: Codes = msgspec.field(default_factory=list)
    from_at: Instant | None = None
    until_at: Instant | None = None


class NewAssortment(Input, frozen=True):
    """An assortment to be added, and why."""

    assortment: AssortmentInput
    reason: Reason


class AssortmentChange(Input, frozen=True):
    """What it is to be from now on, the version that was read, and why."""

    assortment: AssortmentInput
    version: Version
    reason: Reason


class AssortmentEnd(Input, frozen=True):
    """The version that was read, and why it ends."""

    version: Version
    reason: Reason


class AssortmentTrial(Input, frozen=True):
    """What would be said."""

    assortment: AssortmentInput


class AssortmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An assortment, with who wrote it last and why. `by` is None for what no person has written."""

    id: UUID
    version: int
    state: State
    name: Text
    kind: assortments.Kind
    products: list[Named]
    categories: list[Named]
    brands: list[Named]
    stores: list[Named]
    regions: list[Named]
    from_at: datetime
    until_at: datetime | None
    by: str | None
    reason: str
    updated_at: datetime


class AssortmentEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What it comes to by itself: how many products and shops it names, how many shops would not sell these products,
    and how many units lie in those shops: they can be sent home to members, or to other shops."""

    products: int
    places: int
    barred_shops: int
    units_there: int


class Unlisted(msgspec.Struct, frozen=True, kw_only=True):
    """A product that a shop may not sell, by which assortments that hold now, and how many units lie there."""

    product_code: str
    name: Text
    because: list[Text]
    units: int


# $1 now, $2 state, $3 words.
_WHERE = """
FROM assortments a
WHERE CASE $2 WHEN 'live' THEN a.from_at <= $1::timestamptz AND (a.until_at IS NULL OR a.until_at > $1)
              WHEN 'coming' THEN a.from_at > $1 AND (a.until_at IS NULL OR a.until_at > $1)
              WHEN 'over' THEN a.until_at <= $1 ELSE true END
  AND ($3 = '' OR a.name_zh ILIKE '%' || $3 || '%' OR a.name_en ILIKE '%' || $3 || '%')
"""
_COLUMNS = "a.*, (SELECT s.name FROM staff s WHERE s.id = a.actor_id) AS by"
_ROWS = f"""
SELECT {_COLUMNS} {_WHERE} AND ($4::timestamptz IS NULL OR (a.from_at, a.id) < ($4, $5::uuid))
ORDER BY a.from_at DESC, a.id DESC LIMIT $6
"""
_TOTAL = f"SELECT count(*) {_WHERE}"
_ONE = f"SELECT {_COLUMNS} FROM assortments a WHERE a.id = $1"  # noqa: S608 - constants

# $1 products, $2 categories with those below, $3 brands, $4 shops, $5 whether those are the only ones to sell.
_EFFECT = """
WITH goods AS (
    SELECT p.id FROM products p WHERE p.id = ANY ($1) OR p.category_id = ANY ($2) OR p.brand_id = ANY ($3)
), shops AS (SELECT s.id FROM stores s WHERE s.kind = 'store' AND (s.id = ANY ($4)) <> $5)
SELECT (SELECT count(*) FROM goods)::integer AS products, (SELECT count(*) FROM shops)::integer AS barred_shops,
       (SELECT coalesce(sum(l.on_hand), 0) FROM goods g JOIN skus k ON k.product_id = g.id
        JOIN levels l ON l.sku_id = k.id WHERE l.location_id IN (SELECT id FROM shops))::integer AS units_there
"""

# $1 shop, $2 words, $3 after this code, $4 how many, $5 now.
_UNLISTED = """
SELECT p.id, p.code, p.name_zh, p.name_en,
       (SELECT coalesce(sum(l.on_hand), 0)::integer FROM skus k
        JOIN levels l ON l.location_id = $1 AND l.sku_id = k.id WHERE k.product_id = p.id) AS units,
       p.category_id, p.brand_id
FROM unlisted u JOIN products p ON p.id = u.product_id
WHERE $1 = ANY (u.store_ids) AND p.code > $3
  AND ($2 = '' OR p.code ILIKE $2 || '%' OR p.name_zh ILIKE '%' || $2 || '%' OR p.name_en ILIKE '%' || $2 || '%')
ORDER BY p.code LIMIT $4
"""
_HELD = "SELECT * FROM assortments WHERE from_at <= $1 AND (until_at IS NULL OR until_at > $1) ORDER BY from_at, id"


@get(PATH, opt=READ)
async def list_assortments(
    db: Database,
    chain: Chain,
    q: Annotated[str, Parameter(max_length=60, description="A part of the name.")] = "",
    which: Annotated[Literal["live", "coming", "over", "all"], Parameter(description="When it holds.")] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AssortmentRow]:
    """Assortments, those that begin last first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    asked = clock.now(), which, plain(q)
    rows = await db.fetch_filtered(_ROWS, *asked, *before, limit + 1)
    shown = await _shown(db, chain, rows[:limit])
    return Page(
        shown,
        cursors.pack(shown[-1].from_at, shown[-1].id) if len(rows) > limit else None,
        await db.fetchval(_TOTAL, *asked),
    )


@get(f"{PATH}/{{assortment_id:uuid}}", opt=READ_ONE)
async def show_assortment(db: Database, chain: Chain, assortment_id: UUID) -> AssortmentRow:
    """One assortment."""
    return await _one(db, chain, assortment_id)


@post(PATH, opt=ADD)
async def add_assortment(write: Write, staff: Staff, chain: Chain, data: NewAssortment) -> Answer[AssortmentRow]:
    """Say what shops may sell, from an instant on."""

    async def work(tx: Tx) -> AssortmentRow:
        made = await _decoded(tx, chain, data.assortment, assortment_id=new_id(), version=1)
        await assortments.add(tx, made, reason=data.reason.strip(), actor=staff.actor)
        return await _one(tx, chain, made.id)

    return await write.run(work, status=201)


@put(f"{PATH}/{{assortment_id:uuid}}", opt=CHANGE)
async def change_assortment(
    write: Write, staff: Staff, chain: Chain, assortment_id: UUID, data: AssortmentChange
) -> Answer[AssortmentRow]:
    """Say what an assortment is from now on; refused when somebody else has changed it since `version` was read."""

    async def work(tx: Tx) -> AssortmentRow:
        made = await _decoded(tx, chain, data.assortment, assortment_id=assortment_id, version=data.version)
        await assortments.change(tx, made, reason=data.reason.strip(), actor=staff.actor)
        return await _one(tx, chain, assortment_id)

    return await write.run(work)


@post(f"{PATH}/{{assortment_id:uuid}}/end", opt=END, status_code=200)
async def end_assortment(
    write: Write, staff: Staff, chain: Chain, assortment_id: UUID, data: AssortmentEnd
) -> Answer[AssortmentRow]:
    """End an assortment now: its goods are sold as if it had never been."""

    async def work(tx: Tx) -> AssortmentRow:
        await assortments.end(tx, assortment_id, version=data.version, reason=data.reason.strip(), actor=staff.actor)
        return await _one(tx, chain, assortment_id)

    return await write.run(work)


@post(f"{PATH}/trial", opt=ADD, status_code=200)
async def try_assortment(write: Write, db: Database, chain: Chain, data: AssortmentTrial) -> AssortmentEffect:
    """What an assortment would come to by itself. Nothing is stored."""
    del write  # takes part in the rule that every POST names its key
    made = await _decoded(db, chain, data.assortment, assortment_id=new_id(), version=1)
    tree = await read_tree(db)
    below = [each for each in tree.categories if made.category_ids & set(tree.path_ids(each))]
    places = _places(made, chain)
    row = await db.fetchrow(
        _EFFECT, list(made.product_ids), below, list(made.brand_ids), list(places), made.kind == "only"
    )
    return AssortmentEffect(places=len(places), **dict(row or {}))


@get("/api/console/unlisted", opt=doors.staff("catalogue.read", store="store"))
async def list_unlisted(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: Annotated[str, Parameter(max_length=40, description="The code of a shop.")],
    q: Annotated[str, Parameter(max_length=60, description="The beginning of a code, or a part of a name.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Unlisted]:
    """What a shop may not sell, and why; by code."""
    shop = staff.store(store, "catalogue.read")
    after = cursors.unpack(cursor, str)[0] if cursor else ""
    rows = await db.fetch_filtered(_UNLISTED, shop.id, plain(q), after, limit + 1)
    tree, held = await read_tree(db), [from_row(row) for row in await db.fetch(_HELD, clock.now())]
    shown = [
        Unlisted(
            product_code=row["code"],
            name=Text(row["name_zh"], row["name_en"]).filled,
            because=[each.name.filled for each in held if _bars(each, row, shop.id, tree, chain)],
            units=row["units"],
        )
        for row in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].product_code) if len(rows) > limit else None)


def _bars(assortment: Assortment, product: Any, shop_id: UUID, tree: Tree, chain: Chain) -> bool:
    """Whether an assortment has to do with it that a shop does not sell a product."""
    named = (
        product["id"] in assortment.product_ids
        or product["brand_id"] in assortment.brand_ids
        or bool(assortment.category_ids & set(tree.path_ids(product["category_id"])))
    )
    return named and (shop_id in _places(assortment, chain)) == (assortment.kind == "never")


def _places(assortment: Assortment, chain: Chain) -> set[UUID]:
    """Its shops."""
    named = set(assortment.store_ids).union(*(chain.stores_below(region) for region in assortment.region_ids))
    return {store_id for store_id in named if store_id in chain.stores and chain.stores[store_id].kind == "store"}


async def _decoded(
    db: Database | Tx, chain: Chain, data: AssortmentInput, *, assortment_id: UUID, version: int
) -> Assortment:
    """The assortment that was sent. Refuses `kernel.bad-input` with the codes that are none, by field."""
    tree = await read_tree(db)
    products = await db.fetch("SELECT code, id FROM products WHERE code = ANY ($1)", data.products)
    problems: list[dict[str, str]] = []

    def ids(field: str, codes: Iterable[str], known: Mapping[str, UUID]) -> frozenset[UUID]:
        unknown = sorted(set(codes) - known.keys())
        if unknown:
            names = ", ".join(unknown[:5])
            problems.append({"field": field, "zh": f"没有这样的编码:{names}。", "en": f"There is no {names}."})
        return frozenset(known[code] for code in codes if code in known)

    made = Assortment(
        assortment_id,
        version,
        Text(data.name.zh.strip(), data.name.en.strip()).filled,
        data.kind,
        ids("products", data.products, {row["code"]: row["id"] for row in products}),
        ids("categories", data.categories, {code: each.id for code, each in tree.by_code.items()}),
        ids("brands", data.brands, {code: each.id for code, each in tree.brand_by_code.items()}),
        ids("stores", data.stores, {code: each.id for code, each in chain.by_code.items()}),
        ids("regions", data.regions, {code: each.id for code, each in chain.region_by_code.items()}),
        data.from_at or clock.now(),
        data.until_at,
    )
    if problems:
        raise BadInput(problems=problems)
    return made


async def _one(db: Database | Tx, chain: Chain, assortment_id: UUID) -> AssortmentRow:
    rows = await db.fetch(_ONE, assortment_id)
    if not rows:
        raise NotFound(kind="assortment")
    return (await _shown(db, chain, rows))[0]


async def _shown(db: Database | Tx, chain: Chain, rows: list[Any]) -> list[AssortmentRow]:
    """With the codes and names of all they name; what is not there any more is left out."""
    tree = await read_tree(db)
    products = await db.fetch(
        "SELECT id, code, name_zh, name_en FROM products WHERE id = ANY ($1)",
        [product_id for row in rows for product_id in row["product_ids"]],
    )
    known: dict[str, Mapping[UUID, Named]] = {
        "product_ids": {row["id"]: Named(row["code"], Text(row["name_zh"], row["name_en"]).filled) for row in products},
        "category_ids": {each.id: Named(each.code, each.name.filled) for each in tree.categories.values()},
        "brand_ids": {each.id: Named(each.code, each.name.filled) for each in tree.brands.values()},
        "store_ids": {each.id: Named(each.code, each.name.filled) for each in chain.stores.values()},
        "region_ids": {each.id: Named(each.code, each.name.filled) for each in chain.regions.values()},
    }

    def named(row: Any, name: str) -> list[Named]:
        return sorted((known[name][each] for each in row[name] if each in known[name]), key=lambda one: one.code)

    return [
        AssortmentRow(
            id=row["id"],
            version=row["version"],
            state=state_of(row["from_at"], row["until_at"]),
            name=Text(row["name_zh"], row["name_en"]),
            kind=row["kind"],
            products=named(row, "product_ids"),
            categories=named(row, "category_ids"),
            brands=named(row, "brand_ids"),
            stores=named(row, "store_ids"),
            regions=named(row, "region_ids"),
            from_at=row["from_at"],
            until_at=row["until_at"],
            by=row["by"],
            reason=row["reason"],
            updated_at=row["updated_at"],
        )
        for row in rows
    ]


ROUTES = [
    list_assortments,
    show_assortment,
    add_assortment,
    change_assortment,
    end_assortment,
    try_assortment,
    list_unlisted,
]
