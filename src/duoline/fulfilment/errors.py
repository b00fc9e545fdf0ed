"""What fulfilment refuses."""

from __future__ import annotations

from duoline.kernel.errors import NotFound, Refusal


class NoPickup(Refusal):
    """The shop does not hand over orders."""

    code = "stores.no-pickup"
    status = 422
    zh = "这家门店不支持到店自提,请换一家。"
    en = "This shop does not offer pickup; choose another one."


class StoreClosed(Refusal):
    """The shop is closed for good or not open yet."""

    code = "stores.closed"
    status = 409
    zh = "这家门店已停业,请换一家。"
    en = "This shop has closed; choose another one."


class WrongCode(Refusal):
    """No order waits at this shop under this code. The same answer for wrong, foreign and used codes."""

    code = "fulfilment.wrong-code"
    status = 422
    zh = "这个取货码在本店无效,请让顾客刷新取货码再试。"
    en = "This code opens nothing at this shop; ask the customer to refresh it and try again."


class TooManyWrongCodes(Refusal):
    """The limit against guessing."""

    code = "fulfilment.too-many-wrong-codes"
    status = 429
    zh = "错误的取货码太多,请 10 分钟后再试,或扫描二维码。"
    en = "Too many wrong codes; wait ten minutes."


class NotReady(Refusal):
    """The goods have not been picked yet."""

    code = "fulfilment.not-ready"
    status = 409
    zh = "订单还在备货,备好后才能交付。"
    en = "This order has not been picked yet; mark it ready first."


class NotPaid(Refusal):
    """The order has to be paid before it is handed over."""

    code = "fulfilment.not-paid"
    status = 409
    zh = "还有 {due} 未付,请先收款。"
    en = "{due} is still due; take the payment first."


class AlreadyDone(Refusal):
    """Handed over before."""

    code = "fulfilment.already-done"
    status = 409
    zh = "这张订单已经交付过了。"
    en = "This order has been handed over before."


class TooLittle(Refusal):
    """The customer gave less than what is due."""

    code = "fulfilment.too-little-money"
    status = 422
    zh = "收到的现金少于应收金额 {due}。"
    en = "The cash given is less than the {due} that is due."


class CannotServe(Refusal):
    """No location can serve the delivery."""

    code = "fulfilment.cannot-serve"
    status = 409
    zh = "目前没有门店或仓库能配齐这张订单,请减少数量。"
    en = "No shop or warehouse can serve this delivery now; take fewer."


class NoSuchReplay(NotFound):
    """There is no such replay."""

    code = "sourcing.no-such-replay"
    zh = "没有这次回放。"
    en = "There is no such replay."


class ReplayEnded(Refusal):
    """It has ended already: nothing is left to cancel."""

    code = "sourcing.replay-ended"
    status = 409
    zh = "这次回放已经结束,没有什么可取消的。"
    en = "This replay has ended; there is nothing to cancel."
