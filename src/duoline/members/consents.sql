-- Whether a member agrees to a purpose now: their newest word on it is yes, and no text since then asks for more than the
-- one they agreed to. Who never said anything does not agree. Read in the very statement that uses the data, so what is
-- taken back counts with the next statement. Of whoever was merged, what the member says whom they are now: their own
-- words rest as long as the merge lasts.
CREATE OR REPLACE FUNCTION duo_consents(p_member_id uuid, p_purpose text)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((
        SELECT c.granted AND c.text_version >= coalesce(
                   (SELECT max(t.version) FROM consent_texts t WHERE t.purpose = p_purpose AND t.widens), 1)
        FROM consents c
        WHERE c.member_id = coalesce((SELECT m.merged_into FROM members m WHERE m.member_id = p_member_id), p_member_id)
          AND c.purpose = p_purpose
        ORDER BY c.at DESC, c.id DESC LIMIT 1), false)
$$;
