"""Sum up what is at each location, by top-level category: the figures of headquarters' overview.

Adding up all levels of a large chain while somebody looks would take minutes, so a job does it, one location a
statement, the oldest sums first, and a page says of when its figures are.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from duoline.insight.figures import NAMES
from duoline.inventory import transit_of
from duoline.kernel import clock, jobs
from duoline.kernel.sweep import Sweep

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

FRESH_FOR = timedelta(minutes=4)
"""Sums that are younger are left alone; with a look every minute none is older than five, if there is time for all."""
BUDGET_S = 6.0
"""How long one run works: a tenth of one core at most, however large the chain is."""
DAY = timedelta(days=1)
BANDS = (31 * DAY, 91 * DAY, 181 * DAY)
"""Units that came less long ago than this are in the first, second and third band of ages."""

SWEEP = Sweep("summarise stock")

_COLUMNS = ", ".join(NAMES)

# Ages: `up_to` counts the units that came in from the newest on; of each arrival as many are still there as fit into
# what is on hand after all newer ones. Only arrivals are read: what left is what came first.
# Sales are named only to meet the condition of the index: none of them brings units to a place of ours.
STATEMENT = f"""
WITH RECURSIVE tops AS (
    SELECT id, id AS top FROM categories WHERE parent_id IS NULL
    UNION ALL
    SELECT c.id, t.top FROM categories c JOIN tops t ON c.parent_id = t.id
), shelves AS MATERIALIZED (
    SELECT l.sku_id, l.on_hand, l.held, duo_available(l.on_hand, l.held, l.safety) AS free FROM levels l
    WHERE l.location_id = $1 AND l.on_hand > 0
), kept AS MATERIALIZED (
    SELECT h.sku_id, coalesce(sum(h.quantity) FILTER (WHERE h.ref_kind = 'order'), 0) AS orders,
           coalesce(sum(h.quantity) FILTER (WHERE h.ref_kind = 'transfer'), 0) AS transfers,
           coalesce(sum(h.quantity) FILTER (WHERE h.ref_kind = 'favourite'), 0) AS favourites
    FROM holds h WHERE h.location_id = $1 AND h.state = 'open' GROUP BY h.sku_id
), arrivals AS (
    SELECT m.sku_id, m.at, m.quantity,
           sum(m.quantity) OVER (PARTITION BY m.sku_id ORDER BY m.at DESC, m.id DESC) AS up_to
    FROM movements m WHERE m.location_id = $1 AND m.quantity > 0 AND m.reason <> 'sale'
), aged AS MATERIALIZED (
    SELECT p.sku_id, coalesce(sum(p.units) FILTER (WHERE p.at > $4), 0) AS age_30,
           coalesce(sum(p.units) FILTER (WHERE p.at <= $4 AND p.at > $5), 0) AS age_90,
           coalesce(sum(p.units) FILTER (WHERE p.at <= $5 AND p.at > $6), 0) AS age_180,
           coalesce(sum(p.units) FILTER (WHERE p.at <= $6), 0) AS age_older
    FROM (SELECT s.sku_id, a.at, least(a.quantity, s.on_hand - (a.up_to - a.quantity)) AS units
          FROM shelves s JOIN arrivals a ON a.sku_id = s.sku_id WHERE a.up_to - a.quantity < s.on_hand) p
    GROUP BY p.sku_id
), coming AS MATERIALIZED (
    SELECT l.sku_id, l.on_hand AS units FROM levels l WHERE l.location_id = $2 AND l.on_hand > 0
), sums AS MATERIALIZED (
    SELECT t.top AS category_id, count(s.sku_id) AS shelves, coalesce(sum(s.on_hand), 0) AS on_hand,
           coalesce(sum(s.on_hand * p.price_minor), 0) AS value_minor, coalesce(sum(s.free), 0) AS free,
           coalesce(sum(k.orders), 0) AS held_orders, coalesce(sum(k.transfers), 0) AS held_transfers,
           coalesce(sum(k.favourites), 0) AS held_favourites,
           coalesce(sum(s.held - coalesce(k.orders + k.transfers + k.favourites, 0)), 0) AS held_by_hand,
           coalesce(sum(s.on_hand - s.held - s.free), 0) AS safety, coalesce(sum(c.units), 0) AS in_transit,
           coalesce(sum(a.age_30), 0) AS age_30, coalesce(sum(a.age_90), 0) AS age_90,
           coalesce(sum(a.age_180), 0) AS age_180, coalesce(sum(a.age_older), 0) AS age_older,
           coalesce(sum(s.on_hand - coalesce(a.age_30 + a.age_90 + a.age_180 + a.age_older, 0)), 0) AS age_unknown
    FROM shelves s
    FULL JOIN coming c ON c.sku_id = s.sku_id
    JOIN skus u ON u.id = coalesce(s.sku_id, c.sku_id) JOIN products d ON d.id = u.product_id
    JOIN tops t ON t.id = d.category_id
    LEFT JOIN kept k ON k.sku_id = s.sku_id
    LEFT JOIN aged a ON a.sku_id = s.sku_id
    LEFT JOIN LATERAL duo_price(s.sku_id, NULL, '{{}}', 'till', $3) p ON true
    GROUP BY t.top
), gone AS (
    DELETE FROM stock_summaries o WHERE o.location_id = $1 AND NOT o.category_id = ANY (SELECT category_id FROM sums)
), written AS (
    INSERT INTO stock_summaries (location_id, category_id, {_COLUMNS}) SELECT $1, category_id, {_COLUMNS} FROM sums
    ON CONFLICT (location_id, category_id)
    DO UPDATE SET ({_COLUMNS}) = ROW ({", ".join(f"excluded.{name}" for name in NAMES)})
)
INSERT INTO stock_snapshots (location_id, taken_at) VALUES ($1, $3)
ON CONFLICT (location_id) DO UPDATE SET taken_at = excluded.taken_at
"""  # noqa: S608 - constants

_DUE = """
SELECT p.id FROM locations p LEFT JOIN stock_snapshots t ON t.location_id = p.id
WHERE p.kind IN ('store', 'dc') AND (t.taken_at IS NULL OR t.taken_at <= $1) AND NOT p.id = ANY ($2)
ORDER BY t.taken_at NULLS FIRST, p.id
"""


async def summarise(db: Database, location_id: UUID, *, at: datetime) -> None:
    """Sum up one location as of now, in one statement; `at` is the instant that ages are told from.

    Planned for the very location, because some have hundreds of times as much to add up as others.
    """
    async with db.begin() as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        await tx.execute(STATEMENT, location_id, transit_of(location_id), at, *(at - band for band in BANDS))


@jobs.cron("summarise stock", "* * * * *")
async def refresh(db: Database, *, budget_s: float = BUDGET_S) -> int:
    """Sum up the locations whose sums are old, the oldest first, until the time is used up; returns how many.

    One that fails is logged and rests, so that it does not keep the others from being summed up. A run that is
    killed loses nothing: what it has done is written, and the next one goes on with the oldest.
    """
    until, done = time.monotonic() + budget_s, 0
    for row in await db.fetch(_DUE, clock.now() - FRESH_FOR, SWEEP.resting()):
        if time.monotonic() >= until:
            break
        location_id = row["id"]
        done += await SWEEP.run([(location_id, location_id)], lambda each: summarise(db, each, at=clock.now()))
    return done
