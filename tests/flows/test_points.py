"""Points from the hand-over to the return: earned by what stays, spent like money, owed when they were spent."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from duoline import loyalty, orders
from duoline.flows import earn_points, expire, own_tender, pay, pay_points, ship
from duoline.kernel import clock, faults, outbox, policies
from duoline.kernel.errors import NotFound, Refusal
from duoline.kernel.ids import new_id
from duoline.loyalty import ripen
from duoline.loyalty.policy import TierTimes
from duoline.pricing.promotions.types import PercentOff

from .conftest import NOON, World
from .test_offers import milk, offer  # noqa: F401 - a fixture
from .test_returns import bring
from .test_tiers import is_now

PRICE = 19900


async def told(world: World) -> loyalty.Balance:
    """What the relay and the consumer of the workers do with what happened."""
    while await world.value("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers["points"]):
        pass
    return await loyalty.balance_of(world.db, world.member_id)


async def given(world: World, points: int, *, member_id=None) -> None:
    async with world.db.begin() as tx:
        await loyalty.give(
            tx,
            member_id=member_id or world.member_id,
            source="given",
            ref_id=new_id(),
            points=points,
            actor=world.manager,
            reason="test",
        )


async def had(world: World, books, units: int = 1):
    """Bought, paid and collected."""
    await world.stock("A", "milk", units)
    receipt = await world.paid(books, world.wish("milk", units, at="A"))
    await world.ready(receipt)
    await world.hand(receipt)
    return receipt


async def spend(world: World, receipt, points: int) -> int:
    await own_tender.close_open(world.db, member_id=world.member_id, order_id=receipt.id)
    async with world.db.begin() as tx:
        return await pay_points.pay_points(
            tx, member_id=world.member_id, order_id=receipt.id, points=points, actor=world.member
        )


async def pay_rest(world: World, books, receipt) -> None:
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    books.pay(str(opened.intent_id))
    await pay.check_order(world.db, member_id=world.member_id, order_id=receipt.id)


@pytest.fixture
async def unit(world: World) -> int:
    """What a unit of milk costs."""
    return await world.value("SELECT price_minor FROM prices WHERE sku_id = $1 AND scope = 'chain'", world.skus["milk"])


async def test_what_is_kept_earns_and_what_comes_back_does_not(world, books, unit):
    receipt = await had(world, books, 3)
    assert (await told(world)).spendable == 3 * unit // 100
    assert (await told(world)).spendable == 3 * unit // 100  # told twice
    await bring(world, receipt.id, milk=1)
    assert (await told(world)).spendable == 2 * unit // 100
    await bring(world, receipt.id, milk=2)
    assert await told(world) == loyalty.Balance()
    assert (await loyalty.earned_of(world.db, world.member_id, receipt.id)).points == 0


async def test_paid_is_not_earned_and_a_guest_earns_nothing(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", 1, at="A"))
    assert await told(world) == loyalty.Balance()
    await world.db.execute("UPDATE members SET kind = 'guest', tier = '' WHERE member_id = $1", world.member_id)
    await world.ready(receipt)
    await world.hand(receipt)
    assert await told(world) == loyalty.Balance()
    async with world.db.begin() as tx:
        await tx.execute("UPDATE members SET kind = 'member', tier = 'member' WHERE member_id = $1", world.member_id)
        await earn_points.earn_nothing_so_far(tx, world.member_id)


async def test_a_guest_who_becomes_a_member_earns_by_what_comes_after(world, books, unit):
    guest = new_id()
    await world.db.execute(
        "INSERT INTO members (member_id, kind, created_at) VALUES ($1, 'guest', $2)", guest, clock.now()
    )
    await world.stock("A", "milk", 5)
    before, after = [await world.place(world.wish("milk", n, at="A"), member_id=guest) for n in (3, 2)]
    for receipt in (before, after):
        await world.pay(books, receipt)
        await world.ready(receipt)
    await world.hand(before)
    async with world.db.begin() as tx:
        await tx.execute("UPDATE members SET kind = 'member', tier = 'member' WHERE member_id = $1", guest)
        await earn_points.earn_nothing_so_far(tx, guest)
    await bring(world, before.id, milk=1)
    await told(world)
    assert (await loyalty.balance_of(world.db, guest)).spendable == 0
    await world.hand(after)
    await told(world)
    assert (await loyalty.balance_of(world.db, guest)).spendable == 2 * unit // 100


async def test_the_rate_is_the_tiers_and_stays_when_the_rules_change(world, books, unit, set_policy):
    await set_policy("points", tiers=(TierTimes(tier="gold", percent=200),))
    await is_now(world, "gold")
    receipt = await had(world, books, 2)
    assert (await told(world)).spendable == 2 * unit * 2 // 100
    await set_policy("points", rate=9_000)
    await is_now(world, "member")
    await bring(world, receipt.id, milk=1)
    assert (await told(world)).spendable == unit * 2 // 100


async def test_rules_of_a_moment_ago_are_known_before_they_are_written_down(world, books, unit, set_policy):
    """Another process has decided, and this one has not heard of it yet."""
    await set_policy("points", rate=100)
    behind = dict(policies._versions)
    await set_policy("points", rate=300, binding=7)
    policies._versions.clear()
    policies._versions.update(behind)
    assert policies.current("points").version == 1
    await had(world, books)
    assert (await told(world)).spendable == unit * 3 // 100
    assert await world.value("SELECT rule_version FROM point_rates") == 2
    policies._versions.clear()
    policies._versions.update(behind)
    async with world.db.begin() as tx:
        payload = {"first": True, "flags": []}
        event = outbox.Event(1, "attribution.bound", str(new_id()), payload, world.member_id, (), clock.now())
        await earn_points.earn_by_binding(tx, event)
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == unit * 3 // 100 + 7


async def test_a_free_article_earns_nothing(world, books, offer):  # noqa: F811
    await offer(PercentOff(off_bp=10_000), of=milk(world))
    await world.stock("A", "milk", 1)
    await world.stock("A", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", 1, at="A"), world.wish("bottle", 1, at="A"))
    await world.ready(receipt)
    await world.hand(receipt)
    assert (await told(world)).spendable == receipt.total.minor // 100


async def test_points_may_wait_until_nothing_can_come_back_any_more(world, books, unit, set_policy):
    await set_policy("points", wait=True)
    receipt = await had(world, books, 2)
    earned = 2 * unit // 100
    assert await told(world) == loyalty.Balance(pending=earned)
    assert await ripen.ripen(world.db) == 0
    await bring(world, receipt.id, milk=1)
    assert await told(world) == loyalty.Balance(pending=unit // 100)
    with clock.frozen(clock.now() + timedelta(days=9)):
        assert await ripen.ripen(world.db) == 1
        assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance(spendable=unit // 100)


async def ripe(world: World) -> dict[str, datetime | None]:
    """From when on what each line earned can be spent, by SKU."""
    rows = await world.db.fetch(
        """SELECT l.sku_id, p.ripens_at FROM point_lots p JOIN order_lines l ON l.member_id = p.member_id
               AND l.order_id = p.ref_id AND l.id = p.line_id WHERE p.source = 'order'"""
    )
    names = {sku_id: name for name, sku_id in world.skus.items()}
    return {names[row["sku_id"]]: row["ripens_at"] for row in rows}


async def test_a_parcel_s_points_wait_until_it_cannot_come_back_any_more(world, books, unit, set_policy):
    """As its commission does: from the day it was promised for or arrived on, not from the day it was sent."""
    with clock.frozen(NOON):
        await set_policy("points", wait=True)
        await world.stock("A", "milk", 1)
        receipt = await world.paid(books, world.wish("milk", 1))
        [job] = receipt.fulfilments
        await world.db.execute("UPDATE fulfilments SET promise_at = $1", NOON + timedelta(days=5))
        await world.ready(receipt)
        parcel = {"location_id": world.stores[job.store_code], "fulfilment_id": job.id, "actor": world.clerk}
        async with world.db.begin() as tx:
            await ship.ship(tx, **parcel, carrier="SF", tracking_no="1")
        assert await told(world) == loyalty.Balance(pending=unit // 100)
    # Seven days of the shop's calendar: the thirteenth begins at midnight in Shanghai, twelve hours before noon.
    midnight = NOON - timedelta(hours=12)
    assert await ripe(world) == {"milk": midnight + timedelta(days=13)}
    with clock.frozen(NOON + timedelta(days=6)):
        async with world.db.begin() as tx:
            await ship.deliver(tx, **parcel)
        await told(world)
    assert await ripe(world) == {"milk": midnight + timedelta(days=14)}
    with clock.frozen(midnight + timedelta(days=14, seconds=-1)):
        assert await ripen.ripen(world.db) == 0
        await bring(world, receipt.id, milk=1, at=job.store_code)
        assert await told(world) == loyalty.Balance()


async def test_each_line_waits_from_its_own_hand_over(world, books, set_policy):
    with clock.frozen(NOON):
        await set_policy("points", wait=True)
        await world.stock("A", "milk", 1)
        await world.stock("B", "bottle", 1)
        receipt = await world.paid(books, world.wish("milk", 1, at="A"), world.wish("bottle", 1, at="B"))
        milk, bottle = (line.net.minor // 100 for line in (await world.order(receipt)).lines)
        first = next(n for n, job in enumerate(receipt.fulfilments) if job.store_code == "A")
        await world.ready(receipt, first)
        await world.hand(receipt, first)
        assert await told(world) == loyalty.Balance(pending=milk)
    with clock.frozen(NOON + timedelta(days=1)):
        await world.ready(receipt, 1 - first)
        await world.hand(receipt, 1 - first)
        assert await told(world) == loyalty.Balance(pending=milk + bottle)
    with clock.frozen(NOON + timedelta(days=8)):
        assert await ripen.ripen(world.db) == 1
        assert await told(world) == loyalty.Balance(pending=bottle, spendable=milk)
    with clock.frozen(NOON + timedelta(days=9)):
        assert await ripen.ripen(world.db) == 1
        assert await told(world) == loyalty.Balance(spendable=milk + bottle)
    # One movement for what is told at once, whichever lines it came by.
    assert await world.value("SELECT count(*) FROM journals WHERE kind = 'points-order'") == 2


async def test_a_line_waits_for_the_rest_of_it(world, books, unit, set_policy):
    """Of a line that comes in two parcels nothing can be spent before the second came, or comes no more."""
    with clock.frozen(NOON):
        await set_policy("points", wait=True)
        await world.stock("A", "milk", 1)
        await world.stock("B", "milk", 1)
        receipt = await world.paid(books, world.wish("milk", 2))
        here = receipt.fulfilments[0]
        await world.ready(receipt)
        async with world.db.begin() as tx:
            await ship.ship(
                tx,
                location_id=world.stores[here.store_code],
                fulfilment_id=here.id,
                actor=world.clerk,
                carrier="SF",
                tracking_no="1",
            )
        assert await told(world) == loyalty.Balance(pending=unit // 100)
        assert (await loyalty.earned_of(world.db, world.member_id, receipt.id)) == (unit // 100, True, None)
    with clock.frozen(NOON + timedelta(days=30)):
        assert await ripen.ripen(world.db) == 0
        await world.cancel(receipt)
        assert await told(world) == loyalty.Balance(pending=unit // 100)
        assert await ripen.ripen(world.db) == 1
        assert await told(world) == loyalty.Balance(spendable=unit // 100)


async def test_points_of_a_release_that_knew_no_lines_are_told_as_one(world, books, set_policy):
    with clock.frozen(NOON):
        await set_policy("points", wait=True)
        await world.stock("A", "milk", 2)
        await world.stock("A", "bottle", 1)
        receipt = await world.paid(books, world.wish("milk", 2, at="A"), world.wish("bottle", 1, at="A"))
        milk, bottle = (line.net.minor // 100 for line in (await world.order(receipt)).lines)
        await world.ready(receipt)
        await world.hand(receipt)
        assert await told(world) == loyalty.Balance(pending=milk + bottle)
        await world.db.execute(
            f"DELETE FROM point_lots WHERE granted = {bottle};"
            f"UPDATE point_lots SET line_id = NULL, granted = {milk + bottle}, left_points = {milk + bottle}"
        )
        await bring(world, receipt.id, milk=1)
        assert await told(world) == loyalty.Balance(pending=milk // 2 + bottle)
    assert await world.value("SELECT count(*) FROM point_lots WHERE source = 'order'") == 1
    with clock.frozen(NOON + timedelta(days=8)):
        assert await ripen.ripen(world.db) == 1
        assert await told(world) == loyalty.Balance(spendable=milk // 2 + bottle)


async def test_lines_that_come_back_together_are_taken_from_what_is_left_of_both(world, books):
    """What one line lacks is drawn from the other, which then has less of its own."""
    await world.stock("A", "milk", 1)
    await world.stock("A", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", 1, at="A"), world.wish("bottle", 1, at="A"))
    await world.ready(receipt)
    await world.hand(receipt)
    earned = (await told(world)).spendable
    await world.stock("A", "milk", 1)
    second = await world.place(world.wish("milk", 1, at="A"))
    await spend(world, second, earned - 5)
    await bring(world, receipt.id, milk=1, bottle=1)
    assert await told(world) == loyalty.Balance(owed=earned - 5)
    assert await world.value("SELECT sum(granted) FROM point_lots WHERE source = 'order'") == 0


async def test_points_pay_a_part_and_earn_nothing_themselves(world, books, unit):
    await given(world, 5_000)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    can = await pay_points.usable(world.db, member_id=world.member_id, order_id=receipt.id)
    assert (can.most, can.worth_minor, can.spendable) == (5_000, 5_000, 5_000)
    assert await spend(world, receipt, 4_000) == unit - 4_000
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 1_000
    with pytest.raises(loyalty.PointsNotTaken):
        await spend(world, receipt, 500)
    await pay_rest(world, books, receipt)
    view = await world.order(receipt)
    assert (view.state, view.paid.minor) == ("preparing", unit)
    await world.ready(receipt)
    await world.hand(receipt)
    assert (await told(world)).spendable == 1_000 + (unit - 4_000) // 100


async def test_points_come_back_with_the_order_that_nobody_paid(world, unit):
    await given(world, 500)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    await spend(world, receipt, 500)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert await expire.expire_order(world.db, member_id=world.member_id, order_id=receipt.id)
        assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 500
    assert await world.level("A", "milk") == (1, 0)


async def test_points_come_back_with_the_order_that_is_cancelled_or_returned(world, books, unit):
    await given(world, 1_000)
    await world.stock("A", "milk", 3)
    receipt = await world.place(world.wish("milk", 2, at="A"))
    await spend(world, receipt, 999)
    await pay_rest(world, books, receipt)
    view = await world.order(receipt)
    await world.cancel(receipt, {view.lines[0].id: 1})
    # Half of it goes back, and half of the points with it: 499 of the 999 pay for what is kept.
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 501
    await world.ready(receipt)
    await world.hand(receipt)
    await bring(world, receipt.id, milk=1)
    await world.refunds()
    assert (await told(world)).spendable == 1_000
    order = await world.db.fetchrow("SELECT paid_minor, refunded_minor FROM orders WHERE id = $1", receipt.id)
    assert tuple(order) == (2 * unit, 2 * unit)


async def test_what_was_spent_and_has_to_go_back_is_owed_and_paid_first(world, books, unit):
    receipt = await had(world, books, 1)
    earned = unit // 100
    assert (await told(world)).spendable == earned
    await world.stock("A", "milk", 1)
    second = await world.place(world.wish("milk", 1, at="A"))
    await spend(world, second, earned)
    await bring(world, receipt.id, milk=1)
    assert await told(world) == loyalty.Balance(owed=earned)
    with pytest.raises(Refusal):
        await spend(world, second, 1)
    await given(world, earned - 10)
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance(owed=10)
    await given(world, 30)
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance(spendable=20)
    await world.cancel(second)
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance(spendable=20 + earned)


async def test_points_end_in_time_those_that_end_first_are_spent_first(world, set_policy):
    await set_policy("points", lasts_days=10)
    await given(world, 300)
    with clock.frozen(clock.now() + timedelta(days=5)):
        await given(world, 200)
        async with world.db.begin() as tx:
            await loyalty.take_away(tx, member_id=world.member_id, points=250, actor=world.manager, reason="test")
    with clock.frozen(clock.now() + timedelta(days=11)):
        assert await ripen.expire(world.db) == 1
        assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 200
    with clock.frozen(clock.now() + timedelta(days=16)):
        assert await ripen.expire(world.db) == 1
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance()


async def test_many_points_that_end_at_one_instant_end_in_one_run(world, set_policy, monkeypatch):
    """Five hundred lots a run, and six runs an hour: what a campaign gave to everybody lasted for weeks longer."""
    monkeypatch.setattr(ripen, "BATCH", 2)
    await set_policy("points", lasts_days=10)
    for _ in range(5):
        await given(world, 100)
    with clock.frozen(clock.now() + timedelta(days=11)):
        assert await ripen.expire(world.db) == 5
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance()


async def lots(world: World) -> dict[int | None, int]:
    """What is left, by the days it lasts from now."""
    rows = await world.db.fetch(
        "SELECT expires_at, sum(left_points)::integer AS left FROM point_lots WHERE left_points > 0 GROUP BY 1"
    )
    return {row["expires_at"] and (row["expires_at"] - clock.now()).days: row["left"] for row in rows}


async def test_points_come_back_with_the_time_they_had(world, books, unit, set_policy):
    """Nobody makes points last by ordering and cancelling; what ended meanwhile lasts a little longer."""
    begun = clock.now()
    with clock.frozen(begun):
        for days, points in ((3, 300), (20, 200), (0, 500)):  # 0 is for ever
            await set_policy("points", lasts_days=days, back_days=7)
            await given(world, points)
        await set_policy("points", lasts_days=700, back_days=7)
        before = await lots(world)
        assert before == {3: 300, 20: 200, None: 500}
        await world.stock("A", "milk", 4)
        receipt = await world.place(world.wish("milk", 2, at="A"))
        await spend(world, receipt, 600)
        await pay_rest(world, books, receipt)
        assert await lots(world) == {None: 400}
        line = (await world.order(receipt)).lines[0].id
        # Half of it: those that last longest come back first.
        await world.cancel(receipt, {line: 1})
        assert await lots(world) == {None: 500, 20: 200}
        await world.cancel(receipt)
        assert await lots(world) == {7: 300, 20: 200, None: 500}
        again = await world.place(world.wish("milk", 2, at="A"))
        await spend(world, again, 600)
    with clock.frozen(begun + timedelta(days=10)):
        await world.cancel(again)
        assert await lots(world) == {7: 300, 10: 200, None: 500}


async def test_what_was_spent_before_ends_were_written_down_begins_anew(world, unit, set_policy):
    begun = clock.now()
    with clock.frozen(begun):
        await set_policy("points", lasts_days=100, back_days=7)
        await given(world, 600)
        await world.stock("A", "milk", 1)
        receipt = await world.place(world.wish("milk", 1, at="A"))
        await spend(world, receipt, 600)
        await world.db.execute("UPDATE point_uses SET drawn = '[]'")
    with clock.frozen(begun + timedelta(days=10)):
        await world.cancel(receipt)
        assert await lots(world) == {100: 600}


async def test_points_that_ended_unspent_are_not_taken_twice(world, books, unit, set_policy):
    """The order comes back after its points have ended: neither other points nor a debt pay for them."""
    await set_policy("points", lasts_days=2)
    receipt = await had(world, books, 2)
    assert (await told(world)).spendable == 2 * unit // 100
    with clock.frozen(clock.now() + timedelta(days=3)):
        assert await ripen.expire(world.db) == 1
        await given(world, 40)
        await bring(world, receipt.id, milk=1)
        assert await told(world) == loyalty.Balance(spendable=40)
        await bring(world, receipt.id, milk=1)
        assert await told(world) == loyalty.Balance(spendable=40)


async def test_twenty_spend_the_same_points_at_once(world):
    """Each on an order of their own: the points are spent once."""
    await given(world, 1_000)
    await world.stock("A", "milk", 20)
    receipts = [await world.place(world.wish("milk", 1, at="A")) for _ in range(20)]
    done = await asyncio.gather(*(spend(world, one, 1_000) for one in receipts), return_exceptions=True)
    assert sum(isinstance(one, int) for one in done) == 1
    assert all(isinstance(one, int | Refusal) for one in done)
    assert await loyalty.balance_of(world.db, world.member_id) == loyalty.Balance()
    assert await world.value("SELECT count(*) FROM point_uses") == 1


async def test_spending_beside_earning_and_returning_loses_nothing(world, books, unit):
    receipt = await had(world, books, 2)
    have = (await told(world)).spendable
    await world.stock("A", "milk", 1)
    second = await world.place(world.wish("milk", 1, at="A"))

    async def again():
        async with world.db.begin() as tx:
            return await earn_points.earn(tx, world.member_id, receipt.id)

    async def back():
        await bring(world, receipt.id, milk=1)
        return await again()

    done = await asyncio.gather(spend(world, second, have), again(), back(), again(), return_exceptions=True)
    assert all(isinstance(one, int | Refusal) for one in done), done
    balance = await told(world)
    spent = have if isinstance(done[0], int) else 0
    assert balance.spendable - balance.owed == unit // 100 - spent


async def test_the_old_amount_cannot_be_paid_beside_the_new_one(world, books, unit):
    """The provider's page was open: it is closed there first; who pays all the same in that moment has paid all."""
    await given(world, 1_000)
    await world.stock("A", "milk", 2)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    await spend(world, receipt, 1_000)
    assert await world.value("SELECT state FROM payment_intents WHERE id = $1", opened.intent_id) == "closed"
    await pay_rest(world, books, receipt)
    other = await world.place(world.wish("milk", 1, at="A"))
    await given(world, 1_000)
    late = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=other.id, subject="s", notify_url="n", return_url="r"
    )
    books.pay(str(late.intent_id))
    with pytest.raises(orders.AlreadyPaid):
        await spend(world, other, 1_000)
    assert (await world.order(other)).state == "preparing"
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 1_000


async def test_all_in_points_when_the_rules_allow_it(world, unit, set_policy):
    await set_policy("points", cap_percent=100)
    await given(world, unit)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    assert await spend(world, receipt, unit) == 0
    assert (await world.order(receipt)).state == "preparing"
    await world.ready(receipt)
    await world.hand(receipt)
    assert await told(world) == loyalty.Balance()


@pytest.mark.parametrize("points", [-5, 0, 99, 9_999_999])
async def test_no_more_and_no_fewer_than_the_order_takes(world, points):
    await given(world, 5_000)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    with pytest.raises(loyalty.PointsNotTaken):
        await spend(world, receipt, points)
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 5_000


async def test_nobody_pays_with_points_for_another(world):
    other = await world.new_member()
    await given(world, 5_000, member_id=other)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    with pytest.raises(NotFound):
        async with world.db.begin() as tx:
            await pay_points.pay_points(tx, member_id=other, order_id=receipt.id, points=100, actor=world.member)


async def test_dying_before_the_commit_spends_nothing(world, books, unit):
    """The process ends in the middle: no points, no part of the money, and the whole can be paid or tried again."""
    await given(world, 500)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", 1, at="A"))
    faults.arm("points.before_commit:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await spend(world, receipt, 500)
    finally:
        faults.arm("")
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == 500
    assert await world.value("SELECT paid_minor FROM orders WHERE id = $1", receipt.id) == 0
    assert await spend(world, receipt, 500) == unit - 500
    await pay_rest(world, books, receipt)
    assert (await world.order(receipt)).state == "preparing"


async def trade(world: World, books) -> None:
    """Points of every kind, some of them spent, some of those back."""
    await given(world, 1_000)
    await had(world, books, 2)
    await told(world)
    await world.stock("A", "milk", 2)
    for kept in (True, False):
        receipt = await world.place(world.wish("milk", 1, at="A"))
        await spend(world, receipt, 400)
        await pay_rest(world, books, receipt)
        if not kept:
            await world.cancel(receipt)


@pytest.mark.parametrize(("first", "flags", "points"), [(True, [], 50), (False, [], 0), (True, ["shared_device"], 0)])
async def test_the_first_guide_gives_points_once_and_odd_ones_none(world, first, flags, points):
    binding = new_id()
    for _ in range(2):
        async with world.db.begin() as tx:
            await outbox.emit(
                tx,
                topic="attribution.bound",
                key=str(binding),
                payload={"first": first, "flags": flags},
                family="member",
                owner_id=world.member_id,
                member_id=world.member_id,
            )
        await told(world)
    assert (await loyalty.balance_of(world.db, world.member_id)).spendable == points
