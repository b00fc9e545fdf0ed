"""The cheapest sending in which every SKU comes from one location. Exact.

With h(M) the cheapest single location for the set of SKUs M, and f(M) the cheapest way to serve M,

    f(M) = min over S within M that contains M's lowest SKU of h(S) + f(M without S),

which takes O(3^n) for n SKUs, after h is known (the cases of `algorithms.md` A4). Only when that needs more parcels
than are allowed is it done again with the number of parcels as a second index. Before that, locations go that
cannot be in a best plan: with the place that has everything for U, and b the sum of the least cost of each SKU
without its parcel, a place that has everything cannot cost less than its parcel + b, another not less than its
parcel + the cheapest parcel + b. Costs of units may be negative, those of parcels not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.fulfilment.offers import Offer, Units
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.fulfilment.offers import Sending

Choice = tuple[int, int]
"""A cost, and the location or the set of SKUs it is reached by."""


def by_whole_skus(wanted: Units, offers: Sequence[Offer], parcels_max: int) -> Sending | None:
    """The cheapest such sending in at most `parcels_max` parcels; None when there is none."""
    everything = (1 << len(wanted)) - 1
    able = _able(wanted, offers)
    useful = _useful(wanted, able, everything)
    if not useful:
        return None
    if len(useful) == 1:
        has, _, offer = useful[0]
        return [(offer.position, wanted)] if has == everything else None
    single = _cheapest_single(useful, everything)
    if any(single[1 << i] is None for i in range(len(wanted))):
        return None
    _, chosen = partition(single, everything)
    if len(chosen) > parcels_max:
        bounded = _bounded(single, everything, parcels_max)
        if bounded is None:
            return None
        chosen = bounded
    return [
        (position, tuple([units if has >> i & 1 else 0 for i, units in enumerate(wanted)]))
        for position, has in sorted(chosen.items())
    ]


Able = tuple[int, Units, Offer]
"""The SKUs, as bits, that a location has enough of; what all units of each cost from there without the parcel."""


def _able(wanted: Units, offers: Sequence[Offer]) -> list[Able]:
    bits = [1 << i for i in range(len(wanted))]
    found = []
    for offer in offers:
        has = 0
        for bit, need, units in zip(bits, wanted, offer.units, strict=True):
            if units >= need:
                has |= bit
        if has:
            pick = offer.pick_minor
            costs = tuple([pick + need * each for need, each in zip(wanted, offer.each_minor, strict=True)])
            found.append((has, costs, offer))
    return found


def _useful(wanted: Units, able: Sequence[Able], everything: int) -> Sequence[Able]:
    """Those that could be in a best plan; the one that has everything for the least among them."""
    complete = [(offer.parcel_minor + sum(costs), n) for n, (has, costs, offer) in enumerate(able) if has == everything]
    if not complete:
        return able
    bound, best = min(complete)
    base = sum(min(costs[i] for has, costs, _ in able if has >> i & 1) for i in range(len(wanted)))
    parcel = min(offer.parcel_minor for _, _, offer in able)
    alone, together = bound - base, bound - base - parcel
    return [
        one
        for n, one in enumerate(able)
        if n == best or one[2].parcel_minor < (alone if one[0] == everything else together)
    ]


def _cheapest_single(able: Sequence[Able], everything: int) -> list[Choice | None]:
    """For every set of SKUs, as bits: what the cheapest location that has all of it costs, and which one it is."""
    leaders: dict[
        tuple[int, Units], Offer
    ] = {}  # of those that differ in the parcel only, the cheapest, then the first
    for has, costs, offer in able:
        leader = leaders.get((has, costs))
        if leader is None or offer.parcel_minor < leader.parcel_minor:
            leaders[has, costs] = offer
    single: list[Choice | None] = [None] * (everything + 1)
    for (has, costs), offer in sorted(leaders.items(), key=lambda entry: entry[1].position):
        sums = [(0, offer.parcel_minor)]  # every subset of what it has, with its cost
        for i, cost in enumerate(costs):
            if has >> i & 1:
                bit = 1 << i
                sums += [(subset | bit, total + cost) for subset, total in sums]
        for subset, total in sums:
            best = single[subset]
            if best is None or total < best[0]:
                single[subset] = total, offer.position
    return single


def partition(single: Sequence[Choice | None], everything: int) -> tuple[int, dict[int, int]]:
    """The cheapest way with any number of parcels, as a cost and location -> SKUs as bits. Every SKU has a location."""
    inf = 1 << 62
    cost = [inf if one is None else one[0] for one in single]
    total, first = [0] * (everything + 1), [0] * (everything + 1)
    for subset in range(1, everything + 1):
        low = subset & -subset
        rest_of = subset ^ low
        best, by, part = cost[subset], subset, rest_of
        while part:  # every part of the set that has its lowest SKU; the whole set is known
            part = (part - 1) & rest_of
            now = cost[part | low] + total[rest_of ^ part]
            if now < best:
                best, by = now, part | low
        total[subset], first[subset] = best, by
    chosen: dict[int, int] = {}
    subset = everything
    while subset:
        part = first[subset]
        one = single[part]
        ensure(one is not None, "SRC-2", "every SKU has a location")
        if one is not None:
            chosen[one[1]] = chosen.get(one[1], 0) | part
        subset ^= part
    return total[everything], chosen


def _bounded(single: Sequence[Choice | None], everything: int, parcels_max: int) -> dict[int, int] | None:
    """The same with the number of parcels as a second index."""
    table: list[list[Choice | None]] = [[(0, 0)] + [None] * everything]  # parcels -> set -> (cost, first part)
    for _ in range(parcels_max):
        before = table[-1]
        row: list[Choice | None] = [(0, 0)] + [None] * everything
        for subset in range(1, everything + 1):
            low = subset & -subset
            rest_of = subset ^ low
            part = rest_of
            best: Choice | None = None
            while True:
                one, rest = single[part | low], before[rest_of ^ part]
                if one is not None and rest is not None and (best is None or one[0] + rest[0] < best[0]):
                    best = one[0] + rest[0], part | low
                if part == 0:
                    break
                part = (part - 1) & rest_of
            row[subset] = best
        table.append(row)
    chosen: dict[int, int] = {}
    subset, parcels = everything, parcels_max
    while subset:
        step = table[parcels][subset]
        one = None if step is None else single[step[1]]
        if step is None or one is None:
            return None
        chosen[one[1]] = chosen.get(one[1], 0) | step[1]
        subset, parcels = subset ^ step[1], parcels - 1
    return chosen
