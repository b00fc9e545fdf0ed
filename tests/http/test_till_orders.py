"""The till on the wire where cash is not all: refusals by field, replays, the change, and a provider nobody reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from tests.http.world import World

PRICE = 19900


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


def body(sku: UUID, *tenders: tuple[str, int], store: str = "S1", total: int = PRICE) -> dict[str, Any]:
    return {
        "store": store,
        "lines": [{"sku_id": str(sku), "quantity": 1}],
        "tenders": [{"tender": tender, "amount": yuan(minor)} for tender, minor in tenders],
        "expected_total": yuan(total),
    }


@pytest.mark.parametrize(
    ("tenders", "total", "status", "code"),
    [
        ([("cash", PRICE - 1)], PRICE, 422, "payments.tenders-differ"),
        ([("cash", PRICE), ("code", 0)], PRICE, 422, "payments.tenders-differ"),
        ([("cash", PRICE - 100), ("cash", 100)], PRICE, 422, "payments.cash-twice"),
        ([("cash", PRICE)], PRICE - 1, 409, "pricing.total-changed"),
    ],
)
async def test_what_does_not_add_up_is_refused(
    world: World, shelf: UUID, tenders: list[tuple[str, int]], total: int, status: int, code: str
) -> None:
    answer = await world.staff("clerk1").post("/api/clerk/till-orders", body(shelf, *tenders, total=total))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 0


async def test_it_is_rung_up_once_and_its_cash_gives_change(world: World, shelf: UUID) -> None:
    clerk = world.staff("clerk1")
    first, again = [
        await clerk.post("/api/clerk/till-orders", body(shelf, ("cash", PRICE)), key="the same key 123456")
        for _ in "ab"
    ]
    assert (first.status_code, first.content) == (201, again.content)
    sale = first.json()
    assert [one["state"] for one in sale["tenders"]] == ["open"]
    assert (sale["order"]["state"], sale["open"]["minor"], sale["order"]["fulfilments"]) == (
        "awaiting_payment",
        PRICE,
        [],
    )
    listed = (await clerk.get("/api/clerk/till-orders", params={"store": "S1"})).json()["items"]
    assert [one["id"] for one in listed] == [sale["id"]]
    queue = (await clerk.get("/api/clerk/queue", params={"store": "S1", "tab": "incoming"})).json()
    assert (queue["items"], queue["counts"]["incoming"]) == ([], 0)
    assert (await clerk.get("/api/clerk/sales", params={"store": "S1"})).json()["items"] == []

    little = await clerk.post(f"/api/clerk/till-orders/{sale['id']}/completion", {"tendered": yuan(PRICE - 1)})
    assert (little.status_code, little.json()["code"]) == (422, "fulfilment.too-little-money")
    done = await clerk.post(
        f"/api/clerk/till-orders/{sale['id']}/completion", {"tendered": yuan(20000)}, key="another key 1234567"
    )
    repeated = await clerk.post(
        f"/api/clerk/till-orders/{sale['id']}/completion", {"tendered": yuan(20000)}, key="another key 1234567"
    )
    assert (done.status_code, done.content) == (200, repeated.content)
    assert (done.json()["order"]["state"], done.json()["change"]["minor"]) == ("completed", 100)
    sold = (await clerk.get("/api/clerk/sales", params={"store": "S1"})).json()["items"]
    assert [(one["id"], one["seller"]) for one in sold] == [(sale["id"], "clerk1")]
    receipt = (await clerk.get(f"/api/clerk/sales/{sale['id']}")).json()["receipt"]
    assert [(one["tender"], one["amount"]["minor"]) for one in receipt["paid"]] == [("cash", PRICE)]


async def test_a_provider_that_nobody_reaches_leaves_the_part_asked(world: World, shelf: UUID) -> None:
    clerk = world.staff("clerk1")
    sale = (await clerk.post("/api/clerk/till-orders", body(shelf, ("code", PRICE)))).json()
    path = f"/api/clerk/till-orders/{sale['id']}"
    charges = f"{path}/tenders/{sale['tenders'][0]['id']}/charges"
    answer = await clerk.post(charges, {"code": "131111111111111111"})
    assert answer.status_code == 503, answer.text
    assert "131111111111111111" not in answer.text
    assert (await clerk.get(path)).json()["tenders"][0]["state"] == "asked"
    split = await clerk.put(f"{path}/tenders", {"tenders": [{"tender": "cash", "amount": yuan(PRICE)}]})
    assert split.status_code == 503
    # Whoever cancels needs no provider: a job closes the payment there, and what comes late goes back.
    gone = await clerk.post(f"{path}/cancellation", {})
    assert (gone.status_code, gone.json()["order"]["state"]) == (200, "cancelled")
    over = await clerk.post(charges, {"code": "131111111111111111"})
    assert (over.status_code, over.json()["code"]) == (409, "orders.already-paid")
    levels = await world.db.fetchrow("SELECT on_hand, held FROM levels WHERE location_id = $1", world.stores["S1"])
    assert tuple(levels or ()) == (5, 0)


async def test_it_is_the_shop_s_own(world: World, shelf: UUID) -> None:
    sale = (await world.staff("clerk1").post("/api/clerk/till-orders", body(shelf, ("code", PRICE)))).json()
    for login in ("clerk2", "franchisee_a"):
        for method, rest in (
            ("GET", ""),
            ("POST", "/payment-check"),
            ("POST", "/cancellation"),
            ("POST", "/completion"),
        ):
            answer = await world.staff(login).write(
                method, f"/api/clerk/till-orders/{sale['id']}{rest}", {} if rest else None
            )
            assert answer.status_code == 404, (login, method, rest, answer.text)
    refused = await world.staff("franchisee_a").post("/api/clerk/till-orders", body(shelf, ("cash", PRICE)))
    assert refused.status_code in (403, 404)


async def test_the_office_sees_it_wait_and_counts_it_once(world: World, shelf: UUID) -> None:
    clerk, office = world.staff("clerk1"), world.staff("hq")
    sale = (await clerk.post("/api/clerk/till-orders", body(shelf, ("cash", PRICE)))).json()
    for who in (office, world.staff("manager1")):
        case = await who.get(f"/api/console/orders/{sale['id']}")
        assert case.status_code == 200, case.text
        listed = (await who.get("/api/console/orders", params={"state": "awaiting_payment"})).json()["items"]
        assert [one["order_no"] for one in listed] == [sale["order"]["order_no"]]
    before = (await office.get("/api/console/today")).json()
    await clerk.post(f"/api/clerk/till-orders/{sale['id']}/completion", {"tendered": yuan(PRICE)})
    after = (await office.get("/api/console/today")).json()
    assert str(PRICE) not in str(before)
    sums = [line for line in _amounts(after) if line]
    assert set(sums) == {PRICE}, after


def _amounts(found: Any) -> list[int]:
    """Every amount of money in an answer."""
    if isinstance(found, dict):
        if set(found) == {"minor", "currency"}:
            return [found["minor"]]
        return [one for value in found.values() for one in _amounts(value)]
    return [one for value in found for one in _amounts(value)] if isinstance(found, list) else []
