"""Write down what was brought back, and read what was. A return is never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel import clock
from duoline.orders.types import OUR_FAULT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders.locks import Order
    from duoline.orders.types import Condition, ReturnReason


class ReturnLine(NamedTuple):
    """Units of a line that come back, and how: which location had handed them over, and what they were sold for."""

    line_id: UUID
    sku_id: UUID
    quantity: int
    condition: Condition
    sold_location_id: UUID
    value_minor: int


async def write_return(
    tx: Tx,
    order: Order,
    lines: Sequence[ReturnLine],
    *,
    return_id: UUID,
    location_id: UUID,
    reason: ReturnReason,
    note: str,
    refund_minor: int,
    kept_minor: int,
    actor: Actor,
) -> None:
    """Write a return of a locked order. `add_returned` counts its units, `name_refunds` names its refunds."""
    await tx.execute(
        """INSERT INTO returns (member_id, id, order_id, location_id, reason, note, refund_minor, kept_minor, actor, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        order.member_id,
        return_id,
        order.id,
        location_id,
        reason,
        note,
        refund_minor,
        kept_minor,
        actor.label,
        clock.now(),
    )
    await tx.executemany(
        """INSERT INTO return_lines (member_id, return_id, n, order_id, line_id, sku_id, quantity, condition,
                                     sold_location_id, value_minor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        [(order.member_id, return_id, n, order.id, *line) for n, line in enumerate(lines, 1)],
    )


async def name_refunds(tx: Tx, order: Order, return_id: UUID, refund_ids: Sequence[UUID]) -> None:
    """Say by which refunds the money of a return goes back."""
    await tx.executemany(
        "INSERT INTO return_refunds (member_id, return_id, refund_id) VALUES ($1, $2, $3)",
        [(order.member_id, return_id, refund_id) for refund_id in refund_ids],
    )


async def returned_to(db: Database | Tx, member_id: UUID, order_id: UUID) -> dict[tuple[UUID, UUID], int]:
    """Units that were brought back, by (line, location that had handed them over)."""
    rows = await db.fetch(
        """SELECT line_id, sold_location_id, sum(quantity) AS units FROM return_lines
           WHERE member_id = $1 AND order_id = $2 GROUP BY 1, 2""",
        member_id,
        order_id,
    )
    return {(row["line_id"], row["sold_location_id"]): row["units"] for row in rows}


async def returned_as_ours(tx: Tx, order: Order) -> dict[UUID, int]:
    """Units by line that came back because of us: what was faulty or not what was ordered."""
    rows = await tx.fetch(
        """SELECT l.line_id, sum(l.quantity) AS units FROM return_lines l
           JOIN returns r ON r.member_id = l.member_id AND r.id = l.return_id
           WHERE l.member_id = $1 AND l.order_id = $2 AND r.reason = ANY ($3) GROUP BY 1""",
        order.member_id,
        order.id,
        sorted(OUR_FAULT),
    )
    return {row["line_id"]: row["units"] for row in rows}
