"""Forgetting a member beside others who pay, take and settle at that moment: nobody waits for ever, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from duoline import loyalty, orders
from duoline.flows import erase_member
from duoline.kernel.auth import Actor
from duoline.members.errors import AlreadyMerged
from duoline.members.group import lock_group
from tests.flows.test_credit import guide, had, noon, numbered, one_person  # noqa: F401 - fixtures
from tests.flows.test_points import given

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
