"""The till: what a basket costs here, and selling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec
from litestar import post

from duoline import inventory, loyalty, orders, pricing
from duoline.catalog.scanned import sku_of
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.gifts import GiftInput, Gifts, GiftView, gift_views, words_of
from duoline.channels.http.offers import OffersView, line_offers, offers_view
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import order_view, pay_points, pay_wallet, sell
from duoline.flows.gifts import differ
from duoline.flows.order_view import OfferShare, OrderView
from duoline.flows.refused import note_refusal
from duoline.flows.trade import Trade
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money, minor_of
from duoline.kernel.text import Text
from duoline.members import cards, guests, phones, profile
from duoline.pricing import coupons

if TYPE_CHECKING:
    from duoline.stores.types import Store


class SaleLine(Input, frozen=True):
    """Units over the counter, named by SKU or by the code on the label."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]
    sku_id: UUID | None = None
    gtin: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8,14}$")] | None = None


Codes = Annotated[list[Annotated[str, msgspec.Meta(min_length=3, max_length=60)]], msgspec.Meta(max_length=20)]
CardPass = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
"""What `POST /api/clerk/cards` gave for a card; it goes before a phone."""
DrawerName = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^\S(.*\S)?$")]
Lines = Annotated[list[SaleLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]


class TillBasket(Input, frozen=True):
    """What lies on the counter, and whose it is if they say so."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    lines: Lines
    phone: Annotated[str, msgspec.Meta(max_length=30)] | None = None
    card: CardPass | None = None
    coupon_codes: Codes | None = None
    gifts: Gifts | None = None


class TillLine(msgspec.Struct, frozen=True, kw_only=True):
    """An article with its price here, and what its units cost before (`amount`) and after offers (`net`). A `gift`
    stands behind what was rung up, and costs nothing."""

    sku_id: UUID
    quantity: int
    unit_price: Money
    amount: Money
    net: Money
    offers: list[OfferShare]
    gift: bool


class TillCoupon(msgspec.Struct, frozen=True):
    """A coupon on paper, and the promotion that counts by it; None while it makes no difference to this basket."""

    code: str
    name: Text | None


class TillPoints(msgspec.Struct, frozen=True):
    """How many points this sale takes from the member, and what they pay; none when `most` is 0. At least `least`."""

    most: int
    worth: Money
    least: int
    worth_of_100: Money


class TillWallet(msgspec.Struct, frozen=True):
    """How much this sale takes from the member's wallet, and what is in it."""

    most: Money
    balance: Money


class TillQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What the basket costs at this till now: what a sale will take. `points` and `wallet` are what its member may
    pay with what they have with us, when their card was scanned from their phone a moment ago."""

    lines: list[TillLine]
    subtotal: Money
    discount: Money
    total: Money
    offers: OffersView
    gifts: list[GiftView]
    coupons: list[TillCoupon]
    points: TillPoints | None = None
    wallet: TillWallet | None = None


class SaleRequest(TillBasket, frozen=True, kw_only=True):
    """A sale for cash. Another total than `expected_total` is refused: 409 `pricing.total-changed`, with the prices;
    other `gifts` than the till has shown, 409 `pricing.gifts-changed`.

    The cash goes into the `drawer` of that name where it is open, else into one that is.
    """

    tender: Literal["cash"]
    tendered: Money
    expected_total: Money | None = None
    drawer: DrawerName | None = None


class SaleView(msgspec.Struct, frozen=True):
    """The sale as an order, and the change to give back."""

    order: OrderView
    change: Money


@post(
    "/api/clerk/till-quotes",
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
    status_code=200,
)
async def quote_sale(write: Write, staff: Staff, trade: Trade, data: TillBasket) -> Answer[TillQuote]:
    """What a basket costs at the till, with the offers that count for it and those that nearly do."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    shop = staff.store(data.store, "sell")
    rung = await price_counter(trade, shop, data)
    quote = _quote(rung.counter, list(zip(data.coupon_codes or [], rung.shown, strict=True)))
    present = cards.present_by(data.card, secret=trade.secret)
    if present is not None:
        total, currency = rung.counter.total_minor, rung.counter.currency
        stored = await pay_wallet.usable_of(trade.db, present, open_minor=total)
        quote = msgspec.structs.replace(
            quote,
            points=await _points(trade.db, present, rung.counter),
            wallet=TillWallet(Money(stored.most_minor, currency), Money(stored.have.total, currency)),
        )
    return answer(quote)


async def _points(db: Database, member_id: UUID, counter: sell.Counter) -> TillPoints:
    total, currency = counter.total_minor, counter.currency
    can = await pay_points.usable_of(db, member_id, total_minor=total, open_minor=total)
    worth = loyalty.POINTS.current().body.worth_minor
    return TillPoints(can.most, Money(can.worth_minor, currency), can.least, Money(worth, currency))


def _quote(counter: sell.Counter, shown: list[tuple[str, UUID]]) -> TillQuote:
    currency, offers = counter.currency, counter.offers
    names = {one.promotion.id: one.promotion.name.filled for one in offers.applied}
    counting = {held.id: names.get(held.promotion_id) for held in offers.coupons}
    return TillQuote(
        lines=[
            TillLine(
                sku_id=wish.facts.sku_id,
                quantity=wish.quantity,
                unit_price=Money(wish.price.price_minor, currency),
                amount=Money(wish.amount_minor, currency),
                net=Money(wish.net_minor, currency),
                offers=line_offers(wish.offers, currency),
                gift=wish.gift is not None,
            )
            for wish in counter.wishes
        ],
        subtotal=Money(counter.subtotal_minor, currency),
        discount=Money(counter.subtotal_minor - counter.total_minor, currency),
        total=Money(counter.total_minor, currency),
        offers=offers_view(offers, currency),
        gifts=gift_views(counter.gifts),
        coupons=[TillCoupon(code, counting.get(coupon_id)) for code, coupon_id in shown],
    )


@post(
    "/api/clerk/sales",
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
async def make_sale(write: Write, staff: Staff, trade: Trade, data: SaleRequest) -> Answer[SaleView]:
    """Sell over the counter for cash: the goods leave at once. The member is found by phone, or a guest is made."""
    shop = staff.store(data.store, "sell")
    stored: Answer[SaleView] | None = await write.replay()
    if stored is not None:
        return stored
    rung = await price_counter(trade, shop, data)
    as_shown(data.gifts, rung.counter)
    if data.expected_total is not None:
        as_expected(data.expected_total, rung.counter)

    async def work(tx: Tx) -> SaleView:
        sold = await sell.sell(
            tx,
            shop,
            rung.counter,
            member_id=rung.member_id or await guest(tx),
            contact=orders.Contact("", rung.phone),
            tendered_minor=minor_of(data.tendered),
            actor=staff.actor,
            drawer=data.drawer,
        )
        view = await order_view.view(tx, sold.member_id, sold.order_id)
        return SaleView(view, Money(sold.change_minor, sold.currency))

    try:
        return await write.run(work, status=201)
    except inventory.InsufficientStock as refused:
        await note_refusal(trade.look, refused, channel="till")
        raise


class RungUp(NamedTuple):
    """Lines on a counter and what they cost. `phone` is empty where none was said, `member_id` None where it is
    nobody's; `shown` are the coupons in the order of their codes."""

    phone: str
    member_id: UUID | None
    shown: list[UUID]
    counter: sell.Counter


async def price_counter(trade: Trade, shop: Store, data: TillBasket) -> RungUp:
    """What lies on the counter, for the member of that card or phone, with the coupons shown on paper.

    Refuses an unknown SKU or code as absent, `members.card-code-over`, a phone that is none, `coupons.no-such-code`,
    `coupons.taken`, then as `sell.price_wishes`.
    """
    wishes = [(await _sale_sku(trade.db, line), line.quantity) for line in data.lines]
    known = cards.holder_of(data.card, secret=trade.secret) if data.card else None
    number = phones.normalise(data.phone) if data.phone and known is None else ""
    if known is not None:
        number = (await profile.profile(trade.db, known)).phone or ""
    elif number:
        known = await guests.member_of_phone(trade.db, number)
    shown = [await coupons.shown(trade.db, code, secret=trade.secret) for code in data.coupon_codes or []]
    counter = await sell.price_wishes(
        trade.look, shop, wishes, member_id=known, coupon_ids=shown, gifts=words_of(data.gifts) or ()
    )
    return RungUp(number, known, shown, counter)


def as_shown(gifts: list[GiftInput] | None, counter: sell.Counter) -> None:
    """Refuses `pricing.gifts-changed` when other gifts come with it than the till has shown."""
    if differ(counter.gifts, words_of(gifts)):
        raise pricing.GiftsChanged


def as_expected(expected: Money, counter: sell.Counter) -> None:
    """Refuses `pricing.total-changed` when it costs something else than the till has shown."""
    if minor_of(expected) != counter.total_minor:
        raise pricing.TotalChanged(
            expected=expected,
            total=Money(counter.total_minor, expected.currency),
            prices=[
                {"sku_id": wish.facts.sku_id, "price": Money(wish.price.price_minor, wish.price.currency)}
                for wish in counter.wishes
            ],
        )


async def _sale_sku(db: Database, line: SaleLine) -> UUID:
    if line.sku_id is not None:
        return line.sku_id
    found = await sku_of(db, line.gtin) if line.gtin else None
    if found is None:
        raise NotFound
    return found


async def guest(tx: Tx) -> UUID:
    """A new guest: every sale has a member of its own."""
    guest_id = new_id()
    await guests.record(tx, guest_id=guest_id)
    return guest_id


ROUTES = [quote_sale, make_sale]
