"""Coupons: a right to a promotion for one order. Issued in batches, used by the statement that makes the order.

open_batch → claim | redeem | give | print_codes → used by an order (`use_offers.sql`) → given back if that comes to
nothing (`promotions/uses.py`); `end_batch` and `void` stop what is still out.
"""

from duoline.pricing.coupons.batch import NewBatch, end_batch, open_batch
from duoline.pricing.coupons.codes import CODE_LETTERS, digest, new_code, tidy
from duoline.pricing.coupons.errors import (
    BatchClosed,
    BatchEmpty,
    BatchHad,
    CouponTaken,
    NoSuchCoupon,
    OfferNotByCoupon,
)
from duoline.pricing.coupons.issue import claim, give, print_codes, redeem, void
from duoline.pricing.coupons.shown import shown

__all__ = [
    "CODE_LETTERS",
    "BatchClosed",
    "BatchEmpty",
    "BatchHad",
    "CouponTaken",
    "NewBatch",
    "NoSuchCoupon",
    "OfferNotByCoupon",
    "claim",
    "digest",
    "end_batch",
    "give",
    "new_code",
    "open_batch",
    "print_codes",
    "redeem",
    "shown",
    "tidy",
    "void",
]
