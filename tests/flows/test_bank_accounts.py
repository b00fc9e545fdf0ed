"""Payees without an account at the provider: paid by file, to the bank account that stood there when it was asked for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline import settlement
from duoline.attribution import Owner
from duoline.entry.findings import broken
from duoline.flows.erase_member import erase
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, Actor
from duoline.settlement import payout_quotes, payouts
from duoline.settlement.errors import PayAlone
from tests.flows.conftest import NOON, Books, World
from tests.flows.test_credit import (
    BOSS,
    DECEMBER,
    GUIDE,
    OTHER_BOSS,
    approved,
    bought_by_link,
    closed,
    had,
    paid_out,
    people,
    statement,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

FIRST, SECOND = "6222021234567890128", "310066712345678901"
SHARE = 398
MONTH = "2026-11"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
async def due(noon: None, world: World, books: Books) -> World:
    """A guide whose share of a month is approved."""
    await people(world)
    await had(world, books)
    await told(world)
    await closed(world, MONTH, at=DECEMBER)
    await approved(world, await statement(world))
    return world


def at_bank(number: str, holder: str = "Li Na", bank: str = "招商银行") -> settlement.Account:
    return settlement.Account(settlement.BANK, number, holder, bank, "静安支行", "person")


def staff(staff_id: UUID) -> Actor:
    return Actor("staff", staff_id, "x")


async def put(
    world: World, number: str, payee_id: UUID = GUIDE, *, kind: Any = "staff", by: Actor | None = None, **more: Any
) -> settlement.PayeeAccount:
    async with world.db.begin() as tx:
        return await settlement.set_account(
            tx, payee_id, at_bank(number, **more), kind=kind, actor=by or Actor(kind, payee_id)
        )


async def frozen_of(world: World, payee_id: UUID = GUIDE) -> list[tuple[Any, ...]]:
    """What each payout of a payee says of where it goes, in the order in which they were asked for."""
    rows = await world.db.fetch(
        """SELECT provider, receiver, holder, bank, account_by FROM payouts WHERE payee_id = $1 ORDER BY id""", payee_id
    )
    return [tuple(row) for row in rows]


async def end(world: World, *, went_well: bool, payee_id: UUID = GUIDE) -> None:
    payout = await world.value("SELECT id FROM payouts WHERE payee_id = $1 AND state = 'requested'", payee_id)
    async with world.db.begin() as tx:
        await settlement.resolve(tx, payee_id, payout, went_well=went_well, actor=world.manager)  # type: ignore[arg-type]


async def test_the_bank_account_is_frozen_when_the_money_is_asked_for(due: World) -> None:
    await put(due, FIRST)
    await paid_out(due)
    assert await due.value("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1", payouts.SEND_JOB) == 0
    await put(due, SECOND, holder="Somebody else", bank="工商银行")
    async with due.db.begin() as tx:
        await settlement.drop_account(tx, GUIDE, actor=due.manager)
    sent = ("", FIRST, "Li Na", "招商银行", "")
    assert await frozen_of(due) == [sent]
    await end(due, went_well=False)
    await put(due, SECOND, holder="Li Na", bank="工商银行")
    await paid_out(due)
    assert await frozen_of(due) == [sent, ("", SECOND, "Li Na", "工商银行", "")]
    await end(due, went_well=True)
    assert await due.value("SELECT count(*) FROM journal_entries WHERE credit = 'clearing:payouts'") == 1
    assert not await broken(due.db)


async def test_what_was_asked_for_without_an_account_stays_without(due: World) -> None:
    await paid_out(due)
    await put(due, FIRST)
    assert await frozen_of(due) == [("", "", "", "", "")]


async def test_two_changes_at_once_are_two_lines_of_which_each_says_what_it_replaced(due: World) -> None:
    numbers = [f"62170000000000{n:02}" for n in range(8)]
    await asyncio.gather(*(put(due, number, by=staff(BOSS)) for number in numbers))
    last = await settlement.account_of(due.db, GUIDE)
    rows = await due.db.fetch("SELECT before, after FROM audit_log WHERE subject = $1 ORDER BY id", str(GUIDE))
    assert len(rows) == 8
    told_before = sorted((row["before"] or {}).get("receiver", "") for row in rows)
    told_after = sorted(row["after"]["receiver"] for row in rows)
    assert last is not None
    # A chain: nothing was replaced once, the last was never replaced, every other one once.
    assert told_before == sorted(["", *(each for each in told_after if each != last.masked)])


async def test_a_change_against_a_removal_leaves_one_or_none_and_no_fault(due: World) -> None:
    for n in range(6):
        await put(due, f"62170000000000{n:02}")

        async def drop() -> None:
            async with due.db.begin() as tx:
                await settlement.drop_account(tx, GUIDE, actor=due.manager)

        await asyncio.gather(drop(), put(due, f"62170000000010{n:02}"))
    assert not await broken(due.db)


async def test_a_change_while_a_run_pays_leaves_one_whole_account(due: World) -> None:
    await put(due, FIRST)
    await asyncio.gather(paid_out(due), put(due, SECOND, holder="Li Na 2", bank="工商银行"))
    [sent] = await frozen_of(due)
    assert sent in [("", FIRST, "Li Na", "招商银行", ""), ("", SECOND, "Li Na 2", "工商银行", "")]


async def test_who_set_it_for_somebody_else_is_named_until_money_has_arrived_there(due: World) -> None:
    await put(due, FIRST, by=staff(BOSS))
    await paid_out(due)
    await end(due, went_well=False)
    await paid_out(due)  # it has not arrived: still marked
    assert [row[4] for row in await frozen_of(due)] == [staff(BOSS).label] * 2
    await end(due, went_well=True)
    found = await settlement.account_of(due.db, GUIDE)
    assert found is not None
    assert (found.new, found.actor) == (False, staff(BOSS).label)
    # What the payee says themselves is not marked, and their word takes the mark off what another had set.
    assert (await put(due, SECOND)).new is False
    assert (await put(due, FIRST[:-1] + "9", by=staff(BOSS))).new is True
    assert (await put(due, FIRST[:-1] + "9")).new is False
    # Of a company there is no own word.
    assert (await put(due, SECOND, due.stores["A"], kind="store", by=staff(BOSS))).new is True


async def test_nobody_pays_alone_to_an_account_that_they_set_for_somebody_else(due: World, set_policy: Any) -> None:
    await set_policy("statements", two_above_minor=SHARE - 1)
    await put(due, FIRST, by=staff(OTHER_BOSS))

    async def alone(staff_id: UUID) -> int:
        return (await payout_quotes.quote(due.db, MONTH, staff_id=staff_id)).alone_minor

    assert (await alone(OTHER_BOSS), await alone(due.manager.id)) == (SHARE, 0)
    with pytest.raises(PayAlone):
        async with due.db.begin() as tx:
            await payout_quotes.check(tx, MONTH, staff_id=OTHER_BOSS)
    await put(due, FIRST)  # the guide says so themselves
    assert await alone(OTHER_BOSS) == 0


async def test_what_one_paid_so_before_counts_too(due: World) -> None:
    await put(due, FIRST, by=staff(OTHER_BOSS))
    async with due.db.begin() as tx:
        run = await settlement.begin(tx, MONTH, actor=staff(OTHER_BOSS))
    await settlement.pay_all(due.db, payouts.Run(run, MONTH))
    assert (await payout_quotes.quote(due.db, MONTH, staff_id=OTHER_BOSS)).alone_minor == SHARE


async def test_an_account_that_another_sets_after_a_run_began_waits_for_the_next(due: World) -> None:
    """Whoever began the run has not seen it."""
    async with due.db.begin() as tx:
        run = await settlement.begin(tx, MONTH, actor=due.manager)
    with clock.frozen(NOON + timedelta(minutes=1)):
        await put(due, FIRST, by=staff(BOSS))
    assert await settlement.pay_all(due.db, payouts.Run(run, MONTH)) == 0
    with clock.frozen(NOON + timedelta(minutes=2)):
        await paid_out(due)
    assert [row[1] for row in await frozen_of(due)] == [FIRST]


async def member_due(world: World, books: Books) -> UUID:
    """A member who has earned by a link, approved."""
    await people(world)
    friend: UUID = await world.new_member()
    receipt = await bought_by_link(world, books, Owner("member", friend), world.member_id)
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    await closed(world, MONTH, at=DECEMBER)
    one = await statement(world, payee_id=friend)
    for boss in (BOSS, OTHER_BOSS)[: one["approvals_needed"]]:
        await approved(world, one, by=boss)
    return friend


async def test_who_was_several_members_is_paid_to_the_account_of_who_they_are(world: World, books: Books) -> None:
    friend = await member_due(world, books)
    other: UUID = await world.new_member()
    await put(world, SECOND, other, kind="member")
    await put(world, FIRST, friend, kind="member")
    async with world.db.begin() as tx:
        merge = await merge_members(tx, survivor_id=other, other_id=friend, reason="one", actor=SYSTEM)
    await paid_out(world)
    assert [row[1] for row in await frozen_of(world, friend)] == [SECOND]
    await end(world, went_well=False, payee_id=friend)
    async with world.db.begin() as tx:
        await unmerge_members(tx, survivor_id=other, merge_id=merge, reason="two", actor=SYSTEM)  # type: ignore[arg-type]
    await paid_out(world)
    assert [row[1] for row in await frozen_of(world, friend)] == [SECOND, FIRST]


async def test_who_is_forgotten_leaves_no_account(world: World, books: Books) -> None:
    friend = await member_due(world, books)
    await put(world, FIRST, friend, kind="member", by=staff(BOSS), holder="Qi Bai Shi")
    await paid_out(world)
    await end(world, went_well=True, payee_id=friend)
    with clock.frozen(NOON + DECEMBER):
        async with world.db.begin() as tx:
            await erase(tx, member_id=friend, secret="s", channel="console", actor=SYSTEM)
    assert await frozen_of(world, friend) == [("", "", "", "", staff(BOSS).label)]
    assert await settlement.account_of(world.db, friend) is None
    traces = await world.value("SELECT traces ->> 'values' FROM erasures WHERE member_id = $1", friend)
    for word in (FIRST, "Qi Bai Shi", "****0128"):
        assert word in str(traces)
    assert not await broken(world.db)
