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

-- Every id under which a person has done anything: those of their group, and those of the guests they were, who they are
-- now first. A merge adopts the other's guests (MRG-3), so that the survivor's are all.
CREATE OR REPLACE FUNCTION duo_person(p_member uuid)
RETURNS uuid[]
LANGUAGE sql STABLE
AS $$
SELECT h.id || ARRAY(SELECT g.guest_id FROM adopted_guests g WHERE g.member_id = h.id ORDER BY g.guest_id)
FROM (SELECT coalesce((SELECT m.merged_into FROM members m WHERE m.member_id = p_member), p_member) AS id) h
$$;

-- Who somebody is now: the survivor of their merge; of a guest, who adopted them first; else they themselves.
CREATE OR REPLACE FUNCTION duo_now(p_id uuid)
RETURNS uuid
LANGUAGE sql STABLE
AS $$
SELECT coalesce(
    (SELECT m.merged_into FROM members m WHERE m.member_id = p_id),
    (SELECT a.member_id FROM adopted_guests a JOIN members h ON h.member_id = a.member_id AND h.merged_into IS NULL
     WHERE a.guest_id = p_id ORDER BY a.adopted_at, a.member_id LIMIT 1),
    p_id)
$$;

-- The group as of an instant: by the merges that lasted then.
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
