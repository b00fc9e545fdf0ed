"""Baskets that a till puts aside: taken up once, by whoever is first, and gone when the next day is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from duoline import orders
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.orders.park import PARKED_MAX, end_parked
from duoline.stores import hours
from duoline.stores.hours import Hours, Span
from tests.flows.conftest import NOON

NINE_TO_NINE = ((Span("09:00", "21:00"),),) * 7


async def parked(world, store="A", *, units=2, note="blue coat", phone="+8613900000001"):
    shop = world.look.chain.store(world.stores[store])
    async with world.db.begin() as tx:
        return await orders.park(
            tx, shop.id, lines=[(world.skus["milk"], units)], coupons=1, phone=phone, note=note,
            ends_at=hours.closing_next_day(shop.hours, clock.now()), actor=world.clerk,
        )  # fmt: skip


async def taken(world, parked_id, *, how="resumed", actor=None, store="A"):
    async with world.db.begin() as tx:
        return await orders.take_parked(tx, world.stores[store], parked_id, how=how, actor=actor or world.manager)


async def waiting(world, store="A"):
    return [one.id for one in await orders.parked_at(world.db, world.stores[store])]


async def test_a_basket_is_put_aside_and_taken_up_by_somebody_else(world):
    with clock.frozen(NOON):
        one = await parked(world)
        assert await waiting(world) == [one]
        assert await waiting(world, "B") == []
        found = await taken(world, one)
        assert found == orders.Parked(
            one, [(world.skus["milk"], 2)], 1, "+8613900000001", "blue coat", NOON, "Li Na",
            datetime(2026, 11, 19, 13, 0, tzinfo=UTC),
        )  # fmt: skip
        assert await waiting(world) == []
        with pytest.raises(orders.ParkedTaken) as refused:
            await taken(world, one, actor=world.clerk)
    assert refused.value.fields == {"by": "Chen Jie", "at": NOON, "how": "resumed"}
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'sale.discard'") == 0


async def test_of_many_at_once_one_gets_it_and_the_others_read_who(world):
    for _ in range(5):
        one = await parked(world)
        answers = await asyncio.gather(*(taken(world, one) for _ in range(8)), return_exceptions=True)
        got = [answer for answer in answers if isinstance(answer, orders.Parked)]
        late = [answer for answer in answers if isinstance(answer, orders.ParkedTaken)]
        assert (len(got), len(late)) == (1, 7)
        assert {answer.fields["by"] for answer in late} == {"Chen Jie"}


async def test_what_is_thrown_away_is_in_the_audit_log_and_cannot_be_taken_up(world):
    one = await parked(world)
    await taken(world, one, how="discarded")
    with pytest.raises(orders.ParkedTaken) as refused:
        await taken(world, one)
    assert refused.value.fields["how"] == "discarded"
    line = await world.db.fetchrow("SELECT actor_name, store_id, before FROM audit_log WHERE action = 'sale.discard'")
    assert (line["actor_name"], line["store_id"]) == ("Chen Jie", world.stores["A"])
    assert line["before"] == {
        "parked_by": "Li Na",
        "lines": [{"sku_id": str(world.skus["milk"]), "quantity": 2}],
    }


async def test_another_shop_has_no_part_in_it(world):
    one = await parked(world)
    with pytest.raises(NotFound):
        await taken(world, one, store="B")
    assert await waiting(world) == [one]


async def test_it_ends_when_the_next_day_is_over_and_nothing_of_it_stays(world):
    with clock.frozen(NOON):
        one = await parked(world)
        other = await parked(world)
        await taken(world, other)
    over = datetime(2026, 11, 19, 13, 0, tzinfo=UTC)
    with clock.frozen(over - timedelta(seconds=1)):
        await end_parked(world.db)
        assert await waiting(world) == [one]
        assert await world.value("SELECT count(*) FROM parked_sales") == 2
    with clock.frozen(over):
        assert await waiting(world) == []
        with pytest.raises(NotFound):
            await taken(world, one)
        await end_parked(world.db)
    assert await world.value("SELECT count(*) FROM parked_sales") == 0


async def test_a_shop_puts_aside_so_many_and_no_more(world):
    for _ in range(PARKED_MAX):
        await parked(world)
    with pytest.raises(orders.TooManyParked):
        await parked(world)


@pytest.mark.parametrize(
    ("at", "week", "ends"),
    [
        (datetime(2026, 11, 18, 4, 0, tzinfo=UTC), NINE_TO_NINE, datetime(2026, 11, 19, 13, 0, tzinfo=UTC)),
        # After midnight it is the next day already.
        (datetime(2026, 11, 18, 16, 30, tzinfo=UTC), NINE_TO_NINE, datetime(2026, 11, 20, 13, 0, tzinfo=UTC)),
        # Closed tomorrow: until tomorrow is over.
        (
            datetime(2026, 11, 18, 4, 0, tzinfo=UTC),
            (*NINE_TO_NINE[:3], (), *NINE_TO_NINE[4:]),
            datetime(2026, 11, 19, 16, 0, tzinfo=UTC),
        ),
    ],
)
def test_when_the_next_day_is_over(at, week, ends):
    assert hours.closing_next_day(Hours("Asia/Shanghai", week), at) == ends
