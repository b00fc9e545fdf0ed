"""What a unit is worth where it lies: the cost, in the future, of sending it now. Pure.

Four prices, all in minor units for one unit of a SKU at a location, to be added to `Site.unit_minor`:

* *Shadow prices* (`ShadowPrices`), where there is a forecast. The dual prices of the stock rows of a linear program
  that serves the expected demand until the next delivery (Acimovic, Graves, *Making better fulfillment decisions on
  the fly in an online retail environment*, M&SOM 17(1), 2015; the program with one parcel a location and order as in
  Jasin, Sinha, *An LP-based correlated rounding scheme for multi-item ecommerce order fulfillment*, Operations
  Research 63(6), 2015). Walk-in customers of a store are a demand that only this store can serve and that costs the
  margin when it is not served.
* *Walk-in protection* (`protection`), for the few units of one shelf, where an expectation says little: the margin
  times the chance that so many walk-ins come (Littlewood, *Forecasting and control of passenger bookings*, 1972).
* *Scarcity price* (`scarcity`), where there is no forecast: c (e^(used/capacity) - 1) / (e - 1), zero when nothing is
  used and c when everything is (Buchbinder, Naor, *The design of competitive online algorithms via a primal-dual
  approach*, 2009; for orders Andrews, Farias, Khojandi, Yan, *Primal-dual algorithms for order fulfillment at Urban
  Outfitters*, Interfaces 49(5), 2019).
* *Markdown* (`with_markdown`): a unit that will lose value on the shelf is cheaper to send, down to a floor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from duoline.fulfilment.programs import LinearProgram
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.fulfilment.programs import Row

Shelf = tuple["UUID", "UUID"]
"""A location and a SKU."""


class Basket(NamedTuple):
    """Orders of one kind that a region is expected to place until the next delivery; a single SKU in the plain case.

    One unit of each SKU; `orders` is an expectation and need not be whole.
    """

    region: str
    sku_ids: tuple[UUID, ...]
    orders: float


class Lane(NamedTuple):
    """What sending from a location to a region costs: a parcel and each unit in it, in minor units."""

    region: str
    location_id: UUID
    parcel_minor: float
    unit_minor: float


class Unserved(NamedTuple):
    """What it costs, in minor units, not to serve a region's order: once an order, and for each unit."""

    region: str
    parcel_minor: float
    unit_minor: float


class WalkIn(NamedTuple):
    """Units of a SKU that people are expected to buy in a store, and the margin that each brings (minor units)."""

    location_id: UUID
    sku_id: UUID
    units: float
    margin_minor: float


class Prices(NamedTuple):
    """Opportunity price of a unit for each shelf, never negative, and the expected cost of all demand (minor units)."""

    minor: Mapping[Shelf, float]
    cost_minor: float


class ShadowPrices:
    """The linear program for one set of lanes, baskets and shelves, kept so that it can be solved again and again.

    With u the orders of basket b whose unit of SKU i comes from location k, y those that have a parcel from k, and w
    the walk-ins served:

        minimise   sum of parcel y + unit u + margin (expected - w)
        where      sum over k of u = orders of b, for each of its SKUs (one k stands for not serving it)
                   u <= y
                   sum over b of u + w <= stock of the shelf            (its dual price, the sign turned, is wanted)
                   w <= walk-ins expected

    Only the right-hand sides change from one solution to the next, so the solver begins with the last basis. Baskets
    whose region has no lanes and no `Unserved`, and negative numbers, are faults.
    """

    def __init__(
        self,
        baskets: Sequence[Basket],
        lanes: Sequence[Lane],
        unserved: Sequence[Unserved],
        shelves: Sequence[Shelf],
        walk_ins: Sequence[WalkIn] = (),
    ) -> None:
        self._program = LinearProgram()
        self._stock = {shelf: self._program.row(-math.inf, 0.0) for shelf in shelves}
        self._baskets = baskets
        self._walk_ins = walk_ins
        by_region: dict[str, list[Lane]] = {}
        for lane in lanes:
            by_region.setdefault(lane.region, []).append(lane)
        lost = {one.region: one for one in unserved}
        self._orders = [self._add_basket(one, by_region.get(one.region, []), lost.get(one.region)) for one in baskets]
        self._served = [self._add_walk_in(one) for one in walk_ins]

    def solve(
        self,
        stock: Mapping[Shelf, float],
        orders: Sequence[float] | None = None,
        walk_ins: Sequence[float] | None = None,
    ) -> Prices:
        """Prices for this stock and, if given, other expectations of the baskets and the walk-ins, in their order."""
        orders = [one.orders for one in self._baskets] if orders is None else orders
        walk_ins = [one.units for one in self._walk_ins] if walk_ins is None else walk_ins
        ensure(min((*orders, *walk_ins, *stock.values()), default=0) >= 0, "SRC-3", "no negative stock or demand")
        for rows, count in zip(self._orders, orders, strict=True):
            for row in rows:
                self._program.between(row, count, count)
        lost = 0.0
        for walk_in, row, units in zip(self._walk_ins, self._served, walk_ins, strict=True):
            self._program.between(row, -math.inf, units)
            lost += walk_in.margin_minor * units
        for shelf, row in self._stock.items():
            self._program.between(row, -math.inf, stock.get(shelf, 0))
        cost = self._program.solve()
        prices = {shelf: max(0.0, -self._program.dual(row)) for shelf, row in self._stock.items()}
        return Prices(prices, cost + lost)

    def _add_basket(self, basket: Basket, lanes: Sequence[Lane], lost: Unserved | None) -> list[Row]:
        rows = [self._program.row(0.0, 0.0) for _ in basket.sku_ids]
        for lane in lanes:
            there = [(row, sku) for row, sku in zip(rows, basket.sku_ids, strict=True) if self._has(lane, sku)]
            self._add_parcel(there, lane.parcel_minor, lane.unit_minor, lane.location_id)
        if lost is not None:
            every = list(zip(rows, basket.sku_ids, strict=True))
            self._add_parcel(every, lost.parcel_minor, lost.unit_minor, None)
        ensure(lost is not None or lanes, "SRC-3", f"no way to serve {basket.region}")
        return rows

    def _has(self, lane: Lane, sku_id: UUID) -> bool:
        return (lane.location_id, sku_id) in self._stock

    def _add_parcel(
        self, units: Sequence[tuple[Row, UUID]], parcel_minor: float, unit_minor: float, location_id: UUID | None
    ) -> None:
        """Units that could come in one parcel. Of a single one the parcel is part of its cost."""
        program, single = self._program, len(units) == 1
        parcel = None if single or not units else program.amount(parcel_minor)
        for row, sku_id in units:
            unit = program.amount(unit_minor + (parcel_minor if single else 0.0))
            program.put(row, unit, 1.0)
            if location_id is not None:
                program.put(self._stock[location_id, sku_id], unit, 1.0)
            if parcel is not None:
                within = program.row(-math.inf, 0.0)
                program.put(within, unit, 1.0)
                program.put(within, parcel, -1.0)

    def _add_walk_in(self, walk_in: WalkIn) -> Row:
        expected = self._program.row(-math.inf, 0.0)
        shelf = walk_in.location_id, walk_in.sku_id
        if shelf in self._stock:  # where there is no shelf all of it is lost
            served = self._program.amount(-walk_in.margin_minor)
            self._program.put(expected, served, 1.0)
            self._program.put(self._stock[shelf], served, 1.0)
        return expected


def protection(on_hand: int, *, expected: float, margin_minor: float) -> float:
    """What giving away one of `on_hand` units of a shelf costs: the margin, times the chance that all would be bought.

    Walk-ins until the next delivery are Poisson with mean `expected`: margin * P(demand >= on_hand). With nothing on
    hand it is the whole margin.
    """
    ensure(expected >= 0 and margin_minor >= 0, "SRC-3", "no negative demand or margin")
    term = math.exp(-expected)  # of exactly 0, then 1, 2… walk-ins
    fewer = 0.0
    for n in range(max(0, on_hand)):
        fewer += term
        term *= expected / (n + 1)
    return margin_minor * max(0.0, 1.0 - fewer)


def scarcity(used: float, capacity: float, *, full_minor: float) -> float:
    """The price of what is used up: 0 at first, `full_minor` when nothing is left, exponential between."""
    ensure(used >= 0 and full_minor >= 0, "SRC-3", "no negative use or price")
    if capacity <= 0:
        return full_minor
    return full_minor * (math.exp(min(1.0, used / capacity)) - 1) / (math.e - 1)


def with_markdown(price_minor: float, *, loss_minor: float, floor_minor: float) -> float:
    """The price of a unit that loses `loss_minor` if it stays, not below `floor_minor` (which is not above zero).

    Without the floor a deep markdown would send goods across the country for their own sake.
    """
    ensure(loss_minor >= 0 and floor_minor <= 0, "SRC-3", "a loss is not negative, a floor not positive")
    return max(floor_minor, price_minor - loss_minor)
