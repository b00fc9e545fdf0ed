"""Stored value from the top-up to the refund: taken once, in shares that stay, and never below zero."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from duoline import orders, wallet
from duoline.flows import expire as expire_orders
from duoline.flows import own_tender, pay, pay_wallet, sell, till_orders, top_up
from duoline.flows.pay import BeingCharged
from duoline.flows.till_orders import Part, TillOrder
from duoline.kernel import clock, faults
from duoline.kernel.errors import NotFound, Refusal
from duoline.ledger import accounts
from duoline.members.cards import CardNeeded
from duoline.wallet import Shares, expire
from duoline.wallet.errors import DayLimit, NotEnoughStored, NothingToPayOut
from duoline.wallet.policy import TopUpOffer
from tests.flows.conftest import NOON
from tests.flows.test_credit import told
from tests.flows.test_points import given, pay_rest
from tests.flows.test_returns import balance, bring
from tests.flows.test_till_orders import complete, let_go, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.flows.conftest import Books, World

PRICE = 19900


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def filled(world: World, principal: int, bonus: int, *, set_policy=None) -> None:
    """A wallet with so much in it, paid in cash; rules that give exactly that."""
    if set_policy:
        await set_policy(
            "wallet", offers=(TopUpOffer(pay_minor=principal, bonus_minor=bonus),), max_balance_minor=10_000_000
        )
    async with world.db.begin() as tx:
        await top_up.take_cash(
            tx,
            location_id=world.stores["A"],
            member_id=world.member_id,
            amount_minor=principal,
            tendered_minor=principal,
            expected_bonus_minor=bonus,
            drawer=None,
            actor=world.clerk,
        )


async def have(world: World, member_id: UUID | None = None) -> Shares:
    return await wallet.balance_of(world.db, member_id or world.member_id)


async def spend(world: World, order_id: UUID, amount: int) -> int:
    await own_tender.close_open(world.db, member_id=world.member_id, order_id=order_id)
    async with world.db.begin() as tx:
        return await pay_wallet.pay_wallet(
            tx, member_id=world.member_id, order_id=order_id, amount_minor=amount, actor=world.member
        )


async def bought(world: World, units: int = 1):
    await world.stock("A", "milk", units)
    return await world.place(world.wish("milk", units, at="A"))


async def ring(world: World, *parts: Part, units: int = 1, present: UUID | None = None) -> TillOrder:
    shop = world.look.chain.store(world.stores["A"])
    priced = await sell.price_wishes(world.look, shop, [(world.skus["milk"], units)], member_id=world.member_id)
    async with world.db.begin() as tx:
        order_id = await till_orders.open_order(
            tx,
            shop,
            priced,
            member_id=world.member_id,
            contact=orders.Contact("", ""),
            parts=parts,
            actor=world.clerk,
            present=world.member_id if present is None else present,
        )
    return TillOrder(world.member_id, order_id, shop.id)


async def trade(world: World, books: Books) -> None:
    """A wallet that was filled, spent at a till and given back in part, paid out, and filled again by code."""
    await filled(world, 50_000, 5_000)
    await world.stock("A", "milk", 3)
    sale = await ring(world, Part("wallet", 2 * PRICE), units=2)
    await bring(world, sale.order_id, milk=1)
    async with world.db.begin() as tx:
        now = await wallet.balance_of(tx, world.member_id)
        await wallet.pay_out(
            tx, member_id=world.member_id, principal_minor=now.principal, reason="moves away", actor=world.manager
        )
    await filled(world, 20_000, 1_000)
    for code in ("137777777777777770", ""):
        async with world.db.begin() as tx:
            asked = await top_up.begin(
                tx,
                member_id=world.member_id,
                amount_minor=20_000,
                expected_bonus_minor=1_000,
                store_id=None,
                actor=world.member,
            )
        if code:
            await top_up.charge(world.db, asked, auth_code=code, subject="s", notify_url="n")


# --- online -------------------------------------------------------------------------------------------


async def test_a_wallet_pays_all_of_an_order_and_its_shop_begins(world: World, books: Books) -> None:
    await filled(world, 50_000, 5_000)
    receipt = await bought(world)
    assert await spend(world, receipt.id, PRICE) == 0
    assert await have(world) == Shares(50_000 - 18_091, 5_000 - 1_809)
    assert await world.value("SELECT state FROM orders WHERE id = $1", receipt.id) == "confirmed"
    assert await balance(world, accounts.BY_WALLET) == 0
    await world.ready(receipt)
    await world.hand(receipt)
    await bring(world, receipt.id, milk=1)
    assert await have(world) == Shares(50_000, 5_000)
    assert await balance(world, accounts.STORED_PRINCIPAL) == -50_000
    assert await balance(world, accounts.STORED_BONUS) == -5_000


async def test_a_part_and_the_rest_is_asked_for_online(world: World, books: Books, set_policy) -> None:
    await filled(world, 10_000, 0, set_policy=set_policy)
    receipt = await bought(world)
    opened = await pay.open_payment(
        world.db, member_id=world.member_id, order_id=receipt.id, subject="s", notify_url="n", return_url="r"
    )
    with pytest.raises(BeingCharged):
        async with world.db.begin() as tx:
            await pay_wallet.pay_wallet(
                tx, member_id=world.member_id, order_id=receipt.id, amount_minor=10_000, actor=world.member
            )
    assert await spend(world, receipt.id, 10_000) == PRICE - 10_000
    assert books.payments[str(opened.intent_id)].status.value == "closed"
    await pay_rest(world, books, receipt)
    assert await world.value("SELECT state FROM orders WHERE id = $1", receipt.id) == "confirmed"


async def test_points_and_the_wallet_pay_one_order(world, books, set_policy) -> None:
    await filled(world, 50_000, 5_000)
    await given(world, 5_000)
    await world.stock("A", "milk", 1)
    sale = await ring(world, Part("wallet", PRICE - 5_000), Part("points", 5_000))
    assert await state_of(world, sale) == ("completed", PRICE, 0)
    await bring(world, sale.order_id, milk=1)
    assert await have(world) == Shares(50_000, 5_000)


async def test_the_bonus_of_a_wallet_is_a_gift_that_pays_no_commission_and_what_was_paid_in_does(world, set_policy):
    await filled(world, 50_000, 12_500, set_policy=set_policy)
    await world.stock("A", "milk", 2)
    sale = await ring(world, Part("wallet", 2 * PRICE), units=2)
    assert await have(world) == Shares(50_000 - 31_840, 12_500 - 7_960)
    await told(world)

    async def earned() -> tuple[int, int, int]:
        row = await world.db.fetchrow(
            """SELECT sum(basis_minor) FILTER (WHERE role = 'seller') AS basis,
                      sum(earned_minor) FILTER (WHERE role = 'seller') AS seller,
                      sum(earned_minor) FILTER (WHERE book = 'allocation') AS shared
               FROM accruals"""
        )
        return tuple(int(one) for one in row)

    assert await earned() == (31_840, 318, 31_840)
    await bring(world, sale.order_id, milk=1)
    await told(world)
    assert await earned() == (15_920, 159, 15_920)


@pytest.mark.parametrize("amount", [0, PRICE + 1, 55_001])
async def test_an_order_takes_no_more_than_it_costs(world: World, books: Books, amount: int) -> None:
    await filled(world, 50_000, 5_000)
    receipt = await bought(world)
    with pytest.raises(wallet.StoredNotTaken):
        await spend(world, receipt.id, amount)
    assert await have(world) == Shares(50_000, 5_000)


async def test_another_s_order_is_not_there(world: World, books: Books) -> None:
    receipt = await bought(world)
    other = await world.new_member()
    async with world.db.begin() as tx:
        with pytest.raises(NotFound):
            await pay_wallet.pay_wallet(tx, member_id=other, order_id=receipt.id, amount_minor=1, actor=world.member)


async def test_within_24_hours_no_more_than_the_rules_let_pass(world, books, set_policy) -> None:
    await filled(world, 50_000, 5_000)
    await set_policy("wallet", day_spend_minor=20_000)
    receipt = await bought(world)
    assert (await pay_wallet.usable(world.db, member_id=world.member_id, order_id=receipt.id)).most_minor == PRICE
    await spend(world, receipt.id, PRICE)
    second = await bought(world)
    with pytest.raises(wallet.StoredNotTaken):
        await spend(world, second.id, 101)
    async with world.db.begin() as tx:
        with pytest.raises(DayLimit):
            await wallet.use(
                tx,
                member_id=world.member_id,
                use_id=second.id,
                order_id=second.id,
                amount_minor=101,
                actor=world.member,
            )
    with clock.frozen(NOON + timedelta(hours=24, seconds=1)):
        assert await wallet.spendable(world.db, world.member_id) == 20_000


async def test_a_crash_before_the_end_leaves_nothing(world: World, books: Books) -> None:
    await filled(world, 50_000, 5_000)
    receipt = await bought(world)
    faults.arm("wallet.before_commit:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await spend(world, receipt.id, PRICE)
    finally:
        faults.arm("")
    assert await have(world) == Shares(50_000, 5_000)
    assert await spend(world, receipt.id, PRICE) == 0


# --- at a till ----------------------------------------------------------------------------------------


async def test_it_needs_the_card_and_the_rest_is_cash(world: World, books: Books) -> None:
    await filled(world, 10_000, 0, set_policy=None)
    await world.stock("A", "milk", 1)
    with pytest.raises(CardNeeded):
        await ring(world, Part("wallet", 10_000), Part("cash", 9_900), present=await world.new_member())
    sale = await ring(world, Part("wallet", 10_000), Part("cash", 9_900))
    assert await have(world) == Shares(0, 0)
    assert await complete(world, sale, 10_000) == 100
    assert await state_of(world, sale) == ("completed", PRICE, 0)


@pytest.mark.parametrize("how", ["let go", "expired"])
async def test_a_sale_that_comes_to_nothing_fills_it_again(world: World, books: Books, how: str) -> None:
    await filled(world, 20_000, 1_000)
    await world.stock("A", "milk", 1)
    sale = await ring(world, Part("wallet", 15_000), Part("cash", 4_900))
    assert (await have(world)).total == 6_000
    if how == "let go":
        await let_go(world, sale)
    else:
        with clock.frozen(NOON + timedelta(hours=1)):
            await expire_orders.expire_unpaid(world.db)
    assert await have(world) == Shares(20_000, 1_000)


async def test_parts_of_a_return_give_the_shares_back_to_the_cent(world: World, books: Books) -> None:
    await filled(world, 50_000, 5_000)
    await filled(world, 20_000, 1_000)
    await world.stock("A", "milk", 3)
    sale = await ring(world, Part("wallet", 3 * PRICE), units=3)
    taken = Shares(70_000, 6_000)
    taken = Shares(taken.principal - (await have(world)).principal, taken.bonus - (await have(world)).bonus)
    assert taken == Shares(54_987, 4_713)
    gone = Shares()
    for n in (1, 2, 3):
        await bring(world, sale.order_id, milk=1)
        bonus = taken.bonus * n * PRICE // (3 * PRICE)
        gone = Shares(n * PRICE - bonus, bonus)
        assert await have(world) == Shares(70_000 - taken.principal + gone.principal, 6_000 - taken.bonus + gone.bonus)
    assert gone == taken


# --- bonus, payout ------------------------------------------------------------------------------------


async def test_a_bonus_ends_and_what_was_paid_in_does_not(world: World, books: Books) -> None:
    await filled(world, 50_000, 5_000)
    await world.stock("A", "milk", 1)
    sale = await ring(world, Part("wallet", 11_000), Part("cash", PRICE - 11_000))  # 10 000 and 1 000
    late = NOON + timedelta(days=365, seconds=1)
    with clock.frozen(NOON + timedelta(days=364)):
        assert await expire.expire(world.db) == 0
    with clock.frozen(NOON + timedelta(days=360)):
        await world.db.execute("UPDATE orders SET pay_by_at = $1", clock.now() + timedelta(minutes=1))
        await let_go(world, sale)  # what comes back lasts 30 days at least
    with clock.frozen(late):
        assert await expire.expire(world.db) == 1
        assert await have(world) == Shares(50_000, 1_000)
        assert await expire.expire(world.db) == 0
    with clock.frozen(NOON + timedelta(days=390, seconds=1)):
        assert await expire.expire(world.db) == 1
        assert await have(world) == Shares(50_000, 0)
    assert await balance(world, accounts.BONUS_COST) == 0


async def test_what_ends_first_is_spent_first(world: World, books: Books, set_policy) -> None:
    await filled(world, 20_000, 1_000)
    with clock.frozen(NOON - timedelta(days=10)):
        await filled(world, 20_000, 1_000)
    await world.stock("A", "milk", 1)
    await ring(world, Part("wallet", PRICE))
    lots = await world.db.fetch("SELECT left_minor FROM wallet_lots WHERE part = 'bonus' ORDER BY expires_at")
    assert [row["left_minor"] for row in lots] == [1_000 - 948, 1_000]


async def test_headquarters_pays_the_principal_out_and_the_bonus_is_given_up(world: World, books: Books) -> None:
    await filled(world, 50_000, 5_000)
    for seen in (49_999, 0):
        async with world.db.begin() as tx:
            with pytest.raises(NothingToPayOut):
                await wallet.pay_out(
                    tx, member_id=world.member_id, principal_minor=seen, reason="x", actor=world.manager
                )
    async with world.db.begin() as tx:
        assert await wallet.pay_out(
            tx, member_id=world.member_id, principal_minor=50_000, reason="moves away", actor=world.manager
        ) == Shares(50_000, 5_000)
    assert await have(world) == Shares()
    assert await balance(world, accounts.BY_HAND) == -50_000
    assert await balance(world, accounts.BONUS_COST) == 0
    with pytest.raises(NothingToPayOut):
        async with world.db.begin() as tx:
            await wallet.pay_out(tx, member_id=world.member_id, principal_minor=0, reason="x", actor=world.manager)
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'wallet.pay-out'") == 1


# --- at once ------------------------------------------------------------------------------------------


async def test_twenty_spend_60_of_100_at_once(world: World, books: Books) -> None:
    """T21: one is paid, nineteen are refused, and what is left is there."""
    await filled(world, 10_000, 0)
    await world.stock("A", "milk", 20)
    receipts = [await world.place(world.wish("milk", 1, at="A")) for _ in range(20)]

    async def one(order_id: UUID) -> str:
        try:
            async with world.db.begin() as tx:
                await wallet.use(
                    tx,
                    member_id=world.member_id,
                    use_id=order_id,
                    order_id=order_id,
                    amount_minor=6_000,
                    actor=world.member,
                )
                await asyncio.sleep(0.01)
                raise _Undone
        except _Undone:
            return "would"
        except NotEnoughStored:
            return "refused"

    # Alone each would do; a transaction that is undone leaves nothing.
    assert await asyncio.gather(*[one(receipt.id) for receipt in receipts]) == ["would"] * 20
    assert await have(world) == Shares(10_000, 0)

    async def pays(order_id: UUID) -> str:
        try:
            await spend(world, order_id, 6_000)
        except Refusal as refused:
            return refused.code
        return "paid"

    done = await asyncio.gather(*[pays(receipt.id) for receipt in receipts], return_exceptions=True)
    assert all(isinstance(one, str) for one in done), done
    assert done.count("paid") == 1
    assert set(done) - {"paid"} <= {"wallet.not-enough", "wallet.not-taken"}
    assert await have(world) == Shares(4_000, 0)


class _Undone(Exception):
    pass


async def test_spending_beside_a_refund_and_a_top_up(world: World, books: Books) -> None:
    """Whatever comes first, what is there in the end is what was paid in and not spent."""
    await filled(world, 50_000, 5_000)
    await world.stock("A", "milk", 9)
    sale = await ring(world, Part("wallet", 2 * PRICE), units=2)
    before = (await have(world)).total

    async def rings() -> int:
        try:
            await ring(world, Part("wallet", 10_000), Part("cash", 9_900))
        except Refusal:
            return 0
        return 10_000

    async def brings() -> int:
        await bring(world, sale.order_id, milk=1)
        return -PRICE

    async def fills() -> int:
        await filled(world, 20_000, 1_000)
        return -21_000

    done = await asyncio.gather(rings(), brings(), rings(), fills(), rings(), rings(), return_exceptions=True)
    assert all(isinstance(one, int) for one in done), done
    assert (await have(world)).total == before - sum(done)
    assert min(await have(world)) >= 0


async def test_spending_beside_paying_out(world: World, books: Books) -> None:
    await filled(world, 20_000, 1_000)
    await world.stock("A", "milk", 1)

    async def pays_out() -> bool:
        try:
            async with world.db.begin() as tx:
                await wallet.pay_out(
                    tx, member_id=world.member_id, principal_minor=20_000, reason="x", actor=world.manager
                )
        except NothingToPayOut:
            return False
        return True

    async def rings() -> bool:
        try:
            await ring(world, Part("wallet", PRICE))
        except Refusal:
            return False
        return True

    assert sorted(await asyncio.gather(pays_out(), rings())) == [False, True]
