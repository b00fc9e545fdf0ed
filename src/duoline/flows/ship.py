"""Send a packed order and record that it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import fulfilment, ledger, orders
from duoline.flows.hand_over import leave, value_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def ship(tx: Tx, *, location_id: UUID, fulfilment_id: UUID, carrier: str, tracking_no: str, actor: Actor) -> None:
    """Give a packed parcel to the carrier: the units leave. Repeating it changes nothing.

    Locks the order, the fulfilment, the levels. Refuses `kernel.not-found`, `fulfilment.not-ready`.
    The delivery fee is earned with the order's first parcel.
    """
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, order_lines = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, lines = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.state == fulfilment.FulfilmentState.SHIPPED.value:
        return
    if job.kind != "ship" or job.state != fulfilment.FulfilmentState.READY.value:
        raise fulfilment.NotReady(state=job.state)
    await leave(tx, order, job, lines, value_of(order_lines, lines), actor=actor)
    await ledger.post(
        tx,
        member_id=order.member_id,
        kind="delivery_fee",
        ref_kind="order",
        ref_id=order.id,
        order_id=order.id,
        entries=[ledger.Entry(ledger.accounts.DEPOSITS, ledger.accounts.DELIVERY_INCOME, order.delivery_fee_minor)],
        currency=order.currency,
        actor=actor,
    )
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.SHIPPED, carrier=carrier, tracking_no=tracking_no)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="shipped",
        actor=actor,
        fulfilment_id=str(fulfilment_id),
        carrier=carrier,
        tracking_no=tracking_no,
    )


async def deliver(tx: Tx, *, location_id: UUID, fulfilment_id: UUID, actor: Actor) -> None:
    """The parcel has arrived. Repeating it changes nothing. Refuses `kernel.wrong-state` before it was sent."""
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, _ = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, _ = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.state == fulfilment.FulfilmentState.DELIVERED.value:
        return
    if job.kind == "transfer":  # arrives when the shop receives it: see flows.bring
        raise fulfilment.NotReady(state=job.state)
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.DELIVERED)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="delivered",
        actor=actor,
        fulfilment_id=str(fulfilment_id),
    )
