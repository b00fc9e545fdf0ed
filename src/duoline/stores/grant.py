"""Rights: replacing the grants of somebody on the staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel import audit, clock, outbox
from duoline.stores import access, rights
from duoline.stores.errors import GrantNotYours, LastHeadquarters, NoSuchUnit
from duoline.stores.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.directory import Chain
    from duoline.stores.types import Grant


async def set_grants(
    tx: Tx,
    *,
    actor: Actor,
    giver: Sequence[Grant],
    staff_id: UUID,
    wanted: Iterable[Grant],
    reason: str,
    chain: Chain,
) -> tuple[Grant, ...]:
    """Make `wanted` the grants of somebody. Locks their row.

    Refusals, in order: `NotFound`, `NoSuchUnit`, `GrantNotYours` (for a grant added or removed that is outside the
    giver's own rights; what stays untouched may be anybody's), `LastHeadquarters`.
    """
    record = await access.lock_staff(tx, staff_id)
    before, after = set(record.grants), set(wanted)
    for grant in after - before:
        if not rights.unit_exists(grant, chain):
            raise NoSuchUnit(role=grant.role.value, unit_id=grant.unit_id)
    for grant in before ^ after:
        if not rights.may_give(giver, grant, chain):
            raise GrantNotYours(role=grant.role.value, unit_id=grant.unit_id)
    if before == after:
        return record.grants
    await _write(tx, staff_id, removed=before - after, added=after - before)
    if any(grant.role is Role.HEADQUARTERS for grant in before - after):
        await refuse_without_headquarters(tx)
    await audit.record(
        tx,
        actor=actor,
        action="staff.grants-set",
        subject_kind="staff",
        subject=record.login,
        reason=reason,
        before=_shown(before),
        after=_shown(after),
    )
    await outbox.emit(tx, topic="stores.staff-changed", key=str(staff_id), payload={"staff_id": str(staff_id)})
    return tuple(sorted(after, key=lambda grant: (grant.role, grant.unit_id)))


async def refuse_without_headquarters(tx: Tx) -> None:
    """Refuse with `LastHeadquarters` when nobody active holds the right any more.

    The rows of all who hold it are locked, in order of id, so that two who take it from each other are not both right.
    """
    left = await tx.fetch(
        "SELECT s.id, s.state FROM staff s JOIN staff_grants g ON g.staff_id = s.id"
        " WHERE g.role = 'headquarters' ORDER BY s.id FOR UPDATE OF s"
    )
    if not any(row["state"] == "active" for row in left):
        raise LastHeadquarters


async def _write(tx: Tx, staff_id: UUID, *, removed: set[Grant], added: set[Grant]) -> None:
    now = clock.now()
    await tx.executemany(
        "DELETE FROM staff_grants WHERE staff_id = $1 AND role = $2 AND unit_kind = $3 AND unit_id = $4",
        [(staff_id, grant.role.value, grant.unit_kind.value, grant.unit_id) for grant in removed],
    )
    await tx.executemany(
        "INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        [(staff_id, grant.role.value, grant.unit_kind.value, grant.unit_id, now) for grant in added],
    )


def _shown(grants: set[Grant]) -> list[Grant]:
    return sorted(grants, key=lambda grant: (grant.role, grant.unit_id))
