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
