"""The closed loop between what people meet and where they buy."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from litestar.params import QueryParameter

from duoline import insight
from duoline.attribution import Kind
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.errors import BadInput
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope
from duoline.stores.types import CHAIN_ZONE

DAYS = 30
DAYS_MAX = 400

Day = Annotated[date | None, QueryParameter(description="A day, its whole length.")]


class LoopSums(msgspec.Struct, frozen=True, kw_only=True):
    """People, their orders that were not called off, and what was kept of them."""

    people: int
    orders: int
    sales: Money


class LoopFlow(LoopSums, frozen=True, kw_only=True):
    """Orders of one side after something of one kind was met; without a kind, nothing was met in time."""

    kind: Kind | None
    met: str | None
    side: str


class LoopPath(LoopSums, frozen=True, kw_only=True):
    """Who went between shops and online in these turns."""

    steps: list[str]


class LoopWay(LoopSums, frozen=True, kw_only=True):
    """What one touchpoint brought to one shop; without one, online."""

    touchpoint_id: UUID
    kind: Kind
    name: Text
    store_code: str | None
    store_name: Text | None


class LoopReport(msgspec.Struct, frozen=True, kw_only=True):
    """A period of days of the chain's zone. The flows add up to the totals, and so do the paths."""

    since: date
    until: date
    totals: LoopSums
    flows: list[LoopFlow]
    paths: list[LoopPath]
    ways: list[LoopWay]


@get("/api/console/loops", opt=doors.staff("touchpoints.read", store="store"))
async def show_loop(
    db: Database,
    staff: Staff,
    chain: Chain,
    since: Day = None,
    until: Day = None,
    store: Annotated[str | None, QueryParameter(max_length=40, description="Of one shop only.")] = None,
) -> LoopReport:
    """What was met and where it was bought, the last thirty days if not said otherwise."""
    last = until or clock.trading_day(clock.now(), CHAIN_ZONE)
    first = since or last - timedelta(days=DAYS - 1)
    if not 0 <= (last - first).days < DAYS_MAX:
        raise BadInput(
            problems=[
                {"field": "since", "zh": f"时间段最长 {DAYS_MAX} 天。", "en": f"A period has at most {DAYS_MAX} days."}
            ]
        )
    scope = staff.scope("touchpoints.read")
    if store is not None:
        scope = Scope(everything=False, store_ids=frozenset({staff.store(store, "touchpoints.read").id}))
    found = await insight.closed_loop(
        db, since=_midnight(first), until=_midnight(last + timedelta(days=1)), scope=scope
    )
    rows = await db.fetch(
        "SELECT id, kind, name_zh, name_en FROM touchpoints WHERE id = ANY ($1)",
        [way.touchpoint_id for way in found.ways],
    )
    named = {row["id"]: row for row in rows}
    return LoopReport(
        since=first,
        until=last,
        totals=LoopSums(people=found.people, orders=found.orders, sales=_money(found.sales_minor)),
        flows=[
            LoopFlow(
                kind=flow.kind,
                met=flow.met,
                side=flow.side,
                people=flow.people,
                orders=flow.orders,
                sales=_money(flow.sales_minor),
            )
            for flow in found.flows
        ],
        paths=[
            LoopPath(steps=path.steps, people=path.people, orders=path.orders, sales=_money(path.sales_minor))
            for path in found.paths
        ],
        ways=[_way(way, named[way.touchpoint_id], chain) for way in found.ways],
    )


def _way(way: insight.Way, of: Any, chain: Chain) -> LoopWay:
    shop = chain.stores.get(way.store_id) if way.store_id else None
    return LoopWay(
        touchpoint_id=way.touchpoint_id,
        kind=of["kind"],
        name=Text(of["name_zh"], of["name_en"]).filled,
        store_code=shop.code if shop else None,
        store_name=shop.name if shop else None,
        people=way.people,
        orders=way.orders,
        sales=_money(way.sales_minor),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(CHAIN_ZONE))


def _money(minor: int) -> Money:
    return Money(minor, CURRENCY)


ROUTES = [show_loop]
