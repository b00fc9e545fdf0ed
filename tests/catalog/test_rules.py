"""Barcodes, variants and completeness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.catalog.errors import BadGtin
from duoline.catalog.rules import (
    check_digit,
    completeness,
    is_gtin,
    normal_gtin,
    printed_gtin,
    product_problems,
    publish_missing,
    variant_problems,
)
from duoline.catalog.types import Option, OptionValue, ProductFacts
from duoline.kernel.text import Text

# Real articles and the examples of the GS1 General Specifications.
GOOD = {
    "4006381333931": "04006381333931",
    "036000291452": "00036000291452",
    "73513537": "00000073513537",
    "6901234567892": "06901234567892",
    "9780306406157": "09780306406157",
    "10614141000415": "10614141000415",
    "690 1234-567892": "06901234567892",
}


@pytest.mark.parametrize(("text", "stored"), GOOD.items())
def test_good_barcodes_become_fourteen_digits(text: str, stored: str):
    assert normal_gtin(text) == stored


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4006381333932", "check digit"),
        ("123", "8, 12, 13 or 14"),
        ("", "digits only"),
        ("40063813339a1", "digits only"),
        ("00000000", "check digit"),
        ("４００６３８１３３３９３１", "digits only"),
        ("4006381333931 4006381333931", "8, 12, 13 or 14"),
    ],
)
def test_bad_barcodes_say_why(text: str, words: str):
    with pytest.raises(BadGtin) as refused:
        normal_gtin(text)
    assert words in refused.value.sentence("en")
    assert refused.value.status == 422


bodies = st.sampled_from([7, 11, 12, 13]).flatmap(
    lambda length: st.text("0123456789", min_size=length, max_size=length).filter(lambda text: text.strip("0"))
)


@given(bodies)
def test_a_check_digit_completes_any_number(body: str):
    assert is_gtin(body + check_digit(body))


@given(bodies, st.data())
def test_one_wrong_digit_is_always_found(body: str, data: st.DataObject):
    whole = body + check_digit(body)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != whole[place]]))
    assert not is_gtin(whole[:place] + other + whole[place + 1 :])


@given(bodies)
def test_zeros_in_front_change_nothing(body: str):
    whole = body + check_digit(body)
    assert normal_gtin(whole.zfill(14)) == normal_gtin(whole)
    assert normal_gtin(printed_gtin(normal_gtin(whole))) == normal_gtin(whole)


OPTIONS = [
    Option("color", Text("颜色", "Colour"), [OptionValue("red", Text("红", "Red"))]),
    Option("size", Text("尺码", "Size"), [OptionValue("s", Text("S", "S")), OptionValue("m", Text("M", "M"))]),
]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"color": "red", "size": "s"}, []),
        ({"color": "red"}, ["options.size missing"]),
        ({"color": "green", "size": "s"}, ["options.color unknown-value"]),
        ({"color": "red", "size": "s", "taste": "x"}, ["options.taste unknown"]),
    ],
)
def test_a_variant_names_every_option_once(chosen: dict[str, str], found: list[str]):
    assert [f"{each['field']} {each['problem']}" for each in variant_problems(OPTIONS, chosen)] == found


def test_options_are_checked():
    twice = [OPTIONS[0], OPTIONS[0]]
    empty = [Option("Colour!", Text("", ""), [])]
    name, none = Text("杯", ""), Text("", "")
    assert [each["problem"] for each in product_problems(name, none, twice, [])] == ["twice"]
    assert [each["problem"] for each in product_problems(name, none, empty, [])] == ["bad-key", "missing", "bad-count"]
    assert [each["problem"] for each in product_problems(none, none, [], [])] == ["missing"]
    assert product_problems(Text("", "Cup"), none, OPTIONS, []) == []


def test_completeness_names_the_heaviest_gap_first():
    whole = ProductFacts(
        name=Text("杯", "Cup"),
        description=Text("好", "Good"),
        branded=True,
        attributes=3,
        pictures=3,
        skus=2,
        skus_with_gtin=2,
        skus_with_weight=2,
    )
    assert {name: found.score for name, found in completeness(whole).items()} == {
        "mall": 100,
        "till": 100,
        "agent": 100,
    }
    bare = ProductFacts(Text("杯", ""), Text("", ""), False, 0, 0, 1, 0, 0)
    found = completeness(bare)
    assert found["mall"].score == 30
    assert found["mall"].missing[:2] == ["picture", "description_zh"]
    assert (found["till"].score, found["till"].missing) == (60, ["gtin"])
    assert publish_missing(bare) == []
    assert publish_missing(ProductFacts(Text("", "Cup"), Text("", ""), False, 0, 0, 0, 0, 0)) == ["name_zh", "sku"]
