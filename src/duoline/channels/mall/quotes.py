"""Quotes and the cart: what a basket costs, whether it can be had, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post

from duoline import orders, pricing
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, answer, encode
from duoline.channels.http.gifts import Gifts, GiftView, gift_views, words_of
from duoline.channels.http.offers import OffersView, line_offers, offers_view
from duoline.channels.http.sessions import Visitor
from duoline.channels.http.writes import Write
from duoline.channels.mall.cards import StoreCode as NearStore
from duoline.channels.mall.offer import chosen
from duoline.favourites import KeptUnit, Use
from duoline.flows import basket as baskets
from duoline.flows.change_cart import CartWrite, change_cart
from duoline.flows.order_view import Image, OfferShare, image_of
from duoline.flows.trade import Trade
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import addresses
from duoline.members.addresses import AddressFields
from duoline.stores.directory import Chain
from duoline.stores.types import StoreCard

Quantity = Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]
StoreCode = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class WantedLine(Input, frozen=True):
    """Units of an article, to be collected at a shop or delivered. A price is never taken from the client."""

    sku_id: UUID
    quantity: Quantity
    method: Literal["pickup", "delivery"]
    store_code: StoreCode | None = None


class LineChange(Input, frozen=True):
    """What to change in a cart line; absent fields stay as they are."""

    quantity: Quantity | None = None
    method: Literal["pickup", "delivery"] | None = None
    store_code: StoreCode | None = None


class QuoteRequest(Input, frozen=True):
    """What to quote: the given lines, or the visitor's cart.

    `in_shop` is the code of the shop in which the buyer stands (scan-and-go): what is collected there while it is open
    is promised in minutes, nothing is brought, and the shop knows that somebody waits. `gifts` are what the buyer says
    to gifts; those they say nothing to are put in."""

    lines: Annotated[list[WantedLine], msgspec.Meta(max_length=orders.LINES_MAX)] | None = None
    address_id: UUID | None = None
    address: AddressFields | None = None
    in_shop: StoreCode | None = None
    gifts: Gifts | None = None


class Promise(msgspec.Struct, frozen=True):
    """Ready for pickup, or delivered, at the latest at this instant."""

    method: str
    at: datetime
    store_code: str | None


class KeptHere(msgspec.Struct, frozen=True):
    """Units of a line that were kept for the member in a shop: how many, where, and until when."""

    store: StoreCard
    units: int
    until: datetime


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its price, what it costs after offers (`net`), and what can be had of it.

    What is `kept` for the member serves it first. A `gift` stands behind what was wished for, and costs nothing.
    """

    n: int
    line_id: UUID | None
    sku_id: UUID
    sku_code: str
    product_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int
    unit_price: Money
    amount: Money
    net: Money
    offers: list[OfferShare]
    method: str
    store: StoreCard | None
    available: int
    ok: bool
    kept: list[KeptHere]
    gift: bool


class QuoteGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that are handed over together. `waived` is the fee not charged because everything was kept in a shop.

    `brought`: the shop has not the units; another sends them there, and `promise` says when. They are paid online, and
    an order says that it waits for them (`bring`). `in_shop`: the buyer stands there and waits.
    """

    method: str
    store: StoreCard | None
    line_ns: list[int]
    promise: Promise | None
    fee: Money
    waived: Money
    brought: bool
    in_shop: bool


class QuoteProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a line cannot be had as wished, and how many could."""

    code: str
    n: int
    detail: str
    available: int | None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The priced basket."""

    lines: list[QuoteLine]
    groups: list[QuoteGroup]
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    offers: OffersView
    gifts: list[GiftView]
    problems: list[QuoteProblem]
    quoted_at: datetime


class CartHead(msgspec.Struct, frozen=True):
    """Whose cart it is, and its version, which goes up with every change."""

    id: UUID | None
    version: int


class Cart(Quote, frozen=True, kw_only=True):
    """The visitor's cart, quoted as of now."""

    cart: CartHead


@get("/api/mall/cart", opt=doors.visitor())
async def read_cart(visitor: Visitor, trade: Trade, language: str, near: NearStore = None) -> Answer[Cart]:
    """The visitor's cart with present prices and stock; an empty one for whoever has none.

    A delivery is promised as to where the store `near` stands, as on the page of a product.
    """
    member_id = visitor.member.id if visitor.member else None
    cart = await orders.read_cart(trade.db, member_id) if member_id else orders.Cart()
    address = _assumed(trade.look.chain, near)
    found = await baskets.look_at(
        trade.look,
        cart.lines,
        channel="mall",
        member_id=member_id,
        address=address,
        use_kept=True,
        bring=True,
        gifts=(),
    )
    return answer(_cart(cart, found, trade.look.chain, member_id, language))


@post("/api/mall/cart/lines", opt=doors.visitor(sku_id=doors.SHARED, store_code=doors.SHARED))
async def add_line(
    write: Write, trade: Trade, chain: Chain, language: str, data: WantedLine, near: NearStore = None
) -> Answer[Cart]:
    """Put units into the cart. Refuses an article that is unknown or not for sale."""
    wanted = as_wanted(data, chain)
    return await _change(write, trade, language, near, lambda cart: cart.put(wanted), status=201)


@patch("/api/mall/cart/lines/{line_id:uuid}", opt=doors.member(line_id="cart_line", store_code=doors.SHARED))
async def change_line(
    write: Write,
    trade: Trade,
    chain: Chain,
    language: str,
    line_id: UUID,
    data: LineChange,
    near: NearStore = None,
) -> Answer[Cart]:
    """Change quantity, way or shop of a line."""
    store_id = chain.coded(data.store_code).id if data.store_code else None

    def change(cart: orders.Cart) -> orders.Cart:
        return cart.change(line_id, quantity=data.quantity, method=data.method, store_id=store_id)

    return await _change(write, trade, language, near, change)


@delete("/api/mall/cart/lines/{line_id:uuid}", opt=doors.member(line_id="cart_line"), status_code=200)
async def remove_line(write: Write, trade: Trade, language: str, line_id: UUID, near: NearStore = None) -> Answer[Cart]:
    """Take a line out of the cart."""
    return await _change(write, trade, language, near, lambda cart: cart.remove(line_id))


@post(
    "/api/mall/quotes",
    opt=doors.visitor(
        address_id="address",
        sku_id=doors.SHARED,
        store_code=doors.SHARED,
        in_shop=doors.SHARED,
        promotion_id=doors.SHARED,
    ),
    status_code=200,
)
async def quote(
    write: Write,
    visitor: Visitor,
    trade: Trade,
    chain: Chain,
    language: str,
    data: QuoteRequest,
    near: NearStore = None,
) -> Answer[Quote]:
    """Price a basket as of now. Nothing is held, nothing is stored.

    Without an address a delivery is promised as to where the store `near` stands.
    """
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    member = visitor.member
    if data.lines is not None:
        wishes: Sequence[orders.Wanted] = [as_wanted(line, chain) for line in data.lines]
    else:
        wishes = (await orders.read_cart(trade.db, member.id)).lines if member else ()
    address = await address_of(trade, member.id if member else None, data.address_id, data.address)
    found = await baskets.look_at(
        trade.look,
        wishes,
        channel="mall",
        member_id=member.id if member else None,
        address=address or _assumed(chain, near),
        use_kept=True,
        bring=data.in_shop is None,
        in_shop=chain.coded(data.in_shop).id if data.in_shop else None,
        gifts=words_of(data.gifts) or (),
    )
    return answer(quote_of(found, chain, language))


def as_wanted(line: WantedLine, chain: Chain) -> orders.Wanted:
    """A client's line as a wish. Refuses an unknown shop, or a pickup without one (`orders.store-missing`)."""
    if line.method == "pickup" and line.store_code is None:
        raise StoreMissing
    store_id = chain.coded(line.store_code).id if line.method == "pickup" and line.store_code else None
    return orders.Wanted(sku_id=line.sku_id, quantity=line.quantity, method=line.method, store_id=store_id)


class StoreMissing(Refusal):
    """A line to be collected, and nobody knows where."""

    code = "orders.store-missing"
    status = 422
    zh = "请选择自提门店。"
    en = "Choose the shop where you want to collect it."


async def address_of(
    trade: Trade, member_id: UUID | None, address_id: UUID | None, given: AddressFields | None
) -> orders.Address | None:
    """The address of a request: one of the member's own, or the one written out. Refuses a foreign one as absent."""
    if address_id is not None:
        if member_id is None:
            raise NotFound
        own = {address.id: address for address in await addresses.of(trade.db, member_id)}
        if address_id not in own:
            raise NotFound
        stored = own[address_id]
        return orders.Address(
            name=stored.name,
            phone=stored.phone,
            province=stored.province,
            city=stored.city,
            district=stored.district,
            line=stored.line,
            lat=stored.lat,
            lon=stored.lon,
        )
    if given is None:
        return None
    return orders.Address(
        name=given.name,
        phone=given.phone,
        province=given.province,
        city=given.city,
        district=given.district,
        line=given.line,
        lat=given.lat,
        lon=given.lon,
    )


def _assumed(chain: Chain, near: str | None) -> orders.Address | None:
    """Where a delivery goes as long as nobody has said so: the neighbourhood of the shop that was chosen."""
    store = chosen(chain, near)
    if store is None:
        return None
    return orders.Address(
        name="",
        phone="",
        province=store.province,
        city=store.city,
        district="",
        line="",
        lat=store.lat,
        lon=store.lon,
    )


async def _change(
    write: Write,
    trade: Trade,
    language: str,
    near: str | None,
    verb: Callable[[orders.Cart], orders.Cart],
    *,
    status: int = 200,
) -> Answer[Cart]:
    """Change the visitor's cart and answer with it."""
    member, guest = write.visitor()
    wanted = CartWrite(member.id, member.actor, write.key, write.request_hash, status, guest)

    def view(cart: orders.Cart, found: baskets.Basket) -> bytes:
        return encode(_cart(cart, found, trade.look.chain, member.id, language))

    address = _assumed(trade.look.chain, near)
    changed = await write.attempts(lambda: change_cart(trade.look, wanted, verb, view, address=address))
    return write.given(changed.body, status=changed.status, replayed=changed.replayed)


def _cart(cart: orders.Cart, found: baskets.Basket, chain: Chain, member_id: UUID | None, language: str) -> Cart:
    quoted = quote_of(found, chain, language)
    fields = {name: getattr(quoted, name) for name in Quote.__struct_fields__}
    return Cart(cart=CartHead(member_id, cart.version), **fields)


def quote_of(found: baskets.Basket, chain: Chain, language: str) -> Quote:
    """A basket as the faces show it."""
    currency = found.currency
    totals = found.totals
    return Quote(
        lines=[_line(line, found.uses, chain, currency) for line in found.lines],
        groups=[
            QuoteGroup(
                method=group.method,
                store=chain.card(group.store, at=found.at) if group.store else None,
                line_ns=group.line_ns,
                promise=Promise(group.method, group.promise_at, group.store.code if group.store else None)
                if group.promise_at
                else None,
                fee=Money(totals.delivery_fee_minor if group.method == "delivery" else 0, currency),
                waived=Money(totals.waived_minor if group.method == "delivery" else 0, currency),
                brought=group.bring is not None,
                in_shop=group.in_shop,
            )
            for group in found.groups
        ],
        subtotal=Money(totals.subtotal_minor, currency),
        delivery_fee=Money(totals.delivery_fee_minor, currency),
        discount=Money(totals.discount_minor, currency),
        total=Money(totals.total_minor, currency),
        offers=offers_view(found.offers, currency),
        gifts=gift_views(found.gifts),
        problems=[
            QuoteProblem(
                code=line.problem.code, n=line.n, detail=line.problem.sentence(language), available=line.available
            )
            for line in found.problems
            if line.problem is not None
        ],
        quoted_at=found.at,
    )


def _line(line: baskets.BasketLine, uses: Sequence[Use], chain: Chain, currency: str) -> QuoteLine:
    facts = line.facts
    if facts is None:  # a cart line always names a SKU; only a client's own list can name none
        raise pricing.NotForSale(sku_id=str(line.wanted.sku_id))
    return QuoteLine(
        n=line.n,
        line_id=line.wanted.cart_line_id,
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        product_code=facts.product_code,
        name=Text(facts.name.zh, facts.name.en),
        options=baskets.as_options(facts),
        image=image_of(facts.image_sha),
        quantity=line.wanted.quantity,
        unit_price=Money(line.unit_price_minor, currency),
        amount=Money(line.amount_minor, currency),
        net=Money(line.net_minor, currency),
        offers=line_offers(line.offers, currency),
        method=line.wanted.method,
        store=chain.card(line.store) if line.store else None,
        available=line.available,
        ok=line.problem is None,
        kept=_kept([use.unit for use in uses if use.n == line.n], chain),
        gift=line.wanted.gift is not None,
    )


def _kept(units: Sequence[KeptUnit], chain: Chain) -> list[KeptHere]:
    """By shop; the time is when the first of them ends."""
    return [
        KeptHere(
            chain.card(chain.store(place)),
            sum(unit.location_id == place for unit in units),
            min(unit.until for unit in units if unit.location_id == place),
        )
        for place in dict.fromkeys(unit.location_id for unit in units)
    ]


ROUTES = [read_cart, add_line, change_line, remove_line, quote]
