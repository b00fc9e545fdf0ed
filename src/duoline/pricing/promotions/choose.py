"""Which promotions of a cluster count: those with the lowest total, of these the fewest, of these the lowest ids.

Any set of a cluster's promotions may count together in which each takes something off. Worked out in the order of
priority and id, each works on what those before it have left. Two that do not go beside each other (one group, or one
of them exclusive) share no pool: where both are for one, the narrower has it, which is for fewer pools of the basket,
and of equals the earlier. So 10% off a category and 30% off one of its articles, in one group, take 30% off that
article and 10% off the others; and an offer on the whole basket is left with what exclusive offers do not count for.

The search goes through the layers with all beginnings of sets that may still become the best, each continued with and
without the next promotion. A beginning is given up only when that is proved to be right: another leaves the same for
less, nothing that is to come can make up for it (`most`), or whatever comes the other is better (`certain.py`). So what
has no bearing on each other is not searched together. It gives up after a number of steps that eight promotions never
need.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import reduce
from itertools import combinations, compress
from operator import attrgetter, ne, or_
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.pricing.promotions.certain import Certain
from duoline.pricing.promotions.offers import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.promotions.effects import Goods, Scope, Taken
    from duoline.pricing.promotions.offers import Offer

RIVALS_MAX = 8
"""So many promotions that compete are always searched to the end."""
STEPS_MAX = RIVALS_MAX << RIVALS_MAX
STEPS_LARGE = 400
"""Of larger clusters: beyond it a good set is taken (`rivals.py`)."""
MANY = 6
"""With so many beginnings it is worth looking again at what is certain."""
COMPARED_MAX = 8
"""With so many of the best beginnings the others are compared: more would cost more than they save."""


class Chosen(NamedTuple):
    """The promotions that count, by position in the cluster, with what they take; what all of it costs."""

    total: int
    taken: list[tuple[int, Taken]]
    proved: bool


class Cluster:
    """Promotions connected by pools, and which of them take pools from which."""

    def __init__(self, offers: Sequence[Offer], goods: Goods) -> None:
        self.offers = offers = _near_by(offers)
        self.goods = goods
        self.items = sorted({i for offer in offers for i in offer.scope.items})
        # `losing[n]`: those that have a pool rather than n, as bits. `claims`: those that have one rather than another.
        self.losing = [0] * len(offers)
        self.claims = 0
        self._rivals()
        self._taken: dict[tuple[int, tuple[int, ...], tuple[int, ...]], Taken] = {}
        self._scopes: dict[tuple[int, int], Scope] = {}

    def _rivals(self) -> None:
        offers = self.offers
        alone = [n for n, offer in enumerate(offers) if offer.rule.exclusive]
        groups: dict[str, list[int]] = {}
        for n, offer in enumerate(offers):
            if offer.rule.group:
                groups.setdefault(offer.rule.group, []).append(n)
        pairs = [(n, m) for n in alone for m in range(len(offers)) if n != m]
        pairs += [pair for members in groups.values() for pair in combinations(members, 2)]
        for n, m in pairs:
            one, other = offers[n], offers[m]
            if one.mask & other.mask:
                first, second = (n, m) if _precedence(one) < _precedence(other) else (m, n)
                self.losing[second] |= 1 << first
                self.claims |= 1 << first

    def scope(self, n: int, chosen: int) -> Scope:
        """What promotion n counts for beside those chosen."""
        claimed = self.losing[n] & chosen
        if not claimed:
            return self.offers[n].scope
        known = self._scopes.get((n, claimed))
        if known is None:
            mask = self.offers[n].mask
            for m in range(len(self.offers)):
                if claimed >> m & 1:
                    mask &= ~self.offers[m].mask
            known = self._scopes[n, claimed] = within(self.offers[n].scope, mask)
        return known

    def take(self, n: int, chosen: int, nets: Sequence[int]) -> Taken:
        """What promotion n takes beside those chosen, of what is left."""
        rule = self.offers[n].rule
        return rule.work(rule.effect, self.scope(n, chosen), self.goods, nets)

    def take_again(self, n: int, chosen: int, nets: Sequence[int]) -> Taken:
        """The same, remembered: for where many sets are tried, which leave the same of most pools."""
        items = self.scope(n, chosen).items
        asked = (n, items, tuple([nets[i] for i in items]))
        taken = self._taken.get(asked)
        if taken is None:
            taken = self._taken[asked] = self.take(n, chosen, nets)
        return taken

    def ids(self, chosen: int) -> list[int]:
        """The ids of those chosen, in order."""
        return sorted(offer.rule.promotion.id.int for n, offer in enumerate(self.offers) if chosen >> n & 1)

    def evaluate(self, chosen: int) -> Chosen | None:
        """What a set comes to; None when one of it takes nothing."""
        nets = list(self.goods.gross)
        taken = []
        total = sum([nets[i] for i in self.items])
        for n in range(len(self.offers)):
            if chosen >> n & 1:
                one = self.take_again(n, chosen, nets)
                if not one[0]:
                    return None
                for i, off in one[1]:
                    nets[i] -= off
                total -= one[0]
                taken.append((n, one))
        return Chosen(total, taken, proved=False)


def beside(one: Offer, other: Offer) -> bool:
    """Whether both may count for one pool."""
    group = one.rule.group
    return not (one.rule.exclusive or other.rule.exclusive or (group and group == other.rule.group))


def _precedence(offer: Offer) -> tuple[int, int]:
    return offer.mask.bit_count(), offer.rule.rank


def _near_by(offers: Sequence[Offer]) -> list[Offer]:
    """The same in an order in which those that share pools follow soon.

    Only offers without a common pool change places, which makes no difference to what they take; and whether to take
    one is settled as soon as those it has to do with have been.
    """
    masks = [offer.mask for offer in offers]
    found: list[Offer] = []
    done = [False] * len(offers)

    def visit(n: int) -> None:
        done[n] = True
        mask = masks[n]
        for m in range(n):
            if not done[m] and masks[m] & mask:
                visit(m)
        found.append(offers[n])

    for n in sorted(range(len(offers)), key=lambda n: (masks[n].bit_count(), masks[n], n)):
        if not done[n]:
            visit(n)
    return found


class TooMany(Exception):
    """There is more to search than there are steps."""


class State(NamedTuple):
    """A beginning of a set: what it leaves, which promotions are in it and which are not, and what those took.

    Of later promotions some are decided already: those that have pools rather than an earlier one.
    """

    total: int
    nets: list[int]
    chosen: int
    refused: int
    taken: Any


class Search:
    """One search through a cluster."""

    def __init__(self, cluster: Cluster, certain: Certain, steps_max: int, width: int | None = None) -> None:
        self._cluster = cluster
        self._certain = certain
        self._count = len(cluster.offers)
        self._steps = steps_max
        self._width = width
        self._pools: dict[int, list[int]] = {}
        # From layer n on: what all can take, their pools, and who has pools rather than one of them.
        self._still = [0] * (self._count + 1)
        self._alive = [0] * (self._count + 1)
        self._heard = [0] * (self._count + 1)
        for n in reversed(range(self._count)):
            self._still[n] = self._still[n + 1] + cluster.offers[n].most
            self._alive[n] = self._alive[n + 1] | cluster.offers[n].mask
            self._heard[n] = self._heard[n + 1] | cluster.losing[n]

    def run(self) -> Chosen:
        """The best set. Raises TooMany."""
        nets = list(self._cluster.goods.gross)
        states = [State(sum([nets[i] for i in self._cluster.items]), nets, 0, 0, None)]
        looked_at = 0
        differing = 0  # the pools that may not cost the same in all of them
        n = -1
        while n + 1 < self._count:
            if len(states) == 1:
                n, states = self._straight_on(n + 1, states[0])
                if n + 1 == self._count:
                    break
                differing = 0
            n += 1
            offer = self._cluster.offers[n]
            if not offer.mask & differing and self._same_for_all(n, states):
                continue
            differing |= offer.mask
            states = self._layer(n, states)
            if len(states) > 1:
                states = self._worth_keeping(n + 1, states)
            if len(states) >= MANY and n - looked_at >= 3:
                looked_at = n
                self._look_again(n + 1, states)
                states = self._worth_keeping(n + 1, states)
            if self._width is not None and len(states) > self._width:
                states = self._narrowed(n, states)
        best = min(states, key=self._rank) if len(states) > 1 else states[0]
        return Chosen(best.total, _listed(best.taken), proved=self._width is None)

    def _straight_on(self, n: int, state: State) -> tuple[int, list[State]]:
        """The only beginning as far as there is no choice, changed in place: most of the way. The last layer done."""
        cluster, certain = self._cluster, self._certain
        total, nets, chosen, refused, before = state
        while n < self._count:
            bit = 1 << n
            if not refused & bit:
                if cluster.losing[n] & ~(chosen | refused) or chosen & bit:
                    break
                taken = cluster.take(n, chosen, nets)
                amount, offs = taken
                if not amount:
                    refused |= bit
                elif certain.pays(n, taken):
                    for i, off in offs:
                        nets[i] -= off
                    total -= amount
                    chosen |= bit
                    before = (before, n, taken)
                else:
                    break
            n += 1
        return n - 1, [State(total, nets, chosen, refused, before)]

    def _same_for_all(self, n: int, states: list[State]) -> bool:
        """Whether a promotion is the same in all beginnings and no choice; then it is taken or left in all of them."""
        cluster, bit = self._cluster, 1 << n
        if cluster.losing[n] or cluster.claims & bit:
            return False
        taken = cluster.take(n, 0, states[0].nets)
        amount, offs = taken
        if amount and not self._certain.pays(n, taken):
            return False
        for k, (total, nets, chosen, refused, before) in enumerate(states):
            if not amount:
                states[k] = State(total, nets, chosen, refused | bit, before)
                continue
            for i, off in offs:
                nets[i] -= off
            states[k] = State(total - amount, nets, chosen | bit, refused, (before, n, taken))
        return True

    def _look_again(self, n: int, states: list[State]) -> None:
        """What is certain of the rest, now that less is open."""
        nets = [state.nets for state in states]
        low, high = [min(of) for of in zip(*nets, strict=True)], [max(of) for of in zip(*nets, strict=True)]
        self._certain = Certain(self._cluster, n, low, high)

    def _narrowed(self, n: int, states: list[State]) -> list[State]:
        """So many that cost least, and one that cannot come to nothing: where no later promotion is decided already."""
        states.sort(key=self._rank)
        free = [state for state in states if not state.chosen >> n + 1]
        return [*states[: self._width], *free[:1]]

    def _rank(self, state: State) -> tuple[int, int, list[int]]:
        return state.total, state.chosen.bit_count(), self._cluster.ids(state.chosen)

    def _layer(self, n: int, states: list[State]) -> list[State]:
        """Every state with promotion n and without it."""
        bit = 1 << n
        losing = self._cluster.losing[n]
        take = self._cluster.take if len(states) < MANY else self._cluster.take_again
        after = []
        while states:
            state = states.pop()
            total, nets, chosen, refused, before = state
            if refused & bit:
                after.append(state)
                continue
            # Which pools are left to it depends on whether those that would have them count.
            undecided = losing & ~(chosen | refused)
            if undecided:
                first = undecided & -undecided
                states.append(State(total, nets.copy(), chosen | first, refused, before))
                states.append(State(total, nets, chosen, refused | first, before))
                continue
            self._steps -= 1
            if self._steps < 0:
                raise TooMany
            taken = take(n, chosen, nets)
            amount, offs = taken
            if amount:
                left = nets.copy()
                for i, off in offs:
                    left[i] -= off
                after.append(State(total - amount, left, chosen | bit, refused, (before, n, taken)))
                if chosen & bit or self._certain.pays(n, taken):
                    continue
            elif chosen & bit:  # it has pools that it takes nothing off
                continue
            after.append(State(total, nets, chosen, refused | bit, before))
        return after

    def _worth_keeping(self, n: int, states: list[State]) -> list[State]:
        """Without those of which another is better whatever comes at layer n and later."""
        # Who may still stop may stop here.
        future = -1 << n
        most = min([state.total for state in states if not state.chosen & future], default=None)
        enough = None if most is None else most + self._still[n]
        heard = self._heard[n] | future
        alive = self._pools_from(n)
        if len(states) > COMPARED_MAX:
            # Those first on which most may be lost.
            answering = self._certain.answering(n)
            alive = sorted(alive, key=lambda i: -self._certain.loss(answering[i]))
        kept: dict[tuple[int, int], dict[tuple[int, ...], State]] = {}
        for state in states:
            total, nets, chosen, refused, _ = state
            if enough is not None and total > enough:
                continue
            left = tuple([nets[i] for i in alive])
            alike = kept.setdefault((chosen & heard, refused & future), {})
            other = alike.get(left)
            if (
                other is None
                or total < other.total
                or (total == other.total and self._rank(state) < self._rank(other))
            ):  # fmt: skip
                alike[left] = state
        found: list[State] = []
        for alike in kept.values():
            if len(alike) == 1:
                found += alike.values()
            elif len(alike) <= COMPARED_MAX:
                found += self._undominated(n, sorted(alike.values(), key=_TOTAL), alive)
            else:
                found += self._undominated_of_many(n, alike, alive)
        return found

    def _pools_from(self, n: int) -> list[int]:
        """The pools of layer n and later."""
        pools = self._pools.get(n)
        if pools is None:
            pools = self._pools[n] = [i for i in self._cluster.items if self._alive[n] >> i & 1]
        return pools

    def _undominated(self, n: int, states: list[State], alive: list[int]) -> list[State]:
        kept: list[State] = []
        for state in states:
            nets = state.nets
            for better in kept:
                other = better.nets
                offs = [(i, nets[i] - other[i]) for i in alive if nets[i] != other[i]]
                if self._certain.better(n, offs, state.total - better.total):
                    break
            else:
                kept.append(state)
        return kept

    def _undominated_of_many(self, n: int, alike: dict[tuple[int, ...], State], alive: list[int]) -> list[State]:
        """The same, of states by what they leave of the pools. Each is compared with a few of the best.

        Hardly any is better than another then, and most pairs are told by which layers answer to where they differ:
        these may lose more than was saved. If they differ on a pool that alone is too much, even that is not asked; the
        pools stand in this order.
        """
        certain = self._certain
        found = certain.answering(n)
        answering = [found[i] for i in alive]
        # Rising, to look up on how many of the pools, which stand in this order, at least so much may be lost.
        losses = [-certain.loss(one) for one in answering]
        kept: list[State] = []
        compared: list[tuple[tuple[int, ...], int]] = []
        for left, state in sorted(alike.items(), key=lambda one: one[1].total):
            same = bisect_right(losses, compared[0][1] - state.total) if compared else 0
            head = left[:same]
            for other, total in compared:
                if other[:same] != head:
                    continue
                saved = state.total - total
                if saved <= certain.loss(reduce(or_, compress(answering, map(ne, left, other)))):
                    continue
                offs = [(i, mine - its) for i, mine, its in zip(alive, left, other, strict=True) if mine != its]
                if certain.better(n, offs, saved):
                    break
            else:
                if len(kept) < COMPARED_MAX:
                    compared.append((left, state.total))
                kept.append(state)
        return kept


_TOTAL = attrgetter("total")


def _listed(taken: Any) -> list[tuple[int, Taken]]:
    found = []
    while taken is not None:
        taken, n, one = taken
        found.append((n, one))
    return found[::-1]
