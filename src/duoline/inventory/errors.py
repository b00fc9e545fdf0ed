"""What stock refuses."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class InsufficientStock(Refusal):
    """Fewer units can be promised than were asked for; `short` lists which, where, and how many there are."""

    code = "inventory.insufficient-stock"
    status = 409
    zh = "有商品库存不足,请减少数量或换一家门店。"
    en = "There are not enough units of some articles; take fewer or choose another shop."


class CountBelowHeld(Refusal):
    """The counted number is smaller than what is promised to customers."""

    code = "inventory.count-below-held"
    status = 409
    zh = "数量 {counted} 少于已为顾客保留的 {held} 件。请在店员手机上盘点这件商品:缺少的件数会自动改派或询问顾客。"
    en = (
        "{counted} units are fewer than the {held} held for customers. Count the article on the clerk's phone: "
        "what is missing is then found elsewhere for them."
    )


class BadQuantity(Refusal):
    """Not a whole number in range."""

    code = "inventory.bad-quantity"
    status = 422
    zh = "数量必须是 1 到 {maximum} 之间的整数。"
    en = "The quantity must be a whole number from 1 to {maximum}."


class BrokenBeyondStock(Refusal):
    """More units are said to be broken than there are."""

    code = "inventory.broken-beyond-stock"
    status = 409
    zh = "账上这件商品只剩 {there} 件,不能报损更多。如果实物更多,请先盘点。"
    en = "The book has only {there} units of this article left to break. If there are more, count it first."


class HoldGone(Refusal):
    """The hold is no longer open."""

    code = "inventory.hold-gone"
    status = 409
    zh = "这些商品的保留已经失效。"
    en = "These units are no longer held."


class NothingToCount(Refusal):
    """No article was chosen, or the shelf carries none."""

    code = "inventory.nothing-to-count"
    status = 422
    zh = "没有可以盘点的商品,请选择货架或商品。"
    en = "There is nothing to count; choose a shelf or articles."


class CountIncomplete(Refusal):
    """Articles that nobody counted, and nobody said that they are not there."""

    code = "inventory.count-incomplete"
    status = 409
    zh = "还有 {uncounted} 种商品没有盘点。确认都不在店里,或继续盘点。"
    en = "{uncounted} articles have not been counted. Confirm that they are not there, or go on counting."


class OwnCount(Refusal):
    """Who counted does not approve the differences."""

    code = "inventory.own-count"
    status = 409
    zh = "不能批准自己提交的盘点,请由另一位有权限的同事批准。"
    en = "Somebody else must approve a count that you submitted."


class NotOnTask(Refusal):
    """The hold does not keep units of the missing article, or an order stands behind it."""

    code = "inventory.not-on-task"
    status = 409
    zh = "这个保留与缺货任务无关,或属于一张订单。"
    en = "This hold is not part of the shortage, or belongs to an order."
