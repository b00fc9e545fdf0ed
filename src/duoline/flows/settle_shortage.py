"""Units that are promised and were counted as not there, or broke: take them from the orders that lose, one at a time.

Each order loses in a transaction of its own, by the same rejection that a clerk would write (`flows.reject`): the stock
is corrected, a delivery is sourced elsewhere, the member of a pickup is asked. Who loses first: orders that are not
paid, and among equals the one promised latest, which has the most time to be served elsewhere. Orders that wait for
their payment cannot be rejected; when only they are left, the shortage waits until they are paid or let go. Units kept
by hand are a person's to give up.

A naivety: an order that loses part of its units is not preferred to one that loses all.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory
from duoline.flows.basket import Look
from duoline.flows.elsewhere import plan_elsewhere
from duoline.flows.reject import Reason, Rejected, reject, units_of
from duoline.kernel import clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.sweep import Sweep

if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

    from duoline.kernel.db import Database

faults.register("shortage.before_reject", "shortage.after_reject")

ROUNDS_MAX = 200
LOOK_AGAIN = timedelta(minutes=1)
BATCH = 100
SHORTAGES = Sweep("settle shortages")
NOTES: dict[Reason, str] = {"missing": "counted as missing", "damaged": "reported as broken"}


class Holder(NamedTuple):
    """An open hold on the article; of an order's the line it serves."""

    fulfilment_id: UUID | None
    state: str | None
    line_id: UUID | None
    units: int


@jobs.handler(inventory.SHORTAGE_JOB, payload=inventory.ShortageDue)
async def work_on(db: Database, what: inventory.ShortageDue) -> None:
    """Work on one shortage as far as it goes without a person."""
    await settle(Look(db, fulfilment.OpenWork(db)), location_id=what.location_id, shortage_id=what.shortage_id)


@jobs.cron("settle shortages", "* * * * *")
async def sweep(db: Database) -> int:
    """Look after every open shortage: holds by hand end by themselves, and a job may have been given up."""
    rows = await db.fetch(
        "SELECT location_id, id FROM shortages WHERE state = 'open' AND NOT id = ANY ($2) ORDER BY opened_at LIMIT $1",
        BATCH,
        SHORTAGES.resting(),
    )
    look = Look(db, fulfilment.OpenWork(db))

    async def work(row: Any) -> None:
        await settle(look, location_id=row["location_id"], shortage_id=row["id"])

    return await SHORTAGES.run([(row["id"], row) for row in rows], work)


async def settle(look: Look, *, location_id: UUID, shortage_id: UUID) -> None:
    """Write off what is free, then let orders lose units until nothing is missing any more. Safe to repeat, and by
    several at once."""
    for _ in range(ROUNDS_MAX):
        async with look.db.begin() as tx:
            shortage = await inventory.take_free(tx, location_id=location_id, shortage_id=shortage_id, actor=SYSTEM)
        if shortage.state != "open":
            return
        holders = await _holders(look.db, location_id, shortage.sku_id)
        if not holders:
            continue  # given back since
        loser = next((one for one in holders if one.state in ("to_pick", "ready")), None)
        if loser is None:
            await _wait(look.db, location_id, shortage, orders_wait=any(one.state for one in holders))
            return
        # Whatever was handed over, cancelled, rejected or planned away meanwhile: look again.
        with suppress(Refusal, Unavailable):
            await _lose(look, location_id, shortage, loser)
    raise Unavailable(f"shortage {shortage_id} changes faster than it can be settled")


async def _holders(db: Database, location_id: UUID, sku_id: UUID) -> list[Holder]:
    rows = await db.fetch(
        """SELECT f.id, f.state, w.line_id, h.quantity
           FROM holds h
           LEFT JOIN (fulfilments f JOIN fulfilment_lines w
                        ON w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0)
             ON f.location_id = h.location_id AND f.order_id = h.ref_id AND w.hold_id = h.id
           WHERE h.location_id = $1 AND h.sku_id = $2 AND h.state = 'open'
           ORDER BY f.paid, f.promise_at DESC, h.id DESC""",
        location_id,
        sku_id,
    )
    return [Holder(*row) for row in rows]


async def _wait(db: Database, location_id: UUID, shortage: inventory.Shortage, *, orders_wait: bool) -> None:
    """Look again soon when orders wait for their payment; else only a person can go on."""
    async with db.begin() as tx:
        if orders_wait:
            await inventory.work_on_shortage(
                tx, location_id, shortage.id, shortage.sku_id, run_at=clock.now() + LOOK_AGAIN
            )
        elif not shortage.asks:
            await inventory.ask_person(tx, location_id, shortage.id, shortage.sku_id)


async def _lose(look: Look, location_id: UUID, shortage: inventory.Shortage, loser: Holder) -> None:
    """One order loses units, broken ones first. `Unavailable` when somebody else settled part of it meanwhile.

    Missing units leave the book with the rejection; broken ones are taken by the shortage, which sets them aside.
    """
    if loser.fulfilment_id is None or loser.line_id is None:
        return
    job = await fulfilment.peek(look.db, location_id, loser.fulfilment_id)
    reason: Reason = "damaged" if shortage.broken else "missing"
    rejected = [Rejected(loser.line_id, min(shortage.broken or shortage.left, loser.units), reason)]
    elsewhere = await plan_elsewhere(look, job=job, rejected=units_of(rejected), skus={loser.line_id: shortage.sku_id})
    faults.point("shortage.before_reject")
    async with look.db.begin() as tx:
        await reject(
            tx,
            look,
            location_id=location_id,
            fulfilment_id=loser.fulfilment_id,
            rejected=rejected,
            elsewhere=elsewhere,
            note=NOTES[reason],
            actor=SYSTEM,
            correct=reason == "missing",
        )
        # The rejection holds the level's lock. Exactly its own change must have been made since we looked.
        now = await inventory.lock_shortage(tx, location_id, shortage.id)
        if now.state != "open" or now.changes != shortage.changes + (reason == "missing"):
            raise Unavailable("somebody else settled part of the shortage")
        if reason == "damaged":
            await inventory.take_free(tx, location_id=location_id, shortage_id=shortage.id, actor=SYSTEM)
    faults.point("shortage.after_reject")
