"""Prices on the shelves of shops, read together: what `duo_price` would find for each of them, now and before long."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection

    from duoline.kernel.db import Database, Tx

ShelfPrice = tuple[UUID, UUID, str, int, datetime, datetime | None]
"""[SKU, scope, channel, price in minor units, from, until]."""

SHELF_PRICES_JSON = """
(SELECT coalesce(json_agg(json_build_array(p.sku_id, p.scope_id, p.channel, p.price_minor,
                                           lower(p.valid), upper(p.valid))), '[]')
 FROM (SELECT o.*, bool_or(o.scope <> 'chain') OVER (PARTITION BY o.sku_id) AS differs
       FROM unnest($skus::uuid[]) AS k(sku_id),
            -- OFFSET keeps the planner from beginning with the period, in which nearly every price of the chain holds.
            LATERAL (SELECT * FROM prices q WHERE q.sku_id = k.sku_id OFFSET 0) o
       WHERE o.channel IN ('*', 'till') AND o.tier = '' AND o.valid && $period) p
 WHERE p.differs)
"""
"""The till's prices of `$skus` that hold at some time of `$period`, each a `ShelfPrice`.

Nothing of an article for which no shop or region has a price of its own then: it costs the same on every shelf.
"""

_READ = f"SELECT {SHELF_PRICES_JSON}::text".replace("$skus", "$1").replace("$period", "tstzrange($2, $3)")
_decode = msgspec.json.Decoder(list[ShelfPrice])


async def shelf_prices(
    db: Database | Tx, sku_ids: Collection[UUID], since_at: datetime, until_at: datetime
) -> list[ShelfPrice]:
    """The same by itself, for whoever reads nothing else with it."""
    return _decode.decode(await db.fetchval(_READ, list(sku_ids), since_at, until_at))
