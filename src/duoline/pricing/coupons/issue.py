"""Issue coupons: claimed, for a code, given, printed. A batch is locked while its coupons are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.pricing.coupons.codes import TAIL, digest, new_code
from duoline.pricing.coupons.errors import BatchClosed, BatchEmpty, BatchHad, CouponTaken, NoSuchCoupon

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class _Batch(NamedTuple):
    batch_id: UUID
    promotion_id: UUID
    way: str
    touchpoint: str | None
    left: int | None
    member_max: int
    valid_days: int | None
    open: bool

    def expires_at(self, now: datetime) -> datetime | None:
        return None if self.valid_days is None else now + timedelta(days=self.valid_days)


async def claim(tx: Tx, batch_id: UUID, *, member_id: UUID) -> UUID:
    """A member takes a coupon of the coupon centre. Refuses `kernel.not-found`, `coupons.closed`, `coupons.all-gone`,
    `coupons.had`. Locks the batch."""
    batch = await _lock(tx, batch_id)
    if batch.way != "claim":
        raise NotFound(kind="coupon_batch")
    return await _issue(tx, batch, member_id)


async def redeem(tx: Tx, code: str, *, member_id: UUID, secret: bytes) -> UUID:
    """A member enters or scans a code: a printed coupon becomes theirs, the word or the QR of a place gives them one.

    Entering the code of one's own coupon again gives the same coupon. Refuses `coupons.no-such-code`,
    `coupons.taken`, and what `claim` refuses. Locks the coupon or the batch.
    """
    found = await tx.fetchrow(
        "SELECT batch_id, coupon_id FROM coupon_codes WHERE code_hash = $1", digest(code, secret=secret)
    )
    if found is None:
        raise NoSuchCoupon
    if found["coupon_id"] is None:
        return await _issue(tx, await _lock(tx, found["batch_id"]), member_id)
    coupon = await tx.fetchrow(
        "SELECT id, member_id, order_id, void_at FROM coupons WHERE id = $1 FOR UPDATE", found["coupon_id"]
    )
    if coupon is None or coupon["void_at"] is not None:
        raise NoSuchCoupon
    if coupon["order_id"] is not None or coupon["member_id"] not in (None, member_id):
        raise CouponTaken
    await tx.execute("UPDATE coupons SET member_id = $2 WHERE id = $1", coupon["id"], member_id)
    coupon_id: UUID = coupon["id"]
    return coupon_id


async def give(tx: Tx, batch_id: UUID, *, member_ids: Sequence[UUID], reason: str, actor: Actor) -> int:
    """Give each of these members a coupon who has not as many as one may have; how many were given. Who was merged is
    the person they are now, once.

    Refuses `kernel.not-found`, `coupons.closed`, `coupons.all-gone` when there are too few for all; then nothing is
    given. Locks the batch.
    """
    batch = await _lock(tx, batch_id)
    if batch.way != "given":
        raise NotFound(kind="coupon_batch")
    if not batch.open:
        raise BatchClosed
    rows = await tx.fetch(
        """SELECT DISTINCT p.ids[1] AS id
           FROM unnest($2::uuid[]) AS m(id) CROSS JOIN LATERAL (SELECT duo_group(m.id) AS ids) p
           WHERE (SELECT count(*) FROM coupons c WHERE c.batch_id = $1 AND c.member_id = ANY (p.ids)) < $3
           ORDER BY id""",
        batch_id,
        sorted(set(member_ids)),
        batch.member_max,
    )
    if batch.left is not None and len(rows) > batch.left:
        raise BatchEmpty
    now = clock.now()
    await tx.executemany(
        """INSERT INTO coupons (id, batch_id, promotion_id, member_id, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        [(new_id(), batch_id, batch.promotion_id, row["id"], now, batch.expires_at(now)) for row in rows],
    )
    await tx.execute("UPDATE coupon_batches SET issued = issued + $2 WHERE batch_id = $1", batch_id, len(rows))
    await _trace(tx, "coupons.give", batch_id, reason=reason, after={"given": len(rows)}, actor=actor)
    return len(rows)


async def print_codes(
    tx: Tx, batch_id: UUID, *, count: int, secret: bytes, reason: str, actor: Actor
) -> list[str]:  # fmt: skip
    """New coupons with a code each, whoever brings it. The codes are told here and never again.

    Refusals and locks as `give`.
    """
    batch = await _lock(tx, batch_id)
    if batch.way != "print":
        raise NotFound(kind="coupon_batch")
    if not batch.open:
        raise BatchClosed
    if batch.left is not None and count > batch.left:
        raise BatchEmpty
    now = clock.now()
    codes = [new_code() for _ in range(count)]
    made = [(new_id(), code) for code in codes]
    await tx.executemany(
        """INSERT INTO coupons (id, batch_id, promotion_id, code_tail, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        [
            (coupon_id, batch_id, batch.promotion_id, code[-TAIL:], now, batch.expires_at(now))
            for coupon_id, code in made
        ],
    )
    await tx.executemany(
        "INSERT INTO coupon_codes (code_hash, batch_id, coupon_id) VALUES ($1, $2, $3)",
        [(digest(code, secret=secret), batch_id, coupon_id) for coupon_id, code in made],
    )
    await tx.execute("UPDATE coupon_batches SET issued = issued + $2 WHERE batch_id = $1", batch_id, count)
    await _trace(tx, "coupons.print", batch_id, reason=reason, after={"printed": count}, actor=actor)
    return codes


async def void(tx: Tx, batch_id: UUID, *, reason: str, actor: Actor) -> int:
    """Make every coupon of a batch void that no order has; how many. Locks the batch, then the coupons."""
    await _lock(tx, batch_id)
    done = await tx.fetch(
        """UPDATE coupons SET void_at = $2 WHERE id IN (
               SELECT id FROM coupons WHERE batch_id = $1 AND order_id IS NULL AND void_at IS NULL
               ORDER BY id FOR UPDATE) RETURNING id""",
        batch_id,
        clock.now(),
    )
    await _trace(tx, "coupons.void", batch_id, reason=reason, after={"void": len(done)}, actor=actor)
    return len(done)


async def _lock(tx: Tx, batch_id: UUID) -> _Batch:
    row = await tx.fetchrow(
        """SELECT batch_id, promotion_id, way, touchpoint, issued_max - issued AS left, member_max, valid_days,
                  from_at <= $2 AND (until_at IS NULL OR until_at > $2) AS open
           FROM coupon_batches WHERE batch_id = $1 FOR UPDATE""",
        batch_id,
        clock.now(),
    )
    if row is None:
        raise NotFound(kind="coupon_batch")
    return _Batch(*row)


async def _issue(tx: Tx, batch: _Batch, member_id: UUID) -> UUID:
    """One coupon of a locked batch."""
    if not batch.open:
        raise BatchClosed
    had = await tx.fetchval(
        "SELECT count(*) FROM coupons WHERE batch_id = $1 AND member_id = ANY (duo_group($2))",
        batch.batch_id,
        member_id,
    )
    if had >= batch.member_max:
        raise BatchHad(maximum=batch.member_max)
    if batch.left is not None and batch.left < 1:
        raise BatchEmpty
    coupon_id, now = new_id(), clock.now()
    await tx.execute(
        """INSERT INTO coupons (id, batch_id, promotion_id, member_id, touchpoint, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        coupon_id,
        batch.batch_id,
        batch.promotion_id,
        member_id,
        batch.touchpoint,
        now,
        batch.expires_at(now),
    )
    await tx.execute("UPDATE coupon_batches SET issued = issued + 1 WHERE batch_id = $1", batch.batch_id)
    return coupon_id


async def _trace(
    tx: Tx, action: str, batch_id: UUID, *, reason: str, after: dict[str, int], actor: Actor
) -> None:  # fmt: skip
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="coupon_batch",
        subject=str(batch_id),
        reason=reason,
        before=None,
        after=after,
    )
