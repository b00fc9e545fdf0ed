"""Hand an order over at the counter: the code, the money if it is still due, the goods; all or nothing, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, ledger, orders, payments
from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import Refusal, ensure
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.fulfilment import Fulfilment, FulfilmentLine
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order

faults.register("hand_over.after_code", "hand_over.before_commit")

_ACTIONS = {"pickup": "order.hand-over", "ship": "order.ship", "till": "order.sell"}


class HandedOver(NamedTuple):
    """What was given to the customer. Amounts in minor units."""

    fulfilment_id: UUID
    member_name: str
    taken_minor: int
    change_minor: int
    currency: str


class Taken(NamedTuple):
    """Cash that was taken and the change, in minor units, and its capture; none when nothing was due."""

    taken_minor: int
    change_minor: int
    capture_id: UUID | None


async def mark_ready(tx: Tx, *, location_id: UUID, fulfilment_id: UUID, actor: Actor) -> None:
    """The goods are picked: from now on the code opens them. Repeating it changes nothing.

    Locks the order and the fulfilment. Refuses `kernel.not-found`, `kernel.wrong-state`.
    """
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, _ = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, _ = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.state == fulfilment.FulfilmentState.READY.value:
        return
    keep = clock.now() + timedelta(hours=fulfilment.PICKUP.current().body.keep_hours)
    await fulfilment.advance(
        tx, job, fulfilment.FulfilmentState.READY, keep_until=keep if job.kind == "pickup" else None
    )
    await _tell(tx, order, job, "ready" if job.kind == "pickup" else "packed", actor)


async def mark_unready(tx: Tx, *, location_id: UUID, fulfilment_id: UUID, actor: Actor) -> None:
    """Undo `mark_ready`. Repeating it changes nothing. Locks and refusals as there."""
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, _ = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, _ = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.state == fulfilment.FulfilmentState.TO_PICK.value:
        return
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.TO_PICK)
    await _tell(tx, order, job, "unready", actor)


async def hand_over(
    tx: Tx,
    *,
    location_id: UUID,
    fulfilment_id: UUID,
    code: str,
    tender: str | None,
    tendered_minor: int | None,
    actor: Actor,
    drawer: str | None = None,
) -> HandedOver | Refusal:
    """Hand a picked order over to whoever shows its code, and take what is due in cash.

    A wrong code is returned as a refusal (`fulfilment.wrong-code`, `fulfilment.too-many-wrong-codes`,
    `fulfilment.already-done`), because counting it must be committed. Raised: `kernel.not-found`,
    `fulfilment.not-ready`, `fulfilment.not-paid`, `fulfilment.too-little-money`.
    Locks the order, the intent, the fulfilment, the levels, the drawer.
    """
    found = await fulfilment.find_by_code(tx, location_id=location_id, text=code, actor=actor)
    if isinstance(found, Refusal):
        return found
    if found != fulfilment_id:
        return fulfilment.WrongCode()
    faults.point("hand_over.after_code")
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, order_lines = await orders.lock_order(tx, glance.member_id, glance.order_id)
    job, lines = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
    if job.state == fulfilment.FulfilmentState.HANDED_OVER.value:
        return fulfilment.AlreadyDone(state=job.state)
    if job.kind != "pickup" or job.state != fulfilment.FulfilmentState.READY.value:
        raise fulfilment.NotReady(state=job.state)
    value = value_of(order_lines, lines)
    taken = Taken(0, 0, None)
    if not job.paid:
        taken = await _take_money(
            tx,
            order,
            job,
            value,
            tender=tender,
            tendered_minor=tendered_minor,
            any_left_before=any(line.handed for line in order_lines),
            actor=actor,
        )
    await leave(tx, order, job, lines, value, actor=actor)
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.HANDED_OVER, paid=True)
    await _tell(tx, order, job, "handed_over", actor)
    if taken.capture_id is not None:
        # The drawer comes last: somebody who opens one waits for nobody who waits for a level.
        await payments.note_cash(
            tx,
            job.location_id,
            kind="collection",
            amount_minor=taken.taken_minor,
            ref_id=taken.capture_id,
            actor=actor,
            drawer=drawer,
        )
    faults.point("hand_over.before_commit")
    return HandedOver(fulfilment_id, order.contact_name, taken.taken_minor, taken.change_minor, order.currency)


async def leave(
    tx: Tx, order: Order, job: Fulfilment, lines: Sequence[FulfilmentLine], value_minor: int, *, actor: Actor
) -> None:
    """The units leave the location for good: stock, order lines and the sale in the ledger move together."""
    taken = await inventory.take(
        tx,
        location_id=job.location_id,
        hold_ids=[line.hold_id for line in lines],
        to=inventory.CUSTOMER,
        reason="sale",
        ref_kind="order",
        ref_id=order.id,
        actor=actor,
    )
    left = {each.hold_id: each.quantity for each in taken}
    ensure(left == {line.hold_id: line.quantity for line in lines}, "FUL-2", f"{order.order_no}: {left} left")
    handed: dict[UUID, int] = {}
    for line in lines:
        handed[line.line_id] = handed.get(line.line_id, 0) + line.quantity
    state = await orders.progress(tx, order, handed=handed)
    await ledger.post(
        tx,
        member_id=order.member_id,
        kind="sale",
        ref_kind="fulfilment",
        ref_id=job.id,
        order_id=order.id,
        entries=[ledger.Entry(ledger.accounts.DEPOSITS, ledger.accounts.sales(job.location_id), value_minor)],
        currency=order.currency,
        actor=actor,
    )
    await audit.record(
        tx,
        actor=actor,
        action=_ACTIONS[job.kind],
        subject_kind="order",
        subject=order.order_no,
        store_id=job.location_id,
        before={"state": order.state, "fulfilment": job.state},
        after={"state": state.value, "units": sum(handed.values()), "value_minor": value_minor},
    )


async def _take_money(
    tx: Tx,
    order: Order,
    job: Fulfilment,
    value_minor: int,
    *,
    tender: str | None,
    tendered_minor: int | None,
    any_left_before: bool,
    actor: Actor,
) -> Taken:
    """Take what is due in cash."""
    if order.pay_mode != "at_store" or value_minor == 0:
        ensure(order.pay_mode == "at_store", "I12", f"{order.order_no} is ready and not paid")
        return Taken(0, 0, None)
    if tender != "cash" or tendered_minor is None:
        raise fulfilment.NotPaid(due=str(Money(value_minor, order.currency)), due_minor=value_minor)
    if tendered_minor < value_minor:
        raise fulfilment.TooLittle(due=str(Money(value_minor, order.currency)), due_minor=value_minor)
    if any_left_before:
        # The odd cent of a line that two shops serve goes with whoever comes first.
        await payments.reprice_intent(tx, order.member_id, job.id, value_minor)
    intent = await payments.lock_intent(tx, order.member_id, job.id)
    captured = await payments.capture(
        tx,
        intent,
        tender="cash",
        account=ledger.accounts.cash(job.location_id),
        amount_minor=value_minor,
        currency=order.currency,
        actor=actor,
    )
    ensure(captured is not None, "PAY-3", f"{order.order_no} is not paid and was captured before")
    await orders.add_paid(tx, order, value_minor)
    change = tendered_minor - value_minor
    await audit.record(
        tx,
        actor=actor,
        action="order.cash",
        subject_kind="order",
        subject=order.order_no,
        store_id=job.location_id,
        before={"paid_minor": order.paid_minor},
        after={"paid_minor": order.paid_minor + value_minor, "tendered_minor": tendered_minor, "change_minor": change},
    )
    return Taken(value_minor, change, captured)


def value_of(order_lines: Sequence[Line], lines: Sequence[FulfilmentLine]) -> int:
    """What the units of a fulfilment cost when they are the next to leave, in minor units."""
    units: dict[UUID, int] = {}
    for line in lines:
        units[line.line_id] = units.get(line.line_id, 0) + line.quantity
    return sum(line.value(units.get(line.id, 0), after=line.kept) for line in order_lines)


async def _tell(tx: Tx, order: Order, job: Fulfilment, kind: str, actor: Actor) -> None:
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind=kind, actor=actor, fulfilment_id=str(job.id)
    )
