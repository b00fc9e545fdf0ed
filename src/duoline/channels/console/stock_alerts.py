"""What is unusual about the stock: missing units, units kept for too long, shops that reject much."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import catalog, insight
from duoline.channels.console.stock import SkuLine, sku_fields
from duoline.channels.console.stock_overview import places_of
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit
from duoline.channels.http.sessions import Staff
from duoline.insight import AlertCounts, Missing, Rejecting, StaleHold, StockAlertsPolicy
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.text import Text
from duoline.stores.directory import Chain

Code = Annotated[str | None, Parameter(max_length=40)]


class AlertArticle(SkuLine, frozen=True, kw_only=True):
    """An article that an alert is about, and how many units of it."""

    units: int


class StockAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Something unusual at a shop.

    `missing`: `units` of `articles_total` articles since `since`, the last noticed `at`; the worst of them are named.
    `stale_hold`: `units` of one article kept since `at` for an order, transfer, favourite or by hand (`ref_kind`), the
    number of which is `ref_no`; `past_end` when their time ended at `ends_at` and they were not given back.
    `rejects`: `units` of `out_of` jobs since `since` were rejected, as learned `at`.
    """

    kind: Literal["missing", "stale_hold", "rejects"]
    store_code: str
    store_name: Text
    at: datetime
    since: datetime | None = None
    units: int
    out_of: int | None = None
    articles: list[AlertArticle] = []
    articles_total: int = 0
    hold_id: UUID | None = None
    ref_kind: str | None = None
    ref_id: UUID | None = None
    ref_no: str | None = None
    ends_at: datetime | None = None
    past_end: bool = False


class StockAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the alerts of one kind, `total` of them, and how many there are of each kind."""

    items: list[StockAlert]
    next: str | None
    total: int
    counts: AlertCounts


@get("/api/console/stock/alerts", opt=doors.staff("stock.read", store="store", region=doors.SHARED))
async def alerts(
    db: Database,
    staff: Staff,
    chain: Chain,
    kind: Literal["missing", "stale_hold", "rejects"] = "missing",
    region: Code = None,
    direct: bool = False,
    store: Code = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> StockAlerts:
    """Alerts of one kind in the shops one may see, as policy `stock_alerts` has it; the worst or the oldest first."""
    places, _ = places_of(staff, chain, store=store, region=region, direct=direct)
    policy, now = insight.STOCK_ALERTS.current().body, clock.now()
    counts = await insight.count_alerts(db, places, policy, at=now)
    if kind == "stale_hold":
        holds = await insight.stale_holds(db, places, policy, at=now, after=_after(cursor), limit=limit + 1)
        shown = holds[:limit]
        following = cursors.pack(shown[-1].created_at, shown[-1].id) if len(holds) > limit else None
        items = await _stale(db, chain, shown)
    else:
        # At most one row a shop, made anew for every page: a place in them is a number.
        begin = max(0, cursors.unpack(cursor, int)[0]) if cursor else 0
        if kind == "missing":
            shops = await insight.missing(db, places, policy, at=now)
            items = await _missing(db, chain, policy, now, shops[begin : begin + limit])
            following = cursors.pack(begin + limit) if len(shops) > begin + limit else None
        else:
            records = await insight.rejecting(db, places, policy, at=now)
            items = [_rejecting(chain, one) for one in records[begin : begin + limit]]
            following = cursors.pack(begin + limit) if len(records) > begin + limit else None
    return StockAlerts(items=items, next=following, total=getattr(counts, kind), counts=counts)


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    created_at, hold_id = cursors.unpack(cursor, datetime, UUID)
    return created_at, hold_id


async def _missing(
    db: Database, chain: Chain, policy: StockAlertsPolicy, now: datetime, shops: Sequence[Missing]
) -> list[StockAlert]:
    facts = await catalog.sku_facts(db, {sku for shop in shops for sku, _ in shop.worst})
    return [
        StockAlert(
            kind="missing",
            store_code=chain.store(shop.location_id).code,
            store_name=chain.store(shop.location_id).name,
            at=shop.last_at,
            since=now - policy.missing_for,
            units=shop.units,
            articles=[AlertArticle(units=units, **sku_fields(facts[sku])) for sku, units in shop.worst],
            articles_total=shop.skus,
        )
        for shop in shops
    ]


async def _stale(db: Database, chain: Chain, holds: Sequence[StaleHold]) -> list[StockAlert]:
    facts = await catalog.sku_facts(db, {hold.sku_id for hold in holds})
    return [
        StockAlert(
            kind="stale_hold",
            store_code=chain.store(hold.location_id).code,
            store_name=chain.store(hold.location_id).name,
            at=hold.created_at,
            units=hold.quantity,
            articles=[AlertArticle(units=hold.quantity, **sku_fields(facts[hold.sku_id]))],
            articles_total=1,
            hold_id=hold.id,
            ref_kind=hold.ref_kind,
            ref_id=hold.ref_id,
            ref_no=hold.ref_no,
            ends_at=hold.expires_at,
            past_end=hold.past_end,
        )
        for hold in holds
    ]


def _rejecting(chain: Chain, one: Rejecting) -> StockAlert:
    return StockAlert(
        kind="rejects",
        store_code=chain.store(one.location_id).code,
        store_name=chain.store(one.location_id).name,
        at=one.learned_at,
        since=one.since,
        units=one.rejected,
        out_of=one.jobs,
    )


ROUTES = [alerts]
