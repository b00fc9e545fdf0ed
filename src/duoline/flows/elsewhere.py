"""Serve units of an order from other locations than was planned: look for them, and open the work there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline import fulfilment, inventory, orders
from duoline.flows import basket as baskets
from duoline.flows import brought
from duoline.flows.places import distance_km, place_of
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Unavailable
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duoline.fulfilment import Decision, Fulfilment, Plan
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Order
    from duoline.stores.types import Store


class Elsewhere(NamedTuple):
    """A plan to serve rejected units from other locations; its pieces are named by positions in `lines`."""

    lines: list[UUID]
    plan: Plan
    decision: Decision
    lags: fulfilment.Lags
    counts: Mapping[UUID, int]
    """What each location had to do."""

    @property
    def units(self) -> dict[UUID, int]:
        """The units it serves, by line."""
        found: dict[UUID, int] = {}
        for parcel in self.plan.parcels:
            for piece in parcel.pieces:
                line_id = self.lines[piece.line_id.int]
                found[line_id] = found.get(line_id, 0) + piece.quantity
        return found


async def plan_elsewhere(
    look: baskets.Look, *, job: Fulfilment, rejected: Mapping[UUID, int], skus: Mapping[UUID, UUID]
) -> Elsewhere | None:
    """Source rejected units of what is sent from locations that did not reject this order. No transaction is open.

    Where not all can be had, as many as there are. None when nobody else has any, when the order is collected where it
    was rejected, or when the shop that it was to be brought to has closed: then the member is asked.
    """
    to = look.chain.store(job.to_location_id) if job.to_location_id else None
    if job.kind == "pickup" or (to is not None and not to.active):
        return None
    refused = await look.db.fetch(
        "SELECT DISTINCT location_id FROM fulfilments WHERE order_id = $1 AND state = 'rejected'", job.order_id
    )
    return await plan_units(
        look,
        member_id=job.member_id,
        address=_destination(job, to),
        units=rejected,
        skus=skus,
        without=frozenset({job.location_id, *(row["location_id"] for row in refused), *([to.id] if to else [])}),
    )


async def plan_units(
    look: baskets.Look,
    *,
    member_id: UUID,
    address: orders.Address | None,
    units: Mapping[UUID, int],
    skus: Mapping[UUID, UUID],
    without: frozenset[UUID],
) -> Elsewhere | None:
    """Source units of order lines from locations that are not in `without`; as many as there are, None for none."""
    wanted = dict(units)
    for _ in range(2):
        lines = list(wanted)
        found = await baskets.look_at(
            look,
            [orders.Wanted(sku_id=skus[line], quantity=wanted[line], method="delivery") for line in lines],
            channel="mall",
            member_id=member_id,
            address=address,
            without=without,
        )
        if found.plan is not None and found.decision is not None:
            return Elsewhere(lines, found.plan, found.decision, found.lags, await look.work.counts())
        there = {lines[line.n]: min(line.wanted.quantity, line.available) for line in found.lines}
        wanted = {line: units for line, units in there.items() if units}
        if not wanted:
            return None
    return None


def _destination(job: Fulfilment, to: Store | None) -> orders.Address | None:
    """Where the units go: to the buyer, or to the shop `to` where they will be collected."""
    if to is None:
        return msgspec.convert(job.address, orders.Address) if job.address else None
    return orders.Address(
        name=to.name.zh,
        phone=to.phone,
        province=to.province,
        city=to.city,
        district="",
        line="",
        lat=to.lat,
        lon=to.lon,
    )


class Served(NamedTuple):
    """Units of a line, and the location that serves them now."""

    line_id: UUID
    quantity: int
    location_id: UUID


async def serve_elsewhere(
    tx: Tx,
    look: baskets.Look,
    order: Order,
    job: Fulfilment,
    elsewhere: Elsewhere,
    *,
    actor: Actor = SYSTEM,
    kind: str = "resourced",
) -> list[Served]:
    """Carry out a plan: open the work at its locations and tell the order's story, as `kind`. The levels are locked.

    `Unavailable` when units were taken meanwhile, so that the caller plans again.
    """
    decision_id = await _keep_decision(tx, order, elsewhere)
    to = look.chain.store(job.to_location_id) if job.to_location_id else None
    place = place_of(look.chain, _destination(job, to))
    served = []
    for parcel in elsewhere.plan.parcels:
        wants = [(elsewhere.lines[piece.line_id.int], piece.sku_id, piece.quantity) for piece in parcel.pieces]
        source, now = look.chain.store(parcel.location_id), clock.now()
        promised = (
            baskets.parcel_arrival(source, place, now, elsewhere.lags)
            if to is None
            else brought.ready_at(source, to, now, elsewhere.counts, elsewhere.lags) or fulfilment.Promised(now, None)
        )
        await open_job(
            tx,
            order,
            job,
            location_id=parcel.location_id,
            wants=wants,
            promised=promised,
            away_km=round(distance_km(source, place)) if to is None else None,
            decision_id=decision_id,
            unit_fee_minor=0 if to is not None and to.company_id == source.company_id else source.share.fee_minor,
        )
        served += [Served(line, quantity, parcel.location_id) for line, _, quantity in wants]
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind=kind,
        actor=actor,
        location_codes=[look.chain.store(parcel.location_id).code for parcel in elsewhere.plan.parcels],
    )
    return served


async def open_job(
    tx: Tx,
    order: Order,
    like: Fulfilment,
    *,
    location_id: UUID,
    wants: Sequence[tuple[UUID, UUID, int]],
    promised: fulfilment.Promised,
    decision_id: UUID | None,
    code: fulfilment.PickupCode | None = None,
    job_id: UUID | None = None,
    unit_fee_minor: int = 0,
    away_km: int | None = None,
    to_pick_at: datetime | None = None,
) -> UUID:
    """Hold units at a location and open a fulfilment there; `wants` are (line, SKU, quantity).

    The levels are locked already. `Unavailable` when the units are gone. The new fulfilment waits or is to be picked
    as the order is paid or not.
    """
    job_id = job_id or new_id()
    waits = order.state == orders.OrderState.AWAITING_PAYMENT.value
    await fulfilment.open_fulfilment(
        tx,
        location_id=location_id,
        job_id=job_id,
        like=like,
        state=fulfilment.FulfilmentState.WAITING if waits else fulfilment.FulfilmentState.TO_PICK,
        promised=promised,
        away_km=away_km,
        decision_id=decision_id,
        code=code,
        unit_fee_minor=unit_fee_minor,
        to_pick_at=to_pick_at,
        free=order.total_minor == 0,
    )
    away = like.kind != "pickup"
    for line_id, sku_id, quantity in wants:
        hold_id = new_id()
        wish = inventory.Wish(hold_id, quantity, "order", order.id, None, SYSTEM.label, "", outward=away)
        answer = await inventory.grant(tx, location_id, sku_id, [wish])
        if not answer[0].granted:
            raise Unavailable("the units were taken meanwhile", retry_after_s=1)
        await fulfilment.add_line(
            tx,
            location_id=location_id,
            job_id=job_id,
            line_id=line_id,
            sku_id=sku_id,
            quantity=quantity,
            hold_id=hold_id,
        )
    await orders.note_location(tx, order, location_id)
    return job_id


async def _keep_decision(tx: Tx, order: Order, elsewhere: Elsewhere) -> UUID:
    named = {str(UUID(int=n)): str(line) for n, line in enumerate(elsewhere.lines)}
    return await fulfilment.keep_decision(
        tx, member_id=order.member_id, order_id=order.id, decision=elsewhere.decision, named=named
    )
