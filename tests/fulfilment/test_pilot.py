"""What a pilot changed: difference in differences, and an interval that is honest about noise."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from duoline.fulfilment.pilot import DAYS_MIN, MEASURES, Day, Sums, effects

FIRST = date(2026, 3, 1)


def sums(draw: random.Random, cost: float, *, noise: float = 40) -> Sums:
    orders = draw.randint(20, 60)
    return Sums(
        orders=orders,
        cost_minor=round(orders * draw.gauss(cost, noise)),
        parcels=orders + draw.randint(0, 10),
        km=orders * 120,
        rejected=draw.randint(0, 3),
        late=draw.randint(0, 5),
    )


def days(draw: random.Random, n: int, pilot: float, control: float, *, weekly: float = 60) -> list[Day]:
    """Days whose level goes up and down with the week, for both groups alike."""
    return [
        Day(FIRST + timedelta(days=k), sums(draw, pilot + weekly * (k % 7)), sums(draw, control + weekly * (k % 7)))
        for k in range(n)
    ]


def cost(before: list[Day], since: list[Day]):
    return next(one for one in effects(before, since) if one.measure == "cost_minor")


def test_what_changed_for_everybody_is_no_effect():
    found = cost([Day(FIRST, Sums(10, 9_000), Sums(10, 10_000))], [Day(FIRST, Sums(10, 12_000), Sums(20, 26_000))])
    assert (found.pilot_before, found.pilot_since, found.control_before, found.control_since) == (900, 1200, 1000, 1300)
    assert found.change == 0
    assert (found.low, found.high) == (None, None)  # one day says nothing about chance


@pytest.mark.parametrize("empty", [0, 1])
def test_without_orders_in_a_cell_nothing_is_said(empty: int):
    cells = [[Day(FIRST, Sums(), Sums(10, 1))], [Day(FIRST, Sums(10, 1), Sums(10, 1))]]
    found = effects(cells[empty], cells[1 - empty])
    assert [one.measure for one in found] == list(MEASURES)
    assert {(one.change, one.low, one.high) for one in found} == {(None, None, None)}


def test_days_without_both_groups_do_not_count_towards_the_interval():
    draw = random.Random(5)
    before = days(draw, 14, 900, 1000)
    since = [*days(draw, DAYS_MIN - 1, 900, 1000), Day(FIRST, Sums(5, 4000), Sums())]
    assert cost(before, since).low is None
    assert cost(before, [*since, *days(draw, 1, 900, 1000)]).low is not None


def test_the_same_days_give_the_same_figures():
    draw = random.Random(6)
    before, since = days(draw, 14, 900, 1000), days(draw, 7, 850, 1000)
    assert effects(before, since) == effects(before, since)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of forty pilots with an effect of -80 about 38 intervals should hold it; nine tenths must, chance included."""
    held = seen = 0
    for seed in range(40):
        draw = random.Random(seed)
        found = cost(days(draw, 28, 900, 1000), days(draw, 14, 820, 1000))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= -80 <= found.high
        seen += found.high < 0
    assert held >= 34, held
    assert seen >= 20, seen  # and they are narrow enough to see it
