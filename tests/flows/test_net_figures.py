"""What came back was no sale: figures of promotions, of walk-in customers and of demand are net, to the unit and the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from duoline.channels.console import promotion_takings
from duoline.flows import complete, price_shelves, sell, till_orders
from duoline.flows.learn_walk_ins import learn_walk_ins
from duoline.kernel import clock
from duoline.orders import Contact
from duoline.pricing.promotions.types import AmountOff, Step, Threshold
from tests.flows.conftest import NOON
from tests.flows.test_coupons_back import jobs
from tests.flows.test_offers import milk, offer
from tests.flows.test_returns import bring, collected, sold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import World

__all__ = ["offer"]


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def takings(world: World, promotion) -> tuple[int, int, list[tuple[int, int]]]:
    found = await promotion_takings.show_takings.fn(world.db, promotion.id)
    return found.amount.minor, found.orders, [(day.amount.minor, day.orders) for day in found.days]


async def test_what_a_promotion_took_is_what_it_took_off_what_buyers_kept(world, books, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world))
    await world.stock("A", "milk", 6)
    kept = await collected(world, books, world.wish("milk", 3, at="A"))
    parted = await world.paid(books, world.wish("milk", 3, at="A"))
    assert await takings(world, promotion) == (2000, 2, [(2000, 2)])
    await world.cancel(parted, {parted.lines[0].id: 1})
    assert await takings(world, promotion) == (1667, 2, [(1667, 2)])
    await bring(world, kept, milk=2)
    assert await takings(world, promotion) == (667 + 334, 2, [(1001, 2)])
    await bring(world, kept, milk=1)
    assert await takings(world, promotion) == (667, 1, [(667, 1)])
    await world.cancel(parted)
    assert await takings(world, promotion) == (0, 0, [])
    await world.refunds()


async def test_a_limited_one_says_the_same_of_its_budget(world, offer):
    promotion = await offer(Threshold(steps=(Step(from_units=2, off_minor=999),)), budget_minor=5000, orders_max=5)
    first = await sold(world, milk=2, bottle=1)
    # 999 over 398.00 and 49.90, the odd cent to the larger rest: 888 and 111.
    assert await takings(world, promotion) == (999, 1, [(999, 1)])
    await bring(world, first, milk=1)
    await jobs(world)
    assert await takings(world, promotion) == (444 + 111, 1, [(555, 1)])
    await bring(world, first, milk=1, bottle=1)
    await jobs(world)
    assert await takings(world, promotion) == (0, 0, [])


async def rates(world: World) -> dict[str, int]:
    await learn_walk_ins(world.db)
    rows = await world.db.fetch(
        "SELECT s.code, l.walk_in_rate FROM levels l JOIN skus s ON s.id = l.sku_id WHERE l.location_id = $1",
        world.stores["A"],
    )
    return {row["code"]: row["walk_in_rate"] for row in rows}


async def test_walk_in_customers_want_what_they_do_not_bring_back(world, books):
    first = await sold(world, milk=5, bottle=2)
    second = await sold(world, milk=9)
    assert await rates(world) == {"milk": 14 * 1000 // 28, "bottle": 2 * 1000 // 28}
    await bring(world, first, milk=2, bottle=2)
    await bring(world, second, milk=5, reason="faulty", condition="damaged")
    assert await rates(world) == {"milk": 7 * 1000 // 28, "bottle": 0}
    # To another shop: it was that shop's sale, whichever has the unit now.
    await bring(world, second, at="B", milk=1)
    assert (await rates(world))["milk"] == 6 * 1000 // 28
    # What was collected was no walk-in, and so is what comes back of it.
    await world.stock("A", "milk", 1)
    await bring(world, await collected(world, books, world.wish("milk", at="A")), milk=1)
    assert (await rates(world))["milk"] == 6 * 1000 // 28
    with clock.frozen(NOON + timedelta(days=29)):
        assert await rates(world) == {"milk": 0, "bottle": 0}


async def test_whoever_pays_by_code_is_a_walk_in_like_who_pays_in_cash(world):
    await world.stock("A", "milk", 3)
    shop = world.look.chain.store(world.stores["A"])
    counter = await sell.price_wishes(world.look, shop, [(world.skus["milk"], 3)], member_id=None)
    async with world.db.begin() as tx:
        order_id = await till_orders.open_order(
            tx, shop, counter, member_id=world.member_id, contact=Contact("", ""),
            parts=[till_orders.Part("cash", counter.total_minor)], actor=world.clerk,
        )  # fmt: skip
    sale = till_orders.TillOrder(world.member_id, order_id, shop.id)
    assert (await rates(world))["milk"] == 0
    async with world.db.begin() as tx:
        await till_orders.complete(tx, sale, cash=complete.Cash(counter.total_minor, None), actor=world.clerk)
    assert (await rates(world))["milk"] == 3 * 1000 // 28
    await bring(world, order_id, milk=1)
    assert (await rates(world))["milk"] == 2 * 1000 // 28


async def test_shelves_are_priced_by_what_was_sent_and_stayed(world, books):
    await world.stock("DC", "milk", 4)
    await world.stock("DC", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", 4), world.wish("bottle"))
    lines = {line.sku_code: line.id for line in receipt.lines}
    rows = {row["sku_id"]: row for row in await world.db.fetch(price_shelves._MORE, NOON - timedelta(days=1))}
    assert {key: (row["more"], row["units"]) for key, row in rows.items()} == {
        world.skus["milk"]: (3, 4), world.skus["bottle"]: (0, 1),
    }  # fmt: skip
    await world.cancel(receipt, {lines["milk"]: 1, lines["bottle"]: 1})
    [row] = await world.db.fetch(price_shelves._MORE, NOON - timedelta(days=1))
    assert (row["sku_id"], row["more"], row["units"], row["amount_minor"]) == (world.skus["milk"], 2, 3, 3 * 19900)
    [basket] = await world.db.fetch(price_shelves._BASKETS, NOON - timedelta(days=1))
    assert basket["skus"] == [world.skus["milk"]]
    await world.refunds()
