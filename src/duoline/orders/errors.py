"""What an order or a cart refuses."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class EmptyOrder(Refusal):
    """There is nothing to order."""

    code = "orders.empty"
    status = 422
    zh = "购物车是空的,先挑几件商品吧。"
    en = "There is nothing to order; choose something first."


class BadOrderQuantity(Refusal):
    """Not a whole number in range."""

    code = "orders.bad-quantity"
    status = 422
    zh = "每种商品的数量必须是 1 到 {maximum} 之间的整数。"
    en = "The quantity of an article must be a whole number from 1 to {maximum}."


class TooManyLines(Refusal):
    """More lines than one order may have."""

    code = "orders.too-many-lines"
    status = 422
    zh = "一张订单最多 {maximum} 行。"
    en = "An order has at most {maximum} lines."


class AddressMissing(Refusal):
    """Something is to be delivered and it is not known where."""

    code = "orders.address-missing"
    status = 422
    zh = "请填写收货地址。"
    en = "Tell us where to deliver."


class PayOnline(Refusal):
    """Delivery is paid online: nobody is there to take the money."""

    code = "orders.pay-online-for-delivery"
    status = 422
    zh = "送货到家的订单需要在线支付。"
    en = "An order that is delivered has to be paid online."


class PayOnlineToBring(Refusal):
    """Units travel to the shop for one buyer: they are paid for before they leave."""

    code = "orders.pay-online-to-bring"
    status = 422
    zh = "从其他门店调来的商品需要在线支付。"
    en = "What is brought from another shop has to be paid online."


class NoOnlinePayment(Refusal):
    """This installation is connected to no payment provider."""

    code = "orders.no-online-payment"
    status = 409
    zh = "暂时不能在线支付,请选择到店付款。"
    en = "Paying online is not possible here yet; choose to pay at the shop."


class TooManyOrders(Refusal):
    """Somebody who has not logged in ordered as often as may be; `retry_at` says when another may be placed."""

    code = "orders.too-many-orders"
    status = 429
    zh = "下单次数太多,请稍后再试,或登录后下单。"
    en = "Too many orders from here; try again later, or log in to order."


class TooManyUnpaid(Refusal):
    """Somebody who has not logged in would hold more unpaid units than may be."""

    code = "orders.too-many-unpaid"
    status = 429
    zh = "未登录时最多保留 {maximum} 件未付款的商品。请先付款或取消已有订单,或登录后下单。"
    en = "Without logging in at most {maximum} unpaid units are kept; pay or cancel first, or log in to order."


class NothingToCancel(Refusal):
    """What should be cancelled was handed over, cancelled before, or never ordered."""

    code = "orders.nothing-to-cancel"
    status = 409
    zh = "这些商品已经交付或已取消,不能再取消。"
    en = "These articles were handed over or cancelled before; they cannot be cancelled now."


class ServedElsewhere(Refusal):
    """The units are at shops that this person does not reach."""

    code = "orders.served-elsewhere"
    status = 403
    zh = "这些商品由其他门店负责,您只能取消本店负责的商品。"
    en = "Other shops serve these articles; you can cancel what your own shops serve."


class CancelWhole(Refusal):
    """An order that waits for payment is cancelled as a whole."""

    code = "orders.cancel-whole"
    status = 409
    zh = "待付款的订单只能整单取消,请取消后重新下单。"
    en = "An unpaid order can only be cancelled as a whole; cancel it and order again."


class NoLongerUnpaid(Refusal):
    """The customer has paid, or the order is over: a clerk lets go of unpaid orders only."""

    code = "orders.no-longer-unpaid"
    status = 409
    zh = "这一单已经付款或已结束,不能在这里取消。需要取消时请店长在后台处理。"
    en = "This order has been paid or is over; it cannot be cancelled here. A manager can cancel it in the console."


class AlreadyPaid(Refusal):
    """There is nothing to pay."""

    code = "orders.already-paid"
    status = 409
    zh = "这张订单不需要付款。"
    en = "There is nothing to pay for this order."


class ReturnNotOffered(Refusal):
    """The shop takes nothing back, or not what this company sold."""

    code = "returns.not-offered"
    status = 409
    zh = "本店不办理退货。"
    en = "This shop does not take anything back."


class ReturnNothingLeft(Refusal):
    """More is brought back than was handed over and not brought back before."""

    code = "returns.nothing-left"
    status = 409
    zh = "这些商品没有交付过,或已经退过,不能再退。"
    en = "These articles were not handed over, or were brought back before; there is nothing left to return."


class ReturnTooLate(Refusal):
    """The time in which this may be brought back for this reason is over."""

    code = "returns.too-late"
    status = 409
    zh = "已经超过退货期限({days} 天)。商品有质量问题时,请选「商品有问题」再试。"
    en = "The time for returns ({days} days) is over. If the article is faulty, choose that as the reason."


class ReturnExcluded(Refusal):
    """Articles of this kind are not taken back unless they are faulty or wrong."""

    code = "returns.excluded"
    status = 409
    zh = "这类商品不支持无理由退货;有问题或给错时可以退。"
    en = "Articles of this kind are taken back only when they are faulty or not what was ordered."


class ReturnChanged(Refusal):
    """What would go back is another amount than the one that was shown."""

    code = "returns.amount-changed"
    status = 409
    zh = "应退金额已变为 {refund},请核对后再确认。"
    en = "What goes back is {refund} by now; check it and confirm again."


class RefundElsewhere(Refusal):
    """It was paid in a way that this installation cannot give money back by."""

    code = "returns.refund-elsewhere"
    status = 409
    zh = "这笔付款不是经本系统收的,不能在这里退。请联系总部处理。"
    en = "This was not paid through this system and cannot be given back here; ask headquarters."


class ReturnRestFirst(Refusal):
    """Some of it is still to be collected and paid, and what comes back now would make the whole cost a cent more."""

    code = "returns.rest-first"
    status = 409
    zh = "这一单还有商品没有取。请先取走或取消,再来退货。"
    en = "Some of this order is still to be collected; collect or cancel it first, then return."


class NotBooked(Refusal):
    """The pre-order does not wait for its balance."""

    code = "orders.not-booked"
    status = 409
    zh = "这张预订单现在不能付尾款,请刷新看看它的状态。"
    en = "The balance of this pre-order cannot be paid now; look at how it stands."


class BalanceNotOpen(Refusal):
    """The balance can be paid later."""

    code = "orders.balance-not-open"
    status = 409
    zh = "还没到付尾款的时间,请在 {day} 之后再来。"
    en = "The balance can be paid from {day}; please come back then."


class BalanceOver(Refusal):
    """The time to pay the balance is over."""

    code = "orders.balance-over"
    status = 410
    zh = "付尾款的时间已过。"
    en = "The time to pay the balance is over."


class BalanceBeingPaid(Refusal):
    """Somebody is paying the balance at this moment: online, or at a till."""

    code = "orders.balance-being-paid"
    status = 409
    zh = "尾款正在支付中(网上或收银台),请先完成或取消那一笔,或等它超时。"
    en = "The balance is being paid already, online or at a till; finish that payment, or wait until it lapses."


class PreorderDone(Refusal):
    """The code was used, or the balance was paid online."""

    code = "orders.preorder-done"
    status = 409
    zh = "这张预订单的尾款已经付清,预订码不能再用。"
    en = "The balance of this pre-order is paid; its code opens nothing any more."


class PreorderEnded(Refusal):
    """The pre-order came to nothing."""

    code = "orders.preorder-ended"
    status = 410
    zh = "这张预订单已取消或过期。"
    en = "This pre-order was cancelled, or its time is over."
