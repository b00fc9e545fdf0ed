"""Learn every night what walk-in customers buy of each SKU in each shop: a plain average over some weeks.

What was brought back was no demand. Naive on purpose: it follows a season within weeks and needs no model that somebody
would have to look after.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock, jobs

if TYPE_CHECKING:
    from duoline.kernel.db import Database

WINDOW_DAYS = 28
AT_ONCE = 5_000
"""Levels changed in one transaction, so that nobody waits long for one of them."""

# A unit that leaves by a hold was promised to somebody, unless it lay on the counter until it was paid; what leaves
# without one was bought at the till. What came back of a sale did so after it, so both are within the window.
_BOUGHT = """
SELECT b.location_id, b.sku_id, (1000 * sum(greatest(b.units - coalesce(r.units, 0), 0))::bigint / $2)::integer AS rate
FROM (SELECT m.location_id, m.sku_id, m.ref_id, sum(-m.quantity) AS units
      FROM movements m JOIN levels l ON l.location_id = m.location_id AND l.sku_id = m.sku_id
      WHERE m.reason = 'sale' AND m.quantity < 0 AND m.at >= $1
        AND (NOT EXISTS (SELECT FROM holds h WHERE h.location_id = m.location_id AND h.id = m.id)
             OR EXISTS (SELECT FROM fulfilment_lines w
                        JOIN fulfilments f ON f.location_id = w.location_id AND f.id = w.fulfilment_id
                        WHERE w.location_id = m.location_id AND w.hold_id = m.id AND f.kind = 'till'))
      GROUP BY 1, 2, 3) b
LEFT JOIN (SELECT l.sold_location_id, l.sku_id, l.order_id, sum(l.quantity) AS units
           FROM returns r JOIN return_lines l ON l.member_id = r.member_id AND l.return_id = r.id
           WHERE r.at >= $1 GROUP BY 1, 2, 3) r
  ON r.sold_location_id = b.location_id AND r.sku_id = b.sku_id AND r.order_id = b.ref_id
GROUP BY 1, 2
"""

_RATES = f"""
WITH now AS ({_BOUGHT}), due AS (
    SELECT l.location_id, l.sku_id, coalesce(n.rate, 0) AS rate
    FROM levels l LEFT JOIN now n ON n.location_id = l.location_id AND n.sku_id = l.sku_id
    WHERE l.walk_in_rate <> coalesce(n.rate, 0)
    ORDER BY l.location_id, l.sku_id LIMIT $3 FOR UPDATE OF l
)
UPDATE levels l SET walk_in_rate = d.rate FROM due d WHERE l.location_id = d.location_id AND l.sku_id = d.sku_id
"""  # noqa: S608 - a constant


@jobs.cron("learn what walk-in customers buy", "47 19 * * *")
async def learn_walk_ins(db: Database) -> int:
    """Learn the rates of the last four weeks; returns how many levels have another one than before."""
    since, changed = clock.now() - timedelta(days=WINDOW_DAYS), 0
    while True:
        async with db.begin() as tx:
            done = int((await tx.execute(_RATES, since, WINDOW_DAYS, AT_ONCE)).split()[-1])
        changed += done
        if done < AT_ONCE:
            return changed
