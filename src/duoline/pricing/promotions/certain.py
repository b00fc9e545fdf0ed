"""When taking a promotion is surely better than leaving it, whatever else counts.

Let g be what promotion n takes off each pool, and compare a basket with it and without it while the same others follow.
Each that follows leaves the basket with n cheaper still, but less so:

- a share or an amount off some pools (rate r at the most) leaves at least 1 - r of what is cheaper there, and moves up
  to two minor units a pool by its rounding, which is of interest only if others follow that are not for all of them;
- a fixed price, or so much off each unit, may leave nothing of it on its own pools, and moves nothing;
- units that are chosen by what they cost (every n-th, got, in sets) may be others. Their sum is never dearer for it,
  but it moves between pools. That does no harm when all that follow there are shares or amounts off all of these
  pools. Otherwise it is at most what the promotion takes (`most`) that moves to where others take less;
- a threshold may be missed, and then the difference between its steps is lost.

So when what is left of g is more than all that may be lost, taking n is better in every case: it is never to be left
out. That holds for promotions that take no pools from others, and when none that does is made to take nothing.
What pools cost at the least at each layer says which steps are certain, and how large a rate an amount can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.pricing.promotions.effects import due, from_of, repeats, runs_of, sets_of
from duoline.pricing.promotions.share import half_up
from duoline.pricing.promotions.types import AmountOff, Bundle, BuyGet, EveryNth, FixedPrice, PercentOff, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.choose import Cluster
    from duoline.pricing.promotions.effects import Taken
    from duoline.pricing.promotions.offers import Offer

ALL_BP = 10_000
ENDLESS = 1 << 100
"""More than any basket costs."""


class _Layer(NamedTuple):
    """How a promotion answers to what is before it: `rate_bp` of what is cheaper may be lost on the pools `on`, and so
    many minor units altogether. `moves`: pools of it may become dearer. `sure`: it takes something in any case.
    `units`: the rate is on so many units at the most."""

    rate_bp: int
    on: int
    loss: int
    moves: bool
    sure: bool
    units: int = 0


_PAST = _Layer(0, 0, 0, moves=False, sure=True)


class _After(NamedTuple):
    """What is left of what is off, in basis points by pool where not all; what may be lost; which units are picked."""

    kept: dict[int, int]
    loss: int
    picked: list[tuple[int, int, int]]


class Certain:
    """What is known of a cluster before it is searched, or of the rest of it."""

    def __init__(
        self, cluster: Cluster, first: int = 0, low: Sequence[int] | None = None, high: Sequence[int] | None = None
    ) -> None:
        """Of layer `first` on, before which pools cost between `low` and `high`."""
        self._cluster = cluster
        self._masks = [offer.mask for offer in cluster.offers]
        gross = cluster.goods.gross
        self._first = first
        self._high = gross if high is None else high
        self._least = list(gross if low is None else low)
        # The same without what is taken off units that are chosen by what they cost.
        self._calm = list(self._least)
        self._layers = [_PAST] * first
        for n in range(first, len(cluster.offers)):
            self._layers.append(self._layer(n, cluster.offers[n]))
        self._known: dict[tuple[int, int, int], _After | None] = {}
        self._answering: dict[int, list[int]] = {}
        self._loss: dict[int, int] = {}
        self._claimed_by: dict[int, tuple[int | None, int]] = {}
        self._at_least()

    def _at_least(self) -> None:
        """From each layer on: what all that follow leave at the least of what is off each pool, and what they may lose;
        whether one that has pools rather than others may be made to take nothing."""
        count = len(self._layers)
        kept = [ALL_BP] * len(self._least)
        self._kept = [kept] * (count + 1)
        self._losses = [0] * (count + 1)
        self._unsure = [False] * (count + 1)
        for n in reversed(range(self._first, count)):
            rate_bp, on, loss, _, sure, _ = self._layers[n]
            if rate_bp:
                kept = kept.copy()
                for i in self._cluster.offers[n].scope.items:
                    if on >> i & 1:
                        kept[i] = kept[i] * (ALL_BP - rate_bp) // ALL_BP
            self._kept[n] = kept
            self._losses[n] = self._losses[n + 1] + loss
            self._unsure[n] = self._unsure[n + 1] or (not sure and self._cluster.claims >> n & 1 == 1)

    def pays(self, n: int, taken: Taken) -> bool:
        """Whether taking this off with promotion n is better than leaving it."""
        saved, offs = taken
        if not self._cluster.claims >> n & 1:
            return self.better(n + 1, offs, saved)
        costs, changed = self._claim(n)
        return costs is not None and self.better(n + 1, offs, saved - costs, changed)

    def _claim(self, n: int) -> tuple[int | None, int]:
        """What those that lose pools to promotion n may take less at the most, and their pools; None if it cannot be
        said, since one of them would have pools rather than others and may be left with none."""
        if n in self._claimed_by:
            return self._claimed_by[n]
        cluster = self._cluster
        costs: int | None = 0
        changed = 0
        for m, offer in enumerate(cluster.offers):
            if cluster.losing[m] >> n & 1:
                if cluster.claims >> m & 1:
                    costs = None
                    break
                common = offer.mask & self._masks[n]
                less, effect = offer.most, offer.rule.effect
                if isinstance(effect, PercentOff):
                    there = sum([cluster.goods.gross[i] for i in offer.scope.items if common >> i & 1])
                    less = min(less, half_up(there, effect.off_bp) + 1)
                costs = (costs or 0) + less
                changed |= offer.mask
        self._claimed_by[n] = (costs, changed)
        return costs, changed

    def better(self, n: int, offs: Sequence[tuple[int, int]], saved: int, changed: int = 0) -> bool:
        """Whether it is better to save so much before layer n, of it this on pools that are still to come to.

        The pools `changed` may be given other shares besides.
        """
        if saved <= 0:
            return False
        if not self._unsure[n]:
            # Mostly even that is enough.
            least = self._kept[n]
            left = (saved - self._losses[n]) * ALL_BP
            for i, off in offs:
                if off > 0:
                    left -= off * (ALL_BP - least[i])
            if left > 0:
                return True
        mine = 0
        for i, _ in offs:
            mine |= 1 << i
        asked = (n, mine, changed)
        if asked in self._known:
            after = self._known[asked]
        else:
            after = self._known[asked] = self._after(n, mine, changed)
        if after is None:
            return False
        kept, loss, picked = after
        left = (saved - loss) * ALL_BP
        for i, off in offs:
            if off > 0:
                left -= off * (ALL_BP - kept.get(i, ALL_BP))
        # `saved` is after what is dearer; as that may be dearer still where it goes, nothing is added for it.
        for on, rate_bp, units in picked:
            if left <= 0:
                return False
            left -= rate_bp * self._dearest(on, units, offs)
        return left > 0

    def _dearest(self, on: int, count: int, offs: Sequence[tuple[int, int]]) -> int:
        """How much of what is off may be on so many units."""
        units = self._cluster.goods.units
        found = 0
        for each, i in sorted([(-(-off // units[i]), i) for i, off in offs if off > 0 and on >> i & 1], reverse=True):
            found += each * min(count, units[i])
            count -= min(count, units[i])
        return found

    def _after(self, n: int, mine: int, changed: int) -> _After | None:
        """What layer n and those after it leave of what is off some pools."""
        cluster, masks, layers = self._cluster, self._masks, self._layers
        touched = mine | changed
        kept: dict[int, int] = {}
        picked = []
        lost = 0
        for m in range(n, len(masks)):
            mask = masks[m]
            if not mask & touched:
                continue
            rate_bp, on, loss, moves, sure, units = layers[m]
            if not sure and cluster.claims >> m & 1:
                return None
            lost += loss
            if moves:
                touched |= mask
            on &= mine
            if not on or not rate_bp:
                continue
            if units:
                picked.append((on, rate_bp, units))
                continue
            while on:
                bit = on & -on
                on ^= bit
                i = bit.bit_length() - 1
                kept[i] = kept.get(i, ALL_BP) * (ALL_BP - rate_bp) // ALL_BP
        return _After(kept, lost, picked)

    def answering(self, n: int) -> list[int]:
        """By pool, the layers from n on, as bits, that answer to it when it costs less: those on it, and those on the
        pools that these may move something to. To several pools it is those that answer to each."""
        if n not in self._answering:
            found = [0] * len(self._least)
            self._answering[len(self._layers)] = found
            for m in reversed(range(n, len(self._layers))):
                items, reached = self._cluster.offers[m].scope.items, 1 << m
                found = found.copy()
                if self._layers[m].moves:
                    for i in items:
                        reached |= found[i]
                for i in items:
                    found[i] |= reached
                self._answering[m] = found
        return self._answering[n]

    def loss(self, answering: int) -> int:
        """What these layers may lose, without end where one that has pools rather than others may come to nothing."""
        loss = self._loss.get(answering)
        if loss is None:
            loss = 0
            for m, layer in enumerate(self._layers):
                if answering >> m & 1:
                    loss += layer.loss if layer.sure or not self._cluster.claims >> m & 1 else ENDLESS
            self._loss[answering] = loss
        return loss

    def _layer(self, n: int, offer: Offer) -> _Layer:
        """Look at one promotion, and lower what pools cost at the least by it."""
        effect: Any = offer.rule.effect
        least, items = self._least, offer.scope.items
        # Pools that no other can have.
        safe = offer.mask & ~self._claimed(n) if self._cluster.losing[n] else offer.mask
        match effect:
            case PercentOff():
                sure = half_up(self._there(n, safe), effect.off_bp) > 0 if self._cluster.claims >> n & 1 else False
                self._lower(items, effect.off_bp)
                return _Layer(effect.off_bp, offer.mask, self._noise(n, offer, in_share=True), True, sure)
            case AmountOff(each=True):
                units = self._cluster.goods.units
                capped = any(least[i] < effect.off_minor * units[i] for i in items)
                for i in items:
                    least[i] = max(0, least[i] - effect.off_minor * units[i])
                    self._calm[i] = max(0, self._calm[i] - effect.off_minor * units[i])
                return _Layer(ALL_BP if capped else 0, offer.mask, 0, False, not capped and safe > 0)
            case AmountOff():
                there = self._there(n, safe)
                rate_bp = _rate_bp(effect.off_minor, there)
                self._lower(items, rate_bp)
                return _Layer(rate_bp, offer.mask, self._noise(n, offer, in_share=False), True, there > 0)
            case FixedPrice():
                units = self._cluster.goods.units
                sure = any(least[i] > effect.price_minor * units[i] for i in items if safe >> i & 1)
                for i in items:
                    least[i] = min(least[i], effect.price_minor * units[i])
                    self._calm[i] = min(self._calm[i], effect.price_minor * units[i])
                return _Layer(ALL_BP, offer.mask, 0, False, sure)
            case Threshold():
                return self._threshold(n, effect, offer, safe, self._there(n, safe))
            case EveryNth():
                groups = sum([self._cluster.goods.units[i] for i in items]) // effect.n
                cheaper = effect.units * (min(groups, effect.times) if effect.times else groups)
                sure = self._cluster.claims >> n & 1 == 1 and self._surely(n, effect, offer, safe)
                return self._chosen(n, offer, effect.off_bp, offer.mask, cheaper, sure=sure)
            case BuyGet():
                cheaper = sets_of(effect, offer.scope, self._cluster.goods)[0] * effect.get_units
                return self._chosen(n, offer, effect.off_bp, sum([1 << i for i in offer.scope.parts[1]]), cheaper)
            case Bundle():
                return self._chosen(n, offer, ALL_BP, offer.mask, sum([self._cluster.goods.units[i] for i in items]))
        return _Layer(0, 0, 0, False, False)

    def _surely(self, n: int, effect: EveryNth, offer: Offer, safe: int) -> bool:
        """Whether more than n - 1 units cost something in any case, so that one that does is made cheaper."""
        goods, missing = self._cluster.goods, effect.n - 1
        rest = self._there(n, safe)
        units = 0
        for money, _, count in runs_of(offer.scope.items, goods, goods.gross):
            rest += money * min(count, missing)
            missing -= min(count, missing)
            units += count
        # Of the others one costs no less than their mean.
        return rest > 0 and half_up(-(-rest // units), effect.off_bp) > 0

    def _most(self, n: int) -> int:
        """What a promotion can take at the most here."""
        offer = self._cluster.offers[n]
        if not self._first:
            return offer.most
        return min(offer.most, sum([self._high[i] for i in offer.scope.items]))

    def _claimed(self, n: int) -> int:
        losing = self._cluster.losing[n]
        claimed = 0
        while losing:
            bit = losing & -losing
            losing ^= bit
            claimed |= self._masks[bit.bit_length() - 1]
        return claimed

    def _there(self, n: int, safe: int) -> int:
        """What some pools cost together at the least when promotion n comes.

        Units that are chosen by what they cost may stand in any of a promotion's pools, but what it takes is limited.
        """
        offers = self._cluster.offers
        pools = offers[n].scope.items
        if safe != offers[n].mask:
            pools = tuple([i for i in pools if safe >> i & 1])
        least = sum([self._least[i] for i in pools])
        calm = sum([self._calm[i] for i in pools])
        if calm == least:
            return least
        reach = safe
        for m in reversed(range(self._first, n)):
            mask = self._masks[m]
            if mask & reach:
                if offers[m].rule.chooses:
                    calm -= self._most(m)
                if self._layers[m].moves:
                    reach |= mask
        return max(least, calm)

    def _lower(self, items: Sequence[int], rate_bp: int) -> None:
        """What these pools cost at the least, once so much is off."""
        least, calm, kept_bp = self._least, self._calm, ALL_BP - rate_bp
        for i in items:
            before, calmly = least[i], calm[i]
            left = before * kept_bp // ALL_BP - 2
            least[i] = left = left if left > 0 else 0
            calm[i] = left if calmly == before else max(0, calmly * kept_bp // ALL_BP - 2)

    def _threshold(self, n: int, effect: Threshold, offer: Offer, safe: int, there: int) -> _Layer:
        goods, items = self._cluster.goods, offer.scope.items
        by_units = effect.steps[0].from_units is not None
        whole = sum([self._high[i] for i in items])
        asked = goods.units if by_units else goods.gross if effect.before else None
        high = sum([asked[i] for i in items]) if asked else whole
        low = sum([asked[i] for i in items if safe >> i & 1]) if asked else there
        most = due(effect, high, whole)
        step = next((one for one in reversed(effect.steps) if high >= from_of(one)), effect.steps[0])
        if step.off_bp is not None:
            rate_bp = step.off_bp
            sure = due(effect, low, there) > 0
        else:
            rate_bp = _rate_bp(most, there)
            sure = low >= from_of(effect.steps[0]) and there > 0
        # Units, and what is asked before offers, do not depend on what earlier ones take.
        loss = 0 if asked else self._missed(effect, low, high, whole)
        self._lower(items, rate_bp)
        loss += self._noise(n, offer, in_share=step.off_bp is not None)
        return _Layer(rate_bp, offer.mask, loss, True, sure)

    def _missed(self, effect: Threshold, low: int, high: int, whole: int) -> int:
        """What is lost between the steps that the most and the least reach."""
        if repeats(effect) or effect.steps[0].off_minor is not None:
            return due(effect, high, whole) - due(effect, low, whole)
        return due(effect, high, whole) - due(effect, low, whole) + 1

    def _chosen(self, n: int, offer: Offer, rate_bp: int, on: int, units: int, *, sure: bool = False) -> _Layer:
        """Units that are chosen by what they cost."""
        noise = self._noise(n, offer, in_share=True)
        for i in offer.scope.items:
            if on >> i & 1:
                self._least[i] = max(0, self._least[i] * (ALL_BP - rate_bp) // ALL_BP - 2)
        if not offer.wild and self._settled(n, offer):
            return _Layer(rate_bp, on, noise, True, sure, units)
        return _Layer(0, 0, noise + self._most(n), True, sure)

    def _noise(self, n: int, offer: Offer, *, in_share: bool) -> int:
        """Minor units that rounding may lose. Where only the sum matters it is one of a share and none of an amount."""
        return (1 if in_share else 0) if self._settled(n, offer) else 2 * len(offer.scope.items) + 1

    def _settled(self, n: int, offer: Offer) -> bool:
        """Whether only the sum matters: all that follow on these pools are shares or amounts off all of them."""
        mine = offer.mask
        if len(offer.scope.items) == 1:
            return True
        cluster, offers = self._cluster, self._cluster.offers
        for m in range(n + 1, len(self._masks)):
            common = self._masks[m] & mine
            if not common:
                continue
            if common != mine or not offers[m].rule.sums:
                return False
            # Those that have pools rather than the later one must have them rather than this one as well.
            others = cluster.losing[m] & ~cluster.losing[n]
            while others:
                bit = others & -others
                others ^= bit
                if self._masks[bit.bit_length() - 1] & mine:
                    return False
        return True


def _rate_bp(amount: int, there: int) -> int:
    """Which share an amount is of what is there at the least, rounded up."""
    return ALL_BP if amount >= there else -(-amount * ALL_BP // there)
