"""Every night: which promises of the last days were kept, beside what the plain rule would have promised.

A day's promises are those made for a time on that day of the shop's calendar. Seven days are counted anew each night,
because what is late is done, and what arrived is recorded, after its day.
"""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.fulfilment.became import of_parcel, of_pickup, read_past
from duoline.fulfilment.lags import loss_milli
from duoline.fulfilment.policy import PROMISE
from duoline.kernel import clock, jobs
from duoline.kernel.errors import ensure
from duoline.stores import directory, hours

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from duoline.fulfilment.became import Past
    from duoline.kernel.db import Database
    from duoline.stores.types import Store

DAYS = 7
KEPT_DAYS = 400


@dataclasses.dataclass
class Tally:
    """What became of the promises of a day, a kind and a band. Losses as in `lags.loss_milli`."""

    aim: int
    promises: int = 0
    kept: int = 0
    plain_kept: int = 0
    loss_milli: int = 0
    plain_loss_milli: int = 0

    def count(self, took: int, *, promised: int, plain: int) -> None:
        """Count one that took so long and was to take `promised`, or `plain` by the plain rule."""
        self.promises += 1
        self.kept += took <= promised
        self.plain_kept += took <= plain
        self.loss_milli += loss_milli(took, promised, percent=self.aim)
        self.plain_loss_milli += loss_milli(took, plain, percent=self.aim)


Key = tuple["date", str, int]


def tally(store: Store, past: Sequence[Past], now: datetime) -> dict[Key, Tally]:
    """The promises of a location, by day, kind and band."""
    zone, week = ZoneInfo(store.timezone), dataclasses.replace(store.hours)
    found: dict[Key, Tally] = {}
    aims: dict[date, int] = {}
    for one in past:
        became = of_pickup(one, store, week, now) if one.kind == "pickup" else of_parcel(one, store, now)
        if became is None or not became.arrived:
            continue
        day = one.promise_at.astimezone(zone).date()
        if day not in aims:
            aims[day] = PROMISE.current(datetime(day.year, day.month, day.day, tzinfo=zone)).body.quantile
        mine = found.setdefault((day, became.kind, became.band), Tally(aims[day]))
        mine.count(became.took, promised=became.promised, plain=became.plain)
    return found


@jobs.cron("report which promises were kept", "53 19 * * *")
async def report_promises(db: Database) -> int:
    """Count the promises of the seven days before today, by location; returns how many there were.

    Each location's days are replaced in one transaction. Reports are forgotten after 400 days.
    """
    now, counted = clock.now(), 0
    for store in directory.current().stores.values():
        zone, today = ZoneInfo(store.timezone), hours.today(store.hours, now)
        first = today - timedelta(days=DAYS)
        since, until = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, today))
        past = await read_past(db, store.id, since, until)
        found = await asyncio.to_thread(tally, store, past, now)
        for key, one in found.items():
            fine = 0 <= one.kept <= one.promises and 0 <= one.plain_kept <= one.promises
            ensure(fine, "PRM-2", f"{store.code} kept {one.kept} of {one.promises} promises on {key}")
        await _write(db, store, first, today, found)
        counted += sum(one.promises for one in found.values())
    await db.execute("DELETE FROM promise_days WHERE day < $1", now.date() - timedelta(days=KEPT_DAYS))
    return counted


async def _write(db: Database, store: Store, first: date, today: date, found: dict[Key, Tally]) -> None:
    async with db.begin() as tx:
        await tx.execute(
            "DELETE FROM promise_days WHERE location_id = $1 AND day >= $2 AND day < $3", store.id, first, today
        )
        await tx.executemany(
            """INSERT INTO promise_days (location_id, day, kind, band, promises, kept, plain_kept, loss_milli,
                                         plain_loss_milli, aim)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
            [
                (store.id, *key, one.promises, one.kept, one.plain_kept, one.loss_milli, one.plain_loss_milli, one.aim)
                for key, one in sorted(found.items())
            ],
        )
