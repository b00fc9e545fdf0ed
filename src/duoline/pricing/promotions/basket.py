"""What a basket costs with its promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.pricing.promotions.certain import Certain
from duoline.pricing.promotions.choose import RIVALS_MAX, STEPS_LARGE, STEPS_MAX, Cluster, Search, TooMany
from duoline.pricing.promotions.hints import hints_of
from duoline.pricing.promotions.offers import clusters_of, gather, offers_of
from duoline.pricing.promotions.rivals import good_set
from duoline.pricing.promotions.types import Applied, GiftDue, Priced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.choose import Chosen
    from duoline.pricing.promotions.index import Live
    from duoline.pricing.promotions.offers import Basket, Offer
    from duoline.pricing.promotions.types import Item, Promotion, Situation

    Taking = list[tuple[Offer, list[tuple[int, int]]]]


def price_basket(live: Live, items: Sequence[Item], situation: Situation) -> Priced:
    """What each item costs, which promotions took what off, which nearly did, and which pays the delivery."""
    basket = gather(items)
    offers = offers_of(live, basket, situation)
    taken = _taken(basket, offers)
    priced = _priced(basket, items, offers, taken)
    hints = hints_of(basket, offers, taken, delivery_paid=priced.free_delivery is not None)
    return priced._replace(hints=hints, gifts=_gifts(basket, offers) if live.gives else ())


def _gifts(basket: Basket, offers: list[Offer]) -> tuple[GiftDue, ...]:
    """What is due as gifts. Units alone decide, so that no other promotion and no order of lines makes a difference."""
    found = []
    for offer in offers:
        if not offer.rule.gives:
            continue
        effect = offer.rule.effect
        times = sum([basket.goods.units[i] for i in offer.scope.items]) // effect.buy_units
        units = effect.get_units * (min(times, effect.times) if effect.times else times)
        if units:
            items = sorted(n for i in offer.scope.items for n, _ in basket.lines[i])
            found.append(GiftDue(offer.rule.promotion, units, tuple(items)))
    return tuple(found)


def price_each(live: Live, items: Sequence[Item], situation: Situation) -> list[Priced]:
    """What each item costs by itself, as on a list of articles; without hints."""
    found = []
    for item in items:
        basket = gather([item])
        offers = offers_of(live, basket, situation)
        found.append(_priced(basket, [item], offers, _taken(basket, offers)))
    return found


def _priced(basket: Basket, items: Sequence[Item], offers: list[Offer], taken: Taking) -> Priced:
    nets = list(basket.goods.gross)
    applied = _applied(basket, nets, taken)
    return Priced(_lines(items, applied), applied, [], _free(basket, nets, offers))


def _taken(basket: Basket, offers: list[Offer]) -> Taking:
    found: Taking = []
    for members in clusters_of([offer for offer in offers if offer.most]):
        if len(members) == 1:
            alone = members[0]
            offs = alone.rule.work(alone.rule.effect, alone.scope, basket.goods, basket.goods.gross)[1]
            if offs:
                found.append((alone, offs))
            continue
        cluster = Cluster(members, basket.goods)
        found += [(cluster.offers[n], offs) for n, (_, offs) in best_of(cluster).taken]
    found.sort(key=lambda one: one[0].rule.rank)
    return found


def best_of(cluster: Cluster) -> Chosen:
    """The best set of a cluster, or a good one when it would take too long to find out."""
    certain = Certain(cluster)
    try:
        return Search(cluster, certain, STEPS_MAX if len(cluster.offers) <= RIVALS_MAX else STEPS_LARGE).run()
    except TooMany:
        return good_set(cluster, certain)


def _applied(
    basket: Basket, nets: list[int], taken: Taking
) -> list[Applied]:  # fmt: skip
    """The promotions with their shares by item; what is left of the pools is left in `nets`."""
    applied = []
    gross = basket.goods.gross
    for offer, offs in taken:
        shares: dict[int, int] = {}
        for i, off in offs:
            before = gross[i] - nets[i]
            nets[i] -= off
            if len(basket.lines[i]) == 1:
                shares[basket.lines[i][0][0]] = off
            else:
                _spread(basket.lines[i], basket.goods.units[i], before, before + off, shares)
        applied.append(Applied(offer.rule.promotion, shares, sum([off for _, off in offs])))
    return applied


def _spread(lines: list[tuple[int, int]], units: int, before: int, after: int, shares: dict[int, int]) -> None:
    """What comes off a pool between two amounts, by line. Each is spread evenly, so that a unit never gets back."""
    first = 0
    for n, count in lines:
        off = _part(after, units, first, count) - _part(before, units, first, count)
        if off:
            shares[n] = off
        first += count


def _part(amount: int, units: int, first: int, count: int) -> int:
    low, odd = divmod(amount, units)
    return low * count + min(max(odd - first, 0), count)


def _lines(items: Sequence[Item], applied: list[Applied]) -> list[int]:
    nets = [item.quantity * item.unit_price_minor for item in items]
    for one in applied:
        for n, off in one.shares.items():
            nets[n] -= off
    return nets


def _free(basket: Basket, nets: list[int], offers: list[Offer]) -> Promotion | None:
    """The first promotion that pays the delivery, if something is delivered."""
    delivering = [offer for offer in offers if offer.rule.delivers]
    if not delivering or not any(one.method == "delivery" for one in basket.items):
        return None
    for offer in delivering:
        costs = basket.goods.gross if offer.rule.effect.before else nets
        if sum([costs[i] for i in offer.scope.items]) >= offer.rule.effect.from_minor:
            return offer.rule.promotion
    return None
