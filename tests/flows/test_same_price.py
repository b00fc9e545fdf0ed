"""The same basket costs the same in the mall, at the till and for an agent, to the cent, and what a slow reference says."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from duoline.catalog.docs import refresh_docs
from duoline.flows import basket, sell
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from duoline.pricing.promotions import book, compile_promotions
from duoline.pricing.promotions.types import Item, Promotion, Situation, When
from duoline.pricing.promotions.where import place_at
from tests.pricing import drawn, plainly

from .conftest import NOON, World

TOP = 20_000
KINDS = 6
"""So many articles have a product each; the others share one, with categories of their own that no product has."""


async def articles(world: World, random: Random) -> dict[int, int]:
    """The articles that promotions are drawn for, with a price each."""
    run = world.db.execute
    for n, category in enumerate(drawn.ROOTS + drawn.LEAVES):
        await run(
            "INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, $2, $2, $2) ON CONFLICT DO NOTHING",
            category, f"C{n}",
        )  # fmt: skip
    for n, brand in enumerate(drawn.BRANDS):
        await run("INSERT INTO brands (id, code, name_zh, name_en) VALUES ($1, $2, $2, $2)", brand, f"B{n}")
    prices = {}
    for n in range(KINDS):
        sku, product, category, brand = drawn.article(n)
        await run(
            """INSERT INTO products (id, code, name_zh, name_en, category_id, brand_id, state, published_at, updated_at)
               VALUES ($1, $2, $2, $2, $3, $4, 'published', $5, $5) ON CONFLICT (id) DO NOTHING""",
            product, f"P{n}", category, brand, NOON,
        )  # fmt: skip
        await run("INSERT INTO skus (id, product_id, code) VALUES ($1, $2, $3)", sku, product, f"S{n}")
        prices[n] = random.choice([random.randint(1, 300), random.randint(1, TOP)])
        await run(
            """INSERT INTO prices (id, sku_id, scope, scope_id, price_minor, valid, actor_id, created_at)
               VALUES ($1, $2, 'chain', '00000000-0000-0000-0000-000000000000', $3, tstzrange($4, NULL), $1, $5)""",
            new_id(), sku, prices[n], datetime(2020, 1, 1, tzinfo=UTC), NOON,
        )  # fmt: skip
    async with world.db.begin() as tx:
        await refresh_docs(tx, None)
    return prices


def anywhere(promotion: Promotion) -> Promotion:
    """The same for every channel and way to get the goods."""
    return Promotion(
        id=promotion.id, version=1, name=promotion.name, from_at=NOON, of=promotion.of, without=promotion.without,
        effect=promotion.effect, priority=promotion.priority, group=promotion.group, exclusive=promotion.exclusive,
        when=When(),
    )  # fmt: skip


async def compare(world: World, random: Random, prices: dict[int, int]) -> None:
    promotions = [anywhere(one) for one in drawn.promotions(random, random.randint(1, 5), TOP)]
    book._current = book.Book(promotions, {}, compile_promotions(promotions, drawn.BELOW))
    numbers = random.sample(range(KINDS), random.randint(1, 5))
    wanted = [(n, random.choice([1, 1, 2, 3, 5])) for n in numbers]
    shop = world.look.chain.stores[world.stores["A"]]
    lines = [(drawn.SKUS[n], quantity) for n, quantity in wanted]
    found = {}
    for channel in ("mall", "open_api"):
        seen = await basket.look_at(
            world.look,
            [basket.orders.Wanted(sku_id=sku, quantity=q, method="pickup", store_id=shop.id) for sku, q in lines],
            channel=channel, member_id=world.member_id, address=None,
        )  # fmt: skip
        found[channel] = [line.net_minor for line in seen.lines]
    counter = await sell.price_wishes(world.look, shop, lines, member_id=None)
    found["till"] = [wish.net_minor for wish in counter.wishes]
    place = place_at(world.look.chain, shop, NOON)
    items = [Item(f"S{n}|pickup|A", *drawn.article(n), quantity, prices[n], "pickup", place) for n, quantity in wanted]
    plain = plainly.price(promotions, drawn.BELOW, items, Situation(NOON, "mall"))
    assert found == dict.fromkeys(found, plain.nets)


async def baskets(world: World, seed: int, count: int) -> None:
    random = Random(seed)
    with clock.frozen(NOON):
        prices = await articles(world, random)
        try:
            for _ in range(count):
                await compare(world, random, prices)
        finally:
            book._current = book.Book()


async def test_a_hundred_baskets_cost_the_same_everywhere(world):
    await baskets(world, 1, 100)


@pytest.mark.proof
@pytest.mark.parametrize("block", range(10))
async def test_ten_thousand_baskets_cost_the_same_everywhere(world, block):
    await baskets(world, 100 + block, 1000)
