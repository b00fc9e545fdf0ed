"""What promotions take off a basket, written down as plainly as it can be said: every set is tried, units one by one.

It shares nothing with the engine but the types. Slow on purpose.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, combinations
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    PercentOff,
    Threshold,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from duoline.pricing.promotions.types import Choice, Item, Promotion, Situation

HALF = Fraction(1, 2)


class Answer(NamedTuple):
    """Total, what is left of each item, what each promotion takes of each item, who pays the delivery."""

    total: int
    nets: list[int]
    shares: dict[UUID, dict[int, int]]
    free_delivery: UUID | None


class Pool:
    """Equal units: where they came from, unit by unit."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.lines: list[int] = []  # the line of each unit
        self.net = 0

    def units(self) -> list[int]:
        """What each unit costs now."""
        low, odd = divmod(self.net, len(self.lines))
        return [low + 1] * odd + [low] * (len(self.lines) - odd)


def price(
    promotions: Iterable[Promotion], below: Mapping[UUID, Collection[UUID]], items: Sequence[Item], situation: Situation
) -> Answer:
    """Try every set of promotions and keep the best."""
    ordered = sorted(promotions, key=lambda p: (p.priority, p.id))
    offers = [p for p in ordered if not isinstance(p.effect, FreeDelivery)]
    pools = pooled(items)
    whole = {p.id: {n for n, pool in enumerate(pools) if counts(p, pool.item, situation, below)} for p in offers}
    best = None
    for chosen in chain.from_iterable(combinations(offers, size) for size in range(len(offers) + 1)):
        taken = worked_out(chosen, whole, pools, below)
        if taken is None:
            continue
        total = sum(i.quantity * i.unit_price_minor for i in items) - sum(sum(one) for one in taken)
        rank = (total, len(chosen), sorted(p.id for p in chosen))
        if best is None or rank < best[0]:
            best = (rank, chosen, taken)
    assert best is not None
    return answered(best[1], best[2], pools, items, below, situation, ordered)


def pooled(items: Sequence[Item]) -> list[Pool]:
    """Equal units together, in the order of keys."""
    pools: list[Pool] = []
    for n, item in sorted(enumerate(items), key=lambda one: (one[1].key, one[1].quantity, one[1].sku_id)):
        for pool in pools:
            if pool.item._replace(key="", quantity=0) == item._replace(key="", quantity=0):
                break
        else:
            pool = Pool(item)
            pools.append(pool)
        pool.lines += [n] * item.quantity
    return pools


def chooses(choice: Choice, item: Item, below: Mapping[UUID, Collection[UUID]]) -> bool:
    """Whether an article is among those chosen."""
    if choice.everything:
        return True
    categories = {under for category in choice.categories for under in (category, *below.get(category, ()))}
    return (
        item.sku_id in choice.skus
        or item.product_id in choice.products
        or item.category_id in categories
        or item.brand_id in choice.brands
    )


def counts(p: Promotion, item: Item, situation: Situation, below: Mapping[UUID, Collection[UUID]]) -> bool:
    """Whether a promotion holds for an article, on whichever of its sides."""
    when, place = p.when, item.place
    shop = not (when.stores or when.regions) or place.store_id in when.stores or bool(when.regions & place.regions)
    if (when.stores or when.regions) and place.store_id is None:
        shop = False
    sides = [p.of]
    if isinstance(p.effect, BuyGet):
        sides = [p.of, p.effect.get]
    chosen = any(chooses(side, item, below) for side in sides)
    if isinstance(p.effect, Bundle):
        chosen = chosen and any(chooses(part.of, item, below) for part in p.effect.parts)
    return (
        chosen
        and (p.without is None or not chooses(p.without, item, below))
        and p.from_at <= situation.at
        and (p.until_at is None or situation.at < p.until_at)
        and (not when.channels or situation.channel in when.channels)
        and (not when.methods or item.method in when.methods)
        and (not when.weekdays or place.weekday in when.weekdays)
        and when.from_minute <= place.minute < when.until_minute
        and (situation.first_order or not when.first_order)
        and shop
    )


def beside(one: Promotion, other: Promotion) -> bool:
    """Whether both may count for one article."""
    return not (one.exclusive or other.exclusive or (one.group and one.group == other.group))


def worked_out(
    chosen: Sequence[Promotion],
    whole: Mapping[UUID, set[int]],
    pools: list[Pool],
    below: Mapping[UUID, Collection[UUID]],
) -> list[list[int]] | None:
    """What each takes of each pool; None when one of them takes nothing."""
    for pool in pools:
        pool.net = len(pool.lines) * pool.item.unit_price_minor
    taken = []
    for n, p in enumerate(chosen):
        mine = set(whole[p.id])
        for m, other in enumerate(chosen):
            if m != n and not beside(p, other) and (len(whole[other.id]), m) < (len(whole[p.id]), n):
                mine -= whole[other.id]
        offs = takes(p, [pool if k in mine else None for k, pool in enumerate(pools)], below)
        if sum(offs) == 0:
            return None
        for pool, off in zip(pools, offs, strict=True):
            pool.net -= off
        taken.append(offs)
    return taken


def takes(p: Promotion, mine: list[Pool | None], below: Mapping[UUID, Collection[UUID]]) -> list[int]:
    """What one promotion takes of each of its pools now."""
    effect = p.effect
    nets = [pool.net if pool else 0 for pool in mine]
    there = sum(nets)
    units = [(cost, k) for k, pool in enumerate(mine) if pool for cost in pool.units()]
    units.sort(key=lambda unit: (-unit[0], unit[1]))
    match effect:
        case PercentOff():
            return shared(rounded(Fraction(there * effect.off_bp, 10_000)), nets)
        case AmountOff(each=False):
            return shared(min(there, effect.off_minor), nets)
        case AmountOff():
            return added([(min(cost, effect.off_minor), k) for cost, k in units], len(mine))
        case FixedPrice():
            return added([(max(0, cost - effect.price_minor), k) for cost, k in units], len(mine))
        case Threshold():
            return shared(min(there, of_threshold(effect, mine, there)), nets)
        case EveryNth():
            groups = [units[k : k + effect.n] for k in range(0, len(units), effect.n)]
            groups = [group for group in groups if len(group) == effect.n]
            cheaper = chain.from_iterable(
                group[-effect.units :] for group in groups[: effect.times or len(groups)]
            )  # fmt: skip
            return cheapened(list(cheaper), effect.off_bp, len(mine))
        case BuyGet():
            bought = {k for k, pool in enumerate(mine) if pool and chooses(p.of, pool.item, below)}
            got = {k for k, pool in enumerate(mine) if pool and chooses(effect.get, pool.item, below)}
            return cheapened(given(effect, units, bought, got), effect.off_bp, len(mine))
        case Bundle():
            return bundled(effect, units, mine, below)
    raise AssertionError(effect)


def of_threshold(effect: Threshold, mine: list[Pool | None], there: int) -> int:
    """What the highest step takes, or the one step as often as it is reached."""
    pools = [pool for pool in mine if pool]
    amount = sum(len(pool.lines) * pool.item.unit_price_minor for pool in pools) if effect.before else there
    count = sum(len(pool.lines) for pool in pools)
    off = 0
    for step in effect.steps:
        full = (amount // step.from_minor) if step.from_minor else (count // step.from_units)
        if full:
            if step.off_bp:
                off = rounded(Fraction(there * step.off_bp, 10_000))
            elif len(effect.steps) == 1:
                off = step.off_minor * (min(full, effect.times) if effect.times else full)
            else:
                off = step.off_minor
    return off


def given(
    effect: BuyGet, units: list[tuple[int, int]], bought: set[int], got: set[int]
) -> list[tuple[int, int]]:  # fmt: skip
    """The cheapest units that can be got while enough are left to be bought, as often as it can be."""
    times = 0
    while not effect.times or times < effect.times:
        if possible(effect, times + 1, [], units, bought, got):
            times += 1
        else:
            break
    gifts: list[int] = []
    for position in reversed(range(len(units))):
        if len(gifts) == times * effect.get_units:
            break
        if units[position][1] in got and possible(effect, times, [*gifts, position], units, bought, got):
            gifts.append(position)
    return [units[position] for position in gifts]


def possible(
    effect: BuyGet, times: int, gifts: list[int], units: list[tuple[int, int]], bought: set[int], got: set[int]
) -> bool:
    """Whether with these units got the others suffice for so many times, by trying how many of both sides are got."""
    left = [k for position, (_, k) in enumerate(units) if position not in gifts]
    more = times * effect.get_units - len(gifts)
    buy_only = sum(1 for k in left if k in bought and k not in got)
    get_only = sum(1 for k in left if k in got and k not in bought)
    either = sum(1 for k in left if k in got and k in bought)
    return any(
        get_only + of_both >= more and buy_only + either - of_both >= times * effect.buy_units
        for of_both in range(either + 1)
    )


def bundled(
    effect: Bundle, units: list[tuple[int, int]], mine: list[Pool | None], below: Mapping[UUID, Collection[UUID]]
) -> list[int]:
    """Sets one after the other of the dearest units that are left, while they are worth more than the price."""
    fits = [{k for k, pool in enumerate(mine) if pool and chooses(part.of, pool.item, below)} for part in effect.parts]
    order = sorted(range(len(fits)), key=lambda n: sum(1 for _, k in units if k in fits[n]))
    left, used, off, sets = list(units), [], 0, 0
    while not effect.times or sets < effect.times:
        one: list[tuple[int, int]] = []
        rest = list(left)
        for n in order:
            picked = [unit for unit in rest if unit[1] in fits[n]][: effect.parts[n].units]
            for unit in picked:
                rest.remove(unit)
            if len(picked) < effect.parts[n].units:
                break
            one += picked
        else:
            worth = sum(cost for cost, _ in one)
            if worth > effect.price_minor:
                off, used, left, sets = off + worth - effect.price_minor, used + one, rest, sets + 1
                continue
        break
    return shared(off, added(used, len(mine)))


def cheapened(units: list[tuple[int, int]], off_bp: int, count: int) -> list[int]:
    """A share off some units, rounded once."""
    return shared(rounded(Fraction(sum(cost for cost, _ in units) * off_bp, 10_000)), added(units, count))


def added(units: list[tuple[int, int]], count: int) -> list[int]:
    """By pool."""
    return [sum(cost for cost, k in units if k == n) for n in range(count)]


def rounded(amount: Fraction) -> int:
    """Half up."""
    return floor(amount + HALF)


def shared(amount: int, weights: list[int]) -> list[int]:
    """Largest remainder, ties to the first."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    parts = [floor(one) for one in exact]
    for n in sorted(range(len(weights)), key=lambda n: (parts[n] - exact[n], n))[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def answered(
    chosen: Sequence[Promotion],
    taken: list[list[int]],
    pools: list[Pool],
    items: Sequence[Item],
    below: Mapping[UUID, Collection[UUID]],
    situation: Situation,
    ordered: Sequence[Promotion],
) -> Answer:
    """By item: what is taken off a pool goes round its units, one minor unit after the other."""
    nets = [item.quantity * item.unit_price_minor for item in items]
    shares: dict[UUID, dict[int, int]] = {}
    off_by_now = [0] * len(pools)
    for p, offs in zip(chosen, taken, strict=True):
        shares[p.id] = {}
        for k, pool in enumerate(pools):
            for minor in range(off_by_now[k], off_by_now[k] + offs[k]):
                line = pool.lines[minor % len(pool.lines)]
                shares[p.id][line] = shares[p.id].get(line, 0) + 1
                nets[line] -= 1
            off_by_now[k] += offs[k]
    free = None
    for p in ordered:
        its = [n for n, item in enumerate(items) if counts(p, item, situation, below)]
        if isinstance(p.effect, FreeDelivery) and free is None and its:
            costs = [items[n].quantity * items[n].unit_price_minor if p.effect.before else nets[n] for n in its]
            if sum(costs) >= p.effect.from_minor and any(item.method == "delivery" for item in items):
                free = p.id
    return Answer(sum(nets), nets, shares, free)
