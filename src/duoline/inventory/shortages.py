"""Units that are held and were counted as not there, or broke: written off as soon as nobody holds them any more.

Which orders lose their units is decided by `flows.settle_shortage`; here is the account of each shortage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.adjust import Reason, adjust
from duoline.inventory.errors import NotOnTask
from duoline.inventory.locks import lock_levels
from duoline.inventory.resolve import give_up
from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import NotFound, ensure

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Shortage(NamedTuple):
    """A shortage as stored; `left` are the units nothing has become of yet, and no more than the book still has.

    `broken` of these are set aside as damaged, the others are missing.
    """

    id: UUID
    sku_id: UUID
    state: str
    asks: bool
    changes: int
    left: int
    broken: int


_LEFT = "units - taken - lost - found"
_COLUMNS = f"id, sku_id, state, asks, changes, {_LEFT}, least(broken - broken_gone, {_LEFT})"


async def shortage_of(db: Database | Tx, location_id: UUID, shortage_id: UUID) -> Shortage:
    """A shortage, unlocked. Refuses with `NotFound`."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM shortages WHERE location_id = $1 AND id = $2",  # noqa: S608
        location_id, shortage_id,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return Shortage(*row)


async def lock_shortage(tx: Tx, location_id: UUID, shortage_id: UUID) -> Shortage:
    """A shortage under the lock of its level, which guards it: whatever changes the one holds the other."""
    glance = await shortage_of(tx, location_id, shortage_id)
    await lock_levels(tx, [(location_id, glance.sku_id)])
    return await shortage_of(tx, location_id, shortage_id)


async def take_free(tx: Tx, *, location_id: UUID, shortage_id: UUID, actor: Actor) -> Shortage:
    """Write off units of the shortage that nobody holds any more, and close it when nothing is left of it.

    Broken ones go first, to quarantine. Nothing is left either when the book has no unit any more: what was missing has
    been sold after all. Locks the level. Safe to repeat.
    """
    shortage = await lock_shortage(tx, location_id, shortage_id)
    if shortage.state != "open":
        return shortage
    level = (await lock_levels(tx, [(location_id, shortage.sku_id)]))[location_id, shortage.sku_id]
    part = min(shortage.left, level.on_hand - level.held)
    broken = min(shortage.broken, max(part, 0))
    reasons: list[tuple[int, Reason, str]] = [(broken, "damage", "broken"), (part - broken, "count", "missing")]
    for units, reason, word in reasons:
        if units > 0:
            await adjust(
                tx,
                location_id=location_id,
                sku_id=shortage.sku_id,
                delta=-units,
                reason=reason,
                actor=actor,
                note=f"{word} units that nobody holds any more",
                ref_kind="shortage",
                ref_id=shortage_id,
            )
    left = shortage.left - max(part, 0)
    over = left == 0 or level.on_hand - max(part, 0) == 0
    if part <= 0 and not over:
        return shortage
    done = await tx.execute(
        """UPDATE shortages SET taken = taken + $3, broken_gone = broken_gone + $6, changes = changes + 1,
                  asks = asks AND NOT $4, state = CASE WHEN $4 THEN 'resolved' ELSE 'open' END,
                  resolved_at = CASE WHEN $4 THEN $5::timestamptz END
           WHERE location_id = $1 AND id = $2 AND state = 'open'""",
        location_id, shortage_id, max(part, 0), over, clock.now(), broken,
    )  # fmt: skip
    ensure(done == "UPDATE 1", "CNT-2", "a shortage is worked on under its level's lock")
    return shortage._replace(
        left=left,
        broken=min(shortage.broken - broken, left),
        state="resolved" if over else "open",
        changes=shortage.changes + 1,
    )


async def ask_person(tx: Tx, location_id: UUID, shortage_id: UUID, sku_id: UUID) -> None:
    """Only units kept by hand are left: somebody in the shop has to give one up."""
    await tx.execute(
        "UPDATE shortages SET asks = true WHERE location_id = $1 AND id = $2 AND state = 'open'",
        location_id, shortage_id,
    )  # fmt: skip
    await outbox.emit(
        tx,
        topic="stock.shortage",
        key=str(shortage_id),
        payload={"shortage_id": str(shortage_id), "sku_id": str(sku_id)},
        family="stock",
        owner_id=location_id,
        store_ids=[location_id],
    )


async def give_up_for(tx: Tx, *, location_id: UUID, shortage_id: UUID, hold_id: UUID, actor: Actor) -> None:
    """Somebody decides that units kept by hand are the missing ones. Locks the level.

    Refuses `NotFound`, then `inventory.not-on-task`. The shortage takes the units when it is worked on next.
    """
    shortage = await lock_shortage(tx, location_id, shortage_id)
    hold = await tx.fetchrow(
        "SELECT sku_id, state, ref_kind FROM holds WHERE location_id = $1 AND id = $2", location_id, hold_id
    )
    if hold is None:
        raise NotFound
    if shortage.state != "open" or tuple(hold[:2]) != (shortage.sku_id, "open") or hold["ref_kind"] == "order":
        raise NotOnTask
    await give_up(tx, location_id=location_id, hold_id=hold_id, actor=actor)
    await take_free(tx, location_id=location_id, shortage_id=shortage_id, actor=actor)


async def found_after_all(tx: Tx, *, location_id: UUID, shortage_id: UUID, actor: Actor) -> None:
    """The units turned up: the book was right, and nobody loses anything more. Locks the level. Safe to repeat.

    Nothing turns up where nothing is left: orders have lost all of it, and whoever works on the shortage closes it.
    """
    shortage = await lock_shortage(tx, location_id, shortage_id)
    if shortage.state != "open" or not shortage.left:
        return
    await tx.execute(
        """UPDATE shortages SET found = found + $3, changes = changes + 1, state = 'resolved', asks = false,
                  resolved_at = $4
           WHERE location_id = $1 AND id = $2""",
        location_id, shortage_id, shortage.left, clock.now(),
    )  # fmt: skip
    await audit.record(
        tx,
        actor=actor,
        action="stock.shortage-found",
        subject_kind="sku",
        subject=str(shortage.sku_id),
        store_id=location_id,
        after={"shortage_id": str(shortage_id), "units": shortage.left},
    )
