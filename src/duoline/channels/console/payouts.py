"""Payouts: runs that ask for the money of what was approved, the file for whoever executes them, how each ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import settlement
from duoline.channels.console.payee_scope import NAMED, NAMES, PayeeOf, money, payee_of
from duoline.channels.console.statements import MonthInput
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.documents import csv_file
from duoline.channels.http.sessions import Staff
from duoline.channels.http.table import Column
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.money import Money
from duoline.settlement.payee_accounts import masked
from duoline.stores.directory import Chain

PATH = "/api/console/payout-runs"
FILE_PAGE = 2_000


class OutcomeInput(Input, frozen=True):
    """How it ended; a failure needs to be explained."""

    outcome: Literal["done", "failed"]
    problem: Annotated[str, msgspec.Meta(max_length=200)] = ""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run: how many payouts it asked for, what they come to, and how they ended."""

    id: UUID
    month: str
    by: str
    at: datetime
    payouts: int
    amount: Money
    requested: int
    done: int
    failed: int


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payout: whose, how much, for which statement, how it ended. `provider` executes it, to `receiver`, of which
    only the ends are told; empty for one by file."""

    id: UUID
    payee: PayeeOf
    statement_id: UUID
    amount: Money
    state: Literal["requested", "done", "failed"]
    provider: str
    receiver: str
    problem: str
    at: datetime
    resolved_at: datetime | None


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
SELECT o.payee_id, o.id, o.statement_id, o.amount_minor, o.state, o.provider, o.receiver, o.problem, o.at,
       o.resolved_at, p.kind, {NAMED}
FROM payouts o JOIN payees p ON p.payee_id = o.payee_id {NAMES}
WHERE o.run_id = $1 AND ($2::uuid IS NULL OR o.id > $2)
  AND (NOT $3 OR o.state = 'requested' AND o.provider = '')
ORDER BY o.id LIMIT $4
"""  # noqa: S608 - our own text


async def _runs(
    db: Database | Tx, *, before: UUID | None = None, run_id: UUID | None = None, limit: int = 1
) -> list[Any]:
    return await db.fetch(_RUNS, before, run_id, limit)


async def _payouts(db: Database, run_id: UUID, *, after: UUID | None, limit: int, for_file: bool = False) -> list[Any]:
    return await db.fetch(_PAYOUTS, run_id, after, for_file, limit)


def _run(row: Any) -> RunRow:
    return RunRow(
        id=row["id"],
        month=row["month"],
        by=row["by"],
        at=row["at"],
        payouts=row["payouts"],
        amount=money(row["minor"]),
        requested=row["requested"],
        done=row["done"],
        failed=row["failed"],
    )


def _payout(row: Any, chain: Chain) -> PayoutRow:
    return PayoutRow(
        id=row["id"],
        payee=payee_of(row, chain),
        statement_id=row["statement_id"],
        amount=money(row["amount_minor"]),
        state=row["state"],
        provider=row["provider"],
        receiver=masked(row["receiver"]) if row["receiver"] else "",
        problem=row["problem"],
        at=row["at"],
        resolved_at=row["resolved_at"],
    )


@get(PATH, opt=doors.staff("settlement.pay"))
async def list_payout_runs(db: Database, limit: Limit = 20, cursor: Cursor = None) -> Page[RunRow]:
    """Runs, the last first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await _runs(db, before=before, limit=limit + 1)
    shown = rows[:limit]
    return Page([_run(row) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@post(PATH, opt=doors.staff("settlement.pay"))
async def start_payout_run(write: Write, staff: Staff, data: MonthInput) -> Answer[RunRow]:
    """Ask for the money of every approved statement of a month. Two runs at once pay each statement once."""

    async def work(tx: Tx) -> RunRow:
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
    return Page([_payout(row, chain) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@get(f"{PATH}/{{run_id:uuid}}/file", media_type="text/csv", opt=doors.staff("settlement.pay", run_id=doors.SHARED))
async def download_payouts(db: Database, chain: Chain, run_id: UUID) -> Answer[Any]:
    """The payouts of a run that no provider executes and that wait for their money, for the bank, as CSV, however many
    they are: the id of each is the reference it is known by, so that a file that is handed in twice pays once.

    What ended is not in it: handed in again, what is done would be paid twice, and what failed is asked for anew, under
    another reference, by the next run."""
    found = await _runs(db, run_id=run_id)
    if not found:
        raise NotFound(kind="payout_run")

    def cells(row: PayoutRow) -> list[str | int]:
        payee, amount = row.payee, row.amount
        return [str(row.id), payee.kind, str(payee.id), payee.name.zh, amount.minor, amount.currency, row.state]

    return csv_file(_COLUMNS, _waiting(db, chain, run_id), name=f"payouts-{found[0]['month']}", row=cells)


_COLUMNS = [
    Column("reference"),
    Column("payee_kind"),
    Column("payee_id"),
    Column("payee"),
    Column("amount", "money"),
    Column("currency"),
    Column("state"),
]


async def _waiting(db: Database, chain: Chain, run_id: UUID) -> AsyncIterator[list[PayoutRow]]:
    """The payouts of a run that wait for their money and no provider executes, page by page."""
    after: UUID | None = None
    while rows := await _payouts(db, run_id, after=after, limit=FILE_PAGE, for_file=True):
        after = rows[-1]["id"]
        yield [_payout(row, chain) for row in rows]


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
            f"""SELECT o.payee_id, o.id, o.statement_id, o.amount_minor, o.state, o.provider, o.receiver, o.problem,
                       o.at, o.resolved_at, p.kind, {NAMED}
                FROM payouts o JOIN payees p ON p.payee_id = o.payee_id {NAMES}
                WHERE o.payee_id = $1 AND o.id = $2""",  # noqa: S608 - our own text
            payee_id,
            payout_id,
        )
        return _payout(row, chain)

    return await write.run(work)


ROUTES = [list_payout_runs, start_payout_run, list_payouts, download_payouts, resolve_payout]
