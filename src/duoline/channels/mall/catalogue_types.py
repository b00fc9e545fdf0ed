"""The answers of the catalogue's pages. Most are built in SQL and by hand; these are what they decode to."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from duoline.catalog.types import CardDoc, Image, ProductDoc
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores.types import StoreCard


class Promise(msgspec.Struct, frozen=True):
    """By when, if ordered now: ready at the store, or arrived."""

    method: Literal["pickup", "delivery"]
    at: datetime
    store_code: str | None


class ProductCard(CardDoc, frozen=True):
    """A product in a list. Prices are those at the chosen store; `price_max` is set when variants differ.

    `store_available` is None without a store, or when it offers no pickup. `online_available` is at least how many can
    be sent: 0 for none, and no more than 9; the product page counts them.
    """

    price: Money
    price_max: Money | None
    store_available: int | None
    online_available: int | None


class LiveSku(msgspec.Struct, frozen=True):
    """What changes by the minute. Both counts stop at 99. `price` is the one at the chosen store; `sold_here` says that
    this store sells the product at all: what it does not can be sent, or collected elsewhere."""

    sku_id: UUID
    price: Money
    chain_price: Money
    price_scope: Literal["chain", "region", "store"]
    price_tier: str
    usual_price: Money | None
    online_available: int
    store_available: int | None
    sold_here: bool


class ProductPage(msgspec.Struct, frozen=True):
    """A product page. Variants without a price are not in `live`, and cannot be bought. `presale` says whether one of
    them is on pre-sale, now or later (`presales`)."""

    product: ProductDoc
    live: list[LiveSku]
    presale: bool
    store: StoreCard | None
    pickup_promise: Promise | None
    delivery_promise: Promise | None
    delivery_fee: Money
    free_delivery_from: Money


class CategoryCard(msgspec.Struct, frozen=True):
    """A category; the count is of published products in it and below."""

    id: UUID
    code: str
    name: Text
    parent_code: str | None
    image: Image | None
    product_count: int


class Categories(msgspec.Struct, frozen=True):
    """All categories, parents before their children."""

    items: list[CategoryCard]


class Home(msgspec.Struct, frozen=True):
    """The first page: the nearest or chosen store, what it has today, and what is new."""

    store: StoreCard | None
    categories: list[CategoryCard]
    ready_today: list[ProductCard]
    feed: list[ProductCard]


class Facet(msgspec.Struct, frozen=True):
    """How many of the products found have this category or brand."""

    code: str
    name: Text
    count: int


class Facets(msgspec.Struct, frozen=True):
    """The products found, counted; most first."""

    categories: list[Facet]
    brands: list[Facet]


class SearchPage(msgspec.Struct, frozen=True):
    """Products found. With `did_you_mean` set, the items are those of that query: the one typed finds nothing."""

    items: list[ProductCard]
    next: str | None
    total: int
    did_you_mean: str | None
    facets: Facets


class SuggestionItem(msgspec.Struct, frozen=True):
    """Something to choose while typing."""

    kind: Literal["product", "category", "brand", "word"]
    text: str
    code: str | None
    image: Image | None


class Suggestions(msgspec.Struct, frozen=True):
    """What begins with what was typed."""

    items: list[SuggestionItem]


class StoreStock(msgspec.Struct, frozen=True):
    """A store that has it, how many (stops at 99), and by when it would be ready."""

    store: StoreCard
    available: int
    promise: Promise | None


class StoreStocks(msgspec.Struct, frozen=True):
    """Stores that have the product."""

    items: list[StoreStock]
    next: str | None
