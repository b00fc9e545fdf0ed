-- Every change of stock, money, prices, policies and rights between two instants, each once, with who, why, before and after.
-- The kernel's README says which facts are audited where; this is the one query that reads them all:
--   the audit log, which takes everything that somebody does by hand or that moves money back;
--   the story of each order, for what its lines there do not say: placing, paying online, running out of time. Orders from
--   an import come from their story too: the audit log has one line for the whole import;
--   the movements of sales, which are the before and after of each level.
-- All three can only be added to. Answers come in no order. Ask for a day, not for a year: stories and movements have no
-- index by time, because nothing that trades would use it.
CREATE OR REPLACE FUNCTION duo_audit_trail(p_since timestamptz, p_until timestamptz)
RETURNS TABLE (at timestamptz, actor text, actor_name text, action text, subject_kind text, subject text, store_id uuid,
               reason text, before jsonb, after jsonb)
LANGUAGE sql STABLE
AS $$
SELECT a.at, a.actor_kind || ':' || a.actor_id, a.actor_name, a.action, a.subject_kind, a.subject, a.store_id, a.reason,
       a.before, a.after
FROM audit_log a WHERE a.at >= p_since AND a.at < p_until
UNION ALL
SELECT e.at, e.actor, '', 'order.' || replace(e.kind, '_', '-'), 'order', o.order_no, NULL, coalesce(e.data->>'reason', ''),
       NULL, e.data
FROM order_events e JOIN orders o ON o.member_id = e.member_id AND o.id = e.order_id
WHERE e.at >= p_since AND e.at < p_until
  AND (e.kind IN ('placed', 'paid', 'paid_late', 'expired', 'uncollected', 'resourced', 'sold_out', 'answered',
                 'payment_misfit')
       OR (e.kind = 'sold' AND e.data ? 'imported'))
UNION ALL
SELECT m.at, m.actor, '', 'stock.sale', 'sku', m.sku_id::text, m.location_id, m.ref_kind || ' ' || m.ref_id,
       jsonb_build_object('on_hand', m.on_hand_after - m.quantity), jsonb_build_object('on_hand', m.on_hand_after)
FROM movements m
WHERE m.reason = 'sale' AND m.quantity < 0 AND m.at >= p_since AND m.at < p_until
$$;
