"""Placing orders and living with them: pay, look, cancel, answer, show the pickup code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import segno
from litestar import Request as LitestarRequest
from litestar import get, post
from litestar.params import QueryParameter

from duoline import attribution, fulfilment, orders, pricing
from duoline.channels.http import cursors, doors, limits, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, answer, ready
from duoline.channels.http.cancel_quote import CancelledLine, CancelQuote, by_line, cancel_quote
from duoline.channels.http.gifts import words_of
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.channels.mall.quotes import QuoteRequest, address_of, as_wanted, quote_of
from duoline.flows import basket as baskets
from duoline.flows import order_view, pay
from duoline.flows.answer import answer_move, answer_refund
from duoline.flows.cancel import cancel, quote_cancel
from duoline.flows.draft import Receipt, Request
from duoline.flows.order_view import OrderView
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money, minor_of
from duoline.members import phones
from duoline.stores.directory import Chain
from duoline.stores.types import StoreCard

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Phone = Annotated[str, msgspec.Meta(min_length=3, max_length=30)]
Note = Annotated[str, msgspec.Meta(max_length=200)]
# Each asks the payment provider, whose patience is not ours to use up. The page that waits for a payment asks every
# few seconds, and more and more seldom.
ASKS_BY_MEMBER = limits.Limit(300, 3600)
# The framework keeps the parameter name `state` for itself.
Which = Annotated[Literal["open", "done", "all"], QueryParameter(name="state", description="Open, done, or all.")]


class ContactInput(Input, frozen=True):
    """Whom the shop or the carrier asks for."""

    name: Name
    phone: Phone


class OrderRequest(QuoteRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order: the given lines, or the cart. `expected_total` is what the buyer saw; another total is refused.

    `gifts` are those of the quote that the buyer saw, each with what they said to it: when they are others now, it is
    refused (409 `pricing.gifts-changed`). Who names none wants all that are due, and is refused when one is short.

    With `bring` the buyer waits for what a shop has not and another sends there, as its quote said (`brought`); without
    it, what the shop has not is refused.
    """

    pay_mode: Literal["online", "at_store"]
    contact: ContactInput
    expected_total: Money | None = None
    note: Note = ""
    bring: bool = False


class Cancellation(Input, frozen=True):
    """Units to cancel by line; everything that is due when absent."""

    lines: Annotated[list[CancelledLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)] | None = None
    reason: Note = ""


class AnswerRequest(Input, frozen=True):
    """The money back, or another shop (`store_code`)."""

    choice: Literal["refund", "move"]
    store_code: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class PaymentPage(msgspec.Struct, frozen=True):
    """Where to pay, and until when."""

    intent_id: UUID
    pay_url: str
    expires_at: datetime | None


class PickupCodeView(msgspec.Struct, frozen=True, kw_only=True):
    """What the member shows at the counter. `svg` is the QR as a picture, `short` the digits to read aloud."""

    fulfilment_id: UUID
    qr: str
    short: str
    svg: str
    store: StoreCard
    ready: bool
    keep_until: datetime | None


@post(
    "/api/mall/orders",
    opt=doors.visitor(
        address_id="address",
        sku_id=doors.SHARED,
        store_code=doors.SHARED,
        in_shop=doors.SHARED,
        promotion_id=doors.SHARED,
    ),
)
async def place_order(
    request: LitestarRequest[Any, Any, Any],
    write: Write,
    trade: Trade,
    chain: Chain,
    settings: Settings,
    language: str,
    data: OrderRequest,
) -> Answer[Receipt]:
    """Place an order: its units are held, its number is given, and it waits for payment if it is paid online.

    One call does it for a client with its own list of lines; without lines the visitor's cart is placed. Whoever has
    not logged in gives a phone that can be called (422 `members.bad-phone`), and orders within the limits of the policy
    `guest_orders` (429).
    """
    member, guest = write.visitor()
    if member.kind == "guest":
        phones.normalise(data.contact.phone)
    if data.lines is not None:
        wishes: Sequence[orders.Wanted] = [as_wanted(line, chain) for line in data.lines]
    else:
        wishes = (await orders.read_cart(trade.db, member.id)).lines
    in_shop = chain.coded(data.in_shop).id if data.in_shop else None
    wanted = Request(
        member_id=member.id,
        actor=member.actor,
        key=write.key,
        request_hash=write.request_hash,
        wishes=wishes,
        pay_mode=data.pay_mode,
        contact=orders.Contact.typed(data.contact.name, data.contact.phone),
        address=await address_of(trade, member.id, data.address_id, data.address),
        expected_minor=minor_of(data.expected_total) if data.expected_total else None,
        note=data.note,
        channel="mall",
        guest=guest,
        bring=data.bring,
        in_shop=in_shop,
        limits=_limits(request, settings, member),
        gifts=words_of(data.gifts),
        touch=await _touch(trade.db, write, member, settings),
    )
    try:
        placed = await write.attempts(lambda: trade.placing.place(wanted))
    except (pricing.TotalChanged, pricing.GiftsChanged) as changed:
        found = await baskets.look_at(
            trade.look,
            wishes,
            channel="mall",
            member_id=member.id,
            address=wanted.address,
            use_kept=True,
            bring=data.bring,
            in_shop=in_shop,
            gifts=wanted.gifts or (),
        )
        raise type(changed)(**changed.fields, quote=quote_of(found, chain, language)) from changed
    return write.given(placed.body, status=201, replayed=placed.replayed)


def _limits(request: LitestarRequest[Any, Any, Any], settings: Settings, member: Member) -> Sequence[orders.GuestLimit]:
    """How much somebody may order who has not logged in; members are known by their phone."""
    if member.kind != "guest" or not settings.guest_limits:
        return ()
    return orders.limits_of_guest(member.id, limits.address_of(request), secret=settings.secret)


async def _touch(db: Database, write: Write, member: Member, settings: Settings) -> attribution.OrderTouch | None:
    """What the buyer met last, themselves or on this device."""
    device = write.known_device()
    key = attribution.device_key(device, secret=settings.secret) if device else None
    return await attribution.touch_before(db, member.ids, key, at=clock.now())


@get("/api/mall/orders", opt=doors.member())
async def list_orders(
    db: Database, member: Member, which: Which = "all", limit: Limit = 20, cursor: Cursor = None
) -> Page[OrderView]:
    """The member's orders, newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    rows = await db.fetch(
        """SELECT member_id, id, placed_at FROM orders
           WHERE member_id = ANY ($1)
             AND ($2 = 'all' OR (state IN ('awaiting_payment', 'booked', 'confirmed')) = ($2 = 'open'))
             AND ($3::timestamptz IS NULL OR (placed_at, id) < ($3, $4::uuid))
           ORDER BY placed_at DESC, id DESC LIMIT $5""",
        member.ids,
        which,
        before[0] if before else None,
        before[1] if before else None,
        limit + 1,
    )
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["placed_at"], shown[-1]["id"]) if len(rows) > limit else None
    return Page(await order_view.views(db, [(row["member_id"], row["id"]) for row in shown]), following)


@get("/api/mall/orders/{order_id:uuid}", opt=doors.member(order_id="order"))
async def read_order(db: Database, member: Member, order_id: UUID) -> OrderView:
    """One order of the member."""
    return await order_view.view(db, await owner_of(db, member, order_id), order_id)


async def owner_of(db: Database, member: Member, order_id: UUID) -> UUID:
    """Under which of the member's ids an order was placed. Refuses somebody else's order as absent."""
    if not member.adopted:
        return member.id
    owner: UUID | None = await db.fetchval(
        "SELECT member_id FROM orders WHERE member_id = ANY ($1) AND id = $2", member.ids, order_id
    )
    if owner is None:
        raise NotFound
    return owner


@post("/api/mall/orders/{order_id:uuid}/payment", opt=doors.member(order_id="order"))
async def open_payment(
    request: LitestarRequest[Any, Any, Any],
    write: Write,
    db: Database,
    member: Member,
    settings: Settings,
    order_id: UUID,
) -> Answer[PaymentPage]:
    """Open the provider's page for an order that waits for payment. Safe to repeat: the page is the same."""
    del write  # the order's own intent is the key: every repeat finds the same payment
    owner = await owner_of(db, member, order_id)
    order_no = await db.fetchval("SELECT order_no FROM orders WHERE member_id = $1 AND id = $2", owner, order_id)
    if order_no is None:
        raise NotFound
    opened = await pay.open_payment(
        db,
        member_id=owner,
        order_id=order_id,
        subject=f"Duoline {order_no}",
        notify_url=site.notify_url(settings),
        return_url=f"{site.front_of(request, settings)}/orders/{order_id}?paid=1",
    )
    return answer(PaymentPage(opened.intent_id, opened.pay_url, opened.expires_at), status=201)


@post("/api/mall/orders/{order_id:uuid}/payment-check", opt=doors.member(order_id="order"), status_code=200)
async def check_payment(write: Write, db: Database, member: Member, order_id: UUID) -> Answer[OrderView]:
    """Ask the provider how the payment stands, for when its notice is late. Safe to repeat, 300 times an hour."""
    ASKS_BY_MEMBER.check(str(member.id))
    del write  # recording a payment twice is impossible, however often it is asked for
    owner = await owner_of(db, member, order_id)
    await pay.check_order(db, member_id=owner, order_id=order_id)
    return answer(await order_view.view(db, owner, order_id))


@post(
    "/api/mall/orders/{order_id:uuid}/cancellation",
    opt=doors.member(order_id="order", line_id="order_line"),
    status_code=200,
)
async def cancel_order(
    write: Write, db: Database, member: Member, order_id: UUID, data: Cancellation
) -> Answer[OrderView]:
    """Cancel an order, or units of it, before they are handed over. What was paid for them goes back."""
    owner = await owner_of(db, member, order_id)

    async def work(tx: Tx) -> OrderView:
        await cancel(
            tx,
            member_id=owner,
            order_id=order_id,
            quantities=by_line(data.lines),
            reason=data.reason,
            actor=member.actor,
        )
        return await order_view.view(tx, owner, order_id)

    return await write.run(work)


@post(
    "/api/mall/orders/{order_id:uuid}/cancellation-quote",
    opt=doors.member(order_id="order", line_id="order_line"),
    status_code=200,
)
async def quote_cancellation(
    write: Write, db: Database, member: Member, order_id: UUID, data: Cancellation
) -> Answer[CancelQuote]:
    """What cancelling gives back, before it is done."""
    del write  # takes part in the rule that every POST names its key; a quote is made anew each time
    owner = await owner_of(db, member, order_id)
    async with db.begin() as tx:
        quoted = await quote_cancel(
            tx, member_id=owner, order_id=order_id, quantities=by_line(data.lines), actor=member.actor
        )
    return answer(cancel_quote(*quoted))


@post(
    "/api/mall/orders/{order_id:uuid}/answer",
    opt=doors.member(order_id="order", store_code=doors.SHARED),
    status_code=200,
)
async def answer_order(
    write: Write, member: Member, trade: Trade, chain: Chain, order_id: UUID, data: AnswerRequest
) -> Answer[OrderView]:
    """Decide about units that the chosen shop could not serve: the money back, or collect them elsewhere."""
    store = chain.coded(data.store_code or "") if data.choice == "move" else None
    owner = await owner_of(trade.db, member, order_id)

    async def work(tx: Tx) -> OrderView:
        if store is None:
            await answer_refund(tx, member_id=owner, order_id=order_id, actor=member.actor)
        else:
            await answer_move(
                tx,
                trade.look,
                member_id=owner,
                order_id=order_id,
                store_id=store.id,
                secret=trade.secret,
                actor=member.actor,
            )
        return await order_view.view(tx, owner, order_id)

    return await write.run(work)


@get("/api/mall/orders/{order_id:uuid}/pickup-code", opt=doors.member(order_id="order", fulfilment_id="fulfilment"))
async def pickup_code(
    db: Database, member: Member, trade: Trade, chain: Chain, order_id: UUID, fulfilment_id: UUID | None = None
) -> Answer[PickupCodeView]:
    """The code of the order's next pickup: what is ready goes first, then the earliest promise."""
    row = await db.fetchrow(
        """SELECT f.id, f.location_id, f.state, f.keep_until
           FROM orders o JOIN fulfilments f ON f.location_id = ANY (o.location_ids) AND f.order_id = o.id
           WHERE o.member_id = ANY ($1) AND o.id = $2 AND f.kind = 'pickup' AND f.state IN ('to_pick', 'ready')
             AND ($3::uuid IS NULL OR f.id = $3)
           ORDER BY f.state = 'ready' DESC, f.promise_at LIMIT 1""",
        member.ids,
        order_id,
        fulfilment_id,
    )
    if row is None:
        raise NotFound
    code = fulfilment.code_of(row["id"], trade.secret)
    view = PickupCodeView(
        fulfilment_id=row["id"],
        qr=code.qr,
        short=f"{code.short[:4]} {code.short[4:]}",
        svg=segno.make(code.qr, error="m").svg_inline(scale=8, border=2),
        store=chain.card(chain.store(row["location_id"])),
        ready=row["state"] == "ready",
        keep_until=row["keep_until"],
    )
    return ready(msgspec.json.encode(view), headers=[(b"cache-control", b"no-store")])


ROUTES = [
    place_order,
    list_orders,
    read_order,
    open_payment,
    check_payment,
    cancel_order,
    quote_cancellation,
    answer_order,
    pickup_code,
]
