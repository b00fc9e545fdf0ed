"""Payouts that the payment provider executes: each is paid once, whatever dies or repeats itself between the two books.

The provider is the sandbox in a process of its own, so that both sides keep books that know nothing of each other.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec
import pytest

from duoline import settlement
from duoline.adapters.sandbox_client import SandboxClient
from duoline.flows import pay_out
from duoline.kernel import clock, faults
from duoline.kernel.errors import Fault, NotFound, Unavailable
from duoline.payments import providers
from duoline.settlement import payouts
from tests.adapters.conftest import NO_TLS, OTHER_SECRET, QUICK, SECRET, ProviderProcess
from tests.flows.conftest import NOON, Books, World
from tests.flows.test_credit import (
    DECEMBER,
    GUIDE,
    approved,
    closed,
    had,
    has,
    paid_out,
    people,
    statement,
    told,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    from duoline.kernel.db import Database
    from duoline.payments.provider import TransferState

C = TypeVar("C", bound=SandboxClient)
SHARE = 398
"""What the guide earns by a tin."""


class Bank:
    """The provider as seen from outside: what it was told to do, and what its wallets have received."""

    def __init__(self, process: ProviderProcess) -> None:
        self.process = process
        self.control = process.control

    def client(self, kind: type[C] = SandboxClient, **more: Any) -> C:  # type: ignore[assignment]
        """The provider's own clock is the machine's, whatever time it is in the story."""
        shop = {"base_url": self.process.url, "merchant_id": "shop", "secret": SECRET, "patience": QUICK}
        return kind(**shop | more, now=lambda: datetime.now(UTC))

    async def fund(self, client: SandboxClient, name: str, minor: int) -> None:
        await client.open_payment(
            name, amount_minor=minor, currency="CNY", subject="s", notify_url="http://127.0.0.1:9/x",
            return_url="http://127.0.0.1:9/", expires_at=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip
        await self.control("pay", ref=name)

    async def received(self, name: str) -> list[int]:
        async with httpx.AsyncClient(verify=NO_TLS) as web:
            page = (await web.get(f"{self.process.url}/wallet?w={name}")).text
        got = [int(each) for each in re.findall(r'data-received="(\d+)"', page)]
        balance = re.search(r'data-balance="(\d+)"', page)
        assert balance, page
        assert int(balance[1]) == 500_000 + sum(got)
        return got


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    made = ProviderProcess(tmp_path_factory.mktemp("bank") / "ledger.sqlite")
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
async def bank(noon: None, world: World, books: Books, process: ProviderProcess) -> AsyncIterator[Bank]:
    """A guide whose share of a month is approved, and a provider that can be asked to pay it."""
    await people(world)
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    made = Bank(process)
    async with made.client() as client:
        await made.control("reset")
        if not (await client.query_payment("float")).amount_minor:
            await made.fund(client, "float", 1_000_000)
        providers.connect(client)
        yield made
    await made.control("reset")
    providers.connect(Books())  # type: ignore[arg-type]


async def account(world: World, receiver: str, payee_id: UUID = GUIDE) -> None:
    async with world.db.begin() as tx:
        await settlement.set_account(
            tx, payee_id, settlement.Account("sandbox", receiver, "Li Na"), kind="staff", actor=world.manager,
            reason="as written on the form",
        )  # fmt: skip


async def wallet(bank: Bank, world: World, name: str) -> str:
    """The guide has a wallet, and is paid to it."""
    await bank.control("open_wallet", name=name)
    await account(world, name)
    return name


async def work(db: Database) -> list[str]:
    """Do the waiting jobs of payouts, as the worker would; what each ended with."""
    ended = []
    for row in await db.fetch(
        "DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = $1 RETURNING payload", payouts.SEND_JOB
    ):
        try:
            await pay_out.send(db, _what(row["payload"]))
            ended.append("done")
        except Unavailable as unavailable:
            ended.append(str(unavailable))
    return ended


def _what(payload: bytes) -> payouts.Send:
    return msgspec.json.decode(payload, type=payouts.Send)


async def asked(world: World) -> list[tuple[str, str]]:
    """State and problem of each payout, in the order in which they were asked for."""
    return [tuple(row) for row in await world.db.fetch("SELECT state, problem FROM payouts ORDER BY at, id")]


async def test_a_payout_goes_to_the_account_and_is_mirrored(world: World, bank: Bank) -> None:
    name = await wallet(bank, world, "g-mirror")
    await paid_out(world)
    assert await has(world) == (0, 0, SHARE, 0)
    assert await work(world.db) == ["done"]
    assert await bank.received(name) == [SHARE]
    assert (await has(world), await asked(world)) == ((0, 0, 0, SHARE), [("done", "")])
    row = await world.db.fetchrow("SELECT provider, receiver, provider_ref FROM payouts")
    assert (row["provider"], row["receiver"]) == ("sandbox", name)
    assert row["provider_ref"].startswith("sbt_")
    booked = await world.value("SELECT sum(amount_minor) FROM journal_entries WHERE credit = 'clearing:sandbox'")
    assert booked == SHARE
    assert await world.value("SELECT count(*) FROM journal_entries WHERE credit = 'clearing:payouts'") == 0
    assert (await statement(world))["state"] == "paid"


async def test_who_has_no_account_is_paid_by_file(world: World, bank: Bank) -> None:
    await wallet(bank, world, "g-dropped")
    async with world.db.begin() as tx:
        await settlement.drop_account(tx, GUIDE, actor=world.manager, reason="closed")
    with pytest.raises(NotFound):
        async with world.db.begin() as tx:
            await settlement.drop_account(tx, GUIDE, actor=world.manager)
    await paid_out(world)
    assert await work(world.db) == []
    async with world.db.begin() as tx:
        await settlement.resolve(
            tx, GUIDE, await world.value("SELECT id FROM payouts"), went_well=True, actor=world.manager
        )  # type: ignore[arg-type]
    assert await has(world) == (0, 0, 0, SHARE)
    assert await world.value("SELECT credit FROM journal_entries WHERE credit LIKE 'clearing:payouts'")
    lines = await world.db.fetch(
        "SELECT action, before, after FROM audit_log WHERE subject = $1 ORDER BY id", str(GUIDE)
    )
    assert [row["action"] for row in lines] == ["payee.account-set", "payee.account-dropped"]
    assert lines[0]["after"] == {"provider": "sandbox", "receiver": "g-****ed"}


async def test_the_account_is_frozen_when_it_is_asked_for(world: World, bank: Bank) -> None:
    first = await wallet(bank, world, "g-first")
    await paid_out(world)
    second = await wallet(bank, world, "g-second")
    assert await work(world.db) == ["done"]
    assert (await bank.received(first), await bank.received(second)) == ([SHARE], [])


@pytest.mark.parametrize("where", ["payout.before_send", "payout.after_send"])
async def test_a_worker_that_dies_pays_once(world: World, bank: Bank, where: str) -> None:
    name = await wallet(bank, world, f"g-{where[7:9]}-dies")
    await paid_out(world)
    faults.arm(f"{where}:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await work(world.db)
    finally:
        faults.arm("")
    assert await bank.received(name) == ([SHARE] if where == "payout.after_send" else [])
    assert await has(world) == (0, 0, SHARE, 0)
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await pay_out.sweep(world.db) == 1
    assert await work(world.db) == ["done"]
    assert await bank.received(name) == [SHARE]
    assert await has(world) == (0, 0, 0, SHARE)


async def test_runs_and_jobs_at_once_pay_once(world: World, bank: Bank) -> None:
    name = await wallet(bank, world, "g-race")
    await asyncio.gather(*(paid_out(world) for _ in range(4)))
    row = await world.db.fetchrow("SELECT payee_id, id FROM payouts")
    assert await world.value("SELECT count(*) FROM payouts") == 1
    await asyncio.gather(*(pay_out.send(world.db, payouts.Send(*row)) for _ in range(6)))
    assert await bank.received(name) == [SHARE]
    assert (await has(world), await asked(world)) == ((0, 0, 0, SHARE), [("done", "")])
    booked = await world.value("SELECT sum(amount_minor) FROM journal_entries WHERE credit = 'clearing:sandbox'")
    assert booked == SHARE


async def test_an_answer_that_is_lost_is_no_outcome(world: World, bank: Bank) -> None:
    name = await wallet(bank, world, "g-lost")
    await paid_out(world)
    await bank.control("answer", fault={"operation": "transfer", "how": "error_after", "times": 3})
    [ended] = await work(world.db)
    assert "status 500" in ended
    assert (await bank.received(name), await asked(world)) == ([SHARE], [("requested", "")])
    with clock.frozen(NOON + timedelta(minutes=2)):
        await pay_out.sweep(world.db)
    assert await work(world.db) == ["done"]
    assert (await bank.received(name), await asked(world)) == ([SHARE], [("done", "")])


@pytest.mark.parametrize("outcome", ["done", "failed"])
async def test_what_takes_its_time_is_asked_for_again(world: World, bank: Bank, outcome: str) -> None:
    name = await wallet(bank, world, f"g-slow-{outcome}")
    await paid_out(world)
    await bank.control("defaults", faults={"transfer_delay_s": 2_000_000})
    assert await work(world.db) == ["the payout is processing at the provider"]
    assert await pay_out.sweep(world.db) == 0  # its job has just been there
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await pay_out.sweep(world.db) == 1
        assert await work(world.db) == ["the payout is processing at the provider"]
        number = str(await world.value("SELECT id FROM payouts"))
        await bank.control("settle_transfer", out_transfer_no=number, outcome=outcome)
        assert await pay_out.sweep(world.db) == 1
        assert await work(world.db) == ["done"]
        assert await pay_out.sweep(world.db) == 0
    if outcome == "done":
        assert (await bank.received(name), await has(world)) == ([SHARE], (0, 0, 0, SHARE))
    else:
        assert (await bank.received(name), await has(world)) == ([], (0, SHARE, 0, 0))
        assert await asked(world) == [("failed", "provider: receiver_limit")]


async def test_what_failed_is_paid_again_in_the_next_run_once(world: World, bank: Bank) -> None:
    await account(world, "g-nobody")
    await paid_out(world)
    assert await work(world.db) == ["done"]
    assert (await asked(world), await has(world)) == ([("failed", "payments.receiver-unknown")], (0, SHARE, 0, 0))
    assert (await statement(world))["state"] == "approved"
    name = await wallet(bank, world, "g-again")
    await asyncio.gather(*(paid_out(world) for _ in range(3)))
    assert await work(world.db) == ["done"]
    assert (await bank.received(name), await has(world)) == ([SHARE], (0, 0, 0, SHARE))
    await paid_out(world)
    assert await work(world.db) == []
    assert [state for state, _ in await asked(world)] == ["failed", "done"]


class Straggler(SandboxClient):
    """A process that was stopped just before it asked the provider."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.there, self.go_on = asyncio.Event(), asyncio.Event()

    async def transfer(self, transfer_ref: str, **asked: Any) -> TransferState:  # type: ignore[override]
        self.there.set()
        await self.go_on.wait()
        return await super().transfer(transfer_ref, **asked)


async def test_a_straggler_finds_the_number_closed(world: World, bank: Bank) -> None:
    """Of two runs of one job one finds too little money and gives up; the other, held up on its way, comes when there is
    enough, and when the statement has been paid again."""
    name = await wallet(bank, world, "g-poor")
    poor = {"merchant_id": "other", "secret": OTHER_SECRET}
    async with bank.client(Straggler, **poor) as late, bank.client(**poor) as client:
        providers.connect(late)
        await paid_out(world)
        row = await world.db.fetchrow("SELECT payee_id, id FROM payouts")
        straggler = asyncio.create_task(pay_out.send(world.db, payouts.Send(*row)))
        await late.there.wait()
        providers.connect(client)
        assert await work(world.db) == ["done"]
        assert await asked(world) == [("failed", "payments.balance-too-small")]
        await bank.fund(client, "more", 1_000_000)
        await paid_out(world)
        assert await work(world.db) == ["done"]
        late.go_on.set()
        await straggler
    assert await bank.received(name) == [SHARE]
    assert (await has(world), [state for state, _ in await asked(world)]) == ((0, 0, 0, SHARE), ["failed", "done"])


async def test_by_hand_nobody_says_how_it_ended_at_the_provider(world: World, bank: Bank) -> None:
    name = await wallet(bank, world, "g-hand")
    await paid_out(world)
    payout = await world.value("SELECT id FROM payouts")
    for went_well in (True, False):
        with pytest.raises(settlement.PayoutAtProvider):
            async with world.db.begin() as tx:
                await settlement.resolve(tx, GUIDE, payout, went_well=went_well, actor=world.manager)  # type: ignore[arg-type]
    assert await asked(world) == [("requested", "")]
    assert await work(world.db) == ["done"]
    assert await bank.received(name) == [SHARE]


async def test_a_provider_that_pays_another_amount_is_a_fault(world: World, bank: Bank) -> None:
    name = await wallet(bank, world, "g-fault")
    await paid_out(world)
    number = str(await world.value("SELECT id FROM payouts"))
    async with bank.client() as client:
        await client.transfer(number, receiver=name, amount_minor=SHARE + 1, currency="CNY", note="not ours")
    with pytest.raises(Fault, match="STL-10"):
        await work(world.db)
    assert await has(world) == (0, 0, SHARE, 0)
    assert await asked(world) == [("requested", "")]


async def test_a_provider_that_cannot_be_asked_keeps_it_waiting(
    world: World, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wallet(bank, world, "g-gone")
    await paid_out(world)
    providers.connect(Books())  # type: ignore[arg-type] # makes no transfers
    assert await work(world.db) == ["payment provider sandbox makes no transfers"]
    monkeypatch.delitem(providers._connected, "sandbox")
    payout = await world.value("SELECT id FROM payouts")
    async with world.db.begin() as tx:
        await settlement.resolve(tx, GUIDE, payout, went_well=False, problem="contract ended", actor=world.manager)  # type: ignore[arg-type]
    assert await has(world) == (0, SHARE, 0, 0)
