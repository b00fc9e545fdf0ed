"""What becomes of pre-orders: booked by their deposit, back to that when the balance was not paid after all, ended.

The steps that all ways share: the balance is paid online (`pay_balance`) or at a till (`take_preorder`), and a
pre-order ends by its buyer, by its time, or by the chain that withdraws the pre-sale. Whatever was paid beyond the
deposit goes back with each step back; the deposit itself goes back or is kept by the terms that were accepted with it,
and what is kept is earned in the ledger in the same step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline import fulfilment, ledger, orders, payments
from duoline.flows.refund import give_back_money
from duoline.flows.unwind import close_intents, lock_everything, take_back
from duoline.kernel import audit, clock, faults, jobs, outbox
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.kernel.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.flows.unwind import Live
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Line, Order, OrderState, Preorder

faults.register("preorder.before_commit")

BATCH = 200
ENDED = Sweep("end pre-orders")


class Outcome(NamedTuple):
    """What goes back of a pre-order's money, and what is kept of its deposit. Minor units."""

    refund_minor: int
    forfeited_minor: int


def in_balance(order: Order, preorder: Preorder) -> bool:
    """Whether an order that waits for payment has its deposit and waits for its balance."""
    return order.state == orders.OrderState.AWAITING_PAYMENT.value and order.kept_minor >= preorder.deposit_minor


def outcome_of(order: Order, preorder: Preorder, *, keep: bool) -> Outcome:
    """What ending a pre-order gives back and keeps. Nothing is kept before the deposit is paid. Pure."""
    kept = preorder.deposit_minor if keep and order.kept_minor >= preorder.deposit_minor else 0
    return Outcome(order.kept_minor - kept, kept)


async def booked(tx: Tx, order: Order, *, actor: Actor) -> None:
    """The deposit of a locked order is paid: it is booked, and waits for its balance."""
    preorder = await orders.preorder_of(tx, order)
    order = await orders.wait_again(tx, order, preorder)
    await orders.advance(tx, order, orders.OrderState.BOOKED)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="deposit_paid",
        actor=actor,
        amount_minor=preorder.deposit_minor,
    )
    await _tell(tx, order, "booked")


async def go_back(tx: Tx, order: Order, lines: Sequence[Line], *, kind: str, actor: Actor, reason: str = "") -> int:
    """The balance of a locked pre-order was not paid after all: its goods are free again, what was paid besides the
    deposit goes back, and it waits for its balance as before. Returns what goes back, in minor units.

    Locks the fulfilments, their levels. `kind` is what its story says.
    """
    preorder = await orders.preorder_of(tx, order)
    live = await lock_everything(tx, order)
    due = {line.id: line.due for line in lines if line.due}
    await take_back(tx, live, due, then=fulfilment.FulfilmentState.CANCELLED, actor=actor)
    await close_intents(tx, order)
    places = order.location_ids
    at_till = order.pay_mode == "till"
    order = await orders.wait_again(tx, order, preorder)
    await orders.advance(tx, order, orders.OrderState.BOOKED)
    await ask_for_balance(tx, order, preorder)
    parts = order.kept_minor - preorder.deposit_minor
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind=kind, actor=actor, amount_minor=preorder.balance_minor
    )
    await give_back_money(
        tx,
        order,
        parts,
        reason=reason or "the balance was not paid whole",
        actor=actor,
        of=await _beside_the_deposit(tx, order, preorder),
    )
    await _tell(tx, order, "balance-lapsed", store_ids=places if at_till else ())
    if at_till:
        await audit.record(
            tx,
            actor=actor,
            action="order.preorder-untaken",
            subject_kind="order",
            subject=order.order_no,
            store_id=places[-1] if len(places) == 1 else None,
            reason=reason,
            before={"state": "awaiting_payment"},
            after={"state": "booked", "refund_minor": parts},
        )
    faults.point("preorder.before_commit")
    return parts


async def ask_for_balance(tx: Tx, order: Order, preorder: Preorder) -> None:
    """An intent for the balance, at the provider that took the deposit. Nobody is asked before it is opened."""
    intents = await payments.intents_of(tx, order.member_id, order.id)
    provider = next(intent.provider for intent in intents if intent.id == preorder.deposit_intent_id)
    await payments.open_code_intent(
        tx,
        provider=provider,
        member_id=order.member_id,
        order_id=order.id,
        intent_id=new_id(),
        amount_minor=preorder.balance_minor,
        currency=order.currency,
        expires_at=preorder.balance_until,
    )


async def end(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    live: Live,
    *,
    state: OrderState,
    keep: bool,
    reason: str,
    actor: Actor,
) -> Outcome:
    """End a locked pre-order that has not paid its balance: cancelled or expired, its deposit kept or given back.

    `live` are its fulfilments, locked with their levels. What is kept is earned; everything else goes back.
    """
    preorder = await orders.preorder_of(tx, order)
    outcome = outcome_of(order, preorder, keep=keep)
    due = {line.id: line.due for line in lines if line.due}
    await take_back(tx, live, due, then=fulfilment.FulfilmentState.CANCELLED, actor=actor)
    await close_intents(tx, order)
    new = await orders.progress(tx, order, cancelled=due, empty_as=state)
    orders.ensure_settled(order, new, refund_minor=outcome.refund_minor, forfeited_minor=outcome.forfeited_minor)
    if outcome.forfeited_minor:
        await _forfeit(tx, order, outcome.forfeited_minor, reason=reason, actor=actor)
    await give_back_money(
        tx,
        order,
        outcome.refund_minor,
        reason=reason,
        actor=actor,
        of=await _beside_the_deposit(tx, order, preorder) if outcome.forfeited_minor else None,
    )
    return outcome


async def _forfeit(tx: Tx, order: Order, amount_minor: int, *, reason: str, actor: Actor) -> None:
    await orders.forfeit(tx, order, amount_minor)
    posted = await ledger.post(
        tx,
        member_id=order.member_id,
        kind="forfeit",
        ref_kind="order",
        ref_id=order.id,
        order_id=order.id,
        entries=[ledger.Entry(ledger.accounts.DEPOSITS, ledger.accounts.FORFEITED, amount_minor)],
        currency=order.currency,
        actor=actor,
        reason=reason,
    )
    ensure(posted is not None, "PRE-4", f"the deposit of {order.order_no} was kept before")
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind="forfeited", actor=actor, amount_minor=amount_minor
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.forfeit",
        subject_kind="order",
        subject=order.order_no,
        reason=reason,
        before={"forfeited_minor": 0},
        after={"forfeited_minor": amount_minor, "currency": order.currency},
    )


async def _beside_the_deposit(tx: Tx, order: Order, preorder: Preorder) -> list[UUID]:
    """The intents of what came besides the deposit."""
    intents = await payments.intents_of(tx, order.member_id, order.id)
    return [intent.id for intent in intents if intent.id != preorder.deposit_intent_id]


async def _tell(tx: Tx, order: Order, what: str, *, store_ids: Sequence[UUID] = ()) -> None:
    """Tell the member's pages, and the tills where it was being paid."""
    await outbox.emit(
        tx,
        topic=f"orders.{what}",
        key=str(order.id),
        payload={"order_id": str(order.id), "order_no": order.order_no},
        family="member",
        owner_id=order.member_id,
        member_id=order.member_id,
    )
    if store_ids:
        await outbox.emit(
            tx,
            topic="till.changed",
            key=str(order.id),
            payload={"what": "payment", "order_id": str(order.id)},
            family="member",
            owner_id=order.member_id,
            store_ids=store_ids,
        )


# --- by their time, and by the chain ---------------------------------------------------------------

# Those of withdrawn pre-sales are few: pre-sales are, and each of its orders leaves the index when it ends.
_DUE = """
SELECT o.member_id, o.id FROM orders o WHERE o.state = 'booked' AND o.pay_by_at <= $1 AND NOT o.id = ANY ($3)
UNION
SELECT o.member_id, o.id FROM presales p JOIN orders o ON o.presale_id = p.id AND o.state = 'booked'
WHERE p.withdrawn_at IS NOT NULL AND NOT o.id = ANY ($3)
LIMIT $2
"""


@jobs.cron("end pre-orders", "* * * * * */5")
async def end_due(db: Database) -> int:
    """End booked pre-orders whose time for the balance is over, and those of withdrawn pre-sales; returns how many.

    One whose balance is being paid at this moment is not booked: it is looked at again when that has come to nothing.
    """
    due = await db.fetch(_DUE, clock.now(), BATCH, ENDED.resting())

    async def work(row: Any) -> None:
        await end_order(db, member_id=row["member_id"], order_id=row["id"])

    return await ENDED.run([(row["id"], row) for row in due], work)


async def end_order(db: Database, *, member_id: UUID, order_id: UUID) -> bool:
    """End one booked pre-order that is due. False when its balance is being paid, or was, or it ended meanwhile."""
    async with db.begin() as tx:
        order, lines = await orders.lock_order(tx, member_id, order_id)
        if order.state != orders.OrderState.BOOKED.value or order.presale_id is None:
            return False
        preorder = await orders.preorder_of(tx, order)
        withdrawn = await tx.fetchval("SELECT withdrawn_at IS NOT NULL FROM presales WHERE id = $1", order.presale_id)
        if not withdrawn and preorder.balance_until > clock.now():
            return False
        state = orders.OrderState.CANCELLED if withdrawn else orders.OrderState.EXPIRED
        reason = "the pre-sale was withdrawn" if withdrawn else "the balance was not paid in time"
        await orders.timeline.write(
            tx,
            member_id=member_id,
            order_id=order_id,
            kind="presale_withdrawn" if withdrawn else "balance_unpaid",
            actor=SYSTEM,
        )
        await end(
            tx,
            order,
            lines,
            await lock_everything(tx, order),
            state=state,
            keep=preorder.keeps_when_unpaid and not withdrawn,
            reason=reason,
            actor=SYSTEM,
        )
        await _tell(tx, order, "preorder-ended")
        faults.point("preorder.before_commit")
    return True
