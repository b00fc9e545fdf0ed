-- Move units between one real location and another end (supplier, customer, loss, quarantine) that are not
-- held: p_quantity is signed from p_location. Refuses with P0409 when the level would fall below what is held.
-- Returns on hand before and after.
CREATE OR REPLACE FUNCTION duo_move(
    p_location uuid, p_sku uuid, p_quantity integer, p_other uuid, p_reason text, p_id uuid,
    p_ref_kind text, p_ref_id uuid, p_at timestamptz, p_actor text, p_note text
)
RETURNS TABLE (before integer, after integer, held integer)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    level record;
BEGIN
    PERFORM duo_open_level(p_location, p_sku);
    SELECT l.on_hand, l.held INTO level FROM levels l
    WHERE l.location_id = p_location AND l.sku_id = p_sku FOR UPDATE;
    IF level.on_hand + p_quantity < level.held THEN
        RETURN QUERY SELECT level.on_hand, NULL::integer, level.held;
        RETURN;
    END IF;
    UPDATE levels l SET on_hand = l.on_hand + p_quantity WHERE l.location_id = p_location AND l.sku_id = p_sku;
    IF NOT FOUND THEN
        PERFORM duo_fault('INV-1', format('no level at %s of %s to move %s units', p_location, p_sku, p_quantity));
    END IF;
    INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason,
                           ref_kind, ref_id, at, actor, note)
    VALUES (p_location, p_id, p_sku, p_other, p_quantity, level.on_hand + p_quantity, p_reason,
            p_ref_kind, p_ref_id, p_at, p_actor, p_note),
           (p_other, p_id, p_sku, p_location, -p_quantity, NULL, p_reason,
            p_ref_kind, p_ref_id, p_at, p_actor, p_note);
    RETURN QUERY SELECT level.on_hand, level.on_hand + p_quantity, level.held;
END
$$;
