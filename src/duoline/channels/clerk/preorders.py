"""Pre-orders at the till: the code that a customer shows, and taking the balance for what lies on the counter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import inventory
from duoline.channels.clerk.till_orders import Tenders, TillOrderView, parts_of, till_order_view
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import order_view, take_preorder
from duoline.flows.order_view import LineView
from duoline.flows.refused import note_refusal
from duoline.flows.trade import Trade
from duoline.kernel.db import Tx
from duoline.kernel.errors import Refusal
from duoline.kernel.money import Money
from duoline.members import phones
from duoline.stores.directory import Chain
from duoline.stores.types import StoreCard

StoreCode = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class PreorderScan(Input, frozen=True):
    """The code of a pre-order, scanned or typed."""

    store: StoreCode
    code: Annotated[str, msgspec.Meta(min_length=6, max_length=60)]


class PreorderTaking(PreorderScan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same, and in which parts the balance is to be paid: together they are the balance."""

    tenders: Tenders


class PreorderAtTill(msgspec.Struct, frozen=True, kw_only=True):
    """What a code opens: the goods, what is paid, what is due, and whether it can be paid now (`problem` says why not).

    `store` is where its buyer wanted to collect it; it may be taken at any shop that sells the article.
    """

    id: UUID
    order_no: str
    state: str
    step: Literal["deposit", "booked", "balance", "paid", "ended"]
    customer_name: str
    phone_masked: str
    lines: list[LineView]
    total: Money
    deposit: Money
    balance: Money
    balance_from: datetime
    balance_until: datetime
    expected_on: date
    unpaid_terms: Literal["kept", "given_back"]
    method: str
    store: StoreCard | None
    in_stock: int
    problem: str | None


@post("/api/clerk/preorder-lookups", opt=doors.staff("sell", store="store"), status_code=200)
async def look_up(write: Write, staff: Staff, trade: Trade, chain: Chain, data: PreorderScan) -> Answer[PreorderAtTill]:
    """What a pre-order's code opens. Wrong codes are counted (`fulfilment.too-many-wrong-codes`)."""
    shop = staff.store(data.store, "sell")

    async def work(tx: Tx) -> PreorderAtTill | Refusal:
        found = await take_preorder.open_by_code(tx, shop, data.code, secret=trade.secret, actor=staff.actor)
        if isinstance(found, Refusal):
            return found
        view = await order_view.view(tx, found.order.member_id, found.order.id)
        terms = found.preorder
        try:
            await take_preorder.ensure_may_take(tx, shop, found)
            problem = None
        except Refusal as refused:
            problem = refused.sentence(write.language)
        return PreorderAtTill(
            id=found.order.id,
            order_no=found.order.order_no,
            state=view.state,
            step=view.preorder.step if view.preorder else "ended",
            customer_name=found.order.contact_name,
            phone_masked=phones.masked(found.order.contact_phone) or "",
            lines=view.lines,
            total=view.total,
            deposit=Money(terms.deposit_minor, found.order.currency),
            balance=Money(terms.balance_minor, found.order.currency),
            balance_from=terms.balance_from,
            balance_until=terms.balance_until,
            expected_on=terms.expected_on,
            unpaid_terms=terms.unpaid_terms,
            method=terms.way,
            store=chain.card(chain.store(terms.store_id)) if terms.store_id else None,
            in_stock=await take_preorder.in_stock(tx, shop, found),
            problem=problem,
        )

    return await write.run(work)


@post("/api/clerk/preorders", opt=doors.staff("sell", store="store"))
async def take_up(
    write: Write, staff: Staff, trade: Trade, chain: Chain, data: PreorderTaking
) -> Answer[TillOrderView]:
    """Take a pre-order whose goods lie on the counter: it waits here for its balance, for some minutes, as a sale of
    this till (`till-orders`). Its last part completes it, and redeems the code; let go of, it is booked as before.

    Refuses `orders.balance-not-open`, `orders.balance-over`, `orders.balance-being-paid`, `orders.preorder-done`,
    `orders.preorder-ended`, `catalog.not-in-assortment`, `payments.tenders-differ`, `inventory.insufficient-stock`.
    """
    shop = staff.store(data.store, "sell")

    async def work(tx: Tx) -> TillOrderView | Refusal:
        found = await take_preorder.open_by_code(tx, shop, data.code, secret=trade.secret, actor=staff.actor)
        if isinstance(found, Refusal):
            return found
        sale = await take_preorder.take(tx, shop, found, parts_of(data.tenders), actor=staff.actor)
        return await till_order_view(tx, chain, sale)

    try:
        return await write.run(work, status=201)
    except inventory.InsufficientStock as refused:
        await note_refusal(trade.look, refused, channel="till")
        raise


ROUTES = [look_up, take_up]
