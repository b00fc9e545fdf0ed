"""What must always hold of engagement. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "ENG-1",
        "A task was done by who looked after the member then.",
        """SELECT t.member_id, t.kind, t.guide_id, t.done_at FROM guide_tasks t
           WHERE NOT EXISTS (SELECT FROM bindings b WHERE b.member_id = t.member_id AND b.guide_id = t.guide_id
                             AND b.from_at <= t.done_at AND (b.until_at IS NULL OR t.done_at <= b.until_at))""",
    ),
]
