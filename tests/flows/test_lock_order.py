"""Whoever locks several levels locks them in order of (location, SKU). Not by luck: every level is held once by
somebody else, and what the verb has locked by then is looked at.

A verb that has met the held level must hold every wanted level before it in the order and none behind it. So two
verbs never wait for each other in a ring, whatever plan the database chooses.
"""

from __future__ import annotations

import asyncio

import pytest

from duoline import inventory, orders
from duoline.flows import keep, sell
from tests.flows import test_returns
from tests.flows.test_favourites import unit

SKUS = ("milk", "bottle", "sock")
PLACES = ("A", "B")

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"


def levels(world):
    return sorted((world.stores[place], world.skus[sku]) for place in PLACES for sku in SKUS)


async def stocked(world):
    for place in PLACES:
        for sku in SKUS:
            await world.stock(place, sku, 10)


async def seen_while_held(world, held, verb):
    """Which of the levels somebody else could lock while `verb` waits for the held one. The verb ends well."""
    async with world.db.acquire() as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM levels WHERE location_id = $1 AND sku_id = $2 FOR UPDATE", *held)
        running = asyncio.create_task(verb())
        async with asyncio.timeout(30):
            while not await world.value(_WAITING):
                assert not running.done(), running
                await asyncio.sleep(0.01)
        rows = await world.db.fetch("SELECT location_id, sku_id FROM levels FOR UPDATE SKIP LOCKED")
        await transaction.rollback()
    await running
    return {(row["location_id"], row["sku_id"]) for row in rows}


async def place(world):
    # Named in another order than they must be locked in.
    wishes = [world.wish(sku, at=at) for sku in reversed(SKUS) for at in reversed(PLACES)]
    return await world.place(*wishes, pay_mode="at_store", member_id=await world.new_member())


async def placed(world):
    async def verb():
        await place(world)

    return verb


async def cancelled(world):
    receipt = await world.place(
        *[world.wish(sku, at=at) for sku in reversed(SKUS) for at in reversed(PLACES)], pay_mode="at_store"
    )

    async def verb():
        await world.cancel(receipt)

    return verb


async def sold(world):
    # Both shops in one sale never happen; the verb below locks what it is given.
    needs = [inventory.Need(location, sku, 1) for location, sku in reversed(levels(world))]

    async def verb():
        async with world.db.begin() as tx:
            await inventory.sell(tx, needs, ref_kind="order", ref_id=world.member_id, actor=world.clerk)

    return verb


async def placed_with_kept(world):
    """Two of the levels have a unit that is kept for the buyer."""
    member = await world.new_member()
    for sku, at in (("sock", "B"), ("milk", "A")):
        await unit(world, sku, at, member=member)
    wishes = [world.wish(sku, at=at) for sku in reversed(SKUS) for at in reversed(PLACES)]

    async def verb():
        await world.place(*wishes, pay_mode="at_store", member_id=member)

    return verb


async def given_up(world):
    member = await world.new_member()
    units = [await unit(world, sku, at, member=member) for sku in reversed(SKUS) for at in reversed(PLACES)][:3]

    async def verb():
        async with world.db.begin() as tx:
            await keep.give_up(tx, units=units, actor=world.member)

    return verb, {(one.location_id, one.sku_id) for one in units}


async def test_what_is_given_up_is_locked_in_order(world, set_policy):
    await set_policy(member_open=100, member_day=100, share_percent=100)
    await stocked(world)
    for held in levels(world):
        verb, mine = await given_up(world)
        if held in mine:
            free = await seen_while_held(world, held, verb)
            assert free & mine == {level for level in mine if level > held}


@pytest.mark.parametrize("prepare", [placed, cancelled, sold, placed_with_kept], ids=lambda prepare: prepare.__name__)
async def test_levels_are_locked_in_order(world, prepare):
    await stocked(world)
    every = levels(world)
    for n, held in enumerate(every):
        free = await seen_while_held(world, held, await prepare(world))
        assert free == set(every[n + 1 :]), f"with level {n} of {len(every)} held by somebody else"


@pytest.mark.parametrize("kept", [None, *SKUS])
async def test_the_till_locks_in_order_too(world, kept):
    await stocked(world)
    shop = world.look.chain.store(world.stores["A"])
    mine = [level for level in levels(world) if level[0] == shop.id]

    async def verb():
        priced = await sell.price_wishes(world.look, shop, [(world.skus[s], 1) for s in reversed(SKUS)], member_id=None)
        async with world.db.begin() as tx:
            await sell.sell(
                tx, shop, priced, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=10**7,
                actor=world.clerk,
            )  # fmt: skip

    for n, held in enumerate(mine):
        buyer = await world.new_member()
        if kept:
            await unit(world, kept, member=buyer)
        free = await seen_while_held(world, held, verb)
        assert {level for level in free if level[0] == shop.id} == set(mine[n + 1 :])


async def test_what_is_brought_back_is_locked_in_order(world):
    await stocked(world)
    mine = [level for level in levels(world) if level[0] == world.stores["A"]]
    for n, held in enumerate(mine):
        order_id = await test_returns.sold(world, at="A", **dict.fromkeys(SKUS, 1))

        async def verb(order_id=order_id):
            await test_returns.bring(world, order_id, reason="faulty", condition="damaged", sock=1, bottle=1, milk=1)

        free = await seen_while_held(world, held, verb)
        assert {level for level in free if level in mine} == set(mine[n + 1 :])
