"""Points at a till: by who shows the card, within the caps, once, and back in the share in which they were spent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from duoline import loyalty, orders
from duoline.flows import cancel, expire, sell, till_orders
from duoline.flows.till_orders import Part, TenderTwice, TillOrder
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.ledger import accounts
from duoline.members.cards import CardNeeded
from tests.flows.conftest import NOON
from tests.flows.test_points import given
from tests.flows.test_returns import balance, bring
from tests.flows.test_till_orders import PRICE, charge, code_part, complete, let_go, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.flows.conftest import Books, World


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def ring(world: World, *parts: Part, units: int = 1, present: UUID | None = None) -> TillOrder:
    shop = world.look.chain.store(world.stores["A"])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], units)], member_id=world.member_id)
    async with world.db.begin() as tx:
        order_id = await till_orders.open_order(
            tx,
            shop,
            priced,
            member_id=world.member_id,
            contact=orders.Contact("", ""),
            parts=parts,
            actor=world.clerk,
            present=world.member_id if present is None else present,
        )
    return TillOrder(world.member_id, order_id, shop.id)


async def have(world: World) -> int:
    return (await loyalty.balance_of(world.db, world.member_id)).spendable


async def test_a_part_in_points_and_the_rest_in_cash(world: World, books: Books) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 5_000)
    sale = await ring(world, Part("points", 4_000), Part("cash", PRICE - 4_000))
    assert (await have(world), await state_of(world, sale)) == (1_000, ("awaiting_payment", 4_000, 0))
    assert await complete(world, sale, 20_000) == 20_000 - (PRICE - 4_000)
    assert await state_of(world, sale) == ("completed", PRICE, 0)
    assert await balance(world, accounts.BY_POINTS) == 4_000
    assert await balance(world, accounts.cash(sale.store_id)) == PRICE - 4_000


async def test_points_that_pay_all_of_it_let_the_goods_go_at_once(world, books, set_policy) -> None:
    await set_policy("points", cap_percent=100)
    await world.stock("A", "milk", 3)
    await given(world, PRICE)
    sale = await ring(world, Part("points", PRICE))
    assert (await have(world), await state_of(world, sale)) == (0, ("completed", PRICE, 0))
    assert await world.level("A", "milk") == (2, 0)
    assert await world.value("SELECT count(*) FROM drawer_entries") == 0


async def test_a_return_gives_the_same_share_back_to_the_last_point(world: World, books: Books) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 7_001)
    sale = await ring(world, Part("points", 7_001), Part("cash", 3 * PRICE - 7_001), units=3)
    await complete(world, sale, 3 * PRICE)
    for gone, points in ((PRICE, 2_334), (2 * PRICE, 4_668), (3 * PRICE, 7_001)):
        ways = await bring(world, sale.order_id, milk=1)
        assert sum(way.amount_minor for way in ways) == PRICE
        assert await have(world) == points
        assert await state_of(world, sale) == ("completed", 3 * PRICE, gone)
    assert await balance(world, accounts.BY_POINTS) == 0
    assert await balance(world, accounts.cash(sale.store_id)) == 0


@pytest.mark.parametrize("points_first", [True, False])
async def test_a_return_does_not_leave_the_rest_paid_in_points_alone(
    world: World, books: Books, points_first: bool
) -> None:
    await world.stock("A", "milk", 2)
    await given(world, PRICE)
    parts = [Part("points", PRICE), Part("cash", PRICE)]
    sale = await ring(world, *(parts if points_first else parts[::-1]), units=2)
    await complete(world, sale, PRICE)
    assert sorted(await bring(world, sale.order_id, milk=1)) == [("cash", PRICE // 2), ("points", PRICE // 2)]
    assert await have(world) == PRICE // 2
    left = await world.db.fetch("SELECT tender, amount_minor - refunded_minor FROM captures ORDER BY tender")
    assert [tuple(row) for row in left] == [("cash", PRICE // 2), ("points", PRICE // 2)]


async def test_points_worth_more_than_a_cent_pay_what_they_are_worth_at_most(world, books, set_policy) -> None:
    await set_policy("points", worth_minor=300, least=1)  # a point pays three cents
    await world.stock("A", "milk", 2)
    await given(world, 100)
    sale = await ring(world, Part("points", 100), Part("cash", PRICE - 100))
    assert await have(world) == 100 - 34
    await complete(world, sale, PRICE)
    await bring(world, sale.order_id, milk=1)
    assert await have(world) == 100


async def test_it_needs_the_card_of_the_sale_s_own_member(world: World, books: Books) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 5_000)
    other = await world.new_member()
    with pytest.raises(CardNeeded):
        await ring(world, Part("points", 4_000), Part("cash", PRICE - 4_000), present=other)
    assert (await have(world), await world.value("SELECT count(*) FROM orders")) == (5_000, 0)


@pytest.mark.parametrize("points", [PRICE // 2 + 1, 99, 5_001])
async def test_caps_are_those_of_the_mall(world: World, books: Books, points: int) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 5_000 if points == 5_001 else 50_000)
    with pytest.raises(loyalty.PointsNotTaken):
        await ring(world, Part("points", points), Part("cash", PRICE - points))
    assert await world.level("A", "milk") == (3, 0)


async def test_points_are_one_part_and_pay_once(world: World, books: Books) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 5_000)
    with pytest.raises(TenderTwice):
        await ring(world, Part("points", 1_000), Part("points", 1_000), Part("cash", PRICE - 2_000))
    sale = await ring(world, Part("points", 1_000), Part("code", PRICE - 1_000))
    began = clock.now()
    with pytest.raises(loyalty.PointsNotTaken):
        async with world.db.begin() as tx:
            await till_orders.change_parts(
                tx,
                sale,
                [Part("points", 1_000), Part("cash", PRICE - 2_000)],
                closed=began,
                actor=world.clerk,
                present=world.member_id,
            )


async def test_what_is_open_may_be_paid_in_points_later_and_completes(world, books, set_policy) -> None:
    await set_policy("points", cap_percent=100)
    await world.stock("A", "milk", 3)
    await given(world, PRICE)
    sale = await ring(world, Part("code", 9_900), Part("cash", PRICE - 9_900))
    await charge(world, sale, await code_part(world, sale))
    began = clock.now()
    await till_orders.close_open(world.db, sale)
    async with world.db.begin() as tx:
        await till_orders.change_parts(
            tx, sale, [Part("points", PRICE - 9_900)], closed=began, actor=world.clerk, present=world.member_id
        )
    assert (await have(world), await state_of(world, sale)) == (9_900, ("completed", PRICE, 0))


@pytest.mark.parametrize("how", ["let go", "cancelled", "expired"])
async def test_a_sale_that_comes_to_nothing_gives_its_points_back(world: World, books: Books, how: str) -> None:
    await world.stock("A", "milk", 3)
    await given(world, 5_000)
    sale = await ring(world, Part("points", 4_000), Part("cash", PRICE - 4_000))
    if how == "let go":
        assert await let_go(world, sale) == 4_000
    elif how == "cancelled":
        async with world.db.begin() as tx:
            await cancel.cancel(
                tx, member_id=sale.member_id, order_id=sale.order_id, quantities=None, reason="x", actor=world.manager
            )
    else:
        with clock.frozen(NOON + timedelta(hours=1)):
            await expire.expire_unpaid(world.db)
    assert await have(world) == 5_000
    assert (await state_of(world, sale))[1:] == (4_000, 4_000)
    assert await world.level("A", "milk") == (3, 0)


async def test_twenty_tills_at_once_spend_what_there_is(world: World, books: Books) -> None:
    """T21: 20 × 60.00 at once on 100.00."""
    await world.stock("A", "milk", 20)
    await given(world, 10_000)

    async def one() -> TillOrder | None:
        try:
            return await ring(world, Part("points", 6_000), Part("cash", PRICE - 6_000))
        except Refusal:
            return None

    done = [sale for sale in await asyncio.gather(*[one() for _ in range(20)]) if sale]
    assert (len(done), await have(world)) == (1, 4_000)
    assert await world.level("A", "milk") == (20, 1)
