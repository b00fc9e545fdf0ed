-- The price of a SKU for a store, channel, instant and tier of members ('' is everybody). The nearest scope wins: the
-- store's own price, then its regions' (p_regions runs from the store's region upwards), then the chain's; within a
-- scope a price for the very channel goes before one for all, and of the tier's and everybody's the lower, so that
-- a tier never makes anything dearer. p_store and p_regions are NULL for "no store chosen". `tier` says whose it is.
DROP FUNCTION IF EXISTS duo_price(uuid, uuid, uuid[], text, timestamptz, uuid);
CREATE OR REPLACE FUNCTION duo_price(
    p_sku uuid, p_store uuid, p_regions uuid[], p_channel text, p_at timestamptz, p_tier text DEFAULT ''
)
RETURNS TABLE (price_minor bigint, currency text, scope text, tier text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT p.price_minor, p.currency, p.scope, p.tier
    FROM prices p
    WHERE p.sku_id = p_sku
      AND p.valid @> p_at
      AND p.channel IN ('*', p_channel)
      AND p.tier IN ('', p_tier)
      AND (p.scope = 'chain'
           OR (p.scope = 'store' AND p.scope_id = p_store)
           OR (p.scope = 'region' AND p.scope_id = ANY (p_regions)))
    ORDER BY CASE p.scope WHEN 'store' THEN 0 WHEN 'region' THEN 1 ELSE 2 END,
             coalesce(array_position(p_regions, p.scope_id), 0),
             (p.channel = '*'), p.price_minor, (p.tier <> '')
    LIMIT 1
$$;
