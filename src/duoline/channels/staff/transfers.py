"""One transfer, and a person's word on it: the same on the clerk's phone and at headquarters.

Who may do what depends on where somebody works (`reach`), not on the face they look at; what is particular to one face
(asking, sending and receiving on the phone, calling off on the console) is there.
"""

from __future__ import annotations

from uuid import UUID

from litestar import get, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff
from duoline.channels.http.transferring import Nothing, Reason, Version, Why, reach
from duoline.channels.http.writes import Write
from duoline.flows import transfer_view
from duoline.flows.transfer_view import TransferView
from duoline.inventory import transfers
from duoline.kernel.db import Database, Tx
from duoline.stores.directory import Chain


class WriteOff(Input, frozen=True):
    """Why what has not come is lost."""

    version: Version
    reason: Reason


TRANSFER = doors.staff("transfers", transfer_id="transfer")


@get("/api/staff/transfers/{transfer_id:uuid}", opt=TRANSFER)
async def read_transfer(db: Database, staff: Staff, chain: Chain, transfer_id: UUID) -> TransferView:
    """One transfer from or to a shop one may see."""
    return await transfer_view.view(db, chain, reach(staff), transfer_id)


@post(
    "/api/staff/transfers/{transfer_id:uuid}/approval",
    opt=doors.staff("transfers.decide", transfer_id="transfer"),
    status_code=200,
)
async def approve_transfer(
    write: Write, staff: Staff, chain: Chain, transfer_id: UUID, data: Nothing | None
) -> Answer[TransferView]:
    """Let the units go: the source picks and sends them."""

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "approve")
        await transfers.approve(tx, chain, transfer_id=transfer_id, actor=staff.actor)
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


@post(
    "/api/staff/transfers/{transfer_id:uuid}/refusal",
    opt=doors.staff("transfers.decide", transfer_id="transfer"),
    status_code=200,
)
async def decline_transfer(
    write: Write, staff: Staff, chain: Chain, transfer_id: UUID, data: Why
) -> Answer[TransferView]:
    """Keep the units, and say why."""

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "decline")
        await transfers.decline(tx, transfer_id=transfer_id, reason=data.reason.strip(), actor=staff.actor)
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


@post("/api/staff/transfers/{transfer_id:uuid}/cancellation", opt=TRANSFER, status_code=200)
async def cancel_transfer(
    write: Write, staff: Staff, chain: Chain, transfer_id: UUID, data: Why
) -> Answer[TransferView]:
    """Call it off before it is sent: not needed any more, or not to be found."""

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "cancel")
        await transfers.cancel(tx, transfer_id=transfer_id, reason=data.reason.strip(), actor=staff.actor)
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


@post(
    "/api/staff/transfers/{transfer_id:uuid}/loss",
    opt=doors.staff("transfers.call", transfer_id="transfer"),
    status_code=200,
)
async def write_off_transfer(
    write: Write, staff: Staff, chain: Chain, transfer_id: UUID, data: WriteOff
) -> Answer[TransferView]:
    """Close a transfer: what has not come is lost, with a reason."""

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "write_off")
        await transfers.write_off(
            tx, transfer_id=transfer_id, reason=data.reason.strip(), version=data.version, actor=staff.actor
        )
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


ROUTES = [read_transfer, approve_transfer, decline_transfer, cancel_transfer, write_off_transfer]
