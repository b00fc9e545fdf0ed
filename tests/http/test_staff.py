"""Staff log-in: lock-out under attack, sessions that end, passwords."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.kernel import clock
from duoline.stores import directory
from tests.http.world import PASSWORD

if TYPE_CHECKING:
    from tests.http.world import World


async def log_in(world: World, password: str = PASSWORD, login: str = "clerk1") -> int:
    return (await world.anonymous().post("/api/staff/sessions", {"login": login, "password": password})).status_code


async def test_log_in_shows_rights_and_opens_the_doors(world: World) -> None:
    browser = world.anonymous()
    entered = await browser.post("/api/staff/sessions", {"login": " Clerk1 ", "password": PASSWORD})
    assert entered.status_code == 201
    staff = entered.json()["staff"]
    assert [grant["role"] for grant in staff["grants"]] == ["clerk"]
    assert [store["code"] for store in staff["stores"]] == ["S1"]
    assert staff["store_count"] == 1
    assert "fulfil" in staff["permissions"]
    assert "stock.adjust" not in staff["permissions"]
    assert (await browser.get("/api/staff/me")).json() == staff
    assert (await browser.get("/api/mall/me")).status_code == 401  # a staff session is no member's


async def test_headquarters_of_a_large_chain_are_told_of_a_few_shops_and_find_the_others(world: World) -> None:
    await world.db.execute(
        """INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province,
             city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min, updated_at)
           SELECT gen_random_uuid(), 'Z' || lpad(n::text, 4, '0'), kind, company_id, region_id, '第' || n || '店', 'Shop ' || n,
             address_zh, address_en, province, city, phone, 20 + n / 100.0, 100, hours, pickup, ship, returns,
             pick_capacity_hour, pickup_lead_min, updated_at
           FROM stores, generate_series(1, 1600) n WHERE code = 'S1'"""
    )
    await directory.refresh(world.db)
    hq = world.staff("hq")
    me = await hq.get("/api/staff/me")
    assert (len(me.json()["stores"]), me.json()["store_count"]) == (50, 1605)
    assert len(me.content) < 60_000
    entered = await world.anonymous().post("/api/staff/sessions", {"login": "hq", "password": PASSWORD})
    assert len(entered.content) < 60_000

    async def found(**query: Any) -> list[str]:
        answer = await hq.get("/api/staff/stores", params=query)
        assert answer.status_code == 200, answer.text
        return [store["code"] for store in answer.json()["items"]]

    codes: list[str] = []
    cursor = None
    while cursor is not None or not codes:
        page = (
            await hq.get("/api/staff/stores", params={"limit": 100} | ({"cursor": cursor} if cursor else {}))
        ).json()
        codes += [store["code"] for store in page["items"]]
        cursor, total = page["next"], page["total"]
    assert (len(codes), len(set(codes)), total, codes == sorted(codes)) == (1605, 1605, 1605, True)
    assert await found(q="shop 1599") == ["Z1599"]
    assert await found(q="1599店") == ["Z1599"]
    assert await found(named=f"Z0007,{world.stores['S2']},nothing") == ["S2", "Z0007"]
    assert await found(lat=30.001, lon=100, limit=3) == ["Z1000", "Z1001", "Z0999"]
    # Who reaches few is told of all of them, and finds no others.
    theirs = (await world.staff("franchisee_a").get("/api/staff/stores", params={"named": "S1,S3,Z0001"})).json()
    assert [store["code"] for store in theirs["items"]] == ["S3"]


async def test_five_wrong_passwords_lock_for_fifteen_minutes(world: World) -> None:
    for _ in range(4):
        assert await log_in(world, "wrong password") == 401
    fifth = await world.anonymous().post("/api/staff/sessions", {"login": "clerk1", "password": "wrong password"})
    assert fifth.status_code == 429
    assert fifth.json()["code"] == "stores.locked"
    assert "until_at" in fifth.json()
    assert await log_in(world) == 429
    with clock.shifted(timedelta(minutes=15, seconds=1)):
        assert await log_in(world) == 201
    assert await world.db.fetchval("SELECT failed_count FROM staff WHERE login = 'clerk1'") == 0


async def test_a_hundred_guesses_at_once_count_as_five(world: World) -> None:
    answers = await asyncio.gather(*(log_in(world, f"wrong password {n}") for n in range(30)))
    assert sorted(answers) == [401] * 4 + [429] * 26
    assert await log_in(world) == 429


async def test_right_passwords_between_wrong_ones_start_the_count_anew(world: World) -> None:
    for _ in range(3):
        for _ in range(4):
            assert await log_in(world, "wrong password") == 401
        assert await log_in(world) == 201


async def test_unknown_log_ins_answer_like_wrong_passwords(world: World) -> None:
    unknown = await world.anonymous().post("/api/staff/sessions", {"login": "nobody", "password": PASSWORD})
    wrong = await world.anonymous().post("/api/staff/sessions", {"login": "clerk2", "password": "wrong password"})
    assert unknown.status_code == wrong.status_code == 401
    without_id = [{k: v for k, v in a.json().items() if k != "instance"} for a in (unknown, wrong)]
    assert without_id[0] == without_id[1]


async def test_sessions_end_at_log_out_after_twelve_hours_and_on_leaving(world: World) -> None:
    entered = await world.anonymous().post("/api/staff/sessions", {"login": "clerk1", "password": PASSWORD})
    headers = {"Authorization": f"Bearer {entered.json()['token']}"}
    me = world.anonymous()
    assert (await me.get("/api/staff/me", headers=headers)).status_code == 200
    assert (await me.delete("/api/staff/sessions", headers=headers)).status_code == 204
    assert (await me.get("/api/staff/me", headers=headers)).status_code == 401

    clerk, chief = world.staff("clerk1"), world.staff("hq")
    assert (await clerk.get("/api/staff/me")).status_code == 200
    gone = await chief.patch(f"/api/console/staff/{clerk.id}", {"state": "left", "reason": "moved away"})
    assert gone.json()["state"] == "left"
    assert (await clerk.get("/api/staff/me")).status_code == 401
    assert await log_in(world) == 401

    with clock.shifted(timedelta(hours=12, seconds=1)):
        from duoline.channels.http import sessions

        sessions.forget_all()
        assert (await world.staff("clerk2").get("/api/staff/me")).status_code == 401


async def test_a_new_password_ends_every_session_and_the_old_one_is_needed(world: World) -> None:
    clerk = world.staff("clerk1")
    wrong = await clerk.post("/api/staff/password", {"password": "not mine at all", "new_password": "a good new one"})
    assert wrong.status_code == 401
    for weak in ("short", "1234567890", "aaaaaaaaaaaa", "password123"):
        refused = await clerk.post("/api/staff/password", {"password": PASSWORD, "new_password": weak})
        assert (refused.status_code, refused.json()["code"]) == (422, "stores.weak-password"), weak
    changed = await clerk.post("/api/staff/password", {"password": PASSWORD, "new_password": "a good new one"})
    assert changed.status_code == 204
    assert (await clerk.get("/api/staff/me")).status_code == 401
    assert await log_in(world) == 401
    assert await log_in(world, "a good new one") == 201


async def test_a_repeated_log_in_gives_the_same_session(world: World) -> None:
    body, key = {"login": "clerk1", "password": PASSWORD}, "a-key-long-enough-for-this"
    first = await world.anonymous().post("/api/staff/sessions", body, key=key)
    again = await world.anonymous().post("/api/staff/sessions", body, key=key)
    assert again.content == first.content
    other = await world.anonymous().post("/api/staff/sessions", body | {"password": "another one"}, key=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")
    stored = await world.db.fetch("SELECT response FROM idempotency")
    assert all(first.json()["token"] not in row["response"] for row in stored)
