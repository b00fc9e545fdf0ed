"""Settlement over the wire: from a sale to the statement, its approval, the payout and the file, each as who may."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import openpyxl
import pytest

from duoline import settlement
from duoline.channels.console import payouts as console_payouts
from duoline.channels.console import share_words, statement_files
from duoline.channels.console import statements as console_statements
from duoline.channels.http.table import Column, Table
from duoline.entry.check import broken
from duoline.flows import credit
from duoline.kernel import clock, outbox, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.settlement import closing, parts, payout_quotes, payouts
from duoline.stores import directory
from duoline.stores.types import CHAIN_ID
from tests.http.shelf import NOON, stocked
from tests.http.test_returns import asked
from tests.http.world import _staff

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
    file = await clerk.get("/api/clerk/earnings.csv")
    assert file.status_code == 200, file.text
    head, line, *more = file.text.lstrip("\ufeff").splitlines()
    assert (head.split(",")[0], more) == ("日期 Date", [])
    assert line.split(",")[3:8] == [
        "开单 seller",
        "1%",
        f"{2 * PRICE / 100:.2f}",
        f"{share['earned']['minor'] / 100:.2f}",
        "0.00",
    ]
    assert (await world.staff("clerk2").get("/api/clerk/earnings.csv")).text.count("\n") == 1
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
    for q, n in (("clerk1", 1), (" LERK ", 1), ("%", 0), ("clerk_", 0), ("\\", 0)):
        assert len((await hq.get("/api/console/payees", params={"q": q})).json()["items"]) == n, q


@pytest.mark.parametrize("sort", ["name", "-name", "due", "-due", "paid_at", "-paid_at", "-most"])
async def test_payees_are_paged_in_every_order_also_among_equals(world: World, sold: dict[str, Any], sort: str) -> None:
    hq, ids = world.staff("hq"), sorted(new_id() for _ in range(6))
    for n, payee in enumerate(ids):
        who = await world.member(f"+861390000010{n}")
        await world.db.execute(
            "UPDATE members SET display_name = $2 WHERE member_id = $1", who.id, ("赵芳", "闫雷")[n % 2]
        )
        await world.db.execute(
            "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'member', $2)", who.id, clock.now()
        )
        if n % 3:
            await world.db.execute(
                """INSERT INTO statements (payee_id, id, kind, month, way, carried_in_minor, earned_minor, reversed_minor,
                       cut_minor, to_pay_minor, carried_out_minor, state, approvals_needed, closed_by, closed_at, done_at)
                   VALUES ($1, $2, 'member', '2026-10', 'internal', 0, 0, 0, 0, 0, 0, 'paid', 1, 'system', $3, $3)""",
                who.id, payee, NOON + timedelta(days=n % 2),
            )  # fmt: skip

    async def page(limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
            answer = await hq.get("/api/console/payees", params=asked)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            cursor = answer.json()["next"]
        return found

    whole = await page(100)
    assert len(whole) == 9
    # By pinyin: yan, zhao; by their bytes it would be the other way round, and Latin is before both.
    others = {one["payee"]["name"]["zh"] for one in whole} - {"闫雷", "赵芳"}
    names = [*sorted(others, key=str.lower), "闫雷", "赵芳"]
    by = {
        "name": lambda one: names.index(one["payee"]["name"]["zh"]), "due": lambda one: one["due"]["minor"],
        "paid_at": lambda one: one["paid_at"] or "", "most": lambda one: one["due"]["minor"] + one["pending"]["minor"],
    }[sort.removeprefix("-")]  # fmt: skip
    values = [by(one) for one in whole if one["payee"]["kind"] != "chain"]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert len(set(values)) < len(values)
    for limit in (1, 2, 4):
        assert [one["payee"]["id"] for one in await page(limit)] == [one["payee"]["id"] for one in whole]
    await world.db.execute("DELETE FROM statements WHERE month = '2026-10'")


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
    assert rows[1][4:12] == ["", "", "", "", "", "3.98", "CNY", one["no"]]
    assert "没有银行账户" in rows[1][13]
    assert await world.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'payout.file'") == 1
    unsaid = await hq.post(f"/api/console/payouts/{payout['id']}/outcome", {"outcome": "failed"})
    assert unsaid.status_code == 422
    paid = await hq.post(f"/api/console/payouts/{payout['id']}/outcome", {"outcome": "done"})
    assert paid.json()["state"] == "done"
    assert (await clerk.get("/api/clerk/earnings")).json()["paid"]["minor"] == 398
    assert (await clerk.get("/api/clerk/statements")).json()["items"][0]["state"] == "paid"
    [month] = (await hq.get("/api/console/settlement-months")).json()["items"]
    assert (month["statements"], month["paid"], month["closed"]) == (3, 1, 2)
    assert (month["to_pay"]["minor"], month["paid_out"]["minor"], month["booked"]["minor"]) == (398, 398, 0)
    assert (await hq.get("/api/console/payout-runs")).json()["items"][0]["done"] == 1


async def quoted(world: World, *, who: str = "hq") -> dict[str, Any]:
    answer = await world.staff(who).get("/api/console/payout-quotes?month=2026-11")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_is_confirmed_is_what_a_run_pays(world: World, sold: dict[str, Any]) -> None:
    """What is disputed waits and is in no sum; what was approved after the quote is not paid unseen."""
    hq, clerk = world.staff("hq"), world.staff("clerk1")
    one = (await closed(world))["staff"]
    path = f"/api/console/statements/{one['id']}"
    assert (await hq.post(f"{path}/approval")).status_code == 200
    now = await quoted(world)
    assert (now["statements"], now["amount"]["minor"], now["disputed"], now["by_file"]) == (1, 398, 0, 1)
    assert [(each["payee"]["name"]["zh"], each["amount"]["minor"]) for each in now["without_account"]] == [
        ("clerk1", 398)
    ]
    await clerk.post("/api/clerk/statements/2026-11/notes", {"note": "少了一单"})
    held = await quoted(world)
    assert (held["statements"], held["amount"]["minor"], held["without_account"]) == (0, 0, [])
    assert (held["disputed"], held["disputed_amount"]["minor"]) == (1, 398)
    [disputed] = (await hq.get("/api/console/statements?which=disputed")).json()["items"]
    assert disputed["id"] == one["id"]
    moved = await hq.post("/api/console/payout-runs", MONTH | {"amount": now["amount"]})
    assert (moved.status_code, moved.json()["code"]) == (409, "settlement.quote-moved")
    assert "¥0.00" in moved.text
    await hq.post(f"{path}/notes", {"note": "已核对"})
    run = await hq.post("/api/console/payout-runs", MONTH | {"amount": now["amount"]})
    assert (run.status_code, len(run.json()["no"])) == (201, 6)
    # Approved after the run had begun: in nobody's sum, so the next run's.
    await world.db.execute("UPDATE payout_runs SET at = at - interval '1 second'")
    assert await payouts.pay_all(world.db, payouts.Run(UUID(run.json()["id"]), "2026-11")) == 0
    await world.db.execute("UPDATE payout_runs SET at = at + interval '1 second'")
    assert await payouts.pay_all(world.db, payouts.Run(UUID(run.json()["id"]), "2026-11")) == 1
    assert (await quoted(world))["statements"] == 0
    assert (await world.staff("manager1").get("/api/console/payout-quotes?month=2026-11")).status_code == 403


async def test_nobody_pays_alone_what_they_alone_approved_above_the_limit(world: World, sold: dict[str, Any]) -> None:
    """Each statement is below the limit, all of them are above it; also run after run."""
    hq = world.staff("hq")
    ids = [(await closed(world))["staff"]["id"]]
    async with world.db.begin() as tx:
        await policies.set_version(
            tx, actor=SYSTEM, kind="statements", body=settlement.StatementPolicy(two_above_minor=397), reason="test"
        )
    await policies.refresh(world.db)
    assert (await approvals(world, ids))[0]["outcome"] == "approved"  # it was closed under a higher limit
    found = await quoted(world)
    assert (found["needs_colleague"], found["alone"]["minor"], found["limit"]["minor"]) == (True, 398, 397)
    refused = await hq.post("/api/console/payout-runs", MONTH)
    assert (refused.status_code, refused.json()["code"]) == (409, "settlement.pay-alone")
    # Another colleague begins it; then what they have paid so counts for them, and failed payouts for nobody.
    colleague = new_id()
    other = await payout_quotes.quote(world.db, "2026-11", staff_id=colleague)
    assert (other.minor, other.alone_minor, other.needs_another) == (398, 0, False)
    async with world.db.begin() as tx:
        await payout_quotes.check(tx, "2026-11", staff_id=colleague)
        run_id = await settlement.begin(tx, "2026-11", actor=SYSTEM)
    assert await payouts.pay_all(world.db, payouts.Run(run_id, "2026-11")) == 1
    await world.db.execute("UPDATE payout_runs SET actor = 'staff:' || $1::uuid", world.staff_ids["hq"])
    mine = await quoted(world)
    assert (mine["amount"]["minor"], mine["alone"]["minor"], mine["needs_colleague"]) == (0, 398, True)
    [row] = (await hq.get(f"/api/console/payout-runs/{run_id}/payouts")).json()["items"]
    await hq.post(f"/api/console/payouts/{row['id']}/outcome", {"outcome": "failed", "problem": "账号不符"})
    assert (await quoted(world))["alone"]["minor"] == 398  # counted once: as waiting, not as paid


async def test_two_log_ins_are_one_person_who_approves_once_and_pays_nothing_alone(
    world: World, sold: dict[str, Any]
) -> None:
    """Who has two log-ins has one number of their own: two people are two people, and nobody approves their own."""
    await _staff(world, "hq-again", "headquarters", "chain", CHAIN_ID)
    await world.db.execute("UPDATE staff_sessions SET expires_at = $1", DECEMBER + timedelta(days=9))
    hq, again = world.staff("hq"), world.staff("hq-again")
    async with world.db.begin() as tx:
        body = settlement.StatementPolicy(two_above_minor=397)
        await policies.set_version(tx, actor=SYSTEM, kind="statements", body=body, reason="test")
    await policies.refresh(world.db)
    one = (await closed(world))["staff"]
    path = f"/api/console/statements/{one['id']}"
    assert one["approvals_needed"] == 2

    async def one_person(*logins: str) -> None:
        await world.db.execute("UPDATE staff SET phone = NULL")
        await world.db.execute("UPDATE staff SET phone = $2 WHERE login = ANY ($1)", list(logins), "+8613900000777")

    await one_person("hq", "clerk1")
    own = await hq.post(f"{path}/approval")
    assert (own.status_code, own.json().get("code")) == (409, "settlement.own-statement")
    assert (await hq.get(path)).json()["statement"]["mine_to_approve"] is False
    await one_person("hq", "hq-again")
    assert (await hq.post(f"{path}/approval")).json()["statement"]["state"] == "closed"
    second = await again.post(f"{path}/approval")
    assert (second.status_code, second.json().get("code")) == (409, "settlement.approved-before")
    assert (await again.get(path)).json()["statement"]["mine_to_approve"] is False
    await world.db.execute(
        "UPDATE statements SET state = 'approved', approvals_needed = 1 WHERE id = $1", UUID(one["id"])
    )
    quote = (await again.get("/api/console/payout-quotes?month=2026-11")).json()
    assert (quote["needs_colleague"], quote["alone"]["minor"]) == (True, 398)
    alone = await again.post("/api/console/payout-runs", MONTH)
    assert (alone.status_code, alone.json()["code"]) == (409, "settlement.pay-alone")
    # Two people, with a number each.
    await one_person("hq")
    await world.db.execute(
        "UPDATE statements SET state = 'closed', approvals_needed = 2 WHERE id = $1", UUID(one["id"])
    )
    assert (await again.post(f"{path}/approval")).json()["statement"]["state"] == "approved"


async def test_a_failed_payout_is_seen_wherever_one_looks(world: World, sold: dict[str, Any]) -> None:
    hq = world.staff("hq")
    one = (await closed(world))["staff"]
    path = f"/api/console/statements/{one['id']}"
    await hq.post(f"{path}/approval")

    async def paid(outcome: dict[str, str]) -> str:
        run = (await hq.post("/api/console/payout-runs", MONTH)).json()
        await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
        [row] = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
        await hq.post(f"/api/console/payouts/{row['id']}/outcome", outcome)
        return str(run["no"])

    async def attention() -> list[tuple[str, int]]:
        found = (await hq.get("/api/console/today")).json()["attention"]
        return [(each["kind"], each["count"]) for each in found if each["kind"] == "payout_failed"]

    first = await paid({"outcome": "failed", "problem": "账号不符"})
    [listed] = (await hq.get("/api/console/statements?which=payout_failed")).json()["items"]
    assert (listed["id"], listed["state"], listed["payout_failed"]) == (one["id"], "approved", True)
    [told_of] = (await hq.get(path)).json()["payouts"]
    assert (told_of["state"], told_of["problem"], told_of["run_no"]) == ("failed", "账号不符", first)
    assert (await hq.get(f"/api/console/payees/{one['payee']['id']}")).json()["payouts"] == [told_of]
    assert await attention() == [("payout_failed", 1)]
    second = await paid({"outcome": "done"})
    case = (await hq.get(path)).json()
    assert [each["state"] for each in case["payouts"]] == ["done", "failed"]
    assert (case["statement"]["payout_failed"], await attention()) == (False, [])
    assert (await hq.get("/api/console/statements?which=payout_failed")).json()["items"] == []
    # Each share says when it was paid, and by which run; the file says the same.
    [share] = (await hq.get(f"/api/console/payees/{one['payee']['id']}/shares")).json()["items"]
    [line] = (await hq.get(f"{path}/lines")).json()["items"]
    assert (share["run_no"], share["booked"], share["paid_at"]) == (second, False, line["share"]["paid_at"])
    rows = list(csv.reader(io.StringIO((await hq.get(f"{path}/file?lang=en")).text[1:])))
    assert rows[1][8] == f"Seller: 1% of ¥398.00; paid on 2026-12-08 by run {second}."


async def test_a_payee_can_reckon_every_share_again(world: World, sold: dict[str, Any]) -> None:
    """Goods by contract, the margin, the rate: told of each line, and they come to what it says."""
    hq = world.staff("hq")
    whole = (await hq.get(f"/api/console/orders/{sold['id']}/shares")).json()
    shares = [one["share"] for one in whole["shares"] if one["share"]["book"] == "allocation"]
    assert sum(one["earned"]["minor"] for one in shares) == 2 * PRICE
    for one in shares:
        margin = one["margin"]
        assert (margin["worth"]["minor"], margin["goods_percent"], margin["goods"]["minor"]) == (2 * PRICE, 60, 23_880)
        of_margin = margin["margin"]["minor"] * one["rate_bp"] / 10_000
        if one["role"] == "owner":
            assert one["earned"]["minor"] == margin["goods"]["minor"] + margin["rest"]["minor"]
            assert abs(margin["rest"]["minor"] - of_margin) < 1
        else:
            assert abs(one["earned"]["minor"] - of_margin) < 1
    path = f"/api/console/statements/{(await closed(world))['store']['id']}"
    rows = list(csv.reader(io.StringIO((await hq.get(f"{path}/file")).text[1:])))[1:-1]
    line = next(row for row in rows if row[3] == "交货门店")
    assert line[5:10] == ["398.00", "238.80", "159.20", "20%", "31.84"]
    assert line[10].startswith("交货门店:毛利 ¥159.20 的 20%(¥398.00 减货值 60% ¥238.80);")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_files_say_what_the_pages_say(lang: str) -> None:
    texts = msgspec.json.decode(Path(f"web/apps/console/src/locales/{lang}.json").read_bytes())
    at = 0 if lang == "zh-CN" else 1
    assert {name: both[at] for name, both in share_words.ROLES.items()} == texts["pay_role"]
    assert {name: both[at] for name, both in share_words.FLAGS.items()} == texts["pay_flag"]
    assert {name: both[at] for name, both in statement_files.STATES.items()} == texts["statement_state"]
    assert {name: both[at] for name, both in statement_files.KINDS.items()} == texts["payee_kind"]


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
    name = f"statement-2026-11-clerk1-{one['no'][-6:]}.{kind}"
    assert f'filename="{name}"' in answer.headers["content-disposition"]
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(answer.text[1:])))
        assert rows[1][:2] == ["2026-11-18", sold["order_no"]]
        assert rows[1][5:8] == ["398.00", "1%", "3.98"]
        assert rows[1][8] == "开单店员:¥398.00 的 1%;2026-11 已到期。"
        assert [rows[-1][0], rows[-1][7]] == ["合计 Total", "3.98"]
    elif kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        facts = {row[0].value: row[1].value for row in sheet.iter_rows(max_col=2)}
        assert (facts["编号 Number"], float(facts["应付 To pay"])) == (one["no"], 3.98)
        line, last = ([cell.value for cell in row] for row in list(sheet.rows)[-2:])
        assert (line[1], float(line[7]), float(last[7])) == (sold["order_no"], 3.98, 3.98)
        assert sheet.column_dimensions["I"].width > 40
    else:
        assert answer.content.startswith(b"%PDF-")


async def lines_of(world: World, path: str, limit: int) -> list[str]:
    """The orders of a statement's lines, read page by page."""
    seen: list[str] = []
    more = f"{path}/lines?limit={limit}"
    while more:
        page = (await world.staff("hq").get(more)).json()
        seen += [line["share"]["order_no"] for line in page["items"]]
        more = f"{path}/lines?limit={limit}&cursor={page['next']}" if page["next"] else ""
    return seen


def rows_of(rows: list[list[str]]) -> list[str]:
    """The orders of a file's lines."""
    return [row[1] for row in rows[1:]]


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
        rows.pop()  # the total
        assert len(rows) - 1 == (3 if one["payee"]["name"]["zh"] == "clerk1" else 1)
        assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
        assert await lines_of(world, path, 1) == await lines_of(world, path, 50) == rows_of(rows)
        with monkeypatch.context() as many:
            many.setattr(console_statements, "SORTED_MAX", 0)
            assert sorted(await lines_of(world, path, 1)) == sorted(rows_of(rows))
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
                """INSERT INTO payouts (payee_id, id, statement_id, run_id, amount_minor, due_minor, currency, state,
                                        provider, receiver, actor, at)
                   VALUES ($1, $2, $1, $3, 100, 100, 'CNY', 'requested', $4, $4, 'system:x', now())""",
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
    two = {"levels": 2, "referrer_bp": 300, "second_bp": 100, "month_cap_minor": 100}
    unsigned = (await hq.post("/api/console/commission/checks", two)).json()
    assert (unsigned["lawful"], [one["rule"] for one in unsigned["findings"]]) == (False, ["sign_off"])
    plan = {"body": {"levels": 2, "second_bp": 100}, "reason": "try"}
    refused = await hq.put("/api/console/policies/commission", plan)
    assert (refused.status_code, refused.json()["code"]) == (409, "settlement.sign-off-missing")
    dear = {"tiers": [{"tier": "gold", "percent": 900}]}
    too_much = await hq.put("/api/console/policies/commission", {"body": dear, "reason": "try"})
    assert (too_much.status_code, too_much.json()["problems"][0]["field"]) == (422, "body.tiers")
    seen = (await hq.post("/api/console/commission/checks", {"referrer_bp": 600, "tier_percent_max": 900})).json()
    assert (seen["lawful"], seen["most_bp"]) == (False, 5_400)
    three = await hq.put("/api/console/policies/commission", {"body": {"levels": 3}, "reason": "try"})
    assert three.status_code == 422
    signed = await hq.post("/api/console/commission/sign-offs", {"document": "B-12", "reason": "board"})
    assert signed.status_code == 201, signed.text
    signed_off = (await hq.post("/api/console/commission/checks", two)).json()
    assert (signed_off["lawful"], signed_off["findings"]) == (True, [])
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
    assert set(pack.namelist()) == {
        "README.txt", "figures.json", "plans.json", "sign-offs.json", "flagged.csv", "earned.csv",
    }  # fmt: skip
    assert msgspec.json.decode(pack.read("figures.json"))["earned"]["minor"] == 398
    rows = list(csv.reader(io.StringIO(pack.read("earned.csv").decode("utf-8-sig"))))
    assert (rows[1][0], rows[1][5:], rows[-1][5:]) == ("clerk1", ["1", "3.98", "0.00"], ["1", "3.98", "0.00"])
    # A region reads the rules and the sums, and no names of payees who are out of its reach.
    south = world.staff("south")
    assert (await south.get("/api/console/commission/evidence")).json() == figures
    assert (await south.get("/api/console/commission/evidence.zip")).status_code == 403


async def test_the_figures_of_the_evidence_add_up_and_the_pack_says_what_they_are(
    world: World, sold: dict[str, Any]
) -> None:
    """Staff's reward for a new member rests on no order: it is a figure of its own, and no member's."""
    hq = world.staff("hq")
    async with world.db.begin() as tx:
        await settlement.tell_bringing(
            tx, member_id=new_id(), guide_id=world.staff_ids["clerk1"], binding_id=new_id(), minor=500,
            due_at=DECEMBER, actor=SYSTEM,
        )  # fmt: skip
    figures = (await hq.get("/api/console/commission/evidence")).json()
    parts_of = [figures[name]["minor"] for name in ("own_sales", "by_sharing", "bringing")]
    assert (parts_of, sum(parts_of), figures["without_orders"]) == ([398, 0, 500], figures["earned"]["minor"], 0)
    answer = await hq.get("/api/console/commission/evidence.zip?months=1")
    assert "commission-evidence-2026-11-07-2026-12-08.zip" in answer.headers["content-disposition"]
    pack = zipfile.ZipFile(io.BytesIO(answer.content))
    text = pack.read("README.txt").decode("utf-8-sig")
    for said in (
        "2026-11-07 - 2026-12-08",
        "佣金合计 Earned: ¥8.98",
        "员工拉新奖励 staff, for new members: ¥5.00",
        "hq",
    ):
        assert said in text
    assert "专属导购 Guide 2%" in text
    rows = list(csv.reader(io.StringIO(pack.read("earned.csv").decode("utf-8-sig"))))
    assert rows[-1][6] == "8.98"


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


async def test_what_came_back_after_the_approval_is_told_by_every_document_and_not_paid(
    world: World, sold: dict[str, Any]
) -> None:
    hq, clerk = world.staff("hq"), world.staff("clerk1")
    path = f"/api/console/statements/{(await closed(world))['staff']['id']}"
    assert (await hq.post(f"{path}/approval")).status_code == 200
    with clock.frozen(NOON + timedelta(days=2)):
        await returned(world, sold)
    said = await quoted(world)  # what a run pays is said before
    assert (said["statements"], said["amount"]["minor"], said["by_file_amount"]["minor"]) == (1, 199, 199)
    run = (await hq.post("/api/console/payout-runs", MONTH | {"amount": said["amount"]})).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    [payout] = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
    assert payout["amount"]["minor"] == 199
    mine = (await clerk.get("/api/clerk/statements")).json()["items"][0]
    for one in ((await hq.get(path)).json()["statement"], mine):
        assert (one["to_pay"]["minor"], one["withheld"]["minor"], one["state"]) == (199, 199, "paying")
    [month] = (await hq.get("/api/console/settlement-months")).json()["items"]
    assert month["to_pay"]["minor"] == 199
    book = openpyxl.load_workbook(io.BytesIO((await hq.get(f"{path}/file?kind=xlsx")).content), read_only=True)
    cells = [str(cell.value) for row in book.worksheets[0].rows for cell in row if cell.value is not None]
    assert any(cell.startswith("打款前又退货") for cell in cells), cells
    assert (await hq.get(f"{path}/file?kind=pdf")).content.startswith(b"%PDF-")


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
        "clerk1", str(world.staff_ids["clerk1"]), "开单店员 Seller", "1", own.json()["order"]["order_no"],
        "与买家手机号相同 the buyer has the same phone",
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
    # Headquarters bears the commission: what it has beside that moves, and so does the net.
    own = next(row for row in other["payees"] if row["payee"]["kind"] == "chain")
    for when, commission in (("before", 398), ("after", 1194)):
        assert other[f"net_{when}"]["minor"] == own[when]["minor"] - commission
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
