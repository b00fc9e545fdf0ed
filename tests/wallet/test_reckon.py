"""What is given on top, what a payment takes and what comes back: conserved, never more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duoline.kernel.errors import BadInput
from duoline.wallet.policy import TopUpOffer, WalletPolicy
from duoline.wallet.reckon import Left, Shares, back_of, bonus_for, first_in_first_out, shares_of

RULES = WalletPolicy()
FIRST = WalletPolicy(spend="principal_first")
minors = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("paid", "bonus"), [(19_999, 0), (20_000, 1_000), (49_999, 1_000), (50_000, 5_000), (250_000, 12_000)]
)
def test_the_highest_offer_that_is_reached_counts_once(paid: int, bonus: int) -> None:
    assert bonus_for(RULES, paid) == bonus
    assert bonus_for(WalletPolicy(offers=()), paid) == 0


def test_a_payment_takes_both_in_the_proportion_of_what_there_is() -> None:
    have = Shares(50_000, 5_000)
    assert shares_of(RULES, 11_000, have) == Shares(10_000, 1_000)
    assert shares_of(RULES, 1, have) == Shares(1, 0)
    assert shares_of(RULES, 10, Shares(1, 9)) == Shares(1, 9)
    assert shares_of(FIRST, 11_000, have) == Shares(11_000, 0)
    assert shares_of(FIRST, 52_000, have) == Shares(50_000, 2_000)


@given(principal=minors, bonus=minors, data=st.data())
def test_no_payment_takes_more_of_either_than_there_is(principal: int, bonus: int, data: st.DataObject) -> None:
    have = Shares(principal, bonus)
    if not have.total:
        return
    minor = data.draw(st.integers(1, have.total))
    for rules in (RULES, FIRST):
        taken = shares_of(rules, minor, have)
        assert taken.total == minor
        assert 0 <= taken.principal <= principal
        assert 0 <= taken.bonus <= bonus


@given(principal=minors, bonus=minors, cuts=st.lists(st.integers(0, 10**8), max_size=8))
def test_parts_that_go_back_add_up_to_the_shares_that_were_taken(principal: int, bonus: int, cuts: list[int]) -> None:
    used = Shares(principal, bonus)
    if not used.total:
        return
    before = Shares()
    for at in sorted({cut % (used.total + 1) for cut in cuts} | {used.total}):
        after = back_of(used, at)
        assert after.total == at
        assert before.principal <= after.principal <= principal
        assert before.bonus <= after.bonus <= bonus
        before = after
    assert before == used


def test_lots_are_drawn_in_their_order() -> None:
    a, b = Left("a", 3, None), Left("b", 5, None)  # type: ignore[arg-type]
    assert first_in_first_out([a, b], 4) == [a, b._replace(minor=1)]
    assert first_in_first_out([a, b], 9) == [a, b]
    assert first_in_first_out([a, b], 0) == []


@pytest.mark.parametrize(
    "offers",
    [
        [TopUpOffer(pay_minor=200, bonus_minor=1), TopUpOffer(pay_minor=100, bonus_minor=2)],
        [TopUpOffer(pay_minor=100, bonus_minor=1), TopUpOffer(pay_minor=100, bonus_minor=2)],
        [TopUpOffer(pay_minor=100, bonus_minor=2), TopUpOffer(pay_minor=200, bonus_minor=1)],
    ],
)
def test_offers_out_of_order_are_refused(offers: list[TopUpOffer]) -> None:
    with pytest.raises(BadInput):
        WalletPolicy(offers=tuple(offers))
