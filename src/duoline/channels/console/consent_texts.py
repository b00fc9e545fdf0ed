"""What members are asked to agree to: the texts with their versions, how many agreed to which, and what one
member said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.console.member_scope import reached
from duoline.channels.console.member_shapes import Reason
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text
from duoline.members import consents
from duoline.members.consent_texts import PURPOSES, Purpose
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/api/console/consent-texts"

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=r"\S")]


class NewConsentText(Input, frozen=True):
    """The next version of a purpose's text. With `widens`, who agreed to an earlier one is asked again."""

    purpose: Purpose
    title_zh: Title
    title_en: Title
    body_zh: Body
    body_en: Body
    widens: bool
    reason: Reason


class ConsentVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version: how many members' newest word is yes to it, and how many took it back."""

    version: int
    title: Text
    body: Text
    widens: bool
    published_at: datetime | None
    reason: str
    granted: int
    withdrawn: int


class ConsentTextRow(msgspec.Struct, frozen=True):
    """A purpose with its versions, the newest first, and the members who agree now."""

    purpose: Purpose
    agree: int
    versions: list[ConsentVersion]


class MemberSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What a member said once: to which version, where, and who wrote it down (None: they themselves)."""

    id: UUID
    purpose: Purpose
    granted: bool
    text_version: int
    channel: str
    at: datetime
    by: str | None


@get(PATH, opt=doors.staff("policies.read"))
async def list_consent_texts(db: Database) -> Page[ConsentTextRow]:
    """Every purpose with its texts and how many agreed to which."""
    rows = [row async for row in _rows(db)]
    return Page(rows, None, len(rows))


@post(PATH, opt=doors.staff("policies.edit", purpose=doors.SHARED))
async def publish_consent_text(write: Write, staff: Staff, data: NewConsentText) -> Answer[ConsentTextRow]:
    """Publish the next version of a text; members see it from now on."""

    async def work(tx: Tx) -> ConsentTextRow:
        await consents.publish(
            tx,
            purpose=data.purpose,
            title=Text(data.title_zh.strip(), data.title_en.strip()),
            body=Text(data.body_zh.strip(), data.body_en.strip()),
            widens=data.widens,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        (made,) = [row async for row in _rows(tx) if row.purpose == data.purpose]
        return made

    return await write.run(work, status=201)


@get("/api/console/members/{member_id:uuid}/consents", opt=doors.staff("members.read", member_id="customer"))
async def list_member_consents(
    db: Database, staff: Staff, chain: Chain, member_id: UUID, limit: Limit = 20, cursor: Cursor = None
) -> Page[MemberSaid]:
    """What a member said about every purpose, the newest first: the proof of each."""
    await reached(db, staff.scope("members.read"), member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member-consents")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    rows = await consents.history(db, member_id, before=before, limit=limit + 1)
    ids = [UUID(one.actor[6:]) for one in rows if one.actor.startswith("staff:")]
    names = {row["id"]: row["name"] for row in await db.fetch("SELECT id, name FROM staff WHERE id = ANY ($1)", ids)}
    shown = [
        MemberSaid(
            id=one.id,
            purpose=one.purpose,
            granted=one.granted,
            text_version=one.text_version,
            channel=one.channel,
            at=one.at,
            by=names.get(UUID(one.actor[6:])) if one.actor.startswith("staff:") else None,
        )
        for one in rows[:limit]
    ]
    return Page(shown, cursors.pack(shown[-1].at, shown[-1].id) if len(rows) > limit else None)


async def _rows(db: Database | Tx) -> AsyncIterator[ConsentTextRow]:
    said = {(one.purpose, one.version): one for one in await consents.agreed(db)}
    for purpose in PURPOSES:
        versions = []
        for text in await consents.versions(db, purpose):
            one = said.get((purpose, text.version))
            versions.append(
                ConsentVersion(
                    version=text.version,
                    title=text.title,
                    body=text.body,
                    widens=text.widens,
                    published_at=text.at,
                    reason=text.reason,
                    granted=one.granted if one else 0,
                    withdrawn=one.withdrawn if one else 0,
                )
            )
        least = max((each.version for each in versions if each.widens), default=1)
        yield ConsentTextRow(purpose, sum(v.granted for v in versions if v.version >= least), versions)


ROUTES = [list_consent_texts, publish_consent_text, list_member_consents]
