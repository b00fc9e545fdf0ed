"""Alert: units that have been kept for longer than the policy allows, or past the end of their time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.insight.policy import StockAlertsPolicy
    from duoline.kernel.db import Database

ENDING = timedelta(minutes=15)
"""Holds end by a job that runs twice a minute; one that is this much past its end was forgotten."""

_STALE = "h.state = 'open' AND h.location_id = ANY ($1) AND (h.created_at < $2 OR h.expires_at < $3)"

# For whom: the number of the order or transfer, which people know it by.
_LIST = f"""
SELECT h.location_id, h.id, h.sku_id, h.quantity, h.ref_kind, h.ref_id, h.created_at, h.expires_at,
       coalesce(h.expires_at < $3, false) AS past_end,
       CASE h.ref_kind
           WHEN 'order' THEN (SELECT f.order_no FROM fulfilments f
                              WHERE f.location_id = h.location_id AND f.order_id = h.ref_id LIMIT 1)
           WHEN 'transfer' THEN (SELECT t.number FROM transfers t
                                 WHERE t.location_id = h.location_id AND t.id = h.ref_id)
       END AS ref_no
FROM holds h
WHERE {_STALE} AND ($4::timestamptz IS NULL OR (h.created_at, h.id) > ($4, $5::uuid))
ORDER BY h.created_at, h.id LIMIT $6
"""  # noqa: S608 - constants


class StaleHold(NamedTuple):
    """Units kept for too long. `past_end`: their time was up and they were not given back; else they are just old."""

    location_id: UUID
    id: UUID
    sku_id: UUID
    quantity: int
    ref_kind: str
    ref_id: UUID
    created_at: datetime
    expires_at: datetime | None
    past_end: bool
    ref_no: str | None


async def stale_holds(
    db: Database,
    location_ids: Collection[UUID],
    policy: StockAlertsPolicy,
    *,
    at: datetime,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[StaleHold]:
    """The oldest first."""
    rows = await db.fetch_filtered(_LIST, *_bounds(location_ids, policy, at), *(after or (None, None)), limit)
    return [StaleHold(*row) for row in rows]


async def count_stale_holds(
    db: Database, location_ids: Collection[UUID], policy: StockAlertsPolicy, *, at: datetime
) -> int:
    """How many there are."""
    rows = await db.fetch_filtered(
        f"SELECT count(*)::integer AS n FROM holds h WHERE {_STALE}",  # noqa: S608 - a constant
        *_bounds(location_ids, policy, at),
    )
    return int(rows[0]["n"])


def _bounds(
    location_ids: Collection[UUID], policy: StockAlertsPolicy, at: datetime
) -> tuple[list[UUID], datetime, datetime]:
    return list(location_ids), at - timedelta(days=policy.hold_days), at - ENDING
