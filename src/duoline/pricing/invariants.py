"""What must always hold of prices. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "PRC-1",
        "No two prices of one SKU, scope and channel are valid at the same time.",
        """SELECT a.id, b.id AS other FROM prices a
           JOIN prices b ON b.sku_id = a.sku_id AND b.scope_id = a.scope_id AND b.channel = a.channel
                        AND b.id > a.id AND b.valid && a.valid""",
    ),
]
