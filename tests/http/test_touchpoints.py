"""Touchpoints over the wire: made and printed by staff, opened by strangers and members, counted once, put down to orders."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.mall import count_scan
from duoline.entry.check import broken
from duoline.kernel import clock, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.policies import set_version
from tests.http.shelf import NOON, bought, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.http.world import Caller, World

PATH = "/api/console/touchpoints"
PHONE = "+8613900000001"
BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/131 Mobile"}


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in S1, nine of it; the check is clean at the end."""
    count_scan.NEW_DEVICES_BY_ADDRESS.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


async def made(world: World, who: str = "manager1", **more: Any) -> dict[str, Any]:
    body = {"kind": "poster", "name": {"zh": "门口海报"}, "target": {"kind": "home"}, "store": "S1"} | more
    answer = await world.staff(who).post(PATH, body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["items"][0])


async def opened(client: httpx.AsyncClient, code: str, **options: Any) -> httpx.Response:
    headers = BROWSER | options.pop("headers", {})
    return await client.request(options.pop("method", "GET"), f"/t/{code}{options.pop('query', '')}", headers=headers)


async def row(world: World, point: dict[str, Any]) -> dict[str, Any]:
    answer = await world.staff("hq").get(f"{PATH}/{point['id']}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["touchpoint"])


async def count(world: World, point: dict[str, Any]) -> int:
    return int((await row(world, point))["scans"])


@pytest.mark.parametrize("by", ["made", "name", "code", "scans", "orders"])
async def test_every_order_is_paged_without_loss_also_among_equals(world: World, milk: str, by: str) -> None:
    points = [await made(world, name={"zh": name}) for name in ("海报", "海报", "灯箱", "海报", "Banner")]
    for n in (0, 2):
        stranger, buyer = world.client(), await world.member(f"+86139000000{n}1")
        await opened(stranger, points[n]["code"])
        await opened(buyer.client, points[n]["code"], headers=buyer.headers)
        await bought(world, buyer, line(milk))
    hq, key = world.staff("hq"), {"made": "created_at", "name": "name"}.get(by, by)

    async def page(sort: str, limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = await hq.get(PATH, params=asked)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            cursor = answer.json()["next"]
        return found

    up = await page(by, 100)
    assert {one["id"] for one in up} == {one["id"] for one in points}
    # By their bytes it would be the other way round.
    names = ["Banner", "灯箱", "海报"]
    values = [names.index(one[key]["zh"]) if key == "name" else one[key] for one in up]
    assert values == sorted(values)
    assert len(set(values)) < len(values) or by == "code", "some are equal"
    for limit in (1, 2, 3):
        assert [one["id"] for one in await page(by, limit)] == [one["id"] for one in up]
        assert [one["id"] for one in await page(f"-{by}", limit)] == [one["id"] for one in reversed(up)]
    other = (await hq.get(PATH, params={"sort": "scans", "limit": 1})).json()["next"]
    assert (await hq.get(PATH, params={"sort": "-made", "cursor": other})).status_code == 422


async def test_a_code_leads_to_its_page_and_counts_a_device_once_a_while(world: World, milk: str) -> None:
    point = await made(world, target={"kind": "product", "name": "MILK"})
    assert len(point["code"]) == 8
    stranger = world.client()
    answer = await opened(stranger, point["code"].lower(), query="?v=q")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/p/MILK?t={point['code']}")
    assert answer.headers["cache-control"] == "no-store"
    await opened(stranger, point["code"])
    assert await count(world, point) == 1
    await opened(world.client(), point["code"])
    found = await row(world, point)
    assert (found["scans"], found["devices"], found["spark"]) == (2, 2, [0] * 13 + [2])
    with clock.frozen(NOON + timedelta(minutes=11)):
        await opened(stranger, point["code"])
        found = await row(world, point)
        assert (found["scans"], found["devices"]) == (3, 2)
    vias = await world.db.fetch("SELECT via, count(*) AS n FROM scans GROUP BY via ORDER BY via")
    assert [tuple(each) for each in vias] == [("link", 2), ("qr", 1)]


async def test_what_is_counted_are_the_scans_after_many_at_once_a_merge_and_an_erasure(world: World, milk: str) -> None:
    point, other = await made(world), await made(world)
    members = [await world.member(f"+86139000001{n:02d}") for n in range(6)]
    visitors = [(who.client, who.headers) for who in members] + [(world.client(), {}) for _ in range(14)]
    await asyncio.gather(*(opened(client, point["code"], headers=headers) for client, headers in visitors))
    hq, (kept, gone, erased) = world.staff("hq"), members[:3]
    merge = {"other_id": str(gone.id), "reason": "one person"}
    assert (await hq.post(f"/api/console/members/{kept.id}/merges", merge)).status_code < 300
    forgotten = await hq.post(f"/api/console/members/{erased.id}/erasure", {"reason": "asked for"})
    assert forgotten.status_code < 300, forgotten.text
    assert [await count(world, one) for one in (point, other)] == [20, 0]
    listed = (await hq.get(PATH, params={"sort": "-scans"})).json()["items"]
    assert [(one["id"], one["scans"], one["spark"][-1]) for one in listed] == [
        (point["id"], 20, 20),
        (other["id"], 0, 0),
    ]
    days = (await hq.get(f"{PATH}/{point['id']}")).json()["days"]
    assert sum(day["scans"] for day in days) == await world.db.fetchval("SELECT count(*) FROM scans") == 20


async def test_programs_and_pages_fetched_ahead_are_not_counted(world: World, milk: str) -> None:
    point = await made(world)
    for headers in (
        {"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": ""},
        {"Sec-Purpose": "prefetch;prerender"},
        {"X-Moz": "prefetch"},
    ):
        answer = await opened(world.client(), point["code"], headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (302, None), headers
    assert (await opened(world.client(), point["code"], method="HEAD")).status_code == 302
    assert await count(world, point) == 0
    assert await world.db.fetchval("SELECT count(*) FROM device_touches") == 0


async def test_ever_new_browsers_of_one_address_count_so_many_times(
    world: World, milk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = await made(world)
    monkeypatch.setattr(count_scan.NEW_DEVICES_BY_ADDRESS, "times", 3)
    for _ in range(5):
        assert (await opened(world.client(), point["code"])).status_code == 302
    assert await count(world, point) == 3


async def test_one_device_at_the_same_instant_counts_once(world: World, milk: str) -> None:
    point, other, stranger = await made(world), await made(world), world.client()
    await opened(stranger, other["code"])  # the cookie
    await asyncio.gather(*(opened(stranger, point["code"]) for _ in range(8)))
    assert await count(world, point) == 1


async def test_an_ended_code_says_so(world: World, milk: str) -> None:
    point = await made(world)
    refused = await world.staff("manager2").post(f"{PATH}/{point['id']}/end", {"reason": "x"})
    assert refused.status_code == 404
    ended = await world.staff("manager1").post(f"{PATH}/{point['id']}/end", {"reason": "海报撤下"})
    assert ended.status_code == 200, ended.text
    assert ended.json()["touchpoint"]["ended_at"] is not None
    answer = await opened(world.client(), point["code"], headers={"Accept-Language": "en"})
    assert (answer.status_code, "This code has ended" in answer.text) == (410, True)
    assert (await opened(world.client(), "ZZZZZZZZ")).status_code == 404
    assert await count(world, point) == 0
    assert [each["id"] for each in (await world.staff("hq").get(PATH)).json()["items"]] == []
    listed = (await world.staff("hq").get(f"{PATH}?which=ended")).json()["items"]
    assert [each["id"] for each in listed] == [point["id"]]


async def test_a_printed_code_leads_elsewhere_and_keeps_what_it_brought(world: World, milk: str) -> None:
    point, manager = await made(world), world.staff("manager1")
    await opened(world.client(), point["code"], query="?v=q")
    body = {"target": {"kind": "product", "name": "MILK"}, "reason": "换季"}
    path = f"{PATH}/{point['id']}/target"
    assert (await world.staff("manager2").post(path, body)).status_code == 404
    assert (await manager.post(path, body | {"target": {"kind": "product", "name": "NONE"}})).status_code == 422
    assert (await manager.post(path, body | {"target": {"kind": "product"}})).status_code == 422
    changed = await manager.post(path, body)
    assert (changed.status_code, changed.json()["touchpoint"]["code"]) == (200, point["code"]), changed.text
    answer = await opened(world.client(), point["code"], query="?v=q")
    assert answer.headers["location"] == f"/p/MILK?t={point['code']}"
    assert await count(world, point) == 2
    line = (await world.staff("hq").get("/api/console/audit", params={"subject": point["code"]})).json()["items"][0]
    assert (line["action"], line["before"], line["after"]) == (
        "touchpoint.target", {"target": ["home", ""]}, {"target": ["product", "MILK"]},
    )  # fmt: skip
    assert (await manager.post(f"{PATH}/{point['id']}/end", {"reason": "x"})).status_code in (200, 201)
    assert (await manager.post(path, body)).json()["code"] == "attribution.touchpoint-ended"


async def test_who_was_known_as_a_member_is_counted_once(world: World, milk: str) -> None:
    point, one, other = await made(world), await world.member(PHONE), await world.member("+8613900000002")
    for who in (one, other):
        for browser in (who.client, world.client()):
            await opened(browser, point["code"], headers=who.headers)
    await opened(world.client(), point["code"])
    case = (await world.staff("hq").get(f"{PATH}/{point['id']}")).json()
    assert (case["touchpoint"]["scans"], case["touchpoint"]["devices"], case["scanned_by"]) == (5, 5, 2)
    merge = {"other_id": str(other.id), "reason": "one person"}
    merged = await world.staff("hq").post(f"/api/console/members/{one.id}/merges", merge)
    assert merged.status_code < 300, merged.text
    assert (await world.staff("hq").get(f"{PATH}/{point['id']}")).json()["scanned_by"] == 1


async def test_what_a_member_shares_is_not_printed(world: World, milk: str) -> None:
    shared = await (await world.member(PHONE)).post("/api/mall/shares", {"kind": "product", "name": "MILK"})
    code = shared.json().get("code") or shared.json()["share"]["code"]
    share_id = await world.db.fetchval("SELECT touchpoint_id FROM touchpoint_codes WHERE code = $1", code)
    hq = world.staff("hq")
    assert (await hq.get(f"{PATH}.pdf", params={"touchpoint": str(share_id)})).status_code == 404
    body = {"target": {"kind": "home"}, "reason": "x"}
    assert (await hq.post(f"{PATH}/{share_id}/target", body)).status_code == 404


async def test_a_sheet_of_many_codes_is_printed(world: World, milk: str) -> None:
    body = {
        "kind": "shelf", "name": {"zh": "奶粉货架"}, "target": {"kind": "product", "name": "MILK"}, "store": "S1",
        "places": [f"A-{n:02d}" for n in range(1, 25)],
    }  # fmt: skip
    answer = await world.staff("manager1").post(PATH, body)
    places = [each["place"] for each in answer.json()["items"]]
    assert (places[0], places[-1], len({each["code"] for each in answer.json()["items"]})) == ("A-01", "A-24", 24)
    chosen = "&".join(f"touchpoint={each['id']}" for each in answer.json()["items"][:3])
    for query in (chosen, "kind=shelf", "store=S1"):
        sheet = await world.staff("manager1").get(f"{PATH}.pdf?{query}")
        assert (sheet.status_code, sheet.headers["content-type"]) == (200, "application/pdf"), sheet.text
        assert sheet.content.startswith(b"%PDF")
    foreign = await world.staff("manager2").get(f"{PATH}.pdf?{chosen}")
    assert foreign.status_code == 404


async def test_who_may_make_what(world: World, milk: str) -> None:
    refused = await world.staff("manager1").post(
        PATH, {"kind": "campaign", "name": {"zh": "x"}, "target": {"kind": "home"}}
    )
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "store")
    nowhere = await world.staff("hq").post(
        PATH, {"kind": "campaign", "name": {"zh": "x"}, "target": {"kind": "product", "name": "NONE"}}
    )
    assert (nowhere.status_code, nowhere.json()["problems"][0]["field"]) == (422, "target")
    assert (await world.staff("clerk1").get(PATH)).status_code == 403
    point = await made(world, "hq", kind="campaign", store=None)
    assert (await world.staff("manager1").get(f"{PATH}/{point['id']}")).status_code == 404
    assert (await row(world, point))["owner_kind"] == "chain"


async def test_an_order_is_put_down_to_what_was_met_last_in_time(world: World, milk: str) -> None:
    first, second = await made(world), await made(world)
    guest = world.anonymous()
    await opened(guest.client, first["code"])
    with clock.frozen(NOON + timedelta(hours=1)):
        await opened(guest.client, second["code"])
    with clock.frozen(NOON + timedelta(hours=2)):
        await bought(world, guest, line(milk))
        # What waits for its payment, or is only reserved, has brought nothing yet.
        for way in ("online", "at_store"):
            placed = await guest.post("/api/mall/orders", order(line(milk), pay_mode=way))
            assert placed.status_code == 201, placed.text
    with clock.frozen(NOON + timedelta(hours=3)):
        await opened(guest.client, first["code"])
    brought = [
        ((await row(world, each))["orders"], (await row(world, each))["sales"]["minor"]) for each in (first, second)
    ]
    assert brought == [(0, 0), (1, 19900)]
    case = (await world.staff("hq").get(f"/api/console/touchpoints/{second['id']}")).json()
    assert sum(day["orders"] for day in case["days"]) == 1
    kept = await world.db.fetchrow("SELECT window_days, rule_version FROM order_touches")
    assert kept is not None
    assert tuple(kept) == (30, 0)


async def test_outside_the_window_nothing_gets_the_credit_and_a_later_rule_changes_nothing(
    world: World, milk: str
) -> None:
    point, buyer = await made(world), await world.member(PHONE)
    await opened(buyer.client, point["code"], headers=buyer.headers)

    async def ordered(after: timedelta) -> int:
        with clock.frozen(NOON + after):
            assert (await buyer.post("/api/mall/orders", order(line(milk)))).status_code == 201
        return int(await world.db.fetchval("SELECT count(*) FROM order_touches"))

    assert await ordered(timedelta(days=29, hours=23)) == 1
    with clock.frozen(NOON + timedelta(days=29, hours=23)):
        async with world.db.begin() as tx:
            await set_version(tx, actor=SYSTEM, kind="touch", body={"window_days": 1, "repeat_minutes": 10}, reason="x")
        await policies.refresh(world.db)
    assert await ordered(timedelta(days=29, hours=23)) == 1
    await world.db.execute("DELETE FROM policies")
    await policies.refresh(world.db)
    assert await ordered(timedelta(days=29, hours=23, minutes=59)) == 2


async def test_a_touch_is_over_at_the_very_end_of_its_window(world: World, milk: str) -> None:
    point, guest = await made(world), await world.member(kind="guest")
    await opened(guest.client, point["code"], headers=guest.headers)
    await world.db.execute("UPDATE member_sessions SET expires_at = expires_at + interval '90 days'")
    with clock.frozen(NOON + timedelta(days=30)):
        assert (await guest.post("/api/mall/orders", order(line(milk)))).status_code == 201
    assert await world.db.fetchval("SELECT count(*) FROM order_touches") == 0


async def test_what_a_device_met_becomes_the_member_s_at_log_in_and_a_new_member_is_put_down_to_it(
    world: World, milk: str
) -> None:
    point, stranger = await made(world), world.anonymous()
    await opened(stranger.client, point["code"], query="?v=q")
    await log_in(world, stranger, PHONE)
    assert (await row(world, point))["sign_ups"] == 1
    met = await world.db.fetchrow("SELECT t.via, p.phone FROM touches t JOIN phone_index p USING (member_id)")
    assert met is not None
    assert tuple(met) == ("qr", PHONE)
    # Another who logs in on the same device has not met it.
    await log_in(world, stranger, "+8613900000002")
    assert (await row(world, point))["sign_ups"] == 1
    assert await world.db.fetchval("SELECT count(*) FROM touches") == 1


async def test_a_sale_at_the_till_is_put_down_to_what_its_member_met(world: World, milk: str) -> None:
    point, buyer = await made(world), await world.member(PHONE)
    await opened(buyer.client, point["code"], headers=buyer.headers)
    clerk = world.staff("clerk1")
    sale = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash",
            "tendered": {"minor": 20000, "currency": "CNY"}}  # fmt: skip
    for phone in ({}, {"phone": "13900000001"}):
        sold = await clerk.post("/api/clerk/sales", sale | phone)
        assert sold.status_code == 201, sold.text
    assert (await row(world, point))["orders"] == 1


async def log_in(world: World, who: Caller, phone: str) -> None:
    asked = await who.post("/api/mall/login-codes", {"phone": phone})
    assert asked.status_code == 202, asked.text
    code = await world.code_sent(phone)
    entered = await who.post("/api/mall/sessions", {"phone": phone, "code": code})
    assert entered.status_code == 201, entered.text
