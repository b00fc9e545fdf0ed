"""The port for background work: jobs, regular work and services. What runs them is `duoline.entry.worker`.

A *job* is enqueued in the caller's transaction and therefore exists exactly if that transaction committed. It
runs at least once: a handler that was killed half-way is run again, so handlers are idempotent. A handler that
raises is tried again with growing pauses; after the last attempt the job is held, not deleted, until somebody
looks (`duoline doctor` counts held jobs).

*Regular work* runs by a cron expression, on one worker at a time. A *service* runs for as long as the worker
does, such as the outbox relay.

The queue is PgQueuer's, in its own schema. Enqueuing is one plain INSERT written here, so that the processes
that answer requests need not load the library. Its NOTIFY trigger is not installed: a NOTIFY inside a business
transaction takes a lock on the whole database at commit. The worker polls instead, every `POLL_S`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec

from duoline.kernel import clock, metrics

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from duoline.kernel.db import Database, Tx

SCHEMA = "pgqueuer"
POLL_S = 0.5

Handler = Callable[["Database", Any], Awaitable[None]]
Regular = Callable[["Database"], Awaitable[Any]]
Service = Callable[["Database", "asyncio.Event"], Awaitable[None]]
AnyHandler = TypeVar("AnyHandler", bound=Handler)
AnyRegular = TypeVar("AnyRegular", bound=Regular)
AnyService = TypeVar("AnyService", bound=Service)


@dataclass(frozen=True)
class Job:
    """A registered handler and how hard it tries."""

    name: str
    run: Handler
    attempts_max: int
    first_pause_s: float
    at_once: int
    payload_type: Any


@dataclass(frozen=True)
class Cron:
    """Regular work: five fields, or six with seconds last, in UTC."""

    name: str
    run: Regular
    expression: str


registered_jobs: dict[str, Job] = {}
registered_crons: dict[str, Cron] = {}
registered_services: dict[str, Service] = {}


class UnknownJob(Exception):
    """A job was enqueued or registered under a name that cannot be used."""


def handler(
    name: str, *, attempts_max: int = 8, first_pause_s: float = 1, at_once: int = 0, payload: Any = Any
) -> Callable[[AnyHandler], AnyHandler]:
    """Register `async def run(db, payload)` for jobs of this name.

    The pause before an attempt doubles from `first_pause_s` up to five minutes. `at_once` limits how many run at
    the same time over all workers; 0 is no limit. `payload` is the msgspec type the payload is decoded to.
    """

    def register(run: AnyHandler) -> AnyHandler:
        _refuse_twice(name, registered_jobs)
        registered_jobs[name] = Job(name, run, attempts_max, first_pause_s, at_once, payload)
        return run

    return register


def cron(name: str, expression: str) -> Callable[[AnyRegular], AnyRegular]:
    """Register `async def run(db)` to run by a cron expression: "*/5 * * * *", or "* * * * * */10" for every 10 s."""

    def register(run: AnyRegular) -> AnyRegular:
        _refuse_twice(name, registered_crons)
        registered_crons[name] = Cron(name, run, expression)
        return run

    return register


def service(name: str) -> Callable[[AnyService], AnyService]:
    """Register `async def run(db, stop)` to run until `stop` is set. It is started again if it raises."""

    def register(run: AnyService) -> AnyService:
        _refuse_twice(name, registered_services)
        registered_services[name] = run
        return run

    return register


async def run_cron(db: Database, cron: Cron) -> None:
    """Run regular work once. A run that raises is counted and remembered until one goes well, so that it is seen."""
    try:
        await cron.run(db)
    except Exception as error:
        metrics.CRONS_FAILED.labels(cron.name).inc()
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await db.execute(FAILED, cron.name, clock.now(), f"{type(error).__name__}: {error}"[:500])
        raise
    await db.execute("DELETE FROM cron_failures WHERE name = $1", cron.name)


FAILED = """
INSERT INTO cron_failures AS f (name, since_at, failed_at, times, problem) VALUES ($1, $2, $2, 1, $3)
ON CONFLICT (name) DO UPDATE SET failed_at = excluded.failed_at, times = f.times + 1, problem = excluded.problem
"""


def _refuse_twice(name: str, registry: dict[str, Any]) -> None:
    if name in registry:
        raise UnknownJob(f"{name} is registered twice")


# The predicate restates PgQueuer's unique index on keys of waiting and running jobs.
ENQUEUE = """
INSERT INTO pgqueuer.pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
VALUES (0, $1, $2, coalesce($3, now()), $4, '{}', 'queued')
ON CONFLICT (dedupe_key) WHERE status = ANY (ARRAY['queued'::pgqueuer.pgqueuer_status,
                                                   'picked'::pgqueuer.pgqueuer_status])
                           AND dedupe_key IS NOT NULL
DO NOTHING
RETURNING id
"""


async def enqueue(
    tx: Tx, name: str, payload: Any = None, *, run_at: datetime | None = None, key: str | None = None
) -> bool:
    """Add a job in the caller's transaction; it runs after the commit, not before `run_at`.

    While a job with the same `key` waits or runs, no second one is added and the answer is False. Keys are one
    space over all names, so put the name into the key.
    """
    after = None if run_at is None else clock.by_the_machine(run_at)
    return await tx.fetchval(ENQUEUE, name, msgspec.json.encode(payload), after, key) is not None
