-- Whether an order of somebody unknown would be one too many (called by duo_place, which has locked the keys). `p_limits`
-- has a row for each key that the order at position `o` counts under; `p_placed` are the positions that this very call
-- has granted already. NULL when it may be placed, else what is too much, how much may be, and when to come back.
CREATE OR REPLACE FUNCTION duo_over_limit(p_limits jsonb, p_order integer, p_placed integer[], p_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    wish record;
    granted record;
    nth_at timestamptz;
    open_units bigint;
BEGIN
    FOR wish IN
        SELECT l.key_id, l.orders_max, l.units_max, l.units
        FROM jsonb_to_recordset(p_limits) AS l(o integer, key_id uuid, orders_max integer, units_max integer, units integer)
        WHERE l.o = p_order
    LOOP
        SELECT count(*)::integer AS orders, coalesce(sum(l.units), 0) AS units INTO granted
        FROM jsonb_to_recordset(p_limits) AS l(o integer, key_id uuid, units integer)
        WHERE l.key_id = wish.key_id AND l.o = ANY (p_placed);

        -- The order that has to be an hour old before one more may be placed; NULL while there are fewer.
        IF granted.orders >= wish.orders_max THEN
            nth_at := p_at;
        ELSE
            SELECT g.placed_at INTO nth_at FROM guest_orders g
            WHERE g.key_id = wish.key_id AND g.placed_at > p_at - interval '1 hour'
            ORDER BY g.placed_at DESC OFFSET wish.orders_max - granted.orders - 1 LIMIT 1;
        END IF;
        IF nth_at IS NOT NULL THEN
            RETURN jsonb_build_object('limit', 'orders', 'maximum', wish.orders_max, 'retry_at', nth_at + interval '1 hour');
        END IF;

        SELECT coalesce(sum(w.quantity), 0) INTO open_units
        FROM guest_orders g
        JOIN orders o ON o.member_id = g.member_id AND o.id = g.order_id AND o.state IN ('awaiting_payment', 'confirmed')
        JOIN fulfilments f ON f.location_id = ANY (o.location_ids) AND f.order_id = o.id
                          AND f.state IN ('waiting', 'to_pick', 'ready') AND NOT f.paid
        JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
        WHERE g.key_id = wish.key_id;
        IF wish.units > 0 AND open_units + granted.units + wish.units > wish.units_max THEN
            RETURN jsonb_build_object('limit', 'units', 'maximum', wish.units_max, 'retry_at', p_at + interval '15 minutes');
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
