"""What pre-sales refuse."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class PresaleOver(Refusal):
    """Nothing can be booked in it any more: its time is over, or the chain has withdrawn it."""

    code = "pricing.presale-over"
    status = 410
    zh = "这场预售已经结束,不能再预订。"
    en = "This pre-sale is over; nothing can be booked in it any more."


class PresaleNotBegun(Refusal):
    """It has not begun."""

    code = "pricing.presale-not-begun"
    status = 409
    zh = "预售还没开始,请到时间再来。"
    en = "This pre-sale has not begun yet; please come back when it has."


class PresaleChanged(Refusal):
    """It is another one than was seen: its price or its terms were changed."""

    code = "pricing.presale-changed"
    status = 409
    zh = "预售的价格或规则刚有变动,请看过新的内容再继续。"
    en = "The price or the terms of this pre-sale have just been changed; look at it again before you go on."


class PresaleSoldOut(Refusal):
    """Fewer units are left than were asked for."""

    code = "pricing.presale-sold-out"
    status = 409
    zh = "预售名额只剩 {left} 件。"
    en = "Only {left} are left in this pre-sale."


class PresaleLimit(Refusal):
    """One member may not book as many."""

    code = "pricing.presale-limit"
    status = 409
    zh = "每人限订 {maximum} 件,您已订 {mine} 件。"
    en = "One member may book {maximum}; you have booked {mine}."


class PresaleOverlap(Refusal):
    """The article has another pre-sale at the time."""

    code = "pricing.presale-overlap"
    status = 409
    zh = "这个商品在这段时间已有一场预售,请改日期或先撤回那一场。"
    en = "This article has another pre-sale at that time; choose other dates, or withdraw that one."
