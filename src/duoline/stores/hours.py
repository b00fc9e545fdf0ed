"""Opening hours: pure arithmetic on a week of spans, days that differ, and a time zone.

A day is a list of spans, in order, that do not touch. Times are wall-clock times of the shop, so the length of a
span in real minutes follows the zone's changes of clock; every computation goes through UTC. A span ends by 24:00;
a shop open past midnight has a span to 24:00 and one from 00:00 on the next day, and counts as open throughout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from duoline.kernel.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MINUTES_A_DAY = 24 * 60
# How far ahead anything is looked for: a shop closed longer than this has no next opening.
HORIZON_DAYS = 60
SPANS_A_DAY_MAX = 4
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


class Span(msgspec.Struct, frozen=True):
    """Open from `opens` until `closes`, wall-clock `HH:MM`; `closes` may be 24:00."""

    opens: str
    closes: str


Week = tuple[tuple[Span, ...], ...]
"""Seven days from Monday."""


@dataclass(frozen=True)
class Hours:
    """When a location is open: seven days from Monday, and dates that differ."""

    timezone: str
    week: Week
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    # The intervals from the last first day that was asked for: every basket of a day asks for the same ones.
    _known: dict[date, _Calendar] = field(default_factory=dict, init=False, repr=False, compare=False)

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans of one day."""
        return self.exceptions.get(day, self.week[day.weekday()])


ALWAYS = ((Span("00:00", "24:00"),),) * 7


def today(hours: Hours, at: datetime) -> date:
    """The calendar day in the shop at an instant."""
    return at.astimezone(_zone(hours.timezone)).date()


def midnight_after(hours: Hours, at: datetime) -> datetime:
    """The instant at which the next calendar day begins in the shop."""
    return _instant(hours.timezone, today(hours, at) + timedelta(days=1), "00:00")


def closing_next_day(hours: Hours, at: datetime) -> datetime:
    """When the shop closes for good on the calendar day after `at`; the end of that day when it does not open."""
    day = today(hours, at) + timedelta(days=1)
    spans = hours.on(day)
    return _instant(hours.timezone, day, spans[-1].closes if spans else "24:00")


def open_at(hours: Hours, at: datetime) -> bool:
    """Whether the shop is open at the instant. The opening minute counts, the closing minute does not."""
    for start, end in _intervals(hours, at):
        if start > at:
            return False
        if at < end:
            return True
    return False


def next_change(hours: Hours, at: datetime) -> datetime | None:
    """The first instant after `at` when it closes (if open) or opens; None when nothing changes in sixty days."""
    for start, end in _intervals(hours, at):
        if start > at:
            return start
        if end > at:
            return None if _beyond(end, at) else end
    return None


def next_open(hours: Hours, at: datetime) -> datetime | None:
    """`at` itself when open, else the next opening; None when there is none in sixty days."""
    for start, end in _intervals(hours, at):
        if end > at:
            return max(start, at)
    return None


def add_open_minutes(hours: Hours, at: datetime, minutes: float) -> datetime | None:
    """The instant when `minutes` of open time have passed since `at`; None when sixty days do not hold as many.

    With 0 minutes this is `next_open`. Work that ends exactly at closing time is done at closing time.
    """
    left = timedelta(minutes=minutes)
    for start, end in _intervals(hours, at):
        if end <= at:
            continue
        begin = max(start, at)
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return None


def open_minutes_between(hours: Hours, start: datetime, end: datetime) -> int:
    """Whole minutes of open time from `start` to `end` (at most sixty days apart)."""
    total = timedelta()
    for opens, closes in _intervals(hours, start):
        if opens >= end:
            break
        total += max(timedelta(), min(closes, end) - max(opens, start))
    return int(total.total_seconds()) // 60


class _Calendar:
    """Open intervals from one day on, computed as far as somebody has looked."""

    def __init__(self, hours: Hours, first: date) -> None:
        self._found: list[tuple[datetime, datetime]] = []
        self._rest = _computed(hours, first)

    def __iter__(self) -> Iterator[tuple[datetime, datetime]]:
        n = 0
        while True:
            if n == len(self._found):
                following = next(self._rest, None)
                if following is None:
                    return
                self._found.append(following)
            yield self._found[n]
            n += 1


def _intervals(hours: Hours, at: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Open intervals in UTC from the day before `at`, in order, with those that meet joined into one."""
    first = today(hours, at) - timedelta(days=1)
    calendar = hours._known.get(first)
    if calendar is None:
        hours._known.clear()
        calendar = hours._known[first] = _Calendar(hours, first)
    return calendar


def _computed(hours: Hours, first: date) -> Iterator[tuple[datetime, datetime]]:
    current: tuple[datetime, datetime] | None = None
    for n in range(HORIZON_DAYS + 2):
        day = first + timedelta(days=n)
        for span in hours.on(day):
            start, end = _instant(hours.timezone, day, span.opens), _instant(hours.timezone, day, span.closes)
            if end <= start:
                continue  # a span that the change of clock swallowed whole
            if current is not None and start <= current[1]:
                current = (current[0], max(end, current[1]))
                continue
            if current is not None:
                yield current
            current = (start, end)
    if current is not None:
        yield current


def _beyond(end: datetime, at: datetime) -> bool:
    """Whether an interval reached the horizon, that is, never ends as far as we look."""
    return end - at > timedelta(days=HORIZON_DAYS - 1)


def _instant(timezone: str, day: date, time: str) -> datetime:
    """A wall-clock time as an instant. A time that a change of clock skips counts as an hour later."""
    minutes = minutes_of(time)
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - wall-clock on purpose
    return wall.replace(tzinfo=_zone(timezone)).astimezone(UTC)


def minutes_of(time: str) -> int:
    """Minutes since midnight of `HH:MM`."""
    return int(time[:2]) * 60 + int(time[3:])


@lru_cache(maxsize=64)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


# --- reading and checking -----------------------------------------------------------------------


def spans_of(raw: list[list[str]]) -> tuple[Span, ...]:
    """Spans from their stored form, `[["09:00", "21:00"]]`."""
    return tuple(Span(opens, closes) for opens, closes in raw)


def stored(spans: tuple[Span, ...] | list[Span]) -> list[list[str]]:
    """The stored form of spans."""
    return [[span.opens, span.closes] for span in spans]


def check_spans(spans: tuple[Span, ...] | list[Span], *, field_name: str) -> None:
    """Refuse (`BadInput`) spans that are unreadable, empty, out of order, or overlap."""
    if len(spans) > SPANS_A_DAY_MAX:
        _refuse(field_name, f"一天最多 {SPANS_A_DAY_MAX} 段营业时间。", f"A day has at most {SPANS_A_DAY_MAX} spans.")
    last = -1
    for span in spans:
        if not (_TIME.fullmatch(span.opens) and _TIME.fullmatch(span.closes)):
            _refuse(field_name, "时间写成 09:00 的样子。", "Times are written like 09:00.")
        opens, closes = minutes_of(span.opens), minutes_of(span.closes)
        if opens >= closes:
            _refuse(field_name, "开门时间要早于关门时间。", "Opening comes before closing.")
        if opens <= last:
            _refuse(field_name, "各段营业时间要按先后排列,不能相接或重叠。", "Spans come in order and do not touch.")
        last = closes


def check_week(week: list[list[Span]], *, field_name: str = "week") -> None:
    """Refuse (`BadInput`) a week that is not seven good days."""
    if len(week) != 7:
        _refuse(field_name, "一周有七天,从周一开始。", "A week has seven days, Monday first.")
    for n, day in enumerate(week):
        check_spans(day, field_name=f"{field_name}[{n}]")


def check_timezone(timezone: str) -> None:
    """Refuse (`BadInput`) a time zone that is none."""
    if timezone not in _timezones():
        _refuse("timezone", "没有这个时区。", "There is no such time zone.")


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _refuse(field_name: str, zh: str, en: str) -> None:
    raise BadInput(problems=[{"field": field_name, "zh": zh, "en": en}])
