"""A member's card at the till, tier and points in the mall, and an order paid with points in part."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from duoline import loyalty
from duoline.channels.clerk import cards as clerk_cards
from duoline.channels.http import limits, sessions
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.members import cards

from .shelf import NOON, line, order, stocked
from .world import Caller, World

PRICE = 19900


@pytest.fixture
async def milk(world: World) -> str:
    return await stocked(world, "MILK", PRICE, {"S1": 9, "D1": 5})


async def points(world: World, member: Caller, n: int) -> None:
    async with world.db.begin() as tx:
        await loyalty.give(
            tx, member_id=member.id, source="given", ref_id=new_id(), points=n, actor=SYSTEM, reason="welcome"
        )


def shown(card: dict, *, late: int = 0) -> str:
    """What the picture of the card says now."""
    step = int((clock.now() - _at(card["starts_at"])).total_seconds() // card["step_seconds"]) + late
    return f"{card['prefix']}.{card['codes'][step]}"


def _at(text: str):
    return datetime.fromisoformat(text)


async def test_a_card_is_read_at_the_till_and_its_member_is_sold_to(world: World, milk: str) -> None:
    buyer = await world.member("+8613912345670")
    await points(world, buyer, 120)
    with clock.frozen(NOON):
        card = (await buyer.get("/api/mall/card")).json()
        again = (await buyer.get("/api/mall/card")).json()
        assert (card["number"], len(card["codes"])) == (again["number"], cards.AHEAD)
        clerk = world.staff("clerk1")
        read = await clerk.post("/api/clerk/cards", {"store": "S1", "text": shown(card)})
        assert read.status_code == 200, read.text
        holder = read.json()
        assert (holder["points"], holder["tier"]["en"]) == (120, "Member")
        assert holder["phone_masked"] == "139****5670"
        sale = {
            "store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash",
            "tendered": {"minor": 20000, "currency": "CNY"}, "card": holder["card"],
        }  # fmt: skip
        sold = await clerk.post("/api/clerk/sales", sale)
        assert sold.status_code == 201, sold.text
    mine = (await buyer.get("/api/mall/orders", params={"state": "all"})).json()["items"]
    assert [one["id"] for one in mine] == [sold.json()["order"]["id"]]


@pytest.mark.parametrize(("late", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_code_counts_for_its_time(world: World, late: int, good: bool) -> None:
    buyer = await world.member("+8613912345671")
    with clock.frozen(NOON):
        card = (await buyer.get("/api/mall/card")).json()
    with clock.frozen(NOON + timedelta(hours=1)):
        text = shown(card, late=late)
        read = await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": text})
        assert read.status_code == (200 if good else 409)
        if not good:
            assert read.json()["code"] == "members.card-code-over"


async def test_a_till_is_told_by_what_it_knows_the_card_again_and_nothing_that_makes_codes(world: World) -> None:
    buyer = await world.member("+8613912345675")
    with clock.frozen(NOON):
        card = (await buyer.get("/api/mall/card")).json()
        text = {"store": "S1", "text": shown(card)}
        holder = (await world.staff("clerk1").post("/api/clerk/cards", text)).json()
    checks = holder["checks"]
    assert (checks["number"], checks["step_seconds"], len(checks["values"])) == (card["number"], 30, 243)
    assert datetime.fromisoformat(holder["until"]) == NOON + timedelta(hours=2)
    first = int(datetime.fromisoformat(checks["starts_at"]).timestamp()) // 30
    assert first == int(NOON.timestamp()) // 30 - 1
    # The phone's codes are known by their values, each in its own step.
    for n, code in enumerate(card["codes"][:240]):
        assert checks["values"][n + 1] == cards.check_of(card["number"], first + 1 + n, code)
    assert all(0 <= value < cards.CHECKS for value in checks["values"])
    # As good as evenly spread: by its value a code is one of a hundred thousand.
    assert len(set(checks["values"])) > 180


@pytest.mark.parametrize("text", ["DLC1.", "DLC1.0123456789.12345678", "DLC1..", "nobody", "DLC1.AAAAAAAAAA"])
async def test_what_is_no_card_is_refused(world: World, text: str) -> None:
    read = await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": text})
    assert read.status_code in (404, 409)
    assert read.json()["code"] in ("members.no-such-card", "members.card-code-over")


async def test_an_old_card_is_read_by_its_number(world: World) -> None:
    buyer = await world.member("+8613912345672")
    await world.db.execute("INSERT INTO member_codes VALUES ('M0001234', $1)", buyer.id)
    read = await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": " M0001234 "})
    assert read.status_code == 200, read.text
    assert read.json()["checks"] is None


async def test_a_number_that_is_typed_is_written_down_with_whom_it_led_to(world: World) -> None:
    buyer = await world.member("+8613912345672")
    await world.db.execute("INSERT INTO member_codes VALUES ('M0001234', $1)", buyer.id)
    clerk, query = world.staff("clerk1"), "SELECT subject, store_id, actor_id, after FROM audit_log WHERE action = $1"
    with clock.frozen(NOON):
        card = (await buyer.get("/api/mall/card")).json()
        assert (await clerk.post("/api/clerk/cards", {"store": "S1", "text": shown(card)})).status_code == 200
        assert await world.db.fetch(query, "member.card-typed") == []  # they showed it themselves
        assert (await clerk.post("/api/clerk/cards", {"store": "S1", "text": "M0001234"})).status_code == 200
    [line] = await world.db.fetch(query, "member.card-typed")
    assert (line["subject"], line["store_id"], line["after"]) == (str(buyer.id), world.stores["S1"], {"told": True})


async def test_numbers_cannot_be_tried_out(world: World) -> None:
    buyer = await world.member("+8613912345672")
    await world.db.execute("INSERT INTO member_codes VALUES ('M0001234', $1)", buyer.id)
    clerk = world.staff("clerk1")
    with clock.frozen(NOON):
        # Half of them are codes made up for the picture of a card: they are counted as well.
        texts = [f"M{n:07}" for n in range(5)] + [f"DLC1.ABCDEFGHIJ.{n:08}" for n in range(5)]
        tried = [(await clerk.post("/api/clerk/cards", {"store": "S1", "text": text})).status_code for text in texts]
        assert tried == [404] * 5 + [409] * 5
        over = await clerk.post("/api/clerk/cards", {"store": "S1", "text": "M0001234"})
        assert (over.status_code, over.json()["code"]) == (429, "members.too-many-wrong-cards")
        assert datetime.fromisoformat(over.json()["retry_at"]) == NOON + timedelta(minutes=10)
        # Codes of pickups are counted with them, so that nobody has two purses of tries.
        other = await clerk.post("/api/clerk/preorder-lookups", {"store": "S1", "code": "12345678"})
        assert (other.status_code, other.json()["code"]) == (429, "fulfilment.too-many-wrong-codes")
        colleague = world.staff("manager1")
        assert (await colleague.post("/api/clerk/cards", {"store": "S1", "text": "M0001234"})).status_code == 200
    with clock.frozen(NOON + timedelta(minutes=10)):
        for _ in range(15):  # right ones cost nothing
            assert (await clerk.post("/api/clerk/cards", {"store": "S1", "text": "M0001234"})).status_code == 200


async def test_who_reads_through_a_list_of_right_numbers_is_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = await world.member("+8613912345672")
    await world.db.execute("INSERT INTO member_codes VALUES ('M0001234', $1)", buyer.id)
    monkeypatch.setattr(clerk_cards, "TYPED_BY_STAFF", limits.Limit(2, 3600))
    text = {"store": "S1", "text": "M0001234"}
    tried = [(await world.staff("clerk1").post("/api/clerk/cards", text)).status_code for _ in range(3)]
    assert tried == [200, 200, 429]


async def test_a_franchisees_shop_is_told_of_a_typed_number_only_by_consent(world: World) -> None:
    buyer = await world.member("+8613912345672")
    await world.db.execute("INSERT INTO member_codes VALUES ('M0001234', $1)", buyer.id)
    typed = {"store": "S3", "text": "M0001234"}
    with clock.frozen(NOON):
        clerk = world.staff("franchisee_a")
        refused = await clerk.post("/api/clerk/cards", typed)
        assert (refused.status_code, refused.json()["code"]) == (403, "members.card-not-shared")
        assert "5672" not in refused.text
        told = await world.db.fetchval("SELECT after FROM audit_log WHERE action = 'member.card-typed'")
        assert told == {"told": False}
        # Whoever shows the card on their phone shows it to this shop.
        card = (await buyer.get("/api/mall/card")).json()
        assert (await clerk.post("/api/clerk/cards", {"store": "S3", "text": shown(card)})).status_code == 200
    with clock.frozen(NOON + timedelta(minutes=1)):
        agreed = await buyer.put("/api/mall/privacy/sharing", {"granted": True, "text_version": 1})
        assert agreed.status_code == 200, agreed.text
        assert (await clerk.post("/api/clerk/cards", typed)).status_code == 200


@pytest.mark.parametrize("spoken", ["{}", " {} ", "lower", "grouped", "dashed"])
async def test_the_number_under_the_code_is_read_as_an_old_card(world: World, milk: str, spoken: str) -> None:
    buyer = await world.member("+8613912345674")
    with clock.frozen(NOON):
        await buyer.get("/api/mall/card")
        number = "0123456AB1"  # with a nought and a one, which people read as letters
        await world.db.execute("UPDATE member_cards SET card_no = $2 WHERE member_id = $1", buyer.id, number)
        said = {
            "lower": number.lower().replace("0", "o").replace("1", "l"),
            "grouped": "0123 456A B1",
            "dashed": "0123-456A-B1",
        }.get(spoken, spoken.format(number))
        read = await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": said})
        assert read.status_code == 200, read.text
        assert read.json()["checks"] is None
        basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "card": read.json()["card"]}
        quoted = (await world.staff("clerk1").post("/api/clerk/till-quotes", basket)).json()
    assert (quoted["points"], quoted["wallet"]) == (None, None)  # it sells to its member and spends nothing


async def test_a_pass_runs_out_and_cannot_be_made(world: World, milk: str) -> None:
    buyer = await world.member("+8613912345673")
    basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}]}
    with clock.frozen(NOON):
        card = (await buyer.get("/api/mall/card")).json()
        read = await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": shown(card)})
        given = read.json()["card"]
        quoted = await world.staff("clerk1").post("/api/clerk/till-quotes", basket | {"card": given})
        assert quoted.status_code == 200, quoted.text
    member, until, proof = given.split(".")
    for bad in (f"{member}.{int(until) + 60}.{proof}", f"{new_id().hex}.{until}.{proof}", "x", f"{member}.{until}"):
        with clock.frozen(NOON):
            refused = await world.staff("clerk1").post("/api/clerk/till-quotes", basket | {"card": bad})
        assert refused.json()["code"] == "members.card-code-over", bad
    with clock.frozen(NOON + timedelta(hours=3)):
        refused = await world.staff("clerk1").post("/api/clerk/till-quotes", basket | {"card": given})
    assert refused.json()["code"] == "members.card-code-over"


async def test_the_card_of_a_guest_is_none(world: World) -> None:
    visitor = await world.member(kind="guest")
    assert (await visitor.get("/api/mall/card")).status_code == 401
    assert (await visitor.get("/api/mall/membership")).status_code == 401


async def test_points_pay_a_part_and_the_page_says_so(world: World, milk: str) -> None:
    buyer = await world.member("+8613912345674")
    with clock.frozen(NOON):
        await points(world, buyer, 5_000)
        placed = (await buyer.post("/api/mall/orders", order(line(milk), pay_mode="online"))).json()
        path = f"/api/mall/orders/{placed['id']}/points"
        can = (await buyer.get(path)).json()
        assert (can["most"], can["worth"]["minor"], can["spendable"]) == (5_000, 5_000, 5_000)
        key = {"Idempotency-Key": "points-once-0001"}
        paid = await buyer.post(path, {"points": 3_000}, headers=key)
        assert paid.status_code == 200, paid.text
        assert paid.json()["paid"]["minor"] == 3_000
        assert (await buyer.post(path, {"points": 3_000}, headers=key)).json() == paid.json()
        assert (await buyer.post(path, {"points": 100})).json()["code"] == "loyalty.points-not-taken"
        await world.db.execute(
            """INSERT INTO tier_changes (member_id, id, before, tier, because, rule_version, actor, at)
               SELECT member_id, gen_random_uuid(), '', 'member', 'joined', 0, 'system', created_at FROM members
               WHERE kind = 'member'"""
        )
        mine = (await buyer.get("/api/mall/membership")).json()
        assert (mine["points"]["spendable"], mine["points"]["worth"]["minor"]) == (2_000, 2_000)
        assert (mine["standing"]["tier"]["code"], mine["standing"]["next"]["code"]) == ("member", "silver")
        assert mine["standing"]["missing"]["minor"] == 100_000
        assert [(one["code"], one["points_percent"]) for one in mine["standing"]["tiers"]][:2] == [
            ("member", 100),
            ("silver", 110),
        ]
        assert [(one["because"], one["tier"]) for one in mine["standing"]["history"]] == [
            ("joined", mine["standing"]["tier"]["name"])
        ]
        assert (mine["wallet"]["minor"], mine["coupons"]) == (0, 0)
        history = (await buyer.get("/api/mall/points")).json()["items"]
        assert [(one["kind"], one["points"], one["order_no"]) for one in history] == [
            ("points-used", -3_000, placed["order_no"]),
            ("points-given", 5_000, None),
        ]
        assert history[1]["reason"] == "welcome"


async def test_the_history_is_paged_and_ones_own(world: World) -> None:
    buyer, other = await world.member("+8613912345675"), await world.member("+8613912345676")
    for n in range(1, 6):
        await points(world, buyer, n)
    await points(world, other, 77)
    found, cursor = [], None
    while True:
        page = (
            await buyer.get("/api/mall/points", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        found += [one["points"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [5, 4, 3, 2, 1]


async def test_a_tier_sees_its_price_on_the_page_in_lists_and_at_the_scan(world: World, milk: str) -> None:
    buyer, visitor = await world.member("+8613912345677"), await world.member("+8613912345678")
    hq = world.staff("hq")
    price = {
        "sku_id": milk, "scope": "chain", "price": {"minor": PRICE - 900, "currency": "CNY"}, "reason": "for gold",
        "tier": "gold",
    }  # fmt: skip
    made = await hq.post("/api/console/prices", price)
    assert (made.status_code, made.json()["tier"]) == (201, "gold")
    assert (await hq.post("/api/console/prices", price | {"tier": "platinum"})).status_code == 404
    await world.db.execute("UPDATE members SET tier = 'gold' WHERE member_id = $1", buyer.id)
    sessions.forget_all()

    async def seen(who: Caller) -> list[int]:
        page = (await who.get("/api/mall/products/MILK")).json()["live"][0]
        offers = (await who.get("/api/mall/offers", params={"products": "MILK"})).json()["items"][0]
        found = (await who.get("/api/mall/search", params={"sort": "price"})).json()["items"][0]
        cart = (await who.post("/api/mall/quotes", {"lines": [line(milk)]})).json()["lines"][0]
        return [one["minor"] for one in (page["price"], offers["net"], found["price"], cart["unit_price"])]

    assert await seen(buyer) == [PRICE - 900] * 4
    assert await seen(visitor) == [PRICE] * 4
    page = (await buyer.get("/api/mall/products/MILK")).json()["live"][0]
    assert (page["price_tier"], page["usual_price"]["minor"]) == ("gold", PRICE)
    shown_first = await buyer.get("/p/MILK")
    assert f'"minor":{PRICE - 900}' in shown_first.text


async def read(world: World, buyer: Caller, text: str | None = None) -> str:
    """The pass that the till gets for the card on the buyer's phone, or for another text."""
    text = text or shown((await buyer.get("/api/mall/card")).json())
    return (await world.staff("clerk1").post("/api/clerk/cards", {"store": "S1", "text": text})).json()["card"]


def rung(milk: str, card: str | None, minor: int, rest: int, **more: object) -> dict[str, object]:
    return {
        "store": "S1", "lines": [{"sku_id": milk, "quantity": 1}],
        "expected_total": {"minor": PRICE, "currency": "CNY"},
        "tenders": [
            {"tender": "points", "amount": {"minor": minor, "currency": "CNY"}},
            {"tender": "cash", "amount": {"minor": rest, "currency": "CNY"}},
        ],
        **({"card": card} if card else {}), **more,
    }  # fmt: skip


async def test_points_pay_at_the_till_by_the_card_on_the_phone(world: World, milk: str) -> None:
    buyer = await world.member("+8613912345690")
    await points(world, buyer, 5_000)
    clerk = world.staff("clerk1")
    with clock.frozen(NOON):
        card = await read(world, buyer)
        basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "card": card}
        quote = (await clerk.post("/api/clerk/till-quotes", basket)).json()
        assert quote["points"] == {
            "most": 5_000, "least": 100,
            "worth": {"minor": 5_000, "currency": "CNY"}, "worth_of_100": {"minor": 100, "currency": "CNY"},
        }  # fmt: skip
        sale = await clerk.post("/api/clerk/till-orders", rung(milk, card, 5_000, PRICE - 5_000))
        assert sale.status_code == 201, sale.text
        assert [(one["tender"], one["state"]) for one in sale.json()["tenders"]] == [
            ("points", "paid"), ("cash", "open"),
        ]  # fmt: skip
        path = f"/api/clerk/till-orders/{sale.json()['id']}/completion"
        done = await clerk.post(path, {"tendered": {"minor": PRICE, "currency": "CNY"}})
        assert done.json()["change"]["minor"] == 5_000
        receipt = (await clerk.get(f"/api/clerk/sales/{sale.json()['id']}")).json()["receipt"]
        paid = {one["tender"]: one["amount"]["minor"] for one in receipt["paid"]}
        assert paid == {"points": 5_000, "cash": PRICE - 5_000}
    assert (await buyer.get("/api/mall/membership")).json()["points"]["spendable"] == 0


async def test_a_number_that_anybody_may_know_spends_nothing(world: World, milk: str) -> None:
    buyer = await world.member("+8613912345691")
    await points(world, buyer, 5_000)
    await world.db.execute("INSERT INTO member_codes (code, member_id) VALUES ('OLD-6', $1)", buyer.id)
    clerk = world.staff("clerk1")
    with clock.frozen(NOON):
        old, card = await read(world, buyer, "OLD-6"), await read(world, buyer)
        by_phone = rung(milk, None, 5_000, PRICE - 5_000, phone="13912345691")
        forged = old.rpartition(".")[0] + "." + "0" * 32
        for body in (rung(milk, old, 5_000, PRICE - 5_000), by_phone):
            answer = await clerk.post("/api/clerk/till-orders", body)
            assert (answer.status_code, answer.json()["code"]) == (409, "members.card-needed"), answer.text
        answer = await clerk.post("/api/clerk/till-orders", rung(milk, forged, 5_000, PRICE - 5_000))
        assert (answer.status_code, answer.json()["code"]) == (409, "members.card-code-over")
        basket = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "card": old}
        assert (await clerk.post("/api/clerk/till-quotes", basket)).json()["points"] is None
    with clock.frozen(NOON + cards.SPENDS + timedelta(seconds=1)):
        answer = await clerk.post("/api/clerk/till-orders", rung(milk, card, 5_000, PRICE - 5_000))
        assert (answer.status_code, answer.json()["code"]) == (409, "members.card-needed")
        sold = await clerk.post(
            "/api/clerk/sales",
            {
                "store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash",
                "tendered": {"minor": PRICE, "currency": "CNY"}, "card": card,
            },
        )  # fmt: skip
        assert sold.status_code == 201
    assert (await buyer.get("/api/mall/membership")).json()["points"]["spendable"] == 5_000
