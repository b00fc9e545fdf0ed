"""What must always hold of stock. Each query returns the rows that break it, so none is right."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "INV-1",
        "A level's units on hand are the sum of its movements.",
        """SELECT coalesce(l.location_id, m.location_id) AS location_id, coalesce(l.sku_id, m.sku_id) AS sku_id,
                  l.on_hand, m.total
           FROM levels l
           FULL JOIN (SELECT location_id, sku_id, sum(quantity) AS total FROM movements GROUP BY 1, 2) m
             ON m.location_id = l.location_id AND m.sku_id = l.sku_id
           LEFT JOIN locations p ON p.id = m.location_id
           WHERE coalesce(l.on_hand, 0) <> coalesce(m.total, 0) AND (p.kind IS NULL OR p.store_id IS NOT NULL)""",
    ),
    (
        "INV-1b",
        "Both rows of a movement cancel out.",
        "SELECT id, sku_id, sum(quantity) FROM movements GROUP BY 1, 2 HAVING sum(quantity) <> 0 OR count(*) <> 2",
    ),
    (
        "INV-2",
        "0 <= held <= on hand, and held is the sum of the open holds.",
        """SELECT l.location_id, l.sku_id, l.on_hand, l.held, h.total
           FROM levels l
           LEFT JOIN (SELECT location_id, sku_id, sum(quantity) AS total FROM holds WHERE state = 'open'
                      GROUP BY 1, 2) h USING (location_id, sku_id)
           WHERE l.held < 0 OR l.held > l.on_hand OR l.held <> coalesce(h.total, 0)""",
    ),
    (
        "INV-4",
        "What a level promises away is the sum of its open outward holds, and it has its location's terms.",
        """SELECT l.location_id, l.sku_id, l.outward, h.total, l.outward_cap, l.outward_reserve
           FROM levels l JOIN locations p ON p.id = l.location_id
           LEFT JOIN (SELECT location_id, sku_id, sum(quantity) AS total FROM holds WHERE state = 'open' AND outward
                      GROUP BY 1, 2) h ON h.location_id = l.location_id AND h.sku_id = l.sku_id
           WHERE l.outward <> coalesce(h.total, 0)
              OR (l.outward_cap, l.outward_reserve) IS DISTINCT FROM (p.outward_cap, p.outward_reserve)""",
    ),
    (
        "INV-3",
        "A hold that is taken has its movement, and no other hold has one.",
        """SELECT h.location_id, h.id, h.state, h.quantity, m.quantity AS moved
           FROM holds h LEFT JOIN movements m ON m.location_id = h.location_id AND m.id = h.id
           WHERE (h.state = 'taken') <> (m.id IS NOT NULL) OR (h.state = 'taken' AND m.quantity <> -h.quantity)""",
    ),
    (
        "CNT-1",
        "What an approved count booked is its differences, less the units short, which its tasks tell of.",
        """SELECT l.location_id, l.count_id::text AS what, l.sku_id, l.variance, l.applied, l.short
           FROM counts c
           JOIN count_lines l ON l.location_id = c.location_id AND l.count_id = c.id
           LEFT JOIN LATERAL (
               SELECT sum(m.quantity) AS units FROM movements m
               WHERE m.location_id = l.location_id AND m.sku_id = l.sku_id AND m.ref_kind = 'count'
                 AND m.ref_id = c.id AND m.reason = 'count' AND m.at = c.decided_at) m ON true
           WHERE (c.state = 'approved' AND l.counted IS NOT NULL
                  AND (l.variance IS NULL OR l.variance <> l.applied - l.short OR l.applied <> coalesce(m.units, 0)))
              OR (c.state <> 'approved' AND l.variance IS NOT NULL)
           UNION ALL
           SELECT location_id, 'shortages', sku_id, sum(units)::integer, 0, 0 FROM (
               SELECT location_id, sku_id, short AS units FROM count_lines WHERE short > 0
               UNION ALL SELECT location_id, sku_id, broken - units FROM shortages) u
           GROUP BY location_id, sku_id HAVING sum(units) <> 0""",
    ),
    (
        "CNT-2",
        "An open shortage has units left, and a job works on it or a person was asked.",
        """SELECT s.location_id, s.id, s.sku_id, s.units FROM shortages s
           WHERE s.state = 'open' AND (s.taken + s.lost + s.found > s.units OR (NOT s.asks AND NOT EXISTS (
               SELECT FROM pgqueuer.pgqueuer j WHERE j.dedupe_key LIKE 'stock.shortage:' || s.id || ':%')))""",
    ),
    (
        "TRF-1",
        "Both sides of a transfer say the same.",
        """WITH said AS (
               SELECT t.id, t.side, t.location_id, t.other_location_id,
                      to_jsonb(t) - 'location_id' - 'other_location_id' - 'side' AS words,
                      (SELECT jsonb_agg(to_jsonb(l) - 'location_id' - 'hold_id' ORDER BY l.sku_id) FROM transfer_lines l
                       WHERE l.location_id = t.location_id AND l.transfer_id = t.id) AS lines
               FROM transfers t)
           SELECT coalesce(o.id, i.id) AS id, o.words AS words_out, i.words AS words_in, o.lines AS lines_out,
                  i.lines AS lines_in
           FROM (SELECT * FROM said WHERE side = 'out') o
           FULL JOIN (SELECT * FROM said WHERE side = 'in') i ON i.id = o.id
           WHERE (o.words, o.lines, o.location_id, o.other_location_id)
                 IS DISTINCT FROM (i.words, i.lines, i.other_location_id, i.location_id)""",
    ),
    (
        "TRF-2",
        "What is in transit to a store is what its transfers under way sent and have not accounted for.",
        """SELECT coalesce(v.store_id, w.store_id) AS store_id, coalesce(v.sku_id, w.sku_id) AS sku_id,
                  v.on_hand, w.units
           FROM (SELECT p.store_id, l.sku_id, l.on_hand FROM levels l
                 JOIN locations p ON p.id = l.location_id AND p.kind = 'transit') v
           FULL JOIN (SELECT t.location_id AS store_id, l.sku_id,
                             sum(l.sent - l.received - l.damaged - l.lost)::integer AS units
                      FROM transfers t JOIN transfer_lines l ON l.location_id = t.location_id AND l.transfer_id = t.id
                      WHERE t.side = 'in' AND t.state IN ('sent', 'short') GROUP BY 1, 2) w
             ON w.store_id = v.store_id AND w.sku_id = v.sku_id
           WHERE coalesce(v.on_hand, 0) <> coalesce(w.units, 0)""",
    ),
    (
        "TRF-3",
        "A transfer that was not sent yet holds exactly its units at the source; any other holds none.",
        """SELECT t.location_id, t.id, t.state, l.sku_id, l.quantity, h.state AS hold, h.quantity AS held
           FROM transfers t
           JOIN transfer_lines l ON l.location_id = t.location_id AND l.transfer_id = t.id
           LEFT JOIN holds h ON h.location_id = l.location_id AND h.id = l.hold_id
           WHERE t.side = 'out' AND CASE WHEN t.state IN ('requested', 'approved')
                 THEN h.state IS DISTINCT FROM 'open' OR h.quantity <> l.quantity OR h.sku_id <> l.sku_id
                      OR h.ref_id <> t.id
                 ELSE h.state = 'open' END
           UNION ALL
           SELECT h.location_id, h.ref_id, t.state, h.sku_id, NULL, h.state, h.quantity
           FROM holds h
           LEFT JOIN transfer_lines l ON l.location_id = h.location_id AND l.transfer_id = h.ref_id AND l.hold_id = h.id
           LEFT JOIN transfers t ON t.location_id = h.location_id AND t.id = h.ref_id
           WHERE h.ref_kind = 'transfer' AND h.state = 'open' AND l.transfer_id IS NULL""",
    ),
    (
        "TRF-4",
        "What a transfer sent, lost and took in is what moved for it; a closed one has accounted for all it sent.",
        """SELECT t.id, t.state, l.sku_id, l.sent, l.received, l.damaged, l.lost, l.surplus, m.*
           FROM transfers t
           JOIN transfer_lines l ON l.location_id = t.location_id AND l.transfer_id = t.id
           LEFT JOIN LATERAL (
               SELECT coalesce(sum(m.quantity) FILTER (WHERE m.reason = 'transfer'), 0) AS came,
                      coalesce(sum(m.quantity) FILTER (WHERE m.reason = 'count'), 0) AS surplus_moved
               FROM movements m
               WHERE m.location_id = t.location_id AND m.sku_id = l.sku_id AND m.ref_id = t.id) m ON true
           LEFT JOIN LATERAL (
               SELECT coalesce(-sum(m.quantity), 0) AS went FROM movements m
               WHERE m.location_id = t.other_location_id AND m.sku_id = l.sku_id AND m.ref_id = t.id) s ON true
           WHERE t.side = 'in' AND (s.went <> l.sent OR m.came <> l.received OR m.surplus_moved <> l.surplus
                 OR (t.state = 'received' AND l.sent <> l.received + l.damaged + l.lost))""",
    ),
]
