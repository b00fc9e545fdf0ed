"""Money that waits for a person: headquarters sees it, settles it, and the books are clean."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from duoline.flows import pay, refund
from duoline.kernel import aside, clock, outbox
from duoline.kernel.errors import Refusal
from duoline.kernel.ids import new_id
from duoline.payments import providers
from duoline.payments.provider import EventKind, OpenedPayment, PaymentEvent, PaymentState, PaymentStatus
from tests.http.shelf import CONTACT, NOON

if TYPE_CHECKING:
    from tests.http.world import Caller, World


class Declining:
    """A provider that takes money and gives none back."""

    name = "sandbox"

    class NotRefundable(Refusal):
        code = "provider.not-refundable"

    async def open_payment(self, ref: str, **_: Any) -> OpenedPayment:
        return OpenedPayment(provider_ref=f"P{ref}", pay_url=f"/pay/{ref}", status=PaymentStatus.OPEN)

    async def query_payment(self, ref: str) -> PaymentState:
        return PaymentState(ref=ref, status=PaymentStatus.PAID, amount_minor=100, currency="CNY")

    async def refund(self, ref: str, **_: Any) -> Any:
        raise self.NotRefundable

    async def close_payment(self, ref: str) -> PaymentState:
        return PaymentState(ref=ref, status=PaymentStatus.CLOSED)


@pytest.fixture
def declining(world: World) -> None:
    providers.connect(Declining())  # type: ignore[arg-type]


async def ordered(buyer: Caller, shelf: str) -> dict[str, Any]:
    line = {"sku_id": shelf, "quantity": 1, "method": "pickup", "store_code": "S1"}
    placed = await buyer.post("/api/mall/orders", {"lines": [line], "pay_mode": "online", "contact": CONTACT})
    assert placed.status_code == 201, placed.text
    opened = await buyer.post(f"/api/mall/orders/{placed.json()['id']}/payment")
    return placed.json() | {"intent_id": opened.json()["intent_id"]}


async def noticed(world: World, order: dict[str, Any], amount: int) -> None:
    await pay.receive(
        world.db, "sandbox",
        PaymentEvent(
            event_id=order["intent_id"], kind=EventKind.PAYMENT_PAID, ref=order["intent_id"], refund_ref=None,
            amount_minor=amount, currency="CNY", occurred_at=clock.now(),
        ),
    )  # fmt: skip


async def cases(world: World, **query: str) -> list[dict[str, Any]]:
    answer = await world.staff("hq").get("/api/console/money-cases", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_payment_that_does_not_fit_is_settled_once(world: World, shelf: str, declining: None) -> None:
    buyer = await world.member()
    order = await ordered(buyer, shelf)
    checked = await buyer.post(f"/api/mall/orders/{order['id']}/payment-check")
    assert checked.json()["state"] == "awaiting_payment"
    attention = (await world.staff("hq").get("/api/console/today")).json()["attention"]
    assert {"kind": "payment_misfit", "count": 1, "link": "/money"} in attention
    (case,) = await cases(world)
    assert (case["kind"], case["amount"]["minor"], case["expected"]["minor"]) == ("misfit", 100, 19900)
    assert case["order_no"] == order["order_no"]
    path = f"/api/console/money-cases/misfit/{case['id']}/resolution?member_id={case['member_id']}"
    hq = world.staff("hq")
    wrong = await hq.post(path, {"do": "again", "reason": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "payments.no-such-resolution")
    assert (await world.staff("north").post(path, {"do": "settled", "reason": "x"})).status_code == 403
    assert (await hq.post(path, {"do": "settled", "reason": "the provider sent it back"})).status_code == 204
    assert await cases(world) == []
    assert [one["state"] for one in await cases(world, state="all")] == ["resolved"]


async def test_an_event_that_was_put_aside_is_listed_and_told_again(world: World) -> None:
    async with world.db.begin() as tx:
        for n in (1, 2):
            event = outbox.Event(n, "orders.sold", f"A{n}", {}, None, (), NOON)
            await aside.put_aside(tx, "points", event, attempts=5, problem="ValueError: no")
    hq, path = world.staff("hq"), "/api/console/events-aside"
    page = (await hq.get(path, params={"limit": 1})).json()
    [first] = page["items"]
    assert (first["consumer"], first["topic"], first["about"], first["asked"]) == ("points", "orders.sold", "A2", False)
    [second] = (await hq.get(path, params={"limit": 1, "cursor": page["next"]})).json()["items"]
    assert second["about"] == "A1"
    assert (first["tries"], first["order"], first["member_id"], page["total"]) == (5, None, None, 2)
    attention = (await hq.get("/api/console/today")).json()["attention"]
    assert {"kind": "events_aside", "count": 2, "link": "/audit/events"} in attention
    assert (await world.staff("franchisee_a").get(path)).status_code == 403
    done = await hq.post(f"{path}/{first['id']}/telling", {"reason": "mended in 1.2"})
    assert done.status_code == 204, done.text
    assert [one["asked"] for one in (await hq.get(path)).json()["items"]] == [True, False]
    gone = await hq.post(f"{path}/{new_id()}/telling", {"reason": "?"})
    assert gone.status_code == 404


async def test_an_event_that_was_put_aside_leads_to_its_order_and_member(
    world: World, shelf: str, declining: None
) -> None:
    hq, path = world.staff("hq"), "/api/console/events-aside"
    guest, buyer = await world.member(kind="guest"), await world.member()
    placed = await ordered(buyer, shelf)
    said = [
        ("orders.sold", placed["id"], {}, buyer.id),
        ("fulfilment.ready", "job", {"order_id": placed["id"]}, guest.id),
        ("orders.sold", str(new_id()), {"order_id": "no id"}, new_id()),
        ("members.adopted", placed["id"], {}, None),
    ]
    async with world.db.begin() as tx:
        for n, (topic, about, payload, member_id) in enumerate(said):
            event = outbox.Event(n, topic, about, payload, member_id, (), NOON)
            await aside.put_aside(tx, "settlement", event, attempts=5, problem="KeyError: 'x'")
    rows = (await hq.get(path)).json()["items"][::-1]
    order = {"id": placed["id"], "order_no": placed["order_no"]}
    assert [row["order"] for row in rows] == [order, order, None, None]
    assert [row["member_id"] for row in rows] == [str(buyer.id), None, None, None]
    ids = [row["id"] for row in rows]
    some = (await hq.get(path, params={"event": [ids[2], ids[0], str(new_id())]})).json()
    assert ([row["id"] for row in some["items"]], some["total"]) == ([ids[2], ids[0]], None)


async def test_a_refund_that_fails_is_sent_again_or_given_by_hand(world: World, shelf: str, declining: None) -> None:
    buyer = await world.member()
    order = await ordered(buyer, shelf)
    await noticed(world, order, 19900)
    cancelled = await buyer.post(f"/api/mall/orders/{order['id']}/cancellation", {})
    assert cancelled.json()["state"] == "cancelled"

    async def sent() -> None:
        for row in await world.db.fetch("SELECT member_id, id FROM refunds WHERE state = 'requested'"):
            await refund.send(world.db, refund.SendRefund(row["member_id"], row["id"]))

    await sent()
    hq = world.staff("hq")
    (case,) = await cases(world)
    assert (case["kind"], case["problem"]) == ("refund", "provider.not-refundable")
    path = f"/api/console/money-cases/refund/{case['id']}/resolution?member_id={case['member_id']}"
    assert (await hq.post(path, {"do": "again", "reason": "asked them to look"})).status_code == 204
    assert await cases(world) == []
    await sent()
    assert len(await cases(world)) == 1
    assert (await hq.post(path, {"do": "by_hand", "reason": "bank transfer 4711"})).status_code == 204
    late = await hq.post(path, {"do": "by_hand", "reason": "again"})
    assert (late.status_code, late.json()["code"]) == (409, "kernel.wrong-state")
    seen = (await buyer.get(f"/api/mall/orders/{order['id']}")).json()
    assert (seen["pay_state"], seen["refunded"]["minor"]) == ("refunded", 19900)
    given = await world.db.fetchval("SELECT sum(amount_minor) FROM journal_entries WHERE credit = 'clearing:by-hand'")
    assert given == 19900
    lines = await world.db.fetch(
        "SELECT action, actor_kind FROM audit_log WHERE action LIKE 'refund.%' ORDER BY at, id"
    )
    assert Counter((line["action"], line["actor_kind"]) for line in lines) == {
        ("refund.request", "member"): 1,
        ("refund.failed", "system"): 2,
        ("refund.sent-again", "staff"): 1,
        ("refund.given-by-hand", "staff"): 1,
        ("refund.done", "staff"): 1,
    }
