"""What is refused of stored value."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class NotEnoughStored(Refusal):
    """There is less in the wallet than was to be paid from it."""

    code = "wallet.not-enough"
    status = 409
    zh = "储值余额只有 {balance},不够付 {amount}。"
    en = "There is {balance} in the wallet, not {amount}."


class DayLimit(Refusal):
    """More would be spent within 24 hours than the rules let pass."""

    code = "wallet.day-limit"
    status = 409
    zh = "24 小时内用储值付款最多 {limit},现在还能付 {left}。"
    en = "At most {limit} can be paid from a wallet within 24 hours; {left} is left of it now."


class StoredNotTaken(Refusal):
    """This order does not take so much from the wallet, or nothing."""

    code = "wallet.not-taken"
    status = 409
    zh = "这笔订单现在最多可用储值 {most}。"
    en = "This order takes at most {most} from the wallet now."


class TopUpsOff(Refusal):
    """The chain takes no top-ups now."""

    code = "wallet.top-ups-off"
    status = 409
    zh = "现在不能充值。余额可以照常使用。"
    en = "No top-ups are taken at present; what is in the wallet can be spent as before."


class TopUpTooLittle(Refusal):
    """Less than can be topped up at a time."""

    code = "wallet.too-little"
    status = 422
    zh = "一次至少充值 {least}。"
    en = "At least {least} is topped up at a time."


class WalletFull(Refusal):
    """More would be in the wallet than may be, with what is on its way there."""

    code = "wallet.too-much"
    status = 409
    zh = "储值余额上限是 {limit},现在最多还能充 {left}(含赠送)。"
    en = "A wallet holds at most {limit}; with its bonus no more than {left} can be added now."


class TopUpDayLimit(Refusal):
    """More would be topped up within 24 hours than the rules let pass."""

    code = "wallet.day-top-ups"
    status = 409
    zh = "24 小时内最多充值 {limit},现在还能充 {left}。"
    en = "At most {limit} can be topped up within 24 hours; {left} is left of it now."


class BonusChanged(Refusal):
    """The rules give another bonus than was shown."""

    code = "wallet.bonus-changed"
    status = 409
    zh = "充值赠送已调整,现在送 {bonus}。请确认后再充。"
    en = "The bonus has changed: {bonus} is given now. Look at it, and top up again."


class TopUpOver(Refusal):
    """Nobody can pay this top-up any more."""

    code = "wallet.top-up-over"
    status = 409
    zh = "这笔充值已经结束。请重新充值。"
    en = "This top-up is over; begin a new one."


class NothingToPayOut(Refusal):
    """The wallet has not what was to be paid out of it."""

    code = "wallet.payout-changed"
    status = 409
    zh = "可退本金现在是 {principal}。请核对后再退。"
    en = "The principal is {principal} now. Check it, and pay it out again."
