-- Grant holds on one (location, sku) to several callers at once, in order of arrival, under one row lock.
-- batch: [{"id", "quantity", "outward": bool, "ref_kind", "ref_id", "expires_at", "actor", "note"}]; outward units are to
-- leave for others, as far as the owner of the stock lets them.
-- Returns what is left for each caller: [{"granted": bool, "available": n}], where n is what that caller
-- could have had. A hold that exists already is granted again and takes nothing. A request that no longer fits is passed over; a smaller one behind it may still fit.
CREATE OR REPLACE FUNCTION duo_hold(p_location uuid, p_sku uuid, batch jsonb, p_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    level record;
    wish record;
    left_over integer;
    taken integer := 0;
    taken_outward integer := 0;
    written integer;
    answers jsonb := '[]';
    granted uuid[] := '{}';
BEGIN
    SELECT on_hand, held, safety, outward, outward_cap, outward_reserve INTO level FROM levels
    WHERE location_id = p_location AND sku_id = p_sku FOR UPDATE;
    FOR wish IN SELECT (w->>'id')::uuid AS id, (w->>'quantity')::integer AS quantity,
                       coalesce((w->>'outward')::boolean, false) AS outward
                FROM jsonb_array_elements(batch) WITH ORDINALITY AS t(w, n) ORDER BY n
    LOOP
        -- A repeat of a wish that was granted before, or twice in this batch: once is enough.
        IF wish.id = ANY (granted)
           OR EXISTS (SELECT FROM holds h WHERE h.location_id = p_location AND h.id = wish.id) THEN
            answers := answers || '{"granted": true, "available": 0}'::jsonb;
            CONTINUE;
        END IF;
        left_over := coalesce(CASE WHEN wish.outward
            THEN duo_shared(level.on_hand, level.held + taken, level.safety, level.outward_reserve, level.outward_cap,
                            level.outward + taken_outward)
            ELSE duo_available(level.on_hand, level.held + taken, level.safety) END, 0);
        IF wish.quantity <= left_over THEN
            taken := taken + wish.quantity;
            taken_outward := taken_outward + CASE WHEN wish.outward THEN wish.quantity ELSE 0 END;
            granted := granted || wish.id;
        END IF;
        answers := answers || jsonb_build_object('granted', wish.quantity <= left_over, 'available', left_over);
    END LOOP;
    IF taken > 0 THEN
        UPDATE levels SET held = held + taken, outward = outward + taken_outward
        WHERE location_id = p_location AND sku_id = p_sku;
        INSERT INTO holds (location_id, id, sku_id, quantity, state, outward, ref_kind, ref_id, expires_at, created_at,
                           actor, note)
        SELECT DISTINCT ON (w.id) p_location, w.id, p_sku, w.quantity, 'open', coalesce(w.outward, false), w.ref_kind,
               w.ref_id, w.expires_at, p_at, w.actor, w.note
        FROM jsonb_to_recordset(batch) AS w(id uuid, quantity integer, outward boolean, ref_kind text, ref_id uuid,
                                            expires_at timestamptz, actor text, note text)
        WHERE w.id = ANY (granted);
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(granted) OR taken > level.on_hand - level.held THEN
            PERFORM duo_fault('INV-2', format('%s holds for %s grants of %s units at %s of %s', written,
                                              cardinality(granted), taken, p_location, p_sku));
        END IF;
    END IF;
    RETURN answers;
END
$$;
