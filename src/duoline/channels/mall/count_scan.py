"""Who opens a touchpoint, a label among them: whether it is a person, on which device, and counted within limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from duoline import attribution
from duoline.attribution import Hung
from duoline.channels.http import devices, limits
from duoline.channels.http.front import ONLY_ASKED
from duoline.channels.http.sessions import staff_session
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from uuid import UUID

    from litestar import Request

    from duoline.attribution import Target, Touchpoint, Via
    from duoline.channels.http.answers import Header
    from duoline.channels.http.sessions import Member
    from duoline.kernel.config import Settings
    from duoline.kernel.db import Database
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

    AnyRequest = Request[Any, Any, Any]

NEW_DEVICES_BY_ADDRESS = limits.Limit(120, 600)
"""Browsers without a cookie from one address: a shop's visitors share one, and whoever inflates a count has few."""
LABELS_BY_ADDRESS = limits.Limit(60, 600)
"""Labels from before there were touchpoints that one address makes known by scanning them."""
STANDING_BY_ADDRESS = limits.Limit(60, 600)
"""Things that one address is the first to open by sharers' own codes."""

# Programs that look at links without anybody wanting to see what is there.
_PROGRAM = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|externalhit|whatsapp/|telegram|discord|curl|wget|python|httpx|okhttp|java/|"
    r"go-http|node-fetch|axios|monitor|scan(ner|ning)",
    re.IGNORECASE,
)


async def count(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    chain: Chain,
    found: Touchpoint,
    *,
    member: Member | None,
    via: Via,
) -> list[Header]:
    """Count that a live touchpoint is opened, by a person who does not own it; the headers that remember the device."""
    headers: list[Header] = []
    if not is_person(request) or (member is not None and found.owner.id in member.ids):
        return headers
    device = devices.known(request, settings)
    if device is None and _may_be_new(request):
        device, cookie = devices.new(settings)
        headers.append(cookie)
    if device is not None:
        shop = chain.stores.get(found.store_id) if found.store_id else None
        async with db.begin() as tx:
            await attribution.scan(
                tx,
                found,
                via=via,
                device_id=attribution.device_key(device, secret=settings.secret),
                member_id=member.id if member else None,
                timezone=shop.timezone if shop else CHAIN_ZONE,
            )
    return headers


async def count_label(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    chain: Chain,
    shop: Store,
    product_code: str,
    *,
    member: Member | None,
) -> tuple[Touchpoint | None, list[Header]]:
    """Count that a shop's label of a product is scanned; the label's touchpoint, and headers as `count` gives them.

    A label that was printed before labels had touchpoints gets one now. One that has ended leads where it led, and is
    no touchpoint any more; nor is what no shop can have printed.
    """
    found = await attribution.label_of(db, shop.id, product_code)
    if found is None and is_person(request) and _within(LABELS_BY_ADDRESS, request):
        found = await _make_known(db, shop, product_code)
    if found is None or found.ended_at is not None:
        return None, []
    return found, await count(request, settings, db, chain, found, member=member, via="qr")


async def count_standing(
    request: AnyRequest,
    settings: Settings,
    db: Database,
    chain: Chain,
    own: Touchpoint,
    target: Target,
    *,
    member: Member | None,
) -> tuple[Touchpoint | None, list[Header]]:
    """Count that what somebody shares by their own code is opened; their share of it, and headers as `count` gives.

    The first who opens it makes it a share. Programs and the sharer themselves make none, nor is anything a share that
    is not to be had, or of a code or share that has ended, or of a clerk who has left the shop of the code.
    """
    if own.ended_at is not None or not is_person(request) or (member is not None and own.owner.id in member.ids):
        return None, []
    if own.store_id is not None and not await _shares_for(request, db, chain, own.owner.id, own.store_id):
        return None, []
    found = await attribution.standing_share(db, own, target)
    if found is None and _within(STANDING_BY_ADDRESS, request):
        try:
            async with db.begin() as tx:
                found = await attribution.make_standing_share(tx, own, target, actor=SYSTEM)
        except NotFound:
            return None, []
    if found is None or found.ended_at is not None:
        return None, []
    return found, await count(request, settings, db, chain, found, member=member, via="link")


async def _shares_for(request: AnyRequest, db: Database, chain: Chain, staff_id: UUID, store_id: UUID) -> bool:
    """Whether somebody on the staff is a guide of the shop, and not the one who looks."""
    staff = await staff_session(request)
    if staff is not None and staff.id == staff_id:
        return False
    return await attribution.guides_at(db, staff_id, store_id, chain)


async def _make_known(db: Database, shop: Store, product_code: str) -> Touchpoint | None:
    row = await db.fetchrow(
        """SELECT p.name_zh, p.name_en, l.shelf
           FROM products p JOIN skus s ON s.product_id = p.id JOIN levels l ON l.sku_id = s.id AND l.location_id = $2
           WHERE p.code = $1 AND p.state = 'published' ORDER BY s.code LIMIT 1""",
        product_code,
        shop.id,
    )
    if row is None:
        return None
    hung = Hung(product_code, Text(row["name_zh"], row["name_en"]).filled, row["shelf"] or "")
    async with db.begin() as tx:
        await attribution.hang(tx, store_id=shop.id, labels=[hung], actor=SYSTEM)
    return await attribution.label_of(db, shop.id, product_code)


def is_person(request: AnyRequest) -> bool:
    """As far as a request says so itself; who lies is held by the limits."""
    headers = request.headers
    ahead = " ".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    scope: dict[str, Any] = request.scope  # type: ignore[assignment]
    if "prefetch" in ahead or "preview" in ahead or ONLY_ASKED in scope:
        return False
    agent = headers.get("user-agent", "")
    return bool(agent) and not _PROGRAM.search(agent)


def _may_be_new(request: AnyRequest) -> bool:
    return _within(NEW_DEVICES_BY_ADDRESS, request)


def _within(limit: limits.Limit, request: AnyRequest) -> bool:
    try:
        limit.check(limits.address_of(request))
    except limits.TooManyRequests:
        return False
    return True
