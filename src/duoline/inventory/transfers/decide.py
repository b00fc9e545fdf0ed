"""A person's word on a request, and the end of what was not sent: approve, decline, cancel, lapse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.inventory.resolve import release
from duoline.inventory.transfers.policy import TRANSFERS
from duoline.inventory.transfers.request import expected_at
from duoline.inventory.transfers.rows import Line, Transfer, advance, lock
from duoline.inventory.transfers.states import TRANSFERS as MACHINE
from duoline.inventory.transfers.states import TransferState
from duoline.kernel import clock, faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain

faults.register("transfer.approve_before_commit", "transfer.decline_before_commit", "transfer.cancel_before_commit")

BATCH = 100


async def approve(tx: Tx, chain: Chain, *, transfer_id: UUID, actor: Actor) -> None:
    """Let the source pick and send. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    transfer, _ = await lock(tx, transfer_id)
    expected = expected_at(chain.store(transfer.source_id), chain.store(transfer.destination_id))
    await advance(tx, transfer, TransferState.APPROVED, action="approve", actor=actor, expected_at=expected)
    faults.point("transfer.approve_before_commit")


async def decline(tx: Tx, *, transfer_id: UUID, reason: str, actor: Actor) -> None:
    """Keep the units. Locks their levels. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    transfer, lines = await lock(tx, transfer_id)
    await _let_go(tx, transfer, lines, TransferState.DECLINED, action="decline", reason=reason, actor=actor)
    faults.point("transfer.decline_before_commit")


async def cancel(tx: Tx, *, transfer_id: UUID, reason: str, actor: Actor) -> None:
    """Call a transfer off that was not sent. Locks its levels. Refuses `kernel.not-found`, `kernel.wrong-state`."""
    transfer, lines = await lock(tx, transfer_id)
    await _let_go(tx, transfer, lines, TransferState.CANCELLED, action="cancel", reason=reason, actor=actor)
    faults.point("transfer.cancel_before_commit")


async def _let_go(
    tx: Tx,
    transfer: Transfer,
    lines: Sequence[Line],
    new: TransferState,
    *,
    action: str,
    reason: str,
    actor: Actor,
) -> None:
    MACHINE.check(TransferState(transfer.state), new)
    holds = [line.hold_id for line in lines if line.hold_id is not None]
    released = await release(tx, location_id=transfer.source_id, hold_ids=holds, actor=actor)
    units = {str(each.sku_id): each.quantity for each in released}
    ensure(
        sum(units.values()) == sum(line.quantity for line in lines),
        "TRF-3",
        f"{units} of {transfer.number} were held when it was let go",
    )
    await advance(tx, transfer, new, action=action, actor=actor, reason=reason, before={"held": units})


async def lapse(db: Database) -> int:
    """Cancel requests that nobody has answered in time, each in a transaction of its own; how many."""
    hours = TRANSFERS.current().body.answer_hours
    before = clock.now() - timedelta(hours=hours)
    due = await db.fetch(
        """SELECT id FROM transfers WHERE state = 'requested' AND side = 'out' AND requested_at <= $1
           ORDER BY requested_at LIMIT $2""",
        before,
        BATCH,
    )
    count = 0
    for row in due:
        async with db.begin() as tx:
            transfer, lines = await lock(tx, row["id"])
            if transfer.state != TransferState.REQUESTED.value:
                continue  # somebody answered at this moment
            await _let_go(
                tx, transfer, lines, TransferState.CANCELLED, action="cancel", reason="unanswered", actor=SYSTEM
            )
            count += 1
    return count
