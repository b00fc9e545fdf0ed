"""What headquarters does with a member's data on request: hand it out, and forget the member."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import QueryParameter

from duoline.channels.console.member_scope import reached
from duoline.channels.console.member_shapes import Reason
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff, forget
from duoline.channels.http.writes import Write
from duoline.flows import erase_member, export_member
from duoline.kernel import audit
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.members import consents

PATH = "/api/console/members/{member_id:uuid}"


class ExportView(msgspec.Struct, frozen=True):
    """Everything kept about a member: `data` holds rows by kind and table, money in minor units, times in UTC."""

    format: int
    member_id: UUID
    exported_at: str
    data: dict[str, dict[str, list[dict[str, Any]]]]


class ErasureInput(Input, frozen=True):
    """Why: who asked, and how they proved who they are. With `write_off` what they owe of earnings that were taken back
    after they were paid becomes the chain's cost."""

    reason: Reason
    write_off: bool = False


@get(f"{PATH}/export", opt=doors.staff("members.edit", member_id="customer"))
async def export_member_data(
    db: Database,
    staff: Staff,
    settings: Settings,
    member_id: UUID,
    reason: Annotated[str, QueryParameter(min_length=1, max_length=200, description="Why, for the audit log.")],
    purpose: Annotated[
        Literal["access", "sharing"],
        QueryParameter(description="For the member, who asked for it; or for another system, which needs consent."),
    ] = "access",
) -> ExportView:
    """Everything kept about a member, for them or for another system. Each export stands in the audit log.

    Refuses `kernel.not-found`, then `members.no-consent` for another system when the member did not agree to sharing.
    """
    async with db.begin() as tx:
        await reached(tx, staff.scope("members.edit"), member_id)
        if purpose == "sharing":
            await consents.ensure_allowed(tx, member_id, "sharing", door="console.export")
        found = await export_member.document(tx, member_id, secret=settings.secret)
        await audit.record(
            tx,
            actor=staff.actor,
            action="member.export",
            subject_kind="member",
            subject=str(member_id),
            reason=reason.strip(),
            after={"purpose": purpose},
        )
    return msgspec.convert(found, ExportView)


@post(f"{PATH}/erasure", opt=doors.staff("members.edit", member_id="customer"), status_code=204)
async def erase_member_data(
    write: Write, staff: Staff, settings: Settings, member_id: UUID, data: ErasureInput
) -> Answer[None]:
    """Forget a member who asked for it. The accounts stay whole and name nobody.

    Refuses `kernel.not-found`, `members.already-merged` for who was merged into another member (`into`), then
    `members.erasure-blocked` with `problems` while something is open.
    """

    async def work(tx: Tx) -> None:
        await reached(tx, staff.scope("members.edit"), member_id)
        await erase_member.erase(
            tx,
            member_id=member_id,
            secret=settings.secret,
            channel="console",
            actor=staff.actor,
            reason=data.reason.strip(),
            write_off=data.write_off,
        )

    answer = await write.run(work, status=204)
    forget(member_id)
    return answer


ROUTES = [export_member_data, erase_member_data]
