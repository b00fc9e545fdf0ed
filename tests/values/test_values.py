"""Values: money that conserves, ids that sort, machines that are whole, formulas that agree."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline import inventory
from duoline.flows import return_goods, returnable
from duoline.kernel.errors import Fault
from duoline.kernel.ids import new_id
from duoline.kernel.machine import Machine, WrongState
from duoline.kernel.money import Money, Rounding
from duoline.orders import Line, Order, refundable, value_of
from duoline.pricing import DeliveryFeePolicy, PricedLine, add_up

amounts = st.integers(-(10**12), 10**12)
NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
ORDER = Order(
    new_id(), new_id(), "no", "mall", "confirmed", "online", "CNY", 0, 0, 0, 0, 0, 0, 0, "", "", None, "", NOON, None, [],
    None,
)  # fmt: skip


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


@given(st.integers(0, 10**9), st.integers(1, 50), st.lists(st.integers(1, 50), max_size=12))
def test_units_of_a_line_make_up_what_it_costs_however_they_go(net, quantity, parts):
    values, gone = [], 0
    for part in parts:
        units = min(part, quantity - gone)
        values.append(value_of(net, quantity, gone + units) - value_of(net, quantity, gone))
        assert net * units // quantity <= values[-1] <= -(-net * units // quantity)
        gone += units
    assert sum(values) + net - value_of(net, quantity, gone) == net
    assert value_of(net, quantity, quantity) == net


STEPS = st.lists(st.tuples(st.sampled_from(["hand", "cancel", "return"]), st.integers(1, 20)), max_size=14)


@given(st.integers(0, 10**9), st.integers(1, 20), STEPS, st.booleans())
def test_what_was_paid_is_made_up_whatever_is_handed_over_cancelled_and_brought_back(net, quantity, steps, at_store):
    """After each step the sales are those of the units that the customer has, and the money that is kept pays for the
    units that they have or are to get, to the cent: paid in advance, and part by part at two counters."""
    line = Line(new_id(), 1, new_id(), "pickup", None, quantity, 10**9, net, handed=0, cancelled=0)
    places, handed, back, sold = (new_id(), new_id()), [], {}, 0
    order = ORDER._replace(pay_mode="at_store" if at_store else "online", paid_minor=0 if at_store else net)
    for n, (what, wanted) in enumerate(steps):
        units = min(wanted, line.kept if what == "return" else line.due)
        if units == 0:
            continue
        if what == "hand":
            value = line.value(units, after=line.kept)
            sold += value
            order = order._replace(paid_minor=order.paid_minor + (value if at_store else 0))
            handed.append(returnable.Left(line.id, places[n % 2], units, NOON + timedelta(minutes=n)))
            line = line._replace(handed=line.handed + units)
        elif what == "cancel":
            given_back = refundable(order, [line], {line.id: units})
            assert not at_store or given_back == 0, "nobody has paid for it"
            order = order._replace(refunded_minor=order.refunded_minor + given_back)
            line = line._replace(cancelled=line.cancelled + units)
        else:
            left = returnable.without(handed, back)
            parts = return_goods.pieces([line], left, [return_goods.Brought(line.id, units, "sellable")])
            for part in parts:
                key = line.id, part.sold_location_id
                back[key] = back.get(key, 0) + part.quantity
                sold -= part.value_minor
            given_back = refundable(order, [line], {}, {line.id: units})
            order = order._replace(refunded_minor=order.refunded_minor + given_back)
            line = line._replace(returned=line.returned + units)
            assert all(
                sum(one.units for one in handed if one.location_id == place) >= n for (_, place), n in back.items()
            )
        assert sold == line.value(line.kept)
        assert order.paid_minor - order.refunded_minor == line.value(line.kept if at_store else line.stays)


async def test_a_share_of_a_line_is_the_same_formula_in_sql_and_in_python(shared_db):
    cases = [
        (net, quantity, units)
        for net in (0, 1, 1000, 17925, 10**16)
        for quantity in (1, 3, 7, 10)
        for units in range(quantity + 1)
    ]
    rows = await shared_db.fetch(
        "SELECT duo_value(a, b, c) AS n FROM unnest($1::bigint[], $2::int[], $3::int[]) AS t(a, b, c)",
        *([case[k] for case in cases] for k in range(3)),
    )
    assert [row["n"] for row in rows] == [value_of(*case) for case in cases]


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
