"""Cancel an order or units of it before they are handed over: units and money go back at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline import fulfilment, orders
from duoline.flows import complete as completing
from duoline.flows import preorders
from duoline.flows.clawback import Due, keep_clawback, refund_due
from duoline.flows.coupons_back import coupons_back
from duoline.flows.look_after import settle
from duoline.flows.refund import give_back_money
from duoline.flows.unwind import Live, close_intents, lock_everything, reprice_store_intents, take_back
from duoline.kernel import audit, clock, faults

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from duoline.flows.coupons_back import CouponFate
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order

faults.register("cancel.before_commit")


async def quote_cancel(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    quantities: Mapping[UUID, int] | None,
    actor: Actor,
    at: Collection[UUID] | None = None,
) -> tuple[Order, Due | preorders.Outcome, list[CouponFate]]:
    """The order, what `cancel` would give back and keep, and what would become of its coupons. With the locks and
    refusals of `cancel`; writes nothing."""
    order, lines = await orders.lock_order(tx, member_id, order_id)
    if _is_preorder(order):
        _ensure_whole(lines, quantities)
        keep = await _keeps_deposit(tx, order, actor)
        return order, preorders.outcome_of(order, await orders.preorder_of(tx, order), keep=keep), []
    live = await lock_everything(tx, order)
    here = None if at is None or set(order.location_ids) <= set(at) else _due_at(lines, live, at)
    asked = await _with_gifts(tx, order, lines, _asked(lines, quantities, here), here, actor)
    due = await refund_due(tx, order, lines, asked, by_choice=_by_choice(actor))
    return order, due, await coupons_back(tx, order, lines, asked)


async def cancel(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    quantities: Mapping[UUID, int] | None,
    reason: str,
    actor: Actor,
    at: Collection[UUID] | None = None,
) -> int:
    """Cancel units by line (all that is due when None). Returns what goes back to the member, in minor units.

    With `at`, only units at these locations: what is due when None is then what is due there. Which locations an order
    has is judged under its lock, because units may have gone to another shop meanwhile.

    Locks the order, its fulfilments, their levels. Refuses `kernel.not-found`, `orders.nothing-to-cancel` when more is
    asked for than is due, `orders.served-elsewhere` for units at other locations, `orders.cancel-whole` for part of an
    unpaid online order or of a pre-order whose balance is not paid. Of such a one the deposit is kept when its buyer
    cancels and its terms say so.
    """
    order, lines = await orders.lock_order(tx, member_id, order_id)
    live = await lock_everything(tx, order)
    if _is_preorder(order):
        return await _cancel_preorder(tx, order, lines, live, quantities, reason=reason, actor=actor)
    mine = live if at is None else [(job, units) for job, units in live if _concerns(job, at)]
    here = None if at is None or set(order.location_ids) <= set(at) else _due_at(lines, live, at)
    asked = await _with_gifts(tx, order, lines, _asked(lines, quantities, here), here, actor)
    unpaid_online = order.state == orders.OrderState.AWAITING_PAYMENT.value
    if unpaid_online and asked != {line.id: line.due for line in lines if line.due}:
        raise orders.CancelWhole
    # What nobody serves goes first: whoever cancels means the units that keep them waiting.
    free = _unserved(lines, live, at)
    served = {line: quantity - min(quantity, free.get(line, 0)) for line, quantity in asked.items()}
    await take_back(tx, mine, served, then=fulfilment.FulfilmentState.CANCELLED, actor=actor)
    back = await refund_due(tx, order, lines, asked, by_choice=_by_choice(actor))
    await keep_clawback(tx, order, back, actor=actor)
    refund = back.refund_minor
    if unpaid_online:
        await close_intents(tx, order)
    else:
        await reprice_store_intents(tx, order, lines, mine)
    state = await orders.progress(tx, order, cancelled=asked)
    orders.ensure_settled(order, state, refund_minor=refund)
    await orders.timeline.write(
        tx,
        member_id=member_id,
        order_id=order_id,
        kind="cancelled",
        actor=actor,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in asked.items()],
        reason=reason,
    )
    await give_back_money(tx, order, refund, reason=reason or "cancelled", actor=actor)
    await settle(tx, order._replace(state=state.value))
    if order.pay_mode == "till":
        await completing.tell(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.cancel",
        subject_kind="order",
        subject=order.order_no,
        store_id=_only_place(mine, asked),
        reason=reason,
        before={"state": order.state},
        after={"state": state.value, "units": sum(asked.values()), "refund_minor": refund},
    )
    faults.point("cancel.before_commit")
    return refund


def _is_preorder(order: Order) -> bool:
    """Whether it is a pre-order whose balance is not paid. Once it is, it is cancelled as every order."""
    unpaid = order.state in (orders.OrderState.AWAITING_PAYMENT.value, orders.OrderState.BOOKED.value)
    return order.presale_id is not None and unpaid


async def _keeps_deposit(tx: Tx, order: Order, actor: Actor) -> bool:
    """Whether cancelling costs the deposit: never when we cancel, else by the terms."""
    preorder = await orders.preorder_of(tx, order)
    return _by_choice(actor) and preorder.keeps_when_cancelled(clock.now())


def _ensure_whole(lines: Sequence[Line], quantities: Mapping[UUID, int] | None) -> None:
    if quantities is not None and dict(quantities) != {line.id: line.due for line in lines if line.due}:
        raise orders.CancelWhole


async def _cancel_preorder(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    live: Live,
    quantities: Mapping[UUID, int] | None,
    *,
    reason: str,
    actor: Actor,
) -> int:
    _ensure_whole(lines, quantities)
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind="cancelled", actor=actor, reason=reason
    )
    outcome = await preorders.end(
        tx,
        order,
        lines,
        live,
        state=orders.OrderState.CANCELLED,
        keep=await _keeps_deposit(tx, order, actor),
        reason=reason or "cancelled",
        actor=actor,
    )
    if order.pay_mode == "till":
        await completing.tell(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.cancel",
        subject_kind="order",
        subject=order.order_no,
        reason=reason,
        before={"state": order.state},
        after={
            "state": orders.OrderState.CANCELLED.value,
            "units": sum(line.due for line in lines),
            "refund_minor": outcome.refund_minor,
            "forfeited_minor": outcome.forfeited_minor,
        },
    )
    faults.point("cancel.before_commit")
    return outcome.refund_minor


def _by_choice(actor: Actor) -> bool:
    """Whether the buyer decides. What staff cancel they may have had to, and that never costs a discount."""
    return actor.kind == "member"


def _asked(
    lines: Sequence[Line], quantities: Mapping[UUID, int] | None, here: Mapping[UUID, int] | None
) -> dict[UUID, int]:
    """What is to be cancelled by line; `here` is how much of each line may be, when it is not all that is due."""
    due = {line.id: line.due for line in lines}
    most = due if here is None else here
    if quantities is None:
        asked = {line: quantity for line, quantity in most.items() if quantity}
        if not asked and any(due.values()):
            raise orders.ServedElsewhere
    else:
        asked = dict(quantities)
        if any(not 1 <= quantity <= due.get(line, 0) for line, quantity in asked.items()):
            raise orders.NothingToCancel
        if any(quantity > most.get(line, 0) for line, quantity in asked.items()):
            raise orders.ServedElsewhere
    if not asked:
        raise orders.NothingToCancel
    return asked


async def _with_gifts(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    asked: dict[UUID, int],
    here: Mapping[UUID, int] | None,
    actor: Actor,
) -> dict[UUID, int]:
    """The same with the gifts that go with it. What staff cancel, who may have had to, takes a gift only where nothing
    of what it was given for stays."""
    gifts = await orders.gifts_of(tx, order)
    if not _by_choice(actor):
        stays = {line.id: line.stays - asked.get(line.id, 0) for line in lines}
        gifts = [gift for gift in gifts if not any(stays[line] for line in gift.bought)]
    going = orders.gifts_that_go(gifts, lines, asked)
    if here is not None:
        going = {line: min(units, here.get(line, 0) - asked.get(line, 0)) for line, units in going.items()}
    return asked | {line: asked.get(line, 0) + units for line, units in going.items() if units > 0}


def _concerns(job: fulfilment.Fulfilment, at: Collection[UUID]) -> bool:
    """Whether it is work of these locations, or for one of them."""
    return job.location_id in at or job.to_location_id in at


def _unserved(lines: Sequence[Line], live: Live, at: Collection[UUID] | None) -> dict[UUID, int]:
    """Units of each line that are due and that no location serves; with `at`, of lines that were ordered there."""
    left = {line.id: line.due for line in lines if at is None or line.store_id in at}
    for _, units in live:
        for unit in units:
            if unit.line_id in left:
                left[unit.line_id] -= unit.quantity
    return left


def _due_at(lines: Sequence[Line], live: Live, at: Collection[UUID]) -> dict[UUID, int]:
    """Units of each line that are due at some locations: served there, or ordered there and served by nobody."""
    served: dict[UUID, int] = {}
    here: dict[UUID, int] = {}
    for job, units in live:
        for unit in units:
            served[unit.line_id] = served.get(unit.line_id, 0) + unit.quantity
            if _concerns(job, at):
                here[unit.line_id] = here.get(unit.line_id, 0) + unit.quantity
    for line in lines:
        if line.store_id in at:
            here[line.id] = here.get(line.id, 0) + line.due - served.get(line.id, 0)
    return here


def _only_place(live: Live, asked: Mapping[UUID, int]) -> UUID | None:
    """The location that the cancelled units were at, if it was one: its staff may read about it."""
    places = {job.location_id for job, units in live if any(unit.line_id in asked for unit in units)}
    return places.pop() if len(places) == 1 else None
