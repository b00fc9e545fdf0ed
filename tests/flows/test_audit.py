"""Every change of money and stock has its line: who, why, before, after; and one query reads them all, each once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from duoline import inventory, orders
from duoline.flows import expire, pay, sell, ship
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from duoline.payments.provider import EventKind, PaymentEvent, RefundState, RefundStatus
from tests.flows import test_returns


async def trail(world, **matching):
    """Everything that was audited in this test, oldest first, as far as it matches."""
    now = clock.now()
    rows = await world.db.fetch(
        "SELECT * FROM duo_audit_trail($1, $2) ORDER BY at", now - timedelta(days=1), now + timedelta(days=1)
    )
    return [row for row in rows if all(row[name] == value for name, value in matching.items())]


async def only(world, action):
    (row,) = await trail(world, action=action)
    return row


async def counted(world):
    return Counter(row["action"] for row in await trail(world) if row["action"] != "stock.opening")


@pytest.fixture
async def stocked(world):
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 5)
    return world


async def test_what_is_brought_back_to_a_shop(world):
    order_id = await test_returns.sold(world, milk=2)
    before = await counted(world)
    await test_returns.bring(world, order_id, reason="faulty", condition="damaged", milk=1)
    assert await counted(world) - before == {
        "order.return": 1, "stock.return": 1, "stock.damage": 1, "refund.request": 1, "refund.done": 1
    }  # fmt: skip
    line = await only(world, "order.return")
    assert (line["actor"], line["store_id"], line["reason"]) == (world.clerk.label, world.stores["A"], "faulty")
    assert line["before"] == {"returned": 0, "refunded_minor": 0}
    assert line["after"] == {"returned": 1, "refunded_minor": 19900, "kept_minor": 0, "damaged": 1}


async def test_a_sale_over_the_till(stocked):
    world = stocked
    shop = world.look.chain.store(world.stores["A"])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], 2)], member_id=None)
    async with world.db.begin() as tx:
        sold = await sell.sell(
            tx, shop, priced, member_id=world.member_id, contact=orders.Contact("", ""), tendered_minor=50000,
            actor=world.clerk,
        )  # fmt: skip
    assert await counted(world) == {"order.sell": 1, "stock.sale": 1, "drawer.open": 1}
    assert (await only(world, "drawer.open"))["after"] == {"drawer": "1", "float_minor": 0, "by_itself": True}
    line = await only(world, "order.sell")
    assert (line["actor"], line["actor_name"]) == (world.clerk.label, "Li Na")
    assert (line["subject"], line["store_id"], line["before"]) == (sold.order_no, shop.id, None)
    assert line["after"] == {
        "paid_minor": 39800, "currency": "CNY", "tender": "cash", "tendered_minor": 50000, "change_minor": 10200,
        "lines": [{"sku_code": "milk", "quantity": 2, "unit_price_minor": 19900, "net_minor": 39800}],
    }  # fmt: skip
    units = await only(world, "stock.sale")
    assert (units["subject"], units["before"], units["after"]) == (
        str(world.skus["milk"]),
        {"on_hand": 5},
        {"on_hand": 3},
    )
    assert units["actor"] == world.clerk.label


async def test_cash_and_goods_at_the_counter(stocked):
    world = stocked
    receipt = await world.place(world.wish("milk", at="A"), world.wish("milk", 2, at="A"), pay_mode="at_store")
    await world.ready(receipt)
    await world.hand(receipt, cash=60000)
    assert await counted(world) == {
        "order.placed": 1, "order.cash": 1, "order.hand-over": 1, "stock.sale": 2, "drawer.open": 1,
    }  # fmt: skip
    cash = await only(world, "order.cash")
    assert (cash["before"], cash["after"]) == (
        {"paid_minor": 0},
        {"paid_minor": 59700, "tendered_minor": 60000, "change_minor": 300},
    )
    goods = await only(world, "order.hand-over")
    assert (goods["subject"], goods["store_id"]) == (receipt.order_no, world.stores["A"])
    assert (goods["before"], goods["after"]) == (
        {"state": "confirmed", "fulfilment": "ready"},
        {"state": "completed", "units": 3, "value_minor": 59700},
    )
    # Two holds of one SKU leave one after the other: the last of them leaves what is there now.
    steps = sorted(
        (row["before"]["on_hand"], row["after"]["on_hand"]) for row in await trail(world, action="stock.sale")
    )
    assert steps[-1][0] == 5
    assert steps[0][1] == 2
    assert steps[0][0] == steps[1][1]


async def test_a_member_cancels_and_gets_the_money_back(stocked, books):
    world = stocked
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.cancel(receipt)
    line = await only(world, "order.cancel")
    assert (line["actor"], line["actor_name"]) == (world.member.label, ""), "a member is named by id alone"
    assert line["after"] == {"state": "cancelled", "units": 1, "refund_minor": 19900}
    asked = await only(world, "refund.request")
    assert (asked["before"], asked["after"]["refunded_minor"], asked["after"]["tender"]) == (
        {"refunded_minor": 0},
        19900,
        "sandbox",
    )
    await world.refunds()
    done = await only(world, "refund.done")
    assert (done["subject"], done["actor_name"]) == (asked["subject"], "Duoline")
    assert done["before"] == {"state": "requested"}
    assert await counted(world) == {
        "order.placed": 1, "order.paid": 1, "order.cancel": 1, "refund.request": 1, "refund.done": 1,
    }  # fmt: skip


@pytest.mark.parametrize("way", ["answer", "notice"])
async def test_a_refund_that_fails(stocked, books, monkeypatch, way):
    world = stocked
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.cancel(receipt)
    refund = await world.db.fetchrow("SELECT * FROM refunds")
    if way == "answer":

        async def refuse(_ref, *, refund_ref, **_):
            return RefundState(refund_ref=refund_ref, status=RefundStatus.FAILED)

        monkeypatch.setattr(books, "refund", refuse)
        await world.refunds()
        await world.refunds()
    else:
        intent = (await pay.payments.intents_of(world.db, world.member_id, receipt.id))[0]
        for n in range(2):
            await pay.receive(world.db, "sandbox", PaymentEvent(
                event_id=f"f{n}", kind=EventKind.REFUND_FAILED, ref=intent.ref, refund_ref=refund["ref"], amount_minor=19900,
                currency="CNY", occurred_at=clock.now()))  # fmt: skip
    line = await only(world, "refund.failed")
    assert (line["before"], line["after"]) == ({"state": "requested"}, {"state": "failed", "amount_minor": 19900})
    assert line["reason"].startswith("provider")


@pytest.mark.parametrize("reason", ["missing", "damaged", "display", "other"])
async def test_a_rejection_for_whatever_reason(stocked, books, reason):
    world = stocked
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await world.reject(receipt, 1, reason)
    line = await only(world, "order.reject")
    assert (line["actor"], line["store_id"], line["reason"]) == (world.clerk.label, world.stores["A"], reason)
    one = str(receipt.lines[0].id)
    assert line["before"] == {"serves": {one: 2}}
    assert line["after"] == {
        "rejected": [{"line_id": one, "units": 1, "reason": reason}],
        "outcome": [{"line_id": one, "units": 1, "result": "asks_member"}],
    }


async def test_units_kept_by_hand_and_given_up(stocked):
    world = stocked
    until = clock.now() + timedelta(hours=1)
    hold_id = await inventory.Holds(world.db).hold(
        location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=2, ref_kind="clerk", ref_id=new_id(),
        expires_at=until, actor=world.clerk, note="for Mrs Wang",
    )  # fmt: skip
    with pytest.raises(inventory.InsufficientStock):
        await inventory.Holds(world.db).hold(
            location_id=world.stores["A"], sku_id=world.skus["milk"], quantity=9, ref_kind="clerk", ref_id=new_id(),
            expires_at=until, actor=world.clerk,
        )  # fmt: skip
    kept = await only(world, "stock.hold")
    assert (kept["before"], kept["after"]["available"], kept["after"]["units"]) == ({"available": 5}, 3, 2)
    assert (kept["actor_name"], kept["reason"], kept["store_id"]) == ("Li Na", "for Mrs Wang", world.stores["A"])
    for gone in (True, False):
        async with world.db.begin() as tx:
            assert await inventory.give_up(
                tx, location_id=world.stores["A"], hold_id=hold_id, actor=world.clerk
            ) is gone  # fmt: skip
    given = await only(world, "stock.release")
    assert given["before"] == {"hold_id": str(hold_id), "units": 2}


async def test_what_the_system_does_is_in_the_same_trail(stocked, books):
    world = stocked
    late = await world.place(world.wish("milk", at="A"))
    await world.db.execute("UPDATE orders SET pay_by_at = placed_at WHERE id = $1", late.id)
    await expire.expire_unpaid(world.db)
    left = await world.paid(books, world.wish("milk", at="A"))
    await world.ready(left)
    await world.db.execute("UPDATE fulfilments SET keep_until = ready_at WHERE order_id = $1", left.id)
    await expire.release_uncollected(world.db)
    parcel = await world.paid(books, world.wish("milk"))
    await world.ready(parcel)
    job = parcel.fulfilments[0]
    async with world.db.begin() as tx:
        await ship.ship(tx, location_id=world.stores[job.store_code], fulfilment_id=job.id, carrier="SF", tracking_no="1", actor=world.clerk)  # fmt: skip
    assert await counted(world) == {
        "order.placed": 3, "order.expired": 1, "order.paid": 2, "order.uncollected": 1, "refund.request": 1,
        "order.ship": 1, "stock.sale": 1,
    }  # fmt: skip
    assert (await only(world, "order.expired"))["actor"].startswith("system:")
    assert (await only(world, "order.ship"))["after"]["value_minor"] == 19900


async def test_the_trail_can_only_grow(world):
    """What the query reads, nobody but the owner of the tables can change."""
    for table in ("audit_log", "order_events", "movements", "journals"):
        assert not await world.db.fetchval("SELECT has_table_privilege($1, 'UPDATE')", table)
        assert not await world.db.fetchval("SELECT has_table_privilege($1, 'DELETE')", table)
