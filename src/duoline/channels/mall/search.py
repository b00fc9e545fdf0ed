"""Search and suggestions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline.catalog import search as reading
from duoline.catalog import tokens
from duoline.catalog.tokens import Query
from duoline.catalog.types import CardDoc
from duoline.catalog.vocabulary import Vocabulary, vocabulary
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Limit, Search, answer, ready
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall import catalogue_sql as sql
from duoline.channels.mall import found as lists
from duoline.channels.mall.cards import StoreCode, cards
from duoline.channels.mall.catalogue_types import SearchPage, SuggestionItem, Suggestions
from duoline.channels.mall.found import NOTHING, Found, Sort, Wish
from duoline.channels.mall.offer import Offer, chosen, offers
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.stores.directory import Chain

SUGGESTED_PRODUCTS = 5
PAGE_LENGTH = 24  # as many as the mall asks for at once

Code = Annotated[str | None, Parameter(max_length=40)]
ReadyToday = Annotated[bool, Parameter(description="Only what the chosen store has now.")]


@get("/api/mall/search", opt=doors.public(category=doors.SHARED, brand=doors.SHARED, store=doors.SHARED))
async def search(
    db: Database,
    trade: Trade,
    chain: Chain,
    visitor: Visitor,
    q: Search = "",
    category: Code = None,
    brand: Code = None,
    store: StoreCode = None,
    ready_today: ReadyToday = False,
    sort: Sort = "relevance",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Answer[SearchPage]:
    """Search the published products, or browse them by category and brand."""
    at, tier = clock.now(), visitor.tier
    words = await vocabulary(db)
    offer = await offers(trade).of(chain, chosen(chain, store), at)
    if ready_today and offer.pickup_store is None:
        found, meant = NOTHING, None
    else:
        found, meant = await _find(db, words, _wish(words, offer, q, category, brand, sort, ready_today, tier), at)
    start = max(cursors.unpack(cursor, int)[0], 0) if cursor else 0
    return ready(await _page(db, offer, found, meant, start, limit, at, tier))


async def search_page(
    db: Database, trade: Trade, chain: Chain, *, q: str, category: str | None, brand: str | None, sort: Sort, tier: str
) -> bytes:
    """What a visitor without a store finds, as JSON; also put into the server-rendered page."""
    at = clock.now()
    words = await vocabulary(db)
    offer = await offers(trade).of(chain, None, at)
    found, meant = await _find(db, words, _wish(words, offer, q, category, brand, sort, False, tier), at)
    return await _page(db, offer, found, meant, 0, PAGE_LENGTH, at, tier)


def _wish(
    words: Vocabulary,
    offer: Offer,
    q: str,
    category: str | None,
    brand: str | None,
    sort: Sort,
    ready_today: bool,
    tier: str,
) -> Wish:
    return Wish(
        query=tokens.parse(q, words.cutter),
        category=category,
        brand=brand,
        sort=sort,
        price_store=offer.price_store,
        price_regions=tuple(offer.regions),
        price_tier=tier,
        ready_at=offer.pickup_store if ready_today else None,
    )


async def _page(
    db: Database, offer: Offer, found: Found, meant: str | None, start: int, limit: int, at: datetime, tier: str
) -> bytes:
    more = cursors.pack(start + limit) if found.more(start, limit) else None
    return b'{"items":[%b],"next":%b,"total":%d,"did_you_mean":%b,"facets":%b}' % (
        await cards(db, offer, found.page(start, limit), at, tier=tier),
        msgspec.json.encode(more),
        found.total,
        msgspec.json.encode(meant),
        found.facets,
    )


async def _find(db: Database, words: Vocabulary, wish: Wish, at: datetime) -> tuple[Found, str | None]:
    """What is asked for; if that is nothing, by looser words; if still nothing, what may have been meant."""
    found = await lists.find(db, words, wish, at)
    if found.total or not wish.query.words:
        return found, None
    loose = wish.query.relaxed()
    if loose != wish.query and (again := await lists.find(db, words, replace(wish, query=loose), at)).total:
        return again, None
    meant = await reading.did_you_mean(db, words, wish.query)
    if meant is not None:
        query = tokens.parse(meant, words.cutter)
        if (again := await lists.find(db, words, replace(wish, query=query), at)).total:
            return again, meant
    return found, None


@get("/api/mall/suggestions", opt=doors.public())
async def suggestions(db: Database, language: str, q: Search = "") -> Answer[Suggestions]:
    """Categories, brands and words that begin with what was typed, and a few products that have it."""
    words = await vocabulary(db)
    items = [SuggestionItem(word.kind, word.text, word.code, None) for word in reading.suggested_words(words, q)]
    return answer(Suggestions([*items, *await _products(db, tokens.parse(q, words.cutter), language)]))


async def _products(db: Database, query: Query, language: str) -> list[SuggestionItem]:
    asked = query.tsquery()
    if not asked:
        return []
    rows = await db.fetch(sql.SUGGESTED_PRODUCTS, asked, SUGGESTED_PRODUCTS, tokens.folded(query.text).strip())
    cards = [_card.decode(row["card"]) for row in rows]
    return [SuggestionItem("product", getattr(card.name, language), card.code, card.image) for card in cards]


_card = msgspec.json.Decoder(CardDoc)

ROUTES = [search, suggestions]
