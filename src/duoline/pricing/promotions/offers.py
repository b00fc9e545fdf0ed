"""A basket as promotions are tried on it: pools of equal units, the promotions that could count, and their clusters.

Lines of one article at one price, place and method are one pool, so that it makes no difference how units are split
over lines. A pool's key is the lowest of its lines'; pools stand in the order of their keys. What is taken off a pool
is spread evenly over its units in the order of the lines' keys, the first having the odd minor units.

What a promotion can take at the most, `most`, is what it takes when no other counts, since others only leave less. One
that can take nothing is no candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions.conditions import holds, usable
from duoline.pricing.promotions.effects import Goods, Scope, most_of, overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.index import Live, Rule
    from duoline.pricing.promotions.types import Item, Situation


class Basket(NamedTuple):
    """The pools: an item that stands for each, their lines as (position, units) in order, what they cost."""

    items: list[Item]
    lines: list[list[tuple[int, int]]]
    goods: Goods


class Offer(NamedTuple):
    """A promotion with the pools it counts for, as bits and in order, and what it can take at the most.

    `wild` are sets whose parts want the same pools: what they take follows no rule."""

    rule: Rule
    mask: int
    scope: Scope
    most: int
    wild: bool


def gather(items: Sequence[Item]) -> Basket:
    """The pools of a basket."""
    if len(items) == 1 and items[0].quantity:
        item = items[0]
        goods = Goods([item.quantity * item.unit_price_minor], [item.quantity])
        return Basket([item], [[(0, item.quantity)]], goods)
    some = [n for n, item in enumerate(items) if item.quantity]
    order = sorted(some, key=lambda n: (items[n].key, items[n].quantity, items[n].sku_id.int, n))
    pools: dict[tuple[object, ...], int] = {}
    basket = Basket([], [], Goods([], []))
    gross, units = basket.goods
    for n in order:
        item = items[n]
        # A SKU has one product, category and brand.
        equal = (item.sku_id, item.unit_price_minor, item.method, item.place)
        pool = pools.setdefault(equal, len(pools))
        if pool == len(gross):
            basket.items.append(item)
            basket.lines.append([])
            gross.append(0)
            units.append(0)
        basket.lines[pool].append((n, item.quantity))
        gross[pool] += item.quantity * item.unit_price_minor
        units[pool] += item.quantity
    return basket


def offers_of(live: Live, basket: Basket, situation: Situation) -> list[Offer]:
    """The promotions that hold for some pool, in the order of work; what they take alone is not looked at yet."""
    rules = live.rules
    is_open = live.open_at(situation.at)
    found: dict[int, list[int]] = {}
    inside: dict[int, list[int]] = {}
    answers: dict[tuple[int, str, object], bool] = {}
    for i, item in enumerate(basket.items):
        for rank, parts in live.touching(item):
            if not is_open[rank]:
                continue
            rule = rules[rank]
            if not rule.always:
                asked = (rank, item.method, item.place)
                answer = answers.get(asked)
                if answer is None:
                    when = rule.promotion.when
                    answer = answers[asked] = usable(rule.promotion, situation) and holds(
                        when, item.method, item.place, situation
                    )
                if not answer:
                    continue
            if rank in found:
                found[rank].append(i)
            else:
                found[rank] = [i]
            if rule.parts:
                inside.setdefault(rank, []).append(parts)
    return [_offer(rules[rank], found[rank], inside.get(rank, []), basket.goods) for rank in sorted(found)]


def _offer(rule: Rule, members: list[int], inside: list[int], goods: Goods) -> Offer:
    mask = 0
    for i in members:
        mask |= 1 << i
    if not rule.parts:
        scope = Scope(tuple(members))
    else:
        each = list(zip(members, inside, strict=True))
        parts = [tuple([i for i, bits in each if bits >> n & 1]) for n in range(rule.parts)]
        scope = Scope(tuple(members), tuple(parts))
    most = most_of(rule.effect, rule.work, scope, goods)
    return Offer(rule, mask, scope, most, wild=rule.parts > 0 and overlap(scope))


def within(scope: Scope, mask: int) -> Scope:
    """What is left of a scope when it counts for some of its pools only."""
    return Scope(
        tuple([i for i in scope.items if mask >> i & 1]),
        tuple([tuple([i for i in part if mask >> i & 1]) for part in scope.parts]),
    )


def clusters_of(offers: Sequence[Offer]) -> list[list[Offer]]:
    """Offers connected by pools, each cluster in the order of work."""
    masks: list[int] = []
    for offer in offers:
        mask = offer.mask
        apart = []
        for other in masks:
            if other & mask:
                mask |= other
            else:
                apart.append(other)
        masks = [*apart, mask]
    if len(masks) == 1:
        return [list(offers)]
    return [[offer for offer in offers if offer.mask & mask] for mask in masks]
