"""Transfers at the sandbox: one a number whatever is repeated; a wallet has exactly what left the merchant's balance."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from duoline.adapters.sandbox.schema import SCHEMA, WALLETS
from duoline.adapters.sandbox_client import Patience
from duoline.kernel.errors import Unavailable
from duoline.payments.provider import (
    AmountDiffers,
    BalanceTooSmall,
    ProviderRefused,
    ReceiverUnknown,
    TransferProvider,
    TransferState,
    TransferStatus,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from duoline.adapters.sandbox_client import SandboxClient

NOWHERE = "http://127.0.0.1:9/callbacks"
HASTY = Patience(tries=2, connect_s=0.7, answer_s=0.7, deadline_s=2.0, pause_s=0.01)
CHINA = ZoneInfo("Asia/Shanghai")
FEE_MINOR = 600
"""Of a payment of 100,000."""


@pytest.fixture(autouse=True)
async def behave_again(provider: Any) -> AsyncIterator[None]:
    """Leave the provider as every other test expects it."""
    yield
    await provider.control("reset")


@pytest.fixture
async def funded(provider: Any, client: SandboxClient, ref: str, kit: Any) -> str:
    """A merchant's balance of at least 99,400, and an open wallet: its name."""
    await kit.open_payment(client, ref, NOWHERE, amount_minor=100_000)
    await provider.control("pay", ref=ref)
    name = ref.lower()
    await provider.control("open_wallet", name=name)
    return name


async def sent(client: SandboxClient, number: str, receiver: str, amount: int = 2_500) -> TransferState:
    return await client.transfer(number, receiver=receiver, amount_minor=amount, currency="CNY", note="双线 2026-10")


async def wallet(provider: Any, kit: Any, name: str) -> tuple[int, list[int]]:
    """The balance, and what was received."""
    async with kit.web() as phone:
        page = (await phone.get(f"{provider.url}/wallet?w={name}")).text
    balance = re.search(r'data-balance="(\d+)"', page)
    assert balance, page
    return int(balance[1]), [int(each) for each in re.findall(r'data-received="(\d+)"', page)]


def test_the_client_makes_transfers(client: SandboxClient) -> None:
    assert isinstance(client, TransferProvider)


async def test_a_transfer_arrives_once(provider: Any, client: SandboxClient, funded: str, ref: str, kit: Any) -> None:
    before, _ = await wallet(provider, kit, funded)
    states = await asyncio.gather(*(sent(client, f"{ref}-t", funded) for _ in range(6)))
    assert {(one.status, one.amount_minor, one.currency, one.problem) for one in states} == {
        (TransferStatus.DONE, 2_500, "CNY", "")
    }
    assert len({one.provider_ref for one in states}) == 1
    assert (await client.query_transfer(f"{ref}-t")).provider_ref == states[0].provider_ref
    assert await wallet(provider, kit, funded) == (before + 2_500, [2_500])
    assert (await client.query_transfer(f"{ref}-never")).status is TransferStatus.ABSENT


async def test_what_is_refused_moves_nothing(
    provider: Any, client: SandboxClient, funded: str, ref: str, kit: Any
) -> None:
    before, _ = await wallet(provider, kit, funded)
    with pytest.raises(ReceiverUnknown):
        await sent(client, f"{ref}-a", f"{funded}-x")
    with pytest.raises(BalanceTooSmall):
        await sent(client, f"{ref}-a", funded, 1_000_000_000)
    assert (await client.query_transfer(f"{ref}-a")).status is TransferStatus.ABSENT
    await sent(client, f"{ref}-a", funded)
    other = f"{funded[:18]}-o"
    await provider.control("open_wallet", name=other)
    for receiver, amount in ((funded, 2_501), (other, 2_500)):
        with pytest.raises(AmountDiffers):
            await sent(client, f"{ref}-a", receiver, amount)
    assert await wallet(provider, kit, funded) == (before + 2_500, [2_500])


async def test_the_balance_is_what_came_in_less_what_went_out(own_provider: Any, ref: str, kit: Any) -> None:
    own_provider.start()
    async with own_provider.client() as client:
        await own_provider.control("open_wallet", name="w")
        with pytest.raises(BalanceTooSmall):
            await sent(client, "T0", "w", 1)
        await own_provider.control("top_up_merchant", merchant_id="shop", amount_minor=7)
        await own_provider.control("top_up_merchant", merchant_id="other", amount_minor=1_000_000)
        with pytest.raises(BalanceTooSmall):
            await sent(client, "T0", "w", 8)
        await kit.open_payment(client, ref, NOWHERE, amount_minor=100_000)
        await own_provider.control("pay", ref=ref)
        await client.refund(ref, refund_ref="R1", amount_minor=50_000, currency="CNY", reason="")
        have = 7 + 50_000 - FEE_MINOR // 2
        with pytest.raises(BalanceTooSmall):
            await sent(client, "T1", "w", have + 1)
        await own_provider.control("defaults", faults={"transfer_delay_s": 2_000_000})
        await sent(client, "T1", "w", have - 1)
        with pytest.raises(BalanceTooSmall):  # what is on its way has left the balance
            await sent(client, "T2", "w", 2)
        await own_provider.control("settle_transfer", out_transfer_no="T1", outcome="failed")
        await own_provider.control("reset")
        assert (await sent(client, "T2", "w", have)).status is TransferStatus.DONE
        failed = await client.query_transfer("T1")
        assert (failed.status, failed.problem) == (TransferStatus.FAILED, "receiver_limit")
        assert await wallet(own_provider, kit, "w") == (500_000 + have, [have])
        own_provider.kill()
        own_provider.start()
        assert (await client.query_transfer("T2")).status is TransferStatus.DONE


@pytest.mark.parametrize(("outcome", "arrives"), [("done", [2_500]), ("failed", [])])
async def test_a_transfer_takes_its_time(
    provider: Any, client: SandboxClient, funded: str, ref: str, kit: Any, outcome: str, arrives: list[int]
) -> None:
    before, _ = await wallet(provider, kit, funded)
    await provider.control("defaults", faults={"transfer_delay_s": 1_000, "transfer_outcome": outcome})
    assert (await sent(client, f"{ref}-t", funded)).status is TransferStatus.PROCESSING
    assert (await wallet(provider, kit, funded))[0] == before
    for _ in range(100):
        if (state := await client.query_transfer(f"{ref}-t")).status is not TransferStatus.PROCESSING:
            break
        await asyncio.sleep(0.05)
    assert (state.status.value, state.settled_at is not None) == (outcome, True)
    assert (await sent(client, f"{ref}-t", funded)).status.value == outcome
    assert await wallet(provider, kit, funded) == (before + sum(arrives), arrives)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("error_before", TransferStatus.ABSENT),
        ("hang_before", TransferStatus.ABSENT),
        ("error_after", TransferStatus.DONE),
        ("hang_after", TransferStatus.DONE),
        ("garbled", TransferStatus.DONE),
    ],
)
async def test_no_answer_is_no_outcome(provider: Any, funded: str, ref: str, how: str, status: TransferStatus) -> None:
    async with provider.client(patience=HASTY) as client:
        await provider.control("answer", fault={"operation": "transfer", "how": how, "times": 10})
        with pytest.raises(Unavailable):
            await sent(client, f"{ref}-t", funded)
        assert (await client.query_transfer(f"{ref}-t")).status is status
        await provider.control("answer", fault={"operation": "query_transfer", "how": "garbled", "times": 10})
        with pytest.raises(Unavailable):
            await client.query_transfer(f"{ref}-t")


async def test_a_number_that_was_closed_pays_nothing(
    provider: Any, client: SandboxClient, funded: str, ref: str, kit: Any
) -> None:
    before, _ = await wallet(provider, kit, funded)
    for _ in range(2):
        closed = await client.close_transfer(f"{ref}-a")
        assert (closed.status, closed.problem, closed.amount_minor) == (TransferStatus.FAILED, "closed", 0)
    with pytest.raises(ProviderRefused) as refused:
        await sent(client, f"{ref}-a", funded)
    assert refused.value.fields["provider_code"] == "transfer_closed"
    assert (await client.query_transfer(f"{ref}-a")).status is TransferStatus.FAILED
    await sent(client, f"{ref}-b", funded)
    assert (await client.close_transfer(f"{ref}-b")).status is TransferStatus.DONE
    assert await wallet(provider, kit, funded) == (before + 2_500, [2_500])


async def test_sending_and_closing_at_once_agree(
    provider: Any, client: SandboxClient, funded: str, ref: str, kit: Any
) -> None:
    before, _ = await wallet(provider, kit, funded)
    expected = 0
    for n in range(8):
        both = await asyncio.gather(
            sent(client, f"{ref}-{n}", funded), client.close_transfer(f"{ref}-{n}"), return_exceptions=True
        )
        is_done = isinstance(both[0], TransferState)
        assert isinstance(both[1], TransferState)
        assert both[1].status is (TransferStatus.DONE if is_done else TransferStatus.FAILED)
        expected += 2_500 if is_done else 0
    assert (await wallet(provider, kit, funded))[0] == before + expected


async def test_the_file_of_the_day_has_transfers(provider: Any, client: SandboxClient, funded: str, ref: str) -> None:
    state = await sent(client, f"{ref}-t", funded)
    assert state.settled_at is not None
    lines = await client.settlement(state.settled_at.astimezone(CHINA).date())
    [line] = [one for one in lines if one.provider_ref == state.provider_ref]
    assert (line.kind, line.ref, line.amount_minor, line.fee_minor) == ("transfer", f"{ref}-t", -2_500, 0)


async def test_an_older_ledger_learns_to_transfer(own_provider: Any, ref: str, kit: Any) -> None:
    with sqlite3.connect(own_provider.ledger, isolation_level=None) as old:
        for statement in (*SCHEMA, *WALLETS):
            old.execute(statement)
        old.execute("INSERT INTO wallets (name, balance_minor, created_ms) VALUES ('old', 7, 0)")
        old.execute("PRAGMA user_version=2")
    old.close()
    own_provider.start()
    async with own_provider.client() as client:
        await kit.open_payment(client, ref, NOWHERE, amount_minor=100_000)
        await own_provider.control("pay", ref=ref)
        await sent(client, "T1", "old")
        assert await wallet(own_provider, kit, "old") == (2_507, [2_500])
