"""Callbacks, as a shop hears them: late, repeated, lost, forged, out of order, and across kill -9."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from duoline.adapters.sandbox import Provider, SandboxSettings, signing
from duoline.kernel.errors import Refusal
from duoline.payments.provider import BadCallback, EventKind, PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duoline.adapters.sandbox_client import SandboxClient


async def paid(provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any, **faults: Any) -> None:
    """A payment that was made, with something going wrong around it."""
    await kit.open_payment(client, ref, shop.url)
    await provider.control("faults", ref=ref, faults=faults)
    await provider.control("pay", ref=ref)


async def test_a_payment_is_reported_once_and_verifiably(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit)
    [heard] = await shop.wait_for(1)
    event = heard.judged
    assert (event.kind, event.ref, event.refund_ref) == (EventKind.PAYMENT_PAID, ref, None)
    assert (event.amount_minor, event.currency) == (1990, "CNY")
    state = await client.query_payment(ref)
    assert (event.provider_ref, event.occurred_at) == (state.provider_ref, state.paid_at)
    [row] = await provider.callbacks(ref)
    assert (row["state"], [attempt["answer"] for attempt in row["attempts"]]) == ("delivered", [204])


async def test_a_refund_is_reported_with_its_own_amount(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit)
    await shop.wait_for(1)
    await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=990, currency="CNY", reason="")
    event = (await shop.wait_for(2))[1].judged
    assert (event.kind, event.ref, event.refund_ref) == (EventKind.REFUND_DONE, ref, f"{ref}-r")
    assert event.amount_minor == 990


async def test_a_callback_is_repeated_until_it_is_taken(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    shop.answers.extend([500, 302, 404])
    await paid(provider, client, ref, shop, kit)
    heard = await shop.wait_for(4)
    assert len(heard) == 4
    assert len({one.judged.event_id for one in heard}) == 1
    assert len({one.headers[signing.NONCE_HEADER.lower()] for one in heard}) == 4
    [row] = await provider.callbacks(ref)
    assert [attempt["answer"] for attempt in row["attempts"]] == [500, 302, 404, 204]


async def test_a_provider_gives_up_after_sixteen_deliveries_and_can_be_asked(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    shop.answers.extend([503] * 16)
    await provider.control("scale", factor=0)
    try:
        await paid(provider, client, ref, shop, kit)
        assert len(await shop.wait_for(16)) == 16
    finally:
        await provider.control("reset")
    [row] = await provider.callbacks(ref)
    assert (row["state"], len(row["attempts"])) == ("given_up", 16)
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID


async def test_a_callback_may_be_late(provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any) -> None:
    before = time.monotonic()
    await paid(provider, client, ref, shop, kit, delay_s=700)
    await shop.wait_for(1)
    assert time.monotonic() - before >= 0.7


async def test_a_callback_may_come_when_nobody_waits_for_it_any_more(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit, delay_s=30 * 86_400)
    await asyncio.sleep(0.3)
    assert shop.heard == []
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID
    await provider.control("release", ref=ref)
    assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]


@pytest.mark.parametrize("copies", [1, 7, 20])
async def test_a_callback_may_come_many_times_at_once(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any, copies: int
) -> None:
    await paid(provider, client, ref, shop, kit, repeat=copies)
    heard = await shop.wait_for(copies + 1)
    assert len(heard) == copies + 1
    assert {one.kind for one in heard} == {"payment.paid"}
    assert len({one.judged.event_id for one in heard}) == 1


async def test_a_lost_callback_never_comes_until_it_is_found(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit, lose=True)
    await asyncio.sleep(0.4)
    assert shop.heard == []
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID
    await provider.control("release", ref=ref)
    assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]


async def test_an_old_event_may_be_sent_again(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit)
    [first] = await shop.wait_for(1)
    await provider.control("replay", event_id=first.judged.event_id, times=3)
    heard = await shop.wait_for(4)
    assert len({one.judged.event_id for one in heard}) == 1
    assert len(heard) == 4


async def test_the_refund_may_be_heard_of_before_the_payment(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await provider.control("scale", factor=1)
    try:
        await paid(provider, client, ref, shop, kit, out_of_order=True)
        await asyncio.sleep(0.2)
        assert shop.heard == []
        await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=1990, currency="CNY", reason="")
        heard = await shop.wait_for(2)
    finally:
        await provider.control("reset")
    assert [one.kind for one in heard] == ["refund.done", "payment.paid"]
    assert heard[1].judged.occurred_at <= heard[0].judged.occurred_at


async def test_a_held_back_callback_leaves_alone_after_a_while(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit, out_of_order=True)
    assert [one.kind for one in await shop.wait_for(1)] == ["payment.paid"]


@pytest.mark.parametrize(
    ("forgery", "reason"),
    [("signature", "signature"), ("timestamp", "timestamp"), ("merchant", "merchant")],
)
async def test_a_forged_callback_is_refused_and_the_true_one_taken(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any, forgery: str, reason: str
) -> None:
    await paid(provider, client, ref, shop, kit, forge=[forgery])
    forged, true = await shop.wait_for(2)
    assert (forged.kind, true.kind) == (f"refused:{reason}", "payment.paid")
    assert forged.judged.code == "payments.bad-callback"
    first, second = await provider.callbacks(ref)
    assert (first["forgery"], first["state"], first["attempts"][0]["answer"]) == (forgery, "sent", 401)
    assert second["state"] == "delivered"


@pytest.mark.parametrize(
    ("forgery", "field", "lie"),
    [("amount", "amount_minor", 1), ("currency", "currency", "USD")],
)
async def test_a_signed_lie_is_read_so_that_the_shop_can_compare_it(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any, forgery: str, field: str, lie: object
) -> None:
    await paid(provider, client, ref, shop, kit, forge=[forgery])
    forged, true = await shop.wait_for(2)
    assert getattr(forged.judged, field) == lie
    assert getattr(true.judged, field) != lie
    assert forged.judged.event_id == true.judged.event_id


async def test_a_signed_callback_may_name_another_open_order(
    provider: Any, client: SandboxClient, refs: Iterator[str], shop: Any, kit: Any
) -> None:
    other, ref = next(refs), next(refs)
    await kit.open_payment(client, ref, shop.url)
    await kit.open_payment(client, other, shop.url)
    await provider.control("faults", ref=ref, faults={"forge": ["order"]})
    await provider.control("pay", ref=ref)
    forged, true = await shop.wait_for(2)
    assert (forged.judged.ref, true.judged.ref) == (other, ref)
    assert (await client.query_payment(other)).status is PaymentStatus.OPEN


async def test_the_same_message_twice_is_refused_the_second_time(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    await paid(provider, client, ref, shop, kit, forge=["replay"])
    heard = await shop.wait_for(3)
    assert [one.kind for one in heard] == ["payment.paid", "refused:nonce", "payment.paid"]
    assert heard[0].body == heard[1].body


async def test_all_forgeries_together_are_all_told_apart(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    forgeries = ["signature", "amount", "order", "merchant", "currency", "timestamp", "replay"]
    await paid(provider, client, ref, shop, kit, forge=forgeries)
    heard = await shop.wait_for(9)
    believed = [one for one in heard if not isinstance(one.judged, Refusal)]
    right = [
        one for one in believed if (one.judged.ref, one.judged.amount_minor, one.judged.currency) == (ref, 1990, "CNY")
    ]
    assert (len(heard), len(believed), len(right)) == (9, 5, 2)
    assert heard[-1] is right[-1]


async def test_a_shop_that_does_not_answer_hears_again(
    provider: Any, client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    shop.slow_s = 30
    await paid(provider, client, ref, shop, kit)
    await kit.eventually(lambda: len(shop.heard) == 1)
    shop.slow_s = 0
    await kit.eventually(lambda: len(shop.heard) == 2, within_s=10)
    await asyncio.sleep(0.2)
    [row] = await provider.callbacks(ref)
    assert [(attempt["answer"], attempt["problem"]) for attempt in row["attempts"]] == [
        (None, "no answer in time"),
        (204, None),
    ]


async def test_the_queue_survives_kill_9(own_provider: Any, refs: Iterator[str], kit: Any) -> None:
    """Forty callbacks: taken, refused once, due in a moment, due in an hour. Kill, start again, all arrive."""
    own_provider.time_scale = 1
    own_provider.start()
    async with own_provider.client() as client:
        shop = kit.Shop(client)
        async with kit.listening(shop.serve) as shop.port:
            shop.answers.extend([204] * 10 + [500] * 10)
            at_once, in_an_hour, in_a_moment = ([next(refs) for _ in range(n)] for n in (20, 10, 10))
            for wanted, delay_s in ((at_once, 0), (in_an_hour, 3600), (in_a_moment, 4)):
                for ref in wanted:
                    await kit.open_payment(client, ref, shop.url)
                    await own_provider.control("faults", ref=ref, faults={"delay_s": delay_s})
                    await own_provider.control("pay", ref=ref)
            await kit.eventually(lambda: len(shop.heard) >= 20)
            own_provider.kill()
            before = len(shop.heard)
            await asyncio.sleep(0.2)
            assert len(shop.heard) == before
            own_provider.start()
            await kit.eventually(lambda: set(in_a_moment) <= {one.judged.ref for one in shop.heard}, within_s=20)
            assert not set(in_an_hour) & {one.judged.ref for one in shop.heard}
            await own_provider.control("release")
            await kit.eventually(lambda: len(shop.heard) >= 50, within_s=20)
            await asyncio.sleep(0.5)
            for ref in at_once + in_an_hour + in_a_moment:
                [row] = await own_provider.callbacks(ref)
                assert row["state"] == "delivered"
                assert (await client.query_payment(ref)).status is PaymentStatus.PAID
            assert len({one.judged.event_id for one in shop.heard}) == 40


async def test_two_processes_on_one_ledger_deliver_once_and_the_second_takes_over(
    own_provider: Any, refs: Iterator[str], kit: Any
) -> None:
    own_provider.start()
    second = kit.ProviderProcess(own_provider.ledger)
    second.start()
    try:
        async with second.client() as client:
            shop = kit.Shop(client)
            async with kit.listening(shop.serve) as shop.port:
                shop.slow_s = 2.5  # longer than either process waits before it looks for work again
                for _ in range(10):
                    ref = next(refs)
                    await kit.open_payment(client, ref, shop.url)
                    await second.control("pay", ref=ref)
                await shop.wait_for(10)
                # Until every answer is written down: what is not is rightly reported anew by whoever takes over.
                await asyncio.sleep(2 * shop.slow_s)
                assert len(shop.heard) == 10
                shop.slow_s = 0
                own_provider.kill()
                last = next(refs)
                await kit.open_payment(client, last, shop.url)
                await second.control("pay", ref=last)
                heard = await shop.wait_for(11)
                assert (len(heard), heard[-1].judged.ref) == (11, last)
    finally:
        second.kill()


def signed(body: bytes, client: SandboxClient, **changes: Any) -> dict[str, str]:
    """The headers of a true callback, but for the changes."""
    now_s = int(client._now().timestamp())
    given: dict[str, Any] = {"merchant": "shop", "timestamp": str(now_s), "nonce": "n" * 24} | changes
    text = signing.callback_text(given["merchant"], now_s, given["nonce"], body)
    return {
        signing.MERCHANT_HEADER: given["merchant"],
        signing.TIMESTAMP_HEADER: given["timestamp"],
        signing.NONCE_HEADER: given["nonce"],
        signing.SIGNATURE_HEADER: given.get("signature", signing.sign("a-secret-of-the-shop", text)),
    }


EVENT = {
    "event_id": "evt_1",
    "kind": "payment.paid",
    "merchant_id": "shop",
    "out_trade_no": "pay-1",
    "out_refund_no": None,
    "provider_ref": "sbx_1",
    "amount_minor": 1990,
    "currency": "CNY",
    "occurred_at": "2026-11-21T00:00:00Z",
}


def test_a_true_callback_is_read_whatever_the_case_of_its_headers(provider: Any) -> None:
    client = provider.client()
    body = json.dumps(EVENT).encode()
    headers = {name.upper(): value for name, value in signed(body, client).items()}
    assert client.parse_callback(headers, body).ref == "pay-1"


@pytest.mark.parametrize(
    ("changes", "body", "reason"),
    [
        ({}, b"", "content"),
        ({}, b"not json", "content"),
        ({}, b"{}", "content"),
        ({}, json.dumps(EVENT | {"kind": "payment.imagined"}).encode(), "content"),
        ({}, json.dumps(EVENT | {"amount_minor": "1990"}).encode(), "content"),
        ({}, json.dumps(EVENT | {"merchant_id": "other"}).encode(), "merchant"),
        ({}, b"x" * 70_000, "form"),
        ({"merchant": ""}, json.dumps(EVENT).encode(), "merchant"),
        ({"timestamp": ""}, json.dumps(EVENT).encode(), "form"),
        ({"timestamp": "soon"}, json.dumps(EVENT).encode(), "form"),
        ({"timestamp": "-1"}, json.dumps(EVENT).encode(), "form"),
        ({"timestamp": "1"}, json.dumps(EVENT).encode(), "timestamp"),
        ({"timestamp": "999999999999"}, json.dumps(EVENT).encode(), "timestamp"),
        ({"nonce": ""}, json.dumps(EVENT).encode(), "form"),
        ({"signature": ""}, json.dumps(EVENT).encode(), "signature"),
        ({"signature": "ü" * 64}, json.dumps(EVENT).encode(), "signature"),
        ({"signature": "0" * 64}, json.dumps(EVENT).encode(), "signature"),
    ],
)
def test_a_callback_that_is_not_right_is_refused(
    provider: Any, changes: dict[str, str], body: bytes, reason: str
) -> None:
    client = provider.client()
    with pytest.raises(BadCallback) as refused:
        client.parse_callback(signed(body, client, **changes), body)
    assert refused.value.fields["reason"] == reason
    with pytest.raises(BadCallback):
        client.parse_callback({}, body)


def test_a_nonce_is_not_used_up_by_a_forger(provider: Any) -> None:
    client = provider.client()
    body = json.dumps(EVENT).encode()
    with pytest.raises(BadCallback):
        client.parse_callback(signed(body, client, signature="0" * 64), body)
    assert client.parse_callback(signed(body, client), body).event_id == "evt_1"
    with pytest.raises(BadCallback):
        client.parse_callback(signed(body, client), body)


async def test_a_provider_ends_at_any_moment(tmp_path: Path) -> None:
    """Also in the very turn of the loop in which its delivery is woken."""
    provider = Provider(SandboxSettings(path=tmp_path / "sandbox.sqlite", merchants=()))
    for turns in range(40):
        async with asyncio.timeout(10), provider.running():
            await asyncio.sleep(0.01)
            await provider.write(lambda _books: None)
            for _ in range(turns % 8):
                await asyncio.sleep(0)
