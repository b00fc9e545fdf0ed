"""Today at a glance: sales by hour on both lines, each shop's day, and what needs a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
from litestar import get

from duoline import fulfilment, insight
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.kernel import aside, clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE, Store, StoreCard


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The day so far. Orders that were never paid for do not count as sales."""

    orders: int
    units: int
    sales: Money
    to_pick: int
    ready: int
    late: int


class Hour(msgspec.Struct, frozen=True):
    """Sales of one hour of the trading day."""

    hour: int
    sales_minor: int
    orders: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two lines, shop or online, today and a week ago."""

    line: str
    series: list[Hour]
    last_week: list[Hour]


class StoreDay(msgspec.Struct, frozen=True, kw_only=True):
    """A shop's day."""

    store: StoreCard
    orders: int
    sales: Money
    units: int
    to_pick: int
    ready: int
    late: int
    rejected: int


class Attention(msgspec.Struct, frozen=True):
    """Something for a person, how often, and the list behind it."""

    kind: str
    count: int
    link: str


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    on: str
    at: datetime
    totals: Totals
    by_channel: list[Line]
    by_store: list[StoreDay]
    attention: list[Attention]


# What each location sold on its own trading day so far, and on the whole same weekday a week ago. The day and the hour
# are those of the location's zone. An order that several locations serve counts for each with what it hands over
# there; the delivery fee is the chain's, counted for headquarters only, by the clock of the order's first location.
# Three summaries at once: by line, hour and day; by location; and of all (`level` tells them apart).
_SALES = """
SELECT grouping(sold.hour, sold.location_id) AS level, sold.shop, sold.hour, sold.today, sold.location_id,
       count(DISTINCT sold.order_id) FILTER (WHERE NOT sold.is_fee)::integer AS orders,
       coalesce(sum(sold.units), 0)::integer AS units,
       coalesce(sum(sold.amount) FILTER (WHERE NOT sold.is_fee), 0)::bigint AS goods,
       coalesce(sum(sold.amount), 0)::bigint AS sales
FROM (
    SELECT o.id AS order_id, o.channel = 'till' AS shop, place.location_id, place.units, place.amount, place.is_fee,
           extract(hour FROM o.placed_at AT TIME ZONE s.timezone)::integer AS hour,
           (o.placed_at AT TIME ZONE s.timezone)::date = ($3 AT TIME ZONE s.timezone)::date AS today
    FROM orders o, LATERAL (
        -- What is brought to a shop is that shop's, and counted once: when it has come, as what is collected there.
        SELECT coalesce(f.to_location_id, f.location_id) AS location_id, sum(w.quantity) AS units,
               sum(duo_value(l.net_minor, l.quantity, w.quantity)) AS amount, false AS is_fee
        FROM fulfilments f
        JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
        JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.id = w.line_id
        WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND f.state NOT IN ('cancelled',
            'uncollected', 'rejected') AND NOT (f.kind = 'transfer' AND f.state = 'delivered')
          AND f.kind <> 'till'  -- is counted by its lines, below
        GROUP BY 1
        UNION ALL
        SELECT o.store_id, sum(l.quantity - l.cancelled),
               sum(duo_value(l.net_minor, l.quantity, l.quantity - l.cancelled)), false
        FROM order_lines l WHERE o.channel IN ('till', 'import') AND l.member_id = o.member_id AND l.order_id = o.id
        UNION ALL
        -- What was brought back is not sold, by the shop that had sold it.
        SELECT b.sold_location_id, -sum(b.quantity), -sum(b.value_minor), false
        FROM return_lines b WHERE b.member_id = o.member_id AND b.order_id = o.id GROUP BY 1
        UNION ALL
        SELECT o.location_ids[1], 0, o.delivery_fee_minor, true
        WHERE $1 AND o.delivery_fee_minor > 0 AND EXISTS (
            SELECT FROM fulfilments f WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id
              AND f.kind = 'ship' AND f.state NOT IN ('cancelled', 'rejected'))
    ) place
    JOIN stores s ON s.id = place.location_id
    -- A little more than the two days, for the index; a day has up to 25 hours.
    WHERE (o.placed_at > $3 - interval '25 hours' AND o.placed_at <= $3
        OR o.placed_at > $3 - interval '193 hours' AND o.placed_at < $3 - interval '143 hours')
      AND o.state IN ('confirmed', 'completed') AND ($1 OR place.location_id = ANY ($2))
      AND ($3 AT TIME ZONE s.timezone)::date - (o.placed_at AT TIME ZONE s.timezone)::date IN (0, 7)
) sold
GROUP BY GROUPING SETS ((sold.shop, sold.hour, sold.today), (sold.location_id, sold.today), (sold.today))
"""
_HOURS, _PLACES, _ALL = 1, 2, 3

_WORK = """
SELECT f.location_id, count(*) FILTER (WHERE f.state = 'to_pick')::integer AS to_pick,
       count(*) FILTER (WHERE f.state = 'ready')::integer AS ready,
       count(*) FILTER (WHERE f.state = 'to_pick' AND f.promise_at < $3)::integer AS late,
       count(*) FILTER (WHERE f.state = 'rejected')::integer AS rejected
FROM fulfilments f JOIN stores s ON s.id = f.location_id
WHERE ($1 OR f.location_id = ANY ($2))
  AND (f.state IN ('to_pick', 'ready') OR (f.state = 'rejected' AND f.done_at > $3 - interval '25 hours'
       AND (f.done_at AT TIME ZONE s.timezone)::date = ($3 AT TIME ZONE s.timezone)::date))
GROUP BY f.location_id
"""

# Units that were to be collected and that nobody serves; of an order over several shops, those ordered at one's own.
_ASKED = f"""
SELECT count(*) FROM orders o
WHERE o.state = 'confirmed' AND o.channel = 'mall' AND ($1 OR o.location_ids && $2) AND EXISTS (
    SELECT FROM order_lines l
    WHERE l.member_id = o.member_id AND l.order_id = o.id AND l.method = 'pickup' AND ($1 OR l.store_id = ANY ($2))
      AND l.quantity - l.handed - l.cancelled > (
          SELECT coalesce(sum(w.quantity), 0) FROM fulfilments f
          JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
          WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND w.line_id = l.id
            AND {fulfilment.SERVING}))
"""  # noqa: S608 - only the constant is put in

_FAILED = """
SELECT (SELECT count(*) FROM refunds WHERE state = 'failed')
       + (SELECT count(*) FROM wallet_top_up_refunds WHERE state = 'failed')
"""
# What came into wallets of those who are forgotten.
_STORED = """
SELECT count(*) FROM erasures x JOIN wallets w ON w.member_id = x.member_id WHERE w.principal_minor > 0
"""
# What a person has to source or to give back, of orders all of whose shops one may dispatch for.
_FROZEN = """
SELECT count(*) FROM frozen_orders z JOIN orders o ON o.member_id = z.member_id AND o.id = z.order_id
WHERE $1 OR (cardinality($2::uuid[]) > 0 AND o.location_ids <@ $2)
"""

# Statements whose payout failed and that no run has paid since: of the runs of the last months.
UNPAID_FOR = timedelta(days=92)
_UNPAID = """
SELECT count(DISTINCT s.id) FROM payout_runs r JOIN payouts o ON o.run_id = r.id
JOIN statements s ON s.payee_id = o.payee_id AND s.id = o.statement_id
WHERE r.at > $1 AND o.state = 'failed' AND s.state = 'approved'
"""


@get("/api/console/today", opt=doors.staff("today.read"))
async def today(db: Database, staff: Staff, chain: Chain) -> Today:
    """The trading day so far in the shops one may see, beside the same weekday a week ago.

    Each shop's day is that of its own zone; `on` is the date where most of them are.
    """
    now, scope = clock.now(), staff.scope("today.read")
    everything, locations = scope.sql
    shops = sorted((shop for shop in chain.stores.values() if shop.id in scope), key=lambda shop: shop.code)
    found = await db.fetch(_SALES, everything, locations, now)
    sales = [row for row in found if row["level"] == _HOURS]
    stores = {row["location_id"]: row for row in found if row["level"] == _PLACES and row["today"]}
    total = next((row for row in found if row["level"] == _ALL and row["today"]), None)
    work = {row["location_id"]: row for row in await db.fetch(_WORK, everything, locations, now)}
    asked = await db.fetchval(_ASKED, everything, locations)
    frozen = await db.fetchval(_FROZEN, *staff.scope("orders.dispatch").sql)
    failed = await db.fetchval(_FAILED) if everything else 0
    broken = await db.fetchval("SELECT count(*) FROM invariant_checks WHERE rows > 0") if everything else 0
    put_aside = await db.fetchval(aside.COUNT) if everything else 0
    misfits = await db.fetchval("SELECT count(*) FROM payment_exceptions WHERE state = 'open'") if everything else 0
    stored = await db.fetchval(_STORED) if everything else 0
    pays = staff.may("settlement.pay")
    unpaid = await db.fetchval(_UNPAID, now - UNPAID_FOR) if pays else 0
    unusual = await insight.count_alerts(db, [shop.id for shop in shops], insight.STOCK_ALERTS.current().body, at=now)
    late = sum(row["late"] for row in work.values())
    rejected = sum(row["rejected"] for row in work.values())
    attention = [
        Attention("late", late, "/orders?state=confirmed"),
        Attention("asks_member", asked, "/orders?state=confirmed"),
        Attention("frozen", frozen, "/orders/frozen"),
        Attention("rejected", rejected, "/orders?state=confirmed"),
        Attention("refund_failed", failed, "/money"),
        Attention("payment_misfit", misfits, "/money"),
        Attention("money_stored", stored, "/money"),
        Attention("payout_failed", unpaid, "/settlement?which=payout_failed"),
        Attention("stock_missing", unusual.missing, "/stock/overview?alerts=missing"),
        Attention("stale_holds", unusual.stale_hold, "/stock/overview?alerts=stale_hold"),
        Attention("rejecting", unusual.rejects, "/stock/overview?alerts=rejects"),
        Attention("books", broken, "/audit?subject_kind=invariant"),
        Attention("events_aside", put_aside, "/audit/events"),
    ]
    return Today(
        on=_date_of_most(shops, now).isoformat(),
        at=now,
        totals=Totals(
            orders=total["orders"] if total else 0,
            units=total["units"] if total else 0,
            sales=Money(total["sales"] if total else 0),
            to_pick=sum(row["to_pick"] for row in work.values()),
            ready=sum(row["ready"] for row in work.values()),
            late=late,
        ),
        by_channel=[
            Line(
                line=name,
                series=_hours(sales, shop=shop, today=True),
                last_week=_hours(sales, shop=shop, today=False),
            )
            for name, shop in (("shop", True), ("online", False))
        ],
        by_store=[
            StoreDay(
                store=chain.card(store, at=now),
                orders=stores[store.id]["orders"] if store.id in stores else 0,
                sales=Money(stores[store.id]["goods"] if store.id in stores else 0),
                units=stores[store.id]["units"] if store.id in stores else 0,
                to_pick=work[store.id]["to_pick"] if store.id in work else 0,
                ready=work[store.id]["ready"] if store.id in work else 0,
                late=work[store.id]["late"] if store.id in work else 0,
                rejected=work[store.id]["rejected"] if store.id in work else 0,
            )
            for store in shops
        ],
        attention=[one for one in attention if one.count],
    )


def _date_of_most(shops: Sequence[Store], now: datetime) -> date:
    """The date where most of the shops are."""
    zones = Counter(shop.timezone for shop in shops)
    return now.astimezone(ZoneInfo(zones.most_common(1)[0][0] if zones else CHAIN_ZONE)).date()


def _hours(rows: list[asyncpg.Record], *, shop: bool, today: bool) -> list[Hour]:
    """Twenty-four hours, empty ones as zero."""
    found = {row["hour"]: row for row in rows if row["shop"] == shop and row["today"] == today}
    return [
        Hour(hour, found[hour]["sales"] if hour in found else 0, found[hour]["orders"] if hour in found else 0)
        for hour in range(24)
    ]


ROUTES = [today]
