"""Lists of the organisation for the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.stores.sessions import grants_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.stores.types import Grant


@dataclass(frozen=True)
class Person:
    """Somebody on the staff, as a list shows them."""

    id: UUID
    login: str
    name: str
    state: str
    locked_until: datetime | None
    created_at: datetime
    phone: str | None
    grants: tuple[Grant, ...]


async def people(
    db: Database | Tx, *, q: str = "", staff_id: UUID | None = None, among: Collection[UUID] | None = None
) -> list[Person]:
    """All staff (or one, or some), by log-in; `q` is looked for in log-in and name. A chain's staff fit in memory."""
    rows = await db.fetch(
        "SELECT s.id, s.login, s.name, s.state, s.locked_until, s.created_at, s.phone,"
        " COALESCE((SELECT jsonb_agg(jsonb_build_array(g.role, g.unit_kind, g.unit_id) ORDER BY g.role, g.unit_id)"
        " FROM staff_grants g WHERE g.staff_id = s.id), '[]') AS grants"
        " FROM staff s WHERE ($1 = '' OR strpos(lower(s.login || ' ' || s.name), lower($1)) > 0)"
        " AND ($2::uuid IS NULL OR s.id = $2) AND ($3::uuid[] IS NULL OR s.id = ANY ($3)) ORDER BY s.login",
        q.strip(),
        staff_id,
        None if among is None else list(among),
    )
    return [Person(**{**dict(row), "grants": grants_of(row["grants"])}) for row in rows]
