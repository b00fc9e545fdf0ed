-- The binding by which a member belonged to somebody at an instant; no row for nobody. What happens later does not change
-- the answer. Of a person who was several members then: their own binding, else the survivor's, else the latest of the
-- others. What pays for orders asks this, and so does whatever a guide is told of their members.
CREATE OR REPLACE FUNCTION duo_binding_at(p_member uuid, p_scope text, p_at timestamptz)
RETURNS SETOF bindings
LANGUAGE sql STABLE
AS $$
SELECT b.* FROM bindings b, (SELECT duo_group_at(p_member, p_at) AS ids) p
WHERE b.member_id = ANY (p.ids) AND b.scope = p_scope AND b.from_at <= p_at
  AND (b.until_at IS NULL OR p_at < b.until_at) AND (b.expires_at IS NULL OR p_at < b.expires_at)
ORDER BY b.member_id = p_member DESC, b.member_id = p.ids[1] DESC, b.from_at DESC, b.id DESC LIMIT 1
$$;

-- The bindings to a guide in a shop that have not been ended, but for those that rest because the person, who was several
-- members, belongs to somebody by another one. `head_id` is who they are now.
CREATE OR REPLACE FUNCTION duo_bound_to(p_guide uuid, p_store uuid, p_at timestamptz)
RETURNS TABLE (member_id uuid, id uuid, head_id uuid, source text, from_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE
AS $$
SELECT b.member_id, b.id, h.id, b.source, b.from_at, b.expires_at
FROM bindings b
CROSS JOIN LATERAL (SELECT coalesce(m.merged_into, m.member_id) AS id FROM members m WHERE m.member_id = b.member_id) h
WHERE b.guide_id = p_guide AND b.store_id = p_store AND b.until_at IS NULL
  AND b.id = coalesce((SELECT x.id FROM duo_binding_at(h.id, b.scope, p_at) x), b.id)
$$;

-- The orders that were placed while a binding was what their buyer belonged to somebody by: by the member it is of, and by
-- whoever was one person with them at that instant. They are what the guide is paid for.
CREATE OR REPLACE FUNCTION duo_orders_of_binding(p_member uuid, p_binding uuid, p_scope text, p_from timestamptz)
RETURNS SETOF orders
LANGUAGE sql STABLE
AS $$
SELECT o.* FROM orders o
WHERE o.placed_at >= p_from AND o.member_id IN (
    WITH heads AS (
        SELECT p_member AS id UNION SELECT g.member_id FROM member_merges g WHERE g.other_id = p_member)
    SELECT id FROM heads
    UNION SELECT g.other_id FROM member_merges g JOIN heads h ON h.id = g.member_id)
  AND EXISTS (SELECT FROM duo_binding_at(o.member_id, p_scope, o.placed_at) x WHERE x.id = p_binding)
$$;
