"""Pairs in doubt, merging and undoing over HTTP; and what the mall and the till see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from duoline import loyalty
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.members import identities, pairs
from duoline.members.match import pair
from tests.http.test_live import connect, ended

if TYPE_CHECKING:
    from tests.http.world import Caller, World

PAIRS = "/api/console/member-pairs"


def of(caller: Caller) -> UUID:
    assert caller.id is not None
    return caller.id


@pytest.fixture
async def both(world: World) -> tuple[Caller, Caller]:
    one, two = await world.member("+8619900000851"), await world.member("+8619900000852")
    await world.db.execute("UPDATE members SET display_name = '林小满' WHERE member_id = ANY ($1)", [of(one), of(two)])
    async with world.db.begin() as tx:
        for who, points in ((one, 100), (two, 250)):
            await loyalty.give(tx, member_id=of(who), source="given", ref_id=new_id(), points=points, actor=SYSTEM)
        await identities.add(
            tx,
            [identities.Identity("wechat_openid", "o-abcdefg", of(two), leads=True)],
            source="wechat",
            at=clock.now(),
        )
        await pairs.raise_doubts(
            tx, [pair(of(one), of(two), 70, ("same_name", "phone_near"))], source="signups", rule_version=0
        )
    return one, two


async def test_a_pair_is_shown_side_by_side_and_decided_once(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    hq = world.staff("hq")
    page = (await hq.get(PAIRS)).json()
    assert page["total"] == 1
    for q, n in (("林小", 1), ("0852", 1), ("0859", 0), ("王", 0)):
        assert (await hq.get(PAIRS, params={"q": q})).json()["total"] == n
    [row] = page["items"]
    assert (row["score"], row["reasons"], row["state"]) == (70, ["same_name", "phone_near"], "open")
    sides = {row[end]["id"]: row[end] for end in ("first", "second")}
    assert sides[str(of(two))]["points"] == 250
    assert {(each["kind"], each["shown"]) for each in sides[str(of(two))]["identities"]} == {
        ("phone", "199****0852"),
        ("wechat_openid", "o-***efg"),
    }
    keep = "first" if row["first"]["id"] == str(of(one)) else "second"
    body = {"decision": "same", "keep": keep, "reason": "same face"}
    path = f"{PAIRS}/{row['first']['id']}/{row['second']['id']}/decision"
    answer = await hq.post(path, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "same"
    assert (await hq.post(path, body)).json()["type"].endswith("members.pair-decided")
    assert (await hq.get(PAIRS)).json()["total"] == 0
    assert (await hq.get(PAIRS, params={"which": "same"})).json()["items"][0]["decided_by"]
    # The other's own session is the survivor's now.
    assert (await two.get("/api/mall/membership")).json()["points"]["spendable"] == 350
    assert (await one.get("/api/mall/membership")).json()["points"]["spendable"] == 350
    assert len((await one.get("/api/mall/points")).json()["items"]) == 2
    who = (await hq.get(f"/api/console/members/{of(one)}/identity")).json()
    assert [merge["other"]["id"] for merge in who["merges"]] == [str(of(two))]
    case = (await hq.get(f"/api/console/members/{of(one)}")).json()
    assert case["points"]["spendable"] == 350
    assert {(each["kind"], each["alone"]) for each in who["identities"]} == {("phone", True), ("wechat_openid", True)}
    gone = (await hq.get(f"/api/console/members/{of(two)}/identity")).json()
    assert gone["merged_into"]["id"] == str(of(one))
    listed = (await hq.get("/api/console/members")).json()["items"]
    assert str(of(two)) not in {row["id"] for row in listed}
    found = (await hq.get("/api/console/members", params={"q": "0852"})).json()["items"]
    assert [row["id"] for row in found] == [str(of(two))]
    # And back.
    end = f"/api/console/members/{of(one)}/merges/{who['merges'][0]['id']}/end"
    assert (await hq.post(end, {"reason": "twins"})).status_code == 200
    assert (await hq.post(end, {"reason": "twins"})).json()["type"].endswith("members.merge-undone")
    assert (await two.get("/api/mall/membership")).json()["points"]["spendable"] == 250
    assert (await one.get("/api/mall/membership")).json()["points"]["spendable"] == 100
    assert (await hq.get(PAIRS, params={"which": "different"})).json()["total"] == 1


async def test_a_pair_with_somebody_who_was_merged_since_is_about_who_they_are_now(
    world: World, both: tuple[Caller, Caller]
) -> None:
    one, two = both
    third = await world.member("+8619900000853")
    hq = world.staff("hq")
    async with world.db.begin() as tx:
        doubts = [pair(of(who), of(third), 80, ("shared_phone",)) for who in both]
        await pairs.raise_doubts(tx, doubts, source="signups", rule_version=0)
    made = await hq.post(f"/api/console/members/{of(one)}/merges", {"other_id": str(of(two)), "reason": "same"})
    assert made.status_code == 201
    first, second = sorted((of(two), of(third)))
    path, keep = f"{PAIRS}/{first}/{second}/decision", ("second" if second == of(third) else "first")
    refused = await hq.post(path, {"decision": "same", "keep": keep, "reason": "x"})
    assert refused.json()["type"].endswith("members.has-others")
    other = "first" if keep == "second" else "second"
    assert (await hq.post(path, {"decision": "same", "keep": other, "reason": "x"})).status_code == 200
    # With it the pair of the third and who the second is now is decided too.
    assert (await hq.get(PAIRS, params={"which": "same"})).json()["total"] == 3
    rows = await world.db.fetch("SELECT member_id, other_id FROM member_merges WHERE undone_at IS NULL")
    assert {tuple(row) for row in rows} == {(of(one), of(two)), (of(one), of(third))}


async def test_what_two_people_have_is_marked(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    async with world.db.begin() as tx:
        claims = [
            identities.Identity("mail", "a@b.cn", of(one), leads=False),
            identities.Identity("mail", "a@b.cn", of(two), leads=False),
            identities.Identity("phone", "+8619900000851", of(two), leads=False),
        ]
        await identities.add(tx, claims, source="till", at=clock.now())
    hq = world.staff("hq")
    shown = (await hq.get(f"/api/console/members/{of(one)}/identity")).json()["identities"]
    assert [(each["kind"], each["alone"]) for each in shown] == [("phone", False), ("mail", False)]
    made = await hq.post(f"/api/console/members/{of(one)}/merges", {"other_id": str(of(two)), "reason": "same"})
    assert all(each["alone"] for each in made.json()["identities"])


async def test_not_the_same_person_changes_no_member(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    hq = world.staff("hq")
    first, second = sorted((of(one), of(two)))
    answer = await hq.post(f"{PAIRS}/{second}/{first}/decision", {"decision": "different", "reason": "twins"})
    assert answer.json()["state"] == "different"
    assert await world.db.fetchval("SELECT count(*) FROM member_merges") == 0
    audit = "SELECT count(*) FROM audit_log WHERE action = 'member.not-same'"
    assert await world.db.fetchval(audit) == 2


async def test_open_pages_of_both_begin_anew_when_they_are_merged_and_when_not(
    world: World, both: tuple[Caller, Caller]
) -> None:
    one, two = both
    hq = world.staff("hq")
    browsers = [await connect(world, who, "/api/mall/events") for who in both]
    made = await hq.post(f"/api/console/members/{of(one)}/merges", {"other_id": str(of(two)), "reason": "same"})
    await world.relay()
    for browser in browsers:
        await ended(browser)
    again = await connect(world, two, "/api/mall/events")
    end = f"/api/console/members/{of(one)}/merges/{made.json()['merges'][0]['id']}/end"
    assert (await hq.post(end, {"reason": "twins"})).status_code == 200
    await world.relay()
    await ended(again)


async def test_refusals_say_what_to_do(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    hq = world.staff("hq")
    merges = f"/api/console/members/{of(one)}/merges"
    for other, status, code in (
        (of(one), 422, "members.same-member"),
        (new_id(), 404, "kernel.not-found"),
    ):
        answer = await hq.post(merges, {"other_id": str(other), "reason": "x"})
        assert (answer.status_code, answer.json()["type"].rpartition("#")[2]) == (status, code)
    assert (await hq.post(merges, {"other_id": str(of(two)), "reason": " "})).status_code in (400, 422)
    assert (await hq.post(merges, {"other_id": str(of(two)), "reason": "same"})).status_code == 201
    back = await hq.post(f"/api/console/members/{of(two)}/merges", {"other_id": str(of(one)), "reason": "x"})
    assert back.json()["type"].endswith("members.already-merged")
    assert (await world.staff("manager1").get(PAIRS)).status_code == 403
    assert (await world.staff("manager1").post(merges, {"other_id": str(of(two)), "reason": "x"})).status_code == 403


async def test_coupons_of_the_other_are_shown_and_the_others_again(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    hq = world.staff("hq")
    promotion, batch, coupon, now = new_id(), new_id(), new_id(), clock.now()
    await world.db.execute(
        """INSERT INTO promotions (id, version, name_zh, name_en, kind, body, from_at, actor_id, created_at)
           VALUES ($1, 1, '券', 'Coupon', 'percent_off', $3, $2, $1, $2)""",
        promotion,
        now,
        {"id": str(promotion), "version": 1, "effect": {"type": "percent_off"}},
    )
    await world.db.execute(
        """INSERT INTO coupon_batches (batch_id, promotion_id, way, issued, from_at, actor_id, created_at)
           VALUES ($1, $2, 'given', 1, $3, $1, $3)""",
        batch,
        promotion,
        now,
    )
    await world.db.execute(
        "INSERT INTO coupons (id, batch_id, promotion_id, member_id, issued_at) VALUES ($1, $2, $3, $4, $5)",
        coupon,
        batch,
        promotion,
        of(two),
        now,
    )

    async def mine(caller: Caller) -> list[str]:
        return [row["id"] for row in (await caller.get("/api/mall/coupons")).json()["items"]]

    made = await hq.post(f"/api/console/members/{of(one)}/merges", {"other_id": str(of(two)), "reason": "same"})
    assert await mine(one) == [str(coupon)]
    end = f"/api/console/members/{of(one)}/merges/{made.json()['merges'][0]['id']}/end"
    assert (await hq.post(end, {"reason": "twins"})).status_code == 200
    assert (await mine(one), await mine(two)) == ([], [str(coupon)])
