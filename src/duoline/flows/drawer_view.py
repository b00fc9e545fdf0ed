"""Drawers as people read them: at the till, and at headquarters."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from duoline import payments
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain
    from duoline.stores.rights import Scope

Which = Literal["all", "open", "closed", "different"]


class HandPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Cash that somebody put into a drawer (`paid_in`) or took out of it (`paid_out`), and why."""

    id: UUID
    kind: Literal["paid_in", "paid_out"]
    amount: Money
    reason: str
    at: datetime
    by: str


class DrawerView(msgspec.Struct, frozen=True, kw_only=True):
    """A drawer from its float to its count.

    `by_itself`: cash came before anybody had opened it. While it is open, and the policy `till` has it counted blind,
    nobody is told what should be in it: `taken`, `given_back` and `expected` are None. `difference` is what was counted
    less what was expected.
    """

    id: UUID
    store_code: str
    drawer: str
    by_itself: bool
    float: Money
    opened_at: datetime
    opened_by: str
    sales: int
    collections: int
    refunds: int
    taken: Money | None
    given_back: Money | None
    paid_in: Money
    paid_out: Money
    payments: list[HandPayment]
    expected: Money | None
    closed_at: datetime | None
    closed_by: str | None
    counted: Money | None
    difference: Money | None
    note: str


_VIEW = """
SELECT s.location_id, s.id, s.drawer, s.by_itself, s.float_minor, s.opened_at, s.opened_name, s.closed_at,
       s.closed_name, s.counted_minor, s.expected_minor, s.note, e.*
FROM drawer_sessions s
JOIN stores t ON t.id = s.location_id,
LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'sale') AS sales,
           count(*) FILTER (WHERE kind = 'collection') AS collections,
           count(*) FILTER (WHERE kind = 'refund') AS refunds,
           coalesce(sum(amount_minor) FILTER (WHERE kind IN ('sale', 'collection', 'top_up')), 0)::bigint
               AS taken_minor,
           coalesce(-sum(amount_minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS given_back_minor,
           coalesce(sum(amount_minor) FILTER (WHERE kind = 'paid_in'), 0)::bigint AS paid_in_minor,
           coalesce(-sum(amount_minor) FILTER (WHERE kind = 'paid_out'), 0)::bigint AS paid_out_minor,
           coalesce(jsonb_agg(jsonb_build_object(
               'id', id, 'kind', kind, 'amount', jsonb_build_object('minor', abs(amount_minor)),
               'reason', reason, 'at', at, 'by', actor_name) ORDER BY at, id)
               FILTER (WHERE kind IN ('paid_in', 'paid_out')), '[]') AS payments
    FROM drawer_entries WHERE location_id = s.location_id AND session_id = s.id) e
"""


async def session_of(db: Database | Tx, chain: Chain, location_id: UUID, session_id: UUID) -> DrawerView:
    """One session. Refuses with `NotFound`."""
    row = await db.fetchrow(f"{_VIEW} WHERE s.location_id = $1 AND s.id = $2", location_id, session_id)
    if row is None:
        raise NotFound
    return _view(row, chain)


async def open_at(db: Database, chain: Chain, location_id: UUID) -> list[DrawerView]:
    """The drawers that are open at a shop, the oldest first."""
    rows = await db.fetch(
        f"{_VIEW} WHERE s.location_id = $1 AND s.closed_at IS NULL ORDER BY s.opened_at, s.id", location_id
    )
    return [_view(row, chain) for row in rows]


async def sessions(
    db: Database,
    chain: Chain,
    scope: Scope,
    *,
    which: Which = "all",
    location_id: UUID | None = None,
    since: date | None = None,
    until: date | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[DrawerView]:
    """Sessions of the shops in scope, the newest first; days are those of each shop."""
    everything, locations = scope.sql
    rows = await db.fetch_filtered(
        f"""{_VIEW}
            WHERE ($1 OR s.location_id = ANY ($2)) AND ($3::uuid IS NULL OR s.location_id = $3)
              AND ($4 = 'all' OR $4 = 'open' AND s.closed_at IS NULL OR $4 = 'closed' AND s.closed_at IS NOT NULL
                   OR $4 = 'different' AND s.counted_minor <> s.expected_minor)
              AND ($5::date IS NULL OR s.opened_at > $5::date - interval '14 hours'
                   AND (s.opened_at AT TIME ZONE t.timezone)::date >= $5)
              AND ($6::date IS NULL OR s.opened_at < $6::date + interval '36 hours'
                   AND (s.opened_at AT TIME ZONE t.timezone)::date <= $6)
              AND ($7::timestamptz IS NULL OR (s.opened_at, s.id) < ($7, $8::uuid))
            ORDER BY s.opened_at DESC, s.id DESC LIMIT $9""",
        everything,
        locations,
        location_id,
        which,
        since,
        until,
        *(before or (None, None)),
        limit,
    )
    return [_view(row, chain) for row in rows]


async def locate(db: Database, session_id: UUID, scope: Scope) -> UUID:
    """The shop of a session in scope. Refuses with `NotFound` when it is elsewhere."""
    location: UUID | None = await db.fetchval(
        "SELECT location_id FROM drawer_sessions WHERE id = $1 AND ($2 OR location_id = ANY ($3))",
        session_id,
        *scope.sql,
    )
    if location is None:
        raise NotFound
    return location


def _view(row: Any, chain: Chain) -> DrawerView:
    is_open = row["closed_at"] is None
    hidden = is_open and payments.TILL.current().body.blind
    moved = row["taken_minor"] - row["given_back_minor"] + row["paid_in_minor"] - row["paid_out_minor"]
    expected = row["float_minor"] + moved if is_open else row["expected_minor"]
    return DrawerView(
        id=row["id"],
        store_code=chain.store(row["location_id"]).code,
        drawer=row["drawer"],
        by_itself=row["by_itself"],
        float=Money(row["float_minor"]),
        opened_at=row["opened_at"],
        opened_by=row["opened_name"],
        sales=row["sales"],
        collections=row["collections"],
        refunds=row["refunds"],
        taken=None if hidden else Money(row["taken_minor"]),
        given_back=None if hidden else Money(row["given_back_minor"]),
        paid_in=Money(row["paid_in_minor"]),
        paid_out=Money(row["paid_out_minor"]),
        payments=msgspec.convert(row["payments"], list[HandPayment]),
        expected=None if hidden else Money(expected),
        closed_at=row["closed_at"],
        closed_by=row["closed_name"],
        counted=None if is_open else Money(row["counted_minor"]),
        difference=None if is_open else Money(row["counted_minor"] - expected),
        note=row["note"],
    )
