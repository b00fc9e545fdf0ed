-- Book the differences of a count whose levels are locked by the caller. One difference is what was counted less the
-- book at that moment (`book`), less what has been corrected since (other counts, units reported missing): those are
-- statements about the same shelf, and goods that are missing must not be written off twice. What a transfer brought
-- although nobody had sent it came in, and says nothing of what was there before. Units that an open shortage already
-- tells of are known too. Of broken units that holds for those that were set aside before the article was counted,
-- judged by the last of them: what broke afterwards was counted as whole, and leaves like a sale. A line that was
-- counted again in a count approved since says nothing any more.
-- The difference is added to what is on hand now, so sales and goods-in since the count stay as they are. What is held
-- cannot be written off: that part is `short`, added to the open shortage of the article or opening one.
-- Returns one row a line, with the shortage when it has units short.
CREATE OR REPLACE FUNCTION duo_apply_count(
    p_location uuid, p_count uuid, p_skus uuid[], p_ids uuid[], p_shortages uuid[], p_loss uuid, p_at timestamptz,
    p_actor text
)
RETURNS TABLE (sku_id uuid, variance integer, applied integer, short integer, before integer, shortage_id uuid)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    line record;
    level record;
    known record;
    corrected integer;
    difference integer;
    booked integer;
    missing integer;
    turned_up integer;
    task uuid;
BEGIN
    FOR line IN
        SELECT c.sku_id, c.counted, c.book, c.last_at, i.id, i.shortage
        FROM unnest(p_skus, p_ids, p_shortages) AS i(sku, id, shortage)
        JOIN count_lines c ON c.location_id = p_location AND c.count_id = p_count AND c.sku_id = i.sku
        WHERE c.counted IS NOT NULL
        ORDER BY c.sku_id
    LOOP
        SELECT l.on_hand, l.held INTO level FROM levels l WHERE l.location_id = p_location AND l.sku_id = line.sku_id;
        IF EXISTS (SELECT FROM count_lines o JOIN counts k ON k.location_id = o.location_id AND k.id = o.count_id
                   WHERE o.location_id = p_location AND o.sku_id = line.sku_id AND o.count_id <> p_count
                     AND k.state = 'approved' AND o.last_at > line.last_at) THEN
            difference := 0;
        ELSE
            SELECT coalesce(sum(m.quantity), 0) INTO corrected FROM movements m
            WHERE m.location_id = p_location AND m.sku_id = line.sku_id AND m.at > line.last_at
              AND ((m.reason IN ('count', 'missing') AND m.ref_kind <> 'transfer')
                   OR (m.reason = 'damage' AND m.ref_kind = 'shortage' AND EXISTS (
                           SELECT FROM shortages s WHERE s.location_id = p_location AND s.id = m.ref_id
                                                     AND s.broke_at <= line.last_at)));
            SELECT coalesce(sum(s.units - s.taken - s.lost - s.found
                                - CASE WHEN s.broke_at > line.last_at
                                       THEN least(s.broken - s.broken_gone, s.units - s.taken - s.lost - s.found)
                                       ELSE 0 END), 0) AS units INTO known FROM shortages s
            WHERE s.location_id = p_location AND s.sku_id = line.sku_id AND s.state = 'open';
            difference := line.counted - line.book - corrected + known.units;
            -- Units that a shortage tells of and that were counted after all: they are on the book still.
            IF difference > 0 AND known.units > 0 THEN
                turned_up := least(difference, known.units);
                difference := difference - turned_up;
                UPDATE shortages s
                SET found = s.found + turned_up, changes = s.changes + 1,
                    state = CASE WHEN s.units - s.taken - s.lost - s.found = turned_up THEN 'resolved' ELSE 'open' END,
                    resolved_at = CASE WHEN s.units - s.taken - s.lost - s.found = turned_up THEN p_at END
                WHERE s.location_id = p_location AND s.sku_id = line.sku_id AND s.state = 'open';
            END IF;
        END IF;
        booked := greatest(difference, -coalesce(level.on_hand - level.held, 0));
        missing := booked - difference;
        task := NULL;
        IF booked <> 0 THEN
            UPDATE levels l SET on_hand = l.on_hand + booked
            WHERE l.location_id = p_location AND l.sku_id = line.sku_id;
            IF NOT FOUND THEN
                PERFORM duo_fault('INV-1', format('no level at %s of %s to correct by %s', p_location, line.sku_id, booked));
            END IF;
            INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason,
                                   ref_kind, ref_id, at, actor)
            VALUES (p_location, line.id, line.sku_id, p_loss, booked, level.on_hand + booked, 'count',
                    'count', p_count, p_at, p_actor),
                   (p_loss, line.id, line.sku_id, p_location, -booked, NULL, 'count', 'count', p_count, p_at, p_actor);
        END IF;
        IF missing > 0 THEN
            task := duo_open_shortage(p_location, line.sku_id, line.shortage, p_count, missing, 0, p_at);
        END IF;
        UPDATE count_lines c SET variance = difference, applied = booked, short = missing
        WHERE c.location_id = p_location AND c.count_id = p_count AND c.sku_id = line.sku_id;
        IF NOT FOUND THEN
            PERFORM duo_fault('CNT-1', format('no line of %s in count %s', line.sku_id, p_count));
        END IF;
        RETURN QUERY SELECT line.sku_id, difference, booked, missing, level.on_hand, task;
    END LOOP;
END
$$;
