"""A delivery that was rejected too often waits for a person, who sources it again or gives the money back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from duoline import orders
from duoline.flows import look_after
from duoline.flows.answer import AnswerDue, NothingToAnswer, answer_for_the_member, answer_refund
from duoline.kernel import clock, faults
from duoline.kernel.auth import Actor
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id
from duoline.payments.provider import RefundStatus
from tests.flows.test_races import outcomes

HQ = Actor("staff", new_id(), "Zhao Min")


async def parcels(world, receipt):
    """The live parcels of an order, as a receipt has them."""
    view = await world.order(receipt)
    return [job for job in view.fulfilments if job.state in ("to_pick", "ready") and job.kind == "ship"]


async def rejected(world, receipt, units=1):
    """Wherever the order is now, that shop rejects it."""
    job = (await parcels(world, receipt))[0]
    at = msgspec.structs.replace(receipt.fulfilments[0], id=job.id, store_code=job.store.code)
    now = msgspec.structs.replace(receipt, fulfilments=[at])
    return await world.reject_lines(now, {job.lines[0].line_id: units})


async def frozen(world, books, units=1, stock=5):
    """An order of milk that two locations could not serve; there is more of it."""
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", stock)
    receipt = await world.paid(books, world.wish("milk", units))
    first = await rejected(world, receipt, units)
    assert {one.result for one in first} == {"resourced"}
    second = await rejected(world, receipt, units)
    assert [(one.result, one.quantity) for one in second] == [("frozen", units)]
    return receipt


async def again(world, receipt, at=None, actor=HQ):
    plan = await look_after.plan_again(
        world.look,
        member_id=world.member_id,
        order_id=receipt.id,
        at=world.stores[at] if at else None,
        by=actor.name,
    )
    async with world.db.begin() as tx:
        await look_after.source_again(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, plan=plan, reason="phoned", actor=actor
        )
    return "sourced"


async def money_back(world, receipt):
    async with world.db.begin() as tx:
        await look_after.refund_frozen(
            tx, member_id=world.member_id, order_id=receipt.id, units=1, reason="nobody has it", actor=HQ
        )
    return "refunded"


async def waiting(world):
    return await world.value("SELECT count(*) FROM frozen_orders")


async def test_the_second_rejection_lets_a_person_look(world, books):
    receipt = await frozen(world, books)
    view = await world.order(receipt)
    assert view.state == "needs_person"
    assert [(share.line_id, share.quantity) for share in view.frozen] == [(receipt.lines[0].id, 1)]
    assert view.waiting == []
    assert view.actions == ["cancel"]
    assert [event.kind for event in view.timeline][-2:] == ["rejected", "frozen"]
    assert await world.value("SELECT sum(held) FROM levels") == 0
    assert await world.value("SELECT count(*) FROM refunds") == 0
    assert await waiting(world) == 1


async def test_how_many_rejections_is_the_chains_to_say(world, books, set_policy):
    await set_policy("sourcing", rejections_max=1)
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 2)
    receipt = await world.paid(books, world.wish("milk"))
    assert [one.result for one in await rejected(world, receipt)] == ["frozen"]


async def test_a_part_that_is_rejected_counts_and_the_rest_goes_on(world, books):
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 5)
    receipt = await world.paid(books, world.wish("milk", 3))
    assert [one.result for one in await rejected(world, receipt)] == ["resourced"]
    assert [one.result for one in await rejected(world, receipt)] == ["frozen"]
    view = await world.order(receipt)
    assert (view.state, [share.quantity for share in view.frozen]) == ("needs_person", [1])
    assert sum(share.quantity for job in await parcels(world, receipt) for share in job.lines) == 2


async def test_what_waits_does_not_expire(world, books):
    receipt = await frozen(world, books)
    with clock.frozen(clock.now() + timedelta(days=60)):
        await answer_for_the_member(world.db, AnswerDue(world.member_id, receipt.id))
        with pytest.raises(NothingToAnswer):
            async with world.db.begin() as tx:
                await answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    assert await waiting(world) == 1
    assert (await world.order(receipt)).state == "needs_person"


async def test_a_question_about_a_pickup_leaves_the_delivery_waiting(world, books):
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 5)
    receipt = await world.paid(books, world.wish("milk"), world.wish("milk", at="A"))
    kinds = {job.store_code + job.kind: n for n, job in enumerate(receipt.fulfilments)}
    for _ in range(2):
        await rejected(world, receipt)
    await world.reject(receipt, 1, n=kinds["Apickup"])
    view = await world.order(receipt)
    assert (view.state, len(view.waiting), len(view.frozen)) == ("needs_answer", 1, 1)
    async with world.db.begin() as tx:
        await answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    view = await world.order(receipt)
    assert (view.state, len(view.waiting), len(view.frozen)) == ("needs_person", 0, 1)
    assert view.refunded.minor == 19900


async def test_sourcing_chooses_anew(world, books):
    receipt = await frozen(world, books)
    assert await again(world, receipt) == "sourced"
    view = await world.order(receipt)
    assert (view.state, view.frozen, await waiting(world)) == ("preparing", [], 0)
    refused = {job.store.code for job in view.fulfilments if job.state == "rejected"}
    live = {job.store.code for job in view.fulfilments if job.state == "to_pick"}
    assert len(refused) == 2
    assert not live & refused
    audited = await world.value("SELECT after FROM audit_log WHERE action = 'order.source-again'")
    assert [one["units"] for one in audited["sourced"]] == [1]


async def test_a_person_may_choose_a_location_that_had_rejected_it(world, books):
    receipt = await frozen(world, books)
    view = await world.order(receipt)
    refused = next(job.store.code for job in view.fulfilments if job.state == "rejected")
    found = await look_after.sources(world.look, member_id=world.member_id, order_id=receipt.id)
    assert {one.store.code: one.rejected for one in found}[refused] is True
    await again(world, receipt, at=refused)
    live = [job.store.code for job in await parcels(world, receipt)]
    assert live == [refused]
    summary = await world.value("SELECT summary FROM sourcing_decisions ORDER BY at DESC, id DESC LIMIT 1")
    assert summary["en"] == f"Zhao Min chose {refused} to send it."


async def test_the_next_rejection_lets_it_wait_again(world, books):
    receipt = await frozen(world, books)
    await again(world, receipt)
    assert [one.result for one in await rejected(world, receipt)] == ["frozen"]
    assert await world.value("SELECT rejections FROM frozen_orders") == 3


async def test_what_a_location_does_not_have_goes_on_waiting(world, books):
    receipt = await frozen(world, books, units=4, stock=4)
    place = (await look_after.sources(world.look, member_id=world.member_id, order_id=receipt.id))[0].store.code
    for code in ("A", "B", "DC"):
        have, _ = await world.level(code, "milk")
        target = 2 if code == place else 0
        if have != target:
            await world.stock(code, "milk", target - have)
    await again(world, receipt)
    view = await world.order(receipt)
    assert [share.quantity for share in view.frozen] == [2]
    assert await waiting(world) == 1


async def test_nothing_anywhere_is_said(world, books):
    receipt = await frozen(world, books)
    for code in ("A", "B", "DC"):
        have, _ = await world.level(code, "milk")
        if have:
            await world.stock(code, "milk", -have)
    assert await look_after.sources(world.look, member_id=world.member_id, order_id=receipt.id) == []
    with pytest.raises(look_after.NobodyHasIt):
        await again(world, receipt)
    assert await waiting(world) == 1


async def test_the_money_goes_back(world, books):
    receipt = await frozen(world, books)
    await money_back(world, receipt)
    await world.refunds()
    view = await world.order(receipt)
    assert (view.state, view.refunded, await waiting(world)) == ("cancelled", view.paid, 0)
    assert {refund.status for refund in books.refunds.values()} == {RefundStatus.DONE}
    with pytest.raises(look_after.NothingFrozen):
        await money_back(world, receipt)


async def test_the_member_cancels_what_waits(world, books):
    receipt = await frozen(world, books)
    await world.cancel(receipt)
    view = await world.order(receipt)
    assert (view.state, view.refunded, await waiting(world)) == ("cancelled", view.paid, 0)


async def test_units_that_nobody_serves_are_cancelled_first(world, books):
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 5)
    receipt = await world.paid(books, world.wish("milk", 3))
    for _ in range(2):
        await rejected(world, receipt)
    await world.cancel(receipt, {receipt.lines[0].id: 1})
    view = await world.order(receipt)
    assert (view.state, view.frozen, await waiting(world)) == ("preparing", [], 0)
    assert sum(share.quantity for job in await parcels(world, receipt) for share in job.lines) == 2


async def test_an_order_over_other_regions_is_not_for_this_dispatcher(world, books):
    receipt = await frozen(world, books)
    with pytest.raises(orders.ServedElsewhere):
        async with world.db.begin() as tx:
            await look_after.refund_frozen(
                tx,
                member_id=world.member_id,
                order_id=receipt.id,
                units=1,
                reason="r",
                actor=HQ,
                within={world.stores["A"]},
            )
    assert await waiting(world) == 1


async def attempt(done):
    try:
        return await done
    except Unavailable:
        return "again"


async def test_two_people_at_once_and_the_member(world, books):
    """Whoever comes first has it, and the units go one way only."""
    for n in range(12):
        receipt = await frozen(world, books)
        ways = [again(world, receipt), again(world, receipt, at="A"), money_back(world, receipt)]
        if n % 2:
            ways.append(world.cancel(receipt))
        answers = await outcomes(*(attempt(way) for way in ways))
        won = [one for one in answers if one in ("sourced", "refunded", 19900)]
        assert len([one for one in won if one != 19900]) <= 1, answers
        assert won, answers
        assert set(map(str, answers)) <= {
            "sourced", "refunded", "19900", "again", "orders.nothing-frozen", "orders.nothing-to-cancel",
        }  # fmt: skip
        view = await world.order(receipt)
        served = sum(share.quantity for job in await parcels(world, receipt) for share in job.lines)
        gone = sum(line.cancelled for line in view.lines)
        assert (served + gone, await waiting(world)) == (1, 0)
        if served:
            await world.cancel(receipt)


async def test_a_rejection_and_a_cancellation_at_once(world, books):
    for _ in range(8):
        for place in ("A", "B", "DC"):
            await world.stock(place, "milk", 3)
        receipt = await world.paid(books, world.wish("milk"))
        await rejected(world, receipt)
        answers = await asyncio.gather(rejected(world, receipt), world.cancel(receipt), return_exceptions=True)
        assert answers[1] == 19900
        assert await waiting(world) == 0
        assert (await world.order(receipt)).state == "cancelled"


@pytest.mark.parametrize("point", ["source_again.before_commit", "refund_frozen.before_commit"])
async def test_what_stops_before_its_end_has_done_nothing(point, world, books):
    receipt = await frozen(world, books)
    done = again if point.startswith("source") else money_back
    faults.arm(f"{point}:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await done(world, receipt)
    finally:
        faults.arm("")
    assert (await world.order(receipt)).state == "needs_person"
    assert await waiting(world) == 1
    await done(world, receipt)
    assert await waiting(world) == 0
