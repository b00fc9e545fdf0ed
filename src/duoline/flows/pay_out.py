"""Have payouts executed by the payment provider, by a job that survives crashes; the ledger mirrors what it says.

The payout's own id is the number at the provider, the same however often it is tried. A payout fails here only when
the provider says that nothing was paid under that number and nothing ever will be: then the statement is paid again,
under another.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.kernel import clock, faults, jobs
from duoline.kernel.errors import Refusal, Unavailable, ensure
from duoline.payments import providers
from duoline.payments.provider import TransferStatus
from duoline.settlement import payouts

if TYPE_CHECKING:
    from duoline.kernel.db import Database
    from duoline.payments.provider import TransferState
    from duoline.settlement.payouts import Payout, Send

faults.register("payout.before_send", "payout.after_send")

LEFT = timedelta(minutes=1)
"""After which a payout may have been left behind: its job is queued with it."""


@jobs.handler(payouts.SEND_JOB, attempts_max=12, first_pause_s=2, payload=payouts.Send)
async def send(db: Database, what: Send) -> None:
    """Ask the provider to execute a payout and record the outcome. Safe to run again at any point, and beside itself.

    A provider that does not answer, or has it under way, raises, so that the job is tried again with the same number.
    """
    payout = await payouts.load(db, what.payee_id, what.payout_id)
    if payout.state != "requested" or not payout.provider:
        return
    provider, number, problem = providers.transferring(payout.provider), str(payout.id), ""
    faults.point("payout.before_send")
    try:
        state = await provider.transfer(
            number,
            receiver=payout.receiver,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
            note=f"双线结算 {payout.month}",
        )
    except Refusal as refusal:
        # Another run of this job may be on its way to the provider, and find more money there than this one did. Only
        # when the number is closed can the statement be paid under another.
        state, problem = await provider.close_transfer(number), refusal.code
    faults.point("payout.after_send")
    await _record(db, payout, state, problem)


async def _record(db: Database, payout: Payout, state: TransferState, problem: str) -> None:
    if state.status is TransferStatus.FAILED:
        async with db.begin() as tx:
            await payouts.told(
                tx,
                payout.payee_id,
                payout.id,
                went_well=False,
                problem=problem or f"provider: {state.problem or state.status.value}",
                provider_ref=state.provider_ref,
            )
        return
    if state.status is not TransferStatus.DONE:
        raise Unavailable(f"the payout is {state.status.value} at the provider")
    ensure(
        (state.amount_minor, state.currency) == (payout.amount_minor, payout.currency),
        "STL-10",
        f"the provider paid {state.amount_minor} {state.currency} for payout {payout.id} of {payout.amount_minor}",
    )
    async with db.begin() as tx:
        await payouts.told(tx, payout.payee_id, payout.id, went_well=True, provider_ref=state.provider_ref)


@jobs.cron("send payouts that were left behind", "*/2 * * * *")
async def sweep(db: Database) -> int:
    """Queue payouts again that nobody works on: none is ever forgotten."""
    rows = await db.fetch(
        """SELECT payee_id, id FROM payouts WHERE state = 'requested' AND provider <> '' AND at < $1
           ORDER BY at LIMIT 200""",
        clock.now() - LEFT,
    )
    async with db.begin() as tx:
        for row in rows:
            await payouts.ask(tx, row["payee_id"], row["id"])
    return len(rows)
