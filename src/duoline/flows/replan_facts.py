"""What planning again reads: the parcels that nobody can have begun, and the shelves they might come from. No locks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment, orders, pricing
from duoline.flows.places import place_of
from duoline.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.flows.basket import Look
    from duoline.kernel.policies import InForce

LOOK_BACK = timedelta(days=4)
"""No shop that sends is closed for longer; older work is somebody's."""
CHANNEL = "mall"


class Job(NamedTuple):
    """One location's share of an order as it was read: units by (line, SKU)."""

    location_id: UUID
    id: UUID
    to_pick_at: datetime
    units: dict[tuple[UUID, UUID], int]


class Task(NamedTuple):
    """An order that may be planned again."""

    member_id: UUID
    order_id: UUID
    jobs: list[Job]
    prices_minor: dict[UUID, int]
    place: tuple[float, float] | None
    promise_at: datetime
    refused: frozenset[UUID]
    others: int
    """Its parcels that are somebody's already."""
    region_id: UUID | None
    policy: InForce[fulfilment.SourcingPolicy]
    """What holds where it goes: a pilot's terms, perhaps."""

    @property
    def units(self) -> dict[tuple[UUID, UUID], int]:
        """What all its jobs serve, by (line, SKU)."""
        found: dict[tuple[UUID, UUID], int] = {}
        for job in self.jobs:
            for key, quantity in job.units.items():
                found[key] = found.get(key, 0) + quantity
        return found


class Shelf(NamedTuple):
    """A level as it was read: what may be sent from it, what the orders looked at hold of it, what nobody holds, and
    what that is worth."""

    shared: int
    ours: int
    free: int
    walk_in_rate: int
    shadow_minor: int | None


Shelves = dict[UUID, dict[UUID, Shelf]]
"""What was read, by SKU and location."""


class Today(NamedTuple):
    """What holds for all orders of a round: open work and rejections of locations, promises, prices on shelves."""

    at: datetime
    work: Mapping[UUID, int]
    reject_bp: Mapping[UUID, int]
    lags: fulfilment.Lags
    markdowns: fulfilment.Markdowns


_TASKS = """
SELECT f.location_id, f.id, f.member_id, f.order_id, f.to_pick_at, f.promise_at, o.address,
       (SELECT jsonb_agg(jsonb_build_array(w.line_id, w.sku_id, w.quantity, l.unit_price_minor) ORDER BY l.n)
        FROM fulfilment_lines w
        JOIN order_lines l ON l.member_id = f.member_id AND l.order_id = f.order_id AND l.id = w.line_id
        WHERE w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0) AS lines,
       (SELECT array_agg(DISTINCT r.location_id) FROM fulfilments r
        -- Whoever has begun this order has given back what it is not serving.
        WHERE r.order_id = f.order_id AND (r.state = 'rejected' OR r.begun_at IS NOT NULL)) AS refused,
       (SELECT count(*) FROM fulfilments r
        WHERE r.order_id = f.order_id AND r.kind = 'ship' AND r.begun_at IS NOT NULL
          AND r.state IN ('to_pick', 'ready', 'shipped', 'delivered')) AS others
FROM fulfilments f
JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id
WHERE f.state = 'to_pick' AND f.kind = 'ship' AND f.begun_at IS NULL AND f.paid AND f.to_pick_at > $1
  AND o.state = 'confirmed'
  -- The very units that were kept for this buyer stay where they are kept.
  AND NOT EXISTS (SELECT FROM favourite_holds h WHERE h.order_id = f.order_id)
ORDER BY f.to_pick_at, f.order_id, f.id
"""


async def read_tasks(look: Look) -> list[Task]:
    """Every order that may be planned again as of now, the oldest first. No locks."""
    now, policy = clock.now(), fulfilment.SOURCING.current().body
    found: dict[UUID, Task] = {}
    for row in await look.db.fetch(_TASKS, now - LOOK_BACK):
        store = look.chain.stores.get(row["location_id"])
        if store is None or not row["lines"] or not fulfilment.nobody_began(store, row["to_pick_at"], now, policy):
            continue
        job = Job(
            row["location_id"],
            row["id"],
            row["to_pick_at"],
            {(UUID(line), UUID(sku)): quantity for line, sku, quantity, _ in row["lines"]},
        )
        prices = {UUID(sku): price for _, sku, _, price in row["lines"]}
        known = found.get(row["order_id"])
        if known is None:
            address = msgspec.convert(row["address"], orders.Address) if row["address"] else None
            region_id = look.chain.region_of(address.province, address.city) if address else None
            found[row["order_id"]] = Task(
                row["member_id"],
                row["order_id"],
                [job],
                prices,
                place_of(look.chain, address),
                row["promise_at"],
                frozenset(row["refused"] or ()),
                row["others"],
                region_id,
                fulfilment.SOURCING.current(now, region_id=region_id),
            )
        else:
            found[row["order_id"]] = known._replace(
                jobs=[*known.jobs, job],
                prices_minor=known.prices_minor | prices,
                promise_at=max(known.promise_at, row["promise_at"]),
            )
    return list(found.values())


_SHELVES = """
SELECT l.location_id, l.sku_id, l.on_hand - l.held AS free, l.walk_in_rate, l.shadow_minor,
       duo_shared(l.on_hand, l.held, l.safety + duo_buffer(l.buffers, $4), l.outward_reserve, l.outward_cap, l.outward)
         AS shared
FROM levels l WHERE l.sku_id = ANY ($1) AND l.on_hand > l.held
UNION
SELECT l.location_id, l.sku_id, l.on_hand - l.held, l.walk_in_rate, l.shadow_minor,
       duo_shared(l.on_hand, l.held, l.safety + duo_buffer(l.buffers, $4), l.outward_reserve, l.outward_cap, l.outward)
FROM unnest($2::uuid[], $3::uuid[]) AS w(location_id, sku_id)
JOIN levels l ON l.location_id = w.location_id AND l.sku_id = w.sku_id
"""


async def read_shelves(look: Look, tasks: Sequence[Task]) -> Shelves:
    """The levels of what the orders want: wherever there is some, and wherever it is now."""
    mine = sorted({(job.location_id, sku) for task in tasks for job in task.jobs for _, sku in job.units})
    rows = await look.db.fetch(
        _SHELVES,
        sorted({sku for task in tasks for _, sku in task.units}),
        [location for location, _ in mine],
        [sku for _, sku in mine],
        CHANNEL,
    )
    ours: dict[tuple[UUID, UUID], int] = {}
    for task in tasks:
        for job in task.jobs:
            for (_, sku), quantity in job.units.items():
                ours[job.location_id, sku] = ours.get((job.location_id, sku), 0) + quantity
    shelves: Shelves = {}
    for row in rows:
        held = ours.get((row["location_id"], row["sku_id"]), 0)
        shelves.setdefault(row["sku_id"], {})[row["location_id"]] = Shelf(
            max(0, row["shared"]), held, row["free"], row["walk_in_rate"], row["shadow_minor"]
        )
    return shelves


async def read_today(look: Look, tasks: Sequence[Task]) -> Today:
    """The work, the rejections, the promises and the prices as of now."""
    return Today(
        clock.now(),
        await look.work.counts(),
        await look.work.reject_bp(),
        await look.work.lags(),
        await _markdowns(look, tasks),
    )


async def _markdowns(look: Look, tasks: Sequence[Task]) -> fulfilment.Markdowns:
    counting = [task for task in tasks if task.policy.body.markdown]
    if not counting:
        return fulfilment.NO_MARKDOWNS
    now, days = clock.now(), max(task.policy.body.horizon_days for task in counting)
    skus = sorted({sku for task in counting for _, sku in task.units})
    return fulfilment.Markdowns(await pricing.shelf_prices(look.db, skus, now, now + timedelta(days=days)))
