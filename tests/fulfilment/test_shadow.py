"""Prices of a whole chain: by small programs, each for what is ordered together; by choices or scarcity where one is too
large."""

from __future__ import annotations

from uuid import UUID

import pytest

from duoline.fulfilment import shadow
from duoline.fulfilment.opportunity import Basket, Lane, scarcity

MILK, BOTTLE, SOCK = (UUID(int=n) for n in (1, 2, 3))
SHOP, OTHER, HOUSE = (UUID(int=n) for n in (11, 12, 13))


def chain(**changed):
    facts = {
        "baskets": [Basket("east", (MILK,), 10.0)],
        "lanes": {
            "east": [Lane("east", SHOP, 100.0, 10.0), Lane("east", OTHER, 300.0, 10.0), Lane("east", HOUSE, 700.0, 0.0)]
        },
        "margin_minor": {MILK: 5000, BOTTLE: 2000},
        "stock": {(SHOP, MILK): 4, (OTHER, MILK): 4, (HOUSE, MILK): 50},
        "walk_ins": {},
        "used": {},
        "warehouses": frozenset({HOUSE}),
        "scarce_minor": 600,
    }
    return shadow.Chain(**(facts | changed))


def test_a_unit_near_the_buyer_is_worth_what_the_next_place_costs_more():
    priced = shadow.price_shelves(chain())
    assert priced.programs == 1
    # Ten orders: four from the shop, four from the other, two from the warehouse at 700.
    assert priced.minor == {(SHOP, MILK): 590, (OTHER, MILK): 390, (HOUSE, MILK): 0}


def test_walk_ins_compete_for_the_shelf():
    """Everybody who orders can be served from beside the shop; but those who walk in would buy all it has."""
    near = {"baskets": [Basket("east", (MILK,), 2.0)], "stock": {(SHOP, MILK): 4, (OTHER, MILK): 50}}
    assert shadow.price_shelves(chain(**near)).minor == {(SHOP, MILK): 0, (OTHER, MILK): 0}
    priced = shadow.price_shelves(chain(**near, walk_ins={(SHOP, MILK): 3.0}))
    assert priced.minor == {(SHOP, MILK): 200, (OTHER, MILK): 0}  # a walk-in is worth more than 200, an order is not
    priced = shadow.price_shelves(chain(**near, walk_ins={(SHOP, MILK): 5.0}))
    assert priced.minor[SHOP, MILK] == 5000


def test_what_is_ordered_together_is_priced_together():
    """A shop that has both halves of a pair saves a parcel by either."""
    pair = chain(
        baskets=[Basket("east", (MILK, BOTTLE), 3.0)],
        stock={(SHOP, MILK): 2, (SHOP, BOTTLE): 5, (HOUSE, MILK): 9, (HOUSE, BOTTLE): 9},
    )
    priced = shadow.price_shelves(pair)
    assert priced.programs == 1
    assert priced.minor[SHOP, MILK] == pytest.approx(590, abs=11)
    assert priced.minor[SHOP, BOTTLE] == 0
    seldom = [Basket("east", (MILK,), 20.0), Basket("east", (BOTTLE,), 20.0), Basket("east", (BOTTLE, MILK), 0.5)]
    assert shadow.price_shelves(pair._replace(baskets=seldom)).programs == 2


def test_too_large_a_program_is_priced_by_whole_choices_where_few_places_serve_a_region(monkeypatch):
    """And to the same prices, where orders are for one article."""
    monkeypatch.setattr(shadow, "SIZE_MAX", 2)
    priced = shadow.price_shelves(chain(walk_ins={(OTHER, MILK): 1.0}))
    assert (priced.programs, priced.by_scarcity) == (1, 0)
    assert priced.minor == {(SHOP, MILK): 590, (OTHER, MILK): 390, (HOUSE, MILK): 0}


@pytest.mark.parametrize(("limit", "least"), [("CHOICE_LANES", 2), ("CHOICE_KINDS", 0), ("CHOICE_SUMS", 15)])
def test_too_large_for_choices_too_is_priced_by_scarcity(monkeypatch, limit, least):
    monkeypatch.setattr(shadow, "SIZE_MAX", 2)
    monkeypatch.setattr(shadow, limit, least)
    priced = shadow.price_shelves(chain(used={(SHOP, MILK): 4}))
    assert (priced.programs, priced.by_scarcity) == (0, 1)
    assert priced.minor[SHOP, MILK] == round(scarcity(4, 8, full_minor=600))
    assert priced.minor[OTHER, MILK] == 0


def test_a_warehouse_without_a_forecast_is_priced_by_scarcity_and_a_shop_is_not():
    facts = chain(stock={(SHOP, SOCK): 3, (HOUSE, SOCK): 1}, used={(HOUSE, SOCK): 9}, baskets=[])
    priced = shadow.price_shelves(facts)
    assert priced.minor == {(HOUSE, SOCK): round(scarcity(9, 10, full_minor=600))}
    assert shadow.price_shelves(facts._replace(margin_minor={SOCK: 50})).minor == {
        (HOUSE, SOCK): round(scarcity(9, 10, full_minor=50))
    }


def test_more_than_there_is_anywhere_is_worth_more_than_any_way_to_send_it():
    priced = shadow.price_shelves(chain(stock={(SHOP, MILK): 4, (OTHER, MILK): 4}))
    assert priced.minor[SHOP, MILK] == 5000 + 310 - 110
    assert priced.minor[OTHER, MILK] == 5000


def test_a_region_that_nobody_sends_to_asks_for_nothing():
    assert shadow.price_shelves(chain(lanes={})).minor == {}


def test_programs_that_are_kept_may_be_told_of_a_shelf_with_no_units():
    """As if it were not there, while the region has other places: what it would ask for a unit is not less than theirs."""
    empty = chain(stock={(SHOP, MILK): 0, (OTHER, MILK): 4, (HOUSE, MILK): 50})
    without = chain(stock={(OTHER, MILK): 4, (HOUSE, MILK): 50})
    made = []

    def programs(*arguments):
        made.append(arguments)
        return shadow.ShadowPrices(*arguments)

    priced = shadow.price_shelves(empty, programs=programs).minor
    assert len(made) == 1
    assert priced[SHOP, MILK] >= 590
    del priced[SHOP, MILK]
    assert priced == shadow.price_shelves(without).minor
