"""Kill -9 of the application at every fault point of a transfer, with the client retrying by the same key.

One story passes every point: asked and approved by a person, declined, cancelled, called off, sent, received short and
written off. At the end the units are where the story puts them, once, and the check is clean.
"""

from __future__ import annotations

import pytest

from duoline.entry.check import broken
from duoline.kernel import faults
from duoline.stores import directory
from tests.flows.test_crashes import STAFF_TOKEN, Application, _staff

# In the order in which the story passes them for the first time.
POINTS = [
    "transfer.request_before_commit",
    "transfer.decline_before_commit",
    "transfer.cancel_before_commit",
    "transfer.approve_before_commit",
    "transfer.send_before_commit",
    "transfer.receive_before_commit",
    "transfer.lose_before_commit",
]


@pytest.fixture
async def application(world, access, tmp_path):
    await _staff(world)
    running = Application(access.dsn, tmp_path)
    yield running
    running.stop()


def test_every_point_is_here():
    assert [point for point in faults.points() if point.startswith("transfer.")] == sorted(POINTS)


def story(app: Application, world) -> None:
    sku = str(world.skus["milk"])

    def do(path, body, status=200):
        answer = app.ask("POST", path, body, token=STAFF_TOKEN)
        assert answer.status_code == status, answer.text
        return answer.json()

    def asked(units):
        lines = [{"sku_id": sku, "quantity": units}]
        return do("/api/clerk/transfers", {"store": "B", "source_code": "A", "lines": lines}, 201)

    def step(transfer, name, body):
        face = "clerk" if name in ("shipment", "receipt") else "staff"
        return do(f"/api/{face}/transfers/{transfer['id']}/{name}", body)

    step(asked(4), "refusal", {"reason": "ours"})
    step(asked(2), "cancellation", {"reason": "no more"})
    moved = step(asked(5), "approval", {})
    moved = step(moved, "shipment", {"version": moved["version"], "lines": [{"sku_id": sku, "quantity": 4}]})
    moved = step(
        moved, "receipt", {"version": moved["version"], "lines": [{"sku_id": sku, "received": 2, "damaged": 1}]}
    )
    moved = step(moved, "loss", {"version": moved["version"], "reason": "gone"})
    assert moved["state"] == "received"


async def test_kill_at_each(world, application):
    await world.stock("A", "milk", 9)
    directory._current = directory.Chain()
    application.start(*POINTS)
    story(application, world)
    assert application.deaths == POINTS
    assert await world.level("A", "milk") == (5, 0)
    assert await world.level("B", "milk") == (2, 0)
    assert await world.value("SELECT count(*) FROM transfers") == 6
    assert await world.value("SELECT count(*) FROM audit_log WHERE action LIKE 'transfer.%'") == 10
    assert await world.value("SELECT count(*) FROM movements WHERE ref_kind = 'transfer'") == 2 * 4
    assert await broken(world.db) == []
