"""Values: money that conserves, ids that sort, machines that are whole, formulas that agree."""

from __future__ import annotations

import uuid
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline import inventory
from duoline.kernel.errors import Fault
from duoline.kernel.ids import new_id
from duoline.kernel.machine import Machine, WrongState
from duoline.kernel.money import Money, Rounding
from duoline.pricing import DeliveryFeePolicy, PricedLine, add_up

amounts = st.integers(-(10**12), 10**12)


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_split_conserves_and_is_fair(minor, weights):
    parts = Money(minor).split(weights)
    assert sum(part.minor for part in parts) == minor
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(abs(part.minor) - abs(minor) * weight / total) < 1 + 1e-6 * abs(minor)


@pytest.mark.parametrize(
    ("minor", "weights", "parts"),
    [
        (1000, [3333, 3333, 3334], [333, 333, 334]),
        (1000, [1, 1, 1], [334, 333, 333]),
        (1, [1, 1, 1], [1, 0, 0]),
        (500, [400, 4500], [41, 459]),
        (9999, [70, 20, 10], [6999, 2000, 1000]),
    ],
)
def test_known_splits(minor, weights, parts):
    assert [part.minor for part in Money(minor).split(weights)] == parts


@pytest.mark.parametrize(
    ("minor", "rate_bp", "rounding", "expected"),
    [(101, 8800, Rounding.HALF_UP, 89), (33, 1500, Rounding.HALF_UP, 5), (33, 1500, Rounding.DOWN, 4), (-33, 1500, Rounding.HALF_UP, -5),
     (8999, 10_000, Rounding.UP, 8999), (1, 1, Rounding.UP, 1)],
)  # fmt: skip
def test_scale_names_its_rounding(minor, rate_bp, rounding, expected):
    assert Money(minor).scale(rate_bp, rounding=rounding).minor == expected


def test_currencies_do_not_mix():
    with pytest.raises(Fault):
        Money(1, "CNY") + Money(1, "USD")


def test_money_as_people_write_it():
    assert [str(Money(1990)), str(Money(-5)), str(Money(5, "JPY")), str(Money(5, "KWD"))] == [
        "19.90 CNY", "-0.05 CNY", "5 JPY", "0.005 KWD",
    ]  # fmt: skip


def test_ids_are_version_7_and_sort_by_time():
    ids = [new_id() for _ in range(1000)]
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 1000
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)


class Light(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


def test_a_machine_with_a_hole_does_not_start():
    with pytest.raises(Fault):
        Machine("light", Light.RED, {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset()})
    with pytest.raises(Fault):
        Machine(
            "light", Light.RED, {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset(), Light.BLUE: frozenset()}
        )


def test_a_machine_refuses_steps_that_do_not_exist():
    light = Machine(
        "light",
        Light.RED,
        {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset({Light.BLUE}), Light.BLUE: frozenset()},
    )
    with pytest.raises(WrongState) as refused:
        light.check(Light.RED, Light.BLUE)
    assert refused.value.fields == {"machine": "light", "state": "red", "wanted": "blue"}
    assert light.final(Light.BLUE)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**6), st.booleans()), min_size=1, max_size=8))
def test_a_total_does_not_depend_on_the_order_of_lines(rows):
    lines = [PricedLine(*row) for row in rows]
    policy = DeliveryFeePolicy()
    totals = add_up(lines, policy)
    assert totals == add_up(list(reversed(lines)), policy)
    assert totals.total_minor == totals.subtotal_minor + totals.delivery_fee_minor
    delivered = sum(line.amount_minor for line in lines if line.delivered)
    assert (totals.delivery_fee_minor > 0) == (any(line.delivered for line in lines) and delivered < policy.free_from)


async def test_available_is_the_same_formula_in_sql_and_in_python(shared_db):
    cases = [
        (on_hand, held, safety, mine)
        for on_hand in (0, 1, 5)
        for held in (0, 1, 5)
        for safety in (0, 2)
        for mine in (0, 3)
    ]
    rows = await shared_db.fetch(
        "SELECT duo_available(a, b, c, d) AS n FROM unnest($1::int[], $2::int[], $3::int[], $4::int[]) AS t(a, b, c, d)",
        *([case[k] for case in cases] for k in range(4)),
    )
    assert [row["n"] for row in rows] == [
        inventory.available(on_hand=a, held=b, safety=c, mine=d) for a, b, c, d in cases
    ]
