-- The hot reads of the catalogue. Each page is one statement whose JSON is built where the data is; what is put
-- in with concat() is a number, an id or a word from a CHECK constraint, so nothing needs escaping.
--
-- They are functions with settings of their own, because planning them takes three times as long as running
-- them: the generic plan is right for every parameter, and the planner would not settle on it by itself. Each step
-- finds a handful of rows by key, which the planner cannot know of arrays: reading a whole table is never right.

-- What can be sent is counted up to a cap: any location whose store ships and is open counts, wherever it is. Every
-- row that is added up has at least one unit, so no more rows than the cap are needed and the sum, cut at the cap,
-- is exact. Distribution centres (p_dcs) are looked at first, by key; the shops only if those are not enough.
-- On a cluster this reads every shard of the levels; a projection by SKU, fed by the stock outbox, is its place there.

-- What members may be promised of a level: to collect it there, and to have it sent from there.
CREATE OR REPLACE FUNCTION duo_mall_here(l levels)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT duo_available(l.on_hand, l.held, l.safety + duo_buffer(l.buffers, 'mall')) $$;

CREATE OR REPLACE FUNCTION duo_mall_away(l levels)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
SELECT duo_shared(l.on_hand, l.held, l.safety + duo_buffer(l.buffers, 'mall'), l.outward_reserve, l.outward_cap, l.outward)
$$;

-- A product page: its document as it stands, and the inside of the list "live". No row when members may not see it.
-- p_store and p_regions (upwards) price it, p_pickup is the store to collect at or NULL. The chain's price is asked
-- for again only where the store's is another one, and everybody's only where it is the tier's (p_tier) that counts.
-- A variant without a price is left out: it cannot be bought.
DROP FUNCTION IF EXISTS duo_product_page(text, uuid, uuid[], timestamptz, uuid, uuid[]);
CREATE OR REPLACE FUNCTION duo_product_page(
    p_code text, p_store uuid, p_regions uuid[], p_at timestamptz, p_pickup uuid, p_dcs uuid[], p_tier text,
    OUT doc text, OUT live text
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    SELECT d.doc, (
        SELECT string_agg(concat(
                 '{"sku_id":"', u.sku_id,
                 '","price":{"minor":', p.price_minor, ',"currency":"', p.currency,
                 '"},"chain_price":{"minor":',
                 CASE WHEN p.scope = 'chain' THEN p.price_minor
                      ELSE coalesce((SELECT c.price_minor FROM duo_price(u.sku_id, NULL, NULL, 'mall', p_at) c),
                                    p.price_minor) END,
                 ',"currency":"', p.currency, '"},"price_scope":"', p.scope, '","price_tier":"', p.tier,
                 '","usual_price":',
                 CASE WHEN p.tier = '' THEN 'null'
                      ELSE coalesce((SELECT concat('{"minor":', c.price_minor, ',"currency":"', c.currency, '"}')
                                       FROM duo_price(u.sku_id, p_store, p_regions, 'mall', p_at) c), 'null') END,
                 ',"online_available":',
                 CASE WHEN dc.units >= 99 THEN 99 ELSE least(99, dc.units + (
                     SELECT coalesce(sum(shop.units), 0)::int FROM (
                         SELECT duo_mall_away(l) AS units
                           FROM levels l
                          WHERE l.sku_id = u.sku_id AND l.on_hand - l.held > l.safety AND duo_mall_away(l) > 0 AND l.location_id <> ALL (p_dcs)
                            AND (SELECT s.ship AND s.state = 'open' FROM stores s WHERE s.id = l.location_id)
                          LIMIT 99) shop)) END,
                 ',"store_available":',
                 CASE WHEN p_pickup IS NULL THEN 'null' WHEN p_pickup = ANY (x.store_ids) THEN '0' ELSE coalesce(
                     (SELECT least(99, duo_mall_here(l)) FROM levels l
                       WHERE l.location_id = p_pickup AND l.sku_id = u.sku_id), 0)::text END,
                 ',"sold_here":',
                 CASE WHEN p_pickup = ANY (x.store_ids) THEN 'false' ELSE 'true' END,
                 '}'), ',' ORDER BY u.n)
          FROM unnest(d.sku_ids) WITH ORDINALITY AS u(sku_id, n),
               LATERAL duo_price(u.sku_id, p_store, p_regions, 'mall', p_at, p_tier) p,
               LATERAL (SELECT coalesce(sum(duo_mall_away(l)), 0)::int AS units
                          FROM levels l WHERE l.location_id = ANY (p_dcs) AND l.sku_id = u.sku_id) dc)
      INTO doc, live
      FROM product_docs d
      LEFT JOIN unlisted x ON x.product_id = d.product_id
     WHERE d.code = p_code;
END
$$;

-- Cards of products in the order given, as the inside of a JSON list. Those that are gone or without any price are
-- left out. What can be sent is a lower bound, because a list only says whether there is any: the units of the
-- distribution centres, up to nine, or one when only shops have some.
DROP FUNCTION IF EXISTS duo_product_cards(uuid[], uuid, uuid[], timestamptz, uuid, uuid[]);
CREATE OR REPLACE FUNCTION duo_product_cards(
    p_products uuid[], p_store uuid, p_regions uuid[], p_at timestamptz, p_pickup uuid, p_dcs uuid[], p_tier text
)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (
        SELECT string_agg(concat(
                 left(d.card, -1),
                 ',"price":{"minor":', p.low, ',"currency":"', p.currency, '"},"price_max":',
                 CASE WHEN p.high > p.low THEN concat('{"minor":', p.high, ',"currency":"', p.currency, '"}')
                      ELSE 'null' END,
                 ',"store_available":',
                 CASE WHEN p_pickup IS NULL THEN 'null' WHEN p_pickup = ANY (x.store_ids) THEN '0' ELSE coalesce(
                     (SELECT least(99, coalesce(sum(duo_mall_here(l)), 0)) FROM levels l
                       WHERE l.location_id = p_pickup AND l.sku_id = ANY (d.sku_ids)), 0)::text END,
                 ',"online_available":',
                 CASE WHEN dc.units > 0 THEN least(9, dc.units)
                      WHEN EXISTS (SELECT FROM levels l
                                    WHERE l.sku_id = ANY (d.sku_ids) AND l.on_hand - l.held > l.safety AND duo_mall_away(l) > 0
                                      AND (SELECT s.ship AND s.state = 'open' FROM stores s WHERE s.id = l.location_id))
                      THEN 1 ELSE 0 END,
                 '}'), ',' ORDER BY w.n)
          FROM unnest(p_products) WITH ORDINALITY AS w(product_id, n)
          JOIN product_docs d ON d.product_id = w.product_id
          LEFT JOIN unlisted x ON x.product_id = d.product_id,
               LATERAL (SELECT min(p.price_minor) AS low, max(p.price_minor) AS high, min(p.currency) AS currency
                          FROM unnest(d.sku_ids) AS u(sku_id),
                               LATERAL duo_price(u.sku_id, p_store, p_regions, 'mall', p_at, p_tier) p) p,
               LATERAL (SELECT coalesce(sum(duo_mall_away(l)), 0)::int AS units
                          FROM levels l WHERE l.location_id = ANY (p_dcs) AND l.sku_id = ANY (d.sku_ids)) dc
         WHERE p.low IS NOT NULL);
END
$$;
