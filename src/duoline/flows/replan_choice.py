"""How planning again decides: today's costs, the solver, and which moves need one another. Pure, and slow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment
from duoline.flows.basket import parcel_arrival
from duoline.flows.origins import parcel_days, sends
from duoline.flows.places import distance_km, shelf_path
from duoline.stores.types import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duoline.flows.basket import Look
    from duoline.flows.replan_facts import Job, Shelves, Task, Today
    from duoline.fulfilment import Decision, Plan
    from duoline.kernel.policies import InForce

TOGETHER_MAX = 12
NEAREST = 24
"""An order chooses among so many of the nearest locations that have something, and the nearest warehouses."""
WAREHOUSES = 8


class Move(NamedTuple):
    """A better plan for an order, and why. `saved_minor` is this order's own part of what is saved."""

    task: Task
    plan: Plan
    decision: Decision
    saved_minor: int


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
            for location, units in sorted(shares_in_hand(task.jobs).items())
        ),
        0,
        exact=False,
    )
    lines = tuple(fulfilment.WantedLine(line, sku, quantity) for (line, sku), quantity in sorted(task.units.items()))
    parcels_max = max(1, policy.parcels_max - task.others)
    return Ready(task, fulfilment.Unpicked(task.order_id, lines, sites, in_hand, parcels_max), origins)


def shares_in_hand(jobs: Sequence[Job]) -> dict[UUID, dict[tuple[UUID, UUID], int]]:
    """What each location serves now, by (line, SKU)."""
    found: dict[UUID, dict[tuple[UUID, UUID], int]] = {}
    for job in jobs:
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
            parcel_arrival(store, task.place, today.at, today.lags).at > task.promise_at
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


def choose(
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
        _as_move(one, solved.plans[one.task.order_id], solved.each_before_minor[one.task.order_id], taken_us)
        for one in ready
        if shares_of(solved.plans[one.task.order_id]) != shares_in_hand(one.task.jobs)
    ]
    worth = [
        group
        for group in grouped(moves, free)
        if len(group) <= TOGETHER_MAX
        and sum(move.saved_minor for move in group) >= max(1, policy.body.replan_min_minor) * len(group)
    ]
    return [[_told(move, group, len(ready)) for move in group] for group in worth]


def shares_of(plan: Plan) -> dict[UUID, dict[tuple[UUID, UUID], int]]:
    """What each location would serve, by (line, SKU)."""
    found: dict[UUID, dict[tuple[UUID, UUID], int]] = {}
    for parcel in plan.parcels:
        units = found.setdefault(parcel.location_id, {})
        for piece in parcel.pieces:
            key = piece.line_id, piece.sku_id
            units[key] = units.get(key, 0) + piece.quantity
    return found


def _as_move(one: Ready, plan: Plan, before_minor: int, taken_us: int) -> Move:
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
    for sign, shares in ((1, shares_of(move.plan)), (-1, shares_in_hand(move.task.jobs))):
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
