-- What baskets, queues and labels need to know of SKUs, in one read. In SQL, so that it becomes part of the statement
-- that asks and is planned once with it (`plan_cache_mode` of every connection): planning takes six times as long as
-- running, and a call of a function with a setting of its own as long again.
-- The result type may change from version to version, which CREATE OR REPLACE cannot do.
DROP FUNCTION IF EXISTS duo_sku_facts(uuid[]);

CREATE OR REPLACE FUNCTION duo_sku_facts(p_skus uuid[])
RETURNS TABLE (
    id uuid, code text, product_id uuid, product_code text, name_zh text, name_en text, weight_g integer, unit text,
    sellable boolean, image_sha text, gtin text, options json, category_id uuid, brand_id uuid
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT s.id, s.code, p.id, p.code, p.name_zh, p.name_en, s.weight_g, s.unit,
           p.state = 'published' AND s.state = 'active',
           coalesce(s.image_sha, (SELECT m.sha FROM product_media m WHERE m.product_id = p.id
                                  ORDER BY m.position LIMIT 1)),
           -- Kept in 14 digits, shown as printed. An aggregate, because for ORDER BY … LIMIT 1 the planner may walk the
           -- whole primary key backwards.
           (SELECT (array_agg(CASE WHEN b.gtin LIKE '000000%' THEN right(b.gtin, 8)
                                   WHEN b.gtin LIKE '0%' THEN right(b.gtin, 13)
                                   ELSE b.gtin END ORDER BY b.gtin DESC))[1]
              FROM barcodes b WHERE b.sku_id = s.id),
           CASE WHEN s.options <> '{}'::jsonb THEN
             (SELECT json_agg(json_build_object('name', o.option -> 'name', 'value', v.value -> 'name') ORDER BY o.n)
                FROM jsonb_array_elements(p.options) WITH ORDINALITY AS o(option, n),
                     jsonb_array_elements(o.option -> 'values') AS v(value)
               WHERE v.value ->> 'key' = s.options ->> (o.option ->> 'key'))
           END,
           p.category_id, p.brand_id
      FROM skus s JOIN products p ON p.id = s.product_id
     WHERE s.id = ANY (p_skus);
$$;
