"""Outfits over the wire: put together by members and guides, read with prices of a shop, changed and ended by their maker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from duoline.attribution.errors import OutfitEnded
from duoline.catalog.docs import refresh_docs
from duoline.catalog.publish import advance
from duoline.catalog.types import Publication
from duoline.channels.clerk import shares as clerk_shares
from duoline.channels.mall import count_scan
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from tests.http.shelf import NOON, bought, line, stocked
from tests.http.test_touchpoints import log_in, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

PHONE = "+8613900000001"
FRIEND = "+8613900000002"
PATH = "/api/mall/outfits"


@pytest.fixture
async def goods(world: World) -> AsyncIterator[dict[str, str]]:
    """Three articles by code; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER, clerk_shares.SHARES_BY_STAFF):
        limit.forget()
    with clock.frozen(NOON):
        yield {
            "BIB": await stocked(world, "BIB", 1900, {"S1": 4}),
            "HAT": await stocked(world, "HAT", 2900, {}),
            "SOCK": await stocked(world, "SOCK", 900, {"S1": 9}),
        }
    assert await broken(world.db) == []


def pieces(*codes: str) -> list[dict[str, Any]]:
    return [{"product_code": code} for code in codes]


async def made(who: Caller, path: str = PATH, **more: Any) -> dict[str, Any]:
    body = {"name": "第一个冬天", "note": "软,好洗", "pieces": pieces("HAT", "BIB")} | more
    answer = await who.post(path, body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_friend_opens_an_outfit_and_what_they_buy_of_it_is_put_down_to_its_maker(
    world: World, goods: dict[str, str]
) -> None:
    maker, friend = await world.member(PHONE), world.anonymous()
    one = await made(maker)
    assert [(each["product_code"], each["name"]["en"]) for each in one["outfit"]["pieces"]] == [
        ("HAT", "Milk powder"), ("BIB", "Milk powder"),
    ]  # fmt: skip
    where = (await opened(friend.client, one["share"]["code"])).headers["location"]
    assert where == f"/outfits/{one['outfit']['id']}?t={one['share']['code']}"
    page = await friend.client.get(where)
    assert (page.status_code, "第一个冬天" in page.text) == (200, True)
    shown = (await friend.get(f"{PATH}/{one['outfit']['id']}?store=S1")).json()
    assert (shown["name"], shown["note"], shown["by"], shown["mine"], shown["gone"]) == (
        "第一个冬天", "软,好洗", "M", False, 0,
    )  # fmt: skip
    assert [
        (each["page"]["product"]["code"], each["page"]["live"][0]["price"]["minor"], each["page"]["live"][0]["store_available"])
        for each in shown["pieces"]
    ] == [("HAT", 2900, 0), ("BIB", 1900, 4)]  # fmt: skip
    assert (await maker.get(f"{PATH}/{one['outfit']['id']}")).json()["mine"] is True
    await log_in(world, friend, FRIEND)
    await bought(world, friend, line(goods["BIB"]))
    (row,) = (await maker.get("/api/mall/shares")).json()["items"]
    assert (row["kind"], row["title"]["zh"], row["clicks"], row["orders"], row["sales"]["minor"]) == (
        "outfit", "第一个冬天", 1, 1, 1900,
    )  # fmt: skip


async def test_its_maker_changes_it_and_ends_it_and_nobody_else_does(world: World, goods: dict[str, str]) -> None:
    maker, other = await world.member(PHONE), await world.member(FRIEND)
    one = await made(maker)
    path = f"{PATH}/{one['outfit']['id']}"
    after = {"name": "春天", "note": "", "pieces": [*pieces("SOCK"), {"product_code": "BIB", "sku_id": goods["BIB"]}]}
    assert (await other.put(path, after)).status_code == 404
    changed = await maker.put(path, after)
    assert changed.status_code == 200, changed.text
    told = [(each["product_code"], each["sku_id"]) for each in changed.json()["pieces"]]
    assert (changed.json()["name"], told) == ("春天", [("SOCK", None), ("BIB", goods["BIB"])])
    assert [each["name"] for each in (await maker.get(PATH)).json()["items"]] == ["春天"]
    # Others share it under words of their own, and not by the name its maker gave it.
    on = await other.post("/api/mall/shares", {"kind": "outfit", "name": one["outfit"]["id"], "note": "好看"})
    assert (on.status_code, on.json()["title"]["en"]) == (201, "Outfit")

    assert (await other.post(f"{path}/end")).status_code == 404
    for _ in range(2):
        assert (await maker.post(f"{path}/end")).status_code == 204
    gone = await other.get(path)
    assert (gone.status_code, gone.json()["code"]) == (410, OutfitEnded.code)
    assert (await other.client.get(f"/outfits/{one['outfit']['id']}")).status_code == 410
    assert (await opened(world.client(), one["share"]["code"])).status_code == 410
    refused = await maker.put(path, after)
    assert (refused.status_code, refused.json()["code"]) == (410, OutfitEnded.code)
    assert (await maker.get(PATH)).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "看 www.x.example"}, "attribution.note-not-shown"),
        ({"note": "微信 139 0000 0001"}, "attribution.note-not-shown"),
        ({"pieces": pieces("HAT")}, "kernel.bad-input"),
        ({"pieces": pieces("HAT", "HAT")}, "kernel.bad-input"),
        ({"pieces": pieces("HAT", "NONE")}, "kernel.bad-input"),
        ({"pieces": pieces(*(f"P{n}" for n in range(9)))}, "kernel.bad-input"),
    ],
)
async def test_what_is_no_outfit_is_refused_and_leaves_nothing(
    world: World, goods: dict[str, str], body: dict[str, Any], code: str
) -> None:
    maker = await world.member(PHONE)
    good = {"name": "冬天", "note": "", "pieces": pieces("HAT", "BIB")}
    refused = await maker.post(PATH, good | body)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    foreign = [{"product_code": "HAT", "sku_id": goods["BIB"]}, *pieces("BIB")]
    assert (await maker.post(PATH, good | {"pieces": foreign})).status_code == 422
    assert await world.db.fetchval("SELECT count(*) FROM outfits") == 0


async def test_what_is_not_sold_any_more_is_left_out_and_counted(world: World, goods: dict[str, str]) -> None:
    one = await made(await world.member(PHONE))
    hat = await world.db.fetchval("SELECT id FROM products WHERE code = 'HAT'")
    async with world.db.begin() as tx:
        await advance(tx, actor=SYSTEM, product_id=hat, to=Publication.WITHDRAWN)
        await refresh_docs(tx, None)
    shown = (await world.anonymous().get(f"{PATH}/{one['outfit']['id']}")).json()
    assert ([each["page"]["product"]["code"] for each in shown["pieces"]], shown["gone"]) == (["BIB"], 1)
    assert (await world.anonymous().get(f"{PATH}/{world.stores['S1']}")).status_code == 404
    for nothing in (world.stores["S1"], "x"):
        assert (await world.client().get(f"/outfits/{nothing}")).status_code == 404


async def test_two_changes_at_once_leave_one_of_them(world: World, goods: dict[str, str]) -> None:
    maker = await world.member(PHONE)
    one = await made(maker)
    both = [("春", pieces("SOCK", "BIB")), ("夏", pieces("BIB", "HAT", "SOCK"))]
    answers = await asyncio.gather(
        *(maker.put(f"{PATH}/{one['outfit']['id']}", {"name": name, "pieces": those}) for name, those in both)
    )
    assert [each.status_code for each in answers] == [200, 200]
    (left,) = (await maker.get(PATH)).json()["items"]
    assert (left["name"], [{"product_code": each["product_code"]} for each in left["pieces"]]) in both


async def test_a_guide_puts_one_together_for_customers(world: World, goods: dict[str, str]) -> None:
    clerk = world.staff("clerk1")
    one = await made(clerk, "/api/clerk/outfits", store="S1")
    assert (one["share"]["kind"], one["share"]["svg"][:4]) == ("outfit", "<svg")
    assert [each["id"] for each in (await clerk.get("/api/clerk/outfits?store=S1")).json()["items"]] == [
        one["outfit"]["id"]
    ]
    path = f"/api/clerk/outfits/{one['outfit']['id']}"
    body = {"name": "换季", "pieces": pieces("BIB", "SOCK")}
    assert (await world.staff("clerk2").put(path, body)).status_code == 404
    assert (await clerk.put(path, body)).json()["name"] == "换季"
    (row,) = (await world.staff("hq").get("/api/console/touchpoints?kind=share")).json()["items"]
    assert (row["target"]["kind"], row["target"]["title"]["zh"], row["owner_name"]) == ("outfit", "换季", "clerk1")
    assert (await clerk.post(f"{path}/end")).status_code == 204
    said = await world.db.fetch("SELECT action FROM audit_log WHERE subject_kind = 'outfit' ORDER BY at, id")
    assert [each["action"] for each in said] == ["outfit.make", "outfit.edit", "outfit.end"]


async def test_the_words_of_who_is_forgotten_are_gone(world: World, goods: dict[str, str]) -> None:
    maker = await world.member(PHONE)
    one = await made(maker)
    told = await maker.get("/api/mall/privacy/export")
    assert told.status_code == 200
    asked = await world.staff("hq").post(f"/api/console/members/{maker.id}/erasure", {"reason": "本人要求"})
    assert asked.status_code in (200, 201, 204), asked.text
    assert (await world.anonymous().get(f"{PATH}/{one['outfit']['id']}")).status_code == 410
    for table in ("outfits", "touchpoints"):
        kept = await world.db.fetchval(f"SELECT count(*) FROM {table} t WHERE t::text ~ '第一个冬天|好洗'")
        assert kept == 0, table
