"""The benchmark of sourcing: the same seed gives the same figures, and nothing is cheaper than what bounds it."""

from __future__ import annotations

from bench.sourcing import intervals, rules
from bench.sourcing.chain import CASES, Shape
from bench.sourcing.chain import draw as draw_chain
from bench.sourcing.network import SMALL, arrivals, draw
from bench.sourcing.small import compare
from bench.sourcing.trade import POLICIES, Trade, bound

TINY = SMALL._replace(periods=400)
SHAPE = Shape(shops=40, articles=400, weeks=1, orders_week=70)


def test_no_policy_is_cheaper_than_the_bound_with_hindsight():
    instance = draw(TINY, 3)
    orders = arrivals(instance, 5)
    found = compare(instance, orders, solves=2, often=False)
    assert all(run.cost >= found.hindsight for run in found.runs.values())
    assert {run.orders for run in found.runs.values()} == {sum(order is not None for order in orders)}


def test_the_same_seed_gives_the_same_costs():
    def costs():
        instance = draw(TINY, 3)
        found = compare(instance, arrivals(instance, 5), solves=2, often=False)
        return [run.cost for run in found.runs.values()]

    assert costs() == costs()


def test_no_policy_of_the_chain_is_cheaper_than_its_bound():
    chain = draw_chain(SHAPE, 2)
    for case in (CASES[0], CASES[-1]):
        least = bound(chain, case)
        runs = [Trade(chain, policy, case).run() for policy in POLICIES]
        assert all(run.cost >= least for run in runs)
        assert {run.orders for run in runs} == {70}


def test_the_rules_of_others_as_they_are_published():
    stock = [{"shirt": 1}, {"shirt": 5, "socks": 1}, {"socks": 2, "hat": 1}]
    skus = ["shirt", "socks", "hat", "kite"]
    assert rules.in_order(skus, [0, 1, 2], stock) == {0: ["shirt"], 1: ["socks"], 2: ["hat"]}
    assert rules.most_stock(skus, [0, 1, 2], stock) == {1: ["shirt"], 2: ["socks", "hat"]}
    assert rules.fewest_parcels(skus, [0, 1, 2], stock) == {1: ["shirt", "socks"], 2: ["hat"]}


def test_an_interval_holds_its_figure_and_shrinks_to_it_when_all_agree():
    wide = intervals.ratio([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    assert wide.low < wide.value == 1.0 < wide.high
    assert set(intervals.mean([4.0, 4.0])) == {4.0}
