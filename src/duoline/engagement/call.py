"""A guide calls a member about a task: the number is shown once it is asked for, and that is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.engagement.errors import NoNumber
from duoline.engagement.guide_tasks import ensure_open
from duoline.kernel import audit
from duoline.members import consents

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.engagement.guide_tasks import Kind
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


async def number_for(
    tx: Tx,
    *,
    guide_id: UUID,
    store_id: UUID,
    member_id: UUID,
    kind: Kind,
    ref_id: UUID,
    partner: bool,
    actor: Actor,
) -> str:
    """The number to call a member on about a task that is open for this guide now. Locks the binding.

    Refuses `kernel.not-found` and `engagement.task-gone` as taking it up does, `members.no-consent` for who does not
    agree to being served, or in a franchisee's shop to sharing, then `engagement.no-number`. Tasks that would sell are
    open only for who agreed to marketing. The audit log says who was called and about what, not the number.
    """
    await ensure_open(
        tx, guide_id=guide_id, store_id=store_id, member_id=member_id, kind=kind, ref_id=ref_id, partner=partner
    )
    await consents.ensure_allowed(tx, member_id, "service", door="guide")
    if partner:
        await consents.ensure_allowed(tx, member_id, "sharing", door="guide")
    phone: str | None = await tx.fetchval("SELECT phone FROM members WHERE member_id = $1", member_id)
    if not phone:
        raise NoNumber
    await audit.record(
        tx,
        actor=actor,
        action="member.call",
        subject_kind="member",
        subject=str(member_id),
        after={"task": kind, "ref": str(ref_id)},
        store_id=store_id,
    )
    return phone
