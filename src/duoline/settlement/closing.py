"""Closing a month is the worker's: thousands of payees take a while, some have millions of shares, and what was made
stays made. How far it is stands in the book of closings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import msgspec

from duoline.kernel import audit, faults, jobs
from duoline.kernel.db import RETRYABLE
from duoline.kernel.errors import Unavailable
from duoline.settlement import closing_runs, parts
from duoline.settlement.statements import check_over
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.settlement.closing_runs import ClosingRun

log = logging.getLogger(__name__)

faults.register("closing.before_end")

CLOSE_JOB = "settlement.close-run"
PAYEES = 500
TRIES = 4

# Worth the queue's trying again: the database was away, or busy for too long. Nothing of it is this payee's fault.
AWAY = (
    *RETRYABLE,
    Unavailable,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    OSError,
)


class Closing(msgspec.Struct, frozen=True):
    """Payload of `CLOSE_JOB`."""

    run_id: UUID


def pays(kind: str, payee_id: UUID) -> bool:
    """Whether money goes to a payee: people, and shops and companies of franchisees. The chain's own are booked."""
    chain = directory.current()
    if kind == "store":
        store = chain.stores.get(payee_id)
        company = chain.companies.get(store.company_id) if store else None
    else:
        company = chain.companies.get(payee_id)
    return kind in ("staff", "member") or (company is not None and company.franchised)


async def begin_closing(tx: Tx, month: str, *, actor: Actor) -> ClosingRun:
    """Let the worker make the statements of a month. While one run waits or works, asking again is that run.

    Refuses `settlement.month-not-over`.
    """
    check_over(month)
    run, fresh = await closing_runs.ask(tx, month, actor=actor)
    if fresh:
        await _enqueue(tx, run.id)
        await audit.record(tx, actor=actor, action="settlement.close", subject_kind="month", subject=month)
    return run


async def _enqueue(tx: Tx, run_id: UUID) -> None:
    await jobs.enqueue(tx, CLOSE_JOB, Closing(run_id), key=f"{CLOSE_JOB}:{run_id}")


@jobs.handler(CLOSE_JOB, payload=Closing)
async def close(db: Database, closing: Closing) -> None:
    """Make the statements that are missing. One whose worker died goes on where it was."""
    run = await closing_runs.get(db, closing.run_id)
    if run.state not in ("queued", "running"):
        return
    try:
        await directory.refresh(db)
        payees, shares = await _ahead(db, run.month)
        if not await closing_runs.begin(db, run.id, payees=payees, shares=shares):
            return
        await close_month(db, run.month, pays=pays, actor=run.actor, run_id=run.id)
        failed = (await closing_runs.get(db, run.id)).payees_failed
        faults.point("closing.before_end")
        await closing_runs.end(db, run.id, problem=_some_failed(failed) if failed else None)
    except AWAY:
        raise  # the queue tries again
    except Exception:
        log.exception("closing %s stopped", run.month)
        await closing_runs.end(
            db,
            run.id,
            problem={
                "zh": "关账中途出错,原因已写进服务器日志。已生成的结算单都有效,再关一次账会接着做。",
                "en": "Closing stopped; the server's log says why. Statements that were made are good, and closing"
                " again goes on from there.",
            },
        )


def _some_failed(payees: int) -> dict[str, str]:
    them = "payee" if payees == 1 else "payees"
    return {
        "zh": f"{payees} 个收款方没能关账,原因已写进服务器日志;其余都已完成。处理后再关一次账,只会补上缺的。",
        "en": f"{payees} {them} could not be closed; the server's log says why. All others are done. Close the month"
        " again afterwards: it only adds what is missing.",
    }


@jobs.cron("resume closings", "*/2 * * * *")
async def resume(db: Database) -> int:
    """Runs whose job was given up, as while the database was away, get another; returns how many. While a run's job
    still waits or works, that one stays the only one."""
    silent = await closing_runs.silent(db)
    for run_id in silent:
        async with db.begin() as tx:
            await _enqueue(tx, run_id)
    return len(silent)


async def close_month(
    db: Database,
    month: str,
    *,
    pays: Callable[[str, UUID], bool],
    actor: Actor,
    run_id: UUID | None = None,
) -> int:
    """Make the statements of a month, payee by payee, each in parts (see `parts`); returns how many were made.

    `pays` says of a payee, by kind and id, whether money goes to them; the chain's own are only booked. Told twice, or
    after it was stopped, it makes those that are missing and ends those that were left by half. Within a run, a payee
    whose statement cannot be made is counted and does not keep the others from theirs. Refuses
    `settlement.month-not-over`.
    """
    check_over(month)
    made = 0
    async for kind, payee_id in _waiting(db, month):
        try:
            made += await _patiently(db, payee_id, month, pays=pays(kind, payee_id), actor=actor, run_id=run_id)
        except AWAY:
            raise
        except Exception:
            if run_id is None:
                raise
            log.exception("closing %s: the statement of %s cannot be made", month, payee_id)
            async with db.begin() as tx:
                await closing_runs.note(tx, run_id, failed=1)
    return made


async def _patiently(
    db: Database, payee_id: UUID, month: str, *, pays: bool, actor: Actor, run_id: UUID | None
) -> bool:
    """The statement of one payee; whose row others want as much is asked for again, from where it was."""
    for left in reversed(range(TRIES)):
        try:
            return await parts.close_one(db, payee_id, month, pays=pays, actor=actor, run_id=run_id)
        except RETRYABLE:
            if not left:
                raise
    return False


# Payees whose statement of the month $1 is missing or left by half, from a place in the order of their ids.
_WAITING = """
SELECT p.payee_id, p.kind FROM payees p
LEFT JOIN LATERAL (SELECT s.month, s.state, s.carried_out_minor FROM statements s WHERE s.payee_id = p.payee_id
                   ORDER BY s.month DESC LIMIT 1) l ON true
WHERE ($2::uuid IS NULL OR p.payee_id > $2)
  AND (l.month IS NULL OR l.month < $1 OR (l.month = $1 AND l.state = 'closing'))
  AND (l.state = 'closing' OR l.carried_out_minor <> 0
       OR (SELECT sum(s.withheld_minor - s.withheld_in_minor) FROM statements s WHERE s.payee_id = p.payee_id) <> 0
       OR EXISTS (SELECT FROM payee_months m WHERE m.payee_id = p.payee_id AND m.month <= $1
                  AND m.settled_cut_minor > m.earned_minor - m.payable_minor)
       OR EXISTS (SELECT FROM accruals a WHERE a.payee_id = p.payee_id AND a.state = 'matured'
                  AND a.earned_minor <> a.settled_minor AND a.month <= $1))
"""
_COUNT = f"""
WITH those AS MATERIALIZED ({_WAITING})
SELECT (SELECT count(*) FROM those)::integer AS payees,
       (SELECT count(*) FROM accruals a JOIN those t ON t.payee_id = a.payee_id
        WHERE a.state = 'matured' AND a.earned_minor <> a.settled_minor AND a.month <= $1)::bigint AS shares
"""  # noqa: S608 - our own text


async def _waiting(db: Database, month: str) -> AsyncIterator[tuple[str, UUID]]:
    after: UUID | None = None
    while rows := await db.fetch(f"{_WAITING} ORDER BY p.payee_id LIMIT $3", month, after, PAYEES):
        for row in rows:
            yield row["kind"], row["payee_id"]
        after = rows[-1]["payee_id"]


async def _ahead(db: Database, month: str) -> tuple[int, int]:
    """How many payees and shares are still to be done, for the progress only."""
    async with db.begin() as tx:
        # A look at every open share: with many millions longer than a page may ever take.
        await tx.execute("SET LOCAL statement_timeout = '600s'")
        payees, shares = tuple(await tx.fetchrow(_COUNT, month, None))  # type: ignore[arg-type]
    return payees, shares
