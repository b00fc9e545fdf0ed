"""An order as people see it: the stored facts, and the state and next steps that follow from them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment, orders
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.stores import directory
from duoline.stores.types import StoreCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.kernel.db import Database, Tx


class Image(msgspec.Struct, frozen=True):
    """A picture and where it is."""

    sha: str
    url: str
    thumb_url: str
    width: int
    height: int


def image_of(sha: str | None) -> Image | None:
    """The addresses of a stored picture. Product pictures are square."""
    return None if sha is None else Image(sha, f"/media/{sha}", f"/media/{sha}?w=320", 800, 800)


class ContactView(msgspec.Struct, frozen=True):
    """Whom to ask for."""

    name: str
    phone: str


class OfferShare(msgspec.Struct, frozen=True):
    """What a promotion took off a line."""

    name: Text
    amount: Money


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line: what was ordered, what it costs before (`amount`) and after offers (`net`) and why, and how far it is.

    A `gift` came by itself with what was bought: it costs nothing, and goes when what it was given for goes."""

    id: UUID
    n: int
    sku_id: UUID
    sku_code: str
    product_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int
    handed: int
    cancelled: int
    returned: int
    unit_price: Money
    amount: Money
    net: Money
    offers: list[OfferShare]
    gift: bool
    method: str
    store_code: str | None


class ShareView(msgspec.Struct, frozen=True):
    """Units of a line in a fulfilment."""

    line_id: UUID
    quantity: int


class FulfilmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What one location does for the order. Of a `transfer`, `to` is the shop where its units will be collected.

    `reminded_at`: when its buyer was told that its time runs out. `in_shop`: its buyer waits for it in the shop.
    """

    id: UUID
    kind: str
    state: str
    in_shop: bool
    store: StoreCard
    to: StoreCard | None
    promise_at: datetime
    ready_at: datetime | None
    keep_until: datetime | None
    reminded_at: datetime | None
    done_at: datetime | None
    lines: list[ShareView]
    carrier: str | None
    tracking_no: str | None


class ReturnedUnits(msgspec.Struct, frozen=True):
    """Units of a line that were brought back, and how they were."""

    line_id: UUID
    quantity: int
    condition: str


class WayView(msgspec.Struct, frozen=True):
    """An amount that goes back by the way it had come; `state` of its refund: requested, done or failed."""

    tender: str
    amount: Money
    state: str


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """What was brought back to a shop, why, and what went back for it; `kept` of it for lost offers.

    Below nothing is kept when what was kept before went back too."""

    id: UUID
    at: datetime
    store: StoreCard
    reason: str
    note: str
    lines: list[ReturnedUnits]
    refund: Money
    kept: Money
    ways: list[WayView]


class UsedCoupon(msgspec.Struct, frozen=True):
    """A coupon that the order used. `returned`: whether it is good again with everything that it took off (`whole`), or
    only when the order comes to nothing (`never`); `back_at` since when it is."""

    name: Text
    returned: str
    grace_days: int
    back_at: datetime | None


class EventView(msgspec.Struct, frozen=True):
    """One step of the order's story."""

    at: datetime
    kind: str
    data: dict[str, Any]


class PreorderView(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a pre-order, and which step of it is next.

    `step`: its `deposit` is to be paid; `booked`; its `balance` is being paid, online or at a till; `paid`; `ended`.
    `balance_open` says whether the balance can be paid now, and `keeps_if_cancelled` whether cancelling now would cost
    the deposit. `store` is where its buyer wants to collect it, until they say otherwise with the balance.
    """

    presale_id: UUID
    step: Literal["deposit", "booked", "balance", "paid", "ended"]
    deposit: Money
    balance: Money
    balance_from: datetime
    balance_until: datetime
    balance_open: bool
    expected_on: date
    cancel_terms: orders.CancelTerms
    unpaid_terms: orders.UnpaidTerms
    keeps_if_cancelled: bool
    way: orders.Method
    store: StoreCard | None
    redeemed_at: datetime | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The order. `waiting` are units that the member has to decide about; `frozen` those that a person of ours looks
    after, because shops could not serve them. `preorder` of one that was booked in a pre-sale; `forfeited` is what of
    its deposit was kept."""

    id: UUID
    order_no: str
    channel: str
    state: str
    pay_mode: str
    pay_state: str
    placed_at: datetime
    pay_by_at: datetime | None
    contact: ContactView
    address: dict[str, Any] | None
    note: str
    subtotal: Money
    delivery_fee: Money
    discount: Money
    total: Money
    paid: Money
    refunded: Money
    forfeited: Money
    preorder: PreorderView | None
    lines: list[LineView]
    fulfilments: list[FulfilmentView]
    waiting: list[ShareView]
    frozen: list[ShareView]
    returns: list[ReturnView]
    coupons: list[UsedCoupon]
    timeline: list[EventView]
    actions: list[str]


class Found(msgspec.Struct, frozen=True):
    """An order with whose it is."""

    member_id: UUID
    view: OrderView


async def view(db: Database | Tx, member_id: UUID, order_id: UUID) -> OrderView:
    """One order of a member. Refuses with `NotFound`."""
    return of(await document(db, member_id, order_id))


async def document(db: Database | Tx, member_id: UUID, order_id: UUID) -> dict[str, Any]:
    """One order as `duo_order` gives it. Refuses with `NotFound`."""
    doc: dict[str, Any] | None = await db.fetchval("SELECT duo_order($1, $2)", member_id, order_id)
    if doc is None:
        raise NotFound
    return doc


async def views(db: Database | Tx, keys: Sequence[tuple[UUID, UUID]]) -> list[OrderView]:
    """Several orders, (member, order) each, in the order asked for."""
    rows = await db.fetch(
        """SELECT duo_order(k.member_id, k.order_id) AS doc
           FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k(member_id, order_id, n) ORDER BY k.n""",
        [member for member, _ in keys],
        [order for _, order in keys],
    )
    return [of(row["doc"]) for row in rows if row["doc"] is not None]


def of(doc: dict[str, Any]) -> OrderView:
    """The view of a document of `duo_order`."""
    chain, currency = directory.current(), doc["currency"]
    jobs = [
        FulfilmentView(
            id=UUID(job["id"]),
            kind=job["kind"],
            state=job["state"],
            in_shop=job["in_shop"],
            store=chain.card(chain.store(UUID(job["location_id"]))),
            to=chain.card(chain.store(UUID(job["to_location_id"]))) if job["to_location_id"] else None,
            promise_at=_at(job["promise_at"]),
            ready_at=_maybe(job["ready_at"]),
            keep_until=_maybe(job["keep_until"]),
            reminded_at=_maybe(job["reminded_at"]),
            done_at=_maybe(job["done_at"]),
            lines=[ShareView(UUID(share["line_id"]), share["quantity"]) for share in job["lines"]],
            carrier=job["carrier"],
            tracking_no=job["tracking_no"],
        )
        for job in doc["fulfilments"]
        if job["kind"] != "till"  # lies on the counter: nothing is fulfilled afterwards
    ]
    lines = [_line(line, currency, chain) for line in doc["lines"]]
    nobodys = unserved(doc["stored_state"], doc["channel"], lines, jobs)
    delivered = {line.id for line in lines if line.method == "delivery"}
    waiting = [share for share in nobodys if share.line_id not in delivered]
    frozen = [share for share in nobodys if share.line_id in delivered]
    # Where everything came back from, nothing is on its way any more, told or not.
    over = doc["stored_state"] == "completed" and all(line.handed == line.returned for line in lines)
    stages = [] if over else [Stage(job.kind, job.state) for job in jobs]
    state = visible_state(doc["stored_state"], stages, waiting=bool(waiting), frozen=bool(frozen))
    preorder = _preorder(doc, chain)
    return OrderView(
        id=UUID(doc["id"]),
        order_no=doc["order_no"],
        channel=doc["channel"],
        state=state,
        pay_mode=doc["pay_mode"],
        pay_state=pay_state(doc["stored_state"], doc["paid_minor"], doc["refunded_minor"], doc["total_minor"]),
        placed_at=_at(doc["placed_at"]),
        pay_by_at=_maybe(doc["pay_by_at"]),
        contact=ContactView(doc["contact"]["name"], phones.national(doc["contact"]["phone"])),
        address=doc["address"],
        note=doc["note"],
        subtotal=Money(doc["subtotal_minor"], currency),
        delivery_fee=Money(doc["delivery_fee_minor"], currency),
        discount=Money(doc["discount_minor"], currency),
        total=Money(doc["total_minor"], currency),
        paid=Money(doc["paid_minor"], currency),
        refunded=Money(doc["refunded_minor"], currency),
        forfeited=Money(doc["forfeited_minor"], currency),
        preorder=preorder,
        lines=lines,
        fulfilments=jobs,
        waiting=waiting,
        frozen=frozen,
        returns=[_return(one, currency, chain) for one in doc["returns"]],
        coupons=[
            UsedCoupon(Text(**one["name"]).filled, one["returned"], one["grace_days"], _maybe(one["back_at"]))
            for one in doc["coupons"]
        ],
        timeline=[EventView(_at(event["at"]), event["kind"], event["data"]) for event in doc["timeline"]],
        actions=actions(state, doc["stored_state"], lines, jobs, waiting, preorder, pay_mode=doc["pay_mode"]),
    )


def _preorder(doc: dict[str, Any], chain: directory.Chain) -> PreorderView | None:
    terms, stored = doc["preorder"], doc["stored_state"]
    if terms is None:
        return None
    now, balance_from, balance_until = clock.now(), _at(terms["balance_from"]), _at(terms["balance_until"])
    store = chain.stores.get(UUID(terms["store_id"])) if terms["store_id"] else None
    return PreorderView(
        presale_id=UUID(terms["presale_id"]),
        step=_step(stored, doc["paid_minor"] - doc["refunded_minor"], terms["deposit_minor"]),
        deposit=Money(terms["deposit_minor"], doc["currency"]),
        balance=Money(terms["balance_minor"], doc["currency"]),
        balance_from=balance_from,
        balance_until=balance_until,
        balance_open=stored == "booked" and balance_from <= now < balance_until,
        expected_on=date.fromisoformat(terms["expected_on"]),
        cancel_terms=terms["cancel_terms"],
        unpaid_terms=terms["unpaid_terms"],
        keeps_if_cancelled=orders.keeps_when_cancelled(
            terms["cancel_terms"], terms["unpaid_terms"], balance_from=balance_from, at=now
        ),
        way=terms["way"],
        store=chain.card(store) if store else None,
        redeemed_at=_maybe(terms["redeemed_at"]),
    )


def _step(stored: str, kept_minor: int, deposit_minor: int) -> Literal["deposit", "booked", "balance", "paid", "ended"]:
    if stored == "booked":
        return "booked"
    if stored == "awaiting_payment":
        return "balance" if kept_minor >= deposit_minor else "deposit"
    return "ended" if stored in ("cancelled", "expired") else "paid"


def _line(line: dict[str, Any], currency: str, chain: directory.Chain) -> LineView:
    store = chain.stores.get(UUID(line["store_id"])) if line["store_id"] else None
    return LineView(
        id=UUID(line["id"]),
        n=line["n"],
        sku_id=UUID(line["sku_id"]),
        sku_code=line["sku_code"],
        product_code=line["product_code"],
        name=Text(**line["name"]),
        options=line["options"],
        image=image_of(line["image_sha"]),
        quantity=line["quantity"],
        handed=line["handed"],
        cancelled=line["cancelled"],
        returned=line["returned"],
        unit_price=Money(line["unit_price_minor"], currency),
        amount=Money(line["amount_minor"], currency),
        net=Money(line["net_minor"], currency),
        offers=[OfferShare(Text(**one["name"]).filled, Money(one["amount_minor"], currency)) for one in line["offers"]],
        gift=line["gift"],
        method=line["method"],
        store_code=store.code if store else None,
    )


def _return(one: dict[str, Any], currency: str, chain: directory.Chain) -> ReturnView:
    return ReturnView(
        id=UUID(one["id"]),
        at=_at(one["at"]),
        store=chain.card(chain.store(UUID(one["location_id"]))),
        reason=one["reason"],
        note=one["note"],
        lines=[ReturnedUnits(UUID(line["line_id"]), line["quantity"], line["condition"]) for line in one["lines"]],
        refund=Money(one["refund_minor"], currency),
        kept=Money(one["kept_minor"], currency),
        ways=[WayView(way["tender"], Money(way["amount_minor"], currency), way["state"]) for way in one["ways"]],
    )


# Sold over the counter, or long ago: nobody waits for these units.
SERVED_AT_ONCE = ("till", "import")


def unserved(stored: str, channel: str, lines: Sequence[LineView], jobs: Sequence[FulfilmentView]) -> list[ShareView]:
    """Units that are due and that no location serves: the member is asked about them, or a person looks after them."""
    if stored != "confirmed" or channel in SERVED_AT_ONCE:
        return []
    serving: dict[UUID, int] = {}
    for job in jobs:
        if fulfilment.serves(job.kind, job.state):
            for share in job.lines:
                serving[share.line_id] = serving.get(share.line_id, 0) + share.quantity
    due = {line.id: line.quantity - line.handed - line.cancelled - serving.get(line.id, 0) for line in lines}
    return [ShareView(line, quantity) for line, quantity in due.items() if quantity > 0]


class Stage(NamedTuple):
    """How far one fulfilment is."""

    kind: str
    state: str


def visible_state(stored: str, jobs: Sequence[Stage], *, waiting: bool, frozen: bool) -> str:
    """The state in a buyer's words. What needs the buyer comes first: `waiting` for an answer, something to collect.
    Then what needs a person of ours: `frozen`."""
    if stored != "confirmed":
        on_the_way = stored == "completed" and any(job.state == "shipped" for job in jobs)
        return "on_the_way" if on_the_way else stored
    if waiting:
        return "needs_answer"
    states = {job.state for job in jobs}
    if any(job.state == "ready" and job.kind == "pickup" for job in jobs):
        return "ready"
    if frozen:
        return "needs_person"
    if states & {"to_pick", "waiting", "ready"}:
        return "preparing"
    return "on_the_way" if "shipped" in states else "preparing"


def pay_state(stored: str, paid_minor: int, refunded_minor: int, total_minor: int) -> str:
    """How the money stands, in one word."""
    if stored in ("awaiting_payment", "booked"):
        return "deposit_paid" if stored == "booked" else "unpaid"
    if paid_minor == 0:
        return "paid" if total_minor == 0 else "unpaid"
    if refunded_minor == 0:
        return "paid"
    return "refunded" if refunded_minor == paid_minor else "partly_refunded"


def actions(
    state: str,
    stored: str,
    lines: Sequence[LineView],
    jobs: Sequence[FulfilmentView],
    waiting: Sequence[ShareView],
    preorder: PreorderView | None,
    *,
    pay_mode: str,
) -> list[str]:
    """What the buyer can do next. What waits at a till is between them and the clerk."""
    found: list[str] = []
    if pay_mode == "till":
        return found
    if state == "awaiting_payment":
        found.append("pay")
    if preorder is not None and stored == "booked":
        found += ["pay_balance", "show_preorder_code"] if preorder.balance_open else ["show_preorder_code"]
    if waiting:
        found.append("answer")
    if stored == "confirmed" and any(job.kind == "pickup" and job.state in ("to_pick", "ready") for job in jobs):
        found.append("show_code")
    if stored in ("awaiting_payment", "booked", "confirmed") and any(
        line.quantity > line.handed + line.cancelled for line in lines
    ):
        found.append("cancel")
    return found


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def promised_at(order: OrderView) -> datetime | None:
    """When the last of what is still to come is promised; None when nothing is."""
    open_states = ("waiting", "to_pick", "ready", "shipped")
    return max((job.promise_at for job in order.fulfilments if job.lines and job.state in open_states), default=None)


def place_of(order: OrderView) -> str:
    """The part of the town that an order is sent to, for those who need not know the street."""
    address = order.address or {}
    parts = [str(address.get(name) or "") for name in ("province", "city", "district")]
    return " ".join(part for n, part in enumerate(parts) if part and part not in parts[:n])
