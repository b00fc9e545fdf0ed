"""What must always hold of settlement. Each query returns the rows that break it."""

from __future__ import annotations

_TOLD = """NOT EXISTS (SELECT FROM member_outbox m WHERE m.member_id = a.member_id)
             AND NOT EXISTS (SELECT FROM event_log v WHERE v.for_member_id = a.member_id AND v.id > coalesce(
                                 (SELECT last_id FROM event_offsets WHERE consumer = 'settlement'), 0))
             AND NOT EXISTS (SELECT FROM stock_outbox s WHERE s.for_member_id = a.member_id)"""

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "STL-1",
        "A payee's pending, due and paying are what the ledger says.",
        """WITH booked AS (
               SELECT split_part(account, ':', 2)::uuid AS payee_id,
                      sum(minor) FILTER (WHERE account LIKE 'pending:%') AS pending,
                      sum(minor) FILTER (WHERE account LIKE 'due:%') AS due,
                      sum(minor) FILTER (WHERE account LIKE 'paying:%') AS paying
               FROM journal_entries e, LATERAL (VALUES (e.credit, e.amount_minor), (e.debit, -e.amount_minor))
                    AS s(account, minor)
               WHERE account ~ '^(pending|due|paying):' GROUP BY 1)
           SELECT coalesce(p.payee_id, b.payee_id) AS payee_id, p.pending_minor, b.pending, p.due_minor, b.due,
                  p.paying_minor, b.paying
           FROM payees p FULL JOIN booked b ON b.payee_id = p.payee_id
           WHERE (coalesce(p.pending_minor, 0), coalesce(p.due_minor, 0), coalesce(p.paying_minor, 0))
                 <> (coalesce(b.pending, 0), coalesce(b.due, 0), coalesce(b.paying, 0))""",
    ),
    (
        "STL-2",
        "What a payee has and had is what their shares came to: pending those that wait, the rest those that are due,"
        " under the caps of their months, and what they owed and headquarters wrote off.",
        """WITH shares AS (
               SELECT payee_id, coalesce(sum(earned_minor) FILTER (WHERE state = 'pending'), 0) AS pending,
                      coalesce(sum(earned_minor) FILTER (WHERE state = 'matured'), 0) AS matured
               FROM accruals GROUP BY payee_id
           ), cuts AS (
               SELECT payee_id, sum(earned_minor - payable_minor) AS cut FROM payee_months GROUP BY payee_id
           ), forgiven AS (
               SELECT split_part(credit, ':', 2)::uuid AS payee_id, sum(amount_minor) AS minor FROM journal_entries
               WHERE debit = 'commission:written-off' GROUP BY 1)
           SELECT p.payee_id, p.pending_minor, s.pending, p.due_minor + p.paying_minor + p.paid_minor AS had,
                  s.matured - coalesce(c.cut, 0) + coalesce(f.minor, 0) AS matured
           FROM payees p LEFT JOIN shares s USING (payee_id) LEFT JOIN cuts c USING (payee_id)
           LEFT JOIN forgiven f USING (payee_id)
           WHERE p.pending_minor <> coalesce(s.pending, 0)
              OR p.due_minor + p.paying_minor + p.paid_minor
                 <> coalesce(s.matured, 0) - coalesce(c.cut, 0) + coalesce(f.minor, 0)""",
    ),
    (
        "STL-3",
        "Commission is the rate times what the buyer keeps of the line and paid in money, to the cent; what is flagged"
        " earns nothing. An order of which the buyer keeps something has its facts."
        " (Imported orders earn nobody anything. Not yet told of are only events of the last minutes.)",
        f"""SELECT a.payee_id, a.order_id, a.line_id, a.role, a.basis_minor, a.earned_minor, k.minor
           FROM accruals a
           JOIN orders o ON o.member_id = a.member_id AND o.id = a.order_id
           JOIN order_lines l ON l.member_id = a.member_id AND l.order_id = a.order_id AND l.id = a.line_id
           CROSS JOIN LATERAL (
               SELECT (SELECT coalesce(sum(u.worth_minor), 0) FROM point_uses u
                       WHERE u.member_id = o.member_id AND u.order_id = o.id)
                      + (SELECT coalesce(sum(u.bonus_minor), 0) FROM wallet_uses u
                         WHERE u.member_id = o.member_id AND u.order_id = o.id) AS gifts) w
           CROSS JOIN LATERAL (
               SELECT CASE WHEN o.total_minor = 0 THEN 0 ELSE div(
                   duo_value(l.net_minor, l.quantity,
                             CASE WHEN o.state IN ('confirmed', 'completed') AND o.pay_mode = 'online'
                                  THEN l.quantity - l.cancelled ELSE l.handed END - l.returned)::numeric
                   * (o.total_minor - w.gifts), o.total_minor) END AS minor) k
           WHERE a.book = 'commission' AND a.role <> 'bringing'
             AND (a.basis_minor <> k.minor
                  OR a.earned_minor <> CASE WHEN a.flag IS NULL
                                            THEN div(k.minor * a.rate_bp + 5000, 10000) ELSE 0 END)
             AND (a.basis_minor, a.earned_minor) <> (0, 0)
             AND {_TOLD}
           UNION ALL
           SELECT NULL, a.id, NULL, NULL, NULL, NULL, NULL FROM orders a
           WHERE a.external_code IS NULL
             AND EXISTS (SELECT FROM order_lines l WHERE l.member_id = a.member_id AND l.order_id = a.id
                         AND l.handed > l.returned)
             AND NOT EXISTS (SELECT FROM order_credits c WHERE c.member_id = a.member_id AND c.order_id = a.id)
             AND {_TOLD}""",  # noqa: S608 - our own text
    ),
    (
        "STL-4",
        "Of what a location handed over of a line, the parts are the whole.",
        """SELECT order_id, line_id, location_id, sum(earned_minor) AS parts, max(basis_minor) AS whole FROM accruals
           WHERE book = 'allocation' GROUP BY order_id, line_id, location_id
           HAVING sum(earned_minor) <> max(basis_minor)""",
    ),
    (
        "STL-5",
        "Nobody is paid for what they bought, no level is beyond the second, no circle pays itself, and no pair"
        " outlives what is paid for it.",
        f"""WITH RECURSIVE down(root, id, n) AS (
               SELECT payee_id, buyer_id, 1 FROM referrals
               UNION
               SELECT d.root, r.buyer_id, d.n + 1 FROM down d JOIN referrals r ON r.payee_id = d.id
               WHERE d.n < 20 AND d.root <> d.id)
           SELECT root AS payee_id, id AS buyer_id, n::text AS what FROM down WHERE root = id
           UNION ALL
           SELECT r.payee_id, r.buyer_id, 'nothing'
           FROM referrals r CROSS JOIN LATERAL (SELECT r.buyer_id AS member_id) a
           WHERE NOT EXISTS (SELECT FROM accruals s WHERE s.payee_id = r.payee_id AND s.member_id = r.buyer_id
                               AND s.role IN ('referrer', 'second') AND s.earned_minor > 0)
             AND {_TOLD}
           UNION ALL
           SELECT payee_id, member_id, role FROM accruals
           WHERE (payee_id = member_id AND earned_minor <> 0) OR level > 2
              OR (level = 2 AND sign_off_id IS NULL)""",  # noqa: S608 - our own text
    ),
    (
        "STL-6",
        "A statement is the sum of its lines, also while it is being made, and what it says of a line was settled once;"
        " what statements left out above a cap is what their months say they did.",
        """SELECT s.payee_id, s.id::text AS what, s.earned_minor - s.reversed_minor AS says,
                  coalesce(l.minor, 0) AS sums
           FROM statements s
           LEFT JOIN (SELECT payee_id, statement_id, sum(amount_minor) AS minor FROM statement_lines GROUP BY 1, 2) l
             ON l.payee_id = s.payee_id AND l.statement_id = s.id
           WHERE s.earned_minor - s.reversed_minor <> coalesce(l.minor, 0)
           UNION ALL
           SELECT payee_id, order_id::text, max(a.settled_minor), coalesce(sum(l.amount_minor), 0)
           FROM accruals a LEFT JOIN statement_lines l USING (payee_id, order_id, line_id, book, role, location_id)
           GROUP BY payee_id, order_id, line_id, book, role, location_id, a.settled_minor
           HAVING a.settled_minor <> coalesce(sum(l.amount_minor), 0)
           UNION ALL
           SELECT payee_id, 'cuts', sum(months)::bigint, sum(cuts)::bigint FROM (
               SELECT payee_id, settled_cut_minor AS months, 0 AS cuts FROM payee_months
               UNION ALL SELECT payee_id, 0, cut_minor FROM statements) x
           GROUP BY payee_id HAVING sum(months) <> sum(cuts)""",
    ),
    (
        "STL-7",
        "A statement is paid once, as much as it says less what was taken back before; what is carried and what was so"
        " withheld goes into the next.",
        """SELECT s.payee_id, s.id, s.state, s.to_pay_minor - s.withheld_minor AS says, p.minor FROM statements s
           LEFT JOIN (SELECT payee_id, statement_id, sum(amount_minor) AS minor FROM payouts WHERE state <> 'failed'
                      GROUP BY 1, 2) p ON p.payee_id = s.payee_id AND p.statement_id = s.id
           WHERE s.way = 'payout'
             AND coalesce(p.minor, 0) <> CASE WHEN s.state IN ('paying', 'paid')
                                             THEN s.to_pay_minor - s.withheld_minor ELSE 0 END
           UNION ALL
           SELECT payee_id, id, month, carried_in_minor, before FROM (
               SELECT payee_id, id, month, carried_in_minor,
                      lag(carried_out_minor, 1, 0::bigint) OVER (PARTITION BY payee_id ORDER BY month)
                        + withheld_in_minor AS before FROM statements) x
           WHERE before <> carried_in_minor
           UNION ALL
           SELECT payee_id, id, month, taken, withheld FROM (
               SELECT payee_id, id, month, sum(withheld_in_minor) OVER so_far AS taken,
                      sum(withheld_minor) OVER so_far - withheld_minor AS withheld
               FROM statements WINDOW so_far AS (PARTITION BY payee_id ORDER BY month)) x
           WHERE taken > withheld""",
    ),
    (
        "STL-8",
        "A month's commission is the sum of the shares that became due in it.",
        """SELECT m.payee_id, m.month, m.earned_minor, coalesce(a.minor, 0) AS shares FROM payee_months m
           LEFT JOIN (SELECT payee_id, month, sum(earned_minor) AS minor FROM accruals
                      WHERE book = 'commission' AND state = 'matured' GROUP BY 1, 2) a
             ON a.payee_id = m.payee_id AND a.month = m.month
           WHERE m.earned_minor <> coalesce(a.minor, 0)""",
    ),
    (
        "STL-9",
        "What people were given of an order and what was taken back is what the ledger moved. (Not of those who were"
        " ever above the cap of a month, alone or with another account of theirs: what is above it was nobody's, and"
        " moves nothing.)",
        """WITH shares AS (
               SELECT payee_id, order_id, sum(earned_minor + reversed_minor) AS given, sum(reversed_minor) AS back
               FROM accruals WHERE book = 'commission' AND role <> 'bringing' GROUP BY 1, 2
           ), moved AS (
               SELECT s.payee_id, j.order_id, coalesce(sum(e.amount_minor) FILTER (WHERE s.more), 0) AS given,
                      coalesce(sum(e.amount_minor) FILTER (WHERE NOT s.more), 0) AS back
               FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
               CROSS JOIN LATERAL (
                   SELECT split_part(CASE e.debit WHEN 'commission' THEN e.credit ELSE e.debit END, ':', 2)::uuid
                            AS payee_id, e.debit = 'commission' AS more) s
               WHERE j.kind = 'settlement-commission' GROUP BY 1, 2
           ), capped AS (
               SELECT m.payee_id FROM payee_months m
               JOIN (SELECT payee_id, sum(earned_minor + reversed_minor) AS minor FROM accruals
                     WHERE book = 'commission' GROUP BY 1) a USING (payee_id)
               WHERE m.cap_minor > 0
                 AND (m.cap_minor < a.minor
                      OR EXISTS (SELECT FROM member_merges g WHERE m.payee_id IN (g.member_id, g.other_id))))
           SELECT payee_id, order_id, s.given, m.given AS moved, s.back, m.back AS moved_back
           FROM shares s FULL JOIN moved m USING (payee_id, order_id)
           WHERE (coalesce(s.given, 0), coalesce(s.back, 0)) <> (coalesce(m.given, 0), coalesce(m.back, 0))
             AND NOT EXISTS (SELECT FROM capped c WHERE c.payee_id = coalesce(s.payee_id, m.payee_id))""",
    ),
    (
        "STL-10",
        "A payout goes to the account that was written into it, a provider's, or by file a bank's or none; and what"
        " payees were paid left our balance where it was paid: at the provider, or by file.",
        """SELECT payee_id, id::text AS what, amount_minor, NULL::numeric AS booked FROM payouts
           WHERE CASE WHEN provider = ''
                      THEN provider_ref <> '' OR (receiver = '') <> (bank = '') OR (receiver = '') <> (holder = '')
                      ELSE provider = 'bank' OR bank <> '' OR holder <> '' OR receiver = '' AND state = 'requested' END
           UNION ALL
           SELECT payee_id, 'account', 0, NULL FROM payee_accounts
           WHERE CASE WHEN provider = 'bank' THEN bank = '' OR holder = '' OR receiver !~ '^[0-9]{12,30}$'
                      ELSE bank <> '' OR receiver = '' END
           UNION ALL
           SELECT payee_id, account, p.minor, b.minor FROM (
               SELECT payee_id, 'clearing:' || CASE provider WHEN '' THEN 'payouts' ELSE provider END AS account,
                      sum(amount_minor) AS minor
               FROM payouts WHERE state = 'done' GROUP BY 1, 2) p
           FULL JOIN (
               SELECT j.member_id AS payee_id, e.credit AS account, sum(e.amount_minor) AS minor
               FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
               WHERE j.kind = 'settlement-done' GROUP BY 1, 2) b USING (payee_id, account)
           WHERE p.minor IS DISTINCT FROM b.minor""",
    ),
    (
        "STL-11",
        "Nobody is asked for more than a payee had due at that instant, and of payees who are people no more is on its"
        " way and had than was ever theirs.",
        """SELECT payee_id, id::text AS what, amount_minor, due_minor FROM payouts WHERE amount_minor > due_minor
           UNION ALL
           SELECT p.payee_id, 'had', p.paying_minor + p.paid_minor, coalesce(a.minor, 0) FROM payees p
           LEFT JOIN (SELECT payee_id, sum(earned_minor + reversed_minor) AS minor FROM accruals
                      WHERE state = 'matured' GROUP BY 1) a USING (payee_id)
           WHERE p.kind IN ('staff', 'member') AND p.paying_minor + p.paid_minor > coalesce(a.minor, 0)""",
    ),
]
