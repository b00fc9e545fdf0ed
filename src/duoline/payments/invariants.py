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
]
