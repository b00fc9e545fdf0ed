"""Two members are one person; and they are not, after all.

A merge is a record and a link. Orders, points, coupons, bindings, phones and cards stay with the member they came to;
the group (`group.py`) is what reads and spends them. Undoing ends the record and the link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import clock
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.members.errors import AlreadyMerged, HasOthers, MergeUndone, SameMember
from duoline.members.tiers import Standing

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Merge(NamedTuple):
    """That `other_id` is `member_id`: since when, and until when; the survivor's standing from before."""

    member_id: UUID
    id: UUID
    other_id: UUID
    at: datetime
    undone_at: datetime | None
    before: Standing


class Joined(NamedTuple):
    """A merge that was just made, and the standing that the other one brings."""

    id: UUID
    brings: Standing


async def merge(tx: Tx, *, survivor_id: UUID, other_id: UUID, reason: str, actor: Actor) -> Joined:
    """Merge one member into another. Locks both rows alone, in order of id: who spends, binds or logs in waits.

    Refuses, in order: `members.same-member`, `kernel.not-found` unless both are members, `members.already-merged`,
    `members.has-others`.
    """
    if survivor_id == other_id:
        raise SameMember
    rows = await _lock(tx, survivor_id, other_id)
    survivor, other = rows[survivor_id], rows[other_id]
    for row in (survivor, other):
        if row["merged_into"] is not None:
            raise AlreadyMerged(into=str(row["merged_into"]))
    if other["merged_others"]:
        raise HasOthers
    merge_id, now = new_id(), clock.now()
    await tx.execute(
        """INSERT INTO member_merges (member_id, id, other_id, reason, actor, at, tier_before, keeps_before,
                                      lapses_before)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        survivor_id,
        merge_id,
        other_id,
        reason,
        actor.label,
        now,
        survivor["tier"],
        survivor["tier_keeps_until"],
        survivor["tier_lapses_at"],
    )
    await tx.execute("UPDATE members SET merged_into = $2 WHERE member_id = $1", other_id, survivor_id)
    await tx.execute("UPDATE members SET merged_others = merged_others + 1 WHERE member_id = $1", survivor_id)
    # The other's orders are the survivor's to see and to act on, and so are those of the guests the other was.
    await tx.execute(
        """INSERT INTO adopted_guests (member_id, guest_id, adopted_at, merge_id)
           SELECT $1, g.id, $4, $3 FROM (
               SELECT $2::uuid AS id UNION ALL SELECT guest_id FROM adopted_guests WHERE member_id = $2) g
           WHERE g.id <> $1
           ON CONFLICT (member_id, guest_id) DO NOTHING""",
        survivor_id,
        other_id,
        merge_id,
        now,
    )
    await _whole(tx, survivor_id)
    return Joined(merge_id, Standing(other["tier"], other["tier_keeps_until"], other["tier_lapses_at"]))


async def unmerge(tx: Tx, *, survivor_id: UUID, merge_id: UUID, reason: str, actor: Actor) -> Merge:
    """Undo a merge: each of the two has what came to them, less what was spent of it meanwhile. Locks as `merge`.

    Refuses `kernel.not-found` for a merge that is none of this member's, `members.merge-undone`.
    """
    found = await merge_of(tx, survivor_id, merge_id)
    if found is None:
        raise NotFound(kind="merge")
    rows = await _lock(tx, survivor_id, found.other_id)
    found = await merge_of(tx, survivor_id, merge_id) or found
    if found.undone_at is not None:
        raise MergeUndone
    into = rows[found.other_id]["merged_into"]
    ensure(into == survivor_id, "MRG-1", f"{found.other_id} is merged into {into}")
    await tx.execute("DELETE FROM adopted_guests WHERE member_id = $1 AND merge_id = $2", survivor_id, merge_id)
    await tx.execute(
        """UPDATE member_merges SET undone_at = greatest($3, at), undone_by = $4, undone_reason = $5
           WHERE member_id = $1 AND id = $2""",
        survivor_id,
        merge_id,
        clock.now(),
        actor.label,
        reason,
    )
    await tx.execute("UPDATE members SET merged_into = NULL WHERE member_id = $1", found.other_id)
    await tx.execute("UPDATE members SET merged_others = merged_others - 1 WHERE member_id = $1", survivor_id)
    await _whole(tx, survivor_id)
    return found


async def merge_of(db: Database | Tx, survivor_id: UUID, merge_id: UUID) -> Merge | None:
    """A merge, undone or not; None for none."""
    row = await db.fetchrow(
        """SELECT member_id, id, other_id, at, undone_at, tier_before, keeps_before, lapses_before
           FROM member_merges WHERE member_id = $1 AND id = $2""",
        survivor_id,
        merge_id,
    )
    if row is None:
        return None
    member_id, found_id, other_id, at, undone_at, *before = row
    return Merge(member_id, found_id, other_id, at, undone_at, Standing(*before))


async def _lock(tx: Tx, *ids: UUID) -> dict[UUID, dict[str, Any]]:
    """Both rows, alone: not even a guest can be adopted meanwhile, whose row would refer to one of them."""
    rows = await tx.fetch(
        """SELECT member_id, tier, tier_keeps_until, tier_lapses_at, merged_into, merged_others FROM members
           WHERE member_id = ANY ($1) AND kind = 'member' ORDER BY member_id FOR UPDATE""",
        list(ids),
    )
    if len(rows) != len(ids):
        raise NotFound(kind="member")
    return {row["member_id"]: dict(row) for row in rows}


async def _whole(tx: Tx, survivor_id: UUID) -> None:
    """What the checker asks of all members, of this one: links and records agree, guests came and went with them."""
    row = await tx.fetchrow(
        """SELECT (SELECT merged_others FROM members WHERE member_id = $1) AS said,
                  (SELECT count(*) FROM member_merges WHERE member_id = $1 AND undone_at IS NULL) AS live,
                  (SELECT count(*) FROM members m JOIN member_merges g ON g.other_id = m.member_id
                   WHERE g.member_id = $1 AND g.undone_at IS NULL AND m.merged_into = $1 AND m.merged_others = 0)
                    AS linked,
                  (SELECT count(*) FROM adopted_guests a JOIN member_merges g
                     ON g.member_id = a.member_id AND g.id = a.merge_id
                   WHERE a.member_id = $1 AND g.undone_at IS NOT NULL) AS stale,
                  (SELECT count(*) FROM member_merges g WHERE g.member_id = $1 AND g.undone_at IS NULL
                   AND NOT EXISTS (SELECT FROM adopted_guests a WHERE a.member_id = $1 AND a.guest_id = g.other_id))
                    AS unread""",
        survivor_id,
    )
    ensure(row is not None and row["said"] == row["live"] == row["linked"], "MRG-1", f"{survivor_id}: {row}")
    ensure(row is not None and row["linked"] == row["live"], "MRG-2", f"{survivor_id}: {row}")
    ensure(row is not None and not row["stale"] and not row["unread"], "MRG-3", f"{survivor_id}: {row}")
