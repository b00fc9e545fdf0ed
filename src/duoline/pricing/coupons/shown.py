"""Which coupon a code that somebody shows at the till stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.pricing.coupons.codes import digest
from duoline.pricing.coupons.errors import CouponTaken, NoSuchCoupon

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


async def shown(db: Database | Tx, code: str, *, secret: bytes) -> UUID:
    """The coupon with this code, which is not a member's. Refuses `coupons.no-such-code`, `coupons.taken`.

    Whose member has it, has it by their card or phone; whoever shows a picture of it has not.
    """
    row = await db.fetchrow(
        """SELECT c.id, c.order_id, c.member_id FROM coupon_codes k JOIN coupons c ON c.id = k.coupon_id
           WHERE k.code_hash = $1 AND c.void_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2)""",
        digest(code, secret=secret),
        clock.now(),
    )
    if row is None:
        raise NoSuchCoupon
    if row["order_id"] is not None or row["member_id"] is not None:
        raise CouponTaken
    coupon_id: UUID = row["id"]
    return coupon_id
