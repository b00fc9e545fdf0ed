"""The one function that adds up an order. Every channel charges what it says, and nothing a client sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duoline.pricing.policy import DeliveryFeePolicy


class PricedLine(NamedTuple):
    """Units at a unit price, and what offers take `off` them together (minor units).

    `kept` of a delivered line's units were kept in a shop for the buyer.
    """

    quantity: int
    unit_price_minor: int
    delivered: bool
    kept: int = 0
    off_minor: int = 0

    @property
    def amount_minor(self) -> int:
        """What the line costs before offers."""
        return self.quantity * self.unit_price_minor

    @property
    def net_minor(self) -> int:
        """What the line costs."""
        return self.amount_minor - self.off_minor


class Totals(NamedTuple):
    """The sums of an order, in minor units. `waived_minor` is the fee that is not charged, because all was kept in
    a shop or an offer pays it."""

    subtotal_minor: int
    delivery_fee_minor: int
    discount_minor: int
    total_minor: int
    waived_minor: int = 0


def delivery_fee(delivered_minor: int, policy: DeliveryFeePolicy) -> int:
    """The fee for delivering goods worth `delivered_minor`: free from the policy's threshold upwards."""
    return 0 if delivered_minor >= policy.free_from else policy.fee


def add_up(lines: Sequence[PricedLine], policy: DeliveryFeePolicy, *, delivery_is_free: bool = False) -> Totals:
    """Add up an order. The result does not depend on the order of the lines.

    The fee asks what the goods cost after offers; an offer may pay it whatever they cost (`delivery_is_free`).
    What was kept in a shop for the buyer travels free. Other goods in the delivery pay by the usual rule on all that
    is delivered: kept goods count towards the threshold, so keeping something never makes a delivery dearer.
    """
    subtotal = sum(line.amount_minor for line in lines)
    delivered = [line for line in lines if line.delivered]
    usual = delivery_fee(sum(line.net_minor for line in delivered), policy) if delivered else 0
    ensure(all(0 <= line.kept <= line.quantity for line in lines), "ORD-1", "more units kept than bought")
    ensure(all(0 <= line.off_minor <= line.amount_minor for line in lines), "ORD-1", "more taken off than a line costs")
    fee = usual if any(line.kept < line.quantity for line in delivered) and not delivery_is_free else 0
    off = sum(line.off_minor for line in lines)
    total = subtotal - off + fee
    ensure(subtotal >= 0 and total >= 0, "ORD-1", "a negative total")
    return Totals(subtotal, fee, off, total, usual - fee)
