"""Ask for units of another location: they are held there at once, so that they are promised once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duoline.inventory.errors import BadQuantity, InsufficientStock
from duoline.inventory.hold import Wish, grant
from duoline.inventory.locks import lock_levels
from duoline.inventory.transfers import rules
from duoline.inventory.transfers.errors import AskingClosed, PlaceClosed, SamePlace
from duoline.inventory.transfers.policy import TRANSFERS
from duoline.inventory.transfers.rows import Line, Transfer, advance, trace, write_lines
from duoline.inventory.transfers.states import TransferState
from duoline.kernel import clock, faults, ids
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import ensure
from duoline.stores.directory import distance_m

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from duoline.inventory.transfers.rules import Units
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store

faults.register("transfer.request_before_commit")


async def request(
    tx: Tx, *, source: Store, destination: Store, units: Sequence[Units], note: str, called: bool, actor: Actor
) -> UUID:
    """Ask `source` for units. Locks its levels in order of SKU.

    `called` by headquarters (the caller has checked the right): approved at once. Otherwise the policy approves, or the
    request waits for a person. Refuses `AskingClosed`, `SamePlace`, `PlaceClosed`, `inventory.bad-quantity`, then
    `inventory.insufficient-stock` for all that is short at once. Safety stock is not given away, nor what the source's
    owner keeps back from others. The owner's fee a unit is recorded when the units go to another company.
    """
    policy = TRANSFERS.current()
    if not called and not policy.body.shops_may_ask:
        raise AskingClosed
    if source.id == destination.id:
        raise SamePlace
    for place in (source, destination):
        if not place.active:
            raise PlaceClosed(store=place.code)
    wanted = rules.add_up(units)
    if not 1 <= len(wanted) <= rules.LINES_MAX or any(not 1 <= u.quantity <= rules.QUANTITY_MAX for u in wanted):
        raise BadQuantity(maximum=rules.QUANTITY_MAX)
    transfer = Transfer(ids.new_id(), source.id, destination.id, f"T{ids.code(7)}", TransferState.REQUESTED.value, 1)
    lines, left_min = await _hold(tx, transfer, wanted, actor)
    fee = 0 if source.company_id == destination.company_id else source.share.fee_minor
    await _write(tx, transfer, lines, note=note, called=called, unit_fee_minor=fee, actor=actor)
    await trace(
        tx,
        transfer,
        transfer.state,
        action="request",
        actor=actor,
        reason=note,
        before=None,
        after={
            "from": source.code,
            "to": destination.code,
            "units": {str(line.sku_id): line.quantity for line in lines},
        },
    )
    alone = rules.approves_itself(
        policy.body,
        units=sum(line.quantity for line in lines),
        left_min=left_min,
        one_company=source.company_id == destination.company_id,
    )
    if called or alone:
        await advance(
            tx,
            transfer,
            TransferState.APPROVED,
            action="approve",
            actor=actor if called else SYSTEM,
            after={"by": "headquarters" if called else f"policy {policy.version}"},
            automatic=not called,
            expected_at=expected_at(source, destination),
        )
    faults.point("transfer.request_before_commit")
    return transfer.id


def expected_at(source: Store, destination: Store) -> datetime:
    """When units that are approved or sent now are expected at the destination."""
    distance = distance_m(source.lat, source.lon, destination.lat, destination.lon)
    return clock.now() + timedelta(hours=rules.hours_under_way(TRANSFERS.current().body, distance))


async def _hold(tx: Tx, transfer: Transfer, wanted: Sequence[Units], actor: Actor) -> tuple[list[Line], int]:
    """Hold every line at the source or none; also what can still be promised there of the scarcest."""
    await lock_levels(tx, [(transfer.source_id, each.sku_id) for each in wanted])
    lines, short, left = [], [], []
    for each in wanted:
        wish = Wish(
            ids.new_id(), each.quantity, "transfer", transfer.id, None, actor.label, transfer.number, outward=True
        )
        (answer,) = await grant(tx, transfer.source_id, each.sku_id, [wish])
        if answer.granted:
            lines.append(Line(each.sku_id, each.quantity, 0, 0, 0, 0, 0, wish.id))
            left.append(answer.available - each.quantity)
        else:
            short.append(
                {
                    "sku_id": str(each.sku_id),
                    "location_id": str(transfer.source_id),
                    "wanted": each.quantity,
                    "available": answer.available,
                }
            )
    if short:
        raise InsufficientStock(short=short)
    ensure(len(lines) == len(wanted), "TRF-3", f"{len(lines)} holds for {len(wanted)} lines of {transfer.number}")
    return lines, min(left)


async def _write(
    tx: Tx,
    transfer: Transfer,
    lines: Sequence[Line],
    *,
    note: str,
    called: bool,
    unit_fee_minor: int,
    actor: Actor,
) -> None:
    now = clock.now()
    sides = [(transfer.source_id, "out", transfer.destination_id), (transfer.destination_id, "in", transfer.source_id)]
    await tx.executemany(
        """INSERT INTO transfers (location_id, side, other_location_id, id, number, state, version, called, note,
                                  requested_by, requested_at, unit_fee_minor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        [
            (
                *side,
                transfer.id,
                transfer.number,
                transfer.state,
                transfer.version,
                called,
                note,
                actor.label,
                now,
                unit_fee_minor,
            )
            for side in sorted(sides)
        ],
    )
    await write_lines(tx, transfer, lines)
