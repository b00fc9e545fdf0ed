"""Take units of an order back before they are handed over: the part that cancelling, expiry, no-show share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import fulfilment, inventory, payments
from duoline.flows.hand_over import value_of
from duoline.kernel import jobs
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.fulfilment import Fulfilment, FulfilmentLine, FulfilmentState
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order

Live = list[tuple["Fulfilment", list["FulfilmentLine"]]]


async def lock_everything(tx: Tx, order: Order) -> Live:
    """The order's fulfilments that serve units, and then the levels where these are held, locked in the one order.

    Among them those whose units are on the way to the shop where they are collected.
    """
    live = await fulfilment.lock_serving(tx, order.id, order.location_ids)
    await inventory.lock_levels(tx, levels_of(live))
    return live


def levels_of(live: Live) -> list[tuple[UUID, UUID]]:
    """The (location, SKU) of everything that live fulfilments hold."""
    return [(job.location_id, line.sku_id) for job, lines in live if job.state in fulfilment.LIVE for line in lines]


async def take_back(
    tx: Tx,
    live: Sequence[tuple[Fulfilment, list[FulfilmentLine]]],
    quantities: Mapping[UUID, int],
    *,
    then: FulfilmentState,
    actor: Actor,
) -> dict[UUID, int]:
    """Release units of order lines from live fulfilments; one that is left with nothing goes to state `then`.

    `quantities` are units a line. Returns how many of them no fulfilment was serving. Units on the way to a shop go
    last: they are plain stock of that shop when they come.
    """
    left = dict(quantities)
    for job, lines in sorted(live, key=lambda each: each[0].state == fulfilment.FulfilmentState.SHIPPED.value):
        remaining = 0
        for line in lines:
            part = min(left.get(line.line_id, 0), line.quantity)
            remaining += line.quantity - part
            if part == 0:
                continue
            left[line.line_id] -= part
            await release_units(tx, job, line, part, actor=actor)
        if remaining == 0 and lines:
            await fulfilment.advance(tx, job, then)
    return left


async def release_units(tx: Tx, job: Fulfilment, line: FulfilmentLine, quantity: int, *, actor: Actor) -> None:
    """Give back units that a fulfilment holds for a line, if it has not sent them, and lower the line by them."""
    if job.state == fulfilment.FulfilmentState.SHIPPED.value:
        ensure(job.kind == "transfer", "FUL-2", f"{job.id} has left and gives units back")
    elif quantity == line.quantity:
        released = await inventory.release(tx, location_id=job.location_id, hold_ids=[line.hold_id], actor=actor)
        ensure(len(released) == 1, "FUL-1", "a live fulfilment's hold is open")
    else:
        await inventory.release_part(
            tx, location_id=job.location_id, hold_id=line.hold_id, quantity=quantity, actor=actor
        )
    await fulfilment.lower_line(tx, job, line.line_id, quantity)


async def reprice_store_intents(
    tx: Tx, order: Order, lines: Sequence[Line], live: Sequence[tuple[Fulfilment, list[FulfilmentLine]]]
) -> None:
    """Ask at each counter only for what is still to be handed over there."""
    if order.pay_mode != "at_store":
        return
    for job, _ in live:
        now = await fulfilment.lines_of(tx, job.location_id, job.id)
        await payments.reprice_intent(tx, order.member_id, job.id, value_of(lines, now))


async def close_intents(tx: Tx, order: Order) -> None:
    """Ask for no money any more, here and (once this has committed) at the provider."""
    for intent in await payments.intents_of(tx, order.member_id, order.id):
        await payments.close_intent(tx, order.member_id, intent.id)
        if intent.known_there and intent.provider != "store":
            await jobs.enqueue(
                tx,
                "payment.close",
                {"member_id": str(order.member_id), "intent_id": str(intent.id)},
                key=f"payment.close:{intent.id}",
            )
