"""Spend points for a part of an order, and give them back when that money goes back.

A person may have several accounts (`members.group`): what expires first is spent first, whichever it is in, and what
comes back comes back where it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.loyalty.account import GIVEN, OPEN, USED, Drawn, by_account, draw_of_group, lock, lock_purse, move
from duoline.loyalty.earn import put_back
from duoline.loyalty.errors import NotEnoughPoints
from duoline.loyalty.reckon import Back, come_back, fill
from duoline.members.group import lock_group

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def use(
    tx: Tx, *, member_id: UUID, use_id: UUID, order_id: UUID, points: int, worth_minor: int, actor: Actor
) -> None:
    """Spend points, those that expire first before the others, for `worth_minor` of an order of `member_id`.

    Locks the person's group, then its accounts in order of id. Refuses `members.merged-meanwhile`,
    `loyalty.not-enough-points`.
    """
    group = await lock_group(tx, member_id)
    have = await lock_purse(tx, group)
    if have.spendable < points:
        raise NotEnoughPoints(spendable=have.spendable, points=points)
    drawn = await draw_of_group(tx, have.ids, points)
    given = by_account(drawn)
    ensure(sum(given.values()) == points, "PTS-2", f"{member_id} has {have.spendable}, the lots {given}")
    others = sorted(account for account in given if account != member_id)
    ensure(set(given) <= set(group), "MRG-4", f"{given} is not of {group}")
    now = clock.now()
    await tx.execute(
        """INSERT INTO point_uses (member_id, id, order_id, points, worth_minor, shared_with, drawn, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        member_id,
        use_id,
        order_id,
        points,
        worth_minor,
        others,
        drawn,
        now,
    )
    await tx.executemany(
        """INSERT INTO point_shares (member_id, use_id, buyer_id, order_id, points, at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        [(account, use_id, member_id, order_id, given[account], now) for account in others],
    )
    for account in sorted(given):
        entries = [ledger.Entry(OPEN, USED, given[account])]
        await move(tx, account, "points-used", entries, order_id=order_id, actor=actor)


async def give_back(tx: Tx, *, member_id: UUID, use_id: UUID, amount_minor: int, actor: Actor) -> int:
    """`amount_minor` of what points had paid goes back: the same share of the points, exact in the sum of all parts.

    They last as long as they would have unspent, or a little (`put_back`), and pay what is owed first. What several
    accounts paid comes back to the buyer's own first, then to the others in order of id, to each no more than it gave:
    also after a merge was undone. Locks the accounts in order of id, the use. Returns how many came back.
    """
    shared: list[UUID] = await tx.fetchval(
        "SELECT shared_with FROM point_uses WHERE member_id = $1 AND id = $2", member_id, use_id
    )
    ensure(shared is not None, "PTS-4", f"{use_id} paid nothing")
    for account in sorted([member_id, *shared]):
        await lock(tx, account)
    row = await tx.fetchrow(
        """SELECT order_id, points, worth_minor, back_points, back_minor, drawn FROM point_uses
           WHERE member_id = $1 AND id = $2 FOR UPDATE""",
        member_id,
        use_id,
    )
    ensure(row is not None and amount_minor > 0, "PTS-4", f"{use_id} paid nothing")
    order_id, points, worth, back, back_minor, drawn = row  # type: ignore[misc]
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
    of = msgspec.convert(drawn, list[Drawn])
    for account, (already, part) in (await _shares(tx, member_id, use_id, shared, points, back, more)).items():
        # Out of what was used, and in again as lots.
        out = [ledger.Entry(USED, GIVEN, part)]
        await move(tx, account, "points-used-back", out, order_id=order_id, actor=actor)
        own = [Back(one.points, one.expires_at) for one in of if one.member_id == account]
        await put_back(tx, account, come_back(own, already=already, more=part), actor=actor)
    return more


async def _shares(
    tx: Tx, member_id: UUID, use_id: UUID, shared: list[UUID], points: int, back: int, more: int
) -> dict[UUID, tuple[int, int]]:
    """How many had come back to each account that gave some, and how many of `more` points do now."""
    if not shared:
        return {member_id: (back, more)} if more else {}
    rows = await tx.fetch(
        """SELECT member_id, points, back_points FROM point_shares WHERE member_id = ANY ($1) AND use_id = $2
           ORDER BY member_id FOR UPDATE""",
        shared,
        use_id,
    )
    own = points - sum(row["points"] for row in rows)
    own_back = back - sum(row["back_points"] for row in rows)
    ensure(len(rows) == len(shared) and 0 <= own_back <= own, "MRG-4", f"{use_id}: {own} own, {rows}")
    room = [own - own_back, *(row["points"] - row["back_points"] for row in rows)]
    parts = fill(room, more)
    ensure(sum(parts) == more, "MRG-4", f"{use_id} has room for {room}, {more} come back")
    await tx.executemany(
        "UPDATE point_shares SET back_points = back_points + $3 WHERE member_id = $1 AND use_id = $2",
        [(row["member_id"], use_id, part) for row, part in zip(rows, parts[1:], strict=True)],
    )
    accounts = [member_id, *(row["member_id"] for row in rows)]
    before = [own_back, *(row["back_points"] for row in rows)]
    return {account: (n, part) for account, n, part in zip(accounts, before, parts, strict=True) if part}
