"""Prices on the shelves of shops, read together: what `duo_price` would find for each of them, now and before long."""

from __future__ import annotations

SHELF_PRICES_JSON = """
(SELECT coalesce(json_agg(json_build_array(p.sku_id, p.scope_id, p.channel, p.price_minor,
                                           lower(p.valid), upper(p.valid))), '[]')
 FROM prices p
 WHERE p.sku_id = ANY ($skus::uuid[]) AND p.channel IN ('*', 'till') AND p.valid && $period
   AND EXISTS (SELECT FROM prices x
               WHERE x.sku_id = p.sku_id AND x.scope <> 'chain' AND x.channel IN ('*', 'till') AND x.valid && $period))
"""
"""The till's prices of `$skus` that hold at some time of `$period`: [SKU, scope, channel, price, from, until].

Nothing of an article for which no shop or region has a price of its own then: it costs the same on every shelf.
"""
