"""What keeping units for favourites brings and what it costs, by shop and article."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import catalog, favourites
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.flows.order_view import Image, image_of
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

ROWS_MAX = 500
Days = Annotated[int, Parameter(ge=1, le=90, description="How many days back.")]


class FavouriteCost(msgspec.Struct, frozen=True, kw_only=True):
    """One article at one shop. `minutes_to_use` is the mean of those used; `minutes_now` is how long one is kept now.

    `refused` units were refused to others while some were kept, worth `refused_value` at the price of the moment.
    """

    store_code: str
    store_name: Text
    sku_code: str
    product_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    given: int
    used: int
    expired: int
    given_up: int
    open: int
    minutes_to_use: int | None
    minutes_now: int
    refused: int
    refused_value: Money


class FavouriteDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day, by the clock of the chain."""

    on: date
    given: int
    used: int
    refused: int


class FavouriteReport(msgspec.Struct, frozen=True, kw_only=True):
    """The sums, and at most 500 `rows`, those first for which most was refused."""

    since: datetime
    until: datetime
    given: int
    used: int
    expired: int
    given_up: int
    open: int
    refused: int
    refused_value: Money
    rows: list[FavouriteCost]
    days: list[FavouriteDay]


# $1, $2 the scope; $3 a shop or NULL; $4 since; $5 the time zone of the days.
_BY_SKU = """
WITH kept AS (
    SELECT f.location_id, f.sku_id, count(*) AS given,
           count(*) FILTER (WHERE f.order_id IS NOT NULL) AS used,
           count(*) FILTER (WHERE h.state = 'expired') AS expired,
           count(*) FILTER (WHERE h.state = 'released' AND f.order_id IS NULL) AS given_up,
           count(*) FILTER (WHERE h.state = 'open') AS open,
           avg(extract(epoch FROM h.resolved_at - f.given_at) / 60) FILTER (WHERE f.order_id IS NOT NULL) AS minutes
    FROM favourite_holds f JOIN holds h ON h.location_id = f.location_id AND h.id = f.id
    WHERE f.given_at > $4 AND ($1 OR f.location_id = ANY ($2)) AND ($3::uuid IS NULL OR f.location_id = $3)
    GROUP BY 1, 2
), refused AS (
    SELECT location_id, sku_id, sum(units) AS units, sum(units * price_minor) AS value FROM refused_for_holds
    WHERE at > $4 AND ($1 OR location_id = ANY ($2)) AND ($3::uuid IS NULL OR location_id = $3)
    GROUP BY 1, 2
)
SELECT location_id, sku_id, coalesce(k.given, 0)::integer AS given, coalesce(k.used, 0)::integer AS used,
       coalesce(k.expired, 0)::integer AS expired, coalesce(k.given_up, 0)::integer AS given_up,
       coalesce(k.open, 0)::integer AS open, round(k.minutes)::integer AS minutes,
       coalesce(r.units, 0)::integer AS refused, coalesce(r.value, 0)::bigint AS value
FROM kept k FULL JOIN refused r USING (location_id, sku_id)
ORDER BY coalesce(r.value, 0) DESC, coalesce(k.given, 0) DESC, location_id, sku_id
"""

_BY_DAY = """
SELECT day::date AS on, sum(given)::integer AS given, sum(used)::integer AS used, sum(refused)::integer AS refused
FROM (
    SELECT (f.given_at AT TIME ZONE $5)::date AS day, 1 AS given, (f.order_id IS NOT NULL)::integer AS used,
           0 AS refused
    FROM favourite_holds f
    WHERE f.given_at > $4 AND ($1 OR f.location_id = ANY ($2)) AND ($3::uuid IS NULL OR f.location_id = $3)
    UNION ALL
    SELECT (at AT TIME ZONE $5)::date, 0, 0, units FROM refused_for_holds
    WHERE at > $4 AND ($1 OR location_id = ANY ($2)) AND ($3::uuid IS NULL OR location_id = $3)
    UNION ALL
    SELECT generate_series(($4::timestamptz AT TIME ZONE $5)::date + 1, ($6::timestamptz AT TIME ZONE $5)::date,
                           interval '1 day')::date, 0, 0, 0
) each GROUP BY 1 ORDER BY 1
"""


@get("/api/console/favourite-holds", opt=doors.staff("today.read", store="store"))
async def report(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    days: Days = 30,
) -> FavouriteReport:
    """What was kept for favourites in the shops one may see, what became of it, and what others were refused for it."""
    everything, locations = staff.scope("today.read").sql
    now = clock.now()
    since = now - timedelta(days=days)
    scope = (everything, locations, staff.store(store, "today.read").id if store else None, since)
    found = await db.fetch_filtered(_BY_SKU, *scope)
    by_day = await db.fetch_filtered(_BY_DAY, *scope, CHAIN_ZONE, now)
    shown = found[:ROWS_MAX]
    facts = await catalog.sku_facts(db, {row["sku_id"] for row in shown})
    policy = favourites.FAVOURITE_HOLD.current().body
    taught = await favourites.taught_minutes(db, {row["location_id"] for row in shown})

    def total(name: str) -> int:
        return sum(row[name] for row in found)

    return FavouriteReport(
        since=since,
        until=now,
        given=total("given"),
        used=total("used"),
        expired=total("expired"),
        given_up=total("given_up"),
        open=total("open"),
        refused=total("refused"),
        refused_value=Money(total("value")),
        rows=[
            FavouriteCost(
                store_code=chain.store(row["location_id"]).code,
                store_name=chain.store(row["location_id"]).name,
                sku_code=facts[row["sku_id"]].sku_code,
                product_code=facts[row["sku_id"]].product_code,
                name=Text(facts[row["sku_id"]].name.zh, facts[row["sku_id"]].name.en),
                options=[msgspec.to_builtins(choice) for choice in facts[row["sku_id"]].options],
                image=image_of(facts[row["sku_id"]].image_sha),
                given=row["given"],
                used=row["used"],
                expired=row["expired"],
                given_up=row["given_up"],
                open=row["open"],
                minutes_to_use=row["minutes"],
                minutes_now=taught.minutes(policy, row["location_id"], row["sku_id"]),
                refused=row["refused"],
                refused_value=Money(row["value"]),
            )
            for row in shown
        ],
        days=[
            FavouriteDay(on=row["on"], given=row["given"], used=row["used"], refused=row["refused"]) for row in by_day
        ],
    )


ROUTES = [report]
