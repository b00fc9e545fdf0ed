"""Placing: what is held, written and answered, and what is refused."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from duoline import fulfilment, inventory, orders, pricing
from duoline.flows.draft import Receipt
from duoline.flows.place import Placing
from duoline.kernel.errors import IdempotencyMismatch
from duoline.payments import providers


async def test_pickup_order_holds_its_units_at_that_store(world):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", 2, at="A"))
    assert receipt.state == "awaiting_payment"
    assert receipt.total.minor == 39800
    assert [job.store_code for job in receipt.fulfilments] == ["A"]
    assert await world.level("A", "milk") == (3, 2)
    assert await world.value("SELECT amount_minor FROM payment_intents WHERE order_id = $1", receipt.id) == 39800


async def test_promise_counts_open_hours_only(world):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    wait = receipt.fulfilments[0].promise_at - receipt.placed_at
    assert wait.total_seconds() > 0


async def test_delivery_comes_from_the_cheapest_place(world):
    await world.stock("A", "milk", 5)
    await world.stock("DC", "milk", 5)
    receipt = await world.place(world.wish("milk"))
    assert [job.store_code for job in receipt.fulfilments] == ["DC"]
    assert receipt.fulfilments[0].kind == "ship"
    summary = await world.value("SELECT summary->>'en' FROM sourcing_decisions WHERE order_id = $1", receipt.id)
    assert "DC has everything" in str(summary)


async def test_delivery_is_split_when_no_single_place_has_everything(world):
    await world.stock("A", "milk", 1)
    await world.stock("B", "bottle", 1)
    receipt = await world.place(world.wish("milk"), world.wish("bottle"))
    assert sorted(job.store_code for job in receipt.fulfilments) == ["A", "B"]
    assert receipt.delivery_fee.minor == 0
    assert receipt.total.minor == 19900 + 4990


async def test_one_line_is_split_over_places_when_it_must_be(world):
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 3)
    receipt = await world.place(world.wish("milk", 5))
    assert sorted(job.store_code for job in receipt.fulfilments) == ["A", "B"]
    assert await world.level("A", "milk") == (2, 2)
    assert await world.level("B", "milk") == (3, 3)


async def test_delivery_fee_below_the_threshold(world):
    await world.stock("DC", "bottle", 1)
    receipt = await world.place(world.wish("bottle"))
    assert (receipt.delivery_fee.minor, receipt.total.minor) == (800, 5790)


async def test_two_lines_of_one_sku_are_added_up(world):
    await world.stock("A", "milk", 3)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2, at="A"), world.wish("milk", 2, at="A"))
    assert await world.level("A", "milk") == (3, 0)


async def test_same_key_gives_the_same_bytes_and_one_order(world):
    await world.stock("A", "milk", 5)
    request = world.request(world.wish("milk", at="A"), key="same")
    first = await world.placing.place(request)
    again = await asyncio.gather(*(world.placing.place(request) for _ in range(10)))
    assert {one.body for one in again} == {first.body}
    assert await world.value("SELECT count(*) FROM orders") == 1
    assert await world.level("A", "milk") == (5, 1)


async def test_same_key_with_another_request_is_refused(world):
    await world.stock("A", "milk", 5)
    await world.place(world.wish("milk", at="A"), key="same")
    with pytest.raises(IdempotencyMismatch):
        await world.place(world.wish("milk", 2, at="A"), key="same")
    assert await world.level("A", "milk") == (5, 1)


async def test_a_repeat_after_the_goods_are_gone_still_gets_its_answer(world):
    await world.stock("A", "milk", 1)
    request = world.request(world.wish("milk", at="A"), key="last one")
    first = await world.placing.place(request)
    assert (await world.placing.place(request)).body == first.body


async def test_a_refused_key_may_be_used_again(world):
    await world.stock("A", "milk", 1)
    request = world.request(world.wish("milk", 2, at="A"), key="again")
    with pytest.raises(inventory.InsufficientStock):
        await world.placing.place(request)
    await world.stock("A", "milk", 1)
    assert msgspec.json.decode((await world.placing.place(request)).body, type=Receipt).total.minor == 39800


async def test_seen_price_is_confirmed_never_silently_changed(world):
    await world.stock("A", "milk", 1)
    with pytest.raises(pricing.TotalChanged) as refused:
        await world.place(world.wish("milk", at="A"), expected_minor=19800)
    assert refused.value.fields["total"].minor == 19900
    assert await world.value("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize("quantity", [0, -1, 1000])
async def test_bad_quantities(world, quantity):
    await world.stock("A", "milk", 5)
    with pytest.raises(orders.BadOrderQuantity):
        await world.place(world.wish("milk", quantity, at="A"))
    assert await world.level("A", "milk") == (5, 0)


async def test_refusals_before_anything_is_looked_at(world):
    with pytest.raises(orders.EmptyOrder):
        await world.place()
    with pytest.raises(orders.PayOnline):
        await world.place(world.wish("milk"), pay_mode="at_store")


async def test_a_warehouse_hands_nothing_over(world):
    await world.stock("DC", "milk", 1)
    with pytest.raises(fulfilment.NoPickup):
        await world.place(world.wish("milk", at="DC"))


async def test_what_is_collected_at_a_shop_is_not_sent_from_it_too(world):
    await world.stock("A", "milk", 2)
    with pytest.raises((inventory.InsufficientStock, fulfilment.CannotServe)):
        await world.place(world.wish("milk", 2, at="A"), world.wish("milk", 1))


async def test_400_buyers_for_100_units(world):
    await world.stock("A", "milk", 100)
    members = await asyncio.gather(*(world.new_member() for _ in range(400)))

    async def buy(member_id):
        try:
            await world.place(world.wish("milk", at="A"), member_id=member_id, pay_mode="at_store")
        except inventory.InsufficientStock as short:
            return short.fields["short"][0]["available"]
        return None

    answers = await asyncio.gather(*(buy(member_id) for member_id in members))
    assert answers.count(None) == 100
    assert all(available == 0 for available in answers if available is not None)
    assert await world.level("A", "milk") == (100, 100)


async def test_baskets_in_any_order_do_not_dead_lock(world):
    """Each of eight processes (a `Placing` each) wants the same four levels, named in another order every time."""
    for sku in ("milk", "bottle"):
        for store in ("A", "B"):
            await world.stock(store, sku, 200)
    wishes = [world.wish(sku, at=store) for sku in ("milk", "bottle") for store in ("A", "B")]
    processes = [Placing(world.look, secret=b"x") for _ in range(8)]
    requests = [world.request(*(wishes[n % 4 :] + wishes[: n % 4]), pay_mode="at_store") for n in range(160)]
    await asyncio.gather(*(processes[n % 8].place(request) for n, request in enumerate(requests)))
    assert await world.level("A", "milk") == (200, 160)


async def test_without_a_provider_nothing_is_paid_online(world, monkeypatch):
    monkeypatch.setattr(providers, "_connected", {})
    await world.stock("A", "milk", 1)
    await world.stock("A", "sock", 1)
    with pytest.raises(orders.NoOnlinePayment):
        await world.place(world.wish("milk", at="A"))
    assert await world.level("A", "milk") == (1, 0)
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.place(world.wish("sock", at="A"))  # what costs nothing needs nobody to pay it to
