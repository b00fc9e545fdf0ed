"""`duoline worker`: runs jobs, regular work, the outbox relay and the consumers of events.

`duoline serve` starts one; more may run on other machines. PgQueuer hands each job to one worker, takes it back
when that worker's heartbeat stops, and tries a failed one again. On SIGTERM the worker takes no new job and
finishes those it has.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule
from pgqueuer.queries import Queries

import duoline.entry.background  # noqa: F401 - importing registers what there is to do
from duoline.channels.imports import forget
from duoline.entry import outside
from duoline.entry.process import die_with_parent
from duoline.entry.schema import NotMigrated, is_empty
from duoline.kernel import jobs, postgres
from duoline.kernel.config import Settings, from_environment
from duoline.kernel.db import Database
from duoline.kernel.log import request_id
from duoline.kernel.log import set_up as log_set_up

log = logging.getLogger(__name__)

HEARTBEAT_TIMEOUT = timedelta(seconds=20)  # a killed worker's jobs are taken over after this
PAUSE_MAX = timedelta(minutes=5)
AFTER_TROUBLE_S = 1.0
FINISH_S = 25.0  # how long jobs may take to finish after SIGTERM before they are left to another worker
QUEUE_CONNECTIONS = 3


def command() -> None:
    """Run background work until told to stop."""
    settings = from_environment()
    log_set_up(settings.log_format, settings.log_level)
    with postgres.access(settings) as access:
        if asyncio.run(is_empty(access.dsn)):
            raise NotMigrated
        asyncio.run(run(settings, access.dsn))


async def run(settings: Settings, dsn: str) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGINT, stop.set)
    db = await Database.connect(dsn, size_max=settings.pool)
    outside.connect(settings)
    forget.connect(settings.imports_dir)
    try:
        log.info("working on %d kinds of jobs", len(jobs.registered_jobs))
        await work(db, dsn, stop, at_once=settings.jobs)
    finally:
        await db.close()


async def work(
    db: Database, dsn: str, stop: asyncio.Event, *, at_once: int, heartbeat_timeout: timedelta = HEARTBEAT_TIMEOUT
) -> None:
    """Run every service and the queue until `stop` is set, and let what runs then finish."""
    services = [
        asyncio.create_task(_keep_up(name, service, db, stop), name=name)
        for name, service in jobs.registered_services.items()
    ]
    queue = asyncio.create_task(_keep_queue(db, dsn, stop, at_once, heartbeat_timeout), name="queue")
    await stop.wait()
    _done, late = await asyncio.wait([queue, *services], timeout=FINISH_S)
    for task in late:
        log.warning("%s did not finish in time and is left to another worker", task.get_name())
        task.cancel()
    await asyncio.gather(queue, *services, return_exceptions=True)


async def _keep_up(name: str, service: jobs.Service, db: Database, stop: asyncio.Event) -> None:
    """Run a service, again and again if it fails: a broken connection must not end the relay for good.

    One that returns by itself has nothing to do in this process.
    """
    while not stop.is_set():
        try:
            await service(db, stop)
        except Exception:
            log.exception("the service %s failed and is started again", name)
            await _pause(stop)
        else:
            return


async def _keep_queue(db: Database, dsn: str, stop: asyncio.Event, at_once: int, heartbeat_timeout: timedelta) -> None:
    while not stop.is_set():
        try:
            async with asyncpg.create_pool(dsn, min_size=1, max_size=QUEUE_CONNECTIONS) as pool:
                await _run_queue(db, pool, stop, at_once, heartbeat_timeout)
        except Exception:
            log.exception("the job queue failed and is started again")
            await _pause(stop)


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), AFTER_TROUBLE_S)


async def _run_queue(
    db: Database, pool: asyncpg.Pool[Any], stop: asyncio.Event, at_once: int, heartbeat_timeout: timedelta
) -> None:
    runner = _runner(pool)
    for job in jobs.registered_jobs.values():
        _register_job(runner, db, job)
    for cron in jobs.registered_crons.values():
        _register_cron(runner, db, cron)
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: runner.shutdown.set())
    batch = max(1, at_once // 2)
    try:
        await runner.run(
            batch_size=batch,
            max_concurrent_tasks=2 * batch,
            dequeue_timeout=timedelta(seconds=jobs.POLL_S),
            heartbeat_timeout=heartbeat_timeout,
        )
    finally:
        stopping.cancel()


def _runner(pool: asyncpg.Pool[Any]) -> PgQueuer:
    """PgQueuer on its own schema and on connections of its own, which do not know our JSON codec."""
    names = DBSettings(db_schema=jobs.SCHEMA)
    driver = AsyncpgPoolDriver(pool)
    queries = Queries(
        driver, qbe=QueryBuilderEnvironment(names), qbq=QueryQueueBuilder(names), qbs=QuerySchedulerBuilder(names)
    )
    return PgQueuer(driver, queries=queries)


def _register_job(runner: PgQueuer, db: Database, job: jobs.Job) -> None:
    def patient(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(
            parameters,
            max_attempts=job.attempts_max - 1,
            initial_delay=timedelta(seconds=job.first_pause_s),
            max_delay=PAUSE_MAX,
        )

    @runner.entrypoint(job.name, concurrency_limit=job.at_once, on_failure="hold", executor_factory=patient)
    async def _(queued: QueuedJob) -> None:
        request_id.set(f"{job.name} {queued.id}")
        await job.run(db, msgspec.json.decode(queued.payload or b"null", type=job.payload_type))


def _register_cron(runner: PgQueuer, db: Database, cron: jobs.Cron) -> None:
    @runner.schedule(cron.name, cron.expression)
    async def _(_schedule: Schedule) -> None:
        request_id.set(cron.name)
        await jobs.run_cron(db, cron)


def main(parent: int) -> None:
    """What `duoline serve`, the process `parent`, starts: the same, ending when its parent does.

    Ctrl-C reaches every process of a terminal; here the parent alone says when it is time, by SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM, parent=parent)
    command()


if __name__ == "__main__":
    main(int(sys.argv[1]))
