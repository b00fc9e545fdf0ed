"""Bindings as they are: who had a member when. The question that orders and what pays for them ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.attribution.rules import Held

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

SCOPE = "guide"


class Binding(NamedTuple):
    """A member and whom they belong to. `guide_id` None: the shop itself."""

    member_id: UUID
    id: UUID
    guide_id: UUID | None
    store_id: UUID
    touchpoint_id: UUID | None
    source: str
    rule_version: int
    from_at: datetime
    expires_at: datetime | None
    until_at: datetime | None
    ended_because: str | None
    flags: list[str]

    @property
    def held(self) -> Held:
        """What the rule looks at."""
        return Held(self.guide_id, self.store_id, self.from_at, self.expires_at)


_COLUMNS = """member_id, id, guide_id, store_id, touchpoint_id, source, rule_version, from_at, expires_at, until_at,
              ended_because, flags"""


async def binding_as_of(db: Database | Tx, member_id: UUID, scope: str, at: datetime) -> Binding | None:
    """Whom a member belonged to at an instant; None for nobody. What happens later does not change the answer.

    Of a person who was several members then: their own binding, else the survivor's, else the latest of the others.
    """
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM duo_binding_at($1, $2, $3)",  # noqa: S608 - our own columns
        member_id,
        scope,
        at,
    )
    return None if row is None else Binding(*row)


async def lock_open(tx: Tx, member_id: UUID) -> Binding | None:
    """The binding of a member that has not been ended, locked; it may have run out. The member is locked before."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM bindings WHERE member_id = $1 AND scope = $2 AND until_at IS NULL FOR UPDATE",  # noqa: S608 - as above
        member_id,
        SCOPE,
    )
    return None if row is None else Binding(*row)


async def lock_open_of_person(tx: Tx, member_id: UUID) -> list[Binding]:
    """The bindings of a person that have not been ended, locked: the member's own first, then those of who else they
    are, the latest first. The member is locked before, which keeps merges away."""
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM bindings
            WHERE member_id = ANY (duo_group($1)) AND scope = $2 AND until_at IS NULL ORDER BY member_id, id
            FOR UPDATE""",  # noqa: S608 - as above
        member_id,
        SCOPE,
    )
    found = sorted((Binding(*row) for row in rows), key=lambda held: held.from_at, reverse=True)
    return sorted(found, key=lambda held: held.member_id != member_id)


async def history(db: Database | Tx, member_id: UUID) -> list[Binding]:
    """Every binding of a member, under each of their ids, the newest first."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM bindings WHERE member_id = ANY (duo_group($1)) ORDER BY from_at DESC, id DESC",  # noqa: S608 - as above
        member_id,
    )
    return [Binding(*row) for row in rows]
