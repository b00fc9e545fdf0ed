"""What the audit log says of an identity that was written down or ended: of its value only what a page shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.kernel import audit

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

Action = Literal["member.identity-add", "member.identity-end"]


def masked(kind: str, value: str) -> str:
    """What is shown of an identity that is no phone. Pure."""
    if kind == "mail":
        name, _, place = value.partition("@")
        return f"{name[:2]}***@{place}"
    return value if len(value) <= 4 else f"{value[:2]}***{value[-3:]}"


async def record(
    tx: Tx,
    action: Action,
    member_id: UUID,
    kind: str,
    value: str,
    *,
    actor: Actor,
    doubt: bool = False,
    reason: str = "",
) -> None:
    """Who did it to whose identity and, by hand, why; `doubt` is whether it only became a pair to be looked at."""
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="member",
        subject=str(member_id),
        reason=reason,
        after={"kind": kind, "shown": masked(kind, value), "doubt": doubt},
    )
