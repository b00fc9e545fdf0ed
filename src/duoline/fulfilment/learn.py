"""Learn every night how often each location rejects what it is to serve: counts over the last weeks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock, jobs

if TYPE_CHECKING:
    from duoline.kernel.db import Database

WINDOW_DAYS = 28

_RECORDS = """
INSERT INTO source_records (location_id, served, rejected, learned_at)
SELECT location_id, count(*) FILTER (WHERE state <> 'rejected'), count(*) FILTER (WHERE state = 'rejected'), $2
FROM fulfilments
WHERE done_at >= $1 AND kind <> 'till' AND state IN ('handed_over', 'shipped', 'delivered', 'uncollected', 'rejected')
GROUP BY location_id
ON CONFLICT (location_id) DO UPDATE SET served = excluded.served, rejected = excluded.rejected, learned_at = $2
"""


@jobs.cron("learn what locations reject", "49 19 * * *")
async def learn_records(db: Database) -> None:
    """Count what the last four weeks brought. A location that did nothing keeps the record it had."""
    now = clock.now()
    await db.execute(_RECORDS, now - timedelta(days=WINDOW_DAYS), now)
