"""Sold at a till and not paid in cash alone: by code, in parts, and let go of. Money, goods and order move together, once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from duoline import fulfilment, orders
from duoline.flows import cancel, expire, pay, sell, till_orders
from duoline.flows.complete import Cash, PartsOpen
from duoline.flows.pay import BeingCharged, PayTimeOver
from duoline.flows.till_orders import CashTwice, NotByCode, Part, TendersDiffer, TillOrder
from duoline.fulfilment import TooLittle
from duoline.inventory import InsufficientStock
from duoline.kernel import clock
from duoline.kernel.errors import Fault, NotFound, Unavailable
from duoline.kernel.ids import new_id
from duoline.ledger import accounts
from duoline.payments.provider import CodeUnknown, CodeUsed, EventKind, PaymentEvent
from tests.flows.conftest import NOON
from tests.flows.test_returns import balance, bring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.conftest import Books, World

PRICE = 19900
CODE = "131111111111111110"
ASKS = "132222222222222229"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def rung_up(world: World, *parts: Part, units: int = 2, at: str = "A") -> TillOrder:
    """Milk on the counter, three of them on the shelf, to be paid in these parts."""
    await world.stock(at, "milk", 3)
    return await ring(world, *parts, units=units, at=at)


async def ring(world: World, *parts: Part, units: int = 2, at: str = "A") -> TillOrder:
    shop = world.look.chain.store(world.stores[at])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], units)], member_id=None)
    async with world.db.begin() as tx:
        order_id = await till_orders.open_order(
            tx, shop, priced, member_id=world.member_id, contact=orders.Contact("", ""), parts=parts, actor=world.clerk
        )
    return TillOrder(world.member_id, order_id, shop.id)


async def parts_of(world: World, sale: TillOrder, state: str = "open") -> list[tuple[UUID, str, int]]:
    rows = await world.db.fetch(
        """SELECT id, provider, amount_minor FROM payment_intents WHERE order_id = $1 AND state = $2
           ORDER BY amount_minor DESC""",
        sale.order_id,
        state,
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


async def code_part(world: World, sale: TillOrder) -> UUID:
    return next(part for part, provider, _ in await parts_of(world, sale) if provider == "sandbox")


async def charge(world: World, sale: TillOrder, part: UUID, code: str = CODE) -> None:
    await till_orders.charge(world.db, sale, intent_id=part, auth_code=code, subject="s", notify_url="n")


async def complete(world: World, sale: TillOrder, cash: int | None = None) -> int:
    async with world.db.begin() as tx:
        return await till_orders.complete(
            tx, sale, cash=Cash(cash, None) if cash is not None else None, actor=world.clerk
        )


async def let_go(world: World, sale: TillOrder) -> int:
    async with world.db.begin() as tx:
        return await till_orders.let_go(tx, sale, reason="x", actor=world.clerk)


async def resplit(world: World, sale: TillOrder, *parts: Part) -> None:
    began = clock.now()
    await till_orders.close_open(world.db, sale)
    async with world.db.begin() as tx:
        await till_orders.change_parts(tx, sale, parts, closed=began, actor=world.clerk)


async def state_of(world: World, sale: TillOrder) -> tuple[str, int, int]:
    row = await world.db.fetchrow("SELECT state, paid_minor, refunded_minor FROM orders WHERE id = $1", sale.order_id)
    return tuple(row)  # type: ignore[return-value]


async def in_drawer(world: World) -> int:
    return int(await world.value("SELECT coalesce(sum(amount_minor), 0) FROM drawer_entries"))  # type: ignore[call-overload]


async def notice(world: World, part: UUID, amount: int, event_id: str = "E1") -> None:
    event = PaymentEvent(
        event_id=event_id, kind=EventKind.PAYMENT_PAID, ref=str(part), refund_ref=None, amount_minor=amount,
        currency="CNY", occurred_at=clock.now(),
    )  # fmt: skip
    await pay.receive(world.db, "sandbox", event)


async def trade(world: World) -> None:
    """At shop B: one that was paid in parts, one that is paid in part, one that was let go of."""
    mixed = Part("code", 9900), Part("cash", 10000)
    for n in range(3):
        sale = await rung_up(world, *mixed, units=1, at="B")
        await charge(world, sale, await code_part(world, sale), f"13444444444444444{n}")
        if n == 0:
            await complete(world, sale, 10000)
        if n == 1:
            await let_go(world, sale)


# --- by code ------------------------------------------------------------------------------------------


async def test_a_code_for_all_of_it_sells_at_once(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    assert await world.level("A", "milk") == (3, 2)
    await charge(world, sale, await code_part(world, sale))
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)
    assert await world.level("A", "milk") == (1, 0)
    assert await in_drawer(world) == 0
    assert await balance(world, accounts.clearing("sandbox")) == 2 * PRICE
    assert await balance(world, accounts.sales(sale.store_id)) == -2 * PRICE
    assert await world.value("SELECT count(*) FROM order_events WHERE kind = 'sold'") == 1


async def test_the_code_is_kept_nowhere(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    await charge(world, sale, await code_part(world, sale))
    tables = await world.db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    for row in tables:
        found = await world.value(f"SELECT count(*) FROM {row['tablename']} t WHERE t::text LIKE '%{CODE}%'")
        assert found == 0, row["tablename"]


async def test_charging_again_pays_once(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part)
    await charge(world, sale, part, "139999999999999990")
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)
    assert len(books.payments) == 1


async def test_a_declined_code_leaves_the_part_open_for_another(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    books.codes_used.add(CODE)
    with pytest.raises(CodeUsed):
        await charge(world, sale, part)
    with pytest.raises(CodeUnknown):
        await charge(world, sale, part, "990000000000000000")
    assert await state_of(world, sale) == ("awaiting_payment", 0, 0)
    await charge(world, sale, part, "133333333333333330")
    assert (await state_of(world, sale))[0] == "completed"


async def test_a_payer_who_is_asked_pays_later(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    assert (await state_of(world, sale))[0] == "awaiting_payment"
    await till_orders.look_again(world.db, sale)
    assert (await state_of(world, sale))[0] == "awaiting_payment"
    books.pay(str(part))
    await till_orders.look_again(world.db, sale)
    await notice(world, part, 2 * PRICE)
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)


async def test_a_payer_who_says_no_may_be_asked_anew(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    books.refuse(str(part))
    await till_orders.look_again(world.db, sale)
    again = await code_part(world, sale)
    assert again != part
    with pytest.raises(orders.AlreadyPaid):
        await charge(world, sale, part)
    await charge(world, sale, again)
    assert (await state_of(world, sale))[0] == "completed"


async def test_a_provider_that_is_silent_is_asked_again(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    books.silent = True
    with pytest.raises(Unavailable):
        await charge(world, sale, part)
    books.silent = False
    with pytest.raises(BeingCharged):
        await charge(world, sale, part)
    with pytest.raises(BeingCharged):
        await resplit(world, sale, Part("cash", 2 * PRICE))
    await till_orders.look_again(world.db, sale)
    assert (await state_of(world, sale))[0] == "awaiting_payment"
    with clock.frozen(NOON + timedelta(seconds=11)):
        # By now it would have come: nothing is on its way there, and the part is open again.
        await till_orders.look_again(world.db, sale)
        assert await world.value("SELECT asked_at FROM payment_intents WHERE id = $1", part) is None
        await charge(world, sale, part)
    assert (await state_of(world, sale))[0] == "completed"


# --- in parts -----------------------------------------------------------------------------------------


async def test_cash_and_two_codes_come_to_the_total(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("cash", 10000), Part("code", 20000), Part("code", 9800))
    await charge(world, sale, await code_part(world, sale))
    with pytest.raises(PartsOpen):
        await complete(world, sale, 10000)
    await charge(world, sale, await code_part(world, sale), "133333333333333330")
    assert await state_of(world, sale) == ("awaiting_payment", 29800, 0)
    assert await in_drawer(world) == 0
    with pytest.raises(TooLittle):
        await complete(world, sale, 9999)
    with pytest.raises(TooLittle):
        await complete(world, sale)
    assert await complete(world, sale, 15000) == 5000
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)
    assert await in_drawer(world) == 10000
    assert await world.level("A", "milk") == (1, 0)
    with pytest.raises(orders.AlreadyPaid):
        await complete(world, sale, 15000)


async def test_cash_alone_may_wait_too(world: World) -> None:
    sale = await rung_up(world, Part("cash", 2 * PRICE))
    with pytest.raises(NotByCode):
        await charge(world, sale, (await parts_of(world, sale))[0][0])
    assert await complete(world, sale, 40000) == 200
    assert await in_drawer(world) == 2 * PRICE


@pytest.mark.parametrize(
    ("parts", "refusal"),
    [
        ([Part("code", 2 * PRICE - 1)], TendersDiffer),
        ([Part("code", 2 * PRICE + 1)], TendersDiffer),
        ([Part("code", 2 * PRICE), Part("cash", 0)], TendersDiffer),
        ([Part("code", 2 * PRICE + 100), Part("cash", -100)], TendersDiffer),
        ([Part("cash", PRICE), Part("cash", PRICE)], CashTwice),
    ],
)
async def test_parts_are_the_total(world: World, parts: list[Part], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await rung_up(world, *parts)
    assert await world.level("A", "milk") == (3, 0)
    assert await world.value("SELECT count(*) FROM orders") == 0


async def test_what_is_held_at_one_till_is_not_sold_at_another(world: World, books: Books) -> None:
    await rung_up(world, Part("code", 2 * PRICE))
    with pytest.raises(InsufficientStock):
        await ring(world, Part("cash", 2 * PRICE))


async def test_what_is_open_is_paid_in_other_parts(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 20000), Part("code", 19800))
    first, second = [part for part, _, _ in await parts_of(world, sale)]
    await charge(world, sale, first)
    await charge(world, sale, second, ASKS)
    with pytest.raises(TendersDiffer):
        await resplit(world, sale, Part("cash", 2 * PRICE))
    await resplit(world, sale, Part("cash", 19800))
    assert (await books.query_payment(str(second))).status.value == "closed"
    assert await complete(world, sale, 20000) == 200
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)
    assert await in_drawer(world) == 19800


async def test_what_was_paid_while_the_parts_changed_counts(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    books.pay(str(part))
    with pytest.raises(orders.AlreadyPaid):
        await resplit(world, sale, Part("cash", 2 * PRICE))
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)


async def test_a_provider_that_takes_what_it_has_closed_is_a_case_for_a_person(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    await resplit(world, sale, Part("cash", 2 * PRICE))
    await notice(world, part, 2 * PRICE)
    assert await state_of(world, sale) == ("awaiting_payment", 0, 0)
    assert await world.value("SELECT count(*) FROM payment_exceptions WHERE state = 'open'") == 1
    await complete(world, sale, 2 * PRICE)
    await notice(world, part, 2 * PRICE, "E2")
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)


# --- let go of ----------------------------------------------------------------------------------------


async def test_cancelling_gives_back_goods_and_what_was_paid_by_code(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("cash", 10000), Part("code", 20000), Part("code", 9800))
    await charge(world, sale, await code_part(world, sale))
    assert await let_go(world, sale) == 20000
    await world.refunds()
    assert await state_of(world, sale) == ("cancelled", 20000, 20000)
    assert await world.level("A", "milk") == (3, 0)
    assert await balance(world, accounts.clearing("sandbox")) == 0
    assert await in_drawer(world) == 0
    assert await parts_of(world, sale) == []
    with pytest.raises(orders.AlreadyPaid):
        await let_go(world, sale)
    with pytest.raises(orders.AlreadyPaid):
        await complete(world, sale, 10000)


async def test_time_ends_and_what_was_paid_goes_back(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("cash", 19800), Part("code", 20000))
    await charge(world, sale, await code_part(world, sale))
    assert await expire.expire_unpaid(world.db) == 0
    with clock.frozen(NOON + timedelta(minutes=16)):
        assert await expire.expire_unpaid(world.db) == 1
        await world.refunds()
    assert await state_of(world, sale) == ("expired", 20000, 20000)
    assert await world.level("A", "milk") == (3, 0)


async def test_nobody_charges_after_the_time_to_pay(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    with clock.frozen(NOON + timedelta(minutes=15)), pytest.raises(PayTimeOver):
        await charge(world, sale, await code_part(world, sale))


async def test_a_code_paid_at_the_last_moment_counts(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    books.pay(str(part))
    with clock.frozen(NOON + timedelta(minutes=16)):
        await expire.expire_unpaid(world.db)
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)


async def test_money_that_comes_after_the_end_goes_back(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    await let_go(world, sale)
    books.pay(str(part))
    await notice(world, part, 2 * PRICE)
    await world.refunds()
    assert await state_of(world, sale) == ("cancelled", 2 * PRICE, 2 * PRICE)
    assert await balance(world, accounts.clearing("sandbox")) == 0


async def test_the_mall_does_not_pay_for_it(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    with pytest.raises(orders.AlreadyPaid):
        await pay.open_payment(
            world.db, member_id=sale.member_id, order_id=sale.order_id, subject="s", notify_url="n", return_url="r"
        )


async def test_part_of_it_is_not_cancelled(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    line = await world.value("SELECT id FROM order_lines WHERE order_id = $1", sale.order_id)
    with pytest.raises(orders.CancelWhole):
        async with world.db.begin() as tx:
            await cancel.cancel(
                tx, member_id=sale.member_id, order_id=sale.order_id, quantities={line: 1}, reason="",  # type: ignore[dict-item]
                actor=world.clerk,
            )  # fmt: skip


async def test_another_order_s_part_is_not_there(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    other = await rung_up(world, Part("code", PRICE), units=1)
    with pytest.raises(NotFound):
        await charge(world, sale, await code_part(world, other))
    with pytest.raises(NotFound):
        await charge(world, sale, new_id())


async def step(world: World, member_id: UUID, order_id: UUID, new: orders.OrderState) -> None:
    async with world.db.begin() as tx:
        order, _ = await orders.lock_order(tx, member_id, order_id)
        await orders.advance(tx, order, new)


async def test_only_a_till_completes_what_nobody_confirmed(world: World, books: Books) -> None:
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"))
    sale = await rung_up(world, Part("code", 2 * PRICE))
    with pytest.raises(Fault, match="ORD-5"):
        await step(world, world.member_id, receipt.id, orders.OrderState.COMPLETED)
    with pytest.raises(Fault, match="ORD-5"):
        await step(world, sale.member_id, sale.order_id, orders.OrderState.CONFIRMED)


async def picked(world: World, sale: TillOrder) -> None:
    async with world.db.begin() as tx:
        [(job, _)] = await fulfilment.lock_live(tx, sale.order_id, [sale.store_id])
        await fulfilment.advance(tx, job, fulfilment.FulfilmentState.TO_PICK)


async def test_what_lies_on_a_counter_is_nobody_s_work(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    with pytest.raises(Fault, match="FUL-9"):
        await picked(world, sale)


# --- brought back -------------------------------------------------------------------------------------


async def test_what_was_paid_in_parts_goes_back_as_it_came_to_the_cent(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("cash", 30001), Part("code", 29699), units=3)
    await charge(world, sale, await code_part(world, sale))
    with clock.frozen(NOON + timedelta(seconds=5)):
        await complete(world, sale, 30001)
        ways = [await bring(world, sale.order_id, milk=1) for _ in range(3)]
    await world.refunds()
    assert [[(way.tender, way.amount_minor) for way in each] for each in ways] == [
        [("sandbox", 19900)],
        [("sandbox", 9799), ("cash", 10101)],
        [("cash", 19900)],
    ]
    assert await state_of(world, sale) == ("completed", 3 * PRICE, 3 * PRICE)
    assert await in_drawer(world) == 0
    assert await balance(world, accounts.clearing("sandbox")) == 0
    assert await world.level("A", "milk") == (3, 0)


# --- at the same moment -------------------------------------------------------------------------------


async def settled(*works: object) -> list[object]:
    """All at once; what each came to, a refusal included, a fault not."""
    found = await asyncio.gather(*works, return_exceptions=True)  # type: ignore[call-overload]
    for one in found:
        if isinstance(one, BaseException) and not hasattr(one, "code"):
            raise one
    return list(found)


async def test_two_charges_of_one_part_pay_it_once(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await settled(*(charge(world, sale, part, f"13333333333333333{n}") for n in range(8)))
    assert await state_of(world, sale) == ("completed", 2 * PRICE, 0)
    assert len(books.payments) == 1


async def test_two_clerks_complete_at_once(world: World, books: Books) -> None:
    sale = await rung_up(world, Part("cash", 2 * PRICE))
    found = await settled(*(complete(world, sale, 40000) for _ in range(6)))
    assert sorted(str(one) if isinstance(one, int) else "refused" for one in found) == ["200"] + ["refused"] * 5
    assert await in_drawer(world) == 2 * PRICE


@pytest.mark.parametrize("n", range(4))
async def test_cancelling_meets_the_notice(world: World, books: Books, n: int) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    await charge(world, sale, part, ASKS)
    books.pay(str(part))
    works = [let_go(world, sale), notice(world, part, 2 * PRICE), till_orders.look_again(world.db, sale)]
    await settled(*(works if n % 2 else reversed(works)))
    await world.refunds()
    state, paid, back = await state_of(world, sale)
    assert (state, paid, back) in [("completed", 2 * PRICE, 0), ("cancelled", 2 * PRICE, 2 * PRICE)]
    assert await world.level("A", "milk") == ((1, 0) if state == "completed" else (3, 0))


@pytest.mark.parametrize("n", range(4))
async def test_the_end_of_its_time_meets_completion(world: World, books: Books, n: int) -> None:
    sale = await rung_up(world, Part("cash", 19800), Part("code", 20000))
    await charge(world, sale, await code_part(world, sale))
    with clock.frozen(NOON + timedelta(minutes=16)):
        works = [
            expire.expire_order(world.db, member_id=sale.member_id, order_id=sale.order_id),
            complete(world, sale, 19800),
        ]
        await settled(*(works if n % 2 else reversed(works)))
        await world.refunds()
    state, paid, back = await state_of(world, sale)
    assert (state, paid, back) in [("completed", 2 * PRICE, 0), ("expired", 20000, 20000)]
    assert await in_drawer(world) == (19800 if state == "completed" else 0)


@pytest.mark.parametrize("n", range(4))
async def test_another_split_meets_a_charge(world: World, books: Books, n: int) -> None:
    sale = await rung_up(world, Part("code", 2 * PRICE))
    part = await code_part(world, sale)
    works = [resplit(world, sale, Part("cash", 2 * PRICE)), charge(world, sale, part)]
    await settled(*(works if n % 2 else reversed(works)))
    state, paid, _ = await state_of(world, sale)
    assert (state, paid) in [("completed", 2 * PRICE), ("awaiting_payment", 0)]
    assert await world.value("SELECT count(*) FROM payment_exceptions") == 0
