-- The price of a SKU for a store, channel, member and instant. The nearest scope wins: the store's own price,
-- then its regions' (p_regions runs from the store's region upwards), then the chain's; within a scope a
-- price for the very channel goes before one for all. p_store and p_regions are NULL for "no store chosen".
-- p_member stands in the signature because every caller knows it; no price depends on the member yet.
CREATE OR REPLACE FUNCTION duo_price(
    p_sku uuid, p_store uuid, p_regions uuid[], p_channel text, p_at timestamptz, p_member uuid DEFAULT NULL
)
RETURNS TABLE (price_minor bigint, currency text, scope text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT p.price_minor, p.currency, p.scope
    FROM prices p
    WHERE p.sku_id = p_sku
      AND p.valid @> p_at
      AND p.channel IN ('*', p_channel)
      AND (p.scope = 'chain'
           OR (p.scope = 'store' AND p.scope_id = p_store)
           OR (p.scope = 'region' AND p.scope_id = ANY (p_regions)))
    ORDER BY CASE p.scope WHEN 'store' THEN 0 WHEN 'region' THEN 1 ELSE 2 END,
             coalesce(array_position(p_regions, p.scope_id), 0),
             (p.channel = '*')
    LIMIT 1
$$;
