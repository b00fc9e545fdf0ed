"""Who was paid for bringing whom, among members: a circle cannot be written down (I11).

What is written down are the ids that an order and a link had; what is looked for are persons, as they are now: who was
merged, and the guests somebody was, close a circle like the member they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock
from duoline.members.group import same_person

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx

DEPTH_MAX = 20
LOCK = 0x44554F5265666572
"""One writer at a time: two halves of a circle made at once would each see the other's absence."""


async def refer(tx: Tx, *, payee_id: UUID, buyer_id: UUID, order_id: UUID) -> bool:
    """Write down that a member is paid for another's order; False where that would close a circle.

    It is one when the buyer has been paid for the payee's orders, themselves or through others. Repeating it changes
    nothing. Takes the lock of referrals.
    """
    if await same_person(tx, payee_id, buyer_id):
        return False
    await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
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


async def closes_circle(tx: Tx, *, payee_id: UUID, buyer_id: UUID) -> bool:
    """Whether paying a member for another's order would close a circle, by what is written down. Without the lock of
    referrals the answer holds for nothing that is written."""
    found: bool | None = await tx.fetchval(
        """WITH RECURSIVE down(id, n) AS (
               SELECT duo_now(r.buyer_id), 1 FROM referrals r WHERE r.payee_id = ANY (duo_person(duo_now($1)))
               UNION
               SELECT duo_now(r.buyer_id), d.n + 1
               FROM down d JOIN referrals r ON r.payee_id = ANY (duo_person(d.id)) WHERE d.n < $3)
           SELECT true FROM down WHERE id = duo_now($2) LIMIT 1""",
        buyer_id,
        payee_id,
        DEPTH_MAX,
    )
    return bool(found)
