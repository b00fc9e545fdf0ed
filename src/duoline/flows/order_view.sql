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
    'sold_by', o.sold_by, 'forfeited_minor', o.forfeited_minor,
    'preorder', CASE WHEN o.presale_id IS NOT NULL THEN (
        SELECT jsonb_build_object(
            'presale_id', p.presale_id, 'deposit_minor', p.deposit_minor, 'balance_minor', p.balance_minor,
            'balance_from', p.balance_from, 'balance_until', p.balance_until, 'expected_on', p.expected_on,
            'cancel_terms', p.cancel_terms, 'unpaid_terms', p.unpaid_terms, 'way', p.way, 'store_id', p.store_id,
            'redeemed_at', p.redeemed_at)
        FROM preorders p WHERE p.member_id = o.member_id AND p.order_id = o.id) END,
    'lines', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', l.id, 'n', l.n, 'sku_id', l.sku_id, 'sku_code', l.sku_code, 'product_code', l.product_code,
            'name', l.name, 'options', l.options, 'image_sha', l.image_sha, 'quantity', l.quantity, 'handed', l.handed,
            'cancelled', l.cancelled, 'returned', l.returned, 'unit_price_minor', l.unit_price_minor, 'amount_minor', l.amount_minor,
            'net_minor', l.net_minor, 'gift', l.gift, 'offers', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'name', jsonb_build_object('zh', p.name_zh, 'en', p.name_en), 'amount_minor', d.amount_minor)
                    ORDER BY d.amount_minor DESC, d.promotion_id), '[]')
                FROM order_discounts d JOIN promotions p ON p.id = d.promotion_id AND p.version = d.version
                WHERE d.member_id = l.member_id AND d.order_id = l.order_id AND d.line_id = l.id),
            'method', l.method, 'store_id', l.store_id) ORDER BY l.n), '[]')
        FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id),
    'fulfilments', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', f.id, 'location_id', f.location_id, 'kind', f.kind, 'state', f.state, 'in_shop', f.in_shop, 'promise_at', f.promise_at,
            'ready_at', f.ready_at, 'keep_until', f.keep_until, 'done_at', f.done_at, 'carrier', f.carrier,
            'tracking_no', f.tracking_no, 'to_location_id', f.to_location_id, 'reminded_at', (
                SELECT r.reminded_at FROM pickup_reminders r
                WHERE r.location_id = f.location_id AND r.fulfilment_id = f.id AND r.keep_until = f.keep_until), 'lines', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('line_id', w.line_id, 'quantity', w.quantity)), '[]')
                FROM fulfilment_lines w WHERE w.location_id = f.location_id AND w.fulfilment_id = f.id
                                          AND w.quantity > 0)) ORDER BY f.id), '[]')
        FROM fulfilments f WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id),
    'returns', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', r.id, 'at', r.at, 'location_id', r.location_id, 'reason', r.reason, 'note', r.note,
            'refund_minor', r.refund_minor, 'kept_minor', r.kept_minor, 'lines', (
                SELECT jsonb_agg(jsonb_build_object(
                    'line_id', b.line_id, 'quantity', b.quantity, 'condition', b.condition,
                    'sold_location_id', b.sold_location_id, 'value_minor', b.value_minor) ORDER BY b.n)
                FROM return_lines b WHERE b.member_id = r.member_id AND b.return_id = r.id),
            'ways', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'tender', c.tender, 'amount_minor', m.amount_minor, 'state', m.state) ORDER BY m.id), '[]')
                FROM return_refunds w
                JOIN refunds m ON m.member_id = w.member_id AND m.id = w.refund_id
                JOIN captures c ON c.member_id = m.member_id AND c.id = m.capture_id
                WHERE w.member_id = r.member_id AND w.return_id = r.id)) ORDER BY r.at, r.id), '[]')
        FROM returns r WHERE r.member_id = o.member_id AND r.order_id = o.id),
    'coupons', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', jsonb_build_object('zh', p.name_zh, 'en', p.name_en), 'returned', u.returned,
            'grace_days', u.grace_days, 'back_at', u.given_back_at) ORDER BY u.coupon_id), '[]')
        FROM coupon_uses u
        JOIN LATERAL (SELECT * FROM promotions q WHERE q.id = u.promotion_id ORDER BY q.version DESC LIMIT 1) p ON true
        WHERE u.order_id = o.id),
    'timeline', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'data', e.data) ORDER BY e.at, e.id), '[]')
        FROM order_events e WHERE e.member_id = o.member_id AND e.order_id = o.id)
)
FROM orders o WHERE o.member_id = p_member AND o.id = p_order
$$;
