"""Drawers: all cash of a shop is in one, whoever closes it meanwhile; a count tells what was missing, and the books say so."""

from __future__ import annotations

import asyncio
import random
import runpy
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from duoline import orders, payments
from duoline.entry.check import broken
from duoline.entry.schema import MIGRATIONS
from duoline.flows import drawer_view, sell
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.stores.rights import EVERYWHERE, Scope
from tests.flows.conftest import NOON

MILK = 19900


async def opened(world, store="A", *, drawer="1", float_minor=20000, actor=None):
    async with world.db.begin() as tx:
        return await payments.open_drawer(
            tx, world.stores[store], drawer=drawer, float_minor=float_minor, actor=actor or world.clerk
        )


async def sold(world, store="A", *, actor=None, drawer=None):
    shop = world.look.chain.store(world.stores[store])
    counter = await sell.price_wishes(world.look, shop, [(world.skus["milk"], 1)], member_id=None)
    buyer = await world.new_member()
    async with world.db.begin() as tx:
        return await sell.sell(
            tx, shop, counter, member_id=buyer, contact=orders.Contact("", ""), tendered_minor=MILK,
            actor=actor or world.clerk, drawer=drawer,
        )  # fmt: skip


async def closed(world, session_id, counted_minor, note="", store="A"):
    async with world.db.begin() as tx:
        return await payments.close_drawer(
            tx, world.stores[store], session_id, counted_minor=counted_minor, note=note, actor=world.manager
        )


async def by_hand(world, session_id, kind, amount_minor, reason="stamps", store="A"):
    async with world.db.begin() as tx:
        return await payments.pay_by_hand(
            tx, world.stores[store], session_id, kind=kind, amount_minor=amount_minor, reason=reason, actor=world.clerk
        )


async def seen(world, session_id, store="A"):
    return await drawer_view.session_of(world.db, world.look.chain, world.stores[store], session_id)


async def balance(world, account):
    return await world.value(
        """SELECT coalesce(sum(CASE WHEN debit = $1 THEN amount_minor ELSE -amount_minor END), 0)::bigint
           FROM journal_entries WHERE $1 IN (debit, credit)""",
        account,
    )


@asynccontextmanager
async def taken_back(world):
    """A transaction that comes to nothing."""
    async with world.db.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def after_sales(world, session_id, sales, what):
    """Do something as soon as so many sales have gone into a drawer."""
    async with asyncio.timeout(60):
        while len([1 for of, _, _ in await entries(world) if of == session_id]) < sales:
            await asyncio.sleep(0.002)
    return await what


async def entries(world):
    rows = await world.db.fetch("SELECT session_id, kind, amount_minor FROM drawer_entries ORDER BY at, id")
    return [tuple(row) for row in rows]


async def test_a_day_of_a_drawer_from_its_float_to_its_count(world):
    await world.stock("A", "milk", 5)
    with clock.frozen(NOON):
        session = await opened(world)
        await sold(world)
        receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
        await world.ready(receipt)
        await world.hand(receipt, cash=20000)
        await by_hand(world, session, "paid_in", 5000, "change from the bank")
        await by_hand(world, session, "paid_out", 1250)
    now = await seen(world, session)
    assert (now.sales, now.collections, now.paid_in.minor, now.paid_out.minor) == (1, 1, 5000, 1250)
    assert (now.taken, now.expected) == (None, None), "whoever counts it is not told what to find"
    expected = 20000 + 2 * MILK + 5000 - 1250
    # Half a yuan too few goes without a word.
    assert await closed(world, session, expected - 50) == payments.Closed(expected, expected - 50, -50)
    then = await seen(world, session)
    assert (then.taken.minor, then.expected.minor, then.counted.minor, then.difference.minor) == (
        2 * MILK, expected, expected - 50, -50,
    )  # fmt: skip
    assert (then.closed_by, then.note) == ("Chen Jie", "")
    assert {(paid.kind, paid.amount.minor, paid.reason, paid.by) for paid in then.payments} == {
        ("paid_in", 5000, "change from the bank", "Li Na"),
        ("paid_out", 1250, "stamps", "Li Na"),
    }
    shop = world.stores["A"]
    assert await balance(world, f"cash:{shop}") == expected - 50 - 20000, "all but the float came in here"
    assert await balance(world, f"till-difference:{shop}") == 50
    assert await balance(world, f"petty:{shop}") == 1250 - 5000
    log = await world.db.fetch("SELECT action, reason FROM audit_log WHERE subject_kind = 'drawer' ORDER BY at, id")
    assert {(row["action"], row["reason"]) for row in log} == {
        ("drawer.open", ""),
        ("drawer.paid-in", "change from the bank"),
        ("drawer.paid-out", "stamps"),
        ("drawer.close", ""),
    }


async def test_cash_with_no_drawer_open_opens_one_by_itself_and_its_float_is_said_once(world):
    await world.stock("A", "milk", 2)
    await sold(world)
    [now] = await drawer_view.open_at(world.db, world.look.chain, world.stores["A"])
    assert (now.drawer, now.by_itself, now.float.minor, now.opened_by, now.sales) == ("1", True, 0, "Li Na", 1)
    with pytest.raises(payments.DrawerOpen) as refused:
        await opened(world)
    assert refused.value.fields == {"drawer": "1", "by": "Li Na"}
    async with world.db.begin() as tx:
        await payments.set_float(tx, world.stores["A"], now.id, float_minor=30000, actor=world.clerk)
    with pytest.raises(payments.FloatKnown):
        async with world.db.begin() as tx:
            await payments.set_float(tx, world.stores["A"], now.id, float_minor=1, actor=world.clerk)
    assert (await closed(world, now.id, 30000 + MILK)).difference_minor == 0
    assert not await world.value("SELECT true FROM journals WHERE kind = 'till-difference'")


async def test_a_float_that_was_counted_is_not_changed(world):
    session = await opened(world, float_minor=0)
    with pytest.raises(payments.FloatKnown):
        async with world.db.begin() as tx:
            await payments.set_float(tx, world.stores["A"], session, float_minor=100, actor=world.clerk)


async def test_of_several_drawers_the_chosen_then_ones_own_then_the_oldest(world):
    await world.stock("A", "milk", 5)
    oldest = await opened(world, drawer="1", actor=world.member)
    own = await opened(world, drawer="2")
    await sold(world)
    await sold(world, actor=world.manager)
    await sold(world, drawer="1")
    await sold(world, drawer="no such drawer", actor=world.manager)
    assert [session for session, _, _ in await entries(world)] == [own, oldest, oldest, oldest]


async def test_no_more_is_paid_out_than_lies_in_the_drawer(world):
    session = await opened(world, float_minor=5000)
    with pytest.raises(payments.DrawerTooLittle):
        await by_hand(world, session, "paid_out", 5001)
    await by_hand(world, session, "paid_out", 5000)
    assert await entries(world) == [(session, "paid_out", -5000)]
    # Several at once want all of it: one gets it. (The first round opens the connections.)
    for _ in range(5):
        await by_hand(world, session, "paid_in", 5000)
        tries = [by_hand(world, session, "paid_out", 5000) for _ in range(8)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(answer, payments.DrawerTooLittle) for answer in answers) == 7
    assert await closed(world, session, 0) == payments.Closed(0, 0, 0)


async def test_a_large_difference_needs_a_word_and_every_try_leaves_a_trace(world, set_policy):
    await set_policy("till", drawer_difference_minor=1000)
    session = await opened(world, float_minor=20000)
    refused = await closed(world, session, 18999)
    assert isinstance(refused, payments.DifferenceUnexplained)
    assert refused.fields == {"allowed": "10.00 CNY", "allowed_minor": 1000}, "how far off it is stays untold"
    assert (await seen(world, session)).closed_at is None
    assert (await closed(world, session, 18999, "a note slipped behind the till")).difference_minor == -1001
    tried = await world.db.fetch(
        "SELECT action, after FROM audit_log WHERE subject_kind = 'drawer' AND action <> 'drawer.open' ORDER BY at, id"
    )
    assert [(row["action"], row["after"]["counted_minor"]) for row in tried] == [
        ("drawer.count", 18999),
        ("drawer.close", 18999),
    ]
    assert "expected_minor" not in tried[0]["after"], "whoever reads the log before counting again learns nothing"


async def test_nothing_goes_into_a_closed_drawer_or_out_of_it(world):
    session = await opened(world)
    await closed(world, session, 20000)
    for attempt in (closed(world, session, 20000), by_hand(world, session, "paid_in", 1)):
        with pytest.raises(payments.DrawerClosed) as refused:
            await attempt
        assert refused.value.fields == {"drawer": "1", "by": "Chen Jie"}
    with pytest.raises(NotFound):
        await closed(world, session, 20000, store="B")
    assert await entries(world) == []


async def test_cash_given_back_leaves_the_drawer_even_when_it_was_thought_empty(world):
    """The money is real whatever the books say. Here no refund stands behind it, so it is taken back at the end."""
    shop, ref = world.stores["A"], new_id()
    async with taken_back(world) as tx:
        session = await payments.note_cash(tx, shop, kind="refund", amount_minor=500, ref_id=ref, actor=world.clerk)
        row = await tx.fetchrow("SELECT session_id, kind, amount_minor FROM drawer_entries")
        assert tuple(row) == (session, "refund", -500)


async def test_cash_from_before_there_were_drawers_is_in_one_that_is_closed(world, access):
    """The migration puts it there, a session a shop. Cash of imported orders lay in other drawers and stays out."""
    await world.stock("A", "milk", 5)
    await world.stock("B", "milk", 5)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    await world.hand(receipt, cash=20000)
    await sold(world)
    await sold(world, "B")
    imported = await sold(world)
    await world.db.execute("UPDATE payment_intents SET provider = 'import' WHERE order_id = $1", imported.order_id)
    owner = await asyncpg.connect(access.owner_dsn)
    await owner.execute("TRUNCATE drawer_sessions, drawer_entries")
    assert {one.id for one in await broken(world.db)} == {"TIL-2"}
    path = MIGRATIONS / "versions" / "0028_drawers_and_parked_sales.py"
    migration = runpy.run_path(str(path))
    await owner.execute(migration["_SESSIONS"])
    await owner.execute(migration["_ENTRIES"])
    await owner.close()
    assert await broken(world.db) == []
    found = await drawer_view.sessions(world.db, world.look.chain, EVERYWHERE, which="closed", limit=10)
    assert {(one.store_code, one.sales, one.collections, one.counted.minor) for one in found} == {
        ("A", 1, 1, 2 * MILK),
        ("B", 1, 0, MILK),
    }
    # What is sold from now on opens the drawer anew, after the old one.
    await sold(world)
    assert [one.by_itself for one in await drawer_view.open_at(world.db, world.look.chain, world.stores["A"])] == [True]


# --- at once --------------------------------------------------------------------------------------------


async def test_sales_while_a_drawer_is_closed_are_in_its_sum_or_in_the_next_one(world):
    await world.stock("A", "milk", 300)
    inside = outside = 0
    for n in range(12):
        session = await opened(world)
        # Whoever counts does not know what to find, so the difference is whatever it is.
        counting = after_sales(world, session, n, closed(world, session, 20000, "counted in a hurry"))
        answers = await asyncio.gather(counting, *(sold(world) for _ in range(12)))
        count = next(answer for answer in answers if isinstance(answer, payments.Closed))
        mine = [amount for of, _, amount in await entries(world) if of == session]
        assert count.expected_minor == 20000 + sum(mine)
        inside += len(mine)
        for left in await drawer_view.open_at(world.db, world.look.chain, world.stores["A"]):
            assert left.by_itself
            outside += left.sales
            await closed(world, left.id, 0, "opened by itself")
    assert inside + outside == 144
    assert len(await entries(world)) == 144
    assert inside > 0
    assert outside > 0, "if none came too late it was no race"


async def test_first_sales_of_a_day_at_once_open_one_drawer(world):
    await world.stock("A", "milk", 30)
    await asyncio.gather(*(sold(world) for _ in range(30)))
    [only] = await drawer_view.open_at(world.db, world.look.chain, world.stores["A"])
    assert only.sales == 30


async def test_one_drawer_opened_by_many_at_once_is_opened_once(world):
    answers = await asyncio.gather(*(opened(world) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, payments.DrawerOpen) for answer in answers) == 7
    assert await world.value("SELECT count(*) FROM drawer_sessions") == 1


async def test_sales_and_collections_at_once_wait_for_each_other_in_no_ring(world):
    """A collection has its intent and its level before the drawer, as a sale has; the first of them opens it."""
    await world.stock("A", "milk", 40)
    receipts = [await world.place(world.wish("milk", at="A"), pay_mode="at_store") for _ in range(15)]
    for receipt in receipts:
        await world.ready(receipt)
    attempts = [world.hand(receipt, cash=20000) for receipt in receipts] + [sold(world) for _ in range(15)]
    random.Random(3).shuffle(attempts)
    await asyncio.gather(*attempts)
    [only] = await drawer_view.open_at(world.db, world.look.chain, world.stores["A"])
    assert (only.sales, only.collections) == (15, 15)


@pytest.mark.parametrize("way", ["sale", "collection"])
async def test_a_drawer_is_the_last_thing_that_is_locked(world, way):
    """Whoever waits for a level has no drawer yet, so closing one never waits for a level in somebody else's hands."""
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    session = await opened(world)
    async with taken_back(world) as holder:
        await holder.execute("SELECT 1 FROM levels WHERE location_id = $1 FOR UPDATE", world.stores["A"])
        taking = asyncio.create_task(sold(world) if way == "sale" else world.hand(receipt, cash=20000))
        async with asyncio.timeout(30):
            while not await world.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not taking.done(), taking
                await asyncio.sleep(0.01)
        assert (await closed(world, session, 20000)).difference_minor == 0
    await taking
    assert [kind for _, kind, _ in await entries(world)] == [way], "the cash went into the next one"


async def test_a_sale_waits_for_no_other_sale_of_its_drawer(world):
    """While one sale has not committed, another of another article goes through."""
    await world.stock("A", "milk", 2)
    session = await opened(world)
    async with taken_back(world) as tx:
        await payments.note_cash(tx, world.stores["A"], kind="sale", amount_minor=1, ref_id=new_id(), actor=world.clerk)
        async with asyncio.timeout(20):
            await sold(world)
        assert await entries(world) == [(session, "sale", MILK)]
        # Closing does wait for it: nothing that is under way is left out.
        closing = asyncio.create_task(closed(world, session, 20000 + MILK))
        async with asyncio.timeout(20):
            while not await world.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
        assert not closing.done()
    assert (await closing).difference_minor == 0


async def test_lists_are_of_the_shops_in_scope_newest_first(world):
    with clock.frozen(NOON):
        first = await opened(world, "A")
        await closed(world, first, 20000)
    with clock.frozen(NOON + timedelta(minutes=1)):
        second = await opened(world, "B", float_minor=100)
        await closed(world, second, 50, store="B")
    with clock.frozen(NOON + timedelta(minutes=2)):
        third = await opened(world, "A")

    async def listed(scope=EVERYWHERE, **options):
        found = await drawer_view.sessions(world.db, world.look.chain, scope, limit=10, **options)
        return [one.id for one in found]

    assert await listed() == [third, second, first]
    only_a = Scope(everything=False, store_ids=frozenset({world.stores["A"]}))
    assert await listed(only_a) == [third, first]
    assert await listed(which="open") == [third]
    assert await listed(which="different") == [second]
    assert await listed(location_id=world.stores["B"]) == [second]
    day = NOON.date()
    assert await listed(since=day, until=day) == [third, second, first]
    assert await listed(until=day.replace(day=day.day - 1)) == []
    assert await drawer_view.locate(world.db, first, only_a) == world.stores["A"]
    with pytest.raises(NotFound):
        await drawer_view.locate(world.db, second, only_a)
