"""Orders that wait for a person, through HTTP: listed and searched, sourced again, given back, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.entry.check import broken
from duoline.flows import pay
from duoline.kernel import clock
from duoline.payments import providers
from duoline.payments.provider import EventKind, PaymentEvent
from tests.http.shelf import ADDRESS, NOON, held, line, order, stocked
from tests.http.test_money_cases import Declining

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World


@pytest.fixture
def provider(world: World) -> None:
    providers.connect(Declining())  # type: ignore[arg-type]


async def paid(world: World, buyer: Caller, sku: str, quantity: int = 1) -> str:
    """A delivery, ordered and paid; its id."""
    asked = order(line(sku, quantity, store=None), pay_mode="online", address=ADDRESS)
    placed = await buyer.post("/api/mall/orders", asked)
    assert placed.status_code == 201, placed.text
    opened = (await buyer.post(f"/api/mall/orders/{placed.json()['id']}/payment")).json()
    ref = opened["intent_id"]
    await pay.receive(
        world.db, "sandbox",
        PaymentEvent(
            event_id=ref, kind=EventKind.PAYMENT_PAID, ref=ref, refund_ref=None,
            amount_minor=placed.json()["total"]["minor"], currency="CNY", occurred_at=clock.now(),
        ),
    )  # fmt: skip
    return str(placed.json()["id"])


async def reject_once(world: World, order_id: str) -> list[dict[str, Any]]:
    """Wherever the parcel is to be picked, it is rejected."""
    job = await world.db.fetchrow(
        "SELECT f.id, w.line_id, w.quantity FROM fulfilments f JOIN fulfilment_lines w ON w.fulfilment_id = f.id"
        " WHERE f.order_id = $1 AND f.state = 'to_pick' AND w.quantity > 0",
        UUID(order_id),
    )
    assert job is not None
    lines = [{"line_id": str(job["line_id"]), "quantity": job["quantity"], "reason": "other"}]
    answer = await world.staff("hq").post(f"/api/clerk/fulfilments/{job['id']}/rejection", {"lines": lines})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["outcome"])


@pytest.fixture
async def frozen(world: World, provider: None) -> AsyncIterator[tuple[str, str]]:
    """An order that two of three locations rejected, and its SKU."""
    del provider
    with clock.frozen(NOON):
        sku = await stocked(world, "MILK", 19900, {"S1": 5, "S3": 5, "D1": 5})
        buyer = await world.member("+8613900000001")
        world.callers["buyer"] = buyer
        order_id = await paid(world, buyer, sku)
        assert [one["result"] for one in await reject_once(world, order_id)] == ["resourced"]
        assert [one["result"] for one in await reject_once(world, order_id)] == ["frozen"]
        yield order_id, sku
    assert await broken(world.db) == []


async def listed(who: Caller, q: str = "", **query: Any) -> Any:
    answer = await who.get("/api/console/frozen-orders", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_is_listed_and_found_and_the_member_is_told(world: World, frozen: tuple[str, str]) -> None:
    order_id, _ = frozen
    hq, buyer = world.staff("hq"), world.staff("buyer")
    (row,) = (await listed(hq))["items"]
    assert (row["order_id"], row["units"], row["rejections"], row["amount"]["minor"]) == (order_id, 1, 2, 19900)
    assert len(row["store_codes"]) == 2
    for q in (row["order_no"][:6], "0001", "王"):
        assert [one["order_id"] for one in (await listed(hq, q))["items"]] == [order_id], q
    assert (await listed(hq, "9999"))["items"] == []
    assert (await listed(world.staff("south")))["items"] == []
    assert (await listed(world.staff("north")))["items"] != []
    seen = (await buyer.get(f"/api/mall/orders/{order_id}")).json()
    assert (seen["state"], len(seen["frozen"]), seen["waiting"]) == ("needs_person", 1, [])
    case = (await hq.get(f"/api/console/orders/{order_id}")).json()
    assert case["order"]["state"] == "needs_person"
    (in_list,) = [one for one in (await hq.get("/api/console/orders")).json()["items"] if one["id"] == order_id]
    assert in_list["visible"] == "needs_person"
    attention = {one["kind"]: one for one in (await hq.get("/api/console/today")).json()["attention"]}
    assert (attention["frozen"]["count"], attention["frozen"]["link"]) == (1, "/orders/frozen")
    assert "asks_member" not in attention


async def test_pages_go_on_where_the_last_ended(world: World, frozen: tuple[str, str]) -> None:
    order_id, sku = frozen
    second = await paid(world, world.staff("buyer"), sku)
    for _ in range(2):
        await reject_once(world, second)
    first_page = await listed(world.staff("hq"), limit=1)
    last_page = await listed(world.staff("hq"), limit=1, cursor=first_page["next"])
    assert [page["items"][0]["order_id"] for page in (first_page, last_page)] == [order_id, second]
    assert last_page["next"] is None


async def test_somebody_chooses_where_it_comes_from(world: World, frozen: tuple[str, str]) -> None:
    order_id, sku = frozen
    hq = world.staff("hq")
    found = (await hq.get(f"/api/console/orders/{order_id}/sources")).json()
    by_code = {one["store_code"]: one for one in found["items"]}
    assert sorted(by_code) == ["D1", "S1", "S3"]
    assert sorted(one["rejected"] for one in by_code.values()) == [False, True, True]
    only = (await hq.get(f"/api/console/orders/{order_id}/sources", params={"q": "s3"})).json()
    assert [one["store_code"] for one in only["items"]] == ["S3"]
    nowhere = await hq.post(
        f"/api/console/orders/{order_id}/sourcing", {"location_code": "S2", "reason": "they said so"}
    )
    assert (nowhere.status_code, nowhere.json()["code"]) == (409, "orders.nobody-has-it")
    chosen = await hq.post(
        f"/api/console/orders/{order_id}/sourcing", {"location_code": "S1", "reason": "they found it"}
    )
    assert chosen.status_code == 200, chosen.text
    assert chosen.json()["order"]["state"] == "preparing"
    assert [one["action"] for one in chosen.json()["audit"]][-1] == "order.source-again"
    assert await held(world, sku, "S1") == (5, 1)
    assert (await listed(hq))["items"] == []
    late = await hq.post(f"/api/console/orders/{order_id}/sourcing", {"reason": "me too"})
    assert (late.status_code, late.json()["code"]) == (409, "orders.nothing-frozen")


async def test_sourcing_may_choose_and_a_repeat_is_the_same_answer(world: World, frozen: tuple[str, str]) -> None:
    order_id, _ = frozen
    hq, path, body = world.staff("hq"), f"/api/console/orders/{frozen[0]}/sourcing", {"reason": "again"}
    first = await hq.post(path, body, key="source-once-0001")
    again = await hq.post(path, body, key="source-once-0001")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert (
        await world.db.fetchval("SELECT count(*) FROM holds WHERE ref_id = $1 AND state = 'open'", UUID(order_id)) == 1
    )


async def test_the_money_goes_back_for_what_was_seen(world: World, frozen: tuple[str, str]) -> None:
    hq, path = world.staff("hq"), f"/api/console/orders/{frozen[0]}/frozen-refund"
    wrong = await hq.post(path, {"units": 2, "reason": "nobody has it"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "orders.nothing-frozen")
    done = await hq.post(path, {"units": 1, "reason": "nobody has it"})
    assert done.status_code == 200, done.text
    assert (done.json()["order"]["state"], done.json()["order"]["refunded"]["minor"]) == (
        "cancelled",
        done.json()["order"]["paid"]["minor"],
    )
    assert (await listed(hq))["items"] == []


async def test_only_a_dispatcher_of_all_its_shops_may(world: World, frozen: tuple[str, str]) -> None:
    order_id, _ = frozen
    path = f"/api/console/orders/{order_id}/sourcing"
    assert (await world.staff("manager1").post(path, {"reason": "mine"})).status_code == 403
    assert (await world.staff("south").post(path, {"reason": "mine"})).status_code == 404
    elsewhere = await world.staff("north").post(path, {"location_code": "S2", "reason": "not theirs"})
    assert elsewhere.status_code == 404
    assert (await world.staff("north").post(path, {"location_code": "S1", "reason": "ours"})).status_code == 200


async def test_what_planning_again_has_saved_is_shown_day_by_day(world: World, provider: None) -> None:
    """Of two days, by the clock of the shops: an order at half past eleven at night belongs to the day that ends."""
    del provider
    days = [NOON, NOON.replace(hour=15, minute=30), NOON.replace(day=19, hour=16, minute=30)]
    sku = await stocked(world, "MILK", 19900, {"S1": 5})
    buyer = await world.member("+8613900000001")
    for n, at in enumerate(days):
        with clock.frozen(at):
            placed = await buyer.post(
                "/api/mall/orders", order(line(sku, store=None), pay_mode="online", address=ADDRESS)
            )
        await world.db.execute(
            """INSERT INTO sourcing_decisions (member_id, order_id, id, at, policy_version, terms, chosen, candidates,
                                               summary, cost_minor, solver_us, saved_minor)
               VALUES ($1, $2, gen_random_uuid(), $3, 0, '{}', $4, '[]', '{}', 0, 0, $5)""",
            buyer.id, UUID(placed.json()["id"]), at, [{"location_code": "S1"}], 100 * (n + 1),
        )  # fmt: skip
    hq = world.staff("hq")
    page = (await hq.get("/api/console/replan-days", params={"limit": 1})).json()
    assert [(one["on"], one["orders"], one["saved"]["minor"]) for one in page["items"]] == [("2026-11-20", 1, 300)]
    rest = (await hq.get("/api/console/replan-days", params={"cursor": page["next"]})).json()
    assert [(one["on"], one["orders"], one["saved"]["minor"]) for one in rest["items"]] == [("2026-11-18", 2, 300)]
    assert rest["next"] is None
    assert (await world.staff("clerk1").get("/api/console/replan-days")).status_code == 403


async def test_shelves_are_priced_when_headquarters_asks(world: World) -> None:
    sku = await stocked(world, "MILK", 19900, {"D1": 5})
    hq = world.staff("hq")
    assert (await hq.get("/api/console/shadow-runs")).json()["items"] == []
    asked = await hq.post("/api/console/shadow-runs", {})
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    assert (await hq.post("/api/console/shadow-runs", {})).json()["id"] == asked.json()["id"]
    assert (await world.staff("north").post("/api/console/shadow-runs", {})).status_code == 403
    assert await world.work("sourcing.price-shelves") == 1
    (run,) = (await hq.get("/api/console/shadow-runs")).json()["items"]
    assert (run["state"], run["shelves"], run["by_scarcity"]) == ("done", 1, 1)  # a warehouse, and no forecast
    assert (
        await world.db.fetchval("SELECT shadow_minor FROM levels WHERE sku_id = $1 AND shadow_minor >= 0", UUID(sku))
        == 0
    )
    second = await hq.post("/api/console/shadow-runs", {})
    pages = (await hq.get("/api/console/shadow-runs", params={"limit": 1})).json()
    assert [one["id"] for one in pages["items"]] == [second.json()["id"]]
    rest = (await hq.get("/api/console/shadow-runs", params={"limit": 1, "cursor": pages["next"]})).json()
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([run["id"]], None)
