"""Live updates: one listener a process, a bounded queue a browser, and replay of what a browser missed.

The hub wakes up by NOTIFY (and every few seconds in any case), reads the event log from where it stood, lets each
feed turn an event into a frame once, and puts the same bytes into the queues of all streams that may see it. A
stream whose queue is full is closed: its browser comes back with `Last-Event-ID` and gets the rest from the log.

What a stream may see is judged when it opens. When that may have changed (somebody was dismissed, got other rights,
logged out), all streams of that person are closed, and their browsers come back to be judged anew. So does every
stream whose session has run out or whose shops are no longer the same, which is looked at now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import Receive, Scope, Send

from duoline.channels.http import sessions
from duoline.channels.http.answers import Answer
from duoline.channels.http.sessions import Member, Staff
from duoline.kernel import follow, metrics
from duoline.kernel.db import Database
from duoline.kernel.errors import Refusal
from duoline.kernel.outbox import Event

log = logging.getLogger(__name__)

QUEUE_MAX = 64
BEAT_S = 15.0
LOOK_S = 30.0
REPLAY_MAX = 500
LOOKED_AT_ONCE = 100
OF_ONE_MAX = 50
"""Streams of one person in one process: many devices and windows, and far from all there are."""
RETRY_MS = 2000
SLACK_S = 5.0
"""How much longer the way of a page's first answer may be than that of its stream."""
LONG_AGO = -1

# Told by these, with the id of the person as the key: their sessions are looked up anew, by every process.
ENDING = frozenset({"stores.staff-changed", "members.sessions-ended", "members.merged", "members.separated"})

BEAT = b": beat\n\n"
HELLO = f"retry: {RETRY_MS}\n\n".encode()


class TooManyStreams(Refusal):
    """This process holds as many streams as it may."""

    code = "http.too-many-streams"
    status = 503
    zh = "实时更新的连接数已满,请稍后再试。"
    en = "There are too many live connections; try again in a moment."


@dataclass(frozen=True)
class Frame:
    """What one event looks like to a browser."""

    name: str
    data: Any


@dataclass(frozen=True, eq=False)
class Feed:
    """A face's view of the events: a pure function from event to frame, or None for events it does not show.

    Events of the topics in `for_all` go to every stream of the feed, whoever opened it.
    """

    name: str
    show: Callable[[Event], Frame | None]
    for_all: frozenset[str] = frozenset()


@dataclass(eq=False)
class _Stream:
    feed: Feed
    member_ids: frozenset[UUID]
    store_ids: frozenset[UUID]
    everything: bool
    last_id: int
    owner: Member | Staff | None
    still: Callable[[], bool]
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_MAX))

    def sees(self, event: Event) -> bool:
        if self.everything or event.topic in self.feed.for_all:
            return True
        if self.member_ids:
            return event.member_id in self.member_ids
        return not self.store_ids.isdisjoint(event.store_ids)

    @property
    def passing(self) -> bool:
        """Whether it hears only what everybody may, and belongs to nobody."""
        return not (self.owner or self.everything or self.member_ids or self.store_ids)

    def put(self, frame: bytes) -> None:
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            metrics.STREAMS_KICKED.inc()
            self.close()

    def close(self) -> None:
        """Empty the queue and end the stream: the browser comes back and is given what it missed."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """All streams of this process."""

    def __init__(self, db: Database, *, streams_max: int) -> None:
        self._db = db
        self._follower = follow.Follower(db, self._heard)
        self._streams: set[_Stream] = set()
        self._streams_max = streams_max
        self._closing = False
        self._followers: list[Callable[[list[Event]], object]] = []

    def follow(self, heard: Callable[[list[Event]], object]) -> None:
        """Call `heard(events)` with every batch of the log, for caches of this process."""
        self._followers.append(heard)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the log until `stop` is set, then close every stream."""
        looking = asyncio.create_task(self._look_now_and_then(), name="look at open streams")
        try:
            await self._follower.run(stop)
        finally:
            looking.cancel()
            self.close()

    def _heard(self, events: list[Event]) -> None:
        for heard in self._followers:
            heard(events)
        self.send(events)
        ended = {event.key for event in events if event.topic in ENDING}
        if ended:
            for key in ended:
                sessions.forget(UUID(key))
            for stream in [s for s in self._streams if s.owner is not None and str(s.owner.id) in ended]:
                stream.close()

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:
                log.exception("open streams cannot be looked at; trying again")

    async def look(self) -> None:
        """Close the streams whose session has ended or whose owner has other shops now."""
        owned = [(stream, stream.owner) for stream in self._streams if stream.owner is not None]
        alive = await sessions.alive(self._db, [owner for _, owner in owned])
        for n, (stream, owner) in enumerate(owned):
            if owner.token not in alive or not stream.still():
                stream.close()
            if n % LOOKED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def send(self, events: Iterable[Event]) -> None:
        """Put events into the queues of the streams that see them."""
        for event in events:
            frames: dict[Feed, bytes | None] = {}
            for stream in list(self._streams):
                if stream.last_id >= event.id or not stream.sees(event):
                    continue
                if stream.feed not in frames:
                    frames[stream.feed] = _bytes_of(stream.feed, event)
                frame = frames[stream.feed]
                if frame is not None:
                    stream.put(frame)

    def close(self) -> None:
        """End every stream and take no more. Safe to call from a signal handler's callback in the loop."""
        self._closing = True
        for stream in list(self._streams):
            stream.close()

    # --- one stream -----------------------------------------------------------------------------

    def stream(
        self,
        request: Request[Any, Any, Any],
        feed: Feed,
        *,
        owner: Member | Staff | None,
        member_ids: Collection[UUID] = (),
        store_ids: Iterable[UUID] = (),
        everything: bool = False,
        still: Callable[[], bool] = lambda: True,
    ) -> Answer[None]:
        """An answer that streams the feed: of one member, of some stores, or everything.

        `owner` is whose session opens it, and `still` says whether that person may see as much as when it opened.

        `Last-Event-ID` (or `?last_event_id=`) replays what came after it; when that is more than five hundred
        events, a frame `reset` tells the page to load itself anew instead. A page that has heard nothing yet says with
        `?age_ms=` how long ago it asked for what it shows: what came since then, and a little before, is replayed.
        Refuses with `TooManyStreams`: all of this process, of one person, or of those who pass by, who get half of
        all at most.
        """
        if self._closing or len(self._streams) >= self._streams_max:
            raise TooManyStreams
        if owner is not None and self._open_of(owner) >= OF_ONE_MAX:
            raise TooManyStreams
        stream = _Stream(
            feed, frozenset(member_ids), frozenset(store_ids), everything, self._follower.last_id, owner, still
        )
        if stream.passing and sum(other.passing for other in self._streams) >= self._streams_max // 2:
            raise TooManyStreams  # those who pass by leave room for those who work
        since = _number(request.headers.get("last-event-id") or request.query_params.get("last_event_id"))
        age_ms = _number(request.query_params.get("age_ms"))
        if since is None and age_ms is not None:
            since = self._follower.stood_at(asyncio.get_running_loop().time() - age_ms / 1000 - SLACK_S)
            since = LONG_AGO if since is None else since
        return _StreamAnswer(self, stream, since)

    def _open_of(self, owner: Member | Staff) -> int:
        return sum(stream.owner is not None and stream.owner.id == owner.id for stream in self._streams)

    async def serve(self, stream: _Stream, since: int | None, receive: Receive, send: Send) -> None:
        """Write frames until the browser leaves, is too slow, or the process ends."""
        # From here on new events queue up behind the replay, so nothing falls between the two.
        stream.last_id = self._follower.last_id
        self._streams.add(stream)
        metrics.STREAMS.inc()
        gone = asyncio.create_task(_watch(receive, stream))
        try:
            await _write(send, HELLO + BEAT)
            if since is not None and since < stream.last_id:
                await _write(send, await self._missed(stream, since))
            while True:
                frame = await _next(stream.queue)
                if frame is None:
                    break
                await _write(send, frame)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._streams.discard(stream)
            metrics.STREAMS.dec()

    async def _missed(self, stream: _Stream, since: int) -> bytes:
        """The frames after an event and up to where the live part begins."""
        if since == LONG_AGO:
            return _reset(stream)
        rows = await self._db.fetch(_MISSED_SQL, since, stream.last_id, stream.everything, list(stream.member_ids),
                                    list(stream.store_ids), REPLAY_MAX + 1, list(stream.feed.for_all))  # fmt: skip
        if len(rows) > REPLAY_MAX:
            return _reset(stream)
        frames = (_bytes_of(stream.feed, Event.of(row)) for row in rows)
        return b"".join(frame for frame in frames if frame is not None)


_MISSED_SQL = """
SELECT id, topic, key, payload, for_member_id, store_ids, at FROM event_log
WHERE id > $1 AND id <= $2 AND ($3 OR for_member_id = ANY ($4::uuid[]) OR store_ids && $5 OR topic = ANY ($7::text[]))
ORDER BY id LIMIT $6
"""


class _StreamAnswer(Answer[None]):
    """A stream as an answer: raw ASGI, because a framework's streaming response costs three times the processor."""

    def __init__(self, hub: Hub, stream: _Stream, since: int | None) -> None:
        super().__init__(b"")
        self.hub, self.stream, self.since = hub, stream, since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.hub.serve(self.stream, self.since, receive, send)


def _number(given: str | None) -> int | None:
    return int(given) if given is not None and given.isdecimal() and len(given) < 19 else None


def _reset(stream: _Stream) -> bytes:
    return f"id: {stream.last_id}\nevent: reset\ndata: {{}}\n\n".encode()


def _bytes_of(feed: Feed, event: Event) -> bytes | None:
    try:
        frame = feed.show(event)
    except Exception:
        log.exception("the feed %s cannot show event %d (%s)", feed.name, event.id, event.topic)
        return None
    if frame is None:
        return None
    return f"id: {event.id}\nevent: {frame.name}\ndata: ".encode() + msgspec.json.encode(frame.data) + b"\n\n"


async def _write(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    """The next frame, or a heart-beat when there is none for a while, which keeps proxies from closing the line."""
    # Not wait_for: it starts a task each time, and before Python 3.12 it may lose a cancellation.
    try:
        async with asyncio.timeout(BEAT_S):
            return await queue.get()
    except TimeoutError:
        return BEAT


async def _watch(receive: Receive, stream: _Stream) -> None:
    """Close the stream when the browser leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.close()
