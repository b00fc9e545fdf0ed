"""Payouts: runs that ask for the money of what was approved, the file for whoever executes them, how each ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import settlement
from duoline.channels.console import payout_files
from duoline.channels.console.payee_scope import NAMED, NAMES, PayeeOf, money, payee_of
from duoline.channels.console.payout_files import ForBank
from duoline.channels.console.payout_shapes import COLUMNS, FROM, AccountSet, PayoutRow, number, payout_of
from duoline.channels.console.statements import Month
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.documents import csv_file, table_file
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import audit
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.money import Money, minor_of
from duoline.settlement import payee_accounts, payout_quotes
from duoline.settlement.errors import FileTooLong
from duoline.settlement.payout_quotes import ASKED, DISPUTED, READY
from duoline.stores.directory import Chain

PATH = "/api/console/payout-runs"
FILE_PAGE = 2_000
DRAWN_MAX = 20_000
"""Payouts in a workbook; a CSV has any number."""
FileKind = Annotated[Literal["csv", "xlsx"], Parameter(description="The kind of file.")]
AskedMonth = Annotated[str, Parameter(pattern="^2[0-9]{3}-(0[1-9]|1[0-2])$", description="As 2026-11.")]


class OutcomeInput(Input, frozen=True):
    """How it ended; a failure needs to be explained."""

    outcome: Literal["done", "failed"]
    problem: Annotated[str, msgspec.Meta(max_length=200)] = ""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run: how many payouts it asked for, what they come to, and how they ended."""

    id: UUID
    no: str
    month: str
    by: str
    at: datetime
    payouts: int
    amount: Money
    requested: int
    done: int
    failed: int


class RunInput(Input, frozen=True):
    """Which month, as 2026-11, and what was confirmed that it pays; null to pay whatever is approved."""

    month: Month
    amount: Money | None = None


class ToPay(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of whom no account is known, and how much they are to be paid."""

    payee: PayeeOf
    statement_id: UUID
    amount: Money


class ToNewAccount(ToPay, frozen=True, kw_only=True):
    """Somebody whose account was set by another, or is a shop's or company's, and has received nothing yet."""

    account_set: AccountSet


class PayoutQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that I begin would pay: so many statements, those that wait because they are disputed, those by file,
    of those the ones `without` an account (a hundred are named), those to a `new` account that was not set by the payee
    alone (a hundred are named), and whether a colleague has to begin it, because I alone approved, or set the account
    of, more than `limit`."""

    month: str
    statements: int
    amount: Money
    disputed: int
    disputed_amount: Money
    by_file: int
    by_file_amount: Money
    without: int
    without_amount: Money
    without_account: list[ToPay]
    new: int
    new_accounts: list[ToNewAccount]
    needs_colleague: bool
    alone: Money
    limit: Money


_RUNS = """
SELECT r.id, r.month, r.at, coalesce(s.name, '') AS by, count(o.id)::integer AS payouts,
       coalesce(sum(o.amount_minor), 0)::bigint AS minor,
       count(o.id) FILTER (WHERE o.state = 'requested')::integer AS requested,
       count(o.id) FILTER (WHERE o.state = 'done')::integer AS done,
       count(o.id) FILTER (WHERE o.state = 'failed')::integer AS failed
FROM payout_runs r LEFT JOIN staff s ON r.actor = 'staff:' || s.id LEFT JOIN payouts o ON o.run_id = r.id
WHERE ($1::uuid IS NULL OR r.id < $1) AND ($2::uuid IS NULL OR r.id = $2)
GROUP BY r.id, s.name ORDER BY r.id DESC LIMIT $3
"""
# $3: of those only what goes into the file, which waits for its money and no provider executes.
_PAYOUTS = f"""
SELECT {COLUMNS} {FROM}
WHERE o.run_id = $1 AND ($2::uuid IS NULL OR o.id > $2)
  AND (NOT $3 OR o.state = 'requested' AND o.provider = '')
ORDER BY o.id LIMIT $4
"""
# What the next run of month $1 pays, with the account that each goes to.
_NEXT = f"""
SELECT p.payee_id, p.kind, {NAMED}, s.id, {ASKED} AS minor, k.at, ab.name AS account_by,
       coalesce(k.provider, 'bank') = 'bank' AS by_file, k.provider IS NULL AS without,
       coalesce({payee_accounts.NEW}, false) AS new
FROM statements s JOIN payees p ON p.payee_id = s.payee_id {NAMES}
LEFT JOIN LATERAL {payee_accounts.picked("s.payee_id")} k ON true
LEFT JOIN staff ab ON k.actor = 'staff:' || ab.id
WHERE {READY} AND NOT {DISPUTED}
"""  # noqa: S608 - our own text
_WHERE_TO = f"""
SELECT count(*) FILTER (WHERE by_file)::integer AS by_file,
       coalesce(sum(minor) FILTER (WHERE by_file), 0)::bigint AS by_file_minor,
       count(*) FILTER (WHERE without)::integer AS without,
       coalesce(sum(minor) FILTER (WHERE without), 0)::bigint AS without_minor,
       count(*) FILTER (WHERE new)::integer AS new
FROM ({_NEXT}) x WHERE minor > 0
"""  # noqa: S608 - our own text
# Those of whom no account is known, and those with a new one, the most first.
_LOOK_AT = f"""
SELECT * FROM (SELECT x.*, row_number() OVER (PARTITION BY without ORDER BY minor DESC, id) AS n
               FROM ({_NEXT}) x WHERE minor > 0 AND (without OR new)) y
WHERE n <= 100 ORDER BY minor DESC, id
"""  # noqa: S608 - our own text
# What a bank needs of a payout by file besides: the whole account, as it was when it was asked for.
_ACCOUNTS = """
SELECT o.id, s.month, o.holder, o.bank, o.branch, o.owner, o.receiver AS account FROM payouts o
JOIN statements s ON s.payee_id = o.payee_id AND s.id = o.statement_id
WHERE o.run_id = $1 AND o.id = ANY ($2)
"""


async def _runs(
    db: Database | Tx, *, before: UUID | None = None, run_id: UUID | None = None, limit: int = 1
) -> list[Any]:
    return await db.fetch(_RUNS, before, run_id, limit)


async def _payouts(db: Database, run_id: UUID, *, after: UUID | None, limit: int, for_file: bool = False) -> list[Any]:
    return await db.fetch(_PAYOUTS, run_id, after, for_file, limit)


def _run(row: Any) -> RunRow:
    return RunRow(
        id=row["id"],
        no=number(row["id"]),
        month=row["month"],
        by=row["by"],
        at=row["at"],
        payouts=row["payouts"],
        amount=money(row["minor"]),
        requested=row["requested"],
        done=row["done"],
        failed=row["failed"],
    )


def _to_pay(row: Any, chain: Chain) -> dict[str, Any]:
    return {"payee": payee_of(row, chain), "statement_id": row["id"], "amount": money(row["minor"])}


@get(PATH, opt=doors.staff("settlement.pay"))
async def list_payout_runs(db: Database, limit: Limit = 20, cursor: Cursor = None) -> Page[RunRow]:
    """Runs, the last first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await _runs(db, before=before, limit=limit + 1)
    shown = rows[:limit]
    return Page([_run(row) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@get("/api/console/payout-quotes", opt=doors.staff("settlement.pay"))
async def quote_payouts(db: Database, staff: Staff, chain: Chain, month: AskedMonth) -> PayoutQuote:
    """What a run would pay now, before anybody begins it."""
    found = await payout_quotes.quote(db, month, staff_id=staff.id)
    least_minor = settlement.STATEMENTS.current().body.least_minor
    to = (await db.fetch(_WHERE_TO, month, least_minor))[0]
    rows = await db.fetch(_LOOK_AT, month, least_minor)
    return PayoutQuote(
        month=month,
        statements=found.statements,
        amount=money(found.minor),
        disputed=found.disputed,
        disputed_amount=money(found.disputed_minor),
        by_file=to["by_file"],
        by_file_amount=money(to["by_file_minor"]),
        without=to["without"],
        without_amount=money(to["without_minor"]),
        without_account=[ToPay(**_to_pay(row, chain)) for row in rows if row["without"]],
        new=to["new"],
        new_accounts=[
            ToNewAccount(**_to_pay(row, chain), account_set=AccountSet(by=row["account_by"] or "", at=row["at"]))
            for row in rows
            if row["new"]
        ],
        needs_colleague=found.needs_another,
        alone=money(found.alone_minor),
        limit=money(found.limit_minor),
    )


@post(PATH, opt=doors.staff("settlement.pay"))
async def start_payout_run(write: Write, staff: Staff, data: RunInput) -> Answer[RunRow]:
    """Ask for the money of every approved statement of a month. Two runs at once pay each statement once.

    Refuses `settlement.quote-moved` when `amount` is not what it would pay, and `settlement.pay-alone` when it pays
    more than the limit above which two people are needed, and nobody but me has approved it.
    """

    async def work(tx: Tx) -> RunRow:
        expected = None if data.amount is None else minor_of(data.amount)
        await payout_quotes.check(tx, data.month, staff_id=staff.id, expected_minor=expected)
        run_id = await settlement.begin(tx, data.month, actor=staff.actor)
        return _run((await _runs(tx, run_id=run_id))[0])

    return await write.run(work, status=201)


@get(f"{PATH}/{{run_id:uuid}}/payouts", opt=doors.staff("settlement.pay", run_id=doors.SHARED))
async def list_payouts(
    db: Database, chain: Chain, run_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> Page[PayoutRow]:
    """What a run asked for, and how it ended."""
    if not await _runs(db, run_id=run_id):
        raise NotFound(kind="payout_run")
    after = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await _payouts(db, run_id, after=after, limit=limit + 1)
    shown = rows[:limit]
    return Page([payout_of(row, chain) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@get(f"{PATH}/{{run_id:uuid}}/file", media_type="text/csv", opt=doors.staff("settlement.pay", run_id=doors.SHARED))
async def download_payouts(
    db: Database, staff: Staff, chain: Chain, run_id: UUID, kind: FileKind = "csv"
) -> Answer[Any]:
    """The payouts of a run that no provider executes and that wait for their money, for the bank, as CSV, however many
    they are, or as a workbook of at most 20,000: the id of each is the reference it is known by, so that a file that is
    handed in twice pays once. It has whole bank accounts, each as it was when the payout was asked for, and says in
    words where there is none, and whose account is new; who took it is in the audit log.

    What ended is not in it: handed in again, what is done would be paid twice, and what failed is asked for anew, under
    another reference, by the next run. Refuses `settlement.file-too-long` for a workbook of more."""
    found = await _runs(db, run_id=run_id)
    if not found:
        raise NotFound(kind="payout_run")
    run = found[0]
    if kind == "xlsx" and run["requested"] > DRAWN_MAX:
        raise FileTooLong(lines_max=DRAWN_MAX)
    async with db.begin() as tx:
        await audit.record(
            tx,
            actor=staff.actor,
            action="payout.file",
            subject_kind="payout_run",
            subject=str(run_id),
            after={"month": run["month"], "waiting": run["requested"]},
        )
    name, pages = f"payouts-{run['month']}-{number(run_id)}", _waiting(db, chain, run_id)
    if kind == "csv":
        return csv_file(payout_files.COLUMNS, pages, name=name, row=payout_files.csv_cells)
    rows = [row async for page in pages for row in page]
    return await table_file(payout_files.table(run["month"], number(run_id), rows), name=name, kind="xlsx")


async def _waiting(db: Database, chain: Chain, run_id: UUID) -> AsyncIterator[list[ForBank]]:
    """The payouts of a run that wait for their money and no provider executes, page by page."""
    after: UUID | None = None
    while rows := await _payouts(db, run_id, after=after, limit=FILE_PAGE, for_file=True):
        after = rows[-1]["id"]
        found = await db.fetch(_ACCOUNTS, run_id, [row["id"] for row in rows])
        accounts = {each["id"]: each for each in found}
        yield [ForBank(payout_of(row, chain), *list(accounts[row["id"]])[1:]) for row in rows]


@post("/api/console/payouts/{payout_id:uuid}/outcome", opt=doors.staff("settlement.pay", payout_id=doors.SHARED))
async def resolve_payout(
    write: Write, staff: Staff, chain: Chain, payout_id: UUID, data: OutcomeInput
) -> Answer[PayoutRow]:
    """Say how a payout by file ended: the payee has it, or it failed and can be paid again. Refuses
    `settlement.payout-at-provider`."""
    if data.outcome == "failed" and not data.problem.strip():
        raise BadInput(problems=[{"field": "problem", "zh": "请写明失败原因。", "en": "Say why it failed."}])

    async def work(tx: Tx) -> PayoutRow:
        payee_id = await tx.fetchval("SELECT payee_id FROM payouts WHERE id = $1", payout_id)
        if payee_id is None:
            raise NotFound(kind="payout")
        await settlement.resolve(
            tx,
            payee_id,
            payout_id,
            went_well=data.outcome == "done",
            problem=data.problem.strip(),
            actor=staff.actor,
        )
        row = await tx.fetchrow(
            f"SELECT {COLUMNS} {FROM} WHERE o.payee_id = $1 AND o.id = $2",
            payee_id,
            payout_id,
        )
        return payout_of(row, chain)

    return await write.run(work)


ROUTES = [list_payout_runs, quote_payouts, start_payout_run, list_payouts, download_payouts, resolve_payout]
