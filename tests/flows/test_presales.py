"""Goods that are not there yet: booked for a deposit, paid with a balance, online or at a till, ended by their terms.
Units, money and order move together, once, whoever comes at the same moment."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import pytest

from duoline import fulfilment, orders, payments
from duoline.flows import (
    cancel,
    expire,
    give_back_offers,
    hand_over,
    order_view,
    pay,
    pay_balance,
    preorders,
    remind_balance,
    return_goods,
    take_preorder,
    till_orders,
)
from duoline.flows.book import Booking, WayNotOffered, book
from duoline.flows.complete import Cash
from duoline.flows.till_orders import Part, TillOrder
from duoline.inventory import InsufficientStock
from duoline.kernel import clock, faults
from duoline.kernel.auth import Actor
from duoline.kernel.errors import BadInput, Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.ledger import accounts
from duoline.members import sms
from duoline.orders.advance import Undone
from duoline.payments.provider import EventKind, PaymentEvent
from duoline.pricing import presales
from duoline.pricing.presales import save
from tests.flows.conftest import ADDRESS, NOON, SECRET
from tests.flows.test_reminders import Gateway
from tests.flows.test_returns import balance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Books, World

PRICE, DEPOSIT = 19900, 2000
BALANCE = PRICE - DEPOSIT
DEPOSITS_END = NOON + timedelta(days=7)
BALANCE_FROM = NOON + timedelta(days=14)
BALANCE_UNTIL = NOON + timedelta(days=21)
OPEN = BALANCE_FROM + timedelta(hours=1)
CODE = "131111111111111110"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def plan(world: World, **fields: object) -> presales.Presale:
    made = presales.Presale(
        id=new_id(),
        version=1,
        sku_id=world.skus["milk"],
        name=Text("新年礼盒", "New year box"),
        price_minor=PRICE,
        deposit_minor=DEPOSIT,
        currency="CNY",
        deposit_from=NOON - timedelta(days=1),
        deposit_until=DEPOSITS_END,
        balance_from=BALANCE_FROM,
        balance_until=BALANCE_UNTIL,
        expected_on=BALANCE_FROM.date(),
        units_max=10,
        member_max=6,
        delivery=True,
        pickup="all",
        store_ids=[],
        cancel_terms="until_balance",
        unpaid_terms="kept",
    )
    return msgspec.structs.replace(made, **fields)


async def offered(world: World, **fields: object) -> presales.Presale:
    async with world.db.begin() as tx:
        return await save.add(tx, plan(world, **fields), reason="new year", actor=world.manager)


async def booking(
    world: World, presale: presales.Presale, *, units: int = 1, at: str | None = "A", member_id: UUID | None = None
) -> UUID:
    member = member_id or world.member_id
    wanted = Booking(
        presale.id,
        presale.version,
        units,
        world.look.chain.store(world.stores[at]) if at else None,
        None if at else ADDRESS,
        orders.Contact("王芳", "13900000001"),
    )
    async with world.db.begin() as tx:
        return await book(
            tx, wanted, member_id=member, channel="mall", secret=SECRET, actor=Actor("member", member, "M")
        )


async def opened(world: World, order_id: UUID) -> UUID:
    """Open the provider's page for what is to be paid next; the intent."""
    page = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=order_id, subject="s", notify_url="n", return_url="r"
    )
    return page.intent_id


async def paid(world: World, books: Books, order_id: UUID) -> UUID:
    intent = await opened(world, order_id)
    books.pay(str(intent))
    await pay.check_order(world.db, member_id=world.member_id, order_id=order_id)
    return intent


async def booked(world: World, books: Books, *, units: int = 1, at: str | None = "A", **fields: object) -> UUID:
    """Milk booked, its deposit paid."""
    order_id = await booking(world, await offered(world, **fields), units=units, at=at)
    await paid(world, books, order_id)
    return order_id


async def view(world: World, order_id: UUID) -> order_view.OrderView:
    return await order_view.view(world.db, world.member_id, order_id)


async def started(world: World, order_id: UUID, *, at: str | None = "A") -> None:
    """Begin to pay the balance online."""
    contact = orders.Contact("王芳", "13900000001")
    if at is not None:
        way = pay_balance.Way(world.look.chain.store(world.stores[at]), None, contact)
    else:
        order, lines = await orders.read_order(world.db, world.member_id, order_id)
        found = await pay_balance.plan_delivery(world.look, order, lines, ADDRESS)
        way = pay_balance.Way(None, ADDRESS, contact, found)
    async with world.db.begin() as tx:
        await pay_balance.start_balance(
            tx, world.look, member_id=world.member_id, order_id=order_id, way=way, secret=SECRET, actor=world.member
        )


async def taken(world: World, order_id: UUID, *parts: Part, at: str = "A", code: str | None = None) -> TillOrder:
    """Show the code at a till and let the balance be paid there."""
    shop = world.look.chain.store(world.stores[at])
    async with world.db.begin() as tx:
        found = await take_preorder.open_by_code(
            tx, shop, code or orders.preorder_code_of(order_id, SECRET).qr, secret=SECRET, actor=world.clerk
        )
        if isinstance(found, Refusal):
            raise found
        return await take_preorder.take(tx, shop, found, parts, actor=world.clerk)


async def complete(world: World, sale: TillOrder, cash: int | None = None) -> int:
    async with world.db.begin() as tx:
        return await till_orders.complete(
            tx, sale, cash=Cash(cash, None) if cash is not None else None, actor=world.clerk
        )


async def cancelled(world: World, order_id: UUID, actor: Actor | None = None) -> int:
    async with world.db.begin() as tx:
        return await cancel.cancel(
            tx, member_id=world.member_id, order_id=order_id, quantities=None, reason="", actor=actor or world.member
        )


async def undone(world: World) -> None:
    """Do what the jobs of orders that came to nothing do."""
    for row in await world.db.fetch("SELECT id FROM orders WHERE state IN ('cancelled', 'expired')"):
        await give_back_offers.give_back_offers(world.db, Undone(row["id"]))


async def left(world: World, presale_id: UUID) -> int:
    return await world.db.fetchval("SELECT units_max - booked FROM presale_counters WHERE presale_id = $1", presale_id)


async def late(world: World, books: Books, intent: UUID) -> None:
    """The provider took it after all, and says so now."""
    books.pay(str(intent))
    known = await payments.load_intent(world.db, world.member_id, intent)
    assert known is not None
    await pay.check(world.db, known)


async def sent(world: World, books: Books, order_id: UUID, event_id: str = "e1") -> None:
    """The provider's notice of what is open is sent, and sent again."""
    row = await world.db.fetchrow(
        "SELECT ref, amount_minor, currency FROM payment_intents WHERE order_id = $1 AND state = 'open'"
        " AND provider_ref IS NOT NULL",
        order_id,
    )
    event = PaymentEvent(
        event_id=event_id, kind=EventKind.PAYMENT_PAID, ref=row["ref"], amount_minor=row["amount_minor"],
        currency=row["currency"], refund_ref=None, occurred_at=clock.now(),
    )  # fmt: skip
    await pay.receive(world.db, "sandbox", event)
    await pay.receive(world.db, "sandbox", event)


async def money(world: World, order_id: UUID) -> tuple[str, int, int, int]:
    """State, paid, refunded, forfeited."""
    row = await world.db.fetchrow(
        "SELECT state, paid_minor, refunded_minor, forfeited_minor FROM orders WHERE id = $1", order_id
    )
    return tuple(row)  # type: ignore[arg-type]


async def trade(world: World, books: Books) -> None:
    """Pre-orders at every step, for the tests of the checker."""
    presale = await offered(world, price_minor=9900, deposit_minor=900)
    waiting, kept, back, at_till, online, plain = [await booking(world, presale) for _ in range(6)]
    for order_id in (kept, back, at_till, online, plain):
        await paid(world, books, order_id)
    assert (await view(world, waiting)).preorder.step == "deposit"
    await cancelled(world, back)
    with clock.frozen(OPEN):
        await cancelled(world, kept)
        await complete(world, await taken(world, at_till, Part("cash", 9000)), 9000)
        await started(world, online)
    await undone(world)
    assert (await money(world, plain))[0] == "booked"


# --- the deposit --------------------------------------------------------------------------------


async def test_booking_asks_for_the_deposit_and_holds_nothing(world, books):
    presale = await offered(world)
    order_id = await booking(world, presale, units=2)
    seen = await view(world, order_id)
    assert (seen.state, seen.pay_state, seen.total.minor) == ("awaiting_payment", "unpaid", 2 * PRICE)
    assert seen.preorder is not None
    assert (seen.preorder.step, seen.preorder.deposit.minor, seen.preorder.balance.minor) == (
        "deposit", 2 * DEPOSIT, 2 * BALANCE,
    )  # fmt: skip
    assert seen.fulfilments == []
    assert await left(world, presale.id) == 8

    await paid(world, books, order_id)
    seen = await view(world, order_id)
    assert (seen.state, seen.pay_state, seen.paid.minor) == ("booked", "deposit_paid", 2 * DEPOSIT)
    assert seen.preorder.step == "booked"
    assert seen.pay_by_at == BALANCE_UNTIL
    assert seen.actions == ["show_preorder_code", "cancel"]
    assert [event.kind for event in seen.timeline] == ["placed", "deposit_paid"]
    assert await balance(world, accounts.DEPOSITS) == -2 * DEPOSIT
    with pytest.raises(orders.AlreadyPaid):
        await opened(world, order_id)


async def test_a_deposit_that_is_not_paid_gives_its_units_back(world, books):
    presale = await offered(world)
    order_id = await booking(world, presale, units=3)
    intent = await opened(world, order_id)
    with clock.frozen(NOON + timedelta(hours=1)):
        await expire.expire_unpaid(world.db)
        await undone(world)
    assert await money(world, order_id) == ("expired", 0, 0, 0)
    assert await left(world, presale.id) == 10
    # Its payer was quicker than our close after all: the money goes back.
    books.pay(str(intent))
    await late(world, books, intent)
    await world.refunds()
    assert await money(world, order_id) == ("expired", DEPOSIT * 3, DEPOSIT * 3, 0)
    await undone(world)
    assert await left(world, presale.id) == 10


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"deposit_until": NOON}, "pricing.presale-over"),
        ({"deposit_from": NOON + timedelta(hours=1)}, "pricing.presale-not-begun"),
        ({"units_max": 2, "member_max": 2}, "pricing.presale-limit"),
        ({"pickup": "none"}, "pricing.presale-way"),
    ],
)
async def test_what_booking_refuses(world, fields, code):
    presale = await offered(world, **fields)
    with pytest.raises(Refusal) as refused:
        await booking(world, presale, units=3)
    assert refused.value.code == code
    assert await world.value("SELECT count(*) FROM orders") == 0
    assert await left(world, presale.id) == presale.units_max


async def test_only_chosen_shops_and_another_version_are_refused(world):
    presale = await offered(world, pickup="chosen", store_ids=[world.stores["B"]], delivery=False)
    for at in ("A", None):
        with pytest.raises(WayNotOffered):
            await booking(world, presale, at=at)
    await booking(world, presale, at="B")
    async with world.db.begin() as tx:
        await save.change(tx, msgspec.structs.replace(presale, price_minor=18900), reason="x", actor=world.manager)
    with pytest.raises(presales.PresaleChanged):
        await booking(world, presale, at="B")


async def test_fifty_want_the_last_unit_and_one_gets_it(world):
    presale = await offered(world, units_max=1, member_max=1)
    buyers = [await world.new_member() for _ in range(50)]

    async def try_it(member_id: UUID) -> str:
        try:
            await booking(world, presale, member_id=member_id)
        except Refusal as refused:
            return refused.code
        return "booked"

    outcomes = await asyncio.gather(*(try_it(buyer) for buyer in buyers))
    assert sorted(outcomes) == ["booked"] + 49 * ["pricing.presale-sold-out"]
    assert await left(world, presale.id) == 0


async def test_one_member_books_no_more_than_their_share_at_once(world):
    presale = await offered(world, member_max=2)
    outcomes = await asyncio.gather(*(booking(world, presale) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, UUID) for each in outcomes) == 2
    assert await left(world, presale.id) == 8


async def test_the_deposit_and_its_time_race(world, books):
    """Whoever comes second finds what the first has done; the money is kept for a booking or goes back."""
    presale = await offered(world)
    for _ in range(5):
        order_id = await booking(world, presale, units=1)
        intent = await opened(world, order_id)
        books.pay(str(intent))
        with clock.frozen(NOON + timedelta(minutes=30)):
            await asyncio.gather(
                pay.check_order(world.db, member_id=world.member_id, order_id=order_id),
                expire.expire_order(world.db, member_id=world.member_id, order_id=order_id),
            )
        state, came, back, _ = await money(world, order_id)
        assert (state, came, back) in [("booked", DEPOSIT, 0), ("expired", DEPOSIT, DEPOSIT)]
        await undone(world)


# --- the law and the plan -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"deposit_minor": PRICE // 5 + 1}, "deposit"),
        ({"deposit_minor": PRICE}, "deposit"),
        ({"cancel_terms": "never", "unpaid_terms": "given_back"}, "unpaid_terms"),
        ({"balance_from": DEPOSITS_END - timedelta(hours=1)}, "balance_from"),
        ({"balance_until": BALANCE_FROM}, "balance_until"),
        ({"member_max": 11}, "member_max"),
        ({"delivery": False, "pickup": "none"}, "pickup"),
        ({"pickup": "chosen"}, "stores"),
        ({"expected_on": (BALANCE_UNTIL + timedelta(days=2)).date()}, "expected_on"),
    ],
)
async def test_plans_that_are_refused(world, fields, field):
    with pytest.raises(BadInput) as refused:
        await offered(world, **fields)
    assert field in {problem["field"] for problem in refused.value.fields["problems"]}


async def test_a_deposit_that_is_always_given_back_may_be_more(world):
    assert (await offered(world, deposit_minor=PRICE // 2, unpaid_terms="given_back")).deposit_minor == PRICE // 2


async def test_one_article_has_one_presale_at_a_time(world):
    first = await offered(world)
    with pytest.raises(presales.PresaleOverlap):
        await offered(world, deposit_from=NOON + timedelta(days=2))
    async with world.db.begin() as tx:
        await save.withdraw(tx, first.id, version=1, reason="x", actor=world.manager)
    await offered(world)


async def test_a_change_leaves_what_was_booked_alone(world, books):
    presale = await offered(world)
    order_id = await booking(world, presale, units=4)
    await paid(world, books, order_id)
    async with world.db.begin() as tx:
        changed = msgspec.structs.replace(presale, price_minor=15900, balance_until=BALANCE_UNTIL + timedelta(days=7))
        assert (await save.change(tx, changed, reason="cheaper", actor=world.manager)).version == 2
    seen = await view(world, order_id)
    assert (seen.total.minor, seen.preorder.balance_until) == (4 * PRICE, BALANCE_UNTIL)
    with pytest.raises(presales.PresaleChanged):
        async with world.db.begin() as tx:
            await save.change(tx, presale, reason="old", actor=world.manager)
    fewer = msgspec.structs.replace(presale, version=2, units_max=3, member_max=1)
    with pytest.raises(BadInput):
        async with world.db.begin() as tx:
            await save.change(tx, fewer, reason="fewer", actor=world.manager)


# --- the balance online ---------------------------------------------------------------------------


async def test_the_balance_is_paid_online_and_collected(world, books):
    order_id = await booked(world, books)
    await world.stock("B", "milk", 3)
    with clock.frozen(OPEN):
        assert "pay_balance" in (await view(world, order_id)).actions
        await started(world, order_id, at="B")
        seen = await view(world, order_id)
        assert (seen.state, seen.preorder.step, seen.preorder.way) == ("awaiting_payment", "balance", "pickup")
        assert [(job.store.code, job.state) for job in seen.fulfilments] == [("B", "waiting")]
        assert await world.level("B", "milk") == (3, 1)
        await paid(world, books, order_id)
        seen = await view(world, order_id)
        assert (seen.state, seen.paid.minor, seen.pay_state) == ("preparing", PRICE, "paid")
        assert seen.preorder.step == "paid"
        job = seen.fulfilments[0]
        async with world.db.begin() as tx:
            await hand_over.mark_ready(tx, location_id=world.stores["B"], fulfilment_id=job.id, actor=world.clerk)
        async with world.db.begin() as tx:
            await hand_over.hand_over(
                tx, location_id=world.stores["B"], fulfilment_id=job.id,
                code=fulfilment.code_of(job.id, SECRET).qr, tender=None, tendered_minor=None, actor=world.clerk,
            )  # fmt: skip
    assert (await money(world, order_id))[0] == "completed"
    assert await balance(world, accounts.DEPOSITS) == 0
    assert await balance(world, accounts.sales(world.stores["B"])) == -PRICE


async def test_a_balance_that_is_not_paid_in_time_leaves_the_booking_as_it_was(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        await started(world, order_id)
        intent = await opened(world, order_id)
    with clock.frozen(OPEN + timedelta(hours=1)):
        await expire.expire_unpaid(world.db)
        seen = await view(world, order_id)
        assert (seen.state, seen.pay_by_at, seen.paid.minor) == ("booked", BALANCE_UNTIL, DEPOSIT)
        assert await world.level("A", "milk") == (1, 0)
        assert [event.kind for event in seen.timeline] == [
            "placed",
            "deposit_paid",
            "balance_started",
            "balance_lapsed",
        ]
        # Its payer was quicker than our close after all: the money goes back, the deposit stays.
        await late(world, books, intent)
        await world.refunds()
        assert await money(world, order_id) == ("booked", DEPOSIT + BALANCE, BALANCE, 0)
        # And the balance can still be paid, although more has come in than it costs.
        await started(world, order_id)
        await paid(world, books, order_id)
    assert await money(world, order_id) == ("confirmed", PRICE + BALANCE, BALANCE, 0)


async def test_money_for_a_try_that_was_given_up_goes_back_once_all_is_paid(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        await started(world, order_id)
        first = await opened(world, order_id)
    with clock.frozen(OPEN + timedelta(hours=1)):
        await expire.expire_unpaid(world.db)
        sale = await taken(world, order_id, Part("cash", BALANCE))
        await late(world, books, first)  # while it lies on the counter
        await complete(world, sale, BALANCE)
        assert await money(world, order_id) == ("completed", PRICE + BALANCE, BALANCE, 0)
        await world.refunds()
    assert await balance(world, accounts.DEPOSITS) == 0


async def test_not_enough_stock_changes_nothing(world, books):
    order_id = await booked(world, books, units=2)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        for at in ("A", None):
            with pytest.raises(InsufficientStock):
                await started(world, order_id, at=at)
    assert (await view(world, order_id)).state == "booked"
    assert await world.level("A", "milk") == (1, 0)


async def test_the_balance_of_a_delivery_is_sourced_when_it_is_paid(world, books):
    order_id = await booked(world, books, units=2, at=None)
    await world.stock("DC", "milk", 3)
    with clock.frozen(OPEN):
        await started(world, order_id, at=None)
        await paid(world, books, order_id)
    seen = await view(world, order_id)
    assert [(job.store.code, job.kind, job.state) for job in seen.fulfilments] == [("DC", "ship", "to_pick")]
    assert (seen.state, seen.address["line"], seen.delivery_fee.minor) == ("preparing", "文三路 1 号", 0)
    # From here it is an order like any other: cancelled, all of it goes back.
    with clock.frozen(OPEN):
        assert await cancelled(world, order_id) == 2 * PRICE
    await world.refunds()
    assert [(row["amount_minor"]) for row in await world.db.fetch("SELECT amount_minor FROM refunds ORDER BY id")] == [
        2 * DEPOSIT, 2 * BALANCE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (BALANCE_FROM - timedelta(seconds=1), "orders.balance-not-open"),
        (BALANCE_UNTIL, "orders.balance-over"),
    ],
)
async def test_the_balance_is_paid_in_its_time(world, books, at, code):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(at):
        for attempt in (started(world, order_id), taken(world, order_id, Part("cash", BALANCE))):
            with pytest.raises(Refusal) as refused:
                await attempt
            assert refused.value.code == code
    assert (await view(world, order_id)).state == "booked"


# --- the balance at a till ------------------------------------------------------------------------


async def test_the_code_opens_it_at_any_shop_once(world, books):
    order_id = await booked(world, books, units=2, at=None)
    await world.stock("B", "milk", 2)
    with clock.frozen(OPEN):
        sale = await taken(world, order_id, Part("cash", 2 * BALANCE), at="B")
        assert await world.level("B", "milk") == (2, 2)
        assert await complete(world, sale, 40000) == 40000 - 2 * BALANCE
        seen = await view(world, order_id)
        assert (seen.state, seen.paid.minor, seen.preorder.redeemed_at) == ("completed", 2 * PRICE, OPEN)
        assert seen.actions == []
        with pytest.raises(orders.PreorderDone):
            await taken(world, order_id, Part("cash", 2 * BALANCE), at="B")
    assert await world.level("B", "milk") == (0, 0)
    assert await balance(world, accounts.DEPOSITS) == 0
    assert await balance(world, accounts.cash(world.stores["B"])) == 2 * BALANCE
    assert await balance(world, accounts.sales(world.stores["B"])) == -2 * PRICE


async def test_the_digits_open_it_too_and_other_digits_do_not(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    digits = orders.preorder_code_of(order_id, SECRET).spaced
    assert len(digits) == 14
    with clock.frozen(OPEN):
        wrong = "0000 0000 0000"
        for _ in range(10):
            async with world.db.begin() as tx:
                shop = world.look.chain.store(world.stores["A"])
                found = await take_preorder.open_by_code(tx, shop, wrong, secret=SECRET, actor=world.clerk)
            assert isinstance(found, fulfilment.WrongCode)
        with pytest.raises(fulfilment.TooManyWrongCodes):
            await taken(world, order_id, Part("cash", BALANCE), code=digits)
    with clock.frozen(OPEN + timedelta(minutes=10)):
        await taken(world, order_id, Part("cash", BALANCE), code=digits)
    # Nothing that is stored can be tried out without the installation's secret.
    stored = {bytes(row["code_hash"]) for row in await world.db.fetch("SELECT code_hash FROM preorder_codes")}
    assert len(stored) == 2
    assert hashlib.sha256(digits.replace(" ", "").encode()).digest() not in stored


async def test_in_parts_by_code_and_cash(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        sale = await taken(world, order_id, Part("code", 10000), Part("cash", BALANCE - 10000))
        part = await world.value("SELECT id FROM payment_intents WHERE state = 'open' AND provider = 'sandbox'")
        await till_orders.charge(world.db, sale, intent_id=part, auth_code=CODE, subject="s", notify_url="n")
        assert (await view(world, order_id)).state == "awaiting_payment"
        await complete(world, sale, BALANCE - 10000)
    assert (await view(world, order_id)).state == "completed"
    tenders = await world.db.fetch("SELECT tender, amount_minor FROM captures ORDER BY id")
    assert [tuple(row) for row in tenders] == [("sandbox", DEPOSIT), ("sandbox", 10000), ("cash", BALANCE - 10000)]


async def test_by_code_alone_it_completes_itself(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        sale = await taken(world, order_id, Part("code", BALANCE))
        part = await world.value("SELECT id FROM payment_intents WHERE state = 'open' AND provider = 'sandbox'")
        await till_orders.charge(world.db, sale, intent_id=part, auth_code=CODE, subject="s", notify_url="n")
    assert (await view(world, order_id)).state == "completed"


@pytest.mark.parametrize("how", ["let go", "time"])
async def test_not_paid_at_the_till_it_is_booked_as_before(world, books, how):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        sale = await taken(world, order_id, Part("code", 10000), Part("cash", BALANCE - 10000))
        part = await world.value("SELECT id FROM payment_intents WHERE state = 'open' AND provider = 'sandbox'")
        await till_orders.charge(world.db, sale, intent_id=part, auth_code=CODE, subject="s", notify_url="n")
        if how == "let go":
            async with world.db.begin() as tx:
                back = await till_orders.let_go(tx, sale, reason="no", actor=world.clerk)
            assert back == 10000
    with clock.frozen(OPEN + timedelta(hours=1)):
        await expire.expire_unpaid(world.db)
        await world.refunds()
        seen = await view(world, order_id)
        assert (seen.state, seen.pay_mode) == ("booked", "online")
        assert await money(world, order_id) == ("booked", DEPOSIT + 10000, 10000, 0)
        assert await world.level("A", "milk") == (1, 0)
        # At another till, then.
        await world.stock("B", "milk", 1)
        assert await complete(world, await taken(world, order_id, Part("cash", BALANCE), at="B"), BALANCE) == 0
    assert await balance(world, accounts.DEPOSITS) == 0


async def test_brought_back_it_gives_deposit_and_balance_as_they_came(world, books):
    order_id = await booked(world, books, units=3)
    await world.stock("A", "milk", 3)
    with clock.frozen(OPEN):
        await complete(world, await taken(world, order_id, Part("cash", 3 * BALANCE)), 3 * BALANCE)
        line = (await view(world, order_id)).lines[0].id
        given = []
        for units in (1, 2):
            async with world.db.begin() as tx:
                given += await return_goods.return_goods(
                    tx, world.look.chain, world.look.chain.store(world.stores["A"]), member_id=world.member_id,
                    order_id=order_id, brought=[return_goods.Brought(line, units, "sellable")],
                    reason="changed_mind", expected_minor=units * PRICE, actor=world.clerk,
                )  # fmt: skip
        assert [tuple(way) for way in given] == [
            ("sandbox", 3 * DEPOSIT), ("cash", PRICE - 3 * DEPOSIT), ("cash", 2 * PRICE),
        ]  # fmt: skip
        await world.refunds()
    assert await money(world, order_id) == ("completed", 3 * PRICE, 3 * PRICE, 0)
    assert await balance(world, accounts.DEPOSITS) == 0
    assert await balance(world, accounts.cash(world.stores["A"])) == 0


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancel_terms", "unpaid_terms", "at", "kept"),
    [
        ("until_balance", "kept", NOON + timedelta(days=1), False),
        ("until_balance", "kept", BALANCE_FROM - timedelta(seconds=1), False),
        ("until_balance", "kept", BALANCE_FROM, True),
        ("until_balance", "given_back", OPEN, False),
        ("never", "kept", NOON + timedelta(days=1), True),
    ],
)
async def test_cancelled_by_its_buyer(world, books, cancel_terms, unpaid_terms, at, kept):
    order_id = await booked(world, books, units=2, cancel_terms=cancel_terms, unpaid_terms=unpaid_terms)
    forfeited = 2 * DEPOSIT if kept else 0
    with clock.frozen(at):
        assert (await view(world, order_id)).preorder.keeps_if_cancelled is kept
        async with world.db.begin() as tx:
            _, due, _ = await cancel.quote_cancel(
                tx, member_id=world.member_id, order_id=order_id, quantities=None, actor=world.member
            )
        assert (due.refund_minor, due.forfeited_minor) == (2 * DEPOSIT - forfeited, forfeited)
        assert await cancelled(world, order_id) == 2 * DEPOSIT - forfeited
        await world.refunds()
    assert await money(world, order_id) == ("cancelled", 2 * DEPOSIT, 2 * DEPOSIT - forfeited, forfeited)
    assert await balance(world, accounts.DEPOSITS) == 0
    assert await balance(world, accounts.FORFEITED) == -forfeited
    await undone(world)
    assert await world.value("SELECT booked FROM presale_counters") == 0


async def test_what_we_cancel_costs_no_deposit(world, books):
    order_id = await booked(world, books, cancel_terms="never")
    assert await cancelled(world, order_id, actor=world.manager) == DEPOSIT
    await world.refunds()
    assert await money(world, order_id) == ("cancelled", DEPOSIT, DEPOSIT, 0)


async def test_only_all_of_it_is_cancelled(world, books):
    order_id = await booked(world, books, units=2)
    line = (await view(world, order_id)).lines[0].id
    with pytest.raises(orders.CancelWhole):
        async with world.db.begin() as tx:
            await cancel.cancel(
                tx, member_id=world.member_id, order_id=order_id, quantities={line: 1}, reason="", actor=world.member
            )


async def test_cancelled_while_it_lies_on_the_counter(world, books):
    """What was paid by code beside the deposit goes back in any case; the till finds it gone."""
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(OPEN):
        sale = await taken(world, order_id, Part("code", 10000), Part("cash", BALANCE - 10000))
        part = await world.value("SELECT id FROM payment_intents WHERE state = 'open' AND provider = 'sandbox'")
        await till_orders.charge(world.db, sale, intent_id=part, auth_code=CODE, subject="s", notify_url="n")
        assert await cancelled(world, order_id) == 10000
        with pytest.raises(orders.AlreadyPaid):
            await complete(world, sale, BALANCE)
        with pytest.raises(orders.PreorderEnded):
            await taken(world, order_id, Part("cash", BALANCE))
        await world.refunds()
    assert await money(world, order_id) == ("cancelled", DEPOSIT + 10000, 10000, DEPOSIT)
    assert await world.level("A", "milk") == (1, 0)


@pytest.mark.parametrize("unpaid_terms", ["kept", "given_back"])
async def test_a_balance_that_never_comes(world, books, unpaid_terms):
    order_id = await booked(world, books, unpaid_terms=unpaid_terms)
    with clock.frozen(BALANCE_UNTIL - timedelta(seconds=1)):
        assert await preorders.end_due(world.db) == 0
    kept = DEPOSIT if unpaid_terms == "kept" else 0
    with clock.frozen(BALANCE_UNTIL):
        assert await preorders.end_due(world.db) == 1
        assert await preorders.end_due(world.db) == 0
        await world.refunds()
    assert await money(world, order_id) == ("expired", DEPOSIT, DEPOSIT - kept, kept)
    assert await balance(world, accounts.FORFEITED) == -kept
    assert await balance(world, accounts.DEPOSITS) == 0
    await undone(world)
    assert await world.value("SELECT booked FROM presale_counters") == 0


async def test_late_money_after_the_deposit_was_kept_goes_back_and_the_deposit_does_not(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(BALANCE_UNTIL - timedelta(minutes=1)):
        await started(world, order_id)
        intent = await opened(world, order_id)
    with clock.frozen(BALANCE_UNTIL + timedelta(hours=1)):
        await expire.expire_unpaid(world.db)
        await preorders.end_due(world.db)
        assert (await money(world, order_id))[0] == "expired"
        await late(world, books, intent)
        await world.refunds()
    assert await money(world, order_id) == ("expired", PRICE, BALANCE, DEPOSIT)
    assert await balance(world, accounts.DEPOSITS) == 0
    assert await balance(world, accounts.FORFEITED) == -DEPOSIT


async def test_a_balance_begun_in_time_may_be_paid_after_it(world, books):
    order_id = await booked(world, books)
    await world.stock("A", "milk", 1)
    with clock.frozen(BALANCE_UNTIL - timedelta(minutes=1)):
        await started(world, order_id)
    with clock.frozen(BALANCE_UNTIL + timedelta(minutes=1)):
        assert await preorders.end_due(world.db) == 0
        await paid(world, books, order_id)
    assert (await money(world, order_id))[0] == "confirmed"


async def test_a_withdrawn_presale_gives_every_deposit_back(world, books):
    presale = await offered(world, cancel_terms="never")
    first, second = [await booking(world, presale) for _ in range(2)]
    await paid(world, books, first)
    intent = await opened(world, second)
    async with world.db.begin() as tx:
        await save.withdraw(tx, presale.id, version=1, reason="the maker cannot", actor=world.manager)
    with pytest.raises(presales.PresaleOver):
        await booking(world, presale)
    books.pay(str(intent))
    await pay.check_order(world.db, member_id=world.member_id, order_id=second)
    assert await preorders.end_due(world.db) == 2
    await world.refunds()
    for order_id in (first, second):
        assert await money(world, order_id) == ("cancelled", DEPOSIT, DEPOSIT, 0)
    assert await balance(world, accounts.FORFEITED) == 0


# --- at the same moment ---------------------------------------------------------------------------


async def both(*attempts) -> list[object]:
    return list(await asyncio.gather(*attempts, return_exceptions=True))


async def test_the_deposit_s_notice_comes_twice(world, books):
    order_id = await booking(world, await offered(world))
    await opened(world, order_id)
    await sent(world, books, order_id)
    assert await money(world, order_id) == ("booked", DEPOSIT, 0, 0)


async def test_the_balance_is_begun_once(world, books):
    """Online twice, and online while a till takes it: one of them, and the goods are held once."""
    await world.stock("A", "milk", 9)
    for other in ("online", "till"):
        order_id = await booked(world, books, deposit_from=NOON - timedelta(days=1), sku_id=world.skus["milk"])
        with clock.frozen(OPEN):
            second = started(world, order_id) if other == "online" else taken(world, order_id, Part("cash", BALANCE))
            outcome = await both(started(world, order_id), second)
        refused = [each for each in outcome if isinstance(each, Exception)]
        assert [type(each) for each in refused] == [orders.BalanceBeingPaid]
        assert await world.level("A", "milk") == (9, 1)
        assert await world.value(
            "SELECT count(*) FROM payment_intents WHERE order_id = $1 AND state = 'open'", order_id
        ) == 1  # fmt: skip
        with clock.frozen(OPEN + timedelta(hours=1)):
            await expire.expire_unpaid(world.db)
            await cancelled(world, order_id)
        await world.db.execute("UPDATE presales SET withdrawn_at = now()")


async def test_two_tills_have_one_code(world, books):
    order_id = await booked(world, books)
    for at in ("A", "B"):
        await world.stock(at, "milk", 1)
    with clock.frozen(OPEN):
        outcome = await both(*(taken(world, order_id, Part("cash", BALANCE), at=at) for at in ("A", "B")))
        [sale] = [each for each in outcome if isinstance(each, TillOrder)]
        [refused] = [each for each in outcome if isinstance(each, Exception)]
        assert isinstance(refused, orders.BalanceBeingPaid)
        done = await both(*(complete(world, sale, BALANCE) for _ in range(2)))
    assert sorted(type(each).__name__ for each in done) == ["AlreadyPaid", "int"]
    assert sum([(await world.level(at, "milk"))[0] for at in ("A", "B")]) == 1


async def test_cancelling_and_paying_the_balance_race(world, books):
    await world.stock("A", "milk", 20)
    presale = await offered(world, member_max=10)
    seen = set()
    for n in range(6):
        order_id = await booking(world, presale)
        await paid(world, books, order_id)
        with clock.frozen(OPEN):
            await started(world, order_id)
            intent = await opened(world, order_id)
            books.pay(str(intent))
            steps = [
                pay.check_order(world.db, member_id=world.member_id, order_id=order_id),
                cancelled(world, order_id),
            ]
            await both(*(steps if n % 2 else reversed(steps)))
            await world.refunds()
        seen.add(await money(world, order_id))
    # Paid first, then cancelled as any paid order: all goes back. Cancelled first: the deposit is kept, the rest goes back.
    assert seen <= {("cancelled", PRICE, PRICE, 0), ("cancelled", PRICE, BALANCE, DEPOSIT)}
    assert (await world.level("A", "milk"))[1] == 0


async def test_the_end_of_its_time_and_the_balance_race(world, books):
    await world.stock("A", "milk", 20)
    presale = await offered(world, member_max=10)
    for n in range(6):
        order_id = await booking(world, presale)
        await paid(world, books, order_id)
        with clock.frozen(BALANCE_UNTIL - timedelta(seconds=1)):
            begin = started(world, order_id)

            async def end(order_id: UUID = order_id) -> None:
                with clock.frozen(BALANCE_UNTIL):
                    await preorders.end_order(world.db, member_id=world.member_id, order_id=order_id)

            steps = [begin, end()]
            await both(*(steps if n % 2 else reversed(steps)))
        state, came, back, kept = await money(world, order_id)
        assert (state, came, back, kept) in [
            ("awaiting_payment", DEPOSIT, 0, 0), ("expired", DEPOSIT, 0, DEPOSIT), ("booked", DEPOSIT, 0, 0),
        ]  # fmt: skip


async def test_withdrawing_and_booking_race(world, books):
    """Whoever books is before the withdrawal, and gets the deposit back, or after it, and is refused."""
    presale = await offered(world)

    async def withdraw() -> None:
        async with world.db.begin() as tx:
            await save.withdraw(tx, presale.id, version=1, reason="x", actor=world.manager)

    outcome = await both(booking(world, presale), withdraw(), booking(world, presale))
    for order_id in [each for each in outcome if isinstance(each, UUID)]:
        await paid(world, books, order_id)
    await preorders.end_due(world.db)
    await world.refunds()
    await undone(world)
    assert await world.value("SELECT count(*) FROM orders WHERE state = 'booked'") == 0
    assert await left(world, presale.id) == 10


# --- killed in between ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    ["book.before_commit", "balance.before_commit", "take_preorder.before_commit", "preorder.before_commit",
     "complete.before_commit"],
)  # fmt: skip
async def test_killed_at(point, world, books):
    """Nothing of the step is left behind, and done again it happens once."""
    presale = await offered(world)
    await world.stock("A", "milk", 5)

    deaths = []

    async def step(attempt):
        """Twice where the point is in it: killed, then whole."""
        try:
            return await attempt()
        except faults.InjectedFault:
            deaths.append(point)
            faults.arm("")
            return await attempt()

    faults.arm(f"{point}:raise")
    try:
        order_id = await step(lambda: booking(world, presale))
        await paid(world, books, order_id)
        with clock.frozen(OPEN):
            await step(lambda: started(world, order_id))
        with clock.frozen(OPEN + timedelta(hours=1)):
            await step(lambda: expire.expire_order(world.db, member_id=world.member_id, order_id=order_id))
            sale = await step(lambda: taken(world, order_id, Part("cash", BALANCE)))
            await step(lambda: complete(world, sale, BALANCE))
    finally:
        faults.arm("")
    assert deaths == [point]
    assert await money(world, order_id) == ("completed", PRICE, 0, 0)
    assert await world.level("A", "milk") == (4, 0)
    assert await left(world, presale.id) == 9


# --- told that the balance can be paid ------------------------------------------------------------


@pytest.fixture
def gateway():
    made = Gateway()
    before = list(sms._connected)
    sms.connect(made)
    yield made
    sms._connected[:] = before


async def send_all(world: World) -> None:
    for row in await world.db.fetch("SELECT payload FROM pgqueuer.pgqueuer WHERE entrypoint = $1", remind_balance.JOB):
        what = msgspec.json.decode(row["payload"], type=remind_balance.SendReminder)
        await remind_balance.send_reminder(world.db, what)


async def test_who_has_booked_is_told_once_when_the_balance_can_be_paid(world, books, gateway):
    order_id = await booked(world, books)
    with clock.frozen(BALANCE_FROM - timedelta(seconds=1)):
        assert await remind_balance.remind_due(world.db) == 0
    with clock.frozen(OPEN):
        await both(*(remind_balance.remind_due(world.db) for _ in range(3)))
        await send_all(world)
        await send_all(world)
    (message,) = gateway.sent
    assert (message.template, message.phone) == ("balance_reminder", "+8613900000001")
    assert message.fields["amount"] == "179.00"
    assert message.fields["until"] == "12月9日 12:00"
    assert [event.kind for event in (await view(world, order_id)).timeline].count("balance_open") == 1
    assert await world.value("SELECT outcome FROM preorders") == "sent"


async def test_what_is_cancelled_or_paid_is_told_nothing(world, books, gateway):
    order_id = await booked(world, books)
    await cancelled(world, order_id)
    other = await booking(world, await presales.find(world.db, await world.value("SELECT id FROM presales")))
    await paid(world, books, other)
    with clock.frozen(OPEN):
        await remind_balance.remind_due(world.db)
        await cancelled(world, other)
        await send_all(world)
    assert gateway.sent == []
    assert [row["outcome"] for row in await world.db.fetch("SELECT outcome FROM preorders")] == ["over", "over"]


@pytest.mark.parametrize(
    ("point", "messages"),
    [("remind_balance.after_commit", 1), ("remind_balance.after_claim", 0), ("remind_balance.after_send", 1)],
)
async def test_a_message_goes_out_once_at_most_wherever_the_worker_stops(world, books, gateway, point, messages):
    await booked(world, books)
    faults.arm(f"{point}:raise")
    try:
        with clock.frozen(OPEN):
            for _ in range(2):
                await both(remind_balance.remind_due(world.db))
                await both(send_all(world))
    finally:
        faults.arm("")
    assert len(gateway.sent) == messages
