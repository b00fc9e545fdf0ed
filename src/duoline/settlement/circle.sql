-- Whether paying somebody for a member's order would close a circle: whether the buyer is paid for what the payee buys,
-- or for what others buy who are paid for that. Step by step, each person once; a recursive query makes room each time
-- for as many people as it fears to find, which takes a hundred times as long as finding them.
CREATE OR REPLACE FUNCTION duo_closes_circle(p_payee uuid, p_buyer uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wanted uuid := duo_now(p_buyer);
    front uuid[] := ARRAY[duo_payee(p_payee)];
    seen uuid[] := '{}';
    ids uuid[];
BEGIN
    LOOP
        SELECT array_agg(i) INTO ids FROM unnest(front) AS f(id), unnest(duo_person(f.id)) AS i;
        SELECT array_agg(DISTINCT duo_payee(r.payee_id)) INTO front FROM referrals r WHERE r.buyer_id = ANY (ids);
        IF wanted = ANY (front) THEN
            RETURN true;
        END IF;
        SELECT array_agg(f.id) INTO front FROM unnest(front) AS f(id) WHERE f.id <> ALL (seen);
        IF front IS NULL THEN
            RETURN false;
        END IF;
        seen := seen || front;
    END LOOP;
END
$$;
