"""Counts: right while the shop trades, and what is promised and missing is found elsewhere or asked about."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta

import pytest

from duoline import inventory, orders
from duoline.entry.check import broken
from duoline.flows import sell, settle_shortage
from duoline.kernel import clock, faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.machine import WrongState
from tests.flows.conftest import NOON
from tests.flows.test_races import held, outcomes, sale
from tests.flows.test_transfers import ask, receive, send


@pytest.fixture(autouse=True)
def before_noon(world):
    """Everything that a test does not say the time of happened an hour before noon."""
    with clock.frozen(NOON - timedelta(hours=1)):
        yield


async def sold(world, store, sku="milk", quantity=1):
    shop = world.look.chain.store(world.stores[store])
    priced = await sell.price_wishes(world.look, shop, [(world.skus[sku], quantity)], member_id=None)
    buyer = await world.new_member()
    async with world.db.begin() as tx:
        await sell.sell(
            tx, shop, priced, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=10**7, actor=world.clerk
        )


async def line(world, count_id, sku="milk"):
    return dict(
        await world.db.fetchrow(
            "SELECT counted, book, moved, variance, applied, short FROM count_lines WHERE count_id = $1 AND sku_id = $2",
            count_id,
            world.skus[sku],
        )
    )


# --- the arithmetic ----------------------------------------------------------------------------------


async def test_a_small_difference_is_booked_at_once_and_a_large_one_waits_for_somebody_else(world):
    await world.stock("A", "milk", 20)
    await world.stock("A", "sock", 20)
    small = await world.open_count("A", "sock")
    await world.scan("A", small, "sock", counted=18)
    assert await world.submit("A", small)
    assert await world.level("A", "sock") == (18, 0)
    assert await world.value("SELECT decided_by FROM counts WHERE id = $1", small) == SYSTEM.id

    large = await world.open_count("A", "milk")  # two units are worth more than the limit of 200.00
    await world.scan("A", large, "milk", counted=18)
    assert not await world.submit("A", large)
    assert await world.level("A", "milk") == (20, 0)
    with pytest.raises(inventory.OwnCount):
        async with world.db.begin() as tx:
            await inventory.approve(tx, location_id=world.stores["A"], count_id=large, note="", actor=world.clerk)
    assert await world.level("A", "milk") == (20, 0)
    (booked,) = await world.approve("A", large)
    assert (booked.variance, booked.applied, booked.short, booked.before) == (-2, -2, 0, 20)
    assert await world.level("A", "milk") == (18, 0)
    with pytest.raises(WrongState):
        await world.approve("A", large)
    trail = await world.db.fetch(
        "SELECT subject, before, after FROM audit_log WHERE action = 'stock.count' ORDER BY at"
    )
    assert [(row["before"], row["after"]["on_hand"]) for row in trail] == [({"on_hand": 20}, 18)] * 2


async def test_a_sale_and_goods_in_between_count_and_approval_change_nothing(world):
    await world.stock("A", "milk", 20)
    count_id = await world.open_count("A", "milk")
    with clock.frozen(NOON):
        await world.scan("A", count_id, "milk", counted=17)
    with clock.frozen(NOON + timedelta(minutes=1)):
        await sold(world, "A", quantity=4)
        await world.stock("A", "milk", 10)
        assert not await world.submit("A", count_id)
        await world.approve("A", count_id)
    assert await world.level("A", "milk") == (17 - 4 + 10, 0)


async def test_what_comes_in_between_although_nobody_sent_it_was_not_there_to_be_counted(world):
    """The surplus of a transfer is booked like a count's, and yet says nothing of what somebody saw before it came."""
    await world.stock("A", "milk", 5)
    await world.stock("B", "milk", 1)
    count_id = await world.open_count("A", "milk")
    await world.scan("A", count_id, "milk", counted=5)
    with clock.frozen(NOON):
        moved = await ask(world, {"milk": 1}, source="B", to="A", called=True)
        await send(world, moved)
        await receive(world, moved, {"milk": (3,)})
        assert await world.level("A", "milk") == (8, 0)
        assert await world.submit("A", count_id)
    assert await world.level("A", "milk") == (8, 0)


async def test_a_scan_that_arrives_late_is_judged_by_the_book_of_its_own_time(world):
    await world.stock("A", "milk", 20)
    count_id = await world.open_count("A", "milk")
    with clock.frozen(NOON + timedelta(minutes=5)):
        await sold(world, "A", quantity=3)
    with clock.frozen(NOON + timedelta(minutes=9)):  # the phone had no network at noon, when 20 were counted
        await world.scan("A", count_id, "milk", counted=20, at=NOON)
        assert await line(world, count_id) | {} == {
            "counted": 20, "book": 20, "moved": False, "variance": None, "applied": None, "short": None
        }  # fmt: skip
        assert await world.submit("A", count_id)
    assert await world.level("A", "milk") == (17, 0)


async def test_scans_add_up_once_each_and_can_be_taken_back(world):
    await world.stock("A", "milk", 3)
    count_id = await world.open_count("A", "milk")
    first = await world.scan("A", count_id, "milk", 1)
    await world.scan("A", count_id, "milk", 1, scan_id=first)  # sent again
    await world.scan("A", count_id, "milk", 1)
    assert (await line(world, count_id))["counted"] == 2
    await world.scan("A", count_id, "milk", 2)
    await world.scan("A", count_id, "milk", -1)
    assert (await line(world, count_id))["counted"] == 3
    await world.scan("A", count_id, "milk", counted=7)
    await world.scan("A", count_id, "milk", -9)
    assert (await line(world, count_id))["counted"] == 0
    with clock.frozen(NOON + timedelta(minutes=1)):
        await sold(world, "A")
        await world.scan("A", count_id, "milk", 1)
    assert (await line(world, count_id))["moved"]  # somebody bought one while it was counted: count again
    await world.scan("A", count_id, "milk", counted=2)
    assert not (await line(world, count_id))["moved"]


async def test_a_full_count_takes_what_nobody_saw_as_absent_only_when_that_is_said(world):
    await world.stock("A", "milk", 2)
    await world.stock("A", "sock", 1)
    count_id = await world.open_count("A", kind="full")
    await world.scan("A", count_id, "milk", 2)
    for rest in (None, "leave"):
        with pytest.raises(inventory.CountIncomplete) as refused:
            await world.submit("A", count_id, rest)
        assert refused.value.fields == {"uncounted": 1}
    assert await world.submit("A", count_id, "absent")
    assert await world.level("A", "sock") == (0, 0)
    assert await world.level("A", "milk") == (2, 0)


async def test_a_cycle_count_may_leave_articles_for_another_time(world):
    await world.stock("A", "milk", 2)
    await world.stock("A", "sock", 1)
    count_id = await world.open_count("A", "milk", "sock")
    with pytest.raises(inventory.NothingToCount):
        await world.submit("A", count_id, "leave")
    await world.scan("A", count_id, "milk", 2)
    assert await world.submit("A", count_id, "leave")
    assert await world.level("A", "sock") == (1, 0)
    with pytest.raises(inventory.NothingToCount):
        await world.open_count("A")


async def test_two_counts_of_one_shelf_do_not_correct_the_same_units_twice(world):
    await world.stock("A", "milk", 10)
    with clock.frozen(NOON):
        first, second = await world.open_count("A", "milk"), await world.open_count("A", "milk")
        await world.scan("A", first, "milk", counted=7)
    with clock.frozen(NOON + timedelta(seconds=1)):
        await world.scan("A", second, "milk", counted=7)
        await world.submit("A", first)
        await world.submit("A", second)
    with clock.frozen(NOON + timedelta(minutes=1)):
        await world.approve("A", second)
        assert await world.level("A", "milk") == (7, 0)
        (booked,) = await world.approve("A", first)
    assert booked.variance == 0
    assert await world.level("A", "milk") == (7, 0)


async def test_the_later_look_wins_over_the_earlier_whichever_is_approved_first(world):
    await world.stock("A", "milk", 10)
    with clock.frozen(NOON):
        early, late = await world.open_count("A", "milk"), await world.open_count("A", "milk")
        await world.scan("A", early, "milk", counted=4)
    with clock.frozen(NOON + timedelta(seconds=1)):
        await world.scan("A", late, "milk", counted=8)
        await world.submit("A", early)
        await world.submit("A", late)
    with clock.frozen(NOON + timedelta(minutes=1)):
        await world.approve("A", early)
        assert await world.level("A", "milk") == (4, 0)
        await world.approve("A", late)
    assert await world.level("A", "milk") == (8, 0)


async def test_a_rejected_count_is_counted_again(world):
    await world.stock("A", "milk", 20)
    count_id = await world.open_count("A", "milk")
    await world.scan("A", count_id, "milk", counted=2)
    await world.submit("A", count_id)
    with pytest.raises(WrongState):
        await world.scan("A", count_id, "milk", 1)
    async with world.db.begin() as tx:
        await inventory.send_back(
            tx, location_id=world.stores["A"], count_id=count_id, reason="look behind", actor=world.manager
        )
    await world.scan("A", count_id, "milk", counted=20)
    assert await world.submit("A", count_id)
    async with world.db.begin() as tx:
        with pytest.raises(WrongState):
            await inventory.cancel_count(tx, location_id=world.stores["A"], count_id=count_id, actor=world.clerk)
    assert await world.level("A", "milk") == (20, 0)


# --- what is held and missing ------------------------------------------------------------------------


async def test_a_delivery_whose_unit_is_missing_moves_to_another_shop(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk"))
    assert receipt.fulfilments[0].store_code == "A"
    await world.stock("B", "milk", 1)
    await world.count("A", milk=0)
    assert await world.level("A", "milk") == (1, 1)
    assert await world.shortages() == [("open", 1)]
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (0, 0)
    assert await world.level("B", "milk") == (1, 1)
    order = await world.order(receipt)
    assert [(job.store.code, job.state) for job in order.fulfilments if job.state != "rejected"] == [("B", "to_pick")]
    await world.settle()
    assert await world.level("B", "milk") == (1, 1)


async def test_a_delivery_that_nobody_else_has_is_refunded(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk"))
    await world.count("A", milk=0)
    await world.settle()
    await world.refunds()
    order = await world.order(receipt)
    assert (order.state, order.refunded.minor) == ("cancelled", 19900)


async def test_the_member_of_a_pickup_is_asked(world, books):
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(receipt)
    await world.count("A", milk=0)
    await world.settle()
    assert (await world.order(receipt)).state == "needs_answer"
    assert await world.level("A", "milk") == (0, 0)
    assert await world.value("SELECT count(*) FROM movements WHERE reason = 'missing' AND quantity < 0") == 1


async def test_who_is_not_paid_loses_first_and_then_whose_promise_is_latest(world, books):
    await world.stock("A", "milk", 3)
    early = await world.paid(books, world.wish("milk", at="A"))
    late = await world.paid(books, world.wish("milk", at="A"))
    unpaid = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    for hours, receipt in ((1, unpaid), (2, early), (3, late)):
        await world.db.execute(
            "UPDATE fulfilments SET promise_at = $2 WHERE order_id = $1", receipt.id, NOON + timedelta(hours=hours)
        )
    for loser, left in ((unpaid, 2), (late, 1), (early, 0)):
        await world.count("A", milk=left)
        await world.settle()
        states = {
            one.id: await world.value("SELECT state FROM fulfilments WHERE order_id = $1", one.id)
            for one in (early, late, unpaid)
        }
        assert states[loser.id] == "rejected"
        assert list(states.values()).count("rejected") == 3 - left
    assert await world.level("A", "milk") == (0, 0)


async def test_only_what_is_missing_is_taken_and_what_is_free_goes_first(world, books):
    await world.stock("A", "milk", 5)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"))
    count_id = await world.count("A", milk=2)
    assert await line(world, count_id) | {} == {
        "counted": 2, "book": 5, "moved": False, "variance": -3, "applied": -2, "short": 1
    }  # fmt: skip
    await world.settle()
    assert await world.level("A", "milk") == (2, 2)
    assert await world.value("SELECT sum(quantity) FROM fulfilment_lines WHERE fulfilment_id = $1", receipt.fulfilments[0].id) == 2  # fmt: skip


async def test_an_order_that_waits_for_payment_is_waited_for(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    await world.count("A", milk=0)
    for _ in range(3):
        await world.settle()
    assert await world.shortages() == [("open", 1)]
    # The job of the approval, which is still there, and one that looks again.
    assert await world.value("SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = 'stock.shortage'") == 2
    assert await broken(world.db) == []
    await world.pay(books, receipt)
    await settle_shortage.sweep(world.db)
    assert await world.shortages() == [("resolved", 0)]
    assert (await world.order(receipt)).state == "needs_answer"


async def test_units_kept_by_hand_are_for_a_person_to_give_up(world):
    await world.stock("A", "milk", 1)
    hold_id = await inventory.Holds(world.db).hold(
        location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=new_id(),
        expires_at=None, actor=world.clerk,
    )  # fmt: skip
    await world.count("A", milk=0)
    await world.settle()
    shortage = await world.value("SELECT id FROM shortages WHERE asks")
    assert shortage is not None
    async with world.db.begin() as tx:
        with pytest.raises(NotFound):
            await inventory.give_up_for(
                tx, location_id=world.stores["A"], shortage_id=shortage, hold_id=new_id(), actor=world.clerk
            )
        await inventory.give_up_for(
            tx, location_id=world.stores["A"], shortage_id=shortage, hold_id=hold_id, actor=world.clerk
        )
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (0, 0)


async def test_units_that_turn_up_end_the_task(world):
    await world.stock("A", "milk", 1)
    await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.count("A", milk=0)
    shortage = await world.value("SELECT id FROM shortages")
    async with world.db.begin() as tx:
        await inventory.found_after_all(tx, location_id=world.stores["A"], shortage_id=shortage, actor=world.clerk)
    await world.settle()
    assert await world.level("A", "milk") == (1, 1)
    assert await world.shortages() == [("resolved", 0)]


async def test_nothing_turns_up_that_an_order_has_lost(world):
    """Somebody finds the units just when the last order that had them has lost them, and before the task is closed."""
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.count("A", milk=0)
    shortage = await world.value("SELECT id FROM shortages")
    await world.reject(receipt, 1)
    assert await world.shortages() == [("open", 0)]
    async with world.db.begin() as tx:
        await inventory.found_after_all(tx, location_id=world.stores["A"], shortage_id=shortage, actor=world.clerk)
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'stock.shortage-found'") == 0
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]


async def test_counting_the_same_gap_again_makes_no_second_task(world, books):
    await world.stock("A", "milk", 5)
    for _ in range(5):
        await world.paid(books, world.wish("milk", at="A"))
    for n in range(2):
        with clock.frozen(NOON + timedelta(minutes=n)):
            await world.count("A", milk=4)
    assert await world.shortages() == [("open", 1)]
    with clock.frozen(NOON + timedelta(minutes=3)):
        await world.count("A", milk=3)
    assert await world.shortages() == [("open", 2)]
    with clock.frozen(NOON + timedelta(minutes=4)):
        await world.count("A", milk=5)  # both were found
    assert await world.shortages() == [("resolved", 0)]
    await world.settle()
    assert await world.level("A", "milk") == (5, 5)


async def test_a_clerk_who_rejects_the_missing_unit_first_settles_the_task(world, books):
    await world.stock("A", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.paid(books, world.wish("milk", at="A"))
    await world.count("A", milk=1)
    await world.reject(receipt, 1)
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (1, 1)


# --- at the same moment ------------------------------------------------------------------------------


async def counting(world, count_id, store="A"):
    await world.approve(store, count_id)
    return "approved"


async def submitted(world, units, store="A"):
    """A count of milk that waits for its approval, taken a moment ago."""
    count_id = await world.open_count(store, "milk")
    await world.scan(store, count_id, "milk", counted=units)
    assert not await world.submit(store, count_id)
    return count_id


@pytest.mark.parametrize("other", ["sale", "hold", "order", "hand over", "second approval"])
async def test_approval_against_everything_that_wants_the_last_unit(world, other):
    holds = inventory.Holds(world.db)
    for n in range(8):
        with clock.frozen(NOON + timedelta(minutes=10 * n)):
            on_hand, _ = await world.level("A", "milk")
            await world.stock("A", "milk", 3)
            waiting = None
            if other == "hand over":
                waiting = await world.place(
                    world.wish("milk", 3, at="A"), pay_mode="at_store", member_id=await world.new_member()
                )
                await world.ready(waiting)
            before = (await world.level("A", "milk"))[0]
            known = sum(units for state, units in await world.shortages() if state == "open")
            count_id = await submitted(world, before - known - 3)
        with clock.frozen(NOON + timedelta(minutes=10 * n + 1)):
            rival = {
                "sale": lambda: sale(world, "A"),
                "hold": lambda: held(world, holds, "A"),
                "order": lambda: world.place(
                    world.wish("milk", at="A"), pay_mode="at_store", member_id=world.member_id
                ),
                "hand over": lambda w=waiting: world.hand(w, cash=3 * 19900),
                "second approval": lambda c=count_id: counting(world, c),
            }[other]
            answers = await outcomes(counting(world, count_id), rival())
        assert "approved" in answers or "kernel.wrong-state" in answers
        short = await world.value("SELECT coalesce(sum(short), 0) FROM count_lines WHERE count_id = $1", count_id)
        applied = await world.value("SELECT applied FROM count_lines WHERE count_id = $1", count_id)
        assert applied - short == -3
        assert await broken(world.db) == []
        await world.settle()
        if other == "second approval":
            assert answers.count("approved") == 1
            assert (await world.level("A", "milk"))[0] == on_hand


async def test_two_workers_and_a_clerk_settle_one_shortage_once(world, books):
    await world.stock("A", "milk", 6)
    receipts = [await world.paid(books, world.wish("milk", at="A")) for _ in range(6)]
    await world.count("A", milk=4)
    answers = await asyncio.gather(world.settle(), world.settle(), world.reject(receipts[0], 1), return_exceptions=True)
    assert [one for one in answers if isinstance(one, BaseException) and not isinstance(one, Refusal)] == []
    await world.settle()
    rejected = await world.value("SELECT count(*) FROM fulfilments WHERE state = 'rejected'")
    assert rejected in (2, 3)  # three when the clerk rejected one although both were settled
    assert (await world.level("A", "milk")) == (6 - rejected, 6 - rejected)
    assert await world.shortages() == [("resolved", 0)]


async def test_scans_of_one_article_by_two_phones_add_up(world):
    await world.stock("A", "milk", 40)
    count_id = await world.open_count("A", "milk")
    await asyncio.gather(*(world.scan("A", count_id, "milk", 1) for _ in range(40)))
    assert (await line(world, count_id))["counted"] == 40


# --- wherever it stops, and whatever happens -----------------------------------------------------------


async def test_an_approval_that_stops_before_its_end_has_done_nothing(world):
    await world.stock("A", "milk", 9)
    count_id = await submitted(world, 2)
    faults.arm("count.before_commit:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await world.approve("A", count_id)
    finally:
        faults.arm("")
    assert await world.level("A", "milk") == (9, 0)
    await world.approve("A", count_id)
    assert await world.level("A", "milk") == (2, 0)


@pytest.mark.parametrize("point", ["shortage.before_reject", "shortage.after_reject"])
async def test_a_shortage_is_settled_once_wherever_the_worker_stops(point, world, books):
    await world.stock("A", "milk", 2)
    for _ in range(2):
        await world.paid(books, world.wish("milk", at="A"))
    await world.count("A", milk=1)
    faults.arm(f"{point}:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await world.settle()
    finally:
        faults.arm("")
    await world.settle()
    assert await world.shortages() == [("resolved", 0)]
    assert await world.level("A", "milk") == (1, 1)
    assert await world.value("SELECT count(*) FROM fulfilments WHERE state = 'rejected'") == 1


class Shelf:
    """One shop in which things also happen that no book knows of, and what is really there."""

    def __init__(self, world, seed):
        self.world, self.chance = world, random.Random(seed)
        self.holds = inventory.Holds(world.db)
        self.there: Counter[str] = Counter()
        self.counting: list[object] = []
        self.waiting: list[object] = []
        self.orders: list[tuple[object, str, int]] = []
        self.kept: list[object] = []
        self.done: Counter[str] = Counter()

    async def step(self):
        ways = [self.arrive, self.theft, self.surplus, self.sell, self.hold, self.give_back, self.order, self.hand,
                self.begin, self.scan, self.scan, self.end, self.decide, self.settle, self.settle]  # fmt: skip
        way = self.chance.choice(ways)
        try:
            await way(self.chance.choice(("milk", "sock")))
            self.done[way.__name__] += 1
        except Refusal:
            self.done[f"{way.__name__} refused"] += 1

    async def arrive(self, sku):
        units = self.chance.randint(1, 6)
        await self.world.stock("A", sku, units)
        self.there[sku] += units

    async def theft(self, sku):
        self.there[sku] -= min(self.there[sku], self.chance.randint(1, 3))

    async def surplus(self, sku):
        self.there[sku] += 1

    async def sell(self, sku):
        if self.there[sku]:
            await sold(self.world, "A", sku)
            self.there[sku] -= 1

    async def hold(self, sku):
        hold_id = await self.holds.hold(
            location_id=self.world.stores["A"], sku_id=self.world.skus[sku], quantity=self.chance.randint(1, 2),
            ref_kind="clerk", ref_id=new_id(), expires_at=None, actor=self.world.clerk,
        )  # fmt: skip
        self.kept.append(hold_id)

    async def give_back(self, _):
        if self.kept:
            hold_id = self.kept.pop(self.chance.randrange(len(self.kept)))
            async with self.world.db.begin() as tx:
                await inventory.give_up(tx, location_id=self.world.stores["A"], hold_id=hold_id, actor=self.world.clerk)

    async def order(self, sku):
        units = self.chance.randint(1, 3)
        receipt = await self.world.place(
            self.world.wish(sku, units, at="A"), pay_mode="at_store", member_id=await self.world.new_member()
        )
        self.orders.append((receipt, sku, units))

    async def hand(self, _):
        """A clerk hands over what is left of an order, when it is really there."""
        if not self.orders:
            return
        receipt, sku, _ = self.orders.pop(self.chance.randrange(len(self.orders)))
        row = await self.world.db.fetchrow(
            """SELECT f.state, coalesce(sum(w.quantity), 0) AS units FROM fulfilments f JOIN fulfilment_lines w
                 ON w.location_id = f.location_id AND w.fulfilment_id = f.id WHERE f.order_id = $1 GROUP BY f.state""",
            receipt.id,
        )
        if row["state"] != "to_pick" or row["units"] > self.there[sku]:
            return
        await self.world.ready(receipt)
        await self.world.hand(receipt, cash=10**6)
        self.there[sku] -= row["units"]

    async def begin(self, _):
        if len(self.counting) < 3:
            self.counting.append(await self.world.open_count("A", "milk", "sock"))

    async def scan(self, sku):
        if self.counting:
            count_id = self.chance.choice(self.counting)
            await self.world.scan("A", count_id, sku, counted=self.there[sku])

    async def end(self, _):
        if self.counting:
            count_id = self.chance.choice(self.counting)
            approved = await self.world.submit("A", count_id, "leave")
            self.counting.remove(count_id)
            if not approved:
                self.waiting.append(count_id)

    async def decide(self, _):
        if self.waiting:
            await self.world.approve("A", self.waiting.pop(self.chance.randrange(len(self.waiting))))

    async def settle(self, _):
        await self.world.settle()


@pytest.mark.parametrize("seed", range(4))
async def test_after_whatever_happened_a_last_count_tells_what_is_there(world, seed):
    shelf = Shelf(world, seed)
    for n in range(120):
        with clock.frozen(NOON + timedelta(minutes=n)):
            await shelf.step()
            if n % 10 == 0:
                assert await broken(world.db) == []
    with clock.frozen(NOON + timedelta(hours=5)):
        while shelf.waiting:
            await shelf.decide("")
    with clock.frozen(NOON + timedelta(hours=6)):
        for _ in list(shelf.kept):
            await shelf.give_back("")
        await world.count("A", milk=shelf.there["milk"], sock=shelf.there["sock"])
        await world.settle()
        for sku in ("milk", "sock"):
            assert (await world.level("A", sku))[0] == shelf.there[sku], (sku, shelf.done)
        assert {state for state, _ in await world.shortages()} <= {"resolved"}
    assert await broken(world.db) == []


async def test_the_walk_above_gets_everywhere(world):
    shelf = Shelf(world, 1)
    for n in range(120):
        with clock.frozen(NOON + timedelta(minutes=n)):
            await shelf.step()
    for way in ("sell", "hand", "scan", "end", "decide", "hold", "order"):
        assert shelf.done[way], (way, shelf.done)
    assert await world.value("SELECT count(*) FROM shortages") > 0
