"""Telephone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.members import addresses, phones
from duoline.members.errors import BadPhone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13800138000", "+8613800138000"),
        (" 138 0013 8000 ", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("+86 (138) 0013-8000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+85298765432", "+85298765432"),
        ("+1 415 555 0100", "+14155550100"),
    ],
)
def test_one_number_has_one_form(text: str, number: str) -> None:
    assert phones.normalise(text) == number
    assert phones.normalise(number) == number


@pytest.mark.parametrize(
    "text",
    ["", "12800138000", "1380013800", "138001380000", "4155550100", "+0123456789", "+8621123456", "x13800138000"],
)
def test_what_is_no_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(BadPhone):
        phones.normalise(text)


def test_what_is_no_number_of_ours_is_kept_as_it_was_typed() -> None:
    assert [phones.as_kept(text) for text in ("138 0013 8000", "0571-88880000")] == ["+8613800138000", "0571-88880000"]


@given(st.text(max_size=40))
def test_any_text_is_refused_or_becomes_e164(text: str) -> None:
    try:
        number = phones.normalise(text)
    except BadPhone:
        return
    assert number.startswith("+")
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert 7 <= len(number[1:]) <= 15


def test_on_the_screen_the_middle_is_hidden() -> None:
    assert phones.masked("+8613800138000") == "138****8000"
    assert phones.masked(None) is None
    assert phones.national("+8613800138000") == "13800138000"


def test_a_place_is_compared_without_spaces_widths_and_capitals() -> None:
    assert addresses.spelt(" 文三路　１ 号 Ｂ座 ") == addresses.spelt("文三路1号b座")
    assert addresses.spelt("文三路 1 号") != addresses.spelt("文三路 11 号")
