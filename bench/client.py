"""A small HTTP/1.1 client for loads: one connection a buyer, kept open, as little work as possible of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    """Status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Connection:
    """One buyer's connection. Opened at the first request, and again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.token: str | None = None
        self.forwarded_for: str | None = None
        """The buyer's own address, as a reverse proxy would tell it: limits are counted by it."""

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Reply:
        """One request and its reply."""
        payload = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-language: en\r\n"
        if key is not None:
            head += f"idempotency-key: {key}\r\n"
        if self.token is not None:
            head += f"authorization: Bearer {self.token}\r\n"
        if self.forwarded_for is not None:
            head += f"x-forwarded-for: {self.forwarded_for}\r\n"
        if body is not None:
            head += "content-type: application/json\r\n"
        request = f"{head}content-length: {len(payload)}\r\n\r\n".encode() + payload
        for attempt in (1, 2):
            if self._writer is None or self._reader is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                self._writer.write(request)
                return await self._reply(self._reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if attempt == 2:
                    raise
        raise AssertionError

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:-2])
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        status = int(head[0].split(" ", 2)[1])
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(status, headers, body)

    def close(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclass
class Run:
    """What a load did: how often, how long each took (seconds), for how long, and what failed."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.took) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """A quantile of the times, in milliseconds."""
        ordered = sorted(self.took)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


Operation = Callable[[Connection, int], Awaitable[str | None]]


async def closed_loop(port: int, operation: Operation, *, clients: int, seconds: float) -> Run:
    """`clients` buyers, each asking again as soon as it is answered, for `seconds`. It answers with what failed."""
    run = Run()
    stop_at = time.perf_counter() + seconds

    async def buyer(number: int) -> None:
        connection = Connection(port)
        n = number
        while (began := time.perf_counter()) < stop_at:
            failed = await operation(connection, n)
            n += clients
            if failed is None:
                run.took.append(time.perf_counter() - began)
            else:
                run.failures[failed] = run.failures.get(failed, 0) + 1
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(buyer(number) for number in range(clients)))
    run.seconds = time.perf_counter() - began
    return run
