"""Golden stories across packages: pay, pick, hand over, send, reject, cancel, expire. Each ends in a clean check."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from duoline import fulfilment, inventory, orders
from duoline.flows import answer, expire, hand_over, pay, sell, ship
from duoline.kernel import clock
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.machine import WrongState
from duoline.payments.provider import EventKind, PaymentEvent
from tests.flows.conftest import SECRET


async def balance(world, account):
    return await world.value(
        """SELECT coalesce(sum(CASE WHEN debit = $1 THEN amount_minor ELSE -amount_minor END), 0)
           FROM journal_entries WHERE $1 IN (debit, credit)""",
        account,
    )


async def test_pay_online_collect_in_shop(world, books):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    order = await world.order(receipt)
    assert (order.state, order.pay_state, order.paid.minor) == ("preparing", "paid", 39800)
    assert order.actions == ["show_code", "cancel"]
    await world.ready(receipt)
    assert (await world.order(receipt)).state == "ready"
    done = await world.hand(receipt)
    assert (done.member_name, done.taken_minor) == ("王芳", 0)
    order = await world.order(receipt)
    assert (order.state, order.lines[0].handed, order.actions) == ("completed", 2, [])
    assert await world.level("A", "milk") == (1, 0)
    assert await balance(world, "deposits") == 0
    assert await balance(world, f"sales:{world.stores['A']}") == -39800
    assert [event.kind for event in order.timeline] == ["placed", "paid", "ready", "handed_over"]


async def test_pay_at_the_counter(world):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    with pytest.raises(fulfilment.NotPaid):
        await world.hand(receipt)
    with pytest.raises(fulfilment.TooLittle):
        await world.hand(receipt, cash=10000)
    assert await world.level("A", "milk") == (1, 1)
    done = await world.hand(receipt, cash=20000)
    assert (done.taken_minor, done.change_minor) == (19900, 100)
    assert await balance(world, f"cash:{world.stores['A']}") == 19900
    assert (await world.order(receipt)).pay_state == "paid"


async def test_nothing_is_handed_over_before_it_is_paid_and_ready(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    with pytest.raises(fulfilment.NotReady):
        await world.hand(receipt)
    with pytest.raises(WrongState):
        await world.ready(receipt)
    await world.pay(books, receipt)
    with pytest.raises(fulfilment.NotReady):
        await world.hand(receipt)


async def test_code_opens_once_and_only_at_the_right_shop(world, books):
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 2)
    here = await world.paid(books, world.wish("milk", at="A"))
    there = await world.paid(books, world.wish("milk", at="B"))
    await world.ready(here)
    await world.ready(there)
    assert isinstance(await world.hand(here, code=world.code(there).qr), fulfilment.WrongCode)
    assert isinstance(await world.hand(here, code="DL1:AAAAAAAAAAAAAAAA"), fulfilment.WrongCode)
    assert (await world.hand(here, code=world.code(here).short)).fulfilment_id == here.fulfilments[0].id
    assert isinstance(await world.hand(here), fulfilment.AlreadyDone)
    assert await world.level("A", "milk") == (1, 0)


async def test_wrong_codes_are_limited(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    answers = [await world.hand(receipt, code=f"{n:08d}") for n in range(12)]
    assert [type(answer) for answer in answers] == [fulfilment.WrongCode] * 10 + [fulfilment.TooManyWrongCodes] * 2
    assert isinstance(await world.hand(receipt), fulfilment.TooManyWrongCodes)


async def test_two_clerks_scan_at_once(world, books):
    await world.stock("A", "milk", 5)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    answers = await asyncio.gather(*(world.hand(receipt) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, hand_over.HandedOver) for answer in answers) == 1
    assert all(isinstance(a, (hand_over.HandedOver, Refusal)) for a in answers)
    assert await world.level("A", "milk") == (4, 0)


async def test_delivery_from_pick_to_door(world, books):
    await world.stock("DC", "bottle", 2)
    receipt = await world.paid(books, world.wish("bottle"))
    await world.ready(receipt)
    job = receipt.fulfilments[0]
    async with world.db.begin() as tx:
        await ship.ship(
            tx, location_id=world.stores["DC"], fulfilment_id=job.id, carrier="SF", tracking_no="SF1", actor=world.clerk
        )
    order = await world.order(receipt)
    assert (order.state, order.fulfilments[0].tracking_no) == ("on_the_way", "SF1")
    assert await balance(world, "income:delivery") == -800
    async with world.db.begin() as tx:
        await ship.deliver(tx, location_id=world.stores["DC"], fulfilment_id=job.id, actor=world.clerk)
    assert (await world.order(receipt)).state == "completed"
    assert await balance(world, "deposits") == 0


async def test_cancel_by_line_refunds_its_price_and_the_fee_with_the_last(world, books):
    await world.stock("DC", "bottle", 3)
    receipt = await world.paid(books, world.wish("bottle", 1))
    order = await world.order(receipt)
    assert order.delivery_fee.minor == 800
    assert await world.cancel(receipt) == 5790
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.pay_state, order.refunded.minor) == ("cancelled", "refunded", 5790)
    assert await world.level("DC", "bottle") == (3, 0)
    assert await balance(world, "clearing:sandbox") == 0


async def test_cancel_part_then_hand_over_the_rest(world, books):
    await world.stock("A", "milk", 3)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"))
    line = receipt.lines[0].id
    assert await world.cancel(receipt, {line: 2}) == 39800
    assert await world.level("A", "milk") == (3, 1)
    await world.ready(receipt)
    await world.hand(receipt)
    order = await world.order(receipt)
    assert (order.state, order.lines[0].handed, order.lines[0].cancelled) == ("completed", 1, 2)
    with pytest.raises(orders.NothingToCancel):
        await world.cancel(receipt, {line: 1})


async def test_cancel_part_of_what_is_paid_at_the_counter(world):
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", 3, at="A"), pay_mode="at_store")
    assert await world.cancel(receipt, {receipt.lines[0].id: 1}) == 0
    await world.ready(receipt)
    assert (await world.hand(receipt, cash=39800)).change_minor == 0


@pytest.mark.parametrize("ending", ["cancelled", "rejected", "uncollected"])
async def test_what_was_never_paid_at_the_counter_is_not_given_back(world, ending):
    """One shop has handed its part over for cash; nobody has paid for the other shop's part when it falls away."""
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), world.wish("milk", at="B"), pay_mode="at_store")
    n_of = {job.store_code: n for n, job in enumerate(receipt.fulfilments)}
    await world.ready(receipt, n_of["A"])
    await world.hand(receipt, n_of["A"], cash=19900)
    if ending == "cancelled":
        assert await world.cancel(receipt) == 0
    elif ending == "rejected":
        await world.reject(receipt, 1, "missing", n=n_of["B"])
        async with world.db.begin() as tx:
            await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    else:
        await world.ready(receipt, n_of["B"])
        with clock.shifted(timedelta(hours=73)):
            assert await expire.release_uncollected(world.db) == 1
    order = await world.order(receipt)
    assert (order.state, order.paid.minor, order.refunded.minor) == ("completed", 19900, 0)
    assert await world.value("SELECT count(*) FROM refunds") == 0
    assert await balance(world, "deposits") == 0


async def test_part_of_an_unpaid_order_cannot_be_cancelled(world):
    await world.stock("A", "milk", 2)
    receipt = await world.place(world.wish("milk", 2, at="A"))
    with pytest.raises(orders.CancelWhole):
        await world.cancel(receipt, {receipt.lines[0].id: 1})
    assert await world.cancel(receipt) == 0
    assert (await world.order(receipt)).state == "cancelled"


async def test_unpaid_orders_expire_and_late_money_goes_back(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    assert await expire.expire_unpaid(world.db) == 0
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    books.silent = True
    with clock.shifted(timedelta(minutes=16)):
        assert await expire.expire_unpaid(world.db) == 1
    assert (await world.order(receipt)).state == "expired"
    assert await world.level("A", "milk") == (1, 0)
    books.silent = False
    books.pay(str(opened.intent_id))
    event = PaymentEvent(
        event_id="e1", kind=EventKind.PAYMENT_PAID, ref=str(opened.intent_id), refund_ref=None, amount_minor=19900,
        currency="CNY", occurred_at=clock.now(),
    )  # fmt: skip
    for _ in range(3):
        await pay.receive(world.db, "sandbox", event)
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.pay_state) == ("expired", "refunded")
    assert await world.value("SELECT count(*) FROM captures") == 1


async def test_buyer_is_quicker_than_expiry(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    books.pay(str(opened.intent_id))
    with clock.shifted(timedelta(minutes=16)):
        await expire.expire_unpaid(world.db)
    assert (await world.order(receipt)).state == "preparing"


async def test_uncollected_orders_restock_and_refund(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    assert await expire.release_uncollected(world.db) == 0
    with clock.shifted(timedelta(hours=73)):
        assert await expire.release_uncollected(world.db) == 1
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.fulfilments[0].state, order.pay_state) == ("cancelled", "uncollected", "refunded")
    assert await world.level("A", "milk") == (1, 0)


async def test_forged_and_foreign_notices_change_nothing(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    wrong_amount = PaymentEvent(
        event_id="e1", kind=EventKind.PAYMENT_PAID, ref=str(opened.intent_id), refund_ref=None, amount_minor=1,
        currency="CNY", occurred_at=clock.now(),
    )  # fmt: skip
    with pytest.raises(Refusal) as refused:
        await pay.receive(world.db, "sandbox", wrong_amount)
    assert refused.value.code == "payments.amount-mismatch"
    with pytest.raises(pay.UnknownPayment):
        await pay.receive(world.db, "elsewhere", wrong_amount)
    assert (await world.order(receipt)).state == "awaiting_payment"
    assert await world.value("SELECT count(*) FROM captures") == 0


async def test_provider_is_silent(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    books.silent = True
    with pytest.raises(Unavailable):
        await world.pay(books, receipt)
    books.silent = False
    await world.pay(books, receipt)
    assert (await world.order(receipt)).state == "preparing"


async def test_rejected_delivery_is_sourced_elsewhere(world, books):
    await world.stock("DC", "milk", 2)
    await world.stock("A", "milk", 5)
    receipt = await world.paid(books, world.wish("milk", 2))
    assert receipt.fulfilments[0].store_code == "DC"
    outcome = await world.reject(receipt, 2)
    assert [(one.result, one.quantity) for one in outcome] == [("resourced", 2)]
    assert await world.level("DC", "milk") == (0, 0)
    assert await world.level("A", "milk") == (5, 2)
    order = await world.order(receipt)
    assert [(job.store.code, job.state) for job in order.fulfilments] == [("DC", "rejected"), ("A", "to_pick")]
    assert "resourced" in [event.kind for event in order.timeline]


async def test_rejected_delivery_that_nobody_has_is_refunded(world, books):
    await world.stock("DC", "milk", 1)
    receipt = await world.paid(books, world.wish("milk"))
    outcome = await world.reject(receipt, 1, "damaged")
    assert [one.result for one in outcome] == ["refunded"]
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.pay_state) == ("cancelled", "refunded")


async def test_rejected_pickup_asks_the_member(world, books):
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    outcome = await world.reject(receipt, 1)
    assert [one.result for one in outcome] == ["asks_member"]
    order = await world.order(receipt)
    assert (order.state, order.waiting[0].quantity) == ("needs_answer", 1)
    async with world.db.begin() as tx:
        await answer.answer_move(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
            secret=b"only for tests", actor=world.member,
        )  # fmt: skip
    assert await world.level("B", "milk") == (2, 1)
    order = await world.order(receipt)
    assert sorted((job.store.code, job.state) for job in order.fulfilments) == [("A", "to_pick"), ("B", "to_pick")]


async def test_what_moves_to_another_shop_is_collected_there_even_beside_a_parcel(world, books):
    """The parcel of the same order is the latest fulfilment; what is moved must not be sent like it, or nobody gets it."""
    for _ in range(4):  # ids of one millisecond are in no order
        await world.stock("A", "milk", 1)
        await world.stock("B", "milk", 1)
        await world.stock("DC", "bottle", 1)
        receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("bottle"))
        n = next(n for n, job in enumerate(receipt.fulfilments) if job.store_code == "A")
        await world.reject(receipt, 1, n=n)
        async with world.db.begin() as tx:
            await answer.answer_move(
                tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
                secret=SECRET, actor=world.member,
            )  # fmt: skip
        (moved,) = [job for job in (await world.order(receipt)).fulfilments if job.store.code == "B"]
        assert (moved.kind, moved.state) == ("pickup", "to_pick")
        location = world.stores["B"]
        async with world.db.begin() as tx:
            await hand_over.mark_ready(tx, location_id=location, fulfilment_id=moved.id, actor=world.clerk)
        async with world.db.begin() as tx:
            done = await hand_over.hand_over(
                tx, location_id=location, fulfilment_id=moved.id, code=fulfilment.code_of(moved.id, SECRET).qr,
                tender=None, tendered_minor=None, actor=world.clerk,
            )  # fmt: skip
        assert isinstance(done, hand_over.HandedOver)


async def test_what_moves_to_another_shop_is_paid_there(world):
    """The first shop was paid for what it handed over, and for nothing else."""
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 1)
    receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    await world.reject(receipt, 1)
    await world.ready(receipt)
    await world.hand(receipt, cash=19900)
    async with world.db.begin() as tx:
        await answer.answer_move(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
            secret=b"only for tests", actor=world.member,
        )  # fmt: skip
    moved = next(job for job in (await world.order(receipt)).fulfilments if job.store.code == "B")
    job = msgspec.structs.replace(receipt.fulfilments[0], id=moved.id, store_code="B")
    there = msgspec.structs.replace(receipt, fulfilments=[job])
    await world.ready(there)
    with pytest.raises(fulfilment.NotPaid):
        await world.hand(there)
    assert (await world.hand(there, cash=19900)).taken_minor == 19900
    order = await world.order(receipt)
    assert (order.state, order.paid.minor, order.refunded.minor) == ("completed", 39800, 0)
    assert await balance(world, f"cash:{world.stores['B']}") == 19900
    assert await balance(world, "deposits") == 0


async def test_what_costs_nothing_is_paid_wherever_it_moves(world):
    """Else it would be let go at the second shop as something that nobody came to pay for, and at the first never."""
    await world.stock("A", "sock", 1)
    await world.stock("B", "sock", 1)
    receipt = await world.place(world.wish("sock", at="A"), pay_mode="at_store")
    await world.reject(receipt, 1)
    async with world.db.begin() as tx:
        await answer.answer_move(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
            secret=SECRET, actor=world.member,
        )  # fmt: skip
    rows = await world.db.fetch("SELECT paid FROM fulfilments WHERE order_id = $1", receipt.id)
    assert [row["paid"] for row in rows] == [True, True]


async def test_rejected_pickup_answered_with_a_refund(world, books):
    await world.stock("A", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.reject(receipt, 1, "display")
    assert await world.level("A", "milk") == (2, 1)
    async with world.db.begin() as tx:
        await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.refunded.minor) == ("preparing", 19900)


async def sale(world, quantity, tendered):
    shop = world.look.chain.store(world.stores["A"])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], quantity)], member_id=None)
    buyer = await world.new_member()
    async with world.db.begin() as tx:
        return await sell.sell(
            tx, shop, priced, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=tendered,
            actor=world.clerk,
        )  # fmt: skip


async def test_sale_over_the_counter(world):
    await world.stock("A", "milk", 2)
    sold = await sale(world, 2, 40000)
    assert (sold.total_minor, sold.change_minor) == (39800, 200)
    assert await world.level("A", "milk") == (0, 0)
    with pytest.raises(inventory.InsufficientStock):
        await sale(world, 1, 20000)


async def test_the_till_sells_safety_stock_and_never_what_is_held(world):
    await world.stock("A", "milk", 2)
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["A"], sku_id=world.skus["milk"], safety=1, reason="r", actor=world.clerk
        )
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", 2, at="A"))
    await world.place(world.wish("milk", 1, at="A"), pay_mode="at_store")
    await sale(world, 1, 19900)
    with pytest.raises(inventory.InsufficientStock):
        await sale(world, 1, 19900)
    assert await world.level("A", "milk") == (1, 1)


async def test_an_order_for_nothing_is_paid_from_the_start(world):
    await world.stock("A", "sock", 1)
    receipt = await world.place(world.wish("sock", at="A"))
    assert (receipt.state, receipt.pay_state) == ("preparing", "paid")
    await world.ready(receipt)
    await world.hand(receipt)
    assert (await world.order(receipt)).state == "completed"
