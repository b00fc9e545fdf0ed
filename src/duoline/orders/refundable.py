"""What goes back of an order's money when units are cancelled. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.orders.locks import Line, Order


def refundable(order: Order, lines: Sequence[Line], cancelled: Mapping[UUID, int]) -> int:
    """What goes back, in minor units, when `cancelled` more units of each line are: all that was paid and not yet
    promised back, less what the rest of the order costs.

    The rest is what was handed over and what is still due; the delivery fee belongs to it as long as something is
    delivered. So an order that was paid in advance gives back the price of the units, and one that is paid part by
    part at the counters gives back nothing: nobody has paid for what is cancelled.
    """
    rest = sum(line.unit_price_minor * (line.quantity - line.cancelled - cancelled.get(line.id, 0)) for line in lines)
    if any(line.quantity > line.cancelled + cancelled.get(line.id, 0) for line in lines if line.method == "delivery"):
        rest += order.delivery_fee_minor
    kept = order.paid_minor - order.refunded_minor
    back = max(0, kept - rest)
    handed = sum(line.unit_price_minor * line.handed for line in lines)
    ensure(kept - back >= min(handed, kept), "LED-2", f"{order.order_no}: what was handed over stays paid")
    return back
