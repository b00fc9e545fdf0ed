"""The wallet: a code is taken once, in its time, by one payment; what it had is what it paid, got back and has."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.adapters.sandbox import Merchant, Provider, SandboxSettings, wallets
from duoline.adapters.sandbox import payments as sandbox_payments
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.payments import ChargeRequest
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from duoline.payments.provider import (
    AmountDiffers,
    CodeUnknown,
    CodeUsed,
    NotEnoughMoney,
    PaymentStatus,
)

if TYPE_CHECKING:
    from pathlib import Path

    from duoline.adapters.sandbox_client import SandboxClient

NOWHERE = "http://127.0.0.1:9/callbacks"


async def shown(kit: Any, provider: Any, name: str = "w1") -> tuple[str, int]:
    """The code and the balance that the wallet shows."""
    async with kit.web() as phone:
        page = (await phone.get(f"{provider.url}/wallet?w={name.lower()}")).text
    code, balance = re.search(r'data-code="(\d{18})"', page), re.search(r'data-balance="(\d+)"', page)
    assert code, page
    assert balance, page
    return code[1], int(balance[1])


async def charged(client: SandboxClient, ref: str, code: str, amount: int = 1990) -> PaymentStatus:
    state = await client.charge_code(
        ref, auth_code=code, amount_minor=amount, currency="CNY", subject="Duoline 1", notify_url=NOWHERE,
        expires_at=clock.now() + timedelta(minutes=5),
    )  # fmt: skip
    return state.status


async def say(kit: Any, provider: Any, ref: str, answer: str, name: str = "w1") -> int:
    async with kit.web() as phone:
        page = await phone.post(f"{provider.url}/wallet?w={name.lower()}", data={"ref": ref, "answer": answer})
    return int(page.status_code)


async def test_a_code_pays_once(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    code, before = await shown(kit, provider, ref)
    assert await charged(client, ref, code) is PaymentStatus.PAID
    assert await charged(client, ref, "131111111111111111") is PaymentStatus.PAID  # whatever the code
    with pytest.raises(CodeUsed):
        await charged(client, f"{ref}-2", code)
    with pytest.raises(CodeUnknown):
        await charged(client, f"{ref}-2", "131111111111111111")
    assert (await client.query_payment(f"{ref}-2")).status is PaymentStatus.ABSENT
    with pytest.raises(AmountDiffers):
        await charged(client, ref, code, 1991)
    again, after = await shown(kit, provider, ref)
    assert (again != code, after) == (True, before - 1990)


async def test_too_little_money_takes_nothing(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    code, before = await shown(kit, provider, ref)
    with pytest.raises(NotEnoughMoney):
        await charged(client, ref, code, before + 1)
    assert (await client.query_payment(ref)).status is PaymentStatus.ABSENT
    assert await charged(client, ref, code, 100) is PaymentStatus.PAID


@pytest.mark.parametrize(("answer", "status"), [("yes", PaymentStatus.PAID), ("no", PaymentStatus.CLOSED)])
async def test_a_large_amount_is_asked_for(
    client: SandboxClient, provider: Any, ref: str, kit: Any, answer: str, status: PaymentStatus
) -> None:
    code, before = await shown(kit, provider, ref)
    assert await charged(client, ref, code, 100_001) is PaymentStatus.OPEN
    state = await client.query_payment(ref)
    assert (await shown(kit, provider, ref))[1] == before
    assert await say(kit, provider, state.provider_ref, answer, f"x{ref[:8].lower()}") == 404  # another's phone
    assert await say(kit, provider, state.provider_ref, answer, ref) == 303
    assert (await client.query_payment(ref)).status is status
    assert (await shown(kit, provider, ref))[1] == before - (100_001 if answer == "yes" else 0)


async def test_a_refund_goes_back_into_the_wallet(client: SandboxClient, provider: Any, ref: str, kit: Any) -> None:
    code, before = await shown(kit, provider, ref)
    await charged(client, ref, code, 5000)
    await client.refund(ref, refund_ref=f"{ref}-r", amount_minor=1500, currency="CNY", reason="x")
    assert (await shown(kit, provider, ref))[1] == before - 3500


@pytest.mark.parametrize(
    ("how", "status"), [("error_after", PaymentStatus.PAID), ("error_before", PaymentStatus.ABSENT)]
)
async def test_no_answer_is_no_outcome(
    client: SandboxClient, provider: Any, ref: str, kit: Any, how: str, status: PaymentStatus
) -> None:
    code, _ = await shown(kit, provider, ref)
    async with kit.web() as web:
        fault = {"operation": "charge", "how": how, "times": 3}
        assert (await web.post(f"{provider.url}/control", json={"do": "answer", "fault": fault})).status_code == 200
    with pytest.raises(Unavailable):
        await charged(client, ref, code)
    assert (await client.query_payment(ref)).status is status


async def test_a_code_lasts_a_minute_and_a_half(tmp_path: Path) -> None:
    at = clock.now()
    provider = Provider(
        SandboxSettings(
            path=tmp_path / "ledger.sqlite", merchants=(Merchant("shop", "s", "店", "Shop"),), now=lambda: at
        )
    )
    wanted = ChargeRequest(
        out_trade_no="A", auth_code="", amount_minor=100, currency="CNY", subject="s", notify_url=NOWHERE,
        expires_at=at + timedelta(hours=1),
    )  # fmt: skip

    def look(books: Any) -> str:
        return wallets.code_to_show(books, wallets.wallet(books, "w")["id"])

    first = await provider.transact(look)
    at += timedelta(seconds=59)
    assert await provider.transact(look) == first
    at += timedelta(seconds=2)
    second = await provider.transact(look)
    assert second != first

    def charge(books: Any, code: str, number: str) -> Any:
        ask = msgspec.structs.replace(wanted, auth_code=code, out_trade_no=number)
        return sandbox_payments.charge(books, "shop", ask)["state"]

    assert await provider.transact(lambda books: charge(books, first, "A")) == "paid"
    at += timedelta(seconds=90)
    with pytest.raises(Refused, match="code_expired"):
        await provider.transact(lambda books: charge(books, second, "B"))
    await provider._ledger.close()
