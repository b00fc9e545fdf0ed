"""What the demo chain has sold in the last days, as rows of the import dictionary."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from duoline.entry.demo.goods import products
from duoline.entry.demo.shops import shops
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from duoline.entry.demo.goods import Product
    from duoline.entry.demo.size import Size

PRESENT = (
    "order_code",
    "line_no",
    "placed_at",
    "store_code",
    "channel",
    "member_code",
    "sku_code",
    "quantity",
    "amount",
    "tender",
)

ORDERS_MAX = 60_000
A_DAY = 11  # orders of an average shop
BEST_SELLERS = 3000  # products that history is made of

# How the customers of a day come: the share of each hour, from ten in the morning to nine at night.
HOURS = dict(zip(range(10, 22), (5, 8, 9, 7, 6, 8, 11, 12, 12, 10, 8, 4), strict=True))
WEEK = (0.85, 0.8, 0.85, 0.9, 1.05, 1.35, 1.3)


def order_rows(size: Size) -> Iterator[dict[str, Any]]:
    """Rows of the kind `orders`, from the first day on; today only as far as it has come."""
    chance = size.chance("history")
    goods = list(islice(products(size), BEST_SELLERS))
    weights = list(accumulate(0.02 + product.popularity for product in goods))
    selling = [shop for shop in shops(size) if not shop.dc]
    pace = min(1.0, ORDERS_MAX / max(1, A_DAY * size.days * len(selling)))
    for back in range(size.days, -1, -1):
        day = size.today - timedelta(days=back)
        for shop in selling:
            expected = A_DAY * pace * shop.scale * WEEK[day.weekday()] * chance.uniform(0.75, 1.25)
            for n in range(int(expected + chance.random())):
                placed = _instant(chance, day)
                rows = _order(chance, size, goods, weights)
                if placed <= size.now:
                    yield from (
                        {
                            "order_code": f"H{day:%y%m%d}-{shop.code}-{n + 1:03d}",
                            "placed_at": placed,
                            "store_code": shop.code,
                            **row,
                        }
                        for row in rows
                    )


def _instant(chance: Random, day: Any) -> datetime:
    hour = chance.choices(list(HOURS), list(HOURS.values()))[0]
    return datetime.combine(day, time(hour, chance.randrange(60), chance.randrange(60)), ZoneInfo(CHAIN_ZONE))


def _order(chance: Random, size: Size, goods: list[Product], weights: list[float]) -> list[dict[str, Any]]:
    """The lines of one basket, with what they have in common."""
    online = chance.random() < 0.22
    known = size.members > 0 and chance.random() < (0.95 if online else 0.6)
    shared = {
        "channel": "import" if online else "till",
        "tender": "online" if online else chance.choice(("cash", "card", "card")),
        "member_code": f"M{chance.randrange(size.members) + 1:07d}" if known else None,
    }
    lines = []
    for n in range(chance.choices((1, 2, 3, 4, 6), (42, 28, 16, 9, 5))[0]):
        variant = chance.choice(chance.choices(goods, cum_weights=weights)[0].variants)
        quantity = chance.choices((1, 2, 3), (80, 15, 5))[0]
        lines.append(
            {
                **shared,
                "line_no": n + 1,
                "sku_code": variant.code,
                "quantity": quantity,
                "amount": str(Decimal(variant.price_minor * quantity) / 100),
            }
        )
    return lines
