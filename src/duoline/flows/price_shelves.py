"""Every night, and when somebody asks: what a unit on each shelf is worth to deliveries and walk-ins to come.

Forecast is what the last four weeks asked for, scaled to the days until the next delivery: deliveries by province and
by what was ordered together, walk-ins as `flows.learn_walk_ins` learned them; naive on purpose, like that. All is read
without locks, computed beside the loop, and written shelf by shelf; sourcing reads a price with its level.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import msgspec

from duoline import fulfilment, inventory
from duoline.flows.basket import Look
from duoline.flows.places import distance_km, middle_of
from duoline.fulfilment import shadow, shadow_book
from duoline.fulfilment.opportunity import Basket, Lane
from duoline.kernel import clock, jobs
from duoline.kernel.auth import SYSTEM
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

log = logging.getLogger(__name__)

RUN_JOB = "sourcing.price-shelves"
WINDOW_DAYS = 28
FORECAST_MIN = 4
"""Of an article that was delivered fewer times in the window nothing is forecast."""


class Wanted(msgspec.Struct, frozen=True):
    """Payload of `RUN_JOB`."""

    run_id: UUID


# After the rates of walk-ins have been learned.
@jobs.cron("price what lies on shelves", "53 19 * * *")
async def nightly(db: Database) -> None:
    """Have the shelves priced."""
    async with db.begin() as tx:
        await ask(tx, actor=SYSTEM)


async def ask(tx: Tx, *, actor: Actor) -> shadow_book.Run:
    """Have the shelves priced in the background. While one run waits, it is the answer."""
    run = await shadow_book.ask(tx, actor=actor)
    await jobs.enqueue(tx, RUN_JOB, Wanted(run.id), key=f"{RUN_JOB}:{run.id}")
    return run


@jobs.handler(RUN_JOB, payload=Wanted, at_once=1)
async def work_on(db: Database, wanted: Wanted) -> None:
    """Price all shelves. Safe to run again: the same facts give the same prices."""
    if not await shadow_book.begin(db, wanted.run_id):
        return
    await directory.refresh(db)
    try:
        priced = await price(Look(db, fulfilment.OpenWork(db)))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        raise  # the database was away: the queue tries again
    except Exception:
        log.exception("pricing the shelves failed")
        await shadow_book.fail(db, wanted.run_id)
        return
    await shadow_book.end(
        db, wanted.run_id, shelves=len(priced.minor), programs=priced.programs, by_scarcity=priced.by_scarcity
    )


async def price(look: Look) -> shadow.Priced:
    """Read, compute, write."""
    facts = await read(look)
    priced = await asyncio.to_thread(shadow.price_shelves, facts)
    await inventory.set_shadow_prices(look.db, priced.minor)
    return priced


# What was cancelled or brought back was no demand.
_BASKETS = """
SELECT x.region, x.skus, count(*)::integer AS orders
FROM (SELECT coalesce(o.address->>'province', '') AS region, array_agg(DISTINCT l.sku_id) AS skus
      FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.method = 'delivery'
      WHERE o.placed_at >= $1 AND o.state IN ('confirmed', 'completed') AND o.channel NOT IN ('till', 'import')
        AND l.quantity > l.cancelled + l.returned
      GROUP BY o.member_id, o.id) x
GROUP BY 1, 2
"""
_MORE = """
SELECT coalesce(o.address->>'province', '') AS region, l.sku_id, sum(u.units - 1)::integer AS more,
       sum(l.unit_price_minor * u.units)::bigint AS amount_minor, sum(u.units)::bigint AS units,
       count(*)::integer AS orders,
       avg((o.address->>'lat')::float8) AS lat, avg((o.address->>'lon')::float8) AS lon
FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.method = 'delivery',
     LATERAL (SELECT l.quantity - l.cancelled - l.returned AS units) u
WHERE o.placed_at >= $1 AND o.state IN ('confirmed', 'completed') AND o.channel NOT IN ('till', 'import')
  AND u.units > 0
GROUP BY 1, 2
"""
_STOCK = """
SELECT l.location_id, l.sku_id, l.on_hand - l.held AS free, l.walk_in_rate
FROM levels l JOIN stores s ON s.id = l.location_id
WHERE l.on_hand > l.held AND (l.sku_id = ANY ($1) OR s.kind = 'dc')
"""
_USED = """
SELECT u.location_id, u.sku_id, sum(u.units)::integer AS units
FROM (SELECT m.location_id, m.sku_id, -m.quantity AS units
      FROM movements m JOIN stores s ON s.id = m.location_id
      WHERE m.at >= $1 AND m.quantity < 0 AND m.reason IN ('sale', 'transfer') AND s.kind = 'dc'
      UNION ALL
      SELECT l.sold_location_id, l.sku_id, -l.quantity
      FROM returns r JOIN return_lines l ON l.member_id = r.member_id AND l.return_id = r.id
      JOIN stores s ON s.id = l.sold_location_id JOIN orders o ON o.member_id = l.member_id AND o.id = l.order_id
      WHERE r.at >= $1 AND o.placed_at >= $1 AND s.kind = 'dc') u
GROUP BY 1, 2 HAVING sum(u.units) > 0
"""


async def read(look: Look) -> shadow.Chain:
    """What the programs are made of, as of now."""
    policy, now = fulfilment.SOURCING.current().body, clock.now()
    since, scale = now - timedelta(days=WINDOW_DAYS), policy.horizon_days / WINDOW_DAYS
    more = await look.db.fetch(_MORE, since)
    delivered: dict[UUID, int] = {}
    worth: dict[UUID, list[int]] = {}
    centres: dict[str, list[tuple[float, float]]] = {}
    for row in more:
        delivered[row["sku_id"]] = delivered.get(row["sku_id"], 0) + row["units"]
        of = worth.setdefault(row["sku_id"], [0, 0])
        of[0] += row["amount_minor"]
        of[1] += row["units"]
        spots = centres.setdefault(row["region"], [])
        if row["lat"] is not None and row["lon"] is not None:
            spots.append((row["lat"], row["lon"]))
    known = {sku for sku, units in delivered.items() if units >= FORECAST_MIN}
    found = [
        Basket(row["region"], skus, row["orders"] * scale)
        for row in await look.db.fetch(_BASKETS, since)
        if (skus := tuple(sorted(sku for sku in row["skus"] if sku in known)))
    ]
    # Further units of the same article come by themselves: a basket has one of each.
    found += [
        Basket(row["region"], (row["sku_id"],), row["more"] * scale)
        for row in more
        if row["more"] and row["sku_id"] in known
    ]
    rows = await look.db.fetch(_STOCK, sorted(known))
    used = await look.db.fetch(_USED, now - timedelta(days=policy.horizon_days))
    rejects = await look.work.reject_bp()
    return shadow.Chain(
        baskets=found,
        lanes=_lanes(look.chain, policy, rejects, centres),
        margin_minor={sku: of[0] // of[1] * policy.margin // 100 for sku, of in worth.items() if of[1]},
        stock={(row["location_id"], row["sku_id"]): row["free"] for row in rows},
        walk_ins={
            (row["location_id"], row["sku_id"]): row["walk_in_rate"] * policy.horizon_days / 1000 * policy.walk_in / 100
            for row in rows
            if row["walk_in_rate"]
        },
        used={(row["location_id"], row["sku_id"]): row["units"] for row in used},
        warehouses=frozenset(store.id for store in look.chain.stores.values() if store.kind == "dc"),
        scarce_minor=policy.parcel,
    )


def _lanes(
    chain: Chain,
    policy: fulfilment.SourcingPolicy,
    rejects: Mapping[UUID, int],
    centres: Mapping[str, Sequence[tuple[float, float]]],
) -> dict[str, list[Lane]]:
    """What a parcel from each location that sends costs to each province, the cheapest first, with no work open."""
    delivery = fulfilment.DELIVERY.current().body
    senders: list[Any] = [
        store
        for store in chain.stores.values()
        if store.active
        and store.services.ship
        and fulfilment.may_send(store, policy, 0, franchised=chain.companies[store.company_id].franchised)
    ]
    lanes = {}
    for region, spots in centres.items():
        place = (
            (sum(lat for lat, _ in spots) / len(spots), sum(lon for _, lon in spots) / len(spots)) if spots else None
        )
        place = place or middle_of([store for store in chain.stores.values() if store.province == region])
        mine = []
        for store in senders:
            away_km = distance_km(store, place)
            origin = fulfilment.Origin(
                store,
                away_km,
                0,
                {},
                days=delivery.days(away_km) if policy.day else 0,  # a forecast has no hour: as if it left at once
                reject_bp=rejects.get(store.id, fulfilment.UNKNOWN_BP),
            )
            fee = store.share.fee_minor * policy.owner_fee // 100
            parcel = fulfilment.parcel_cost(origin, policy)
            mine.append(Lane(region, store.id, parcel, fulfilment.line_cost(origin, policy) + fee))
        lanes[region] = sorted(mine, key=lambda lane: (lane.parcel_minor + lane.unit_minor, lane.location_id))
    return lanes
