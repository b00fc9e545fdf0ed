"""The chain's policy on what is unusual, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class StockAlertsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When headquarters is told of a shop's stock.

    A shop where more than `missing_units` turned up missing in the last `missing_days` (rejected as missing or damaged,
    counted short, written off by hand; an article that was found again does not count). Units that have been kept for
    more than `hold_days`, or past the end of their time. A shop that rejected more than `reject_percent` of at least
    `reject_count_min` jobs in the last four weeks.
    """

    missing_days: Annotated[int, whole(1, 90, zh="缺失统计(天)", en="Days in which units turn up missing")] = 7
    missing_units: Annotated[int, whole(0, 100_000, zh="允许缺失(件)", en="Missing units allowed")] = 10
    hold_days: Annotated[int, whole(1, 365, zh="占用最久(天)", en="Days a unit may be kept")] = 7
    reject_percent: Annotated[int, whole(0, 100, zh="允许拒单(%)", en="Rejections allowed (%)")] = 10
    reject_count_min: Annotated[int, whole(1, 100_000, zh="至少履约单数", en="Jobs needed to judge")] = 20

    @property
    def missing_for(self) -> timedelta:
        """How far back units turn up missing."""
        return timedelta(days=self.missing_days)


STOCK_ALERTS = Policy("stock_alerts", StockAlertsPolicy, StockAlertsPolicy())
