"""A transfer as people see it: what is asked, where it stands, who did what, and what the one who looks may do next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from duoline import catalog
from duoline.flows.order_view import Image, image_of
from duoline.inventory import transfers
from duoline.inventory.transfers import TransferState
from duoline.inventory.transfers.states import TRANSFERS
from duoline.kernel.errors import Forbidden, NotFound
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duoline.catalog.types import SkuFacts
    from duoline.kernel.db import Database, Tx
    from duoline.stores.directory import Chain
    from duoline.stores.rights import Scope


class Place(msgspec.Struct, frozen=True):
    """One end of a transfer."""

    code: str
    name: Text
    phone: str


class TransferLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an article: asked for, sent, and what became of those. `shelf` is where one's own end keeps them."""

    sku_id: UUID
    sku_code: str
    gtin: str | None
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    quantity: int
    sent: int
    received: int
    damaged: int
    lost: int
    surplus: int
    on_the_way: int
    shelf: str | None


class ForOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order whose units it brings. `wanted` as long as they are on the way and not cancelled; `ready_id` is the
    card under which they stand ready at the destination."""

    order_id: UUID
    order_no: str
    wanted: bool
    ready_id: UUID | None


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer. `version` is sent back with what is sent or received, so that nothing is counted twice.

    `units` are those asked for, and once sent those sent; `differs` says that something is short, damaged, lost or too
    much. People are named; an empty name is Duoline itself.
    """

    id: UUID
    number: str
    state: str
    version: int
    called: bool
    automatic: bool
    note: str
    reason: str
    source: Place
    destination: Place
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str | None
    sent_at: datetime | None
    sent_by: str | None
    received_at: datetime | None
    received_by: str | None
    expected_at: datetime | None
    units: int
    differs: bool
    lines: list[TransferLine]
    for_order: ForOrder | None
    actions: list[str]


class Reach(NamedTuple):
    """For which places somebody may work on transfers, decide on requests, and call units off."""

    work: Scope
    decide: Scope
    call: Scope

    def may(self, action: str, *, source_id: UUID, destination_id: UUID) -> bool:
        """Whether the step is theirs to take, whatever the state."""
        if action in ("approve", "decline"):
            return source_id in self.decide
        if action == "send":
            return source_id in self.work
        if action == "receive":
            return destination_id in self.work
        if action == "cancel":  # who asked, or who cannot find it
            return destination_id in self.work or source_id in self.work
        return destination_id in self.call  # write_off


_STEPS = {
    "approve": TransferState.APPROVED,
    "send": TransferState.SENT,
    "receive": TransferState.RECEIVED,
    "decline": TransferState.DECLINED,
    "cancel": TransferState.CANCELLED,
    "write_off": TransferState.RECEIVED,
}


async def locate(db: Database | Tx, reach: Reach, transfer_id: UUID) -> transfers.Transfer:
    """A transfer of which somebody sees one side at least. Refuses with `NotFound`."""
    found = await transfers.peek(db, transfer_id)
    if found.source_id not in reach.work and found.destination_id not in reach.work:
        raise NotFound
    return found


async def require(db: Database | Tx, reach: Reach, transfer_id: UUID, action: str) -> None:
    """Refuse with `NotFound` a transfer somebody does not see, with `Forbidden` a step that the other side takes."""
    found = await locate(db, reach, transfer_id)
    if not reach.may(action, source_id=found.source_id, destination_id=found.destination_id):
        raise Forbidden(action=action)


COLUMNS = """
SELECT t.id, t.number, t.state, t.version, t.called, t.automatic, t.note, t.reason, t.requested_at, t.requested_by,
       t.decided_at, t.decided_by, t.sent_at, t.sent_by, t.received_at, t.received_by, t.expected_at,
       CASE WHEN t.side = 'out' THEN t.location_id ELSE t.other_location_id END AS source_id,
       CASE WHEN t.side = 'out' THEN t.other_location_id ELSE t.location_id END AS destination_id,
       (SELECT jsonb_build_object(
                   'order_id', f.order_id, 'order_no', f.order_no,
                   'wanted', f.state = 'shipped', 'ready_id', (
                       SELECT p.id FROM fulfilments p
                       WHERE p.location_id = f.to_location_id AND p.order_id = f.order_id AND p.kind = 'pickup'
                         AND p.state = 'ready' ORDER BY p.id DESC LIMIT 1))
        FROM fulfilments f
        WHERE f.location_id = CASE WHEN t.side = 'out' THEN t.location_id ELSE t.other_location_id END
          AND f.id = t.ref_id) AS for_order,
       (SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('shelf', v.shelf) ORDER BY v.shelf NULLS LAST, l.sku_id)
        FROM transfer_lines l LEFT JOIN levels v ON v.location_id = l.location_id AND v.sku_id = l.sku_id
        WHERE l.location_id = t.location_id AND l.transfer_id = t.id) AS lines
FROM transfers t
"""
"""Rows for `views`; add WHERE, ORDER BY and LIMIT. One row a side: choose one."""


async def view(db: Database | Tx, chain: Chain, reach: Reach, transfer_id: UUID) -> TransferView:
    """One transfer, from the side one sees first: the source, where shelves are picked from, else the destination."""
    rows = await db.fetch(f"{COLUMNS} WHERE t.id = $1 ORDER BY t.side = 'in'", transfer_id)
    mine = [row for row in rows if (row["source_id"] if row is rows[0] else row["destination_id"]) in reach.work]
    if not mine:
        raise NotFound
    return (await views(db, chain, reach, mine[:1]))[0]


async def views(db: Database | Tx, chain: Chain, reach: Reach, rows: Sequence[Any]) -> list[TransferView]:
    """Rows of `COLUMNS` as people see them."""
    facts = await catalog.sku_facts(db, {UUID(line["sku_id"]) for row in rows for line in row["lines"]})
    names = await _names(db, rows)
    return [_view(chain, reach, row, facts, names) for row in rows]


_PEOPLE = ("requested_by", "decided_by", "sent_by", "received_by")


async def _names(db: Database | Tx, rows: Sequence[Any]) -> Mapping[str, str]:
    labels = {row[column] for row in rows for column in _PEOPLE if row[column]}
    ids = [UUID(label.removeprefix("staff:")) for label in labels if label.startswith("staff:")]
    found = await db.fetch("SELECT id, name FROM staff WHERE id = ANY ($1)", ids)
    return {f"staff:{row['id']}": row["name"] for row in found}


def _view(
    chain: Chain, reach: Reach, row: Any, facts: Mapping[UUID, SkuFacts], names: Mapping[str, str]
) -> TransferView:
    lines = [_line(line, facts[UUID(line["sku_id"])]) for line in row["lines"]]
    ends = {"source_id": row["source_id"], "destination_id": row["destination_id"]}
    state = TransferState(row["state"])
    people = {column: None if row[column] is None else names.get(row[column], "") for column in _PEOPLE}
    return TransferView(
        id=row["id"],
        number=row["number"],
        state=state.value,
        version=row["version"],
        called=row["called"],
        automatic=row["automatic"],
        note=row["note"],
        reason=row["reason"],
        source=place_of(chain, row["source_id"]),
        destination=place_of(chain, row["destination_id"]),
        requested_at=row["requested_at"],
        requested_by=people["requested_by"] or "",
        decided_at=row["decided_at"],
        decided_by=people["decided_by"],
        sent_at=row["sent_at"],
        sent_by=people["sent_by"],
        received_at=row["received_at"],
        received_by=people["received_by"],
        expected_at=row["expected_at"],
        units=sum(line.quantity if row["sent_at"] is None else line.sent for line in lines),
        differs=state is TransferState.SHORT or any(line.damaged or line.lost or line.surplus for line in lines),
        lines=lines,
        for_order=msgspec.convert(row["for_order"], ForOrder) if row["for_order"] else None,
        actions=[name for name, new in _STEPS.items() if TRANSFERS.may(state, new) and reach.may(name, **ends)],
    )


def place_of(chain: Chain, store_id: UUID) -> Place:
    """One end of a transfer."""
    store = chain.store(store_id)
    return Place(store.code, store.name, store.phone)


def _line(line: dict[str, Any], facts: SkuFacts) -> TransferLine:
    return TransferLine(
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        gtin=facts.gtin,
        name=Text(facts.name.zh, facts.name.en),
        options=[msgspec.to_builtins(choice) for choice in facts.options],
        image=image_of(facts.image_sha),
        quantity=line["quantity"],
        sent=line["sent"],
        received=line["received"],
        damaged=line["damaged"],
        lost=line["lost"],
        surplus=line["surplus"],
        on_the_way=line["sent"] - line["received"] - line["damaged"] - line["lost"],
        shelf=line["shelf"],
    )
