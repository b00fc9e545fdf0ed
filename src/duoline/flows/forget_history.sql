-- A text without what named somebody: whole when it is one of the values, else with each of them that is long enough to
-- be meant cut out.
CREATE OR REPLACE FUNCTION duo_redact_text(p_text text, p_values text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v text;
BEGIN
    IF p_text = ANY (p_values) THEN
        RETURN '***';
    END IF;
    FOREACH v IN ARRAY p_values LOOP
        IF length(v) >= 2 THEN
            p_text := replace(p_text, v, '***');
        END IF;
    END LOOP;
    RETURN p_text;
END
$$;

-- The same for every text of a document. Names of fields and numbers stay.
CREATE OR REPLACE FUNCTION duo_redact(p_doc jsonb, p_values text[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN CASE jsonb_typeof(p_doc)
        WHEN 'object' THEN coalesce(
            (SELECT jsonb_object_agg(e.key, duo_redact(e.value, p_values)) FROM jsonb_each(p_doc) e), '{}')
        WHEN 'array' THEN coalesce(
            (SELECT jsonb_agg(duo_redact(e.value, p_values) ORDER BY e.n)
             FROM jsonb_array_elements(p_doc) WITH ORDINALITY e(value, n)), '[]')
        WHEN 'string' THEN to_jsonb(duo_redact_text(p_doc #>> '{}', p_values))
        ELSE p_doc END;
END
$$;

-- Pseudonymise what append-only tables say of a member who was forgotten: the one way to change a row of theirs, and it
-- changes no number, state, time or id. It runs with the rights of the schema's owner, takes what to cut out from the
-- erasure itself, and does nothing for a member who was not forgotten or whose logs were swept before.
CREATE OR REPLACE FUNCTION duo_forget_history(p_member_id uuid)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    traces jsonb;
    named text[];
    phones text[];
    ids uuid[];
    subjects text[];
BEGIN
    SELECT e.traces INTO traces FROM erasures e JOIN members m ON m.member_id = e.member_id
    WHERE e.member_id = p_member_id AND e.swept_at IS NULL AND m.erased_at IS NOT NULL FOR UPDATE OF e;
    IF traces IS NULL THEN
        RETURN;
    END IF;
    named := ARRAY(SELECT jsonb_array_elements_text(traces -> 'values'));
    phones := ARRAY(SELECT '%' || jsonb_array_elements_text(traces -> 'phones') || '%');
    ids := ARRAY(SELECT jsonb_array_elements_text(traces -> 'ids'))::uuid[];
    subjects := ARRAY(SELECT jsonb_array_elements_text(traces -> 'subjects'));

    UPDATE order_events SET data = duo_redact(data - 'note', named) WHERE member_id = ANY (ids);
    UPDATE returns SET note = '' WHERE member_id = ANY (ids) AND note <> '';
    UPDATE journals SET reason = duo_redact_text(reason, named) WHERE member_id = ANY (ids) AND reason <> '';
    UPDATE tier_changes SET reason = duo_redact_text(reason, named) WHERE member_id = ANY (ids) AND reason <> '';
    UPDATE wallet_payouts SET reason = '***' WHERE member_id = ANY (ids);
    UPDATE statement_notes SET note = '***' WHERE payee_id = ANY (ids);
    UPDATE touches SET device_id = NULL WHERE member_id = ANY (ids);
    UPDATE scans SET member_id = NULL WHERE member_id = ANY (ids);
    UPDATE audit_log SET reason = duo_redact_text(reason, named), before = duo_redact(before, named),
                         after = duo_redact(after, named)
    WHERE subject = ANY (subjects) OR actor_id = ANY (ids)
       OR reason || coalesce(before::text, '') || coalesce(after::text, '') LIKE ANY (phones);
    -- Free words of the staff about things that are no member's: by the number alone, which can be nobody else's.
    UPDATE movements SET note = duo_redact_text(note, named) WHERE note LIKE ANY (phones);
    UPDATE drawer_entries SET reason = duo_redact_text(reason, named) WHERE reason LIKE ANY (phones);
END
$$;
