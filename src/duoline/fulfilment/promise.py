"""When an order is ready or arrives. Pure: the plain rule, and what was learned of how far from it things go.

The plain rule: a shop picks at its hourly capacity in order of promise, every parcel travels as long as its distance
says. On top of it comes the lag that the shop's history shows (`lags.py`), as far as any was learned: a shop
that is new, and a policy that says so, promise by the plain rule alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline.fulfilment.lags import band_of
from duoline.kernel.errors import ensure
from duoline.stores import hours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from duoline.fulfilment.policy import DeliveryPolicy
    from duoline.stores.types import Store

STEP_MIN = 5


@dataclass(frozen=True)
class Lags:
    """What was learned: open minutes by shop and part of the day, days by location and reach."""

    pickup_min: Mapping[tuple[UUID, int], int] = field(default_factory=dict)
    parcel_days: Mapping[tuple[UUID, int], int] = field(default_factory=dict)


NOTHING_LEARNED = Lags()


class Promised(NamedTuple):
    """What is promised, and what the plain rule alone would have said, from which the next lags are measured; None for
    what is brought, from which nothing is learned."""

    at: datetime
    plain_at: datetime | None


def pickup_ready_at(store: Store, at: datetime, *, open_work: int, lags: Lags) -> Promised | None:
    """When an order placed at `at` is ready for pickup, rounded up to five minutes.

    By the plain rule the shop's lead time, and the time its `open_work` orders take at `pick_capacity_hour`, whichever
    is longer. With the lag that was learned it may be sooner than that, but never before the lead time. All count in
    open hours only. None when the shop does not open within sixty days.
    """
    queue_min = -(-open_work * 60 // store.pick_capacity_hour)
    plain_at = _rounded(hours.add_open_minutes(store.hours, at, max(store.pickup_lead_min, queue_min)))
    if plain_at is None:
        return None
    lag = lags.pickup_min.get((store.id, band_of(at.astimezone(ZoneInfo(store.timezone)).hour)), 0)
    if not lag:
        return Promised(plain_at, plain_at)
    # Lags are measured from what the plain rule said with its rounding; so they are added to that.
    plain_min = hours.open_minutes_between(store.hours, at, plain_at)
    minutes = max(store.pickup_lead_min, plain_min + lag)
    promised = _rounded(hours.add_open_minutes(store.hours, at, minutes)) or plain_at
    soonest = hours.add_open_minutes(store.hours, at, store.pickup_lead_min)
    ensure(soonest is not None and promised >= soonest, "PRM-1", f"{store.code} is promised before its lead time")
    return Promised(promised, plain_at)


def brought_at(
    source: Store, store: Store, at: datetime, *, open_work: int, under_way_h: int, lags: Lags
) -> Promised | None:
    """When units that `source` sends to `store` are ready there, for an order placed at `at`; up to five minutes.

    The source packs them as it would for a customer, behind its `open_work` and in its own open hours; they travel
    `under_way_h` hours; the store unpacks them in its open hours, for as long as it takes to make an order ready. None
    when either stays closed for sixty days; a warehouse without hours works at any time.
    """
    if not any(source.hours.week):
        queue_min = -(-open_work * 60 // source.pick_capacity_hour)
        leaves: datetime | None = at + timedelta(minutes=max(source.pickup_lead_min, queue_min))
    else:
        packed = pickup_ready_at(source, at, open_work=open_work, lags=lags)
        leaves = None if packed is None else packed.at
    if leaves is None:
        return None
    ready = hours.add_open_minutes(store.hours, leaves + timedelta(hours=under_way_h), store.pickup_lead_min)
    rounded = _rounded(ready)
    return None if rounded is None else Promised(rounded, None)


def in_shop_ready_at(store: Store, at: datetime, *, minutes: int) -> Promised | None:
    """When the bag of a buyer who stands in the shop is ready, if work can begin at `at`; None while it is closed.

    Nothing is learned from it: how long it took is reported by itself (`in_shop`).
    """
    if not hours.open_at(store.hours, at):
        return None
    return Promised((at + timedelta(minutes=minutes)).replace(microsecond=0), None)


def _rounded(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    late = at.timestamp() % (STEP_MIN * 60)
    rounded = at + timedelta(seconds=STEP_MIN * 60 - late) if late else at
    return rounded.replace(microsecond=0)


def arrives_at(store: Store, at: datetime, *, distance_km: float, policy: DeliveryPolicy, lags: Lags) -> Promised:
    """When a parcel sent from `store` arrives, `distance_km` away, at the latest.

    What was learned may make it sooner than the plain rule, but it travels a day where the plain rule
    lets it travel any.
    """
    leaves = leaves_on(store, at, policy)

    def by(day_count: int) -> datetime:
        day = leaves + timedelta(days=day_count)
        return datetime(day.year, day.month, day.day, policy.by_hour, tzinfo=ZoneInfo(store.timezone)).astimezone(UTC)

    return Promised(by(_days_on_the_way(store, distance_km, policy, lags)), by(policy.days(distance_km)))


def days_until(store: Store, at: datetime, *, distance_km: float, policy: DeliveryPolicy, lags: Lags) -> int:
    """How many days after the day of the order, in the location's zone, a parcel from there arrives: those it waits to
    leave and those it travels. What `arrives_at` promises, as a number for sourcing."""
    waits = (leaves_on(store, at, policy) - at.astimezone(ZoneInfo(store.timezone)).date()).days
    return waits + _days_on_the_way(store, distance_km, policy, lags)


def _days_on_the_way(store: Store, distance_km: float, policy: DeliveryPolicy, lags: Lags) -> int:
    days = policy.days(distance_km)
    return max(min(days, 1), days + lags.parcel_days.get((store.id, policy.reach(distance_km)), 0))


def leaves_on(store: Store, at: datetime, policy: DeliveryPolicy) -> date:
    """The day, in the location's zone, on which what was ordered at `at` leaves."""
    local = at.astimezone(ZoneInfo(store.timezone))
    return local.date() + timedelta(days=0 if local.hour < policy.cutoff_hour else 1)
