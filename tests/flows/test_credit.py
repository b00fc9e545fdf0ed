"""Who is paid for an order, from the payment to the payout and back: exactly, once, and never for oneself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import msgspec
import pytest

from duoline import attribution, settlement
from duoline.attribution import NewTouchpoint, Owner, Target
from duoline.entry.check import broken
from duoline.flows import credit, ship
from duoline.flows.cancel import cancel
from duoline.flows.draft import Receipt
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import clock, faults, outbox, policies
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.members import guests
from duoline.settlement import payout_quotes, payouts, statements
from tests.flows.conftest import ADDRESS, NOON
from tests.flows.test_returns import bring, rebuilt, sold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.flows.conftest import Books, World

GUIDE, BOSS, OTHER_BOSS = UUID(int=70), UUID(int=71), UUID(int=72)
MILK = 19_900
RIPE = timedelta(days=9)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture(autouse=True)
async def guide(noon: None, world: World) -> None:
    await people(world)


async def people(world: World) -> None:
    """A guide whom the member chose, and two people who approve."""
    for staff_id, phone in ((GUIDE, "+8613900000070"), (BOSS, None), (OTHER_BOSS, None)):
        await world.db.execute(
            """INSERT INTO staff (id, login, name, password_hash, phone, created_at, updated_at)
               VALUES ($1, $2, $2, '', $3, $4, $4)""",
            staff_id,
            f"s{staff_id.int}",
            phone,
            clock.now(),
        )
    await world.db.execute(
        "INSERT INTO staff_grants VALUES ($1, 'headquarters', 'chain', $2, $3)", BOSS, UUID(int=0), clock.now()
    )
    await bound(world, world.member_id)


async def bound(world: World, member_id: UUID, *, flags: tuple[str, ...] = ()) -> None:
    await world.db.execute(
        """INSERT INTO bindings (member_id, id, scope, guide_id, store_id, source, rule_version, from_at, flags)
           VALUES ($1, $2, 'guide', $3, $4, 'scan', 0, $5, $6)""",
        member_id,
        new_id(),
        GUIDE,
        world.stores["A"],
        clock.now() - timedelta(days=1),
        list(flags),
    )


async def told(world: World) -> None:
    """What the relay and the consumer of the workers do with what happened."""
    while await world.value("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers["settlement"]):
        pass


async def has(world: World, payee_id: UUID = GUIDE) -> tuple[int, int, int, int]:
    """Pending, due, paying and paid of a payee."""
    row = await world.db.fetchrow(
        "SELECT pending_minor, due_minor, paying_minor, paid_minor FROM payees WHERE payee_id = $1", payee_id
    )
    return tuple(row) if row else (0, 0, 0, 0)


async def had(world: World, books: Books, units: int = 1, *, at: str = "A") -> Receipt:
    """Bought, paid and collected."""
    await world.stock(at, "milk", units)
    receipt = await world.paid(books, world.wish("milk", units, at=at))
    await world.ready(receipt)
    await world.hand(receipt)
    return receipt


async def shared_by(world: World, owner: Owner, buyer: UUID, *, own_device: bool = False) -> attribution.OrderTouch:
    """A link of somebody's that the buyer opened a minute ago."""
    device = new_id()
    async with world.db.begin() as tx:
        link = await attribution.make(
            tx,
            NewTouchpoint(
                "share",
                owner,
                Text("分享", "Share"),
                Target("home"),
                store_id=None,
                device_id=device if own_device else None,
            ),
            actor=SYSTEM,
        )
        await attribution.scan(tx, link, via="link", device_id=device, member_id=buyer, timezone="Asia/Shanghai")
    found = await attribution.touch_before(world.db, [buyer], at=clock.now())
    assert found is not None
    return found


async def brought_by(world: World, hers: UUID, friend: UUID) -> None:
    """A friend signed up by a link of hers."""
    async with world.db.begin() as tx:
        link = await attribution.make(
            tx,
            NewTouchpoint("share", Owner("member", hers), Text("分享", "Share"), Target("home"), store_id=None),
            actor=SYSTEM,
        )
        await attribution.scan(tx, link, via="link", device_id=new_id(), member_id=friend, timezone="Asia/Shanghai")
        await attribution.signed_up(tx, member_id=friend)


async def bought_by_link(
    world: World, books: Books, owner: Owner, buyer: UUID, *, payer: str | None = None, **options: bool
) -> Receipt:
    await world.stock("A", "milk", 1)
    touch = await shared_by(world, owner, buyer, **options)
    request = world.request(world.wish("milk", 1, at="A"), member_id=buyer)
    placed = await world.placing.place(request._replace(touch=touch))
    receipt = msgspec.json.decode(placed.body, type=Receipt)
    await world.pay(books, receipt, payer=payer)
    return receipt


async def closed(world: World, month: str, *, at: timedelta) -> int:
    """Everything ripe is due, and the month is closed."""
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    with clock.frozen(NOON + at):
        return await settlement.close_month(
            world.db, month, pays=lambda kind, _: kind in ("staff", "member"), actor=world.manager
        )


async def statement(world: World, month: str = "2026-11", payee_id: UUID = GUIDE) -> asyncpg.Record:
    return await world.db.fetchrow("SELECT * FROM statements WHERE payee_id = $1 AND month = $2", payee_id, month)


async def approved(world: World, one: asyncpg.Record, by: UUID = BOSS) -> str:
    async with world.db.begin() as tx:
        return await settlement.approve(tx, one["payee_id"], one["id"], actor=Actor("staff", by, "Boss"), staff_id=by)


async def paid_out(world: World, month: str = "2026-11") -> UUID:
    async with world.db.begin() as tx:
        run = await settlement.begin(tx, month, actor=world.manager)
    await settlement.pay_all(world.db, payouts.Run(run, month))
    return run


DECEMBER, JANUARY = timedelta(days=20), timedelta(days=50)


async def trade(world: World, books: Books) -> None:
    """For the checker: shares that wait, are due, were paid, failed and were taken back after a payout."""
    await people(world)
    friend = await world.new_member()
    await bought_by_link(world, books, Owner("member", friend), world.member_id)
    receipts = [await had(world, books, 2) for _ in range(2)]
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    for row in await world.db.fetch("SELECT * FROM statements WHERE state = 'closed'"):
        for boss in (BOSS, OTHER_BOSS)[: row["approvals_needed"]]:
            await approved(world, row, by=boss)
    await bring(world, receipts[1].id, milk=1)  # after it was approved
    await told(world)
    async with world.db.begin() as tx:
        at_bank = settlement.Account(settlement.BANK, "6222021234567890", "Li Na", "Bank", "", "person")
        await settlement.set_account(tx, GUIDE, at_bank, kind="staff", actor=world.manager)
    await paid_out(world)
    for row in await world.db.fetch("SELECT payee_id, id FROM payouts WHERE payee_id = $1", GUIDE):
        async with world.db.begin() as tx:
            await settlement.resolve(tx, row["payee_id"], row["id"], went_well=True, actor=SYSTEM)
    await bring(world, receipts[0].id, milk=1)
    await told(world)
    await closed(world, "2026-12", at=JANUARY)
    await had(world, books)


async def test_a_guide_earns_when_it_is_paid_it_is_theirs_later_and_a_refund_takes_its_share(world, books):
    await world.stock("A", "milk", 2)
    receipt = await world.paid(books, world.wish("milk", 2, at="A"))
    await told(world)
    await told(world)
    assert await has(world) == (796, 0, 0, 0)
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    assert await settlement.mature(world.db) == 0
    await bring(world, receipt.id, milk=1)
    await told(world)
    assert await has(world) == (398, 0, 0, 0)
    with clock.frozen(NOON + RIPE):
        assert await settlement.mature(world.db) > 0
    assert await has(world) == (0, 398, 0, 0)


async def test_what_is_handed_over_while_an_order_is_read_is_read_again(world, books, monkeypatch):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", 1, at="A"))
    await world.ready(receipt)
    read, seen = credit.orders.read_order, []

    async def read_and_then_it_is_handed_over(tx, member_id, order_id):
        found = await read(tx, member_id, order_id)
        if not seen:
            await world.hand(receipt)
        seen.append(found)
        return found

    monkeypatch.setattr(credit.orders, "read_order", read_and_then_it_is_handed_over)
    async with world.db.begin() as tx:
        assert await credit.credit(tx, world.member_id, receipt.id)
    assert [lines[0].handed for _, lines in seen] == [0, 1]
    assert (await has(world))[0] == MILK * 2 // 100


async def test_not_paid_earns_nothing_and_cancelled_gives_it_back(world, books):
    await world.stock("A", "milk", 3)
    await world.place(world.wish("milk", 1, at="A"))
    await world.place(world.wish("milk", 1, at="A"), pay_mode="at_store")
    await told(world)
    assert await has(world) == (0, 0, 0, 0)
    receipt = await world.paid(books, world.wish("milk", 1, at="A"))
    await told(world)
    assert (await has(world))[0] == 398
    await world.cancel(receipt)
    await told(world)
    assert await has(world) == (0, 0, 0, 0)


async def test_at_the_till_the_seller_earns_too_and_nobody_online(world):
    await sold(world, milk=1)
    await told(world)
    assert (await has(world, world.clerk.id))[0] == 199
    assert (await has(world))[0] == 398
    assert await has(world, settlement.ONLINE.id) == (0, 0, 0, 0)


async def test_the_facts_are_frozen_when_it_is_paid(world, books, set_policy):
    receipt = await had(world, books, 2)
    await told(world)
    await set_policy("commission", guide_bp=1000)
    await world.db.execute("UPDATE bindings SET until_at = $1, ended_because = 'member'", clock.now())
    await bring(world, receipt.id, milk=1)
    await told(world)
    assert (await has(world))[0] == 398
    await had(world, books)
    await told(world)
    assert (await has(world))[0] == 398  # the next one is nobody's


async def sold_to_a_franchisee(world: World) -> UUID:
    """Shop A is a franchisee's from now on."""
    company = new_id()
    await world.db.execute("INSERT INTO companies VALUES ($1, 'FR', '加盟', 'Franchise', 'franchisee')", company)
    await world.db.execute("UPDATE stores SET company_id = $2 WHERE id = $1", world.stores["A"], company)
    await rebuilt(world)
    return company


async def owners(world: World, order_id: UUID) -> dict[UUID, int]:
    """Whose the goods of an order were, and what they have for them."""
    rows = await world.db.fetch(
        "SELECT payee_id, earned_minor FROM accruals WHERE role = 'owner' AND order_id = $1", order_id
    )
    return {row["payee_id"]: row["earned_minor"] for row in rows}


async def test_a_shop_that_is_sold_takes_nothing_of_earlier_orders_along(world, books, set_policy):
    before = await had(world, books, 2)
    await told(world)
    had_minor = await owners(world, before.id)
    company = await sold_to_a_franchisee(world)
    await bring(world, before.id, milk=1)
    await told(world)
    assert await owners(world, before.id) == {settlement.HEADQUARTERS.id: had_minor[settlement.HEADQUARTERS.id] // 2}
    # What it sells from now on is its new company's, also when it is tried under other rules.
    after = await had(world, books, 1)
    await told(world)
    assert list(await owners(world, after.id)) == [company]
    tried = await settlement.simulate(
        world.db,
        settlement.Draft(
            settlement.CommissionPolicy(), settlement.ALLOCATION.current().body, settlement.CONTRACTS.current().body
        ),
        since=NOON - timedelta(days=1),
        until=NOON + timedelta(days=1),
    )
    sums = {one.payee.id: (one.before_minor, one.after_minor) for one in tried.sums if one.book == "allocation"}
    assert all(was == would for was, would in sums.values()), sums


async def test_nothing_is_due_while_a_parcel_may_still_come_back(world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", 1))
    [job] = receipt.fulfilments
    await world.db.execute("UPDATE fulfilments SET promise_at = $1", NOON + timedelta(days=5))
    await world.ready(receipt)
    parcel = {"location_id": world.stores[job.store_code], "fulfilment_id": job.id, "actor": world.clerk}
    async with world.db.begin() as tx:
        await ship.ship(tx, **parcel, carrier="SF", tracking_no="1")
    await told(world)
    due = "SELECT DISTINCT matures_at FROM accruals"
    # Promised in five days, it may come back for seven more: nothing is due before the thirteenth.
    assert await world.value(due) == NOON + timedelta(days=13)
    # It arrives a day late, and may come back for a day longer.
    with clock.frozen(NOON + timedelta(days=6)):
        async with world.db.begin() as tx:
            await ship.deliver(tx, **parcel)
        await told(world)
        await told(world)
    assert await world.value(due) == NOON + timedelta(days=14)
    with clock.frozen(NOON + timedelta(days=13, hours=11)):
        assert await settlement.mature(world.db) == 0
        await bring(world, receipt.id, milk=1, at=job.store_code)
        await told(world)
    assert await has(world) == (0, 0, 0, 0)


async def test_every_order_s_money_is_shared_to_the_cent(world, books):
    receipt = await had(world, books, 3)
    await told(world)
    rows = await world.db.fetch("SELECT role, earned_minor FROM accruals WHERE book = 'allocation'")
    assert sum(row["earned_minor"] for row in rows) == 3 * MILK
    assert {row["role"] for row in rows} == {"owner", "guide_store", "hand_over_store", "online", "headquarters"}
    for left in (2, 1, 0):
        await bring(world, receipt.id, milk=1)
        await told(world)
        total = await world.value("SELECT sum(earned_minor)::bigint FROM accruals WHERE book = 'allocation'")
        assert total == left * MILK


async def test_a_return_after_the_payout_is_carried_against_the_next(world, books):
    receipt = await had(world, books, 1)
    await told(world)
    assert await closed(world, "2026-11", at=DECEMBER) > 0
    one = await statement(world)
    assert (one["to_pay_minor"], one["state"], one["approvals_needed"]) == (398, "closed", 1)
    assert await approved(world, one) == "approved"
    await paid_out(world)
    assert await has(world) == (0, 0, 398, 0)
    payout = await world.value("SELECT id FROM payouts")
    async with world.db.begin() as tx:
        await settlement.resolve(tx, GUIDE, payout, went_well=True, actor=SYSTEM)
    assert await has(world) == (0, 0, 0, 398)
    await bring(world, receipt.id, milk=1)
    await told(world)
    assert await has(world) == (0, -398, 0, 398)
    await closed(world, "2026-12", at=JANUARY)
    december = await statement(world, "2026-12")
    assert (december["reversed_minor"], december["to_pay_minor"], december["carried_out_minor"]) == (398, 0, -398)
    assert december["state"] == "carried"


async def returned_after_approval(world: World, books: Books) -> asyncpg.Record:
    """Two are bought, the month is closed and approved, one comes back before anybody pays."""
    receipt = await had(world, books, 2)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world)
    assert (await approved(world, one), one["to_pay_minor"]) == ("approved", 796)
    await bring(world, receipt.id, milk=1)
    await told(world)
    return one


async def test_what_comes_back_between_approval_and_payout_is_not_paid_and_not_lost(world, books):
    await returned_after_approval(world, books)
    await paid_out(world)
    one = await statement(world)
    assert (one["state"], one["to_pay_minor"], one["withheld_minor"]) == ("paying", 796, 398)
    assert await has(world) == (0, 0, 398, 0)
    assert await world.value("SELECT (amount_minor, due_minor)::text FROM payouts") == "(398,398)"
    # The next month has both: what was not paid, and what was taken back.
    await closed(world, "2026-12", at=JANUARY)
    december = await statement(world, "2026-12")
    assert [december[name] for name in ("carried_in_minor", "withheld_in_minor", "reversed_minor")] == [398, 398, 398]
    assert (december["to_pay_minor"], december["carried_out_minor"], december["state"]) == (0, 0, "carried")


async def test_of_which_nothing_is_left_nothing_is_sent_and_the_next_month_comes_out_even(world, books):
    receipt = await had(world, books, 1)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    await bring(world, receipt.id, milk=1)
    await told(world)
    await closed(world, "2026-12", at=JANUARY)  # has what was taken back before November is paid
    await paid_out(world)
    assert await world.value("SELECT count(*) FROM payouts") == 0
    one = await statement(world)
    assert (one["state"], one["to_pay_minor"], one["withheld_minor"]) == ("carried", 398, 398)
    assert await has(world) == (0, 0, 0, 0)
    assert (await statement(world, "2026-12"))["carried_out_minor"] == -398
    await closed(world, "2027-01", at=timedelta(days=80))
    january = await statement(world, "2027-01")
    assert [january[name] for name in ("carried_in_minor", "withheld_in_minor", "carried_out_minor")] == [0, 398, 0]
    assert await closed(world, "2027-02", at=timedelta(days=110)) == 0


async def test_a_return_and_a_payout_at_once_follow_one_another(world, books):
    receipt = await had(world, books, 2)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    await bring(world, receipt.id, milk=1)
    await asyncio.gather(told(world), *(paid_out(world) for _ in range(3)))
    # Whichever was first, no more was asked for than was due, and what is missing or withheld goes into the next.
    pending, due, paying, paid = await has(world)
    assert (pending, due + paying, paid) == (0, 398, 0)
    assert paying + (await statement(world))["withheld_minor"] == 796
    assert await world.value("SELECT count(*) FROM payouts WHERE amount_minor > due_minor") == 0


async def test_a_payout_that_failed_is_asked_again_for_what_is_still_due(world, books):
    receipt = await had(world, books, 2)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    await paid_out(world)
    await bring(world, receipt.id, milk=1)
    await told(world)
    async with world.db.begin() as tx:
        await settlement.resolve(
            tx, GUIDE, await world.value("SELECT id FROM payouts"), went_well=False, problem="closed", actor=SYSTEM
        )
    await paid_out(world)
    assert await has(world) == (0, 0, 398, 0)
    assert [*await world.db.fetch("SELECT amount_minor FROM payouts ORDER BY at, id")][1]["amount_minor"] == 398
    assert (await statement(world))["withheld_minor"] == 398


def test_less_than_what_is_due_is_paid_only_where_it_is_worth_sending():
    now = payouts.payable_now
    assert now(796, due_minor=1_000, least_minor=100) == 796
    assert now(50, due_minor=50, least_minor=100) == 50  # approved before the least was raised
    assert now(796, due_minor=398, least_minor=100) == 398
    assert [now(796, due_minor=due, least_minor=100) for due in (99, 0, -398)] == [0, 0, 0]


async def test_a_payout_that_failed_is_paid_again_and_never_twice(world, books):
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    await paid_out(world)
    first = await world.value("SELECT id FROM payouts")
    async with world.db.begin() as tx:
        await settlement.resolve(tx, GUIDE, first, went_well=False, problem="no such account", actor=SYSTEM)
    assert await has(world) == (0, 398, 0, 0)
    with pytest.raises(Refusal):
        async with world.db.begin() as tx:
            await settlement.resolve(tx, GUIDE, first, went_well=True, actor=SYSTEM)
    await paid_out(world)
    await paid_out(world)
    assert await has(world) == (0, 0, 398, 0)
    assert await world.value("SELECT count(*) FROM payouts WHERE state = 'requested'") == 1


async def test_two_payout_runs_at_once_pay_each_statement_once(world, books):
    for _ in range(3):
        await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    runs = [payouts.Run(new_id(), "2026-11") for _ in range(6)]
    asked = await asyncio.gather(*(settlement.pay_all(world.db, run) for run in runs))
    assert sum(asked) == 1
    assert await has(world) == (0, 0, 3 * 398, 0)


async def test_closing_a_month_at_once_makes_one_statement_a_payee(world, books):
    await had(world, books)
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    with clock.frozen(NOON + DECEMBER):
        made = await asyncio.gather(
            *(settlement.close_month(world.db, "2026-11", pays=lambda *_: True, actor=world.manager) for _ in range(4))
        )
    payees = await world.value("SELECT count(DISTINCT payee_id) FROM accruals WHERE earned_minor <> 0")
    assert sum(made) == payees == await world.value("SELECT count(*) FROM statements")


async def test_a_worker_that_dies_while_closing_or_paying_leaves_nothing_by_half(world, books):
    await had(world, books)
    await told(world)
    faults.arm("settlement.before_close:raise@2")
    try:
        with pytest.raises(faults.InjectedFault):
            await closed(world, "2026-11", at=DECEMBER)
    finally:
        faults.arm("")
    assert await world.value("SELECT count(*) FROM statements") == 1
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world))
    faults.arm("settlement.before_payout:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await paid_out(world)
    finally:
        faults.arm("")
    assert await has(world) == (0, 398, 0, 0)
    await paid_out(world)
    assert await has(world) == (0, 0, 398, 0)


async def test_a_month_that_is_not_over_cannot_be_closed(world):
    with pytest.raises(settlement.MonthNotOver):
        await settlement.close_month(world.db, "2026-11", pays=lambda *_: True, actor=world.manager)


async def test_above_the_limit_two_people_approve_and_nobody_their_own(world, books, set_policy):
    await set_policy("statements", two_above_minor=100)
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world)
    assert one["approvals_needed"] == 2
    with pytest.raises(settlement.OwnStatement):
        await approved(world, one, by=GUIDE)
    assert await approved(world, one) == "closed"
    with pytest.raises(settlement.ApprovedBefore):
        await approved(world, one)
    assert await approved(world, one, by=OTHER_BOSS) == "approved"
    with pytest.raises(settlement.NotClosed):
        await approved(world, one, by=OTHER_BOSS)


async def test_nobody_approves_what_they_are_paid_as_a_member_either(world, books):
    mine, other = await world.new_member(), await world.new_member()
    await numbered(world, mine, "+8613900000071")
    await world.db.execute("UPDATE staff SET phone = '+8613900000071' WHERE id = $1", BOSS)
    receipt = await bought_by_link(world, books, Owner("member", other), await world.new_member())
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    await one_person(world, mine, other)
    with pytest.raises(settlement.OwnStatement):
        await approved(world, await statement(world, payee_id=other))
    assert await approved(world, await statement(world, payee_id=other), by=OTHER_BOSS) == "approved"


async def test_the_chain_s_own_are_booked_and_not_paid(world, books):
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world, payee_id=settlement.HEADQUARTERS.id)
    assert one["way"] == "internal"
    assert await approved(world, one) in ("paid", "closed")
    if one["approvals_needed"] == 2:
        await approved(world, one, by=OTHER_BOSS)
    await paid_out(world)
    assert await world.value("SELECT count(*) FROM payouts") == 0
    assert (await has(world, settlement.HEADQUARTERS.id))[3] == one["to_pay_minor"]


async def test_the_cap_of_a_month_is_on_all_of_it_and_a_refund_makes_room(world, books, set_policy):
    await set_policy("commission", month_cap_minor=500)
    first, second = await had(world, books), await had(world, books)
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    assert await has(world) == (0, 500, 0, 0)
    await bring(world, first.id, milk=1)
    await told(world)
    assert await has(world) == (0, 398, 0, 0)
    await bring(world, second.id, milk=1)
    await told(world)
    assert await has(world) == (0, 0, 0, 0)


SHARE = 597
"""What a sharer has for one article."""


async def shares_of_two(world: World, books: Books) -> tuple[UUID, UUID, list[Receipt]]:
    """Two members who each brought two buyers, all of it collected and told."""
    one, other = await world.new_member(), await world.new_member()
    receipts = []
    for payee in (one, one, other, other):
        receipt = await bought_by_link(world, books, Owner("member", payee), await world.new_member())
        await world.ready(receipt)
        await world.hand(receipt)
        receipts.append(receipt)
    await told(world)
    return one, other, receipts


async def test_the_cap_of_a_month_is_a_person_s_whichever_accounts_they_have(world, books, set_policy):
    await set_policy("commission", month_cap_minor=1_000)
    one, other, receipts = await shares_of_two(world, books)
    await one_person(world, one, other)
    with clock.frozen(NOON + RIPE):
        # At once, as two workers would: whoever comes second sees what the first has.
        await asyncio.gather(*(settlement.mature_of(world.db, who) for who in (one, other)))
    had = {who: (await has(world, who))[1] for who in (one, other)}
    assert sorted(had.values()) == [0, 1_000]
    # What is taken back of the one makes room for the other's.
    first = one if had[one] else other
    for receipt in receipts[:2] if first == one else receipts[2:]:
        await bring(world, receipt.id, milk=1)
        await told(world)
        assert sum([(await has(world, who))[1] for who in (one, other)]) == 1_000
    assert (await has(world, first))[1] == 0
    await closed(world, "2026-11", at=DECEMBER)
    paid = [await statement(world, payee_id=who) for who in (one, other)]
    assert sorted(each["to_pay_minor"] for each in paid if each) == [1_000]


async def test_room_under_the_cap_goes_into_the_next_statement(world, books, set_policy):
    await set_policy("commission", month_cap_minor=1_000)
    one, other, receipts = await shares_of_two(world, books)
    await one_person(world, one, other)
    await closed(world, "2026-11", at=DECEMBER)
    first = one if (await has(world, one))[1] else other
    second = other if first == one else one
    assert (await statement(world, payee_id=second))["cut_minor"] == 2 * SHARE
    for receipt in receipts[:2] if first == one else receipts[2:]:
        await bring(world, receipt.id, milk=1)
    await told(world)
    await closed(world, "2026-12", at=JANUARY)
    december = await statement(world, "2026-12", payee_id=second)
    assert (december["cut_minor"], december["to_pay_minor"]) == (-1_000, 1_000)


async def test_what_two_had_before_they_were_one_is_not_taken_back_for_the_cap(world, books, set_policy):
    await set_policy("commission", month_cap_minor=1_000)
    one, other, receipts = await shares_of_two(world, books)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    await one_person(world, one, other)
    assert [(await has(world, who))[1] for who in (one, other)] == [1_000, 1_000]
    await bring(world, receipts[0].id, milk=1)
    await told(world)
    assert [(await has(world, who))[1] for who in (one, other)] == [SHARE, 1_000]


async def test_what_one_account_owes_is_carried_against_what_the_person_s_others_are_paid(world, books):
    one, other, receipts = await shares_of_two(world, books)
    await closed(world, "2026-11", at=DECEMBER)
    await approved(world, await statement(world, payee_id=other))
    await paid_out(world)
    async with world.db.begin() as tx:
        payout = await tx.fetchval("SELECT id FROM payouts")
        await settlement.resolve(tx, other, payout, went_well=True, actor=SYSTEM)
    await one_person(world, one, other)
    await bring(world, receipts[2].id, milk=1)  # after it was paid
    await told(world)
    assert (await has(world, one), await has(world, other)) == ((0, 2 * SHARE, 0, 0), (0, -SHARE, 0, 2 * SHARE))
    await approved(world, await statement(world, payee_id=one))
    quote = await payout_quotes.quote(world.db, "2026-11", staff_id=BOSS)
    assert (quote.statements, quote.minor) == (1, SHARE)
    await paid_out(world)
    assert await has(world, one) == (0, SHARE, SHARE, 0)
    november = await statement(world, payee_id=one)
    assert (november["state"], november["to_pay_minor"], november["withheld_minor"]) == ("paying", 2 * SHARE, SHARE)
    # It stays carried: nothing of it is paid in the next month either, and nothing is lost of what comes.
    await closed(world, "2026-12", at=JANUARY)
    december = await statement(world, "2026-12", payee_id=one)
    assert (december["carried_in_minor"], december["to_pay_minor"]) == (SHARE, SHARE)
    await approved(world, december)
    await paid_out(world, "2026-12")
    assert (await has(world, one), await has(world, other)) == ((0, SHARE, SHARE, 0), (0, -SHARE, 0, 2 * SHARE))
    assert (await statement(world, "2026-12", payee_id=one))["state"] == "carried"


@pytest.mark.parametrize("merged", [False, True])
async def test_the_limit_above_which_two_approve_is_on_a_person_s_accounts_together(world, books, set_policy, merged):
    await set_policy("statements", two_above_minor=2 * SHARE)
    one, other, _ = await shares_of_two(world, books)
    if merged:
        await one_person(world, one, other)
    await closed(world, "2026-11", at=DECEMBER)
    needed = [(await statement(world, payee_id=who))["approvals_needed"] for who in (one, other)]
    assert needed == ([2, 2] if merged else [1, 1])


async def test_who_shares_is_paid_and_the_second_level_only_behind_a_sign_off(world, books, set_policy):
    friend, hers = await world.new_member(), await world.new_member()
    await brought_by(world, hers, friend)
    with pytest.raises(settlement.SignOffMissing):
        await set_policy("commission", levels=2, second_bp=100)
    await bought_by_link(world, books, Owner("member", friend), world.member_id)
    await told(world)
    assert ((await has(world, friend))[0], await has(world, hers)) == (597, (0, 0, 0, 0))
    assert await world.value("SELECT count(*) FROM referrals WHERE payee_id = $1", hers) == 0
    async with world.db.begin() as tx:
        signed = await settlement.sign_off(tx, document="board 12/2026", reason="r", actor=world.manager)
    await set_policy("commission", levels=2, second_bp=100)
    with clock.frozen(NOON + timedelta(hours=1)):
        await bought_by_link(world, books, Owner("member", friend), world.member_id)
        await told(world)
    assert ((await has(world, friend))[0], (await has(world, hers))[0]) == (2 * 597, 199)
    with pytest.raises(settlement.TwoLevelsInForce):
        async with world.db.begin() as tx:
            await settlement.revoke(tx, signed, reason="r", actor=world.manager)


async def test_what_a_second_level_had_is_taken_back_when_nobody_answers_for_it_any_more(world, books, set_policy):
    friend, hers = await world.new_member(), await world.new_member()
    await brought_by(world, hers, friend)
    async with world.db.begin() as tx:
        signed = await settlement.sign_off(tx, document="board 12/2026", reason="r", actor=world.manager)
    await set_policy("commission", levels=2, second_bp=100)
    receipt = await bought_by_link(world, books, Owner("member", friend), world.member_id)
    await told(world)
    assert (await has(world, hers))[0] == 199
    untold = await bought_by_link(world, books, Owner("member", friend), world.member_id)
    await set_policy("commission", levels=1, second_bp=0)
    async with world.db.begin() as tx:
        await settlement.revoke(tx, signed, reason="r", actor=world.manager)
    await world.cancel(receipt)
    await told(world)
    assert await has(world, hers) == (0, 0, 0, 0)
    # What was bought in the days of the plan and is told of only now earns on the first level alone.
    assert (await has(world, friend))[0] == 597
    assert not await world.value("SELECT count(*) FROM accruals WHERE order_id = $1 AND level = 2", untold.id)
    assert not await world.value("SELECT count(*) FROM flow_records WHERE state = 'failed'")


async def test_many_orders_told_at_once_come_to_what_they_do_one_by_one(world, books, set_policy):
    await set_policy("commission", month_cap_minor=500)
    receipts = [await had(world, books) for _ in range(3)]
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    assert await has(world) == (0, 500, 0, 0)
    for receipt in receipts[:2]:
        await bring(world, receipt.id, milk=1)
    fresh = [await had(world, books) for _ in range(2)]
    await told(world)
    # Of 1,194 earned 500 was payable; 398 is left of it, and what came since is pending.
    assert await has(world) == (2 * 398, 398, 0, 0)
    orders = [one.id for one in (*receipts, *fresh)]
    rows = await world.db.fetch(
        "SELECT order_id, count(*) AS n FROM journals WHERE kind = 'settlement-commission' GROUP BY order_id"
    )
    # The first that came back was above the cap of the month: nothing of it had been anybody's.
    assert {row["order_id"] for row in rows} == set(orders)
    assert sorted(row["n"] for row in rows) == [1, 1, 1, 1, 2]
    async with world.db.begin() as tx:
        assert await credit.credit_all(tx, dict.fromkeys(orders, world.member_id)) == 0


async def test_a_third_level_cannot_be_written_down(world, books):
    await had(world, books)
    await told(world)
    for column, value in (("level", 3), ("level", 2), ("role", "'third'")):
        with pytest.raises(asyncpg.CheckViolationError):
            await world.db.execute(f"UPDATE accruals SET {column} = {value} WHERE role = 'guide'")


@pytest.mark.parametrize("odd", ["merged", "device", "phone", "address", "guides_device", "own_guide"])
async def test_nobody_is_paid_for_what_they_buy_themselves_under_whatever_name(world, books, odd):
    friend = await world.new_member()
    role = "referrer"
    if odd == "merged":
        async with world.db.begin() as tx:
            await merge_members(tx, survivor_id=world.member_id, other_id=friend, reason="one", actor=SYSTEM)
        await bought_by_link(world, books, Owner("member", friend), world.member_id)
    elif odd == "device":
        await bought_by_link(world, books, Owner("member", friend), world.member_id, own_device=True)
    elif odd == "phone":
        await world.db.execute("UPDATE members SET phone = '+8613900000001' WHERE member_id = $1", friend)
        await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ('+8613900000001', $1)", friend)
        await bought_by_link(world, books, Owner("member", friend), world.member_id)
    elif odd == "address":
        await world.db.execute(
            """INSERT INTO addresses (member_id, id, name, phone, province, city, district, line, is_default, created_at,
                                      updated_at)
               VALUES ($1, $2, '', '', '浙江省', '杭州市', '西湖区', '文三路 1 号', true, $3, $3)""",
            friend,
            new_id(),
            clock.now(),
        )
        await world.stock("A", "milk", 1)
        touch = await shared_by(world, Owner("member", friend), world.member_id)
        request = world.request(world.wish("milk", 1))
        placed = await world.placing.place(request._replace(touch=touch))
        await world.pay(books, msgspec.json.decode(placed.body, type=Receipt))
    else:
        role = "guide"
        if odd == "guides_device":
            await world.db.execute("UPDATE bindings SET flags = '[\"guides_device\"]'")
        else:
            await world.db.execute("UPDATE staff SET phone = '+8613900000001' WHERE id = $1", GUIDE)
        await had(world, books)
    await told(world)
    row = await world.db.fetchrow("SELECT flag, earned_minor FROM accruals WHERE role = $1", role)
    wanted = {"merged": "self", "guides_device": "device", "own_guide": "phone"}.get(odd, odd)
    assert tuple(row) == (wanted, 0)


async def lives_at(world: World, member_id: UUID) -> None:
    """Where `world.request` has things sent."""
    await world.db.execute(
        """INSERT INTO addresses (member_id, id, name, phone, province, city, district, line, is_default, created_at,
                                  updated_at)
           VALUES ($1, $2, '', '', '浙江省', '杭州市', '西湖区', '文三路 1 号', true, $3, $3)""",
        member_id,
        new_id(),
        clock.now(),
    )


async def numbered(world: World, member_id: UUID, phone: str) -> None:
    await world.db.execute("UPDATE members SET phone = $2 WHERE member_id = $1", member_id, phone)
    await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ($2, $1)", member_id, phone)


async def one_person(world: World, survivor: UUID, other: UUID) -> None:
    async with world.db.begin() as tx:
        await merge_members(tx, survivor_id=survivor, other_id=other, reason="one", actor=SYSTEM)


async def sent(world: World, books: Books, touch: attribution.OrderTouch | None = None) -> None:
    await world.stock("A", "milk", 1)
    placed = await world.placing.place(world.request(world.wish("milk", 1))._replace(touch=touch))
    await world.pay(books, msgspec.json.decode(placed.body, type=Receipt))


@pytest.mark.parametrize(
    ("odd", "wanted"),
    [
        ("guide_sent_home", "address"),
        ("guide_sent_home_of_other_account", "address"),
        ("guide_bought_with_number_of_other_account", "phone"),
        ("guide_is_the_buyer_s_other_account", "self"),
        ("sharer_sent_to_other_account", "address"),
        ("sharer_s_other_number", "phone"),
        ("guest_of_the_sharer", "self"),
    ],
)
async def test_whoever_somebody_else_is_pays_nothing_either(world, books, odd, wanted):
    account, other, friend = [await world.new_member() for _ in range(3)]
    touch, role = None, "guide"
    if odd.startswith("guide_sent"):
        await numbered(world, account, "+8613900000070")
        if odd == "guide_sent_home_of_other_account":
            await one_person(world, other, account)
        await lives_at(world, other if odd == "guide_sent_home_of_other_account" else account)
    elif odd == "guide_bought_with_number_of_other_account":
        await numbered(world, account, "+8613900000070")
        await numbered(world, other, "+8613900000001")  # which the order has for its contact
        await one_person(world, account, other)
    elif odd == "guide_is_the_buyer_s_other_account":
        await numbered(world, other, "+8613900000070")
        await one_person(world, world.member_id, other)
    else:
        role = "referrer"
        if odd == "sharer_sent_to_other_account":
            await one_person(world, friend, other)
            await lives_at(world, other)
        elif odd == "sharer_s_other_number":
            await numbered(world, other, "+8613900000001")
            await one_person(world, friend, other)
        else:
            await world.db.execute(
                "INSERT INTO adopted_guests VALUES ($1, $2, $3)", friend, world.member_id, clock.now()
            )
        touch = await shared_by(world, Owner("member", friend), world.member_id)
    await sent(world, books, touch)
    await told(world)
    row = await world.db.fetchrow("SELECT flag, earned_minor FROM accruals WHERE role = $1", role)
    assert tuple(row) == (wanted, 0)


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("文三路1号", "address"),
        (" 文三路　１ 号", "address"),
        ("文三路 2 号", None),
        ("文三路 11 号", None),
    ],
)
async def test_a_home_is_known_however_it_is_spelt(world, books, line, flag):
    friend = await world.new_member()
    await lives_at(world, friend)
    touch = await shared_by(world, Owner("member", friend), world.member_id)
    await world.stock("A", "milk", 1)
    request = world.request(world.wish("milk", 1), address=msgspec.structs.replace(ADDRESS, line=line))
    placed = await world.placing.place(request._replace(touch=touch))
    receipt = msgspec.json.decode(placed.body, type=Receipt)
    await world.pay(books, receipt)
    await told(world)
    assert await by_link(world, receipt.id) == (flag, 0 if flag else 597)


async def signed_up_by(world: World, sharer: UUID, who: UUID) -> None:
    async with world.db.begin() as tx:
        link = await attribution.make(
            tx,
            NewTouchpoint("share", Owner("member", sharer), Text("分享", "Share"), Target("home"), store_id=None),
            actor=SYSTEM,
        )
        await attribution.scan(tx, link, via="link", device_id=new_id(), member_id=who, timezone="Asia/Shanghai")
        await attribution.signed_up(tx, member_id=who)


async def two_levels(world: World, set_policy) -> None:
    async with world.db.begin() as tx:
        await settlement.sign_off(tx, document="board 12/2026", reason="r", actor=world.manager)
    await set_policy("commission", levels=2, second_bp=100)


@pytest.mark.parametrize("odd", [None, "phone", "device", "address", "circle", "self", "own_second"])
async def test_who_brought_somebody_who_is_paid_nothing_earns_nothing_of_it(world, books, set_policy, odd):
    friend, hers = await world.new_member(), await world.new_member()
    await signed_up_by(world, hers, friend)
    await two_levels(world, set_policy)
    if odd == "phone":
        await numbered(world, friend, "+8613900000001")
    elif odd == "address":
        await lives_at(world, friend)
    elif odd == "circle":
        async with world.db.begin() as tx:
            assert await settlement.refer(tx, payee_id=world.member_id, buyer_id=friend, order_id=new_id())
    elif odd == "own_second":
        await one_person(world, friend, hers)
    touch = await shared_by(world, Owner("member", friend), world.member_id, own_device=odd == "device")
    if odd == "self":
        await one_person(world, world.member_id, friend)
    with clock.frozen(NOON + timedelta(hours=1)):
        await sent(world, books, touch)
        await told(world)
    await world.db.execute("DELETE FROM referrals WHERE payee_id = $1", world.member_id)  # which no order has
    rows = await world.db.fetch("SELECT role, flag, earned_minor FROM accruals WHERE role IN ('referrer', 'second')")
    flags = {row["role"]: (row["flag"], row["earned_minor"]) for row in rows}
    if odd is None:
        assert flags == {"referrer": (None, 597), "second": (None, 199)}
    elif odd == "own_second":
        assert flags == {"referrer": (None, 597), "second": ("self", 0)}
    else:
        assert flags == {"referrer": (odd, 0), "second": (odd, 0)}
        assert not await world.value("SELECT count(*) FROM referrals WHERE payee_id = $1", hers)


async def test_who_brought_the_other_account_brought_the_person(world, books, set_policy):
    friend, other, hers = [await world.new_member() for _ in range(3)]
    await signed_up_by(world, hers, other)
    await one_person(world, friend, other)
    await two_levels(world, set_policy)
    with clock.frozen(NOON + timedelta(hours=1)):
        await bought_by_link(world, books, Owner("member", friend), world.member_id)
        await told(world)
    assert (await has(world, hers))[0] == 199


@pytest.fixture
async def pairs(world: World) -> AsyncIterator[None]:
    """Of pairs that are written down without an order the checker is not asked."""
    yield
    await world.db.execute("DELETE FROM referrals")


@pytest.mark.usefixtures("pairs")
@pytest.mark.parametrize("way", ["buyer", "payee", "between", "guest"])
async def test_a_circle_through_other_accounts_is_one(world, way):
    a, b, c, other = [await world.new_member() for _ in range(4)]

    async def refer(payee: UUID, buyer: UUID) -> bool:
        async with world.db.begin() as tx:
            return await settlement.refer(tx, payee_id=payee, buyer_id=buyer, order_id=new_id())

    if way == "guest":
        # Bought as a guest, who turned out to be b.
        await world.db.execute("INSERT INTO adopted_guests VALUES ($1, $2, $3)", b, other, clock.now())
        assert await refer(a, other)
        assert await refer(b, c)
        assert not await refer(c, a)
        assert not await refer(b, a)
        assert not await refer(b, other)  # themselves
        return
    survivor, merged = {"buyer": (a, other), "payee": (c, other), "between": (b, other)}[way]
    await one_person(world, survivor, merged)
    first = other if way == "buyer" else a
    middle = other if way == "between" else b
    last = other if way == "payee" else c
    assert await refer(first, b)
    assert await refer(middle, last)
    assert not await refer(c, a)
    assert await refer(a, c)  # the other way round it is none


@pytest.mark.usefixtures("pairs")
async def test_a_circle_of_members_pays_one_way_only_also_when_both_close_it_at_once(world, books):
    a, b, c = [await world.new_member() for _ in range(3)]
    for payee, buyer in ((a, b), (b, c), (c, a)):
        await bought_by_link(world, books, Owner("member", payee), buyer)
        await told(world)
    flags = await world.db.fetch("SELECT payee_id, flag FROM accruals WHERE role = 'referrer' ORDER BY at, payee_id")
    assert {row["payee_id"]: row["flag"] for row in flags} == {a: None, b: None, c: "circle"}
    x, y = [await world.new_member() for _ in range(2)]

    async def refer(payee: UUID, buyer: UUID) -> bool:
        async with world.db.begin() as tx:
            made = await settlement.refer(tx, payee_id=payee, buyer_id=buyer, order_id=new_id())
            await asyncio.sleep(0.01)
            return made

    assert sorted(await asyncio.gather(refer(x, y), refer(y, x))) == [False, True]


async def by_guest(world: World, books: Books, owner: Owner) -> tuple[UUID, Receipt]:
    """Bought by somebody's link without a log-in."""
    guest = await world.new_member()
    await world.db.execute("UPDATE members SET kind = 'guest', tier = '' WHERE member_id = $1", guest)
    return guest, await bought_by_link(world, books, owner, guest)


async def adopted(world: World, guest: UUID, member: UUID) -> None:
    async with world.db.begin() as tx:
        await guests.adopt(tx, guest_id=guest, member_id=member)


async def by_link(world: World, order_id: UUID) -> tuple[str | None, int]:
    row = await world.db.fetchrow(
        "SELECT flag, earned_minor FROM accruals WHERE order_id = $1 AND role = 'referrer'", order_id
    )
    return tuple(row)


@pytest.mark.parametrize("payee", ["member", "staff"])
async def test_who_logs_in_after_buying_by_their_own_link_is_paid_nothing(world, books, payee):
    sharer = await world.new_member()
    owner = Owner("member", sharer) if payee == "member" else Owner("staff", GUIDE)
    if payee == "staff":
        await numbered(world, sharer, "+8613900000070")
    guest, receipt = await by_guest(world, books, owner)
    await told(world)
    assert await by_link(world, receipt.id) == (None, 597)
    await adopted(world, guest, sharer)
    await told(world)
    assert await by_link(world, receipt.id) == ("self", 0)
    assert await has(world, owner.id) == (0, 0, 0, 0)
    assert await world.value("SELECT count(*) FROM referrals") == 0
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    assert await has(world, owner.id) == (0, 0, 0, 0)


async def test_whoever_is_merged_with_the_payee_is_paid_nothing_of_what_waits_and_again_when_that_was_wrong(
    world, books
):
    sharer, buyer = await world.new_member(), await world.new_member()
    receipt = await bought_by_link(world, books, Owner("member", sharer), buyer)
    await told(world)
    async with world.db.begin() as tx:
        merged = await merge_members(tx, survivor_id=sharer, other_id=buyer, reason="one", actor=SYSTEM)
    await told(world)
    assert await by_link(world, receipt.id) == ("self", 0)
    # What is bought while they are one is judged by what they are at the end, too.
    second = await bought_by_link(world, books, Owner("member", sharer), buyer)
    await told(world)
    assert await by_link(world, second.id) == ("self", 0)
    async with world.db.begin() as tx:
        await unmerge_members(tx, survivor_id=sharer, merge_id=merged, reason="two", actor=SYSTEM)
    await told(world)
    for each in (receipt, second):
        assert await by_link(world, each.id) == (None, 597)
    assert await has(world, sharer) == (1194, 0, 0, 0)
    assert await world.value("SELECT count(*) FROM referrals WHERE payee_id = $1", sharer) == 1
    assert await broken(world.db) == []


@pytest.mark.parametrize("odd", ["phone", "device", "address", "payer"])
async def test_what_else_was_odd_counts_when_they_turn_out_to_be_two(world, books, odd):
    friend = await world.new_member()
    if odd == "phone":
        await numbered(world, friend, "+8613900000001")
    elif odd == "address":
        await lives_at(world, friend)
    elif odd == "payer":
        await world.stock("A", "milk", 1)
        await world.pay(books, await world.place(world.wish("milk", 1, at="A"), member_id=friend), payer="wx-1")
    async with world.db.begin() as tx:
        merged = await merge_members(tx, survivor_id=world.member_id, other_id=friend, reason="one", actor=SYSTEM)
    touch = await shared_by(world, Owner("member", friend), world.member_id, own_device=odd == "device")
    await world.stock("A", "milk", 1)
    placed = await world.placing.place(world.request(world.wish("milk", 1))._replace(touch=touch))
    receipt = msgspec.json.decode(placed.body, type=Receipt)
    await world.pay(books, receipt, payer="wx-1")
    await told(world)
    assert await by_link(world, receipt.id) == ("self", 0)
    async with world.db.begin() as tx:
        await unmerge_members(tx, survivor_id=world.member_id, merge_id=merged, reason="two", actor=SYSTEM)
    await told(world)
    assert await by_link(world, receipt.id) == (odd, 0)


async def test_what_is_the_buyer_s_own_does_not_become_due_before_it_is_told_of(world, books):
    sharer = await world.new_member()
    guest, receipt = await by_guest(world, books, Owner("member", sharer))
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    # As whoever was adopted or merged before this was told of.
    await world.db.execute("INSERT INTO adopted_guests VALUES ($1, $2, $3)", sharer, guest, clock.now())
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
        assert await has(world, sharer) == (597, 0, 0, 0)
        assert await credit.tell_own(world.db) == 1
        assert await has(world, sharer) == (0, 0, 0, 0)
        await settlement.mature(world.db)
        assert await credit.tell_own(world.db) == 0
    assert await by_link(world, receipt.id) == ("self", 0)


async def test_what_was_the_payee_s_before_they_were_one_stays_and_goes_back_with_the_goods(world, books):
    sharer, buyer = await world.new_member(), await world.new_member()
    receipt = await bought_by_link(world, books, Owner("member", sharer), buyer)
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    await one_person(world, sharer, buyer)
    async with world.db.begin() as tx:
        await credit.credit(tx, buyer, receipt.id)
    assert await has(world, sharer) == (0, 597, 0, 0)
    assert await by_link(world, receipt.id) == (None, 597)
    await bring(world, receipt.id, milk=1)
    await told(world)
    assert await has(world, sharer) == (0, 0, 0, 0)
    assert await broken(world.db) == []


async def test_who_pays_with_the_payee_s_account_only_later_is_seen_at_the_next_telling(world, books):
    friend = await world.new_member()
    receipt = await bought_by_link(world, books, Owner("member", friend), world.member_id, payer="wx-1")
    await told(world)
    assert await by_link(world, receipt.id) == (None, 597)
    await world.stock("A", "milk", 1)
    await world.pay(books, await world.place(world.wish("milk", 1, at="A"), member_id=friend), payer="wx-1")
    await world.ready(receipt)
    await world.hand(receipt)
    await told(world)
    assert await by_link(world, receipt.id) == ("payer", 0)


@pytest.mark.parametrize("end", ["cancelled", "brought back"])
async def test_of_what_came_to_nothing_nobody_is_part_of_a_circle(world, books, end):
    a, b = await world.new_member(), await world.new_member()
    gone = [await bought_by_link(world, books, Owner("member", a), b) for _ in range(2)]
    await told(world)

    async def undo(receipt: Receipt) -> None:
        if end == "cancelled":
            async with world.db.begin() as tx:
                await cancel(tx, member_id=b, order_id=receipt.id, quantities=None, reason="", actor=Actor("member", b))
        else:
            await world.ready(receipt)
            await world.hand(receipt)
            await bring(world, receipt.id, milk=1)

    await undo(gone[0])
    with clock.frozen(NOON + timedelta(hours=1)):
        other = await bought_by_link(world, books, Owner("member", b), a)
        await told(world)
    # Of the pair's other order something is kept.
    assert await by_link(world, other.id) == ("circle", 0)
    await undo(gone[1])
    with clock.frozen(NOON + timedelta(hours=2)):
        last = await bought_by_link(world, books, Owner("member", b), a)
        await told(world)  # both at once
    assert await by_link(world, last.id) == (None, 597)
    pairs = await world.db.fetch("SELECT payee_id, buyer_id FROM referrals")
    assert [tuple(row) for row in pairs] == [(b, a)]
    assert await broken(world.db) == []


@pytest.mark.usefixtures("pairs")
async def test_who_lets_go_of_a_pair_and_who_closes_a_circle_take_turns(world, books):
    a, b = await world.new_member(), await world.new_member()
    receipt = await bought_by_link(world, books, Owner("member", a), b)
    await told(world)
    async with world.db.begin() as tx:
        await cancel(tx, member_id=b, order_id=receipt.id, quantities=None, reason="", actor=Actor("member", b))
    let_go, go_on = asyncio.Event(), asyncio.Event()

    async def release() -> None:
        async with world.db.begin() as tx:
            await credit.credit(tx, b, receipt.id)
            let_go.set()
            await go_on.wait()

    async def refer() -> bool:
        await let_go.wait()
        async with world.db.begin() as tx:
            return await settlement.refer(tx, payee_id=b, buyer_id=a, order_id=new_id())

    releasing, referring = asyncio.create_task(release()), asyncio.create_task(refer())
    await let_go.wait()
    await asyncio.sleep(0.1)
    assert not referring.done()
    go_on.set()
    await releasing
    assert await referring


@pytest.mark.parametrize("second", ["staff", "member"])
async def test_staff_close_a_circle_like_the_members_they_are(world, books, second):
    """Two clerks by each other's links; a clerk and a member."""
    a, b = await world.new_member(), await world.new_member()
    await numbered(world, a, "+8613900000070")  # the guide as a member
    if second == "staff":
        await numbered(world, b, "+8613900000071")
        await world.db.execute("UPDATE staff SET phone = '+8613900000071' WHERE id = $1", BOSS)
    first = await bought_by_link(world, books, Owner("staff", GUIDE), b)
    await told(world)
    with clock.frozen(NOON + timedelta(hours=1)):
        owner = Owner("staff", BOSS) if second == "staff" else Owner("member", b)
        other = await bought_by_link(world, books, owner, a)
        await told(world)
    assert await by_link(world, first.id) == (None, 597)
    assert await by_link(world, other.id) == ("circle", 0)
    assert await broken(world.db) == []


async def test_a_new_member_is_credited_to_staff_once_and_never_by_head_to_members(world, set_policy):
    await set_policy("commission", bringing_minor=500)
    binding = await world.value("SELECT id FROM bindings WHERE member_id = $1", world.member_id)
    event = outbox.Event(
        1, "attribution.bound", str(binding), {"first": True, "flags": []}, world.member_id, (), clock.now()
    )
    async with world.db.begin() as tx:
        await credit.credit_by(tx, [event])
        await credit.credit_by(tx, [event])
        odd = msgspec_replace(event, payload={"first": True, "flags": ["shared_device"]})
        await credit.credit_by(tx, [odd])
    assert await has(world) == (500, 0, 0, 0)
    with pytest.raises(asyncpg.CheckViolationError):
        await world.db.execute("UPDATE accruals SET payee_kind = 'member' WHERE role = 'bringing'")


@pytest.mark.parametrize("because", ["dispute", "member", "replaced"])
async def test_the_credit_for_a_new_member_goes_with_a_binding_that_was_wrong_while_it_is_pending(
    world, set_policy, because
):
    await set_policy("commission", bringing_minor=500)
    binding = await world.value("SELECT id FROM bindings WHERE member_id = $1", world.member_id)
    chosen = outbox.Event(
        1, "attribution.bound", str(binding), {"first": True, "flags": []}, world.member_id, (), clock.now()
    )
    left = msgspec_replace(chosen, topic="attribution.unbound" if because == "member" else "attribution.moved")
    async with world.db.begin() as tx:
        await credit.credit_by(tx, [chosen])
        await tx.execute("UPDATE bindings SET until_at = $2, ended_because = $3 WHERE id = $1", binding, clock.now(), because)  # fmt: skip
        await credit.credit_by(tx, [left])
        await credit.credit_by(tx, [left])
    # Who lost a member to a later touch had brought them all the same.
    kept = 500 if because == "replaced" else 0
    assert await has(world) == (kept, 0, 0, 0)
    share = await world.db.fetchrow("SELECT earned_minor, reversed_minor FROM accruals WHERE role = 'bringing'")
    assert tuple(share) == (kept, 500 - kept)


async def test_what_is_due_for_a_new_member_stays_when_they_leave(world, set_policy):
    await set_policy("commission", bringing_minor=500)
    binding = await world.value("SELECT id FROM bindings WHERE member_id = $1", world.member_id)
    chosen = outbox.Event(
        1, "attribution.bound", str(binding), {"first": True, "flags": []}, world.member_id, (), clock.now()
    )
    async with world.db.begin() as tx:
        await credit.credit_by(tx, [chosen])
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
        async with world.db.begin() as tx:
            await tx.execute("UPDATE bindings SET until_at = $2, ended_because = 'member' WHERE id = $1", binding, clock.now())  # fmt: skip
            await credit.credit_by(tx, [msgspec_replace(chosen, topic="attribution.unbound")])
    assert await has(world) == (0, 500, 0, 0)


def msgspec_replace(event: outbox.Event, **changes: object) -> outbox.Event:
    return outbox.Event(**{**vars(event), **changes})  # type: ignore[arg-type]


async def test_what_is_disputed_and_answered_stays_with_the_statement(world, books):
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world)
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="dispute", note="少了一单", actor=world.clerk)
    with pytest.raises(settlement.Disputed):
        await approved(world, one)
    assert await world.value("SELECT count(*) FROM statement_approvals") == 0
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="answer", note="已核对", actor=world.manager)
    with pytest.raises(Refusal):
        async with world.db.begin() as tx:
            await settlement.say(tx, GUIDE, new_id(), kind="dispute", note="x", actor=world.clerk)
    assert await world.value("SELECT count(*) FROM statement_notes") == 2
    assert await approved(world, one) == "approved"
    # Disputed after that, it is not paid before it is answered.
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="dispute", note="还少一单", actor=world.clerk)
    await paid_out(world)
    assert await has(world) == (0, 398, 0, 0)
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="answer", note="没有了", actor=world.manager)
    await paid_out(world)
    assert await has(world) == (0, 0, 398, 0)


async def test_a_dispute_and_an_approval_at_once_follow_one_another(world, books):
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world)

    async def dispute() -> None:
        async with world.db.begin() as tx:
            await settlement.say(tx, GUIDE, one["id"], kind="dispute", note="少了一单", actor=world.clerk)
            await asyncio.sleep(0.05)

    async def approve() -> str:
        await asyncio.sleep(0.02)
        return await approved(world, one)

    said, state = await asyncio.gather(dispute(), approve(), return_exceptions=True)
    assert said is None
    assert isinstance(state, settlement.Disputed)


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_sales_returns_closings_and_payouts_comes_out_even(world, books, seed):
    """At rest, what a payee has had, has and is carried is the rate times what buyers keep; every invariant holds."""
    random, now = Random(seed), NOON
    sales: list[tuple[Receipt, int]] = []
    closed_months: list[str] = []
    for _ in range(14):
        now += timedelta(days=random.randint(0, 6))
        with clock.frozen(now):
            match random.choice(["sale", "sale", "return", "mature", "close", "pay"]):
                case "sale":
                    units = random.randint(1, 3)
                    sales.append((await had(world, books, units), units))
                case "return" if sales:
                    n = random.randrange(len(sales))
                    receipt, left = sales[n]
                    if left and now - NOON < timedelta(days=5):
                        await bring(world, receipt.id, milk=1)
                        sales[n] = (receipt, left - 1)
                case "mature":
                    await settlement.mature(world.db)
                case "close":
                    month = settlement.month_of(now - timedelta(days=31))
                    await settlement.close_month(world.db, month, pays=lambda k, _: k == "staff", actor=world.manager)
                    closed_months.append(month)
                case "pay":
                    for row in await world.db.fetch("SELECT * FROM statements WHERE state = 'closed'"):
                        for boss in (BOSS, OTHER_BOSS)[: row["approvals_needed"]]:
                            await approved(world, row, by=boss)
                    for month in closed_months:
                        await paid_out(world, month)
                    for row in await world.db.fetch("SELECT payee_id, id FROM payouts WHERE state = 'requested'"):
                        async with world.db.begin() as tx:
                            await settlement.resolve(
                                tx, row["payee_id"], row["id"], went_well=random.random() < 0.6, actor=SYSTEM
                            )
            await told(world)
    kept = sum(left for _, left in sales)
    each = await world.db.fetch("SELECT basis_minor, earned_minor FROM accruals WHERE role = 'guide'")
    assert sum(row["basis_minor"] for row in each) == kept * MILK
    assert sum(await has(world)) == sum((row["basis_minor"] * 200 + 5_000) // 10_000 for row in each)


async def test_statement_lines_lead_to_order_lines(world, books):
    receipt = await had(world, books, 2)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    lines = await world.db.fetch("SELECT order_id, amount_minor, role FROM statement_lines WHERE payee_id = $1", GUIDE)
    assert [tuple(line) for line in lines] == [(receipt.id, 796, "guide")]
    assert statements.check_over("2026-10") is None


async def tried(world: World, **plan: object) -> dict[UUID, tuple[int, int]]:
    """What people had of November, and would have had under another plan."""
    draft = settlement.Draft(
        settlement.CommissionPolicy(**plan), settlement.ALLOCATION.current().body, settlement.CONTRACTS.current().body
    )
    since = datetime(2026, 11, 1, tzinfo=UTC)
    found = await settlement.simulate(world.db, draft, since=since, until=since + timedelta(days=30))
    return {one.payee.id: (one.before_minor, one.after_minor) for one in found.sums if one.book == "commission"}


async def test_a_plan_that_is_tried_pays_nobody_whom_it_would_flag_and_the_second_level(world, books, set_policy):
    await set_policy("commission", referrer_bp=0, bringing_minor=0)
    friend, hers, sly = [await world.new_member() for _ in range(3)]
    await brought_by(world, hers, friend)
    await bought_by_link(world, books, Owner("member", friend), world.member_id)
    await bought_by_link(world, books, Owner("member", sly), await world.new_member(), own_device=True)
    # Whoever is paid by no plan is nobody's referrer, and still would not be paid for a circle.
    await told(world)
    assert await world.value("SELECT count(*) FROM referrals") == 0
    one = await tried(world, referrer_bp=300)
    assert (one[friend], one.get(sly, (0, 0)), one.get(hers)) == ((0, 597), (0, 0), None)
    two = await tried(world, referrer_bp=300, levels=2, second_bp=100)
    assert (two[friend], two.get(sly, (0, 0)), two[hers]) == ((0, 597), (0, 0), (0, 199))


async def test_a_plan_that_is_tried_caps_the_month_and_pays_for_new_members(world, books, set_policy):
    await set_policy("commission", bringing_minor=0)
    for _ in range(2):
        await had(world, books)
    await told(world)
    assert (await tried(world))[GUIDE] == (2 * 398, 2 * 398 + settlement.CommissionPolicy().bringing_minor)
    assert (await tried(world, month_cap_minor=500, bringing_minor=0))[GUIDE] == (2 * 398, 500)
    assert (await tried(world, bringing_minor=700))[GUIDE] == (2 * 398, 2 * 398 + 700)
    # What was capped under the rules in force is not counted as more than it was.
    await set_policy("commission", month_cap_minor=500, bringing_minor=0)
    assert (await tried(world, month_cap_minor=0, bringing_minor=0))[GUIDE] == (500, 2 * 398)


async def signed_up(world: World, store: str | None, *, own_device: bool = False, device: UUID | None = None) -> UUID:
    """Somebody who scanned a poster and became a member."""
    at, new = device or new_id(), await world.new_member()
    store_id = world.stores[store] if store else None
    async with world.db.begin() as tx:
        poster = await attribution.make(
            tx,
            NewTouchpoint(
                "poster" if store else "campaign",
                Owner("store", store_id) if store_id else Owner("chain", UUID(int=0)),
                Text("海报", "Poster"),
                Target("home"),
                store_id=store_id,
                device_id=at if own_device else None,
            ),
            actor=SYSTEM,
        )
        await attribution.scan(tx, poster, via="qr", device_id=at, member_id=None, timezone="Asia/Shanghai")
        await attribution.carry(tx, device_id=at, member_id=new)
        await attribution.signed_up(tx, member_id=new)
    await told(world)
    return new


async def test_a_shop_is_credited_once_for_a_new_member_at_headquarters_cost_and_not_where_something_is_odd(
    world, set_policy
):
    shop, mine = world.stores["A"], settlement.AllocationPolicy().bringing_minor
    assert mine > 0
    device = new_id()
    first = await signed_up(world, "A", device=device)
    assert (await has(world, shop), await has(world, settlement.HEADQUARTERS.id)) == ((mine, 0, 0, 0), (-mine, 0, 0, 0))
    async with world.db.begin() as tx:
        await credit.credit_by(tx, [outbox.Event(1, "attribution.signed-up", "x", {}, first, (), clock.now())])
    assert await has(world, shop) == (mine, 0, 0, 0)
    # The same browser, the browser the poster was made in, somebody of the staff, and what hangs in no shop.
    await signed_up(world, "A", device=device)
    await signed_up(world, "A", own_device=True)
    await signed_up(world, None)
    clerk = await world.new_member()
    await world.db.execute("UPDATE members SET phone = '+8613900000070' WHERE member_id = $1", clerk)
    await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ('+8613900000070', $1)", clerk)
    async with world.db.begin() as tx:
        poster = await world.value("SELECT id FROM touchpoints WHERE store_id = $1 LIMIT 1", shop)
        point = await attribution.get(tx, poster)
        await attribution.scan(tx, point, via="qr", device_id=new_id(), member_id=clerk, timezone="Asia/Shanghai")
        await attribution.signed_up(tx, member_id=clerk)
    await told(world)
    assert await world.value("SELECT count(*) FROM sign_ups") == 5
    assert await has(world, shop) == (mine, 0, 0, 0)
    with clock.frozen(NOON + RIPE):
        await settlement.mature(world.db)
    assert (await has(world, shop))[1] == mine
    assert await world.value("SELECT count(*) FROM flow_records WHERE state = 'failed'") == 0
    # Members are not paid by head, whatever is written.
    with pytest.raises(asyncpg.CheckViolationError):
        await world.db.execute("UPDATE accruals SET payee_kind = 'member' WHERE role = 'bringing_store'")
    found = await settlement.simulate(
        world.db,
        settlement.Draft(
            settlement.COMMISSION.current().body,
            msgspec.structs.replace(settlement.ALLOCATION.current().body, bringing_minor=700),
            settlement.CONTRACTS.current().body,
        ),
        since=NOON - timedelta(days=9),
        until=NOON + timedelta(days=9),
    )
    sums = {one.payee.id: (one.before_minor, one.after_minor) for one in found.sums if one.book == "allocation"}
    assert sums == {shop: (mine, 700), settlement.HEADQUARTERS.id: (-mine, -700)}


async def test_rules_of_a_moment_ago_are_known_before_an_order_is_frozen(world, books, set_policy):
    """Another process has decided, and this one has not heard of it yet."""
    await set_policy("commission", guide_bp=100)
    behind = dict(policies._versions)
    await set_policy("commission", guide_bp=1000)
    policies._versions.clear()
    policies._versions.update(behind)
    await had(world, books)
    await told(world)
    assert await world.value("SELECT commission_version FROM order_credits") == 2
