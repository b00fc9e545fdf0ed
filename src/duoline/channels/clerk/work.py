"""What a clerk does with a fulfilment: ready, undo, reject, hand over, send, delivered."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import fulfilment, orders
from duoline.channels.clerk.queue import Card, card, locate
from duoline.channels.clerk.till import DrawerName
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import bring, hand_over, reject, ship
from duoline.flows.elsewhere import Elsewhere, plan_elsewhere
from duoline.flows.trade import Trade
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Refusal, Unavailable
from duoline.kernel.money import Money, minor_of
from duoline.stores.directory import Chain

OPT = doors.staff("fulfil", fulfilment_id="fulfilment")
PLAN_TRIES = 3


class Nothing(Input, frozen=True):
    """A body without fields."""


class RejectedLine(Input, frozen=True):
    """Units of a line that the shop cannot serve."""

    line_id: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=orders.QUANTITY_MAX)]
    reason: Literal["missing", "damaged", "display", "other"]


class Rejection(Input, frozen=True):
    """What cannot be served, and why."""

    lines: Annotated[list[RejectedLine], msgspec.Meta(min_length=1, max_length=orders.LINES_MAX)]
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class HandOver(Input, frozen=True):
    """The customer's code, and the cash when something is due, with the drawer it goes into if it is open."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    tender: Literal["cash"] | None = None
    tendered: Money | None = None
    drawer: DrawerName | None = None


class Shipment(Input, frozen=True):
    """Who carries the parcel, and its number."""

    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    tracking_no: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class OutcomeView(msgspec.Struct, frozen=True):
    """What became of rejected units."""

    line_id: UUID
    quantity: int
    result: str
    location_code: str | None


class Rejected(msgspec.Struct, frozen=True):
    """The card as it is now, and what became of the units."""

    card: Card
    outcome: list[OutcomeView]


class Handed(msgspec.Struct, frozen=True):
    """Handed over: what was taken, the change to give back, and how the customer wishes to be called."""

    card: Card
    taken: Money
    change: Money
    member_name: str


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/ready", opt=OPT, status_code=200)
async def ready(write: Write, db: Database, staff: Staff, fulfilment_id: UUID, data: Nothing | None) -> Answer[Card]:
    """The goods are picked: the code becomes valid and the member is told; a parcel is packed."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Card:
        await hand_over.mark_ready(tx, location_id=location, fulfilment_id=fulfilment_id, actor=staff.actor)
        return await card(tx, location, fulfilment_id)

    return await write.run(work)


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/unready", opt=OPT, status_code=200)
async def unready(write: Write, db: Database, staff: Staff, fulfilment_id: UUID, data: Nothing | None) -> Answer[Card]:
    """Undo: back to picking."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Card:
        await hand_over.mark_unready(tx, location_id=location, fulfilment_id=fulfilment_id, actor=staff.actor)
        return await card(tx, location, fulfilment_id)

    return await write.run(work)


@post(
    "/api/clerk/fulfilments/{fulfilment_id:uuid}/rejection",
    opt=doors.staff("fulfil", fulfilment_id="fulfilment", line_id="order_line"),
    status_code=200,
)
async def reject_lines(
    write: Write, db: Database, staff: Staff, trade: Trade, chain: Chain, fulfilment_id: UUID, data: Rejection
) -> Answer[Rejected]:
    """Say what the shop cannot serve.

    The stock is corrected, and the units are sourced elsewhere, or the member is asked, or the money goes back.
    """
    location = await locate(db, staff, fulfilment_id)
    stored: Answer[Rejected] | None = await write.replay()
    if stored is not None:
        return stored
    rejected = [reject.Rejected(line.line_id, line.quantity, line.reason) for line in data.lines]
    for attempt in range(PLAN_TRIES):
        job = await fulfilment.peek(db, location, fulfilment_id)
        skus = {line.line_id: line.sku_id for line in await fulfilment.lines_of(db, location, fulfilment_id)}
        if any(one.line_id not in skus for one in rejected):
            raise reject.NotServing
        elsewhere = await plan_elsewhere(trade.look, job=job, rejected=reject.units_of(rejected), skus=skus)

        async def work(tx: Tx, elsewhere: Elsewhere | None = elsewhere) -> Rejected:
            outcome = await reject.reject(
                tx,
                trade.look,
                location_id=location,
                fulfilment_id=fulfilment_id,
                rejected=rejected,
                elsewhere=elsewhere,
                note=data.note,
                actor=staff.actor,
            )
            views = [
                OutcomeView(
                    one.line_id,
                    one.quantity,
                    one.result,
                    chain.store(one.location_id).code if one.location_id else None,
                )
                for one in outcome
            ]
            return Rejected(await card(tx, location, fulfilment_id), views)

        try:
            return await write.run(work)
        except Unavailable:
            if attempt == PLAN_TRIES - 1:
                raise
    raise Unavailable("the units elsewhere are being taken; try again")


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/handover", opt=OPT, status_code=200)
async def hand(write: Write, db: Database, staff: Staff, fulfilment_id: UUID, data: HandOver) -> Answer[Handed]:
    """Hand the goods over to whoever shows the code; take the cash that is due. Exactly once."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Handed | Refusal:
        done = await hand_over.hand_over(
            tx,
            location_id=location,
            fulfilment_id=fulfilment_id,
            code=data.code,
            tender=data.tender,
            tendered_minor=minor_of(data.tendered) if data.tendered else None,
            actor=staff.actor,
            drawer=data.drawer,
        )
        if isinstance(done, Refusal):
            return done
        return Handed(
            await card(tx, location, fulfilment_id),
            Money(done.taken_minor, done.currency),
            Money(done.change_minor, done.currency),
            done.member_name,
        )

    return await write.run(work)


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/shipment", opt=OPT, status_code=200)
async def send(write: Write, db: Database, staff: Staff, fulfilment_id: UUID, data: Shipment) -> Answer[Card]:
    """Give the packed parcel to the carrier."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Card:
        await ship.ship(
            tx,
            location_id=location,
            fulfilment_id=fulfilment_id,
            carrier=data.carrier,
            tracking_no=data.tracking_no,
            actor=staff.actor,
        )
        return await card(tx, location, fulfilment_id)

    return await write.run(work)


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/sending", opt=OPT, status_code=200)
async def send_to_shop(
    write: Write, db: Database, staff: Staff, chain: Chain, fulfilment_id: UUID, data: Nothing | None
) -> Answer[Card]:
    """Send the packed box to the shop where the customer collects it: a transfer on its way, seen by both shops."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Card:
        await bring.send_to_shop(tx, chain, location_id=location, fulfilment_id=fulfilment_id, actor=staff.actor)
        return await card(tx, location, fulfilment_id)

    return await write.run(work)


@post("/api/clerk/fulfilments/{fulfilment_id:uuid}/delivery", opt=OPT, status_code=200)
async def delivered(
    write: Write, db: Database, staff: Staff, fulfilment_id: UUID, data: Nothing | None
) -> Answer[Card]:
    """The parcel has arrived."""
    location = await locate(db, staff, fulfilment_id)

    async def work(tx: Tx) -> Card:
        await ship.deliver(tx, location_id=location, fulfilment_id=fulfilment_id, actor=staff.actor)
        return await card(tx, location, fulfilment_id)

    return await write.run(work)


ROUTES = [ready, unready, reject_lines, hand, send, send_to_shop, delivered]
