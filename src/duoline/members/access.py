"""The door to members: whoever holds a session reaches that member and nobody else; see `channels.http.sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.errors import NotFound

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Tx


async def lock(tx: Tx, member_id: UUID) -> None:
    """Lock a member's row, so that their changes follow one another. Refuses with `NotFound`."""
    found = await tx.fetchval("SELECT true FROM members WHERE member_id = $1 FOR NO KEY UPDATE", member_id)
    if not found:
        raise NotFound(kind="member")
