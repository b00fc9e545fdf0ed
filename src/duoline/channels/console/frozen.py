"""Orders that wait for a person: units of a delivery that shops rejected too often to be sourced by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.console.order_case import OrderCase, case_of, owner, told
from duoline.channels.console.orders import patterns
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import look_after
from duoline.flows.elsewhere import Elsewhere
from duoline.flows.order_view import ShareView
from duoline.flows.trade import Trade
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Unavailable
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.orders import ServedElsewhere
from duoline.stores.directory import Chain

PLAN_TRIES = 3


class FrozenRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits, since when, how many units and what they cost, and who rejected them."""

    order_id: UUID
    order_no: str
    since_at: datetime
    rejections: int
    units: int
    amount: Money
    articles: list[Text]
    customer_name: str
    phone_masked: str
    city: str
    store_codes: list[str]


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A location that could send units that wait. `rejected`: it has rejected units of this order before."""

    store_code: str
    name: Text
    kind: str
    distance_km: float
    open_work: int
    lines: list[ShareView]
    units: int
    rejected: bool


class Sourcing(Input, frozen=True, kw_only=True):
    """Where the units come from (sourcing chooses when absent), and why."""

    location_code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class FrozenRefund(Input, frozen=True, kw_only=True):
    """Why the money goes back. `units` as they were seen: when others wait meanwhile, nothing is done."""

    units: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


_LIST = """
SELECT z.member_id, z.order_id, z.since_at, z.rejections, o.order_no, o.contact_name, o.contact_phone, o.currency,
       coalesce(o.address->>'city', '') AS city, w.units, w.amount_minor, w.articles,
       (SELECT array_agg(DISTINCT f.location_id) FROM fulfilments f
         WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND f.state = 'rejected') AS rejected_by
FROM frozen_orders z
JOIN orders o ON o.member_id = z.member_id AND o.id = z.order_id
CROSS JOIN LATERAL (
    SELECT sum(x.units)::integer AS units, sum(x.value_minor)::bigint AS amount_minor,
           jsonb_agg(x.name ORDER BY x.n) FILTER (WHERE x.units > 0) AS articles
    FROM (SELECT l.n, l.name, q.units, duo_value(l.net_minor, l.quantity, q.units) AS value_minor
          FROM order_lines l, LATERAL (SELECT l.quantity - l.handed - l.cancelled - coalesce((
                     SELECT sum(s.quantity) FROM fulfilments f
                     JOIN fulfilment_lines s ON s.location_id = f.location_id AND s.fulfilment_id = f.id
                     WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND s.line_id = l.id
                       AND f.state IN ('waiting', 'to_pick', 'ready')), 0) AS units) q
          WHERE l.member_id = o.member_id AND l.order_id = o.id AND l.method = 'delivery') x) w
WHERE ($1 OR o.location_ids <@ $2)
  AND ($3::text IS NULL OR upper(o.order_no) LIKE $3 OR reverse(o.contact_phone) LIKE $4::text
       OR o.contact_name ILIKE $5::text)
  AND ($6::timestamptz IS NULL OR (z.since_at, z.order_id) > ($6, $7::uuid))
ORDER BY z.since_at, z.order_id LIMIT $8
"""


@get("/api/console/frozen-orders", opt=doors.staff("orders.dispatch"))
async def list_frozen(
    db: Database, staff: Staff, chain: Chain, q: Search = "", limit: Limit = 50, cursor: Cursor = None
) -> Page[FrozenRow]:
    """Orders that wait for a person, the longest waiting first. `q` is the beginning of a number, the end of a phone,
    or a name. Only orders all of whose shops one may see."""
    after = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    number, phone, name = patterns(q)
    rows = await db.fetch_filtered(_LIST, *staff.scope("orders.dispatch").sql, number, phone, name, *after, limit + 1)
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["since_at"], shown[-1]["order_id"]) if len(rows) > limit else None
    return Page(
        [
            FrozenRow(
                order_id=row["order_id"],
                order_no=row["order_no"],
                since_at=row["since_at"],
                rejections=row["rejections"],
                units=row["units"] or 0,
                amount=Money(row["amount_minor"] or 0, row["currency"]),
                articles=[Text(**name) for name in row["articles"] or ()],
                customer_name=row["contact_name"],
                phone_masked=phones.masked(row["contact_phone"]) or "",
                city=row["city"],
                store_codes=[chain.store(place).code for place in row["rejected_by"] or ()],
            )
            for row in shown
        ],
        following,
    )


@get("/api/console/orders/{order_id:uuid}/sources", opt=doors.staff("orders.dispatch", order_id="order"))
async def list_sources(
    db: Database, staff: Staff, trade: Trade, order_id: UUID, q: Search = "", limit: Limit = 50, cursor: Cursor = None
) -> Page[SourceView]:
    """Locations that could send what waits of this order: those with most of it first, then the nearest.

    `q` is a part of a code or a name. Only locations that one may dispatch for, and 403 `orders.served-elsewhere` for
    an order that has to do with others.
    """
    member_id = await owner(db, staff, order_id, "orders.dispatch")
    await _reach(db, staff, member_id, order_id)
    scope, begin = staff.scope("orders.dispatch"), max(0, cursors.unpack(cursor, int)[0]) if cursor else 0
    wanted = q.strip().casefold()
    found = [
        one
        for one in await look_after.sources(trade.look, member_id=member_id, order_id=order_id)
        if one.store.id in scope
        and any(wanted in word.casefold() for word in (one.store.code, one.store.name.zh, one.store.name.en))
    ]
    shown = found[begin : begin + limit]
    return Page(
        [
            SourceView(
                store_code=one.store.code,
                name=one.store.name,
                kind=one.store.kind,
                distance_km=round(one.distance_km, 1),
                open_work=one.open_work,
                lines=[ShareView(line, units) for line, units in one.units.items()],
                units=sum(one.units.values()),
                rejected=one.rejected,
            )
            for one in shown
        ],
        cursors.pack(begin + limit) if begin + limit < len(found) else None,
        len(found),
    )


async def _reach(db: Database, staff: Staff, member_id: UUID, order_id: UUID) -> None:
    """Units that are nobody's are for whoever reaches all shops that the order has to do with."""
    everything, locations = staff.scope("orders.dispatch").sql
    inside = await db.fetchval(
        "SELECT $3 OR location_ids <@ $4 FROM orders WHERE member_id = $1 AND id = $2",
        member_id,
        order_id,
        everything,
        locations,
    )
    if not inside:
        raise ServedElsewhere


@post(
    "/api/console/orders/{order_id:uuid}/sourcing",
    opt=doors.staff("orders.dispatch", order_id="order", location_code="store"),
    status_code=200,
)
async def source_again(
    write: Write, db: Database, staff: Staff, trade: Trade, chain: Chain, order_id: UUID, data: Sourcing
) -> Answer[OrderCase]:
    """Source what waits of an order again: from a location of one's choice, or let sourcing choose.

    What there is not enough of goes on waiting. 409 `orders.nothing-frozen` when somebody else was quicker,
    `orders.nobody-has-it` when nothing can be sent from there.
    """
    member_id = await owner(db, staff, order_id, "orders.dispatch")
    at = staff.store(data.location_code, "orders.dispatch").id if data.location_code else None
    stored: Answer[OrderCase] | None = await write.replay()
    if stored is not None:
        return stored
    scope = staff.scope("orders.dispatch")
    for attempt in range(PLAN_TRIES):
        plan = await look_after.plan_again(
            trade.look, member_id=member_id, order_id=order_id, at=at, by=staff.actor.name
        )

        async def work(tx: Tx, plan: Elsewhere = plan) -> OrderCase:
            await look_after.source_again(
                tx,
                trade.look,
                member_id=member_id,
                order_id=order_id,
                plan=plan,
                reason=data.reason,
                actor=staff.actor,
                within=None if scope.everything else scope.store_ids,
            )
            case = await case_of(tx, chain, member_id, order_id, staff.scope("orders.read"))
            return await told(tx, staff, chain, case)

        try:
            return await write.run(work)
        except Unavailable:
            if attempt == PLAN_TRIES - 1:
                raise
    raise Unavailable("the units elsewhere are being taken; try again")


@post(
    "/api/console/orders/{order_id:uuid}/frozen-refund",
    opt=doors.staff("orders.dispatch", order_id="order"),
    status_code=200,
)
async def refund_frozen(
    write: Write, db: Database, staff: Staff, chain: Chain, order_id: UUID, data: FrozenRefund
) -> Answer[OrderCase]:
    """Cancel what waits of an order and give its money back.

    409 `orders.nothing-frozen` when it is not what was seen any more.
    """
    member_id = await owner(db, staff, order_id, "orders.dispatch")
    scope = staff.scope("orders.dispatch")

    async def work(tx: Tx) -> OrderCase:
        await look_after.refund_frozen(
            tx,
            member_id=member_id,
            order_id=order_id,
            units=data.units,
            reason=data.reason,
            actor=staff.actor,
            within=None if scope.everything else scope.store_ids,
        )
        case = await case_of(tx, chain, member_id, order_id, staff.scope("orders.read"))
        return await told(tx, staff, chain, case)

    return await write.run(work)


ROUTES = [list_frozen, list_sources, source_again, refund_frozen]
