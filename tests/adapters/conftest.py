"""What the tests of the adapters share: a provider process, a shop that hears callbacks, bad listeners."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from duoline.adapters.sandbox_client import Patience, SandboxClient
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import code

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from duoline.payments.provider import OpenedPayment, PaymentEvent

SOURCE = Path(__file__).resolve().parents[2] / "src"
SECRET = "a-secret-of-the-shop"
OTHER_SECRET = "a-secret-of-another-shop"
# Everything here is plain http on loopback; loading root certificates for each client would take longer.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
QUICK = Patience(tries=3, connect_s=0.5, answer_s=1.0, deadline_s=3.0, pause_s=0.01)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web() -> httpx.AsyncClient:
    """A browser, or whoever else speaks plain http."""
    return httpx.AsyncClient(verify=NO_TLS)


def client_at(url: str, **changes: Any) -> SandboxClient:
    """A client of the first merchant."""
    wanted = {"base_url": url, "merchant_id": "shop", "secret": SECRET, "patience": QUICK} | changes
    return SandboxClient(**wanted)


class ProviderProcess:
    """The provider as its own process, so that it can be killed like one."""

    def __init__(self, ledger: Path, *, time_scale: float = 0.001, port: int | None = None) -> None:
        self.ledger = ledger
        self.time_scale = time_scale
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-W", "error", "-m", "duoline.adapters.sandbox"),
                *("--ledger", str(self.ledger), "--port", str(self.port), "--time-scale", str(self.time_scale)),
                *("--merchant", f"shop={SECRET}", "--merchant", f"other={OTHER_SECRET}"),
            ],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert self._process.poll() is None, "the provider did not start"
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/control", verify=NO_TLS).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the provider does not answer")

    def end(self, number: int) -> None:
        """End it with a signal and wait until it is gone; asked politely it must say that all was well."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            assert self._process.wait(20) == (0 if number == signal.SIGTERM else -number)
        self._process = None

    def kill(self) -> None:
        """kill -9."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self.end(signal.SIGTERM)

    def client(self, **changes: Any) -> SandboxClient:
        """A client of the first merchant."""
        return client_at(self.url, **changes)

    async def control(self, action: str, **fields: Any) -> dict[str, Any]:
        """One call of the control API that must succeed."""
        async with web() as http:
            answer = await http.post(f"{self.url}/control", json={"do": action, **fields})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def callbacks(self, ref: str) -> list[dict[str, Any]]:
        """The queue of one payment, oldest first."""
        async with web() as http:
            answer = await http.get(f"{self.url}/control", params={"ref": ref})
        return list(reversed(answer.json()["callbacks"]))


class Heard:
    """One callback as the shop received and judged it."""

    def __init__(self, headers: dict[str, str], body: bytes, judged: PaymentEvent | Refusal) -> None:
        self.headers = headers
        self.body = body
        self.judged = judged

    @property
    def kind(self) -> str:
        """What it says happened, or why it was refused."""
        return f"refused:{self.judged.fields['reason']}" if isinstance(self.judged, Refusal) else self.judged.kind


class Shop:
    """A shop's callback address: verifies, remembers, and answers as it is told (204 otherwise)."""

    def __init__(self, client: SandboxClient) -> None:
        self.client = client
        self.heard: list[Heard] = []
        self.answers: deque[int] = deque()
        self.slow_s = 0.0
        self.port = 0

    @property
    def url(self) -> str:
        """The notify_url."""
        return f"http://127.0.0.1:{self.port}/callbacks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            lines = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in lines}
            body = await reader.readexactly(int(headers["content-length"]))
            judged: PaymentEvent | Refusal
            try:
                judged = self.client.parse_callback(headers, body)
            except Refusal as refusal:
                judged = refusal
            self.heard.append(Heard(headers, body, judged))
            status = self.answers.popleft() if self.answers else 401 if isinstance(judged, Refusal) else 204
            await asyncio.sleep(self.slow_s)
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async def wait_for(self, count: int, *, within_s: float = 15.0) -> list[Heard]:
        """Wait for so many callbacks, then a moment longer for one too many."""
        await eventually(lambda: len(self.heard) >= count, within_s=within_s, why=f"{count} callbacks")
        await asyncio.sleep(0.1)
        return self.heard


async def eventually(condition: Callable[[], bool], *, within_s: float = 15.0, why: str = "") -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"not in {within_s} s: {why}"
        await asyncio.sleep(0.02)


async def open_payment(client: SandboxClient, ref: str, shop_url: str, **changes: Any) -> OpenedPayment:
    """Open a payment of ¥19.90 for a quarter of an hour, or with the given changes."""
    wanted: dict[str, Any] = {
        "amount_minor": 1990,
        "currency": "CNY",
        "subject": "双线商城订单 20261121-0042",
        "notify_url": shop_url,
        "return_url": "http://127.0.0.1:8000/orders/42",
        "expires_at": clock.now() + timedelta(minutes=15),
    } | changes
    return await client.open_payment(ref, **wanted)


@asynccontextmanager
async def listening(serve: Callable[..., Awaitable[None]]) -> AsyncIterator[int]:
    """Serve raw connections on a free port; gives the port."""
    open_now: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            open_now.discard(writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(open_now):
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(application: Any, port: int | None = None) -> AsyncIterator[str]:
    """Serve an ASGI application in this process, on a free port if none is given; gives its address."""
    port = port or free_port()
    server = Server(
        application, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False
    )
    task = asyncio.create_task(server.serve())
    try:
        async with web() as http:
            for _ in range(200):
                with suppress(httpx.TransportError):
                    await http.get(f"http://127.0.0.1:{port}/")
                    break
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        await task


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """One provider for many tests; its day passes in a minute and a half."""
    process = ProviderProcess(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def own_provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    """A provider of one test, not yet started."""
    process = ProviderProcess(tmp_path / "sandbox.sqlite")
    yield process
    process.kill()


@pytest.fixture
async def client(provider: ProviderProcess) -> AsyncIterator[SandboxClient]:
    """The shop's client."""
    async with provider.client() as made:
        yield made


@pytest.fixture
async def shop(provider: ProviderProcess) -> AsyncIterator[Shop]:
    """The shop's callback address."""
    async with provider.client() as own:
        made = Shop(own)
        async with listening(made.serve) as made.port:
            yield made


@pytest.fixture
def ref() -> Iterator[str]:
    """A payment number of this test."""
    return f"pay-{code(12)}"


@pytest.fixture
def refs() -> Iterator[str]:
    """Payment numbers of this test, as many as it wants."""
    stem = code(10)
    return (f"pay-{stem}-{n}" for n in itertools.count(1))


@pytest.fixture
def kit() -> Any:
    """The helpers above, for tests, which cannot import a conftest."""
    return sys.modules[__name__]
