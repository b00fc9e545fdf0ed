"""A touchpoint as it is listed: what it is, where it leads, and what it has brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import Request

from duoline import attribution, orders
from duoline.attribution import Kind, OwnerKind, TargetKind
from duoline.channels.http.sessions import Staff
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    import asyncpg

PATH = "/api/console/touchpoints"
SPARK_DAYS = 14

AnyRequest = Request[Any, Any, Any]


class TargetView(msgspec.Struct, frozen=True):
    """Where it leads, and what that is called."""

    kind: TargetKind
    name: str
    title: Text | None


class TouchpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """A touchpoint and what it has brought: scans on so many devices, members who signed up after it, orders that were
    not called off and what was paid for them and kept. `label`: a shop's label of a
    product. `spark` are the scans of the last fourteen days, today last."""

    id: UUID
    code: str
    url: str
    kind: Kind
    name: Text
    owner_kind: OwnerKind
    owner_name: str
    store_code: str | None
    store_name: Text | None
    place: str
    target: TargetView
    note: str
    label: bool
    created_at: datetime
    ended_at: datetime | None
    scans: int
    devices: int
    sign_ups: int
    orders: int
    sales: Money
    spark: list[int]


OWNER = """
CROSS JOIN LATERAL (
    SELECT coalesce((SELECT s.name FROM staff s WHERE t.owner_kind = 'staff' AND s.id = t.owner_id),
                    (SELECT m.display_name FROM members m WHERE t.owner_kind = 'member' AND m.member_id = t.owner_id),
                    '') AS owner_name) w
"""
# What was sold after a touchpoint: orders of which something is kept or still due.
AFTER = f"""
FROM order_touches x JOIN orders r ON r.member_id = x.member_id AND r.id = x.order_id
CROSS JOIN {orders.sales_of("r")} k
WHERE x.touchpoint_id = t.id AND k.units > 0
"""

# $1 everything, $2 stores, $3 ids, $4 from which day on the spark.
_ROWS = f"""
SELECT t.owner_kind, t.owner_id, t.id, t.code, t.kind, t.name_zh, t.name_en, t.store_id, t.place, t.target_kind,
       t.target, t.note, t.label, t.device_id, t.created_at, t.ended_at, w.owner_name, g.title_zh, g.title_en,
       (SELECT coalesce(sum(n.scans), 0) FROM touchpoint_totals n WHERE n.touchpoint_id = t.id)::bigint AS scans,
       (SELECT count(*) FROM touchpoint_devices d WHERE d.touchpoint_id = t.id)::integer AS devices,
       (SELECT count(*) FROM sign_ups u WHERE u.touchpoint_id = t.id)::integer AS sign_ups,
       o.orders, o.sales_minor,
       ARRAY(SELECT coalesce(sum(d.scans), 0)::integer FROM generate_series(0, 13) n
             LEFT JOIN touchpoint_days d ON d.touchpoint_id = t.id AND d.on_date = $4::date + n
             GROUP BY n ORDER BY n) AS spark
FROM touchpoints t {OWNER}
LEFT JOIN LATERAL (
    SELECT p.name_zh AS title_zh, p.name_en AS title_en FROM products p
    WHERE t.target_kind = 'product' AND p.code = t.target
    UNION ALL SELECT c.name_zh, c.name_en FROM categories c WHERE t.target_kind = 'category' AND c.code = t.target
    UNION ALL SELECT s.name_zh, s.name_en FROM stores s WHERE t.target_kind = 'store' AND s.code = t.target
    UNION ALL SELECT o.name, o.name FROM outfits o
    WHERE o.id = CASE WHEN t.target_kind = 'outfit' THEN t.target::uuid END
    UNION ALL (SELECT q.name_zh, q.name_en FROM coupon_batches b JOIN promotions q ON q.id = b.promotion_id
               WHERE t.target_kind = 'coupon' AND b.batch_id::text = t.target
               ORDER BY q.version DESC LIMIT 1)) g ON true
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS orders, coalesce(sum(k.minor), 0)::bigint AS sales_minor {AFTER}) o
WHERE ($1 OR t.store_id = ANY ($2)) AND t.id = ANY ($3)
"""  # noqa: S608 - our own text


async def touchpoint_rows(db: Database | Tx, staff: Staff, ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Those of the touchpoints that one may see, in this order."""
    scope = staff.scope("touchpoints.read").sql
    found = await db.fetch(_ROWS, *scope, list(ids), today() - timedelta(days=SPARK_DAYS - 1))
    rows = {row["id"]: row for row in found}
    return [rows[one] for one in ids if one in rows]


def row_of(row: Any, chain: Chain, base: str) -> TouchpointRow:
    """From a row of `touchpoint_rows`, with links that begin with `base`."""
    found = attribution.of_row(row)
    shop = chain.stores.get(found.store_id) if found.store_id else None
    owner_name = row["owner_name"]
    if found.owner.kind == "store" and found.owner.id in chain.stores:
        owner_name = chain.stores[found.owner.id].code
    title = None if row["title_zh"] is None else Text(row["title_zh"], row["title_en"]).filled
    return TouchpointRow(
        id=found.id,
        code=found.code,
        url=attribution.short_link(base, found.code),
        kind=found.kind,
        name=found.name.filled,
        owner_kind=found.owner.kind,
        owner_name=owner_name,
        store_code=shop.code if shop else None,
        store_name=shop.name if shop else None,
        place=found.place,
        target=TargetView(found.target.kind, found.target.name, title),
        note=found.note,
        label=row["label"],
        created_at=found.created_at,
        ended_at=found.ended_at,
        scans=row["scans"],
        devices=row["devices"],
        sign_ups=row["sign_ups"],
        orders=row["orders"],
        sales=Money(row["sales_minor"], CURRENCY),
        spark=list(row["spark"]),
    )


def today() -> date:
    """The chain's."""
    return clock.trading_day(clock.now(), CHAIN_ZONE)
