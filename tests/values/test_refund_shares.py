"""Points and money go back in the share in which they paid, to the cent, however the whole is given back in parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from duoline.payments.share import Left, shared

TENDERS = ("points", "cash", "wallet", "sandbox")


@st.composite
def orders(draw: st.DrawFn) -> list[Left]:
    """What paid an order: each tender once at most, in any order."""
    tenders = draw(st.lists(st.sampled_from(TENDERS), min_size=1, max_size=4, unique=True))
    return [Left(tender, minor, minor) for tender in tenders for minor in [draw(st.integers(1, 10_000))]]


@given(orders(), st.data())
def test_many_parts_are_exact_to_the_cent(captures: list[Left], data: st.DataObject) -> None:
    total = left = sum(one.amount_minor for one in captures)
    points = sum(one.amount_minor for one in captures if one.tender == "points")
    while left:
        amount = data.draw(st.integers(1, left))
        parts = shared(captures, amount, total_minor=total)
        assert sum(parts) == amount
        assert all(0 <= part <= one.left_minor for part, one in zip(parts, captures, strict=True))
        captures = [one._replace(left_minor=one.left_minor - part) for one, part in zip(captures, parts, strict=True)]
        left -= amount
        stays = sum(one.left_minor for one in captures if one.tender == "points")
        assert stays == points * left // total  # never more of what is kept than of the whole
        # Of money, what came first is back first.
        money = [one for one in captures if one.tender != "points"]
        begun = [one.left_minor < one.amount_minor for one in money]
        assert all(one.left_minor == 0 or not any(begun[n + 1 :]) for n, one in enumerate(money))


@given(orders(), st.data())
def test_whatever_went_back_before_each_amount_finds_its_place(captures: list[Left], data: st.DataObject) -> None:
    """Also where an earlier release has given the money back first."""
    total = sum(one.amount_minor for one in captures)
    captures = [one._replace(left_minor=data.draw(st.integers(0, one.amount_minor))) for one in captures]
    amount = data.draw(st.integers(0, sum(one.left_minor for one in captures)))
    for whole in (total, None):
        parts = shared(captures, amount, total_minor=whole)
        assert sum(parts) == amount
        assert all(0 <= part <= one.left_minor for part, one in zip(parts, captures, strict=True))


def test_a_payment_that_came_twice_and_went_back_counts_for_nothing() -> None:
    captures = [Left("points", 100, 100), Left("sandbox", 300, 0), Left("sandbox", 300, 300)]
    assert shared(captures, 200, total_minor=400) == [50, 0, 150]
