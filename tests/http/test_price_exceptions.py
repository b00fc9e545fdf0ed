"""The same price on both lines is the rule; the list of what is not is complete, and says whose and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.kernel import clock

if TYPE_CHECKING:
    from tests.http.world import Caller, World

LIST = "/api/console/price-exceptions"


async def say(head: Caller, sku: str, minor: int, **more: Any) -> None:
    price = {"minor": minor, "currency": "CNY"}
    body = {"sku_id": sku, "scope": "chain", "price": price, "reason": "开业"} | more
    made = await head.post("/api/console/prices", body)
    assert made.status_code == 201, made.text


async def test_what_is_an_exception_and_whose(world: World, shelf: str) -> None:
    head = world.staff("hq")
    empty = (await head.get(LIST)).json()
    assert (empty["items"], empty["total"]) == ([], 0)
    await say(head, shelf, 18900, scope="store", scope_code="S1", reason="门店周年庆")
    await say(head, shelf, 17900, channel="mall")
    soon = (clock.now() + timedelta(days=1)).isoformat()
    await say(head, shelf, 16900, scope="region", scope_code="north", valid_from=soon)
    now = (await head.get(LIST)).json()
    assert now["total"] == 2
    store = next(one for one in now["items"] if one["scope"] == "store")
    assert (store["scope_code"], store["price"]["minor"], store["chain_price"]["minor"], store["state"]) == (
        "S1", 18900, 19900, "now",
    )  # fmt: skip
    assert (store["reason"], store["valid_until"], store["sku_code"]) == ("门店周年庆", None, "MILK-1")
    assert store["set_by"] is not None
    mall = next(one for one in now["items"] if one["channel"] == "mall")
    assert (mall["scope"], mall["scope_code"], mall["price"]["minor"]) == ("chain", None, 17900)


async def test_it_is_found_by_kind_time_shop_and_words(world: World, shelf: str) -> None:
    head, soon = world.staff("hq"), (clock.now() + timedelta(days=1)).isoformat()
    await say(head, shelf, 18900, scope="store", scope_code="S1")
    await say(head, shelf, 18800, scope="store", scope_code="S2", channel="till")
    await say(head, shelf, 17900, channel="mall")
    await say(head, shelf, 16900, scope="region", scope_code="north", valid_from=soon)

    async def prices(**query: str) -> list[int]:
        found = (await head.get(LIST, params=query)).json()
        assert found["total"] == len(found["items"])
        return sorted(one["price"]["minor"] for one in found["items"])

    await say(head, shelf, 15900, tier="gold")
    assert await prices(kind="tier") == [15900]
    gold = (await head.get(LIST, params={"kind": "tier"})).json()["items"][0]
    assert (gold["tier"], gold["chain_price"]["minor"]) == ("gold", 19900)
    assert (await head.post("/api/console/prices", {"sku_id": shelf, "scope": "chain", "tier": "copper",
            "price": {"minor": 5, "currency": "CNY"}, "reason": "x"})).status_code == 404  # fmt: skip
    await world.db.execute("DELETE FROM prices WHERE tier = 'gold'")
    assert await prices(kind="store") == [18800, 18900]
    assert await prices(kind="channel") == [17900, 18800]
    assert await prices(store="S2") == [18800]
    assert await prices(which="later") == [16900]
    assert await prices(which="later", kind="store") == []
    assert await prices(which="past") == []
    assert await prices(which="all") == [16900, 17900, 18800, 18900]
    assert await prices(q="MIL") == [17900, 18800, 18900]
    assert await prices(q="nothing") == []
    assert (await head.get(LIST, params={"store": "NONE"})).status_code == 404

    # A franchisee of another shop sees what holds for all, and nothing of these shops.
    seen = (await world.staff("franchisee_b").get(LIST, params={"which": "all"})).json()
    assert sorted(one["price"]["minor"] for one in seen["items"]) == [16900, 17900]
    assert seen["total"] == 2
    assert (await world.staff("franchisee_b").get(LIST, params={"store": "S1"})).status_code == 404

    first = (await head.get(LIST, params={"which": "all", "limit": "3"})).json()
    rest = (await head.get(LIST, params={"which": "all", "limit": "3", "cursor": first["next"]})).json()
    assert len(first["items"]) == 3
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in rest["items"]}
