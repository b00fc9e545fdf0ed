"""Pre-sales on the wire: made at headquarters, booked in the mall, taken at a till; each by whoever may."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.flows import pay
from duoline.kernel import clock

if TYPE_CHECKING:
    from tests.http.world import Caller, World

PRICE, DEPOSIT = 19900, 2000
BALANCE = PRICE - DEPOSIT
CONTACT = {"name": "王芳", "phone": "13900000001"}


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


def fields(**changed: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "sku_code": "MILK",
        "name": {"zh": "新年礼盒", "en": "New year box"},
        "price": yuan(PRICE),
        "deposit": yuan(DEPOSIT),
        "deposit_from": (now - timedelta(days=1)).isoformat(),
        "deposit_until": (now + timedelta(days=7)).isoformat(),
        "balance_from": (now + timedelta(days=14)).isoformat(),
        "balance_until": (now + timedelta(days=21)).isoformat(),
        "expected_on": (now + timedelta(days=14)).date().isoformat(),
        "units_max": 10,
        "member_max": 5,
        "delivery": False,
        "pickup": "all",
        "cancel_terms": "until_balance",
        "unpaid_terms": "kept",
    } | changed


async def offered(world: World, **changed: Any) -> dict[str, Any]:
    answer = await world.staff("hq").post("/api/console/presales", {"presale": fields(**changed), "reason": "new year"})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def book(member: Caller, presale: dict[str, Any], **changed: Any) -> Any:
    body = {
        "presale_id": presale["row"]["id"], "version": presale["row"]["version"], "quantity": 1, "method": "pickup",
        "store_code": "S1", "contact": CONTACT,
    } | changed  # fmt: skip
    return await member.post("/api/mall/preorders", body)


async def deposit_paid(world: World, order_id: str) -> None:
    """What the provider's notice does."""
    row = await world.db.fetchrow(
        """SELECT i.* FROM payment_intents i JOIN preorders p ON p.deposit_intent_id = i.id WHERE p.order_id = $1""",
        UUID(order_id),
    )
    assert row is not None
    async with world.db.begin() as tx:
        await pay.settle(
            tx, row["member_id"], row["order_id"], row["id"], amount_minor=row["amount_minor"], currency="CNY"
        )


async def balance_opens(world: World) -> None:
    await world.db.execute("UPDATE preorders SET balance_from = $1", clock.now() - timedelta(hours=1))


@pytest.fixture
async def milk(world: World, shelf: UUID) -> UUID:
    await world.db.execute("UPDATE skus SET code = 'MILK' WHERE id = $1", shelf)
    return shelf


async def test_a_presale_from_its_plan_to_the_counter(world: World, milk: UUID) -> None:
    presale = await offered(world)
    assert (presale["row"]["state"], presale["may_keep"], presale["steps"]["booked"]) == ("deposits", True, 0)
    product = await world.db.fetchval(
        "SELECT p.code FROM products p JOIN skus s ON s.product_id = p.id WHERE s.id = $1", milk
    )
    [shown] = (await world.anonymous().get("/api/mall/presales", params={"product": product})).json()["items"]
    assert (shown["price"], shown["deposit"], shown["balance"]) == (yuan(PRICE), yuan(DEPOSIT), yuan(BALANCE))
    assert (shown["left"], shown["begun"], shown["sku_id"]) == (10, True, str(milk))
    assert (await world.anonymous().get("/api/mall/presales", params={"product": "no"})).json()["items"] == []

    member = await world.member("+8613900000001")
    booked = await book(member, presale, quantity=2)
    assert booked.status_code == 201, booked.text
    order = booked.json()
    assert (order["state"], order["preorder"]["step"], order["actions"]) == (
        "awaiting_payment", "deposit", ["pay", "cancel"],
    )  # fmt: skip
    path = f"/api/mall/orders/{order['id']}"
    assert (await member.get(f"{path}/preorder-code")).status_code == 404
    await deposit_paid(world, order["id"])
    order = (await member.get(path)).json()
    assert (order["state"], order["pay_state"], order["paid"]) == ("booked", "deposit_paid", yuan(2 * DEPOSIT))
    assert [one["id"] for one in (await member.get("/api/mall/orders", params={"state": "open"})).json()["items"]] == [
        order["id"]
    ]
    early = await member.post(f"{path}/balance", {"method": "pickup", "store_code": "S1", "contact": CONTACT})
    assert (early.status_code, early.json()["code"]) == (409, "orders.balance-not-open")
    code = (await member.get(f"{path}/preorder-code")).json()
    assert (code["qr"][:4], len(code["digits"]), "<svg" in code["svg"]) == ("DLP:", 14, True)

    clerk = world.staff("clerk1")
    ask = {"store": "S1", "code": code["digits"]}
    found = (await clerk.post("/api/clerk/preorder-lookups", ask)).json()
    assert (found["step"], found["balance"], found["in_stock"]) == ("booked", yuan(2 * BALANCE), 5)
    assert found["problem"] is not None
    assert found["store"]["code"] == "S1"
    assert found["phone_masked"] == "139****0001"
    await balance_opens(world)
    found = (await clerk.post("/api/clerk/preorder-lookups", ask)).json()
    assert found["problem"] is None

    wrong = await clerk.post("/api/clerk/preorder-lookups", {"store": "S1", "code": "1111 2222 3333"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "fulfilment.wrong-preorder-code"), wrong.text
    tenders = [{"tender": "cash", "amount": yuan(2 * BALANCE)}]
    taken = await clerk.post("/api/clerk/preorders", {**ask, "tenders": tenders})
    assert (taken.status_code, taken.json()["open"]) == (201, yuan(2 * BALANCE)), taken.text
    assert [(one["amount"], one["state"]) for one in taken.json()["tenders"]] == [(yuan(2 * BALANCE), "open")]
    assert taken.json()["paid"] == yuan(2 * DEPOSIT)
    twice = await clerk.post("/api/clerk/preorders", {**ask, "tenders": tenders})
    assert (twice.status_code, twice.json()["code"]) == (409, "orders.balance-being-paid")
    listed = (await clerk.get("/api/clerk/till-orders", params={"store": "S1"})).json()["items"]
    assert [one["id"] for one in listed] == [order["id"]]
    done = await clerk.post(f"/api/clerk/till-orders/{order['id']}/completion", {"tendered": yuan(40000)})
    assert (done.json()["order"]["state"], done.json()["change"]) == ("completed", yuan(40000 - 2 * BALANCE))
    seen = (await member.get(path)).json()
    assert seen["preorder"]["step"] == "paid"
    case = (await world.staff("hq").get(f"/api/console/presales/{presale['row']['id']}")).json()
    assert case["steps"] == {"waiting": 0, "booked": 0, "paid": 2, "forfeited": 0, "given_back": 0}
    assert case["money"]["paid"] == yuan(2 * PRICE)
    assert sum(day["booked"] for day in case["days"]) == 2
    assert sum(day["paid"] for day in case["days"]) == 2
    whole = (await world.staff("hq").get(f"/api/console/orders/{order['id']}")).json()
    assert whole["order"]["preorder"]["redeemed_at"] is not None


async def test_guests_log_in_first(world: World, milk: UUID) -> None:
    presale = await offered(world)
    for who in (world.anonymous(), await world.member(kind="guest")):
        answer = await book(who, presale)
        assert answer.status_code == 401, answer.text


async def test_the_law_is_told_by_field_and_in_both_languages(world: World, milk: UUID) -> None:
    body = {"presale": fields(deposit=yuan(PRICE // 5 + 1)), "reason": "x"}
    answer = await world.staff("hq").post("/api/console/presales", body)
    assert answer.status_code == 422
    [problem] = answer.json()["problems"]
    assert problem["field"] == "deposit"
    assert "20" in answer.text
    assert await world.db.fetchval("SELECT count(*) FROM presales") == 0


async def test_only_headquarters_makes_and_withdraws(world: World, milk: UUID) -> None:
    presale = await offered(world)
    path = f"/api/console/presales/{presale['row']['id']}"
    withdrawal = {"version": 1, "reason": "x"}
    for login in ("manager1", "north", "clerk1"):
        assert (await world.staff(login).get("/api/console/presales")).status_code == 200
        made = await world.staff(login).post("/api/console/presales", {"presale": fields(), "reason": "x"})
        gone = await world.staff(login).post(f"{path}/withdrawal", withdrawal)
        assert (made.status_code, gone.status_code) == (403, 403), login
    changed = await world.staff("hq").put(path, {"presale": fields(units_max=20), "version": 1, "reason": "more"})
    assert changed.json()["row"]["units_max"] == 20
    stale = await world.staff("hq").post(f"{path}/withdrawal", withdrawal)
    assert (stale.status_code, stale.json()["code"]) == (409, "pricing.presale-changed")
    gone = await world.staff("hq").post(f"{path}/withdrawal", {"version": 2, "reason": "the maker cannot"})
    assert (gone.status_code, gone.json()["row"]["state"]) == (200, "withdrawn")
    assert [entry["action"] for entry in gone.json()["history"]] == [
        "presale.withdrawn", "presale.changed", "presale.added",
    ]  # fmt: skip
    listed = await world.staff("hq").get("/api/console/presales", params={"state": "withdrawn", "q": "礼盒"})
    assert (listed.json()["total"], len(listed.json()["items"])) == (1, 1)
    member = await world.member("+8613900000001")
    over = await book(member, presale)
    assert (over.status_code, over.json()["code"]) == (410, "pricing.presale-over")


async def test_a_booking_is_made_once_and_quoted_before_it_is_cancelled(world: World, milk: UUID) -> None:
    presale = await offered(world, cancel_terms="never")
    member = await world.member("+8613900000001")
    body = {
        "presale_id": presale["row"]["id"], "version": 1, "quantity": 1, "method": "pickup", "store_code": "S1",
        "contact": CONTACT,
    }  # fmt: skip
    first, again = [await member.post("/api/mall/preorders", body, key="the same key 123456") for _ in "ab"]
    assert (first.status_code, first.content) == (201, again.content)
    order = first.json()
    await deposit_paid(world, order["id"])
    quote = await member.post(f"/api/mall/orders/{order['id']}/cancellation-quote", {})
    assert quote.json() == {"refund": yuan(0), "kept": yuan(0), "forfeited": yuan(DEPOSIT), "coupons": []}
    gone = await member.post(f"/api/mall/orders/{order['id']}/cancellation", {})
    assert (gone.json()["state"], gone.json()["forfeited"], gone.json()["refunded"]) == (
        "cancelled", yuan(DEPOSIT), yuan(0),
    )  # fmt: skip


async def test_what_is_not_in_stock_is_refused_and_stays_booked(world: World, milk: UUID) -> None:
    presale = await offered(world, member_max=9, delivery=True)
    member = await world.member("+8613900000001")
    order = (await book(member, presale, quantity=9)).json()
    await deposit_paid(world, order["id"])
    await balance_opens(world)
    path = f"/api/mall/orders/{order['id']}"
    short = await member.post(f"{path}/balance", {"method": "pickup", "store_code": "S1", "contact": CONTACT})
    assert (short.status_code, short.json()["code"]) == (409, "inventory.insufficient-stock"), short.text
    nowhere = await member.post(f"{path}/balance", {"method": "delivery", "contact": CONTACT})
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "orders.address-missing"), nowhere.text
    missing = await member.post(f"{path}/balance", {"method": "pickup", "contact": CONTACT})
    assert missing.status_code == 422
    assert (await member.get(path)).json()["state"] == "booked"
