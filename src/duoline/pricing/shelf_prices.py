"""Prices on the shelves of shops, read together: what `duo_price` would find for each of them, now and before long."""

from __future__ import annotations

SHELF_PRICES_JSON = """
(SELECT coalesce(json_agg(json_build_array(p.sku_id, p.scope_id, p.channel, p.price_minor,
                                           lower(p.valid), upper(p.valid))), '[]')
 FROM (SELECT o.*, bool_or(o.scope <> 'chain') OVER (PARTITION BY o.sku_id) AS differs
       FROM unnest($skus::uuid[]) AS k(sku_id),
            -- OFFSET keeps the planner from beginning with the period, in which nearly every price of the chain holds.
            LATERAL (SELECT * FROM prices q WHERE q.sku_id = k.sku_id OFFSET 0) o
       WHERE o.channel IN ('*', 'till') AND o.valid && $period) p
 WHERE p.differs)
"""
"""The till's prices of `$skus` that hold at some time of `$period`: [SKU, scope, channel, price, from, until].

Nothing of an article for which no shop or region has a price of its own then: it costs the same on every shelf.
"""
