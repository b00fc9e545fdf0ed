"""What tasks are about, as far as a guide may be told: the order, an article, the coupon, the points.

What waits in the shop is told as its queue tells it: the shop hands it over. Other orders have their number where the
shop had a part in them. Which article it was is told only of what waits, and where the member agreed to profiling; in a
franchisee's shop none of it, but of what waits there, without their consent to sharing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.engagement.guide_tasks import Task
    from duoline.kernel.db import Database


class About(NamedTuple):
    """What a task is about: the order's number, one article of it and how many units it is in all, the name of the
    promotion whose coupon ends, how many points end. What is not told is None."""

    order_no: str | None = None
    sku_id: UUID | None = None
    units: int | None = None
    coupon_zh: str | None = None
    coupon_en: str | None = None
    points: int | None = None


# $1-$3 the tasks, $4 shop, $5 whether it is a franchisee's. Of what waits the shop's own lines, else the order's.
_ABOUT = """
SELECT t.n, o.order_no, l.sku_id, l.units, c.name_zh, c.name_en, p.left_points
FROM unnest($1::uuid[], $2::text[], $3::uuid[]) WITH ORDINALITY AS t (member_id, kind, ref_id, n)
CROSS JOIN LATERAL (SELECT duo_person(t.member_id) AS every, t.kind = 'pickup' AS waits,
                           NOT $5 OR duo_consents(t.member_id, 'sharing') AS shared) m
LEFT JOIN LATERAL (
    SELECT x.order_no, x.id, x.member_id FROM orders x
    WHERE x.id = t.ref_id AND x.member_id = ANY (m.every) AND (m.waits OR m.shared)
      AND ($4 = ANY (x.location_ids) OR x.store_id = $4 OR x.sold_store_id = $4 OR EXISTS (
           SELECT FROM preorders e WHERE e.member_id = x.member_id AND e.order_id = x.id AND e.store_id = $4))) o
  ON t.kind IN ('pickup', 'balance', 'after_sale', 'quiet')
LEFT JOIN LATERAL (
    SELECT (array_agg(s.sku_id ORDER BY s.sku_id))[1] AS sku_id, sum(s.quantity)::integer AS units FROM (
        SELECT fl.sku_id, fl.quantity FROM fulfilments f
        JOIN fulfilment_lines fl ON fl.location_id = f.location_id AND fl.fulfilment_id = f.id
        WHERE m.waits AND f.location_id = $4 AND f.order_id = o.id AND f.state = 'ready' AND fl.quantity > 0
        UNION ALL
        SELECT ol.sku_id, ol.quantity FROM order_lines ol
        WHERE NOT m.waits AND ol.member_id = o.member_id AND ol.order_id = o.id
          AND duo_consents(t.member_id, 'profiling')) s) l ON o.id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT r.name_zh, r.name_en FROM coupons k JOIN promotions r ON r.id = k.promotion_id
    WHERE k.id = t.ref_id AND m.shared ORDER BY r.version DESC LIMIT 1) c ON t.kind = 'coupon'
LEFT JOIN LATERAL (
    SELECT q.left_points FROM point_lots q
    WHERE q.id = t.ref_id AND q.member_id = ANY (m.every) AND m.shared LIMIT 1) p ON t.kind = 'points'
ORDER BY t.n
"""


async def about(db: Database, tasks: Sequence[Task], *, store_id: UUID, partner: bool) -> list[About]:
    """What each task is about, in their order. `partner`: the shop is a franchisee's."""
    rows = await db.fetch(
        _ABOUT,
        [task.member_id for task in tasks],
        [task.kind for task in tasks],
        [task.ref_id for task in tasks],
        store_id,
        partner,
    )
    return [
        About(row["order_no"], row["sku_id"], row["units"], row["name_zh"], row["name_en"], row["left_points"])
        for row in rows
    ]
