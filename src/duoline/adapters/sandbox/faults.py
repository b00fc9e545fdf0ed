"""What can be made to go wrong, as values: chosen on the pay page or through the control API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

Seconds = Annotated[int, msgspec.Meta(ge=0, le=31 * 86_400)]


class Forgery(StrEnum):
    """A callback that did not come from an honest provider, sent just before the true one.

    All but `signature` are signed with the merchant's true secret and carry the true event id, so that a
    merchant who believes the content, or remembers the id before checking it, is caught.
    """

    SIGNATURE = "signature"  # signed with another secret
    AMOUNT = "amount"  # 1 minor unit instead of the amount
    ORDER = "order"  # the number of another open payment, or of none
    MERCHANT = "merchant"  # another merchant's account
    CURRENCY = "currency"
    TIMESTAMP = "timestamp"  # signed an hour ago
    REPLAY = "replay"  # the true callback, twice, byte for byte


class AfterCapture(StrEnum):
    """How the provider answers the buyer's browser once the money is taken."""

    ANSWER = "answer"  # normally: back to the shop
    ERROR = "error"  # 502
    HANG = "hang"  # nothing for hang_s seconds, then 504


class RefundOutcome(StrEnum):
    """How a refund ends."""

    DONE = "done"
    FAILED = "failed"


class TransferOutcome(StrEnum):
    """How a transfer ends."""

    DONE = "done"
    FAILED = "failed"


class Faults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What goes wrong around one payment, or around all that have no choice of their own.

    Seconds are multiplied by the provider's time scale, except `hang_s`.
    """

    delay_s: Seconds = 0  # callbacks leave so much later
    repeat: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0  # further copies, sent at the same time
    lose: bool = False  # callbacks are kept back until `release`
    out_of_order: bool = False  # a callback waits until the next one of its payment has left
    forge: tuple[Forgery, ...] = ()
    after_capture: AfterCapture = AfterCapture.ANSWER
    hang_s: Annotated[int, msgspec.Meta(ge=0, le=600)] = 60
    refund_outcome: RefundOutcome = RefundOutcome.DONE
    refund_delay_s: Seconds = 0  # the refund stays `processing` so long
    # Transfers belong to no payment: only the general choice counts for them.
    transfer_outcome: TransferOutcome = TransferOutcome.DONE
    transfer_delay_s: Seconds = 0


class Operation(StrEnum):
    """The calls a merchant makes."""

    OPEN = "open"
    CHARGE = "charge"
    QUERY = "query"
    CLOSE = "close"
    REFUND = "refund"
    QUERY_REFUND = "query_refund"
    TRANSFER = "transfer"
    QUERY_TRANSFER = "query_transfer"
    CLOSE_TRANSFER = "close_transfer"
    SETTLEMENT = "settlement"


class How(StrEnum):
    """How a merchant's call is answered wrongly. `after`: it has taken effect; `before`: it has not."""

    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    HANG_BEFORE = "hang_before"
    HANG_AFTER = "hang_after"
    SLOW = "slow"  # a right answer, late
    GARBLED = "garbled"  # a wrong signature on a right answer

    @property
    def before(self) -> bool:
        """Whether the call has no effect."""
        return self in (How.ERROR_BEFORE, How.HANG_BEFORE)


class AnswerFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next `times` calls of an operation are answered wrongly. `seconds` (unscaled): hang and slow."""

    operation: Operation
    how: How
    times: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 60.0
