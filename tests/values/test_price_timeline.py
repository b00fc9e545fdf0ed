"""A new price lies over the old ones: what it covers is gone, what reaches beyond stays, nothing overlaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.ids import new_id
from duoline.pricing.timeline import EVER, Span, change, laid_over, open_price, says_already

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def span(a: int, b: int | None, price: int, *, stored: bool = False) -> Span:
    return Span(day(a), EVER if b is None else day(b), price, "CNY", "", new_id() if stored else None)


def shape(line: list[Span]) -> list[tuple[int, int | None, int]]:
    return [
        ((each.starts - START).days, None if each.ends == EVER else (each.ends - START).days, each.price_minor)
        for each in line
    ]


def test_a_sale_inside_an_open_price_cuts_it_in_two() -> None:
    old = [span(0, None, 100, stored=True)]
    new = laid_over(old, span(10, 20, 80))
    assert shape(new) == [(0, 10, 100), (10, 20, 80), (20, None, 100)]
    steps = change(old, new)
    assert (steps.remove, shape(steps.shorten), shape(steps.add)) == (
        [],
        [(0, 10, 100)],
        [(10, 20, 80), (20, None, 100)],
    )
    assert shape(laid_over(new, span(10, 20, 80))) == shape(new)


def test_a_new_open_price_ends_the_old_one() -> None:
    old = [span(0, None, 100, stored=True)]
    assert shape(laid_over(old, span(5, None, 120))) == [(0, 5, 100), (5, None, 120)]


def test_what_is_covered_is_removed() -> None:
    old = [span(0, 5, 1, stored=True), span(5, 8, 2, stored=True), span(8, None, 3, stored=True)]
    new = laid_over(old, span(3, 9, 9))
    assert shape(new) == [(0, 3, 1), (3, 9, 9), (9, None, 3)]
    steps = change(old, new)
    assert sorted(steps.remove) == sorted(each.id for each in old[1:] if each.id)
    assert shape(steps.add) == [(3, 9, 9), (9, None, 3)]


def test_a_price_said_already_changes_nothing() -> None:
    old = [span(0, 5, 7, stored=True), span(5, None, 7, stored=True)]
    assert says_already(old, span(2, 9, 7))
    assert laid_over(old, span(2, 9, 7)) is old
    assert not says_already(old, span(2, 9, 8))
    assert not says_already([span(1, 9, 7)], span(0, 9, 7))
    assert not says_already([span(0, 4, 7), span(5, 9, 7)], span(0, 9, 7))


def test_a_price_without_a_beginning_holds_since_it_has() -> None:
    old = [span(0, None, 7, stored=True)]
    assert open_price(old, 7, "CNY", "", day(30)) == Span(day(0), EVER, 7, "CNY", "")
    assert open_price(old, 8, "CNY", "", day(30)).starts == day(30)


spans = st.builds(
    lambda a, length, price: span(a, None if length == 30 else a + length, price),
    st.integers(0, 60),
    st.integers(1, 30),
    st.integers(1, 4),
)


@given(st.lists(spans, max_size=8), spans)
def test_lines_stay_whole(laid: list[Span], last: Span) -> None:
    line: list[Span] = []
    for each in laid:
        line = [one._replace(id=one.id or new_id()) for one in laid_over(line, each)]
    new = laid_over(line, last)
    assert all(a.ends <= b.starts for a, b in pairwise(new))
    assert all(each.starts < each.ends for each in new)
    assert says_already(new, last)

    def price_at(where: list[Span], instant: datetime) -> int | None:
        return next((each.price_minor for each in where if each.starts <= instant < each.ends), None)

    for n in range(100):
        inside = last.starts <= day(n) < last.ends
        assert price_at(new, day(n)) == (last.price_minor if inside else price_at(line, day(n)))

    steps = change(line, new)
    after = [each for each in line if each.id not in steps.remove]
    shortened = {each.id: each for each in steps.shorten}
    after = sorted([shortened.get(each.id, each) for each in after] + steps.add)
    assert all(a.ends <= b.starts for a, b in pairwise(after))
    assert [price_at(after, day(n)) for n in range(100)] == [price_at(new, day(n)) for n in range(100)]
    assert all(shortened[key].ends < next(e.ends for e in line if e.id == key) for key in shortened)


def test_the_same_rows_again_change_nothing_however_they_cut() -> None:
    old = [span(0, 3, 1, stored=True), span(3, 5, 1, stored=True), span(5, None, 2, stored=True)]
    new = laid_over(laid_over(old, span(0, None, 1)), span(5, None, 2))
    assert change(old, new) == ([], [], [])
