"""Transfers at headquarters: all of them, calling units off, and writing off what never came."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import Parameter

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.transferring import AskedLines, Reason, known, reach
from duoline.channels.http.writes import Write
from duoline.flows import transfer_view
from duoline.flows.transfer_view import TransferView
from duoline.inventory import transfers
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.text import plain
from duoline.stores.directory import Chain

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class CallOff(Input, frozen=True):
    """Units that headquarters sends from one location to another."""

    source_code: Code
    destination_code: Code
    lines: AskedLines
    reason: Reason


# What a status means of a transfer.
_STATUS = {
    "all": "true",
    "open": "t.state IN ('requested', 'approved', 'sent', 'short')",
    "requested": "t.state = 'requested'",
    "approved": "t.state = 'approved'",
    "sent": "t.state IN ('sent', 'short')",
    "late": "t.state IN ('sent', 'short') AND t.expected_at < $9",
    "differs": "EXISTS (SELECT FROM transfer_lines w WHERE w.location_id = t.location_id AND w.transfer_id = t.id "
    "AND (t.state = 'short' OR w.damaged + w.lost + w.surplus > 0))",
    "done": "t.state IN ('received', 'declined', 'cancelled')",
}

SEE = doors.staff("transfers", transfer_id="transfer")


@get("/api/console/transfers", opt=doors.staff("transfers", store="store", sku=doors.SHARED))
async def list_transfers(
    db: Database,
    staff: Staff,
    chain: Chain,
    q: Search = "",
    store: Annotated[str | None, Parameter(max_length=40)] = None,
    sku: UUID | None = None,
    status: Literal["all", "open", "requested", "approved", "sent", "late", "differs", "done"] = "all",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TransferView]:
    """Transfers from or to the shops one may see, newest first. `q` looks at numbers and article codes."""
    everything, locations = staff.scope("transfers").sql
    after = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    late = [clock.now()] if status == "late" else []
    rows = await db.fetch_filtered(
        f"""{transfer_view.COLUMNS}
        WHERE t.side = 'out' AND ($1 OR t.location_id = ANY ($2) OR t.other_location_id = ANY ($2))
          AND ($3::uuid IS NULL OR $3 IN (t.location_id, t.other_location_id))
          AND ($4 = '' OR t.number ILIKE $4 || '%' OR EXISTS (
                SELECT FROM transfer_lines w JOIN skus s ON s.id = w.sku_id
                WHERE w.location_id = t.location_id AND w.transfer_id = t.id AND s.code ILIKE $4 || '%'))
          AND ($5::uuid IS NULL OR EXISTS (
                SELECT FROM transfer_lines w
                WHERE w.location_id = t.location_id AND w.transfer_id = t.id AND w.sku_id = $5))
          AND {_STATUS[status]} AND ($6::timestamptz IS NULL OR (t.requested_at, t.id) < ($6, $7::uuid))
        ORDER BY t.requested_at DESC, t.id DESC LIMIT $8""",  # noqa: S608 - only the constants above are put in
        everything,
        locations,
        staff.store(store, "transfers").id if store else None,
        plain(q),
        sku,
        *after,
        limit + 1,
        *late,
    )
    shown = rows[:limit]
    following = cursors.pack(shown[-1]["requested_at"], shown[-1]["id"]) if len(rows) > limit else None
    return Page(await transfer_view.views(db, chain, reach(staff), shown), following)


@post(
    "/api/console/transfers",
    opt=doors.staff("transfers.call", source_code="store", destination_code="store", sku_id=doors.SHARED),
)
async def call_off(write: Write, staff: Staff, chain: Chain, data: CallOff) -> Answer[TransferView]:
    """Send units from one location to another: nobody is asked, the source is told to pick. Safety stock stays."""
    source = staff.store(data.source_code, "transfers.call")
    destination = staff.store(data.destination_code, "transfers.call")

    async def work(tx: Tx) -> TransferView:
        await known(tx, [line.sku_id for line in data.lines])
        transfer_id = await transfers.request(
            tx,
            source=source,
            destination=destination,
            units=[transfers.Units(line.sku_id, line.quantity) for line in data.lines],
            note=data.reason.strip(),
            called=True,
            actor=staff.actor,
        )
        return await transfer_view.view(tx, chain, reach(staff), transfer_id)

    return await write.run(work, status=201)


ROUTES = [
    list_transfers,
    call_off,
]
