"""What must always hold of the ledger. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "LED-1",
        "A journal's debits and credits cancel out in each currency, and it has entries.",
        """SELECT j.member_id, j.id, e.currency, sum(e.side) AS total
           FROM journals j
           LEFT JOIN (SELECT member_id, journal_id, currency, amount_minor AS side FROM journal_entries
                      UNION ALL
                      SELECT member_id, journal_id, currency, -amount_minor FROM journal_entries) e
             ON e.member_id = j.member_id AND e.journal_id = j.id
           GROUP BY j.member_id, j.id, e.currency HAVING sum(e.side) IS DISTINCT FROM 0""",
    ),
    (
        "LED-2",
        "No order's deposit is ever overdrawn: what was handed over and given back was paid first.",
        """SELECT j.order_id, sum(CASE WHEN e.credit = 'deposits' THEN e.amount_minor
                                       WHEN e.debit = 'deposits' THEN -e.amount_minor END) AS balance
           FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
           WHERE j.order_id IS NOT NULL AND 'deposits' IN (e.debit, e.credit)
           GROUP BY j.order_id
           HAVING sum(CASE WHEN e.credit = 'deposits' THEN e.amount_minor
                           WHEN e.debit = 'deposits' THEN -e.amount_minor END) < 0""",
    ),
]
