"""What goes back of an order's money when units are cancelled or brought back, with what is kept of it for lost
thresholds.

Who gives units back by their own choice keeps the discount of what they keep, unless a promotion that they used says
that its threshold, or the condition of its gift, is asked again (`Promotion.clawback`): a gift that they keep and have
not earned any more is kept from what goes back, at its price. What is kept for that is income of the shop at once, and
goes back when the rest of the order comes to nothing too, or the gift comes back. Units that we could not serve, what
staff cancel, and what comes back because it was faulty or wrong never cost the buyer a discount: the latter count as if
they had stayed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from duoline import ledger, orders
from duoline.kernel.ids import new_id
from duoline.pricing.promotions.clawback import Stays, lost
from duoline.pricing.promotions.types import Promotion, Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.orders import Line, Order


class Due(NamedTuple):
    """What goes back, and what is kept for lost thresholds of the whole order by then. Minor units."""

    refund_minor: int
    clawback_minor: int


async def refund_due(
    tx: Tx,
    order: Order,
    lines: Sequence[Line],
    cancelled: Mapping[UUID, int],
    *,
    returned: Mapping[UUID, int] = MappingProxyType({}),
    by_choice: bool,
) -> Due:
    """What cancelling or bringing back these units gives back, when it is the buyer's choice or ours. Writes nothing.

    Never less than nothing: of what goes back, a lost threshold keeps all of it at the most. As long as some of an
    order that is paid part by part is to be paid, bringing back costs no threshold: what is kept could not go back if
    the rest came to nothing. Refuses `orders.cancel-whole` for a part whose threshold would be lost before anything is
    paid.
    """
    stays = {line.id: line.stays - cancelled.get(line.id, 0) - returned.get(line.id, 0) for line in lines}
    plain = orders.refundable(order, lines, cancelled, returned)
    if not any(stays.values()):
        return Due(plain + order.clawback_minor, 0)
    gifts = await orders.gifts_of(tx, order) if order.discount_minor else []
    ours = await orders.returned_as_ours(tx, order) if order.discount_minor else {}
    before = _gifts_kept(gifts, lines, {line.id: line.stays for line in lines}, ours)
    now = _gifts_kept(gifts, lines, stays, ours)
    kept = max(0, order.clawback_minor - before)
    unpaid = order.pay_mode == "at_store" and any(line.due > cancelled.get(line.id, 0) for line in lines)
    if by_choice and not (returned and unpaid):
        kept = max(kept, await _lost(tx, order, lines, stays, ours)) + now
        if kept and not order.paid_minor and not returned:
            raise orders.CancelWhole
    else:
        # What was kept for a gift goes back with the gift, whyever that comes back.
        kept += min(now, before, order.clawback_minor)
    more = min(kept - order.clawback_minor, plain)
    return Due(plain - more, order.clawback_minor + more)


async def keep_clawback(tx: Tx, order: Order, due: Due, *, actor: Actor) -> None:
    """Book what is kept for lost thresholds, or what of it goes back. Before the refund is promised."""
    more = due.clawback_minor - order.clawback_minor
    if not more:
        return
    await orders.set_clawback(tx, order, due.clawback_minor)
    income = ledger.accounts.sales(order.location_ids[0])
    await ledger.post(
        tx,
        member_id=order.member_id,
        kind="clawback",
        ref_kind="order",
        ref_id=new_id(),
        order_id=order.id,
        entries=[
            ledger.Entry(ledger.accounts.DEPOSITS, income, more)
            if more > 0
            else ledger.Entry(income, ledger.accounts.DEPOSITS, -more)
        ],
        currency=order.currency,
        actor=actor,
    )
    await orders.timeline.write(
        tx, member_id=order.member_id, order_id=order.id, kind="clawback", actor=actor, amount_minor=more
    )


def _gifts_kept(
    gifts: Sequence[orders.Given], lines: Sequence[Line], stays: Mapping[UUID, int], ours: Mapping[UUID, int]
) -> int:
    """What gifts cost that stay without having been earned; no more than if what came back because of us had stayed. A
    gift itself is back, whyever it came."""
    own = {gift.line_id for gift in gifts}
    asked = {line: units + (0 if line in own else ours.get(line, 0)) for line, units in stays.items()}
    return min(orders.gifts_kept_minor(gifts, lines, units) for units in (stays, asked))


async def _lost(
    tx: Tx, order: Order, lines: Sequence[Line], stays: Mapping[UUID, int], ours: Mapping[UUID, int]
) -> int:
    """What thresholds of all its promotions have lost together, given how many units of each line stay. No more than
    would be lost if what came back because of us had stayed."""
    if not order.discount_minor:
        return 0
    rows = await tx.fetch(
        """SELECT d.line_id, d.amount_minor, p.body FROM order_discounts d
           JOIN promotions p ON p.id = d.promotion_id AND p.version = d.version
           WHERE d.member_id = $1 AND d.order_id = $2""",
        order.member_id,
        order.id,
    )
    taken = [(msgspec.convert(row["body"], Promotion), row["line_id"], row["amount_minor"]) for row in rows]
    by_id = {line.id: line for line in lines}
    asked = {line: units + ours.get(line, 0) for line, units in stays.items()}
    total = 0
    for promotion in {one.id: one for one, _, _ in taken}.values():
        if not (promotion.clawback and isinstance(promotion.effect, Threshold)):
            continue
        mine = [(by_id[line], share) for one, line, share in taken if one.id == promotion.id]
        earlier: dict[UUID, int] = {}
        for one, line, share in taken:
            if (one.priority, one.id) < (promotion.priority, promotion.id):
                earlier[line] = earlier.get(line, 0) + share
        each = [
            [_stays(line, units[line.id], earlier.get(line.id, 0), share) for line, share in mine]
            for units in (stays, asked)
        ]
        total += min(lost(promotion.effect, those) for those in each)
    return total


def _stays(line: Line, units: int, earlier_minor: int, share_minor: int) -> Stays:
    gross = line.unit_price_minor * line.quantity
    return Stays(
        units,
        line.unit_price_minor * units,
        orders.value_of(gross - earlier_minor, line.quantity, units),
        orders.value_of(share_minor, line.quantity, units),
    )
