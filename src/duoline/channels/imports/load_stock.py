"""Opening stock and counts: a level changes only together with the two rows of its movement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.channels.imports.problems import Bad, problem
from duoline.channels.imports.stage import Tally
from duoline.inventory import LOSS, SUPPLIER, VIRTUAL

if TYPE_CHECKING:
    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 5000
GROUPED = False


async def arrange(session: Session) -> None:
    """Put the rows in the order in which levels are locked, by location and SKU; report what is unknown or repeated.

    `skip` marks rows that are reported: nothing is deleted, since going through a million rows once is enough.
    """
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
           SELECT row_number() OVER w AS n, p.id AS location_id, s.id AS sku_id,
                  lag(r.line) OVER w AS repeats,
                  p.id IS NULL OR s.id IS NULL
                  OR coalesce(lag(s.id) OVER w = s.id AND lag(p.id) OVER w = p.id, false) AS skip,
                  r.line, r.store_code, r.sku_code, r.on_hand, r.safety, r.shelf, r.movement_id
           FROM import_rows r LEFT JOIN stores p ON p.code = r.store_code LEFT JOIN skus s ON s.code = r.sku_code
           WINDOW w AS (ORDER BY p.id, s.id, r.line) ORDER BY n"""
    )
    for column, known in (("store_code", "location_id"), ("sku_code", "sku_id")):
        await session.report_query(
            f"SELECT line, {column} AS value, '' AS named FROM import_arranged WHERE skip AND {known} IS NULL",  # noqa: S608
            column=column,
            code="unknown",
        )
    await session.report_query(
        """SELECT line, sku_code AS value, repeats AS named FROM import_arranged
           WHERE skip AND location_id IS NOT NULL AND sku_id IS NOT NULL""",
        column="sku_code",
        code="twice",
    )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Set the levels of rows `first` to `last`, location by location, so that every statement stays in one place."""
    await tx.executemany(
        "INSERT INTO locations (id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(VIRTUAL.items())
    )
    locations = await tx.fetch(
        """SELECT location_id, min(n) AS first, max(n) AS last FROM import_arranged
            WHERE n BETWEEN $1 AND $2 AND NOT skip GROUP BY 1 ORDER BY 1""",
        first,
        last,
    )
    tally = Tally()
    for location in locations:
        which = *location, session.has("safety"), session.has("shelf")
        await tx.execute(_LOCK, *which)
        rows = await tx.fetch(
            _WRITE,
            *which,
            session.at,
            session.actor.label,
            session.import_id,
            SUPPLIER,
            LOSS,
            session.actor.kind,
            session.actor.id,
            session.actor.name,
        )
        refused = [
            problem(row["line"], "on_hand", row["on_hand"], Bad(row["outcome"], held=row["held"]))
            for row in rows
            if row["line"] is not None
        ]
        await session.report(refused)
        counts = {row["outcome"]: row["count"] for row in rows if row["line"] is None}
        tally += Tally(counts.get("changed", 0), counts.get("same", 0))
    return tally


# Only rows that will change: a lock is a write, and an import that changes nothing should write nothing.
_LOCK = """
SELECT count(*) FROM (
    SELECT 1 FROM levels l JOIN import_arranged a ON a.sku_id = l.sku_id AND a.n BETWEEN $2 AND $3 AND NOT a.skip
    WHERE l.location_id = $1
      AND (a.on_hand <> l.on_hand OR ($4 AND coalesce(a.safety, 0) <> l.safety)
           OR ($5 AND a.shelf IS DISTINCT FROM l.shelf))
    ORDER BY l.sku_id FOR UPDATE OF l) locked
"""

# One statement a location. A level that somebody else has touched since it was read is left alone and reported
# (stock-moved), because the difference written to its movement would be wrong. The line in the audit log carries the
# movement's id: one row of the file makes at most one of each.
_WRITE = """
WITH wish AS MATERIALIZED (
    SELECT a.line, a.sku_id, a.on_hand, a.movement_id, coalesce(l.on_hand, 0) AS had, coalesce(l.held, 0) AS held,
           l.sku_id IS NULL AS fresh,
           CASE WHEN $4 THEN coalesce(a.safety, 0) ELSE coalesce(l.safety, 0) END AS safety,
           CASE WHEN $5 THEN a.shelf ELSE l.shelf END AS shelf,
           l.safety AS safety_had, l.shelf AS shelf_had
    FROM import_arranged a LEFT JOIN levels l ON l.location_id = $1 AND l.sku_id = a.sku_id
    WHERE a.n BETWEEN $2 AND $3 AND NOT a.skip
), terms AS MATERIALIZED (
    SELECT outward_cap, outward_reserve FROM locations WHERE id = $1 FOR SHARE
), added AS (
    INSERT INTO levels (location_id, sku_id, on_hand, safety, shelf, outward_cap, outward_reserve)
    SELECT $1, sku_id, on_hand, safety, shelf, outward_cap, outward_reserve FROM wish CROSS JOIN terms WHERE fresh
    ON CONFLICT DO NOTHING RETURNING sku_id
), corrected AS (
    UPDATE levels l SET on_hand = w.on_hand, safety = w.safety, shelf = w.shelf
    FROM wish w
    WHERE l.location_id = $1 AND l.sku_id = w.sku_id AND NOT w.fresh AND l.on_hand = w.had AND w.on_hand >= l.held
      AND (w.on_hand, w.safety, coalesce(w.shelf, '')) <> (w.had, w.safety_had, coalesce(w.shelf_had, ''))
    RETURNING l.sku_id
), done AS MATERIALIZED (
    SELECT sku_id FROM added UNION ALL SELECT sku_id FROM corrected
), ours AS (
    INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason, ref_kind,
                           ref_id, at, actor)
    SELECT $1, movement_id, sku_id, CASE WHEN fresh THEN $9::uuid ELSE $10::uuid END, on_hand - had, on_hand,
           CASE WHEN fresh THEN 'opening' ELSE 'count' END, 'import', $8, $6, $7
    FROM wish JOIN done USING (sku_id) WHERE on_hand <> had
), theirs AS (
    INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at, actor)
    SELECT CASE WHEN fresh THEN $9::uuid ELSE $10::uuid END, movement_id, sku_id, $1, had - on_hand,
           CASE WHEN fresh THEN 'opening' ELSE 'count' END, 'import', $8, $6, $7
    FROM wish JOIN done USING (sku_id) WHERE on_hand <> had
), traced AS (
    INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, store_id, reason,
                           before, after)
    SELECT movement_id, $6, $11, $12, $13, 'stock.import', 'sku', sku_id::text, $1, 'import ' || $8::uuid,
           CASE WHEN NOT fresh THEN jsonb_build_object('on_hand', had, 'safety', safety_had, 'shelf', shelf_had) END,
           jsonb_build_object('on_hand', on_hand, 'safety', safety, 'shelf', shelf)
    FROM wish JOIN done USING (sku_id)
), outcomes AS MATERIALIZED (
    SELECT w.line, w.on_hand, w.held,
           CASE WHEN d.sku_id IS NOT NULL THEN 'changed'
                WHEN w.fresh THEN 'stock-moved'
                WHEN w.on_hand < w.held THEN 'below-held'
                WHEN (w.on_hand, w.safety, coalesce(w.shelf, '')) <> (w.had, w.safety_had, coalesce(w.shelf_had, ''))
                THEN 'stock-moved'
                ELSE 'same' END AS outcome
    FROM wish w LEFT JOIN done d USING (sku_id)
)
SELECT NULL::int AS line, NULL::int AS on_hand, NULL::int AS held, outcome, count(*) AS count
FROM outcomes GROUP BY outcome
UNION ALL
SELECT line, on_hand, held, outcome, 1 FROM outcomes WHERE outcome IN ('below-held', 'stock-moved')
"""
