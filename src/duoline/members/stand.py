"""Give a member the tier that is theirs, and keep how they came to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.kernel import audit, clock, outbox
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import BadInput, NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.members.policy import TIERS
from duoline.members.tiers import Standing, judge

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

TOPIC = "members.tier-changed"


async def standing_of(db: Database | Tx, member_id: UUID) -> Standing | None:
    """A member's standing as of now; None for a guest."""
    row = await db.fetchrow(
        "SELECT tier, tier_keeps_until, tier_lapses_at FROM members WHERE member_id = $1 AND kind = 'member'",
        member_id,
    )
    return None if row is None else Standing(*row)


async def judge_member(tx: Tx, member_id: UUID, spent_minor: int) -> str | None:
    """Judge a member by what they have spent. Returns the new tier, or None when it is the same or a guest's.

    Locks the member's row. Safe to repeat.
    """
    before = await _lock(tx, member_id)
    if before is None:
        return None
    rules = TIERS.current()
    after, because = judge(rules.body, before, spent_minor, clock.now())
    if after == before:
        return None
    await _store(tx, member_id, after)
    if because is None:
        return None
    await _trace(
        tx,
        member_id,
        before.tier,
        after.tier,
        because=because,
        spent_minor=spent_minor,
        version=rules.version,
        actor=SYSTEM,
    )
    return after.tier


async def set_tier(
    tx: Tx, member_id: UUID, tier: str, *, keeps_until: datetime | None, reason: str, actor: Actor
) -> None:
    """Give a member a tier by hand, kept until an instant at least. Setting the one they have changes how long.

    Locks the member's row. Refuses `kernel.not-found` for who is no member, `kernel.bad-input` for a tier that is none.
    """
    rules = TIERS.current()
    before = await _lock(tx, member_id)
    if before is None:
        raise NotFound(kind="member")
    if rules.body.rank(tier) < 0:
        raise BadInput(problems=[{"field": "tier", "zh": "没有这个等级。", "en": "There is no such tier."}])
    after = Standing(tier, keeps_until)
    await _store(tx, member_id, after)
    await audit.record(
        tx,
        actor=actor,
        action="member.tier",
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        before={"tier": before.tier, "keeps_until": before.keeps_until},
        after={"tier": tier, "keeps_until": keeps_until},
    )
    if before.tier != tier:
        await _trace(
            tx,
            member_id,
            before.tier,
            tier,
            because="set",
            spent_minor=None,
            version=rules.version,
            actor=actor,
            reason=reason,
        )


async def take_over(
    tx: Tx, member_id: UUID, standing: Standing, *, because: Literal["merged", "separated"], reason: str, actor: Actor
) -> None:
    """Give a member a standing that comes or goes with a merge. Locks the member's row; a guest has none."""
    before = await _lock(tx, member_id)
    if before is None or before == standing:
        return
    await _store(tx, member_id, standing)
    if before.tier != standing.tier:
        await _trace(
            tx,
            member_id,
            before.tier,
            standing.tier,
            because=because,
            spent_minor=None,
            version=TIERS.current().version,
            actor=actor,
            reason=reason,
        )


async def _lock(tx: Tx, member_id: UUID) -> Standing | None:
    row = await tx.fetchrow(
        """SELECT tier, tier_keeps_until, tier_lapses_at FROM members
           WHERE member_id = $1 AND kind = 'member' FOR NO KEY UPDATE""",
        member_id,
    )
    return None if row is None else Standing(*row)


async def _store(tx: Tx, member_id: UUID, after: Standing) -> None:
    await tx.execute(
        "UPDATE members SET tier = $2, tier_keeps_until = $3, tier_lapses_at = $4 WHERE member_id = $1",
        member_id,
        *after,
    )


async def _trace(
    tx: Tx,
    member_id: UUID,
    before: str,
    after: str,
    *,
    because: str,
    spent_minor: int | None,
    version: int,
    actor: Actor,
    reason: str = "",
) -> None:
    """Each change is in the history, which therefore ends with the tier a member has (MEM-3)."""
    last = await tx.fetchval(
        "SELECT tier FROM tier_changes WHERE member_id = $1 ORDER BY at DESC, id DESC LIMIT 1", member_id
    )
    ensure(last is None or last == before, "MEM-3", f"{member_id} had {before}, its history says {last}")
    await tx.execute(
        """INSERT INTO tier_changes (member_id, id, before, tier, because, spent_minor, rule_version, actor, reason, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        member_id,
        new_id(),
        before,
        after,
        because,
        spent_minor,
        version,
        actor.label,
        reason,
        clock.now(),
    )
    await outbox.emit(
        tx,
        topic=TOPIC,
        key=str(member_id),
        payload={"tier": after, "before": before},
        family="member",
        owner_id=member_id,
        member_id=member_id,
    )
