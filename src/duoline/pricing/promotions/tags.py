"""What a list of articles says of promotions: what one unit costs with them, and which are worth naming."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.pricing.promotions.basket import price_each
from duoline.pricing.promotions.conditions import holds, usable
from duoline.pricing.promotions.types import Bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duoline.pricing.promotions.index import Live
    from duoline.pricing.promotions.types import Applied, Item, Priced, Promotion, Situation


class Tagged(NamedTuple):
    """What one unit costs, the promotions that make it so, and those that it may have with more of the basket."""

    net_minor: int
    alone: Sequence[Applied]
    more: Sequence[Promotion]


def tag_each(live: Live, items: Sequence[Item], situation: Situation) -> list[Tagged]:
    """Each article by itself, for whoever comes by: in the order of `items`.

    An article is one unit. Beside an exclusive promotion that counts, none that asks for more is named: what is
    bought at that price has no other.
    """
    # Most variants of a product cost the same and belong to the same promotions, so that they are one question.
    asked: dict[object, int] = {}
    alike = [
        asked.setdefault((live.touching(item), item.unit_price_minor, item.method, item.place), n)
        for n, item in enumerate(items)
    ]
    firsts = [items[n] for n in asked.values()]
    opened = live.open_at(situation.at)
    known = {
        n: _tagged(live, item, one, situation, opened)
        for n, item, one in zip(asked.values(), firsts, price_each(live, firsts, situation), strict=True)
    }
    return [known[n] for n in alike]


def _tagged(live: Live, item: Item, priced: Priced, situation: Situation, opened: Sequence[bool]) -> Tagged:
    alone = [applied for applied in priced.applied if applied.amount_minor]
    if any(applied.promotion.exclusive for applied in alone):
        return Tagged(priced.nets[0], alone, [])
    counted = {applied.promotion.id for applied in alone}
    more = [one for one in _more(live, item, situation, opened) if one.id not in counted]
    return Tagged(priced.nets[0], alone, more)


def _more(live: Live, item: Item, situation: Situation, opened: Sequence[bool]) -> Iterator[Promotion]:
    for rank, _ in live.touching(item):
        rule = live.rules[rank]
        promotion = rule.promotion
        # Sets and gifts have no hint of their own, so they are not among those that `nears` tells.
        if not opened[rank] or not (rule.nears or rule.gives or isinstance(rule.effect, Bundle)):
            continue
        if rule.delivers and item.method != "delivery":
            continue
        if rule.always or (
            usable(promotion, situation) and holds(promotion.when, item.method, item.place, situation)
        ):  # fmt: skip
            yield promotion
