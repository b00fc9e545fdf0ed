-- As whom a payee buys: staff as the member who has their number, anybody else as who they are now. Staff who are no
-- members buy as nobody, and are themselves.
CREATE OR REPLACE FUNCTION duo_payee(p_id uuid)
RETURNS uuid
LANGUAGE sql STABLE
AS $$
SELECT duo_now(coalesce(
    (SELECT p.member_id FROM staff s JOIN phone_index p ON p.phone = s.phone WHERE s.id = p_id),
    p_id))
$$;
