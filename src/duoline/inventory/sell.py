"""Sell over the counter: the goods are in the customer's hand, so they leave at once, without a hold.

Where the customer has still to pay, they are held first, as far as they might have been sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.inventory.errors import InsufficientStock
from duoline.inventory.locks import Level, lock_levels
from duoline.inventory.rules import CUSTOMER, Need, add_up
from duoline.kernel import clock
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def sell(tx: Tx, needs: Sequence[Need], *, ref_kind: str, ref_id: UUID, actor: Actor) -> None:
    """Move units that nobody holds to the customer. Locks the levels in order.

    Safety stock is kept for exactly these customers, so it may be sold; units held for others may not.
    Refuses `inventory.insufficient-stock` for all that is short at once.
    """
    demand = add_up(needs)
    await _lock_free(tx, demand)
    now = clock.now()
    done = await tx.execute(
        """WITH sold AS (
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[])
                             AS s(location_id, sku_id, quantity, id)
           ), taken AS (
               UPDATE levels l SET on_hand = l.on_hand - s.quantity FROM sold s
               WHERE l.location_id = s.location_id AND l.sku_id = s.sku_id
               RETURNING l.location_id, l.sku_id, l.on_hand
           )
           INSERT INTO movements (location_id, id, sku_id, other_location_id, quantity, on_hand_after, reason, ref_kind,
                                  ref_id, at, actor)
           SELECT s.location_id, s.id, s.sku_id, $5, -s.quantity, t.on_hand, 'sale', $6, $7::uuid, $8::timestamptz, $9
           FROM sold s JOIN taken t USING (location_id, sku_id)
           UNION ALL
           SELECT $5::uuid, s.id, s.sku_id, s.location_id, s.quantity, NULL, 'sale', $6, $7::uuid, $8::timestamptz, $9
           FROM sold s""",
        [need.location_id for need in demand],
        [need.sku_id for need in demand],
        [need.quantity for need in demand],
        [new_id() for _ in demand],
        CUSTOMER,
        ref_kind,
        ref_id,
        now,
        actor.label,
    )
    # Both rows of each movement; a level that was not lowered has none on its side.
    ensure(done == f"INSERT 0 {2 * len(demand)}", "INV-1", f"{done} for {len(demand)} levels")


async def hold_in_hand(tx: Tx, needs: Sequence[Need], *, ref_kind: str, ref_id: UUID, actor: Actor) -> list[UUID]:
    """Hold units that lie on the counter until they are paid; a hold for each need, in their order.

    Safety stock may be held as it may be sold. Locks the levels in order. Refuses `inventory.insufficient-stock` for
    all that is short at once.
    """
    demand = add_up(needs)
    await _lock_free(tx, demand)
    hold_ids = [new_id() for _ in needs]
    done = await tx.execute(
        """WITH kept AS (
               UPDATE levels l SET held = l.held + d.quantity
               FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS d(location_id, sku_id, quantity)
               WHERE l.location_id = d.location_id AND l.sku_id = d.sku_id AND l.on_hand - l.held >= d.quantity
               RETURNING l.location_id, l.sku_id
           )
           INSERT INTO holds (location_id, id, sku_id, quantity, state, ref_kind, ref_id, created_at, actor)
           SELECT h.location_id, h.id, h.sku_id, h.quantity, 'open', $8, $9, $10, $11
           FROM unnest($4::uuid[], $5::uuid[], $6::int[], $7::uuid[]) AS h(location_id, sku_id, quantity, id)
           JOIN kept USING (location_id, sku_id)""",
        [need.location_id for need in demand],
        [need.sku_id for need in demand],
        [need.quantity for need in demand],
        [need.location_id for need in needs],
        [need.sku_id for need in needs],
        [need.quantity for need in needs],
        hold_ids,
        ref_kind,
        ref_id,
        clock.now(),
        actor.label,
    )
    ensure(done == f"INSERT 0 {len(needs)}", "INV-2", f"{done} for {len(needs)} holds")
    return hold_ids


async def _lock_free(tx: Tx, demand: Sequence[Need]) -> None:
    """Lock the levels in order and refuse with `inventory.insufficient-stock` all that is not free on them."""
    levels = await lock_levels(tx, [(need.location_id, need.sku_id) for need in demand])
    short = []
    for need in demand:
        level = levels.get((need.location_id, need.sku_id), Level(0, 0, 0))
        if level.on_hand - level.held < need.quantity:
            short.append(
                {
                    "sku_id": str(need.sku_id),
                    "location_id": str(need.location_id),
                    "wanted": need.quantity,
                    "available": level.on_hand - level.held,
                }
            )
    if short:
        raise InsufficientStock(short=short)
