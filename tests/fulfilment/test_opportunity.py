"""What a unit is worth where it lies."""

from __future__ import annotations

import math
import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.fulfilment.opportunity import (
    Basket,
    Lane,
    ShadowPrices,
    Unserved,
    WalkIn,
    protection,
    scarcity,
    with_markdown,
)
from duoline.kernel.errors import Fault

A, B = UUID(int=1), UUID(int=2)
SHIRT, SOCKS = UUID(int=11), UUID(int=12)
LOST = Unserved("east", 2_000, 500)


def east(*, near: float = 10, far: float = 10, orders: float = 15, walk_ins: float = 0, margin: float = 900):
    """One SKU, one region, a near place A and a dear one B."""
    program = ShadowPrices(
        [Basket("east", (SHIRT,), orders)],
        [Lane("east", A, 600, 100), Lane("east", B, 900, 100)],
        [LOST],
        [(A, SHIRT), (B, SHIRT)],
        [WalkIn(A, SHIRT, walk_ins, margin)],
    )
    return program.solve({(A, SHIRT): near, (B, SHIRT): far})


def test_a_scarce_unit_is_worth_what_the_next_best_place_costs_more():
    """Ten of fifteen come from A, five from B: one unit more at A would save 300."""
    prices = east()
    assert prices.minor == {(A, SHIRT): pytest.approx(300), (B, SHIRT): pytest.approx(0)}
    assert prices.cost_minor == pytest.approx(10 * 700 + 5 * 1_000)


def test_plenty_is_worth_nothing_and_the_last_units_what_it_costs_to_disappoint():
    assert set(east(near=100).minor.values()) == {0}
    short = east(near=3, far=3)
    assert short.minor == {(A, SHIRT): pytest.approx(2_500 - 700), (B, SHIRT): pytest.approx(2_500 - 1_000)}


def test_walk_ins_compete_with_their_margin():
    """At A 8 walk-ins and 15 orders want 10 units. Sending from B costs 300 more, a walk-in without a shirt 900."""
    prices = east(far=100, walk_ins=8)
    assert prices.minor[A, SHIRT] == pytest.approx(300)
    assert prices.cost_minor == pytest.approx(2 * 700 + 13 * 1_000)
    tight = east(walk_ins=8)  # 20 units for 23: three walk-ins leave without, which is cheaper than three orders
    assert tight.minor[A, SHIRT] == pytest.approx(900)
    assert tight.cost_minor == pytest.approx(5 * 700 + 10 * 1_000 + 3 * 900)
    poor = east(near=5, far=100, walk_ins=8)
    assert poor.minor[A, SHIRT] == pytest.approx(900)  # all of A's units go to walk-ins, and three leave without
    assert poor.cost_minor == pytest.approx(15 * 1_000 + 3 * 900)


def test_a_parcel_for_two_is_paid_once():
    program = ShadowPrices(
        [Basket("east", (SHIRT, SOCKS), 4)], [Lane("east", A, 600, 100)], [LOST], [(A, SHIRT), (A, SOCKS)]
    )
    assert program.solve({(A, SHIRT): 9, (A, SOCKS): 9}).cost_minor == pytest.approx(4 * 800)


def test_solved_again_is_as_if_solved_anew():
    program = ShadowPrices(
        [Basket("east", (SHIRT,), 15)], [Lane("east", A, 600, 100), Lane("east", B, 900, 100)], [LOST],
        [(A, SHIRT), (B, SHIRT)],
    )  # fmt: skip
    for near in (10, 3, 40, 0):
        again = program.solve({(A, SHIRT): near, (B, SHIRT): 3}, [12])
        assert again.cost_minor == pytest.approx(east(near=near, far=3, orders=12).cost_minor)


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_prices_are_never_negative_bound_the_cost_and_fall_to_zero_where_units_are_left(seed):
    """Weak duality at another stock: cost(other) >= cost(this) - sum of price * (other - this)."""
    drawn = random.Random(seed)
    places, skus = [UUID(int=n) for n in range(3)], [UUID(int=10 + n) for n in range(3)]
    baskets = [
        Basket(drawn.choice("ew"), tuple(drawn.sample(skus, drawn.randint(1, 3))), drawn.uniform(0, 9))
        for _ in range(4)
    ]
    lanes = [Lane(region, place, drawn.randint(0, 900), drawn.randint(0, 300)) for region in "ew" for place in places]
    shelves = [(place, sku) for place in places for sku in skus if drawn.random() < 0.8]
    walk_ins = [WalkIn(place, sku, drawn.uniform(0, 4), drawn.randint(0, 900)) for place, sku in shelves]
    program = ShadowPrices(baskets, lanes, [Unserved("e", 3_000, 900), Unserved("w", 3_000, 900)], shelves, walk_ins)
    one, other = ({shelf: drawn.randint(0, 12) for shelf in shelves} for _ in range(2))
    found, elsewhere = program.solve(one), program.solve(other)
    assert all(price >= 0 for price in found.minor.values())
    bound = found.cost_minor - sum(found.minor[shelf] * (other[shelf] - one[shelf]) for shelf in shelves)
    assert elsewhere.cost_minor >= bound - 1e-3
    plenty = program.solve(dict.fromkeys(shelves, 1_000))
    assert all(price == pytest.approx(0, abs=1e-6) for price in plenty.minor.values())


def test_a_region_that_nothing_serves_is_a_fault():
    with pytest.raises(Fault, match="SRC-3"):
        ShadowPrices([Basket("moon", (SHIRT,), 1)], [], [LOST], [(A, SHIRT)])
    with pytest.raises(Fault, match="SRC-3"):
        east(near=-1)


@given(st.integers(0, 30), st.floats(0, 40), st.floats(0, 5_000))
def test_protection_lies_between_nothing_and_the_margin_and_falls_with_every_unit(on_hand, expected, margin):
    price = protection(on_hand, expected=expected, margin_minor=margin)
    assert 0 <= price <= margin
    assert protection(on_hand + 1, expected=expected, margin_minor=margin) <= price + 1e-9


def test_protection_of_the_last_unit():
    """Half a walk-in is expected: somebody comes with a chance of 1 - e^-0.5."""
    assert protection(1, expected=0.5, margin_minor=1_000) == pytest.approx(1_000 * (1 - math.exp(-0.5)))
    assert protection(0, expected=0.5, margin_minor=1_000) == 1_000


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.1, 100), st.floats(0, 5_000))
def test_scarcity_rises_from_nothing_to_the_full_price(used, more, capacity, full):
    price = scarcity(used, capacity, full_minor=full)
    assert 0 <= price <= full + 1e-9
    assert scarcity(used + more, capacity, full_minor=full) >= price
    assert scarcity(0, capacity, full_minor=full) == 0
    assert scarcity(capacity, capacity, full_minor=full) == pytest.approx(full)
    assert scarcity(1, 0, full_minor=full) == full


@given(st.floats(0, 5_000), st.floats(0, 5_000), st.floats(-5_000, 0))
def test_a_markdown_lowers_the_price_down_to_its_floor(price, loss, floor):
    found = with_markdown(price, loss_minor=loss, floor_minor=floor)
    assert floor <= found <= price
    assert found == max(floor, price - loss)
