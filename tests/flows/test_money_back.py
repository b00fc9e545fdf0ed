"""Money goes back exactly where money came in, and what does not fit is kept for a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from duoline import inventory, payments
from duoline.flows import answer, expire, pay
from duoline.kernel import clock
from duoline.payments.provider import AlreadyPaid, EventKind, PaymentEvent, PaymentStatus


async def test_cancelling_what_nobody_paid_for_gives_nothing_back(world):
    """Two shops, each paid at its own counter: the money of the one is not owed for the other."""
    await world.stock("A", "milk", 1)
    await world.stock("B", "bottle", 1)
    receipt = await world.place(world.wish("milk", at="A"), world.wish("bottle", at="B"), pay_mode="at_store")
    at_a = next(n for n, job in enumerate(receipt.fulfilments) if job.store_code == "A")
    await world.ready(receipt, at_a)
    assert (await world.hand(receipt, at_a, cash=19900)).taken_minor == 19900
    assert await world.cancel(receipt) == 0
    order = await world.order(receipt)
    assert (order.state, order.paid.minor, order.refunded.minor) == ("completed", 19900, 0)
    assert await world.value("SELECT count(*) FROM refunds") == 0


async def test_answering_for_what_nobody_paid_for_gives_nothing_back(world):
    await world.stock("A", "milk", 2)
    receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    await world.reject(receipt, 1)
    await world.ready(receipt)
    assert (await world.hand(receipt, cash=19900)).taken_minor == 19900
    async with world.db.begin() as tx:
        await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    order = await world.order(receipt)
    assert (order.state, order.paid.minor, order.refunded.minor) == ("completed", 19900, 0)


async def test_paid_in_advance_everything_cancelled_goes_back_piece_by_piece(world, books):
    await world.stock("A", "milk", 3)
    await world.stock("DC", "bottle", 2)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"), world.wish("bottle", 2))
    milk, bottle = (line.id for line in receipt.lines)
    assert await world.cancel(receipt, {milk: 1, bottle: 1}) == 19900 + 4990
    await world.ready(receipt)
    await world.hand(receipt)
    fee = receipt.delivery_fee.minor
    assert await world.cancel(receipt) == 4990 + fee
    order = await world.order(receipt)
    assert order.paid.minor - order.refunded.minor == 2 * 19900


async def opened(world, receipt):
    page = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    return str(page.intent_id)


def notice(ref, amount, currency="CNY"):
    return PaymentEvent(
        event_id="the-one-event", kind=EventKind.PAYMENT_PAID, ref=ref, refund_ref=None, amount_minor=amount,
        currency=currency, occurred_at=clock.now(),
    )  # fmt: skip


async def test_a_false_notice_under_the_id_of_the_true_one_does_not_keep_it_out(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    ref = await opened(world, receipt)
    with pytest.raises(payments.AmountMismatch):
        await pay.receive(world.db, "sandbox", notice(ref, 1))
    asked = await world.value("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = 'payment.check'")
    await pay.check_payment(world.db, msgspec.json.decode(asked, type=pay.CheckPayment))
    assert await world.value("SELECT count(*) FROM payment_exceptions") == 0, "the provider knows of no such payment"
    books.pay(ref)
    await pay.receive(world.db, "sandbox", notice(ref, 19900))
    order = await world.order(receipt)
    assert (order.state, order.paid.minor) == ("preparing", 19900)


@pytest.mark.parametrize(("amount", "currency"), [(1, "CNY"), (19900, "USD"), (39800, "CNY")])
async def test_a_payment_of_another_amount_is_kept_for_a_person(world, books, amount, currency):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    ref = await opened(world, receipt)
    books.payments[ref] = msgspec.structs.replace(
        books.payments[ref], status=PaymentStatus.PAID, amount_minor=amount, currency=currency
    )
    for _ in range(2):
        await pay.check_order(world.db, member_id=world.member_id, order_id=receipt.id)
    rows = await world.db.fetch("SELECT id, got_minor, got_currency, expected_minor, state FROM payment_exceptions")
    assert [tuple(row)[1:] for row in rows] == [(amount, currency, 19900, "open")]
    order = await world.order(receipt)
    assert (order.state, order.paid.minor) == ("awaiting_payment", 0)
    assert [event.kind for event in order.timeline] == ["placed", "payment_misfit"]
    for _ in range(2):
        async with world.db.begin() as tx:
            await payments.resolve_exception(
                tx, member_id=world.member_id, exception_id=rows[0]["id"], reason="sent back by hand", actor=world.clerk
            )
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'order.payment-resolved'") == 1


async def test_one_order_that_cannot_expire_does_not_keep_the_others(world, books, monkeypatch):
    await world.stock("A", "milk", 3)
    receipts = [await world.place(world.wish("milk", at="A")) for _ in range(3)]
    expire_order = expire.expire_order

    async def broken_for_the_first(db, *, member_id, order_id):
        if order_id == receipts[0].id:
            raise RuntimeError("for this one order")
        return await expire_order(db, member_id=member_id, order_id=order_id)

    monkeypatch.setattr(expire, "expire_order", broken_for_the_first)
    monkeypatch.setattr(expire, "BATCH", 1)
    with clock.shifted(timedelta(minutes=16)):
        done = [await expire.expire_unpaid(world.db) for _ in range(3)]
        assert done == [0, 1, 1], "the broken one is tried once and then rests"
    assert [(await world.order(receipt)).state for receipt in receipts] == ["awaiting_payment", "expired", "expired"]
    assert await world.level("A", "milk") == (3, 1)


async def test_a_buyer_who_paid_something_else_does_not_keep_the_units(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    ref = await opened(world, receipt)
    books.payments[ref] = msgspec.structs.replace(books.payments[ref], status=PaymentStatus.PAID, amount_minor=1)
    with pytest.raises(AlreadyPaid):
        await books.close_payment(ref)
    with clock.shifted(timedelta(minutes=16)):
        assert await expire.expire_unpaid(world.db) == 1
    assert (await world.order(receipt)).state == "expired"
    assert await world.level("A", "milk") == (1, 0)
    assert await world.value("SELECT got_minor FROM payment_exceptions WHERE state = 'open'") == 1


async def test_a_silent_provider_is_asked_once_a_round(world, books):
    await world.stock("A", "milk", 3)
    for _ in range(3):
        receipt = await world.place(world.wish("milk", at="A"))
        await opened(world, receipt)
    asked = []
    close = books.close_payment

    async def counted(ref):
        asked.append(ref)
        return await close(ref)

    books.close_payment, books.silent = counted, True
    with clock.shifted(timedelta(minutes=16)):
        assert await expire.expire_unpaid(world.db) == 3
    assert len(asked) == 1
    assert await world.level("A", "milk") == (3, 0)


async def test_no_answer_is_an_answer_after_a_while(world, books):
    await world.stock("A", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.reject(receipt, 1)
    due = await world.db.fetchrow(
        "SELECT payload, execute_after FROM pgqueuer.pgqueuer WHERE entrypoint = 'order.answer-due'"
    )
    assert due["execute_after"] - clock.now() > timedelta(hours=40)
    what = msgspec.json.decode(due["payload"], type=answer.AnswerDue)
    await answer.answer_for_the_member(world.db, what)
    await answer.answer_for_the_member(world.db, what)
    order = await world.order(receipt)
    assert (order.state, order.refunded.minor) == ("preparing", 19900)


async def test_an_order_to_be_paid_that_nobody_made_ready_is_let_go(world):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    with clock.shifted(timedelta(days=6)):
        assert await expire.release_uncollected(world.db) == 0
    with clock.shifted(timedelta(days=8)):
        assert await expire.release_uncollected(world.db) == 1
    assert (await world.order(receipt)).state == "cancelled"
    assert await world.level("A", "milk") == (1, 0)


async def test_what_can_be_had_elsewhere_is_and_the_rest_goes_back(world, books):
    """Two articles rejected by the warehouse: three units of one are in the shops, nobody has the other."""
    await world.stock("DC", "milk", 4)
    await world.stock("DC", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", 4), world.wish("bottle", 1))
    assert [job.store_code for job in receipt.fulfilments] == ["DC"]
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 1)
    milk, bottle = (line.id for line in receipt.lines)
    outcome = await world.reject_lines(receipt, {milk: 4, bottle: 1})
    found = sorted((one.line_id == milk, one.result, one.quantity) for one in outcome)
    assert found == [(False, "refunded", 1), (True, "refunded", 1), (True, "resourced", 1), (True, "resourced", 2)]
    order = await world.order(receipt)
    assert order.refunded.minor == 19900 + 4990


async def test_first_counts_at_the_same_moment_do_not_add_up(world):
    async def count():
        async with world.db.begin() as tx:
            await inventory.correct_to(
                tx, location_id=world.stores["B"], sku_id=world.skus["sock"], counted=5, actor=world.clerk
            )

    await asyncio.gather(*(count() for _ in range(6)))
    assert await world.level("B", "sock") == (5, 0)
