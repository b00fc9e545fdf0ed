"""What a member shows of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from duoline.kernel.errors import NotFound
from duoline.members import homes

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


@dataclass(frozen=True)
class Profile:
    """A guest or member; `phone` in E.164 form, None for guests."""

    id: UUID
    kind: str
    display_name: str
    phone: str | None
    locale: str
    home_store_id: UUID | None


async def profile(db: Database | Tx, member_id: UUID) -> Profile:
    """Their profile. Refuses with `NotFound`."""
    row = await db.fetchrow(
        "SELECT member_id, kind, display_name, phone, locale, home_store_id FROM members WHERE member_id = $1",
        member_id,
    )
    if row is None:
        raise NotFound(kind="member")
    return Profile(*row.values())


async def change(
    tx: Tx,
    member_id: UUID,
    *,
    display_name: str | None = None,
    locale: str | None = None,
    home_store_id: UUID | None = None,
) -> Profile:
    """Change what is given; None leaves a thing as it is."""
    await tx.execute(
        "UPDATE members SET display_name = COALESCE($2, display_name), locale = COALESCE($3, locale),"
        " home_store_id = COALESCE($4, home_store_id) WHERE member_id = $1",
        member_id,
        display_name,
        locale,
        home_store_id,
    )
    if home_store_id is not None:
        await homes.follow(tx, [member_id], source="member")
    return await profile(tx, member_id)
