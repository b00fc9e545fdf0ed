"""Pre-sales in the mall: what can be booked, booking it for a deposit, paying the balance, the code for a till."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import msgspec
import segno
from litestar import get, post
from litestar.params import QueryParameter

from duoline import catalog, inventory, orders
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, ready
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.channels.mall.quotes import address_of
from duoline.channels.mall.shopping import ContactInput, Note, owner_of
from duoline.flows import order_view, pay_balance
from duoline.flows.book import Booking, book
from duoline.flows.order_view import Image, OrderView, image_of
from duoline.flows.refused import note_refusal
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound, Unauthorised, Unavailable
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members.addresses import AddressFields
from duoline.pricing import presales
from duoline.pricing.presales.types import MEMBER_MAX
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from duoline.stores.types import Store

TRIES = 3
"""How often a delivery whose units were taken meanwhile is planned anew."""

SOON = 99
"""From so many on it is not told how many units are left."""

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
ProductCode = Annotated[
    str | None, QueryParameter(name="product", max_length=60, description="Only of this product, by its code.")
]


class PresaleView(msgspec.Struct, frozen=True, kw_only=True):
    """A pre-sale that is open or begins later. Amounts of a unit. `left` None as long as there are plenty.

    `store_codes` are the shops to collect at when not all are; `may_keep` says whether the deposit is kept in any case.
    """

    id: UUID
    version: int
    name: Text
    product_code: str
    product_name: Text
    sku_id: UUID
    image: Image | None
    price: Money
    deposit: Money
    balance: Money
    begun: bool
    deposit_from: datetime
    deposit_until: datetime
    balance_from: datetime
    balance_until: datetime
    expected_on: date
    left: int | None
    member_max: int
    delivery: bool
    pickup: Literal["none", "all", "chosen"]
    store_codes: list[str]
    cancel_terms: Literal["until_balance", "never"]
    unpaid_terms: Literal["kept", "given_back"]
    may_keep: bool


class WayInput(Input, frozen=True):
    """How the goods are to be had: collected at `store_code`, or sent to an address."""

    method: orders.Method
    contact: ContactInput
    store_code: Code | None = None
    address_id: UUID | None = None
    address: AddressFields | None = None


class PreorderRequest(WayInput, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of a pre-sale, of the `version` that was seen; another one is refused."""

    presale_id: UUID
    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MEMBER_MAX)]
    note: Note = ""


class PreorderCodeView(msgspec.Struct, frozen=True):
    """What the member shows at a till. `svg` is the QR as a picture, `digits` what can be read aloud."""

    qr: str
    digits: str
    svg: str


_LIST = f"""
SELECT {presales.COLUMNS}, c.units_max - c.booked AS left
FROM presales p JOIN presale_counters c ON c.presale_id = p.id
JOIN skus k ON k.id = p.sku_id JOIN products d ON d.id = k.product_id AND d.state = 'published'
WHERE p.withdrawn_at IS NULL AND p.deposit_until > $1 AND k.state = 'active'
  AND ($2::text IS NULL OR d.code = $2) AND ($3::timestamptz IS NULL OR (p.deposit_until, p.id) > ($3, $4::uuid))
ORDER BY p.deposit_until, p.id LIMIT $5
"""  # noqa: S608 - our own columns


@get("/api/mall/presales", opt=doors.public(product=doors.SHARED))
async def list_presales(
    db: Database, chain: Chain, product: ProductCode = None, limit: Limit = 20, cursor: Cursor = None
) -> Page[PresaleView]:
    """Pre-sales that are open or will be, those that close first before the others."""
    after = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch_filtered(_LIST, clock.now(), product, *after, limit + 1)
    shown = [(presales.of_row(row), row["left"]) for row in rows[:limit]]
    facts = await catalog.sku_facts(db, [presale.sku_id for presale, _ in shown])
    return Page(
        [_view(presale, left, facts[presale.sku_id], chain) for presale, left in shown if presale.sku_id in facts],
        cursors.pack(shown[-1][0].deposit_until, shown[-1][0].id) if len(rows) > limit else None,
    )


def _view(presale: presales.Presale, left: int, facts: catalog.SkuFacts, chain: Chain) -> PresaleView:
    stores = [chain.stores[store] for store in presale.store_ids if store in chain.stores]
    return PresaleView(
        id=presale.id,
        version=presale.version,
        name=presale.name.filled,
        product_code=facts.product_code,
        product_name=Text(facts.name.zh, facts.name.en),
        sku_id=presale.sku_id,
        image=image_of(facts.image_sha),
        price=Money(presale.price_minor, presale.currency),
        deposit=Money(presale.deposit_minor, presale.currency),
        balance=Money(presale.price_minor - presale.deposit_minor, presale.currency),
        begun=presale.deposit_from <= clock.now(),
        deposit_from=presale.deposit_from,
        deposit_until=presale.deposit_until,
        balance_from=presale.balance_from,
        balance_until=presale.balance_until,
        expected_on=presale.expected_on,
        left=left if left <= SOON else None,
        member_max=presale.member_max,
        delivery=presale.delivery,
        pickup=presale.pickup,
        store_codes=sorted(store.code for store in stores),
        cancel_terms=presale.cancel_terms,
        unpaid_terms=presale.unpaid_terms,
        may_keep=presale.may_keep,
    )


@post(
    "/api/mall/preorders",
    opt=doors.member(presale_id=doors.SHARED, address_id="address", store_code=doors.SHARED),
)
async def book_presale(
    write: Write, trade: Trade, chain: Chain, member: Member, data: PreorderRequest
) -> Answer[OrderView]:
    """Book units of a pre-sale. The order waits for its deposit, which is paid like any order (`payment`).

    Nothing is held for it: the goods are not there yet. For whoever has logged in, since each member may book so many;
    a guest is refused (401). Refuses `pricing.presale-over`, `pricing.presale-not-begun`,
    `pricing.presale-changed`, `pricing.presale-limit`, `pricing.presale-sold-out`, `pricing.presale-way`.
    """
    store = _store_of(chain, data)
    address = None if store else await address_of(trade, member.id, data.address_id, data.address)
    if member.kind == "guest":
        raise Unauthorised
    wanted = Booking(
        data.presale_id,
        data.version,
        data.quantity,
        store,
        address,
        orders.Contact.typed(data.contact.name, data.contact.phone),
        data.note,
    )

    async def work(tx: Tx) -> OrderView:
        order_id = await book(tx, wanted, member_id=member.id, channel="mall", secret=trade.secret, actor=member.actor)
        return await order_view.view(tx, member.id, order_id)

    return await write.run(work, status=201)


def _store_of(chain: Chain, data: WayInput) -> Store | None:
    if data.method == "delivery":
        return None
    if data.store_code is None:
        problem = {"field": "store_code", "zh": "请选择自提门店。", "en": "Choose the shop to collect at."}
        raise BadInput(problems=[problem])
    return chain.coded(data.store_code)


@post(
    "/api/mall/orders/{order_id:uuid}/balance",
    opt=doors.member(order_id="preorder", address_id="address", store_code=doors.SHARED),
    status_code=200,
)
async def start_balance(
    write: Write, trade: Trade, chain: Chain, member: Member, order_id: UUID, data: WayInput
) -> Answer[OrderView]:
    """Begin to pay the balance of a pre-order: its goods are held where they are wanted now, for some minutes.

    It is paid like any order then (`payment`); not paid in time, it is booked as before. Refuses `orders.not-booked`,
    `orders.balance-not-open`, `orders.balance-over`, `orders.balance-being-paid`, `orders.preorder-done`,
    `orders.preorder-ended`, `pricing.presale-way`, `inventory.insufficient-stock`: then nothing has changed.
    """
    owner = await owner_of(trade.db, member, order_id)
    stored: Answer[OrderView] | None = await write.replay()
    if stored is not None:
        return stored
    contact = orders.Contact.typed(data.contact.name, data.contact.phone)
    store = _store_of(chain, data)
    address = None if store else await address_of(trade, member.id, data.address_id, data.address)
    if store is None and address is None:
        raise orders.AddressMissing
    try:
        for attempt in range(1, TRIES + 1):
            plan = None
            if address is not None:
                order, lines = await orders.read_order(trade.db, owner, order_id)
                plan = await pay_balance.plan_delivery(trade.look, order, lines, address)
            way = pay_balance.Way(store, address, contact, plan)

            async def work(tx: Tx, way: pay_balance.Way = way) -> OrderView:
                await pay_balance.start_balance(
                    tx,
                    trade.look,
                    member_id=owner,
                    order_id=order_id,
                    way=way,
                    secret=trade.secret,
                    actor=member.actor,
                )
                return await order_view.view(tx, owner, order_id)

            try:
                return await write.run(work)
            except Unavailable:
                if attempt == TRIES:
                    raise
        raise NotFound
    except inventory.InsufficientStock as refused:
        await note_refusal(trade.look, refused, channel="mall", who=owner)
        raise


@get("/api/mall/orders/{order_id:uuid}/preorder-code", opt=doors.member(order_id="preorder"))
async def preorder_code(db: Database, member: Member, trade: Trade, order_id: UUID) -> Answer[PreorderCodeView]:
    """The code with which the balance of a pre-order is paid at a till: as long as it is booked."""
    owner = await owner_of(db, member, order_id)
    booked = await db.fetchval(
        "SELECT true FROM orders WHERE member_id = $1 AND id = $2 AND state = 'booked'", owner, order_id
    )
    if booked is None:
        raise NotFound
    code = orders.preorder_code_of(order_id, trade.secret)
    view: Any = PreorderCodeView(code.qr, code.spaced, segno.make(code.qr, error="m").svg_inline(scale=8, border=2))
    return ready(msgspec.json.encode(view), headers=[(b"cache-control", b"no-store")])


ROUTES = [list_presales, book_presale, start_balance, preorder_code]
