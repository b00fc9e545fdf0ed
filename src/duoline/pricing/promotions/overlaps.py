"""What a promotion meets: others for the same articles at the same time, and what becomes of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline.pricing.promotions.types import FreeDelivery
from duoline.pricing.promotions.where import is_gift, meet, touches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from duoline.pricing.promotions.types import Promotion
    from duoline.pricing.promotions.where import Article
    from duoline.stores.directory import Chain

Relation = Literal["adds_up", "competes", "excludes"]


class Overlap(NamedTuple):
    """Another promotion, how the two stand to each other, and the articles they share."""

    promotion: Promotion
    relation: Relation
    shared: list[UUID]


def overlaps(
    promotion: Promotion,
    others: Iterable[Promotion],
    articles: Sequence[Article],
    below: Mapping[UUID, Collection[UUID]],
    chain: Chain,
) -> list[Overlap]:
    """Those of `others` that count for some of these articles beside `promotion`, the most shared first.

    `articles` are the ones it touches. Free delivery and gifts take nothing off an article, so they never stand in the
    way.
    """
    found = []
    for other in others:
        if other.id == promotion.id or not meet(promotion, other, chain):
            continue
        if shared := [article.sku_id for article in articles if touches(other, article, below)]:
            found.append(Overlap(other, relation(promotion, other), shared))
    return sorted(found, key=lambda each: (_ORDER.index(each.relation), -len(each.shared), each.promotion.id))


_ORDER: list[Relation] = ["excludes", "competes", "adds_up"]


def relation(one: Promotion, other: Promotion) -> Relation:
    """Whether both count for one article, one of them at most, or one alone."""
    if any(isinstance(each.effect, FreeDelivery) or is_gift(each) for each in (one, other)):
        return "adds_up"
    if one.exclusive or other.exclusive:
        return "excludes"
    return "competes" if one.group and one.group == other.group else "adds_up"
