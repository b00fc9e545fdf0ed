"""Alert: shops that reject more of what they are to serve than the policy allows, as learned every night."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline.fulfilment.learn import WINDOW_DAYS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.insight.policy import StockAlertsPolicy
    from duoline.kernel.db import Database

WINDOW = timedelta(days=WINDOW_DAYS)

# A shop without work keeps the record it had; after the weeks that it tells of it says nothing any more.
_REJECTING = """
SELECT location_id, served + rejected AS jobs, rejected, learned_at FROM source_records
WHERE location_id = ANY ($1) AND learned_at >= $2 AND served + rejected >= $3
  AND 100::bigint * rejected > $4::bigint * (served + rejected)
ORDER BY rejected::float8 / (served + rejected) DESC, location_id
"""


class Rejecting(NamedTuple):
    """A shop's record of the last weeks: how many jobs, and how many of them it rejected."""

    location_id: UUID
    jobs: int
    rejected: int
    learned_at: datetime

    @property
    def since(self) -> datetime:
        """Since when the jobs are counted."""
        return self.learned_at - WINDOW


async def rejecting(
    db: Database, location_ids: Collection[UUID], policy: StockAlertsPolicy, *, at: datetime
) -> list[Rejecting]:
    """The shops among these that reject too much, the worst first."""
    rows = await db.fetch_filtered(
        _REJECTING,
        list(location_ids),
        at - WINDOW,
        policy.reject_count_min,
        policy.reject_percent,
    )
    return [Rejecting(*row) for row in rows]
