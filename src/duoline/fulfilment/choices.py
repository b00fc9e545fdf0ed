"""Shadow prices where the linear program would be too large: few locations, many kinds of orders. Pure.

`opportunity.ShadowPrices` has a variable for each unit of each kind of order at each location. Here only the shelves
have rows, besides one for all orders of the same SKUs: of each kind of order the program takes shares of *whole
choices*. A choice is a set S of the locations of its region, one of which may stand for not serving; every unit comes
from the member of S that is cheapest for it. Given prices p of units on shelves, the cheapest choice of a kind costs

    v(p) = min over S of [ sum of parcel over S + sum over its SKUs i of min over k in S that has i of (unit + p) ]

and, for every p that is not negative,

    sum over kinds of orders v(p) - sum of stock p - sum over walk-ins of expected max(0, margin - p) + margin expected

is a lower bound on the expected cost of every policy, since a policy serves each order by one choice. Its maximum is
not below the linear program of `ShadowPrices`, which may combine parts of parcels.

The maximum is found by column generation (Dantzig, Wolfe, *Decomposition principle for linear programs*, Operations
Research 8(1), 1960): `LinearProgram` mixes the choices known so far within the stock, which bounds the maximum from
above, and its dual prices ask for the cheapest choices, which bound it from below; they are asked for on the way from
the best prices so far, not at the end of it (Wentges, *Weighted Dantzig-Wolfe decomposition for linear mixed-integer
programming*, International Transactions in Operational Research 4(2), 1997), as prices would jump about otherwise. It
ends when both bounds are so close as is asked. All 2^(locations + 1) sets of a region are tried, by arrays.

The choices known stay good when only stock and time change, so a program solved again needs few rounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from duoline.fulfilment.opportunity import Prices
from duoline.fulfilment.programs import LinearProgram
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from numpy.typing import NDArray

    from duoline.fulfilment.opportunity import Basket, Lane, Shelf, Unserved, WalkIn
    from duoline.fulfilment.programs import Row, Variable

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LANES_MAX = 10
"""Of so many locations of a region all sets are tried."""
GAP = 0.0005
"""Both bounds may lie so far apart, as a share of the cost."""
ROUNDS_MAX = 200
TOWARDS_BEST = 0.7
"""How far back, from the program's prices to the best so far, the cheapest choices are asked for."""
AT_ONCE = 1 << 21
"""So many sums are held at once."""


class _Alike(NamedTuple):
    """Baskets of a region that have as many SKUs: which they are (B), and their SKUs (B, n) as columns of the region's
    tables."""

    baskets: Ints
    skus: Ints


class _Region(NamedTuple):
    """The locations (L) of a region, and how its baskets may be served. Money in minor units.

    `shelf` (I, L) is the number of the shelf of a SKU at a location, one beyond the last where there is none;
    `parcels` (2 * 2^L) what the parcels of each set of locations cost, first without and then with not serving.
    """

    unit: Floats
    lost_unit: float
    shelf: Ints
    parcels: Floats
    alike: list[_Alike]


class ChoicePrices:
    """`ShadowPrices` by whole choices, with the same arguments; every region needs an `Unserved` and has at most
    `LANES_MAX` lanes that have any of its SKUs."""

    def __init__(
        self,
        baskets: Sequence[Basket],
        lanes: Sequence[Lane],
        unserved: Sequence[Unserved],
        shelves: Sequence[Shelf],
        walk_ins: Sequence[WalkIn] = (),
        *,
        gap: float = GAP,
    ) -> None:
        self._baskets, self._walk_ins, self._shelves, self._gap = baskets, walk_ins, shelves, gap
        number = {shelf: n for n, shelf in enumerate(shelves)}
        lost = {one.region: one for one in unserved}
        self._regions = _regions(baskets, lanes, lost, number)
        kinds: dict[tuple[UUID, ...], int] = {}
        self._kind = np.array([kinds.setdefault(basket.sku_ids, len(kinds)) for basket in baskets], dtype=np.int64)
        self._kinds = len(kinds)
        self._lost = np.array(
            [lost[one.region].parcel_minor + lost[one.region].unit_minor * len(one.sku_ids) for one in baskets]
        )
        # Where there is no shelf, a walk-in is lost whatever the prices.
        self._wanted = np.array([number.get((one.location_id, one.sku_id), len(shelves)) for one in walk_ins], np.int64)
        self._margin = np.array([one.margin_minor for one in walk_ins], dtype=np.float64)
        self._best = np.zeros(len(shelves))
        self._program: _Program | None = None
        self.rounds = 0
        """How often the cheapest choices were asked for, in all."""
        self.low_minor, self.high_minor = -math.inf, math.inf
        """Between these lies the least expected cost by whole choices, were orders divisible: the last
        `Prices.cost_minor`, and what the choices known come to."""

    def solve(
        self,
        stock: Mapping[Shelf, float],
        orders: Sequence[float] | None = None,
        walk_ins: Sequence[float] | None = None,
    ) -> Prices:
        """Prices for this stock and, if given, other expectations of the baskets and the walk-ins, in their order."""
        per_basket = np.array([one.orders for one in self._baskets] if orders is None else orders, dtype=np.float64)
        expected = np.array([one.units for one in self._walk_ins] if walk_ins is None else walk_ins, dtype=np.float64)
        there = np.array([stock.get(shelf, 0.0) for shelf in self._shelves], dtype=np.float64)
        low = min(per_basket.min(initial=0.0), expected.min(initial=0.0), there.min(initial=0.0))
        ensure(low >= 0, "SRC-3", "no negative stock or demand")
        program = self._program_of(per_basket)
        program.move(there, self._totals(per_basket), expected)
        lost = float(self._margin @ expected)
        best, at, prices = -math.inf, self._best, self._best
        for _ in range(ROUNDS_MAX):
            low = lost + self._ask(program, prices, per_basket, there, expected)
            if low > best:
                best, at = low, prices
            high, wished = program.solve()
            self.high_minor = lost + high
            if self.high_minor - best <= self._gap * max(1.0, abs(best)):
                break
            prices = TOWARDS_BEST * at + (1 - TOWARDS_BEST) * wished
        self._best, self.low_minor = at, best
        return Prices(dict(zip(self._shelves, at.tolist(), strict=True)), best)

    def _program_of(self, orders: Floats) -> _Program:
        """The program so far; a new one when orders come from other regions than before, as its choices mix regions."""
        mix = orders / np.maximum(self._totals(orders)[self._kind], 1e-300)
        if self._program is None or not np.allclose(mix, self._program.mix, rtol=1e-9, atol=0.0):
            self._program = _Program(len(self._shelves), self._kinds, mix, self._wanted, self._margin)
            nothing: list[dict[int, float]] = [{} for _ in range(self._kinds)]
            self._program.add(_sums(self._kind, mix * self._lost, self._kinds), nothing)
        return self._program

    def _totals(self, orders: Floats) -> Floats:
        return _sums(self._kind, orders, self._kinds)

    def _ask(self, program: _Program, prices: Floats, orders: Floats, stock: Floats, walk_ins: Floats) -> float:
        """Enter the cheapest choices at these prices, and say what the cost is at least, beyond the margin of all who
        walk in."""
        self.rounds += 1
        value, taker, taken = _cheapest(self._regions, len(self._baskets), prices)
        shelves, mix = len(prices), program.mix
        keys, where = np.unique(self._kind[taker] * shelves + taken, return_inverse=True)
        amounts = _sums(where, mix[taker], len(keys))
        paid = _sums(keys // shelves, amounts * prices[keys % shelves], self._kinds)
        units: list[dict[int, float]] = [{} for _ in range(self._kinds)]
        for key, amount in zip(keys.tolist(), amounts.tolist(), strict=True):
            units[key // shelves][key % shelves] = amount
        program.add(_sums(self._kind, mix * value, self._kinds) - paid, units)
        served = np.maximum(0.0, self._margin - np.append(prices, math.inf)[self._wanted])
        return float(orders @ value - stock @ prices - walk_ins @ served)


class _Program:
    """Of the choices known the shares that cost the least within the stock. Kinds, shelves and walk-ins by number.

    A choice of a kind is one of each of its baskets, weighed by `mix`: the share that a basket has of the kind.
    """

    def __init__(self, shelves: int, kinds: int, mix: Floats, wanted: Ints, margin: Floats) -> None:
        self.mix = mix
        self._program = LinearProgram(growing=True)
        self._stock = [self._program.row(-math.inf, 0.0) for _ in range(shelves)]
        self._orders = [self._program.row(0.0, 0.0) for _ in range(kinds)]
        self._walk_ins: list[Row] = []
        for shelf, minor in zip(wanted.tolist(), margin.tolist(), strict=True):
            row = self._program.row(-math.inf, 0.0)
            if shelf < shelves:
                served = self._program.amount(-minor)
                self._program.put(row, served, 1.0)
                self._program.put(self._stock[shelf], served, 1.0)
            self._walk_ins.append(row)

    def add(self, cost: Floats, taken: Sequence[Mapping[int, float]]) -> None:
        """A further choice of each kind: its cost an order, and the units an order it takes from shelves."""
        program = self._program
        for row, minor, units in zip(self._orders, cost.tolist(), taken, strict=True):
            share: Variable = program.amount(minor)
            program.put(row, share, 1.0)
            for shelf, amount in units.items():
                program.put(self._stock[shelf], share, amount)

    def move(self, stock: Floats, orders: Floats, walk_ins: Floats) -> None:
        """Other right-hand sides."""
        for row, units in zip(self._stock, stock.tolist(), strict=True):
            self._program.between(row, -math.inf, units)
        for row, count in zip(self._orders, orders.tolist(), strict=True):
            self._program.between(row, count, count)
        for row, units in zip(self._walk_ins, walk_ins.tolist(), strict=True):
            self._program.between(row, -math.inf, units)

    def solve(self) -> tuple[float, Floats]:
        """The least cost, and the price of a unit on each shelf."""
        cost = self._program.solve()
        return cost, np.array([max(0.0, -self._program.dual(row)) for row in self._stock])


def _regions(
    baskets: Sequence[Basket], lanes: Sequence[Lane], lost: Mapping[str, Unserved], number: Mapping[Shelf, int]
) -> list[_Region]:
    by_region: dict[str, list[int]] = {}
    for n, basket in enumerate(baskets):
        by_region.setdefault(basket.region, []).append(n)
    found = []
    for region, mine in by_region.items():
        ensure(region in lost, "SRC-3", f"no way not to serve {region}")
        skus = sorted({sku for n in mine for sku in baskets[n].sku_ids})
        column = {sku: n for n, sku in enumerate(skus)}
        # A location that has none of the SKUs would only double the sets.
        useful = [
            lane for lane in lanes if lane.region == region and any((lane.location_id, sku) in number for sku in skus)
        ]
        ensure(len(useful) <= LANES_MAX, "SRC-3", f"more than {LANES_MAX} locations serve {region}")
        sizes: dict[int, list[int]] = {}
        for n in mine:
            sizes.setdefault(len(baskets[n].sku_ids), []).append(n)
        alike = [
            _Alike(np.array(these), np.array([[column[sku] for sku in baskets[n].sku_ids] for n in these]))
            for these in sizes.values()
        ]
        parcels = np.zeros(1)
        for lane in useful:
            parcels = np.concatenate([parcels, parcels + lane.parcel_minor])
        shelf = [[number.get((lane.location_id, sku), len(number)) for lane in useful] for sku in skus]
        found.append(
            _Region(
                np.array([lane.unit_minor for lane in useful], dtype=np.float64),
                lost[region].unit_minor,
                np.array(shelf, dtype=np.int64).reshape(len(skus), len(useful)),
                np.concatenate([parcels, parcels + lost[region].parcel_minor]),
                alike,
            )
        )
    return found


def _cheapest(regions: Sequence[_Region], baskets: int, prices: Floats) -> tuple[Floats, Ints, Ints]:
    """The cheapest choice of each of so many baskets at these prices of shelves: what it costs with them; and for each
    unit that is taken, from which shelf (third) and of which basket (second)."""
    value = np.zeros(baskets)
    taker, taken = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    # A shelf that is not there is one that nobody can pay.
    priced = np.append(prices, math.inf)
    for region in regions:
        each = region.unit + priced[region.shelf]  # (I, L)
        least = _least(each, region.lost_unit)
        locations = each.shape[1]
        step = max(1, AT_ONCE // least.shape[1])
        for alike in region.alike:
            for first in range(0, len(alike.baskets), step):
                these, skus = alike.baskets[first : first + step], alike.skus[first : first + step]
                cost = least[skus[:, 0]] + region.parcels  # (B, 2 * 2^L)
                for nth in range(1, skus.shape[1]):
                    cost += least[skus[:, nth]]
                chosen = cost.argmin(axis=1)
                value[these] = cost[np.arange(len(these)), chosen]
                within = (chosen[:, None] >> np.arange(locations) & 1).astype(bool)  # (B, L)
                lost = np.where(chosen >> locations & 1, region.lost_unit, math.inf)
                there = np.where(within[:, None, :], each[skus], math.inf)  # (B, n, L)
                there = np.concatenate([there, np.broadcast_to(lost[:, None, None], (*skus.shape, 1))], axis=2)
                place = there.argmin(axis=2)  # (B, n)
                row, position = np.nonzero(place < locations)
                taker.append(these[row])
                taken.append(region.shelf[skus[row, position], place[row, position]])
    return value, np.concatenate(taker), np.concatenate(taken)


def _least(each: Floats, lost_unit: float) -> Floats:
    """(I, L) to (I, 2 * 2^L): what a unit of a SKU costs at the cheapest member of each set of locations, bit k for the
    k-th; infinite where none has it. In the second half it may also be left unserved."""
    skus, locations = each.shape
    found = np.full((skus, 2 << locations), math.inf)
    for k in range(locations):
        np.minimum(found[:, : 1 << k], each[:, k : k + 1], out=found[:, 1 << k : 2 << k])
    np.minimum(found[:, : 1 << locations], lost_unit, out=found[:, 1 << locations :])
    return found


def _sums(of: Ints, amounts: Floats, size: int) -> Floats:
    """The amounts, summed by the number of what each is of."""
    return np.bincount(of, amounts, size).astype(np.float64, copy=False)
