"""What a promotion has taken off so far, and what is used of its limits."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
from litestar import get

from duoline.channels.http import doors
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.pricing.promotions.types import Promotion
from duoline.stores.types import CHAIN_ZONE

SHOWN = timedelta(days=90)


class TakenDay(msgspec.Struct, frozen=True):
    """What a promotion took off the orders of a day, less what came back, and how many still have some of it."""

    on: date
    amount: Money
    orders: int


class PromotionTakings(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion has taken off so far, without what was cancelled or brought back, by day of the chain the orders
    were placed on, with what is used of its limits."""

    amount: Money
    orders: int
    budget: Money | None
    orders_max: int | None
    days: list[TakenDay]


_TAKINGS = """
SELECT (o.placed_at AT TIME ZONE $3)::date AS on, sum(x.left_minor)::bigint AS amount_minor,
       count(*)::integer AS orders
FROM (SELECT DISTINCT d.member_id, d.order_id FROM order_discounts d WHERE d.promotion_id = $1) w
JOIN orders o ON o.member_id = w.member_id AND o.id = w.order_id,
     LATERAL duo_offer_left(o.member_id, o.id, $1) x
WHERE o.placed_at > $2 AND x.stays
GROUP BY 1 ORDER BY 1
"""


@get("/api/console/promotions/{promotion_id:uuid}/takings", opt=doors.staff("prices.read", promotion_id=doors.SHARED))
async def show_takings(db: Database, promotion_id: UUID) -> PromotionTakings:
    """What a promotion has taken off what buyers kept, in the last ninety days, and what is used of its limits."""
    newest = await db.fetchval("SELECT body FROM promotions WHERE id = $1 ORDER BY version DESC LIMIT 1", promotion_id)
    if newest is None:
        raise NotFound(kind="promotion")
    promotion = msgspec.convert(newest, Promotion)
    rows = await db.fetch(_TAKINGS, promotion_id, clock.now() - SHOWN, CHAIN_ZONE)
    used = await db.fetchrow(
        "SELECT used_minor, used_orders FROM promotion_counters WHERE promotion_id = $1", promotion_id
    )
    amount, orders = sum(row["amount_minor"] for row in rows), sum(row["orders"] for row in rows)
    if promotion.limited:
        amount, orders = tuple(used) if used is not None else (0, 0)
    return PromotionTakings(
        amount=Money(amount, "CNY"),
        orders=orders,
        budget=None if promotion.budget_minor is None else Money(promotion.budget_minor, "CNY"),
        orders_max=promotion.orders_max,
        days=[TakenDay(row["on"], Money(row["amount_minor"], "CNY"), row["orders"]) for row in rows],
    )


ROUTES = [show_takings]
