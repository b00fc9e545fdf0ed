"""Every night what units are worth to what is to come is worked out, and sourcing counts it as far as the policy says."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from duoline import inventory
from duoline.flows import price_shelves
from duoline.flows.basket import look_at
from duoline.fulfilment import shadow_book
from duoline.kernel import clock, jobs
from tests.flows.conftest import NOON
from tests.flows.test_replan import near


@pytest.fixture(autouse=True)
def noon(world):
    with clock.frozen(NOON):
        yield


async def prices(world, sku="milk"):
    rows = await world.db.fetch(
        "SELECT location_id, shadow_minor FROM levels WHERE sku_id = $1 AND shadow_minor IS NOT NULL", world.skus[sku]
    )
    code = {store_id: code for code, store_id in world.stores.items()}
    return {code[row["location_id"]]: row["shadow_minor"] for row in rows}


async def sold_near_a(world, books, count):
    """So many deliveries of milk to somebody beside shop A, all from there, in four weeks."""
    await world.stock("A", "milk", count)
    for _ in range(count):
        await world.paid(books, world.wish("milk"), address=near("A"))


async def source(world, **options):
    receipt = await world.place(world.wish("milk"), **options)
    return [job.store_code for job in receipt.fulfilments]


async def test_the_price_is_what_the_next_place_costs_more(world, books, set_policy):
    await set_policy("sourcing", per_km=100, horizon_days=28, walk_in=0)
    await sold_near_a(world, books, 8)
    await world.stock("A", "milk", 3)
    await world.stock("B", "milk", 50)
    priced = await price_shelves.price(world.look)
    found = await prices(world)
    assert priced.programs == 1
    # Eight more are expected, and three of them can be served from beside their buyer; B is 2.9 km away.
    assert found["B"] == 0
    assert 250 <= found["A"] <= 330
    # What is sold out or no longer asked for has no price any more.
    with clock.frozen(NOON + timedelta(days=29)):
        await price_shelves.price(world.look)
    assert await prices(world) == {}


async def test_sourcing_counts_it_as_far_as_the_policy_says(world, books, set_policy):
    await set_policy("sourcing", per_km=100, horizon_days=28, walk_in=0)
    await sold_near_a(world, books, 8)
    await world.stock("A", "milk", 3)
    await world.stock("B", "milk", 50)
    await price_shelves.price(world.look)
    # Somebody between the two, a little nearer to A.
    between = msgspec.structs.replace(near("A"), lat=30.2625, lon=120.1575)
    assert await source(world, address=between) == ["A"]
    await set_policy("sourcing", shadow=100)
    assert await source(world, address=between) == ["B"]
    record = await world.value("SELECT candidates FROM sourcing_decisions ORDER BY at DESC, id DESC LIMIT 1")
    by_code = {one["location_code"]: one["parts"] for one in record}
    assert by_code["A"]["shadow"] == (await prices(world))["A"]
    assert "shadow" not in by_code["B"]
    await set_policy("sourcing", shadow=10)
    assert await source(world, address=between) == ["A"]


async def test_a_known_price_counts_in_place_of_walk_in_protection(world, books, set_policy):
    """A shelf that walk-ins would empty, and whose unit is worth nothing all the same as somebody worked out."""
    await world.stock("A", "milk", 1)
    await world.db.execute("UPDATE levels SET walk_in_rate = 5000")
    await set_policy("sourcing", shadow=0)
    await source(world)
    parts = await world.value("SELECT candidates->0->'parts' FROM sourcing_decisions ORDER BY at DESC, id DESC LIMIT 1")
    assert parts["unit"] > 5000
    await world.stock("A", "milk", 1)
    await inventory.set_shadow_prices(world.db, {(world.stores["A"], world.skus["milk"]): 0})
    await set_policy("sourcing", shadow=100)
    await source(world)
    parts = await world.value("SELECT candidates->0->'parts' FROM sourcing_decisions ORDER BY at DESC, id DESC LIMIT 1")
    assert "unit" not in parts
    assert "shadow" not in parts


async def test_what_is_brought_to_a_shop_goes_by_the_same_price(world, set_policy):
    await world.stock("A", "milk", 1)
    await world.db.execute("UPDATE levels SET walk_in_rate = 5000")
    await inventory.set_shadow_prices(world.db, {(world.stores["A"], world.skus["milk"]): 0})

    async def parts():
        wishes = [world.wish("milk", at="B")]
        found = await look_at(world.look, wishes, channel="mall", member_id=None, address=None, bring=True)
        (bring,) = found.brings
        return {key: value for key, value in bring.decision.candidates[0]["parts"].items() if key in ("unit", "shadow")}

    await set_policy("sourcing", shadow=0)
    assert (await parts())["unit"] > 5000
    await set_policy("sourcing", shadow=100)
    assert await parts() == {}
    await inventory.set_shadow_prices(world.db, {(world.stores["A"], world.skus["milk"]): 700})
    assert await parts() == {"shadow": 700}


async def test_walk_ins_compete_with_deliveries(world, books, set_policy):
    await set_policy("sourcing", per_km=100, horizon_days=28)
    await sold_near_a(world, books, 8)
    await world.stock("A", "milk", 12)
    await world.stock("B", "milk", 50)
    await price_shelves.price(world.look)
    assert (await prices(world))["A"] == 0  # enough for the eight
    await world.db.execute("UPDATE levels SET walk_in_rate = 300 WHERE location_id = $1", world.stores["A"])
    await price_shelves.price(world.look)
    assert 250 <= (await prices(world))["A"] <= 330  # and not for those who will walk in as well


async def test_only_what_changes_is_written(world):
    for place in ("A", "B"):
        await world.stock(place, "milk", 5)
    a, b = ((world.stores[place], world.skus["milk"]) for place in ("A", "B"))
    assert await inventory.set_shadow_prices(world.db, {a: 100, b: 0}) == 2
    assert await inventory.set_shadow_prices(world.db, {a: 100, b: 0}) == 0
    assert await inventory.set_shadow_prices(world.db, {a: 200}) == 2
    assert await prices(world) == {"A": 200}


async def run_jobs(world):
    job = jobs.registered_jobs[price_shelves.RUN_JOB]
    for row in await world.db.fetch(
        "DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = $1 RETURNING payload", price_shelves.RUN_JOB
    ):
        await job.run(world.db, msgspec.json.decode(row["payload"], type=job.payload_type))


async def test_a_run_is_in_the_book_and_asked_for_twice_it_runs_once(world, books):
    await sold_near_a(world, books, 5)
    await world.stock("A", "milk", 1)
    await price_shelves.nightly(world.db)
    await price_shelves.nightly(world.db)
    (queued,) = await shadow_book.latest(world.db, before=None, limit=5)
    assert (queued.state, queued.shelves) == ("queued", None)
    await run_jobs(world)
    (done,) = await shadow_book.latest(world.db, before=None, limit=5)
    assert (done.id, done.state, done.programs, done.shelves) == (queued.id, "done", 1, 1)
    await price_shelves.work_on(world.db, price_shelves.Wanted(done.id))  # a repeat changes nothing
    assert await shadow_book.latest(world.db, before=None, limit=5) == [done]
    await world.db.execute("DELETE FROM shadow_runs")


async def test_a_run_that_fails_says_so_and_the_prices_stay(world, monkeypatch):
    await world.stock("A", "milk", 5)
    await inventory.set_shadow_prices(world.db, {(world.stores["A"], world.skus["milk"]): 77})

    async def broken(look):
        raise ValueError("no")

    monkeypatch.setattr(price_shelves, "price", broken)
    await price_shelves.nightly(world.db)
    await run_jobs(world)
    (failed,) = await shadow_book.latest(world.db, before=None, limit=5)
    assert (failed.state, failed.shelves) == ("failed", None)
    assert await prices(world) == {"A": 77}
    await world.db.execute("DELETE FROM shadow_runs")
