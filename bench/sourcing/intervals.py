"""Means with bootstrap intervals: what is drawn again, with replacement, are instances, not orders."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAWS = 10_000


class Interval(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def keys(self, name: str, digits: int = 4, *, single: bool = False) -> dict[str, float]:
        """As three entries of the results; of a `single` instance as one, for nothing is known of others."""
        if single:
            return {name: round(self.value, digits)}
        return {
            name: round(self.value, digits),
            f"{name}_lo": round(self.low, digits),
            f"{name}_hi": round(self.high, digits),
        }


def mean(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean over instances."""
    return ratio(values, [1.0] * len(values), seed)


def ratio(over: Sequence[float], under: Sequence[float], seed: int = 0) -> Interval:
    """The sum of one over the sum of the other, both drawn together."""
    drawn, n = random.Random(f"bootstrap {seed}"), len(over)
    pairs = list(zip(over, under, strict=True))

    def once(chosen: Sequence[tuple[float, float]]) -> float:
        return sum(a for a, _ in chosen) / (sum(b for _, b in chosen) or 1e-12)

    found = sorted(once(drawn.choices(pairs, k=n)) for _ in range(DRAWS))
    return Interval(once(pairs), found[int(0.025 * DRAWS)], found[int(0.975 * DRAWS) - 1])
