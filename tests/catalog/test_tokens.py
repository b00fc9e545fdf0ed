"""Tokens of the index and terms of a query."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from duoline.catalog.cutter import Cutter
from duoline.catalog.tokens import category_token, folded, is_chinese, pairs, parse, runs, tokens

CUTTER = Cutter({"花西子": 1000, "口红": 100, "奶粉": 200, "婴儿": 300, "红": 5})

chinese = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=12)
mixed = st.text(st.sampled_from("奶粉婴儿纸尿裤茶abcDEF 019-_é,。'\\&|!:*()"), max_size=40)


def test_the_index_holds_characters_pairs_and_latin_words():
    assert tokens(["绿茶 Café 500ml"]) == {"绿", "茶", "绿茶", "cafe", "500ml"}
    assert folded("ＡＰＴＡＭＩＬ 爱他美") == "aptamil 爱他美"


def test_a_query_is_cut_into_words_and_asks_for_their_pairs():
    assert parse("花西子口红", CUTTER).tsquery() == "'花西' & '西子' & '口红'"
    assert parse("T恤 aptamil 茶", CUTTER).tsquery() == "'t' & '恤' & 'aptamil':* & '茶'"
    assert parse("  ", CUTTER).tsquery() == ""
    assert parse("奶粉", CUTTER).tsquery(category_token("A b'c")) == "'奶粉' & 'c:A_b''c'"


def test_a_barcode_is_one_word_however_it_is_written():
    for typed in ("6901234567892", "06901234567892", "690 1234 567892"):
        assert parse(typed, CUTTER).words == ("6901234567892",)
    assert parse("036000291452", CUTTER).words == ("0036000291452",)


def test_unknown_characters_between_words_stay_together():
    assert CUTTER.cut("婴儿蜜桃奶粉") == ["婴儿", "蜜桃", "奶粉"]
    assert CUTTER.cut("红红火火") == ["红", "红", "火火"]
    assert CUTTER.cut("") == []
    assert Cutter({}).cut("奶粉") == ["奶粉"]


@given(chinese)
def test_cutting_loses_and_adds_nothing(run: str):
    assert "".join(CUTTER.cut(run)) == run


@given(chinese)
def test_every_pair_of_a_name_is_found_by_itself(name: str):
    held = tokens([name])
    assert set(pairs(folded(name))) <= held
    assert set(folded(name)) <= held


@given(mixed, mixed)
def test_a_name_is_found_by_any_of_its_runs(before: str, after: str):
    """Whatever stands around it, a text that holds the query's runs holds all the terms asked for."""
    for run in runs(folded(before)):
        query = parse(run, CUTTER)
        held = tokens([f"{after} {before}"])
        for word in query.words:
            asked = pairs(word) if is_chinese(word) else [word]
            assert all(term in held or any(token.startswith(term) for token in held) for term in asked)


@given(mixed)
def test_a_query_never_breaks_the_syntax(typed: str):
    """Only quoted lexemes, joined by &; what a person types is never an operator."""
    for term in filter(None, parse(typed, CUTTER).tsquery().split(" & ")):
        assert term.startswith("'")
        assert term.endswith(("'", "':*"))
        assert "'" not in term.removesuffix(":*")[1:-1].replace("''", "")


WORDS = {"奶": 9, "粉": 4, "奶粉": 30, "婴儿": 50, "婴": 2, "儿": 8, "儿奶": 6, "配方": 20, "配方奶粉": 3, "方": 1}


def _all_ways(run: str) -> list[list[str]]:
    if not run:
        return [[]]
    return [[run[:n], *rest] for n in range(1, len(run) + 1) for rest in _all_ways(run[n:])]


def _likelihood(parts: list[str]) -> float:
    total = sum(WORDS.values())
    known = [WORDS.get(part, 1 if len(part) == 1 else 0) for part in parts]
    return math.prod(n / total for n in known)


@given(st.text(st.sampled_from("奶粉婴儿配方茶"), min_size=1, max_size=9))
def test_the_likeliest_way_is_taken(run: str):
    """Against trying every way. Unknown characters come back joined, so they are taken apart to compare."""
    taken = [part for word in Cutter(WORDS).cut(run) for part in ([word] if word in WORDS else word)]
    assert math.isclose(_likelihood(taken), max(map(_likelihood, _all_ways(run))))
