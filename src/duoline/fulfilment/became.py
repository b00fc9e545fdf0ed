"""What became of a promise: how long a pickup or a parcel took, and how long it was to take. Pure.

Counted from when the location could begin: whoever pays later starts the work later, and the shop is not to blame. A
pickup is measured in whole open minutes from there until it was ready, a parcel in days against the day on which it was
to arrive. What is not done yet counts with the time until now, as soon as that is more than was promised: left out, it
would make the slowest shops look quick. A parcel whose arrival nobody recorded counts only for when it left.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from duoline.fulfilment.lags import band_of, bounded
from duoline.fulfilment.policy import DELIVERY
from duoline.fulfilment.promise import leaves_on
from duoline.stores import hours

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database
    from duoline.stores.types import Store

PAST = """
SELECT kind, placed_at, work_at, plain_at, promise_at, ready_at, done_at, delivered_at, away_km
FROM fulfilments
WHERE location_id = $1 AND promise_at >= $2 AND promise_at < $3 AND plain_at IS NOT NULL AND work_at IS NOT NULL
  AND (state IN ('to_pick', 'ready') OR CASE kind WHEN 'pickup' THEN ready_at IS NOT NULL
                                                  ELSE state IN ('shipped', 'delivered') END)
ORDER BY promise_at
"""


class Past(NamedTuple):
    """A fulfilment with a promise that is over."""

    kind: str
    placed_at: datetime
    work_at: datetime
    plain_at: datetime
    promise_at: datetime
    ready_at: datetime | None
    done_at: datetime | None
    delivered_at: datetime | None
    away_km: int | None


class Became(NamedTuple):
    """What it took and was to take, in open minutes or days from one beginning; `lag` is what it took beyond the plain
    rule. `left_lag` and `travel_lag` are a parcel's, as far as they are known."""

    kind: str
    band: int
    took: int
    promised: int
    plain: int
    left_lag: int | None = None
    travel_lag: int | None = None
    arrived: bool = True

    @property
    def lag(self) -> int:
        """How much longer than the plain rule says."""
        return self.took - self.plain


async def read_past(db: Database, location_id: UUID, since_at: datetime, until_at: datetime) -> list[Past]:
    """Fulfilments of a location that were promised for a time in the period, and were done or ought to be."""
    return [Past(*row) for row in await db.fetch(PAST, location_id, since_at, until_at)]


def of_pickup(past: Past, store: Store, week: hours.Hours, now: datetime) -> Became | None:
    """What became of a pickup; None while it may still be ready in time. `week` are the store's hours."""
    took = hours.open_minutes_between(week, past.work_at, past.ready_at or now)
    promised = hours.open_minutes_between(week, past.placed_at, past.promise_at)
    if past.ready_at is None and took <= promised:
        return None
    plain = hours.open_minutes_between(week, past.placed_at, past.plain_at)
    hour = past.placed_at.astimezone(ZoneInfo(store.timezone)).hour
    return Became("pickup", band_of(hour), took, promised, plain)


def of_parcel(past: Past, store: Store, now: datetime) -> Became | None:
    """What became of a parcel; None when nothing is known of it yet.

    `took` and `plain` count from the day on which it was to leave. `arrived` says that its arrival is on record, or
    that it had not even left when it should have been there.
    """
    policy, zone = DELIVERY.current(past.placed_at).body, ZoneInfo(store.timezone)
    plain_local, promise_local = past.plain_at.astimezone(zone), past.promise_at.astimezone(zone)
    plain = (plain_local.date() - leaves_on(store, past.placed_at, policy)).days
    promised = plain + (promise_local.date() - plain_local.date()).days
    due = leaves_on(store, past.work_at, policy)
    left = (past.done_at or now).astimezone(zone).date()
    left_lag = (left - due).days
    if past.done_at is None and left_lag <= 0:
        return None
    travel_lag = None
    if past.delivered_at is not None:
        planned = datetime(left.year, left.month, left.day, plain_local.hour, tzinfo=UTC) + timedelta(days=plain)
        there = past.delivered_at.astimezone(zone).replace(tzinfo=UTC)  # the clock on the wall, whatever it jumped
        travel_lag = bounded(-((planned - there) // timedelta(days=1)))
    late_and_here = past.done_at is None and left_lag + plain > promised
    return Became(
        "ship",
        policy.reach(past.away_km or 0),
        left_lag + plain + (travel_lag or 0),
        promised,
        plain,
        left_lag,
        travel_lag,
        travel_lag is not None or late_and_here,
    )
