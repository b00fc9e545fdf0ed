"""What must always hold of points. Each query returns the rows that break it."""

from __future__ import annotations

_TOLD = """NOT EXISTS (SELECT FROM member_outbox m WHERE m.member_id = o.member_id)
             AND NOT EXISTS (SELECT FROM event_log v WHERE v.for_member_id = o.member_id AND v.id > coalesce(
                                 (SELECT last_id FROM event_offsets WHERE consumer = 'points'), 0))
             AND NOT EXISTS (SELECT FROM stock_outbox s WHERE s.for_member_id = o.member_id)"""

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "PTS-1",
        "A member's points are what the ledger says, and none are below zero: what is missing is owed.",
        """WITH booked AS (
               SELECT member_id, sum(points) FILTER (WHERE account = 'points:pending') AS pending,
                      sum(points) FILTER (WHERE account = 'points:open') AS spendable,
                      -sum(points) FILTER (WHERE account = 'points:owed') AS owed
               FROM journal_entries e, LATERAL (VALUES (e.credit, e.amount_minor), (e.debit, -e.amount_minor))
                    AS a(account, points)
               WHERE e.currency = 'PTS' GROUP BY member_id)
           SELECT coalesce(a.member_id, b.member_id) AS member_id, a.pending, a.spendable, a.owed,
                  b.pending AS booked_pending, b.spendable AS booked_spendable, b.owed AS booked_owed
           FROM point_accounts a FULL JOIN booked b ON b.member_id = a.member_id
           WHERE (coalesce(a.pending, 0), coalesce(a.spendable, 0), coalesce(a.owed, 0))
                 <> (coalesce(b.pending, 0), coalesce(b.spendable, 0), coalesce(b.owed, 0))""",
    ),
    (
        "PTS-2",
        "What can be spent, and what waits, is what is left of the lots that are open, or wait.",
        """SELECT a.member_id, a.pending, a.spendable, l.pending AS lots_pending, l.open AS lots_open
           FROM point_accounts a
           LEFT JOIN (SELECT member_id, sum(left_points) FILTER (WHERE state = 'pending') AS pending,
                             sum(left_points) FILTER (WHERE state = 'open') AS open
                      FROM point_lots GROUP BY member_id) l ON l.member_id = a.member_id
           WHERE a.pending <> coalesce(l.pending, 0) OR a.spendable <> coalesce(l.open, 0)""",
    ),
    (
        "PTS-3",
        "What an order earned follows from its rates and what of it was handed over and not brought back; what was paid"
        " in points earns none. A member's order of which something was handed over has its rates. (Not yet told of are"
        " only events of the last minutes; who was forgotten lost all; imported orders earn none.)",
        f"""SELECT l.member_id, l.ref_id AS order_id, l.granted, e.points
           FROM point_lots l
           JOIN orders o ON o.member_id = l.member_id AND o.id = l.ref_id
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(div(duo_value(x.net_minor, x.quantity, x.handed - x.returned)::numeric
                                       * (o.total_minor - w.minor) * r.rate, o.total_minor::numeric * 10000)), 0)
                      AS points
               FROM order_lines x
               JOIN point_rates r ON r.member_id = x.member_id AND r.order_id = x.order_id AND r.line_id = x.id
               CROSS JOIN (SELECT coalesce(sum(u.worth_minor), 0) AS minor FROM point_uses u
                           WHERE u.member_id = o.member_id AND u.order_id = o.id) w
               WHERE x.member_id = o.member_id AND x.order_id = o.id AND (l.line_id IS NULL OR x.id = l.line_id)
                 AND o.total_minor > 0) e
           WHERE l.source = 'order' AND l.granted <> e.points
             AND NOT EXISTS (SELECT FROM members m WHERE m.member_id = o.member_id AND m.erased_at IS NOT NULL)
             AND {_TOLD}
           UNION ALL
           SELECT o.member_id, o.id, NULL, NULL
           FROM orders o JOIN members b ON b.member_id = o.member_id AND b.kind = 'member'
           WHERE o.external_code IS NULL
             AND EXISTS (SELECT FROM order_lines x
                         WHERE x.member_id = o.member_id AND x.order_id = o.id AND x.handed > 0 AND NOT EXISTS (
                             SELECT FROM point_rates r
                             WHERE r.member_id = x.member_id AND r.order_id = x.order_id AND r.line_id = x.id))
             AND {_TOLD}""",  # noqa: S608 - our own text
    ),
    (
        "PTS-4",
        "Points that paid for an order are one capture of it, worth as much, from lots that are written down with it,"
        " and what went back of the one went back of the other.",
        """SELECT coalesce(u.id, c.intent_id) AS id, u.worth_minor, u.back_minor, c.amount_minor, c.refunded_minor
           FROM point_uses u
           FULL JOIN (SELECT * FROM captures WHERE tender = 'points') c
             ON c.member_id = u.member_id AND c.intent_id = u.id
           WHERE u.id IS NULL OR c.intent_id IS NULL OR u.order_id <> c.order_id
              OR u.worth_minor <> c.amount_minor OR u.back_minor <> c.refunded_minor
              OR u.drawn <> '[]' AND u.points <> (SELECT sum((d->>'points')::bigint)
                                                  FROM jsonb_array_elements(u.drawn) d)""",
    ),
    (
        "MRG-4",
        "Points that paid came from accounts of the person who bought, as of then, and each account's ledger says how"
        " many: merging and undoing move none. (Clocks of several machines may differ by five minutes.)",
        """WITH shares AS (
               SELECT s.*, u.points AS whole, u.shared_with FROM point_shares s
               LEFT JOIN point_uses u ON u.member_id = s.buyer_id AND u.id = s.use_id),
           heads AS (
               SELECT other_id AS member_id, member_id AS head, at AS from_at,
                      coalesce(undone_at, 'infinity') AS until_at
               FROM member_merges
               UNION ALL
               SELECT DISTINCT m.id, m.id, timestamptz '-infinity', timestamptz 'infinity'
               FROM shares s, LATERAL (VALUES (s.member_id), (s.buyer_id)) m(id)),
           paid AS (
               SELECT member_id, order_id, points FROM point_shares
               UNION ALL
               SELECT u.member_id, u.order_id,
                      u.points - coalesce((SELECT sum(s.points) FROM point_shares s
                                           WHERE s.member_id = ANY (u.shared_with) AND s.use_id = u.id), 0)
               FROM point_uses u),
           booked AS (
               SELECT j.member_id, j.order_id, sum(e.amount_minor) AS points FROM journals j
               JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id AND e.currency = 'PTS'
               WHERE j.kind = 'points-used' GROUP BY 1, 2)
           SELECT s.member_id, s.use_id, 'not one person' AS wrong
           FROM shares s, (SELECT interval '5 minutes' AS slack) clocks
           WHERE s.whole IS NULL OR NOT s.member_id = ANY (s.shared_with)
              OR NOT EXISTS (
                  SELECT FROM heads a JOIN heads b ON b.head = a.head
                  WHERE a.member_id = s.member_id AND b.member_id = s.buyer_id AND a.from_at <= s.at + slack
                    AND b.from_at <= s.at + slack AND a.until_at >= s.at - slack AND b.until_at >= s.at - slack)
           UNION ALL
           SELECT coalesce(p.member_id, b.member_id), coalesce(p.order_id, b.order_id), 'not what the ledger says'
           FROM (SELECT member_id, order_id, sum(points) AS points FROM paid GROUP BY 1, 2) p
           FULL JOIN booked b ON b.member_id = p.member_id AND b.order_id = p.order_id
           WHERE coalesce(p.points, 0) <> coalesce(b.points, 0)""",
    ),
]
