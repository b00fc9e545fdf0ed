"""What must always hold of attribution. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "ATT-1",
        "A member has one live binding of a scope, and none overlaps another in time.",
        """SELECT a.member_id, a.scope, a.id, b.id AS other FROM bindings a
           JOIN bindings b ON b.member_id = a.member_id AND b.scope = a.scope AND b.id > a.id
            AND tstzrange(a.from_at, a.until_at) && tstzrange(b.from_at, b.until_at)""",
    ),
    (
        "ATT-2",
        "The touch of an order lies before it, within the window of its rule, and is nobody's own.",
        """SELECT x.member_id, x.order_id FROM order_touches x
           JOIN orders o ON o.member_id = x.member_id AND o.id = x.order_id
           WHERE x.placed_at <> o.placed_at OR x.touched_at > o.placed_at OR x.owner_id = x.member_id
              OR o.placed_at - x.touched_at >= x.window_days * interval '24 hours'""",
    ),
    (
        "ATT-3",
        "A sign-up comes after the touch it is put down to, which is the member's own.",
        """SELECT s.member_id, s.touch_id FROM sign_ups s
           JOIN touches t ON t.member_id = s.member_id AND t.id = s.touch_id
           WHERE t.at > s.at OR t.at <> s.touched_at OR t.touchpoint_id <> s.touchpoint_id
              OR t.owner_id = s.member_id""",
    ),
    (
        "ATT-4",
        "The scans counted for a touchpoint, altogether and by the day, are the scans there were.",
        """SELECT touchpoint_id, on_date, d.scans, s.scans AS counted
           FROM (SELECT touchpoint_id, on_date, sum(scans) AS scans FROM touchpoint_days GROUP BY 1, 2) d
           FULL JOIN (SELECT touchpoint_id, on_date, count(*) AS scans FROM scans GROUP BY 1, 2) s
             USING (touchpoint_id, on_date)
           WHERE d.scans IS DISTINCT FROM s.scans
           UNION ALL
           SELECT touchpoint_id, NULL, a.scans, s.scans
           FROM (SELECT touchpoint_id, sum(scans) AS scans FROM touchpoint_totals GROUP BY 1) a
           FULL JOIN (SELECT touchpoint_id, count(*) AS scans FROM scans GROUP BY 1) s USING (touchpoint_id)
           WHERE a.scans IS DISTINCT FROM s.scans""",
    ),
    (
        "ATT-5",
        "A code leads to its touchpoint, and each touchpoint has one.",
        """SELECT code, t.id, c.touchpoint_id
           FROM touchpoints t FULL JOIN touchpoint_codes c USING (code)
           WHERE t.id IS DISTINCT FROM c.touchpoint_id OR t.owner_id IS DISTINCT FROM c.owner_id""",
    ),
    (
        "ATT-6",
        "An outfit has two to eight products, numbered without a gap.",
        """SELECT o.owner_id, o.id, count(i.n) AS pieces, max(i.n) AS last
           FROM outfits o LEFT JOIN outfit_pieces i ON i.owner_id = o.owner_id AND i.outfit_id = o.id
           GROUP BY o.owner_id, o.id HAVING count(i.n) NOT BETWEEN 2 AND 8 OR max(i.n) <> count(i.n)""",
    ),
    (
        "ATT-7",
        "By their own code a member shares a thing once at a time, and a clerk once for each of their shops.",
        """SELECT owner_id, store_id, target_kind, target, count(*) FROM touchpoints
           WHERE standing AND ended_at IS NULL
           GROUP BY 1, 2, 3, 4 HAVING count(*) > 1""",
    ),
]
