"""Let go of what nobody came for: orders that were not paid in time, orders that were not collected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline import fulfilment, inventory, orders, payments
from duoline.flows import complete as completing
from duoline.flows import pay, preorders
from duoline.flows.clawback import keep_clawback, refund_due
from duoline.flows.refund import give_back_money
from duoline.flows.unwind import close_intents, lock_everything, reprice_store_intents, take_back
from duoline.inventory import transfers
from duoline.kernel import clock, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable
from duoline.kernel.sweep import Sweep
from duoline.payments import providers
from duoline.payments.provider import AlreadyPaid

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.db import Database

BATCH = 200
UNPAID = Sweep("expire unpaid orders")
UNCOLLECTED = Sweep("release uncollected orders")


@jobs.cron("expire unpaid orders", "* * * * * */5")
async def expire_unpaid(db: Database) -> int:
    """Expire orders whose time to pay is over and give their units back; returns how many were looked at and done.

    The provider is told first that nobody may pay any more. If the buyer was quicker, the order is paid instead. If the
    provider does not answer, it is not asked again in this round, and orders expire all the same: money that comes
    later is sent back.
    """
    due = await db.fetch(
        """SELECT member_id, id FROM orders WHERE state = 'awaiting_payment' AND pay_by_at <= $1 AND NOT id = ANY ($3)
           ORDER BY pay_by_at LIMIT $2""",
        clock.now(),
        BATCH,
        UNPAID.resting(),
    )
    silent: set[str] = set()

    async def expire(row: Any) -> None:
        if not await _paid_after_all(db, row["member_id"], row["id"], silent):
            await expire_order(db, member_id=row["member_id"], order_id=row["id"])

    return await UNPAID.run([(row["id"], row) for row in due], expire)


async def _paid_after_all(db: Database, member_id: UUID, order_id: UUID, silent: set[str]) -> bool:
    for intent in await payments.intents_of(db, member_id, order_id):
        if intent.state != "open" or not intent.known_there or intent.provider in silent:
            continue
        try:
            await providers.named(intent.provider).close_payment(intent.ref)
        except AlreadyPaid:
            if await pay.check(db, intent):
                return True
        except Unavailable:
            silent.add(intent.provider)
    return False


async def expire_order(db: Database, *, member_id: UUID, order_id: UUID) -> bool:
    """Expire one unpaid order whose time is over. False when it was paid, cancelled or expired meanwhile.

    A pre-order whose balance was not paid has its deposit: it goes back to waiting for the balance.
    """
    async with db.begin() as tx:
        order, lines = await orders.lock_order(tx, member_id, order_id)
        if order.state != orders.OrderState.AWAITING_PAYMENT.value:
            return False
        if order.pay_by_at is not None and order.pay_by_at > clock.now():
            return False
        if order.presale_id is not None and preorders.in_balance(order, await orders.preorder_of(tx, order)):
            await preorders.go_back(tx, order, lines, kind="balance_lapsed", actor=SYSTEM)
            return True
        live = await lock_everything(tx, order)
        due = {line.id: line.due for line in lines if line.due}
        await take_back(tx, live, due, then=fulfilment.FulfilmentState.CANCELLED, actor=SYSTEM)
        await close_intents(tx, order)
        state = await orders.progress(tx, order, cancelled=due, empty_as=orders.OrderState.EXPIRED)
        paid = order.paid_minor - order.refunded_minor  # of what is paid in parts at a till
        orders.ensure_settled(order, state, refund_minor=paid)
        await orders.timeline.write(tx, member_id=member_id, order_id=order_id, kind="expired", actor=SYSTEM)
        await give_back_money(tx, order, paid, reason="not paid in time", actor=SYSTEM)
        if order.pay_mode == "till":
            await completing.tell(tx, order)
    return True


@jobs.cron("release uncollected orders", "* * * * * */30")
async def release_uncollected(db: Database) -> int:
    """Give back the units of orders that stood ready for too long, and the money; returns how many.

    An order to be paid at the counter that the shop never made ready is let go as well, a good while after its promise:
    nobody has paid for it, and its units would be held for ever.
    """
    now = clock.now()
    due = await db.fetch(
        """SELECT location_id, id FROM fulfilments
           WHERE state = 'ready' AND kind = 'pickup' AND keep_until <= $1 AND NOT id = ANY ($3)
           UNION ALL
           SELECT location_id, id FROM fulfilments
           WHERE state = 'to_pick' AND kind = 'pickup' AND NOT paid AND promise_at <= $4 AND NOT id = ANY ($3)
           LIMIT $2""",
        now,
        BATCH,
        UNCOLLECTED.resting(),
        _forgotten_before(now),
    )

    async def release(row: Any) -> None:
        await _release(db, row["location_id"], row["id"], now)

    return await UNCOLLECTED.run([(row["id"], row) for row in due], release)


def _forgotten_before(now: datetime) -> datetime:
    """Promises before this instant were forgotten by everybody."""
    return now - timedelta(hours=fulfilment.PICKUP.current().body.unclaimed_hours)


def _overdue(job: fulfilment.Fulfilment, now: datetime) -> bool:
    if job.state == fulfilment.FulfilmentState.READY.value:
        return job.keep_until is not None and job.keep_until <= now
    return (
        job.state == fulfilment.FulfilmentState.TO_PICK.value
        and not job.paid
        and job.promise_at <= _forgotten_before(now)
    )


async def _release(db: Database, location_id: UUID, fulfilment_id: UUID, now: datetime) -> None:
    async with db.begin() as tx:
        glance = await fulfilment.peek(tx, location_id, fulfilment_id)
        order, lines = await orders.lock_order(tx, glance.member_id, glance.order_id)
        live = await lock_everything(tx, order)
        mine = [(job, units) for job, units in live if job.id == fulfilment_id]
        if not mine or not _overdue(mine[0][0], now):
            return
        units: dict[UUID, int] = {}
        for line in mine[0][1]:
            units[line.line_id] = units.get(line.line_id, 0) + line.quantity
        ready = mine[0][0].state == fulfilment.FulfilmentState.READY.value
        over = fulfilment.FulfilmentState.UNCOLLECTED if ready else fulfilment.FulfilmentState.CANCELLED
        await take_back(tx, mine, units, then=over, actor=SYSTEM)
        back = await refund_due(tx, order, lines, units, by_choice=False)
        await keep_clawback(tx, order, back, actor=SYSTEM)
        refund = back.refund_minor
        await reprice_store_intents(tx, order, lines, mine)
        state = await orders.progress(tx, order, cancelled=units)
        orders.ensure_settled(order, state, refund_minor=refund)
        await orders.timeline.write(
            tx,
            member_id=order.member_id,
            order_id=order.id,
            kind="uncollected",
            actor=SYSTEM,
            fulfilment_id=str(fulfilment_id),
        )
        await give_back_money(tx, order, refund, reason="not collected", actor=SYSTEM)


@jobs.cron("expire holds", "* * * * * */5")
async def expire_holds(db: Database) -> int:
    """Give back units that were kept for somebody until now."""
    return await inventory.expire_due(db)


@jobs.cron("lapse transfers", "*/5 * * * *")
async def lapse_transfers(db: Database) -> int:
    """Give back units that were asked for in another shop's name and that nobody answered for."""
    return await transfers.lapse(db)


@jobs.handler("payment.close", attempts_max=10)
async def close_payment(db: Database, what: Any) -> None:
    """Tell the provider that nobody shall pay any more. If somebody has, the money is recorded and sent back."""
    member_id, intent_id = UUID(what["member_id"]), UUID(what["intent_id"])
    row = await db.fetchrow(
        "SELECT order_id FROM payment_intents WHERE member_id = $1 AND id = $2", member_id, intent_id
    )
    if row is None:
        return
    for intent in await payments.intents_of(db, member_id, row["order_id"]):
        if intent.id == intent_id and intent.state != "captured":
            await pay.close_there(db, intent)
