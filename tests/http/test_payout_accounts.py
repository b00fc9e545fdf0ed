"""Where payees are paid, over the wire: each enters their own account, headquarters anybody's with a reason, and a run
pays to it through the provider, which runs in a process of its own."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
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
    assert (await hq.get(path)).json() == {"account": None, "provider": "sandbox", "booked": False}
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


@pytest.mark.usefixtures("sold")
async def test_only_the_file_has_the_whole_account_and_who_took_it_is_audited(
    world: World, connected: SandboxClient
) -> None:
    """By file because there was no account when it was asked for; the bank gets the one that was entered since."""
    hq = world.staff("hq")
    one = (await closed(world))["staff"]
    await hq.post(f"/api/console/statements/{one['id']}/approval")
    run = (await hq.post("/api/console/payout-runs", MONTH)).json()
    await payouts.pay_all(world.db, payouts.Run(UUID(run["id"]), "2026-11"))
    await world.staff("clerk1").put("/api/clerk/payout-account", OWN)
    path = f"/api/console/payout-runs/{run['id']}"
    file = await hq.get(f"{path}/file")
    assert f"payouts-2026-11-{run['no']}.csv" in file.headers["content-disposition"]
    [_, row] = csv.reader(io.StringIO(file.text[1:]))
    assert row[4:9] == ["Li Na", "wallet-of-clerk1", "3.98", "CNY", one["no"]]
    assert "wallet-of" not in (await hq.get(f"{path}/payouts")).text
    [line] = await world.db.fetch("SELECT actor_kind, subject FROM audit_log WHERE action = 'payout.file'")
    assert (line["actor_kind"], line["subject"]) == ("staff", run["id"])
    assert (await world.staff("franchisee_a").get(f"{path}/file")).status_code == 403


async def jobs_of(world: World) -> int:
    count: int = await world.db.fetchval(
        "SELECT count(*) FROM pgqueuer.pgqueuer WHERE entrypoint = $1", payouts.SEND_JOB
    )
    return count
