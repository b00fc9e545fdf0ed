"""The catalogue's own words: collected from titles, read into memory, used to cut and to suggest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from duoline.catalog import search
from duoline.catalog.brands import add_brand
from duoline.catalog.tokens import parse
from duoline.catalog.vocabulary import read_vocabulary
from duoline.catalog.words import general_words, refresh_words
from duoline.kernel.auth import SYSTEM
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from duoline.kernel.db import Tx
    from tests.catalog.goods import Goods


async def test_words_are_collected_with_their_counts(tx: Tx, goods: Goods):
    await refresh_words(tx)
    rows = {(row["word"], row["kind"]): row["products"] for row in await tx.fetch("SELECT * FROM search_words")}
    assert rows["奶粉", "word"] == 2
    assert rows["formula", "word"] == 2
    assert rows["飞鹤", "brand"] == 1
    assert rows["Milk and food", "category"] == 2
    assert ("绿茶", "word") not in rows  # only a draft has it
    assert not any(word.isdecimal() for word, _ in rows)
    await refresh_words(tx)
    assert len(await tx.fetch("SELECT * FROM search_words")) == len(rows)


async def test_a_new_brand_is_cut_out_of_queries_before_any_product_has_it(tx: Tx, goods: Goods):
    await refresh_words(tx)
    await add_brand(tx, actor=SYSTEM, code="hxz", name=Text("花西子", ""))
    words = await read_vocabulary(tx)
    assert parse("花西子奶粉", words.cutter).words == ("花西子", "奶粉")


async def test_a_category_of_known_words_is_asked_for_in_parts(tx: Tx, goods: Goods):
    await refresh_words(tx)
    words = await read_vocabulary(tx)
    assert parse("婴儿配方奶粉", words.cutter).words == ("婴儿", "配方", "奶粉")


async def test_suggestions_come_with_most_products_first(tx: Tx, goods: Goods):
    await refresh_words(tx)
    found = search.suggested_words(await read_vocabulary(tx), "F")
    assert [(each.kind, each.text) for each in found] == [
        ("category", "Feeding"),
        ("brand", "Firmus"),
        ("word", "formula"),
    ]


def test_the_general_dictionary_is_read_without_the_package():
    words = general_words()
    assert {"奶粉", "婴儿", "宝宝"} <= set(words)
    assert 50_000 < len(words) < 120_000
    assert "jieba" not in sys.modules
