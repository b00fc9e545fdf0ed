"""Favourites through HTTP: hearts, units kept after a scan, their clocks, the quote, the clerk, headquarters' report."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.flows import expire
from duoline.kernel import clock
from tests.http.shelf import ADDRESS, NOON, held, line, order, stocked

if TYPE_CHECKING:
    from tests.http.world import Caller, World

UNTIL = (NOON + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
SCAN = {"product_code": "MILK", "store_code": "S1", "scan": True}


async def scanned(who: Caller, **more: Any) -> dict[str, Any]:
    given = await who.put("/api/mall/favourites", SCAN | more)
    assert given.status_code == 200, given.text
    return dict(given.json())


async def favourites_of(who: Caller) -> list[dict[str, Any]]:
    return list((await who.get("/api/mall/favourites")).json()["items"])


async def test_a_visitor_marks_a_favourite_and_keeps_it_when_they_turn_out_to_be_a_member(
    world: World, shelf: str
) -> None:
    visitor = world.anonymous()
    assert (await visitor.get("/api/mall/favourites")).json()["items"] == []
    marked = (await visitor.put("/api/mall/favourites", {"product_code": "MILK"})).json()
    assert marked["outcome"] == "plain"
    assert (marked["favourite"]["holds"], marked["favourite"]["card"]["price"]["minor"]) == ([], 19900)
    assert [one["id"] for one in await favourites_of(visitor)] == [marked["favourite"]["id"]]
    assert (await visitor.get("/api/mall/favourite-marks")).json()["items"] == [
        {"id": marked["favourite"]["id"], "product_code": "MILK", "until": None}
    ]

    # The phone is a member's already, who likes the same product: it is shown once, and forgotten once for all.
    member = await world.member("+8613900000077")
    own = await scanned(member)
    await world.db.execute(
        "INSERT INTO adopted_guests (member_id, guest_id, adopted_at) SELECT $1, member_id, $2 FROM favourites WHERE id = $3",
        member.id, clock.now(), marked["favourite"]["id"],
    )  # fmt: skip
    from duoline.channels.http import sessions

    sessions.forget_all()
    assert [one["id"] for one in await favourites_of(member)] == [own["favourite"]["id"]]
    assert (await member.delete(f"/api/mall/favourites/{own['favourite']['id']}")).status_code == 204
    assert await favourites_of(member) == []
    assert await world.db.fetchval("SELECT count(*) FROM favourites") == 0
    assert await held(world, shelf) == (5, 0)


async def test_a_guest_who_scans_is_told_to_log_in_and_nothing_is_kept(world: World, shelf: str) -> None:
    guest = await world.member(kind="guest")
    marked = await scanned(guest)
    assert (marked["outcome"], marked["favourite"]["holds"]) == ("log_in", [])
    assert marked["favourite"]["store"]["code"] == "S1"
    assert await held(world, shelf) == (5, 0)


async def test_what_a_member_scans_is_kept_with_its_clock_and_free_delivery(world: World, shelf: str) -> None:
    member = await world.member("+8613900000001")
    marked = await scanned(member)
    (hold,) = marked["favourite"]["holds"]
    assert (marked["outcome"], hold["until"], hold["store"]["code"]) == ("kept", UNTIL, "S1")
    assert (hold["collects"], hold["delivers"]) == (True, True)
    assert await held(world, shelf) == (5, 1)
    assert (await scanned(member))["favourite"]["holds"] == [hold]
    assert (await member.get("/api/mall/favourite-marks")).json()["items"][0]["until"] == UNTIL

    bought = {"lines": [line(shelf, store=None)], "address": ADDRESS}
    quote = (await member.post("/api/mall/quotes", bought)).json()
    assert (quote["delivery_fee"]["minor"], quote["total"]["minor"]) == (0, 19900)
    (kept,) = quote["lines"][0]["kept"]
    assert (kept["store"]["code"], kept["units"], kept["until"]) == ("S1", 1, UNTIL)
    placed = await member.post("/api/mall/orders", order(line(shelf, store=None), pay_mode="online", address=ADDRESS))
    assert placed.status_code == 201, placed.text
    assert [job["store_code"] for job in placed.json()["fulfilments"]] == ["S1"]
    (after,) = await favourites_of(member)
    assert (after["holds"], after["ended"]) == ([], None)
    assert await held(world, shelf) == (5, 1)


async def test_the_quote_says_which_fee_is_waived(world: World, shelf: str) -> None:
    del shelf
    sock = await stocked(world, "SOCK", 990, {"S1": 2, "D1": 9})
    member = await world.member("+8613900000001")
    await scanned(member, product_code="SOCK")
    one = (await member.post("/api/mall/quotes", {"lines": [line(sock, store=None)], "address": ADDRESS})).json()
    assert (one["total"]["minor"], one["groups"][0]["fee"]["minor"], one["groups"][0]["waived"]["minor"]) == (
        990,
        0,
        800,
    )
    two = (await member.post("/api/mall/quotes", {"lines": [line(sock, 2, store=None)], "address": ADDRESS})).json()
    assert (two["total"]["minor"], two["groups"][0]["fee"]["minor"], two["groups"][0]["waived"]["minor"]) == (
        2780,
        800,
        0,
    )
    stranger = await world.member("+8613900000002")
    other = (await stranger.post("/api/mall/quotes", {"lines": [line(sock, store=None)], "address": ADDRESS})).json()
    assert (other["total"]["minor"], other["lines"][0]["kept"]) == (1790, [])


async def test_when_its_time_is_over_the_favourite_says_so_for_two_days(world: World, shelf: str) -> None:
    member = await world.member("+8613900000001")
    await scanned(member)
    for later, ended in ((121, True), (121 + 2 * 24 * 60, False)):
        with clock.frozen(NOON + timedelta(minutes=later)):
            (one,) = await favourites_of(member)
            assert one["holds"] == []
            assert (one["ended"] is not None) is ended
            if ended:
                assert (one["ended"]["store"]["code"], one["ended"]["at"]) == ("S1", UNTIL)
            await expire.expire_holds(world.db)
    assert await held(world, shelf) == (5, 0)


async def test_giving_up_keeps_the_favourite_and_is_repeatable(world: World, shelf: str) -> None:
    member = await world.member("+8613900000001")
    path = f"/api/mall/favourites/{(await scanned(member))['favourite']['id']}/hold"
    first = await member.delete(path, key="give up the unit 1")
    assert (first.status_code, first.json()["holds"]) == (200, [])
    again = await member.delete(path, key="give up the unit 1")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (await member.delete(path)).status_code == 200
    assert await held(world, shelf) == (5, 0)
    assert len(await favourites_of(member)) == 1


async def test_limits_are_said_with_their_time_and_the_favourite_stays(world: World, shelf: str) -> None:
    del shelf
    for n in range(4):
        await stocked(world, f"T{n}", 1000, {"S1": 9})
    member = await world.member("+8613900000001")
    for n in range(3):
        assert (await scanned(member, product_code=f"T{n}"))["outcome"] == "kept"
    refused = await member.put("/api/mall/favourites", SCAN | {"product_code": "T3"})
    assert (refused.status_code, refused.json()["code"]) == (429, "favourites.too-many")
    assert (refused.json()["limit"], refused.json()["maximum"], refused.json()["retry_at"]) == ("member_open", 3, UNTIL)
    assert "retry-after" in refused.headers
    assert [one["product_code"] for one in await favourites_of(member)] == ["T2", "T1", "T0", "T3"]


async def test_twenty_scans_at_once_by_one_member_keep_three(world: World, shelf: str) -> None:
    del shelf
    for n in range(20):
        await stocked(world, f"T{n}", 1000, {"S1": 9})
    member = await world.member("+8613900000001")
    answers = await asyncio.gather(
        *(member.put("/api/mall/favourites", SCAN | {"product_code": f"T{n}"}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 17
    assert await world.db.fetchval("SELECT count(*) FROM holds WHERE ref_kind = 'favourite'") == 3


async def test_a_device_is_known_by_a_cookie_that_nobody_can_make_up(world: World, shelf: str) -> None:
    del shelf
    browser = world.anonymous().client
    devices = set()
    for n in range(3):
        member = await world.member(f"+861390000010{n}")
        member.client = browser
        await scanned(member)
        devices = {row["device_id"] for row in await world.db.fetch("SELECT device_id FROM favourite_holds")}
    assert len(devices) == 1, "three members on one phone"
    for forged in (next(iter(devices)).hex + ".forged", "ü.é", "x" * 300, f"{next(iter(devices)).hex}."):
        member = await world.member()
        cookie: Any = {"Cookie": f"duoline_device={forged}".encode()}
        given = await member.put("/api/mall/favourites", SCAN | {"store_code": "S1"}, headers=cookie)
        assert given.status_code == 200, given.text
        assert "duoline_device=" in given.headers["set-cookie"]


async def test_a_page_of_favourites_after_the_other(world: World, shelf: str) -> None:
    del shelf
    member = await world.member("+8613900000001")
    for n in range(5):
        await stocked(world, f"T{n}", 1000, {"S1": 9})
        with clock.frozen(NOON + timedelta(seconds=n)):
            await member.put("/api/mall/favourites", {"product_code": f"T{n}"})
    await scanned(member, product_code="T1")
    seen, cursor = [], None
    while True:
        page = (
            await member.get("/api/mall/favourites", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [one["product_code"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["T1", "T4", "T3", "T2", "T0"]


async def test_bad_wishes_are_refused(world: World, shelf: str) -> None:
    member = await world.member("+8613900000001")
    for body, status in (
        ({"product_code": "NONE"}, 404),
        ({"product_code": "MILK", "sku_id": "00000000-0000-0000-0000-000000000009"}, 404),
        (SCAN | {"store_code": "NONE"}, 404),
        ({"product_code": "MILK", "minutes": 999}, 422),
    ):
        assert (await member.put("/api/mall/favourites", body)).status_code == status, body
    assert await held(world, shelf) == (5, 0)


async def test_the_clerk_sees_that_a_unit_is_kept_and_a_manager_lets_it_go_with_a_reason(
    world: World, shelf: str
) -> None:
    member = await world.member("+8613900000001")
    await scanned(member)
    clerk, manager = world.staff("clerk1"), world.staff("manager1")
    (item,) = (await clerk.get("/api/clerk/stock", params={"store": "S1", "q": "MILK"})).json()["items"]
    assert (item["here"]["held"], [one["until"] for one in item["kept"]]) == (1, [UNTIL])
    assert str(member.id) not in str(item), "who it is for stays theirs"
    path = f"/api/clerk/favourite-holds/{item['kept'][0]['hold_id']}/release"
    assert (await clerk.post(path, {"store": "S1", "reason": "gone"})).status_code == 403
    assert (await manager.post(path, {"store": "S1", "reason": "  "})).status_code == 422
    assert (await world.staff("manager2").post(path, {"store": "S2", "reason": "gone"})).status_code == 404
    assert (await manager.post(path, {"store": "S1", "reason": "the member has left"})).status_code == 204
    assert await held(world, shelf) == (5, 0)
    row = await world.db.fetchrow("SELECT reason, actor_name FROM audit_log WHERE action = 'favourite.release'")
    assert tuple(row or ()) == ("the member has left", "manager1")
    (item,) = (await clerk.get("/api/clerk/stock", params={"store": "S1", "q": "MILK"})).json()["items"]
    assert item["kept"] == []


async def test_headquarters_sees_what_it_brings_and_what_it_costs(world: World, shelf: str) -> None:
    members = [await world.member(f"+86139000000{n}") for n in range(10, 13)]
    for member in members[:2]:
        await scanned(member)
    with clock.frozen(NOON + timedelta(minutes=40)):
        await members[0].post("/api/mall/orders", order(line(shelf)))
        mine = (await favourites_of(members[1]))[0]["id"]
        await members[1].delete(f"/api/mall/favourites/{mine}/hold")
        await scanned(members[1])
        refused = await members[2].post("/api/mall/orders", order(line(shelf, 4)))
        assert refused.status_code == 409
        sale = {"store": "S1", "lines": [{"sku_id": shelf, "quantity": 5}], "tender": "cash"}
        till = await world.staff("clerk1").post(
            "/api/clerk/sales", sale | {"tendered": {"minor": 10**6, "currency": "CNY"}}
        )
        assert till.status_code == 409
        report = (await world.staff("hq").get("/api/console/favourite-holds")).json()
        sums = {name: report[name] for name in ("given", "used", "expired", "given_up", "open", "refused")}
        assert sums == {"given": 3, "used": 1, "expired": 0, "given_up": 1, "open": 1, "refused": 2}
        assert report["refused_value"]["minor"] == 2 * 19900
        (row,) = report["rows"]
        assert (row["store_code"], row["sku_code"], row["minutes_to_use"], row["minutes_now"]) == (
            "S1",
            "MILK-1",
            40,
            120,
        )
        assert [(day["on"], day["given"], day["refused"]) for day in report["days"] if day["given"]] == [
            ("2026-11-18", 3, 2)
        ]
        assert len(report["days"]) == 30
        south = (await world.staff("manager2").get("/api/console/favourite-holds")).json()
        assert (south["given"], south["rows"]) == (0, [])
        assert (
            await world.staff("manager2").get("/api/console/favourite-holds", params={"store": "S1"})
        ).status_code == 404
        assert (await world.staff("clerk1").get("/api/console/favourite-holds")).status_code == 403
