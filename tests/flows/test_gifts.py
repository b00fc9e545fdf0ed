"""Gifts that add themselves: what is due, what can be had of it, never charged, and gone with what it was given for."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest

from duoline import orders, pricing
from duoline.flows import basket, complete, sell, till_orders
from duoline.flows.cancel import quote_cancel
from duoline.flows.draft import Receipt
from duoline.flows.gifts import GiftWord
from duoline.kernel import clock
from duoline.pricing.promotions.types import BuyGet, Choice, PercentOff, Step, Threshold, When
from tests.flows.conftest import ADDRESS, NOON
from tests.flows.test_coupons_back import jobs
from tests.flows.test_offers import milk, offer
from tests.flows.test_returns import bring, collected, lines_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import World

__all__ = ["offer"]
MILK, BOTTLE = 19900, 4990


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def bottles(world: World, *skus: str, buy: int = 2, get: int = 1, times: int = 0) -> BuyGet:
    named = frozenset(world.skus[sku] for sku in skus or ("bottle",))
    return BuyGet(buy_units=buy, get=Choice(skus=named), get_units=get, times=times, gift=True)


async def seen(world: World, *wishes: orders.Wanted, said=(), channel="mall", **options) -> basket.Basket:
    return await basket.look_at(
        world.look, wishes, channel=channel, member_id=world.member_id, address=ADDRESS, gifts=said, **options
    )


def given(found: basket.Basket) -> list[tuple[int, int, bool]]:
    """Due, in the basket, declined."""
    return [(one.due, one.quantity, one.declined) for one in found.gifts]


async def order(world: World, *wishes: orders.Wanted, said=None, **options) -> Receipt:
    request = world.request(*wishes, **options)._replace(gifts=said)
    placed = await world.placing.place(request)

    return msgspec.json.decode(placed.body, type=Receipt)


# --- what is due and what can be had ----------------------------------------------------------------------------------


async def test_it_is_put_in_by_itself_costs_nothing_and_is_held(world, books, offer):
    promotion = await offer(bottles(world), of=milk(world), name="买二送一")
    await world.stock("A", "milk", 5)
    await world.stock("A", "bottle", 2)
    found = await seen(world, world.wish("milk", 5, at="A"))
    assert given(found) == [(2, 2, False)]
    assert (found.totals.subtotal_minor, found.totals.discount_minor) == (5 * MILK + 2 * BOTTLE, 2 * BOTTLE)
    receipt = await order(world, world.wish("milk", 5, at="A"), expected_minor=5 * MILK)
    view = await world.order(receipt)
    assert [(line.sku_code, line.quantity, line.net.minor, line.gift) for line in view.lines] == [
        ("milk", 5, 5 * MILK, False), ("bottle", 2, 0, True),
    ]  # fmt: skip
    assert [(one.name.zh, one.amount.minor) for one in view.lines[1].offers] == [("买二送一", 2 * BOTTLE)]
    assert await world.level("A", "bottle") == (2, 2)
    row = await world.db.fetchrow("SELECT promotion_id, bought, buy_units, get_units FROM order_gifts")
    assert tuple(row) == (promotion.id, [view.lines[0].id], 2, 1)


@pytest.mark.parametrize(("units", "times", "due"), [(1, 0, 0), (2, 0, 1), (3, 0, 1), (4, 0, 2), (9, 3, 3)])
async def test_units_alone_decide_how_many_are_due(world, offer, units, times, due):
    await offer(bottles(world, times=times), of=milk(world))
    await world.stock("A", "milk", 9)
    await world.stock("A", "bottle", 9)
    found = await seen(world, world.wish("milk", units, at="A"))
    assert given(found) == ([(due, due, False)] if due else [])


async def test_nothing_depends_on_the_order_or_on_how_the_basket_came_about(world, offer):
    await offer(bottles(world, "bottle", "sock"), name="一")
    await offer(bottles(world, "sock", buy=3), name="二", priority=50)
    for place in ("A", "B"):
        await world.stock(place, "milk", 9)
        await world.stock(place, "bottle", 3)
        await world.stock(place, "sock", 1)
    lines = [
        world.wish("milk", 2, at="B"),
        world.wish("milk", 2, at="A"),
        world.wish("bottle", at="A"),
        world.wish("milk", at="B"),
    ]
    results = set()
    for some in itertools.permutations(lines):
        found = await seen(world, *some)
        gifts = [(one.promotion.name.zh, one.due, one.quantity, one.sku_id, one.store.code) for one in found.gifts]
        results.add((*gifts, found.totals.total_minor))
    assert results == {
        (("二", 2, 1, world.skus["sock"], "A"), ("一", 3, 2, world.skus["bottle"], "A"), 5 * MILK + BOTTLE)
    }


async def test_a_gift_counts_for_no_promotion_and_none_counts_for_it(world, offer):
    await offer(bottles(world), of=milk(world))
    await offer(PercentOff(off_bp=1000))
    await offer(Threshold(steps=(Step(from_units=3, off_minor=5000),)), priority=200)
    await world.stock("A", "milk", 2)
    await world.stock("A", "bottle", 1)
    found = await seen(world, world.wish("milk", 2, at="A"))
    assert found.totals.total_minor == 2 * MILK * 9 // 10
    assert [line.net_minor for line in found.lines] == [2 * MILK * 9 // 10, 0]


async def test_the_buyer_chooses_declines_or_gets_the_first_there_is_enough_of(world, offer):
    promotion = await offer(bottles(world, "bottle", "sock"), of=milk(world))
    await world.stock("A", "milk", 4)
    await world.stock("A", "sock", 2)
    await world.stock("A", "bottle", 1)
    wish = world.wish("milk", 4, at="A")
    assert [one.sku_id for one in (await seen(world, wish)).gifts] == [world.skus["sock"]]
    said = [GiftWord(promotion.id, world.skus["bottle"])]
    found = await seen(world, wish, said=said)
    assert [(one.sku_id, one.due, one.quantity) for one in found.gifts] == [(world.skus["bottle"], 2, 1)]
    assert [(one.facts.sku_code, one.available) for one in found.gifts[0].options] == [("bottle", 1), ("sock", 2)]
    found = await seen(world, wish, said=[GiftWord(promotion.id, None)])
    assert (given(found), len(found.lines)) == ([(2, 0, True)], 1)
    receipt = await order(world, wish, said=[GiftWord(promotion.id, None)])
    assert len(receipt.lines) == 1


async def test_what_is_bought_comes_first_and_what_is_short_is_told_before_paying(world, offer):
    promotion = await offer(bottles(world), of=milk(world))
    await world.stock("A", "milk", 6)
    await world.stock("A", "bottle", 2)
    wishes = world.wish("milk", 4, at="A"), world.wish("bottle", at="A")
    assert given(await seen(world, *wishes)) == [(2, 1, False)]
    for said in (None, [], [GiftWord(promotion.id, world.skus["bottle"], 2)]):
        with pytest.raises(pricing.GiftsChanged):
            await order(world, *wishes, said=said)
    assert await world.value("SELECT count(*) FROM orders") == 0
    receipt = await order(world, *wishes, said=[GiftWord(promotion.id, world.skus["bottle"], 1)])
    assert receipt.total.minor == 4 * MILK + BOTTLE
    # A gift that is over when the buyer has seen it.
    with pytest.raises(pricing.GiftsChanged):
        await order(world, world.wish("milk", at="A"), said=[GiftWord(promotion.id, world.skus["bottle"], 1)])


async def test_two_offers_that_give_the_last_one_give_it_once(world, offer):
    first = await offer(bottles(world), of=milk(world), priority=50)
    await offer(bottles(world, buy=1), of=milk(world))
    await world.stock("A", "milk", 2)
    await world.stock("A", "bottle", 2)
    found = await seen(world, world.wish("milk", 2, at="A"))
    assert [(one.promotion.id == first.id, one.due, one.quantity) for one in found.gifts] == [
        (True, 1, 1),
        (False, 2, 1),
    ]
    assert found.totals.total_minor == 2 * MILK


async def test_it_comes_with_a_delivery_from_where_that_comes(world, books, offer):
    await offer(bottles(world), of=milk(world), when=When(methods=frozenset({"delivery"})))
    await world.stock("DC", "milk", 2)
    await world.stock("DC", "bottle", 1)
    receipt = await order(world, world.wish("milk", 2))
    await world.pay(books, receipt)
    assert len(receipt.fulfilments) == 1
    assert await world.level("DC", "bottle") == (1, 1)
    await world.cancel(receipt)
    await world.refunds()
    assert await world.level("DC", "bottle") == (1, 0)


async def test_a_budget_that_has_no_more_gives_no_more_and_gets_back_what_came_back(world, books, offer):
    promotion = await offer(bottles(world), of=milk(world), budget_minor=BOTTLE)
    await world.stock("A", "milk", 8)
    await world.stock("A", "bottle", 8)
    receipt = await order(world, world.wish("milk", 2, at="A"))
    await world.pay(books, receipt)
    assert await world.value("SELECT used_minor FROM promotion_counters") == BOTTLE
    assert given(await seen(world, world.wish("milk", 2, at="A"))) == []
    await world.cancel(receipt)
    await world.refunds()
    await jobs(world)
    assert given(await seen(world, world.wish("milk", 2, at="A"))) == [(1, 1, False)]
    # Due twice, and there is money for one: none is given, and that is told.
    assert given(await seen(world, world.wish("milk", 4, at="A"))) == [(2, 0, False)]
    assert promotion.budget_minor == BOTTLE


# --- at the till ------------------------------------------------------------------------------------------------------


async def test_a_gift_that_costs_nothing_anyway_is_a_gift_all_the_same(world, offer):
    await offer(bottles(world, "sock"), of=milk(world), clawback=True)
    await world.stock("A", "milk", 2)
    await world.stock("A", "sock", 1)
    view = await world.order(await order(world, world.wish("milk", 2, at="A"), pay_mode="at_store"))
    assert [(line.sku_code, line.gift, line.offers) for line in view.lines] == [("milk", False, []), ("sock", True, [])]


async def test_at_the_till_it_lies_in_the_bag_too(world, offer):
    await offer(bottles(world), of=milk(world))
    await world.stock("A", "milk", 4)
    await world.stock("A", "bottle", 2)
    shop = world.look.chain.store(world.stores["A"])
    for code in (False, True):
        counter = await sell.price_wishes(
            world.look, shop, [(world.skus["milk"], 2)], member_id=None, gifts=()
        )  # fmt: skip
        assert (counter.total_minor, [wish.net_minor for wish in counter.wishes]) == (2 * MILK, [2 * MILK, 0])
        async with world.db.begin() as tx:
            if not code:
                await sell.sell(
                    tx, shop, counter, member_id=world.member_id, contact=orders.Contact("", ""),
                    tendered_minor=2 * MILK, actor=world.clerk,
                )  # fmt: skip
                continue
            order_id = await till_orders.open_order(
                tx, shop, counter, member_id=world.member_id, contact=orders.Contact("", ""),
                parts=[till_orders.Part("cash", 2 * MILK)], actor=world.clerk,
            )  # fmt: skip
        sale = till_orders.TillOrder(world.member_id, order_id, shop.id)
        async with world.db.begin() as tx:
            await till_orders.complete(tx, sale, cash=complete.Cash(2 * MILK, None), actor=world.clerk)
    assert await world.level("A", "bottle") == (0, 0)
    assert await world.value("SELECT count(*) FROM order_gifts") == 2


# --- what comes back --------------------------------------------------------------------------------------------------


async def two_and_a_gift(world: World, books, offer, *, clawback: bool, units: int = 2) -> Receipt:
    await offer(bottles(world), of=milk(world), clawback=clawback)
    await world.stock("A", "milk", units)
    await world.stock("A", "bottle", units // 2)
    return await world.paid(books, world.wish("milk", units, at="A"))


async def test_a_gift_goes_with_what_it_was_given_for(world, books, offer):
    receipt = await two_and_a_gift(world, books, offer, clawback=False, units=4)
    bought, gift = (line.id for line in receipt.lines)
    async with world.db.begin() as tx:
        _, due, _ = await quote_cancel(
            tx, member_id=world.member_id, order_id=receipt.id, quantities={bought: 1}, actor=world.member
        )
    assert due == (MILK, 0)
    assert await world.cancel(receipt, {bought: 1}) == MILK
    lines = {line.id: line for line in (await world.order(receipt)).lines}
    assert (lines[bought].cancelled, lines[gift].cancelled) == (1, 1)
    assert await world.level("A", "bottle") == (2, 1)
    assert await world.cancel(receipt, {bought: 3}) == 3 * MILK
    assert (await world.order(receipt)).state == "cancelled"
    await world.refunds()


async def test_a_gift_alone_may_be_cancelled_and_gives_nothing_back(world, books, offer):
    receipt = await two_and_a_gift(world, books, offer, clawback=True)
    assert await world.cancel(receipt, {receipt.lines[1].id: 1}) == 0
    await world.refunds()


async def test_without_asking_it_back_the_whole_price_of_the_rest_goes_back(world, books, offer):
    await offer(bottles(world), of=milk(world))
    await world.stock("A", "milk", 2)
    await world.stock("A", "bottle", 1)
    order_id = await collected(world, books, world.wish("milk", 2, at="A"))
    assert (await quoted(world, order_id, milk=2)).kept_minor == 0
    assert [way.amount_minor for way in await bring(world, order_id, milk=2)] == [2 * MILK]


async def test_a_gift_that_is_kept_is_kept_from_what_goes_back_and_goes_back_with_it(world, books, offer):
    await offer(bottles(world), of=milk(world), clawback=True)
    await world.stock("A", "milk", 2)
    await world.stock("A", "bottle", 1)
    order_id = await collected(world, books, world.wish("milk", 2, at="A"))
    asked = await quoted(world, order_id, milk=1)
    assert (asked.refund_minor, asked.kept_minor) == (MILK - BOTTLE, BOTTLE)
    assert asked.gifts == {(await lines_of(world, order_id))["bottle"].id: 1}
    together = await quoted(world, order_id, milk=1, bottle=1)
    assert (together.refund_minor, together.kept_minor, together.gifts) == (MILK, 0, {})
    await bring(world, order_id, milk=1, expected=MILK - BOTTLE)
    await bring(world, order_id, milk=1, expected=MILK)
    back = await quoted(world, order_id, bottle=1)
    assert (back.refund_minor, back.kept_minor) == (BOTTLE, -BOTTLE)
    await bring(world, order_id, bottle=1, expected=BOTTLE)
    assert await world.value("SELECT clawback_minor FROM orders") == 0
    assert await world.value("SELECT paid_minor - refunded_minor FROM orders") == 0
    await world.refunds()


async def test_what_is_faulty_costs_no_gift_and_a_faulty_gift_comes_back_for_nothing_kept(world, books, offer):
    await offer(bottles(world), of=milk(world), clawback=True)
    await world.stock("A", "milk", 2)
    await world.stock("A", "bottle", 1)
    order_id = await collected(world, books, world.wish("milk", 2, at="A"))
    assert (await quoted(world, order_id, reason="faulty", milk=2)).refund_minor == 2 * MILK
    await bring(world, order_id, milk=1, expected=MILK - BOTTLE)
    await bring(world, order_id, reason="faulty", bottle=1, expected=BOTTLE)
    await world.refunds()


async def test_less_than_nothing_never_goes_back(world, books, offer):
    await offer(bottles(world, "milk", buy=1), of=Choice(skus=frozenset({world.skus["bottle"]})), clawback=True)
    await world.stock("A", "bottle", 1)
    await world.stock("A", "milk", 1)
    order_id = await collected(world, books, world.wish("bottle", at="A"))
    lines = await lines_of(world, order_id)
    assert (lines["milk"].gift, lines["milk"].net.minor) == (True, 0)
    asked = await quoted(world, order_id, bottle=1)
    assert (asked.refund_minor, asked.kept_minor) == (0, BOTTLE)
    await bring(world, order_id, bottle=1, expected=0)
    await bring(world, order_id, milk=1, expected=BOTTLE)
    await world.refunds()


# --- races ------------------------------------------------------------------------------------------------------------


async def test_fifty_buyers_race_for_the_last_seven_gifts(world, offer):
    promotion = await offer(bottles(world, buy=1), of=milk(world))
    await world.stock("A", "milk", 50)
    await world.stock("A", "bottle", 7)
    shown = [GiftWord(promotion.id, world.skus["bottle"], 1)]
    buyers = [await world.new_member() for _ in range(50)]

    async def buy(member) -> bool:
        try:
            receipt = await order(world, world.wish("milk", at="A"), said=shown, pay_mode="at_store", member_id=member)
        except pricing.GiftsChanged:
            # Asked again: they see that there is none, and go on without.
            again = [GiftWord(promotion.id, None)]
            receipt = await order(world, world.wish("milk", at="A"), said=again, pay_mode="at_store", member_id=member)
            assert len(receipt.lines) == 1
            return False
        assert len(receipt.lines) == 2
        return True

    got = await asyncio.gather(*(buy(member) for member in buyers))
    assert sum(got) == 7
    assert await world.level("A", "bottle") == (7, 7)
    assert await world.level("A", "milk") == (50, 50)
    assert await world.value("SELECT count(*) FROM order_gifts") == 7
