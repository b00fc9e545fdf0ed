"""Outfits that guides put together for customers: made, changed, ended, and the links to send on."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post, put

from duoline import attribution
from duoline.attribution import Owner
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.clerk.shares import SHARES_BY_STAFF
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.outfits import MadeOutfit, OutfitInput, OutfitView, outfit_page, outfit_views
from duoline.channels.http.sessions import Staff
from duoline.channels.http.shares import new_share
from duoline.channels.http.writes import Write
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx

AnyRequest = Request[Any, Any, Any]


class ClerkOutfitInput(OutfitInput, frozen=True, kw_only=True):
    """What a guide of this shop puts together."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


@get("/api/clerk/outfits", opt=doors.staff("guide", store="store"))
async def list_clerk_outfits(
    db: Database, staff: Staff, store: StoreCode, limit: Limit = 20, cursor: Cursor = None
) -> Page[OutfitView]:
    """What I put together in this shop and still share, the newest first."""
    shop = staff.store(store, "guide")
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    found = await attribution.outfits_of(db, staff.id, store_id=shop.id, before=before, limit=limit + 1)
    return await outfit_page(db, found, limit)


@post(
    "/api/clerk/outfits",
    opt=doors.staff("guide", store="store", product_code=doors.SHARED, sku_id=doors.SHARED),
)
async def make_clerk_outfit(
    request: AnyRequest, settings: Settings, write: Write, staff: Staff, data: ClerkOutfitInput
) -> Answer[MadeOutfit]:
    """Put products together under my name. Refuses `attribution.note-not-shown`, `kernel.bad-input`."""
    shop = staff.store(data.store, "guide")
    SHARES_BY_STAFF.check(str(staff.id))
    base = site.front_of(request, settings)
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> MadeOutfit:
        made, shared = await attribution.make_outfit(
            tx,
            owner=Owner("staff", staff.id),
            look=data.look,
            actor=staff.actor,
            store_id=shop.id,
            device_id=device,
        )
        return MadeOutfit((await outfit_views(tx, [made]))[0], new_share(shared, base))

    return await write.run(work, status=201)


@put(
    "/api/clerk/outfits/{outfit_id:uuid}",
    opt=doors.staff("guide", outfit_id="outfit", product_code=doors.SHARED, sku_id=doors.SHARED),
)
async def edit_clerk_outfit(write: Write, staff: Staff, outfit_id: UUID, data: OutfitInput) -> Answer[OutfitView]:
    """Say anew what is in one of mine; the links stay. Refuses `attribution.outfit-ended`, then as making one."""

    async def work(tx: Tx) -> OutfitView:
        changed = await attribution.edit_outfit(tx, staff.id, outfit_id, data.look, actor=staff.actor)
        return (await outfit_views(tx, [changed]))[0]

    return await write.run(work)


@post("/api/clerk/outfits/{outfit_id:uuid}/end", opt=doors.staff("guide", outfit_id="outfit"), status_code=204)
async def end_clerk_outfit(write: Write, staff: Staff, outfit_id: UUID) -> Answer[None]:
    """Nobody sees it from now on, and my links to it have ended."""

    async def work(tx: Tx) -> None:
        await attribution.end_outfit(tx, staff.id, outfit_id, actor=staff.actor)

    return await write.run(work, status=204)


ROUTES = [list_clerk_outfits, make_clerk_outfit, edit_clerk_outfit, end_clerk_outfit]
