"""Resolve holds, each exactly once: taken, released or expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.errors import HoldGone
from duoline.kernel import audit, clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Resolved(NamedTuple):
    """A hold that this call resolved."""

    hold_id: UUID
    sku_id: UUID
    quantity: int


async def take(
    tx: Tx,
    *,
    location_id: UUID,
    hold_ids: Sequence[UUID],
    to: UUID,
    reason: str,
    ref_kind: str,
    ref_id: UUID,
    actor: Actor,
) -> list[Resolved]:
    """Move the held units to `to` and write both rows of each movement. All or none: refuses `HoldGone`.

    Locks the levels in order of SKU.
    """
    rows = await tx.fetch(
        "SELECT * FROM duo_resolve_holds($1, $2, 'taken', $3, $4, $5, $6, $7, $8)",
        location_id,
        list(hold_ids),
        clock.now(),
        actor.label,
        to,
        reason,
        ref_kind,
        ref_id,
    )
    if len(rows) != len(set(hold_ids)):
        raise HoldGone(holds=[str(hold) for hold in hold_ids])
    return [Resolved(*row) for row in rows]


async def release(tx: Tx, *, location_id: UUID, hold_ids: Sequence[UUID], actor: Actor) -> list[Resolved]:
    """Give the units back. Holds that are no longer open are passed over: the answer says which were."""
    rows = await tx.fetch(
        "SELECT * FROM duo_resolve_holds($1, $2, 'released', $3, $4)",
        location_id,
        list(hold_ids),
        clock.now(),
        actor.label,
    )
    return [Resolved(*row) for row in rows]


async def give_up(tx: Tx, *, location_id: UUID, hold_id: UUID, actor: Actor) -> bool:
    """Give a hold back before its time, by hand: as `release`, and audited. False when it has ended already."""
    released = await release(tx, location_id=location_id, hold_ids=[hold_id], actor=actor)
    for each in released:
        await audit.record(
            tx,
            actor=actor,
            action="stock.release",
            subject_kind="sku",
            subject=str(each.sku_id),
            store_id=location_id,
            before={"hold_id": str(hold_id), "units": each.quantity},
        )
    return bool(released)


async def release_part(tx: Tx, *, location_id: UUID, hold_id: UUID, quantity: int, actor: Actor) -> None:
    """Give back `quantity` units of an open hold that is larger than that.

    The hold is cut in two, and the cut-off part is resolved: what a hold says never changes its meaning.
    Refuses `HoldGone` when the hold is not open or not larger.
    """
    part = new_id()
    await tx.execute(
        """SELECT 1 FROM levels WHERE location_id = $1 AND sku_id =
           (SELECT sku_id FROM holds WHERE location_id = $1 AND id = $2) FOR UPDATE""",
        location_id,
        hold_id,
    )
    cut = await tx.fetchval(
        """WITH cut AS (
               UPDATE holds SET quantity = quantity - $3
               WHERE location_id = $1 AND id = $2 AND state = 'open' AND quantity > $3
               RETURNING location_id, sku_id, outward, ref_kind, ref_id, expires_at, created_at, note)
           INSERT INTO holds (location_id, id, sku_id, quantity, state, outward, ref_kind, ref_id, expires_at,
                              created_at, actor, note)
           SELECT location_id, $4, sku_id, $3, 'open', outward, ref_kind, ref_id, expires_at, created_at, $5, note
           FROM cut RETURNING id""",
        location_id,
        hold_id,
        quantity,
        part,
        actor.label,
    )
    if cut is None:
        raise HoldGone(holds=[str(hold_id)])
    released = await release(tx, location_id=location_id, hold_ids=[part], actor=actor)
    ensure([each.quantity for each in released] == [quantity], "INV-3", "the part that was cut off is resolved")


async def expire_due(db: Database, *, limit: int = 500) -> int:
    """Expire holds whose time has come, location by location, each location in a transaction of its own.

    Holds of orders are left out: an order's units go back with the order (`flows.expire`), so that no
    moment exists in which an order stands without its units.
    """
    now = clock.now()
    rows = await db.fetch(
        """SELECT location_id, array_agg(id) AS ids FROM (
               SELECT location_id, id FROM holds
               WHERE state = 'open' AND expires_at <= $1 AND ref_kind <> 'order'
               ORDER BY expires_at LIMIT $2) due
           GROUP BY location_id""",
        now,
        limit,
    )
    count = 0
    for row in rows:
        async with db.begin() as tx:
            done = await tx.fetch(
                "SELECT * FROM duo_resolve_holds($1, $2, 'expired', $3, $4)",
                row["location_id"],
                row["ids"],
                now,
                SYSTEM.label,
            )
            count += len(done)
    return count
