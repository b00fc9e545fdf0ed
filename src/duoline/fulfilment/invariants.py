"""What must always hold of fulfilments. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "FUL-1",
        "A live fulfilment holds exactly its units; a finished one holds none.",
        """SELECT f.location_id, f.id, f.state, l.line_id, l.quantity, h.state AS hold, h.quantity AS held
           FROM fulfilments f
           JOIN fulfilment_lines l ON l.location_id = f.location_id AND l.fulfilment_id = f.id
           JOIN holds h ON h.location_id = l.location_id AND h.id = l.hold_id
           WHERE (f.state IN ('waiting', 'to_pick', 'ready') AND l.quantity > 0
                  AND (h.state <> 'open' OR h.quantity <> l.quantity))
              OR (f.state NOT IN ('waiting', 'to_pick', 'ready') AND h.state = 'open')
              OR (l.quantity = 0 AND h.state = 'open')""",
    ),
    (
        "FUL-2",
        "What left a location for an order line is what the line says was handed over.",
        """SELECT l.order_id, l.id, l.handed, m.moved
           FROM order_lines l
           LEFT JOIN (SELECT fl.line_id, sum(h.quantity) AS moved
                      FROM fulfilment_lines fl
                      JOIN fulfilments f ON f.location_id = fl.location_id AND f.id = fl.fulfilment_id
                                        AND f.kind <> 'transfer'  -- leaves its location, and the chain has it still
                      JOIN holds h ON h.location_id = fl.location_id AND h.id = fl.hold_id
                      WHERE h.state = 'taken' GROUP BY fl.line_id) m ON m.line_id = l.id
           JOIN orders o ON o.member_id = l.member_id AND o.id = l.order_id
           WHERE o.channel NOT IN ('till', 'import') AND l.handed <> coalesce(m.moved, 0)""",
    ),
    (
        "I12",
        "Nothing leaves a location unpaid.",
        "SELECT location_id, id, state FROM fulfilments "
        "WHERE state IN ('handed_over', 'shipped', 'delivered') AND NOT paid",
    ),
    (
        "FUL-3",
        "No more units of a line are on their way than are due.",
        """SELECT l.order_id, l.id, l.quantity - l.handed - l.cancelled AS due, f.live
           FROM order_lines l
           JOIN (SELECT fl.line_id, sum(fl.quantity) AS live
                 FROM fulfilment_lines fl
                 JOIN fulfilments f ON f.location_id = fl.location_id AND f.id = fl.fulfilment_id
                 WHERE f.state IN ('waiting', 'to_pick', 'ready') OR (f.kind = 'transfer' AND f.state = 'shipped')
                 GROUP BY fl.line_id) f ON f.line_id = l.id
           WHERE f.live > l.quantity - l.handed - l.cancelled""",
    ),
    (
        "FUL-8",
        "Units of a delivery that are due and that nobody serves wait for a person, and nothing else does.",
        """SELECT coalesce(l.order_id, z.order_id) AS order_id, l.unserved, z.since_at
           FROM (SELECT l.member_id, l.order_id,
                        sum(l.quantity - l.handed - l.cancelled - coalesce(f.live, 0)) AS unserved
                 FROM orders o
                 JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.method = 'delivery'
                 LEFT JOIN (SELECT w.line_id, sum(w.quantity) AS live
                            FROM fulfilment_lines w
                            JOIN fulfilments f ON f.location_id = w.location_id AND f.id = w.fulfilment_id
                            WHERE f.state IN ('waiting', 'to_pick', 'ready') GROUP BY 1) f ON f.line_id = l.id
                 WHERE o.state = 'confirmed' AND o.channel NOT IN ('till', 'import')
                 GROUP BY 1, 2
                 HAVING sum(l.quantity - l.handed - l.cancelled - coalesce(f.live, 0)) > 0) l
           FULL JOIN frozen_orders z ON z.member_id = l.member_id AND z.order_id = l.order_id
           WHERE l.order_id IS NULL OR z.order_id IS NULL""",
    ),
    (
        "FUL-9",
        "What lies on a till's counter until it is paid is of an order of that shop's till, and is nobody's work.",
        """SELECT f.location_id, f.id, f.kind, f.state, o.order_no, o.state AS order_state FROM fulfilments f
           LEFT JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id
           -- What is left of tries to pay a pre-order's balance says nothing of how it is paid in the end.
           WHERE f.kind = 'till' AND NOT (f.state = 'cancelled' AND o.presale_id IS NOT NULL) AND (
               o.pay_mode IS DISTINCT FROM 'till' OR o.store_id IS DISTINCT FROM f.location_id
               OR f.state NOT IN ('waiting', 'handed_over', 'cancelled')
               OR (f.state = 'waiting') <> (o.state = 'awaiting_payment')
               OR (f.state = 'handed_over') <> (o.state = 'completed'))""",
    ),
    (
        "FUL-4",
        "An open hold of an order serves a line of a live fulfilment of that order: none is kept for what is over.",
        """SELECT h.location_id, h.id, h.ref_id AS order_id, h.sku_id, h.quantity
           FROM holds h
           LEFT JOIN fulfilment_lines w ON w.location_id = h.location_id AND w.hold_id = h.id AND w.quantity > 0
           LEFT JOIN fulfilments f ON f.location_id = w.location_id AND f.id = w.fulfilment_id AND f.order_id = h.ref_id
                                  AND f.state IN ('waiting', 'to_pick', 'ready')
           WHERE h.state = 'open' AND h.ref_kind = 'order' AND f.id IS NULL""",
    ),
    (
        "FUL-5",
        "A fulfilment's line, its hold and its order line speak of one SKU and order; no hold serves two lines.",
        """SELECT * FROM (
             SELECT w.location_id, w.fulfilment_id, w.line_id, w.sku_id, h.sku_id AS held_sku, l.sku_id AS ordered_sku,
                    f.order_id, h.ref_id, count(*) OVER (PARTITION BY w.location_id, w.hold_id) AS lines
             FROM fulfilment_lines w
             JOIN fulfilments f ON f.location_id = w.location_id AND f.id = w.fulfilment_id
             LEFT JOIN holds h ON h.location_id = w.location_id AND h.id = w.hold_id
             LEFT JOIN order_lines l ON l.member_id = f.member_id AND l.order_id = f.order_id AND l.id = w.line_id) x
           WHERE held_sku IS DISTINCT FROM sku_id OR ordered_sku IS DISTINCT FROM sku_id
              OR ref_id IS DISTINCT FROM order_id OR lines > 1""",
    ),
    (
        "FUL-6",
        "What was sold over a till left its shop.",
        """SELECT coalesce(s.order_id, m.ref_id) AS order_id, coalesce(s.sku_id, m.sku_id) AS sku_id, s.sold, m.moved
           FROM (SELECT o.id AS order_id, o.store_id, l.sku_id, sum(l.handed) AS sold
                 FROM orders o JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
                 WHERE o.channel = 'till' AND o.external_code IS NULL GROUP BY 1, 2, 3) s
           FULL JOIN (SELECT m.ref_id, m.location_id, m.sku_id, -sum(m.quantity) AS moved
                      FROM movements m JOIN orders o ON o.id = m.ref_id
                      WHERE m.ref_kind = 'order' AND m.quantity < 0 AND o.channel = 'till' AND o.external_code IS NULL
                      GROUP BY 1, 2, 3) m
             ON m.ref_id = s.order_id AND m.location_id = s.store_id AND m.sku_id = s.sku_id
           WHERE coalesce(s.sold, 0) <> coalesce(m.moved, 0)""",
    ),
    (
        "TRF-5",
        "Units of an order on the way to a shop are in a transfer that is under way, made when their fulfilment sent "
        "them; no other has one.",
        """SELECT f.location_id, f.id, f.state, t.state AS transfer, w.sku_id, w.units, l.on_the_way
           FROM (SELECT * FROM fulfilments WHERE kind = 'transfer') f
           FULL JOIN (SELECT * FROM transfers WHERE side = 'out' AND ref_kind = 'fulfilment') t
             ON t.location_id = f.location_id AND t.ref_id = f.id
           LEFT JOIN LATERAL (
               SELECT v.sku_id, sum(v.quantity)::integer AS units FROM fulfilment_lines v
               WHERE v.location_id = f.location_id AND v.fulfilment_id = f.id GROUP BY v.sku_id) w ON true
           LEFT JOIN LATERAL (
               SELECT v.sent - v.received - v.damaged - v.lost AS on_the_way FROM transfer_lines v
               WHERE v.location_id = t.location_id AND v.transfer_id = t.id AND v.sku_id = w.sku_id) l ON true
           WHERE f.id IS NULL
              OR (f.state = 'shipped' AND (t.state IS DISTINCT FROM 'sent' OR w.units > coalesce(l.on_the_way, 0)))
              OR (f.state = 'delivered' AND (t.id IS NULL OR t.state = 'sent'))
              OR (f.state NOT IN ('shipped', 'delivered', 'cancelled') AND t.id IS NOT NULL)
              OR t.other_location_id <> f.to_location_id""",
    ),
    (
        "FUL-7",
        "Who is reminded to collect something is so once, of a pickup that was ready, and while it is still kept.",
        """SELECT r.location_id, r.fulfilment_id, f.kind, f.state, r.reminded_at, r.keep_until
           FROM pickup_reminders r JOIN fulfilments f ON f.location_id = r.location_id AND f.id = r.fulfilment_id
           WHERE f.kind <> 'pickup' OR r.reminded_at >= r.keep_until OR f.state = 'waiting'
              OR (SELECT count(*) FROM order_events e
                  WHERE e.member_id = f.member_id AND e.order_id = f.order_id AND e.kind = 'reminded'
                    AND e.data->>'fulfilment_id' = f.id::text) <> 1""",
    ),
    (
        "PRM-2",
        "No more promises of a day were kept than were made.",
        """SELECT location_id, day, kind, band, promises, kept, plain_kept FROM promise_days
           WHERE promises <= 0 OR kept NOT BETWEEN 0 AND promises OR plain_kept NOT BETWEEN 0 AND promises
              OR loss_milli < 0 OR plain_loss_milli < 0""",
    ),
]
