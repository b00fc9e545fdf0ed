-- Carry units that nobody holds between two ends, several at once: element k of the arrays is one movement. An end is a
-- place of ours, which has a level, or one outside (supplier, customer, loss, quarantine), which has none. The caller has
-- made and locked every level in order of (location, SKU) and checked that there is enough: anything else is a fault.
-- Returns how many movements were written, each with both of its rows.
CREATE OR REPLACE FUNCTION duo_carry(
    p_from uuid[], p_to uuid[], p_skus uuid[], p_quantities integer[], p_ids uuid[], p_reasons text[],
    p_ref_kind text, p_ref_id uuid, p_at timestamptz, p_actor text, p_note text
)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    from_after integer;
    to_after integer;
BEGIN
    FOR k IN 1 .. coalesce(cardinality(p_ids), 0) LOOP
        UPDATE levels SET on_hand = on_hand - p_quantities[k]
        WHERE location_id = p_from[k] AND sku_id = p_skus[k] AND on_hand - p_quantities[k] >= held
        RETURNING on_hand INTO from_after;
        IF NOT FOUND AND EXISTS (SELECT FROM locations WHERE id = p_from[k] AND store_id IS NOT NULL) THEN
            PERFORM duo_fault('INV-2', format('%s units of %s to carry are not at %s', p_quantities[k], p_skus[k], p_from[k]));
        END IF;
        UPDATE levels SET on_hand = on_hand + p_quantities[k]
        WHERE location_id = p_to[k] AND sku_id = p_skus[k]
        RETURNING on_hand INTO to_after;
        IF NOT FOUND AND EXISTS (SELECT FROM locations WHERE id = p_to[k] AND store_id IS NOT NULL) THEN
            PERFORM duo_fault('INV-1', format('no level at %s of %s for %s units', p_to[k], p_skus[k], p_quantities[k]));
        END IF;
        INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason,
                               ref_kind, ref_id, at, actor, note)
        VALUES (p_from[k], p_ids[k], p_skus[k], p_to[k], -p_quantities[k], from_after, p_reasons[k],
                p_ref_kind, p_ref_id, p_at, p_actor, p_note),
               (p_to[k], p_ids[k], p_skus[k], p_from[k], p_quantities[k], to_after, p_reasons[k],
                p_ref_kind, p_ref_id, p_at, p_actor, p_note);
    END LOOP;
    RETURN coalesce(cardinality(p_ids), 0);
END
$$;
