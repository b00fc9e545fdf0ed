"""Which tier a member has, from what they have spent: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from duoline.members.policy import TierPolicy

Because = Literal["joined", "reached", "lapsed", "rules"]
NEVER = datetime.max.replace(tzinfo=UTC)
"""After every instant there is: grace after a time that is as good as for ever does not end either."""


class Standing(NamedTuple):
    """A member's tier: not left before `keeps_until`, and left at `lapses_at` unless it is earned again meanwhile."""

    tier: str
    keeps_until: datetime | None = None
    lapses_at: datetime | None = None


def judge(policy: TierPolicy, now: Standing, spent_minor: int, at: datetime) -> tuple[Standing, Because | None]:
    """The standing after looking at what was spent, and why the tier is another one (None: it is the same).

    Judging twice at one instant gives the same standing. More spent never gives a lower tier.
    """
    earned = policy.earned(spent_minor)
    have, gets = policy.rank(now.tier), policy.rank(earned)
    if have < 0:
        until = at + timedelta(days=policy.keep_days) if gets else None
        return Standing(earned, until), "rules" if now.tier else "joined"
    if gets > have:
        return Standing(earned, at + timedelta(days=policy.keep_days)), "reached"
    if gets == have:
        return Standing(now.tier, now.keeps_until), None
    lapses_at = now.lapses_at or _later(max(now.keeps_until or at, at), days=policy.grace_days)
    if lapses_at <= at:
        return Standing(earned), "lapsed"
    return Standing(now.tier, now.keeps_until, lapses_at), None


def _later(at: datetime, *, days: int) -> datetime:
    return at + timedelta(days=days) if at < NEVER - timedelta(days=days) else NEVER
