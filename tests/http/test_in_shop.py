"""Scan-and-go: scan in the shop, pay, the shop's queue knows that somebody waits, and the minutes are measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.http.label import Reading, digital_link, read_label
from duoline.kernel import clock
from duoline.payments import providers
from tests.flows.conftest import Books
from tests.http.shelf import NOON, line, order

if TYPE_CHECKING:
    from tests.http.world import World

GTIN = "6901234567892"
NIGHT = NOON + timedelta(hours=11)  # 23:00 in the shop


@pytest.fixture
def books() -> Books:
    """The provider that online payments go to."""
    made = Books()
    providers.connect(made)  # type: ignore[arg-type]
    return made


async def queue(world: World, tab: str = "to_pick") -> list[dict[str, Any]]:
    answer = await world.staff("clerk1").get("/api/clerk/queue", params={"store": "S1", "tab": tab})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (" 6901234567892 ", Reading(gtin=GTIN)),
        (digital_link("https://a.example", gtin=GTIN, product_code="P", store_code="S1"), Reading(f"0{GTIN}", None, "S1")),
        (digital_link("https://a.example", gtin=None, product_code="P 1", store_code="S1"), Reading(None, "P 1", "S1")),
        ("https://a.example/p/P1", Reading(product_code="P1")),
        ("https://a.example/s/S1", Reading(store_code="S1")),
        ("1234567", Reading()),
        ("https://a.example/01/12x", Reading()),
        ("https://a.example/orders/1", Reading()),
        ("https://[::1", Reading()),
        ("javascript:alert(1)", Reading()),
    ],
)  # fmt: skip
def test_a_label_is_read_as_it_is_printed(text: str, read: Reading) -> None:
    assert read_label(text) == read


async def test_a_scan_says_what_the_article_costs_and_whether_the_shop_has_it(world: World, shelf: str) -> None:
    await world.db.execute("INSERT INTO barcodes (gtin, sku_id) VALUES ($1, $2)", f"0{GTIN}", shelf)
    phone = world.anonymous()

    async def scan(text: str, **more: str) -> dict[str, Any]:
        answer = await phone.get("/api/mall/scanned", params={"text": text, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    link = digital_link("https://a.example", gtin=GTIN, product_code="MILK", store_code="S1")
    label = await scan(link)
    assert (label["kind"], label["store"]["code"], label["open"]) == ("article", "S1", True)
    assert (label["article"]["sku_id"], label["article"]["price"]["minor"], label["article"]["available"]) == (
        shelf, 19900, 5,
    )  # fmt: skip
    bars = await scan(GTIN, store="S1")
    assert bars == label
    assert (await scan(GTIN))["article"]["available"] is None, "nobody knows which shop this is"
    assert (await scan(GTIN, store="S2"))["article"]["available"] == 0
    assert (await scan("https://a.example/p/MILK", store="S1"))["article"]["sku_id"] == shelf
    door = await scan("https://a.example/s/S2")
    assert (door["kind"], door["store"]["code"]) == ("shop", "S2")
    assert (await scan("6900000000000", store="S1"))["kind"] == "unknown"
    assert (await scan("https://a.example/s/NOWHERE"))["kind"] == "unknown"
    await world.db.execute("UPDATE products SET state = 'draft' WHERE code = 'MILK'")
    assert (await scan(GTIN, store="S1"))["article"] is None, "nobody may see it"
    await world.db.execute("UPDATE products SET state = 'published' WHERE code = 'MILK'")
    with clock.frozen(NIGHT):
        assert (await scan("https://a.example/s/S1"))["open"] is False


async def test_the_bag_is_promised_in_minutes_from_the_payment_and_the_queue_knows_who_waits(
    world: World, shelf: str, books: Books
) -> None:
    member = await world.member("13900000001")
    other = await member.post("/api/mall/orders", order(line(shelf)))
    assert other.status_code == 201
    quote = await member.post("/api/mall/quotes", {"lines": [line(shelf)], "in_shop": "S1"})
    (group,) = quote.json()["groups"]
    assert (group["in_shop"], group["promise"]["at"]) == (True, "2026-11-18T04:10:00Z")
    placed = await member.post("/api/mall/orders", order(line(shelf), pay_mode="online", in_shop="S1"))
    assert placed.status_code == 201, placed.text
    assert [card["in_shop"] for card in await queue(world)] == [False], "the shop sees what is paid"
    with clock.frozen(NOON + timedelta(minutes=4)):
        opened = await member.post(f"/api/mall/orders/{placed.json()['id']}/payment", {})
        books.pay(opened.json()["intent_id"])
        await member.post(f"/api/mall/orders/{placed.json()['id']}/payment-check", {})
        first, second = await queue(world)
        assert (first["order_no"], first["in_shop"], first["promise_at"]) == (
            placed.json()["order_no"], True, "2026-11-18T04:14:00Z",
        )  # fmt: skip
        assert (second["order_no"], second["in_shop"]) == (other.json()["order_no"], False)
        seen = await member.get(f"/api/mall/orders/{placed.json()['id']}")
        assert [job["in_shop"] for job in seen.json()["fulfilments"]] == [True]
    with clock.frozen(NOON + timedelta(minutes=10, seconds=30)):
        ready = await world.staff("clerk1").post(f"/api/clerk/fulfilments/{first['id']}/ready", {})
        assert ready.status_code == 200, ready.text

        async def report(login: str, **more: Any) -> dict[str, Any]:
            answer = await world.staff(login).get("/api/console/in-shop", params=more)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        every = await report("hq")
        sums = {name: every[name] for name in ("ready", "in_time", "waiting", "median_minutes", "p90_minutes")}
        assert sums == {"ready": 1, "in_time": 1, "waiting": 0, "median_minutes": 6.5, "p90_minutes": 6.5}
        assert (every["days"][-1]["on"], every["days"][-1]["ready"], len(every["days"])) == ("2026-11-18", 1, 30)
        assert every["promised"] == 10
        assert (await report("manager2"))["ready"] == 0, "another shop's bags"
        assert (await report("hq", store="S1", days=1))["median_minutes"] == 6.5
        shops = (await world.staff("hq").get("/api/console/in-shop/shops")).json()["items"]
        assert [(shop["store_code"], shop["median_minutes"]) for shop in shops] == [("S1", 6.5)]
        assert (await world.staff("manager2").get("/api/console/in-shop/shops")).json()["items"] == []


async def test_only_what_is_collected_in_that_shop_while_it_is_open_is_promised_in_minutes(
    world: World, shelf: str
) -> None:
    member = await world.member("13900000001")

    async def groups(at: datetime, in_shop: str) -> list[bool]:
        with clock.frozen(at):
            body = {"lines": [line(shelf), line(shelf, store=None)], "in_shop": in_shop}
            quote = await member.post("/api/mall/quotes", body)
        return [group["in_shop"] for group in quote.json()["groups"]]

    assert await groups(NOON, "S1") == [True, False]
    assert await groups(NOON, "S2") == [False, False]
    assert await groups(NIGHT, "S1") == [False, False]
    more = await member.post("/api/mall/quotes", {"lines": [line(shelf, 6)], "in_shop": "S1"})
    assert [problem["code"] for problem in more.json()["problems"]] == ["inventory.insufficient-stock"], (
        "none is brought"
    )
    unknown = await member.post("/api/mall/quotes", {"lines": [line(shelf)], "in_shop": "NOWHERE"})
    assert unknown.status_code == 404
