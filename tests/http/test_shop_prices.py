"""Prices of a shop are set by whom the contract names, within what it allows, and by nobody else; and they hold alike in
the mall, at the till and on the phone that scans the shelf."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.entry.check import broken
from duoline.kernel import clock, policies
from duoline.stores import directory
from tests.http.shelf import ADDRESS, NOON, line, order, stocked
from tests.imports.conftest import take_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.http.world import World

PRICE = 20_000
OWN = {
    "company": "FA", "mode": "all_franchise", "stock_owner": "company", "price_right": "company",
    "promo_payer": "company", "goods_percent": 60,
}  # fmt: skip
CHAINS = OWN | {"mode": "franchise", "price_right": "chain"}
COMPANYS_TO_SET, CHAINS_TO_SET = (409, "pricing.companys-to-set"), (409, "pricing.chains-to-set")


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", PRICE, {"S1": 9, "S3": 9, "S4": 9})
        policies._versions.clear()
        assert await broken(world.db) == []


async def agreed(world: World, *contracts: dict[str, Any], **options: Any) -> httpx.Response:
    body = {"body": {"contracts": list(contracts)}, "reason": "signed"} | options
    return await world.staff("hq").put("/api/console/policies/contracts", body)


async def say(world: World, login: str, sku: str, minor: int, store: str | None = "S3", **more: Any) -> httpx.Response:
    where = {"scope": "store", "scope_code": store} if store else {"scope": "chain"}
    body = {"sku_id": sku, "price": {"minor": minor, "currency": "CNY"}, "reason": "x"} | where | more
    return await world.staff(login).post("/api/console/prices", body)


async def end(world: World, login: str, made: httpx.Response) -> httpx.Response:
    return await world.staff(login).delete(f"/api/console/prices/{made.json()['id']}")


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and the code of the refusal."""
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


async def own_prices(world: World) -> list[int]:
    rows = await world.db.fetch(
        "SELECT price_minor FROM prices WHERE scope = 'store' AND valid @> $1::timestamptz", clock.now()
    )
    return [row["price_minor"] for row in rows]


async def test_without_a_contract_the_chain_sets_the_prices_of_every_shop(world: World, milk: str) -> None:
    assert told(await say(world, "franchisee_a", milk, 18_000)) == CHAINS_TO_SET
    made = await say(world, "hq", milk, 19_000)
    assert told(made) == (201, "")
    assert told(await end(world, "franchisee_a", made)) == CHAINS_TO_SET
    assert await own_prices(world) == [19_000]
    [shop] = (await world.staff("franchisee_a").get(f"/api/console/price-shops?sku={milk}")).json()["items"]
    assert (shop["store_code"], shop["set_by"], shop["may_set"]) == ("S3", "chain", False)


async def test_whose_the_prices_are_sets_them_and_the_other_side_cannot(world: World, milk: str) -> None:
    assert (await agreed(world, OWN)).status_code == 200
    made = await say(world, "franchisee_a", milk, 18_000)
    assert (told(made), made.json()["may_end"]) == ((201, ""), True)
    assert told(await say(world, "hq", milk, 15_000)) == COMPANYS_TO_SET
    assert told(await say(world, "hq", milk, 15_000, valid_from="2027-01-01T00:00:00+08:00")) == COMPANYS_TO_SET
    assert told(await end(world, "hq", made)) == COMPANYS_TO_SET
    assert await own_prices(world) == [18_000]
    # The chain's own price, and other shops', are as before; the company has no say in them.
    assert told(await say(world, "hq", milk, 21_000, None)) == (201, "")
    assert told(await say(world, "hq", milk, 17_000, "S4")) == (201, "")
    assert told(await say(world, "franchisee_a", milk, 1, None)) == (403, "kernel.forbidden")
    region = {"scope": "region", "scope_code": "north"}
    assert told(await say(world, "franchisee_a", milk, 1, None, **region)) == (403, "kernel.forbidden")
    for store in ("S1", "S4"):
        assert told(await say(world, "franchisee_a", milk, 1, store)) == (404, "kernel.not-found")
    # Nor has who runs a shop, a region, or another company.
    assert told(await say(world, "north", milk, 1)) == (403, "kernel.forbidden")
    assert told(await say(world, "franchisee_b", milk, 1)) == (404, "kernel.not-found")
    assert told(await end(world, "franchisee_a", made)) == (204, "")
    audit = await world.db.fetch(
        "SELECT action, actor_name, store_id, after->>'by' AS by FROM audit_log WHERE action LIKE 'price.%' ORDER BY at, id"
    )
    assert [
        (row["action"], row["actor_name"], row["by"]) for row in audit if row["store_id"] == world.stores["S3"]
    ] == [
        ("price.set", "franchisee_a", "company"),
        ("price.end", "franchisee_a", "company"),
    ]


async def test_a_company_sees_its_own_prices_and_which_it_may_end(world: World, milk: str) -> None:
    await agreed(world, OWN)
    for login, minor, store in (("hq", 19_000, "S4"), ("hq", 19_500, "S1"), ("franchisee_a", 18_000, "S3")):
        assert (await say(world, login, milk, minor, store)).status_code == 201

    async def seen(login: str) -> dict[str, bool]:
        rows = (await world.staff(login).get(f"/api/console/prices?sku={milk}")).json()["items"]
        return {row["scope_code"] or "chain": row["may_end"] for row in rows}

    assert await seen("franchisee_a") == {"chain": False, "S3": True}
    assert await seen("manager1") == {"chain": False, "S1": False}
    assert await seen("hq") == {"chain": True, "S1": True, "S3": False, "S4": True}
    shops = (await world.staff("hq").get(f"/api/console/price-shops?sku={milk}")).json()["items"]
    assert [(shop["store_code"], shop["set_by"], shop["may_set"]) for shop in shops] == [("S3", "company", False)]


async def test_a_company_stays_within_the_limits_of_its_contract(world: World, milk: str) -> None:
    """From 80 % of the chain's price to 110 %, at every moment of the price's time."""
    await agreed(world, OWN | {"price_floor_percent": 80, "price_ceiling_percent": 110})
    [shop] = (await world.staff("franchisee_a").get(f"/api/console/price-shops?sku={milk}")).json()["items"]
    assert (shop["may_set"], shop["least"]["minor"], shop["most"]["minor"]) == (True, 16_000, 22_000)
    for minor in (15_999, 22_001):
        refused = await say(world, "franchisee_a", milk, minor)
        assert told(refused) == (409, "pricing.outside-limits")
        assert (refused.json()["least"]["minor"], refused.json()["most"]["minor"]) == (16_000, 22_000)
    ends = (NOON + timedelta(days=9)).isoformat()
    assert told(await say(world, "franchisee_a", milk, 16_000, valid_until=ends)) == (201, "")
    # From the tenth day the chain asks half as much: what was within is above.
    assert told(await say(world, "hq", milk, 10_000, None, valid_from=ends)) == (201, "")
    open_end = await say(world, "franchisee_a", milk, 16_000, valid_from=(NOON + timedelta(days=8)).isoformat())
    assert told(open_end) == (409, "pricing.outside-limits")
    assert told(await say(world, "franchisee_a", milk, 11_000, valid_from=ends)) == (201, "")
    # Limits are the company's: where the chain sets prices there are none.
    assert told(await say(world, "hq", milk, 1, "S4")) == (201, "")


async def test_the_contract_that_holds_when_a_price_begins_decides(world: World, milk: str) -> None:
    new_year = "2027-01-01T00:00:00+08:00"
    assert (await agreed(world, OWN, active_from=new_year)).status_code == 200
    assert told(await say(world, "hq", milk, 19_000)) == (201, "")
    assert told(await say(world, "hq", milk, 19_000, valid_from=new_year)) == COMPANYS_TO_SET
    assert told(await say(world, "franchisee_a", milk, 18_000)) == CHAINS_TO_SET
    assert told(await say(world, "franchisee_a", milk, 18_000, valid_from=new_year)) == (201, "")


async def test_a_contract_decided_in_another_process_counts_at_once(world: World, milk: str) -> None:
    await agreed(world, OWN)
    policies._versions.clear()
    assert told(await say(world, "hq", milk, 15_000)) == COMPANYS_TO_SET
    assert told(await say(world, "franchisee_a", milk, 18_000)) == (201, "")


async def test_a_file_of_prices_is_the_chains(world: World, milk: str) -> None:
    del milk
    await agreed(world, OWN, active_from="2027-01-01T00:00:00+08:00")
    policies._versions.clear()
    row = {"sku_code": "MILK-1", "price": "150", "scope": "store"}
    done = await take_in(
        world.db,
        "prices",
        [
            row | {"scope_code": "S3", "valid_from": "2026-12-01 08:00", "valid_to": "2026-12-09 08:00"},
            row | {"scope_code": "S3", "valid_from": "2027-01-02 08:00"},
            row | {"scope_code": "S4", "valid_from": "2027-01-02 08:00"},
        ],
    )
    assert (done.counts, done.told) == ((2, 0, 1), [(2, "scope_code", "companys")])


async def test_a_companys_price_is_one_on_every_line(world: World, milk: str) -> None:
    """In the mall for that shop, at its till, on the shelf that is scanned; what is delivered costs the chain's."""
    await agreed(world, OWN)
    assert told(await say(world, "franchisee_a", milk, 18_000)) == (201, "")
    buyer = await world.member()

    async def quoted(*lines: dict[str, Any], **more: Any) -> list[int]:
        quote = await buyer.post("/api/mall/quotes", {"lines": list(lines)} | more)
        assert quote.status_code == 200, quote.text
        return [one["unit_price"]["minor"] for one in quote.json()["lines"]]

    assert await quoted(line(milk, store="S3"), line(milk, store="S1")) == [18_000, PRICE]
    assert await quoted(line(milk, store=None), address=ADDRESS) == [PRICE]
    sold = await world.staff("hq").post(
        "/api/clerk/sales",
        {"store": "S3", "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash",
         "tendered": {"minor": 100_000, "currency": "CNY"}},
    )  # fmt: skip
    assert sold.json()["order"]["total"]["minor"] == 18_000
    placed = await buyer.post("/api/mall/orders", order(line(milk, store="S3")))
    assert placed.json()["total"]["minor"] == 18_000
    shelf = await world.anonymous().get("/api/mall/scanned", params={"text": "https://a.example/p/MILK", "store": "S3"})
    assert shelf.json()["article"]["price"]["minor"] == 18_000


@pytest.mark.parametrize(
    ("contracts", "field"),
    [
        ([OWN | {"company": "NOBODY"}], "body.contracts.0.company"),
        ([OWN | {"regions": ["atlantis"]}], "body.contracts.0.regions"),
        ([OWN | {"regions": ["north"]}, CHAINS | {"company": "FB", "regions": ["south", "north"]}], "body.contracts.1.regions"),
        ([OWN | {"price_right": "chain"}], "body.contracts.0.stock_owner"),
        ([CHAINS | {"mode": "direct"}], "body.contracts.0.stock_owner"),
        ([CHAINS | {"price_floor_percent": 80}], "body.contracts.0.price_floor_percent"),
        ([OWN | {"price_floor_percent": 90, "price_ceiling_percent": 90}], "body.contracts.0.price_ceiling_percent"),
        ([OWN, CHAINS], "body.contracts.1.company"),
    ],
)  # fmt: skip
async def test_contracts_that_contradict_are_refused_with_the_reason(
    world: World, milk: str, contracts: list[dict[str, Any]], field: str
) -> None:
    del milk
    assert set(directory.current().company_by_code) == {"HQ", "FA", "FB"}
    refused = await agreed(world, *contracts)
    assert told(refused) == (422, "kernel.bad-input")
    [problem] = refused.json()["problems"]
    assert problem["field"] == field
    assert problem["reason"] if "reason" in problem else problem["zh"]
    assert await world.db.fetchval("SELECT count(*) FROM policies WHERE kind = 'contracts'") == 0
