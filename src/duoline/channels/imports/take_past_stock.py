"""Take the units of past orders from stock, when the import is asked to: for counts made before those sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.inventory import CUSTOMER
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from duoline.kernel.db import Tx


async def lock_levels(tx: Tx, first: int, last: int) -> None:
    """Lock the levels that the new orders of rows `first` to `last` need, in order of location and SKU."""
    locations = await tx.fetch(
        "SELECT DISTINCT a.store_id FROM import_new a WHERE a.n BETWEEN $1 AND $2 ORDER BY a.store_id",
        first,
        last,
    )
    for location in locations:
        await tx.execute(
            """SELECT 1 FROM levels WHERE location_id = $3
                 AND sku_id = ANY (ARRAY(SELECT a.sku_id FROM import_new a
                                         WHERE a.n BETWEEN $1 AND $2 AND a.store_id = $3))
                ORDER BY sku_id FOR UPDATE""",
            first,
            last,
            location["store_id"],
        )


async def mark_short(tx: Tx, first: int, last: int) -> None:
    """Mark orders for which there are too few units, counting in the order of the rows.

    An order marked here has still used up what it wanted, so one behind it may be marked too; the next import of the
    same file takes it in if there is enough.
    """
    await tx.execute(
        """UPDATE import_arranged x SET outcome = 'short'
            FROM (SELECT w.g FROM (SELECT a.g, a.store_id, a.sku_id, sum(a.quantity)
                                              OVER (PARTITION BY a.store_id, a.sku_id ORDER BY a.n) AS wanted
                                   FROM import_new a WHERE a.n BETWEEN $1 AND $2) w
                  LEFT JOIN levels l ON l.location_id = w.store_id AND l.sku_id = w.sku_id
                  WHERE w.wanted > coalesce(l.on_hand - l.held, 0)) s
            WHERE x.n BETWEEN $1 AND $2 AND x.g = s.g""",
        first,
        last,
    )


async def take_units(tx: Tx, first: int, last: int, actor: str) -> None:
    """Move the units of each line from the shop to the customer."""
    missing = await tx.fetchval(
        """WITH wanted AS MATERIALIZED (
               SELECT a.store_id, a.sku_id, sum(a.quantity) AS quantity FROM import_new a WHERE a.n BETWEEN $1 AND $2
               GROUP BY 1, 2
           ), lowered AS (
               UPDATE levels l SET on_hand = l.on_hand - w.quantity FROM wanted w
               WHERE l.location_id = w.store_id AND l.sku_id = w.sku_id RETURNING 1)
           SELECT (SELECT count(*) FROM wanted) - (SELECT count(*) FROM lowered)""",
        first,
        last,
    )
    ensure(missing == 0, "INV-1", f"{missing} levels of past orders were not lowered")
    await tx.execute(
        """INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, reason, ref_kind, ref_id, at,
                                   actor)
            SELECT e.location_id, a.row_id, a.sku_id, e.other_id, e.quantity, 'sale', 'order', a.order_id, a.placed_at,
                   $3
            FROM import_new a, LATERAL (VALUES (a.store_id, $4::uuid, -a.quantity),
                                               ($4::uuid, a.store_id, a.quantity)) e(location_id, other_id, quantity)
            WHERE a.n BETWEEN $1 AND $2""",
        first,
        last,
        actor,
        CUSTOMER,
    )
