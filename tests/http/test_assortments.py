"""What shops may sell: in the mall, in baskets, at the till and for favourites; who may say so, and what follows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.catalog import assortments
from duoline.channels.mall import catalogue, found
from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import World

PATH = "/api/console/assortments"


@pytest.fixture
async def goods(world: World) -> AsyncIterator[dict[str, str]]:
    """MILK and TEA in S1, S2 and D1, each in a category of its own; the check is clean at the end."""
    with clock.frozen(NOON):
        made = {code: await stocked(world, code, 19900, {"S1": 5, "S2": 5, "D1": 5}) for code in ("MILK", "TEA")}
        yield made
    assert await broken(world.db) == []


def wanted(kind: str = "never", **more: Any) -> dict[str, Any]:
    return {"name": {"zh": "不卖", "en": "Not sold"}, "kind": kind, "products": ["MILK"], "stores": ["S1"], **more}


async def say(world: World, kind: str = "never", **more: Any) -> dict[str, Any]:
    answer = await world.staff("hq").post(PATH, {"assortment": wanted(kind, **more), "reason": "no licence"})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    forget(world)
    return said


def forget(world: World) -> None:
    """The lists that the mall keeps for some seconds."""
    found.forget(world.db)
    catalogue._shown_lists.pop(world.db, None)


async def shown(world: World, code: str, store: str) -> tuple[bool, int]:
    """Whether the page says that the shop sells it, and how many it has."""
    answer = await world.anonymous().get(f"/api/mall/products/{code}?store={store}")
    (live,) = answer.json()["live"]
    return live["sold_here"], live["store_available"]


async def test_a_shop_shows_collects_and_rings_up_only_what_it_may_sell(world: World, goods: dict[str, str]) -> None:
    milk, tea = goods["MILK"], goods["TEA"]
    assert await shown(world, "MILK", "S1") == (True, 5)
    await say(world)
    assert await shown(world, "MILK", "S1") == (False, 0)
    assert await shown(world, "MILK", "S2") == (True, 5)
    assert await shown(world, "TEA", "S1") == (True, 5)
    mall = world.anonymous()
    home = (await mall.get("/api/mall/home?store=S1")).json()
    assert [card["code"] for card in home["ready_today"]] == ["TEA"]
    assert {card["code"]: card["store_available"] for card in home["feed"]} == {"MILK": 0, "TEA": 5}
    ready = (await mall.get("/api/mall/search?store=S1&ready_today=1")).json()
    assert [card["code"] for card in ready["items"]] == ["TEA"]
    having = (await mall.get("/api/mall/products/MILK/stores")).json()["items"]
    assert [one["store"]["code"] for one in having] == ["S2"]
    scan = (await mall.get("/api/mall/scanned", params={"text": "http://x.example/p/MILK", "store": "S1"})).json()
    assert (scan["article"]["price"], scan["article"]["available"]) == (None, None)

    member = await world.member("13900000001")
    quote = await member.post("/api/mall/quotes", {"lines": [line(milk), line(tea)]})
    assert [(one["code"], one["n"]) for one in quote.json()["problems"]] == [("catalog.not-in-assortment", 0)]
    refused = await member.post("/api/mall/orders", order(line(milk), bring=True, pay_mode="online"))
    assert (refused.status_code, refused.json()["code"]) == (409, "catalog.not-in-assortment")
    # Sent home, from the very shop too; collected elsewhere; and the rest of the basket as ever.
    for fine in (line(milk, store="S2"), line(tea)):
        assert (await member.post("/api/mall/orders", order(fine))).status_code == 201
    home_quote = await member.post("/api/mall/quotes", {"lines": [line(milk, 5, store=None)]})
    assert home_quote.json()["problems"] == []

    clerk = world.staff("clerk1")
    stock = (await clerk.get("/api/clerk/stock", params={"store": "S1", "sku": milk})).json()["items"][0]
    assert (stock["sold_here"], stock["here"]["available"]) == (False, 5)
    basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}]}
    rung = await clerk.post("/api/clerk/till-quotes", basket)
    assert (rung.status_code, rung.json()["code"]) == (409, "catalog.not-in-assortment")
    sold = await clerk.post(
        "/api/clerk/sales", basket | {"tender": "cash", "tendered": {"minor": 19900, "currency": "CNY"}}
    )
    assert sold.json()["code"] == "catalog.not-in-assortment"
    kept = await member.put(
        "/api/mall/favourites", {"product_code": "MILK", "sku_id": milk, "store_code": "S1", "scan": True}
    )
    assert kept.json()["outcome"] == "none_left"


async def test_only_gives_goods_to_its_places_and_to_no_others(world: World, goods: dict[str, str]) -> None:
    await say(world, "only", products=[], categories=["CMILK"], stores=[], regions=["north"])
    assert [(await shown(world, "MILK", store))[0] for store in ("S1", "S2", "S3", "S4")] == [True, False, True, False]
    await say(world, "only", stores=["S4"])
    assert [(await shown(world, "MILK", store))[0] for store in ("S1", "S2", "S3", "S4")] == [True, False, True, True]
    await say(world, "never", stores=[], regions=["north-east"])
    assert [(await shown(world, "MILK", store))[0] for store in ("S1", "S2", "S3", "S4")] == [
        False, False, False, True,
    ]  # fmt: skip
    unlisted = await world.staff("manager2").get("/api/console/unlisted?store=S2")
    assert [(one["product_code"], one["units"], len(one["because"])) for one in unlisted.json()["items"]] == [
        ("MILK", 5, 2)
    ]
    assert (await world.staff("manager2").get("/api/console/unlisted?store=S1")).status_code == 404
    assert (await world.staff("manager1").get("/api/console/unlisted?store=S1&q=tea")).json()["items"] == []


async def test_it_begins_and_ends_by_its_dates_and_follows_the_goods(world: World, goods: dict[str, str]) -> None:
    later = NOON + timedelta(minutes=5)
    await say(
        world, products=[], categories=["CMILK"],
        from_at=later.isoformat(), until_at=(later + timedelta(hours=1)).isoformat(),
    )  # fmt: skip
    assert await shown(world, "MILK", "S1") == (True, 5)
    with clock.frozen(later):
        assert await assortments.begin_and_end(world.db) == 1
        assert await shown(world, "MILK", "S1") == (False, 0)
        # A product that moves into the category is not sold from that moment on; one that leaves it is.
        hq = world.staff("hq")
        tea = (await hq.get("/api/console/products/TEA")).json()
        moved = await hq.patch("/api/console/products/TEA", {"category": "CMILK", "version": tea["version"]})
        assert moved.status_code == 200, moved.text
        assert await shown(world, "TEA", "S1") == (False, 0)
    with clock.frozen(later + timedelta(hours=1)):
        assert await assortments.begin_and_end(world.db) == 2
        assert await shown(world, "MILK", "S1") == (True, 5)
        assert await assortments.begin_and_end(world.db) == 0


async def test_changed_ended_and_written_down(world: World, goods: dict[str, str]) -> None:
    said = await say(world)
    hq = world.staff("hq")
    one = f"{PATH}/{said['id']}"
    assert (said["version"], said["state"], said["by"], said["stores"][0]["code"]) == (1, "live", "hq", "S1")
    changed = await hq.put(one, {"assortment": wanted(stores=["S2"]), "version": 1, "reason": "the other one"})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert [(await shown(world, "MILK", store))[0] for store in ("S1", "S2")] == [True, False]
    late = await hq.put(one, {"assortment": wanted(), "version": 1, "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "catalog.assortment-changed")
    ended = await hq.post(f"{one}/end", {"version": 2, "reason": "licence came"})
    assert (ended.json()["state"], await shown(world, "MILK", "S2")) == ("over", (True, 5))
    again = await hq.post(f"{one}/end", {"version": 3, "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "catalog.assortment-over")
    actions = await world.db.fetch("SELECT action FROM audit_log WHERE subject = $1 ORDER BY id", said["id"])
    assert [row["action"] for row in actions] == ["assortment.added", "assortment.changed", "assortment.ended"]
    listed = (await world.staff("north").get(PATH, params={"q": "not", "which": "over"})).json()
    assert ([row["id"] for row in listed["items"]], listed["total"]) == ([said["id"]], 1)


async def test_a_trial_says_what_it_comes_to_and_stores_nothing(world: World, goods: dict[str, str]) -> None:
    hq = world.staff("hq")

    async def trial(kind: str, **more: Any) -> dict[str, Any]:
        answer = await hq.post(f"{PATH}/trial", {"assortment": wanted(kind, **more)})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    assert await trial("never") == {"products": 1, "places": 1, "barred_shops": 1, "units_there": 5}
    assert await trial("only") == {"products": 1, "places": 1, "barred_shops": 3, "units_there": 5}
    every = await trial("never", products=[], categories=["CMILK", "CTEA"], stores=[], regions=["china"])
    assert every == {"products": 2, "places": 4, "barred_shops": 4, "units_there": 20}
    assert await world.db.fetchval("SELECT count(*) FROM assortments") == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (wanted(products=["GONE"]), "products"),
        (wanted(products=[]), "goods"),
        (wanted(stores=[]), "places"),
        (wanted(name={"zh": " "}), "name"),
        (wanted(from_at="2026-11-20T00:00:00Z", until_at="2026-11-19T00:00:00Z"), "until_at"),
        (wanted(from_at="2026-11-01T00:00:00Z", until_at="2026-11-02T00:00:00Z"), "until_at"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_field(
    world: World, goods: dict[str, str], body: dict[str, Any], field: str
) -> None:
    answer = await world.staff("hq").post(PATH, {"assortment": body, "reason": "x"})
    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["problems"]]
    assert await world.db.fetchval("SELECT count(*) FROM assortments") == 0


@pytest.mark.parametrize("login", ["north", "franchisee_a", "manager1", "clerk1"])
async def test_only_headquarters_says_what_shops_may_sell(world: World, login: str) -> None:
    answer = await world.staff(login).post(PATH, {"assortment": wanted(), "reason": "x"})
    assert answer.status_code == 403
    if login != "north":
        assert (await world.staff(login).get(PATH)).status_code == 403


async def test_those_who_change_what_it_follows_from_at_once_are_both_counted(
    world: World, goods: dict[str, str]
) -> None:
    """Two assortments and a product's move, each in a transaction of its own, over and over."""
    hq = world.staff("hq")

    async def move(code: str) -> None:
        tea = (await hq.get("/api/console/products/TEA")).json()
        body = {"category": code, "version": tea["version"]}
        assert (await hq.patch("/api/console/products/TEA", body)).status_code == 200

    for n in range(4):
        await asyncio.gather(
            say(world, stores=["S2"], products=[], categories=["CMILK"]),
            say(world, stores=["S3"], products=[], categories=["CTEA"]),
            move("CMILK" if n % 2 == 0 else "CTEA"),
        )
        assert await broken(world.db) == []
