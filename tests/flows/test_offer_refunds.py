"""Orders with offers, taken apart at random: whatever is cancelled, rejected and handed over in whatever order, what goes
back and what is sold make up what was paid, and no step gives back less than nothing."""

from __future__ import annotations

from random import Random

import pytest

from duoline import orders
from duoline.flows.answer import NothingToAnswer, answer_refund
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.pricing.promotions import book, compile_promotions
from duoline.pricing.promotions.save import plain
from duoline.pricing.promotions.types import Promotion, Threshold, When
from tests.pricing import drawn

from .conftest import NOON, World

SKUS = ("milk", "bottle")


async def promote(world: World, random: Random) -> None:
    """A few offers on all articles; some thresholds are asked again when units are given back."""
    made = []
    for number in range(random.randint(1, 3)):
        effect = drawn.effect(random, 20_000)
        made.append(
            Promotion(
                id=new_id(),
                version=1,
                name=Text(f"优惠{number}", f"Offer {number}"),
                from_at=NOON,
                effect=effect,
                priority=random.choice([50, 100]),
                when=When(),
                clawback=isinstance(effect, Threshold) and random.random() < 0.6,
            )
        )
        body = plain(made[-1])
        await world.db.execute(
            """INSERT INTO promotions (id, version, body, name_zh, name_en, kind, from_at, actor_id, created_at)
               VALUES ($1, 1, $2, '优惠', 'Offer', $3, $4, $1, $4)""",
            made[-1].id, body, body["effect"]["type"], NOON,
        )  # fmt: skip
    book._current = book.Book(made, {}, compile_promotions(made, {}))


async def story(world: World, books: object, random: Random) -> None:
    """One order from quote to its end."""
    await promote(world, random)
    wishes = [world.wish(sku, random.randint(1, 4), at=random.choice("AB")) for sku in SKUS]
    for wish in wishes:
        at = next(code for code, store in world.stores.items() if store == wish.store_id)
        await world.stock(at, next(sku for sku, one in world.skus.items() if one == wish.sku_id), wish.quantity)
    receipt = await world.place(*wishes, pay_mode="online" if random.random() < 0.8 else "at_store")
    if receipt.state == "awaiting_payment":
        await world.pay(books, receipt)
    steps = list(range(len(receipt.fulfilments))) + ["cancel"] * 3 + ["reject"]
    random.shuffle(steps)
    for step in steps:
        order = await world.order(receipt)
        open_lines = {line.id: line.quantity - line.handed - line.cancelled for line in order.lines}
        open_lines = {line: units for line, units in open_lines.items() if units}
        if not open_lines:
            break
        if step == "cancel":
            line = random.choice(sorted(open_lines))
            try:
                assert await world.cancel(receipt, {line: random.randint(1, open_lines[line])}) >= 0
            except orders.CancelWhole:
                assert order.pay_mode == "at_store"
        elif step == "reject":
            job = next((n for n, one in enumerate(order.fulfilments) if one.state in ("to_pick", "ready")), None)
            if job is None:
                continue
            share = order.fulfilments[job].lines[0]
            n = next(k for k, one in enumerate(receipt.fulfilments) if one.id == order.fulfilments[job].id)
            await world.reject_lines(receipt, {share.line_id: 1}, n=n)
            try:
                async with world.db.begin() as tx:
                    await answer_refund(tx, member_id=world.member_id, order_id=receipt.id, actor=world.member)
            except NothingToAnswer:
                continue  # another shop has it and sends it there
        elif order.fulfilments and any(
            one.id == receipt.fulfilments[step].id and one.state == "to_pick" for one in order.fulfilments
        ):
            await world.ready(receipt, step)
            cash = 10**7 if order.pay_mode == "at_store" else None
            await world.hand(receipt, step, cash=cash)
        await world.refunds()
    order = await world.order(receipt)
    paid = await world.value("SELECT paid_minor FROM orders WHERE id = $1", receipt.id)
    back = await world.value("SELECT refunded_minor FROM orders WHERE id = $1", receipt.id)
    sold = await world.value(
        """SELECT coalesce(sum(CASE WHEN e.credit LIKE 'sales:%' THEN e.amount_minor ELSE -e.amount_minor END), 0)
           FROM journals j JOIN journal_entries e ON e.member_id = j.member_id AND e.journal_id = j.id
           WHERE j.order_id = $1 AND (e.credit LIKE 'sales:%' OR e.debit LIKE 'sales:%')""",
        receipt.id,
    )
    if order.state in ("completed", "cancelled"):
        assert paid == back + sold
    else:
        assert paid >= back + sold


@pytest.mark.parametrize("seed", range(10))
async def test_an_order_taken_apart_at_random(world, books, seed):
    random = Random(seed)
    try:
        with clock.frozen(NOON):
            for _ in range(4):
                await story(world, books, random)
    finally:
        book._current = book.Book()


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 160))
async def test_many_orders_taken_apart_at_random(world, books, seed):
    await test_an_order_taken_apart_at_random(world, books, seed)
