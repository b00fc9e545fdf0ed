"""Planning together what is not picked: never dearer, the same units, no more than there is."""

from __future__ import annotations

import itertools
import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.fulfilment.reoptimise import Unpicked, reoptimise
from duoline.fulfilment.sourcing import Site, WantedLine, plan
from duoline.kernel.errors import Fault

SKUS = [UUID(int=n) for n in range(3)]
PLACES = [UUID(int=100 + n) for n in range(4)]


def draw_orders(seed: int, count: int) -> tuple[list[Unpicked], dict[tuple[UUID, UUID], int]]:
    """Orders planned one after the other from the same stock, whose costs have changed since."""
    drawn = random.Random(seed)
    stock = {place: {sku: drawn.randint(0, 3) for sku in SKUS} for place in PLACES}
    found = []
    for n in range(count):
        lines = tuple(
            WantedLine(UUID(int=1000 + 10 * n + i), sku, drawn.randint(1, 2))
            for i, sku in enumerate(drawn.sample(SKUS, drawn.randint(1, 3)))
        )

        def sites() -> tuple[Site, ...]:
            return tuple(
                Site(
                    place, drawn.randint(0, 900), drawn.choice((0, 60)), stock[place],
                    {sku: drawn.randint(-200, 300) for sku in SKUS if drawn.random() < 0.5},
                )
                for place in PLACES
            )  # fmt: skip

        made = plan(lines, sites(), parcels_max=3)
        if made is None:
            continue
        for parcel in made.parcels:
            for piece in parcel.pieces:
                stock[parcel.location_id][piece.sku_id] -= piece.quantity
        found.append(Unpicked(UUID(int=500 + n), lines, sites(), made, 3))
    return found, {(place, sku): units for place, of in stock.items() for sku, units in of.items()}


def cost_today(order: Unpicked, parcels) -> int:
    at, total = {site.location_id: site for site in order.sites}, 0
    for parcel in parcels:
        site, units = at[parcel.location_id], dict[UUID, int]()
        for piece in parcel.pieces:
            units[piece.sku_id] = units.get(piece.sku_id, 0) + piece.quantity
        total += site.parcel_minor + sum(site.line_minor + n * site.unit_minor.get(sku, 0) for sku, n in units.items())
    return total


@given(st.integers(0, 10**9), st.integers(1, 6), st.sampled_from([0, 2_000]), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_never_dearer_the_same_units_and_no_more_than_there_is(seed, count, limit_ms, choices):
    orders, free = draw_orders(seed, count)
    found = reoptimise(orders, free, limit_ms=limit_ms, choices=choices)
    assert found.before_minor == sum(cost_today(order, order.in_hand.parcels) for order in orders)
    assert found.after_minor <= found.before_minor
    assert set(found.plans) == {order.order_id for order in orders}
    held, taken = dict(free), dict[tuple[UUID, UUID], int]()
    for order in orders:
        now = found.plans[order.order_id]
        assert now.cost_minor == cost_today(order, now.parcels)
        served = dict[UUID, int]()
        for parcel in now.parcels:
            for piece in parcel.pieces:
                served[piece.line_id] = served.get(piece.line_id, 0) + piece.quantity
                taken[parcel.location_id, piece.sku_id] = (
                    taken.get((parcel.location_id, piece.sku_id), 0) + piece.quantity
                )
        assert served == {line.line_id: line.quantity for line in order.lines}
        for parcel in order.in_hand.parcels:
            for piece in parcel.pieces:
                held[parcel.location_id, piece.sku_id] = (
                    held.get((parcel.location_id, piece.sku_id), 0) + piece.quantity
                )
    assert all(units <= held.get(shelf, 0) for shelf, units in taken.items())


@pytest.mark.parametrize("seed", range(12))
def test_two_orders_of_single_units_are_planned_as_brute_force_would(seed):
    drawn = random.Random(seed)
    sites = [
        tuple(Site(place, drawn.randint(100, 900), 0, {}) for place in PLACES[:3]) for _ in range(3)
    ]  # three orders, three places with one unit each
    orders = []
    for n, of in enumerate(sites):
        line = WantedLine(UUID(int=n), SKUS[0], 1)
        made = plan([line], [of[n]._replace(stock={SKUS[0]: 1})], parcels_max=1)
        orders.append(Unpicked(UUID(int=50 + n), (line,), of, made, 1))
    found = reoptimise(orders, {}, limit_ms=60_000)
    best = min(sum(sites[n][at].parcel_minor for n, at in enumerate(each)) for each in itertools.permutations(range(3)))
    assert (found.after_minor, found.exact) == (best, True)


def test_without_time_or_gain_the_plans_in_hand_stay_as_they_are():
    orders, free = draw_orders(7, 5)
    same = reoptimise(orders, free, limit_ms=0)
    assert same.after_minor == same.before_minor
    for order in orders:
        mine = [(parcel.location_id, parcel.pieces) for parcel in same.plans[order.order_id].parcels]
        assert mine == [(parcel.location_id, parcel.pieces) for parcel in order.in_hand.parcels]


def test_a_plan_in_hand_from_a_place_that_is_not_named_is_a_fault():
    orders, free = draw_orders(7, 3)
    with pytest.raises(Fault, match="SRC-2"):
        reoptimise([orders[0]._replace(sites=())], free)


def test_nothing_to_plan_is_fine():
    assert reoptimise([], {}).after_minor == 0
