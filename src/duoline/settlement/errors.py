"""What is refused of settlement."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class MonthNotOver(Refusal):
    """A month is closed when it is over."""

    code = "settlement.month-not-over"
    status = 409
    zh = "{month} 还没结束,结束后才能关账。"
    en = "{month} is not over; it can be closed when it is."


class StillClosing(Refusal):
    """The statement's lines are still collected."""

    code = "settlement.still-closing"
    status = 409
    zh = "这张结算单还在生成,生成完再来。"
    en = "This statement is still being made; come back when it is done."


class PayeeBusy(Refusal):
    """The payee's row is wanted by others too, such as orders that are just told of."""

    code = "settlement.payee-busy"
    status = 409
    zh = "这个收款方正在记账,过一会儿再审批这一张。"
    en = "Something is just being booked for this payee; approve this one a little later."


class NotClosed(Refusal):
    """The statement waits for no approval."""

    code = "settlement.not-closed"
    status = 409
    zh = "这张结算单现在不需要审批。"
    en = "This statement waits for no approval now."


class Disputed(Refusal):
    """Its payee says that it is wrong, and nobody has answered."""

    code = "settlement.disputed"
    status = 409
    zh = "收款方对这张结算单有异议,请先答复再审批。"
    en = "This statement is disputed; answer that before you approve it."


class OwnStatement(Refusal):
    """Nobody approves what they are paid themselves."""

    code = "settlement.own-statement"
    status = 409
    zh = "不能审批自己的结算单,请让同事审批。"
    en = "You cannot approve your own statement; a colleague has to."


class ApprovedBefore(Refusal):
    """The same person approved it before; another one is needed."""

    code = "settlement.approved-before"
    status = 409
    zh = "您已经审批过了,还需要另一位同事审批。"
    en = "You have approved it; another colleague has to as well."


class FileTooLong(Refusal):
    """A workbook or PDF of so many lines cannot be drawn; none of them is left out instead."""

    code = "settlement.file-too-long"
    status = 409
    zh = "内容超过 {lines_max} 行,做不成 Excel 或 PDF,请下载 CSV,内容是完整的。"
    en = "There are more than {lines_max} lines, too many for a workbook or PDF. Take the CSV; it has them all."


class QuoteMoved(Refusal):
    """What would be paid is not what was confirmed: somebody approved or disputed something meanwhile."""

    code = "settlement.quote-moved"
    status = 409
    zh = "要打款的金额刚变成 {amount},请再看一遍。"
    en = "What would be paid has just become {amount}; look at it again."


class PayAlone(Refusal):
    """One person approved, or set the account of, and pays more than the limit above which two are needed."""

    code = "settlement.pay-alone"
    status = 409
    zh = "其中 {alone} 只有您一个人审批过,或者收款账户是您设置的,超过 {limit} 要由另一位同事来打款。"
    en = "Only you approved {alone} of it, or set where it goes; above {limit} a colleague has to start the payout."


class PayoutOver(Refusal):
    """The payout has ended already."""

    code = "settlement.payout-over"
    status = 409
    zh = "这笔打款已经有结果了。"
    en = "This payout has ended already."


class PayoutAtProvider(Refusal):
    """The payment provider executes it and says how it ended; nobody else can."""

    code = "settlement.payout-at-provider"
    status = 409
    zh = "这笔款由支付平台打款,结果以平台为准,不能手工登记。"
    en = "The payment provider executes this payout and says how it ended; it cannot be entered by hand."


class NoTransfers(Refusal):
    """This installation is connected to no provider that pays out."""

    code = "settlement.no-transfers"
    status = 409
    zh = "目前没有可以打款的支付平台,请登记银行账户。"
    en = "No payment provider pays out here; enter a bank account instead."


class BookedOnly(Refusal):
    """Nothing is paid to the chain's own shops and departments."""

    code = "settlement.booked-only"
    status = 409
    zh = "直营门店和部门只记账,不打款,不需要收款账户。"
    en = "The chain's own shops and departments are booked and not paid; they need no account."


class SignOffMissing(Refusal):
    """Two levels need somebody's recorded word first."""

    code = "settlement.sign-off-missing"
    status = 409
    zh = "改为两级前,请先登记批准文件。"
    en = "Record a sign-off before there are two levels."


class SignOffThere(Refusal):
    """There is one already."""

    code = "settlement.sign-off-there"
    status = 409
    zh = "已经有一份有效的批准文件。"
    en = "There is a sign-off in force already."


class TwoLevelsInForce(Refusal):
    """The plan in force pays two levels."""

    code = "settlement.two-levels-in-force"
    status = 409
    zh = "现行方案是两级,请先改回一级再撤销批准。"
    en = "The plan in force pays two levels; go back to one before you revoke the sign-off."
