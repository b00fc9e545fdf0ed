-- Make guests with their sessions. Safe to repeat: id and token both come from the request's own key.
-- p_guests: [{"member_id", "locale", "token_hash" (hex), "expires_at"}]; without a token there is no session.
CREATE OR REPLACE FUNCTION duo_welcome_guests(p_guests jsonb, p_at timestamptz)
RETURNS void
LANGUAGE sql
AS $$
    WITH guests AS (
        SELECT g.* FROM jsonb_to_recordset(p_guests) AS g(member_id uuid, locale text, token_hash text, expires_at timestamptz)
        ORDER BY g.member_id
    ), made AS (
        INSERT INTO members (member_id, kind, locale, created_at)
        SELECT member_id, 'guest', locale, p_at FROM guests
        ON CONFLICT (member_id) DO NOTHING
    )
    INSERT INTO member_sessions (token_hash, member_id, created_at, expires_at)
    SELECT decode(token_hash, 'hex'), member_id, p_at, expires_at FROM guests WHERE token_hash IS NOT NULL
    ON CONFLICT (token_hash) DO NOTHING
$$;
