"""Touchpoints: listed with what they bring, and printed to cut out and stick on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from duoline import attribution
from duoline.attribution import Kind
from duoline.channels.console.sorting import Key, direction
from duoline.channels.console.touchpoint_rows import (
    AFTER,
    OWNER,
    PATH,
    AnyRequest,
    TouchpointRow,
    row_of,
    touchpoint_rows,
)
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.label import Job, Label
from duoline.channels.http.labels import LABELS_MAX, printed
from duoline.channels.http.sessions import Staff
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.pinyin import by_pinyin
from duoline.kernel.text import plain
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    import asyncpg

Chosen = Annotated[Kind | None, Parameter(description="Of one kind only.")]
ShopCode = Annotated[str | None, Parameter(max_length=40, description="Of one shop only.")]
Words = Annotated[str, Parameter(max_length=60, description="A part of the name, the code, the place or the owner.")]
Which = Annotated[Literal["live", "ended", "all"], Parameter(description="Whether it still counts.")]
Labels = Annotated[
    Literal["without", "only", "with"],
    Parameter(description="Labels of shelves and articles, which shops print by the hundred."),
]
Ids = Annotated[list[UUID] | None, Parameter(max_items=LABELS_MAX)]

_LABEL: dict[str, bool | None] = {"without": False, "only": True, "with": None}

Sort = Annotated[
    Literal["-made", "made", "name", "-name", "code", "-code", "-scans", "scans", "-orders", "orders"],
    Parameter(description="A minus for descending; equal ones by age. Names by the pinyin of their Chinese."),
]

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


# All touchpoints' scans in one pass: asked one touchpoint after the other it takes seconds.
_SCANS = """
LEFT JOIN (SELECT n.touchpoint_id, sum(n.scans) AS scans FROM touchpoint_totals n GROUP BY 1) z
  ON z.touchpoint_id = t.id
"""

# Ids sort as they were made.
_SORTS = {
    "made": Key("t.id", "uuid", UUID),
    "name": Key("by_pinyin.key", "text", str, by_pinyin("t.name_zh")),
    "code": Key("t.code", "text", str),
    "scans": Key("coalesce(z.scans, 0)", "bigint", int, _SCANS),
    "orders": Key(f"(SELECT count(*) {AFTER})", "bigint", int),
}


def _chosen(sort: str) -> str:
    """Ids of a page with what it is sorted by, alone: all else of a row is looked up for those that are shown.

    $10, $11 the last of the page before, $12 how many.
    """
    key, kind, _, joined = _SORTS[sort.removeprefix("-")]
    way, ahead = direction(sort)
    return f"""
SELECT c.id, c.key FROM (SELECT t.id, {key} AS key FROM touchpoints t {OWNER} {joined} {_FOUND}) c
WHERE $10::{kind} IS NULL OR (c.key, c.id) {ahead} ($10, $11::uuid)
ORDER BY c.key {way}, c.id {way} LIMIT $12
"""  # noqa: S608 - our own text


_CHOSEN = {sort: _chosen(sort) for key in _SORTS for sort in (key, f"-{key}")}


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
    rows = await touchpoint_rows(db, staff, [one["id"] for one in shown])
    following = cursors.pack(shown[-1]["key"], shown[-1]["id"]) if len(chosen) > limit else None
    return Page([row_of(row, chain, base) for row in rows], following)


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
    rows = await touchpoint_rows(db, staff, [one["id"] for one in chosen])
    if not rows or (touchpoint and len(rows) < len(set(touchpoint))):
        raise NotFound(kind="touchpoint")
    return await printed(
        Job("qr", "Duoline", [_label(row, chain, settings.public_url) for row in reversed(rows)]), name="touchpoints"
    )


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


def _label(row: Any, chain: Chain, base: str) -> Label:
    """What stands under a code: its name, where it hangs, and the code to type."""
    found = attribution.of_row(row)
    shop = chain.stores.get(found.store_id) if found.store_id else None
    where = " / ".join(filter(None, (shop.name.zh if shop else "", found.place)))
    link = attribution.short_link(base, found.code, printed=True)
    return Label(found.name.filled.zh, found.name.filled.en, where, found.code, None, "", "", link)


ROUTES = [list_touchpoints, print_touchpoints]
