"""Ranked lists: which products a search finds, in which order, and what they are counted as.

Only the ids are ranked, at most `LISTED_MAX` of them, and kept for half a minute with the counts: the pages of one
search, and the same search of other visitors, cost no second ranking. Prices and stock are read fresh for the
products of each page. A list that depends on a store's stock is kept for a few seconds only.

Relevance is plain: products with all words in brand or name come before those found by category, attribute or
code, and the newest first among equals.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from duoline.catalog import tokens
from duoline.channels.mall.catalogue_types import Facet, Facets
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from duoline.catalog.tokens import Query
    from duoline.catalog.vocabulary import Vocabulary
    from duoline.kernel.db import Database

Sort = Literal["relevance", "price", "-price", "newest"]

LISTED_MAX = 1000
FACETS_MAX = 30
KEPT_S = 30.0
KEPT_READY_S = 5.0
KEPT_MAX = 300

_NEWNESS = "-extract(epoch FROM s.published_at)::bigint"
# Far above any newness in seconds, so that the tier always decides first.
_TIER = 100_000_000_000

_LIST = f"""
WITH hit AS MATERIALIZED (
  SELECT s.product_id, s.category_id, s.brand_id, {{key}} AS key
    FROM product_search s {{price}}
   WHERE s.published_at IS NOT NULL {{conditions}}
)
SELECT (SELECT string_agg(uuid_send(top.product_id), ''::bytea ORDER BY top.key, top.product_id DESC)
          FROM (SELECT product_id, key FROM hit ORDER BY key, product_id DESC LIMIT {LISTED_MAX}) top) AS ids,
       (SELECT count(*) FROM hit)::int AS total,
       (SELECT json_agg(json_build_array(category_id, n)) FROM (
          SELECT category_id, count(*) AS n FROM hit
           GROUP BY category_id ORDER BY n DESC, category_id LIMIT {FACETS_MAX}) c)::text AS categories,
       (SELECT json_agg(json_build_array(brand_id, n)) FROM (
          SELECT brand_id, count(*) AS n FROM hit WHERE brand_id IS NOT NULL
           GROUP BY brand_id ORDER BY n DESC, brand_id LIMIT {FACETS_MAX}) b)::text AS brands
"""  # noqa: S608 - constants of this file

_PRICE = """,
       LATERAL (SELECT min(p.price_minor) AS low
                  FROM skus k, LATERAL duo_price(k.id, {store}, {regions}::uuid[], 'mall', {at}, {tier}) p
                 WHERE k.product_id = s.product_id AND k.state = 'active') price
"""
_READY = """s.product_id IN (
         SELECT k.product_id FROM levels l JOIN skus k ON k.id = l.sku_id
          WHERE l.location_id = {store} AND duo_mall_here(l) > 0 AND k.state = 'active')
     AND NOT EXISTS (SELECT FROM unlisted u WHERE u.product_id = s.product_id AND {store} = ANY (u.store_ids))
"""


@dataclass(frozen=True)
class Wish:
    """A search: words and filters, order, and the store whose prices or stock matter to it."""

    query: Query
    category: str | None
    brand: str | None
    sort: Sort
    price_store: UUID | None
    price_regions: tuple[UUID, ...]
    price_tier: str
    ready_at: UUID | None

    @property
    def filters(self) -> list[str]:
        """The filters as search tokens."""
        found = [tokens.category_token(self.category)] if self.category else []
        return found + ([tokens.brand_token(self.brand)] if self.brand else [])

    def key(self) -> tuple[Any, ...]:
        """What makes two searches the same list."""
        priced = (self.price_store, self.price_tier) if self.sort in ("price", "-price") else None
        return self.query.tsquery(*self.filters), self.query.words, self.sort, priced, self.ready_at


@dataclass(frozen=True)
class Found:
    """The first `LISTED_MAX` products in order, how many there are in all, and the counts as JSON."""

    ids: bytes
    total: int
    facets: bytes

    def page(self, start: int, limit: int) -> list[UUID]:
        """The ids from `start`, at most `limit`."""
        part = self.ids[start * 16 : (start + limit) * 16]
        return [UUID(bytes=part[n : n + 16]) for n in range(0, len(part), 16)]

    def more(self, start: int, limit: int) -> bool:
        """Whether the list goes on behind that page."""
        return len(self.ids) > (start + limit) * 16


NOTHING = Found(b"", 0, b'{"categories":[],"brands":[]}')


class _Kept:
    """Lists of the last half minute, the least used forgotten first."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[Any, ...], tuple[float, Found]] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> Found | None:
        entry = self._lists.get(key)
        if entry is None or entry[0] < time.monotonic():
            return None
        self._lists.move_to_end(key)
        return entry[1]

    def put(self, key: tuple[Any, ...], found: Found, *, seconds: float) -> None:
        self._lists[key] = (time.monotonic() + seconds, found)
        self._lists.move_to_end(key)
        if len(self._lists) > KEPT_MAX:
            self._lists.popitem(last=False)


_kept: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def find(db: Database, vocabulary: Vocabulary, wish: Wish, at: datetime) -> Found:
    """The list of a search, from memory if it was made a moment ago."""
    kept = _kept.setdefault(db, _Kept())
    key = wish.key()
    found = kept.get(key)
    if found is None:
        found = await _rank(db, vocabulary, wish, at)
        kept.put(key, found, seconds=KEPT_S if wish.ready_at is None else KEPT_READY_S)
    return found


def forget(db: Database) -> None:
    """Rank anew at the next search: the catalogue was changed in this process."""
    _kept.pop(db, None)


async def _rank(db: Database, vocabulary: Vocabulary, wish: Wish, at: datetime) -> Found:
    statement, values = _statement(wish, at)
    row = await db.fetchrow(statement, *values)
    ensure(row is not None, "SEARCH", "a list is one row")
    return Found(row["ids"] or b"", row["total"], _facets(row, vocabulary))  # type: ignore[index]


def _statement(wish: Wish, at: datetime) -> tuple[str, list[Any]]:
    """The statement for this form of search, and its parameters. There are some twenty forms, each prepared once."""
    values: list[Any] = []

    def put(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    asked = wish.query.tsquery(*wish.filters)
    conditions, price = [], ""
    if asked:
        conditions.append(f"s.tokens @@ {put(asked)}::text::tsquery")
    if wish.ready_at is not None:
        conditions.append(_READY.format(store=put(wish.ready_at)))
    if wish.sort in ("price", "-price"):
        price = _PRICE.format(
            store=put(wish.price_store), regions=put(list(wish.price_regions)), at=put(at), tier=put(wish.price_tier)
        )
        conditions.append("price.low IS NOT NULL")
        key = "price.low" if wish.sort == "price" else "-price.low"
    elif wish.sort == "relevance" and wish.query.words:
        key = f"CASE WHEN s.title LIKE ALL({put(wish.query.patterns())}::text[]) THEN 0 ELSE {_TIER} END {_NEWNESS}"
    else:
        key = _NEWNESS
    also = "".join(f" AND {condition}" for condition in conditions)
    return _LIST.format(key=key, price=price, conditions=also), values


def _facets(row: Any, vocabulary: Vocabulary) -> bytes:
    tree = vocabulary.tree
    categories = [(tree.categories.get(each), n) for each, n in _counts.decode(row["categories"] or "[]")]
    brands = [(tree.brands.get(each), n) for each, n in _counts.decode(row["brands"] or "[]")]
    return msgspec.json.encode(
        Facets(
            [Facet(category.code, category.name.filled, n) for category, n in categories if category],
            [Facet(brand.code, brand.name.filled, n) for brand, n in brands if brand],
        )
    )


_counts = msgspec.json.Decoder(list[tuple[UUID, int]])
