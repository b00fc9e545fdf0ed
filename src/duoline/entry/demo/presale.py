"""The pre-sale of the demo chain: its dearest article, a deposit now, the rest in a week."""

from __future__ import annotations

import hashlib
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from duoline.entry.demo.offers import FORMULA
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import derived_id
from duoline.kernel.text import Text
from duoline.pricing.presales import Presale, save
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database

# Never formula for infants (see `offers`).
_ARTICLE = """
SELECT k.id, r.price_minor
FROM categories c JOIN products p ON p.category_id = c.id AND p.state = 'published'
JOIN skus k ON k.product_id = p.id AND k.state = 'active'
JOIN prices r ON r.sku_id = k.id AND r.scope = 'chain' AND r.channel = '*' AND r.valid @> $1::timestamptz
WHERE NOT c.code = ANY ($2)
ORDER BY r.price_minor DESC, k.code LIMIT 1
"""


async def add_presale(db: Database, size: Size) -> None:
    """Keep it, unless it is there or the chain has nothing for it."""
    presale_id = derived_id(hashlib.sha256(f"demo presale {size.seed}".encode()).digest())
    article = await db.fetchrow(_ARTICLE, size.now, list(FORMULA))
    if article is None or await db.fetchval("SELECT true FROM presales WHERE id = $1", presale_id):
        return
    midnight = datetime.combine(size.today, time(), ZoneInfo(CHAIN_ZONE))
    price = max(1000, article["price_minor"] * 9 // 10 // 1000 * 1000)
    presale = Presale(
        id=presale_id,
        version=1,
        sku_id=article["id"],
        name=Text("新品预售", "New: on pre-sale"),
        price_minor=price,
        deposit_minor=max(100, price // 10 // 1000 * 1000),
        currency="CNY",
        deposit_from=midnight,
        deposit_until=midnight + timedelta(days=6),
        balance_from=midnight + timedelta(days=7),
        balance_until=midnight + timedelta(days=14),
        expected_on=size.today + timedelta(days=7),
        units_max=200,
        member_max=2,
        delivery=True,
        pickup="all",
        store_ids=[],
        cancel_terms="until_balance",
        unpaid_terms="kept",
    )
    async with db.begin() as tx:
        await save.add(tx, presale, reason="", actor=SYSTEM)
