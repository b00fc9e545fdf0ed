"""Who is one person: pairs in doubt, merging two members, and undoing it. For who may edit members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import QueryParameter

from duoline.channels.console.member_scope import IDS, VISIBLE, reached, shop_of, tier_of, words_of
from duoline.channels.console.merge_shapes import (
    Identity,
    IdentityEndInput,
    IdentityInput,
    IdentityRow,
    MergeInput,
    MergeRow,
    NameOf,
    PairDecision,
    PairRow,
    PersonSide,
    UnmergeInput,
)
from duoline.channels.http import cursors, doors, partners, sessions
from duoline.channels.http.answers import Answer, Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import audit
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput
from duoline.members import consents, identify, identities, identity_log, pairs, phones
from duoline.members.errors import AlreadyMerged
from duoline.members.group import group_of, head_of
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duoline.stores.rights import Scope

PAIRS = "/api/console/member-pairs"
MEMBERS = "/api/console/members"

Which = Annotated[
    Literal["open", "same", "different"], QueryParameter(description="Pairs that wait, or those decided so.")
]

# --- pairs in doubt ------------------------------------------------------------------------------------

# $1 and $2 the scope, $3 a name, $4 the beginning of a code, $5 the end of a phone written backwards, $6 the state.
_NAMED = "($3::text IS NULL OR m.display_name ILIKE $3 OR m.external_code ILIKE $4 OR reverse(m.phone) LIKE $5::text)"
_WHERE = f"""
FROM member_pairs p WHERE p.state = $6
  AND EXISTS (SELECT FROM members m WHERE m.member_id = p.member_id AND {VISIBLE})
  AND EXISTS (SELECT FROM members m WHERE m.member_id = p.other_id AND {VISIBLE})
  AND EXISTS (SELECT FROM members m WHERE m.member_id IN (p.member_id, p.other_id) AND {_NAMED})
"""  # noqa: S608 - our own text


def _name_of(actor: str) -> str:
    return (
        f"CASE WHEN {actor} LIKE 'staff:%' THEN (SELECT s.name FROM staff s WHERE s.id = substr({actor}, 7)::uuid) END"  # noqa: S608
    )


_PAIRS = f"""
SELECT p.*, {_name_of("p.decided_by")} AS by {_WHERE}
  AND ($7::integer IS NULL OR (p.score, p.member_id, p.other_id) < ($7, $8::uuid, $9::uuid))
ORDER BY p.score DESC, p.member_id DESC, p.other_id DESC LIMIT $10
"""
_TOTAL = f"SELECT count(*) {_WHERE}"
_SIDES = f"""
SELECT m.*, p.points, b.orders, b.last_order_at FROM members m
CROSS JOIN LATERAL (
    SELECT greatest(coalesce(sum(a.spendable) - sum(a.owed), 0), 0)::bigint AS points FROM point_accounts a
    WHERE a.member_id = ANY (duo_group(m.member_id))) p
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS orders, max(o.placed_at) AS last_order_at FROM orders o
    WHERE o.member_id = ANY ({IDS}) AND o.state NOT IN ('cancelled', 'expired')) b
WHERE m.member_id = ANY ($1)
"""  # noqa: S608 - our own text


@get(PAIRS, opt=doors.staff("members.edit"))
async def list_member_pairs(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    which: Which = "open",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[PairRow]:
    """Members who may be one person, the likeliest first, both side by side. `q` finds one of the two."""
    asked = *staff.scope("members.edit").sql, *words_of(q), which
    after = cursors.unpack(cursor, int, UUID, UUID) if cursor else (None, None, None)
    rows = await db.fetch_filtered(_PAIRS, *asked, *after, limit + 1)
    shown = rows[:limit]
    total = (await db.fetch_filtered(_TOTAL, *asked))[0]["count"]
    last = shown[-1] if shown else None
    following = cursors.pack(last["score"], last["member_id"], last["other_id"]) if last and len(rows) > limit else None
    return Page(await _pairs(db, shown, chain), following, total)


async def _pairs(db: Database | Tx, rows: Sequence[Any], chain: Chain) -> list[PairRow]:
    sides = await _sides(db, {row[end] for row in rows for end in ("member_id", "other_id")}, chain)
    return [
        PairRow(
            first=sides[row["member_id"]],
            second=sides[row["other_id"]],
            state=row["state"],
            score=row["score"],
            reasons=row["reasons"],
            source=row["source"],
            found_at=row["found_at"],
            decided_at=row["decided_at"],
            decided_by=row["by"],
            decided_reason=row["decided_reason"],
        )
        for row in rows
    ]


async def _sides(db: Database | Tx, ids: Iterable[UUID], chain: Chain) -> dict[UUID, PersonSide]:
    wanted = list(ids)
    said = await identities.of_member(db, wanted)
    return {
        row["member_id"]: PersonSide(
            id=row["member_id"],
            name=row["display_name"],
            phone_masked=phones.masked(row["phone"]),
            code=row["external_code"],
            tier=tier_of(row["tier"]),
            home_store=shop_of(chain, row["home_store_id"]),
            since=row["created_at"],
            points=row["points"],
            orders=row["orders"],
            last_order_at=row["last_order_at"],
            merged_into=row["merged_into"],
            others=row["merged_others"],
            identities=[_identity(one, None) for one in said if one["member_id"] == row["member_id"]],
        )
        for row in await db.fetch(_SIDES, wanted)
    }


@post(
    f"{PAIRS}/{{member_id:uuid}}/{{other_id:uuid}}/decision",
    opt=doors.staff("members.edit", member_id="customer", other_id="customer"),
    status_code=200,
)
async def decide_member_pair(
    write: Write, staff: Staff, chain: Chain, member_id: UUID, other_id: UUID, data: PairDecision
) -> Answer[PairRow]:
    """Say of two members that they are one person, who are merged then, or that they are not.

    Refuses `kernel.not-found` for no pair, `members.pair-decided`, `members.already-merged` for not the same of two who
    are, and for one person as merging does.
    """
    scope = staff.scope("members.edit")

    async def work(tx: Tx) -> PairRow:
        await reached(tx, scope, member_id)
        await reached(tx, scope, other_id)
        reason = data.reason.strip()
        await pairs.decide(
            tx, member_id=member_id, other_id=other_id, state=data.decision, reason=reason, actor=staff.actor
        )
        if data.decision == "same":
            first, second = sorted((member_id, other_id))
            kept, gone = (first, second) if data.keep == "first" else (second, first)
            # One of them may have been merged since, with somebody else or by way of others with each other.
            kept, gone = await head_of(tx, kept), await head_of(tx, gone)
            if kept != gone:
                await merge_members(tx, survivor_id=kept, other_id=gone, reason=reason, actor=staff.actor)
        elif await head_of(tx, member_id) == (head := await head_of(tx, other_id)):
            # They were merged while the pair was found: what is said of them now is to undo that.
            raise AlreadyMerged(into=str(head))
        else:
            for subject, other in ((member_id, other_id), (other_id, member_id)):
                await audit.record(
                    tx,
                    actor=staff.actor,
                    action="member.not-same",
                    subject_kind="member",
                    subject=str(subject),
                    reason=reason,
                    after={"other": str(other)},
                )
        row = await tx.fetchrow(
            f"""SELECT p.*, {_name_of("p.decided_by")} AS by FROM member_pairs p
                WHERE member_id = $1 AND other_id = $2""",  # noqa: S608 - our own text
            *sorted((member_id, other_id)),
        )
        return (await _pairs(tx, [row], chain))[0]

    return await write.run(work, after=_forget(member_id, other_id))


def _forget(*ids: UUID) -> Any:
    """Sessions of both are looked up anew, here at once and in other processes within seconds."""

    async def work() -> None:
        for one in ids:
            sessions.forget(one)

    return work


# --- who a member is, merging and undoing -------------------------------------------------------------------

_MERGES = f"""
SELECT g.*, {_name_of("g.actor")} AS by, {_name_of("g.undone_by")} AS undone_name,
       s.display_name AS survivor_name, s.phone AS survivor_phone, o.display_name AS other_name, o.phone AS other_phone
FROM member_merges g JOIN members s ON s.member_id = g.member_id JOIN members o ON o.member_id = g.other_id
WHERE g.member_id = $1 OR g.other_id = $1 ORDER BY g.at DESC, g.id DESC LIMIT 50
"""  # noqa: S608 - our own text


@get(f"{MEMBERS}/{{member_id:uuid}}/identity", opt=doors.staff("members.read", member_id="customer"))
async def show_member_identity(
    db: Database, settings: Settings, staff: Staff, chain: Chain, member_id: UUID
) -> Identity:
    """What says who a member is, and with whom they were merged.

    Refuses a franchisee `members.no-consent` unless the member agreed to sharing: it names them.
    """
    scope = staff.scope("members.read")
    await reached(db, scope, member_id)
    if partners.of_a_partner(chain, staff):
        await consents.ensure_allowed(db, member_id, "sharing", door="console.member-identity")
    return await _who(db, scope, member_id, secret=_secret(staff, settings))


def _secret(staff: Staff, settings: Settings) -> bytes | None:
    return settings.secret.encode() if staff.may("members.edit") else None


async def _who(db: Database | Tx, scope: Scope, member_id: UUID, *, secret: bytes | None) -> Identity:
    row = (await reached(db, scope, member_id)).row
    into = row["merged_into"]
    head = await db.fetchrow("SELECT member_id, display_name, phone FROM members WHERE member_id = $1", into)
    own = [member_id] if into is not None else await group_of(db, member_id)
    return Identity(
        member_id=member_id,
        merged_into=None if head is None else NameOf(head[0], head[1], phones.masked(head[2])),
        identities=[_identity(one, secret if into is None else None) for one in await identities.of_member(db, own)],
        merges=[_merge(one) for one in await db.fetch(_MERGES, member_id)],
        open_pairs=await db.fetchval(
            "SELECT count(*) FROM member_pairs WHERE state = 'open' AND (member_id = $1 OR other_id = $1)", member_id
        ),
    )


def _merge(row: Any) -> MergeRow:
    return MergeRow(
        id=row["id"],
        survivor=NameOf(row["member_id"], row["survivor_name"], phones.masked(row["survivor_phone"])),
        other=NameOf(row["other_id"], row["other_name"], phones.masked(row["other_phone"])),
        at=row["at"],
        by=row["by"],
        reason=row["reason"],
        undone_at=row["undone_at"],
        undone_by=row["undone_name"],
        undone_reason=row["undone_reason"],
    )


def _identity(row: Any, secret: bytes | None) -> IdentityRow:
    """`secret` where it may be ended."""
    kind, value = row["kind"], row["value"]
    ends = secret is not None and row["source"] not in identify.FIXED
    return IdentityRow(
        ref=identify.ref_of(kind, value, row["member_id"], secret=secret) if ends and secret else None,
        kind=kind,
        shown=phones.masked(value) or "" if kind == "phone" else identity_log.masked(kind, value),
        alone=row["alone"],
        leads=row["leads"],
        source=row["source"],
        since=row["since"],
        member_id=row["member_id"],
    )


@post(
    f"{MEMBERS}/{{member_id:uuid}}/identities",
    opt=doors.staff("members.edit", member_id="customer"),
    status_code=201,
)
async def add_member_identity(
    write: Write, settings: Settings, staff: Staff, member_id: UUID, data: IdentityInput
) -> Answer[Identity]:
    """Write down by hand what says who a member is.

    Refuses `members.bad-identity`, `members.already-merged`, `members.identity-known`, `members.second-identity`, and
    `members.identity-taken` when it is somebody else's; with `doubt` that makes a pair to be looked at.
    """
    scope = staff.scope("members.edit")
    if (data.kind == "marketplace") != (data.marketplace is not None):
        problem = {
            "field": "marketplace",
            "zh": "平台买家号要选平台,其他不选。",
            "en": "For a buyer id, and for it only.",
        }
        raise BadInput(problems=[problem])
    kind = data.kind if data.marketplace is None else f"{data.kind}:{data.marketplace}"

    async def work(tx: Tx) -> Identity:
        await reached(tx, scope, member_id)
        await identify.add(
            tx,
            member_id=member_id,
            kind=kind,
            value=data.value,
            doubt=data.doubt,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await _who(tx, scope, member_id, secret=_secret(staff, settings))

    return await write.run(work, status=201)


@post(
    f"{MEMBERS}/{{member_id:uuid}}/identities/{{ref:str}}/end",
    opt=doors.staff("members.edit", member_id="customer", ref=doors.SHARED),
    status_code=200,
)
async def end_member_identity(
    write: Write, settings: Settings, staff: Staff, member_id: UUID, ref: str, data: IdentityEndInput
) -> Answer[Identity]:
    """What said who a member is does so no more. Refuses `kernel.not-found` for what is none of theirs or cannot be
    ended, `members.already-merged`."""
    scope = staff.scope("members.edit")

    async def work(tx: Tx) -> Identity:
        await reached(tx, scope, member_id)
        await identify.end(
            tx,
            member_id=member_id,
            ref=ref,
            secret=settings.secret.encode(),
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await _who(tx, scope, member_id, secret=_secret(staff, settings))

    return await write.run(work)


@post(
    f"{MEMBERS}/{{member_id:uuid}}/merges",
    opt=doors.staff("members.edit", member_id="customer", other_id="customer"),
    status_code=201,
)
async def merge_into_member(
    write: Write, settings: Settings, staff: Staff, member_id: UUID, data: MergeInput
) -> Answer[Identity]:
    """Say that another member is this one: their orders, points, coupons and log-ins are this one's, and stay theirs.

    Refuses `members.same-member`, `kernel.not-found`, `members.already-merged`, `members.has-others`.
    """
    scope = staff.scope("members.edit")

    async def work(tx: Tx) -> Identity:
        await reached(tx, scope, member_id)
        await reached(tx, scope, data.other_id)
        await merge_members(
            tx, survivor_id=member_id, other_id=data.other_id, reason=data.reason.strip(), actor=staff.actor
        )
        return await _who(tx, scope, member_id, secret=_secret(staff, settings))

    return await write.run(work, status=201, after=_forget(member_id, data.other_id))


@post(
    f"{MEMBERS}/{{member_id:uuid}}/merges/{{merge_id:uuid}}/end",
    opt=doors.staff("members.edit", member_id="customer", merge_id=doors.SHARED),
    status_code=200,
)
async def undo_member_merge(
    write: Write, settings: Settings, staff: Staff, member_id: UUID, merge_id: UUID, data: UnmergeInput
) -> Answer[Identity]:
    """Undo a merge: each has what came to them, less what was spent of it meanwhile.

    Refuses `kernel.not-found` for a merge that is none of this member's, `members.merge-undone`.
    """
    scope = staff.scope("members.edit")
    gone: list[UUID] = []

    async def work(tx: Tx) -> Identity:
        await reached(tx, scope, member_id)
        other = await unmerge_members(
            tx, survivor_id=member_id, merge_id=merge_id, reason=data.reason.strip(), actor=staff.actor
        )
        gone[:] = [other]
        return await _who(tx, scope, member_id, secret=_secret(staff, settings))

    async def forget() -> None:
        await _forget(member_id, *gone)()

    return await write.run(work, after=forget)


ROUTES = [
    list_member_pairs,
    decide_member_pair,
    show_member_identity,
    add_member_identity,
    end_member_identity,
    merge_into_member,
    undo_member_merge,
]
