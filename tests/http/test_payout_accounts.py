"""Where payees are paid, over the wire: each enters their own account, headquarters anybody's with a reason, and a run
pays to it through the provider, which runs in a process of its own, or by a file for the bank."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import openpyxl
import pytest

from duoline.adapters.sandbox_client import SandboxClient
from duoline.flows import pay_out
from duoline.payments import providers
from duoline.settlement import payouts
from tests.adapters.conftest import NO_TLS, QUICK, SECRET, ProviderProcess
from tests.http.test_settlement import DECEMBER, MONTH, closed, sold  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.http.world import Caller, World

CARD = "6222021234567890128"
CARD_SHOWN = "****0128"
BANK = {
    "holder": "Li Na",
    "bank": "招商银行",
    "branch": "静安支行",
    "number": f" {CARD[:4]} {CARD[4:]} ",
    "owner": "person",
}
OWN = {"receiver": "wallet-of-clerk1", "holder": "Li Na"}
MASKED = "wa****k1"


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    made = ProviderProcess(tmp_path_factory.mktemp("bank") / "ledger.sqlite")
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def connected(bank: ProviderProcess) -> AsyncIterator[SandboxClient]:
    """The provider, whose merchant has something to pay out of."""
    before = dict(providers._connected)
    client = SandboxClient(
        base_url=bank.url, merchant_id="shop", secret=SECRET, patience=QUICK, now=lambda: datetime.now(UTC)
    )
    async with client:
        await client.open_payment(
            "float", amount_minor=100_000, currency="CNY", subject="s", notify_url="http://127.0.0.1:9/x",
            return_url="http://127.0.0.1:9/", expires_at=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip
        await bank.control("pay", ref="float")
        providers.connect(client)
        yield client
    providers._connected.clear()
    providers._connected.update(before)


async def payees(hq: Caller) -> dict[str, str]:
    rows = (await hq.get("/api/console/payees")).json()["items"]
    return {row["payee"]["kind"]: row["payee"]["id"] for row in rows}


async def test_everybody_enters_their_own_account(world: World, connected: SandboxClient) -> None:
    clerk, member = world.staff("clerk1"), await world.member()
    for face, who in (("clerk", clerk), ("mall", member)):
        path = f"/api/{face}/payout-account"
        assert (await who.get(path)).json() == {"account": None, "provider": "sandbox"}
        assert (await who.delete(path)).status_code == 404
        made = await who.put(path, OWN)
        assert made.status_code == 200, made.text
        account = made.json()["account"]
        assert (account["bank"], account["branch"], account["owner"], account["doubtful"]) == ("", "", "", False)
        assert (account["provider"], account["receiver"], account["holder"]) == ("sandbox", MASKED, "Li Na")
        assert (await who.get(path)).json() == made.json()
        for wrong in (OWN | {"receiver": "a b"}, OWN | {"receiver": ""}, OWN | {"holder": " "}, OWN | {"more": 1}):
            assert (await who.put(path, wrong)).status_code in (400, 422), wrong
    assert (await world.staff("clerk2").get("/api/clerk/payout-account")).json()["account"] is None
    assert (await (await world.member()).get("/api/mall/payout-account")).json()["account"] is None
    gone = await member.delete("/api/mall/payout-account")
    assert (gone.status_code, gone.json()) == (200, {"account": None, "provider": "sandbox"})
    assert (await clerk.get("/api/clerk/payout-account")).json()["account"] is not None
    said = await world.db.fetch(
        "SELECT actor_kind, action, after::text FROM audit_log WHERE subject_kind = 'payee' ORDER BY id"
    )
    assert [(row["actor_kind"], row["action"]) for row in said] == [
        ("staff", "payee.account-set"), ("member", "payee.account-set"), ("member", "payee.account-dropped"),
    ]  # fmt: skip
    assert "wallet-of" not in str([row["after"] for row in said])


async def test_without_a_provider_that_pays_out_nothing_can_be_entered(world: World) -> None:
    before = dict(providers._connected)
    providers._connected.clear()
    try:
        clerk = world.staff("clerk1")
        assert (await clerk.get("/api/clerk/payout-account")).json() == {"account": None, "provider": None}
        refused = await clerk.put("/api/clerk/payout-account", OWN)
        assert (refused.status_code, refused.json()["code"]) == (409, "settlement.no-transfers")
    finally:
        providers._connected.update(before)


@pytest.mark.usefixtures("sold")
async def test_headquarters_enters_changes_and_drops_with_a_reason(world: World, connected: SandboxClient) -> None:
    hq = world.staff("hq")
    found = await payees(hq)
    path = f"/api/console/payees/{found['staff']}/account"
    nothing = {"account": None, "provider": "sandbox", "booked": False, "new": False, "by": ""}
    assert (await hq.get(path)).json() == nothing
    assert (await hq.post(path, OWN)).status_code in (400, 422)
    assert (await hq.post(path, OWN | {"reason": " "})).status_code in (400, 422)
    made = await hq.post(path, OWN | {"reason": "form of 1 November"})
    assert (made.status_code, made.json()["account"]["receiver"]) == (200, MASKED), made.text
    assert (await world.staff("clerk1").get("/api/clerk/payout-account")).json()["account"]["receiver"] == MASKED
    for login, status in (("manager1", 403), ("clerk1", 403), ("franchisee_a", 404)):
        assert (await world.staff(login).post(path, OWN | {"reason": "mine"})).status_code == status
        assert (await world.staff(login).get(path)).status_code in (403, 404)
    shop = f"/api/console/payees/{found['store']}/account"
    assert (await hq.get(shop)).json()["booked"] is True
    refused = await hq.post(shop, OWN | {"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "settlement.booked-only")
    dropped = await hq.post(f"{path}/removal", {"reason": "left"})
    assert (dropped.status_code, dropped.json()["account"]) == (200, None)
    assert (await hq.post(f"{path}/removal", {"reason": "left"})).status_code == 404
    reasons = await world.db.fetch("SELECT reason FROM audit_log WHERE subject = $1 ORDER BY id", found["staff"])
    assert [row["reason"] for row in reasons] == ["form of 1 November", "left"]


async def test_a_company_enters_its_own_account_and_no_other(world: World, connected: SandboxClient) -> None:
    for code in ("FA", "FB"):
        await world.db.execute(
            "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'company', now())", world.companies[code]
        )
    path, other = (f"/api/console/payees/{world.companies[code]}/account" for code in ("FA", "FB"))
    franchisee, body = world.staff("franchisee_a"), OWN | {"reason": "new account"}
    made = await franchisee.post(path, body)
    assert (made.status_code, made.json()["account"]["receiver"]) == (200, MASKED), made.text
    assert (await franchisee.post(other, body)).status_code == 404
    assert (await franchisee.post(f"{path}/removal", {"reason": "by file"})).json()["account"] is None
    said = await world.db.fetchval("SELECT count(*) FROM audit_log WHERE subject = $1", str(world.companies["FA"]))
    assert said == 2


@pytest.mark.usefixtures("sold")
async def test_a_run_is_paid_by_the_provider(world: World, bank: ProviderProcess, connected: SandboxClient) -> None:
    hq, clerk = world.staff("hq"), world.staff("clerk1")
    await bank.control("open_wallet", name="li-na")
    await clerk.put("/api/clerk/payout-account", {"receiver": "li-na", "holder": "Li Na"})
    one = (await closed(world))["staff"]
    assert (await hq.post(f"/api/console/statements/{one['id']}/approval")).json()["statement"]["state"] == "approved"
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    path = f"/api/console/payout-runs/{run['id']}"
    [payout] = (await hq.get(f"{path}/payouts")).json()["items"]
    assert (payout["state"], payout["provider"], payout["receiver"]) == ("requested", "sandbox", "l****")
    assert len(list(csv.reader(io.StringIO((await hq.get(f"{path}/file")).text[1:])))) == 1  # nothing goes by file
    for outcome in ({"outcome": "done"}, {"outcome": "failed", "problem": "x"}):
        refused = await hq.post(f"/api/console/payouts/{payout['id']}/outcome", outcome)
        assert (refused.status_code, refused.json()["code"]) == (409, "settlement.payout-at-provider")
    assert await jobs_of(world) == 1
    await pay_out.send(world.db, payouts.Send(UUID(payout["payee"]["id"]), UUID(payout["id"])))
    [payout] = (await hq.get(f"{path}/payouts")).json()["items"]
    assert payout["state"] == "done"
    assert (await clerk.get("/api/clerk/earnings")).json()["paid"]["minor"] == 398
    async with httpx.AsyncClient(verify=NO_TLS) as web:
        page = (await web.get(f"{bank.url}/wallet?w=li-na&lang=zh")).text
    assert 'data-received="398"' in page
    assert 'data-balance="500398"' in page
    assert "双线结算 2026-11" in page


async def paid_by_file(world: World, *, account: dict[str, str] | None = BANK) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run that pays a clerk by file, to this account of theirs; and their statement."""
    hq = world.staff("hq")
    one = (await closed(world))["staff"]
    await hq.post(f"/api/console/statements/{one['id']}/approval")
    if account is not None:
        assert (await world.staff("clerk1").put("/api/clerk/payout-account/bank", account)).status_code == 200
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    return run, one


@pytest.mark.usefixtures("sold")
async def test_only_the_file_has_the_whole_account_and_who_took_it_is_audited(world: World) -> None:
    hq = world.staff("hq")
    run, one = await paid_by_file(world)
    path = f"/api/console/payout-runs/{run['id']}"
    # What is on its way goes where it was sent.
    changed = BANK | {"number": "310066712345678901", "holder": "Wang Wu", "owner": "company"}
    assert (await world.staff("clerk1").put("/api/clerk/payout-account/bank", changed)).status_code == 200
    file = await hq.get(f"{path}/file")
    assert f"payouts-2026-11-{run['no']}.csv" in file.headers["content-disposition"]
    [head, row] = csv.reader(io.StringIO(file.text[1:]))
    grouped = "6222 0212 3456 7890 128"
    assert row[4:12] == ["Li Na", "对私 person", "招商银行", "静安支行", grouped, "3.98", "CNY", one["no"]]
    assert (head[8], head[13], row[13]) == ("账号 Account number", "请留意 To look at", "")
    book = openpyxl.load_workbook(io.BytesIO((await hq.get(f"{path}/file?kind=xlsx")).content))
    cell = next(row[8] for row in book.worksheets[0].iter_rows() if row[0].value == file.text.splitlines()[1][:36])
    assert (cell.value, cell.data_type) == (CARD, "s")
    assert (await hq.get(f"{path}/file?kind=pdf")).status_code in (400, 422)
    [payout] = (await hq.get(f"{path}/payouts")).json()["items"]
    assert (payout["provider"], payout["receiver"], payout["bank"], payout["account_set"]) == (
        "", CARD_SHOWN, "招商银行", None,
    )  # fmt: skip
    for shown in (f"{path}/payouts", f"/api/console/payees/{payout['payee']['id']}", f"/api/console/statements/{one['id']}"):  # fmt: skip
        assert CARD not in (await hq.get(shown)).text
    lines = await world.db.fetch("SELECT actor_kind, subject FROM audit_log WHERE action = 'payout.file'")
    assert [tuple(line) for line in lines] == [("staff", run["id"])] * 2
    for login in ("franchisee_a", "manager1", "clerk1"):
        assert (await world.staff(login).get(f"{path}/file")).status_code == 403
    assert await world.db.fetchval("SELECT count(*) FROM audit_log t WHERE t::text LIKE '%' || $1 || '%'", CARD) == 0


@pytest.mark.usefixtures("sold")
async def test_who_has_no_account_is_said_before_the_run_and_in_the_file(world: World) -> None:
    hq = world.staff("hq")
    one = (await closed(world))["staff"]
    await hq.post(f"/api/console/statements/{one['id']}/approval")
    said = (await hq.get("/api/console/payout-quotes?month=2026-11")).json()
    assert (said["by_file"], said["without"], said["without_amount"]["minor"]) == (1, 1, 398)
    assert [each["payee"]["id"] for each in said["without_account"]] == [one["payee"]["id"]]
    await world.staff("clerk1").put("/api/clerk/payout-account/bank", BANK)
    said = (await hq.get("/api/console/payout-quotes?month=2026-11")).json()
    assert (said["by_file"], said["without"], said["without_account"], said["new"]) == (1, 0, [], 0)
    await world.staff("clerk1").delete("/api/clerk/payout-account")
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    [_, row] = csv.reader(io.StringIO((await hq.get(f"/api/console/payout-runs/{run['id']}/file")).text[1:]))
    assert row[4:9] == [""] * 5
    assert "没有银行账户" in row[13]
    assert "No bank account" in row[13]


@pytest.mark.usefixtures("sold")
async def test_an_account_that_headquarters_entered_is_marked_before_the_run_after_it_and_in_the_file(
    world: World,
) -> None:
    hq = world.staff("hq")
    one = (await closed(world))["staff"]
    await hq.post(f"/api/console/statements/{one['id']}/approval")
    path = f"/api/console/payees/{one['payee']['id']}/account"
    made = await hq.post(f"{path}/bank", BANK | {"reason": "form"})
    assert (made.json()["new"], made.json()["by"], made.json()["account"]["receiver"]) == (True, "hq", CARD_SHOWN)
    said = (await hq.get("/api/console/payout-quotes?month=2026-11")).json()
    assert said["new"] == 1
    [to] = said["new_accounts"]
    assert (to["payee"]["id"], to["account_set"]["by"], to["amount"]["minor"]) == (one["payee"]["id"], "hq", 398)
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    [payout] = (await hq.get(f"/api/console/payout-runs/{run['id']}/payouts")).json()["items"]
    assert payout["account_set"]["by"] == "hq"
    [_, row] = csv.reader(io.StringIO((await hq.get(f"/api/console/payout-runs/{run['id']}/file")).text[1:]))
    assert "由hq更改,首次打款" in row[13]
    assert "by hq, first payout to it" in row[13]
    await hq.post(f"/api/console/payouts/{payout['id']}/outcome", {"outcome": "done"})
    assert (await hq.get(path)).json()["new"] is False


async def test_bad_bank_accounts_are_refused_with_what_to_do(world: World) -> None:
    clerk, member = world.staff("clerk1"), await world.member()
    for face, who in (("clerk", clerk), ("mall", member)):
        path = f"/api/{face}/payout-account/bank"
        for field, wrong, zh in (
            ("number", "6222o21234567890", "只有数字"),
            ("number", "1234567", "现在是 7 位"),
            ("number", "1" * 31, "现在是 31 位"),
            ("holder", f"李娜 {CARD}", "账号只填在账号一栏"),
            ("branch", f"静安 {CARD[:4]} {CARD[4:]}", "账号只填在账号一栏"),
        ):
            refused = await who.put(path, BANK | {field: wrong})
            assert (refused.status_code, refused.json()["code"]) == (422, "kernel.bad-input"), refused.text
            [problem] = refused.json()["problems"]
            assert problem["field"] == field
            assert zh in problem["reason"]
        for wrong in ({"owner": "nobody"}, {"bank": " "}, {"holder": ""}, {"number": ""}, {"more": 1}, {"number": 6}):
            assert (await who.put(path, BANK | wrong)).status_code in (400, 422), wrong
        assert (await who.get(f"/api/{face}/payout-account")).json()["account"] is None
    # A wrong check digit is said, and is no reason to refuse.
    doubtful = await member.put("/api/mall/payout-account/bank", BANK | {"number": CARD[:-1] + "9"})
    assert (doubtful.status_code, doubtful.json()["account"]["doubtful"]) == (200, True)
    right = await member.put("/api/mall/payout-account/bank", BANK)
    assert right.json()["account"] | {"at": ""} == {
        "provider": "bank", "receiver": CARD_SHOWN, "holder": "Li Na", "bank": "招商银行", "branch": "静安支行",
        "owner": "person", "doubtful": False, "at": "",
    }  # fmt: skip


async def test_the_one_account_is_the_one_entered_last(world: World, connected: SandboxClient) -> None:
    clerk = world.staff("clerk1")
    for body, path, provider in ((BANK, "/bank", "bank"), (OWN, "", "sandbox"), (BANK, "/bank", "bank")):
        made = await clerk.put(f"/api/clerk/payout-account{path}", body)
        assert made.json()["account"]["provider"] == provider
    said = await world.db.fetchval(
        "SELECT before FROM audit_log WHERE action = 'payee.account-set' ORDER BY id DESC LIMIT 1"
    )
    assert said == {"provider": "sandbox", "receiver": MASKED}
    said = await world.db.fetchval(
        "SELECT after FROM audit_log WHERE action = 'payee.account-set' ORDER BY id DESC LIMIT 1"
    )
    assert said == {"provider": "bank", "receiver": CARD_SHOWN, "bank": "招商银行"}


async def test_a_franchisee_enters_the_bank_account_of_its_company_and_no_other(world: World) -> None:
    for code in ("FA", "FB"):
        await world.db.execute(
            "INSERT INTO payees (payee_id, kind, updated_at) VALUES ($1, 'company', now())", world.companies[code]
        )
    path, other = (f"/api/console/payees/{world.companies[code]}/account/bank" for code in ("FA", "FB"))
    franchisee = world.staff("franchisee_a")
    body = BANK | {"owner": "company", "number": "310066712345678901", "reason": "new account"}
    made = await franchisee.post(path, body)
    assert (made.status_code, made.json()["account"]["owner"], made.json()["new"]) == (200, "company", True), made.text
    assert (await franchisee.post(other, body)).status_code == 404
    assert (await world.staff("clerk1").post(path, body)).status_code == 403
    assert (await franchisee.post(path, body | {"reason": " "})).status_code in (400, 422)
    leaking = await franchisee.post(path, body | {"reason": f"was {CARD}"})
    assert (leaking.status_code, leaking.json()["problems"][0]["field"]) == (422, "reason")


@pytest.mark.usefixtures("sold")
async def test_a_bank_account_takes_no_formula_into_the_file(world: World) -> None:
    evil = BANK | {"holder": '=HYPERLINK("http://x")', "bank": "+1", "branch": "@x"}
    run, _ = await paid_by_file(world, account=evil)
    path = f"/api/console/payout-runs/{run['id']}/file"
    [_, row] = csv.reader(io.StringIO((await world.staff("hq").get(path)).text[1:]))
    assert [row[4], row[6], row[7]] == ['\'=HYPERLINK("http://x")', "'+1", "'@x"]
    book = openpyxl.load_workbook(io.BytesIO((await world.staff("hq").get(f"{path}?kind=xlsx")).content))
    assert not [cell for line in book.worksheets[0].iter_rows() for cell in line if cell.data_type == "f"]


async def jobs_of(world: World) -> int:
    count: int = await world.db.fetchval(
        "SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1", payouts.SEND_JOB
    )
    return count
