"""Numbers of bank accounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.settlement import bank_numbers

CARD = "6222021234567890128"
"""Its check digit is right."""
DIGITS = st.text("0123456789", min_size=12, max_size=30)


@pytest.mark.parametrize(
    "written", ["6222 0212 3456 7890 128", "6222-0212-3456-7890-128", "６２２２０２１２３４５６７８９０１２８"]
)
def test_spaces_dashes_and_wide_digits_are_the_same_number(written: str) -> None:
    assert bank_numbers.plain(written) == CARD


@pytest.mark.parametrize(
    ("number", "said"),
    [("", "digits only"), ("6222o21234567890", "digits only"), ("1" * 11, "this one has 11"), ("1" * 31, "has 31")],
)
def test_what_is_no_number_is_refused_with_the_reason(number: str, said: str) -> None:
    wrong = bank_numbers.problem(number)
    assert wrong is not None
    assert said in wrong[1]
    assert "对照" in wrong[0]


@pytest.mark.parametrize("number", ["1" * 12, CARD, "9" * 30])
def test_what_may_be_one_is_not(number: str) -> None:
    assert bank_numbers.problem(number) is None


def test_digits_of_other_scripts_are_none() -> None:
    assert bank_numbers.problem("٦" * 16) is not None


@pytest.mark.parametrize(
    ("number", "owner", "doubtful"),
    [
        (CARD, "person", False),
        (CARD[:-1] + "9", "person", True),
        (CARD[:-1] + "9", "company", False),  # a company's number has no check digit
        ("4" + CARD[1:-1] + "9", "person", False),  # and no other bank's book or card is judged
        (CARD[:15], "person", False),
    ],
)
def test_only_the_card_of_a_person_has_a_check_digit(number: str, owner: str, doubtful: bool) -> None:
    assert bank_numbers.doubtful(number, owner=owner) is doubtful


@given(st.text("0123456789", min_size=13, max_size=16), st.integers(0, 9))
def test_of_ten_check_digits_one_is_right(body: str, wrong: int) -> None:
    right = [d for d in range(10) if not bank_numbers.doubtful(f"62{body}{d}", owner="person")]
    assert len(right) == 1
    assert bank_numbers.doubtful(f"62{body}{wrong}", owner="person") is (wrong != right[0])


@given(DIGITS)
def test_grouped_is_the_number_again_and_no_number_to_a_spreadsheet(number: str) -> None:
    written = bank_numbers.grouped(number)
    assert bank_numbers.plain(written) == number
    assert " " in written
    assert bank_numbers.masked(number) == f"****{number[-4:]}"


@pytest.mark.parametrize(("text", "found"), [(f"Li Na {CARD}", True), ("6222 0212 3456", True), ("2026-11-03 表 12", False), ("", False)])  # fmt: skip
def test_a_number_among_words_is_found(text: str, found: bool) -> None:
    assert bank_numbers.within(text) is found
