"""Waking up: a connection that listens for NOTIFY, and waiting that ends early. A hint: whoever waits also polls."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Callable

    from duoline.kernel.db import Database

log = logging.getLogger(__name__)

READERS = "duoline_events"
"""The channel on which readers of the event log are woken."""


class listening:
    """One connection that calls `heard()` at every NOTIFY on a channel, and comes back after a broken connection."""

    def __init__(self, db: Database, channel: str, heard: Callable[[], object]) -> None:
        self.db, self.channel, self.heard = db, channel, heard
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> listening:
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._keep(ready), name=f"listen {self.channel}")
        await ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self, ready: asyncio.Event) -> None:
        while True:
            gone = asyncio.Event()
            try:
                async with self.db.acquire() as connection:
                    await self._listen_on(connection, gone, ready)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("the connection that listens on %s broke; opening another", self.channel)
            ready.set()  # a start without the hint works too: everyone also polls
            await asyncio.sleep(1.0)

    async def _listen_on(self, connection: Any, gone: asyncio.Event, ready: asyncio.Event) -> None:
        def hear(*_: object) -> None:
            self.heard()

        def lost(*_: object) -> None:
            gone.set()

        connection.add_termination_listener(lost)
        await connection.add_listener(self.channel, hear)
        ready.set()
        self.heard()  # whatever was said while nobody listened
        try:
            await gone.wait()
        finally:
            connection.remove_termination_listener(lost)
            if not connection.is_closed():
                await connection.remove_listener(self.channel, hear)


async def first(stop: asyncio.Event, wake: asyncio.Event, timeout_s: float) -> None:
    """Return when either is set or the time is up."""
    waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(wake.wait())]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait that long, or until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
