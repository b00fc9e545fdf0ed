"""What each location has to do, and how often it rejects, read now and then in a process.

Promises and sourcing look at it; nothing that must be exact does.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from duoline.fulfilment.policy import PROMISE
from duoline.fulfilment.promise import NOTHING_LEARNED, Lags

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database

FRESH_S = 2.0
RECORDS_FRESH_S = 600.0
PRIOR_REJECTED, PRIOR_ALL = 1, 40
"""A location without a record is taken to reject one in forty, as one that we have not got to know (a Beta prior)."""


class OpenWork:
    """Counts of fulfilments to pick, by location, and their records. One instance a process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._counts: dict[UUID, int] = {}
        self._read_at = -FRESH_S
        self._reading = asyncio.Lock()
        self._reject_bp: dict[UUID, int] = {}
        self._records_at = -RECORDS_FRESH_S
        self._lags: Lags | None = None
        self._lags_at = -RECORDS_FRESH_S
        self._reading_lags = asyncio.Lock()

    async def counts(self) -> dict[UUID, int]:
        """Locations with open work. Callers share the answer and leave it as it is."""
        if time.monotonic() - self._read_at >= FRESH_S:
            if self._reading.locked() and self._counts:
                return self._counts  # somebody is reading already; a moment older will do
            async with self._reading:
                if time.monotonic() - self._read_at >= FRESH_S:
                    rows = await self._db.fetch(
                        "SELECT location_id, count(*) AS n FROM fulfilments WHERE state = 'to_pick' GROUP BY 1"
                    )
                    self._counts = {row["location_id"]: row["n"] for row in rows}
                    self._read_at = time.monotonic()
        return self._counts

    async def reject_bp(self) -> dict[UUID, int]:
        """How many of ten thousand fulfilments each location rejects; one that is not named, `UNKNOWN_BP`."""
        if time.monotonic() - self._records_at >= RECORDS_FRESH_S:
            self._records_at = time.monotonic()  # the others go on with what there was
            rows = await self._db.fetch("SELECT location_id, served, rejected FROM source_records")
            self._reject_bp = {row["location_id"]: reject_bp(row["served"], row["rejected"]) for row in rows}
        return self._reject_bp

    async def lags(self) -> Lags:
        """How much later than the plain rule to promise, as it was learned last; nothing when the policy says so."""
        if not PROMISE.current().body.learned:
            return NOTHING_LEARNED
        if self._lags is None or time.monotonic() - self._lags_at >= RECORDS_FRESH_S:
            if self._reading_lags.locked() and self._lags is not None:
                return self._lags
            # Nobody promises by less than the others know: whoever comes first waits, and so do those beside.
            async with self._reading_lags:
                if self._lags is None or time.monotonic() - self._lags_at >= RECORDS_FRESH_S:
                    self._lags = await read_lags(self._db)
                    self._lags_at = time.monotonic()
        return self._lags


async def read_lags(db: Database) -> Lags:
    """Every lag that was learned and that is not nothing."""
    pickup_min: dict[tuple[UUID, int], int] = {}
    parcel_days: dict[tuple[UUID, int], int] = {}
    for row in await db.fetch("SELECT location_id, kind, band, lag FROM promise_lags WHERE lag <> 0"):
        found = pickup_min if row["kind"] == "pickup" else parcel_days
        found[row["location_id"], row["band"]] = row["lag"]
    return Lags(pickup_min, parcel_days)


def reject_bp(served: int, rejected: int) -> int:
    """The chance, in ten thousandths, that the next one is rejected: the mean of a Beta distribution."""
    return 10_000 * (rejected + PRIOR_REJECTED) // (served + rejected + PRIOR_ALL)


UNKNOWN_BP = reject_bp(0, 0)
