"""Send what was picked: the units leave the source and are in transit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.inventory.resolve import release, release_part, take
from duoline.inventory.transfers import rules
from duoline.inventory.transfers.errors import NothingToSend, NotInTransfer
from duoline.inventory.transfers.request import expected_at
from duoline.inventory.transfers.rows import advance, lock, lock_places, write_lines
from duoline.inventory.transfers.states import TRANSFERS, TransferState
from duoline.kernel import faults
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.inventory.transfers.rules import Units
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.directory import Chain

faults.register("transfer.send_before_commit")


async def send(
    tx: Tx,
    chain: Chain,
    *,
    transfer_id: UUID,
    picked: Sequence[Units] | None,
    actor: Actor,
    version: int | None = None,
) -> None:
    """Send the units that were really picked (None: all); what is not named or fewer goes back on offer at the source.

    Locks the transfer, then the levels of the source and of what is in transit, in order. Refuses `kernel.not-found`,
    `inventory.transfer-changed`, `kernel.wrong-state`, `inventory.transfer-not-asked`,
    `inventory.transfer-nothing-sent`.
    """
    transfer, lines = await lock(tx, transfer_id, version=version)
    TRANSFERS.check(TransferState(transfer.state), TransferState.SENT)
    asked = {line.sku_id: line.quantity for line in lines}
    units = dict(asked) if picked is None else dict(rules.add_up(picked))
    if any(not 0 <= quantity <= asked.get(sku, -1) for sku, quantity in units.items()):
        raise NotInTransfer
    if not any(units.values()):
        raise NothingToSend
    await lock_places(tx, transfer, asked, source=True)
    leaving, sent = [], []
    for line in lines:
        quantity = units.get(line.sku_id, 0)
        ensure(line.hold_id is not None, "TRF-3", f"a line of {transfer.number} without a hold")
        hold_id: UUID = line.hold_id  # type: ignore[assignment]
        if quantity == 0:
            await release(tx, location_id=transfer.source_id, hold_ids=[hold_id], actor=actor)
        else:
            leaving.append(hold_id)
            if quantity < line.quantity:
                await release_part(
                    tx,
                    location_id=transfer.source_id,
                    hold_id=hold_id,
                    quantity=line.quantity - quantity,
                    actor=actor,
                )
        sent.append(line._replace(sent=quantity))
    taken = await take(
        tx,
        location_id=transfer.source_id,
        hold_ids=leaving,
        to=transfer.transit_id,
        reason="transfer",
        ref_kind="transfer",
        ref_id=transfer.id,
        actor=actor,
    )
    gone = {each.sku_id: each.quantity for each in taken}
    ensure(
        all(gone.get(line.sku_id, 0) == line.sent for line in sent),
        "TRF-4",
        f"{gone} left for {transfer.number}, not what was picked",
    )
    await write_lines(tx, transfer, sent)
    await advance(
        tx,
        transfer,
        TransferState.SENT,
        action="send",
        actor=actor,
        before={"asked": {str(sku): quantity for sku, quantity in asked.items()}},
        after={"sent": {str(line.sku_id): line.sent for line in sent}},
        expected_at=expected_at(chain.store(transfer.source_id), chain.store(transfer.destination_id)),
    )
    faults.point("transfer.send_before_commit")
