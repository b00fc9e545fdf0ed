"""WeChat's menu: what a page is signed by, kept and fetched once for all; and the links that it sends."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from duoline.attribution import wechat_keys
from duoline.attribution.wechat_sign import sign
from duoline.channels.mall import count_scan, wechat_menu
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.errors import Unavailable
from tests.http.shelf import NOON, bought, line, order, stocked
from tests.http.test_shares import figures, shared
from tests.http.test_touchpoints import BROWSER, log_in, opened
from tests.http.wechat_stand import ACCOUNT, NO_TLS, SECRETS, open_wechat_world
from tests.http.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from duoline.kernel import postgres
    from tests.http.wechat_stand import Stand
    from tests.http.world import Caller

SITE = "http://localhost:8000"
PAGE = f"{SITE}/p/MILK?t=ABC"
PHONE, FRIEND = "+8613900000001", "+8613900000002"
MENU = "/api/mall/wechat-menu"


@pytest.fixture
async def both(db: Database, tmp_path: Path) -> AsyncIterator[tuple[World, Stand]]:
    """A chain and a WeChat that knows it; the check is clean at the end."""
    limits = (
        count_scan.NEW_DEVICES_BY_ADDRESS, count_scan.STANDING_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER,
        wechat_menu.SIGNATURES_BY_ADDRESS,
    )  # fmt: skip
    for limit in limits:
        limit.forget()
    async with open_wechat_world(db, tmp_path) as opened_world:
        yield opened_world
        assert await broken(opened_world[0].db) == []


@pytest.fixture
async def world(both: tuple[World, Stand]) -> AsyncIterator[World]:
    """The chain at noon."""
    with clock.frozen(NOON):
        yield both[0]


async def asked(stand: Stand) -> tuple[int, int]:
    told = await look(stand)
    return told["tokens"], told["tickets"]


async def look(stand: Stand) -> dict[str, Any]:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        return dict((await http.get(f"{stand.url}/control")).json())


async def menu(who: Caller, address: str = PAGE, **more: str) -> Any:
    answer = await who.get(MENU, params={"address": address, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- what pages are signed by ----------------------------------------------------------------------------------


async def test_a_page_is_signed_by_what_is_kept_and_wechat_is_asked_once(both: tuple[World, Stand]) -> None:
    world, stand = both
    for page in (PAGE, f"{SITE}/", f"{SITE}/p/%E5%A5%B6?a=1&b=2"):
        told = (await menu(world.anonymous(), page))["config"]
        ticket = await world.db.fetchval("SELECT ticket FROM wechat_keys")
        right = sign(ticket, page, nonce=told["nonce"], timestamp=told["timestamp"])
        assert (told["signature"], told["app_id"]) == (right.signature, ACCOUNT)
        assert told["script"] == "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
        assert ticket not in str(told)
    assert await asked(stand) == (1, 1)


async def test_two_processes_at_once_ask_once(both: tuple[World, Stand], access: postgres.Access) -> None:
    world, stand = both
    other = await Database.connect(access.dsn)
    try:
        got = await asyncio.gather(*(wechat_keys.ticket(db) for db in (world.db, other) for _ in range(4)))
    finally:
        await other.close()
    assert len(set(got)) == 1
    assert await asked(stand) == (1, 1)


async def test_it_is_renewed_ahead_of_its_end_and_a_page_never_waits(both: tuple[World, Stand]) -> None:
    world, stand = both
    await wechat_keys.renew_ahead(world.db)
    assert await asked(stand) == (0, 0)  # nobody needs one
    first = await wechat_keys.ticket(world.db)
    for minutes, times in ((100, 1), (111, 2), (112, 2)):
        with clock.shifted(timedelta(minutes=minutes)):
            await wechat_keys.renew_ahead(world.db)
            assert (await asked(stand))[1] == times, minutes
            if times == 2:
                assert await wechat_keys.ticket(world.db) != first
    with clock.shifted(timedelta(hours=9)):  # the worker was away
        assert await wechat_keys.ticket(world.db) != first


async def test_a_token_that_wechat_knows_no_more_is_asked_for_anew(both: tuple[World, Stand]) -> None:
    world, stand = both
    await wechat_keys.ticket(world.db)
    token = "SELECT token FROM wechat_keys"
    first = await world.db.fetchval(token)
    await stand.control("expire", what="token")  # 42001: the next that WeChat names is another one
    with clock.shifted(timedelta(minutes=112)):
        await wechat_keys.renew_ahead(world.db)
        second = await world.db.fetchval(token)
        assert second != first
        assert await asked(stand) == (2, 2)
    await world.db.execute("UPDATE wechat_keys SET ticket_until = $1", clock.now())
    await stand.control("answer", how="errcode", errcode=40001)  # refused, and named again: a new one is forced
    await wechat_keys.ticket(world.db)
    assert await world.db.fetchval(token) not in (first, second)


async def test_over_the_quota_wechat_is_left_alone_for_an_hour(both: tuple[World, Stand]) -> None:
    world, stand = both
    await stand.control("quota", what="ticket", left=0)
    answer = await world.anonymous().get(MENU, params={"address": PAGE})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3600")
    await stand.control("reset")
    for minutes, good in ((59, False), (61, True)):
        with clock.shifted(timedelta(minutes=minutes)):
            answer = await world.anonymous().get(MENU, params={"address": PAGE})
            assert (answer.status_code == 200) is good
    assert await asked(stand) == (2, 2)


async def test_a_wechat_that_is_down_costs_one_page_a_minute(
    both: tuple[World, Stand], caplog: pytest.LogCaptureFixture
) -> None:
    world, stand = both
    await stand.control("answer", how="error", times=100)
    with caplog.at_level(logging.DEBUG):
        answers = [await world.anonymous().get(MENU, params={"address": PAGE}) for _ in range(3)]
    assert [one.status_code for one in answers] == [503, 503, 503]
    assert (await look(stand))["spoilt"] == 99
    assert SECRETS[ACCOUNT] not in caplog.text
    # The pages themselves are as before, and a ticket that is good outlives the trouble.
    assert (await world.anonymous().client.get("/")).status_code == 200
    await stand.control("reset")
    with clock.shifted(timedelta(minutes=2)):
        kept = await wechat_keys.ticket(world.db)
    await stand.control("answer", how="error", times=100)
    with clock.shifted(timedelta(minutes=115)):
        with pytest.raises(Unavailable):
            await wechat_keys.renew_ahead(world.db)
        assert await wechat_keys.ticket(world.db) == kept


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("https://evil.example/p/MILK", 422, "attribution.foreign-page"),
        ("http://localhost:8000.evil.example/", 422, "attribution.foreign-page"),
        ("http://localhost:8000@evil.example/", 422, "attribution.foreign-page"),
        ("https://localhost:8000/", 422, "attribution.foreign-page"),
        ("http://localhost:8000", 422, "attribution.foreign-page"),
        ("/p/MILK", 422, None), ("http://localhost:8000/#a", 422, None), ("http://localhost:8000/a b", 422, None),
        (f"{SITE}/{'a' * 2000}", 422, None),
    ],
)  # fmt: skip
async def test_only_pages_of_this_shop_are_signed(
    both: tuple[World, Stand], address: str, status: int, code: str | None
) -> None:
    world, stand = both
    answer = await world.anonymous().get(MENU, params={"address": address})
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    assert await asked(stand) == (0, 0)


async def test_an_address_may_not_ask_for_ever(both: tuple[World, Stand], monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = both
    monkeypatch.setattr(wechat_menu.SIGNATURES_BY_ADDRESS, "times", 2)
    got = [(await world.anonymous().get(MENU, params={"address": PAGE})).status_code for _ in range(3)]
    assert got == [200, 200, 429]


async def test_pages_may_load_the_script_where_wechat_is_on_and_nowhere_else(
    both: tuple[World, Stand], db: Database, tmp_path: Path
) -> None:
    world, _ = both
    policy = (await world.anonymous().client.get("/")).headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval' https://res.wx.qq.com/open/js/jweixin-1.6.0.js;" in policy
    for path in ("/clerk/", "/console/"):
        assert "wx.qq.com" not in (await world.anonymous().client.get(path)).headers["content-security-policy"]


async def test_without_an_official_account_it_is_off(db: Database, tmp_path: Path) -> None:
    own = {"DUOLINE_ENV": "production", "DUOLINE_PUBLIC_URL": SITE, "DUOLINE_WECHAT_SITE_APP_ID": "wx-site",
           "DUOLINE_WECHAT_SITE_SECRET": "x"}  # fmt: skip
    async with open_world(db, tmp_path, **own) as world:
        assert await menu(world.anonymous()) == {"config": None, "own": None, "mine": False}
        policy = (await world.anonymous().client.get("/")).headers["content-security-policy"]
        assert "script-src 'self' 'wasm-unsafe-eval';" in policy


# --- the links -------------------------------------------------------------------------------------------------


async def own_code(who: Caller) -> str:
    made = await who.post("/api/mall/own-code")
    assert made.status_code == 200, made.text
    return str(made.json()["code"])


async def test_a_friend_opens_a_link_of_the_menu_and_buys_and_the_sharer_sees_it(world: World) -> None:
    milk = await stocked(world, "MILK", 19900, {"S1": 9})
    sharer, friend = await world.member(PHONE), world.anonymous()
    assert (await menu(sharer))["own"] is None
    code = await own_code(sharer)
    assert (await menu(sharer))["own"] == code == await own_code(sharer)
    assert await figures(sharer) == []  # nothing is shared by looking at pages
    answer = await opened(friend.client, f"{code}/product/MILK")
    target = answer.headers["location"]
    assert (answer.status_code, target.partition("?t=")[0]) == (302, "/p/MILK")
    thing = target.partition("?t=")[2]
    assert thing != code
    assert (await friend.get(f"/api/mall/shared/{thing}")).json() == {"by": "M", "note": ""}
    await log_in(world, friend, FRIEND)
    await bought(world, friend, line(milk))
    assert await figures(sharer) == [(1, 1, 1, 19900)]
    # The next reader comes by the same one; the sharer's own look is none.
    again = await opened(world.anonymous().client, f"{code}/product/MILK")
    assert again.headers["location"] == target
    own = await opened(sharer.client, f"{code}/product/MILK", headers=sharer.headers)
    assert own.headers["location"] == "/p/MILK"
    assert (await figures(sharer))[0][0] == 2
    assert await world.db.fetchval("SELECT count(*) FROM touchpoints WHERE standing") == 2


async def test_two_who_open_it_first_make_one_share(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 9})
    sharer = await world.member(PHONE)
    codes = await asyncio.gather(*(own_code(sharer) for _ in range(4)))
    assert len(set(codes)) == 1
    answers = await asyncio.gather(*(opened(world.anonymous().client, f"{codes[0]}/product/MILK") for _ in range(4)))
    assert len({one.headers["location"] for one in answers}) == 1
    assert await figures(sharer) == [(4, 0, 0, 0)]


async def test_what_leads_nowhere_and_programs_make_nothing(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 9})
    sharer = await world.member(PHONE)
    code, thing = await own_code(sharer), (await shared(sharer))["code"]
    client = world.anonymous().client
    for path, target in ((f"{code}/product/NONE", "/p/NONE"), (f"{code}/outfit/x", "/outfits/x")):
        assert (await opened(client, path)).headers["location"] == target
    for path in (f"{code}/store/S1", f"{thing}/product/MILK", "ZZZZZZZZ/product/MILK"):
        assert (await opened(client, path)).status_code == 404, path
    bot = await client.get(f"/t/{code}/product/MILK", headers={"user-agent": "Googlebot/2.1"})
    assert bot.headers["location"] == "/p/MILK"
    assert await world.db.fetchval("SELECT count(*) FROM touchpoints WHERE standing") == 1


async def test_what_is_ended_stays_ended_and_leads_to_the_thing(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 9})
    sharer = await world.member(PHONE)
    code = await own_code(sharer)
    await opened(world.anonymous().client, f"{code}/product/MILK")
    (one,) = (await sharer.get("/api/mall/shares")).json()["items"]
    assert (await sharer.post(f"/api/mall/shares/{one['id']}/end")).status_code == 200
    answer = await opened(world.anonymous().client, f"{code}/product/MILK")
    assert answer.headers["location"] == "/p/MILK"
    assert await figures(sharer) == [(1, 0, 0, 0)]


async def test_whose_the_code_of_a_page_is(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 9})
    sharer, other, clerk = await world.member(PHONE), await world.member(FRIEND), world.staff("clerk1")
    code = (await shared(sharer))["code"]
    assert [(await menu(who, t=code))["mine"] for who in (sharer, other, world.anonymous())] == [True, False, False]
    body = {"kind": "product", "name": "MILK", "note": "", "store": "S1"}
    theirs = (await clerk.post("/api/clerk/shares", body)).json()["code"]
    assert [(await menu(who, t=theirs))["mine"] for who in (clerk, sharer)] == [True, False]
    assert not (await menu(sharer, t="nonsense"))["mine"]
    guest = await world.member(kind="guest")
    assert (await menu(guest))["own"] is None
    assert (await guest.post("/api/mall/own-code")).status_code == 401
    assert (await world.anonymous().post("/api/mall/own-code")).status_code == 401


async def test_an_order_that_came_by_the_menu_is_put_down_to_the_sharer(world: World) -> None:
    milk = await stocked(world, "MILK", 19900, {"S1": 9})
    sharer, friend = await world.member(PHONE), await world.member(FRIEND)
    code = await own_code(sharer)
    answer = await friend.client.get(f"/t/{code}/product/MILK", headers=BROWSER | friend.headers)
    assert urlsplit(answer.headers["location"]).path == "/p/MILK"
    placed = await friend.post("/api/mall/orders", order(line(milk)))
    row = await world.db.fetchrow(
        "SELECT owner_id, own_device FROM order_touches WHERE order_id = $1::uuid", placed.json()["id"]
    )
    assert (row["owner_id"], row["own_device"]) == (sharer.id, False)


# --- clerks ------------------------------------------------------------------------------------------------------


async def clerk_code(who: Caller, shop: str = "S1") -> str:
    made = await who.post("/api/clerk/own-code", {"store": shop})
    assert made.status_code == 200, made.text
    return str(made.json()["code"])


async def sent_by(who: Caller, shop: str = "S1") -> list[tuple[int, int]]:
    """Of each share of a clerk's in a shop how often it was opened, and how many orders it brought."""
    items = (await who.get("/api/clerk/shares", params={"store": shop})).json()["items"]
    return [(one["clicks"], one["orders"]) for one in items]


async def test_a_page_that_a_clerk_opens_by_their_own_code_is_sent_under_their_name(world: World) -> None:
    milk = await stocked(world, "MILK", 19900, {"S1": 9})
    clerk, other, friend = world.staff("clerk1"), await world.member(PHONE), world.anonymous()
    codes = await asyncio.gather(*(clerk_code(clerk) for _ in range(4)))
    assert len(set(codes)) == 1
    code = codes[0]
    told = await menu(clerk, t=code)
    assert (told["own"], told["mine"]) == (code, False)
    # By whoever else it is opened, it is not theirs; and a clerk is one on that page alone.
    for who, sent in ((other, code), (world.staff("clerk2"), code), (world.anonymous(), code), (clerk, "nonsense")):
        told = await menu(who, t=sent)
        assert (told["own"], told["mine"]) == (None, False)
    member_s = await own_code(other)
    assert (await menu(other, t=code))["own"] == member_s
    # Looking shares nothing, and the clerk's own look neither.
    own = await opened(clerk.client, f"{code}/product/MILK", headers=clerk.headers)
    assert own.headers["location"] == "/p/MILK"
    assert await sent_by(clerk) == []
    answer = await opened(friend.client, f"{code}/product/MILK")
    target, _, thing = answer.headers["location"].partition("?t=")
    assert (answer.status_code, target, thing != code) == (302, "/p/MILK", True)
    await log_in(world, friend, FRIEND)
    await bought(world, friend, line(milk))
    assert await sent_by(clerk) == [(1, 1)]
    again = await opened(world.anonymous().client, f"{code}/product/MILK")
    assert again.headers["location"] == answer.headers["location"]
    row = await world.db.fetchrow(
        """SELECT t.owner_id, t.standing, s.code AS shop, x.own_device FROM order_touches x
           JOIN touchpoints t ON t.id = x.touchpoint_id JOIN stores s ON s.id = t.store_id"""
    )
    assert (row["owner_id"], row["standing"], row["shop"], row["own_device"]) == (clerk.id, True, "S1", False)
    # What they shared stands in the list of touchpoints; the code by which they did is nothing that hangs anywhere.
    listed = (await world.staff("hq").get("/api/console/touchpoints", params={"kind": "share"})).json()["items"]
    assert [one["code"] for one in listed] == [thing]


async def test_what_a_clerk_shares_is_the_shop_s_whose_code_it_was(world: World) -> None:
    await stocked(world, "MILK", 19900, {"S1": 9})
    both = world.staff("north")
    codes = {shop: await clerk_code(both, shop) for shop in ("S1", "S3")}
    assert len(set(codes.values())) == 2
    for shop in ("S1", "S3"):
        await opened(world.anonymous().client, f"{codes[shop]}/product/MILK")
        assert await sent_by(both, shop) == [(1, 0)]
    clerk = world.staff("clerk1")
    assert (await clerk.post("/api/clerk/own-code", {"store": "S2"})).status_code in (403, 404)
    assert (await (await world.member(PHONE)).post("/api/clerk/own-code", {"store": "S1"})).status_code == 401
    # Who has left the shop shares by its code no more: it leads to the thing.
    code = await clerk_code(clerk)
    await world.db.execute("DELETE FROM staff_grants WHERE staff_id = $1", clerk.id)
    answer = await opened(world.anonymous().client, f"{code}/product/MILK")
    assert answer.headers["location"] == "/p/MILK"
