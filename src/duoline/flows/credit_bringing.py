"""What bringing a member earns before any purchase: the guide whom they chose first, the shop whose touchpoint they
came by; and that it is taken back while it is pending when they were another's, or left at once.

Told by the events of attribution, in the batches of `flows/credit.py`. Staff and shops only: members are never paid by
head.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline import attribution, settlement
from duoline.kernel.auth import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.db import Tx
    from duoline.kernel.outbox import Event


async def still_here(tx: Tx, events: Sequence[Event]) -> set[UUID]:
    """Which of their members were not forgotten since: nobody is paid for having brought who is gone.

    Their rows stay shared until the end, and come before the payees: an erasure that waits for one takes back what is
    credited here.
    """
    member_ids = [event.member_id for event in events if event.member_id]
    if not member_ids:
        return set()
    rows = await tx.fetch(
        "SELECT member_id, kind FROM members WHERE member_id = ANY ($1) ORDER BY member_id FOR SHARE", member_ids
    )
    return {row["member_id"] for row in rows if row["kind"] == "member"}


async def tell(tx: Tx, events: Sequence[Event]) -> None:
    """Members are new, chose their first guide, or are no more with them. Locks the payees, one event after another."""
    for event in events:
        match event.topic:
            case "attribution.bound":
                await _to_guide(tx, event)
            case "attribution.signed-up":
                await _to_store(tx, event)
            case "attribution.moved" | "attribution.unbound":
                await _take_back(tx, event)


async def _to_guide(tx: Tx, event: Event) -> None:
    """Whom a new member chose as their first guide is credited once, before any purchase; not where something is odd.

    Staff only: members are never paid by head.
    """
    minor = settlement.COMMISSION.current(event.at).body.bringing_minor
    if not (minor and event.payload.get("first") and not event.payload.get("flags") and event.member_id):
        return
    bound = await attribution.binding_as_of(tx, event.member_id, attribution.SCOPE, event.at)
    if bound is None or bound.guide_id is None:
        return
    await settlement.tell_bringing(
        tx,
        member_id=event.member_id,
        guide_id=bound.guide_id,
        binding_id=bound.id,
        minor=minor,
        due_at=event.at + timedelta(days=settlement.COMMISSION.current(event.at).body.mature_days),
        actor=SYSTEM,
    )


# What guides have pending for a person by a binding that headquarters found to be wrong, or that the person ended
# themselves before it was the guide's.
_WRONG = """
SELECT b.id FROM bindings b
WHERE b.member_id = ANY (duo_group($1)) AND b.ended_because IN ('dispute', 'member')
  AND EXISTS (SELECT FROM accruals a WHERE a.order_id = b.id AND a.role = 'bringing' AND a.state = 'pending'
              AND a.earned_minor > 0)
ORDER BY b.id
"""


async def _take_back(tx: Tx, event: Event) -> None:
    """A member went to another guide by headquarters' word, or left theirs again while the credit for bringing them was
    still pending: then it was not earned. What is due by then stays, and so does that of a guide who left, passed the
    member on or lost them to a later touch: they had brought them."""
    if event.member_id is None:
        return
    wrong = [row["id"] for row in await tx.fetch(_WRONG, event.member_id)]
    await settlement.take_back_bringing(tx, wrong, flag=None, actor=SYSTEM)


async def _to_store(tx: Tx, event: Event) -> None:
    """The shop whose touchpoint brought a new member is credited once, before any purchase; not where something is odd.

    Nobody for what hangs in no shop: members' links and the chain's own campaigns.
    """
    minor = settlement.ALLOCATION.current(event.at).body.bringing_minor
    if not minor or event.member_id is None:
        return
    row = await tx.fetchrow(
        f"SELECT touch_id, store_id, odd FROM ({attribution.NEWCOMERS}) n WHERE member_id = $1",  # noqa: S608 - our own text
        event.member_id,
    )
    if row is None or row["store_id"] is None or row["odd"]:
        return
    await settlement.tell_bringing_store(
        tx,
        member_id=event.member_id,
        store_id=row["store_id"],
        sign_up_id=row["touch_id"],
        minor=minor,
        due_at=event.at + timedelta(days=settlement.COMMISSION.current(event.at).body.mature_days),
        actor=SYSTEM,
    )
