"""Turn locations into candidates for sourcing, and the chosen plan into a decision that people can read. Pure.

A large chain offers more than a thousand locations for an order and uses one or two of the nearest. So a plan is made
from the nearest that have something; what it costs bounds how far away, and how dear, another may be. Mostly that
leaves none out of the first, and the stock of distant locations is never looked at.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline.fulfilment.sourcing import NO_COSTS, Parcel, Piece, Plan, Site, WantedLine, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.stores.types import Store

CANDIDATES_KEPT = 12
"""A decision keeps the chosen locations and the cheapest others, up to this many."""
NEAREST = 24
"""The first plan is made from so many locations that have something, the nearest."""
WAREHOUSES = 8
"""When these do not suffice in one parcel, from so many warehouses as well."""
FEW_SKUS = 2
"""With more it is not worth trying without the warehouses."""


class Origin(NamedTuple):
    """A location that could send: how far it is, how much it has to do, what it has.

    `unit_minor` is what a unit of each SKU costs from here beyond the parcel and the pick: see `sourcing.Site`.
    `days` is how long it takes until a parcel arrives, `reject_bp` how many of ten thousand fulfilments the location
    rejected; `rush` that it would be picked in a shop's rush hours.
    """

    store: Store
    distance_km: float
    open_work: int
    stock: Mapping[UUID, int]
    unit_minor: Mapping[UUID, int] = NO_COSTS
    days: int = 0
    reject_bp: int = 0
    rush: bool = False
    shadow_minor: Mapping[UUID, int] = NO_COSTS
    """How much of `unit_minor` is the shadow price: for the record only."""
    saved_minor: Mapping[UUID, int] = NO_COSTS
    """By how much `unit_minor` is less because of markdowns: for the record only."""


class Decision(msgspec.Struct, frozen=True):
    """Why these locations: kept with the order, for ever."""

    policy_version: int
    terms: dict[str, Any]
    chosen: list[dict[str, Any]]
    candidates: list[dict[str, Any]]
    summary: dict[str, str]
    cost_minor: int
    solver_us: int
    region_id: UUID | None = None


def decide(
    lines: Sequence[WantedLine],
    origins: Sequence[Origin],
    policy: SourcingPolicy,
    version: int,
    *,
    least_minor: Mapping[UUID, int] | None = None,
) -> tuple[Plan, Decision] | None:
    """The cheapest plan and the record of it; None when the lines cannot be served.

    `least_minor` is what a unit of a SKU costs at least, wherever it comes from (0 where it is not named); who knows
    it saves looking it up in every `Origin.unit_minor`. Origins that come by distance are not sorted again.
    """
    started = time.perf_counter_ns()
    skus = {line.sku_id for line in lines}
    near, far = _nearest(skus, sorted(origins, key=attrgetter("distance_km")), policy)
    if far and len(skus) > FEW_SKUS:
        near, far = _with_warehouses(near, far, policy)
    found = _plan(lines, near, policy, quick=True)
    if far and len(skus) <= FEW_SKUS and (found is None or len(found.parcels) > 1):
        near, far = _with_warehouses(near, far, policy)
        found = _plan(lines, near, policy, quick=True)
    if far:
        floor = _least_units(lines, origins) if least_minor is None else _sum_of(lines, least_minor)
        added = _within_reach(lines, far, near, policy, None if found is None else found.cost_minor - floor)
        if added:
            near, found = sorted(near + added), None
    if found is None or not found.exact:
        found = _plan(lines, near, policy, quick=False)
    if found is None:
        return None
    ordered = [origin for _, _, origin in near]
    taken_us = (time.perf_counter_ns() - started) // 1000
    return found, explain(lines, ordered, found, policy, version, taken_us=taken_us)


Costed = tuple[int, str, Origin]
"""What a parcel from a location costs, and the location by its code: no two compare equal."""


def _plan(
    lines: Sequence[WantedLine], considered: Sequence[Costed], policy: SourcingPolicy, *, quick: bool
) -> Plan | None:
    sites = [
        Site(origin.store.id, cost, line_cost(origin, policy), origin.stock, origin.unit_minor)
        for cost, _, origin in considered
    ]
    return plan(lines, sites, parcels_max=policy.parcels_max, quick=quick)


def _nearest(
    skus: set[UUID], by_distance: Sequence[Origin], policy: SourcingPolicy
) -> tuple[list[Costed], Sequence[Origin]]:
    """The nearest locations that have any of the SKUs, and all locations that lie beyond them."""
    near: list[Costed] = []
    for n, origin in enumerate(by_distance):
        if any(map(origin.stock.get, skus)):
            near.append((parcel_cost(origin, policy), origin.store.code, origin))
            if len(near) == NEAREST:
                return sorted(near), by_distance[n + 1 :]
    return sorted(near), ()


def _with_warehouses(
    near: Sequence[Costed], far: Sequence[Origin], policy: SourcingPolicy
) -> tuple[list[Costed], Sequence[Origin]]:
    """The nearest warehouses moved from the distant locations to the near ones: they have most things."""
    nearest = [origin for origin in far if origin.store.kind == "dc"][:WAREHOUSES]
    added = [(parcel_cost(origin, policy), origin.store.code, origin) for origin in nearest]
    moved = {origin.store.id for origin in nearest}
    return sorted([*near, *added]), [origin for origin in far if origin.store.id not in moved] if moved else far


def _within_reach(
    lines: Sequence[WantedLine],
    far: Sequence[Origin],
    near: Sequence[Costed],
    policy: SourcingPolicy,
    bound: int | None,
) -> list[Costed]:
    """Those of the distant locations that a cheaper plan could have; all that have something when there is no plan.

    `bound` is the cost of a plan less the least that all units can cost. A plan with a parcel from n costs at least
    that parcel, a pick of each SKU and, when n has nothing of one of them, one more parcel. Load only adds to what the
    distance costs, so beyond the first that is too far all are.
    """
    skus = {line.sku_id for line in lines}
    limit = 1 << 62 if bound is None else bound - len(skus) * min(policy.pick_store, policy.pick_dc)
    another = min((cost for cost, _, _ in near), default=0)
    another = min(another, policy.parcel + policy.split + round(policy.per_km * far[0].distance_km))
    beyond = len(far)
    if policy.per_km and bound is not None:
        beyond = bisect_right(
            far, (limit - policy.parcel - policy.split + 1) / policy.per_km, key=attrgetter("distance_km")
        )
    added: list[Costed] = []
    for origin in far[:beyond]:
        cost = parcel_cost(origin, policy)
        if cost >= limit:
            continue
        wants = any if cost + another < limit else all
        if wants(map(origin.stock.get, skus)):
            added.append((cost, origin.store.code, origin))
    return added


def _least_units(lines: Sequence[WantedLine], origins: Sequence[Origin]) -> int:
    """The least that all units can cost, beyond parcels and picks."""
    priced = [origin.unit_minor for origin in origins if origin.unit_minor]
    if not priced:
        return 0
    free = [0] if len(priced) < len(origins) else []
    return sum(line.quantity * min(free + [costs.get(line.sku_id, 0) for costs in priced]) for line in lines)


def _sum_of(lines: Sequence[WantedLine], each_minor: Mapping[UUID, int]) -> int:
    return sum(line.quantity * each_minor.get(line.sku_id, 0) for line in lines)


def decide_box(
    lines: Sequence[WantedLine], origins: Sequence[Origin], policy: SourcingPolicy, version: int
) -> tuple[Plan, Decision] | None:
    """Where one box to a shop of ours comes from: like `decide`, but it costs `transfer` instead of a parcel."""
    found = decide(lines, origins, msgspec.structs.replace(policy, parcel=policy.transfer, parcels_max=1), version)
    if found is None:
        return None
    candidates = [
        {**one, "parts": {"transfer" if term == "parcel" else term: minor for term, minor in one["parts"].items()}}
        for one in found[1].candidates
    ]
    return found[0], msgspec.structs.replace(found[1], terms=msgspec.to_builtins(policy), candidates=candidates)


def decide_kept(
    fixed: Mapping[UUID, Sequence[Piece]],
    rest: tuple[Plan, Decision] | None,
    origins: Mapping[UUID, Origin],
    policy: SourcingPolicy,
    version: int,
) -> tuple[Plan, Decision]:
    """A plan in which units kept for the buyer come from where they are kept, and the `rest` as it was decided.

    Nothing is chosen here: `fixed` says which pieces each location sends, because they are those very units. A parcel
    that leaves there anyhow takes them along, so there may be more parcels than the policy allows the rest. `origins`
    has every location of either.
    """
    parcels = {parcel.location_id: parcel for parcel in rest[0].parcels} if rest else {}
    added = 0
    for location_id, pieces in sorted(fixed.items()):
        there, origin = parcels.get(location_id), origins[location_id]
        merged = _merged([*(there.pieces if there else ()), *pieces])
        skus = len({piece.sku_id for piece in merged})
        cost = parcel_cost(origin, policy) + line_cost(origin, policy) * skus
        cost += sum(piece.quantity * origin.unit_minor.get(piece.sku_id, 0) for piece in merged)
        added += cost - (there.cost_minor if there else 0)
        parcels[location_id] = Parcel(location_id, merged, cost)
    whole = Plan(tuple(parcels.values()), (rest[0].cost_minor if rest else 0) + added, rest[0].exact if rest else True)
    names = [origins[location_id].store.name for location_id in sorted(fixed)]
    zh = f"{'、'.join(name.zh for name in names)}为顾客留着的就是这件,从那里发出。"
    en = f"The very units kept for the buyer leave from {', '.join(name.en for name in names)}."
    if rest is not None:
        zh, en = f"{zh}其余:{rest[1].summary['zh']}", f"{en} The rest: {rest[1].summary['en']}"
    chosen = [
        {
            "location_code": origins[parcel.location_id].store.code,
            "line_ids": [str(piece.line_id) for piece in parcel.pieces],
            "cost_minor": parcel.cost_minor,
        }
        for parcel in whole.parcels
    ]
    return whole, Decision(
        policy_version=version,
        terms=msgspec.to_builtins(policy),
        chosen=chosen,
        candidates=rest[1].candidates if rest else [],
        summary={"zh": zh, "en": en},
        cost_minor=whole.cost_minor - policy.split,
        solver_us=rest[1].solver_us if rest else 0,
    )


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """One piece a line, in the order of their first mention."""
    units: dict[tuple[UUID, UUID], int] = {}
    for piece in pieces:
        units[piece.line_id, piece.sku_id] = units.get((piece.line_id, piece.sku_id), 0) + piece.quantity
    return tuple(Piece(line_id, sku_id, quantity) for (line_id, sku_id), quantity in units.items())


def parcel_cost(origin: Origin, policy: SourcingPolicy) -> int:
    """What one parcel from here costs, in minor units: the sum of `parcel_parts`, without taking them apart.

    What only further parcels cost is in each; a decision's cost has it once less.
    """
    load = policy.load * origin.open_work // origin.store.pick_capacity_hour
    cost = policy.parcel + policy.split + round(policy.per_km * origin.distance_km) + load
    return cost + policy.day * origin.days + policy.reject * origin.reject_bp // 10_000


def parcel_parts(origin: Origin, policy: SourcingPolicy) -> dict[str, int]:
    """What a parcel from here costs, by term of the policy (minor units)."""
    return {
        "parcel": policy.parcel,
        "per_km": round(policy.per_km * origin.distance_km),
        "load": policy.load * origin.open_work // origin.store.pick_capacity_hour,
        "day": policy.day * origin.days,
        "reject": policy.reject * origin.reject_bp // 10_000,
        "split": policy.split,
    }


def line_cost(origin: Origin, policy: SourcingPolicy) -> int:
    """What picking one line here costs, in minor units."""
    if origin.store.kind == "dc":
        return policy.pick_dc
    return policy.pick_store + (policy.rush if origin.rush else 0)


def explain(
    lines: Sequence[WantedLine],
    origins: Sequence[Origin],
    found: Plan,
    policy: SourcingPolicy,
    version: int,
    *,
    taken_us: int,
) -> Decision:
    """The record of a plan: what was chosen and what else could have been. `origins` come cheapest parcel first."""
    by_id = {origin.store.id: origin for origin in origins}
    used = {parcel.location_id for parcel in found.parcels}
    chosen = [
        {
            "location_code": by_id[parcel.location_id].store.code,
            "line_ids": [str(piece.line_id) for piece in parcel.pieces],
            "cost_minor": parcel.cost_minor,
        }
        for parcel in found.parcels
    ]
    kept = [origin for origin in origins if origin.store.id in used]
    kept += [origin for origin in origins if origin.store.id not in used][: max(0, CANDIDATES_KEPT - len(kept))]
    candidates = [_candidate(lines, origin, found, policy, used) for origin in kept]
    names = [by_id[parcel.location_id].store for parcel in found.parcels]
    first = by_id[found.parcels[0].location_id]
    if len(names) == 1:
        zh = f"{names[0].name.zh}能一次配齐,距离 {first.distance_km:.0f} 公里,成本最低。"
        en = f"{names[0].name.en} has everything, is {first.distance_km:.0f} km away, and costs the least."
    else:
        zh = f"没有一处更便宜地配齐,分 {len(names)} 个包裹:{'、'.join(store.name.zh for store in names)}。"
        en = f"No single place serves it for less; {len(names)} parcels: {', '.join(s.name.en for s in names)}."
    if not found.exact:
        zh, en = zh + "(近似解)", en + " (Approximate.)"
    return Decision(
        policy_version=version,
        terms=msgspec.to_builtins(policy),
        chosen=chosen,
        candidates=candidates,
        summary={"zh": zh, "en": en},
        cost_minor=found.cost_minor - policy.split,
        solver_us=taken_us,
    )


def _candidate(
    lines: Sequence[WantedLine], origin: Origin, found: Plan, policy: SourcingPolicy, used: set[UUID]
) -> dict[str, Any]:
    covers = [line for line in lines if origin.stock.get(line.sku_id, 0) >= line.quantity]
    shadow = sum(line.quantity * origin.shadow_minor.get(line.sku_id, 0) for line in covers)
    saved = sum(line.quantity * origin.saved_minor.get(line.sku_id, 0) for line in covers)
    rush = policy.rush if origin.rush else 0
    parts = parcel_parts(origin, policy) | {
        "pick": (line_cost(origin, policy) - rush) * max(1, len(covers)),
        "rush": rush * max(1, len(covers)),
        "unit": sum(line.quantity * origin.unit_minor.get(line.sku_id, 0) for line in covers) - shadow + saved,
        "shadow": shadow,
        "markdown": -saved,
    }
    if origin.store.id in used:
        reason = None
    elif len(covers) < len(lines):
        reason = "incomplete"
    else:
        reason = "dearer"
    return {
        "location_code": origin.store.code,
        "cost_minor": sum(parts.values()),
        "parts": {term: minor for term, minor in parts.items() if minor},
        "distance_km": round(origin.distance_km, 1),
        "load": origin.open_work,
        "covers": [str(line.line_id) for line in covers],
        "rejected_because": reason,
    }
