"""What guides did for a member. Their notes are their own and not told."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, SHOPS, Part

HISTORY = (
    Part(
        "guide",
        "guide_tasks t",
        "t.member_id",
        "t.done_at",
        "md5(t.kind || ' ' || t.ref_id || ' ' || t.member_id)::uuid",
        {"event": "t.how", "place": "t.store_id", "what": "t.kind", "guide_id": "t.guide_id"},
        where=f"({EVERYTHING} OR t.store_id = ANY ({SHOPS}))",
    ),
)
