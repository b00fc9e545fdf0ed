"""A past period of a real database played again: the terms in force make the plans that were made."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from duoline.flows import expire, replay
from duoline.fulfilment import SourcingPolicy, replay_book
from duoline.fulfilment.errors import ReplayEnded
from duoline.fulfilment.replay import Kept, Moved, Placed
from duoline.kernel import clock, policies
from duoline.kernel.errors import BadInput
from duoline.stores import directory
from duoline.stores.types import Share
from tests.flows.conftest import NOON
from tests.flows.test_races import sale
from tests.flows.test_sharing import agree

START, END = NOON + timedelta(hours=1), NOON + timedelta(hours=6)


@pytest.fixture(autouse=True)
def forgotten():
    """What a test decides ends with it."""
    yield
    policies._versions.clear()


def at(minutes: float):
    """A moment of the period."""
    return clock.frozen(START + timedelta(minutes=minutes))


async def trade(world, books) -> None:
    """Before the period a stock and some work; in it orders that split, that are cancelled, sales, pickups. The shops
    pick as fast as a replay assumes: nothing in the first two minutes, everything by twenty past."""
    with clock.frozen(NOON):
        await agree(world, "B", Share("all_but", 1, fee_minor=50))
        for store, sku, units in (("A", "milk", 3), ("B", "milk", 3), ("DC", "milk", 4), ("A", "bottle", 4)):
            await world.stock(store, sku, units)
        await world.stock("DC", "bottle", 2)
        await world.db.execute("UPDATE levels SET walk_in_rate = 300 WHERE location_id = $1", world.stores["A"])
        before = [
            await world.paid(books, world.wish("milk")),
            await world.place(world.wish("milk", at="B"), pay_mode="at_store"),
        ]
    with at(0.1):
        sees_all_work(world)
        before.append(await world.paid(books, world.wish("milk", 2), world.wish("bottle")))
    with at(0.2):
        sees_all_work(world)
        await world.place(world.wish("milk", 5), world.wish("bottle", 2, at="A"))  # expires unpaid
    with at(0.3):
        assert await sale(world, "A", 1, sku="bottle") == "sold"
    with at(0.4):
        sees_all_work(world)
        cancelled = await world.paid(books, world.wish("bottle", 2))
    with at(0.5):
        await world.cancel(cancelled)
        await world.stock("B", "milk", 2)
    with at(20):
        for receipt in before:
            await world.ready(receipt)
    with at(30):
        await expire.expire_unpaid(world.db)
    with at(31):
        sees_all_work(world)
        await world.place(world.wish("milk", 6), world.wish("bottle", 3))


def sees_all_work(world) -> None:
    """What a process knew of open work is old by now."""
    world.look.work._read_at = float("-inf")


async def history_of(world, since=START, until=END):
    return await replay.read_history(world.db, directory.current(), since, until)


async def played(world, *terms, **period):
    """Simulations of the terms over the period, fed with everything."""
    history = await history_of(world, **period)
    simulations = replay.simulations_of(history, directory.current(), [(0, policy) for policy in terms])

    async def note(_done: int) -> bool:
        return True

    assert await replay.play(history, simulations, note)
    return history, simulations


@pytest.mark.parametrize(
    "terms",
    [
        SourcingPolicy(),
        SourcingPolicy(split=150, day=40, reject=3000, owner_fee=200, horizon_days=14, parcels_max=5),
        SourcingPolicy(rush=900, rush_from=13, rush_until=14, day=300, parcels_max=5),
        SourcingPolicy(load=2000, walk_in=300, from_franchisees=False, hours_full=8),
    ],
    ids=["as installed", "many terms", "hours count", "walk-ins count thrice"],
)
async def test_the_terms_in_force_make_the_plans_that_were_made(world, books, terms):
    with clock.frozen(NOON):
        async with world.db.begin() as tx:
            await policies.set_version(tx, actor=world.clerk, kind="sourcing", body=terms, reason="r")
        await policies.refresh(world.db)
    await trade(world, books)
    _, (same,) = await played(world, terms)
    decisions = await world.db.fetch(
        """SELECT d.order_id, d.cost_minor, d.chosen FROM sourcing_decisions d
           JOIN orders o ON o.member_id = d.member_id AND o.id = d.order_id WHERE o.placed_at >= $1 ORDER BY d.at""",
        START,
    )
    codes = {store_id: code for code, store_id in world.stores.items()}
    made = [
        (row["order_id"], row["cost_minor"], [(one["location_code"], sorted(one["line_ids"])) for one in row["chosen"]])
        for row in decisions
    ]
    found = [
        (
            order_id,
            plan.cost_minor - terms.split,
            [(codes[one.location_id], sorted(str(piece.line_id) for piece in one.pieces)) for one in plan.parcels],
        )
        for order_id, plan in same.plans.items()
    ]
    assert len(made) == 4
    assert any(len(chosen) > 1 for _, _, chosen in made)
    assert found == made
    outcome = same.outcome()
    assert outcome.cost_minor == outcome.own_cost_minor == sum(cost for _, cost, _ in made)
    assert (outcome.orders, outcome.served, outcome.paid, outcome.lost_units) == (4, 4, 2, 0)
    fees = await world.value(
        """SELECT sum(f.unit_fee_minor * h.quantity) FROM fulfilments f
           JOIN holds h ON h.location_id = f.location_id AND h.ref_id = f.order_id AND h.outward
           WHERE f.kind = 'ship' AND f.placed_at >= $1""",
        START,
    )
    assert outcome.fees_minor == fees


async def test_the_stock_of_the_start_is_read_back_from_what_moved(world, books):
    await trade(world, books)
    history = await history_of(world)
    codes = {store_id: code for code, store_id in world.stores.items()}
    names = {sku_id: name for name, sku_id in world.skus.items()}
    assert {(codes[one.location_id], names[one.sku_id]): one.on_hand for one in history.levels} == {
        ("A", "milk"): 3, ("B", "milk"): 3, ("DC", "milk"): 4, ("A", "bottle"): 4, ("DC", "bottle"): 2,
    }  # fmt: skip
    moved = [(codes[e.location_id], names[e.sku_id], e.units, e.walk_in) for e in history.events if type(e) is Moved]
    assert moved == [("A", "bottle", -1, True), ("B", "milk", 2, False)]
    kept = [(names[e.sku_id], e.units, e.outward) for e in history.events if type(e) is Kept]
    assert sorted(kept) == [("bottle", 2, False), ("milk", 1, False), ("milk", 1, True)]
    assert history.prices_minor == {world.skus["milk"]: 19900, world.skus["bottle"]: 4990}


async def test_a_unit_that_is_handed_over_leaves_once(world):
    """A movement that resolves a hold is that hold: read as both, the unit would go twice."""
    with clock.frozen(NOON):
        await world.stock("A", "milk", 5)
        receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    with at(1):
        await world.place(world.wish("milk", 1))
    with at(2):
        await world.ready(receipt)
    with at(3):
        await world.hand(receipt, cash=50000)
    _, (same,) = await played(world, SourcingPolicy())
    level = same.levels[world.skus["milk"]][world.stores["A"]]
    assert (level.on_hand, level.held) == await world.level("A", "milk") == (3, 1)


async def test_a_hold_that_ends_in_the_moment_it_is_made_takes_its_units_once(world):
    with clock.frozen(NOON):
        await world.stock("A", "milk", 5)
    with at(1):
        await world.place(world.wish("milk", 1))
    with at(2):
        receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
        await world.ready(receipt)
        await world.hand(receipt, cash=50000)
        await world.cancel(await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store"))
    _, (same,) = await played(world, SourcingPolicy())
    level = same.levels[world.skus["milk"]][world.stores["A"]]
    assert (level.on_hand, level.held) == await world.level("A", "milk") == (3, 1)
    assert same.outcome().lost_units == 0


async def test_what_was_brought_to_a_shop_left_from_where_it_did(world, books):
    """An order that is delivered in part is decided anew; what of it was brought is as it was."""
    with clock.frozen(NOON):
        await world.stock("DC", "milk", 2)
        await world.stock("A", "bottle", 1)
    with at(1):
        receipt = await world.paid(books, world.wish("bottle"), world.wish("milk", at="B"), bring=True)
        kinds = sorted((job.kind, job.store_code) for job in receipt.fulfilments)
        assert kinds == [("ship", "A"), ("transfer", "DC")]
    with at(2):
        sees_all_work(world)
        await world.paid(books, world.wish("milk", 1))
    _, (same,) = await played(world, SourcingPolicy())
    level = same.levels[world.skus["milk"]][world.stores["DC"]]
    assert (level.on_hand, level.held) == await world.level("DC", "milk") == (2, 2)


async def test_other_terms_send_from_elsewhere_and_what_a_shop_then_lacks_is_counted(world, books):
    with clock.frozen(NOON):
        await world.stock("A", "milk", 2)
        await world.stock("DC", "milk", 5)
    with at(1):
        await world.paid(books, world.wish("milk", 2))  # from the warehouse
    with at(2):
        assert await sale(world, "A", 1) == "sold"
    _, (was, other) = await played(world, SourcingPolicy(), SourcingPolicy(pick_dc=9000))
    assert [one.parcels[0].location_id for one in was.plans.values()] == [world.stores["DC"]]
    assert [one.parcels[0].location_id for one in other.plans.values()] == [world.stores["A"]]
    # The other terms had sent both of the shop's units away when the customer came for one.
    assert (was.outcome().lost_units, other.outcome().lost_units, other.outcome().lost_minor) == (0, 1, 19900)
    assert was.outcome().cost_minor < other.outcome().cost_minor


# --- the job ------------------------------------------------------------------------------------------


async def asked(world, *others) -> replay_book.Replay:
    async with world.db.begin() as tx:
        return await replay.ask(tx, since_at=START, until_at=END, others=others, actor=world.clerk)


async def test_a_replay_runs_in_the_background_and_is_kept(world, books):
    await trade(world, books)
    with clock.frozen(END):
        entered = await asked(world, {"pick_dc": 9000}, 0)
        queued = await world.db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", replay.RUN_JOB)
        assert [msgspec.json.decode(row["payload"], type=replay.Wanted).replay_id for row in queued] == [entered.id]
        await replay.run(world.db, replay.Wanted(entered.id))
        done = await replay_book.get(world.db, entered.id)
    assert [(one.name, one.version) for one in done.contenders] == [("in_force", 0), ("draft", None), ("version", 0)]
    assert (done.state, done.orders_done, done.orders_total) == ("done", 4, 4)
    assert done.result is not None
    first, draft, again = done.result.outcomes
    assert first == again
    assert first.own_cost_minor == first.cost_minor != draft.cost_minor < draft.own_cost_minor
    assert not done.result.cut
    await replay.run(world.db, replay.Wanted(entered.id))  # a second delivery of the job finds it done
    assert await replay_book.get(world.db, entered.id) == done


async def test_one_whose_worker_died_is_played_anew(world, books, monkeypatch):
    await trade(world, books)
    with clock.frozen(END):
        entered = await asked(world)
    monkeypatch.setattr(replay, "SLICE_S", 0.0)
    reached, held = asyncio.Event(), asyncio.Event()
    play = replay.play

    async def stuck(*arguments):
        reached.set()
        await held.wait()
        return await play(*arguments)

    monkeypatch.setattr(replay, "play", stuck)
    task = asyncio.create_task(replay.run(world.db, replay.Wanted(entered.id)))
    await reached.wait()
    running = await replay_book.get(world.db, entered.id)
    assert (running.state, running.orders_total, running.orders_done) == ("running", 4, 0)
    task.cancel()  # the worker goes down
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await replay_book.get(world.db, entered.id)).state == "running"
    held.set()
    await replay.run(world.db, replay.Wanted(entered.id))
    done = await replay_book.get(world.db, entered.id)
    assert (done.state, done.result and done.result.outcomes[0].orders) == ("done", 4)


async def test_one_that_is_cancelled_stops_and_keeps_nothing(world, books, monkeypatch):
    await trade(world, books)
    with clock.frozen(END):
        entered = await asked(world)
    monkeypatch.setattr(replay, "SLICE_S", 0.0)
    monkeypatch.setattr(replay, "NOTE_S", 0.0)
    note, told = replay_book.note, []

    async def cancelled_meanwhile(db, replay_id, *, done, total):
        told.append(done)
        if done == 2:
            async with db.begin() as tx:
                await replay_book.cancel(tx, replay_id)
        return await note(db, replay_id, done=done, total=total)

    monkeypatch.setattr(replay_book, "note", cancelled_meanwhile)
    await replay.run(world.db, replay.Wanted(entered.id))
    found = await replay_book.get(world.db, entered.id)
    assert (found.state, found.result, max(told)) == ("cancelled", None, 2)
    async with world.db.begin() as tx:
        with pytest.raises(ReplayEnded):
            await replay_book.cancel(tx, entered.id)


async def test_too_many_orders_are_cut_and_too_much_movement_is_refused(world, books, monkeypatch):
    await trade(world, books)
    monkeypatch.setattr(replay, "ORDERS_MAX", 2)
    history = await history_of(world)
    assert (history.orders, history.cut, history.until_at) == (2, True, START + timedelta(minutes=0.4))
    assert sum(type(event) is Placed for event in history.events) == 2
    monkeypatch.setattr(replay, "EVENTS_MAX", 1)
    with clock.frozen(END):
        entered = await asked(world)
    await replay.run(world.db, replay.Wanted(entered.id))
    failed = await replay_book.get(world.db, entered.id)
    assert failed.state == "failed"
    assert failed.problem is not None
    assert failed.problem["en"].startswith("Too much moved")


async def test_a_period_without_deliveries_has_nothing_to_tell(world):
    with clock.frozen(END):
        entered = await asked(world)
    await replay.run(world.db, replay.Wanted(entered.id))
    done = await replay_book.get(world.db, entered.id)
    assert (done.state, done.orders_total) == ("done", 0)
    assert done.result is not None
    assert done.result.outcomes[0].orders == 0


@pytest.mark.parametrize(
    ("since", "until", "others", "field"),
    [
        (END, START, (), "until_at"),
        (START, END + timedelta(minutes=1), (), "until_at"),
        (START - timedelta(days=93), START, (), "since_at"),
        (START, END, (7,), "others"),
        (START, END, (0, 0, 0), "others"),
        (START, END, ({"parcel": -1},), "body.parcel"),
        (START, END, ({"percel": 1},), "body.percel"),
    ],
)
async def test_what_cannot_be_played_is_refused(world, since, until, others, field):
    with clock.frozen(END):
        async with world.db.begin() as tx:
            with pytest.raises(BadInput) as refused:
                await replay.ask(tx, since_at=since, until_at=until, others=others, actor=world.clerk)
    assert [problem["field"] for problem in refused.value.fields["problems"]] == [field]
    assert await world.value("SELECT count(*) FROM sourcing_replays") == 0
