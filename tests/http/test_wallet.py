"""A wallet on the wire: filled in the mall and at the till, spent at both, shown, and paid out by headquarters."""

from __future__ import annotations

from typing import Any

import pytest

from duoline.flows import top_up
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM

from .shelf import NOON, line, order, stocked
from .test_membership import read, shown
from .world import Caller, World

PRICE = 19900


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


@pytest.fixture
async def milk(world: World) -> str:
    return await stocked(world, "MILK", PRICE, {"S1": 9, "D1": 5})


async def filled(world: World, who: Caller, minor: int, bonus: int) -> None:
    assert who.id is not None
    async with world.db.begin() as tx:
        await top_up.take_cash(
            tx, location_id=world.stores["S1"], member_id=who.id, amount_minor=minor, tendered_minor=minor,
            expected_bonus_minor=bonus, drawer=None, actor=SYSTEM,
        )  # fmt: skip


async def test_the_wallet_says_what_is_in_it_and_what_moved(world: World, milk: str) -> None:
    buyer = await world.member("+8619900000601")
    empty = (await buyer.get("/api/mall/wallet")).json()
    assert (empty["balance"], empty["ending"], empty["least"]) == (yuan(0), None, yuan(5_000))
    assert [(one["amount"]["minor"], one["bonus"]["minor"]) for one in empty["offers"]] == [
        (20_000, 1_000), (50_000, 5_000), (100_000, 12_000),
    ]  # fmt: skip
    await filled(world, buyer, 50_000, 5_000)
    await filled(world, buyer, 20_000, 1_000)
    now = (await buyer.get("/api/mall/wallet")).json()
    assert (now["balance"], now["principal"], now["bonus"]) == (yuan(76_000), yuan(70_000), yuan(6_000))
    assert now["ending"]["amount"] == yuan(5_000)
    first = (await buyer.get("/api/mall/wallet/movements", params={"limit": 1})).json()
    rest = (await buyer.get("/api/mall/wallet/movements", params={"limit": 1, "cursor": first["next"]})).json()
    moved = [(one["kind"], one["principal"]["minor"], one["bonus"]["minor"]) for one in first["items"] + rest["items"]]
    assert moved == [("top-up", 20_000, 1_000), ("top-up", 50_000, 5_000)]
    assert rest["next"] is None
    other = await world.member("+8619900000602")
    assert (await other.get("/api/mall/wallet/movements")).json()["items"] == []


async def test_an_order_is_paid_from_the_wallet(world: World, milk: str) -> None:
    buyer = await world.member("+8619900000603")
    await filled(world, buyer, 50_000, 5_000)
    placed = (await buyer.post("/api/mall/orders", order(line(milk), pay_mode="online"))).json()
    path = f"/api/mall/orders/{placed['id']}/wallet"
    assert (await buyer.get(path)).json() == {"most": yuan(PRICE), "balance": yuan(55_000)}
    much = await buyer.post(path, {"amount": yuan(PRICE + 1)})
    assert (much.status_code, much.json()["code"]) == (409, "wallet.not-taken")
    done = await buyer.post(path, {"amount": yuan(PRICE)}, key="the same key 123456")
    again = await buyer.post(path, {"amount": yuan(PRICE)}, key="the same key 123456")
    assert (done.status_code, done.json()["state"], done.content) == (200, "preparing", again.content), done.text
    assert (await buyer.get("/api/mall/wallet")).json()["balance"] == yuan(55_000 - PRICE)
    # The order says how it was paid, and, called off, where the money went; nobody else is told.
    ways = f"/api/mall/orders/{placed['id']}/payments"
    [way] = (await buyer.get(ways)).json()["items"]
    assert way == {"tender": "wallet", "paid": yuan(PRICE), "back": yuan(0), "coming": yuan(0)}
    assert (await (await world.member("+8619900000614")).get(ways)).status_code == 404
    called_off = await buyer.post(f"/api/mall/orders/{placed['id']}/cancellation", {"reason": "changed_mind"})
    assert called_off.status_code == 200, called_off.text
    [way] = (await buyer.get(ways)).json()["items"]
    assert (way["paid"], way["back"]["minor"] + way["coming"]["minor"]) == (yuan(PRICE), PRICE)


async def test_a_top_up_is_begun_once_and_refused_with_its_limits(world: World) -> None:
    buyer = await world.member("+8619900000604")
    path = "/api/mall/wallet/top-ups"
    little = await buyer.post(path, {"amount": yuan(4_999)})
    assert (little.status_code, little.json()["code"], little.json()["least_minor"]) == (
        422,
        "wallet.too-little",
        5_000,
    )
    changed = await buyer.post(path, {"amount": yuan(50_000), "expected_bonus": yuan(4_000)})
    assert (changed.status_code, changed.json()["code"]) == (409, "wallet.bonus-changed")
    first, again = [
        await buyer.post(path, {"amount": yuan(50_000), "expected_bonus": yuan(5_000)}, key="the same key 654321")
        for _ in "ab"
    ]
    assert (first.status_code, first.content) == (201, again.content), first.text
    assert (first.json()["state"], first.json()["bonus"]) == ("open", yuan(5_000))
    # Nobody reaches the provider: it waits, and nothing is in the wallet.
    page = await buyer.post(f"{path}/{first.json()['id']}/payment", {})
    assert page.status_code == 503
    assert (await buyer.get(f"{path}/{first.json()['id']}")).json()["state"] == "open"
    assert (await buyer.get("/api/mall/wallet")).json()["balance"] == yuan(0)
    guest = await world.member(kind="guest")
    assert (await guest.post(path, {"amount": yuan(50_000)})).status_code in (401, 403)


async def test_the_wallet_says_how_much_more_may_be_topped_up(world: World) -> None:
    """The page knows before it asks what the back end would refuse: by the day, and by what the wallet holds."""
    buyer = await world.member("+8619900000614")
    path = "/api/mall/wallet/top-ups"

    async def may() -> tuple[int, int]:
        have = (await buyer.get("/api/mall/wallet")).json()
        assert have["day_limit"] == yuan(500_000)
        return have["day_left"]["minor"], have["room"]["minor"]

    assert await may() == (500_000, 500_000)
    made = await buyer.post(path, {"amount": yuan(400_000)})
    assert made.status_code == 201, made.text
    # It waits for its payment and counts: 400,000 of the day, and with its bonus of 12,000 in the wallet.
    day_left, room = await may()
    assert (day_left, room) == (100_000, 88_000)
    over = await buyer.post(path, {"amount": yuan(day_left + 1)})
    assert (over.json()["code"], over.json()["left_minor"]) == ("wallet.day-top-ups", day_left)
    full = await buyer.post(path, {"amount": yuan(85_000)})
    assert (full.json()["code"], full.json()["left_minor"]) == ("wallet.too-much", room)
    most = await buyer.post(path, {"amount": yuan(83_000)})
    assert most.status_code == 201, most.text
    assert await may() == (17_000, 0)


async def test_the_till_fills_a_wallet_in_cash_and_is_paid_from_it(world: World, milk: str) -> None:
    buyer = await world.member("+8619900000605")
    clerk = world.staff("clerk1")
    with clock.frozen(NOON):
        card = await read(world, buyer)
        body = {
            "store": "S1", "card": card, "amount": yuan(50_000), "expected_bonus": yuan(5_000), "tender": "cash",
            "tendered": yuan(60_000),
        }  # fmt: skip
        short = await clerk.post("/api/clerk/top-ups", body | {"tendered": yuan(49_999)})
        assert (short.status_code, short.json()["code"]) == (422, "fulfilment.too-little-money")
        done = await clerk.post("/api/clerk/top-ups", body)
        assert done.status_code == 201, done.text
        assert (done.json()["balance"], done.json()["change"], done.json()["state"]) == (
            yuan(55_000), yuan(10_000), "paid",
        )  # fmt: skip
        basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "card": card}
        quote = (await clerk.post("/api/clerk/till-quotes", basket)).json()
        assert quote["wallet"] == {"most": yuan(PRICE), "balance": yuan(55_000)}
        sale = await clerk.post(
            "/api/clerk/till-orders",
            basket | {"tenders": [{"tender": "wallet", "amount": yuan(PRICE)}], "expected_total": yuan(PRICE)},
        )
        assert (sale.status_code, sale.json()["order"]["state"]) == (201, "completed"), sale.text
        receipt = (await clerk.get(f"/api/clerk/sales/{sale.json()['id']}")).json()["receipt"]
        assert [(one["tender"], one["amount"]["minor"]) for one in receipt["paid"]] == [("wallet", PRICE)]
        scanned = await clerk.post(
            "/api/clerk/cards", {"store": "S1", "text": shown((await buyer.get("/api/mall/card")).json())}
        )
        assert scanned.json()["wallet"] == yuan(55_000 - PRICE)


async def test_the_till_says_before_how_much_this_member_may_top_up(world: World) -> None:
    """As the mall's wallet says it to themselves: by the rules, by the day, and by what the wallet holds."""
    buyer, clerk = await world.member("+8619900000615"), world.staff("clerk1")
    with clock.frozen(NOON):
        card = await read(world, buyer)

        async def may() -> tuple[int, int]:
            answer = await clerk.post("/api/clerk/top-up-quotes", {"store": "S1", "card": card})
            assert answer.status_code == 200, answer.text
            said, own = answer.json(), (await buyer.get("/api/mall/wallet")).json()
            assert said == {name: own[name] for name in said}
            assert (said["least"], said["limit"], said["day_limit"]) == (yuan(5_000), yuan(500_000), yuan(500_000))
            return said["day_left"]["minor"], said["room"]["minor"]

        assert await may() == (500_000, 500_000)
        body = {"store": "S1", "card": card, "tender": "cash", "expected_bonus": yuan(12_000)}
        done = await clerk.post("/api/clerk/top-ups", body | {"amount": yuan(400_000), "tendered": yuan(400_000)})
        assert done.status_code == 201, done.text
        day_left, room = await may()
        assert (day_left, room) == (100_000, 88_000)
        for amount, bonus, code in (
            (day_left + 1, 12_000, "day-top-ups"),
            (85_000, 5_000, "too-much"),
            (83_000, 5_000, ""),
        ):
            asked = body | {"amount": yuan(amount), "tendered": yuan(amount), "expected_bonus": yuan(bonus)}
            refused = await clerk.post("/api/clerk/top-ups", asked)
            assert refused.json().get("code", "").removeprefix("wallet.") == code
        assert await may() == (17_000, 0)
        for store, wrong, status in (("S2", card, (403, 404)), ("S1", "x" * 40, (409, 410, 422))):
            answer = await clerk.post("/api/clerk/top-up-quotes", {"store": store, "card": wrong})
            assert answer.status_code in status, answer.text


async def test_a_top_up_by_code_waits_and_is_let_go_of(world: World) -> None:
    buyer = await world.member("+8619900000606")
    clerk = world.staff("clerk1")
    with clock.frozen(NOON):
        card = await read(world, buyer)
        asked = await clerk.post(
            "/api/clerk/top-ups",
            {"store": "S1", "card": card, "amount": yuan(20_000), "expected_bonus": yuan(1_000), "tender": "code"},
        )
        assert (asked.status_code, asked.json()["state"]) == (201, "open"), asked.text
        path = f"/api/clerk/top-ups/{asked.json()['id']}"
        assert (await world.staff("clerk2").get(path)).status_code == 404
        gone = await clerk.post(f"{path}/cancellation", {})
        assert (gone.status_code, gone.json()["state"]) == (200, "closed")
        over = await clerk.post(f"{path}/charges", {"code": "131111111111111111"})
        assert (over.status_code, over.json()["code"]) == (409, "wallet.top-up-over")


async def test_headquarters_sees_it_and_pays_the_principal_out(world: World) -> None:
    buyer = await world.member("+8619900000607")
    await filled(world, buyer, 50_000, 5_000)
    office = world.staff("hq")
    path = f"/api/console/members/{buyer.id}/wallet"
    assert (await office.get(path)).json() == {
        "balance": yuan(55_000), "principal": yuan(50_000), "bonus": yuan(5_000),
    }  # fmt: skip
    stale = await office.post(f"{path}/payouts", {"principal": yuan(40_000), "reason": "moves away"})
    assert (stale.status_code, stale.json()["code"], stale.json()["principal_minor"]) == (
        409, "wallet.payout-changed", 50_000,
    )  # fmt: skip
    assert (await office.post(f"{path}/payouts", {"principal": yuan(50_000), "reason": " "})).status_code in (400, 422)
    done = await office.post(f"{path}/payouts", {"principal": yuan(50_000), "reason": "moves away, by bank"})
    assert (done.status_code, done.json()["balance"]) == (201, yuan(0)), done.text
    moved = (await office.get(f"{path}/movements")).json()["items"]
    assert [(one["kind"], one["balance"]["minor"], one["reason"]) for one in moved] == [
        ("paid-out", 0, "moves away, by bank"), ("top-up", 55_000, ""),
    ]  # fmt: skip
    for login in ("clerk1", "manager1"):
        answer = await world.staff(login).post(f"{path}/payouts", {"principal": yuan(1), "reason": "x"})
        assert answer.status_code in (403, 404)
