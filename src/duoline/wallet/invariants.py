"""What must always hold of stored value. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "WAL-1",
        "What is in a member's wallet is what the ledger says, principal and bonus each, and neither is below zero.",
        """WITH booked AS (
               SELECT member_id, coalesce(sum(minor) FILTER (WHERE account = 'stored:principal'), 0) AS principal,
                      coalesce(sum(minor) FILTER (WHERE account = 'stored:bonus'), 0) AS bonus
               FROM journal_entries e, LATERAL (VALUES (e.credit, e.amount_minor), (e.debit, -e.amount_minor))
                    AS a(account, minor)
               WHERE account IN ('stored:principal', 'stored:bonus') GROUP BY member_id)
           SELECT coalesce(w.member_id, b.member_id) AS member_id, w.principal_minor, w.bonus_minor,
                  b.principal AS booked_principal, b.bonus AS booked_bonus
           FROM wallets w FULL JOIN booked b ON b.member_id = w.member_id
           WHERE (coalesce(w.principal_minor, 0), coalesce(w.bonus_minor, 0))
                 <> (coalesce(b.principal, 0), coalesce(b.bonus, 0))
              OR least(w.principal_minor, w.bonus_minor) < 0""",
    ),
    (
        "WAL-2",
        "What is in a wallet is what is left of its lots; of principal no lot ends.",
        """SELECT w.member_id, w.principal_minor, w.bonus_minor, l.principal, l.bonus
           FROM wallets w
           LEFT JOIN (SELECT member_id, sum(left_minor) FILTER (WHERE part = 'principal') AS principal,
                             sum(left_minor) FILTER (WHERE part = 'bonus') AS bonus
                      FROM wallet_lots GROUP BY member_id) l ON l.member_id = w.member_id
           WHERE w.principal_minor <> coalesce(l.principal, 0) OR w.bonus_minor <> coalesce(l.bonus, 0)""",
    ),
    (
        "WAL-3",
        "Stored value that paid for an order is one capture of it, and what went back of the one went back of the"
        " other, in the shares in which it was taken.",
        """SELECT coalesce(u.id, c.intent_id) AS id, u.principal_minor, u.bonus_minor, u.back_principal_minor,
                  u.back_bonus_minor, c.amount_minor, c.refunded_minor
           FROM wallet_uses u
           FULL JOIN (SELECT * FROM captures WHERE tender = 'wallet') c
             ON c.member_id = u.member_id AND c.intent_id = u.id
           WHERE u.id IS NULL OR c.intent_id IS NULL OR u.order_id <> c.order_id
              OR u.principal_minor + u.bonus_minor <> c.amount_minor
              OR u.back_principal_minor + u.back_bonus_minor <> c.refunded_minor
              OR u.back_bonus_minor
                 <> div(u.bonus_minor::numeric * c.refunded_minor, (u.principal_minor + u.bonus_minor)::numeric)""",
    ),
    (
        "WAL-4",
        "What wallets paid for an order is what its captures took from them: nothing stays between the two.",
        """SELECT j.member_id, j.order_id, sum(a.minor) AS between
           FROM journals j
           JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id,
                LATERAL (VALUES (e.credit, e.amount_minor), (e.debit, -e.amount_minor)) AS a(account, minor)
           WHERE a.account = 'stored:used' GROUP BY j.member_id, j.order_id HAVING sum(a.minor) <> 0""",
    ),
    (
        "WAL-5",
        "A top-up that was paid is one journal and its lots, of its own amounts; one that was not is none.",
        """SELECT coalesce(t.id, j.ref_id) AS id, t.state, t.principal_minor, t.bonus_minor, j.principal, j.bonus,
                  l.principal AS lot_principal, l.bonus AS lot_bonus
           FROM (SELECT * FROM wallet_top_ups WHERE state = 'paid') t
           FULL JOIN (SELECT j.member_id, j.ref_id,
                             coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'stored:principal'), 0) AS principal,
                             coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'stored:bonus'), 0) AS bonus
                      FROM journals j
                      JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
                      WHERE j.kind = 'top-up' GROUP BY j.member_id, j.ref_id) j
             ON j.member_id = t.member_id AND j.ref_id = t.id
           LEFT JOIN LATERAL (
               SELECT coalesce(sum(granted_minor) FILTER (WHERE part = 'principal'), 0) AS principal,
                      coalesce(sum(granted_minor) FILTER (WHERE part = 'bonus'), 0) AS bonus
               FROM wallet_lots o WHERE o.member_id = t.member_id AND o.source = 'top_up' AND o.ref_id = t.id) l ON true
           WHERE t.id IS NULL OR j.ref_id IS NULL OR (t.principal_minor, t.bonus_minor) <> (j.principal, j.bonus)
              OR (t.principal_minor, t.bonus_minor) <> (l.principal, l.bonus)""",
    ),
]
