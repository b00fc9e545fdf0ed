"""Collect at a shop what another has: the units have an owner all the way and are promised once.

Every story is checked for every invariant at its end, and the first one after each step.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from duoline import fulfilment, inventory, orders
from duoline.entry.check import broken
from duoline.flows import answer, bring, expire, hand_over, ship, transfer_view
from duoline.flows import basket as baskets
from duoline.inventory import transfers
from duoline.kernel import clock
from duoline.kernel.errors import Fault, Refusal
from duoline.kernel.ids import new_id
from duoline.stores import directory
from duoline.stores.rights import Scope
from duoline.stores.types import Share
from tests.flows.conftest import NOON, SECRET, open_place
from tests.flows.test_lock_order import seen_while_held
from tests.flows.test_races import counted, outcomes, sale
from tests.flows.test_sharing import agree, outward


async def brought(world, books, quantity=1, sku="milk", at="A"):
    """A paid order to be collected at a shop that has not the units."""
    return await world.paid(books, world.wish(sku, quantity, at=at), bring=True)


async def send(world, receipt, n=0):
    """Pack it and send it on its way; the transfer."""
    job = receipt.fulfilments[n]
    await world.ready(receipt, n)
    await away(world, job.store_code, job.id)
    return await transfer_of(world, job.id)


async def away(world, code, job_id):
    async with world.db.begin() as tx:
        await bring.send_to_shop(
            tx, world.look.chain, location_id=world.stores[code], fulfilment_id=job_id, actor=world.clerk
        )
    return "sent"


async def transfer_of(world, job_id):
    return await transfers.peek(
        world.db, await world.value("SELECT id FROM transfers WHERE side = 'out' AND ref_id = $1", job_id)
    )


async def arrive(world, transfer, received=1, damaged=0, sku="milk", version=None):
    came = [transfers.Came(world.skus[sku], received, damaged)]
    async with world.db.begin() as tx:
        await bring.receive(tx, transfer_id=transfer.id, came=came, secret=SECRET, actor=world.clerk, version=version)
    return "received"


async def lose(world, transfer):
    async with world.db.begin() as tx:
        await bring.write_off(tx, transfer_id=transfer.id, reason="gone", actor=world.manager)


async def jobs(world, receipt):
    """(kind, location, state, units) of the order's fulfilments, the oldest first."""
    places = {id_: code for code, id_ in world.stores.items()}
    rows = await world.db.fetch(
        """SELECT f.id, f.kind, f.location_id, f.state, coalesce(sum(w.quantity), 0)::integer AS units FROM fulfilments f
           LEFT JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
           WHERE f.order_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY f.id""",
        receipt.id,
    )
    return [(row["kind"], places[row["location_id"]], row["state"], row["units"]) for row in rows]


async def collect(world, receipt, at="A"):
    """Show the code of what stands ready at the shop."""
    job_id = await world.value(
        "SELECT id FROM fulfilments WHERE order_id = $1 AND kind = 'pickup' AND state = 'ready'", receipt.id
    )
    async with world.db.begin() as tx:
        return await hand_over.hand_over(
            tx, location_id=world.stores[at], fulfilment_id=job_id, code=fulfilment.code_of(job_id, SECRET).qr,
            tender=None, tendered_minor=None, actor=world.clerk,
        )  # fmt: skip


async def kinds(world, receipt):
    return [event.kind for event in (await world.order(receipt)).timeline]


async def look(world, *wishes, **options):
    return await baskets.look_at(
        world.look, wishes, channel="mall", member_id=world.member_id, address=None, bring=True, **options
    )


@pytest.fixture
def noon(world):
    """Noon in Shanghai: for tests that look at promises."""
    with clock.frozen(NOON):
        yield


async def test_collected_at_a_shop_that_had_none(world, books, noon):
    await world.stock("B", "milk", 2)
    receipt = await world.place(world.wish("milk", at="A"), bring=True)
    (job,) = receipt.fulfilments
    assert (job.kind, job.store_code, job.to_store_code) == ("transfer", "B", "A")
    # B packs it in forty minutes, it travels for a day, A unpacks it in forty minutes.
    assert job.promise_at == datetime(2026, 11, 19, 5, 20, tzinfo=UTC)
    assert await world.level("B", "milk") == (2, 1)
    assert await outward(world, "B") == 1
    assert await broken(world.db) == []

    await world.pay(books, receipt)
    assert await jobs(world, receipt) == [("transfer", "B", "to_pick", 1)]
    assert (await world.order(receipt)).state == "preparing"
    assert await broken(world.db) == []

    transfer = await send(world, receipt)
    assert await world.level("B", "milk") == (1, 0)
    assert await inventory.on_the_way(world.db, [world.skus["milk"]], [world.stores["A"]]) != []
    assert (transfer.state, transfer.destination_id) == ("sent", world.stores["A"])
    order = await world.order(receipt)
    assert (order.state, order.waiting, order.actions) == ("on_the_way", [], ["cancel"])
    assert order.fulfilments[0].to.code == "A"
    assert await world.value("SELECT count(*) FROM journals WHERE kind = 'sale'") == 0
    assert await broken(world.db) == []

    await arrive(world, transfer)
    assert await jobs(world, receipt) == [("transfer", "B", "delivered", 1), ("pickup", "A", "ready", 1)]
    assert await world.level("A", "milk") == (1, 1)
    order = await world.order(receipt)
    assert (order.state, order.waiting) == ("ready", [])
    assert order.fulfilments[1].keep_until is not None
    assert await broken(world.db) == []

    assert isinstance(await collect(world, receipt), hand_over.HandedOver)
    assert (await world.order(receipt)).state == "completed"
    assert await world.level("A", "milk") == (0, 0)
    told = {"placed", "paid", "packed", "sent_to_shop", "arrived", "ready", "handed_over"}
    assert set(await kinds(world, receipt)) == told
    sales = await world.value("SELECT credit FROM journal_entries WHERE credit LIKE 'sales:%'")
    assert sales == f"sales:{world.stores['A']}"
    audited = await world.db.fetch(
        "SELECT action FROM audit_log WHERE action LIKE 'order.%' OR action LIKE 'transfer.%'"
    )
    assert {row["action"] for row in audited} == {
        "transfer.send", "order.send-to-shop", "transfer.receive", "order.arrive", "order.hand-over",
    }  # fmt: skip


async def test_a_look_says_when_and_asks_once_more_only_when_the_shop_has_none(world, noon, monkeypatch):
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 3)
    asked = []
    fetchval = world.db.fetchval
    monkeypatch.setattr(world.db, "fetchval", lambda sql, *args: asked.append(sql) or fetchval(sql, *args))
    here = await look(world, world.wish("milk", at="A"))
    assert (len(asked), here.brings, here.problems) == (1, [], [])
    there = await look(world, world.wish("milk", 2, at="A"))
    assert len(asked) == 3
    (group,) = there.groups
    assert (group.method, group.store.code, group.bring.source.code) == ("pickup", "A", "B")
    assert group.promise_at == datetime(2026, 11, 19, 5, 20, tzinfo=UTC)
    assert there.totals.delivery_fee_minor == 0
    # As many as one other location has, and not one from here and three from there.
    (line,) = (await look(world, world.wish("milk", 4, at="A"))).lines
    assert (line.problem.code, line.available) == ("inventory.insufficient-stock", 3)


async def test_a_box_costs_what_the_policy_says_of_transfers_and_of_the_days_until_it_is_there(world, set_policy, noon):
    await set_policy("sourcing", transfer=250, parcel=9000, per_km=0, day=40, walk_in=0)
    await world.stock("B", "milk", 2)
    receipt = await world.place(world.wish("milk", at="A"), bring=True)
    (candidate,) = await world.value("SELECT candidates FROM sourcing_decisions WHERE order_id = $1", receipt.id)
    assert candidate["parts"] == {"transfer": 250, "pick": 120, "day": 40}  # a day under way


async def test_who_has_not_agreed_to_wait_is_refused(world, books):
    """What was offered for today may be gone by the time it is ordered: nobody gets next week's instead unasked."""
    await world.stock("B", "milk", 2)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"))
    with pytest.raises(orders.PayOnlineToBring):
        await world.place(world.wish("milk", at="A"), pay_mode="at_store", bring=True)
    assert await world.level("B", "milk") == (2, 0)


async def test_the_policy_may_forbid_it(world, set_policy):
    await world.stock("B", "milk", 2)
    await set_policy("transfers", for_orders=False)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"), bring=True)


async def test_a_shop_that_sends_nothing_brings_nothing(world):
    await world.stock("B", "milk", 2)
    await world.db.execute("UPDATE stores SET ship = false, version = version + 1 WHERE code = 'B'")
    await directory.refresh(world.db)
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"), bring=True)


async def test_the_owners_terms_hold(world, books):
    await world.stock("B", "milk", 5)
    await agree(world, "B", Share("none"))
    with pytest.raises(inventory.InsufficientStock):
        await world.place(world.wish("milk", at="A"), bring=True)
    await agree(world, "B", Share("up_to", 2))
    await brought(world, books, 2)
    with pytest.raises(inventory.InsufficientStock) as refused:
        await world.place(world.wish("milk", at="A"), bring=True)
    assert refused.value.fields["short"][0]["available"] == 0
    assert await outward(world, "B") == 2


async def test_a_franchisees_fee_goes_with_the_units(world, books):
    company = new_id()
    await world.db.execute("INSERT INTO companies VALUES ($1, 'F1', '加盟', 'Franchisee', 'franchisee')", company)
    await open_place(world, "F", "store", 30.26, 120.16, company)
    await directory.refresh(world.db)
    await world.stock("F", "milk", 1)
    await agree(world, "F", Share("up_to", 2, fee_minor=300))
    receipt = await brought(world, books)
    transfer = await send(world, receipt)
    fees = await world.db.fetch("SELECT unit_fee_minor FROM transfers WHERE id = $1", transfer.id)
    assert [row["unit_fee_minor"] for row in fees] == [300, 300]
    await arrive(world, transfer)


async def test_several_lines_come_in_one_box_or_each_from_where_it_is(world, books):
    await world.stock("B", "milk", 1)
    await world.stock("DC", "milk", 1)
    await world.stock("DC", "bottle", 1)
    wishes = world.wish("milk", at="A"), world.wish("bottle", at="A")
    (group,) = (await look(world, *wishes)).groups
    assert (group.bring.source.code, group.line_ns) == ("DC", [0, 1])
    await world.stock("A", "bottle", 1)
    groups = (await look(world, *wishes)).groups
    assert [(group.line_ns, group.bring and group.bring.source.code) for group in groups] == [([1], None), ([0], "DC")]
    receipt = await world.paid(books, *wishes, bring=True)
    assert sorted(job.kind for job in receipt.fulfilments) == ["pickup", "transfer"]
    n = [job.kind for job in receipt.fulfilments].index("pickup")
    await world.ready(receipt, n)
    await world.hand(receipt, n)
    await arrive(world, await send(world, receipt, 1 - n))
    await collect(world, receipt)
    assert (await world.order(receipt)).state == "completed"


async def test_two_shops_each_bring_a_line(world, books):
    await world.stock("B", "milk", 1)
    await world.stock("DC", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("bottle", at="A"), bring=True)
    assert {job.store_code for job in receipt.fulfilments} == {"B", "DC"}
    for n, job in enumerate(receipt.fulfilments):
        transfer = await send(world, receipt, n)
        await arrive(world, transfer, sku="milk" if job.store_code == "B" else "bottle")
    order = await world.order(receipt)
    assert [job.state for job in order.fulfilments if job.kind == "pickup"] == ["ready", "ready"]


async def test_what_the_same_order_takes_elsewhere_is_not_brought(world):
    """One unit at B: it is collected there, or sent to the buyer, or brought to A."""
    await world.stock("B", "milk", 1)
    found = await look(world, world.wish("milk", at="B"), world.wish("milk", at="A"))
    assert [line.problem is None for line in found.lines] == [True, False]
    found = await look(world, world.wish("milk"), world.wish("milk", at="A"))
    assert [line.problem is None for line in found.lines] == [True, False]
    found = await look(world, world.wish("milk", at="A"), world.wish("milk", at="A"))
    assert [line.problem is None for line in found.lines] == [True, False]


async def test_a_promise_keeps_opening_hours_on_both_sides(world):
    await world.stock("B", "milk", 1)
    with clock.frozen(NOON.replace(hour=14)):  # ten at night in Shanghai: both are closed
        (group,) = (await look(world, world.wish("milk", at="A"))).groups
    # Packed at 9:40 on Thursday, there at 9:40 on Friday, unpacked by 10:20.
    assert group.promise_at == datetime(2026, 11, 20, 2, 20, tzinfo=UTC)


async def test_who_never_opens_brings_nothing_but_a_warehouse_without_hours_works_at_any_time(world, noon):
    await world.stock("DC", "milk", 1)
    shut = "UPDATE stores SET hours = $2, version = version + 1 WHERE code = $1"
    await world.db.execute(shut, "DC", [[]] * 7)
    await directory.refresh(world.db)
    (group,) = (await look(world, world.wish("milk", at="A"))).groups
    assert group.promise_at == datetime(2026, 11, 19, 5, 20, tzinfo=UTC)
    await world.db.execute(shut, "A", [[]] * 7)
    await directory.refresh(world.db)
    (line,) = (await look(world, world.wish("milk", at="A"))).lines
    assert line.problem.code == "inventory.insufficient-stock"


async def test_safety_stock_of_the_shop_does_not_stand_against_what_came_for_somebody(world, books):
    await world.stock("B", "milk", 1)
    await world.stock("A", "milk", 1)
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["A"], sku_id=world.skus["milk"], safety=5, reason="walk-ins", actor=world.clerk
        )
    receipt = await brought(world, books)
    await arrive(world, await send(world, receipt))
    assert await world.level("A", "milk") == (2, 1)
    await collect(world, receipt)


@pytest.mark.parametrize(("received", "damaged"), [(1, 0), (1, 1), (0, 2), (0, 0)])
async def test_what_comes_short_or_damaged_is_asked_about(world, books, received, damaged):
    await world.stock("B", "milk", 2)
    receipt = await brought(world, books, 2)
    transfer = await send(world, receipt)
    await arrive(world, transfer, received, damaged)
    order = await world.order(receipt)
    assert order.state == "needs_answer"
    assert [share.quantity for share in order.waiting] == [2 - received]
    assert await world.level("A", "milk") == (received, received)
    async with world.db.begin() as tx:
        await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    assert (await world.order(receipt)).refunded.minor == (2 - received) * 19900
    if received:
        await collect(world, receipt)
        assert (await world.order(receipt)).state == "completed"


async def test_what_comes_late_serves_them_unless_they_have_decided(world, books):
    await world.stock("B", "milk", 2)
    receipt = await brought(world, books, 2)
    transfer = await send(world, receipt)
    await arrive(world, transfer, 1)
    await arrive(world, transfer, 1)
    assert [job[:3] for job in await jobs(world, receipt)] == [
        ("transfer", "B", "delivered"), ("pickup", "A", "ready"), ("pickup", "A", "ready"),
    ]  # fmt: skip
    assert (await world.order(receipt)).waiting == []
    with pytest.raises(answer.NothingToAnswer):
        async with world.db.begin() as tx:
            await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    await world.stock("B", "milk", 2)
    receipt = await brought(world, books, 2)
    transfer = await send(world, receipt)
    await arrive(world, transfer, 1)
    async with world.db.begin() as tx:
        await answer.answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
    await arrive(world, transfer, 1)
    assert len(await jobs(world, receipt)) == 2
    assert await world.level("A", "milk") == (4, 3)


async def test_what_never_comes_is_asked_about_and_may_be_collected_elsewhere(world, books):
    await world.stock("B", "milk", 2)
    receipt = await brought(world, books)
    transfer = await send(world, receipt)
    await lose(world, transfer)
    assert await jobs(world, receipt) == [("transfer", "B", "cancelled", 0)]
    assert (await world.order(receipt)).state == "needs_answer"
    async with world.db.begin() as tx:
        await answer.answer_move(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"], secret=SECRET,
            actor=world.member,
        )  # fmt: skip
    assert (await jobs(world, receipt))[1:] == [("pickup", "B", "to_pick", 1)]
    assert (await world.order(receipt)).state == "preparing"


async def test_more_than_was_sent_is_found_stock(world, books):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await arrive(world, await send(world, receipt), 3)
    assert await world.level("A", "milk") == (3, 1)


async def test_unpaid_it_expires(world):
    await world.stock("B", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), bring=True)
    await world.db.execute("UPDATE orders SET pay_by_at = placed_at WHERE id = $1", receipt.id)
    await expire.expire_unpaid(world.db)
    assert await jobs(world, receipt) == [("transfer", "B", "cancelled", 0)]
    assert await world.level("B", "milk") == (1, 0)


async def test_cancelled_before_it_leaves(world, books):
    await world.stock("B", "milk", 1)
    for packed in (False, True):
        receipt = await brought(world, books)
        if packed:
            await world.ready(receipt)
        assert await world.cancel(receipt) == 19900
        assert await world.level("B", "milk") == (1, 0)
        with pytest.raises(Refusal) as refused:
            await away(world, "B", receipt.fulfilments[0].id)
        assert refused.value.code == "fulfilment.not-ready"


async def test_cancelled_on_the_way_the_units_are_the_shops(world, books):
    await world.stock("B", "milk", 2)
    receipt = await brought(world, books, 2)
    transfer = await send(world, receipt)
    line = receipt.lines[0].id
    assert await world.cancel(receipt, {line: 1}) == 19900
    assert await jobs(world, receipt) == [("transfer", "B", "shipped", 1)]
    assert await broken(world.db) == []
    assert await world.cancel(receipt) == 19900
    assert await jobs(world, receipt) == [("transfer", "B", "cancelled", 0)]
    assert await broken(world.db) == []
    await arrive(world, transfer, 2)
    assert await world.level("A", "milk") == (2, 0)
    assert (await world.order(receipt)).state == "cancelled"
    assert len(await jobs(world, receipt)) == 1


async def test_part_cancelled_on_the_way_the_rest_is_held(world, books):
    await world.stock("B", "milk", 3)
    receipt = await brought(world, books, 3)
    transfer = await send(world, receipt)
    await world.cancel(receipt, {receipt.lines[0].id: 1})
    await arrive(world, transfer, 3)
    assert await world.level("A", "milk") == (3, 2)
    await collect(world, receipt)
    assert (await world.order(receipt)).state == "completed"


async def test_cancelled_when_it_stands_ready(world, books):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await arrive(world, await send(world, receipt))
    assert await world.cancel(receipt) == 19900
    assert await world.level("A", "milk") == (1, 0)


async def test_not_collected_it_goes_on_the_shelf_of_the_shop(world, books):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await arrive(world, await send(world, receipt))
    await world.db.execute("UPDATE fulfilments SET keep_until = ready_at WHERE kind = 'pickup'")
    await expire.release_uncollected(world.db)
    assert (await jobs(world, receipt))[1] == ("pickup", "A", "uncollected", 0)
    assert await world.level("A", "milk") == (1, 0)
    assert (await world.order(receipt)).refunded.minor == 19900


async def test_rejected_it_is_brought_from_the_next_or_its_member_is_asked(world, books, noon):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await world.stock("DC", "milk", 1)
    (outcome,) = await world.reject(receipt, 1)
    assert (outcome.result, outcome.location_id) == ("resourced", world.stores["DC"])
    assert await jobs(world, receipt) == [("transfer", "B", "rejected", 0), ("transfer", "DC", "to_pick", 1)]
    assert await outward(world, "DC") == 1
    order = await world.order(receipt)
    second = order.fulfilments[1]
    assert (second.to.code, second.promise_at) == ("A", datetime(2026, 11, 19, 5, 20, tzinfo=UTC))
    lines = await fulfilment.lines_of(world.db, world.stores["DC"], second.id)
    again = msgspec.structs.replace(
        receipt, fulfilments=[msgspec.structs.replace(receipt.fulfilments[0], id=second.id, store_code="DC")]
    )
    (outcome,) = await world.reject_lines(again, {lines[0].line_id: 1})
    assert outcome.result == "asks_member"
    assert (await world.order(receipt)).state == "needs_answer"
    await world.stock("A", "milk", 1)
    async with world.db.begin() as tx:
        await answer.answer_move(
            tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["A"], secret=SECRET,
            actor=world.member,
        )  # fmt: skip
    assert (await jobs(world, receipt))[2:] == [("pickup", "A", "to_pick", 1)]


async def test_counted_as_missing_it_is_brought_from_the_next(world, books):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await world.stock("DC", "milk", 1)
    await world.count("B", milk=0)
    await world.settle()
    assert await jobs(world, receipt) == [("transfer", "B", "rejected", 0), ("transfer", "DC", "to_pick", 1)]
    assert await world.shortages() == [("resolved", 0)]


async def test_steps_that_are_not_its_own_are_refused(world, books):
    """It is neither handed over nor given to a carrier, and arrives by being received; a parcel is not sent to a shop."""
    await world.stock("B", "milk", 1)
    await world.stock("DC", "bottle", 1)
    receipt = await brought(world, books)
    job = receipt.fulfilments[0]
    with pytest.raises(fulfilment.NotReady):
        await away(world, "B", job.id)
    await world.ready(receipt)
    with pytest.raises(fulfilment.NotReady):
        async with world.db.begin() as tx:
            await ship.ship(
                tx, location_id=world.stores["B"], fulfilment_id=job.id, carrier="SF", tracking_no="1",
                actor=world.clerk,
            )  # fmt: skip
    assert await away(world, "B", job.id) == "sent"
    assert await away(world, "B", job.id) == "sent"  # a repeat
    assert await world.value("SELECT count(*) FROM transfers") == 2
    with pytest.raises(fulfilment.NotReady):
        async with world.db.begin() as tx:
            await ship.deliver(tx, location_id=world.stores["B"], fulfilment_id=job.id, actor=world.clerk)
    with pytest.raises(Refusal):
        await world.reject_lines(receipt, {receipt.lines[0].id: 1})
    parcel = await world.paid(books, world.wish("bottle"))
    await world.ready(parcel)
    with pytest.raises(fulfilment.NotReady):
        await away(world, "DC", parcel.fulfilments[0].id)


async def test_a_shop_that_has_closed_gets_nothing_sent(world, books):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await world.stock("DC", "milk", 1)
    await world.ready(receipt)
    await world.db.execute("UPDATE stores SET state = 'closed', version = version + 1 WHERE code = 'A'")
    await directory.refresh(world.db)
    with pytest.raises(transfers.PlaceClosed):
        await away(world, "B", receipt.fulfilments[0].id)
    (outcome,) = await world.reject(receipt, 1, "other")
    assert outcome.result == "asks_member"


# --- races --------------------------------------------------------------------------------------------------------


async def wants(world):
    await world.place(world.wish("milk", at="A"), bring=True, member_id=await world.new_member())
    return "ordered"


async def test_the_last_unit_at_the_source_goes_to_one(world):
    for _ in range(8):
        before, held = await world.level("B", "milk")
        await world.stock("B", "milk", 1)
        answers = await outcomes(wants(world), wants(world), sale(world, "B"))
        assert sorted(answers).count("inventory.insufficient-stock") == 2, answers
        on_hand, kept = await world.level("B", "milk")
        assert on_hand - kept == 0
        assert (on_hand, kept) in {(before + 1, held + 1), (before, held)}


async def test_a_taken_unit_is_sourced_anew(world, monkeypatch):
    """What was planned is taken before it is written: the next location brings it, nobody is refused."""
    await world.stock("B", "milk", 1)
    await world.stock("DC", "milk", 1)
    await world.db.execute("UPDATE stores SET lat = lat + 20, version = version + 1 WHERE code = 'DC'")  # far: second
    await directory.refresh(world.db)
    submit = world.placing._batcher.submit

    async def first_sell(location, draft):
        monkeypatch.undo()
        await sale(world, "B")
        return await submit(location, draft)

    monkeypatch.setattr(world.placing._batcher, "submit", first_sell)
    receipt = await world.place(world.wish("milk", at="A"), bring=True)
    assert receipt.fulfilments[0].store_code == "DC"


async def cancelled(world, receipt):
    await world.cancel(receipt)
    return "cancelled"


async def test_received_twice_and_cancelled_at_once(world, books):
    for _ in range(8):
        await counted(world, "A", 0)
        await counted(world, "B", 1)
        receipt = await brought(world, books)
        transfer = await send(world, receipt)
        answers = await outcomes(
            arrive(world, transfer, version=1), arrive(world, transfer, version=1), cancelled(world, receipt)
        )
        assert sorted(answers[:2]) == ["inventory.transfer-changed", "received"]
        assert answers[2] == "cancelled"
        assert await world.level("A", "milk") == (1, 0)
        assert await broken(world.db) == []


SKUS = ("milk", "bottle", "sock")


async def box(world, books):
    """A packed box of three articles at B for A."""
    for sku in SKUS:
        await world.stock("B", sku, 1)
    receipt = await world.paid(books, *[world.wish(sku, at="A") for sku in SKUS], bring=True)
    (job,) = receipt.fulfilments
    await world.ready(receipt)
    return job


def at_both(world, *places):
    return sorted((place, world.skus[sku]) for place in places for sku in SKUS)


async def test_sending_locks_levels_in_order(world, books):
    await arrive_all(world, await box(world, books))  # so that every level is there
    every = at_both(world, world.stores["B"], inventory.transit_of(world.stores["A"]))
    for n, held in enumerate(every):
        job = await box(world, books)
        free = await seen_while_held(world, held, lambda job=job: away(world, "B", job.id))
        assert free & set(every) == set(every[n + 1 :]), f"with level {n} held by somebody else"


async def test_receiving_locks_levels_in_order(world, books):
    await arrive_all(world, await box(world, books))
    every = at_both(world, world.stores["A"], inventory.transit_of(world.stores["A"]))
    for n, held in enumerate(every):
        job = await box(world, books)
        await away(world, "B", job.id)
        free = await seen_while_held(world, held, lambda job=job: arrive_all(world, job))
        assert free & set(every) == set(every[n + 1 :]), f"with level {n} held by somebody else"


async def arrive_all(world, job):
    """Send it, if it was not, and receive all of it."""
    await away(world, "B", job.id)
    transfer = await transfer_of(world, job.id)
    came = [transfers.Came(world.skus[sku], 1) for sku in reversed(SKUS)]
    async with world.db.begin() as tx:
        await bring.receive(tx, transfer_id=transfer.id, came=came, secret=SECRET, actor=world.clerk)


# --- guards -------------------------------------------------------------------------------------------------------


async def test_what_is_held_is_sent_once(world, books):
    await world.stock("B", "milk", 1)
    transfer = await send(world, await brought(world, books))
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.db.execute(
            """INSERT INTO transfers SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()))).*
               FROM transfers t WHERE id = $1""",
            transfer.id,
        )


@pytest.mark.parametrize("destination", [None, "B"])
async def test_it_goes_to_a_shop_that_is_another(world, books, destination):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.db.execute(
            "UPDATE fulfilments SET to_location_id = $2 WHERE id = $1",
            receipt.fulfilments[0].id, world.stores[destination] if destination else None,
        )  # fmt: skip


async def test_units_that_do_not_leave_are_not_on_the_way(world, books, monkeypatch):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    await world.ready(receipt)

    async def nothing(*_args, **_options):
        return transfers.Transfer(new_id(), world.stores["B"], world.stores["A"], "T", "sent", 1), []

    monkeypatch.setattr(transfers, "send_held", nothing)
    with pytest.raises(Fault) as fault:
        await away(world, "B", receipt.fulfilments[0].id)
    assert fault.value.invariant == "TRF-5"


async def test_both_shops_read_that_it_is_for_an_order(world, books, noon):
    await world.stock("B", "milk", 1)
    receipt = await brought(world, books)
    transfer = await send(world, receipt)
    for place in ("A", "B"):
        mine = Scope(False, frozenset({world.stores[place]}))
        reach = transfer_view.Reach(mine, mine, mine)
        seen = await transfer_view.view(world.db, world.look.chain, reach, transfer.id)
        assert seen.for_order.order_no == receipt.order_no
        assert (seen.state, seen.called) == ("sent", True)
        assert seen.expected_at == NOON + timedelta(hours=24)
