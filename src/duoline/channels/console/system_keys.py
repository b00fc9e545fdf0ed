"""Keys of other systems: made for a right and its purposes, shown once, revoked at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput
from duoline.stores import system_keys
from duoline.stores.system_keys import PREFIX, Purpose, Right, SystemKey

PATH = "/api/console/system-keys"


class NewKey(Input, frozen=True, kw_only=True):
    """Which system it is for, what it may ask for and for which purposes, and until when; without an end, until it is
    revoked."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
    rights: Annotated[list[Right], msgspec.Meta(min_length=1, max_length=10)]
    purposes: Annotated[list[Purpose], msgspec.Meta(min_length=1, max_length=10)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeyEnd(Input, frozen=True):
    """Why it ends."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key: by whom it was made and revoked, and when it was used last, to the minute."""

    id: UUID
    name: str
    rights: list[Right]
    purposes: list[Purpose]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


class KeyMade(msgspec.Struct, frozen=True):
    """A new key and its token, which is shown this once: only its digest is kept."""

    key: KeyRow
    token: str


@get(PATH, opt=doors.staff("organisation.edit"))
async def list_system_keys(db: Database) -> Page[KeyRow]:
    """Every key there is or was, the newest first, those that were revoked last."""
    return Page([_row(one) for one in await system_keys.keys(db)])


@post(PATH, opt=doors.staff("organisation.edit"))
async def make_system_key(write: Write, staff: Staff, data: NewKey) -> Answer[KeyMade]:
    """Make a key for another system. Refuses `kernel.bad-input` for an end that is past."""
    if data.expires_at is not None and data.expires_at <= clock.now():
        problem = {"field": "expires_at", "zh": "到期时间要晚于现在。", "en": "It ends at a time to come."}
        raise BadInput(problems=[problem])
    token, shown = write.new_key()

    async def work(tx: Tx) -> KeyMade:
        key_id = await system_keys.make(
            tx,
            name=data.name.strip(),
            token=PREFIX + token,
            rights=data.rights,
            purposes=data.purposes,
            expires_at=None if data.expires_at is None else data.expires_at.astimezone(UTC),
            actor=staff.actor,
        )
        return KeyMade(_row((await system_keys.keys(tx, key_id))[0]), PREFIX + shown)

    return await write.run(work, status=201)


@post(f"{PATH}/{{key_id:uuid}}/revocation", opt=doors.staff("organisation.edit", key_id=doors.SHARED), status_code=200)
async def revoke_system_key(write: Write, staff: Staff, key_id: UUID, data: KeyEnd) -> Answer[KeyRow]:
    """End a key: from this answer on it opens nothing. Refuses `kernel.not-found`, `stores.key-revoked`."""

    async def work(tx: Tx) -> KeyRow:
        await system_keys.revoke(tx, key_id, reason=data.reason.strip(), actor=staff.actor)
        return _row((await system_keys.keys(tx, key_id))[0])

    return await write.run(work)


def _row(one: SystemKey) -> KeyRow:
    return KeyRow(**one._asdict())


ROUTES = [list_system_keys, make_system_key, revoke_system_key]
