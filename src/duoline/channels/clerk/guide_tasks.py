"""What a guide could do next for their members: suggestions, taken up or put aside, and what they led to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import attribution, catalog, engagement
from duoline.catalog.types import SkuFacts
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import doors, limits
from duoline.channels.http.answers import Answer, Input, Limit, Page, answer
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.engagement import How, Kind, Why
from duoline.flows.order_view import Image, image_of
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text
from duoline.members import phones
from duoline.stores.directory import Chain
from duoline.stores.types import Store

CALLS_BY_STAFF = limits.Limit(60, 3600)
"""Numbers that one guide is shown in an hour."""
RESULTS_OF = timedelta(days=90)


class TaskInput(Input, frozen=True):
    """Which suggestion, and how it was taken up; `skipped` puts it aside."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    member_id: UUID
    kind: Kind
    ref: UUID
    how: How
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class CallInput(Input, frozen=True):
    """About which suggestion."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    member_id: UUID
    kind: Kind
    ref: UUID


class CallView(msgspec.Struct, frozen=True):
    """Where a phone calls: `tel:` and the number."""

    tel: str


class LookPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A variant to show and how many the shop can sell: `liked` is a favourite, `goes_with` is of a category they buy
    from, `new` is new."""

    product_code: str
    sku_id: UUID
    name: Text
    image: Image | None
    available: int
    why: Why


class LookView(msgspec.Struct, frozen=True):
    """Articles to show together; `personal`: what the member likes and bought was looked at, as they agreed."""

    pieces: list[LookPiece]
    personal: bool


class TaskAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What it is about, as far as the guide may be told: the order, one article of it and how many units it is in all,
    the coupon, the points."""

    order_no: str | None
    article: Text | None
    image: Image | None
    units: int | None
    coupon: Text | None
    points: int | None


class GuideTask(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion: for whom, why, since when, and until when it makes sense."""

    member_id: UUID
    kind: Kind
    ref: UUID
    name: str
    phone_masked: str | None
    shared: bool
    since: datetime
    until: datetime | None
    about: TaskAbout


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """What tasks of a kind led to in ninety days: done, put aside, orders within two weeks, what was kept of them."""

    kind: Kind
    done: int
    skipped: int
    orders: int
    sales: Money


@get("/api/clerk/guide-tasks", opt=doors.staff("guide", store="store"))
async def list_guide_tasks(
    db: Database, staff: Staff, chain: Chain, store: StoreCode, limit: Limit = 50
) -> Page[GuideTask]:
    """What I could do next for the members I look after in this shop, the most urgent first."""
    shop = staff.store(store, "guide")
    found = await engagement.open_tasks(
        db, guide_id=staff.id, store_id=shop.id, partner=chain.companies[shop.company_id].franchised, limit=limit
    )
    return Page(await task_views(db, found, shop, partner=chain.companies[shop.company_id].franchised))


async def task_views(db: Database, found: list[engagement.Task], shop: Store, *, partner: bool) -> list[GuideTask]:
    """Tasks as their guide sees them."""
    told = await engagement.about(db, found, store_id=shop.id, partner=partner)
    facts = await catalog.sku_facts(db, {one.sku_id for one in told if one.sku_id})
    return [
        GuideTask(
            member_id=task.member_id,
            kind=task.kind,
            ref=task.ref_id,
            name=task.name,
            phone_masked=phones.masked(task.phone),
            shared=task.shared,
            since=task.since,
            until=task.until,
            about=_about(one, facts.get(one.sku_id) if one.sku_id else None),
        )
        for task, one in zip(found, told, strict=True)
    ]


def _about(one: engagement.About, sku: SkuFacts | None) -> TaskAbout:
    return TaskAbout(
        order_no=one.order_no,
        article=sku.name.filled if sku else None,
        image=image_of(sku.image_sha) if sku else None,
        units=one.units,
        coupon=Text(one.coupon_zh, one.coupon_en or "").filled if one.coupon_zh else None,
        points=one.points,
    )


@post("/api/clerk/guide-tasks", opt=doors.staff("guide", store="store", member_id="bound"), status_code=204)
async def take_up_task(write: Write, staff: Staff, chain: Chain, data: TaskInput) -> Answer[None]:
    """I have done it, or put it aside. Refuses `engagement.task-gone`."""
    shop = staff.store(data.store, "guide")

    async def work(tx: Tx) -> None:
        guide = await attribution.guide_at(tx, staff.id, shop.id, chain)
        await engagement.take_up(
            tx,
            guide_id=guide.id,
            store_id=shop.id,
            member_id=data.member_id,
            kind=data.kind,
            ref_id=data.ref,
            how=data.how,
            note=data.note.strip(),
            partner=chain.companies[shop.company_id].franchised,
        )

    return await write.run(work, status=204)


@post("/api/clerk/guide-task-undos", opt=doors.staff("guide", store="store", member_id="bound"), status_code=204)
async def take_task_back(write: Write, staff: Staff, data: CallInput) -> Answer[None]:
    """What I noted a moment ago was a slip: it is suggested again. Refuses `engagement.too-late` after two minutes."""
    staff.store(data.store, "guide")

    async def work(tx: Tx) -> None:
        await engagement.take_back(tx, guide_id=staff.id, member_id=data.member_id, kind=data.kind, ref_id=data.ref)

    return await write.run(work, status=204)


@post("/api/clerk/guide-task-calls", opt=doors.staff("guide", store="store", member_id="bound"), status_code=200)
async def call_member(write: Write, db: Database, staff: Staff, chain: Chain, data: CallInput) -> Answer[CallView]:
    """The number to call about a task, shown to their guide while the task is open, and audited.

    Refuses `kernel.not-found`, `engagement.task-gone`, `members.no-consent`, `engagement.no-number`.
    """
    del write  # takes part in the rule that every POST names its key; the number is never stored beside it
    shop = staff.store(data.store, "guide")
    CALLS_BY_STAFF.check(str(staff.id))
    async with db.begin() as tx:
        phone = await engagement.number_for(
            tx,
            guide_id=staff.id,
            store_id=shop.id,
            member_id=data.member_id,
            kind=data.kind,
            ref_id=data.ref,
            partner=chain.companies[shop.company_id].franchised,
            actor=staff.actor,
        )
    return answer(CallView(f"tel:{phone}"))


@get("/api/clerk/members/{member_id:uuid}/look", opt=doors.staff("guide", store="store", member_id="bound"))
async def suggest_look(db: Database, staff: Staff, chain: Chain, member_id: UUID, store: StoreCode) -> LookView:
    """A few articles in this shop to show a member whom somebody in it looks after. Refuses `kernel.not-found`."""
    shop = staff.store(store, "guide")
    ours = await db.fetchval(
        "SELECT true FROM bindings WHERE member_id = $1 AND store_id = $2 AND until_at IS NULL", member_id, shop.id
    )
    if not ours:
        raise NotFound(kind="member")
    found = await engagement.look_for(
        db, member_id=member_id, store_id=shop.id, partner=chain.companies[shop.company_id].franchised
    )
    facts = await catalog.sku_facts(db, [one.sku_id for one in found.pieces])
    return LookView(
        [
            LookPiece(
                product_code=sku.product_code,
                sku_id=sku.sku_id,
                name=sku.name.filled,
                image=image_of(sku.image_sha),
                available=one.available,
                why=one.why,
            )
            for one in found.pieces
            if (sku := facts.get(one.sku_id)) is not None
        ],
        found.personal,
    )


@get("/api/clerk/guide-task-results", opt=doors.staff("guide", store="store"))
async def list_task_results(db: Database, staff: Staff, store: StoreCode) -> Page[TaskResult]:
    """What I did for my members in the last ninety days, and what came of it."""
    shop = staff.store(store, "guide")
    found = await engagement.results(db, guide_id=staff.id, store_id=shop.id, since=clock.now() - RESULTS_OF)
    return Page(
        [
            TaskResult(
                kind=one.kind,
                done=one.done,
                skipped=one.skipped,
                orders=one.orders,
                sales=Money(one.sales_minor, CURRENCY),
            )
            for one in found
        ]
    )


ROUTES = [list_guide_tasks, take_up_task, take_task_back, call_member, suggest_look, list_task_results]
