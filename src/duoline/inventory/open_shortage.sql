-- Units that are held and cannot be given to whoever they are held for: added to the open shortage of the article, or
-- opening one under the given id. Its level is locked by the caller. p_broken of the units broke, the others were counted
-- as missing by p_count. Returns the shortage.
CREATE OR REPLACE FUNCTION duo_open_shortage(
    p_location uuid, p_sku uuid, p_id uuid, p_count uuid, p_units integer, p_broken integer, p_at timestamptz
)
RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    task uuid;
BEGIN
    INSERT INTO shortages AS s (location_id, id, sku_id, count_id, units, broken, broke_at, opened_at)
    VALUES (p_location, p_id, p_sku, p_count, p_units, p_broken, CASE WHEN p_broken > 0 THEN p_at END, p_at)
    ON CONFLICT (location_id, sku_id) WHERE state = 'open'
    DO UPDATE SET units = s.units + excluded.units, broken = s.broken + excluded.broken,
                  broke_at = coalesce(excluded.broke_at, s.broke_at), count_id = coalesce(s.count_id, excluded.count_id),
                  changes = s.changes + 1
    RETURNING s.id INTO task;
    IF task IS NULL THEN
        PERFORM duo_fault('CNT-2', format('%s units short at %s of %s without a task', p_units, p_location, p_sku));
    END IF;
    RETURN task;
END
$$;
