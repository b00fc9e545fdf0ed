"""Outfits in the mall: what readers of a link see, and what members make of their favourites and carts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post, put

from duoline import attribution
from duoline.attribution import Outfit, OutfitEnded, Owner
from duoline.catalog.errors import NoSuchProduct
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Answer, Cursor, Limit, Page, answer
from duoline.channels.http.outfits import MadeOutfit, OutfitInput, OutfitView, outfit_page, outfit_views
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.shares import new_share
from duoline.channels.http.writes import Write
from duoline.channels.mall import heads
from duoline.channels.mall.cards import StoreCode
from duoline.channels.mall.catalogue import product_page
from duoline.channels.mall.catalogue_types import ProductPage
from duoline.channels.mall.pages import missing_page, shell_page
from duoline.channels.mall.shares import SHARES_BY_MEMBER, maker_of
from duoline.flows.trade import Trade
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.stores.directory import Chain

AnyRequest = Request[Any, Any, Any]
_decode = msgspec.json.Decoder(ProductPage).decode


class OutfitPiece(msgspec.Struct, frozen=True):
    """A product of the outfit, as its own page shows it, and the variant its maker had in mind."""

    sku_id: UUID | None
    page: ProductPage


class OutfitShown(msgspec.Struct, frozen=True, kw_only=True):
    """An outfit as everybody sees it. `gone` products are not sold any more; `mine` says that the reader made it."""

    id: UUID
    name: str
    note: str
    by: str
    made_at: datetime
    mine: bool
    gone: int
    pieces: list[OutfitPiece]


@get("/outfits/{outfit_id:str}", opt=doors.public(outfit_id=doors.SHARED), include_in_schema=False)
async def show_outfit_page(
    request: AnyRequest, settings: Settings, language: str, db: Database, outfit_id: str
) -> Answer[Any]:
    """The page of an outfit, with its name in the head for whoever shows a preview of the link."""
    try:
        found = await _live(db, UUID(outfit_id))
    except (ValueError, NotFound):
        return missing_page(request, settings, language)
    except OutfitEnded:
        return shell_page(request, settings, language, heads.ended(request.url.path, language), status=410)
    return shell_page(
        request, settings, language, heads.outfit(found.look, f"/outfits/{found.id}", language),
        source="src/pages/Outfit.vue",
    )  # fmt: skip


@get("/api/mall/outfits/{outfit_id:uuid}", opt=doors.public(outfit_id=doors.SHARED, store=doors.SHARED))
async def show_outfit(
    db: Database,
    trade: Trade,
    chain: Chain,
    visitor: Visitor,
    outfit_id: UUID,
    store: StoreCode = None,
) -> Answer[OutfitShown]:
    """An outfit with the prices and stock of a store. Refuses `kernel.not-found`, `attribution.outfit-ended`."""
    found = await _live(db, outfit_id)
    pieces = []
    for piece in found.look.pieces:
        try:
            raw = await product_page(db, trade, chain, piece.product_code, store, tier=visitor.tier)
        except NoSuchProduct:
            continue
        pieces.append(OutfitPiece(piece.sku_id, _decode(raw)))
    return answer(
        OutfitShown(
            id=found.id,
            name=found.look.name,
            note=found.look.note,
            by=await maker_of(db, found.owner_id),
            made_at=found.made_at,
            mine=visitor.member is not None and found.owner_id in visitor.member.ids,
            gone=len(found.look.pieces) - len(pieces),
            pieces=pieces,
        )
    )


@get("/api/mall/outfits", opt=doors.member(known=True))
async def list_outfits(db: Database, member: Member, limit: Limit = 20, cursor: Cursor = None) -> Page[OutfitView]:
    """What I put together and still share, the newest first."""
    before = cursors.unpack(cursor, UUID)[0] if cursor else None
    return await outfit_page(db, await attribution.outfits_of(db, member.id, before=before, limit=limit + 1), limit)


@post("/api/mall/outfits", opt=doors.member(known=True, product_code=doors.SHARED, sku_id=doors.SHARED))
async def make_outfit(
    request: AnyRequest, settings: Settings, write: Write, member: Member, data: OutfitInput
) -> Answer[MadeOutfit]:
    """Put products together and share them. Refuses `attribution.note-not-shown`, `kernel.bad-input`."""
    SHARES_BY_MEMBER.check(str(member.id))
    base = site.front_of(request, settings)
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> MadeOutfit:
        made, shared = await attribution.make_outfit(
            tx, owner=Owner("member", member.id), look=data.look, actor=member.actor, device_id=device
        )
        return MadeOutfit((await outfit_views(tx, [made]))[0], new_share(shared, base))

    return await write.run(work, status=201)


@put(
    "/api/mall/outfits/{outfit_id:uuid}",
    opt=doors.member(outfit_id="outfit_of", product_code=doors.SHARED, sku_id=doors.SHARED),
)
async def edit_outfit(write: Write, member: Member, outfit_id: UUID, data: OutfitInput) -> Answer[OutfitView]:
    """Say anew what is in it; the links stay. Refuses `attribution.outfit-ended`, then as making one."""

    async def work(tx: Tx) -> OutfitView:
        changed = await attribution.edit_outfit(tx, member.id, outfit_id, data.look, actor=member.actor)
        return (await outfit_views(tx, [changed]))[0]

    return await write.run(work)


@post("/api/mall/outfits/{outfit_id:uuid}/end", opt=doors.member(outfit_id="outfit_of"), status_code=204)
async def end_outfit(write: Write, member: Member, outfit_id: UUID) -> Answer[None]:
    """Nobody sees it from now on, and my links to it have ended."""

    async def work(tx: Tx) -> None:
        await attribution.end_outfit(tx, member.id, outfit_id, actor=member.actor)

    return await write.run(work, status=204)


async def _live(db: Database, outfit_id: UUID) -> Outfit:
    found = await attribution.get_outfit(db, outfit_id)
    if found.ended_at is not None:
        raise OutfitEnded
    return found


ROUTES = [show_outfit_page, show_outfit, list_outfits, make_outfit, edit_outfit, end_outfit]
