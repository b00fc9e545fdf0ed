"""Regular work over many rows: one that fails does not keep the others from being done.

A row that fails is logged and counted, and rests for longer each time, so that a few broken ones never fill the
batch that the others wait for. What rests is known to this process only; after a restart it is tried at once.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.kernel import metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from uuid import UUID

log = logging.getLogger(__name__)

FIRST_REST_S = 10.0
LONGEST_REST_S = 3600.0
BATCHES = 20
"""So many batches a run of the work does at the most."""


class _Setback(NamedTuple):
    failures: int
    rests_until: float


class Sweep:
    """One kind of regular work. Declare it at module level, beside the work."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._setbacks: dict[UUID, _Setback] = {}

    def resting(self) -> list[UUID]:
        """Ids to leave out for now; put them into the query that looks for due rows."""
        now = self._clock()
        return [row_id for row_id, setback in self._setbacks.items() if setback.rests_until > now]

    async def run(self, rows: Iterable[tuple[UUID, Any]], work: Callable[[Any], Awaitable[object]]) -> int:
        """Do `work` for each (id, row), one after the other. Returns how many went well."""
        done = 0
        for row_id, row in rows:
            try:
                await work(row)
            except Exception:
                self._set_back(row_id)
            else:
                self._setbacks.pop(row_id, None)
                done += 1
        return done

    async def drain(
        self,
        due: Callable[[], Awaitable[list[tuple[UUID, Any]]]],
        work: Callable[[Any], Awaitable[object]],
        *,
        batch: int,
    ) -> int:
        """As `run`, batch by batch as long as they are full: what falls due at one instant, as much does at midnight,
        does not wait for as many runs as it has batches. Returns how many went well."""
        done = 0
        for _ in range(BATCHES):
            rows = await due()
            went_well = await self.run(rows, work)
            done += went_well
            if len(rows) < batch or not went_well:
                break
        return done

    def _set_back(self, row_id: UUID) -> None:
        failures = self._setbacks[row_id].failures + 1 if row_id in self._setbacks else 1
        rest_s = min(FIRST_REST_S * 2 ** (failures - 1), LONGEST_REST_S)
        self._setbacks[row_id] = _Setback(failures, self._clock() + rest_s)
        metrics.SWEEP_FAILURES.labels(self._name).inc()
        log.exception("%s: %s failed %d times; it rests for %d s", self._name, row_id, failures, rest_s)
