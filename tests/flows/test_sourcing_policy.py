"""What headquarters says about sourcing, and what was learned from trade, decides where a delivery comes from."""

from __future__ import annotations

import pytest

from duoline import fulfilment, inventory
from duoline.flows import basket
from duoline.flows.learn_walk_ins import learn_walk_ins
from duoline.flows.place import Placing
from duoline.fulfilment.learn import learn_records
from duoline.fulfilment.load import reject_bp
from duoline.kernel import policies
from duoline.stores.types import Share
from tests.flows.conftest import SECRET
from tests.flows.test_races import sale
from tests.flows.test_sharing import agree


@pytest.fixture(autouse=True)
def _own_policies(monkeypatch):
    """What is said here holds here only."""
    monkeypatch.setattr(policies, "_versions", {})


async def say(world, **values):
    """Headquarters sets the policy, and this process hears of it."""
    async with world.db.begin() as tx:
        await policies.set_version(
            tx, actor=world.clerk, kind="sourcing", body=fulfilment.SourcingPolicy(**values), reason="r"
        )
    await policies.refresh(world.db)


def look_anew(world):
    """As another process would: with nothing remembered."""
    world.look = basket.Look(world.db, fulfilment.OpenWork(world.db))
    world.placing = Placing(world.look, secret=SECRET)


async def sources(world, *wishes):
    receipt = await world.place(*wishes)
    return sorted(job.store_code for job in receipt.fulfilments)


async def test_shops_or_warehouses_may_be_left_out(world):
    for place in ("A", "DC"):
        await world.stock(place, "milk", 5)
    assert await sources(world, world.wish("milk")) == ["DC"]
    await say(world, from_warehouses=False)
    assert await sources(world, world.wish("milk")) == ["A"]


async def test_the_owners_fee_is_a_cost(world):
    for place in ("A", "B"):
        await world.stock(place, "milk", 5)
    nearer = await sources(world, world.wish("milk"))
    await agree(world, nearer[0], Share("all", fee_minor=5000))
    other = await sources(world, world.wish("milk"))
    assert nearer != other
    await say(world, owner_fee=0)
    assert await sources(world, world.wish("milk")) == nearer


async def test_a_full_shop_sends_nothing(world, books):
    await world.stock("A", "milk", 50)
    await world.stock("B", "milk", 50)
    await say(world, hours_full=1, load=0)
    first = await sources(world, world.wish("milk"))
    for _ in range(30):  # the capacity of one hour
        receipt = await world.place(world.wish("milk", at=first[0]), pay_mode="at_store")
        assert receipt.state == "preparing"
    look_anew(world)
    assert await sources(world, world.wish("milk")) != first


async def test_the_last_unit_stays_for_walk_in_customers(world):
    """Two shops, alike but for what people buy there: the delivery comes from where nobody would miss the unit."""
    await world.stock("A", "milk", 21)
    await world.stock("B", "milk", 1)
    nearer = await sources(world, world.wish("milk"))
    assert nearer == ["A"]
    for _ in range(19):
        assert await sale(world, "A") == "sold"
    assert await learn_walk_ins(world.db) == 1
    assert await learn_walk_ins(world.db) == 0
    rate = await world.value("SELECT walk_in_rate FROM levels WHERE location_id = $1", world.stores["A"])
    assert rate == 19 * 1000 // 28
    assert await sources(world, world.wish("milk")) == ["B"]
    decision = await world.value("SELECT candidates FROM sourcing_decisions ORDER BY at DESC LIMIT 1")
    kept = next(one for one in decision if one["location_code"] == "A")
    assert kept["parts"]["unit"] > 5000  # thirty percent of 199.00, nearly for certain


async def test_what_leaves_by_a_hold_was_no_walk_in(world):
    await world.stock("A", "milk", 5)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    await world.hand(receipt, cash=20000)
    assert await learn_walk_ins(world.db) == 0


async def test_a_shop_that_rejects_costs_more(world, books):
    for place in ("A", "B"):
        await world.stock(place, "milk", 5)
    first = await world.paid(books, world.wish("milk"))
    nearer = first.fulfilments[0].store_code
    await say(world, reject=100_000)
    await world.reject(first, 1)
    await learn_records(world.db)
    look_anew(world)
    assert await world.look.work.reject_bp() == {world.stores[nearer]: reject_bp(0, 1)}
    await world.stock(nearer, "milk", 5)
    assert await sources(world, world.wish("milk")) != [nearer]


async def test_every_further_parcel_may_cost_more(world):
    await world.stock("A", "milk", 1)
    await world.stock("B", "bottle", 1)
    await world.stock("DC", "milk", 1)
    await world.stock("DC", "bottle", 1)
    async with world.db.begin() as tx:
        await inventory.set_terms(tx, location_id=world.stores["DC"], cap=None, reserve=0)
    await say(world, split=100_000, pick_dc=3000)
    assert await sources(world, world.wish("milk"), world.wish("bottle")) == ["DC"]
    await world.stock("DC", "milk", 1)
    await world.stock("DC", "bottle", 1)
    await say(world, split=0, pick_dc=3000)
    assert await sources(world, world.wish("milk"), world.wish("bottle")) == ["A", "B"]
