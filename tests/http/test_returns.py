"""A clerk takes back what was bought: the receipt, what goes back, taking it once; by whoever may, of whom it was."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.entry.check import broken
from duoline.kernel import clock
from tests.http.shelf import NOON, stocked
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.http.world import World


@pytest.fixture
async def sku(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in every shop; the check is clean at the end."""
    await world.db.execute("UPDATE stores SET returns = true, version = version + 1")
    sku = await stocked(world, "MILK", 19900, {"S1": 5, "S2": 5, "S3": 5, "S4": 5})
    with clock.frozen(NOON):
        yield sku
    assert await broken(world.db) == []


async def sell(world: World, sku: str, quantity: int = 2, *, store: str = "S1", phone: str | None = None) -> Any:
    body = {
        "store": store, "lines": [{"sku_id": sku, "quantity": quantity}], "tender": "cash",
        "tendered": {"minor": 10**6, "currency": "CNY"},
    }  # fmt: skip
    sold = await world.staff("hq").post("/api/clerk/sales", body | ({"phone": phone} if phone else {}))
    assert sold.status_code == 201, sold.text
    return sold.json()["order"]


async def receipt(world: World, order_no: str, login: str = "clerk1", store: str = "S1") -> httpx.Response:
    return await world.staff(login).get("/api/clerk/returnable-orders", params={"store": store, "order_no": order_no})


def asked(order: Any, quantity: int = 1, *, store: str = "S1", **more: Any) -> dict[str, Any]:
    lines = [{"line_id": order["lines"][0]["id"], "quantity": quantity, "condition": "sellable"}]
    return {"store": store, "order_id": order["id"], "reason": "changed_mind", "lines": lines} | more


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def test_a_receipt_says_what_may_come_back_and_nothing_of_the_customer(world: World, sku: str) -> None:
    order = await sell(world, sku, phone="13900000001")
    shown = await receipt(world, order["order_no"].lower())
    assert shown.status_code == 200, shown.text
    doc = shown.json()
    assert (doc["order_no"], doc["phone_masked"], doc["offered"], doc["days"], doc["faulty_days"]) == (
        order["order_no"], "139****0001", True, 7, 30,
    )  # fmt: skip
    (line,) = doc["lines"]
    assert (line["sold"], line["returned"], line["left"], line["left_ours"], line["until"]) == (
        2,
        0,
        2,
        2,
        "2026-11-25",
    )
    assert "+8613900000001" not in shown.text
    assert "contact" not in doc
    with clock.frozen(NOON + timedelta(days=8)):
        (line,) = (await receipt(world, order["order_no"])).json()["lines"]
        assert (line["left"], line["left_ours"]) == (0, 2)


async def test_what_is_taken_back_is_quoted_done_and_told(world: World, sku: str) -> None:
    order = await sell(world, sku, phone="13900000001")
    clerk = world.staff("clerk1")
    quote = await clerk.post("/api/clerk/return-quotes", asked(order))
    assert (quote.status_code, quote.json()["refund"]["minor"], quote.json()["kept"]["minor"]) == (200, 19900, 0)
    assert quote.json()["ways"] == [{"tender": "cash", "amount": quote.json()["refund"]}]
    done = await clerk.post("/api/clerk/returns", asked(order, expected_refund=quote.json()["refund"]))
    assert done.status_code == 201, done.text
    assert (done.json()["ways"][0]["tender"], done.json()["receipt"]["lines"][0]["left"]) == ("cash", 1)
    case = (await world.staff("hq").get(f"/api/console/orders/{order['id']}")).json()
    (back,) = case["order"]["returns"]
    assert (back["store"]["code"], back["reason"], back["refund"]["minor"], back["lines"][0]["quantity"]) == (
        "S1", "changed_mind", 19900, 1,
    )  # fmt: skip
    assert [event["kind"] for event in case["order"]["timeline"]] == ["sold", "returned", "refunded"]
    assert {"order.return", "refund.done"} <= {line["action"] for line in case["audit"]}
    assert {"return", "refund"} <= {journal["kind"] for journal in case["journals"]}
    while await world.relay():
        pass
    told = await world.db.fetchrow("SELECT payload, store_ids FROM event_log WHERE topic = 'orders.returned'")
    assert told["payload"]["order_no"] == order["order_no"]
    assert told["store_ids"] == [world.stores["S1"]]
    today = (await world.staff("hq").get("/api/console/today")).json()
    assert today["totals"]["sales"]["minor"] == 19900, "what came back is not sold"


async def test_one_key_takes_back_once_and_another_amount_is_refused(world: World, sku: str) -> None:
    order = await sell(world, sku)
    clerk, once = world.staff("clerk1"), key()
    refused = await clerk.post("/api/clerk/returns", asked(order, expected_refund=yuan(19901)))
    assert (refused.status_code, refused.json()["code"], refused.json()["refund_minor"]) == (
        409, "returns.amount-changed", 19900,
    )  # fmt: skip
    body = asked(order, expected_refund=yuan(19900))
    answers = await asyncio.gather(*(clerk.post("/api/clerk/returns", body, key=once) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert await world.db.fetchval("SELECT count(*) FROM returns") == 1
    assert (await clerk.post("/api/clerk/returns", body, key=once)).status_code == 201
    two = await clerk.post("/api/clerk/returns", asked(order, 2, expected_refund=yuan(39800)))
    assert (two.status_code, two.json()["code"]) == (409, "returns.nothing-left")


async def test_a_shop_knows_only_what_its_own_company_sold(world: World, sku: str) -> None:
    ours, theirs = await sell(world, sku, store="S2"), await sell(world, sku, store="S3")
    assert (await receipt(world, ours["order_no"])).status_code == 200, "another shop of the company"
    absent = await receipt(world, "261118-XXXX-XXXX")
    foreign = await receipt(world, theirs["order_no"])
    assert foreign.status_code == absent.status_code == 404
    assert {**foreign.json(), "instance": ""} == {**absent.json(), "instance": ""}, "nobody can tell them apart"
    for path, more in (("return-quotes", {}), ("returns", {"expected_refund": yuan(19900)})):
        for login, store, order in (
            ("clerk1", "S1", theirs), ("franchisee_a", "S3", ours), ("franchisee_b", "S4", theirs),
            ("clerk1", "S3", theirs),
        ):  # fmt: skip
            answer = await world.staff(login).post(f"/api/clerk/{path}", asked(order, store=store, **more))
            assert answer.status_code == 404, (path, login, answer.text)
    done = await world.staff("franchisee_a").post(
        "/api/clerk/returns", asked(theirs, store="S3", expected_refund=yuan(19900))
    )
    assert done.status_code == 201, done.text


async def test_each_part_of_a_mixed_order_comes_back_to_its_own_company(world: World, sku: str) -> None:
    """Bought from two companies in one order: each takes back its own units and sees nothing of the other's."""
    member = await world.member("+8613900000001")
    lines = [
        {"sku_id": sku, "quantity": n, "method": "pickup", "store_code": store} for store, n in (("S1", 1), ("S4", 2))
    ]
    body = {"pay_mode": "at_store", "contact": {"name": "王芳", "phone": "13900000001"}, "lines": lines}
    placed = (await member.post("/api/mall/orders", body)).json()
    for job in placed["fulfilments"]:
        hq = world.staff("hq")
        assert (await hq.post(f"/api/clerk/fulfilments/{job['id']}/ready", {})).status_code == 200
        code = await member.get(f"/api/mall/orders/{placed['id']}/pickup-code")
        handed = await hq.post(
            f"/api/clerk/fulfilments/{job['id']}/handover",
            {"code": code.json()["qr"], "tender": "cash", "tendered": yuan(100_000)},
        )
        assert handed.status_code == 200, handed.text
    shown = (await receipt(world, placed["order_no"])).json()
    assert [(line["sold"], [shop["code"] for shop in shown["sold_at"]]) for line in shown["lines"]] == [(1, ["S1"])]
    (other,) = [line for line in placed["lines"] if line["id"] != shown["lines"][0]["line_id"]]
    theirs = {"lines": [{"line_id": other["id"], "quantity": 1, "condition": "sellable"}]}
    refused = await world.staff("clerk1").post("/api/clerk/return-quotes", asked(placed) | theirs)
    assert refused.status_code == 404, refused.text
    back = asked(placed, store="S4", expected_refund=yuan(39800)) | {
        "lines": [{"line_id": other["id"], "quantity": 2, "condition": "damaged"}]
    }
    assert (await world.staff("franchisee_b").post("/api/clerk/returns", back)).status_code == 201
    mine = (await world.staff("manager1").get(f"/api/console/orders/{placed['id']}")).json()
    assert (mine["order"]["returns"], mine["order"]["refunded"]["minor"]) == ([], 0)
    assert "returned" not in {event["kind"] for event in mine["order"]["timeline"]}
    seen = (await world.staff("franchisee_b").get(f"/api/console/orders/{placed['id']}")).json()
    assert [one["refund"]["minor"] for one in seen["order"]["returns"]] == [39800]
    assert (seen["order"]["lines"][0]["returned"], seen["order"]["refunded"]["minor"]) == (2, 39800)
    own = (await member.get(f"/api/mall/orders/{placed['id']}")).json()
    assert [(one["store"]["code"], one["ways"][0]["tender"]) for one in own["returns"]] == [("S4", "cash")]


async def test_terms_are_a_policy_of_headquarters(world: World, sku: str) -> None:
    order = await sell(world, sku)
    body = {"days": 0, "faulty_days": 0, "excluded": "MILK, TOYS", "other_companies": False}
    set_ = await world.staff("hq").put("/api/console/policies/returns", {"body": body, "reason": "try"})
    assert set_.status_code == 200, set_.text
    try:
        clerk = world.staff("clerk1")
        with clock.frozen(NOON + timedelta(days=1)):
            late = await clerk.post("/api/clerk/return-quotes", asked(order, reason="faulty"))
            assert (late.status_code, late.json()["code"], late.json()["days"]) == (409, "returns.too-late", 0)
    finally:
        from duoline.kernel import policies

        policies._versions.clear()


async def test_who_may_sell_may_take_back(world: World, sku: str) -> None:
    order = await sell(world, sku)
    for login in ("clerk1", "manager1", "north", "hq"):
        assert (await receipt(world, order["order_no"], login)).status_code == 200, login
    assert (await world.anonymous().get("/api/clerk/returnable-orders")).status_code == 401
    member = await world.member()
    answer = await member.get("/api/clerk/returnable-orders", params={"store": "S1", "order_no": order["order_no"]})
    assert answer.status_code == 401
    assert UUID(order["id"])
