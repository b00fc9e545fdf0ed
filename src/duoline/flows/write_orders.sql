-- Write the rows of the orders at the positions `placed`, whose units have been granted (called by duo_place, under its
-- locks). `p_rows` has a list for every table; each row says by `o` to which order it belongs. Every list is inserted
-- for the whole batch at once.
CREATE OR REPLACE FUNCTION duo_write_orders(p_rows jsonb, placed integer[], p_at timestamptz)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    written integer;
    held integer;
BEGIN
    IF p_rows ? 'guests' THEN
        PERFORM duo_welcome_guests(jsonb_agg(g), p_at) FROM jsonb_array_elements(p_rows->'guests') g
        WHERE (g->>'o')::integer = ANY (placed);
    END IF;

    INSERT INTO order_numbers (order_no, member_id, order_id)
    SELECT r.order_no, r.member_id, r.id
    FROM jsonb_to_recordset(p_rows->'orders') AS r(o integer, order_no text, member_id uuid, id uuid)
    WHERE r.o = ANY (placed);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(placed) THEN
        PERFORM duo_fault('ORD-3', format('%s numbers for %s orders', written, cardinality(placed)));
    END IF;

    INSERT INTO orders (member_id, id, order_no, channel, store_id, state, pay_mode, currency, subtotal_minor,
                        delivery_fee_minor, discount_minor, total_minor, contact_name, contact_phone, address, note,
                        priced_at, placed_at, pay_by_at, location_ids, sold_store_id, sold_by)
    SELECT r.member_id, r.id, r.order_no, r.channel, r.store_id, r.state, r.pay_mode, r.currency, r.subtotal_minor,
           r.delivery_fee_minor, r.discount_minor, r.total_minor, r.contact_name, r.contact_phone,
           nullif(r.address, 'null'), r.note, r.placed_at, r.placed_at, r.pay_by_at, r.location_ids,
           r.sold_store_id, r.sold_by
    FROM jsonb_to_recordset(p_rows->'orders') AS r(
             o integer, member_id uuid, id uuid, order_no text, channel text, store_id uuid, state text, pay_mode text,
             currency text, subtotal_minor bigint, delivery_fee_minor bigint, discount_minor bigint, total_minor bigint,
             contact_name text, contact_phone text, address jsonb, note text, placed_at timestamptz, pay_by_at timestamptz,
             location_ids uuid[], sold_store_id uuid, sold_by uuid)
    WHERE r.o = ANY (placed);

    IF p_rows ? 'limits' THEN
        INSERT INTO guest_orders (key_id, order_id, member_id, placed_at)
        SELECT r.key_id, r.order_id, r.member_id, p_at
        FROM jsonb_to_recordset(p_rows->'limits') AS r(o integer, key_id uuid, order_id uuid, member_id uuid)
        WHERE r.o = ANY (placed);
    END IF;

    INSERT INTO order_lines (member_id, order_id, id, n, sku_id, sku_code, product_code, name, options, image_sha,
                             method, store_id, quantity, unit_price_minor, amount_minor, net_minor, price_scope,
                             price_tier, gift)
    SELECT r.member_id, r.order_id, r.id, r.n, r.sku_id, r.sku_code, r.product_code, r.name, r.options, r.image_sha,
           r.method, r.store_id, r.quantity, r.unit_price_minor, r.amount_minor, r.net_minor, r.price_scope,
           r.price_tier, r.gift
    FROM jsonb_to_recordset(p_rows->'order_lines') AS r(
             o integer, member_id uuid, order_id uuid, id uuid, n integer, sku_id uuid, sku_code text, product_code text,
             name jsonb, options jsonb, image_sha text, method text, store_id uuid, quantity integer,
             unit_price_minor bigint, amount_minor bigint, net_minor bigint, price_scope text,
             price_tier text, gift boolean)
    WHERE r.o = ANY (placed);

    IF p_rows ? 'order_gifts' THEN
        INSERT INTO order_gifts (member_id, order_id, line_id, promotion_id, version, bought, buy_units, get_units, clawback)
        SELECT r.member_id, r.order_id, r.line_id, r.promotion_id, r.version, r.bought, r.buy_units, r.get_units, r.clawback
        FROM jsonb_to_recordset(p_rows->'order_gifts') AS r(
                 o integer, member_id uuid, order_id uuid, line_id uuid, promotion_id uuid, version integer, bought uuid[],
                 buy_units integer, get_units integer, clawback boolean)
        WHERE r.o = ANY (placed);
    END IF;

    IF p_rows ? 'order_discounts' THEN
        INSERT INTO order_discounts (member_id, order_id, line_id, promotion_id, version, amount_minor)
        SELECT r.member_id, r.order_id, r.line_id, r.promotion_id, r.version, r.amount_minor
        FROM jsonb_to_recordset(p_rows->'order_discounts') AS r(
                 o integer, member_id uuid, order_id uuid, line_id uuid, promotion_id uuid, version integer,
                 amount_minor bigint)
        WHERE r.o = ANY (placed);
    END IF;

    INSERT INTO fulfilments (location_id, id, member_id, order_id, order_no, kind, state, pay_mode, paid, in_shop, contact_name,
                             contact_phone, address, note, short_code, promise_at, placed_at, decision_id, unit_fee_minor,
                             plain_at, away_km, work_at, to_location_id, to_pick_at)
    SELECT r.location_id, r.id, r.member_id, r.order_id, r.order_no, r.kind, r.state, r.pay_mode, r.paid, r.in_shop, r.contact_name,
           r.contact_phone, nullif(r.address, 'null'), r.note, r.short_code, r.promise_at, r.placed_at, r.decision_id,
           r.unit_fee_minor, r.plain_at, r.away_km, r.work_at, r.to_location_id, CASE WHEN r.state = 'to_pick' THEN p_at END
    FROM jsonb_to_recordset(p_rows->'fulfilments') AS r(
             o integer, location_id uuid, id uuid, member_id uuid, order_id uuid, order_no text, kind text, state text,
             pay_mode text, paid boolean, in_shop boolean, contact_name text, contact_phone text, address jsonb, note text, short_code text,
             promise_at timestamptz, placed_at timestamptz, decision_id uuid, unit_fee_minor bigint,
             plain_at timestamptz, away_km integer, work_at timestamptz, to_location_id uuid)
    WHERE r.o = ANY (placed);

    INSERT INTO holds (location_id, id, sku_id, quantity, state, outward, ref_kind, ref_id, created_at, actor)
    SELECT r.location_id, r.id, r.sku_id, r.quantity, 'open', r.outward, 'order', r.order_id, p_at, r.actor
    FROM jsonb_to_recordset(p_rows->'holds') AS r(
             o integer, location_id uuid, id uuid, sku_id uuid, quantity integer, outward boolean, order_id uuid,
             actor text)
    WHERE r.o = ANY (placed);
    GET DIAGNOSTICS held = ROW_COUNT;

    INSERT INTO fulfilment_lines (location_id, fulfilment_id, line_id, sku_id, quantity, hold_id)
    SELECT r.location_id, r.fulfilment_id, r.line_id, r.sku_id, r.quantity, r.id
    FROM jsonb_to_recordset(p_rows->'holds') AS r(
             o integer, location_id uuid, fulfilment_id uuid, line_id uuid, sku_id uuid, quantity integer, id uuid)
    WHERE r.o = ANY (placed);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> held THEN
        PERFORM duo_fault('FUL-1', format('%s holds for %s lines to serve', held, written));
    END IF;

    IF p_rows ? 'pickup_codes' THEN
        INSERT INTO pickup_codes (code_hash, location_id, fulfilment_id)
        SELECT decode(r.code_hash, 'hex'), r.location_id, r.fulfilment_id
        FROM jsonb_to_recordset(p_rows->'pickup_codes') AS r(
                 o integer, code_hash text, location_id uuid, fulfilment_id uuid)
        WHERE r.o = ANY (placed);
    END IF;

    IF p_rows ? 'intents' THEN
        INSERT INTO payment_intents (member_id, id, order_id, provider, ref, amount_minor, currency, state, expires_at,
                                     created_at)
        SELECT r.member_id, r.id, r.order_id, r.provider, r.id::text, r.amount_minor, r.currency, 'open', r.expires_at, p_at
        FROM jsonb_to_recordset(p_rows->'intents') AS r(
                 o integer, member_id uuid, id uuid, order_id uuid, provider text, amount_minor bigint, currency text,
                 expires_at timestamptz)
        WHERE r.o = ANY (placed);
    END IF;

    -- What the provider will be asked for is found again by the reference it knows.
    IF p_rows ? 'payment_refs' THEN
        INSERT INTO payment_refs (ref, member_id, intent_id)
        SELECT r.intent_id::text, r.member_id, r.intent_id
        FROM jsonb_to_recordset(p_rows->'payment_refs') AS r(o integer, member_id uuid, intent_id uuid)
        WHERE r.o = ANY (placed);
    END IF;

    IF p_rows ? 'order_touches' THEN
        INSERT INTO order_touches (member_id, order_id, touch_id, owner_id, touchpoint_id, touched_at, placed_at,
                                   window_days, rule_version, own_device)
        SELECT r.member_id, r.order_id, r.touch_id, r.owner_id, r.touchpoint_id, r.touched_at, r.placed_at,
               r.window_days, r.rule_version, r.own_device
        FROM jsonb_to_recordset(p_rows->'order_touches') AS r(
                 o integer, member_id uuid, order_id uuid, touch_id uuid, owner_id uuid, touchpoint_id uuid,
                 touched_at timestamptz, placed_at timestamptz, window_days integer, rule_version integer,
                 own_device boolean)
        WHERE r.o = ANY (placed);
    END IF;

    IF p_rows ? 'decisions' THEN
        INSERT INTO sourcing_decisions (member_id, order_id, id, at, policy_version, terms, chosen, candidates, summary,
                                        cost_minor, solver_us, region_id)
        SELECT r.member_id, r.order_id, r.id, p_at, r.policy_version, r.terms, r.chosen, r.candidates, r.summary,
               r.cost_minor, r.solver_us, r.region_id
        FROM jsonb_to_recordset(p_rows->'decisions') AS r(
                 o integer, member_id uuid, order_id uuid, id uuid, policy_version integer, terms jsonb, chosen jsonb,
                 candidates jsonb, summary jsonb, cost_minor bigint, solver_us integer, region_id uuid)
        WHERE r.o = ANY (placed);
    END IF;

    INSERT INTO order_events (member_id, order_id, id, at, kind, actor, data)
    SELECT r.member_id, r.order_id, r.id, p_at, 'placed', r.actor, r.data
    FROM jsonb_to_recordset(p_rows->'events') AS r(
             o integer, member_id uuid, order_id uuid, id uuid, actor text, data jsonb)
    WHERE r.o = ANY (placed);

    IF p_rows ? 'audit' THEN
        INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, store_id, reason,
                               before, after)
        SELECT r.id, p_at, r.actor_kind, r.actor_id, r.actor_name, r.action, r.subject_kind, r.subject, r.store_id,
               r.reason, nullif(r.before, 'null'), nullif(r.after, 'null')
        FROM jsonb_to_recordset(p_rows->'audit') AS r(
                 o integer, id uuid, actor_kind text, actor_id uuid, actor_name text, action text, subject_kind text,
                 subject text, store_id uuid, reason text, before jsonb, after jsonb)
        WHERE r.o = ANY (placed);
    END IF;

    INSERT INTO member_outbox (member_id, id, topic, key, payload, for_member_id, store_ids, at)
    SELECT r.member_id, r.id, 'orders.placed', r.order_id::text, r.payload, r.member_id, r.store_ids, p_at
    FROM jsonb_to_recordset(p_rows->'outbox') AS r(
             o integer, member_id uuid, id uuid, order_id uuid, payload jsonb, store_ids uuid[])
    WHERE r.o = ANY (placed);

    -- Cart lines that were ordered leave the cart; what was added meanwhile on another device stays.
    IF p_rows ? 'cart_lines' THEN
        WITH ordered AS (
            DELETE FROM cart_lines c USING jsonb_to_recordset(p_rows->'cart_lines') AS r(o integer, member_id uuid, id uuid)
            WHERE r.o = ANY (placed) AND c.member_id = r.member_id AND c.id = r.id
            RETURNING c.member_id
        )
        UPDATE carts c SET version = c.version + 1, updated_at = p_at
        WHERE c.member_id IN (SELECT member_id FROM ordered);
    END IF;
END
$$;
