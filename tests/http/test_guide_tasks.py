"""What a guide could do next: suggested from what happened, with consent where it would sell, done once, measured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.catalog.docs import refresh_docs
from duoline.channels.mall import count_scan
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from tests.http.shelf import NOON, bought, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

AT = {"store": "S1"}


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    count_scan.NEW_DEVICES_BY_ADDRESS.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


async def mine(world: World, phone: str = "+8613900000001") -> Caller:
    """A member who chose clerk1."""
    code = (await world.staff("clerk1").post("/api/clerk/guide-codes", AT)).json()["code"]
    member = await world.member(phone)
    bound = await member.post("/api/mall/guide", {"code": code})
    assert bound.status_code == 201, bound.text
    return member


async def tasks(world: World, login: str = "clerk1") -> list[dict[str, Any]]:
    answer = await world.staff(login).get("/api/clerk/guide-tasks?store=S1")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def done(task: dict[str, Any], how: str = "called") -> dict[str, Any]:
    return AT | {"member_id": task["member_id"], "kind": task["kind"], "ref": task["ref"], "how": how}


async def test_a_new_member_is_greeted_once_and_the_order_after_it_counts(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    [task] = await tasks(world)
    assert task["kind"] == "welcome"
    assert await tasks(world, "manager1") == []  # nobody else's
    assert (await world.staff("manager1").post("/api/clerk/guide-tasks", done(task))).status_code == 404
    assert (await clerk.post("/api/clerk/guide-tasks", done(task) | {"ref": str(new_id())})).status_code == 409
    assert (await clerk.post("/api/clerk/guide-tasks", done(task))).status_code == 204
    again = await clerk.post("/api/clerk/guide-tasks", done(task))
    assert (again.status_code, again.json()["code"]) == (409, "engagement.task-gone")
    assert await tasks(world) == []
    with clock.frozen(NOON + timedelta(days=1)):
        assert (await member.post("/api/mall/orders", order(line(milk)))).status_code == 201
        [result] = (await clerk.get("/api/clerk/guide-task-results?store=S1")).json()["items"]
        assert (result["done"], result["orders"]) == (1, 0)  # neither paid nor handed over
        await bought(world, member, line(milk))
        [result] = (await clerk.get("/api/clerk/guide-task-results?store=S1")).json()["items"]
    assert (result["kind"], result["done"], result["skipped"], result["orders"]) == ("welcome", 1, 0, 1)
    assert result["sales"]["minor"] == 19900


async def test_what_was_put_aside_comes_no_more_and_counts_for_nothing(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    [task] = await tasks(world)
    assert (await clerk.post("/api/clerk/guide-tasks", done(task, "skipped"))).status_code == 204
    assert (await member.post("/api/mall/orders", order(line(milk)))).status_code == 201
    assert await tasks(world) == []
    [result] = (await clerk.get("/api/clerk/guide-task-results?store=S1")).json()["items"]
    assert (result["done"], result["skipped"], result["orders"], result["sales"]["minor"]) == (0, 1, 0, 0)


async def test_goods_that_wait_come_first_and_selling_needs_consent(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    placed = (await member.post("/api/mall/orders", order(line(milk)))).json()
    job = placed["fulfilments"][0]["id"]
    assert (await clerk.post(f"/api/clerk/fulfilments/{job}/ready", {})).status_code == 200
    points = {"points": 100, "reason": "sorry"}
    hq = world.staff("hq")
    assert (await hq.post(f"/api/console/members/{member.id}/points", points)).status_code < 300
    await world.db.execute("UPDATE point_lots SET expires_at = $1", NOON + timedelta(days=9))
    assert [task["kind"] for task in await tasks(world)] == ["pickup"]
    said = await member.put("/api/mall/privacy/marketing", {"granted": True, "text_version": 1})
    assert said.status_code == 200, said.text
    assert [task["kind"] for task in await tasks(world)] == ["pickup", "points"]
    await member.put("/api/mall/privacy/marketing", {"granted": False, "text_version": 1})
    assert [task["kind"] for task in await tasks(world)] == ["pickup"]


async def test_a_member_who_left_brings_no_tasks(world: World, milk: str) -> None:
    member = await mine(world)
    [task] = await tasks(world)
    assert (await member.delete("/api/mall/guide")).status_code in (200, 204)
    assert await tasks(world) == []
    assert (await world.staff("clerk1").post("/api/clerk/guide-tasks", done(task))).status_code == 404


async def look(world: World, member: Caller, login: str = "clerk1") -> dict[str, Any]:
    answer = await world.staff(login).get(f"/api/clerk/members/{member.id}/look?store=S1")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_to_show_is_what_they_like_then_what_goes_with_what_they_bought_then_what_is_new(
    world: World, milk: str
) -> None:
    member = await mine(world)
    for n, code in enumerate(("BIB", "CUP", "HAT", "SOCK"), 1):
        with clock.frozen(NOON + timedelta(minutes=n)):
            await stocked(world, code, 900, {} if code == "HAT" else {"S1": 3})
    with clock.frozen(NOON + timedelta(hours=1)):
        # Without a word on profiling nothing of theirs is looked at: the newest that the shop has.
        assert (await member.put("/api/mall/favourites", {"product_code": "BIB"})).status_code in (200, 201)
        assert (await member.put("/api/mall/favourites", {"product_code": "HAT"})).status_code in (200, 201)
        found = await look(world, member)
        assert ([(one["product_code"], one["why"]) for one in found["pieces"]], found["personal"]) == (
            [("SOCK", "new"), ("CUP", "new"), ("BIB", "new")], False,
        )  # fmt: skip
        said = await member.put("/api/mall/privacy/profiling", {"granted": True, "text_version": 1})
        assert said.status_code == 200, said.text
        found = await look(world, member)
        # The favourite that the shop has; the other one it has not.
        assert ([(one["product_code"], one["why"]) for one in found["pieces"]], found["personal"]) == (
            [("BIB", "liked"), ("SOCK", "new"), ("CUP", "new")], True,
        )  # fmt: skip
        # Bought milk, and never cups, which lie in the same category.
        milks = "(SELECT category_id FROM products WHERE code = 'MILK')"
        await world.db.execute(f"UPDATE products SET category_id = {milks} WHERE code = 'CUP'")
        async with world.db.begin() as tx:
            await refresh_docs(tx, None)
        clerk = world.staff("clerk1")
        sale = AT | {
            "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash", "phone": "13900000001",
            "tendered": {"minor": 20000, "currency": "CNY"},
        }  # fmt: skip
        assert (await clerk.post("/api/clerk/sales", sale)).status_code == 201
        found = await look(world, member)
        assert [(one["product_code"], one["why"], one["available"]) for one in found["pieces"]] == [
            ("BIB", "liked", 3), ("CUP", "goes_with", 3), ("SOCK", "new", 3),
        ]  # fmt: skip
        # It goes out as an outfit of the guide's.
        pieces = [{"product_code": one["product_code"], "sku_id": one["sku_id"]} for one in found["pieces"]]
        made = await clerk.post("/api/clerk/outfits", AT | {"name": "为您挑的", "pieces": pieces})
        assert made.status_code == 201, made.text
    # A colleague in the shop sees the same; another shop sees nobody.
    assert await look(world, member, "manager1") == await look(world, member)
    for login, store in (("clerk2", "S1"), ("clerk2", "S2"), ("hq", "S2")):
        seen = await world.staff(login).get(f"/api/clerk/members/{member.id}/look?store={store}")
        assert seen.status_code == 404, (login, store)


async def test_a_guide_calls_about_an_open_task_and_that_is_written_down(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    [task] = await tasks(world)
    body = {name: value for name, value in done(task).items() if name != "how"}
    path = "/api/clerk/guide-task-calls"
    refused = await clerk.post(path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "members.no-consent")
    said = await member.put("/api/mall/privacy/service", {"granted": True, "text_version": 1})
    assert said.status_code == 200, said.text
    told = await clerk.post(path, body)
    assert (told.status_code, told.json()) == (200, {"tel": "tel:+8613900000001"})
    rows = await world.db.fetch("SELECT subject, actor_name, after FROM audit_log WHERE action = 'member.call'")
    assert [(row["subject"], row["actor_name"], row["after"]["task"]) for row in rows] == [
        (str(member.id), "clerk1", "welcome")
    ]
    # Whose number it is reads that in the privacy centre, and nobody else does.
    with clock.frozen(NOON + timedelta(minutes=1)):
        assert (await clerk.post(path, body)).status_code == 200
    views = "/api/mall/privacy/number-views"
    first = (await member.get(views, params={"limit": 1})).json()
    assert [(one["what"], one["by"], one["shop"]["zh"]) for one in first["items"]] == [("call", "clerk1", "S1")]
    second = (await member.get(views, params={"limit": 1, "cursor": first["next"]})).json()
    assert (len(second["items"]), second["next"]) == (1, None)
    assert first["items"][0]["at"] > second["items"][0]["at"]
    assert (await (await world.member("+8613900000009")).get(views)).json()["items"] == []
    assert await world.db.fetchval("SELECT count(*) FROM idempotency WHERE response LIKE '%13900000001%'") == 0
    assert (await world.staff("manager1").post(path, body)).status_code == 404
    assert (await clerk.post(path, body | {"ref": str(new_id())})).json()["code"] == "engagement.task-gone"
    assert (await clerk.post("/api/clerk/guide-tasks", done(task))).status_code == 204
    assert (await clerk.post(path, body)).json()["code"] == "engagement.task-gone"
