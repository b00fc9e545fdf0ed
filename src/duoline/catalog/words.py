"""The catalogue's own words, collected from its titles, brands and categories into `search_words`.

They cut queries, feed suggestions and answer "did you mean". To find Chinese words in titles a general
dictionary is needed, the one of the jieba package, read as data: its program is not loaded. Only this module
reads it, in whatever process rebuilds the words, and keeps of it what is frequent enough to be a word people
type. Answering queries takes `search_words` alone: a word that no title has finds nothing however it is cut.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from duoline.catalog import tokens
from duoline.catalog.cutter import WORD_LENGTH_MAX, Cutter
from duoline.catalog.queries import published_counts
from duoline.catalog.tree import read_tree, tree_cutter
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duoline.catalog.tree import Tree
    from duoline.kernel.db import Tx

# Times a word stands in the corpus the dictionary was counted from (about 60 million words).
FREQUENCY_MIN = 20
WORDS_MAX = 30_000
LATIN_LENGTH_MIN = 3
BATCH = 5000

Row = tuple[str, str, str | None, int]


def dictionary_path() -> Path:
    """Where the jieba package keeps its dictionary. The package itself is not imported: that alone takes 60 MB."""
    spec = importlib.util.find_spec("jieba")
    ensure(spec is not None and spec.submodule_search_locations, "CATALOG", "the jieba package is not installed")
    return Path(spec.submodule_search_locations[0]) / "dict.txt"  # type: ignore[union-attr, index]


def general_words() -> Mapping[str, int]:
    """Frequent Chinese words of two characters or more, with their frequencies: 80,000 words, 8 MB, a quarter second.

    Read anew each time, so that a worker does not carry it about between two collections.
    """
    kept: dict[str, int] = {}
    with dictionary_path().open(encoding="utf-8") as lines:
        for line in lines:
            word, frequency, _ = line.split(" ", 2)
            if int(frequency) >= FREQUENCY_MIN and 2 <= len(word) <= WORD_LENGTH_MAX:
                kept[word] = int(frequency)
    return kept


async def refresh_words(tx: Tx) -> int:
    """Collect the words of all published products anew; returns how many there are.

    Goes over every title, about ten seconds for 100,000 products, so it runs as a job some time after the edit.
    """
    tree = await read_tree(tx)
    rows = await _own_words(tx, tree)
    counts = await _title_words(tx, tree_cutter(general_words(), tree))
    rows += [(word, "word", None, n) for word, n in counts.most_common(WORDS_MAX)]
    await tx.execute("DELETE FROM search_words")
    await tx.copy_records_to_table("search_words", records=rows, columns=["word", "kind", "code", "products"])
    return len(rows)


async def _own_words(tx: Tx, tree: Tree) -> list[Row]:
    """Names of brands and categories, in both languages, as they are written."""
    by_category, by_brand = await published_counts(tx, tree)
    rows: dict[tuple[str, str], Row] = {}
    for category in tree.categories.values():
        for word in {category.name.zh, category.name.en} - {""}:
            rows.setdefault((word, "category"), (word, "category", category.code, by_category[category.id]))
    for brand in tree.brands.values():
        for word in {brand.name.zh, brand.name.en} - {""}:
            rows.setdefault((word, "brand"), (word, "brand", brand.code, by_brand[brand.id]))
    return list(rows.values())


async def _title_words(tx: Tx, cutter: Cutter) -> Counter[str]:
    counts: Counter[str] = Counter()
    async for row in tx.cursor("SELECT title FROM product_search WHERE published_at IS NOT NULL", prefetch=BATCH):
        counts.update(set(words_of(row["title"], cutter)))
    return counts


def words_of(title: str, cutter: Cutter) -> Iterable[str]:
    """The words of a folded title worth keeping: known Chinese words, and Latin words that are no bare number."""
    for run in tokens.runs(title):
        if tokens.is_chinese(run):
            yield from (word for word in cutter.cut(run) if len(word) >= 2 and cutter.knows(word))
        elif len(run) >= LATIN_LENGTH_MIN and not run.isdecimal():
            yield run
