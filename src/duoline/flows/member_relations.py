"""Whom a member belongs with: guides, shops, who brought them and whom they brought; each with its start, its source
and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx
    from duoline.stores.rights import Scope

RelationKind = Literal["guide", "store", "home", "brought_by", "brought"]

SHOWN_MAX = 200
"""Of each kind, the newest."""


class Relation(NamedTuple):
    """A tie of a member.

    `guide`: to somebody on the staff in a shop; `store`: to a shop that looks after them itself; `home`: the shop they
    named or came with, which has no recorded start. `brought_by`: the touchpoint they had met when they signed up, with
    the member, guide or shop it is of; `brought`: another member who came by theirs. `until_at` None is still so; who
    brought whom stays so. `what` and `source` are codes: the kind of touchpoint, and how the tie came about.
    """

    kind: RelationKind
    id: UUID
    person_id: UUID | None
    person: str
    member_id: UUID | None
    place: UUID | None
    source: str
    from_at: datetime | None
    until_at: datetime | None
    ended_because: str
    rule_version: int | None


# $1, $2 the scope, $3 the ids of the person, $4 now, $5 how many of each kind. A guide's tie that ran out is over also
# before the nightly work has written it down. Who brought whom tells of others: for who sees the whole chain.
_RELATIONS = """
(SELECT CASE WHEN b.guide_id IS NULL THEN 'store' ELSE 'guide' END AS kind, b.id, b.guide_id AS person_id,
        coalesce(s.name, '') AS person, NULL::uuid AS member_id, b.store_id AS place, b.source, b.from_at,
        coalesce(b.until_at, CASE WHEN b.expires_at <= $4 THEN b.expires_at END) AS until_at,
        coalesce(b.ended_because, CASE WHEN b.expires_at <= $4 THEN 'expired' ELSE '' END) AS ended_because,
        b.rule_version
 FROM bindings b LEFT JOIN staff s ON s.id = b.guide_id
 WHERE b.member_id = ANY ($3) AND ($1 OR b.store_id = ANY ($2)) ORDER BY b.from_at DESC, b.id DESC LIMIT $5)
UNION ALL
(SELECT 'home', m.member_id, NULL, '', NULL, m.home_store_id, 'home', NULL, NULL, '', NULL
 FROM members m WHERE m.member_id = ANY ($3) AND m.home_store_id IS NOT NULL
   AND ($1 OR m.home_store_id = ANY ($2)) ORDER BY m.member_id LIMIT $5)
UNION ALL
(SELECT 'brought_by', u.touchpoint_id, CASE p.owner_kind WHEN 'staff' THEN p.owner_id END, coalesce(s.name, ''),
        CASE p.owner_kind WHEN 'member' THEN p.owner_id END,
        coalesce(p.store_id, CASE p.owner_kind WHEN 'store' THEN p.owner_id END), p.kind, u.at, NULL, '', u.rule_version
 FROM sign_ups u JOIN touchpoints p ON p.owner_id = u.owner_id AND p.id = u.touchpoint_id
 LEFT JOIN staff s ON p.owner_kind = 'staff' AND s.id = p.owner_id
 WHERE u.member_id = ANY ($3) AND $1 ORDER BY u.at DESC LIMIT $5)
UNION ALL
(SELECT 'brought', u.touch_id, NULL, '', u.member_id, NULL, p.kind, u.at, NULL, '', u.rule_version
 FROM touchpoints p JOIN sign_ups u ON u.touchpoint_id = p.id
 WHERE p.owner_id = ANY ($3) AND p.owner_kind = 'member' AND $1 ORDER BY u.at DESC, u.touch_id LIMIT $5)
"""


async def relations_of(
    db: Database | Tx, ids: Sequence[UUID], scope: Scope, *, now: datetime, limit: int = SHOWN_MAX
) -> list[Relation]:
    """Every tie of a person, by kind, the newest first; what may be seen from the shops in the scope."""
    return [Relation(*row) for row in await db.fetch(_RELATIONS, *scope.sql, list(ids), now, limit)]
