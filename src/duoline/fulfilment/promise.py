"""When an order is ready or arrives. Pure: what the shop's hours, its open work and the policy say.

First version, naive on purpose: a shop picks at its hourly capacity in order of promise, every parcel travels as
long as its distance says. Quantiles learned from history come later and keep these signatures.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.stores import hours

if TYPE_CHECKING:
    from duoline.fulfilment.policy import DeliveryPolicy
    from duoline.stores.types import Store

_STEP_MIN = 5


def pickup_ready_at(store: Store, at: datetime, *, open_work: int) -> datetime | None:
    """When an order placed at `at` is ready for pickup, rounded up to five minutes.

    The shop's lead time, and the time its `open_work` orders take at `pick_capacity_hour`, whichever is longer, count
    in open hours only. None when the shop does not open within sixty days.
    """
    queue_min = -(-open_work * 60 // store.pick_capacity_hour)
    ready = hours.add_open_minutes(store.hours, at, max(store.pickup_lead_min, queue_min))
    if ready is None:
        return None
    return _rounded_up(ready)


def brought_at(source: Store, store: Store, at: datetime, *, open_work: int, under_way_h: int) -> datetime | None:
    """When units that `source` sends to `store` are ready there, for an order placed at `at`; up to five minutes.

    The source packs them as it would for a customer, behind its `open_work` and in its own open hours; they travel
    `under_way_h` hours; the store unpacks them in its open hours, for as long as it takes to make an order ready. None
    when either stays closed for sixty days; a warehouse without hours works at any time.
    """
    if not any(source.hours.week):
        queue_min = -(-open_work * 60 // source.pick_capacity_hour)
        leaves: datetime | None = at + timedelta(minutes=max(source.pickup_lead_min, queue_min))
    else:
        leaves = pickup_ready_at(source, at, open_work=open_work)
    if leaves is None:
        return None
    ready = hours.add_open_minutes(store.hours, leaves + timedelta(hours=under_way_h), store.pickup_lead_min)
    return None if ready is None else _rounded_up(ready)


def _rounded_up(at: datetime) -> datetime:
    late = at.timestamp() % (_STEP_MIN * 60)
    return (at + timedelta(seconds=_STEP_MIN * 60 - late) if late else at).replace(microsecond=0)


def arrives_at(store: Store, at: datetime, *, distance_km: float, policy: DeliveryPolicy) -> datetime:
    """When a parcel sent from `store` arrives, `distance_km` away, at the latest."""
    zone = ZoneInfo(store.timezone)
    local = at.astimezone(zone)
    leaves = local.date() + timedelta(days=0 if local.hour < policy.cutoff_hour else 1)
    day = leaves + timedelta(days=policy.days(distance_km))
    return datetime(day.year, day.month, day.day, policy.by_hour, tzinfo=zone).astimezone(UTC)
