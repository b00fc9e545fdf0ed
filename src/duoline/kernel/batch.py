"""A micro-batcher: callers who want the same thing at the same time share one transaction.

A lone caller goes straight through. Those who arrive while a flush of the same key is under way wait for
it and then go together, at most `cap` at once, in order of arrival. So nothing is delayed by a timer, hot
keys are found by themselves, and there is nothing to configure.

`flush(key, items)` must return one result an item, in order. If it raises with several items on board, each
is tried again alone, so that one bad request cannot spoil its neighbours'. A caller who goes away before
the flush is left out; one who goes away during it has been served, which is why what is handed out must
expire or be found again by its key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[K, T, R]):
    """One queue a key, alive only while somebody waits in it."""

    def __init__(self, flush: Callable[[K, Sequence[T]], Awaitable[Sequence[R]]], *, cap: int = 200) -> None:
        self._flush = flush
        self._cap = cap
        self._queues: dict[K, deque[tuple[T, asyncio.Future[R]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, key: K, item: T) -> R:
        """Wait for this item's own result."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        queue = self._queues.get(key)
        if queue is not None:
            queue.append((item, future))
        else:
            self._queues[key] = deque([(item, future)])
            task = asyncio.create_task(self._drain(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self, key: K) -> None:
        queue = self._queues[key]
        while queue:
            batch = [queue.popleft() for _ in range(min(self._cap, len(queue)))]
            batch = [entry for entry in batch if not entry[1].cancelled()]
            await self._serve(key, batch)
        del self._queues[key]

    async def _serve(self, key: K, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        if not batch:
            return
        try:
            results = await self._flush(key, [item for item, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0][1], error=error)
                return
            for entry in batch:
                await self._serve(key, [entry])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _settle(future: asyncio.Future[R], *, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
