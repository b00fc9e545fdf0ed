"""Orders that a person looks after: units of a delivery that were rejected too often to be sourced by themselves.

That an order is frozen is a row; which of its units are follows from the facts, so that the two cannot disagree for
longer than a transaction (FUL-8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import clock, outbox

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.orders.locks import Order


async def parcels_rejected(db: Database | Tx, member_id: UUID, order_id: UUID) -> int:
    """How often units of this order's deliveries were rejected, in whole or in part."""
    found: int = await db.fetchval(
        """SELECT count(*) FROM order_events e
           WHERE e.member_id = $1 AND e.order_id = $2 AND e.kind = 'rejected' AND EXISTS (
               SELECT FROM order_lines l WHERE l.member_id = $1 AND l.order_id = $2 AND l.method = 'delivery'
                  AND l.id = (e.data->'lines'->0->>'line_id')::uuid)""",
        member_id,
        order_id,
    )
    return found


async def freeze(tx: Tx, order: Order, *, rejections: int) -> None:
    """Let a locked order wait for a person. One that waits already goes on waiting since it began."""
    await tx.execute(
        """INSERT INTO frozen_orders (member_id, order_id, since_at, rejections) VALUES ($1, $2, $3, $4)
           ON CONFLICT (member_id, order_id) DO UPDATE SET rejections = excluded.rejections""",
        order.member_id,
        order.id,
        clock.now(),
        rejections,
    )
    await _tell(tx, order, "orders.frozen")


async def thaw(tx: Tx, order: Order) -> bool:
    """Nothing of a locked order waits for a person any more. False when nothing did."""
    done = await tx.execute(
        "DELETE FROM frozen_orders WHERE member_id = $1 AND order_id = $2", order.member_id, order.id
    )
    if done != "DELETE 1":
        return False
    await _tell(tx, order, "orders.thawed")
    return True


async def is_frozen(tx: Tx, order: Order) -> bool:
    """Whether a locked order waits for a person."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM frozen_orders WHERE member_id = $1 AND order_id = $2)", order.member_id, order.id
    )
    return found


async def _tell(tx: Tx, order: Order, topic: str) -> None:
    await outbox.emit(
        tx,
        topic=topic,
        key=str(order.id),
        payload={"order_id": str(order.id), "order_no": order.order_no},
        family="member",
        owner_id=order.member_id,
        store_ids=order.location_ids,
        member_id=order.member_id,
    )
