"""What is learned from what became of promises, and that cart, order and pages all promise by it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from duoline import fulfilment
from duoline.channels.mall import offer
from duoline.flows import answer, basket, expire, hand_over, ship
from duoline.flows.place import Placing
from duoline.fulfilment.became import PAST
from duoline.fulfilment.learn_promises import learn_promises
from duoline.fulfilment.promise_report import report_promises
from duoline.kernel import clock
from tests.flows.conftest import NOON, SECRET

NIGHT = datetime(2026, 11, 25, 19, 51, tzinfo=UTC)  # the 26th, 3:51 in Shanghai


def look_anew(world):
    """As another process would: with nothing remembered."""
    world.look = basket.Look(world.db, fulfilment.OpenWork(world.db))
    world.placing = Placing(world.look, secret=SECRET)


async def picked(world, at, *, after, shop="A", sku="milk"):
    """An order placed at a time and ready some minutes later."""
    with clock.frozen(at):
        receipt = await world.place(world.wish(sku, at=shop), pay_mode="at_store")
    with clock.frozen(at + timedelta(minutes=after)):
        await world.ready(receipt)
    return receipt


async def row(world, receipt, columns, n=0):
    return tuple(await world.db.fetchrow(f"SELECT {columns} FROM fulfilments WHERE id = $1", receipt.fulfilments[n].id))


async def test_work_begins_when_it_is_paid(world, books):
    await world.stock("A", "milk", 5)
    with clock.frozen(NOON):
        later = await world.place(world.wish("milk", at="A"))
        assert await row(world, later, "work_at") == (None,)
        at_once = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    assert await row(world, at_once, "work_at, plain_at") == (NOON, at_once.fulfilments[0].promise_at)
    paid_at = NOON + timedelta(minutes=9)
    with clock.frozen(paid_at):
        await world.pay(books, later)
        await world.ready(later)
    assert await row(world, later, "work_at") == (paid_at,)
    with clock.frozen(paid_at + timedelta(minutes=5)):  # the clerk's undo does not begin it again
        async with world.db.begin() as tx:
            await hand_over.mark_unready(
                tx, location_id=world.stores["A"], fulfilment_id=later.fulfilments[0].id, actor=world.clerk
            )
    assert await row(world, later, "work_at, ready_at") == (paid_at, None)


async def test_a_parcel_keeps_how_far_it_goes_and_when_it_arrived(world, books):
    await world.stock("DC", "milk", 1)
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk"))
        await world.ready(receipt)
        job = {"location_id": world.stores["DC"], "fulfilment_id": receipt.fulfilments[0].id, "actor": world.clerk}
        async with world.db.begin() as tx:
            await ship.ship(tx, **job, carrier="SF", tracking_no="1")
    there = NOON + timedelta(days=1)
    with clock.frozen(there):
        async with world.db.begin() as tx:
            await ship.deliver(tx, **job)
    promise = receipt.fulfilments[0].promise_at
    assert await row(world, receipt, "plain_at, away_km, done_at, delivered_at") == (promise, 22, NOON, there)


@pytest.fixture
async def hour_late(world):
    """A shop that is an hour later than its lead time of half an hour, for five weeks at noon."""
    await world.stock("A", "milk", 200)
    for n in range(35):
        await picked(world, NOON - timedelta(days=34 - n), after=90)
    look_anew(world)
    return world


async def promises(world):
    """The same pickup as the product page, the list of shops, the cart and an order promise it, in minutes from noon."""
    shop, now = world.look.chain.store(world.stores["A"]), NIGHT + timedelta(hours=8, minutes=9)
    with clock.frozen(now):
        page = await offer.Offers(world.look.work).of(world.look.chain, shop, now)
        paged = msgspec.json.decode(b"{" + page.tail[1:] + b"}")["pickup_promise"]["at"]
        listed = offer.pickup_promise(
            shop,
            now,
            open_work=(await world.look.work.counts()).get(shop.id, 0),
            lags=await world.look.work.lags(),
        )
        found = await basket.look_at(
            world.look, [world.wish("milk", at="A")], channel="mall", member_id=None, address=None
        )
        receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
        stored = await row(world, receipt, "promise_at, plain_at")
        await world.cancel(receipt)
    said = {datetime.fromisoformat(paged), listed.at, found.groups[0].promise_at, receipt.fulfilments[0].promise_at}
    (one,) = {*said, stored[0]}
    return (one - now).total_seconds() / 60, (stored[1] - now).total_seconds() / 60


async def test_what_was_learned_is_promised_everywhere_alike(hour_late, set_policy):
    world = hour_late
    assert await promises(world) == (40, 40)
    with clock.frozen(NIGHT):
        assert await learn_promises(world.db) > 0
    look_anew(world)
    assert await promises(world) == (90, 40)  # its plain rule says forty minutes, it takes ninety
    with clock.frozen(NIGHT):
        await set_policy("promise", learned=False)
    assert await promises(world) == (40, 40)


async def test_a_shop_without_history_gets_what_the_chain_is_like_and_a_new_one_the_plain_rule(hour_late):
    world = hour_late
    with clock.frozen(NIGHT):
        await learn_promises(world.db)
    rows = await world.db.fetch(
        "SELECT s.code, l.kind, l.band, l.lag, l.seen FROM promise_lags l JOIN stores s ON s.id = l.location_id"
        " ORDER BY 1, 2, 3"
    )
    noon = fulfilment.lags.band_of(12)
    assert {(r["code"], r["lag"], r["seen"]) for r in rows if r["kind"] == "pickup" and r["band"] == noon} == {
        ("A", 50, 35),
        ("B", 50, 0),
    }
    lags = await fulfilment.OpenWork(world.db).lags()
    await world.db.execute("DELETE FROM promise_lags WHERE location_id = $1", world.stores["B"])
    assert (world.stores["B"], noon) in lags.pickup_min  # one that was opened after that night would not be there
    shop_b = world.look.chain.store(world.stores["B"])
    fresh = await fulfilment.OpenWork(world.db).lags()
    plain = fulfilment.pickup_ready_at(shop_b, NOON, open_work=0, lags=fresh)
    assert plain.at == plain.plain_at == NOON + timedelta(minutes=40)


async def test_few_orders_count_for_little(world):
    await world.stock("A", "milk", 20)
    for n in range(15):  # half of what suffices
        await picked(world, NOON - timedelta(days=15 - n), after=90)
    with clock.frozen(NIGHT):
        await learn_promises(world.db)
    lags = await fulfilment.OpenWork(world.db).lags()
    # Half of 50 for the chain; the shop has half of its own 50 and half of that; so has the hour.
    assert lags.pickup_min[world.stores["A"], 4] == 44
    assert lags.pickup_min[world.stores["B"], 4] == 25


async def test_orders_older_than_the_policy_looks_at_are_forgotten(hour_late, set_policy):
    world = hour_late
    with clock.frozen(NIGHT):
        await set_policy("promise", weeks=1)
    with clock.frozen(NOON + timedelta(days=30)):
        await learn_promises(world.db)
    assert (await fulfilment.OpenWork(world.db).lags()) == fulfilment.NOTHING_LEARNED


async def test_orders_of_before_there_was_learning_are_passed_over(hour_late):
    world = hour_late
    await world.db.execute("UPDATE fulfilments SET plain_at = NULL")
    with clock.frozen(NIGHT):
        await learn_promises(world.db)
        assert await report_promises(world.db) == 0
    assert (await fulfilment.OpenWork(world.db).lags()) == fulfilment.NOTHING_LEARNED


async def test_the_order_that_moves_to_another_shop_is_promised_by_what_was_learned_there(hour_late):
    world = hour_late
    await world.stock("B", "milk", 3)
    with clock.frozen(NIGHT):
        await learn_promises(world.db)
    look_anew(world)
    at = NIGHT + timedelta(hours=8, minutes=9)
    with clock.frozen(at):
        receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
        await world.reject(receipt, 1)
        async with world.db.begin() as tx:
            await answer.answer_move(
                tx, world.look, member_id=world.member_id, order_id=receipt.id, store_id=world.stores["B"],
                secret=SECRET, actor=world.member,
            )  # fmt: skip
    moved = await world.db.fetchrow(
        "SELECT promise_at, plain_at, work_at FROM fulfilments WHERE order_id = $1 AND location_id = $2",
        receipt.id,
        world.stores["B"],
    )
    assert tuple(moved) == (at + timedelta(minutes=90), at + timedelta(minutes=40), at)


async def test_a_parcel_that_is_sourced_again_keeps_what_it_was_promised_with(world, books):
    for place in ("DC", "A"):
        await world.stock(place, "milk", 1)
    with clock.frozen(NOON):
        receipt = await world.paid(books, world.wish("milk"))
        await world.reject(receipt, 1)
    again = await world.db.fetchrow(
        "SELECT promise_at, plain_at, away_km, work_at FROM fulfilments WHERE order_id = $1 AND state = 'to_pick'",
        receipt.id,
    )
    assert again["plain_at"] == again["promise_at"]
    assert again["away_km"] is not None
    assert again["work_at"] == NOON


# --- the report ---------------------------------------------------------------------------------


async def days(world):
    return [
        tuple(row)
        for row in await world.db.fetch(
            """SELECT s.code, d.day, d.kind, d.band, d.promises, d.kept, d.plain_kept, d.loss_milli, d.plain_loss_milli, d.aim
               FROM promise_days d JOIN stores s ON s.id = d.location_id ORDER BY 1, 2, 3, 4"""
        )
    ]


async def test_kept_promises_are_counted_by_day_beside_the_plain_rule(world, set_policy):
    await world.stock("A", "milk", 20)
    today = NOON + timedelta(days=1, hours=16)  # four in the morning after the next day
    await picked(world, NOON, after=30)
    await picked(world, NOON + timedelta(hours=3, minutes=5), after=41)
    with clock.frozen(NOON):
        waiting = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    with clock.frozen(today):
        assert await report_promises(world.db) == 3
    # Forty minutes were promised each time; one was ready ten minutes early, one a minute late, one is not ready yet:
    # it has waited from noon until the shop closed at nine, and from nine to nine today.
    never = 9 * 60 + 12 * 60 - 40
    assert await days(world) == [
        ("A", date(2026, 11, 18), "pickup", 4, 2, 1, 1, 10 * 100 + never * 900, 10 * 100 + never * 900, 90),
        ("A", date(2026, 11, 18), "pickup", 5, 1, 0, 0, 900, 900, 90),
    ]
    with clock.frozen(today):
        await world.ready(waiting)
    before = await days(world)
    with clock.frozen(today + timedelta(days=1)):
        await report_promises(world.db)
        await report_promises(world.db)  # again changes nothing
    after = await days(world)
    assert [one[:7] for one in after] == [one[:7] for one in before]
    with clock.frozen(today + timedelta(days=8)):
        await report_promises(world.db)
    assert await days(world) == after  # days that are over for a week stay as they are
    with clock.frozen(today + timedelta(days=450)):
        await report_promises(world.db)
    assert await days(world) == []


async def test_whoever_pays_later_makes_the_shop_no_later(world, books):
    """Forty minutes were promised; paid after fourteen, it was ready thirty-six later, which is in time."""
    await world.stock("A", "milk", 1)
    with clock.frozen(NOON):
        receipt = await world.place(world.wish("milk", at="A"))
    with clock.frozen(NOON + timedelta(minutes=14)):
        await world.pay(books, receipt)
    with clock.frozen(NOON + timedelta(minutes=50)):
        await world.ready(receipt)
    with clock.frozen(NOON + timedelta(days=1)):
        await report_promises(world.db)
    assert await days(world) == [("A", date(2026, 11, 18), "pickup", 4, 1, 1, 1, 400, 400, 90)]


async def test_the_promise_in_force_and_the_plain_rule_are_told_apart(hour_late):
    world = hour_late
    with clock.frozen(NIGHT):
        await learn_promises(world.db)
    look_anew(world)
    at = NIGHT + timedelta(hours=8, minutes=9)
    await picked(world, at, after=90)
    with clock.frozen(at + timedelta(days=1)):
        await report_promises(world.db)
    last = (await days(world))[-1]
    assert last[1:] == (date(2026, 11, 26), "pickup", 4, 1, 1, 0, 0, 50 * 900, 90)


async def test_uncollected_and_cancelled_orders_count_by_when_they_were_ready(world):
    await world.stock("A", "milk", 5)
    gone = await picked(world, NOON, after=30)
    with clock.frozen(NOON):
        cancelled = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
        await world.cancel(cancelled)
    with clock.frozen(NOON + timedelta(days=4)):
        assert await expire.release_uncollected(world.db) == 1
        assert await report_promises(world.db) == 1
    assert (await world.order(gone)).state == "cancelled"


async def test_past_promises_of_a_shop_are_found_by_their_index(world):
    """The nightly work looks at one location and some weeks at a time."""
    async with world.db.begin() as tx:
        await tx.execute("SET LOCAL enable_seqscan = off")
        plan = await tx.fetch("EXPLAIN " + PAST, world.stores["A"], NOON, NIGHT)
    assert any("fulfilments_promised_ix" in line[0] for line in plan)
