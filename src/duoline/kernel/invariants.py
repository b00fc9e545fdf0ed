"""What must always hold of the kernel's own tables. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "IDE-1",
        "A key that was committed has its answer: one effect and one answer a key.",
        """SELECT actor_id, key FROM idempotency WHERE status = 0""",
    ),
    (
        "EVT-1",
        "An event is either waiting in an outbox or in the log, not both.",
        """SELECT e.source_id FROM event_log e
           WHERE e.source_id IN (SELECT id FROM member_outbox UNION ALL SELECT id FROM stock_outbox
                                 UNION ALL SELECT id FROM local_outbox)""",
    ),
    (
        "POL-1",
        "The versions of a policy are numbered without a gap.",
        """SELECT kind, max(version) AS newest, count(*) AS versions FROM policies
           GROUP BY kind HAVING max(version) <> count(*)""",
    ),
    (
        "POL-2",
        "No region takes part in two pilots of one policy at a time.",
        """SELECT a.kind, a.version, b.version AS other FROM policies a JOIN policies b
             ON b.kind = a.kind AND b.version > a.version AND b.active_from < a.until_at AND a.active_from < b.until_at
            AND (a.regions || a.controls) && (b.regions || b.controls)""",
    ),
]
