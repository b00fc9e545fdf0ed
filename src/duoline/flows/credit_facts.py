"""The facts of an order on which it depends who earns by it: read once, and frozen by `credit`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from duoline import attribution, settlement
from duoline.catalog import CATEGORIES_UP
from duoline.flows import flag
from duoline.settlement.types import Facts, Guided, LineFacts, Touched
from duoline.stores import directory

if TYPE_CHECKING:
    from duoline import orders
    from duoline.kernel.db import Tx

_LINES = f"""
SELECT l.id AS line_id, l.product_code AS product, {CATEGORIES_UP} AS categories
FROM order_lines l JOIN skus s ON s.id = l.sku_id JOIN products p ON p.id = s.product_id
WHERE l.member_id = $1 AND l.order_id = $2 ORDER BY l.n
"""  # noqa: S608 - our own text
_TOUCH = """
SELECT x.touchpoint_id, t.owner_kind, x.owner_id, t.store_id, x.own_device
FROM order_touches x JOIN touchpoints t ON t.owner_id = x.owner_id AND t.id = x.touchpoint_id
WHERE x.member_id = $1 AND x.order_id = $2
"""
# Who had brought a member, and to which shop their touchpoint belonged. Of a person who was several members: who
# brought that one, else who they are now, else whichever was first.
_BROUGHT = """
SELECT t.owner_kind, s.owner_id, t.store_id, s.touchpoint_id
FROM sign_ups s JOIN touchpoints t ON t.owner_id = s.owner_id AND t.id = s.touchpoint_id
WHERE s.member_id = ANY (duo_group($1))
ORDER BY s.member_id = $1 DESC, s.member_id = (duo_group($1))[1] DESC, s.at, s.member_id LIMIT 1
"""


async def lines_of(tx: Tx, order: orders.Order) -> list[LineFacts]:
    """What plans ask of each line, in the order's own order."""
    return [LineFacts(**row) for row in await tx.fetch(_LINES, order.member_id, order.id)]


async def facts_of(tx: Tx, order: orders.Order) -> Facts:
    """Who sold the order, whose member the buyer was, what they had met and who had brought them, as of when it was
    placed; with what speaks against paying anybody."""
    member = await tx.fetchrow("SELECT tier, home_store_id FROM members WHERE member_id = $1", order.member_id)
    bound = await attribution.binding_as_of(tx, order.member_id, attribution.SCOPE, order.placed_at)
    touch = await tx.fetchrow(_TOUCH, order.member_id, order.id)
    brought = await tx.fetchrow(_BROUGHT, order.member_id)
    seller_id, seller_store_id = await _seller(tx, order)
    touched = (
        Touched(
            touchpoint_id=touch["touchpoint_id"],
            owner_kind=touch["owner_kind"],
            owner_id=touch["owner_id"],
            store_id=touch["store_id"],
        )
        if touch
        else None
    )
    online = order.channel != "till" and order.sold_store_id is None
    upline = await tx.fetchrow(_BROUGHT, touch["owner_id"]) if touch and touch["owner_kind"] == "member" else None
    upline_id = upline["owner_id"] if upline and upline["owner_kind"] == "member" else None
    facts = Facts(
        member_id=order.member_id,
        order_id=order.id,
        placed_at=order.placed_at,
        tier=member["tier"] if member else "",
        online=online,
        seller_id=seller_id,
        seller_store_id=seller_store_id,
        guide=Guided(binding_id=bound.id, guide_id=bound.guide_id, store_id=bound.store_id) if bound else None,
        touch=touched,
        second_id=upline_id if upline_id and await settlement.live_sign_off(tx) else None,
        upline_id=upline_id,
        regions=_regions(order) if online else [],
        brought_store_id=(brought["store_id"] if brought else None) or (member["home_store_id"] if member else None),
    )
    odd = flag.Odd(
        own_device=bool(touch and touch["own_device"]),
        guides_device=bound is not None and "guides_device" in bound.flags,
    )
    return await flag.at_first(tx, order, facts, odd)


def _regions(order: orders.Order) -> list[str]:
    """The regions that an order is delivered into, the nearest first; none where no shop of ours is near, or where it
    is collected."""
    if order.address is None:
        return []
    chain = directory.current()
    region_id = chain.region_of(str(order.address["province"]), str(order.address["city"]))
    return [chain.regions[each].code for each in chain.regions_above(region_id)] if region_id else []


async def _seller(tx: Tx, order: orders.Order) -> tuple[UUID | None, UUID | None]:
    """Who sold it across the counter, and where; nobody for what was ordered online."""
    if order.sold_store_id is not None:
        sold_by: UUID | None = await tx.fetchval(
            "SELECT sold_by FROM orders WHERE member_id = $1 AND id = $2", order.member_id, order.id
        )
        return sold_by, order.sold_store_id
    if order.channel != "till":
        return None, None
    actor: str | None = await tx.fetchval(
        """SELECT actor FROM order_events WHERE member_id = $1 AND order_id = $2 AND kind = 'sold'
           ORDER BY id LIMIT 1""",
        order.member_id,
        order.id,
    )
    kind, _, name = (actor or "").partition(":")
    return UUID(name) if kind == "staff" else None, order.store_id
