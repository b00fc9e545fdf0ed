"""Transfers: both sides cancel out whatever is sent, lost, broken or found, and a unit is promised once all the way."""

from __future__ import annotations

import asyncio
import importlib.util
from datetime import timedelta

import asyncpg
import pytest

from duoline import inventory
from duoline.inventory import transfers
from duoline.inventory.transfers import rules
from duoline.kernel import clock, policies
from duoline.kernel.errors import Fault, Refusal
from duoline.kernel.machine import WrongState
from duoline.stores import directory
from tests.flows.conftest import NOON, open_place
from tests.flows.test_ensures import CONSTRAINTS
from tests.flows.test_lock_order import seen_while_held
from tests.flows.test_races import counted, held, ordered, outcomes, sale


@pytest.fixture(autouse=True)
def default_policy():
    yield
    policies._versions.clear()


async def decide(world, **body):
    async with world.db.begin() as tx:
        await policies.set_version(tx, actor=world.clerk, kind="transfers", body=body, reason="test")
    await policies.refresh(world.db)


async def ask(world, units, *, source="A", to="B", called=False):
    """A request of units by article; its id."""
    chain = world.look.chain
    async with world.db.begin() as tx:
        return await transfers.request(
            tx,
            source=chain.store(world.stores[source]),
            destination=chain.store(world.stores[to]),
            units=[transfers.Units(world.skus[sku], quantity) for sku, quantity in units.items()],
            note="",
            called=called,
            actor=world.clerk,
        )


async def run(world, verb, transfer_id, **options):
    """One verb in a transaction of its own."""
    async with world.db.begin() as tx:
        if verb in (transfers.approve, transfers.send):
            await verb(tx, world.look.chain, transfer_id=transfer_id, actor=world.clerk, **options)
        else:
            await verb(tx, transfer_id=transfer_id, actor=world.clerk, **options)
    return verb.__name__


async def send(world, transfer_id, picked=None, version=None):
    units = None if picked is None else [transfers.Units(world.skus[sku], n) for sku, n in picked.items()]
    return await run(world, transfers.send, transfer_id, picked=units, version=version)


async def receive(world, transfer_id, came, version=None):
    boxes = [transfers.Came(world.skus[sku], *numbers) for sku, numbers in came.items()]
    return await run(world, transfers.receive, transfer_id, came=boxes, version=version)


async def state(world, transfer_id):
    return (await transfers.peek(world.db, transfer_id)).state


async def under_way(world, to="B", sku="milk"):
    rows = await inventory.on_the_way(world.db, [world.skus[sku]], [world.stores[to]])
    return sum(row.units for row in rows)


async def everywhere(world, sku="milk"):
    """Units by place, and their sum over all there are, which is always nothing: what is here came from somewhere."""
    rows = await world.db.fetch(
        "SELECT location_id, sum(quantity) AS units FROM movements WHERE sku_id = $1 GROUP BY 1", world.skus[sku]
    )
    assert sum(row["units"] for row in rows) == 0
    return {row["location_id"]: row["units"] for row in rows}


async def numbers(world, transfer_id):
    transfer = await transfers.peek(world.db, transfer_id)
    names = {id_: name for name, id_ in world.skus.items()}
    return {names[line.sku_id]: tuple(line[1:7]) for line in await transfers.lines_of(world.db, transfer)}


async def test_few_units_are_approved_at_once_sent_and_received(world):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 2})
    assert await state(world, moved) == "approved"
    assert await world.level("A", "milk") == (5, 2)
    await send(world, moved)
    assert await world.level("A", "milk") == (3, 0)
    assert await world.level("B", "milk") == (0, 0)
    assert await under_way(world) == 2
    await receive(world, moved, {"milk": (2, 0)})
    assert await state(world, moved) == "received"
    assert await world.level("B", "milk") == (2, 0)
    assert await under_way(world) == 0
    assert (await everywhere(world))[world.stores["B"]] == 2
    assert await numbers(world, moved) == {"milk": (2, 2, 2, 0, 0, 0)}


async def test_what_is_on_the_way_is_promised_to_nobody(world):
    """Neither sold, held, ordered for delivery nor seen as stock, until it has come."""
    await world.stock("A", "milk", 1)
    moved = await ask(world, {"milk": 1})
    transit = inventory.transit_of(world.stores["B"])
    for step in (None, send):
        if step:
            await step(world, moved)
        assert await inventory.available_at(world.db, [world.skus["milk"]]) == []
        answers = await outcomes(
            sale(world, "A"), sale(world, "B"), held(world, inventory.Holds(world.db), "B"),
            ordered(world, world.wish("milk")), ordered(world, world.wish("milk", at="B")),
        )  # fmt: skip
        assert set(answers) <= {"inventory.insufficient-stock", "fulfilment.cannot-serve"}
    with pytest.raises(inventory.InsufficientStock):
        await inventory.Holds(world.db).hold(
            location_id=transit, sku_id=world.skus["milk"], quantity=1, ref_kind="clerk", ref_id=moved,
            expires_at=None, actor=world.clerk,
        )  # fmt: skip
    await receive(world, moved, {"milk": (1, 0)})
    assert await sale(world, "B") == "sold"


async def test_more_than_the_policy_allows_waits_for_a_person(world):
    await world.stock("A", "milk", 9)
    moved = await ask(world, {"milk": 4})
    assert await state(world, moved) == "requested"
    assert await world.level("A", "milk") == (9, 4)
    await run(world, transfers.approve, moved)
    assert await state(world, moved) == "approved"
    row = await world.db.fetchrow("SELECT * FROM transfers WHERE id = $1 AND side = 'in'", moved)
    assert (row["decided_by"], row["automatic"]) == (world.clerk.label, False)
    # The shops are three kilometres apart.
    with clock.frozen(NOON):
        called = await ask(world, {"milk": 4}, called=True)
    row = await world.db.fetchrow("SELECT * FROM transfers WHERE id = $1 AND side = 'out'", called)
    assert (row["state"], row["called"], row["expected_at"]) == ("approved", True, NOON + timedelta(hours=24))


async def test_the_policy_decides_who_asks_and_what_is_asked_for(world):
    await world.stock("A", "milk", 9)
    await decide(world, auto_units_max=5, keep_units=6)
    assert await state(world, await ask(world, {"milk": 3})) == "approved"
    assert await state(world, await ask(world, {"milk": 1})) == "requested"
    await decide(world, shops_may_ask=False)
    with pytest.raises(transfers.AskingClosed):
        await ask(world, {"milk": 1})
    assert await state(world, await ask(world, {"milk": 1}, called=True)) == "approved"


async def test_what_the_source_has_never_had_is_short(world):
    """There is no level to look at."""
    for called in (False, True):
        with pytest.raises(inventory.InsufficientStock) as short:
            await ask(world, {"milk": 1}, called=called)
        assert short.value.fields["short"][0]["available"] == 0
    assert await world.value("SELECT count(*) FROM transfers") == 0


async def test_safety_stock_is_not_given_away(world):
    await world.stock("A", "milk", 3)
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["A"], sku_id=world.skus["milk"], safety=2, reason="r", actor=world.clerk
        )
    with pytest.raises(inventory.InsufficientStock) as short:
        await ask(world, {"milk": 2}, called=True)
    assert short.value.fields["short"][0]["available"] == 1
    assert await world.level("A", "milk") == (3, 0)
    assert await world.value("SELECT count(*) FROM transfers") == 0


async def test_a_franchisee_is_asked_before_its_units_leave(world):
    company = inventory.TRANSIT  # any id
    await world.db.execute("INSERT INTO companies VALUES ($1, 'F', '加盟', 'F', 'franchisee')", company)
    await open_place(world, "F", "store", 30.2, 120.2, company)
    await directory.refresh(world.db)
    await world.stock("F", "milk", 2)
    assert await state(world, await ask(world, {"milk": 1}, source="F")) == "requested"
    await decide(world, auto_across_companies=True)
    assert await state(world, await ask(world, {"milk": 1}, source="F")) == "approved"


async def test_an_owner_s_terms_hold_for_transfers_too(world):
    """What a franchisee keeps back is not called off either; the fee is recorded where units go to another company."""
    company = inventory.TRANSIT  # any id
    await world.db.execute("INSERT INTO companies VALUES ($1, 'F', '加盟', 'F', 'franchisee')", company)
    await open_place(world, "F", "store", 30.2, 120.2, company)
    await world.db.execute(
        "UPDATE stores SET share_kind = 'up_to', share_units = 2, share_fee_minor = 150, version = version + 1 WHERE code = 'F'"
    )
    await directory.refresh(world.db)
    async with world.db.begin() as tx:
        await inventory.set_terms(tx, location_id=world.stores["F"], cap=2, reserve=1)
    await world.stock("F", "milk", 3)
    with pytest.raises(inventory.InsufficientStock) as short:
        await ask(world, {"milk": 3}, source="F", called=True)
    assert short.value.fields["short"][0]["available"] == 2
    moved = await ask(world, {"milk": 2}, source="F", called=True)
    assert await world.value("SELECT DISTINCT unit_fee_minor FROM transfers WHERE id = $1", moved) == 150
    await send(world, moved)
    await receive(world, moved, {"milk": (2, 0)})
    # They have left: the owner's cap is on what is promised at a time, and one stays in any case.
    assert await world.value("SELECT outward FROM levels WHERE location_id = $1", world.stores["F"]) == 0
    with pytest.raises(inventory.InsufficientStock):
        await ask(world, {"milk": 1}, source="F", called=True)
    await world.stock("A", "milk", 1)
    inside = await ask(world, {"milk": 1})
    assert await world.value("SELECT DISTINCT unit_fee_minor FROM transfers WHERE id = $1", inside) == 0
    # Units on the way to a shop whose owner keeps some back open its level with the owner's terms.
    await send(world, inside)
    await receive(world, inside, {"milk": (1, 0)})


async def test_declined_and_cancelled_units_are_on_offer_again(world):
    await world.stock("A", "milk", 9)
    declined, cancelled = await ask(world, {"milk": 4}), await ask(world, {"milk": 2})
    await run(world, transfers.decline, declined, reason="ours")
    await run(world, transfers.cancel, cancelled, reason="no more")
    assert [await state(world, one) for one in (declined, cancelled)] == ["declined", "cancelled"]
    assert await world.level("A", "milk") == (9, 0)
    for verb, options in (
        (transfers.approve, {}),
        (transfers.cancel, {"reason": ""}),
        (transfers.send, {"picked": None}),
    ):
        with pytest.raises(WrongState):
            await run(world, verb, declined, **options)


async def test_nobody_answers(world):
    await world.stock("A", "milk", 9)
    with clock.frozen(NOON):
        asked = await ask(world, {"milk": 4})
    with clock.frozen(NOON + timedelta(hours=47)):
        assert await transfers.lapse(world.db) == 0
    with clock.frozen(NOON + timedelta(hours=48)):
        assert await transfers.lapse(world.db) == 1
        assert await transfers.lapse(world.db) == 0
    assert await state(world, asked) == "cancelled"
    assert await world.level("A", "milk") == (9, 0)


async def test_the_source_finds_fewer_than_were_asked(world):
    await world.stock("A", "milk", 3)
    await world.stock("A", "bottle", 1)
    moved = await ask(world, {"milk": 2, "bottle": 1})
    for picked in ({"milk": 3}, {"milk": 1, "sock": 1}):
        with pytest.raises(transfers.NotInTransfer):
            await send(world, moved, picked)
    with pytest.raises(transfers.NothingToSend):
        await send(world, moved, {"milk": 0})
    await send(world, moved, {"milk": 1})
    assert await world.level("A", "milk") == (2, 0)
    assert await world.level("A", "bottle") == (1, 0)
    assert await numbers(world, moved) == {"milk": (2, 1, 0, 0, 0, 0), "bottle": (1, 0, 0, 0, 0, 0)}
    await receive(world, moved, {"milk": (1, 0)})
    assert await state(world, moved) == "received"


async def test_short_damaged_and_late(world):
    await world.stock("A", "milk", 9)
    moved = await ask(world, {"milk": 9}, called=True)
    await send(world, moved)
    await receive(world, moved, {"milk": (4, 2)})
    assert await state(world, moved) == "short"
    assert await under_way(world) == 3
    await receive(world, moved, {"milk": (1, 0)})
    assert await state(world, moved) == "short"
    await run(world, transfers.write_off, moved, reason="the van burnt")
    assert await state(world, moved) == "received"
    assert await numbers(world, moved) == {"milk": (9, 9, 5, 2, 2, 0)}
    places = await everywhere(world)
    assert (places[world.stores["B"]], places[inventory.QUARANTINE], places[inventory.LOSS]) == (5, 2, 2)
    assert places[inventory.transit_of(world.stores["B"])] == 0
    with pytest.raises(WrongState):
        await receive(world, moved, {"milk": (2, 0)})


async def test_more_in_the_box_than_was_sent(world):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 2})
    await send(world, moved)
    with pytest.raises(transfers.TooManyDamaged):
        await receive(world, moved, {"milk": (0, 3)})
    await receive(world, moved, {"milk": (3, 0), "sock": (1, 0)})
    assert await state(world, moved) == "received"
    assert await numbers(world, moved) == {"milk": (2, 2, 2, 0, 0, 1), "sock": (0, 0, 0, 0, 0, 1)}
    assert await world.level("B", "milk") == (3, 0)
    assert await world.level("B", "sock") == (1, 0)
    assert (await everywhere(world))[inventory.LOSS] == -1
    # The source counts and finds one fewer: then all of it is where the books say.
    await counted(world, "A", 2)
    assert (await everywhere(world))[inventory.LOSS] == 0


async def test_a_transfer_that_never_comes(world):
    await world.stock("A", "milk", 2)
    moved = await ask(world, {"milk": 2})
    await send(world, moved)
    await run(world, transfers.write_off, moved, reason="gone")
    assert await numbers(world, moved) == {"milk": (2, 2, 0, 0, 2, 0)}
    assert (await everywhere(world))[inventory.LOSS] == 2


async def test_every_step_is_audited_and_heard_by_both_places(world):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 4})
    await run(world, transfers.approve, moved)
    await send(world, moved, {"milk": 3})
    await receive(world, moved, {"milk": (1, 1)})
    await run(world, transfers.write_off, moved, reason="lost on the road")
    lines = await world.db.fetch(
        "SELECT action, store_id, reason, before, after FROM audit_log WHERE subject_kind = 'transfer' ORDER BY at, id"
    )
    steps = ["request", "approve", "send", "receive", "lose"]
    assert [line["action"] for line in lines] == [f"transfer.{step}" for step in steps]
    assert lines[-1]["reason"] == "lost on the road"
    sku = str(world.skus["milk"])
    assert lines[2]["after"] == {"sent": {sku: 3}}
    assert lines[3]["after"] == {sku: {"received": 1, "damaged": 1, "surplus": 0, "on_the_way": 1}}
    told = await world.db.fetch(
        "SELECT topic, store_ids FROM stock_outbox WHERE topic LIKE 'transfer.%' ORDER BY at, id"
    )
    assert [each["topic"].split(".")[1] for each in told] == ["requested", "approved", "sent", "short", "received"]
    assert all(set(each["store_ids"]) == {world.stores["A"], world.stores["B"]} for each in told)


@pytest.mark.parametrize("last", range(5))
async def test_last_unit_wanted_by_till_hold_order_count_and_transfer(world, last):
    """T18. One of them gets it; a count below what is kept is refused."""
    del last
    holds = inventory.Holds(world.db)
    for _ in range(4):
        kept = (await world.level("A", "milk"))[1]
        await counted(world, "A", kept + 1)
        answers = await outcomes(
            asked(world), sale(world, "A"), held(world, holds, "A"), ordered(world, world.wish("milk", at="A")),
            counted(world, "A", kept),
        )  # fmt: skip
        takers = [answer for answer in answers if answer in ("asked", "sold", "held", "ordered")]
        assert len(takers) <= 1
        assert len(takers) == 1 or answers[-1] == "counted"


async def asked(world):
    await ask(world, {"milk": 1})
    return "asked"


async def test_twenty_shops_ask_for_ten_units(world):
    await world.stock("A", "milk", 10)
    answers = await outcomes(*(asked(world) for _ in range(20)))
    assert sorted(answers) == ["asked"] * 10 + ["inventory.insufficient-stock"] * 10
    assert await world.level("A", "milk") == (10, 10)


async def test_one_box_opened_by_two_clerks(world):
    for came, expected in (((2, 0), 1), ((1, 0), 1)):
        await world.stock("A", "milk", 2)
        moved = await ask(world, {"milk": 2})
        await send(world, moved)
        seen = (await transfers.peek(world.db, moved)).version
        answers = await outcomes(*(receive(world, moved, {"milk": came}, version=seen) for _ in range(3)))
        assert answers.count("receive") == expected
        assert set(answers) <= {"receive", "inventory.transfer-changed"}
        assert (await numbers(world, moved))["milk"][5] == 0, "nothing was taken for surplus"


async def test_approve_decline_cancel_and_lapse_at_once(world):
    await world.stock("A", "milk", 9)
    for _ in range(6):
        with clock.frozen(NOON):
            moved = await ask(world, {"milk": 4})
        with clock.frozen(NOON + timedelta(days=9)):
            answers = await outcomes(
                run(world, transfers.approve, moved), run(world, transfers.decline, moved, reason=""),
                run(world, transfers.cancel, moved, reason=""), transfers.lapse(world.db),
            )  # fmt: skip
        # A transfer that was approved may be cancelled after that; it ends once.
        ended = [a for a in answers if a in ("decline", "cancel", 1)]
        assert len(ended) <= 1
        if not ended:
            assert "approve" in answers
            await run(world, transfers.cancel, moved, reason="")
        assert await world.level("A", "milk") == (9, 0)


async def test_transfers_both_ways_at_once_do_not_wait_for_each_other(world):
    """Each locks levels of both shops and both ways of transit; in one order, none is chosen as a deadlock's victim."""
    for place in ("A", "B", "DC"):
        for sku in ("milk", "bottle"):
            await world.stock(place, sku, 60)

    async def whole(source, to):
        moved = await ask(world, {"bottle": 1, "milk": 2}, source=source, to=to)
        await send(world, moved)
        await receive(world, moved, {"milk": (1, 1), "bottle": (1, 0)})
        return "moved"

    pairs = [("A", "B"), ("B", "A"), ("A", "DC"), ("DC", "B"), ("B", "DC"), ("DC", "A")] * 6
    assert set(await outcomes(*(whole(*pair) for pair in pairs))) == {"moved"}
    assert (await everywhere(world))[inventory.QUARANTINE] == len(pairs)


@pytest.mark.parametrize("step", ["send", "receive"])
async def test_levels_of_all_places_are_locked_in_order(world, step):
    """As tests/flows/test_lock_order.py: each level is held once by somebody else, and the free ones lie behind it."""
    skus = ("milk", "bottle", "sock")
    for sku in skus:
        await world.stock("A", sku, 60)
    transit = inventory.transit_of(world.stores["B"])
    places = (world.stores["A"], transit) if step == "send" else (world.stores["B"], transit)
    # The levels there are from the first transfer on.
    first = await ask(world, {"milk": 1, "bottle": 1, "sock": 1})
    await send(world, first)
    await receive(world, first, dict.fromkeys(skus, (1, 0)))
    wanted = sorted((place, world.skus[sku]) for place in places for sku in skus)
    for n, busy in enumerate(wanted):
        moved = await ask(world, {"sock": 1, "bottle": 1, "milk": 1})
        if step == "receive":
            await send(world, moved)

        async def verb(moved=moved):
            if step == "send":
                await send(world, moved)
            else:
                await receive(world, moved, {"sock": (1, 0), "milk": (1, 0), "bottle": (0, 1)})

        free = await seen_while_held(world, busy, verb)
        assert free & set(wanted) == set(wanted[n + 1 :]), f"with level {n} of {len(wanted)} held by somebody else"


async def test_a_closed_shop_takes_no_part(world):
    await world.stock("A", "milk", 5)
    await world.db.execute("UPDATE stores SET state = 'closed', version = version + 1 WHERE code = 'B'")
    await directory.refresh(world.db)
    for source, to in (("A", "B"), ("B", "A")):
        with pytest.raises(transfers.PlaceClosed):
            await ask(world, {"milk": 1}, source=source, to=to, called=True)
    assert await world.level("A", "milk") == (5, 0)


async def test_the_id_of_a_place_in_transit_is_the_migrations(world):
    spec = importlib.util.spec_from_file_location("revision", "migrations/versions/0010_transfers.py")
    revision = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(revision)
    store = world.stores["A"]
    assert revision.uuid5(revision.TRANSIT, str(store)) == inventory.transit_of(store)
    kinds = await world.db.fetch("SELECT id FROM locations WHERE store_id = $1 AND kind = 'transit'", store)
    assert [row["id"] for row in kinds] == [inventory.transit_of(store)]


def test_a_receipt_is_split_and_nothing_of_it_is_lost():
    sku = inventory.TRANSIT
    for good in range(5):
        for damaged in range(5):
            for way in range(5):
                if damaged > way:
                    with pytest.raises(transfers.TooManyDamaged):
                        rules.book(transfers.Came(sku, good, damaged), on_the_way=way)
                    continue
                booked = rules.book(transfers.Came(sku, good, damaged), on_the_way=way)
                assert booked.received + booked.surplus == good
                assert booked.damaged == damaged
                assert booked.received + booked.damaged <= way
                assert booked.surplus == 0 or booked.received + booked.damaged == way


# --- the second line -----------------------------------------------------------------------------------


@pytest.fixture
async def spoil(world, access):
    """Run SQL as the owner. The world is not checked at the end: it is broken on purpose."""
    owner = await asyncpg.connect(access.owner_dsn)
    await owner.execute(CONSTRAINTS)
    yield owner.execute
    await owner.execute("TRUNCATE transfers, transfer_lines, holds, levels, movements CASCADE")
    await owner.close()


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        ("UPDATE transfers SET version = 9 WHERE side = 'in'", "TRF-1"),
        ("DELETE FROM transfer_lines WHERE hold_id IS NULL; DELETE FROM transfers WHERE side = 'in'", "TRF-1"),
        ("UPDATE transfer_lines SET hold_id = NULL", "TRF-3"),
        ("UPDATE holds SET quantity = 1; UPDATE levels SET held = 1 WHERE held > 0", "TRF-4"),
    ],
)
async def test_sides_that_differ_are_not_sent(world, spoil, damage, invariant):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 3})
    await spoil(damage)
    with pytest.raises((Fault, Refusal)) as caught:
        await send(world, moved)
    assert getattr(caught.value, "invariant", None) == invariant
    assert await world.level("A", "milk") in ((5, 3), (5, 1))


async def test_units_that_are_not_in_transit_are_not_received(world, spoil):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 3})
    await send(world, moved)
    await spoil("UPDATE levels SET on_hand = 1 WHERE safety > 0")
    with pytest.raises(Fault) as caught:
        await receive(world, moved, {"milk": (3, 0)})
    assert caught.value.invariant == "INV-2"
    assert await world.level("B", "milk") == (0, 0)


async def test_a_hold_that_has_gone_is_not_let_go_twice(world, spoil):
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 3})
    await spoil("UPDATE holds SET state = 'released', resolved_at = now(); UPDATE levels SET held = 0")
    with pytest.raises(Fault) as caught:
        await run(world, transfers.cancel, moved, reason="")
    assert caught.value.invariant == "TRF-3"


async def test_no_step_waits_with_levels_locked_for_another_transfer(world):
    """The rows of a transfer come first: while somebody has them, the levels are free."""
    await world.stock("A", "milk", 5)
    moved = await ask(world, {"milk": 3})
    async with world.db.acquire() as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT 1 FROM transfers WHERE id = $1 FOR UPDATE", moved)
        waiting = asyncio.create_task(send(world, moved))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        assert await sale(world, "A") == "sold"
        await transaction.rollback()
    await waiting
