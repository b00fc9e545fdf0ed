"""Coupons over the wire: opened by headquarters, claimed, typed, scanned, printed and given, and used once anywhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.channels.mall import coupons as mall_coupons
from duoline.entry.check import broken
from duoline.flows.give_back_offers import give_back_offers
from duoline.kernel import clock
from duoline.orders.advance import Undone
from duoline.pricing.promotions import book
from tests.http.shelf import CONTACT, NOON, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

BATCHES = "/api/console/coupon-batches"
PHONE = "+8613900000001"


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in S1, nine of it; the check is clean at the end."""
    mall_coupons.CODES_BY_MEMBER.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []
    book._current = book.Book()


async def promotion(world: World, **more: Any) -> str:
    """30 off, for a coupon."""
    body = {
        "name": {"zh": "立减 30 元券", "en": "30 off"},
        "effect": {"type": "amount_off", "off_minor": 3000},
        "when": {"coupon": True},
    } | more
    made = await world.staff("hq").post("/api/console/promotions", {"promotion": body, "reason": "拉新"})
    assert made.status_code == 201, made.text
    return str(made.json()["promotion"]["id"])


async def opened(world: World, of: str, way: str, **more: Any) -> dict[str, Any]:
    body = {"promotion_id": of, "way": way, "from_at": NOON.isoformat(), "reason": "拉新"} | more
    made = await world.staff("hq").post(BATCHES, body)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def quote(buyer: Caller, sku: str) -> int:
    line = {"sku_id": sku, "quantity": 1, "method": "pickup", "store_code": "S1"}
    answer = await buyer.post("/api/mall/quotes", {"lines": [line]})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"]["minor"])


async def order(buyer: Caller, sku: str) -> dict[str, Any]:
    line = {"sku_id": sku, "quantity": 1, "method": "pickup", "store_code": "S1"}
    answer = await buyer.post("/api/mall/orders", {"lines": [line], "pay_mode": "at_store", "contact": CONTACT})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def mine(buyer: Caller, which: str = "usable") -> list[tuple[str, str]]:
    answer = await buyer.get(f"/api/mall/coupons?which={which}")
    assert answer.status_code == 200, answer.text
    return [(one["name"]["en"], one["state"]) for one in answer.json()["items"]]


async def test_a_coupon_is_claimed_seen_used_once_and_found_among_the_past(world: World, milk: str) -> None:
    buyer = await world.member(PHONE)
    batch = (await opened(world, await promotion(world), "claim", issued_max=1))["batch"]
    centre = (await buyer.get("/api/mall/coupon-centre")).json()["items"]
    assert [(row["name"]["en"], row["left"], row["mine"]) for row in centre] == [("30 off", 1, 0)]
    assert await quote(buyer, milk) == 19900
    got = await buyer.post(f"/api/mall/coupon-batches/{batch['batch_id']}/claims")
    assert got.status_code == 201, got.text
    assert (await mine(buyer), await quote(buyer, milk)) == ([("30 off", "usable")], 16900)

    again = await buyer.post(f"/api/mall/coupon-batches/{batch['batch_id']}/claims")
    assert (again.status_code, again.json()["code"]) == (409, "coupons.had")
    late = await (await world.member("+8613900000002")).post(f"/api/mall/coupon-batches/{batch['batch_id']}/claims")
    assert (late.status_code, late.json()["code"]) == (409, "coupons.all-gone")

    placed = await order(buyer, milk)
    assert (placed["discount"]["minor"], placed["total"]["minor"]) == (3000, 16900)
    assert (await mine(buyer), await mine(buyer, "past")) == ([], [("30 off", "used")])
    assert await quote(buyer, milk) == 19900
    row = (await world.staff("hq").get(f"{BATCHES}/{batch['batch_id']}")).json()
    assert (row["issued"], row["used"], row["taken"]["minor"]) == (1, 1, 3000)


async def test_a_word_that_many_know_and_a_qr_at_a_place(world: World, milk: str) -> None:
    buyer, of = await world.member(PHONE), await promotion(world)
    await opened(world, of, "code", code="Hello 2026")
    got = await buyer.post("/api/mall/coupon-codes", {"code": "hello-2o26"})
    assert got.status_code == 201, got.text
    url = (await opened(world, of, "touchpoint", touchpoint="S1 门口海报"))["url"]
    scanned = await buyer.post("/api/mall/coupon-codes", {"code": url.rpartition("/")[2]})
    assert (scanned.status_code, scanned.json()["touchpoint"]) == (201, "S1 门口海报")
    wrong = await buyer.post("/api/mall/coupon-codes", {"code": "HELLO2027"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "coupons.no-such-code")
    taken = await world.staff("hq").post(
        BATCHES, {"promotion_id": of, "way": "code", "code": "HELLO2026", "from_at": NOON.isoformat(), "reason": "x"}
    )
    assert (taken.status_code, taken.json()["problems"][0]["field"]) == (422, "code")


async def test_a_printed_code_is_good_at_the_till_or_in_the_mall_and_never_in_both(world: World, milk: str) -> None:
    buyer, clerk = await world.member(PHONE), world.staff("clerk1")
    batch = (await opened(world, await promotion(world), "print"))["batch"]["batch_id"]
    made = await world.staff("hq").post(f"{BATCHES}/{batch}/codes", {"count": 2, "reason": "开业"})
    first, second = made.json()["codes"]
    assert await world.db.fetchval("SELECT count(*) FROM coupons WHERE code_tail = right($1, 4)", first) == 1
    basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "coupon_codes": [first]}
    shown = await clerk.post("/api/clerk/till-quotes", basket)
    assert (shown.status_code, shown.json()["total"]["minor"]) == (200, 16900), shown.text
    assert shown.json()["coupons"] == [{"code": first, "name": {"zh": "立减 30 元券", "en": "30 off"}}]
    money = {"minor": 16900, "currency": "CNY"}
    sold = await clerk.post("/api/clerk/sales", basket | {"tender": "cash", "tendered": money, "expected_total": money})
    assert sold.status_code == 201, sold.text
    assert [one["name"]["en"] for one in sold.json()["order"]["lines"][0]["offers"]] == ["30 off"]
    used = await buyer.post("/api/mall/coupon-codes", {"code": first})
    assert (used.status_code, used.json()["code"]) == (409, "coupons.taken")

    assert (await buyer.post("/api/mall/coupon-codes", {"code": second})).status_code == 201
    again = await clerk.post("/api/clerk/till-quotes", basket | {"coupon_codes": [second]})
    assert (again.status_code, again.json()["code"]) == (409, "coupons.taken")
    # The member who has it has it at the till too, by their phone.
    known = await clerk.post("/api/clerk/till-quotes", basket | {"coupon_codes": [], "phone": PHONE})
    assert known.json()["total"]["minor"] == 16900


async def test_given_to_those_who_ordered_and_taken_back_when_it_was_a_mistake(world: World, milk: str) -> None:
    buyer = await world.member(PHONE)
    await world.member("+8613900000002")
    await order(buyer, milk)
    await buyer.put("/api/mall/privacy/marketing", {"granted": True, "text_version": 1})
    batch = (await opened(world, await promotion(world), "given"))["batch"]["batch_id"]
    head = world.staff("hq")
    for given in (1, 0):
        done = await head.post(f"{BATCHES}/{batch}/gifts", {"ordered_within_days": 30, "reason": "回馈"})
        assert (done.status_code, done.json()) == (201, {"members": 1, "given": given, "without_consent": 0}), done.text
    assert await mine(buyer) == [("30 off", "usable")]
    gone = await head.post(f"{BATCHES}/{batch}/void", {"reason": "发错了"})
    assert (gone.status_code, gone.json()["void"], gone.json()["state"]) == (200, 1, "over")
    assert (await mine(buyer), await mine(buyer, "past")) == ([], [("30 off", "ended")])
    trail = await world.db.fetch("SELECT action FROM audit_log WHERE subject = $1 ORDER BY at, id", batch)
    assert {row["action"] for row in trail} == {"coupons.open", "coupons.give", "coupons.end", "coupons.void"}


async def test_fifty_members_race_for_the_last_ten(world: World, milk: str) -> None:
    batch = (await opened(world, await promotion(world), "claim", issued_max=10))["batch"]["batch_id"]
    buyers = [await world.member(f"+86139000001{n:02d}") for n in range(50)]
    answers = await asyncio.gather(*(one.post(f"/api/mall/coupon-batches/{batch}/claims") for one in buyers))
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 40


async def test_what_makes_no_sense_is_refused_by_field(world: World, milk: str) -> None:
    head, of = world.staff("hq"), await promotion(world)
    plain = await promotion(world, when={})
    base = {"promotion_id": of, "way": "claim", "from_at": NOON.isoformat(), "reason": "x"}
    for wrong, field in (
        ({"way": "code"}, "code"),
        ({"code": "ABCD"}, "code"),
        ({"way": "touchpoint"}, "touchpoint"),
        ({"until_at": (NOON - timedelta(days=1)).isoformat()}, "until_at"),
    ):
        answer = await head.post(BATCHES, base | wrong)
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field), answer.text
    needs = await head.post(BATCHES, base | {"promotion_id": plain})
    assert (needs.status_code, needs.json()["code"]) == (422, "coupons.offer-needs-none")
    assert (await world.staff("clerk1").post(BATCHES, base)).status_code == 403
    assert (await head.get(BATCHES)).json()["items"] == []


async def test_its_terms_are_told_before_paying_on_the_order_and_where_it_came_back(world: World, milk: str) -> None:
    buyer = await world.member(PHONE)
    batch = (await opened(world, await promotion(world), "claim", grace_days=5))["batch"]
    assert (batch["returned"], batch["grace_days"], batch["back"]) == ("whole", 5, 0)
    await buyer.post(f"/api/mall/coupon-batches/{batch['batch_id']}/claims")
    line = {"sku_id": milk, "quantity": 1, "method": "pickup", "store_code": "S1"}
    quoted = (await buyer.post("/api/mall/quotes", {"lines": [line]})).json()
    assert [one["coupon_terms"] for one in quoted["offers"]["applied"]] == [{"returned": "whole", "grace_days": 5}]
    placed = await order(buyer, milk)
    at = f"/api/mall/orders/{placed['id']}"
    shown = (await buyer.get(at)).json()["coupons"]
    assert [(one["name"]["en"], one["returned"], one["back_at"]) for one in shown] == [("30 off", "whole", None)]
    asked = (await buyer.post(f"{at}/cancellation-quote", {})).json()
    assert [(one["name"]["en"], one["back"]) for one in asked["coupons"]] == [("30 off", True)]
    assert (await buyer.post(f"{at}/cancellation", {"reason": ""})).status_code == 200
    await give_back_offers(world.db, Undone(UUID(placed["id"])))
    assert (await buyer.get(at)).json()["coupons"][0]["back_at"] is not None
    back = (await buyer.get("/api/mall/coupons")).json()["items"]
    assert [(one["state"], one["back_at"] is None) for one in back] == [("usable", False)]
    row = (await world.staff("hq").get(f"{BATCHES}/{batch['batch_id']}")).json()
    assert (row["used"], row["back"], row["taken"]["minor"]) == (0, 1, 0)


async def test_terms_out_of_range_are_refused_by_field(world: World, milk: str) -> None:
    body = {"promotion_id": await promotion(world), "way": "claim", "from_at": NOON.isoformat(), "reason": "x"}
    for more in ({"returned": "often"}, {"grace_days": -1}, {"grace_days": 366}):
        refused = await world.staff("hq").post(BATCHES, body | more)
        assert (refused.status_code, refused.json()["code"]) == (422, "kernel.bad-input")
