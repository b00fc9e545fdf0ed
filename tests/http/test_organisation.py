"""The console's organisation: stores, regions, staff, policies, audit, each within its scope."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.kernel import clock, policies

if TYPE_CHECKING:
    from tests.http.world import World

STORE: dict[str, Any] = {
    "code": "S9",
    "company_code": "FA",
    "region_code": "north",
    "name": {"zh": "新店"},
    "address": {"zh": "新路 9 号"},
    "province": "北京市",
    "city": "北京市",
    "lat": 39.9,
    "lon": 116.3,
    "week": [[{"opens": "09:00", "closes": "21:00"}]] * 7,
    "services": {"pickup": True, "ship": False, "returns": True},
}


async def codes(world: World, login: str) -> list[str]:
    return [store["code"] for store in (await world.staff(login).get("/api/console/stores")).json()["items"]]


async def test_everybody_sees_the_stores_of_their_unit(world: World) -> None:
    assert await codes(world, "hq") == ["D1", "S1", "S2", "S3", "S4"]
    assert await codes(world, "north") == ["D1", "S1", "S3"]
    assert await codes(world, "south") == ["S2", "S4"]
    assert await codes(world, "franchisee_a") == ["S3"]
    assert await codes(world, "manager1") == ["S1"]
    filtered = await world.staff("hq").get("/api/console/stores", params={"region": "north", "kind": "store"})
    assert [store["code"] for store in filtered.json()["items"]] == ["S1", "S3"]
    assert filtered.json()["total"] == 2


async def test_lists_are_read_page_by_page(world: World) -> None:
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await world.staff("hq").get("/api/console/stores", params=params)).json()
        seen += [store["code"] for store in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["D1", "S1", "S2", "S3", "S4"]
    bad = await world.staff("hq").get("/api/console/stores", params={"cursor": "nonsense"})
    assert (bad.status_code, bad.json()["code"]) == (422, "http.bad-cursor")


async def test_a_new_store_is_there_at_once_for_everybody(world: World) -> None:
    made = await world.staff("hq").post("/api/console/stores", STORE)
    assert made.status_code == 201
    assert made.json()["company_code"] == "FA"
    assert "S9" in await codes(world, "north")
    assert "S9" in await codes(world, "franchisee_a")
    seen = await world.anonymous().get("/api/mall/stores/S9")
    assert seen.json()["name"] == {"zh": "新店", "en": "新店"}
    assert await world.db.fetchval("SELECT kind FROM locations WHERE id = $1::uuid", made.json()["id"]) == "store"
    again = await world.staff("hq").post("/api/console/stores", STORE)
    assert (again.status_code, again.json()["code"]) == (409, "stores.code-taken")
    assert (await world.staff("north").post("/api/console/stores", STORE | {"code": "S10"})).status_code == 403


async def test_a_store_is_changed_only_from_its_newest_version(world: World) -> None:
    chief = world.staff("hq")
    before = (await chief.get("/api/console/stores/S1")).json()
    changed = await chief.patch(
        "/api/console/stores/S1", {"pickup_lead_min": 90, "version": before["version"], "reason": "busy"}
    )
    assert changed.json()["pickup_lead_min"] == 90
    assert changed.json()["version"] == before["version"] + 1
    late = await chief.patch("/api/console/stores/S1", {"phone": "1", "version": before["version"]})
    assert (late.status_code, late.json()["code"]) == (409, "stores.changed-meanwhile")
    line = (await chief.get("/api/console/audit", params={"subject": "S1"})).json()["items"][0]
    assert (line["action"], line["reason"], line["before"], line["after"]) == (
        "store.changed",
        "busy",
        {"pickup_lead_min": 30},
        {"pickup_lead_min": 90},
    )
    # A change that changes nothing leaves no trace.
    same = await chief.patch("/api/console/stores/S1", {"pickup_lead_min": 90})
    assert same.json()["version"] == before["version"] + 1


async def test_of_two_changes_at_once_one_is_told(world: World) -> None:
    chief = world.staff("hq")
    answers = await asyncio.gather(
        *(chief.patch("/api/console/stores/S1", {"phone": str(n), "version": 1}) for n in range(6))
    )
    assert sorted(a.status_code for a in answers) == [200] + [409] * 5


async def test_different_hours_are_seen_by_members(world: World) -> None:
    tomorrow = (clock.trading_day(clock.now(), "Asia/Shanghai") + timedelta(days=1)).isoformat()
    items = [{"on": tomorrow, "spans": [], "reason": {"zh": "盘点", "en": "Stocktaking"}}]
    put = await world.staff("manager1").put("/api/console/stores/S1/exceptions", {"items": items, "reason": "count"})
    assert put.status_code == 200
    seen = (await world.anonymous().get("/api/mall/stores/S1")).json()
    assert seen["exceptions"] == [{"on": tomorrow, "spans": [], "reason": {"zh": "盘点", "en": "Stocktaking"}}]
    bad = [{"on": tomorrow, "spans": [{"opens": "21:00", "closes": "09:00"}]}]
    refused = await world.staff("manager1").put("/api/console/stores/S1/exceptions", {"items": bad})
    assert refused.json()["problems"][0]["field"] == "exceptions[0].spans"
    await world.staff("manager1").put("/api/console/stores/S1/exceptions", {"items": []})
    assert (await world.anonymous().get("/api/mall/stores/S1")).json()["exceptions"] == []


async def test_moving_a_store_takes_the_right_to_open_stores(world: World) -> None:
    assert (await world.staff("franchisee_a").patch("/api/console/stores/S3", {"phone": "1"})).status_code == 200
    moved = await world.staff("franchisee_a").patch("/api/console/stores/S3", {"company_code": "HQ"})
    assert moved.status_code == 403


async def test_a_region_never_lies_below_itself(world: World) -> None:
    chief = world.staff("hq")
    circle = await chief.patch("/api/console/regions/north", {"name": {"zh": "北"}, "parent_code": "north-east"})
    assert (circle.status_code, circle.json()["code"]) == (422, "stores.region-cycle")
    assert await codes(world, "south") == ["S2", "S4"]
    moved = await chief.patch("/api/console/regions/north-east", {"name": {"zh": "东北"}, "parent_code": "south"})
    assert moved.json()["parent_code"] == "south"
    assert await codes(world, "south") == ["S1", "S2", "S3", "S4"]
    made = await chief.post("/api/console/regions", {"code": "west", "name": {"zh": "西"}, "parent_code": "china"})
    assert made.status_code == 201
    listed = (await chief.get("/api/console/regions")).json()["items"]
    assert [region["code"] for region in listed] == ["china", "north", "north-east", "south", "west"]


async def test_companies_are_added_and_renamed(world: World) -> None:
    chief = world.staff("hq")
    assert (await chief.post("/api/console/companies", {"code": "FC", "name": {"zh": "丙"}})).status_code == 201
    renamed = await chief.patch("/api/console/companies/FC", {"name": {"zh": "丙丙", "en": "C"}})
    assert renamed.json()["name"] == {"zh": "丙丙", "en": "C"}
    assert (
        await world.staff("north").post("/api/console/companies", {"code": "FD", "name": {"zh": "丁"}})
    ).status_code == 403


PERSON = {
    "login": "newclerk",
    "name": "小李",
    "password": "a good password",
    "grants": [{"role": "clerk", "unit_code": "S1"}],
}


async def test_managers_hire_clerks_of_their_store_and_nobody_else(world: World) -> None:
    hired = await world.staff("manager1").post("/api/console/staff", PERSON)
    assert hired.status_code == 201
    assert hired.json()["grants"][0]["unit_code"] == "S1"
    taken = await world.staff("manager1").post("/api/console/staff", PERSON)
    assert (taken.status_code, taken.json()["code"]) == (409, "stores.login-taken")
    for role, unit in (("clerk", "S2"), ("store", "S1"), ("region", "north"), ("headquarters", None)):
        body = PERSON | {"login": "other", "grants": [{"role": role, "unit_code": unit}]}
        refused = await world.staff("manager1").post("/api/console/staff", body)
        assert (refused.status_code, refused.json()["code"]) == (403, "stores.grant-not-yours"), role
    nowhere = PERSON | {"login": "other", "grants": [{"role": "clerk", "unit_code": "S77"}]}
    assert (await world.staff("manager1").post("/api/console/staff", nowhere)).json()["code"] == "stores.no-such-unit"
    assert await world.db.fetchval("SELECT count(*) FROM staff WHERE login = 'other'") == 0
    assert "a good password" not in str([dict(row) for row in await world.db.fetch("SELECT * FROM audit_log")])


async def test_people_outside_my_unit_do_not_exist_for_me(world: World) -> None:
    listed = (await world.staff("manager1").get("/api/console/staff")).json()["items"]
    assert [person["login"] for person in listed] == ["clerk1", "manager1"]
    region = (await world.staff("north").get("/api/console/staff")).json()["items"]
    assert [person["login"] for person in region] == ["clerk1", "manager1", "north"]
    for other in ("clerk2", "manager1", "hq"):
        refused = await world.staff("manager1").patch(
            f"/api/console/staff/{world.staff_ids[other]}", {"name": "taken over"}
        )
        assert refused.status_code == 404, other


async def test_new_rights_hold_at_once(world: World) -> None:
    clerk, chief = world.staff("clerk1"), world.staff("hq")
    assert (await clerk.get("/api/console/audit")).status_code == 403
    given = await chief.put(
        f"/api/console/staff/{clerk.id}/grants",
        {"grants": [{"role": "store", "unit_code": "S2"}], "reason": "promoted"},
    )
    assert [grant["role"] for grant in given.json()["grants"]] == ["store"]
    assert (await clerk.get("/api/console/audit")).status_code == 200
    assert [store["code"] for store in (await clerk.get("/api/staff/me")).json()["stores"]] == ["S2"]
    line = (await chief.get("/api/console/audit", params={"action": "staff.grants"})).json()["items"][0]
    assert line["before"][0]["role"] == "clerk"
    assert line["after"][0]["role"] == "store"


async def test_the_last_of_headquarters_cannot_leave(world: World) -> None:
    chief = world.staff("hq")
    left = await chief.patch(f"/api/console/staff/{chief.id}", {"state": "left"})
    assert (left.status_code, left.json()["code"]) == (409, "stores.last-headquarters")
    lost = await chief.put(
        f"/api/console/staff/{chief.id}/grants", {"grants": [{"role": "clerk", "unit_code": "S1"}], "reason": "x"}
    )
    assert (lost.status_code, lost.json()["code"]) == (409, "stores.last-headquarters")
    await chief.put(
        f"/api/console/staff/{world.staff_ids['north']}/grants",
        {"grants": [{"role": "headquarters"}], "reason": "second"},
    )
    second = world.staff("north")
    # Two who take the right from each other at the same time are not both right.
    answers = await asyncio.gather(
        chief.put(f"/api/console/staff/{second.id}/grants", {"grants": [], "reason": "x"}),
        second.put(f"/api/console/staff/{chief.id}/grants", {"grants": [], "reason": "x"}),
    )
    assert sorted(a.status_code for a in answers)[0] == 200
    left_over = await world.db.fetchval("SELECT count(*) FROM staff_grants WHERE role = 'headquarters'")
    assert left_over == 1


async def test_a_policy_is_set_with_a_reason_and_in_force_from_its_time(world: World) -> None:
    chief = world.staff("hq")
    listed = {policy["kind"]: policy for policy in (await chief.get("/api/console/policies")).json()["items"]}
    assert listed["pickup"]["current"]["version"] == 0
    body = listed["pickup"]["current"]["body"] | {"keep_hours": 48}
    later = (clock.now() + timedelta(hours=1)).isoformat()
    put = await chief.put(
        "/api/console/policies/pickup", {"body": body, "reason": "shelves are full", "active_from": later}
    )
    assert put.json()["version"] == 1
    assert policies.current("pickup").version == 0
    with clock.shifted(timedelta(hours=2)):
        assert policies.current("pickup").version == 1
        assert policies.current("pickup").body.keep_hours == 48
    bad = await chief.put("/api/console/policies/pickup", {"body": body | {"keep_hours": "many"}, "reason": "x"})
    assert (bad.status_code, bad.json()["code"]) == (422, "kernel.bad-input")
    past = (clock.now() - timedelta(hours=1)).isoformat()
    assert (
        await chief.put("/api/console/policies/pickup", {"body": body, "reason": "x", "active_from": past})
    ).status_code == 422
    assert (await chief.put("/api/console/policies/nothing", {"body": {}, "reason": "x"})).status_code == 404
    assert (
        await world.staff("north").put("/api/console/policies/pickup", {"body": body, "reason": "x"})
    ).status_code == 403
    assert (await world.anonymous().get("/api/mall/stores/S1")).json()["pickup_policy"] == {"keep_hours": 72}


async def test_the_audit_log_is_read_within_scope(world: World) -> None:
    await world.staff("hq").patch("/api/console/stores/S1", {"phone": "1"})
    await world.staff("hq").patch("/api/console/stores/S4", {"phone": "1"})

    async def subjects(login: str) -> list[str]:
        items = (await world.staff(login).get("/api/console/audit")).json()["items"]
        return sorted(item["subject"] for item in items)

    assert await subjects("hq") == ["S1", "S4"]
    assert await subjects("north") == ["S1"]
    assert await subjects("franchisee_b") == ["S4"]
    assert await subjects("manager2") == []
