"""Policies of pricing, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.policies import Policy, whole


class DeliveryFeePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The member pays `fee` for delivery of less than `free_from` (both minor units), and nothing above it."""

    fee: Annotated[int, whole(0, 1_000_000, zh="运费(分)", en="Delivery fee (cents)")] = 800
    free_from: Annotated[int, whole(0, 100_000_000, zh="满多少免运费(分)", en="Free from (cents)")] = 9900
    # Prices are in this currency too; another one here would only be shown, not charged.
    currency: Annotated[str, msgspec.Meta(pattern="^CNY$", extra={"zh": "币种", "en": "Currency"})] = "CNY"


DELIVERY_FEE = Policy("delivery_fee", DeliveryFeePolicy, DeliveryFeePolicy())
