"""Sourcing against brute force, and what always holds of a plan."""

from __future__ import annotations

import itertools
import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.fulfilment.solve import solve
from duoline.fulfilment.sourcing import Site, WantedLine, lowered, offers_of, plan
from duoline.kernel.errors import Fault

NOTHING = st.just(0)
SKUS = [UUID(int=100 + n) for n in range(12)]


def line(n: int, sku: int, quantity: int) -> WantedLine:
    return WantedLine(UUID(int=n), SKUS[sku], quantity)


def site(n: int, parcel: int, pick: int, *stock: int, each: dict[int, int] | None = None) -> Site:
    unit_minor = {SKUS[sku]: cost for sku, cost in (each or {}).items()}
    return Site(UUID(int=1000 + n), parcel, pick, dict(zip(SKUS, stock, strict=False)), unit_minor)


@st.composite
def orders_and_sites(draw, *, units_max=3, skus_max=3, sites_max=4, costs=NOTHING):
    wanted = draw(st.lists(st.sampled_from(range(skus_max)), min_size=1, max_size=skus_max + 1))
    lines = [line(n, sku, draw(st.integers(1, units_max))) for n, sku in enumerate(wanted)]
    sites = [
        site(
            n,
            draw(st.integers(0, 50)),
            draw(st.integers(0, 10)),
            *(draw(st.integers(0, 4)) for _ in range(skus_max)),
            each={sku: cost for sku in range(skus_max) if (cost := draw(costs))},
        )
        for n in range(draw(st.integers(1, sites_max)))
    ]
    return lines, sites


def demand_of(lines):
    demand: dict[UUID, int] = {}
    for each in lines:
        demand[each.sku_id] = demand.get(each.sku_id, 0) + each.quantity
    return demand


def brute_force(lines, sites, parcels_max):
    """The cheapest of all ways to spread every unit over the sites."""
    demand = demand_of(lines)

    def spreads(sku, units):
        ranges = [range(min(units, one.stock.get(sku, 0)) + 1) for one in sites]
        return [each for each in itertools.product(*ranges) if sum(each) == units]

    best = None
    for choice in itertools.product(*(spreads(sku, units) for sku, units in demand.items())):
        picks = [sum(1 for each in choice if each[n]) for n in range(len(sites))]
        if sum(1 for each in picks if each) > parcels_max:
            continue
        cost = sum(one.parcel_minor + one.line_minor * n for one, n in zip(sites, picks, strict=True) if n)
        cost += sum(
            units * one.unit_minor.get(sku, 0)
            for sku, each in zip(demand, choice, strict=True)
            for one, units in zip(sites, each, strict=True)
        )
        best = cost if best is None else min(best, cost)
    return best


@given(orders_and_sites(), st.integers(1, 4))
@settings(max_examples=300)
def test_plans_are_as_cheap_as_brute_force(case, parcels_max):
    lines, sites = case
    found = plan(lines, sites, parcels_max=parcels_max)
    assert (found.cost_minor if found else None) == brute_force(lines, sites, parcels_max)
    assert found is None or found.exact


@given(orders_and_sites(costs=st.integers(-30, 60)), st.integers(1, 4))
@settings(max_examples=300)
def test_plans_are_as_cheap_as_brute_force_when_units_cost_something_of_their_own(case, parcels_max):
    """Costs below zero among them: a markdown makes old stock worth sending."""
    lines, sites = case
    found = plan(lines, sites, parcels_max=parcels_max)
    assert (found.cost_minor if found else None) == brute_force(lines, sites, parcels_max)
    assert found is None or found.exact


@given(orders_and_sites(units_max=6, skus_max=12, sites_max=30, costs=st.integers(-30, 60)), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_a_plan_serves_every_unit_from_stock_that_is_there(case, parcels_max):
    lines, sites = case
    found = plan(lines, sites, parcels_max=parcels_max)
    if found is None:
        return
    assert len(found.parcels) <= parcels_max
    served: dict[UUID, int] = {}
    for parcel in found.parcels:
        at = next(one for one in sites if one.location_id == parcel.location_id)
        taken: dict[UUID, int] = {}
        for piece in parcel.pieces:
            served[piece.line_id] = served.get(piece.line_id, 0) + piece.quantity
            taken[piece.sku_id] = taken.get(piece.sku_id, 0) + piece.quantity
        assert all(at.stock[sku] >= quantity for sku, quantity in taken.items())
        units_minor = sum(quantity * at.unit_minor.get(sku, 0) for sku, quantity in taken.items())
        assert parcel.cost_minor == at.parcel_minor + at.line_minor * len(taken) + units_minor
    assert served == {each.line_id: each.quantity for each in lines}
    assert found.cost_minor == sum(parcel.cost_minor for parcel in found.parcels)


def test_a_split_looks_at_the_price_not_at_the_fullest_shelf():
    lines = [line(0, 0, 12)]
    sites = [site(0, 600, 10, 6), site(1, 700, 10, 6), site(2, 10000, 10, 9)]
    found = plan(lines, sites, parcels_max=4)
    assert (found.cost_minor, found.exact) == (1320, True)


def test_a_line_is_split_where_that_saves_a_parcel():
    """Neither near place has both units of the first article; together they have everything."""
    lines = [line(0, 0, 2), line(1, 1, 1), line(2, 2, 1)]
    sites = [site(0, 600, 60, 1, 1, 0), site(1, 600, 60, 1, 0, 1), site(2, 1500, 60, 2, 0, 0)]
    found = plan(lines, sites, parcels_max=4)
    assert ([len(parcel.pieces) for parcel in found.parcels], found.cost_minor) == ([2, 2], 1440)


def test_lines_of_one_article_are_one_pick():
    lines = [line(0, 0, 1), line(1, 0, 2)]
    found = plan(lines, [site(0, 600, 60, 3)], parcels_max=1)
    assert found.cost_minor == 660
    assert [(piece.line_id.int, piece.quantity) for piece in found.parcels[0].pieces] == [(0, 1), (1, 2)]


def test_a_large_order_is_proved_by_the_solver_and_without_time_says_that_it_is_not():
    """The cheapest a unit has seven of twelve; the one that has all of them is cheaper in the end."""
    lines = [line(n, n, 1) for n in range(12)]
    sites = [site(0, 700, 0, *[1] * 7), site(1, 1300, 0, *[1] * 12), site(2, 650, 0, *[0] * 7, *[1] * 5)]
    found = plan(lines, sites, parcels_max=4, solver_ms=60_000)
    assert (len(found.parcels), found.cost_minor, found.exact) == (1, 1300, True)
    hurried = plan(lines, sites, parcels_max=4, solver_ms=0)
    assert (len(hurried.parcels), hurried.cost_minor, hurried.exact) == (2, 1350, False)


def test_a_location_that_would_lose_the_goods_anyway_sends_them():
    lines = [line(0, 0, 1), line(1, 1, 1)]
    near, old = site(0, 600, 60, 1, 1), site(1, 900, 60, 1, 1, each={0: -500})
    assert plan(lines, [near, old], parcels_max=2).cost_minor == 900 + 120 - 500
    assert (
        plan(lines, [near, old._replace(unit_minor={SKUS[0]: -300})], parcels_max=2).parcels[0].location_id == near[0]
    )


def test_parcels_and_picks_of_negative_cost_are_a_fault():
    with pytest.raises(Fault, match="SRC-1"):
        plan([line(0, 0, 1)], [site(0, -1, 60, 1)], parcels_max=1)


# --- the exact searches against CP-SAT ----------------------------------------------------------


def agrees_with_cp_sat(seed: int) -> None:
    """One case drawn from a seed, by both; costs of units from -200 to 400, stock from none to plenty."""
    drawn = random.Random(seed)
    skus = drawn.randint(1, 7)
    wanted = tuple(drawn.choice((1, 1, 1, 2, 3)) for _ in range(skus))
    priced, carried = drawn.random() < 0.7, drawn.uniform(0.2, 0.9)
    sites = [
        site(
            n, drawn.randint(0, 1500), drawn.choice((0, 60, 120)),
            *(drawn.randint(1, 3) if drawn.random() < carried else 0 for _ in wanted),
            each={sku: drawn.randint(-200, 400) for sku in range(skus)} if priced else None,
        )
        for n in range(drawn.randint(1, 9))
    ]  # fmt: skip
    parcels_max = drawn.randint(1, 5)
    offers = lowered(offers_of(sites, SKUS[:skus], wanted), wanted)[0] if _enough(sites, wanted) else []
    found = plan([line(n, n, units) for n, units in enumerate(wanted)], sites, parcels_max=parcels_max)
    if not offers:
        assert found is None
        return
    other, exact = solve(wanted, offers, None, parcels_max=parcels_max, limit_ms=60_000)
    assert exact
    assert (found is None) == (other is None), seed
    if found is not None and found.exact and other is not None:
        cost = sum(
            one.parcel_minor
            + sum(
                one.line_minor + each * one.unit_minor.get(sku, 0)
                for sku, each in zip(SKUS, units, strict=False)
                if each
            )
            for one, units in ((sites[n], units) for n, units in other)
        )
        assert found.cost_minor == cost, seed


def _enough(sites, wanted):
    return all(sum(one.stock[sku] for one in sites) >= need for sku, need in zip(SKUS, wanted, strict=False))


@pytest.mark.parametrize("block", range(5))
def test_exact_search_and_cp_sat_agree(block):
    for seed in range(block * 20, block * 20 + 20):
        agrees_with_cp_sat(seed)


@pytest.mark.proof
def test_exact_search_and_cp_sat_agree_a_thousand_times():
    for seed in range(1_000, 2_000):
        agrees_with_cp_sat(seed)


def test_the_same_order_gets_the_same_plan():
    lines = [line(0, 0, 1)]
    sites = [site(n, 600, 60, 1) for n in range(5)]
    assert plan(lines, sites, parcels_max=2).parcels[0].location_id == sites[0].location_id
