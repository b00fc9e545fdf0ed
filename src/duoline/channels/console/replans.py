"""What was saved by planning parcels again, day by day."""

from __future__ import annotations

from datetime import date

import msgspec
from litestar import get

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.kernel.db import Database
from duoline.kernel.money import Money

CURRENCY = "CNY"  # what policies count their costs in


class ReplanDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day in the zone of the locations that the orders went to: how many moved, and what they cost less by."""

    on: date
    orders: int
    saved: Money


_DAYS = """
SELECT x.day, count(*)::integer AS orders, sum(x.saved_minor)::bigint AS saved
FROM (SELECT (d.at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date AS day, d.saved_minor
      FROM sourcing_decisions d LEFT JOIN stores s ON s.code = d.chosen->0->>'location_code'
      WHERE d.saved_minor IS NOT NULL
        -- The instants around the day are for the index.
        AND ($1::date IS NULL OR d.at < $1::date + interval '36 hours')) x
WHERE $1::date IS NULL OR x.day < $1
GROUP BY x.day ORDER BY x.day DESC LIMIT $2
"""


@get("/api/console/replan-days", opt=doors.staff("policies.read"))
async def list_days(db: Database, limit: Limit = 14, cursor: Cursor = None) -> Page[ReplanDay]:
    """Days on which orders were planned again, the latest first, with what was saved. A day without any is left out."""
    before = cursors.unpack(cursor, date)[0] if cursor else None
    rows = await db.fetch(_DAYS, before, limit + 1)
    shown = [
        ReplanDay(on=row["day"], orders=row["orders"], saved=Money(row["saved"], CURRENCY)) for row in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].on) if len(rows) > limit else None)


ROUTES = [list_days]
