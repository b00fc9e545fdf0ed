"""Members at headquarters: who may see whom and what of them, tiers and points by hand, and one story of it all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from duoline.entry.check import broken
from duoline.flows import earn_points, judge_by_new_rules, judge_tiers
from duoline.kernel import clock, outbox, policies
from duoline.kernel.ids import new_id
from duoline.members import profile
from duoline.members.policy import TIERS
from duoline.stores.rights import PERMISSIONS
from duoline.stores.types import Role
from tests.http.shelf import NOON, line, order, stocked
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

LIST = "/api/console/members"
PRICE = 19900


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00, some of it in S1 and S4; the check is clean at the end."""
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", PRICE, {"S1": 50, "S4": 50})
        assert await broken(world.db) == []


async def named(world: World, name: str, phone: str, *, home: str | None = None, code: str | None = None) -> Caller:
    who = await world.member(phone)
    async with world.db.begin() as tx:
        await tx.execute(
            "UPDATE members SET display_name = $2, external_code = $3 WHERE member_id = $1", who.id, name, code
        )
        await profile.change(tx, who.id, home_store_id=world.stores[home] if home else None)
    # So that franchisees see them by name; without it they see their orders (test_privacy).
    agreed = await who.put("/api/mall/privacy/sharing", {"granted": True, "text_version": 1})
    assert agreed.status_code == 200, agreed.text
    if code:
        await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ($1, $2)", code, who.id)
    return who


async def bought(world: World, who: Caller, sku: str, units: int = 1, store: str = "S1") -> dict[str, Any]:
    """Ordered, made ready, handed over and paid at the counter; tiers and points told."""
    placed = await who.post("/api/mall/orders", order(line(sku, units, store)))
    assert placed.status_code == 201, placed.text
    head, receipt = world.staff("hq"), placed.json()
    job = receipt["fulfilments"][0]["id"]
    ready = await head.post(f"/api/clerk/fulfilments/{job}/ready", {})
    assert ready.status_code == 200, ready.text
    code = await who.get(f"/api/mall/orders/{receipt['id']}/pickup-code")
    total = {"minor": PRICE * units, "currency": "CNY"}
    handed = await head.post(
        f"/api/clerk/fulfilments/{job}/handover", {"code": code.json()["qr"], "tender": "cash", "tendered": total}
    )
    assert handed.status_code == 200, handed.text
    await told(world)
    return dict(receipt)


async def told(world: World) -> None:
    await world.relay()
    for name in ("tiers", "points"):
        while await outbox.consume_once(world.db, outbox.consumers[name]):
            pass


async def listed(who: Caller, **params: str) -> list[str]:
    answer = await who.get(LIST, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return [row["name"] for row in answer.json()["items"]]


async def case(who: Caller, member: Caller) -> dict[str, Any]:
    answer = await who.get(f"{LIST}/{member.id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_members_are_found_by_name_code_end_of_phone_and_tier(world: World, milk: str) -> None:
    del milk
    head = world.staff("hq")
    await named(world, "王芳", "+8613900001234", code="VIP0001")
    gold = await named(world, "李雷", "+8613900005678", code="VIP0002")
    await world.member(kind="guest")
    assert await listed(head) == ["李雷", "王芳"]
    assert await listed(head, q="芳") == ["王芳"]
    assert await listed(head, q="vip0002") == ["李雷"]
    assert await listed(head, q="5678") == ["李雷"]
    assert await listed(head, q="139 0000 1234") == ["王芳"]
    assert await listed(head, q="+86 139 0000 1234") == ["王芳"]
    assert await listed(head, q="%") == []
    given = await head.put(f"{LIST}/{gold.id}/tier", {"tier": "gold", "reason": "周年"})
    assert given.status_code == 200, given.text
    assert await listed(head, tier="gold") == ["李雷"]
    row = (await head.get(LIST, params={"tier": "gold"})).json()["items"][0]
    assert (row["tier"], row["phone_masked"], row["code"]) == (
        {"code": "gold", "name": {"zh": "金卡会员", "en": "Gold"}}, "139****5678", "VIP0002",
    )  # fmt: skip
    first = (await head.get(LIST, params={"limit": "1"})).json()
    rest = (await head.get(LIST, params={"limit": "1", "cursor": first["next"]})).json()
    assert [row["name"] for row in (*first["items"], *rest["items"])] == ["李雷", "王芳"]
    assert (first["total"], rest["next"]) == (2, None)


async def test_a_shop_sees_its_own_and_who_bought_there_and_only_what_was_bought_there(world: World, milk: str) -> None:
    here = await named(world, "本店", "+8613900001234", home="S1")
    away = await named(world, "外店", "+8613900005678", home="S4")
    shop, other, head = world.staff("manager1"), world.staff("franchisee_b"), world.staff("hq")
    assert (await listed(shop), await listed(other)) == (["本店"], ["外店"])
    assert (await shop.get(f"{LIST}/{away.id}")).status_code == 404
    # Once they bought there they are known there, with that order alone.
    own = await bought(world, away, milk, 1, "S1")
    foreign = await bought(world, away, milk, 7, "S4")
    assert sorted(await listed(shop)) == ["外店", "本店"]
    seen, whole = await case(shop, away), await case(head, away)
    assert [one["order_no"] for one in seen["orders"]["last"]] == [own["order_no"]]
    assert (seen["whole"], seen["orders"]["count"], seen["orders"]["spent"]["minor"]) == (False, 1, PRICE)
    assert (seen["tier"]["spent"], seen["tier"]["next"], seen["points"]["months"]) == (None, None, [])
    assert (whole["whole"], whole["orders"]["count"], whole["tier"]["spent"]["minor"]) == (True, 2, 8 * PRICE)
    for path in (f"{LIST}/{away.id}", f"{LIST}/{away.id}/points", f"{LIST}/{away.id}/timeline"):
        said = (await shop.get(path)).text
        assert foreign["order_no"] not in said
        assert str(7 * PRICE) not in said
        assert str(8 * PRICE) not in said
    assert foreign["order_no"] in (await head.get(f"{LIST}/{away.id}/timeline")).text
    assert (await world.staff("clerk1").get(LIST)).status_code == 403
    assert (await shop.put(f"{LIST}/{here.id}/tier", {"tier": "gold", "reason": "x"})).status_code == 403
    assert [role for role in Role if "members.edit" in PERMISSIONS[role]] == [Role.HEADQUARTERS]


async def test_an_order_of_two_shops_tells_neither_what_it_cost(world: World, milk: str) -> None:
    who = await named(world, "王芳", "+8613900001234")
    placed = await who.post("/api/mall/orders", order(line(milk, 2, "S1"), line(milk, 3, "S4")))
    assert placed.status_code == 201, placed.text
    for shop in ("manager1", "franchisee_b"):
        (one,) = (await case(world.staff(shop), who))["orders"]["last"]
        assert (one["total"], one["units"], len(one["stores"])) == (None, None, 1)
    assert (await case(world.staff("hq"), who))["orders"]["last"][0]["total"]["minor"] == 5 * PRICE


async def test_one_member_from_what_they_spent_to_what_is_missing(world: World, milk: str) -> None:
    head, who = world.staff("hq"), await named(world, "王芳", "+8613900001234")
    fresh = await case(head, who)
    assert (fresh["tier"]["tier"]["code"], fresh["tier"]["next"]["missing"]["minor"]) == ("member", 100_000)
    await bought(world, who, milk, 6)
    now = await case(head, who)
    tier = now["tier"]
    assert (tier["tier"]["code"], tier["spent"]["minor"], tier["from_amount"]["minor"]) == (
        "silver",
        6 * PRICE,
        100_000,
    )
    assert (tier["next"]["tier"]["code"], tier["next"]["missing"]["minor"]) == ("gold", 500_000 - 6 * PRICE)
    assert [(one["before"] and one["before"]["code"], one["tier"]["code"], one["because"], one["spent"]["minor"])
            for one in tier["changes"]] == [("member", "silver", "reached", 6 * PRICE)]  # fmt: skip
    # What the page says of spending is what the tiers are judged by.
    async with world.db.begin() as tx:
        assert await tx.fetchval(judge_tiers._OF_ONE, judge_tiers._since(), who.id) == tier["spent"]["minor"]
    points = now["points"]
    assert points["spendable"] == points["months"][-1]["earned"] > 0
    assert (points["worth"]["minor"], len(points["months"])) == (points["spendable"], 12)
    assert points["ends_next"]["points"] == points["spendable"]


async def test_a_tier_by_hand_is_kept_told_and_audited(world: World, milk: str) -> None:
    del milk
    head, who = world.staff("hq"), await named(world, "王芳", "+8613900001234")
    path, until = f"{LIST}/{who.id}/tier", (NOON + timedelta(days=90)).isoformat()
    mine = key()
    body = {"tier": "gold", "keeps_until": until, "reason": "投诉补偿"}
    done = await head.put(path, body, key=mine)
    assert done.status_code == 200, done.text
    assert (await head.put(path, body, key=mine)).content == done.content
    tier = done.json()["tier"]
    assert (tier["tier"]["code"], tier["earned"]["code"], tier["keeps_until"]) == (
        "gold",
        "member",
        "2027-02-16T04:00:00Z",
    )
    (change,) = tier["changes"]
    assert (change["because"], change["by"] is not None, change["reason"]) == ("set", True, "投诉补偿")
    audit = await world.db.fetchrow("SELECT reason, subject FROM audit_log WHERE action = 'member.tier'")
    assert audit is not None
    assert tuple(audit) == ("投诉补偿", str(who.id))
    for bad, field in (
        ({"tier": "copper", "reason": "x"}, "tier"),
        ({"tier": "gold", "reason": "x", "keeps_until": NOON.isoformat()}, "keeps_until"),
        ({"tier": "gold", "reason": "x", "keeps_until": "9999-12-31T23:59:59Z"}, "keeps_until"),
        ({"tier": "gold", "reason": "x", "keeps_until": "9999-12-31T23:59:59-12:00"}, "keeps_until"),
        ({"tier": "gold", "reason": " "}, "reason"),
    ):
        refused = await head.put(path, bad)
        assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, field)
    guest = await world.member(kind="guest")
    assert (await head.put(f"{LIST}/{guest.id}/tier", {"tier": "gold", "reason": "x"})).status_code == 404
    assert (await head.put(f"{LIST}/{new_id()}/tier", {"tier": "gold", "reason": "x"})).status_code == 404
    assert (await case(head, who))["tier"]["tier"]["code"] == "gold"


async def test_points_by_hand_and_their_history(world: World, milk: str) -> None:
    del milk
    head, who = world.staff("hq"), await named(world, "王芳", "+8613900001234")
    path = f"{LIST}/{who.id}/points"
    mine = key()
    given = await head.post(path, {"points": 500, "reason": "生日"}, key=mine)
    assert (given.status_code, given.json()["points"]["spendable"]) == (200, 500)
    assert (await head.post(path, {"points": 500, "reason": "生日"}, key=mine)).content == given.content
    taken = await head.post(path, {"points": -120, "reason": "送错"})
    assert (taken.status_code, taken.json()["points"]["spendable"]) == (200, 380)
    more = await head.post(path, {"points": -381, "reason": "送错"})
    assert (more.status_code, more.json()["code"]) == (409, "loyalty.nothing-to-take")
    assert (await head.post(path, {"points": 0, "reason": "x"})).json()["problems"][0]["field"] == "points"
    assert (await head.post(f"{LIST}/{new_id()}/points", {"points": 5, "reason": "x"})).status_code == 404
    rows = (await head.get(path)).json()["items"]
    assert [(row["kind"], row["points"], row["balance"], row["reason"]) for row in rows] == [
        ("taken", -120, 380, "送错"),
        ("given", 500, 500, "生日"),
    ]
    assert all(row["by"] for row in rows)
    one = (await head.get(path, params={"limit": "1"})).json()
    two = (await head.get(path, params={"limit": "1", "cursor": one["next"]})).json()
    assert [row["points"] for row in (*one["items"], *two["items"])] == [-120, 500]
    assert two["next"] is None
    month = (await case(head, who))["points"]["months"][-1]
    assert (month["month"], month["earned"], month["taken"]) == ("2026-11-01", 500, 120)
    assert await world.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'member.points'") == 2


async def test_one_timeline_of_orders_tiers_and_points(world: World, milk: str) -> None:
    head, who = world.staff("hq"), await named(world, "王芳", "+8613900001234")
    receipt = await bought(world, who, milk, 6)
    path = f"{LIST}/{who.id}/timeline"
    every = (await head.get(path)).json()["items"]
    assert {(one["kind"], one["event"]) for one in every} == {
        ("order", "placed"), ("order", "handed_over"), ("tier", "reached"), ("points", "order"), ("consent", "granted"),
    }  # fmt: skip
    placed = next(one for one in every if one["event"] == "placed")
    assert (placed["order_no"], placed["amount"]["minor"]) == (receipt["order_no"], 6 * PRICE)
    points = next(one for one in every if one["kind"] == "points")
    assert points["points"] == (await case(head, who))["points"]["spendable"]
    assert [one["kind"] for one in (await head.get(path, params={"kind": "tier"})).json()["items"]] == ["tier"]
    found, cursor = [], ""
    while cursor is not None:
        page = (await head.get(path, params={"limit": "1"} | ({"cursor": cursor} if cursor else {}))).json()
        found += page["items"]
        cursor = page["next"]
    assert [one["id"] for one in found] == [one["id"] for one in every]


async def test_what_a_guest_bought_is_the_members_too(world: World, milk: str) -> None:
    guest, who = await world.member(kind="guest"), await named(world, "王芳", "+8613900001234")
    receipt = await bought(world, guest, milk, 6)

    async def pages() -> list[str | None]:
        path = f"/api/console/orders/{receipt['id']}"
        return [(await world.staff(one).get(path)).json()["member"]["page"] for one in ("hq", "manager1")]

    assert await pages() == [None, None]
    await world.db.execute(
        "INSERT INTO adopted_guests (member_id, guest_id, adopted_at) VALUES ($1, $2, $3)", who.id, guest.id, NOON
    )
    assert guest.id is not None and who.id is not None  # noqa: PT018 - for the type checker
    async with world.db.begin() as tx:
        await judge_tiers.judge_one(tx, who.id)
        await earn_points.earn(tx, guest.id, UUID(receipt["id"]))
    seen = await case(world.staff("manager1"), who)
    assert [one["order_no"] for one in seen["orders"]["last"]] == [receipt["order_no"]]
    assert seen["tier"]["tier"]["code"] == "silver"
    assert await pages() == [str(who.id)] * 2


async def test_how_many_would_have_each_tier(world: World, milk: str) -> None:
    head, rich = world.staff("hq"), await named(world, "王芳", "+8613900001234")
    await named(world, "李雷", "+8613900005678")
    guest = await world.member(kind="guest")
    await bought(world, rich, milk, 4)
    await bought(world, guest, milk, 2)
    await world.db.execute(
        "INSERT INTO adopted_guests (member_id, guest_id, adopted_at) VALUES ($1, $2, $3)", rich.id, guest.id, NOON
    )

    async def counts(*tiers: tuple[str, int]) -> Any:
        body = {
            "tiers": [{"code": code, "name": {"zh": code, "en": code}, "from_minor": start} for code, start in tiers],
            "window_days": 365,
        }
        return await head.post("/api/console/tiers/counts", body)

    found = (await counts(("member", 0), ("silver", 6 * PRICE), ("gold", 6 * PRICE + 1))).json()
    assert [(one["code"], one["now"], one["by_spending"]) for one in found["tiers"]] == [
        ("member", 2, 1), ("silver", 0, 1), ("gold", 0, 0),
    ]  # fmt: skip
    assert (found["members"], found["elsewhere"], found["up"], found["down"]) == (2, 0, 1, 0)
    set_gold = await head.put(f"{LIST}/{rich.id}/tier", {"tier": "gold", "reason": "x"})
    assert set_gold.status_code == 200, set_gold.text
    above = (await counts(("member", 0), ("silver", 6 * PRICE), ("gold", 6 * PRICE + 1))).json()
    assert (above["tiers"][2]["now"], above["up"], above["down"]) == (1, 0, 1)
    other = (await counts(("base", 0))).json()
    assert (other["tiers"][0], other["elsewhere"]) == ({"code": "base", "now": 0, "by_spending": 2}, 2)
    assert (other["up"], other["down"]) == (0, 0)
    bad = await counts(("member", 5), ("gold", 5))
    assert (bad.status_code, bad.json()["problems"][0]["field"]) == (422, "body.tiers.0.from_minor")
    assert (await world.staff("manager1").post("/api/console/tiers/counts", {})).status_code == 403
    tiers = (await world.staff("clerk1").get("/api/console/tiers")).json()["items"]
    assert [(one["code"], one["from_amount"]["minor"]) for one in tiers] == [
        (tier.code, tier.from_minor) for tier in TIERS.current().body.tiers
    ]


async def test_new_rules_say_how_far_everybody_is_judged(world: World, milk: str) -> None:
    head, path = world.staff("hq"), "/api/console/tier-runs"
    rich = await named(world, "王芳", "+8613900001234")
    poor = await named(world, "李雷", "+8613900005678")
    await bought(world, rich, milk, 4)
    given = await head.put(f"{LIST}/{poor.id}/tier", {"tier": "gold", "reason": "x"})
    assert given.status_code == 200, given.text
    assert (await head.get(path)).json()["items"] == []
    body = msgspec.to_builtins(TIERS.default) | {"grace_days": 7}
    body["tiers"][1]["from_minor"] = 3 * PRICE
    said = await head.put("/api/console/policies/tiers", {"body": body, "reason": "会员日"})
    assert said.status_code == 200, said.text

    async def told_of_rules() -> Any:
        await world.relay()
        while await outbox.consume_once(world.db, outbox.consumers["tier-rules"]):
            pass
        return (await head.get(path)).json()["items"]

    (run,) = await told_of_rules()
    assert (run["version"], run["state"], run["members"], run["judged"]) == (1, "queued", None, 0)
    (run_id,) = [row["id"] for row in await world.db.fetch("SELECT id FROM tier_runs")]
    await judge_by_new_rules.judge_everybody(world.db, judge_by_new_rules.Judging(run_id))
    (done,) = (await head.get(path)).json()["items"]
    assert (done["state"], done["members"], done["judged"]) == ("done", 2, 2)
    assert (done["up"], done["down"], done["moved"], done["kept"], done["failed"]) == (1, 0, 0, 1, 0)
    assert (await case(head, rich))["tier"]["tier"]["code"] == "silver"
    assert (await case(head, poor))["tier"]["tier"]["code"] == "gold"
    assert (await world.staff("clerk1").get(path)).status_code == 403
    for other in ("points", "wallet"):
        body = msgspec.to_builtins(policies.current(other).body)
        assert (await head.put(f"/api/console/policies/{other}", {"body": body, "reason": "x"})).status_code == 200
    assert await told_of_rules() == [done]
    await world.db.execute("DELETE FROM policies")
    await policies.refresh(world.db)
