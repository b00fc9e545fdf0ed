"""What always holds, whatever the promotions and the basket. P1 to P10 as docs/reference/promotions.md names them."""

from __future__ import annotations

from itertools import combinations
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from duoline.pricing.promotions import basket as pricing
from duoline.pricing.promotions import compile_promotions, price_basket, share
from duoline.pricing.promotions.certain import Certain
from duoline.pricing.promotions.choose import Cluster, Search
from duoline.pricing.promotions.offers import clusters_of, gather, offers_of
from duoline.pricing.promotions.rivals import good_set, greedy, relaxed
from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    Choice,
    EveryNth,
    FixedPrice,
    Item,
    Priced,
    Promotion,
)
from tests.pricing import drawn
from tests.pricing.drawn import BELOW, SITUATION

randoms = st.randoms(use_true_random=False)
few = settings(max_examples=50)


def case(random: Random, most: int = 7) -> tuple[list[Promotion], list[Item]]:
    """Promotions and a basket."""
    top = random.choice([5, 20, 1_000, 20_000])
    return drawn.promotions(random, random.randint(1, most), top), drawn.basket(random, random.randint(1, 7), top)


def price(promotions: list[Promotion], items: list[Item]) -> Priced:
    return price_basket(compile_promotions(promotions, BELOW), items, SITUATION)


def clusters(promotions: list[Promotion], items: list[Item]) -> list[Cluster]:
    basket = gather(items)
    offers = offers_of(compile_promotions(promotions, BELOW), basket, SITUATION)
    return [Cluster(one, basket.goods) for one in clusters_of([offer for offer in offers if offer.most])]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=9), st.data())
def test_p2_shares_are_exact_and_never_more_than_their_weight(weights: list[int], data: st.DataObject):
    amount = data.draw(st.integers(0, sum(weights)))
    keys = data.draw(st.permutations(range(len(weights))))
    shares = share(amount, weights, keys)
    assert sum(shares) == amount
    for one, weight in zip(shares, weights, strict=True):
        assert 0 <= one <= weight
        assert abs(one * sum(weights) - amount * weight) < max(1, sum(weights)), "within one unit of the exact share"
    assert dict(zip(keys, shares, strict=True)) == dict(
        zip(sorted(keys), share(amount, [weights[keys.index(key)] for key in sorted(keys)], sorted(keys)), strict=True)
    ), "in whichever order they come"


@few
@given(randoms)
def test_p1_p7_every_share_explains_what_an_item_costs(random: Random):
    promotions, items = case(random)
    priced = price(promotions, items)
    off = [0] * len(items)
    for applied in priced.applied:
        assert sum(applied.shares.values()) == applied.amount_minor > 0
        assert min(applied.shares.values()) > 0
        for n, amount in applied.shares.items():
            off[n] += amount
    for item, net, amount in zip(items, priced.nets, off, strict=True):
        assert 0 <= net == item.gross_minor - amount
    order = [(applied.promotion.priority, applied.promotion.id) for applied in priced.applied]
    assert order == sorted(order)


@few
@given(randoms)
def test_p7_the_promotions_that_count_alone_come_to_the_same(random: Random):
    promotions, items = case(random)
    priced = price(promotions, items)
    again = price([applied.promotion for applied in priced.applied], items)
    assert (again.nets, again.applied) == (priced.nets, priced.applied)


@few
@given(randoms)
def test_p3_p10_the_order_of_anything_makes_no_difference(random: Random):
    promotions, items = case(random)
    items = [item._replace(key=f"{n}{item.key}") for n, item in enumerate(items)]
    priced = price(promotions, items)
    order = random.sample(range(len(items)), len(items))
    live = compile_promotions(random.sample(promotions, len(promotions)), BELOW)
    price_basket(live, items[:1], SITUATION)  # what the cart was before
    other = price_basket(live, [items[n] for n in order], SITUATION)
    assert [other.nets[order.index(n)] for n in range(len(items))] == priced.nets
    assert [(one.promotion, {order[n]: off for n, off in one.shares.items()}) for one in other.applied] == [
        (one.promotion, one.shares) for one in priced.applied
    ]
    assert (other.hints, other.free_delivery) == (priced.hints, priced.free_delivery)
    assert price(promotions, items) == priced


@few
@given(randoms)
def test_p3_how_units_are_split_over_lines_makes_no_difference(random: Random):
    promotions, items = case(random)
    split = [item._replace(quantity=1) for item in items for _ in range(item.quantity)]
    whole, parts = price(promotions, items), price(promotions, split)
    assert sum(parts.nets) == sum(whole.nets)
    assert [(one.promotion, one.amount_minor) for one in parts.applied] == [
        (one.promotion, one.amount_minor) for one in whole.applied
    ]


def _adds_up(promotion: Promotion, items: list[Item]) -> bool:
    """Whether adding an article cannot take from what one promotion is worth: not when the cheapest of all is got, and
    not for sets whose parts want the same units."""
    if isinstance(promotion.effect, BuyGet):
        return False
    if not isinstance(promotion.effect, Bundle):
        return True
    basket = gather(items)
    offers = offers_of(compile_promotions([promotion], BELOW), basket, SITUATION)
    return not any(offer.wild for offer in offers)


@few
@given(randoms)
def test_p4_an_added_article_never_costs_more_than_without_offers(random: Random):
    """For one promotion. Of several, an article may let one count that leaves another less than it takes."""
    promotions, items = case(random, most=1)
    if _adds_up(promotions[0], items):
        after = price(promotions, items)
        before = price(promotions, items[:-1])
        assert sum(after.nets) <= sum(before.nets) + items[-1].gross_minor


@few
@given(randoms)
def test_p4_offers_that_do_not_meet_are_worth_no_less_together(random: Random):
    """Of several that share no article the same holds as for each."""
    _, items = case(random)
    skus = random.sample(drawn.SKUS, len(drawn.SKUS))
    top = max([item.unit_price_minor for item in items] + [2])
    apart = [
        msgspec.structs.replace(one, of=Choice(skus=frozenset(skus[2 * n : 2 * n + 2])))
        for n in range(4)
        if not isinstance((one := drawn.promotion(n, drawn.effect(random, top))).effect, BuyGet | Bundle)
    ]
    after, before = price(apart, items), price(apart, items[:-1])
    assert sum(after.nets) <= sum(before.nets) + items[-1].gross_minor


@few
@given(randoms)
def test_p3_gifts_are_told_by_units_alone(random: Random):
    promotions, items = case(random)
    gives = [
        drawn.promotion(100 + n, BuyGet(buy_units=random.randint(1, 3), get=Choice(skus=frozenset(drawn.SKUS[:2])),
                                        get_units=random.randint(1, 2), times=random.choice([0, 1]), gift=True),
                        of=drawn.choice(random))
        for n in range(2)
    ]  # fmt: skip
    due = {one.promotion.id: one.units for one in price([*promotions, *gives], items).gifts}
    dearer = [item._replace(unit_price_minor=item.unit_price_minor * 3) for item in items]
    split = [item._replace(quantity=1) for item in items for _ in range(item.quantity)]
    for others, basket in ((gives, items), ([*promotions, *gives], dearer), (gives, random.sample(split, len(split)))):
        assert {one.promotion.id: one.units for one in price(others, basket).gifts} == due
    assert price([*promotions, *gives], items).nets == price(promotions, items).nets


@few
@given(randoms)
def test_p4_offers_that_work_article_by_article_do_not_know_of_others(random: Random):
    _, items = case(random)
    promotions = [
        drawn.promotion(1, AmountOff(off_minor=random.randint(1, 500), each=True), of=drawn.choice(random)),
        drawn.promotion(2, FixedPrice(price_minor=random.randint(0, 900)), of=drawn.choice(random)),
    ]
    alone = {(item.sku_id, item.place): item for item in items}
    items = list(alone.values())
    assert price(promotions, items).nets[:-1] == price(promotions, items[:-1]).nets


@few
@given(randoms)
def test_p4_one_promotion_more_never_makes_a_basket_dearer(random: Random):
    promotions, items = case(random)
    assert sum(price(promotions, items).nets) <= sum(price(promotions[:-1], items).nets)


@few
@given(randoms)
def test_p5_groups_and_exclusive_offers_are_honoured(random: Random):
    promotions, items = case(random)
    for one, other in combinations(price(promotions, items).applied, 2):
        if one.promotion.exclusive or other.promotion.exclusive or (
            one.promotion.group and one.promotion.group == other.promotion.group
        ):  # fmt: skip
            assert set(one.shares).isdisjoint(other.shares)


@few
@given(randoms)
def test_p5_what_is_not_searched_cannot_be_the_best(random: Random):
    """Against every set, worked out as a set."""
    promotions, items = case(random)
    for cluster in clusters(promotions, items):
        found = pricing.best_of(cluster)
        assert found.proved
        key = min(
            (worked_out.total, chosen.bit_count(), cluster.ids(chosen))
            for chosen in range(1 << len(cluster.offers))
            if (worked_out := cluster.evaluate(chosen)) is not None
        )
        chosen = sum(1 << n for n, _ in found.taken)
        assert (found.total, len(found.taken), cluster.ids(chosen)) == key


@settings(max_examples=15)
@given(randoms)
def test_beyond_the_limit_it_is_never_worse_than_greedy_and_never_better_than_the_bound(random: Random):
    promotions, items = case(random, most=14)
    for cluster in clusters(promotions, items):
        certain = Certain(cluster)
        best = Search(cluster, certain, steps_max=1 << 30).run()
        good = good_set(cluster, certain)
        worked_out = cluster.evaluate(greedy(cluster))
        assert worked_out is not None
        assert best.total <= good.total <= worked_out.total
        whole = sum(cluster.goods.gross[i] for i in cluster.items)
        assert whole - best.total <= relaxed(cluster)[1]
        assert good_set(cluster, certain) == good


def test_nothing_is_a_basket_too():
    assert price([drawn.promotion(1, AmountOff(off_minor=100))], []) == Priced([], [], [], None)
    assert price([], [drawn.item(0, 100)]).nets == [100]
    none = [drawn.item(0, 100, 0), drawn.item(1, 100), drawn.item(2, 100, 0)]
    assert price([drawn.promotion(1, EveryNth(n=2, off_bp=5_000))], none).nets == [0, 100, 0]
    assert price([drawn.promotion(1, EveryNth(n=2, off_bp=5_000))], none[:1]).nets == [0]
    assert price([drawn.promotion(1, AmountOff(off_minor=100), of=Choice())], [drawn.item(0, 0)]).nets == [0]
