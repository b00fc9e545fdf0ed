"""What stands in the way of forgetting a member, told before somebody tries."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar import get

from duoline.channels.console.member_scope import reached
from duoline.channels.http import doors
from duoline.channels.http.answers import Page
from duoline.channels.http.sessions import Staff
from duoline.flows import erase_member, personal_data
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.kernel.text import Text


class ErasureBlock(msgspec.Struct, frozen=True):
    """What has to be settled first (`orders`, `refunds`, `money`, `stored`, `earnings`), how often, and what to do."""

    kind: str
    times: int
    text: Text


@get("/api/console/members/{member_id:uuid}/erasure", opt=doors.staff("members.edit", member_id="customer"))
async def list_erasure_blocks(db: Database, staff: Staff, settings: Settings, member_id: UUID) -> Page[ErasureBlock]:
    """What `members.erasure-blocked` would say now; nothing when the member can be forgotten."""
    await reached(db, staff.scope("members.edit"), member_id)
    whose = await personal_data.whose(db, member_id, secret=settings.secret, strangers=True)
    found = await erase_member.blocked(db, whose)
    return Page([ErasureBlock(one.kind, one.times, Text(one.zh, one.en)) for one in found], None, len(found))


ROUTES = [list_erasure_blocks]
