"""Promotions prepared for many baskets: which of them an article belongs to is a look-up, remembered by SKU."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.pricing.promotions.conditions import asks_nothing
from duoline.pricing.promotions.effects import WORK, nothing
from duoline.pricing.promotions.types import AmountOff, Bundle, BuyGet, EveryNth, FreeDelivery, PercentOff, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from duoline.pricing.promotions.effects import Goods, Scope, Taken
    from duoline.pricing.promotions.types import Choice, Item, Promotion

REMEMBERED_MAX = 100_000
"""Of so many SKUs it is remembered what they belong to, then forgotten; some 20 MB at the most."""


class Rule(NamedTuple):
    """A promotion prepared: `rank` is its place in the order of work, `parts` how many sides or parts it has.

    `always`: it holds for everybody and everywhere; `nears`: a basket may nearly have it.
    `chooses`: it is about units that are chosen by what they cost; `sums`: it takes a share or an amount off a sum;
    `gives`: a gift, which takes nothing off what is there."""

    rank: int
    promotion: Promotion
    effect: Any
    work: Callable[[Any, Scope, Goods, Sequence[int]], Taken]
    parts: int
    always: bool
    delivers: bool
    nears: bool
    chooses: bool
    sums: bool
    group: str
    exclusive: bool
    gives: bool = False


class Live:
    """The promotions that may count. Built seldom, read by many baskets; `Situation.at` decides which of them hold."""

    def __init__(self, promotions: Iterable[Promotion], below: Mapping[UUID, Collection[UUID]]) -> None:
        self.rules: list[Rule] = []
        # Choices are numbered; an article's are the bits under its SKU, product, category and brand.
        self._named: tuple[dict[UUID, int], ...] = ({}, {}, {}, {})
        self._all = 0
        self._choices = 0
        self._of: dict[int, tuple[int, int, int, tuple[int, ...]]] = {}
        self._below = below
        self._known: dict[UUID, tuple[UUID, UUID, UUID | None, tuple[tuple[int, int], ...]]] = {}
        self._open: tuple[datetime, datetime, list[bool]] | None = None
        for promotion in sorted(promotions, key=lambda one: (one.priority, one.id)):
            self._add(promotion)
        self.limited = [rule.promotion.id for rule in self.rules if rule.promotion.limited]
        self.gives = any(rule.gives for rule in self.rules)
        self.by_coupon = any(rule.promotion.when.coupon for rule in self.rules)
        instants = {promotion.from_at for promotion in self._promotions()}
        self._instants = sorted(instants | {one.until_at for one in self._promotions() if one.until_at is not None})

    @property
    def empty(self) -> bool:
        """Whether there is none."""
        return not self.rules

    def _promotions(self) -> list[Promotion]:
        return [rule.promotion for rule in self.rules]

    def open_at(self, at: datetime) -> list[bool]:
        """By rank, which promotions have begun and are not over; the same list until one begins or ends."""
        known = self._open
        if known is not None and known[0] <= at < known[1]:
            return known[2]
        after = bisect_right(self._instants, at)
        opened = [one.from_at <= at and (one.until_at is None or at < one.until_at) for one in self._promotions()]
        if 0 < after < len(self._instants):
            self._open = (self._instants[after - 1], self._instants[after], opened)
        elif after and self._instants:
            self._open = (self._instants[-1], datetime.max.replace(tzinfo=UTC), opened)
        return opened

    def _add(self, promotion: Promotion) -> None:
        effect, rank = promotion.effect, len(self.rules)
        parts: tuple[int, ...] = ()
        of = self._choice(promotion.of)
        gives = isinstance(effect, BuyGet) and effect.gift
        if isinstance(effect, BuyGet) and not gives:
            parts = (of, self._choice(effect.get))
        elif isinstance(effect, Bundle):
            parts = tuple([self._choice(part.of) for part in effect.parts])
        without = self._choice(promotion.without) if promotion.without is not None else 0
        found = (rank, of, without, parts)
        for choice in {of, *parts}:
            self._of[choice.bit_length() - 1] = found
        self.rules.append(
            Rule(
                rank, promotion, effect, nothing if gives else WORK[type(effect)], len(parts),
                asks_nothing(promotion.when) and not promotion.limited,
                isinstance(effect, FreeDelivery),
                isinstance(effect, Threshold | EveryNth | BuyGet | FreeDelivery) and not gives,
                isinstance(effect, EveryNth | BuyGet | Bundle) and not gives,
                isinstance(effect, PercentOff | Threshold) or (isinstance(effect, AmountOff) and not effect.each),
                promotion.group, promotion.exclusive, gives,
            )
        )  # fmt: skip

    def _choice(self, choice: Choice) -> int:
        bit = 1 << self._choices
        self._choices += 1
        if choice.everything:
            self._all |= bit
        categories = {under for one in choice.categories for under in (one, *self._below.get(one, ()))}
        for table, ids in zip(
            self._named, (choice.skus, choice.products, categories, choice.brands), strict=True
        ):  # fmt: skip
            for one in ids:
                table[one] = table.get(one, 0) | bit
        return bit

    def touching(self, item: Item) -> tuple[tuple[int, int], ...]:
        """The promotions an article belongs to, by rank, each with the parts it stands in, as bits."""
        known = self._known.get(item.sku_id)
        if known is None or known[:3] != item[2:5]:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            known = (item.product_id, item.category_id, item.brand_id, self._touching(item))
            self._known[item.sku_id] = known
        return known[3]

    def _touching(self, item: Item) -> tuple[tuple[int, int], ...]:
        skus, products, categories, brands = self._named
        chosen = self._all | skus.get(item.sku_id, 0) | products.get(item.product_id, 0)
        chosen |= categories.get(item.category_id, 0)
        if item.brand_id is not None:
            chosen |= brands.get(item.brand_id, 0)
        found: dict[int, int] = {}
        rest = chosen
        while rest:
            bit = rest & -rest
            rest ^= bit
            if bit.bit_length() - 1 in self._of:
                rank, of, without, parts = self._of[bit.bit_length() - 1]
                if rank not in found and not chosen & without:
                    found[rank] = self._parts(chosen, rank, of, parts)
        return tuple(sorted((rank, parts) for rank, parts in found.items() if parts))

    def _parts(self, chosen: int, rank: int, of: int, parts: tuple[int, ...]) -> int:
        if not parts:
            return 1
        inside = sum(1 << n for n, part in enumerate(parts) if chosen & part)
        # Parts of a set lie within what the promotion is for; what is got need not.
        return inside if chosen & of or parts[0] == of else 0


def compile_promotions(promotions: Iterable[Promotion], below: Mapping[UUID, Collection[UUID]]) -> Live:
    """Prepare promotions for many baskets. `below` says of a category which lie under it; a missing one is alone."""
    return Live(promotions, below)
