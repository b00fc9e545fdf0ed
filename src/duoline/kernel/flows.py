"""Flows: work that one transaction cannot do, as a stored record with named steps, resumed after a crash.

    REFUND = Flow("refund")

    @REFUND.step("ask")
    async def ask(run: Run) -> Outcome:
        answer = await provider.refund(run.data["refund_ref"])     # no transaction is open here
        return Go("book", {"provider_ref": answer.ref})

    @REFUND.step("book")
    async def book(run: Run) -> Outcome: …                          # return DONE, Go(…) or Wait(…)

    await REFUND.start(tx, key=str(refund_id), data={…})            # with the fact that calls for it

A step may be run again after a crash at any point, so every step is idempotent by the flow's key. The record says
which step comes next; it is written after the step, fenced by the claim, so a worker that slept through its claim
changes nothing. A step that raises is tried again with growing pauses; after `attempts_max` the flow is `failed`, kept
with its problem, and waits for a person (`duoline doctor` counts them; `retry` starts it again).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from duoline.kernel import clock, faults, jobs, metrics
from duoline.kernel.errors import Unavailable, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.log import request_id

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

# How long a worker may work at one step before another takes the flow over.
CLAIM = timedelta(seconds=60)
POLL_S = 0.5
AT_ONCE = 8
PAUSE_MAX = timedelta(minutes=10)

faults.register("flows.before_step", "flows.after_step", "flows.after_save")


@dataclass(frozen=True)
class Run:
    """What a step is given. `attempts` counts failed tries of this step."""

    db: Database
    id: UUID
    key: str
    data: dict[str, Any]
    attempts: int


@dataclass(frozen=True)
class Go:
    """Go on with another step; `data` is merged into the record."""

    step: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class Wait:
    """Run this step again at a time: the answer is not there yet. Not counted as a failure."""

    until: datetime


@dataclass(frozen=True)
class Done:
    """The flow has reached its end."""

    data: dict[str, Any] | None = None


DONE = Done()
Outcome = Go | Wait | Done
Step = Callable[[Run], Awaitable[Outcome]]


class Flow:
    """A kind of flow. Declare it at module level; its steps are registered by `step`, the first being the start."""

    def __init__(self, name: str, *, attempts_max: int = 12, first_pause: timedelta = timedelta(seconds=1)) -> None:
        ensure(name not in registered, "FLOW", f"there are two flows named {name}")
        self.name, self.attempts_max, self.first_pause = name, attempts_max, first_pause
        self.steps: dict[str, Step] = {}
        registered[name] = self

    def step(self, name: str) -> Callable[[Step], Step]:
        """Register a step."""

        def register(run: Step) -> Step:
            ensure(name not in self.steps, "FLOW", f"{self.name} has two steps named {name}")
            self.steps[name] = run
            return run

        return register

    async def start(self, tx: Tx, *, key: str, data: dict[str, Any], run_at: datetime | None = None) -> bool:
        """Record the flow in the caller's transaction; it runs after the commit. False when the key has one already."""
        now = clock.now()
        made = await tx.fetchval(
            "INSERT INTO flow_records (id, name, key, step, data, state, attempts, run_at, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, 'running', 0, $6, $7, $7) ON CONFLICT (name, key) DO NOTHING RETURNING true",
            new_id(),
            self.name,
            key,
            next(iter(self.steps)),
            data,
            run_at or now,
            now,
        )
        return bool(made)

    async def run_now(self, db: Database, key: str) -> None:
        """Try at once, after the commit, instead of waiting for the worker. Whatever happens, the worker goes on."""
        claimed = await _claim(db, _CLAIM_ONE, self.name, key)
        for record in claimed:
            await _advance(db, record)


registered: dict[str, Flow] = {}


async def retry(tx: Tx, flow_id: UUID) -> bool:
    """Let a failed flow go on from its step; False when it had not failed."""
    done = await tx.execute(
        "UPDATE flow_records SET state = 'running', attempts = 0, run_at = $2, updated_at = $2, problem = NULL"
        " WHERE id = $1 AND state = 'failed'",
        flow_id,
        clock.now(),
    )
    return done == "UPDATE 1"


# --- running --------------------------------------------------------------------------------------


async def run_due(db: Database, *, limit: int = AT_ONCE) -> int:
    """Run every due flow one step further, at most `limit` at the same time; returns how many."""
    claimed = await _claim(db, _CLAIM_DUE, list(registered), limit)
    await asyncio.gather(*(_advance(db, record) for record in claimed))
    return len(claimed)


@jobs.service("flows")
async def run_flows(db: Database, stop: asyncio.Event) -> None:
    """Run due flows until `stop` is set. Safe in several processes: a due flow is claimed by one."""
    while not stop.is_set():
        try:
            ran = await run_due(db)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.exception("flows could not be run; trying again")
            ran = 0
        if ran < AT_ONCE:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await stop.wait()


# A claim moves the time of the next try behind the claim's end: a worker that dies is followed by another then.
_CLAIM_DUE = """
UPDATE flow_records SET run_at = $1::timestamptz + $2, updated_at = $1
WHERE id IN (SELECT id FROM flow_records WHERE state = 'running' AND run_at <= $1 AND name = ANY($3)
             ORDER BY run_at LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING id, name, key, step, data, attempts, run_at
"""
_CLAIM_ONE = """
UPDATE flow_records SET run_at = $1::timestamptz + $2, updated_at = $1
WHERE id IN (SELECT id FROM flow_records WHERE state = 'running' AND run_at <= $1 AND name = $3 AND key = $4
             FOR UPDATE SKIP LOCKED)
RETURNING id, name, key, step, data, attempts, run_at
"""


async def _claim(db: Database, sql: str, *args: Any) -> list[asyncpg.Record]:
    return await db.fetch(sql, clock.now(), CLAIM, *args)


async def _advance(db: Database, record: asyncpg.Record) -> None:
    """Run one step and write what comes next, if the claim is still ours."""
    flow = registered[record["name"]]
    token = request_id.set(f"{flow.name} {record['key']}")
    try:
        outcome: Outcome | None = None
        problem = ""
        try:
            faults.point("flows.before_step")
            step = flow.steps[record["step"]]
            outcome = await step(Run(db, record["id"], record["key"], record["data"], record["attempts"]))
            faults.point("flows.after_step")
        except Unavailable as error:
            problem = f"unavailable: {error.what}"
            log.warning("flow %s %s at %s: %s", flow.name, record["key"], record["step"], problem)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            log.exception("flow %s %s at %s failed", flow.name, record["key"], record["step"])
        await _save(db, flow, record, outcome, problem)
        faults.point("flows.after_save")
    finally:
        request_id.reset(token)


async def _save(db: Database, flow: Flow, record: asyncpg.Record, outcome: Outcome | None, problem: str) -> None:
    now = clock.now()
    state, step, data, attempts, run_at = "running", record["step"], record["data"], 0, now
    match outcome:
        case Go():
            ensure(outcome.step in flow.steps, "FLOW", f"{flow.name} has no step {outcome.step}")
            step, data = outcome.step, data | (outcome.data or {})
        case Wait():
            run_at, attempts = outcome.until, record["attempts"]
        case Done():
            state, data = "done", data | (outcome.data or {})
        case None:
            attempts = record["attempts"] + 1
            state = "failed" if attempts >= flow.attempts_max else "running"
            run_at = now + min(flow.first_pause * 2 ** (attempts - 1), PAUSE_MAX)
    saved = await db.execute(
        "UPDATE flow_records SET state = $3, step = $4, data = $5, attempts = $6, run_at = $7, problem = $8,"
        " updated_at = $9 WHERE id = $1 AND run_at = $2 AND state = 'running'",
        record["id"],
        record["run_at"],
        state,
        step,
        data,
        attempts,
        run_at,
        problem or None,
        now,
    )
    if saved != "UPDATE 1":
        log.warning("flow %s %s was taken over by another worker meanwhile", flow.name, record["key"])
    elif state == "failed":
        metrics.FLOWS_FAILED.labels(flow.name).inc()
        log.error("flow %s %s gave up at %s: %s", flow.name, record["key"], step, problem)
