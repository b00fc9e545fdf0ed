"""What pricing refuses."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class TotalChanged(Refusal):
    """The price differs from what the buyer has seen; `quote` is the present one. Never changed in silence."""

    code = "pricing.total-changed"
    status = 409
    zh = "价格有变动,请确认新的金额后再提交。"
    en = "The price has changed; please look at the new total and confirm it."


class NotForSale(Refusal):
    """The SKU is unknown, withdrawn or has no price here and now."""

    code = "catalog.not-for-sale"
    status = 409
    zh = "有商品已下架或暂不销售,请移除后再下单。"
    en = "Some article is not for sale any more; remove it and try again."


class PriceOverlap(Refusal):
    """Two prices of one scope would be valid at the same time."""

    code = "pricing.overlap"
    status = 409
    zh = "这个时间段已有同一范围的价格,请先结束原价格或调整日期。"
    en = "There is a price of the same scope in that period; end it first or choose other dates."


class BadPrice(Refusal):
    """Not an amount we can charge."""

    code = "pricing.bad-price"
    status = 422
    zh = "价格必须是 0 到 10 亿元之间的金额,结束时间要晚于开始时间。"
    en = "A price is an amount from 0 to one billion, and it must end after it begins."


class CompanysToSet(Refusal):
    """By contract the company that runs the shop sets its prices, not the chain."""

    code = "pricing.companys-to-set"
    status = 409
    zh = "按合同,这家门店的价格由经营它的公司定。请与对方商定由对方来改,或先在「结算」里改合同。"
    en = "By contract the company that runs this shop sets its prices. Ask them to, or change the contract first."


class ChainsToSet(Refusal):
    """By contract the chain sets the prices of the shop, not the company that runs it."""

    code = "pricing.chains-to-set"
    status = 409
    zh = "按合同,这家门店的价格由总部定。需要调价请联系总部。"
    en = "By contract the chain sets the prices of this shop. Ask headquarters for another price."


class PriceOutsideLimits(Refusal):
    """A company's price is not within what its contract allows of the chain's at every moment of its time; `least` and
    `most` are amounts, None for no limit on that side."""

    code = "pricing.outside-limits"
    status = 409
    zh = "这个价格超出了合同约定的范围(总部价的百分比),请在范围内定价,或改短它的时间。"
    en = "By contract this price is too far from the chain's; choose one within the limits, or a shorter time."


class GiftsChanged(Refusal):
    """The gifts are not those that the buyer has seen: there are fewer, others, or none any more."""

    code = "pricing.gifts-changed"
    status = 409
    zh = "赠品有变化,请看一下再下单;不要赠品也可以。"
    en = "The gifts have changed; look at them and order again, or go on without."


class OfferGone(Refusal):
    """What an offer or coupon had left was taken by others again and again while the order was placed."""

    code = "pricing.offer-gone"
    status = 409
    zh = "优惠正被很多人抢用,请再试一次。"
    en = "Many are using this offer at the moment; please try again."


class PromotionChanged(Refusal):
    """Somebody else has changed the promotion since it was read."""

    code = "pricing.promotion-changed"
    status = 409
    zh = "这个促销刚被别人改过,请看过新的内容再保存。"
    en = "Somebody else has changed this promotion meanwhile; look at it again before you save."


class PromotionOver(Refusal):
    """The promotion has ended: it is kept as it was, for the orders that name it."""

    code = "pricing.promotion-over"
    status = 409
    zh = "这个促销已经结束,不能再改;可以复制成新的促销。"
    en = "This promotion is over and stays as it was; copy it to make a new one."
