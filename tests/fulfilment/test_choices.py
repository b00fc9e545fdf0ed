"""Shadow prices by whole choices: the same as the linear program where a choice is one place, and never a bound too
high where it is several."""

from __future__ import annotations

import itertools
import math
import random
from uuid import UUID

import pytest

from bench.sourcing.network import LARGE, arrivals, draw
from bench.sourcing.small import compare
from duoline.fulfilment.choices import LANES_MAX, ChoicePrices
from duoline.fulfilment.opportunity import Basket, Lane, ShadowPrices, Unserved, WalkIn
from duoline.fulfilment.programs import LinearProgram
from duoline.kernel.errors import Fault

PLACES, SKUS = [UUID(int=n) for n in range(3)], [UUID(int=10 + n) for n in range(4)]
UNSERVED = [Unserved("e", 2_000, 900), Unserved("w", 3_000, 700)]


def drawn(seed, *, size):
    """Baskets of up to so many SKUs in two regions, three places, and stock for about half of them."""
    dice = random.Random(seed)
    kinds = [tuple(dice.sample(SKUS, dice.randint(1, size))) for _ in range(4)]
    baskets = [Basket(region, skus, dice.uniform(0.5, 9)) for region in "ew" for skus in dict.fromkeys(kinds)]
    lanes = [Lane(region, place, dice.randint(300, 900), dice.randint(0, 300)) for region in "ew" for place in PLACES]
    shelves = [(place, sku) for place in PLACES for sku in SKUS if dice.random() < 0.8]
    walk_ins = [WalkIn(place, sku, dice.uniform(0, 4), dice.randint(0, 900)) for place, sku in shelves[::2]]
    stock = {shelf: dice.randint(0, 12) for shelf in shelves}
    return (baskets, lanes, UNSERVED, shelves, walk_ins), stock


def ways_of(basket, lanes, shelves):
    """Every way to serve a basket: what it costs, and the shelves it takes a unit from. None is not serving a unit."""
    near = [lane for lane in lanes if lane.region == basket.region]
    lost = next(one for one in UNSERVED if one.region == basket.region)
    at = [[None, *(lane for lane in near if (lane.location_id, sku) in shelves)] for sku in basket.sku_ids]
    for way in itertools.product(*at):
        cost = sum(lost.unit_minor if lane is None else lane.unit_minor for lane in way)
        cost += sum(lost.parcel_minor if lane is None else lane.parcel_minor for lane in set(way))
        taken = [(lane.location_id, sku) for lane, sku in zip(way, basket.sku_ids, strict=True) if lane is not None]
        yield cost, taken


def by_every_way(arguments, stock):
    """The least expected cost by whole choices, with a variable for each way to serve each basket."""
    baskets, lanes, _, shelves, walk_ins = arguments
    program = LinearProgram()
    rows = {shelf: program.row(-math.inf, stock[shelf]) for shelf in shelves}
    for basket in baskets:
        all_of_it = program.row(basket.orders, basket.orders)
        for cost, taken in ways_of(basket, lanes, shelves):
            way = program.amount(cost)
            program.put(all_of_it, way, 1.0)
            for shelf in taken:
                program.put(rows[shelf], way, 1.0)
    for one in walk_ins:
        served = program.amount(-one.margin_minor)
        program.put(program.row(-math.inf, one.units), served, 1.0)
        program.put(rows[one.location_id, one.sku_id], served, 1.0)
    return program.solve() + sum(one.units * one.margin_minor for one in walk_ins)


@pytest.mark.parametrize("seed", range(8))
def test_of_single_units_it_is_the_linear_program(seed):
    arguments, stock = drawn(seed, size=1)
    found, linear = ChoicePrices(*arguments, gap=1e-7).solve(stock), ShadowPrices(*arguments).solve(stock)
    assert found.cost_minor == pytest.approx(linear.cost_minor, rel=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_the_least_cost_by_whole_choices_and_is_not_below_the_linear_program(seed):
    arguments, stock = drawn(seed, size=3)
    program = ChoicePrices(*arguments, gap=1e-7)
    found, every = program.solve(stock), by_every_way(arguments, stock)
    assert found.cost_minor == pytest.approx(every, rel=1e-6)
    assert found.cost_minor <= every + 1e-6 <= program.high_minor + 2e-6
    assert found.cost_minor >= ShadowPrices(*arguments).solve(stock).cost_minor - 1e-6 * every
    assert all(price >= 0 for price in found.minor.values())


@pytest.mark.parametrize("seed", range(6))
def test_stopped_at_any_gap_it_is_a_bound_on_what_any_policy_costs(seed):
    """Orders that came, served one after the other by a way drawn from those that the shelves still allow."""
    (baskets, lanes, _, shelves, _), stock = drawn(seed, size=3)
    came = [basket._replace(orders=math.ceil(basket.orders)) for basket in baskets]
    bounds = [
        ChoicePrices(came, lanes, UNSERVED, shelves, gap=gap).solve(stock).cost_minor for gap in (0.5, 0.05, 1e-6)
    ]
    dice, left, cost = random.Random(seed), dict(stock), 0
    for basket in came:
        for _ in range(basket.orders):
            able = [way for way in ways_of(basket, lanes, shelves) if all(left[shelf] > 0 for shelf in way[1])]
            way = min(dice.sample(able, min(3, len(able))))
            cost += way[0]
            for shelf in way[1]:
                left[shelf] -= 1
    assert all(0 < bound <= cost for bound in bounds)


def test_solved_again_for_other_stock_and_other_regions_is_as_if_solved_anew():
    arguments, stock = drawn(3, size=3)
    kept = ChoicePrices(*arguments, gap=1e-7)
    kept.solve(stock)
    asked = kept.rounds
    fewer = {shelf: units // 2 for shelf, units in stock.items()}
    orders = [basket.orders / 2 for basket in arguments[0]]
    moved = [basket.orders if basket.region == "e" else 0.0 for basket in arguments[0]]
    for count, there in ((orders, fewer), (moved, stock), (orders, dict.fromkeys(stock, 0))):
        again, anew = kept.solve(there, count), ChoicePrices(*arguments, gap=1e-7).solve(there, count)
        assert again.cost_minor == pytest.approx(anew.cost_minor, rel=1e-6)
    before = kept.rounds
    kept.solve(dict.fromkeys(stock, 0), orders)
    assert kept.rounds - before == 1 < asked


def test_plenty_is_worth_nothing_and_walk_ins_without_a_shelf_are_lost():
    arguments, stock = drawn(1, size=2)
    everywhere = ChoicePrices(*arguments[:4], [WalkIn(UUID(int=99), SKUS[0], 3.0, 500)], gap=1e-7)
    nobody = ChoicePrices(*arguments[:4], gap=1e-7)
    plenty = dict.fromkeys(stock, 1_000)
    found = everywhere.solve(plenty)
    assert all(price == pytest.approx(0, abs=1e-6) for price in found.minor.values())
    assert found.cost_minor == pytest.approx(nobody.solve(plenty).cost_minor + 1_500)


def test_what_it_cannot_do_is_a_fault():
    (baskets, _, _, _, _), stock = drawn(1, size=2)
    many = [UUID(int=100 + n) for n in range(LANES_MAX + 1)]
    lanes = [Lane("e", place, 600, 0) for place in many]
    with pytest.raises(Fault, match="SRC-3"):
        ChoicePrices(baskets, lanes, UNSERVED, [(place, sku) for place in many for sku in SKUS])
    with pytest.raises(Fault, match="SRC-3"):
        ChoicePrices(baskets, [], UNSERVED[:1], list(stock))
    with pytest.raises(Fault, match="SRC-3"):
        ChoicePrices(baskets, [], UNSERVED, list(stock)).solve(dict.fromkeys(stock, -1))


def test_no_policy_of_a_large_network_is_cheaper_than_its_bound():
    """Plans that are remembered are those that would be made: `compare` plans some of them again and compares."""
    instance = draw(LARGE._replace(cities=3, items=20, size_max=4, types_a_size=3, periods=400), 2)
    found = compare(instance, arrivals(instance, 1), solves=3, often=False, large=True)
    assert all(run.cost >= found.hindsight for run in found.runs.values())
    assert 0 <= found.gap < 0.001
    assert 0 < found.runs["cover"].planned < found.runs["cover"].orders
    assert found.runs["cover"].timed
    anew = compare(instance, arrivals(instance, 1), solves=0, often=False).runs
    assert found.runs["cover"].cost == anew["cover"].cost
