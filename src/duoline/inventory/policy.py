"""Policies of stock, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class CountsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which differences of a count are approved by themselves: all together no more units, and no more value at the
    chain's prices, surplus and shortage added up without sign. Zero units: a person looks at every difference."""

    units_max: Annotated[int, whole(0, 100_000, zh="自动批准的差异件数", en="Units of difference approved at once")] = 5
    value_minor_max: Annotated[
        int, whole(0, 1_000_000_000, zh="自动批准的差异金额(分)", en="Value of difference approved at once (cents)")
    ] = 20_000


COUNTS_POLICY = Policy("counts", CountsPolicy, CountsPolicy())
