"""A location cannot serve part of an order: correct its stock, and find the units elsewhere, or ask, or refund.

A delivery is sourced again from other locations at once, unless it has been rejected too often: then its units wait for
a person (`look_after`). A pickup was promised at the shop that the member chose, so
the member is asked: another shop, or the money back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline import fulfilment, inventory, orders
from duoline.flows.answer import ask
from duoline.flows.clawback import keep_clawback, refund_due
from duoline.flows.elsewhere import Elsewhere, serve_elsewhere
from duoline.flows.look_after import freeze_if_often
from duoline.flows.refund import give_back_money
from duoline.flows.unwind import reprice_store_intents, take_back
from duoline.kernel import audit, faults
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.errors import Refusal, ensure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.flows import basket as baskets
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order

faults.register("reject.before_commit")

Reason = Literal["missing", "damaged", "display", "other"]

# What a reason says about the stock on the shelf.
_CORRECTION: dict[str, inventory.AdjustReason] = {"missing": "missing", "damaged": "damage"}


class Rejected(NamedTuple):
    """Units of a line that the location cannot serve, and why."""

    line_id: UUID
    quantity: int
    reason: Reason


class Outcome(NamedTuple):
    """What became of rejected units: `resourced` to a location, `asks_member`, `frozen`, or `refunded`."""

    line_id: UUID
    quantity: int
    result: str
    location_id: UUID | None


class NotServing(Refusal):
    """The location is not serving that many units of the line."""

    code = "fulfilment.not-serving"
    status = 409
    zh = "这张单在本店没有这么多件可以拒绝。"
    en = "This shop is not serving that many units of the article."


async def reject(
    tx: Tx,
    look: baskets.Look,
    *,
    location_id: UUID,
    fulfilment_id: UUID,
    rejected: Sequence[Rejected],
    elsewhere: Elsewhere | None,
    note: str,
    actor: Actor,
    correct: bool = True,
) -> list[Outcome]:
    """Take units away from a location that cannot serve them, and carry out the plan made beforehand.

    Without `correct` the caller takes what is missing or damaged off the book, in the same transaction.
    Locks the order, its fulfilments, and every level involved in one order. Refuses `kernel.not-found`,
    `kernel.wrong-state`, `fulfilment.not-serving`; `Unavailable` when the planned units were taken meanwhile, so that
    the caller plans again.
    """
    glance = await fulfilment.peek(tx, location_id, fulfilment_id)
    order, lines = await orders.lock_order(tx, glance.member_id, glance.order_id)
    live = await fulfilment.lock_live(tx, order.id, order.location_ids)
    mine = [(job, units) for job, units in live if job.id == fulfilment_id]
    if not mine or mine[0][0].state == "waiting":
        job, _ = await fulfilment.lock_fulfilment(tx, location_id, fulfilment_id)
        fulfilment.check_step(job.state, fulfilment.FulfilmentState.REJECTED)
    job, units = mine[0]
    sku_of = {line.line_id: line.sku_id for line in units}
    levels = [(location_id, sku) for sku in sku_of.values()]
    if elsewhere:
        levels += [(parcel.location_id, piece.sku_id) for parcel in elsewhere.plan.parcels for piece in parcel.pieces]
    await inventory.lock_levels(tx, levels)

    asked = units_of(rejected)
    left = await take_back(tx, mine, asked, then=fulfilment.FulfilmentState.REJECTED, actor=actor)
    if any(left.values()):
        raise NotServing
    await fulfilment.mark_begun(tx, job)  # whoever rejects a part has looked for all of it
    if correct:
        await _correct(tx, location_id, rejected, sku_of, order, note, actor)
    await reprice_store_intents(tx, order, lines, mine)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="rejected",
        actor=actor,
        location_code=look.chain.store(location_id).code,
        lines=[{"line_id": str(r.line_id), "quantity": r.quantity, "reason": r.reason} for r in rejected],
        note=note,
    )
    outcome = []
    frozen = job.kind == "ship" and await freeze_if_often(tx, order, asked)
    if elsewhere is not None and not frozen:
        for served in await serve_elsewhere(tx, look, order, job, elsewhere):
            outcome.append(Outcome(served.line_id, served.quantity, "resourced", served.location_id))
            asked[served.line_id] -= served.quantity
    nowhere = {line: quantity for line, quantity in asked.items() if quantity}
    if nowhere and job.kind == "ship" and not frozen:
        await _refund(tx, order, lines, nowhere)
    elif nowhere and job.kind != "ship":
        await ask(tx, order, nowhere)
    result = "frozen" if frozen else "refunded" if job.kind == "ship" else "asks_member"
    outcome += [Outcome(line, quantity, result, None) for line, quantity in nowhere.items()]
    settled = sum(one.quantity for one in outcome), sum(one.quantity for one in rejected)
    ensure(settled[0] == settled[1], "FUL-3", f"{order.order_no}: {settled[0]} of {settled[1]} units are settled")
    await audit.record(
        tx,
        actor=actor,
        action="order.reject",
        subject_kind="order",
        subject=order.order_no,
        store_id=location_id,
        reason=note or ", ".join(sorted({one.reason for one in rejected})),
        before={"serves": {str(unit.line_id): unit.quantity for unit in units}},
        after={
            "rejected": [{"line_id": str(r.line_id), "units": r.quantity, "reason": r.reason} for r in rejected],
            "outcome": [{"line_id": str(o.line_id), "units": o.quantity, "result": o.result} for o in outcome],
        },
    )
    faults.point("reject.before_commit")
    return outcome


def units_of(rejected: Sequence[Rejected]) -> dict[UUID, int]:
    """Rejected units by line; the same line may be named for several reasons."""
    units: dict[UUID, int] = {}
    for one in rejected:
        units[one.line_id] = units.get(one.line_id, 0) + one.quantity
    return units


async def _correct(
    tx: Tx,
    location_id: UUID,
    rejected: Sequence[Rejected],
    sku_of: Mapping[UUID, UUID],
    order: Order,
    note: str,
    actor: Actor,
) -> None:
    """Take what is missing or damaged off the shelf in the books too, so that it is not promised again."""
    for one in sorted(rejected, key=lambda r: sku_of[r.line_id]):
        reason = _CORRECTION.get(one.reason)
        if reason is not None:
            await inventory.adjust(
                tx,
                location_id=location_id,
                sku_id=sku_of[one.line_id],
                delta=-one.quantity,
                reason=reason,
                actor=actor,
                note=note or f"order {order.order_no}",
                ref_kind="order",
                ref_id=order.id,
            )


async def _refund(tx: Tx, order: Order, lines: Sequence[Line], units: Mapping[UUID, int]) -> None:
    """Nobody else has the units: they are cancelled and their money goes back."""
    back = await refund_due(tx, order, lines, units, by_choice=False)
    await keep_clawback(tx, order, back, actor=SYSTEM)
    amount = back.refund_minor
    state = await orders.progress(tx, order, cancelled=units)
    orders.ensure_settled(order, state, refund_minor=amount)
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="sold_out",
        actor=SYSTEM,
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in units.items()],
    )
    await give_back_money(tx, order, amount, reason="no location has the goods", actor=SYSTEM)
