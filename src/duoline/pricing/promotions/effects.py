"""What a promotion takes off the items it counts for, given what earlier ones have left. Pure integers.

`nets` is what each pool of equal units costs at that moment. Where single units matter, a pool's money is spread
evenly over its units, the first having the odd minor units. Amounts are worked out on the sum, rounded half up once,
and shared over the pools by largest remainder in proportion to what they cost; pools stand in the order of their keys.

What each of these takes never grows when pools cost less, and never shrinks by more than they do; `certain.py` stands
on that. Sets whose parts overlap are the one exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.pricing.promotions.share import half_up, spread
from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    PercentOff,
    Threshold,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from duoline.pricing.promotions.types import Step

Taken = tuple[int, list[tuple[int, int]]]
"""An amount, and from which pools it comes, by position; only what is more than nothing."""
NOTHING: Taken = (0, [])


class Goods(NamedTuple):
    """The pools of a basket, by position: what they cost without offers, and how many units they are."""

    gross: list[int]
    units: list[int]


class Scope(NamedTuple):
    """The pools that a promotion counts for, by position in order; `parts` are the sides or parts of what has some."""

    items: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...] = ()


def _shared(amount: int, items: Sequence[int], weights: Sequence[int], total: int) -> Taken:
    """An amount, cut to what there is, over the pools."""
    if amount <= 0 or total <= 0:
        return NOTHING
    if amount >= total:
        return total, [(i, weight) for i, weight in zip(items, weights, strict=True) if weight]
    if len(items) == 1:
        return amount, [(items[0], amount)]
    return amount, [(i, one) for i, one in zip(items, spread(amount, weights, total), strict=True) if one]


def _percent_off(effect: PercentOff, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    weights = [nets[i] for i in scope.items]
    total = sum(weights)
    return _shared(half_up(total, effect.off_bp), scope.items, weights, total)


def _amount_off(effect: AmountOff, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    if effect.each:
        # Cut for every unit; evenly spread money makes that the same as cut for all of them together.
        return _listed([(i, min(nets[i], effect.off_minor * goods.units[i])) for i in scope.items])
    weights = [nets[i] for i in scope.items]
    return _shared(effect.off_minor, scope.items, weights, sum(weights))


def _fixed_price(effect: FixedPrice, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    return _listed([(i, nets[i] - effect.price_minor * goods.units[i]) for i in scope.items])


def _listed(offs: list[tuple[int, int]]) -> Taken:
    kept = [each for each in offs if each[1] > 0]
    return sum([off for _, off in kept]), kept


def _threshold(effect: Threshold, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    weights = [nets[i] for i in scope.items]
    total = sum(weights)
    return _shared(due(effect, reached(effect, scope, goods, total), total), scope.items, weights, total)


def reached(effect: Threshold, scope: Scope, goods: Goods, total: int) -> int:
    """What the condition is asked of: units, the amount before offers, or what is left of it."""
    if effect.steps[0].from_units is not None:
        return sum([goods.units[i] for i in scope.items])
    if effect.before:
        return sum([goods.gross[i] for i in scope.items])
    return total


def from_of(step: Step) -> int:
    """From how much or how many on a step counts."""
    return step.from_units or step.from_minor or 0


def repeats(effect: Threshold) -> bool:
    """Whether its one amount is taken for every full `from`."""
    return effect.times != 1 and len(effect.steps) == 1 and effect.steps[0].off_minor is not None


def due(effect: Threshold, amount: int, total: int) -> int:
    """What comes off when the condition is asked of `amount` and what is there costs `total`."""
    if repeats(effect):
        step = effect.steps[0]
        times = amount // from_of(step)
        return (step.off_minor or 0) * (min(times, effect.times) if effect.times else times)
    for step in reversed(effect.steps):
        if amount >= (step.from_minor or step.from_units or 0):
            return step.off_minor if step.off_minor is not None else half_up(total, step.off_bp or 0)
    return 0


def runs_of(items: Sequence[int], goods: Goods, nets: Sequence[int]) -> list[tuple[int, int, int]]:
    """Units from the dearest down, as (minus what one costs, position, how many); a pool has at most two such runs."""
    runs = []
    for i in items:
        count = goods.units[i]
        low, odd = divmod(nets[i], count)
        if odd:
            runs.append((-low - 1, i, odd))
        runs.append((-low, i, count - odd))
    runs.sort()
    return runs


def _every_nth(effect: EveryNth, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    n = effect.n
    groups = sum([goods.units[i] for i in scope.items]) // n
    if effect.times:
        groups = min(groups, effect.times)
    last, paid = groups * n, max(0, n - effect.units)
    if not last:
        return NOTHING
    weights: dict[int, int] = {}
    position = before = 0
    for money, i, count in runs_of(scope.items, goods, nets):
        position = min(position + count, last)
        whole, rest = divmod(position, n)
        cheaper = whole * (n - paid) + max(0, rest - paid)
        if cheaper > before:
            weights[i] = weights.get(i, 0) - money * (cheaper - before)
            before = cheaper
        if position == last:
            break
    return _weighted(effect.off_bp, weights)


def _weighted(off_bp: int, weights: dict[int, int]) -> Taken:
    items = sorted(weights)
    costs = [weights[i] for i in items]
    total = sum(costs)
    return _shared(half_up(total, off_bp), items, costs, total)


def sides_of(scope: Scope, goods: Goods) -> tuple[int, int, int]:
    """How many units can only be bought, only be got, and either."""
    units = goods.units
    buy, get = scope.parts
    both = sum([units[i] for i in buy if i in get])
    return sum([units[i] for i in buy]) - both, sum([units[i] for i in get]) - both, both


def sets_of(effect: BuyGet, scope: Scope, goods: Goods) -> tuple[int, int]:
    """How often buyers get something, and how many of the units on both sides they may get. Counts alone decide."""
    bought, got, both = sides_of(scope, goods)
    times = min(
        (bought + both) // effect.buy_units,
        (got + both) // effect.get_units,
        (bought + got + both) // (effect.buy_units + effect.get_units),
    )
    if effect.times:
        times = min(times, effect.times)
    return times, both - max(0, times * effect.buy_units - bought)


def _buy_get(effect: BuyGet, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    times, of_both = sets_of(effect, scope, goods)
    missing = times * effect.get_units
    if not missing:
        return NOTHING
    buy = set(scope.parts[0])
    weights: dict[int, int] = {}
    for money, i, count in reversed(runs_of(scope.parts[1], goods, nets)):
        taken = min(count, missing, of_both) if i in buy else min(count, missing)
        if taken:
            weights[i] = weights.get(i, 0) - money * taken
            missing -= taken
            if i in buy:
                of_both -= taken
    return _weighted(effect.off_bp, weights)


def overlap(scope: Scope) -> bool:
    """Whether some pool stands in more than one part."""
    return sum([len(part) for part in scope.parts]) > len({i for part in scope.parts for i in part})


def _bundle(effect: Bundle, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    runs = runs_of(scope.items, goods, nets)
    left = [count for _, _, count in runs]
    # A part that fewer units fit chooses first, or another might leave it none.
    order = sorted(
        range(len(effect.parts)), key=lambda n: (sum([goods.units[i] for i in scope.parts[n]]), n)
    )  # fmt: skip
    wanted = []
    for n in order:
        fitting = set(scope.parts[n])
        wanted.append((effect.parts[n].units, [r for r, run in enumerate(runs) if run[1] in fitting]))
    amount, sets = 0, 0
    weights: dict[int, int] = {}
    while not effect.times or sets < effect.times:
        used = _one_set(wanted, left)
        worth = -sum([runs[r][0] * count for r, count in used.items()])
        if not used or worth <= effect.price_minor:
            break
        # As many sets of the same units as there are, at once.
        same = min([left[r] // count for r, count in used.items()])
        if effect.times:
            same = min(same, effect.times - sets)
        sets += same
        amount += (worth - effect.price_minor) * same
        for r, count in used.items():
            left[r] -= count * same
            weights[runs[r][1]] = weights.get(runs[r][1], 0) - runs[r][0] * count * same
    items = sorted(weights)
    costs = [weights[i] for i in items]
    return _shared(amount, items, costs, sum(costs))


def _one_set(wanted: list[tuple[int, list[int]]], left: list[int]) -> dict[int, int]:
    """The dearest units that make up one set, by run; none when some part has too few."""
    used: dict[int, int] = {}
    for need, fitting in wanted:
        missing = need
        for r in fitting:
            free = left[r] - used.get(r, 0)
            if free > 0:
                taken = min(free, missing)
                used[r] = used.get(r, 0) + taken
                missing -= taken
                if not missing:
                    break
        if missing:
            return {}
    return used


def nothing(effect: FreeDelivery | BuyGet, scope: Scope, goods: Goods, nets: Sequence[int]) -> Taken:
    """What pays the delivery, and a gift, take off what is there."""
    return NOTHING


def most_of(effect: Any, work: Callable[[Any, Scope, Goods, Sequence[int]], Taken], scope: Scope, goods: Goods) -> int:
    """What it can take at the most, whatever others leave of its pools, and of whichever of them they leave it."""
    gross = goods.gross
    if isinstance(effect, PercentOff):
        return half_up(sum([gross[i] for i in scope.items]), effect.off_bp)
    if isinstance(effect, AmountOff) and not effect.each:
        return min(effect.off_minor, sum([gross[i] for i in scope.items]))
    if isinstance(effect, Threshold):
        total = sum([gross[i] for i in scope.items])
        return min(total, due(effect, reached(effect, scope, goods, total), total))
    if isinstance(effect, BuyGet) and not effect.gift:
        # With the cheapest units gone to others, dearer ones are got.
        missing, amount = sets_of(effect, scope, goods)[0] * effect.get_units, 0
        for money, _, count in runs_of(scope.parts[1], goods, gross) if missing else ():
            amount -= money * min(count, missing)
            missing -= min(count, missing)
        return half_up(amount, effect.off_bp)
    if isinstance(effect, Bundle) and overlap(scope):
        return sum([gross[i] for i in scope.items])
    return work(effect, scope, goods, gross)[0]


WORK: dict[type, Callable[[Any, Scope, Goods, Sequence[int]], Taken]] = {
    PercentOff: _percent_off,
    AmountOff: _amount_off,
    FixedPrice: _fixed_price,
    Threshold: _threshold,
    EveryNth: _every_nth,
    BuyGet: _buy_get,
    Bundle: _bundle,
    FreeDelivery: nothing,
}
