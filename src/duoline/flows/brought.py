"""Units that a shop has not, for a basket that is collected there: which other location sends them, and when.

Placing holds them at that location (`place.py`); `bring.py` sends them on their way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from duoline import fulfilment, pricing
from duoline.flows import origins
from duoline.inventory import transfers
from duoline.stores.directory import distance_m

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duoline import orders
    from duoline.flows.basket import Look
    from duoline.fulfilment import Decision
    from duoline.stores.types import Store


class Bring(NamedTuple):
    """Lines to be collected at a store that has not the units, and the one box in which another location sends them
    there; `decision` says why from there. `promised` is when they are ready at the store."""

    store: Store
    source: Store
    line_ns: list[int]
    promised: fulfilment.Promised
    decision: Decision


class Brought(NamedTuple):
    """What is brought, and how many units of each line that its shop has not one other location could send there."""

    brings: Sequence[Bring]
    most: Mapping[int, int]


NOTHING = Brought((), {})


class _Read(msgspec.Struct):
    shared: list[tuple[UUID, UUID, int]]
    walk_ins: list[origins.WalkIn]
    shadows: list[origins.Shadow]
    shelf_prices: list[pricing.ShelfPrice]


# What all locations have of some articles: asked only when a shop has not what is to be collected there.
_READ = (
    """
WITH s AS MATERIALIZED (SELECT l.* FROM levels l WHERE l.sku_id = ANY ($1::uuid[]) AND l.on_hand > l.held)
SELECT json_build_object(
  'shared', (SELECT coalesce(json_agg(json_build_array(
                     s.location_id, s.sku_id, duo_shared(s.on_hand, s.held, s.safety + duo_buffer(s.buffers, $2),
                                                         s.outward_reserve, s.outward_cap, s.outward))), '[]') FROM s),
  'walk_ins', WALK_INS,
  'shadows', SHADOWS,
  'shelf_prices', SHELF_PRICES
)::text
""".replace("WALK_INS", origins.WALK_INS_JSON.replace("$days", "$3"))
    .replace("SHADOWS", origins.SHADOWS_JSON.replace("$counted", "true"))
    .replace("SHELF_PRICES", pricing.SHELF_PRICES_JSON.replace("$skus", "$1").replace("$period", "tstzrange($4, $5)"))
)
_decode = msgspec.json.Decoder(_Read)


async def find(
    look: Look,
    wishes: Sequence[orders.Wanted],
    missing: Sequence[tuple[int, Store]],
    prices: Mapping[int, pricing.Price],
    taken: Sequence[tuple[UUID, UUID, int]],
    channel: str,
    at: datetime,
) -> Brought:
    """Find for the missing lines of each shop one location that has them all, or else one for each line.

    `taken` is what the rest of the basket takes: units by (location, SKU). One statement.
    """
    if not missing:
        return NOTHING
    # Each shop goes by the terms of its region; the statement reads enough for all of them.
    policies = {store.region_id: fulfilment.SOURCING.current(at, region_id=store.region_id) for _, store in missing}
    horizon_days = max(policy.body.horizon_days for policy in policies.values())
    read = _decode.decode(
        await look.db.fetchval(
            _READ,
            sorted({wishes[n].sku_id for n, _ in missing}),
            channel,
            horizon_days,
            at,
            at + timedelta(days=horizon_days),
        )
    )
    markdowns = fulfilment.Markdowns(read.shelf_prices)
    free: dict[UUID, dict[UUID, int]] = {}
    for location_id, sku_id, units in read.shared:
        free.setdefault(location_id, {})[sku_id] = units
    _leave_out(free, taken)
    counts, lags = await look.work.counts(), await look.work.lags()
    brings: list[Bring] = []
    most: dict[int, int] = {}
    by_store: dict[UUID, list[int]] = {}
    for n, store in missing:
        by_store.setdefault(store.id, []).append(n)
    for store_id, mine in by_store.items():
        store = look.chain.stores[store_id]
        policy = policies[store.region_id]
        worth = origins.worth_of(wishes, prices, read.walk_ins, read.shadows, markdowns, at, policy.body)
        place, days = (store.lat, store.lon), _box_days(store, at, counts, lags)
        boxes, served = [mine, *([n] for n in mine)] if len(mine) > 1 else [mine], set[int]()
        for box in boxes:
            if served.issuperset(box):
                continue
            senders = await origins.origins_of(
                look, free, worth, place, frozenset({store_id}), frozenset(), policy.body, days
            )
            for n in box:
                most[n] = max((sender.stock.get(wishes[n].sku_id, 0) for sender in senders), default=0)
            wanted = [fulfilment.WantedLine(UUID(int=n), wishes[n].sku_id, wishes[n].quantity) for n in box]
            found = fulfilment.decide_box(wanted, senders, policy.body, policy.version)
            if found is None:
                continue
            source = look.chain.stores[found[0].parcels[0].location_id]
            promised = ready_at(source, store, at, counts, lags)
            if promised is None:  # one of the two never opens: as good as none
                most.update(dict.fromkeys(box, 0))
                continue
            decision = msgspec.structs.replace(found[1], region_id=store.region_id)
            brings.append(Bring(store, source, box, promised, decision))
            _leave_out(free, [(source.id, wishes[n].sku_id, wishes[n].quantity) for n in box])
            served.update(box)
    return Brought(brings, most)


def _leave_out(free: Mapping[UUID, dict[UUID, int]], taken: Sequence[tuple[UUID, UUID, int]]) -> None:
    for location_id, sku_id, units in taken:
        there = free.get(location_id, {})
        if sku_id in there:
            there[sku_id] = max(0, there[sku_id] - units)


def _box_days(store: Store, at: datetime, counts: Mapping[UUID, int], lags: fulfilment.Lags) -> origins.Days:
    zone = ZoneInfo(store.timezone)

    def days(source: Store, _away_km: float) -> int:
        promised = ready_at(source, store, at, counts, lags)
        return 0 if promised is None else (promised.at.astimezone(zone).date() - at.astimezone(zone).date()).days

    return days


def ready_at(
    source: Store, store: Store, at: datetime, counts: Mapping[UUID, int], lags: fulfilment.Lags
) -> fulfilment.Promised | None:
    """When units that one location sends to a store would be ready there, for an order placed now. `counts` is what
    each location has to do."""
    away_m = distance_m(source.lat, source.lon, store.lat, store.lon)
    hours = transfers.hours_under_way(transfers.TRANSFERS.current().body, away_m)
    return fulfilment.brought_at(source, store, at, open_work=counts.get(source.id, 0), under_way_h=hours, lags=lags)
