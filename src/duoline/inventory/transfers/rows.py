"""The rows of transfers: the only place here with FOR UPDATE, and the only writer of their state.

Both sides of a transfer are locked before any level, in order of location.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from duoline.inventory.locks import Level, lock_levels
from duoline.inventory.rules import transit_of
from duoline.inventory.transfers.errors import TransferChanged
from duoline.inventory.transfers.states import TRANSFERS, TransferState
from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import NotFound, ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx


class Transfer(NamedTuple):
    """A transfer, told from its source's row."""

    id: UUID
    source_id: UUID
    destination_id: UUID
    number: str
    state: str
    version: int
    ref_id: UUID | None = None
    """What it was sent for, if for anything: see `send_held`."""

    @property
    def transit_id(self) -> UUID:
        """Where its units are while they are on the way."""
        return transit_of(self.destination_id)


class Line(NamedTuple):
    """Units of a SKU in a transfer, and the hold that keeps them at the source."""

    sku_id: UUID
    quantity: int
    sent: int
    received: int
    damaged: int
    lost: int
    surplus: int
    hold_id: UUID | None

    @property
    def on_the_way(self) -> int:
        """Units that left and are not accounted for."""
        return self.sent - self.received - self.damaged - self.lost


async def peek(db: Database | Tx, transfer_id: UUID) -> Transfer:
    """A transfer without a lock. Refuses with `NotFound`."""
    row = await db.fetchrow(
        """SELECT id, location_id, other_location_id, number, state, version, ref_id FROM transfers
           WHERE id = $1 AND side = 'out'""",
        transfer_id,
    )
    if row is None:
        raise NotFound
    return Transfer(*row)


async def lock(tx: Tx, transfer_id: UUID, *, version: int | None = None) -> tuple[Transfer, list[Line]]:
    """A transfer with both its rows locked, and its lines in order of SKU. Refuses `NotFound`, `TransferChanged`.

    `version` is what the caller has seen; None when it does not matter to them.
    """
    glance = await peek(tx, transfer_id)
    rows = await tx.fetch(
        """SELECT side, state, version FROM transfers WHERE id = $1 AND location_id = ANY ($2)
           ORDER BY location_id FOR UPDATE""",
        transfer_id,
        [glance.source_id, glance.destination_id],
    )
    said = {(row["state"], row["version"]) for row in rows}
    ensure(len(rows) == 2 and len(said) == 1, "TRF-1", f"{glance.number} has {len(rows)} sides that say {said}")
    state, now_version = said.pop()
    if version is not None and version != now_version:
        raise TransferChanged
    return glance._replace(state=state, version=now_version), await lines_of(tx, glance)


async def lines_of(db: Database | Tx, transfer: Transfer) -> list[Line]:
    """The lines of a transfer in order of SKU, as the source has them."""
    rows = await db.fetch(
        """SELECT sku_id, quantity, sent, received, damaged, lost, surplus, hold_id FROM transfer_lines
           WHERE location_id = $1 AND transfer_id = $2 ORDER BY sku_id""",
        transfer.source_id,
        transfer.id,
    )
    return [Line(*row) for row in rows]


async def lock_places(
    tx: Tx, transfer: Transfer, skus: Iterable[UUID], *, source: bool = False, destination: bool = False
) -> dict[tuple[UUID, UUID], Level]:
    """Open what levels are missing in transit and at the destination, then lock all of a step's in order.

    Missing ones are opened first, in order, by whoever has no level locked yet: so nobody waits in a ring.
    """
    wanted = sorted(set(skus))
    for place in sorted((transfer.transit_id, transfer.destination_id)):
        await tx.execute("SELECT duo_open_level($1, s.id) FROM unnest($2::uuid[]) AS s(id)", place, wanted)
    places = [transfer.transit_id, *([transfer.source_id] * source), *([transfer.destination_id] * destination)]
    return await lock_levels(tx, [(place, sku) for place in places for sku in wanted])


async def write_lines(tx: Tx, transfer: Transfer, lines: Sequence[Line]) -> None:
    """Set what the lines say on both sides; a line that is not there (of a surplus article) is added."""
    await tx.executemany(
        """INSERT INTO transfer_lines (location_id, transfer_id, sku_id, quantity, sent, received, damaged, lost,
                                       surplus, hold_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (location_id, transfer_id, sku_id) DO UPDATE
           SET sent = excluded.sent, received = excluded.received, damaged = excluded.damaged, lost = excluded.lost,
               surplus = excluded.surplus""",
        [
            (place, transfer.id, *line[:-1], line.hold_id if place == transfer.source_id else None)
            for place in sorted((transfer.source_id, transfer.destination_id))
            for line in lines
        ],
    )


_STAMPS: Mapping[TransferState, tuple[str, str]] = {
    TransferState.APPROVED: ("decided_by", "decided_at"),
    TransferState.DECLINED: ("decided_by", "decided_at"),
    TransferState.SENT: ("sent_by", "sent_at"),
    TransferState.SHORT: ("received_by", "received_at"),
    TransferState.RECEIVED: ("received_by", "received_at"),
}


async def advance(
    tx: Tx,
    transfer: Transfer,
    new: TransferState,
    *,
    action: str,
    actor: Actor,
    reason: str = "",
    before: Any = None,
    after: Any = None,
    **columns: Any,
) -> None:
    """Take a locked transfer one step further on both sides, audit it, and tell both places.

    Refuses `kernel.wrong-state`. `columns` are set as they are.
    """
    TRANSFERS.check(TransferState(transfer.state), new)
    if new in _STAMPS:
        who, when = _STAMPS[new]
        columns |= {who: actor.label, when: clock.now()}
    if reason:
        columns["reason"] = reason
    assignments = "".join(f", {name} = ${n}" for n, name in enumerate(columns, 6))
    done = await tx.execute(
        f"""UPDATE transfers SET state = $3, version = version + 1{assignments}
            WHERE id = $1 AND location_id = ANY ($2) AND state = $4 AND version = $5""",  # noqa: S608 - our own columns
        transfer.id,
        [transfer.source_id, transfer.destination_id],
        new.value,
        transfer.state,
        transfer.version,
        *columns.values(),
    )
    ensure(done == "UPDATE 2", "TRF-1", f"{done} of the two sides of {transfer.number}")
    await trace(tx, transfer, new.value, action=action, actor=actor, reason=reason, before=before, after=after)


async def trace(
    tx: Tx, transfer: Transfer, state: str, *, action: str, actor: Actor, reason: str, before: Any, after: Any
) -> None:
    """Write the audit line and the event that both places hear."""
    place = transfer.destination_id if action in ("receive", "request", "lose") else transfer.source_id
    await audit.record(
        tx,
        actor=actor,
        action=f"transfer.{action}",
        subject_kind="transfer",
        subject=transfer.number,
        store_id=place,
        reason=reason,
        before=before,
        after=after,
    )
    await outbox.emit(
        tx,
        topic=f"transfer.{state}",
        key=str(transfer.id),
        payload={"transfer_id": str(transfer.id), "number": transfer.number, "state": state},
        family="stock",
        owner_id=transfer.source_id,
        store_ids=[transfer.source_id, transfer.destination_id],
    )
