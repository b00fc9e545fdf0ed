"""Batches: how coupons of a promotion can be had, by whom, how many, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import BadInput, NotFound
from duoline.pricing.coupons.codes import TAIL, digest, tidy
from duoline.pricing.coupons.errors import OfferNotByCoupon

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.pricing.promotions.uses import Returned

Way = Literal["claim", "code", "touchpoint", "print", "given"]


class NewBatch(NamedTuple):
    """A batch to open. `code` is the word that many know, or what a QR at a `touchpoint` says; the others have none.

    `issued_max` None is without limit; `valid_days` count from the day a coupon is issued. `returned` says whether a
    coupon is good again when everything it took off has come back, `grace_days` for how long if it has ended by then.
    """

    batch_id: UUID
    promotion_id: UUID
    way: Way
    from_at: datetime
    until_at: datetime | None
    code: str | None = None
    touchpoint: str | None = None
    issued_max: int | None = None
    member_max: int = 1
    valid_days: int | None = None
    returned: Returned = "whole"
    grace_days: int = 0


async def open_batch(tx: Tx, new: NewBatch, *, secret: bytes, reason: str, actor: Actor) -> None:
    """Open a batch. Refuses `kernel.not-found` for the promotion, `coupons.offer-needs-none`, then `kernel.bad-input`
    for a code that is taken."""
    by_coupon = await tx.fetchval(
        """SELECT coalesce((body -> 'when' ->> 'coupon')::boolean, false) FROM promotions
           WHERE id = $1 ORDER BY version DESC LIMIT 1""",
        new.promotion_id,
    )
    if by_coupon is None:
        raise NotFound(kind="promotion")
    if not by_coupon:
        raise OfferNotByCoupon
    await tx.execute(
        """INSERT INTO coupon_batches (batch_id, promotion_id, way, code_tail, touchpoint, issued_max, member_max,
                                       valid_days, from_at, until_at, actor_id, created_at, returned, grace_days)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        new.batch_id,
        new.promotion_id,
        new.way,
        tidy(new.code)[-TAIL:] if new.code else "",
        new.touchpoint,
        new.issued_max,
        new.member_max,
        new.valid_days,
        new.from_at,
        new.until_at,
        actor.id,
        clock.now(),
        new.returned,
        new.grace_days,
    )
    if new.code is not None:
        free = await tx.fetchval(
            """INSERT INTO coupon_codes (code_hash, batch_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true""",
            digest(new.code, secret=secret),
            new.batch_id,
        )
        if not free:
            raise BadInput(
                problems=[{"field": "code", "zh": "这个券码已经用过,请换一个。", "en": "This code was used before."}]
            )
    await audit.record(
        tx,
        actor=actor,
        action="coupons.open",
        subject_kind="coupon_batch",
        subject=str(new.batch_id),
        reason=reason,
        before=None,
        after={
            "promotion_id": str(new.promotion_id),
            "way": new.way,
            "touchpoint": new.touchpoint,
            "issued_max": new.issued_max,
            "member_max": new.member_max,
            "valid_days": new.valid_days,
            "returned": new.returned,
            "grace_days": new.grace_days,
            "from_at": new.from_at.isoformat(),
            "until_at": new.until_at.isoformat() if new.until_at else None,
        },
    )


async def end_batch(tx: Tx, batch_id: UUID, *, reason: str, actor: Actor) -> None:
    """No more coupons of it; those that are out stay good. Locks the batch. Refuses `kernel.not-found`."""
    now = clock.now()
    before = await tx.fetchrow("SELECT from_at, until_at FROM coupon_batches WHERE batch_id = $1 FOR UPDATE", batch_id)
    if before is None:
        raise NotFound(kind="coupon_batch")
    if before["until_at"] is not None and before["until_at"] <= now:
        return
    await tx.execute(
        "UPDATE coupon_batches SET from_at = least(from_at, $2), until_at = $2 WHERE batch_id = $1", batch_id, now
    )
    await audit.record(
        tx,
        actor=actor,
        action="coupons.end",
        subject_kind="coupon_batch",
        subject=str(batch_id),
        reason=reason,
        before={"until_at": before["until_at"].isoformat() if before["until_at"] else None},
        after={"until_at": now.isoformat()},
    )
