"""Plan again, together, the parcels that nobody can have begun to pick: regular work.

Orders were planned one by one, each with the stock and the work of its moment (`fulfilment.reoptimise`). What is looked
at: paid parcels that are to be picked and that nobody has begun (`fulfilment.nobody_began`). Orders that wait for their
payment are left alone, since most that are not paid at once are let go; so are units that a shop keeps for this very
buyer, and parcels of an order that others have begun.

What is read is read without locks, and no transaction is open while anything is computed, which is done beside the
loop. Then each order is moved in a transaction of its own if it still is as it was, else it is passed over. Orders that
wait for one another's units move together (at most `TOGETHER_MAX`), in one transaction. In it all levels, old and new,
are locked before a unit is given back, so no unit can be had by others in between.

Never worse: a plan costs no more than the one in hand at today's costs (SRC-2), every parcel arrives by what the buyer
was promised, and an order moves only for `replan_min_minor` or more, so that shops are not bothered for cents. A
location whose share of an order changes gets a new card instead of the old one: simple, and nobody has begun the old.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment, inventory, orders, pricing
from duoline.flows import basket as baskets
from duoline.flows.basket import Look
from duoline.flows.elsewhere import open_job
from duoline.flows.origins import parcel_days, sends
from duoline.flows.places import distance_km, place_of, shelf_path
from duoline.flows.unwind import take_back
from duoline.kernel import audit, clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable, ensure
from duoline.stores.types import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duoline.fulfilment import Decision, FulfilmentLine, Parcel, Plan
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.policies import InForce
    from duoline.orders import Order

faults.register("replan.before_move", "replan.before_commit")

BATCH = 150
"""So many orders are planned together."""
SOLVE_MS = 8_000
ROUND_S = 90.0
"""A round begins no further batch after so long; the next round goes on where it ended."""
TOGETHER_MAX = 12
NEAREST = 24
"""An order chooses among so many of the nearest locations that have something, and the nearest warehouses."""
WAREHOUSES = 8
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


class Move(NamedTuple):
    """A better plan for an order, and why. `saved_minor` is this order's own part of what is saved."""

    task: Task
    plan: Plan
    decision: Decision
    saved_minor: int


class Round(NamedTuple):
    """What a round came to: orders looked at, moved, passed over because they had changed, and minor units saved."""

    looked: int = 0
    moved: int = 0
    passed_over: int = 0
    saved_minor: int = 0


class Today(NamedTuple):
    """What holds for all orders of a round: open work and rejections of locations, promises, prices on shelves."""

    at: datetime
    work: Mapping[UUID, int]
    reject_bp: Mapping[UUID, int]
    lags: fulfilment.Lags
    markdowns: fulfilment.Markdowns


class _Changed(Exception):
    """The order is not as it was read."""


class _Place:
    """Where the next round goes on, when this one ran out of time. Known to this process only."""

    after: tuple[datetime, UUID] | None = None


@jobs.cron("plan unpicked parcels again", "*/10 * * * *")
async def replan(db: Database) -> Round:
    """One round over everything that may be planned again."""
    return await replan_all(Look(db, fulfilment.OpenWork(db)))


async def replan_all(look: Look, *, round_s: float = ROUND_S, batch: int = BATCH, solve_ms: int = SOLVE_MS) -> Round:
    """Plan again in batches, the oldest first, for as long as a round may take. Safe to repeat, and by several."""
    policy, began, total = fulfilment.SOURCING.current(), time.monotonic(), Round()
    if not policy.body.replan_minutes:
        return total
    found = await read_tasks(look)
    keys = [(min(job.to_pick_at for job in task.jobs), task.order_id) for task in found]
    begin = next((n for n, key in enumerate(keys) if _Place.after is not None and key > _Place.after), 0)
    turned = [*found[begin:], *found[:begin]]
    _Place.after = None
    for first in range(0, len(turned), batch):
        if time.monotonic() - began > round_s:
            _Place.after = keys[(begin + first - 1) % len(keys)]
            break
        total = _plus(total, await _replan_batch(look, turned[first : first + batch], policy, solve_ms))
    return total


def _plus(one: Round, other: Round) -> Round:
    return Round(*(a + b for a, b in zip(one, other, strict=True)))


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


async def _replan_batch(
    look: Look, tasks: Sequence[Task], policy: InForce[fulfilment.SourcingPolicy], solve_ms: int
) -> Round:
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
    today = Today(
        clock.now(),
        await look.work.counts(),
        await look.work.reject_bp(),
        await look.work.lags(),
        await _markdowns(look, tasks),
    )
    groups = await asyncio.to_thread(_plan, look, tasks, shelves, policy, today, solve_ms)
    round_ = Round(looked=len(tasks))
    for group in groups:
        faults.point("replan.before_move")
        moved = await _try(look, group)
        saved = sum(move.saved_minor for move in group) if moved else 0
        round_ = _plus(round_, Round(0, len(group) * moved, len(group) * (not moved), saved))
    return round_


async def _markdowns(look: Look, tasks: Sequence[Task]) -> fulfilment.Markdowns:
    counting = [task for task in tasks if task.policy.body.markdown]
    if not counting:
        return fulfilment.NO_MARKDOWNS
    now, days = clock.now(), max(task.policy.body.horizon_days for task in counting)
    skus = sorted({sku for task in counting for _, sku in task.units})
    return fulfilment.Markdowns(await pricing.shelf_prices(look.db, skus, now, now + timedelta(days=days)))


Shelves = dict[UUID, dict[UUID, Shelf]]
"""What was read, by SKU and location."""


class Ready(NamedTuple):
    """An order ready for the solver, and the locations it may choose among."""

    task: Task
    unpicked: fulfilment.Unpicked
    origins: list[fulfilment.Origin]


def prepare(
    look: Look,
    task: Task,
    shelves: Shelves,
    today: Today,
) -> Ready | None:
    """The order with today's costs: of the locations that have its units, and that keep what the buyer was promised."""
    policy = task.policy.body
    own: dict[UUID, dict[UUID, int]] = {}
    for job in task.jobs:
        has = own.setdefault(job.location_id, {})
        for (_, sku), quantity in job.units.items():
            has[sku] = has.get(sku, 0) + quantity
    skus = {sku for _, sku in task.units}
    near = _near(look, task, shelves, skus, own, today)
    origins = [
        _origin(store, distance, task, shelves, own.get(store.id, {}), policy, today, look, skus)
        for distance, store in near
    ]
    sites = tuple(
        fulfilment.Site(
            origin.store.id,
            fulfilment.parcel_cost(origin, policy),
            fulfilment.line_cost(origin, policy),
            origin.stock,
            origin.unit_minor,
        )
        for origin in origins
    )
    if len(sites) <= len(own):
        return None  # nowhere else to go
    in_hand = fulfilment.Plan(
        tuple(
            fulfilment.Parcel(
                location,
                tuple(fulfilment.Piece(line, sku, quantity) for (line, sku), quantity in sorted(units.items())),
                0,
            )
            for location, units in sorted(_by_location(task.jobs).items())
        ),
        0,
        exact=False,
    )
    lines = tuple(fulfilment.WantedLine(line, sku, quantity) for (line, sku), quantity in sorted(task.units.items()))
    parcels_max = max(1, policy.parcels_max - task.others)
    return Ready(task, fulfilment.Unpicked(task.order_id, lines, sites, in_hand, parcels_max), origins)


def _by_location(jobs_: Sequence[Job]) -> dict[UUID, dict[tuple[UUID, UUID], int]]:
    found: dict[UUID, dict[tuple[UUID, UUID], int]] = {}
    for job in jobs_:
        units = found.setdefault(job.location_id, {})
        for key, quantity in job.units.items():
            units[key] = units.get(key, 0) + quantity
    return found


def _near(
    look: Look,
    task: Task,
    shelves: Shelves,
    skus: set[UUID],
    own: Mapping[UUID, Mapping[UUID, int]],
    today: Today,
) -> list[tuple[float, Store]]:
    """Where the order is, the nearest others that have something and keep the promise, and the nearest warehouses."""
    having = {
        location for sku in skus for location, shelf in shelves.get(sku, {}).items() if shelf.shared + shelf.ours > 0
    }
    others = []
    for location in having - own.keys():
        store = sends(look, location, task.refused)
        if store is not None and fulfilment.may_send(
            store,
            task.policy.body,
            today.work.get(location, 0),
            franchised=look.chain.companies[store.company_id].franchised,
        ):
            others.append((distance_km(store, task.place), store))
    others.sort(key=lambda one: (one[0], one[1].code))
    near, warehouses = list[tuple[float, Store]](), 0
    for distance, store in others:
        full = len(near) - warehouses >= NEAREST
        if (full and (store.kind != "dc" or warehouses >= WAREHOUSES)) or (
            baskets.parcel_arrival(store, task.place, today.at, today.lags).at > task.promise_at
        ):
            continue
        near.append((distance, store))
        warehouses += full
    mine = [look.chain.store(location) for location in own]
    return [*((distance_km(store, task.place), store) for store in mine), *near]


def _origin(
    store: Store,
    distance_km: float,
    task: Task,
    shelves: Shelves,
    own: Mapping[UUID, int],
    policy: fulfilment.SourcingPolicy,
    today: Today,
    look: Look,
    skus: Iterable[UUID],
) -> fulfilment.Origin:
    fee = store.share.fee_minor * policy.owner_fee // 100
    stock, costs, shadow, saved = dict[UUID, int](), dict[UUID, int](), dict[UUID, int](), dict[UUID, int]()
    path = shelf_path(look.chain, store) if today.markdowns else []
    for sku in skus:
        shelf, mine = shelves.get(sku, {}).get(store.id), own.get(sku, 0)
        if shelf is None:
            continue
        stock[sku] = shelf.shared + shelf.ours
        # Where the order is, its own units would be free again: the last of them is what sending one gives away.
        worth = fulfilment.unit_worth(
            shelf.free + mine, shelf.walk_in_rate, shelf.shadow_minor, task.prices_minor.get(sku, 0), policy
        )
        if sku in today.markdowns:
            price_minor = task.prices_minor.get(sku, 0)
            saved[sku] = today.markdowns.saved(worth, sku, path, today.at, price_minor, policy)
        if cost := fee + worth - saved.get(sku, 0):
            costs[sku] = cost
        if policy.shadow and shelf.shadow_minor:
            shadow[sku] = worth
    open_work = today.work.get(store.id, 0) - (1 if own else 0)
    return fulfilment.Origin(
        store,
        distance_km,
        max(0, open_work),
        stock,
        costs,
        days=parcel_days(today.at, today.lags)(store, distance_km) if policy.day else 0,
        reject_bp=today.reject_bp.get(store.id, fulfilment.UNKNOWN_BP),
        rush=fulfilment.in_rush(store, today.at, max(0, open_work), policy),
        shadow_minor=shadow,
        saved_minor=saved,
    )


def _plan(
    look: Look,
    tasks: Sequence[Task],
    shelves: Shelves,
    policy: InForce[fulfilment.SourcingPolicy],
    today: Today,
    solve_ms: int,
) -> list[list[Move]]:
    """Solve, and put what is worth moving into groups that move together. Runs beside the loop."""
    began = time.perf_counter_ns()
    ready = [one for task in tasks if (one := prepare(look, task, shelves, today)) is not None]
    if not ready:
        return []
    free = {
        (location, sku): shelf.shared
        for sku, places in shelves.items()
        for location, shelf in places.items()
        if shelf.shared > 0
    }
    solved = fulfilment.reoptimise([one.unpicked for one in ready], free, limit_ms=solve_ms)
    taken_us = (time.perf_counter_ns() - began) // 1000
    moves = [
        _move(one, solved.plans[one.task.order_id], solved.each_before_minor[one.task.order_id], taken_us)
        for one in ready
        if _shares(solved.plans[one.task.order_id]) != _by_location(one.task.jobs)
    ]
    worth = [
        group
        for group in grouped(moves, free)
        if len(group) <= TOGETHER_MAX
        and sum(move.saved_minor for move in group) >= max(1, policy.body.replan_min_minor) * len(group)
    ]
    return [[_told(move, group, len(ready)) for move in group] for group in worth]


def _shares(plan: Plan) -> dict[UUID, dict[tuple[UUID, UUID], int]]:
    found: dict[UUID, dict[tuple[UUID, UUID], int]] = {}
    for parcel in plan.parcels:
        units = found.setdefault(parcel.location_id, {})
        for piece in parcel.pieces:
            key = piece.line_id, piece.sku_id
            units[key] = units.get(key, 0) + piece.quantity
    return found


def _move(one: Ready, plan: Plan, before_minor: int, taken_us: int) -> Move:
    policy = one.task.policy
    by_cost = sorted(one.origins, key=lambda origin: (fulfilment.parcel_cost(origin, policy.body), origin.store.code))
    decision = fulfilment.explain(
        one.unpicked.lines, by_cost, plan, policy.body, policy.version, taken_us=min(taken_us, 2**31 - 1)
    )
    decision = msgspec.structs.replace(decision, region_id=one.task.region_id)
    return Move(one.task, plan, decision, before_minor - plan.cost_minor)


def grouped(moves: Sequence[Move], free: Mapping[tuple[UUID, UUID], int]) -> list[list[Move]]:
    """Moves that need one another, together; each group can be carried out by itself, before and after any other.

    At a shelf the free units go to those that save most; every further unit that comes takes the place of one that
    leaves, and the two moves belong together. What gets dearer to make room for others is taken up first, so that it
    is never done without them.
    """
    nets = [_net(move) for move in moves]
    group = list(range(len(moves)))

    def root(n: int) -> int:
        while group[n] != n:
            n = group[n]
        return n

    coming: dict[tuple[UUID, UUID], list[int]] = {}
    leaving: dict[tuple[UUID, UUID], list[int]] = {}
    for n in sorted(range(len(moves)), key=lambda n: moves[n].saved_minor):
        for shelf, units in nets[n].items():
            into = coming if units > 0 else leaving
            into.setdefault(shelf, []).extend([n] * abs(units))
    for shelf, arrivals in coming.items():
        makes_room = leaving.get(shelf, [])
        for arrival, departure in zip(arrivals[: max(0, len(arrivals) - free.get(shelf, 0))], makes_room, strict=False):
            group[root(arrival)] = root(departure)
    found: dict[int, list[Move]] = {}
    for n, move in enumerate(moves):
        found.setdefault(root(n), []).append(move)
    return list(found.values())


def _net(move: Move) -> dict[tuple[UUID, UUID], int]:
    """Units more (or fewer, below zero) that the order takes from each shelf than before."""
    net: dict[tuple[UUID, UUID], int] = {}
    for sign, shares in ((1, _shares(move.plan)), (-1, _by_location(move.task.jobs))):
        for location, units in shares.items():
            for (_, sku), quantity in units.items():
                net[location, sku] = net.get((location, sku), 0) + sign * quantity
    return {shelf: units for shelf, units in net.items() if units}


def _told(move: Move, group: Sequence[Move], together: int) -> Move:
    """The decision in words: together with how many, and what it saves."""
    saved = f"¥{sum(one.saved_minor for one in group) / 100:.2f}"
    if len(group) == 1:
        zh = f"与其他 {together - 1} 张订单一起重新安排,省 {saved}。"
        en = f"Planned again together with {together - 1} others; saves {saved}."
        if together == 1:
            zh, en = f"按现在的情况重新安排,省 {saved}。", f"Planned again as things are now; saves {saved}."
    else:
        zh = f"与其他 {together - 1} 张订单一起重新安排,其中 {len(group)} 张互换货源,共省 {saved}。"
        en = (
            f"Planned again together with {together - 1} others; {len(group)} exchange units and save {saved} together."
        )
    return move._replace(decision=msgspec.structs.replace(move.decision, summary={"zh": zh, "en": en}))


async def _try(look: Look, group: Sequence[Move]) -> bool:
    """Carry out a group if everything still is as it was; False when it was passed over."""
    with suppress(_Changed, Unavailable):
        async with look.db.begin() as tx:
            await carry_out(tx, look, group)
        return True
    return False


async def carry_out(tx: Tx, look: Look, group: Sequence[Move]) -> None:
    """Move orders to their new plans, all or none.

    Locks the orders in order of (member, id), each with its fulfilments, then all levels, old and new. Whoever locks a
    fulfilment holds its order, so of two orders' fulfilments no second order has to be kept. `_Changed` when one is not
    as it was read, `Unavailable` when units are gone.
    """
    now = clock.now()
    held: list[tuple[Move, Order, list[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]]] = []
    for move in sorted(group, key=lambda one: (one.task.member_id, one.task.order_id)):
        order, _ = await orders.lock_order(tx, move.task.member_id, move.task.order_id)
        live = await fulfilment.lock_live(tx, order.id, order.location_ids)
        if order.state != orders.OrderState.CONFIRMED.value:
            raise _Changed
        read = {job.id: job for job in move.task.jobs}
        mine = [(job, lines) for job, lines in live if job.id in read]
        if len(mine) != len(read) or not all(_as_read(look, job, lines, read[job.id], now) for job, lines in mine):
            raise _Changed
        held.append((move, order, mine))
    levels = {shelf for move in group for shelf in _touched(move)}
    await inventory.lock_levels(tx, levels)
    for move, _, mine in held:
        for job, lines in _leaving(move, mine):
            units: dict[UUID, int] = {}
            for line in lines:
                units[line.line_id] = units.get(line.line_id, 0) + line.quantity
            left = await take_back(tx, [(job, lines)], units, then=fulfilment.FulfilmentState.CANCELLED, actor=SYSTEM)
            ensure(not any(left.values()), "FUL-1", f"{job.order_no}: a parcel gives up what it serves")
    for move, order, mine in held:
        await _open(tx, look, move, order, mine)
    faults.point("replan.before_commit")


def _as_read(look: Look, job: fulfilment.Fulfilment, lines: Sequence[FulfilmentLine], read: Job, now: datetime) -> bool:
    units: dict[tuple[UUID, UUID], int] = {}
    for line in lines:
        units[line.line_id, line.sku_id] = units.get((line.line_id, line.sku_id), 0) + line.quantity
    return (
        job.state == fulfilment.FulfilmentState.TO_PICK.value
        and job.begun_at is None
        and job.to_pick_at == read.to_pick_at
        and units == read.units
        and fulfilment.nobody_began(
            look.chain.store(job.location_id), read.to_pick_at, now, fulfilment.SOURCING.current().body
        )
    )


def _touched(move: Move) -> set[tuple[UUID, UUID]]:
    shelves = {(parcel.location_id, piece.sku_id) for parcel in move.plan.parcels for piece in parcel.pieces}
    return shelves | {(job.location_id, sku) for job in move.task.jobs for _, sku in job.units}


def _leaving(
    move: Move, mine: Sequence[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]
) -> list[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]:
    """The parcels that are given up: those of locations whose share changes."""
    before, after = _by_location(move.task.jobs), _shares(move.plan)
    return [(job, lines) for job, lines in mine if after.get(job.location_id) != before[job.location_id]]


def _arriving(move: Move) -> list[Parcel]:
    before, after = _by_location(move.task.jobs), _shares(move.plan)
    return [one for one in move.plan.parcels if before.get(one.location_id) != after[one.location_id]]


async def _open(
    tx: Tx,
    look: Look,
    move: Move,
    order: Order,
    mine: Sequence[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]],
) -> None:
    """Open the work at the new locations, and tell why."""
    line_ids = {str(line) for line, _ in move.task.units}
    decision_id = await fulfilment.keep_decision(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        decision=move.decision,
        named={line: line for line in line_ids},
        saved_minor=move.saved_minor,
    )
    like, since, lags = mine[0][0], min(job.to_pick_at for job in move.task.jobs), await look.work.lags()
    for parcel in _arriving(move):
        store = look.chain.store(parcel.location_id)
        await open_job(
            tx,
            order,
            like,
            location_id=parcel.location_id,
            wants=[(piece.line_id, piece.sku_id, piece.quantity) for piece in parcel.pieces],
            promised=baskets.parcel_arrival(store, move.task.place, clock.now(), lags),
            away_km=round(distance_km(store, move.task.place)),
            decision_id=decision_id,
            unit_fee_minor=store.share.fee_minor,
            to_pick_at=since,
        )
    before = sorted(look.chain.store(location).code for location in _by_location(move.task.jobs))
    after = sorted(look.chain.store(location).code for location in _shares(move.plan))
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="replanned",
        actor=SYSTEM,
        location_codes=after,
        before_codes=before,
    )
    await audit.record(
        tx,
        actor=SYSTEM,
        action="order.replan",
        subject_kind="order",
        subject=order.order_no,
        reason=move.decision.summary["en"],
        before={"locations": before},
        after={"locations": after, "saved_minor": move.saved_minor},
    )
