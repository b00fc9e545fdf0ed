"""An order over several places as each of them sees it: parts that add up, and nothing of the others'."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from duoline import orders
from duoline.flows import answer, cancel, order_view, own_part, ship
from duoline.kernel.auth import Actor
from duoline.kernel.ids import new_id
from duoline.stores import directory


async def parts(world, receipt) -> dict[str, Any]:
    """Every place's part, as it sees it."""
    row = await world.db.fetchrow("SELECT member_id, location_ids FROM orders WHERE id = $1", receipt.id)
    doc = await order_view.document(world.db, row["member_id"], receipt.id)
    shares = await own_part.shares(world.db, receipt.id, row["location_ids"])
    lines = {
        order_view.UUID(line["id"]): line["store_id"] and order_view.UUID(line["store_id"]) for line in doc["lines"]
    }
    names = {place: name for name, place in world.stores.items()}
    found = {}
    for place in row["location_ids"]:
        mine = own_part.own(shares, locations={place}, codes=[names[place]], line_stores=lines)
        found[names[place]] = order_view.of(own_part.part_of(doc, mine))
    return found


def told(view) -> str:
    return json.dumps([[event.kind, event.data] for event in view.timeline], default=str)


async def test_a_line_that_two_places_send_is_cut_where_the_parcels_are(world, books):
    await world.stock("A", "bottle", 2)
    await world.stock("DC", "bottle", 3)
    await world.stock("B", "milk", 1)
    receipt = await world.paid(books, world.wish("bottle", 5), world.wish("milk", at="B"))
    seen, whole = await parts(world, receipt), await world.order(receipt)
    assert {name: [line.quantity for line in view.lines] for name, view in seen.items()} == {
        "A": [2],
        "B": [1],
        "DC": [3],
    }
    assert sum(view.total.minor for view in seen.values()) == whole.subtotal.minor
    assert sum(view.paid.minor for view in seen.values()) == whole.paid.minor - whole.delivery_fee.minor
    assert {view.state for view in seen.values()} == {"preparing"}
    assert seen["B"].address is None
    assert seen["A"].address is not None
    for name, view in seen.items():
        assert [job.store.code for job in view.fulfilments] == [name]
        assert [event.kind for event in view.timeline] == ["placed", "paid"]
        assert "minor" not in told(view)


async def test_what_one_place_does_is_no_business_of_another(world, books):
    await world.stock("A", "milk", 3)
    await world.stock("B", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"), world.wish("milk", 2, at="B"))
    at_a = next(n for n, job in enumerate(receipt.fulfilments) if job.store_code == "A")
    at_b = 1 - at_a
    await world.ready(receipt, at_a)
    await world.hand(receipt, at_a)
    seen = await parts(world, receipt)
    assert (seen["A"].state, seen["B"].state) == ("completed", "preparing")
    assert [event.kind for event in seen["B"].timeline] == ["placed", "paid"]
    await world.reject(receipt, 1, n=at_b)
    line = next(line for line in (await world.order(receipt)).lines if line.store_code == "B")
    await world.cancel(receipt, {line.id: 2})
    seen = await parts(world, receipt)
    assert (seen["A"].state, seen["A"].refunded.minor) == ("completed", 0)
    assert (seen["B"].state, seen["B"].refunded.minor, seen["B"].pay_state) == ("cancelled", 2 * 19900, "refunded")
    assert [event.kind for event in seen["A"].timeline] == ["placed", "paid", "ready", "handed_over"]
    assert [event.kind for event in seen["B"].timeline] == ["placed", "paid", "rejected", "asks_member", "cancelled"]


async def test_a_line_that_moved_is_the_new_places_and_the_old_one_keeps_its_story(world, books):
    await world.stock("A", "milk", 2)
    await world.stock("B", "milk", 2)
    receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    await world.reject(receipt, 2)
    async with world.db.begin() as tx:
        await cancel_free_move(tx, world, receipt)
    seen = await parts(world, receipt)
    assert {name: [line.quantity for line in view.lines] for name, view in seen.items()} == {"A": [0], "B": [2]}
    assert [event.kind for event in seen["A"].timeline] == ["placed", "rejected", "asks_member"]
    assert [event.kind for event in seen["B"].timeline] == ["placed", "asks_member", "answered"]
    assert (seen["A"].state, seen["A"].total.minor, seen["B"].total.minor) == ("cancelled", 0, 2 * 19900)
    assert '"quantity"' not in told(seen["A"])


async def cancel_free_move(tx, world, receipt):
    await answer.answer_move(
        tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
        secret=b"only for tests", actor=world.member,
    )  # fmt: skip


async def cancelled_at(world, receipt, *names, quantities=None):
    async with world.db.begin() as tx:
        return await cancel.cancel(
            tx, member_id=world.member_id, order_id=receipt.id, quantities=quantities, reason="r",
            actor=Actor("staff", new_id(), "manager"), at={world.stores[name] for name in names},
        )  # fmt: skip


async def test_staff_cancel_what_their_places_serve_and_nothing_else(world, books):
    await world.stock("A", "bottle", 2)
    await world.stock("DC", "bottle", 3)
    receipt = await world.paid(books, world.wish("bottle", 5))
    (line,) = (await world.order(receipt)).lines
    for too_many in (3, 4, 5):
        with pytest.raises(orders.ServedElsewhere):
            await cancelled_at(world, receipt, "A", quantities={line.id: too_many})
    with pytest.raises(orders.ServedElsewhere):
        await cancelled_at(world, receipt, "B")
    with pytest.raises(orders.NothingToCancel):
        await cancelled_at(world, receipt, "A", quantities={line.id: 6})
    assert await cancelled_at(world, receipt, "A", quantities={line.id: 1}) == 4990
    assert (await world.level("A", "bottle"), await world.level("DC", "bottle")) == ((2, 1), (3, 3))
    assert await cancelled_at(world, receipt, "A") == 4990
    assert (await world.level("A", "bottle"), await world.level("DC", "bottle")) == ((2, 0), (3, 3))
    with pytest.raises(orders.ServedElsewhere):
        await cancelled_at(world, receipt, "A")
    # Whoever reaches every place of the order cancels the rest.
    assert await cancelled_at(world, receipt, "A", "DC") == 3 * 4990
    with pytest.raises(orders.NothingToCancel):
        await cancelled_at(world, receipt, "A", "DC")
    places = await world.db.fetch("SELECT store_id FROM audit_log WHERE action = 'order.cancel' ORDER BY at, id")
    assert [row["store_id"] for row in places] == [world.stores["A"], world.stores["A"], world.stores["DC"]]


async def test_part_of_an_unpaid_online_order_is_not_cancelled_by_one_place(world, books):
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), world.wish("milk", at="B"))
    with pytest.raises(orders.CancelWhole):
        await cancelled_at(world, receipt, "A")
    assert (await world.level("A", "milk"), await world.level("B", "milk")) == ((1, 1), (1, 1))


def test_what_is_not_known_to_be_ones_own_is_not_told():
    mine = own_part.own([], locations={new_id()}, codes=["A"], line_stores={})
    events = [
        {"kind": kind, "data": data}
        for kind, data in itertools.product(
            ("placed", "refunded", "something_new"),
            ({"amount_minor": 5}, {"location_code": "B"}, {"fulfilment_id": str(new_id())}, {"lines": []}, {"by": "B"}),
        )
    ]
    assert own_part.story(events, mine) == [{"kind": "placed", "data": {}}, {"kind": "placed", "data": {}}]


async def test_a_decision_that_split_a_delivery_tells_each_place_of_its_own_parcel(world, books):
    await world.stock("A", "bottle", 2)
    await world.stock("DC", "bottle", 3)
    receipt = await world.paid(books, world.wish("bottle", 5))
    row = await world.db.fetchval("SELECT to_jsonb(d) FROM sourcing_decisions d WHERE order_id = $1", receipt.id)
    assert {parcel["location_code"] for parcel in row["chosen"]} == {"A", "DC"}
    own = own_part.reason_of(row, {"A"})
    assert [parcel["location_code"] for parcel in own["chosen"]] == ["A"]
    assert [one["location_code"] for one in own["candidates"]] == ["A"]
    assert directory.current().coded("DC").name.zh not in json.dumps(own["summary"], ensure_ascii=False)
    assert own["cost_minor"] < row["cost_minor"]
    assert own_part.reason_of(row, {"A", "DC"}) == row
    await world.ready(receipt)
    job = receipt.fulfilments[0]
    async with world.db.begin() as tx:
        await ship.ship(
            tx, location_id=world.stores[job.store_code], fulfilment_id=job.id, carrier="SF", tracking_no="SF1",
            actor=world.clerk,
        )  # fmt: skip
    seen = await parts(world, receipt)
    other = next(name for name in ("A", "DC") if name != job.store_code)
    assert "SF1" in told(seen[job.store_code])
    assert "SF1" not in told(seen[other])
