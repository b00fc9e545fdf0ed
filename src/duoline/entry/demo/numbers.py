"""Prices, stock and members of the demo chain, as rows of the import dictionary."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from duoline.entry.demo.goods import Product, pretty, products
from duoline.entry.demo.shops import Shop, shops
from duoline.entry.demo.words import FAMILY_NAMES, GIVEN_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from duoline.entry.demo.size import Size

PRICE_PRESENT = ["sku_code", "scope", "scope_code", "price", "valid_from", "valid_to", "reason"]
STOCK_PRESENT = ["store_code", "sku_code", "on_hand", "safety", "shelf"]
MEMBER_PRESENT = ["code", "phone", "name", "locale", "home_store_code", "joined_at"]

FIRST_PHONE = 19_900_000_001
"""Members have the numbers from +86 199 0000 0001 on: plainly made up, and the codes never leave the machine."""


def price_rows(size: Size) -> Iterator[dict[str, Any]]:
    """The chain's price of every SKU, and the dated exceptions of some regions and shops."""
    chance = size.chance("prices")
    places = [shop for shop in shops(size) if not shop.dc]
    areas = sorted({shop.region for shop in places})
    start = datetime.combine(size.today - timedelta(days=60), time(), UTC)
    for product in products(size):
        cheaper = _exception(chance, size, places, areas)
        for variant in product.variants:
            yield {"sku_code": variant.code, "scope": "chain", "price": _yuan(variant.price_minor), "valid_from": start}
            if cheaper is not None:
                lower = pretty(variant.price_minor / 100 * cheaper["_rate"])
                if lower < variant.price_minor:
                    yield {"sku_code": variant.code, "price": _yuan(lower), **cheaper}


def _exception(chance: Random, size: Size, places: list[Shop], areas: list[str]) -> dict[str, Any] | None:
    """One product in twelve is cheaper in a region or in a shop for some weeks."""
    dice = chance.random()
    if dice > 1 / 12:
        return None
    begins = datetime.combine(size.today - timedelta(days=chance.randrange(2, 20)), time(), UTC)
    found = {
        "valid_from": begins,
        "valid_to": begins + timedelta(days=chance.choice((14, 30, 60))),
        "_rate": chance.choice((0.8, 0.88, 0.9)),
    }
    if dice > 1 / 40:
        return found | {"scope": "region", "scope_code": chance.choice(areas), "reason": "区域促销"}
    return found | {"scope": "store", "scope_code": chance.choice(places).code, "reason": "门店清仓"}


def _yuan(minor: int) -> str:
    return str(Decimal(minor) / 100)


def stock_rows(size: Size) -> Iterator[dict[str, Any]]:
    """Opening stock, product by product: deep where it sells, out of some sizes, and all of it in the warehouses.

    Each shop stocks a selection of its own, larger in larger shops; sizes in the middle of a scale go first.
    """
    chance = size.chance("stock")
    places = shops(size)
    selling = [shop for shop in places if not shop.dc]
    warehouses = [shop for shop in places if shop.dc]
    share = min(0.95, size.per_store / size.skus)
    for product in products(size):
        for n, variant in enumerate(product.variants):
            for shop in warehouses:
                deep = int(40 + 400 * product.popularity * chance.random())
                yield _stock(shop, variant.code, 0 if chance.random() < 0.02 else deep, chance, place=n)
        here = _stocking(chance, selling, share)
        for shop in here:
            yield from _shelf(chance, product, shop)


def _stocking(chance: Random, selling: list[Shop], share: float) -> list[Shop]:
    """The shops that carry a product. With many shops the number is drawn, not a coin for each."""
    if len(selling) <= 60:
        return [shop for shop in selling if chance.random() < share * (0.6 + 0.4 * shop.scale)]
    count = min(len(selling), int(share * len(selling) + chance.random()))
    return chance.sample(selling, count)


def _shelf(chance: Random, product: Product, shop: Shop) -> Iterator[dict[str, Any]]:
    middle = (len(product.variants) - 1) / 2
    # What costs much stands on the shelf once or twice.
    depth = (3 + 22 * product.popularity) * shop.scale * min(1.0, 30_000 / product.variants[0].price_minor + 0.08)
    for n, variant in enumerate(product.variants):
        sold_out = 0.05 + 0.16 * product.popularity * (1 - abs(n - middle) / (middle + 1))
        count = 0 if chance.random() < sold_out else max(1, round(depth * chance.uniform(0.3, 1.5)))
        yield _stock(shop, variant.code, count, chance, place=n)


def _stock(shop: Shop, sku: str, count: int, chance: Random, *, place: int) -> dict[str, Any]:
    return {
        "store_code": shop.code,
        "sku_code": sku,
        "on_hand": count,
        "safety": 1 if count > 4 and chance.random() < 0.15 else 0,
        "shelf": f"{'ABCDEFGH'[place % 8]}-{chance.randrange(1, 25):02d}-{chance.randrange(1, 6)}",
    }


def member_rows(size: Size) -> Iterator[dict[str, Any]]:
    """Members, each with a shop nearby."""
    chance = size.chance("members")
    selling = [shop.code for shop in shops(size) if not shop.dc]
    weights = list(range(1, len(selling) + 1))
    for n in range(size.members):
        joined = size.today - timedelta(days=chance.randrange(1, 1400))
        yield {
            "code": f"M{n + 1:07d}",
            "phone": f"+86{FIRST_PHONE + n}",
            "name": chance.choice(FAMILY_NAMES) + chance.choice(GIVEN_NAMES),
            "locale": "en" if chance.random() < 0.03 else "zh",
            "home_store_code": chance.choices(selling, cum_weights=weights)[0],
            "joined_at": datetime.combine(joined, time(chance.randrange(1, 13), chance.randrange(60)), UTC),
        }


def spaced_phone(phone: str) -> str:
    """A number as a person reads it: +86 199 0000 0001."""
    return re.sub(r"^\+86(\d{3})(\d{4})(\d{4})$", r"+86 \1 \2 \3", phone)
