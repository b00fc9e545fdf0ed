"""Scan-and-go: what a member's phone has scanned in a shop, with its price and stock there."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from duoline import catalog
from duoline.catalog.scanned import sku_of
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, Header, answer
from duoline.channels.http.label import Reading, read_label
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall import count_scan
from duoline.channels.mall.cards import StoreCode
from duoline.channels.mall.offer import chosen
from duoline.flows.order_view import Image, image_of
from duoline.flows.places import region_path
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores import hours
from duoline.stores.directory import Chain
from duoline.stores.types import Store, StoreCard

Scan = Annotated[
    str, Parameter(min_length=1, max_length=400, description="What the camera read: digits, or a label's link.")
]


class ScannedArticle(msgspec.Struct, frozen=True, kw_only=True):
    """The variant of a label. `price` and `available` are the shop's; both are None where it is not sold, `available`
    also while it is not known which shop this is."""

    sku_id: UUID
    sku_code: str
    product_code: str
    name: Text
    options: list[dict[str, Any]]
    image: Image | None
    price: Money | None
    available: int | None


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan means: an `article`, a `product` of which a variant has to be chosen on its page, a `shop`, or
    nothing of ours. `store` is the shop it hangs in, else the one that was given; `open`: it is open now and lets
    collect."""

    kind: Literal["article", "product", "shop", "unknown"]
    store: StoreCard | None
    open: bool
    product_code: str | None
    article: ScannedArticle | None


@get("/api/mall/scanned", opt=doors.public(store=doors.SHARED))
async def read_scan(
    request: Request[Any, Any, Any],
    settings: Settings,
    db: Database,
    chain: Chain,
    visitor: Visitor,
    text: Scan,
    store: StoreCode = None,
) -> Answer[Scanned]:
    """What a scan means in a shop. The QR of a shop's label is counted as its touchpoint; bars are the maker's."""
    read = read_label(text)
    shop = chosen(chain, read.store_code) or chosen(chain, store)
    at = clock.now()
    card = chain.card(shop, at=at) if shop else None
    is_open = shop is not None and shop.services.pickup and hours.open_at(shop.hours, at)
    sku_id = await _variant(db, read)
    article = await _article(db, chain, shop, sku_id, visitor.tier) if sku_id is not None else None
    product_code = article.product_code if article is not None else read.product_code
    if article is None and product_code is not None:
        known = await db.fetchval("SELECT true FROM product_docs WHERE code = $1", product_code)
        product_code = product_code if known else None
    if product_code is not None:
        headers: list[Header] = []
        if shop is not None and read.store_code == shop.code:
            _, headers = await count_scan.count_label(
                request, settings, db, chain, shop, product_code, member=visitor.member
            )
        kind: Literal["article", "product"] = "article" if article is not None else "product"
        return answer(
            Scanned(kind=kind, store=card, open=is_open, product_code=product_code, article=article), headers=headers
        )
    is_shop = read.gtin is None and read.product_code is None and read.store_code is not None and shop is not None
    named: Literal["shop", "unknown"] = "shop" if is_shop else "unknown"
    return answer(Scanned(kind=named, store=card, open=is_open, product_code=None, article=None))


async def _variant(db: Database, read: Reading) -> UUID | None:
    """The variant with these digits, or the only one of this product."""
    if read.gtin is not None:
        return await sku_of(db, read.gtin)
    if read.product_code is None:
        return None
    only: UUID | None = await db.fetchval(
        "SELECT sku_ids[1] FROM product_docs WHERE code = $1 AND cardinality(sku_ids) = 1", read.product_code
    )
    return only


async def _article(db: Database, chain: Chain, shop: Store | None, sku_id: UUID, tier: str) -> ScannedArticle | None:
    """The article as that shop sells it to a tier of members; None when members may not see it."""
    facts = (await catalog.sku_facts(db, [sku_id])).get(sku_id)
    if facts is None or not facts.sellable:
        return None
    row = await db.fetchrow(
        """SELECT p.price_minor, p.currency, coalesce(duo_mall_here(l), 0) AS available,
                  $2::uuid IS NULL OR duo_listed(k.product_id, $2) AS listed
           FROM (SELECT id, product_id FROM skus WHERE id = $1) k
           LEFT JOIN LATERAL duo_price(k.id, $2, $3, 'mall', $4, $5) p ON true
           LEFT JOIN levels l ON l.location_id = $2 AND l.sku_id = k.id""",
        sku_id,
        shop.id if shop else None,
        region_path(chain, shop) if shop else [],
        clock.now(),
        tier,
    )
    if row is None:  # a row is always found: its parts may be missing
        return None
    priced = row["listed"] and row["price_minor"] is not None
    return ScannedArticle(
        sku_id=facts.sku_id,
        sku_code=facts.sku_code,
        product_code=facts.product_code,
        name=Text(facts.name.zh, facts.name.en),
        options=[msgspec.to_builtins(choice) for choice in facts.options],
        image=image_of(facts.image_sha),
        price=Money(row["price_minor"], row["currency"]) if priced else None,
        available=min(99, row["available"]) if priced and shop else None,
    )


ROUTES = [read_scan]
