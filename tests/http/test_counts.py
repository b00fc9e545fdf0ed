"""Counting over the wire: blind and guided, each scan once, small and large differences, goods-in and breakage."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from duoline import inventory
from duoline.catalog.docs import refresh_docs
from duoline.entry.check import broken
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from tests.http.world import World, key


@pytest.fixture
async def shelf(world: World) -> dict[str, UUID]:
    """Two articles at S1, ten of each; the second is on shelf B2."""
    found, category = {}, new_id()
    run = world.db.execute
    await run("INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, 'C', 'C', 'C')", category)
    for code, price in {"MILK": 19900, "SOCK": 500}.items():
        product, found[code] = new_id(), new_id()
        await run(
            "INSERT INTO products (id, code, name_zh, name_en, category_id, state, published_at, updated_at)"
            " VALUES ($1, $2, $2, $2, $3, 'published', now(), now())", product, code, category,
        )  # fmt: skip
        await run("INSERT INTO skus (id, product_id, code) VALUES ($1, $2, $3)", found[code], product, code)
        await run(
            "INSERT INTO prices (id, sku_id, scope, scope_id, price_minor, valid, actor_id, created_at)"
            " VALUES ($1, $2, 'chain', $3, $4, tstzrange($5, NULL), $6, now())",
            new_id(), found[code], UUID(int=0), price, datetime(2020, 1, 1, tzinfo=UTC), SYSTEM.id,
        )  # fmt: skip
    async with world.db.begin() as tx:
        await inventory.open_location(tx, store_id=world.stores["S1"], kind="store")
        for sku in found.values():
            await inventory.adjust(
                tx, location_id=world.stores["S1"], sku_id=sku, delta=10, reason="opening", actor=SYSTEM
            )
        await refresh_docs(tx, None)
    await run("UPDATE levels SET shelf = 'B2' WHERE sku_id = $1", found["SOCK"])
    return found


async def on_hand(world, sku):
    return await world.db.fetchval("SELECT on_hand FROM levels WHERE sku_id = $1", sku)


async def begin(world, **what):
    answer = await world.staff("clerk1").post("/api/clerk/counts", {"store": "S1", "kind": "cycle"} | what)
    assert answer.status_code == 201, answer.text
    return answer.json()


def scan_of(sku, *, scan_id=None, **how):
    return {"id": str(scan_id or new_id()), "sku_id": str(sku)} | how


async def test_a_blind_count_from_the_shelf_to_the_approval(world: World, shelf: dict[str, UUID]) -> None:
    clerk, manager = world.staff("clerk1"), world.staff("manager1")
    assert (await clerk.get("/api/clerk/shelves", params={"store": "S1"})).json()["items"] == [
        {"shelf": "B2", "articles": 1}
    ]
    count = await begin(world, sku_ids=[str(shelf["MILK"])])
    assert (count["status"], count["lines"], count["differences"]) == ("open", 1, None)
    path = f"/api/clerk/counts/{count['id']}"
    one = scan_of(shelf["MILK"], delta=1)
    for body in ([one], [one, scan_of(shelf["MILK"], delta=3)]):  # the first is sent again in another request
        answer = await clerk.post(f"{path}/scans", {"scans": body})
        assert answer.status_code == 200, answer.text
    (line,) = answer.json()["lines"]
    assert (line["counted"], line["book"], line["difference"]) == (4, None, None)
    (line,) = (await clerk.get(f"{path}/lines")).json()["items"]
    assert (line["counted"], line["book"]) == (4, None)

    done = await clerk.post(f"{path}/submission", {})
    assert done.json()["status"] == "submitted"
    assert done.json()["differences"] == {
        "lines": 1, "surplus": 0, "missing": 6, "short": 0,
        "surplus_value": {"minor": 0, "currency": "CNY"}, "missing_value": {"minor": 6 * 19900, "currency": "CNY"},
    }  # fmt: skip
    assert await on_hand(world, shelf["MILK"]) == 10

    assert (await clerk.post(f"/api/console/counts/{count['id']}/approval", {})).status_code == 403
    listed = (await manager.get("/api/console/counts", params={"status": "submitted"})).json()["items"]
    assert [one["id"] for one in listed] == [count["id"]]
    table = await manager.get(f"/api/console/counts/{count['id']}/variances.csv")
    assert table.text.splitlines()[1].split(",")[5:8] == ["4", "10", "-6"]
    assert "-1194.00" in table.text
    back = await manager.post(f"/api/console/counts/{count['id']}/rejection", {"reason": "再数一遍"})
    assert (back.json()["status"], back.json()["note"]) == ("open", "再数一遍")
    await clerk.post(f"{path}/scans", {"scans": [scan_of(shelf["MILK"], counted=5)]})
    await clerk.post(f"{path}/submission", {})
    approved = await manager.post(f"/api/console/counts/{count['id']}/approval", {"note": "ok"})
    assert approved.json()["status"] == "approved"
    assert await on_hand(world, shelf["MILK"]) == 5
    again = await manager.post(f"/api/console/counts/{count['id']}/approval", {})
    assert (again.status_code, again.json()["code"]) == (409, "kernel.wrong-state")
    assert await broken(world.db) == []


async def test_who_counted_does_not_approve(world: World, shelf: dict[str, UUID]) -> None:
    manager = world.staff("manager1")
    count = (await manager.post("/api/clerk/counts", {"store": "S1", "kind": "cycle", "shelf": "B2"})).json()
    await manager.post(f"/api/clerk/counts/{count['id']}/scans", {"scans": [scan_of(shelf["SOCK"], counted=100)]})
    await manager.post(f"/api/clerk/counts/{count['id']}/submission", {})
    refused = await manager.post(f"/api/console/counts/{count['id']}/approval", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "inventory.own-count")
    assert await on_hand(world, shelf["SOCK"]) == 10
    done = await world.staff("hq").post(f"/api/console/counts/{count['id']}/approval", {})
    assert done.json()["status"] == "approved"
    assert await on_hand(world, shelf["SOCK"]) == 100


async def test_a_guided_full_count_shows_the_book_and_asks_about_the_rest(world: World, shelf: dict[str, UUID]) -> None:
    clerk = world.staff("clerk1")
    count = await begin(world, kind="full", blind=False)
    assert count["lines"] == 2
    path = f"/api/clerk/counts/{count['id']}"
    (line, _) = (await clerk.get(f"{path}/lines", params={"only": "uncounted"})).json()["items"]
    assert (line["sku_code"], line["shelf"], line["counted"]) == ("MILK", None, None)
    answer = await clerk.post(f"{path}/scans", {"scans": [scan_of(shelf["MILK"], counted=10)]})
    assert [(one["book"], one["difference"]) for one in answer.json()["lines"]] == [(10, 0)]
    refused = await clerk.post(f"{path}/submission", {})
    assert (refused.status_code, refused.json()["code"], refused.json()["uncounted"]) == (
        409, "inventory.count-incomplete", 1,
    )  # fmt: skip
    both = await clerk.post(f"{path}/scans", {"scans": [scan_of(shelf["SOCK"], delta=1, counted=1)]})
    assert (both.status_code, both.json()["code"]) == (422, "inventory.delta-or-counted")
    gone = await clerk.post(f"{path}/submission", {"rest": "absent"})
    assert gone.json()["status"] == "submitted"  # ten socks are more than the policy lets through
    given_up = await clerk.post(f"{path}/cancellation", {})
    assert given_up.json()["status"] == "cancelled"
    assert await on_hand(world, shelf["SOCK"]) == 10
    current = (await clerk.get("/api/clerk/counts", params={"store": "S1"})).json()["items"]
    past = (await clerk.get("/api/clerk/counts", params={"store": "S1", "which": "past"})).json()["items"]
    assert ([], [count["id"]]) == ([one["id"] for one in current], [one["id"] for one in past])


async def test_goods_in_and_breakage_are_booked_once_each(world: World, shelf: dict[str, UUID]) -> None:
    clerk, once = world.staff("clerk1"), key()
    lines = [{"sku_id": str(shelf["SOCK"]), "quantity": 2}, {"sku_id": str(shelf["MILK"]), "quantity": 3},
             {"sku_id": str(shelf["SOCK"]), "quantity": 1}]  # fmt: skip
    for _ in range(2):
        answer = await clerk.post("/api/clerk/receipts", {"store": "S1", "lines": lines, "note": "PO-7"}, key=once)
        assert answer.status_code == 201, answer.text
    assert answer.json()["units"] == 6
    assert (await on_hand(world, shelf["SOCK"]), await on_hand(world, shelf["MILK"])) == (13, 13)
    broke = await clerk.post("/api/clerk/breakages", {"store": "S1", "lines": lines[:2], "note": "dropped"})
    assert broke.json()["on_hand"] == {str(shelf["SOCK"]): 11, str(shelf["MILK"]): 10}
    held = await clerk.post(
        "/api/clerk/holds", {"store": "S1", "sku_id": str(shelf["MILK"]), "quantity": 9, "minutes": 30}
    )
    assert held.status_code == 201
    refused = await clerk.post(
        "/api/clerk/breakages", {"store": "S1", "lines": [lines[0], lines[1] | {"quantity": 11}]}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "inventory.broken-beyond-stock")
    assert (refused.json()["sku_id"], refused.json()["there"]) == (str(shelf["MILK"]), 10)
    assert await on_hand(world, shelf["SOCK"]) == 11  # all or none
    trail = await world.db.fetch(
        "SELECT action, reason FROM audit_log WHERE action IN ('stock.receipt', 'stock.damage')"
    )
    assert sorted(map(tuple, trail)) == [("stock.damage", "dropped")] * 2 + [("stock.receipt", "PO-7")] * 2
    nowhere = await clerk.post(
        "/api/clerk/receipts", {"store": "S1", "lines": [{"sku_id": str(new_id()), "quantity": 1}]}
    )
    assert nowhere.status_code == 404


async def test_missing_units_that_are_kept_by_hand_are_a_task_of_the_shop(world: World, shelf: dict[str, UUID]) -> None:
    clerk = world.staff("clerk1")
    held = await clerk.post(
        "/api/clerk/holds", {"store": "S1", "sku_id": str(shelf["SOCK"]), "quantity": 10, "minutes": 30, "note": "Bo"}
    )
    count = await begin(world, shelf="B2")
    await clerk.post(f"/api/clerk/counts/{count['id']}/scans", {"scans": [scan_of(shelf["SOCK"], counted=8)]})
    done = await clerk.post(f"/api/clerk/counts/{count['id']}/submission", {})
    assert (done.json()["status"], done.json()["differences"]["short"]) == ("approved", 2)
    (task,) = (await clerk.get("/api/clerk/shortages", params={"store": "S1"})).json()["items"]
    assert (task["units"], task["left"], task["status"]) == (2, 2, "open")
    assert [(one["kind"], one["note"], one["quantity"]) for one in task["holders"]] == [("hand", "Bo", 10)]
    seen = (await world.staff("hq").get("/api/console/shortages")).json()["items"]
    assert [one["id"] for one in seen] == [task["id"]]
    answer = await clerk.post(f"/api/clerk/shortages/{task['id']}/release", {"hold_id": held.json()["id"]})
    assert (answer.json()["status"], await on_hand(world, shelf["SOCK"])) == ("resolved", 8)
    late = await clerk.post(f"/api/clerk/shortages/{task['id']}/found", {})
    assert late.json()["status"] == "resolved"
    assert (await clerk.get("/api/clerk/shortages", params={"store": "S1"})).json()["items"] == []
    assert await broken(world.db) == []


async def test_what_breaks_while_it_is_held_is_a_task_and_not_refused(world: World, shelf: dict[str, UUID]) -> None:
    clerk, once, milk = world.staff("clerk1"), key(), str(shelf["MILK"])
    kept = {"store": "S1", "sku_id": milk, "quantity": 9, "minutes": 30, "note": "Bo"}
    held = await clerk.post("/api/clerk/holds", kept)
    body = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 3}], "note": "dropped"}
    for _ in range(2):
        broke = await clerk.post("/api/clerk/breakages", body, key=once)
        assert broke.status_code == 201, broke.text
    assert (broke.json()["units"], broke.json()["short"], broke.json()["on_hand"]) == (3, {milk: 2}, {milk: 9})
    (task,) = (await clerk.get("/api/clerk/shortages", params={"store": "S1"})).json()["items"]
    assert (task["units"], task["left"], task["broken"], task["status"]) == (2, 2, 2, "open")
    more = await world.staff("manager1").post(
        "/api/console/stock/adjustments",
        {"store": "S1", "sku_id": milk, "delta": -1, "reason": "damage", "note": "dropped too"},
    )
    assert more.status_code == 201, more.text
    answer = await clerk.post(f"/api/clerk/shortages/{task['id']}/release", {"hold_id": held.json()["id"]})
    assert (answer.json()["status"], await on_hand(world, shelf["MILK"])) == ("resolved", 6)
    moved = await world.db.fetch(
        "SELECT ref_kind, -quantity AS units FROM movements WHERE reason = 'damage' AND quantity < 0 AND sku_id = $1",
        shelf["MILK"],
    )
    assert sorted(map(tuple, moved)) == [("damage", 1), ("shortage", 3)]
    trail = await world.db.fetch("SELECT after FROM audit_log WHERE action = 'stock.damage' ORDER BY at")
    assert [row["after"].get("short") for row in trail] == [None, 2, 1, None]
    await world.work("stock.shortage")
    assert await broken(world.db) == []
