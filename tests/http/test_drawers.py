"""Drawers, parked sales and receipts over the wire: what a clerk sends, what each sees, what a repeat does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.entry.check import broken
from duoline.flows.receipts import SaleReceipt
from duoline.kernel import clock
from duoline.kernel.money import Money
from duoline.pricing.promotions import book
from tests.http.shelf import NOON, stocked
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.http.world import World

PRICE = 19900


@pytest.fixture
async def sku(world: World) -> AsyncIterator[str]:
    """An article at 199.00 that two shops have; the check is clean at the end."""
    made = await stocked(world, "MILK", PRICE, {"S1": 9, "S2": 9})
    with clock.frozen(NOON):
        yield made
    assert await broken(world.db) == []
    book._current = book.Book()


def cash(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def sold(world: World, sku: str, store: str = "S1", login: str = "clerk1", **more: Any) -> dict[str, Any]:
    body = {"store": store, "lines": [{"sku_id": sku, "quantity": 1}], "tender": "cash", "tendered": cash(20000)}
    answer = await world.staff(login).post("/api/clerk/sales", body | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def opened(world: World, minor: int = 50000, store: str = "S1", login: str = "clerk1") -> str:
    answer = await world.staff(login).post("/api/clerk/drawer-sessions", {"store": store, "float": cash(minor)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def closed(world: World, session: str, minor: int, login: str = "clerk1", **more: Any) -> httpx.Response:
    body = {"counted": cash(minor)} | more
    return await world.staff(login).post(f"/api/clerk/drawer-sessions/{session}/closing", body)


async def listed(world: World, login: str, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await world.staff(login).get(path, params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


# --- drawers --------------------------------------------------------------------------------------------


async def test_a_drawer_is_opened_sold_into_counted_blind_and_closed(world: World, sku: str) -> None:
    clerk = world.staff("clerk1")
    session = await opened(world)
    await sold(world, sku)
    paid = await clerk.post(
        f"/api/clerk/drawer-sessions/{session}/payments",
        {"kind": "paid_out", "amount": cash(1500), "reason": " stamps "},
    )
    assert (paid.status_code, paid.json()["payments"][0]["reason"]) == (201, "stamps")
    [now] = await listed(world, "clerk1", "/api/clerk/drawers", store="S1")
    assert (now["sales"], now["float"], now["taken"], now["expected"], now["difference"]) == (
        1, cash(50000), None, None, None,
    )  # fmt: skip
    # What should be there is in no answer before the count, not even in the refusal.
    refused = await closed(world, session, 50000)
    assert (refused.status_code, refused.json()["code"]) == (409, "payments.drawer-difference")
    expected = 50000 + PRICE - 1500
    assert str(expected) not in refused.text
    done = await closed(world, session, 50000, note="a note of a hundred is missing")
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["expected"], told["counted"], told["difference"]) == (
        cash(expected), cash(50000), cash(50000 - expected),
    )  # fmt: skip
    assert (told["closed_by"], told["note"]) == ("clerk1", "a note of a hundred is missing")
    assert await listed(world, "clerk1", "/api/clerk/drawers", store="S1") == []
    [past] = await listed(world, "clerk1", "/api/clerk/drawer-sessions", store="S1")
    assert past == told == (await clerk.get(f"/api/clerk/drawer-sessions/{session}")).json()


async def test_whoever_does_not_count_blind_sees_what_should_be_there(world: World, sku: str) -> None:
    body = {"body": {"drawer_difference_minor": 0, "blind": False}, "reason": "a small shop"}
    answer = await world.staff("hq").put("/api/console/policies/till", body)
    assert answer.status_code in (200, 201), answer.text
    session = await opened(world)
    await sold(world, sku)
    [now] = await listed(world, "clerk1", "/api/clerk/drawers", store="S1")
    assert (now["taken"], now["expected"]) == (cash(PRICE), cash(50000 + PRICE))
    one_off = await closed(world, session, 50000 + PRICE - 1)
    assert one_off.json()["code"] == "payments.drawer-difference"
    assert (await closed(world, session, 50000 + PRICE)).status_code == 200


async def test_a_sale_goes_into_the_drawer_it_names_and_a_repeat_into_none(world: World, sku: str) -> None:
    clerk = world.staff("clerk1")
    await opened(world)
    second = await clerk.post("/api/clerk/drawer-sessions", {"store": "S1", "float": cash(0), "drawer": "上层"})
    assert second.status_code == 201
    body = {
        "store": "S1",
        "lines": [{"sku_id": sku, "quantity": 1}],
        "tender": "cash",
        "tendered": cash(20000),
        "drawer": "上层",
    }
    once = key()
    answers = [await clerk.post("/api/clerk/sales", body, key=once) for _ in range(2)]
    assert answers[0].content == answers[1].content
    [one, two] = await listed(world, "clerk1", "/api/clerk/drawers", store="S1")
    assert [(each["drawer"], each["sales"]) for each in (one, two)] == [("1", 0), ("上层", 1)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"store": "S1", "float": {"minor": -1, "currency": "CNY"}}, 422),
        ({"store": "S1", "float": {"minor": 100_000_001, "currency": "CNY"}}, 422),
        ({"store": "S1", "float": {"minor": 1, "currency": "USD"}}, 422),
        ({"store": "S1", "float": {"minor": 1, "currency": "CNY"}, "drawer": " "}, 422),
        ({"store": "S2", "float": {"minor": 1, "currency": "CNY"}}, 404),
    ],
)
async def test_what_opens_no_drawer(world: World, sku: str, body: dict[str, Any], status: int) -> None:
    del sku
    answer = await world.staff("clerk1").post("/api/clerk/drawer-sessions", body)
    assert answer.status_code == status, answer.text
    assert await world.db.fetchval("SELECT count(*) FROM drawer_sessions") == 0


async def test_a_float_and_payments_by_hand_over_the_wire(world: World, sku: str) -> None:
    clerk = world.staff("clerk1")
    await sold(world, sku)
    [alone] = await listed(world, "clerk1", "/api/clerk/drawers", store="S1")
    path = f"/api/clerk/drawer-sessions/{alone['id']}"
    assert alone["by_itself"]
    said = await clerk.post(f"{path}/float", {"float": cash(30000)})
    assert (said.status_code, said.json()["float"]) == (200, cash(30000))
    again = await clerk.post(f"{path}/float", {"float": cash(1)})
    assert (again.status_code, again.json()["code"]) == (409, "payments.float-known")
    nothing = await clerk.post(f"{path}/payments", {"kind": "paid_in", "amount": cash(0), "reason": "x"})
    assert nothing.status_code == 422
    unsaid = await clerk.post(f"{path}/payments", {"kind": "paid_in", "amount": cash(1), "reason": "  "})
    assert unsaid.status_code == 422
    too_much = await clerk.post(
        f"{path}/payments", {"kind": "paid_out", "amount": cash(30000 + PRICE + 1), "reason": "bank"}
    )
    assert (too_much.status_code, too_much.json()["code"]) == (409, "payments.drawer-too-little")
    once = key()
    body = {"kind": "paid_out", "amount": cash(20000), "reason": "bank"}
    paid = [await clerk.post(f"{path}/payments", body, key=once) for _ in range(3)]
    assert {answer.content for answer in paid} == {paid[0].content}
    assert (await closed(world, alone["id"], 10000 + PRICE)).json()["difference"] == cash(0)


async def test_the_console_lists_the_drawers_one_may_see(world: World, sku: str) -> None:
    ours = await opened(world)
    theirs = await opened(world, 100, "S2", "clerk2")
    await sold(world, sku, "S2", "clerk2")
    assert (await closed(world, theirs, 100 + PRICE - 50, "clerk2")).status_code == 200

    async def seen(login: str, **query: Any) -> set[str]:
        return {one["id"] for one in await listed(world, login, "/api/console/drawer-sessions", **query)}

    assert await seen("hq") == {ours, theirs}
    assert await seen("north") == await seen("manager1") == {ours}
    assert await seen("manager2") == {theirs}
    assert await seen("franchisee_a") == set()
    assert await seen("hq", which="different") == await seen("hq", store="S2") == {theirs}
    assert await seen("hq", which="open") == {ours}
    assert await seen("hq", **{"from": "2026-11-18", "to": "2026-11-18"}) == {ours, theirs}
    assert await seen("hq", **{"from": "2026-11-19"}) == set()
    assert (await world.staff("clerk1").get("/api/console/drawer-sessions")).status_code == 403
    assert (await world.staff("manager1").get(f"/api/console/drawer-sessions/{theirs}")).status_code == 404
    first = await world.staff("hq").get("/api/console/drawer-sessions", params={"limit": 1})
    rest = await world.staff("hq").get(
        "/api/console/drawer-sessions", params={"limit": 1, "cursor": first.json()["next"]}
    )
    pages = [page.json()["items"][0]["id"] for page in (first, rest)]
    assert (set(pages), rest.json()["next"]) == ({ours, theirs}, None)


# --- parked sales ---------------------------------------------------------------------------------------


async def test_a_basket_is_parked_and_taken_up_by_another_clerk_of_the_shop(world: World, sku: str) -> None:
    body = {
        "store": "S1",
        "lines": [{"sku_id": sku, "quantity": 1}, {"sku_id": sku, "quantity": 2}],
        "phone": "139 0000 0001",
        "note": "blue coat",
        "coupons": 2,
    }
    parked = await world.staff("clerk1").post("/api/clerk/parked-sales", body)
    assert parked.status_code == 201, parked.text
    [one] = await listed(world, "manager1", "/api/clerk/parked-sales", store="S1")
    assert one == parked.json()
    assert (one["units"], one["coupons"], one["phone"], one["note"], one["parked_by"]) == (
        3, 2, "13900000001", "blue coat", "clerk1",
    )  # fmt: skip
    assert [(line["sku_id"], line["quantity"]) for line in one["lines"]] == [(sku, 3)]
    path = f"/api/clerk/parked-sales/{one['id']}/resumption"
    assert (await world.staff("clerk2").post(path, {})).status_code == 404
    once = key()
    taken = [await world.staff("manager1").post(path, {}, key=once) for _ in range(2)]
    assert {answer.status_code for answer in taken} == {200}
    assert taken[0].json() == one
    late = await world.staff("clerk1").post(path, {})
    assert (late.status_code, late.json()["code"], late.json()["by"]) == (409, "orders.parked-taken", "manager1")
    assert await listed(world, "clerk1", "/api/clerk/parked-sales", store="S1") == []


async def test_a_basket_with_the_codes_of_coupons_is_refused(world: World, sku: str) -> None:
    """They are as good as money and are stored nowhere; a client that sends them is told so."""
    body = {"store": "S1", "lines": [{"sku_id": sku, "quantity": 1}], "coupon_codes": ["ABCD-EFGH-JKLM"]}
    assert (await world.staff("clerk1").post("/api/clerk/parked-sales", body)).status_code == 422


async def test_a_basket_is_discarded(world: World, sku: str) -> None:
    body = {"store": "S1", "lines": [{"sku_id": sku, "quantity": 1}]}
    one = (await world.staff("clerk1").post("/api/clerk/parked-sales", body)).json()["id"]
    assert (await world.staff("clerk1").post(f"/api/clerk/parked-sales/{one}/discarding", {})).status_code == 204
    late = await world.staff("clerk1").post(f"/api/clerk/parked-sales/{one}/resumption", {})
    assert (late.status_code, late.json()["how"]) == (409, "discarded")


# --- receipts -------------------------------------------------------------------------------------------


async def link_of(world: World, order: dict[str, Any], login: str = "clerk1") -> str:
    found = await world.staff(login).get(f"/api/clerk/sales/{order['id']}")
    assert found.status_code == 200, found.text
    code = found.json()["code"]
    assert "<svg" in code["svg"]
    front, _, link = code["url"].rpartition("/r/")
    assert front.startswith("http://localhost:")
    return str(link)


async def test_a_receipt_opens_by_its_link_and_names_nobody(world: World, sku: str) -> None:
    sale = await sold(world, sku, phone="13912345678")
    link = await link_of(world, sale["order"])
    answer = await world.anonymous().get(f"/api/mall/receipts/{link}")
    assert answer.status_code == 200, answer.text
    receipt = msgspec.json.decode(answer.content, type=SaleReceipt)
    assert receipt.order_no == sale["order"]["order_no"]
    assert (receipt.total, receipt.discount, receipt.refunded) == (Money(PRICE), Money(0), Money(0))
    assert [(one.tender, one.amount) for one in receipt.paid] == [("cash", Money(PRICE))]
    assert [(line.quantity, line.unit_price, line.net) for line in receipt.lines] == [(1, Money(PRICE), Money(PRICE))]
    assert (receipt.phone_masked, receipt.timezone) == ("139****5678", "Asia/Shanghai")
    assert "13912345678" not in answer.text
    assert "clerk1" not in answer.text
    # What was given and the change are on paper only: 200.00 and 1.00.
    assert "20000" not in answer.text
    assert '"minor":100,' not in answer.text


async def test_a_receipt_tells_which_offer_took_what_off(world: World, sku: str) -> None:
    name = {"zh": "立减 30 元", "en": "30 off"}
    offer = {"name": name, "effect": {"type": "amount_off", "off_minor": 3000}}
    made = await world.staff("hq").post("/api/console/promotions", {"promotion": offer, "reason": "open"})
    assert made.status_code == 201, made.text
    sale = await sold(world, sku)
    receipt = (await world.anonymous().get(f"/api/mall/receipts/{await link_of(world, sale['order'])}")).json()
    assert (receipt["subtotal"], receipt["discount"], receipt["total"]) == (cash(PRICE), cash(3000), cash(PRICE - 3000))
    [line] = receipt["lines"]
    assert (line["amount"], line["net"], line["offers"]) == (
        cash(PRICE), cash(PRICE - 3000), [{"name": name, "amount": cash(3000)}],
    )  # fmt: skip
    assert receipt["paid"] == [{"tender": "cash", "amount": cash(PRICE - 3000)}]
    [drawer] = await listed(world, "clerk1", "/api/clerk/drawers", store="S1")
    assert (await closed(world, drawer["id"], PRICE - 3000)).json()["difference"] == cash(0)


async def test_links_open_what_they_are_for_and_for_as_long(world: World, sku: str) -> None:
    sale = await sold(world, sku)
    link, someone = await link_of(world, sale["order"]), world.anonymous()

    async def opens(path: str) -> int:
        return (await someone.get(path)).status_code

    assert await opens(f"/api/mall/receipts/{link}") == 200
    number = sale["order"]["order_no"]
    for bad in (number, f"{number}.", f"{number}.AAAAAAAAAAAAAAAAAAAAAA", f"X{link}", link[:-1]):
        assert await opens(f"/api/mall/receipts/{bad}") == 404
    assert await opens(f"/api/mall/order-links/{link}") == 404, "it is no link to pay by"
    with clock.frozen(NOON + timedelta(days=179, hours=23)):
        assert await opens(f"/api/mall/receipts/{link}") == 200
    with clock.frozen(NOON + timedelta(days=180)):
        assert await opens(f"/api/mall/receipts/{link}") == 404
    # The shop finds it for longer than that.
    await world.db.execute("UPDATE orders SET placed_at = placed_at - interval '181 days'")
    kept = await world.staff("clerk1").get(f"/api/clerk/sales/{sale['order']['id']}")
    assert (kept.status_code, kept.json()["code"]) == (200, None)
    assert kept.json()["receipt"]["order_no"] == number


async def test_the_link_of_an_order_to_pay_opens_no_receipt(world: World, sku: str) -> None:
    address = {"province": "某省", "city": "某市", "line": "某路 1 号"}
    lines = {"store": "S1", "lines": [{"sku_id": sku, "quantity": 1}], "address": address}
    clerk = world.staff("clerk1")
    quote = await clerk.post("/api/clerk/home-quotes", lines)
    person = {"name": "王芳", "phone": "13900000001", "expected_total": quote.json()["total"]}
    placed = await clerk.post("/api/clerk/home-sales", lines | person)
    assert placed.status_code == 201, placed.text
    case = (await clerk.get(f"/api/clerk/home-sales/{placed.json()['id']}")).json()
    link = case["code"]["url"].rpartition("/o/")[2]
    assert (await world.anonymous().get(f"/api/mall/receipts/{link}")).status_code == 404
    assert (await clerk.get(f"/api/clerk/sales/{placed.json()['id']}")).status_code == 404


async def test_a_shop_finds_its_sales_again_by_either_end_of_the_number(world: World, sku: str) -> None:
    sales = [(await sold(world, sku))["order"] for _ in range(3)]
    await sold(world, sku, "S2", "clerk2")
    found = await listed(world, "clerk1", "/api/clerk/sales", store="S1")
    assert {one["id"] for one in found} == {one["id"] for one in sales}
    assert {(one["seller"], one["units"], one["total"]["minor"]) for one in found} == {("clerk1", 1, PRICE)}
    number = sales[1]["order_no"]
    for q in (number, number.lower(), number[-9:], f" {number[-4:]} "):
        hits = await listed(world, "clerk1", "/api/clerk/sales", store="S1", q=q)
        assert sales[1]["id"] in {one["id"] for one in hits}
    assert await listed(world, "clerk1", "/api/clerk/sales", store="S1", q="%") == found
    assert await listed(world, "clerk1", "/api/clerk/sales", store="S1", q="no-such") == []
    first = await world.staff("clerk1").get("/api/clerk/sales", params={"store": "S1", "limit": 2})
    rest = await world.staff("clerk1").get(
        "/api/clerk/sales", params={"store": "S1", "limit": 2, "cursor": first.json()["next"]}
    )
    ids = [one["id"] for page in (first, rest) for one in page.json()["items"]]
    assert ids == [one["id"] for one in found]
    assert (await world.staff("clerk2").get(f"/api/clerk/sales/{sales[0]['id']}")).status_code == 404
