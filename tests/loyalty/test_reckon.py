"""What points are earned and pay, by cases and by what holds of any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.errors import BadInput
from duoline.kernel.text import Text
from duoline.loyalty.policy import CategoryTimes, PointCampaign, PointsPolicy, TierTimes
from duoline.loyalty.reckon import Back, Part, come_back, first_in_first_out, most_points, points_for, rate_of, worth_of

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = PointsPolicy(
    tiers=(TierTimes(tier="gold", percent=130),),
    categories=(CategoryTimes(category="milk", percent=200), CategoryTimes(category="food", percent=50)),
    campaigns=(
        PointCampaign(name=Text("双倍", "Double"), from_at=NOW - HOUR, until_at=NOW + HOUR, percent=200),
        PointCampaign(name=Text("三倍", "Triple"), from_at=NOW, until_at=NOW + HOUR, percent=300),
    ),
)


@pytest.mark.parametrize(
    ("tier", "categories", "at", "rate"),
    [
        ("member", ["toys"], NOW - 2 * HOUR, 100),
        ("gold", ["toys"], NOW - 2 * HOUR, 130),
        ("gold", ["milk", "food"], NOW - 2 * HOUR, 260),
        ("gold", ["cheese", "food"], NOW - 2 * HOUR, 65),
        ("member", ["toys"], NOW - HOUR, 200),
        ("member", ["toys"], NOW, 300),
        ("member", ["toys"], NOW + HOUR, 100),
        ("gold", ["milk"], NOW, 780),
    ],
)
def test_the_rate(tier: str, categories: list[str], at: datetime, rate: int):
    assert rate_of(RULES, tier=tier, categories=categories, at=at) == rate


@pytest.mark.parametrize(
    ("kept", "rate", "total", "by_points", "points"),
    [
        (19_900, 100, 19_900, 0, 199),
        (19_999, 100, 19_999, 0, 199),
        (99, 100, 99, 0, 0),
        (19_900, 130, 19_900, 0, 258),
        # Half of it paid in points earns half.
        (20_000, 100, 20_000, 10_000, 100),
        (20_000, 100, 20_000, 20_000, 0),
        # A free article, an order that cost nothing.
        (0, 100, 20_000, 0, 0),
        (0, 100, 0, 0, 0),
    ],
)
def test_what_a_line_earns(kept: int, rate: int, total: int, by_points: int, points: int):
    assert points_for(kept, rate=rate, total_minor=total, by_points_minor=by_points) == points


@pytest.mark.parametrize(
    ("total", "open_minor", "spendable", "least", "most"),
    [
        (99, 99, 10_000, 1, 49),  # 100 points are 1.00, half of 0.99
        (10_000, 10_000, 300, 100, 300),
        (10_000, 10_000, 99, 100, 0),
        (10_000, 200, 10_000, 100, 200),
        (10_000, 0, 10_000, 100, 0),
        (0, 0, 10_000, 1, 0),
    ],
)
def test_how_many_an_order_takes(total: int, open_minor: int, spendable: int, least: int, most: int):
    rules = PointsPolicy(least=least)
    assert most_points(rules, total_minor=total, open_minor=open_minor, spendable=spendable) == most


amounts = st.integers(0, 1_000_000)


@given(amounts, amounts, st.integers(0, 5_000), st.integers(1, 2_000_000), st.integers(0, 100))
def test_taken_apart_never_earns_more(one: int, other: int, rate: int, total: int, percent: int):
    by = total * percent // 100
    total = max(total, one + other)

    def earns(kept: int) -> int:
        return points_for(kept, rate=rate, total_minor=total, by_points_minor=by)

    assert 0 <= earns(one) + earns(other) <= earns(one + other)
    assert earns(one) <= earns(one + other)


@given(amounts, st.integers(1, 10_000), st.integers(1, 100), st.integers(1, 1_000), st.integers(0, 10_000_000))
def test_points_never_pay_more_than_the_cap(total: int, worth: int, cap: int, least: int, spendable: int):
    rules = PointsPolicy(worth_minor=worth, cap_percent=cap, least=least)
    most = most_points(rules, total_minor=total, open_minor=total, spendable=spendable)
    assert most == 0 or least <= most <= spendable
    assert worth_of(rules, most) <= total * cap // 100
    assert (most > 0) == (worth_of(rules, most) > 0)


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 300))
def test_lots_are_taken_in_their_order_and_to_the_point(lots: list[int], points: int):
    given_lots = [Part(UUID(int=n), left) for n, left in enumerate(lots)]
    taken = first_in_first_out(given_lots, points)
    assert sum(part.points for part in taken) == min(points, sum(lots))
    full = [part for part in taken[:-1] if part.points != lots[part.lot_id.int]]
    assert full == []
    assert [part.lot_id.int for part in taken] == sorted(part.lot_id.int for part in taken)


@pytest.mark.parametrize(
    "body",
    [
        {"tiers": (TierTimes(tier="gold", percent=1), TierTimes(tier="gold", percent=2))},
        {"categories": (CategoryTimes(category="a", percent=1), CategoryTimes(category="a", percent=1))},
        {"campaigns": (PointCampaign(name=Text("a", "a"), from_at=NOW, until_at=NOW, percent=1),)},
    ],
)
def test_rules_that_contradict_themselves_are_refused(body: dict):
    with pytest.raises(BadInput):
        PointsPolicy(**body)


@given(st.lists(st.tuples(st.integers(1, 500), st.none() | st.integers(0, 9)), min_size=1, max_size=8), st.data())
def test_what_comes_back_in_parts_is_what_was_drawn(drawn: list[tuple[int, int | None]], data: st.DataObject) -> None:
    whole = [Back(points, None if days is None else NOW + timedelta(days=days)) for points, days in drawn]
    left = sum(one.points for one in whole)
    already, parts = 0, []
    while left:
        more = data.draw(st.integers(1, left))
        now = come_back(whole, already=already, more=more)
        assert sum(one.points for one in now) == more
        assert all(one.known for one in now)
        parts += now
        already, left = already + more, left - more
    by_end: dict[datetime | None, int] = {}
    for sign, some in ((1, whole), (-1, parts)):
        for one in some:
            by_end[one.expires_at] = by_end.get(one.expires_at, 0) + sign * one.points
    assert set(by_end.values()) == {0}
    assert come_back(whole, already=already, more=3) == [Back(3, None, known=False)]
