"""Fill a wallet: at a till in cash or by the code on the customer's phone, in the mall on the provider's page.

A top-up is written before anybody is asked for money, and its id is the reference that the provider knows. It is asked
with no transaction open; what it says is recorded once, whoever hears it first: the page that waits, a notice, a job.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline import fulfilment, ledger, orders, payments
from duoline.flows import top_up_refund
from duoline.flows.pay import BeingCharged, UnknownPayment
from duoline.kernel import clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.sweep import Sweep
from duoline.payments import payers, providers
from duoline.payments.provider import AlreadyPaid, EventKind, PaymentStatus
from duoline.wallet import TopUp, TopUpOver, top_ups

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.payments.provider import PaymentEvent, PaymentState
    from duoline.stores.rights import Scope

faults.register("top_up.before_open", "top_up.after_open", "top_up.before_charge", "top_up.after_charge")
faults.register("top_up.before_commit")

PAY_WITHIN = timedelta(minutes=15)
UNDER_WAY = timedelta(seconds=10)
"""For so long a charge without an answer may still reach the provider."""
BATCH = 200
OVER = Sweep("close top-ups")


class CashTopUp(NamedTuple):
    """A top-up that was paid in cash, and the change, in minor units."""

    top_up: TopUp
    change_minor: int


async def begin(
    tx: Tx,
    *,
    member_id: UUID,
    amount_minor: int,
    expected_bonus_minor: int | None,
    store_id: UUID | None,
    actor: Actor,
) -> TopUp:
    """A top-up that waits for its money from the provider, for a quarter of an hour. Locks the wallet.

    Refuses `orders.no-online-payment`, then as `top_ups.ask`.
    """
    provider = providers.online()
    if provider is None:
        raise orders.NoOnlinePayment
    made = await top_ups.ask(
        tx,
        member_id=member_id,
        amount_minor=amount_minor,
        tender=provider,
        store_id=store_id,
        expires_at=clock.now() + PAY_WITHIN,
        expected_bonus_minor=expected_bonus_minor,
        actor=actor,
    )
    await payments.name_ref(tx, str(made.id), member_id=member_id, owner_id=made.id)
    return made


async def take_cash(
    tx: Tx,
    *,
    location_id: UUID,
    member_id: UUID,
    amount_minor: int,
    tendered_minor: int,
    expected_bonus_minor: int | None,
    drawer: str | None,
    actor: Actor,
) -> CashTopUp:
    """Take cash at a shop and fill the wallet at once. Locks the wallet, the drawer.

    Refuses `fulfilment.too-little-money`, then as `top_ups.ask`.
    """
    if tendered_minor < amount_minor:
        raise fulfilment.TooLittle(due=str(Money(amount_minor)), due_minor=amount_minor)
    made = await top_ups.ask(
        tx,
        member_id=member_id,
        amount_minor=amount_minor,
        tender=top_ups.CASH,
        store_id=location_id,
        expires_at=None,
        expected_bonus_minor=expected_bonus_minor,
        actor=actor,
    )
    await top_ups.receive(tx, made, account=ledger.accounts.cash(location_id), actor=actor)
    await payments.note_cash(
        tx, location_id, kind="top_up", amount_minor=amount_minor, ref_id=made.id, actor=actor, drawer=drawer
    )
    faults.point("top_up.before_commit")
    return CashTopUp(made, tendered_minor - amount_minor)


async def open_page(
    db: Database, *, member_id: UUID, top_up_id: UUID, subject: str, notify_url: str, return_url: str
) -> TopUp:
    """Open its page at the provider. Repeating it gives the same page; one that is paid meanwhile is recorded.

    Refuses `kernel.not-found`, `wallet.top-up-over`. A provider that does not answer is `Unavailable`: call it again.
    """
    found = await top_ups.load(db, member_id, top_up_id)
    if found.state == "paid" or (found.state == "open" and found.pay_url):
        return found
    if found.state != "open" or _late(found):
        raise TopUpOver
    faults.point("top_up.before_open")
    opened = await providers.named(found.tender).open_payment(
        str(found.id),
        amount_minor=found.principal_minor,
        currency=CURRENCY,
        subject=subject,
        notify_url=notify_url,
        return_url=return_url,
        expires_at=found.expires_at or clock.now(),
    )
    faults.point("top_up.after_open")
    async with db.begin() as tx:
        kept = await top_ups.remember_opened(tx, found, provider_ref=opened.provider_ref, pay_url=opened.pay_url)
    if opened.status is PaymentStatus.PAID:
        await check(db, found)
    elif not kept:
        await _close_there(db, found)
        raise TopUpOver
    return await top_ups.load(db, member_id, top_up_id)


def _late(top_up: TopUp) -> bool:
    return top_up.expires_at is not None and top_up.expires_at <= clock.now()


async def charge(db: Database, found: TopUp, *, auth_code: str, subject: str, notify_url: str) -> None:
    """Charge the code on the payer's phone. Safe to repeat: it is paid once, whatever the code.

    Refuses `wallet.top-up-over`, `payments.being-charged`, then what the provider declines: it stays open for another
    code. `Unavailable` when the provider does not answer: ask again with `check`.
    """
    async with db.begin() as tx:
        locked = await top_ups.lock_top_up(tx, found.member_id, found.id)
        if locked.state == "paid":
            return
        if locked.state != "open" or _late(locked):
            raise TopUpOver
        if _under_way(locked):
            raise BeingCharged
        asked = await top_ups.note_asked(tx, locked)
    faults.point("top_up.before_charge")
    try:
        state = await providers.named(asked.tender).charge_code(
            str(asked.id),
            auth_code=auth_code,
            amount_minor=asked.principal_minor,
            currency=CURRENCY,
            subject=subject,
            notify_url=notify_url,
            expires_at=asked.expires_at or clock.now(),
        )
    except Refusal:
        async with db.begin() as tx:
            await top_ups.note_declined(tx, asked)
        raise
    faults.point("top_up.after_charge")
    await _record(db, asked, state)


def _under_way(top_up: TopUp) -> bool:
    return top_up.asked_at is not None and top_up.asked_at > clock.now() - UNDER_WAY


async def check(db: Database, found: TopUp) -> TopUp:
    """Ask the provider how it stands, and record it: for when a notice is late or lost. Safe to repeat."""
    if found.state != "paid" and found.known_there:
        await _record(db, found, await providers.named(found.tender).query_payment(str(found.id)))
    return await top_ups.load(db, found.member_id, found.id)


async def _record(db: Database, found: TopUp, state: PaymentState) -> None:
    async with db.begin() as tx:
        if state.status is PaymentStatus.PAID:
            await _paid(tx, found, state.amount_minor, state.currency, state.payer)
        elif state.status is PaymentStatus.CLOSED:
            await top_ups.close(tx, found)
        elif state.status is PaymentStatus.OPEN:
            await top_ups.remember_opened(tx, found, provider_ref=state.provider_ref, pay_url=found.pay_url)
        elif not _under_way(found):
            await top_ups.note_declined(tx, found)


async def _paid(tx: Tx, found: TopUp, amount_minor: int, currency: str, payer: str | None) -> None:
    if currency != CURRENCY:
        raise payments.AmountMismatch(expected=found.principal_minor, got=amount_minor)
    goes_back = await top_ups.pay(
        tx,
        found,
        account=ledger.accounts.clearing(found.tender),
        paid_minor=amount_minor,
        actor=SYSTEM,
        payer_key=payers.key_of(found.tender, payer),
    )
    if goes_back is not None:
        await top_up_refund.ask(tx, goes_back)
    faults.point("top_up.before_commit")


async def receive(db: Database, provider: str, event: PaymentEvent) -> None:
    """Record a verified notice about a top-up, or about one that goes back. A repeated one changes nothing.

    Refuses `payments.unknown-reference`, `payments.amount-mismatch` for what is not what was asked for: what it really
    was the provider is asked by `close_unpaid`.
    """
    owner = await payments.owner_of_ref(db, event.ref)
    if owner is None or event.kind is EventKind.PAYMENT_CLOSED:
        raise UnknownPayment(ref=event.ref)
    try:
        found = await top_ups.load(db, *owner)
    except NotFound:
        raise UnknownPayment(ref=event.ref) from None
    if found.tender != provider:
        raise UnknownPayment(ref=event.ref)
    about_payment = event.kind is EventKind.PAYMENT_PAID
    if (
        about_payment
        and found.state != "paid"
        and (event.amount_minor, event.currency) != (found.principal_minor, CURRENCY)
    ):
        raise payments.AmountMismatch(expected=found.principal_minor, got=event.amount_minor)
    async with db.begin() as tx:
        fresh = await tx.fetchval(
            """INSERT INTO provider_events (event_id, provider, kind, ref, body, outcome, received_at)
               VALUES ($1, $2, $3, $4, $5, 'used', $6) ON CONFLICT (event_id) DO NOTHING RETURNING true""",
            f"{provider}:{event.event_id}",
            provider,
            event.kind.value,
            event.ref,
            payers.unnamed(event),
            clock.now(),
        )
        if fresh and about_payment:
            await _paid(tx, found, event.amount_minor, event.currency, event.payer)
        elif fresh:
            await top_up_refund.reported(tx, found, event)


async def abandon(db: Database, found: TopUp) -> TopUp:
    """Nobody shall pay it any more: the provider is told first; what was paid all the same is recorded.

    Refuses `payments.being-charged` while a charge may still be on its way there. `Unavailable` when the provider does
    not answer: then nothing has changed.
    """
    if found.state == "open":
        paid = False
        if found.known_there:
            if _under_way(found):
                raise BeingCharged
            paid = await _close_there(db, found)
        if not paid:
            async with db.begin() as tx:
                locked = await top_ups.lock_top_up(tx, found.member_id, found.id)
                if locked.known_there and not found.known_there:
                    raise BeingCharged
                await top_ups.close(tx, locked)
    return await top_ups.load(db, found.member_id, found.id)


async def _close_there(db: Database, found: TopUp) -> bool:
    """Close it at the provider; what was paid is recorded. Whether it was."""
    try:
        await providers.named(found.tender).close_payment(str(found.id))
    except AlreadyPaid:
        return (await check(db, found._replace(asked_at=clock.now()))).state == "paid"
    return False


@jobs.cron("close top-ups", "* * * * * */30")
async def close_unpaid(db: Database) -> int:
    """Close top-ups that were not paid in time, at the provider first; those that were paid are recorded. Returns how
    many were looked at and done. Also what the provider has not answered about since is asked here."""
    rows = await db.fetch(
        """SELECT member_id, id FROM wallet_top_ups WHERE state = 'open' AND expires_at <= $1 AND NOT id = ANY ($3)
           ORDER BY expires_at LIMIT $2""",
        clock.now(),
        BATCH,
        OVER.resting(),
    )

    async def one(row: Any) -> None:
        await abandon(db, await top_ups.load(db, row["member_id"], row["id"]))

    return await OVER.run([(row["id"], row) for row in rows], one)


async def find(db: Database, top_up_id: UUID, scope: Scope) -> TopUp:
    """A top-up that a till of a shop in scope has begun. Refuses with `NotFound`."""
    member_id = await db.fetchval(
        "SELECT member_id FROM wallet_top_ups WHERE id = $1 AND store_id IS NOT NULL AND ($2 OR store_id = ANY ($3))",
        top_up_id,
        *scope.sql,
    )
    if member_id is None:
        raise NotFound
    return await top_ups.load(db, member_id, top_up_id)
