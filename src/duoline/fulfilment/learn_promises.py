"""Every night: how much later than the plain rule each location is to promise (`lags.py` says how and why)."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.fulfilment import lags
from duoline.fulfilment.became import of_parcel, of_pickup, read_past
from duoline.fulfilment.policy import PROMISE
from duoline.kernel import clock, jobs
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.fulfilment.became import Past
    from duoline.fulfilment.lags import Spread
    from duoline.fulfilment.policy import PromisePolicy
    from duoline.kernel.db import Database
    from duoline.stores.types import Store

SETTLED = timedelta(days=7)
"""How long ago a parcel left before its travel is learned from: of those since, only the quick ones have arrived."""


class Seen:
    """The lags of one location, or of all. Pickups by part of the day, travels by reach; parcels leave alike."""

    def __init__(self) -> None:
        self.pickups: defaultdict[int, Spread] = defaultdict(Counter)
        self.travels: defaultdict[int, Spread] = defaultdict(Counter)
        self.left: Spread = Counter()
        self.parcels: Spread = Counter()  # how many were sent, by reach

    def add(self, other: Seen) -> None:
        """Count another's lags too."""
        for band, spread in other.pickups.items():
            self.pickups[band].update(spread)
        for reach, spread in other.travels.items():
            self.travels[reach].update(spread)
        self.left.update(other.left)

    @property
    def all_pickups(self) -> Spread:
        """Lags at any hour."""
        return _together(self.pickups)

    @property
    def all_travels(self) -> Spread:
        """Lags at any distance."""
        return _together(self.travels)


def _together(spreads: defaultdict[int, Spread]) -> Spread:
    found: Spread = Counter()
    for spread in spreads.values():
        found.update(spread)
    return found


def see(store: Store, past: Sequence[Past], now: datetime) -> Seen:
    """The lags of one location. Takes its time where there were many orders, so it may run beside the loop."""
    seen = Seen()
    week = dataclasses.replace(store.hours)  # with a calendar of its own: the loop uses the store's
    for one in past:
        if one.kind == "pickup":
            pickup = of_pickup(one, store, week, now)
            if pickup is not None:
                seen.pickups[pickup.band][lags.bounded(pickup.lag)] += 1
            continue
        parcel = of_parcel(one, store, now)
        if parcel is None or parcel.left_lag is None:
            continue
        seen.left[lags.bounded(parcel.left_lag)] += 1
        seen.parcels[parcel.band] += 1
        if parcel.travel_lag is not None and one.done_at is not None and one.done_at <= now - SETTLED:
            seen.travels[parcel.band][parcel.travel_lag] += 1
    return seen


@jobs.cron("learn what to promise", "51 19 * * *")
async def learn_promises(db: Database) -> int:
    """Learn from the last weeks what to promise; returns how many (location, part of the day or reach) there are.

    A location without a history gets what the chain is like. What was learned before is replaced in one transaction, so
    nobody reads half of each.
    """
    policy, now = PROMISE.current().body, clock.now()
    since = now - timedelta(weeks=policy.weeks)
    chain, own = Seen(), {}
    for store in directory.current().stores.values():
        if store.active:
            own[store.id] = await asyncio.to_thread(see, store, await read_past(db, store.id, since, now), now)
            chain.add(own[store.id])
    rows = [
        (store_id, *row, now)
        for store_id, seen in sorted(own.items())
        for row in learned(seen, chain, directory.current().stores[store_id], policy)
    ]
    async with db.begin() as tx:
        await tx.execute("DELETE FROM promise_lags")
        await tx.executemany(
            "INSERT INTO promise_lags (location_id, kind, band, lag, seen, learned_at) VALUES ($1, $2, $3, $4, $5, $6)",
            rows,
        )
    return len(rows)


def learned(seen: Seen, chain: Seen, store: Store, policy: PromisePolicy) -> list[tuple[str, int, int, int]]:
    """Kind, band, lag and how many orders it was learned from, for all that a location does."""
    found: list[tuple[str, int, int, int]] = []
    percent, enough = policy.quantile, policy.enough
    if store.kind == "store" and store.services.pickup:
        shop, every = seen.all_pickups, chain.all_pickups
        for band in range(lags.BANDS):
            hour = seen.pickups.get(band, Counter())
            found.append(
                ("pickup", band, lags.pickup_lag(hour, shop, every, percent=percent, enough=enough), hour.total())
            )
    if store.services.ship:
        for reach in range(lags.REACHES):
            pairs = [
                (chain.left, chain.travels.get(reach, Counter())),
                (seen.left, seen.all_travels),
                (seen.left if seen.parcels[reach] else Counter(), seen.travels.get(reach, Counter())),
            ]
            found.append(("ship", reach, lags.parcel_lag(pairs, percent=percent, enough=enough), seen.parcels[reach]))
    return found
