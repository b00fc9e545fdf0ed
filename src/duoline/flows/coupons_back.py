"""Which coupons an order gives back when units are cancelled or brought back: asked before it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from duoline.kernel import clock
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order


class CouponFate(msgspec.Struct, frozen=True):
    """A coupon of which everything that it took off comes back: whether it is good again (`back`), and until when; None
    as long as its promotion lasts."""

    name: Text
    back: bool
    until: datetime | None


_USES = """
SELECT p.name_zh, p.name_en, u.returned, u.grace_days, c.expires_at, array(
           SELECT d.line_id FROM order_discounts d
           WHERE d.member_id = u.member_id AND d.order_id = u.order_id AND d.promotion_id = u.promotion_id) AS line_ids
FROM coupon_uses u JOIN coupons c ON c.id = u.coupon_id
JOIN LATERAL (SELECT * FROM promotions q WHERE q.id = u.promotion_id ORDER BY q.version DESC LIMIT 1) p ON true
WHERE u.order_id = $1 AND u.given_back_at IS NULL ORDER BY u.coupon_id
"""


async def coupons_back(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    cancelled: Mapping[UUID, int] = MappingProxyType({}),
    returned: Mapping[UUID, int] = MappingProxyType({}),
) -> list[CouponFate]:
    """What becomes of the coupons of which nothing would be left. Says what `duo_give_back_offers` does afterwards."""
    now, found = clock.now(), []
    stays = {line.id: line.stays - cancelled.get(line.id, 0) - returned.get(line.id, 0) for line in lines}
    gone = {line.id: line.cancelled + cancelled.get(line.id, 0) for line in lines}
    sent = any(line.quantity > gone[line.id] for line in lines if line.method == "delivery")
    nothing = all(line.quantity == gone[line.id] for line in lines)
    for row in await tx.fetch(_USES, order.id):
        left = any(stays[line] for line in row["line_ids"]) if row["line_ids"] else sent
        if left:
            continue
        back, until = nothing or row["returned"] == "whole", row["expires_at"]
        if back and until is not None and until <= now and row["grace_days"]:
            until = now + timedelta(days=row["grace_days"])
        found.append(CouponFate(Text(row["name_zh"], row["name_en"]).filled, back, until))
    return found
