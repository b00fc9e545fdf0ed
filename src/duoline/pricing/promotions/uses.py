"""What of limited promotions is used up, which coupons a buyer has, and giving both back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import UUID

import msgspec

from duoline.kernel import clock

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Tx
    from duoline.pricing.promotions.types import Promotion

USED_JSON = """
(SELECT coalesce(json_agg(json_build_array(p.id, coalesce(c.used_minor, 0), coalesce(c.used_orders, 0), (
            SELECT count(*) FROM promotion_uses u
            WHERE u.promotion_id = p.id AND u.member_id = ANY (duo_group($member)) AND u.given_back_at IS NULL))), '[]')
 FROM unnest($limited::uuid[]) AS p(id) LEFT JOIN promotion_counters c ON c.promotion_id = p.id)
"""
"""Of each limited promotion what is used of it, as rows of `Used`, for a statement that reads more."""

COUPONS_JSON = """
(SELECT coalesce(json_agg(json_build_array(c.id, c.promotion_id, b.returned, b.grace_days)
                            ORDER BY c.expires_at, c.id), '[]')
 FROM coupons c JOIN coupon_batches b ON b.batch_id = c.batch_id
 WHERE (c.member_id = ANY (duo_group($holder)) OR c.id = ANY ($shown::uuid[]))
   AND c.order_id IS NULL AND c.void_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $at))
"""
"""The coupons that a buyer may use, the soonest to end first: their own, and those they show. Rows of `Held`."""


class Used(msgspec.Struct, frozen=True, array_like=True):
    """What is used of a promotion: money and orders of all, and orders of this buyer."""

    promotion_id: UUID
    used_minor: int
    used_orders: int
    mine: int

    def spent(self, promotion: Promotion, *, known: bool) -> bool:
        """Whether nothing is left of it for this buyer, who is `known` as a member or not."""
        each = promotion.each_max
        return (
            (promotion.budget_minor is not None and self.used_minor >= promotion.budget_minor)
            or (promotion.orders_max is not None and self.used_orders >= promotion.orders_max)
            or (each is not None and (not known or self.mine >= each))
        )


Returned = Literal["never", "whole"]
"""Whether a coupon is good again when everything it took off has come back."""


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A coupon that may be used. `returned` says whether it comes back with everything it took off, and for how many
    days (`grace_days`) when it has ended by then."""

    id: UUID
    promotion_id: UUID
    returned: Returned = "whole"
    grace_days: int = 0


class Back(NamedTuple):
    """A coupon that is good again, whose order it was, and until when it is; None as long as its promotion lasts."""

    coupon_id: UUID
    batch_id: UUID
    member_id: UUID
    promotion_id: UUID
    expires_at: datetime | None


async def give_back(tx: Tx, order_id: UUID) -> list[Back]:
    """Give back what an order has not of its offers any more, and say which coupons are good again by it.

    A budget gets what came back with the units, to the cent; the limits on orders count a use until nothing of it is
    left; a coupon comes back when its order came to nothing, or, if its batch said so when it was used, with everything
    that it took off. What of an order is cancelled or brought back only grows, so that it need not be locked: whoever
    adds to it asks once more afterwards. Locks the counters in order, then the coupons. Safe to repeat.
    """
    rows = await tx.fetch("SELECT * FROM duo_give_back_offers($1, $2)", order_id, clock.now())
    return [Back(*row) for row in rows]
