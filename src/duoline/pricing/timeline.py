"""Dated prices of one SKU, scope, channel and tier as a line of time: pure.

A new price lies over what is there. What it covers is gone; what reaches beyond it on either side stays.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID

EVER = datetime.max.replace(tzinfo=UTC)
"""The end of a price that has none."""


class Span(NamedTuple):
    """A price from `starts` until just before `ends`. `id` is the stored row it comes from, if any."""

    starts: datetime
    ends: datetime
    price_minor: int
    currency: str
    reason: str
    id: UUID | None = None


class Change(NamedTuple):
    """What has to happen to the stored rows: in this order, so that no two ever overlap."""

    remove: list[UUID]
    shorten: list[Span]
    add: list[Span]


def says_already(line: list[Span], new: Span) -> bool:
    """Whether the line gives this price over the whole of this time."""
    reached = new.starts
    for span in line:
        if span.ends <= reached or span.starts >= new.ends:
            continue
        if span.starts > reached or (span.price_minor, span.currency) != (new.price_minor, new.currency):
            return False
        reached = span.ends
    return reached >= new.ends


def laid_over(line: list[Span], new: Span) -> list[Span]:
    """The line with a new price over it, in order of time. Unchanged if it says so already."""
    if says_already(line, new):
        return line
    kept: list[Span] = []
    for span in line:
        if span.starts < new.starts:
            kept.append(span._replace(ends=min(span.ends, new.starts)))
        if span.ends > new.ends:
            # The first part of a price that is cut in two keeps the stored row.
            rest = span._replace(starts=max(span.starts, new.ends))
            kept.append(rest._replace(id=None) if span.starts < new.starts else rest)
        # What lies between is covered.
    return sorted([*kept, new])


def open_price(line: list[Span], price_minor: int, currency: str, reason: str, at: datetime) -> Span:
    """A price without a beginning holds from `at` on, or since whenever that price has been in force."""
    for span in line:
        if span.starts <= at < span.ends and (span.price_minor, span.currency) == (price_minor, currency):
            return Span(span.starts, EVER, price_minor, currency, reason)
    return Span(at, EVER, price_minor, currency, reason)


def change(old: list[Span], new: list[Span]) -> Change:
    """How to get from the stored line to the new one. A row whose beginning moved is removed and added anew.

    Two lines that give the same price at every instant are the same, however they are cut.
    """
    if _joined(old) == _joined(new):
        return Change([], [], [])
    stored = {span[:4]: span.id for span in old}
    new = [span._replace(id=span.id or stored.get(span[:4])) for span in new]
    before = {span.id: span for span in old}
    kept = {span.id: span for span in new if span.id is not None and before[span.id].starts == span.starts}
    return Change(
        remove=[span.id for span in old if span.id is not None and span.id not in kept],
        shorten=[span for span in kept.values() if span.ends != before[span.id].ends],
        add=[span for span in new if span.id not in kept],
    )


def _joined(line: list[Span]) -> list[tuple[datetime, datetime, int, str]]:
    """The line with neighbours of one price as one."""
    found: list[tuple[datetime, datetime, int, str]] = []
    for span in line:
        if found and found[-1][1:] == (span.starts, span.price_minor, span.currency):
            found[-1] = (found[-1][0], span.ends, span.price_minor, span.currency)
        else:
            found.append(span[:4])
    return found
