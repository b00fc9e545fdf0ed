"""One touchpoint: its QR, its scans and orders by the day, and what came of those it brought."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
import segno
from litestar import get

from duoline import attribution, orders
from duoline.channels.console.effects import BroughtFor, brought_for
from duoline.channels.console.touchpoint_rows import PATH, AnyRequest, TouchpointRow, row_of, today, touchpoint_rows
from duoline.channels.http import doors, site
from duoline.channels.http.sessions import Staff
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

CASE_DAYS = 90


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


# People, each once, whoever they were then: a merged member is who they are now.
_SCANNED_BY = """
SELECT count(DISTINCT coalesce(m.merged_into, m.member_id))::integer
FROM scans s JOIN members m ON m.member_id = s.member_id AND m.kind = 'member' WHERE s.touchpoint_id = $1
"""

_DAYS = f"""
SELECT d.on, coalesce(s.scans, 0) AS scans, coalesce(o.orders, 0) AS orders
FROM (SELECT $2::date + n AS on FROM generate_series(0, $3::integer - 1) n) d
LEFT JOIN (SELECT n.on_date AS on, sum(n.scans)::integer AS scans FROM touchpoint_days n
           WHERE n.touchpoint_id = $1 AND n.on_date >= $2 GROUP BY 1) s ON s.on = d.on
LEFT JOIN (SELECT (x.placed_at AT TIME ZONE $4)::date AS on, count(*)::integer AS orders
           FROM order_touches x JOIN orders r ON r.member_id = x.member_id AND r.id = x.order_id
           CROSS JOIN {orders.sales_of("r")} k
           WHERE x.touchpoint_id = $1 AND k.units > 0 GROUP BY 1) o ON o.on = d.on
ORDER BY d.on
"""  # noqa: S608 - our own text


@get(f"{PATH}/{{touchpoint_id:uuid}}", opt=doors.staff("touchpoints.read", touchpoint_id="touchpoint"))
async def show_touchpoint(
    request: AnyRequest, settings: Settings, db: Database, staff: Staff, chain: Chain, touchpoint_id: UUID
) -> TouchpointCase:
    """One touchpoint, its QR, and its scans and orders by the day."""
    return await touchpoint_case(db, staff, chain, site.front_of(request, settings), touchpoint_id)


async def touchpoint_case(
    db: Database | Tx, staff: Staff, chain: Chain, base: str, touchpoint_id: UUID
) -> TouchpointCase:
    """The touchpoint with all that is told of it. Refuses with `NotFound` what one may not see."""
    rows = await touchpoint_rows(db, staff, [touchpoint_id])
    if not rows:
        raise NotFound(kind="touchpoint")
    row = row_of(rows[0], chain, base)
    shop = chain.stores.get(rows[0]["store_id"])
    days = await db.fetch(
        _DAYS, touchpoint_id, today() - timedelta(days=CASE_DAYS - 1), CASE_DAYS, shop.timezone if shop else CHAIN_ZONE
    )
    picture = segno.make(attribution.short_link(base, row.code, printed=True), error="m").svg_inline(scale=6, border=4)
    return TouchpointCase(
        touchpoint=row,
        scanned_by=await db.fetchval(_SCANNED_BY, touchpoint_id),
        new_members=brought_for(await attribution.lifetime(db, [touchpoint_id])),
        picture=picture,
        days=[DayScans(day["on"], day["scans"], day["orders"]) for day in days],
    )


ROUTES = [show_touchpoint]
