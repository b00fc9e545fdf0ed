"""The rows that a past order consists of. Each statement writes them for a whole chunk.

Parameters: first row, last row and, in those that sign what they write, the actor. What is written once an order comes
from the row in first place (`place = 1`); ids were made when the row was read. `import_new` are the rows of new orders.
"""

from __future__ import annotations

# A buyer who is nobody's member gets a guest of their own, as everywhere.
_GUESTS = """
INSERT INTO members (member_id, kind, created_at)
SELECT a.member_id, 'guest', a.placed_at FROM import_new a
WHERE a.n BETWEEN $1 AND $2 AND a.place = 1 AND a.guest
ON CONFLICT DO NOTHING
"""

_NUMBERS = """
INSERT INTO order_numbers (order_no, member_id, order_id)
SELECT a.order_no, a.member_id, a.order_id FROM import_new a
WHERE a.n BETWEEN $1 AND $2 AND a.place = 1
"""

_ORDERS = """
INSERT INTO orders (member_id, id, order_no, channel, store_id, state, pay_mode, currency, subtotal_minor,
                    delivery_fee_minor, discount_minor, total_minor, paid_minor, contact_name, contact_phone,
                    external_code, location_ids, priced_at, placed_at, closed_at)
SELECT a.member_id, a.order_id, a.order_no, coalesce(a.channel, 'import'), a.store_id,
       'completed', CASE WHEN a.tender = 'online' THEN 'online' ELSE 'till' END, 'CNY', a.subtotal, 0,
       a.subtotal - a.total, a.total, a.total, m.display_name, coalesce(m.phone, ''), a.order_code, ARRAY[a.store_id],
       a.placed_at, a.placed_at, a.placed_at
FROM import_new a JOIN members m ON m.member_id = a.member_id
WHERE a.n BETWEEN $1 AND $2 AND a.place = 1
"""

_LINES = """
INSERT INTO order_lines (member_id, order_id, id, n, sku_id, sku_code, product_code, name, options, image_sha, method,
                         store_id, quantity, unit_price_minor, amount_minor, net_minor, price_scope, handed)
SELECT a.member_id, a.order_id, a.row_id, a.place, s.id, s.code, p.code,
       jsonb_build_object('zh', p.name_zh, 'en', p.name_en),
       coalesce((SELECT jsonb_agg(jsonb_build_object('name', o.option -> 'name', 'value', v.value -> 'name')
                                  ORDER BY o.n)
                 FROM jsonb_array_elements(p.options) WITH ORDINALITY AS o(option, n),
                      jsonb_array_elements(o.option -> 'values') AS v(value)
                 WHERE s.options <> '{}' AND v.value ->> 'key' = s.options ->> (o.option ->> 'key')), '[]'),
       coalesce(s.image_sha, (SELECT pm.sha FROM product_media pm WHERE pm.product_id = p.id
                              ORDER BY pm.position LIMIT 1)),
       'till', a.store_id, a.quantity, a.unit_price, a.unit_price * a.quantity, a.amount, 'chain', a.quantity
FROM import_new a
JOIN skus s ON s.id = a.sku_id JOIN products p ON p.id = s.product_id
WHERE a.n BETWEEN $1 AND $2
"""

_INTENTS = """
INSERT INTO payment_intents (member_id, id, order_id, provider, ref, amount_minor, currency, state, created_at,
                             resolved_at)
SELECT a.member_id, a.intent_id, a.order_id, 'import', a.intent_id::text, a.total, 'CNY', 'captured', a.placed_at,
       a.placed_at
FROM import_new a WHERE a.n BETWEEN $1 AND $2 AND a.place = 1 AND a.total > 0
"""

_CAPTURES = """
INSERT INTO captures (member_id, id, intent_id, order_id, tender, amount_minor, currency, at, actor)
SELECT a.member_id, a.capture_id, a.intent_id, a.order_id, coalesce(a.tender, 'cash'), a.total, 'CNY', a.placed_at, $3
FROM import_new a WHERE a.n BETWEEN $1 AND $2 AND a.place = 1 AND a.total > 0
"""

# Money in, then the sale: the two journals of every order, dated when it was.
_JOURNALS = """
INSERT INTO journals (member_id, id, kind, ref_kind, ref_id, order_id, at, actor)
SELECT a.member_id, w.id, w.kind, w.ref_kind, w.ref_id, a.order_id, a.placed_at, $3
FROM import_new a, LATERAL (VALUES (a.captured_id, 'capture', 'capture', a.capture_id),
                                        (a.sold_id, 'sale', 'order', a.order_id)) w(id, kind, ref_kind, ref_id)
WHERE a.n BETWEEN $1 AND $2 AND a.place = 1 AND a.total > 0
"""

_ENTRIES = """
INSERT INTO journal_entries (member_id, journal_id, n, debit, credit, amount_minor, currency)
SELECT a.member_id, w.id, 1, w.debit, w.credit, a.total, 'CNY'
FROM import_new a, LATERAL (VALUES
         (a.captured_id, CASE coalesce(a.tender, 'cash') WHEN 'cash' THEN 'cash:' || a.store_id
                              WHEN 'online' THEN 'clearing:import' ELSE 'clearing:' || a.tender END, 'deposits'),
         (a.sold_id, 'deposits', 'sales:' || a.store_id)) w(id, debit, credit)
WHERE a.n BETWEEN $1 AND $2 AND a.place = 1 AND a.total > 0
"""

_EVENTS = """
INSERT INTO order_events (member_id, order_id, id, at, kind, actor, data)
SELECT a.member_id, a.order_id, a.event_id, a.placed_at, 'sold', $3,
       jsonb_build_object('location_code', a.the_store_code, 'imported', true)
FROM import_new a WHERE a.n BETWEEN $1 AND $2 AND a.place = 1
"""

# Each with whether it takes the actor.
WRITES = (
    (_GUESTS, False),
    (_NUMBERS, False),
    (_ORDERS, False),
    (_LINES, False),
    (_INTENTS, False),
    (_CAPTURES, True),
    (_JOURNALS, True),
    (_ENTRIES, False),
    (_EVENTS, True),
)
