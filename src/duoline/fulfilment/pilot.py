"""What a pilot of sourcing terms brought: before against since, in its regions against its controls. Pure.

The effect on a figure is the difference in differences, (pilot since - pilot before) less
(control since - control before): what changed for everybody, a holiday or a dear week, is in both and falls out. Its
interval is a bootstrap over whole days (Efron, Tibshirani, *An Introduction to the Bootstrap*, 1993): orders of one day
share weather and stock, so days are drawn, not orders, and the same day for both groups. Seeded, so that a page shows
the same figures twice.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

DAYS_MIN = 3
"""With fewer days on either side of the start there is no interval, and nothing can be said yet."""
DRAWS = 1000
SHARE = 0.95

MEASURES = ("cost_minor", "parcels", "km", "rejected", "late")
"""For each order: its cost at the terms that hold elsewhere (minor units), its parcels, the kilometres they travel, and
whether a location rejected it or a parcel left after its promise."""


class Sums(NamedTuple):
    """Sums over the orders of a group of regions on one day."""

    orders: int = 0
    cost_minor: int = 0
    parcels: int = 0
    km: int = 0
    rejected: int = 0
    late: int = 0


class Day(NamedTuple):
    """A day of trade in both groups."""

    on: date
    pilot: Sums
    control: Sums


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One figure for each order, in four cells, and what the pilot changed, with its interval; None where unknown."""

    measure: str
    pilot_before: float | None
    pilot_since: float | None
    control_before: float | None
    control_since: float | None
    change: float | None
    low: float | None
    high: float | None


def effects(before: Sequence[Day], since: Sequence[Day], *, seed: int = 1) -> list[Effect]:
    """Every measure, compared. `before` and `since` are the days before and since the pilot began."""
    return [_effect(measure, before, since, seed) for measure in MEASURES]


def _effect(measure: str, before: Sequence[Day], since: Sequence[Day], seed: int) -> Effect:
    means = _means(measure, before) + _means(measure, since)
    low, high = _interval(measure, _traded(before), _traded(since), seed)
    return Effect(
        measure=measure,
        pilot_before=means[0],
        control_before=means[1],
        pilot_since=means[2],
        control_since=means[3],
        change=_change(*means),
        low=low,
        high=high,
    )


def _means(measure: str, days: Sequence[Day]) -> tuple[float | None, float | None]:
    """The figure for each order of the pilot's regions and of the controls; None without orders."""
    sums = [
        (sum(getattr(each, measure) for each in group), sum(each.orders for each in group))
        for group in ([day.pilot for day in days], [day.control for day in days])
    ]
    pilot, control = (total / orders if orders else None for total, orders in sums)
    return pilot, control


def _change(
    pilot_before: float | None, control_before: float | None, pilot_since: float | None, control_since: float | None
) -> float | None:
    if pilot_before is None or control_before is None or pilot_since is None or control_since is None:
        return None
    return (pilot_since - pilot_before) - (control_since - control_before)


def _traded(days: Sequence[Day]) -> list[Day]:
    """Days on which both groups had orders: others compare nothing."""
    return [day for day in days if day.pilot.orders and day.control.orders]


def _interval(
    measure: str, before: Sequence[Day], since: Sequence[Day], seed: int
) -> tuple[float | None, float | None]:
    if min(len(before), len(since)) < DAYS_MIN:
        return None, None
    draw = random.Random(seed)  # noqa: S311 - not a secret
    found = []
    for _ in range(DRAWS):
        change = _change(
            *_means(measure, draw.choices(before, k=len(before))), *_means(measure, draw.choices(since, k=len(since)))
        )
        if change is not None:  # every day drawn had orders
            found.append(change)
    found.sort()
    cut = round(len(found) * (1 - SHARE) / 2)
    return found[cut], found[-1 - cut]


def days_of(rows: Mapping[date, tuple[Sums, Sums]]) -> list[Day]:
    """The days in order."""
    return [Day(on, *rows[on]) for on in sorted(rows)]
