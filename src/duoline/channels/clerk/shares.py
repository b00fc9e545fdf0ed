"""Sharing by clerks, and what a clerk's codes, links and members come to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post

from duoline import attribution, orders
from duoline.attribution import Owner, Target
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors, limits, site
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.shares import OwnCode, ShareInput, ShareView, new_share, share_page
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.money import CURRENCY, Money

SHARES_BY_STAFF = limits.Limit(120, 3600)
LATELY = timedelta(days=30)
AnyRequest = Request[Any, Any, Any]


class ClerkShareInput(ShareInput, frozen=True, kw_only=True):
    """What a clerk of this shop shares."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class OwnCodeInput(Input, frozen=True, kw_only=True):
    """The shop that what I share is of."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What my codes and links of this shop brought, and what my members bought anywhere while they were mine."""

    clicks: int
    sign_ups: int
    orders: int
    sales: Money
    new_members: int
    member_orders: int
    member_sales: Money


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Today's members, the last thirty days, and altogether."""

    members: int
    lately: Span
    ever: Span


@post("/api/clerk/shares", opt=doors.staff("guide", store="store", name=doors.SHARED))
async def share_as_clerk(
    request: AnyRequest, settings: Settings, write: Write, staff: Staff, data: ClerkShareInput
) -> Answer[ShareView]:
    """Share a product or coupons under my name. Refuses `attribution.note-not-shown`."""
    shop = staff.store(data.store, "guide")
    SHARES_BY_STAFF.check(str(staff.id))
    base = site.front_of(request, settings)
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> ShareView:
        made = await attribution.share(
            tx,
            owner=Owner("staff", staff.id),
            target=Target(data.kind, data.name),
            note=data.note,
            actor=staff.actor,
            store_id=shop.id,
            device_id=device,
        )
        return new_share(made, base)

    return await write.run(work, status=201)


@post("/api/clerk/own-code", opt=doors.staff("guide", store="store"), status_code=200)
async def make_clerk_own_code(settings: Settings, write: Write, staff: Staff, data: OwnCodeInput) -> Answer[OwnCode]:
    """My code in this shop, made when I need it first. Repeating it gives the same.

    A page of the mall that is opened by it (`t`) has WeChat's menu send a link under my name; see `wechat-menu`.
    """
    shop = staff.store(data.store, "guide")
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> OwnCode:
        known = await attribution.own_code(tx, [staff.id], store_id=shop.id)
        if known is None:
            known = await attribution.make_own_code(
                tx, owner=Owner("staff", staff.id), store_id=shop.id, actor=staff.actor, device_id=device
            )
        return OwnCode(known)

    return await write.run(work)


@get("/api/clerk/shares", opt=doors.staff("guide", store="store"))
async def list_clerk_shares(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    staff: Staff,
    store: StoreCode,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ShareView]:
    """What I shared from this shop, the newest first, and what came of it."""
    shop = staff.store(store, "guide")
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    rows = await db.fetch(
        """SELECT * FROM touchpoints
           WHERE owner_id = $1 AND kind = 'share' AND store_id = $2 AND ($3::uuid IS NULL OR id < $3)
             AND NOT (standing AND target_kind = 'home')  -- their own code itself: nothing they shared
           ORDER BY id DESC LIMIT $4""",
        staff.id,
        shop.id,
        before,
        limit + 1,
    )
    return await share_page(db, rows, limit, site.front_of(request, settings))


@get("/api/clerk/performance", opt=doors.staff("guide", store="store"))
async def my_performance(db: Database, staff: Staff, store: StoreCode) -> Performance:
    """What my code, my links and my members of this shop come to."""
    shop, now = staff.store(store, "guide"), clock.now()
    members = await db.fetchval("SELECT count(*) FROM duo_bound_to($1, $2, $3)", staff.id, shop.id, now)
    return Performance(
        members=members,
        lately=await _span(db, staff.id, shop.id, now - LATELY),
        ever=await _span(db, staff.id, shop.id, None),
    )


# An order is a member's guide's when it was placed while the binding was what the buyer belonged to somebody by: those
# that the statement has, whoever of one person placed them.
_MEMBERS = f"""
SELECT count(DISTINCT b.id) FILTER (WHERE $3::timestamptz IS NULL OR b.from_at >= $3)::integer AS new_members,
       count(k.units) FILTER (WHERE k.units > 0)::integer AS orders, coalesce(sum(k.minor), 0)::bigint AS sales_minor
FROM bindings b
LEFT JOIN LATERAL duo_orders_of_binding(b.member_id, b.id, b.scope, b.from_at) o
    ON $3::timestamptz IS NULL OR o.placed_at >= $3
LEFT JOIN {orders.sales_of("o")} k ON true
WHERE b.guide_id = $1 AND b.store_id = $2
"""  # noqa: S608 - our own text


async def _span(db: Database, staff_id: UUID, store_id: UUID, since: datetime | None) -> Span:
    rows = await db.fetch("SELECT id FROM touchpoints WHERE owner_id = $1 AND store_id = $2", staff_id, store_id)
    every = await attribution.brought(db, [row["id"] for row in rows], since=since)
    own = await db.fetchrow(_MEMBERS, staff_id, store_id, since)
    return Span(
        clicks=sum(one.scans for one in every),
        sign_ups=sum(one.sign_ups for one in every),
        orders=sum(one.orders for one in every),
        sales=Money(sum(one.sales_minor for one in every), CURRENCY),
        new_members=own["new_members"] if own else 0,
        member_orders=own["orders"] if own else 0,
        member_sales=Money(own["sales_minor"] if own else 0, CURRENCY),
    )


ROUTES = [share_as_clerk, make_clerk_own_code, list_clerk_shares, my_performance]
