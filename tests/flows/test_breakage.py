"""Breakage: what is free leaves the book at once, what is promised is found elsewhere first, whoever comes in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from duoline import inventory
from duoline.entry.check import broken
from duoline.kernel import clock, faults
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from tests.flows.conftest import NOON
from tests.flows.test_lock_order import SKUS, levels, seen_while_held, stocked
from tests.flows.test_races import held, outcomes, sale


@pytest.fixture(autouse=True)
def before_noon(world):
    """Everything that a test does not say the time of happened an hour before noon."""
    with clock.frozen(NOON - timedelta(hours=1)):
        yield


async def breaks(world, units, store="A", sku="milk"):
    async with world.db.begin() as tx:
        done = await inventory.set_aside(
            tx, location_id=world.stores[store], units={world.skus[sku]: units}, ref_id=new_id(), actor=world.clerk,
            note="dropped",
        )  # fmt: skip
    return done[world.skus[sku]]


async def moved(world):
    """Units that left shops by reason and what it was for."""
    rows = await world.db.fetch(
        """SELECT m.reason, m.ref_kind, -sum(m.quantity)::int AS units FROM movements m
           WHERE m.quantity < 0 AND m.location_id = ANY ($1) GROUP BY 1, 2 ORDER BY 1, 2""",
        list(world.stores.values()),
    )
    return [tuple(row) for row in rows]


async def test_free_units_leave_at_once_and_no_task_is_made(world):
    await world.stock("A", "milk", 5)
    done = await breaks(world, 2)
    assert (done.before, done.after, done.short, done.shortage_id) == (5, 3, 0, None)
    assert await world.shortages() == []
    assert await moved(world) == [("damage", "damage", 2)]


async def test_a_delivery_whose_unit_broke_moves_to_another_shop(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk"))
    await world.stock("B", "milk", 1)
    done = await breaks(world, 1)
    assert (done.after, done.short) == (1, 1)
    assert await world.level("A", "milk") == (1, 1)
    assert await world.shortages() == [("open", 1)]
    assert await broken(world.db) == []
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert (await world.level("A", "milk"), await world.level("B", "milk")) == ((0, 0), (1, 1))
    order = await world.order(receipt)
    assert [(job.store.code, job.state) for job in order.fulfilments if job.state != "rejected"] == [("B", "to_pick")]
    told = next(event for event in order.timeline if event.kind == "rejected").data
    assert (told["lines"][0]["reason"], told["note"]) == ("damaged", "reported as broken")
    assert await moved(world) == [("damage", "shortage", 1)]  # to quarantine, not lost
    await world.settle()
    assert await world.level("B", "milk") == (1, 1)


async def test_the_member_of_a_pickup_is_asked_and_nobody_else_gives_the_money_back(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    await breaks(world, 1)
    await world.settle()
    assert (await world.order(receipt)).state == "needs_answer"
    assert await world.level("A", "milk") == (0, 0)


async def test_only_what_broke_is_taken_and_what_is_free_goes_first(world, books):
    await world.stock("A", "milk", 5)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"))
    done = await breaks(world, 4)
    assert (done.before, done.after, done.short) == (5, 3, 2)
    await world.settle()
    assert await world.level("A", "milk") == (1, 1)
    assert await world.value("SELECT sum(quantity) FROM fulfilment_lines WHERE fulfilment_id = $1", receipt.fulfilments[0].id) == 1  # fmt: skip
    assert await moved(world) == [("damage", "damage", 2), ("damage", "shortage", 2)]


async def test_no_more_breaks_than_is_there(world, books):
    await world.stock("A", "milk", 2)
    await world.paid(books, world.wish("milk", 2, at="A"))
    with pytest.raises(inventory.BrokenBeyondStock) as refused:
        await breaks(world, 3)
    assert refused.value.fields["there"] == 2
    await breaks(world, 1)
    with pytest.raises(inventory.BrokenBeyondStock):  # one of the two is known to be gone
        await breaks(world, 2)
    await breaks(world, 1)
    assert await world.shortages() == [("open", 2)]
    for bad in (0, -1, 10**9):
        with pytest.raises(inventory.BadQuantity):
            await breaks(world, bad)
    with pytest.raises(inventory.BrokenBeyondStock):
        await breaks(world, 1, sku="sock")  # which this shop never had


async def test_missing_and_broken_units_of_one_article_are_one_task_and_each_go_where_they_belong(world, books):
    await world.stock("A", "milk", 4)
    for _ in range(4):
        await world.paid(books, world.wish("milk", at="A"))
    await world.count("A", milk=3)
    await breaks(world, 2)
    assert await world.shortages() == [("open", 3)]
    assert await broken(world.db) == []
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (1, 1)
    assert await moved(world) == [("damage", "shortage", 2), ("missing", "order", 1)]


@pytest.mark.parametrize("settled_before", [True, False])
async def test_a_count_after_the_breakage_writes_nothing_off_twice(world, books, settled_before):
    """The broken unit lies in the corner and nobody counts it."""
    await world.stock("A", "milk", 6)
    for _ in range(6):
        await world.paid(books, world.wish("milk", at="A"))
    await breaks(world, 1)
    with clock.frozen(NOON):
        count_id = await world.open_count("A", "milk")
        await world.scan("A", count_id, "milk", counted=5)
        if settled_before:
            with clock.frozen(NOON + timedelta(minutes=1)):
                await world.settle()
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await world.submit("A", count_id)
        assert await world.value("SELECT variance FROM count_lines WHERE count_id = $1", count_id) == 0
        await world.settle()
    assert await world.level("A", "milk") == (5, 5)


@pytest.mark.parametrize("settled_before", [True, False])
async def test_what_breaks_after_it_was_counted_was_whole_when_it_was_counted(world, books, settled_before):
    await world.stock("A", "milk", 6)
    for _ in range(6):
        await world.paid(books, world.wish("milk", at="A"))
    count_id = await world.open_count("A", "milk")
    await world.scan("A", count_id, "milk", counted=6)
    with clock.frozen(NOON):
        await breaks(world, 1)
        if settled_before:
            await world.settle()
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await world.submit("A", count_id)
        assert await world.value("SELECT variance FROM count_lines WHERE count_id = $1", count_id) == 0
        await world.settle()
    assert await world.level("A", "milk") == (5, 5)
    assert await world.shortages() == [("resolved", 0)]


async def test_a_clerk_who_rejects_the_broken_unit_first_settles_the_task(world, books):
    await world.stock("A", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.paid(books, world.wish("milk", at="A"))
    await breaks(world, 1)
    await world.reject(receipt, 1, "damaged")
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (1, 1)


# --- at the same moment ------------------------------------------------------------------------------


async def broke(world, units=1):
    await breaks(world, units)
    return "broke"


@pytest.mark.parametrize("other", ["hand over", "sale", "hold", "order", "second breakage"])
async def test_breakage_against_everything_that_wants_the_last_unit(world, other):
    holds = inventory.Holds(world.db)
    for n in range(8):
        with clock.frozen(NOON + timedelta(minutes=10 * n)):
            await world.settle()
            on_hand, kept = await world.level("A", "milk")
            free = on_hand - kept
            await world.stock("A", "milk", 1)
            waiting = None
            if other == "hand over":
                waiting = await world.place(
                    world.wish("milk", free + 1, at="A"), pay_mode="at_store", member_id=await world.new_member()
                )
                await world.ready(waiting)
            rival = {
                "hand over": lambda w=waiting, f=free: world.hand(w, cash=(f + 1) * 19900),
                "sale": lambda: sale(world, "A"),
                "hold": lambda: held(world, holds, "A"),
                "order": lambda: world.place(
                    world.wish("milk", at="A"), pay_mode="at_store", member_id=world.member_id
                ),
                "second breakage": lambda: broke(world),
            }[other]
            before = (await world.level("A", "milk"))[0]
            answers = await outcomes(broke(world), rival())
            assert await broken(world.db) == []
            after, kept = await world.level("A", "milk")
            assert 0 <= kept <= after <= before
            if other == "hand over":
                # Whoever hands over first leaves nothing to break; what broke first may be handed over no less.
                assert "broke" in answers or answers[0] == "inventory.broken-beyond-stock"
                handed = await world.value("SELECT state FROM fulfilments WHERE order_id = $1", waiting.id)
                assert handed == "handed_over"
                await world.settle()
                assert await world.value("SELECT count(*) FROM shortages WHERE state = 'open'") == 0
            assert await broken(world.db) == []


async def test_the_levels_are_locked_in_order(world):
    await stocked(world)
    shop, units = world.stores["A"], {world.skus[sku]: 1 for sku in reversed(SKUS)}
    mine = [level for level in levels(world) if level[0] == shop]

    async def verb():
        async with world.db.begin() as tx:
            await inventory.set_aside(tx, location_id=shop, units=units, ref_id=new_id(), actor=world.clerk)

    for n, level in enumerate(mine):
        free = await seen_while_held(world, level, verb)
        assert {one for one in free if one[0] == shop} == set(mine[n + 1 :])


async def test_a_hand_over_of_the_other_unit_against_the_worker_that_settles(world, books):
    """Two orders of one each, one unit broke: one is handed over and the other loses, never both, never neither."""
    for n in range(6):
        with clock.frozen(NOON + timedelta(minutes=n)):
            await world.stock("A", "milk", 2)
            receipts = [await world.paid(books, world.wish("milk", at="A")) for _ in range(2)]
            for receipt in receipts:
                await world.ready(receipt)
            await breaks(world, 1)
            answers = await asyncio.gather(world.settle(), world.hand(receipts[n % 2]), return_exceptions=True)
            assert [one for one in answers if isinstance(one, BaseException) and not isinstance(one, Refusal)] == []
            await world.settle()
            jobs = [receipt.fulfilments[0].id for receipt in receipts]
            states = [await world.value("SELECT state FROM fulfilments WHERE id = $1", job) for job in jobs]
            assert sorted(states) in (["handed_over", "rejected"], ["ready", "rejected"])
            if "ready" in states:
                await world.hand(receipts[states.index("ready")])
            assert await world.level("A", "milk") == (0, 0)
            assert await broken(world.db) == []


async def test_a_breakage_that_stops_before_its_end_has_done_nothing(world, books):
    await world.stock("A", "milk", 2)
    await world.paid(books, world.wish("milk", at="A"))
    faults.arm("breakage.before_commit:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await breaks(world, 2)
    finally:
        faults.arm("")
    assert (await world.level("A", "milk"), await world.shortages()) == ((2, 1), [])
    await breaks(world, 2)
    assert await world.shortages() == [("open", 1)]
