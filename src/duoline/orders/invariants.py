"""What must always hold of orders. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "ORD-1",
        "An order's total is its lines, plus delivery, less discounts.",
        """SELECT o.order_no, o.subtotal_minor, sum(l.amount_minor) AS lines
           FROM orders o LEFT JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           GROUP BY o.member_id, o.id, o.order_no, o.subtotal_minor, o.delivery_fee_minor, o.discount_minor,
                    o.total_minor
           HAVING sum(l.amount_minor) IS DISTINCT FROM o.subtotal_minor
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
        "No order that is cancelled or expired keeps a member's money.",
        """SELECT order_no, state, paid_minor, refunded_minor FROM orders
           WHERE state IN ('cancelled', 'expired') AND paid_minor <> refunded_minor""",
    ),
    (
        "PAY-5",
        "The money that is kept pays for what was handed over.",
        """SELECT o.order_no, o.paid_minor - o.refunded_minor AS kept, sum(l.handed * l.unit_price_minor) AS handed
           FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           GROUP BY o.member_id, o.id, o.order_no, o.paid_minor, o.refunded_minor, o.discount_minor
           HAVING o.paid_minor - o.refunded_minor < sum(l.handed * l.unit_price_minor) - o.discount_minor""",
    ),
    (
        "PAY-8",
        "No more is promised back than was paid for what was not handed over.",
        """SELECT o.order_no, c.paid, e.earned, r.promised
           FROM (SELECT member_id, order_id, sum(amount_minor) AS promised FROM refunds WHERE state <> 'failed'
                 GROUP BY 1, 2) r
           JOIN orders o ON o.member_id = r.member_id AND o.id = r.order_id
           JOIN (SELECT member_id, order_id, sum(amount_minor) AS paid FROM captures GROUP BY 1, 2) c
             ON c.member_id = o.member_id AND c.order_id = o.id
           JOIN (SELECT member_id, order_id, sum(handed * unit_price_minor) AS goods,
                        bool_or(method = 'delivery' AND handed > 0) AS sent FROM order_lines GROUP BY 1, 2) l
             ON l.member_id = o.member_id AND l.order_id = o.id
           CROSS JOIN LATERAL (SELECT greatest(l.goods - o.discount_minor, 0)
                                      + CASE WHEN l.sent THEN o.delivery_fee_minor ELSE 0 END AS earned) e
           WHERE r.promised > c.paid - e.earned""",
    ),
    (
        "PAY-6",
        "Every capture has its order, and what came for an order that is cancelled or expired goes back whole.",
        """SELECT c.member_id, c.id, c.order_id, c.tender, c.amount_minor, c.refunded_minor, o.state
           FROM captures c LEFT JOIN orders o ON o.member_id = c.member_id AND o.id = c.order_id
           WHERE o.id IS NULL OR (o.state IN ('cancelled', 'expired') AND c.refunded_minor <> c.amount_minor)""",
    ),
    (
        "PAY-7",
        "Nobody is asked for money for an order that is over, and an order that waits for payment asks for its total.",
        """SELECT o.order_no, o.state, o.total_minor, i.asked
           FROM orders o
           LEFT JOIN (SELECT member_id, order_id, sum(amount_minor) AS asked FROM payment_intents WHERE state = 'open'
                      GROUP BY 1, 2) i ON i.member_id = o.member_id AND i.order_id = o.id
           WHERE (o.state = 'awaiting_payment' AND i.asked IS DISTINCT FROM o.total_minor)
              OR (o.state IN ('completed', 'cancelled', 'expired') AND i.asked IS NOT NULL)""",
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
]
