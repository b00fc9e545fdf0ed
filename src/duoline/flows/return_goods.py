"""Take back at a counter what a customer brings: the units, the sale, and the money by the way it had come.

What goes back for units is what they cost after offers, counted from the back of those handed over, so that any units
in any order make up what was paid to the cent. Thresholds that are lost with them are asked as when units are cancelled
(`flows.clawback`). Cash leaves the drawer of the shop at once; what came by a provider goes back through it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from duoline import fulfilment, inventory, ledger, orders, payments
from duoline.flows import returnable
from duoline.flows.clawback import Due, keep_clawback, refund_due
from duoline.flows.coupons_back import coupons_back
from duoline.flows.refund import CASH, OWN, give_back_money, give_cash, give_own
from duoline.flows.unwind import reprice_store_intents
from duoline.kernel import audit, faults, outbox
from duoline.kernel.errors import NotFound, ensure
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.payments import providers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.flows.coupons_back import CouponFate
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Condition, Line, Order, ReturnLine, ReturnReason
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

faults.register("return.before_commit")


class Brought(NamedTuple):
    """Units of a line that lie on the counter."""

    line_id: UUID
    quantity: int
    condition: Condition


class Quote(NamedTuple):
    """What a return gives back, and by which ways. `kept_minor` is what of it is kept for lost thresholds; below zero
    when what was kept before goes back too. `coupons` are those of which nothing is left. Amounts in minor units."""

    currency: str
    refund_minor: int
    kept_minor: int
    ways: Sequence[payments.Way]
    coupons: Sequence[CouponFate]
    gifts: Mapping[UUID, int]
    """Units of gifts by line that are kept though what they were given for goes back, which their promotion asks
    for."""


class Decided(NamedTuple):
    """A return as it is to be written."""

    lines: Sequence[ReturnLine]
    units: Mapping[UUID, int]
    due: Due
    ways: Sequence[payments.Way]


async def quote_return(
    tx: Tx,
    chain: Chain,
    shop: Store,
    *,
    member_id: UUID,
    order_id: UUID,
    brought: Sequence[Brought],
    reason: ReturnReason,
) -> Quote:
    """What `return_goods` would give back, with its locks and refusals. Writes nothing."""
    order, lines = await orders.lock_order(tx, member_id, order_id)
    decided = await _decide(tx, chain, shop, order, lines, brought, reason)
    kept = decided.due.clawback_minor - order.clawback_minor
    fates = await coupons_back(tx, order, lines, returned=decided.units)
    stays = {line.id: line.stays - decided.units.get(line.id, 0) for line in lines}
    asked = {gift.line_id: gift.beyond(stays) for gift in await orders.gifts_of(tx, order) if gift.clawback}
    gifts = {line: units for line, units in asked.items() if units} if kept > 0 else {}
    return Quote(order.currency, decided.due.refund_minor, kept, decided.ways, fates, gifts)


async def return_goods(
    tx: Tx,
    chain: Chain,
    shop: Store,
    *,
    member_id: UUID,
    order_id: UUID,
    brought: Sequence[Brought],
    reason: ReturnReason,
    note: str = "",
    expected_minor: int | None,
    actor: Actor,
) -> list[payments.Way]:
    """Take units back at a shop. Returns what goes back by which way; `cash` is to be given to the customer now.

    Locks the order, its captures, the fulfilments that serve the rest of it, the levels, the member's
    points, the wallet, the drawer. Refuses
    `kernel.not-found`, `returns.not-offered`, `returns.nothing-left`, `returns.excluded`, `returns.too-late`,
    `returns.refund-elsewhere`, `returns.rest-first`, and `returns.amount-changed` when it is not what the customer was
    told (`expected_minor`).
    """
    order, lines = await orders.lock_order(tx, member_id, order_id)
    decided = await _decide(tx, chain, shop, order, lines, brought, reason)
    due = decided.due
    if expected_minor is not None and expected_minor != due.refund_minor:
        raise orders.ReturnChanged(refund=str(Money(due.refund_minor, order.currency)), refund_minor=due.refund_minor)
    return_id = new_id()
    await orders.write_return(
        tx,
        order,
        decided.lines,
        return_id=return_id,
        location_id=shop.id,
        reason=reason,
        note=note,
        refund_minor=due.refund_minor,
        kept_minor=due.clawback_minor - order.clawback_minor,
        actor=actor,
    )
    await orders.add_returned(tx, order, decided.units)
    await _undo_sale(tx, order, decided.lines, return_id=return_id, reason=reason, actor=actor)
    await keep_clawback(tx, order, due, actor=actor)
    await _tell(tx, chain, shop, order, decided, return_id=return_id, reason=reason, actor=actor)
    refunds = await give_back_money(tx, order, due.refund_minor, reason=reason, actor=actor, at_counter=True)
    given = sum(refund.amount_minor for refund in refunds)
    ensure(given == due.refund_minor, "RET-3", f"{order.order_no}: {given} given of {due.refund_minor}")
    await orders.name_refunds(tx, order, return_id, [refund.id for refund in refunds])
    if any(line.due for line in lines):
        now = [line._replace(returned=line.returned + decided.units.get(line.id, 0)) for line in lines]
        live = await fulfilment.lock_serving(tx, order.id, order.location_ids)
        await reprice_store_intents(tx, order, now, live)
    await _take_in(tx, shop, decided.lines, return_id=return_id, note=order.order_no, actor=actor)
    await give_own(tx, refunds, actor=actor)
    for refund in refunds:
        if refund.tender == CASH:
            await give_cash(tx, refund, location_id=shop.id, actor=actor)
    await audit.record(
        tx,
        actor=actor,
        action="order.return",
        subject_kind="order",
        subject=order.order_no,
        store_id=shop.id,
        reason=reason if not note else f"{reason}: {note}",
        before={"returned": sum(line.returned for line in lines), "refunded_minor": order.refunded_minor},
        after={
            "returned": sum(line.returned for line in lines) + sum(decided.units.values()),
            "refunded_minor": order.refunded_minor + due.refund_minor,
            "kept_minor": due.clawback_minor - order.clawback_minor,
            "damaged": sum(line.quantity for line in decided.lines if line.condition == "damaged"),
        },
    )
    faults.point("return.before_commit")
    return [payments.Way(refund.tender, refund.amount_minor) for refund in refunds]


async def _decide(
    tx: Tx,
    chain: Chain,
    shop: Store,
    order: Order,
    lines: Sequence[Line],
    brought: Sequence[Brought],
    reason: ReturnReason,
) -> Decided:
    """What becomes of the units, under the order's lock, or the refusal."""
    terms = orders.RETURNS.current().body
    if not (shop.active and shop.services.returns):
        raise orders.ReturnNotOffered
    every = await returnable.left_of(tx, order, lines)
    left = [one for one in every if returnable.may_take_from(chain, shop, one.location_id)]
    units: Counter[UUID] = Counter()
    for one in brought:
        units[one.line_id] += one.quantity
    if not units.keys() <= {one.line_id for one in left}:
        raise NotFound
    if any(quantity > _units(left, line) for line, quantity in units.items()):
        raise orders.ReturnNothingLeft
    if reason not in orders.OUR_FAULT:
        skus = {line.sku_id for line in lines if line.id in units}
        if await returnable.excluded_skus(tx, skus):
            raise orders.ReturnExcluded
    days = terms.days_for(reason)
    timely = returnable.in_time(left, shop, days=days)
    if any(quantity > _units(timely, line) for line, quantity in units.items()):
        raise orders.ReturnTooLate(days=days)
    due = await refund_due(tx, order, lines, {}, returned=units, by_choice=reason not in orders.OUR_FAULT)
    ways = await payments.ways_back(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        amount_minor=due.refund_minor,
        total_minor=order.total_minor,
    )
    if any(way.tender not in (CASH, *OWN) and not providers.connected(way.tender) for way in ways):
        raise orders.RefundElsewhere
    if _overcharges(order, lines, units, due):
        raise orders.ReturnRestFirst
    return Decided(pieces(lines, timely, brought), dict(units), due, ways)


def _overcharges(order: Order, lines: Sequence[Line], units: Mapping[UUID, int], due: Due) -> bool:
    """Whether the counters where the rest is still to be paid could take more in the end than the order costs.

    They ask for units as the next ones after those that are kept. Where a line's cents do not divide by its units, and
    some of it came back before the rest is paid, that may be a cent more than is left of the order's total.
    """
    if order.pay_mode != "at_store" or not any(line.due for line in lines):
        return False
    to_keep = sum(line.value(line.stays - units.get(line.id, 0)) for line in lines)
    return to_keep + due.clawback_minor + order.refunded_minor + due.refund_minor > order.total_minor


def _units(left: Sequence[returnable.Left], line_id: UUID) -> int:
    return sum(one.units for one in left if one.line_id == line_id)


def pieces(lines: Sequence[Line], left: Sequence[returnable.Left], brought: Sequence[Brought]) -> list[ReturnLine]:
    """Which location's sale each unit was, and what it was sold for: from the back, as they were handed over. Pure.

    There is enough left of each line. The odd cent of a line that several locations served may be another's.
    """
    by_id = {line.id: line for line in lines}
    kept = {line.id: line.kept for line in lines}
    rest = list(left)
    found = []
    for one in brought:
        wanted, line = one.quantity, by_id[one.line_id]
        for n, source in enumerate(rest):
            part = min(wanted, source.units) if source.line_id == line.id else 0
            if not part:
                continue
            rest[n] = source._replace(units=source.units - part)
            wanted -= part
            kept[line.id] -= part
            value = line.value(part, after=kept[line.id])
            found.append(orders.ReturnLine(line.id, line.sku_id, part, one.condition, source.location_id, value))
        ensure(wanted == 0, "RET-1", f"{wanted} units of {one.line_id} were handed over by nobody")
    return found


async def _undo_sale(
    tx: Tx, order: Order, lines: Sequence[ReturnLine], *, return_id: UUID, reason: str, actor: Actor
) -> None:
    """What the units were sold for is the customer's again: out of the sales of whoever sold them."""
    sold: Counter[UUID] = Counter()
    for line in lines:
        sold[line.sold_location_id] += line.value_minor
    await ledger.post(
        tx,
        member_id=order.member_id,
        kind="return",
        ref_kind="return",
        ref_id=return_id,
        order_id=order.id,
        entries=[
            ledger.Entry(ledger.accounts.sales(location), ledger.accounts.DEPOSITS, value)
            for location, value in sorted(sold.items())
        ],
        currency=order.currency,
        actor=actor,
        reason=reason,
    )


async def _take_in(
    tx: Tx, shop: Store, lines: Sequence[ReturnLine], *, return_id: UUID, note: str, actor: Actor
) -> None:
    """The units are the shop's again; what is damaged goes on to where nobody sells it. Locks the levels in order."""
    came: Counter[UUID] = Counter()
    damaged: Counter[UUID] = Counter()
    for line in lines:
        came[line.sku_id] += line.quantity
        if line.condition == "damaged":
            damaged[line.sku_id] += line.quantity
    for sku_id, quantity in sorted(came.items()):
        moved = await inventory.adjust(
            tx, location_id=shop.id, sku_id=sku_id, delta=quantity, reason="return", actor=actor, note=note,
            ref_kind="return", ref_id=return_id,
        )  # fmt: skip
        now = moved.after
        if damaged[sku_id]:
            gone = await inventory.adjust(
                tx, location_id=shop.id, sku_id=sku_id, delta=-damaged[sku_id], reason="damage", actor=actor, note=note,
                ref_kind="return", ref_id=return_id,
            )  # fmt: skip
            now = gone.after
        good = quantity - damaged[sku_id]
        ensure(now == moved.before + good, "RET-2", f"{good} of {sku_id} came back: {moved}, now {now}")


async def _tell(
    tx: Tx,
    chain: Chain,
    shop: Store,
    order: Order,
    decided: Decided,
    *,
    return_id: UUID,
    reason: str,
    actor: Actor,
) -> None:
    places = sorted({shop.id, *(line.sold_location_id for line in decided.lines)})
    await orders.timeline.write(
        tx,
        member_id=order.member_id,
        order_id=order.id,
        kind="returned",
        actor=actor,
        return_id=str(return_id),
        location_codes=[shop.code, *(chain.store(place).code for place in places if place != shop.id)],
        lines=[{"line_id": str(line), "quantity": quantity} for line, quantity in decided.units.items()],
        reason=reason,
    )
    await outbox.emit(
        tx,
        topic="orders.returned",
        key=str(return_id),
        payload={"order_id": str(order.id), "order_no": order.order_no},
        family="member",
        owner_id=order.member_id,
        store_ids=places,
        member_id=order.member_id,
    )
