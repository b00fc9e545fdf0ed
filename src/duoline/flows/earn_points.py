"""What orders earn their members, told anew whenever something of one changes hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline import loyalty, orders
from duoline.catalog import CATEGORIES_UP
from duoline.flows import returnable
from duoline.kernel import clock, outbox, policies
from duoline.kernel.auth import SYSTEM
from duoline.loyalty.account import lock
from duoline.loyalty.reckon import points_for, rate_of
from duoline.stores import directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from duoline.kernel.db import Tx
    from duoline.kernel.outbox import Event


LATER = (
    "fulfilment.delivered",
    "fulfilment.cancelled",
    "fulfilment.uncollected",
    "fulfilment.rejected",
    "orders.thawed",
)
"""What earns nothing and may say when points that wait can be spent: a parcel is there, or no more of a line comes."""


@outbox.consumer(
    "points",
    topics=(
        "orders.sold",
        "orders.returned",
        "fulfilment.handed_over",
        "fulfilment.shipped",
        "attribution.bound",
        *LATER,
    ),
)
async def earn_by(tx: Tx, event: Event) -> None:
    """Something of a member's order changed hands. Guests earn nothing."""
    if event.member_id is None:
        return
    if event.topic == "attribution.bound":
        await earn_by_binding(tx, event)
    elif "order_id" in event.payload:
        order_id = UUID(event.payload["order_id"])
        if event.topic not in LATER or await loyalty.waits(tx, event.member_id, order_id):
            await earn(tx, event.member_id, order_id)


async def earn_by_binding(tx: Tx, event: Event) -> None:
    """Who chose their first guide ever is given points, once; not where something about it is odd."""
    await policies.catch_up(tx, loyalty.POINTS.kind)
    points = loyalty.POINTS.current(event.at).body.binding
    plain = event.payload.get("first") and not event.payload.get("flags")
    if points and plain and event.member_id is not None:
        await loyalty.give(
            tx, member_id=event.member_id, source="binding", ref_id=UUID(event.key), points=points, actor=SYSTEM
        )


_ORDER = f"""
SELECT o.state, o.total_minor, o.placed_at, m.tier, ({policies.NEWEST} 'points') AS newest_rules,
       (SELECT coalesce(sum(u.worth_minor), 0)::bigint FROM point_uses u
        WHERE u.member_id = o.member_id AND u.order_id = o.id) AS by_points
FROM orders o JOIN members m ON m.member_id = o.member_id AND m.kind = 'member'
WHERE o.member_id = $1 AND o.id = $2
"""  # noqa: S608 - our own text
_LINES = f"""
SELECT l.id, r.rate, duo_value(l.net_minor, l.quantity, l.handed - l.returned) AS kept_minor,
       CASE WHEN r.rate IS NULL THEN {CATEGORIES_UP} END AS categories
FROM order_lines l
JOIN skus s ON s.id = l.sku_id JOIN products p ON p.id = s.product_id
LEFT JOIN point_rates r ON r.member_id = l.member_id AND r.order_id = l.order_id AND r.line_id = l.id
WHERE l.member_id = $1 AND l.order_id = $2
"""  # noqa: S608 - our own text


async def earn(tx: Tx, member_id: UUID, order_id: UUID) -> int:
    """Bring what an order has earned up to what of it was handed over and not brought back. Returns the difference.

    Rates are those that held when the order was placed, for the tier the member had when it first earned. Locks the
    member's account before it reads the order.
    """
    await lock(tx, member_id)
    order = await tx.fetchrow(_ORDER, member_id, order_id)
    if order is None:
        return 0
    await policies.hear_of(tx, loyalty.POINTS.kind, order["newest_rules"])
    lines = await tx.fetch(_LINES, member_id, order_id)
    rates = await _rates(tx, member_id, order_id, order, lines)
    points = {
        line["id"]: points_for(
            line["kept_minor"],
            rate=rates[line["id"]],
            total_minor=order["total_minor"],
            by_points_minor=order["by_points"],
        )
        for line in lines
    }
    ripe = await _ripe(tx, member_id, order_id, points, waits=loyalty.POINTS.current(order["placed_at"]).body.wait)
    return await loyalty.set_earned(
        tx,
        member_id=member_id,
        order_id=order_id,
        parts={line_id: loyalty.Part(points[line_id], ripe[line_id]) for line_id in points},
        actor=SYSTEM,
    )


async def _ripe(
    tx: Tx, member_id: UUID, order_id: UUID, points: Mapping[UUID, int], *, waits: bool
) -> dict[UUID, datetime | None]:
    """From when on what each line earned can be spent: at once, or, as commission is due, once nothing of the line can
    come back any more. Nobody knows yet of a line of which more is to be handed over."""
    now = clock.now()
    if not waits:
        return dict.fromkeys(points, now)
    await policies.catch_up(tx, orders.RETURNS.kind)
    order, lines = await orders.read_order(tx, member_id, order_id)
    left = await returnable.left_of(tx, order, lines)
    closed = returnable.closed_by_line(left, directory.current(), days=orders.RETURNS.current().body.days)
    # What was handed over between the two looks is told of again by its own event.
    return {line.id: None if line.due else closed.get(line.id, None if points[line.id] else now) for line in lines}


async def earn_nothing_so_far(tx: Tx, member_id: UUID) -> None:
    """Somebody who was a guest is a member from now on: what they were handed before earns nothing, also when a part of
    it comes back later. A line that was handed over in part earns nothing with its rest either."""
    await tx.execute(
        """INSERT INTO point_rates (member_id, order_id, line_id, rate, rule_version, tier)
           SELECT member_id, order_id, id, 0, $2, '' FROM order_lines WHERE member_id = $1 AND handed > 0
           ON CONFLICT DO NOTHING""",
        member_id,
        loyalty.POINTS.current().version,
    )


async def _rates(tx: Tx, member_id: UUID, order_id: UUID, order: Any, lines: Sequence[Any]) -> Mapping[UUID, int]:
    """The rate of each line, frozen when it is first asked for."""
    known = {line["id"]: line["rate"] for line in lines if line["rate"] is not None}
    if len(known) == len(lines):
        return known
    rules = loyalty.POINTS.current(order["placed_at"])
    for line in lines:
        if line["id"] in known:
            continue
        rate = rate_of(rules.body, tier=order["tier"], categories=line["categories"], at=order["placed_at"])
        known[line["id"]] = rate
        await tx.execute(
            """INSERT INTO point_rates (member_id, order_id, line_id, rate, rule_version, tier)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            member_id,
            order_id,
            line["id"],
            rate,
            rules.version,
            order["tier"],
        )
    return known
