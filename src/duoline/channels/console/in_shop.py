"""Scan-and-go: how many minutes buyers who stand in the shop wait for their bag, from when it could be begun."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import fulfilment
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

Days = Annotated[int, Parameter(ge=1, le=366, description="How many days back, today included.")]
StoreCode = Annotated[str | None, Parameter(max_length=40, description="The code of a shop.")]


class InShopSums(msgspec.Struct, frozen=True, kw_only=True):
    """Bags made ready: how many, within their promise, and the minutes that half and nine in ten of them took at most.
    Null without any. `waiting` are not ready yet."""

    ready: int
    in_time: int
    waiting: int
    median_minutes: float | None
    p90_minutes: float | None


class InShopDay(InShopSums, frozen=True, kw_only=True):
    """A day of the chain's calendar."""

    on: date


class InShopReport(InShopSums, frozen=True, kw_only=True):
    """The shops one may see, or one of them. `promised` is what the policy promises now, in minutes."""

    since: date
    until: date
    promised: int
    days: list[InShopDay]


class InShopShop(InShopSums, frozen=True, kw_only=True):
    """One shop."""

    store_code: str
    store_name: Text


# Minutes in tenths. A bag that was let go before it was ready waits for nobody.
_SUMS = """count(*) FILTER (WHERE f.ready_at IS NOT NULL)::integer AS ready,
       count(*) FILTER (WHERE f.ready_at <= f.promise_at)::integer AS in_time,
       count(*) FILTER (WHERE f.state = 'to_pick')::integer AS waiting,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM f.ready_at - f.work_at)) / 60)::numeric, 1)
           ::float8 AS median_minutes,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM f.ready_at - f.work_at)) / 60)::numeric, 1)
           ::float8 AS p90_minutes"""

# $1, $2 the scope; $3 a shop or NULL; $4, $5 from and until.
_MINE = """f.in_shop AND f.work_at >= $4 AND f.work_at < $5 AND ($1 OR f.location_id = ANY ($2))
       AND ($3::uuid IS NULL OR f.location_id = $3)"""

_BY_DAY = f"""
SELECT (f.work_at AT TIME ZONE $6)::date AS on, {_SUMS}
FROM fulfilments f WHERE {_MINE} GROUP BY GROUPING SETS ((1), ())
"""  # noqa: S608 - constants

_ORDER = {
    "median": "median_minutes DESC NULLS LAST",
    "-median": "median_minutes NULLS LAST",
    "ready": "ready DESC",
    "-ready": "ready",
}
_BY_SHOP = f"""
SELECT f.location_id, {_SUMS} FROM fulfilments f WHERE {_MINE} AND f.location_id = ANY ($6)
GROUP BY f.location_id ORDER BY ORDER_BY, f.location_id LIMIT $7 OFFSET $8
"""  # noqa: S608 - constants


@get("/api/console/in-shop", opt=doors.staff("today.read", store="store"))
async def read_in_shop(db: Database, staff: Staff, store: StoreCode = None, days: Days = 30) -> InShopReport:
    """How long buyers waited for their bags, by day, up to now."""
    shop = staff.store(store, "today.read") if store else None
    since, until, first, last = _period(days)
    rows = await db.fetch_filtered(
        _BY_DAY, *staff.scope("today.read").sql, shop.id if shop else None, since, until, CHAIN_ZONE
    )
    by_day: dict[date | None, dict[str, Any]] = {}
    for row in rows:
        values = dict(row)
        by_day[values.pop("on")] = values
    none = {"ready": 0, "in_time": 0, "waiting": 0, "median_minutes": None, "p90_minutes": None}
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return InShopReport(
        since=first,
        until=last,
        promised=fulfilment.PICKUP.current().body.in_shop_minutes,
        days=[InShopDay(on=day, **by_day.get(day, none)) for day in every],
        **by_day.get(None, none),
    )


def _period(days: int) -> tuple[datetime, datetime, date, date]:
    """So many days of the chain's calendar with today, as instants and as days."""
    last = clock.trading_day(clock.now(), CHAIN_ZONE)
    first = last - timedelta(days=days - 1)
    zone = ZoneInfo(CHAIN_ZONE)
    after = last + timedelta(days=1)
    return (
        datetime(first.year, first.month, first.day, tzinfo=zone),
        datetime(after.year, after.month, after.day, tzinfo=zone),
        first,
        last,
    )


@get("/api/console/in-shop/shops", opt=doors.staff("today.read"))
async def list_in_shop(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    days: Days = 30,
    sort: Annotated[str, Parameter(pattern="^-?(median|ready)$", description="By minutes or by bags.")] = "median",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[InShopShop]:
    """The shops one may see with bags in these days, those where one waits longest first."""
    (start,) = cursors.unpack(cursor, int) if cursor else (0,)
    start = max(start, 0)
    since, until, _, _ = _period(days)
    rows = await db.fetch_filtered(
        _BY_SHOP.replace("ORDER_BY", _ORDER[sort]),
        *staff.scope("today.read").sql,
        None,
        since,
        until,
        [store.id for store in chain.matching(q)],
        limit + 1,
        start,
    )
    return Page(
        [_shop(row, chain) for row in rows[:limit]], next=cursors.pack(start + limit) if len(rows) > limit else None
    )


def _shop(row: Any, chain: Chain) -> InShopShop:
    values = dict(row)
    store = chain.store(UUID(str(values.pop("location_id"))))
    return InShopShop(store_code=store.code, store_name=store.name, **values)


ROUTES = [read_in_shop, list_in_shop]
