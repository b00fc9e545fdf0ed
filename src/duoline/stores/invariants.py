"""What must always hold of the organisation. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "STO-1",
        "No region lies below itself.",
        """WITH RECURSIVE up(id, above) AS (
             SELECT id, parent_id FROM regions WHERE parent_id IS NOT NULL
             UNION SELECT u.id, r.parent_id FROM up u JOIN regions r ON r.id = u.above WHERE r.parent_id IS NOT NULL)
           SELECT id FROM up WHERE id = above""",
    ),
    (
        "STO-2",
        "Every right is for a unit that exists.",
        """SELECT g.staff_id, g.role, g.unit_id FROM staff_grants g
           WHERE NOT CASE g.unit_kind
             WHEN 'chain' THEN g.unit_id = '00000000-0000-0000-0000-000000000000'
             WHEN 'region' THEN EXISTS (SELECT FROM regions r WHERE r.id = g.unit_id)
             WHEN 'company' THEN EXISTS (SELECT FROM companies c WHERE c.id = g.unit_id)
             WHEN 'store' THEN EXISTS (SELECT FROM stores s WHERE s.id = g.unit_id) END""",
    ),
    (
        "STO-3",
        "Where there is staff, somebody of headquarters is active.",
        """SELECT count(*) AS staff FROM staff HAVING count(*) > 0 AND NOT EXISTS (
             SELECT FROM staff s JOIN staff_grants g ON g.staff_id = s.id
             WHERE s.state = 'active' AND g.role = 'headquarters')""",
    ),
    (
        "STO-4",
        "Who has left has no session.",
        """SELECT s.id, s.login FROM staff s JOIN staff_sessions t ON t.staff_id = s.id WHERE s.state = 'left'""",
    ),
]
