"""Guides over the wire: a code is shown, scanned and confirmed; members are seen, asked, disputed, decided, passed on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.clerk import guide as clerk_guide
from duoline.channels.mall import count_scan
from duoline.channels.mall import guide as mall_guide
from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, line, order, stocked
from tests.http.test_touchpoints import log_in, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

PHONE = "+8613900000001"


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article in S1; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, clerk_guide.ASKS_BY_STAFF, mall_guide.BINDS_BY_MEMBER):
        limit.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


async def code_of(world: World, who: str = "clerk1", store: str = "S1") -> str:
    shown = await world.staff(who).post("/api/clerk/guide-codes", {"store": store})
    assert shown.status_code == 200, shown.text
    assert shown.json()["svg"].startswith("<svg")
    return str(shown.json()["code"])


async def bound(buyer: Caller, code: str) -> dict[str, Any]:
    done = await buyer.post("/api/mall/guide", {"code": code})
    assert done.status_code == 201, done.text
    return dict(done.json())


async def offer(buyer: Caller, code: str) -> tuple[str, str | None]:
    shown = await buyer.get(f"/api/mall/guides/{code}")
    assert shown.status_code == 200, shown.text
    body = shown.json()
    return body["outcome"], body["current"] and body["current"]["name"]


async def test_scanned_confirmed_seen_and_undone(world: World, milk: str) -> None:
    code, stranger = await code_of(world), world.anonymous()
    assert await code_of(world) == code
    answer = await opened(stranger.client, code, query="?v=q")
    assert answer.headers["location"] == f"/guide/{code}"
    assert await offer(stranger, code) == ("binds", None)
    refused = await stranger.post("/api/mall/guide", {"code": code}, key="a key that is long enough")
    assert refused.status_code == 401
    await log_in(world, stranger, PHONE)
    made = await bound(stranger, code)
    assert (made["binding"]["guide"], made["binding"]["source"]) == (
        {"name": "clerk1", "store_code": "S1", "store_name": {"zh": "S1", "en": "S1"}}, "scan",
    )  # fmt: skip
    assert await offer(stranger, code) == ("same", "clerk1")
    assert await world.db.fetchval("SELECT count(*) FROM member_outbox WHERE topic = 'attribution.bound'") == 1

    await stranger.post("/api/mall/orders", order(line(milk)))
    mine = (await world.staff("clerk1").get("/api/clerk/guide-members?store=S1")).json()
    assert (mine["total"], mine["items"][0]["phone_masked"], mine["items"][0]["orders"]) == (1, "139****0001", 1)
    for q, n in (("0001", 1), ("9999", 0), ("139", 0), ("%", 0), ("_", 0), ("\\", 0)):
        found = (await world.staff("clerk1").get(f"/api/clerk/guide-members?store=S1&q={q}")).json()["items"]
        assert len(found) == n, q
    assert (await world.staff("manager1").get("/api/clerk/guide-members?store=S1")).json()["items"] == []

    ended = await stranger.delete("/api/mall/guide")
    assert (ended.status_code, ended.json()["binding"], len(ended.json()["past"])) == (200, None, 1)
    assert (await stranger.delete("/api/mall/guide")).status_code == 404


async def test_a_link_that_was_sent_is_an_invitation(world: World, milk: str) -> None:
    code, buyer = await code_of(world), await world.member(PHONE)
    await opened(buyer.client, code, headers=buyer.headers)
    assert (await bound(buyer, code))["binding"]["source"] == "invitation"


async def test_two_shops_and_the_protection_between_them(world: World, milk: str) -> None:
    one, two, buyer = await code_of(world), await code_of(world, "clerk2", "S2"), await world.member(PHONE)
    told = (await buyer.get(f"/api/mall/guides/{one}")).json()
    assert (told["points"], told["credited"]) == (50, True)
    await bound(buyer, one)
    assert await offer(buyer, two) == ("keeps", "clerk1")
    told = (await buyer.get(f"/api/mall/guides/{two}")).json()
    assert (told["points"], told["credited"]) == (0, False)
    refused = await buyer.post("/api/mall/guide", {"code": two})
    assert (refused.status_code, refused.json()["code"]) == (409, "attribution.bound-elsewhere")
    assert refused.json()["until"].startswith("2027-02-16")
    # A guide who asks at the counter is told of the same: it can only be refused until the member ends the present one.
    assert (await world.staff("clerk2").post("/api/clerk/guide-asks", {"store": "S2", "phone": PHONE})).is_success
    (ask,) = (await buyer.get("/api/mall/guide")).json()["asks"]
    assert (ask["outcome"], ask["until"][:10]) == ("keeps", "2027-02-16")
    ended = await buyer.delete("/api/mall/guide")
    assert ended.json()["asks"][0]["outcome"] == "binds", ended.text
    answered = await buyer.post(f"/api/mall/guide-asks/{ask['id']}/answer", {"accept": True})
    assert answered.json()["binding"]["guide"]["name"] == "clerk2"
    assert (await buyer.get("/api/mall/guides/ZZZZZZZZ")).status_code == 404


async def test_the_counter_asks_and_the_member_answers_on_their_own_phone(world: World, milk: str) -> None:
    buyer, clerk = await world.member(PHONE), world.staff("clerk1")
    for phone in ("13900000001", "13900000999"):
        asked = await clerk.post("/api/clerk/guide-asks", {"store": "S1", "phone": phone})
        assert (asked.status_code, asked.json()) == (202, {"minutes": 15})
    (ask,) = (await buyer.get("/api/mall/guide")).json()["asks"]
    assert ask["guide"]["name"] == "clerk1"
    other = await world.member("+8613900000002")
    path = f"/api/mall/guide-asks/{ask['id']}/answer"
    assert (await other.post(path, {"accept": True})).status_code == 404
    declined = await buyer.post(path, {"accept": False})
    assert (declined.json()["binding"], declined.json()["asks"]) == (None, [])
    again = await buyer.post(path, {"accept": True})
    assert (again.status_code, again.json()["code"]) == (409, "attribution.ask-over")
    await clerk.post("/api/clerk/guide-asks", {"store": "S1", "phone": "13900000001"})
    (ask,) = (await buyer.get("/api/mall/guide")).json()["asks"]
    accepted = await buyer.post(f"/api/mall/guide-asks/{ask['id']}/answer", {"accept": True})
    assert accepted.json()["binding"]["source"] == "till"


async def test_a_guide_s_own_number_is_noted_by_the_office_and_refused(world: World, milk: str) -> None:
    path = f"/api/console/staff/{world.staff_ids['clerk1']}"
    noted = await world.staff("manager1").patch(path, {"phone": "139 0000 0001", "reason": "x"})
    assert (noted.status_code, noted.json()["phone_masked"]) == (200, "139****0001")
    refused = await (await world.member(PHONE)).post("/api/mall/guide", {"code": await code_of(world)})
    assert (refused.status_code, refused.json()["code"]) == (409, "attribution.own-phone")
    removed = await world.staff("manager1").patch(path, {"phone": "", "reason": "x"})
    assert removed.json()["phone_masked"] is None


async def test_a_dispute_from_the_shop_to_the_office(world: World, milk: str) -> None:
    buyer = await world.member(PHONE)
    await bound(buyer, await code_of(world))
    body = {"store": "S2", "phone": "13900000001", "reason": "顾客是我接待的"}
    nobody = await world.staff("clerk2").post("/api/clerk/guide-disputes", body | {"phone": "13900000999"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "attribution.nothing-to-dispute")
    raised = await world.staff("clerk2").post("/api/clerk/guide-disputes", body)
    assert raised.status_code == 201, raised.text
    # Both shops see it; only headquarters decides.
    for who in ("manager1", "manager2", "hq"):
        (row,) = (await world.staff(who).get("/api/console/binding-disputes")).json()["items"]
        assert (row["claimant"], row["held_by"], row["over"], row["own"]) == ("clerk2", "clerk1", False, False)
    assert (await world.staff("franchisee_a").get("/api/console/binding-disputes")).json()["items"] == []
    path = f"/api/console/binding-disputes/{row['id']}/decision"
    assert (await world.staff("manager2").post(path, {"decision": "moves", "reason": "x"})).status_code == 403
    decided = await world.staff("hq").post(path, {"decision": "moves", "reason": "聊天记录属实"})
    assert (decided.status_code, decided.json()["decision"]) == (200, "moves")
    assert (await world.staff("hq").post(path, {"decision": "stands", "reason": "x"})).status_code == 409
    mine = (await buyer.get("/api/mall/guide")).json()
    assert (mine["binding"]["guide"]["name"], mine["past"][0]["ended_because"]) == ("clerk2", "dispute")
    told = (await world.staff("hq").get(f"/api/console/bindings/members/{buyer.id}")).json()
    assert [row["source"] for row in told["bindings"]] == ["dispute", "scan"] or [
        row["source"] for row in told["bindings"]
    ] == ["dispute", "invitation"]
    assert len(told["disputes"]) == 1
    # A shop sees of a member's history what was its own.
    seen = (await world.staff("manager1").get(f"/api/console/bindings/members/{buyer.id}")).json()["bindings"]
    assert [row["store_code"] for row in seen] == ["S1"]


async def test_headquarters_does_not_decide_what_it_disputes_itself(world: World, milk: str) -> None:
    buyer, hq = await world.member(PHONE), world.staff("hq")
    await bound(buyer, await code_of(world))
    body = {"store": "S2", "phone": "13900000001", "reason": "x"}
    assert (await hq.post("/api/clerk/guide-disputes", body)).status_code == 201
    (row,) = (await hq.get("/api/console/binding-disputes")).json()["items"]
    assert row["own"]
    refused = await hq.post(f"/api/console/binding-disputes/{row['id']}/decision", {"decision": "moves", "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "attribution.own-dispute")


async def test_who_leaves_names_who_takes_over_and_their_code_leads_to_the_shop(world: World, milk: str) -> None:
    code = await code_of(world)
    await bound(await world.member(PHONE), code)
    manager, leaver = world.staff("manager1"), world.staff_ids["clerk1"]
    path = f"/api/console/staff/{leaver}"
    held = (await manager.get(f"{path}/members")).json()["items"]
    assert [(one["store_code"], one["members"]) for one in held] == [("S1", 1)]
    wrong = {"state": "left", "heirs": [{"store": "S1", "staff_id": str(world.staff_ids["clerk2"])}]}
    assert (await manager.patch(path, wrong)).status_code == 404
    assert (await manager.patch(path, wrong | {"heirs": [{"store": "S1", "staff_id": str(leaver)}]})).status_code == 404
    heir = world.staff_ids["manager1"]
    left = await manager.patch(path, wrong | {"heirs": [{"store": "S1", "staff_id": str(heir)}]})
    assert (left.status_code, left.json()["state"]) == (200, "left"), left.text
    told = await world.db.fetchval(
        "SELECT payload->'heirs' FROM local_outbox WHERE topic = 'stores.staff-changed' ORDER BY id DESC LIMIT 1"
    )
    assert list(told.values()) == [str(heir)]
    answer = await opened(world.anonymous().client, code, query="?v=q")
    assert answer.headers["location"] == f"/s/S1?t={code}"


async def test_members_are_passed_on_and_found(world: World, milk: str) -> None:
    buyer = await world.member(PHONE)
    await bound(buyer, await code_of(world))
    manager, path = world.staff("manager1"), "/api/console/bindings/transfers"
    ids = {who: str(world.staff_ids[who]) for who in ("clerk1", "clerk2", "manager1")}
    body = {"store": "S1", "from_staff_id": ids["clerk1"], "reason": "换岗"}
    wrong = await manager.post(path, body | {"to_staff_id": ids["clerk2"]})
    assert wrong.status_code == 404
    moved = await manager.post(path, body | {"to_staff_id": ids["manager1"]})
    assert (moved.status_code, moved.json()) == (200, {"moved": 1, "left": 0}), moved.text
    assert (await manager.post(path, body)).status_code == 404
    (row,) = (await manager.get("/api/console/bindings?q=0001")).json()["items"]
    assert (row["guide_name"], row["source"]) == ("manager1", "transfer")
    (row,) = (await manager.get("/api/console/bindings?which=ended")).json()["items"]
    assert (row["guide_name"], row["ended_because"]) == ("clerk1", "transferred")
    assert (await world.staff("manager2").get("/api/console/bindings?which=all")).json()["items"] == []
    # Back to the shop, until somebody else is confirmed, which needs no waiting.
    await manager.post(path, {"store": "S1", "from_staff_id": ids["manager1"], "reason": "离职"})
    with clock.frozen(NOON + timedelta(minutes=1)):
        assert await offer(buyer, await code_of(world)) == ("replaces", None)


async def test_a_sign_of_patterns_finds_itself_alone(world: World, milk: str) -> None:
    await bound(await world.member(PHONE), await code_of(world))
    for q, n in (("0001", 1), ("%", 0), ("_", 0), ("\\", 0)):
        found = (await world.staff("manager1").get("/api/console/bindings", params={"q": q})).json()["items"]
        assert len(found) == n, q
    assert (await world.staff("hq").get("/api/console/touchpoints", params={"q": "%"})).json()["items"] == []
