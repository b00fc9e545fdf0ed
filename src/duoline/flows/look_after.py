"""Units of a delivery that wait for a person: rejected too often to be sourced by themselves.

They are due and nobody's: no location serves them, no hold keeps them, no clock runs. A person sources them again, from
a location of their choice or of sourcing's, or gives the money back; the member may cancel them at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline import fulfilment, inventory, orders
from duoline.flows.clawback import keep_clawback, refund_due
from duoline.flows.elsewhere import Elsewhere, plan_units, serve_elsewhere
from duoline.flows.origins import sends
from duoline.flows.places import distance_km, place_of
from duoline.flows.refund import give_back_money
from duoline.kernel import audit, faults
from duoline.kernel.auth import SYSTEM
from duoline.kernel.errors import Refusal, Unavailable, ensure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from duoline.flows import basket as baskets
    from duoline.flows.unwind import Live
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx
    from duoline.orders import Line, Order
    from duoline.stores.types import Store

faults.register("source_again.before_commit", "refund_frozen.before_commit")


class NothingFrozen(Refusal):
    """No units of this order wait for a person."""

    code = "orders.nothing-frozen"
    status = 409
    zh = "这张订单没有等人处理的商品了,可能已由他人处理或被顾客取消。"
    en = "Nothing of this order waits for a person any more; somebody dealt with it, or the customer cancelled."


class NobodyHasIt(Refusal):
    """No location, or not the chosen one, can send any of the units."""

    code = "orders.nobody-has-it"
    status = 409
    zh = "那里现在没有可发的货,请换一个地点,或给顾客退款。"
    en = "Nothing can be sent from there now; choose another location, or give the money back."


async def freeze_if_often(tx: Tx, order: Order, units: Mapping[UUID, int]) -> bool:
    """Let rejected units of a delivery wait for a person when the order has had too many rejections.

    The order is locked, and its latest rejection is in its story already.
    """
    rejections = await orders.parcels_rejected(tx, order.member_id, order.id)
    if rejections < fulfilment.SOURCING.current().body.rejections_max:
        return False
    await orders.freeze(tx, order, rejections=rejections)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="frozen",
        actor=SYSTEM,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in units.items()],
    )
    return True


def nobody_sends(lines: Sequence[Line], live: Live) -> dict[UUID, int]:
    """Units to be delivered that are due and that no live fulfilment serves, by line."""
    left = {line.id: line.due for line in lines if line.method == "delivery"}
    for _, units in live:
        for unit in units:
            if unit.line_id in left:
                left[unit.line_id] -= unit.quantity
    return {line: quantity for line, quantity in left.items() if quantity}


async def settle(tx: Tx, order: Order) -> None:
    """After units of a locked order were sourced, cancelled or refunded: it waits only while something is left."""
    _, lines = await orders.lock_order(tx, order.member_id, order.id)
    live = await fulfilment.lock_live(tx, order.id, order.location_ids)
    if order.state != orders.OrderState.CONFIRMED.value or not nobody_sends(lines, live):
        await orders.thaw(tx, order)
    else:
        waits = await orders.is_frozen(tx, order)
        ensure(waits, "FUL-8", f"{order.order_no}: nobody sends units, and nobody is asked to look after them")


class Source(NamedTuple):
    """A location that could send units that wait, how far it is, and how many of each line."""

    store: Store
    distance_km: float
    open_work: int
    units: Mapping[UUID, int]
    rejected: bool
    """Whether it has rejected units of this order before."""


async def sources(look: baskets.Look, *, member_id: UUID, order_id: UUID) -> list[Source]:
    """Locations that could send something of what waits: those with most of it first, then the nearest.

    As of now and without locks; what is chosen is checked again. None when nothing waits.
    """
    waiting = await _waiting(look.db, member_id, order_id)
    if not waiting.units:
        return []
    rows = await look.db.fetch(
        """SELECT l.location_id, l.sku_id,
                  duo_shared(l.on_hand, l.held, l.safety + duo_buffer(l.buffers, $2), l.outward_reserve, l.outward_cap,
                             l.outward) AS units
           FROM levels l WHERE l.sku_id = ANY ($1) AND l.on_hand > l.held""",
        list(set(waiting.skus.values())),
        CHANNEL,
    )
    stock: dict[UUID, dict[UUID, int]] = {}
    for row in rows:
        if row["units"] > 0:
            stock.setdefault(row["location_id"], {})[row["sku_id"]] = row["units"]
    counts, place, policy = await look.work.counts(), _place(look, waiting), fulfilment.SOURCING.current().body
    found = []
    for location_id, has in stock.items():
        store, work = sends(look, location_id), counts.get(location_id, 0)
        if store is None or not fulfilment.may_send(
            store, policy, work, franchised=look.chain.companies[store.company_id].franchised
        ):
            continue
        units = _of_stock(waiting, has)
        found.append(Source(store, distance_km(store, place), work, units, location_id in waiting.refused))
    return sorted(found, key=lambda one: (-sum(one.units.values()), one.distance_km, one.store.code))


CHANNEL = "mall"


class Waiting(NamedTuple):
    """Units of an order that wait for a person, by line; their SKUs; where they go; who rejected units of it."""

    units: dict[UUID, int]
    skus: dict[UUID, UUID]
    address: orders.Address | None
    refused: frozenset[UUID]


async def _waiting(db: Database, member_id: UUID, order_id: UUID) -> Waiting:
    rows = await db.fetch(
        """SELECT l.id, l.sku_id, o.address, l.quantity - l.handed - l.cancelled - (
                      SELECT coalesce(sum(w.quantity), 0)::integer FROM fulfilments f
                      JOIN fulfilment_lines w ON w.location_id = f.location_id AND w.fulfilment_id = f.id
                      WHERE f.location_id = ANY (o.location_ids) AND f.order_id = o.id AND w.line_id = l.id
                        AND f.state IN ('waiting', 'to_pick', 'ready')) AS units
           FROM frozen_orders z
           JOIN orders o ON o.member_id = z.member_id AND o.id = z.order_id
           JOIN order_lines l ON l.member_id = o.member_id AND l.order_id = o.id
           WHERE z.member_id = $1 AND z.order_id = $2 AND l.method = 'delivery' ORDER BY l.n""",
        member_id,
        order_id,
    )
    refused = await db.fetch(
        "SELECT DISTINCT location_id FROM fulfilments WHERE order_id = $1 AND state = 'rejected'", order_id
    )
    address = rows[0]["address"] if rows else None
    return Waiting(
        {row["id"]: row["units"] for row in rows if row["units"] > 0},
        {row["id"]: row["sku_id"] for row in rows},
        msgspec.convert(address, orders.Address) if address else None,
        frozenset(row["location_id"] for row in refused),
    )


def _place(look: baskets.Look, waiting: Waiting) -> tuple[float, float] | None:
    return place_of(look.chain, waiting.address)


def _of_stock(waiting: Waiting, has: Mapping[UUID, int]) -> dict[UUID, int]:
    """How many of the units there are; lines of one SKU share its stock in their order."""
    left, units = dict(has), {}
    for line, quantity in waiting.units.items():
        sku = waiting.skus[line]
        part = min(quantity, left.get(sku, 0))
        if part:
            units[line] = part
            left[sku] -= part
    return units


async def plan_again(look: baskets.Look, *, member_id: UUID, order_id: UUID, at: UUID | None, by: str) -> Elsewhere:
    """Plan the units that wait: from the location `at`, or from any that has not rejected them. No transaction is open.

    As many as there are. Refuses `orders.nothing-frozen`, `orders.nobody-has-it`. `by` is who chose the location.
    """
    waiting = await _waiting(look.db, member_id, order_id)
    if not waiting.units:
        raise NothingFrozen
    without = waiting.refused if at is None else frozenset(look.chain.stores) - {at}
    plan = await plan_units(
        look, member_id=member_id, address=waiting.address, units=waiting.units, skus=waiting.skus, without=without
    )
    if plan is None:
        raise NobodyHasIt
    if at is None:
        return plan
    name = look.chain.store(at).name
    say = {"zh": f"{by}指定从{name.zh}发出。", "en": f"{by} chose {name.en} to send it."}
    return plan._replace(decision=msgspec.structs.replace(plan.decision, summary=say))


async def source_again(
    tx: Tx,
    look: baskets.Look,
    *,
    member_id: UUID,
    order_id: UUID,
    plan: Elsewhere,
    reason: str,
    actor: Actor,
    within: Collection[UUID] | None = None,
) -> None:
    """Carry out a plan for units that wait; what it leaves goes on waiting.

    Locks the order, its fulfilments, the levels. Refuses `kernel.not-found`, `orders.served-elsewhere` for an order
    that has to do with a location outside `within`, `orders.nothing-frozen`; `Unavailable` when the units or the order
    changed meanwhile, so that the caller plans again.
    """
    order, lines, live = await _lock(tx, member_id, order_id, within)
    units = nobody_sends(lines, live)
    if any(quantity > units.get(line, 0) for line, quantity in plan.units.items()):
        raise Unavailable("fewer units wait than were planned for", retry_after_s=1)
    await inventory.lock_levels(
        tx, [(parcel.location_id, piece.sku_id) for parcel in plan.plan.parcels for piece in parcel.pieces]
    )
    like = await fulfilment.any_of_kind(tx, order.location_ids, order.id, kind="ship")
    served = await serve_elsewhere(tx, look, order, like, plan, actor=actor)
    order, _ = await orders.lock_order(tx, member_id, order_id)
    await settle(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.source-again",
        subject_kind="order",
        subject=order.order_no,
        reason=reason,
        before={"waiting": {str(line): quantity for line, quantity in units.items()}},
        after={
            "sourced": [
                {"line_id": str(one.line_id), "units": one.quantity, "location": look.chain.store(one.location_id).code}
                for one in served
            ]
        },
    )
    faults.point("source_again.before_commit")


async def refund_frozen(
    tx: Tx,
    *,
    member_id: UUID,
    order_id: UUID,
    units: int,
    reason: str,
    actor: Actor,
    within: Collection[UUID] | None = None,
) -> int:
    """Cancel the units that wait and give their money back; returns how much, in minor units.

    `units` is how many there were when somebody decided so: with another number nothing is done.
    Locks the order and its fulfilments. Refuses as `source_again`.
    """
    order, lines, live = await _lock(tx, member_id, order_id, within)
    waiting = nobody_sends(lines, live)
    if sum(waiting.values()) != units:
        raise NothingFrozen
    back = await refund_due(tx, order, lines, waiting, by_choice=False)
    await keep_clawback(tx, order, back, actor=actor)
    amount = back.refund_minor
    state = await orders.progress(tx, order, cancelled=waiting)
    orders.ensure_settled(order, state, refund_minor=amount)
    await orders.timeline.write(
        tx,
        member_id=member_id,
        order_id=order_id,
        kind="sold_out",
        actor=actor,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in waiting.items()],
    )
    await give_back_money(tx, order, amount, reason=reason, actor=actor)
    await orders.thaw(tx, order)
    await audit.record(
        tx,
        actor=actor,
        action="order.refund-frozen",
        subject_kind="order",
        subject=order.order_no,
        reason=reason,
        before={"waiting": {str(line): quantity for line, quantity in waiting.items()}},
        after={"state": state.value, "refund_minor": amount},
    )
    faults.point("refund_frozen.before_commit")
    return amount


async def _lock(
    tx: Tx, member_id: UUID, order_id: UUID, within: Collection[UUID] | None
) -> tuple[Order, list[Line], Live]:
    order, lines = await orders.lock_order(tx, member_id, order_id)
    if within is not None and not set(order.location_ids) <= set(within):
        raise orders.ServedElsewhere
    live = await fulfilment.lock_live(tx, order.id, order.location_ids)
    if order.state != orders.OrderState.CONFIRMED.value or not nobody_sends(lines, live):
        raise NothingFrozen
    return order, lines, live
