"""A unit that will be sold for less where it lies is the one to send."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest

from duoline import fulfilment, pricing
from duoline.flows import replan, replay
from duoline.flows.basket import look_at
from duoline.flows.places import shelf_path
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.stores import directory
from tests.flows.conftest import NOON
from tests.flows.test_replan import near

BETWEEN = msgspec.structs.replace(near("A"), lat=30.2625, lon=120.1575)
"""Somebody between the two shops, a little nearer to A."""


@pytest.fixture(autouse=True)
def noon(world):
    with clock.frozen(NOON):
        yield


async def priced(world, place, minor, *, since=NOON, until=None, channel="*", sku="milk"):
    """A price of the chain (None), of a shop, or of the region of a shop (`~A`)."""
    if place is None:
        scope, scope_id = "chain", pricing.CHAIN
    elif place.startswith("~"):
        scope, scope_id = "region", world.look.chain.stores[world.stores[place[1:]]].region_id
    else:
        scope, scope_id = "store", world.stores[place]
    async with world.db.begin() as tx:
        await pricing.set_price(
            tx, sku_id=world.skus[sku], scope=scope, scope_id=scope_id, price_minor=minor, currency="CNY",
            valid_from=since, valid_until=until, channel=channel, reason="test", actor=SYSTEM, by="chain", right=pricing.CHAINS,
        )  # fmt: skip


async def source(world, **options):
    receipt = await world.place(world.wish("milk"), address=BETWEEN, **options)
    return [job.store_code for job in receipt.fulfilments]


async def parts(world):
    """What the cost of each candidate of the last decision was made of."""
    record = await world.value("SELECT candidates FROM sourcing_decisions ORDER BY at DESC, id DESC LIMIT 1")
    return {one["location_code"]: one["parts"] for one in record}


@pytest.mark.parametrize(
    ("first", "sent"),
    [
        ({}, "A"),
        ({"since": NOON}, "B"),
        ({"since": NOON + timedelta(days=3)}, "B"),  # within the horizon of seven days
        ({"since": NOON + timedelta(days=8)}, "A"),  # beyond it
        ({"since": NOON - timedelta(days=9), "until": NOON - timedelta(days=1)}, "A"),  # over
        ({"since": NOON, "channel": "mall"}, "A"),  # nobody pays that in the shop
    ],
)
async def test_a_shop_that_sells_for_less_sends(world, first, sent):
    await world.stock("A", "milk", 50)
    await world.stock("B", "milk", 50)
    if first:
        await priced(world, "B", 19600, **first)
    assert await source(world) == [sent]
    assert (await parts(world))["B"].get("markdown", 0) == (-300 if sent == "B" else 0)


async def test_the_policy_says_how_far_it_counts(world, set_policy):
    await world.stock("A", "milk", 50)
    await world.stock("B", "milk", 50)
    await priced(world, "B", 9900)
    assert await source(world) == ["B"]
    assert (await parts(world))["B"]["markdown"] == -600  # no more than a parcel costs
    await set_policy("sourcing", markdown=2)
    assert await source(world) == ["B"]
    assert (await parts(world))["B"]["markdown"] == -200
    await set_policy("sourcing", markdown=0)
    assert await source(world) == ["A"]
    assert "markdown" not in (await parts(world))["B"]


async def test_a_shop_that_sells_for_more_keeps_no_unit_back(world):
    await world.stock("A", "milk", 50)
    await world.stock("B", "milk", 50)
    await priced(world, "A", 29900)
    assert await source(world) == ["A"]
    assert "markdown" not in (await parts(world))["A"]


async def test_it_lowers_what_the_unit_is_worth_to_others(world, set_policy):
    """A last unit that walk-in customers would take, for less."""
    await world.stock("A", "milk", 1)
    await world.db.execute("UPDATE levels SET walk_in_rate = 5000")
    await priced(world, "A", 17900)
    await source(world)
    found = (await parts(world))["A"]
    assert found["unit"] > 5000
    assert found["markdown"] == -2000


async def test_the_nearest_scope_is_the_shelfs(world, set_policy):
    """The price of a region holds in its shops that have none of their own, and in no warehouse."""
    for place in ("A", "B", "DC"):
        await world.stock(place, "milk", 50)
    await priced(world, "~A", 19700)
    await priced(world, "A", 19900)
    await source(world)
    found = await parts(world)
    assert [found[place].get("markdown", 0) for place in ("A", "B", "DC")] == [0, -200, 0]


async def test_it_counts_for_what_is_brought_and_planned_again(world, books, set_policy):
    await world.stock("A", "milk", 50)
    receipt = await world.paid(books, world.wish("milk"), address=BETWEEN)
    assert [job.store_code for job in receipt.fulfilments] == ["A"]
    await world.stock("B", "milk", 50)
    await priced(world, "B", 18900)
    wishes = [world.wish("milk", 50, at="A")]  # one more than are left there
    (bring,) = (await look_at(world.look, wishes, channel="mall", member_id=None, address=None, bring=True)).brings
    assert bring.decision.candidates[0]["parts"]["markdown"] == -600 * 50
    await set_policy("sourcing", replan_min_minor=100)
    assert (await replan.replan_all(world.look)).moved == 1
    assert (await parts(world))["B"]["markdown"] == -600


async def test_a_replay_counts_it(world, books):
    """The terms in force make the plans that were made; without the term, others."""
    with clock.frozen(NOON - timedelta(hours=1)):
        await world.stock("A", "milk", 50)
        await world.stock("B", "milk", 50)
        await priced(world, "B", 18900, since=NOON - timedelta(hours=1), until=NOON)
    for minute in (-5, 5):
        with clock.frozen(NOON + timedelta(minutes=minute)):
            await world.paid(books, world.wish("milk"), address=BETWEEN)
    chain = await directory.refresh(world.db)
    since, until = NOON - timedelta(minutes=30), NOON + timedelta(minutes=30)
    with clock.frozen(NOON + timedelta(hours=2)):
        history = await replay.read_history(world.db, chain, since, until)
    blind = fulfilment.SourcingPolicy(markdown=0)
    simulations = replay.simulations_of(history, chain, [(0, fulfilment.SourcingPolicy()), (1, blind)])

    async def note(_done):
        return True

    assert await replay.play(history, simulations, note)
    code = {id_: place for place, id_ in world.stores.items()}
    sent = [[code[parcel.location_id] for plan in one.plans.values() for parcel in plan.parcels] for one in simulations]
    assert sent == [["B", "A"], ["A", "A"]]


async def test_the_lowest_price_is_the_lowest_that_the_till_would_ask(world):
    """Against `duo_price`, at every turn of prices drawn at random."""
    draw = random.Random(7)
    hour = timedelta(hours=1)
    for place in (None, "~A", "A", "B"):
        for channel in ("*", "till", "mall"):
            ends = NOON - 20 * hour
            for _ in range(draw.randint(0, 4)):
                starts = ends + draw.randint(1, 12) * hour
                ends = starts + draw.randint(1, 12) * hour
                await priced(
                    world, place, draw.randint(10_000, 20_000), since=starts, until=ends, channel=channel, sku="bottle"
                )
    sku = world.skus["bottle"]
    prices = await pricing.shelf_prices(world.db, [sku], NOON, NOON + timedelta(days=2))
    assert prices
    for place in ("A", "B", "DC"):
        store = world.look.chain.stores[world.stores[place]]
        path = shelf_path(world.look.chain, store)
        shop = store.id if store.kind == "store" else None
        for begin in range(48):
            at = NOON + begin * hour
            asked = [
                price
                for n in range(24)
                if (price := await world.value(
                    "SELECT price_minor FROM duo_price($1, $2, $3, 'till', $4)", sku, shop, path[1:-1], at + n * hour
                )) is not None
            ]  # fmt: skip
            assert fulfilment.Markdowns(prices).lowest(sku, path, at, 1) == min(asked, default=None)
