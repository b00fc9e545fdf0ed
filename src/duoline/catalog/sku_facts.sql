-- What baskets, queues and labels need to know of SKUs, in one read. A function with a setting of its own: planning
-- this takes six times as long as running it, and the planner would plan it anew for every list of ids.
-- The result type may change from version to version, which CREATE OR REPLACE cannot do.
DROP FUNCTION IF EXISTS duo_sku_facts(uuid[]);

CREATE OR REPLACE FUNCTION duo_sku_facts(p_skus uuid[])
RETURNS TABLE (
    id uuid, code text, product_id uuid, product_code text, name_zh text, name_en text, weight_g integer, unit text,
    sellable boolean, image_sha text, gtin text, options json
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
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
           END
      FROM skus s JOIN products p ON p.id = s.product_id
     WHERE s.id = ANY (p_skus);
END
$$;
