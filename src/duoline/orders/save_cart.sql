-- Save a changed cart, once a key, in one round trip: the key with its answer, the guest who comes with it (`p_guests`,
-- see duo_welcome_guests; NULL for none), the cart's next version, lines to set and lines that are gone.
-- `p_seen` is the version that the change was made from, 0 for no cart: another one means that somebody else was
-- faster, and nothing is done. Locks: the key, then the cart.
-- p_lines: [{"id", "sku_id", "quantity", "method", "store_id"}]
-- Returns {"result": "saved"} | {"result": "stale"} | what duo_claim_key says of an earlier call.
CREATE OR REPLACE FUNCTION duo_save_cart(
    p_actor uuid, p_key text, p_hash bytea, p_status integer, p_response text, p_guests jsonb,
    p_member uuid, p_seen integer, p_lines jsonb, p_gone uuid[], p_at timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    earlier jsonb := duo_claim_key(p_actor, p_key, p_hash, p_status, p_response, p_at);
BEGIN
    IF earlier IS NOT NULL THEN
        RETURN earlier;
    END IF;
    IF p_guests IS NOT NULL THEN
        PERFORM duo_welcome_guests(p_guests, p_at);
    END IF;
    IF NOT duo_write_cart(p_member, p_seen, p_lines, p_gone, p_at) THEN
        DELETE FROM idempotency d WHERE d.actor_id = p_actor AND d.key = p_key;
        RETURN '{"result": "stale"}';
    END IF;
    RETURN '{"result": "saved"}';
END
$$;
