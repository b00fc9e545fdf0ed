"""Transfers on the clerk's phone: ask another shop, answer, pick and send, receive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit
from duoline.channels.http.sessions import Staff
from duoline.channels.http.transferring import AskedLines, Quantity, Version, known, reach
from duoline.channels.http.writes import Write
from duoline.flows import bring, packing_view, transfer_view
from duoline.flows.packing_view import Packing
from duoline.flows.trade import Trade
from duoline.flows.transfer_view import TransferView
from duoline.inventory import transfers
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.stores.directory import Chain

Note = Annotated[str, msgspec.Meta(max_length=200)]


class Counts(msgspec.Struct, frozen=True):
    """What is open at a shop, and of that what waits for the shop itself."""

    incoming: int
    outgoing: int
    to_receive: int
    to_decide: int
    to_send: int


class TransferList(msgspec.Struct, frozen=True):
    """A page of a shop's transfers. Its first page of what comes says what is being packed for orders, not sent yet."""

    items: list[TransferView]
    next: str | None
    counts: Counts
    packing: list[Packing]


class Ask(Input, frozen=True):
    """Units of another shop that are wanted here."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    source_code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    lines: AskedLines
    note: Note = ""


class Picked(Input, frozen=True):
    """Units of an article that are really in the box."""

    sku_id: UUID
    quantity: Quantity


class Shipment(Input, frozen=True):
    """What was picked; what is not named stays here."""

    version: Version
    lines: Annotated[list[Picked], msgspec.Meta(min_length=1, max_length=transfers.LINES_MAX)]


class Arrived(Input, frozen=True):
    """What was in the box of an article."""

    sku_id: UUID
    received: Quantity
    damaged: Quantity = 0


class Receipt(Input, frozen=True):
    """What was in the box."""

    version: Version
    lines: Annotated[list[Arrived], msgspec.Meta(min_length=1, max_length=2 * transfers.LINES_MAX)]
    note: Note = ""


WORK = doors.staff("transfers", transfer_id="transfer")


@get("/api/clerk/transfers", opt=doors.staff("transfers", store="store"))
async def list_transfers(
    db: Database,
    staff: Staff,
    chain: Chain,
    store: StoreCode,
    side: Literal["in", "out"] = "in",
    which: Literal["open", "done"] = "open",
    limit: Limit = 30,
    cursor: Cursor = None,
) -> TransferList:
    """A shop's transfers, newest first: what comes, or what others want."""
    location = staff.store(store, "transfers").id
    after = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(
        f"""{transfer_view.COLUMNS}
        WHERE t.location_id = $1 AND t.side = $2 AND (t.state = ANY ($3)) = $4
          AND ($5::timestamptz IS NULL OR (t.requested_at, t.id) < ($5, $6::uuid))
        ORDER BY t.requested_at DESC, t.id DESC LIMIT $7""",
        location,
        side,
        list(transfers.OPEN),
        which == "open",
        *after,
        limit + 1,
    )
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["requested_at"], shown[-1]["id"]) if len(rows) > limit else None
    counts = await db.fetchrow(
        """SELECT count(*) FILTER (WHERE side = 'in') AS incoming, count(*) FILTER (WHERE side = 'out') AS outgoing,
                  count(*) FILTER (WHERE side = 'in' AND state IN ('sent', 'short')) AS to_receive,
                  count(*) FILTER (WHERE side = 'out' AND state = 'requested') AS to_decide,
                  count(*) FILTER (WHERE side = 'out' AND state = 'approved') AS to_send
           FROM transfers
           WHERE location_id = $1 AND side IN ('in', 'out') AND state IN ('requested', 'approved', 'sent', 'short')""",
        location,
    )
    views = await transfer_view.views(db, chain, reach(staff), shown)
    coming = side == "in" and which == "open" and cursor is None
    packing = await packing_view.boxes(db, chain, location) if coming else []
    return TransferList(views, following, Counts(*(counts or (0, 0, 0, 0, 0))), packing)


@post(
    "/api/clerk/transfers", opt=doors.staff("transfers", store="store", source_code=doors.SHARED, sku_id=doors.SHARED)
)
async def ask_transfer(write: Write, staff: Staff, chain: Chain, data: Ask) -> Answer[TransferView]:
    """Ask another shop for units: they are kept there from now on. Few are approved at once, by policy."""
    here = staff.store(data.store, "transfers")
    source = chain.by_code.get(data.source_code)
    if source is None:
        raise NotFound(kind="store", code=data.source_code)

    async def work(tx: Tx) -> TransferView:
        await known(tx, [line.sku_id for line in data.lines])
        transfer_id = await transfers.request(
            tx,
            source=source,
            destination=here,
            units=[transfers.Units(line.sku_id, line.quantity) for line in data.lines],
            note=data.note.strip(),
            called=False,
            actor=staff.actor,
        )
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work, status=201)


@post(
    "/api/clerk/transfers/{transfer_id:uuid}/shipment",
    opt=doors.staff("transfers", transfer_id="transfer", sku_id=doors.SHARED),
    status_code=200,
)
async def send_transfer(
    write: Write, staff: Staff, chain: Chain, transfer_id: UUID, data: Shipment
) -> Answer[TransferView]:
    """Send what was picked: the units leave. What is missing of what was asked stays on offer here."""

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "send")
        await transfers.send(
            tx,
            chain,
            transfer_id=transfer_id,
            picked=[transfers.Units(line.sku_id, line.quantity) for line in data.lines],
            version=data.version,
            actor=staff.actor,
        )
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


@post(
    "/api/clerk/transfers/{transfer_id:uuid}/receipt",
    opt=doors.staff("transfers", transfer_id="transfer", sku_id=doors.SHARED),
    status_code=200,
)
async def receive_transfer(
    write: Write, staff: Staff, trade: Trade, chain: Chain, transfer_id: UUID, data: Receipt
) -> Answer[TransferView]:
    """Put what came on the shelf. Fewer: the rest stays on the way. Damaged: to quarantine. More: found stock.

    What an order has coming stands ready for its buyer at once (`for_order`), who is asked about what did not come.
    """

    async def work(tx: Tx) -> TransferView:
        await transfer_view.require(tx, reach(staff), transfer_id, "receive")
        await known(tx, [line.sku_id for line in data.lines])
        await bring.receive(
            tx,
            transfer_id=transfer_id,
            secret=trade.secret,
            came=[transfers.Came(line.sku_id, line.received, line.damaged) for line in data.lines],
            note=data.note.strip(),
            version=data.version,
            actor=staff.actor,
        )
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work)


ROUTES = [
    list_transfers,
    ask_transfer,
    send_transfer,
    receive_transfer,
]
