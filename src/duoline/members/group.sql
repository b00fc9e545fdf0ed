-- The ids under which a person is a member: who they are now first, then those that were merged into it. Of whoever was
-- merged, the same. One shard for the row, one for the merges of its survivor.
CREATE OR REPLACE FUNCTION duo_group(p_member uuid)
RETURNS uuid[]
LANGUAGE sql STABLE
AS $$
SELECT h.id || ARRAY(SELECT g.other_id FROM member_merges g
                     WHERE g.member_id = h.id AND g.undone_at IS NULL ORDER BY g.other_id)
FROM (SELECT coalesce((SELECT m.merged_into FROM members m WHERE m.member_id = p_member), p_member) AS id) h
$$;

-- The same as of an instant: by the merges that lasted then.
CREATE OR REPLACE FUNCTION duo_group_at(p_member uuid, p_at timestamptz)
RETURNS uuid[]
LANGUAGE sql STABLE
AS $$
SELECT h.id || ARRAY(SELECT g.other_id FROM member_merges g
                     WHERE g.member_id = h.id AND g.at <= p_at AND (g.undone_at IS NULL OR g.undone_at > p_at)
                     ORDER BY g.other_id)
FROM (SELECT coalesce((SELECT g.member_id FROM member_merges g
                       WHERE g.other_id = p_member AND g.at <= p_at AND (g.undone_at IS NULL OR g.undone_at > p_at)
                       ORDER BY g.at DESC LIMIT 1), p_member) AS id) h
$$;
