"""Take back what a customer brings: the order of a receipt, what would go back, and taking it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import QueryParameter

from duoline import orders
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import order_view, return_goods, returnable
from duoline.flows.coupons_back import CouponFate
from duoline.flows.order_view import Image, OfferShare
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import Money, minor_of
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.orders import Condition, ReturnReason
from duoline.payments import Way
from duoline.stores.directory import Chain
from duoline.stores.types import Store, StoreCard

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
OrderNo = Annotated[str, QueryParameter(min_length=3, max_length=40, description="The number on the receipt.")]


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a receipt. Units that may come back by choice (`left`) and when they are faulty or wrong (`left_ours`).

    `until` is the last day by choice; `excluded` when its kind is not taken back by choice at all.
    """

    line_id: UUID
    sku_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    unit_price: Money
    amount: Money
    net: Money
    offers: list[OfferShare]
    gift: bool
    sold: int
    returned: int
    left: int
    left_ours: int
    until: date | None
    excluded: bool


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop may take back of an order; nothing of the customer but the ends of a phone number."""

    order_id: UUID
    order_no: str
    channel: str
    placed_at: datetime
    phone_masked: str
    sold_at: list[StoreCard]
    delivered: bool
    offered: bool
    days: int
    faulty_days: int
    lines: list[ReceiptLine]


class BroughtLine(Input, frozen=True):
    """Units of a line on the counter, and how they are."""

    line_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]
    condition: Condition


Lines = Annotated[list[BroughtLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]


class ReturnAsk(Input, frozen=True):
    """What is brought back to which shop, and why."""

    store: Code
    order_id: UUID
    reason: ReturnReason
    lines: Lines


class ReturnRequest(Input, frozen=True):
    """The same, with what the customer was told; another amount is refused (409 `returns.amount-changed`)."""

    store: Code
    order_id: UUID
    reason: ReturnReason
    lines: Lines
    expected_refund: Money
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ReturnWay(msgspec.Struct, frozen=True):
    """An amount that goes back as it came: `cash` is given now, all else by the provider of that name."""

    tender: str
    amount: Money


class GiftKept(msgspec.Struct, frozen=True):
    """Units of a gift that the customer keeps, though what they were given for goes back, and what they cost: they
    bring them too, or that is kept."""

    line_id: UUID
    name: Text
    quantity: int
    worth: Money


class ReturnQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back, and how. `kept` of what the units cost because an offer's threshold is not reached any more.

    Below nothing is kept when what was kept before goes back too. `coupons` of which nothing is left with this: whether
    they are good again."""

    refund: Money
    kept: Money
    ways: list[ReturnWay]
    coupons: list[CouponFate]
    gifts: list[GiftKept]


class ReturnDone(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back and how, and what is left of the receipt."""

    refund: Money
    ways: list[ReturnWay]
    receipt: ReceiptView


@get("/api/clerk/returnable-orders", opt=doors.staff("return", store="store", order_no="order_no"))
async def read_receipt(db: Database, staff: Staff, chain: Chain, store: StoreCode, order_no: OrderNo) -> ReceiptView:
    """The order of a receipt, as far as this shop may take it back: what its company sold. Any other is 404."""
    shop = staff.store(store, "return")
    found = await returnable.find(db, chain, shop, order_no=order_no)
    return await _receipt(db, chain, shop, found)


async def _receipt(db: Database | Tx, chain: Chain, shop: Store, found: returnable.Found) -> ReceiptView:
    order, lines = await orders.read_order(db, found.member_id, found.order_id)
    view, terms = await order_view.view(db, found.member_id, found.order_id), orders.RETURNS.current().body
    every = await returnable.left_of(db, order, lines)
    mine = [one for one in every if returnable.may_take_from(chain, shop, one.location_id)]
    timely = returnable.in_time(mine, shop, days=terms.days)
    still = returnable.in_time(mine, shop, days=terms.faulty_days)
    excluded = await returnable.excluded_skus(db, {line.sku_id for line in lines})
    before = await orders.returned_to(db, found.member_id, found.order_id)
    places = sorted({one.location_id for one in mine})
    shown = []
    for line in view.lines:
        own = [one for one in mine if one.line_id == line.id]
        if not own:
            continue
        back = sum(before.get((line.id, place), 0) for place in places)
        barred = line.sku_id in excluded
        left = [one for one in own if one.units]
        shown.append(
            ReceiptLine(
                line_id=line.id,
                sku_code=line.sku_code,
                name=line.name,
                options=line.options,
                image=line.image,
                unit_price=line.unit_price,
                amount=line.amount,
                net=line.net,
                offers=line.offers,
                gift=line.gift,
                sold=sum(one.units for one in own) + back,
                returned=back,
                left=0 if barred else sum(one.units for one in timely if one.line_id == line.id),
                left_ours=sum(one.units for one in still if one.line_id == line.id),
                until=returnable.last_day(left[0].at, shop, days=terms.days) if left and not barred else None,
                excluded=barred,
            )
        )
    return ReceiptView(
        order_id=order.id,
        order_no=order.order_no,
        channel=order.channel,
        placed_at=order.placed_at,
        phone_masked=phones.masked(order.contact_phone) or "",
        sold_at=[chain.card(chain.store(place)) for place in places],
        delivered=any(line.method == "delivery" and line.handed for line in lines) and order.delivery_fee_minor > 0,
        offered=shop.active and shop.services.returns,
        days=terms.days,
        faulty_days=terms.faulty_days,
        lines=shown,
    )


@post(
    "/api/clerk/return-quotes",
    opt=doors.staff("return", store="store", order_id="order", line_id="order_line"),
    status_code=200,
)
async def quote(write: Write, db: Database, staff: Staff, chain: Chain, data: ReturnAsk) -> Answer[ReturnQuote]:
    """What taking these units back would give back, before it is done."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    shop = staff.store(data.store, "return")
    found = await returnable.owner(db, chain, shop, order_id=data.order_id)
    async with db.begin() as tx:
        asked = await return_goods.quote_return(
            tx,
            chain,
            shop,
            member_id=found.member_id,
            order_id=found.order_id,
            brought=_brought(data.lines),
            reason=data.reason,
        )
    return answer(
        ReturnQuote(
            refund=Money(asked.refund_minor, asked.currency),
            kept=Money(asked.kept_minor, asked.currency),
            ways=_ways(asked.ways, asked.currency),
            coupons=list(asked.coupons),
            gifts=await _gifts(db, found, asked),
        )
    )


@post("/api/clerk/returns", opt=doors.staff("return", store="store", order_id="order", line_id="order_line"))
async def take_return(
    write: Write, db: Database, staff: Staff, chain: Chain, data: ReturnRequest
) -> Answer[ReturnDone]:
    """Take units back at this shop: they are its stock again, or written off, and the money goes back as it came.

    Refuses `returns.not-offered`, `returns.nothing-left`, `returns.excluded`, `returns.too-late`,
    `returns.refund-elsewhere`, `returns.rest-first`, `returns.amount-changed`. What is done cannot be undone.
    """
    shop = staff.store(data.store, "return")
    found = await returnable.owner(db, chain, shop, order_id=data.order_id)
    currency = data.expected_refund.currency

    async def work(tx: Tx) -> ReturnDone:
        ways = await return_goods.return_goods(
            tx,
            chain,
            shop,
            member_id=found.member_id,
            order_id=found.order_id,
            brought=_brought(data.lines),
            reason=data.reason,
            note=data.note.strip(),
            expected_minor=minor_of(data.expected_refund),
            actor=staff.actor,
        )
        return ReturnDone(
            refund=Money(sum(way.amount_minor for way in ways), currency),
            ways=_ways(ways, currency),
            receipt=await _receipt(tx, chain, shop, found),
        )

    return await write.run(work, status=201)


async def _gifts(db: Database, found: returnable.Found, asked: return_goods.Quote) -> list[GiftKept]:
    """The gifts that are asked for, by name."""
    if not asked.gifts:
        return []
    lines = (await order_view.view(db, found.member_id, found.order_id)).lines
    return [
        GiftKept(line.id, line.name, units, Money(units * line.unit_price.minor, asked.currency))
        for line in lines
        if (units := asked.gifts.get(line.id))
    ]


def _brought(lines: list[BroughtLine]) -> list[return_goods.Brought]:
    return [return_goods.Brought(line.line_id, line.quantity, line.condition) for line in lines]


def _ways(ways: Sequence[Way], currency: str) -> list[ReturnWay]:
    """One amount a way: several payments of one kind are one to whoever stands at the counter."""
    sums: dict[str, int] = {}
    for way in ways:
        sums[way.tender] = sums.get(way.tender, 0) + way.amount_minor
    return [ReturnWay(tender, Money(amount, currency)) for tender, amount in sums.items()]


ROUTES = [read_receipt, quote, take_return]
