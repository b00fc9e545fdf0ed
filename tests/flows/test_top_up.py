"""Filling a wallet: in cash, by code, on the provider's page; once, whoever hears first that it was paid."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from duoline import fulfilment, payments, wallet
from duoline.flows import top_up
from duoline.flows.pay import BeingCharged, UnknownPayment
from duoline.kernel import clock, faults
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.ids import new_id
from duoline.ledger import accounts
from duoline.payments.provider import CodeUnknown, EventKind, PaymentEvent
from duoline.wallet import Shares, TopUp, TopUpOver, top_ups
from duoline.wallet.errors import BonusChanged, TopUpDayLimit, TopUpsOff, TopUpTooLittle, WalletFull
from tests.flows.conftest import NOON
from tests.flows.test_returns import balance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Books, World

CODE = "131111111111111110"
ASKS = "132222222222222229"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def begin(world: World, minor: int = 50_000, *, bonus: int | None = 5_000) -> TopUp:
    async with world.db.begin() as tx:
        return await top_up.begin(
            tx, member_id=world.member_id, amount_minor=minor, expected_bonus_minor=bonus, store_id=None,
            actor=world.member,
        )  # fmt: skip


async def cash(world: World, minor: int, *, tendered: int | None = None, bonus: int | None = None) -> int:
    async with world.db.begin() as tx:
        done = await top_up.take_cash(
            tx, location_id=world.stores["A"], member_id=world.member_id, amount_minor=minor,
            tendered_minor=minor if tendered is None else tendered, expected_bonus_minor=bonus, drawer=None,
            actor=world.clerk,
        )  # fmt: skip
    return done.change_minor


async def have(world: World) -> Shares:
    return await wallet.balance_of(world.db, world.member_id)


async def page(world: World, asked: TopUp) -> TopUp:
    return await top_up.open_page(
        world.db, member_id=asked.member_id, top_up_id=asked.id, subject="s", notify_url="n", return_url="r"
    )


async def charge(world: World, asked: TopUp, code: str = CODE) -> None:
    await top_up.charge(world.db, asked, auth_code=code, subject="s", notify_url="n")


async def now(world: World, asked: TopUp) -> TopUp:
    return await top_ups.load(world.db, asked.member_id, asked.id)


def notice(asked: TopUp, minor: int, event_id: str = "T1", kind: EventKind = EventKind.PAYMENT_PAID) -> PaymentEvent:
    return PaymentEvent(
        event_id=event_id, kind=kind, ref=str(asked.id), refund_ref=None, amount_minor=minor, currency="CNY",
        occurred_at=clock.now(),
    )  # fmt: skip


async def test_cash_fills_it_with_its_bonus_and_is_in_the_drawer(world: World, books: Books) -> None:
    assert await cash(world, 50_000, tendered=60_000, bonus=5_000) == 10_000
    assert await have(world) == Shares(50_000, 5_000)
    assert await balance(world, accounts.cash(world.stores["A"])) == 50_000
    assert await balance(world, accounts.STORED_PRINCIPAL) == -50_000
    assert await balance(world, accounts.STORED_BONUS) == -5_000
    assert await balance(world, accounts.BONUS_COST) == 5_000
    kinds = await world.db.fetch("SELECT kind, amount_minor FROM drawer_entries")
    assert [tuple(row) for row in kinds] == [("top_up", 50_000)]
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'wallet.top-up'") == 1
    assert await world.value("SELECT count(*) FROM journals WHERE kind LIKE 'sale%'") == 0


async def test_little_cash_fills_nothing(world: World, books: Books) -> None:
    with pytest.raises(fulfilment.TooLittle):
        await cash(world, 50_000, tendered=49_999)
    assert await have(world) == Shares()


@pytest.mark.parametrize(
    ("minor", "rules", "refusal"),
    [
        (4_999, {}, TopUpTooLittle),
        (50_000, {"top_ups": False}, TopUpsOff),
        (50_000, {"max_balance_minor": 54_999}, WalletFull),
        (50_000, {"day_top_up_minor": 49_999}, TopUpDayLimit),
        (40_000, {}, BonusChanged),
    ],
)
async def test_what_the_rules_do_not_let_pass_is_refused(world, books, set_policy, minor, rules, refusal) -> None:
    await set_policy("wallet", **rules)
    with pytest.raises(refusal):
        await cash(world, minor, bonus=5_000)
    with pytest.raises(refusal):
        await begin(world, minor)
    assert await world.value("SELECT count(*) FROM wallet_top_ups") == 0


async def test_what_is_on_its_way_counts_towards_the_limits(world: World, books: Books, set_policy) -> None:
    await set_policy("wallet", max_balance_minor=60_000, day_top_up_minor=100_000)
    asked = await begin(world, 50_000)
    with pytest.raises(WalletFull) as refused:
        await cash(world, 5_001)
    assert refused.value.fields["left_minor"] == 5_000
    await top_up.abandon(world.db, asked)
    await cash(world, 50_000)


async def test_the_page_is_the_same_and_what_is_paid_there_is_recorded_once(world: World, books: Books) -> None:
    asked = await begin(world)
    first, again = await page(world, asked), await page(world, asked)
    assert first.pay_url == again.pay_url == f"/pay/{asked.id}"
    assert (await top_up.check(world.db, first)).state == "open"
    books.pay(str(asked.id))
    for _ in "ab":
        await top_up.receive(world.db, "sandbox", notice(asked, 50_000))
        assert (await top_up.check(world.db, first)).state == "paid"
    await top_up.receive(world.db, "sandbox", notice(asked, 50_000, "T2"))
    assert await have(world) == Shares(50_000, 5_000)
    assert await balance(world, accounts.clearing("sandbox")) == 50_000


async def test_a_notice_that_does_not_fit_fills_nothing(world: World, books: Books) -> None:
    asked = await begin(world)
    with pytest.raises(payments.AmountMismatch):
        await top_up.receive(world.db, "sandbox", notice(asked, 49_999))
    with pytest.raises(UnknownPayment):
        await top_up.receive(world.db, "another", notice(asked, 50_000))
    with pytest.raises(UnknownPayment):
        await top_up.receive(world.db, "sandbox", notice(asked._replace(id=new_id()), 50_000))
    with pytest.raises(UnknownPayment):
        await top_up.receive(world.db, "sandbox", notice(asked, 50_000, kind=EventKind.REFUND_DONE))
    assert await have(world) == Shares()
    assert await world.value("SELECT count(*) FROM provider_events") == 0


async def test_a_code_fills_it_and_a_bad_one_leaves_it_open(world: World, books: Books) -> None:
    asked = await begin(world)
    with pytest.raises(CodeUnknown):
        await charge(world, asked, "999999")
    assert (await now(world, asked)).asked_at is None
    await charge(world, asked)
    await charge(world, asked)
    assert await have(world) == Shares(50_000, 5_000)


async def test_a_phone_that_is_asked_first(world: World, books: Books) -> None:
    asked = await begin(world)
    await charge(world, asked, ASKS)
    assert (await now(world, asked)).state == "open"
    books.pay(str(asked.id))
    assert (await top_up.check(world.db, await now(world, asked))).state == "paid"
    second = await begin(world)
    await charge(world, second, ASKS.replace("2", "3"))
    books.refuse(str(second.id))
    assert (await top_up.check(world.db, await now(world, second))).state == "closed"
    with pytest.raises(TopUpOver):
        await charge(world, second)
    assert await have(world) == Shares(50_000, 5_000)


async def test_a_provider_that_does_not_answer_leaves_it_asked(world: World, books: Books) -> None:
    asked = await begin(world)
    books.silent = True
    with pytest.raises(Unavailable):
        await charge(world, asked)
    with pytest.raises(BeingCharged):
        await charge(world, asked)
    with pytest.raises(BeingCharged):
        await top_up.abandon(world.db, await now(world, asked))
    books.silent = False
    with clock.frozen(NOON + timedelta(seconds=11)):
        await charge(world, asked)
    assert await have(world) == Shares(50_000, 5_000)


@pytest.mark.parametrize("paid", [False, True])
async def test_what_is_not_paid_in_time_is_closed_and_what_was_is_kept(world: World, books: Books, paid: bool) -> None:
    asked = await begin(world)
    await page(world, asked)
    if paid:
        books.pay(str(asked.id))
    assert await top_up.close_unpaid(world.db) == 0
    with clock.frozen(NOON + top_up.PAY_WITHIN):
        with pytest.raises(TopUpOver):
            await top_up.charge(world.db, asked, auth_code=CODE, subject="s", notify_url="n")
        assert await top_up.close_unpaid(world.db) == 1
    assert (await now(world, asked)).state == ("paid" if paid else "closed")
    assert await have(world) == (Shares(50_000, 5_000) if paid else Shares())
    if not paid:
        assert books.payments[str(asked.id)].status.value == "closed"
        with pytest.raises(TopUpOver):
            await page(world, asked)
        # The provider took it all the same: the money is the member's.
        await top_up.receive(world.db, "sandbox", notice(asked, 50_000))
        assert await have(world) == Shares(50_000, 5_000)


async def test_what_the_provider_took_instead_is_what_is_theirs(world: World, books: Books) -> None:
    asked = await begin(world)
    async with world.db.begin() as tx:
        await top_ups.pay(tx, asked, account=accounts.clearing("sandbox"), paid_minor=20_000, actor=world.member)
    assert await have(world) == Shares(20_000, 1_000)


async def test_whoever_hears_first_records_it_once(world: World, books: Books) -> None:
    asked = await page(world, await begin(world))
    books.pay(str(asked.id))
    await asyncio.gather(
        *[top_up.check(world.db, asked) for _ in range(5)],
        *[top_up.receive(world.db, "sandbox", notice(asked, 50_000, f"T{n}")) for n in range(5)],
        top_up.abandon(world.db, asked),
    )
    assert await have(world) == Shares(50_000, 5_000)


async def test_two_at_once_do_not_pass_the_limit_together(world: World, books: Books, set_policy) -> None:
    await set_policy("wallet", max_balance_minor=100_000, day_top_up_minor=1_000_000)

    async def one() -> int:
        try:
            await cash(world, 50_000)
        except Refusal:
            return 0
        return 1

    assert sum(await asyncio.gather(*[one() for _ in range(8)])) == 1
    assert await have(world) == Shares(50_000, 5_000)


@pytest.mark.parametrize(
    "point",
    [
        "top_up.before_open", "top_up.after_open", "top_up.before_charge", "top_up.after_charge",
        "top_up.before_commit",
    ],
)  # fmt: skip
async def test_a_crash_anywhere_and_the_same_again_fills_it_once(world: World, books: Books, point: str) -> None:
    asked = await begin(world)

    async def pays() -> None:
        if "open" in point:
            await page(world, asked)
            books.pay(str(asked.id))
            await top_up.check(world.db, await now(world, asked))
        else:
            await charge(world, asked)

    faults.arm(f"{point}:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await pays()
    finally:
        faults.arm("")
    assert await have(world) == Shares()
    with clock.frozen(NOON + timedelta(seconds=11)):
        await pays()
    assert await have(world) == Shares(50_000, 5_000)
