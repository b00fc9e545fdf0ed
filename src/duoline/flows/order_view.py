"""An order as people see it: the stored facts, and the state and next steps that follow from them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
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


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line: what was ordered, and how far it is."""

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
    unit_price: Money
    amount: Money
    method: str
    store_code: str | None


class ShareView(msgspec.Struct, frozen=True):
    """Units of a line in a fulfilment."""

    line_id: UUID
    quantity: int


class FulfilmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What one location does for the order. Of a `transfer`, `to` is the shop where its units will be collected.

    `reminded_at`: when its buyer was told that its time runs out.
    """

    id: UUID
    kind: str
    state: str
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


class EventView(msgspec.Struct, frozen=True):
    """One step of the order's story."""

    at: datetime
    kind: str
    data: dict[str, Any]


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The order. `waiting` are units that the member has to decide about; `frozen` those that a person of ours looks
    after, because shops could not serve them."""

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
    lines: list[LineView]
    fulfilments: list[FulfilmentView]
    waiting: list[ShareView]
    frozen: list[ShareView]
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
    ]
    lines = [_line(line, currency, chain) for line in doc["lines"]]
    nobodys = unserved(doc["stored_state"], doc["channel"], lines, jobs)
    delivered = {line.id for line in lines if line.method == "delivery"}
    waiting = [share for share in nobodys if share.line_id not in delivered]
    frozen = [share for share in nobodys if share.line_id in delivered]
    stages = [Stage(job.kind, job.state) for job in jobs]
    state = visible_state(doc["stored_state"], stages, waiting=bool(waiting), frozen=bool(frozen))
    return OrderView(
        id=UUID(doc["id"]),
        order_no=doc["order_no"],
        channel=doc["channel"],
        state=state,
        pay_mode=doc["pay_mode"],
        pay_state=pay_state(doc["paid_minor"], doc["refunded_minor"], doc["total_minor"]),
        placed_at=_at(doc["placed_at"]),
        pay_by_at=_maybe(doc["pay_by_at"]),
        contact=ContactView(**doc["contact"]),
        address=doc["address"],
        note=doc["note"],
        subtotal=Money(doc["subtotal_minor"], currency),
        delivery_fee=Money(doc["delivery_fee_minor"], currency),
        discount=Money(doc["discount_minor"], currency),
        total=Money(doc["total_minor"], currency),
        paid=Money(doc["paid_minor"], currency),
        refunded=Money(doc["refunded_minor"], currency),
        lines=lines,
        fulfilments=jobs,
        waiting=waiting,
        frozen=frozen,
        timeline=[EventView(_at(event["at"]), event["kind"], event["data"]) for event in doc["timeline"]],
        actions=actions(state, doc["stored_state"], lines, jobs, waiting),
    )


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
        unit_price=Money(line["unit_price_minor"], currency),
        amount=Money(line["amount_minor"], currency),
        method=line["method"],
        store_code=store.code if store else None,
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


def pay_state(paid_minor: int, refunded_minor: int, total_minor: int) -> str:
    """How the money stands, in one word."""
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
) -> list[str]:
    """What the buyer can do next."""
    found = []
    if state == "awaiting_payment":
        found.append("pay")
    if waiting:
        found.append("answer")
    if stored == "confirmed" and any(job.kind == "pickup" and job.state in ("to_pick", "ready") for job in jobs):
        found.append("show_code")
    if stored in ("awaiting_payment", "confirmed") and any(
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
