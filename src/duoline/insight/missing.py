"""Alert: shops where more units turned up missing of late than the policy allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.insight.policy import StockAlertsPolicy
    from duoline.kernel.db import Database

NAMED = 3
"""Articles that an alert names, those with most units missing."""

# An article counts with what it lost less what was found of it again. What an import corrects is somebody's decision
# about a whole shop and no surprise; what a transfer brought or lost is told by the transfer; breakage that somebody
# reported on a shelf is no surprise either, only what an order came upon. The index has the same list of reasons.
_MISSING = """
SELECT p.id AS location_id, sum(m.units)::bigint AS units, count(*)::integer AS skus, max(m.last_at) AS last_at,
       (array_agg(m.sku_id ORDER BY m.units DESC, m.sku_id))[1:$5] AS sku_ids,
       (array_agg(m.units ORDER BY m.units DESC, m.sku_id))[1:$5] AS sku_units
FROM unnest($1::uuid[]) p(id), LATERAL (
    SELECT v.sku_id, -sum(v.quantity) AS units, max(v.at) AS last_at FROM movements v
    WHERE v.location_id = p.id AND v.at >= $2 AND v.at <= $3 AND v.reason IN ('count', 'missing', 'damage')
      AND v.ref_kind NOT IN ('import', 'transfer') AND (v.reason <> 'damage' OR v.ref_kind = 'order')
    GROUP BY v.sku_id HAVING sum(v.quantity) < 0
) m
GROUP BY p.id HAVING sum(m.units) > $4
ORDER BY units DESC, p.id
"""


class Missing(NamedTuple):
    """Units missing in a shop: how many, of how many articles, when the last was noticed, and the worst articles."""

    location_id: UUID
    units: int
    skus: int
    last_at: datetime
    worst: list[tuple[UUID, int]]


async def missing(
    db: Database, location_ids: Collection[UUID], policy: StockAlertsPolicy, *, at: datetime
) -> list[Missing]:
    """The shops among these in which more is missing than allowed, the worst first."""
    since = at - policy.missing_for
    rows = await db.fetch_filtered(_MISSING, list(location_ids), since, at, policy.missing_units, NAMED)
    return [
        Missing(
            row["location_id"],
            row["units"],
            row["skus"],
            row["last_at"],
            list(zip(row["sku_ids"], map(int, row["sku_units"]), strict=True)),
        )
        for row in rows
    ]
