"""Spend points for a part of an order, and give them back when that money goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.loyalty.account import GIVEN, OPEN, USED, draw, lock, move
from duoline.loyalty.earn import give
from duoline.loyalty.errors import NotEnoughPoints

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def use(
    tx: Tx, *, member_id: UUID, use_id: UUID, order_id: UUID, points: int, worth_minor: int, actor: Actor
) -> None:
    """Spend points, those that expire first before the others, for `worth_minor` of an order.

    Locks the account. Refuses `loyalty.not-enough-points`.
    """
    have = await lock(tx, member_id)
    if have.spendable < points:
        raise NotEnoughPoints(spendable=have.spendable, points=points)
    drawn = await draw(tx, member_id, points)
    ensure(drawn == points, "PTS-2", f"{member_id} has {have.spendable}, its lots {drawn}")
    await tx.execute(
        """INSERT INTO point_uses (member_id, id, order_id, points, worth_minor, at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        member_id,
        use_id,
        order_id,
        points,
        worth_minor,
        clock.now(),
    )
    await move(tx, member_id, "points-used", [ledger.Entry(OPEN, USED, points)], order_id=order_id, actor=actor)


async def give_back(tx: Tx, *, member_id: UUID, use_id: UUID, amount_minor: int, actor: Actor) -> int:
    """`amount_minor` of what points had paid goes back: the same share of the points, exact in the sum of all parts.

    They come as a lot of their own, which lasts its time anew, and pay what is owed first. Locks the account, the use.
    Returns how many came back.
    """
    await lock(tx, member_id)
    row = await tx.fetchrow(
        """SELECT order_id, points, worth_minor, back_points, back_minor FROM point_uses
           WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        use_id,
    )
    ensure(row is not None and amount_minor > 0, "PTS-4", f"{use_id} paid nothing")
    order_id, points, worth, back, back_minor = row  # type: ignore[misc]
    after_minor = back_minor + amount_minor
    ensure(after_minor <= worth, "PTS-4", f"{use_id} paid {worth} and gives back {after_minor}")
    # Rounded down until the last cent, which brings the rest.
    more: int = points * after_minor // worth - back
    await tx.execute(
        """UPDATE point_uses SET back_points = back_points + $3, back_minor = back_minor + $4
           WHERE member_id = $1 AND id = $2""",
        member_id,
        use_id,
        more,
        amount_minor,
    )
    if more:
        # Out of what was used, and in again as a lot.
        out = [ledger.Entry(USED, GIVEN, more)]
        await move(tx, member_id, "points-used-back", out, order_id=order_id, actor=actor)
        await give(tx, member_id=member_id, source="refund", ref_id=new_id(), points=more, actor=actor)
    return more
