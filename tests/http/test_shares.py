"""Sharing over the wire: by members and clerks, with a note; what the reader is told, and what the sharer sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.clerk import shares as clerk_shares
from duoline.channels.mall import count_scan
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, bought, line, order, stocked
from tests.http.test_coupons import opened as opened_batch
from tests.http.test_coupons import promotion
from tests.http.test_guides import bound, code_of
from tests.http.test_touchpoints import log_in, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

PHONE = "+8613900000001"
FRIEND = "+8613900000002"


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in S1; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER, clerk_shares.SHARES_BY_STAFF):
        limit.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


async def shared(who: Caller, **more: Any) -> dict[str, Any]:
    made = await who.post("/api/mall/shares", {"kind": "product", "name": "MILK", "note": "我家宝宝一直喝"} | more)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def figures(who: Caller) -> list[tuple[int, int, int, int]]:
    items = (await who.get("/api/mall/shares")).json()["items"]
    return [(one["clicks"], one["sign_ups"], one["orders"], one["sales"]["minor"]) for one in items]


async def test_a_friend_reads_signs_up_and_buys_and_the_sharer_sees_it(world: World, milk: str) -> None:
    sharer, friend = await world.member(PHONE), world.anonymous()
    one = await shared(sharer)
    assert (one["title"]["en"], one["svg"][:4]) == ("Milk powder", "<svg")
    answer = await opened(friend.client, one["code"])
    assert answer.headers["location"] == f"/p/MILK?t={one['code']}"
    told = await friend.get(f"/api/mall/shared/{one['code']}")
    assert told.json() == {"by": "M", "note": "我家宝宝一直喝"}
    await log_in(world, friend, FRIEND)
    assert (await friend.post("/api/mall/orders", order(line(milk)))).status_code == 201
    assert await figures(sharer) == [(1, 1, 0, 0)]  # neither paid nor handed over
    placed = await bought(world, friend, line(milk))
    assert await figures(sharer) == [(1, 1, 1, 19900)]
    # What is called off does not count any more.
    path = f"/api/mall/orders/{placed['id']}/cancellation"
    assert (await friend.post(path, {"reason": ""})).status_code == 200
    assert await figures(sharer) == [(1, 1, 0, 0)]


async def test_one_s_own_link_brings_nothing(world: World, milk: str) -> None:
    sharer = await world.member(PHONE)
    one = await shared(sharer)
    await opened(sharer.client, one["code"], headers=sharer.headers)
    # Nor does it on the same browser before the log-in.
    await opened(sharer.client, one["code"])
    assert (await sharer.post("/api/mall/orders", order(line(milk)))).status_code == 201
    assert await figures(sharer) == [(1, 0, 0, 0)]
    marked = await world.db.fetchval("SELECT own_device FROM device_touches")
    assert marked is True


async def test_notes_carry_no_links_and_no_numbers(world: World, milk: str) -> None:
    sharer = await world.member(PHONE)
    for note in ("加我 https://x.example", "www.x.example 便宜", "微信 139 0000 0001", "看 shop.top 更多"):
        refused = await sharer.post("/api/mall/shares", {"kind": "product", "name": "MILK", "note": note})
        assert (refused.status_code, refused.json()["code"]) == (422, "attribution.note-not-shown"), note
    assert (await sharer.post("/api/mall/shares", {"kind": "product", "name": "NONE"})).status_code == 404
    assert (await sharer.post("/api/mall/shares", {"kind": "coupon", "name": "NONE"})).status_code == 404


async def test_coupons_are_shared_and_ended_links_say_so(world: World, milk: str) -> None:
    sharer = await world.member(PHONE)
    batch = (await opened_batch(world, await promotion(world), "claim"))["batch"]["batch_id"]
    one = await shared(sharer, kind="coupon", name=batch)
    friend = world.anonymous()
    assert (await opened(friend.client, one["code"])).headers["location"] == (
        f"/coupons?tab=centre&batch={batch}&t={one['code']}"
    )
    other = await world.member(FRIEND)
    assert (await other.post(f"/api/mall/shares/{one['id']}/end")).status_code == 404
    ended = await sharer.post(f"/api/mall/shares/{one['id']}/end")
    assert ended.json()["ended_at"] is not None
    assert (await opened(friend.client, one["code"])).status_code == 410
    assert (await friend.get(f"/api/mall/shared/{one['code']}")).json() == {"by": "", "note": ""}
    # A code to print is no way around who may have it.
    printed = (await opened_batch(world, await promotion(world), "print"))["batch"]["batch_id"]
    assert (await sharer.post("/api/mall/shares", {"kind": "coupon", "name": printed})).status_code == 404


async def test_a_clerk_sees_what_codes_links_and_members_come_to(world: World, milk: str) -> None:
    clerk, buyer = world.staff("clerk1"), world.anonymous()
    code = await code_of(world)
    body = {"store": "S1", "kind": "product", "name": "MILK", "note": "今天有货"}
    made = await clerk.post("/api/clerk/shares", body)
    assert made.status_code == 201, made.text
    await opened(buyer.client, made.json()["code"])
    await log_in(world, buyer, PHONE)
    await bound(buyer, code)
    assert (await buyer.post("/api/mall/orders", order(line(milk)))).status_code == 201
    await bought(world, buyer, line(milk))
    (row,) = (await clerk.get("/api/clerk/shares?store=S1")).json()["items"]
    assert (row["clicks"], row["sign_ups"], row["orders"], row["sales"]["minor"]) == (1, 1, 1, 19900)
    mine = (await clerk.get("/api/clerk/performance?store=S1")).json()
    assert mine["members"] == 1
    for span in (mine["lately"], mine["ever"]):
        assert (span["clicks"], span["sign_ups"], span["orders"], span["sales"]["minor"]) == (1, 1, 1, 19900)
        assert (span["new_members"], span["member_orders"], span["member_sales"]["minor"]) == (1, 1, 19900)
    assert (await world.staff("clerk2").get("/api/clerk/performance?store=S2")).json()["members"] == 0
    shown = (await world.staff("hq").get("/api/console/touchpoints?kind=share&q=clerk1")).json()["items"]
    assert [(one["owner_name"], one["orders"], one["note"]) for one in shown] == [("clerk1", 1, "今天有货")]
