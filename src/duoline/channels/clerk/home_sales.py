"""Sell what is sent home: what it would cost and when it comes, the order, its code to pay, and letting go of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import segno
from litestar import Request, get, post

from duoline import orders
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, answer
from duoline.channels.http.gifts import Gifts, GiftView, gift_views, words_of
from duoline.channels.http.offers import OffersView, offers_view
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import basket as baskets
from duoline.flows import order_view, sell_home
from duoline.flows.draft import Receipt
from duoline.flows.order_view import Image, image_of
from duoline.flows.sell_home import SoldLine
from duoline.flows.trade import Trade
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Refusal
from duoline.kernel.money import Money, minor_of
from duoline.kernel.text import Text
from duoline.members import guests, phones
from duoline.stores.directory import Chain
from duoline.stores.types import Store, StoreCard

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"\S")]


class HomeLine(Input, frozen=True):
    """Units of an article."""

    sku_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]


class HomeAddress(Input, frozen=True, kw_only=True):
    """Where it is sent."""

    province: Word
    city: Word
    district: Annotated[str, msgspec.Meta(max_length=40)] = ""
    line: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


Lines = Annotated[list[HomeLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]


class HomeQuoteRequest(Input, frozen=True):
    """What to price. Without an address it is sent to the shop's town; the phone may make what is kept count."""

    store: Code
    lines: Lines
    address: HomeAddress | None = None
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    gifts: Gifts | None = None


class HomeSaleRequest(Input, frozen=True):
    """An order for a customer in the shop. `expected_total` is what they were told; another total is refused."""

    store: Code
    lines: Lines
    name: Word
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    address: HomeAddress
    expected_total: Money
    gifts: Gifts | None = None
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class HomeQuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """An article with its price, and how many could be sent; `problem` when it cannot be had as wished."""

    sku_id: UUID
    sku_code: str | None
    name: Text | None
    image: Image | None
    quantity: int
    unit_price: Money
    amount: Money
    net: Money
    available: int
    problem: str | None
    gift: bool


class Around(msgspec.Struct, frozen=True):
    """Where the shop stands: most customers live there too."""

    province: str
    city: str


class HomeQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What it costs, from where it is sent and by when it comes; `ok` when it can be ordered."""

    ok: bool
    lines: list[HomeQuoteLine]
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    offers: OffersView
    gifts: list[GiftView]
    promise_at: datetime | None
    sent_from: list[StoreCard]
    around: Around


class PayCode(msgspec.Struct, frozen=True):
    """What the customer scans to pay on their own phone: the address of the order's page, and it as a picture."""

    url: str
    svg: str


class HomeSale(msgspec.Struct, frozen=True, kw_only=True):
    """An order that this shop sold. `code` as long as it waits for payment."""

    id: UUID
    order_no: str
    state: str
    pay_state: str
    placed_at: datetime
    pay_by_at: datetime | None
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    promise_at: datetime | None
    lines: list[SoldLine]
    sent_from: list[StoreCard]
    name: str
    phone_masked: str
    place: str
    store_code: str
    seller: str
    code: PayCode | None


class HomeSaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order that this shop sold, in a list."""

    id: UUID
    order_no: str
    state: str
    pay_state: str
    placed_at: datetime
    total: Money
    units: int
    name: str
    phone_masked: str
    seller: str
    image: Image | None
    first: Text


class Nothing(Input, frozen=True):
    """A body without fields."""


@post(
    "/api/clerk/home-quotes",
    opt=doors.staff("sell", store="store", sku_id=doors.SHARED, phone=doors.SHARED, promotion_id=doors.SHARED),
    status_code=200,
)
async def quote_home(
    write: Write, staff: Staff, trade: Trade, chain: Chain, language: str, data: HomeQuoteRequest
) -> Answer[HomeQuote]:
    """What articles cost when they are sent to a customer's home, and when they come. Nothing is held or stored."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    shop = staff.store(data.store, "sell")
    phone = phones.normalise(data.phone) if data.phone else None
    found = await baskets.look_at(
        trade.look,
        sell_home.wishes_of([(line.sku_id, line.quantity) for line in data.lines]),
        channel="mall",
        member_id=await guests.member_of_phone(trade.db, phone) if phone else None,
        address=_address(data.address, "", phone or "") if data.address else _around(shop),
        use_kept=True,
        gifts=words_of(data.gifts) or (),
    )
    return answer(_quote(found, shop, chain, language))


def _address(given: HomeAddress, name: str, phone: str) -> orders.Address:
    return orders.Address(
        name=name,
        phone=phone,
        province=given.province.strip(),
        city=given.city.strip(),
        district=given.district.strip(),
        line=given.line.strip(),
    )


def _around(shop: Store) -> orders.Address:
    """As long as nobody has said where to, a delivery is promised to the shop's own town."""
    return orders.Address(name="", phone="", province=shop.province, city=shop.city, district="", line="")


def _quote(found: baskets.Basket, shop: Store, chain: Chain, language: str) -> HomeQuote:
    currency, totals = found.currency, found.totals
    promises = [group.promise_at for group in found.groups if group.promise_at is not None]
    return HomeQuote(
        ok=not found.problems,
        lines=[
            HomeQuoteLine(
                sku_id=line.wanted.sku_id,
                sku_code=line.facts.sku_code if line.facts else None,
                name=Text(line.facts.name.zh, line.facts.name.en) if line.facts else None,
                image=image_of(line.facts.image_sha) if line.facts else None,
                quantity=line.wanted.quantity,
                unit_price=Money(line.unit_price_minor, currency),
                amount=Money(line.amount_minor, currency),
                net=Money(line.net_minor, currency),
                available=line.available,
                problem=_said(line.problem, language),
                gift=line.wanted.gift is not None,
            )
            for line in found.lines
        ],
        subtotal=Money(totals.subtotal_minor, currency),
        delivery_fee=Money(totals.delivery_fee_minor, currency),
        discount=Money(totals.discount_minor, currency),
        total=Money(totals.total_minor, currency),
        offers=offers_view(found.offers, currency),
        gifts=gift_views(found.gifts),
        promise_at=max(promises) if promises and not found.problems else None,
        sent_from=[chain.card(chain.stores[p.location_id]) for p in found.plan.parcels] if found.plan else [],
        around=Around(shop.province, shop.city),
    )


def _said(problem: Refusal | None, language: str) -> str | None:
    return None if problem is None else problem.sentence(language)


@post(
    "/api/clerk/home-sales",
    opt=doors.staff("sell", store="store", sku_id=doors.SHARED, phone=doors.SHARED, promotion_id=doors.SHARED),
)
async def sell_home_order(
    write: Write, staff: Staff, trade: Trade, settings: Settings, data: HomeSaleRequest
) -> Answer[Receipt]:
    """Order for a customer in the shop what is sent to their home: for the member who has the phone, or for a guest.

    It is placed as orders of the mall are, and waits for the customer to pay; who sold it stands on it. Refuses
    `members.bad-phone`, then as placing does; a guest within the limits of the policy `guest_orders` (429).
    """
    shop = staff.store(data.store, "sell")
    phone = phones.normalise(data.phone)
    name = data.name.strip()
    asked = await sell_home.request_of(
        trade.db,
        shop=shop,
        actor=staff.actor,
        key=write.key,
        request_hash=write.request_hash,
        lines=[(line.sku_id, line.quantity) for line in data.lines],
        customer=sell_home.Customer(name, phone, _address(data.address, name, phone)),
        expected_minor=minor_of(data.expected_total),
        note=data.note.strip(),
        secret=settings.secret,
        limited=settings.guest_limits,
    )
    wanted = asked._replace(gifts=words_of(data.gifts))
    placed = await write.attempts(lambda: trade.placing.place(wanted))
    return write.given(placed.body, status=201, replayed=placed.replayed)


@get("/api/clerk/home-sales", opt=doors.staff("sell", store="store"))
async def list_home_sales(
    db: Database, staff: Staff, store: StoreCode, limit: Limit = 20, cursor: Cursor = None
) -> Page[HomeSaleRow]:
    """Orders that this shop sold to be sent home, the newest first."""
    shop = staff.store(store, "sell")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    found = await sell_home.sold_at(db, shop.id, before=(before[0], before[1]) if before else None, limit=limit + 1)
    shown = found[:limit]
    views = await order_view.views(db, [(sale.member_id, sale.order_id) for sale, _ in shown])
    rows = [
        HomeSaleRow(
            id=view.id,
            order_no=view.order_no,
            state=view.state,
            pay_state=view.pay_state,
            placed_at=view.placed_at,
            total=view.total,
            units=sum(line.quantity for line in view.lines),
            name=view.contact.name,
            phone_masked=phones.masked(view.contact.phone) or "",
            seller=sale.seller,
            image=view.lines[0].image,
            first=view.lines[0].name,
        )
        for (sale, _), view in zip(shown, views, strict=True)
    ]
    following = cursors.pack(shown[-1][1], shown[-1][0].order_id) if len(found) > limit else None
    return Page(rows, following)


@get("/api/clerk/home-sales/{order_id:uuid}", opt=doors.staff("sell", order_id="home_sale"))
async def read_home_sale(
    request: Request[Any, Any, Any],
    db: Database,
    staff: Staff,
    trade: Trade,
    chain: Chain,
    settings: Settings,
    order_id: UUID,
) -> HomeSale:
    """One order that this shop sold, with the code that the customer scans to pay."""
    sale = await sell_home.find(db, order_id, staff.scope("sell"))
    return await _home_sale(db, trade, chain, sale, site.front_of(request, settings))


@post(
    "/api/clerk/home-sales/{order_id:uuid}/cancellation",
    opt=doors.staff("sell", order_id="home_sale"),
    status_code=200,
)
async def cancel_home_sale(
    request: Request[Any, Any, Any],
    write: Write,
    db: Database,
    staff: Staff,
    trade: Trade,
    chain: Chain,
    settings: Settings,
    order_id: UUID,
    data: Nothing | None,
) -> Answer[HomeSale]:
    """Let go of an order that the customer does not pay: its units are free again at once.

    Refuses `orders.no-longer-unpaid` once it is paid or over.
    """
    sale, front = await sell_home.find(db, order_id, staff.scope("sell")), site.front_of(request, settings)

    async def work(tx: Tx) -> HomeSale:
        await sell_home.let_go(tx, sale, actor=staff.actor)
        return await _home_sale(tx, trade, chain, sale, front)

    return await write.run(work)


async def _home_sale(db: Database | Tx, trade: Trade, chain: Chain, sale: sell_home.HomeSale, front: str) -> HomeSale:
    view = await order_view.view(db, sale.member_id, sale.order_id)
    url = f"{front}/o/{orders.link_of(view.order_no, secret=trade.secret)}"
    waits = view.state == "awaiting_payment"
    senders = [job.store for job in view.fulfilments if job.kind == "ship" and job.lines]
    return HomeSale(
        id=view.id,
        order_no=view.order_no,
        state=view.state,
        pay_state=view.pay_state,
        placed_at=view.placed_at,
        pay_by_at=view.pay_by_at,
        subtotal=view.subtotal,
        delivery_fee=view.delivery_fee,
        discount=view.discount,
        total=view.total,
        promise_at=order_view.promised_at(view),
        lines=sell_home.lines_of(view),
        sent_from=senders,
        name=view.contact.name,
        phone_masked=phones.masked(view.contact.phone) or "",
        place=order_view.place_of(view),
        store_code=chain.store(sale.sold_store_id).code,
        seller=sale.seller,
        code=PayCode(url, segno.make(url, error="m").svg_inline(scale=8, border=2)) if waits else None,
    )


ROUTES = [quote_home, sell_home_order, list_home_sales, read_home_sale, cancel_home_sale]
