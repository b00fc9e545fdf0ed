"""What members agree to: given and taken back, proved, and asked before their data is used."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.metrics import CONSENT_REFUSALS
from tests.http import test_coupons
from tests.http.shelf import CONTACT, NOON, line, order, stocked
from tests.http.test_guides import bound, code_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

CENTRE = "/api/mall/privacy"
TEXTS = "/api/console/consent-texts"


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 50, "S3": 50})
        assert await broken(world.db) == []


def refusals(purpose: str, door: str) -> float:
    return CONSENT_REFUSALS.labels(purpose, door)._value.get()


async def say(who: Caller, purpose: str, granted: bool, version: int = 1) -> Any:
    return await who.put(f"{CENTRE}/{purpose}", {"granted": granted, "text_version": version})


async def stands(who: Caller) -> dict[str, bool]:
    centre = (await who.get(CENTRE)).json()
    return {one["purpose"]: one["granted"] for one in centre["purposes"]}


async def test_nothing_is_agreed_to_before_it_is_said(world: World) -> None:
    who = await world.member("+8619900000701")
    assert await stands(who) == {
        "service": True, "marketing": False, "profiling": False, "location": False, "sharing": False,
    }  # fmt: skip
    assert (await world.member(kind="guest")).id
    assert (await (await world.member(kind="guest")).get(CENTRE)).status_code == 401


async def test_giving_and_taking_back_is_written_down_with_text_time_and_place(world: World) -> None:
    who = await world.member("+8619900000702")
    with clock.frozen(NOON):
        assert (await say(who, "marketing", True)).status_code == 200
        assert (await say(who, "marketing", True)).status_code == 200, "said before: nothing new"
        assert (await stands(who))["marketing"]
        assert (await say(who, "marketing", False)).status_code == 200
    assert not (await stands(who))["marketing"]
    said = (await who.get(f"{CENTRE}/history")).json()["items"]
    assert [(one["granted"], one["text_version"], one["channel"]) for one in said] == [
        (False, 1, "mall"), (True, 1, "mall"),
    ]  # fmt: skip
    proof = (await world.staff("hq").get(f"/api/console/members/{who.id}/consents")).json()["items"]
    assert [one["id"] for one in proof] == [one["id"] for one in said]
    audit = await world.db.fetch(
        "SELECT action, actor_kind, actor_name FROM audit_log WHERE subject = $1 ORDER BY id", str(who.id)
    )
    assert [tuple(row) for row in audit] == [("consent.give", "member", ""), ("consent.withdraw", "member", "")]


async def test_being_a_member_is_not_taken_back_by_a_switch(world: World) -> None:
    who = await world.member("+8619900000703")
    refused = await say(who, "service", False)
    assert (refused.status_code, refused.json()["code"]) == (409, "members.consent-needed")
    assert (await say(who, "nothing", True)).status_code in (400, 404, 422)
    assert await world.db.fetchval("SELECT count(*) FROM consents") == 0


async def test_a_wider_text_asks_again_and_a_clearer_one_does_not(world: World) -> None:
    who, head = await world.member("+8619900000704"), world.staff("hq")
    await say(who, "marketing", True)
    new = {
        "purpose": "marketing", "title_zh": "优惠", "title_en": "Offers", "body_zh": "更清楚的说明", "body_en": "Clearer",
        "widens": False, "reason": "写清楚",
    }  # fmt: skip
    clearer = await head.post(TEXTS, new)
    assert clearer.status_code == 201, clearer.text
    assert (await stands(who))["marketing"], "the old yes still counts"
    wider = await head.post(TEXTS, new | {"body_zh": "还会打电话", "widens": True})
    assert [one["version"] for one in wider.json()["versions"]] == [3, 2, 1]
    assert wider.json()["agree"] == 0
    view = next(one for one in (await who.get(CENTRE)).json()["purposes"] if one["purpose"] == "marketing")
    assert (view["granted"], view["asks_again"], view["version"]) == (False, True, 3)
    late = await say(who, "marketing", True, 2)
    assert (late.status_code, late.json()["code"]) == (409, "members.consent-text-changed")
    assert (await say(who, "marketing", True, 3)).status_code == 200
    listed = (await head.get(TEXTS)).json()["items"]
    row = next(one for one in listed if one["purpose"] == "marketing")
    assert (row["agree"], [one["granted"] for one in row["versions"]]) == (1, [1, 0, 0])
    for login in ("clerk1", "manager1", "franchisee_a"):
        assert (await world.staff(login).post(TEXTS, new)).status_code == 403
    assert await broken(world.db) == []


async def test_a_wider_service_text_is_agreed_to_in_the_centre(world: World) -> None:
    who = await world.member("+8619900000712")
    await say(who, "service", True)
    wider = {
        "purpose": "service", "title_zh": "服务", "title_en": "Service", "body_zh": "更多", "body_en": "More",
        "widens": True, "reason": "新增",
    }  # fmt: skip
    assert (await world.staff("hq").post(TEXTS, wider)).status_code == 201
    view = next(one for one in (await who.get(CENTRE)).json()["purposes"] if one["purpose"] == "service")
    assert (view["needed"], view["granted"], view["asks_again"]) == (True, False, True)
    assert (await say(who, "service", True, 2)).status_code == 200
    assert (await stands(who))["service"]


async def test_two_words_at_once_are_two_rows_in_order_or_one(world: World) -> None:
    who = await world.member("+8619900000713")
    both = await asyncio.gather(*(say(who, "marketing", True) for _ in range(4)))
    assert {one.status_code for one in both} == {200}
    assert await world.db.fetchval("SELECT count(*) FROM consents") == 1
    await asyncio.gather(*(say(who, "marketing", granted) for granted in (False, True, False, True)))
    rows = await world.db.fetch("SELECT granted FROM consents ORDER BY at, id")
    assert all(one["granted"] != other["granted"] for one, other in itertools.pairwise(rows))


async def test_two_versions_at_once_are_one_and_a_refusal(world: World) -> None:
    new = {
        "purpose": "sharing", "title_zh": "甲", "title_en": "A", "body_zh": "乙", "body_en": "B", "widens": False,
        "reason": "试",
    }  # fmt: skip
    both = await asyncio.gather(*(world.staff("hq").post(TEXTS, new) for _ in range(2)))
    numbers = await world.db.fetch("SELECT version FROM consent_texts ORDER BY version")
    assert [row["version"] for row in numbers] == list(range(2, 2 + sum(one.status_code == 201 for one in both)))
    assert {one.status_code for one in both} <= {201, 409}


async def test_coupons_by_what_was_bought_go_to_who_agreed_and_stop_at_once(world: World, milk: str) -> None:
    yes, no = await world.member("+8619900000705"), await world.member("+8619900000706")
    for who in (yes, no):
        placed = await who.post("/api/mall/orders", order(line(milk)))
        assert placed.status_code == 201, placed.text
    await say(yes, "marketing", True)
    head, before = world.staff("hq"), refusals("marketing", "console.coupons")
    opened = await test_coupons.opened(world, await test_coupons.promotion(world), "given", member_max=9)
    batch = opened["batch"]["batch_id"]
    gift = {"ordered_within_days": 30, "reason": "回馈"}
    given = (await head.post(f"/api/console/coupon-batches/{batch}/gifts", gift)).json()
    assert given == {"members": 1, "given": 1, "without_consent": 1}
    assert refusals("marketing", "console.coupons") == before + 1
    await say(yes, "marketing", False)
    given = (await head.post(f"/api/console/coupon-batches/{batch}/gifts", gift)).json()
    assert given == {"members": 0, "given": 0, "without_consent": 2}


async def test_a_franchisee_sees_the_orders_and_not_the_member(world: World, milk: str) -> None:
    who = await world.member("+8619900000707")
    await who.patch("/api/mall/me", {"display_name": "欧阳芳菲"})
    assert (await who.post("/api/mall/orders", order(line(milk, 1, "S3")))).status_code == 201
    boss, head = world.staff("franchisee_a"), world.staff("hq")
    one, before = f"/api/console/members/{who.id}", refusals("sharing", "console.member")
    for path in (one, *(f"{one}/{part}" for part in ("timeline", "points", "consents", "wallet", "identity"))):
        refused = await boss.get(path)
        assert (refused.status_code, refused.json().get("code")) == (403, "members.no-consent"), path
    assert refusals("sharing", "console.member") == before + 1
    listed = (await boss.get("/api/console/members")).json()["items"]
    assert [(row["name"], row["phone_masked"], row["shared"]) for row in listed] == [("", None, False)]
    assert (await boss.get("/api/console/members", params={"q": "欧阳"})).json()["items"] == []
    assert (await head.get("/api/console/members", params={"q": "欧阳"})).json()["items"][0]["name"] == "欧阳芳菲"
    await say(who, "sharing", True)
    assert (await boss.get(one)).json()["name"] == "欧阳芳菲"
    assert [(await boss.get(f"{one}/{part}")).status_code for part in ("wallet", "identity")] == [200, 200]
    assert (await boss.get("/api/console/members", params={"q": "欧阳"})).json()["items"][0]["shared"]
    await say(who, "sharing", False)
    assert (await boss.get(one)).status_code == 403


async def test_orders_tell_a_franchisee_no_name_once_they_are_handed_over(world: World, milk: str) -> None:
    """Not in the list, its file and the case, and nobody is found by a name or a number to see whether it is theirs."""
    who = await world.member("+8619900000717")
    placed = (await who.post("/api/mall/orders", order(line(milk, 1, "S3")))).json()
    boss, head = world.staff("franchisee_a"), world.staff("hq")
    one = f"/api/console/orders/{placed['id']}"

    async def found(caller: Caller, q: str) -> list[tuple[str, str]]:
        rows = (await caller.get("/api/console/orders", params={"q": q})).json()["items"]
        return [(row["customer_name"], row["phone_masked"]) for row in rows]

    name, number = CONTACT["name"], CONTACT["phone"].removeprefix("+86")
    for q in (name, number, placed["order_no"]):
        assert [row[0] for row in await found(boss, q)] == [name], q
    # Theirs to hand over, and no member of theirs to see: the case leads nowhere.
    assert [(await each.get(one)).json()["member"]["page"] for each in (boss, head)] == [None, str(who.id)]
    ended = await boss.post(f"{one}/cancellation", {"reason": "x"})
    assert (ended.status_code, ended.json()["shared"], name in ended.text) == (200, False, False)
    for q in (name, number, number[-4:]):
        assert await found(boss, q) == [], q
        assert len(await found(head, q)) == 1, q
    assert await found(boss, placed["order_no"]) == [("", "")]
    assert name not in (await boss.get("/api/console/orders.csv")).text
    case = (await boss.get(one)).json()
    assert (case["shared"], case["order"]["contact"], case["order"]["address"], case["member"]["name"]) == (
        False, {"name": "", "phone": ""}, None, "",
    )  # fmt: skip
    assert (await head.get(one)).json()["order"]["contact"]["name"] == name
    await say(who, "sharing", True)
    assert [row[0] for row in await found(boss, name)] == [name]
    case = (await boss.get(one)).json()
    assert (case["shared"], case["member"]["page"]) == (True, str(who.id))


async def test_favourites_are_shown_of_who_agreed_to_it(world: World, milk: str) -> None:
    who, head = await world.member("+8619900000708"), world.staff("hq")
    liked = await who.put("/api/mall/favourites", {"product_code": "MILK"})
    assert liked.status_code in (200, 201), liked.text
    case = (await head.get(f"/api/console/members/{who.id}")).json()
    assert (case["profiling"], case["favourites"]) == (False, [])
    await say(who, "profiling", True)
    case = (await head.get(f"/api/console/members/{who.id}")).json()
    assert (case["profiling"], len(case["favourites"])) == (True, 1)


async def test_coordinates_are_kept_with_consent_and_go_with_it(world: World) -> None:
    who = await world.member("+8619900000709")
    home = {
        "name": "欧阳芳菲", "phone": "19900000709", "province": "某省", "city": "某市", "district": "", "line": "某路 1 号",
        "lat": 30.5, "lon": 104.1,
    }  # fmt: skip
    assert (await who.post("/api/mall/addresses", home)).json()["lat"] is None
    await say(who, "location", True)
    assert (await who.post("/api/mall/addresses", home)).json()["lat"] == 30.5
    await say(who, "location", False)
    assert [one["lat"] for one in (await who.get("/api/mall/addresses")).json()["items"]] == [None, None]


async def test_the_first_log_in_is_the_consent_to_being_served(world: World) -> None:
    anyone = world.anonymous()
    await anyone.post("/api/mall/login-codes", {"phone": "19900000710"})
    code = await world.code_sent("+8619900000710")
    entered = await anyone.post("/api/mall/sessions", {"phone": "19900000710", "code": code})
    assert entered.status_code == 201, entered.text
    said = await world.db.fetch("SELECT purpose, granted, text_version, channel FROM consents")
    assert [tuple(row) for row in said] == [("service", True, 1, "mall")]


async def test_a_guide_of_a_franchisee_counts_only_their_companys_orders_without_consent(
    world: World, milk: str
) -> None:
    who = await world.member("+8619900000711")
    await bound(who, await code_of(world, "franchisee_a", "S3"))
    await who.post("/api/mall/orders", order(line(milk)))  # collected at S1, which is headquarters'
    listed = "/api/clerk/guide-members"

    async def seen(store: str, staff: str) -> list[tuple[int, bool]]:
        items = (await world.staff(staff).get(listed, params={"store": store})).json()["items"]
        return [(one["orders"], one["last_order_at"] is None) for one in items]

    assert await seen("S3", "franchisee_a") == [(0, True)]
    here = await world.db.fetchval("SELECT id FROM orders WHERE member_id = $1", who.id)
    await world.db.execute("UPDATE orders SET store_id = $2 WHERE id = $1", here, world.stores["S3"])
    assert await seen("S3", "franchisee_a") == [(1, False)]
    await world.db.execute("UPDATE orders SET store_id = $2 WHERE id = $1", here, world.stores["S4"])  # another company
    assert await seen("S3", "franchisee_a") == [(0, True)]
    with clock.frozen(NOON + timedelta(minutes=1)):
        await say(who, "sharing", True)
    assert await seen("S3", "franchisee_a") == [(1, False)]


async def test_a_guide_of_a_franchisee_sees_no_names_without_consent(world: World, milk: str) -> None:
    who = await world.member("+8619900000711")
    await who.patch("/api/mall/me", {"display_name": "欧阳芳菲"})
    await bound(who, await code_of(world, "franchisee_a", "S3"))
    listed = "/api/clerk/guide-members"
    seen = (await world.staff("franchisee_a").get(listed, params={"store": "S3"})).json()["items"]
    assert [(one["name"], one["phone_masked"], one["shared"]) for one in seen] == [("", None, False)]
    with clock.frozen(NOON + timedelta(minutes=1)):
        await say(who, "sharing", True)
    seen = (await world.staff("franchisee_a").get(listed, params={"store": "S3", "q": "欧阳"})).json()["items"]
    assert [(one["name"], one["shared"]) for one in seen] == [("欧阳芳菲", True)]
