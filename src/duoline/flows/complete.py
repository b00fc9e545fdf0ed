"""Complete an order of a till: the last of its money makes the goods the customer's, in one step.

Cash is recorded only here. So an order that is partly paid has provider's money in it alone, and whoever lets go of it
has no drawer to settle with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, ledger, orders, payments
from duoline.flows.hand_over import leave, value_of
from duoline.kernel import audit, faults, outbox
from duoline.kernel.errors import Fault, Refusal, ensure
from duoline.kernel.money import Money
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order
    from duoline.payments import Intent

faults.register("complete.before_commit")

STORE = "store"


class PartsOpen(Refusal):
    """Some of the order is still to be paid by code."""

    code = "payments.parts-open"
    status = 409
    zh = "还有 {amount} 没有付,不能完成。"
    en = "{amount} is still to be paid; the sale cannot be completed yet."


class Cash(NamedTuple):
    """Cash on the counter for what is to be paid in cash, in minor units, and the drawer it goes into."""

    tendered_minor: int
    drawer: str | None


async def complete(
    tx: Tx, order: Order, lines: Sequence[Line], intents: Sequence[Intent], *, cash: Cash | None, actor: Actor
) -> int:
    """Take the cash part of a locked order that waits, if it has one, and let its goods go. Returns the change.

    Locks the intents, the fulfilment, the levels, the drawer. Refuses `payments.parts-open`,
    `fulfilment.too-little-money`.
    """
    left = [intent for intent in intents if intent.state == "open"]
    by_code = sum(intent.amount_minor for intent in left if intent.provider != STORE)
    if by_code:
        raise PartsOpen(amount=str(Money(by_code, order.currency)), amount_minor=by_code)
    due = sum(intent.amount_minor for intent in left)
    tendered = cash.tendered_minor if cash else 0
    if tendered < due:
        raise fulfilment.TooLittle(due=str(Money(due, order.currency)), due_minor=due)
    # The intents are locked before the fulfilment, as everywhere.
    captures = [await _take_cash(tx, order, intent, _till_of(order), tendered, actor) for intent in left]
    live = await fulfilment.lock_live(tx, order.id, order.location_ids)
    if len(live) != 1:
        raise Fault("FUL-9", f"{order.order_no} has {len(live)} counters")
    job, units = live[0]
    await inventory.lock_levels(tx, [(job.location_id, unit.sku_id) for unit in units])
    value = value_of(lines, units)
    ensure(value == order.total_minor, "PAY-7", f"{order.order_no} costs {order.total_minor}, its goods {value}")
    await leave(tx, order, job, units, value, actor=actor)
    await fulfilment.advance(tx, job, fulfilment.FulfilmentState.HANDED_OVER, paid=True)
    if order.presale_id is not None:
        await orders.redeem(tx, order, job.location_id)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="sold",
        actor=actor,
        location_code=directory.current().store(job.location_id).code,
    )
    await outbox.emit(
        tx,
        topic="orders.sold",
        key=str(order.id),
        payload={"order_id": str(order.id), "order_no": order.order_no, "total_minor": order.total_minor},
        family="member",
        owner_id=order.member_id,
        store_ids=[job.location_id],
        member_id=order.member_id,
    )
    for intent, captured in zip(left, captures, strict=True):
        # The drawer comes last, as in every sale.
        await payments.note_cash(
            tx,
            job.location_id,
            kind="sale",
            amount_minor=intent.amount_minor,
            ref_id=captured,
            actor=actor,
            drawer=cash.drawer if cash else None,
        )
    faults.point("complete.before_commit")
    return max(tendered - due, 0) if due else 0


def _till_of(order: Order) -> UUID:
    """The shop at whose till it waits."""
    if order.store_id is None:
        raise Fault("FUL-9", f"{order.order_no} waits at the till of no shop")
    return order.store_id


async def complete_if_paid(tx: Tx, order: Order, lines: Sequence[Line], *, actor: Actor) -> bool:
    """Complete a locked order of a till by itself when nothing of it is open any more. Otherwise it goes on waiting."""
    intents = await payments.intents_of(tx, order.member_id, order.id)
    if any(intent.state == "open" for intent in intents):
        return False
    await complete(tx, order, lines, intents, cash=None, actor=actor)
    return True


async def tell(tx: Tx, order: Order) -> None:
    """Tell the shop's phones that a payment at its till has got on."""
    await outbox.emit(
        tx,
        topic="till.changed",
        key=str(order.id),
        payload={"what": "payment", "order_id": str(order.id)},
        family="member",
        owner_id=order.member_id,
        store_ids=order.location_ids,
    )


async def _take_cash(
    tx: Tx, order: Order, intent: Intent, location_id: UUID, tendered_minor: int, actor: Actor
) -> UUID:
    locked = await payments.lock_intent(tx, order.member_id, intent.id)
    captured = await payments.capture(
        tx,
        locked,
        tender="cash",
        account=ledger.accounts.cash(location_id),
        amount_minor=intent.amount_minor,
        currency=order.currency,
        actor=actor,
    )
    if captured is None:
        raise Fault("PAY-3", f"{order.order_no}: cash was captured before")
    ensure(order.state == "awaiting_payment", "PAY-9", f"{order.order_no} is {order.state} and takes cash")
    await orders.add_paid(tx, order, intent.amount_minor)
    await audit.record(
        tx,
        actor=actor,
        action="order.cash",
        subject_kind="order",
        subject=order.order_no,
        store_id=location_id,
        before={"paid_minor": order.paid_minor},
        after={
            "paid_minor": order.paid_minor + intent.amount_minor,
            "tendered_minor": tendered_minor,
            "change_minor": tendered_minor - intent.amount_minor,
        },
    )
    return captured
