"""The engine against a reference that tries every set of promotions and counts units one by one."""

from __future__ import annotations

from random import Random

import pytest

from duoline.pricing.promotions import compile_promotions, price_basket
from tests.pricing import drawn, plainly


def compare(seed: int) -> None:
    """One drawn basket. Half of them have offers that count together as often as can be."""
    random = Random(seed)
    top = random.choice([20, 1_000, 20_000, 20_000])
    draw = random.choice([drawn.promotions, drawn.promotions_that_meet])
    promotions = draw(random, random.choice([1, 2, 2, 3, 3, 4, 4, 5, 6]), top)
    items = drawn.basket(random, random.randint(1, 5), top)
    expected = plainly.price(promotions, drawn.BELOW, items, drawn.SITUATION)
    priced = price_basket(compile_promotions(promotions, drawn.BELOW), items, drawn.SITUATION)
    assert sum(priced.nets) == expected.total, seed
    assert {one.promotion.id: one.shares for one in priced.applied} == expected.shares, seed
    assert priced.nets == expected.nets, seed
    assert (priced.free_delivery and priced.free_delivery.id) == expected.free_delivery, seed


@pytest.mark.parametrize("block", range(8))
def test_two_thousand_baskets_cost_what_the_reference_says(block: int):
    for seed in range(block * 250, block * 250 + 250):
        compare(seed)


@pytest.mark.proof
@pytest.mark.parametrize("block", range(40))
def test_ten_thousand_baskets_cost_what_the_reference_says(block: int):
    for seed in range(10_000 + block * 250, 10_000 + block * 250 + 250):
        compare(seed)
