"""Give a member the tier that is theirs, and keep how they came to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.kernel import audit, clock, outbox
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import BadInput, NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.members.policy import TIERS
from duoline.members.tiers import Because, Standing, judge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.policies import InForce
    from duoline.members.policy import TierPolicy

TOPIC = "members.tier-changed"


class Judgement(NamedTuple):
    """The standing after judging, and why the tier is another one (None: it is the same)."""

    standing: Standing
    because: Because | None


class Change(NamedTuple):
    """That a member has another tier, and why; what they had spent, where it was judged by that."""

    member_id: UUID
    before: str
    after: str
    because: str
    spent_minor: int | None


async def standing_of(db: Database | Tx, member_id: UUID) -> Standing | None:
    """A member's standing as of now; None for a guest."""
    row = await db.fetchrow(
        "SELECT tier, tier_keeps_until, tier_lapses_at FROM members WHERE member_id = $1 AND kind = 'member'",
        member_id,
    )
    return None if row is None else Standing(*row)


async def lock(tx: Tx, member_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """The standings of some members, whose rows are locked in order of id; guests have none and are left out."""
    rows = await tx.fetch(
        """SELECT member_id, tier, tier_keeps_until, tier_lapses_at FROM members
           WHERE member_id = ANY ($1) AND kind = 'member' ORDER BY member_id FOR NO KEY UPDATE""",
        list(member_ids),
    )
    return {member_id: Standing(*standing) for member_id, *standing in rows}


async def judge_locked(
    tx: Tx, rules: InForce[TierPolicy], standings: Mapping[UUID, Standing], spent: Mapping[UUID, int]
) -> dict[UUID, Judgement]:
    """Judge members whose rows are locked by what each has spent, and write what changes. Safe to repeat."""
    now = clock.now()
    judged = {one: Judgement(*judge(rules.body, before, spent[one], now)) for one, before in standings.items()}
    await _store_all(tx, {one: it.standing for one, it in judged.items() if it.standing != standings[one]})
    changed = [
        Change(one, standings[one].tier, it.standing.tier, it.because, spent[one])
        for one, it in judged.items()
        if it.because is not None
    ]
    if changed:
        await _trace(tx, changed, version=rules.version, actor=SYSTEM)
    return judged


async def set_tier(
    tx: Tx, member_id: UUID, tier: str, *, keeps_until: datetime | None, reason: str, actor: Actor
) -> None:
    """Give a member a tier by hand, kept until an instant at least. Setting the one they have changes how long.

    Locks the member's row. Refuses `kernel.not-found` for who is no member, `kernel.bad-input` for a tier that is none.
    """
    rules = TIERS.current()
    before = (await lock(tx, [member_id])).get(member_id)
    if before is None:
        raise NotFound(kind="member")
    if rules.body.rank(tier) < 0:
        raise BadInput(problems=[{"field": "tier", "zh": "没有这个等级。", "en": "There is no such tier."}])
    after = Standing(tier, keeps_until)
    await _store_all(tx, {member_id: after})
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
        change = Change(member_id, before.tier, tier, "set", None)
        await _trace(tx, [change], version=rules.version, actor=actor, reason=reason)


async def take_over(
    tx: Tx, member_id: UUID, standing: Standing, *, because: Literal["merged", "separated"], reason: str, actor: Actor
) -> None:
    """Give a member a standing that comes or goes with a merge. Locks the member's row; a guest has none."""
    before = (await lock(tx, [member_id])).get(member_id)
    if before is None or before == standing:
        return
    await _store_all(tx, {member_id: standing})
    if before.tier != standing.tier:
        change = Change(member_id, before.tier, standing.tier, because, None)
        await _trace(tx, [change], version=TIERS.current().version, actor=actor, reason=reason)


async def _store_all(tx: Tx, standings: Mapping[UUID, Standing]) -> None:
    await tx.execute(
        """UPDATE members m SET tier = n.tier, tier_keeps_until = n.keeps_until, tier_lapses_at = n.lapses_at
           FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
                AS n (member_id, tier, keeps_until, lapses_at)
           WHERE m.member_id = n.member_id""",
        list(standings),
        *([getattr(one, field) for one in standings.values()] for field in Standing._fields),
    )


async def _trace(tx: Tx, changes: Sequence[Change], *, version: int, actor: Actor, reason: str = "") -> None:
    """Each change is in the history, which therefore ends with the tier a member has (MEM-3)."""
    ids = [change.member_id for change in changes]
    rows = await tx.fetch(
        """SELECT i.member_id, (SELECT c.tier FROM tier_changes c WHERE c.member_id = i.member_id
                                ORDER BY c.at DESC, c.id DESC LIMIT 1)
           FROM unnest($1::uuid[]) AS i (member_id)""",
        ids,
    )
    last = dict(map(tuple, rows))
    for change in changes:
        said = last[change.member_id]
        ensure(
            said is None or said == change.before,
            "MEM-3",
            f"{change.member_id} had {change.before}, its history says {said}",
        )
    now = clock.now()
    await tx.executemany(
        """INSERT INTO tier_changes (member_id, id, before, tier, because, spent_minor, rule_version, actor, reason, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        [
            (
                one.member_id,
                new_id(),
                one.before,
                one.after,
                one.because,
                one.spent_minor,
                version,
                actor.label,
                reason,
                now,
            )
            for one in changes
        ],
    )
    await outbox.emit_of_members(
        tx, topic=TOPIC, payloads={one.member_id: {"tier": one.after, "before": one.before} for one in changes}
    )
