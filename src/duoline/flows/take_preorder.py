"""Take a pre-order at a till: its goods lie on the counter, its buyer shows the code, and the balance is paid there.

From then on it is an order that waits at that till (`till_orders`): in cash, by code or in parts, completed by its last
part, which redeems the code. Let go of, or not paid in time, it waits for its balance as before (`preorders`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, orders
from duoline.flows import complete as completing
from duoline.flows import till_orders
from duoline.flows.keep import use_at_till
from duoline.flows.pay_balance import ensure_balance_open, ensure_may_sell
from duoline.flows.unwind import close_intents
from duoline.kernel import audit, clock, faults
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.flows.till_orders import Part, TillOrder
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.kernel.errors import Refusal
    from duoline.orders import Line, Order, Preorder
    from duoline.stores.types import Store

faults.register("take_preorder.before_commit")


class WrongPreorderCode(fulfilment.WrongCode):
    """No pre-order has this code."""

    code = "fulfilment.wrong-preorder-code"
    zh = "没有这个预订码,请让顾客打开订单页再出示一次。"
    en = "No pre-order has this code; ask the customer to open the order and show it again."


class Found(NamedTuple):
    """A pre-order that a code has opened, under its lock."""

    order: Order
    lines: list[Line]
    preorder: Preorder


async def open_by_code(tx: Tx, store: Store, code: str, *, secret: bytes, actor: Actor) -> Found | Refusal:
    """The pre-order of a code, locked. A wrong code is returned as a refusal (`fulfilment.wrong-preorder-code`,
    `fulfilment.too-many-wrong-codes`), because counting it must be committed. Locks the clerk's count, the order."""

    async def look_up(tx: Tx) -> Found | Refusal:
        found = await orders.find_by_preorder_code(tx, code, secret=secret)
        if found is None:
            return WrongPreorderCode()
        order, lines = await orders.lock_order(tx, *found)
        return Found(order, lines, await orders.preorder_of(tx, order))

    return await fulfilment.try_code(tx, store.id, actor, look_up)


async def ensure_may_take(tx: Tx, store: Store, found: Found) -> None:
    """Whether the balance may be taken at this shop now. Refuses as `take` does before it looks at the parts."""
    ensure_balance_open(found.order, found.preorder, clock.now())
    await ensure_may_sell(tx, found.lines, store)


async def in_stock(tx: Tx, store: Store, found: Found) -> int:
    """How many units of the article lie at this shop for nobody else. As of now and without locks."""
    free = await tx.fetchval(
        "SELECT min(v.on_hand - v.held) FROM levels v WHERE v.location_id = $1 AND v.sku_id = ANY ($2)",
        store.id,
        [line.sku_id for line in found.lines],
    )
    return max(free or 0, 0)


async def take(tx: Tx, store: Store, found: Found, parts: Sequence[Part], *, actor: Actor) -> TillOrder:
    """Let a locked pre-order wait at this till for its balance, in these parts. Its goods are on the counter.

    Locks the order, the levels. Refuses as `ensure_balance_open`, `catalog.not-in-assortment`, then
    `payments.cash-twice`, `payments.tenders-differ`, `orders.no-online-payment`, `inventory.insufficient-stock`.
    """
    order, lines, preorder = found
    await ensure_may_take(tx, store, found)
    till_orders.check(parts, preorder.balance_minor, order.currency)
    await close_intents(tx, order)
    needs = [inventory.Need(store.id, line.sku_id, line.due) for line in lines]
    await use_at_till(
        tx,
        location_id=store.id,
        demand=inventory.add_up(needs),
        member_id=order.member_id,
        order_id=order.id,
        actor=actor,
    )
    hold_ids = await inventory.hold_in_hand(tx, needs, ref_kind="order", ref_id=order.id, actor=actor)
    job_id = new_id()
    await fulfilment.lay_on_counter(
        tx,
        location_id=store.id,
        job_id=job_id,
        member_id=order.member_id,
        order_id=order.id,
        order_no=order.order_no,
        contact_name=order.contact_name,
        contact_phone=order.contact_phone,
    )
    for line, hold_id in zip(lines, hold_ids, strict=True):
        await fulfilment.add_line(
            tx,
            location_id=store.id,
            job_id=job_id,
            line_id=line.id,
            sku_id=line.sku_id,
            quantity=line.due,
            hold_id=hold_id,
        )
    await orders.advance(tx, order, orders.OrderState.AWAITING_PAYMENT)
    waiting = await orders.await_balance(
        tx,
        order._replace(state=orders.OrderState.AWAITING_PAYMENT.value),
        pay_mode="till",
        method="till",
        store_id=store.id,
        contact=orders.Contact(order.contact_name, order.contact_phone),
        address=order.address,
        pay_by_at=clock.now() + timedelta(minutes=fulfilment.PICKUP.current().body.pay_minutes),
    )
    await orders.note_location(tx, order, store.id)
    await till_orders.ask(tx, waiting, parts, actor=actor)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="preorder_taken",
        actor=actor,
        location_code=store.code,
    )
    await completing.tell(tx, order._replace(location_ids=[*order.location_ids, store.id]))
    await audit.record(
        tx,
        actor=actor,
        action="order.take-preorder",
        subject_kind="order",
        subject=order.order_no,
        store_id=store.id,
        before={"state": order.state, "paid_minor": order.kept_minor},
        after={
            "state": "awaiting_payment",
            "balance_minor": preorder.balance_minor,
            "currency": order.currency,
            "tenders": [{"tender": part.tender, "amount_minor": part.amount_minor} for part in parts],
        },
    )
    faults.point("take_preorder.before_commit")
    return till_orders.TillOrder(order.member_id, order.id, store.id)
