"""What members and shops brought and have for it, as headquarters sees it: clicks, sign-ups, orders, commission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from duoline import settlement
from duoline.channels.mall import count_scan
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, bought, line, stocked
from tests.http.test_settlement import told
from tests.http.test_shares import shared
from tests.http.test_touchpoints import log_in, made, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import World


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in S1; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER):
        limit.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


def brought(effect: dict[str, Any]) -> tuple[int, ...]:
    return (effect["clicks"], effect["sign_ups"], effect["orders"], effect["sales"]["minor"])


def since(found: dict[str, Any]) -> tuple[int, ...]:
    return (*(found[name] for name in ("members", "buyers", "orders")), found["sales"]["minor"])


def have(effect: dict[str, Any]) -> tuple[int, ...]:
    return tuple(effect[name]["minor"] for name in ("pending", "settled", "reversed"))


async def test_headquarters_sees_what_a_member_s_links_brought_and_earned(world: World, milk: str) -> None:
    hq, sharer, friend = world.staff("hq"), await world.member("+8619120000001"), world.anonymous()
    path = f"/api/console/members/{sharer.id}/effect"
    none = (await hq.get(path)).json()
    assert (brought(none), since(none["new_members"]), have(none)) == ((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0))
    await opened(friend.client, (await shared(sharer))["code"])
    await log_in(world, friend, "+8619120000002")
    first = await bought(world, friend, line(milk))
    await bought(world, friend, line(milk, 2))
    await told(world)
    seen = (await hq.get(path)).json()
    assert (brought(seen), since(seen["new_members"])) == ((1, 1, 2, 3 * 19900), (1, 1, 2, 3 * 19900))
    assert seen["new_members"]["per_member"]["minor"] == 3 * 19900
    assert have(seen) == (597 + 1194, 0, 0)
    story = (await hq.get(f"/api/console/members/{sharer.id}/timeline", params={"kind": "commission"})).json()["items"]
    assert {(one["event"], one["payee"], one["statement"]) for one in story} == {("earned", str(sharer.id), None)}
    assert (await hq.get(f"/api/console/payees/{story[0]['payee']}")).status_code == 200
    gone = await friend.post(f"/api/mall/orders/{first['id']}/cancellation", {"reason": ""})
    assert gone.status_code == 200, gone.text
    await told(world)
    seen = (await hq.get(path)).json()
    assert (brought(seen), since(seen["new_members"])) == ((1, 1, 1, 2 * 19900), (1, 1, 1, 2 * 19900))
    assert have(seen) == (1194, 0, 597)
    assert (await hq.get(f"/api/console/payees/{sharer.id}/effect")).json() == seen
    for who in ("manager1", "clerk1"):
        assert (await world.staff(who).get(path)).status_code == 403
        assert (await world.staff(who).get(f"/api/console/payees/{sharer.id}/effect")).status_code in (403, 404)


async def test_a_shop_is_shown_what_the_members_it_brought_have_bought_since(world: World, milk: str) -> None:
    poster, hq = await made(world), world.staff("hq")
    buyer, looker = world.anonymous(), world.anonymous()
    for who, phone in ((buyer, "+8619120000011"), (looker, "+8619120000012")):
        await opened(who.client, poster["code"])
        await log_in(world, who, phone)
    await bought(world, buyer, line(milk))
    await told(world)
    case = (await hq.get(f"/api/console/touchpoints/{poster['id']}")).json()
    assert since(case["new_members"]) == (2, 1, 1, 19900)
    assert case["new_members"]["per_member"]["minor"] == 9950
    shop = world.stores["S1"]
    for who in ("hq", "manager1"):
        effect = (await world.staff(who).get(f"/api/console/payees/{shop}/effect")).json()
        assert (effect["clicks"], effect["sign_ups"], since(effect["new_members"])) == (2, 2, (2, 1, 1, 19900))
        assert effect["pending"]["minor"] == 2 * settlement.ALLOCATION.current().body.bringing_minor
    rows = (await hq.get(f"/api/console/payees/{shop}/shares")).json()["items"]
    assert {(row["role"], row["earned"]["minor"], row["order_no"]) for row in rows} == {("bringing_store", 500, None)}
    assert (await world.staff("manager2").get(f"/api/console/payees/{shop}/effect")).status_code == 404
