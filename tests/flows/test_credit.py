"""Who is paid for an order, from the payment to the payout and back: exactly, once, and never for oneself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import msgspec
import pytest

from duoline import attribution, settlement
from duoline.attribution import NewTouchpoint, Owner, Target
from duoline.flows import credit
from duoline.flows.draft import Receipt
from duoline.flows.merge_members import merge_members
from duoline.kernel import clock, faults, outbox
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.settlement import payouts, statements
from tests.flows.conftest import NOON
from tests.flows.test_returns import bring, sold

if TYPE_CHECKING:
    from collections.abc import Iterator

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


async def test_who_shares_is_paid_and_the_second_level_only_behind_a_sign_off(world, books, set_policy):
    friend, hers = await world.new_member(), await world.new_member()
    async with world.db.begin() as tx:
        link = await attribution.make(
            tx,
            NewTouchpoint("share", Owner("member", hers), Text("分享", "Share"), Target("home"), store_id=None),
            actor=SYSTEM,
        )
        await attribution.scan(tx, link, via="link", device_id=new_id(), member_id=friend, timezone="Asia/Shanghai")
        await attribution.signed_up(tx, member_id=friend)
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
    async with world.db.begin() as tx:
        link = await attribution.make(
            tx,
            NewTouchpoint("share", Owner("member", hers), Text("分享", "Share"), Target("home"), store_id=None),
            actor=SYSTEM,
        )
        await attribution.scan(tx, link, via="link", device_id=new_id(), member_id=friend, timezone="Asia/Shanghai")
        await attribution.signed_up(tx, member_id=friend)
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
        await world.db.execute("UPDATE members SET phone = '13900000001' WHERE member_id = $1", friend)
        await world.db.execute("INSERT INTO phone_index (phone, member_id) VALUES ('13900000001', $1)", friend)
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
            await world.db.execute("UPDATE staff SET phone = '13900000001' WHERE id = $1", GUIDE)
        await had(world, books)
    await told(world)
    row = await world.db.fetchrow("SELECT flag, earned_minor FROM accruals WHERE role = $1", role)
    wanted = {"merged": "self", "guides_device": "device", "own_guide": "phone"}.get(odd, odd)
    assert tuple(row) == (wanted, 0)


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


def msgspec_replace(event: outbox.Event, **changes: object) -> outbox.Event:
    return outbox.Event(**{**vars(event), **changes})  # type: ignore[arg-type]


async def test_what_is_disputed_and_answered_stays_with_the_statement(world, books):
    await had(world, books)
    await told(world)
    await closed(world, "2026-11", at=DECEMBER)
    one = await statement(world)
    async with world.db.begin() as tx:
        await settlement.say(tx, GUIDE, one["id"], kind="dispute", note="少了一单", actor=world.clerk)
        await settlement.say(tx, GUIDE, one["id"], kind="answer", note="已核对", actor=world.manager)
    with pytest.raises(Refusal):
        async with world.db.begin() as tx:
            await settlement.say(tx, GUIDE, new_id(), kind="dispute", note="x", actor=world.clerk)
    assert await world.value("SELECT count(*) FROM statement_notes") == 2


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
