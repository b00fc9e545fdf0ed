"""Worked cases, to the cent. Those with a number are of the table in docs/reference/promotions.md."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from duoline.kernel.text import Text
from duoline.pricing.promotions import compile_promotions, price_basket, price_each, problems_of, share
from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    Choice,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    Part,
    PercentOff,
    Place,
    Priced,
    Promotion,
    Situation,
    Step,
    Threshold,
    When,
)
from tests.pricing.drawn import (
    AT,
    BELOW,
    BRANDS,
    HERE,
    HOME,
    LEAVES,
    OTHER_SHOP,
    PRODUCTS,
    REGION,
    ROOTS,
    SITUATION,
    SKUS,
    item,
    promotion,
)

if TYPE_CHECKING:
    from duoline.pricing.promotions.types import Effect, Item


def priced(items: list[Item], *promotions: Promotion, situation: Situation = SITUATION) -> Priced:
    """What a basket costs, with what must always be so."""
    for one in promotions:
        assert problems_of(one) == []
    found = price_basket(compile_promotions(promotions, BELOW), items, situation)
    off = [0] * len(items)
    for applied in found.applied:
        assert sum(applied.shares.values()) == applied.amount_minor > 0
        for n, amount in applied.shares.items():
            off[n] += amount
    for one, net, amount in zip(items, found.nets, off, strict=True):
        assert one.gross_minor - amount == net >= 0
    return found


def amounts(*steps: tuple[int, int], **more: object) -> Threshold:
    """A threshold of amounts off amounts."""
    return Threshold(steps=tuple(Step(from_minor=at, off_minor=off) for at, off in steps), **more)


def some(*numbers: int) -> Choice:
    """These articles."""
    return Choice(skus=frozenset(SKUS[n] for n in numbers))


# --- one promotion: (effect, prices or (price, units) of articles 0, 1, 2…, what each costs then)
ONE: dict[str, tuple[Effect, list[int | tuple[int, int]], list[int]]] = {
    "1: 10.00 over 33.33, 33.33, 33.34": (AmountOff(off_minor=1000), [3333, 3333, 3334], [3000, 3000, 3000]),
    "2: 10.00 over three alike": (AmountOff(off_minor=1000), [2000, 2000, 2000], [1666, 1667, 1667]),
    "2: 0.01 over three alike": (AmountOff(off_minor=1), [2000, 2000, 2000], [1999, 2000, 2000]),
    "3: 5.00 over 4.00 and 45.00": (AmountOff(off_minor=500), [400, 4500], [359, 4041]),
    "5: 25% off ten of 23.90": (PercentOff(off_bp=2500), [(2390, 10)], [17925]),
    "9: 50 off 30": (AmountOff(off_minor=5000), [3000], [0]),
    "13: every full 300 less 50, on 620": (amounts((30000, 5000), times=0), [62000], [52000]),
    "13: the same once": (amounts((30000, 5000)), [62000], [57000]),
    "13: the same at most twice, on 1,000": (amounts((30000, 5000), times=2), [100000], [90000]),
    "14: below the second step": (amounts((30000, 3000), (50000, 6000)), [49999], [46999]),
    "14: on the second step": (amounts((30000, 3000), (50000, 6000)), [50000], [44000]),
    "19: 3 for 2": (EveryNth(n=3), [3000, 2000, 1000, 500, 500, 400], [3000, 2000, 0, 500, 500, 0]),
    "19: at most once": (EveryNth(n=3, times=1), [3000, 2000, 1000, 500, 500, 400], [3000, 2000, 0, 500, 500, 400]),
    "21: 12% off 1.01": (PercentOff(off_bp=1200), [101], [89]),
    "21: 15% off three of 0.33": (PercentOff(off_bp=1500), [33, 33, 33], [28, 28, 28]),
    "half a cent is a cent": (PercentOff(off_bp=5000), [1], [0]),
    "rounded once, not by line": (PercentOff(off_bp=1000), [4, 4, 4], [3, 4, 4]),
    "100% off": (PercentOff(off_bp=10000), [101, 3], [0, 0]),
    "off each unit": (AmountOff(off_minor=300, each=True), [(1000, 3), (200, 2), 299], [2100, 0, 0]),
    "a fixed price and what is cheaper": (FixedPrice(price_minor=990), [(1200, 2), 990, (500, 3)], [1980, 990, 1500]),
    "a fixed price of nothing": (FixedPrice(price_minor=0), [(1200, 2)], [0]),
    "from two units 5%, from three 10%: two": (
        Threshold(steps=(Step(from_units=2, off_bp=500), Step(from_units=3, off_bp=1000))),
        [1000, 1000],
        [950, 950],
    ),
    "from two units 5%, from three 10%: three": (
        Threshold(steps=(Step(from_units=2, off_bp=500), Step(from_units=3, off_bp=1000))),
        [1000, (1000, 2)],
        [900, 1800],
    ),
    "every two units 3.00 off": (
        Threshold(steps=(Step(from_units=2, off_minor=300),), times=0),
        [(1000, 5)],
        [4400],
    ),
    "more off than there is": (amounts((100, 5000)), [150, 50], [0, 0]),
    "the second at half price": (EveryNth(n=2, off_bp=5000), [1001, 1000], [1001, 500]),
    "the second at half price, of one line": (EveryNth(n=2, off_bp=5000), [(999, 5)], [3996]),
    "of five the two cheapest": (EveryNth(n=5, units=2), [50, 40, 30, 20, 10], [50, 40, 30, 0, 0]),
    "a group that is not full": (EveryNth(n=3), [50, 40], [50, 40]),
    "a set": (
        Bundle(parts=(Part(of=some(0)), Part(of=some(1))), price_minor=10000),
        [8000, 4000],
        [6667, 3333],
    ),
    "two sets and what is left over": (
        Bundle(parts=(Part(of=some(0)), Part(of=some(1))), price_minor=10000),
        [(8000, 3), (4000, 2)],
        [21333, 6667],
    ),
    "a set at most once": (
        Bundle(parts=(Part(of=some(0)), Part(of=some(1), units=2)), price_minor=10000, times=1),
        [(8000, 2), (4000, 4)],
        [13000, 13000],
    ),
    "a set that is cheaper by itself": (
        Bundle(parts=(Part(of=some(0)), Part(of=some(1))), price_minor=10000),
        [6000, 4000],
        [6000, 4000],
    ),
    "parts that want the same unit": (
        Bundle(parts=(Part(of=some(0, 1)), Part(of=some(0))), price_minor=100),
        [9000, 4000],
        [69, 31],
    ),
    "a set's dearest units": (
        Bundle(parts=(Part(of=some(0, 1)), Part(of=some(2))), price_minor=5000),
        [3000, 4000, 2000],
        [3000, 3333, 1667],
    ),
    "buy two, get one of another": (
        BuyGet(buy_units=2, get=some(2)),
        [1000, 2000, (300, 2)],
        [1000, 2000, 300],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_one_promotion(name: str):
    effect, prices, nets = ONE[name]
    pairs = [(one, 1) if isinstance(one, int) else one for one in prices]
    items = [item(n, price, units) for n, (price, units) in enumerate(pairs)]
    of = some(0, 1) if isinstance(effect, BuyGet) else Choice()
    assert priced(items, promotion(1, effect, of=of)).nets == nets


def test_10_an_offer_over_two_shops_is_shared():
    there = Place(OTHER_SHOP, frozenset(), 5, 600)
    items = [item(0, 20000), item(1, 13000, place=there)]
    assert priced(items, promotion(1, amounts((30000, 5000)))).nets == [20000 - 3030, 13000 - 1970]


def test_8_what_comes_first_is_data():
    percent, amount = PercentOff(off_bp=2000), AmountOff(off_minor=1000)
    first = priced([item(0, 10000)], promotion(1, percent, priority=10), promotion(2, amount, priority=20))
    assert first.nets == [7000]
    assert [(one.promotion.effect, one.amount_minor) for one in first.applied] == [(percent, 2000), (amount, 1000)]
    assert priced([item(0, 10000)], promotion(1, percent, priority=20), promotion(2, amount, priority=10)).nets == [
        7200
    ]
    assert priced([item(0, 10000)], promotion(1, percent), promotion(2, amount)).nets == [7000], "the lower id first"


@pytest.mark.parametrize(("price", "net", "counts"), [(38000, 34000, 1), (42000, 37800, 2)])
def test_17_the_better_of_an_exclusive_and_another(price: int, net: int, counts: int):
    exclusive = promotion(1, amounts((30000, 4000)), exclusive=True)
    found = priced([item(0, price)], exclusive, promotion(2, PercentOff(off_bp=1000)))
    assert found.nets == [net]
    assert [one.promotion.id.int & 15 for one in found.applied] == [counts]


def test_an_exclusive_offer_leaves_the_rest_to_others():
    exclusive = promotion(1, FixedPrice(price_minor=5000), of=some(0), exclusive=True)
    cart = promotion(2, amounts((10000, 1000)), priority=200)
    assert priced([item(0, 9000), item(1, 8000), item(2, 2000)], exclusive, cart).nets == [5000, 7200, 1800]
    assert priced([item(0, 9000), item(1, 5000)], exclusive, cart).nets == [5000, 5000]
    alone = priced([item(0, 5500), item(1, 5000)], exclusive, cart)
    assert (sum(alone.nets), len(alone.applied)) == (9500, 1), "10.00 off both is better than 5.00 off one"


def test_of_a_group_the_narrower_has_the_article():
    wide = promotion(1, PercentOff(off_bp=1000), group="a")
    narrow = promotion(2, PercentOff(off_bp=3000), of=some(0), group="a")
    assert priced([item(0, 1000), item(1, 1000)], wide, narrow).nets == [700, 900]
    weak = promotion(2, PercentOff(off_bp=500), of=some(0), group="a")
    assert priced([item(0, 1000), item(1, 1000)], wide, weak).nets == [900, 900]
    assert priced([item(0, 1000)], promotion(1, PercentOff(off_bp=1000), group="b"), narrow).nets == [630]


def test_an_offer_is_left_out_when_it_would_break_a_later_condition():
    small = promotion(1, PercentOff(off_bp=500))
    large = promotion(2, amounts((30000, 5000)), priority=200)
    found = priced([item(0, 31000)], small, large)
    assert (found.nets, len(found.applied)) == ([26000], 1)
    before = promotion(2, amounts((30000, 5000), before=True), priority=200)
    assert priced([item(0, 31000)], small, before).nets == [24450]


def test_of_equals_the_fewest_then_the_lowest_ids():
    off = promotion(1, AmountOff(off_minor=100))
    fixed, same = promotion(3, FixedPrice(price_minor=800)), promotion(2, FixedPrice(price_minor=800), priority=300)
    found = priced([item(0, 1000)], off, fixed, same)
    assert found.nets == [800]
    assert [one.promotion for one in found.applied] == [same], "ids 1 and 2, 1 and 3, or 3 alone cost the same"


def test_23_free_delivery_asks_before_or_after():
    items = [item(0, 9900, place=HOME)]
    off = promotion(1, AmountOff(off_minor=500))
    after, before = FreeDelivery(from_minor=9900), FreeDelivery(from_minor=9900, before=True)
    missed = priced(items, off, promotion(2, after))
    assert (missed.nets, missed.free_delivery) == ([9400], None)
    assert [(one.missing_minor, one.saves_minor) for one in missed.hints] == [(500, None)]
    paid = priced(items, off, promotion(3, before), promotion(4, FreeDelivery()))
    assert paid.free_delivery == promotion(3, before)
    assert paid.hints == []
    assert priced([item(0, 9900)], promotion(3, before)).free_delivery is None, "nothing is delivered"


def test_buyers_get_units_once_and_the_cheapest():
    promo = promotion(1, BuyGet(buy_units=2, get=Choice(brands=frozenset(BRANDS)), get_units=1))
    assert priced([item(0, 500, 2), item(1, 300), item(2, 400)], promo).nets == [1000, 0, 400]
    assert priced([item(0, 500, 2)], promo).nets == [1000]
    twice = promotion(1, BuyGet(buy_units=1, get=some(1), off_bp=5000), of=some(0))
    assert priced([item(0, 500, 2), item(1, 300, 3)], twice).nets == [1000, 600]
    once = promotion(1, BuyGet(buy_units=1, get=some(1), off_bp=5000, times=1), of=some(0))
    assert priced([item(0, 500, 2), item(1, 300, 3)], once).nets == [1000, 750]


@pytest.mark.parametrize(
    ("of", "counts"),
    [
        (Choice(), [0, 1, 4]),
        (some(4), [4]),
        (Choice(products=frozenset([PRODUCTS[1]])), [1]),
        (Choice(categories=frozenset([ROOTS[0]])), [0, 1, 4]),
        (Choice(categories=frozenset([ROOTS[1]])), []),
        (Choice(categories=frozenset([LEAVES[1]])), [1]),
        (Choice(brands=frozenset([BRANDS[1]])), [1, 4]),
        (Choice(brands=frozenset([BRANDS[0]]), skus=frozenset([SKUS[1]])), [0, 1]),
    ],
)
def test_what_an_offer_is_for(of: Choice, counts: list[int]):
    items = [item(n, 1000) for n in (0, 1, 4)]
    found = priced(items, promotion(1, PercentOff(off_bp=1000), of=of))
    assert found.nets == [900 if n in counts else 1000 for n in (0, 1, 4)]
    less = priced(items, promotion(1, PercentOff(off_bp=1000), without=some(1), of=of))
    assert less.nets == [900 if n in counts and n != 1 else 1000 for n in (0, 1, 4)]


@pytest.mark.parametrize(
    ("when", "place", "situation", "counts"),
    [
        (When(channels=frozenset(["till"])), HERE, SITUATION, False),
        (When(channels=frozenset(["mall"])), HERE, SITUATION, True),
        (When(methods=frozenset(["delivery"])), HERE, SITUATION, False),
        (When(methods=frozenset(["delivery"])), HOME, SITUATION, True),
        (When(stores=frozenset([OTHER_SHOP])), HERE, SITUATION, False),
        (When(stores=frozenset([OTHER_SHOP]), regions=frozenset([REGION])), HERE, SITUATION, True),
        (When(regions=frozenset([REGION])), HOME, SITUATION, False),
        (When(weekdays=frozenset([4])), HERE, SITUATION, False),
        (When(weekdays=frozenset([5])), HERE, SITUATION, True),
        (When(from_minute=540, until_minute=600), HERE, SITUATION, False),
        (When(from_minute=600, until_minute=601), HERE, SITUATION, True),
        (When(first_order=True), HERE, SITUATION, False),
        (When(first_order=True), HERE, SITUATION._replace(first_order=True), True),
        (When(), HERE, SITUATION._replace(at=AT - timedelta(microseconds=1)), False),
        (When(), HERE, SITUATION._replace(at=AT + timedelta(hours=1)), False),
        (When(), HERE, SITUATION._replace(at=AT + timedelta(hours=1, microseconds=-1)), True),
    ],
)
def test_when_an_offer_holds(when: When, place: Place, situation: Situation, counts: bool):
    promo = promotion(1, PercentOff(off_bp=1000), when=when, until_at=AT + timedelta(hours=1))
    assert priced([item(0, 1000, place=place)], promo, situation=situation).nets == [900 if counts else 1000]


def test_units_cost_the_same_however_they_are_split_over_lines():
    promos = [
        promotion(1, EveryNth(n=3), group="a"),
        promotion(2, PercentOff(off_bp=1234)),
        promotion(3, AmountOff(off_minor=77), priority=300),
    ]
    whole = priced([item(0, 333, 7), item(1, 250, 2)], *promos)
    split = priced([item(0, 333, 3, key="00"), item(1, 250, 2), item(0, 333, 4, key="01")], *promos)
    assert split.nets[1] == whole.nets[1]
    assert split.nets[0] + split.nets[2] == whole.nets[0]
    assert [one.amount_minor for one in split.applied] == [one.amount_minor for one in whole.applied]


def test_each_article_by_itself():
    promos = [promotion(1, FixedPrice(price_minor=800), of=some(0)), promotion(2, amounts((1500, 100)))]
    items = [item(0, 1000), item(1, 1500), item(2, 1000)]
    live = compile_promotions(promos, BELOW)
    assert [one.nets for one in price_each(live, items, SITUATION)] == [[800], [1400], [1000]]


HINTS: dict[str, tuple[Effect, Choice, list[tuple[int, int]], list[tuple[int | None, int | None, int | None]]]] = {
    "14: a cent below": (amounts((30000, 3000), (50000, 6000)), Choice(), [(49999, 1)], [(1, None, 3000)]),
    "the first step": (amounts((30000, 3000), (50000, 6000)), Choice(), [(29000, 1)], [(1000, None, 3000)]),
    "all steps": (amounts((30000, 3000), (50000, 6000)), Choice(), [(50000, 1)], []),
    "the next repeat": (amounts((30000, 5000), times=0), Choice(), [(31000, 1)], [(29000, None, 5000)]),
    "no more repeats": (amounts((30000, 5000), times=1), Choice(), [(31000, 1)], []),
    "a share": (
        Threshold(steps=(Step(from_minor=10000, off_bp=1000),)), Choice(), [(9000, 1)], [(1000, None, 1000)],
    ),
    "units": (Threshold(steps=(Step(from_units=3, off_bp=1000),)), Choice(), [(900, 2)], [(None, 1, 180)]),
    "another one": (EveryNth(n=2, off_bp=5000), Choice(), [(900, 1)], [(None, 1, 450)]),
    "another one after full groups": (EveryNth(n=3), Choice(), [(900, 5)], [(None, 1, 900)]),
    "full groups": (EveryNth(n=2), Choice(), [(900, 2)], []),
    "a gift to fetch": (BuyGet(buy_units=2, get=some(5)), some(0), [(900, 2)], [(None, 1, None)]),
    "a gift to earn": (BuyGet(buy_units=3, get=some(1)), some(0), [(900, 2), (300, 1)], [(None, 1, 300)]),
    "none of it": (amounts((30000, 3000)), some(7), [(900, 2)], []),
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_hints(name: str):
    effect, of, pairs, hints = HINTS[name]
    items = [item(n, price, units) for n, (price, units) in enumerate(pairs)]
    found = priced(items, promotion(1, effect, of=of)).hints
    assert [(one.missing_minor, one.missing_units, one.saves_minor) for one in found] == hints


def test_three_hints_the_nearest_first_and_none_that_cannot_stand_beside():
    promos = [promotion(n, amounts((1000 + 100 * n, 50))) for n in (4, 3, 2, 1)]
    exclusive = promotion(9, PercentOff(off_bp=5000), of=some(1), exclusive=True)
    found = priced([item(0, 1000), item(1, 200)], *promos, exclusive)
    assert [one.missing_minor for one in found.hints] == [100, 200, 300]


def test_shares_add_up_and_ties_go_to_the_lower_key():
    assert share(1000, [3333, 3333, 3334], ["a", "b", "c"]) == [333, 333, 334]
    assert share(100, [1, 1, 1], ["b", "c", "a"]) == [33, 33, 34]
    assert share(0, [0, 0], ["a", "b"]) == [0, 0]
    assert share(1000, [1], [1]) == [1000]


BAD: dict[str, tuple[Promotion, str]] = {
    "no name": (msgspec.structs.replace(promotion(1, PercentOff(off_bp=1)), name=Text("", "Offer")), "name.zh"),
    "over before it begins": (promotion(1, PercentOff(off_bp=1), until_at=AT), "until_at"),
    "no time of day": (promotion(1, PercentOff(off_bp=1), when=When(from_minute=60, until_minute=60)), "when.until_minute"),
    "a shop's delivery": (
        promotion(1, PercentOff(off_bp=1), when=When(stores=frozenset([OTHER_SHOP]), methods=frozenset(["delivery"]))),
        "when.methods",
    ),
    "without everything": (promotion(1, PercentOff(off_bp=1), without=Choice()), "without"),
    "no condition": (promotion(1, Threshold(steps=(Step(off_minor=1),))), "effect.steps.0.from_minor"),
    "two conditions": (
        promotion(1, Threshold(steps=(Step(from_minor=1, from_units=1, off_minor=1),))), "effect.steps.0.from_minor",
    ),
    "nothing off": (promotion(1, Threshold(steps=(Step(from_minor=1),))), "effect.steps.0.off_minor"),
    "steps down": (promotion(1, amounts((200, 1), (100, 2))), "effect.steps.1.from_minor"),
    "less off for more": (promotion(1, amounts((100, 2), (200, 2))), "effect.steps.1.off_minor"),
    "steps of two kinds": (
        promotion(1, Threshold(steps=(Step(from_minor=1, off_minor=1), Step(from_units=2, off_minor=2)))),
        "effect.steps.1.from_minor",
    ),
    "offs of two kinds": (
        promotion(1, Threshold(steps=(Step(from_minor=1, off_minor=1), Step(from_minor=2, off_bp=2)))),
        "effect.steps.1.off_minor",
    ),
    "steps that repeat": (promotion(1, amounts((100, 1), (200, 2), times=0)), "effect.times"),
    "a share that repeats": (
        promotion(1, Threshold(steps=(Step(from_minor=1, off_bp=1),), times=2)), "effect.times",
    ),
    "all units cheaper": (promotion(1, EveryNth(n=2, units=2)), "effect.units"),
    "anything as a gift": (promotion(1, BuyGet(buy_units=1, get=Choice())), "effect.get"),
    "a part of anything": (
        promotion(1, Bundle(parts=(Part(of=some(1)), Part(of=Choice())), price_minor=1)), "effect.parts.1.of",
    ),
    "free delivery in a group": (promotion(1, FreeDelivery(), group="a"), "group"),
    "exclusive free delivery": (promotion(1, FreeDelivery(), exclusive=True), "exclusive"),
    "free delivery of pickups": (
        promotion(1, FreeDelivery(), when=When(methods=frozenset(["pickup"]))), "when.methods",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense(name: str):
    promo, field = BAD[name]
    found = problems_of(promo)
    assert [one["field"] for one in found] == [field]
    assert all(one["zh"] and one["en"] for one in found)


# --- P4: what an added article may do to the others --------------------------------------------------------------------


def test_25_an_amount_off_everything_is_shared_with_what_is_added():
    """One cent off two articles of one cent: whichever is added, one of the two pays."""
    off = promotion(1, AmountOff(off_minor=1))
    alone = priced([item(1, 1)], off)
    beside = priced([item(1, 1), item(0, 1)], off)
    assert (alone.nets, beside.nets) == ([0], [1, 0])
    assert sum(beside.nets) <= sum(alone.nets) + 1, "together they cost no more than that plus the article"


def test_26_of_two_offers_the_earlier_takes_more_and_the_later_is_not_reached_any_more():
    """An article of 0.01 makes the basket dearer by 0.02."""
    steps = (Step(from_units=1, off_minor=1), Step(from_units=2, off_minor=2))
    earlier = promotion(1, Threshold(steps=steps), priority=1)
    later = promotion(2, Threshold(steps=(Step(from_minor=2, off_minor=2),)), of=Choice(skus=frozenset({SKUS[0]})))
    alone = priced([item(0, 3)], earlier, later)
    beside = priced([item(0, 3), item(1, 1)], earlier, later)
    assert (sum(alone.nets), sum(beside.nets)) == (0, 2)
    # Each by itself is worth no less with it.
    for one in (earlier, later):
        assert sum(priced([item(0, 3), item(1, 1)], one).nets) <= sum(priced([item(0, 3)], one).nets) + 1


def test_27_what_is_got_for_nothing_may_be_the_cheaper_article_that_was_added():
    """Of one promotion, too: an article of 0.01 makes the basket dearer by 0.02."""
    get = Choice(skus=frozenset({SKUS[1], SKUS[2]}))
    got = promotion(1, BuyGet(buy_units=1, get=get), of=Choice(skus=frozenset({SKUS[0]})))
    alone = priced([item(0, 1), item(1, 2)], got)
    beside = priced([item(0, 1), item(1, 2), item(2, 1)], got)
    assert (sum(alone.nets), sum(beside.nets)) == (1, 3)


# --- gifts --------------------------------------------------------------------------------------------------------------


def gift(buy: int, get: int = 1, times: int = 0) -> BuyGet:
    return BuyGet(buy_units=buy, get=Choice(skus=frozenset({SKUS[7]})), get_units=get, times=times, gift=True)


@pytest.mark.parametrize(
    ("effect", "units", "due"),
    [(gift(1), 1, 1), (gift(2), 3, 1), (gift(2), 4, 2), (gift(2, 3), 5, 6), (gift(1, 1, 2), 9, 2), (gift(3), 2, 0)],
)
def test_a_gift_is_due_by_units_and_takes_nothing_off_what_is_there(effect: BuyGet, units: int, due: int):
    found = priced([item(0, 100, units), item(7, 50)], promotion(1, effect, of=Choice(skus=frozenset({SKUS[0]}))))
    assert [one.units for one in found.gifts] == ([due] if due else [])
    assert [one.items for one in found.gifts] == ([(0,)] if due else [])
    assert (found.nets, found.applied) == ([100 * units, 50], [])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"effect": BuyGet(buy_units=1, get=Choice(products=frozenset({PRODUCTS[0]})), gift=True)}, "effect.get"),
        ({"effect": BuyGet(buy_units=1, get=Choice(skus=frozenset(SKUS)), off_bp=5_000, gift=True)}, "effect.off_bp"),
        ({"effect": gift(1), "group": "x"}, "group"),
        ({"effect": gift(1), "exclusive": True}, "exclusive"),
    ],
)
def test_a_gift_that_makes_no_sense_is_named_by_field(fields: dict[str, object], field: str):
    assert [problem["field"] for problem in problems_of(promotion(1, **fields))] == [field]
