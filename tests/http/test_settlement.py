"""Settlement over the wire: from a sale to the statement, its approval, the payout and the file, each as who may."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import openpyxl
import pytest

from duoline import settlement
from duoline.channels.console import payouts as console_payouts
from duoline.channels.console import statements as console_statements
from duoline.channels.http.table import Column, Table
from duoline.entry.check import broken
from duoline.flows import credit
from duoline.kernel import clock, outbox, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.settlement import closing, parts, payouts
from duoline.stores import directory
from tests.http.shelf import NOON, stocked
from tests.http.test_returns import asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import World

PRICE = 19_900
CONSUMER = credit.CONSUMER
MONTH = {"month": "2026-11"}
DECEMBER = NOON + timedelta(days=20)


@pytest.fixture
async def sold(world: World) -> AsyncIterator[dict[str, Any]]:
    """Two sold by clerk1 at the till of S1, and due."""
    with clock.frozen(NOON):
        milk = await stocked(world, "MILK", PRICE, {"S1": 9})
        body = {
            "store": "S1", "lines": [{"sku_id": milk, "quantity": 2}], "tender": "cash",
            "tendered": {"minor": 100_000, "currency": "CNY"},
        }  # fmt: skip
        sale = await world.staff("clerk1").post("/api/clerk/sales", body)
        assert sale.status_code == 201, sale.text
        await told(world)
    with clock.frozen(NOON + timedelta(days=9)):
        await settlement.mature(world.db)
    # Who is logged in stays so until December.
    await world.db.execute("UPDATE staff_sessions SET expires_at = $1", DECEMBER + timedelta(days=9))
    with clock.frozen(DECEMBER):
        yield sale.json()["order"]
    policies._versions.clear()
    assert await broken(world.db) == []


async def told(world: World) -> None:
    while await world.db.fetchval("SELECT duo_relay(500)"):
        pass
    while await outbox.consume_once(world.db, outbox.consumers[CONSUMER]):
        pass


async def closed(world: World) -> dict[str, dict[str, Any]]:
    """November's statements by kind of payee."""
    hq = world.staff("hq")
    answer = await hq.post("/api/console/settlement-months", MONTH)
    assert answer.status_code == 202, answer.text
    await closing.close(world.db, closing.Closing(UUID(answer.json()["id"])))
    rows = (await hq.get("/api/console/statements?month=2026-11")).json()["items"]
    return {row["payee"]["kind"]: row for row in rows}


async def test_a_clerk_sees_what_they_earn_and_headquarters_why(world: World, sold: dict[str, Any]) -> None:
    clerk, hq = world.staff("clerk1"), world.staff("hq")
    mine = (await clerk.get("/api/clerk/earnings")).json()
    assert (mine["due"]["minor"], mine["pending"]["minor"], mine["orders"]) == (398, 0, 1)
    assert mine["months"] == [
        {"month": "2026-11", "earned": {"minor": 398, "currency": "CNY"}, "paid": {"minor": 398, "currency": "CNY"}}
    ]
    [share] = (await clerk.get("/api/clerk/earnings/shares")).json()["items"]
    assert (share["role"], share["rate_bp"], share["basis"]["minor"]) == ("seller", 100, 2 * PRICE)
    assert (share["reversed"]["minor"], share["went"]) == (0, None)
    assert (await world.staff("clerk2").get("/api/clerk/earnings")).json()["due"]["minor"] == 0
    whole = (await hq.get(f"/api/console/orders/{sold['id']}/shares")).json()
    sums: dict[str, int] = {}
    for one in whole["shares"]:
        sums[one["share"]["book"]] = sums.get(one["share"]["book"], 0) + one["share"]["earned"]["minor"]
    assert sums == {"commission": 398, "allocation": 2 * PRICE}
    assert (await world.staff("manager1").get(f"/api/console/orders/{sold['id']}/shares")).status_code == 403


async def test_payees_are_found_paged_and_shown_to_their_own(world: World, sold: dict[str, Any]) -> None:
    hq = world.staff("hq")
    first = (await hq.get("/api/console/payees?limit=2")).json()
    rest = (await hq.get(f"/api/console/payees?limit=50&cursor={first['next']}")).json()
    rows = first["items"] + rest["items"]
    assert [row["payee"]["kind"] for row in rows].count("staff") == 1
    assert len({row["payee"]["id"] for row in rows}) == len(rows) == 3
    [clerk] = (await hq.get("/api/console/payees?kind=staff")).json()["items"]
    page = (await hq.get(f"/api/console/payees/{clerk['payee']['id']}")).json()
    assert page["payee"]["due"]["minor"] == 398
    assert [row["month"] for row in page["months"]] == ["2026-11"]
    shares = (await hq.get(f"/api/console/payees/{clerk['payee']['id']}/shares?which=matured&limit=1")).json()
    assert shares["items"][0]["order_no"] == sold["order_no"]
    assert (await hq.get(f"/api/console/payees/{clerk['payee']['id']}/shares?which=flagged")).json()["items"] == []
    # A manager sees the shop, and nobody else.
    own = (await world.staff("manager1").get("/api/console/payees")).json()["items"]
    assert [(row["payee"]["kind"], row["payee"]["note"]) for row in own] == [("store", "S1")]
    assert (await world.staff("manager2").get("/api/console/payees")).json()["items"] == []
    assert [row["payee"]["note"] for row in (await hq.get("/api/console/payees?q=s1")).json()["items"]] == ["S1"]


async def test_a_statement_is_closed_disputed_answered_approved_paid_and_handed_out(
    world: World, sold: dict[str, Any]
) -> None:
    hq, clerk = world.staff("hq"), world.staff("clerk1")
    assert (await hq.post("/api/console/settlement-months", {"month": "2026-12"})).status_code == 409
    one = (await closed(world))["staff"]
    assert (one["state"], one["to_pay"]["minor"], one["way"]) == ("closed", 398, "payout")
    own = f"/api/clerk/statement-lines/{one['id']}"
    [behind] = (await clerk.get(own)).json()["items"]
    assert (behind["amount"]["minor"], behind["share"]["order_tail"]) == (398, sold["order_no"][-4:])
    assert (await world.staff("clerk2").get(own)).status_code == 404
    said = await clerk.post("/api/clerk/statements/2026-11/notes", {"note": "少了一单"})
    assert (said.status_code, said.json()["notes"][0]["kind"]) == (201, "dispute")
    assert (await world.staff("clerk2").post("/api/clerk/statements/2026-11/notes", {"note": "x"})).status_code == 404
    path = f"/api/console/statements/{one['id']}"
    disputed = (await hq.get(path)).json()["statement"]
    assert (disputed["disputed"], disputed["mine_to_approve"]) == (True, False)
    refused = await hq.post(f"{path}/approval")
    assert (refused.status_code, refused.json()["code"]) == (409, "settlement.disputed")
    answered = (await hq.post(f"{path}/notes", {"note": "已核对"})).json()
    assert [note["kind"] for note in answered["notes"]] == ["dispute", "answer"]
    assert answered["statement"]["mine_to_approve"] is True
    done = await hq.post(f"{path}/approval")
    assert done.json()["statement"]["state"] == "approved", done.text
    assert (await hq.post(f"{path}/approval")).status_code == 409
    lines = (await hq.get(f"{path}/lines")).json()["items"]
    assert [(line["amount"]["minor"], line["share"]["order_no"]) for line in lines] == [(398, sold["order_no"])]
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    [payout] = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
    rows = list(csv.reader(io.StringIO((await hq.get(f"/api/console/payout-runs/{run['id']}/file")).text[1:])))
    assert rows[1][0] == payout["id"]
    assert rows[1][4:] == ["3.98", "CNY", "requested"]
    unsaid = await hq.post(f"/api/console/payouts/{payout['id']}/outcome", {"outcome": "failed"})
    assert unsaid.status_code == 422
    paid = await hq.post(f"/api/console/payouts/{payout['id']}/outcome", {"outcome": "done"})
    assert paid.json()["state"] == "done"
    assert (await clerk.get("/api/clerk/earnings")).json()["paid"]["minor"] == 398
    assert (await clerk.get("/api/clerk/statements")).json()["items"][0]["state"] == "paid"
    [month] = (await hq.get("/api/console/settlement-months")).json()["items"]
    assert (month["statements"], month["paid"], month["closed"]) == (3, 1, 2)
    assert (await hq.get("/api/console/payout-runs")).json()["items"][0]["done"] == 1


async def test_closing_says_how_far_it_is_to_whoever_may_close(world: World, sold: dict[str, Any]) -> None:
    hq, path = world.staff("hq"), "/api/console/settlement-closings"
    first = (await hq.post("/api/console/settlement-months", MONTH)).json()
    assert (first["state"], first["by"], first["payees_total"]) == ("queued", "hq", None)
    assert (await hq.post("/api/console/settlement-months", MONTH)).json()["id"] == first["id"]
    await closing.close(world.db, closing.Closing(UUID(first["id"])))
    done = (await hq.get(f"{path}/{first['id']}")).json()
    assert (done["state"], done["payees_done"], done["payees_total"]) == ("done", 3, 3)
    assert (done["shares_done"], done["shares_total"], done["problem"]) == (5, 5, None)
    second = (await hq.post("/api/console/settlement-months", MONTH)).json()
    page = (await hq.get(f"{path}?limit=1")).json()
    assert [one["id"] for one in page["items"]] == [second["id"]]
    assert (await hq.get(f"{path}?cursor={page['next']}")).json()["items"] == [done]
    for who in ("manager1", "clerk1"):
        assert (await world.staff(who).get(path)).status_code == 403
    assert (await hq.get(f"{path}/{UUID(int=5)}")).status_code == 404
    await closing.close(world.db, closing.Closing(UUID(second["id"])))


async def test_half_a_statement_is_shown_as_such_and_handed_to_nobody(
    world: World, sold: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SHARES", 1)
    clerk, hq = world.staff("clerk1"), world.staff("hq")
    me = world.staff_ids["clerk1"]
    assert await parts.close_part(world.db, me, "2026-11", pays=True, actor=SYSTEM) == "part"
    [half] = (await hq.get("/api/console/statements?which=closing")).json()["items"]
    assert (half["state"], half["mine_to_approve"], half["to_pay"]["minor"]) == ("closing", False, 0)
    path = f"/api/console/statements/{half['id']}"
    for refused in (await hq.get(f"{path}/file"), await hq.post(f"{path}/approval"), await hq.post(f"{path}/notes", {"note": "x"})):  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (409, "settlement.still-closing")
    assert (await clerk.get("/api/clerk/statements")).json()["items"] == []
    assert (await clerk.post("/api/clerk/statements/2026-11/notes", {"note": "x"})).status_code == 404
    [month] = (await hq.get("/api/console/settlement-months")).json()["items"]
    assert (month["statements"], month["closing"], month["closed"]) == (1, 1, 0)
    assert len(await closed(world)) == 3
    assert (await clerk.get("/api/clerk/statements")).json()["items"][0]["to_pay"]["minor"] == 398


async def approvals(world: World, ids: list[str], *, who: str = "hq", key: str | None = None) -> list[dict[str, Any]]:
    more = {"Idempotency-Key": key} if key else {}
    answer = await world.staff(who).post("/api/console/statement-approvals", {"statements": ids}, headers=more)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_many_are_approved_in_one_go_each_by_its_own_rules(world: World, sold: dict[str, Any]) -> None:
    """One disputed, one above the limit, one that is simple, one that is nobody's: said of each, done once."""
    async with world.db.begin() as tx:
        body = settlement.StatementPolicy(two_above_minor=20_000)
        await policies.set_version(tx, actor=SYSTEM, kind="statements", body=body, reason="test")
    await policies.refresh(world.db)
    rows = await closed(world)
    staff, above = rows["staff"], [row for row in rows.values() if row["approvals_needed"] == 2]
    assert len(above) == 1
    simple = next(row for row in rows.values() if row["approvals_needed"] == 1 and row != staff)
    await world.staff("clerk1").post("/api/clerk/statements/2026-11/notes", {"note": "少了一单"})
    ids = [staff["id"], above[0]["id"], simple["id"], str(UUID(int=9)), simple["id"]]
    key = "many-approvals-1"
    found = await approvals(world, ids, key=key)
    assert [(one["id"], one["outcome"], one["code"]) for one in found] == [
        (staff["id"], "refused", "settlement.disputed"),
        (above[0]["id"], "waits", None),
        (simple["id"], "approved", None),
        (str(UUID(int=9)), "refused", "kernel.not-found"),
    ]
    assert found[0]["says"]["en"].startswith("This statement is disputed")
    assert [one["amount"] for one in found[:3]] == [staff["to_pay"], above[0]["to_pay"], simple["to_pay"]]
    assert await approvals(world, ids, key=key) == found
    # Under another key, as after an answer that was lost with its key: what is done is told as it stands.
    assert await approvals(world, ids) == found
    assert await world.db.fetchval("SELECT count(*) FROM statement_approvals") == 2
    assert await world.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'statement.approve'") == 2
    rows = {row["id"]: row for row in (await world.staff("hq").get("/api/console/statements")).json()["items"]}
    assert rows[above[0]["id"]]["mine_to_approve"] is False
    assert rows[simple["id"]]["state"] in ("approved", "paid")
    too_many = {"statements": [str(UUID(int=n)) for n in range(101)]}
    for wrong in (too_many, {"statements": []}):
        assert (await world.staff("hq").post("/api/console/statement-approvals", wrong)).status_code == 422
    assert (await world.staff("manager1").post("/api/console/statement-approvals", {"statements": ids})).status_code == 403  # fmt: skip


async def test_the_same_many_at_once_are_approved_once(world: World, sold: dict[str, Any]) -> None:
    ids = [row["id"] for row in (await closed(world)).values()]
    answers = await asyncio.gather(*(approvals(world, ids) for _ in range(4)))
    assert all(one == answers[0] for one in answers)
    assert {one["outcome"] for one in answers[0]} == {"approved"}
    assert await world.db.fetchval("SELECT count(*) FROM statement_approvals") == 3


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
async def test_a_statement_is_handed_out_as_a_file(world: World, sold: dict[str, Any], kind: str) -> None:
    one = (await closed(world))["staff"]
    answer = await world.staff("hq").get(f"/api/console/statements/{one['id']}/file?kind={kind}")
    assert answer.status_code == 200, answer.text
    assert f'filename="statement-2026-11.{kind}"' in answer.headers["content-disposition"]
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(answer.text[1:])))
        assert rows[1][0] == sold["order_no"]
        assert rows[1][-2:] == ["398.00", "3.98"]
    elif kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True).worksheets[0]
        last = [cell.value for cell in list(sheet.rows)[-1]]
        assert (last[0], float(last[-1])) == (sold["order_no"], 3.98)
    else:
        assert answer.content.startswith(b"%PDF-")


async def test_no_file_leaves_anybody_or_anything_out(
    world: World, sold: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.staff("hq")
    monkeypatch.setattr(console_statements, "FILE_PAGE", 1)
    monkeypatch.setattr(console_payouts, "FILE_PAGE", 1)
    with clock.frozen(NOON + timedelta(days=2)):
        for who in ("clerk1", "manager1", "clerk1"):
            body = {
                "store": "S1", "lines": [{"sku_id": sold["lines"][0]["sku_id"], "quantity": 1}], "tender": "cash",
                "tendered": {"minor": 100_000, "currency": "CNY"},
            }  # fmt: skip
            assert (await world.staff(who).post("/api/clerk/sales", body)).status_code == 201
        await told(world)
    with clock.frozen(NOON + timedelta(days=11)):
        while await settlement.mature(world.db):
            pass
    await closed(world)
    people = (await hq.get("/api/console/statements?month=2026-11&kind=staff")).json()["items"]
    assert len(people) == 2
    for one in people:
        path = f"/api/console/statements/{one['id']}"
        rows = list(csv.reader(io.StringIO((await hq.get(f"{path}/file?kind=csv")).text[1:])))
        assert len(rows) - 1 == (3 if one["payee"]["name"]["zh"] == "clerk1" else 1)
        with monkeypatch.context() as few:
            few.setattr(console_statements, "DRAWN_MAX", 2)
            drawn = await hq.get(f"{path}/file?kind=pdf")
        if len(rows) - 1 > 2:
            assert (drawn.status_code, drawn.json()["code"]) == (409, "settlement.file-too-long")
        else:
            assert drawn.content.startswith(b"%PDF-")
        assert (await hq.post(f"{path}/approval")).status_code == 200
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    file = f"/api/console/payout-runs/{run['id']}/file"

    async def listed() -> list[str]:
        return [row[3] for row in csv.reader(io.StringIO((await hq.get(file)).text[1:]))][1:]

    assert sorted(await listed()) == ["clerk1", "manager1"]
    # What ended is seen on the page, and is in no file any more: handed in again it would be paid twice.
    rows = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
    for row, outcome in zip(rows, ("done", "failed"), strict=True):
        ended = {"outcome": outcome, "problem": "no such account" if outcome == "failed" else ""}
        assert (await hq.post(f"/api/console/payouts/{row['id']}/outcome", ended)).status_code == 200
        assert row["payee"]["name"]["zh"] not in await listed()
    assert await listed() == []
    rows = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
    assert sorted(row["state"] for row in rows) == ["done", "failed"]
    again = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(again["id"]), "2026-11"))
    new = (await hq.get(f"/api/console/payout-runs/{again['id']}/file")).text
    assert rows[1]["payee"]["name"]["zh"] in new
    assert rows[1]["id"] not in new


async def test_the_file_is_read_in_full_pages_whoever_executes_the_payouts_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, to_file = new_id(), []
    async with world.db.begin() as tx:
        await tx.execute(
            "INSERT INTO payout_runs (id, month, actor, at) VALUES ($1, '2026-11', 'system:x', now())", run_id
        )
        for n in range(15):
            payee_id, payout_id = new_id(), new_id()
            provider = "" if n % 3 == 0 else "sandbox"  # two of three go by the provider
            to_file += [] if provider else [str(payout_id)]
            await tx.execute("INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'staff', now())", payee_id)
            await tx.execute(
                """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor,
                                           reversed_minor, cut_minor, to_pay_minor, carried_out_minor, state,
                                           approvals_needed, closed_by, closed_at)
                   VALUES ($1, $1, 'staff', '2026-11', 'payout', 0, 100, 0, 0, 100, 0, 'paying', 1, 'system:x', now())""",
                payee_id,
            )
            await tx.execute(
                """INSERT INTO payouts (payee_id, id, statement_id, run_id, amount_minor, currency, state, provider,
                                        receiver, actor, at)
                   VALUES ($1, $2, $1, $3, 100, 'CNY', 'requested', $4, $4, 'system:x', now())""",
                payee_id, payout_id, run_id, provider,
            )  # fmt: skip
    monkeypatch.setattr(console_payouts, "FILE_PAGE", 2)
    pages = console_payouts._waiting(world.db, directory.current(), run_id)
    assert [len(page) async for page in pages] == [2, 2, 1]
    hq, path = world.staff("hq"), f"/api/console/payout-runs/{run_id}"
    rows = list(csv.reader(io.StringIO((await hq.get(f"{path}/file")).text[1:])))
    assert [row[0] for row in rows[1:]] == to_file
    # The page in the console has all of them.
    seen: list[str] = []
    more = f"{path}/payouts?limit=10"
    while more:
        page = (await hq.get(more)).json()
        seen += [row["id"] for row in page["items"]]
        more = f"{path}/payouts?limit=10&cursor={page['next']}" if page["next"] else ""
    assert len(seen) == 15
    assert [one for one in seen if one in to_file] == to_file


async def test_shares_of_one_line_handed_over_at_many_places_are_paged_without_a_gap(world: World) -> None:
    shop = world.stores["S1"]
    async with world.db.begin() as tx:
        await tx.execute("INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'store', now())", shop)
        await tx.execute(
            """INSERT INTO accruals (payee_id, order_id, line_id, book, role, location_id, member_id, payee_kind,
                                     rate_bp, basis_minor, gross_minor, earned_minor, at, updated_at)
               SELECT $1, $2, $2, 'allocation', 'guide_store', gen_random_uuid(), $2, 'store', 0, 0, 0, n, now(), now()
               FROM generate_series(1, 5) n""",
            shop,
            new_id(),
        )
    seen: list[int] = []
    path = more = f"/api/console/payees/{shop}/shares?limit=2"
    while more:
        page = (await world.staff("hq").get(more)).json()
        seen += [row["earned"]["minor"] for row in page["items"]]
        more = f"{path}&cursor={page['next']}" if page["next"] else ""
    assert sorted(seen) == [1, 2, 3, 4, 5]


def test_no_cell_of_a_file_is_a_formula() -> None:
    table = Table("t", [], [Column("a"), Column("b", "money")], [["=1+1", -105], ["@x", 0]])
    assert list(csv.reader(io.StringIO(table.as_csv().decode("utf-8-sig")))) == [
        ["a", "b"], ["'=1+1", "-1.05"], ["'@x", "0.00"],
    ]  # fmt: skip


async def test_a_plan_is_checked_and_a_second_level_signed_off(world: World, sold: dict[str, Any]) -> None:
    hq = world.staff("hq")
    bad = (await hq.post("/api/console/commission/checks", {"levels": 3, "per_recruit_minor": 100})).json()
    assert bad["lawful"] is False
    assert [one["rule"] for one in bad["findings"] if one["refused"]] == ["depth", "recruit"]
    plan = {"body": {"levels": 2, "second_bp": 100}, "reason": "try"}
    refused = await hq.put("/api/console/policies/commission", plan)
    assert (refused.status_code, refused.json()["code"]) == (409, "settlement.sign-off-missing")
    three = await hq.put("/api/console/policies/commission", {"body": {"levels": 3}, "reason": "try"})
    assert three.status_code == 422
    signed = await hq.post("/api/console/commission/sign-offs", {"document": "B-12", "reason": "board"})
    assert signed.status_code == 201, signed.text
    again = await hq.post("/api/console/commission/sign-offs", {"document": "B-13", "reason": "board"})
    assert again.json()["code"] == "settlement.sign-off-there"
    assert (await hq.put("/api/console/policies/commission", plan)).status_code == 200
    path = f"/api/console/commission/sign-offs/{signed.json()['id']}/revocation"
    assert (await hq.post(path, {"reason": "x"})).json()["code"] == "settlement.two-levels-in-force"
    assert (await world.staff("manager1").post("/api/console/commission/sign-offs", {"document": "x", "reason": "x"})).status_code == 403  # fmt: skip


async def test_the_evidence_says_that_nobody_is_paid_for_recruiting(world: World, sold: dict[str, Any]) -> None:
    hq = world.staff("hq")
    figures = (await hq.get("/api/console/commission/evidence")).json()
    assert (figures["level_1"], figures["level_2"], figures["deeper"], figures["without_orders"]) == (1, 0, 0, 0)
    assert figures["own_sales"]["minor"] == figures["earned"]["minor"] == 398
    pack = zipfile.ZipFile(io.BytesIO((await hq.get("/api/console/commission/evidence.zip")).content))
    assert set(pack.namelist()) == {"figures.json", "plans.json", "sign-offs.json", "flagged.csv", "earned.csv"}
    assert msgspec.json.decode(pack.read("figures.json"))["earned"]["minor"] == 398
    assert b"398" in pack.read("earned.csv")


async def returned(world: World, order: dict[str, Any], quantity: int = 1) -> None:
    """Brought back to S1, and told of."""
    await world.db.execute("UPDATE stores SET returns = true, version = version + 1")
    clerk, ask = world.staff("clerk1"), asked(order, quantity)
    quote = await clerk.post("/api/clerk/return-quotes", ask)
    taken = await clerk.post("/api/clerk/returns", ask | {"expected_refund": quote.json()["refund"]})
    assert taken.status_code == 201, taken.text
    await told(world)


async def test_what_came_back_before_a_statement_shows_as_taken_back_and_counts_no_order(
    world: World, sold: dict[str, Any]
) -> None:
    clerk = world.staff("clerk1")
    with clock.frozen(NOON + timedelta(days=2)):
        await returned(world, sold)
        half = (await clerk.get("/api/clerk/earnings")).json()
        assert (half["reversed"]["minor"], half["orders"]) == (199, 1)
        [share] = (await clerk.get("/api/clerk/earnings/shares")).json()["items"]
        assert (share["earned"]["minor"], share["reversed"]["minor"], share["went"]) == (199, 199, "returned")
        await returned(world, sold)
        [share] = (await clerk.get("/api/clerk/earnings/shares")).json()["items"]
        assert (share["earned"]["minor"], share["reversed"]["minor"], share["went"]) == (0, 398, "returned")
        assert share["order_tail"] == sold["order_no"][-4:]
    # A guide's new member is no order.
    async with world.db.begin() as tx:
        await settlement.tell_bringing(
            tx, member_id=new_id(), guide_id=world.staff_ids["clerk1"], binding_id=new_id(), minor=500,
            due_at=DECEMBER, actor=SYSTEM,
        )  # fmt: skip
    mine = (await clerk.get("/api/clerk/earnings")).json()
    assert (mine["reversed"]["minor"], mine["orders"], mine["pending"]["minor"]) == (398, 0, 500)
    assert (await clerk.get("/api/clerk/statements")).json()["items"] == []


async def test_the_evidence_is_of_the_months_asked_for_with_refunds_and_flags_in_it(
    world: World, sold: dict[str, Any]
) -> None:
    hq = world.staff("hq")
    with clock.frozen(NOON + timedelta(days=2)):
        await returned(world, sold)
        # The clerk's own number: flagged, and paid nothing.
        await world.db.execute("UPDATE staff SET phone = '+8613900000077' WHERE id = $1", world.staff_ids["clerk1"])
        milk = await world.db.fetchval("SELECT sku_id FROM order_lines LIMIT 1")
        own = await world.staff("clerk1").post(
            "/api/clerk/sales",
            {
                "store": "S1", "lines": [{"sku_id": str(milk), "quantity": 1}], "tender": "cash", "phone": "13900000077",
                "tendered": {"minor": 100_000, "currency": "CNY"},
            },
        )  # fmt: skip
        assert own.status_code == 201, own.text
        await told(world)
    figures = (await hq.get("/api/console/commission/evidence?months=1")).json()
    assert (figures["earned"]["minor"], figures["taken_back"]["minor"]) == (199, 199)
    assert figures["flagged"] == {"phone": 1}
    pack = zipfile.ZipFile(io.BytesIO((await hq.get("/api/console/commission/evidence.zip?months=1")).content))
    [_, flagged] = csv.reader(io.StringIO(pack.read("flagged.csv").decode("utf-8-sig")))
    assert flagged[1:] == [
        str(world.staff_ids["clerk1"]), "seller", "1", "phone", own.json()["order"]["order_no"],
    ]  # fmt: skip
    assert msgspec.json.decode(pack.read("figures.json"))["taken_back"]["minor"] == 199
    # Two months later none of it was credited within the month.
    await world.db.execute("UPDATE staff_sessions SET expires_at = $1", DECEMBER + timedelta(days=90))
    with clock.frozen(DECEMBER + timedelta(days=60)):
        later = (await hq.get("/api/console/commission/evidence?months=1")).json()
        assert (later["earned"]["minor"], later["taken_back"]["minor"], later["flagged"]) == (0, 0, {})
        pack = zipfile.ZipFile(io.BytesIO((await hq.get("/api/console/commission/evidence.zip?months=1")).content))
        assert len(list(csv.reader(io.StringIO(pack.read("flagged.csv").decode("utf-8-sig"))))) == 1


async def test_a_month_under_other_rules(world: World, sold: dict[str, Any]) -> None:
    hq = world.staff("hq")
    same = (await hq.post("/api/console/settlement/simulations", MONTH)).json()
    assert same["orders"] == 1
    assert all(row["before"] == row["after"] for row in same["payees"])
    draft = MONTH | {"commission": {"seller_bp": 300}, "allocation": {"hand_over_store": 0}}
    other = (await hq.post("/api/console/settlement/simulations", draft)).json()
    assert (other["commission_before"]["minor"], other["commission_after"]["minor"]) == (398, 1194)
    assert other["allocation_before"] == other["allocation_after"]
    shop = next(row for row in other["payees"] if row["payee"]["kind"] == "store")
    assert shop["after"]["minor"] < shop["before"]["minor"]
    # Another contract with who runs the shop: the goods become the company's, and are worth nine tenths.
    terms = {
        "company": "HQ", "mode": "franchise", "stock_owner": "company", "price_right": "chain", "promo_payer": "company",
        "goods_percent": 90,
    }  # fmt: skip
    owned = (await hq.post("/api/console/settlement/simulations", MONTH | {"contracts": {"contracts": [terms]}})).json()
    assert owned["allocation_before"] == owned["allocation_after"]
    own = next(row for row in owned["payees"] if row["payee"]["kind"] == "company")
    assert (own["before"]["minor"], own["after"]["minor"] >= 2 * PRICE * 9 // 10) == (0, True)
    assert next(row for row in owned["payees"] if row["payee"]["kind"] == "chain")["after"]["minor"] < 2 * PRICE // 10
    direct = terms | {"mode": "direct"}
    refused = await hq.post("/api/console/settlement/simulations", MONTH | {"contracts": {"contracts": [direct]}})
    assert (refused.status_code, "stock_owner" in refused.text) == (422, True)
    wrong = MONTH | {"allocation": {"headquarters": 90}}
    assert (await hq.post("/api/console/settlement/simulations", wrong)).status_code == 422


async def test_who_shares_sees_what_they_earn(world: World, sold: dict[str, Any]) -> None:
    member = await world.member("+8613900000001")
    mine = (await member.get("/api/mall/earnings")).json()
    assert (mine["due"]["minor"], mine["orders"], mine["months"]) == (0, 0, [])
    assert (await member.get("/api/mall/earnings/shares")).json()["items"] == []
    assert (await member.get("/api/mall/statements")).json()["items"] == []
    assert (await member.post("/api/mall/statements/2026-11/notes", {"note": "x"})).status_code == 404


@pytest.mark.parametrize("month", ["0000-01", "9999-12", "2026-13", "2026-1"])
async def test_a_month_that_no_calendar_has_is_not_tried(world: World, month: str) -> None:
    answer = await world.staff("hq").post("/api/console/settlement/simulations", {"month": month})
    assert answer.status_code in (400, 422), answer.text
