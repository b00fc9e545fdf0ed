"""They are two people after all: undo a merge.

Each has what came to them; what was spent meanwhile stays spent, of the account it was taken from, and comes back there
if its order comes to nothing. The survivor has the standing from before, unless somebody set one by hand meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.flows import judge_tiers
from duoline.flows.merge_members import trace
from duoline.kernel import faults
from duoline.members import merge, pairs, stand
from duoline.members.group import group_of
from duoline.members.policy import TIERS

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.members.merge import Merge
    from duoline.members.tiers import Standing

TOPIC = "members.separated"

faults.register("unmerge.before_commit")


async def unmerge_members(tx: Tx, *, survivor_id: UUID, merge_id: UUID, reason: str, actor: Actor) -> UUID:
    """Undo a merge; a pair of the two counts as different from now on, and pairs of the other with those who stay that
    nobody has decided wait again. Returns who the other was.

    Locks both members' rows alone, in order of id. Refuses as `members.unmerge`.
    """
    undone = await merge.unmerge(tx, survivor_id=survivor_id, merge_id=merge_id, reason=reason, actor=actor)
    if not await _set_since(tx, undone):
        standing = await _standing_without(tx, undone)
        await stand.take_over(tx, survivor_id, standing, because="separated", reason=reason, actor=actor)
    await judge_tiers.judge_one(tx, survivor_id)
    await pairs.reopen_between(tx, undone.other_id, await group_of(tx, survivor_id))
    await pairs.settle(
        tx, member_id=survivor_id, other_id=undone.other_id, state="different", reason=reason, actor=actor
    )
    await trace(tx, TOPIC, "member.unmerge", survivor_id, undone.other_id, merge_id, reason=reason, actor=actor)
    faults.point("unmerge.before_commit")
    return undone.other_id


async def _set_since(tx: Tx, undone: Merge) -> bool:
    """Whether somebody gave the survivor their tier by hand since the merge."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM tier_changes WHERE member_id = $1 AND because = 'set' AND at >= $2)",
        undone.member_id,
        undone.at,
    )
    return found


async def _standing_without(tx: Tx, undone: Merge) -> Standing:
    """The standing from before that merge, or the best of those who are still merged into the survivor. A later merge
    that still lasts had this one's standing before it; that is now the one from before this."""
    await tx.execute(
        """UPDATE member_merges SET tier_before = $3, keeps_before = $4, lapses_before = $5
           WHERE member_id = $1 AND id = (SELECT id FROM member_merges WHERE member_id = $1 AND undone_at IS NULL
                                          AND (at, id) > ($2, $6) ORDER BY at, id LIMIT 1)""",
        undone.member_id,
        undone.at,
        *undone.before,
        undone.id,
    )
    rules, best = TIERS.current().body, undone.before
    for other_id in (await group_of(tx, undone.member_id))[1:]:
        brings = await stand.standing_of(tx, other_id)
        if brings is not None and rules.rank(brings.tier) > rules.rank(best.tier):
            best = brings
    return best
