"""Text messages over a gateway's address: signed, bounded in time, and clear about what may be tried again."""

from __future__ import annotations

import asyncio
import hmac
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from duoline.adapters.sms_webhook import SmsWebhook
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from duoline.members.sms import MessageRefused, SmsMessage, SmsSender, SmsTemplate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "k" * 32
MESSAGE = SmsMessage(
    id="a-code", phone="+8613800138000", template=SmsTemplate.LOGIN_CODE, fields={"code": "482107", "minutes": "5"}
)


class Gateway:
    """Whoever listens at the other end: answers what it is told to, or nothing at all."""

    def __init__(self) -> None:
        self.status: int | None = 204
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.port = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.heard.append((first, headers, await reader.readexactly(int(headers["content-length"]))))
        if self.status is None:
            await reader.read()  # until the other side gives up
        else:
            location = "Location: http://127.0.0.1/elsewhere\r\n" if self.status == 307 else ""
            writer.write(f"HTTP/1.1 {self.status} X\r\n{location}Content-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def listening() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    server = await asyncio.start_server(gateway.hear, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    async with server:
        yield gateway


def sender(gateway: Gateway, **options: float) -> SmsSender:
    return SmsWebhook(f"http://127.0.0.1:{gateway.port}/sms?shop=1", SECRET, **options)


async def test_a_message_is_posted_with_a_signature_that_proves_it() -> None:
    async with listening() as gateway:
        with clock.frozen(datetime(2026, 11, 21, 8, 30, tzinfo=UTC)):
            await sender(gateway).send(MESSAGE)
    [(first, headers, body)] = gateway.heard
    assert first == "POST /sms?shop=1 HTTP/1.1"
    assert json.loads(body) == {
        "id": "a-code",
        "phone": "+8613800138000",
        "template": "login_code",
        "fields": {"code": "482107", "minutes": "5"},
        "locale": "zh",
    }
    assert headers["idempotency-key"] == "a-code"
    expected = hmac.new(SECRET.encode(), b"1795249800." + body, "sha256").hexdigest()
    assert headers["duoline-signature"] == f"t=1795249800,v1={expected}"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_tried_again_by_the_caller(status: int) -> None:
    async with listening() as gateway:
        gateway.status = status
        with pytest.raises(Unavailable):
            await sender(gateway).send(MESSAGE)


@pytest.mark.parametrize("status", [307, 400, 401, 404, 422])
async def test_what_will_never_be_taken_is_final(status: int) -> None:
    async with listening() as gateway:
        gateway.status = status
        with pytest.raises(MessageRefused):
            await sender(gateway).send(MESSAGE)
        assert len(gateway.heard) == 1


async def test_silence_ends_by_itself() -> None:
    async with listening() as gateway:
        gateway.status = None
        with pytest.raises(Unavailable):
            await sender(gateway, deadline_s=0.2).send(MESSAGE)
        assert len(gateway.heard) == 1


async def test_nobody_there() -> None:
    async with listening() as gateway:
        pass
    with pytest.raises(Unavailable):
        await sender(gateway).send(MESSAGE)
