"""Statements: a month of every payee, closed, approved by one or two people, disputed and answered; also as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import settlement
from duoline.channels.console import statement_files
from duoline.channels.console.payee_scope import NAMED, NAMES, VISIBLE, PayeeOf, money, payee_of, reach
from duoline.channels.console.payout_shapes import FAILED, PayoutRow, payouts_to, statement_number
from duoline.channels.console.share_rows import SHARE, SHARE_JOINS, ShareRow, share_of
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.documents import csv_file, table_file
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.settlement.errors import FileTooLong
from duoline.settlement.payout_quotes import DISPUTED
from duoline.settlement.statements import is_own, logins_of
from duoline.settlement.types import PayeeKind
from duoline.stores.directory import Chain

PATH = "/api/console/statements"
FILE_PAGE = 2_000
"""Lines of a file that are read at a time."""

SORTED_MAX = 5_000
"""Lines that are sorted by date for one page of them."""

DRAWN_MAX = 20_000
"""Lines of a workbook or PDF, which is drawn as a whole; a CSV file has any number."""

Month = Annotated[str, msgspec.Meta(pattern="^2[0-9]{3}-(0[1-9]|1[0-2])$")]
OfMonth = Annotated[str | None, Parameter(pattern="^2[0-9]{3}-(0[1-9]|1[0-2])$", description="As 2026-11.")]
OfKind = Annotated[PayeeKind | None, Parameter(description="Of one kind of payee only.")]
State = Literal["closing", "closed", "approved", "paying", "paid", "carried"]
InState = Annotated[
    State | Literal["payout_failed", "disputed"] | None,
    Parameter(description="In one state only; `payout_failed`: approved again, its payout failed; `disputed`."),
]
FileLanguage = Annotated[Literal["zh", "en"], Parameter(description="The language of names and reasons.")]
FileKind = Annotated[Literal["csv", "xlsx", "pdf"], Parameter(description="The kind of file.")]


class MonthInput(Input, frozen=True):
    """Which month, as 2026-11."""

    month: Month


class NoteInput(Input, frozen=True):
    """What is to be said."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


class StatementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payee's month: what was carried in, earned, taken back, above the cap; what is paid, what is carried on.

    `withheld` is what people approved and goods that came back before the payout took away again: it is not paid, and
    the next statement has it with what was taken back. `to_pay` is without it: what is really asked for.
    While it is `closing` its lines are still collected, and nothing of it is final. `no` is what people call it by.
    `payout_failed`: it was asked for and failed; the next run pays it. `mine_to_approve`: I can approve it now.
    """

    id: UUID
    no: str
    payee: PayeeOf
    month: str
    way: Literal["payout", "internal"]
    state: State
    carried_in: Money
    earned: Money
    reversed: Money
    cut: Money
    to_pay: Money
    withheld: Money
    carried_out: Money
    approvals: int
    approvals_needed: int
    disputed: bool
    payout_failed: bool
    mine_to_approve: bool
    closed_at: datetime


class Approval(msgspec.Struct, frozen=True):
    """Who approved it, and when."""

    by: str
    at: datetime


class Note(msgspec.Struct, frozen=True):
    """What was disputed or answered."""

    id: UUID
    kind: Literal["dispute", "answer"]
    note: str
    by: str
    at: datetime


class StatementCase(msgspec.Struct, frozen=True, kw_only=True):
    """One statement, with who approved it, what was said of it, and what was asked for, the last payout first."""

    statement: StatementRow
    approvals: list[Approval]
    notes: list[Note]
    payouts: list[PayoutRow]


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """What of a statement came from one share: what it comes to now less what earlier statements had."""

    amount: Money
    share: ShareRow


class MonthSums(msgspec.Struct, frozen=True, kw_only=True):
    """A month: how many statements are in each state, and what they come to: what goes out (`to_pay`, of that
    `paid_out` is had), and what is only booked (`to_book`, of that `booked` is done)."""

    month: str
    statements: int
    closing: int
    closed: int
    approved: int
    paying: int
    paid: int
    carried: int
    to_pay: Money
    paid_out: Money
    to_book: Money
    booked: Money


_ROWS = f"""
SELECT s.payee_id, s.id, s.kind, s.month, s.way, s.state, s.carried_in_minor, s.earned_minor, s.reversed_minor,
       s.cut_minor, s.to_pay_minor - s.withheld_minor AS to_pay_minor, s.withheld_minor, s.carried_out_minor,
       s.approvals_needed, s.closed_at, {NAMED},
       (SELECT count(*) FROM statement_approvals a WHERE a.payee_id = s.payee_id AND a.statement_id = s.id)::integer
         AS approvals,
       EXISTS (SELECT FROM statement_approvals a WHERE a.payee_id = s.payee_id AND a.statement_id = s.id
               AND a.staff_id = ANY ({logins_of("$11::uuid")})) AS by_me,
       {is_own("s.payee_id", "$11::uuid")} AS own,
       {DISPUTED} AS disputed,
       {FAILED} AS payout_failed
FROM statements s JOIN payees p ON p.payee_id = s.payee_id {NAMES}
WHERE {VISIBLE} AND ($3::text IS NULL OR s.month = $3) AND ($4::text IS NULL OR s.kind = $4)
  AND ($5::text IS NULL OR s.state = $5 OR ($5 = 'payout_failed' AND {FAILED})
       OR ($5 = 'disputed' AND {DISPUTED}))
  AND ($6::uuid IS NULL OR s.id = $6) AND ($7::uuid IS NULL OR s.payee_id = $7)
  AND ($8::text IS NULL OR (s.month, s.id) < ($8, $9::uuid))
ORDER BY s.month DESC, s.id DESC LIMIT $10
"""  # noqa: S608 - our own text

_LINE = f"""
SELECT n.amount_minor, {SHARE}, s.way, s.state AS statement_state, s.done_at, p.run_id
FROM statement_lines n
JOIN statements s ON s.payee_id = n.payee_id AND s.id = n.statement_id
LEFT JOIN payouts p ON p.payee_id = s.payee_id AND p.statement_id = s.id AND p.state = 'done'
JOIN accruals a ON a.payee_id = n.payee_id AND a.order_id = n.order_id AND a.line_id = n.line_id AND a.book = n.book
               AND a.role = n.role AND a.location_id = n.location_id
{SHARE_JOINS}
WHERE n.payee_id = $1 AND n.statement_id = $2
"""  # noqa: S608 - our own text
# In the order of the orders' dates, for what can be sorted at once.
_DATED = f"""{_LINE}
ORDER BY coalesce(o.placed_at, a.at), n.order_id, n.line_id, n.role, n.location_id OFFSET $3 LIMIT $4
"""
# In the order of the key, which is about that of the dates, for any number.
_LINES = f"""{_LINE}
  AND ($3::uuid IS NULL OR (n.order_id, n.line_id, n.role, n.location_id) > ($3, $4::uuid, $5::text, $6::uuid))
ORDER BY n.order_id, n.line_id, n.role, n.location_id LIMIT $7
"""


async def _rows(
    db: Database | Tx,
    staff: Staff,
    chain: Chain,
    *,
    month: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    statement_id: UUID | None = None,
    payee_id: UUID | None = None,
    before: tuple[Any, ...] = (None, None),
    limit: int = 1,
) -> list[Any]:
    return await db.fetch(
        _ROWS, *reach(staff, chain), month, kind, state, statement_id, payee_id, *before, limit, staff.id
    )


async def _one(db: Database | Tx, staff: Staff, chain: Chain, statement_id: UUID) -> Any:
    """A statement in reach. Refuses `kernel.not-found`."""
    rows = await _rows(db, staff, chain, statement_id=statement_id)
    if not rows:
        raise NotFound(kind="statement")
    return rows[0]


def _row(row: Any, staff: Staff, chain: Chain) -> StatementRow:
    return StatementRow(
        id=row["id"],
        no=statement_number(row["month"], row["id"]),
        payee=payee_of(row, chain),
        month=row["month"],
        way=row["way"],
        state=row["state"],
        carried_in=money(row["carried_in_minor"]),
        earned=money(row["earned_minor"]),
        reversed=money(row["reversed_minor"]),
        cut=money(row["cut_minor"]),
        to_pay=money(row["to_pay_minor"]),
        withheld=money(row["withheld_minor"]),
        carried_out=money(row["carried_out_minor"]),
        approvals=row["approvals"],
        approvals_needed=row["approvals_needed"],
        disputed=row["disputed"],
        payout_failed=row["payout_failed"],
        mine_to_approve=row["state"] == "closed"
        and not row["disputed"]
        and not row["by_me"]
        and not row["own"]
        and staff.may("settlement.approve"),
        closed_at=row["closed_at"],
    )


async def _case(db: Database | Tx, staff: Staff, chain: Chain, statement_id: UUID) -> StatementCase:
    row = await _one(db, staff, chain, statement_id)
    approvals = await db.fetch(
        """SELECT s.name, a.at FROM statement_approvals a JOIN staff s ON s.id = a.staff_id
           WHERE a.payee_id = $1 AND a.statement_id = $2 ORDER BY a.at""",
        row["payee_id"],
        statement_id,
    )
    notes = await db.fetch(
        """SELECT n.id, n.kind, n.note, n.at, coalesce(s.name, m.display_name, '') AS by FROM statement_notes n
           LEFT JOIN staff s ON n.actor = 'staff:' || s.id LEFT JOIN members m ON n.actor = 'member:' || m.member_id
           WHERE n.payee_id = $1 AND n.statement_id = $2 ORDER BY n.id""",
        row["payee_id"],
        statement_id,
    )
    return StatementCase(
        statement=_row(row, staff, chain),
        approvals=[Approval(each["name"], each["at"]) for each in approvals],
        notes=[Note(each["id"], each["kind"], each["note"], each["by"], each["at"]) for each in notes],
        payouts=await payouts_to(db, chain, row["payee_id"], statement_id=statement_id),
    )


@get(PATH, opt=doors.staff("settlement.read", payee_id="payee"))
async def list_statements(
    db: Database,
    staff: Staff,
    chain: Chain,
    month: OfMonth = None,
    kind: OfKind = None,
    which: InState = None,
    payee_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StatementRow]:
    """Statements of the payees one may see, the last month first."""
    everything, ids = reach(staff, chain)
    if payee_id is not None and not everything and payee_id not in ids:
        raise NotFound(kind="payee")
    before = cursors.unpack(cursor, str, UUID) if cursor else (None, None)
    rows = await _rows(
        db, staff, chain, month=month, kind=kind, state=which, payee_id=payee_id, before=tuple(before), limit=limit + 1
    )
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["month"], shown[-1]["id"]) if len(rows) > limit else None
    return Page([_row(row, staff, chain) for row in shown], following)


@get(f"{PATH}/{{statement_id:uuid}}", opt=doors.staff("settlement.read", statement_id="statement"))
async def show_statement(db: Database, staff: Staff, chain: Chain, statement_id: UUID) -> StatementCase:
    """One statement."""
    return await _case(db, staff, chain, statement_id)


@get(f"{PATH}/{{statement_id:uuid}}/lines", opt=doors.staff("settlement.read", statement_id="statement"))
async def list_statement_lines(
    db: Database, staff: Staff, chain: Chain, statement_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> Page[StatementLine]:
    """The order lines that a statement is the sum of, in the order of the orders' dates; of more than 5,000 in the
    order in which the orders were written down, and of more than 20,000 nobody counts them."""
    row = await _one(db, staff, chain, statement_id)
    payee_id = row["payee_id"]
    count = await _count(db, payee_id, statement_id)
    if count <= SORTED_MAX:
        (skip,) = cursors.unpack(cursor, int) if cursor else (0,)
        skip = min(max(skip, 0), count)
        lines = await db.fetch(_DATED, payee_id, statement_id, skip, limit)
        following = cursors.pack(skip + limit) if skip + limit < count else None
    else:
        after = cursors.unpack(cursor, UUID, UUID, str, UUID) if cursor else (None, None, None, None)
        found = await db.fetch(_LINES, payee_id, statement_id, *after, limit + 1)
        lines = found[:limit]
        last = lines[-1] if len(found) > limit else None
        following = cursors.pack(*(last[name] for name in _KEY)) if last else None
    shown = [StatementLine(amount=money(line["amount_minor"]), share=share_of(line, chain)) for line in lines]
    return Page(shown, following, count if count <= DRAWN_MAX else None)


_KEY = ("order_id", "line_id", "role", "location_id")


async def _count(db: Database, payee_id: UUID, statement_id: UUID) -> int:
    """How many lines a statement has; of those with more than can be drawn only that it is more."""
    count: int = await db.fetchval(
        """SELECT count(*) FROM (SELECT FROM statement_lines WHERE payee_id = $1 AND statement_id = $2 LIMIT $3) x""",
        payee_id,
        statement_id,
        DRAWN_MAX + 1,
    )
    return count


@get(f"{PATH}/{{statement_id:uuid}}/file", opt=doors.staff("settlement.read", statement_id="statement"))
async def download_statement(
    db: Database, staff: Staff, chain: Chain, statement_id: UUID, kind: FileKind = "csv", lang: FileLanguage = "zh"
) -> Answer[Any]:
    """A statement as CSV with every line, or as a workbook or PDF of at most 20,000, with who approved it and how it
    was paid. The last row is the sum of the lines.

    Refuses `settlement.still-closing`, since half a statement is handed to nobody, and `settlement.file-too-long` for a
    workbook or PDF of more: none leaves lines out.
    """
    case = await _case(db, staff, chain, statement_id)
    one = case.statement
    if one.state == "closing":
        raise settlement.StillClosing
    name, payee_id, payee_kind = statement_files.file_name(case), one.payee.id, one.payee.kind
    count = await _count(db, payee_id, statement_id)
    if kind == "csv":
        pages = statement_files.lines_of(
            _lines(db, payee_id, statement_id, dated=count <= DRAWN_MAX), chain, kind=payee_kind, lang=lang
        )
        return csv_file(statement_files.columns(payee_kind), pages, name=name, row=list)
    if count > DRAWN_MAX:
        raise FileTooLong(lines_max=DRAWN_MAX)
    lines = await db.fetch(_DATED, payee_id, statement_id, 0, DRAWN_MAX)
    rows = [
        statement_files.cells(share_of(each, chain), each["amount_minor"], kind=payee_kind, lang=lang) for each in lines
    ]
    whole = sum(each["amount_minor"] for each in lines)
    return await table_file(
        statement_files.table(case, rows, chain, lines_minor=whole, lang=lang), name=name, kind=kind
    )


async def _lines(db: Database, payee_id: UUID, statement_id: UUID, *, dated: bool) -> AsyncIterator[list[Any]]:
    """Every line of a statement, page by page."""
    if dated:
        lines = await db.fetch(_DATED, payee_id, statement_id, 0, DRAWN_MAX)
        for start in range(0, len(lines), FILE_PAGE):
            yield lines[start : start + FILE_PAGE]
        return
    after: tuple[Any, ...] = (None, None, None, None)
    while lines := await db.fetch(_LINES, payee_id, statement_id, *after, FILE_PAGE):
        after = tuple(lines[-1][name] for name in _KEY)
        yield lines


@get("/api/console/settlement-months", opt=doors.staff("settlement.read"))
async def list_months(db: Database, staff: Staff, chain: Chain) -> Page[MonthSums]:
    """Months with statements one may see, the last first, two years at most."""
    rows = await db.fetch(
        f"""SELECT s.month, count(*)::integer AS n,
                   {", ".join(f"count(*) FILTER (WHERE s.state = '{state}')::integer AS {state}" for state in STATES)},
                   coalesce(sum(s.to_pay_minor - s.withheld_minor) FILTER (WHERE s.way = 'payout'), 0)::bigint
                     AS to_pay,
                   coalesce(sum(s.to_pay_minor - s.withheld_minor)
                            FILTER (WHERE s.way = 'payout' AND s.state = 'paid'), 0)::bigint AS paid_out,
                   coalesce(sum(s.to_pay_minor) FILTER (WHERE s.way = 'internal' AND s.state = 'paid'), 0)::bigint
                     AS booked,
                   coalesce(sum(s.to_pay_minor) FILTER (WHERE s.way = 'internal'), 0)::bigint AS to_book
            FROM statements s JOIN payees p ON p.payee_id = s.payee_id
            WHERE {VISIBLE} GROUP BY s.month ORDER BY s.month DESC LIMIT 24""",  # noqa: S608 - our own text
        *reach(staff, chain),
    )
    return Page(
        [
            MonthSums(
                month=row["month"],
                statements=row["n"],
                to_pay=money(row["to_pay"]),
                paid_out=money(row["paid_out"]),
                to_book=money(row["to_book"]),
                booked=money(row["booked"]),
                **{state: row[state] for state in STATES},
            )
            for row in rows
        ]
    )


STATES = ("closing", "closed", "approved", "paying", "paid", "carried")


@post(f"{PATH}/{{statement_id:uuid}}/approval", opt=doors.staff("settlement.approve", statement_id="statement"))
async def approve_statement(write: Write, staff: Staff, chain: Chain, statement_id: UUID) -> Answer[StatementCase]:
    """One person's word for a statement; above the limit of the policy two are needed.

    Refuses `settlement.disputed` until what its payee says was answered.
    """

    async def work(tx: Tx) -> StatementCase:
        row = await _one(tx, staff, chain, statement_id)
        await settlement.approve(tx, row["payee_id"], statement_id, actor=staff.actor, staff_id=staff.id)
        return await _case(tx, staff, chain, statement_id)

    return await write.run(work)


@post(f"{PATH}/{{statement_id:uuid}}/notes", opt=doors.staff("settlement.read", statement_id="statement"))
async def say_of_statement(
    write: Write, staff: Staff, chain: Chain, statement_id: UUID, data: NoteInput
) -> Answer[StatementCase]:
    """Dispute a statement of one's own shop or company; whoever approves statements answers."""

    async def work(tx: Tx) -> StatementCase:
        row = await _one(tx, staff, chain, statement_id)
        kind = "answer" if staff.may("settlement.approve") else "dispute"
        await settlement.say(tx, row["payee_id"], statement_id, kind=kind, note=data.note, actor=staff.actor)
        return await _case(tx, staff, chain, statement_id)

    return await write.run(work, status=201)


ROUTES = [
    list_statements,
    show_statement,
    list_statement_lines,
    download_statement,
    list_months,
    approve_statement,
    say_of_statement,
]
