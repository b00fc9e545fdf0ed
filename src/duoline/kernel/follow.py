"""Following the event log: caches of a process that look again when something has changed, and live streams.

Where a consumer takes each event once and remembers its place, a follower begins at the present and forgets: for what a
process can read anew at any time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from duoline.kernel import jobs, outbox
from duoline.kernel import wake as wakes

if TYPE_CHECKING:
    from duoline.kernel.db import Database
    from duoline.kernel.outbox import Event

log = logging.getLogger(__name__)

LOOK_S = 30.0
STOOD_EVERY_S = 1.0
STOOD_KEPT = 120
"""Marks of where the log stood, some two minutes of them: for pages that were read before they began to listen."""

Look = Callable[["Database"], Awaitable[object]]
AnyLook = TypeVar("AnyLook", bound=Look)
watchers: list[tuple[tuple[str, ...], Look]] = []


def watch(*topics: str) -> Callable[[AnyLook], AnyLook]:
    """Register `async look(db)`: called at the start of a process, at events of these topics, and every 30 s.

    For caches in memory. Every process has one `Follower` that calls them; a look that fails is tried again later.
    """

    def register(look: AnyLook) -> AnyLook:
        watchers.append((topics, look))
        return look

    return register


async def look_everywhere(db: Database) -> None:
    """Fill every cache: once, before a process takes work."""
    for _, look in watchers:
        await look(db)


class Follower:
    """Reads the log as it grows, from the moment it starts: for caches and live streams, not for effects."""

    def __init__(self, db: Database, heard: Callable[[list[Event]], object] | None = None) -> None:
        self._db, self._heard = db, heard
        self.last_id = 0
        self._stood: deque[tuple[float, int]] = deque(maxlen=STOOD_KEPT)

    def stood_at(self, instant: float) -> int | None:
        """Up to which id the log was read at an instant of the loop's clock, or before it; None if too long ago."""
        return next((last_id for since, last_id in reversed(self._stood) if since <= instant), None)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()
        looked_at = loop.time()
        self.last_id = await self._db.fetchval("SELECT COALESCE(max(id), 0) FROM event_log")
        self._stood.append((loop.time(), self.last_id))
        async with wakes.listening(self._db, wakes.READERS, wake.set):
            while not stop.is_set():
                wake.clear()
                due = loop.time() - looked_at >= LOOK_S
                try:
                    events = await self._next()
                    try:
                        await self._look(events, all_of_them=due)
                    finally:
                        # After the caches: who hears of a change and asks at once is answered by what has changed.
                        if events and self._heard is not None:
                            self._heard(events)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    log.warning("the event log cannot be followed (%s); trying again", type(error).__name__)
                    await wakes.pause(stop, 1.0)
                    continue
                except Exception:
                    # A cache or stream that cannot digest an event must not stop all the others for good.
                    log.exception("something that follows the event log failed; going on with the next events")
                    await wakes.pause(stop, 1.0)
                    continue
                looked_at = loop.time() if due else looked_at
                if len(events) < outbox.BATCH:
                    await wakes.first(stop, wake, outbox.POLL_S)

    async def _next(self) -> list[Event]:
        events = await outbox.read(self._db, after_id=self.last_id)
        if events:
            self.last_id = events[-1].id
            now = asyncio.get_running_loop().time()
            if len(self._stood) > 1 and now - self._stood[-2][0] < STOOD_EVERY_S:
                self._stood.pop()  # many events in a second are one mark, which moves on with them
            self._stood.append((now, self.last_id))
        return events

    async def _look(self, events: list[Event], *, all_of_them: bool) -> None:
        for topics, look in watchers:
            if all_of_them or any(outbox.matches(event.topic, topics) for event in events):
                await look(self._db)


@jobs.service("follow the event log")
async def follow(db: Database, stop: asyncio.Event) -> None:
    """Keep the caches of a worker fresh."""
    await look_everywhere(db)
    await Follower(db).run(stop)
