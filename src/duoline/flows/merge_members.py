"""One person was two members: merge them, by somebody's word. See `members/merge.py` for what that is.

The survivor has the better standing of the two, and then what both spent together earns. Nothing of points, stored
value, coupons, orders or bindings moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.flows import judge_tiers
from duoline.kernel import audit, faults, outbox
from duoline.members import merge, pairs, stand
from duoline.members.group import group_of
from duoline.members.policy import TIERS

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

TOPIC = "members.merged"

faults.register("merge.before_commit")


async def merge_members(tx: Tx, *, survivor_id: UUID, other_id: UUID, reason: str, actor: Actor) -> UUID:
    """Merge `other_id` into `survivor_id`; an open pair of the two is decided by it, and pairs that wait between
    others who are one person by it close themselves. Returns the merge.

    Locks both members' rows alone, in order of id. Refuses as `members.merge`.
    """
    joined = await merge.merge(tx, survivor_id=survivor_id, other_id=other_id, reason=reason, actor=actor)
    rules = TIERS.current().body
    own = await stand.standing_of(tx, survivor_id)
    if own is not None and rules.rank(joined.brings.tier) > rules.rank(own.tier):
        await stand.take_over(tx, survivor_id, joined.brings, because="merged", reason=reason, actor=actor)
    await judge_tiers.judge_one(tx, survivor_id)
    await pairs.settle(tx, member_id=survivor_id, other_id=other_id, state="same", reason=reason, actor=actor)
    await pairs.close_within(tx, await group_of(tx, survivor_id), reason=reason)
    await trace(tx, TOPIC, "member.merge", survivor_id, other_id, joined.id, reason=reason, actor=actor)
    faults.point("merge.before_commit")
    return joined.id


async def trace(
    tx: Tx, topic: str, action: str, survivor_id: UUID, other_id: UUID, merge_id: UUID, *, reason: str, actor: Actor
) -> None:
    """The audit and an event of each of the two say it; processes look their sessions up anew by the event."""
    said = {"survivor": str(survivor_id), "other": str(other_id), "merge": str(merge_id)}
    for subject, role in ((survivor_id, "survivor"), (other_id, "other")):
        await audit.record(
            tx,
            actor=actor,
            action=action,
            subject_kind="member",
            subject=str(subject),
            reason=reason,
            after=said | {"as": role},
        )
        await outbox.emit(
            tx,
            topic=topic,
            key=str(subject),
            payload=said | {"as": role},
            family="member",
            owner_id=subject,
            member_id=subject,
        )
