-- Resolve open holds of one location, each once: 'taken' moves the units to p_other and writes both rows
-- of the movement, 'released' and 'expired' only give them back. Levels are locked first, in order of SKU, as
-- everywhere, so two of these never wait for each other in a ring. Where p_other is a place of ours (in transit to a
-- store), its levels rise by what is taken: the caller has made and locked them together with the source's.
-- A hold that is no longer open is passed over: the caller compares what it asked for with what came back.
-- Returns the holds that were resolved by this call.
CREATE OR REPLACE FUNCTION duo_resolve_holds(
    p_location uuid, p_holds uuid[], p_state text, p_at timestamptz, p_actor text,
    p_other uuid DEFAULT NULL, p_reason text DEFAULT NULL, p_ref_kind text DEFAULT NULL, p_ref_id uuid DEFAULT NULL
)
RETURNS TABLE (id uuid, sku_id uuid, quantity integer)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    resolved uuid[];
    touched integer;
    levels_count integer;
    moved integer;
BEGIN
    PERFORM 1 FROM levels l
    WHERE l.location_id = p_location
      AND l.sku_id IN (SELECT h.sku_id FROM holds h WHERE h.location_id = p_location AND h.id = ANY (p_holds))
    ORDER BY l.sku_id FOR UPDATE;

    WITH done AS (
        UPDATE holds h SET state = p_state, resolved_at = p_at
        WHERE h.location_id = p_location AND h.id = ANY (p_holds) AND h.state = 'open'
        RETURNING h.id, h.sku_id
    ) SELECT array_agg(done.id), count(DISTINCT done.sku_id) INTO resolved, levels_count FROM done;

    UPDATE levels l
    SET held = l.held - s.quantity,
        outward = l.outward - s.outward,
        on_hand = l.on_hand - CASE WHEN p_state = 'taken' THEN s.quantity ELSE 0 END
    FROM (SELECT h.sku_id, sum(h.quantity)::integer AS quantity,
                 coalesce(sum(h.quantity) FILTER (WHERE h.outward), 0)::integer AS outward FROM holds h
          WHERE h.location_id = p_location AND h.id = ANY (resolved) GROUP BY h.sku_id) s
    WHERE l.location_id = p_location AND l.sku_id = s.sku_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF touched <> levels_count THEN
        PERFORM duo_fault('INV-2', format('%s of %s levels at %s gave up their holds', touched, levels_count, p_location));
    END IF;

    IF p_state = 'taken' THEN
        -- The movement carries the hold's id: a hold is taken once, so its movement cannot be written twice. Holds of
        -- one SKU leave one after the other, so that each movement says what was there before and after it.
        INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason,
                               ref_kind, ref_id, at, actor)
        SELECT p_location, h.id, h.sku_id, p_other, -h.quantity,
               l.on_hand + coalesce(sum(h.quantity) OVER (PARTITION BY h.sku_id ORDER BY h.id
                                                          ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0),
               p_reason, p_ref_kind, p_ref_id, p_at, p_actor
        FROM holds h JOIN levels l ON l.location_id = h.location_id AND l.sku_id = h.sku_id
        WHERE h.location_id = p_location AND h.id = ANY (resolved);
        GET DIAGNOSTICS touched = ROW_COUNT;
        IF EXISTS (SELECT FROM locations p WHERE p.id = p_other AND p.store_id IS NOT NULL) THEN
            UPDATE levels l SET on_hand = l.on_hand + s.quantity
            FROM (SELECT h.sku_id, sum(h.quantity)::integer AS quantity FROM holds h
                  WHERE h.location_id = p_location AND h.id = ANY (resolved) GROUP BY h.sku_id) s
            WHERE l.location_id = p_other AND l.sku_id = s.sku_id;
            GET DIAGNOSTICS moved = ROW_COUNT;
            IF moved <> levels_count THEN
                PERFORM duo_fault('INV-1', format('%s of %s levels at %s took what came', moved, levels_count, p_other));
            END IF;
        END IF;
        INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason,
                               ref_kind, ref_id, at, actor)
        SELECT p_other, h.id, h.sku_id, p_location, h.quantity,
               l.on_hand - coalesce(sum(h.quantity) OVER (PARTITION BY h.sku_id ORDER BY h.id
                                                          ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0),
               p_reason, p_ref_kind, p_ref_id, p_at, p_actor
        FROM holds h LEFT JOIN levels l ON l.location_id = p_other AND l.sku_id = h.sku_id
        WHERE h.location_id = p_location AND h.id = ANY (resolved);
        GET DIAGNOSTICS moved = ROW_COUNT;
        IF touched <> moved THEN
            PERFORM duo_fault('INV-1b', format('movements with %s and %s rows at %s', touched, moved, p_location));
        ELSIF moved <> coalesce(cardinality(resolved), 0) THEN
            PERFORM duo_fault('INV-3', format('%s movements of %s holds at %s', moved, cardinality(resolved), p_location));
        END IF;
    END IF;

    RETURN QUERY SELECT h.id, h.sku_id, h.quantity FROM holds h
                 WHERE h.location_id = p_location AND h.id = ANY (resolved);
END
$$;
