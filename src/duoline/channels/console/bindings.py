"""Bindings: who has which members and since when, what is odd, what is disputed, and passing members on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline import attribution
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text, plain
from duoline.members import phones
from duoline.stores.directory import Chain

PATH = "/api/console/bindings"
DISPUTES = "/api/console/binding-disputes"
MOVED_MAX = 500

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
ShopCode = Annotated[str | None, Parameter(max_length=40, description="Of one shop only.")]
Words = Annotated[
    str, Parameter(max_length=60, description="A part of the member's or guide's name, or the end of a phone.")
]
Which = Annotated[Literal["live", "ended", "flagged", "all"], Parameter(description="Live, ended, odd, or all.")]
Decided = Annotated[Literal["open", "decided", "all"], Parameter(description="Waiting, or decided.")]


class BindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member and whom they belong to, from when to when, how they came and what is odd about it."""

    id: UUID
    member_id: UUID
    member_name: str
    phone_masked: str | None
    guide_id: UUID | None
    guide_name: str | None
    store_code: str
    store_name: Text
    source: str
    touchpoint_code: str | None
    rule_version: int
    from_at: datetime
    expires_at: datetime | None
    until_at: datetime | None
    ended_because: str | None
    flags: list[str]
    disputed: bool


class DisputeRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who says that a member is theirs, whose they are, and what was decided."""

    id: UUID
    member_id: UUID
    member_name: str
    phone_masked: str | None
    claimant: str
    claimant_store: Text
    held_by: str | None
    held_store: Text
    held_since: datetime
    held_source: str
    over: bool
    """The binding it is about has ended: the member cannot be moved any more."""
    own: bool
    """Who reads this is a party to it and may not decide it."""
    reason: str
    raised_by: str | None
    raised_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None
    decision_reason: str


class MemberBindings(msgspec.Struct, frozen=True):
    """Everything of one member, the newest first."""

    bindings: list[BindingRow]
    disputes: list[DisputeRow]


class DecisionInput(Input, frozen=True):
    """The member stays, or moves to who disputed it; and why."""

    decision: attribution.Decision
    reason: Reason


class TransferInput(Input, frozen=True, kw_only=True):
    """Members of a shop to pass on: all of a guide's (of the shop's own without one), or one of them; to a colleague,
    or back to the shop."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    from_staff_id: UUID | None = None
    to_staff_id: UUID | None = None
    member_id: UUID | None = None
    reason: Reason


class Transferred(msgspec.Struct, frozen=True):
    """How many were passed on, and how many are still to be: at most five hundred at a time."""

    moved: int
    left: int


# $1 everything, $2 stores, $3 words, $4 shop, $5 which, $6 now, $7 member, $8 before, $9 how many, $10 whether a
# franchisee asks: then only who agreed to sharing has a name.
_ROWS = """
SELECT b.id, b.member_id, b.guide_id, b.store_id, b.source, b.rule_version, b.from_at, b.expires_at, b.until_at,
       b.ended_because, b.flags, (NOT $10 OR duo_consents(m.member_id, 'sharing')) AS shared, m.display_name, m.phone,
       s.name AS guide_name, t.code AS touchpoint_code,
       EXISTS (SELECT FROM binding_disputes d WHERE d.member_id = b.member_id AND d.binding_id = b.id
               AND d.decided_at IS NULL) AS disputed
FROM bindings b JOIN members m ON m.member_id = b.member_id
LEFT JOIN staff s ON s.id = b.guide_id
LEFT JOIN touchpoints t ON t.id = b.touchpoint_id
WHERE ($1 OR b.store_id = ANY ($2))
  AND ($3 = '' OR s.name ILIKE '%' || $3 || '%'
       OR (m.display_name ILIKE '%' || $3 || '%' OR ($3 ~ '^[0-9]{4,}$' AND m.phone LIKE '%' || $3))
          AND (NOT $10 OR duo_consents(m.member_id, 'sharing')))
  AND ($4::uuid IS NULL OR b.store_id = $4)
  AND CASE $5 WHEN 'live' THEN b.until_at IS NULL AND (b.expires_at IS NULL OR b.expires_at > $6::timestamptz)
              WHEN 'ended' THEN b.until_at IS NOT NULL OR b.expires_at <= $6
              WHEN 'flagged' THEN b.flags <> '[]' ELSE true END
  AND ($7::uuid IS NULL OR b.member_id = $7) AND ($8::uuid IS NULL OR b.id < $8)
ORDER BY b.id DESC LIMIT $9
"""

# $1 everything, $2 stores, $3 which, $4 member, $5 before, $6 how many, $7 as $10 above, $8 who reads.
_DISPUTES = f"""
SELECT d.*, (NOT $7 OR duo_consents(m.member_id, 'sharing')) AS shared, m.display_name, m.phone,
       c.name AS claimant, h.name AS held_by, b.store_id AS held_store_id,
       b.from_at AS held_since, b.source AS held_source, b.until_at IS NOT NULL AS over, r.name AS raised_name,
       w.name AS decided_name, {attribution.IS_PARTY.format(judge="$8")} AS own
FROM binding_disputes d JOIN bindings b ON b.member_id = d.member_id AND b.id = d.binding_id
JOIN members m ON m.member_id = d.member_id
LEFT JOIN staff c ON c.id = d.guide_id LEFT JOIN staff h ON h.id = b.guide_id
LEFT JOIN staff r ON r.id = d.raised_by LEFT JOIN staff w ON w.id = d.decided_by
WHERE ($1 OR d.store_id = ANY ($2) OR b.store_id = ANY ($2))
  AND CASE $3 WHEN 'open' THEN d.decided_at IS NULL WHEN 'decided' THEN d.decided_at IS NOT NULL ELSE true END
  AND ($4::uuid IS NULL OR d.member_id = $4) AND ($5::uuid IS NULL OR d.id < $5)
ORDER BY d.id DESC LIMIT $6
"""  # noqa: S608 - our own words


@get(PATH, opt=doors.staff("bindings.read", store="store"))
async def list_bindings(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Words = "",
    store: ShopCode = None,
    which: Which = "live",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BindingRow]:
    """Bindings of the shops one may see, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    shop = staff.store(store, "bindings.read").id if store else None
    scope = staff.scope("bindings.read").sql
    rows = await db.fetch_filtered(
        _ROWS, *scope, plain(q), shop, which, clock.now(), None, before, limit + 1, partners.of_a_partner(chain, staff)
    )
    shown = rows[:limit]
    return Page([_row(row, chain) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@get(f"{PATH}/members/{{member_id:uuid}}", opt=doors.staff("bindings.read", member_id="bound"))
async def show_member_bindings(db: Database, staff: Staff, chain: Chain, member_id: UUID) -> MemberBindings:
    """Every binding and dispute of one member, as far as they are of shops one may see."""
    scope, partner = staff.scope("bindings.read").sql, partners.of_a_partner(chain, staff)
    rows = await db.fetch(_ROWS, *scope, "", None, "all", clock.now(), member_id, None, 200, partner)
    if not rows:
        raise NotFound(kind="member")
    disputes = await db.fetch(_DISPUTES, *scope, "all", member_id, None, 200, partner, staff.actor.id)
    return MemberBindings([_row(row, chain) for row in rows], [_dispute(row, chain) for row in disputes])


@get(DISPUTES, opt=doors.staff("bindings.read"))
async def list_disputes(
    db: Database, staff: Staff, chain: Chain, which: Decided = "open", limit: Limit = 50, cursor: Cursor = None
) -> Page[DisputeRow]:
    """Disputes that concern shops one may see, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch(
        _DISPUTES,
        *staff.scope("bindings.read").sql,
        which,
        None,
        before,
        limit + 1,
        partners.of_a_partner(chain, staff),
        staff.actor.id,
    )
    shown = rows[:limit]
    return Page([_dispute(row, chain) for row in shown], cursors.pack(shown[-1]["id"]) if len(rows) > limit else None)


@post(f"{DISPUTES}/{{dispute_id:uuid}}/decision", opt=doors.staff("bindings.decide", dispute_id="dispute"))
async def decide_dispute(
    write: Write, staff: Staff, chain: Chain, dispute_id: UUID, data: DecisionInput
) -> Answer[DisputeRow]:
    """Decide whose the member is. Refuses `attribution.dispute-over`, `attribution.own-dispute`, and
    `attribution.guide-gone` when the member would move to somebody who has left."""

    async def work(tx: Tx) -> DisputeRow:
        found = await tx.fetchrow(
            "SELECT member_id, guide_id, store_id FROM binding_disputes WHERE id = $1", dispute_id
        )
        if found is None:
            raise NotFound(kind="binding_dispute")
        moves = data.decision == "moves"
        guide = await attribution.guide_at(tx, found["guide_id"], found["store_id"], chain) if moves else None
        await attribution.decide_dispute(
            tx,
            member_id=found["member_id"],
            dispute_id=dispute_id,
            decision=data.decision,
            guide=guide,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        rows = await tx.fetch(_DISPUTES, True, [], "all", found["member_id"], None, 200, False, staff.actor.id)
        return next(_dispute(row, chain) for row in rows if row["id"] == dispute_id)

    return await write.run(work)


@post(
    f"{PATH}/transfers",
    opt=doors.staff("bindings.edit", store="store", from_staff_id="staff", to_staff_id="staff", member_id="bound"),
)
async def transfer_members(write: Write, staff: Staff, chain: Chain, data: TransferInput) -> Answer[Transferred]:
    """Pass members on within a shop. Refuses with 404 when nobody is there to be passed on, or to receive."""
    shop = staff.store(data.store, "bindings.edit")

    async def work(tx: Tx) -> Transferred:
        guide = None
        if data.to_staff_id is not None:
            try:
                guide = await attribution.guide_at(tx, data.to_staff_id, shop.id, chain)
            except attribution.GuideGone as gone:
                raise NotFound(kind="staff") from gone
        rows = await tx.fetch(
            """SELECT member_id FROM bindings
               WHERE store_id = $1 AND until_at IS NULL AND guide_id IS NOT DISTINCT FROM $2
                 AND ($3::uuid IS NULL OR member_id = $3) ORDER BY id LIMIT $4""",
            shop.id,
            data.from_staff_id,
            data.member_id,
            MOVED_MAX + 1,
        )
        if not rows:
            raise NotFound(kind="binding")
        moved = await attribution.hand_to(
            tx,
            member_ids=[row["member_id"] for row in rows[:MOVED_MAX]],
            store_id=shop.id,
            guide=guide,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        left = 0
        if len(rows) > MOVED_MAX:
            left = await tx.fetchval(
                """SELECT count(*) FROM bindings
                   WHERE store_id = $1 AND until_at IS NULL AND guide_id IS NOT DISTINCT FROM $2""",
                shop.id,
                data.from_staff_id,
            )
        return Transferred(moved, left)

    return await write.run(work)


def _row(row: Any, chain: Chain) -> BindingRow:
    shop = chain.store(row["store_id"])
    return BindingRow(
        id=row["id"],
        member_id=row["member_id"],
        member_name=row["display_name"] if row["shared"] else "",
        phone_masked=phones.masked(row["phone"]) if row["shared"] else None,
        guide_id=row["guide_id"],
        guide_name=row["guide_name"],
        store_code=shop.code,
        store_name=shop.name,
        source=row["source"],
        touchpoint_code=row["touchpoint_code"],
        rule_version=row["rule_version"],
        from_at=row["from_at"],
        expires_at=row["expires_at"],
        until_at=row["until_at"],
        ended_because=row["ended_because"],
        flags=row["flags"],
        disputed=row["disputed"],
    )


def _dispute(row: Any, chain: Chain) -> DisputeRow:
    return DisputeRow(
        id=row["id"],
        member_id=row["member_id"],
        member_name=row["display_name"] if row["shared"] else "",
        phone_masked=phones.masked(row["phone"]) if row["shared"] else None,
        claimant=row["claimant"] or "",
        claimant_store=chain.store(row["store_id"]).name,
        held_by=row["held_by"],
        held_store=chain.store(row["held_store_id"]).name,
        held_since=row["held_since"],
        held_source=row["held_source"],
        over=row["over"],
        own=row["own"],
        reason=row["reason"],
        raised_by=row["raised_name"],
        raised_at=row["raised_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_name"],
        decision=row["decision"],
        decision_reason=row["decision_reason"],
    )


ROUTES = [list_bindings, show_member_bindings, list_disputes, decide_dispute, transfer_members]
