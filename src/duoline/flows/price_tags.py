"""The price tags of articles in a list: what a unit costs with the offers that count for a tier of members, and which.

One statement reads facts, prices and what is used of limited promotions; the rest is arithmetic. What asks for a
coupon, a first order or how often somebody had it counts for nobody here, because nobody is asked who they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from duoline.flows.places import region_path
from duoline.pricing.promotions import book
from duoline.pricing.promotions.tags import tag_each
from duoline.pricing.promotions.types import Item, Situation
from duoline.pricing.promotions.uses import USED_JSON, Used
from duoline.pricing.promotions.where import place_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.kernel.db import Database
    from duoline.pricing.promotions import Live
    from duoline.pricing.promotions.tags import Tagged
    from duoline.pricing.promotions.types import Promotion
    from duoline.stores.directory import Chain
    from duoline.stores.types import Store

NAMED_MAX = 3
"""So many promotions are named of a product."""


class TaggedSku(NamedTuple):
    """A unit of a SKU: before and with offers, in minor units."""

    sku_id: UUID
    price_minor: int
    net_minor: int


class PriceTag(NamedTuple):
    """A product: its SKUs, the cheapest with offers first, and the promotions worth naming, with how many of them count
    for one unit alone."""

    product_code: str
    currency: str
    skus: Sequence[TaggedSku]
    named: Sequence[Promotion]
    alone: int


class _Row(msgspec.Struct, array_like=True):
    product_code: str
    sku_id: UUID
    sku_code: str
    product_id: UUID
    category_id: UUID
    brand_id: UUID | None
    price_minor: int
    currency: str


class _Read(msgspec.Struct):
    skus: list[_Row]
    used: list[Used]


_READ = """
SELECT json_build_object(
  'skus', (SELECT coalesce(json_agg(json_build_array(
                      p.code, s.id, s.code, p.id, p.category_id, p.brand_id, c.price_minor, c.currency)), '[]')
           FROM products p JOIN skus s ON s.product_id = p.id,
                LATERAL duo_price(s.id, $2, $3, 'mall', $4, $6) c
           WHERE p.code = ANY ($1) AND p.state = 'published' AND s.state = 'active'),
  'used', USED
)::text
""".replace("USED", USED_JSON.replace("$member", "NULL::uuid").replace("$limited", "$5"))
_decode = msgspec.json.Decoder(_Read).decode


async def price_tags(
    db: Database, chain: Chain, store: Store | None, product_codes: Sequence[str], *, at: datetime, tier: str
) -> list[PriceTag]:
    """The tags of these products in this order for a tier of members, collected at a store or, without one, delivered.

    What is not published or has no price has none.
    """
    live = book.current()
    regions = [] if store is None else region_path(chain, store)
    read = _decode(
        await db.fetchval(_READ, list(product_codes), store.id if store else None, regions, at, live.limited, tier)
    )
    return tags_of(chain, live, store, product_codes, read.skus, read.used, at=at, tier=tier)


def tags_of(
    chain: Chain,
    live: Live,
    store: Store | None,
    product_codes: Sequence[str],
    rows: Sequence[_Row],
    used: Sequence[Used],
    *,
    at: datetime,
    tier: str = "",
) -> list[PriceTag]:
    """The tags, from what was read."""
    place = place_at(chain, store, at)
    items = [
        Item(
            key=row.sku_code,
            sku_id=row.sku_id,
            product_id=row.product_id,
            category_id=row.category_id,
            brand_id=row.brand_id,
            quantity=1,
            unit_price_minor=row.price_minor,
            method="pickup" if store else "delivery",
            place=place,
        )
        for row in rows
    ]
    of: dict[str, list[tuple[_Row, Tagged]]] = {}
    for row, tagged in zip(rows, _within_budgets(live, items, used, at, tier), strict=True):
        of.setdefault(row.product_code, []).append((row, tagged))
    return [_tag(code, of[code]) for code in dict.fromkeys(product_codes) if code in of]


def _within_budgets(live: Live, items: Sequence[Item], used: Sequence[Used], at: datetime, tier: str) -> list[Tagged]:
    """Of a promotion whose budget has less left than it would take, nothing is taken."""
    limited = {rule.promotion.id: rule.promotion for rule in live.rules if rule.promotion.limited}
    left = {one.promotion_id: one for one in used}
    spent = frozenset(of for of, one in left.items() if of in limited and one.spent(limited[of], known=False))
    while True:
        tagged = tag_each(live, items, Situation(at, "mall", spent=spent, tier=tier))
        over = {
            applied.promotion.id
            for one in tagged
            for applied in one.alone
            if (budget := applied.promotion.budget_minor) is not None
            and applied.promotion.id in left
            and left[applied.promotion.id].used_minor + applied.amount_minor > budget
        }
        if not over:
            return tagged
        spent |= over


def _tag(code: str, found: list[tuple[_Row, Tagged]]) -> PriceTag:
    found = sorted(found, key=lambda one: (one[1].net_minor, one[0].price_minor, one[0].sku_code))
    alone = {one.promotion.id: one.promotion for _, tagged in found for one in tagged.alone}
    more = {promotion.id: promotion for _, tagged in found for promotion in tagged.more}
    later = sorted((one for one in more.values() if one.id not in alone), key=lambda one: (one.priority, one.id))
    return PriceTag(
        product_code=code,
        currency=found[0][0].currency,
        skus=[TaggedSku(row.sku_id, row.price_minor, tagged.net_minor) for row, tagged in found],
        named=[*alone.values(), *later][:NAMED_MAX],
        alone=len(alone),
    )
