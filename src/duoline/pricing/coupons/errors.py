"""Refusals of coupons."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class NoSuchCoupon(Refusal):
    """No coupon has this code. The same for one that is void, so that codes cannot be told apart by trying."""

    code = "coupons.no-such-code"
    status = 404
    zh = "没有这个券码,请核对后再试。"
    en = "There is no coupon with this code; check it and try again."


class CouponTaken(Refusal):
    """The coupon has been used, or somebody else has it."""

    code = "coupons.taken"
    status = 409
    zh = "这张券已经被使用或被别人领取。"
    en = "This coupon has been used, or somebody else has it."


class BatchClosed(Refusal):
    """The time to get these coupons has not come, or is over."""

    code = "coupons.closed"
    status = 409
    zh = "现在不在领取时间内。"
    en = "These coupons cannot be had at this time."


class BatchEmpty(Refusal):
    """All coupons of the batch have been issued."""

    code = "coupons.all-gone"
    status = 409
    zh = "券已经领完。"
    en = "All of these coupons are gone."


class BatchHad(Refusal):
    """The member has as many of these coupons as one may have."""

    code = "coupons.had"
    status = 409
    zh = "您已经领过这张券,每人限领 {maximum} 张。"
    en = "You already have this coupon; one person may have {maximum}."


class OfferNotByCoupon(Refusal):
    """Coupons are for promotions that ask for one."""

    code = "coupons.offer-needs-none"
    status = 422
    zh = "这个促销不需要券。请先把它设为“凭券使用”。"
    en = "This promotion asks for no coupon; let it ask for one first."
