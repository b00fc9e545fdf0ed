"""Money that arrives for the wallet of somebody who is forgotten goes back by itself, the way it came, once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline import payments, wallet
from duoline.entry.check import broken
from duoline.flows import erase_member, top_up, top_up_refund
from duoline.flows.pay import UnknownPayment
from duoline.kernel import clock, faults
from duoline.kernel.errors import Fault, NotFound, Unavailable
from duoline.kernel.ids import new_id
from duoline.kernel.machine import WrongState
from duoline.ledger import accounts
from duoline.members.errors import ErasureBlocked
from duoline.payments import providers
from duoline.payments.provider import EventKind, PaymentEvent, ProviderRefused, RefundState, RefundStatus
from duoline.wallet import Shares, TopUp, top_up_refunds, top_ups
from tests.adapters.conftest import SECRET, ProviderProcess
from tests.flows.conftest import NOON, Books, World
from tests.flows.test_returns import balance

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from uuid import UUID

    from duoline.kernel.db import Database

AMOUNT = 50_000
NOTIFY = "http://127.0.0.1:9/notices"
CLEARING = accounts.clearing("sandbox")
POINTS = [
    "top_up_refund.after_done", "top_up_refund.after_send", "top_up_refund.before_commit",
    "top_up_refund.before_done", "top_up_refund.before_send",
]  # fmt: skip


class Slow(Books):
    """A provider that answers a refund as it is told to, and ends it under its own number."""

    def __init__(self) -> None:
        super().__init__()
        self.status = RefundStatus.DONE
        self.refuses = False
        self.asked: list[str] = []

    async def refund(self, ref: str, *, refund_ref: str, amount_minor: int, currency: str, reason: str) -> RefundState:
        self.asked.append(refund_ref)
        if self.refuses:
            raise ProviderRefused
        given = await super().refund(
            ref, refund_ref=refund_ref, amount_minor=amount_minor, currency=currency, reason=reason
        )
        self.refunds[refund_ref] = msgspec.structs.replace(given, status=self.status, provider_ref=f"R{refund_ref}")
        return self.refunds[refund_ref]


@pytest.fixture
def books() -> Slow:
    made = Slow()
    providers.connect(made)
    return made


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield
    faults.arm("")


async def closed(world: World, member_id: UUID, minor: int = AMOUNT) -> TopUp:
    """A top-up that nobody paid in time, so that its owner can go."""
    async with world.db.begin() as tx:
        asked = await top_up.begin(
            tx, member_id=member_id, amount_minor=minor, expected_bonus_minor=None, store_id=None, actor=world.member
        )
    opened = await top_up.open_page(
        world.db,
        member_id=member_id,
        top_up_id=asked.id,
        subject="s",
        notify_url=NOTIFY,
        return_url="http://127.0.0.1:9/",
    )
    await top_up.abandon(world.db, opened)
    return await top_ups.load(world.db, member_id, asked.id)


async def erase(world: World, member_id: UUID) -> None:
    async with world.db.begin() as tx:
        await erase_member.erase(tx, member_id=member_id, secret="s", channel="mall", actor=world.manager)


async def left(world: World, minor: int = AMOUNT) -> TopUp:
    """A top-up that was closed, of somebody who is forgotten since."""
    member_id = await world.new_member()
    asked = await closed(world, member_id, minor)
    await erase(world, member_id)
    return asked


async def arrives(
    world: World, books: Books, asked: TopUp, event_id: str = "late", *, payer: str | None = None
) -> None:
    """The provider took it all the same, and says so."""
    books.pay(str(asked.id), payer=payer)
    await top_up.receive(world.db, "sandbox", notice(asked, event_id, payer=payer))


def notice(asked: TopUp, event_id: str, minor: int = AMOUNT, *, payer: str | None = None) -> PaymentEvent:
    return PaymentEvent(
        event_id=event_id, kind=EventKind.PAYMENT_PAID, ref=str(asked.id), refund_ref=None, amount_minor=minor,
        currency="CNY", occurred_at=clock.now(), payer=payer,
    )  # fmt: skip


def ended(asked: TopUp, refund_ref: str, kind: EventKind, event_id: str = "R1", minor: int = AMOUNT) -> PaymentEvent:
    return PaymentEvent(
        event_id=event_id, kind=kind, ref=str(asked.id), refund_ref=refund_ref, amount_minor=minor, currency="CNY",
        occurred_at=clock.now(), provider_ref="R-9",
    )  # fmt: skip


async def jobs_of(db: Database) -> list[top_up_refund.SendBack]:
    rows = await db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", top_up_refund.SEND)
    return [msgspec.json.decode(row["payload"], type=top_up_refund.SendBack) for row in rows]


async def work(db: Database) -> list[str]:
    """Do the waiting jobs, as the worker would; what each ended with."""
    outcomes = []
    for what in await jobs_of(db):
        try:
            await top_up_refund.send(db, what)
            outcomes.append("done")
        except Unavailable as unavailable:
            outcomes.append(str(unavailable))
    await db.execute("DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = $1", top_up_refund.SEND)
    return outcomes


async def one(world: World) -> dict[str, Any]:
    """The only one there is."""
    (row,) = await world.db.fetch("SELECT * FROM wallet_top_up_refunds")
    return dict(row)


async def stands(world: World) -> tuple[int, int, int]:
    """What the provider has for us, what is owed to who paid, and what was given back by hand."""
    return (
        await balance(world, CLEARING),
        -await balance(world, accounts.RETURNING),
        -await balance(world, accounts.BY_HAND),
    )


async def trail(world: World) -> list[tuple[str, str]]:
    rows = await world.db.fetch("SELECT action, reason FROM audit_log WHERE action LIKE 'wallet.%' ORDER BY at, id")
    return [(row["action"], row["reason"]) for row in rows]


async def trade(world: World, books: Books) -> None:
    """One that is back, one that is still to go back."""
    for n in range(2):
        asked = await left(world)
        await arrives(world, books, asked, f"late-{n}")
        if not n:
            await work(world.db)


async def test_what_arrives_goes_back_the_way_it_came(world: World, books: Slow) -> None:
    asked = await left(world)
    await arrives(world, books, asked, payer="wx-1")
    refund = await one(world)
    assert (refund["state"], refund["amount_minor"], refund["top_up_id"]) == ("requested", AMOUNT, asked.id)
    assert await stands(world) == (AMOUNT, AMOUNT, 0)
    assert await wallet.balance_of(world.db, asked.member_id) == Shares(0, 0)
    assert await world.value("SELECT count(*) FROM wallet_lots") == 0
    paid = await world.db.fetchrow("SELECT state, principal_minor, bonus_minor, payer_key FROM wallet_top_ups")
    assert paid is not None
    assert tuple(paid) == ("paid", AMOUNT, 0, None)
    assert await broken(world.db) == []
    assert await work(world.db) == ["done"]
    given = books.refunds[str(refund["id"])]
    assert (given.ref, given.amount_minor) == (str(asked.id), AMOUNT)
    refund = await one(world)
    assert (refund["state"], refund["provider_ref"]) == ("done", f"R{refund['id']}")
    assert await stands(world) == (0, 0, 0)
    assert await trail(world) == [("wallet.return", ""), ("wallet.returned", "")]


async def test_what_really_came_goes_back(world: World, books: Slow) -> None:
    """Of another amount than was asked for, as the provider's own books say it."""
    asked = await left(world)
    books.payments[str(asked.id)] = msgspec.structs.replace(books.payments[str(asked.id)], amount_minor=12_345)
    books.pay(str(asked.id))
    await top_up.check(world.db, asked)
    assert await work(world.db) == ["done"]
    assert [refund.amount_minor for refund in books.refunds.values()] == [12_345]
    assert await stands(world) == (0, 0, 0)


async def test_what_is_said_again_changes_nothing_more(world: World, books: Slow) -> None:
    asked = await left(world)
    for event_id in ("late", "late", "again"):
        await arrives(world, books, asked, event_id)
    await top_up.check(world.db, asked)
    assert len(await jobs_of(world.db)) == 1
    (what,) = await jobs_of(world.db)
    await asyncio.gather(*[top_up_refund.send(world.db, what) for _ in range(4)])
    for event_id in ("R1", "R1", "R2"):
        event = ended(asked, str(what.refund_id), EventKind.REFUND_DONE, event_id)
        await top_up.receive(world.db, "sandbox", event)
    await arrives(world, books, asked, "once more")
    assert set(books.asked) == {str(what.refund_id)}
    assert await stands(world) == (0, 0, 0)
    assert await world.value("SELECT count(*) FROM journals WHERE ref_kind = 'top-up-refund'") == 2
    assert await trail(world) == [("wallet.return", ""), ("wallet.returned", "")]


async def test_whoever_hears_first_writes_it_down_once(world: World, books: Slow) -> None:
    asked = await left(world)
    books.pay(str(asked.id))
    await asyncio.gather(
        *[top_up.check(world.db, asked) for _ in range(4)],
        *[top_up.receive(world.db, "sandbox", notice(asked, f"T{n}")) for n in range(4)],
    )
    assert await stands(world) == (AMOUNT, AMOUNT, 0)
    assert await work(world.db) == ["done"]


async def test_who_is_there_has_it_in_the_wallet_as_ever(world: World, books: Slow) -> None:
    asked = await closed(world, world.member_id)
    await arrives(world, books, asked)
    assert await wallet.balance_of(world.db, world.member_id) == Shares(AMOUNT, 5_000)
    assert await world.value("SELECT count(*) FROM wallet_top_up_refunds") == 0
    assert await jobs_of(world.db) == []
    with pytest.raises(Fault) as fault:
        async with world.db.begin() as tx:
            await top_up_refunds.request(tx, asked, account=CLEARING, actor=world.manager)
    assert fault.value.invariant == "WAL-7"


async def test_one_that_is_refused_waits_for_a_person(world: World, books: Slow) -> None:
    asked, books.refuses = await left(world), True
    await arrives(world, books, asked)
    assert await work(world.db) == ["done"]
    refund = await one(world)
    assert (refund["state"], refund["attempts"], refund["problem"]) == ("failed", 1, "payments.provider-refused")
    assert await stands(world) == (AMOUNT, AMOUNT, 0)
    assert await broken(world.db) == []
    assert await top_up_refund.sweep(world.db) == 0
    case = {"member_id": asked.member_id, "refund_id": refund["id"]}
    async with world.db.begin() as tx:
        await top_up_refund.send_again(tx, **case, reason="asked them", actor=world.manager)
    assert await work(world.db) == ["done"]
    assert (await one(world))["attempts"] == 2
    books.refuses = False
    async with world.db.begin() as tx:
        await top_up_refund.send_again(tx, **case, reason="once more", actor=world.manager)
    assert await work(world.db) == ["done"]
    assert ((await one(world))["state"], (await one(world))["problem"]) == ("done", None)
    assert set(books.asked) == {str(refund["id"])}
    assert await stands(world) == (0, 0, 0)
    assert await trail(world) == [
        ("wallet.return", ""),
        ("wallet.return-failed", "payments.provider-refused"),
        ("wallet.return-again", "asked them"),
        ("wallet.return-failed", "payments.provider-refused"),
        ("wallet.return-again", "once more"),
        ("wallet.returned", ""),
    ]


async def test_one_that_is_refused_is_given_by_hand_once(world: World, books: Slow) -> None:
    asked = await left(world)
    await arrives(world, books, asked)
    refund = await one(world)
    case = {"member_id": asked.member_id, "refund_id": refund["id"], "reason": "by bank", "actor": world.manager}

    async def by_hand(**changes: Any) -> None:
        async with world.db.begin() as tx:
            await top_up_refunds.give_by_hand(tx, **{**case, **changes})

    with pytest.raises(WrongState):  # it is on its way
        await by_hand()
    books.refuses = True
    await work(world.db)
    with pytest.raises(NotFound):
        await by_hand(member_id=world.member_id)
    ends = await asyncio.gather(*[by_hand() for _ in range(3)], return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "WrongState", "WrongState"]
    assert (await one(world))["state"] == "by_hand"
    assert await stands(world) == (AMOUNT, 0, AMOUNT)
    with pytest.raises(WrongState):
        async with world.db.begin() as tx:
            await top_up_refund.send_again(tx, **case)
    # A provider that gives it back after all has given it twice: nobody may miss that.
    with pytest.raises(Fault) as fault:
        await top_up.receive(world.db, "sandbox", ended(asked, str(refund["id"]), EventKind.REFUND_DONE))
    assert fault.value.invariant == "WAL-7"


async def test_one_that_takes_time_is_asked_for_again_and_ends_by_a_notice(world: World, books: Slow) -> None:
    asked, books.status = await left(world), RefundStatus.PROCESSING
    await arrives(world, books, asked)
    refund_ref = str((await one(world))["id"])
    assert await work(world.db) == ["the money of a top-up is on its way back at the provider"]
    assert (await one(world))["state"] == "requested"
    done = EventKind.REFUND_DONE
    with pytest.raises(payments.AmountMismatch):
        await top_up.receive(world.db, "sandbox", ended(asked, refund_ref, done, minor=AMOUNT - 1))
    for unknown in (str(new_id()), "x"):
        with pytest.raises(UnknownPayment):
            await top_up.receive(world.db, "sandbox", ended(asked, unknown, done))
    await top_up.receive(world.db, "sandbox", ended(asked, refund_ref, done))
    refund = await one(world)
    assert (refund["state"], refund["provider_ref"]) == ("done", "R-9")
    assert await stands(world) == (0, 0, 0)


async def test_one_that_failed_there_and_is_done_after_all_is_done(world: World, books: Slow) -> None:
    asked, books.status = await left(world), RefundStatus.FAILED
    await arrives(world, books, asked)
    refund_ref = str((await one(world))["id"])
    assert await work(world.db) == ["done"]
    assert ((await one(world))["state"], (await one(world))["problem"]) == ("failed", "provider: failed")
    await top_up.receive(world.db, "sandbox", ended(asked, refund_ref, EventKind.REFUND_FAILED))
    assert (await one(world))["attempts"] == 1
    await top_up.receive(world.db, "sandbox", ended(asked, refund_ref, EventKind.REFUND_DONE, "R2"))
    assert (await one(world))["state"] == "done"
    assert await stands(world) == (0, 0, 0)
    await top_up.receive(world.db, "sandbox", ended(asked, refund_ref, EventKind.REFUND_FAILED, "R3"))
    assert (await one(world))["state"] == "done"


async def test_one_whose_provider_is_silent_is_never_left_behind(world: World, books: Slow) -> None:
    asked = await left(world)
    await arrives(world, books, asked)
    books.silent = True
    assert await work(world.db) == ["the provider does not answer"]
    assert await jobs_of(world.db) == []
    assert await top_up_refund.sweep(world.db) == 0
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await top_up_refund.sweep(world.db) == 1
        assert await top_up_refund.sweep(world.db) == 1
    books.silent = False
    assert await work(world.db) == ["done"]
    assert await stands(world) == (0, 0, 0)


# --- beside an erasure --------------------------------------------------------------------------------


async def beside(first: Awaitable[None], second: Callable[[], Awaitable[None]], hold: asyncio.Event) -> None:
    """`second` begins while `first` has written and not committed, and waits for it."""
    leading = asyncio.ensure_future(first)
    async with asyncio.timeout(20):
        await asyncio.wait({leading, asyncio.ensure_future(hold.wait())}, return_when=asyncio.FIRST_COMPLETED)
        following = asyncio.ensure_future(second())
        await asyncio.gather(leading, following)


async def test_who_is_forgotten_while_the_money_arrives_has_it_sent_back(world: World, books: Slow) -> None:
    member_id = await world.new_member()
    asked, written = await closed(world, member_id), asyncio.Event()

    async def erasing() -> None:
        async with world.db.begin() as tx:
            await erase_member.erase(tx, member_id=member_id, secret="s", channel="mall", actor=world.manager)
            written.set()
            await asyncio.sleep(0.4)

    await beside(erasing(), lambda: arrives(world, books, asked), written)
    assert (await one(world))["state"] == "requested"
    assert await work(world.db) == ["done"]
    assert await stands(world) == (0, 0, 0)


async def test_who_has_money_arriving_while_they_are_forgotten_is_not_forgotten(world: World, books: Slow) -> None:
    member_id = await world.new_member()
    asked, written = await closed(world, member_id), asyncio.Event()

    async def paying() -> None:
        async with world.db.begin() as tx:
            await top_ups.pay(tx, asked, account=CLEARING, paid_minor=AMOUNT, actor=world.manager)
            written.set()
            await asyncio.sleep(0.4)

    async def erasing() -> None:
        with pytest.raises(ErasureBlocked) as blocked:
            await erase(world, member_id)
        assert [one["field"] for one in blocked.value.fields["problems"]] == ["stored"]

    await beside(paying(), erasing, written)
    assert await wallet.balance_of(world.db, member_id) == Shares(AMOUNT, 5_000)
    assert await world.value("SELECT count(*) FROM wallet_top_up_refunds") == 0


async def test_money_in_the_wallet_of_who_is_forgotten_is_never_left(world: World, books: Slow) -> None:
    """Side by side, whoever is first: the money is somebody's to spend, or on its way back."""

    async def tries(member_id: UUID) -> None:
        with suppress(ErasureBlocked):
            await erase(world, member_id)

    async def later(n: int, asked: TopUp) -> None:
        await asyncio.sleep(n * 0.015)
        await arrives(world, books, asked, f"late-{n}")

    for n in range(8):
        member_id = await world.new_member()
        asked = await closed(world, member_id)
        await asyncio.gather(tries(member_id), later(n, asked))
    stranded = await world.db.fetch(
        """SELECT 1 FROM members m JOIN wallets w ON w.member_id = m.member_id
           WHERE m.erased_at IS NOT NULL AND w.principal_minor + w.bonus_minor > 0"""
    )
    assert stranded == []
    back = await world.value("SELECT count(*) FROM wallet_top_up_refunds")
    filled = await world.value("SELECT count(*) FROM wallets WHERE principal_minor > 0")
    assert (back, filled) == (8 - filled, 8 - back)


async def test_the_sweep_of_an_erasure_and_a_late_payment_do_not_wait_for_each_other(world: World, books: Slow) -> None:
    asked, locked = await left(world), asyncio.Event()

    async def paying() -> None:
        async with world.db.begin() as tx:
            await top_up_refunds.forgotten(tx, asked.member_id)
            locked.set()
            await asyncio.sleep(0.4)
            await top_ups.pay(tx, asked, account=CLEARING, paid_minor=AMOUNT, actor=world.manager)

    async def sweeping() -> None:
        assert await erase_member.sweep(world.db, asked.member_id)

    await beside(paying(), sweeping, locked)
    assert await stands(world) == (AMOUNT, AMOUNT, 0)


# --- crashes ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    made = ProviderProcess(tmp_path_factory.mktemp("bank") / "ledger.sqlite")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at(point: str, world: World, access: Any, process: ProviderProcess) -> None:
    """The process dies there once; the provider repeats its notice and the worker its job: it is given back once."""
    with clock.frozen(datetime.now(UTC)):
        async with process.client(now=lambda: datetime.now(UTC)) as client:
            providers.connect(client)
            asked = await left(world)
            await process.control("pay", ref=str(asked.id), late_capture=True)

            def run(fault: str) -> int:
                environment = {
                    **{name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")},
                    "DUOLINE_DATABASE_URL": access.dsn, "DUOLINE_FAULT": fault, "PYTHONPATH": "src",
                }  # fmt: skip
                program = str(Path(__file__).parent / "top_up_refund_process.py")
                arguments = [process.url, SECRET, str(asked.id), str(AMOUNT)]
                return subprocess.run([sys.executable, program, *arguments], env=environment, check=False).returncode

            assert await asyncio.to_thread(run, f"{point}:kill") == -9
            assert await broken(world.db) == []
            written = point != "top_up_refund.before_commit"
            assert await world.value("SELECT count(*) FROM wallet_top_up_refunds") == written
            assert len(await jobs_of(world.db)) == written, "the job is there exactly when what it does is"
            for _ in range(2):
                assert await asyncio.to_thread(run, "") == 0
            refund, there = await one(world), await client.query_payment(str(asked.id))
            assert (refund["state"], there.refunded_minor) == ("done", AMOUNT)
            assert (await client.query_refund(str(refund["id"]))).provider_ref == refund["provider_ref"]
            assert await stands(world) == (0, 0, 0)
            assert await world.value("SELECT count(*) FROM journals WHERE ref_kind = 'top-up-refund'") == 2
    providers.connect(Books())


def test_every_point_is_here() -> None:
    assert [point for point in faults.points() if point.startswith("top_up_refund.")] == POINTS
