"""The catalogue's words and its tree in the memory of a process that answers queries.

Read from `search_words` when first asked for and again when older than `FRESH_S`; a reader that comes while
another reads gets the old one. Ten thousand words take about 3 MB.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakKeyDictionary

from duoline.catalog import tokens
from duoline.catalog.queries import published_counts
from duoline.catalog.tree import Tree, read_tree, tree_cutter
from duoline.catalog.types import Image
from duoline.kernel import clock

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from duoline.catalog.cutter import Cutter
    from duoline.kernel.db import Database

FRESH_S = 60


class Word(NamedTuple):
    """One word: folded for comparison, its kind, how it is written, its code, and how many products it finds."""

    folded: str
    kind: Literal["category", "brand", "word"]
    text: str
    code: str | None
    products: int


@dataclass
class Vocabulary:
    """What a query is read with."""

    words: list[Word]
    tree: Tree
    by_category: Counter[UUID]
    by_brand: Counter[UUID]
    category_images: dict[str, Image]
    read_at: datetime
    cutter: Cutter = field(init=False)

    def __post_init__(self) -> None:
        self.words.sort()
        words = {w.folded: w.products + 1 for w in self.words if w.kind == "word" and tokens.is_chinese(w.folded)}
        self.cutter = tree_cutter(words, self.tree)

    def starting_with(self, prefix: str) -> Iterator[Word]:
        """Words that begin with a folded prefix."""
        for n in range(bisect_left(self.words, (prefix,)), len(self.words)):
            if not self.words[n].folded.startswith(prefix):
                return
            yield self.words[n]


_current: WeakKeyDictionary[Database, Vocabulary] = WeakKeyDictionary()
_reading: set[int] = set()


async def vocabulary(db: Database) -> Vocabulary:
    """The words and the tree as of at most a minute ago."""
    have = _current.get(db)
    if have is not None and ((clock.now() - have.read_at).total_seconds() < FRESH_S or id(db) in _reading):
        return have
    _reading.add(id(db))
    try:
        _current[db] = fresh = await read_vocabulary(db)
    finally:
        _reading.discard(id(db))
    return fresh


def forget(db: Database) -> None:
    """Read anew at the next question: the tree was changed in this process."""
    _current.pop(db, None)


async def read_vocabulary(db: Database) -> Vocabulary:
    """All of it, from the database."""
    tree = await read_tree(db)
    by_category, by_brand = await published_counts(db, tree)
    rows = await db.fetch("SELECT word, kind, code, products FROM search_words")
    words = [Word(tokens.folded(r["word"]), r["kind"], r["word"], r["code"], r["products"]) for r in rows]
    images = await db.fetch(
        "SELECT sha, width, height FROM media WHERE sha = ANY($1::text[])",
        [category.image_sha for category in tree.categories.values() if category.image_sha],
    )
    by_sha = {row["sha"]: Image.of(row["sha"], row["width"], row["height"]) for row in images}
    return Vocabulary(words, tree, by_category, by_brand, by_sha, clock.now())
