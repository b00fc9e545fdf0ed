"""The order's own story, in the order in which it happened. Never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.kernel import clock
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def write(tx: Tx, *, member_id: UUID, order_id: UUID, kind: str, actor: Actor, **data: Any) -> None:
    """Add one event. `kind` is a word of the past tense that every face knows how to say."""
    await tx.execute(
        """INSERT INTO order_events (member_id, order_id, id, at, kind, actor, data)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        member_id,
        order_id,
        new_id(),
        clock.now(),
        kind,
        actor.label,
        data,
    )
