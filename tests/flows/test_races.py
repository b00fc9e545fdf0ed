"""Two and more connections on every verb that locks. Each ends in a clean check of every invariant.

Two verbs over one unit are in `test_pairs.py`, all of them; here are crowds, and what is asserted of them in words.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from duoline import fulfilment, inventory, orders
from duoline.flows import answer, expire, hand_over, pay, sell
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.batch import Batcher
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.payments.provider import EventKind, PaymentEvent
from duoline.stores import directory
from tests.flows.conftest import open_place


async def outcomes(*attempts):
    """What each of several attempts at the same moment came to: its value, or the code of its refusal."""
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return [one.code if isinstance(one, Refusal) else one for one in answers]


async def sale(world, store, quantity=1, sku="milk"):
    shop = world.look.chain.store(world.stores[store])
    priced = await sell.price_wishes(world.look, shop, [(world.skus[sku], quantity)], member_id=None)
    buyer = await world.new_member()
    async with world.db.begin() as tx:
        await sell.sell(
            tx, shop, priced, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=10**7, actor=world.clerk
        )
    return "sold"


async def ordered(world, *wishes):
    await world.place(*wishes, pay_mode="at_store" if wishes[0].method == "pickup" else "online",
                      member_id=await world.new_member())  # fmt: skip
    return "ordered"


async def held(world, holds, store):
    await holds.hold(
        location_id=world.stores[store], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=new_id(),
        expires_at=None, actor=world.clerk,
    )  # fmt: skip
    return "held"


async def counted(world, store, units):
    async with world.db.begin() as tx:
        await inventory.correct_to(
            tx, location_id=world.stores[store], sku_id=world.skus["milk"], counted=units, actor=world.clerk
        )
    return "counted"


async def test_last_unit_wanted_by_till_hold_order_and_count(world):
    holds = inventory.Holds(world.db)
    for _ in range(15):
        await counted(world, "A", (await world.level("A", "milk"))[1] + 1)
        on_hand, kept = await world.level("A", "milk")
        answers = await outcomes(
            sale(world, "A"),
            held(world, holds, "A"),
            ordered(world, world.wish("milk", at="A")),
            counted(world, "A", kept),
        )
        assert sum(answer in ("sold", "held", "ordered", "counted") for answer in answers) >= 1
        takers = sum(answer in ("sold", "held", "ordered") for answer in answers)
        assert takers <= 1
        after, after_held = await world.level("A", "milk")
        assert after_held - kept + (on_hand - after if "sold" in answers else 0) <= 1


async def test_wrong_codes_sent_at_once_are_counted_one_by_one(world):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    answers = await asyncio.gather(*(world.hand(receipt, code=f"{n:08d}") for n in range(60)))
    judged = sum(isinstance(answer, fulfilment.WrongCode) for answer in answers)
    assert (judged, len(answers) - judged) == (10, 50)
    assert isinstance(await world.hand(receipt, cash=19900), fulfilment.TooManyWrongCodes)


async def test_right_codes_cost_no_attempt_whatever_else_is_tried(world):
    await world.stock("A", "milk", 30)
    receipts = [await world.place(world.wish("milk", at="A"), pay_mode="at_store") for _ in range(20)]
    for receipt in receipts:
        await world.ready(receipt)
    tries = [world.hand(receipt, cash=19900) for receipt in receipts]
    tries += [world.hand(receipts[0], code=f"{n:08d}") for n in range(9)]
    random.Random(6).shuffle(tries)
    answers = await asyncio.gather(*tries)
    assert sum(isinstance(answer, hand_over.HandedOver) for answer in answers) == 20
    assert await world.value("SELECT wrong FROM code_attempts") == 9


async def test_400_buyers_100_units_over_two_shops_and_a_warehouse_by_every_way(world):
    for store, units in {"A": 40, "B": 40, "DC": 20}.items():
        await world.stock(store, "milk", units)
    chance = random.Random(1)
    attempts = []
    for n in range(400):
        way = n % 4
        if way == 0:
            attempts.append(sale(world, chance.choice("AB")))
        elif way == 1:
            attempts.append(ordered(world, world.wish("milk", at=chance.choice("AB"))))
        else:
            attempts.append(ordered(world, world.wish("milk")))
    chance.shuffle(attempts)
    answers = await outcomes(*attempts)
    won = sum(answer in ("sold", "ordered") for answer in answers)
    assert won == 100
    assert set(answers) - {"sold", "ordered"} <= {"inventory.insufficient-stock", "fulfilment.cannot-serve"}
    left = [await world.level(store, "milk") for store in ("A", "B", "DC")]
    assert all(on_hand == kept for on_hand, kept in left)


async def test_400_buyers_100_units_over_five_shops_by_till_pickup_and_delivery(world):
    """Twenty units a shop. Tills and pickups go to shops at random, parcels take what is left anywhere."""
    for n, code in enumerate("CDE"):
        await open_place(world, code, "store", 30.2 + n / 10, 120.2 + n / 10)
    await directory.refresh(world.db)
    shops = "ABCDE"
    for store in shops:
        await world.stock(store, "milk", 20)
    chance = random.Random(2)
    ways = [
        lambda: sale(world, chance.choice(shops)),
        lambda: ordered(world, world.wish("milk", at=chance.choice(shops))),
        lambda: ordered(world, world.wish("milk")),
    ]
    attempts = [ways[n % 3]() for n in range(400)]
    chance.shuffle(attempts)
    answers = await outcomes(*attempts)
    sold, promised = answers.count("sold"), answers.count("ordered")
    assert set(answers) - {"sold", "ordered"} <= {"inventory.insufficient-stock", "fulfilment.cannot-serve"}
    assert sold + promised == 100
    levels = {store: await world.level(store, "milk") for store in shops}
    assert all(on_hand == kept for on_hand, kept in levels.values()), levels
    assert sum(20 - on_hand for on_hand, _ in levels.values()) == sold
    assert sum(kept for _, kept in levels.values()) == promised


async def test_the_last_unit_wanted_by_a_till_a_hold_and_a_count(world):
    """Whoever comes first has it; a count that finds nothing leaves nothing for the others, and never takes what is held."""
    holds = inventory.Holds(world.db)
    winners = set()
    for n in range(30):
        kept = (await world.level("A", "milk"))[1]
        await counted(world, "A", kept + 1)
        attempts = [sale(world, "A"), held(world, holds, "A"), counted(world, "A", kept)]
        random.Random(n).shuffle(attempts)
        answers = await outcomes(*attempts)
        on_hand, kept_now = await world.level("A", "milk")
        takers = [answer for answer in answers if answer in ("sold", "held")]
        # The count is of what was there before: it may come first, or find what the till has left, and either is right.
        if takers == ["sold"]:
            assert (on_hand, kept_now) == (kept, kept)
            assert "counted" in answers
        elif takers == ["held"]:
            assert (on_hand, kept_now) == (kept + 1, kept + 1)
            assert "inventory.count-below-held" in answers
        else:
            assert takers == []
            assert (on_hand, kept_now, answers.count("counted")) == (kept, kept, 1)
        winners.add(takers[0] if takers else "counted")
    assert len(winners) >= 2, "with one winner it would be no race"


async def test_same_cart_submitted_fifty_times_with_one_key(world):
    await world.stock("A", "milk", 100)
    request = world.request(world.wish("milk", at="A"), key="double click", pay_mode="at_store")
    bodies = {placed.body for placed in await asyncio.gather(*(world.placing.place(request) for _ in range(50)))}
    assert len(bodies) == 1
    assert await world.level("A", "milk") == (100, 1)


async def test_cancel_against_payment(world, books):
    for n in range(10):
        await world.stock("A", "milk", 1)
        receipt = await world.place(world.wish("milk", at="A"))
        opened = await pay.open_payment(
            world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
        )
        books.pay(str(opened.intent_id))
        event = PaymentEvent(
            event_id=f"e{n}", kind=EventKind.PAYMENT_PAID, ref=str(opened.intent_id), refund_ref=None,
            amount_minor=19900, currency="CNY", occurred_at=clock.now(),
        )  # fmt: skip
        await outcomes(
            world.cancel(receipt), pay.receive(world.db, "sandbox", event), pay.receive(world.db, "sandbox", event)
        )
        await world.refunds()
        order = await world.order(receipt)
        assert (order.state, order.pay_state) == ("cancelled", "refunded")
        assert (await world.level("A", "milk"))[1] == 0


async def test_hand_over_against_cancel_and_no_show(world, books):
    for _ in range(8):
        await world.stock("A", "milk", 1)
        receipt = await world.paid(books, world.wish("milk", at="A"))
        await world.ready(receipt)
        job = receipt.fulfilments[0]
        await world.db.execute("UPDATE fulfilments SET keep_until = ready_at WHERE id = $1", job.id)
        answers = await outcomes(
            world.hand(receipt), world.cancel(receipt), expire.release_uncollected(world.db), world.hand(receipt)
        )
        handed = sum(isinstance(answer, hand_over.HandedOver) for answer in answers)
        order = await world.order(receipt)
        assert (handed, order.state) in {(1, "completed"), (0, "cancelled")}
        await world.refunds()


async def test_two_partial_cancellations_of_the_same_units(world, books):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"))
    line = receipt.lines[0].id
    answers = await outcomes(*(world.cancel(receipt, {line: 2}) for _ in range(4)))
    assert answers.count(39800) == 1
    assert answers.count("orders.nothing-to-cancel") == 3
    await world.refunds()
    assert (await world.order(receipt)).refunded.minor == 39800


async def test_answer_twice_at_once(world, books):
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 5)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.reject(receipt, 1)

    async def move():
        async with world.db.begin() as tx:
            await answer.answer_move(
                tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
                secret=b"only for tests", actor=world.member,
            )  # fmt: skip

    async def money():
        async with world.db.begin() as tx:
            await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)

    answers = await outcomes(move(), money(), move())
    assert answers.count(None) == 1
    assert answers.count("orders.nothing-to-answer") == 2
    await world.refunds()


async def test_ready_and_undo_at_once(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))

    async def undo():
        async with world.db.begin() as tx:
            await hand_over.mark_unready(
                tx, location_id=world.stores["A"], fulfilment_id=receipt.fulfilments[0].id, actor=world.clerk
            )

    await outcomes(*(step for _ in range(5) for step in (world.ready(receipt), undo())))
    assert (await world.order(receipt)).state in ("preparing", "ready")


async def test_holds_expire_once_while_they_are_given_back(world):
    await world.stock("A", "milk", 50)
    holds = inventory.Holds(world.db)
    ids = await asyncio.gather(*(
        holds.hold(location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk",
                   ref_id=new_id(), expires_at=clock.now(), actor=world.clerk) for _ in range(20)
    ))  # fmt: skip

    async def give_back(hold_id):
        async with world.db.begin() as tx:
            await inventory.release(tx, location_id=world.stores["A"], hold_ids=[hold_id], actor=SYSTEM)

    await outcomes(inventory.expire_due(world.db), inventory.expire_due(world.db), *(give_back(hold) for hold in ids))
    assert await world.level("A", "milk") == (50, 0)


async def test_hot_holds_are_granted_in_order_of_arrival_and_exactly(world):
    await world.stock("A", "milk", 60)
    holds = inventory.Holds(world.db)
    answers = await outcomes(*(held(world, holds, "A") for _ in range(300)))
    assert answers.count("held") == 60
    assert answers[:60] == ["held"] * 60
    assert await world.level("A", "milk") == (60, 60)


async def test_one_bad_caller_does_not_spoil_a_batch():
    async def flush(_key, items):
        if "bad" in items:
            raise ValueError("bad")
        return [item * 2 for item in items]

    batcher = Batcher(flush)
    answers = await asyncio.gather(
        *(batcher.submit("k", item) for item in ("a", "b", "bad", "c")), return_exceptions=True
    )
    assert answers[0] == "aa"
    assert answers[1] == "bb"
    assert isinstance(answers[2], ValueError)
    assert answers[3] == "cc"


async def test_a_caller_who_goes_away_is_left_out():
    gate, seen = asyncio.Event(), []

    async def flush(_key, items):
        await gate.wait()
        seen.extend(items)
        return items

    batcher = Batcher(flush)
    first = asyncio.create_task(batcher.submit("k", 1))
    await asyncio.sleep(0)
    gone = asyncio.create_task(batcher.submit("k", 2))
    stays = asyncio.create_task(batcher.submit("k", 3))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    gate.set()
    assert await asyncio.gather(first, stays) == [1, 3]
    assert seen == [1, 3]


async def test_code_attempts_are_counted_when_many_guess_at_once(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    await outcomes(*(world.hand(receipt, code=f"{n:08d}") for n in range(10)))
    assert await world.value("SELECT sum(wrong) FROM code_attempts") == 10
    assert isinstance(await world.hand(receipt), fulfilment.TooManyWrongCodes)
