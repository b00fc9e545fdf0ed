"""Sign-offs: before a second level is paid, somebody answers for it in writing; a third cannot be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.settlement.errors import SignOffThere, TwoLevelsInForce
from duoline.settlement.policy import COMMISSION

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


async def live(db: Database | Tx) -> UUID | None:
    """The sign-off in force; None for one level only."""
    found: UUID | None = await db.fetchval("SELECT id FROM plan_sign_offs WHERE revoked_at IS NULL AND levels = 2")
    return found


async def sign_off(tx: Tx, *, document: str, reason: str, actor: Actor) -> UUID:
    """Record one. Refuses `settlement.sign-off-there`."""
    sign_off_id: UUID | None = await tx.fetchval(
        """INSERT INTO plan_sign_offs (id, levels, document, reason, actor, at) VALUES ($1, 2, $2, $3, $4, $5)
           ON CONFLICT (levels) WHERE revoked_at IS NULL DO NOTHING RETURNING id""",
        new_id(),
        document,
        reason,
        actor.label,
        clock.now(),
    )
    if sign_off_id is None:
        raise SignOffThere
    await audit.record(
        tx,
        actor=actor,
        action="commission.sign-off",
        subject_kind="sign_off",
        subject=str(sign_off_id),
        reason=reason,
        after={"levels": 2, "document": document},
    )
    return sign_off_id


async def revoke(tx: Tx, sign_off_id: UUID, *, reason: str, actor: Actor) -> None:
    """Take it back. Refuses `settlement.two-levels-in-force`, `kernel.not-found`."""
    if COMMISSION.current().body.levels > 1:
        raise TwoLevelsInForce
    done = await tx.execute(
        "UPDATE plan_sign_offs SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL",
        sign_off_id,
        clock.now(),
        actor.label,
    )
    if done != "UPDATE 1":
        raise NotFound(kind="sign_off")
    await audit.record(
        tx,
        actor=actor,
        action="commission.sign-off-revoked",
        subject_kind="sign_off",
        subject=str(sign_off_id),
        reason=reason,
    )
