"""The policies on one instance of the public network, by the sourcing of the product.

* *nearest*: each unit from the nearest centre that carries its item; when that has run out the unit is not served.
* *nearest in stock*: each unit from the nearest centre that still has one.
* *cover*: the cheapest plan of each order by itself (`fulfilment.sourcing.plan`).
* *prices once*: the same with the shadow prices of the stock, from expected demand, solved at the start.
* *prices*, which is ours: solved again as often as `solves` says, for the stock and the time that are left.
* *prices often*: the same with three times as many solutions.

All see the same orders. Prices know the true chances of orders: a perfect forecast, as in the papers.

Where planning takes long, plans are remembered: with the same prices and the same places that have run out of one of
its items, an order of the same kind from the same city has the same plan, since it wants one unit of each. All
policies that plan do so then, and every `SAMPLED`-th order is planned all the same, to see that the plan is the one
remembered and to time plans.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench.sourcing.network import Instance, Order, centre_id, counted, item_id
from duoline.fulfilment.choices import ChoicePrices
from duoline.fulfilment.opportunity import Basket, Lane, Prices, ShadowPrices, Unserved
from duoline.fulfilment.sourcing import Site, WantedLine, plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

SOLVES = 10
SAMPLED = 50
LOST = centre_id(10_000)
PLENTY = 1 << 40


class Run(NamedTuple):
    """What a policy came to: cost (ten-thousandths of a dollar), parcels, units not served, orders, CPU seconds.

    Where plans are remembered: how many orders were planned anew, how many were planned to be timed, and the CPU
    seconds that took, which `seconds` does not have.
    """

    cost: int
    parcels: int
    unserved: int
    orders: int
    seconds: float
    planned: int = 0
    timed: int = 0
    timed_seconds: float = 0.0


class Linear:
    """The linear program of an instance, or what is in its place: prices of stock, and both bounds."""

    def __init__(self, instance: Instance, programs: type[ShadowPrices] | type[ChoicePrices] = ShadowPrices) -> None:
        self._instance = instance
        cities, centres = range(instance.setting.cities), range(len(instance.setting.centres))
        self.kinds = [Order(q, j) for q in range(len(instance.types)) for j in cities]
        baskets = [
            Basket(str(kind.city), tuple(item_id(i) for i in instance.types[kind.type]), self._expected(kind, 1.0))
            for kind in self.kinds
        ]
        lanes = [Lane(str(j), centre_id(k), instance.parcel, instance.unit[j][k]) for j in cities for k in centres]
        unserved = [Unserved(str(j), instance.lost_parcel, instance.lost_unit[j]) for j in cities]
        shelves = [(centre_id(k), item_id(i)) for k in centres for i in instance.stock[k]]
        self._prices = programs(baskets, lanes, unserved, shelves)

    def _expected(self, kind: Order, share: float) -> float:
        return self._instance.chance[kind.type][kind.city] * self._instance.setting.periods * share

    def prices(self, stock: list[dict[int, int]], share: float) -> Prices:
        """For this stock and the share of the time that is left."""
        return self._prices.solve(_shelves(stock), [self._expected(kind, share) for kind in self.kinds])

    def hindsight(self, orders: list[Order | None]) -> float:
        """The least cost had all orders been known, as a linear program: no policy can be cheaper."""
        came = counted(orders)
        return self._prices.solve(_shelves(self._instance.stock), [float(came[kind]) for kind in self.kinds]).cost_minor

    def gap(self) -> float:
        """How much higher the maximum can be than the bound found last, as a share of it."""
        prices = self._prices
        return prices.high_minor / prices.low_minor - 1 if isinstance(prices, ChoicePrices) else 0.0


def _shelves(stock: list[dict[int, int]]) -> dict[tuple[object, object], float]:
    return {(centre_id(k), item_id(i)): float(units) for k, row in enumerate(stock) for i, units in row.items()}


def nearest(instance: Instance, orders: list[Order | None], *, in_stock: bool) -> Run:
    """The myopic rules."""
    began = time.process_time()
    stock = [dict(row) for row in instance.stock]
    order_of = [sorted(range(len(stock)), key=lambda k: row[k]) for row in instance.unit]
    cost = parcels = unserved = served = 0
    for order in orders:
        if order is None:
            continue
        served += 1
        used: set[int | None] = set()
        for i in instance.types[order.type]:
            k = next((k for k in order_of[order.city] if (stock[k].get(i, 0) if in_stock else i in stock[k])), None)
            if k is not None and not stock[k][i]:
                k = None
            used.add(k)
            if k is None:
                unserved += 1
                cost += instance.lost_unit[order.city]
            else:
                stock[k][i] -= 1
                cost += instance.unit[order.city][k]
        cost += sum(instance.lost_parcel if k is None else instance.parcel for k in used)
        parcels += len(used - {None})
    return Run(cost, parcels, unserved, served, time.process_time() - began)


def planned(
    instance: Instance, orders: list[Order | None], linear: Linear | None, solves: int, *, remember: bool = False
) -> Run:
    """The product's sourcing, with prices from `linear` that are solved so many times on the way."""
    began = time.process_time()
    stock = [dict(row) for row in instance.stock]
    live = [{item_id(i): units for i, units in row.items()} for row in stock]
    everything = {item_id(i): PLENTY for i in range(instance.setting.items)}
    lines = [[WantedLine(item_id(n), item_id(i), 1) for n, i in enumerate(items)] for items in instance.types]
    number = {centre_id(k): k for k in range(len(live))}
    sites = _sites(instance, live, everything, None)
    stride = len(orders) // solves if solves else 0
    ran_out = dict.fromkeys(everything, 0)  # of an item: at how many centres; stock only falls, so it says at which
    known: dict[tuple[int, ...], Sending] = {}
    cost = parcels = unserved = served = fresh = timed = 0
    timed_s = 0.0
    for period, order in enumerate(orders):
        if linear is not None and stride and period % stride == 0 and period // stride < solves:
            left = [{i: live[k][item_id(i)] for i in row} for k, row in enumerate(stock)]
            sites = _sites(instance, live, everything, linear.prices(left, 1 - period / len(orders)))
            known.clear()
        if order is None:
            continue
        served += 1
        sending, key = None, ()
        if remember:
            key = (order.type, order.city, *[ran_out[line.sku_id] for line in lines[order.type]])
            sending = known.get(key)
        if sending is None:
            fresh += 1
            sending = _sending(instance, lines[order.type], sites[order.city], order.city, number)
            if remember:
                known[key] = sending
        if remember and served % SAMPLED == 0:
            at = time.process_time()
            assert sending == _sending(instance, lines[order.type], sites[order.city], order.city, number)
            timed_s += time.process_time() - at
            timed += 1
        cost += sending.cost
        parcels += sending.parcels
        unserved += sending.unserved
        for k, sku in sending.units:
            live[k][sku] -= 1
            if not live[k][sku]:
                ran_out[sku] += 1
    seconds = time.process_time() - began - timed_s
    return Run(cost, parcels, unserved, served, seconds, fresh, timed, timed_s)


class Sending(NamedTuple):
    """A plan in the terms of the network: what it costs, parcels, units not served, the centre of each other unit."""

    cost: int
    parcels: int
    unserved: int
    units: tuple[tuple[int, UUID], ...]


def _sending(
    instance: Instance, lines: Sequence[WantedLine], sites: Sequence[Site], city: int, number: dict[UUID, int]
) -> Sending:
    found = plan(lines, sites, parcels_max=len(number) + 1)
    assert found is not None
    assert found.exact
    cost = parcels = unserved = 0
    units: list[tuple[int, UUID]] = []
    for parcel in found.parcels:
        k = number.get(parcel.location_id)
        if k is None:
            unserved += len(parcel.pieces)
            cost += instance.lost_parcel + instance.lost_unit[city] * len(parcel.pieces)
            continue
        parcels += 1
        cost += instance.parcel + instance.unit[city][k] * len(parcel.pieces)
        units += [(k, piece.sku_id) for piece in parcel.pieces]
    return Sending(cost, parcels, unserved, tuple(units))


def _sites(
    instance: Instance, live: list[dict[object, int]], everything: dict[object, int], prices: Prices | None
) -> list[list[Site]]:
    """For each city the centres, the nearest first, and last the place that stands for not serving."""
    sites = []
    for j, row in enumerate(instance.unit):
        of_city = []
        for k in sorted(range(len(live)), key=lambda k: row[k]):
            at = centre_id(k)
            each = {sku: row[k] + (0 if prices is None else round(prices.minor[at, sku])) for sku in live[k]}
            of_city.append(Site(at, instance.parcel, 0, live[k], each))
        lost = dict.fromkeys(everything, instance.lost_unit[j])
        sites.append([*of_city, Site(LOST, instance.lost_parcel, 0, everything, lost)])
    return sites


class Compared(NamedTuple):
    """One instance and one sequence of orders: the runs, the expected bound and the bound with hindsight.

    `gap` is how much higher both bounds could be at most, as a share; nothing where they are exact.
    """

    runs: dict[str, Run]
    bound: float
    hindsight: float
    gap: float


def compare(
    instance: Instance, orders: list[Order | None], *, solves: int, often: bool, large: bool = False
) -> Compared:
    """All policies on the same orders. Ours is timed with the programs it solves, from nothing.

    On a `large` network prices and bounds are those of whole choices, and plans are remembered.
    """
    programs = ChoicePrices if large else ShadowPrices
    linear = Linear(instance, programs)
    bound = linear.prices(instance.stock, 1.0).cost_minor
    gap = linear.gap()
    once = planned(instance, orders, linear, 1, remember=large)
    hindsight = linear.hindsight(orders)
    gap = max(gap, linear.gap())
    began = time.process_time()
    fresh = Linear(instance, programs)
    built = time.process_time() - began
    ours = planned(instance, orders, fresh, solves, remember=large)
    runs = {
        "nearest": nearest(instance, orders, in_stock=False),
        "nearest_in_stock": nearest(instance, orders, in_stock=True),
        "cover": planned(instance, orders, None, 0, remember=large),
        "once": once,
        "ours": ours._replace(seconds=ours.seconds + built),
    }
    if often:
        runs["often"] = planned(instance, orders, Linear(instance, programs), 3 * solves, remember=large)
    return Compared(runs, bound, hindsight, gap)


class Agreement(NamedTuple):
    """What whole choices come to on an instance, beside the linear program: bounds, both with hindsight, and ours."""

    bound: float
    bound_linear: float
    hindsight: float
    hindsight_linear: float
    ours: Run
    ours_linear: Run
    gap: float


def agree(instance: Instance, orders: list[Order | None], *, solves: int) -> Agreement:
    """Both programs on the same orders."""
    whole, linear = Linear(instance, ChoicePrices), Linear(instance)
    bounds = [one.prices(instance.stock, 1.0).cost_minor for one in (whole, linear)]
    gap = whole.gap()
    runs = [planned(instance, orders, one, solves, remember=True) for one in (whole, linear)]
    hindsight = [one.hindsight(orders) for one in (whole, linear)]
    return Agreement(*bounds, *hindsight, *runs, max(gap, whole.gap()))
