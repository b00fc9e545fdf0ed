"""Which colleagues somebody may read of: themselves, and those whose rights are theirs to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.stores import access, queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from duoline.channels.http.sessions import Staff
    from duoline.kernel.db import Database
    from duoline.stores.directory import Chain


def reads_of(staff: Staff, person: queries.Person, chain: Chain) -> bool:
    """Whether somebody's page is this reader's to open."""
    return person.id == staff.id or access.oversees(staff.grants, person.grants, chain)


async def logins_of(db: Database, staff: Staff, chain: Chain, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The log-ins, which are the addresses of their pages, of those of these colleagues whose page one may open."""
    wanted = {one for one in ids if one is not None}
    if not wanted or not staff.may("staff.read"):
        return {}
    found = await queries.people(db, among=wanted)
    return {person.id: person.login for person in found if reads_of(staff, person, chain)}
