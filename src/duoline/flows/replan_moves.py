"""Moves of planning again: orders to their new plans, all of a group or none, if they still are as they were read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from duoline import fulfilment, inventory, orders
from duoline.flows.basket import parcel_arrival
from duoline.flows.elsewhere import open_job
from duoline.flows.places import distance_km
from duoline.flows.replan_choice import shares_in_hand, shares_of
from duoline.flows.unwind import take_back
from duoline.kernel import audit, clock, faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable, ensure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.flows.basket import Look
    from duoline.flows.replan_choice import Move
    from duoline.flows.replan_facts import Job
    from duoline.fulfilment import FulfilmentLine, Parcel
    from duoline.kernel.db import Tx
    from duoline.orders import Order

faults.register("replan.before_move", "replan.before_commit")


class _Changed(Exception):
    """The order is not as it was read."""


async def carry_out_if_unchanged(look: Look, group: Sequence[Move]) -> bool:
    """Carry out a group if everything still is as it was; False when it was passed over."""
    faults.point("replan.before_move")
    with suppress(_Changed, Unavailable):
        async with look.db.begin() as tx:
            await carry_out(tx, look, group)
        return True
    return False


async def carry_out(tx: Tx, look: Look, group: Sequence[Move]) -> None:
    """Move orders to their new plans, all or none.

    Locks the orders in order of (member, id), each with its fulfilments, then all levels, old and new. Whoever locks a
    fulfilment holds its order, so of two orders' fulfilments no second order has to be kept. `_Changed` when one is not
    as it was read, `Unavailable` when units are gone.
    """
    now = clock.now()
    held: list[tuple[Move, Order, list[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]]] = []
    for move in sorted(group, key=lambda one: (one.task.member_id, one.task.order_id)):
        order, _ = await orders.lock_order(tx, move.task.member_id, move.task.order_id)
        live = await fulfilment.lock_live(tx, order.id, order.location_ids)
        if order.state != orders.OrderState.CONFIRMED.value:
            raise _Changed
        read = {job.id: job for job in move.task.jobs}
        mine = [(job, lines) for job, lines in live if job.id in read]
        if len(mine) != len(read) or not all(_as_read(look, job, lines, read[job.id], now) for job, lines in mine):
            raise _Changed
        held.append((move, order, mine))
    levels = {shelf for move in group for shelf in _touched(move)}
    await inventory.lock_levels(tx, levels)
    for move, _, mine in held:
        for job, lines in _leaving(move, mine):
            units: dict[UUID, int] = {}
            for line in lines:
                units[line.line_id] = units.get(line.line_id, 0) + line.quantity
            left = await take_back(tx, [(job, lines)], units, then=fulfilment.FulfilmentState.CANCELLED, actor=SYSTEM)
            ensure(not any(left.values()), "FUL-1", f"{job.order_no}: a parcel gives up what it serves")
    for move, order, mine in held:
        await _open(tx, look, move, order, mine)
    faults.point("replan.before_commit")


def _as_read(look: Look, job: fulfilment.Fulfilment, lines: Sequence[FulfilmentLine], read: Job, now: datetime) -> bool:
    units: dict[tuple[UUID, UUID], int] = {}
    for line in lines:
        units[line.line_id, line.sku_id] = units.get((line.line_id, line.sku_id), 0) + line.quantity
    return (
        job.state == fulfilment.FulfilmentState.TO_PICK.value
        and job.begun_at is None
        and job.to_pick_at == read.to_pick_at
        and units == read.units
        and fulfilment.nobody_began(
            look.chain.store(job.location_id), read.to_pick_at, now, fulfilment.SOURCING.current().body
        )
    )


def _touched(move: Move) -> set[tuple[UUID, UUID]]:
    shelves = {(parcel.location_id, piece.sku_id) for parcel in move.plan.parcels for piece in parcel.pieces}
    return shelves | {(job.location_id, sku) for job in move.task.jobs for _, sku in job.units}


def _leaving(
    move: Move, mine: Sequence[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]
) -> list[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]]:
    """The parcels that are given up: those of locations whose share changes."""
    before, after = shares_in_hand(move.task.jobs), shares_of(move.plan)
    return [(job, lines) for job, lines in mine if after.get(job.location_id) != before[job.location_id]]


def _arriving(move: Move) -> list[Parcel]:
    before, after = shares_in_hand(move.task.jobs), shares_of(move.plan)
    return [one for one in move.plan.parcels if before.get(one.location_id) != after[one.location_id]]


async def _open(
    tx: Tx,
    look: Look,
    move: Move,
    order: Order,
    mine: Sequence[tuple[fulfilment.Fulfilment, list[FulfilmentLine]]],
) -> None:
    """Open the work at the new locations, and tell why."""
    line_ids = {str(line) for line, _ in move.task.units}
    decision_id = await fulfilment.keep_decision(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        decision=move.decision,
        named={line: line for line in line_ids},
        saved_minor=move.saved_minor,
    )
    like, since, lags = mine[0][0], min(job.to_pick_at for job in move.task.jobs), await look.work.lags()
    for parcel in _arriving(move):
        store = look.chain.store(parcel.location_id)
        await open_job(
            tx,
            order,
            like,
            location_id=parcel.location_id,
            wants=[(piece.line_id, piece.sku_id, piece.quantity) for piece in parcel.pieces],
            promised=parcel_arrival(store, move.task.place, clock.now(), lags),
            away_km=round(distance_km(store, move.task.place)),
            decision_id=decision_id,
            unit_fee_minor=store.share.fee_minor,
            to_pick_at=since,
        )
    before = sorted(look.chain.store(location).code for location in shares_in_hand(move.task.jobs))
    after = sorted(look.chain.store(location).code for location in shares_of(move.plan))
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="replanned",
        actor=SYSTEM,
        location_codes=after,
        before_codes=before,
    )
    await audit.record(
        tx,
        actor=SYSTEM,
        action="order.replan",
        subject_kind="order",
        subject=order.order_no,
        reason=move.decision.summary["en"],
        before={"locations": before},
        after={"locations": after, "saved_minor": move.saved_minor},
    )
