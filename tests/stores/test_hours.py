"""Opening hours: exact cases, and laws that hold for any week in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.errors import BadInput
from duoline.stores.hours import (
    ALWAYS,
    Hours,
    Span,
    add_open_minutes,
    check_spans,
    check_timezone,
    check_week,
    next_change,
    next_open,
    open_at,
    open_minutes_between,
)

DAY = (Span("09:00", "21:00"),)
SHANGHAI = Hours("Asia/Shanghai", (DAY,) * 7)


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_open_from_the_first_minute_to_the_last() -> None:
    assert not open_at(SHANGHAI, at("2026-11-18 08:59:59"))
    assert open_at(SHANGHAI, at("2026-11-18 09:00"))
    assert open_at(SHANGHAI, at("2026-11-18 20:59:59"))
    assert not open_at(SHANGHAI, at("2026-11-18 21:00"))
    assert next_change(SHANGHAI, at("2026-11-18 12:00")) == at("2026-11-18 21:00")
    assert next_change(SHANGHAI, at("2026-11-18 21:00")) == at("2026-11-19 09:00")
    assert next_open(SHANGHAI, at("2026-11-18 12:00")) == at("2026-11-18 12:00")
    assert next_open(SHANGHAI, at("2026-11-18 22:00")) == at("2026-11-19 09:00")


def test_a_different_day_replaces_the_week() -> None:
    closed = Hours("Asia/Shanghai", (DAY,) * 7, {date(2026, 11, 19): ()})
    assert next_open(closed, at("2026-11-18 22:00")) == at("2026-11-20 09:00")
    short = Hours("Asia/Shanghai", (DAY,) * 7, {date(2026, 11, 19): (Span("10:00", "12:00"),)})
    assert next_change(short, at("2026-11-19 11:00")) == at("2026-11-19 12:00")


def test_work_stops_at_closing_time_and_goes_on_in_the_morning() -> None:
    assert add_open_minutes(SHANGHAI, at("2026-11-18 20:30"), 60) == at("2026-11-19 09:30")
    assert add_open_minutes(SHANGHAI, at("2026-11-18 20:00"), 60) == at("2026-11-18 21:00")
    assert add_open_minutes(SHANGHAI, at("2026-11-18 03:00"), 0) == at("2026-11-18 09:00")


def test_open_over_midnight_and_for_ever() -> None:
    late = Hours("Asia/Shanghai", ((Span("00:00", "02:00"), Span("18:00", "24:00")),) * 7)
    assert next_change(late, at("2026-11-18 23:00")) == at("2026-11-19 02:00")
    assert next_change(Hours("UTC", ALWAYS), at("2026-11-18 12:00")) is None
    never = Hours("Asia/Shanghai", ((),) * 7)
    assert next_open(never, at("2026-11-18 12:00")) is None
    assert next_change(never, at("2026-11-18 12:00")) is None
    assert add_open_minutes(never, at("2026-11-18 12:00"), 1) is None


def test_changes_of_clock_are_counted_in_real_minutes() -> None:
    berlin = Hours("Europe/Berlin", ((Span("00:00", "24:00"),),) * 7)
    # On 2026-03-29 the day has 23 hours, on 2026-10-25 it has 25.
    spring = open_minutes_between(
        berlin, at("2026-03-29 00:00", "Europe/Berlin"), at("2026-03-30 00:00", "Europe/Berlin")
    )
    autumn = open_minutes_between(
        berlin, at("2026-10-25 00:00", "Europe/Berlin"), at("2026-10-26 00:00", "Europe/Berlin")
    )
    assert (spring, autumn) == (23 * 60, 25 * 60)
    night = Hours("Europe/Berlin", ((Span("02:15", "02:45"),),) * 7)
    # That night the clock goes from 02:00 to 03:00: what is skipped comes an hour later, and as long.
    opening = next_open(night, at("2026-03-29 00:30", "Europe/Berlin"))
    assert opening == at("2026-03-29 03:15", "Europe/Berlin")
    assert next_change(night, opening) == at("2026-03-29 03:45", "Europe/Berlin")


@pytest.mark.parametrize(
    "spans",
    [
        [Span("9:00", "21:00")],
        [Span("09:00", "25:00")],
        [Span("21:00", "09:00")],
        [Span("09:00", "09:00")],
        [Span("09:00", "12:00"), Span("12:00", "21:00")],
        [Span("13:00", "21:00"), Span("09:00", "12:00")],
        [Span("0９:00", "12:00")],
        [Span(f"0{n}:00", f"0{n}:30") for n in range(5)],
    ],
)
def test_spans_that_are_none_are_refused(spans: list[Span]) -> None:
    with pytest.raises(BadInput):
        check_spans(spans, field_name="spans")


def test_a_week_has_seven_days_and_a_zone_exists() -> None:
    check_week([list(DAY)] * 7)
    with pytest.raises(BadInput):
        check_week([list(DAY)] * 6)
    check_timezone("Asia/Urumqi")
    with pytest.raises(BadInput):
        check_timezone("Asia/Nowhere")


# --- laws -------------------------------------------------------------------------------------------


def _spans(cuts: list[int]) -> tuple[Span, ...]:
    """Pairs of an ascending list of minutes, none touching."""
    return tuple(
        Span(f"{a // 60:02d}:{a % 60:02d}", f"{b // 60:02d}:{b % 60:02d}")
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    )


DAYS = st.lists(st.integers(0, 1440), min_size=0, max_size=6, unique=True).map(
    lambda cuts: _spans(sorted(cuts)[: len(cuts) // 2 * 2])
)
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
WEEKS = st.builds(
    lambda zone, week, odd: Hours(zone, tuple(week), odd),
    ZONES,
    st.lists(DAYS, min_size=7, max_size=7),
    st.dictionaries(st.dates(date(2026, 3, 20), date(2026, 4, 10)), DAYS, max_size=4),
)
INSTANTS = st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 10), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside


@given(WEEKS, INSTANTS)
def test_nothing_changes_before_the_next_change(hours: Hours, instant: datetime) -> None:
    change = next_change(hours, instant)
    if change is None:
        return
    assert change > instant
    assert open_at(hours, change) != open_at(hours, instant)
    middle = instant + (change - instant) / 2
    assert open_at(hours, middle) == open_at(hours, instant)


@given(WEEKS, INSTANTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: Hours, instant: datetime) -> None:
    opening = next_open(hours, instant)
    if opening is None:
        return
    assert opening >= instant
    assert open_at(hours, opening)
    if opening > instant:
        assert not open_at(hours, instant)
        assert not open_at(hours, instant + (opening - instant) / 2)


@given(WEEKS, INSTANTS, st.integers(0, 3000))
def test_added_minutes_are_open_minutes(hours: Hours, instant: datetime, minutes: int) -> None:
    done = add_open_minutes(hours, instant, minutes)
    if done is None:
        return
    assert done >= instant
    assert open_minutes_between(hours, instant, done) == minutes


@given(WEEKS, INSTANTS, st.integers(0, 600), st.integers(0, 600))
def test_adding_twice_is_adding_the_sum(hours: Hours, instant: datetime, first: int, second: int) -> None:
    half = add_open_minutes(hours, instant, first)
    whole = add_open_minutes(hours, instant, first + second)
    if half is None or whole is None or second == 0:
        return
    assert add_open_minutes(hours, half, second) == whole


@given(WEEKS, INSTANTS, st.integers(0, 600))
def test_starting_later_never_ends_earlier(hours: Hours, instant: datetime, minutes: int) -> None:
    early = add_open_minutes(hours, instant, minutes)
    late = add_open_minutes(hours, instant + timedelta(minutes=37), minutes)
    if early is not None and late is not None:
        assert late >= early
