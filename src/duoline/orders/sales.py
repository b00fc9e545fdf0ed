"""What orders come to that somebody is credited with: one rule for every figure of who brought or looked after what."""

from __future__ import annotations


def sales_of(order: str) -> str:
    """A lateral row of an order by its alias: `units` and `minor` of the goods that are sold and stay sold.

    Sold is what was paid online, or has been handed over; what was called off or came back is out of it, and so are
    orders that wait for their payment or balance. Goods after offers, in minor units: no fee for delivery. An order
    counts when any of its units do, as it does for settlement (`flows/credit.py`).
    """
    return f"""LATERAL (
        SELECT coalesce(sum(k.units), 0)::integer AS units,
               coalesce(sum(duo_value(sold_l.net_minor, sold_l.quantity, k.units)), 0)::bigint AS minor
        FROM order_lines sold_l
        CROSS JOIN LATERAL (
            SELECT CASE WHEN {order}.state IN ('confirmed', 'completed') AND {order}.pay_mode = 'online'
                        THEN sold_l.quantity - sold_l.cancelled ELSE sold_l.handed END - sold_l.returned AS units) k
        WHERE sold_l.member_id = {order}.member_id AND sold_l.order_id = {order}.id)"""  # noqa: S608 - our own text
