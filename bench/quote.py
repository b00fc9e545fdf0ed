"""`python -m bench.quote`: how long promotions take, for a cart of 20 lines and for a page of 20 articles.

One process, CPU time, no database: the engine alone, with what it remembers of articles warm. 200 promotions of all
kinds hold, over products, brands, categories and the whole basket, with stack groups and exclusive ones. Half of the
carts are drawn from all of the shop, half from two departments, where offers meet more. `--quick` writes nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from duoline.kernel.text import Text
from duoline.pricing.promotions import compile_promotions, price_basket, price_each, rivals
from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    Choice,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    Item,
    Part,
    PercentOff,
    Place,
    Promotion,
    Situation,
    Step,
    Threshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from duoline.pricing.promotions.types import Effect

RESULTS = Path(__file__).parent / "results" / "quote.json"
AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
PROMOTIONS, LINES, ROOTS, LEAVES, BRANDS, PRODUCTS = 200, 20, 12, 60, 80, 800
SITUATION = Situation(AT, "mall")


class Article(NamedTuple):
    """What promotions know of a SKU, and what it costs."""

    sku_id: UUID
    product_id: UUID
    category_id: UUID
    brand_id: UUID
    price_minor: int
    root: int


class Shop:
    """A catalogue of 12 departments with five categories each, and the promotions in it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.roots = self._ids(ROOTS)
        self.leaves = self._ids(LEAVES)
        self.brands = self._ids(BRANDS)
        self.below = {root: [root, *self.leaves[n * 5 : n * 5 + 5]] for n, root in enumerate(self.roots)}
        self.articles = [article for _ in range(PRODUCTS) for article in self._product()]
        self.products = sorted({article.product_id for article in self.articles})

    def _ids(self, count: int) -> list[UUID]:
        return [UUID(int=self.random.getrandbits(128)) for _ in range(count)]

    def _product(self) -> list[Article]:
        leaf = self.random.randrange(LEAVES)
        # A department has some twenty brands.
        brand = self.brands[(leaf // 5 * 7 + int(self.random.paretovariate(0.8))) % BRANDS]
        price = max(300, int(self.random.lognormvariate(8.4, 0.8)) // 100 * 100 - 10)
        product = self._ids(1)[0]
        return [Article(sku, product, self.leaves[leaf], brand, price, leaf // 5) for sku in self._ids(2)]

    def promotions(self) -> list[Promotion]:
        """60 of categories, 16 of departments, 50 of brands, 69 of products, 5 of the whole basket."""
        drawn = self.random
        made = [self._made(Choice(categories=frozenset([leaf])), self._wide(5_000)) for leaf in self.leaves]
        made += [
            self._made(Choice(categories=frozenset([drawn.choice(self.roots)])), self._wide(20_000)) for _ in range(16)
        ]
        made += [
            self._made(Choice(brands=frozenset([brand])), self._wide(5_000)) for brand in drawn.sample(self.brands, 50)
        ]
        for _ in range(69):
            chosen = frozenset(drawn.sample(self.products, drawn.randint(1, 6)))
            made.append(self._made(Choice(products=chosen), self._narrow()))
        steps = (Step(from_minor=30_000, off_minor=3_000), Step(from_minor=60_000, off_minor=8_000))
        last = {"priority": 200}
        made += [
            self._made(Choice(), Threshold(steps=steps), **last),
            self._made(
                Choice(), Threshold(steps=(Step(from_minor=80_000, off_minor=5_000),), times=0, before=True), **last
            ),
            self._made(Choice(), Threshold(steps=(Step(from_units=30, off_bp=500),)), **last),
            self._made(Choice(), FreeDelivery(from_minor=9_900), **last),
            self._made(Choice(), FreeDelivery(from_minor=19_900, before=True), priority=100),
        ]
        assert len(made) == PROMOTIONS
        return made

    def _made(self, of: Choice, effect: Effect, *, priority: int | None = None) -> Promotion:
        drawn = self.random
        plain = not of.everything
        return Promotion(
            id=self._ids(1)[0], version=1, name=Text("优惠", "Offer"), from_at=AT, of=of, effect=effect,
            priority=drawn.choice([100, 100, 100, 110, 120]) if priority is None else priority,
            group=drawn.choice(["brand day", "clearance", "season"]) if plain and drawn.random() < 0.25 else "",
            exclusive=plain and drawn.random() < 0.02,
        )  # fmt: skip

    def _wide(self, usual: int) -> Effect:
        """An offer on many articles."""
        drawn = self.random
        made: list[Callable[[], Effect]] = [
            lambda: PercentOff(off_bp=drawn.choice([500, 1_000, 1_200, 2_000])),
            lambda: PercentOff(off_bp=drawn.choice([500, 1_000, 1_500])),
            lambda: Threshold(steps=(Step(from_minor=3 * usual, off_minor=usual // 2),), times=drawn.choice([0, 1])),
            lambda: Threshold(steps=(Step(from_minor=usual, off_minor=usual // 10), Step(from_minor=2 * usual, off_minor=usual // 3))),
            lambda: Threshold(steps=(Step(from_units=2, off_bp=500), Step(from_units=3, off_bp=1_000))),
            lambda: EveryNth(n=drawn.choice([2, 3]), off_bp=drawn.choice([5_000, 10_000])),
            lambda: AmountOff(off_minor=usual // 10),
            lambda: BuyGet(buy_units=2, get=Choice(products=frozenset(drawn.sample(self.products, 5)))),
        ]  # fmt: skip
        return drawn.choice(made)()

    def _narrow(self) -> Effect:
        """An offer on few articles."""
        drawn = self.random
        made: list[Callable[[], Effect]] = [
            lambda: FixedPrice(price_minor=drawn.randint(10, 60) * 100 - 10),
            lambda: AmountOff(off_minor=drawn.randint(2, 20) * 100, each=True),
            lambda: PercentOff(off_bp=drawn.choice([1_000, 2_000, 3_000])),
            lambda: EveryNth(n=2, off_bp=5_000),
            lambda: EveryNth(n=3),
            lambda: Bundle(
                parts=tuple(Part(of=Choice(products=frozenset(drawn.sample(self.products, 20)))) for _ in range(2)),
                price_minor=6_900,
            ),
        ]
        return drawn.choice(made)()

    def cart(self, departments: int) -> list[Item]:
        """20 lines of so many departments."""
        drawn = self.random
        chosen = set(drawn.sample(range(ROOTS), departments))
        articles = drawn.sample([article for article in self.articles if article.root in chosen], LINES)
        place = Place(None, frozenset(), 5, 720)
        return [
            Item(
                str(article.sku_id), *article[:4], drawn.choice([1, 1, 1, 2, 3]), article.price_minor, "delivery", place
            )
            for article in articles
        ]


class Beyond(logging.Handler):
    """Counts clusters that were too large to be searched to the end."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def measure(seed: int, carts: int) -> dict[str, float]:
    """Figures of so many carts and pages."""
    shop = Shop(seed)
    live = compile_promotions(shop.promotions(), shop.below)
    baskets = [shop.cart(departments=(12, 2)[n % 2]) for n in range(carts)]
    touched = [
        sum(1 for rank, _ in live.touching(item) if not live.rules[rank].delivers)
        for basket in baskets
        for item in basket
    ]
    beyond = Beyond()
    rivals.log.addHandler(beyond)
    rivals.log.setLevel(logging.INFO)
    for basket in baskets:
        price_basket(live, basket, SITUATION)
    rivals.log.removeHandler(beyond)
    rivals.log.setLevel(logging.WARNING)
    gc.collect()
    gc.freeze()
    took, applied = [], []
    for basket in baskets:
        began = time.process_time_ns()
        priced = price_basket(live, basket, SITUATION)
        took.append((time.process_time_ns() - began) / 1e6)
        applied.append(len(priced.applied))
    listed = []
    for basket in baskets:
        singles = [item._replace(quantity=1) for item in basket]
        began = time.process_time_ns()
        price_each(live, singles, SITUATION)
        listed.append((time.process_time_ns() - began) / 1e6)
    return {
        "quote_p50_ms": round(statistics.median(took), 2),
        "quote_p99_ms": round(statistics.quantiles(took, n=100)[98], 2),
        "quote_all_departments_p50_ms": round(statistics.median(took[::2]), 2),
        "quote_two_departments_p50_ms": round(statistics.median(took[1::2]), 2),
        "list_p50_ms": round(statistics.median(listed), 2),
        "list_p99_ms": round(statistics.quantiles(listed, n=100)[98], 2),
        "promotions": PROMOTIONS,
        "lines": LINES,
        "line_touched_by": round(statistics.mean(touched), 1),
        "applied": round(statistics.mean(applied), 1),
        "carts": carts,
        "not_searched_to_the_end": beyond.count,
    }


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(prog="bench.quote", description=__doc__)
    options.add_argument("--carts", type=int, default=1_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="nothing is written")
    asked = options.parse_args()
    load = round(os.getloadavg()[0], 1)
    figures = measure(asked.seed, asked.carts)
    print(json.dumps(figures, indent=2), flush=True)
    if not asked.quick:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=RESULTS.parent
        ).stdout.strip()
        stamp = {
            "commit": commit,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
            "load_before": load,
        }
        RESULTS.write_text(json.dumps({**stamp, **figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
