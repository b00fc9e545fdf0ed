"""What I earn as a guide or seller: in which shop does not matter, it is mine."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.earnings import (
    EarnedShare,
    Earnings,
    MyStatement,
    StatedShare,
    dispute,
    earnings_of,
    lines_of,
    shares_of,
    statements_of,
)
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx


class DisputeNoteInput(Input, frozen=True):
    """What is not right with it."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


@get("/api/clerk/earnings", opt=doors.staff(None))
async def show_earnings(db: Database, staff: Staff) -> Earnings:
    """What I earned."""
    return await earnings_of(db, [staff.id])


@get("/api/clerk/earnings/shares", opt=doors.staff(None))
async def list_earned_shares(db: Database, staff: Staff, limit: Limit = 20, cursor: Cursor = None) -> Page[EarnedShare]:
    """By which order lines, and why."""
    return await shares_of(db, [staff.id], limit=limit, cursor=cursor)


@get("/api/clerk/statements", opt=doors.staff(None))
async def list_my_statements(db: Database, staff: Staff, limit: Limit = 12, cursor: Cursor = None) -> Page[MyStatement]:
    """My statements, the last month first."""
    return await statements_of(db, [staff.id], limit=limit, cursor=cursor)


@get("/api/clerk/statement-lines/{statement_id:uuid}", opt=doors.staff(None, statement_id="statement"))
async def list_my_statement_lines(
    db: Database, staff: Staff, statement_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Page[StatedShare]:
    """The order lines that a statement of mine is the sum of."""
    return await lines_of(db, [staff.id], statement_id, limit=limit, cursor=cursor)


@post("/api/clerk/statements/{month:str}/notes", opt=doors.staff(None, month=doors.SHARED))
async def dispute_my_statement(write: Write, staff: Staff, month: str, data: DisputeNoteInput) -> Answer[MyStatement]:
    """Say what is not right with a statement of mine; headquarters answers."""

    async def work(tx: Tx) -> MyStatement:
        return await dispute(tx, [staff.id], month, statement_id=None, note=data.note, actor=staff.actor)

    return await write.run(work, status=201)


ROUTES = [show_earnings, list_earned_shares, list_my_statements, list_my_statement_lines, dispute_my_statement]
