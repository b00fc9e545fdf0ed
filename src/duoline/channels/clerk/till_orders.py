"""The till where cash is not all: pay by the code on the customer's phone, or in parts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put

from duoline import inventory, orders, payments
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.clerk.till import CardPass, DrawerName, TillBasket, as_expected, as_shown, guest, price_counter
from duoline.channels.http import doors, site
from duoline.channels.http.answers import Answer, Input, Page, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import complete as completing
from duoline.flows import order_view, till_orders
from duoline.flows.order_view import OrderView
from duoline.flows.refused import note_refusal
from duoline.flows.till_orders import Part, TillOrder
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money, minor_of
from duoline.members import cards
from duoline.stores.directory import Chain

Tender = Literal["cash", "code", "points", "wallet"]
Code = Annotated[str, msgspec.Meta(min_length=6, max_length=40, pattern=r"^[0-9 ]+$")]


class TenderRequest(Input, frozen=True):
    """A part of what is to be paid, and in which way."""

    tender: Tender
    amount: Money


Tenders = Annotated[list[TenderRequest], msgspec.Meta(min_length=1, max_length=till_orders.PARTS_MAX)]


class TillOrderRequest(TillBasket, frozen=True, kw_only=True):
    """What lies on the counter, and in which parts it is to be paid: together they are its total.

    Another total than `expected_total` is refused: 409 `pricing.total-changed`, with the prices; other `gifts` than the
    till has shown, 409 `pricing.gifts-changed`.
    """

    tenders: Tenders
    expected_total: Money


class Split(Input, frozen=True):
    """In which parts what is still open is to be paid: together they are what is open. Points and stored value
    ask for the pass of the member's `card`."""

    tenders: Tenders
    card: CardPass | None = None


class ScannedCode(Input, frozen=True):
    """The code on the customer's phone. It is used once and kept nowhere."""

    code: Code


class Completion(Input, frozen=True):
    """Cash for the part that is to be paid in cash, if there is one; it goes into the `drawer` of that name."""

    tendered: Money | None = None
    drawer: DrawerName | None = None


class Nothing(Input, frozen=True):
    """A body without fields."""


class TenderView(msgspec.Struct, frozen=True, kw_only=True):
    """A part: `open`; `asked` while the provider has not said how it ended, as when the payer is asked on the phone;
    `paid`."""

    id: UUID
    tender: Tender
    amount: Money
    state: Literal["open", "asked", "paid"]


class TillOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """A sale that waits for its money, or waited: its parts, what is open and until when, and once it is done the
    change."""

    id: UUID
    order: OrderView
    store_code: str
    tenders: list[TenderView]
    paid: Money
    open: Money
    pay_by_at: datetime | None
    change: Money | None = None


DOOR = doors.staff("sell", order_id="till_order")


@post(
    "/api/clerk/till-orders",
    opt=doors.staff(
        "sell",
        store="store",
        sku_id=doors.SHARED,
        phone=doors.SHARED,
        card=doors.SHARED,
        gtin=doors.SHARED,
        coupon_codes=doors.SHARED,
        promotion_id=doors.SHARED,
    ),
)
async def ring_up(
    write: Write, staff: Staff, trade: Trade, chain: Chain, data: TillOrderRequest
) -> Answer[TillOrderView]:
    """Ring up what is not paid in cash alone. Its units are held here for a few minutes, until the last part is paid.

    Points and stored value are paid at once, by the pass of a `card` that was scanned from the member's phone a moment
    ago; with nothing else to be paid the sale is done. Refuses `pricing.gifts-changed`, `pricing.total-changed`,
    `payments.cash-twice`, `payments.tender-twice`, `payments.tenders-differ`, `orders.no-online-payment`,
    `pricing.offer-gone`, `inventory.insufficient-stock`, `members.card-needed`, `loyalty.points-not-taken`,
    `loyalty.not-enough-points`, `wallet.not-taken`, `wallet.not-enough`, `wallet.day-limit`.
    """
    shop = staff.store(data.store, "sell")
    stored: Answer[TillOrderView] | None = await write.replay()
    if stored is not None:
        return stored
    rung = await price_counter(trade, shop, data)
    as_shown(data.gifts, rung.counter)
    as_expected(data.expected_total, rung.counter)

    async def work(tx: Tx) -> TillOrderView:
        member_id = rung.member_id or await guest(tx)
        order_id = await till_orders.open_order(
            tx,
            shop,
            rung.counter,
            member_id=member_id,
            contact=orders.Contact("", rung.phone),
            parts=parts_of(data.tenders),
            actor=staff.actor,
            present=cards.present_by(data.card, secret=trade.secret),
        )
        return await till_order_view(tx, chain, TillOrder(member_id, order_id, shop.id))

    try:
        return await write.run(work, status=201)
    except inventory.InsufficientStock as refused:
        await note_refusal(trade.look, refused, channel="till")
        raise


def parts_of(tenders: list[TenderRequest]) -> list[Part]:
    """The parts as the flows know them."""
    return [Part(one.tender, minor_of(one.amount)) for one in tenders]


@get("/api/clerk/till-orders", opt=doors.staff("sell", store="store"))
async def list_unfinished(db: Database, staff: Staff, chain: Chain, store: StoreCode) -> Page[TillOrderView]:
    """What waits for its money at the shop's till, the oldest first."""
    found = await till_orders.unfinished(db, staff.store(store, "sell").id)
    return Page([await till_order_view(db, chain, sale) for sale in found])


@get("/api/clerk/till-orders/{order_id:uuid}", opt=DOOR)
async def read_till_order(db: Database, staff: Staff, chain: Chain, order_id: UUID) -> TillOrderView:
    """One such sale, and how far its parts are."""
    return await till_order_view(db, chain, await till_orders.find(db, order_id, staff.scope("sell")))


@post(
    "/api/clerk/till-orders/{order_id:uuid}/tenders/{tender_id:uuid}/charges",
    opt=doors.staff("sell", order_id="till_order", tender_id="tender"),
    status_code=200,
)
async def charge_code(
    write: Write,
    db: Database,
    staff: Staff,
    chain: Chain,
    settings: Settings,
    order_id: UUID,
    tender_id: UUID,
    data: ScannedCode,
) -> Answer[TillOrderView]:
    """Take one part by the code on the customer's phone. Safe to repeat: a part is paid once.

    Without a cash part the last one completes the sale. Refuses `payments.not-by-code`, `orders.already-paid`,
    `orders.pay-time-over`, `payments.being-charged`, `payments.code-unknown`, `payments.code-used`,
    `payments.code-expired`, `payments.not-enough-money`. 503 when the provider does not answer: then ask it with
    `payment-check` before anything else.
    """
    del write  # the part's own reference is the key: every repeat finds the same payment, and the code is kept nowhere
    sale = await till_orders.find(db, order_id, staff.scope("sell"))
    order_no = await db.fetchval(
        "SELECT order_no FROM orders WHERE member_id = $1 AND id = $2", sale.member_id, sale.order_id
    )
    await till_orders.charge(
        db,
        sale,
        intent_id=tender_id,
        auth_code=data.code.replace(" ", ""),
        subject=f"Duoline {order_no}",
        notify_url=site.notify_url(settings),
    )
    return answer(await till_order_view(db, chain, sale))


@post("/api/clerk/till-orders/{order_id:uuid}/payment-check", opt=DOOR, status_code=200)
async def check_parts(write: Write, db: Database, staff: Staff, chain: Chain, order_id: UUID) -> Answer[TillOrderView]:
    """Ask the provider how the parts stand that it was asked for, for when its answer is late. Safe to repeat."""
    del write  # recording a payment twice is impossible, however often it is asked for
    sale = await till_orders.find(db, order_id, staff.scope("sell"))
    await till_orders.look_again(db, sale)
    return answer(await till_order_view(db, chain, sale))


@put("/api/clerk/till-orders/{order_id:uuid}/tenders", opt=DOOR)
async def split(
    write: Write, db: Database, staff: Staff, trade: Trade, chain: Chain, order_id: UUID, data: Split
) -> Answer[TillOrderView]:
    """Pay what is still open in other parts; what is paid stays. Nobody can pay the parts before any more.

    Refuses `payments.being-charged`, `orders.already-paid`, `payments.cash-twice`, `payments.tender-twice`,
    `payments.tenders-differ`, `members.card-needed`, `loyalty.points-not-taken`, `loyalty.not-enough-points`,
    `wallet.not-taken`, `wallet.not-enough`, `wallet.day-limit`. 503 when
    the provider does not answer: then nothing has changed.
    """
    sale = await till_orders.find(db, order_id, staff.scope("sell"))
    stored: Answer[TillOrderView] | None = await write.replay()
    if stored is not None:
        return stored
    began = clock.now()
    await till_orders.close_open(db, sale)

    async def work(tx: Tx) -> TillOrderView:
        present = cards.present_by(data.card, secret=trade.secret)
        await till_orders.change_parts(
            tx, sale, parts_of(data.tenders), closed=began, actor=staff.actor, present=present
        )
        return await till_order_view(tx, chain, sale)

    return await write.run(work)


@post("/api/clerk/till-orders/{order_id:uuid}/completion", opt=DOOR, status_code=200)
async def complete(
    write: Write, db: Database, staff: Staff, chain: Chain, order_id: UUID, data: Completion
) -> Answer[TillOrderView]:
    """Take the cash part and let the goods go. Only here cash is recorded.

    Refuses `orders.already-paid` once it is over, `payments.parts-open`, `fulfilment.too-little-money`.
    """
    sale = await till_orders.find(db, order_id, staff.scope("sell"))

    async def work(tx: Tx) -> TillOrderView:
        cash = completing.Cash(minor_of(data.tendered), data.drawer) if data.tendered else None
        change = await till_orders.complete(tx, sale, cash=cash, actor=staff.actor)
        return msgspec.structs.replace(await till_order_view(tx, chain, sale), change=Money(change))

    return await write.run(work)


@post("/api/clerk/till-orders/{order_id:uuid}/cancellation", opt=DOOR, status_code=200)
async def cancel(
    write: Write, db: Database, staff: Staff, chain: Chain, order_id: UUID, data: Nothing | None
) -> Answer[TillOrderView]:
    """Let go of it: the units are free at once, and what was paid by code goes back. Refuses `orders.already-paid`."""
    sale = await till_orders.find(db, order_id, staff.scope("sell"))

    async def work(tx: Tx) -> TillOrderView:
        await till_orders.let_go(tx, sale, reason="not taken at the till", actor=staff.actor)
        return await till_order_view(tx, chain, sale)

    return await write.run(work)


async def till_order_view(db: Database | Tx, chain: Chain, sale: TillOrder) -> TillOrderView:
    """How such a sale stands. Of a pre-order it lists the parts of its balance, and what was let go of is not paid."""
    order = await order_view.view(db, sale.member_id, sale.order_id)
    intents = [one for one in await payments.intents_of(db, sale.member_id, sale.order_id) if one.state != "closed"]
    paid = order.paid
    if order.preorder is not None:
        back = await payments.given_back_whole(db, member_id=sale.member_id, order_id=sale.order_id)
        deposit = await orders.deposit_intent(db, sale.member_id, sale.order_id)
        intents = [one for one in intents if one.id not in back and one.id != deposit]
        paid = Money(order.paid.minor - order.refunded.minor, order.paid.currency)
    left = sum(one.amount_minor for one in intents if one.state == "open")
    return TillOrderView(
        id=sale.order_id,
        order=order,
        store_code=chain.store(sale.store_id).code,
        tenders=[
            TenderView(
                id=one.id,
                tender=till_orders.tender_of(one),
                amount=Money(one.amount_minor, one.currency),
                state="paid" if one.state == "captured" else "asked" if one.known_there else "open",
            )
            for one in intents
        ],
        paid=paid,
        open=Money(left, order.total.currency),
        pay_by_at=order.pay_by_at,
    )


ROUTES = [ring_up, list_unfinished, read_till_order, charge_code, check_parts, split, complete, cancel]
