"""Short links and labels: what the codes of touchpoints lead to. A scan is counted on the way."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, get

from duoline import attribution
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Header
from duoline.channels.http.pages import ASK_AGAIN
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall import count_scan, heads
from duoline.channels.mall.offer import chosen
from duoline.channels.mall.pages import DIGITS, NO_STORE, missing_page, shell_page
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.stores.directory import Chain

AnyRequest = Request[Any, Any, Any]
SHAREABLE: dict[str, attribution.TargetKind] = {"product": "product", "outfit": "outfit", "coupon": "coupon"}


@get("/t/{code:str}", opt=doors.public(code=doors.SHARED), include_in_schema=False)
async def open_touchpoint(
    request: AnyRequest, settings: Settings, language: str, db: Database, chain: Chain, visitor: Visitor, code: str
) -> Answer[Any]:
    """Go where a code leads. Programs and pages fetched ahead of time are not counted, nor is the owner's own visit."""
    tidy = attribution.tidy(code)
    found = await attribution.coded(db, tidy) if tidy else None
    if found is None:
        return missing_page(request, settings, language)
    if found.ended_at is not None:
        return shell_page(request, settings, language, heads.ended(request.url.path, language), status=410)
    target = attribution.path_of(await _alive(db, chain, found), found.code).encode("ascii", "ignore")
    via: attribution.Via = "qr" if request.query_params.get("v") == "q" else "link"
    counted = await count_scan.count(request, settings, db, chain, found, member=visitor.member, via=via)
    return Answer(b"", status=302, headers=[(b"location", target), NO_STORE, *counted])


@get(
    "/t/{code:str}/{kind:str}/{name:str}",
    opt=doors.public(code=doors.SHARED, kind=doors.SHARED, name=doors.SHARED),
    include_in_schema=False,
)
async def open_standing(
    request: AnyRequest,
    settings: Settings,
    language: str,
    db: Database,
    chain: Chain,
    visitor: Visitor,
    code: str,
    kind: str,
    name: str,
) -> Answer[Any]:
    """Go where a sharer's own code and a thing lead: to the thing. Whoever comes first makes it a share of theirs.

    What they have ended, and a code of somebody who is forgotten, leads to the thing and is nobody's.
    """
    tidy = attribution.tidy(code)
    own = await attribution.coded(db, tidy) if tidy else None
    if own is None or own.kind != "share" or own.target.kind != "home" or kind not in SHAREABLE:
        return missing_page(request, settings, language)
    target = attribution.Target(SHAREABLE[kind], name)
    found, headers = await count_scan.count_standing(request, settings, db, chain, own, target, member=visitor.member)
    path = attribution.path_of(target, found.code if found else None)
    return Answer(b"", status=302, headers=[(b"location", path.encode("ascii", "ignore")), NO_STORE, *headers])


async def _alive(db: Database, chain: Chain, found: attribution.Touchpoint) -> attribution.Target:
    """Where a code leads now: that of a guide who has left leads to their shop, so that no print is a dead end."""
    if found.target.kind != "guide" or found.store_id is None or found.store_id not in chain.stores:
        return found.target
    if await attribution.guides_at(db, found.owner.id, found.store_id, chain):
        return found.target
    return attribution.Target("store", chain.stores[found.store_id].code)


@get("/01/{gtin:str}", opt=doors.public(gtin=doors.SHARED), include_in_schema=False)
async def digital_link(
    request: AnyRequest, settings: Settings, language: str, db: Database, chain: Chain, visitor: Visitor, gtin: str
) -> Answer[Any]:
    """Where the QR of a label leads (GS1 Digital Link): to the product, and to the shop it hangs in when it says so.

    That shop's label is a touchpoint: the scan is counted as one.
    """
    code = None
    if DIGITS.fullmatch(gtin):
        code = await db.fetchval(
            """SELECT p.code FROM barcodes b JOIN skus s ON s.id = b.sku_id JOIN products p ON p.id = s.product_id
               WHERE b.gtin = $1""",
            gtin.zfill(14),
        )
    if code is None:
        return missing_page(request, settings, language)
    shop = chosen(chain, request.query_params.get("store"))
    # The page opens on the very variant, and knows that somebody stands in that shop.
    asked = {"gtin": gtin} | ({"store": shop.code, "scan": "1"} if shop else {})
    headers: list[Header] = [ASK_AGAIN]
    if shop is not None:
        label, headers = await count_scan.count_label(request, settings, db, chain, shop, code, member=visitor.member)
        headers = [NO_STORE, *headers]
        asked |= {"t": label.code} if label else {}
    target = f"/p/{quote(code, safe='')}?{urlencode(asked)}"
    return Answer(b"", status=302, headers=[(b"location", target.encode()), *headers])


ROUTES = [open_touchpoint, open_standing, digital_link]
