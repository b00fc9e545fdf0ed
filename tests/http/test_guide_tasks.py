"""What a guide could do next: suggested from what happened, with consent where it would sell, done once, measured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.mall import count_scan
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from tests.http.shelf import NOON, line, order, stocked

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
