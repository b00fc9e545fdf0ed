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
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.loyalty.reckon import Back


class Lot(NamedTuple):
    """The points of an order's line, as they are now."""

    id: UUID
    state: str
    granted: int
    ripens_at: datetime | None


class Earning(NamedTuple):
    """What an order has earned: the points, whether some of them wait, and when the last of those can be spent; None
    while that is not known."""

    points: int
    waits: bool
    ripens_at: datetime | None


class Part(NamedTuple):
    """What a line of an order has earned by now, and from when on it can be spent; None while that is not known,
    because more of the line is still to be handed over."""

    points: int
    ripens_at: datetime | None


async def earned_of(db: Database | Tx, member_id: UUID, order_id: UUID) -> Earning | None:
    """What an order has earned its member so far; None for nothing ever."""
    row = await db.fetchrow(
        """SELECT sum(granted)::bigint, bool_or(state = 'pending'),
                  CASE WHEN bool_and(ripens_at IS NOT NULL) THEN max(ripens_at) END
           FROM point_lots WHERE member_id = $1 AND source = 'order' AND ref_id = $2 HAVING count(*) > 0""",
        member_id,
        order_id,
    )
    return Earning(*row) if row else None


async def waits(db: Database | Tx, member_id: UUID, order_id: UUID) -> bool:
    """Whether points of an order wait for the day on which its goods cannot come back any more."""
    found: bool = await db.fetchval(
        """SELECT EXISTS (SELECT FROM point_lots
                          WHERE member_id = $1 AND source = 'order' AND ref_id = $2 AND state = 'pending')""",
        member_id,
        order_id,
    )
    return found


async def set_earned(tx: Tx, *, member_id: UUID, order_id: UUID, parts: Mapping[UUID, Part], actor: Actor) -> int:
    """The lines of an order have earned so many points by now, each to be spent from its own instant on. Returns the
    difference.

    The account is locked (`account.lock`) before the caller reads what the order is, so that of two that tell at once
    the later one knows more. Points that wait go by what was told last; ripe ones stay ripe. An order that was told of
    before lines had points of their own has one lot, which waits for the last of its lines.
    """
    rows = await tx.fetch(
        """SELECT line_id, id, state, granted, ripens_at FROM point_lots
           WHERE member_id = $1 AND source = 'order' AND ref_id = $2""",
        member_id,
        order_id,
    )
    lots = {row[0]: Lot(*row[1:]) for row in rows}
    told: dict[UUID | None, Part] = {None: _together(parts.values())} if None in lots else dict(parts.items())
    change, more = 0, {}
    for line_id, part in told.items():
        ensure(part.points >= 0, "PTS-3", f"a line earns {part.points}")
        lot = lots.get(line_id)
        if lot is not None and lot.state == "pending" and lot.ripens_at != part.ripens_at:
            await _wait_until(tx, member_id, lot, part.ripens_at)
        difference = part.points - (lot.granted if lot else 0)
        change += difference
        if difference > 0:
            more[line_id] = difference
        elif lot is not None and difference < 0:
            await _lower(tx, member_id, order_id, lot, -difference, actor)
    await _raise(tx, member_id, order_id, lots, {each: (more[each], told[each].ripens_at) for each in more}, actor)
    return change


def _together(parts: Collection[Part]) -> Part:
    """All of an order as one: spent when the last of it can be."""
    ends = [part.ripens_at for part in parts if part.points]
    latest = None if None in ends else max((end for end in ends if end), default=clock.now())
    return Part(sum(part.points for part in parts), latest)


async def _wait_until(tx: Tx, member_id: UUID, lot: Lot, ripens_at: datetime | None) -> None:
    """Points that wait can be spent from another instant on, and last from then."""
    await tx.execute(
        "UPDATE point_lots SET ripens_at = $3, expires_at = $4 WHERE member_id = $1 AND id = $2 AND state = 'pending'",
        member_id,
        lot.id,
        ripens_at,
        _ends_at(ripens_at) if ripens_at else None,
    )


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
    ends_at: datetime | None,
    actor: Actor,
    reason: str = "",
) -> None:
    """A new lot of a locked account, to be spent at once: it pays what is owed first."""
    paid = min(await _owed(tx, member_id), points)
    await _insert(
        tx, member_id, source, ref_id, None, granted=points, left=points - paid, ripens_at=clock.now(), ends_at=ends_at
    )
    await move(
        tx,
        member_id,
        f"points-{source}",
        [ledger.Entry(GIVEN, OPEN, points - paid), ledger.Entry(GIVEN, OWED, paid)],
        order_id=None,
        actor=actor,
        reason=reason,
    )


async def _insert(
    tx: Tx,
    member_id: UUID,
    source: str,
    ref_id: UUID,
    line_id: UUID | None,
    *,
    granted: int,
    left: int,
    ripens_at: datetime | None,
    ends_at: datetime | None,
) -> None:
    now = clock.now()
    await tx.execute(
        """INSERT INTO point_lots (member_id, id, source, ref_id, line_id, state, granted, left_points, ripens_at,
                                   expires_at, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        member_id,
        new_id(),
        source,
        ref_id,
        line_id,
        "pending" if ripens_at is None or ripens_at > now else "open",
        granted,
        left,
        ripens_at,
        ends_at,
        now,
    )


async def _owed(tx: Tx, member_id: UUID) -> int:
    owed: int = await tx.fetchval("SELECT owed FROM point_accounts WHERE member_id = $1", member_id)
    return owed


async def _raise(
    tx: Tx,
    member_id: UUID,
    order_id: UUID,
    lots: Mapping[UUID | None, Lot],
    more: Mapping[UUID | None, tuple[int, datetime | None]],
    actor: Actor,
) -> None:
    """So many points more of each of these lines, in one movement. What can be spent at once pays what is owed."""
    if not more:
        return
    now, owed = clock.now(), await _owed(tx, member_id)
    to = {PENDING: 0, OPEN: 0, OWED: 0}
    for line_id, (points, told) in more.items():
        lot = lots.get(line_id)
        ripens_at = now if told is not None and told <= now else told
        waiting = ripens_at != now if lot is None else lot.state == "pending"
        paid = 0 if waiting else min(owed - to[OWED], points)
        to[OWED] += paid
        to[PENDING if waiting else OPEN] += points - paid
        if lot is None:
            ends_at = _ends_at(ripens_at) if ripens_at else None
            await _insert(
                tx, member_id, "order", order_id, line_id, granted=points, left=points - paid, ripens_at=ripens_at,
                ends_at=ends_at,
            )  # fmt: skip
        else:
            await tx.execute(
                """UPDATE point_lots SET granted = granted + $3, left_points = left_points + $4
                   WHERE member_id = $1 AND id = $2""",
                member_id,
                lot.id,
                points,
                points - paid,
            )
    entries = [ledger.Entry(GIVEN, account, points) for account, points in to.items()]
    await move(tx, member_id, "points-order", entries, order_id=order_id, actor=actor)


async def _lower(tx: Tx, member_id: UUID, order_id: UUID, lot: Lot, less: int, actor: Actor) -> None:
    """Take back from the line's own points, those of them that ended unspent, then others; owe the rest. What is left
    is asked anew: another line of the order may just have been paid from it."""
    row = await tx.fetchrow(
        "SELECT left_points, expired_points FROM point_lots WHERE member_id = $1 AND id = $2", member_id, lot.id
    )
    left, expired = row or (0, 0)
    own = min(less, left)
    ended = min(less - own, expired)
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
        ends_at=_ends_at(clock.now()),
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
        await _add(tx, member_id, "refund", new_id(), points, ends_at=ends_at, actor=actor)


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
