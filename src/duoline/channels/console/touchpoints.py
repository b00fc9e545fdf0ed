"""Touchpoints: listed with what they bring, made, followed by the day, printed, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import segno
from litestar import Request, get, post
from litestar.params import Parameter

from duoline import attribution, orders
from duoline.attribution import Kind, NewTouchpoint, Owner, OwnerKind, Target, TargetKind
from duoline.channels.console.effects import BroughtFor, brought_for
from duoline.channels.console.promotion_shapes import PromotionName
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.label import Job, Label
from duoline.channels.http.labels import LABELS_MAX, printed
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text, plain
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope
from duoline.stores.types import CHAIN_ID, CHAIN_ZONE

if TYPE_CHECKING:
    import asyncpg

PATH = "/api/console/touchpoints"
SPARK_DAYS = 14
CASE_DAYS = 90
PLACES_MAX = 60

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"\S")]
Made = Literal["store", "shelf", "product", "poster", "campaign"]
"""Guides and sharers make their own."""
Chosen = Annotated[Kind | None, Parameter(description="Of one kind only.")]
ShopCode = Annotated[str | None, Parameter(max_length=40, description="Of one shop only.")]
Words = Annotated[str, Parameter(max_length=60, description="A part of the name, the code, the place or the owner.")]
Which = Annotated[Literal["live", "ended", "all"], Parameter(description="Whether it still counts.")]
Labels = Annotated[
    Literal["without", "only", "with"],
    Parameter(description="Labels of shelves and articles, which shops print by the hundred."),
]
Ids = Annotated[list[UUID] | None, Parameter(max_items=LABELS_MAX)]
AnyRequest = Request[Any, Any, Any]


class TargetInput(Input, frozen=True):
    """Where the code leads: `name` is a code of a product, category or store, or the id of a coupon batch that can be
    claimed; none for the first page."""

    kind: Literal["home", "product", "category", "store", "coupon"]
    name: Annotated[str, msgspec.Meta(max_length=60)] = ""


class NewTouchpointsInput(Input, frozen=True, kw_only=True):
    """Touchpoints to make: one, or one for each of `places` (shelves, windows). Without a store it is the chain's."""

    kind: Made
    name: PromotionName
    target: TargetInput
    store: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    places: Annotated[list[Place], msgspec.Meta(max_length=PLACES_MAX)] = msgspec.field(default_factory=list)
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class EndInput(Input, frozen=True):
    """Why it ends."""

    reason: Reason


class TargetChange(Input, frozen=True):
    """Where it leads from now on, and why."""

    target: TargetInput
    reason: Reason


class TargetView(msgspec.Struct, frozen=True):
    """Where it leads, and what that is called."""

    kind: TargetKind
    name: str
    title: Text | None


class TouchpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """A touchpoint and what it has brought: scans on so many devices, members who signed up after it, orders that were
    not called off and what was paid for them and kept. `label`: a shop's label of a
    product. `spark` are the scans of the last fourteen days, today last."""

    id: UUID
    code: str
    url: str
    kind: Kind
    name: Text
    owner_kind: OwnerKind
    owner_name: str
    store_code: str | None
    store_name: Text | None
    place: str
    target: TargetView
    note: str
    label: bool
    created_at: datetime
    ended_at: datetime | None
    scans: int
    devices: int
    sign_ups: int
    orders: int
    sales: Money
    spark: list[int]


class DayScans(msgspec.Struct, frozen=True):
    """A day of the place, its scans, and the orders that were placed on it."""

    on: date
    scans: int
    orders: int


class TouchpointCase(msgspec.Struct, frozen=True, kw_only=True):
    """One touchpoint. `scanned_by` is how many people were known as members when they scanned it; `picture` its QR as
    an SVG; `days` the last ninety, those without anything too; `new_members` what those it brought have bought since.
    """

    touchpoint: TouchpointRow
    scanned_by: int
    new_members: BroughtFor
    picture: str
    days: list[DayScans]


_LABEL: dict[str, bool | None] = {"without": False, "only": True, "with": None}

Sort = Annotated[
    Literal["-made", "made", "name", "-name", "code", "-code", "-scans", "scans", "-orders", "orders"],
    Parameter(description="A minus for descending; equal ones by age. Names by their Chinese, byte by byte."),
]

_OWNER = """
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT s.name FROM staff s WHERE t.owner_kind = 'staff' AND s.id = t.owner_id),
                    (SELECT m.display_name FROM members m WHERE t.owner_kind = 'member' AND m.member_id = t.owner_id),
                    '') AS owner_name) w
"""
_SCANS = "(SELECT coalesce(sum(d.scans), 0) FROM touchpoint_days d WHERE d.touchpoint_id = t.id)::bigint"
# What was sold after a touchpoint: orders of which something is kept or still due.
_AFTER = f"""
FROM order_touches x JOIN orders r ON r.member_id = x.member_id AND r.id = x.order_id
CROSS JOIN {orders.sales_of("r")} k
WHERE x.touchpoint_id = t.id AND k.units > 0
"""
# $1 everything, $2 stores, $3 words, $4 kind, $5 shop, $6 live or ended, $7 labels only or none, $8 what members share
# too, $9 ids.
_FOUND = """
WHERE ($1 OR t.store_id = ANY ($2))
  AND ($3 = '' OR t.name_zh ILIKE '%' || $3 || '%' OR t.name_en ILIKE '%' || $3 || '%' OR t.code = upper($3)
       OR t.place ILIKE '%' || $3 || '%' OR w.owner_name ILIKE '%' || $3 || '%')
  AND ($4::text IS NULL OR t.kind = $4) AND ($5::uuid IS NULL OR t.store_id = $5)
  AND CASE $6 WHEN 'live' THEN t.ended_at IS NULL WHEN 'ended' THEN t.ended_at IS NOT NULL ELSE true END
  AND ($7::boolean IS NULL OR t.label = $7) AND ($8 OR t.owner_kind <> 'member')
  AND NOT (t.standing AND t.target_kind = 'home')  -- a sharer's own code: what they shared by it stands by itself
  AND ($9::uuid[] IS NULL OR t.id = ANY ($9))
"""


class Key(NamedTuple):
    """What a list is sorted by: as SQL, and its type there and here."""

    sql: str
    there: str
    here: type


# Ids sort as they were made.
_SORTS = {
    "made": Key("t.id", "uuid", UUID),
    "name": Key("t.name_zh", "text", str),
    "code": Key("t.code", "text", str),
    "scans": Key(_SCANS, "bigint", int),
    "orders": Key(f"(SELECT count(*) {_AFTER})", "bigint", int),
}


def _chosen(sort: str) -> str:
    """Ids of a page with what it is sorted by, alone: all else of a row is looked up for those that are shown.

    $10, $11 the last of the page before, $12 how many.
    """
    key, kind, _ = _SORTS[sort.removeprefix("-")]
    way, ahead = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    return f"""
SELECT c.id, c.key FROM (SELECT t.id, {key} AS key FROM touchpoints t {_OWNER} {_FOUND}) c
WHERE $10::{kind} IS NULL OR (c.key, c.id) {ahead} ($10, $11::uuid)
ORDER BY c.key {way}, c.id {way} LIMIT $12
"""  # noqa: S608 - our own text


_CHOSEN = {sort: _chosen(sort) for key in _SORTS for sort in (key, f"-{key}")}

# $1 everything, $2 stores, $3 ids, $4 from which day on the spark.
_ROWS = f"""
SELECT t.owner_kind, t.owner_id, t.id, t.code, t.kind, t.name_zh, t.name_en, t.store_id, t.place, t.target_kind,
       t.target, t.note, t.label, t.device_id, t.created_at, t.ended_at, w.owner_name, g.title_zh, g.title_en,
       {_SCANS} AS scans,
       (SELECT count(*) FROM touchpoint_devices d WHERE d.touchpoint_id = t.id)::integer AS devices,
       (SELECT count(*) FROM sign_ups u WHERE u.touchpoint_id = t.id)::integer AS sign_ups,
       o.orders, o.sales_minor,
       ARRAY(SELECT coalesce(d.scans, 0) FROM generate_series(0, 13) n
             LEFT JOIN touchpoint_days d ON d.touchpoint_id = t.id AND d.on_date = $4::date + n ORDER BY n) AS spark
FROM touchpoints t {_OWNER}
LEFT JOIN LATERAL (
    SELECT p.name_zh AS title_zh, p.name_en AS title_en FROM products p
    WHERE t.target_kind = 'product' AND p.code = t.target
    UNION ALL SELECT c.name_zh, c.name_en FROM categories c WHERE t.target_kind = 'category' AND c.code = t.target
    UNION ALL SELECT s.name_zh, s.name_en FROM stores s WHERE t.target_kind = 'store' AND s.code = t.target
    UNION ALL SELECT o.name, o.name FROM outfits o
    WHERE o.id = CASE WHEN t.target_kind = 'outfit' THEN t.target::uuid END
    UNION ALL (SELECT q.name_zh, q.name_en FROM coupon_batches b JOIN promotions q ON q.id = b.promotion_id
               WHERE t.target_kind = 'coupon' AND b.batch_id::text = t.target
               ORDER BY q.version DESC LIMIT 1)) g ON true
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS orders, coalesce(sum(k.minor), 0)::bigint AS sales_minor {_AFTER}) o
WHERE ($1 OR t.store_id = ANY ($2)) AND t.id = ANY ($3)
"""  # noqa: S608 - our own text

# People, each once, whoever they were then: a merged member is who they are now.
_SCANNED_BY = """
SELECT count(DISTINCT coalesce(m.merged_into, m.member_id))::integer
FROM scans s JOIN members m ON m.member_id = s.member_id AND m.kind = 'member' WHERE s.touchpoint_id = $1
"""

_DAYS = f"""
SELECT d.on, coalesce(s.scans, 0) AS scans, coalesce(o.orders, 0) AS orders
FROM (SELECT $2::date + n AS on FROM generate_series(0, $3::integer - 1) n) d
LEFT JOIN touchpoint_days s ON s.touchpoint_id = $1 AND s.on_date = d.on
LEFT JOIN (SELECT (x.placed_at AT TIME ZONE $4)::date AS on, count(*)::integer AS orders
           FROM order_touches x JOIN orders r ON r.member_id = x.member_id AND r.id = x.order_id
           CROSS JOIN {orders.sales_of("r")} k
           WHERE x.touchpoint_id = $1 AND k.units > 0 GROUP BY 1) o ON o.on = d.on
ORDER BY d.on
"""  # noqa: S608 - as above


@get(PATH, opt=doors.staff("touchpoints.read", store="store"))
async def list_touchpoints(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Words = "",
    kind: Chosen = None,
    store: ShopCode = None,
    which: Which = "live",
    labels: Labels = "without",
    sort: Sort = "-made",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TouchpointRow]:
    """Touchpoints of the shops one may see, and of the chain for who sees everything; the newest first unless `sort`
    says else."""
    chosen = await _choose(
        db,
        staff,
        q=q,
        kind=kind,
        store=store,
        which=which,
        label=_LABEL[labels],
        sort=sort,
        after=cursors.unpack(cursor, _SORTS[sort.removeprefix("-")].here, UUID) if cursor else None,
        limit=limit + 1,
    )
    shown, base = chosen[:limit], site.front_of(request, settings)
    rows = await _rows(db, staff, [one["id"] for one in shown])
    following = cursors.pack(shown[-1]["key"], shown[-1]["id"]) if len(chosen) > limit else None
    return Page([_row(row, chain, base) for row in rows], following)


@get(
    f"{PATH}.pdf",
    media_type="application/pdf",
    opt=doors.staff("touchpoints.read", touchpoint="touchpoint", store="store"),
)
async def print_touchpoints(
    settings: Settings,
    db: Database,
    staff: Staff,
    chain: Chain,
    touchpoint: Ids = None,
    q: Words = "",
    kind: Chosen = None,
    store: ShopCode = None,
    labels: Labels = "without",
) -> Answer[Any]:
    """A PDF of codes to cut out and stick on, at most 480: the chosen ones, or the live ones of the list. What members
    share privately is theirs to show: nobody prints it."""
    chosen = await _choose(
        db,
        staff,
        q=q,
        kind=kind,
        store=store,
        which="live",
        label=None if touchpoint else _LABEL[labels],
        ids=touchpoint,
        limit=LABELS_MAX,
        private=False,
    )
    rows = await _rows(db, staff, [one["id"] for one in chosen])
    if not rows or (touchpoint and len(rows) < len(set(touchpoint))):
        raise NotFound(kind="touchpoint")
    return await printed(
        Job("qr", "Duoline", [_label(row, chain, settings.public_url) for row in reversed(rows)]), name="touchpoints"
    )


@get(f"{PATH}/{{touchpoint_id:uuid}}", opt=doors.staff("touchpoints.read", touchpoint_id="touchpoint"))
async def show_touchpoint(
    request: AnyRequest, settings: Settings, db: Database, staff: Staff, chain: Chain, touchpoint_id: UUID
) -> TouchpointCase:
    """One touchpoint, its QR, and its scans and orders by the day."""
    return await _case(db, staff, chain, site.front_of(request, settings), touchpoint_id)


@post(PATH, opt=doors.staff("touchpoints.edit", store="store"))
async def make_touchpoints(
    request: AnyRequest, settings: Settings, write: Write, staff: Staff, chain: Chain, data: NewTouchpointsInput
) -> Answer[Page[TouchpointRow]]:
    """Make a touchpoint, or one for each place. Whoever does not see the whole chain names a shop of theirs."""
    shop = staff.store(data.store, "touchpoints.edit") if data.store else None
    name = Text(data.name.zh.strip(), data.name.en.strip()).filled
    problems = _problems(data, named=bool(name.zh), chain_wide=staff.scope("touchpoints.edit").everything)
    if problems:
        raise BadInput(problems=problems)
    owner = Owner("store", shop.id) if shop else Owner("chain", CHAIN_ID)
    base = site.front_of(request, settings)

    async def work(tx: Tx) -> Page[TouchpointRow]:
        made = [
            await attribution.make(
                tx,
                NewTouchpoint(
                    kind=data.kind,
                    owner=owner,
                    name=name,
                    target=Target(data.target.kind, data.target.name.strip()),
                    store_id=shop.id if shop else None,
                    place=place.strip(),
                ),
                actor=staff.actor,
                reason=data.reason.strip(),
            )
            for place in data.places or [""]
        ]
        rows = await _rows(tx, staff, [one.id for one in made])
        return Page([_row(row, chain, base) for row in rows])

    return await write.run(work, status=201)


@post(f"{PATH}/{{touchpoint_id:uuid}}/end", opt=doors.staff("touchpoints.edit", touchpoint_id="touchpoint"))
async def end_touchpoint(
    request: AnyRequest,
    settings: Settings,
    write: Write,
    staff: Staff,
    chain: Chain,
    touchpoint_id: UUID,
    data: EndInput,
) -> Answer[TouchpointCase]:
    """From now on the code says that it has ended; what it brought stays."""
    base = site.front_of(request, settings)

    async def work(tx: Tx) -> TouchpointCase:
        found = await attribution.get(tx, touchpoint_id)
        _reach(found, staff.scope("touchpoints.edit"))
        await attribution.end(tx, found.owner.id, found.id, reason=data.reason.strip(), actor=staff.actor)
        return await _case(tx, staff, chain, base, touchpoint_id)

    return await write.run(work)


@post(f"{PATH}/{{touchpoint_id:uuid}}/target", opt=doors.staff("touchpoints.edit", touchpoint_id="touchpoint"))
async def redirect_touchpoint(
    request: AnyRequest,
    settings: Settings,
    write: Write,
    staff: Staff,
    chain: Chain,
    touchpoint_id: UUID,
    data: TargetChange,
) -> Answer[TouchpointCase]:
    """The code that hangs there leads to another page. Refuses 404 for a guide's, a label's and what members share,
    whose pages are what they are, and `attribution.touchpoint-ended`."""
    base = site.front_of(request, settings)
    target = Target(data.target.kind, data.target.name.strip())
    if (target.kind == "home") != (not target.name):
        raise BadInput(problems=[_NO_TARGET])

    async def work(tx: Tx) -> TouchpointCase:
        found = await attribution.get(tx, touchpoint_id)
        _reach(found, staff.scope("touchpoints.edit"))
        await attribution.lead_elsewhere(
            tx, found.owner.id, found.id, target, reason=data.reason.strip(), actor=staff.actor
        )
        return await _case(tx, staff, chain, base, touchpoint_id)

    return await write.run(work, status=200)


_NO_TARGET = {"field": "target", "zh": "请选择扫码后打开的页面。", "en": "Choose the page it leads to."}


def _reach(found: attribution.Touchpoint, scope: Scope) -> None:
    """Refuse with `NotFound` what belongs to no shop of theirs."""
    if not scope.everything and (found.store_id is None or found.store_id not in scope):
        raise NotFound(kind="touchpoint")


def _problems(data: NewTouchpointsInput, *, named: bool, chain_wide: bool) -> list[dict[str, str]]:
    found = []
    if not named:
        found.append({"field": "name", "zh": "请填写名称。", "en": "Give it a name."})
    if data.store is None and not chain_wide:
        found.append({"field": "store", "zh": "请选择您的门店。", "en": "Choose a shop of yours."})
    if data.store is None and data.kind in ("store", "shelf"):
        found.append({"field": "store", "zh": "这种码要有门店。", "en": "A code of this kind hangs in a shop."})
    if (data.target.kind == "home") != (not data.target.name.strip()):
        found.append(_NO_TARGET)
    return found


async def _choose(
    db: Database,
    staff: Staff,
    *,
    q: str,
    kind: Kind | None,
    store: str | None,
    which: str,
    label: bool | None,
    sort: Sort = "-made",
    ids: Sequence[UUID] | None = None,
    after: Sequence[Any] | None = None,
    limit: int,
    private: bool = True,
) -> list[asyncpg.Record]:
    """The ids that are found, each with what it is sorted by."""
    return await db.fetch_filtered(
        _CHOSEN[sort],
        *staff.scope("touchpoints.read").sql,
        plain(q),
        kind,
        staff.store(store, "touchpoints.read").id if store else None,
        which,
        label,
        private,
        list(ids) if ids else None,
        *(after or (None, None)),
        limit,
    )


async def _rows(db: Database | Tx, staff: Staff, ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Those of the touchpoints that one may see, in this order."""
    scope = staff.scope("touchpoints.read").sql
    found = await db.fetch(_ROWS, *scope, list(ids), _today() - timedelta(days=SPARK_DAYS - 1))
    rows = {row["id"]: row for row in found}
    return [rows[one] for one in ids if one in rows]


async def _case(db: Database | Tx, staff: Staff, chain: Chain, base: str, touchpoint_id: UUID) -> TouchpointCase:
    rows = await _rows(db, staff, [touchpoint_id])
    if not rows:
        raise NotFound(kind="touchpoint")
    row = _row(rows[0], chain, base)
    shop = chain.stores.get(rows[0]["store_id"])
    days = await db.fetch(
        _DAYS, touchpoint_id, _today() - timedelta(days=CASE_DAYS - 1), CASE_DAYS, shop.timezone if shop else CHAIN_ZONE
    )
    picture = segno.make(attribution.short_link(base, row.code, printed=True), error="m").svg_inline(scale=6, border=4)
    return TouchpointCase(
        touchpoint=row,
        scanned_by=await db.fetchval(_SCANNED_BY, touchpoint_id),
        new_members=brought_for(await attribution.lifetime(db, [touchpoint_id])),
        picture=picture,
        days=[DayScans(day["on"], day["scans"], day["orders"]) for day in days],
    )


def _row(row: Any, chain: Chain, base: str) -> TouchpointRow:
    found = attribution.of_row(row)
    shop = chain.stores.get(found.store_id) if found.store_id else None
    owner_name = row["owner_name"]
    if found.owner.kind == "store" and found.owner.id in chain.stores:
        owner_name = chain.stores[found.owner.id].code
    title = None if row["title_zh"] is None else Text(row["title_zh"], row["title_en"]).filled
    return TouchpointRow(
        id=found.id,
        code=found.code,
        url=attribution.short_link(base, found.code),
        kind=found.kind,
        name=found.name.filled,
        owner_kind=found.owner.kind,
        owner_name=owner_name,
        store_code=shop.code if shop else None,
        store_name=shop.name if shop else None,
        place=found.place,
        target=TargetView(found.target.kind, found.target.name, title),
        note=found.note,
        label=row["label"],
        created_at=found.created_at,
        ended_at=found.ended_at,
        scans=row["scans"],
        devices=row["devices"],
        sign_ups=row["sign_ups"],
        orders=row["orders"],
        sales=Money(row["sales_minor"], CURRENCY),
        spark=list(row["spark"]),
    )


def _label(row: Any, chain: Chain, base: str) -> Label:
    """What stands under a code: its name, where it hangs, and the code to type."""
    found = attribution.of_row(row)
    shop = chain.stores.get(found.store_id) if found.store_id else None
    where = " / ".join(filter(None, (shop.name.zh if shop else "", found.place)))
    link = attribution.short_link(base, found.code, printed=True)
    return Label(found.name.filled.zh, found.name.filled.en, where, found.code, None, "", "", link)


def _today() -> date:
    return clock.trading_day(clock.now(), CHAIN_ZONE)


ROUTES = [list_touchpoints, print_touchpoints, show_touchpoint, make_touchpoints, end_touchpoint, redirect_touchpoint]
