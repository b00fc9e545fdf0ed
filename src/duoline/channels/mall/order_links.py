"""The page of an order that a clerk made in a shop, for whoever has its link: what it is, when it comes, and to pay it.

The link is shown to the customer as a code on the clerk's screen. It opens no session and shows nobody's name or
street: the rest of the order is read by its member, who logs in with the number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post

from duoline.channels.http import doors, limits, site
from duoline.channels.http.answers import Answer, answer
from duoline.channels.http.writes import Write
from duoline.channels.mall.shopping import PaymentPage
from duoline.flows import order_view, pay, sell_home
from duoline.flows.sell_home import SoldLine
from duoline.flows.trade import Trade
from duoline.kernel.config import Settings
from duoline.kernel.money import Money
from duoline.members import phones
from duoline.stores.directory import Chain
from duoline.stores.types import StoreCard

# Each asks the payment provider; see `shopping.ASKS_BY_MEMBER`.
ASKS_BY_ORDER = limits.Limit(300, 3600)


class LinkedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever has the link may know. `place` is the part of the town that it is sent to; `phone_masked` is whose
    number the order belongs to."""

    order_no: str
    state: str
    pay_state: str
    pay_by_at: datetime | None
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    promise_at: datetime | None
    lines: list[SoldLine]
    store: StoreCard
    place: str
    phone_masked: str


async def _look(trade: Trade, chain: Chain, member_id: UUID, order_id: UUID) -> LinkedOrder:
    doc = await order_view.document(trade.db, member_id, order_id)
    order = order_view.of(doc)
    return LinkedOrder(
        order_no=order.order_no,
        state=order.state,
        pay_state=order.pay_state,
        pay_by_at=order.pay_by_at,
        subtotal=order.subtotal,
        delivery_fee=order.delivery_fee,
        discount=order.discount,
        total=order.total,
        promise_at=order_view.promised_at(order),
        lines=sell_home.lines_of(order),
        store=chain.card(chain.store(UUID(doc["sold_store_id"]))),
        place=order_view.place_of(order),
        phone_masked=phones.masked(order.contact.phone) or "",
    )


@get("/api/mall/order-links/{link:str}", opt=doors.public(link=doors.SHARED))
async def read_link(trade: Trade, chain: Chain, link: str) -> LinkedOrder:
    """An order that a shop made, by its link: for a day."""
    return await _look(trade, chain, *await sell_home.linked(trade.db, link, secret=trade.secret))


@post("/api/mall/order-links/{link:str}/payment", opt=doors.visitor(link=doors.SHARED))
async def pay_link(
    request: Request[Any, Any, Any], write: Write, trade: Trade, settings: Settings, link: str
) -> Answer[PaymentPage]:
    """Open the provider's page for the order. Safe to repeat: the page is the same."""
    del write  # the order's own intent is the key: every repeat finds the same payment
    member_id, order_id = await sell_home.linked(trade.db, link, secret=trade.secret)
    order_no = link.rpartition(".")[0]
    opened = await pay.open_payment(
        trade.db,
        member_id=member_id,
        order_id=order_id,
        subject=f"Duoline {order_no}",
        notify_url=site.notify_url(settings),
        return_url=f"{site.front_of(request, settings)}/o/{link}?paid=1",
    )
    return answer(PaymentPage(opened.intent_id, opened.pay_url, opened.expires_at), status=201)


@post("/api/mall/order-links/{link:str}/payment-check", opt=doors.visitor(link=doors.SHARED), status_code=200)
async def check_link(write: Write, trade: Trade, chain: Chain, link: str) -> Answer[LinkedOrder]:
    """Ask the provider how the payment stands, for when its notice is late. Safe to repeat, 300 times an hour."""
    del write  # recording a payment twice is impossible, however often it is asked for
    member_id, order_id = await sell_home.linked(trade.db, link, secret=trade.secret)
    ASKS_BY_ORDER.check(str(order_id))
    await pay.check_order(trade.db, member_id=member_id, order_id=order_id)
    return answer(await _look(trade, chain, member_id, order_id))


ROUTES = [read_link, pay_link, check_link]
