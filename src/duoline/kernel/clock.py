"""The only place that knows what time it is, so that tests and simulations can say otherwise.

`DUOLINE_TEST_AHEAD_S` runs a whole process ahead by so many seconds: the browser tests and the pictures want it to be
an afternoon at which shops are open, whenever they are run. Production refuses to start with it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_frozen: datetime | None = None
_shift = timedelta(seconds=int(os.environ.get("DUOLINE_TEST_AHEAD_S", "0")))


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC) + _shift


def by_the_machine(at: datetime) -> datetime:
    """An instant as the machine's own clock gives it: for the queue of jobs, which goes by the database's."""
    return at - _shift


def trading_day(at: datetime, timezone: str) -> date:
    """The calendar day of an instant in a shop's own zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock still at `at`, for tests."""
    global _frozen
    before, _frozen = _frozen, at
    try:
        yield
    finally:
        _frozen = before


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Run the clock ahead (or behind) by `by`, for tests of expiry."""
    global _shift
    before, _shift = _shift, _shift + by
    try:
        yield
    finally:
        _shift = before
