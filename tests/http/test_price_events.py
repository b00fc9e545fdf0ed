"""Prices that change are told to every open page: at once, and at the instant at which one begins or ends by itself."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from duoline.channels.http import sessions
from duoline.channels.http.live import TooManyStreams
from duoline.channels.mall.price_events import FEED
from duoline.kernel import clock, outbox
from duoline.kernel.ids import new_id
from duoline.pricing import announce
from tests.http.test_live import Asked, browse, connect, leave, open_hub

if TYPE_CHECKING:
    from duoline.kernel.db import Database
    from tests.http.world import World

PRICES, QUEUE = "/api/mall/prices/events", "/api/clerk/events?store=S1"


def price(sku: str, minor: int, **more: object) -> dict[str, object]:
    return {"sku_id": sku, "scope": "store", "scope_code": "S1", "price": {"minor": minor, "currency": "CNY"}, "reason": "r"} | more  # fmt: skip


async def test_every_open_page_hears_of_a_price_and_of_nothing_else(world: World, shelf: str) -> None:
    passer_by = await connect(world, world.anonymous(), PRICES)
    till = await connect(world, world.staff("clerk1"), QUEUE)
    headquarters = world.staff("hq")
    async with world.db.begin() as tx:
        await outbox.emit(tx, topic="orders.sold", key="x", payload={"order_id": str(new_id())})
    made = await headquarters.post("/api/console/prices", price(shelf, 100))
    assert made.status_code == 201
    await world.relay()
    for browser in (passer_by, till):
        (frame,) = await browser.frames(1)
        assert (frame["event"], json.loads(frame["data"])) == ("price", {"sku_id": shelf})
    await asyncio.sleep(0.05)
    assert passer_by.nothing_more()
    await leave(passer_by, till)

    # Who was away is told what was missed.
    assert (await headquarters.delete(f"/api/console/prices/{made.json()['id']}")).status_code == 204
    await world.relay()
    back = await connect(world, world.anonymous(), f"{PRICES}?last_event_id={frame['id']}")
    (missed,) = await back.frames(1)
    assert json.loads(missed["data"]) == {"sku_id": shelf}
    await leave(back)


async def test_a_price_to_come_is_told_when_it_begins_and_when_it_ends(world: World, shelf: str) -> None:
    now = clock.now().replace(microsecond=0)
    begins, ends = now + timedelta(hours=1), now + timedelta(hours=2)
    headquarters = world.staff("hq")
    body = price(shelf, 100, valid_from=begins.isoformat(), valid_until=ends.isoformat())
    assert (await headquarters.post("/api/console/prices", body)).status_code == 201
    waiting = await world.db.fetch(
        "SELECT execute_after FROM pgqueuer.pgqueuer WHERE entrypoint = $1 ORDER BY 1", announce.JOB
    )
    assert [row["execute_after"] for row in waiting] == [begins, ends]
    await world.relay()
    page = await connect(world, world.anonymous(), PRICES)
    assert await world.work(announce.JOB) == 2
    await world.relay()
    assert [json.loads(frame["data"]) for frame in await page.frames(2)] == 2 * [{"sku_id": shelf}]
    await leave(page)


async def test_of_many_prices_at_once_it_is_only_said_that_there_are(world: World) -> None:
    async with world.db.begin() as tx:
        await announce.tell(tx, [new_id() for _ in range(announce.ONE_BY_ONE + 1)])
    assert await world.db.fetchval("SELECT payload FROM local_outbox WHERE topic = $1", announce.TOPIC) == {
        "sku_id": None
    }


async def test_whose_tier_changes_sees_other_prices_at_once_and_nobody_else(world: World, shelf: str) -> None:
    headquarters = world.staff("hq")
    member, guest = await world.member("+8613900000001"), await world.member(kind="guest")
    pages = [await connect(world, one, PRICES) for one in (member, guest, world.anonymous())]
    assert (await headquarters.post("/api/console/prices", price(shelf, 100, tier="gold"))).status_code == 201
    await world.relay()
    for page in pages:  # all hear of the price
        await page.frames(1)
    tag = "/api/mall/products/MILK?store=S1"
    assert (await member.get(tag)).json()["live"][0]["price"]["minor"] == 19900
    made = await headquarters.put(
        f"/api/console/members/{member.id}/tier", {"tier": "gold", "keeps_until": None, "reason": "r"}
    )
    assert made.status_code < 300, made.text
    await world.relay()
    (frame,) = await pages[0].frames(1)
    assert (frame["event"], json.loads(frame["data"])) == ("price", {"sku_id": None, "again_s": sessions.REMEMBER_S})
    # What this process knew of the session is forgotten before the page asks anew.
    assert (await member.get(tag)).json()["live"][0]["price"]["minor"] == 100
    await asyncio.sleep(0.05)
    assert all(page.nothing_more() for page in pages)
    await leave(*pages)


async def test_those_who_pass_by_leave_room(db: Database) -> None:
    async with open_hub(db, streams_max=4) as hub:
        for _ in range(2):
            await browse(hub, feed=FEED)
        with pytest.raises(TooManyStreams):
            hub.stream(Asked(), FEED, owner=None)  # type: ignore[arg-type]
        await browse(hub, feed=FEED, store_ids={new_id()})


async def test_a_till_that_shows_another_price_sells_nothing(world: World, shelf: str) -> None:
    clerk = world.staff("clerk1")
    headquarters = world.staff("hq")
    await headquarters.post("/api/console/prices", price(shelf, 1000))
    cash = {"minor": 5000, "currency": "CNY"}
    sale = {"store": "S1", "lines": [{"sku_id": shelf, "quantity": 2}], "tender": "cash", "tendered": cash}
    before = await world.db.fetchval("SELECT count(*) FROM orders")
    refused = await clerk.post("/api/clerk/sales", sale | {"expected_total": {"minor": 1998, "currency": "CNY"}})
    assert (refused.status_code, refused.json()["code"]) == (409, "pricing.total-changed")
    assert refused.json()["total"] == {"minor": 2000, "currency": "CNY"}
    assert refused.json()["prices"] == [{"sku_id": shelf, "price": {"minor": 1000, "currency": "CNY"}}]
    assert await world.db.fetchval("SELECT count(*) FROM orders") == before
    sold = await clerk.post("/api/clerk/sales", sale | {"expected_total": {"minor": 2000, "currency": "CNY"}})
    assert sold.status_code == 201, sold.text
