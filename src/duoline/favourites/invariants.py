"""What must always hold of kept units. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "FAV-1",
        "A hold for a favourite is one unit whose member is on record, and was given back if an order used it.",
        """SELECT h.location_id, h.id, h.state, h.quantity, f.member_id, f.order_id
           FROM holds h LEFT JOIN favourite_holds f ON f.location_id = h.location_id AND f.id = h.id
           WHERE h.ref_kind = 'favourite'
             AND (f.id IS NULL OR h.quantity <> 1 OR h.sku_id <> f.sku_id OR h.ref_id <> f.favourite_id
                  OR h.expires_at IS DISTINCT FROM f.expires_at
                  OR (f.order_id IS NOT NULL AND h.state <> 'released') OR h.state = 'taken')
           UNION ALL
           SELECT f.location_id, f.id, h.state, h.quantity, f.member_id, f.order_id
           FROM favourite_holds f JOIN holds h ON h.location_id = f.location_id AND h.id = f.id
           WHERE h.ref_kind <> 'favourite'""",
    ),
]
