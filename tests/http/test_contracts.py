"""How a shop is run is contract data: a company goes from direct to franchise to full franchise by a decision alone; each
order keeps the contract it was placed under, and what it earns and the goods balance to the cent and unit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.entry.check import broken
from duoline.flows import credit, pay
from duoline.kernel import clock, outbox, policies
from tests.http.shelf import ADDRESS, NOON, held, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

PRICE = 10_000
DIRECT = {
    "company": "FA",
    "mode": "direct",
    "stock_owner": "chain",
    "price_right": "chain",
    "promo_payer": "chain",
    "goods_percent": 60,
}
FRANCHISE = DIRECT | {"mode": "franchise", "stock_owner": "company", "goods_percent": 55}
FULL = FRANCHISE | {"mode": "all_franchise", "price_right": "company", "promo_payer": "company", "goods_percent": 50}
# Of the margin; who does nothing gets nothing, and what nobody gets is the owner's.
PARTS = {
    "bringer_store": 0, "guide_store": 10, "touchpoint_store": 5, "territory": 0, "ship_store": 15,
    "hand_over_store": 20, "online": 15, "headquarters": 10,
}  # fmt: skip
Shares = dict[tuple[str, str], int]


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 100.00; at the end every invariant holds, those of the ledger and of the stock too."""
    await world.db.execute("UPDATE stores SET returns = true, version = version + 1")
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", PRICE, {"S1": 9, "S3": 9, "S4": 9})
        await told(world)
        assert await broken(world.db) == []
    policies._versions.clear()


async def ok(answer: Any, *status: int) -> Any:
    assert answer.status_code in (status or (200, 201)), answer.text
    return answer.json() if answer.content else None


async def decided(world: World, kind: str, body: dict[str, Any], **options: Any) -> None:
    path = f"/api/console/policies/{kind}"
    await ok(await world.staff("hq").put(path, {"body": body, "reason": "signed"} | options))


async def agreed(world: World, *contracts: dict[str, Any], **options: Any) -> None:
    await decided(world, "contracts", {"contracts": list(contracts)}, **options)


async def told(world: World) -> None:
    while await world.db.fetchval("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers[credit.CONSUMER]):
        pass


async def shares(world: World, order_id: str) -> Shares:
    """Who has what of an order's allocation, by role and by who it is, as the console says; told first."""
    await told(world)
    whole = await ok(await world.staff("hq").get(f"/api/console/orders/{order_id}/shares"))
    found: Shares = {}
    for one in whole["shares"]:
        if one["share"]["book"] == "allocation" and one["share"]["earned"]["minor"]:
            who = one["payee"]["note"] or one["payee"]["kind"]
            key = one["share"]["role"], who
            found[key] = found.get(key, 0) + one["share"]["earned"]["minor"]
    return found


async def sold(world: World, sku: str, units: int = 1, store: str = "S3") -> dict[str, Any]:
    """Over the counter of a shop."""
    sale = await world.staff("hq").post(
        "/api/clerk/sales",
        {"store": store, "lines": [{"sku_id": sku, "quantity": units}], "tender": "cash",
         "tendered": {"minor": 1_000_000, "currency": "CNY"}},
    )  # fmt: skip
    return dict((await ok(sale))["order"])


async def brought_back(world: World, bought: dict[str, Any], units: int, store: str = "S3") -> None:
    line_id = await world.db.fetchval("SELECT id::text FROM order_lines WHERE order_id = $1::text::uuid", bought["id"])
    asked = {
        "store": store, "order_id": bought["id"], "reason": "faulty",
        "lines": [{"line_id": line_id, "quantity": units, "condition": "sellable"}],
    }  # fmt: skip
    head = world.staff("hq")
    refund = (await ok(await head.post("/api/clerk/return-quotes", asked)))["refund"]
    await ok(await head.post("/api/clerk/returns", asked | {"expected_refund": refund}))


def at_the_till(owner: str, goods: int) -> Shares:
    """One sold at the till of S3: the shop's 5 and 20 % of the margin, headquarters' 10 %, the rest the owner's."""
    margin = PRICE - goods
    mine = {
        ("touchpoint_store", "S3"): margin * 5 // 100,
        ("hand_over_store", "S3"): margin * 20 // 100,
        ("headquarters", "chain"): margin * 10 // 100,
    }
    return {("owner", owner): PRICE - sum(mine.values())} | mine


async def test_a_company_changes_its_mode_by_contract_and_every_order_keeps_its_own(world: World, milk: str) -> None:
    await decided(world, "allocation", PARTS)
    await agreed(world, DIRECT)
    franchise_at, full_at, back_at = (NOON + timedelta(days=days) for days in (1, 2, 3))
    await agreed(world, FRANCHISE, active_from=franchise_at.isoformat())
    await agreed(world, FULL, active_from=full_at.isoformat())
    await agreed(world, FULL | {"mode": "franchise", "stock_owner": "chain"}, active_from=back_at.isoformat())
    await world.db.execute("UPDATE staff_sessions SET expires_at = $1", NOON + timedelta(days=30))
    bought = []
    for at in (NOON, franchise_at, full_at, back_at):
        with clock.frozen(at):
            bought.append((await sold(world, milk))["id"])
            await told(world)
    with clock.frozen(back_at):
        found = [await shares(world, one) for one in bought]
    assert found == [
        at_the_till("chain", 6_000),
        at_the_till("FA", 5_500),
        at_the_till("FA", 5_000),
        at_the_till("chain", 5_000),
    ]
    # Told anew under the last contract, everything is as it was: each order keeps the one it was placed under.
    with clock.frozen(back_at):
        for one in bought:
            buyer = await world.db.fetchval("SELECT member_id FROM orders WHERE id = $1::text::uuid", one)
            async with world.db.begin() as tx:
                assert await credit.credit(tx, buyer, UUID(one)) == 0
        assert [await shares(world, one) for one in bought] == found


async def test_an_order_is_not_moved_by_a_contract_that_changes_before_it_is_paid(world: World, milk: str) -> None:
    await decided(world, "allocation", PARTS)
    await agreed(world, DIRECT)
    buyer = await world.member()
    placed = await ok(await buyer.post("/api/mall/orders", order(line(milk, store="S3"))))
    later = NOON + timedelta(hours=1)
    with clock.frozen(later):
        await agreed(world, FULL)
        await collected(world, buyer, placed)
        found = await shares(world, placed["id"])
    assert found["owner", "chain"] == PRICE - (600 + 400 + 800)  # online 15, headquarters 10, S3 20 % of 40.00
    assert ("owner", "FA") not in found


async def collected(world: World, who: Caller, placed: dict[str, Any]) -> None:
    head, job = world.staff("hq"), placed["fulfilments"][0]["id"]
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/ready", {}))
    code = await ok(await who.get(f"/api/mall/orders/{placed['id']}/pickup-code"))
    cash = {"code": code["qr"], "tender": "cash", "tendered": {"minor": 1_000_000, "currency": "CNY"}}
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/handover", cash))


@pytest.mark.parametrize(("contract", "owner"), [(FRANCHISE, "FA"), (FRANCHISE | {"stock_owner": "chain"}, "chain")])
async def test_collected_in_a_franchisees_shop_and_partly_brought_back_ledger_and_stock_balance(
    world: World, milk: str, contract: dict[str, Any], owner: str
) -> None:
    """T68: the member of a guide of S1 orders online, collects three at franchisee A's S3 and brings them back
    one by one: the goods are whose they are by contract, before and after."""
    await decided(world, "allocation", PARTS)
    await agreed(world, contract)
    buyer = await world.member("+8613800000010")
    shown = await ok(await world.staff("clerk1").post("/api/clerk/guide-codes", {"store": "S1"}))
    await ok(await buyer.post("/api/mall/guide", {"code": shown["code"]}))
    placed = await ok(await buyer.post("/api/mall/orders", order(line(milk, 3, "S3"))))
    assert await held(world, milk, "S3") == (9, 3)
    await collected(world, buyer, placed)
    assert await held(world, milk, "S3") == (6, 0)

    def of(units: int) -> Shares:
        margin = units * 4_500
        mine = {
            ("guide_store", "S1"): margin * 10 // 100,
            ("hand_over_store", "S3"): margin * 20 // 100,
            ("online", "chain"): margin * 15 // 100,
            ("headquarters", "chain"): margin * 10 // 100,
        }
        return ({("owner", owner): units * PRICE - sum(mine.values())} | mine) if units else {}

    assert of(3) == await shares(world, placed["id"])
    for left in (2, 1, 0):
        await brought_back(world, placed, 1)
        assert of(left) == await shares(world, placed["id"])
        assert await held(world, milk, "S3") == (9 - left, 0)
        assert await broken(world.db) == []
    assert await held(world, milk, "S4") == (9, 0)


async def delivered(world: World, sku: str, address: dict[str, Any] = ADDRESS) -> dict[str, Any]:
    """Ordered online, paid and sent by whichever shop is to."""
    buyer = await world.member()
    assert buyer.id is not None
    placed = await ok(
        await buyer.post("/api/mall/orders", order(line(sku, store=None), pay_mode="online", address=address))
    )
    intent = await world.db.fetchrow(
        "SELECT id, order_id, amount_minor FROM payment_intents WHERE order_id = $1::text::uuid", placed["id"]
    )
    assert intent is not None
    async with world.db.begin() as tx:
        await pay.settle(
            tx, buyer.id, intent["order_id"], intent["id"], amount_minor=intent["amount_minor"], currency="CNY"
        )
    head, job = world.staff("hq"), placed["fulfilments"][0]["id"]
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/ready", {}))
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/shipment", {"carrier": "sf", "tracking_no": "SF1"}))
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/delivery", {}))
    return dict(placed)


async def test_what_is_ordered_online_and_delivered_into_a_territory_credits_its_company(
    world: World, milk: str
) -> None:
    await decided(world, "allocation", PARTS | {"territory": 20})
    await agreed(world, FRANCHISE, FRANCHISE | {"company": "FB", "regions": ["north"]})
    first = await delivered(world, milk)
    found = await shares(world, first["id"])
    sender = first["fulfilments"][0]["store_code"]
    assert sum(found.values()) == PRICE
    margin = PRICE - (5_500 if sender in ("S3", "S4") else 6_000)
    assert found["territory", "FB"] == margin * 20 // 100
    # Only where it is the company's, and only by what is ordered online and delivered.
    assert "territory" not in {role for role, _ in await shares(world, (await sold(world, milk))["id"])}
    buyer = await world.member()
    placed = await ok(await buyer.post("/api/mall/orders", order(line(milk, store="S3"))))
    await collected(world, buyer, placed)
    assert "territory" not in {role for role, _ in await shares(world, placed["id"])}
    # Another company's from now on: the first order is still whose it was, also when it is told anew.
    with clock.frozen(NOON + timedelta(minutes=5)):
        await agreed(
            world, FRANCHISE | {"regions": ["north-east"]}, FRANCHISE | {"company": "FB", "regions": ["north"]}
        )
        second = await delivered(world, milk)
        assert {who for role, who in await shares(world, second["id"]) if role == "territory"} == {"FA"}
        assert await shares(world, first["id"]) == found
        await brought_back(world, first, 1, sender)
        assert await shares(world, first["id"]) == {}


async def test_the_simulator_knows_territories(world: World, milk: str) -> None:
    """The facts of an order say where it went, so that a month can be tried under another contract."""
    await decided(world, "allocation", PARTS)
    await delivered(world, milk)
    await told(world)
    rules = {
        "allocation": PARTS | {"territory": 20},
        "contracts": {"contracts": [FRANCHISE | {"company": "FB", "regions": ["china"]}]},
    }
    tried = await ok(await world.staff("hq").post("/api/console/settlement/simulations", {"month": "2026-11"} | rules))
    [company] = [one for one in tried["payees"] if one["payee"]["note"] == "FB"]
    assert (company["before"]["minor"], company["after"]["minor"]) == (0, 800)
    assert tried["allocation_before"] == tried["allocation_after"]


async def test_a_franchisee_reads_its_own_contract_and_no_other(world: World) -> None:
    await agreed(world, FRANCHISE)
    mine = await ok(await world.staff("franchisee_a").get("/api/console/settlement-contracts"))
    [one] = mine["contracts"]
    assert (one["code"], one["usual"], one["contract"]["goods_percent"]) == ("FA", False, 55)
    assert mine["allocation"]["hand_over_store"] == 20
    [other] = (await ok(await world.staff("franchisee_b").get("/api/console/settlement-contracts")))["contracts"]
    assert (other["code"], other["usual"], other["contract"]["goods_percent"]) == ("FB", True, 60)
    assert (await ok(await world.staff("manager1").get("/api/console/settlement-contracts")))["contracts"] == []
    assert len((await ok(await world.staff("hq").get("/api/console/settlement-contracts")))["contracts"]) == 3
    assert (await world.staff("clerk1").get("/api/console/settlement-contracts")).status_code == 403
    policies._versions.clear()
