"""Whose the prices of a shop are is judged by the verbs themselves, whoever calls them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline import pricing, settlement
from duoline.flows import shop_prices
from duoline.kernel import clock
from duoline.kernel.errors import NotFound
from duoline.pricing.rights import limits_of
from duoline.stores.rights import EVERYWHERE, Scope
from tests.flows.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from tests.flows.conftest import World

FULL = settlement.Contract(
    company="HQ", mode="all_franchise", stock_owner="company", price_right="company", promo_payer="company",
    goods_percent=60, price_floor_percent=50,
)  # fmt: skip


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def chain(world: World) -> shop_prices.Setter:
    return shop_prices.Setter(world.manager, True, EVERYWHERE)


def company(world: World, *stores: str) -> shop_prices.Setter:
    of = frozenset(world.stores[code] for code in stores)
    return shop_prices.Setter(world.clerk, False, Scope(everything=False, store_ids=of))


async def say(world: World, by: shop_prices.Setter, minor: int, at: str | None = "A", **more: Any) -> UUID:
    new = shop_prices.NewPrice(
        sku_id=world.skus["milk"],
        scope="store" if at else "chain",
        place_id=world.stores[at] if at else pricing.CHAIN,
        price_minor=minor,
        currency="CNY",
        valid_from=more.get("since"),
        valid_until=None,
        channel="*",
        tier="",
        reason="test",
    )
    async with world.db.begin() as tx:
        return await shop_prices.set_price(tx, new, by)


async def test_only_whose_the_prices_are_sets_and_ends_them(world, set_policy):
    await set_policy("contracts", contracts=[FULL])
    with pytest.raises(pricing.CompanysToSet):
        await say(world, chain(world), 15_000)
    mine = await say(world, company(world, "A"), 15_000)
    with pytest.raises(pricing.CompanysToSet):
        async with world.db.begin() as tx:
            await shop_prices.end_price(tx, mine, reason="", by=chain(world))
    # Nor does the verb below trust who calls it.
    with pytest.raises(pricing.ChainsToSet):
        await say(world, company(world, "A"), 1, None)
    with pytest.raises(NotFound):
        await say(world, company(world, "A"), 15_000, "B")
    with pytest.raises(pricing.PriceOutsideLimits):
        await say(world, company(world, "B"), 9_949, "B")
    assert await world.value("SELECT array_agg(price_minor) FROM prices WHERE scope = 'store'") == [15_000]
    await set_policy("contracts", contracts=[])
    with pytest.raises(pricing.ChainsToSet):
        async with world.db.begin() as tx:
            await shop_prices.end_price(tx, mine, reason="", by=company(world, "A"))
    # What the company had set stays until the chain, whose right it is now, sets another.
    later = NOON + timedelta(hours=1)
    await say(world, chain(world), 19_000, since=later)
    held = "SELECT price_minor FROM prices WHERE scope = 'store' AND valid @> $1::timestamptz"
    assert [await world.value(held, at) for at in (NOON, later)] == [15_000, 19_000]


async def test_two_who_set_a_price_at_once_leave_one(world, set_policy):
    await set_policy("contracts", contracts=[FULL])
    later = NOON + timedelta(days=1)
    done = await asyncio.gather(
        *(say(world, company(world, "A"), 15_000 + n, since=later) for n in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(isinstance(one, pricing.PriceOverlap) for one in done if isinstance(one, BaseException))


@pytest.mark.parametrize(
    ("right", "chain_minor", "least", "most"),
    [
        (pricing.PriceRight("company"), [100], None, None),
        (pricing.PriceRight("company", 80), [101], 81, None),  # 80.8: rounded towards what is allowed
        (pricing.PriceRight("company", 80, 110), [100, 200], 160, 110),  # nothing fits both: a shorter time would
        (pricing.PriceRight("company", 80, 110), [], None, None),
        (pricing.PriceRight("chain", 80, 110), [100], None, None),
    ],
)
def test_limits_are_percentages_of_every_price_the_chain_asks_meanwhile(right, chain_minor, least, most):
    assert limits_of(right, chain_minor) == pricing.Limits(least, most)
