"""Receive what came: whole, short, damaged, or more than was sent; and write off what never came.

Short units stay in transit until they come or a person writes them off. What came without having been sent is found
stock of the destination (from the loss account, which a count would have charged at the source), with the transfer as
its reference; so the sum over all places stays what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duoline.inventory.errors import BadQuantity
from duoline.inventory.rules import LOSS, QUARANTINE
from duoline.inventory.transfers import rules
from duoline.inventory.transfers.rows import Line, Transfer, advance, lock, lock_places, write_lines
from duoline.inventory.transfers.states import TRANSFERS, TransferState
from duoline.kernel import clock, faults
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.inventory.transfers.rules import Came
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx

faults.register("transfer.receive_before_commit", "transfer.lose_before_commit")


class _Move(NamedTuple):
    source: UUID
    target: UUID
    sku_id: UUID
    quantity: int
    reason: str


async def receive(
    tx: Tx, *, transfer_id: UUID, came: Sequence[Came], actor: Actor, note: str = "", version: int | None = None
) -> dict[UUID, int]:
    """Book what came, article by article; articles that nobody asked for are surplus. Returns the good units that had
    been sent, by article.

    Locks the transfer, then the levels in transit and at the destination, in order. Refuses `kernel.not-found`,
    `inventory.transfer-changed`, `kernel.wrong-state`, `inventory.bad-quantity`,
    `inventory.transfer-too-many-damaged`. Of two clerks who open one box, the second is refused.
    """
    transfer, lines = await lock(tx, transfer_id, version=version)
    TRANSFERS.check(TransferState(transfer.state), TransferState.RECEIVED)
    total = rules.add_up_receipt(came)
    if any(min(each.received, each.damaged) < 0 or sum(each[1:]) > rules.QUANTITY_MAX for each in total):
        raise BadQuantity(maximum=rules.QUANTITY_MAX)
    known = {line.sku_id: line for line in lines}
    await lock_places(tx, transfer, {*known, *(each.sku_id for each in total)}, destination=True)
    moves, good = [], {}
    for each in total:
        line = known.get(each.sku_id, Line(each.sku_id, 0, 0, 0, 0, 0, 0, None))
        booked = rules.book(each, on_the_way=line.on_the_way)
        good[each.sku_id] = booked.received
        moves += [
            _Move(transfer.transit_id, transfer.destination_id, each.sku_id, booked.received, "transfer"),
            _Move(transfer.transit_id, QUARANTINE, each.sku_id, booked.damaged, "damage"),
            _Move(LOSS, transfer.destination_id, each.sku_id, booked.surplus, "count"),
        ]
        known[each.sku_id] = line._replace(
            received=line.received + booked.received,
            damaged=line.damaged + booked.damaged,
            surplus=line.surplus + booked.surplus,
        )
    await _carry(tx, transfer, moves, actor=actor, note=note)
    after = [line for line in known.values() if line.quantity or line.surplus]
    await write_lines(tx, transfer, after)
    missing = sum(line.on_the_way for line in after)
    await advance(
        tx,
        transfer,
        TransferState.SHORT if missing else TransferState.RECEIVED,
        action="receive",
        actor=actor,
        reason=note,
        before={"on_the_way": {str(line.sku_id): line.on_the_way for line in lines}},
        after={
            str(line.sku_id): {name: getattr(line, name) for name in ("received", "damaged", "surplus")}
            | {"on_the_way": line.on_the_way}
            for line in after
        },
    )
    faults.point("transfer.receive_before_commit")
    return good


async def write_off(tx: Tx, *, transfer_id: UUID, reason: str, actor: Actor, version: int | None = None) -> None:
    """Close a transfer: what has not come is lost. Locks as `receive`; refuses what it refuses up to the state."""
    transfer, lines = await lock(tx, transfer_id, version=version)
    TRANSFERS.check(TransferState(transfer.state), TransferState.RECEIVED)
    await lock_places(tx, transfer, [line.sku_id for line in lines])
    moves = [_Move(transfer.transit_id, LOSS, line.sku_id, line.on_the_way, "missing") for line in lines]
    await _carry(tx, transfer, moves, actor=actor, note=reason)
    await write_lines(tx, transfer, [line._replace(lost=line.lost + line.on_the_way) for line in lines])
    await advance(
        tx,
        transfer,
        TransferState.RECEIVED,
        action="lose",
        actor=actor,
        reason=reason,
        before={"on_the_way": {str(line.sku_id): line.on_the_way for line in lines if line.on_the_way}},
        after={"lost": sum(line.on_the_way for line in lines)},
    )
    faults.point("transfer.lose_before_commit")


async def _carry(tx: Tx, transfer: Transfer, moves: Sequence[_Move], *, actor: Actor, note: str) -> None:
    real = [move for move in moves if move.quantity]
    written = await tx.fetchval(
        "SELECT duo_carry($1, $2, $3, $4, $5, $6, 'transfer', $7, $8, $9, $10)",
        [move.source for move in real],
        [move.target for move in real],
        [move.sku_id for move in real],
        [move.quantity for move in real],
        [new_id() for _ in real],
        [move.reason for move in real],
        transfer.id,
        clock.now(),
        actor.label,
        note,
    )
    ensure(written == len(real), "TRF-2", f"{written} of {len(real)} movements of {transfer.number}")
