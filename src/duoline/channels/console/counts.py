"""Counts at headquarters and for store managers: what differs, what it is worth, approve or send back."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import inventory
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, text_answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import count_view
from duoline.flows.count_view import CountLineView, CountView, ShortageView
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.stores.directory import Chain

EXPORT_MAX = 20_000
_STATUSES = {
    "all": ("open", "submitted", "approved", "cancelled"),
    "open": ("open",),
    "submitted": ("submitted",),
    "approved": ("approved",),
    "cancelled": ("cancelled",),
}

Note = Annotated[str, msgspec.Meta(max_length=200)]


class Approval(Input, frozen=True):
    """A word on the approval, if any."""

    note: Note = ""


class Rejection(Input, frozen=True):
    """Why it has to be counted again."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


@get("/api/console/counts", opt=doors.staff("stock.read", store="store"))
async def list_counts(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    status: Literal["all", "open", "submitted", "approved", "cancelled"] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CountView]:
    """Counts of the shops one may see, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    found = await count_view.counts(
        db,
        scope=staff.scope("stock.read").sql,
        location_id=staff.store(store, "stock.read").id if store else None,
        statuses=_STATUSES[status],
        codes=_codes(chain),
        before=(before[0], before[1]) if before else None,
        limit=limit + 1,
        hide=False,
    )
    shown = [_seen(one, staff, chain) for one in found[:limit]]
    return Page(shown, cursors.pack(shown[-1].opened_at, shown[-1].id) if len(found) > limit else None)


def _seen(count: CountView, staff: Staff, chain: Chain) -> CountView:
    """A blind count that is open tells nothing to those who only count at its shop."""
    hidden = (
        count.blind and count.status == "open" and chain.coded(count.store_code).id not in staff.scope("stock.approve")
    )
    return msgspec.structs.replace(count, differences=None) if hidden else count


def _codes(chain: Chain) -> dict[UUID, str]:
    return {store_id: store.code for store_id, store in chain.stores.items()}


async def _locate(db: Database, staff: Staff, count_id: UUID, permission: str) -> UUID:
    """The location of a count within the caller's rights. Refuses with `NotFound` when it is elsewhere."""
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM counts WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        count_id,
        *staff.scope(permission).sql,
    )
    if location is None:
        raise NotFound
    return location


async def _count(db: Database | Tx, staff: Staff, location_id: UUID, count_id: UUID, chain: Chain) -> CountView:
    return await count_view.count_of(
        db,
        location_id=location_id,
        count_id=count_id,
        codes=_codes(chain),
        hide=location_id not in staff.scope("stock.approve"),
    )


@get("/api/console/counts/{count_id:uuid}", opt=doors.staff("stock.read", count_id="count"))
async def read_count(db: Database, staff: Staff, chain: Chain, count_id: UUID) -> CountView:
    """One count with what it found."""
    return await _count(db, staff, await _locate(db, staff, count_id, "stock.read"), count_id, chain)


@get("/api/console/counts/{count_id:uuid}/lines", opt=doors.staff("stock.read", count_id="count"))
async def list_count_lines(
    db: Database,
    staff: Staff,
    chain: Chain,
    count_id: UUID,
    only: Literal["all", "counted", "uncounted", "different"] = "different",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CountLineView]:
    """Articles of a count by SKU code, those that differ unless asked otherwise."""
    location = await _locate(db, staff, count_id, "stock.read")
    shown = await _count(db, staff, location, count_id, chain)
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


@get(
    "/api/console/counts/{count_id:uuid}/variances.csv",
    media_type="text/csv",
    opt=doors.staff("stock.read", count_id="count"),
)
async def export_variances(db: Database, staff: Staff, chain: Chain, count_id: UUID) -> Answer[str]:
    """The differences by article as a table, with their value at the chain's prices."""
    location = await _locate(db, staff, count_id, "stock.read")
    shown = await _count(db, staff, location, count_id, chain)
    hide = shown.differences is None
    rows = await count_view.lines(
        db, location_id=location, count_id=count_id, only="different", limit=EXPORT_MAX, hide=hide
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["sku_code", "gtin", "name_zh", "name_en", "shelf", "counted", "book", "difference", "short",
                     "moved", "price", "value", "currency"])  # fmt: skip
    for row in rows:
        difference, price = row.difference, row.price
        value = price * difference if price is not None and difference is not None else None
        writer.writerow([
            _plain(row.sku_code), row.gtin, _plain(row.name.zh), _plain(row.name.en), _plain(row.shelf or ""),
            row.counted, row.book, difference, row.short, int(row.moved),
            str(price).split()[0] if price else "", str(value).split()[0] if value else "",
            price.currency if price else "",
        ])  # fmt: skip
    return text_answer(
        "\ufeff" + out.getvalue(),
        media="text/csv; charset=utf-8",
        headers=[(b"content-disposition", f'attachment; filename="count-{count_id}.csv"'.encode())],
    )


def _plain(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@post(
    "/api/console/counts/{count_id:uuid}/approval",
    opt=doors.staff("stock.approve", count_id="count"),
    status_code=200,
)
async def approve_count(
    write: Write, db: Database, staff: Staff, chain: Chain, count_id: UUID, data: Approval
) -> Answer[CountView]:
    """Correct the book by the differences. Units that are held for customers open a shortage instead."""
    location = await _locate(db, staff, count_id, "stock.approve")

    async def work(tx: Tx) -> CountView:
        await inventory.approve(tx, location_id=location, count_id=count_id, note=data.note.strip(), actor=staff.actor)
        return await _count(tx, staff, location, count_id, chain)

    return await write.run(work)


@post(
    "/api/console/counts/{count_id:uuid}/rejection",
    opt=doors.staff("stock.approve", count_id="count"),
    status_code=200,
)
async def reject_count(
    write: Write, db: Database, staff: Staff, chain: Chain, count_id: UUID, data: Rejection
) -> Answer[CountView]:
    """Have it counted again: the count is open again, with the reason on it."""
    location = await _locate(db, staff, count_id, "stock.approve")

    async def work(tx: Tx) -> CountView:
        await inventory.send_back(
            tx, location_id=location, count_id=count_id, reason=data.reason.strip(), actor=staff.actor
        )
        return await _count(tx, staff, location, count_id, chain)

    return await write.run(work)


@get("/api/console/shortages", opt=doors.staff("stock.read", store="store"))
async def list_shortages(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    status: Literal["open", "all"] = "open",
) -> Page[ShortageView]:
    """Units that are held for customers and were counted as missing, or broke, the newest hundred."""
    found = await count_view.shortages(
        db,
        scope=staff.scope("stock.read").sql,
        location_id=staff.store(store, "stock.read").id if store else None,
        codes=_codes(chain),
        everything=status == "all",
    )
    return Page(found)


ROUTES = [list_counts, read_count, list_count_lines, export_variances, approve_count, reject_count, list_shortages]
