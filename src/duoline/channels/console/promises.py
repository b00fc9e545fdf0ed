"""Which promises were kept, day by day, beside what the plain rule would have promised; by shop and part of the day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import fulfilment
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.fulfilment import lags
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

Days = Annotated[int, Parameter(ge=1, le=366, description="How many days back, not counting today.")]
StoreCode = Annotated[str | None, Parameter(max_length=40, description="The code of a shop.")]
Kind = Annotated[Literal["pickup", "ship"], Parameter(description="Orders collected, or parcels.")]


class PromiseSums(msgspec.Struct, frozen=True, kw_only=True):
    """How many promises there were and were kept, and by the plain rule would have been.

    `loss` and `plain_loss` are the mean pinball losses, in thousandths of an open minute (pickups) or of a day
    (parcels); null without promises.
    """

    promises: int
    kept: int
    plain_kept: int
    loss: int | None
    plain_loss: int | None


class PromiseDay(PromiseSums, frozen=True, kw_only=True):
    """A day of the shops' calendar. `aim` is the percentage that was aimed at, null on a day without promises."""

    on: date
    aim: int | None


class PromiseBand(PromiseSums, frozen=True, kw_only=True):
    """A part of the day, from `from_hour` on, or a `reach` of parcels: near, far, beyond.

    `lag` is what is promised beyond the plain rule at present, in open minutes or days, and `seen` from how many orders
    of this shop and band it was learned.
    """

    from_hour: int | None
    reach: Literal["near", "far", "beyond"] | None
    lag: int
    seen: int


class PromiseReport(PromiseSums, frozen=True, kw_only=True):
    """The promises of the shops one may see, or of one of them, which comes with its `bands`.

    `aim` and `learned` are what the policy says now.
    """

    kind: Literal["pickup", "ship"]
    since: date
    until: date
    aim: int
    learned: bool
    learned_at: datetime | None
    days: list[PromiseDay]
    bands: list[PromiseBand]


class PromiseShop(PromiseSums, frozen=True, kw_only=True):
    """The promises of one shop."""

    store_code: str
    store_name: Text


_SUMS = """coalesce(sum(d.promises), 0)::integer AS promises, coalesce(sum(d.kept), 0)::integer AS kept,
       coalesce(sum(d.plain_kept), 0)::integer AS plain_kept,
       round(sum(d.loss_milli) / sum(d.promises))::integer AS loss,
       round(sum(d.plain_loss_milli) / sum(d.promises))::integer AS plain_loss"""

# $1, $2 the scope; $3 a shop or NULL; $4 the kind; $5, $6 the first day and the last.
_MINE = """d.day BETWEEN $5 AND $6 AND d.kind = $4 AND ($1 OR d.location_id = ANY ($2))
       AND ($3::uuid IS NULL OR d.location_id = $3)"""

_BY_DAY = f"""
WITH days AS (
    SELECT d.day, {_SUMS}, round(sum(d.aim::numeric * d.promises) / sum(d.promises))::integer AS aim
    FROM promise_days d WHERE {_MINE} GROUP BY d.day
)
SELECT every::date AS on, coalesce(promises, 0) AS promises, coalesce(kept, 0) AS kept,
       coalesce(plain_kept, 0) AS plain_kept, loss, plain_loss, aim
FROM generate_series($5::date, $6::date, interval '1 day') every LEFT JOIN days ON days.day = every::date ORDER BY 1
"""  # noqa: S608 - constants

_ALL = f"SELECT {_SUMS}, (SELECT max(learned_at) FROM promise_lags) AS learned_at FROM promise_days d WHERE {_MINE}"  # noqa: S608

_BY_BAND = f"""
SELECT b.band, {_SUMS}, coalesce(max(l.lag), 0) AS lag, coalesce(max(l.seen), 0) AS seen
FROM generate_series(0, $7) AS b(band)
LEFT JOIN promise_days d ON d.band = b.band AND {_MINE}
LEFT JOIN promise_lags l ON l.location_id = $3 AND l.kind = $4 AND l.band = b.band
GROUP BY b.band ORDER BY b.band
"""  # noqa: S608 - constants

_ORDER = {
    "kept": "sum(d.kept)::float8 / sum(d.promises)",
    "-kept": "sum(d.kept)::float8 / sum(d.promises) DESC",
    "promises": "sum(d.promises)",
    "-promises": "sum(d.promises) DESC",
    "loss": "sum(d.loss_milli)::float8 / sum(d.promises)",
    "-loss": "sum(d.loss_milli)::float8 / sum(d.promises) DESC",
}
_BY_SHOP = f"""
SELECT d.location_id, {_SUMS} FROM promise_days d WHERE {_MINE} AND d.location_id = ANY ($7)
GROUP BY d.location_id ORDER BY ORDER_BY, d.location_id LIMIT $8 OFFSET $9
"""  # noqa: S608 - constants
REACHES: tuple[Literal["near", "far", "beyond"], ...] = ("near", "far", "beyond")


@get("/api/console/promises", opt=doors.staff("today.read", store="store"))
async def read_promises(
    db: Database, staff: Staff, kind: Kind = "pickup", store: StoreCode = None, days: Days = 30
) -> PromiseReport:
    """Which promises were kept, by day. Today is not over and not counted; the figures are made every night."""
    shop = staff.store(store, "today.read") if store else None
    mine = (*staff.scope("today.read").sql, shop.id if shop else None, kind, *_period(days))
    (every,) = await db.fetch_filtered(_ALL, *mine)
    by_day = await db.fetch_filtered(_BY_DAY, *mine)
    last_band = (lags.BANDS if kind == "pickup" else lags.REACHES) - 1
    bands = await db.fetch_filtered(_BY_BAND, *mine, last_band) if shop else []
    policy = fulfilment.PROMISE.current().body
    return PromiseReport(
        kind=kind,
        since=mine[-2],
        until=mine[-1],
        aim=policy.quantile,
        learned=policy.learned,
        **every,
        days=[PromiseDay(**row) for row in by_day],
        bands=[_band(kind, row) for row in bands],
    )


def _period(days: int) -> tuple[date, date]:
    today = clock.trading_day(clock.now(), CHAIN_ZONE)
    return today - timedelta(days=days), today - timedelta(days=1)


def _band(kind: str, row: Any) -> PromiseBand:
    values = dict(row)
    band = values.pop("band")
    return PromiseBand(
        from_hour=band * lags.BAND_HOURS if kind == "pickup" else None,
        reach=None if kind == "pickup" else REACHES[band],
        **values,
    )


@get("/api/console/promises/shops", opt=doors.staff("today.read"))
async def list_promise_shops(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    kind: Kind = "pickup",
    days: Days = 30,
    sort: Literal["kept", "-kept", "promises", "-promises", "loss", "-loss"] = "kept",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[PromiseShop]:
    """The shops one may see that promised anything, by how much of it they kept, the worst first."""
    (start,) = cursors.unpack(cursor, int) if cursor else (0,)
    start = max(start, 0)
    found = [store.id for store in chain.matching(q)]
    rows = await db.fetch_filtered(
        _BY_SHOP.replace("ORDER_BY", _ORDER[sort]),
        *staff.scope("today.read").sql,
        None,
        kind,
        *_period(days),
        found,
        limit + 1,
        start,
    )
    return Page(
        [_shop(row, chain) for row in rows[:limit]],
        next=cursors.pack(start + limit) if len(rows) > limit else None,
    )


def _shop(row: Any, chain: Chain) -> PromiseShop:
    values = dict(row)
    store = chain.store(UUID(str(values.pop("location_id"))))
    return PromiseShop(store_code=store.code, store_name=store.name, **values)


ROUTES = [read_promises, list_promise_shops]
