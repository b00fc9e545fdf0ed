"""What goes back of an order's money when units are cancelled or brought back. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.orders.locks import Line, Order


_NONE: Mapping[UUID, int] = MappingProxyType({})


def refundable(
    order: Order, lines: Sequence[Line], cancelled: Mapping[UUID, int], returned: Mapping[UUID, int] = _NONE
) -> int:
    """What goes back at the least, in minor units, when `cancelled` more units of each line are, or `returned` more
    come back: all that was paid and not yet promised back, less what the rest of the order costs.

    The rest is what the customer has and what is still due, as it costs after offers; the delivery fee belongs to it as
    long as something is delivered or was. So an order that was paid in advance gives back what was paid for the units.
    Of one that is paid part by part at the counters the rest is what was handed over: nobody has paid for what is
    cancelled. What was kept for lost thresholds before stays kept; `flows.clawback` says when not.
    """
    part_by_part = order.pay_mode == "at_store"
    rest = order.clawback_minor
    for line in lines:
        stays = line.kept if part_by_part else line.stays - cancelled.get(line.id, 0)
        rest += line.value(stays - returned.get(line.id, 0))
    if any(line.quantity > line.cancelled + cancelled.get(line.id, 0) for line in lines if line.method == "delivery"):
        rest += order.delivery_fee_minor
    kept = order.paid_minor - order.refunded_minor
    back = max(0, kept - rest)
    handed = sum(line.value(line.kept - returned.get(line.id, 0)) for line in lines)
    ensure(kept - back >= min(handed, kept), "LED-2", f"{order.order_no}: what the customer has stays paid")
    return back
