-- Write a cart's next version: lines to set and lines that are gone. False, and nothing done, when the cart is not at
-- the version `p_seen` (0 for no cart). Locks the cart.
CREATE OR REPLACE FUNCTION duo_write_cart(p_member uuid, p_seen integer, p_lines jsonb, p_gone uuid[], p_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO carts AS c (member_id, version, updated_at) VALUES (p_member, 1, p_at)
    ON CONFLICT (member_id) DO UPDATE SET version = c.version + 1, updated_at = excluded.updated_at
    WHERE c.version = p_seen;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF cardinality(p_gone) > 0 THEN
        DELETE FROM cart_lines l WHERE l.member_id = p_member AND l.id = ANY (p_gone);
    END IF;
    INSERT INTO cart_lines (member_id, id, sku_id, quantity, method, store_id, added_at)
    SELECT p_member, r.id, r.sku_id, r.quantity, r.method, r.store_id, p_at
    FROM jsonb_to_recordset(p_lines) AS r(id uuid, sku_id uuid, quantity integer, method text, store_id uuid)
    ON CONFLICT (member_id, id)
    DO UPDATE SET quantity = excluded.quantity, method = excluded.method, store_id = excluded.store_id;
    RETURN true;
END
$$;
