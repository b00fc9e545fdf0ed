"""A member's points: the row that every change locks, and what it moves in the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import ledger
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.loyalty.reckon import Part, first_in_first_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

CURRENCY = "PTS"
GIVEN, PENDING, OPEN, USED, EXPIRED, OWED = (
    "points:given",
    "points:pending",
    "points:open",
    "points:used",
    "points:expired",
    "points:owed",
)
"""Accounts of points, in whole points: where they come from, a member's own two, where they went, and what is owed."""


class Balance(NamedTuple):
    """Points by what may be done with them."""

    pending: int = 0
    spendable: int = 0
    owed: int = 0


async def balance_of(db: Database | Tx, member_id: UUID) -> Balance:
    """A member's points as of now."""
    row = await db.fetchrow("SELECT pending, spendable, owed FROM point_accounts WHERE member_id = $1", member_id)
    return Balance(*row) if row else Balance()


async def balance_of_group(db: Database | Tx, ids: Sequence[UUID]) -> Balance:
    """The points of a person as of now: what one of their accounts owes, another's points have to cover."""
    row = await db.fetchrow(
        """SELECT coalesce(sum(pending), 0)::bigint AS pending, coalesce(sum(spendable) - sum(owed), 0)::bigint AS net
           FROM point_accounts WHERE member_id = ANY ($1)""",
        list(ids),
    )
    ensure(row is not None, "PTS-1", "sums of nothing")
    pending, net = row  # type: ignore[misc]
    return Balance(pending, max(net, 0), max(-net, 0))


class Purse(NamedTuple):
    """What a person's locked accounts have together, and whose accounts those are."""

    spendable: int
    ids: list[UUID]


async def lock_purse(tx: Tx, ids: Sequence[UUID]) -> Purse:
    """The accounts that a person has, locked in order of id. None is made: one that is not there has nothing."""
    rows = await tx.fetch(
        """SELECT member_id, spendable, owed FROM point_accounts WHERE member_id = ANY ($1)
           ORDER BY member_id FOR UPDATE""",
        list(ids),
    )
    net = sum(row["spendable"] - row["owed"] for row in rows)
    return Purse(max(net, 0), [row["member_id"] for row in rows])


async def lock(tx: Tx, member_id: UUID) -> Balance:
    """The member's account, made if there is none, locked: after everything an order locks but its drawer."""
    await tx.execute(
        "INSERT INTO point_accounts (member_id, updated_at) VALUES ($1, $2) ON CONFLICT (member_id) DO NOTHING",
        member_id,
        clock.now(),
    )
    row = await tx.fetchrow(
        "SELECT pending, spendable, owed FROM point_accounts WHERE member_id = $1 FOR UPDATE", member_id
    )
    ensure(row is not None, "PTS-1", "an account that was just made")
    return Balance(*row)  # type: ignore[misc]


async def move(
    tx: Tx,
    member_id: UUID,
    kind: str,
    entries: Sequence[ledger.Entry],
    *,
    order_id: UUID | None,
    actor: Actor,
    reason: str = "",
) -> None:
    """Post a movement of a locked account and bring its balances along."""
    change = {PENDING: 0, OPEN: 0, OWED: 0}
    for entry in entries:
        for account, points in ((entry.credit, entry.amount_minor), (entry.debit, -entry.amount_minor)):
            if account in change:
                change[account] += points
    posted = await ledger.post(
        tx,
        member_id=member_id,
        kind=kind,
        ref_kind="points",
        ref_id=new_id(),
        order_id=order_id,
        entries=entries,
        currency=CURRENCY,
        actor=actor,
        reason=reason,
    )
    if posted is None:
        return
    row = await tx.fetchrow(
        """UPDATE point_accounts SET pending = pending + $2, spendable = spendable + $3, owed = owed - $4,
                  updated_at = $5
           WHERE member_id = $1 RETURNING pending, spendable, owed""",
        member_id,
        change[PENDING],
        change[OPEN],
        change[OWED],
        clock.now(),
    )
    ensure(row is not None and min(row) >= 0 and not (row["owed"] and row["spendable"]), "PTS-1", f"{kind}: {row}")


class Drawn(msgspec.Struct, frozen=True):
    """Points that an account gave, and until when they would have lasted; None for ever."""

    member_id: UUID
    points: int
    expires_at: datetime | None


async def draw_of_group(tx: Tx, ids: Sequence[UUID], points: int) -> list[Drawn]:
    """Take points out of a person's open lots, those that expire first before the others whosever they are; returns
    what each account gave, in that order. The accounts are locked."""
    rows = await tx.fetch(
        """SELECT member_id, id, left_points, expires_at FROM point_lots
           WHERE member_id = ANY ($1) AND state = 'open' AND left_points > 0
           ORDER BY expires_at NULLS LAST, id""",
        list(ids),
    )
    of = {row["id"]: row for row in rows}
    parts = first_in_first_out([Part(row["id"], row["left_points"]) for row in rows], points)
    await tx.executemany(
        "UPDATE point_lots SET left_points = left_points - $3 WHERE member_id = $1 AND id = $2",
        [(of[part.lot_id]["member_id"], part.lot_id, part.points) for part in parts],
    )
    found: dict[tuple[UUID, datetime | None], int] = {}
    for part in parts:
        key = (of[part.lot_id]["member_id"], of[part.lot_id]["expires_at"])
        found[key] = found.get(key, 0) + part.points
    return [Drawn(member_id, given, expires_at) for (member_id, expires_at), given in found.items()]


def by_account(drawn: Sequence[Drawn]) -> dict[UUID, int]:
    """How many points each account gave."""
    given: dict[UUID, int] = {}
    for one in drawn:
        given[one.member_id] = given.get(one.member_id, 0) + one.points
    return given


async def draw(tx: Tx, member_id: UUID, points: int, *, but: UUID | None = None) -> int:
    """Take points out of open lots, those that expire first before the others; returns how many there were.

    `but` names a lot that is left alone. The account is locked.
    """
    rows = await tx.fetch(
        """SELECT id, left_points FROM point_lots
           WHERE member_id = $1 AND state = 'open' AND left_points > 0 AND id IS DISTINCT FROM $2
           ORDER BY expires_at NULLS LAST, id""",
        member_id,
        but,
    )
    parts = first_in_first_out([Part(row["id"], row["left_points"]) for row in rows], points)
    await tx.executemany(
        "UPDATE point_lots SET left_points = left_points - $3 WHERE member_id = $1 AND id = $2",
        [(member_id, part.lot_id, part.points) for part in parts],
    )
    return sum(part.points for part in parts)
