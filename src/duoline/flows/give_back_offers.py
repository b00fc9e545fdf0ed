"""Give back what an order used of offers as far as it has come to nothing: budgets, limits, coupons; and the units it
had booked of a pre-sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import orders
from duoline.kernel import audit, jobs, outbox
from duoline.kernel.auth import SYSTEM
from duoline.orders.advance import UNDONE_JOB, Undone
from duoline.pricing import presales
from duoline.pricing.promotions.uses import give_back

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.pricing.promotions.uses import Back


@jobs.handler(UNDONE_JOB, payload=Undone)
async def give_back_offers(db: Database, undone: Undone) -> None:
    """Once, however often it runs. Nothing to do for most orders."""
    async with db.begin() as tx:
        over = "SELECT state IN ('cancelled', 'expired') FROM orders WHERE id = $1"
        if await tx.fetchval(over, undone.order_id):
            await presales.give_back(tx, undone.order_id)
        for coupon in await give_back(tx, undone.order_id):
            await _tell(tx, undone, coupon)


async def _tell(tx: Tx, undone: Undone, coupon: Back) -> None:
    """The order's story, the audit log and the buyer's open pages say that a coupon is good again."""
    await orders.timeline.write(
        tx,
        member_id=coupon.member_id,
        order_id=undone.order_id,
        kind="coupon_back",
        actor=SYSTEM,
        promotion_id=str(coupon.promotion_id),
    )
    await audit.record(
        tx,
        actor=SYSTEM,
        action="coupons.back",
        subject_kind="coupon_batch",
        subject=str(coupon.batch_id),
        before={"coupon_id": str(coupon.coupon_id), "order_id": str(undone.order_id)},
        after={"order_id": None, "expires_at": coupon.expires_at.isoformat() if coupon.expires_at else None},
    )
    await outbox.emit(
        tx,
        topic="orders.coupon-back",
        key=str(undone.order_id),
        payload={"order_id": str(undone.order_id)},
        family="member",
        owner_id=coupon.member_id,
        member_id=coupon.member_id,
    )
