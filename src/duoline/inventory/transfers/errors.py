"""What transfers refuse."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class SamePlace(Refusal):
    """Source and destination are one."""

    code = "inventory.transfer-same-place"
    status = 422
    zh = "调出和调入不能是同一家门店。"
    en = "Units cannot be transferred to the shop they are in."


class AskingClosed(Refusal):
    """The chain's policy does not let shops ask for transfers."""

    code = "inventory.transfer-asking-closed"
    status = 403
    zh = "目前只有总部可以调货,请联系总部。"
    en = "Only headquarters moves units between shops at present; ask there."


class PlaceClosed(Refusal):
    """Source or destination has closed."""

    code = "inventory.transfer-place-closed"
    status = 409
    zh = "{store} 已停业,不能调货。"
    en = "{store} is closed; nothing can be transferred."


class TransferChanged(Refusal):
    """Somebody has done something with the transfer since the caller looked at it."""

    code = "inventory.transfer-changed"
    status = 409
    zh = "这张调拨单刚刚有人处理过,请刷新后再操作。"
    en = "Somebody has just worked on this transfer; look at it again first."


class NothingToSend(Refusal):
    """No unit was picked."""

    code = "inventory.transfer-nothing-sent"
    status = 422
    zh = "至少要发出一件;如果一件也没有,请取消调拨单。"
    en = "Send one unit at least; if there is none, cancel the transfer."


class NotInTransfer(Refusal):
    """More than was asked, or an article that was not asked for."""

    code = "inventory.transfer-not-asked"
    status = 422
    zh = "发出的商品和数量不能超过调拨单上的。"
    en = "Only what was asked for can be sent, and no more of it."


class TooManyDamaged(Refusal):
    """More damaged units than are on the way."""

    code = "inventory.transfer-too-many-damaged"
    status = 422
    zh = "破损数不能超过在途的 {units} 件。"
    en = "There cannot be more damaged units than the {units} on the way."
