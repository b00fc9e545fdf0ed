"""A clerk as a guide: the code they show, the members they look after, asking at the counter, disputing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import segno
from litestar import Request, get, post

from duoline import attribution, engagement
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors, limits, partners, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import Text
from duoline.members import consents, guests, phones
from duoline.members.policy import tier_name
from duoline.stores.directory import Chain

ASKS_BY_STAFF = limits.Limit(60, 3600)
"""A counter asks one customer after the other; whoever tries out numbers asks more."""
Phone = Annotated[str, msgspec.Meta(min_length=3, max_length=30)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
AnyRequest = Request[Any, Any, Any]


class ShopInput(Input, frozen=True):
    """In which shop."""

    store: Code


class AskInput(Input, frozen=True):
    """The number that the customer says, or that their card has."""

    store: Code
    phone: Phone


class DisputeInput(Input, frozen=True):
    """Whose member is said to be mine, and why."""

    store: Code
    phone: Phone
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class GuideCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code to show: `svg` is the QR, `url` the link to send. How often it was scanned, how many members I have."""

    code: str
    url: str
    svg: str
    name: str
    store_name: Text
    scans: int
    members: int


class Asked(msgspec.Struct, frozen=True):
    """The question is on its way, if somebody has the number. Nothing more is told."""

    minutes: int


class Disputed(msgspec.Struct, frozen=True):
    """Headquarters will decide."""

    id: UUID


class GuideMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member of mine: since when, how they came, how often they ordered and when last, anywhere and by this shop.

    In a franchisee's shop, of who did not agree to sharing, at that company's shops. `id` is that of the binding.
    """

    id: UUID
    name: str
    phone_masked: str | None
    shared: bool
    source: str
    since: datetime
    expires_at: datetime | None
    last_order_at: datetime | None
    orders: int
    member_id: UUID
    tier: Text | None
    last_here_at: datetime | None


@post("/api/clerk/guide-codes", opt=doors.staff("guide", store="store"))
async def show_code(
    request: AnyRequest, settings: Settings, write: Write, staff: Staff, chain: Chain, data: ShopInput
) -> Answer[GuideCode]:
    """My code in this shop; made when it is shown first."""
    shop = staff.store(data.store, "guide")
    base = site.front_of(request, settings)
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> GuideCode:
        guide = await attribution.guide_at(tx, staff.id, shop.id, chain)
        found = await attribution.code_of(tx, guide, shop=shop.name, device_id=device, actor=staff.actor)
        figures = await tx.fetchrow(
            """SELECT (SELECT coalesce(sum(n.scans), 0) FROM touchpoint_totals n
                       WHERE n.touchpoint_id = $1)::integer AS scans,
                      (SELECT count(*) FROM duo_bound_to($2, $3, $4))::integer AS members""",
            found.id,
            staff.id,
            shop.id,
            clock.now(),
        )
        return GuideCode(
            code=found.code,
            url=attribution.short_link(base, found.code),
            svg=segno.make(attribution.short_link(base, found.code, printed=True), error="m").svg_inline(
                scale=8, border=4
            ),
            name=guide.name,
            store_name=shop.name,
            scans=figures["scans"] if figures else 0,
            members=figures["members"] if figures else 0,
        )

    return await write.run(work)


# $6: whether the shop is a franchisee's. Then only who agreed to sharing has a name, and of the others only orders that
# concern one of its company's shops ($8) count.
_MEMBERS = """
SELECT b.member_id, b.id, b.source, b.from_at, b.expires_at, m.display_name, m.phone, o.orders, o.last_order_at,
       c.shared
FROM duo_bound_to($1, $2, $7) b JOIN members m ON m.member_id = b.head_id
CROSS JOIN LATERAL (SELECT NOT $6 OR duo_consents(m.member_id, 'sharing') AS shared) c
CROSS JOIN LATERAL (SELECT count(*)::integer AS orders, max(o.placed_at) AS last_order_at FROM orders o
                    WHERE o.member_id = ANY (duo_person(b.head_id)) AND o.state NOT IN ('cancelled', 'expired')
                      AND (c.shared OR o.location_ids && $8::uuid[] OR o.store_id = ANY ($8)
                           OR o.sold_store_id = ANY ($8))) o
WHERE ($3 = '' OR (strpos(lower(m.display_name), lower($3)) > 0
                   OR ($3 ~ '^[0-9]{4,}$' AND m.phone LIKE '%' || $3)) AND c.shared)
  AND ($4::uuid IS NULL OR b.id < $4)
ORDER BY b.id DESC LIMIT $5
"""


@get("/api/clerk/guide-members", opt=doors.staff("guide", store="store"))
async def list_members(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: StoreCode,
    q: Search = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[GuideMember]:
    """Members I look after in this shop, the newest first; `q` is a part of the name or the end of the number.

    In a franchisee's shop those who did not agree to sharing are `shared: false` and have neither; of their orders only
    those at the company's own shops count.
    """
    shop = staff.store(store, "guide")
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    now = clock.now()
    rows = await db.fetch(
        _MEMBERS,
        staff.id,
        shop.id,
        q.strip(),
        before,
        limit + 1,
        partners.franchised(chain, shop),
        now,
        [each.id for each in chain.stores.values() if each.company_id == shop.company_id],
    )
    shown = rows[:limit]
    if hidden := sum(not row["shared"] for row in shown):
        consents.count_refused("sharing", door="clerk.guide-members", times=hidden)
    known = await engagement.known_in(db, [row["member_id"] for row in shown], store_id=shop.id)
    total = None
    if before is None and not q.strip():
        total = await db.fetchval("SELECT count(*) FROM duo_bound_to($1, $2, $3)", staff.id, shop.id, now)
    return Page(
        [
            GuideMember(
                id=row["id"],
                name=row["display_name"] if row["shared"] else "",
                phone_masked=phones.masked(row["phone"]) if row["shared"] else None,
                shared=row["shared"],
                source=row["source"],
                since=row["from_at"],
                expires_at=row["expires_at"],
                last_order_at=row["last_order_at"],
                orders=row["orders"],
                member_id=row["member_id"],
                tier=tier_name(known[row["member_id"]].tier) if row["shared"] else None,
                last_here_at=known[row["member_id"]].last_at,
            )
            for row in shown
        ],
        cursors.pack(shown[-1]["id"]) if len(rows) > limit else None,
        total,
    )


@post("/api/clerk/guide-asks", opt=doors.staff("guide", store="store"), status_code=202)
async def ask_member(write: Write, staff: Staff, chain: Chain, data: AskInput) -> Answer[Asked]:
    """Ask whoever has the number to confirm on their phone that I am their guide. The answer is the same when nobody
    has it, so that numbers cannot be tried out."""
    shop, phone = staff.store(data.store, "guide"), phones.normalise(data.phone)
    ASKS_BY_STAFF.check(str(staff.id))

    async def work(tx: Tx) -> Asked:
        guide = await attribution.guide_at(tx, staff.id, shop.id, chain)
        member_id = await guests.member_of_phone(tx, phone)
        if member_id is not None:
            await attribution.ask(tx, member_id=member_id, guide=guide)
        return Asked(attribution.BINDING.current().body.ask_minutes)

    return await write.run(work, status=202)


@post("/api/clerk/guide-disputes", opt=doors.staff("guide", store="store"))
async def dispute_member(write: Write, staff: Staff, chain: Chain, data: DisputeInput) -> Answer[Disputed]:
    """Say that a member whom another guide has is mine; headquarters decides."""
    shop, phone = staff.store(data.store, "guide"), phones.normalise(data.phone)
    ASKS_BY_STAFF.check(str(staff.id))

    async def work(tx: Tx) -> Disputed:
        guide = await attribution.guide_at(tx, staff.id, shop.id, chain)
        member_id = await guests.member_of_phone(tx, phone)
        if member_id is None:
            raise attribution.NothingToDispute
        made = await attribution.raise_dispute(
            tx, member_id=member_id, guide=guide, reason=data.reason.strip(), actor=staff.actor
        )
        return Disputed(made)

    return await write.run(work, status=201)


ROUTES = [show_code, list_members, ask_member, dispute_member]
