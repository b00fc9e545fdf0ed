"""How much somebody may order who has not logged in: counted exactly, also when everything comes at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from duoline import orders
from duoline.flows.draft import Receipt
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.orders import GuestLimit, guest_limits
from tests.flows.conftest import NOON

SECRET = "a secret of this test"


async def guest(world):
    return await world.new_member()


async def place(world, who, *wishes, limits, pay_mode="at_store", key=None):
    request = world.request(*wishes, pay_mode=pay_mode, member_id=who, key=key)._replace(limits=limits)
    placed = await world.placing.place(request)
    return msgspec.json.decode(placed.body, type=Receipt)


async def attempts(*tries):
    found = await asyncio.gather(*tries, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, Refusal):
            raise each
    return Counter(each.code if isinstance(each, Refusal) else "placed" for each in found), found


async def test_orders_sent_at_once_are_counted_one_by_one(world):
    """From two shops at once, so that they do not share a statement, and by several guests at one address."""
    address = new_id()
    await world.stock("A", "milk", 100)
    await world.stock("B", "milk", 100)
    people = [await guest(world) for _ in range(10)]
    counts, found = await attempts(
        *(
            place(
                world, who, world.wish("milk", at=shop),
                limits=(GuestLimit(who, 100, 100), GuestLimit(address, 7, 1000)),
            )
            for who in people for shop in ("A", "B", "A", "B")
        )
    )  # fmt: skip
    assert counts == {"placed": 7, "orders.too-many-orders": 33}
    refused = next(each for each in found if isinstance(each, Refusal))
    assert refused.fields["maximum"] == 7
    assert timedelta(minutes=59) < refused.fields["retry_at"] - clock.now() <= timedelta(hours=1)
    assert await world.value("SELECT count(*) FROM orders") == 7
    assert (await world.level("A", "milk"))[1] + (await world.level("B", "milk"))[1] == 7
    assert await world.value("SELECT count(*) FROM idempotency") == 7, "what was refused may be tried again"


async def test_an_order_waits_while_another_of_the_same_address_is_counted(world):
    """The key is locked, not only made: otherwise two orders that come later would not see each other."""
    address, who = new_id(), await guest(world)
    await world.stock("A", "milk", 5)
    limits = (GuestLimit(address, 100, 100),)
    await place(world, who, world.wish("milk", at="A"), limits=limits)
    async with world.db.acquire() as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM guest_keys WHERE key_id = $1 FOR UPDATE", address)
        second = asyncio.create_task(place(world, who, world.wish("milk", at="A"), limits=limits))
        async with asyncio.timeout(30):
            while not await world.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not second.done()
                await asyncio.sleep(0.01)
        await transaction.rollback()
    await second


async def test_units_sent_at_once_never_exceed_what_may_be_open(world):
    address = new_id()
    await world.stock("A", "milk", 200)
    await world.stock("B", "milk", 200)
    people = [await guest(world) for _ in range(8)]
    counts, _ = await attempts(
        *(
            place(world, who, world.wish("milk", 3, at=shop), limits=(GuestLimit(address, 1000, 20),))
            for who in people for shop in ("A", "B", "A")
        )
    )  # fmt: skip
    assert counts == {"placed": 6, "orders.too-many-unpaid": 18}
    held = (await world.level("A", "milk"))[1] + (await world.level("B", "milk"))[1]
    assert held == 18


async def test_each_guest_and_each_address_has_limits_of_its_own(world):
    await world.stock("A", "milk", 100)
    one, other = await guest(world), await guest(world)
    here, there = new_id(), new_id()

    async def buy(who, address, units=1):
        limits = (GuestLimit(who, 2, 5), GuestLimit(address, 3, 9))
        return await place(world, who, world.wish("milk", units, at="A"), limits=limits)

    with clock.frozen(NOON):
        await buy(one, here)
        await buy(one, here)
        with pytest.raises(orders.TooManyOrders):
            await buy(one, there)  # the guest's
        await buy(other, here)
        with pytest.raises(orders.TooManyOrders):
            await buy(other, here)  # the address's
        with pytest.raises(orders.TooManyUnpaid) as refused:
            await buy(other, there, 5)
        assert refused.value.fields["maximum"] == 5
        assert "5" in refused.value.sentence("zh")
    with clock.frozen(NOON + timedelta(minutes=61)):
        await buy(one, here, 3)
        with pytest.raises(orders.TooManyUnpaid):
            await buy(one, here)


async def test_what_is_paid_handed_over_or_cancelled_is_open_no_longer(world, books):
    await world.stock("A", "milk", 100)
    who = await guest(world)
    limits = (GuestLimit(who, 1000, 4),)
    at_counter = await place(world, who, world.wish("milk", 2, at="A"), limits=limits)
    online = await place(world, who, world.wish("milk", 2, at="A"), limits=limits, pay_mode="online")
    with pytest.raises(orders.TooManyUnpaid):
        await place(world, who, world.wish("milk", at="A"), limits=limits)
    await world.pay(books, online)
    more = await place(world, who, world.wish("milk", 2, at="A"), limits=limits)
    await world.ready(at_counter)
    await world.hand(at_counter, cash=2 * 19900)
    last = await place(world, who, world.wish("milk", 2, at="A"), limits=limits)
    with pytest.raises(orders.TooManyUnpaid):
        await place(world, who, world.wish("milk", at="A"), limits=limits)
    world.member_id = who
    await world.cancel(more)
    await world.cancel(last)
    await place(world, who, world.wish("milk", 4, at="A"), limits=limits)
    # An article that costs nothing is owed nothing.
    await world.stock("A", "sock", 5)
    await place(world, who, world.wish("sock", 5, at="A"), limits=limits)


async def test_a_repeat_counts_once_and_goods_that_are_gone_count_never(world):
    await world.stock("A", "milk", 3)
    who = await guest(world)
    limits = (GuestLimit(who, 2, 100),)
    first = [await place(world, who, world.wish("milk", at="A"), limits=limits, key="same") for _ in range(5)]
    assert len({receipt.id for receipt in first}) == 1
    for _ in range(3):
        with pytest.raises(Refusal, match="insufficient-stock"):
            await place(world, who, world.wish("milk", 9, at="A"), limits=limits)
    await place(world, who, world.wish("milk", at="A"), limits=limits)
    with pytest.raises(orders.TooManyOrders):
        await place(world, who, world.wish("milk", at="A"), limits=limits)
    again = await place(world, who, world.wish("milk", at="A"), limits=limits, key="same")
    assert again.id == first[0].id


async def test_what_no_limit_looks_at_is_forgotten(world):
    await world.stock("A", "milk", 10)
    done, open_one = await guest(world), await guest(world)
    with clock.frozen(NOON):
        receipt = await place(world, done, world.wish("milk", at="A"), limits=(GuestLimit(done, 5, 5),))
        await place(world, open_one, world.wish("milk", at="A"), limits=(GuestLimit(open_one, 5, 5),))
        world.member_id = done
        await world.cancel(receipt)
        await guest_limits.forget(world.db)
        assert await world.value("SELECT count(*) FROM guest_orders") == 2
    with clock.frozen(NOON + timedelta(days=1, minutes=1)):
        await guest_limits.forget(world.db)
    assert await world.value("SELECT key_id FROM guest_orders") == open_one
    assert await world.value("SELECT key_id FROM guest_keys") == open_one


def test_an_address_is_kept_as_a_digest_that_needs_the_secret():
    who = new_id()
    first, again, other, elsewhere = (
        orders.limits_of_guest(who, address, secret=secret)[1].key_id
        for address, secret in (("1.2.3.4", SECRET), ("1.2.3.4", SECRET), ("1.2.3.4", "x"), ("1.2.3.5", SECRET))
    )
    assert first == again
    assert len({first, other, elsewhere}) == 3
