"""Taking everything with one, and being forgotten: what is left names nobody, wherever one looks, and the accounts hold."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from duoline import loyalty, settlement
from duoline.channels.clerk import guide as clerk_guide
from duoline.channels.imports import forget
from duoline.channels.mall import count_scan
from duoline.channels.mall import guide as mall_guide
from duoline.channels.mall import privacy as mall_privacy
from duoline.channels.mall import shares as mall_shares
from duoline.entry.check import broken
from duoline.entry.metadata import metadata, registry
from duoline.flows import erase_member, personal_data, top_up, top_up_refund
from duoline.flows.merge_members import merge_members
from duoline.kernel import clock, faults, postgres
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Fault
from duoline.kernel.ids import new_id
from duoline.kernel.log import JsonLines
from duoline.payments.provider import EventKind, PaymentEvent
from tests.http.shelf import NOON, line, stocked
from tests.http.test_guides import bound, code_of
from tests.http.test_members import told
from tests.http.test_money_cases import declining  # noqa: F401 - a fixture
from tests.http.test_settlement import told as paid
from tests.http.test_touchpoints import made, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from duoline.kernel.db import Database
    from tests.http.world import Caller, World

PHONE = "+8619955507701"
BARE = "19955507701"
# Unmistakable: none of them occurs anywhere else in the chain.
NAME, RECIPIENT, STREET, WORDS, CARD = (
    "欧阳独一",
    "司马无双",
    "独一无二巷 77 号 7701",
    "请放在独一无二的门口",
    "UNMISTAKABLE77",
)
MAIL, HOLDER = "wx@unmistakable-family.cn", "诸葛独一"
# The account at the provider, and the bank account that took its place.
NUMBER, ACCOUNT_OF, BRANCH = "6222770177017701770", "上官独一", "独一无二支行"
ACCOUNTS = (HOLDER, "UN****77", NUMBER, ACCOUNT_OF, BRANCH, "****1770")
# As people type a number who think of a reader, not of a machine.
ODD = ("199 5550-7701", "１９９５５５０７７０１", "(199)5550.7701", "0086 199-5550-7701")
TRACES = (BARE, "199 5550 7701", NAME, RECIPIENT, STREET, WORDS, CARD, *ODD, "unmistakable-family", *ACCOUNTS)
CONTACT = {"name": NAME, "phone": BARE}
HOME = {
    "name": RECIPIENT, "phone": BARE, "province": "某省", "city": "某市", "district": "", "line": STREET,
    "lat": 30.123456, "lon": 104.123456,
}  # fmt: skip


@pytest.fixture
async def milk(world: World) -> AsyncIterator[str]:
    for limit in (count_scan.NEW_DEVICES_BY_ADDRESS, clerk_guide.ASKS_BY_STAFF, mall_guide.BINDS_BY_MEMBER,
                  mall_shares.SHARES_BY_MEMBER, mall_privacy.EXPORTS_BY_MEMBER):  # fmt: skip
        limit.forget()
    await world.db.execute("UPDATE stores SET returns = true, version = version + 1")
    with clock.frozen(NOON):
        yield await stocked(world, "MILK", 19900, {"S1": 90, "S2": 90, "D1": 90})
        assert await broken(world.db) == []


async def found(db: Database, traces: tuple[str, ...] = TRACES) -> set[tuple[str, str]]:
    """Every table in which any of the traces stands in any column, bytes included, with the trace."""
    tables = await db.fetch(
        """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
    )
    seen = set()
    for table in tables:
        for trace in traces:
            patterns = [f"%{trace}%", f"%{trace.encode().hex()}%"]
            if await db.fetchval(
                f"SELECT EXISTS (SELECT FROM {table['name']} t WHERE t::text LIKE ANY ($1))",
                patterns,
            ):
                seen.add((table["name"], trace))
    return seen


async def ok(answer: Any, *status: int) -> Any:
    assert answer.status_code in (status or (200, 201, 202)), answer.text
    return answer.json() if answer.content else None


async def collected(world: World, receipt: dict[str, Any], who: Caller) -> None:
    head, job = world.staff("hq"), receipt["fulfilments"][0]["id"]
    await ok(await head.post(f"/api/clerk/fulfilments/{job}/ready", {}))
    code = await ok(await who.get(f"/api/mall/orders/{receipt['id']}/pickup-code"))
    await ok(
        await head.post(
            f"/api/clerk/fulfilments/{job}/handover",
            {"code": code["qr"], "tender": "cash", "tendered": {"minor": 10**6, "currency": "CNY"}},
        )
    )


async def lived(world: World, sku: str) -> tuple[Caller, dict[str, Any]]:
    """A member who does everything, and the order of theirs that is still open."""
    head, clerk = world.staff("hq"), world.staff("clerk1")
    # A guest of their number, in the mall and by a clerk, before they are a member.
    guest = await world.member(kind="guest")
    early = await ok(await guest.post("/api/mall/orders", placed(line(sku))))
    await collected(world, early, guest)
    # Log in, say who one is, agree to everything.
    browser = world.anonymous()
    await ok(await browser.post("/api/mall/login-codes", {"phone": BARE}))
    entered = await ok(await browser.post("/api/mall/sessions", {"phone": BARE, "code": await world.code_sent(PHONE)}))
    member_id = UUID(entered["member"]["id"])
    who = type(browser)(browser.client, {"Authorization": f"Bearer {entered['token']}"}, member_id)
    await ok(await who.patch("/api/mall/me", {"display_name": NAME, "home_store_code": "S1"}))
    await world.db.execute("UPDATE members SET external_code = $2 WHERE member_id = $1", member_id, CARD)
    await world.db.execute("INSERT INTO member_codes VALUES ($2, $1)", member_id, CARD)
    for purpose in ("marketing", "profiling", "location", "sharing"):
        await ok(await who.put(f"/api/mall/privacy/{purpose}", {"granted": True, "text_version": 1}))
    await ok(await who.post("/api/mall/addresses", HOME))
    await ok(await who.put("/api/mall/payout-account", {"receiver": CARD, "holder": HOLDER}))
    bank = {"holder": ACCOUNT_OF, "bank": "招商银行", "branch": BRANCH, "number": NUMBER, "owner": "person"}
    await ok(await who.put("/api/mall/payout-account/bank", bank))
    told_us = {"kind": "mail", "value": MAIL, "reason": f"told us {MAIL}, for {ACCOUNT_OF}"}
    await ok(await head.post(f"/api/console/members/{member_id}/identities", told_us))
    await ok(await who.put("/api/mall/favourites", {"product_code": "MILK"}))
    await ok(await who.get("/api/mall/card"))
    await bound(who, await code_of(world))
    await ok(await who.post("/api/mall/shares", {"kind": "product", "name": "MILK", "note": WORDS}))
    # Buy: collect, bring back, cancel with a reason, have it sent by a clerk, buy at the till, park a sale.
    done = await ok(await who.post("/api/mall/orders", placed(line(sku, 2), note=WORDS)))
    await collected(world, done, who)
    back = {
        "store": "S1", "order_id": done["id"], "reason": "changed_mind", "note": f"{NAME} 电话 {BARE}",
        "expected_refund": {"minor": 19900, "currency": "CNY"},
        "lines": [{"line_id": done["lines"][0]["id"], "quantity": 1, "condition": "sellable"}],
    }  # fmt: skip
    seen = await ok(
        await clerk.get("/api/clerk/returnable-orders", params={"store": "S1", "order_no": done["order_no"]})
    )
    assert seen
    await ok(await clerk.post("/api/clerk/returns", back))
    gone = await ok(await who.post("/api/mall/orders", placed(line(sku))))
    await ok(await who.post(f"/api/mall/orders/{gone['id']}/cancellation", {"reason": f"{WORDS} {BARE}"}))
    await ok(
        await clerk.post(
            "/api/clerk/sales",
            {"store": "S1", "lines": [{"sku_id": sku, "quantity": 1}], "tender": "cash", "phone": BARE,
             "tendered": {"minor": 10**6, "currency": "CNY"}},
        )
    )  # fmt: skip
    await ok(
        await clerk.post(
            "/api/clerk/parked-sales",
            {"store": "S1", "lines": [{"sku_id": sku, "quantity": 1}], "phone": BARE, "note": NAME},
        )
    )
    # Staff write about them.
    await ok(await head.put(f"/api/console/members/{member_id}/tier", {"tier": "gold", "reason": f"{NAME} {BARE}"}))
    await ok(await head.post(f"/api/console/members/{member_id}/points", {"points": 77, "reason": f"{NAME} {PHONE}"}))
    async with world.db.begin() as tx:
        await loyalty.give(
            tx, member_id=member_id, source="given", ref_id=new_id(), points=5, actor=SYSTEM, reason=NAME
        )
    still = await ok(await who.post("/api/mall/orders", placed(line(sku), note=WORDS)))
    await told(world)
    return who, still


def placed(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "pay_mode": "at_store", "contact": CONTACT} | more


def files_with(home: Path) -> list[Path]:
    """Files of the installation in which a trace stands, but the inbox that development has in place of a gateway."""
    files = [each for each in home.rglob("*") if each.is_file() and "inbox" not in each.name]
    return [each for each in files for trace in TRACES if trace.encode() in each.read_bytes()]


async def spelt(world: World, sku: str) -> None:
    """Guests who left the member's number in spellings of their own, from before one way was kept."""
    for odd in ODD:
        guest = await world.member(kind="guest")
        order = await ok(await guest.post("/api/mall/orders", placed(line(sku), note=f"{WORDS} {odd}")))
        # Orders keep numbers in one way by now, whatever is sent.
        await world.db.execute("UPDATE orders SET contact_phone = $2 WHERE id = $1", UUID(order["id"]), odd)
        await ok(await guest.post(f"/api/mall/orders/{order['id']}/cancellation", {"reason": odd}))


def kept_rows(world: World) -> Path:
    """The error file of an import: rows of the member, by number and by name, and one of somebody else."""
    path = world.settings.imports_dir / f"{new_id()}-errors.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ["line,column,value,phone,name", f"2,joined,2025-99-99,'+86 {BARE},张三", f"3,phone,{ODD[1]},{ODD[1]},李四",
            f"4,joined,x,,{NAME}", "5,joined,x,13800000000,王五"]  # fmt: skip
    path.write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return path


async def test_a_member_who_did_everything_is_forgotten_everywhere(
    world: World, milk: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    forget.connect(world.settings.imports_dir)
    listed = kept_rows(world)
    await spelt(world, milk)
    who, still = await lived(world, milk)
    before = await found(world.db)
    assert {"public.members", "public.orders", "public.addresses", "public.audit_log"} <= {name for name, _ in before}
    assert {trace for _, trace in before} >= {BARE, NAME, RECIPIENT, STREET, WORDS, CARD, *ODD} | {*ACCOUNTS} - {HOLDER}
    assert listed.resolve() in files_with(tmp_path)
    money = await world.db.fetch("SELECT id, total_minor, paid_minor, refunded_minor FROM orders ORDER BY id")
    codes = "/api/mall/privacy/erasure-codes"
    blocked = await who.post(codes)
    assert (blocked.status_code, blocked.json()["code"]) == (409, "members.erasure-blocked")
    assert blocked.json()["problems"][0]["field"] == "orders"
    await ok(await who.post(f"/api/mall/orders/{still['id']}/cancellation", {"reason": "不要了"}))
    with clock.frozen(NOON + timedelta(minutes=5)):
        await ok(await who.post(codes), 202)
        code = await world.code_sent(PHONE)
        wrong = await who.post("/api/mall/privacy/erasure", {"code": f"{(int(code) + 1) % 10**6:06d}"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "members.wrong-code")
        assert await world.db.fetchval("SELECT count(*) FROM erasures") == 0
        erased = await who.post("/api/mall/privacy/erasure", {"code": code})
        assert erased.status_code == 204, erased.text
        assert (await who.get("/api/mall/me")).status_code == 401
        await told(world)
    with clock.frozen(NOON + timedelta(minutes=6)):
        assert await erase_member.sweep_due(world.db) == 1
        assert await erase_member.sweep_due(world.db) == 0, "once"
    assert await found(world.db) == set()
    # What this process logged, as it is written. (httpx is the test's own browser.)
    logged = [JsonLines().format(each) for each in caplog.records if not each.name.startswith("httpx")]
    assert len(logged) > 20
    assert [(trace, one) for one in logged for trace in TRACES if trace in one] == []
    assert files_with(tmp_path) == []
    assert listed.read_text(encoding="utf-8-sig").split() == [
        "line,column,value,phone,name", "5,joined,x,13800000000,王五",
    ]  # fmt: skip
    # The accounts are whole: the same orders with the same money, and every invariant holds.
    assert await world.db.fetch("SELECT id, total_minor, paid_minor, refunded_minor FROM orders ORDER BY id") == money
    row = await world.db.fetchrow("SELECT pending, spendable, owed FROM point_accounts WHERE member_id = $1", who.id)
    assert row is not None
    assert tuple(row) == (0, 0, 0)
    assert await broken(world.db) == []
    # Headquarters does not find them; what was agreed to is proved without a name.
    head = world.staff("hq")
    assert (await head.get(f"/api/console/members/{who.id}")).status_code == 404
    assert (await head.get("/api/console/members")).json()["total"] == 0
    said = await world.db.fetch("SELECT DISTINCT ON (purpose) granted FROM consents ORDER BY purpose, at DESC, id DESC")
    assert {row["granted"] for row in said} == {False}
    # With the receipt alone what was bought can still be brought back.
    bought = await world.db.fetchrow(
        "SELECT l.order_id, l.id FROM order_lines l WHERE l.member_id = $1 AND l.handed = 2 AND l.returned = 1", who.id
    )
    assert bought is not None
    back = {
        "store": "S1", "order_id": str(bought["order_id"]), "reason": "faulty",
        "lines": [{"line_id": str(bought["id"]), "quantity": 1, "condition": "sellable"}],
        "expected_refund": {"minor": 19900, "currency": "CNY"},
    }  # fmt: skip
    await ok(await world.staff("clerk1").post("/api/clerk/returns", back))
    await told(world)
    assert await broken(world.db) == []
    # The number comes again: a new member, who has nothing of the old one.
    with clock.frozen(NOON + timedelta(minutes=20)):
        browser = world.anonymous()
        await ok(await browser.post("/api/mall/login-codes", {"phone": BARE}))
        again = await ok(
            await browser.post("/api/mall/sessions", {"phone": BARE, "code": await world.code_sent(PHONE)})
        )
        assert again["member"]["id"] != str(who.id)
        fresh = type(browser)(browser.client, {"Authorization": f"Bearer {again['token']}"})
        assert (await fresh.get("/api/mall/orders", params={"state": "all"})).json()["items"] == []


async def test_who_is_still_to_be_paid_is_not_forgotten(world: World, milk: str) -> None:
    who = await world.member("+8619955507711")
    await world.db.execute(
        "INSERT INTO payees (payee_id, kind, due_minor, updated_at) VALUES ($1, 'member', 5, $2)", who.id, clock.now()
    )
    answer = await world.staff("hq").post(f"/api/console/members/{who.id}/erasure", {"reason": "asked by letter"})
    assert (answer.status_code, answer.json()["code"]) == (409, "members.erasure-blocked"), answer.text
    assert [each["field"] for each in answer.json()["problems"]] == ["earnings"]
    # The dialog says so before anybody tries.
    path = f"/api/console/members/{who.id}/erasure"
    told = (await world.staff("hq").get(path)).json()["items"]
    assert [(one["kind"], one["text"]["en"]) for one in told] == [
        (one["field"], one["en"]) for one in answer.json()["problems"]
    ]
    await world.db.execute("DELETE FROM payees")
    assert (await world.staff("hq").get(path)).json()["items"] == []


async def entered(world: World, browser: Caller, phone: str = PHONE) -> Caller:
    await ok(await browser.post("/api/mall/login-codes", {"phone": phone}))
    body = {"phone": phone, "code": await world.code_sent(phone)}
    answer = await ok(await browser.post("/api/mall/sessions", body))
    return type(browser)(browser.client, {"Authorization": f"Bearer {answer['token']}"}, UUID(answer["member"]["id"]))


async def erased(world: World, who: Caller, phone: str = PHONE) -> None:
    await ok(await who.post("/api/mall/privacy/erasure-codes"), 202)
    await ok(await who.post("/api/mall/privacy/erasure", {"code": await world.code_sent(phone)}), 204)


async def test_a_code_for_log_in_deletes_nothing_and_one_to_delete_logs_nobody_in(world: World, milk: str) -> None:
    who = await entered(world, world.anonymous())
    with clock.frozen(NOON + timedelta(minutes=2)):
        await ok(await world.anonymous().post("/api/mall/login-codes", {"phone": PHONE}))
        login = await world.code_sent(PHONE)
        refused = await who.post("/api/mall/privacy/erasure", {"code": login})
        assert (refused.status_code, refused.json()["code"]) == (422, "members.wrong-code")
    with clock.frozen(NOON + timedelta(minutes=2, seconds=10)):
        # Both may be asked for in one minute; each of them once, and the refusal says how long to wait.
        await ok(await who.post("/api/mall/privacy/erasure-codes"), 202)
        deletes = await world.code_sent(PHONE)
        again = await who.post("/api/mall/privacy/erasure-codes")
        assert (again.status_code, again.json()["seconds"]) == (429, 60)
        assert "60 秒" in again.json()["detail"]
        inbox = (await world.anonymous().get("/api/dev/inbox", params={"phone": PHONE})).json()["items"]
        assert (inbox[0]["template"], inbox[0]["code"]) == ("erasure_code", deletes)
        assert "注销账号" in inbox[0]["text"]
        wrong = await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": deletes})
        assert wrong.status_code == (201 if login == deletes else 422)
        await ok(await world.anonymous().post("/api/mall/sessions", {"phone": PHONE, "code": login}))
        await ok(await who.post("/api/mall/privacy/erasure", {"code": deletes}), 204)


async def test_going_and_coming_again_pays_nobody_for_bringing_more_than_once(world: World, milk: str) -> None:
    guide, point = await code_of(world), await made(world)
    cookies: httpx.Cookies | None = None
    for n in range(3):
        browser = world.anonymous()
        if cookies is not None:
            browser.client.cookies = cookies
        with clock.frozen(NOON + timedelta(minutes=20 * n)):
            await opened(browser.client, point["code"], query="?v=q")
            who = await entered(world, browser)
            await bound(who, guide)
            if n < 2:  # told of before they go; the last time only afterwards
                await paid(world)
        cookies = browser.client.cookies
        with clock.frozen(NOON + timedelta(minutes=20 * n + 5)):
            await erased(world, who)
            await paid(world)
        assert await broken(world.db) == []
    with clock.frozen(NOON + timedelta(hours=2)):
        who = await entered(world, world.anonymous())
        await bound(who, guide)
        await paid(world)
    shares = await world.db.fetch(
        "SELECT member_id, role, earned_minor, reversed_minor, flag FROM accruals ORDER BY at"
    )
    assert [tuple(row)[2:] for row in shares if row["role"] == "bringing"] == [(0, 500, "gone")] * 2 + [(500, 0, None)]
    assert {row["member_id"] for row in shares if row["earned_minor"] > 0} == {who.id}
    sums = await world.db.fetch("SELECT kind, pending_minor FROM payees WHERE pending_minor <> 0")
    assert [tuple(row) for row in sums] == [("staff", 500)]
    reasons = await world.db.fetch("SELECT DISTINCT reason FROM journals WHERE kind = 'settlement-bringing'")
    assert {row["reason"] for row in reasons} == {"", "member erased"}
    # Whom it was promised to sees it, and why it went.
    clerk = world.staff("clerk1")
    mine = await ok(await clerk.get("/api/clerk/earnings"))
    assert (mine["pending"]["minor"], mine["reversed"]["minor"]) == (500, 1000)
    shown = await ok(await clerk.get("/api/clerk/earnings/shares"))
    assert [(one["earned"]["minor"], one["flag"]) for one in shown["items"]] == [(500, None), (0, "gone"), (0, "gone")]
    with clock.frozen(NOON + timedelta(days=20)):
        await settlement.mature(world.db)
    assert await world.db.fetchval("SELECT sum(due_minor) FROM payees") == 500


async def test_what_was_due_before_they_went_stays(world: World, milk: str) -> None:
    guide = await code_of(world)
    who = await entered(world, world.anonymous())
    await bound(who, guide)
    await paid(world)
    with clock.frozen(NOON + timedelta(days=20)):
        await settlement.mature(world.db)
        await erased(world, who)
    assert [tuple(row) for row in await world.db.fetch("SELECT state, earned_minor, flag FROM accruals")] == [
        ("matured", 500, None)
    ]


@pytest.mark.usefixtures("declining")
async def test_money_that_comes_for_who_is_gone_goes_back(world: World, milk: str) -> None:
    who, head = await entered(world, world.anonymous()), world.staff("hq")
    body = {"amount": {"minor": 50_000, "currency": "CNY"}}
    asked, _ = [await ok(await who.post("/api/mall/wallet/top-ups", body)) for _ in range(2)]
    await ok(await who.post(f"/api/mall/wallet/top-ups/{asked['id']}/payment"))
    # The provider knows of one and may be paid at any moment; of the other nobody knows.
    with clock.frozen(NOON + timedelta(minutes=2)):
        blocked = await who.post("/api/mall/privacy/erasure-codes")
        assert [one["field"] for one in blocked.json()["problems"]] == ["top_ups"]
        by_letter = await head.post(f"/api/console/members/{who.id}/erasure", {"reason": "asked by letter"})
        assert by_letter.json()["code"] == "members.erasure-blocked"
    await world.db.execute("UPDATE wallet_top_ups SET expires_at = $1 WHERE id = $2", NOON, asked["id"])
    await top_up.close_unpaid(world.db)
    with clock.frozen(NOON + timedelta(minutes=5)):
        await erased(world, who)
        states = await world.db.fetch("SELECT state FROM wallet_top_ups")
        assert [row["state"] for row in states] == ["closed", "closed"]
        # Paid all the same.
        event = PaymentEvent(
            event_id="late", kind=EventKind.PAYMENT_PAID, ref=asked["id"], refund_ref=None, amount_minor=50_000,
            currency="CNY", occurred_at=clock.now(), payer="wx-1",
        )  # fmt: skip
        await top_up.receive(world.db, "sandbox", event)
    row = await world.db.fetchrow(
        "SELECT principal_minor, bonus_minor, payer_key FROM wallet_top_ups WHERE state = 'paid'"
    )
    assert row is not None
    assert tuple(row) == (50_000, 0, None), "nothing on top, and nothing of who paid"
    # It goes back the way it came, by itself.
    (case,) = (await ok(await head.get("/api/console/money-cases?state=all")))["items"]
    assert (case["kind"], case["state"], case["amount"]["minor"]) == ("top_up", "under_way", 50_000)
    assert (case["provider"], case["order_id"], case["problem"]) == ("sandbox", None, "")
    assert (await ok(await head.get("/api/console/money-cases")))["items"] == []
    path = f"/api/console/money-cases/top_up/{case['id']}/resolution?member_id={case['member_id']}"
    assert (await head.post(path, {"do": "by_hand", "reason": "x"})).json()["code"] == "kernel.wrong-state"
    what = top_up_refund.SendBack(UUID(case["member_id"]), UUID(case["id"]))
    await top_up_refund.send(world.db, what)
    # The provider does not take it: somebody has to say what becomes of it.
    attention = (await head.get("/api/console/today")).json()["attention"]
    assert {"kind": "refund_failed", "count": 1, "link": "/money"} in attention
    assert "money_stored" not in {one["kind"] for one in attention}
    (case,) = (await ok(await head.get("/api/console/money-cases")))["items"]
    assert (case["state"], case["problem"]) == ("open", "provider.not-refundable")
    assert (await head.post(path, {"do": "settled", "reason": "x"})).status_code == 422
    assert (await world.staff("north").post(path, {"do": "by_hand", "reason": "x"})).status_code == 403
    assert (await head.post(path, {"do": "again", "reason": "asked them"})).status_code == 204
    assert (await ok(await head.get("/api/console/money-cases")))["items"] == []
    await top_up_refund.send(world.db, what)
    assert (await head.post(path, {"do": "by_hand", "reason": "sent back in the back office"})).status_code == 204
    again = await head.post(path, {"do": "by_hand", "reason": "once more"})
    assert (again.status_code, again.json()["code"]) == (409, "kernel.wrong-state")
    assert (await ok(await head.get("/api/console/money-cases")))["items"] == []
    assert [one["state"] for one in (await ok(await head.get("/api/console/money-cases?state=all")))["items"]] == [
        "resolved"
    ]
    trail = await world.db.fetchval("SELECT reason FROM audit_log WHERE action = 'wallet.return-by-hand'")
    assert trail == "sent back in the back office"


@pytest.mark.usefixtures("declining")
async def test_what_is_in_the_wallet_of_who_is_gone_waits_for_a_person(world: World, milk: str) -> None:
    who, head = await entered(world, world.anonymous()), world.staff("hq")
    with clock.frozen(NOON + timedelta(minutes=5)):
        await erased(world, who)
    # A till that knew of the member from before; as what comes back of an order that the wallet paid.
    async with world.db.begin() as tx:
        await top_up.take_cash(
            tx, location_id=world.stores["S1"], member_id=UUID(str(who.id)), amount_minor=50_000,
            tendered_minor=50_000, expected_bonus_minor=None, drawer=None, actor=Actor("staff", UUID(int=7), "Li Na"),
        )  # fmt: skip
    attention = (await head.get("/api/console/today")).json()["attention"]
    assert {"kind": "money_stored", "count": 1, "link": "/money"} in attention
    (case,) = (await ok(await head.get("/api/console/money-cases")))["items"]
    assert (case["kind"], case["amount"]["minor"], case["order_id"]) == ("stored", 50_000, None)
    path = f"/api/console/money-cases/stored/{case['id']}/resolution?member_id={case['member_id']}"
    assert (await head.post(path, {"do": "settled", "reason": "x"})).status_code == 422
    assert (await head.post(path, {"do": "by_hand", "reason": "given in cash"})).status_code == 204
    assert (await head.post(path, {"do": "by_hand", "reason": "once more"})).status_code == 404
    assert (await ok(await head.get("/api/console/money-cases")))["items"] == []
    trail = await world.db.fetchval("SELECT reason FROM audit_log WHERE action = 'wallet.pay-out'")
    assert trail == "given in cash"
    # Nobody's wallet but theirs is emptied that way.
    living = await world.member("+8619955507721")
    await world.db.execute("INSERT INTO wallets VALUES ($1, 0, 0, $2)", living.id, NOON)
    path = f"/api/console/money-cases/stored/{living.id}/resolution?member_id={living.id}"
    assert (await head.post(path, {"do": "by_hand", "reason": "x"})).status_code == 404


async def test_who_was_merged_is_forgotten_with_them(world: World, milk: str) -> None:
    one, other = await world.member("+8619955507712"), await world.member("+8619955507713")
    assert one.id
    assert other.id
    async with world.db.begin() as tx:
        await merge_members(tx, survivor_id=one.id, other_id=other.id, reason="same", actor=SYSTEM)
    gone = await world.staff("hq").post(f"/api/console/members/{other.id}/erasure", {"reason": "asked by letter"})
    assert (gone.status_code, gone.json()["code"], gone.json()["into"]) == (409, "members.already-merged", str(one.id))
    path = f"/api/console/members/{one.id}/erasure"
    assert (await world.staff("hq").post(path, {"reason": "asked by letter"})).status_code == 204
    left = await world.db.fetch(
        "SELECT kind, phone, merged_into, merged_others FROM members WHERE member_id = ANY ($1)", [one.id, other.id]
    )
    assert [tuple(row) for row in left] == [("guest", None, None, 0)] * 2


async def test_headquarters_forgets_on_request_with_a_reason_and_nobody_else_may(world: World, milk: str) -> None:
    who = await world.member("+8619955507702")
    path = f"/api/console/members/{who.id}/erasure"
    for login in ("manager1", "clerk1", "franchisee_a"):
        assert (await world.staff(login).post(path, {"reason": "客户来信"})).status_code == 403
    assert (await world.staff("hq").post(path, {"reason": " "})).status_code == 422
    assert (await world.staff("hq").post(path, {"reason": "客户来信"})).status_code == 204
    assert (await world.staff("hq").post(path, {"reason": "客户来信"})).status_code == 404
    trail = await world.db.fetchrow("SELECT action, reason FROM audit_log WHERE subject = $1", str(who.id))
    assert trail is not None
    assert tuple(trail) == ("member.erase", "客户来信")


async def test_forgotten_and_ordering_at_once_leaves_accounts_that_hold_and_no_name(world: World, milk: str) -> None:
    who = await world.member("+8619955507706")
    contact = {"name": NAME, "phone": "19955507706"}
    buying = who.post("/api/mall/orders", placed(line(milk), contact=contact))
    erasing = [
        world.staff("hq").post(f"/api/console/members/{who.id}/erasure", {"reason": "客户来信"}) for _ in range(2)
    ]
    bought, *erased = await asyncio.gather(buying, *erasing)
    assert bought.status_code in (201, 401), bought.text
    states = sorted(one.status_code for one in erased)
    # Whoever comes second finds nobody, or an order that is open; never two erasures.
    assert states in ([204, 404], [409, 409], [204, 409]), states
    count = await world.db.fetchval("SELECT count(*) FROM erasures")
    assert count == states.count(204)
    with clock.frozen(NOON + timedelta(minutes=2)):
        assert await erase_member.sweep_due(world.db) == count
    if count:
        assert await found(world.db, ("19955507706",)) == set()
    assert await broken(world.db) == []


async def test_everything_kept_can_be_taken_along(world: World, milk: str) -> None:
    who, _ = await lived(world, milk)
    answer = await who.get("/api/mall/privacy/export", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert sorted(archive.namelist()) == ["data.json", "index.html"]
    data = msgspec.json.decode(archive.read("data.json"))["data"]
    assert set(data) == set(personal_data_kinds())
    assert data["addresses"]["addresses"][0]["line"] == STREET
    assert len(data["orders"]["orders"]) == 4
    text = archive.read("data.json").decode()
    for hidden in ("token_hash", "code_hash", "short_code", "actor_name"):
        assert f'"{hidden}"' not in text
    page = archive.read("index.html").decode()
    assert "<h2>Addresses</h2>" in page
    assert STREET in page
    # It speaks to its reader: no table, no id, no name of a column; and nobody else's earnings, also not for machines.
    assert f"Name: {NAME}" in page
    assert "× 2 (1 brought back)" in page
    for heading in ("Who you are", "Orders", "Payments and refunds", "Points", "Your guide", "What you agreed to"):
        assert f"<h2>{heading}</h2>" in page
    assert "agreed to: offers and news" in page
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", page) is None
    assert "_minor" not in page
    assert {"journals", "journal_entries"}.isdisjoint(name for kind in data.values() for name in kind)
    chinese = await who.get("/api/mall/privacy/export", headers={"Accept-Language": "zh-CN"})
    page = zipfile.ZipFile(io.BytesIO(chinese.content)).read("index.html").decode()
    assert f"称呼:{NAME}" in page
    assert "<h2>您同意过什么</h2>" in page
    # For another system: with the member's consent to sharing only, and each time in the audit log.
    head, path = world.staff("hq"), f"/api/console/members/{who.id}/export"
    told = await ok(await head.get(path, params={"reason": "接入客服系统", "purpose": "sharing"}))
    assert told["data"]["profile"]["members"][0]["phone"] == PHONE
    await ok(await who.put("/api/mall/privacy/sharing", {"granted": False, "text_version": 1}))
    refused = await head.get(path, params={"reason": "接入客服系统", "purpose": "sharing"})
    assert (refused.status_code, refused.json()["code"]) == (403, "members.no-consent")
    assert (await head.get(path)).status_code in (400, 422)
    assert (await world.staff("manager1").get(path, params={"reason": "看看"})).status_code == 403
    lines = await world.db.fetch("SELECT reason FROM audit_log WHERE action = 'member.export'")
    assert [row["reason"] for row in lines] == ["接入客服系统"]


def personal_data_kinds() -> list[str]:
    """Kinds that somebody who did everything but visit a touchpoint has rows of."""
    return ["profile", "addresses", "consents", "orders", "payments", "points", "favourites", "guides", "visits"]


async def test_history_is_pseudonymised_for_the_forgotten_only(world: World, milk: str) -> None:
    who = await world.member("+8619955507703")
    head = world.staff("hq")
    await ok(await head.put(f"/api/console/members/{who.id}/tier", {"tier": "gold", "reason": "M 19955507703"}))
    await world.db.execute(
        "INSERT INTO erasures VALUES ($1, 'mall', '', $2, $3, NULL)",
        who.id, clock.now(),
        {"values": ["19955507703"], "phones": ["19955507703"], "ids": [str(who.id)], "subjects": [str(who.id)]},
    )  # fmt: skip
    await world.db.execute("SELECT duo_forget_history($1)", who.id)
    assert await world.db.fetchval("SELECT reason FROM tier_changes") == "M 19955507703"
    await world.db.execute("DELETE FROM erasures")


# --- killed in between -------------------------------------------------------------------------------------

POINTS = ["erase.after_sweep", "erase.before_commit", "erase.before_sweep"]
WORKER = """
import asyncio, sys
from uuid import UUID
from duoline.flows import erase_member
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import Database
from datetime import timedelta

async def main() -> None:
    db = await Database.connect(sys.argv[1])
    member_id = UUID(sys.argv[2])
    if not await db.fetchval("SELECT EXISTS (SELECT FROM erasures WHERE member_id = $1)", member_id):
        async with db.begin() as tx:
            await erase_member.erase(tx, member_id=member_id, secret="x" * 40, channel="console", actor=SYSTEM)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        await erase_member.sweep_due(db)
    await db.close()

asyncio.run(main())
"""


def test_every_point_is_here() -> None:
    assert [point for point in faults.points() if point.startswith("erase.")] == POINTS


@pytest.mark.parametrize(("point", "erased", "swept"), [
    ("erase.before_commit", 0, 0), ("erase.before_sweep", 1, 0), ("erase.after_sweep", 1, 1),
])  # fmt: skip
async def test_killed_at(
    world: World, access: postgres.Access, tmp_path: Path, point: str, erased: int, swept: int
) -> None:
    """Before the commit nothing happened; before the sweep the next run of the worker sweeps; after it, nothing more."""
    who = await world.member("+8619955507705")

    def work(fault: str = "") -> int:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
        return subprocess.run(
            [sys.executable, "-c", WORKER, access.dsn, str(who.id)],
            env=environment | {"DUOLINE_FAULT": fault, "DUOLINE_HOME": str(tmp_path), "PYTHONPATH": "src"},
            cwd=Path(__file__).parents[2],
            check=False,
        ).returncode

    assert await asyncio.to_thread(work, f"{point}:kill") == -9
    counted = await world.db.fetchrow("SELECT count(*) AS erased, count(swept_at) AS swept FROM erasures")
    assert counted is not None
    assert (counted["erased"], counted["swept"]) == (erased, swept)
    assert await asyncio.to_thread(work) == 0
    row = await world.db.fetchrow("SELECT traces, swept_at IS NOT NULL AS swept FROM erasures")
    assert row is not None
    assert (row["traces"], row["swept"]) == (None, True)
    assert await found(world.db, ("19955507705",)) == set()
    assert await broken(world.db) == []


# --- the registry ------------------------------------------------------------------------------------------

# Columns by which a table can be about a member.
TELLING = {"member_id", "buyer_id", "for_member_id", "guest_id", "phone", "contact_phone", "contact_name", "actor_id"}


def test_every_table_about_members_is_registered() -> None:
    held = {each.table for each in personal_data.HELD}
    assert len(held) == len(personal_data.HELD)
    missing = []
    for name, table in metadata.tables.items():
        of_members = registry[name].placement.group == "member"
        about = TELLING & {column.name for column in table.columns}
        staff_only = about == {"actor_id"} and not of_members
        if (of_members or about) and not staff_only and name not in held | set(personal_data.NOT_PERSONAL):
            missing.append(name)
    assert missing == []
    assert held <= set(metadata.tables)


def test_what_is_not_exported_says_why() -> None:
    for each in personal_data.HELD:
        assert bool(each.why) != (each.kind is not None), each.table
        columns = {column.name for column in metadata.tables[each.table].columns}
        assert set(each.hidden) <= columns, each.table
        assert not (each.forget and registry[each.table].append_only), each.table
        assert each.history == bool(registry[each.table].erasable) or not each.history, each.table


@pytest.mark.usefixtures("milk")
async def test_an_erasure_that_would_leave_a_number_stops(world: World) -> None:
    who = await world.member("+8619955507704")
    held = personal_data.HELD
    try:
        personal_data.HELD = tuple(each for each in held if each.table != "phone_index")
        with pytest.raises(Fault, match="MEM-5"):
            async with world.db.begin() as tx:
                await erase_member.erase(
                    tx, member_id=who.id or new_id(), secret=world.settings.secret, channel="mall", actor=SYSTEM
                )
    finally:
        personal_data.HELD = held
    assert await world.db.fetchval("SELECT count(*) FROM erasures") == 0
