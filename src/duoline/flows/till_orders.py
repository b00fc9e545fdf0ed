"""Sell at a till what is not paid in cash alone: by the code on the customer's phone, or in parts.

Such a sale is an order that waits: its units are held on the counter, each part of the money is an intent, and the last
part completes it (`flows.complete`). It is priced, uses offers and is written by the very functions of a sale for cash
(`flows.sell`); it is let go of by those of every unpaid order (`flows.cancel`, `flows.expire`).

A code is charged with no transaction open: first the intent is marked as asked, so that whoever lets go of the order
meanwhile closes it at the provider too; then the provider is asked under the intent's own reference; then `pay.settle`
records the answer, as it would a notice. The code itself is never stored.

Points and stored value are parts too, for a member whose card was just shown: nobody is asked, so they are paid when
the parts are decided, and come back like any other money when the sale is let go of.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline import fulfilment, inventory, orders, payments
from duoline.flows import complete as completing
from duoline.flows import pay, pay_points, pay_wallet, preorders, sell
from duoline.flows.cancel import cancel
from duoline.flows.keep import use_at_till
from duoline.flows.refund import OWN, POINTS, WALLET
from duoline.kernel import audit, clock, faults
from duoline.kernel.errors import NotFound, Refusal, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.members.cards import CardNeeded
from duoline.payments import providers
from duoline.payments.provider import AlreadyPaid, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.flows.complete import Cash
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Line, Order
    from duoline.payments import Intent
    from duoline.payments.provider import PaymentState
    from duoline.stores.rights import Scope
    from duoline.stores.types import Store

faults.register("pay.before_charge", "pay.after_charge", "till_order.before_commit")

PARTS_MAX = 10
UNDER_WAY = timedelta(seconds=10)
"""For so long a charge without an answer may still reach the provider: a little longer than anybody waits for it."""
AT_ONCE = 50
"""Unfinished sales that a till shows."""


class TendersDiffer(Refusal):
    """The parts are not what is to be paid."""

    code = "payments.tenders-differ"
    status = 422
    zh = "各部分合计 {sum},应付 {total}。"
    en = "The parts come to {sum}; {total} is to be paid."


class CashTwice(Refusal):
    """Cash is one part: it is taken at once, at the end."""

    code = "payments.cash-twice"
    status = 422
    zh = "现金只能是其中一部分。"
    en = "Cash can be one of the parts only."


class TenderTwice(Refusal):
    """What the member has pays one part."""

    code = "payments.tender-twice"
    status = 422
    zh = "积分、储值各只能占一部分,请合成一笔。"
    en = "Points are one part, and stored value is; put each together."


class NotByCode(Refusal):
    """This part is paid in cash."""

    code = "payments.not-by-code"
    status = 409
    zh = "这一部分用现金支付。"
    en = "This part is to be paid in cash."


class Part(NamedTuple):
    """A part of what is to be paid, in minor units."""

    tender: Literal["cash", "code", "points", "wallet"]
    amount_minor: int


class TillOrder(NamedTuple):
    """An order that a till made, found again."""

    member_id: UUID
    order_id: UUID
    store_id: UUID


async def open_order(
    tx: Tx,
    store: Store,
    counter: sell.Counter,
    *,
    member_id: UUID,
    contact: orders.Contact,
    parts: Sequence[Part],
    actor: Actor,
    present: UUID | None = None,
) -> UUID:
    """Ring up what lies on the counter, to be paid in these parts within a few minutes. Returns the order's id.

    `present` has just shown their card. Points and stored value are paid at once; when nothing else is to be paid, the
    goods go. Locks what is limited of its offers and its coupons, then the levels in order, then the member's points,
    then the wallet. Refuses
    `orders.no-online-payment`, `payments.cash-twice`, `payments.tender-twice`, `payments.tenders-differ`,
    `pricing.offer-gone`, `inventory.insufficient-stock`, `members.card-needed`, then
    `loyalty.points-not-taken`, `wallet.not-taken`, and as `loyalty.use`, `wallet.use`.
    """
    check(parts, counter.total_minor, counter.currency)
    now, order_id, job_id = clock.now(), new_id(), new_id()
    order_no = orders.new_order_no(now, store.timezone)
    pay_by_at = now + timedelta(minutes=fulfilment.PICKUP.current().body.pay_minutes)
    await sell.use_offers(tx, counter.offers, order_id=order_id, member_id=member_id)
    needs = [inventory.Need(store.id, wish.facts.sku_id, wish.quantity) for wish in counter.wishes]
    await use_at_till(
        tx,
        location_id=store.id,
        demand=inventory.add_up(needs),
        member_id=member_id,
        order_id=order_id,
        actor=actor,
    )
    hold_ids = await inventory.hold_in_hand(tx, needs, ref_kind="order", ref_id=order_id, actor=actor)
    line_ids = await sell.write(
        tx,
        store,
        counter,
        order_id=order_id,
        order_no=order_no,
        member_id=member_id,
        contact=contact,
        now=now,
        pay_by_at=pay_by_at,
    )
    await fulfilment.lay_on_counter(
        tx,
        location_id=store.id,
        job_id=job_id,
        member_id=member_id,
        order_id=order_id,
        order_no=order_no,
        contact_name=contact.name,
        contact_phone=contact.phone,
    )
    for need, hold_id, line_id in zip(needs, hold_ids, line_ids, strict=True):
        await fulfilment.add_line(
            tx,
            location_id=store.id,
            job_id=job_id,
            line_id=line_id,
            sku_id=need.sku_id,
            quantity=need.quantity,
            hold_id=hold_id,
        )
    order, lines = await orders.lock_order(tx, member_id, order_id)
    await orders.timeline.write(
        tx, member_id=member_id, order_id=order_id, kind="rung_up", actor=actor, location_code=store.code
    )
    used = await ask(tx, order, parts, present=present, actor=actor)
    await completing.tell(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.ring-up",
        subject_kind="order",
        subject=order_no,
        store_id=store.id,
        after={
            "total_minor": counter.total_minor,
            "currency": counter.currency,
            "tenders": [{"tender": part.tender, "amount_minor": part.amount_minor} for part in parts],
            "lines": [
                {"sku_code": wish.facts.sku_code, "quantity": wish.quantity, "net_minor": wish.net_minor}
                for wish in counter.wishes
            ],
        },
    )
    await _take_own(tx, order, lines, used, actor=actor)
    faults.point("till_order.before_commit")
    return order_id


def check(parts: Sequence[Part], total_minor: int, currency: str) -> None:
    """Refuses `payments.cash-twice`, `payments.tender-twice`, `payments.tenders-differ`, `orders.no-online-payment`."""
    if sum(part.tender == "cash" for part in parts) > 1:
        raise CashTwice
    if any(sum(part.tender == own for part in parts) > 1 for own in OWN):
        raise TenderTwice
    if any(part.amount_minor <= 0 for part in parts) or sum(part.amount_minor for part in parts) != total_minor:
        said = sum(part.amount_minor for part in parts)
        raise TendersDiffer(
            sum=str(Money(said, currency)), total=str(Money(total_minor, currency)), total_minor=total_minor
        )
    if any(part.tender == "code" for part in parts) and providers.online() is None:
        raise orders.NoOnlinePayment


async def ask(
    tx: Tx, order: Order, parts: Sequence[Part], *, actor: Actor, present: UUID | None = None
) -> list[pay_points.Used | pay_wallet.Used]:
    """An intent for each part of a locked order: together they are what is to be paid.

    Those in tenders of our own are paid with it; what they take from the member is returned, to be taken last. Refuses
    `members.card-needed` when the order's member is not the one who is `present`, `loyalty.points-not-taken`,
    `wallet.not-taken`.
    """
    own = sorted((part for part in parts if part.tender in OWN), key=lambda part: OWN.index(part.tender))
    if own and order.presale_id is None and present != order.member_id:
        raise CardNeeded
    used: list[pay_points.Used | pay_wallet.Used] = []
    for part in own:
        pays = pay_points.pay_at_till if part.tender == POINTS else pay_wallet.pay_at_till
        used.append(await pays(tx, order, amount_minor=part.amount_minor, actor=actor))
        order = order._replace(paid_minor=order.paid_minor + part.amount_minor)
    for part in parts:
        if part.tender == "cash":
            await payments.open_store_intent(
                tx,
                member_id=order.member_id,
                order_id=order.id,
                intent_id=new_id(),
                amount_minor=part.amount_minor,
                currency=order.currency,
            )
        elif part.tender == "code":
            await pay.ask_for(tx, order, part.amount_minor, provider=providers.online())
    await _ensure_asked(tx, order)
    return used


async def _take_own(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    used: Sequence[pay_points.Used | pay_wallet.Used],
    *,
    actor: Actor,
) -> None:
    """What was paid in tenders of our own is taken from the member, last of all; before that the goods go when nothing
    else is to be paid."""
    if used:
        await completing.complete_if_paid(tx, order, lines, actor=actor)
    for one in used:
        if isinstance(one, pay_points.Used):
            await pay_points.take(tx, order, one, actor=actor)
        else:
            await pay_wallet.take(tx, order, one, actor=actor)


async def _ensure_asked(tx: Tx, order: Order) -> None:
    """What is asked for is what is to be paid."""
    asked = sum(
        intent.amount_minor
        for intent in await payments.intents_of(tx, order.member_id, order.id)
        if intent.state == "open"
    )
    ensure(asked == order.total_minor - order.kept_minor, "PAY-7", f"{order.order_no} asks for {asked}")


async def find(db: Database, order_id: UUID, scope: Scope) -> TillOrder:
    """An order that a till of a shop in scope made. Refuses with `NotFound`."""
    row = await db.fetchrow(
        """SELECT member_id, id, store_id FROM orders
           WHERE id = $1 AND pay_mode = 'till' AND external_code IS NULL AND pay_by_at IS NOT NULL
             AND ($2 OR store_id = ANY ($3))""",
        order_id,
        *scope.sql,
    )
    if row is None:
        raise NotFound
    return TillOrder(*row)


async def unfinished(db: Database, store_id: UUID) -> list[TillOrder]:
    """What waits for its money at a shop's till, the oldest first."""
    rows = await db.fetch(
        """SELECT member_id, id, store_id FROM orders
           WHERE store_id = $1 AND state = 'awaiting_payment' AND pay_mode = 'till' ORDER BY placed_at, id LIMIT $2""",
        store_id,
        AT_ONCE,
    )
    return [TillOrder(*row) for row in rows]


async def charge(
    db: Database, sale: TillOrder, *, intent_id: UUID, auth_code: str, subject: str, notify_url: str
) -> None:
    """Charge the code on the payer's phone for one part. Safe to repeat: a part is paid once, whatever the code.

    Refuses `kernel.not-found`, `payments.not-by-code`, `orders.already-paid` when the part is not asked for any more,
    `orders.pay-time-over`, `payments.being-charged`, then what the provider declines (`payments.code-*`,
    `payments.not-enough-money`): the part stays open for another code. `Unavailable` when the provider does not
    answer: ask again with `look_again`.
    """
    intent = await _mark_asked(db, sale, intent_id)
    if intent is None:
        return
    faults.point("pay.before_charge")
    try:
        state = await providers.named(intent.provider).charge_code(
            intent.ref,
            auth_code=auth_code,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            subject=subject,
            notify_url=notify_url,
            expires_at=intent.expires_at or clock.now(),
        )
    except Refusal:
        async with db.begin() as tx:
            await payments.note_declined(tx, intent)
        raise
    faults.point("pay.after_charge")
    await _record(db, intent, state)


async def _mark_asked(db: Database, sale: TillOrder, intent_id: UUID) -> Intent | None:
    """The part that is to be charged, from now on known to the provider; None when it is paid."""
    async with db.begin() as tx:
        order, _ = await orders.lock_order(tx, sale.member_id, sale.order_id)
        intent = await payments.lock_intent(tx, sale.member_id, intent_id)
        if intent.order_id != order.id:
            raise NotFound
        if intent.state == "captured":
            return None
        if intent.provider == completing.STORE:
            raise NotByCode
        if intent.state != "open" or order.state != orders.OrderState.AWAITING_PAYMENT.value:
            raise orders.AlreadyPaid
        if order.pay_by_at is not None and order.pay_by_at <= clock.now():
            raise pay.PayTimeOver
        if _under_way(intent):
            raise pay.BeingCharged
        return await payments.note_asked(tx, intent)


def _under_way(intent: Intent) -> bool:
    """Whether a charge is so young that it may still reach the provider."""
    return intent.asked_at is not None and intent.asked_at > clock.now() - UNDER_WAY


async def _record(db: Database, intent: Intent, state: PaymentState) -> None:
    """What the provider says of a part: paid, closed for good, the payer is asked, or nothing has ever come there."""
    if state.status is PaymentStatus.PAID:
        async with db.begin() as tx:
            await pay.settle(
                tx,
                intent.member_id,
                intent.order_id,
                intent.id,
                amount_minor=state.amount_minor,
                currency=state.currency,
                payer=state.payer,
            )
    elif state.status is PaymentStatus.CLOSED:
        await _ask_anew(db, intent)
    elif state.status is PaymentStatus.OPEN:
        async with db.begin() as tx:
            await payments.remember_opened(tx, intent, provider_ref=state.provider_ref, pay_url=None)
    elif not _under_way(intent):
        async with db.begin() as tx:
            await payments.note_declined(tx, intent)


async def _ask_anew(db: Database, intent: Intent) -> None:
    """The payer said no, and nobody can pay this any more: the same part is asked for under a new reference."""
    async with db.begin() as tx:
        order, _ = await orders.lock_order(tx, intent.member_id, intent.order_id)
        locked = await payments.lock_intent(tx, intent.member_id, intent.id)
        if locked.state != "open" or order.state != orders.OrderState.AWAITING_PAYMENT.value:
            return
        await payments.close_intent(tx, intent.member_id, intent.id)
        await pay.ask_for(tx, order, locked.amount_minor, provider=locked.provider)
        await completing.tell(tx, order)


async def look_again(db: Database, sale: TillOrder) -> None:
    """Ask the provider how every part stands that it may know of. Safe to repeat."""
    for intent in await payments.intents_of(db, sale.member_id, sale.order_id):
        if intent.state == "open" and intent.known_there and intent.provider != completing.STORE:
            state = await providers.named(intent.provider).query_payment(intent.ref)
            await _record(db, intent, state)


async def close_open(db: Database, sale: TillOrder) -> None:
    """See to it at the provider that nobody pays what is open, before other parts are asked for.

    What was paid meanwhile is recorded. Refuses `payments.being-charged` while a charge may still be on its way there,
    where it could not be closed yet. `Unavailable` when the provider does not answer: then nothing may be changed.
    """
    for intent in await payments.intents_of(db, sale.member_id, sale.order_id):
        if intent.state == "open" and intent.known_there and intent.provider != completing.STORE:
            try:
                state = await providers.named(intent.provider).close_payment(intent.ref)
            except AlreadyPaid:
                await pay.check(db, intent)
                continue
            if state.status is PaymentStatus.ABSENT and _under_way(intent):
                raise pay.BeingCharged


async def change_parts(
    tx: Tx,
    sale: TillOrder,
    parts: Sequence[Part],
    *,
    closed: datetime,
    actor: Actor,
    present: UUID | None = None,
) -> None:
    """Ask for what is still open in other parts; what is paid stays. After `close_open`, which ended at `closed`.

    Locks the order; with points or stored value all that `complete` locks, the
    member's points, the wallet. Refuses `orders.already-paid`,
    `payments.cash-twice`, `payments.tender-twice`, `payments.tenders-differ`, `payments.being-charged` when a code was
    charged since, then as `ask`.
    """
    order, lines = await orders.lock_order(tx, sale.member_id, sale.order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value:
        raise orders.AlreadyPaid
    check(parts, order.total_minor - order.kept_minor, order.currency)
    before = []
    for intent in await payments.intents_of(tx, order.member_id, order.id):
        if intent.state != "open":
            continue
        if intent.asked_at is not None and intent.asked_at >= closed:
            raise pay.BeingCharged
        before.append({"tender": tender_of(intent), "amount_minor": intent.amount_minor})
        await payments.close_intent(tx, order.member_id, intent.id)
    used = await ask(tx, order, parts, present=present, actor=actor)
    await completing.tell(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.split",
        subject_kind="order",
        subject=order.order_no,
        store_id=sale.store_id,
        before={"tenders": before},
        after={"tenders": [{"tender": part.tender, "amount_minor": part.amount_minor} for part in parts]},
    )
    await _take_own(tx, order, lines, used, actor=actor)


def tender_of(intent: Intent) -> Literal["cash", "code", "points", "wallet"]:
    """The tender of a part: a provider's is by code."""
    if intent.provider == completing.STORE:
        return "cash"
    if intent.provider == POINTS:
        return "points"
    return "wallet" if intent.provider == WALLET else "code"


async def complete(tx: Tx, sale: TillOrder, *, cash: Cash | None, actor: Actor) -> int:
    """Take the cash part and let the goods go. Returns the change. Locks and refusals as `flows.complete.complete`.

    Refuses `orders.already-paid` when it does not wait any more.
    """
    order, lines = await orders.lock_order(tx, sale.member_id, sale.order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value:
        raise orders.AlreadyPaid
    intents = await payments.intents_of(tx, order.member_id, order.id)
    return await completing.complete(tx, order, lines, intents, cash=cash, actor=actor)


async def let_go(tx: Tx, sale: TillOrder, *, reason: str, actor: Actor) -> int:
    """The customer does not take it after all: units go back at once, and what was paid by code goes back too.

    A pre-order keeps its deposit and waits for its balance as before. Returns what goes back, in minor units. Locks as
    `cancel`. Refuses `orders.already-paid` once it is over.
    """
    order, lines = await orders.lock_order(tx, sale.member_id, sale.order_id)
    if order.state != orders.OrderState.AWAITING_PAYMENT.value:
        raise orders.AlreadyPaid
    if order.presale_id is not None:
        return await preorders.go_back(tx, order, lines, kind="balance_untaken", reason=reason, actor=actor)
    return await cancel(
        tx, member_id=sale.member_id, order_id=sale.order_id, quantities=None, reason=reason, actor=actor
    )
