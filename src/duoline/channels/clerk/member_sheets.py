"""A member as the clerk before them needs to know them: by the card that was read, or as one's own member."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import attribution, engagement
from duoline.channels.clerk.guide import ASKS_BY_STAFF, Asked, Code
from duoline.channels.clerk.guide_tasks import GuideTask, task_views
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import doors, partners
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.engagement import How, Kind
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.members import cards, consents, phones
from duoline.members.group import head_of
from duoline.members.policy import tier_name
from duoline.stores.directory import Chain
from duoline.stores.types import Store


class ShownCard(Input, frozen=True):
    """In which shop, and the pass that the till got for the card."""

    store: Code
    card: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class SheetGuide(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks after them. Of another company it is told only that somebody does."""

    mine: bool
    name: str | None
    store_name: Text | None


class SheetPickup(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of theirs in this shop: to pick, or ready and kept until."""

    fulfilment_id: UUID
    order_no: str
    state: str
    units: int
    keep_until: datetime | None


class TaskDone(msgspec.Struct, frozen=True, kw_only=True):
    """What I did for them, and the word I noted for myself."""

    kind: Kind
    how: How
    note: str
    done_at: datetime


class MemberSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What this shop knows of a member: who looks after them, how often they came, what waits. `member_id`, `tasks` and
    `done` are there when they are mine."""

    member_id: UUID | None
    guide: SheetGuide | None
    orders: int
    last_at: datetime | None
    pickups: list[SheetPickup]
    tasks: list[GuideTask]
    done: list[TaskDone]


class GuideMemberSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the shop. In a franchisee's who did not agree to sharing has no name, number and tier."""

    name: str
    phone_masked: str | None
    shared: bool
    tier: Text | None
    source: str
    since: datetime
    expires_at: datetime | None
    sheet: MemberSheet


@post("/api/clerk/member-sheets", opt=doors.staff("sell", store="store", card=doors.SHARED), status_code=200)
async def show_by_card(write: Write, staff: Staff, trade: Trade, chain: Chain, data: ShownCard) -> Answer[MemberSheet]:
    """What the shop knows of whose card was read a while ago. Nothing is stored of it.

    Refuses `members.card-code-over`.
    """
    del write  # takes part in the rule that every POST names its key; it is looked at anew each time
    shop = staff.store(data.store, "sell")
    head = await head_of(trade.db, cards.holder_of(data.card, secret=trade.secret))
    return answer(await _sheet(trade.db, staff, chain, shop, head, await _bound(trade.db, staff, shop, head)))


@post("/api/clerk/member-asks", opt=doors.staff("guide", store="store", card=doors.SHARED), status_code=202)
async def ask_by_card(write: Write, staff: Staff, trade: Trade, chain: Chain, data: ShownCard) -> Answer[Asked]:
    """Ask whose card was read to confirm on their phone that I am their guide. Refuses `members.card-code-over`."""
    shop, member_id = staff.store(data.store, "guide"), cards.holder_of(data.card, secret=trade.secret)
    ASKS_BY_STAFF.check(str(staff.id))

    async def work(tx: Tx) -> Asked:
        guide = await attribution.guide_at(tx, staff.id, shop.id, chain)
        await attribution.ask(tx, member_id=await head_of(tx, member_id), guide=guide)
        return Asked(attribution.BINDING.current().body.ask_minutes)

    return await write.run(work, status=202)


@get("/api/clerk/guide-members/{member_id:uuid}", opt=doors.staff("guide", store="store", member_id="bound"))
async def show_guide_member(
    db: Database, staff: Staff, chain: Chain, member_id: UUID, store: StoreCode
) -> GuideMemberSheet:
    """A member whom somebody in this shop looks after; what is to be done and what was noted is told to their guide.

    Refuses `kernel.not-found`.
    """
    shop = staff.store(store, "guide")
    row = await db.fetchrow(
        """SELECT b.source, b.from_at, b.expires_at, m.member_id AS head, m.display_name, m.phone, m.tier,
                  NOT $3 OR duo_consents(m.member_id, 'sharing') AS shared
           FROM bindings b JOIN members m ON m.member_id = duo_now(b.member_id)
           WHERE b.member_id = $1 AND b.store_id = $2 AND b.until_at IS NULL""",
        member_id,
        shop.id,
        partners.franchised(chain, shop),
    )
    if row is None:
        raise NotFound(kind="member")
    if not row["shared"]:
        consents.count_refused("sharing", door="clerk.guide-members", times=1)
    return GuideMemberSheet(
        name=row["display_name"] if row["shared"] else "",
        phone_masked=phones.masked(row["phone"]) if row["shared"] else None,
        shared=row["shared"],
        tier=tier_name(row["tier"]) if row["shared"] else None,
        source=row["source"],
        since=row["from_at"],
        expires_at=row["expires_at"],
        sheet=await _sheet(db, staff, chain, shop, row["head"], await _bound(db, staff, shop, row["head"])),
    )


async def _bound(db: Database, staff: Staff, shop: Store, head: UUID) -> UUID | None:
    """The id under which a person is this guide's in the shop; None for who is not."""
    found: UUID | None = await db.fetchval(
        "SELECT member_id FROM duo_bound_to($1, $2, $3) WHERE head_id = $4 LIMIT 1",
        staff.id,
        shop.id,
        clock.now(),
        head,
    )
    return found


async def _sheet(db: Database, staff: Staff, chain: Chain, shop: Store, head: UUID, bound: UUID | None) -> MemberSheet:
    partner = partners.franchised(chain, shop)
    known = (await engagement.known_in(db, [head], store_id=shop.id))[head]
    tasks, done = [], []
    if bound is not None:
        found = await engagement.open_tasks_for(
            db, guide_id=staff.id, store_id=shop.id, partner=partner, member_id=bound
        )
        tasks = await task_views(db, found, shop, partner=partner)
        done = await engagement.done_for(db, head, guide_id=staff.id)
    return MemberSheet(
        member_id=bound,
        guide=await _guide(db, staff, chain, shop, head),
        orders=known.orders,
        last_at=known.last_at,
        pickups=await _pickups(db, shop, head),
        tasks=tasks,
        done=[TaskDone(kind=one.kind, how=one.how, note=one.note, done_at=one.done_at) for one in done],
    )


async def _guide(db: Database, staff: Staff, chain: Chain, shop: Store, head: UUID) -> SheetGuide | None:
    bound = await attribution.binding_as_of(db, head, attribution.SCOPE, clock.now())
    if bound is None:
        return None
    theirs = chain.stores.get(bound.store_id)
    ours = theirs is not None and theirs.company_id == shop.company_id
    name = await db.fetchval("SELECT name FROM staff WHERE id = $1", bound.guide_id) if ours else None
    return SheetGuide(
        mine=bound.guide_id == staff.id, name=name, store_name=theirs.name if ours and theirs is not None else None
    )


_PICKUPS = """
SELECT f.id, f.order_no, f.state, f.keep_until, l.units FROM fulfilments f
CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0)::integer AS units FROM fulfilment_lines
                    WHERE location_id = f.location_id AND fulfilment_id = f.id) l
WHERE f.location_id = $1 AND f.kind = 'pickup' AND f.state IN ('to_pick', 'ready')
  AND f.order_id IN (SELECT o.id FROM orders o WHERE o.member_id = ANY (duo_person($2))
                     AND $1 = ANY (o.location_ids) AND o.state NOT IN ('completed', 'cancelled', 'expired'))
ORDER BY f.state DESC, f.promise_at, f.id
"""


async def _pickups(db: Database, shop: Store, head: UUID) -> list[SheetPickup]:
    return [
        SheetPickup(
            fulfilment_id=row["id"],
            order_no=row["order_no"],
            state=row["state"],
            units=row["units"],
            keep_until=row["keep_until"],
        )
        for row in await db.fetch(_PICKUPS, shop.id, head)
    ]


ROUTES = [show_by_card, ask_by_card, show_guide_member]
