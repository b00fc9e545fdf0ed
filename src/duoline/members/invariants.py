"""What must always hold of members. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "MEM-1",
        "A phone leads to the one member who has it, and back.",
        """SELECT COALESCE(p.phone, m.phone) AS phone, p.member_id AS by_index, m.member_id
           FROM phone_index p FULL JOIN (SELECT member_id, phone FROM members WHERE phone IS NOT NULL) m
             ON m.phone = p.phone AND m.member_id = p.member_id
           WHERE p.phone IS NULL OR m.phone IS NULL""",
    ),
    (
        "MEM-2",
        "Of a member's addresses one is the default.",
        """SELECT member_id, count(*) FILTER (WHERE is_default) AS defaults FROM addresses
           GROUP BY member_id HAVING count(*) FILTER (WHERE is_default) <> 1""",
    ),
]
