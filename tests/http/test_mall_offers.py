"""What the articles of a list cost with offers, and which promotions are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from duoline.kernel import clock
from duoline.pricing.promotions import book
from tests.http.shelf import NOON, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import World

PERCENT = {"type": "percent_off", "off_bp": 1000}
SPEND = {"type": "threshold", "steps": [{"from_minor": 30000, "off_minor": 5000}]}


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """MILK at 199.00, and TEA at 20.00, both in S1."""
    with clock.frozen(NOON):
        sku = await stocked(world, "MILK", 19900, {"S1": 9})
        await stocked(world, "TEA", 2000, {"S1": 9})
        yield sku
    book._current = book.Book()


async def promote(world: World, name: str, effect: dict[str, Any], **more: Any) -> str:
    body = {"name": {"zh": name, "en": name}, "effect": effect} | more
    made = await world.staff("hq").post("/api/console/promotions", {"promotion": body, "reason": "x"})
    assert made.status_code == 201, made.text
    return str(made.json()["promotion"]["id"])


async def asked(world: World, *codes: str, near: str | None = "S1") -> list[tuple[str, int, int, list[str]]]:
    """By product: what a unit costs before and with offers, and the names."""
    query = "&".join([*(f"products={code}" for code in codes), *([f"near={near}"] if near else [])])
    answer = await world.anonymous().get(f"/api/mall/offers?{query}")
    assert answer.status_code == 200, answer.text
    return [
        (one["product_code"], one["price"]["minor"], one["net"]["minor"], [tag["name"]["en"] for tag in one["tags"]])
        for one in answer.json()["items"]
    ]


async def test_a_unit_costs_less_and_says_why_in_the_order_asked(world: World, milk: str) -> None:
    assert await asked(world, "TEA", "MILK") == [("TEA", 2000, 2000, []), ("MILK", 19900, 19900, [])]
    await promote(world, "10% off", PERCENT, priority=200, of={"skus": ["MILK-1"]})
    await promote(world, "50 off 300", SPEND)
    assert await asked(world, "TEA", "MILK") == [
        ("TEA", 2000, 2000, ["50 off 300"]),
        ("MILK", 19900, 17910, ["10% off", "50 off 300"]),
    ]
    answer = (await world.anonymous().get("/api/mall/offers?products=MILK&near=S1")).json()["items"][0]
    assert [tag["alone"] for tag in answer["tags"]] == [True, False]
    assert [(one["sku_id"], one["price"]["minor"], one["net"]["minor"]) for one in answer["skus"]] == [
        (milk, 19900, 17910)
    ]


async def test_at_a_shop_or_at_home(world: World, milk: str) -> None:
    await promote(world, "Collect", PERCENT, when={"methods": ["pickup"]})
    await promote(world, "Ships free", {"type": "free_delivery", "from_minor": 9900})
    assert await asked(world, "MILK") == [("MILK", 19900, 17910, ["Collect"])]
    assert await asked(world, "MILK", near=None) == [("MILK", 19900, 19900, ["Ships free"])]
    assert await asked(world, "MILK", near="GONE") == [("MILK", 19900, 19900, ["Ships free"])]


async def test_what_is_not_for_everybody_counts_for_nobody(world: World, milk: str) -> None:
    await promote(world, "Coupon", PERCENT, when={"coupon": True})
    await promote(world, "First", PERCENT, when={"first_order": True})
    await promote(world, "Once each", PERCENT, member_orders_max=1)
    await promote(world, "Till", PERCENT, when={"channels": ["till"]})
    await promote(world, "Coupon, spend", SPEND, when={"coupon": True})
    assert await asked(world, "MILK") == [("MILK", 19900, 19900, [])]


async def test_a_budget_that_is_too_small_takes_nothing(world: World, milk: str) -> None:
    await promote(world, "Little", PERCENT, budget_minor=500)
    assert await asked(world, "MILK", "TEA") == [("MILK", 19900, 19900, []), ("TEA", 2000, 2000, [])]
    await promote(world, "Enough", PERCENT, budget_minor=2000)
    assert await asked(world, "MILK") == [("MILK", 19900, 17910, ["Enough"])]


async def test_three_are_named_and_none_beside_an_exclusive_one(world: World, milk: str) -> None:
    for n in range(4):
        await promote(world, f"Spend {n}", SPEND, priority=10 + n)
    await promote(world, "Low price", {"type": "fixed_price", "price_minor": 15000}, priority=900)
    assert (await asked(world, "MILK"))[0][3] == ["Low price", "Spend 0", "Spend 1"]
    await promote(world, "Alone", {"type": "fixed_price", "price_minor": 9900}, exclusive=True)
    assert await asked(world, "MILK") == [("MILK", 19900, 9900, ["Alone"])]


async def test_nothing_for_what_is_withdrawn_or_unknown_and_no_more_than_sixty(world: World, milk: str) -> None:
    await promote(world, "10% off", PERCENT)
    await world.db.execute("UPDATE products SET state = 'withdrawn' WHERE code = 'TEA'")
    assert [one[0] for one in await asked(world, "TEA", "NOTHING", "MILK", "MILK")] == ["MILK"]
    many = "&".join(f"products=P{n}" for n in range(61))
    for query in (many, "", "products=", "products=" + "x" * 61):
        answer = await world.anonymous().get(f"/api/mall/offers?{query}")
        assert answer.status_code == 422, (query[:20], answer.text)
        assert answer.json()["detail"]
