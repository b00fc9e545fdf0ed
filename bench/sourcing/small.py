"""The policies on one instance of the public network, by the sourcing of the product.

* *nearest*: each unit from the nearest centre that carries its item; when that has run out the unit is not served.
* *nearest in stock*: each unit from the nearest centre that still has one.
* *cover*: the cheapest plan of each order by itself (`fulfilment.sourcing.plan`).
* *prices once*: the same with the shadow prices of the stock, from expected demand, solved at the start.
* *prices*, which is ours: solved again as often as `solves` says, for the stock and the time that are left.
* *prices often*: the same with three times as many solutions.

All see the same orders. Prices know the true chances of orders: a perfect forecast, as in the papers.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from bench.sourcing.network import Instance, Order, centre_id, counted, item_id
from duoline.fulfilment.opportunity import Basket, Lane, Prices, ShadowPrices, Unserved
from duoline.fulfilment.sourcing import Site, WantedLine, plan

SOLVES = 10
LOST = centre_id(10_000)
PLENTY = 1 << 40


class Run(NamedTuple):
    """What a policy came to: cost (ten-thousandths of a dollar), parcels, units not served, orders, CPU seconds."""

    cost: int
    parcels: int
    unserved: int
    orders: int
    seconds: float


class Linear:
    """The linear program of an instance: prices of stock, and both bounds."""

    def __init__(self, instance: Instance) -> None:
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
        self._prices = ShadowPrices(baskets, lanes, unserved, shelves)

    def _expected(self, kind: Order, share: float) -> float:
        return self._instance.chance[kind.type][kind.city] * self._instance.setting.periods * share

    def prices(self, stock: list[dict[int, int]], share: float) -> Prices:
        """For this stock and the share of the time that is left."""
        return self._prices.solve(_shelves(stock), [self._expected(kind, share) for kind in self.kinds])

    def hindsight(self, orders: list[Order | None]) -> float:
        """The least cost had all orders been known, as a linear program: no policy can be cheaper."""
        came = counted(orders)
        return self._prices.solve(_shelves(self._instance.stock), [float(came[kind]) for kind in self.kinds]).cost_minor


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


def planned(instance: Instance, orders: list[Order | None], linear: Linear | None, solves: int) -> Run:
    """The product's sourcing, with prices from `linear` that are solved so many times on the way."""
    began = time.process_time()
    stock = [dict(row) for row in instance.stock]
    live = [{item_id(i): units for i, units in row.items()} for row in stock]
    everything = {item_id(i): PLENTY for i in range(instance.setting.items)}
    lines = [[WantedLine(item_id(n), item_id(i), 1) for n, i in enumerate(items)] for items in instance.types]
    number = {centre_id(k): k for k in range(len(live))}
    sites = _sites(instance, live, everything, None)
    stride = len(orders) // solves if solves else 0
    cost = parcels = unserved = served = 0
    for period, order in enumerate(orders):
        if linear is not None and stride and period % stride == 0 and period // stride < solves:
            left = [{i: live[k][item_id(i)] for i in row} for k, row in enumerate(stock)]
            sites = _sites(instance, live, everything, linear.prices(left, 1 - period / len(orders)))
        if order is None:
            continue
        served += 1
        found = plan(lines[order.type], sites[order.city], parcels_max=len(live) + 1)
        assert found is not None
        assert found.exact
        for parcel in found.parcels:
            k = number.get(parcel.location_id)
            if k is None:
                unserved += len(parcel.pieces)
                cost += instance.lost_parcel + instance.lost_unit[order.city] * len(parcel.pieces)
                continue
            parcels += 1
            cost += instance.parcel + instance.unit[order.city][k] * len(parcel.pieces)
            for piece in parcel.pieces:
                live[k][piece.sku_id] -= 1
    return Run(cost, parcels, unserved, served, time.process_time() - began)


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
    """One instance and one sequence of orders: the runs, the expected bound and the bound with hindsight."""

    runs: dict[str, Run]
    bound: float
    hindsight: float


def compare(instance: Instance, orders: list[Order | None], *, solves: int, often: bool) -> Compared:
    """All policies on the same orders. Ours is timed with the programs it solves, from nothing."""
    linear = Linear(instance)
    bound = linear.prices(instance.stock, 1.0).cost_minor
    once = planned(instance, orders, linear, 1)
    hindsight = linear.hindsight(orders)
    began = time.process_time()
    fresh = Linear(instance)
    built = time.process_time() - began
    ours = planned(instance, orders, fresh, solves)
    runs = {
        "nearest": nearest(instance, orders, in_stock=False),
        "nearest_in_stock": nearest(instance, orders, in_stock=True),
        "cover": planned(instance, orders, None, 0),
        "once": once,
        "ours": ours._replace(seconds=ours.seconds + built),
    }
    if often:
        runs["often"] = planned(instance, orders, Linear(instance), 3 * solves)
    return Compared(runs, bound, hindsight)
