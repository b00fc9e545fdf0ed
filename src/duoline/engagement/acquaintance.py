"""What a guide knows of a member: how often they came to the shop, and what the guide did for them and noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.engagement.guide_tasks import How, Kind
    from duoline.kernel.db import Database

DONE_MAX = 20


class Known(NamedTuple):
    """A member as one shop knows them: their tier, how many orders the shop had a part in, and when the last was."""

    tier: str | None
    orders: int
    last_at: datetime | None


class Done(NamedTuple):
    """A task that a guide took up or put aside, and the word they noted for themselves."""

    kind: Kind
    ref_id: UUID
    how: How
    note: str
    done_at: datetime


_KNOWN = """
SELECT x.id, m.tier, o.orders, o.last_at FROM unnest($1::uuid[]) x (id)
JOIN members m ON m.member_id = (duo_group(x.id))[1]
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS orders, max(r.placed_at) AS last_at FROM orders r
    WHERE r.member_id = ANY (duo_person(m.member_id)) AND $2 = ANY (r.location_ids)
      AND r.state NOT IN ('cancelled', 'expired')) o
"""


async def known_in(db: Database, member_ids: Sequence[UUID], *, store_id: UUID) -> dict[UUID, Known]:
    """Members as this shop knows them, each as who they are now."""
    rows = await db.fetch(_KNOWN, list(member_ids), store_id)
    return {row["id"]: Known(row["tier"], row["orders"], row["last_at"]) for row in rows}


async def done_for(db: Database, member_id: UUID, *, guide_id: UUID) -> list[Done]:
    """What a guide did for a member, the latest first. Nobody else is told: the notes are the guide's own."""
    rows = await db.fetch(
        """SELECT kind, ref_id, how, note, done_at FROM guide_tasks
           WHERE member_id = ANY (duo_group($1)) AND guide_id = $2 ORDER BY done_at DESC, ref_id LIMIT $3""",
        member_id,
        guide_id,
        DONE_MAX,
    )
    return [Done(*row) for row in rows]
