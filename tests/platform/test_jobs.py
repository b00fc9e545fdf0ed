"""The job port and the worker that runs it, on a real queue."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from duoline.entry import worker
from duoline.kernel import clock, jobs, postgres
from duoline.kernel.db import Database, Tx
from tests.platform.conftest import environment

SOON_S = 60.0


class Parcel(msgspec.Struct):
    """A payload with a type."""

    order_no: str
    weight_g: int


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch):
    """The worker knows only what the test registers."""
    for registry in ("registered_jobs", "registered_crons", "registered_services"):
        monkeypatch.setattr(jobs, registry, {})


@asynccontextmanager
async def working(db: Database, access: postgres.Access, *, at_once: int = 4) -> AsyncIterator[None]:
    """A worker beside the block."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.work(db, access.dsn, stop, at_once=at_once))
    try:
        yield
    finally:
        stop.set()
        await task


async def enqueue(db: Database, *arguments: object, **options: object) -> bool:
    async with db.begin() as tx:
        return await jobs.enqueue(tx, *arguments, **options)


async def until(condition) -> None:
    """Wait until an async condition is true."""
    async with asyncio.timeout(SOON_S):
        while not await condition():
            await asyncio.sleep(0.05)


async def statuses(db: Database) -> list[str]:
    return [row["status"] for row in await db.fetch("SELECT status::text FROM pgqueuer.pgqueuer ORDER BY id")]


async def test_a_job_exists_exactly_if_its_transaction_committed(db: Database, access: postgres.Access):
    done = []

    @jobs.handler("wrap", payload=Parcel)
    async def _(_db: Database, parcel: Parcel) -> None:
        done.append(parcel)

    async def rolled_back(tx: Tx) -> None:
        assert await jobs.enqueue(tx, "wrap", Parcel("A1", 1))
        raise ValueError("rolled back")

    with pytest.raises(ValueError, match="rolled back"):
        async with db.begin() as tx:
            await rolled_back(tx)
    assert await enqueue(db, "wrap", Parcel("A2", 250))
    async with working(db, access):
        await until(lambda: _is_empty(db))
    assert done == [Parcel("A2", 250)]


async def _is_empty(db: Database) -> bool:
    return await statuses(db) == []


async def test_a_key_is_waiting_or_running_once(db: Database):
    assert await enqueue(db, "words", key="words:1")
    assert not await enqueue(db, "words", key="words:1")
    assert await enqueue(db, "words", key="words:2")
    assert await enqueue(db, "words")
    assert await statuses(db) == ["queued"] * 3


async def test_a_later_job_waits_for_its_time(db: Database, access: postgres.Access):
    order = []

    @jobs.handler("note")
    async def _(_db: Database, payload: str) -> None:
        order.append(payload)

    await enqueue(db, "note", "later", run_at=clock.now() + timedelta(seconds=1.5))
    await enqueue(db, "note", "now")
    await enqueue(db, "note", "next year", run_at=clock.now() + timedelta(days=365))
    async with working(db, access):
        await until(lambda: _count_is(order, 2))
    assert order == ["now", "later"]
    assert await statuses(db) == ["queued"]


async def _count_is(found: list[object], count: int) -> bool:
    return len(found) == count


async def test_a_failing_job_is_tried_again_then_held(db: Database, access: postgres.Access):
    attempts = []

    @jobs.handler("unlucky", attempts_max=3, first_pause_s=0.05)
    async def _(_db: Database, payload: str) -> None:
        attempts.append(payload)
        raise RuntimeError("out of paper")

    @jobs.handler("lucky at last", attempts_max=3, first_pause_s=0.05)
    async def _(_db: Database, _payload: None) -> None:
        attempts.append("second")
        if attempts.count("second") < 2:
            raise RuntimeError("out of paper")

    await enqueue(db, "unlucky", "first")
    await enqueue(db, "lucky at last")

    async def settled() -> bool:
        return await statuses(db) == ["failed"]

    async with working(db, access):
        await until(settled)
    assert attempts.count("first") == 3, "tried as often as it says, then held for somebody to look"
    assert attempts.count("second") == 2


async def test_at_once_limits_how_many_run(db: Database, access: postgres.Access):
    running, most, done = 0, 0, []

    @jobs.handler("narrow", at_once=1)
    async def _(_db: Database, payload: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        done.append(payload)

    for n in range(4):
        await enqueue(db, "narrow", n)
    async with working(db, access, at_once=8):
        await until(lambda: _count_is(done, 4))
    assert most == 1
    assert done == [0, 1, 2, 3]


async def test_what_runs_is_finished_before_the_end(db: Database, access: postgres.Access):
    started, finished = asyncio.Event(), []

    @jobs.handler("slow")
    async def _(_db: Database, _payload: None) -> None:
        started.set()
        await asyncio.sleep(0.5)
        finished.append("slow")

    await enqueue(db, "slow")
    async with working(db, access):
        async with asyncio.timeout(SOON_S):
            await started.wait()
    assert finished == ["slow"]
    assert await statuses(db) == []


async def test_regular_work_runs_again_and_again(db: Database, access: postgres.Access):
    runs = []

    @jobs.cron("sweep", "* * * * * *")
    async def _(_db: Database) -> None:
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError("one bad run does not end it")

    async with working(db, access):
        await until(lambda: _at_least(runs, 2))


async def _at_least(found: list[object], count: int) -> bool:
    return len(found) >= count


async def test_a_service_that_fails_is_started_again(
    db: Database, access: postgres.Access, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(worker, "AFTER_TROUBLE_S", 0.05)
    starts = []

    @jobs.service("relay")
    async def _(_db: Database, stop: asyncio.Event) -> None:
        starts.append(1)
        if len(starts) < 3:
            raise ConnectionError("gone")
        await stop.wait()

    async with working(db, access):
        await until(lambda: _count_is(starts, 3))


async def test_a_service_without_work_is_left_alone(db: Database, access: postgres.Access):
    starts = []

    @jobs.service("nothing to do here")
    async def _(_db: Database, _stop: asyncio.Event) -> None:
        starts.append(1)

    async with working(db, access):
        await until(lambda: _count_is(starts, 1))
        await asyncio.sleep(0.2)
    assert starts == [1]


def test_one_name_is_one_thing():
    @jobs.handler("twice")
    async def _(_db: Database, _payload: None) -> None: ...

    with pytest.raises(jobs.UnknownJob, match="twice is registered twice"):
        jobs.handler("twice")(_)


WORKER = """
import asyncio, os, signal, sys
from datetime import timedelta
from duoline.entry import worker
from duoline.kernel import jobs
from duoline.kernel.db import Database
for registry in (jobs.registered_jobs, jobs.registered_crons, jobs.registered_services):
    registry.clear()

@jobs.handler("count")
async def _(db, payload):
    await db.execute("UPDATE leases SET fence = fence + 1 WHERE name = 'tries'")
    if await db.fetchval("SELECT fence FROM leases WHERE name = 'tries'") == 1:
        os.kill(os.getpid(), signal.SIGKILL)

async def main(dsn):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    db = await Database.connect(dsn)
    print("ready", flush=True)
    await worker.work(db, dsn, stop, at_once=2, heartbeat_timeout=timedelta(seconds=1))
    await db.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_the_job_of_a_killed_worker_is_run_by_another(db: Database, access: postgres.Access, home: Path):
    await db.execute("INSERT INTO leases VALUES ('tries', gen_random_uuid(), 'infinity', 0)")
    await enqueue(db, "count")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, access.dsn], env=environment(home), stdout=subprocess.DEVNULL
        )

    with start() as killed:
        assert await asyncio.to_thread(killed.wait, SOON_S) == -signal.SIGKILL
    assert await statuses(db) == ["picked"]
    with start() as other:
        await until(lambda: _is_empty(db))
        other.terminate()
        assert await asyncio.to_thread(other.wait, SOON_S) == 0, "SIGTERM ends it in order"
    assert await db.fetchval("SELECT fence FROM leases WHERE name = 'tries'") == 2
