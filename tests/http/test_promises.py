"""Which promises were kept, as headquarters, regions and shops see it; and that the mall promises by what was learned."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from duoline.flows.trade import Trade
from duoline.fulfilment.learn_promises import learn_promises
from duoline.fulfilment.promise_report import report_promises
from duoline.kernel import clock
from tests.http.shelf import NOON, line, order, stocked

if TYPE_CHECKING:
    from tests.http.world import World

PATH = "/api/console/promises"
TODAY = date(2026, 11, 18)


async def told(world: World, store: str, days_ago: int, promises: int, kept: int, **more: Any) -> None:
    """What the nightly report wrote of a day."""
    one = {"kind": "pickup", "band": 4, "plain_kept": 0, "loss": 1000, "plain_loss": 3000, "aim": 90} | more
    await world.db.execute(
        """INSERT INTO promise_days (location_id, day, kind, band, promises, kept, plain_kept, loss_milli,
                                     plain_loss_milli, aim)
           SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM stores WHERE code = $1""",
        store, TODAY - timedelta(days=days_ago), one["kind"], one["band"], promises, kept, one["plain_kept"],
        one["loss"], one["plain_loss"], one["aim"],
    )  # fmt: skip


async def read(world: World, login: str, **params: Any) -> dict[str, Any]:
    with clock.frozen(NOON):
        answer = await world.staff(login).get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_headquarters_sees_the_chain_by_day_and_each_shop_its_own(world: World) -> None:
    await told(world, "S1", 1, 10, 9, plain_kept=4)
    await told(world, "S1", 1, 5, 5, band=5)
    await told(world, "S2", 1, 10, 5)
    await told(world, "S1", 2, 4, 4)
    await told(world, "S1", 31, 100, 0)  # out of sight
    await told(world, "S1", 0, 7, 0)  # today is not over
    every = await read(world, "hq")
    sums = {name: every[name] for name in ("promises", "kept", "plain_kept", "loss", "plain_loss")}
    assert sums == {"promises": 29, "kept": 23, "plain_kept": 4, "loss": 138, "plain_loss": 414}
    assert (every["since"], every["until"], every["aim"], every["learned"]) == ("2026-10-19", "2026-11-17", 90, True)
    assert len(every["days"]) == 30
    assert [(d["on"], d["promises"], d["kept"], d["aim"]) for d in every["days"][-3:]] == [
        ("2026-11-15", 0, 0, None), ("2026-11-16", 4, 4, 90), ("2026-11-17", 25, 19, 90),
    ]  # fmt: skip
    assert every["bands"] == []
    own = await read(world, "manager2")
    assert (own["promises"], own["kept"]) == (10, 5)


async def test_one_shop_by_the_part_of_the_day_with_what_was_learned(world: World) -> None:
    await told(world, "S1", 1, 10, 9)
    await told(world, "S1", 3, 10, 8)
    await world.db.execute(
        "INSERT INTO promise_lags SELECT id, 'pickup', 4, 25, 40, $1 FROM stores WHERE code = 'S1'", NOON
    )
    found = await read(world, "manager1", store="S1")
    assert [band["from_hour"] for band in found["bands"]] == [0, 3, 6, 9, 12, 15, 18, 21]
    noon = found["bands"][4]
    assert (noon["promises"], noon["kept"], noon["lag"], noon["seen"], noon["loss"]) == (20, 17, 25, 40, 100)
    assert (found["bands"][0]["promises"], found["bands"][0]["loss"]) == (0, None)
    parcels = await read(world, "manager1", store="S1", kind="ship")
    assert [band["reach"] for band in parcels["bands"]] == ["near", "far", "beyond"]
    assert (parcels["promises"], parcels["loss"]) == (0, None)
    assert (await world.staff("manager2").get(PATH, params={"store": "S1"})).status_code == 404
    assert (await world.staff("clerk1").get(PATH)).status_code == 403


async def test_shops_are_listed_the_worst_first_searched_and_paged(world: World) -> None:
    await told(world, "S1", 1, 10, 9, loss=500)
    await told(world, "S2", 1, 10, 5)
    await told(world, "S2", 2, 10, 10)
    await told(world, "D1", 1, 4, 4, kind="ship", band=1)

    async def listed(login: str = "hq", **params: Any) -> Any:
        with clock.frozen(NOON):
            answer = await world.staff(login).get(f"{PATH}/shops", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = await listed(limit=1)
    assert [(one["store_code"], one["promises"], one["kept"]) for one in first["items"]] == [("S2", 20, 15)]
    rest = await listed(limit=1, cursor=first["next"])
    assert [one["store_code"] for one in rest["items"]] == ["S1"]
    assert rest["next"] is None
    assert [one["store_code"] for one in (await listed(sort="-kept"))["items"]] == ["S1", "S2"]
    assert [one["store_code"] for one in (await listed(sort="loss"))["items"]] == ["S1", "S2"]
    assert [one["store_code"] for one in (await listed(q="s1"))["items"]] == ["S1"]
    assert (await listed(q="nowhere"))["items"] == []
    assert [one["store_code"] for one in (await listed(kind="ship"))["items"]] == ["D1"]
    assert [one["store_code"] for one in (await listed("manager1"))["items"]] == ["S1"]
    assert (await world.staff("hq").get(f"{PATH}/shops", params={"sort": "x"})).status_code in (400, 422)


async def test_from_the_orders_of_weeks_to_the_page_and_the_next_promise(world: World) -> None:
    """An order a day, an hour late; the night's work; the page tells it, and every face promises by it."""
    sku = await stocked(world, "MILK", 19900, {"S1": 100})
    buyer, clerk = await world.member("+8613912345678"), world.staff("clerk1")
    for ago in range(34, 0, -1):
        at = NOON - timedelta(days=ago)
        with clock.frozen(at):
            placed = await buyer.post("/api/mall/orders", order(line(sku)))
            assert placed.status_code == 201, placed.text
            job = placed.json()["fulfilments"][0]
        with clock.frozen(at + timedelta(minutes=90)):
            done = await clerk.post(f"/api/clerk/fulfilments/{job['id']}/ready", {})
            assert done.status_code == 200, done.text
    with clock.frozen(NOON - timedelta(hours=8)):
        await learn_promises(world.db)
        await report_promises(world.db)
    found = await read(world, "hq", days=7)
    assert (found["promises"], found["kept"]) == (7, 0)
    seen = next(band for band in (await read(world, "hq", store="S1"))["bands"] if band["seen"])
    assert (seen["seen"], seen["lag"] > 0) == (34, True)

    world.app.state.trade = Trade(world.db, secret=world.app.state.settings.secret)  # as after a start
    with clock.frozen(NOON):
        page = (await buyer.get("/api/mall/products/MILK", params={"store": "S1"})).json()["pickup_promise"]["at"]
        shops = (await buyer.get("/api/mall/products/MILK/stores")).json()["items"]
        quote = (await buyer.post("/api/mall/quotes", {"lines": [line(sku)]})).json()["groups"][0]["promise"]["at"]
        placed = (await buyer.post("/api/mall/orders", order(line(sku)))).json()["fulfilments"][0]["promise_at"]
    said = {page, quote, placed, *(one["promise"]["at"] for one in shops)}
    plain = await world.db.fetchval("SELECT plain_at FROM fulfilments ORDER BY placed_at DESC LIMIT 1")
    (promised,) = said
    assert datetime.fromisoformat(promised) == plain + timedelta(minutes=seen["lag"])
