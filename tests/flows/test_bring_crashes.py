"""Kill -9 of the application at every fault point of bringing units to a shop, the client retrying by the same key.

One story passes every point: one order is brought, received and collected; the box of another one is lost.
"""

from __future__ import annotations

import pytest

from duoline.entry.check import broken
from duoline.kernel import faults
from duoline.stores import directory
from tests.flows.test_crashes import STAFF_TOKEN, Application, _staff, order_body, pay

# In the order in which the story passes them for the first time.
POINTS = ["bring.send_before_commit", "bring.receive_before_commit", "bring.lose_before_commit"]


@pytest.fixture
async def application(world, access, tmp_path):
    await _staff(world)
    running = Application(access.dsn, tmp_path)
    yield running
    running.stop()


def test_every_point_is_here():
    assert [point for point in faults.points() if point.startswith("bring.")] == sorted(POINTS)


def story(app: Application, world) -> None:
    sku = str(world.skus["milk"])
    shown = app.ask(
        "POST", "/api/mall/cart/lines", {"sku_id": sku, "quantity": 1, "method": "pickup", "store_code": "A"}
    )
    assert shown.json()["groups"][0]["brought"] is True, shown.text
    member = shown.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    app.http.cookies.clear()

    def do(path, body, status=200):
        answer = app.ask("POST", path, body, token=STAFF_TOKEN)
        assert answer.status_code == status, answer.text
        return answer.json()

    def sent():
        """Placed at A, paid, packed at B and sent; the order and its transfer."""
        body = order_body(world, "milk", 1, at="A", pay_mode="online") | {"bring": True}
        placed = app.ask("POST", "/api/mall/orders", body, token=member).json()
        pay(app, placed["id"], member)
        job = placed["fulfilments"][0]
        assert (job["kind"], job["store_code"], job["to_store_code"]) == ("transfer", "B", "A")
        do(f"/api/clerk/fulfilments/{job['id']}/ready", {})
        assert do(f"/api/clerk/fulfilments/{job['id']}/sending", {})["state"] == "shipped"
        coming = app.ask("GET", "/api/clerk/transfers?store=A", token=STAFF_TOKEN).json()["items"]
        (transfer,) = (one for one in coming if one["for_order"]["order_no"] == placed["order_no"])
        return placed, transfer

    placed, transfer = sent()
    box = {"version": transfer["version"], "lines": [{"sku_id": sku, "received": 1}]}
    here = do(f"/api/clerk/transfers/{transfer['id']}/receipt", box)["for_order"]
    code = app.ask("GET", f"/api/mall/orders/{placed['id']}/pickup-code", token=member).json()
    assert here["ready_id"] == code["fulfilment_id"]
    handed = do(f"/api/clerk/fulfilments/{here['ready_id']}/handover", {"code": code["qr"]})
    assert handed["card"]["state"] == "handed_over"

    placed, transfer = sent()
    do(f"/api/staff/transfers/{transfer['id']}/loss", {"version": transfer["version"], "reason": "gone"})
    order = app.ask("GET", f"/api/mall/orders/{placed['id']}", token=member).json()
    assert order["state"] == "needs_answer"


async def test_kill_at_each(world, application):
    await world.stock("B", "milk", 3)
    directory._current = directory.Chain()
    application.start(*POINTS)
    story(application, world)
    assert application.deaths == POINTS
    assert await world.level("B", "milk") == (1, 0)
    assert await world.level("A", "milk") == (0, 0)
    assert await world.value("SELECT count(*) FROM transfers") == 4
    assert await world.value("SELECT count(*) FROM fulfilments") == 3
    assert await world.value("SELECT count(*) FROM audit_log WHERE action LIKE 'transfer.%'") == 4
    assert await broken(world.db) == []
