"""Who is one person: a member and those that were merged into them.

Rows stay under the member they came to; whatever asks what a person has asks for the group. Nothing moves when two are
merged, so that nothing has to move back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.members.errors import MergedMeanwhile

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


async def group_of(db: Database | Tx, member_id: UUID) -> list[UUID]:
    """Every id of the person, who they are now first. Of a guest, and of whoever was never merged, their own alone."""
    ids: list[UUID] = await db.fetchval("SELECT duo_group($1)", member_id)
    return ids


async def person_of(db: Database | Tx, member_id: UUID) -> list[UUID]:
    """Every id under which the person has done anything: the group, and the guests they were."""
    ids: list[UUID] = await db.fetchval("SELECT duo_person($1)", member_id)
    return ids


async def same_person(db: Database | Tx, one_id: UUID, other_id: UUID) -> bool:
    """Whether two are one person now: merged, or a guest who turned out to be that member."""
    same: bool = await db.fetchval("SELECT duo_now($1) = duo_now($2)", one_id, other_id)
    return same


async def head_of(db: Database | Tx, member_id: UUID) -> UUID:
    """Who that member is now: the survivor of their merge, or they themselves."""
    return (await group_of(db, member_id))[0]


async def lock_group(tx: Tx, member_id: UUID) -> list[UUID]:
    """The group, which stays as it is until the transaction ends.

    Locks the row of who they are now, shared: merging and undoing take it alone. Refuses `members.merged-meanwhile`
    when that has just changed.
    """
    head = await head_of(tx, member_id)
    await tx.execute("SELECT 1 FROM members WHERE member_id = $1 FOR SHARE", head)
    ids = await group_of(tx, head)
    if ids[0] != head or member_id not in ids:
        raise MergedMeanwhile
    return ids
