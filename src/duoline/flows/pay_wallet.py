"""Pay an order, or a part of it, from the member's wallet: online what is left is asked for as before; at a till it is
one part of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline import ledger, orders, wallet
from duoline.flows import own_tender, pay
from duoline.flows.refund import WALLET
from duoline.kernel import audit, faults
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Order

faults.register("wallet.before_commit")


class Usable(NamedTuple):
    """How much an order would take from the wallet now, and what is in it. In minor units."""

    most_minor: int
    have: wallet.Shares


async def usable(db: Database | Tx, *, member_id: UUID, order_id: UUID) -> Usable:
    """What a member may pay of their waiting order from the wallet. Refuses `kernel.not-found`."""
    row = await db.fetchrow(
        """SELECT total_minor - paid_minor AS open_minor,
                  state = 'awaiting_payment' AND pay_mode = 'online' AND presale_id IS NULL AS waits
           FROM orders WHERE member_id = $1 AND id = $2""",
        member_id,
        order_id,
    )
    if row is None:
        raise NotFound(kind="order")
    return await usable_of(db, member_id, open_minor=row["open_minor"] if row["waits"] else 0)


async def usable_of(db: Database | Tx, member_id: UUID, *, open_minor: int) -> Usable:
    """What a member may pay from the wallet of something of which `open_minor` is to be paid."""
    have = await wallet.balance_of(db, member_id)
    return Usable(min(open_minor, await wallet.spendable(db, member_id)), have)


async def pay_wallet(tx: Tx, *, member_id: UUID, order_id: UUID, amount_minor: int, actor: Actor) -> int:
    """Pay from the wallet; returns what is left to pay, in minor units. At nothing the order is confirmed.

    After `own_tender.close_open`. Locks the order, its intents, its fulfilments at nothing left, the wallet. Refuses
    `kernel.not-found`, `orders.already-paid` when the order does not wait to be paid online, `orders.pay-time-over`,
    `wallet.not-taken`, `payments.being-charged` when its page was opened meanwhile, then as `wallet.use`.
    """
    order = await own_tender.lock_waiting(tx, member_id, order_id)
    can = await usable(tx, member_id=member_id, order_id=order_id)
    if not 0 < amount_minor <= can.most_minor:
        raise wallet.StoredNotTaken(most=str(Money(can.most_minor)), most_minor=can.most_minor)
    intent_id, left = await own_tender.pay_online(
        tx, order, tender=WALLET, account=ledger.accounts.BY_WALLET, amount_minor=amount_minor, actor=actor
    )
    if not left:
        await pay.confirm(tx, order._replace(paid_minor=order.total_minor))
    await take(tx, order, Used(intent_id, amount_minor), actor=actor)
    faults.point("wallet.before_commit")
    return left


class Used(NamedTuple):
    """What a wallet pays and is still to be taken from it (`take`), in minor units."""

    intent_id: UUID
    amount_minor: int


async def pay_at_till(tx: Tx, order: Order, *, amount_minor: int, actor: Actor) -> Used:
    """Pay a part of a locked order of a till from the wallet. Refuses `wallet.not-taken` for more than there is now, or
    for a pre-order. The wallet is locked by `take`, which the caller calls last."""
    takes = order.pay_mode == "till" and order.presale_id is None
    can = await usable_of(tx, order.member_id, open_minor=order.total_minor - order.paid_minor if takes else 0)
    if not 0 < amount_minor <= can.most_minor:
        raise wallet.StoredNotTaken(most=str(Money(can.most_minor)), most_minor=can.most_minor)
    intent_id = await own_tender.capture(
        tx, order, tender=WALLET, account=ledger.accounts.BY_WALLET, amount_minor=amount_minor, actor=actor
    )
    return Used(intent_id, amount_minor)


async def take(tx: Tx, order: Order, used: Used, *, actor: Actor) -> None:
    """Take it from the wallet, which is locked, after the member's points. Refuses as `wallet.use` when others were
    quicker."""
    shares = await wallet.use(
        tx,
        member_id=order.member_id,
        use_id=used.intent_id,
        order_id=order.id,
        amount_minor=used.amount_minor,
        actor=actor,
    )
    ensure(shares.total == used.amount_minor, "WAL-4", f"{order.order_no}: {used} was taken as {shares}")
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="wallet_used",
        actor=actor,
        amount_minor=used.amount_minor,
        bonus_minor=shares.bonus,
    )
    await audit.record(
        tx,
        actor=actor,
        action="order.wallet",
        subject_kind="order",
        subject=order.order_no,
        store_id=order.store_id,
        before={"paid_minor": order.paid_minor},
        after={
            "paid_minor": order.paid_minor + used.amount_minor,
            "principal_minor": shares.principal,
            "bonus_minor": shares.bonus,
        },
    )
