"""What an order used of offers comes back with what they took off it: budgets to the cent, uses and coupons once, whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from duoline.flows import return_goods
from duoline.flows.cancel import quote_cancel
from duoline.flows.coupons_back import CouponFate
from duoline.flows.give_back_offers import give_back_offers
from duoline.kernel import clock
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.orders.advance import Undone
from duoline.pricing.promotions.types import AmountOff, FreeDelivery, When
from tests.flows.conftest import NOON
from tests.flows.test_offers import milk, offer
from tests.flows.test_returns import bring, collected, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from duoline.pricing.promotions.types import Promotion
    from tests.flows.conftest import World

__all__ = ["offer"]  # a fixture
BY_COUPON = When(coupon=True)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


async def coupon(
    world: World, promotion: Promotion, *, returned: str = "whole", grace_days: int = 0, expires_at=None
) -> UUID:
    """A coupon of the member's, of a batch of its own."""
    batch, made = new_id(), new_id()
    await world.db.execute(
        "INSERT INTO coupon_batches (batch_id, promotion_id, way, from_at, actor_id, created_at, returned, grace_days)"
        " VALUES ($1, $2, 'given', $3, $4, $3, $5, $6)",
        batch, promotion.id, NOON, new_id(), returned, grace_days,
    )  # fmt: skip
    await world.db.execute(
        "INSERT INTO coupons (id, batch_id, promotion_id, member_id, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        made, batch, promotion.id, world.member_id, NOON, expires_at,
    )  # fmt: skip
    return made


async def jobs(world: World) -> int:
    """Run the jobs that give back what orders used of offers, each twice; how many there were."""
    rows = await world.db.fetch(
        "DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = 'order.undone'"
        " RETURNING convert_from(payload, 'UTF8')::jsonb ->> 'order_id' AS order_id"
    )
    for row in [*rows, *rows]:
        await give_back_offers(world.db, Undone(row["order_id"]))
    return len(rows)


async def free(world: World, coupon_id: UUID) -> bool:
    return bool(await world.value("SELECT order_id IS NULL FROM coupons WHERE id = $1", coupon_id))


async def test_a_coupon_comes_back_with_the_last_of_what_it_took_off(world, books, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion)
    await world.stock("A", "milk", 3)
    await world.stock("A", "bottle", 1)
    receipt = await world.paid(books, world.wish("milk", 3, at="A"), world.wish("bottle", at="A"))
    assert receipt.discount.minor == 1000
    await world.cancel(receipt, {receipt.lines[0].id: 1})
    assert (await jobs(world), await free(world, mine)) == (1, False)
    await world.ready(receipt)
    await world.hand(receipt)
    await bring(world, receipt.id, milk=1)
    assert (await jobs(world), await free(world, mine)) == (1, False)
    fates = (await quoted(world, receipt.id, milk=1)).coupons
    assert fates == [CouponFate(Text("优惠", "优惠"), back=True, until=None)]
    await bring(world, receipt.id, milk=1)
    assert not await free(world, mine)
    assert (await jobs(world), await free(world, mine)) == (1, True)
    view = await world.order(receipt)
    assert [(one.returned, one.back_at) for one in view.coupons] == [("whole", NOON)]
    assert [event.kind for event in view.timeline].count("coupon_back") == 1
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'coupons.back'") == 1
    # It is good for the next order, and what the first one brings back further leaves it there.
    await world.stock("A", "milk", 1)
    again = await world.paid(books, world.wish("milk", at="A"))
    assert again.discount.minor == 1000
    await bring(world, receipt.id, bottle=1)
    await jobs(world)
    assert await world.value("SELECT order_id FROM coupons WHERE id = $1", mine) == again.id


async def test_a_coupon_that_never_comes_back_does_so_only_when_the_order_comes_to_nothing(world, books, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion, returned="never")
    await world.stock("A", "milk", 3)
    first = await world.paid(books, world.wish("milk", at="A"))
    async with world.db.begin() as tx:
        _, _, fates = await quote_cancel(
            tx, member_id=world.member_id, order_id=first.id, quantities=None, actor=world.member
        )
    assert [one.back for one in fates] == [True]
    await world.cancel(first)
    await jobs(world)
    assert await free(world, mine)
    second = await collected(world, books, world.wish("milk", at="A"))
    fates = (await quoted(world, second, milk=1)).coupons
    assert fates == [CouponFate(Text("优惠", "优惠"), back=False, until=None)]
    await bring(world, second, milk=1)
    await jobs(world)
    assert not await free(world, mine)


async def test_the_policy_is_that_of_the_moment_of_use(world, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion, returned="never")
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.db.execute("UPDATE coupon_batches SET returned = 'whole', grace_days = 9")
    await world.ready(receipt)
    await world.hand(receipt, cash=20000)
    await bring(world, receipt.id, milk=1)
    await jobs(world)
    assert not await free(world, mine)
    row = await world.db.fetchrow("SELECT returned, grace_days, given_back_at FROM coupon_uses")
    assert tuple(row) == ("never", 0, None)


@pytest.mark.parametrize(
    ("grace_days", "ends"),
    [(0, NOON + timedelta(days=1)), (7, NOON + timedelta(days=9))],
    ids=["none", "seven days"],
)
async def test_one_that_has_ended_meanwhile_has_its_days_of_grace(world, offer, books, grace_days, ends):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion, grace_days=grace_days, expires_at=NOON + timedelta(days=1))
    await world.stock("A", "milk", 1)
    order_id = await collected(world, books, world.wish("milk", at="A"))
    with clock.frozen(NOON + timedelta(days=2)):
        until = [one.until for one in (await quoted(world, order_id, milk=1)).coupons]
        await bring(world, order_id, milk=1)
        await jobs(world)
    assert until == [ends]
    assert await world.value("SELECT expires_at FROM coupons WHERE id = $1", mine) == ends


async def test_one_that_still_runs_keeps_its_own_end(world, offer, books):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion, grace_days=30, expires_at=NOON + timedelta(days=1))
    await world.stock("A", "milk", 1)
    order_id = await collected(world, books, world.wish("milk", at="A"))
    await bring(world, order_id, milk=1)
    await jobs(world)
    assert await world.value("SELECT expires_at FROM coupons WHERE id = $1", mine) == NOON + timedelta(days=1)


async def test_one_that_paid_the_delivery_comes_back_when_nothing_is_delivered(world, books, offer):
    promotion = await offer(FreeDelivery(), when=BY_COUPON)
    mine = await coupon(world, promotion)
    await world.stock("A", "milk", 1)
    await world.stock("DC", "bottle", 2)
    receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("bottle", 2))
    assert (receipt.delivery_fee.minor, await free(world, mine)) == (0, False)
    sent = next(line.id for line in receipt.lines if line.method == "delivery")
    await world.cancel(receipt, {sent: 1})
    assert (await jobs(world), await free(world, mine)) == (1, False)
    await world.cancel(receipt, {sent: 1})
    assert (await jobs(world), await free(world, mine)) == (1, True)
    await world.cancel(receipt)
    await world.refunds()
    await jobs(world)


async def test_a_budget_gets_back_to_the_cent_what_came_back_and_a_limit_when_all_did(world, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), budget_minor=1000, member_orders_max=1)

    async def used() -> tuple[int, int]:
        row = await world.db.fetchrow(
            "SELECT used_minor, used_orders FROM promotion_counters WHERE promotion_id = $1", promotion.id
        )
        return tuple(row)

    await world.stock("A", "milk", 5)
    receipt = await world.place(world.wish("milk", 3, at="A"), pay_mode="at_store")
    assert (receipt.discount.minor, await used()) == (1000, (1000, 1))
    await world.ready(receipt)
    await world.hand(receipt, cash=60000)
    for left in ((667, 1), (334, 1)):
        await bring(world, receipt.id, milk=1)
        await jobs(world)
        assert await used() == left
    assert (await world.place(world.wish("milk", at="A"), pay_mode="at_store")).discount.minor == 0
    await bring(world, receipt.id, milk=1)
    await jobs(world)
    assert await used() == (0, 0)
    assert (await world.place(world.wish("milk", at="A"), pay_mode="at_store")).discount.minor == 1000


# --- races ------------------------------------------------------------------------------------------------------------


async def test_two_returns_at_once_give_one_coupon_back_once(world, offer):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON, budget_minor=1000)
    mine = await coupon(world, promotion)
    await world.stock("A", "milk", 2)
    receipt = await world.place(world.wish("milk", 2, at="A"), pay_mode="at_store")
    await world.ready(receipt)
    await world.hand(receipt, cash=60000)
    done = await asyncio.gather(*(bring(world, receipt.id, milk=1) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, list) for one in done) == 2
    assert all(isinstance(one, list | Refusal) for one in done)
    await asyncio.gather(*(give_back_offers(world.db, Undone(receipt.id)) for _ in range(8)))
    assert await free(world, mine)
    assert await world.value("SELECT count(*) FROM order_events WHERE kind = 'coupon_back'") == 1
    assert await world.value("SELECT used_minor + used_orders FROM promotion_counters") == 0


async def test_a_return_and_a_cancellation_at_once_with_the_job_between_them(world, books, offer):
    promotion = await offer(AmountOff(off_minor=1000), when=BY_COUPON)
    mine = await coupon(world, promotion)
    await world.stock("A", "milk", 1)
    await world.stock("B", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"), world.wish("milk", at="B"))
    first = next(n for n, job in enumerate(receipt.fulfilments) if job.store_code == "A")
    await world.ready(receipt, first)
    await world.hand(receipt, first)
    at_a = next(line.id for line in receipt.lines if line.store_code == "A")
    at_b = next(line.id for line in receipt.lines if line.store_code == "B")
    shop = world.look.chain.store(world.stores["A"])

    async def back() -> None:
        async with world.db.begin() as tx:
            await return_goods.return_goods(
                tx, world.look.chain, shop, member_id=world.member_id, order_id=receipt.id,
                brought=[return_goods.Brought(at_a, 1, "sellable")], reason="changed_mind", expected_minor=None,
                actor=world.clerk,
            )  # fmt: skip

    await asyncio.gather(back(), world.cancel(receipt, {at_b: 1}), give_back_offers(world.db, Undone(receipt.id)))
    assert await jobs(world) == 2
    assert await free(world, mine)
    assert await world.value("SELECT count(*) FROM order_events WHERE kind = 'coupon_back'") == 1


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        ("UPDATE coupons SET order_id = NULL, buyer_id = NULL, taken_at = NULL", "OFR-4"),
        ("UPDATE coupon_uses SET given_back_at = at, returned = 'never'", "OFR-5"),
    ],
)
async def test_what_does_not_fit_is_refused_at_the_write(world, offer, spoil, name):
    promotion = await offer(AmountOff(off_minor=1000), of=milk(world), when=BY_COUPON)
    mine = await coupon(world, promotion)
    await world.stock("A", "milk", 1)
    receipt = await world.place(world.wish("milk", at="A"), pay_mode="at_store")
    await world.ready(receipt)
    await world.hand(receipt, cash=60000)
    await bring(world, receipt.id, milk=1)
    before = await world.db.fetchrow("SELECT * FROM coupon_uses")
    await world.db.execute(spoil)
    with pytest.raises(asyncpg.PostgresError, match=name):
        await give_back_offers(world.db, Undone(receipt.id))
    await world.db.execute(
        "UPDATE coupons SET order_id = $2, buyer_id = $3, taken_at = $4 WHERE id = $1",
        mine, receipt.id, world.member_id, NOON,
    )  # fmt: skip
    await world.db.execute("UPDATE coupon_uses SET given_back_at = NULL, returned = $1", before["returned"])
    await jobs(world)
    assert await free(world, mine)
