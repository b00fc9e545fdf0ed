"""The pages of the mall that strangers come to first: server-rendered heads, robots.txt, the sitemap."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Annotated, Any, get_args
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from duoline.catalog.errors import NoSuchProduct
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Header, text_answer
from duoline.channels.http.pages import ASK_AGAIN, Pages, html
from duoline.channels.http.sessions import member_session
from duoline.channels.mall import count_scan, heads
from duoline.channels.mall.catalogue import home_page, product_page
from duoline.channels.mall.catalogue_types import Home, ProductPage, SearchPage
from duoline.channels.mall.found import Sort
from duoline.channels.mall.heads import Head
from duoline.channels.mall.offer import chosen
from duoline.channels.mall.search import search_page
from duoline.channels.mall.stores import store_page
from duoline.flows.trade import Trade
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.stores.directory import Chain
from duoline.stores.types import Store

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# Products in one file. The protocol allows 50,000 addresses, and the stores are among them.
SITEMAP_MAX = 40_000
# Before the pages are built there is still something to read.
SHELL_MISSING = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title></title></head>'
    '<body><div id="app"></div></body></html>'
)
LANGUAGE: Header = (b"vary", b"accept-language")
NO_STORE: Header = (b"cache-control", b"no-store")

_decode = msgspec.json.Decoder(ProductPage).decode
_decode_home = msgspec.json.Decoder(Home).decode
_decode_search = msgspec.json.Decoder(SearchPage).decode
WORDS_MAX = 60
DIGITS = re.compile(r"[0-9]{8,14}", re.ASCII)
SORTS: dict[str, Sort] = {each: each for each in get_args(Sort)}

AnyRequest = Request[Any, Any, Any]
Part = Annotated[int | None, Parameter(ge=0, le=10_000)]


@get("/", opt=doors.public(), include_in_schema=False)
async def home(
    request: AnyRequest, settings: Settings, language: str, db: Database, trade: Trade, chain: Chain
) -> Answer[Any]:
    """The first page, as a visitor without a store finds it."""
    raw = await home_page(db, trade, chain, None, tier=await _tier(request))
    return shell_page(request, settings, language, heads.home(_decode_home(raw), raw, language, settings.public_url))


@get("/search", opt=doors.public(category=doors.SHARED, brand=doors.SHARED), include_in_schema=False)
async def search(
    request: AnyRequest, settings: Settings, language: str, db: Database, trade: Trade, chain: Chain
) -> Answer[Any]:
    """A search, as a visitor without a store finds it. What the address says wrongly is as if it were not there."""
    asked = {
        name: request.query_params.get(name, "")[:WORDS_MAX].replace("\0", "") for name in ("q", "category", "brand")
    }
    sort = SORTS.get(request.query_params.get("sort", ""), "relevance")
    if request.query_params.get("ready"):  # what a store has ready is asked by the page, which knows the store
        return shell_page(request, settings, language, heads.Head(getattr(heads.NAME, language), "", "/search"))
    raw = await search_page(
        db,
        trade,
        chain,
        q=asked["q"],
        category=asked["category"] or None,
        brand=asked["brand"] or None,
        sort=sort,
        tier=await _tier(request),
    )
    query = urlencode({name: value for name, value in asked.items() if value})
    path = f"/search?{query}" if query else "/search"
    head = heads.search(_decode_search(raw), raw, asked["q"], path, language, settings.public_url)
    return shell_page(request, settings, language, head, source="src/pages/Search.vue")


@get("/p/{code:str}", opt=doors.public(code=doors.SHARED), include_in_schema=False)
async def product(
    request: AnyRequest, settings: Settings, language: str, db: Database, trade: Trade, chain: Chain, code: str
) -> Answer[Any]:
    """A product page. It holds the answer of the API for a visitor without a store, so that it shows at once."""
    try:
        raw = await product_page(db, trade, chain, code, None, tier=await _tier(request))
    except NoSuchProduct:
        return missing_page(request, settings, language)
    if (shop := _label_in(request, chain)) is not None:
        label, headers = await count_scan.count_label(
            request, settings, db, chain, shop, code, member=await member_session(request)
        )
        if label is not None:
            query = urlencode({"store": shop.code, "scan": "1", "t": label.code})
            target = f"/p/{quote(code, safe='')}?{query}"
            return Answer(b"", status=302, headers=[(b"location", target.encode()), NO_STORE, *headers])
    head = heads.product(_decode(raw), raw, language, settings.public_url)
    return shell_page(request, settings, language, head, source="src/pages/Product.vue")


@get("/s/{code:str}", opt=doors.public(code=doors.SHARED), include_in_schema=False)
async def store(request: AnyRequest, settings: Settings, language: str, chain: Chain, code: str) -> Answer[Any]:
    """The page of a store."""
    try:
        page = store_page(chain, code)
    except NotFound:
        return missing_page(request, settings, language)
    place = (chain.coded(code).province, chain.coded(code).city)
    head = heads.store(page, language, settings.public_url, place=place)
    return shell_page(request, settings, language, head, source="src/pages/Store.vue")


def _label_in(request: AnyRequest, chain: Chain) -> Store | None:
    """The shop whose label was scanned, of an article that has no GTIN; the page says `t` once that was counted."""
    asked = request.query_params
    return chosen(chain, asked.get("store")) if "scan" in asked and "t" not in asked and "gtin" not in asked else None


async def _tier(request: AnyRequest) -> str:
    """The tier whose prices the visitor sees. No cache but the browser's own keeps a page."""
    member = await member_session(request)
    return member.tier if member else ""


def missing_page(request: AnyRequest, settings: Settings, language: str) -> Answer[Any]:
    """That there is no such page."""
    return shell_page(request, settings, language, heads.missing(request.url.path, language), status=404)


def shell_page(
    request: AnyRequest, settings: Settings, language: str, head: Head, *, status: int = 200, source: str | None = None
) -> Answer[Any]:
    """The built shell with this head; 304 when the browser has the very same. `source` is the page's own script."""
    pages: Pages = request.app.state.pages
    shell = pages.shell("mall") or SHELL_MISSING
    if source:
        head = replace(head, needs=pages.needs("mall", source))
    page = heads.render(shell, head, public_url=settings.public_url, language=language)
    # Weak: the same page compressed and not.
    etag = b'W/"%b"' % hashlib.blake2b(page.encode(), digest_size=12).hexdigest().encode()
    headers: list[Header] = [LANGUAGE, (b"etag", etag)]
    if status == 200 and etag.decode().removeprefix("W/") in request.headers.get("if-none-match", ""):
        return Answer(b"", status=304, headers=[ASK_AGAIN, *headers])
    accepts = request.headers.get("accept-encoding", "").encode()
    return html(page, accepts, status=status, headers=headers)


@get("/robots.txt", opt=doors.public(), include_in_schema=False)
async def robots(settings: Settings) -> Answer[Any]:
    """What crawlers are asked to leave alone: faces of the staff, carts, search results."""
    closed = (
        "/api/",
        "/clerk/",
        "/console/",
        "/cart",
        "/checkout",
        "/orders",
        "/me",
        "/search",
        "/login",
        "/pay/",
        "/r/",
        "/t/",
        "/guide",
        "/outfits/",
    )
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), f"Sitemap: {settings.public_url}/sitemap.xml"]
    return text_answer("\n".join(lines) + "\n", media="text/plain; charset=utf-8")


@get("/sitemap.xml", opt=doors.public(), include_in_schema=False)
async def sitemap(settings: Settings, db: Database, chain: Chain, part: Part = None) -> Answer[Any]:
    """Every product and store, or, when those are too many for one file, the list of the parts."""
    count = await db.fetchval("SELECT count(*) FROM product_docs")
    if part is None and count > SITEMAP_MAX:
        parts = range(-(-count // SITEMAP_MAX))
        places = "".join(f"<sitemap><loc>{settings.public_url}/sitemap.xml?part={n}</loc></sitemap>" for n in parts)
        return _xml(f'<sitemapindex xmlns="{SITEMAP}">{places}</sitemapindex>')
    rows = await db.fetch(
        "SELECT d.code, p.updated_at FROM product_docs d JOIN products p ON p.id = d.product_id"
        " ORDER BY d.product_id OFFSET $1 LIMIT $2",
        (part or 0) * SITEMAP_MAX,
        SITEMAP_MAX,
    )
    stores = chain.shops() if not part else []
    entries = [f"<url><loc>{settings.public_url}/s/{escape(each.code)}</loc></url>" for each in stores]
    entries += [
        f"<url><loc>{settings.public_url}/p/{escape(row['code'])}</loc>"
        f"<lastmod>{row['updated_at']:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
        for row in rows
    ]
    return _xml(f'<urlset xmlns="{SITEMAP}">{"".join(entries)}</urlset>')


def _xml(content: str) -> Answer[Any]:
    return text_answer(f'<?xml version="1.0" encoding="UTF-8"?>\n{content}\n', media="application/xml")


ROUTES = [home, search, product, store, robots, sitemap]
