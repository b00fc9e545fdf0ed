"""Payouts: approved statements become money on its way, each once; the provider, or the bank by file, says how
it ended.

Who has an account at the payment provider is paid by it (`flows/pay_out.py`), under the payout's own id; everybody
else by file, to their bank account. Where it goes is written into the payout when it is asked for: a later change moves
nothing that is on its way. Duoline holds nobody's money: it asks, and mirrors what became of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import ledger
from duoline.kernel import audit, clock, faults, jobs
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import CURRENCY, Money
from duoline.payments import providers
from duoline.settlement import accounts, payee_accounts, statements
from duoline.settlement.errors import PayoutAtProvider, PayoutOver
from duoline.settlement.policy import STATEMENTS

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

log = logging.getLogger(__name__)

faults.register("settlement.before_payout")

BATCH = 500
PAY_JOB = "settlement.pay"
SEND_JOB = "payout.send"


class Run(msgspec.Struct, frozen=True):
    """Pay what is approved of a month."""

    run_id: UUID
    month: str


class Send(msgspec.Struct, frozen=True):
    """Which payout to have executed by the provider."""

    payee_id: UUID
    payout_id: UUID


class Payout(NamedTuple):
    """A payout with what the provider needs to know; without a provider it goes by file."""

    payee_id: UUID
    id: UUID
    month: str
    amount_minor: int
    currency: str
    state: str
    provider: str
    receiver: str


async def begin(tx: Tx, month: str, *, actor: Actor) -> UUID:
    """Start a run; the worker pays. Any number may run at once: each statement is paid by one of them."""
    run_id = new_id()
    await tx.execute(
        "INSERT INTO payout_runs (id, month, actor, at) VALUES ($1, $2, $3, $4)",
        run_id,
        month,
        actor.label,
        clock.now(),
    )
    await jobs.enqueue(tx, PAY_JOB, Run(run_id, month), key=f"{PAY_JOB}:{run_id}")
    await audit.record(
        tx, actor=actor, action="payout.run", subject_kind="payout_run", subject=str(run_id), after={"month": month}
    )
    return run_id


@jobs.handler(PAY_JOB, payload=Run)
async def pay_run(db: Database, run: Run) -> None:
    """The worker pays."""
    await pay_all(db, run)


async def pay_all(db: Database, run: Run) -> int:
    """Ask for the money of every statement of the month that was approved when the run began; returns how many. Safe to
    repeat and to stop. What was approved later was in no sum that somebody confirmed: the next run pays it."""
    asked, after = 0, (UUID(int=0), UUID(int=0))
    while rows := await db.fetch(
        """SELECT s.payee_id, s.id FROM statements s
           WHERE s.month = $1 AND s.state = 'approved' AND s.way = 'payout' AND (s.payee_id, s.id) > ($2, $3)
             AND NOT EXISTS (SELECT FROM statement_approvals a JOIN payout_runs r ON r.id = $5
                             WHERE a.payee_id = s.payee_id AND a.statement_id = s.id AND a.at > r.at)
           ORDER BY s.payee_id, s.id LIMIT $4""",
        run.month,
        *after,
        BATCH,
        run.run_id,
    ):
        for row in rows:
            after = (row["payee_id"], row["id"])
            asked += await pay_one(db, *after, run_id=run.run_id)
    return asked


async def pay_one(db: Database, payee_id: UUID, statement_id: UUID, *, run_id: UUID) -> bool:
    """Ask for the money of one statement: to where the payee is paid now, whatever becomes of their account. False when
    another run has, while it is disputed, and when the account is somebody else's word (`new`) and was set after the
    run began, so that whoever began it saw another one or none: a later run pays it.

    What was taken back since it was approved is not asked for (STL-11), nor what another account of the same person
    owes: the statement keeps it as withheld, and the payee's next one has both. False when nothing is left of it. Locks
    the payee, with the same person's other accounts, then the statement.
    """
    async with db.begin() as tx:
        have = await accounts.lock_person(tx, payee_id)
        statement = await statements.lock(tx, payee_id, statement_id)
        if statement.state != "approved" or statement.way != "payout":
            return False
        if await statements.is_disputed(tx, payee_id, statement_id):
            return False
        account = await payee_accounts.account_of(tx, payee_id)
        if account is not None and account.new and await _began_before(tx, run_id, account.at):
            return False
        due = await accounts.payable_to(tx, payee_id) if have is not None else 0
        asked = statement.to_pay_minor - statement.withheld_minor
        minor = payable_now(asked, due_minor=due, least_minor=STATEMENTS.current().body.least_minor)
        if minor < asked:
            statement = await _less(tx, statement, asked - minor)
        if not minor:
            return False
        ensure(minor <= due, "STL-11", f"{payee_id} would be paid {minor} of {due} that is due")
        payout_id = new_id()
        by_file = account is None or account.by_file
        to_bank = account if account is not None and account.by_file else None
        await tx.execute(
            """INSERT INTO payouts (payee_id, id, statement_id, run_id, amount_minor, due_minor, currency, state,
                                    provider, receiver, holder, bank, branch, owner, account_by, account_at, actor, at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'requested', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
            payee_id,
            payout_id,
            statement_id,
            run_id,
            minor,
            due,
            CURRENCY,
            "" if by_file else account.provider,  # type: ignore[union-attr]
            account.receiver if account else "",
            to_bank.holder if to_bank else "",
            to_bank.bank if to_bank else "",
            to_bank.branch if to_bank else "",
            to_bank.owner if to_bank else "",
            account.actor if account and account.new else "",
            account.at if account and account.new else None,
            SYSTEM.label,
            clock.now(),
        )
        await statements.set_state(tx, statement, "paying")
        await accounts.change(tx, payee_id, due_minor=-minor, paying_minor=minor)
        await accounts.book(
            tx,
            under=payee_id,
            kind="settlement-paying",
            entries=[accounts.entry(accounts.due(payee_id), accounts.paying(payee_id), minor)],
            actor=SYSTEM,
        )
        if not by_file:
            await ask(tx, payee_id, payout_id)
        faults.point("settlement.before_payout")
    return True


async def _began_before(tx: Tx, run_id: UUID, at: datetime) -> bool:
    return bool(await tx.fetchval("SELECT at < $2 FROM payout_runs WHERE id = $1", run_id, at))


def payable_now(asked_minor: int, *, due_minor: int, least_minor: int) -> int:
    """What of an approved sum can be paid: no more than is due now, and where that is less, not so little that it
    would wait for the next statement anyway."""
    if asked_minor <= due_minor:
        return asked_minor
    return due_minor if due_minor >= least_minor else 0


async def _less(tx: Tx, statement: statements.Statement, minor: int) -> statements.Statement:
    """So much of a locked statement is not paid: it was taken back since. One of which nothing is left is carried."""
    statement = await statements.withhold(tx, statement, minor)
    await audit.record(
        tx,
        actor=SYSTEM,
        action="statement.withhold",
        subject_kind="statement",
        subject=str(statement.id),
        after={"month": statement.month, "amount": Money(minor, CURRENCY)},
    )
    if statement.withheld_minor == statement.to_pay_minor:
        await statements.set_state(tx, statement, "carried")
    return statement


async def ask(tx: Tx, payee_id: UUID, payout_id: UUID) -> None:
    """Have a payout executed by its provider once this transaction has committed."""
    await jobs.enqueue(tx, SEND_JOB, Send(payee_id, payout_id), key=f"{SEND_JOB}:{payout_id}")


async def load(db: Database | Tx, payee_id: UUID, payout_id: UUID) -> Payout:
    """A payout as it stands. Refuses `kernel.not-found`."""
    row = await db.fetchrow(
        """SELECT o.payee_id, o.id, s.month, o.amount_minor, o.currency, o.state, o.provider, o.receiver
           FROM payouts o JOIN statements s ON s.payee_id = o.payee_id AND s.id = o.statement_id
           WHERE o.payee_id = $1 AND o.id = $2""",
        payee_id,
        payout_id,
    )
    if row is None:
        raise NotFound(kind="payout")
    return Payout(*row)


async def resolve(tx: Tx, payee_id: UUID, payout_id: UUID, *, went_well: bool, problem: str = "", actor: Actor) -> None:
    """How a payout by file ended, by hand: the payee has it, or it failed and the statement can be paid again.

    Refuses `kernel.not-found`, `settlement.payout-over` when it ended the other way, `settlement.payout-at-provider`
    when a provider that can be asked executes it; repeating it changes nothing. Locks the payee, the statement, the
    payout.
    """
    provider = (await load(tx, payee_id, payout_id)).provider
    if provider and providers.connected(provider):
        raise PayoutAtProvider
    await _end(tx, payee_id, payout_id, went_well=went_well, problem=problem, provider_ref="", actor=actor)


async def told(
    tx: Tx, payee_id: UUID, payout_id: UUID, *, went_well: bool, problem: str = "", provider_ref: str
) -> None:
    """How a payout ended, as its provider says. Refuses and locks as `resolve` does."""
    await _end(tx, payee_id, payout_id, went_well=went_well, problem=problem, provider_ref=provider_ref, actor=SYSTEM)


async def _end(
    tx: Tx, payee_id: UUID, payout_id: UUID, *, went_well: bool, problem: str, provider_ref: str, actor: Actor
) -> None:
    found = await tx.fetchrow("SELECT statement_id FROM payouts WHERE payee_id = $1 AND id = $2", payee_id, payout_id)
    if found is None:
        raise NotFound(kind="payout")
    statement = await statements.lock(tx, payee_id, found["statement_id"])
    row = await tx.fetchrow(
        "SELECT state, amount_minor, provider FROM payouts WHERE payee_id = $1 AND id = $2 FOR UPDATE",
        payee_id,
        payout_id,
    )
    ensure(row is not None, "STL-7", f"payout {payout_id} is gone")
    state, minor, provider = row["state"], row["amount_minor"], row["provider"]  # type: ignore[index]
    end = "done" if went_well else "failed"
    if state == end:
        return
    if state != "requested":
        raise PayoutOver
    await tx.execute(
        """UPDATE payouts SET state = $3, problem = $4, provider_ref = $5, resolved_at = $6
           WHERE payee_id = $1 AND id = $2""",
        payee_id,
        payout_id,
        end,
        problem,
        provider_ref,
        clock.now(),
    )
    await statements.set_state(tx, statement, "paid" if went_well else "approved")
    if went_well:
        await accounts.change(tx, payee_id, paying_minor=-minor, paid_minor=minor)
        to = ledger.accounts.clearing(provider) if provider else accounts.PAID_OUT
    else:
        await accounts.change(tx, payee_id, paying_minor=-minor, due_minor=minor)
        to = accounts.due(payee_id)
    await accounts.book(
        tx,
        under=payee_id,
        kind=f"settlement-{end}",
        entries=[accounts.entry(accounts.paying(payee_id), to, minor)],
        actor=actor,
        reason=problem,
    )
    await audit.record(
        tx,
        actor=actor,
        action=f"payout.{end}",
        subject_kind="payout",
        subject=str(payout_id),
        reason=problem,
        after={"amount": Money(minor, CURRENCY), "provider": provider, "provider_ref": provider_ref},
    )
