"""What a shop could not serve of a pickup: the member is asked, and decides, or the time to decide runs out."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline import fulfilment, inventory, orders, payments
from duoline.flows.clawback import keep_clawback, refund_due
from duoline.flows.elsewhere import open_job
from duoline.flows.refund import give_back_money
from duoline.flows.unwind import levels_of
from duoline.kernel import clock, jobs, outbox
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Refusal, Unavailable, ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.flows import basket as baskets
    from duoline.flows.unwind import Live
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Line, Order


class AnswerDue(msgspec.Struct):
    """The order whose member was asked."""

    member_id: UUID
    order_id: UUID


async def ask(tx: Tx, order: Order, units: Mapping[UUID, int]) -> None:
    """Ask the member, who has the time that the policy says; after that the answer is the money back."""
    hours = fulfilment.PICKUP.current().body.answer_hours
    await jobs.enqueue(
        tx,
        "order.answer-due",
        AnswerDue(order.member_id, order.id),
        run_at=clock.now() + timedelta(hours=hours),
        key=f"order.answer-due:{order.id}:{new_id()}",
    )
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="asks_member",
        actor=SYSTEM,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in units.items()],
    )
    await outbox.emit(
        tx,
        topic="orders.asks_member",
        key=str(order.id),
        payload={"order_id": str(order.id), "order_no": order.order_no},
        family="member",
        owner_id=order.member_id,
        store_ids=order.location_ids,
        member_id=order.member_id,
    )


class NothingToAnswer(Refusal):
    """Nothing of this order waits for an answer."""

    code = "orders.nothing-to-answer"
    status = 409
    zh = "这张订单没有需要您决定的事项。"
    en = "Nothing about this order waits for your answer."


@jobs.handler("order.answer-due", payload=AnswerDue)
async def answer_for_the_member(db: Database, what: AnswerDue) -> None:
    """The time to answer is over: what nobody serves is cancelled and its money goes back. Done once, and not at all
    when the member has answered."""
    async with db.begin() as tx:
        with suppress(NothingToAnswer):
            await answer_refund(tx, member_id=what.member_id, order_id=what.order_id, actor=SYSTEM)


async def unserved(tx: Tx, order: Order, lines: Sequence[Line], *, at: UUID | None = None) -> dict[UUID, int]:
    """Units that were to be collected, are due, and that no location serves, by line. (Those of a delivery wait for a
    person: `flows.look_after`.)

    Locks the fulfilments that serve units of the order, then their levels together with those where the units could be
    had `at`.
    """
    live = await fulfilment.lock_serving(tx, order.id, order.location_ids)
    left = unserved_of(order, lines, live)
    await inventory.lock_levels(
        tx, [*levels_of(live), *((at, line.sku_id) for line in lines if at and line.id in left)]
    )
    return left


def unserved_of(order: Order, lines: Sequence[Line], live: Live) -> dict[UUID, int]:
    """Units to be collected that are due and that none of these fulfilments serves, by line."""
    serving: dict[UUID, int] = {}
    for _, units in live:
        for unit in units:
            serving[unit.line_id] = serving.get(unit.line_id, 0) + unit.quantity
    for line in lines:
        ensure(serving.get(line.id, 0) <= line.due, "FUL-3", f"{order.order_no}: line {line.n} is served twice")
    left = [line for line in lines if line.method == "pickup" and line.due > serving.get(line.id, 0)]
    return {line.id: line.due - serving.get(line.id, 0) for line in left}


async def answer_refund(tx: Tx, *, member_id: UUID, order_id: UUID, actor: Actor) -> None:
    """The member takes the money back for what the shop could not serve. Refuses `orders.nothing-to-answer`."""
    order, lines = await orders.lock_order(tx, member_id, order_id)
    units = await unserved(tx, order, lines)
    if not units:
        raise NothingToAnswer
    back = await refund_due(tx, order, lines, units, by_choice=False)
    await keep_clawback(tx, order, back, actor=actor)
    amount = back.refund_minor
    state = await orders.progress(tx, order, cancelled=units)
    orders.ensure_settled(order, state, refund_minor=amount)
    await orders.timeline.write(
        tx, member_id=member_id, order_id=order_id, kind="answered", actor=actor, choice="refund"
    )
    await give_back_money(tx, order, amount, reason="the shop could not serve it", actor=actor)


async def answer_move(
    tx: Tx, look: baskets.Look, *, member_id: UUID, order_id: UUID, store_id: UUID, secret: bytes, actor: Actor
) -> None:
    """The member collects what the shop could not serve at another shop.

    Refuses `orders.nothing-to-answer`, `stores.no-pickup`, `inventory.insufficient-stock`.
    """
    store = look.chain.store(store_id)
    if not (store.active and store.services.pickup and store.kind == "store"):
        raise fulfilment.NoPickup(store_code=store.code)
    order, lines = await orders.lock_order(tx, member_id, order_id)
    units = await unserved(tx, order, lines, at=store_id)
    if not units:
        raise NothingToAnswer
    sku_of = {line.id: line.sku_id for line in lines}
    like = await fulfilment.any_of_kind(tx, order.location_ids, order.id, kind="pickup")
    job_id = new_id()
    counts, lags, now = await look.work.counts(), await look.work.lags(), clock.now()
    ready = fulfilment.pickup_ready_at(store, now, open_work=counts.get(store_id, 0), lags=lags)
    try:
        await open_job(
            tx,
            order,
            like,
            location_id=store_id,
            wants=[(line, sku_of[line], quantity) for line, quantity in sorted(units.items())],
            promised=ready or fulfilment.Promised(now, now),
            decision_id=None,
            code=fulfilment.code_of(job_id, secret),
            job_id=job_id,
        )
    except Unavailable as gone:
        raise inventory.InsufficientStock(
            short=[
                {"sku_id": str(sku_of[line]), "location_code": store.code, "wanted": quantity, "available": None}
                for line, quantity in units.items()
            ]
        ) from gone
    if order.pay_mode == "at_store":
        await payments.open_store_intent(
            tx,
            member_id=member_id,
            order_id=order_id,
            intent_id=job_id,
            amount_minor=sum(line.value(units.get(line.id, 0), after=line.kept) for line in lines),
            currency=order.currency,
        )
    await orders.timeline.write(
        tx,
        member_id=member_id,
        order_id=order_id,
        kind="answered",
        actor=actor,
        choice="move",
        location_code=store.code,
    )
