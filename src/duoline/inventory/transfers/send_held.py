"""Send units that are held for something else: a transfer that nobody asks for or approves, made when they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.inventory.resolve import take
from duoline.inventory.transfers.errors import PlaceClosed, SamePlace
from duoline.inventory.transfers.request import expected_at
from duoline.inventory.transfers.rows import Line, Transfer, lock_places, trace, write_lines
from duoline.inventory.transfers.states import TransferState
from duoline.kernel import clock, ids
from duoline.kernel.errors import ensure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.inventory.resolve import Resolved
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store


async def send_held(
    tx: Tx,
    *,
    source: Store,
    destination: Store,
    hold_ids: Sequence[UUID],
    units: dict[UUID, int],
    ref_kind: str,
    ref_id: UUID,
    note: str,
    unit_fee_minor: int,
    actor: Actor,
) -> tuple[Transfer, list[Resolved]]:
    """Take held units, of which there are `units` by SKU, on their way; the reference sends once (`transfers_ref_ux`).

    Locks the levels of the source and of what is in transit, in order; the caller has locked what the units are held
    for. Refuses `SamePlace`, `PlaceClosed` for a destination that has closed, `inventory.hold-gone`. Units in transit
    are promised to nobody; who has them coming says what becomes of them when they are received.
    """
    if source.id == destination.id:
        raise SamePlace
    if not destination.active:
        raise PlaceClosed(store=destination.code)
    transfer = Transfer(ids.new_id(), source.id, destination.id, f"T{ids.code(7)}", TransferState.SENT.value, 1, ref_id)
    await lock_places(tx, transfer, units, source=True)
    now, expected = clock.now(), expected_at(source, destination)
    sides = [(source.id, "out", destination.id), (destination.id, "in", source.id)]
    await tx.executemany(
        """INSERT INTO transfers (location_id, side, other_location_id, id, number, state, version, called, note,
                                  requested_by, requested_at, sent_by, sent_at, expected_at, unit_fee_minor, ref_kind,
                                  ref_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $9, $10, $9, $10, $11, $12, $13, $14)""",
        [
            (
                *side,
                transfer.id,
                transfer.number,
                transfer.state,
                transfer.version,
                note,
                actor.label,
                now,
                expected,
                unit_fee_minor,
                ref_kind,
                ref_id,
            )
            for side in sorted(sides)
        ],
    )
    await write_lines(tx, transfer, [Line(sku, each, each, 0, 0, 0, 0, None) for sku, each in sorted(units.items())])
    taken = await take(
        tx,
        location_id=source.id,
        hold_ids=hold_ids,
        to=transfer.transit_id,
        reason="transfer",
        ref_kind="transfer",
        ref_id=transfer.id,
        actor=actor,
    )
    gone: dict[UUID, int] = {}
    for each in taken:
        gone[each.sku_id] = gone.get(each.sku_id, 0) + each.quantity
    ensure(gone == units, "TRF-4", f"{gone} left for {transfer.number}, not the {units} that it says")
    await trace(
        tx,
        transfer,
        transfer.state,
        action="send",
        actor=actor,
        reason=note,
        before=None,
        after={
            "from": source.code,
            "to": destination.code,
            "sent": {str(sku): each for sku, each in units.items()},
            "for": f"{ref_kind} {ref_id}",
        },
    )
    return transfer, taken
