"""For how long to keep a unit, from what became of the units that were kept before. Pure.

A unit kept for up to t minutes gains and costs, in units sold at the price of the article:

    gain(t) = F(t) − r · K(t)

* F(t) is the share of holds that are used within t minutes.
* K(t) is the mean number of minutes a unit is kept when it is kept for at most t.
* r is how many units were refused to others a minute that a unit was kept: refused units ÷ minutes kept.

One unit sold to who had it kept is worth one unit refused to somebody else, because both pay the same price; so the
two terms can be subtracted. F and K are Kaplan and Meier's product-limit estimates (Journal of the American
Statistical Association 53, 1958), for a hold that ran out at its limit says only that it was not used until then;
without them short limits would prove themselves right for ever. A hold that was given up is known never to be used.

What it assumes, and is naive about: refusals come evenly while a unit is kept; somebody who was refused does not come
back, and somebody whose hold ran out does not buy; the next ninety days are like the last. Where several limits gain
the same, the longest is taken: where nobody was refused, keeping cost nothing, and longer holds are what the next night
learns from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

STEP_MIN = 5
TINY = 1e-9
"""Gains that differ by less are the same: they differ by rounding."""


class EndedHold(NamedTuple):
    """How long a unit was kept, in minutes, and what ended it."""

    minutes: float
    outcome: Literal["used", "given_up", "expired"]


class _Curve(NamedTuple):
    """A step function: its value from each time on, and before the first."""

    start: float
    steps: list[tuple[float, float]]

    def at(self, t: float) -> float:
        value = self.start
        for when, then in self.steps:
            if when > t:
                break
            value = then
        return value

    def area(self, t: float) -> float:
        """The integral from 0 to t."""
        total, since, value = 0.0, 0.0, self.start
        for when, then in self.steps:
            if when >= t:
                break
            total += value * (when - since)
            since, value = when, then
        return total + value * (t - since)


def best_minutes(holds: Sequence[EndedHold], refused_units: int, *, low: int, high: int) -> int:
    """The minutes that gain most, of `low`, `high` and every five minutes between. `holds` is not empty."""
    low, high = min(low, high), high
    candidates: list[int] = sorted({low, high, *range(low - low % STEP_MIN + STEP_MIN, high, STEP_MIN)})
    used, kept = _used_within(holds), _still_kept(holds)
    total = sum(hold.minutes for hold in holds)
    rate = refused_units / total if total > 0 else 0.0
    best, best_gain = low, float("-inf")
    for t in candidates:
        gain = used.at(t) - rate * kept.area(t)
        if gain >= best_gain - TINY:
            best, best_gain = t, max(gain, best_gain)
    return best


def gain_of(holds: Sequence[EndedHold], refused_units: int, t: float) -> float:
    """The gain of keeping for at most t minutes, as above: for tests and for who wants to draw it."""
    total = sum(hold.minutes for hold in holds)
    rate = refused_units / total if total > 0 else 0.0
    return _used_within(holds).at(t) - rate * _still_kept(holds).area(t)


def _used_within(holds: Sequence[EndedHold]) -> _Curve:
    """F: a hold that was given up stays among those that might be used, and never is."""
    events = [(hold.minutes, hold.outcome == "used") for hold in holds if hold.outcome != "given_up"]
    never = sum(hold.outcome == "given_up" for hold in holds)
    return _Curve(0.0, [(when, 1.0 - left) for when, left in _survival(events, never)])


def _still_kept(holds: Sequence[EndedHold]) -> _Curve:
    """The share of holds that neither were used nor given up until t."""
    return _Curve(1.0, _survival([(hold.minutes, hold.outcome != "expired") for hold in holds], 0))


def _survival(events: Sequence[tuple[float, bool]], never: int) -> list[tuple[float, float]]:
    """The product-limit estimate: (time, share left) after each time at which something happened (True)."""
    at_risk, share, steps = len(events) + never, 1.0, []
    ordered = sorted(events)
    i = 0
    while i < len(ordered):
        when, j, happened = ordered[i][0], i, 0
        while j < len(ordered) and ordered[j][0] == when:
            happened += ordered[j][1]
            j += 1
        if happened:
            share *= 1 - happened / at_risk
            steps.append((when, share))
        at_risk -= j - i
        i = j
    return steps
