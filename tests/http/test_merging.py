"""Pairs in doubt, merging and undoing over HTTP; and what the mall and the till see of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline import loyalty
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.members import cards, identities, pairs
from duoline.members.match import pair
from tests.http.test_guides import bound, code_of
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


async def test_two_who_are_one_person_cannot_be_told_apart_without_undoing_it(
    world: World, both: tuple[Caller, Caller]
) -> None:
    """As when they are merged in the moment in which the pair is found."""
    one, two = both
    hq = world.staff("hq")
    merges = f"/api/console/members/{of(one)}/merges"
    assert (await hq.post(merges, {"other_id": str(of(two)), "reason": "same"})).status_code == 201
    await world.db.execute("UPDATE member_pairs SET state = 'open', decided_at = NULL, decided_by = ''")
    path = f"{PAIRS}/{of(one)}/{of(two)}/decision"
    refused = await hq.post(path, {"decision": "different", "reason": "twins"})
    assert (refused.status_code, refused.json()["code"], refused.json()["into"]) == (
        409, "members.already-merged", str(of(one)),
    )  # fmt: skip
    assert (await hq.get(PAIRS)).json()["total"] == 1
    done = await hq.post(path, {"decision": "same", "keep": "first", "reason": "same"})
    assert (done.status_code, done.json()["state"]) == (200, "same")
    assert await world.db.fetchval("SELECT count(*) FROM member_merges") == 1


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


# --- identities by hand -----------------------------------------------------------------------------------


async def identify(world: World, who: Caller, kind: str, value: str, **more: bool) -> tuple[int, dict[str, Any]]:
    kind, _, place = kind.partition(":")
    body = {"kind": kind, "value": value, "reason": "showed it at the desk"} | more
    if place:
        body["marketplace"] = place
    answer = await world.staff("hq").post(f"/api/console/members/{who.id}/identities", body)
    return answer.status_code, answer.json()


def told(answer: dict[str, Any]) -> set[tuple[str, str, str, bool]]:
    return {(one["kind"], one["shown"], one["source"], one["leads"]) for one in answer["identities"]}


async def test_an_identity_is_added_by_hand_leads_and_is_ended(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    for kind, value in (
        ("wechat_unionid", "u-abcdefg"),
        ("mail", " Lin@Example.com "),
        ("marketplace:tmall", "tb 88231"),
        ("card_no", "6201 0009"),
    ):
        status, shown = await identify(world, one, kind, value)
        assert status == 201, shown
    assert told(shown) == {
        ("phone", "199****0851", "member-file", True),
        ("wechat_unionid", "u-***efg", "console", True),
        ("mail", "li***@example.com", "console", False),
        ("marketplace:tmall", "tb***231", "console", True),
        ("card_no", "62***009", "console", True),
    }
    secret = world.settings.secret.encode()
    assert await cards.read_card(world.db, "6201 0009", secret=secret) == of(one)
    assert (await identify(world, one, "mail", "lin@example.com"))[1]["code"] == "members.identity-known"
    assert (await identify(world, one, "wechat_unionid", "u-another"))[1]["code"] == "members.second-identity"
    assert (await identify(world, one, "mail", "no address"))[1]["code"] == "members.bad-identity"
    for kind in ("marketplace", "mail:tmall"):
        assert (await identify(world, one, kind, "x"))[1]["problems"][0]["field"] == "marketplace"
    said = await world.db.fetch("SELECT action, reason, after FROM audit_log WHERE action = 'member.identity-add'")
    assert len(said) == 4
    assert "88231" not in str([dict(row) for row in said])
    refs = {row["kind"]: row["ref"] for row in shown["identities"]}
    assert refs["phone"] is None
    hq, path = world.staff("hq"), f"/api/console/members/{one.id}/identities"
    for kind in ("card_no", "marketplace:tmall"):
        ended = await hq.post(f"{path}/{refs[kind]}/end", {"reason": "lost"})
        assert ended.status_code == 200, ended.text
    assert {row["kind"] for row in ended.json()["identities"]} == {"phone", "wechat_unionid", "mail"}
    with pytest.raises(cards.NoSuchCard):
        await cards.read_card(world.db, "62010009", secret=secret)
    assert (await hq.post(f"{path}/{refs['card_no']}/end", {"reason": "lost"})).status_code == 404
    elsewhere = f"/api/console/members/{two.id}/identities/{refs['mail']}/end"
    assert (await hq.post(elsewhere, {"reason": "not theirs"})).status_code == 404
    assert await world.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'member.identity-end'") == 2
    # Who may only look sees no way to end one.
    assert (await identify(world, two, "marketplace:tmall", "tb88231"))[0] == 201  # it is free again


async def test_what_somebody_else_has_is_refused_or_makes_a_pair(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    await world.db.execute("DELETE FROM member_pairs")
    await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ('C-1', $1)", of(two))
    await world.db.execute("UPDATE members SET external_code = 'C-1' WHERE member_id = $1", of(two))
    for kind, value in (("card_no", "C-1"), ("wechat_openid", "o-abcdefg")):
        status, refused = await identify(world, one, kind, value)
        assert (status, refused["code"], refused["other"]) == (409, "members.identity-taken", str(two.id))
    assert await world.db.fetchval("SELECT count(*) FROM identities WHERE member_id = $1", of(one)) == 0
    status, kept = await identify(world, one, "card_no", "C-1", doubt=True)
    assert (status, kept["open_pairs"]) == (201, 1)
    assert ("card_no", "C-1", "console", False) in told(kept)
    secret = world.settings.secret.encode()
    assert await cards.read_card(world.db, "C-1", secret=secret) == of(two)  # it leads where it led
    [pair_row] = (await world.staff("hq").get(PAIRS)).json()["items"]
    assert (pair_row["reasons"], pair_row["source"]) == (["shared_card_no"], "console")
    # Merged, it is theirs; and whoever was merged is identified as who they are now.
    made = await world.staff("hq").post(
        f"/api/console/members/{one.id}/merges", {"other_id": str(two.id), "reason": "x"}
    )
    assert made.status_code == 201
    assert (await identify(world, two, "mail", "a@b.cn"))[1]["code"] == "members.already-merged"
    card = next(row for row in made.json()["identities"] if row["source"] == "card")
    path = f"/api/console/members/{one.id}/identities/{card['ref']}/end"
    assert (await world.staff("hq").post(path, {"reason": "lost"})).status_code == 200
    assert await world.db.fetchval("SELECT external_code FROM members WHERE member_id = $1", of(two)) is None
    assert await broken(world.db) == []


async def test_two_at_once_have_an_identity_once(world: World, both: tuple[Caller, Caller]) -> None:
    for kind, value in (("wechat_unionid", "u-race"), ("card_no", "6201777")):
        made = await asyncio.gather(*(identify(world, who, kind, value) for who in both))
        assert sorted(status for status, _ in made) == [201, 409]
    assert await broken(world.db) == []


async def test_what_both_have_is_told_before_and_after(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    hq = world.staff("hq")
    path = f"/api/console/members/{of(one)}/merges/with/{of(two)}"
    assert (await world.staff("manager1").get(path)).status_code == 403
    before = (await hq.get(path)).json()
    assert [before[side]["points"] for side in ("kept", "other", "together")] == [100, 250, 350]
    assert before["together"]["wallet"] == {"minor": 0, "currency": "CNY"}
    counts = {
        "tiers": [{"code": "member", "name": {"zh": "会员", "en": "Member"}, "from_minor": 0}],
        "window_days": 365,
    }
    persons = (await hq.post("/api/console/tiers/counts", counts)).json()
    made = await hq.post(f"/api/console/members/{of(one)}/merges", {"other_id": str(of(two)), "reason": "same"})
    assert made.status_code == 201
    after = (await hq.get(path)).json()
    assert after["kept"] == after["together"] == before["together"]
    # Two are one person now, wherever persons are counted; and the other's page says who they are.
    now = (await hq.post("/api/console/tiers/counts", counts)).json()
    assert (now["members"], persons["members"]) == (persons["members"] - 1, now["members"] + 1)
    assert sum(tier["by_spending"] for tier in now["tiers"]) == now["members"]
    assert (await hq.get(f"/api/console/members/{of(two)}")).json()["merged_into"] == str(of(one))
    (row,) = (await hq.get("/api/console/members", params={"q": "0852"})).json()["items"]
    assert row["merged_into"] == str(of(one))


async def test_one_guide_stands_once_and_another_rests(world: World, both: tuple[Caller, Caller]) -> None:
    one, two = both
    for who in (one, two):
        await bound(who, await code_of(world, "clerk1"))
    hq = world.staff("hq")
    path = f"/api/console/members/{of(one)}/relations"

    async def guides() -> list[tuple[str, bool]]:
        found = (await hq.get(path)).json()["items"]
        return [(tie["person"], tie["rests"]) for tie in found if tie["kind"] == "guide" and tie["until_at"] is None]

    assert await guides() == [("clerk1", False)]
    merges = f"/api/console/members/{of(one)}/merges"
    await hq.post(merges, {"other_id": str(of(two)), "reason": "same"})
    assert await guides() == [("clerk1", False)]
    third = await world.member("+8619900000853")
    await bound(third, await code_of(world, "manager1"))
    assert (await hq.post(merges, {"other_id": str(of(third)), "reason": "same"})).status_code == 201
    assert sorted(await guides()) == [("clerk1", False), ("manager1", True)]
