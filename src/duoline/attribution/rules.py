"""Whether a member is bound anew: the decision alone, without a database.

The member's consent comes first and is no part of it. What is decided: with nobody there, bind. The same guide at the
same shop, nothing. The same guide at another shop, or a member whom the shop looks after, replace at once: nobody
loses. Two guides: the first keeps the member unless the rule is the last touch and the protection of the first is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Held(NamedTuple):
    """A binding that has not been ended; `guide_id` None for the shop itself."""

    guide_id: UUID | None
    store_id: UUID
    from_at: datetime
    expires_at: datetime | None

    def lives(self, at: datetime) -> bool:
        """Whether it has not run out."""
        return self.expires_at is None or at < self.expires_at


class Binds(NamedTuple):
    """Nobody is there: bind."""


class Same(NamedTuple):
    """It is so already."""


class Replaces(NamedTuple):
    """The new one ends the old one."""


class Keeps(NamedTuple):
    """The old one stays, until an instant at least; None: for as long as it lasts."""

    until: datetime | None


def decide(
    held: Held | None, *, guide_id: UUID, store_id: UUID, last_touch: bool, protect_days: int, at: datetime
) -> Binds | Same | Replaces | Keeps:
    """What an attempt comes to under a rule (`BindingPolicy`)."""
    if held is None or not held.lives(at):
        return Binds()
    if held.guide_id == guide_id and held.store_id == store_id:
        return Same()
    if held.guide_id is None or held.guide_id == guide_id:
        return Replaces()
    if not last_touch:
        return Keeps(held.expires_at)
    protected_until = held.from_at + timedelta(days=protect_days)
    if at >= protected_until:
        return Replaces()
    return Keeps(protected_until if held.expires_at is None else min(protected_until, held.expires_at))
