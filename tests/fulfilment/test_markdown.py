"""What a unit loses on its shelf, and how much of that sourcing counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from duoline.fulfilment import Markdowns, SourcingPolicy

NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)
SKU, SHOP, CHAIN = UUID(int=1), UUID(int=2), UUID(int=0)


def sold_for(minor):
    return Markdowns([(SKU, SHOP, "*", minor, NOW, None), (SKU, CHAIN, "*", 10_000, NOW, None)])


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 20_000), st.integers(0, 100))
def test_a_unit_costs_never_more_and_never_less_than_a_parcel_below_nothing(worth, shelf, paid, share):
    policy = SourcingPolicy(markdown=share)
    saved = sold_for(shelf).saved(worth, SKU, (SHOP, CHAIN), NOW, paid, policy)
    assert 0 <= saved <= max(0, paid - shelf)
    assert worth - saved >= -policy.parcel


@given(st.integers(0, 9_000), st.integers(1, 1_000))
def test_the_lower_the_shelf_the_more_is_saved(shelf, less):
    policy = SourcingPolicy(parcel=1_000_000)
    high, low = (sold_for(minor).saved(0, SKU, (SHOP, CHAIN), NOW, 10_000, policy) for minor in (shelf + less, shelf))
    assert low - high == min(less, 10_000 - shelf)


def test_nothing_is_known_of_other_articles_and_before_a_price_holds():
    known = Markdowns([(SKU, SHOP, "*", 100, NOW + timedelta(days=2), None)])
    assert SKU in known
    assert CHAIN not in known
    assert known
    assert not Markdowns()
    assert known.lowest(SKU, (SHOP, CHAIN), NOW, 1) is None
    assert known.lowest(SKU, (SHOP, CHAIN), NOW, 3) == 100
    assert known.lowest(UUID(int=9), (SHOP,), NOW, 3) is None
    assert known.saved(0, SKU, (SHOP,), NOW, 500, SourcingPolicy(horizon_days=1)) == 0


def test_the_price_for_the_very_channel_goes_before_the_one_for_all():
    known = Markdowns([(SKU, SHOP, "*", 100, NOW, None), (SKU, SHOP, "till", 300, NOW, NOW + timedelta(days=1))])
    assert known.lowest(SKU, (SHOP, CHAIN), NOW, 1) == 300
    assert known.lowest(SKU, (SHOP, CHAIN), NOW, 2) == 100
