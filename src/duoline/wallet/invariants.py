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
        # Of one order several wallets may have paid a part, each in its own member's journals.
        """SELECT j.order_id, sum(a.minor) AS between
           FROM journals j
           JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id,
                LATERAL (VALUES (e.credit, e.amount_minor), (e.debit, -e.amount_minor)) AS a(account, minor)
           WHERE a.account = 'stored:used' GROUP BY j.order_id HAVING sum(a.minor) <> 0""",
    ),
    (
        "WAL-5",
        "A top-up that was paid is one journal and its lots, of its own amounts; one that was not is none, nor is one"
        " that goes back.",
        """SELECT coalesce(t.id, j.ref_id) AS id, t.state, t.principal_minor, t.bonus_minor, j.principal, j.bonus,
                  l.principal AS lot_principal, l.bonus AS lot_bonus
           FROM (SELECT * FROM wallet_top_ups p WHERE state = 'paid' AND NOT EXISTS (
                     SELECT FROM wallet_top_up_refunds r WHERE r.member_id = p.member_id AND r.top_up_id = p.id)) t
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
    (
        "WAL-6",
        "Stored value that paid came from wallets of the person who bought, as of then, and each wallet's ledger says"
        " how much, and how much is back: merging and undoing move none. (Clocks of several machines may differ by five"
        " minutes.)",
        """WITH shares AS (
               SELECT s.*, u.id AS whole, u.shared_with FROM wallet_shares s
               LEFT JOIN wallet_uses u ON u.member_id = s.buyer_id AND u.id = s.use_id),
           heads AS (
               SELECT other_id AS member_id, member_id AS head, at AS from_at,
                      coalesce(undone_at, 'infinity') AS until_at
               FROM member_merges
               UNION ALL
               SELECT DISTINCT m.id, m.id, timestamptz '-infinity', timestamptz 'infinity'
               FROM shares s, LATERAL (VALUES (s.member_id), (s.buyer_id)) m(id)),
           paid AS (
               SELECT member_id, order_id, principal_minor - back_principal_minor AS principal,
                      bonus_minor - back_bonus_minor AS bonus
               FROM wallet_shares
               UNION ALL
               SELECT u.member_id, u.order_id, u.principal_minor - u.back_principal_minor - coalesce(s.principal, 0),
                      u.bonus_minor - u.back_bonus_minor - coalesce(s.bonus, 0)
               FROM wallet_uses u LEFT JOIN LATERAL (
                   SELECT sum(s.principal_minor - s.back_principal_minor) AS principal,
                          sum(s.bonus_minor - s.back_bonus_minor) AS bonus
                   FROM wallet_shares s WHERE s.member_id = ANY (u.shared_with) AND s.use_id = u.id) s ON true),
           booked AS (
               SELECT j.member_id, j.order_id,
                      sum(a.minor) FILTER (WHERE a.account = 'stored:principal') AS principal,
                      sum(a.minor) FILTER (WHERE a.account = 'stored:bonus') AS bonus
               FROM journals j
               JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id,
                    LATERAL (VALUES (e.debit, e.amount_minor), (e.credit, -e.amount_minor)) AS a(account, minor)
               WHERE j.kind IN ('wallet-used', 'wallet-back') GROUP BY 1, 2)
           SELECT s.member_id, s.use_id, 'not one person' AS wrong
           FROM shares s, (SELECT interval '5 minutes' AS slack) clocks
           WHERE s.whole IS NULL OR NOT s.member_id = ANY (s.shared_with)
              OR NOT EXISTS (
                  SELECT FROM heads a JOIN heads b ON b.head = a.head
                  WHERE a.member_id = s.member_id AND b.member_id = s.buyer_id AND a.from_at <= s.at + slack
                    AND b.from_at <= s.at + slack AND a.until_at >= s.at - slack AND b.until_at >= s.at - slack)
           UNION ALL
           SELECT coalesce(p.member_id, b.member_id), coalesce(p.order_id, b.order_id), 'not what the ledger says'
           FROM (SELECT member_id, order_id, sum(principal) AS principal, sum(bonus) AS bonus FROM paid GROUP BY 1, 2) p
           FULL JOIN booked b ON b.member_id = p.member_id AND b.order_id = p.order_id
           WHERE (coalesce(p.principal, 0), coalesce(p.bonus, 0))
                 <> (coalesce(b.principal, 0), coalesce(b.bonus, 0))""",
    ),
    (
        "WAL-7",
        "What came for the wallet of somebody who is forgotten goes back, all of it and once: it is one journal in, and"
        " one out when it is back; nothing of it is in a wallet.",
        """WITH booked AS (
               SELECT j.member_id, j.ref_id,
                      coalesce(sum(e.amount_minor) FILTER (WHERE e.credit = 'stored:returning'), 0) AS came,
                      coalesce(sum(e.amount_minor) FILTER (WHERE e.debit = 'stored:returning'), 0) AS gone
               FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
               WHERE 'stored:returning' IN (e.debit, e.credit) GROUP BY 1, 2)
           SELECT coalesce(r.id, b.ref_id) AS id, r.state, r.amount_minor, b.came, b.gone, t.principal_minor
           FROM wallet_top_up_refunds r
           FULL JOIN booked b ON b.member_id = r.member_id AND b.ref_id = r.id
           LEFT JOIN wallet_top_ups t ON t.member_id = r.member_id AND t.id = r.top_up_id
           LEFT JOIN members m ON m.member_id = r.member_id
           WHERE r.id IS NULL OR t.state <> 'paid' OR m.erased_at IS NULL
              OR (t.principal_minor, t.bonus_minor) <> (r.amount_minor, 0)
              OR (coalesce(b.came, 0), coalesce(b.gone, 0)) <> (
                  r.amount_minor, CASE WHEN r.state IN ('done', 'by_hand') THEN r.amount_minor ELSE 0 END)
              OR EXISTS (SELECT FROM wallet_lots o
                         WHERE o.member_id = r.member_id AND o.source = 'top_up' AND o.ref_id = r.top_up_id)""",
    ),
]
