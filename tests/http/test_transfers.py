"""Transfers through HTTP: a clerk asks, the other shop answers and sends, the clerk receives; headquarters calls off."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.channels.clerk.transfers import TransferList
from duoline.entry.check import broken
from duoline.flows.transfer_view import TransferView
from duoline.kernel import clock
from tests.http.shelf import NOON, stocked
from tests.http.test_live import connect, leave
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World


@pytest.fixture
async def sku(world: World) -> AsyncIterator[str]:
    """Ten units at S2 and ten in the distribution centre. The checker is clean at the end."""
    with clock.frozen(NOON):
        made = await stocked(world, "MILK", 19900, {"S2": 10, "D1": 10})
        yield made
        assert await broken(world.db) == []


async def ask(who: Caller, sku: str, units: int, *, store: str = "S1", source: str = "S2", status: int = 201) -> Any:
    body = {"store": store, "source_code": source, "lines": [{"sku_id": sku, "quantity": units}], "note": "for Mrs Li"}
    answer = await who.post("/api/clerk/transfers", body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def step(who: Caller, transfer: Any, name: str, body: Any = None, *, status: int = 200) -> Any:
    face = "clerk" if name in ("shipment", "receipt") else "staff"
    answer = await who.post(f"/api/{face}/transfers/{transfer['id']}/{name}", body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(who: Caller, store: str, side: str, which: str = "open") -> Any:
    answer = await who.get("/api/clerk/transfers", params={"store": store, "side": side, "which": which})
    assert answer.status_code == 200, answer.text
    msgspec.json.decode(answer.content, type=TransferList)
    return answer.json()


async def test_from_one_shop_to_the_other(world: World, sku: str) -> None:
    here, there = world.staff("clerk1"), world.staff("clerk2")
    asked = await ask(here, sku, 3)
    assert (asked["state"], asked["automatic"], asked["units"]) == ("approved", True, 3)
    assert (asked["source"]["code"], asked["destination"]["code"]) == ("S2", "S1")
    assert asked["actions"] == ["cancel"]
    outgoing = await listed(there, "S2", "out")
    assert [one["number"] for one in outgoing["items"]] == [asked["number"]]
    assert outgoing["counts"] == {"incoming": 0, "outgoing": 1, "to_receive": 0, "to_decide": 0, "to_send": 1}
    assert outgoing["items"][0]["actions"] == ["send", "cancel"]
    await step(
        here, asked, "shipment", {"version": asked["version"], "lines": [{"sku_id": sku, "quantity": 3}]}, status=403
    )
    sent = await step(
        there, asked, "shipment", {"version": asked["version"], "lines": [{"sku_id": sku, "quantity": 2}]}
    )
    assert (sent["state"], sent["units"], sent["lines"][0]["on_the_way"]) == ("sent", 2, 2)
    stock = (await here.get("/api/clerk/stock", params={"store": "S1", "sku": sku})).json()["items"][0]
    assert (stock["here"]["available"], stock["here"]["on_the_way"]) == (0, 2)
    seen = (await there.get("/api/clerk/stock", params={"store": "S2", "sku": sku})).json()["items"][0]
    assert {one["store"]["code"]: (one["available"], one["on_the_way"]) for one in seen["elsewhere"]} == {
        "D1": (10, 0), "S1": (0, 2),
    }  # fmt: skip
    lines = [{"sku_id": sku, "received": 1, "damaged": 1}]
    once = key()
    path = f"/api/clerk/transfers/{asked['id']}/receipt"
    body = {"version": sent["version"], "lines": lines}
    first, again = await here.post(path, body, key=once), await here.post(path, body, key=once)
    assert first.status_code == again.status_code == 200, first.text
    assert first.content == again.content
    assert (first.json()["state"], first.json()["differs"], first.json()["actions"]) == ("received", True, [])
    assert (await step(here, asked, "receipt", body, status=409))["code"] == "inventory.transfer-changed"
    assert await world.db.fetchval("SELECT on_hand FROM levels WHERE location_id = $1", world.stores["S1"]) == 1
    done = await listed(here, "S1", "in", "done")
    assert [one["number"] for one in done["items"]] == [asked["number"]]
    assert done["counts"]["incoming"] == 0


async def test_the_source_s_manager_answers(world: World, sku: str) -> None:
    here, clerk, manager = world.staff("clerk1"), world.staff("clerk2"), world.staff("manager2")
    asked = await ask(here, sku, 4)
    assert asked["state"] == "requested"
    assert (await listed(clerk, "S2", "out"))["counts"]["to_decide"] == 1
    await step(clerk, asked, "approval", {}, status=403)
    await step(world.staff("manager1"), asked, "approval", {}, status=403)
    await step(world.staff("franchisee_b"), asked, "approval", {}, status=404)
    declined = await step(manager, asked, "refusal", {"reason": "ours"})
    assert (declined["state"], declined["reason"], declined["decided_by"]) == ("declined", "ours", "manager2")
    assert (await step(manager, asked, "approval", {}, status=409))["code"] == "kernel.wrong-state"
    other = await ask(here, sku, 5)
    assert (await step(manager, other, "approval", {}))["state"] == "approved"
    assert (await step(here, other, "cancellation", {"reason": "changed my mind"}))["state"] == "cancelled"
    assert await world.db.fetchval("SELECT sum(held) FROM levels") == 0


async def test_more_than_there_is(world: World, sku: str) -> None:
    refused = await ask(world.staff("clerk1"), sku, 11, status=409)
    assert refused["code"] == "inventory.insufficient-stock"
    assert refused["short"][0]["available"] == 10
    assert (await ask(world.staff("clerk1"), sku, 1, source="S1", status=422))[
        "code"
    ] == "inventory.transfer-same-place"
    await ask(world.staff("clerk1"), sku, 1, source="nowhere", status=404)
    await ask(world.staff("clerk1"), sku, 1, store="S2", status=404)
    await ask(world.staff("clerk1"), str(world.stores["S1"]), 1, status=404)


async def test_headquarters_calls_off_and_writes_off(world: World, sku: str) -> None:
    hq = world.staff("hq")
    body = {
        "source_code": "D1",
        "destination_code": "S4",
        "reason": "festival",
        "lines": [{"sku_id": sku, "quantity": 6}],
    }
    refused = await world.staff("manager1").post("/api/console/transfers", body)
    assert refused.status_code == 403
    # The north reaches its distribution centre, and not a shop of the south.
    assert (await world.staff("north").post("/api/console/transfers", body)).status_code == 404
    made = await hq.post("/api/console/transfers", body)
    assert made.status_code == 201, made.text
    called = made.json()
    assert (called["state"], called["called"], called["note"], called["decided_by"]) == (
        "approved",
        True,
        "festival",
        "hq",
    )
    sent = await step(hq, called, "shipment", {"version": called["version"], "lines": [{"sku_id": sku, "quantity": 6}]})
    short = await step(
        world.staff("franchisee_b"), called, "receipt",
        {"version": sent["version"], "lines": [{"sku_id": sku, "received": 4}]},
    )  # fmt: skip
    assert (short["state"], short["lines"][0]["on_the_way"]) == ("short", 2)
    loss = {"version": short["version"], "reason": "never came"}
    await step(world.staff("franchisee_b"), called, "loss", loss, status=403)
    closed = await step(hq, called, "loss", loss)
    assert (closed["state"], closed["lines"][0]["lost"], closed["reason"]) == ("received", 2, "never came")
    rows = await hq.get(
        "/api/console/transfers", params={"status": "differs", "store": "S4", "q": called["number"][:4]}
    )
    assert [msgspec.convert(row, TransferView, strict=False).number for row in rows.json()["items"]] == [
        called["number"]
    ]
    for query in ({"status": "late"}, {"store": "S2"}, {"q": "nothing"}, {"status": "open"}):
        assert (await hq.get("/api/console/transfers", params=query)).json()["items"] == []
    everywhere = (await hq.get(f"/api/console/stock/{sku}")).json()
    assert {level["store_code"]: level["on_hand"] for level in everywhere["levels"]} == {"S2": 10, "D1": 4, "S4": 4}
    assert {move["other"] for move in everywhere["movements"]} == {"supplier", "transit"}
    trail = (await hq.get("/api/console/audit")).json()["items"]
    assert [line["action"] for line in trail if line["subject"] == called["number"]] == [
        "transfer.lose", "transfer.receive", "transfer.send", "transfer.approve", "transfer.request",
    ]  # fmt: skip


async def test_a_transfer_that_is_late(world: World, sku: str) -> None:
    asked = await ask(world.staff("clerk1"), sku, 1)
    await step(
        world.staff("clerk2"),
        asked,
        "shipment",
        {"version": asked["version"], "lines": [{"sku_id": sku, "quantity": 1}]},
    )
    stock = (await world.staff("hq").get("/api/console/stock", params={"store": "S1"})).json()["items"]
    assert [(row["store_code"], row["on_hand"], row["on_the_way"]) for row in stock] == [("S1", 0, 1)]
    with clock.frozen(NOON + timedelta(days=30)):
        late = await world.staff("hq").get("/api/console/transfers", params={"status": "late"})
    assert [row["number"] for row in late.json()["items"]] == [asked["number"]]


async def test_both_shops_hear_of_it_and_no_third(world: World, sku: str) -> None:
    browsers = {
        store: await connect(world, world.staff(login), f"/api/clerk/events?store={store}")
        for store, login in (("S1", "clerk1"), ("S2", "clerk2"), ("S4", "franchisee_b"))
    }
    asked = await ask(world.staff("clerk1"), sku, 4)
    assert await world.relay() >= 1
    for store in ("S1", "S2"):
        (frame,) = await browsers[store].frames(1)
        assert frame["event"] == "transfer"
        assert asked["number"] in frame["data"]
    assert browsers["S4"].nothing_more()
    await leave(*browsers.values())


async def test_pages_of_a_long_list(world: World, sku: str) -> None:
    asked = [await ask(world.staff("clerk1"), sku, 1) for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await world.staff("clerk1").get("/api/clerk/transfers", params={"store": "S1", "limit": 2} | cursor)
        found += [row["id"] for row in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        cursor = {"cursor": answer.json()["next"]}
    assert sorted(found) == sorted(one["id"] for one in asked)
    assert len(found) == 5
