"""Who was merged is one person everywhere: what they agreed to, what they met, earn and were given, and whose they are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.channels.clerk import shares as clerk_shares
from duoline.channels.mall import count_scan
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.kernel import clock
from duoline.kernel.ids import new_id
from duoline.members import consents, guests
from tests.http import test_coupons
from tests.http.shelf import ADDRESS, NOON, bought, line, order, stocked
from tests.http.test_guide_tasks import done, tasks
from tests.http.test_guides import bound, code_of
from tests.http.test_home_sales import HOME
from tests.http.test_privacy import say
from tests.http.test_settlement import told
from tests.http.test_shares import shared
from tests.http.test_touchpoints import opened
from tests.http.test_wallet import filled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

LATER = NOON + timedelta(minutes=5)


def of(caller: Caller) -> UUID:
    assert caller.id is not None
    return caller.id


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    """An article at 199.00 in S1; the check is clean at the end."""
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, mall_shares.SHARES_BY_MEMBER, clerk_shares.SHARES_BY_STAFF):
        limit.forget()
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 9})
    assert await broken(world.db) == []


@pytest.fixture
async def both(world: World) -> tuple[Caller, Caller]:
    """One, and another who will turn out to be the same."""
    return await world.member("+8619910000001"), await world.member("+8619910000002")


async def merge(world: World, one: Caller, other: Caller) -> str:
    path = f"/api/console/members/{one.id}"
    made = await world.staff("hq").post(f"{path}/merges", {"other_id": str(other.id), "reason": "same"})
    assert made.status_code == 201, made.text
    return f"{path}/merges/{made.json()['merges'][0]['id']}/end"


async def part(world: World, end: str) -> None:
    ended = await world.staff("hq").post(end, {"reason": "twins"})
    assert ended.status_code == 200, ended.text


# --- consent ------------------------------------------------------------------------------------------


async def test_what_a_person_agrees_to_is_what_they_say_as_who_they_are_now(world: World, both: Any) -> None:
    one, other = both
    await say(other, "marketing", True)
    await say(other, "location", True)
    home = ADDRESS | {"lat": 30.5, "lon": 104.1}
    assert (await other.post("/api/mall/addresses", home)).json()["lat"] == 30.5
    made = await merge(world, one, other)
    assert not await consents.allowed(world.db, of(other), "marketing")  # the other's words rest
    counted = {(each.purpose, each.granted) for each in await consents.agreed(world.db)}
    assert ("marketing", 1) not in counted
    await say(one, "location", True)
    assert await consents.allowed(world.db, of(other), "location")
    await say(one, "location", False)
    assert not await consents.allowed(world.db, of(other), "location")
    assert await world.db.fetchval("SELECT lat FROM addresses WHERE member_id = $1", of(other)) is None
    await part(world, made)
    assert await consents.allowed(world.db, of(other), "marketing")


# --- whom an order is put down to -----------------------------------------------------------------------


async def touches_of(world: World) -> list[tuple[str, str]]:
    rows = await world.db.fetch(
        "SELECT o.channel, t.code FROM order_touches x JOIN orders o ON o.id = x.order_id"
        " JOIN touchpoints t ON t.id = x.touchpoint_id ORDER BY o.placed_at"
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("met_as", ["other", "guest"])
async def test_what_was_met_under_another_id_counts_at_the_counter_and_for_what_is_sent_home(
    world: World, milk: str, both: Any, met_as: str
) -> None:
    one, other = both
    sharer, clerk = await world.member("+8619910000003"), world.staff("clerk1")
    link = (await shared(sharer))["code"]
    if met_as == "other":
        await opened(other.client, link, headers=other.headers)
        await merge(world, one, other)
    else:
        guest = await world.member(kind="guest")
        await opened(guest.client, link, headers=guest.headers)
        async with world.db.begin() as tx:
            await tx.execute("INSERT INTO adopted_guests VALUES ($1, $2, $3)", of(one), of(guest), clock.now())
    with clock.frozen(LATER):
        phone = {"phone": "19910000001"}
        sale = await clerk.post(
            "/api/clerk/sales",
            {
                "store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "tender": "cash", **phone,
                "tendered": {"minor": 19900, "currency": "CNY"},
            },
        )  # fmt: skip
        assert sale.status_code == 201, sale.text
        home = {"store": "S1", "lines": [{"sku_id": milk, "quantity": 1}], "address": HOME}
        total = (await clerk.post("/api/clerk/home-quotes", home)).json()["total"]
        sent = await clerk.post("/api/clerk/home-sales", home | phone | {"name": "王芳", "expected_total": total})
        assert sent.status_code == 201, sent.text
    assert await touches_of(world) == [("till", link), ("mall", link)]
    assert await guests.member_of_phone(world.db, "+8619910000001") == of(one)


async def test_an_order_leads_to_who_its_buyer_is_now(world: World, milk: str, both: Any) -> None:
    one, other = both
    placed = (await other.post("/api/mall/orders", order(line(milk)))).json()
    await merge(world, one, other)
    for login in ("hq", "manager1"):
        case = (await world.staff(login).get(f"/api/console/orders/{placed['id']}")).json()
        found = await world.staff(login).get(f"/api/console/members/{case['member']['page']}")
        assert (found.status_code, found.json()["id"]) == (200, str(of(one))), login


# --- what somebody earns -----------------------------------------------------------------------------------


async def owed(world: World, payee_id: UUID, minor: int) -> UUID:
    """A statement of October that carries what a refund took, as it stands in the books."""
    statement = new_id()
    await world.db.execute(
        "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'member', $2) ON CONFLICT DO NOTHING",
        payee_id,
        clock.now(),
    )
    await world.db.execute(
        """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                                   cut_minor, to_pay_minor, carried_out_minor, state, approvals_needed, closed_by,
                                   closed_at)
           VALUES ($1, $2, 'member', '2026-10', 'payout', $3, 0, 0, 0, 0, $3, 'carried', 1, 'system', $4)""",
        payee_id,
        statement,
        minor,
        clock.now(),
    )
    return statement


async def test_a_sharer_sees_what_every_one_of_their_ids_has_earned(world: World, milk: str, both: Any) -> None:
    one, other = both
    for n, sharer in enumerate(both):
        link, friend = await shared(sharer), await world.member(f"+861991000001{n}")
        await opened(friend.client, link["code"], headers=friend.headers)
        with clock.frozen(LATER):
            placed = await friend.post("/api/mall/orders", order(line(milk)))
            job = placed.json()["fulfilments"][0]["id"]
            clerk = world.staff("clerk1")
            assert (await clerk.post(f"/api/clerk/fulfilments/{job}/ready", {})).status_code == 200
            code = (await friend.get(f"/api/mall/orders/{placed.json()['id']}/pickup-code")).json()["qr"]
            body = {"code": code, "tendered": {"minor": 19900, "currency": "CNY"}, "tender": "cash"}
            handed = await clerk.post(f"/api/clerk/fulfilments/{job}/handover", body)
            assert handed.status_code in (200, 201, 204), handed.text
    await told(world)
    statements = {str(await owed(world, of(who), 0)) for who in both}
    made = await merge(world, one, other)
    sums = (await one.get("/api/mall/earnings")).json()
    assert (sums["pending"]["minor"], sums["orders"]) == (2 * 597, 2)
    shares = (await one.get("/api/mall/earnings/shares")).json()["items"]
    assert [row["earned"]["minor"] for row in shares] == [597, 597]
    pages, cursor = [], None
    for _ in range(2):
        page = (
            await one.get("/api/mall/statements", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        pages += [row["id"] for row in page["items"]]
        cursor = page["next"]
    assert (set(pages), cursor) == (statements, None)
    theirs = await world.db.fetchval("SELECT id FROM statements WHERE payee_id = $1", of(other))
    said = await one.post("/api/mall/statements/2026-10/notes", {"note": "mine", "statement_id": str(theirs)})
    assert (said.status_code, said.json()["id"]) == (201, str(theirs)), said.text
    links = (await one.get("/api/mall/shares")).json()["items"]
    assert [row["orders"] for row in links] == [1, 1]
    for row in links:
        assert (await one.post(f"/api/mall/shares/{row['id']}/end")).json()["ended_at"] is not None
    await part(world, made)
    assert (await one.get("/api/mall/earnings")).json()["pending"]["minor"] == 597


# --- the guide -------------------------------------------------------------------------------------------


async def performance(world: World) -> tuple[int, int, int]:
    mine = (await world.staff("clerk1").get("/api/clerk/performance?store=S1")).json()
    return mine["members"], mine["ever"]["member_orders"], mine["ever"]["member_sales"]["minor"]


async def test_a_guide_has_the_person_their_figures_are_what_pays_and_tasks_end(
    world: World, milk: str, both: Any
) -> None:
    one, other = both
    await bound(other, await code_of(world))
    with clock.frozen(LATER):
        made = await merge(world, one, other)
        assert (await one.get("/api/mall/guide")).json()["binding"]["guide"]["store_code"] == "S1"
        [task] = await tasks(world)
        assert task["kind"] == "welcome"
        assert (await world.staff("clerk1").post("/api/clerk/guide-tasks", done(task))).status_code == 204
    with clock.frozen(LATER + timedelta(hours=1)):
        await bought(world, one, line(milk))
        assert await performance(world) == (1, 1, 19900)
        [row] = (await world.staff("clerk1").get("/api/clerk/guide-members?store=S1")).json()["items"]
        assert (row["orders"], row["phone_masked"]) == (1, "199****0001")
        [result] = (await world.staff("clerk1").get("/api/clerk/guide-task-results?store=S1")).json()["items"]
        assert (result["orders"], result["sales"]["minor"]) == (1, 19900)
    with clock.frozen(LATER + timedelta(hours=2)):
        await part(world, made)
        await bought(world, one, line(milk))
        assert await performance(world) == (1, 1, 19900)  # it was placed by somebody else
    with clock.frozen(LATER + timedelta(hours=3)):
        await merge(world, one, other)
        assert (await one.delete("/api/mall/guide")).status_code == 200
        mine = (await one.get("/api/mall/guide")).json()
        assert (mine["binding"], [row["ended_because"] for row in mine["past"]]) == (None, ["member"])


async def test_an_order_of_who_they_are_now_ends_a_welcome(world: World, milk: str, both: Any) -> None:
    one, other = both
    await bound(other, await code_of(world))
    with clock.frozen(LATER):
        await merge(world, one, other)
        assert [task["kind"] for task in await tasks(world)] == ["welcome"]
        assert (await one.post("/api/mall/orders", order(line(milk)))).status_code == 201
        assert await tasks(world) == []


async def test_of_two_guides_of_a_person_the_one_that_is_paid_has_them(world: World, milk: str, both: Any) -> None:
    one, other = both
    await bound(other, await code_of(world))
    await bound(one, await code_of(world, "manager1"))
    with clock.frozen(LATER):
        made = await merge(world, one, other)
        await bought(world, one, line(milk))
        assert (await performance(world), await tasks(world)) == ((0, 0, 0), [])
        boss = (await world.staff("manager1").get("/api/clerk/performance?store=S1")).json()
        assert (boss["members"], boss["ever"]["member_orders"]) == (1, 1)
        mine = (await one.get("/api/mall/guide")).json()
        assert (mine["binding"]["guide"]["store_code"], mine["past"]) == ("S1", [])
        await part(world, made)
        assert (await performance(world))[0] == 1


async def test_a_dispute_is_about_the_guide_whom_a_person_has_under_whichever_id(
    world: World, milk: str, both: Any
) -> None:
    one, other = both
    await bound(other, await code_of(world))
    with clock.frozen(LATER):
        await merge(world, one, other)
        body = {"store": "S2", "phone": "19910000001", "reason": "mine"}
        raised = await world.staff("clerk2").post("/api/clerk/guide-disputes", body)
        assert raised.status_code == 201, raised.text
        again = await world.staff("clerk2").post("/api/clerk/guide-disputes", body)
        assert (again.status_code, again.json()["code"]) == (409, "attribution.dispute-open")
        path = f"/api/console/binding-disputes/{raised.json()['id']}/decision"
        decided = await world.staff("hq").post(path, {"decision": "moves", "reason": "seen"})
        assert (decided.status_code, decided.json()["decision"]) == (200, "moves"), decided.text
        mine = (await one.get("/api/mall/guide")).json()
        assert (mine["binding"]["guide"]["name"], [row["ended_because"] for row in mine["past"]]) == (
            "clerk2", ["dispute"],
        )  # fmt: skip


async def test_what_ran_out_under_one_id_does_not_end_the_protection_under_another(
    world: World, milk: str, both: Any
) -> None:
    one, other = both
    for table in ("member_sessions", "staff_sessions"):
        await world.db.execute(f"UPDATE {table} SET expires_at = $1", NOON + timedelta(days=200))
    await bound(one, await code_of(world))
    await bound(other, await code_of(world, "manager1"))
    await world.db.execute("UPDATE bindings SET expires_at = $2 WHERE member_id = $1", of(one), LATER)
    with clock.frozen(LATER + timedelta(minutes=1)):
        await merge(world, one, other)
        code = await code_of(world, "clerk2", "S2")
        refused = await one.post("/api/mall/guide", {"code": code})
        assert (refused.status_code, refused.json().get("code")) == (409, "attribution.bound-elsewhere")
        assert (await one.get("/api/mall/guide")).json()["binding"]["guide"]["name"] == "manager1"
    # Once nobody is protected any more, one guide is there, and what had run out ended when it did.
    with clock.frozen(LATER + timedelta(days=100)):
        assert (await bound(one, await code_of(world, "clerk2", "S2")))["binding"]["guide"]["name"] == "clerk2"
    rows = await world.db.fetch("SELECT ended_because, until_at FROM bindings ORDER BY from_at, ended_because")
    assert [row["ended_because"] for row in rows] == ["expired", "replaced", None]
    assert rows[0]["until_at"] == LATER


# --- what a person has and where they are paid ------------------------------------------------------------


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def test_a_wallet_pays_what_waits_and_is_filled_under_every_id(world: World, milk: str, both: Any) -> None:
    one, other = both
    await filled(world, one, 50_000, 5_000)
    placed = (await other.post("/api/mall/orders", order(line(milk), pay_mode="online"))).json()
    begun = (await other.post("/api/mall/wallet/top-ups", {"amount": yuan(20_000)})).json()
    with clock.frozen(LATER):
        await merge(world, one, other)
        path, topped = f"/api/mall/orders/{placed['id']}/wallet", f"/api/mall/wallet/top-ups/{begun['id']}"
        assert (await one.get(path)).json() == {"most": yuan(19_900), "balance": yuan(55_000)}
        paid = await one.post(path, {"amount": yuan(19_900)})
        assert (paid.status_code, paid.json().get("state")) == (200, "preparing"), paid.text
        assert (await one.get("/api/mall/wallet")).json()["balance"] == yuan(55_000 - 19_900)
        assert (await one.get(topped)).json()["state"] == "open"
        assert (await one.post(f"{topped}/payment")).status_code == 503  # found, and the provider is not there
        assert (await one.post(f"{topped}/payment-check")).status_code == 200
        stranger = await world.member("+8619910000004")
        assert [(await stranger.get(each)).status_code for each in (path, topped)] == [404, 404]


async def test_who_drops_their_account_is_paid_to_none_under_any_id(world: World, both: Any) -> None:
    """And what headquarters enters for who was merged is where the person is paid."""
    one, other = both
    path, cards = "/api/mall/payout-account", ("6222021234567890128", "6222021234567890136", "6222021234567890144")
    bank = {"holder": "Li Na", "bank": "招商银行", "owner": "person"}
    for who, card in zip(both, cards, strict=False):
        assert (await who.put(f"{path}/bank", bank | {"number": card})).status_code == 200
    await merge(world, one, other)
    assert (await one.get(path)).json()["account"]["receiver"] == "****0128"
    await world.db.execute(
        "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'member', $2)", other.id, clock.now()
    )
    entered = await world.staff("hq").post(
        f"/api/console/payees/{other.id}/account/bank", bank | {"number": cards[2], "reason": "by letter"}
    )
    assert entered.json()["account"]["receiver"] == "****0144", entered.text
    assert (await one.get(path)).json()["account"]["receiver"] == "****0144"
    gone = await one.delete(path)
    assert (gone.status_code, gone.json()["account"]) == (200, None), gone.text
    assert await world.db.fetchval("SELECT count(*) FROM payee_accounts") == 0
    assert (await one.delete(path)).status_code == 404


# --- coupons ---------------------------------------------------------------------------------------------


async def test_a_person_is_given_one_coupon(world: World, milk: str, both: Any) -> None:
    one, other = both
    for who in both:
        assert (await who.post("/api/mall/orders", order(line(milk)))).status_code == 201
        await say(who, "marketing", True)
    await merge(world, one, other)
    head = world.staff("hq")
    opened_batch = await test_coupons.opened(world, await test_coupons.promotion(world), "given", member_max=1)
    gifts = f"/api/console/coupon-batches/{opened_batch['batch']['batch_id']}/gifts"
    numbers = {"phones": ["19910000001", "19910000002"], "reason": "x"}
    assert (await head.post(gifts, numbers)).json() == {"members": 1, "given": 1, "without_consent": 0}
    bought = {"ordered_within_days": 30, "reason": "x"}
    assert (await head.post(gifts, bought)).json() == {"members": 1, "given": 0, "without_consent": 0}


# --- forgetting ------------------------------------------------------------------------------------------


async def test_what_is_carried_does_not_hide_what_is_to_come(world: World) -> None:
    who = await world.member("+8619910000009")
    await world.db.execute(
        """INSERT INTO payees (payee_id, kind, pending_minor, due_minor, updated_at)
           VALUES ($1, 'member', 300, -500, $2)""",
        who.id,
        clock.now(),
    )
    answer = await world.staff("hq").post(f"/api/console/members/{who.id}/erasure", {"reason": "asked by letter"})
    assert (answer.status_code, answer.json()["code"]) == (409, "members.erasure-blocked"), answer.text
