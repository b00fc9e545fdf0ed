"""One timeline from every touchpoint: each source once, in order, page by page, and to each reader what is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline import loyalty
from duoline.channels.clerk import guide as clerk_guide
from duoline.channels.mall import count_scan
from duoline.channels.mall import guide as mall_guide
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.flows import erase_member, member_history
from duoline.flows.give_back_offers import give_back_offers
from duoline.flows.merge_members import merge_members
from duoline.flows.unmerge_members import unmerge_members
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.members import identities
from duoline.orders.advance import Undone
from duoline.stores.rights import EVERYWHERE
from tests.http import test_coupons, test_touchpoints
from tests.http.shelf import NOON, line, order, stocked
from tests.http.test_guide_tasks import done, tasks
from tests.http.test_guides import bound, code_of
from tests.http.test_members import bought
from tests.http.test_shares import shared
from tests.http.test_touchpoints import log_in, opened
from tests.http.test_wallet import filled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

LIST = "/api/console/members"


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article in S1 and S4; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, clerk_guide.ASKS_BY_STAFF, mall_guide.BINDS_BY_MEMBER,
                  mall_shares.SHARES_BY_MEMBER):  # fmt: skip
        limit.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 50, "S4": 50})
        assert await broken(world.db) == []


async def known(world: World, who: Caller, phone: str) -> Caller:
    """Logged in by phone, with the id of the member they are."""
    await log_in(world, who, phone)
    who.id = await world.db.fetchval("SELECT member_id FROM phone_index WHERE phone = $1", phone)
    return who


def of(who: Caller) -> UUID:
    assert who.id is not None
    return who.id


async def agreed(who: Caller, *purposes: str) -> None:
    for purpose in purposes:
        said = await who.put(f"/api/mall/privacy/{purpose}", {"granted": True, "text_version": 1})
        assert said.status_code == 200, said.text


async def timeline(reader: Caller, member: UUID, **params: Any) -> list[dict[str, Any]]:
    """The whole of it, so many at a time."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = await reader.get(f"{LIST}/{member}/timeline", params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def said(items: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["kind"], one["event"]) for one in items}


async def claimed(world: World, who: Caller) -> None:
    """A coupon of three days."""
    made = await test_coupons.opened(world, await test_coupons.promotion(world), "claim", valid_days=3)
    taken = await who.post(f"/api/mall/coupon-batches/{made['batch']['batch_id']}/claims")
    assert taken.status_code in (200, 201), taken.text


async def lived(world: World, milk: str) -> tuple[Caller, Caller]:
    """A friend's link brings a member, to whom everything happens that can; everything at one instant."""
    friend = await world.member("+8619910000101")
    link = await shared(friend)
    who = world.anonymous()
    await opened(who.client, link["code"], query="?v=q")
    await known(world, who, "+8619910000102")
    await world.db.execute("UPDATE members SET display_name = '王芳' WHERE member_id = $1", who.id)
    await agreed(who, "sharing", "profiling")
    poster = await test_touchpoints.made(world)
    await opened(who.client, poster["code"])
    await bound(who, await code_of(world))
    for task in await tasks(world):
        assert (await world.staff("clerk1").post("/api/clerk/guide-tasks", done(task))).status_code == 204
    assert (await who.put("/api/mall/favourites", {"product_code": "MILK"})).status_code in (200, 201)
    await claimed(world, who)
    await bought(world, who, milk, 6)
    # The order has used the first.
    await claimed(world, who)
    await filled(world, who, 20_000, 1_000)
    async with world.db.begin() as tx:
        await loyalty.give(
            tx, member_id=of(who), source="given", ref_id=new_id(), points=50, actor=SYSTEM, reason="生日"
        )
        await identities.add(
            tx,
            [identities.Identity("wechat_openid", "o-abcdefg", of(who), leads=True)],
            source="wechat",
            at=clock.now(),
        )
    await shared(who)
    assert (await who.delete("/api/mall/guide")).status_code == 200
    return who, friend


EVERYTHING = {
    ("scan", "qr"), ("scan", "link"), ("scan", "signed_up"), ("tier", "reached"), ("consent", "granted"),
    ("guide", "bound"), ("guide", "called"), ("guide", "ended"), ("favourite", "liked"), ("coupon", "given"),
    ("coupon", "used"), ("order", "placed"), ("order", "handed_over"), ("points", "order"), ("points", "given"),
    ("points", "binding"), ("wallet", "top-up"), ("identity", "known"), ("share", "shared"),
}  # fmt: skip


async def test_every_source_is_told_once_and_in_its_words(world: World, milk: str) -> None:
    who, friend = await lived(world, milk)
    head = world.staff("hq")
    every = await timeline(head, of(who), limit=100)
    assert said(every) == EVERYTHING
    keys = [(one["kind"], one["event"], one["id"]) for one in every]
    assert len(keys) == len(set(keys))
    one = {(each["kind"], each["event"]): each for each in every}
    met = one["scan", "qr"]
    assert (met["what"], met["other"], met["name"]["en"]) == ("share", str(friend.id), "Milk powder")
    assert one["scan", "link"]["store"]["code"] == "S1"
    assert one["scan", "signed_up"]["other"] == str(friend.id)
    tie, end = one["guide", "bound"], one["guide", "ended"]
    assert (tie["guide"], tie["store"]["code"], tie["source"], end["source"]) == (
        "clerk1",
        "S1",
        "invitation",
        "member",
    )
    assert (one["guide", "called"]["what"], one["guide", "called"]["guide"]) == ("welcome", "clerk1")
    assert one["favourite", "liked"]["name"] == {"zh": "奶粉", "en": "Milk powder"}
    assert one["coupon", "given"]["name"]["en"] == "30 off"
    assert (one["wallet", "top-up"]["amount"]["minor"], one["points", "given"]["points"]) == (21_000, 50)
    assert (one["points", "given"]["reason"], one["identity", "known"]["what"]) == ("生日", "wechat_openid")
    assert {each["what"] for each in every if each["event"] == "granted"} >= {"sharing", "profiling"}
    assert "o-abcdefg" not in str(every)
    # What has a page is led to; the friend's link and the shop's poster, by their ids.
    points = {row["code"]: str(row["id"]) for row in await world.db.fetch("SELECT code, id FROM touchpoints")}
    assert {met["touchpoint"], one["scan", "link"]["touchpoint"], one["share", "shared"]["touchpoint"]} <= {
        *points.values()
    }
    assert met["touchpoint"] == one["scan", "signed_up"]["touchpoint"] != one["scan", "link"]["touchpoint"]
    assert (await head.get(f"/api/console/touchpoints/{met['touchpoint']}")).status_code == 200
    assert {(each["kind"], each["guide_login"]) for each in every if each["guide_login"]} == {("guide", "clerk1")}
    # What is the friend's: the share, and nothing of what the other did.
    theirs = await timeline(head, of(friend), limit=100)
    assert ("share", "shared") in said(theirs)
    assert not said(theirs) & {("order", "placed"), ("guide", "bound"), ("scan", "qr")}


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_pages_lose_nothing_and_show_nothing_twice_at_one_instant(world: World, milk: str, limit: int) -> None:
    who, _ = await lived(world, milk)
    head = world.staff("hq")
    with clock.frozen(NOON + timedelta(days=9)):
        whole = await timeline(head, of(who), limit=100)
        assert len(whole) > 20
        assert await timeline(head, of(who), limit=limit) == whole
        times = [one["at"] for one in whole]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) < len(times)
        for kind in member_history.KINDS:
            assert await timeline(head, of(who), kind=kind, limit=limit) == [
                one for one in whole if one["kind"] == kind
            ]
        assert ("coupon", "expired") in said(whole)


async def test_a_shop_sees_what_is_its_own(world: World, milk: str) -> None:
    who, _ = await lived(world, milk)
    away = await bought(world, who, milk, 1, "S4")
    here, there, head = world.staff("manager1"), world.staff("franchisee_b"), world.staff("hq")
    own, foreign = await timeline(here, of(who)), await timeline(there, of(who))
    assert away["order_no"] in str(await timeline(head, of(who)))
    assert away["order_no"] not in str(own)
    assert {("guide", "bound"), ("scan", "link"), ("order", "placed")} <= said(own)
    assert {one["order_no"] for one in foreign if one["kind"] == "order"} == {away["order_no"]}
    # Of the other's guide, poster and till nothing; nor what only the chain may know.
    assert not {one["kind"] for one in foreign} & {"guide", "scan", "wallet", "identity", "share", "commission"}
    assert not {one["kind"] for one in own} & {"wallet", "identity", "share", "commission"}
    assert {one["event"] for one in own if one["kind"] == "scan"} == {"link"}
    # The manager may open the poster and the clerk; whose colleagues they are not, open neither.
    for each in own:
        if each["kind"] == "scan":
            assert (await here.get(f"/api/console/touchpoints/{each['touchpoint']}")).status_code == 200
        assert each["guide_login"] == ("clerk1" if each["kind"] == "guide" else None)
    assert all(one["store"] is None or one["store"]["code"] == "S4" for one in foreign)
    # The tie to a guide is the shop's own; who brought the member is the chain's.
    relations = f"{LIST}/{of(who)}/relations"
    assert [one["kind"] for one in (await here.get(relations)).json()["items"]] == ["guide"]
    assert (await there.get(relations)).json()["items"] == []
    assert (await world.staff("clerk1").get(f"{LIST}/{of(who)}/timeline")).status_code == 403
    assert (await world.staff("manager2").get(f"{LIST}/{of(who)}/timeline")).status_code == 404


async def test_likes_are_told_of_who_agreed_and_partners_are_told_of_who_agreed(world: World, milk: str) -> None:
    who, _ = await lived(world, milk)
    await bought(world, who, milk, 1, "S4")
    head, partner = world.staff("hq"), world.staff("franchisee_b")
    assert await timeline(head, of(who), kind="favourite")
    assert (await who.put("/api/mall/privacy/profiling", {"granted": False, "text_version": 1})).status_code == 200
    assert await timeline(head, of(who), kind="favourite") == []
    assert (await who.put("/api/mall/privacy/sharing", {"granted": False, "text_version": 1})).status_code == 200
    for path in ("timeline", "relations"):
        refused = await partner.get(f"{LIST}/{of(who)}/{path}")
        assert (refused.status_code, refused.json()["code"]) == (403, "members.no-consent")


async def test_relations_have_a_start_a_source_and_an_end(world: World, milk: str) -> None:
    who, friend = await lived(world, milk)
    head = world.staff("hq")
    found = {one["kind"]: one for one in (await head.get(f"{LIST}/{of(who)}/relations")).json()["items"]}
    tie = found["guide"]
    assert (tie["person"], tie["store"]["code"], tie["ended_because"]) == ("clerk1", "S1", "member")
    assert tie["from_at"] is not None and tie["until_at"] is not None and tie["source"]  # noqa: PT018 - one tie
    assert (tie["login"], tie["touchpoint"]) == ("clerk1", None)
    by = found["brought_by"]
    assert (await head.get(f"/api/console/touchpoints/{by['touchpoint']}")).json()["touchpoint"]["kind"] == "share"
    assert (by["other"], by["source"], by["until_at"]) == (str(friend.id), "share", None)
    theirs = {one["kind"]: one for one in (await head.get(f"{LIST}/{of(friend)}/relations")).json()["items"]}
    assert (theirs["brought"]["other"], theirs["brought"]["from_at"]) == (str(who.id), by["from_at"])


async def test_who_was_merged_has_one_timeline_and_has_two_again(world: World, milk: str) -> None:
    who, _ = await lived(world, milk)
    other = await world.member("+8619910000103")
    await bought(world, other, milk, 1, "S4")
    head = world.staff("hq")
    before = [await timeline(head, of(each), limit=100) for each in (who, other)]
    async with world.db.begin() as tx:
        merge_id = await merge_members(tx, survivor_id=of(who), other_id=of(other), reason="一个人", actor=SYSTEM)
    both = await timeline(head, of(who), limit=100)
    # Tiers stay each one's own history.
    wanted = {(one["id"], one["event"]) for one in [*before[0], *before[1]] if one["kind"] != "tier"}
    assert wanted <= {(one["id"], one["event"]) for one in both}
    merged = [one for one in both if one["event"] == "merged"]
    assert [(one["kind"], one["other"]) for one in merged if one["kind"] == "identity"] == [("identity", str(other.id))]
    with clock.frozen(NOON + timedelta(hours=1)):
        async with world.db.begin() as tx:
            await unmerge_members(tx, survivor_id=of(who), merge_id=merge_id, reason="两个人", actor=SYSTEM)
        for each, was in ((who, before[0]), (other, before[1])):
            now = await timeline(head, of(each), limit=100)
            assert {(one["id"], one["event"]) for one in was} <= {(one["id"], one["event"]) for one in now}
            told = [one["event"] for one in now if one["kind"] == "identity"]
            assert (told[0], told.count("merged"), told.count("separated")) == ("separated", 1, 1)
        assert not {one["order_no"] for one in await timeline(head, of(who)) if one["order_no"]} & {
            one["order_no"] for one in before[1] if one["order_no"]
        }


async def test_of_an_erased_member_nothing_is_told(world: World, milk: str) -> None:
    del milk
    who = await world.member("+8619910000104")
    await agreed(who, "marketing")
    async with world.db.begin() as tx:
        await erase_member.erase(tx, member_id=of(who), channel="console", secret=world.settings.secret, actor=SYSTEM)
    for path in ("timeline", "relations"):
        assert (await world.staff("hq").get(f"{LIST}/{of(who)}/{path}")).status_code == 404


async def test_what_was_used_and_given_back_is_told(world: World, milk: str) -> None:
    who = await world.member("+8619910000105")
    await claimed(world, who)
    placed = await who.post("/api/mall/orders", order(line(milk)))
    assert placed.status_code == 201, placed.text
    head = world.staff("hq")
    used = next(one for one in await timeline(head, of(who)) if (one["kind"], one["event"]) == ("coupon", "used"))
    assert used["order_no"] == placed.json()["order_no"]
    cancelled = await who.post(f"/api/mall/orders/{placed.json()['id']}/cancellation", {})
    assert cancelled.status_code == 200, cancelled.text
    await give_back_offers(world.db, Undone(UUID(placed.json()["id"])))
    assert {("order", "cancelled"), ("coupon", "used"), ("coupon", "given_back")} <= said(await timeline(head, of(who)))


async def test_what_a_member_was_paid_leads_to_its_statement(world: World) -> None:
    friend, statement, run = await world.member("+8619910000103"), new_id(), new_id()
    await world.db.execute(
        "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'member', $2)", of(friend), NOON
    )
    await world.db.execute(
        """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                                   cut_minor, to_pay_minor, carried_out_minor, state, approvals_needed, closed_by,
                                   closed_at, done_at)
           VALUES ($1, $2, 'member', '2026-10', 'payout', 0, 500, 0, 0, 500, 0, 'paid', 1, 'system', $3, $3)""",
        of(friend), statement, NOON,
    )  # fmt: skip
    await world.db.execute(
        """INSERT INTO payouts (payee_id, id, statement_id, run_id, amount_minor, due_minor, currency, state, actor, at,
                                resolved_at)
           VALUES ($1, $2, $3, $4, 500, 500, 'CNY', 'done', 'system', $5, $5)""",
        of(friend), new_id(), statement, run, NOON,
    )  # fmt: skip
    [paid] = await timeline(world.staff("hq"), of(friend), kind="commission")
    assert (paid["event"], paid["statement"], paid["payee"]) == ("paid", str(statement), None)


def test_the_statement_stays_prepared() -> None:
    """The driver keeps no longer ones: they would be planned at each call."""
    assert len(member_history.EVERY.encode()) < 15 * 1024


async def test_the_start_is_before_everything(world: World) -> None:
    page = await member_history.history_of(world.db, new_id(), [], EVERYWHERE)
    assert page == ([], None)
