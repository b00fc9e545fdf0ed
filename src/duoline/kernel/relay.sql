-- Move up to p_limit rows of each outbox to the event log, the oldest first; returns how many. Only the process that
-- leads calls it, and what it moves is gone from the outbox in the same transaction.
-- source_id is unique, so a row that was moved before and not deleted (it cannot be: one transaction) stays single.
CREATE OR REPLACE FUNCTION duo_relay(p_limit integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    moved integer;
    total integer := 0;
BEGIN
    WITH due AS MATERIALIZED (
        SELECT o.member_id, o.id FROM member_outbox o ORDER BY o.at, o.id LIMIT p_limit
    ), gone AS (
        DELETE FROM member_outbox o USING due d WHERE o.member_id = d.member_id AND o.id = d.id
        RETURNING o.id, o.topic, o.key, o.payload, o.for_member_id, o.store_ids, o.at
    )
    INSERT INTO event_log (source_id, topic, key, payload, for_member_id, store_ids, at)
    SELECT * FROM gone ORDER BY at, id ON CONFLICT (source_id) DO NOTHING;
    GET DIAGNOSTICS moved = ROW_COUNT;
    total := total + moved;

    WITH due AS MATERIALIZED (
        SELECT o.location_id, o.id FROM stock_outbox o ORDER BY o.at, o.id LIMIT p_limit
    ), gone AS (
        DELETE FROM stock_outbox o USING due d WHERE o.location_id = d.location_id AND o.id = d.id
        RETURNING o.id, o.topic, o.key, o.payload, o.for_member_id, o.store_ids, o.at
    )
    INSERT INTO event_log (source_id, topic, key, payload, for_member_id, store_ids, at)
    SELECT * FROM gone ORDER BY at, id ON CONFLICT (source_id) DO NOTHING;
    GET DIAGNOSTICS moved = ROW_COUNT;
    total := total + moved;

    WITH due AS MATERIALIZED (
        SELECT o.id FROM local_outbox o ORDER BY o.at, o.id LIMIT p_limit
    ), gone AS (
        DELETE FROM local_outbox o USING due d WHERE o.id = d.id
        RETURNING o.id, o.topic, o.key, o.payload, o.for_member_id, o.store_ids, o.at
    )
    INSERT INTO event_log (source_id, topic, key, payload, for_member_id, store_ids, at)
    SELECT * FROM gone ORDER BY at, id ON CONFLICT (source_id) DO NOTHING;
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN total + moved;
END
$$;
