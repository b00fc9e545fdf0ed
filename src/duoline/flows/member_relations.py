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
    named or came with (`from_at` None: from before this was kept). `brought_by`: the touchpoint they had met when they
    signed up, with the member, guide or shop it is of; `brought`: another member who came by theirs. `until_at` None
    is still so; who brought whom stays so. `what` and `source` are codes: the kind of touchpoint, and how the tie came
    about. `rests`: a person who was several members has another tie that counts before this one.
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
    rests: bool


# $1, $2 the scope, $3 the ids of the person, $4 now, $5 how many of each kind. A guide's tie that ran out is over also
# before the nightly work has written it down. Who brought whom tells of others: for who sees the whole chain.
_RELATIONS = """
(SELECT CASE WHEN b.guide_id IS NULL THEN 'store' ELSE 'guide' END AS kind, b.id, b.guide_id AS person_id,
        coalesce(s.name, '') AS person, NULL::uuid AS member_id, b.store_id AS place, b.source, b.from_at,
        coalesce(b.until_at, CASE WHEN b.expires_at <= $4 THEN b.expires_at END) AS until_at,
        coalesce(b.ended_because, CASE WHEN b.expires_at <= $4 THEN 'expired' ELSE '' END) AS ended_because,
        b.rule_version,
        b.until_at IS NULL AND b.id <> coalesce(
            (SELECT x.id FROM duo_binding_at(duo_now(b.member_id), b.scope, $4) x), b.id) AS rests
 FROM bindings b LEFT JOIN staff s ON s.id = b.guide_id
 WHERE b.member_id = ANY ($3) AND ($1 OR b.store_id = ANY ($2)) ORDER BY b.from_at DESC, b.id DESC LIMIT $5)
UNION ALL
(SELECT 'home', h.id, NULL, '', NULL, h.store_id, h.source, h.from_at, h.until_at, '', NULL, false
 FROM home_stores h WHERE h.member_id = ANY ($3) AND ($1 OR h.store_id = ANY ($2))
 ORDER BY h.until_at DESC NULLS FIRST, h.id DESC LIMIT $5)
UNION ALL
(SELECT 'brought_by', u.touchpoint_id, CASE p.owner_kind WHEN 'staff' THEN p.owner_id END, coalesce(s.name, ''),
        CASE p.owner_kind WHEN 'member' THEN p.owner_id END,
        coalesce(p.store_id, CASE p.owner_kind WHEN 'store' THEN p.owner_id END), p.kind, u.at, NULL, '',
        u.rule_version, false
 FROM sign_ups u JOIN touchpoints p ON p.owner_id = u.owner_id AND p.id = u.touchpoint_id
 LEFT JOIN staff s ON p.owner_kind = 'staff' AND s.id = p.owner_id
 WHERE u.member_id = ANY ($3) AND $1 ORDER BY u.at DESC LIMIT $5)
UNION ALL
(SELECT 'brought', u.touch_id, NULL, '', u.member_id, NULL, p.kind, u.at, NULL, '', u.rule_version, false
 FROM touchpoints p JOIN sign_ups u ON u.touchpoint_id = p.id
 WHERE p.owner_id = ANY ($3) AND p.owner_kind = 'member' AND $1 ORDER BY u.at DESC, u.touch_id LIMIT $5)
"""


async def relations_of(
    db: Database | Tx, ids: Sequence[UUID], scope: Scope, *, now: datetime, limit: int = SHOWN_MAX
) -> list[Relation]:
    """Every tie of a person, by kind, the newest first; what may be seen from the shops in the scope."""
    return [Relation(*row) for row in await db.fetch(_RELATIONS, *scope.sql, list(ids), now, limit)]


def one_tie_each(ties: Sequence[Relation]) -> list[Relation]:
    """Ties to the same guide, shop or home that last now are one: a person who was several members may have come to
    them under each. It has the earliest start, and rests only when all of them do."""
    found: dict[tuple[object, ...], Relation] = {}
    for n, tie in enumerate(ties):
        lasts = tie.until_at is None and tie.kind in ("guide", "store", "home")
        key = (tie.kind, tie.person_id, tie.place) if lasts else (n,)
        first = found.get(key, tie)
        starts = [each.from_at for each in (first, tie) if each.from_at is not None]
        counts = tie if first.rests else first
        found[key] = counts._replace(from_at=min(starts, default=None), rests=first.rests and tie.rests)
    return list(found.values())
