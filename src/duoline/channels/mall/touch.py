"""Short links: what the codes of touchpoints lead to. A scan is counted on the way."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, get

from duoline import attribution
from duoline.channels.http import devices, doors, limits
from duoline.channels.http.answers import Answer, Header
from duoline.channels.http.front import ONLY_ASKED
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall import heads
from duoline.channels.mall.pages import shell_page
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.stores.directory import Chain

NEW_DEVICES_BY_ADDRESS = limits.Limit(120, 600)
"""Browsers without a cookie from one address: a shop's visitors share one, and whoever inflates a count has few."""
DEFAULT_ZONE = "Asia/Shanghai"
"""By which days are told of what has no place."""

# Programs that look at links without anybody wanting to see what is there.
_PROGRAM = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|externalhit|whatsapp/|telegram|discord|curl|wget|python|httpx|okhttp|java/|"
    r"go-http|node-fetch|axios|monitor|scan(ner|ning)",
    re.IGNORECASE,
)
_NO_STORE: Header = (b"cache-control", b"no-store")

AnyRequest = Request[Any, Any, Any]


@get("/t/{code:str}", opt=doors.public(code=doors.SHARED), include_in_schema=False)
async def open_touchpoint(
    request: AnyRequest, settings: Settings, language: str, db: Database, chain: Chain, visitor: Visitor, code: str
) -> Answer[Any]:
    """Go where a code leads. Programs and pages fetched ahead of time are not counted, nor is the owner's own visit."""
    tidy = attribution.tidy(code)
    found = await attribution.coded(db, tidy) if tidy else None
    if found is None:
        return shell_page(request, settings, language, heads.missing(request.url.path, language), status=404)
    if found.ended_at is not None:
        return shell_page(request, settings, language, heads.ended(request.url.path, language), status=410)
    headers: list[Header] = [
        (b"location", attribution.path_of(found.target, found.code).encode("ascii", "ignore")),
        _NO_STORE,
    ]
    member = visitor.member
    if _is_person(request) and (member is None or found.owner.id not in member.ids):
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
                    via="qr" if request.query_params.get("v") == "q" else "link",
                    device_id=attribution.device_key(device, secret=settings.secret),
                    member_id=member.id if member else None,
                    timezone=shop.timezone if shop else DEFAULT_ZONE,
                )
    return Answer(b"", status=302, headers=headers)


def _is_person(request: AnyRequest) -> bool:
    """As far as a request says so itself; who lies is held by the limits."""
    headers = request.headers
    ahead = " ".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    scope: dict[str, Any] = request.scope  # type: ignore[assignment]
    if "prefetch" in ahead or "preview" in ahead or ONLY_ASKED in scope:
        return False
    agent = headers.get("user-agent", "")
    return bool(agent) and not _PROGRAM.search(agent)


def _may_be_new(request: AnyRequest) -> bool:
    try:
        NEW_DEVICES_BY_ADDRESS.check(limits.address_of(request))
    except limits.TooManyRequests:
        return False
    return True


ROUTES = [open_touchpoint]
