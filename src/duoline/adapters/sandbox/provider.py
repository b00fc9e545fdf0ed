"""One running provider: its settings, its ledger, and the task that delivers its callbacks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from duoline.adapters.sandbox import deliver, rules
from duoline.adapters.sandbox.books import Books, open_books
from duoline.adapters.sandbox.ledger import Ledger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable

    from duoline.adapters.sandbox.settings import Merchant, SandboxSettings

log = logging.getLogger("duoline.sandbox")

T = TypeVar("T")


class Provider:
    """What the handlers of the provider share. Inside `running` it delivers callbacks."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.merchants: dict[str, Merchant] = {merchant.id: merchant for merchant in settings.merchants}
        self._ledger = Ledger(settings.path)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    async def write(self, work: Callable[[Books], T]) -> T:
        """Run `work` on the books as one durable transaction, then see what there is to deliver."""
        result = await self.transact(work)
        self._wake.set()
        return result

    async def transact(self, work: Callable[[Books], T]) -> T:
        """Run `work` on the books as one durable transaction."""
        return await self._ledger.write(lambda db: work(self._books(db)))

    async def read(self, work: Callable[[Books], T]) -> T:
        """Run `work`, which changes nothing, on one consistent state of the books."""
        return await self._ledger.read(lambda db: work(self._books(db)))

    def now_ms(self) -> int:
        """The provider's own time, in milliseconds since 1970."""
        return rules.to_ms(self.settings.now())

    async def hang(self, seconds: float) -> None:
        """Let a caller wait on purpose; a provider that stops does not keep it any longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver callbacks while the body runs; what is on its way at the end stays in the queue."""
        self._stopping.clear()
        await self.read(lambda _books: None)
        task = asyncio.create_task(deliver.run(self, self._wake), name="sandbox-deliver")
        task.add_done_callback(_report_end)
        try:
            yield
        finally:
            self._stopping.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._ledger.close()

    def _books(self, db: sqlite3.Connection) -> Books:
        return open_books(db, now_ms=self.now_ms(), time_scale=self.settings.time_scale)


def _report_end(task: asyncio.Task[None]) -> None:
    """A delivery that ends by an error would otherwise only be missed by a shop that hears nothing."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("sandbox callbacks are no longer delivered", exc_info=error)
