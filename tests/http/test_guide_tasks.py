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


async def test_a_task_says_what_it_is_about_as_far_as_the_member_agreed(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    placed = (await member.post("/api/mall/orders", order(line(milk, 2)))).json()
    job = placed["fulfilments"][0]["id"]
    assert (await clerk.post(f"/api/clerk/fulfilments/{job}/ready", {})).status_code == 200
    # What waits in the shop is told as its queue tells it.
    [task] = await tasks(world)
    assert task["kind"] == "pickup"
    assert (task["about"]["order_no"], task["about"]["units"]) == (placed["order_no"], 2)
    assert task["about"]["article"]["zh"]
    assert task["until"] is not None
    # Of what was bought the order is told, and the article to who agreed to profiling.
    await member.get("/api/mall/card")
    number = await world.db.fetchval("SELECT card_no FROM member_cards WHERE member_id = $1", member.id)
    card = (await clerk.post("/api/clerk/cards", {"store": "S1", "text": number})).json()["card"]
    sale = AT | {"lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash", "card": card}
    sold = await clerk.post("/api/clerk/sales", sale | {"tendered": {"minor": 19900, "currency": "CNY"}})
    assert sold.status_code < 300, sold.text
    with clock.frozen(NOON + timedelta(days=3)):
        told = {one["kind"]: one["about"] for one in await tasks(world)}
        assert told["after_sale"]["order_no"]
        assert (told["after_sale"]["article"], told["after_sale"]["units"]) == (None, None)
        said = await member.put("/api/mall/privacy/profiling", {"granted": True, "text_version": 1})
        assert said.status_code == 200, said.text
        told = {one["kind"]: one["about"] for one in await tasks(world)}
        assert (told["after_sale"]["article"]["zh"], told["after_sale"]["units"]) == (task["about"]["article"]["zh"], 1)
        # Points that end, for who agreed to marketing.
        points = {"points": 130, "reason": "sorry"}
        assert (await world.staff("hq").post(f"/api/console/members/{member.id}/points", points)).status_code < 300
        await world.db.execute(
            "UPDATE point_lots SET expires_at = $1 WHERE left_points = 130", NOON + timedelta(days=9)
        )
        await member.put("/api/mall/privacy/marketing", {"granted": True, "text_version": 1})
        told = {one["kind"]: one["about"] for one in await tasks(world)}
        assert told["points"]["points"] == 130


async def test_what_was_noted_by_a_slip_is_taken_back_for_a_while(world: World, milk: str) -> None:
    await mine(world)
    clerk, path = world.staff("clerk1"), "/api/clerk/guide-task-undos"
    [task] = await tasks(world)
    body = {name: value for name, value in done(task).items() if name != "how"}
    early = await clerk.post(path, body)
    assert (early.status_code, early.json()["code"]) == (409, "engagement.too-late")
    assert (await clerk.post("/api/clerk/guide-tasks", done(task) | {"note": "x"})).status_code == 204
    assert await tasks(world) == []
    assert (await world.staff("manager1").post(path, body)).status_code == 404
    assert await tasks(world) == []
    assert (await clerk.post(path, body)).status_code == 204
    assert await tasks(world) == [task]
    assert (await clerk.post("/api/clerk/guide-tasks", done(task))).status_code == 204
    with clock.frozen(NOON + timedelta(minutes=3)):
        assert (await clerk.post(path, body)).json()["code"] == "engagement.too-late"
        assert await tasks(world) == []


async def test_a_member_sheet_has_what_waits_and_what_was_noted(world: World, milk: str) -> None:
    member, clerk = await mine(world), world.staff("clerk1")
    path = f"/api/clerk/guide-members/{member.id}?store=S1"
    [task] = await tasks(world)
    assert (await clerk.post("/api/clerk/guide-tasks", done(task) | {"note": "size 80"})).status_code == 204
    placed = (await member.post("/api/mall/orders", order(line(milk)))).json()
    seen = (await clerk.get(path)).json()
    assert (seen["phone_masked"], seen["tier"]["zh"] != "") == ("139****0001", True)
    sheet = seen["sheet"]
    assert (sheet["guide"]["mine"], sheet["orders"], sheet["tasks"]) == (True, 1, [])
    assert [(one["order_no"], one["state"], one["units"]) for one in sheet["pickups"]] == [
        (placed["order_no"], "to_pick", 1)
    ]
    assert [(one["how"], one["note"]) for one in sheet["done"]] == [("called", "size 80")]
    # A colleague in the shop sees neither what is to be done nor what was noted; another shop sees nobody.
    sheet = (await world.staff("manager1").get(path)).json()["sheet"]
    assert (sheet["guide"]["mine"], sheet["member_id"], sheet["tasks"], sheet["done"]) == (False, None, [], [])
    assert (await world.staff("clerk2").get(path.replace("S1", "S2"))).status_code == 404
    # By the card that was read a colleague sees who looks after them, and neither the tasks nor the notes.
    await member.get("/api/mall/card")
    number = await world.db.fetchval("SELECT card_no FROM member_cards WHERE member_id = $1", member.id)
    for login, mine_too in (("clerk1", True), ("manager1", False)):
        read = await world.staff(login).post("/api/clerk/cards", {"store": "S1", "text": number})
        shown = await world.staff(login).post("/api/clerk/member-sheets", {"store": "S1", "card": read.json()["card"]})
        assert shown.status_code == 200, shown.text
        sheet = shown.json()
        assert (sheet["guide"]["mine"], sheet["guide"]["name"], len(sheet["pickups"])) == (mine_too, "clerk1", 1)
        assert (sheet["member_id"] is not None, len(sheet["done"])) == (mine_too, int(mine_too))
    refused = await clerk.post("/api/clerk/member-sheets", {"store": "S1", "card": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "members.card-code-over")
    # Another clerk asks by the card; the question is on the member's phone.
    asked = await world.staff("manager1").post("/api/clerk/member-asks", {"store": "S1", "card": read.json()["card"]})
    assert asked.status_code == 202, asked.text
    assert await world.db.fetchval("SELECT count(*) FROM binding_asks WHERE member_id = $1", member.id) == 1


async def test_a_franchisee_is_told_what_waits_there_and_the_rest_with_consent_to_sharing(world: World) -> None:
    at = {"store": "S3"}

    async def told() -> dict[str, Any]:
        found = (await clerk.get("/api/clerk/guide-tasks?store=S3")).json()["items"]
        return {one["kind"]: one["about"] for one in found}

    with clock.frozen(NOON):
        cup = await stocked(world, "CUP", 900, {"S3": 5})
        clerk = world.staff("franchisee_a")
        code = (await clerk.post("/api/clerk/guide-codes", at)).json()["code"]
        member = await world.member("+8613900000031")
        await member.patch("/api/mall/me", {"display_name": "Fang"})
        assert (await member.post("/api/mall/guide", {"code": code})).status_code == 201
        placed = (await member.post("/api/mall/orders", order(line(cup, store="S3")))).json()
        job = placed["fulfilments"][0]["id"]
        assert (await clerk.post(f"/api/clerk/fulfilments/{job}/ready", {})).status_code == 200
        waits = (await told())["pickup"]
        assert (waits["order_no"], waits["article"] is not None) == (placed["order_no"], True)
        theirs = (await member.get("/api/mall/card")).json()
        shown = f"{theirs['prefix']}.{theirs['codes'][0]}"
        card = (await clerk.post("/api/clerk/cards", at | {"text": shown})).json()["card"]
        sale = at | {"lines": [{"sku_id": cup, "quantity": 1}], "tender": "cash", "card": card}
        sold = await clerk.post("/api/clerk/sales", sale | {"tendered": {"minor": 900, "currency": "CNY"}})
        assert sold.status_code < 300, sold.text
        path = f"/api/clerk/guide-members/{member.id}?store=S3"
        seen = (await clerk.get(path)).json()
        assert (seen["name"], seen["phone_masked"], seen["tier"], seen["shared"]) == ("", None, None, False)
    with clock.frozen(NOON + timedelta(days=3)):
        await member.put("/api/mall/privacy/profiling", {"granted": True, "text_version": 1})
        assert set((await told())["after_sale"].values()) == {None}
        said = await member.put("/api/mall/privacy/sharing", {"granted": True, "text_version": 1})
        assert said.status_code == 200, said.text
        after = await told()
        assert (after["after_sale"]["order_no"] is not None, after["after_sale"]["units"]) == (True, 1)
        assert (await clerk.get(path)).json()["name"] == "Fang"
    assert await broken(world.db) == []
