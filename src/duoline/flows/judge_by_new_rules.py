"""Judge everybody by new rules of tiers, from the instant on at which they hold.

Some members a transaction, each with its place in the book (`members.tier_runs`): a run that was killed goes on where
it was, and no member is judged by half. What is handed over meanwhile is judged by the new rules by itself. A newer
version that holds stops an older one's run and begins anew.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from duoline.flows import judge_tiers
from duoline.kernel import clock, faults, jobs, outbox, policies
from duoline.kernel.db import AWAY, RETRYABLE
from duoline.kernel.errors import Unavailable
from duoline.members import tier_runs
from duoline.members.policy import TIERS

if TYPE_CHECKING:
    from duoline.kernel.db import Database, Tx
    from duoline.kernel.outbox import Event

log = logging.getLogger(__name__)

faults.register("tier_run.before_part", "tier_run.before_commit", "tier_run.between_parts", "tier_run.before_end")

JOB = "members.judge-by-rules"
CHUNK = 500
TRIES = 4


class Judging(msgspec.Struct, frozen=True):
    """Payload of `JOB`."""

    run_id: UUID


@outbox.consumer("tier-rules", topics=("policies.set",))
async def plan(tx: Tx, event: Event) -> None:
    """Rules of tiers were decided: everybody is judged by them as soon as they hold."""
    if event.payload["kind"] != TIERS.kind:
        return
    await policies.catch_up(tx, TIERS.kind)
    try:
        rules = TIERS.version(event.payload["version"])
    except KeyError:
        return  # of a shape that nobody judges by any more
    run_id = await tier_runs.ask(tx, rules.version, rules.active_from)
    if run_id is not None:
        await jobs.enqueue(tx, JOB, Judging(run_id), run_at=rules.active_from, key=f"{JOB}:{run_id}")


@jobs.handler(JOB, payload=Judging)
async def judge_everybody(db: Database, judging: Judging) -> None:
    """Judge who is not judged yet by the rules of a run. Safe to run again at any point, and beside itself."""
    run = await tier_runs.get(db, judging.run_id)
    if run is None or run.finished_at is not None:
        return
    if run.active_from > clock.now():
        raise Unavailable("these rules do not hold yet")
    async with db.begin() as tx:
        await policies.catch_up(tx, TIERS.kind)
        if TIERS.current().version != run.version:
            await tier_runs.end(tx, run.id, state="stopped")
            return
        if not await tier_runs.begin(tx, run.id):
            return
    while await _patiently(db, run.id):
        faults.point("tier_run.between_parts")


async def _patiently(db: Database, run_id: UUID) -> bool:
    """The next part. When it cannot be done, its members are judged one by one, and who cannot be judged is counted."""
    try:
        return await _part(db, run_id, CHUNK)
    except AWAY:
        raise
    except Exception:
        log.exception("tiers: some members of run %s cannot be judged together", run_id)
    for _ in range(CHUNK):
        try:
            more = await _part(db, run_id, 1)
        except AWAY:
            raise
        except Exception:
            log.exception("tiers: a member of run %s cannot be judged", run_id)
            more = await _pass_over(db, run_id)
        if not more:
            return False
    return True


async def _part(db: Database, run_id: UUID, size: int) -> bool:
    """Judge so many more; whose rows others want as much are asked for again. Whether some may be left."""
    for left in reversed(range(TRIES)):
        try:
            async with db.begin() as tx:
                return await _judge_more(tx, run_id, size)
        except RETRYABLE:
            if not left:
                raise
    return False


async def _judge_more(tx: Tx, run_id: UUID, size: int) -> bool:
    run = await _going_on(tx, run_id)
    if run is None:
        return False
    faults.point("tier_run.before_part")
    found = await judge_tiers.judge_after(tx, run.last_id, size)
    if found.last_id is not None:
        await tier_runs.note(
            tx,
            run_id,
            last_id=found.last_id,
            judged=found.looked,
            up=found.up,
            down=found.down,
            moved=found.moved,
            kept=found.kept,
            failed=0,
        )
    if found.looked < size:
        faults.point("tier_run.before_end")
        await tier_runs.end(tx, run_id, state="done")
        return False
    faults.point("tier_run.before_commit")
    return True


async def _pass_over(db: Database, run_id: UUID) -> bool:
    """Count the next member as one that could not be judged: the night looks again."""
    async with db.begin() as tx:
        run = await _going_on(tx, run_id)
        if run is None:
            return False
        next_id = await tx.fetchval(
            "SELECT member_id FROM members WHERE kind = 'member' AND member_id > $1 ORDER BY member_id LIMIT 1",
            run.last_id or UUID(int=0),
        )
        if next_id is None:
            await tier_runs.end(tx, run_id, state="done")
            return False
        await tier_runs.note(tx, run_id, last_id=next_id, judged=1, up=0, down=0, moved=0, kept=0, failed=1)
    return True


async def _going_on(tx: Tx, run_id: UUID) -> tier_runs.TierRun | None:
    """The run, locked, unless it is over or newer rules hold by now, which end it."""
    run = await tier_runs.lock_running(tx, run_id)
    if run is None:
        return None
    await policies.catch_up(tx, TIERS.kind)
    if TIERS.current().version != run.version:
        await tier_runs.end(tx, run_id, state="stopped")
        return None
    return run


@jobs.cron("resume judging by new rules", "*/2 * * * *")
async def resume(db: Database) -> int:
    """Runs whose job was given up, as while the database was away, get another; returns how many. While a run's job
    still waits or works, that one stays the only one."""
    silent = await tier_runs.silent(db)
    for run_id in silent:
        async with db.begin() as tx:
            await jobs.enqueue(tx, JOB, Judging(run_id), key=f"{JOB}:{run_id}")
    return len(silent)
