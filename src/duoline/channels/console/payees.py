"""Payees: who has earned what, line by line, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline import settlement
from duoline.channels.console.member_scope import OWN_ORDER
from duoline.channels.console.payee_scope import NAMED, NAMES, VISIBLE, PayeeOf, money, payee_of, reach
from duoline.channels.console.payout_shapes import PayoutRow, payouts_to
from duoline.channels.console.share_rows import PAID, PAID_JOIN, SHARE, SHARE_JOINS, ShareRow, share_of
from duoline.channels.console.sorting import Key, direction
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.kernel.pinyin import by_pinyin
from duoline.kernel.text import plain
from duoline.settlement.types import PayeeKind
from duoline.stores.directory import Chain
from duoline.stores.types import Company, Store

PATH = "/api/console/payees"

Kind = Annotated[PayeeKind | None, Parameter(description="Of one kind only.")]
Which = Annotated[
    Literal["all", "pending", "matured", "flagged"], Parameter(description="Waiting, due, or paid nothing and why.")
]


Sort = Annotated[
    Literal["-most", "name", "-name", "-due", "due", "-paid_at", "paid_at"],
    Parameter(
        description="A minus for descending; `most` is what waits and is due together. Names by the pinyin of their"
        " Chinese."
    ),
]


class PayeeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payee and what they have: not theirs yet, theirs and not paid (below zero: carried against what comes), on its
    way, and had; `paid_at` when the last statement was paid or booked. `flagged` counts shares that pay nothing because
    of who bought. `booked`: the chain's own shop or department, to which no money moves."""

    payee: PayeeOf
    pending: Money
    due: Money
    paying: Money
    paid: Money
    paid_at: datetime | None
    flagged: int
    booked: bool


class MonthEarned(msgspec.Struct, frozen=True, kw_only=True):
    """What became due in a month; `paid` under the cap of the month, for people."""

    month: str
    earned: Money
    paid: Money


class PayeeCase(msgspec.Struct, frozen=True, kw_only=True):
    """A payee with the last twelve months and what was asked for them, the last twenty payouts first."""

    payee: PayeeRow
    months: list[MonthEarned]
    payouts: list[PayoutRow]


_PAID_AT = "(SELECT max(s.done_at) FROM statements s WHERE s.payee_id = p.payee_id AND s.state = 'paid')"
_NAME = """coalesce(CASE p.kind WHEN 'staff' THEN st.staff_name WHEN 'member' THEN me.member_name
                                  WHEN 'store' THEN (SELECT s.name_zh FROM stores s WHERE s.id = p.payee_id)
                                  WHEN 'company' THEN (SELECT c.name_zh FROM companies c WHERE c.id = p.payee_id)
                                  END, '')"""


# Who was never paid comes before everybody who was.
_SORTS = {
    "most": Key("p.due_minor + p.pending_minor", "bigint", int),
    "name": Key("by_pinyin.key", "text", str, by_pinyin(_NAME)),
    "due": Key("p.due_minor", "bigint", int),
    "paid_at": Key(f"coalesce({_PAID_AT}, 'epoch')", "timestamptz", datetime),
}


def _rows_by(sort: str) -> str:
    key, there, _, joined = _SORTS[sort.removeprefix("-")]
    way, ahead = direction(sort)
    # What is looked up for each is looked up for those that are shown.
    return f"""
SELECT p.*, {_PAID_AT} AS paid_at,
       (SELECT count(*) FROM accruals a WHERE a.payee_id = p.payee_id AND a.flag IS NOT NULL)::integer AS flagged
FROM (
    SELECT p.payee_id, p.kind, p.pending_minor, p.due_minor, p.paying_minor, p.paid_minor, {NAMED}, {key} AS key
    FROM payees p {NAMES} {joined}
    WHERE {VISIBLE} AND ($3::text IS NULL OR p.kind = $3)
      AND ($4 = '' OR st.staff_name ILIKE '%' || $4 || '%' OR me.member_name ILIKE '%' || $4 || '%'
           OR me.member_phone LIKE '%' || $4
           OR p.payee_id = ANY ($5))
      AND ($6::uuid IS NULL OR p.payee_id = $6)
      AND ($7::{there} IS NULL OR ({key}, p.payee_id) {ahead} ($7, $8::uuid))
    ORDER BY {key} {way}, p.payee_id {way} LIMIT $9) p
ORDER BY p.key {way}, p.payee_id {way}
"""  # noqa: S608 - our own text


_ROWS = {sort: _rows_by(sort) for name in _SORTS for sort in (name, f"-{name}")}

_SHARES = f"""
SELECT {SHARE}, {PAID}
FROM accruals a {SHARE_JOINS} {PAID_JOIN}
WHERE a.payee_id = $1
  AND CASE $2 WHEN 'all' THEN true WHEN 'flagged' THEN a.flag IS NOT NULL ELSE a.state = $2 AND a.flag IS NULL END
  AND ($3::timestamptz IS NULL
       OR (a.at, a.order_id, a.line_id, a.role, a.location_id) < ($3, $4::uuid, $5::uuid, $6::text, $7::uuid))
ORDER BY a.at DESC, a.order_id DESC, a.line_id DESC, a.role DESC, a.location_id DESC LIMIT $8
"""  # noqa: S608 - our own text


async def _payees(
    db: Database,
    staff: Staff,
    chain: Chain,
    *,
    kind: PayeeKind | None = None,
    q: str = "",
    payee_id: UUID | None = None,
    sort: Sort = "-most",
    after: Sequence[Any] | None = None,
    limit: int = 1,
) -> list[Any]:
    words = q.strip()
    named: list[Store | Company] = [*chain.stores.values(), *chain.companies.values()]
    units = [
        unit.id
        for unit in named
        if words
        and (words.lower() in unit.code.lower() or words in unit.name.zh or words.lower() in unit.name.en.lower())
    ]
    asked = *reach(staff, chain), kind, plain(q), units, payee_id, *(after or (None, None)), limit
    return await db.fetch_filtered(_ROWS[sort], *asked)


def _row(row: Any, chain: Chain) -> PayeeRow:
    return PayeeRow(
        payee=payee_of(row, chain),
        pending=money(row["pending_minor"]),
        due=money(row["due_minor"]),
        paying=money(row["paying_minor"]),
        paid=money(row["paid_minor"]),
        paid_at=row["paid_at"],
        flagged=row["flagged"],
        booked=not settlement.pays(row["kind"], row["payee_id"]),
    )


@get(PATH, opt=doors.staff("settlement.read"))
async def list_payees(
    db: Database,
    staff: Staff,
    chain: Chain,
    kind: Kind = None,
    q: Search = "",
    sort: Sort = "-most",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PayeeRow]:
    """Whoever has earned anything, who has the most first unless `sort` says else; `q` is a part of the name, a code,
    or the end of a phone."""
    after = cursors.unpack(cursor, _SORTS[sort.removeprefix("-")].here, UUID) if cursor else None
    rows = await _payees(db, staff, chain, kind=kind, q=q, sort=sort, after=after, limit=limit + 1)
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["key"], shown[-1]["payee_id"]) if len(rows) > limit else None
    return Page([_row(row, chain) for row in shown], following)


@get(f"{PATH}/{{payee_id:uuid}}", opt=doors.staff("settlement.read", payee_id="payee"))
async def show_payee(db: Database, staff: Staff, chain: Chain, payee_id: UUID) -> PayeeCase:
    """One payee, and what became due in each of the last twelve months."""
    rows = await _payees(db, staff, chain, payee_id=payee_id)
    if not rows:
        raise NotFound(kind="payee")
    months = await db.fetch(
        """SELECT a.month, sum(a.earned_minor)::bigint AS earned,
                  sum(a.earned_minor)::bigint - coalesce(max(m.earned_minor - m.payable_minor), 0) AS paid
           FROM accruals a LEFT JOIN payee_months m ON m.payee_id = a.payee_id AND m.month = a.month
           WHERE a.payee_id = $1 AND a.state = 'matured' GROUP BY a.month ORDER BY a.month DESC LIMIT 12""",
        payee_id,
    )
    return PayeeCase(
        payee=_row(rows[0], chain),
        months=[
            MonthEarned(month=row["month"], earned=money(row["earned"]), paid=money(row["paid"]))
            for row in reversed(months)
        ],
        payouts=await payouts_to(db, chain, payee_id),
    )


@get(f"{PATH}/{{payee_id:uuid}}/shares", opt=doors.staff("settlement.read", payee_id="payee"))
async def list_shares_of_payee(
    db: Database,
    staff: Staff,
    chain: Chain,
    payee_id: UUID,
    which: Which = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ShareRow]:
    """What a payee earned by which line and why, the newest first."""
    if not await _payees(db, staff, chain, payee_id=payee_id):
        raise NotFound(kind="payee")
    before = cursors.unpack(cursor, datetime, UUID, UUID, str, UUID) if cursor else (None,) * 5
    rows = await db.fetch(_SHARES, payee_id, which, *before, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(
        [share_of(row, chain) for row in shown],
        cursors.pack(*(last[name] for name in ("at", "order_id", "line_id", "role", "location_id"))) if last else None,
    )


class OrderShare(msgspec.Struct, frozen=True, kw_only=True):
    """A share of an order with whose it is."""

    payee: PayeeOf
    share: ShareRow


class OrderShares(msgspec.Struct, frozen=True, kw_only=True):
    """Who is paid for an order: the versions of the rules it is judged by, and every share of each line."""

    commission_version: int | None
    allocation_version: int | None
    contracts_version: int | None
    shares: list[OrderShare]


@get("/api/console/orders/{order_id:uuid}/shares", opt=doors.staff("settlement.approve", order_id="order"))
async def show_order_shares(db: Database, staff: Staff, chain: Chain, order_id: UUID) -> OrderShares:
    """Who is paid for an order and why: every share, of other companies' shops too."""
    scope = staff.scope("settlement.approve")
    order = await db.fetchrow(
        f"""SELECT o.member_id, o.id, c.commission_version, c.allocation_version, c.contracts_version
            FROM orders o LEFT JOIN order_credits c ON c.member_id = o.member_id AND c.order_id = o.id
            WHERE o.id = $3 AND {OWN_ORDER}""",  # noqa: S608 - our own text
        *scope.sql,
        order_id,
    )
    if order is None:
        raise NotFound(kind="order")
    rows = await db.fetch(
        f"""SELECT p.payee_id, p.kind, {NAMED}, {SHARE}
            FROM accruals a JOIN payees p ON p.payee_id = a.payee_id {NAMES} {SHARE_JOINS}
            WHERE a.order_id = $3 AND {VISIBLE}
            ORDER BY a.book DESC, l.n, a.earned_minor DESC, a.role""",  # noqa: S608 - our own text
        *reach(staff, chain, "settlement.approve"),
        order_id,
    )
    return OrderShares(
        commission_version=order["commission_version"],
        allocation_version=order["allocation_version"],
        contracts_version=order["contracts_version"],
        shares=[OrderShare(payee=payee_of(row, chain), share=share_of(row, chain)) for row in rows],
    )


ROUTES = [list_payees, show_payee, list_shares_of_payee, show_order_shares]
