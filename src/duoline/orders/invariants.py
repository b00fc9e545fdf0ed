"""What must always hold of orders. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "ORD-1",
        "An order's total is its lines, plus delivery, less discounts, which are those of its lines.",
        """SELECT o.order_no, o.subtotal_minor, sum(l.amount_minor) AS lines, sum(l.net_minor) AS net
           FROM orders o LEFT JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           GROUP BY o.member_id, o.id, o.order_no, o.subtotal_minor, o.delivery_fee_minor, o.discount_minor,
                    o.total_minor
           HAVING sum(l.amount_minor) IS DISTINCT FROM o.subtotal_minor
               OR sum(l.amount_minor - l.net_minor) IS DISTINCT FROM o.discount_minor
               OR o.total_minor <> o.subtotal_minor + o.delivery_fee_minor - o.discount_minor""",
    ),
    (
        "ORD-2",
        "Nothing is due on a closed order, and something is on an open one.",
        """SELECT o.order_no, o.state, sum(l.quantity - l.handed - l.cancelled) AS due
           FROM orders o LEFT JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           GROUP BY o.member_id, o.id, o.order_no, o.state
           HAVING (sum(l.quantity - l.handed - l.cancelled) = 0) IS DISTINCT FROM
                  (o.state IN ('completed', 'cancelled', 'expired'))""",
    ),
    (
        "ORD-3",
        "Every order number leads to its order, and every order has one.",
        """SELECT coalesce(o.order_no, n.order_no) AS order_no
           FROM orders o FULL JOIN order_numbers n ON n.order_no = o.order_no AND n.order_id = o.id
           WHERE o.id IS NULL OR n.order_id IS NULL""",
    ),
    (
        "ORD-4",
        "What comes off a line is what its promotions took off; only an imported order need not say which.",
        """SELECT o.order_no, l.n, l.amount_minor - l.net_minor AS off, coalesce(d.named, 0) AS named
           FROM order_lines l JOIN orders o ON o.member_id = l.member_id AND o.id = l.order_id
           LEFT JOIN (SELECT member_id, order_id, line_id, sum(amount_minor) AS named FROM order_discounts
                      GROUP BY 1, 2, 3) d
             ON d.member_id = l.member_id AND d.order_id = l.order_id AND d.line_id = l.id
           WHERE coalesce(d.named, 0) <>
                 CASE WHEN o.external_code IS NULL THEN l.amount_minor - l.net_minor ELSE 0 END""",
    ),
    (
        "ORD-5",
        "What is paid at a till waits for its money or is over: all of it is paid and handed over in one step.",
        """SELECT o.order_no, o.state, o.paid_minor, o.total_minor FROM orders o
           WHERE o.pay_mode = 'till' AND o.external_code IS NULL AND (
               o.state = 'confirmed' OR (o.state = 'completed' AND o.paid_minor <> o.total_minor
                                         -- Of a pre-order more may have come, for tries to pay that were given up.
                                         AND (o.presale_id IS NULL OR o.paid_minor < o.total_minor)))""",
    ),
    (
        "ORD-6",
        "A gift costs nothing, one promotion has paid for all of it, and the order says what it was given for.",
        """SELECT o.order_no, l.n, l.gift, l.net_minor FROM order_lines l
           JOIN orders o ON o.member_id = l.member_id AND o.id = l.order_id
           LEFT JOIN order_gifts g ON g.member_id = l.member_id AND g.order_id = l.order_id AND g.line_id = l.id
           WHERE l.gift <> (g.line_id IS NOT NULL)
              OR l.gift AND (l.net_minor <> 0 OR l.amount_minor > 0 AND NOT EXISTS (
                     SELECT FROM order_discounts d
                     WHERE d.member_id = l.member_id AND d.order_id = l.order_id AND d.line_id = l.id
                       AND d.promotion_id = g.promotion_id AND d.amount_minor = l.amount_minor))
              OR EXISTS (SELECT FROM unnest(g.bought) AS b(id) WHERE NOT EXISTS (
                     SELECT FROM order_lines w
                     WHERE w.member_id = g.member_id AND w.order_id = g.order_id AND w.id = b.id AND NOT w.gift))""",
    ),
    (
        "PAY-9",
        "Of an order that waits for payment nothing has come in cash: a drawer's money has its goods handed over.",
        """SELECT o.order_no, c.id, c.tender, c.amount_minor FROM orders o
           JOIN captures c ON c.member_id = o.member_id AND c.order_id = o.id
           WHERE o.state = 'awaiting_payment' AND c.tender = 'cash'""",
    ),
    (
        "PAY-2",
        "What was captured for an order is what the order says was paid, and the same for refunds.",
        """SELECT o.order_no, o.paid_minor, o.refunded_minor, c.paid, c.refunded
           FROM orders o
           LEFT JOIN (SELECT member_id, order_id, sum(amount_minor) AS paid, sum(refunded_minor) AS refunded
                      FROM captures GROUP BY 1, 2) c ON c.member_id = o.member_id AND c.order_id = o.id
           WHERE o.paid_minor <> coalesce(c.paid, 0) OR o.refunded_minor <> coalesce(c.refunded, 0)""",
    ),
    (
        "PAY-4",
        "No order that is cancelled or expired keeps a member's money, but a deposit that its terms keep.",
        """SELECT order_no, state, paid_minor, refunded_minor, forfeited_minor FROM orders
           WHERE state IN ('cancelled', 'expired') AND paid_minor <> refunded_minor + forfeited_minor""",
    ),
    (
        "PAY-5",
        "The money that is kept pays for what was handed over and not brought back.",
        """SELECT o.order_no, o.paid_minor - o.refunded_minor AS kept,
                  sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned)) AS handed
           FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           GROUP BY o.member_id, o.id, o.order_no, o.paid_minor, o.refunded_minor, o.clawback_minor, o.forfeited_minor
           HAVING o.paid_minor - o.refunded_minor
                  < sum(duo_value(l.net_minor, l.quantity, l.handed - l.returned)) + o.clawback_minor
                    + o.forfeited_minor""",
    ),
    (
        "PAY-8",
        "No more is promised back than was paid for what was not handed over, or was brought back.",
        """SELECT o.order_no, c.paid, e.earned, r.promised
           FROM (SELECT member_id, order_id, sum(amount_minor) AS promised FROM refunds WHERE state <> 'failed'
                 GROUP BY 1, 2) r
           JOIN orders o ON o.member_id = r.member_id AND o.id = r.order_id
           JOIN (SELECT member_id, order_id, sum(amount_minor) AS paid FROM captures GROUP BY 1, 2) c
             ON c.member_id = o.member_id AND c.order_id = o.id
           JOIN (SELECT member_id, order_id, sum(duo_value(net_minor, quantity, handed - returned)) AS goods,
                        bool_or(method = 'delivery' AND handed > 0) AS sent FROM order_lines GROUP BY 1, 2) l
             ON l.member_id = o.member_id AND l.order_id = o.id
           CROSS JOIN LATERAL (SELECT l.goods + o.clawback_minor + o.forfeited_minor
                                      + CASE WHEN l.sent THEN o.delivery_fee_minor ELSE 0 END AS earned) e
           WHERE r.promised > c.paid - e.earned""",
    ),
    (
        "PAY-6",
        "Every capture has its order, and what came for an order that is cancelled or expired goes back whole, but a"
        " deposit that its terms keep.",
        """SELECT c.member_id, c.id, c.order_id, c.tender, c.amount_minor, c.refunded_minor, o.state
           FROM captures c LEFT JOIN orders o ON o.member_id = c.member_id AND o.id = c.order_id
           LEFT JOIN preorders p ON p.member_id = c.member_id AND p.order_id = c.order_id
                                AND p.deposit_intent_id = c.intent_id
           WHERE o.id IS NULL
              OR (o.state IN ('cancelled', 'expired')
                  AND c.amount_minor - c.refunded_minor
                      <> CASE WHEN p.order_id IS NULL THEN 0 ELSE o.forfeited_minor END)""",
    ),
    (
        "PAY-7",
        "Nobody is asked for money for an order that is over; of one that waits for payment, or for its balance, what"
        " is asked for and what was paid come to its total.",
        """SELECT o.order_no, o.state, o.total_minor, o.paid_minor, o.refunded_minor, i.asked
           FROM orders o
           LEFT JOIN (SELECT member_id, order_id, sum(amount_minor) AS asked FROM payment_intents WHERE state = 'open'
                      GROUP BY 1, 2) i ON i.member_id = o.member_id AND i.order_id = o.id
           WHERE (o.state IN ('awaiting_payment', 'booked')
                  AND i.asked IS DISTINCT FROM o.total_minor - o.paid_minor + o.refunded_minor)
              OR (o.state IN ('completed', 'cancelled', 'expired') AND i.asked IS NOT NULL)""",
    ),
    (
        "PRE-2",
        "A booked order is a pre-order that has paid its deposit and nothing else, and no location serves it.",
        """SELECT o.order_no, o.paid_minor - o.refunded_minor AS kept, p.deposit_minor, o.pay_by_at, f.live
           FROM orders o
           LEFT JOIN preorders p ON p.member_id = o.member_id AND p.order_id = o.id
           LEFT JOIN LATERAL (SELECT count(*) AS live FROM fulfilments f
                              WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id
                                AND f.state IN ('waiting', 'to_pick', 'ready')) f ON true
           WHERE o.state = 'booked' AND (
               p.deposit_minor IS DISTINCT FROM o.paid_minor - o.refunded_minor OR f.live > 0
               OR o.pay_by_at IS DISTINCT FROM p.balance_until)""",
    ),
    (
        "PRE-3",
        "A pre-order has its terms, whose deposit and balance are its total, and no other order has any; its code was"
        " redeemed when it was paid and handed over at a till, and not otherwise.",
        """SELECT o.order_no, p.order_id, o.presale_id, o.total_minor, p.deposit_minor, p.balance_minor, o.state,
                  p.redeemed_at
           FROM (SELECT * FROM orders WHERE presale_id IS NOT NULL) o
           FULL JOIN preorders p ON p.member_id = o.member_id AND p.order_id = o.id
           WHERE p.presale_id IS DISTINCT FROM o.presale_id
              OR o.total_minor <> p.deposit_minor + p.balance_minor
              OR (p.redeemed_at IS NOT NULL) <> (o.pay_mode = 'till' AND o.state = 'completed')""",
    ),
    (
        "PRE-4",
        "A deposit is kept whole or not at all, of a pre-order that came to nothing and whose terms keep it, and the"
        " ledger has earned it.",
        """SELECT o.order_no, o.state, o.forfeited_minor, p.deposit_minor, p.unpaid_terms, j.earned
           FROM orders o
           LEFT JOIN preorders p ON p.member_id = o.member_id AND p.order_id = o.id
           LEFT JOIN (SELECT j.member_id, j.order_id, sum(e.amount_minor) AS earned
                      FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
                      WHERE j.kind = 'forfeit' AND e.credit = 'income:forfeited' AND e.debit = 'deposits'
                      GROUP BY 1, 2) j ON j.member_id = o.member_id AND j.order_id = o.id
           WHERE o.forfeited_minor <> coalesce(j.earned, 0)
              OR (o.forfeited_minor <> 0 AND (o.forfeited_minor IS DISTINCT FROM p.deposit_minor
                  OR p.unpaid_terms <> 'kept' OR o.state NOT IN ('cancelled', 'expired')))""",
    ),
    (
        "LED-3",
        "Of an order that is over nothing is owed but the refunds that are under way.",
        """SELECT o.order_no, o.state, coalesce(d.owed, 0) AS owed, coalesce(r.under_way, 0) AS under_way
           FROM orders o
           LEFT JOIN (SELECT j.member_id, j.order_id, sum(CASE WHEN e.credit = 'deposits' THEN e.amount_minor
                                                               ELSE -e.amount_minor END) AS owed
                      FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
                      WHERE 'deposits' IN (e.debit, e.credit) GROUP BY 1, 2) d
             ON d.member_id = o.member_id AND d.order_id = o.id
           LEFT JOIN (SELECT member_id, order_id, sum(amount_minor) AS under_way FROM refunds WHERE state <> 'done'
                      GROUP BY 1, 2) r ON r.member_id = o.member_id AND r.order_id = o.id
           WHERE o.state IN ('completed', 'cancelled', 'expired')
             AND coalesce(d.owed, 0) <> coalesce(r.under_way, 0)""",
    ),
    (
        "RET-1",
        "What a line says was brought back is what its returns say, and no more than was handed over.",
        """SELECT l.order_id, l.id, l.handed, l.returned, r.came
           FROM order_lines l
           LEFT JOIN (SELECT member_id, order_id, line_id, sum(quantity) AS came FROM return_lines GROUP BY 1, 2, 3) r
             ON r.member_id = l.member_id AND r.order_id = l.order_id AND r.line_id = l.id
           WHERE l.returned <> coalesce(r.came, 0) OR l.returned > l.handed""",
    ),
    (
        "RET-2",
        "What came back into a shop moved in for its return, and what of it was damaged moved out again.",
        """SELECT coalesce(r.return_id, m.ref_id) AS return_id, coalesce(r.sku_id, m.sku_id) AS sku_id, r.came,
                  m.moved_in, r.damaged, m.moved_out
           FROM (SELECT h.location_id, l.return_id, l.sku_id, sum(l.quantity) AS came,
                        coalesce(sum(l.quantity) FILTER (WHERE l.condition = 'damaged'), 0) AS damaged
                 FROM return_lines l JOIN returns h ON h.member_id = l.member_id AND h.id = l.return_id
                 GROUP BY 1, 2, 3) r
           FULL JOIN (SELECT m.location_id, m.ref_id, m.sku_id,
                             coalesce(sum(m.quantity) FILTER (WHERE m.reason = 'return'), 0) AS moved_in,
                             coalesce(-sum(m.quantity) FILTER (WHERE m.reason = 'damage'), 0) AS moved_out
                      FROM movements m JOIN levels v ON v.location_id = m.location_id AND v.sku_id = m.sku_id
                      WHERE m.ref_kind = 'return' GROUP BY 1, 2, 3) m
             ON m.ref_id = r.return_id AND m.location_id = r.location_id AND m.sku_id = r.sku_id
           WHERE (r.came, r.damaged) IS DISTINCT FROM (m.moved_in, m.moved_out)""",
    ),
    (
        "RET-3",
        "What a return gave back is in its refunds, and what its units were sold for left the sales of who sold them.",
        """SELECT h.id, h.refund_minor, f.given, l.value_minor, j.unsold
           FROM returns h
           LEFT JOIN (SELECT member_id, return_id, sum(value_minor) AS value_minor FROM return_lines GROUP BY 1, 2) l
             ON l.member_id = h.member_id AND l.return_id = h.id
           LEFT JOIN LATERAL (SELECT sum(r.amount_minor) AS given FROM return_refunds w
                              JOIN refunds r ON r.member_id = w.member_id AND r.id = w.refund_id
                              WHERE w.member_id = h.member_id AND w.return_id = h.id
                                AND r.order_id = h.order_id) f ON true
           LEFT JOIN LATERAL (SELECT sum(e.amount_minor) AS unsold FROM journals j
                              JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
                              WHERE j.member_id = h.member_id AND j.kind = 'return' AND j.ref_id = h.id
                                AND e.credit = 'deposits') j ON true
           WHERE h.refund_minor <> coalesce(f.given, 0) OR l.value_minor IS DISTINCT FROM coalesce(j.unsold, 0)""",
    ),
]
