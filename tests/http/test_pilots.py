"""Sourcing terms tried in one region, compared with another, switched on everywhere or ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.entry.check import broken
from duoline.kernel import clock, policies
from duoline.stores import directory
from tests.http.shelf import ADDRESS, NOON, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.http.world import World

PATH = "/api/console/pilots"
SOUTH = ADDRESS | {"province": "南省", "city": "南市"}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test decides ends with it."""
    yield
    policies._versions.clear()


def wanted(**more: Any) -> dict[str, Any]:
    body = {"split": 0, "parcels_max": 1, "from_warehouses": False}
    until = (clock.now() + timedelta(days=14)).isoformat()
    return {"body": body, "regions": ["south"], "controls": ["north"], "until": until, "reason": "try"} | more


async def two_cities(world: World) -> None:
    await world.db.execute(
        "UPDATE stores SET province = '南省', city = '南市', updated_at = now() WHERE code IN ('S2', 'S4')"
    )
    await directory.refresh(world.db)


async def deliver(world: World, sku: str, address: dict[str, Any], quantity: int = 1, status: int = 201) -> Any:
    buyer = await world.member()
    answer = await buyer.post(
        "/api/mall/orders", order(line(sku, quantity, store=None), pay_mode="online", address=address)
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_orders_of_its_regions_only_are_sourced_by_it(world: World):
    hq = world.staff("hq")
    with clock.frozen(NOON):
        await two_cities(world)
        sku = await stocked(world, "MILK", 19900, {"S1": 5, "S2": 5, "D1": 20})
        started = await hq.post(PATH, wanted(body={"from_shops": False}))
        assert started.status_code == 201, started.text
        assert (started.json()["version"], started.json()["state"]) == (1, "running")
        await deliver(world, sku, ADDRESS)
        await deliver(world, sku, SOUTH)
        await deliver(world, sku, ADDRESS | {"province": "外省", "city": "外市"})
        assert await hq.post(f"{PATH}/1/end", {"reason": "seen"})
        await deliver(world, sku, SOUTH)
    rows = await world.db.fetch(
        """SELECT s.code, d.policy_version, r.code AS region FROM sourcing_decisions d
           JOIN fulfilments f ON f.decision_id = d.id JOIN stores s ON s.id = f.location_id
           LEFT JOIN regions r ON r.id = d.region_id ORDER BY d.id"""
    )
    assert [tuple(row) for row in rows] == [
        ("D1", 0, "north-east"),
        ("D1", 1, "south"),
        ("D1", 0, None),
        ("S2", 0, "south"),
    ]
    assert await broken(world.db) == []


async def test_figures_of_both_groups_before_and_since(world: World):
    hq = world.staff("hq")
    begin = NOON - timedelta(days=10)
    with clock.frozen(begin):
        await two_cities(world)
        sku = await stocked(world, "MILK", 19900, {"S1": 50, "S2": 60, "D1": 200})
    for day in range(1, 9):
        with clock.frozen(begin + timedelta(days=day)):
            if day == 5:
                body = {"from_shops": False}
                answer = await hq.post(PATH, wanted(body=body, until=(NOON + timedelta(days=5)).isoformat()))
                assert answer.status_code == 201, answer.text
            for address in (ADDRESS, SOUTH):
                await deliver(world, sku, address)
    with clock.frozen(NOON - timedelta(days=1)):
        found = (await hq.get(f"{PATH}/1")).json()
        assert (await world.staff("clerk1").get(f"{PATH}/1")).status_code == 403
        listed = (await hq.get(PATH)).json()["items"]
    assert [(one["version"], one["state"]) for one in listed] == [(1, "running")]
    assert [region["code"] for region in found["regions"]] == ["south"]
    assert [region["code"] for region in found["controls"]] == ["north"]
    assert len(found["days"]) == 8
    assert {(day["pilot"]["orders"], day["control"]["orders"]) for day in found["days"]} == {(1, 1)}
    effects = {one["measure"]: one for one in found["effects"]}
    # From S2 a parcel of a southern order is nearer than from the warehouse in the north: it costs more to leave shops out.
    cost = effects["cost_minor"]
    assert cost["control_before"] == cost["control_since"]
    assert cost["change"] == cost["pilot_since"] - cost["pilot_before"] > 0
    assert cost["low"] == cost["high"] == cost["change"]  # every day was the same
    assert effects["km"]["change"] > 1000
    assert effects["parcels"]["change"] == 0
    # At the terms that hold elsewhere: a parcel, its kilometres and one pick.
    terms = policies.current("sourcing").body
    assert cost["pilot_before"] == pytest.approx(
        terms.parcel + terms.per_km * effects["km"]["pilot_before"] + terms.pick_store, abs=1
    )
    assert cost["pilot_since"] == pytest.approx(
        terms.parcel + terms.per_km * effects["km"]["pilot_since"] + terms.pick_dc, abs=1
    )


async def test_it_is_ended_or_switched_on_everywhere(world: World):
    hq = world.staff("hq")
    assert (await hq.post(PATH, wanted())).status_code == 201
    again = await hq.post(PATH, wanted(regions=["china"], controls=["south"]))
    assert again.status_code == 422
    again = await hq.post(PATH, wanted())
    assert (again.status_code, again.json()["code"]) == (409, "kernel.pilot-overlaps")
    assert (await hq.post(f"{PATH}/1/end", {"reason": " "})).status_code == 422
    ended = await hq.post(f"{PATH}/1/end", {"reason": "dear"})
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    assert (await hq.post(f"{PATH}/1/end", {"reason": "dear"})).json()["code"] == "kernel.pilot-over"
    assert policies.current("sourcing", region_id=world.regions["south"]).version == 0

    assert (await hq.post(PATH, wanted())).status_code == 201
    adopted = await hq.post(f"{PATH}/2/adoption", {"reason": "cheaper"})
    assert (adopted.status_code, adopted.json()["state"]) == (200, "ended")
    for region in (None, world.regions["south"], world.regions["north"]):
        assert policies.current("sourcing", region_id=region).version == 3
        assert policies.current("sourcing", region_id=region).body.parcels_max == 1
    assert (await hq.get(f"{PATH}/7")).status_code == 404
    assert (await hq.post(f"{PATH}/3/end", {"reason": "no pilot"})).status_code == 404
    assert await broken(world.db) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"regions": ["nowhere"]}, "regions"),
        ({"controls": ["nowhere"]}, "controls"),
        ({"controls": ["south"]}, "controls"),
        ({"regions": ["north"], "controls": ["north-east"]}, "controls"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"body": {"parcels_max": 0}}, "body.parcels_max"),
    ],
)
async def test_what_cannot_be_tried_is_refused(world: World, wrong: dict[str, Any], field: str):
    answer = await world.staff("hq").post(PATH, wanted(**wrong))
    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in answer.json()["problems"]] == [field]
    assert (await world.staff("north").post(PATH, wanted())).status_code == 403
    assert await world.db.fetchval("SELECT count(*) FROM policies") == 0
