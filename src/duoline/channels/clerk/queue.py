"""The shop's queue: what has to be picked, handed over, sent; each card with all a clerk needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import catalog
from duoline.catalog.types import SkuFacts
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Search
from duoline.channels.http.sessions import Staff
from duoline.flows import own_part
from duoline.flows.order_view import EventView, Image, image_of
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text, plain
from duoline.members import phones
from duoline.members.errors import BadPhone
from duoline.stores import directory
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope

StoreCode = Annotated[str, Parameter(max_length=40, description="Code of the shop.")]

# How much of a pickup code and of a phone a card shows.
CODE_TAIL, PHONE_TAIL = 2, 4

# Tabs and the states they show.
TABS: dict[str, tuple[str, ...]] = {
    "to_pick": ("to_pick",),
    "ready": ("ready",),
    "incoming": ("waiting",),
    "done": ("handed_over", "shipped", "delivered", "cancelled", "uncollected", "rejected"),
}


class CardLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units to pick. `net` is what they cost together after offers."""

    line_id: UUID
    sku_id: UUID
    sku_code: str
    gtin: str | None
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int
    shelf: str | None
    unit_price: Money
    net: Money


class Why(msgspec.Struct, frozen=True):
    """Why this location got the order."""

    policy_version: int
    summary: Text


class Destination(msgspec.Struct, frozen=True):
    """The shop that a box goes to."""

    code: str
    name: Text


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One fulfilment as a clerk sees it. `due` is what the customer still has to pay here.

    `in_shop`: the customer stands in the shop and waits for it. Of a `transfer`, `to` is the shop where the customer
    collects it; who that is, only that shop is told.
    """

    id: UUID
    order_id: UUID
    order_no: str
    kind: str
    state: str
    in_shop: bool
    code_tail: str | None
    customer_name: str
    phone_tail: str
    channel: str
    pay_mode: str
    paid: bool
    due: Money
    promise_at: datetime
    placed_at: datetime
    ready_at: datetime | None
    keep_until: datetime | None
    done_at: datetime | None
    lines: list[CardLine]
    note: str | None
    why: Why | None
    address: dict[str, Any] | None
    to: Destination | None
    carrier: str | None
    tracking_no: str | None


class Counts(msgspec.Struct, frozen=True):
    """How many cards each tab has."""

    to_pick: int
    ready: int
    incoming: int


class Queue(msgspec.Struct, frozen=True):
    """A page of the queue."""

    items: list[Card]
    next: str | None
    counts: Counts


class CardDetail(Card, frozen=True, kw_only=True):
    """A card with its order's story and the whole sourcing decision."""

    timeline: list[EventView]
    sourcing: dict[str, Any] | None


_CARDS = """
SELECT f.id, f.location_id, f.member_id, f.order_id, f.order_no, f.kind, f.state, f.in_shop, f.short_code,
       f.contact_name, f.contact_phone, f.pay_mode, f.paid, f.promise_at, f.placed_at, f.ready_at, f.keep_until,
       f.done_at, f.note, f.address, f.to_location_id, f.carrier, f.tracking_no, o.channel, o.currency,
       d.policy_version, d.summary,
       jsonb_array_length(d.chosen) AS parcels,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'line_id', w.line_id, 'sku_id', w.sku_id, 'quantity', w.quantity, 'shelf', v.shelf,
                   'unit_price_minor', l.unit_price_minor,
                   'value_minor', duo_value(l.net_minor, l.quantity, l.handed - l.returned + w.quantity)
                                  - duo_value(l.net_minor, l.quantity, l.handed - l.returned))
                   ORDER BY v.shelf NULLS LAST, l.n), '[]')
        FROM fulfilment_lines w
        JOIN order_lines l ON l.member_id = f.member_id AND l.order_id = f.order_id AND l.id = w.line_id
        JOIN levels v ON v.location_id = w.location_id AND v.sku_id = w.sku_id
        WHERE w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0) AS lines
FROM fulfilments f
JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id
LEFT JOIN sourcing_decisions d ON d.member_id = f.member_id AND d.order_id = f.order_id AND d.id = f.decision_id
"""


@get("/api/clerk/queue", opt=doors.staff("fulfil", store="store"))
async def read_queue(
    db: Database,
    staff: Staff,
    store: StoreCode,
    tab: Literal["to_pick", "ready", "incoming", "done"] = "to_pick",
    q: Search = "",
    limit: Limit = 30,
    cursor: Cursor = None,
) -> Queue:
    """The shop's work, most urgent first; what is done, newest first.

    `q` looks into what the cards show: order number, customer's name, tracking number, the last four digits of the
    phone and the last two of the pickup code.
    """
    location = staff.store(store, "fulfil").id
    after = cursors.unpack(cursor, datetime, UUID) if cursor else None
    done = tab == "done"
    # The key of the order is one column per tab, so that the index serves it.
    column, ahead, sort = ("f.done_at", "<", "DESC") if done else ("f.promise_at", ">", "ASC")
    rows = await db.fetch_filtered(
        f"""{_CARDS}
        WHERE f.location_id = $1 AND f.kind <> 'till' AND f.state = ANY ($2)
          {"AND f.done_at IS NOT NULL" if done else ""}
          AND ($3 = '' OR f.order_no ILIKE '%' || $3 || '%' OR f.tracking_no = $10 OR right(f.short_code, $9) = $8
               OR (f.kind <> 'transfer' AND (f.contact_name ILIKE '%' || $3 || '%'
                                             OR right(f.contact_phone, length($7)) = $7)))
          AND ($4::timestamptz IS NULL OR ({column}, f.id) {ahead} ($4, $5::uuid))
        ORDER BY {column} {sort}, f.id {sort} LIMIT $6""",
        location,
        list(TABS[tab]),
        plain(q),
        after[0] if after else None,
        after[1] if after else None,
        limit + 1,
        _phone_tail(q),
        _code_tail(q),
        CODE_TAIL,
        q.strip(),
    )
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = cursors.pack(last["done_at" if done else "promise_at"], last["id"])
    counts = await db.fetchrow(
        """SELECT count(*) FILTER (WHERE state = 'to_pick') AS to_pick,
            count(*) FILTER (WHERE state = 'ready') AS ready,
                  count(*) FILTER (WHERE state = 'waiting') AS incoming
           FROM fulfilments WHERE location_id = $1 AND kind <> 'till' AND state IN ('waiting', 'to_pick', 'ready')""",
        location,
    )
    return Queue(await _cards(db, shown), following, Counts(*(counts or (0, 0, 0))))


# A search that looked at more than is shown would tell the rest, digit by digit, to whoever asks often enough.


def _phone_tail(q: str) -> str | None:
    """The end of a phone that is looked for; of a whole number only what the cards show of it."""
    text = q.strip()
    if len(text) <= PHONE_TAIL:
        return text if text.isdecimal() else None
    try:
        return phones.normalise(text)[-PHONE_TAIL:]
    except BadPhone:
        return None


def _code_tail(q: str) -> str | None:
    """The end of a pickup code that is looked for: all that the cards show of it and nothing else."""
    text = q.strip().removeprefix("…")
    return text if len(text) == CODE_TAIL and text.isdecimal() else None


@get("/api/clerk/fulfilments/{fulfilment_id:uuid}", opt=doors.staff("fulfil", fulfilment_id="fulfilment"))
async def read_fulfilment(db: Database, staff: Staff, chain: Chain, fulfilment_id: UUID) -> CardDetail:
    """One card with why this shop got it, and the order's story as far as it happened at the shops one works for."""
    location = await locate(db, staff, fulfilment_id)
    shown = await card(db, location, fulfilment_id)
    row = await db.fetchrow(
        """SELECT f.order_id, o.location_ids,
                  (SELECT jsonb_object_agg(l.id, l.store_id) FROM order_lines l
                   WHERE l.member_id = o.member_id AND l.order_id = o.id) AS line_stores,
                  (SELECT jsonb_agg(jsonb_build_object('at', e.at, 'kind', e.kind, 'data', e.data) ORDER BY e.at, e.id)
                   FROM order_events e WHERE e.member_id = f.member_id AND e.order_id = f.order_id) AS timeline,
                  (SELECT to_jsonb(d) - 'member_id' FROM sourcing_decisions d
                   WHERE d.member_id = f.member_id AND d.order_id = f.order_id AND d.id = f.decision_id) AS sourcing
           FROM fulfilments f JOIN orders o ON o.member_id = f.member_id AND o.id = f.order_id
           WHERE f.location_id = $1 AND f.id = $2""",
        location,
        fulfilment_id,
    )
    if row is None:
        raise NotFound
    story, sourcing = row["timeline"] or [], row["sourcing"]
    scope = staff.scope("fulfil")
    if not scope.everything and not set(row["location_ids"]) <= scope.store_ids:
        mine = await _part(db, chain, row, scope)
        story = own_part.story(story, mine)
        sourcing = None if sourcing is None else own_part.reason_of(sourcing, mine.codes)
    fields = {name: getattr(shown, name) for name in Card.__struct_fields__}
    timeline = [EventView(datetime.fromisoformat(event["at"]), event["kind"], event["data"]) for event in story]
    return CardDetail(timeline=timeline, sourcing=sourcing, **fields)


async def _part(db: Database, chain: Chain, row: Any, scope: Scope) -> own_part.Own:
    locations = set(row["location_ids"]) & scope.store_ids
    stores = {UUID(line): UUID(store) if store else None for line, store in row["line_stores"].items()}
    return own_part.own(
        await own_part.shares(db, row["order_id"], row["location_ids"]),
        locations=locations,
        codes=[chain.store(location).code for location in locations],
        line_stores=stores,
    )


async def locate(db: Database, staff: Staff, fulfilment_id: UUID) -> UUID:
    """The location of a fulfilment that this clerk may work on. Refuses with `NotFound` when it is elsewhere."""
    everything, locations = staff.scope("fulfil").sql
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM fulfilments WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        fulfilment_id,
        everything,
        locations,
    )
    if location is None:
        raise NotFound
    return location


async def card(db: Database | Tx, location_id: UUID, fulfilment_id: UUID) -> Card:
    """One card. Refuses with `NotFound`."""
    rows = await db.fetch(f"{_CARDS} WHERE f.location_id = $1 AND f.id = $2", location_id, fulfilment_id)
    if not rows:
        raise NotFound
    return (await _cards(db, rows))[0]


async def _cards(db: Database | Tx, rows: Sequence[Any]) -> list[Card]:
    skus = {UUID(line["sku_id"]) for row in rows for line in row["lines"]}
    facts = await catalog.sku_facts(db, skus)
    return [_card(row, facts) for row in rows]


def _card(row: Any, facts: dict[UUID, SkuFacts]) -> Card:
    currency = row["currency"]
    to = directory.current().store(row["to_location_id"]) if row["to_location_id"] else None
    value = sum(line["value_minor"] for line in row["lines"])
    return Card(
        id=row["id"],
        order_id=row["order_id"],
        order_no=row["order_no"],
        kind=row["kind"],
        state=row["state"],
        in_shop=row["in_shop"],
        code_tail=f"…{row['short_code'][-CODE_TAIL:]}" if row["short_code"] else None,
        customer_name="" if to else row["contact_name"],
        phone_tail="" if to else row["contact_phone"][-PHONE_TAIL:],
        channel=row["channel"],
        pay_mode=row["pay_mode"],
        paid=row["paid"],
        due=Money(value if row["pay_mode"] == "at_store" and not row["paid"] else 0, currency),
        promise_at=row["promise_at"],
        placed_at=row["placed_at"],
        ready_at=row["ready_at"],
        keep_until=row["keep_until"],
        done_at=row["done_at"],
        lines=[_line(line, facts[UUID(line["sku_id"])], currency) for line in row["lines"]],
        note=None if to else row["note"] or None,
        why=_why(row),
        address=row["address"],
        to=Destination(to.code, to.name) if to else None,
        carrier=row["carrier"],
        tracking_no=row["tracking_no"],
    )


def _why(row: Any) -> Why | None:
    """Why the order is here; of a delivery in several parcels without saying who sends the others."""
    if not row["summary"]:
        return None
    summary = row["summary"] if row["parcels"] == 1 else own_part.split_summary(row["parcels"])
    return Why(row["policy_version"], Text(**summary))


def _line(line: dict[str, Any], facts: SkuFacts, currency: str) -> CardLine:
    return CardLine(
        line_id=UUID(line["line_id"]),
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        gtin=facts.gtin,
        name=Text(facts.name.zh, facts.name.en),
        options=[msgspec.to_builtins(choice) for choice in facts.options],
        image=image_of(facts.image_sha),
        quantity=line["quantity"],
        shelf=line["shelf"],
        unit_price=Money(line["unit_price_minor"], currency),
        net=Money(line["value_minor"], currency),
    )


ROUTES = [read_queue, read_fulfilment]
