"""What I earn by sharing."""

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
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx


class DisputeNoteInput(Input, frozen=True, kw_only=True):
    """What is not right with it; `statement_id` says with which, where a month has more than one."""

    statement_id: UUID | None = None
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


@get("/api/mall/earnings", opt=doors.member(known=True))
async def show_earnings(db: Database, member: Member) -> Earnings:
    """What I earned."""
    return await earnings_of(db, member.ids)


@get("/api/mall/earnings/shares", opt=doors.member(known=True))
async def list_earned_shares(
    db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None
) -> Page[EarnedShare]:
    """By which order lines, and why."""
    return await shares_of(db, member.ids, limit=limit, cursor=cursor)


@get("/api/mall/statements", opt=doors.member(known=True))
async def list_my_statements(
    db: Database, member: Member, limit: Limit = 12, cursor: Cursor = None
) -> Page[MyStatement]:
    """My statements, the last month first."""
    return await statements_of(db, member.ids, limit=limit, cursor=cursor)


@get("/api/mall/statement-lines/{statement_id:uuid}", opt=doors.member(statement_id="own_statement"))
async def list_my_statement_lines(
    db: Database, member: Member, statement_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Page[StatedShare]:
    """The order lines that a statement of mine is the sum of."""
    return await lines_of(db, member.ids, statement_id, limit=limit, cursor=cursor)


@post(
    "/api/mall/statements/{month:str}/notes",
    opt=doors.member(month=doors.SHARED, statement_id="own_statement"),
)
async def dispute_my_statement(write: Write, member: Member, month: str, data: DisputeNoteInput) -> Answer[MyStatement]:
    """Say what is not right with a statement of mine; headquarters answers."""

    async def work(tx: Tx) -> MyStatement:
        return await dispute(tx, member.ids, month, statement_id=data.statement_id, note=data.note, actor=member.actor)

    return await write.run(work, status=201)


ROUTES = [show_earnings, list_earned_shares, list_my_statements, list_my_statement_lines, dispute_my_statement]
