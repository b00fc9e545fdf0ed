"""What a policy of sourcing makes of a location and of a unit on its shelf. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from duoline.fulfilment.opportunity import protection

if TYPE_CHECKING:
    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.stores.types import Store


def may_send(store: Store, policy: SourcingPolicy, work: int, *, franchised: bool) -> bool:
    """Whether a policy lets a location send that has so much open work."""
    if not (policy.from_warehouses if store.kind == "dc" else policy.from_shops):
        return False
    if franchised and not policy.from_franchisees:
        return False
    return not policy.hours_full or work < policy.hours_full * store.pick_capacity_hour


def walk_in_worth(free: int, rate: int, price_minor: int, policy: SourcingPolicy) -> int:
    """What walk-in customers would have left for one of `free` units, in minor units; `rate` is a thousand days'.

    Nothing where so many could not all be wanted: beyond three deviations the chance is none.
    """
    expected = rate * policy.horizon_days / 1000
    if free > expected + 3 * math.sqrt(expected) + 2:
        return 0
    margin = price_minor * policy.margin / 100
    return round(protection(free, expected=expected, margin_minor=margin) * policy.walk_in / 100)
