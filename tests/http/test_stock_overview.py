"""Headquarters' view of stock from above: sums by region, shop and category, ages, status, alerts, and who sees which."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline import insight, inventory
from duoline.kernel import clock, policies
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import new_id
from duoline.stores import directory
from tests.http.shelf import NOON, line, order, stocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.world import Caller, World

OVERVIEW, ALERTS = "/api/console/stock/overview", "/api/console/stock/alerts"
STATUSES = ("free", "held_orders", "held_transfers", "held_favourites", "held_by_hand", "safety")
AGES = ("age_30", "age_90", "age_180", "age_older", "age_unknown")


async def summed(world: World) -> None:
    """Every location is summed up as of now."""
    for store_id in world.stores.values():
        await insight.summarise(world.db, store_id, at=clock.now())


async def look(who: Caller, **query: Any) -> dict[str, Any]:
    answer = await who.get(OVERVIEW, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    for sums in (*found["items"], found["totals"]):
        assert sum(sums[name] for name in STATUSES) == sums["on_hand"]
        assert sum(sums[name] for name in AGES) == sums["on_hand"]
        assert sums["held"] == sum(sums[name] for name in STATUSES if name.startswith("held"))
    return found


async def units(who: Caller, **query: Any) -> dict[str, int]:
    """What is on hand by row; the shops that stand in a region itself are marked."""
    found = await look(who, **query)
    return {row["code"] + ("*" if row["direct"] else ""): row["on_hand"] for row in found["items"]}


async def alerts(who: Caller, kind: str = "missing", **query: Any) -> dict[str, Any]:
    answer = await who.get(ALERTS, params={"kind": kind} | query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def counts(who: Caller, **query: Any) -> tuple[int, int, int]:
    found = (await alerts(who, **query))["counts"]
    return found["missing"], found["stale_hold"], found["rejects"]


async def told(who: Caller) -> dict[str, int]:
    """What today's list says of the stock."""
    attention = (await who.get("/api/console/today")).json()["attention"]
    return {one["kind"]: one["count"] for one in attention if one["link"].startswith("/stock/overview")}


async def adjust(world: World, sku: str, store: str, delta: int, reason: str, at: datetime | None = None) -> None:
    with clock.frozen(at or clock.now()):
        async with world.db.begin() as tx:
            await inventory.adjust(
                tx, location_id=world.stores[store], sku_id=UUID(sku), delta=delta, reason=reason, actor=SYSTEM,  # type: ignore[arg-type]
            )  # fmt: skip


async def bought(who: Caller, *lines: dict[str, Any]) -> dict[str, Any]:
    placed = await who.post("/api/mall/orders", order(*lines))
    assert placed.status_code == 201, placed.text
    return dict(placed.json())


async def kept(
    world: World, sku: str, store: str, quantity: int, *, since: datetime, until: datetime | None = None
) -> UUID:
    """Units kept by hand."""
    hold_id = new_id()
    with clock.frozen(since):
        await inventory.Holds(world.db).hold(
            location_id=world.stores[store], sku_id=UUID(sku), quantity=quantity, ref_kind="clerk", ref_id=new_id(),
            expires_at=until, actor=SYSTEM, hold_id=hold_id,
        )  # fmt: skip
    return hold_id


@pytest.fixture
async def decide(world: World) -> AsyncIterator[Any]:
    """Changes of the policy that end with the test."""

    async def change(**fields: int) -> None:
        async with world.db.begin() as tx:
            await policies.set_version(tx, actor=SYSTEM, kind="stock_alerts", body=fields, reason="test")
        await policies.refresh(world.db)

    yield change
    policies._versions.clear()


# --- the sums -------------------------------------------------------------------------------------


async def test_before_anything_was_summed_up_the_page_says_so(world: World, shelf: str) -> None:
    found = await look(world.staff("hq"))
    assert (found["as_of"], found["pending"], found["totals"]["on_hand"]) == (None, 5, 0)
    assert await insight.refresh(world.db) == 5
    found = await look(world.staff("hq"))
    assert (found["pending"], found["totals"]["on_hand"]) == (0, 10)
    assert datetime.fromisoformat(found["as_of"]) == NOON
    assert found["totals"]["value"] == {"minor": 10 * 19900, "currency": "CNY"}
    assert found["totals"]["shelves"] == 2


async def test_a_region_contains_those_below_it_and_the_rows_add_up(world: World, shelf: str) -> None:
    for n, store in enumerate(("S2", "S3", "S4")):
        await adjust(world, shelf, store, 10 * (n + 1), "opening")
    await summed(world)
    hq = world.staff("hq")
    # china has no shop of its own and is the only one at the top, so one begins inside of it.
    found = await look(hq, sort="name")
    assert [(row["code"], row["on_hand"], row["divides"]) for row in found["items"]] == [
        ("north", 5 + 5 + 20, True),
        ("south", 10 + 30, False),
    ]
    assert [step["code"] for step in found["path"]] == ["china"]
    assert found["totals"]["on_hand"] == 70
    # The warehouse stands in the north itself, beside the region below it.
    assert await units(hq, region="north", sort="name") == {"north*": 5, "north-east": 25}
    assert await units(hq, region="north-east") == {"north-east": 25}
    assert await units(hq, by="store", region="north", sort="name") == {"D1": 5, "S1": 5, "S3": 20}
    assert await units(hq, by="store", region="north", direct=True) == {"D1": 5}
    assert await units(hq, by="category", region="south") == {"CMILK": 40}
    assert await units(hq, by="category", store="S4") == {"CMILK": 30}
    assert (await hq.get(OVERVIEW, params={"region": "nowhere"})).status_code == 404
    assert (await hq.get(OVERVIEW, params={"store": "S9"})).status_code == 404


async def test_staff_see_the_shops_they_may_see_and_no_sum_tells_of_others(world: World, shelf: str) -> None:
    for n, store in enumerate(("S2", "S3", "S4")):
        await adjust(world, shelf, store, 10 * (n + 1), "opening")
    await summed(world)
    north, south, own = world.staff("north"), world.staff("south"), world.staff("franchisee_b")
    assert await units(north, sort="name") == {"north*": 5, "north-east": 25}
    assert (await look(south))["totals"]["on_hand"] == 40
    assert await units(own, by="store") == {"S4": 30}
    assert await units(own, by="category") == {"CMILK": 30}
    # Another's region is there, and empty of what one may not see.
    assert await units(south, region="north") == {}
    assert (await look(south, by="store", region="north"))["total"] == 0
    assert (await south.get(OVERVIEW, params={"store": "S1"})).status_code == 404
    assert (await south.get(ALERTS, params={"store": "S1"})).status_code == 404


async def test_categories_are_those_at_the_top_and_lead_to_the_list_of_shelves(world: World, shelf: str) -> None:
    bottle = await stocked(world, "BOTTLE", 4990, {"S1": 7})
    top = new_id()
    await world.db.execute(
        "INSERT INTO categories (id, code, name_zh, name_en) VALUES ($1, 'BABY', '母婴', 'Baby')", top
    )
    await world.db.execute("UPDATE categories SET parent_id = $1 WHERE code = 'CMILK'", top)
    await summed(world)
    hq = world.staff("hq")
    assert await units(hq, by="category", store="S1") == {"CBOTTLE": 7, "BABY": 5}
    assert await units(hq, by="store", category="BABY", sort="-units") == {"D1": 5, "S1": 5, "S2": 0, "S3": 0, "S4": 0}
    assert (await hq.get(OVERVIEW, params={"category": "CMILK"})).status_code == 404
    listed = (await hq.get("/api/console/stock", params={"store": "S1", "category": "BABY"})).json()["items"]
    assert [row["sku_id"] for row in listed] == [shelf]
    listed = (await hq.get("/api/console/stock", params={"store": "S1", "category": "CBOTTLE"})).json()["items"]
    assert [row["sku_id"] for row in listed] == [bottle]
    assert (await hq.get("/api/console/stock", params={"category": "NONE"})).status_code == 404
    # A category that a shop has no more of is gone from its sums.
    await adjust(world, bottle, "S1", -7, "damage")
    await summed(world)
    assert await units(hq, by="category", store="S1") == {"BABY": 5}


async def test_the_list_is_searched_sorted_and_paged(world: World, shelf: str) -> None:
    for n, store in enumerate(("S2", "S3", "S4")):
        await adjust(world, shelf, store, 10 * (n + 1), "opening")
    await summed(world)
    hq = world.staff("hq")
    first = await look(hq, by="store", limit=2)
    assert [row["code"] for row in first["items"]] == ["S4", "S3"]
    second = await look(hq, by="store", limit=2, cursor=first["next"])
    third = await look(hq, by="store", limit=2, cursor=second["next"])
    assert [row["code"] for row in second["items"] + third["items"]] == ["S2", "D1", "S1"]
    assert (first["total"], third["next"]) == (5, None)
    assert first["totals"] == second["totals"]
    found = await look(hq, by="store", q="s3")
    assert ([row["code"] for row in found["items"]], found["totals"]["on_hand"]) == (["S3"], 20)
    assert (await hq.get(OVERVIEW, params={"cursor": "x"})).status_code == 422
    sorts = {
        "name": "code", "units": "on_hand", "free": "free", "held": "held", "in_transit": "in_transit", "old": "age_older",
    }  # fmt: skip
    for sort, name in sorts.items():
        up = [row[name] for row in (await look(hq, by="store", sort=sort))["items"]]
        down = [row[name] for row in (await look(hq, by="store", sort=f"-{sort}"))["items"]]
        assert (up, down) == (sorted(up), sorted(up, reverse=True))
    values = [row["value"]["minor"] for row in (await look(hq, by="store", sort="value"))["items"]]
    assert values == [19900 * units for units in (5, 5, 10, 20, 30)]


# --- status and age -------------------------------------------------------------------------------


async def test_every_unit_is_in_one_status(world: World, shelf: str) -> None:
    await adjust(world, shelf, "S1", 15, "receipt")  # 20 there
    hq, buyer = world.staff("hq"), await world.member("+8613900000011")
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["S1"], sku_id=UUID(shelf), safety=4, reason="x", actor=SYSTEM
        )
    await bought(buyer, line(shelf, 3))
    await kept(world, shelf, "S1", 2, since=NOON, until=NOON + timedelta(hours=1))
    scan = {"product_code": "MILK", "store_code": "S1", "scan": True}
    assert (await buyer.put("/api/mall/favourites", scan)).status_code == 200
    asked = {"store": "S3", "source_code": "S1", "lines": [{"sku_id": shelf, "quantity": 5}]}
    assert (await hq.post("/api/clerk/transfers", asked)).status_code == 201
    await summed(world)
    (row,) = (await look(hq, by="store", q="S1"))["items"]
    assert {name: row[name] for name in STATUSES} == {
        "held_orders": 3, "held_by_hand": 2, "held_favourites": 1, "held_transfers": 5, "safety": 4, "free": 5,
    }  # fmt: skip
    assert (row["on_hand"], row["held"], row["shelves"]) == (20, 11, 1)
    # What of the safety stock is not there is not counted.
    await kept(world, shelf, "S1", 5, since=NOON)
    async with world.db.begin() as tx:
        await inventory.set_safety(
            tx, location_id=world.stores["S1"], sku_id=UUID(shelf), safety=400, reason="x", actor=SYSTEM
        )
    await summed(world)
    (row,) = (await look(hq, by="store", q="S1"))["items"]
    assert (row["free"], row["safety"], row["held"]) == (0, 4, 16)


async def test_what_is_in_transit_is_on_the_way_and_not_on_hand(world: World, shelf: str) -> None:
    hq = world.staff("hq")
    called = {
        "source_code": "D1", "destination_code": "S2", "reason": "x", "lines": [{"sku_id": shelf, "quantity": 3}],
    }  # fmt: skip
    transfer = (await hq.post("/api/console/transfers", called)).json()
    shipped = {"version": transfer["version"], "lines": [{"sku_id": shelf, "quantity": 3}]}
    sent = await hq.post(f"/api/clerk/transfers/{transfer['id']}/shipment", shipped)
    assert sent.status_code == 200, sent.text
    await summed(world)
    (row,) = (await look(hq, by="store", q="S2"))["items"]
    # S2 has no shelf of it yet, and is told what comes.
    assert (row["in_transit"], row["on_hand"], row["shelves"], row["value"]["minor"]) == (3, 0, 0, 0)
    assert await units(hq, by="store", q="D1") == {"D1": 2}
    came = {"version": sent.json()["version"], "lines": [{"sku_id": shelf, "received": 3}]}
    assert (await hq.post(f"/api/clerk/transfers/{transfer['id']}/receipt", came)).status_code == 200
    await summed(world)
    (row,) = (await look(hq, by="store", q="S2"))["items"]
    assert (row["in_transit"], row["on_hand"], row["age_30"]) == (0, 3, 3)


async def test_the_units_left_are_the_newest_that_came(world: World, shelf: str) -> None:
    """Goods-in of 4, 3 and 2 units 200, 100 and 40 days ago, five of the opening now; then some leave."""
    for days, came in ((200, 4), (100, 3), (40, 2)):
        await adjust(world, shelf, "S2", came, "receipt", NOON - timedelta(days=days))
    hq = world.staff("hq")

    async def ages() -> tuple[int, ...]:
        await summed(world)
        (row,) = (await look(hq, by="store", q="S2"))["items"]
        return tuple(row[name] for name in AGES)

    assert await ages() == (0, 2, 3, 4, 0)
    await adjust(world, shelf, "S2", -3, "damage")  # the oldest go first
    assert await ages() == (0, 2, 3, 1, 0)
    await adjust(world, shelf, "S2", -2, "count")
    assert await ages() == (0, 2, 2, 0, 0)
    await adjust(world, shelf, "S2", 1, "return")  # comes in now
    assert await ages() == (1, 2, 2, 0, 0)
    # To the instant: thirty days and all but a moment of the next are the first band.
    with clock.frozen(NOON + timedelta(days=31) - timedelta(microseconds=1)):
        assert await ages() == (1, 2, 2, 0, 0)
    with clock.frozen(NOON + timedelta(days=31)):
        assert await ages() == (0, 3, 2, 0, 0)


async def test_a_run_takes_the_oldest_sums_first_and_leaves_what_is_fresh(world: World, shelf: str) -> None:
    assert await insight.refresh(world.db) == 5
    assert await insight.refresh(world.db) == 0
    with clock.frozen(NOON + timedelta(minutes=2)):
        await insight.summarise(world.db, world.stores["S1"], at=clock.now())
    with clock.frozen(NOON + timedelta(minutes=5)):
        assert await insight.refresh(world.db, budget_s=0) == 0  # no time, nothing done
        assert await insight.refresh(world.db) == 4  # all but S1, which is three minutes old
        assert await insight.refresh(world.db) == 0


async def test_a_shop_that_cannot_be_summed_up_keeps_no_other_from_it(
    world: World, shelf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, broken = sys.modules["duoline.insight.summarise"], world.stores["S2"]

    async def refuse(db: Any, location_id: UUID, *, at: datetime) -> None:
        if location_id == broken:
            raise RuntimeError("cannot be summed up")
        await insight.summarise(db, location_id, at=at)

    monkeypatch.setattr(module, "summarise", refuse)
    assert await insight.refresh(world.db) == 4
    assert await insight.refresh(world.db) == 0  # it rests, and is not tried at every look
    found = await look(world.staff("hq"))
    assert (found["pending"], found["totals"]["on_hand"]) == (1, 10)


# --- alerts ---------------------------------------------------------------------------------------


async def test_missing_units_are_told_of_and_forgotten(world: World, shelf: str, decide: Any) -> None:
    hq = world.staff("hq")
    bottle = await stocked(world, "BOTTLE", 4990, {"S1": 9, "S2": 9})
    await decide(missing_units=3, missing_days=7)
    await adjust(world, shelf, "S1", -2, "count")
    await adjust(world, bottle, "S1", -1, "missing")
    assert await counts(hq) == (0, 0, 0)  # three, which are allowed
    assert await told(hq) == {}
    await adjust(world, bottle, "S1", -3, "missing")
    found = await alerts(hq)
    ((one,), total) = found["items"], found["total"]
    assert (one["store_code"], one["units"], one["articles_total"], total) == ("S1", 6, 2, 1)
    assert [(each["sku_code"], each["units"]) for each in one["articles"]] == [("BOTTLE-1", 4), ("MILK-1", 2)]
    assert await told(hq) == {"stock_missing": 1}
    assert (await counts(world.staff("north")), await counts(world.staff("south"))) == ((1, 0, 0), (0, 0, 0))
    assert (await counts(hq, region="south"), await counts(hq, store="S1")) == ((0, 0, 0), (1, 0, 0))
    # Found again: the article counts no more. A surplus of another article takes nothing away from it.
    await adjust(world, shelf, "S1", 10, "count")
    assert (await alerts(hq))["items"][0]["units"] == 4
    await adjust(world, bottle, "S1", 1, "count")
    assert await counts(hq) == (0, 0, 0)
    # What somebody reports as broken, or an import corrects, is no surprise.
    await adjust(world, bottle, "S2", -8, "damage")
    assert await counts(hq) == (0, 0, 0)
    await adjust(world, bottle, "S1", -1, "missing")
    with clock.frozen(NOON + timedelta(days=8)):
        assert await counts(hq) == (0, 0, 0)


async def test_what_an_order_finds_damaged_counts_as_missing(world: World, shelf: str, decide: Any) -> None:
    await decide(missing_units=0)
    hq, buyer = world.staff("hq"), await world.member("+8613900000012")
    placed = await bought(buyer, line(shelf, 2))
    job = (await buyer.get(f"/api/mall/orders/{placed['id']}")).json()["fulfilments"][0]
    for_one = {"lines": [{"line_id": job["lines"][0]["line_id"], "quantity": 2, "reason": "damaged"}]}
    rejected = await hq.post(f"/api/clerk/fulfilments/{job['id']}/rejection", for_one)
    assert rejected.status_code == 200, rejected.text
    (one,) = (await alerts(hq))["items"]
    assert (one["store_code"], one["units"]) == ("S1", 2)


async def test_units_kept_for_too_long_are_told_of_until_they_are_given_back(
    world: World, shelf: str, decide: Any
) -> None:
    hq, buyer = world.staff("hq"), await world.member("+8613900000013")
    await decide(hold_days=3)
    placed = await bought(buyer, line(shelf, 1))
    by_hand = await kept(world, shelf, "S1", 1, since=NOON - timedelta(hours=5), until=NOON - timedelta(minutes=16))
    await kept(world, shelf, "S1", 1, since=NOON, until=NOON - timedelta(minutes=14) + timedelta(hours=1))
    (one,) = (await alerts(hq, "stale_hold"))["items"]
    assert (one["hold_id"], one["past_end"], one["ref_kind"], one["units"]) == (str(by_hand), True, "clerk", 1)
    assert await told(hq) == {"stale_holds": 1}
    assert await counts(world.staff("south")) == (0, 0, 0)
    assert await inventory.expire_due(world.db) == 1  # what the job that ends them would have done
    assert await counts(hq) == (0, 0, 0)
    asked = {"store": "S3", "source_code": "D1", "lines": [{"sku_id": shelf, "quantity": 4}]}
    transfer = (await hq.post("/api/clerk/transfers", asked)).json()
    with clock.frozen(NOON + timedelta(days=3, seconds=1)):
        assert await inventory.expire_due(world.db) == 1
        first = await alerts(hq, "stale_hold", limit=1)
        second = await alerts(hq, "stale_hold", limit=1, cursor=first["next"])
        (old,), (other,) = first["items"], second["items"]
        assert (old["ref_kind"], old["ref_no"], old["ref_id"]) == ("order", placed["order_no"], placed["id"])
        assert (other["ref_kind"], other["ref_no"], other["store_code"]) == ("transfer", transfer["number"], "D1")
        assert (old["past_end"], other["ref_id"]) == (False, transfer["id"])
        assert (first["total"], second["next"]) == (2, None)
        await buyer.post(f"/api/mall/orders/{placed['id']}/cancellation", {"reason": "changed_mind"})
        assert [one["ref_kind"] for one in (await alerts(hq, "stale_hold"))["items"]] == ["transfer"]


async def test_shops_that_reject_much_are_told_of_when_they_had_enough_to_do(
    world: World, shelf: str, decide: Any
) -> None:
    await decide(reject_percent=10, reject_count_min=20)
    for store, served, rejected in (("S1", 18, 2), ("S2", 17, 3), ("S3", 9, 10), ("S4", 60, 40)):
        await world.db.execute(
            "INSERT INTO source_records VALUES ($1, $2, $3, $4)", world.stores[store], served, rejected, NOON
        )
    hq = world.staff("hq")
    found = await alerts(hq, "rejects")
    assert [(one["store_code"], one["units"], one["out_of"]) for one in found["items"]] == [
        ("S4", 40, 100),
        ("S2", 3, 20),
    ]
    assert await told(hq) == {"rejecting": 2}
    first = await alerts(hq, "rejects", limit=1)
    assert [one["store_code"] for one in (await alerts(hq, "rejects", limit=1, cursor=first["next"]))["items"]] == [
        "S2"
    ]
    assert await counts(world.staff("north")) == (0, 0, 0)
    await decide(reject_percent=15, reject_count_min=20)
    assert await counts(hq) == (0, 0, 1)
    # A record that nothing was added to for as long as it tells of says nothing any more.
    with clock.frozen(NOON + timedelta(days=29)):
        assert await counts(hq) == (0, 0, 0)


async def test_an_overview_of_a_chain_without_shops(world: World) -> None:
    """Nobody has stock to see whose shops are all gone from the directory."""
    nobody = insight.parts(directory.Chain(), None, frozenset())
    assert (nobody, insight.narrowest(directory.Chain(), frozenset())) == ([], None)
    assert insight.way_to(directory.Chain(), new_id()) == []
    assert await insight.by_group(world.db, {}, None) == {}
    assert await insight.taken(world.db, []) == (None, 0)
