"""Which units are cancelled, as every face asks it, and what that would give back, shown before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec

from duoline import orders
from duoline.channels.http.answers import Input
from duoline.flows.coupons_back import CouponFate
from duoline.flows.preorders import Outcome
from duoline.kernel.money import Money

if TYPE_CHECKING:
    from duoline.flows.clawback import Due
    from duoline.orders import Order


class CancelledLine(Input, frozen=True):
    """Units of an order line."""

    line_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]


class CancelQuote(msgspec.Struct, frozen=True):
    """What would go back; what of it would be kept because an offer's threshold is not reached any more; what of a
    pre-order's deposit would be kept by its terms; and of `coupons` of which nothing would be left, whether they are
    good again."""

    refund: Money
    kept: Money
    forfeited: Money
    coupons: list[CouponFate]


def cancel_quote(order: Order, due: Due | Outcome, coupons: Sequence[CouponFate]) -> CancelQuote:
    """The same in the order's currency."""
    if isinstance(due, Outcome):
        return CancelQuote(
            Money(due.refund_minor, order.currency),
            Money(0, order.currency),
            Money(due.forfeited_minor, order.currency),
            [],
        )
    kept = max(0, due.clawback_minor - order.clawback_minor)
    return CancelQuote(
        Money(due.refund_minor, order.currency), Money(kept, order.currency), Money(0, order.currency), list(coupons)
    )


def by_line(lines: Sequence[CancelledLine] | None) -> dict[UUID, int] | None:
    """Units by line; the same line named twice adds up."""
    if lines is None:
        return None
    units: dict[UUID, int] = {}
    for line in lines:
        units[line.line_id] = units.get(line.line_id, 0) + line.quantity
    return units
