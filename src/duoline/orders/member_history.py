"""What orders tell of a member: placed, handed over, sent, returned, and what came to nothing."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, SHOPS, Part

SEEN = f"({EVERYTHING} OR o.location_ids && {SHOPS} OR o.store_id = ANY ({SHOPS}) OR o.sold_store_id = ANY ({SHOPS}))"
"""An order `o` that whoever has the scope of $1 and $2 may see."""

WHOLE = f"({EVERYTHING} OR o.location_ids <@ {SHOPS})"
"""An order `o` of which they may see everything."""

KINDS = ("handed_over", "shipped", "delivered", "cancelled", "expired", "uncollected")
"""Events of an order's story that are news of its member, as in the index `order_events_member_ix`."""

_LISTED = ", ".join(f"'{kind}'" for kind in KINDS)
_ORDER = "JOIN orders o ON o.member_id = t.member_id AND o.id = t.order_id"

HISTORY = (
    Part(
        "order",
        "orders o",
        "o.member_id",
        "o.placed_at",
        "o.id",
        {
            "event": "CASE o.channel WHEN 'till' THEN 'sold' ELSE 'placed' END",
            "order_id": "o.id",
            "amount_minor": f"CASE WHEN {WHOLE} THEN o.total_minor END",
            "place": "coalesce(o.sold_store_id, o.store_id)",
        },
        where=SEEN,
    ),
    Part(
        "order",
        f"order_events t {_ORDER}",
        "t.member_id",
        "t.at",
        "t.id",
        {"event": "t.kind", "order_id": "t.order_id", "actor": "t.actor"},
        where=f"t.kind IN ({_LISTED}) AND {WHOLE}",
    ),
    Part(
        "order",
        f"returns t {_ORDER}",
        "t.member_id",
        "t.at",
        "t.id",
        {
            "event": "'returned'",
            "order_id": "t.order_id",
            "amount_minor": "t.refund_minor",
            "place": "t.location_id",
            "actor": "t.actor",
        },
        where=f"({WHOLE} OR t.location_id = ANY ({SHOPS}))",
    ),
)
