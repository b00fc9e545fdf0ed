"""Money as whole minor units of one currency. There is no float in this file, nor may there be one."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Self

import msgspec

from duoline.kernel.errors import Refusal, ensure

if TYPE_CHECKING:
    from collections.abc import Sequence

CURRENCY = "CNY"
"""The currency of the chain. One chain trades in one currency; amounts carry it so that nobody adds others to it."""

# Digits after the point, where they are not two (ISO 4217).
_EXPONENT = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3}


class Rounding(Enum):
    """How a fraction of a minor unit is settled; the caller always says."""

    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount: `minor` units (fen for CNY) of `currency` (ISO 4217)."""

    minor: int
    currency: str = CURRENCY

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def _same(self, other: Money) -> None:
        ensure(self.currency == other.currency, "MONEY", f"{self.currency} with {other.currency}")

    @classmethod
    def zero(cls, currency: str = CURRENCY) -> Self:
        """Nothing, in `currency`."""
        return cls(0, currency)

    def scale(self, rate_bp: int, *, rounding: Rounding) -> Money:
        """This amount times `rate_bp` basis points, settled by `rounding` (magnitude, then sign)."""
        product = abs(self.minor) * abs(rate_bp)
        whole, rest = divmod(product, 10_000)
        if (rounding is Rounding.HALF_UP and rest * 2 >= 10_000) or (rounding is Rounding.UP and rest):
            whole += 1
        negative = (self.minor < 0) != (rate_bp < 0)
        return Money(-whole if negative else whole, self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by weights so that the parts add up exactly: largest remainder, ties to the first."""
        total = sum(weights)
        ensure(total > 0 and min(weights) >= 0, "MONEY", "weights must be >= 0 and not all zero")
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        parts = [whole for whole, _ in shares]
        missing = abs(self.minor) - sum(parts)
        by_remainder = sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))
        for i in by_remainder[:missing]:
            parts[i] += 1
        return [Money(sign * part, self.currency) for part in parts]

    def __str__(self) -> str:
        exponent = _EXPONENT.get(self.currency, 2)
        sign, minor = ("-", -self.minor) if self.minor < 0 else ("", self.minor)
        if exponent == 0:
            return f"{sign}{minor} {self.currency}"
        whole, rest = divmod(minor, 10**exponent)
        return f"{sign}{whole}.{rest:0{exponent}d} {self.currency}"


def exponent_of(currency: str) -> int:
    """Digits after the point for a currency."""
    return _EXPONENT.get(currency, 2)


class WrongCurrency(Refusal):
    """An amount in a currency the chain does not trade in."""

    code = "money.wrong-currency"
    status = 422
    zh = "金额的币种应为 {expected}。"
    en = "Amounts here are in {expected}."


def minor_of(amount: Money) -> int:
    """The minor units of an amount that somebody sent. Refuses `money.wrong-currency`."""
    if amount.currency != CURRENCY:
        raise WrongCurrency(expected=CURRENCY, given=amount.currency)
    return amount.minor
