"""How many alerts of each kind there are: for whoever looks at the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from duoline.insight.missing import missing
from duoline.insight.rejecting import rejecting
from duoline.insight.stale_holds import count_stale_holds

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.insight.policy import StockAlertsPolicy
    from duoline.kernel.db import Database


class AlertCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Shops with missing units, units kept for too long (a row a hold), shops that reject much."""

    missing: int
    stale_hold: int
    rejects: int


async def count_alerts(
    db: Database, location_ids: Collection[UUID], policy: StockAlertsPolicy, *, at: datetime
) -> AlertCounts:
    """The alerts of these locations, counted."""
    return AlertCounts(
        missing=len(await missing(db, location_ids, policy, at=at)),
        stale_hold=await count_stale_holds(db, location_ids, policy, at=at),
        rejects=len(await rejecting(db, location_ids, policy, at=at)),
    )
