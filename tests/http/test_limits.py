"""Limits: by network address, of guests, of one member."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from duoline.channels.http import limits, live, writes
from duoline.channels.http.limits import Limit, TooManyRequests, address_of
from duoline.channels.mall import shopping
from duoline.kernel import clock, policies
from tests.http.shelf import NOON, line, order, stocked
from tests.http.test_account import ADDRESS
from tests.http.test_live import connect, leave
from tests.http.world import open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duoline.kernel.db import Database
    from tests.http.world import Caller, World


def request(peer: str | None, forwarded: str = "") -> Any:
    client = None if peer is None else SimpleNamespace(host=peer)
    return SimpleNamespace(client=client, headers={"x-forwarded-for": forwarded} if forwarded else {})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not our proxy: what it claims does not count
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # only what the proxy itself wrote
        ("10.0.0.7", "nonsense", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, "", "unknown"),
    ],
)
def test_whose_address_counts(peer: str | None, forwarded: str, address: str) -> None:
    assert address_of(request(peer, forwarded)) == address


def test_so_many_in_so_long_for_each_key(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    limit = Limit(3, 60)
    for _ in range(3):
        limit.check("a")
        now[0] += 10
    with pytest.raises(TooManyRequests) as refused:
        limit.check("a")
    assert "retry_at" in refused.value.fields
    limit.check("b")
    now[0] += 30.5  # the first of a is a minute old now
    limit.check("a")
    with pytest.raises(TooManyRequests):
        limit.check("a")


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 10)
    limit = Limit(1, 60)
    for n in range(1000):
        limit.check(str(n))
    assert len(limit._seen) <= 10


# --- of guests -----------------------------------------------------------------------------------------


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What a test decides ends with it."""
    yield
    policies._versions.clear()


async def decide(world: World, **values: int) -> None:
    answer = await world.staff("hq").put("/api/console/policies/guest_orders", {"body": values, "reason": "try"})
    assert answer.status_code == 200, answer.text


def at(address: str) -> dict[str, str]:
    """A caller behind the reverse proxy."""
    return {"X-Forwarded-For": address}


async def test_a_guest_orders_within_limits_and_is_told_when_to_come_back(world: World, forgotten: None) -> None:
    sku = await stocked(world, "MILK", 19900, {"S1": 100})
    with clock.frozen(NOON):
        await decide(world, orders_hour=2, units_unpaid=5)
    guest = world.anonymous()
    with clock.frozen(NOON):
        assert (
            await guest.post("/api/mall/orders", order(line(sku, 2)), headers=at("198.51.100.1"))
        ).status_code == 201
        units = await guest.post("/api/mall/orders", order(line(sku, 4)), headers=at("198.51.100.1"))
        assert (units.status_code, units.json()["code"], units.json()["maximum"]) == (429, "orders.too-many-unpaid", 5)
        assert units.headers["retry-after"] == "900"
        assert (await guest.post("/api/mall/orders", order(line(sku, 3)))).status_code == 201
        third = await guest.post("/api/mall/orders", order(line(sku)), headers={"Accept-Language": "en"})
        assert (third.status_code, third.json()["code"]) == (429, "orders.too-many-orders")
        assert third.headers["retry-after"] == "3600"
        assert "log in" in third.json()["detail"]
        # Another guest at another address has limits of their own; who has logged in has none.
        other = world.anonymous()
        assert (await other.post("/api/mall/orders", order(line(sku)), headers=at("198.51.100.2"))).status_code == 201
        member = await world.member("+8613912345678")
        placed = [await member.post("/api/mall/orders", order(line(sku, 3))) for _ in range(5)]
        assert {answer.status_code for answer in placed} == {201}
    with clock.frozen(NOON + timedelta(hours=1)):
        late = await guest.post("/api/mall/orders", order(line(sku)))
        assert late.json()["code"] == "orders.too-many-unpaid"


async def test_ever_new_guests_at_one_address_share_its_limit(world: World, forgotten: None) -> None:
    sku = await stocked(world, "MILK", 19900, {"S1": 100, "S2": 100})
    with clock.frozen(NOON):
        await decide(world, orders_hour_address=4)

        async def buy(n: int) -> int:
            basket = order(line(sku, store=("S1", "S2")[n % 2]))
            return (await world.anonymous().post("/api/mall/orders", basket, headers=at("198.51.100.7"))).status_code

        statuses = Counter(await asyncio.gather(*(buy(n) for n in range(20))))
    assert statuses == {201: 4, 429: 16}
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 4
    assert await world.db.fetchval("SELECT sum(held) FROM levels") == 4
    stored = await world.db.fetch("SELECT row_to_json(g)::text AS row FROM guest_orders g")
    assert not any("198.51.100" in row["row"] for row in stored)


@pytest.mark.parametrize("phone", ["123", "call me", "010-12345678", "+86 138", "23900000001", "0" * 30])
async def test_an_order_without_a_session_needs_a_phone_that_can_be_called(world: World, phone: str) -> None:
    sku = await stocked(world, "MILK", 19900, {"S1": 5})
    with clock.frozen(NOON):
        refused = await world.anonymous().post(
            "/api/mall/orders", order(line(sku), contact={"name": "王", "phone": phone})
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "members.bad-phone")
        assert await world.db.fetchval("SELECT count(*) FROM orders") == 0
        member = await world.member("+8613912345678")
        taken = await member.post("/api/mall/orders", order(line(sku), contact={"name": "王", "phone": phone}))
        assert taken.status_code == 201, "a member is known by a phone of their own"


async def test_measuring_may_turn_the_limits_of_guests_off(db: Database, tmp_path: Path) -> None:
    async with open_world(db, tmp_path, DUOLINE_GUEST_LIMITS="0") as world:
        sku = await stocked(world, "MILK", 100, {"S1": 500})
        guest = world.anonymous()
        with clock.frozen(NOON):
            placed = [await guest.post("/api/mall/orders", order(line(sku, 20))) for _ in range(20)]
        assert {answer.status_code for answer in placed} == {201}
        assert await db.fetchval("SELECT count(*) FROM guest_orders") == 0


async def test_one_address_cannot_fill_the_database_with_guests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes.NEW_GUESTS_BY_ADDRESS, "times", 5)
    callers = [world.anonymous() for _ in range(7)]
    answers = [await caller.post("/api/mall/addresses", ADDRESS, headers=at("198.51.100.9")) for caller in callers]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) in range(590, 601)
    assert await world.db.fetchval("SELECT count(*) FROM members") == 5
    again = await callers[0].post("/api/mall/addresses", ADDRESS, headers=at("198.51.100.9"))
    assert again.status_code == 201, "who is a guest already is no new one"


async def test_nobody_asks_the_payment_provider_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shopping.ASKS_BY_MEMBER, "times", 3)
    sku = await stocked(world, "MILK", 19900, {"S1": 5})
    member, other = await world.member(), await world.member()

    async def ask(caller: Caller, order_id: str) -> int:
        return (await caller.post(f"/api/mall/orders/{order_id}/payment-check", {})).status_code

    with clock.frozen(NOON):
        mine = (await member.post("/api/mall/orders", order(line(sku), pay_mode="online"))).json()["id"]
        theirs = (await other.post("/api/mall/orders", order(line(sku), pay_mode="online"))).json()["id"]
    assert [await ask(member, mine) for _ in range(5)] == [200, 200, 200, 429, 429]
    assert await ask(other, theirs) == 200


async def test_one_person_cannot_take_all_live_streams(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "OF_ONE_MAX", 3)
    member, other = await world.member(), await world.member()
    mine = [await connect(world, member, "/api/mall/events") for _ in range(3)]
    refused = await member.get("/api/mall/events")
    assert (refused.status_code, refused.json()["code"]) == (503, "http.too-many-streams")
    theirs = await connect(world, other, "/api/mall/events")
    await leave(mine.pop())
    mine.append(await connect(world, member, "/api/mall/events"))
    await leave(theirs, *mine)
