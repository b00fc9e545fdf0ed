"""Price tags: what the products of a list cost with offers, asked once the list is there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline.channels.http import doors
from duoline.channels.http.sessions import Visitor
from duoline.channels.mall.cards import StoreCode as NearStore
from duoline.channels.mall.offer import chosen
from duoline.flows import price_tags as tags
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.stores.directory import Chain

PRODUCTS_MAX = 60

Codes = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=60)]],
    Parameter(description="Codes of products, at most 60.", min_items=1, max_items=PRODUCTS_MAX),
]


class Tag(msgspec.Struct, frozen=True):
    """A promotion worth naming; `alone` when it counts for a single unit already."""

    promotion_id: UUID
    name: Text
    alone: bool


class SkuOffer(msgspec.Struct, frozen=True):
    """A variant that costs less with offers: one unit before and after."""

    sku_id: UUID
    price: Money
    net: Money


class ProductOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The lowest price of a unit with offers (`net`), what it costs without (`price`), and at most three promotions,
    those that count for one unit first. `skus` are the variants that cost less."""

    product_code: str
    price: Money
    net: Money
    tags: list[Tag]
    skus: list[SkuOffer]


class ProductOffers(msgspec.Struct, frozen=True):
    """In the order asked; products that are not for sale are left out."""

    items: list[ProductOffer]


@get("/api/mall/offers", opt=doors.public(near=doors.SHARED, products=doors.SHARED))
async def list_offers(
    db: Database, chain: Chain, visitor: Visitor, products: Codes, near: NearStore = None
) -> ProductOffers:
    """What products cost the visitor's tier with offers, collected at the store `near` or else delivered.

    Coupons, first orders and what one member may have count for nobody here.
    """
    store = chosen(chain, near)
    if store is not None and not store.services.pickup:
        store = None
    found = await tags.price_tags(db, chain, store, products, at=clock.now(), tier=visitor.tier)
    return ProductOffers([_shown(tag) for tag in found])


def _shown(tag: tags.PriceTag) -> ProductOffer:
    def money(minor: int) -> Money:
        return Money(minor, tag.currency)

    cheapest = tag.skus[0]
    return ProductOffer(
        product_code=tag.product_code,
        price=money(cheapest.price_minor),
        net=money(cheapest.net_minor),
        tags=[Tag(one.id, one.name.filled, alone=n < tag.alone) for n, one in enumerate(tag.named)],
        skus=[
            SkuOffer(sku.sku_id, money(sku.price_minor), money(sku.net_minor))
            for sku in tag.skus
            if sku.net_minor < sku.price_minor
        ],
    )


ROUTES = [list_offers]
