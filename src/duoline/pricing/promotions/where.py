"""Where, when and of which articles a promotion counts, told by itself: for explaining, not for pricing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from duoline.pricing.promotions.types import Bundle, BuyGet, Choice, Place
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from duoline.pricing.promotions.types import Promotion, When
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store


class Sold(Protocol):
    """An article as promotions choose it: a line of a basket, or an article by itself."""

    @property
    def sku_id(self) -> UUID: ...
    @property
    def product_id(self) -> UUID: ...
    @property
    def category_id(self) -> UUID: ...
    @property
    def brand_id(self) -> UUID | None: ...


class Article(NamedTuple):
    """An article by itself."""

    sku_id: UUID
    product_id: UUID
    category_id: UUID
    brand_id: UUID | None


def place_at(chain: Chain, store: Store | None, at: datetime) -> Place:
    """A shop at an instant by its own clock; without one a delivery, by the chain's."""
    local = at.astimezone(ZoneInfo(CHAIN_ZONE if store is None else store.timezone))
    regions: set[UUID] = set()
    region_id = None if store is None else store.region_id
    while region_id is not None and region_id not in regions:
        regions.add(region_id)
        region = chain.regions.get(region_id)
        region_id = None if region is None else region.parent_id
    return Place(
        None if store is None else store.id, frozenset(regions), local.weekday(), local.hour * 60 + local.minute
    )


def chosen(choice: Choice, article: Sold, below: Mapping[UUID, Collection[UUID]]) -> bool:
    """Whether a choice takes in an article."""
    return (
        choice.everything
        or article.sku_id in choice.skus
        or article.product_id in choice.products
        or article.brand_id in choice.brands
        or any(article.category_id in below.get(each, {each}) for each in choice.categories)
    )


def touches(promotion: Promotion, article: Sold, below: Mapping[UUID, Collection[UUID]]) -> bool:
    """Whether an article may have to do with a promotion: as one it counts for, or as one that is got for others."""
    if promotion.without is not None and chosen(promotion.without, article, below):
        return False
    inside = chosen(promotion.of, article, below)
    match promotion.effect:
        case BuyGet(get=get, gift=False):
            return inside or chosen(get, article, below)
        case Bundle(parts=parts):
            return inside and any(chosen(part.of, article, below) for part in parts)
    return inside


def is_gift(promotion: Promotion) -> bool:
    """Whether what is got is put into the order by itself."""
    return isinstance(promotion.effect, BuyGet) and promotion.effect.gift


def reach(promotion: Promotion) -> list[Choice]:
    """The choices beyond which no article has to do with a promotion."""
    match promotion.effect:
        case BuyGet(get=get, gift=False):
            return [promotion.of, get]
        case Bundle(parts=parts):
            return [part.of for part in parts]
    return [promotion.of]


# --- whether two can meet --------------------------------------------------------------------------


def meet(one: Promotion, other: Promotion, chain: Chain) -> bool:
    """Whether there is a moment and a place at which both count."""
    return (
        (one.until_at is None or other.from_at < one.until_at)
        and (other.until_at is None or one.from_at < other.until_at)
        and _both(one.when.channels, other.when.channels)
        and _both(one.when.methods, other.when.methods)
        and _both(one.when.tiers, other.when.tiers)
        and _both(one.when.weekdays, other.when.weekdays)
        and one.when.from_minute < other.when.until_minute
        and other.when.from_minute < one.when.until_minute
        and _both(shops_of(one.when, chain), shops_of(other.when, chain))
        and _somewhere(one.when, other.when)
        and _somewhere(other.when, one.when)
    )


def _both(one: Collection[object], other: Collection[object]) -> bool:
    """Whether two conditions, of which an empty one asks for nothing, can be met together."""
    return not one or not other or not set(one).isdisjoint(other)


def _somewhere(one: When, other: When) -> bool:
    """A delivery has no shop: what is for shops does not meet what is for deliveries only."""
    return not (one.stores or one.regions) or other.methods != frozenset({"delivery"})


def shops_of(when: When, chain: Chain) -> frozenset[UUID]:
    """The shops where it counts, which are named or in a region that is; none is everywhere."""
    return when.stores.union(*(chain.stores_below(region) for region in when.regions))
