"""What I earn by sharing."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post

from duoline import settlement
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.earnings import (
    EarnedShare,
    Earnings,
    MyStatement,
    earnings_of,
    shares_of,
    statement_of,
    statements_of,
)
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx


class DisputeNoteInput(Input, frozen=True):
    """What is not right with it."""

    note: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


@get("/api/mall/earnings", opt=doors.member(known=True))
async def show_earnings(db: Database, member: Member) -> Earnings:
    """What I earned."""
    return await earnings_of(db, member.id)


@get("/api/mall/earnings/shares", opt=doors.member(known=True))
async def list_earned_shares(
    db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None
) -> Page[EarnedShare]:
    """By which order lines, and why."""
    return await shares_of(db, member.id, limit=limit, cursor=cursor)


@get("/api/mall/statements", opt=doors.member(known=True))
async def list_my_statements(
    db: Database, member: Member, limit: Limit = 12, cursor: Cursor = None
) -> Page[MyStatement]:
    """My statements, the last month first."""
    return await statements_of(db, member.id, limit=limit, cursor=cursor)


@post("/api/mall/statements/{month:str}/notes", opt=doors.member(known=True, month=doors.SHARED))
async def dispute_my_statement(write: Write, member: Member, month: str, data: DisputeNoteInput) -> Answer[MyStatement]:
    """Say what is not right with a statement of mine; headquarters answers."""

    async def work(tx: Tx) -> MyStatement:
        found = await statement_of(tx, member.id, month)
        await settlement.say(tx, member.id, found.id, kind="dispute", note=data.note, actor=member.actor)
        return await statement_of(tx, member.id, month)

    return await write.run(work, status=201)


ROUTES = [show_earnings, list_earned_shares, list_my_statements, dispute_my_statement]
