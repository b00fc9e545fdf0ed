"""Give points, and take back those that were earned by what did not stay with its buyer.

What an order earns is told anew whenever something of it changes hands, and the difference is booked: told twice it
changes nothing. What was spent already and has to go back is taken from other points, and what is missing is owed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger
from duoline.kernel import audit, clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.loyalty.account import (
    EXPIRED,
    GIVEN,
    OPEN,
    OWED,
    PENDING,
    by_account,
    draw,
    draw_of_group,
    lock,
    lock_purse,
    move,
)
from duoline.loyalty.errors import LotsOverdrawn
from duoline.loyalty.policy import POINTS
from duoline.members.group import lock_group

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.loyalty.reckon import Back


class Lot(NamedTuple):
    """The points of an order, as they are now."""

    id: UUID
    state: str
    granted: int
    left: int
    expired: int


class Earning(NamedTuple):
    """What an order has earned: the points, those of them that wait, and when those can be spent."""

    points: int
    waits: bool
    ripens_at: datetime


async def earned_of(db: Database | Tx, member_id: UUID, order_id: UUID) -> Earning | None:
    """What an order has earned its member so far; None for nothing ever."""
    row = await db.fetchrow(
        """SELECT granted, state = 'pending', ripens_at FROM point_lots
           WHERE member_id = $1 AND source = 'order' AND ref_id = $2""",
        member_id,
        order_id,
    )
    return Earning(*row) if row else None


async def set_earned(tx: Tx, *, member_id: UUID, order_id: UUID, points: int, ripens_at: datetime, actor: Actor) -> int:
    """An order has earned so many points by now; they can be spent from `ripens_at` on. Returns the difference.

    The account is locked (`account.lock`) before the caller reads what the order is, so that of two that tell at once
    the later one knows more. Points that were to ripen later wait for the latest instant; ripe ones stay ripe.
    """
    ensure(points >= 0, "PTS-3", f"an order earns {points}")
    now = clock.now()
    row = await tx.fetchrow(
        """SELECT id, state, granted, left_points, expired_points FROM point_lots
           WHERE member_id = $1 AND source = 'order' AND ref_id = $2""",
        member_id,
        order_id,
    )
    if row is None:
        if points == 0:
            return 0
        waits = ripens_at > now
        await _add(
            tx,
            member_id,
            "order",
            order_id,
            points,
            ripens_at=ripens_at if waits else now,
            ends_at=_ends_at(ripens_at if waits else now),
            waits=waits,
            actor=actor,
        )
        return points
    lot = Lot(*row)
    more = points - lot.granted
    if more > 0:
        await _raise(tx, member_id, order_id, lot, more, ripens_at, actor)
    elif more < 0:
        await _lower(tx, member_id, order_id, lot, -more, actor)
    return more


def _ends_at(ripens_at: datetime, *, least_days: int = 0) -> datetime | None:
    """Until when points last that can be spent from an instant on, by the rules of now."""
    days = POINTS.current().body.lasts_days
    return ripens_at + timedelta(days=max(days, least_days)) if days else None


async def _add(
    tx: Tx,
    member_id: UUID,
    source: str,
    ref_id: UUID,
    points: int,
    *,
    ripens_at: datetime,
    ends_at: datetime | None,
    waits: bool,
    actor: Actor,
    reason: str = "",
) -> None:
    """A new lot of a locked account. What can be spent at once pays what is owed first."""
    now = clock.now()
    paid = 0 if waits else await _pay_debt(tx, member_id, points)
    await tx.execute(
        """INSERT INTO point_lots (member_id, id, source, ref_id, state, granted, left_points, ripens_at, expires_at,
                                   at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        member_id,
        new_id(),
        source,
        ref_id,
        "pending" if waits else "open",
        points,
        points - paid,
        ripens_at,
        ends_at,
        now,
    )
    to = PENDING if waits else OPEN
    await move(
        tx,
        member_id,
        f"points-{source}",
        [ledger.Entry(GIVEN, to, points - paid), ledger.Entry(GIVEN, OWED, paid)],
        order_id=ref_id if source == "order" else None,
        actor=actor,
        reason=reason,
    )


async def _pay_debt(tx: Tx, member_id: UUID, points: int) -> int:
    owed: int = await tx.fetchval("SELECT owed FROM point_accounts WHERE member_id = $1", member_id)
    return min(owed, points)


async def _raise(
    tx: Tx, member_id: UUID, order_id: UUID, lot: Lot, more: int, ripens_at: datetime, actor: Actor
) -> None:
    waits = lot.state == "pending"
    paid = 0 if waits else await _pay_debt(tx, member_id, more)
    await tx.execute(
        """UPDATE point_lots SET granted = granted + $3, left_points = left_points + $3 - $4,
                  ripens_at = CASE WHEN state = 'pending' THEN greatest(ripens_at, $5) ELSE ripens_at END
           WHERE member_id = $1 AND id = $2""",
        member_id,
        lot.id,
        more,
        paid,
        ripens_at,
    )
    await move(
        tx,
        member_id,
        "points-order",
        [ledger.Entry(GIVEN, PENDING if waits else OPEN, more - paid), ledger.Entry(GIVEN, OWED, paid)],
        order_id=order_id,
        actor=actor,
    )


async def _lower(tx: Tx, member_id: UUID, order_id: UUID, lot: Lot, less: int, actor: Actor) -> None:
    """Take back from the order's own points, those of them that ended unspent, then others; owe the rest."""
    own = min(less, lot.left)
    ended = min(less - own, lot.expired)
    await tx.execute(
        """UPDATE point_lots SET granted = granted - $3, left_points = left_points - $4,
                  expired_points = expired_points - $5
           WHERE member_id = $1 AND id = $2""",
        member_id,
        lot.id,
        less,
        own,
        ended,
    )
    others = await draw(tx, member_id, less - own - ended, but=lot.id)
    waits = lot.state == "pending"
    await move(
        tx,
        member_id,
        "points-order-back",
        [
            ledger.Entry(PENDING if waits else OPEN, GIVEN, own),
            ledger.Entry(EXPIRED, GIVEN, ended),
            ledger.Entry(OPEN, GIVEN, others),
            ledger.Entry(OWED, GIVEN, less - own - ended - others),
        ],
        order_id=order_id,
        actor=actor,
    )


async def give(
    tx: Tx, *, member_id: UUID, source: str, ref_id: UUID, points: int, actor: Actor, reason: str = ""
) -> bool:
    """Give points that can be spent at once, once for each `source` and `ref_id`. False when they were given before.

    Locks the account.
    """
    ensure(points > 0, "PTS-3", f"{points} points to give")
    await lock(tx, member_id)
    if await tx.fetchval(
        "SELECT true FROM point_lots WHERE member_id = $1 AND source = $2 AND ref_id = $3", member_id, source, ref_id
    ):
        return False
    await _add(
        tx,
        member_id,
        source,
        ref_id,
        points,
        ripens_at=clock.now(),
        ends_at=_ends_at(clock.now()),
        waits=False,
        actor=actor,
        reason=reason,
    )
    if source == "given":
        await _trace(tx, member_id, points, actor, reason)
    return True


async def put_back(tx: Tx, member_id: UUID, backs: Sequence[Back], *, actor: Actor) -> None:
    """Points that paid for something come back to a locked account, each until when it would have lasted, and for the
    rule's `back_days` at least: also what would be over by now. A lot for each end."""
    now, days = clock.now(), POINTS.current().body.back_days
    least = now + timedelta(days=days)
    lots: dict[datetime | None, int] = {}
    for back in backs:
        if not back.known:
            ends_at = _ends_at(now, least_days=days)
        else:
            ends_at = None if back.expires_at is None else max(back.expires_at, least)
        lots[ends_at] = lots.get(ends_at, 0) + back.points
    for ends_at, points in lots.items():
        await _add(tx, member_id, "refund", new_id(), points, ripens_at=now, ends_at=ends_at, waits=False, actor=actor)


async def take_away(tx: Tx, *, member_id: UUID, points: int, actor: Actor, reason: str) -> None:
    """Take spendable points of a person away by hand. Locks as `spend.use`. Refuses `members.merged-meanwhile`,
    `loyalty.nothing-to-take`."""
    ensure(points > 0, "PTS-3", f"{points} points to take away")
    have = await lock_purse(tx, await lock_group(tx, member_id))
    if have.spendable < points:
        raise LotsOverdrawn(spendable=have.spendable, points=points)
    taken = by_account(await draw_of_group(tx, have.ids, points))
    ensure(sum(taken.values()) == points, "PTS-2", f"{member_id} has {have.spendable}, the lots {taken}")
    for account in sorted(taken):
        entries = [ledger.Entry(OPEN, GIVEN, taken[account])]
        await move(tx, account, "points-taken", entries, order_id=None, actor=actor, reason=reason)
    await _trace(tx, member_id, -points, actor, reason)


async def forfeit(tx: Tx, *, member_id: UUID, actor: Actor) -> int:
    """The member goes: what they have is gone as if not spent in time, and what they owe is owed no more. Returns how
    many points they lost. Locks the account; one that never was stays none."""
    if not await tx.fetchval("SELECT EXISTS (SELECT FROM point_accounts WHERE member_id = $1)", member_id):
        return 0
    have = await lock(tx, member_id)
    await tx.execute(
        "UPDATE point_lots SET left_points = 0, expired_points = expired_points + left_points, state = 'open'"
        " WHERE member_id = $1 AND left_points > 0",
        member_id,
    )
    entries = [
        ledger.Entry(PENDING, EXPIRED, have.pending),
        ledger.Entry(OPEN, EXPIRED, have.spendable),
        ledger.Entry(GIVEN, OWED, have.owed),
    ]
    entries = [entry for entry in entries if entry.amount_minor]
    if entries:
        await move(tx, member_id, "points-forfeited", entries, order_id=None, actor=actor, reason="member erased")
    return have.pending + have.spendable


async def _trace(tx: Tx, member_id: UUID, points: int, actor: Actor, reason: str) -> None:
    await audit.record(
        tx,
        actor=actor,
        action="member.points",
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        after={"points": points},
    )
