"""Offers from quote to refund: what a line costs is frozen on the order, and every cent finds its way."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest

from duoline import orders, pricing
from duoline.flows import basket, sell
from duoline.flows.answer import answer_refund
from duoline.flows.cancel import cancel, quote_cancel
from duoline.flows.draft import Receipt
from duoline.flows.give_back_offers import give_back_offers
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.orders.advance import Undone
from duoline.pricing.promotions import book, save
from duoline.pricing.promotions.types import (
    AmountOff,
    Choice,
    EveryNth,
    FreeDelivery,
    PercentOff,
    Promotion,
    Step,
    Threshold,
    When,
)

from .conftest import NOON, World


@pytest.fixture
async def offer(world: World):
    """Make an offer that holds; all end with the test."""

    async def make(effect, *, name: str = "优惠", **fields) -> Promotion:
        wanted = Promotion(
            id=new_id(), version=1, name=Text(name, name), effect=effect, from_at=NOON - timedelta(days=1), **fields
        )
        async with world.db.begin() as tx:
            kept = await save.add(tx, wanted, reason="test", actor=world.manager)
        await book.refresh(world.db)
        return kept

    yield make
    book._current = book.Book()


def milk(world: World) -> Choice:
    return Choice(skus=frozenset({world.skus["milk"]}))


async def net(world: World, receipt) -> list[int]:
    return [line.net.minor for line in (await world.order(receipt)).lines]


async def test_the_order_costs_what_the_quote_said_and_names_the_version(world, books, offer):
    await world.stock("A", "milk", 10)
    promotion = await offer(PercentOff(off_bp=1000), of=milk(world), name="九折")
    with clock.frozen(NOON):
        found = await basket.look_at(
            world.look, [world.wish("milk", 3, at="A")], channel="mall", member_id=world.member_id, address=None
        )
        receipt = await world.place(world.wish("milk", 3, at="A"), expected_minor=found.totals.total_minor)
    gross = found.totals.subtotal_minor
    assert found.totals.discount_minor == (gross * 1000 + 5000) // 10000
    assert (receipt.discount.minor, receipt.total.minor) == (found.totals.discount_minor, found.totals.total_minor)
    view = await world.order(receipt)
    assert [(one.name.zh, one.amount.minor) for one in view.lines[0].offers] == [("九折", found.totals.discount_minor)]
    rows = await world.db.fetch("SELECT promotion_id, version, amount_minor FROM order_discounts")
    assert [tuple(row) for row in rows] == [(promotion.id, 1, found.totals.discount_minor)]


async def test_an_offer_that_changes_under_the_buyer_is_confirmed_anew(world, offer):
    await world.stock("A", "milk", 10)
    with clock.frozen(NOON):
        plain = await basket.look_at(
            world.look, [world.wish("milk", 2, at="A")], channel="mall", member_id=world.member_id, address=None
        )
        await offer(AmountOff(off_minor=500), of=milk(world))
        with pytest.raises(pricing.TotalChanged) as refused:
            await world.place(world.wish("milk", 2, at="A"), expected_minor=plain.totals.total_minor)
    assert refused.value.fields["total"].minor == plain.totals.total_minor - 500
    assert await world.value("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize("order_of_parts", range(6))
async def test_units_given_back_in_any_order_make_up_what_was_paid(world, books, offer, order_of_parts):
    await world.stock("A", "milk", 7)
    await world.stock("A", "bottle", 5)
    await offer(Threshold(steps=(Step(from_minor=100, off_minor=1001),)), name="满减")
    await offer(EveryNth(n=2, off_bp=5000), of=milk(world), name="第二件半价", priority=50)
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk", 7, at="A"), world.wish("bottle", 5, at="A"))
        paid = receipt.total.minor
        lines = [line.id for line in receipt.lines]
        parts = [(lines[0], n) for n in (1, 2, 1, 3)] + [(lines[1], n) for n in (2, 3)]
        random.Random(order_of_parts).shuffle(parts)
        back = [await world.cancel(receipt, {line: units}) for line, units in parts]
        await world.refunds()
    assert all(amount >= 0 for amount in back)
    assert sum(back) == paid
    assert (await world.order(receipt)).state == "cancelled"


async def test_what_is_handed_over_and_what_is_cancelled_share_the_odd_cents(world, books, offer):
    await world.stock("A", "milk", 3)
    await offer(AmountOff(off_minor=1000), of=milk(world))
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk", 3, at="A"))
        back = await world.cancel(receipt, {receipt.lines[0].id: 2})
        await world.ready(receipt)
        await world.hand(receipt)
        await world.refunds()
    gross = receipt.subtotal.minor
    assert back + -(-(gross - 1000) // 3) == receipt.total.minor
    sales = await world.value("SELECT sum(amount_minor) FROM journal_entries WHERE credit LIKE 'sales:%'")
    assert sales == receipt.total.minor - back


async def test_at_the_counter_what_is_due_is_after_offers(world, offer):
    await world.stock("A", "milk", 3)
    await offer(PercentOff(off_bp=3333), of=milk(world))
    with clock.frozen(NOON):
        receipt = await world.place(world.wish("milk", 3, at="A"), pay_mode="at_store")
        await world.ready(receipt)
        with pytest.raises(Refusal) as refused:
            await world.hand(receipt, cash=receipt.total.minor - 1)
        assert refused.value.fields["due_minor"] == receipt.total.minor
        done = await world.hand(receipt, cash=receipt.total.minor)
    assert (done.taken_minor, done.change_minor) == (receipt.total.minor, 0)


async def test_delivery_is_free_from_what_is_left_after_offers(world, offer):
    await world.stock("DC", "milk", 3)
    with clock.frozen(NOON):
        look = lambda: basket.look_at(  # noqa: E731 - said twice
            world.look, [world.wish("milk")], channel="mall", member_id=world.member_id, address=None
        )
        price = (await look()).totals.subtotal_minor
        await offer(AmountOff(off_minor=price - 100), of=milk(world))
        assert (await look()).totals.delivery_fee_minor == 800
        free = await offer(FreeDelivery(), name="包邮")
        found = await look()
        assert (found.totals.delivery_fee_minor, found.totals.waived_minor, found.totals.total_minor) == (0, 800, 100)
        assert found.offers.free_delivery.id == free.id


async def test_a_first_order_is_one_of_a_member_who_has_none(world, books, offer):
    await world.stock("A", "milk", 5)
    await offer(AmountOff(off_minor=500), when=When(first_order=True))
    with clock.frozen(NOON):
        first = await world.place(world.wish("milk", at="A"))
        assert first.discount.minor == 500
        assert (await world.place(world.wish("milk", at="A"))).discount.minor == 0


async def test_the_till_takes_what_its_quote_says(world, offer):
    await world.stock("A", "milk", 5)
    await offer(EveryNth(n=2, off_bp=5000), of=milk(world), name="第二件半价")
    with clock.frozen(NOON):
        shop = world.look.chain.stores[world.stores["A"]]
        counter = await sell.price_wishes(world.look, shop, [(world.skus["milk"], 3)], member_id=None)
        each = counter.wishes[0].price.price_minor
        assert counter.total_minor == 3 * each - (each * 5000 + 5000) // 10000
        async with world.db.begin() as tx:
            sale = await sell.sell(
                tx, shop, counter, member_id=world.member_id, contact=orders.Contact("", ""),
                tendered_minor=counter.total_minor, actor=world.clerk,
            )  # fmt: skip
    assert (sale.total_minor, sale.change_minor) == (counter.total_minor, 0)
    assert await world.value("SELECT sum(amount_minor) FROM order_discounts") == 3 * each - sale.total_minor


async def test_an_offer_of_one_channel_is_of_no_other(world, offer):
    await offer(AmountOff(off_minor=500), when=When(channels=frozenset({"till"})))
    await world.stock("A", "milk", 5)
    with clock.frozen(NOON):
        off = {}
        for channel in ("mall", "till", "open_api"):
            found = await basket.look_at(
                world.look, [world.wish("milk", at="A")], channel=channel, member_id=None, address=None
            )
            off[channel] = found.totals.discount_minor
    assert off == {"mall": 0, "till": 500, "open_api": 0}


# --- units given back by choice -----------------------------------------------------------------------


async def two_articles(world, books, offer, **fields):
    """A 200 and B 130 for 280: case 11 of the reference, here of milk and bottles."""
    await world.stock("A", "milk", 4)
    await world.stock("A", "bottle", 4)
    for sku, price in (("milk", 20000), ("bottle", 13000)):
        await world.db.execute("UPDATE prices SET price_minor = $2 WHERE sku_id = $1", world.skus[sku], price)
    await offer(Threshold(steps=(Step(from_minor=30000, off_minor=5000),)), **fields)
    receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("bottle", at="A"))
    assert receipt.total.minor == 28000
    return receipt, [line.id for line in receipt.lines]


async def test_what_stays_keeps_its_share_unless_the_offer_says_otherwise(world, books, offer):
    with clock.frozen(NOON):
        receipt, (milk_line, _) = await two_articles(world, books, offer)
        assert await world.cancel(receipt, {milk_line: 1}) == 16970
        await world.refunds()


async def test_a_lost_threshold_is_kept_of_what_goes_back_and_goes_back_with_the_rest(world, books, offer):
    with clock.frozen(NOON):
        receipt, (milk_line, bottle_line) = await two_articles(world, books, offer, clawback=True)
        async with world.db.begin() as tx:
            _, due, _ = await quote_cancel(
                tx, member_id=world.member_id, order_id=receipt.id, quantities={milk_line: 1}, actor=world.member
            )  # fmt: skip
        assert due == (15000, 1970)
        assert await world.cancel(receipt, {milk_line: 1}) == 15000
        await world.refunds()
        assert await world.value("SELECT clawback_minor FROM orders") == 1970
        assert await world.cancel(receipt, {bottle_line: 1}) == 13000
        await world.refunds()
    assert await world.value("SELECT clawback_minor FROM orders") == 0


async def test_what_staff_cancel_costs_no_discount(world, books, offer):
    with clock.frozen(NOON):
        receipt, (milk_line, _) = await two_articles(world, books, offer, clawback=True)
        async with world.db.begin() as tx:
            back = await cancel(
                tx, member_id=world.member_id, order_id=receipt.id, quantities={milk_line: 1}, reason="out of stock",
                actor=world.manager,
            )  # fmt: skip
        await world.refunds()
    assert back == 16970


async def test_a_threshold_is_asked_again_as_it_was_when_the_order_was_made(world, books, offer):
    with clock.frozen(NOON):
        receipt, (milk_line, _) = await two_articles(world, books, offer, clawback=True)
        kept = await world.db.fetchval("SELECT body FROM promotions")
        now = msgspec.convert(kept, Promotion)
        better = msgspec.structs.replace(now, effect=Threshold(steps=(Step(from_minor=100, off_minor=5000),)))
        async with world.db.begin() as tx:
            await save.change(tx, better, reason="test", actor=world.manager)
        assert await world.cancel(receipt, {milk_line: 1}) == 15000
        await world.refunds()


async def test_a_lost_threshold_never_costs_more_than_goes_back(world, books, offer):
    with clock.frozen(NOON):
        receipt, (_, bottle_line) = await two_articles(world, books, offer, clawback=True)
        back = await world.cancel(receipt, {bottle_line: 1})
        await world.refunds()
        assert back == 13000 - 5000
        await world.ready(receipt)
        await world.hand(receipt)
    sales = await world.value(
        "SELECT sum(CASE WHEN credit LIKE 'sales:%' THEN amount_minor ELSE -amount_minor END) FROM journal_entries"
        " WHERE credit LIKE 'sales:%' OR debit LIKE 'sales:%'"
    )
    assert sales == 28000 - back


async def test_what_the_shop_could_not_serve_costs_no_discount(world, books, offer):
    with clock.frozen(NOON):
        receipt, (milk_line, _) = await two_articles(world, books, offer, clawback=True)
        await world.reject_lines(receipt, {milk_line: 1})
        async with world.db.begin() as tx:
            await answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
        await world.refunds()
        order = await world.order(receipt)
    assert order.refunded.minor == 16970


async def test_a_part_cannot_go_before_anything_is_paid_when_the_threshold_would(world, books, offer):
    with clock.frozen(NOON):
        await world.stock("A", "milk", 4)
        price = await world.value("SELECT price_minor FROM prices WHERE sku_id = $1", world.skus["milk"])
        await offer(Threshold(steps=(Step(from_minor=2 * price, off_minor=5000),)), clawback=True)
        receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
        with pytest.raises(orders.CancelWhole):
            await world.cancel(receipt, {receipt.lines[0].id: 1})
        await world.cancel(receipt)


# --- limits and coupons ------------------------------------------------------------------------------


async def coupons(world: World, promotion: Promotion, *holders) -> list:
    """A coupon for each holder, of a batch of its own."""
    batch = new_id()
    await world.db.execute(
        "INSERT INTO coupon_batches (batch_id, promotion_id, way, from_at, actor_id, created_at)"
        " VALUES ($1, $2, 'given', $3, $4, $3)",
        batch, promotion.id, NOON, new_id(),
    )  # fmt: skip
    made = []
    for holder in holders:
        made.append(new_id())
        await world.db.execute(
            "INSERT INTO coupons (id, batch_id, promotion_id, member_id, issued_at) VALUES ($1, $2, $3, $4, $5)",
            made[-1], batch, promotion.id, holder, NOON,
        )  # fmt: skip
    return made


async def racers(world: World, count: int, *, same: bool = False) -> list[int]:
    """Orders of one unit each at the same moment; what was taken off each that was placed."""
    await world.stock("A", "milk", count)
    buyers = [world.member_id] * count if same else [await world.new_member() for _ in range(count)]
    placed = await asyncio.gather(
        *(world.place(world.wish("milk", at="A"), pay_mode="at_store", member_id=buyer) for buyer in buyers)
    )
    return [receipt.discount.minor for receipt in placed]


async def test_fifty_racers_on_a_budget_never_take_more_than_it_has(world, offer):
    await offer(AmountOff(off_minor=700), of=milk(world), budget_minor=5000)
    with clock.frozen(NOON):
        off = await racers(world, 50)
    assert sorted(off, reverse=True) == [700] * 7 + [0] * 43


async def test_fifty_racers_on_a_number_of_orders(world, offer):
    await offer(AmountOff(off_minor=700), of=milk(world), orders_max=9)
    with clock.frozen(NOON):
        assert sum(await racers(world, 50)) == 9 * 700


async def test_fifty_orders_of_one_member_at_once_have_an_offer_twice(world, offer):
    await offer(AmountOff(off_minor=700), of=milk(world), member_orders_max=2)
    with clock.frozen(NOON):
        assert sum(await racers(world, 50, same=True)) == 2 * 700


async def test_fifty_racers_on_one_coupon(world, offer):
    promotion = await offer(AmountOff(off_minor=700), of=milk(world), when=When(coupon=True))
    await coupons(world, promotion, world.member_id)
    with clock.frozen(NOON):
        assert sum(await racers(world, 50, same=True)) == 700
    assert await world.value("SELECT count(*) FROM coupons WHERE order_id IS NOT NULL") == 1


async def test_two_tills_and_the_mall_race_for_one_coupon(world, offer):
    promotion = await offer(AmountOff(off_minor=700), of=milk(world), when=When(coupon=True))
    (coupon,) = await coupons(world, promotion, world.member_id)
    await world.stock("A", "milk", 30)

    async def till() -> int:
        shop = world.look.chain.stores[world.stores["A"]]
        counter = await sell.price_wishes(
            world.look, shop, [(world.skus["milk"], 1)], member_id=None, coupon_ids=[coupon]
        )
        async with world.db.begin() as tx:
            sale = await sell.sell(
                tx, shop, counter, member_id=world.member_id, contact=orders.Contact("", ""), tendered_minor=10**6,
                actor=world.clerk,
            )  # fmt: skip
        return counter.subtotal_minor - sale.total_minor

    with clock.frozen(NOON):
        done = await asyncio.gather(
            *(till() for _ in range(10)),
            *(world.place(world.wish("milk", at="A"), pay_mode="at_store") for _ in range(10)),
            return_exceptions=True,
        )
    off = [
        one if isinstance(one, int) else one.discount.minor for one in done if not isinstance(one, pricing.OfferGone)
    ]
    assert sum(off) == 700
    assert all(isinstance(one, int | Receipt | pricing.OfferGone) for one in done)


async def test_an_order_that_comes_to_nothing_gives_its_coupon_and_its_budget_back(world, books, offer):
    await world.stock("A", "milk", 5)
    promotion = await offer(AmountOff(off_minor=700), of=milk(world), when=When(coupon=True), budget_minor=700)
    await coupons(world, promotion, world.member_id)
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk", at="A"))
        assert receipt.discount.minor == 700
        assert (await world.place(world.wish("milk", at="A"))).discount.minor == 0
        await world.cancel(receipt)
        await world.refunds()
        for _ in range(2):  # a job may run twice
            await give_back_offers(world.db, Undone(receipt.id))
        assert (await world.place(world.wish("milk", at="A"))).discount.minor == 700


async def test_a_coupon_that_has_ended_or_is_void_counts_for_nothing(world, offer):
    await world.stock("A", "milk", 5)
    promotion = await offer(AmountOff(off_minor=700), of=milk(world), when=When(coupon=True))
    first, second = await coupons(world, promotion, world.member_id, world.member_id)
    await world.db.execute("UPDATE coupons SET expires_at = $2 WHERE id = $1", first, NOON)
    await world.db.execute("UPDATE coupons SET void_at = $2 WHERE id = $1", second, NOON)
    with clock.frozen(NOON):
        assert (await world.place(world.wish("milk", at="A"))).discount.minor == 0


async def test_whoever_is_not_known_as_a_member_has_no_offer_that_is_counted_by_member(world, offer):
    await offer(AmountOff(off_minor=700), of=milk(world), member_orders_max=1)
    with clock.frozen(NOON):
        found = await basket.look_at(
            world.look, [world.wish("milk", at="A")], channel="till", member_id=None, address=None
        )
    assert found.totals.discount_minor == 0
