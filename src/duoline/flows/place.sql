-- Place orders: hold their units, write them with their intents, fulfilments, codes, decisions and first events,
-- and store the answer under the idempotency key, all in one round trip. The orders of a call are those of callers who
-- came at the same moment (flows/place.py); they are served in order of arrival.
--
-- p_actors, p_keys, p_hashes, p_responses, p_channels: one entry an order, no key twice. p_locations, p_skus: the levels they draw
-- on, each once, in order of (location, SKU). p_need_*: what an order (its position from 1) needs of a level (its position
-- from 1), and how much of that leaves the shop; orders ascending, each level of an order once. p_rows: the rows to write (flows/write_orders.sql).
--
-- Locks: idempotency keys in order, then the keys that guests are counted by, in order, then counters of limited promotions
-- and coupons (pricing/use_offers.sql), then levels in order of (location, SKU). Whoever else locks several levels uses the same order, so placing never dead-locks with them. The
-- ORDER BY has to stand at the very level of the FOR UPDATE:
-- outside of a subquery that locks, it would sort what is locked already. An order that comes up short is passed over
-- as if it had never been there; a later one that needs less may still be served.
--
-- p_rows->'kept' are units that were kept in a shop for the buyer and serve this very order: their holds are released under
-- the level's lock by the statement that holds them for the order, so nobody can take them in between. One that is no
-- longer open passes the order over, because its price and plan were made with it.
--
-- Returns one answer an order: {"result": "placed"} | {"result": "kept_gone"} | {"result": "offer_gone"} | {"result": "replay", "status", "response"} |
-- {"result": "mismatch"} | {"result": "limited", "limit", "maximum", "retry_at"} (flows/guest_limits.sql) |
-- {"result": "short", "short": [{"location_id", "sku_id", "wanted", "available"}]}.
DROP FUNCTION IF EXISTS duo_place(jsonb, timestamptz);
DROP FUNCTION IF EXISTS duo_write_orders(jsonb, uuid[], uuid[], integer[], timestamptz);
DROP FUNCTION IF EXISTS duo_place(uuid[], text[], bytea[], text[], uuid[], uuid[], integer[], integer[], integer[], jsonb,
                                  timestamptz);

CREATE OR REPLACE FUNCTION duo_place(
    p_actors uuid[], p_keys text[], p_hashes bytea[], p_responses text[], p_channels text[], p_locations uuid[],
    p_skus uuid[], p_need_order integer[], p_need_level integer[], p_need_quantity integer[], p_need_outward integer[],
    p_rows jsonb, p_at timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    orders_count integer := cardinality(p_keys);
    needs_count integer := cardinality(p_need_order);
    answers jsonb[] := array_fill(NULL::jsonb, ARRAY[orders_count]);
    fresh integer[];
    placed integer[] := '{}';
    level_left integer[];
    level_reserve integer[];
    level_share integer[];
    level_buffers jsonb[];
    level_taken integer[] := array_fill(0, ARRAY[cardinality(p_skus)]);
    level_outward integer[] := array_fill(0, ARRAY[cardinality(p_skus)]);
    could integer;
    missing jsonb;
    limited jsonb;
    stored jsonb;
    wrong integer;
    wrong_outward integer;
    first_need integer;
    need_free integer[] := p_need_quantity;
    kept_open uuid[] := '{}';
    kept_used uuid[] := '{}';
    kept_mine uuid[];
    kept_gone boolean;
    offers_used boolean := p_rows ? 'promotion_uses' OR p_rows ? 'coupons';
    mine integer;
    given integer;
    k integer := 1;
BEGIN
    -- 1. The keys. A key that exists belongs to an earlier call.
    WITH written AS (
        INSERT INTO idempotency (actor_id, key, request_hash, status, response, created_at)
        SELECT w.actor_id, w.key, w.hash, 201, w.response, p_at
        FROM unnest(p_actors, p_keys, p_hashes, p_responses) AS w(actor_id, key, hash, response)
        ORDER BY w.actor_id, w.key
        ON CONFLICT (actor_id, key) DO NOTHING
        RETURNING actor_id, key
    )
    SELECT coalesce(array_agg(w.n::integer), '{}') INTO fresh
    FROM unnest(p_actors, p_keys) WITH ORDINALITY AS w(actor_id, key, n) JOIN written USING (actor_id, key);

    -- Orders of one guest, or from one address, are counted one after the other: whoever comes second waits here.
    IF p_rows ? 'limits' THEN
        INSERT INTO guest_keys AS g (key_id, used_at)
        SELECT DISTINCT l.key_id, p_at FROM jsonb_to_recordset(p_rows->'limits') AS l(o integer, key_id uuid)
        WHERE l.o = ANY (fresh)
        ORDER BY l.key_id
        ON CONFLICT (key_id) DO UPDATE SET used_at = excluded.used_at;
    END IF;

    IF offers_used THEN
        PERFORM duo_lock_offers(p_rows);
    END IF;

    -- 2. The levels, locked in the order in which everybody locks them.
    SELECT array_agg(coalesce(l.left_over, 0) ORDER BY w.n), array_agg(coalesce(l.reserve, 0) ORDER BY w.n),
           array_agg(coalesce(l.share, 1000000000) ORDER BY w.n), array_agg(l.buffers ORDER BY w.n)
    INTO level_left, level_reserve, level_share, level_buffers
    FROM unnest(p_locations, p_skus) WITH ORDINALITY AS w(location_id, sku_id, n)
    LEFT JOIN (
        SELECT v.location_id, v.sku_id, duo_available(v.on_hand, v.held, v.safety) AS left_over,
               v.outward_reserve AS reserve, v.outward_cap - v.outward AS share, v.buffers
        FROM levels v JOIN unnest(p_locations, p_skus) AS x(location_id, sku_id)
          ON x.location_id = v.location_id AND x.sku_id = v.sku_id
        ORDER BY v.location_id, v.sku_id FOR UPDATE OF v
    ) l ON l.location_id = w.location_id AND l.sku_id = w.sku_id;

    -- Which of the kept units are still kept: nobody changes that as long as their levels are locked.
    IF p_rows ? 'kept' THEN
        SELECT coalesce(array_agg(h.id), '{}') INTO kept_open
        FROM jsonb_to_recordset(p_rows->'kept') AS r(o integer, location_id uuid, id uuid, sku_id uuid)
        JOIN holds h ON h.location_id = r.location_id AND h.id = r.id AND h.sku_id = r.sku_id
                    AND h.state = 'open' AND h.ref_kind = 'favourite';
    END IF;

    -- 3. Grant or refuse, order by order; or find the answer of the earlier call.
    FOR i IN 1 .. orders_count LOOP
        first_need := k;
        missing := NULL;
        limited := NULL;
        kept_gone := false;
        kept_mine := '{}';
        IF p_rows ? 'kept' THEN
            SELECT coalesce(array_agg(r.id), '{}'), coalesce(bool_or(r.id <> ALL (kept_open) OR r.id = ANY (kept_used)), false)
            INTO kept_mine, kept_gone
            FROM jsonb_to_recordset(p_rows->'kept') AS r(o integer, id uuid) WHERE r.o = i;
        END IF;
        WHILE k <= needs_count AND p_need_order[k] = i LOOP
            mine := 0;
            IF cardinality(kept_mine) > 0 THEN
                SELECT count(*) INTO mine
                FROM jsonb_to_recordset(p_rows->'kept') AS r(o integer, location_id uuid, sku_id uuid)
                WHERE r.o = i AND r.location_id = p_locations[p_need_level[k]] AND r.sku_id = p_skus[p_need_level[k]];
            END IF;
            -- What is mine serves first; only the rest is taken from what everybody can have. To be sent, mine must be
            -- such as its owner lets leave.
            need_free[k] := p_need_quantity[k] - mine;
            could := greatest(level_left[p_need_level[k]] - duo_buffer(level_buffers[p_need_level[k]], p_channels[i]), 0)
                     + mine;
            IF p_need_outward[k] > 0 AND p_need_quantity[k] <= could THEN
                could := greatest(least(could - level_reserve[p_need_level[k]],
                                        level_share[p_need_level[k]] + p_need_quantity[k] - p_need_outward[k]), 0);
            END IF;
            IF could < p_need_quantity[k] THEN
                missing := coalesce(missing, '[]') || jsonb_build_object(
                    'location_id', p_locations[p_need_level[k]], 'sku_id', p_skus[p_need_level[k]],
                    'wanted', p_need_quantity[k], 'available', could);
            END IF;
            k := k + 1;
        END LOOP;
        IF missing IS NULL AND i = ANY (fresh) AND p_rows ? 'limits' THEN
            limited := duo_over_limit(p_rows->'limits', i, placed, p_at);
        END IF;
        IF NOT i = ANY (fresh) THEN
            SELECT CASE WHEN d.request_hash = p_hashes[i]
                        THEN jsonb_build_object('result', 'replay', 'status', d.status, 'response', d.response)
                        ELSE '{"result": "mismatch"}' END
            INTO stored FROM idempotency d WHERE d.actor_id = p_actors[i] AND d.key = p_keys[i];
            answers[i] := stored;
        ELSIF kept_gone THEN
            DELETE FROM idempotency d WHERE d.actor_id = p_actors[i] AND d.key = p_keys[i];
            answers[i] := '{"result": "kept_gone"}';
        ELSIF offers_used AND duo_offer_gone(p_rows, i, placed, p_at) THEN
            DELETE FROM idempotency d WHERE d.actor_id = p_actors[i] AND d.key = p_keys[i];
            answers[i] := '{"result": "offer_gone"}';
        ELSIF limited IS NOT NULL THEN
            DELETE FROM idempotency d WHERE d.actor_id = p_actors[i] AND d.key = p_keys[i];
            answers[i] := jsonb_build_object('result', 'limited') || limited;
        ELSIF missing IS NULL THEN
            FOR j IN first_need .. k - 1 LOOP
                level_left[p_need_level[j]] := level_left[p_need_level[j]] - need_free[j];
                level_taken[p_need_level[j]] := level_taken[p_need_level[j]] + p_need_quantity[j];
                level_share[p_need_level[j]] := level_share[p_need_level[j]] - p_need_outward[j];
                level_outward[p_need_level[j]] := level_outward[p_need_level[j]] + p_need_outward[j];
            END LOOP;
            placed := placed || i;
            kept_used := kept_used || kept_mine;
            answers[i] := '{"result": "placed"}';
        ELSE
            -- Its key goes again: the same request may succeed later.
            DELETE FROM idempotency d WHERE d.actor_id = p_actors[i] AND d.key = p_keys[i];
            answers[i] := jsonb_build_object('result', 'short', 'short', missing);
        END IF;
    END LOOP;

    IF cardinality(placed) > 0 THEN
        -- The kept units change hands: given back first, or the level would hold more than it has.
        IF cardinality(kept_used) > 0 THEN
            SELECT coalesce(sum(g.units), 0) INTO given FROM (
                SELECT (SELECT count(*) FROM duo_resolve_holds(r.location_id, array_agg(r.id), 'released', p_at, 'order')) AS units
                FROM jsonb_to_recordset(p_rows->'kept') AS r(o integer, location_id uuid, id uuid)
                WHERE r.o = ANY (placed) GROUP BY r.location_id) g;
            UPDATE favourite_holds f SET order_id = r.order_id
            FROM jsonb_to_recordset(p_rows->'kept') AS r(o integer, location_id uuid, id uuid, order_id uuid)
            WHERE r.o = ANY (placed) AND f.location_id = r.location_id AND f.id = r.id AND f.order_id IS NULL;
            GET DIAGNOSTICS wrong = ROW_COUNT;
            IF given <> cardinality(kept_used) OR wrong <> given THEN
                PERFORM duo_fault('FAV-1', format('%s of %s kept units given back, %s marked as used', given,
                                                  cardinality(kept_used), wrong));
            END IF;
        END IF;
        WITH kept AS (
            UPDATE levels l SET held = l.held + s.taken, outward = l.outward + s.outward
            FROM unnest(p_locations, p_skus, level_taken, level_outward) AS s(location_id, sku_id, taken, outward)
            WHERE s.taken > 0 AND l.location_id = s.location_id AND l.sku_id = s.sku_id
            RETURNING l.location_id, l.sku_id, s.taken, s.outward
        ), promised AS (
            SELECT r.location_id, r.sku_id, sum(r.quantity) AS units,
                   coalesce(sum(r.quantity) FILTER (WHERE r.outward), 0) AS outward
            FROM jsonb_to_recordset(p_rows->'holds') AS r(
                     o integer, location_id uuid, sku_id uuid, quantity integer, outward boolean)
            WHERE r.o = ANY (placed) GROUP BY r.location_id, r.sku_id
        )
        SELECT count(*) FILTER (WHERE kept.taken IS DISTINCT FROM promised.units),
               count(*) FILTER (WHERE kept.outward IS DISTINCT FROM promised.outward)
        INTO wrong, wrong_outward FROM kept FULL JOIN promised USING (location_id, sku_id);
        IF wrong > 0 THEN
            PERFORM duo_fault('INV-2', format('%s levels would keep other units than their holds', wrong));
        ELSIF wrong_outward > 0 THEN
            PERFORM duo_fault('INV-4', format('%s levels would send other units than their holds', wrong_outward));
        END IF;
        PERFORM duo_write_orders(p_rows, placed, p_at);
        IF offers_used THEN
            PERFORM duo_use_offers(p_rows, placed, p_at);
        END IF;
    END IF;
    RETURN to_jsonb(answers);
END
$$;
