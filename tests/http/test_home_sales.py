"""A clerk sells what is sent home: quote, order, code, payment on the customer's phone, letting go; once, and only there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from duoline import inventory, orders
from duoline.channels.clerk.home_sales import HomeSale
from duoline.channels.mall import order_links
from duoline.entry.check import broken
from duoline.flows import expire, pay
from duoline.flows.draft import Receipt
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.payments import providers
from tests.flows.conftest import Books
from tests.http.shelf import NOON, held, stocked
from tests.http.test_live import connect, leave
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

PHONE = "13900000001"
HOME = {"province": "某省", "city": "某市", "district": "某区", "line": "隐街 1 号 502"}
CUSTOMER: dict[str, Any] = {"name": "王芳", "phone": PHONE, "address": HOME}


@pytest.fixture
async def gone(world: World) -> AsyncIterator[str]:
    """An article at 199.00 that S1 has not: five are at S2, which sends it; the check is clean at the end."""
    sku = await stocked(world, "MILK", 19900, {"S2": 5})
    order_links.ASKS_BY_ORDER.forget()
    with clock.frozen(NOON):
        yield sku
    assert await broken(world.db) == []


@pytest.fixture
def books() -> Books:
    """The provider that online payments go to."""
    made = Books()
    providers.connect(made)  # type: ignore[arg-type]
    return made


def wanted(sku: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"store": "S1", "lines": [{"sku_id": sku, "quantity": quantity}], **more}


async def sell(world: World, sku: str, quantity: int = 1, *, login: str = "clerk1", **more: Any) -> Receipt:
    """Quote and order, as the page does."""
    clerk = world.staff(login)
    quote = await clerk.post("/api/clerk/home-quotes", wanted(sku, quantity, address=HOME))
    assert quote.status_code == 200, quote.text
    body = wanted(sku, quantity, **CUSTOMER, expected_total=quote.json()["total"]) | more
    placed = await clerk.post("/api/clerk/home-sales", body)
    assert placed.status_code == 201, placed.text
    return msgspec.json.decode(placed.content, type=Receipt)


async def shown(world: World, order_id: UUID, login: str = "clerk1") -> HomeSale:
    answer = await world.staff(login).get(f"/api/clerk/home-sales/{order_id}")
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=HomeSale)


async def link_of(world: World, order_id: UUID) -> str:
    code = (await shown(world, order_id)).code
    assert code is not None
    assert code.url.startswith("http://localhost:")
    assert "<svg" in code.svg
    return code.url.rpartition("/o/")[2]


async def pay_by_link(world: World, books: Books, link: str, phone: Caller) -> None:
    """What the customer's phone does."""
    opened = await phone.post(f"/api/mall/order-links/{link}/payment", {})
    assert opened.status_code == 201, opened.text
    books.pay(opened.json()["intent_id"])
    checked = await phone.post(f"/api/mall/order-links/{link}/payment-check", {})
    assert (checked.status_code, checked.json()["pay_state"]) == (200, "paid"), checked.text


async def test_what_the_shop_has_not_is_sold_paid_on_the_customers_phone_and_sent(
    world: World, gone: str, books: Books
) -> None:
    clerk = world.staff("clerk1")
    quote = (await clerk.post("/api/clerk/home-quotes", wanted(gone))).json()
    assert (quote["ok"], quote["around"]) == (True, {"province": "某省", "city": "某市"})
    assert [one["code"] for one in quote["sent_from"]] == ["S2"]
    assert quote["promise_at"] > NOON.isoformat()

    receipt = await sell(world, gone, 2)
    assert (receipt.state, receipt.channel) == ("awaiting_payment", "mall")
    assert receipt.total.minor == 2 * 19900 + receipt.delivery_fee.minor
    assert await held(world, gone, "S2") == (5, 2)
    row = await world.db.fetchrow(
        "SELECT sold_store_id, sold_by, contact_phone, store_id FROM orders WHERE id = $1", receipt.id
    )
    assert row is not None
    assert tuple(row) == (world.stores["S1"], world.staff_ids["clerk1"], "+8613900000001", None)
    sale = await shown(world, receipt.id)
    assert (sale.state, sale.store_code, sale.seller) == ("awaiting_payment", "S1", "clerk1")
    assert [one.code for one in sale.sent_from] == ["S2"]
    assert (sale.phone_masked, sale.place) == ("139****0001", "某省 某市 某区")
    assert "隐街" not in msgspec.json.encode(sale).decode()

    phone = world.anonymous()
    link = await link_of(world, receipt.id)
    seen = (await phone.get(f"/api/mall/order-links/{link}")).json()
    assert (seen["state"], seen["total"]["minor"], seen["store"]["code"]) == (
        "awaiting_payment", receipt.total.minor, "S1",
    )  # fmt: skip
    assert not [secret for secret in ("王芳", "隐街", "13900000001") if secret in str(seen)]
    await pay_by_link(world, books, link, phone)
    assert (await phone.get(f"/api/mall/order-links/{link}")).json()["pay_state"] == "paid"

    sale = await shown(world, receipt.id)
    assert (sale.state, sale.pay_state, sale.code) == ("preparing", "paid", None)
    queue = (await world.staff("clerk2").get("/api/clerk/queue", params={"store": "S2", "tab": "to_pick"})).json()
    assert [card["order_no"] for card in queue["items"]] == [receipt.order_no]
    listed = (await clerk.get("/api/clerk/home-sales", params={"store": "S1"})).json()["items"]
    assert [(one["order_no"], one["pay_state"], one["units"]) for one in listed] == [(receipt.order_no, "paid", 2)]


async def test_headquarters_reads_who_sold_it_and_a_shop_that_sends_a_part_does_not(
    world: World, gone: str, books: Books
) -> None:
    async with world.db.begin() as tx:
        await inventory.adjust(
            tx, location_id=world.stores["S4"], sku_id=UUID(gone), delta=1, reason="opening", actor=SYSTEM
        )
    receipt = await sell(world, gone, 6)
    assert {job.store_code for job in receipt.fulfilments} == {"S2", "S4"}
    await pay_by_link(world, books, await link_of(world, receipt.id), world.anonymous())
    case = (await world.staff("hq").get(f"/api/console/orders/{receipt.id}")).json()
    assert case["sold"] == {"store_code": "S1", "store_name": {"zh": "S1", "en": "S1"}, "by": "clerk1"}
    assert case["order"]["timeline"][0]["data"]["sold_store_code"] == "S1"
    assert [(line["action"], line["actor"]) for line in case["audit"]] == [("order.sell-home", "clerk1")]
    assert case["audit"][0]["after"]["lines"] == [
        {"sku_code": "MILK-1", "quantity": 6, "unit_price_minor": 19900, "net_minor": 119400}
    ]
    part = (await world.staff("franchisee_b").get(f"/api/console/orders/{receipt.id}")).json()
    assert (part["whole"], part["sold"], part["audit"]) == (False, None, [])
    assert "sold_store_code" not in part["order"]["timeline"][0]["data"]
    trail = (await world.staff("manager1").get("/api/console/audit", params={"action": "order.sell-home"})).json()
    assert [line["subject"] for line in trail["items"]] == [receipt.order_no]


async def test_orders_of_the_mall_and_the_till_say_nobody_sold_them(world: World, shelf: str) -> None:
    member = await world.member("+8613900000009")
    body = {
        "lines": [{"sku_id": shelf, "quantity": 1, "method": "pickup", "store_code": "S1"}], "pay_mode": "at_store",
        "contact": {"name": "王芳", "phone": PHONE},
    }  # fmt: skip
    assert (await member.post("/api/mall/orders", body)).status_code == 201
    sold = await world.staff("clerk1").post(
        "/api/clerk/sales",
        {"store": "S1", "lines": [{"sku_id": shelf, "quantity": 1}], "tender": "cash",
         "tendered": {"minor": 19900, "currency": "CNY"}},
    )  # fmt: skip
    assert sold.status_code == 201, sold.text
    assert await world.db.fetchval("SELECT count(*) FROM orders WHERE sold_by IS NULL AND sold_store_id IS NULL") == 2
    assert (
        await member.post("/api/mall/orders", body | {"sold_by": str(world.staff_ids["clerk1"])})
    ).status_code == 422


async def test_a_double_tap_makes_one_order(world: World, gone: str) -> None:
    clerk, once = world.staff("clerk1"), key()
    quote = (await clerk.post("/api/clerk/home-quotes", wanted(gone, address=HOME))).json()
    body = wanted(gone, **CUSTOMER, expected_total=quote["total"])
    answers = await asyncio.gather(*(clerk.post("/api/clerk/home-sales", body, key=once) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 1
    assert await world.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'order.sell-home'") == 1
    assert await held(world, gone, "S2") == (5, 1)
    other = await clerk.post("/api/clerk/home-sales", body | {"name": "李敏"}, key=once)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")


async def test_for_a_member_it_is_the_members_own_order_and_the_clerk_reads_nothing_of_them(
    world: World, gone: str
) -> None:
    member = await world.member("+8613900000001")
    saved = {"name": "别名", "phone": "13900000055", "province": "某省", "city": "某市", "line": "秘密路 9 号"}
    assert (await member.post("/api/mall/addresses", saved)).status_code == 201
    receipt = await sell(world, gone)
    assert await world.db.fetchval("SELECT member_id FROM orders WHERE id = $1", receipt.id) == member.id
    assert await world.db.fetchval("SELECT count(*) FROM members") == 1
    assert (await member.get(f"/api/mall/orders/{receipt.id}")).json()["order_no"] == receipt.order_no
    text = (await world.staff("clerk1").get(f"/api/clerk/home-sales/{receipt.id}")).text
    assert not [secret for secret in ("别名", "秘密路", "13900000055", str(member.id)) if secret in text]


async def test_a_guest_of_the_number_keeps_the_orders_for_whoever_logs_in_with_it(world: World, gone: str) -> None:
    first, second = await sell(world, gone), await sell(world, gone, phone="+86 139 0000 0001")
    rows = await world.db.fetch("SELECT DISTINCT member_id FROM orders")
    assert len(rows) == 1
    assert await world.db.fetchval("SELECT kind FROM members WHERE member_id = $1", rows[0]["member_id"]) == "guest"
    assert await world.db.fetchval("SELECT count(*) FROM member_sessions") == 0
    device = world.anonymous()
    await device.post("/api/mall/login-codes", {"phone": PHONE})
    code = await world.code_sent("+8613900000001")
    entered = await device.post("/api/mall/sessions", {"phone": PHONE, "code": code})
    assert entered.status_code == 201, entered.text
    mine = (await device.get("/api/mall/orders")).json()["items"]
    assert {one["order_no"] for one in mine} == {first.order_no, second.order_no}
    other = world.anonymous()
    await other.post("/api/mall/login-codes", {"phone": "13900000077"})
    await other.post("/api/mall/sessions", {"phone": "13900000077", "code": await world.code_sent("+8613900000077")})
    assert (await other.get("/api/mall/orders")).json()["items"] == []


async def test_guests_order_within_limits_by_their_number(world: World, gone: str) -> None:
    clerk = world.staff("clerk1")
    quote = (await clerk.post("/api/clerk/home-quotes", wanted(gone, address=HOME))).json()
    body = wanted(gone, **CUSTOMER, expected_total=quote["total"])
    for _ in range(6):
        placed = await clerk.post("/api/clerk/home-sales", body)
        assert placed.status_code == 201, placed.text
        let_go = await clerk.post(f"/api/clerk/home-sales/{placed.json()['id']}/cancellation", {})
        assert let_go.status_code == 200, let_go.text
    refused = await clerk.post("/api/clerk/home-sales", body)
    assert (refused.status_code, refused.json()["code"]) == (429, "orders.too-many-orders")
    other = await clerk.post("/api/clerk/home-sales", body | {"phone": "13900000002"})
    assert other.status_code == 201, other.text


async def test_what_cannot_be_is_refused_and_changes_nothing(world: World, gone: str) -> None:
    clerk = world.staff("clerk1")
    quote = (await clerk.post("/api/clerk/home-quotes", wanted(gone, address=HOME))).json()
    good = wanted(gone, **CUSTOMER, expected_total=quote["total"])
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"phone": "12345"}, 422, "members.bad-phone"),
        ({"name": "  "}, 422, "kernel.bad-input"),
        ({"address": HOME | {"line": " "}}, 422, "kernel.bad-input"),
        ({"address": HOME | {"city": ""}}, 422, "kernel.bad-input"),
        ({"lines": []}, 422, "kernel.bad-input"),
        ({"lines": [{"sku_id": gone, "quantity": 6}]}, 409, "inventory.insufficient-stock"),
        ({"expected_total": {"minor": 1, "currency": "CNY"}}, 409, "pricing.total-changed"),
        ({"store": "S2"}, 404, "kernel.not-found"),
        ({"store": "NOPE"}, 404, "kernel.not-found"),
    ]
    for change, status, code in cases:
        refused = await clerk.post("/api/clerk/home-sales", good | change)
        assert (refused.status_code, refused.json()["code"]) == (status, code), (change, refused.text)
        assert refused.json()["detail"]
    assert await world.db.fetchval("SELECT count(*) FROM orders") == 0
    assert await world.db.fetchval("SELECT count(*) FROM members") == 0
    assert await held(world, gone, "S2") == (5, 0)
    short = (await clerk.post("/api/clerk/home-quotes", wanted(gone, 6))).json()
    assert (short["ok"], short["lines"][0]["available"], short["promise_at"]) == (False, 5, None)
    assert short["lines"][0]["problem"]


async def test_letting_go_frees_the_units_and_a_paid_order_stays(world: World, gone: str, books: Books) -> None:
    clerk = world.staff("clerk1")
    receipt = await sell(world, gone)
    path = f"/api/clerk/home-sales/{receipt.id}/cancellation"
    link = await link_of(world, receipt.id)
    foreign = await world.staff("clerk2").post(path, {})
    assert foreign.status_code == 404
    done = await clerk.post(path, {})
    assert (done.status_code, done.json()["state"], done.json()["code"]) == (200, "cancelled", None)
    assert await held(world, gone, "S2") == (5, 0)
    again = await clerk.post(path, {})
    assert (again.status_code, again.json()["code"]) == (409, "orders.no-longer-unpaid")
    late = await world.anonymous().post(f"/api/mall/order-links/{link}/payment", {})
    assert (late.status_code, late.json()["code"]) == (409, "orders.already-paid")

    paid = await sell(world, gone)
    await pay_by_link(world, books, await link_of(world, paid.id), world.anonymous())
    refused = await clerk.post(f"/api/clerk/home-sales/{paid.id}/cancellation", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "orders.no-longer-unpaid")
    assert (await shown(world, paid.id)).pay_state == "paid"
    assert await held(world, gone, "S2") == (5, 1)


async def test_letting_go_against_the_payment_ends_with_one_of_the_two(world: World, gone: str, books: Books) -> None:
    """Either it is cancelled and what comes goes back, or it is paid and stays."""
    for n in range(6):
        receipt = await sell(world, gone, phone=f"1390000{1000 + n}")
        member_id = await world.db.fetchval("SELECT member_id FROM orders WHERE id = $1", receipt.id)
        link = await link_of(world, receipt.id)
        opened = (await world.anonymous().post(f"/api/mall/order-links/{link}/payment", {})).json()
        books.pay(opened["intent_id"])
        answer, _ = await asyncio.gather(
            world.staff("clerk1").post(f"/api/clerk/home-sales/{receipt.id}/cancellation", {}),
            pay.check_order(world.db, member_id=member_id, order_id=receipt.id),
        )
        sale = await shown(world, receipt.id)
        if answer.status_code == 200:
            assert (sale.state, sale.pay_state) == ("cancelled", "refunded")
        else:
            assert answer.json()["code"] == "orders.no-longer-unpaid"
            assert (sale.state, sale.pay_state) == ("preparing", "paid")
            await world.staff("hq").post(f"/api/console/orders/{receipt.id}/cancellation", {"reason": "test"})


async def test_a_link_is_for_its_order_alone_and_for_a_day(world: World, gone: str) -> None:
    receipt = await sell(world, gone)
    link = await link_of(world, receipt.id)
    number, _, proof = link.rpartition(".")
    phone = world.anonymous()
    for bad in (
        number,
        f"{number}.",
        f"{number}.{proof[1:]}{proof[0]}A",
        f"{number}.{'A' * 22}",
        f"X{link}",
        "x" * 300,
        f"{number}.中",
    ):
        refused = await phone.get(f"/api/mall/order-links/{bad}")
        assert refused.status_code == 404, bad
        assert (await phone.post(f"/api/mall/order-links/{bad}/payment", {})).status_code == 404
    # An order of the mall has no link, even were it made with our secret.
    member = await world.member("+8613900000009")
    own = await member.post(
        "/api/mall/orders",
        {"lines": [{"sku_id": gone, "quantity": 1, "method": "delivery"}], "pay_mode": "online",
         "contact": {"name": "王芳", "phone": PHONE}, "address": HOME | {"name": "王芳", "phone": PHONE}},
    )  # fmt: skip
    assert own.status_code == 201, own.text
    forged = orders.link_of(own.json()["order_no"], secret=world.settings.secret.encode())
    assert (await phone.get(f"/api/mall/order-links/{forged}")).status_code == 404
    with clock.frozen(NOON + orders.LINK_LASTS + timedelta(seconds=1)):
        assert (await phone.get(f"/api/mall/order-links/{link}")).status_code == 404


async def test_the_clerks_page_is_told_at_once_when_it_is_paid_or_over(world: World, gone: str, books: Books) -> None:
    mine = await connect(world, world.staff("clerk1"), "/api/clerk/events?store=S1")
    receipt = await sell(world, gone)
    await pay_by_link(world, books, await link_of(world, receipt.id), world.anonymous())
    unpaid = await sell(world, gone)
    with clock.frozen(NOON + timedelta(hours=2)):
        assert await expire.expire_unpaid(world.db) >= 1
    while await world.relay():
        pass
    told: list[dict[str, Any]] = []
    while len(told) < 2:
        told += [frame for frame in await mine.frames(1) if frame["event"] == "sale"]
    assert [(UUID(one["order_id"]), one["state"]) for one in map(_data, told)] == [
        (receipt.id, "confirmed"), (unpaid.id, "expired"),
    ]  # fmt: skip
    await leave(mine)


def _data(frame: dict[str, Any]) -> dict[str, Any]:
    return dict(msgspec.json.decode(frame["data"]))
