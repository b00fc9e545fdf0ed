"""Kill -9 of the application at every registered fault point, with the client retrying by the same key.

One story passes every point: orders paid online and at the counter, handed over, cancelled, rejected and sourced again,
sold over the counter. Wherever the process dies, the client starts it again, armed for the next of its points, and
repeats what was not answered; at the end nothing is lost, nothing happened twice, and the check is clean.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from duoline.adapters.sandbox import merchant_secret
from duoline.adapters.sandbox_client import SandboxClient
from duoline.channels.imports import run as _imports  # noqa: F401 - importing registers every fault point
from duoline.entry import api, background  # noqa: F401 - the same
from duoline.entry.check import broken
from duoline.flows import refund
from duoline.kernel import clock, faults
from duoline.kernel.auth import token_hash
from duoline.kernel.ids import new_id
from duoline.payments import providers
from duoline.stores import directory

# Points that no request passes, by where they are proved: the worker's refunds below, stored flows in the kernel's own
# tests, imports by the command itself.
ELSEWHERE = {
    "refund": "tests/flows/test_crashes.py",
    "flows": "tests/kernel/test_flows.py",
    "imports": "tests/imports/test_command.py",
    "count": "tests/flows/test_counts.py",
    "erase": "tests/http/test_erasure.py",
    "shortage": "tests/flows/test_counts.py",
    "breakage": "tests/flows/test_breakage.py",
    "remind_balance": "tests/flows/test_presales.py",
    "book": "tests/flows/test_presales.py",
    "balance": "tests/flows/test_presales.py",
    "take_preorder": "tests/flows/test_presales.py",
    "preorder": "tests/flows/test_presales.py",
    "points": "tests/flows/test_points.py",
    "settlement": "tests/flows/test_credit.py",
    "payout": "tests/flows/test_pay_out.py",
    "closing": "tests/flows/test_closing.py",
    "tier_run": "tests/flows/test_tier_runs.py",
    "merge": "tests/flows/test_merge.py",
    "unmerge": "tests/flows/test_merge.py",
    "wallet": "tests/flows/test_wallet.py",
    "top_up": "tests/flows/test_top_up.py",
    "top_up_refund": "tests/flows/test_top_up_refunds.py",
    "remind": "tests/flows/test_reminders.py",
    "source_again": "tests/flows/test_frozen.py",
    "refund_frozen": "tests/flows/test_frozen.py",
    "replan": "tests/flows/test_replan.py",
    "transfer": "tests/flows/test_transfer_crashes.py",
    "bring": "tests/flows/test_bring_crashes.py",
}
# In the order in which the story passes them for the first time.
POINTS = (
    "place.before_write", "place.after_commit", "pay.before_open", "pay.after_open", "pay.before_capture",
    "pay.after_capture", "hand_over.after_code", "hand_over.before_commit", "cancel.before_commit",
    "reject.before_commit", "sell.before_commit", "till_order.before_commit", "pay.before_charge", "pay.after_charge",
    "complete.before_commit", "return.before_commit", "park.before_commit", "drawer.before_commit",
)  # fmt: skip
TOLD = 3
"""How many times the story is told; each time dies at every third point."""
STAFF_TOKEN = "staff-token-for-the-crash-tests"


class Application:
    """The application's process, started again whenever it is found dead."""

    def __init__(self, dsn: str, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.deaths: list[str] = []
        self._armed: list[str] = []
        self._dsn, self._home = dsn, home
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)

    def start(self, *points: str) -> None:
        """Start it, to die at the first of the points; started again after that, at the next."""
        self._armed = list(points)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")},
            "DUOLINE_DATABASE_URL": self._dsn,
            "DUOLINE_HOME": str(self._home),
            "DUOLINE_PORT": str(self.port),
            "DUOLINE_SECRET": "x" * 40,
            "DUOLINE_FAULT": f"{points[0]}:kill" if points else "",
            "DUOLINE_LOG_LEVEL": "ERROR",
            "PYTHONPATH": "src",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "app_process.py")], env=environment
        )
        for _ in range(2400):
            try:
                if self.http.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the application does not start")

    def stop(self) -> None:
        self.http.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _killed(self) -> bool:
        """Whether the process is dead; a machine that is merely slow is not a crash."""
        assert self._process is not None
        try:
            assert self._process.wait(5) == -9
        except subprocess.TimeoutExpired:
            return False
        return True

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> httpx.Response:
        """One request under one key, repeated over crashes until it is answered."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Accept-Language": "en"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        for _ in range(8):
            try:
                answer = self.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                if self._killed():
                    died_at, *still = self._armed
                    self.deaths.append(died_at)
                    self.start(*still)
                continue
            if answer.status_code == 503:
                time.sleep(0.2)
                continue
            return answer
        raise AssertionError(f"{method} {path} is never answered")


@pytest.fixture
async def application(world, access, tmp_path):
    await _staff(world)
    running = Application(access.dsn, tmp_path)
    yield running
    running.stop()


async def _staff(world) -> None:
    staff_id, now = new_id(), clock.now()
    run = world.db.execute
    await run(
        "INSERT INTO staff (id, login, name, password_hash, created_at, updated_at) VALUES ($1, 'hq', 'HQ', '-', $2, $2)",
        staff_id, now,
    )  # fmt: skip
    await run(
        """INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at)
           VALUES ($1, 'headquarters', 'chain', '00000000-0000-0000-0000-000000000000', $2)""",
        staff_id, now,
    )  # fmt: skip
    await run(
        "INSERT INTO staff_sessions (token_hash, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash(STAFF_TOKEN), staff_id, now, now + timedelta(days=1),
    )  # fmt: skip


def order_body(world, sku: str, quantity: int, *, at: str | None, pay_mode: str) -> dict[str, object]:
    line = {"sku_id": str(world.skus[sku]), "quantity": quantity, "method": "pickup" if at else "delivery"}
    if at:
        line["store_code"] = at
    body = {"lines": [line], "pay_mode": pay_mode, "contact": {"name": "Wang Fang", "phone": "13900000001"}}
    if not at:
        body["address"] = {
            "name": "Wang", "phone": "13900000001", "province": "浙江省", "city": "杭州市", "district": "西湖区", "line": "1",
        }  # fmt: skip
    return body


def pay(app: Application, order_id: str, token: str) -> None:
    opened = app.ask("POST", f"/api/mall/orders/{order_id}/payment", token=token)
    assert opened.status_code == 201, opened.text
    app.http.post("/sandbox/control", json={"do": "pay", "ref": opened.json()["intent_id"]})
    for _ in range(200):
        order = app.ask("POST", f"/api/mall/orders/{order_id}/payment-check", token=token).json()
        if order["state"] != "awaiting_payment":
            return
        time.sleep(0.1)
    raise AssertionError("the payment is never recorded")


def story(app: Application, world) -> None:
    """Every point of the application is passed at least once."""
    sessions = app.ask(
        "POST", "/api/mall/cart/lines",
        {"sku_id": str(world.skus["milk"]), "quantity": 1, "method": "pickup", "store_code": "A"},
    )  # fmt: skip
    assert sessions.status_code == 201, sessions.text
    member = sessions.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    app.http.cookies.clear()

    # Paid online, handed over.
    first = app.ask("POST", "/api/mall/orders", order_body(world, "milk", 2, at="A", pay_mode="online"), token=member)
    assert first.status_code == 201, first.text
    pay(app, first.json()["id"], member)
    job = first.json()["fulfilments"][0]["id"]
    assert app.ask("POST", f"/api/clerk/fulfilments/{job}/ready", {}, token=STAFF_TOKEN).status_code == 200
    code = app.http.get(
        f"/api/mall/orders/{first.json()['id']}/pickup-code", headers={"Authorization": f"Bearer {member}"}
    ).json()["qr"]
    handed = app.ask("POST", f"/api/clerk/fulfilments/{job}/handover", {"code": code}, token=STAFF_TOKEN)
    assert handed.status_code == 200, handed.text

    # Paid online, cancelled.
    second = app.ask("POST", "/api/mall/orders", order_body(world, "milk", 1, at="A", pay_mode="online"), token=member)
    pay(app, second.json()["id"], member)
    gone = app.ask("POST", f"/api/mall/orders/{second.json()['id']}/cancellation", {"reason": "no"}, token=member)
    assert gone.json()["state"] == "cancelled", gone.text

    # Delivered from the warehouse, which rejects it; sent from a shop.
    third = app.ask(
        "POST", "/api/mall/orders", order_body(world, "bottle", 1, at=None, pay_mode="online"), token=member
    )
    pay(app, third.json()["id"], member)
    job = third.json()["fulfilments"][0]["id"]
    rejected = app.ask(
        "POST", f"/api/clerk/fulfilments/{job}/rejection",
        {"lines": [{"line_id": third.json()["lines"][0]["id"], "quantity": 1, "reason": "missing"}]}, token=STAFF_TOKEN,
    )  # fmt: skip
    assert rejected.json()["outcome"][0]["result"] == "resourced", rejected.text

    # Sold over the counter.
    sold = app.ask(
        "POST", "/api/clerk/sales",
        {"store": "A", "lines": [{"sku_id": str(world.skus["milk"]), "quantity": 1}], "tender": "cash",
         "tendered": {"minor": 20000, "currency": "CNY"}}, token=STAFF_TOKEN,
    )  # fmt: skip
    assert sold.status_code == 201, sold.text

    # Sold by code and in cash.
    split_sale(app, world)

    # Brought back, for cash.
    order = sold.json()["order"]
    back = app.ask(
        "POST", "/api/clerk/returns",
        {"store": "A", "order_id": order["id"], "reason": "faulty", "expected_refund": order["total"],
         "lines": [{"line_id": order["lines"][0]["id"], "quantity": 1, "condition": "damaged"}]}, token=STAFF_TOKEN,
    )  # fmt: skip
    assert (back.status_code, back.json()["ways"][0]["tender"]) == (201, "cash"), back.text
    # A basket put aside and taken up; the drawer that opened by itself is counted.
    lines = [{"sku_id": str(world.skus["milk"]), "quantity": 1}]
    parked = app.ask("POST", "/api/clerk/parked-sales", {"store": "A", "lines": lines}, token=STAFF_TOKEN)
    taken = app.ask("POST", f"/api/clerk/parked-sales/{parked.json()['id']}/resumption", {}, token=STAFF_TOKEN)
    assert taken.status_code == 200, taken.text
    drawers = app.http.get("/api/clerk/drawers?store=A", headers={"Authorization": f"Bearer {STAFF_TOKEN}"}).json()
    counted = {"counted": {"minor": 10000, "currency": "CNY"}}  # what was not given back
    closed = app.ask(
        "POST", f"/api/clerk/drawer-sessions/{drawers['items'][0]['id']}/closing", counted, token=STAFF_TOKEN
    )
    assert closed.status_code == 200, closed.text
    assert closed.json()["difference"]["minor"] == 0


def split_sale(app: Application, world) -> None:
    """Part of it by the code on a phone, the rest in cash."""
    yuan = lambda minor: {"minor": minor, "currency": "CNY"}  # noqa: E731
    rung = app.ask(
        "POST", "/api/clerk/till-orders",
        {"store": "A", "lines": [{"sku_id": str(world.skus["milk"]), "quantity": 1}], "expected_total": yuan(19900),
         "tenders": [{"tender": "code", "amount": yuan(9900)}, {"tender": "cash", "amount": yuan(10000)}]},
        token=STAFF_TOKEN,
    )  # fmt: skip
    assert rung.status_code == 201, rung.text
    sale = rung.json()
    part = next(one["id"] for one in sale["tenders"] if one["tender"] == "code")
    wallet = app.http.get("/sandbox/wallet").text
    code = re.search(r'data-code="(\d{18})"', wallet)
    assert code is not None
    for _ in range(30):
        # Whoever died while charging may still be on the way to the provider: for some seconds nobody charges again.
        charged = app.ask(
            "POST", f"/api/clerk/till-orders/{sale['id']}/tenders/{part}/charges", {"code": code[1]}, token=STAFF_TOKEN
        )
        if charged.status_code != 409:
            break
        assert charged.json()["code"] == "payments.being-charged", charged.text
        time.sleep(1)
    assert charged.status_code == 200, charged.text
    done = app.ask(
        "POST", f"/api/clerk/till-orders/{sale['id']}/completion", {"tendered": yuan(10000)}, token=STAFF_TOKEN
    )
    assert (done.status_code, done.json()["order"]["state"]) == (200, "completed"), done.text


def test_the_story_passes_every_point_of_requests():
    assert sorted(POINTS) == [point for point in faults.points() if point.split(".")[0] not in ELSEWHERE]


@pytest.mark.parametrize("points", [POINTS[n::TOLD] for n in range(TOLD)], ids="+".join)
async def test_kill_at(points, world, application):
    await world.stock("A", "milk", 10)
    await world.stock("A", "bottle", 1)
    await world.stock("DC", "bottle", 1)
    directory._current = directory.Chain()
    application.start(*points)
    story(application, world)
    assert application.deaths == list(points)
    await _refund_everything(world, application)
    assert await world.value("SELECT count(*) FROM orders") == 5
    assert await world.value("SELECT count(*) FROM captures WHERE tender = 'sandbox'") == 4
    assert await world.value("SELECT count(*) FROM refunds") == 2
    assert await world.value("SELECT count(*) FROM refunds WHERE state = 'done'") == 2
    # Ten came in; two were handed over, two sold over the counter, one of which came back damaged.
    assert await world.level("A", "milk") == (6, 0)
    assert await world.level("A", "bottle") == (1, 1)
    assert await world.level("DC", "bottle") == (0, 0)
    assert await broken(world.db) == []


async def _refund_everything(world, application) -> None:
    """What the worker does: the requested refunds are sent to the provider."""
    client = SandboxClient(
        base_url=f"http://127.0.0.1:{application.port}/sandbox",
        merchant_id="duoline",
        secret=merchant_secret("x" * 40, "duoline"),
    )
    providers.connect(client)
    for row in await world.db.fetch("SELECT member_id, id FROM refunds WHERE state = 'requested'"):
        await refund.send(world.db, refund.SendRefund(row["member_id"], row["id"]))
    await client.close()


@pytest.mark.parametrize("point", ["refund.before_send", "refund.after_send"])
async def test_refund_is_sent_once_wherever_the_worker_stops(point, world, books):
    await world.stock("A", "milk", 1)
    receipt = await world.paid(books, world.wish("milk", at="A"))
    await world.cancel(receipt)
    faults.arm(f"{point}:raise")
    try:
        with pytest.raises(faults.InjectedFault):
            await world.refunds()
    finally:
        faults.arm("")
    await world.refunds()
    assert len(books.refunds) == 1
    assert (await world.order(receipt)).pay_state == "refunded"


@pytest.mark.parametrize("prefix", ELSEWHERE)
def test_points_outside_of_requests_are_proved_where_it_says(prefix):
    """A new point cannot be forgotten: the story above passes it, or the test named here arms it."""
    proof = Path(ELSEWHERE[prefix]).read_text(encoding="utf-8")
    mine = [point for point in faults.points() if point.startswith(f"{prefix}.")]
    assert mine
    assert all(point in proof for point in mine)
