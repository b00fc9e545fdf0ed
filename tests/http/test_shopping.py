"""Shopping over HTTP: the cart on two devices, quotes, orders, and everything that must be refused and change nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from duoline import pricing
from duoline.flows.draft import Receipt
from duoline.flows.order_view import OrderView
from duoline.kernel import clock
from duoline.stores import directory
from tests.http.shelf import ADDRESS, CONTACT, held, line, order

if TYPE_CHECKING:
    from tests.http.world import Caller, World


async def test_cart_survives_log_in_and_change_of_device(world: World, shelf: str) -> None:
    phone, laptop = world.anonymous(), world.anonymous()
    first = await phone.post("/api/mall/cart/lines", line(shelf, 2))
    assert first.status_code == 201, first.text
    assert first.json()["total"] == {"minor": 39800, "currency": "CNY"}
    await laptop.post("/api/mall/cart/lines", line(shelf, 1))
    for device in (phone, laptop):
        await world.db.execute("DELETE FROM login_codes")
        await device.post("/api/mall/login-codes", {"phone": "13912345678"})
        code = await world.code_sent("+8613912345678")
        entered = await device.post("/api/mall/sessions", {"phone": "13912345678", "code": code})
        assert entered.status_code == 201, entered.text
    carts = [(await device.get("/api/mall/cart")).json() for device in (phone, laptop)]
    assert [cart["lines"][0]["quantity"] for cart in carts] == [3, 3]
    changed = await phone.patch(f"/api/mall/cart/lines/{carts[0]['lines'][0]['line_id']}", {"method": "delivery"})
    assert changed.json()["lines"][0]["method"] == "delivery"
    assert (await laptop.get("/api/mall/cart")).json()["groups"][0]["method"] == "delivery"


async def test_the_cart_promises_a_delivery_as_the_product_page_does(world: World, shelf: str) -> None:
    """Without an address both mean the neighbourhood of the chosen shop; a shop that is gone counts as none."""
    buyer = world.anonymous()
    page = (await buyer.get("/api/mall/products/MILK?store=S1")).json()["delivery_promise"]["at"]
    await buyer.post("/api/mall/cart/lines?near=S1", line(shelf, store=None))
    promised = {
        near: (await buyer.get(f"/api/mall/cart{near}")).json()["groups"][0]["promise"]["at"]
        for near in ("?near=S1", "", "?near=GONE")
    }
    assert promised["?near=S1"] == page
    assert promised[""] == promised["?near=GONE"] > page


async def test_placing_the_cart_empties_it_and_the_answers_have_their_shape(world: World, shelf: str) -> None:
    member = await world.member("+8613912345678")
    await member.post("/api/mall/cart/lines", line(shelf, 2))
    cart = (await member.get("/api/mall/cart")).json()
    placed = await member.post(
        "/api/mall/orders", order(pay_mode="at_store") | {"lines": None, "expected_total": cart["total"]}
    )
    assert placed.status_code == 201, placed.text
    receipt = msgspec.json.decode(placed.content, type=Receipt)
    assert receipt.state == "preparing"
    assert (await member.get("/api/mall/cart")).json()["lines"] == []
    seen = msgspec.json.decode((await member.get(f"/api/mall/orders/{receipt.id}")).content, type=OrderView)
    assert (seen.order_no, seen.total, seen.actions) == (receipt.order_no, receipt.total, ["show_code", "cancel"])
    listed = (await member.get("/api/mall/orders?state=open")).json()["items"]
    assert [one["id"] for one in listed] == [str(receipt.id)]
    code = (await member.get(f"/api/mall/orders/{receipt.id}/pickup-code")).json()
    assert code["qr"].startswith("DL1:")
    assert code["svg"].startswith("<svg")


async def test_one_call_places_an_order_for_a_headless_guest(world: World, shelf: str) -> None:
    guest = world.anonymous()
    placed = await guest.post("/api/mall/orders", order(line(shelf)))
    assert placed.status_code == 201, placed.text
    assert "duoline_member" in placed.headers["set-cookie"]
    assert await held(world, shelf) == (5, 1)


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("139 0000-0001", "+8613900000001", "13900000001"),
        ("+85298765432", "+85298765432", "+85298765432"),
        ("0571-88880000", "0571-88880000", "0571-88880000"),
    ],
)
async def test_whom_to_call_is_kept_as_a_log_in_keeps_numbers_and_shown_as_at_home(
    world: World, shelf: str, typed: str, kept: str, shown: str
) -> None:
    member = await world.member()
    placed = await member.post("/api/mall/orders", order(line(shelf), contact={"name": "王芳", "phone": typed}))
    seen = (await member.get(f"/api/mall/orders/{placed.json()['id']}")).json()
    assert seen["contact"] == {"name": "王芳", "phone": shown}
    for rows in ("orders", "fulfilments"):
        assert await world.db.fetchval(f"SELECT contact_phone FROM {rows}") == kept


async def test_same_key_same_bytes(world: World, shelf: str) -> None:
    member = await world.member()
    answers = [await member.post("/api/mall/orders", order(line(shelf)), key="again") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    other = await member.post("/api/mall/orders", order(line(shelf, 2)), key="again")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")
    assert await held(world, shelf) == (5, 1)


BAD_LINES: list[tuple[dict[str, Any], int]] = [
    ({"quantity": -1}, 422), ({"quantity": 0}, 422), ({"quantity": 1000}, 422), ({"quantity": 10**12}, 422),
    ({"quantity": 0.5}, 422), ({"quantity": 1.0}, 422), ({"quantity": "1"}, 422), ({"quantity": "1e3"}, 422),
    ({"quantity": None}, 422), ({"quantity": True}, 422), ({"sku_id": "x"}, 422),
    ({"sku_id": "00000000-0000-7000-8000-00000000dead"}, 409), ({"store_code": "NOPE"}, 404), ({"store_code": "D1"}, 422),
    ({"store_code": None}, 422), ({"method": "teleport"}, 422), ({"unit_price": {"minor": 1, "currency": "CNY"}}, 422),
    ({"price_minor": 1}, 422),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status"), BAD_LINES)
async def test_bad_lines_are_refused_and_change_nothing(
    world: World, shelf: str, change: dict[str, Any], status: int
) -> None:
    member = await world.member()
    refused = await member.post("/api/mall/orders", order(line(shelf) | change))
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"]
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 0
    assert await held(world, shelf) == (5, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": {"minor": 1, "currency": "CNY"}}, "kernel.bad-input"),
        ({"expected_total": {"minor": 1, "currency": "CNY"}}, "pricing.total-changed"),
        ({"lines": []}, "orders.empty"),
        ({"contact": {"name": "", "phone": "1"}}, "kernel.bad-input"),
        ({"pay_mode": "free"}, "kernel.bad-input"),
    ],
)
async def test_bad_orders_are_refused(world: World, shelf: str, change: dict[str, Any], code: str) -> None:
    member = await world.member()
    refused = await member.post("/api/mall/orders", order(line(shelf)) | change)
    assert refused.json()["code"] == code, refused.text
    if code == "pricing.total-changed":
        assert refused.json()["quote"]["total"]["minor"] == 19900
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 0


async def test_delivery_needs_an_address_and_is_paid_online(world: World, shelf: str) -> None:
    member = await world.member()
    refused = await member.post("/api/mall/orders", order(line(shelf, store=None), pay_mode="online"))
    assert refused.json()["code"] == "orders.address-missing"
    refused = await member.post("/api/mall/orders", order(line(shelf, store=None), address=ADDRESS))
    assert refused.json()["code"] == "orders.pay-online-for-delivery"
    placed = await member.post("/api/mall/orders", order(line(shelf, store=None), pay_mode="online", address=ADDRESS))
    assert placed.status_code == 201, placed.text
    assert placed.json()["fulfilments"][0]["kind"] == "ship"


async def test_a_closed_shop_takes_no_orders(world: World, shelf: str) -> None:
    await world.db.execute("UPDATE stores SET state = 'closed', version = version + 1 WHERE code = 'S1'")
    await directory.refresh(world.db)
    member = await world.member()
    refused = await member.post("/api/mall/orders", order(line(shelf)))
    assert refused.json()["code"] in {"stores.closed", "kernel.not-found"}, refused.text
    assert await held(world, shelf) == (5, 0)


async def test_short_stock_says_how_many_there_are(world: World, shelf: str) -> None:
    member = await world.member()
    refused = await member.post("/api/mall/orders", order(line(shelf, 6)), headers={"Accept-Language": "en"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "inventory.insufficient-stock"
    assert refused.json()["short"][0] | {"sku_id": ""} == {
        "sku_id": "", "location_code": "S1", "wanted": 6, "available": 5,
    }  # fmt: skip
    quoted = await member.post("/api/mall/quotes", {"lines": [line(shelf, 6)]})
    assert quoted.status_code == 200
    assert [(one["code"], one["available"]) for one in quoted.json()["problems"]] == [
        ("inventory.insufficient-stock", 5)
    ]


async def test_foreign_orders_do_not_exist(world: World, shelf: str) -> None:
    owner, stranger = await world.member(), await world.member()
    placed = (await owner.post("/api/mall/orders", order(line(shelf)))).json()
    path = f"/api/mall/orders/{placed['id']}"
    for answer in (
        await stranger.get(path),
        await stranger.get(f"{path}/pickup-code"),
        await stranger.post(f"{path}/cancellation", {"reason": ""}),
        await stranger.post(f"{path}/payment"),
        await stranger.post(f"{path}/answer", {"choice": "refund"}),
    ):
        assert answer.status_code == 404, answer.text
    assert await held(world, shelf) == (5, 1)


async def test_forged_callbacks_change_nothing(world: World, shelf: str) -> None:
    member = await world.member()
    placed = (await member.post("/api/mall/orders", order(line(shelf), pay_mode="online"))).json()
    intent = await world.db.fetchval("SELECT id FROM payment_intents")
    body = {"event_id": "e", "kind": "payment.paid", "ref": str(intent), "amount_minor": 19900, "currency": "CNY"}
    for headers in ({}, {"Authorization": "SANDBOX-HMAC-SHA256 x"}):
        forged = await Callerless(world).post("/api/payments/sandbox/callbacks", body, headers=headers)
        assert forged.status_code == 401, forged.text
    assert (await Callerless(world).post("/api/payments/nobody/callbacks", body)).status_code == 404
    seen = (await member.get(f"/api/mall/orders/{placed['id']}")).json()
    assert seen["state"] == "awaiting_payment"
    assert await world.db.fetchval("SELECT count(*) FROM captures") == 0


def Callerless(world: World) -> Caller:
    """A machine without any session."""
    return world.anonymous()


async def test_the_counter_from_queue_to_hand_over(world: World, shelf: str) -> None:
    member, clerk = await world.member(), world.staff("clerk1")
    placed = (await member.post("/api/mall/orders", order(line(shelf, 2)))).json()
    queue = (await clerk.get("/api/clerk/queue?store=S1")).json()
    assert queue["counts"] == {"to_pick": 1, "ready": 0, "incoming": 0}
    card = queue["items"][0]
    assert (card["order_no"], card["due"]["minor"], card["lines"][0]["quantity"]) == (placed["order_no"], 39800, 2)
    path = f"/api/clerk/fulfilments/{card['id']}"
    code = (await member.get(f"/api/mall/orders/{placed['id']}/pickup-code")).json()
    early = await clerk.post(f"{path}/handover", {"code": code["qr"]})
    assert early.json()["code"] == "fulfilment.not-ready"
    assert (await clerk.post(f"{path}/ready", {})).json()["state"] == "ready"
    meaning = (await clerk.post("/api/clerk/scans", {"text": code["short"], "store": "S1"})).json()
    assert (meaning["kind"], meaning["fulfilment_id"]) == ("pickup", card["id"])
    wrong = await clerk.post(f"{path}/handover", {"code": "00000000"})
    assert wrong.json()["code"] == "fulfilment.wrong-code"
    unpaid = await clerk.post(f"{path}/handover", {"code": code["qr"]})
    assert unpaid.json()["code"] == "fulfilment.not-paid"
    cash = {"code": code["qr"], "tender": "cash", "tendered": {"minor": 40000, "currency": "CNY"}}
    handed = await clerk.post(f"{path}/handover", cash)
    assert (handed.status_code, handed.json()["change"]["minor"], handed.json()["member_name"]) == (200, 200, "王芳")
    again = await clerk.post(f"{path}/handover", cash)
    assert again.json()["code"] == "fulfilment.already-done"
    elsewhere = await world.staff("clerk2").get(path)
    assert elsewhere.status_code == 404
    assert await held(world, shelf) == (3, 0)


async def test_the_counter_finds_what_was_typed_and_no_pattern(world: World, shelf: str) -> None:
    member, clerk = await world.member(), world.staff("clerk1")
    placed = (await member.post("/api/mall/orders", order(line(shelf)))).json()
    await world.db.execute("UPDATE fulfilments SET tracking_no = 'SF_1%' WHERE order_id = $1::text::uuid", placed["id"])

    async def found(path: str, q: str) -> int:
        answer = await clerk.get(path, params={"store": "S1", "q": q})
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    for q in ("%", "_", "\\", "王_", "奶%"):
        assert [await found(f"/api/clerk/{name}", q) for name in ("queue", "stock")] == [0, 0], q
    for q, n in ((placed["order_no"], 1), ("王芳", 1), (" SF_1% ", 1), ("SF-1%", 0)):
        assert await found("/api/clerk/queue", q) == n, q
    assert [await found("/api/clerk/stock", q) for q in ("奶粉", "milk")] == [1, 1]


async def test_console_sees_the_order_and_its_money(world: World, shelf: str) -> None:
    member, clerk, hq = await world.member(), world.staff("clerk1"), world.staff("hq")
    placed = (await member.post("/api/mall/orders", order(line(shelf)))).json()
    card = (await clerk.get("/api/clerk/queue?store=S1")).json()["items"][0]
    await clerk.post(f"/api/clerk/fulfilments/{card['id']}/ready", {})
    code = (await member.get(f"/api/mall/orders/{placed['id']}/pickup-code")).json()["qr"]
    cash = {"code": code, "tender": "cash", "tendered": {"minor": 19900, "currency": "CNY"}}
    await clerk.post(f"/api/clerk/fulfilments/{card['id']}/handover", cash)
    case = (await hq.get(f"/api/console/orders/{placed['id']}")).json()
    assert case["order"]["state"] == "completed"
    assert [journal["kind"] for journal in case["journals"]] == ["capture", "sale"]
    assert [hold["state"] for hold in case["holds"]] == ["taken"]
    listed = (await hq.get("/api/console/orders?state=completed")).json()["items"]
    assert [one["visible"] for one in listed] == ["completed"]
    assert [one["order_no"] for one in listed] == [placed["order_no"]]
    assert (await world.staff("manager2").get("/api/console/orders")).json()["items"] == []
    sheet = await hq.get("/api/console/orders.csv")
    assert placed["order_no"] in sheet.text
    today = (await hq.get("/api/console/today")).json()
    assert (today["totals"]["orders"], today["totals"]["sales"]["minor"]) == (1, 19900)
    stock = (await hq.get(f"/api/console/stock/{shelf}")).json()
    assert {move["reason"] for move in stock["movements"]} == {"opening", "sale"}


async def test_the_list_of_orders_says_what_each_waits_for(world: World, shelf: str) -> None:
    member, clerk, hq = await world.member(), world.staff("clerk1"), world.staff("hq")
    online = order(line(shelf)) | {"pay_mode": "online"}
    placed = [(await member.post("/api/mall/orders", body)).json() for body in (online, *[order(line(shelf))] * 3)]
    jobs = {card["order_id"]: card for card in (await clerk.get("/api/clerk/queue?store=S1")).json()["items"]}
    await clerk.post(f"/api/clerk/fulfilments/{jobs[placed[2]['id']]['id']}/ready", {})
    refused = jobs[placed[3]["id"]]
    lines = [{"line_id": refused["lines"][0]["line_id"], "quantity": 1, "reason": "missing"}]
    await clerk.post(f"/api/clerk/fulfilments/{refused['id']}/rejection", {"lines": lines})
    listed = {one["id"]: one["visible"] for one in (await hq.get("/api/console/orders")).json()["items"]}
    assert [listed[one["id"]] for one in placed] == ["awaiting_payment", "preparing", "ready", "needs_answer"]
    assert jobs[placed[1]["id"]]["due"]["minor"] == 19900
    incoming = (await clerk.get("/api/clerk/queue?store=S1&tab=incoming")).json()["items"]
    assert [card["due"]["minor"] for card in incoming] == [0], "what is paid online is not asked for at the counter"


async def test_stock_is_corrected_with_a_reason_and_never_below_what_is_held(world: World, shelf: str) -> None:
    member, manager = await world.member(), world.staff("manager1")
    await member.post("/api/mall/orders", order(line(shelf, 3)))
    path = "/api/console/stock/adjustments"
    body = {"store": "S1", "sku_id": shelf, "reason": "count", "note": "盘点"}
    assert (await manager.post(path, body | {"counted": 2})).json()["code"] == "inventory.count-below-held"
    assert (await manager.post(path, body)).json()["code"] == "inventory.count-or-delta"
    assert (await manager.post(path, body | {"counted": 4})).status_code == 201
    assert await held(world, shelf) == (4, 3)
    audit = await world.db.fetchrow("SELECT action, before, after, reason FROM audit_log ORDER BY id DESC LIMIT 1")
    assert audit is not None
    assert (audit["action"], audit["before"], audit["after"], audit["reason"]) == (
        "stock.count", {"on_hand": 5}, {"on_hand": 4}, "盘点",
    )  # fmt: skip
    shown = (await manager.get("/api/console/audit")).json()["items"][0]
    assert shown["subject_name"] == {"zh": "奶粉 MILK-1", "en": "Milk powder MILK-1"}


async def test_safety_stock_is_changed_for_a_reason(world: World, shelf: str) -> None:
    manager, path = world.staff("manager1"), "/api/console/stock/safety"
    body = {"store": "S1", "sku_id": shelf, "safety": 2}
    for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": None}):
        refused = await manager.put(path, body | reason)
        assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "reason"), reason
    assert await world.db.fetchval("SELECT safety FROM levels WHERE location_id = $1", world.stores["S1"]) == 0
    changed = await manager.put(path, body | {"reason": " 周末人多 "})
    assert changed.status_code == 200, changed.text
    audit = await world.db.fetchrow("SELECT action, before, after, reason FROM audit_log ORDER BY id DESC LIMIT 1")
    assert audit is not None
    assert (audit["action"], audit["before"], audit["after"], audit["reason"]) == (
        "stock.safety", {"safety": 0}, {"safety": 2}, "周末人多",
    )  # fmt: skip


async def test_the_till_and_holds_at_the_counter(world: World, shelf: str) -> None:
    clerk = world.staff("clerk1")
    hold = await clerk.post(
        "/api/clerk/holds", {"store": "S1", "sku_id": shelf, "quantity": 2, "minutes": 30}, key="hold"
    )
    assert hold.status_code == 201, hold.text
    again = await clerk.post(
        "/api/clerk/holds", {"store": "S1", "sku_id": shelf, "quantity": 2, "minutes": 30}, key="hold"
    )
    assert again.json()["id"] == hold.json()["id"]
    sale = {
        "store": "S1", "lines": [{"sku_id": shelf, "quantity": 4}], "tender": "cash",
        "tendered": {"minor": 100000, "currency": "CNY"},
    }  # fmt: skip
    assert (await clerk.post("/api/clerk/sales", sale)).json()["code"] == "inventory.insufficient-stock"
    sold = await clerk.post("/api/clerk/sales", sale | {"lines": [{"sku_id": shelf, "quantity": 3}]})
    assert sold.json()["change"]["minor"] == 100000 - 3 * 19900, sold.text
    assert len((await clerk.get("/api/clerk/holds?store=S1")).json()["items"]) == 1
    assert (await clerk.delete(f"/api/clerk/holds/{hold.json()['id']}?store=S1")).status_code == 204
    assert await held(world, shelf) == (2, 0)


async def test_prices_by_scope_and_time(world: World, shelf: str) -> None:
    hq, visitor = world.staff("hq"), world.anonymous()
    body = {
        "sku_id": shelf,
        "scope": "store",
        "scope_code": "S1",
        "price": {"minor": 18800, "currency": "CNY"},
        "reason": "x",
    }
    made = await hq.post("/api/console/prices", body)
    assert made.status_code == 201, made.text
    quoted = await visitor.post("/api/mall/quotes", {"lines": [line(shelf), line(shelf, store=None)]})
    assert [one["unit_price"]["minor"] for one in quoted.json()["lines"]] == [18800, 19900]
    past = body | {"valid_from": "2026-11-01T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z"}
    assert (await hq.post("/api/console/prices", past)).json()["code"] == "pricing.overlap"
    assert (await hq.delete(f"/api/console/prices/{made.json()['id']}")).status_code == 204
    quoted = await visitor.post("/api/mall/quotes", {"lines": [line(shelf)]})
    assert quoted.json()["lines"][0]["unit_price"]["minor"] == 19900


async def test_a_dated_price_gives_way_to_the_open_one_again(world: World, shelf: str) -> None:
    """A sale of two days over an open price, ended early: there is a price at every instant."""
    hq = world.staff("hq")
    start = clock.now() + timedelta(days=1)

    async def prices(*instants: datetime) -> list[int]:
        found = [
            await pricing.price_of(world.db, UUID(shelf), store_id=None, region_ids=[], channel="mall", tier="", at=at)
            for at in instants
        ]
        return [price.price_minor if price else -1 for price in found]

    body = {
        "sku_id": shelf, "scope": "chain", "price": {"minor": 9900, "currency": "CNY"}, "reason": "two days",
        "valid_from": start.isoformat(), "valid_until": (start + timedelta(days=2)).isoformat(),
    }  # fmt: skip
    made = await hq.post("/api/console/prices", body)
    assert made.status_code == 201, made.text
    days = [start + timedelta(days=n, minutes=1) for n in (-1, 0, 1, 2, 300)]
    assert await prices(*days) == [19900, 9900, 9900, 19900, 19900]
    overlapping = body | {"valid_from": (start + timedelta(days=1)).isoformat(), "valid_until": None}
    assert (await hq.post("/api/console/prices", overlapping)).json()["code"] == "pricing.overlap"
    with clock.frozen(start + timedelta(days=1)):
        assert (await hq.delete(f"/api/console/prices/{made.json()['id']}")).status_code == 204
        assert await prices(*days) == [19900, 9900, 19900, 19900, 19900]
    again = await hq.post(
        "/api/console/prices",
        body | {"valid_from": days[4].isoformat(), "valid_until": (days[4] + timedelta(days=1)).isoformat()},
    )
    assert (await hq.delete(f"/api/console/prices/{again.json()['id']}")).status_code == 204
    rows = await world.db.fetch("SELECT price_minor FROM prices WHERE sku_id = $1 ORDER BY lower(valid)", UUID(shelf))
    assert [row["price_minor"] for row in rows] == [19900, 9900, 19900], "a price that never began leaves no cut"


@pytest.mark.parametrize("currency", ["USD", "JPY", "cny"])
async def test_other_currencies_are_refused_everywhere(world: World, shelf: str, currency: str) -> None:
    hq, clerk, visitor = world.staff("hq"), world.staff("clerk1"), world.anonymous()
    foreign = {"minor": 100000, "currency": currency}
    asked = [
        await hq.post("/api/console/prices", {"sku_id": shelf, "scope": "chain", "price": foreign, "reason": "x"}),
        await clerk.post(
            "/api/clerk/sales",
            {"store": "S1", "lines": [{"sku_id": shelf, "quantity": 1}], "tender": "cash", "tendered": foreign},
        ),
        await visitor.post(
            "/api/mall/orders",
            {"lines": [line(shelf)], "pay_mode": "at_store", "contact": CONTACT,
             "expected_total": {"minor": 19900, "currency": currency}},
        ),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(422, "money.wrong-currency")] * 3
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 0


async def test_one_key_holds_once(world: World, shelf: str) -> None:
    """The same hold asked for six times at once, under one key: one hold, one answer."""
    clerk, key = world.staff("clerk1"), "a-hold-asked-for-six-times"
    body = {"store": "S1", "sku_id": shelf, "quantity": 2, "minutes": 30}
    answers = await asyncio.gather(*(clerk.post("/api/clerk/holds", body, key=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await held(world, shelf) == (5, 2)
