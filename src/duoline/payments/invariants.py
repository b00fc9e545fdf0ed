"""What must always hold of payments. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "PAY-1",
        "The refunds of a capture never exceed it, and its counter is their sum.",
        """SELECT c.member_id, c.id, c.amount_minor, c.refunded_minor, sum(r.amount_minor) AS refunds
           FROM captures c LEFT JOIN refunds r ON r.member_id = c.member_id AND r.capture_id = c.id
           GROUP BY c.member_id, c.id, c.amount_minor, c.refunded_minor
           HAVING coalesce(sum(r.amount_minor), 0) <> c.refunded_minor OR c.refunded_minor > c.amount_minor""",
    ),
    (
        "PAY-3",
        "An intent is captured exactly when it has a capture, of its own amount.",
        """SELECT i.member_id, i.id, i.state, c.amount_minor
           FROM payment_intents i LEFT JOIN captures c ON c.member_id = i.member_id AND c.intent_id = i.id
           WHERE (i.state = 'captured') <> (c.id IS NOT NULL) OR c.amount_minor <> i.amount_minor""",
    ),
    (
        "TIL-1",
        "What a closed drawer should have held is its float and what went in and out of it while it was open.",
        """SELECT s.location_id, s.id, s.float_minor, s.expected_minor, coalesce(sum(e.amount_minor), 0) AS entries
           FROM drawer_sessions s
           LEFT JOIN drawer_entries e ON e.location_id = s.location_id AND e.session_id = s.id
           WHERE s.closed_at IS NOT NULL
           GROUP BY s.location_id, s.id, s.float_minor, s.expected_minor
           HAVING s.expected_minor <> s.float_minor + coalesce(sum(e.amount_minor), 0)""",
    ),
    (
        "TIL-2",
        "Each movement of a shop's cash account is one entry of one drawer, or the difference of one count, and the"
        " other way round. (Cash of imported orders lay in other drawers.)",
        """WITH booked AS (
               SELECT substr(a.account, 6)::uuid AS location_id, j.ref_id, sum(a.amount_minor) AS amount_minor
               FROM journals j
               JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id,
                    LATERAL (VALUES (e.debit, e.amount_minor), (e.credit, -e.amount_minor)) AS a(account, amount_minor)
               WHERE a.account LIKE 'cash:%' AND NOT EXISTS (
                   SELECT FROM captures c
                   JOIN payment_intents i ON i.member_id = c.member_id AND i.id = c.intent_id
                   WHERE c.member_id = j.member_id AND c.id = j.ref_id AND i.provider = 'import')
               GROUP BY 1, 2),
           kept AS (
               SELECT location_id, ref_id, sum(amount_minor) AS amount_minor FROM (
                   SELECT location_id, ref_id, amount_minor FROM drawer_entries
                   UNION ALL
                   SELECT location_id, id, counted_minor - expected_minor FROM drawer_sessions
                   WHERE counted_minor <> expected_minor) k
               GROUP BY 1, 2)
           SELECT location_id, ref_id, b.amount_minor AS booked, k.amount_minor AS kept
           FROM booked b FULL JOIN kept k USING (location_id, ref_id)
           WHERE b.amount_minor IS DISTINCT FROM k.amount_minor""",
    ),
    (
        "TIL-3",
        "A drawer is open once at a time: none of its sessions begins before the one before it has ended, and each was"
        " open when its cash came.",
        """SELECT location_id, id FROM (
               SELECT location_id, id, opened_at, lag(coalesce(closed_at, 'infinity')) OVER w AS before
               FROM drawer_sessions WINDOW w AS (PARTITION BY location_id, drawer ORDER BY opened_at, closed_at)) s
           WHERE opened_at < before
           UNION ALL
           SELECT e.location_id, e.id FROM drawer_entries e
           JOIN drawer_sessions s ON s.location_id = e.location_id AND s.id = e.session_id
           WHERE e.at < s.opened_at OR e.at > s.closed_at""",
    ),
]
