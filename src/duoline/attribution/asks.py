"""A guide asks a member at the counter; the member answers on their own phone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline.attribution.bind import Way, bind
from duoline.attribution.errors import AskOver
from duoline.attribution.guides import guide_at
from duoline.attribution.policy import BINDING
from duoline.kernel import clock, outbox
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.attribution.bind import Bound
    from duoline.attribution.guides import Guide
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain


class Ask(NamedTuple):
    """A question that waits for its member."""

    id: UUID
    guide_id: UUID
    store_id: UUID
    asked_at: datetime
    expires_at: datetime


async def ask(tx: Tx, *, member_id: UUID, guide: Guide) -> None:
    """Ask a member for their consent, in a shop; asked again, the time begins anew. Tells the member's open pages."""
    now = clock.now()
    ends = now + timedelta(minutes=BINDING.current(now).body.ask_minutes)
    await tx.execute(
        """INSERT INTO binding_asks AS a (member_id, id, guide_id, store_id, asked_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (member_id, guide_id) WHERE answered_at IS NULL
           DO UPDATE SET store_id = excluded.store_id, asked_at = excluded.asked_at,
                         expires_at = excluded.expires_at""",
        member_id,
        new_id(),
        guide.id,
        guide.store_id,
        now,
        ends,
    )
    await outbox.emit(
        tx,
        topic="attribution.asked",
        key=str(member_id),
        payload={"guide_id": str(guide.id)},
        family="member",
        owner_id=member_id,
        member_id=member_id,
    )


async def open_asks(db: Database | Tx, member_id: UUID) -> list[Ask]:
    """Questions that a member may answer now, the newest first."""
    rows = await db.fetch(
        """SELECT id, guide_id, store_id, asked_at, expires_at FROM binding_asks
           WHERE member_id = $1 AND answered_at IS NULL AND expires_at > $2 ORDER BY asked_at DESC""",
        member_id,
        clock.now(),
    )
    return [Ask(*row) for row in rows]


async def answer(
    tx: Tx, *, member_id: UUID, ask_id: UUID, accept: bool, device_id: UUID | None, actor: Actor, chain: Chain
) -> Bound | None:
    """The member's word. Locks the question, then as `bind`. Refuses `kernel.not-found`, `attribution.ask-over`,
    then what `guide_at` and `bind` refuse."""
    row = await tx.fetchrow(
        """SELECT guide_id, store_id, answered_at, expires_at FROM binding_asks WHERE member_id = $1 AND id = $2
           FOR UPDATE""",
        member_id,
        ask_id,
    )
    if row is None:
        raise NotFound(kind="binding_ask")
    now = clock.now()
    if row["answered_at"] is not None or row["expires_at"] <= now:
        raise AskOver
    await tx.execute(
        "UPDATE binding_asks SET answered_at = $3, accepted = $4 WHERE member_id = $1 AND id = $2",
        member_id,
        ask_id,
        now,
        accept,
    )
    if not accept:
        return None
    guide = await guide_at(tx, row["guide_id"], row["store_id"], chain)
    shown_in = await tx.fetchval(
        """SELECT device_id FROM touchpoints
           WHERE owner_id = $1 AND store_id = $2 AND kind = 'guide' AND ended_at IS NULL""",
        guide.id,
        guide.store_id,
    )
    way = Way("till", device_id=device_id, shown_in=shown_in)
    return await bind(tx, member_id=member_id, guide=guide, way=way, actor=actor)
