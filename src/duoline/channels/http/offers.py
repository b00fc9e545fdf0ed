"""What offers take off a basket, as the faces show it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.flows.order_view import OfferShare
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.pricing.promotions.types import FreeDelivery
from duoline.pricing.promotions.uses import Returned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.flows.offers import Offers, Taken
    from duoline.pricing.promotions.types import Promotion


class CouponTerms(msgspec.Struct, frozen=True):
    """Whether a coupon is good again when everything it took off has come back (`whole`), or only when the order comes
    to nothing before anything of it is handed over (`never`); and for how many days, if it has ended by then."""

    returned: Returned
    grace_days: int


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """What one promotion takes off the basket; one that pays the delivery takes nothing off the goods.

    `coupon` when it counts by a coupon, and then `coupon_terms` say whether that comes back with the goods; `clawback`
    when it is lost once the units that earned it are given back.
    """

    promotion_id: UUID
    name: Text
    amount: Money
    free_delivery: bool
    coupon: bool
    coupon_terms: CouponTerms | None
    clawback: bool


class HintView(msgspec.Struct, frozen=True, kw_only=True):
    """So much more money, or so many more units, of a promotion's articles and it counts (for more). `saves` is what it
    would then take off beyond what it does now; None when it pays the delivery."""

    promotion_id: UUID
    name: Text
    missing: Money | None
    missing_units: int | None
    saves: Money | None


class OffersView(msgspec.Struct, frozen=True, kw_only=True):
    """What counts, the most first, and what nearly does."""

    applied: list[OfferView]
    hints: list[HintView]


def offers_view(found: Offers, currency: str) -> OffersView:
    """A basket's offers for its buyer or clerk."""
    counting = sorted(found.applied, key=lambda one: -one.amount_minor)
    paying = [found.free_delivery] if found.free_delivery else []
    terms = {one.promotion_id: CouponTerms(one.returned, one.grace_days) for one in found.coupons}
    return OffersView(
        applied=[
            *(_offer(one.promotion, Money(one.amount_minor, currency), terms) for one in counting if one.amount_minor),
            *(_offer(one, Money(0, currency), terms) for one in paying),
        ],
        hints=[
            HintView(
                promotion_id=hint.promotion.id,
                name=hint.promotion.name.filled,
                missing=None if hint.missing_minor is None else Money(hint.missing_minor, currency),
                missing_units=hint.missing_units,
                saves=None if hint.saves_minor is None else Money(hint.saves_minor, currency),
            )
            for hint in found.hints
        ],
    )


def line_offers(offers: Sequence[Taken], currency: str) -> list[OfferShare]:
    """What each promotion takes off a line."""
    return [OfferShare(one.promotion.name.filled, Money(one.amount_minor, currency)) for one in offers]


def _offer(promotion: Promotion, amount: Money, terms: Mapping[UUID, CouponTerms]) -> OfferView:
    return OfferView(
        promotion_id=promotion.id,
        name=promotion.name.filled,
        amount=amount,
        free_delivery=isinstance(promotion.effect, FreeDelivery),
        coupon=promotion.when.coupon,
        coupon_terms=terms.get(promotion.id),
        clawback=promotion.clawback,
    )
