"""What a top-up is given, what a payment takes, and what comes back: pure arithmetic in minor units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.errors import ensure
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.wallet.policy import WalletPolicy


class Shares(NamedTuple):
    """An amount by what it is of."""

    principal: int = 0
    bonus: int = 0

    @property
    def total(self) -> int:
        """Both together."""
        return self.principal + self.bonus


def bonus_for(policy: WalletPolicy, minor: int) -> int:
    """What is given on top of a top-up: by the highest offer that it reaches."""
    return max((one.bonus_minor for one in policy.offers if one.pay_minor <= minor), default=0)


def shares_of(policy: WalletPolicy, minor: int, have: Shares) -> Shares:
    """From what a payment is taken. There is enough: never more of either than there is."""
    ensure(0 < minor <= have.total, "WAL-1", f"{minor} of {have}")
    if policy.spend == "principal_first":
        principal = min(minor, have.principal)
    else:
        principal = Money(minor).split([have.principal, have.bonus])[0].minor
    return Shares(principal, minor - principal)


def back_of(used: Shares, back_minor: int) -> Shares:
    """What of each share is back when `back_minor` of the payment is, in all: the bonus in proportion, rounded down
    until the last cent, and the rest is principal. So parts that go back one after the other add up exactly."""
    bonus = used.bonus * back_minor // used.total
    return Shares(back_minor - bonus, bonus)


class Left(NamedTuple):
    """What is left of a lot, and when it ends."""

    lot_id: UUID
    minor: int
    expires_at: datetime | None


def first_in_first_out(lots: Sequence[Left], minor: int) -> list[Left]:
    """Take an amount from lots in their order, each as far as it goes. What is missing is missing from the result."""
    taken = []
    for lot in lots:
        if minor <= 0:
            break
        if part := min(lot.minor, minor):
            taken.append(lot._replace(minor=part))
            minor -= part
    return taken


def fill(room: Sequence[int], minor: int) -> list[int]:
    """Pour an amount into places in their order, each as far as it has room. What is too much is in none of them."""
    parts = []
    for one in room:
        parts.append(min(one, minor))
        minor -= parts[-1]
    return parts
