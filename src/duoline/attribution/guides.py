"""Guides: who may be one where, and the code they show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from duoline.attribution.errors import GuideGone
from duoline.attribution.touchpoints import NewTouchpoint, make, of_row
from duoline.attribution.types import Owner, Target
from duoline.kernel import clock
from duoline.kernel.errors import Fault
from duoline.kernel.text import Text
from duoline.stores import rights
from duoline.stores.sessions import grants_of

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.attribution.types import Touchpoint
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain


DEVICES_KEPT = timedelta(days=90)
DEVICES_MAX = 20
"""Browsers of a guide that are remembered: as many as a shop's shared phones and computers come to."""


class Guide(NamedTuple):
    """Somebody on the staff who looks after members of a shop."""

    id: UUID
    name: str
    phone: str | None
    store_id: UUID


async def guide_at(tx: Tx, staff_id: UUID, store_id: UUID, chain: Chain) -> Guide:
    """A guide of a shop, kept from leaving until the transaction ends. Refuses `attribution.guide-gone`.

    The shared lock on the row is what leaving and other rights wait for: whoever is bound to a guide who leaves at the
    same instant is seen when their members are passed on.
    """
    row = await tx.fetchrow("SELECT id, name, phone, state FROM staff WHERE id = $1 FOR SHARE", staff_id)
    if row is None or row["state"] != "active":
        raise GuideGone
    grants = await tx.fetch("SELECT role, unit_kind, unit_id FROM staff_grants WHERE staff_id = $1", staff_id)
    found = grants_of([[grant["role"], grant["unit_kind"], str(grant["unit_id"])] for grant in grants])
    if store_id not in rights.scope(found, "guide", chain):
        raise GuideGone
    return Guide(row["id"], row["name"], row["phone"], store_id)


async def guides_at(db: Database, staff_id: UUID, store_id: UUID, chain: Chain) -> bool:
    """Whether somebody is a guide of a shop now, without keeping them: for what only shows where to go."""
    rows = await db.fetch(
        """SELECT g.role, g.unit_kind, g.unit_id FROM staff s JOIN staff_grants g ON g.staff_id = s.id
           WHERE s.id = $1 AND s.state = 'active'""",
        staff_id,
    )
    found = grants_of([[row["role"], row["unit_kind"], str(row["unit_id"])] for row in rows])
    return store_id in rights.scope(found, "guide", chain)


async def code_of(tx: Tx, guide: Guide, *, shop: Text, device_id: UUID, actor: Actor) -> Touchpoint:
    """The code a guide shows in a shop: made when they show it first, and remembered with the device that shows it.

    Two devices at once get the same: the unique key decides, and the one who comes second looks again.
    """
    await _remember(tx, guide.id, device_id)
    found = await _update(tx, guide, device_id)
    if found is not None:
        return found
    new = NewTouchpoint(
        kind="guide",
        owner=Owner("staff", guide.id),
        name=Text(f"{guide.name} · {shop.zh}", f"{guide.name} · {shop.en}"),
        target=Target("guide"),
        store_id=guide.store_id,
        device_id=device_id,
    )
    try:
        async with tx.transaction():
            return await make(tx, new, actor=actor)
    except asyncpg.UniqueViolationError:
        found = await _update(tx, guide, device_id)
    if found is None:
        raise Fault("ATT-5", f"{guide.id} has a code at {guide.store_id} that is not there")
    return found


async def showed_in(tx: Tx, guide_id: UUID, device_id: UUID) -> bool:
    """Whether somebody on the staff showed a code of theirs in a browser lately."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM guide_devices WHERE owner_id = $1 AND device_id = $2 AND last_at >= $3)",
        guide_id,
        device_id,
        clock.now() - DEVICES_KEPT,
    )
    return found


async def _remember(tx: Tx, guide_id: UUID, device_id: UUID) -> None:
    await tx.execute(
        """INSERT INTO guide_devices AS d (owner_id, device_id, last_at) VALUES ($1, $2, $3)
           ON CONFLICT (owner_id, device_id) DO UPDATE SET last_at = greatest(d.last_at, excluded.last_at)""",
        guide_id,
        device_id,
        clock.now(),
    )
    await tx.execute(
        """DELETE FROM guide_devices WHERE owner_id = $1 AND device_id NOT IN (
               SELECT device_id FROM guide_devices WHERE owner_id = $1 ORDER BY last_at DESC, device_id LIMIT $2)""",
        guide_id,
        DEVICES_MAX,
    )


async def _update(tx: Tx, guide: Guide, device_id: UUID) -> Touchpoint | None:
    row = await tx.fetchrow(
        """UPDATE touchpoints SET device_id = $3
           WHERE owner_id = $1 AND store_id = $2 AND kind = 'guide' AND ended_at IS NULL RETURNING *""",
        guide.id,
        guide.store_id,
        device_id,
    )
    return None if row is None else of_row(row)
