"""Sharing by members: a link of one's own with a note, what came of it, and what the reader is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post

from duoline import attribution
from duoline.attribution import Owner, Target
from duoline.channels.http import cursors, doors, limits, site
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.sessions import Member
from duoline.channels.http.shares import ShareInput, ShareView, new_share, share_page, share_view
from duoline.channels.http.writes import Write
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound

SHARES_BY_MEMBER = limits.Limit(60, 3600)
"""Links that one member makes in an hour."""
AnyRequest = Request[Any, Any, Any]


class Shared(msgspec.Struct, frozen=True):
    """What the reader of a share is told: who sent it and their note. Both empty for any other code."""

    by: str
    note: str


@post("/api/mall/shares", opt=doors.member(known=True, name=doors.SHARED))
async def share(
    request: AnyRequest, settings: Settings, write: Write, member: Member, data: ShareInput
) -> Answer[ShareView]:
    """Share a product or coupons. Refuses `attribution.note-not-shown`."""
    SHARES_BY_MEMBER.check(str(member.id))
    base = site.front_of(request, settings)
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> ShareView:
        made = await attribution.share(
            tx,
            owner=Owner("member", member.id),
            target=Target(data.kind, data.name),
            note=data.note,
            actor=member.actor,
            device_id=device,
        )
        return new_share(made, base)

    return await write.run(work, status=201)


@get("/api/mall/shares", opt=doors.member(known=True))
async def list_shares(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    member: Member,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ShareView]:
    """What I shared, the newest first, and what came of it."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch(
        """SELECT * FROM touchpoints WHERE owner_id = ANY ($1) AND kind = 'share' AND ($2::uuid IS NULL OR id < $2)
             AND NOT (standing AND target_kind = 'home')  -- their own code itself: nothing they shared
           ORDER BY id DESC LIMIT $3""",
        member.ids,
        before,
        limit + 1,
    )
    return await share_page(db, rows, limit, site.front_of(request, settings))


@post("/api/mall/shares/{share_id:uuid}/end", opt=doors.member(share_id="share_of"))
async def end_share(
    request: AnyRequest, settings: Settings, write: Write, member: Member, share_id: UUID
) -> Answer[ShareView]:
    """The link leads nowhere from now on; what came of it stays."""
    base = site.front_of(request, settings)

    async def work(tx: Tx) -> ShareView:
        found = await attribution.get(tx, share_id)
        if found.owner.id not in member.ids:
            raise NotFound(kind="touchpoint")
        await attribution.end(tx, found.owner.id, share_id, reason="", actor=member.actor)
        found = await attribution.get(tx, share_id)
        (figures,) = await attribution.brought(tx, [share_id])
        return share_view(found, figures, base)

    return await write.run(work)


@get("/api/mall/shared/{code:str}", opt=doors.public(code=doors.SHARED))
async def show_shared(db: Database, code: str) -> Shared:
    """Who shared the page that is being looked at, and their note."""
    tidy = attribution.tidy(code)
    found = await attribution.coded(db, tidy) if tidy else None
    if found is None:
        raise NotFound(kind="touchpoint")
    if found.kind != "share" or found.ended_at is not None:
        return Shared("", "")
    return Shared(await maker_of(db, found.owner.id), found.note)


async def maker_of(db: Database, owner_id: UUID) -> str:
    """The name of whoever shares something, by their own act; empty for who has none."""
    by: str | None = await db.fetchval(
        """SELECT display_name FROM members WHERE member_id = (duo_group($1))[1]
           UNION ALL SELECT name FROM staff WHERE id = $1""",
        owner_id,
    )
    return by or ""


ROUTES = [share, list_shares, end_share, show_shared]
