"""What Duoline needs of a payment provider: the port. Adapters implement it, this package only uses it.

A `ref` is our own number of a payment (the intent's id as text), a `refund_ref` our own number of a
refund, a `transfer_ref` of a transfer (up to 64 letters, digits, `-` and `_`). Each is chosen and stored before the
first call and is the same on every repeat, so every call here may be repeated safely. No database transaction is open
while one of them runs.

A call either answers, raises one of the refusals below, or raises `Unavailable`: then its outcome is
unknown, the caller leaves things as they are and asks again later with `query_payment`,
`query_refund` or `query_transfer`. Nothing a callback says about money is believed: the caller compares
reference, amount and currency with its own record.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from duoline.kernel.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PaymentStatus(StrEnum):
    """Where a payment stands at the provider."""

    ABSENT = "absent"  # the provider has never heard of it; an answer, not an error
    OPEN = "open"  # the buyer may still pay
    PAID = "paid"
    CLOSED = "closed"  # never paid, and can no longer be


class RefundStatus(StrEnum):
    """Where a refund stands at the provider."""

    ABSENT = "absent"
    PROCESSING = "processing"  # taken on; counts against what may still be refunded
    DONE = "done"
    FAILED = "failed"  # gave nothing back, and never will under this refund_ref


class TransferStatus(StrEnum):
    """Where a transfer stands at the provider."""

    ABSENT = "absent"
    PROCESSING = "processing"  # taken on; has left the merchant's balance, has not arrived
    DONE = "done"
    FAILED = "failed"  # moved nothing, and never will under this transfer_ref


class EventKind(StrEnum):
    """What a callback reports."""

    PAYMENT_PAID = "payment.paid"
    PAYMENT_CLOSED = "payment.closed"
    REFUND_DONE = "refund.done"
    REFUND_FAILED = "refund.failed"


class OpenedPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that the provider has taken on.

    `pay_url` is where the buyer pays: absolute, or a path on our own host. `status` is normally `open`;
    a repeated call may find the payment `paid` or `closed` meanwhile.
    """

    provider_ref: str
    pay_url: str
    status: PaymentStatus = PaymentStatus.OPEN


class PaymentState(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider's books say of a payment now. Amounts in minor units.

    `refunded_minor` counts refunds done and in progress. `payer` is as in `PaymentEvent`.
    """

    ref: str
    status: PaymentStatus
    provider_ref: str = ""
    amount_minor: int = 0
    refunded_minor: int = 0
    currency: str = ""
    payer: str | None = None
    paid_at: datetime | None = None
    closed_at: datetime | None = None


class RefundState(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider's books say of a refund now. Amount in minor units; `ref` is the payment's."""

    refund_ref: str
    status: RefundStatus
    ref: str = ""
    provider_ref: str = ""
    amount_minor: int = 0
    currency: str = ""
    settled_at: datetime | None = None


class TransferState(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider's books say of a transfer now. Amount in minor units; `problem` is the provider's own word for
    why it failed."""

    transfer_ref: str
    status: TransferStatus
    provider_ref: str = ""
    amount_minor: int = 0
    currency: str = ""
    problem: str = ""
    settled_at: datetime | None = None


class PaymentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A callback whose signature, merchant and time were right.

    `event_id` is the same on every delivery of one event. `amount_minor` is the payment's amount for
    `payment.*`, the refund's for `refund.*`; `refund_ref` is None for `payment.*`.

    `payer` is the provider's own number of the account that paid, the same each time that account pays us (WeChat Pay:
    `payer.openid`; Alipay: `buyer_open_id`); None where it does not say. It is personal data: it is never kept or
    logged, only what `payers.key_of` makes of it is.
    """

    event_id: str
    kind: EventKind
    ref: str
    refund_ref: str | None
    amount_minor: int
    currency: str
    occurred_at: datetime
    provider_ref: str = ""
    payer: str | None = None


class SettlementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money in the provider's daily file.

    Amount and fee in minor units, seen from the merchant: a capture is positive with a positive fee, a
    refund negative with the fee that comes back, negative; a transfer is negative.
    """

    kind: str  # "capture", "refund" or "transfer"
    ref: str  # the payment's, or the transfer's own
    refund_ref: str
    provider_ref: str
    amount_minor: int
    fee_minor: int
    currency: str
    at: datetime


class BadCallback(Refusal):
    """A callback that is not the provider's: signature, merchant, time, nonce or form is wrong.

    `reason` is for the log and the alert; the answer must not help a forger.
    """

    code = "payments.bad-callback"
    status = 401
    zh = "这个支付通知无法验证，未作处理。"
    en = "This payment notice could not be verified and was not used."


class AmountDiffers(Refusal):
    """The reference is known to the provider with another amount, currency or payment."""

    code = "payments.amount-differs"
    status = 409
    zh = "支付平台已有这笔单号，但金额不同。"
    en = "The payment provider knows this reference with another amount."


class AlreadyPaid(Refusal):
    """The payment cannot be closed: the buyer has paid. Ask `query_payment` and record the capture."""

    code = "payments.already-paid"
    status = 409
    zh = "这笔款项已经支付，不能关闭。"
    en = "This payment has been made and cannot be closed."


class CodeUnknown(Refusal):
    """What was scanned is no payment code of this provider."""

    code = "payments.code-unknown"
    status = 409
    zh = "这不是有效的付款码,请顾客打开付款码页面再扫一次。"
    en = "This is no payment code. Ask the customer to open the payment code and scan again."


class CodeUsed(Refusal):
    """Each code pays once."""

    code = "payments.code-used"
    status = 409
    zh = "这个付款码已经用过,请顾客刷新后再扫。"
    en = "This payment code has been used; ask the customer for a new one."


class CodeExpired(Refusal):
    """A code is good for about a minute."""

    code = "payments.code-expired"
    status = 409
    zh = "这个付款码已经过期,请顾客刷新后再扫。"
    en = "This payment code is too old; ask the customer for a new one."


class NotEnoughMoney(Refusal):
    """The payer has less than is asked for."""

    code = "payments.not-enough-money"
    status = 409
    zh = "顾客的余额不足,没有扣款。请换一种方式付款。"
    en = "The customer has too little money there; nothing was taken. Pay in another way."


class NotPaid(Refusal):
    """There is nothing to refund: the payment is unknown, open or closed."""

    code = "payments.not-paid"
    status = 409
    zh = "这笔款项还没有支付，不能退款。"
    en = "This payment has not been made, so it cannot be refunded."


class RefundTooLarge(Refusal):
    """The refunds of this payment would exceed what was paid; `refundable_minor` is what is left."""

    code = "payments.refund-too-large"
    status = 409
    zh = "退款合计超过实付金额。"
    en = "The refunds together would exceed what was paid."


class ReceiverUnknown(Refusal):
    """The provider knows nobody by that name, or pays nothing out to them."""

    code = "payments.receiver-unknown"
    status = 409
    zh = "支付平台没有这个收款账户,请核对后重新登记。"
    en = "The payment provider does not know this account; check it and enter it again."


class BalanceTooSmall(Refusal):
    """Our own balance at the provider is less than what is to be paid out."""

    code = "payments.balance-too-small"
    status = 409
    zh = "商户在支付平台的余额不足,没有打款。请充值后再打。"
    en = "Our own balance at the payment provider is too small; nothing was paid. Top it up and pay again."


class ProviderRefused(Refusal):
    """The provider understood and refused for a reason that has no name of its own here."""

    code = "payments.provider-refused"
    status = 409
    zh = "支付平台拒绝了这个请求。"
    en = "The payment provider refused this request."


class PaymentProvider(Protocol):
    """One provider with one merchant account. Every coroutine may raise `Unavailable`."""

    @property
    def name(self) -> str:
        """As stored beside each payment: `sandbox`, `wechatpay`."""
        ...

    async def open_payment(
        self,
        ref: str,
        *,
        amount_minor: int,
        currency: str,
        subject: str,
        notify_url: str,
        return_url: str,
        expires_at: datetime,
    ) -> OpenedPayment:
        """Make the payment known and get the address at which the buyer pays.

        Repeated with the same amount and currency it returns the same payment, in whatever status it
        has reached. Refuses with `AmountDiffers`, `ProviderRefused`.
        """
        ...

    async def charge_code(
        self,
        ref: str,
        *,
        auth_code: str,
        amount_minor: int,
        currency: str,
        subject: str,
        notify_url: str,
        expires_at: datetime,
    ) -> PaymentState:
        """Take a payment by the code on the payer's phone, which the shop has scanned.

        Answers `paid`, or `open` while the payer is asked on the phone. Repeated with the same amount and currency it
        returns the same payment, in whatever status it has reached, whatever the code. Refuses with `AmountDiffers`,
        then with `CodeUnknown`, `CodeUsed`, `CodeExpired`, `NotEnoughMoney`, `ProviderRefused`: then there is no
        payment, and another code may be charged under the same `ref`. The code is a secret: it is neither stored nor
        logged on our side.
        """
        ...

    async def query_payment(self, ref: str) -> PaymentState:
        """What the provider's books say; an unknown `ref` is status `absent`."""
        ...

    async def close_payment(self, ref: str) -> PaymentState:
        """See to it that nobody can pay any more. Refuses with `AlreadyPaid`.

        Repeatable. An unknown `ref` is status `absent`, since there is nothing to close.
        """
        ...

    async def refund(self, ref: str, *, refund_ref: str, amount_minor: int, currency: str, reason: str) -> RefundState:
        """Give back part or all of a payment; may answer `processing` and report later by callback.

        Repeated with the same payment and amount it returns the same refund. Refuses with `NotPaid`,
        `RefundTooLarge`, `AmountDiffers` (the `refund_ref` is taken by another refund).
        """
        ...

    async def query_refund(self, refund_ref: str) -> RefundState:
        """What the provider's books say; an unknown `refund_ref` is status `absent`."""
        ...

    def parse_callback(self, headers: Mapping[str, str], raw_body: bytes) -> PaymentEvent:
        """Verify a callback and read it. Header names in any case. Refuses with `BadCallback`."""
        ...


@runtime_checkable
class TransferProvider(Protocol):
    """A provider that pays out of the merchant's own balance to accounts that it keeps itself: transfers, shares of
    profit. It tells nobody how one ended; it is asked. Every coroutine may raise `Unavailable`."""

    @property
    def name(self) -> str:
        """As stored beside each account: `sandbox`, `wechatpay`."""
        ...

    async def transfer(
        self, transfer_ref: str, *, receiver: str, amount_minor: int, currency: str, note: str
    ) -> TransferState:
        """Pay an account; may answer `processing`. `note` is what the receiver reads.

        Repeated with the same receiver, amount and currency it returns the same transfer, in whatever status it has
        reached. Refuses with `AmountDiffers` (the `transfer_ref` is taken by another transfer), then with
        `ReceiverUnknown`, `BalanceTooSmall`, `ProviderRefused`: then there is no transfer, and there may be one when
        it is repeated, unless the number was closed.
        """
        ...

    async def close_transfer(self, transfer_ref: str) -> TransferState:
        """See to it that nothing is paid under this number that was not yet taken on.

        Answers what the transfer is; one that never was is `failed` from then on. A caller who is to pay under another
        number closes the first one before, since another process may still be about to use it.
        """
        ...

    async def query_transfer(self, transfer_ref: str) -> TransferState:
        """What the provider's books say; an unknown `transfer_ref` is status `absent`."""
        ...


class SettlementSource(Protocol):
    """A provider that reports each day what it settled; what reconciliation reads."""

    async def settlement(self, on: date) -> Sequence[SettlementLine]:
        """Every movement of money of one day in the provider's own zone, in order of time."""
        ...
