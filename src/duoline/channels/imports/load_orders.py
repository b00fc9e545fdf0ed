"""Past orders: completed when they arrive, paid, balanced in the ledger, and never changed afterwards.

All rows with one order code are one order; if one of them is bad, the whole order is left out, because half an
order is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.channels.imports.stage import Tally, report_repeated, report_unknown, take_out_reported
from duoline.channels.imports.take_past_stock import lock_levels, mark_short, take_units
from duoline.channels.imports.write_orders import WRITES

if TYPE_CHECKING:
    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx

CHUNK = 3000
GROUPED = True


async def arrange(session: Session) -> None:
    """Report what does not fit, then put the rows of each order together."""
    await report_unknown(session, "store_code", "stores")
    await report_unknown(session, "sku_code", "skus")
    if session.has("line_no"):
        await report_repeated(session, ["order_code", "line_no"], shown="order_code")
    await _report_members(session)
    await _report_disagreements(session)
    await _leave_out_broken_orders(session)
    # `place` counts the rows of an order; what is said once an order is taken from the row in first place.
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
           SELECT row_number() OVER w AS n, dense_rank() OVER (ORDER BY r.order_code) AS g,
                  row_number() OVER o AS place, NULL::text AS outcome,
                  (sum(r.unit_price * r.quantity) OVER t)::bigint AS subtotal, (sum(r.amount) OVER t)::bigint AS total,
                  p.id AS store_id, p.code AS the_store_code, s.id AS sku_id,
                  coalesce(mc.member_id, mp.member_id, r.guest_id) AS member_id,
                  coalesce(mc.member_id, mp.member_id) IS NULL AS guest, r.*
           FROM (SELECT i.*, (i.amount + i.quantity - 1) / i.quantity AS unit_price FROM import_rows i) r
           JOIN stores p ON p.code = r.store_code JOIN skus s ON s.code = r.sku_code
           LEFT JOIN member_codes mc ON mc.code = r.member_code
           LEFT JOIN phone_index mp ON mp.phone = r.phone AND r.member_code IS NULL
           WINDOW w AS (ORDER BY r.order_code, r.line_no, r.line), t AS (PARTITION BY r.order_code),
                  o AS (PARTITION BY r.order_code ORDER BY r.line_no, r.line)
           ORDER BY n"""
    )
    await session.connection.execute(
        "CREATE TEMP VIEW import_new AS SELECT * FROM import_arranged WHERE outcome = 'new'"
    )


async def _report_members(session: Session) -> None:
    await session.report_query(
        """SELECT r.line, r.member_code AS value, '' AS named FROM import_rows r
           WHERE r.member_code IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM member_codes t WHERE t.code = r.member_code)""",
        column="member_code",
        code="unknown-member",
    )
    await session.report_query(
        """SELECT r.line, r.phone AS value, '' AS named FROM import_rows r
           WHERE r.phone IS NOT NULL AND r.member_code IS NULL
             AND NOT EXISTS (SELECT 1 FROM phone_index t WHERE t.phone = r.phone)""",
        column="phone",
        code="unknown-member",
    )


async def _report_disagreements(session: Session) -> None:
    """Rows of an order agree on when, where, by whom and how it was paid."""
    await session.report_query(
        """SELECT line, order_code AS value, named FROM (
               SELECT r.line, r.order_code, r.digest, first_value(r.digest) OVER w AS said,
                      first_value(r.line) OVER w AS named
               FROM import_rows r WHERE r.quantity IS NOT NULL
               WINDOW w AS (PARTITION BY r.order_code ORDER BY r.line)) x
           WHERE digest <> said""",
        column="order_code",
        code="order-rows",
    )


async def _leave_out_broken_orders(session: Session) -> None:
    """A row without a quantity stands for one that could not be taken: all that is known of it is its order."""
    await session.report_query(
        """SELECT r.line, r.order_code AS value, '' AS named FROM import_rows r
           WHERE r.quantity IS NOT NULL AND NOT EXISTS (SELECT 1 FROM import_problems p WHERE p.line = r.line)
             AND r.order_code IN (SELECT b.order_code FROM import_rows b WHERE b.quantity IS NULL
                                  UNION SELECT b.order_code FROM import_rows b
                                        JOIN import_problems p ON p.line = b.line)""",
        column="order_code",
        code="order-bad-rows",
    )
    await session.connection.execute("DELETE FROM import_rows WHERE quantity IS NULL")
    await take_out_reported(session)


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Write the orders of rows `first` to `last` that are not there yet; compare the others with what is."""
    await tx.execute(_JUDGE, first, last)
    if session.move_stock:
        await lock_levels(tx, first, last)
        await mark_short(tx, first, last)
        await take_units(tx, first, last, session.actor.label)
    for statement, signed in WRITES:
        await tx.execute(statement, first, last, *([session.actor.label] if signed else []))
    for outcome in ("order-differs", "short"):
        await session.report_query(
            """SELECT line, order_code AS value, '' AS named FROM import_arranged
               WHERE n BETWEEN $1 AND $2 AND outcome = $3""",
            first,
            last,
            outcome,
            column="order_code",
            code=outcome,
        )
    counts = await tx.fetch(
        "SELECT outcome, count(*) FROM import_arranged WHERE n BETWEEN $1 AND $2 GROUP BY outcome", first, last
    )
    found = {row["outcome"]: row["count"] for row in counts}
    return Tally(found.get("new", 0), found.get("same", 0))


# Whether each order is new, is there as it stands in the file, or is there and says something else. Materialised, or
# the planner looks the stored lines up once a row instead of once an order.
_JUDGE = """
WITH judged AS MATERIALIZED (
    SELECT f.g, CASE WHEN o.id IS NULL THEN 'new'
                     WHEN (o.placed_at, o.store_id, o.total_minor, o.channel, o.member_id, l.said)
                          = (f.placed_at, f.store_id, f.total, f.channel, f.member_id, f.said) THEN 'same'
                     ELSE 'order-differs' END AS outcome
    FROM (SELECT g, min(order_no) AS order_no, min(placed_at) AS placed_at, min(store_id::text)::uuid AS store_id,
                 min(total) AS total, coalesce(min(channel), 'import') AS channel,
                 min(member_id::text)::uuid AS member_id,
                 string_agg(sku_id || ':' || quantity || ':' || unit_price, ',' ORDER BY place) AS said
          FROM import_arranged WHERE n BETWEEN $1 AND $2 GROUP BY g) f
    LEFT JOIN order_numbers k ON k.order_no = f.order_no
    LEFT JOIN orders o ON o.member_id = k.member_id AND o.id = k.order_id
    LEFT JOIN LATERAL (SELECT string_agg(ol.sku_id || ':' || ol.quantity || ':' || ol.unit_price_minor, ','
                                         ORDER BY ol.n) AS said
                       FROM order_lines ol WHERE ol.member_id = k.member_id AND ol.order_id = k.order_id) l ON true
)
UPDATE import_arranged a SET outcome = j.outcome FROM judged j WHERE a.n BETWEEN $1 AND $2 AND a.g = j.g
"""
