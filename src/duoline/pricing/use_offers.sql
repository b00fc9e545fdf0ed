-- Limits of promotions, and coupons: locked, judged and used by the statement that makes an order of them.
--
-- p_rows->'promotion_uses': what each order (`o`, its position) uses of which limited promotion, with the limits of the version
-- that priced it. p_rows->'coupons': the coupons it uses. Locks: counters of promotions in order, then coupons in order;
-- whoever locks levels as well does so afterwards.
CREATE OR REPLACE FUNCTION duo_lock_offers(p_rows jsonb)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    -- An update that changes nothing: it makes the counter if there is none yet, and locks it.
    IF p_rows ? 'promotion_uses' THEN
        INSERT INTO promotion_counters AS c (promotion_id, used_minor, used_orders)
        SELECT DISTINCT u.promotion_id, 0, 0 FROM jsonb_to_recordset(p_rows->'promotion_uses') AS u(promotion_id uuid)
        ORDER BY u.promotion_id
        ON CONFLICT (promotion_id) DO UPDATE SET used_orders = c.used_orders;
    END IF;
    IF p_rows ? 'coupons' THEN
        PERFORM FROM coupons c
        WHERE c.id IN (SELECT r.id FROM jsonb_to_recordset(p_rows->'coupons') AS r(id uuid)) ORDER BY c.id FOR UPDATE;
    END IF;
END
$$;

-- Whether an order is priced with something that is used up by now, also by those of this very call (`p_placed`).
CREATE OR REPLACE FUNCTION duo_offer_gone(p_rows jsonb, p_order integer, p_placed integer[], p_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
SELECT EXISTS (
    SELECT FROM jsonb_to_recordset(p_rows->'promotion_uses') AS u(
        o integer, promotion_id uuid, member_id uuid, amount_minor bigint, budget_minor bigint, orders_max integer,
        member_orders_max integer)
    JOIN promotion_counters c ON c.promotion_id = u.promotion_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(w.amount_minor), 0) AS minor, count(*) AS orders,
               count(*) FILTER (WHERE w.member_id = u.member_id) AS mine
        FROM jsonb_to_recordset(p_rows->'promotion_uses') AS w(
            o integer, promotion_id uuid, member_id uuid, amount_minor bigint)
        WHERE w.promotion_id = u.promotion_id AND w.o = ANY (p_placed)) g
    WHERE u.o = p_order AND (
        c.used_minor + g.minor + u.amount_minor > u.budget_minor
        OR c.used_orders + g.orders >= u.orders_max
        OR u.member_orders_max <= g.mine + (
            SELECT count(*) FROM promotion_uses x
            WHERE x.promotion_id = u.promotion_id AND x.member_id = ANY (duo_group(u.member_id)) AND x.given_back_at IS NULL))
) OR EXISTS (
    SELECT FROM jsonb_to_recordset(p_rows->'coupons') AS r(o integer, id uuid)
    WHERE r.o = p_order AND (
        NOT EXISTS (SELECT FROM coupons c WHERE c.id = r.id AND c.order_id IS NULL AND c.void_at IS NULL
                                            AND (c.expires_at IS NULL OR c.expires_at > p_at))
        OR EXISTS (SELECT FROM jsonb_to_recordset(p_rows->'coupons') AS w(o integer, id uuid)
                   WHERE w.id = r.id AND w.o = ANY (p_placed)))
)
$$;

-- Use what the placed orders use, under the locks above.
CREATE OR REPLACE FUNCTION duo_use_offers(p_rows jsonb, p_placed integer[], p_at timestamptz)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    wanted integer;
    done integer;
BEGIN
    IF p_rows ? 'promotion_uses' THEN
        WITH used AS (
            INSERT INTO promotion_uses (promotion_id, order_id, member_id, version, amount_minor, at)
            SELECT u.promotion_id, u.order_id, u.member_id, u.version, u.amount_minor, p_at
            FROM jsonb_to_recordset(p_rows->'promotion_uses') AS u(
                o integer, promotion_id uuid, order_id uuid, member_id uuid, version integer, amount_minor bigint)
            WHERE u.o = ANY (p_placed)
            RETURNING promotion_id, amount_minor
        ), counted AS (
            UPDATE promotion_counters c SET used_minor = c.used_minor + u.minor, used_orders = c.used_orders + u.orders
            FROM (SELECT promotion_id, sum(amount_minor) AS minor, count(*) AS orders FROM used GROUP BY 1) u
            WHERE c.promotion_id = u.promotion_id
            RETURNING u.orders
        )
        SELECT (SELECT count(*) FROM used), (SELECT coalesce(sum(orders), 0) FROM counted) INTO wanted, done;
        IF wanted <> done THEN
            PERFORM duo_fault('OFR-1', format('%s uses of promotions, %s counted', wanted, done));
        END IF;
    END IF;
    IF p_rows ? 'coupons' THEN
        SELECT count(*) INTO wanted FROM jsonb_to_recordset(p_rows->'coupons') AS r(o integer) WHERE r.o = ANY (p_placed);
        UPDATE coupons c SET order_id = r.order_id, buyer_id = r.member_id, taken_at = p_at
        FROM jsonb_to_recordset(p_rows->'coupons') AS r(o integer, id uuid, order_id uuid, member_id uuid)
        WHERE r.o = ANY (p_placed) AND c.id = r.id AND c.order_id IS NULL;
        GET DIAGNOSTICS done = ROW_COUNT;
        IF wanted <> done THEN
            PERFORM duo_fault('OFR-2', format('%s coupons to use, %s used', wanted, done));
        END IF;
        INSERT INTO coupon_uses (coupon_id, order_id, member_id, promotion_id, returned, grace_days, at)
        SELECT c.id, c.order_id, c.buyer_id, c.promotion_id, b.returned, b.grace_days, p_at
        FROM jsonb_to_recordset(p_rows->'coupons') AS r(o integer, id uuid)
        JOIN coupons c ON c.id = r.id JOIN coupon_batches b ON b.batch_id = c.batch_id
        WHERE r.o = ANY (p_placed);
        GET DIAGNOSTICS done = ROW_COUNT;
        IF wanted <> done THEN
            PERFORM duo_fault('OFR-4', format('%s coupons used, %s of a batch', wanted, done));
        END IF;
    END IF;
END
$$;

-- The same for one order of a till: false, and nothing is done, when something is used up.
CREATE OR REPLACE FUNCTION duo_sell_offers(p_rows jsonb, p_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM duo_lock_offers(p_rows);
    IF duo_offer_gone(p_rows, 1, '{}', p_at) THEN
        RETURN false;
    END IF;
    PERFORM duo_use_offers(p_rows, ARRAY[1], p_at);
    RETURN true;
END
$$;

-- What of a promotion an order still has: its share of the units that were neither cancelled nor brought back. A promotion
-- that paid the delivery has no share of any line; it stays as long as something is delivered or was, and takes nothing.
CREATE OR REPLACE FUNCTION duo_offer_left(p_member uuid, p_order uuid, p_promotion uuid, OUT left_minor bigint, OUT stays boolean)
LANGUAGE sql STABLE
AS $$
SELECT coalesce(sum(duo_value(d.amount_minor, l.quantity, l.quantity - l.cancelled - l.returned)), 0)::bigint,
       CASE WHEN count(d.line_id) > 0
            THEN bool_or(d.line_id IS NOT NULL AND l.quantity > l.cancelled + l.returned)
            ELSE coalesce(bool_or(l.method = 'delivery' AND l.quantity > l.cancelled), false) END
FROM order_lines l
LEFT JOIN order_discounts d ON d.member_id = l.member_id AND d.order_id = l.order_id AND d.line_id = l.id
                           AND d.promotion_id = p_promotion
WHERE l.member_id = p_member AND l.order_id = p_order
$$;

-- Give back what an order has not of its offers any more: of budgets what came back to the cent, a use once nothing of it
-- is left, a coupon by the policy of its use. Returns the coupons that are good again. Safe to repeat; what has come back
-- stays back. Locks as above: counters in order, then coupons in order.
CREATE OR REPLACE FUNCTION duo_give_back_offers(p_order uuid, p_at timestamptz)
RETURNS TABLE (coupon_id uuid, batch_id uuid, member_id uuid, promotion_id uuid, expires_at timestamptz)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    over uuid[];
    good integer;
    wrong integer;
BEGIN
    PERFORM FROM promotion_counters c
    WHERE c.promotion_id IN (SELECT u.promotion_id FROM promotion_uses u WHERE u.order_id = p_order)
    ORDER BY c.promotion_id FOR UPDATE;
    PERFORM FROM coupons c WHERE c.order_id = p_order ORDER BY c.id FOR UPDATE;

    -- One statement, and so one look at what is left: units may come back meanwhile, and a budget and a coupon of one order
    -- are given back together.
    WITH now AS (
        SELECT u.promotion_id, u.amount_minor - x.left_minor AS back_minor, NOT x.stays AS over, u.back_minor AS before
        FROM promotion_uses u, LATERAL duo_offer_left(u.member_id, u.order_id, u.promotion_id) x
        WHERE u.order_id = p_order AND u.given_back_at IS NULL
    ), given AS (
        UPDATE promotion_uses u SET back_minor = n.back_minor, given_back_at = CASE WHEN n.over THEN p_at END
        FROM now n WHERE u.promotion_id = n.promotion_id AND u.order_id = p_order
        RETURNING u.promotion_id, n.back_minor - n.before AS minor, n.over
    ), counted AS (
        UPDATE promotion_counters c
        SET used_minor = c.used_minor - g.minor, used_orders = c.used_orders - CASE WHEN g.over THEN 1 ELSE 0 END
        FROM given g WHERE c.promotion_id = g.promotion_id
    ), ended AS (
        UPDATE coupon_uses u SET given_back_at = p_at
        FROM orders o
        WHERE u.order_id = p_order AND u.given_back_at IS NULL AND o.member_id = u.member_id AND o.id = u.order_id
          AND (o.state IN ('cancelled', 'expired')
               OR u.returned = 'whole'
                  AND NOT (SELECT x.stays FROM duo_offer_left(u.member_id, u.order_id, u.promotion_id) x))
        RETURNING u.coupon_id
    )
    SELECT coalesce(array_agg(e.coupon_id), '{}') INTO over FROM ended e;

    RETURN QUERY
    UPDATE coupons c SET order_id = NULL, buyer_id = NULL, taken_at = NULL,
        expires_at = CASE WHEN c.expires_at <= p_at AND u.grace_days > 0
                          THEN p_at + make_interval(days => u.grace_days) ELSE c.expires_at END
    FROM coupon_uses u WHERE c.id = ANY (over) AND c.order_id = p_order AND u.coupon_id = c.id AND u.order_id = p_order
    RETURNING c.id, c.batch_id, u.member_id, c.promotion_id, c.expires_at;
    GET DIAGNOSTICS good = ROW_COUNT;
    IF good <> cardinality(over) THEN
        PERFORM duo_fault('OFR-4', format('%s uses of coupons ended, %s coupons came back', cardinality(over), good));
    END IF;
    SELECT count(*) INTO wrong FROM coupon_uses u JOIN orders o ON o.member_id = u.member_id AND o.id = u.order_id,
           LATERAL duo_offer_left(u.member_id, u.order_id, u.promotion_id) x
    WHERE u.order_id = p_order AND u.given_back_at IS NOT NULL AND o.state NOT IN ('cancelled', 'expired')
      AND (u.returned = 'never' OR x.stays);
    IF wrong > 0 THEN
        PERFORM duo_fault('OFR-5', format('%s coupons came back that were used up', wrong));
    END IF;
END
$$;
