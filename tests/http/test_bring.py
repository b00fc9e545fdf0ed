"""Collect at a shop what another has, through HTTP: the quote, the order, the source's queue, both shops' transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.channels.clerk.queue import Card, Queue
from duoline.channels.clerk.transfers import TransferList
from duoline.channels.mall.quotes import Quote
from duoline.entry.check import broken
from duoline.flows.draft import Receipt
from duoline.flows.order_view import OrderView
from duoline.kernel import clock
from tests.http.shelf import CONTACT, NOON, line, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World


@pytest.fixture
async def sku(world: World) -> AsyncIterator[str]:
    """A free article, so that nobody has to pay for it: two at S2, none at S1. The checker is clean at the end."""
    with clock.frozen(NOON):
        yield await stocked(world, "LEAFLET", 0, {"S2": 2})
        assert await broken(world.db) == []


def body(sku: str, **more: Any) -> dict[str, Any]:
    return {"lines": [line(sku)], "pay_mode": "online", "contact": CONTACT, "bring": True} | more


async def did(who: Caller, path: str, sent: Any = None, status: int = 200) -> Any:
    answer = await who.post(path, sent if sent is not None else {})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_from_the_quote_to_the_counter(world: World, sku: str) -> None:
    buyer, there, here = await world.member(), world.staff("clerk2"), world.staff("clerk1")
    answer = await buyer.post("/api/mall/quotes", {"lines": [line(sku)]})
    quoted = msgspec.json.decode(answer.content, type=Quote)
    (group,) = quoted.groups
    assert (group.brought, group.method, group.store.code if group.store else None) == (True, "pickup", "S1")
    assert group.promise is not None
    assert group.promise.store_code == "S1"
    assert (quoted.problems, quoted.lines[0].available) == ([], 2)

    refused = await buyer.post("/api/mall/orders", body(sku, bring=False))
    assert (refused.status_code, refused.json()["code"]) == (409, "inventory.insufficient-stock")
    placed = await did(buyer, "/api/mall/orders", body(sku), 201)
    assert msgspec.convert(placed, Receipt).fulfilments[0].to_store_code == "S1"
    job = placed["fulfilments"][0]["id"]

    # S2 packs it for S1 and is not told for whom.
    queue = (await there.get("/api/clerk/queue", params={"store": "S2"})).content
    (card,) = msgspec.json.decode(queue, type=Queue).items
    assert (card.kind, card.to.code if card.to else None) == ("transfer", "S1")
    assert (card.customer_name, card.phone_tail, card.address) == ("", "", None)
    for words, found in ((CONTACT["name"], 0), (CONTACT["phone"][-4:], 0), (placed["order_no"], 1)):
        answer = await there.get("/api/clerk/queue", params={"store": "S2", "q": words})
        assert len(answer.json()["items"]) == found
    await did(there, f"/api/clerk/fulfilments/{job}/ready")
    assert msgspec.convert(await did(there, f"/api/clerk/fulfilments/{job}/sending"), Card).state == "shipped"

    # Both see it on its way.
    for who, store, side in ((there, "S2", "out"), (here, "S1", "in")):
        answer = await who.get("/api/clerk/transfers", params={"store": store, "side": side})
        (transfer,) = msgspec.json.decode(answer.content, type=TransferList).items
        assert transfer.state == "sent"
        assert transfer.for_order is not None
        assert (transfer.for_order.order_no, transfer.for_order.wanted) == (placed["order_no"], True)
        assert transfer.actions == (["receive"] if side == "in" else [])

    box = {"version": transfer.version, "lines": [{"sku_id": sku, "received": 1}]}
    received = await did(here, f"/api/clerk/transfers/{transfer.id}/receipt", box)
    ready = received["for_order"]["ready_id"]
    assert not received["for_order"]["wanted"]
    (card,) = msgspec.json.decode(
        (await here.get("/api/clerk/queue", params={"store": "S1", "tab": "ready"})).content, type=Queue
    ).items
    assert (str(card.id), card.kind, card.customer_name) == (ready, "pickup", CONTACT["name"])
    order = msgspec.convert((await buyer.get(f"/api/mall/orders/{placed['id']}")).json(), OrderView)
    assert (order.state, "show_code" in order.actions) == ("ready", True)
    code = (await buyer.get(f"/api/mall/orders/{placed['id']}/pickup-code")).json()["qr"]
    await did(here, f"/api/clerk/fulfilments/{ready}/handover", {"code": code})


async def test_what_is_brought_is_paid_online(world: World, sku: str) -> None:
    buyer = await world.member()
    refused = await buyer.post("/api/mall/orders", body(sku, pay_mode="at_store"))
    assert (refused.status_code, refused.json()["code"]) == (422, "orders.pay-online-to-bring")


async def test_the_cart_says_so_too(world: World, sku: str) -> None:
    buyer = await world.member()
    cart = await did(buyer, "/api/mall/cart/lines", line(sku), 201)
    assert [group["brought"] for group in cart["groups"]] == [True]
    assert [group["brought"] for group in (await buyer.get("/api/mall/cart")).json()["groups"]] == [True]


async def test_each_shop_sees_the_order_as_its_own_while_it_is_brought(world: World, sku: str) -> None:
    """S1, for whom it is, and S2, which sends it; a shop that has nothing to do with it does not."""
    buyer = await world.member()
    placed = await did(buyer, "/api/mall/orders", body(sku), 201)
    for login, reads in (("manager1", True), ("manager2", True), ("franchisee_a", False)):
        answer = await world.staff(login).get(f"/api/console/orders/{placed['id']}")
        assert answer.status_code == (200 if reads else 404)
        if reads:
            seen = answer.json()
            seen = seen.get("order", seen)
            assert seen["state"] == "preparing"
            assert [row["quantity"] for row in seen["lines"]] == [1]


async def test_the_shop_sees_what_is_packed_for_its_customer_before_it_is_sent(world: World, sku: str) -> None:
    buyer, there, here = await world.member(), world.staff("clerk2"), world.staff("clerk1")

    async def coming(clerk: Caller, store: str, **query: str) -> list[tuple[str, str, bool, int]]:
        answer = await clerk.get("/api/clerk/transfers", params={"store": store, **query})
        assert answer.status_code == 200
        return [
            (one["order_no"], one["source"]["code"], one["packed"], one["units"]) for one in answer.json()["packing"]
        ]

    placed = await did(buyer, "/api/mall/orders", body(sku), 201)
    job, no = placed["fulfilments"][0]["id"], placed["order_no"]
    assert await coming(here, "S1") == [(no, "S2", False, 1)]
    assert await coming(there, "S2") == []  # it has the job in its queue
    assert await coming(here, "S1", which="done") == []
    await did(there, f"/api/clerk/fulfilments/{job}/ready")
    assert await coming(here, "S1") == [(no, "S2", True, 1)]
    await did(there, f"/api/clerk/fulfilments/{job}/sending")
    assert await coming(here, "S1") == []


async def test_today_counts_it_once_and_for_the_shop_where_it_is_collected(world: World, sku: str) -> None:
    buyer, there, here, hq = await world.member(), world.staff("clerk2"), world.staff("clerk1"), world.staff("hq")

    async def counted() -> dict[str, int]:
        stores = (await hq.get("/api/console/today")).json()["by_store"]
        return {row["store"]["code"]: row["orders"] for row in stores if row["orders"]}

    placed = await did(buyer, "/api/mall/orders", body(sku), 201)
    assert await counted() == {"S1": 1}
    job = placed["fulfilments"][0]["id"]
    await did(there, f"/api/clerk/fulfilments/{job}/ready")
    await did(there, f"/api/clerk/fulfilments/{job}/sending")
    assert await counted() == {"S1": 1}
    # On its way it waits for nobody's answer, in no list; its case shows both ends and the transfer.
    for who in (hq, world.staff("manager1"), world.staff("manager2")):
        (row,) = (await who.get("/api/console/orders")).json()["items"]
        assert (row["visible"], row["units"]) == ("on_the_way", 1)
        attention = (await who.get("/api/console/today")).json()["attention"]
        assert [one["count"] for one in attention if one["kind"] == "asks_member"] == []
        case = (await who.get(f"/api/console/orders/{placed['id']}")).json()
        assert [job["to"]["code"] for job in case["order"]["fulfilments"]] == ["S1"]
        assert [(one["fulfilment_id"], one["state"]) for one in case["transfers"]] == [(job, "sent")]
    (transfer,) = (await here.get("/api/clerk/transfers", params={"store": "S1"})).json()["items"]
    box = {"version": transfer["version"], "lines": [{"sku_id": sku, "received": 1}]}
    await did(here, f"/api/clerk/transfers/{transfer['id']}/receipt", box)
    assert await counted() == {"S1": 1}
