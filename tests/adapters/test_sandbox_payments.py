"""The provider through Duoline's client, over real sockets: every effect once, no refund too many."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.kernel import clock
from duoline.kernel.errors import Fault, Refusal
from duoline.payments.provider import (
    AlreadyPaid,
    AmountDiffers,
    NotPaid,
    PaymentProvider,
    PaymentStatus,
    ProviderRefused,
    RefundStatus,
    RefundTooLarge,
    SettlementSource,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duoline.adapters.sandbox_client import SandboxClient

NOWHERE = "http://127.0.0.1:9/callbacks"


def as_port(client: PaymentProvider) -> PaymentProvider:
    """mypy holds the client against the port here."""
    return client


def as_source(client: SettlementSource) -> SettlementSource:
    """mypy holds the client against the port here."""
    return client


async def test_the_client_is_a_payment_provider(client: SandboxClient) -> None:
    assert as_port(client).name == "sandbox"
    assert as_source(client) is client


async def test_a_payment_opened_again_is_the_same_payment(client: SandboxClient, ref: str, kit: Any) -> None:
    first = await kit.open_payment(client, ref, NOWHERE)
    many = await asyncio.gather(*(kit.open_payment(client, ref, NOWHERE) for _ in range(20)))
    assert {opened.provider_ref for opened in many} == {first.provider_ref}
    assert first.status is PaymentStatus.OPEN
    assert first.pay_url.endswith(f"/pay/{first.provider_ref}")


@pytest.mark.parametrize("change", [{"amount_minor": 1991}, {"amount_minor": 1}, {"currency": "USD"}])
async def test_the_same_number_with_another_amount_is_refused(
    client: SandboxClient, ref: str, kit: Any, change: dict[str, Any]
) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    with pytest.raises(AmountDiffers):
        await kit.open_payment(client, ref, NOWHERE, **change)
    state = await client.query_payment(ref)
    assert (state.amount_minor, state.currency) == (1990, "CNY")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_minor": 0}, "bad_request"),
        ({"amount_minor": -1990}, "bad_request"),
        ({"amount_minor": 19.9}, "bad_request"),
        ({"amount_minor": 10**13}, "bad_request"),
        ({"currency": "rmb"}, "bad_request"),
        ({"subject": ""}, "bad_request"),
        ({"notify_url": "file:///etc/passwd"}, "bad_request"),
        ({"notify_url": "/callbacks"}, "bad_request"),
        ({"return_url": "javascript:alert(1)"}, "bad_request"),
        ({"return_url": "//evil.example/"}, "bad_request"),
        ({"return_url": "/\\evil.example/"}, "bad_request"),
        ({"expires_at": clock.now() - timedelta(minutes=1)}, "expired"),
    ],
)
async def test_what_cannot_be_a_payment_is_refused_and_leaves_nothing(
    client: SandboxClient, ref: str, kit: Any, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await kit.open_payment(client, ref, change.pop("notify_url", NOWHERE), **change)
    assert refused.value.fields["provider_code"] == code
    assert (await client.query_payment(ref)).status is PaymentStatus.ABSENT


async def test_a_number_no_provider_takes_is_our_bug(client: SandboxClient) -> None:
    for number in ("", "a/b", "a b", "x" * 65, "é"):
        with pytest.raises(Fault):
            await client.query_payment(number)


async def test_paying_twice_captures_once(client: SandboxClient, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE)
    async with kit.web() as browser:
        answers = await asyncio.gather(*(browser.post(opened.pay_url, data={}) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {"http://127.0.0.1:8000/orders/42"}
    state = await client.query_payment(ref)
    assert (state.status, state.refunded_minor) == (PaymentStatus.PAID, 0)
    assert state.paid_at is not None
    lines = [line for line in await client.settlement(_today()) if line.ref == ref]
    assert [(line.kind, line.amount_minor, line.fee_minor) for line in lines] == [("capture", 1990, 12)]
    assert (await kit.open_payment(client, ref, NOWHERE)).status is PaymentStatus.PAID


async def test_a_closed_payment_can_not_be_paid(client: SandboxClient, ref: str, kit: Any) -> None:
    opened = await kit.open_payment(client, ref, NOWHERE)
    assert (await client.close_payment(ref)).status is PaymentStatus.CLOSED
    assert (await client.close_payment(ref)).status is PaymentStatus.CLOSED
    async with kit.web() as browser:
        answer = await browser.post(opened.pay_url, data={})
    assert answer.status_code == 409
    state = await client.query_payment(ref)
    assert (state.status, state.paid_at) == (PaymentStatus.CLOSED, None)
    assert (await kit.open_payment(client, ref, NOWHERE)).status is PaymentStatus.CLOSED


async def test_a_paid_payment_can_not_be_closed(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    await provider.control("pay", ref=ref)
    with pytest.raises(AlreadyPaid):
        await client.close_payment(ref)
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID


async def test_paying_and_closing_at_once_does_one_of_them(
    client: SandboxClient, provider: Any, refs: Iterator[str], kit: Any
) -> None:
    outcomes = set()
    for _ in range(10):
        ref = next(refs)
        await kit.open_payment(client, ref, NOWHERE)
        paid, closed = await asyncio.gather(
            provider.control("pay", ref=ref), client.close_payment(ref), return_exceptions=True
        )
        state = await client.query_payment(ref)
        assert isinstance(paid, AssertionError) == (state.status is PaymentStatus.CLOSED)
        assert isinstance(closed, AlreadyPaid) == (state.status is PaymentStatus.PAID)
        outcomes.add(state.status)
    assert outcomes <= {PaymentStatus.PAID, PaymentStatus.CLOSED}


async def test_an_unknown_payment_is_absent_not_an_error(client: SandboxClient, ref: str) -> None:
    assert (await client.query_payment(ref)).status is PaymentStatus.ABSENT
    assert (await client.close_payment(ref)).status is PaymentStatus.ABSENT
    assert (await client.query_refund(ref)).status is RefundStatus.ABSENT
    with pytest.raises(NotPaid):
        await client.refund(ref, refund_ref=ref, amount_minor=1, currency="CNY", reason="")


async def test_another_merchants_payment_is_absent(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    await provider.control("pay", ref=ref)
    async with provider.client(merchant_id="other", secret=kit.OTHER_SECRET) as other:
        assert (await other.query_payment(ref)).status is PaymentStatus.ABSENT
        with pytest.raises(NotPaid):
            await other.refund(ref, refund_ref=ref, amount_minor=1, currency="CNY", reason="")
        assert all(line.ref != ref for line in await other.settlement(_today()))


async def test_refunds_together_never_exceed_the_payment(
    client: SandboxClient, provider: Any, ref: str, kit: Any
) -> None:
    await kit.open_payment(client, ref, NOWHERE, amount_minor=1000)
    await provider.control("pay", ref=ref)
    wanted = [
        client.refund(ref, refund_ref=f"{ref}-{n}", amount_minor=300, currency="CNY", reason="returned")
        for n in range(10)
    ]
    outcomes = await asyncio.gather(*wanted, return_exceptions=True)
    done = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, RefundTooLarge)]
    assert (len(done), len(refused)) == (3, 7)
    assert {refusal.fields["refundable_minor"] for refusal in refused} == {100}
    assert (await client.query_payment(ref)).refunded_minor == 900
    rest = await client.refund(ref, refund_ref=f"{ref}-rest", amount_minor=100, currency="CNY", reason="")
    assert rest.status is RefundStatus.DONE
    lines = [line for line in await client.settlement(_today()) if line.ref == ref]
    assert sum(line.amount_minor for line in lines) == 0
    assert sum(line.fee_minor for line in lines) == 0


async def test_a_refund_asked_for_again_is_the_same_refund(
    client: SandboxClient, provider: Any, ref: str, kit: Any
) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    await provider.control("pay", ref=ref)
    wanted = {"refund_ref": f"{ref}-r", "amount_minor": 990, "currency": "CNY", "reason": "too small"}
    many = await asyncio.gather(*(client.refund(ref, **wanted) for _ in range(10)))
    assert len({refund.provider_ref for refund in many}) == 1
    assert (await client.query_payment(ref)).refunded_minor == 990
    for change in ({"amount_minor": 991}, {"currency": "USD"}):
        with pytest.raises(AmountDiffers):
            await client.refund(ref, **(wanted | change))
    assert (await client.query_payment(ref)).refunded_minor == 990


async def test_one_refund_number_serves_one_payment(
    client: SandboxClient, provider: Any, refs: Iterator[str], kit: Any
) -> None:
    one, other = next(refs), next(refs)
    for ref in (one, other):
        await kit.open_payment(client, ref, NOWHERE)
        await provider.control("pay", ref=ref)
    await client.refund(one, refund_ref=f"{one}-r", amount_minor=500, currency="CNY", reason="")
    with pytest.raises(AmountDiffers):
        await client.refund(other, refund_ref=f"{one}-r", amount_minor=500, currency="CNY", reason="")
    assert (await client.query_payment(other)).refunded_minor == 0


@pytest.mark.parametrize("state", ["open", "closed"])
async def test_only_what_was_paid_is_refunded(client: SandboxClient, ref: str, kit: Any, state: str) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    if state == "closed":
        await client.close_payment(ref)
    with pytest.raises(NotPaid):
        await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=1, currency="CNY", reason="")
    assert (await client.query_refund(f"{ref}-r")).status is RefundStatus.ABSENT


@pytest.mark.parametrize(("outcome", "refunded"), [("done", 1990), ("failed", 0)])
async def test_a_refund_may_take_its_time_and_may_fail(
    client: SandboxClient, provider: Any, ref: str, kit: Any, outcome: str, refunded: int
) -> None:
    await kit.open_payment(client, ref, NOWHERE)
    await provider.control("pay", ref=ref)
    await provider.control("faults", ref=ref, faults={"refund_delay_s": 86_400})
    wanted = {"refund_ref": f"{ref}-r", "currency": "CNY", "reason": ""}
    refund = await client.refund(ref, amount_minor=1990, **wanted)
    assert (refund.status, refund.settled_at) == (RefundStatus.PROCESSING, None)
    with pytest.raises(RefundTooLarge):
        await client.refund(ref, refund_ref=f"{ref}-s", amount_minor=1, currency="CNY", reason="")
    await provider.control("settle_refund", out_refund_no=f"{ref}-r", outcome=outcome)
    settled = await client.query_refund(f"{ref}-r")
    assert settled.status == outcome
    assert settled.settled_at is not None
    assert (await client.query_payment(ref)).refunded_minor == refunded
    assert (await client.refund(ref, amount_minor=1990, **wanted)).status == outcome


async def test_an_unpaid_payment_closes_when_its_time_is_over(
    client: SandboxClient, ref: str, shop: Any, kit: Any
) -> None:
    opened = await kit.open_payment(client, ref, shop.url, expires_at=clock.now() + timedelta(seconds=2))
    [heard] = await shop.wait_for(1)
    assert (heard.kind, heard.judged.ref) == ("payment.closed", ref)
    assert (await client.query_payment(ref)).status is PaymentStatus.CLOSED
    async with kit.web() as browser:
        assert (await browser.post(opened.pay_url, data={})).status_code == 409


async def test_a_capture_may_come_after_the_close(
    client: SandboxClient, provider: Any, ref: str, shop: Any, kit: Any
) -> None:
    await kit.open_payment(client, ref, shop.url)
    await client.close_payment(ref)
    await shop.wait_for(1)
    await provider.control("pay", ref=ref, late_capture=True)
    heard = await shop.wait_for(2)
    assert [one.kind for one in heard] == ["payment.closed", "payment.paid"]
    assert (await client.query_payment(ref)).status is PaymentStatus.PAID


async def test_the_refusals_are_the_ports(client: SandboxClient, ref: str) -> None:
    with pytest.raises(Refusal) as refused:
        await client.refund(ref, refund_ref=ref, amount_minor=1, currency="CNY", reason="")
    assert refused.value.code == "payments.not-paid"
    assert refused.value.sentence("zh") != refused.value.sentence("en")


def _today() -> Any:
    return clock.trading_day(clock.now(), "Asia/Shanghai")
