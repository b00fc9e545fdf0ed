"""Sign-ups of all channels: one person, one member.

Rows are decided one after the other, in the order of the file, by `members.match`: whose identity a row has is that
member; what contradicts itself, or is only alike, becomes a pair for somebody to look at. What a chunk knows is read
in a few statements and written in a few; the decisions between are pure.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

from duoline.channels.imports.stage import Tally
from duoline.members import identities, pairs
from duoline.members.identities import Identity
from duoline.members.match import DOUBTS_MAX, STRONG, Claims, Doubt, compare, decide, keys_of, pair
from duoline.members.policy import MATCHING, TIERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.channels.imports.stage import Session
    from duoline.kernel.db import Tx
    from duoline.members.policy import MatchingPolicy

CHUNK = 2_000
GROUPED = False
ALIKE_MAX = 50
"""With so many members of one digest it says nothing: a mailbox or a name with a number that a whole office shares."""


async def arrange(session: Session) -> None:
    """The order of the file: of two rows of one person the first makes the member."""
    await session.connection.execute(
        """CREATE TEMP TABLE import_arranged AS
           SELECT row_number() OVER (ORDER BY line) AS n, * FROM import_rows ORDER BY n"""
    )


async def load(session: Session, tx: Tx, first: int, last: int) -> Tally:
    """Decide rows `first` to `last`, and keep what is new: members, identities, pairs in doubt."""
    rows = await tx.fetch("SELECT * FROM import_arranged WHERE n BETWEEN $1 AND $2 ORDER BY n", first, last)
    rules = MATCHING.current()
    plan = await plan_of(tx, rows, rules.body)
    await _write(tx, plan, session.at, rules.version)
    return Tally(len(plan.changed), len(rows) - len(plan.changed))


# --- what is known, and what comes of each row: no writing ----------------------------------------------------


@dataclass
class Plan:
    """What a chunk of rows comes to. `whose` says who each row is, in their order."""

    rules: MatchingPolicy
    holders: dict[tuple[str, str], list[UUID]]
    """Who claims a value, those to whom it leads first."""
    known: dict[UUID, Claims]
    alike: dict[bytes, set[UUID]]
    seen: dict[bytes, UUID]
    """Who rows that say the same were decided to be."""
    whose: list[UUID] = field(default_factory=list)
    made: dict[UUID, tuple[str, Any]] = field(default_factory=dict)
    """New members: name, joined_at."""
    named: dict[UUID, str] = field(default_factory=dict)
    phoned: dict[UUID, str] = field(default_factory=dict)
    carded: dict[UUID, str] = field(default_factory=dict)
    further: dict[str, UUID] = field(default_factory=dict)
    """Cards of members who have one."""
    claims: dict[str, list[Identity]] = field(default_factory=lambda: defaultdict(list))
    """New identities by channel."""
    keys: list[tuple[bytes, UUID]] = field(default_factory=list)
    doubts: dict[tuple[UUID, UUID], Doubt] = field(default_factory=dict)
    read: dict[bytes, UUID] = field(default_factory=dict)
    """Rows that say what none has said before."""
    changed: set[int] = field(default_factory=set)


async def plan_of(tx: Tx, rows: Sequence[Any], rules: MatchingPolicy) -> Plan:
    """Decide rows, given everybody who shares something with one of them. Reads only."""
    said = [_claims(row) for row in rows]
    wanted = {(kind, value) for claims in said for kind, values in claims.values.items() for value in values}
    held = await identities.of_values(tx, wanted)
    keys = {key for claims in said for key in keys_of(claims)}
    found = await tx.fetch(
        """SELECT k.key, coalesce(m.merged_into, m.member_id) AS member_id
           FROM match_keys k JOIN members m ON m.member_id = k.member_id WHERE k.key = ANY ($1)""",
        list(keys),
    )
    alike: dict[bytes, set[UUID]] = defaultdict(set)
    for row in found:
        alike[row["key"]].add(row["member_id"])
    holders: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for one in held:
        holders[one.kind, one.value].append(one.member_id)
    who = {one.member_id for one in held} | {member for some in alike.values() for member in some}
    seen = await tx.fetch(
        """SELECT s.digest, coalesce(m.merged_into, m.member_id) AS member_id
           FROM signups_read s JOIN members m ON m.member_id = s.member_id WHERE s.digest = ANY ($1)""",
        [_digest(row, claims) for row, claims in zip(rows, said, strict=True)],
    )
    decided = {row["digest"]: row["member_id"] for row in seen}
    plan = Plan(rules, holders, await identities.claims_of(tx, who), alike, decided)
    for row, claims in zip(rows, said, strict=True):
        _take(plan, row, claims)
    return plan


def _claims(row: Any) -> Claims:
    values = {
        "phone": row["phone"],
        "wechat_openid": row["openid"],
        "wechat_unionid": row["unionid"],
        "mail": row["mail"],
        "card_no": row["card_no"],
    }
    if row["buyer_id"] is not None:
        values[f"marketplace:{row['marketplace']}"] = row["buyer_id"]
    return Claims(row["name"] or "", {kind: frozenset((value,)) for kind, value in values.items() if value is not None})


def _digest(row: Any, said: Claims) -> bytes:
    told = [
        row["channel"],
        said.name,
        *sorted(f"{kind}={value}" for kind, some in said.values.items() for value in some),
    ]
    return hashlib.blake2b("\0".join(told).encode(), digest_size=16).digest()


def _take(plan: Plan, row: Any, said: Claims) -> None:
    """One row: who it is, what is new of them, and whom it casts doubt on. What was read before says nothing new."""
    digest = _digest(row, said)
    if digest in plan.seen:
        plan.whose.append(plan.seen[digest])
        return
    found = {
        kind: [member for value in values for member in plan.holders.get((kind, value), ())]
        for kind, values in said.values.items()
        if kind.partition(":")[0] in STRONG
    }
    decision = decide(plan.rules, said, {kind: some for kind, some in found.items() if some}, plan.known)
    member, n = decision.member, row["n"]
    if member is None:
        member = row["new_id"]
        plan.made[member] = (said.name, row["joined_at"])
        plan.known[member] = Claims(said.name, {})
        plan.changed.add(n)
    plan.whose.append(member)
    plan.seen[digest] = plan.read[digest] = member
    if _add(plan, member, row["channel"], said):
        plan.changed.add(n)
    for other, why in list(decision.doubts.items())[:DOUBTS_MAX]:
        _doubt(plan, pair(member, other, plan.rules.shared, why))
    _look_for_alike(plan, member)


def _add(plan: Plan, member: UUID, channel: str, said: Claims) -> bool:
    """Keep what the row says of a member and nobody has said before. False when it says nothing new."""
    known, new = plan.known[member], False
    name, values = known.name, dict(known.values)
    if said.name and not name:
        name, new = said.name, True
        if member not in plan.made:
            plan.named[member] = name
    for kind, some in said.values.items():
        for value in some - known.of(kind):
            new = True
            holders = plan.holders.setdefault((kind, value), [])
            _keep(plan, member, channel, kind, value, first=not holders, more=bool(values.get(kind)))
            holders.append(member)
            values[kind] = values.get(kind, frozenset()) | {value}
    plan.known[member] = Claims(name, values)
    if member in plan.made and new:
        plan.made[member] = (name, plan.made[member][1])
    return new


def _keep(plan: Plan, member: UUID, channel: str, kind: str, value: str, *, first: bool, more: bool) -> None:
    """Where an identity is kept: a member's first number and card in the directories of those, if nobody has them. A
    further card of theirs leads to them too: both pieces of plastic are read."""
    if first and not more and kind == "phone":
        plan.phoned[member] = value
    elif first and not more and kind == "card_no":
        plan.carded[member] = value
    else:
        if first and kind == "card_no":
            plan.further[value] = member
        leads = first and kind not in ("mail", "card_no")
        plan.claims[channel].append(Identity(kind, value, member, leads))


def _look_for_alike(plan: Plan, member: UUID) -> None:
    """Compare a member by the digests that are new of them, and leave those for the next ones."""
    claims = plan.known[member]
    for key in sorted(keys_of(claims)):
        others = plan.alike.setdefault(key, set())
        if member in others:
            continue
        if len(others) <= ALIKE_MAX:
            for other in others:
                score, why = compare(plan.rules, claims, plan.known[other])
                if score >= plan.rules.queue_from:
                    _doubt(plan, pair(member, other, score, why))
        others.add(member)
        plan.keys.append((key, member))


def _doubt(plan: Plan, doubt: Doubt) -> None:
    have = plan.doubts.get(doubt.ids)
    if have is None or have.score < doubt.score:
        plan.doubts[doubt.ids] = doubt


# --- writing -------------------------------------------------------------------------------------------------


async def _write(tx: Tx, plan: Plan, at: datetime, rule_version: int) -> None:
    """First the numbers, cards and identities that lead: who claims one now makes the chunk be tried anew."""
    phoned = [(phone, member) for member, phone in plan.phoned.items()]
    carded = [*((code, member) for member, code in plan.carded.items()), *plan.further.items()]
    for table, column, some in (("phone_index", "phone", sorted(phoned)), ("member_codes", "code", sorted(carded))):
        await tx.execute(
            f"INSERT INTO {table} ({column}, member_id) SELECT * FROM unnest($1::text[], $2::uuid[])",  # noqa: S608
            [value for value, _ in some],
            [member for _, member in some],
        )
    for channel, claims in plan.claims.items():
        await identities.add(tx, claims, source=channel, at=at)
    base = TIERS.current().body.tiers[0].code
    await tx.executemany(
        """INSERT INTO members (member_id, kind, display_name, phone, external_code, tier, created_at)
           VALUES ($1, 'member', $2, $3, $4, $5, $6)""",
        [
            (member, name, plan.phoned.get(member), plan.carded.get(member), base, joined or at)
            for member, (name, joined) in plan.made.items()
        ],
    )
    await _bring_up(tx, plan)
    await tx.execute(
        """INSERT INTO match_keys (key, member_id) SELECT * FROM unnest($1::bytea[], $2::uuid[])
           ON CONFLICT (key, member_id) DO NOTHING""",
        [key for key, _ in plan.keys],
        [member for _, member in plan.keys],
    )
    await tx.execute(
        "INSERT INTO signups_read (digest, member_id) SELECT * FROM unnest($1::bytea[], $2::uuid[])",
        list(plan.read),
        list(plan.read.values()),
    )
    await pairs.raise_doubts(tx, plan.doubts.values(), source="signups", rule_version=rule_version)


async def _bring_up(tx: Tx, plan: Plan) -> None:
    """What members who were known get: a first number, a first card, a name. Rows in order of id."""
    known = sorted({*plan.phoned, *plan.carded, *plan.named} - set(plan.made))
    done = await tx.fetch(
        """UPDATE members m SET phone = coalesce(w.phone, m.phone), external_code = coalesce(w.code, m.external_code),
                  display_name = coalesce(w.name, m.display_name)
           FROM (SELECT w.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS w(id, phone, code, name)
                 JOIN members m ON m.member_id = w.id ORDER BY w.id FOR NO KEY UPDATE OF m) w
           WHERE m.member_id = w.id AND (w.phone IS NULL OR m.phone IS NULL)
             AND (w.code IS NULL OR m.external_code IS NULL) RETURNING 1""",
        known,
        [plan.phoned.get(member) for member in known],
        [plan.carded.get(member) for member in known],
        [plan.named.get(member) for member in known],
    )
    if len(done) != len(known):
        # Somebody has given one of them a number or a card in this moment: decided anew, with that.
        raise asyncpg.SerializationError("a member has changed")
