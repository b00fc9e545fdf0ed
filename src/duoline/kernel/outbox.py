"""Events: written with the fact they tell of, moved to one log by a relay, read by consumers and live streams.

`emit` writes a row beside the change, in the same transaction and, on a cluster, on the same node. The relay,
of which one runs at a time (lease `relay`), moves rows to `event_log`, whose ids are therefore in commit order: a
reader who has seen n has seen all below n. NOTIFY is only a hint to wake up and is never sent inside a business
transaction, where it would cost half the commits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import asyncpg

from duoline.kernel import aside, clock, jobs, leases, metrics
from duoline.kernel.db import AWAY
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id
from duoline.kernel.wake import READERS, first, listening, pause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import msgspec

    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

Family = Literal["member", "stock", "local"]

_TABLES: dict[Family, tuple[str, str | None]] = {
    "member": ("member_outbox", "member_id"),
    "stock": ("stock_outbox", "location_id"),
    "local": ("local_outbox", None),
}
BATCH = 500
# By the index, as the relay itself reads.
_WAITING = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE at > '-infinity' ORDER BY at LIMIT 1)"
    for table in ("member_outbox", "stock_outbox", "local_outbox")
).join(("SELECT ", ""))
PEEK_S = 0.05
POLL_S = 3.0
ATTEMPTS_MAX = 5
AWAY_PAUSE_S = 5.0


@dataclass(frozen=True)
class Event:
    """One entry of the event log."""

    id: int
    topic: str
    key: str
    payload: dict[str, Any]
    member_id: UUID | None
    store_ids: tuple[UUID, ...]
    at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record) -> Event:
        """From a row of `event_log`."""
        return cls(
            row["id"],
            row["topic"],
            row["key"],
            row["payload"],
            row["for_member_id"],
            tuple(row["store_ids"]),
            row["at"],
        )

    @classmethod
    def again(cls, asked: aside.Asked) -> Event:
        """One that was put aside, as it was."""
        data = asked.data
        return cls(
            asked.event_id,
            asked.topic,
            data["key"],
            data["payload"],
            UUID(data["member_id"]) if data.get("member_id") else None,
            tuple(UUID(each) for each in data.get("store_ids") or ()),
            datetime.fromisoformat(data["at"]) if data.get("at") else clock.now(),
        )


async def emit(
    tx: Tx,
    *,
    topic: str,
    key: str,
    payload: dict[str, Any] | msgspec.Struct,
    family: Family = "local",
    owner_id: UUID | None = None,
    store_ids: Iterable[UUID] = (),
    member_id: UUID | None = None,
) -> UUID:
    """Tell of a fact, in the transaction that makes it true.

    `topic` reads `orders.placed`: package and what happened. `key` names the object. `family` and `owner_id` say
    beside which rows it is stored: the member's (`owner_id` is the member), the location's, or neither. `store_ids`
    and `member_id` say who may see it live: staff of those stores, that member; headquarters sees all.
    """
    table, column = _TABLES[family]
    ensure((owner_id is None) == (column is None), "OUTBOX", f"{family} events take {column or 'no owner'}")
    event_id = new_id()
    values = (event_id, topic, key, payload, member_id, list(store_ids), clock.now())
    if column is None:
        await tx.execute(
            f"INSERT INTO {table} (id, topic, key, payload, for_member_id, store_ids, at)"  # noqa: S608 - our own table
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *values,
        )
    else:
        await tx.execute(
            f"INSERT INTO {table} ({column}, id, topic, key, payload, for_member_id, store_ids, at)"  # noqa: S608 - as above
            " VALUES ($8, $1, $2, $3, $4, $5, $6, $7)",
            *values,
            owner_id,
        )
    return event_id


async def emit_of_members(tx: Tx, *, topic: str, payloads: Mapping[UUID, dict[str, Any]]) -> None:
    """The same fact of many members at once: as `emit` of each, which that member may see, in a few round trips."""
    now = clock.now()
    await tx.executemany(
        "INSERT INTO member_outbox (member_id, id, topic, key, payload, for_member_id, store_ids, at)"
        " VALUES ($1, $2, $3, $4, $5, $1, '{}', $6)",
        [(member_id, new_id(), topic, str(member_id), payload, now) for member_id, payload in payloads.items()],
    )


# --- the relay ----------------------------------------------------------------------------------


async def relay_once(db: Database, lease: leases.Lease, *, batch: int = BATCH) -> int:
    """Move up to `batch` rows of each outbox to the log in one transaction, then wake the readers; returns how many.

    Raises `leases.Lost` when another process leads: renewing the lease is the first statement of the same
    transaction, so a relay that slept through its lease moves nothing.
    """
    async with db.begin() as tx:
        await leases.renew(tx, lease)
        moved: int = await tx.fetchval("SELECT duo_relay($1)", batch)
    if moved:
        metrics.EVENTS_RELAYED.inc(moved)
        await db.execute(f"NOTIFY {READERS}")
    return moved


@jobs.service("relay")
async def run_relay(db: Database, stop: asyncio.Event) -> None:
    """Relay until `stop` is set, whenever this process holds the lease. Safe to run in every process.

    It looks for waiting rows every fiftieth of a second or so, which costs one short query, and takes the lease's lock
    only when there are some, or when the lease needs renewing.
    """
    holder = new_id()
    loop = asyncio.get_running_loop()
    lease: leases.Lease | None = None
    renewed_at = 0.0
    while not stop.is_set():
        pause_s = PEEK_S
        try:
            if lease is None:
                lease, renewed_at = await leases.take(db, "relay", holder_id=holder), loop.time()
                pause_s = PEEK_S if lease is not None else leases.TERM.total_seconds() / 4
            elif await _waiting(db) or loop.time() - renewed_at > leases.TERM.total_seconds() / 3:
                moved, renewed_at = await relay_once(db, lease), loop.time()
                pause_s = 0.0 if moved >= BATCH else PEEK_S
        except leases.Lost:
            lease = None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.exception("the relay stumbled and tries again")
            pause_s = 1.0
        await pause(stop, pause_s)
    if lease is not None:
        await leases.give_back(db, lease)


async def _waiting(db: Database) -> bool:
    found: bool = await db.fetchval(_WAITING)
    return found


@jobs.cron("trim the event log", "17 3 * * *")
async def trim(db: Database, keep: timedelta = timedelta(days=14)) -> int:
    """Delete log entries older than `keep` that every consumer has read; returns how many."""
    done = await db.execute(
        "DELETE FROM event_log WHERE at < $1"
        " AND id <= COALESCE((SELECT min(last_id) FROM event_offsets), 9223372036854775807)",
        clock.now() - keep,
    )
    return int(done.split()[-1])


# --- consumers ----------------------------------------------------------------------------------

Handler = Callable[["Tx", Event], Awaitable[None]]
BatchHandler = Callable[["Tx", list[Event]], Awaitable[None]]


@dataclass(frozen=True)
class Consumer:
    """A handler with its name, under which its place in the log is kept, and the topics it reads."""

    name: str
    topics: tuple[str, ...]
    handle: BatchHandler

    def wants(self, topic: str) -> bool:
        """Whether the topic is one of ours; `orders.*` stands for every topic of orders."""
        return matches(topic, self.topics)


consumers: dict[str, Consumer] = {}


def consumer(name: str, *, topics: Sequence[str]) -> Callable[[Handler], Handler]:
    """Register a handler `async (tx, event)`: called once for each event of its topics, in order of the log.

    The handler's changes and its place in the log are committed together, so an effect inside the database happens
    once. It must not reach outside: for that it starts a flow. After five failures the event is put aside
    (`kernel.aside`), with its problem, and the rest flows on. A database that is away or too slow is no failure of the
    event (`db.AWAY`): everything waits.
    """

    def register(handle: Handler) -> Handler:
        batch_consumer(name, topics=topics)(one_by_one(handle))
        return handle

    return register


def batch_consumer(name: str, *, topics: Sequence[str]) -> Callable[[BatchHandler], BatchHandler]:
    """As `consumer`, for a handler `async (tx, events)` that takes up to a batch of them at once, in order.

    For what is told anew as a whole, where several events of one thing cost no more than one. It must do the same
    however the log is cut into batches: after a failure events come one at a time.
    """

    def register(handle: BatchHandler) -> BatchHandler:
        ensure(name not in consumers, "OUTBOX", f"there are two consumers named {name}")
        consumers[name] = Consumer(name, tuple(topics), handle)
        return handle

    return register


def one_by_one(handle: Handler) -> BatchHandler:
    """A handler of batches that gives each event to a handler of one."""

    async def each(tx: Tx, events: list[Event]) -> None:
        for event in events:
            await handle(tx, event)

    return each


def matches(topic: str, topics: Iterable[str]) -> bool:
    """Whether a topic is one of them; `orders.*` stands for every topic of orders."""
    return any(topic == t or (t.endswith("*") and topic.startswith(t[:-1])) for t in topics)


async def read(db: Database | Tx, *, after_id: int, limit: int = BATCH) -> list[Event]:
    """The log after an id, in order."""
    rows = await db.fetch(
        "SELECT id, topic, key, payload, for_member_id, store_ids, at FROM event_log"
        " WHERE id > $1 ORDER BY id LIMIT $2",
        after_id,
        limit,
    )
    return [Event.of(row) for row in rows]


async def consume_once(db: Database, of: Consumer, *, limit: int = BATCH) -> int:
    """Give one consumer its next events in one transaction; returns how many entries of the log were passed.

    Locks the consumer's row of `event_offsets`, so two workers never give it the same event.
    """
    async with db.begin() as tx:
        last_id = await _place(tx, of.name)
        events = await read(tx, after_id=last_id, limit=limit)
        if not events:
            return 0
        if wanted := [event for event in events if of.wants(event.topic)]:
            await of.handle(tx, wanted)
        await _advance(tx, of.name, events[-1].id)
    return len(events)


async def _place(tx: Tx, name: str) -> int:
    await tx.execute("INSERT INTO event_offsets (consumer, last_id) VALUES ($1, 0) ON CONFLICT DO NOTHING", name)
    last_id: int = await tx.fetchval("SELECT last_id FROM event_offsets WHERE consumer = $1 FOR UPDATE", name)
    return last_id


async def _advance(tx: Tx, name: str, last_id: int) -> None:
    await tx.execute("UPDATE event_offsets SET last_id = $2 WHERE consumer = $1 AND last_id < $2", name, last_id)


@jobs.service("consumers")
async def run_consumers(db: Database, stop: asyncio.Event) -> None:
    """Keep every registered consumer up to date until `stop` is set. Safe to run in several processes."""
    wakes = {name: asyncio.Event() for name in consumers}

    def wake_all() -> None:
        for wake in wakes.values():
            wake.set()

    async with listening(db, READERS, wake_all), asyncio.TaskGroup() as group:
        for each in consumers.values():
            group.create_task(_follow(db, each, wakes[each.name], stop))


async def _follow(db: Database, of: Consumer, wake: asyncio.Event, stop: asyncio.Event) -> None:
    failures, waits, singly = 0, 0, 0
    while not stop.is_set():
        wake.clear()
        limit = 1 if singly else BATCH
        try:
            passed = await consume_once(db, of, limit=limit)
            if passed < limit:
                await tell_again_once(db, of)
        except AWAY:
            # Nobody can say that it is the event's fault: it waits, however often. One by one, in case that a batch
            # takes longer than a statement may.
            log.exception("consumer %s waits", of.name)
            singly, waits = BATCH, waits + 1
            await pause(stop, min(0.1 * 2 ** min(waits, 6), AWAY_PAUSE_S))
            continue
        except Exception as error:
            log.exception("consumer %s failed", of.name)
            # The bad event is somewhere in the batch: go one by one, so that the good ones before it get through.
            failures += limit == 1
            singly = BATCH
            if failures >= ATTEMPTS_MAX and await _put_aside(db, of, error):
                failures = 0
            else:
                await pause(stop, 0.1 * 2 ** min(failures, ATTEMPTS_MAX))
            continue
        failures, waits, singly = 0, 0, max(0, singly - 1)
        if passed < limit:
            singly = 0
            await first(stop, wake, POLL_S)


async def _put_aside(db: Database, of: Consumer, error: Exception) -> bool:
    """Record the next event as failed for this consumer and step over it. False when the database is away now."""
    try:
        async with db.begin() as tx:
            last_id = await _place(tx, of.name)
            events = await read(tx, after_id=last_id, limit=1)
            if not events:
                return True
            event = events[0]
            problem = f"{type(error).__name__}: {error}"
            await aside.put_aside(tx, of.name, event, attempts=ATTEMPTS_MAX, problem=problem)
            await _advance(tx, of.name, event.id)
    except AWAY:
        log.exception("consumer %s: an event cannot be put aside yet", of.name)
        return False
    metrics.EVENTS_PUT_ASIDE.labels(of.name).inc()
    log.error("consumer %s: event %d (%s) is put aside", of.name, event.id, event.topic)
    return True


async def tell_again_once(db: Database, of: Consumer) -> int:
    """Tell a consumer again of every event that it failed on and somebody asked for; returns how many went well.

    Each in a transaction of its own under the consumer's place, as new ones are. What fails again is put aside again.
    """
    told = 0
    while await aside.any_asked(db, of.name):
        asked = None
        try:
            async with db.begin() as tx:
                await _place(tx, of.name)
                asked = await aside.next_asked(tx, of.name)
                if asked is None:
                    return told
                await of.handle(tx, [Event.again(asked)])
                await aside.told(tx, asked.id)
        except AWAY:
            raise
        except Exception as error:
            log.exception("consumer %s: an event that was told again failed", of.name)
            if asked is None:
                raise
            async with db.begin() as tx:
                await aside.failed_again(tx, asked.id, problem=f"{type(error).__name__}: {error}")
            continue
        told += 1
    return told
