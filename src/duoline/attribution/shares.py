"""Sharing: a member or somebody on the staff sends a product, outfit or coupons to friends; what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import orders
from duoline.attribution.touchpoints import NewTouchpoint, make
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.attribution.types import Owner, Target, Touchpoint
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

_TITLES = {
    "product": "SELECT name_zh, name_en FROM products WHERE code = $1 AND state = 'published'",
    "coupon": """SELECT p.name_zh, p.name_en FROM coupon_batches b JOIN promotions p ON p.id = b.promotion_id
                 WHERE b.batch_id::text = $1 AND b.way = 'claim' ORDER BY p.version DESC LIMIT 1""",
    # Not by the name it has: those are its maker's words, which go when they do.
    "outfit": """SELECT '搭配' AS name_zh, 'Outfit' AS name_en FROM outfits
                 WHERE id = CASE WHEN $1 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN $1::uuid END
                   AND ended_at IS NULL""",
}


async def share(
    tx: Tx,
    *,
    owner: Owner,
    target: Target,
    note: str,
    actor: Actor,
    store_id: UUID | None = None,
    device_id: UUID | None = None,
) -> Touchpoint:
    """A link of one's own to a product, an outfit, or coupons that anybody may take, with a personal note.

    Refuses `kernel.not-found` for what is not for sale or not to be had, `attribution.note-not-shown`.
    """
    new = NewTouchpoint(
        kind="share",
        owner=owner,
        name=await titled(tx, target),
        target=target,
        store_id=store_id,
        note=note.strip(),
        device_id=device_id,
    )
    return await make(tx, new, actor=actor)


async def titled(tx: Tx, target: Target) -> Text:
    """The name of what is shared. Refuses `kernel.not-found` for what is not for sale or not to be had."""
    sql = _TITLES.get(target.kind)
    row = None if sql is None else await tx.fetchrow(sql, target.name)
    if row is None:
        raise NotFound(kind=target.kind)
    return Text(row["name_zh"], row["name_en"]).filled


class Brought(NamedTuple):
    """What a touchpoint has brought. Orders count that were paid or handed over; `sales_minor` is what stays sold."""

    touchpoint_id: UUID
    scans: int
    sign_ups: int
    orders: int
    sales_minor: int


async def brought(db: Database | Tx, touchpoint_ids: Sequence[UUID], *, since: datetime | None = None) -> list[Brought]:
    """What each of these has brought, altogether or since an instant, in no order."""
    rows = await db.fetch(
        f"""SELECT t.id,
                  (SELECT count(*) FROM scans s
                   WHERE s.touchpoint_id = t.id AND ($2::timestamptz IS NULL OR s.at >= $2))::integer AS scans,
                  (SELECT count(*) FROM sign_ups u
                   WHERE u.touchpoint_id = t.id AND ($2::timestamptz IS NULL OR u.at >= $2))::integer AS sign_ups,
                  o.orders, o.sales_minor
           FROM unnest($1::uuid[]) AS t(id)
           CROSS JOIN LATERAL (
               SELECT count(*)::integer AS orders,
                      coalesce(sum(k.minor), 0)::bigint AS sales_minor
               FROM order_touches x JOIN orders r ON r.member_id = x.member_id AND r.id = x.order_id
               CROSS JOIN {orders.sales_of("r")} k
               WHERE x.touchpoint_id = t.id AND k.units > 0
                 AND ($2::timestamptz IS NULL OR x.placed_at >= $2)) o""",  # noqa: S608 - our own text
        list(touchpoint_ids),
        since,
    )
    return [Brought(*row) for row in rows]
