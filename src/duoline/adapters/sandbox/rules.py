"""The provider's decisions that need no books: schedule, fees, days. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from duoline.kernel.money import Money, Rounding

# Seconds between deliveries of a callback that was not answered with 2xx. WeChat Pay's published
# schedule: fifteen repeats over 24 h 4 min, after a first delivery at once.
RETRY_WAITS_S = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600,
)  # fmt: skip
ANSWER_WITHIN_S = 5.0

# A callback held back to arrive out of order leaves after this long even when nothing follows it.
HOLD_BACK_S = 30

# A wallet shows a new code each minute; one that was shown at its end may still be on its way to the till.
CODE_SHOWN_S = 60
CODE_LASTS_S = 90
# Up to this a code pays by itself; above it the payer is asked on the phone.
ASKED_ABOVE_MINOR = 100_000

FEE_BP = 60
SETTLEMENT_ZONE = ZoneInfo("Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """An instant as whole milliseconds since 1970."""
    return (at - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The instant again, in UTC."""
    return _EPOCH + ms * _MS


def iso(ms: int | None) -> str | None:
    """An instant as RFC 3339 text in UTC, milliseconds kept."""
    return None if ms is None else from_ms(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def retry_wait_s(attempts: int) -> int | None:
    """How long to wait after so many deliveries that failed; None when the provider gives up."""
    return RETRY_WAITS_S[attempts - 1] if attempts <= len(RETRY_WAITS_S) else None


def capture_fee_minor(amount_minor: int) -> int:
    """The provider's fee on a capture: 0.6 %, half up."""
    return Money(amount_minor).scale(FEE_BP, rounding=Rounding.HALF_UP).minor


def returned_fee_minor(refund_minor: int, *, refunded_before_minor: int) -> int:
    """The part of the fee that a refund gives back.

    The difference of the fees on the running totals, so that refunds in any steps together give back
    exactly what one refund of their sum would.
    """
    after = capture_fee_minor(refunded_before_minor + refund_minor)
    return after - capture_fee_minor(refunded_before_minor)


def day_bounds_ms(on: date) -> tuple[int, int]:
    """The first instant of a settlement day and that of the next."""
    start = datetime.combine(on, time(), SETTLEMENT_ZONE)
    end = datetime.combine(on + timedelta(days=1), time(), SETTLEMENT_ZONE)
    return to_ms(start.astimezone(UTC)), to_ms(end.astimezone(UTC))
