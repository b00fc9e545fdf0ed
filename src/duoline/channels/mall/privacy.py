"""The privacy centre: what we keep of a member and why, what they agree to, and what they said about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post, put

from duoline.channels.http import cursors, doors, limits, sessions
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.flows import erase_member, export_member, personal_data
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.text import Text
from duoline.members import consents, profile
from duoline.members.consent_texts import NEEDED, Purpose
from duoline.members.log_in import check_code
from duoline.members.send_code import send_code
from duoline.stores.directory import Chain

EXPORTS_BY_MEMBER = limits.Limit(10, 3600)
PATH = "/api/mall/privacy"


class PurposeView(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose with its newest text. `granted` is what counts now; `asks_again` when the text was widened since."""

    purpose: Purpose
    version: int
    title: Text
    body: Text
    needed: bool
    granted: bool
    since: datetime | None
    asks_again: bool


class KeptView(msgspec.Struct, frozen=True):
    """How many entries of a kind we keep."""

    kind: str
    entries: int


class PrivacyView(msgspec.Struct, frozen=True):
    """What I agree to, and what is kept of me."""

    purposes: list[PurposeView]
    kept: list[KeptView]


class SaidView(msgspec.Struct, frozen=True, kw_only=True):
    """What I said once about a purpose, to which version of its text, and where."""

    id: UUID
    purpose: Purpose
    granted: bool
    text_version: int
    channel: str
    at: datetime


class SeenView(msgspec.Struct, frozen=True, kw_only=True):
    """My whole number was shown: to my guide for a `call` about a task, `by` name in their `shop`; with an `export` of
    my data by headquarters; or `told` to another system, `by` its name."""

    id: UUID
    what: Literal["call", "export", "told"]
    by: str
    shop: Text | None
    at: datetime


class ErasureCode(msgspec.Struct, frozen=True):
    """Until when the code counts, and when another may be asked for."""

    expires_at: datetime
    retry_at: datetime


class ErasureInput(Input, frozen=True):
    """The code that my phone received."""

    code: Annotated[str, msgspec.Meta(pattern=r"^\s*[0-9]{6}\s*$")]


class ConsentInput(Input, frozen=True):
    """Agree to this version of the text, or agree no more."""

    granted: bool
    text_version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


@get(PATH, opt=doors.member(known=True))
async def show_privacy(db: Database, member: Member, settings: Settings) -> PrivacyView:
    """What I agree to, and what is kept of me."""
    return await _view(db, member, settings.secret)


@put(f"{PATH}/{{purpose:str}}", opt=doors.member(known=True, purpose=doors.SHARED))
async def change_consent(
    write: Write,
    member: Member,
    settings: Settings,
    purpose: Purpose,
    data: ConsentInput,
) -> Answer[PrivacyView]:
    """Agree to a purpose, or take it back: from the answer on it counts everywhere.

    Refuses `members.consent-needed`, `members.consent-text-changed`.
    """

    async def work(tx: Tx) -> PrivacyView:
        await consents.say(
            tx,
            member_id=member.id,
            purpose=purpose,
            granted=data.granted,
            text_version=data.text_version,
            channel="mall",
            actor=member.actor,
        )
        return await _view(tx, member, settings.secret)

    return await write.run(work)


@get(f"{PATH}/history", opt=doors.member(known=True))
async def list_said(db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None) -> Page[SaidView]:
    """What I said about every purpose, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    rows = await consents.history(db, member.id, before=before, limit=limit + 1)
    shown = [
        SaidView(
            id=one.id,
            purpose=one.purpose,
            granted=one.granted,
            text_version=one.text_version,
            channel=one.channel,
            at=one.at,
        )
        for one in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


_SEEN = """
SELECT a.id, a.at, a.action, a.store_id, CASE a.action WHEN 'member.export' THEN '' ELSE a.actor_name END AS by
FROM audit_log a
WHERE a.subject_kind = 'member' AND a.subject = ANY (duo_group($1)::text[])
  AND a.action IN ('member.call', 'member.export', 'member.told')
  AND ($2::timestamptz IS NULL OR (a.at, a.id) < ($2, $3::uuid))
ORDER BY a.at DESC, a.id DESC LIMIT $4
"""
_WHAT: dict[str, Literal["call", "export", "told"]] = {
    "member.call": "call",
    "member.export": "export",
    "member.told": "told",
}


@get(f"{PATH}/number-views", opt=doors.member(known=True))
async def list_number_views(
    db: Database, member: Member, chain: Chain, limit: Limit = 20, cursor: Cursor = None
) -> Page[SeenView]:
    """Who was shown my whole number, when and what for, the newest first."""
    before = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(_SEEN, member.id, *before, limit + 1)
    shown = [
        SeenView(
            id=row["id"],
            what=_WHAT[row["action"]],
            by=row["by"],
            shop=shop.name.filled if (shop := chain.stores.get(row["store_id"])) else None,
            at=row["at"],
        )
        for row in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


@get(f"{PATH}/export", media_type="application/zip", opt=doors.member(known=True))
async def export_my_data(db: Database, member: Member, settings: Settings, language: str) -> Answer[str]:
    """Everything kept about me, as a zip with a document for machines and a page for people."""
    EXPORTS_BY_MEMBER.check(str(member.id))
    found = await export_member.document(db, member.id, secret=settings.secret)
    return Answer(
        export_member.packed(found, language="en" if language == "en" else "zh"),
        media=b"application/zip",
        headers=[
            (b"content-disposition", b'attachment; filename="my-data.zip"'),
            (b"cache-control", b"private, no-store"),
        ],
    )


@post(f"{PATH}/erasure-codes", opt=doors.member(known=True), status_code=202)
async def request_erasure_code(write: Write, member: Member, settings: Settings) -> Answer[ErasureCode]:
    """Send a one-time code to my own phone, which confirms that my account is to be deleted and opens nothing else; nor
    does a code for log-in delete it.

    Refuses `members.erasure-blocked` with `problems` while something is open, then as
    `POST /api/mall/login-codes` does.
    """

    async def work(tx: Tx) -> ErasureCode:
        whose = await personal_data.whose(tx, member.id, secret=settings.secret, strangers=True)
        erase_member.refuse(await erase_member.blocked(tx, whose))
        locale: Literal["zh", "en"] = "en" if write.language == "en" else "zh"
        if whose.phone is None:
            raise NotFound(kind="phone")
        made = await send_code(tx, phone=whose.phone, locale=locale, secret=settings.secret, purpose="erasure")
        return ErasureCode(made.expires_at, made.retry_at)

    return await write.run(work, status=202)


@post(f"{PATH}/erasure", opt=doors.member(known=True), status_code=204)
async def erase_me(write: Write, member: Member, settings: Settings, data: ErasureInput) -> Answer[None]:
    """Delete my account: my name, phone, addresses and favourites go, my points and coupons are lost; what was bought
    stays in the accounts and names nobody.

    Refuses `members.wrong-code`, `members.erasure-blocked` with `problems`.
    """

    async def work(tx: Tx) -> Refusal | None:
        mine = await profile.profile(tx, member.id)
        wrong = await check_code(
            tx, phone=mine.phone or "", code=data.code.strip(), secret=settings.secret, purpose="erasure"
        )
        if wrong is not None:
            return wrong
        await erase_member.erase(tx, member_id=member.id, secret=settings.secret, channel="mall", actor=member.actor)
        write.end_session("member")
        return None

    answer = await write.run(work, status=204)
    sessions.forget(member.id)
    return answer


async def _view(db: Database | Tx, member: Member, secret: str) -> PrivacyView:
    purposes = [
        PurposeView(
            purpose=one.text.purpose,
            version=one.text.version,
            title=one.text.title,
            body=one.text.body,
            needed=one.text.purpose == NEEDED,
            granted=one.granted,
            since=one.since,
            asks_again=one.asks_again,
        )
        for one in await consents.standings(db, member.id)
    ]
    kept = await personal_data.counts(db, await personal_data.whose(db, member.id, secret=secret))
    return PrivacyView(purposes, [KeptView(kind, entries) for kind, entries in kept.items()])


ROUTES = [show_privacy, list_said, list_number_views, change_consent, export_my_data, request_erasure_code, erase_me]
