"""Events: told with the fact, relayed once in commit order, consumed once, whoever dies in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from duoline.kernel import aside, clock, follow, leases, outbox, wake
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Fault, NotFound, Unavailable
from duoline.kernel.ids import new_id
from duoline.kernel.outbox import Consumer, Event, one_by_one

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx

A, B = UUID(int=1), UUID(int=2)


async def emit(db: Database, key: str, *, topic: str = "orders.placed", **options: Any) -> None:
    async with db.begin() as tx:
        await outbox.emit(tx, topic=topic, key=key, payload={"n": key}, **options)


async def lease_of(db: Database, holder: UUID = A) -> leases.Lease:
    lease = await leases.take(db, "relay", holder_id=holder)
    assert lease is not None
    return lease


async def keys(db: Database) -> list[str]:
    return [event.key for event in await outbox.read(db, after_id=0)]


# --- emit ---------------------------------------------------------------------------------------------


async def test_an_event_exists_exactly_if_its_fact_does(db: Database) -> None:
    await emit(db, "kept")

    async def fail() -> None:
        async with db.begin() as tx:
            await outbox.emit(tx, topic="t", key="lost", payload={})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await outbox.relay_once(db, await lease_of(db))
    assert await keys(db) == ["kept"]


async def test_each_family_keeps_its_own_and_names_its_owner(db: Database) -> None:
    member, store = new_id(), new_id()
    await emit(db, "1", family="member", owner_id=member, member_id=member, store_ids=[store])
    await emit(db, "2", family="stock", owner_id=store, store_ids=[store])
    await emit(db, "3")
    for table in ("member_outbox", "stock_outbox", "local_outbox"):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 1
    for family, owner in (("member", None), ("stock", None), ("local", member)):
        with pytest.raises(Fault):
            await emit(db, "x", family=family, owner_id=owner)
    assert await outbox.relay_once(db, await lease_of(db)) == 3
    first = next(event for event in await outbox.read(db, after_id=0) if event.key == "1")
    assert (first.member_id, first.store_ids, first.payload, first.topic) == (
        member,
        (store,),
        {"n": "1"},
        "orders.placed",
    )
    for table in ("member_outbox", "stock_outbox", "local_outbox"):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0


# --- the relay ----------------------------------------------------------------------------------------


async def test_a_late_commit_never_slips_in_behind_a_reader(db: Database) -> None:
    """The log is in order of commit: what commits later gets a higher number, though it was written earlier."""
    lease = await lease_of(db)
    written, commit = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.begin() as tx:
            await outbox.emit(tx, topic="t", key="written first", payload={})
            written.set()
            await commit.wait()

    task = asyncio.create_task(slow())
    await written.wait()
    await emit(db, "committed first")
    await outbox.relay_once(db, lease)
    seen = (await outbox.read(db, after_id=0))[-1].id
    commit.set()
    await task
    await outbox.relay_once(db, lease)
    assert [event.key for event in await outbox.read(db, after_id=seen)] == ["written first"]


async def test_batches_move_everything_once(db: Database) -> None:
    async with db.begin() as tx:
        for n in range(25):
            await outbox.emit(tx, topic="t", key=f"{n:02d}", payload={})
    lease = await lease_of(db)
    moved = [await outbox.relay_once(db, lease, batch=10) for _ in range(4)]
    assert moved == [10, 10, 5, 0]
    assert await keys(db) == [f"{n:02d}" for n in range(25)]


async def test_of_two_relays_one_leads(db: Database) -> None:
    first = await lease_of(db, A)
    assert await leases.take(db, "relay", holder_id=B) is None
    await leases.give_back(db, first)
    second = await leases.take(db, "relay", holder_id=B)
    assert second is not None
    assert second.fence > first.fence
    await emit(db, "x")
    with pytest.raises(leases.Lost):
        await outbox.relay_once(db, first)
    assert await outbox.relay_once(db, second) == 1


async def test_a_relay_that_slept_through_its_term_moves_nothing(db: Database) -> None:
    asleep = await leases.take(db, "relay", holder_id=A, term=timedelta(milliseconds=50))
    assert asleep is not None
    await asyncio.sleep(0.1)
    awake = await lease_of(db, B)
    await emit(db, "x")
    with pytest.raises(leases.Lost):
        await outbox.relay_once(db, asleep)
    assert await keys(db) == []
    assert await outbox.relay_once(db, awake) == 1


async def test_nobody_takes_over_in_the_middle_of_a_batch(db: Database) -> None:
    """The lease's row is locked by the batch, so a taker waits for its end, even after the term."""
    lease = await leases.take(db, "relay", holder_id=A, term=timedelta(milliseconds=50))
    assert lease is not None
    locked, finish = asyncio.Event(), asyncio.Event()

    async def batch() -> None:
        async with db.begin() as tx:
            await leases.renew(tx, lease, term=timedelta(milliseconds=50))
            locked.set()
            await finish.wait()

    working = asyncio.create_task(batch())
    await locked.wait()
    await asyncio.sleep(0.1)
    taking = asyncio.create_task(leases.take(db, "relay", holder_id=B))
    await asyncio.sleep(0.1)
    assert not taking.done()
    finish.set()
    await working
    assert await taking is not None


async def test_the_service_relays_wakes_and_stops(db: Database) -> None:
    stop, woken = asyncio.Event(), asyncio.Event()
    async with wake.listening(db, wake.READERS, woken.set):
        woken.clear()
        service = asyncio.create_task(outbox.run_relay(db, stop))
        await emit(db, "x")
        await asyncio.wait_for(woken.wait(), 5)
        assert await keys(db) == ["x"]
        stop.set()
        await asyncio.wait_for(service, 5)
    assert await leases.take(db, "relay", holder_id=B) is not None  # it gave the lease back


# --- consumers ----------------------------------------------------------------------------------------


async def fill(db: Database, count: int, *, topic: str = "orders.placed") -> None:
    async with db.begin() as tx:
        for n in range(count):
            await outbox.emit(tx, topic=topic, key=f"{n:03d}", payload={})
    await outbox.relay_once(db, await lease_of(db))


async def effects(db: Database) -> list[str]:
    return [row["key"] for row in await db.fetch("SELECT key FROM local_outbox ORDER BY at, id")]


def effect(name: str) -> Any:
    async def handle(tx: Tx, event: Event) -> None:
        await outbox.emit(tx, topic="test.effect", key=event.key, payload={"by": name})

    return handle


async def test_effects_and_place_are_committed_together(db: Database) -> None:
    await fill(db, 3)
    crash = [True]

    async def handle(tx: Tx, event: Event) -> None:
        await effect("c")(tx, event)
        if event.key == "001" and crash[0]:
            raise RuntimeError("power cut")

    one = Consumer("c", ("orders.*",), one_by_one(handle))
    with pytest.raises(RuntimeError):
        await outbox.consume_once(db, one)
    assert await effects(db) == []
    crash[0] = False
    assert await outbox.consume_once(db, one) == 3
    assert await outbox.consume_once(db, one) == 0
    assert await effects(db) == ["000", "001", "002"]


async def test_a_batch_is_given_at_once_and_only_what_is_wanted(db: Database) -> None:
    await fill(db, 3)
    await fill(db, 1, topic="stores.changed")
    batches: list[list[str]] = []

    async def handle(_: Tx, events: list[Event]) -> None:
        batches.append([event.key for event in events])

    assert await outbox.consume_once(db, Consumer("c", ("orders.*",), handle)) == 4
    assert await outbox.consume_once(db, Consumer("none", ("nothing.*",), handle)) == 4
    assert batches == [["000", "001", "002"]]


async def test_two_workers_never_do_the_same_event(db: Database) -> None:
    await fill(db, 40)
    one = Consumer("c", ("orders.*",), one_by_one(effect("c")))
    passed = await asyncio.gather(*(outbox.consume_once(db, one, limit=10) for _ in range(8)))
    assert sum(passed) == 40
    assert sorted(await effects(db)) == [f"{n:03d}" for n in range(40)]


async def test_consumers_keep_their_own_place_and_topics(db: Database) -> None:
    await fill(db, 2)
    await fill(db, 1, topic="stores.changed")
    seen: dict[str, list[str]] = {"orders": [], "exact": [], "all": []}

    def note(name: str) -> Any:
        async def handle(_: Tx, event: Event) -> None:
            seen[name].append(event.topic)

        return handle

    for name, topics in (("orders", ("orders.*",)), ("exact", ("stores.changed",)), ("all", ("*",))):
        assert await outbox.consume_once(db, Consumer(name, topics, one_by_one(note(name)))) > 0
    assert seen == {
        "orders": ["orders.placed"] * 2,
        "exact": ["stores.changed"],
        "all": ["orders.placed", "orders.placed", "stores.changed"],
    }


async def test_a_poisoned_event_is_put_aside_and_the_rest_flows(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(db, 6)

    async def handle(tx: Tx, event: Event) -> None:
        if event.key == "003":
            raise ValueError("cannot be digested")
        await effect("c")(tx, event)

    monkeypatch.setattr(outbox, "consumers", {"c": Consumer("c", ("orders.*",), one_by_one(handle))})
    monkeypatch.setattr(outbox, "ATTEMPTS_MAX", 2)
    stop = asyncio.Event()
    service = asyncio.create_task(outbox.run_consumers(db, stop))
    for _ in range(200):
        if len(await effects(db)) == 5:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(service, 10)
    assert await effects(db) == ["000", "001", "002", "004", "005"]
    aside = await db.fetchrow("SELECT name, state, problem, data FROM flow_records")
    assert aside is not None
    assert (aside["name"], aside["state"]) == ("event:c", "failed")
    assert "cannot be digested" in aside["problem"]
    assert aside["data"]["key"] == "003"


async def test_an_event_that_waits_for_a_row_is_never_put_aside(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(db, 3)
    tried = 0

    async def handle(tx: Tx, event: Event) -> None:
        nonlocal tried
        if event.key == "001" and (tried := tried + 1) <= 6:
            raise asyncpg.exceptions.LockNotAvailableError("canceling statement due to lock timeout")
        await effect("c")(tx, event)

    monkeypatch.setattr(outbox, "consumers", {"c": Consumer("c", ("orders.*",), one_by_one(handle))})
    monkeypatch.setattr(outbox, "ATTEMPTS_MAX", 2)
    stop = asyncio.Event()
    service = asyncio.create_task(outbox.run_consumers(db, stop))
    for _ in range(400):
        if len(await effects(db)) == 3:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(service, 10)
    assert await effects(db) == ["000", "001", "002"]
    assert await db.fetchval("SELECT count(*) FROM flow_records") == 0


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.exceptions.QueryCanceledError("canceling statement due to statement timeout"),
        asyncpg.exceptions.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.exceptions.InterfaceError("connection is closed"),
        asyncpg.exceptions.TooManyConnectionsError("sorry, too many clients already"),
        TimeoutError(),
        ConnectionRefusedError(),
        Unavailable("the provider"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_event_is_not_blamed_for_a_database_that_is_away(
    db: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await fill(db, 3)
    tried = 0

    async def handle(tx: Tx, event: Event) -> None:
        nonlocal tried
        if event.key == "001" and (tried := tried + 1) <= 6:
            raise error
        await effect("c")(tx, event)

    monkeypatch.setattr(outbox, "consumers", {"c": Consumer("c", ("orders.*",), one_by_one(handle))})
    monkeypatch.setattr(outbox, "ATTEMPTS_MAX", 2)
    monkeypatch.setattr(outbox, "AWAY_PAUSE_S", 0.01)
    await follow_until(db, 3)
    assert await effects(db) == ["000", "001", "002"]
    assert await aside.list_aside(db, limit=9) == []


async def test_what_was_put_aside_is_seen_and_told_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    member, store = new_id(), new_id()
    options = {"family": "member", "owner_id": member, "member_id": member, "store_ids": [store]}
    await emit(db, "bad", **options)
    await emit(db, "good", **options)
    await outbox.relay_once(db, await lease_of(db))
    original = (await outbox.read(db, after_id=0))[0]
    given: list[Event] = []
    digests = False

    async def handle(tx: Tx, event: Event) -> None:
        given.append(event)
        if event.key == "bad" and not digests:
            raise ValueError("cannot be digested")
        await effect("c")(tx, event)

    monkeypatch.setattr(outbox, "consumers", {"c": Consumer("c", ("orders.*",), one_by_one(handle))})
    monkeypatch.setattr(outbox, "ATTEMPTS_MAX", 2)
    monkeypatch.setattr(outbox, "POLL_S", 0.05)
    await follow_until(db, 1)
    [record] = await aside.list_aside(db, limit=9)
    assert record[1:7] == ("c", original.id, "orders.placed", "bad", "ValueError: cannot be digested", False)

    async def ask() -> None:
        async with db.begin() as tx:
            await aside.ask_again(tx, record.id, reason="mended", actor=SYSTEM)

    async def still_there() -> bool:
        return any(one.asked for one in await aside.list_aside(db, limit=9))

    await ask()
    await ask()  # twice is once
    [asked] = await aside.list_aside(db, limit=9)
    assert asked.asked
    await follow_until(db, 1, once=still_there)  # it fails again, and is put aside again
    [asked] = await aside.list_aside(db, limit=9)
    assert (asked.asked, await effects(db)) == (False, ["good"])
    await db.execute("DELETE FROM event_log")  # two weeks later
    given.clear()
    digests = True
    await ask()
    await follow_until(db, 2)
    assert await aside.list_aside(db, limit=9) == []
    assert given == [original]
    assert await effects(db) == ["good", "bad"]
    with pytest.raises(NotFound):
        await ask()
    lines = await db.fetch("SELECT action, reason FROM audit_log WHERE subject_kind = 'event' ORDER BY at, id")
    assert [tuple(line) for line in lines] == [
        ("event.put-aside", ""), ("event.told-again", "mended"), ("event.told-again", "mended"),
    ]  # fmt: skip


async def follow_until(db: Database, n: int, *, once: Any = None) -> None:
    """Run the consumers until there are so many effects, and `once` says no more."""
    stop = asyncio.Event()
    service = asyncio.create_task(outbox.run_consumers(db, stop))
    for _ in range(400):
        if len(await effects(db)) == n and not (once and await once()):
            break
        await asyncio.sleep(0.02)
    # Whoever has told again has also put its record away.
    stop.set()
    await asyncio.wait_for(service, 10)


async def test_the_log_is_trimmed_behind_every_reader(db: Database) -> None:
    await fill(db, 4)
    await outbox.consume_once(db, Consumer("c", ("*",), one_by_one(effect("c"))), limit=2)
    with clock.shifted(timedelta(days=20)):
        assert await outbox.trim(db) == 2
    assert await keys(db) == ["002", "003"]
    assert await outbox.trim(db) == 0


# --- followers ----------------------------------------------------------------------------------------


async def test_caches_look_when_their_topics_come_up(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    both = asyncio.Event()

    async def orders(_: Database) -> None:
        looked.append("orders")
        both.set()

    async def stores(_: Database) -> None:
        looked.append("stores")

    monkeypatch.setattr(follow, "watchers", [(("orders.*",), orders), (("stores.*",), stores)])
    stop = asyncio.Event()
    service = asyncio.create_task(follow.follow(db, stop))
    await asyncio.sleep(0.2)
    assert looked == ["orders", "stores"]
    both.clear()
    await fill(db, 2)
    await asyncio.wait_for(both.wait(), 5)
    stop.set()
    await asyncio.wait_for(service, 5)
    assert looked == ["orders", "stores", "orders"]


async def test_a_cache_that_fails_does_not_stop_the_following(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    again = asyncio.Event()

    async def clumsy(_: Database) -> None:
        looked.append("x")
        if len(looked) == 2:
            raise ValueError("stumbled")
        if len(looked) == 3:
            again.set()

    monkeypatch.setattr(follow, "watchers", [(("orders.*",), clumsy)])
    stop = asyncio.Event()
    service = asyncio.create_task(follow.follow(db, stop))
    await asyncio.sleep(0.1)
    await fill(db, 1)
    await asyncio.sleep(0.3)
    await fill(db, 1)
    await asyncio.wait_for(again.wait(), 10)
    stop.set()
    await asyncio.wait_for(service, 5)
