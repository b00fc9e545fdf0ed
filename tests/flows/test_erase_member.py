"""Forgetting a member beside others who pay, take and settle at that moment: nobody waits for ever, and nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from duoline import attribution, loyalty, orders, settlement
from duoline.attribution import Owner
from duoline.flows import erase_member
from duoline.flows.draft import Receipt
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, Actor
from duoline.members.errors import AlreadyMerged, ErasureBlocked
from duoline.members.group import lock_group
from tests.flows.conftest import NOON
from tests.flows.test_credit import (
    DECEMBER,
    approved,
    bought_by_link,
    closed,
    guide,  # noqa: F401 - a fixture
    had,
    has,
    noon,  # noqa: F401 - a fixture
    numbered,
    one_person,
    paid_out,
    shared_by,
    statement,
    told,
)
from tests.flows.test_points import given
from tests.flows.test_returns import bring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from duoline.kernel.db import Tx
    from tests.flows.conftest import Books, World

PHONE = "+8613911114444"


async def erase(world: World, member_id: UUID) -> None:
    async with world.db.begin() as tx:
        await erase_member.erase(tx, member_id=member_id, secret="s", channel="mall", actor=Actor("member", member_id))


async def beside(
    world: World, first: Callable[[Tx], Awaitable[object]], then: Callable[[Tx], Awaitable[object]], member_id: UUID
) -> None:
    """Somebody takes a lock, the erasure begins, then they take another: whoever is second waits, and both are done."""
    locked = asyncio.Event()

    async def other() -> None:
        async with world.db.begin() as tx:
            await first(tx)
            locked.set()
            await asyncio.sleep(0.3)
            await then(tx)

    async def eraser() -> None:
        await locked.wait()
        await erase(world, member_id)

    await asyncio.gather(other(), eraser())
    assert await world.value("SELECT kind FROM members WHERE member_id = $1", member_id) == "guest"


@pytest.mark.parametrize("whose", ["their own", "the other's"])
async def test_who_pays_for_an_order_of_somebody_merged_and_who_forgets_them_do_not_wait_for_each_other(
    world: World, books: Books, whose: str
) -> None:
    head, other = world.member_id, await world.new_member()
    await numbered(world, head, PHONE)
    if whose == "the other's":
        head, other = other, head
    receipt = await had(world, books, 1)
    await one_person(world, head, other)
    await beside(
        world,
        lambda tx: orders.lock_order(tx, world.member_id, receipt.id),
        lambda tx: lock_group(tx, world.member_id),
        head,
    )


async def test_who_takes_points_and_who_forgets_their_owner_do_not_wait_for_each_other(world: World) -> None:
    await numbered(world, world.member_id, PHONE)
    await given(world, 1000)
    await beside(
        world,
        lambda tx: lock_group(tx, world.member_id),
        lambda tx: loyalty.take_away(tx, member_id=world.member_id, points=10, actor=world.manager, reason="r"),
        world.member_id,
    )


async def test_who_was_merged_is_forgotten_as_who_they_are_now_only(world: World) -> None:
    other = await world.new_member()
    await numbered(world, other, PHONE)
    await one_person(world, world.member_id, other)
    with pytest.raises(AlreadyMerged):
        await erase(world, other)
    assert await world.value("SELECT count(*) FROM erasures") == 0
    await erase(world, world.member_id)
    assert await world.value("SELECT count(*) FROM erasures") == 2


async def test_who_shares_and_goes_is_paid_for_nothing_more_and_hides_nobody_who_stays(
    world: World, books: Books
) -> None:
    gone, stays = await world.new_member(), await world.new_member()
    await numbered(world, gone, PHONE)
    earlier = await shared_by(world, Owner("member", stays), world.member_id)
    with clock.frozen(NOON + timedelta(minutes=1)):
        await shared_by(world, Owner("member", gone), world.member_id)
    with clock.frozen(NOON + timedelta(minutes=2)):
        await world.stock("A", "milk", 1)
        touch = await attribution.touch_before(world.db, [world.member_id], at=clock.now())
        assert touch is not None
        assert touch.touch.owner_id == gone
        # Placed while they were here, to be paid at the shop, and handed over when they are not.
        wish = world.wish("milk", 1, at="A")
        placed = await world.placing.place(world.request(wish)._replace(touch=touch))
        receipt = msgspec.json.decode(placed.body, type=Receipt)
        await erase(world, gone)
        found = await attribution.touch_before(world.db, [world.member_id], at=clock.now())
        assert found is not None
        assert found.touch.owner_id == stays == earlier.touch.owner_id
        await world.pay(books, receipt)
        await world.ready(receipt)
        await world.hand(receipt)
        await told(world)
    row = await world.db.fetchrow("SELECT earned_minor, flag FROM accruals WHERE payee_id = $1", gone)
    assert row is not None
    assert tuple(row) == (0, "gone")
    assert await world.value("SELECT count(*) FROM referrals WHERE payee_id = $1", gone) == 0
    assert await has(world, gone) == (0, 0, 0, 0)


async def test_who_goes_waits_until_what_was_bought_by_their_link_is_told(world: World, books: Books) -> None:
    sharer = await world.new_member()
    await numbered(world, sharer, PHONE)
    await bought_by_link(world, books, Owner("member", sharer), world.member_id)
    for _ in range(2):  # not told yet; then told, and not paid out
        with pytest.raises(ErasureBlocked) as refused:
            await erase(world, sharer)
        assert [each["field"] for each in refused.value.fields["problems"]] == ["earnings"]
        await told(world)
    assert (await has(world, sharer))[0] > 0


async def test_what_somebody_owes_is_written_off_by_name_or_keeps_them(world: World, books: Books) -> None:
    sharer = await world.new_member()
    await numbered(world, sharer, PHONE)
    receipt = await bought_by_link(world, books, Owner("member", sharer), world.member_id)
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world, payee_id=sharer))
    await paid_out(world)
    payout = await world.value("SELECT id FROM payouts WHERE payee_id = $1", sharer)
    async with world.db.begin() as tx:
        await settlement.resolve(tx, sharer, payout, went_well=True, actor=SYSTEM)
    await bring(world, receipt.id, milk=1)
    await told(world)
    owed = -(await has(world, sharer))[1]
    assert owed > 0
    with pytest.raises(ErasureBlocked) as refused:
        await erase(world, sharer)
    assert [each["field"] for each in refused.value.fields["problems"]] == ["debt"]
    async with world.db.begin() as tx:
        await erase_member.erase(
            tx, member_id=sharer, secret="s", channel="console", actor=world.manager, reason="by letter", write_off=True
        )
    assert (await has(world, sharer))[1] == 0
    booked = await world.value("SELECT sum(amount_minor) FROM journal_entries WHERE debit = 'commission:written-off'")
    assert booked == owed
    trail = await world.db.fetchrow("SELECT reason, before FROM audit_log WHERE action = 'settlement.write-off'")
    assert trail is not None
    assert tuple(trail) == ("by letter", {"due_minor": -owed})
