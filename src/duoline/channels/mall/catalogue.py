"""The catalogue as members see it: home, categories, product pages, and where to get it. Search is in `search.py`."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from litestar import get

from duoline.catalog.errors import NoSuchProduct
from duoline.catalog.vocabulary import Vocabulary, vocabulary
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Latitude, Limit, Longitude, Search, answer, ready
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall import catalogue_sql as sql
from duoline.channels.mall.cards import StoreCode, cards
from duoline.channels.mall.catalogue_types import (
    Categories,
    CategoryCard,
    Home,
    ProductPage,
    StoreStock,
    StoreStocks,
)
from duoline.channels.mall.offer import Offer, chosen, offers, pickup_promise
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.types import Store

FEED_LENGTH = 20
READY_LENGTH = 12
LISTS_KEPT_S = 30.0


@get("/api/mall/products/{code:str}", opt=doors.public(code=doors.SHARED, store=doors.SHARED))
async def get_product(
    db: Database, trade: Trade, chain: Chain, visitor: Visitor, code: str, store: StoreCode = None
) -> Answer[ProductPage]:
    """A product page: what it is, what it costs the visitor and who has it."""
    return ready(await product_page(db, trade, chain, code, store, tier=visitor.tier))


async def product_page(
    db: Database, trade: Trade, chain: Chain, code: str, store_code: str | None, *, tier: str
) -> bytes:
    """The page as JSON with the prices of a tier, also put into the server-rendered page.

    Refuses with `NoSuchProduct`.
    """
    at = clock.now()
    offer = await offers(trade).of(chain, chosen(chain, store_code), at)
    row = await db.fetchrow(
        sql.PRODUCT_PAGE, code, offer.price_store, offer.regions, at, offer.pickup_store, offer.dcs, tier
    )
    doc, live, presale = row or (None, None, False)
    if doc is None:
        raise NoSuchProduct
    known = b"true" if presale else b"false"
    return b'{"product":%b,"live":[%b],"presale":%b%b}' % (doc.encode(), (live or "").encode(), known, offer.tail)


@get(
    "/api/mall/products/{code:str}/stores",
    opt=doors.public(code=doors.SHARED, sku=doors.SHARED),
)
async def get_product_stores(
    db: Database,
    trade: Trade,
    chain: Chain,
    code: str,
    sku: UUID | None = None,
    lat: Latitude = None,
    lon: Longitude = None,
    q: Search = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Answer[StoreStocks]:
    """Stores where the product, or one variant of it, can be collected; the nearest first, else those with most."""
    rows = await db.fetch(sql.PRODUCT_STORES, code, sku)
    if not rows and not await db.fetchval("SELECT true FROM product_docs WHERE code = $1", code):
        raise NoSuchProduct
    counts = {row["location_id"]: row["available"] for row in rows}
    having = [store for store in chain.shops(service="pickup") if store.id in counts and _fits(store, q)]
    if lat is not None and lon is not None:
        ranked: list[tuple[int | None, Store]] = list(chain.nearest(lat, lon, among=having)) if having else []
    else:
        ranked = [(None, store) for store in sorted(having, key=lambda store: (-counts[store.id], store.code))]
    (start,) = cursors.unpack(cursor, int) if cursor else (0,)
    start = max(start, 0)
    at, work, lags = clock.now(), await trade.work.counts(), await trade.work.lags()
    items = [
        StoreStock(
            chain.card(store, at=at, distance=distance),
            counts[store.id],
            pickup_promise(store, at, open_work=work.get(store.id, 0), lags=lags),
        )
        for distance, store in ranked[start : start + limit]
    ]
    more = cursors.pack(start + limit) if start + limit < len(ranked) else None
    return answer(StoreStocks(items, more))


def _fits(store: Store, q: str) -> bool:
    """Every word is somewhere in a name, an address or the city."""
    text = " ".join((*_both(store.name), *_both(store.address), store.city, store.province, store.code)).casefold()
    return all(word in text for word in q.casefold().split())


def _both(text: Text) -> tuple[str, str]:
    return text.zh, text.en


@get("/api/mall/categories", opt=doors.public())
async def list_categories(db: Database) -> Answer[Categories]:
    """All categories with their place in the tree, parents before children."""
    return answer(Categories(category_cards(await vocabulary(db))))


def category_cards(words: Vocabulary) -> list[CategoryCard]:
    """Every category that leads to a product, the upper ones first, each level in its own order."""
    tree = words.tree
    shown = [category for category in tree.categories.values() if words.by_category[category.id]]
    return [
        CategoryCard(
            id=category.id,
            code=category.code,
            name=category.name.filled,
            parent_code=tree.categories[category.parent_id].code if category.parent_id else None,
            image=words.category_images.get(category.image_sha or ""),
            product_count=words.by_category[category.id],
        )
        for category in sorted(shown, key=lambda category: len(tree.path_ids(category.id)))
    ]


@get("/api/mall/home", opt=doors.public(store=doors.SHARED))
async def get_home(
    db: Database,
    trade: Trade,
    chain: Chain,
    visitor: Visitor,
    store: StoreCode = None,
    lat: Latitude = None,
    lon: Longitude = None,
) -> Answer[Home]:
    """The first page for a chosen store, or for the nearest one that lets members collect."""
    near = chosen(chain, store) or _nearest(chain, lat, lon)
    return ready(await home_page(db, trade, chain, near, tier=visitor.tier))


async def home_page(db: Database, trade: Trade, chain: Chain, store: Store | None, *, tier: str) -> bytes:
    """The first page as JSON with the prices of a tier, also put into the server-rendered page."""
    at = clock.now()
    words = await vocabulary(db)
    offer = await offers(trade).of(chain, store, at)
    feed, here = await _shown(db, offer)
    top = [card for card in category_cards(words) if card.parent_code is None]
    return b'{"store":%b,"categories":%b,"ready_today":[%b],"feed":[%b]}' % (
        offer.store_json,
        msgspec.json.encode(top),
        await cards(db, offer, here, at, tier=tier),
        await cards(db, offer, feed, at, tier=tier),
    )


def _nearest(chain: Chain, lat: float | None, lon: float | None) -> Store | None:
    if lat is None or lon is None:
        return None
    found = chain.nearest(lat, lon, among=chain.shops(service="pickup") or chain.shops(), limit=1)
    return found[0][1] if found else None


# Which products the first page shows, by store; their prices and stock are read fresh.
_shown_lists: WeakKeyDictionary[Database, dict[UUID | None, tuple[float, list[UUID]]]] = WeakKeyDictionary()


async def _shown(db: Database, offer: Offer) -> tuple[list[UUID], list[UUID]]:
    """The newest products, and those that the store has now."""
    feed = await _kept(db, None, sql.NEWEST, FEED_LENGTH)
    if offer.pickup_store is None:
        return feed, []
    return feed, await _kept(db, offer.pickup_store, sql.READY_AT_STORE, offer.pickup_store, READY_LENGTH)


async def _kept(db: Database, key: UUID | None, statement: str, *values: Any) -> list[UUID]:
    kept = _shown_lists.setdefault(db, {})
    entry = kept.get(key)
    if entry is None or entry[0] < time.monotonic():
        found = [row["product_id"] for row in await db.fetch(statement, *values)]
        entry = kept[key] = time.monotonic() + LISTS_KEPT_S, found
    return entry[1]


ROUTES = [get_home, list_categories, get_product, get_product_stores]
