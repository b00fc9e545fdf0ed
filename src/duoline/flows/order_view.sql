-- An order as every face reads it: head, lines, fulfilments with their lines, timeline, what is due and unserved.
-- One JSON document; stores are named by id, the reader adds their cards.
CREATE OR REPLACE FUNCTION duo_order(p_member uuid, p_order uuid)
RETURNS jsonb
LANGUAGE sql STABLE
AS $$
SELECT jsonb_build_object(
    'id', o.id, 'member_id', o.member_id, 'order_no', o.order_no, 'channel', o.channel, 'stored_state', o.state,
    'pay_mode', o.pay_mode, 'placed_at', o.placed_at, 'pay_by_at', o.pay_by_at, 'currency', o.currency,
    'subtotal_minor', o.subtotal_minor, 'delivery_fee_minor', o.delivery_fee_minor,
    'discount_minor', o.discount_minor, 'total_minor', o.total_minor, 'paid_minor', o.paid_minor,
    'refunded_minor', o.refunded_minor, 'contact', jsonb_build_object('name', o.contact_name, 'phone', o.contact_phone),
    'address', o.address, 'note', o.note, 'store_id', o.store_id, 'sold_store_id', o.sold_store_id,
    'sold_by', o.sold_by,
    'lines', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', l.id, 'n', l.n, 'sku_id', l.sku_id, 'sku_code', l.sku_code, 'product_code', l.product_code,
            'name', l.name, 'options', l.options, 'image_sha', l.image_sha, 'quantity', l.quantity, 'handed', l.handed,
            'cancelled', l.cancelled, 'unit_price_minor', l.unit_price_minor, 'amount_minor', l.amount_minor,
            'method', l.method, 'store_id', l.store_id) ORDER BY l.n), '[]')
        FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id),
    'fulfilments', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', f.id, 'location_id', f.location_id, 'kind', f.kind, 'state', f.state, 'promise_at', f.promise_at,
            'ready_at', f.ready_at, 'keep_until', f.keep_until, 'done_at', f.done_at, 'carrier', f.carrier,
            'tracking_no', f.tracking_no, 'to_location_id', f.to_location_id, 'reminded_at', (
                SELECT r.reminded_at FROM pickup_reminders r
                WHERE r.location_id = f.location_id AND r.fulfilment_id = f.id AND r.keep_until = f.keep_until), 'lines', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('line_id', w.line_id, 'quantity', w.quantity)), '[]')
                FROM fulfilment_lines w WHERE w.location_id = f.location_id AND w.fulfilment_id = f.id
                                          AND w.quantity > 0)) ORDER BY f.id), '[]')
        FROM fulfilments f WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id),
    'timeline', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'data', e.data) ORDER BY e.at, e.id), '[]')
        FROM order_events e WHERE e.member_id = o.member_id AND e.order_id = o.id)
)
FROM orders o WHERE o.member_id = p_member AND o.id = p_order
$$;
