-- Which shops may not sell a product, by the assortments that hold at an instant. A shop sells everything but what an
-- assortment of kind 'never' keeps from it, and what those of kind 'only' give to others and not to it. Goods are
-- products, all of some brands, all of some categories with those below; places are shops, and all of some regions with
-- those below. Distribution centres sell nothing and are never named here.
-- p_products are looked at, all for NULL.
CREATE OR REPLACE FUNCTION duo_unlisted(p_at timestamptz, p_products uuid[])
RETURNS TABLE (product_id uuid, store_ids uuid[])
LANGUAGE sql STABLE
AS $$
WITH RECURSIVE held AS (
    SELECT a.* FROM assortments a WHERE a.from_at <= p_at AND (a.until_at IS NULL OR a.until_at > p_at)
), branch AS (
    SELECT a.id AS assortment_id, c.id FROM held a JOIN categories c ON c.id = ANY (a.category_ids)
    UNION
    SELECT b.assortment_id, c.id FROM branch b JOIN categories c ON c.parent_id = b.id
), area AS (
    SELECT a.id AS assortment_id, r.id FROM held a JOIN regions r ON r.id = ANY (a.region_ids)
    UNION
    SELECT b.assortment_id, r.id FROM area b JOIN regions r ON r.parent_id = b.id
), goods AS (
    SELECT DISTINCT a.id AS assortment_id, a.kind, p.id FROM held a JOIN products p
      ON p.id = ANY (a.product_ids) OR p.brand_id = ANY (a.brand_ids)
      OR EXISTS (SELECT FROM branch b WHERE b.assortment_id = a.id AND b.id = p.category_id)
    WHERE p_products IS NULL OR p.id = ANY (p_products)
), place AS (
    SELECT a.id AS assortment_id, s.id FROM held a JOIN stores s ON s.kind = 'store' AND (
        s.id = ANY (a.store_ids)
        OR EXISTS (SELECT FROM area b WHERE b.assortment_id = a.id AND b.id = s.region_id))
), barred AS (
    SELECT g.id AS product_id, l.id AS store_id FROM goods g JOIN place l ON l.assortment_id = g.assortment_id
    WHERE g.kind = 'never'
    UNION
    SELECT g.id, s.id FROM (SELECT DISTINCT id FROM goods WHERE kind = 'only') g JOIN stores s ON s.kind = 'store'
    WHERE NOT EXISTS (
        SELECT FROM goods o JOIN place l ON l.assortment_id = o.assortment_id
        WHERE o.id = g.id AND o.kind = 'only' AND l.id = s.id)
)
SELECT b.product_id, array_agg(b.store_id ORDER BY b.store_id) FROM barred b GROUP BY b.product_id
$$;

-- Make `unlisted` say that and return how many rows changed: of all products as of now, or of these as of the instant of
-- which the others are (`worked_out_at`). One at a time: of two who change what it follows from, the later one sees
-- what the earlier has committed.
CREATE OR REPLACE FUNCTION duo_refresh_unlisted(p_at timestamptz, p_products uuid[])
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    changed integer;
BEGIN
    IF p_products IS NOT NULL AND NOT EXISTS (SELECT FROM assortments) THEN
        RETURN 0;
    END IF;
    LOCK TABLE unlisted IN SHARE ROW EXCLUSIVE MODE;
    IF p_products IS NULL THEN
        UPDATE assortments SET worked_out_at = p_at;
    END IF;
    WITH said AS MATERIALIZED (
        SELECT n.product_id, n.store_ids
        FROM duo_unlisted((SELECT max(a.worked_out_at) FROM assortments a), p_products) n
    ), gone AS (
        DELETE FROM unlisted u
        WHERE (p_products IS NULL OR u.product_id = ANY (p_products))
          AND NOT EXISTS (SELECT FROM said n WHERE n.product_id = u.product_id)
        RETURNING 1
    ), written AS (
        INSERT INTO unlisted AS u (product_id, store_ids) SELECT n.product_id, n.store_ids FROM said n
        ON CONFLICT (product_id) DO UPDATE SET store_ids = excluded.store_ids
        WHERE u.store_ids <> excluded.store_ids
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written) INTO changed;
    RETURN changed;
END
$$;

-- Whether a shop may sell a product. For a few rows only: a call costs more than the look it takes, and what asks for
-- many says it by itself.
CREATE OR REPLACE FUNCTION duo_listed(p_product uuid, p_store uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN NOT EXISTS (SELECT FROM unlisted u WHERE u.product_id = p_product AND p_store = ANY (u.store_ids));
