-- Make a level where there is none yet, with what its location's owner lets others have. What is in transit is all safety
-- stock (inventory.rules.QUANTITY_MAX): no formula promises any of it to anybody. The row of the location is
-- locked, so that terms that are changed at this moment reach the new level too.
CREATE OR REPLACE FUNCTION duo_open_level(p_location uuid, p_sku uuid)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM levels l WHERE l.location_id = p_location AND l.sku_id = p_sku) THEN
        INSERT INTO levels (location_id, sku_id, safety, outward_cap, outward_reserve)
        SELECT p.id, p_sku, CASE p.kind WHEN 'transit' THEN 1000000 ELSE 0 END, p.outward_cap, p.outward_reserve FROM locations p WHERE p.id = p_location FOR SHARE
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;
