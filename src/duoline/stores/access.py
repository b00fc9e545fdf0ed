"""The door to staff and stores: finds an object, locks it, and checks that it is within the caller's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.errors import NotFound
from duoline.stores import rights
from duoline.stores.sessions import StaffRecord, grants_of
from duoline.stores.types import UnitKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from duoline.kernel.db import Tx
    from duoline.stores.directory import Chain
    from duoline.stores.types import Grant


async def lock_staff(tx: Tx, staff_id: UUID) -> StaffRecord:
    """Somebody on the staff, their row locked until the transaction ends. Refuses with `NotFound`."""
    row = await tx.fetchrow("SELECT id, login, name, state FROM staff WHERE id = $1 FOR UPDATE", staff_id)
    if row is None:
        raise NotFound(kind="staff")
    grants = await tx.fetch(
        "SELECT role, unit_kind, unit_id FROM staff_grants WHERE staff_id = $1 ORDER BY role, unit_id", staff_id
    )
    found = grants_of([[g["role"], g["unit_kind"], str(g["unit_id"])] for g in grants])
    return StaffRecord(row["id"], row["login"], row["name"], row["state"], found)


def oversees(chief: Sequence[Grant], grants: Sequence[Grant], chain: Chain) -> bool:
    """Whether somebody may see and manage a person: all of the person's rights are theirs to give.

    A person without any right (new, or on leave) is overseen by headquarters only.
    """
    if any(grant.unit_kind is UnitKind.CHAIN for grant in chief):
        return True
    return bool(grants) and all(rights.may_give(chief, grant, chain) for grant in grants)


async def lock_overseen(tx: Tx, staff_id: UUID, *, chief: Sequence[Grant], chain: Chain) -> StaffRecord:
    """Somebody whom the caller may manage, locked. Refuses with `NotFound` for anybody else."""
    record = await lock_staff(tx, staff_id)
    if not oversees(chief, record.grants, chain):
        raise NotFound(kind="staff")
    return record


async def lock_store(tx: Tx, store_id: UUID) -> asyncpg.Record:
    """A store's row, locked until the transaction ends. Refuses with `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM stores WHERE id = $1 FOR UPDATE", store_id)
    if row is None:
        raise NotFound(kind="store")
    return row
