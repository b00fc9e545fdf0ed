"""Who was paid for whom by a link: a circle cannot be written down (I11).

What is written down are the ids that an order and a link had, those of staff too; what is looked for are persons, as
they are now: who was merged, the guests somebody was, and the member whom somebody of the staff is, close a circle like
the member they are. A pair is there as long as anything is paid for one of its orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from duoline.kernel.db import Tx

LOCK = 0x44554F5265666572
"""One writer at a time: two halves of a circle made at once would each see the other's absence."""


async def refer(tx: Tx, *, payee_id: UUID, buyer_id: UUID, order_id: UUID, again: bool = False) -> bool:
    """Write down that somebody is paid for a member's order; False where that would close a circle.

    It is one when the buyer has been paid for the payee's orders, themselves or through others. Repeating it changes
    nothing; `again` for an order that is paid for already: a pair that is there is not asked about then. Takes the lock
    of referrals.
    """
    if await tx.fetchval("SELECT duo_payee($1) = duo_now($2)", payee_id, buyer_id):
        return False
    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    if again and await _is_there(tx, payee_id, buyer_id):
        return True
    if await closes_circle(tx, payee_id=payee_id, buyer_id=buyer_id):
        return False
    await tx.execute(
        """INSERT INTO referrals (payee_id, buyer_id, order_id, at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (payee_id, buyer_id) DO NOTHING""",
        payee_id,
        buyer_id,
        order_id,
        clock.now(),
    )
    return True


async def release(tx: Tx, *, payee_id: UUID, buyer_id: UUID, order_id: UUID, still: Collection[UUID] = ()) -> bool:
    """Forget a pair of which nothing is paid for any more; whether it was there and is gone.

    It stays when something is paid for another order of the pair, or for a line of this one that was the payee's before
    (`still`: lines of which anything is kept). Takes the lock of referrals when the pair is there: whoever writes
    another order of it has the lock until its shares are.
    """
    if not await _is_there(tx, payee_id, buyer_id):
        return False
    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    gone: bool | None = await tx.fetchval(
        """DELETE FROM referrals WHERE payee_id = $1 AND buyer_id = $2 AND NOT EXISTS (
               SELECT FROM order_credits c JOIN accruals a ON a.payee_id = $1 AND a.order_id = c.order_id
               WHERE c.member_id = $2 AND a.role IN ('referrer', 'second') AND a.earned_minor > 0
                 AND (a.order_id <> $3 OR (a.state = 'matured' AND a.line_id = ANY ($4))))
           RETURNING true""",
        payee_id,
        buyer_id,
        order_id,
        list(still),
    )
    return bool(gone)


async def _is_there(tx: Tx, payee_id: UUID, buyer_id: UUID) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM referrals WHERE payee_id = $1 AND buyer_id = $2)", payee_id, buyer_id
    )
    return found


async def closes_circle(tx: Tx, *, payee_id: UUID, buyer_id: UUID) -> bool:
    """Whether paying somebody for a member's order would close a circle, by what is written down. Without the lock of
    referrals the answer holds for nothing that is written.

    Looked for from the payee upwards, each person once: few are paid for what one person buys, while whoever shares
    much is paid for thousands.
    """
    found: bool = await tx.fetchval("SELECT duo_closes_circle($1, $2)", payee_id, buyer_id)
    return found
