"""Counts and shortages as people read them: on the clerk's phone and at headquarters."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from duoline import catalog, pricing
from duoline.flows.order_view import Image, image_of
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.catalog.types import SkuFacts
    from duoline.kernel.db import Database, Tx

Only = Literal["all", "counted", "uncounted", "different"]

_ONLY = {
    "all": "true",
    "counted": "l.counted IS NOT NULL",
    "uncounted": "l.counted IS NULL",
    "different": "coalesce(l.variance, l.counted - l.book) <> 0",
}


class Differences(msgspec.Struct, frozen=True):
    """What a count found: articles that differ, units too many and too few, and what they are worth at the chain's
    prices. `short` are missing units that are held for customers."""

    lines: int
    surplus: int
    missing: int
    short: int
    surplus_value: Money
    missing_value: Money


class CountView(msgspec.Struct, frozen=True, kw_only=True):
    """A count. `differences` is None while a blind count is open and whoever looks is to count without the book."""

    id: UUID
    store_code: str
    kind: str
    blind: bool
    status: str
    title: str
    shelf: str | None
    opened_at: datetime
    opened_by: str
    submitted_at: datetime | None
    submitted_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    note: str
    lines: int
    counted_lines: int
    units: int
    differences: Differences | None


class CountLineView(msgspec.Struct, frozen=True, kw_only=True):
    """One article of a count. `moved`: units came or went while it was counted, so it is better counted again."""

    sku_id: UUID
    sku_code: str
    gtin: str | None
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    shelf: str | None
    counted: int | None
    book: int | None
    difference: int | None
    applied: int | None
    short: int | None
    moved: bool
    last_at: datetime | None
    price: Money | None


class HolderView(msgspec.Struct, frozen=True, kw_only=True):
    """Who keeps units of a missing article: an order, or somebody at the counter."""

    hold_id: UUID
    kind: Literal["order", "hand"]
    quantity: int
    order_no: str | None
    fulfilment_id: UUID | None
    status: str | None
    note: str
    expires_at: datetime | None


class ShortageView(msgspec.Struct, frozen=True, kw_only=True):
    """Units that are held and missing; `broken` of those left are there, damaged. `asks`: only a person can go on."""

    id: UUID
    store_code: str
    sku_id: UUID
    sku_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    units: int
    left: int
    broken: int
    asks: bool
    status: str
    opened_at: datetime
    holders: list[HolderView]


_COUNTS = """
SELECT c.location_id, c.id, c.kind, c.blind, c.state, c.title, c.shelf, c.opened_at, c.opened_name, c.submitted_at,
       c.submitted_name, c.decided_at, c.decided_name, c.note, t.*
FROM counts c
LEFT JOIN LATERAL (
    SELECT count(*) AS lines, count(l.counted) AS counted_lines, coalesce(sum(l.counted), 0) AS units,
           count(*) FILTER (WHERE d.units <> 0) AS different,
           coalesce(sum(d.units) FILTER (WHERE d.units > 0), 0) AS surplus,
           coalesce(-sum(d.units) FILTER (WHERE d.units < 0), 0) AS missing,
           coalesce(sum(l.short), 0) AS short,
           coalesce(sum(d.units * p.price_minor) FILTER (WHERE d.units > 0), 0)::bigint AS surplus_minor,
           coalesce(-sum(d.units * p.price_minor) FILTER (WHERE d.units < 0), 0)::bigint AS missing_minor
    FROM count_lines l
    CROSS JOIN LATERAL (SELECT coalesce(l.variance, l.counted - l.book) AS units) d
    LEFT JOIN LATERAL duo_price(CASE WHEN d.units <> 0 THEN l.sku_id END, NULL, '{}', 'till', $1) p ON d.units <> 0
    WHERE l.location_id = c.location_id AND l.count_id = c.id) t ON true
"""


async def counts(
    db: Database,
    *,
    scope: tuple[bool, list[UUID]],
    location_id: UUID | None,
    statuses: Sequence[str],
    codes: Mapping[UUID, str],
    before: tuple[datetime, UUID] | None,
    limit: int,
    hide: bool,
) -> list[CountView]:
    """Counts at the locations in scope, newest first, those opened before a given one."""
    rows = await db.fetch_filtered(
        f"""{_COUNTS}
            WHERE ($2 OR c.location_id = ANY ($3)) AND ($4::uuid IS NULL OR c.location_id = $4) AND c.state = ANY ($5)
              AND ($6::timestamptz IS NULL OR (c.opened_at, c.id) < ($6, $7::uuid))
            ORDER BY c.opened_at DESC, c.id DESC LIMIT $8""",
        clock.now(),
        *scope,
        location_id,
        list(statuses),
        *(before or (None, None)),
        limit,
    )
    return [_count(row, codes, hide=hide) for row in rows]


async def count_of(
    db: Database | Tx, *, location_id: UUID, count_id: UUID, codes: Mapping[UUID, str], hide: bool
) -> CountView:
    """One count. With `hide` a blind count that is open keeps its differences to itself. Refuses with `NotFound`."""
    row = await db.fetchrow(f"{_COUNTS} WHERE c.location_id = $2 AND c.id = $3", clock.now(), location_id, count_id)
    if row is None:
        raise NotFound
    return _count(row, codes, hide=hide)


def _count(row: Any, codes: Mapping[UUID, str], *, hide: bool) -> CountView:
    hidden = hide and row["blind"] and row["state"] == "open"
    return CountView(
        id=row["id"],
        store_code=codes[row["location_id"]],
        kind=row["kind"],
        blind=row["blind"],
        status=row["state"],
        title=row["title"],
        shelf=row["shelf"],
        opened_at=row["opened_at"],
        opened_by=row["opened_name"],
        submitted_at=row["submitted_at"],
        submitted_by=row["submitted_name"],
        decided_at=row["decided_at"],
        decided_by=row["decided_name"],
        note=row["note"],
        lines=row["lines"],
        counted_lines=row["counted_lines"],
        units=row["units"],
        differences=None
        if hidden
        else Differences(
            row["different"],
            row["surplus"],
            row["missing"],
            row["short"],
            Money(row["surplus_minor"], CURRENCY),
            Money(row["missing_minor"], CURRENCY),
        ),
    )


async def lines(
    db: Database | Tx,
    *,
    location_id: UUID,
    count_id: UUID,
    only: Only = "all",
    sku_ids: Sequence[UUID] | None = None,
    after: str = "",
    limit: int,
    hide: bool,
) -> list[CountLineView]:
    """Articles of a count by SKU code, those after a given one. With `hide` the book stays hidden."""
    rows = await db.fetch(
        f"""SELECT l.*, v.shelf FROM count_lines l JOIN skus s ON s.id = l.sku_id
            LEFT JOIN levels v ON v.location_id = l.location_id AND v.sku_id = l.sku_id
            WHERE l.location_id = $1 AND l.count_id = $2 AND s.code > $3 AND ($4::uuid[] IS NULL OR l.sku_id = ANY ($4))
              AND {_ONLY[only if not hide or only in ("counted", "uncounted") else "all"]}
            ORDER BY s.code LIMIT $5""",  # noqa: S608 - only the constants above are put in
        location_id,
        count_id,
        after,
        None if sku_ids is None else list(sku_ids),
        limit,
    )
    ids = [row["sku_id"] for row in rows]
    facts = await catalog.sku_facts(db, ids)
    prices = await pricing.chain_prices(db, ids, at=clock.now())
    return [_line(row, facts[row["sku_id"]], prices.get(row["sku_id"]), hide=hide) for row in rows]


def _line(row: Any, facts: SkuFacts, price: tuple[int, str] | None, *, hide: bool) -> CountLineView:
    difference = row["variance"]
    if difference is None and row["counted"] is not None:
        difference = row["counted"] - row["book"]
    return CountLineView(
        **words(facts),
        gtin=facts.gtin,
        shelf=row["shelf"],
        counted=row["counted"],
        book=None if hide else row["book"],
        difference=None if hide else difference,
        applied=row["applied"],
        short=row["short"],
        moved=row["moved"],
        last_at=row["last_at"],
        price=None if price is None else Money(*price),
    )


def words(facts: SkuFacts) -> dict[str, Any]:
    """An article in words, as the views here name the fields."""
    return {
        "sku_id": facts.sku_id,
        "sku_code": facts.sku_code,
        "name": Text(facts.name.zh, facts.name.en),
        "options": [msgspec.to_builtins(choice) for choice in facts.options],
        "image": image_of(facts.image_sha),
    }


async def shortages(
    db: Database | Tx,
    *,
    scope: tuple[bool, list[UUID]],
    location_id: UUID | None,
    codes: Mapping[UUID, str],
    shortage_id: UUID | None = None,
    everything: bool = False,
    limit: int = 100,
) -> list[ShortageView]:
    """Open shortages (or every one) at the locations in scope, the newest first, with whoever holds the units."""
    rows = await db.fetch(
        """SELECT s.*, h.holders FROM shortages s
           LEFT JOIN LATERAL (
               SELECT jsonb_agg(jsonb_build_object(
                          'hold_id', o.id, 'kind', CASE o.ref_kind WHEN 'order' THEN 'order' ELSE 'hand' END,
                          'quantity', o.quantity, 'order_no', f.order_no, 'fulfilment_id', f.id, 'status', f.state,
                          'note', o.note, 'expires_at', o.expires_at) ORDER BY f.promise_at, o.id) AS holders
               FROM holds o
               LEFT JOIN (fulfilments f JOIN fulfilment_lines w
                            ON w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0)
                 ON f.location_id = o.location_id AND f.order_id = o.ref_id AND w.hold_id = o.id
               WHERE s.state = 'open' AND o.location_id = s.location_id AND o.sku_id = s.sku_id
                 AND o.state = 'open') h ON true
           WHERE ($1 OR s.location_id = ANY ($2)) AND ($3::uuid IS NULL OR s.location_id = $3)
             AND ($4::uuid IS NULL OR s.id = $4) AND ($5 OR s.state = 'open')
           ORDER BY s.opened_at DESC, s.id DESC LIMIT $6""",
        *scope,
        location_id,
        shortage_id,
        everything or shortage_id is not None,
        limit,
    )
    facts = await catalog.sku_facts(db, {row["sku_id"] for row in rows})
    return [
        ShortageView(
            **words(facts[row["sku_id"]]),
            id=row["id"],
            store_code=codes[row["location_id"]],
            units=row["units"],
            left=left,
            broken=min(row["broken"] - row["broken_gone"], left),
            asks=row["asks"],
            status=row["state"],
            opened_at=row["opened_at"],
            holders=msgspec.convert(row["holders"] or [], list[HolderView]),
        )
        for row in rows
        for left in [row["units"] - row["taken"] - row["lost"] - row["found"] if row["state"] == "open" else 0]
    ]
