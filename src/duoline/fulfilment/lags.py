"""How much later than the plain rule says, from what happened before. Pure.

A *lag* is what an order took beyond the plain rule of `promise.py`: open minutes of the shop for a pickup, days for a
parcel, below zero when it was quicker. The promise is the plain rule and the upper q-quantile of the lags: of n lags
the ceil((n + 1) q)-th smallest, so that an order like them is in time with a chance of at least q, whatever shape
they have (split conformal prediction: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).

Few lags say little: n of the `enough` that are needed count n / enough, and for the rest stands what is known beyond:
of the shop at any hour, then of the chain, then the plain rule. Once there are enough, they count alone.

A parcel's lag is how late it left and how much longer than planned it travelled. Both are learned by themselves,
because not every arrival is on record, and their sum is taken as if one did not depend on the other.

What it is naive about: weeks are alike, days of the week too; a shop that got better, or has another lead time than it
had, is believed when the old weeks have passed out of sight; past orders are measured by the hours as they are now.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Iterable

BAND_HOURS = 3
BANDS = 24 // BAND_HOURS
"""Pickups are learned by the part of the day in which they are placed, in the shop's zone."""
REACHES = 3
"""Parcels are learned by how far they go: near, far, beyond, as the policy of deliveries has it."""
LAG_MAX = 7 * 24 * 60
"""Longer lags count as this: they say that something else was wrong."""

Spread = Counter[int]
"""How often each lag was seen."""


def band_of(hour: int) -> int:
    """The part of the day of an hour of the clock."""
    return hour // BAND_HOURS


def bounded(lag: int) -> int:
    """A lag as it counts."""
    return max(-LAG_MAX, min(LAG_MAX, lag))


def upper(lags: Spread, percent: int) -> int:
    """The conformal quantile: the ceil((n + 1) · percent)-th smallest, or the largest when there are not so many."""
    n = lags.total()
    ensure(n > 0 and 0 < percent < 100, "PRM-1", f"no {percent}% quantile of {n} lags")
    return _ranked(lags, min(n, -(-(n + 1) * percent // 100)))


def _ranked(lags: Spread, rank: int) -> int:
    seen = 0
    for lag in sorted(lags):
        seen += lags[lag]
        if seen >= rank:
            return lag
    return max(lags)


def upper_of_sum(left: Spread, travelled: Spread, percent: int) -> tuple[int, int]:
    """The quantile of how late a parcel left and how much longer it travelled, together, and of how many it is.

    Without one of the two the other counts alone. The sum's rank is that of as many parcels as are known both ways.
    """
    if not left or not travelled:
        alone = left or travelled
        return upper(alone, percent), alone.total()
    n = min(left.total(), travelled.total())
    sums: Spread = Counter()
    for late, times in left.items():
        for longer, often in travelled.items():
            sums[late + longer] += times * often
    rank = min(n, -(-(n + 1) * percent // 100))
    return _ranked(sums, -(-sums.total() * rank // n)), n


def shrunk(own: float, n: int, instead: float, *, enough: int) -> float:
    """What n observations say, and in their place for as many as are missing what stands for them."""
    weight = min(1.0, n / enough)
    return instead + weight * (own - instead)


def pickup_lag(hour: Spread, shop: Spread, chain: Spread, *, percent: int, enough: int) -> int:
    """The lag in open minutes to promise at one part of the day, in whole minutes rounded up."""
    lag = 0.0
    for lags in (chain, shop, hour):
        if lags:
            lag = shrunk(upper(lags, percent), lags.total(), lag, enough=enough)
    return math.ceil(lag - 1e-9)


def parcel_lag(pairs: Iterable[tuple[Spread, Spread]], *, percent: int, enough: int) -> int:
    """The lag in days to promise, rounded: `pairs` are how late parcels left and how much longer they travelled, of
    the chain, the location, and the location at that distance."""
    lag = 0.0
    for left, travelled in pairs:
        if left or travelled:
            own, n = upper_of_sum(left, travelled, percent)
            lag = shrunk(own, n, lag, enough=enough)
    return math.floor(lag + 0.5)


def loss_milli(took: int, promised: int, *, percent: int) -> int:
    """The pinball loss of one promise, in thousandths of its unit: a unit late costs `percent` of a unit, a unit early
    the rest. In the mean it is smallest for the very quantile that is aimed at (Koenker and Bassett, Econometrica 46,
    1978)."""
    return 10 * (percent * (took - promised) if took > promised else (100 - percent) * (promised - took))
