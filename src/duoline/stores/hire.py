"""Staff come, change, and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import asyncpg

from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.stores import grant, sessions
from duoline.stores.errors import LoginTaken
from duoline.stores.log_in import normal
from duoline.stores.types import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.directory import Chain
    from duoline.stores.sessions import StaffRecord
    from duoline.stores.types import Grant


async def hire(
    tx: Tx,
    *,
    actor: Actor,
    giver: Sequence[Grant],
    login: str,
    name: str,
    password_hash: str,
    grants: Sequence[Grant],
    reason: str,
    chain: Chain,
) -> UUID:
    """Add somebody with their rights. `password_hash` comes from `passwords.hashed`, made before the transaction.

    Refusals: `LoginTaken`, then those of `grant.set_grants`.
    """
    staff_id, now = new_id(), clock.now()
    ensure(password_hash.startswith("$argon2"), "STAFF", "a password is stored hashed")
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO staff (id, login, name, password_hash, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $5)",
                staff_id,
                normal(login),
                name,
                password_hash,
                now,
            )
    except asyncpg.UniqueViolationError:
        raise LoginTaken(login=normal(login)) from None
    await audit.record(
        tx,
        actor=actor,
        action="staff.hired",
        subject_kind="staff",
        subject=normal(login),
        reason=reason,
        after={"login": normal(login), "name": name},
    )
    await grant.set_grants(tx, actor=actor, giver=giver, staff_id=staff_id, wanted=grants, reason=reason, chain=chain)
    return staff_id


async def change(
    tx: Tx,
    *,
    actor: Actor,
    record: StaffRecord,
    name: str | None,
    state: Literal["active", "left"] | None,
    password_hash: str | None,
    reason: str,
    phone: str | None = None,
    heirs: Mapping[UUID, UUID | None] | None = None,
) -> None:
    """Change a locked person. `heirs` is who takes over from whom leaves, by shop, None for the shop: whoever hears of
    the leaving is told. A new password and leaving end every session of theirs. `phone` is in E.164 form, and
    none when it is empty.

    Refuses with `LastHeadquarters` when the last administrator would leave.
    """
    await tx.execute(
        "UPDATE staff SET name = COALESCE($2, name), state = COALESCE($3, state),"
        " password_hash = COALESCE($4, password_hash), phone = nullif(COALESCE($6, phone), ''),"
        " failed_count = 0, locked_until = NULL, updated_at = $5 WHERE id = $1",
        record.id,
        name,
        state,
        password_hash,
        clock.now(),
        phone,
    )
    if password_hash is not None or state == "left":
        await sessions.end_all(tx, record.id)
    if state == "left" and any(each.role is Role.HEADQUARTERS for each in record.grants):
        await grant.refuse_without_headquarters(tx)
    after = {"name": name or record.name, "state": state or record.state}
    if password_hash is not None:
        after["password"] = "replaced"  # noqa: S105 - a word, not a password
    if phone is not None:
        after["phone"] = "replaced" if phone else "removed"
    await audit.record(
        tx,
        actor=actor,
        action="staff.changed",
        subject_kind="staff",
        subject=record.login,
        reason=reason,
        before={"name": record.name, "state": record.state},
        after=after,
    )
    payload: dict[str, Any] = {"staff_id": str(record.id)}
    if heirs and state == "left":
        payload["heirs"] = {str(shop): None if heir is None else str(heir) for shop, heir in heirs.items()}
    await outbox.emit(tx, topic="stores.staff-changed", key=str(record.id), payload=payload)
