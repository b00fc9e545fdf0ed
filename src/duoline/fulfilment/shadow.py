"""Shadow prices for a whole chain, by many small programs. Pure.

One program over all articles would be too large. Articles that are hardly ever ordered together have nothing to do with
one another, so the program falls apart: a group is what is ordered together often enough (`TOGETHER`), mostly a single
article. Orders over several groups count in each with its part; that such an order saves a parcel when one location
serves all of it is neglected. A region chooses among the cheapest locations that have any of the group (`LANES`).

A group whose program would still be too large (`SIZE_MAX`) is priced by whole choices (`choices.py`) where few
locations serve each region, as in a small chain or one that sends from warehouses; else by scarcity, which needs no
forecast. So are the units of warehouses that no delivery is forecast for. Shops without a forecast stay unpriced:
`weigh.walk_in_worth` says what they are worth.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from duoline.fulfilment.opportunity import Basket, Lane, Prices, ShadowPrices, Shelf, Unserved, WalkIn, scarcity

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

LANES = 24
"""A region is served by so many locations of a group, the cheapest."""
TOGETHER = 0.1
"""Two articles belong together when this share of the orders of the rarer one has both."""
TOGETHER_MIN = 1.0
"""And so many orders at least are expected to have both."""
SIZE_MAX = 20_000
"""A program has so many ways to serve a unit at most."""
CHOICE_LANES, CHOICE_KINDS, CHOICE_SUMS = 10, 500, 1 << 27
"""By whole choices a region is served by so many locations at most, so many kinds of baskets differ by what is in them,
and each of some forty rounds adds up so many costs: half a second."""


class Chain(NamedTuple):
    """What the programs are made of: money in minor units, units and orders until the next delivery.

    `lanes` are those of each region, the cheapest first. `margin_minor` is what is lost when a unit is not served.
    `stock` is what nobody holds, `walk_ins` and `used` are by shelf: units expected to be bought, units gone lately.
    """

    baskets: Sequence[Basket]
    lanes: Mapping[str, Sequence[Lane]]
    margin_minor: Mapping[UUID, int]
    stock: Mapping[Shelf, int]
    walk_ins: Mapping[Shelf, float]
    used: Mapping[Shelf, int]
    warehouses: frozenset[UUID]
    scarce_minor: int
    """What the last unit of a shelf is worth where scarcity prices it, unless its margin is less."""


class Priced(NamedTuple):
    """The price of each shelf that has one; how many programs were solved, and how many articles scarcity prices."""

    minor: Mapping[Shelf, int]
    programs: int
    by_scarcity: int


class Solved(Protocol):
    """What solves one program; `ShadowPrices` does."""

    def solve(self, stock: Mapping[Shelf, float]) -> Prices:
        """Prices for this stock."""
        ...


class Programs(Protocol):
    """What makes a program of the arguments of `ShadowPrices`."""

    def __call__(
        self,
        baskets: Sequence[Basket],
        lanes: Sequence[Lane],
        unserved: Sequence[Unserved],
        shelves: Sequence[Shelf],
        walk_ins: Sequence[WalkIn],
    ) -> Solved:
        """The program, not solved yet."""
        ...


def price_shelves(chain: Chain, *, programs: Programs = ShadowPrices) -> Priced:
    """Price what lies on the shelves by what it is expected to be wanted for.

    Who prices one chain again and again may keep its `programs`, which begin where they ended.
    """
    having: dict[UUID, list[UUID]] = {}
    for location, sku in chain.stock:
        having.setdefault(sku, []).append(location)
    found: dict[Shelf, int] = {}
    solved, scarce = 0, set[UUID]()
    for skus, baskets in _groups(chain.baskets):
        places = {location for sku in skus for location in having.get(sku, ())}
        lanes = {
            region: _near(chain.lanes.get(region, ()), places)
            for region in sorted({basket.region for basket in baskets})
        }
        make = programs
        if sum(len(lanes[basket.region]) * len(basket.sku_ids) for basket in baskets) > SIZE_MAX:
            if not _few_choices(baskets, lanes):
                scarce |= skus
                continue
            make = _by_choices
        found |= _solve(make, chain, skus, baskets, lanes, having)
        solved += 1
    forecast = {sku for basket in chain.baskets for sku in basket.sku_ids}
    scarce_shelves = [
        (location, sku)
        for location, sku in chain.stock
        if sku in scarce or (sku not in forecast and location in chain.warehouses)
    ]
    found |= {shelf: _scarce(chain, shelf) for shelf in scarce_shelves}
    return Priced(found, solved, len({sku for _, sku in scarce_shelves}))


def _groups(baskets: Sequence[Basket]) -> list[tuple[frozenset[UUID], list[Basket]]]:
    """Articles that are ordered together, and the parts of the baskets that fall to them."""
    single: dict[UUID, float] = {}
    pair: dict[tuple[UUID, UUID], float] = {}
    for basket in baskets:
        skus = sorted(basket.sku_ids)
        for n, sku in enumerate(skus):
            single[sku] = single.get(sku, 0.0) + basket.orders
            for other in skus[n + 1 :]:
                pair[sku, other] = pair.get((sku, other), 0.0) + basket.orders
    group = {sku: sku for sku in single}

    def root(sku: UUID) -> UUID:
        while group[sku] != sku:
            group[sku] = group[group[sku]]
            sku = group[sku]
        return sku

    for (one, other), orders in pair.items():
        if orders >= TOGETHER_MIN and orders >= TOGETHER * min(single[one], single[other]):
            group[root(one)] = root(other)
    members: dict[UUID, set[UUID]] = {}
    for sku in single:
        members.setdefault(root(sku), set()).add(sku)
    parts: dict[UUID, dict[tuple[str, tuple[UUID, ...]], float]] = {first: {} for first in members}
    for basket in baskets:
        split: dict[UUID, list[UUID]] = {}
        for sku in sorted(basket.sku_ids):
            split.setdefault(root(sku), []).append(sku)
        for first, skus in split.items():
            key = basket.region, tuple(skus)
            parts[first][key] = parts[first].get(key, 0.0) + basket.orders
    return [
        (frozenset(members[first]), [Basket(region, skus, orders) for (region, skus), orders in sorted(mine.items())])
        for first, mine in sorted(parts.items())
    ]


def _near(lanes: Sequence[Lane], places: Container[UUID]) -> list[Lane]:
    return list(islice((lane for lane in lanes if lane.location_id in places), LANES))


def _few_choices(baskets: Sequence[Basket], lanes: Mapping[str, Sequence[Lane]]) -> bool:
    return (
        max(map(len, lanes.values())) <= CHOICE_LANES
        and len({basket.sku_ids for basket in baskets}) <= CHOICE_KINDS
        and sum(len(basket.sku_ids) << 1 + len(lanes[basket.region]) for basket in baskets) <= CHOICE_SUMS
    )


def _by_choices(
    baskets: Sequence[Basket],
    lanes: Sequence[Lane],
    unserved: Sequence[Unserved],
    shelves: Sequence[Shelf],
    walk_ins: Sequence[WalkIn],
) -> Solved:
    # With numpy: 16 MiB that a process which prices no such group does not hold, as with OR-Tools.
    from duoline.fulfilment.choices import ChoicePrices

    return ChoicePrices(baskets, lanes, unserved, shelves, walk_ins)


def _solve(
    programs: Programs,
    chain: Chain,
    skus: frozenset[UUID],
    baskets: Sequence[Basket],
    lanes: Mapping[str, Sequence[Lane]],
    having: Mapping[UUID, Sequence[UUID]],
) -> dict[Shelf, int]:
    """The prices of the shelves that some region is served from. Not to serve is dearer than the dearest way to."""
    reached = {lane.location_id for region in lanes.values() for lane in region}
    shelves = [(location, sku) for sku in sorted(skus) for location in having.get(sku, ()) if location in reached]
    if not shelves:
        return {}
    lost = max(chain.margin_minor.get(sku, 0) for sku in skus)
    unserved = [
        Unserved(region, 0.0, lost + max((lane.parcel_minor + lane.unit_minor for lane in mine), default=0.0))
        for region, mine in lanes.items()
    ]
    walk_ins = [
        WalkIn(location, sku, units, chain.margin_minor.get(sku, 0))
        for location, sku in shelves
        if (units := chain.walk_ins.get((location, sku), 0.0)) > 0
    ]
    every = [lane for mine in lanes.values() for lane in mine]
    program = programs(baskets, every, unserved, shelves, walk_ins)
    prices = program.solve({shelf: chain.stock[shelf] for shelf in shelves})
    return {shelf: round(minor) for shelf, minor in prices.minor.items()}


def _scarce(chain: Chain, shelf: Shelf) -> int:
    used = chain.used.get(shelf, 0)
    full = min(chain.scarce_minor, chain.margin_minor.get(shelf[1], chain.scarce_minor))
    return round(scarcity(used, used + chain.stock[shelf], full_minor=full))
