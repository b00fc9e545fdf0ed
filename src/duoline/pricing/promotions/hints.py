"""What a basket nearly has: promotions that some of it belongs to and that would count, or count for more, with more.

Said of what is beside the promotions that count now. A promotion that could count and does not, because others take
more off, is no hint. Units that are missing are reckoned as costing what the cheapest of the promotion's units costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions.choose import beside
from duoline.pricing.promotions.effects import due, from_of, reached, repeats, sets_of, sides_of
from duoline.pricing.promotions.offers import within
from duoline.pricing.promotions.share import half_up
from duoline.pricing.promotions.types import EveryNth, Hint, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.effects import Goods, Scope
    from duoline.pricing.promotions.offers import Basket, Offer
    from duoline.pricing.promotions.types import BuyGet, FreeDelivery

HINTS_MAX = 3


class _Near(NamedTuple):
    """How much money or how many units are missing, what that saves, and roughly what the missing costs."""

    missing_minor: int | None
    missing_units: int | None
    saves_minor: int | None
    costs: int


def hints_of(
    basket: Basket,
    offers: Sequence[Offer],
    taken: Sequence[tuple[Offer, list[tuple[int, int]]]],
    *,
    delivery_paid: bool,
) -> list[Hint]:
    """At most three, the nearest first. `taken` is what the promotions that count take, in their order."""
    near: list[tuple[int, int, Hint]] = []
    delivered = not delivery_paid and any(item.method == "delivery" for item in basket.items)
    nets = list(basket.goods.gross)
    counting = [other for other, _ in taken]
    alone = [other for other in counting if other.rule.exclusive]
    coming = 0
    for offer in offers:
        rule = offer.rule
        if not rule.nears:
            continue
        while coming < len(taken) and counting[coming].rule.rank < rule.rank:
            for i, off in taken[coming][1]:
                nets[i] -= off
            coming += 1
        found = None
        if not rule.delivers:
            counts = coming < len(taken) and counting[coming] is offer
            now = sum([off for _, off in taken[coming][1]]) if counts else None
            found = _near(offer, counting if rule.exclusive or rule.group else alone, basket.goods, nets, now)
        elif delivered:
            found = _free_delivery(rule.effect, offer, basket.goods, taken)
        if found is not None and found.saves_minor != 0:
            hint = Hint(rule.promotion, found.missing_minor, found.missing_units, found.saves_minor)
            near.append((found.costs, rule.rank, hint))
    near.sort(key=lambda one: one[:2])
    return [hint for _, _, hint in near[:HINTS_MAX]]


def _near(offer: Offer, others: list[Offer], goods: Goods, nets: list[int], now: int | None) -> _Near | None:
    """How near a promotion is to its next step, on what others leave it; `now` is what it takes if it counts."""
    mask = offer.mask
    for other in others:
        if other is not offer and other.mask & mask and not beside(offer, other):
            mask &= ~other.mask
    if not mask:
        return None
    scope = offer.scope if mask == offer.mask else within(offer.scope, mask)
    effect = offer.rule.effect
    if isinstance(effect, Threshold):
        return _threshold(effect, scope, goods, nets, now)
    if isinstance(effect, EveryNth):
        return _every_nth(effect, scope, goods, nets, now)
    return _buy_get(effect, scope, goods, nets, now)


def _threshold(effect: Threshold, scope: Scope, goods: Goods, nets: list[int], now: int | None) -> _Near | None:
    total = sum([nets[i] for i in scope.items])
    asked = reached(effect, scope, goods, total)
    if now is None and asked >= from_of(effect.steps[0]):
        return None
    now = now or 0
    if repeats(effect):
        step = effect.steps[0]
        times = asked // from_of(step) + 1
        if effect.times and times > effect.times:
            return None
        at = times * from_of(step)
    else:
        coming = [from_of(step) for step in effect.steps if from_of(step) > asked]
        if not coming:
            return None
        at = min(coming)
    missing = at - asked
    if effect.steps[0].from_units is not None:
        costs = missing * _cheapest(scope.items, goods, nets)
        saves = min(due(effect, at, total), total) - now
        return _Near(None, missing, max(0, saves), costs)
    saves = min(due(effect, at, total + missing), total + missing) - now
    return _Near(missing, None, max(0, saves), missing)


def _every_nth(effect: EveryNth, scope: Scope, goods: Goods, nets: list[int], now: int | None) -> _Near | None:
    groups, rest = divmod(sum([goods.units[i] for i in scope.items]), effect.n)
    if not rest or (groups and now is None) or (effect.times and groups >= effect.times):
        return None
    missing, cheapest = effect.n - rest, _cheapest(scope.items, goods, nets)
    return _Near(None, missing, half_up(min(effect.units, effect.n) * cheapest, effect.off_bp), missing * cheapest)


def _buy_get(effect: BuyGet, scope: Scope, goods: Goods, nets: list[int], now: int | None) -> _Near | None:
    times = sets_of(effect, scope, goods)[0] + 1
    if (times > 1 and now is None) or (effect.times and times > effect.times):
        return None
    bought, got, both = sides_of(scope, goods)
    need_buy, need_get = times * effect.buy_units, times * effect.get_units
    missing = max(
        max(0, need_buy - bought - both) + max(0, need_get - got - both), need_buy + need_get - bought - got - both
    )
    if missing >= effect.buy_units + effect.get_units:  # nothing of another set is there yet
        return None
    saves = half_up(effect.get_units * _cheapest(scope.parts[1], goods, nets), effect.off_bp) if got or both else None
    return _Near(None, missing, saves, missing * _cheapest(scope.items, goods, nets))


def _cheapest(items: Sequence[int], goods: Goods, nets: list[int]) -> int:
    return min([nets[i] // goods.units[i] for i in items])


def _free_delivery(
    effect: FreeDelivery, offer: Offer, goods: Goods, taken: Sequence[tuple[Offer, list[tuple[int, int]]]]
) -> _Near | None:
    costs = sum([goods.gross[i] for i in offer.scope.items])
    if not effect.before:
        costs -= sum([off for _, offs in taken for i, off in offs if offer.mask >> i & 1])
    missing = effect.from_minor - costs
    return _Near(missing, None, None, missing)
