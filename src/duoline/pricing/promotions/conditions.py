"""Whether a promotion holds for who buys, and at a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duoline.pricing.promotions.types import Place, Promotion, Situation, When


def asks_nothing(when: When) -> bool:
    """Whether a promotion holds for everybody, everywhere, all day."""
    return not (
        when.channels or when.methods or when.stores or when.regions or when.weekdays or when.tiers or when.first_order
        or when.coupon or when.from_minute or when.until_minute != 1440
    )  # fmt: skip


def usable(promotion: Promotion, situation: Situation) -> bool:
    """Whether something is left of it for the buyer, who has the coupon it asks for."""
    if promotion.when.coupon and promotion.id not in situation.coupons:
        return False
    return promotion.id not in situation.spent


def holds(when: When, method: str, place: Place, situation: Situation) -> bool:
    """Whether all that is asked is so. Shops and regions are one question: a shop named, or one in a named region."""
    if when.channels and situation.channel not in when.channels:
        return False
    if when.tiers and situation.tier not in when.tiers:
        return False
    if when.first_order and not situation.first_order:
        return False
    if when.methods and method not in when.methods:
        return False
    if when.weekdays and place.weekday not in when.weekdays:
        return False
    if not when.from_minute <= place.minute < when.until_minute:
        return False
    if not (when.stores or when.regions):
        return True
    if place.store_id is None:
        return False
    return place.store_id in when.stores or not when.regions.isdisjoint(place.regions)
