-- Store an answer under an idempotency key, in the statement of its effect (IDE-1). NULL when the key was free; else
-- the answer of the earlier call: {"result": "replay", "status", "response"} or {"result": "mismatch"}.
-- Waits for another transaction that holds the key.
CREATE OR REPLACE FUNCTION duo_claim_key(
    p_actor uuid, p_key text, p_hash bytea, p_status integer, p_response text, p_at timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO idempotency (actor_id, key, request_hash, status, response, created_at)
    VALUES (p_actor, p_key, p_hash, p_status, p_response, p_at)
    ON CONFLICT (actor_id, key) DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT CASE WHEN d.request_hash = p_hash
                        THEN jsonb_build_object('result', 'replay', 'status', d.status, 'response', d.response)
                        ELSE '{"result": "mismatch"}' END
            FROM idempotency d WHERE d.actor_id = p_actor AND d.key = p_key);
END
$$;
