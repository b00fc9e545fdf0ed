"""What somebody earns, as they see it themselves: balances, months, shares, statements. For clerks and members.

A person who was several members has earned under each of those ids, and sees all of it: balances and months are sums,
a month may have more than one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from duoline import settlement
from duoline.channels.http import cursors
from duoline.channels.http.answers import Page
from duoline.kernel.auth import Actor
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text
from duoline.settlement.types import Flag, Role

MONTHS = 12


class EarnedMonth(msgspec.Struct, frozen=True):
    """What became mine in a month; `paid` under the cap of the month."""

    month: str
    earned: Money
    paid: Money


class Earnings(msgspec.Struct, frozen=True, kw_only=True):
    """What I earned: not mine yet because the goods may come back, mine and not paid (below zero: carried against what
    comes), on its way, had; `reversed` is all that was earned and taken back, whether a statement had it or not.
    `orders` are those that pay something now. The last twelve months, the oldest first."""

    pending: Money
    due: Money
    paying: Money
    paid: Money
    reversed: Money
    orders: int
    months: list[EarnedMonth]


class EarnedShare(msgspec.Struct, frozen=True, kw_only=True):
    """One share of an order line: what for, by which rate (hundredths of a percent) of how much, when it is mine, and
    why it pays nothing. Whose order it was is not told, only how its number ends.

    `reversed` is all of it that was ever taken back, and `went` why: the goods were never handed over, came back, or
    it was counted anew (a dispute, rules that no longer hold)."""

    id: str
    at: datetime
    order_tail: str | None
    article: Text | None
    role: Role
    rate_bp: int
    basis: Money
    earned: Money
    reversed: Money
    went: Literal["cancelled", "returned", "corrected"] | None
    state: Literal["pending", "matured"]
    matures_at: datetime | None
    month: str | None
    flag: Flag | None


class StatedShare(msgspec.Struct, frozen=True, kw_only=True):
    """What of a statement came from one share: what it came to less what earlier statements had, and the share as it
    is by now."""

    amount: Money
    share: EarnedShare


class MyStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A month of mine: carried in, earned, taken back, above the cap; what is paid, what is carried on. `withheld` was
    approved, and taken back before it was paid: it is in the next statement, and not in `to_pay`."""

    id: UUID
    month: str
    state: Literal["closed", "approved", "paying", "paid", "carried"]
    carried_in: Money
    earned: Money
    reversed: Money
    cut: Money
    to_pay: Money
    withheld: Money
    carried_out: Money
    closed_at: datetime
    notes: list[StatementNote]


class StatementNote(msgspec.Struct, frozen=True):
    """What I disputed, or was answered."""

    kind: Literal["dispute", "answer"]
    note: str
    at: datetime


def _money(minor: int) -> Money:
    return Money(minor, CURRENCY)


async def earnings_of(db: Database, payee_ids: Sequence[UUID]) -> Earnings:
    """What somebody earned; nothing for who never did."""
    row = await db.fetchrow(
        """SELECT coalesce(sum(p.pending_minor), 0)::bigint, coalesce(sum(p.due_minor), 0)::bigint,
                  coalesce(sum(p.paying_minor), 0)::bigint, coalesce(sum(p.paid_minor), 0)::bigint,
                  (SELECT coalesce(sum(a.reversed_minor), 0) FROM accruals a
                   WHERE a.payee_id = ANY ($1) AND a.reversed_minor > 0)::bigint,
                  (SELECT count(*) FROM (
                       SELECT DISTINCT a.order_id FROM accruals a
                       WHERE a.payee_id = ANY ($1) AND a.earned_minor > 0 AND a.role <> 'bringing') o)::integer
           FROM payees p WHERE p.payee_id = ANY ($1)""",
        list(payee_ids),
    )
    months = await db.fetch(
        """SELECT month, sum(earned_minor)::bigint AS earned_minor, sum(payable_minor)::bigint AS payable_minor
           FROM payee_months WHERE payee_id = ANY ($1) GROUP BY month ORDER BY month DESC LIMIT $2""",
        list(payee_ids),
        MONTHS,
    )
    pending, due, paying, paid, back, orders = tuple(row) if row else (0,) * 6
    return Earnings(
        pending=_money(pending),
        due=_money(due),
        paying=_money(paying),
        paid=_money(paid),
        reversed=_money(back),
        orders=orders,
        months=[
            EarnedMonth(each["month"], _money(each["earned_minor"]), _money(each["payable_minor"]))
            for each in reversed(months)
        ],
    )


_OF_SHARE = """a.order_id, a.line_id, a.role, a.rate_bp, a.basis_minor, a.earned_minor, a.reversed_minor, a.state,
       a.matures_at, a.month, a.flag, a.at, a.payee_id, l.name, l.returned, l.cancelled, right(o.order_no, 4) AS tail"""
_ITS_LINE = """
LEFT JOIN orders o ON o.member_id = a.member_id AND o.id = a.order_id
LEFT JOIN order_lines l ON l.member_id = a.member_id AND l.order_id = a.order_id AND l.id = a.line_id"""
_SHARES = f"""
SELECT {_OF_SHARE}
FROM accruals a {_ITS_LINE}
WHERE a.payee_id = ANY ($1)
  AND ($2::timestamptz IS NULL OR (a.at, a.order_id, a.line_id, a.role) < ($2, $3::uuid, $4::uuid, $5::text))
ORDER BY a.at DESC, a.order_id DESC, a.line_id DESC, a.role DESC LIMIT $6
"""  # noqa: S608 - our own text


def _share(row: Any) -> EarnedShare:
    went: Literal["cancelled", "returned", "corrected"] = (
        "returned" if row["returned"] else "cancelled" if row["cancelled"] else "corrected"
    )
    return EarnedShare(
        id=f"{row['line_id']}-{row['role']}",
        at=row["at"],
        order_tail=row["tail"],
        article=msgspec.convert(row["name"], Text) if row["name"] else None,
        role=row["role"],
        rate_bp=row["rate_bp"],
        basis=_money(row["basis_minor"]),
        earned=_money(row["earned_minor"]),
        reversed=_money(row["reversed_minor"]),
        went=went if row["reversed_minor"] else None,
        state=row["state"],
        matures_at=row["matures_at"],
        month=row["month"],
        flag=row["flag"],
    )


async def shares_of(db: Database, payee_ids: Sequence[UUID], *, limit: int, cursor: str | None) -> Page[EarnedShare]:
    """What was earned by which line, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID, UUID, str) if cursor else (None, None, None, None)
    rows = await db.fetch(_SHARES, list(payee_ids), *before, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(
        [_share(row) for row in shown],
        cursors.pack(last["at"], last["order_id"], last["line_id"], last["role"]) if last else None,
    )


_SAYS = """
SELECT s.id, s.month, s.state, s.carried_in_minor, s.earned_minor, s.reversed_minor, s.cut_minor,
       s.to_pay_minor - s.withheld_minor AS to_pay_minor, s.withheld_minor, s.carried_out_minor, s.closed_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', n.kind, 'note', n.note, 'at', n.at) ORDER BY n.id)
                 FROM statement_notes n WHERE n.payee_id = s.payee_id AND n.statement_id = s.id), '[]') AS notes
FROM statements s
"""
_STATEMENTS = f"""{_SAYS}
WHERE s.payee_id = ANY ($1) AND s.state <> 'closing' AND ($2::text IS NULL OR (s.month, s.id) < ($2, $3::uuid))
ORDER BY s.month DESC, s.id DESC LIMIT $4
"""


def _statement(row: Any) -> MyStatement:
    return MyStatement(
        id=row["id"],
        month=row["month"],
        state=row["state"],
        carried_in=_money(row["carried_in_minor"]),
        earned=_money(row["earned_minor"]),
        reversed=_money(row["reversed_minor"]),
        cut=_money(row["cut_minor"]),
        to_pay=_money(row["to_pay_minor"]),
        withheld=_money(row["withheld_minor"]),
        carried_out=_money(row["carried_out_minor"]),
        closed_at=row["closed_at"],
        notes=msgspec.convert(row["notes"], list[StatementNote]),
    )


async def statements_of(
    db: Database, payee_ids: Sequence[UUID], *, limit: int, cursor: str | None
) -> Page[MyStatement]:
    """The statements of somebody, the last month first."""
    before = cursors.unpack(cursor, str, UUID) if cursor else (None, None)
    rows = await db.fetch(_STATEMENTS, list(payee_ids), *before, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page([_statement(row) for row in shown], cursors.pack(last["month"], last["id"]) if last else None)


_STATED = f"""
SELECT n.amount_minor, {_OF_SHARE}, a.location_id
FROM statement_lines n
JOIN accruals a USING (payee_id, order_id, line_id, book, role, location_id) {_ITS_LINE}
WHERE n.payee_id = $1 AND n.statement_id = $2
  AND ($3::uuid IS NULL OR (n.order_id, n.line_id, n.role, n.location_id) > ($3, $4::uuid, $5::text, $6::uuid))
ORDER BY n.order_id, n.line_id, n.role, n.location_id LIMIT $7
"""  # noqa: S608 - our own text


async def lines_of(
    db: Database, payee_ids: Sequence[UUID], statement_id: UUID, *, limit: int, cursor: str | None
) -> Page[StatedShare]:
    """The shares that somebody's statement is the sum of. Refuses `kernel.not-found`."""
    payee_id = await db.fetchval(
        "SELECT payee_id FROM statements WHERE payee_id = ANY ($1) AND id = $2 AND state <> 'closing'",
        list(payee_ids),
        statement_id,
    )
    if payee_id is None:
        raise NotFound(kind="statement")
    after = cursors.unpack(cursor, UUID, UUID, str, UUID) if cursor else (None, None, None, None)
    rows = await db.fetch(_STATED, payee_id, statement_id, *after, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(
        [StatedShare(amount=_money(row["amount_minor"]), share=_share(row)) for row in shown],
        cursors.pack(last["order_id"], last["line_id"], last["role"], last["location_id"]) if last else None,
    )


async def dispute(
    tx: Tx, payee_ids: Sequence[UUID], month: str, *, statement_id: UUID | None, note: str, actor: Actor
) -> MyStatement:
    """Write down what is not right with somebody's statement of a month: that one, or, not named, the one under the
    first of their ids that has any. Refuses `kernel.not-found`."""
    found = await tx.fetchrow(
        """SELECT payee_id, id FROM statements
           WHERE payee_id = ANY ($1) AND month = $2 AND state <> 'closing' AND ($3::uuid IS NULL OR id = $3)
           ORDER BY array_position($1, payee_id) LIMIT 1""",
        list(payee_ids),
        month,
        statement_id,
    )
    if found is None:
        raise NotFound(kind="statement")
    await settlement.say(tx, found["payee_id"], found["id"], kind="dispute", note=note, actor=actor)
    return _statement(await tx.fetchrow(f"{_SAYS} WHERE s.payee_id = $1 AND s.id = $2", *found))
