"""Logging in by WeChat: the first time with a number, then at once; linked, ended; and whatever could go wrong."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from duoline.adapters.wechat_sandbox import openid_of, unionid_of
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.members import errors
from tests.http.shelf import CONTACT, line, stocked
from tests.http.wechat_stand import ACCOUNT, SECRETS, SITE, begin, by_phone, by_wechat, open_wechat_world
from tests.http.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel.db import Database
    from tests.http.wechat_stand import Stand

PHONE, OTHER = "19910000001", "19910000002"
KEY = "a-key-that-is-long-enough"

Known = "SELECT kind, value, leads, source FROM identities WHERE member_id = $1::uuid ORDER BY kind"


@pytest.fixture
async def both(db: Database, tmp_path: Path) -> AsyncIterator[tuple[World, Stand]]:
    """A chain and a WeChat that knows it; every invariant holds at the end."""
    async with open_wechat_world(db, tmp_path) as opened:
        yield opened
        assert await broken(opened[0].db) == []


async def pairs(world: World) -> list[dict[str, Any]]:
    return [dict(row) for row in await world.db.fetch("SELECT reasons, source, state FROM member_pairs")]


async def standing(browser: Any) -> Any:
    return (await browser.get("/api/mall/wechat")).json()


async def linked_member(world: World, stand: Stand, phone: str, account: str) -> str:
    """A member who has that account; their id."""
    browser = world.anonymous()
    assert (await by_wechat(stand, browser, account)).json()["outcome"] == "phone_needed"
    entered = await by_phone(world, browser, phone, wechat=True)
    assert entered["wechat"] == "linked"
    return str(entered["member"]["id"])


# --- the ordinary way ------------------------------------------------------------------------------------------


async def test_the_first_time_with_a_number_then_at_once(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser = world.anonymous()
    asked = await begin(browser, next_="/checkout")
    assert (asked["appid"], asked["response_type"], asked["scope"]) == (ACCOUNT, "code", "snsapi_userinfo")
    assert asked["redirect_uri"] == world.settings.public_url + "/login/wechat?next=%2Fcheckout"
    first = await browser.post("/api/mall/wechat-sessions", {"code": await stand.code("fang"), "state": asked["state"]})
    assert (first.status_code, first.json()) == (200, {"outcome": "phone_needed", "session": None})
    assert await world.db.fetchval("SELECT count(*) FROM members") == 0
    entered = await by_phone(world, browser, PHONE, wechat=True)
    assert entered["wechat"] == "linked"
    me = entered["member"]["id"]
    assert [tuple(row) for row in await world.db.fetch(Known, me)] == [
        ("wechat_openid", openid_of(ACCOUNT, "fang"), True, "wechat-login"),
        ("wechat_unionid", unionid_of("fang"), True, "wechat-login"),
    ]
    assert (await standing(browser))["linked"]

    # Another phone, no number any more; and a desk, where the account's own code is scanned.
    for place in ("inside", "outside"):
        fresh = world.anonymous()
        again = await by_wechat(stand, fresh, "fang", place=place)
        assert (again.status_code, again.json()["outcome"]) == (200, "entered"), again.text
        assert again.json()["session"]["member"]["id"] == me
        cookies = again.headers.get_list("set-cookie")
        assert any("duoline_member=" in each and "HttpOnly" in each for each in cookies)
        assert (await fresh.get("/api/mall/me")).json()["phone_masked"] == "199****0001"
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 2
    # What was answered and kept tells nobody's account, and no session.
    stored = await world.db.fetch("SELECT response FROM idempotency")
    for secret in (openid_of(ACCOUNT, "fang"), unionid_of("fang"), again.json()["session"]["token"]):
        assert all(secret not in row["response"] for row in stored)


async def test_the_cart_and_the_orders_of_before_are_the_members(both: tuple[World, Stand]) -> None:
    world, stand = both
    sku = await stocked(world, "MILK", 19900, {"S1": 5, "D1": 5})
    me = await linked_member(world, stand, PHONE, "fang")
    browser = world.anonymous()
    assert (await browser.post("/api/mall/cart/lines", line(sku, 2))).status_code == 201
    placed = await browser.post("/api/mall/orders", {"lines": [line(sku)], "pay_mode": "at_store", "contact": CONTACT})
    assert placed.status_code == 201, placed.text
    guest = (await browser.get("/api/mall/me")).json()["id"]
    entered = await by_wechat(stand, browser, "fang")
    assert entered.json()["session"]["member"]["id"] == me != guest
    assert [one["quantity"] for one in (await browser.get("/api/mall/cart")).json()["lines"]] == [2]
    listed = (await browser.get("/api/mall/orders")).json()["items"]
    assert [one["id"] for one in listed] == [placed.json()["id"]]
    assert await world.db.fetchval("SELECT count(*) FROM member_sessions WHERE member_id = $1::uuid", guest) == 0


async def test_a_member_links_and_unlinks(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser = world.anonymous()
    me = (await by_phone(world, browser, PHONE))["member"]["id"]
    assert await standing(browser) == {"inside": True, "outside": True, "linked": False}
    assert (await browser.delete("/api/mall/wechat")).status_code == 404
    assert (await by_wechat(stand, browser, "fang")).json() == {"outcome": "linked", "session": None}
    assert (await standing(browser))["linked"]
    # Once more is no second account; another one is.
    assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "linked"
    assert (await by_wechat(stand, browser, "li")).json()["outcome"] == "second"
    assert len(await world.db.fetch(Known, me)) == 2

    assert (await browser.delete("/api/mall/wechat")).status_code == 204
    assert not (await standing(browser))["linked"]
    assert await world.db.fetch(Known, me) == []
    assert (await by_wechat(stand, world.anonymous(), "fang")).json()["outcome"] == "phone_needed"
    told = await world.db.fetch(
        "SELECT action, actor_kind, actor_id, subject, after FROM audit_log WHERE action LIKE 'member.%' ORDER BY at, id"
    )
    assert [row["action"] for row in told] == ["member.identity-add"] * 2 + ["member.identity-end"] * 2
    assert {(row["actor_kind"], str(row["actor_id"]), row["subject"]) for row in told} == {("member", me, me)}
    assert all(openid_of(ACCOUNT, "fang") not in str(row["after"]) for row in told)


async def test_who_has_no_number_keeps_their_only_way_in(both: tuple[World, Stand]) -> None:
    world, stand = both
    member = await world.member()
    await know(world, member.id, "wechat_openid", openid_of(ACCOUNT, "fang"))
    browser = world.anonymous()
    assert (await by_wechat(stand, browser, "fang")).json()["session"]["member"]["id"] == str(member.id)
    refused = await browser.delete("/api/mall/wechat")
    assert (refused.status_code, refused.json()["code"]) == (409, "members.last-way-in")
    assert (await standing(browser))["linked"]


# --- who somebody is -------------------------------------------------------------------------------------------


async def know(world: World, member_id: Any, kind: str, value: str, *, leads: bool = True) -> None:
    """What a file said of a member."""
    await world.db.execute(
        "INSERT INTO identities (value, kind, member_id, leads, source, since) VALUES ($1, $2, $3, $4, 'wechat', $5)",
        value, kind, member_id, leads, clock.now(),
    )  # fmt: skip


async def test_an_open_id_of_a_file_leads_and_the_union_id_is_learnt(both: tuple[World, Stand]) -> None:
    world, stand = both
    member = await world.member("+86" + PHONE)
    await know(world, member.id, "wechat_openid", openid_of(ACCOUNT, "fang"))
    entered = await by_wechat(stand, world.anonymous(), "fang")
    assert entered.json()["session"]["member"]["id"] == str(member.id)
    assert [row["kind"] for row in await world.db.fetch(Known, member.id)] == ["wechat_openid", "wechat_unionid"]
    assert await pairs(world) == []


async def test_the_union_id_leads_before_the_open_id_and_the_two_are_looked_at(both: tuple[World, Stand]) -> None:
    world, stand = both
    one, other = await world.member("+86" + PHONE), await world.member("+86" + OTHER)
    await know(world, one.id, "wechat_unionid", unionid_of("fang"))
    await know(world, other.id, "wechat_openid", openid_of(ACCOUNT, "fang"))
    entered = await by_wechat(stand, world.anonymous(), "fang")
    assert entered.json()["session"]["member"]["id"] == str(one.id)
    assert await pairs(world) == [{"reasons": ["shared_wechat_openid"], "source": "wechat-login", "state": "open"}]
    assert [row["value"] for row in await world.db.fetch(Known, other.id)] == [openid_of(ACCOUNT, "fang")]


async def test_an_open_id_says_nothing_against_another_union_id(both: tuple[World, Stand]) -> None:
    world, stand = both
    member = await world.member("+86" + PHONE)
    await know(world, member.id, "wechat_openid", openid_of(ACCOUNT, "fang"))
    await know(world, member.id, "wechat_unionid", unionid_of("li"))
    assert (await by_wechat(stand, world.anonymous(), "fang")).json()["outcome"] == "phone_needed"


async def test_what_was_only_claimed_opens_nothing_and_leads_once_it_is_proved(both: tuple[World, Stand]) -> None:
    world, stand = both
    one, other = await world.member("+86" + PHONE), await world.member("+86" + OTHER)
    for member in (one, other):
        await know(world, member.id, "wechat_unionid", unionid_of("fang"), leads=False)
    browser = world.anonymous()
    assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "phone_needed"
    entered = await by_phone(world, browser, PHONE, wechat=True)
    assert (entered["wechat"], entered["member"]["id"]) == ("linked", str(one.id))
    assert {(row["kind"], row["leads"]) for row in await world.db.fetch(Known, one.id)} == {
        ("wechat_openid", True),
        ("wechat_unionid", True),
    }
    assert [row["leads"] for row in await world.db.fetch(Known, other.id)] == [False]
    assert [each["reasons"] for each in await pairs(world)] == [["shared_wechat_unionid"]]


async def test_somebody_elses_account_does_not_move(both: tuple[World, Stand]) -> None:
    world, stand = both
    owner = await linked_member(world, stand, PHONE, "fang")
    browser = world.anonymous()
    me = (await by_phone(world, browser, OTHER))["member"]["id"]
    assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "taken"
    assert await world.db.fetch(Known, me) == []
    assert len(await world.db.fetch(Known, owner)) == 2
    assert [(each["reasons"], each["state"]) for each in await pairs(world)] == [(["shared_wechat_unionid"], "open")]


async def test_a_member_who_has_another_account_logs_in_all_the_same(both: tuple[World, Stand]) -> None:
    world, stand = both
    me = await linked_member(world, stand, PHONE, "fang")
    with clock.shifted(timedelta(minutes=2)):
        browser = world.anonymous()
        assert (await by_wechat(stand, browser, "li")).json()["outcome"] == "phone_needed"
        entered = await by_phone(world, browser, PHONE, wechat=True)
    assert (entered["wechat"], entered["member"]["id"]) == ("second", me)
    assert {row["value"] for row in await world.db.fetch(Known, me)} == {
        openid_of(ACCOUNT, "fang"),
        unionid_of("fang"),
    }


async def test_a_number_without_the_wish_links_nothing(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser = world.anonymous()
    assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "phone_needed"
    entered = await by_phone(world, browser, PHONE)
    assert entered["wechat"] is None
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 0


async def test_of_who_was_merged_the_session_is_who_they_are_now(both: tuple[World, Stand]) -> None:
    world, stand = both
    other = await linked_member(world, stand, PHONE, "fang")
    survivor = await world.member("+86" + OTHER)
    merged = await world.staff("hq").post(
        f"/api/console/members/{survivor.id}/merges", {"other_id": other, "reason": "the same face"}
    )
    assert merged.status_code in (200, 201), merged.text
    browser = world.anonymous()
    entered = await by_wechat(stand, browser, "fang")
    assert entered.json()["session"]["member"]["id"] == str(survivor.id)
    # The account stays with the member it came to, so that undoing the merge gives it back; the person ends it as a whole.
    assert len(await world.db.fetch(Known, other)) == 2
    assert (await standing(browser))["linked"]
    assert (await browser.delete("/api/mall/wechat")).status_code == 204
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 0


async def test_who_was_forgotten_is_somebody_new(both: tuple[World, Stand]) -> None:
    world, stand = both
    me = await linked_member(world, stand, PHONE, "fang")
    gone = await world.staff("hq").post(f"/api/console/members/{me}/erasure", {"reason": "asked on the phone"})
    assert gone.status_code == 204, gone.text
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 0
    assert (await by_wechat(stand, world.anonymous(), "fang")).json()["outcome"] == "phone_needed"


# --- at the same time ------------------------------------------------------------------------------------------


async def test_two_who_link_one_account_at_once(both: tuple[World, Stand]) -> None:
    world, stand = both
    for n in range(6):
        phones = [f"19910001{n}{k:02}" for k in range(2)]
        browsers = [world.anonymous() for _ in phones]
        for browser, phone in zip(browsers, phones, strict=True):
            await by_phone(world, browser, phone)
        asked = [await begin(browser) for browser in browsers]
        codes = [await stand.code(f"same-{n}") for _ in browsers]
        answers = await asyncio.gather(
            *(
                browser.post("/api/mall/wechat-sessions", {"code": code, "state": each["state"]})
                for browser, code, each in zip(browsers, codes, asked, strict=True)
            )
        )
        assert sorted(answer.json()["outcome"] for answer in answers) == ["linked", "taken"]
    counted = await world.db.fetch("SELECT kind, count(*) AS n FROM identities WHERE leads GROUP BY kind ORDER BY kind")
    assert [(row["kind"], row["n"]) for row in counted] == [("wechat_openid", 6), ("wechat_unionid", 6)]
    assert len(await pairs(world)) == 6


async def test_two_first_log_ins_by_number_with_one_account_at_once(both: tuple[World, Stand]) -> None:
    world, stand = both
    browsers, bodies = [world.anonymous() for _ in range(3)], []
    for n, browser in enumerate(browsers):
        assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "phone_needed"
        phone = f"199100001{n:02}"
        await browser.post("/api/mall/login-codes", {"phone": phone})
        bodies.append({"phone": phone, "code": await world.code_sent("+86" + phone), "wechat": True})
    answers = await asyncio.gather(
        *(browser.post("/api/mall/sessions", body) for browser, body in zip(browsers, bodies, strict=True))
    )
    assert [answer.status_code for answer in answers] == [201] * 3
    assert sorted(answer.json()["wechat"] for answer in answers) == ["linked", "taken", "taken"]
    assert await world.db.fetchval("SELECT count(*) FROM identities WHERE leads") == 2


async def test_one_account_logs_in_many_times_at_once_and_learns_once(both: tuple[World, Stand]) -> None:
    world, stand = both
    member = await world.member("+86" + PHONE)
    await know(world, member.id, "wechat_openid", openid_of(ACCOUNT, "fang"))
    answers = await asyncio.gather(*(by_wechat(stand, world.anonymous(), "fang") for _ in range(8)))
    assert {answer.json()["session"]["member"]["id"] for answer in answers} == {str(member.id)}
    assert len(await world.db.fetch(Known, member.id)) == 2


async def test_unlinking_while_logging_in(both: tuple[World, Stand]) -> None:
    world, stand = both
    me = await linked_member(world, stand, PHONE, "fang")
    here = world.anonymous()
    assert (await by_wechat(stand, here, "fang")).json()["outcome"] == "entered"
    ended, *answers = await asyncio.gather(
        here.delete("/api/mall/wechat"), *(by_wechat(stand, world.anonymous(), "fang") for _ in range(4))
    )
    assert ended.status_code == 204
    assert {answer.json()["outcome"] for answer in answers} <= {"entered", "phone_needed"}
    assert await world.db.fetch(Known, me) == []


# --- what could go wrong ---------------------------------------------------------------------------------------


async def refused(browser: Any, code: str, state: str) -> Any:
    answer = await browser.post("/api/mall/wechat-sessions", {"code": code, "state": state})
    return answer.status_code, answer.json()["code"]


async def test_a_state_counts_in_its_own_browser_and_for_ten_minutes(both: tuple[World, Stand]) -> None:
    world, stand = both
    await linked_member(world, stand, PHONE, "fang")
    mine, victim = world.anonymous(), world.anonymous()
    asked = await begin(mine)
    code = await stand.code("fang")
    no = (422, "members.wechat-refused")
    # Somebody sends another their own way back: that browser has no nonce, or another one.
    assert await refused(victim, code, asked["state"]) == no
    await begin(victim)
    assert await refused(victim, code, asked["state"]) == no
    assert (await victim.get("/api/mall/me")).status_code == 401
    for wrong in ("x", asked["state"][:-1] + ("0" if asked["state"][-1] != "0" else "1"),
                  asked["state"].replace("inside", "outside"), asked["state"] + "0"):  # fmt: skip
        assert await refused(mine, code, wrong) == no
    with clock.shifted(timedelta(minutes=10, seconds=1)):
        assert await refused(mine, code, asked["state"]) == no
    # None of it reached WeChat: the code is still good.
    entered = await mine.post("/api/mall/wechat-sessions", {"code": code, "state": asked["state"]})
    assert entered.json()["outcome"] == "entered"


async def test_a_way_begun_to_link_ends_with_the_session(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser = world.anonymous()
    await by_phone(world, browser, PHONE)
    asked = await begin(browser)
    assert (await browser.delete("/api/mall/sessions")).status_code == 204
    no = (422, "members.wechat-refused")
    assert await refused(browser, await stand.code("fang"), asked["state"]) == no
    await by_phone(world, browser, OTHER)
    assert await refused(browser, await stand.code("fang"), asked["state"]) == no
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 0


async def test_a_proof_counts_in_its_own_browser_and_for_ten_minutes(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser, victim = world.anonymous(), world.anonymous()
    await by_wechat(stand, browser, "fang")
    proof = browser.client.cookies["duoline_wechat_proof"]
    # Somebody else's browser, with and without a nonce of its own.
    victim.client.cookies.set("duoline_wechat_proof", proof)
    assert (await by_phone(world, victim, OTHER, wechat=True))["wechat"] == "expired"
    assert (await victim.get("/api/mall/wechat")).json()["linked"] is False
    with clock.shifted(timedelta(minutes=10, seconds=1)):
        assert (await by_phone(world, browser, PHONE, wechat=True))["wechat"] == "expired"
    assert await world.db.fetchval("SELECT count(*) FROM identities") == 0


async def test_a_code_is_good_once_for_five_minutes_and_for_its_application(both: tuple[World, Stand]) -> None:
    world, stand = both
    browser = world.anonymous()
    no = (422, "members.wechat-refused")
    asked = await begin(browser)
    code = await stand.code("fang")
    first = await browser.post("/api/mall/wechat-sessions", {"code": code, "state": asked["state"]}, key=KEY)
    assert first.json()["outcome"] == "phone_needed"
    assert await refused(browser, code, asked["state"]) == no
    assert await refused(browser, "0" * 32, asked["state"]) == no
    assert await refused(browser, await stand.code("fang", app=SITE, scope="snsapi_login"), asked["state"]) == no
    late = await stand.code("fang")
    with clock.shifted(timedelta(minutes=5, seconds=1)):
        assert await refused(browser, late, asked["state"]) == no
    # The same request again is the same answer, though WeChat would not give it.
    again = await browser.post("/api/mall/wechat-sessions", {"code": code, "state": asked["state"]}, key=KEY)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_repeated_start_whose_answer_was_lost_goes_on(both: tuple[World, Stand]) -> None:
    world, stand = both
    await world.anonymous().post("/api/mall/wechat-starts", {"place": "inside"}, key=KEY)
    browser = world.anonymous()  # no cookie came through
    begun = await browser.post("/api/mall/wechat-starts", {"place": "inside"}, key=KEY)
    state = dict(part.split("=") for part in urlsplit(begun.json()["address"]).query.split("&"))["state"]
    answer = await browser.post("/api/mall/wechat-sessions", {"code": await stand.code("fang"), "state": state})
    assert answer.json()["outcome"] == "phone_needed"


async def test_a_repeated_log_in_gives_the_same_session(both: tuple[World, Stand]) -> None:
    world, stand = both
    await linked_member(world, stand, PHONE, "fang")
    sessions = await world.db.fetchval("SELECT count(*) FROM member_sessions")
    browser = world.anonymous()
    asked = await begin(browser)
    body = {"code": await stand.code("fang"), "state": asked["state"]}
    first = await browser.post("/api/mall/wechat-sessions", body, key=KEY)
    again = await world.anonymous().post("/api/mall/wechat-sessions", body, key=KEY)
    assert again.content == first.content
    assert first.json()["outcome"] == "entered"
    assert await world.db.fetchval("SELECT count(*) FROM member_sessions") == sessions + 1


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"how": "error"}, 503, "kernel.unavailable"),
        ({"how": "garbled"}, 503, "kernel.unavailable"),
        ({"how": "errcode", "errcode": -1}, 503, "kernel.unavailable"),
        ({"how": "errcode", "errcode": 40125}, 503, "kernel.unavailable"),
        ({"how": "errcode", "errcode": 40163}, 422, "members.wechat-refused"),
        ({"how": "preview"}, 422, "members.wechat-preview"),
    ],
)
async def test_when_wechat_does_not_say_nothing_is_changed_and_no_secret_is_told(
    both: tuple[World, Stand], how: dict[str, Any], status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    world, stand = both
    await linked_member(world, stand, PHONE, "fang")
    before = await world.db.fetchval("SELECT count(*) FROM member_sessions")
    with caplog.at_level(logging.DEBUG):
        await stand.control("answer", **how)
        browser = world.anonymous()
        answer = await by_wechat(stand, browser, "fang")
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code or status == 503
    assert (await browser.get("/api/mall/me")).status_code == 401
    assert await world.db.fetchval("SELECT count(*) FROM member_sessions") == before
    assert SECRETS[ACCOUNT] not in caplog.text + answer.text
    # A new way, and all is well.
    assert (await by_wechat(stand, browser, "fang")).json()["outcome"] == "entered"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "/a b",
        "/\tx",
        "/x\\y",
        "/x\n",
        "",
        "/" + "x" * 300,
    ],
)
async def test_the_way_back_is_a_page_of_the_mall(both: tuple[World, Stand], elsewhere: str) -> None:
    world, _ = both
    answer = await world.anonymous().post("/api/mall/wechat-starts", {"place": "inside", "next": elsewhere})
    assert answer.status_code == 422, answer.text


async def test_an_installation_that_wechat_does_not_know_offers_nothing(db: Database, tmp_path: Path) -> None:
    own = {"DUOLINE_ENV": "production", "DUOLINE_PUBLIC_URL": "https://shop.example"}
    async with open_world(db, tmp_path, **own) as world:
        browser = world.anonymous()
        assert await standing(browser) == {"inside": False, "outside": False, "linked": False}
        answer = await browser.post("/api/mall/wechat-starts", {"place": "inside"})
        assert (answer.status_code, answer.json()["code"]) == (503, errors.WechatOff.code)
        assert (await browser.post("/wechat/control", {"do": "reset"})).status_code in (404, 405)


async def test_an_official_account_alone_is_offered_inside_only(db: Database, tmp_path: Path) -> None:
    own = {"DUOLINE_WECHAT_APP_ID": ACCOUNT, "DUOLINE_WECHAT_SECRET": SECRETS[ACCOUNT]}
    async with open_world(db, tmp_path, **own) as world:
        browser = world.anonymous()
        assert await standing(browser) == {"inside": True, "outside": False, "linked": False}
        begun = await browser.post("/api/mall/wechat-starts", {"place": "inside"})
        address = urlsplit(begun.json()["address"])
        assert (address.netloc, address.path) == ("open.weixin.qq.com", "/connect/oauth2/authorize")
        assert address.fragment == "wechat_redirect"
        assert (await browser.post("/api/mall/wechat-starts", {"place": "outside"})).status_code == 503


async def test_tries_are_counted_by_address(both: tuple[World, Stand]) -> None:
    world, _ = both
    browser = world.anonymous()
    asked = await begin(browser)
    answers = [await refused(browser, "x", "y" + asked["state"]) for _ in range(61)]
    assert answers[59] == (422, "members.wechat-refused")
    assert answers[60] == (429, "http.too-many-requests")
