"""Choose where the units of a delivery come from, at the least cost. Pure: no database, no clock but a time limit.

Lines of one SKU are one demand: their units are alike, and a location picks a SKU once. A location costs its parcel,
a pick for each SKU it sends, and for each unit what the caller says that unit costs from there: the owner's fee, its
opportunity price, labour, less what a markdown would lose anyway. Such a cost may be negative.

Every unit is served exactly once, so taking the least cost a unit of each SKU off everywhere changes all plans by the
same amount. Searches 2 and 3 see costs so lowered, none of them negative, and their bounds rest on that.

1. *Whole* (`whole.py`): every SKU from one location. Exact up to `EXACT_SKUS`.
2. *Split* (`split.py`): a SKU from several locations, when nobody has enough or when that is cheaper. Exact.
3. *Solver* (`solve.py`): CP-SAT where one of these would take too long, from the best plan known, within a time limit.
   `exact` is then true only if it proved that nothing is cheaper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.fulfilment.offers import Offer, cost_of, greedy
from duoline.fulfilment.solve import solve
from duoline.fulfilment.split import by_splits, by_units, may_split
from duoline.fulfilment.whole import by_whole_skus
from duoline.kernel.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.fulfilment.offers import Sending, Units

EXACT_SKUS = 10
SOLVER_MS = 200
"""What an order may wait for the solver. Few orders need it: more than ten SKUs, or many units over many places."""
NO_COSTS: Mapping[UUID, int] = {}


class WantedLine(NamedTuple):
    """Units of a SKU that one order line wants delivered."""

    line_id: UUID
    sku_id: UUID
    quantity: int


class Site(NamedTuple):
    """A location that could send: what it has, and what that costs in minor units.

    `parcel_minor` for a parcel and `line_minor` for picking a SKU are not negative. `unit_minor` is added for each
    unit of a SKU, 0 where it is not named, and may be negative. A location that is full is left out by the caller.
    """

    location_id: UUID
    parcel_minor: int
    line_minor: int
    stock: Mapping[UUID, int]
    unit_minor: Mapping[UUID, int] = NO_COSTS


class Piece(NamedTuple):
    """A line, or the part of a line that one location is to serve."""

    line_id: UUID
    sku_id: UUID
    quantity: int


class Parcel(NamedTuple):
    """What one location sends, and what that costs."""

    location_id: UUID
    pieces: tuple[Piece, ...]
    cost_minor: int


class Plan(NamedTuple):
    """A complete way to serve the order."""

    parcels: tuple[Parcel, ...]
    cost_minor: int
    exact: bool


def plan(
    lines: Sequence[WantedLine],
    sites: Sequence[Site],
    *,
    parcels_max: int,
    solver_ms: int = SOLVER_MS,
    quick: bool = False,
) -> Plan | None:
    """The cheapest plan that serves every unit in at most `parcels_max` parcels; None when there is none.

    Of two plans of equal cost the one whose locations come first in `sites` is taken, so the result is the same
    every time. Where `exact` is False there may be a cheaper plan, or, with None, there may be a plan. A `quick` plan
    is one to compare with: nothing is split that need not be, and the solver is not asked.
    """
    demand: dict[UUID, int] = {}
    for line in lines:
        demand[line.sku_id] = demand.get(line.sku_id, 0) + line.quantity
    skus, wanted = list(demand), tuple(demand.values())
    offers = offers_of(sites, skus, wanted)
    if any(sum(offer.units[i] for offer in offers) < units for i, units in enumerate(wanted)):
        return None
    sending, exact = search(wanted, offers, parcels_max=parcels_max, solver_ms=solver_ms, quick=quick)
    if sending is None:
        return None
    return as_plan(lines, skus, sites, sending, exact=exact)


def offers_of(sites: Sequence[Site], skus: Sequence[UUID], wanted: Units) -> list[Offer]:
    """What each site that has anything of it could send, by its position."""
    offers, nothing = [], (0,) * len(skus)
    needs = list(zip(skus, wanted, strict=True))
    for n, (_, parcel_minor, line_minor, stock, unit_minor) in enumerate(sites):
        has = stock.get
        units = tuple(
            [(need if there >= need else max(0, there)) if (there := has(sku, 0)) else 0 for sku, need in needs]
        )
        if units == nothing:
            continue
        if parcel_minor < 0 or line_minor < 0:
            raise Fault("SRC-1", f"a parcel or a pick of negative cost at {sites[n].location_id}")
        cost = unit_minor.get
        each_minor = tuple([cost(sku, 0) for sku in skus]) if unit_minor else nothing
        offers.append(Offer(n, parcel_minor, line_minor, units, each_minor))
    return offers


def lowered(offers: Sequence[Offer], wanted: Units) -> tuple[Sequence[Offer], int]:
    """The same choice with no negative cost, and how much less every plan costs so.

    The least cost a unit of each SKU is taken off everywhere.
    """
    if all(not any(offer.each_minor) for offer in offers):
        return offers, 0
    least = [min(offer.each_minor[i] for offer in offers if offer.units[i]) for i in range(len(wanted))]
    return [
        offer._replace(
            each_minor=tuple(
                [cost - low if has else 0 for cost, low, has in zip(offer.each_minor, least, offer.units, strict=True)]
            )
        )
        for offer in offers
    ], sum(need * low for need, low in zip(wanted, least, strict=True))


def search(
    wanted: Units, offers: Sequence[Offer], *, parcels_max: int, solver_ms: int, quick: bool
) -> tuple[Sending | None, bool]:
    """The sending, and whether it is the best there is."""
    many = len(wanted) > EXACT_SKUS
    known = None if many else by_whole_skus(wanted, offers, parcels_max)
    if not many and max(wanted) == 1:
        return known, True
    useful = offers if many else may_split(wanted, offers, None if known is None else cost_of(known, offers))
    if not useful:
        return known, True
    if known is None:
        known = greedy(wanted, offers, parcels_max)
    if quick:
        return known, False
    useful, less = lowered(useful, wanted)
    best = None if known is None else (cost_of(known, offers) - less, known)
    for way in () if many else (by_units, by_splits):
        found, finished = way(wanted, useful, best, parcels_max)
        if finished:
            return found, True
    return solve(wanted, useful, best, parcels_max=parcels_max, limit_ms=solver_ms)


def as_plan(
    lines: Sequence[WantedLine], skus: Sequence[UUID], sites: Sequence[Site], sending: Sending, *, exact: bool
) -> Plan:
    """Give the units that are sent to the lines, in their order."""
    waiting = {sku: [line for line in lines if line.sku_id == sku] for sku in skus}
    parcels = []
    for n, units in sorted(sending):
        site, pieces = sites[n], []
        cost = site.parcel_minor
        for sku, sent in zip(skus, units, strict=True):
            if not sent:
                continue
            cost += site.line_minor + sent * site.unit_minor.get(sku, 0)
            left, queue = sent, waiting[sku]
            while left:
                line = queue.pop(0)
                part = min(left, line.quantity)
                pieces.append(Piece(line.line_id, sku, part))
                left -= part
                if part < line.quantity:
                    queue.insert(0, line._replace(quantity=line.quantity - part))
        parcels.append(Parcel(site.location_id, tuple(pieces), cost))
    return Plan(tuple(parcels), sum(parcel.cost_minor for parcel in parcels), exact)
