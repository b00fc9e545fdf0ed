"""The client against a provider, or a network, that misbehaves: effects once, `Unavailable` in time, no leaks."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.adapters.sandbox import signing
from duoline.adapters.sandbox_client import Patience, SandboxClient
from duoline.kernel.errors import Unavailable
from duoline.payments.provider import NotPaid, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOWHERE = "http://127.0.0.1:9/callbacks"
HASTY = Patience(tries=2, connect_s=0.7, answer_s=0.7, deadline_s=2.0, pause_s=0.01)


@pytest.fixture(autouse=True)
async def behave_again(provider: Any) -> AsyncIterator[None]:
    """Leave the provider as every other test expects it."""
    yield
    await provider.control("reset")


async def spoil(provider: Any, operation: str, how: str, **more: Any) -> None:
    """Spoil the next answers to one kind of call."""
    await provider.control("answer", fault={"operation": operation, "how": how, **more})


@pytest.mark.parametrize("how", ["error_before", "error_after"])
async def test_an_error_is_overcome_by_a_safe_repeat(
    provider: Any, client: SandboxClient, ref: str, kit: Any, how: str
) -> None:
    await spoil(provider, "open", how, times=2)
    opened = await kit.open_payment(client, ref, NOWHERE)
    assert (await client.query_payment(ref)).provider_ref == opened.provider_ref
    await provider.control("pay", ref=ref)
    await spoil(provider, "refund", how, times=2)
    refund = await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=500, currency="CNY", reason="")
    assert refund.status is RefundStatus.DONE
    assert (await client.query_payment(ref)).refunded_minor == 500


async def test_a_hang_after_the_effect_is_overcome_by_a_safe_repeat(provider: Any, ref: str, kit: Any) -> None:
    async with provider.client(patience=HASTY) as client:
        await spoil(provider, "open", "hang_after")
        await kit.open_payment(client, ref, NOWHERE)
        await provider.control("pay", ref=ref)
        await spoil(provider, "refund", "hang_after")
        await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=500, currency="CNY", reason="")
        assert (await client.query_payment(ref)).refunded_minor == 500


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("error_before", RefundStatus.ABSENT),
        ("hang_before", RefundStatus.ABSENT),
        ("error_after", RefundStatus.DONE),
        ("hang_after", RefundStatus.DONE),
        ("garbled", RefundStatus.DONE),
    ],
)
async def test_an_uncertain_refund_is_unavailable_and_the_query_knows(
    provider: Any, ref: str, kit: Any, how: str, status: RefundStatus
) -> None:
    async with provider.client(patience=HASTY) as client:
        await kit.open_payment(client, ref, NOWHERE)
        await provider.control("pay", ref=ref)
        await spoil(provider, "refund", how, times=10)
        with pytest.raises(Unavailable):
            await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=500, currency="CNY", reason="")
        assert (await client.query_refund(f"{ref}-r")).status is status
        await provider.control("reset")
        await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=500, currency="CNY", reason="")
        assert (await client.query_payment(ref)).refunded_minor == 500


async def test_a_slow_answer_is_waited_for(provider: Any, client: SandboxClient, ref: str, kit: Any) -> None:
    await spoil(provider, "open", "slow", seconds=0.5)
    started = time.monotonic()
    await kit.open_payment(client, ref, NOWHERE)
    assert time.monotonic() - started >= 0.5


async def test_a_provider_that_always_fails_is_unavailable_for_every_call(
    provider: Any, client: SandboxClient, ref: str, kit: Any
) -> None:
    calls = {
        "open": lambda: kit.open_payment(client, ref, NOWHERE),
        "query": lambda: client.query_payment(ref),
        "close": lambda: client.close_payment(ref),
        "refund": lambda: client.refund(ref, refund_ref=ref, amount_minor=1, currency="CNY", reason=""),
        "query_refund": lambda: client.query_refund(ref),
    }
    for operation, call in calls.items():
        await spoil(provider, operation, "error_before", times=1000)
        with pytest.raises(Unavailable) as unavailable:
            await call()
        assert unavailable.value.retry_after_s > 0


@pytest.mark.parametrize(("after", "status"), [("error", 502), ("hang", 504)])
async def test_the_money_may_be_taken_and_the_buyer_not_told(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any, after: str, status: int
) -> None:
    opened = await kit.open_payment(client, ref, shop.url)
    await provider.control("faults", ref=ref, faults={"after_capture": after, "hang_s": 1})
    async with kit.web() as browser:
        answer = await browser.post(opened.pay_url, data={})
    assert answer.status_code == status
    assert "http://127.0.0.1:8000/orders/42" in answer.text
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID
    assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]


async def test_a_provider_that_is_not_there_is_unavailable(kit: Any) -> None:
    async with SandboxClient(
        base_url=f"http://127.0.0.1:{kit.free_port()}", merchant_id="shop", secret="s", patience=HASTY
    ) as client:
        with pytest.raises(Unavailable):
            await client.query_payment("pay-1")


@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"merchant_id": "nobody"}, {"secret": "wrong", "merchant_id": "other"}]
)
async def test_a_client_the_provider_does_not_know_is_unavailable(provider: Any, changes: dict[str, str]) -> None:
    async with provider.client(**changes) as client:
        with pytest.raises(Unavailable) as unavailable:
            await client.query_payment("pay-1")
    assert unavailable.value.retry_after_s == 60


async def black_hole(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read everything, answer nothing."""
    while await reader.read(4096):
        pass


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the request, reset the connection."""
    await reader.read(4096)
    writer.transport.abort()


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Promise a hundred bytes, send ten, close."""
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789")
    await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte every tenth of a second: never silent, never done."""
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Another protocol."""
    await reader.read(4096)
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


def answering(status: int, body: bytes, headers: str = "") -> Any:
    """Answer anything with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return serve


PAID = msgspec.json.encode(
    {
        "out_trade_no": "pay-1",
        "provider_ref": "sbx_1",
        "state": "paid",
        "amount_minor": 1990,
        "refunded_minor": 0,
        "currency": "CNY",
        "pay_url": "/",
        "paid_at": "2026-11-21T00:00:00Z",
        "closed_at": None,
    }
)
OLD_SIGNATURE = signing.sign(
    "a-secret-of-the-shop", signing.answer_text(200, 1_790_000_000, "nonce-of-another-question", PAID)
)

NETWORKS = {
    "black hole": black_hole,
    "reset": reset,
    "half an answer": half_an_answer,
    "drip": drip,
    "not http": not_http,
    "an answer nobody signed": answering(200, PAID),
    "an answer signed with nonsense": answering(
        200, PAID, f"Sandbox-Timestamp: 1790000000\r\nSandbox-Signature: {'0' * 64}\r\n"
    ),
    "an answer to another question": answering(
        200, PAID, f"Sandbox-Timestamp: 1790000000\r\nSandbox-Signature: {OLD_SIGNATURE}\r\n"
    ),
    "a page of a proxy": answering(404, b"<html>not found</html>"),
    "a redirect": answering(302, b"", "location: http://127.0.0.1:9/\r\n"),
    "too many requests": answering(429, b""),
    "a bad gateway": answering(502, b"<html>bad gateway</html>"),
}


@pytest.mark.parametrize("network", NETWORKS)
async def test_no_answer_is_believed_that_is_not_the_providers_own(kit: Any, network: str) -> None:
    async with (
        kit.listening(NETWORKS[network]) as port,
        SandboxClient(
            base_url=f"http://127.0.0.1:{port}", merchant_id="shop", secret=kit.SECRET, patience=HASTY
        ) as client,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await client.query_payment("pay-1")
        assert time.monotonic() - started < HASTY.deadline_s + 5


async def test_a_black_hole_keeps_neither_connections_nor_tasks(kit: Any) -> None:
    """T06: sixty callers at once, against a provider that swallows every call."""
    async with kit.listening(black_hole) as port:
        tasks = len(asyncio.all_tasks())
        files = len(os.listdir("/proc/self/fd"))
        async with SandboxClient(
            base_url=f"http://127.0.0.1:{port}", merchant_id="shop", secret=kit.SECRET, patience=HASTY
        ) as client:
            started = time.monotonic()
            outcomes = await asyncio.gather(
                *(client.query_payment(f"pay-{n}") for n in range(60)), return_exceptions=True
            )
            assert {type(outcome) for outcome in outcomes} == {Unavailable}
            assert time.monotonic() - started < HASTY.deadline_s + 5
        await kit.eventually(lambda: len(asyncio.all_tasks()) <= tasks, why="tasks end")
        await kit.eventually(lambda: len(os.listdir("/proc/self/fd")) <= files, why="connections close")


async def test_a_refusal_is_asked_for_once(provider: Any, client: SandboxClient, ref: str, kit: Any) -> None:
    """Of two spoilt answers that wait, a call that is refused uses up one."""
    await spoil(provider, "refund", "slow", seconds=0, times=2)
    with pytest.raises(NotPaid):
        await client.refund(ref, refund_ref=ref, amount_minor=1, currency="CNY", reason="")
    async with kit.web() as http:
        answers = (await http.get(f"{provider.url}/control")).json()["answers"]
    assert [answer["times_left"] for answer in answers] == [1]


async def test_what_was_acknowledged_survives_kill_9(own_provider: Any, refs: Any, kit: Any) -> None:
    """Open, pay and refund without pause, kill the provider in the middle: every answer still holds."""
    own_provider.start()
    opened, refunded = set(), set()

    async def trade(client: SandboxClient) -> None:
        while True:
            ref = next(refs)
            await kit.open_payment(client, ref, NOWHERE)
            opened.add(ref)
            await own_provider.control("pay", ref=ref)
            await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=990, currency="CNY", reason="")
            refunded.add(ref)

    async with own_provider.client() as client:
        traders = [asyncio.create_task(trade(client)) for _ in range(8)]
        await kit.eventually(lambda: len(refunded) >= 25)
        own_provider.kill()
        await asyncio.gather(*traders, return_exceptions=True)
        own_provider.start()
        for ref in opened:
            state = await client.query_payment(ref)
            assert state.status is not PaymentStatus.ABSENT
            assert (state.refunded_minor == 990) or ref not in refunded
            refund = await client.query_refund(f"{ref}-r")
            assert (refund.status is RefundStatus.DONE) == (state.refunded_minor == 990)
