"""Live updates: the right frames to the right browsers, nothing lost over a broken line, nobody held up by another."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from duoline.channels.http import live, sessions
from duoline.channels.http.live import Feed, Frame, Hub, TooManyStreams
from duoline.kernel import clock, follow, outbox, wake
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from duoline.kernel.db import Database
    from tests.http.world import Caller, World

EVERYTHING = Feed("test", lambda event: Frame("seen", {"key": event.key}) if event.topic.startswith("test.") else None)


class Browser:
    """A client of one stream, by bare ASGI: what a browser's EventSource sees."""

    def __init__(self) -> None:
        self.started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.closed = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.started.set_result(message)
            return
        await self.reading.wait()
        if message["body"]:
            self.chunks.put_nowait(message["body"])
        if not message.get("more_body"):
            self.closed.set()

    async def frames(self, count: int) -> list[dict[str, Any]]:
        """The next frames, comments left out."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            chunk = await asyncio.wait_for(self.chunks.get(), 5)
            for block in chunk.decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
                if "event" in fields:
                    found.append(fields)
        return found

    def nothing_more(self) -> bool:
        return self.chunks.empty()


class Asked:
    """As much of a request as a stream looks at."""

    def __init__(self, last_event_id: str | None = None, age_ms: int | None = None) -> None:
        self.headers = {} if last_event_id is None else {"last-event-id": last_event_id}
        self.query_params = {} if age_ms is None else {"age_ms": str(age_ms)}


@asynccontextmanager
async def open_hub(db: Database, *, streams_max: int = 100) -> AsyncIterator[Hub]:
    hub, stop = Hub(db, streams_max=streams_max), asyncio.Event()
    task = asyncio.create_task(hub.run(stop))
    await asyncio.sleep(0.1)
    try:
        yield hub
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def browse(
    hub: Hub,
    *,
    last_event_id: str | None = None,
    age_ms: int | None = None,
    feed: Feed = EVERYTHING,
    **whose: Any,
) -> Browser:
    browser = Browser()
    answer = hub.stream(Asked(last_event_id, age_ms), feed, owner=None, **whose)  # type: ignore[arg-type]
    browser.task = asyncio.create_task(answer({}, browser.receive, browser.send))  # type: ignore[attr-defined, arg-type, typeddict-item]
    await browser.started
    await asyncio.wait_for(browser.chunks.get(), 5)  # the greeting: from here on nothing is missed
    return browser


async def tell(db: Database, *keys: str, topic: str = "test.happened", **whose: Any) -> None:
    """Put events straight into the log and wake the readers, as the relay does."""
    for key in keys:
        await db.execute(
            "INSERT INTO event_log (source_id, topic, key, payload, for_member_id, store_ids, at)"
            " VALUES ($1, $2, $3, '{}', $4, $5, now())",
            new_id(),
            topic,
            key,
            whose.get("member_id"),
            list(whose.get("store_ids", [])),
        )
    await db.execute(f"NOTIFY {wake.READERS}")


async def test_each_stream_sees_its_own(db: Database) -> None:
    store, other, member = new_id(), new_id(), new_id()
    async with open_hub(db) as hub:
        chief = await browse(hub, everything=True)
        clerk = await browse(hub, store_ids={store})
        elsewhere = await browse(hub, store_ids={other})
        buyer = await browse(hub, member_ids=[member])
        stranger = await browse(hub, member_ids=[new_id()])
        await tell(db, "a", store_ids=[store], member_id=member)
        await tell(db, "b", store_ids=[store, other])
        await tell(db, "c")
        await tell(db, "hidden", topic="other.topic", store_ids=[store], member_id=member)
        await tell(db, "end", store_ids=[store, other], member_id=member)

        def keys(frames: list[dict[str, Any]]) -> list[str]:
            return [json.loads(frame["data"])["key"] for frame in frames]

        assert keys(await chief.frames(4)) == ["a", "b", "c", "end"]
        assert keys(await clerk.frames(3)) == ["a", "b", "end"]
        assert keys(await elsewhere.frames(2)) == ["b", "end"]
        assert keys(await buyer.frames(2)) == ["a", "end"]
        await asyncio.sleep(0.05)
        assert stranger.nothing_more()
        for stream in (chief, clerk, elsewhere, buyer):
            assert stream.nothing_more()


async def test_a_feed_is_asked_once_for_an_event_not_once_for_a_browser(db: Database) -> None:
    asked: list[str] = []

    def show(event: outbox.Event) -> Frame:
        asked.append(event.key)
        return Frame("x", {})

    feed = Feed("counted", show)
    async with open_hub(db) as hub:
        browsers = [await browse(hub, feed=feed, everything=True) for _ in range(20)]
        await tell(db, "only")
        for browser in browsers:
            assert len(await browser.frames(1)) == 1
    assert asked == ["only"]


async def test_an_event_that_a_feed_cannot_show_stops_nobody(db: Database) -> None:
    def show(event: outbox.Event) -> Frame:
        return Frame("x", {"n": event.payload["missing"] if event.key == "bad" else event.key})

    fragile = Feed("fragile", show)
    async with open_hub(db) as hub:
        one, other = await browse(hub, feed=fragile, everything=True), await browse(hub, everything=True)
        await tell(db, "good", "bad", "last")
        assert [json.loads(f["data"])["n"] for f in await one.frames(2)] == ["good", "last"]
        assert len(await other.frames(3)) == 3


async def test_what_was_missed_is_replayed_in_order_and_only_once(db: Database) -> None:
    async with open_hub(db) as hub:
        first = await browse(hub, everything=True)
        await tell(db, "1", "2", "3")
        seen = await first.frames(2)
        first.left.set()  # the line breaks after the second
        await first.task  # type: ignore[attr-defined]
        await tell(db, "4", "5")
        again = await browse(hub, everything=True, last_event_id=seen[-1]["id"])
        await tell(db, "6")
        keys = [json.loads(frame["data"])["key"] for frame in await again.frames(4)]
        assert keys == ["3", "4", "5", "6"]
        await asyncio.sleep(0.05)
        assert again.nothing_more()


async def test_a_page_is_told_what_happened_between_its_reading_and_its_stream(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SLACK_S", 0.0)
    monkeypatch.setattr(follow, "STOOD_EVERY_S", 0.0)
    async with open_hub(db) as hub:
        await tell(db, "long before")
        await asyncio.sleep(0.3)
        began = asyncio.get_running_loop().time()
        await tell(db, "between")
        await asyncio.sleep(0.3)

        def age() -> int:
            return int((asyncio.get_running_loop().time() - began) * 1000)

        page = await browse(hub, everything=True, age_ms=age())
        just_now = await browse(hub, everything=True, age_ms=0)
        await tell(db, "live")
        assert [json.loads(f["data"])["key"] for f in await page.frames(2)] == ["between", "live"]
        assert [json.loads(f["data"])["key"] for f in await just_now.frames(1)] == ["live"]
        # A page from before this process was there, or from longer ago than it remembers, loads itself anew.
        older = await browse(hub, everything=True, age_ms=age() + 3_600_000)
        assert [frame["event"] for frame in await older.frames(1)] == ["reset"]


async def test_of_many_events_in_a_second_one_mark_is_kept(db: Database) -> None:
    async with open_hub(db) as hub:
        heard = await browse(hub, everything=True)
        for n in range(20):
            await tell(db, str(n))
            await heard.frames(1)
        follower = hub._follower
        assert len(follower._stood) <= 4
        assert follower.stood_at(asyncio.get_running_loop().time()) == follower.last_id


async def test_a_replay_is_filtered_like_the_live_part(db: Database) -> None:
    mine, other = new_id(), new_id()
    async with open_hub(db) as hub:
        await tell(db, "mine", store_ids=[mine])
        await tell(db, "not mine", store_ids=[other])
        await tell(db, "secret", member_id=new_id())
        await asyncio.sleep(0.2)
        clerk = await browse(hub, store_ids={mine}, last_event_id="0")
        await tell(db, "later", store_ids=[mine])
        assert [json.loads(f["data"])["key"] for f in await clerk.frames(2)] == ["mine", "later"]


async def test_too_much_missed_asks_the_page_to_load_anew(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "REPLAY_MAX", 3)
    async with open_hub(db) as hub:
        await tell(db, *(str(n) for n in range(5)))
        await asyncio.sleep(0.2)
        page = await browse(hub, everything=True, last_event_id="0")
        frame = (await page.frames(1))[0]
        newest = await db.fetchval("SELECT max(id) FROM event_log")
        assert (frame["event"], frame["id"]) == ("reset", str(newest))


@pytest.mark.parametrize("nonsense", ["", "-1", "abc", "9" * 40, "1; DROP TABLE event_log"])
async def test_a_last_event_id_that_is_none_is_no_replay(db: Database, nonsense: str) -> None:
    async with open_hub(db) as hub:
        await tell(db, "before")
        await asyncio.sleep(0.2)
        page = await browse(hub, everything=True, last_event_id=nonsense)
        await tell(db, "after")
        assert json.loads((await page.frames(1))[0]["data"])["key"] == "after"


async def test_a_browser_that_does_not_read_is_closed_and_holds_nobody_up(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "QUEUE_MAX", 4)
    async with open_hub(db) as hub:
        slow = await browse(hub, everything=True)
        quick = await browse(hub, everything=True)
        slow.reading.clear()
        for n in range(12):
            await tell(db, str(n))
            assert json.loads((await quick.frames(1))[0]["data"])["key"] == str(n)
        slow.reading.set()
        await asyncio.wait_for(slow.closed.wait(), 5)


async def test_a_quiet_line_has_a_heart_beat(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    async with open_hub(db) as hub:
        page = await browse(hub, everything=True)
        assert await asyncio.wait_for(page.chunks.get(), 5) == live.BEAT
        assert await asyncio.wait_for(page.chunks.get(), 5) == live.BEAT


async def test_streams_end_when_the_process_does_and_none_begins(db: Database) -> None:
    async with open_hub(db) as hub:
        page = await browse(hub, everything=True)
        hub.close()
        await asyncio.wait_for(page.closed.wait(), 5)
        with pytest.raises(TooManyStreams):
            hub.stream(Asked(), EVERYTHING, owner=None, everything=True)  # type: ignore[arg-type]


async def test_there_is_an_upper_bound(db: Database) -> None:
    async with open_hub(db, streams_max=2) as hub:
        first = await browse(hub, everything=True)
        await browse(hub, everything=True)
        with pytest.raises(TooManyStreams):
            hub.stream(Asked(), EVERYTHING, owner=None, everything=True)  # type: ignore[arg-type]
        first.left.set()
        await first.task  # type: ignore[attr-defined]
        await browse(hub, everything=True)


async def test_it_goes_on_after_its_connections_were_cut(db: Database) -> None:
    async with open_hub(db) as hub:
        page = await browse(hub, everything=True)
        await db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
        await tell(db, "after the cut")
        assert json.loads((await page.frames(1))[0]["data"])["key"] == "after the cut"


# --- through the application ---------------------------------------------------------------------------


async def connect(world: World, caller: Caller, path: str, last_event_id: str = "") -> Browser:
    """A browser on a stream of the application."""
    browser = Browser()
    headers = [(b"host", b"test"), *((k.lower().encode(), v.encode()) for k, v in caller.headers.items())]
    if last_event_id:
        headers.append((b"last-event-id", last_event_id.encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path.partition("?")[0], "raw_path": path.partition("?")[0].encode(), "root_path": "",
        "query_string": path.partition("?")[2].encode(), "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }  # fmt: skip
    browser.task = asyncio.create_task(world.app(scope, browser.receive, browser.send))  # type: ignore[attr-defined, arg-type]
    assert (await asyncio.wait_for(browser.started, 5))["status"] == 200
    await asyncio.wait_for(browser.chunks.get(), 5)
    return browser


async def test_a_member_sees_their_order_through_outbox_relay_and_hub(world: World) -> None:
    member, other = await world.member(), await world.member()
    mine, theirs = await connect(world, member, "/api/mall/events"), await connect(world, other, "/api/mall/events")
    order_id = str(new_id())
    async with world.db.begin() as tx:
        await outbox.emit(
            tx,
            topic="orders.placed",
            key=order_id,
            payload={"order_id": order_id},
            family="member",
            owner_id=member.id,
            member_id=member.id,
        )
    assert await world.relay() == 1
    frame = (await mine.frames(1))[0]
    assert (frame["event"], json.loads(frame["data"])) == ("order", {"order_id": order_id})
    await asyncio.sleep(0.05)
    assert theirs.nothing_more()
    assert UUID(order_id)
    headers = dict((await mine.started)["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    for browser in (mine, theirs):
        browser.left.set()
        await asyncio.wait_for(browser.task, 5)  # type: ignore[attr-defined]


async def leave(*browsers: Browser) -> None:
    for browser in browsers:
        browser.left.set()
        await asyncio.wait_for(browser.task, 5)  # type: ignore[attr-defined]


async def ended(browser: Browser) -> None:
    await asyncio.wait_for(browser.closed.wait(), 5)


async def knock(world: World, caller: Caller, path: str) -> int:
    """How a browser that comes back is answered; a stream that opens is left again."""
    try:
        browser = await connect(world, caller, path)
    except AssertionError:
        return (await caller.get(path)).status_code
    await leave(browser)
    return 200


QUEUE, ORDERS, MINE = "/api/clerk/events?store=S1", "/api/console/events", "/api/mall/events"


async def test_who_is_dismissed_hears_nothing_more(world: World) -> None:
    clerk, colleague = world.staff("clerk1"), world.staff("manager1")
    theirs = await connect(world, clerk, QUEUE)
    others = [await connect(world, colleague, QUEUE), await connect(world, colleague, ORDERS)]
    gone = await world.staff("hq").patch(f"/api/console/staff/{clerk.id}", {"state": "left", "reason": "theft"})
    assert gone.status_code == 200, gone.text
    await world.relay()
    await ended(theirs)
    assert await knock(world, clerk, QUEUE) == 401
    assert not any(browser.closed.is_set() for browser in others)
    await leave(*others)


async def test_who_gets_another_shop_is_judged_anew(world: World) -> None:
    manager = world.staff("manager1")
    streams = [await connect(world, manager, QUEUE), await connect(world, manager, ORDERS)]
    moved = await world.staff("hq").put(
        f"/api/console/staff/{manager.id}/grants",
        {"grants": [{"role": "store", "unit_code": "S2"}], "reason": "moves south"},
    )
    assert moved.status_code == 200, moved.text
    await world.relay()
    for stream in streams:
        await ended(stream)
    assert await knock(world, manager, QUEUE) == 404
    after = await connect(world, manager, ORDERS)
    await tell(world.db, "north", topic="orders.placed", store_ids=[world.stores["S1"]])
    await tell(world.db, "south", topic="orders.placed", store_ids=[world.stores["S2"]])
    assert len(await after.frames(1)) == 1
    await asyncio.sleep(0.05)
    assert after.nothing_more()
    await leave(after)


async def test_who_logs_out_hears_nothing_more_on_any_device(world: World) -> None:
    member, other = await world.member(), await world.member()
    mine, theirs = await connect(world, member, MINE), await connect(world, other, MINE)
    assert (await member.delete("/api/mall/sessions")).status_code == 204
    await world.relay()
    await ended(mine)
    assert await knock(world, member, MINE) == 401
    assert not theirs.closed.is_set()
    await leave(theirs)


async def test_a_stream_does_not_outlive_its_session(world: World) -> None:
    clerk, member = world.staff("clerk1"), await world.member()
    streams = [await connect(world, clerk, QUEUE), await connect(world, member, MINE)]
    with clock.shifted(timedelta(hours=11, minutes=59)):
        await world.app.state.hub.look()
        assert not any(stream.closed.is_set() for stream in streams)
    with clock.shifted(timedelta(hours=12, seconds=1)):
        await world.app.state.hub.look()
        await ended(streams[0])
        assert not streams[1].closed.is_set()
    with clock.shifted(timedelta(days=31)):
        await world.app.state.hub.look()
        await ended(streams[1])
    sessions.forget_all()


async def test_the_look_comes_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.05)
    async with open_hub(world.db) as hub:
        member = await world.member()
        owner = sessions.Member(member.id or new_id(), "member", "M", "zh", member.headers["Authorization"][7:])
        answer = hub.stream(Asked(), EVERYTHING, owner=owner, everything=True)  # type: ignore[arg-type]
        browser = Browser()
        browser.task = asyncio.create_task(answer({}, browser.receive, browser.send))  # type: ignore[attr-defined, arg-type, typeddict-item]
        await browser.started
        await asyncio.sleep(0.3)
        assert not browser.closed.is_set()
        await world.db.execute("DELETE FROM member_sessions")
        await ended(browser)


async def test_a_shop_that_changes_hands_is_seen_by_its_new_owner_only(world: World) -> None:
    before = await connect(world, world.staff("franchisee_a"), ORDERS)
    stays = await connect(world, world.staff("franchisee_b"), QUEUE.replace("S1", "S4"))
    sold = await world.staff("hq").patch("/api/console/stores/S3", {"company_code": "HQ", "reason": "bought back"})
    assert sold.status_code == 200, sold.text
    await world.app.state.hub.look()
    await ended(before)
    assert not stays.closed.is_set()
    await leave(stays)
