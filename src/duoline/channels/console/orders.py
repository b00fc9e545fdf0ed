"""Orders at headquarters: the list of what one may see, and its file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from litestar.params import QueryParameter

from duoline import fulfilment
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Answer, Cursor, Limit, Page, Search, text_answer
from duoline.channels.http.sessions import Staff
from duoline.flows import order_view
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import plain
from duoline.members import phones
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope

EXPORT_MAX = 10_000


State = Annotated[
    Literal["", "awaiting_payment", "booked", "confirmed", "completed", "cancelled", "expired"],
    QueryParameter(name="state", description="Only orders in this state."),
]


Sort = Literal["-placed_at", "placed_at", "-total", "total"]


_SEEN = "coalesce(own.amount_minor, o.total_minor)"


_SORTS = {
    "-placed_at": ("o.placed_at", "DESC", "<", "timestamptz"),
    "placed_at": ("o.placed_at", "ASC", ">", "timestamptz"),
    "-total": (_SEEN, "DESC", "<", "bigint"),
    "total": (_SEEN, "ASC", ">", "bigint"),
}


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order in a list."""

    id: UUID
    order_no: str
    channel: str
    state: str
    visible: str
    """The state in the words of the order's own page: preparing, ready, on the way, waiting for somebody."""
    pay_mode: str
    pay_state: str
    placed_at: datetime
    total: Money
    units: int
    customer_name: str
    phone_masked: str
    shared: bool
    """False for a franchisee when the buyer did not agree to sharing and nothing is left to hand over: no name, no
    number."""
    store_codes: list[str]


_DAY = """(
      SELECT (o.placed_at AT TIME ZONE s.timezone)::date FROM stores s WHERE s.id = coalesce(o.store_id, (
          SELECT place FROM unnest(o.location_ids) place WHERE $1 OR place = ANY ($2) LIMIT 1)))"""


# Work of one's own shops, or what is on its way to one of them.
OWN = f"(f.location_id = ANY ($2) OR (f.to_location_id = ANY ($2) AND {fulfilment.SERVING}))"


# Whom the order is for, to a franchisee: as long as there is something for their shops to hand over, and after that
# with the buyer's consent alone. A guest is who they turned out to be.
NAMED = f"""(duo_consents(duo_now(o.member_id), 'sharing') OR EXISTS (
    SELECT FROM fulfilments f WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND {OWN}
      AND f.state IN ('waiting', 'to_pick', 'ready')))"""


_LIST = f"""
SELECT o.member_id, o.id, o.order_no, {{named}} AS named, o.channel, o.state, o.pay_mode, o.placed_at,
       o.total_minor, o.paid_minor, o.refunded_minor, o.currency, o.contact_name, o.contact_phone, o.location_ids,
       o.store_id,
       (SELECT sum(l.quantity) FROM order_lines l WHERE l.member_id = o.member_id AND l.order_id = o.id) AS units,
       (SELECT array_agg(DISTINCT f.kind || ' ' || f.state) FROM fulfilments f
         WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND ($1 OR {OWN})) AS jobs,
       (SELECT sum(l.quantity - l.handed - l.cancelled) FROM order_lines l
         WHERE l.member_id = o.member_id AND l.order_id = o.id AND l.method <> 'delivery') AS due,
       EXISTS (SELECT FROM frozen_orders z WHERE z.member_id = o.member_id AND z.order_id = o.id) AS frozen,
       (SELECT sum(w.quantity) FROM fulfilments f
          JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
         WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND f.kind <> 'ship'
           AND {fulfilment.SERVING}) AS served,
       own.units AS own_units, own.amount_minor AS own_minor, own.paid AS own_paid,
       coalesce(own.amount_minor, o.total_minor) AS seen_minor
FROM orders o
-- Of an order that other shops serve too, one sees, counts and sorts by the part of one's own.
LEFT JOIN LATERAL (
    SELECT coalesce(sum(w.quantity), 0)::integer AS units,
           coalesce(sum(duo_value(l.net_minor, l.quantity, w.quantity)), 0)::bigint AS amount_minor,
           coalesce(bool_and(f.paid), false) AS paid
    FROM fulfilments f
    JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id AND w.quantity > 0
    JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id AND l.id = w.line_id
    WHERE {OWN} AND f.location_id = ANY (o.location_ids) AND f.order_id = o.id
) own ON NOT $1 AND NOT (o.location_ids <@ $2)
WHERE ($1 OR o.location_ids && $2 OR o.store_id = ANY ($2))
  AND ($3::text IS NULL OR upper(o.order_no) LIKE $3 OR reverse(o.contact_phone) LIKE $12::text AND {{named}}
       OR o.contact_name ILIKE $13::text AND {{named}})
  AND ($4 = '' OR o.state = $4) AND ($5 = '' OR o.channel = $5)
  AND ($6::uuid IS NULL OR o.location_ids @> ARRAY[$6] OR o.store_id = $6)
  -- The trading day is that of the shop, of several the first that one sees. The instants around it are for the index.
  AND ($7::date IS NULL OR o.placed_at > $7::date - interval '14 hours' AND {_DAY} >= $7)
  AND ($8::date IS NULL OR o.placed_at < $8::date + interval '36 hours' AND {_DAY} <= $8)
"""  # noqa: S608 - only the constants above are put in


def _list(*, partner: bool) -> str:
    """The list for a franchisee, who finds nobody by a name or number that they would not be shown, or for others."""
    return _LIST.format(named=NAMED if partner else "true")


async def _rows(
    db: Database,
    staff: Staff,
    chain: Chain,
    *,
    q: str,
    state: str,
    channel: str,
    store: str | None,
    since: date | None,
    until: date | None,
    sort: Sort,
    limit: int,
    cursor: str | None,
) -> list[Any]:
    everything, locations = staff.scope("orders.read").sql
    column, direction, ahead, kind = _SORTS[sort]
    after = cursors.unpack(cursor, str, UUID) if cursor else None
    number, phone, name = patterns(q)
    value: Any = None
    if after:
        value = int(after[0]) if kind == "bigint" else datetime.fromisoformat(after[0])
    return await db.fetch_filtered(
        f"""{_list(partner=partners.of_a_partner(chain, staff))}
              AND ($9::{kind} IS NULL OR ({column}, o.id) {ahead} ($9, $10::uuid))
            ORDER BY {column} {direction}, o.id {direction} LIMIT $11""",
        everything,
        locations,
        number,
        state,
        channel,
        staff.store(store, "orders.read").id if store else None,
        since,
        until,
        value,
        after[1] if after else None,
        limit,
        phone,
        name,
    )


SHORT_NAME = 2
"""Names of up to so many characters, such as most Chinese ones, are looked for from their beginning: the index knows no
shorter pieces."""


def patterns(q: str) -> tuple[str | None, str | None, str | None]:
    """What to look for: the beginning of an order number (in capitals), the end of a phone (written backwards), a name.

    Each has an index of its own, so that a list of millions is not read for one order.
    """
    q = q.strip()
    if not q:
        return None, None, None
    words = plain(q)
    digits = re.sub(r"[\s+-]", "", q)
    phone = f"{digits[::-1]}%" if digits.isdecimal() else None
    return f"{words.upper()}%", phone, f"{words}%" if len(q) <= SHORT_NAME else f"%{words}%"


Store = Annotated[str | None, QueryParameter(max_length=40)]


Since = Annotated[date | None, QueryParameter(name="from", description="First trading day.")]


Until = Annotated[date | None, QueryParameter(name="to", description="Last trading day.")]


@get("/api/console/orders", opt=doors.staff("orders.read", store="store"))
async def list_orders(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    in_state: State = "",
    channel: Literal["", "mall", "till", "open_api", "import"] = "",
    store: Store = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = "-placed_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OrderRow]:
    """Orders of the shops one may see. `q` is the beginning of a number, the end of a phone, or a name.

    A franchisee is told names and numbers, and finds orders by them, as long as something is left to hand over; after
    that of buyers who agreed to sharing.
    """
    rows = await _rows(
        db, staff, chain, q=q, state=in_state, channel=channel, store=store, since=since, until=until, sort=sort,
        limit=limit + 1, cursor=cursor,
    )  # fmt: skip
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]["seen_minor"] if "total" in sort else shown[-1]["placed_at"].isoformat()
        following = cursors.pack(str(last), shown[-1]["id"])
    scope = staff.scope("orders.read")
    return Page([_row(row, chain, scope) for row in shown], following)


@get("/api/console/orders.csv", media_type="text/csv", opt=doors.staff("orders.read", store="store"))
async def export_orders(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    in_state: State = "",
    channel: Literal["", "mall", "till", "open_api", "import"] = "",
    store: Store = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = "-placed_at",
) -> Answer[str]:
    """The list as a CSV file for a spreadsheet, at most ten thousand orders."""
    rows = await _rows(
        db, staff, chain, q=q, state=in_state, channel=channel, store=store, since=since, until=until, sort=sort,
        limit=EXPORT_MAX, cursor=None,
    )  # fmt: skip
    out = io.StringIO()
    writer, scope = csv.writer(out), staff.scope("orders.read")
    writer.writerow(["order_no", "placed_at", "channel", "state", "pay_state", "units", "total", "currency", "customer",
                     "stores"])  # fmt: skip
    for row in rows:
        one = _row(row, chain, scope)
        writer.writerow([
            one.order_no, _local(row, chain, scope).isoformat(timespec="seconds"), one.channel, one.state,
            one.pay_state, one.units, str(one.total).split()[0], one.total.currency, _plain(one.customer_name),
            " ".join(one.store_codes),
        ])  # fmt: skip
    # The mark at the beginning lets Excel read Chinese.
    return text_answer(
        "\ufeff" + out.getvalue(),
        media="text/csv; charset=utf-8",
        headers=[(b"content-disposition", b'attachment; filename="orders.csv"')],
    )


def _local(row: Any, chain: Chain, scope: Scope) -> datetime:
    """When an order was placed, by the clock of its shop; of several, of the first that one sees."""
    places = [row["store_id"]] if row["store_id"] else [place for place in row["location_ids"] if place in scope]
    zone = chain.stores[places[0]].timezone if places and places[0] in chain.stores else "UTC"
    placed_at: datetime = row["placed_at"]
    return placed_at.astimezone(ZoneInfo(zone))


def _plain(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return "'" + text if text[:1] in "=+-@\t\r" else text


def _row(row: Any, chain: Chain, scope: Scope) -> OrderRow:
    locations: Sequence[UUID] = row["location_ids"] or ([row["store_id"]] if row["store_id"] else [])
    jobs = [order_view.Stage(*job.split(" ")) for job in row["jobs"] or ()]
    part = row["own_units"] is not None
    paid_minor, refunded_minor = row["paid_minor"], row["refunded_minor"]
    if part:
        paid_minor, refunded_minor = row["own_minor"] if row["own_paid"] else 0, 0
        locations = [location for location in locations if location in scope]
    # Whether something waits, for an answer or for a person, is known of whole orders only.
    served = part or (row["due"] or 0) <= (row["served"] or 0) or row["channel"] in order_view.SERVED_AT_ONCE
    return OrderRow(
        id=row["id"],
        order_no=row["order_no"],
        channel=row["channel"],
        state=row["state"],
        visible=order_view.visible_state(row["state"], jobs, waiting=not served, frozen=row["frozen"] and not part),
        pay_mode=row["pay_mode"],
        pay_state=order_view.pay_state(row["state"], paid_minor, refunded_minor, row["seen_minor"]),
        placed_at=row["placed_at"],
        total=Money(row["seen_minor"], row["currency"]),
        units=(row["own_units"] if part else row["units"]) or 0,
        customer_name=row["contact_name"] if row["named"] else "",
        phone_masked=(phones.masked(row["contact_phone"]) or "") if row["named"] else "",
        shared=row["named"],
        store_codes=[chain.stores[location].code for location in locations if location in chain.stores],
    )


ROUTES = [list_orders, export_orders]
