"""What a policy of sourcing makes of a location and of a unit on its shelf. Pure."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.fulfilment.opportunity import protection
from duoline.stores import hours

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.fulfilment.policy import SourcingPolicy
    from duoline.stores.types import Store


def may_send(store: Store, policy: SourcingPolicy, work: int, *, franchised: bool) -> bool:
    """Whether a policy lets a location send that has so much open work."""
    if not (policy.from_warehouses if store.kind == "dc" else policy.from_shops):
        return False
    if franchised and not policy.from_franchisees:
        return False
    return not policy.hours_full or work < policy.hours_full * store.pick_capacity_hour


def in_rush(store: Store, at: datetime, work: int, policy: SourcingPolicy) -> bool:
    """Whether a shop would come to something new, behind so much open work, in its rush hours.

    By its clock and its hourly capacity, for the day that runs: what is left for tomorrow is picked in the morning.
    """
    if not policy.rush or store.kind == "dc":
        return False
    hour = at.astimezone(ZoneInfo(store.timezone)).hour + work // store.pick_capacity_hour
    return policy.rush_from <= hour < policy.rush_until


def nobody_began(store: Store, since: datetime, now: datetime, policy: SourcingPolicy) -> bool:
    """Whether nobody can have begun to pick at a location what could be picked `since`.

    What a clerk has in hand is not recorded until it is ready, so this goes by the clock: an order is picked no sooner
    than `replan_minutes` after it came, and not while the location is closed. A location that opens within the next
    minutes counts as open.
    """
    if not policy.replan_minutes:
        return False
    if now - since < timedelta(minutes=policy.replan_minutes):
        return True
    opens = hours.next_open(store.hours, since)
    return opens is None or opens > now + BEFORE_OPENING


BEFORE_OPENING = timedelta(minutes=5)
"""A clerk who comes early finds the work as it stays."""


def unit_worth(free: int, rate: int, shadow_minor: int | None, price_minor: int, policy: SourcingPolicy) -> int:
    """What one of `free` units on a shelf is worth to what is still to come, in minor units.

    Its shadow price, as far as the policy counts it and there is one; else what walk-in customers would have left.
    """
    if policy.shadow and shadow_minor is not None:
        return shadow_minor * policy.shadow // 100
    return walk_in_worth(free, rate, price_minor, policy)


def walk_in_worth(free: int, rate: int, price_minor: int, policy: SourcingPolicy) -> int:
    """What walk-in customers would have left for one of `free` units, in minor units; `rate` is a thousand days'.

    Nothing where so many could not all be wanted: beyond three deviations the chance is none.
    """
    expected = rate * policy.horizon_days / 1000
    if free > expected + 3 * math.sqrt(expected) + 2:
        return 0
    margin = price_minor * policy.margin / 100
    return round(protection(free, expected=expected, margin_minor=margin) * policy.walk_in / 100)
