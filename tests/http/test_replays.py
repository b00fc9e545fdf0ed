"""Past orders played again, through the console's API: asked for, run by the worker, compared, cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from duoline.flows import replay
from duoline.kernel import clock, policies
from tests.http.shelf import ADDRESS, NOON, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.http.world import World

PATH = "/api/console/replays"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test decides ends with it."""
    yield
    policies._versions.clear()


def period(**more: Any) -> dict[str, Any]:
    return {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=1)).isoformat(), **more}


async def sold(world: World) -> None:
    """Two deliveries; the second may have to be split."""
    with clock.frozen(NOON):
        sku = await stocked(world, "MILK", 19900, {"S1": 2, "D1": 3})
        buyer = await world.member("+8613912345678")
        for quantity in (1, 3):
            body = order(line(sku, quantity, store=None), pay_mode="online", address=ADDRESS)
            answer = await buyer.post("/api/mall/orders", body)
            assert answer.status_code == 201, answer.text


async def test_headquarters_compares_a_draft_with_what_is_in_force(world: World) -> None:
    await sold(world)
    hq = world.staff("hq")
    with clock.frozen(NOON + timedelta(hours=2)):
        answer = await hq.post(PATH, period(versions=[0], draft={"body": {"parcel": 0, "parcels_max": 1}}))
        assert answer.status_code == 202, answer.text
        asked = answer.json()
        assert (asked["state"], asked["by"], asked["orders_total"], asked["terms"]) == ("queued", "hq", None, 3)
        assert [one["outcome"] for one in asked["contenders"]] == [None] * 3
        assert await world.work(replay.RUN_JOB) == 1
    found = (await hq.get(f"{PATH}/{asked['id']}")).json()
    assert (found["state"], found["orders_done"], found["orders_total"], found["cut_at"]) == ("done", 2, 2, None)
    now, version, draft = found["contenders"]
    assert [(one["name"], one["version"]) for one in (now, version, draft)] == [
        ("in_force", 0), ("version", 0), ("draft", None),
    ]  # fmt: skip
    stored = await world.db.fetchval("SELECT sum(cost_minor) FROM sourcing_decisions")
    assert now["outcome"]["cost"] == {"minor": stored, "currency": "CNY"}
    assert now["outcome"] == version["outcome"]
    assert (now["outcome"]["served"], now["outcome"]["parcels"], now["outcome"]["units_served"]) == (2, 3, 4)
    # One parcel at most: the second order finds no place that has all three units.
    assert (draft["outcome"]["served"], draft["outcome"]["units"], draft["outcome"]["units_served"]) == (1, 4, 1)
    assert draft["outcome"]["own_cost"]["minor"] < draft["outcome"]["cost"]["minor"]
    shops = {one["store_code"]: (one["units"], one["parcels"]) for one in now["outcome"]["shops"]}
    assert shops == {"D1": (3, 2), "S1": (1, 1)}


async def test_replays_are_listed_and_can_be_cancelled(world: World) -> None:
    hq = world.staff("hq")
    with clock.frozen(NOON + timedelta(hours=2)):
        ids = [(await hq.post(PATH, period())).json()["id"] for _ in range(3)]
        page = (await hq.get(PATH, params={"limit": 2})).json()
        rest = (await hq.get(PATH, params={"limit": 2, "cursor": page["next"]})).json()
        assert [one["id"] for one in page["items"] + rest["items"]] == ids[::-1]
        assert rest["next"] is None
        gone = await hq.post(f"{PATH}/{ids[0]}/cancellation")
        assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
        again = await hq.post(f"{PATH}/{ids[0]}/cancellation")
        assert (again.status_code, again.json()["code"]) == (409, "sourcing.replay-ended")
        await world.work(replay.RUN_JOB)
    states = [(await hq.get(f"{PATH}/{one}")).json()["state"] for one in ids]
    assert states == ["cancelled", "done", "done"]


async def test_the_same_key_is_one_replay_and_what_does_not_fit_is_none(world: World) -> None:
    hq = world.staff("hq")
    with clock.frozen(NOON + timedelta(hours=2)):
        first, again = [await hq.post(PATH, period(), key="one-key-for-both") for _ in range(2)]
        assert first.json()["id"] == again.json()["id"]
        bad = await hq.post(PATH, period(draft={"body": {"parcel": -1}}))
        assert (bad.status_code, [one["field"] for one in bad.json()["problems"]]) == (422, ["body.parcel"])
        none = await hq.post(PATH, period(versions=[4]), headers={"Accept-Language": "en"})
        assert none.json()["problems"] == [{"field": "others", "reason": "There is no version 4."}]
        naive = await hq.post(PATH, period(since="2026-11-18T04:00:00"))
        assert naive.status_code == 422
    assert await world.db.fetchval("SELECT count(*) FROM sourcing_replays") == 1
    assert (await hq.get(f"{PATH}/00000000-0000-7000-8000-00000000abcd")).status_code == 404


@pytest.mark.parametrize("login", ["north", "franchisee_a", "manager1", "clerk1"])
async def test_only_headquarters_sees_replays(world: World, login: str) -> None:
    """A region may read policies, but a replay shows what every shop of the chain had to do."""
    who = world.staff(login)
    assert (await who.get(PATH)).status_code == 403
    assert (await who.post(PATH, period())).status_code == 403
