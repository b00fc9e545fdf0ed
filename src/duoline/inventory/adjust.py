"""Change what is on hand: goods-in, counts, breakage, loss. Every change is a movement with two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.inventory.errors import BadQuantity, CountBelowHeld
from duoline.inventory.locks import lock_levels
from duoline.inventory.rules import CUSTOMER, LOSS, QUANTITY_MAX, QUARANTINE, SUPPLIER
from duoline.kernel import audit, clock
from duoline.kernel.errors import Fault, ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

Reason = Literal["opening", "receipt", "count", "damage", "missing", "return"]

# Where the units come from or go to, by reason.
OTHER_END: dict[Reason, UUID] = {
    "opening": SUPPLIER,
    "receipt": SUPPLIER,
    "count": LOSS,
    "damage": QUARANTINE,
    "missing": LOSS,
    "return": CUSTOMER,
}


class Adjusted(NamedTuple):
    """On hand before and after."""

    before: int
    after: int


async def adjust(
    tx: Tx,
    *,
    location_id: UUID,
    sku_id: UUID,
    delta: int,
    reason: Reason,
    actor: Actor,
    note: str = "",
    ref_kind: str = "adjustment",
    ref_id: UUID | None = None,
) -> Adjusted:
    """Add `delta` units (signed) to what is on hand. Locks the level.

    Refuses `inventory.bad-quantity`, then `inventory.count-below-held` when held units would be missing.
    Written to the audit log, as every change of stock made by hand.
    """
    if delta == 0 or abs(delta) > QUANTITY_MAX:
        raise BadQuantity(maximum=QUANTITY_MAX)
    movement_id = new_id()
    row = await tx.fetchrow(
        "SELECT * FROM duo_move($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        location_id,
        sku_id,
        delta,
        OTHER_END[reason],
        reason,
        movement_id,
        ref_kind,
        ref_id or movement_id,
        clock.now(),
        actor.label,
        note,
    )
    if row is None:
        raise Fault("INV-1", "duo_move answers with one row")
    if row["after"] is None:
        raise CountBelowHeld(counted=row["before"] + delta, held=row["held"], sku_id=str(sku_id))
    if delta < 0 and (reason == "missing" or (reason == "damage" and ref_kind == "order")):
        await _known_short(tx, location_id, sku_id, -delta, broken=reason == "damage")
    await audit.record(
        tx,
        actor=actor,
        action=f"stock.{reason}",
        subject_kind="sku",
        subject=str(sku_id),
        store_id=location_id,
        reason=note or reason,
        before={"on_hand": row["before"]},
        after={"on_hand": row["after"]},
    )
    return Adjusted(row["before"], row["after"])


async def _known_short(tx: Tx, location_id: UUID, sku_id: UUID, units: int, *, broken: bool) -> None:
    """Under the level's lock: somebody who looked for units of an order did not find them, or found them broken.

    The shelf was found short before, or the breakage was told before: these are the same units.
    """
    await tx.execute(
        """UPDATE shortages s SET lost = s.lost + l.units, changes = s.changes + 1,
                  broken_gone = s.broken_gone + CASE WHEN $4 THEN l.units ELSE 0 END
           FROM (SELECT id, least($3, units - taken - lost - found,
                                  CASE WHEN $4 THEN broken - broken_gone END) AS units
                 FROM shortages WHERE location_id = $1 AND sku_id = $2 AND state = 'open') l
           WHERE s.location_id = $1 AND s.id = l.id AND l.units > 0""",
        location_id,
        sku_id,
        units,
        broken,
    )


async def adjust_many(
    tx: Tx,
    *,
    location_id: UUID,
    deltas: Mapping[UUID, int],
    reason: Literal["receipt"],
    ref_id: UUID,
    actor: Actor,
    note: str = "",
) -> dict[UUID, Adjusted]:
    """Goods-in of several SKUs under one reference, all or none. Locks the levels in order.

    Refuses as `adjust`, for the first SKU in the order of the locks.
    """
    await lock_levels(tx, [(location_id, sku) for sku in deltas])
    return {
        sku: await adjust(
            tx,
            location_id=location_id,
            sku_id=sku,
            delta=deltas[sku],
            reason=reason,
            actor=actor,
            note=note,
            ref_kind=reason,
            ref_id=ref_id,
        )
        for sku in sorted(deltas)
    }


async def correct_to(
    tx: Tx, *, location_id: UUID, sku_id: UUID, counted: int, actor: Actor, note: str = ""
) -> Adjusted:
    """Set what is on hand to what was counted. Locks the level before it is compared.

    Refuses as `adjust`. Counting what the book says changes nothing.
    """
    if not 0 <= counted <= QUANTITY_MAX:
        raise BadQuantity(maximum=QUANTITY_MAX)
    # A level that is not there yet cannot be locked, and two first counts would add up: make it first.
    await tx.execute("SELECT duo_open_level($1, $2)", location_id, sku_id)
    on_hand: int = await tx.fetchval(
        "SELECT on_hand FROM levels WHERE location_id = $1 AND sku_id = $2 FOR UPDATE", location_id, sku_id
    )
    delta = counted - on_hand
    if delta == 0:
        return Adjusted(counted, counted)
    return await adjust(tx, location_id=location_id, sku_id=sku_id, delta=delta, reason="count", actor=actor, note=note)


async def set_safety(tx: Tx, *, location_id: UUID, sku_id: UUID, safety: int, reason: str, actor: Actor) -> None:
    """Keep `safety` units for walk-in customers: they are not promised to other channels. Locks the level.

    Written to the audit log with its reason, as every change of stock made by hand.
    """
    ensure(reason.strip(), "AUDIT", "safety stock is changed for a reason")
    if not 0 <= safety <= QUANTITY_MAX:
        raise BadQuantity(maximum=QUANTITY_MAX)
    await tx.execute("SELECT duo_open_level($1, $2)", location_id, sku_id)
    before = await tx.fetchval(
        "SELECT safety FROM levels WHERE location_id = $1 AND sku_id = $2 FOR UPDATE", location_id, sku_id
    )
    await tx.execute(
        "UPDATE levels SET safety = $3 WHERE location_id = $1 AND sku_id = $2", location_id, sku_id, safety
    )
    await audit.record(
        tx,
        actor=actor,
        action="stock.safety",
        subject_kind="sku",
        subject=str(sku_id),
        store_id=location_id,
        reason=reason,
        before={"safety": before},
        after={"safety": safety},
    )
