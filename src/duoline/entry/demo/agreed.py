"""What members of the demo agreed to: everybody to being served, and to the rest as people do, some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duoline.kernel.db import Database
    from duoline.members.consent_texts import Purpose

SHARES: dict[Purpose, int] = {"service": 100, "marketing": 70, "profiling": 55, "location": 30, "sharing": 40}
"""Of a hundred members."""

# Who agreed follows from the member's id, so that a load that goes on adds the same words.
_SAY = """
INSERT INTO consents (member_id, id, purpose, granted, text_version, channel, at, actor)
SELECT m.member_id, md5(m.member_id || $1)::uuid, $1, true, 1, 'mall', m.created_at, 'member:' || m.member_id
FROM members m
WHERE m.kind = 'member' AND ('x' || left(md5(m.member_id || 'agrees' || $1), 7))::bit(28)::integer % 100 < $2
ON CONFLICT (member_id, id) DO NOTHING
"""


async def add_consents(db: Database) -> None:
    """Write the words of every member. Safe to repeat."""
    for purpose, share in SHARES.items():
        await db.execute(_SAY, purpose, share)
