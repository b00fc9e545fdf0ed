"""Bring units of an order to the shop where they are collected: send them there, receive them, or lose them.

Their fulfilment at the source is as good as any until they leave. Then they are in a transfer, on its way and in the
books of both shops, and the fulfilment (`shipped`) says that they are this order's. The receipt ends it: under the lock
of the levels that the receipt makes rise, what came good is held for the order and stands ready under a code of its
own. The member is asked about the rest; what of it comes later serves them after all, unless they have decided.

Locks: order → its fulfilments → both sides of the transfer → levels.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, orders
from duoline.flows.answer import ask, unserved_of
from duoline.inventory import transfers
from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.flows.unwind import Live
    from duoline.fulfilment import Fulfilment, FulfilmentLine
    from duoline.inventory.transfers import Came, Transfer
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order
    from duoline.stores.directory import Chain

faults.register("bring.send_before_commit", "bring.receive_before_commit", "bring.lose_before_commit")

REF_KIND = "fulfilment"
"""What a transfer names as its reference: the fulfilment at the source that sent it."""


async def send_to_shop(tx: Tx, chain: Chain, *, location_id: UUID, fulfilment_id: UUID, actor: Actor) -> None:
    """Give the packed box to whoever drives to the shop: the units leave, and are sold only there. Repeating it
    changes nothing.

    Locks the order, the fulfilment, the levels here and in transit. Refuses `kernel.not-found`,
    `fulfilment.not-ready`, `inventory.transfer-place-closed` when the shop has closed meanwhile.
    """
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, _ = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, lines = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.kind == "transfer" and job.state == fulfilment.FulfilmentState.SHIPPED.value:
        return
    if job.to_location_id is None or job.state != fulfilment.FulfilmentState.READY.value:
        raise fulfilment.NotReady(state=job.state)
    ensure(job.paid, "I12", f"{order.order_no} would leave for another shop and is not paid")
    transfer, taken = await transfers.send_held(
        tx,
        source=chain.store(location_id),
        destination=chain.store(job.to_location_id),
        hold_ids=[line.hold_id for line in lines],
        units=_by_sku(lines),
        ref_kind=REF_KIND,
        ref_id=job.id,
        note="",
        unit_fee_minor=await _fee(tx, job),
        actor=actor,
    )
    left = {each.hold_id: each.quantity for each in taken}
    ensure(left == {line.hold_id: line.quantity for line in lines}, "TRF-5", f"{order.order_no}: {left} left")
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.SHIPPED)
    await _tell(tx, order, "sent_to_shop", {line.line_id: line.quantity for line in lines}, actor)
    await audit.record(
        tx,
        actor=actor,
        action="order.send-to-shop",
        subject_kind="order",
        subject=order.order_no,
        store_id=location_id,
        before={"fulfilment": job.state},
        after={"transfer": transfer.number, "units": sum(left.values())},
    )
    faults.point("bring.send_before_commit")


async def receive(
    tx: Tx,
    *,
    transfer_id: UUID,
    came: Sequence[Came],
    secret: bytes,
    actor: Actor,
    note: str = "",
    version: int | None = None,
) -> None:
    """Receive a transfer; what an order has coming in it is held for the order, and ready, in this very transaction.

    Refuses what `transfers.receive` refuses. Surplus is found stock, whoever waits.
    """
    coming = await _coming(tx, transfer_id)
    good = await transfers.receive(tx, transfer_id=transfer_id, came=came, actor=actor, note=note, version=version)
    if coming is None:
        return
    came_for = _share_out(coming.wanted, good)
    missing = await _end_of_the_way(tx, coming, came_for)
    if came_for:
        await _stand_ready(tx, coming, came_for, secret, actor)
    await _settle(tx, coming, came_for, missing, actor)
    faults.point("bring.receive_before_commit")


async def write_off(tx: Tx, *, transfer_id: UUID, reason: str, actor: Actor, version: int | None = None) -> None:
    """Close a transfer: what has not come is lost, and the member whose it was is asked. As `transfers.write_off`."""
    coming = await _coming(tx, transfer_id)
    await transfers.write_off(tx, transfer_id=transfer_id, reason=reason, actor=actor, version=version)
    if coming is not None:
        await _settle(tx, coming, {}, await _end_of_the_way(tx, coming, {}), actor)
    faults.point("bring.lose_before_commit")


class _Coming(NamedTuple):
    """What an order has in a transfer: its order and fulfilment, locked, and the units wanted of it by line and SKU."""

    transfer: Transfer
    order: Order
    job: Fulfilment
    lines: Sequence[FulfilmentLine]
    wanted: Sequence[tuple[UUID, UUID, int]]


async def _coming(tx: Tx, transfer_id: UUID) -> _Coming | None:
    """Lock what a transfer was sent for; None when it was for nothing. Its reference never changes, so it is read
    before the transfer is locked."""
    transfer = await transfers.peek(tx, transfer_id)
    if transfer.ref_id is None:
        return None
    glance = await fulfilment.peek(tx, transfer.source_id, transfer.ref_id)
    order, order_lines = await orders.lock_order(tx, glance.member_id, glance.order_id)
    serving = await fulfilment.lock_serving(tx, order.id, order.location_ids)
    job, lines = await fulfilment.lock_fulfilment(tx, transfer.source_id, transfer.ref_id)
    if job.state == fulfilment.FulfilmentState.SHIPPED.value:
        wanted = [(line.line_id, line.sku_id, line.quantity) for line in lines]
    else:
        wanted = _still_asked(order, order_lines, serving, transfer)
    return _Coming(transfer, order, job, lines, wanted)


def _still_asked(
    order: Order, lines: Sequence[Line], serving: Live, transfer: Transfer
) -> list[tuple[UUID, UUID, int]]:
    """Units to be collected at the destination that nobody serves: their member was asked and has not answered."""
    left = unserved_of(order, lines, serving)
    return [
        (line.id, line.sku_id, left[line.id])
        for line in lines
        if line.id in left and line.store_id == transfer.destination_id
    ]


def _share_out(wanted: Sequence[tuple[UUID, UUID, int]], good: Mapping[UUID, int]) -> dict[UUID, tuple[UUID, int]]:
    """SKU and units for each line, as far as what came goes: in the order of the lines."""
    left, found = dict(good), {}
    for line_id, sku_id, quantity in wanted:
        units = min(quantity, left.get(sku_id, 0))
        if units:
            left[sku_id] -= units
            found[line_id] = sku_id, units
    return found


async def _end_of_the_way(tx: Tx, coming: _Coming, came_for: Mapping[UUID, tuple[UUID, int]]) -> dict[UUID, int]:
    """End the fulfilment that sent the units. Returns those that did not come, by line; none when it had ended."""
    job = coming.job
    if job.state != fulfilment.FulfilmentState.SHIPPED.value:
        return {}
    missing = {}
    for line in coming.lines:
        _, units = came_for.get(line.line_id, (line.sku_id, 0))
        ensure(units <= line.quantity, "TRF-5", f"{coming.order.order_no}: {units} of {line.quantity} arrived")
        if units < line.quantity:
            missing[line.line_id] = line.quantity - units
            await fulfilment.lower_line(tx, job, line.line_id, line.quantity - units)
    done = fulfilment.FulfilmentState.DELIVERED if came_for else fulfilment.FulfilmentState.CANCELLED
    await fulfilment.advance(tx, job, done)
    return missing


async def _stand_ready(
    tx: Tx, coming: _Coming, came_for: Mapping[UUID, tuple[UUID, int]], secret: bytes, actor: Actor
) -> None:
    """Hold what came at the shop and open its pickup there, ready under a code of its own, kept from now on."""
    order, job, shop_id, job_id = coming.order, coming.job, coming.transfer.destination_id, new_id()
    await fulfilment.open_fulfilment(
        tx,
        location_id=shop_id,
        job_id=job_id,
        like=fulfilment.collected(job),
        state=fulfilment.FulfilmentState.TO_PICK,
        promised=fulfilment.Promised(job.promise_at, None),
        away_km=None,
        decision_id=None,
        code=fulfilment.code_of(job_id, secret),
    )
    for line_id, (sku_id, quantity) in sorted(came_for.items(), key=lambda each: each[1][0]):
        hold_id = await inventory.hold_arrived(
            tx,
            location_id=shop_id,
            sku_id=sku_id,
            quantity=quantity,
            ref_kind="order",
            ref_id=order.id,
            actor=actor,
        )
        await fulfilment.add_line(
            tx,
            location_id=shop_id,
            job_id=job_id,
            line_id=line_id,
            sku_id=sku_id,
            quantity=quantity,
            hold_id=hold_id,
        )
    await orders.note_location(tx, order, shop_id)
    here, _ = await fulfilment.lock_fulfilment(tx, shop_id, job_id)
    keep = clock.now() + timedelta(hours=fulfilment.PICKUP.current().body.keep_hours)
    await fulfilment.advance(tx, here, fulfilment.FulfilmentState.READY, keep_until=keep)
    await _tell(tx, order, "arrived", {line: units for line, (_, units) in came_for.items()}, actor)
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind="ready", actor=actor, fulfilment_id=str(job_id)
    )


async def _settle(
    tx: Tx, coming: _Coming, came_for: Mapping[UUID, tuple[UUID, int]], missing: Mapping[UUID, int], actor: Actor
) -> None:
    """Ask the member about what did not come, and keep what became of it in the audit log."""
    if missing:
        await ask(tx, coming.order, missing)
    if missing or came_for:
        await audit.record(
            tx,
            actor=actor,
            action="order.arrive",
            subject_kind="order",
            subject=coming.order.order_no,
            store_id=coming.transfer.destination_id,
            before={"fulfilment": coming.job.state, "transfer": coming.transfer.number},
            after={
                "held": {str(line): units for line, (_, units) in came_for.items()},
                "missing": {str(line): units for line, units in missing.items()},
            },
        )


def _by_sku(lines: Sequence[FulfilmentLine]) -> dict[UUID, int]:
    units: dict[UUID, int] = {}
    for line in lines:
        units[line.sku_id] = units.get(line.sku_id, 0) + line.quantity
    return units


async def _fee(tx: Tx, job: Fulfilment) -> int:
    """What the source's owner gets for each unit, as it was promised with the fulfilment."""
    fee: int = await tx.fetchval(
        "SELECT unit_fee_minor FROM fulfilments WHERE location_id = $1 AND id = $2", job.location_id, job.id
    )
    return fee


async def _tell(tx: Tx, order: Order, kind: str, units: Mapping[UUID, int], actor: Actor) -> None:
    """By lines, so that both shops read it: neither sees the other's fulfilments."""
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind=kind,
        actor=actor,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in units.items()],
    )
