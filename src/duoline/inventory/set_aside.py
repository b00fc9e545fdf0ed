"""Breakage: set units aside as damaged. What is free leaves the book; what is held opens a shortage, as in a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.adjust import adjust
from duoline.inventory.count import work_on_shortage
from duoline.inventory.errors import BadQuantity, BrokenBeyondStock
from duoline.inventory.locks import lock_levels
from duoline.inventory.rules import QUANTITY_MAX
from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

faults.register("breakage.before_commit")


class SetAside(NamedTuple):
    """On hand before and after; `short` are broken units that are held, until their orders are served elsewhere."""

    before: int
    after: int
    short: int
    shortage_id: UUID | None


async def set_aside(
    tx: Tx, *, location_id: UUID, units: Mapping[UUID, int], ref_id: UUID, actor: Actor, note: str = ""
) -> dict[UUID, SetAside]:
    """Set units of several SKUs aside under one reference, all or none. Locks the levels in order.

    Free units go first. Held ones cannot be taken off the book under whoever they are held for: they open a shortage
    with its job in the same transaction, or add to the one there is. Every change is written to the audit log. Refuses
    `inventory.bad-quantity`, then `inventory.broken-beyond-stock` when the book, less what is known to be gone, has
    fewer; for the first SKU in the order of the locks.
    """
    levels = await lock_levels(tx, [(location_id, sku) for sku in units])
    known = await _known(tx, location_id, units)
    done: dict[UUID, SetAside] = {}
    for sku in sorted(units):
        wanted, level = units[sku], levels.get((location_id, sku))
        if not 1 <= wanted <= QUANTITY_MAX:
            raise BadQuantity(maximum=QUANTITY_MAX)
        on_hand, held = (level.on_hand, level.held) if level else (0, 0)
        there = max(on_hand - known.get(sku, 0), 0)
        if wanted > there:
            raise BrokenBeyondStock(there=there, sku_id=str(sku))
        free = min(wanted, on_hand - held)
        if free:
            await adjust(
                tx,
                location_id=location_id,
                sku_id=sku,
                delta=-free,
                reason="damage",
                actor=actor,
                note=note,
                ref_kind="damage",
                ref_id=ref_id,
            )
        task = await _open_shortage(tx, location_id, sku, wanted - free, on_hand - free, note, actor)
        done[sku] = SetAside(on_hand, on_hand - free, wanted - free, task)
    faults.point("breakage.before_commit")
    return done


async def _known(tx: Tx, location_id: UUID, units: Mapping[UUID, int]) -> dict[UUID, int]:
    """Units by SKU that an open shortage tells of: on the book still, and not there to break."""
    rows = await tx.fetch(
        """SELECT sku_id, units - taken - lost - found AS units FROM shortages
           WHERE location_id = $1 AND sku_id = ANY ($2) AND state = 'open'""",
        location_id,
        list(units),
    )
    return {row["sku_id"]: row["units"] for row in rows}


async def _open_shortage(
    tx: Tx, location_id: UUID, sku_id: UUID, short: int, on_hand: int, note: str, actor: Actor
) -> UUID | None:
    if not short:
        return None
    task: UUID = await tx.fetchval(
        "SELECT duo_open_shortage($1, $2, $3, NULL, $4, $4, $5)", location_id, sku_id, new_id(), short, clock.now()
    )
    ensure(task is not None, "CNT-2", f"{short} broken units of {sku_id} without a task")
    await work_on_shortage(tx, location_id, task, sku_id)
    await audit.record(
        tx,
        actor=actor,
        action="stock.damage",
        subject_kind="sku",
        subject=str(sku_id),
        store_id=location_id,
        reason=note or "damage",
        before={"on_hand": on_hand},
        after={"on_hand": on_hand, "short": short, "shortage_id": str(task)},
    )
    return task
