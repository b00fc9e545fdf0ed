"""What says who a member is: ids of other systems, mail addresses, numbers that a file claims.

The phone of a log-in and the numbers of cards stand in directories of their own (`phone_index`, `member_codes`,
`member_cards`); everything else is here. An identity leads to one member. What somebody else has already is kept
too, and leads nowhere: it is what a pair in doubt is about. A second number that a file claims opens nothing: nobody
logs in by it, and whoever proves it is somebody else until a person says otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.errors import ensure
from duoline.members.match import Claims

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from uuid import UUID

    from duoline.kernel.db import Database, Tx


class Identity(NamedTuple):
    """A value of a kind, whose it is, and whether it leads to them."""

    kind: str
    value: str
    member_id: UUID
    leads: bool


async def add(tx: Tx, rows: Iterable[Identity], *, source: str, at: datetime) -> int:
    """Keep identities. One that leads and that somebody has in this very moment is refused by the key
    (`asyncpg.UniqueViolationError`): the caller asks anew. Returns how many are new."""
    some = sorted(set(rows), key=lambda one: (one.value, one.kind, one.member_id))
    made = await tx.fetch(
        """INSERT INTO identities (value, kind, member_id, leads, source, since)
           SELECT v.value, v.kind, v.member_id, v.leads, $5, $6
           FROM unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[]) AS v(value, kind, member_id, leads)
           ON CONFLICT (value, kind, member_id) DO NOTHING RETURNING value, kind, leads""",
        [one.value for one in some],
        [one.kind for one in some],
        [one.member_id for one in some],
        [one.leads for one in some],
        source,
        at,
    )
    leading = [(row["value"], row["kind"]) for row in made if row["leads"]]
    ensure(len(leading) == len(set(leading)), "IDN-1", f"{len(leading)} identities lead, some of them to two")
    return len(made)


async def put(tx: Tx, one: Identity, *, source: str, at: datetime) -> bool:
    """Keep an identity; whether it was. Who leads by it already, in this very moment, is seen by the key alone."""
    kept = await tx.fetchval(
        """INSERT INTO identities (value, kind, member_id, leads, source, since) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT DO NOTHING RETURNING true""",
        one.value,
        one.kind,
        one.member_id,
        one.leads,
        source,
        at,
    )
    return bool(kept)


async def of_values(db: Database | Tx, wanted: Collection[tuple[str, str]]) -> list[Identity]:
    """Everybody who has one of these (kind, value), wherever it is kept; who was merged is who they are now."""
    rows = await db.fetch(
        """SELECT x.kind, x.value, coalesce(m.merged_into, m.member_id) AS member_id, bool_or(x.leads) AS leads FROM (
               SELECT i.kind, i.value, i.member_id, i.leads
               FROM unnest($1::text[], $2::text[]) AS w(kind, value)
               JOIN identities i ON i.value = w.value AND i.kind = w.kind
               UNION ALL
               SELECT 'phone', p.phone, p.member_id, true FROM phone_index p WHERE p.phone = ANY ($3)
               UNION ALL
               SELECT 'card_no', c.code, c.member_id, true FROM member_codes c WHERE c.code = ANY ($4)
           ) x JOIN members m ON m.member_id = x.member_id
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC, 3""",
        [kind for kind, _ in wanted],
        [value for _, value in wanted],
        [value for kind, value in wanted if kind == "phone"],
        [value for kind, value in wanted if kind == "card_no"],
    )
    return [Identity(*row) for row in rows]


async def claims_of(db: Database | Tx, members: Collection[UUID]) -> dict[UUID, Claims]:
    """What each of these says of who they are, with those who were merged into them."""
    rows = await db.fetch(
        """WITH who AS (
               SELECT w.id AS head, g.id AS member_id
               FROM unnest($1::uuid[]) AS w(id), unnest(duo_group(w.id)) AS g(id))
           SELECT w.head, 'name' AS kind, m.display_name AS value, w.head = w.member_id AS own
           FROM who w JOIN members m ON m.member_id = w.member_id WHERE m.display_name <> ''
           UNION ALL
           SELECT w.head, 'phone', m.phone, true FROM who w JOIN members m ON m.member_id = w.member_id
           WHERE m.phone IS NOT NULL
           UNION ALL
           SELECT w.head, 'card_no', m.external_code, true FROM who w JOIN members m ON m.member_id = w.member_id
           WHERE m.external_code IS NOT NULL
           UNION ALL
           SELECT w.head, i.kind, i.value, true FROM who w JOIN identities i ON i.member_id = w.member_id""",
        list(members),
    )
    names: dict[UUID, str] = {}
    values: dict[UUID, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        if row["kind"] == "name":
            if row["own"] or row["head"] not in names:
                names[row["head"]] = row["value"]
        else:
            values[row["head"]][row["kind"]].add(row["value"])
    return {
        member: Claims(names.get(member, ""), {kind: frozenset(some) for kind, some in values[member].items()})
        for member in members
    }


async def of_member(db: Database | Tx, member_ids: list[UUID]) -> list[dict[str, object]]:
    """Every identity of members, wherever it is kept: kind, value, member_id, leads, source, since, and whether nobody
    but that person has it (`alone`)."""
    rows = await db.fetch(
        """SELECT x.*, NOT EXISTS (
               SELECT FROM identities i WHERE i.value = x.value AND i.kind = x.kind
                   AND NOT i.member_id = ANY (duo_group(x.member_id))
               UNION ALL
               SELECT FROM phone_index p WHERE x.kind = 'phone' AND p.phone = x.value
                   AND NOT p.member_id = ANY (duo_group(x.member_id))
               UNION ALL
               SELECT FROM member_codes c WHERE x.kind = 'card_no' AND c.code = x.value
                   AND NOT c.member_id = ANY (duo_group(x.member_id))) AS alone
           FROM (
               -- Who logs in agrees to be served; of whom nobody ever did, the number came with a file.
               SELECT 'phone' AS kind, phone AS value, member_id, true AS leads,
                      CASE WHEN EXISTS (
                          SELECT FROM consents c WHERE c.member_id = m.member_id AND c.purpose = 'service')
                          THEN 'log-in' ELSE 'member-file' END AS source, created_at AS since
               FROM members m WHERE member_id = ANY ($1) AND phone IS NOT NULL
               UNION ALL
               SELECT 'card_no', external_code, member_id, true, 'card', created_at
               FROM members WHERE member_id = ANY ($1) AND external_code IS NOT NULL
               UNION ALL
               SELECT 'card_no', card_no, member_id, true, 'electronic', created_at
               FROM members WHERE member_id = ANY ($1) AND card_no IS NOT NULL
               UNION ALL
               SELECT i.kind, i.value, i.member_id, i.leads OR c.code IS NOT NULL, i.source, i.since
               FROM identities i
               LEFT JOIN member_codes c ON i.kind = 'card_no' AND c.code = i.value AND c.member_id = i.member_id
               WHERE i.member_id = ANY ($1)
           ) x ORDER BY member_id, leads DESC, kind, since, value""",
        member_ids,
    )
    return [dict(row) for row in rows]
