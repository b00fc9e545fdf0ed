"""What a till knows a card again by: the same on the till (web/tests/cards.test.mjs)."""

from __future__ import annotations

import pytest

from duoline.members.cards import check_of


@pytest.mark.parametrize(
    ("number", "step", "shown", "value"),
    [
        ("ABCDEFGH12", 59_000_000, "12345678", 263),
        ("ABCDEFGH12", 59_000_001, "87654321", 104),
        ("ABCDEFGH12", 59_000_001, "12345678", 124),
        ("0123456789", 0, "00000000", 935),
    ],
)
def test_the_value_of_a_code_is_that_of_the_till(number: str, step: int, shown: str, value: int) -> None:
    assert check_of(number, step, shown) == value
